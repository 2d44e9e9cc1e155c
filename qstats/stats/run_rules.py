r"""Nelson's eight rules: patterns of points that are unlikely by chance.

Together they raise the false-alarm rate: rule 1 alone signals one point in 370, the eight together about one
in 60. So rules are chosen, not piled up.

References
----------
Nelson (1984), The Shewhart control chart: tests for special causes, Journal of Quality Technology 16(4),
237–239.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

RULES: Final = (1, 2, 3, 4, 5, 6, 7, 8)
#: points that each rule looks at
SPAN: Final = (1, 9, 6, 14, 3, 5, 15, 8)


def nelson(z: ArrayLike, *, rules: Sequence[int] = RULES) -> Mask:
    """Say at which points each rule is completed.

    1. one point beyond 3σ;
    2. nine in a row on one side of the centre;
    3. six in a row steadily rising or falling;
    4. fourteen in a row alternating up and down;
    5. two of three beyond 2σ on the same side;
    6. four of five beyond 1σ on the same side;
    7. fifteen in a row within 1σ;
    8. eight in a row beyond 1σ, on both sides.

    Rules 5 and 6 hold for every window with enough such points, whether or not the last of them is one. All
    comparisons are strict; a pattern with a missing point is none.

    Parameters
    ----------
    z : array_like, shape (…, T)
        Standardised values.
    rules : sequence of int
        Which rules, 1 to 8.

    Returns
    -------
    ndarray of bool, shape (len(rules), …, T)
        True at the point that completes the pattern.

    Raises
    ------
    OptionError
        No rule, or one that is not from 1 to 8.

    Examples
    --------
    >>> nelson([0.5, 2.2, 0.1, 2.4, 3.5], rules=[1, 5]).tolist()
    [[False, False, False, False, True], [False, False, False, True, True]]
    """
    if not isinstance(rules, Sequence) or not rules:
        raise OptionError(f"rules={rules!r:.200} names none of Nelson's rules, 1 to 8", argument="rules")
    for rule in rules:
        one_of("rules", rule, RULES)
    z = np.asarray(z, float)
    found = np.zeros((len(rules), *z.shape), bool)
    for row, rule in zip(found, rules, strict=True):
        span = SPAN[rule - 1]
        if z.shape[-1] >= span:
            row[..., span - 1 :] = _completed(sliding_window_view(z, span, axis=-1), rule)
    return found


def _completed(w: Array, rule: int) -> Mask:
    """Return whether the points of each window (last axis) complete the rule."""
    with np.errstate(invalid="ignore"):
        if rule == 1:
            return np.asarray(np.abs(w[..., -1]) > 3, bool)
        if rule == 2:
            return np.asarray((w > 0).all(-1) | (w < 0).all(-1), bool)
        if rule in (3, 4):
            step = np.diff(w, axis=-1)
            if rule == 4:
                return np.asarray((step[..., 1:] * step[..., :-1] < 0).all(-1), bool)
            return np.asarray((step > 0).all(-1) | (step < 0).all(-1), bool)
        if rule in (5, 6):
            beyond, need = (2, 2) if rule == 5 else (1, 4)
            up, down = w > beyond, w < -beyond
            enough = [side.sum(-1) >= need for side in (up, down)]
            return np.asarray(~np.isnan(w).any(-1) & (enough[0] | enough[1]), bool)
        if rule == 7:
            return np.asarray((np.abs(w) < 1).all(-1), bool)
        return np.asarray((np.abs(w) > 1).all(-1) & (w > 1).any(-1) & (w < -1).any(-1), bool)
