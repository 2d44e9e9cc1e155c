"""The level behind a noisy series, and its seasonal adjustment."""

from __future__ import annotations

import shutil
from numbers import Integral
from typing import Final, Literal

import numpy as np
import pandas as pd

from qstats.analysis import given
from qstats.analysis.series import Gaps, Series, label, series_of
from qstats.errors import DataError, OptionError, QStatsError, one_of, real_number, yes_or_no
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import smoothing as formulas

Method = Literal["stl", "x13"]

_COMPONENTS: Final = ("adjusted", "seasonal", "trend", "remainder")


def smooth(
    estimate: Estimate, /, *, step: float | None = None, gaps: Gaps = "refuse", lang: str | None = None
) -> Estimate:
    r"""Smooth each series by its known errors: a level that wanders, seen with error.

    .. math:: y_t = \mu_t + e_t,\ e_t \sim N(0, \mathrm{se}_t^2), \qquad \mu_t - \mu_{t-1} \sim N(0, q)

    Where a year was surveyed with a small sample, its neighbours say more. q is estimated (REML).

    Parameters
    ----------
    estimate : Estimate
        With a key ``period`` and known standard errors.
    step : float, optional
        Standard deviation √q of a step, instead of its estimate; 0: one level for all.
    gaps : {"refuse", "skip"}
        A period without value: refuse, or carry the level over it.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        The keys as before, every period from first to last; ``observed`` is the value before and ``step`` √q.
        The errors do not contain that of q.

    Raises
    ------
    DataError
        An error is not known (published figures), or a series is too short.

    Examples
    --------
    >>> rows = [("2021", 90.0, 0.5), ("2022", 92.0, 2.0), ("2023", 90.4, 0.5), ("2024", 90.2, 0.5)]
    >>> table = pd.DataFrame(rows, columns=["period", "estimate", "std_error"])
    >>> table = table.assign(conf_low=0.0, conf_high=0.0, n=100)
    >>> rate = Estimate(table, indicator="pass rate", unit="%", method="given")
    >>> smooth(rate).table["estimate"].round(2).tolist()
    [90.24, 90.24, 90.24, 90.24]
    """
    from scipy.special import ndtri

    given.one(estimate, lang)
    if step is not None:
        real_number("step", step)
    if step is not None and step < 0:
        raise OptionError(say("smooth.step", lang, value=step))
    z = float(ndtri((1 + estimate.level) / 2))
    parts = []
    for s in series_of(estimate, need=3, what="smooth", gaps=gaps, lang=lang):
        at = np.arange(s.at[0], s.at[-1] + 1)
        y, se = np.full(at.size, np.nan), np.full(at.size, np.nan)
        y[s.at - s.at[0]], se[s.at - s.at[0]] = s.y, s.std_error
        found = formulas.local_level(y, se, q=None if step is None else step**2)
        parts.append(
            _keyed(s, [label(int(n), s.per_year) for n in at], estimate).assign(
                estimate=found.level,
                std_error=found.std_error,
                conf_low=found.level - z * found.std_error,
                conf_high=found.level + z * found.std_error,
                n=np.nan,
                observed=y,
                step=np.sqrt(found.q),
            )
        )
    return estimate.replace(
        pd.concat(parts, ignore_index=True), method=f"local level with known errors; {estimate.method}"
    )


def seasonal(
    estimate: Estimate,
    /,
    *,
    method: Method = "stl",
    window: formulas.SeasonalWindow = "periodic",
    robust: bool = False,
    lang: str | None = None,
) -> Estimate:
    """Adjust quarterly or monthly series for the season.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period`` of quarters or months; more than two years without gaps.
    method : {"stl", "x13"}
        By loess; or by the X-13ARIMA-SEATS program where it is installed (``x13as`` on the path), with its
        automatic settings.
    window : "periodic" or odd int
        With ``stl``: the same season every year, or one that changes, smoothed over so many years.
    robust : bool
        With ``stl``: weigh outliers down.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        Keys as before and ``component``: ``adjusted`` (the series less the season), ``seasonal, trend,
        remainder``; season + trend + remainder is the series. Errors are NaN: neither method knows them.

    Raises
    ------
    DataError
        Annual or half-yearly series, too short, or with gaps.
    QStatsError
        ``x13`` without its program.

    Examples
    --------
    >>> season = [1.0, -1.0, 0.5, -0.5] * 3
    >>> table = pd.DataFrame({"period": [f"{2021 + i // 4}Q{i % 4 + 1}" for i in range(12)]})
    >>> table = table.assign(estimate=[90 + v for v in season], std_error=0.1, conf_low=0, conf_high=0, n=9)
    >>> rate = Estimate(table, indicator="pass rate", unit="%", method="given")
    >>> seasonal(rate).where(component="adjusted", period="2023Q1").table["estimate"].round(6).tolist()
    [90.0]
    """
    given.one(estimate, lang)
    yes_or_no("robust", robust)
    one_of("method", method, ("stl", "x13"))
    _check_window(window)
    if method == "x13" and (window != "periodic" or robust):
        raise OptionError(say("trend.unused", lang, option="window, robust", method=method))
    parts = []
    for s in series_of(estimate, need=3, what="seasonal", lang=lang):
        if s.per_year < 4:
            raise DataError(say("trend.no_season", lang, series=s.title))
        found = (
            _x13(s, lang)
            if method == "x13"
            else formulas.stl(s.y, period=s.per_year, window=window, robust=robust)
        )
        values = {"adjusted": s.y - found.seasonal, **found._asdict()}
        for name in _COMPONENTS:
            keyed = _keyed(s, s.labels, estimate).assign(component=name)
            nothing = dict.fromkeys(("std_error", "conf_low", "conf_high", "n"), np.nan)
            parts.append(keyed.assign(estimate=values[name], **nothing))
    return estimate.replace(
        pd.concat(parts, ignore_index=True),
        method=f"seasonal adjustment by {method}; {estimate.method}",
        inference="none",
    )


def _check_window(window: object) -> None:
    """Raise OptionError unless this is ``periodic`` or an odd whole number of 3 or more."""
    odd = isinstance(window, Integral) and int(window) >= 3 and int(window) % 2 == 1
    if not (odd or (isinstance(window, str) and window == "periodic")):
        raise OptionError(
            f"window={window!r:.200} is neither 'periodic' nor an odd whole number of years, 3 or more"
        )


def _keyed(s: Series, labels: list[str], estimate: Estimate) -> pd.DataFrame:
    others = iter(s.name)
    return pd.DataFrame({k: labels if k == "period" else [next(others)] * len(labels) for k in estimate.keys})


def _x13(s: Series, lang: str | None) -> formulas.Components:
    if shutil.which("x13as") is None and shutil.which("x13as_ascii") is None:
        raise QStatsError(say("seasonal.no_x13", lang))
    from statsmodels.tsa.x13 import x13_arima_analysis

    frequency = {4: "Q", 12: "M"}[s.per_year]
    index = pd.PeriodIndex.from_ordinals(s.at - 1970 * s.per_year, freq=frequency)
    found = x13_arima_analysis(pd.Series(s.y, index=index.to_timestamp()), outlier=False, trading=False)
    adjusted, trend = (np.asarray(part, float) for part in (found.seasadj, found.trend))
    return formulas.Components(s.y - adjusted, trend, adjusted - trend, np.ones(s.y.size))
