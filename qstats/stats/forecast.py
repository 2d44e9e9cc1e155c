"""Forecasts of one series: closed forms, exponential smoothing, local linear trend, ARIMA.

References
----------
Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, whole_number, within_0_1

Array = NDArray[np.float64]
Model = Literal[
    "naive", "drift", "mean", "seasonal-naive", "ses", "holt", "damped", "theta", "seasonal-ses",
    "holt-winters", "local-linear", "arima-011", "arima-110", "arima-100",
]  # fmt: skip


class Path(NamedTuple):
    """A forecast: mean and standard error of each step ahead, and degrees of freedom of its limits."""

    mean: Array
    std_error: Array
    df: float = np.inf


def _naive(y: ArrayLike, h: int) -> Path:
    r"""Go on at the last value: :math:`y_n \pm z\,\sigma\sqrt h`, σ² the mean square of the steps."""
    y, step = np.asarray(y, float), np.arange(1, h + 1)
    sigma = np.sqrt(np.mean(np.diff(y) ** 2))
    return Path(np.full(h, y[-1]), sigma * np.sqrt(step))


def drift(y: ArrayLike, h: int) -> Path:
    r"""Go on by the mean step: a random walk with drift.

    .. math:: y_n + h b, \qquad b = \frac{y_n - y_1}{n-1}, \qquad
              \operatorname{se}_h^2 = s^2\Bigl(h + \frac{h^2}{n-1}\Bigr)

    s is the standard deviation of the n − 1 steps; the second term is the error of the drift.

    Parameters
    ----------
    y : array_like, shape (n,)
        At least 3 values.
    h : int
        Steps ahead.

    Returns
    -------
    Path
        In the unit of y.

    Examples
    --------
    Steps of 2, 1 and 3, so b = 2 and s = 1: the errors are √(1 + 1/3) and √(2 + 4/3).

    >>> path = drift([1.0, 3.0, 4.0, 7.0], 2)
    >>> path.mean.tolist(), path.std_error.round(4).tolist()
    ([9.0, 11.0], [1.1547, 1.8257])
    """
    y, step = np.asarray(y, float), np.arange(1, h + 1)
    d = np.diff(y)
    s = np.std(d, ddof=1)
    return Path(y[-1] + step * d.mean(), s * np.sqrt(step + step**2 / d.size))


def _mean(y: ArrayLike, h: int) -> Path:
    r"""Return to the mean: :math:`\bar y \pm t_{n-1}\,s\sqrt{1 + 1/n}`."""
    y = np.asarray(y, float)
    return Path(np.full(h, y.mean()), np.full(h, np.std(y, ddof=1) * np.sqrt(1 + 1 / y.size)), y.size - 1)


def _seasonal_naive(y: ArrayLike, h: int, period: int) -> Path:
    r"""Repeat the last year, with σ² the mean square of the changes on the year before.

    .. math:: \operatorname{se}_h = \sigma\sqrt{\lfloor (h-1)/m \rfloor + 1}
    """
    y, step = np.asarray(y, float), np.arange(h)
    sigma = np.sqrt(np.mean((y[period:] - y[:-period]) ** 2))
    return Path(y[-period:][step % period], sigma * np.sqrt(step // period + 1))


class Smoothed(NamedTuple):
    r"""An exponential smoothing that was fitted.

    Attributes
    ----------
    parameters : dict of float
        Smoothing parameters and starting values, as statsmodels names them.
    sigma2 : float
        :math:`\mathrm{SSE}/(n - q)` for q parameters and starting values.
    log_likelihood : float
        :math:`-\frac n2 \ln \mathrm{SSE}`.
    fit : object
        The fit of statsmodels.
    """

    parameters: dict[str, float]
    sigma2: float
    log_likelihood: float
    fit: Any


def smoothed(
    y: ArrayLike, *, trend: bool = False, damped: bool = False, period: int | None = None
) -> Smoothed:
    r"""Fit an exponential smoothing with additive errors, by maximum likelihood.

    .. math:: y_t &= \ell_{t-1} + \phi b_{t-1} + s_{t-m} + e_t, \qquad
              \ell_t = \ell_{t-1} + \phi b_{t-1} + \alpha e_t, \\
              b_t &= \phi b_{t-1} + \beta e_t, \qquad s_t = s_{t-m} + \gamma e_t

    With a trend from two starts, the better kept.

    Parameters
    ----------
    y : array_like, shape (n,)
    trend, damped : bool
        Whether there is a slope b, and whether φ < 1.
    period : int, optional
        m, values a year, of a seasonal model.

    Returns
    -------
    Smoothed

    References
    ----------
    Hyndman, Koehler, Ord & Snyder (2008), Forecasting with Exponential Smoothing.

    Examples
    --------
    Up and down about 11: the level stands still, and SSE = 8 over 8 − 2 parameters.

    >>> found = smoothed([10.0, 12.0, 10.0, 12.0, 10.0, 12.0, 10.0, 12.0])
    >>> round(found.parameters["initial_level"], 2), round(found.sigma2, 2)
    (11.0, 1.33)
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    y = np.asarray(y, float)
    model = ETSModel(
        y, error="add", trend="add" if trend else None, damped_trend=damped,
        seasonal="add" if period else None, seasonal_periods=period,
    )  # fmt: skip
    fits = [_quietly(model)]
    if trend and not period:
        fast = np.array(fits[0].params, float)
        fast[:2] = 0.95, 0.9
        fits.append(_quietly(model, start_params=fast))
    fit = min(fits, key=lambda f: float(np.sum(np.asarray(f.resid) ** 2)))
    p = dict(zip(model.param_names, map(float, fit.params), strict=True))
    q = len(p) - (1 if period else 0)  # seasonal starting values add up to 0
    sse = float(np.sum(np.asarray(fit.resid) ** 2))
    return Smoothed(p, sse / max(y.size - q, 1), -y.size / 2 * np.log(sse), fit)


