"""p-values of many tests at once."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]
Adjustment = Literal["none", "holm", "hochberg", "bonferroni", "sidak", "bh", "by"]
ADJUSTMENT: Final = ("none", "holm", "hochberg", "bonferroni", "sidak", "bh", "by")


def adjusted(p: ArrayLike, *, method: Adjustment = "holm") -> Array:
    r"""Return p-values adjusted for the number m of tests, to be compared with the usual level.

    With :math:`p_{(1)} \le \dots \le p_{(m)}`, and the results cut at 1:

    * ``bonferroni``: :math:`m\,p`; ``sidak``: :math:`1-(1-p)^m`.
    * ``holm``: :math:`\max_{j \le i}\,(m-j+1)\,p_{(j)}`. The chance of one false finding or more is at
      most the level, whatever the dependence.
    * ``hochberg``: :math:`\min_{j \ge i}\,(m-j+1)\,p_{(j)}`, for independent or positively dependent tests.
    * ``bh``: :math:`\min_{j \ge i}\, m\,p_{(j)}/j`. The expected share of false findings among the
      findings is at most the level, for independent or positively dependent tests.
    * ``by``: the same times :math:`\sum_{j \le m} 1/j`, whatever the dependence.

    Parameters
    ----------
    p : array_like, shape (m,)
        NaN where there was no test; it stays NaN and is not counted.
    method : {"holm", "hochberg", "bonferroni", "sidak", "bh", "by", "none"}

    Returns
    -------
    ndarray, shape (m,)

    Raises
    ------
    OptionError
        A method that does not exist.
    DataError
        A value outside 0 to 1.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65–70. Hochberg (1988), Biometrika 75, 800–802.
    Benjamini & Hochberg (1995), JRSS B 57, 289–300. Benjamini & Yekutieli (2001), Annals of
    Statistics 29, 1165–1188.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03], method="holm").tolist()
    [0.03, 0.06, 0.06]
    >>> adjusted([0.01, 0.04, 0.03], method="bh").tolist()
    [0.03, 0.04, 0.04]
    """
    one_of("adjust", method, ADJUSTMENT)
    p = np.array(p, float, ndmin=1)
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise DataError(f"p-values lie between 0 and 1; found {p[known].min()} to {p[known].max()}")
    order = np.argsort(p[known], kind="stable")
    values = np.empty(order.size)
    values[order] = _sorted(p[known][order], method)
    p[known] = np.minimum(values, 1.0)
    return p


def _sorted(p: Array, method: Adjustment) -> Array:
    m = p.size
    rank = np.arange(1, m + 1)
    if method == "bonferroni":
        return np.asarray(m * p)
    if method == "sidak":
        return np.where(p == 1, 1.0, -np.expm1(m * np.log1p(-np.where(p == 1, 0.0, p))))
    if method == "holm":
        return np.asarray(np.maximum.accumulate((m - rank + 1) * p))
    if method == "hochberg":
        return _from_above((m - rank + 1) * p)
    if method in ("bh", "by"):
        return _from_above((np.sum(1 / rank) if method == "by" else 1.0) * m * p / rank)
    return p


def _from_above(values: Array) -> Array:
    return np.asarray(np.minimum.accumulate(values[::-1])[::-1])
