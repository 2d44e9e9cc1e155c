"""Early warning in seasonal counts: a likelihood-ratio chart against what the season leads to expect."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import signals
from qstats.analysis.signals import Source
from qstats.analysis.watched import Series, series
from qstats.errors import DataError, OptionError, one_of, real_number, whole_number, yes_or_no
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.stats import count_charts
from qstats.stats.count_regression import Law, SeasonalFit, fit_counts, seasonal_regressors

Array = NDArray[np.float64]
Chart = Literal["cusum", "glr"]

#: fewest years of phase I
_YEARS: Final = 2
#: average run length in control unless said otherwise: that of the charts of `monitor`
_RUN: Final = 370.0
#: decision interval of GLR, a convention
_GLR: Final = 5.0


class SeasonalCusum(NamedTuple):
    """What a chart of seasonal counts found; see :func:`seasonal_cusum`."""

    points: pd.DataFrame
    signals: pd.DataFrame
    notes: tuple[str, ...]


class _How(NamedTuple):
    """The options."""

    chart: Chart
    law: Law
    ratio: float
    harmonics: int
    trend: bool
    decision: float | None
    run_length: float | None
    season: int


def seasonal_cusum(
    estimate: Estimate,
    /,
    *,
    baseline: str | int,
    chart: Chart = "cusum",
    law: Law = "negative-binomial",
    ratio: float | None = None,
    harmonics: int = 1,
    trend: bool = False,
    decision: float | None = None,
    run_length: float | None = None,
    source: Source | None = None,
    lang: str | None = None,
) -> SeasonalCusum:
    r"""Watch seasonal counts for a lasting rise.

    Phase I gives the expectation, by regression on seasons and a trend, and the dispersion:

    .. math:: \ln\mu_t = \beta_0 + [\gamma t] + \sum_j \beta_j\cos\frac{2\pi jt}{s}
              + \beta_j'\sin\frac{2\pi jt}{s}, \qquad \operatorname{var}(y_t) = \mu_t + \alpha\mu_t^2

    Later counts add up to evidence that events are κ times as frequent (``cusum``), or by whatever factor
    fits best since whichever period fits best (``glr``). At the decision interval h the chart signals and
    begins anew. Formulas in :mod:`qstats.stats.count_charts` and :mod:`qstats.stats.count_regression`.

    Parameters
    ----------
    estimate : Estimate
        Counts without gaps, with a key ``period``; every combination of its other keys is a series.
    baseline : str or int
        The last period of phase I (``"2013M12"``), or how many points it has; 2 years at least.
    chart : {"cusum", "glr"}
    law : {"negative-binomial", "poisson"}
        ``poisson``: chance alone, α = 0.
    ratio : float, optional
        κ of ``cusum``, 1.5.
    harmonics : int
        Waves of the season; not used for years. 2 fits two peaks a year.
    trend : bool
        Whether the expectation grows; it then grows on for ever, so not by default.
    decision : float, optional
        h. Of ``glr`` 5, a convention; of ``cusum`` found from `run_length`.
    run_length : float, optional
        Of ``cusum``: mean number of periods between false alarms, 370, if the expectation is right.
    source : optional
        Class of the risk information; see :func:`qstats.analysis.monitor.monitor`.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    SeasonalCusum
        * ``points``: one row a point: the keys, ``period, phase`` (I, II), ``value, centre`` (expected),
          ``low`` (NaN: falls are not watched), ``high`` (the count that would have signalled; NaN of ``glr``
          and in phase I), ``sum, decision, ratio`` (count over expectation since the onset), ``outside`` and
          ``signal``; ``ewma, ewma_limit`` are empty. ``qs.plot.control`` draws it.
        * ``signals``: one row a signal: the keys, ``period, began`` (onset by the likelihood), ``value,
          centre, ratio, sum, decision, source``.
        * ``notes``: what the reader must know.

    Raises
    ------
    DataError
        A gap, values that are no counts, fewer than 2 years in phase I, a phase I without events.
    OptionError
        A choice that does not exist, or an option that the chart does not use.

    References
    ----------
    Höhle & Paul (2008), Computational Statistics & Data Analysis 52, 4357–4368.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> alerts = published("RAPEX_notifications_monthly").where(period=[f"201{y}M{m:02}" for y in range(1, 6)
    ...                                                                for m in range(1, 13)])
    >>> found = seasonal_cusum(alerts, baseline="2012M12", ratio=1.25, run_length=120)
    >>> found.signals[["period", "began"]].values.tolist()
    [['2013M12', '2013M06'], ['2014M12', '2014M01']]
    """
    language(lang)
    label = signals.check_source(source)
    every = series(estimate, "c", gaps="raise", after=None, lang=lang)
    season = periods.PER_YEAR[every.periods[-1][4:5]]
    how = _how((chart, law, ratio, harmonics, trend, decision, run_length), season, lang)
    m = _phase_one(baseline, every, season, lang)
    X = seasonal_regressors(
        np.arange(len(every.periods)), season=season, harmonics=how.harmonics, trend=how.trend
    )
    if m < 2 * X.shape[1]:
        raise DataError(say("seasonal.short", lang, needed=max(_YEARS * season, 2 * X.shape[1]), have=m))
    points, found, spread = [], [], []
    for i, y in enumerate(every.x):
        names = {str(k): every.keys.iloc[i][k] for k in every.keys.columns}
        fit = fit_counts(y[:m], X[:m], law=law)
        mu = np.exp(X @ fit.beta)
        table, alarms = _charted(y, mu, fit, m, every.periods, how)
        points.append(table.assign(**names)[[*names, *table.columns]])
        found.append(alarms.assign(source=label, **names)[[*names, *alarms.columns, "source"]])
        spread.append(fit.dispersion)
    notes = _notes(how, m, spread, lang)
    return SeasonalCusum(pd.concat(points, ignore_index=True), pd.concat(found, ignore_index=True), notes)


def _how(given: tuple[Any, ...], season: int, lang: str | None) -> _How:
    chart, law, ratio, harmonics, trend, decision, run_length = given
    one_of("chart", chart, ("cusum", "glr"))
    one_of("law", law, ("negative-binomial", "poisson"))
    yes_or_no("trend", trend)
    whole_number("harmonics", harmonics, least=0)
    if harmonics > max(season // 2, 1):
        raise OptionError(f"harmonics={harmonics}: a year of {season} periods has at most {season // 2}")
    unused = [("ratio", ratio), ("run_length", run_length)] if chart == "glr" else []
    if decision is not None and run_length is not None:
        unused.append(("run_length", run_length))
    for name, value in unused:
        if value is not None:
            raise OptionError(say("seasonal.unused", lang, chart=chart, option=name))
    kappa = 1.5 if ratio is None else ratio
    real_number("ratio", kappa, above=1)
    for name, value in (("decision", decision), ("run_length", run_length)):
        if value is not None:
            real_number(name, value, above=0)
    waves = 0 if season <= 2 else harmonics
    return _How(chart, law, kappa, waves, trend, decision, run_length, season)


def _phase_one(baseline: str | int, every: Series, season: int, lang: str | None) -> int:
    first, last = every.periods[0], every.periods[-1]
    if isinstance(baseline, int) and not isinstance(baseline, bool) and 1 <= baseline <= len(every.periods):
        m = baseline
    else:
        named = periods.normalise(baseline) if isinstance(baseline, str) else None
        if named not in every.periods:
            raise OptionError(say("monitor.baseline_period", lang, baseline=baseline, first=first, last=last))
        m = every.periods.index(named) + 1
    if m < max(_YEARS * season, 4):
        raise DataError(say("seasonal.short", lang, needed=max(_YEARS * season, 4), have=m))
    return m


def _charted(
    y: Array, mu: Array, fit: SeasonalFit, m: int, times: list[str], how: _How
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points and the signals of one series."""
    unknown = bool(np.isnan(fit.dispersion))
    h = np.nan if unknown else _decision(mu, fit.dispersion, m, how)
    if unknown:
        none = np.full(y.size - m, np.nan)
        late = count_charts.CountChart(
            none, np.zeros(none.size, bool), np.full(none.size, -1, np.intp), none, none
        )
    elif how.chart == "glr":
        late = count_charts.glr_chart(y[m:], mu[m:], decision=h, dispersion=fit.dispersion)
    else:
        late = count_charts.ratio_cusum(y[m:], mu[m:], decision=h, ratio=how.ratio, dispersion=fit.dispersion)
    empty = np.full(m, np.nan)
    signal = np.r_[np.zeros(m, bool), late.signal]
    points = pd.DataFrame({"period": times, "phase": ["I"] * m + ["II"] * (y.size - m), "value": y})
    points = points.assign(centre=mu, low=np.nan, high=np.r_[empty, late.upper], sum=np.r_[empty, late.sums])
    points = points.assign(decision=h, ratio=np.r_[empty, late.ratio], outside=signal, signal=signal)
    points["ewma"], points["ewma_limit"] = np.nan, np.nan  # columns of a monitor that this chart has not
    at = np.flatnonzero(late.signal)
    alarms = points.iloc[at + m][["period", "value", "centre", "ratio", "sum", "decision"]]
    alarms.insert(1, "began", [times[m + late.began[t]] for t in at])
    return points, alarms.reset_index(drop=True)


def _decision(mu: Array, dispersion: float, m: int, how: _How) -> float:
    if how.decision is not None:
        return how.decision
    if how.chart == "glr":
        return _GLR
    year = mu[max(m - how.season, 0) : m]
    wanted = _RUN if how.run_length is None else how.run_length
    return count_charts.decision_for(year, run_length=wanted, ratio=how.ratio, dispersion=dispersion)


def _notes(how: _How, m: int, spread: list[float], lang: str | None) -> tuple[str, ...]:
    known = [a for a in spread if not np.isnan(a)]
    notes = [say("seasonal.fitted", lang, points=m, low=min(known), high=max(known))] if known else []
    if len(known) < len(spread):
        notes.append(say("seasonal.unsettled", lang, n=len(spread) - len(known)))
    if how.chart == "cusum" and how.decision is None:
        notes.append(say("seasonal.run", lang, run=how.run_length or _RUN))
    if how.trend:
        notes.append(say("seasonal.trend", lang))
    return tuple(notes)
