"""Forecasts with limits that were tried on the past of the series."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis import given
from qstats.analysis.series import Series, label, series_of
from qstats.errors import DataError, OptionError, names_of, one_of, within_0_1, yes_or_no
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import backtest as tests
from qstats.stats import forecast as models

Array = NDArray[np.float64]
Scale = Literal["logit", "identity"]
Combination = Literal["best", "combined"]

#: with fewer values the choice among models is noise, and drift is taken
SHORT: Final = 16
CANDIDATES: Final = ("naive", "drift", "mean", "ses", "holt", "local-linear", "arima-011", "arima-100")
SEASONAL: Final = ("seasonal-naive", "seasonal-ses", "holt-winters")
_FAN: Final = (0.5, 0.8, 0.95)


class _Chosen(NamedTuple):
    names: list[str]
    path: models.Path
    widened: float


def forecast(
    estimate: Estimate,
    /,
    *,
    horizon: int = 3,
    method: models.Model | Combination | None = None,
    candidates: Sequence[models.Model] | None = None,
    scale: Scale | None = None,
    widen: bool = True,
    lang: str | None = None,
) -> Estimate:
    r"""Forecast each series, rates on the logit scale, so that no limit leaves 0 to 100 %.

    With fewer than 16 values the random walk with drift is the default: automatic choices among models cover
    far less than they say there (8 values, 3 ahead, nominal 95 %: exponential smoothing 75 %, ARIMA 69 %,
    drift 92 %). With 16 or more, the model with the smallest mean absolute error from rolling origins
    is taken. Errors are widened where those of the past were larger than the model said:

    .. math:: \operatorname{se}^*_h = k \operatorname{se}_h, \qquad
              k = \max\Bigl(1, \sqrt{\operatorname{mean}(e/\operatorname{se})^2}\Bigr)

    and the limits of drift are those of t with n − 2 degrees of freedom. So a nominal 95 % covered 97 % of
    random walks with drift of 8 values, 1 to 3 ahead.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; every combination of the other keys is a series without gaps.
    horizon : int
        Periods ahead.
    method : str, optional
        A model (``naive, drift, mean, ses, holt, damped, theta, local-linear, arima-011, arima-110,
        arima-100`` and, of quarters and months, ``seasonal-naive, seasonal-ses, holt-winters``); ``best``,
        the choice by rolling origins whatever the length; ``combined``, the mean of the candidates.
    candidates : sequence of str, optional
        Models to choose from or to combine. Those that need more values than there are drop out.
    scale : {"logit", "identity"}, optional
        By default ``logit`` for per cent and ``identity`` for anything else.
    widen : bool
        Whether to widen the errors by what rolling origins show.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys as before, ``period`` being the future one. ``estimate`` is the median, ``std_error`` the
        linearised error of one future value, ``n`` the number of values used. Further columns: the fan
        ``low_50, high_50, low_80, high_80, low_95, high_95``, ``step``, ``model``, ``widened`` (k).
        The sampling error of the past values is part of their scatter and not modelled apart.

    Raises
    ------
    DataError
        A series is too short (the number needed is said), has gaps or mixed periods; a rate of 0 or 100 % on
        the logit scale.

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    >>> found = forecast(rate, horizon=2)
    >>> found.table[["period", "estimate", "model"]].round(2).values.tolist()
    [['2025', 94.06, 'drift'], ['2026', 94.18, 'drift']]
    """
    given.one(estimate, lang)
    yes_or_no("widen", widen)
    methods = _check_choices(method, candidates, horizon, lang)
    logit = _logit(estimate, scale, lang)
    need = 4 if method in (None, "drift") else 3
    parts = series_of(estimate, need=need, what="forecast", lang=lang)
    rows = []
    for s in parts:
        z = _transformed(s, logit, lang)
        chosen = _chosen(z, horizon, s.per_year, method, methods, widen, lang)
        rows.append(_rows(s, chosen, horizon, logit, estimate))
    note = say("forecast.note", lang, scale="logit" if logit else "identity")
    return estimate.replace(
        pd.concat(rows, ignore_index=True),
        method=f"forecast by {method or 'drift or the best of rolling origins'}"
        f"{' on the logit scale' if logit else ''}; {estimate.method}",
        inference="superpopulation",
        notes=(*estimate.notes, note),
    )


def backtest(
    estimate: Estimate,
    /,
    *,
    horizon: int = 3,
    methods: Sequence[models.Model] | None = None,
    scale: Scale | None = None,
    level: float = 0.95,
    lang: str | None = None,
) -> pd.DataFrame:
    """Return how well each model would have forecast each series from rolling origins.

    Parameters
    ----------
    estimate : Estimate
        As for :func:`forecast`.
    horizon : int
        Periods ahead.
    methods : sequence of str, optional
        Models; by default the candidates of :func:`forecast`. Those that need more values drop out.
    scale : {"logit", "identity"}, optional
        Errors are those on this scale.
    level : float
        Of the limits whose coverage is counted, before any widening.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        The keys of the series, ``model, step, origins`` (errors at this step), ``me, mae, rmse, mase``
        (scaled by the naive, or seasonal naive, forecast within the series) and ``coverage``.

    Raises
    ------
    DataError
        A series too short, or no model that can be fitted to any.
    OptionError
        A model, a scale or a number that does not exist.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    >>> backtest(rate, horizon=1, methods=["naive", "mean"])[["model", "origins"]].values.tolist()
    [['naive', 2.0], ['mean', 2.0]]
    """
    given.one(estimate, lang)
    within_0_1("level", level)
    wanted = _check_choices(None, methods, horizon, lang, argument="methods")
    logit = _logit(estimate, scale, lang)
    others = [key for key in estimate.keys if key != "period"]
    found = []
    for s in series_of(estimate, need=4, what="backtest", lang=lang):
        z = _transformed(s, logit, lang)
        unit = tests.naive_scale(z, s.per_year if z.size > s.per_year else 1)
        for model in _able(z.size - 1, s.per_year, wanted):
            got = tests.accuracy(tests.rolling(model, z, horizon, period=s.per_year, level=level), unit)
            part = pd.DataFrame({"model": model, "step": np.arange(1, horizon + 1), "origins": got.origins})
            part = part.assign(me=got.me, mae=got.mae, rmse=got.rmse, mase=got.mase, coverage=got.coverage)
            found.append(part.assign(**dict(zip(others, s.name, strict=True)))[[*others, *part.columns]])
    if not found:
        raise DataError(say("forecast.none_able", lang, models=", ".join(wanted or CANDIDATES)))
    return pd.concat(found, ignore_index=True)


def _check_choices(
    method: Any, candidates: Any, horizon: Any, lang: str | None, *, argument: str = "candidates"
) -> list[str] | None:
    one_of("method", method, (None, "best", "combined", *models.MODELS))
    if isinstance(horizon, bool) or not isinstance(horizon, Integral) or int(horizon) < 1:
        raise OptionError(say("forecast.horizon", lang, value=horizon))
    if candidates is None:
        return None
    if method not in (None, "best", "combined"):
        raise OptionError(say("trend.unused", lang, option="candidates", method=method))
    for name in (names := names_of(argument, candidates)):
        one_of(argument, name, tuple(models.MODELS))
    return names


def _logit(estimate: Estimate, scale: Scale | None, lang: str | None) -> bool:
    one_of("scale", scale, (None, "logit", "identity"))
    if scale == "logit" and estimate.unit != "%":
        raise DataError(say("forecast.not_a_rate", lang, unit=estimate.unit))
    return scale == "logit" or (scale is None and estimate.unit == "%")


def _transformed(s: Series, logit: bool, lang: str | None) -> Array:
    if not logit:
        return s.y
    if not ((s.y > 0) & (s.y < 100)).all():
        at = s.labels[int(np.flatnonzero((s.y <= 0) | (s.y >= 100))[0])]
        raise DataError(say("forecast.bound", lang, series=s.title, period=at))
    return np.asarray(np.log(s.y / (100 - s.y)))


def _able(n: int, per_year: int, wanted: list[str] | None) -> list[str]:
    """Return the models that n values are enough for."""
    names = wanted if wanted is not None else [*CANDIDATES, *(SEASONAL if per_year > 1 else ())]
    seasonal = [name for name in names if models.MODELS[name].seasonal and per_year == 1]
    return [name for name in names if name not in seasonal and models.needed(name, per_year) <= n]


def _chosen(
    z: Array, h: int, per_year: int, method: Any, wanted: list[str] | None, widen: bool, lang: str | None
) -> _Chosen:
    if method is None and wanted is None and z.size < SHORT:
        method = "drift"
    pasts: dict[str, tests.Backtest] = {}
    if method in (None, "best", "combined"):
        names = _able(z.size - 1, per_year, wanted)
        if not names:
            raise DataError(say("forecast.none_able", lang, models=", ".join(wanted or CANDIDATES)))
        pasts = _pasts(names, z, h, per_year)
        if method != "combined":
            names = [min(pasts, key=lambda name: float(np.nanmean(np.abs(pasts[name].error))))]
    else:
        names = [method]
    paths = [models.run(name, z, h, period=per_year) for name in names]
    path = paths[0] if len(paths) == 1 else models.combined(paths)
    if names == ["drift"]:  # the scatter of few steps is itself uncertain
        path = path._replace(df=z.size - 2)
    factor = 1.0
    if widen:
        if not pasts and z.size > models.needed(names[0], per_year):
            pasts = _pasts(names, z, h, per_year)
        used = [tests.widening(pasts[name]) for name in names if name in pasts]
        factor = float(np.mean(used)) if used else 1.0
    return _Chosen(names, path._replace(std_error=factor * path.std_error), factor)


def _pasts(names: list[str], z: Array, h: int, per_year: int) -> dict[str, tests.Backtest]:
    """Return the backtests of models from the same origins."""
    first = max(*(models.needed(name, per_year) for name in names), z.size // 2)
    return {name: tests.rolling(name, z, h, period=per_year, first=first) for name in names}


def _rows(s: Series, chosen: _Chosen, h: int, logit: bool, estimate: Estimate) -> pd.DataFrame:
    def back(z: Array) -> Array:
        return np.asarray(100 / (1 + np.exp(-z))) if logit else z

    path = chosen.path
    median = back(path.mean)
    slope = median * (100 - median) / 100 if logit else 1.0
    low, high = models.limits(path, estimate.level)
    fan: dict[str, Array] = {}
    for level in _FAN:
        sides = models.limits(path, level)
        fan |= {
            f"{side}_{round(100 * level)}": back(z) for side, z in zip(("low", "high"), sides, strict=True)
        }
    future = [label(int(s.at[-1]) + step, s.per_year) for step in range(1, h + 1)]
    others = iter(s.name)
    keys = {key: future if key == "period" else [next(others)] * h for key in estimate.keys}
    return pd.DataFrame(keys).assign(
        estimate=median,
        std_error=slope * path.std_error,
        conf_low=back(low),
        conf_high=back(high),
        n=s.y.size,
        **fan,
        step=np.arange(1, h + 1),
        model="+".join(chosen.names),
        widened=chosen.widened,
    )
