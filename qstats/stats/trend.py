"""Monotone trend: Mann and Kendall's test, Theil and Sen's slope, of many series at once.

Series are the rows of Y, shape (series, n), in order of time, with no gaps.

References
----------
Mann (1945), Econometrica 13, 245–259. Kendall (1975), Rank Correlation Methods, 4th ed. Sen (1968), JASA 63,
1379–1389.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, within_0_1
from qstats.stats.median_slope import median_slope

Array = NDArray[np.float64]
P = Literal["auto", "exact", "normal"]

#: without ties the exact distribution is used up to here, as R's cor.test does
EXACT_WITHOUT_TIES: Final = 49
#: with ties every pattern has a distribution of its own
EXACT_WITH_TIES: Final = 12
#: pairs in a block: 2 MB, so that it stays in the cache
_BLOCK: Final = 262_144


class MannKendall(NamedTuple):
    r"""Mann and Kendall's test of each series.

    Attributes
    ----------
    S : ndarray
        Pairs that rise minus pairs that fall.
    variance : ndarray
        Of S without trend, ties counted.
    z, p : ndarray
        With continuity correction; two-sided. NaN for a constant series.
    tau : ndarray
        :math:`S` over the number of pairs.
    exact : ndarray of bool
        Whether p is exact.
    """

    S: Array
    variance: Array
    z: Array
    p: Array
    tau: Array
    exact: NDArray[np.bool_]


class Slope(NamedTuple):
    """Theil and Sen's line of each series, with limits of the slope."""

    slope: Array
    intercept: Array
    low: Array
    high: Array


def mann_kendall(Y: ArrayLike, /, *, p: P = "auto") -> MannKendall:
    r"""Test each series for a monotone trend.

    .. math:: S = \sum_{i<j} \operatorname{sign}(y_j - y_i), \qquad
              \operatorname{var} S = \frac{n(n-1)(2n+5) - \sum_g t_g(t_g-1)(2t_g+5)}{18}, \qquad
              z = \frac{S - \operatorname{sign} S}{\sqrt{\operatorname{var} S}}

    t are the sizes of groups of equal values. The exact p counts permutations: without ties up to
    n = 49, with ties (given their pattern) up to n = 12. Observations are taken as independent; see
    :mod:`qstats.stats.autocorrelation` where they are not.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    p : {"auto", "exact", "normal"}
        ``exact`` for any n (slow with ties), ``normal`` always, or by size.

    Returns
    -------
    MannKendall
        Arrays of shape (series,).

    Raises
    ------
    OptionError
        A p that does not exist.
    DataError
        Fewer than 3 values, or a gap.

    References
    ----------
    Mann (1945), Econometrica 13, 245–259. Kendall (1975), Rank Correlation Methods, 4th ed.

    Examples
    --------
    >>> found = mann_kendall([88.1, 89.3, 89.0, 90.2, 91.5])
    >>> found.S.tolist(), found.p.round(4).tolist()
    ([8.0], [0.0833])
    """
    one_of("p", p, ("auto", "exact", "normal"))
    Y = _series(Y)
    n, S = Y.shape[1], scores(Y)
    ties = _ties(Y)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    z = standardised(S, variance)
    exact = np.full(S.size, p == "exact") & (variance > 0)
    if p == "auto":
        exact |= (variance > 0) & (((ties == 0) & (n <= EXACT_WITHOUT_TIES)) | (n <= EXACT_WITH_TIES))
    found = p_of(z)
    found[exact] = _exact(Y[exact], S[exact], ties[exact])
    return MannKendall(S, variance, z, found, S / (n * (n - 1) / 2), exact)


