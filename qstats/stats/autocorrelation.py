"""Trend tests of series whose values depend on those before.

A positive autocorrelation makes runs that look like trends: at ρ = 0.5 Mann and Kendall's test finds a
trend in a quarter of series without one. Yue and Wang's correction is not here: it rejects 35 to 48 % of
white noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, whole_number, within_0_1
from qstats.stats import trend

Array = NDArray[np.float64]


class Corrected(NamedTuple):
    """A test corrected for autocorrelation; arrays of shape (series,).

    Attributes
    ----------
    S, variance, z, p : ndarray
        Of the corrected test; NaN where it cannot say.
    r : ndarray
        The lag-one autocorrelation used; NaN where the method uses none.
    slope, low, high : ndarray
        Slope and limits that go with the test.
    """

    S: Array
    variance: Array
    z: Array
    p: Array
    r: Array
    slope: Array
    low: Array
    high: Array


def acf(Y: ArrayLike, lags: int) -> Array:
    r"""Return autocorrelations, :math:`r_k = \sum_t (y_t-\bar y)(y_{t+k}-\bar y)/\sum_t (y_t-\bar y)^2`.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    lags : int
        The largest k, below n.

    Returns
    -------
    ndarray, shape (series, lags)
        NaN for a constant series.

    Examples
    --------
    Deviations −1.5, −0.5, 0.5 and 1.5, so r₁ = (0.75 − 0.25 + 0.75) / 5:

    >>> acf([1, 2, 3, 4], 2).tolist()
    [[0.25, -0.3]]
    """
    Y = np.array(Y, float, ndmin=2)
    D = Y - Y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = (D**2).sum(axis=1)
        return np.stack([(D[:, k:] * D[:, :-k]).sum(axis=1) / whole for k in range(1, lags + 1)], axis=1)


def ljung_box(y: ArrayLike, lags: int, *, fitted: int = 0) -> tuple[float, float]:
    r"""Return Ljung and Box's statistic and its p-value.

    .. math:: Q = n(n+2)\sum_{k \le h} \frac{r_k^2}{n-k} \sim \chi^2_{h-f}

    Parameters
    ----------
    y : array_like, shape (n,)
    lags : int
        h.
    fitted : int
        f, parameters already fitted to y.

    Returns
    -------
    Q, p : float

    Examples
    --------
    Of 1, 2, 3, 4 r₁ is 0.25, so Q = 4 · 6 · 0.25² / 3:

    >>> Q, p = ljung_box([1, 2, 3, 4], 1)
    >>> Q, round(p, 3)
    (0.5, 0.48)
    """
    from scipy.special import chdtrc

    n = np.asarray(y).size
    r = acf(y, lags)[0]
    Q = float(n * (n + 2) * np.sum(r**2 / (n - np.arange(1, lags + 1))))
    return Q, float(chdtrc(lags - fitted, Q))


def residual_r1(Y: ArrayLike) -> Array:
    r"""Return the lag-one autocorrelation about Sen's line, corrected for its bias.

    .. math:: r^* = \frac{n\,r_1 + 2}{n - 4}

    cut to [−0.99, 0.99]: detrended series of this length show too little of it.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)

    Returns
    -------
    ndarray, shape (series,)
        0 where the values lie on the line.

    Raises
    ------
    DataError
        Fewer than 8 values.

    References
    ----------
    van Giersbergen (2005), Economics Letters 89; Hamed (2009), Journal of Hydrology 368, 143–155.

    Examples
    --------
    A straight line leaves nothing; one odd value on it leaves r₁ = −0.125 · 9/7, and (8 r₁ + 2) / 4:

    >>> residual_r1([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 5, 5, 6, 7, 8]]).round(4).tolist()
    [0.0, 0.1786]
    """
    Y = np.array(Y, float, ndmin=2)
    n = Y.shape[1]
    if n < 8:
        raise DataError(f"an autocorrelation about a trend needs at least 8 values; found {n}")
    D = Y - trend.theil_sen(Y).slope[:, None] * np.arange(n)
    straight = np.ptp(D, axis=1) <= 1e-10 * np.ptp(Y, axis=1)  # nothing is left to correlate
    r = (n * np.where(straight, 0.0, np.nan_to_num(acf(D, 1)[:, 0])) + 2) / (n - 4)
    return np.asarray(np.where(straight, 0.0, np.clip(r, -0.99, 0.99)))


def prewhitened(Y: ArrayLike, /, *, r: ArrayLike | None = None, level: float = 0.95) -> Corrected:
    r"""Test :math:`y_t - r\,y_{t-1}`, whose trend is :math:`b(1-r)` where that of y is b.

    The slope and its limits are those of the whitened series over 1 − r, so they are as wide as the
    dependence asks for.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    r : array_like, shape (series,), optional
        Lag-one autocorrelation; by default :func:`residual_r1`, and 0 where it is negative.
    level : float
        Of the limits of the slope, between 0 and 1.

    Returns
    -------
    Corrected

    Raises
    ------
    DataError
        Fewer than 8 values, without r.
    OptionError
        The level is not between 0 and 1.

    References
    ----------
    von Storch (1995), in: Analysis of Climate Variability, chapter 2. Wang & Swail (2001), Journal of
    Climate 14, 2204–2221, for the slope. Hamed (2009) for the bias of r.

    Examples
    --------
    Of a straight line of slope 2 half is taken off with r = 0.5, and put back to the slope:

    >>> found = prewhitened([1, 3, 5, 7, 9, 11, 13, 15], r=0.5)
    >>> found.slope.tolist(), found.S.tolist()
    ([2.0], [21.0])
    """
    within_0_1("level", level)
    Y = np.array(Y, float, ndmin=2)
    r = np.maximum(residual_r1(Y), 0.0) if r is None else np.broadcast_to(np.asarray(r, float), len(Y))
    W = Y[:, 1:] - r[:, None] * Y[:, :-1]
    test, line = trend.mann_kendall(W), trend.theil_sen(W, level=level)
    k = 1 / (1 - r)
    return Corrected(
        test.S, test.variance, test.z, test.p, np.asarray(r), line.slope * k, line.low * k, line.high * k
    )


def trend_free_prewhitened(Y: ArrayLike, /, *, level: float = 0.95) -> Corrected:
    r"""Whiten about Sen's line, put the line back, and test.

    .. math:: d_t = y_t - b t, \qquad w_t = d_t - r_1 d_{t-1} + b t

    It keeps more power than :func:`prewhitened` and its type I error is too large under
    autocorrelation: for comparison with work that used it.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    level : float
        Of the limits of the slope, between 0 and 1.

    Returns
    -------
    Corrected

    Raises
    ------
    OptionError
        The level is not between 0 and 1.

    References
    ----------
    Yue, Pilon, Phinney & Cavadias (2002), Hydrological Processes 16, 1807–1829.

    Examples
    --------
    Every second value lies above the line, so neighbours differ; the line comes back unchanged.

    >>> found = trend_free_prewhitened([1, 3, 3, 5, 5, 7, 7, 9])
    >>> found.slope.tolist(), found.r.tolist()
    ([1.0], [-0.875])
    """
    within_0_1("level", level)
    Y = np.array(Y, float, ndmin=2)
    t = np.arange(1.0, Y.shape[1] + 1)
    line = trend.theil_sen(Y, level=level)
    D = Y - line.slope[:, None] * t
    r = acf(D, 1)[:, 0]
    test = trend.mann_kendall(D[:, 1:] - r[:, None] * D[:, :-1] + line.slope[:, None] * t[:-1])
    return Corrected(test.S, test.variance, test.z, test.p, r, line.slope, line.low, line.high)


def hamed_rao(Y: ArrayLike, /, *, lags: int | None = None, level: float = 0.95) -> Corrected:
    r"""Inflate the variance of S by the autocorrelations of the ranks of the detrended series.

    .. math:: \operatorname{var}^* S = \operatorname{var} S \left(1 + \frac{2}{n(n-1)(n-2)}
              \sum_k (n-k)(n-k-1)(n-k-2)\,\rho_k\right)

    over the lags whose autocorrelation is significant at 5 %. The sum can make the variance negative,
    and then the test cannot say: z and p are NaN. In short series it rejects too often.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    lags : int, optional
        Lags considered; all by default.
    level : float
        Of the limits of the slope, between 0 and 1.

    Returns
    -------
    Corrected

    Raises
    ------
    OptionError
        A level or a number of lags out of range.

    References
    ----------
    Hamed & Rao (1998), Journal of Hydrology 204, 182–196.

    Examples
    --------
    Neighbours differ about the line, which makes the variance of S less than 62.3, that of independent
    values:

    >>> found = hamed_rao([1, 3, 3, 5, 5, 7, 7, 9])
    >>> found.S.tolist(), found.variance.round(1).tolist()
    ([25.0], [27.5])
    """
    within_0_1("level", level)
    if lags is not None:
        whole_number("lags", lags, least=1)
    from scipy.special import ndtri
    from scipy.stats import rankdata

    Y = np.array(Y, float, ndmin=2)
    n = Y.shape[1]
    line = trend.theil_sen(Y)
    ranks = rankdata(Y - line.slope[:, None] * np.arange(1, n + 1), axis=1)
    k = np.arange(1, (n - 1 if lags is None else lags) + 1)
    rho = acf(ranks, int(k[-1]))
    counted = np.where(np.abs(rho) > ndtri(0.975) / np.sqrt(n), rho, 0.0)
    factor = 1 + 2 / (n * (n - 1) * (n - 2)) * (counted * ((n - k) * (n - k - 1) * (n - k - 2))).sum(axis=1)
    test = trend.mann_kendall(Y, p="normal")
    variance = test.variance * factor
    z = trend.standardised(test.S, variance)
    spread = ndtri((1 + level) / 2) * np.sqrt(np.maximum(variance, 0.0))
    limits = trend.sen_limits(Y, np.arange(float(n)), spread)
    low, high = (np.where(np.isnan(z), np.nan, side) for side in (limits.low, limits.high))
    nothing = np.full(len(Y), np.nan)
    return Corrected(test.S, variance, z, trend.p_of(z), nothing, line.slope, low, high)


def _block_length(n: int) -> int:
    r"""Return the length of blocks, :math:`\lceil 1.5\,n^{1/3} \rceil` and at most n/3."""
    return max(1, min(int(np.ceil(1.5 * n ** (1 / 3))), n // 3))


def block_permuted(
    Y: ArrayLike,
    /,
    *,
    rng: np.random.Generator,
    length: int | None = None,
    draws: int = 999,
    level: float = 0.95,
) -> Corrected:
    r"""Compare S with that of series whose blocks of neighbours are put in random order.

    .. math:: p = \frac{1 + \#\{|S^*| \ge |S|\}}{1 + B}

    Blocks begin at a random place of the circle, so dependence within them is kept. The limits of the
    slope use the spread of S*.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
    rng : numpy.random.Generator
    length : int, optional
        Of a block; by default :math:`\lceil 1.5\,n^{1/3} \rceil` and at most n/3.
    draws : int
        B.
    level : float
        Of the limits of the slope, between 0 and 1.

    Returns
    -------
    Corrected

    Raises
    ------
    OptionError
        A level, a length or a number of draws out of range.

    Examples
    --------
    >>> found = block_permuted([1, 2, 4, 3, 5, 6, 8, 7, 9], rng=np.random.default_rng(1), draws=99)
    >>> found.S.tolist(), found.p.tolist()
    ([32.0], [0.09])
    """
    within_0_1("level", level)
    whole_number("draws", draws, least=1)
    if length is not None:
        whole_number("length", length, least=1)
    from scipy.special import ndtri

    Y = np.array(Y, float, ndmin=2)
    n = Y.shape[1]
    order = _block_orders(n, _block_length(n) if length is None else length, draws, rng)
    S = trend.mann_kendall(Y, p="normal").S
    p, variance = np.empty(len(Y)), np.empty(len(Y))
    for row, y in enumerate(Y):
        drawn = trend.scores(y[order])
        p[row] = (1 + np.sum(np.abs(drawn) >= abs(S[row]))) / (1 + draws)
        variance[row] = np.mean(drawn**2)
    constant = np.ptp(Y, axis=1) == 0
    limits = trend.sen_limits(Y, np.arange(float(n)), ndtri((1 + level) / 2) * np.sqrt(variance))
    z, nothing = trend.standardised(S, variance), np.full(len(Y), np.nan)
    p = np.where(constant, np.nan, p)
    return Corrected(S, variance, z, p, nothing, limits.slope, limits.low, limits.high)


def _block_orders(n: int, length: int, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    starts = np.arange(0, n, length)
    order = np.empty((draws, n), np.intp)
    for draw in range(draws):
        blocks = [np.arange(s, min(s + length, n)) for s in rng.permutation(starts)]
        order[draw] = (np.concatenate(blocks) + rng.integers(n)) % n
    return order
