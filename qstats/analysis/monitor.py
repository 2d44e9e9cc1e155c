"""Early warning: control charts over many series, with signals that are graded and counted together."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import given as finite
from qstats.analysis import phases, signals, tables
from qstats.analysis.charting import charted, judged, remembered
from qstats.analysis.compare import direction_of
from qstats.analysis.phases import COUNTED, SPREADS, Kind, Spread
from qstats.analysis.signals import Grading, Source
from qstats.analysis.watch import Charts, Options, Watch, begin, dump, restore
from qstats.analysis.watched import Series, series
from qstats.errors import DataError, OptionError, one_of, real_number, whole_number
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.run_length import estimated_limits

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
#: least points of phase I
LEAST: Final = 8


class Monitored(NamedTuple):
    """What a monitor found; see :func:`monitor`."""

    points: pd.DataFrame
    signals: pd.DataFrame
    state: str
    notes: tuple[str, ...]


def monitor(
    estimate: Estimate,
    /,
    *,
    baseline: str | int | None = None,
    kind: Kind | None = None,
    spread: Spread | None = None,
    harmonics: int | None = None,
    charts: Charts | None = None,
    fdr: float | None = None,
    grading: Grading | None = None,
    source: Source | None = None,
    direction: Literal[1, -1] | None = None,
    gaps: Literal["raise", "skip"] | None = None,
    unusable: Literal["raise", "skip"] | None = None,
    state: str | None = None,
    lang: str | None = None,
) -> Monitored:
    r"""Watch series for shifts, by Shewhart, EWMA and CUSUM charts of their standardised points.

    Phase I says what is normal; every later point is held against it. With z the distance of a point from the
    centre in standard deviations,

    .. math:: |z_t| > 3; \qquad |w_t| > L\sqrt{\tfrac{\lambda}{2-\lambda}(1 - (1-\lambda)^{2t})},\
              w_t = \lambda z_t + (1-\lambda) w_{t-1}; \qquad C^\pm_t = \max(0, C^\pm_{t-1} \pm z_t - k) > h

    A point beyond a limit is a **signal** when the false discovery rate is kept among the new alarms of its
    period, over all series that are not in alarm already (Benjamini and Hochberg, on three times the least
    p-value of the charts). Of one series alone the limits decide, and so they do of how long an alarm goes
    on. A CUSUM is not reset, and counts as outside only while the EWMA is on its side of the centre:
    otherwise the shift is over, though the sum remembers it. p-values allow for the error of a centre and
    spread that phase I has estimated; limits do not.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; each combination of its other keys is a series. Rates that carry ``numerator``
        and ``denominator`` are watched as these counts.
    baseline : str or int
        The last period of phase I (``"2013M12"``), or how many points it has; not with `state`.
    kind : {"p", "u", "c", "value", "g", "t"}, optional
        Shares, events over exposure, counts, single values, good units between failures, time between
        failures. By default ``p`` for per cent with counts and ``u`` for other counts; otherwise it must be
        said.
    spread : {"laney", "nominal", "exact"}, optional
        Of counts. ``laney`` (default): widened by the moving ranges of phase I where the series varies more
        than chance (p′, u′); never narrowed. ``nominal``: chance alone. ``exact``: chance alone by the exact
        law, for small counts.
    harmonics : int, optional
        Waves of the season in the centre, 0 by default: 1 follows a yearly wave of quarters or months, 2 two
        peaks a year. Of ``p, u, c`` and ``value``; phase I then needs two years, and better three or more.
    charts : Charts, optional
        Limits and weights.
    fdr : float, optional
        False discovery rate of a period, 0.05 by default.
    grading : Grading, optional
        From where on a signal is of grade I or II.
    source : optional
        Which of the eight classes of risk information the figures are: ``complaint, enforcement, monitoring,
        laboratory, media, overseas, domestic, referral``.
    direction : {1, -1}, optional
        1: more is better; −1: less is. By default what the list of indicators says, 1 for what it does not
        know.
    gaps : {"raise", "skip"}, optional
        A missing point: refuse (default), or leave it out; the memory of a chart stays as it was.
    unusable : {"raise", "skip"}, optional
        A series with fewer than 8 points in phase I, or without any variation: refuse (default), or leave it
        out, which the notes say.
    state : str, optional
        ``state`` of an earlier call: `estimate` then has only later periods, and everything else is as it
        was. Period by period gives the same as all at once.
    lang : {"zh", "en"}, optional
        Language of notes, handling and messages.

    Returns
    -------
    Monitored
        * ``points``: one row a point: the keys, ``period, phase`` (I, II), ``value, centre, low, high`` (in
          the unit of the estimate), ``z, ewma, ewma_limit, cusum_up, cusum_down, cusum_limit`` (in standard
          deviations; the memory charts of phase II only), ``outside`` and ``signal``.
        * ``signals``: one row a signal: the keys, ``period``, ``first`` (period when this run of signals
          began), ``began`` (onset as the CUSUM dates it, else ``first``), ``direction`` (worse, better),
          ``grade`` (I, II, III; empty for the better), ``source, charts, value, centre, size`` (value −
          centre), ``ratio`` (how many times as frequent failures are), ``z, shift`` (mean shift in standard
          deviations as the CUSUM puts it), ``p`` and ``q`` (the least of the charts that signal) and
          ``handling``. One row an episode: :func:`qstats.analysis.signals.episodes`.
        * ``state``: JSON.
        * ``notes``: what the reader must know.

    Raises
    ------
    DataError
        No key ``period``; gaps, mixed frequencies, values that are no counts, series without a usable phase
        I.
    OptionError
        A choice that does not exist, or one that `state` has settled already.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed. Laney (2002), Quality Engineering
    14(4). Benjamini & Hochberg (1995), JRSS B 57. Grigg & Spiegelhalter (2008), Technometrics 50(4).

    Examples
    --------
    >>> from qstats.datasets import published
    >>> alerts = published("RAPEX_notifications_monthly").where(period=[f"201{y}M{m:02}" for y in range(1, 6)
    ...                                                                for m in range(1, 13)])
    >>> found = monitor(alerts, baseline="2013M12", kind="c", direction=-1, source="overseas")
    >>> found.signals[["period", "grade", "charts", "began"]].values.tolist()[0]
    ['2014M12', 'II', 'shewhart', '2014M12']
    """
    given: dict[str, Any] = {
        "baseline": baseline,
        "kind": kind,
        "spread": spread,
        "harmonics": harmonics,
        "charts": charts,
        "fdr": fdr,
    }
    given |= {"grading": grading, "source": source, "direction": direction}
    given |= {"gaps": gaps, "unusable": unusable}
    finite.one(estimate, lang)
    if state is not None:
        settled = ", ".join(name for name, value in given.items() if value is not None)
        if settled:
            raise OptionError(say("monitor.with_state", lang, names=settled))
        return _continued(estimate, restore(state, lang), lang)
    if baseline is None:
        raise OptionError(say("monitor.baseline", lang))
    for name, value in (("gaps", gaps), ("unusable", unusable)):
        one_of(name, value, (None, "raise", "skip"))
    every = series(estimate, kind, gaps=gaps or "raise", after=None, lang=lang)
    options = _options(estimate, every, given, lang)
    m = _phase_one(baseline, every, lang)
    season = _season(every, options.harmonics, m, lang)
    at = phases.standard(every.x[:, :m], every.n[:, :m], every.kind, options.spread, season)
    keep, skipped = _kept(every, at, season, unusable or "raise", lang)
    every, at = every.take(keep), phases.Standard(*(a[keep] for a in at))
    watch = Watch(options, every.keys, at, begin(len(every.keys), options.charts), every.periods[m - 1])
    past = tables.past(every.part(slice(0, m)), watch)
    found = _advance(every.part(slice(m, None)), watch, lang)
    notes = [*skipped, *_notes(past, at, options, lang)]
    points = pd.concat([past, found.points], ignore_index=True)
    return found._replace(points=points, notes=tuple(notes))


def _continued(estimate: Estimate, watch: Watch, lang: str | None) -> Monitored:
    options = watch.options
    if (estimate.indicator, estimate.unit) != (options.indicator, options.unit):
        have, got = f"{options.indicator} [{options.unit}]", f"{estimate.indicator} [{estimate.unit}]"
        raise DataError(say("monitor.state_indicator", lang, have=have, got=got))
    new = series(estimate, options.kind, gaps="skip", after=watch.last, lang=lang)
    return _advance(_aligned(new, watch, lang), watch, lang)


def _aligned(new: Series, watch: Watch, lang: str | None) -> Series:
    """Put the series in the order of the state; those that have no new points are missing points."""
    keys = watch.keys
    if list(new.keys.columns) != list(keys.columns):
        got = ", ".join(map(str, new.keys.columns)) or "—"
        raise DataError(say("monitor.state_indicator", lang, have=", ".join(keys.columns) or "—", got=got))
    at = np.zeros(len(new.keys), int)
    if len(keys.columns):
        at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(new.keys))
    if (at < 0).any():
        first = _named(new.keys, int(np.argmax(at < 0)))
        raise DataError(say("monitor.state_series", lang, count=int((at < 0).sum()), series=first))
    x, n = (np.full((len(keys), len(new.periods)), np.nan) for _ in range(2))
    x[at], n[at] = new.x, new.n
    if watch.options.gaps == "raise" and (np.isnan(x) | ~(n > 0)).any():
        row, t = (int(i) for i in np.argwhere(np.isnan(x) | ~(n > 0))[0])
        count = int((np.isnan(x) | ~(n > 0)).sum())
        raise DataError(
            say("monitor.gap", lang, count=count, series=_named(keys, row), period=new.periods[t])
        )
    return new._replace(keys=keys, x=x, n=n)


def _options(estimate: Estimate, every: Series, given: dict[str, Any], lang: str | None) -> Options:
    spread: Spread = "laney" if given["spread"] is None else given["spread"]
    fdr = 0.05 if given["fdr"] is None else given["fdr"]
    one_of("spread", spread, SPREADS)
    real_number("fdr", fdr)
    if given["harmonics"] is not None:
        whole_number("harmonics", given["harmonics"], least=0)
    if given["spread"] is not None and every.kind not in COUNTED:
        raise OptionError(say("monitor.number", lang, name="spread", value=spread, rule="p, u, c"))
    if not 0 < fdr < 1:
        raise OptionError(say("monitor.number", lang, name="fdr", value=fdr, rule="0 < fdr < 1"))
    charts = Charts() if given["charts"] is None else given["charts"]
    grading = Grading() if given["grading"] is None else given["grading"]
    for name, record, kind in (("charts", charts, Charts), ("grading", grading, Grading)):
        _check_record(name, record, kind)
    if not (charts.reference > 0 and charts.width > 0 and charts.ewma_width > 0):
        raise OptionError(say("monitor.number", lang, name="charts", value=charts, rule="> 0"))
    chosen = given["direction"]
    if chosen is None and every.kind in ("g", "t"):
        chosen = 1  # the farther apart failures are, the better
    return Options(
        kind=every.kind,
        spread=spread,
        charts=charts,
        fdr=float(fdr),
        grading=grading,
        source=signals.check_source(given["source"]),
        direction=direction_of(estimate, chosen),
        gaps=given["gaps"] or "raise",
        indicator=estimate.indicator,
        unit=estimate.unit,
        scale=every.scale,
        harmonics=0 if given["harmonics"] is None else int(given["harmonics"]),
    )


def _check_record(name: str, record: Any, kind: Any) -> None:
    """Raise OptionError unless this is a record of that kind, and all its fields are numbers."""
    if not isinstance(record, kind):
        raise OptionError(f"{name} is a {type(record).__name__}, not a {kind.__name__}(…) of this module")
    for field, value in record._asdict().items():
        real_number(f"{name}.{field}", value)


def _phase_one(baseline: str | int, every: Series, lang: str | None) -> int:
    """Return the number of periods in phase I."""
    first, last = every.periods[0], every.periods[-1]
    if isinstance(baseline, int) and not isinstance(baseline, bool) and 1 <= baseline <= len(every.periods):
        return baseline
    named = periods.normalise(baseline) if isinstance(baseline, str) else None
    if named not in every.periods:
        raise OptionError(say("monitor.baseline_period", lang, baseline=baseline, first=first, last=last))
    return every.periods.index(named) + 1


def _season(every: Series, harmonics: int, m: int, lang: str | None) -> Array:
    """Return the waves of the season in phase I, shape (m, waves)."""
    if harmonics and every.kind in ("g", "t"):
        raise OptionError(
            say("monitor.number", lang, name="harmonics", value=harmonics, rule="p, u, c, value")
        )
    season = every.season(harmonics)[:m]
    years = 2 * {5: 2, 6: 4, 7: 12}.get(len(every.periods[0]), 1)
    if harmonics and m < years:
        raise OptionError(say("monitor.season_short", lang, need=years, have=m))
    return season


def _kept(
    every: Series, at: phases.Standard, season: Array, unusable: str, lang: str | None
) -> tuple[Mask, list[str]]:
    enough, varied = phases.usable(at, every.kind, LEAST, season)
    keep = enough & varied
    if keep.all():
        return keep, []
    left = np.flatnonzero(~keep)
    if unusable == "raise":
        first = _named(every.keys, int(left[0]))
        raise DataError(say("monitor.unusable", lang, count=len(left), series=first, least=LEAST))
    if not keep.any():
        raise DataError(say("monitor.none_usable", lang))
    names = "; ".join(_named(every.keys, int(i)) for i in left[:5]) + ("; …" if len(left) > 5 else "")
    return keep, [say("monitor.skipped", lang, count=len(left), series=names)]


def _advance(new: Series, watch: Watch, lang: str | None) -> Monitored:
    """Put new points on the charts, and return what they say with the state after them."""
    found = charted(new, watch)
    verdict = judged(found, watch, new.periods)
    memory = remembered(found, verdict, watch.memory)
    state = watch._replace(memory=memory, last=new.periods[-1] if new.periods else watch.last)
    points = tables.points(new, watch, found, verdict)
    return Monitored(points, tables.table(new, watch, found, verdict, lang), dump(state), ())


def _notes(past: pd.DataFrame, at: phases.Standard, options: Options, lang: str | None) -> list[str]:
    notes = [say("monitor.rule", lang, fdr=options.fdr)]
    if past["outside"].any():
        notes.append(say("monitor.phase_one", lang, count=int(past["outside"].sum())))
    least = int(at.points.min())
    chance = estimated_limits(least, width=options.charts.width).probability_short
    return [*notes, say("monitor.estimated", lang, points=least, probability=chance)]


def _named(keys: pd.DataFrame, row: int) -> str:
    return ", ".join(f"{name}={value}" for name, value in keys.iloc[row].items()) or "—"