def theil_sen(Y: ArrayLike, /, x: ArrayLike | None = None, *, level: float | None = None) -> Slope:
    r"""Return the median of the slopes of all pairs of each series, and its limits.

    .. math:: b = \operatorname{med}_{i<j} \frac{y_j - y_i}{x_j - x_i}, \qquad
              a = \operatorname{med} y - b \operatorname{med} x

    The limits are the slopes of rank :math:`(N \mp z\sqrt{\operatorname{var} S})/2` of N.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    x : array_like, shape (n,), optional
        Times, rising; by default 0, 1, …
    level : float, optional
        Of the limits; without it they are NaN and not computed.

    Returns
    -------
    Slope
        Arrays of shape (series,).

    Raises
    ------
    OptionError
        A level outside (0, 1).
    DataError
        Fewer than 3 values, a gap, or times that do not rise, one a value.

    References
    ----------
    Sen (1968), JASA 63, 1379–1389.

    Examples
    --------
    >>> line = theil_sen([88.1, 89.3, 89.0, 90.2, 91.5], level=0.9)
    >>> [float(value[0].round(3)) for value in line]
    [0.792, 87.717, 0.45, 1.25]
    """
    Y = _series(Y)
    x = _times(x, Y.shape[1])
    spread = np.zeros(len(Y))
    if level is not None:
        from scipy.special import ndtri

        within_0_1("level", level)
        n = Y.shape[1]
        spread = ndtri((1 + level) / 2) * np.sqrt((n * (n - 1) * (2 * n + 5) - _ties(Y)) / 18)
    return sen_limits(Y, x, spread if level is not None else None)


