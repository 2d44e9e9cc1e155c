"""What counts are expected: negative binomial regression on seasons and a trend.

References
----------
Lawless (1987), Negative binomial and mixed Poisson regression, Canadian Journal of Statistics 15, 209–225.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, whole_number, yes_or_no

Array = NDArray[np.float64]
Law = Literal["negative-binomial", "poisson"]
_ROUNDS = 300
_SETTLED = 1e-8
#: a fitted count below e^-20 is on its way to 0: its logarithm has no estimate
_LEAST = 20.0


class SeasonalFit(NamedTuple):
    r"""A fitted expectation.

    Attributes
    ----------
    beta : ndarray, shape (k,)
        A constant; the growth a year, if there is a trend; a cosine and a sine of each harmonic.
    covariance : ndarray, shape (k, k)
        With α as known.
    dispersion : float
        α of variance :math:`\mu + \alpha\mu^2`; 0 where the counts vary no more than a Poisson law.
    mean : ndarray, shape (n,)
        Fitted.
    """

    beta: Array
    covariance: Array
    dispersion: float
    mean: Array


def seasonal_regressors(t: ArrayLike, *, season: int, harmonics: int = 1, trend: bool = False) -> Array:
    r"""Return a constant, time in years, and :math:`\cos, \sin(2\pi jt/s)`, shape (n, k).

    Parameters
    ----------
    t : array_like, shape (n,)
        Periods, counted from any one.
    season : int
        s, periods in a year.
    harmonics : int
        j goes up to it; at most half of `season`.
    trend : bool
        Whether time is among them.

    Returns
    -------
    ndarray, shape (n, k)

    Raises
    ------
    DataError
        More harmonics than a year has.
    OptionError
        A number or a flag that is none.

    Examples
    --------
    >>> seasonal_regressors([0, 3, 6], season=12, trend=True).round(2).tolist()
    [[1.0, 0.0, 1.0, 0.0], [1.0, 0.25, 0.0, 1.0], [1.0, 0.5, -1.0, 0.0]]
    """
    whole_number("season", season, least=1)
    whole_number("harmonics", harmonics, least=0)
    yes_or_no("trend", trend)
    if 2 * harmonics > season or (season <= 2 and harmonics):
        harmonics = 0 if season <= 2 else season // 2
        raise DataError(f"a year of {season} periods has at most {harmonics} harmonics")
    t = np.asarray(t, float)
    columns = [np.ones(t.size), *([t / season] if trend else [])]
    for j in range(1, harmonics + 1):
        columns.append(np.cos(2 * np.pi * j * t / season))
        if 2 * j < season:  # the sine of half a season is 0
            columns.append(np.sin(2 * np.pi * j * t / season))
    return np.stack(columns, axis=1)


def fit_counts(counts: ArrayLike, X: ArrayLike, /, *, law: Law = "negative-binomial") -> SeasonalFit:
    r"""Fit :math:`\ln\mu = X\beta` by maximum likelihood.

    .. math:: \ell = \sum_t \ln\Gamma(y_t + r) - \ln\Gamma(r) - \ln y_t! + r\ln\frac{r}{r+\mu_t}
              + y_t\ln\frac{\mu_t}{r+\mu_t}, \qquad r = 1/\alpha

    By scoring; where that overshoots for ever, with steps halved so that the deviance does not rise. Where
    there is no maximum, as with a season without any event, all fields are NaN.
    α is 0 where :math:`\sum (y-\mu)^2 \le \sum y` at the Poisson fit: then the likelihood rises towards it.

    Parameters
    ----------
    counts : array_like, shape (n,)
        Whole counts, none missing.
    X : array_like, shape (n, k)
        Of full rank; n at least 2k.
    law : {"negative-binomial", "poisson"}

    Returns
    -------
    SeasonalFit

    Raises
    ------
    DataError
        Fewer counts than 2 a coefficient, a missing or negative one, or no event at all.
    OptionError
        No such law.

    References
    ----------
    Lawless (1987), Canadian Journal of Statistics 15, 209–225.

    Examples
    --------
    >>> fit = fit_counts([3, 9, 1, 7, 2, 12, 0, 6], [[1.0]] * 8)
    >>> round(float(fit.mean[0]), 6), round(fit.dispersion, 3)
    (5.0, 0.614)
    """
    one_of("law", law, ("negative-binomial", "poisson"))
    y, X = np.asarray(counts, float), np.asarray(X, float)
    if y.size < 2 * X.shape[1]:
        raise DataError(f"{X.shape[1]} coefficients need at least {2 * X.shape[1]} counts; found {y.size}")
    if not (y >= 0).all() or not y.any():
        raise DataError("counts are 0 or more, none is missing, and there is at least one event")
    for halve in (False, True):  # where scoring does not settle, once more with steps halved
        try:
            beta, alpha = _both(y, X, law, halve)
            break
        except _UnsettledError:
            continue
    else:
        k = X.shape[1]
        return SeasonalFit(np.full(k, np.nan), np.full((k, k), np.nan), np.nan, np.full(y.size, np.nan))
    mu = np.exp(X @ beta)
    covariance = np.asarray(np.linalg.inv(X.T @ (X * (mu / (1 + alpha * mu))[:, None])), float)
    return SeasonalFit(beta, covariance, alpha, mu)


class _UnsettledError(ArithmeticError):
    """The coefficients have no finite maximum, or were not found."""


def _both(y: Array, X: Array, law: Law, halve: bool) -> tuple[Array, float]:
    """Return β and α."""
    from scipy.optimize import brentq

    beta = _mean_fit(y, X, 0.0, np.r_[np.log(y.mean()), np.zeros(X.shape[1] - 1)], halve)
    if law == "poisson" or np.sum((y - np.exp(X @ beta)) ** 2 - y) <= 0:
        return beta, 0.0

    def slope(log_r: float) -> float:
        r = np.exp(log_r)
        return _slope(y, np.exp(X @ _mean_fit(y, X, 1 / r, beta, halve, strict=False)), r)

    high = 1.0
    while slope(high) > 0 and high < 20:
        high += 2.0
    low = high - 2.0
    while slope(low) < 0 and low > -10:
        low -= 2.0
    if not slope(low) > 0 > slope(high):
        for at in (low, high):
            _mean_fit(y, X, float(np.exp(-at)), beta, halve)  # no root only where both ends are known
        return beta, 0.0
    alpha = float(np.exp(-brentq(slope, low, high, xtol=1e-12)))
    return _mean_fit(y, X, alpha, beta, halve), alpha


def _mean_fit(y: Array, X: Array, alpha: float, beta: Array, halve: bool, *, strict: bool = True) -> Array:
    """Return β for a known α, by scoring.

    The likelihood is concave in β, so that the deviance cannot rise by a step that is halved until it ends
    short of the maximum along its line.
    """

    def residuals(at: Array) -> tuple[Array, Array]:
        mu = np.exp(X @ at)
        return mu, (y - mu) / (1 + alpha * mu)

    for _ in range(_ROUNDS):
        mu, residual = residuals(beta)
        try:
            step = np.linalg.solve(X.T @ (X * (mu / (1 + alpha * mu))[:, None]), X.T @ residual)
        except np.linalg.LinAlgError:
            raise _UnsettledError from None
        step *= min(1.0, 2.0 / max(np.abs(X @ step).max(), 1e-300))
        while halve and X @ step @ residuals(beta + step)[1] < 0:
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    if strict and not (np.abs(step).max() < _SETTLED and (X @ beta).min() > -_LEAST):
        raise _UnsettledError
    return np.asarray(beta)


def _slope(y: Array, mu: Array, r: float) -> float:
    """Return dℓ/dr."""
    from scipy.special import digamma

    at_r = digamma(y + r) - digamma(r) - np.log1p(mu / r) + (mu - y) / (r + mu)
    return float(np.sum(at_r))
