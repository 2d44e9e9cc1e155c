"""An old series carried over a break to the level of the new one."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]
Rule = Literal["ratio-of-sums", "mean-of-ratios", "last-overlap", "difference"]
RULE: Final = ("ratio-of-sums", "mean-of-ratios", "last-overlap", "difference")


class Link(NamedTuple):
    """Old values y become :math:`f y + a`; `std_error` is that of f, or of a by ``difference``."""

    factor: float
    shift: float
    std_error: float


def link(
    old: ArrayLike,
    new: ArrayLike,
    /,
    *,
    rule: Rule = "ratio-of-sums",
    old_error: ArrayLike = np.nan,
    new_error: ArrayLike = np.nan,
) -> Link:
    r"""Return what links an old series to a new one, from the periods t that both have.

    .. math:: f = \frac{\sum_t n_t}{\sum_t o_t},\quad \frac1T\sum_t \frac{n_t}{o_t},\quad
              \frac{n_T}{o_T}, \qquad a = \frac1T \sum_t (n_t - o_t)

    Parameters
    ----------
    old, new : array_like, shape (T,)
        o and n in the overlapping periods, in order of time.
    rule : {"ratio-of-sums", "mean-of-ratios", "last-overlap", "difference"}
    old_error, new_error : array_like
        Standard errors; the values are taken as independent.

    Returns
    -------
    Link

    Raises
    ------
    OptionError
        A rule that does not exist.
    DataError
        No overlap, or a value that is not positive where ratios are taken.

    Examples
    --------
    >>> round(link([88, 90], [79, 81]).factor, 6), link([88, 90], [79, 81], rule="difference").shift
    (0.898876, -9.0)
    """
    one_of("rule", rule, RULE)
    o, n = np.array(old, float, ndmin=1), np.array(new, float, ndmin=1)
    so, sn = np.broadcast_to(old_error, o.shape), np.broadcast_to(new_error, n.shape)
    if o.size == 0 or np.isnan(o).any() or np.isnan(n).any():
        raise DataError(f"a link needs periods that both series have; found {o.size}")
    if rule == "difference":
        return Link(1.0, float(np.mean(n - o)), float(np.sqrt(np.sum(so**2 + sn**2)) / o.size))
    if min(o.min(), n.min()) <= 0:
        raise DataError(
            f"a ratio needs positive values; found {min(o.min(), n.min())}; rule='difference' can do"
        )
    if rule == "last-overlap":
        o, n, so, sn = o[-1:], n[-1:], so[-1:], sn[-1:]
    if rule == "mean-of-ratios":
        parts, f = np.concatenate([sn / o, n / o**2 * so]) / o.size, float(np.mean(n / o))
    else:
        f = float(n.sum() / o.sum())
        parts = np.concatenate([sn, f * so]) / o.sum()
    return Link(f, 0.0, float(np.sqrt(np.sum(parts**2))))
