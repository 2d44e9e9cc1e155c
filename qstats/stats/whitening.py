r"""A trend test of whitened series whose autocorrelation had to be estimated from the same few values.

To whiten takes away what looks like dependence. Where the estimate came out too low by chance, what is left
still depends on what came before, and the test finds trends that are none: in 8 to 14 % of series of 12
values with ρ from 0.5 to 0.7. The cure has three parts: an autocorrelation a little on the safe side, the
spread that S really has after that, found once by simulation, and tails longer than normal ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.stats import trend
from qstats.stats.autocorrelation import Corrected, residual_r1

Array = NDArray[np.float64]

#: standard errors that are added to the autocorrelation
_SAFE: Final = 0.5
#: where the spread is that of the table
_POINT: Final = 0.975
_LENGTHS: Final = (8, 10, 12, 16, 20, 30, 40, 60, 80, 120, 200)
_RHO: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
#: spread of z after whitening: the 95 % point of |z| over 1.96, in 20,000 series (8,000 from n = 120 on) of
#: each length and ρ; see ``tools/trend_simulation.py``
_SPREAD: Final = (
    (0.766, 0.920, 0.920, 1.073, 1.073, 1.073, 1.226),
    (0.798, 0.904, 0.904, 1.117, 1.223, 1.223, 1.330),
    (0.794, 0.874, 0.953, 1.112, 1.271, 1.350, 1.430),
    (0.808, 0.909, 1.010, 1.111, 1.313, 1.464, 1.565),
    (0.821, 0.928, 0.964, 1.107, 1.285, 1.464, 1.606),
    (0.852, 0.928, 0.986, 1.043, 1.215, 1.483, 1.675),
    (0.876, 0.938, 0.987, 1.025, 1.160, 1.407, 1.618),
    (0.888, 0.954, 0.961, 1.001, 1.088, 1.268, 1.548),
    (0.916, 0.963, 0.959, 0.972, 1.058, 1.197, 1.426),
    (0.916, 0.982, 0.956, 0.949, 1.010, 1.092, 1.350),
    (0.938, 0.979, 0.961, 0.958, 0.963, 0.992, 1.128),
)


def whitened(Y: ArrayLike, /, *, level: float = 0.95) -> Corrected:
    r"""Test :math:`y_t - r\,y_{t-1}` for a monotone trend, with the spread that an estimated r leaves.

    .. math:: r = \min\Bigl\{0.99,\ r^+ + \tfrac12\sqrt{(1 - r^{+2})/n}\Bigr\}, \qquad
              r^+ = \max(0, r^*), \qquad \operatorname{var}^* S = k(n, r)^2\,\operatorname{var} S

    :math:`r^*` is :func:`qstats.stats.autocorrelation.residual_r1`, and k a table of simulated normal AR(1)
    series, interpolated in 1/n and r; beyond n = 200 it goes to 1. p is :func:`p_of` z. The
    slope and its limits are those of the whitened series over 1 − r.

    Parameters
    ----------
    Y : array_like, shape (series, n) or (n,)
        In order of time, no gaps; n of 8 or more.
    level : float
        Of the limits of the slope.

    Returns
    -------
    Corrected

    Raises
    ------
    DataError
        Fewer than 8 values.

    References
    ----------
    von Storch (1995), in: Analysis of Climate Variability, chapter 2; Hamed (2009), Journal of Hydrology
    368, for the bias of r. Beran (1988), JASA 83, 687–697, for a test calibrated by its own simulated law.

    Examples
    --------
    >>> found = whitened([88.1, 89.3, 89.0, 90.2, 89.9, 90.4, 91.5, 91.2, 92.0, 91.8])
    >>> found.r.round(3).tolist(), found.p.round(3).tolist()
    ([0.158], [0.003])
    """
    Y = np.array(Y, float, ndmin=2)
    n = Y.shape[1]
    known = np.maximum(residual_r1(Y), 0.0)
    r = np.minimum(0.99, known + _SAFE * np.sqrt((1 - known**2) / n))
    W = Y[:, 1:] - r[:, None] * Y[:, :-1]
    test = trend.mann_kendall(W, p="normal")
    variance = test.variance * spread(n, r) ** 2
    z = trend.standardised(test.S, variance)
    nu = degrees(n, r)
    reach = quantile((1 + level) / 2, nu) * np.sqrt(variance)
    line, k = trend.sen_limits(W, np.arange(float(n - 1)), reach), 1 / (1 - r)
    return Corrected(
        test.S, variance, z, p_of(z, nu), np.asarray(r), k * line.slope, k * line.low, k * line.high
    )


def degrees(n: int, r: ArrayLike) -> Array:
    r"""Return ν of the law of z, the fewer the more its spread depends on an r that is uncertain.

    .. math:: \nu = \max\Bigl\{3,\ \frac{n^2}{(n-8)(1 + 10r)}\Bigr\}

    Chosen so that p of 0.01 and 0.001 err less often, see the page of the method; S of 8 values is bounded,
    and its tails no longer than normal ones.

    Parameters
    ----------
    n : int
        8 or more.
    r : array_like
        From 0 to 1.

    Returns
    -------
    ndarray
        Endless for n = 8.

    Examples
    --------
    >>> degrees(12, [0.0, 0.5]).tolist()
    [36.0, 6.0]
    """
    r = np.asarray(r, float)
    return np.maximum(3.0, n**2 / ((n - 8) * (1 + 10 * r))) if n > 8 else np.full(r.shape, np.inf)


def p_of(z: ArrayLike, nu: ArrayLike, /) -> Array:
    r"""Return the two-sided p-value of z: normal down to 5 %, beyond by a law of longer tails.

    .. math:: p = 2\max\Bigl\{\Phi(-|z|),\ T_\nu\Bigl(-|z|\,\frac{t_{\nu,0.975}}{1.96}\Bigr)\Bigr\}

    Both are 5 % at 1.96, where the spread was found.

    Parameters
    ----------
    z, nu : array_like, same shape
        Statistic, and ν of :func:`degrees`.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> p_of([1.0, 1.959964, 3.0], 5.0).round(4).tolist()
    [0.3173, 0.05, 0.011]
    """
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    a, nu = np.abs(np.asarray(z, float)), np.asarray(nu, float)
    return np.asarray(2 * np.maximum(ndtr(-a), stdtr(nu, -a * stdtrit(nu, _POINT) / ndtri(_POINT))))


def quantile(q: float, nu: ArrayLike, /) -> Array:
    r"""Return the z, not negative, that has the :func:`p_of` 2(1 − q).

    .. math:: z = \max\Bigl\{\Phi^{-1}(q),\ t_{\nu,q}\,\frac{1.96}{t_{\nu,0.975}}\Bigr\}

    Parameters
    ----------
    q : float
        One half or more.
    nu : array_like
        ν of :func:`degrees`.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> quantile(0.9, [5, 50]).round(2).tolist(), quantile(0.995, [5, 50]).round(2).tolist()
    ([1.28, 1.28], [3.07, 2.61])
    """
    from scipy.special import ndtri, stdtrit

    nu = np.asarray(nu, float)
    return np.asarray(np.maximum(ndtri(q), stdtrit(nu, q) * ndtri(_POINT) / stdtrit(nu, _POINT)))


def spread(n: int, r: ArrayLike) -> Array:
    """Return k: how many times as wide as without dependence z is, once whitened by r.

    Parameters
    ----------
    n : int
        Values of the series before it is whitened.
    r : array_like
        From 0 to 1.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> spread(12, [0.0, 0.5, 0.9]).round(3).tolist()
    [0.794, 1.032, 1.35]
    """
    table, inverse = np.array(_SPREAD), 1 / np.array(_LENGTHS)
    if n >= _LENGTHS[-1]:
        at = 1 + (table[-1] - 1) * _LENGTHS[-1] / n
    else:
        at = np.array([np.interp(1 / n, inverse[::-1], column[::-1]) for column in table.T])
    return np.asarray(np.interp(np.asarray(r, float), _RHO, at))