def _smoothing(
    y: ArrayLike, h: int, *, trend: bool = False, damped: bool = False, period: int | None = None
) -> Path:
    r"""Smooth exponentially with additive errors (ETS: ANN, AAN, AAdN, ANA, AAA), by maximum likelihood.

    .. math:: \operatorname{se}_h^2 = \sigma^2\Bigl(1 + \sum_{j<h} c_j^2\Bigr), \qquad
              c_j = \alpha + \beta\phi_j + \gamma\,1[m \mid j], \qquad \phi_j = \phi + \dots + \phi^j

    References
    ----------
    Hyndman, Koehler, Ord & Snyder (2008), Forecasting with Exponential Smoothing, chapter 6.
    """
    found = smoothed(y, trend=trend, damped=damped, period=period)
    p, j = found.parameters, np.arange(1, h)
    phi = np.cumsum(p.get("damping_trend", 1.0) ** j)
    c = p["smoothing_level"] + p.get("smoothing_trend", 0.0) * phi
    if period:
        c = c + p["smoothing_seasonal"] * (j % period == 0)
    se = np.sqrt(found.sigma2 * (1 + np.concatenate([[0.0], np.cumsum(c**2)])))
    return Path(np.asarray(found.fit.forecast(h), float), se)


def _theta(y: ArrayLike, h: int) -> Path:
    r"""Smooth exponentially, with half the slope of the straight line as drift (the theta method).

    .. math:: \tilde y_{n+h} + \frac b2\Bigl(h - 1 + \frac{1 - (1-\alpha)^n}{\alpha}\Bigr), \qquad
              \operatorname{se}_h = \sigma\sqrt{1 + (h-1)\alpha^2}

    References
    ----------
    Assimakopoulos & Nikolopoulos (2000), International Journal of Forecasting 16, 521–530. Hyndman & Billah
    (2003), ibid. 19, 287–290.
    """
    y = np.asarray(y, float)
    n, step = y.size, np.arange(h)
    found = smoothed(y)
    alpha = found.parameters["smoothing_level"]
    b = np.polyfit(np.arange(n), y, 1)[0]
    centre = np.asarray(found.fit.forecast(h)) + b / 2 * (step + (1 - (1 - alpha) ** n) / alpha)
    return Path(centre, np.sqrt(found.sigma2 * (1 + step * alpha**2)))


def _local_linear(y: ArrayLike, h: int) -> Path:
    """Follow a level and a slope that both wander (structural model, by maximum likelihood)."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    fit = _quietly(UnobservedComponents(np.asarray(y, float), "local linear trend"))
    found = fit.get_forecast(h)
    return Path(np.asarray(found.predicted_mean), np.asarray(found.se_mean))


def _arima(y: ArrayLike, h: int, order: tuple[int, int, int]) -> Path:
    """Fit an ARIMA of this order by maximum likelihood, with a mean where nothing is differenced.

    The variance of the innovations is over n − d less the number of parameters.
    """
    from statsmodels.tsa.arima.model import ARIMA

    y = np.asarray(y, float)
    fit = _quietly(ARIMA(y, order=order, trend="n" if order[1] else "c"))
    found = fit.get_forecast(h)
    n, k = y.size - order[1], len(fit.params) - 1
    return Path(np.asarray(found.predicted_mean), np.asarray(found.se_mean) * np.sqrt(n / max(n - k, 1)))


def _quietly(model: Any, start_params: Array | None = None) -> Any:
    """Fit by maximum likelihood; that an optimiser stopped early shows in the errors of the backtest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            model.fit()
            if type(model).__name__ == "ARIMA"
            else model.fit(disp=False, start_params=start_params)
        )


class _Entry(NamedTuple):
    run: Callable[[Array, int, int], Path]
    need: int
    seasonal: bool = False


