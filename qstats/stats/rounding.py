"""Rounding by a stated rule, on decimal digits (GB/T 8170)."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from qstats.errors import OptionError, one_of, real_number, whole_number

Rule = Literal["half-even", "half-up"]

_MODES: Final = {"half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP}
#: decimals kept before the rule is applied: enough for any figure, too few for binary noise
_GUARD: Final = 10
#: wide enough for the largest double written out in full
_EXACT: Final = Context(prec=400)


def to_decimal(x: float, /, *, digits: int, rule: Rule = "half-even") -> Decimal:
    """Round one number to `digits` decimals and return it exactly.

    The rule works on the decimal digits a reader sees. The number is first written with
    ten decimals, ``Decimal(repr(round(x, 10)))``, because a tie such as 80.985 is stored
    in binary just below itself and would never be seen as a tie; then

    - ``half-even`` (GB/T 8170, the default): a tie goes to the even digit, 80.985 → 80.98;
    - ``half-up``: a tie goes away from zero, 80.985 → 80.99, −80.985 → −80.99.

    Parameters
    ----------
    x : float
        A finite number.
    digits : int
        Decimals to keep, −300 to 9; negative digits round to tens, hundreds …
    rule : {"half-even", "half-up"}
        What a tie does.

    Returns
    -------
    decimal.Decimal
        With exactly `digits` decimals; never a negative zero.

    Raises
    ------
    OptionError
        `x` is not finite, `digits` is out of range, or `rule` does not exist.

    References
    ----------
    GB/T 8170-2008, rules of rounding off for numerical values.

    Examples
    --------
    >>> str(to_decimal(80.985, digits=2)), str(to_decimal(80.985, digits=2, rule="half-up"))
    ('80.98', '80.99')
    """
    one_of("rule", rule, tuple(_MODES))
    whole_number("digits", digits, least=-300)
    real_number("digits", digits, below=_GUARD)
    if not math.isfinite(x):
        raise OptionError(f"x={x!r} is not finite and has no decimal digits")
    written = Decimal(repr(round(float(x), _GUARD)))
    rounded = written.quantize(Decimal(1).scaleb(-digits), rounding=_MODES[rule], context=_EXACT)
    return abs(rounded) if rounded == 0 else rounded


def round_to(x: npt.ArrayLike, /, *, digits: int, rule: Rule = "half-even") -> npt.NDArray[np.float64]:
    """Round an array by the rule of :func:`to_decimal`; NaN and infinities stay.

    Parameters
    ----------
    x : array_like of float
        Numbers of any shape.
    digits, rule
        As in :func:`to_decimal`.

    Returns
    -------
    ndarray of float64
        Of the shape of `x`: the doubles nearest to the rounded decimals.

    Raises
    ------
    OptionError
        `digits` is out of range, or `rule` does not exist.

    Examples
    --------
    >>> round_to([80.985, 79.975, float("nan")], digits=2).tolist()
    [80.98, 79.98, nan]
    """
    values = np.asarray(x, dtype=np.float64)
    to_decimal(0.0, digits=digits, rule=rule)  # a wrong option is refused for an empty array too
    flat = [
        float(to_decimal(v, digits=digits, rule=rule)) if math.isfinite(v) else v
        for v in values.ravel().tolist()
    ]
    return np.array(flat, dtype=np.float64).reshape(values.shape)
