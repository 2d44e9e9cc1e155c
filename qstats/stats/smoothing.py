"""The level behind a series of estimates with known errors, and seasonal components."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError

Array = NDArray[np.float64]
SeasonalWindow = Literal["periodic"] | int


class Level(NamedTuple):
    """A smoothed level, arrays of shape (n,), the variance of its steps and the log-likelihood."""

    level: Array
    std_error: Array
    q: float
    log_likelihood: float


def local_level(y: ArrayLike, std_error: ArrayLike, /, *, q: float | None = None) -> Level:
    r"""Smooth a random walk observed with known errors.

    .. math:: y_t = \mu_t + e_t,\ e_t \sim N(0, s_t^2), \qquad \mu_t - \mu_{t-1} \sim N(0, q)

    with a flat prior of the first level: :math:`\hat\mu = (V^{-1} + R'R/q)^{-1} V^{-1} y`, R taking first
    differences; its errors are the root of the diagonal of that inverse. Without `q`, it maximises the
    likelihood of the differences of y, which does not depend on the first level (REML).

    Parameters
    ----------
    y, std_error : array_like, shape (n,)
        A gap is NaN in y: the level is carried over it, with the error that has.
    q : float, optional
        Variance of a step; 0 is one level for all, the weighted mean.

    Returns
    -------
    Level

    Raises
    ------
    DataError
        Fewer than 3 values, or an error that is missing or not positive.

    References
    ----------
    Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., chapter 2.

    Examples
    --------
    >>> found = local_level([90.0, 92.0, 91.0, 93.0], [0.5, 0.5, 0.5, 0.5], q=0.0)
    >>> found.level.round(2).tolist(), found.std_error.round(2).tolist()
    ([91.5, 91.5, 91.5, 91.5], [0.25, 0.25, 0.25, 0.25])
    """
    y, s = np.asarray(y, float), np.asarray(std_error, float)
    seen = ~np.isnan(y)
    if seen.sum() < 3:
        raise DataError(f"a smoothed level needs at least 3 values; found {int(seen.sum())}")
    if not (s[seen] > 0).all():
        raise DataError(f"{int((~(s[seen] > 0)).sum())} standard errors are missing or not positive")
    at = np.flatnonzero(seen)
    if q is None:
        q = _reml(np.diff(y[at]), s[at], np.diff(at))
    log_likelihood = _difference_likelihood(q, np.diff(y[at]), s[at], np.diff(at))
    w = np.zeros(y.size)
    w[seen] = 1 / s[seen] ** 2
    filled = np.where(seen, y, 0.0)
    if q == 0:
        mean, se = (w @ filled) / w.sum(), 1 / np.sqrt(w.sum())
        return Level(np.full(y.size, mean), np.full(y.size, se), 0.0, log_likelihood)
    R = np.diff(np.eye(y.size), axis=0)
    cov = np.linalg.inv(np.diag(w) + R.T @ R / q)
    return Level(cov @ (w * filled), np.sqrt(np.diag(cov)), float(q), log_likelihood)


def _difference_likelihood(q: float, d: Array, s: Array, gap: NDArray[np.intp]) -> float:
    m = d.size
    V = np.diag(q * gap + s[1:] ** 2 + s[:-1] ** 2)
    V += np.diag(-(s[1:-1] ** 2), 1) + np.diag(-(s[1:-1] ** 2), -1)
    L = np.linalg.cholesky(V)
    z = np.linalg.solve(L, d)
    return float(-0.5 * (m * np.log(2 * np.pi) + z @ z) - np.log(np.diag(L)).sum())


def _reml(d: Array, s: Array, gap: NDArray[np.intp]) -> float:
    from scipy.optimize import minimize_scalar

    unit = max(float(np.mean(d**2)), float(np.mean(s**2)))
    fit = minimize_scalar(
        lambda u: -_difference_likelihood(unit * np.exp(u), d, s, gap),
        bounds=(-20.0, 8.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    q = unit * float(np.exp(fit.x))
    flat = _difference_likelihood(0.0, d, s, gap) >= -fit.fun
    return 0.0 if flat else q


class Components(NamedTuple):
    """Season, trend and remainder; they add up to the series. `weight` is below 1 at outliers (robust)."""

    seasonal: Array
    trend: Array
    remainder: Array
    weight: Array


def stl(
    y: ArrayLike, /, *, period: int, window: SeasonalWindow = "periodic", robust: bool = False
) -> Components:
    """Split a quarterly or monthly series into season, trend and remainder by loess (STL).

    .. math:: y_t = s_t + m_t + r_t

    Parameters
    ----------
    y : array_like, shape (n,)
        At least two whole years, without gaps.
    period : int
        Values a year: 4 or 12.
    window : "periodic" or int
        Odd number of years the season is smoothed over; ``periodic``: the same season in every year.
    robust : bool
        Weigh outliers down.

    Returns
    -------
    Components

    Raises
    ------
    DataError
        Too short, or a gap.

    References
    ----------
    Cleveland, Cleveland, McRae & Terpenning (1990), Journal of Official Statistics 6, 3–73.

    Examples
    --------
    A season that is the same every year, about a level:

    >>> season = np.tile([-1.5, -0.5, 0.5, 1.5], 3)
    >>> found = stl(10 + season, period=4)
    >>> found.seasonal[:4].round(6).tolist(), found.trend[:2].round(6).tolist()
    ([-1.5, -0.5, 0.5, 1.5], [10.0, 10.0])
    """
    from statsmodels.tsa.seasonal import STL

    y = np.asarray(y, float)
    if y.size < 2 * period + 1:
        raise DataError(
            f"seasonal adjustment needs more than two years, {2 * period + 1} values; found {y.size}"
        )
    if np.isnan(y).any():
        raise DataError(f"{int(np.isnan(y).sum())} values are missing; seasonal adjustment needs every one")
    s = 10 * y.size + 1 if window == "periodic" else int(window)
    t = _odd(1.5 * period / (1 - 1.5 / s))
    low = _odd(period)
    model = STL(
        y,
        period=period,
        seasonal=s,
        trend=t,
        low_pass=low,
        seasonal_deg=0,
        trend_deg=1,
        low_pass_deg=1,
        robust=robust,
        seasonal_jump=-(-s // 10),
        trend_jump=-(-t // 10),
        low_pass_jump=-(-low // 10),
    )
    fit = model.fit(inner_iter=1 if robust else 2, outer_iter=15 if robust else 0)
    season = np.asarray(fit.seasonal, float)
    if window == "periodic":
        phase = np.arange(y.size) % period
        season = (np.bincount(phase, season) / np.bincount(phase))[phase]
    return Components(season, np.asarray(fit.trend), y - season - fit.trend, np.asarray(fit.weights))


def _odd(x: float) -> int:
    """Return the smallest odd integer from x on."""
    n = int(np.ceil(x))
    return n + 1 - n % 2