MODELS: Final[dict[str, _Entry]] = {
    "naive": _Entry(lambda y, h, _: _naive(y, h), 3),
    "drift": _Entry(lambda y, h, _: drift(y, h), 4),
    "mean": _Entry(lambda y, h, _: _mean(y, h), 3),
    "seasonal-naive": _Entry(_seasonal_naive, 3, True),
    "ses": _Entry(lambda y, h, _: _smoothing(y, h), 6),
    "holt": _Entry(lambda y, h, _: _smoothing(y, h, trend=True), 8),
    "damped": _Entry(lambda y, h, _: _smoothing(y, h, trend=True, damped=True), 9),
    "theta": _Entry(lambda y, h, _: _theta(y, h), 6),
    "seasonal-ses": _Entry(lambda y, h, m: _smoothing(y, h, period=m), 6, True),
    "holt-winters": _Entry(lambda y, h, m: _smoothing(y, h, trend=True, period=m), 8, True),
    "local-linear": _Entry(lambda y, h, _: _local_linear(y, h), 8),
    "arima-011": _Entry(lambda y, h, _: _arima(y, h, (0, 1, 1)), 8),
    "arima-110": _Entry(lambda y, h, _: _arima(y, h, (1, 1, 0)), 8),
    "arima-100": _Entry(lambda y, h, _: _arima(y, h, (1, 0, 0)), 8),
}
"""Every model: how it is run on (series, steps, values a year), and the fewest values it needs."""


def needed(model: str, period: int) -> int:
    """Return the fewest values a model needs; a seasonal one two years more than its parameters.

    Parameters
    ----------
    model : str
        A key of ``MODELS``.
    period : int
        Values a year.

    Returns
    -------
    int

    Raises
    ------
    OptionError
        A model that does not exist, a period that is no whole number.

    Examples
    --------
    >>> needed("drift", 4), needed("holt-winters", 4)
    (4, 16)
    """
    one_of("model", model, tuple(MODELS))
    whole_number("period", period, least=1)
    entry = MODELS[model]
    return entry.need + 2 * period if entry.seasonal else entry.need


def run(model: str, y: ArrayLike, h: int, *, period: int = 1) -> Path:
    """Return the forecast of one model.

    Parameters
    ----------
    model : str
        A key of ``MODELS``.
    y : array_like, shape (n,)
        Without gaps.
    h : int
        Steps ahead.
    period : int
        Values a year.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        Too few values (how many are needed is said), a gap, or a seasonal model of annual values.
    OptionError
        As for :func:`needed`; no step.

    Examples
    --------
    >>> path = run("drift", [90.0, 91.0, 91.5, 93.0], 2)
    >>> path.mean.tolist(), path.std_error.round(3).tolist()
    ([94.0, 95.0], [0.577, 0.913])
    """
    whole_number("h", h, least=1)
    y, least = np.asarray(y, float), needed(model, period)
    if MODELS[model].seasonal and period < 2:
        raise DataError(f"{model} needs quarters or months; the series has one value a year")
    if y.size < least:
        raise DataError(f"{model} needs at least {least} values; found {y.size}")
    if np.isnan(y).any():
        raise DataError(f"{int(np.isnan(y).sum())} values are missing; a forecast needs every one")
    if np.ptp(y) == 0:
        return Path(np.full(h, y[0]), np.full(h, np.nan))
    return MODELS[model].run(y, h, period)


def combined(paths: list[Path]) -> Path:
    r"""Return the mean of several forecasts, with the variance of their mixture.

    .. math:: \bar\mu = \frac1K\sum_k \mu_k, \qquad
              v = \frac1K\sum_k \bigl(\operatorname{se}_k^2 + (\mu_k - \bar\mu)^2\bigr)

    Parameters
    ----------
    paths : list of Path
        K forecasts of the same steps.

    Returns
    -------
    Path
        Its limits are normal.

    Examples
    --------
    10 ± 2 and 14 ± 2: each lies 2 from the mean, so v = 4 + 4.

    >>> found = combined([Path(np.array([centre]), np.array([2.0])) for centre in (10.0, 14.0)])
    >>> found.mean.tolist(), found.std_error.round(4).tolist()
    ([12.0], [2.8284])
    """
    mu = np.stack([path.mean for path in paths])
    v = np.stack([path.std_error for path in paths]) ** 2
    return Path(mu.mean(axis=0), np.sqrt(v.mean(axis=0) + mu.var(axis=0)))


def limits(path: Path, level: float) -> tuple[Array, Array]:
    r"""Return the limits of a forecast, :math:`\mu \pm t_\nu \operatorname{se}` (normal where ν is infinite).

    Parameters
    ----------
    path : Path
    level : float
        Of confidence, between 0 and 1.

    Returns
    -------
    low, high : ndarray, shape (h,)

    Raises
    ------
    OptionError
        The level is not between 0 and 1.

    Examples
    --------
    >>> low, high = limits(Path(np.array([10.0]), np.array([2.0])), 0.95)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([6.08], [13.92])
    """
    within_0_1("level", level)
    from scipy.special import ndtri, stdtrit

    q = (1 + level) / 2
    reach = float(ndtri(q) if np.isinf(path.df) else stdtrit(path.df, q)) * path.std_error
    return path.mean - reach, path.mean + reach
