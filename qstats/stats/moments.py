r"""Moments of indicators with holes: every column from what is observed in it.

Units run along the second last axis, indicators along the last; any axes may lead (draws, periods). What is
found of a column has the shape (…, 1, indicators), so that it stands under the units again.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]
#: sums of squares between this and its inverse have fourth powers that are far from the ends of the numbers
_TINY: Final = 2.0**-400


def indicator_array(x: ArrayLike) -> Array:
    """Return `x` as an array of (…, units, indicators).

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        NaN where there is no value.

    Returns
    -------
    ndarray of float

    Raises
    ------
    DataError
        Fewer than two axes, or infinite values; the columns that hold them are named.

    Examples
    --------
    >>> indicator_array([[1, 2], [3, 4]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    table = np.asarray(x, float)
    if table.ndim < 2:
        raise DataError(f"an array of shape {table.shape} has no units and indicators; reshape it to both")
    endless = np.isinf(table)
    if endless.any():
        found = f"{int(endless.sum())} infinite values in columns {columns(endless.any(-2))}"
        raise DataError(f"{found}; correct them or make them NaN")
    return table


def columns(wrong: ArrayLike) -> str:
    """Return the indices along the last axis that are true anywhere, as text.

    Parameters
    ----------
    wrong : array_like of bool, shape (…, indicators)

    Returns
    -------
    str
        For messages.

    Examples
    --------
    >>> columns([[False, True, True], [False, True, False]])
    '1, 2'
    """
    mask = np.asarray(wrong, bool)
    return ", ".join(map(str, np.flatnonzero(mask.reshape(-1, mask.shape[-1]).any(0))))


def count(x: Array) -> Array:
    """Return how many units are observed.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    ndarray, shape (…, 1, indicators)
        n.

    Examples
    --------
    >>> count(np.array([[1.0, 5.0], [3.0, np.nan]])).tolist()
    [[2.0, 1.0]]
    """
    return np.asarray((~np.isnan(x)).sum(-2, keepdims=True), float)


def mean(x: Array) -> Array:
    r"""Return :math:`\bar x_q = \sum_c x_{qc} / n_q`, NaN where nothing is observed.

    A second pass adds the mean of the deviations, so that the rounding of a long sum does not stay in.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    ndarray, shape (…, 1, indicators)

    Examples
    --------
    >>> mean(np.array([[1.0, 5.0], [3.0, np.nan]])).tolist()
    [[2.0, 5.0]]
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
    r"""Return :math:`\sum_c (x_{qc} - \bar x_q)^2`.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    ndarray, shape (…, 1, indicators)
        0 where nothing is observed.

    Examples
    --------
    >>> squares(np.array([[1.0], [3.0], [8.0], [np.nan]])).tolist()
    [[26.0]]
    """
    return np.asarray((np.nan_to_num(x - mean(x), nan=0.0) ** 2).sum(-2, keepdims=True), float)


def deviations(x: Array) -> tuple[Array, NDArray[np.int_]]:
    r"""Return z and e with :math:`x_{qc} - \bar x_q = 2^{e_q} z_{qc}`, the largest |z| from ½ to 1.

    Powers of two do not round: where squares of deviations neither overflow nor vanish, those of z, which
    never do, give the same to the last bit.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    z, e : ndarray, shape (…, units, indicators), (…, 1, indicators)
        0 where nothing is observed.

    Examples
    --------
    >>> z, e = deviations(np.array([[1e300], [3e300]]))
    >>> z.round(3).ravel().tolist(), e.tolist()
    ([-0.747, 0.747], [[997]])
    """
    scaled, first = reduced(x, -2)
    d = scaled - mean(scaled)
    z, second = reduced(np.where(np.isnan(d), 0.0, d), -2)
    return z, first + second


def reduced(x: Array, axis: int | tuple[int, ...]) -> tuple[Array, NDArray[np.int_]]:
    """Return z and e with x = 2ᵉ z, the largest |z| along an axis (or several) from ½ to 1.

    Parameters
    ----------
    x : ndarray
    axis : int or tuple of int

    Returns
    -------
    z, e : ndarray
        NaN stays; e has the length 1 along the axis, and is 0 where all is zero.

    Examples
    --------
    >>> z, e = reduced(np.array([3.0, np.nan, -8.0]), -1)
    >>> z.tolist(), e.tolist()
    ([0.1875, nan, -0.5], [4])
    """
    e = np.frexp(np.fmax.reduce(np.abs(x), axis=axis, keepdims=True, initial=0.0))[1].astype(int)
    half = e // 2  # 2⁻ᵉ alone may be out of range
    return x * np.ldexp(1.0, -half) * np.ldexp(1.0, half - e), e


def std(x: Array, *, ddof: int = 1) -> Array:
    r"""Return :math:`\sqrt{\sum_c (x_{qc} - \bar x_q)^2 / (n_q - \text{ddof})}`, NaN where n ≤ ddof.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)
    ddof : int
        1 divides by n − 1, 0 by n.

    Returns
    -------
    ndarray, shape (…, 1, indicators)

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [8.0]])
    >>> (std(x) ** 2).round(12).tolist(), (std(x, ddof=0) ** 2 * 3).round(12).tolist()
    ([[13.0]], [[26.0]])
    """
    z, e = deviations(x)
    return np.asarray(np.ldexp(np.sqrt(_divided((z * z).sum(-2, keepdims=True), count(x) - ddof)), e), float)


def extremes(x: Array) -> tuple[Array, Array]:
    """Return the least and the greatest, NaN where nothing is observed.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    low, high : ndarray, shape (…, 1, indicators)

    Examples
    --------
    >>> low, high = extremes(np.array([[1.0, 5.0], [3.0, np.nan]]))
    >>> low.tolist(), high.tolist()
    ([[1.0, 5.0]], [[3.0, 5.0]])
    """
    if not x.shape[-2]:
        x = np.full((*x.shape[:-2], 1, x.shape[-1]), np.nan)
    return np.fmin.reduce(x, axis=-2, keepdims=True), np.fmax.reduce(x, axis=-2, keepdims=True)


def median(x: Array) -> Array:
    """Return the middle value, the mean of two where their number is even.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    ndarray, shape (…, 1, indicators)

    Examples
    --------
    >>> median(np.array([[1.0, 5.0], [3.0, np.nan], [8.0, 7.0]])).tolist()
    [[3.0, 6.0]]
    """
    return percentile(x, 50.0)


def percentile(x: Array, percent: float) -> Array:
    r"""Return percentiles, linear between order statistics: position :math:`(n_q - 1)\,p/100`.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)
    percent : float
        p, 0 to 100.

    Returns
    -------
    ndarray, shape (…, 1, indicators)
        NaN where nothing is observed.

    References
    ----------
    Hyndman and Fan (1996), Sample quantiles in statistical packages, definition 7.

    Examples
    --------
    >>> percentile(np.array([[1.0], [3.0], [8.0]]), 25).tolist()
    [[2.0]]
    """
    ordered = np.sort(x, axis=-2)
    position = np.maximum(count(x) - 1, 0) * percent / 100
    below = np.floor(position).astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    low, high = (np.take_along_axis(ordered, k, -2) for k in (below, above))
    return np.asarray(low + (high - low) * (position - below), float)


def varied(x: Array) -> NDArray[np.bool_]:
    """Return whether a column has two different values.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    ndarray of bool, shape (…, 1, indicators)

    Examples
    --------
    >>> varied(np.array([[1.0, 2.0], [1.0, 3.0]])).tolist()
    [[False, True]]
    """
    low, high = extremes(x)
    return np.asarray(high > low, bool)


def shape(x: Array) -> tuple[Array, Array]:
    r"""Return skewness and excess kurtosis of each column, adjusted for the number of units.

    .. math:: G_1 = \frac{n}{(n-1)(n-2)} \sum_c z_c^3, \qquad
              G_2 = \frac{n(n+1)}{(n-1)(n-2)(n-3)} \sum_c z_c^4 - \frac{3(n-1)^2}{(n-2)(n-3)}, \qquad
              z_c = \frac{x_c - \bar x}{s}

    Both are 0 for a normal distribution.

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)

    Returns
    -------
    skewness, kurtosis : ndarray, shape (…, 1, indicators)
        NaN for fewer than three and four values, and for constants.

    References
    ----------
    Joanes and Gill (1998), Comparing measures of sample skewness and kurtosis, The Statistician 47.

    Examples
    --------
    >>> [G.round(6).item() for G in shape(np.array([[1.0], [2.0], [3.0], [10.0]]))]
    [1.763633, 3.228]
    """
    n = count(x)
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.where(np.isnan(x), 0.0, x - mean(x))
        total = (d * d).sum(-2, keepdims=True)
    if not ((total > _TINY) & (total < 1 / _TINY)).all():
        d = deviations(x)[0]
    d2 = d * d
    varies = varied(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        s2 = d2.sum(-2, keepdims=True) / (n - 1)
        powers = ((d, 1.5), (d2, 2.0))
        cubes, fourths = (np.einsum("...uq,...uq->...q", d2, by)[..., None, :] / s2**k for by, k in powers)
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

    Returns
    -------
    ndarray, shape (…, indicators, indicators)
        NaN with a column that does not vary.

    Raises
    ------
    OptionError
        A way with holes that does not exist.
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
    z = deviations(x)[0]
    o_, z_ = np.swapaxes(o, -1, -2), np.swapaxes(z, -1, -2)
    n, sums = o_ @ o, z_ @ o  # sums[p, q]: of p where q is observed
    with np.errstate(invalid="ignore", divide="ignore"):
        cross = z_ @ z - sums * np.swapaxes(sums, -1, -2) / n
        square = np.swapaxes(z**2, -1, -2) @ o - sums**2 / n
        return np.asarray(cross / np.sqrt(square * np.swapaxes(square, -1, -2)), float)