def sen_limits(Y: Array, x: Array, spread: Array | None) -> Slope:
    r"""Return Sen's line, with limits as far from the median in ranks as is said.

    The limits are the slopes of rank :math:`(N \mp h)/2` of N.

    Parameters
    ----------
    Y : ndarray, shape (series, n)
    x : ndarray, shape (n,)
        Times, rising.
    spread : ndarray, shape (series,), or None
        h, z times the standard deviation of S; None: no limits, which are NaN.

    Returns
    -------
    Slope
        Arrays of shape (series,).

    Examples
    --------
    The slopes of 1, 2, 9, 4 are −5, 1, 1, 1, 4, 7:

    >>> Y, h = np.array([[1.0, 2.0, 9.0, 4.0]]), np.array([4.0])
    >>> [part.tolist() for part in sen_limits(Y, np.arange(4.0), h)]
    [[1.0], [1.5], [-5.0], [7.0]]
    """
    nothing = np.full(len(Y), np.nan)
    if spread is None:
        slope, low, high = median_slope(Y, x), nothing, nothing.copy()
        return Slope(slope, np.median(Y, axis=1) - slope * np.median(x), low, high)
    N = Y.shape[1] * (Y.shape[1] - 1) // 2
    slope, low, high = nothing.copy(), nothing, nothing.copy()
    for rows, B in _slopes(Y, x):
        B.sort(axis=1)
        slope[rows] = B[:, [(N - 1) // 2, N // 2]].mean(axis=1)
        reach, at = spread[rows], np.arange(len(B))
        low[rows] = B[at, np.clip(np.rint((N - reach) / 2).astype(int) - 1, 0, N - 1)]
        high[rows] = B[at, np.clip(np.rint((N + reach) / 2).astype(int), 0, N - 1)]
    return Slope(slope, np.median(Y, axis=1) - slope * np.median(x), low, high)


def standardised(S: Array, variance: Array) -> Array:
    r"""Return the normal statistic of S, with continuity correction.

    .. math:: z = (S - \operatorname{sign} S)/\sqrt{\operatorname{var} S}

    Parameters
    ----------
    S, variance : ndarray, same shape

    Returns
    -------
    ndarray
        NaN where the variance is not positive.

    Examples
    --------
    >>> standardised(np.array([8.0, 0.0]), np.array([49.0, 0.0])).tolist()
    [1.0, nan]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 0, (S - np.sign(S)) / np.sqrt(np.where(variance > 0, variance, 1)), np.nan)


def p_of(z: Array) -> Array:
    r"""Return the two-sided p-value of a normal z, :math:`2\,\Phi(-|z|)`.

    Parameters
    ----------
    z : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p_of(np.array([0.0, -1.959964])).round(6).tolist()
    [1.0, 0.05]
    """
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(z)))


def smallest_p(n: int) -> float:
    """Return the smallest two-sided p-value that n values without ties can give, 2/n!.

    Parameters
    ----------
    n : int
        Values, without ties.

    Returns
    -------
    float

    Examples
    --------
    >>> round(smallest_p(4), 4)
    0.0833
    """
    return float(2 / np.prod(np.arange(1.0, n + 1)))


def _series(Y: ArrayLike) -> Array:
    Y = np.array(Y, float, ndmin=2)
    if Y.shape[1] < 3:
        raise DataError(f"a trend needs at least 3 values in a series; found {Y.shape[1]}")
    if np.isnan(Y).any():
        raise DataError(f"{int(np.isnan(Y).sum())} values are missing; leave them out, with their times in x")
    return Y


def _times(x: ArrayLike | None, n: int) -> Array:
    if x is None:
        return np.arange(float(n))
    x = np.asarray(x, float)
    if x.shape != (n,) or not (np.diff(x) > 0).all():
        raise DataError(f"times must rise, one a value: {x.size} times for {n} values")
    return x


def scores(Y: Array) -> Array:
    r"""Return Mann and Kendall's S of each series, :math:`\sum_{i<j} \operatorname{sign}(y_j - y_i)`.

    Parameters
    ----------
    Y : ndarray, shape (series, n)

    Returns
    -------
    ndarray, shape (series,)

    Examples
    --------
    >>> scores(np.array([[1.0, 2.0, 9.0, 4.0]])).tolist()
    [4.0]
    """
    S = np.zeros(len(Y))
    width = max(1, _BLOCK // Y.shape[1])
    for start in range(0, len(Y), width):
        T = np.ascontiguousarray(Y[start : start + width].T)
        total = np.zeros(T.shape[1], np.int32)
        for lag in range(1, len(T)):
            later, earlier = T[lag:], T[:-lag]
            rise = (later > earlier).view(np.int8) - (later < earlier).view(np.int8)
            total += rise.sum(axis=0, dtype=np.int32)
        S[start : start + width] = total
    return S


def _slopes(Y: Array, x: Array) -> Iterator[tuple[slice, Array]]:
    """Yield all slopes of a few series at a time, shape (series, pairs)."""
    n = Y.shape[1]
    N = n * (n - 1) // 2
    width = max(1, _BLOCK // N)
    B = np.empty((min(width, len(Y)), N))
    for start in range(0, len(Y), width):
        block, at = Y[start : start + width], 0
        for lag in range(1, n):
            part = B[: len(block), at : at + n - lag]
            np.subtract(block[:, lag:], block[:, :-lag], out=part)
            part /= x[lag:] - x[:-lag]
            at += n - lag
        yield slice(start, start + len(block)), B[: len(block)]


def _ties(Y: Array) -> Array:
    """Return Σ t(t − 1)(2t + 5) over groups of equal values of each series."""
    ordered = np.sort(Y, axis=1)
    equal = ordered[:, 1:] == ordered[:, :-1]
    found = np.zeros(len(Y))
    for row in np.flatnonzero(equal.any(axis=1)):
        t = np.diff(np.concatenate([[0], np.flatnonzero(~equal[row]) + 1, [Y.shape[1]]]))
        found[row] = (t * (t - 1) * (2 * t + 5)).sum()
    return found


def _exact(Y: Array, S: Array, ties: Array) -> Array:
    p = np.empty(S.size)
    for row in range(S.size):
        t = np.unique(Y[row], return_counts=True)[1] if ties[row] else np.ones(Y.shape[1], int)
        pairs = (Y.shape[1] ** 2 - (t**2).sum()) // 2
        tail = _cumulated(tuple(sorted(t.tolist())))
        fewest = int((pairs - abs(S[row])) // 2)  # inversions, or their mirror
        p[row] = min(1.0, 2 * tail[fewest])
    return p


@cache
def _cumulated(t: tuple[int, ...]) -> Array:
    r"""Return P(I ≤ i) of the inversions I of a random order of groups of equal values.

    The generating function is the q-multinomial coefficient, built up group by group; every term is
    positive, so nothing cancels.
    """
    f, m = np.ones(1), 0
    for size in t:
        f = np.convolve(f, _gaussian(m, size))
        m += size
    return np.asarray(np.cumsum(f))


@cache
def _gaussian(m: int, k: int) -> Array:
    """Return the distribution of the inversions between m values and k equal ones put among them."""
    if m == 0 or k == 0:
        return np.ones(1)
    last_is_one, last_is_other = _gaussian(m, k - 1), _gaussian(m - 1, k)
    f = np.zeros(m * k + 1)
    f[: last_is_one.size] += last_is_one * (k / (m + k))
    f[k : k + last_is_other.size] += last_is_other * (m / (m + k))
    return f
