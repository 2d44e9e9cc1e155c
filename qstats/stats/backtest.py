"""How well a forecast would have done: rolling origins, MASE, coverage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, whole_number
from qstats.stats import forecast as models

Array = NDArray[np.float64]


class Backtest(NamedTuple):
    """Errors of one model from rolling origins.

    Attributes
    ----------
    origin : ndarray of int, shape (origins,)
        Number of values known.
    error : ndarray, shape (origins, h)
        Value minus forecast; NaN beyond the end of the series.
    std_error : ndarray, shape (origins, h)
        What the model said of it.
    inside : ndarray, shape (origins, h)
        1 where the value lay within the limits, else 0; NaN beyond the end.
    """

    origin: NDArray[np.intp]
    error: Array
    std_error: Array
    inside: Array


class Accuracy(NamedTuple):
    """Accuracy by step ahead, arrays of shape (h,): number of origins, ME, MAE, RMSE, MASE, coverage."""

    origins: Array
    me: Array
    mae: Array
    rmse: Array
    mase: Array
    coverage: Array


def rolling(
    model: str,
    y: ArrayLike,
    h: int,
    *,
    period: int = 1,
    first: int | None = None,
    most: int = 24,
    level: float = 0.95,
) -> Backtest:
    """Forecast from every origin with the values known then, and compare.

    Parameters
    ----------
    model : str
        A key of :data:`qstats.stats.forecast.MODELS`.
    y : array_like, shape (n,)
    h : int
        Steps ahead.
    period : int
        Values a year.
    first : int, optional
        Values at the first origin; by default half of the series and no fewer than the model needs.
    most : int
        Largest number of origins, the latest ones: each is a fit.
    level : float
        Of the limits whose coverage is counted.

    Returns
    -------
    Backtest

    Raises
    ------
    DataError
        No origin is left: how many values are needed is said.
    OptionError
        A model that does not exist, a number or a level out of range.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.

    Examples
    --------
    The naive forecast of 11 is 7, and of 16 it is 7 or 11:

    >>> found = rolling("naive", [1.0, 2.0, 4.0, 7.0, 11.0, 16.0], 2, first=4)
    >>> found.origin.tolist(), found.error.tolist()
    ([4, 5], [[4.0, 9.0], [5.0, nan]])
    """
    whole_number("h", h, least=1)
    whole_number("most", most, least=1)
    if first is not None:
        whole_number("first", first, least=1)
    y = np.asarray(y, float)
    least = models.needed(model, period)
    start = max(least, y.size // 2) if first is None else max(first, least)
    if start >= y.size:
        raise DataError(f"a backtest of {model} needs at least {start + 1} values; found {y.size}")
    origin = np.arange(start, y.size)[-most:]
    error, se, inside = (np.full((origin.size, h), np.nan) for _ in range(3))
    for row, n in enumerate(origin):
        path = models.run(model, y[:n], h, period=period)
        k = min(h, y.size - n)
        low, high = models.limits(path, level)
        error[row, :k], se[row, :k] = y[n : n + k] - path.mean[:k], path.std_error[:k]
        inside[row, :k] = (y[n : n + k] >= low[:k]) & (y[n : n + k] <= high[:k])
    return Backtest(origin, error, se, inside)


def accuracy(found: Backtest, scale: float) -> Accuracy:
    r"""Return measures of accuracy by step ahead.

    .. math:: \mathrm{ME} = \bar e, \quad \mathrm{MAE} = \overline{|e|}, \quad
              \mathrm{RMSE} = \sqrt{\overline{e^2}}, \quad \mathrm{MASE} = \mathrm{MAE}/\text{scale}

    Parameters
    ----------
    found : Backtest
    scale : float
        See :func:`naive_scale`.

    Returns
    -------
    Accuracy
        NaN where there is no error to average, and MASE where the scale is not positive.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.

    Examples
    --------
    >>> found = rolling("naive", [1.0, 2.0, 4.0, 7.0, 11.0, 16.0], 2, first=4)
    >>> measured = accuracy(found, scale=3.0)
    >>> measured.mae.tolist(), measured.mase.tolist(), measured.coverage.tolist()
    ([4.5, 9.0], [1.5, 3.0], [1.0, 0.0])
    """
    seen = ~np.isnan(found.error)
    count = seen.sum(axis=0).astype(float)

    def average(values: Array) -> Array:
        total = np.where(seen, values, 0.0).sum(axis=0)
        return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))

    mae = average(np.abs(found.error))
    mase = mae / scale if scale > 0 else np.full(mae.shape, np.nan)
    rmse = np.sqrt(average(found.error**2))
    return Accuracy(count, average(found.error), mae, rmse, mase, average(found.inside))


def naive_scale(y: ArrayLike, period: int = 1) -> float:
    r"""Return the scale of MASE, :math:`\operatorname{mean} |y_t - y_{t-m}|`: naive, or seasonal naive.

    Parameters
    ----------
    y : array_like, shape (n,)
    period : int
        m, values a year.

    Returns
    -------
    float
        In the unit of y.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.

    Examples
    --------
    >>> naive_scale([1, 2, 4, 7]), naive_scale([1, 2, 4, 7], period=2)
    (2.0, 4.0)
    """
    y = np.asarray(y, float)
    return float(np.mean(np.abs(y[period:] - y[:-period])))


def widening(found: Backtest) -> float:
    r"""Return by how much to widen the errors of a forecast.

    .. math:: \max\Bigl(1, \sqrt{\operatorname{mean}\,(e/\operatorname{se})^2}\Bigr)

    Over all origins and steps; 1 where there is no error to compare.

    Parameters
    ----------
    found : Backtest

    Returns
    -------
    float
        1 or more.

    Examples
    --------
    Errors of 2 and 4 standard errors: the root of (4 + 16) / 2.

    >>> error, one = np.array([[2.0], [4.0]]), np.ones((2, 1))
    >>> round(widening(Backtest(np.array([3, 4]), error, one, one)), 4)
    3.1623
    """
    ratio = np.divide(
        found.error, found.std_error, out=np.full(found.error.shape, np.nan), where=found.std_error > 0
    )
    return max(1.0, float(np.sqrt(np.nanmean(ratio**2)))) if np.isfinite(ratio).any() else 1.0
