"""Granger's test: whether the past of one series helps to foretell another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, whole_number, yes_or_no

Array = NDArray[np.float64]


class Precedence(NamedTuple):
    r"""A test that x helps to foretell y.

    Attributes
    ----------
    statistic, p : float
        F, of the law F(lags, df), of the lags of x, but those added.
    lags, added : int
        p, and the lags added because the series are integrated.
    df : int
        Of the residuals.
    r_partial : float
        :math:`1 - \mathrm{RSS}/\mathrm{RSS}_0`, the share of what the past of y leaves open.
    residual_p : float
        Ljung and Box on the residuals: small where the lags are too few.
    """

    statistic: float
    p: float
    lags: int
    added: int
    df: int
    r_partial: float
    residual_p: float


def _lagged(series: Array, lags: int, /, *, start: int) -> Array:
    """Return lags 1 … `lags` as columns, for t = start … n − 1."""
    n = series.size
    return np.stack([series[start - k : n - k] for k in range(1, lags + 1)], axis=1)


def choose_lags(x: ArrayLike, y: ArrayLike, /, *, most: int, trend: bool = False) -> int:
    r"""Return the order of the two-variable autoregression with the least BIC.

    .. math:: \ln\det\hat\Sigma_p + \frac{\ln n'}{n'}\,2(2p + 1 + \tau), \qquad p = 1 \dots P

    over the same n' = n − P periods for all p.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        In the order of time; none missing.
    most : int
        P, at least 1.
    trend : bool
        Whether the equations have a straight trend, τ = 1.

    Returns
    -------
    int
        p, from 1 to P.

    Raises
    ------
    OptionError
        `most` is not a whole number of at least 1, or `trend` neither True nor False.
    DataError
        Series of two lengths, missing or constant, or too short for P lags.

    References
    ----------
    Lütkepohl (2005), New Introduction to Multiple Time Series Analysis, section 4.3.

    Examples
    --------
    What moves y comes two periods before:

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=60)
    >>> y = np.r_[0, 0, 0.8 * x[:-2]] + 0.1 * rng.normal(size=60)
    >>> choose_lags(x, y, most=4)
    2
    """
    x, y = _pair(x, y)
    whole_number("most", most, least=1)
    yes_or_no("trend", trend)
    n = x.size - most
    if n < 2 * (2 * most + 1 + trend):
        raise DataError(f"{most} lags need at least {5 * most + 2 + 2 * trend} periods; found {x.size}")
    Y = np.stack([y[most:], x[most:]], axis=1)
    found = []
    for p in range(1, most + 1):
        X = np.hstack([_fixed(n, trend), _lagged(y, p, start=most), _lagged(x, p, start=most)])
        E = Y - X @ np.linalg.lstsq(X, Y)[0]
        determinant = max(float(np.linalg.det(E.T @ E / n)), 1e-300)
        found.append(np.log(determinant) + np.log(n) / n * 2 * (2 * p + 1 + trend))
    return int(np.argmin(found)) + 1


def precedes(x: ArrayLike, y: ArrayLike, /, *, lags: int, added: int = 0, trend: bool = False) -> Precedence:
    r"""Test whether the past of x helps to foretell y, beyond the past of y.

    .. math:: y_t = c + [\gamma t] + \sum_{k=1}^{p+d} a_k y_{t-k} + \sum_{k=1}^{p+d} b_k x_{t-k} + u_t, \qquad
              H_0: b_1 = \dots = b_p = 0

    .. math:: F = \frac{(\mathrm{RSS}_0 - \mathrm{RSS})/p}{\mathrm{RSS}/(n - (p + d) - 2(p + d) - 1 - \tau)}

    With d = 0 it is Granger's test, for stationary series. Of integrated series its F has no F law; with
    d lags added that are not tested (Toda and Yamamoto), d the order of integration, it has one for long
    series, whether they are cointegrated or not.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        None missing; x no linear function of y, nor of time.
    lags, added : int
        p and d.
    trend : bool
        Whether there is a straight trend, τ = 1. Two series with one foretell each other without it.

    Returns
    -------
    Precedence

    Raises
    ------
    OptionError
        `lags` is not a whole number of at least 1, `added` not one of at least 0, or `trend` neither True
        nor False.
    DataError
        Too few periods; a constant; y foretold without error; regressors that are linearly dependent.

    References
    ----------
    Granger (1969), Econometrica 37, 424–438. Toda & Yamamoto (1995), Journal of Econometrics 66, 225–250.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=60)
    >>> y = np.r_[0, 0.6 * x[:-1]] + rng.normal(size=60)
    >>> precedes(x, y, lags=1).p < 0.01, precedes(y, x, lags=1).p < 0.05
    (True, False)
    """
    from scipy.special import fdtrc

    from qstats.stats.autocorrelation import ljung_box

    x, y = _pair(x, y)
    whole_number("lags", lags, least=1)
    whole_number("added", added, least=0)
    yes_or_no("trend", trend)
    m = lags + added
    n, df = x.size - m, x.size - 3 * m - 1 - trend
    if df < 3:
        raise DataError(
            f"{lags} lags and {added} added need at least {3 * m + 4 + trend} periods; found {x.size}"
        )
    own, other = _lagged(y, m, start=m), _lagged(x, m, start=m)
    small = np.hstack([_fixed(n, trend), own, other[:, lags:]])
    rss0, _ = _rss(small, y[m:])
    whole = np.hstack([small, other[:, :lags]])
    rss, e = _rss(whole, y[m:])
    if rss <= 1e-12 * np.sum((y[m:] - y[m:].mean()) ** 2):
        raise DataError("a series foretells itself without error: there is nothing to test")
    _refuse_dependent(whole)
    F = (rss0 - rss) / lags / (rss / df)
    left = ljung_box(e, min(lags + 4, n // 3))[1]
    return Precedence(F, float(fdtrc(lags, df, F)), lags, added, df, 1 - rss / rss0, left)


def _fixed(n: int, trend: bool) -> Array:
    columns = [np.ones(n), *([np.arange(1.0, n + 1)] if trend else [])]
    return np.stack(columns, axis=1)


def _rss(X: Array, y: Array) -> tuple[float, Array]:
    centred = np.hstack([X[:, :1], X[:, 1:] - X[:, 1:].mean(0)])
    e = y - centred @ np.linalg.lstsq(centred, y)[0]
    return float(e @ e), e


def _refuse_dependent(X: Array) -> None:
    """Raise DataError where some columns are linear in others, but for the rounding of the data."""
    D = X[:, 1:] - X[:, 1:].mean(0)
    size = np.linalg.norm(D, axis=0)
    least = np.finfo(float).eps * max(
        4 * np.max(np.linalg.norm(X[:, 1:], axis=0) / np.maximum(size, 1e-300)), len(X)
    )
    rank = 1 + int(np.sum(np.linalg.svd(D / np.where(size > 0, size, 1), compute_uv=False) > least))
    if rank < X.shape[1]:
        raise DataError(
            f"of {X.shape[1]} regressors only {rank} are independent: the past of x is a linear function of "
            "that of y, or of time, and cannot add to it; leave x out, or take fewer lags"
        )


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 1 or x.shape != y.shape:
        raise DataError(f"two series of one length are needed; found {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("a value is missing")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise DataError("a series is constant: it neither foretells nor can be foretold")
    return x, y
