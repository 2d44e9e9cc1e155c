r"""Moments of indicators with holes: every column from what is observed in it.

Units run along the second last axis, indicators along the last; any axes may lead (draws, periods). What is
found of a column has the shape (…, 1, indicators), so that it stands under the units again.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]


def indicator_array(x: ArrayLike) -> Array:
    """Return `x` as an array of (…, units, indicators).

    Raises
    ------
    DataError
        Fewer than two axes, or infinite values; the columns that hold them are named.
    """
    table = np.asarray(x, float)
    if table.ndim < 2:
        raise DataError(f"an array of shape {table.shape} has no units and indicators; reshape it to both")
    endless = np.isinf(table)
    if endless.any():
        found = columns(endless.any(-2))
        raise DataError(
            f"{int(endless.sum())} infinite values in columns {found}; correct them or make them NaN"
        )
    return table


def columns(wrong: ArrayLike) -> str:
    """Return the indices along the last axis that are true anywhere, as text."""
    mask = np.asarray(wrong, bool)
    return ", ".join(map(str, np.flatnonzero(mask.reshape(-1, mask.shape[-1]).any(0))))


def count(x: Array) -> Array:
    """Return how many units are observed."""
    return np.asarray((~np.isnan(x)).sum(-2, keepdims=True), float)


def mean(x: Array) -> Array:
    r"""Return :math:`\bar x_q = \sum_c x_{qc} / n_q`, NaN where nothing is observed.

    A second pass adds the mean of the deviations, so that the rounding of a long sum does not stay in.
    """
    known = ~np.isnan(x)
    n = np.asarray(known.sum(-2, keepdims=True), float)
    whole = known.all()
    first = _divided((x if whole else np.where(known, x, 0.0)).sum(-2, keepdims=True), n)
    d = x - first
    return first + _divided((d if whole else np.where(known, d, 0.0)).sum(-2, keepdims=True), n)


def _divided(total: Array, n: Array) -> Array:
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0), float)


def squares(x: Array) -> Array:
    r"""Return :math:`\sum_c (x_{qc} - \bar x_q)^2`."""
    d = np.nan_to_num(x - mean(x), nan=0.0)
    return np.asarray((d * d).sum(-2, keepdims=True), float)


def std(x: Array, *, ddof: int = 1) -> Array:
    r"""Return :math:`\sqrt{\sum_c (x_{qc} - \bar x_q)^2 / (n_q - \text{ddof})}`, NaN where n ≤ ddof."""
    n = count(x) - ddof
    return np.asarray(np.sqrt(_divided(squares(x), n)), float)


def extremes(x: Array) -> tuple[Array, Array]:
    """Return the least and the greatest, NaN where nothing is observed."""
    if not x.shape[-2]:
        empty = np.full((*x.shape[:-2], 1, x.shape[-1]), np.nan)
        return empty, empty.copy()
    return np.fmin.reduce(x, axis=-2, keepdims=True), np.fmax.reduce(x, axis=-2, keepdims=True)


def median(x: Array) -> Array:
    """Return the middle value, the mean of two where their number is even."""
    return percentile(x, 50.0)


def percentile(x: Array, percent: float) -> Array:
    r"""Return percentiles, linear between order statistics: position :math:`(n_q - 1)\,p/100`.

    References
    ----------
    Hyndman and Fan (1996), Sample quantiles in statistical packages, definition 7.
    """
    ordered = np.sort(x, axis=-2)
    position = np.maximum(count(x) - 1, 0) * percent / 100
    below = np.floor(position).astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    low, high = (np.take_along_axis(ordered, k, -2) for k in (below, above))
    return np.asarray(low + (high - low) * (position - below), float)


def varied(x: Array) -> NDArray[np.bool_]:
    """Return whether a column has two different values."""
    low, high = extremes(x)
    return np.asarray(high > low, bool)


def shape(x: Array) -> tuple[Array, Array]:
    r"""Return skewness and excess kurtosis of each column, adjusted for the number of units.

    .. math:: G_1 = \frac{n}{(n-1)(n-2)} \sum_c z_c^3, \qquad
              G_2 = \frac{n(n+1)}{(n-1)(n-2)(n-3)} \sum_c z_c^4 - \frac{3(n-1)^2}{(n-2)(n-3)}, \qquad
              z_c = \frac{x_c - \bar x}{s}

    Both are 0 for a normal distribution; NaN for fewer than three and four values, and for constants.

    References
    ----------
    Joanes and Gill (1998), Comparing measures of sample skewness and kurtosis, The Statistician 47.

    Examples
    --------
    >>> [G.round(6).item() for G in shape(np.array([[1.0], [2.0], [3.0], [10.0]]))]
    [1.763633, 3.228]
    """
    n = count(x)
    d = x - mean(x)
    np.copyto(d, 0.0, where=np.isnan(x))
    d2 = d * d
    sums = (np.einsum("...uq,...uq->...q", d2, by)[..., None, :] for by in (d, d2))
    varies = varied(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        s2 = d2.sum(-2, keepdims=True) / (n - 1)
        cubes, fourths = (total / s2**k for total, k in zip(sums, (1.5, 2.0), strict=True))
        G1 = n / ((n - 1) * (n - 2)) * cubes
        G2 = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourths
        G2 -= 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return np.where(varies & (n > 2), G1, np.nan), np.where(varies & (n > 3), G2, np.nan)


def correlations(x: Array, *, missing: Literal["raise", "listwise", "pairwise"] = "raise") -> Array:
    r"""Return the Pearson correlations of the indicators, shape (…, indicators, indicators).

    .. math:: r_{pq} = \frac{\sum_c (x_{pc} - \bar x_p)(x_{qc} - \bar x_q)}
              {\sqrt{\sum_c (x_{pc} - \bar x_p)^2 \sum_c (x_{qc} - \bar x_q)^2}}

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)
    missing : {"raise", "listwise", "pairwise"}
        Refuse holes; leave out units with any; or take for each pair the units that have both.

    Raises
    ------
    DataError
        There are holes and `missing` is "raise".

    Examples
    --------
    >>> correlations(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]])).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    one_of("missing", missing, ("raise", "listwise", "pairwise"))
    hole = np.isnan(x)
    if missing == "raise" and hole.any():
        raise DataError(
            f"{int(hole.sum())} values are missing in columns {columns(hole.any(-2))}; impute them, "
            "or say missing='listwise' or 'pairwise'"
        )
    if missing == "listwise":
        x = np.where(hole.any(-1, keepdims=True), np.nan, x)
    o = (~np.isnan(x)).astype(float)
    z = np.nan_to_num(x - mean(x), nan=0.0)
    o_, z_ = np.swapaxes(o, -1, -2), np.swapaxes(z, -1, -2)
    n, sums = o_ @ o, z_ @ o  # sums[p, q]: of p where q is observed
    with np.errstate(invalid="ignore", divide="ignore"):
        cross = z_ @ z - sums * np.swapaxes(sums, -1, -2) / n
        square = np.swapaxes(z**2, -1, -2) @ o - sums**2 / n
        return np.asarray(cross / np.sqrt(square * np.swapaxes(square, -1, -2)), float)
