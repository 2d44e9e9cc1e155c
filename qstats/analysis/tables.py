"""The tables of a monitor: points with their limits, signals with their evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import phases, signals
from qstats.analysis.charting import Charted, Judged
from qstats.analysis.phases import COUNTED, Kind
from qstats.analysis.signals import CHARTS
from qstats.analysis.watch import Charts, Watch
from qstats.analysis.watched import Series

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def past(old: Series, watch: Watch) -> pd.DataFrame:
    """Return the points of phase I against the limits that they gave."""
    season = old.season(watch.options.harmonics)
    z = phases.scores(old.x, old.n, watch.standard, old.kind, watch.options.spread, season)
    width = watch.options.charts.width
    low, high = phases.limits(old.n, watch.standard, old.kind, watch.options.spread, width, season)
    nothing = np.full(z.shape, np.nan)
    more = dict.fromkeys(("ewma", "ewma_limit", "cusum_up", "cusum_down", "cusum_limit"), nothing)
    return _long(old, watch, "I", {"low": low, "high": high}, {"z": z, **more}, np.zeros(z.shape, bool))


def points(new: Series, watch: Watch, found: Charted, verdict: Judged) -> pd.DataFrame:
    """Return the points of phase II, one row each."""
    more = {"z": found.z, "ewma": found.ewma.value, "ewma_limit": found.ewma.high}
    more |= {"cusum_up": found.cusum.upper, "cusum_down": found.cusum.lower}
    more |= {"cusum_limit": np.full(found.z.shape, watch.options.charts.decision)}
    return _long(
        new, watch, "II", {"low": found.low, "high": found.high}, more, np.asarray(verdict.signal.any(0))
    )


def table(new: Series, watch: Watch, found: Charted, verdict: Judged, lang: str | None) -> pd.DataFrame:
    """Return one row a signal, in order of time and series."""
    options = watch.options
    T, S = (i.astype(int) for i in np.nonzero(verdict.toward.T))
    signal, z = verdict.signal[:, S, T], found.z[S, T]
    value = (new.x[S, T] / new.n[S, T]) if new.kind in COUNTED else new.x[S, T]
    centre = phases.centres(watch.standard, new.season(options.harmonics))[S, T]
    ratio = _ratio(value, centre, new.kind, options.direction)
    worse = verdict.toward[S, T] < 0
    with np.errstate(invalid="ignore"):
        p = np.where(signal, found.p[:, S, T], np.inf).min(0, initial=np.inf)
    onset, shift = _onset(found, S, T, new.periods, verdict.first[S, T], signal[2], options.charts)
    grade = signals.grades(worse, z, ratio, signal.sum(0), options.grading)
    side = np.where(worse, "worse", "better").astype(object)
    rows = watch.keys.iloc[S].reset_index(drop=True)
    columns: dict[str, Any] = {
        "period": np.array(new.periods, object)[T] if len(T) else np.array([], object),
        "first": verdict.first[S, T],
        "began": onset,
        "direction": side,
        "grade": grade,
        "source": np.full(len(S), options.source, object),
        "charts": np.array(["+".join(np.array(CHARTS)[on]) for on in signal.T], object),
        "value": options.scale * value,
        "centre": options.scale * centre,
        "size": options.scale * (value - centre),
        "ratio": ratio,
        "z": z,
        "shift": shift,
        "p": p,
        "q": verdict.q[S, T],
        "handling": np.array([signals.handling(g, True, lang) for g in grade], object),
    }
    return pd.concat([rows, pd.DataFrame(columns)], axis=1)


def _long(
    part: Series, watch: Watch, phase: str, limits: dict[str, Array], more: dict[str, Array], signal: Mask
) -> pd.DataFrame:
    S, T = part.x.shape
    scale, counted = watch.options.scale, part.kind in COUNTED
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(part.n > 0, part.x / part.n, np.nan) if counted else part.x
        outside = (value < limits["low"]) | (value > limits["high"])
    centre = phases.centres(watch.standard, part.season(watch.options.harmonics))
    rows = part.keys.loc[part.keys.index.repeat(T)].reset_index(drop=True)
    rows["period"] = np.tile(np.array(part.periods, object), S)
    rows["phase"] = phase
    for name, a in {"value": value, "centre": centre, **limits}.items():
        rows[name] = scale * a.ravel()
    for name, a in more.items():
        rows[name] = a.ravel()
    return rows.assign(outside=outside.ravel(), signal=signal.ravel())


def _ratio(value: Array, centre: Array, kind: Kind, direction: int) -> Array:
    """Return how many times as frequent failures are; NaN for single values."""
    if kind == "value":
        return np.full(value.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind in ("g", "t"):
            return np.asarray(centre / value if direction > 0 else value / centre, float)
        if kind == "p" and direction > 0:
            return np.asarray((1 - value) / (1 - centre), float)
        return np.asarray(value / centre if direction < 0 else centre / value, float)


def _onset(
    found: Charted, S: Any, T: Any, times: list[str], first: Any, by_cusum: Mask, charts: Charts
) -> tuple[NDArray[np.object_], Array]:
    """Return when the shift began, and how large it is, as the CUSUM puts it."""
    up = found.cusum.upper[S, T] >= found.cusum.lower[S, T]
    sums = np.where(up, found.cusum.upper[S, T], -found.cusum.lower[S, T])
    since = np.where(up, found.cusum.since_upper[S, T], found.cusum.since_lower[S, T])
    onset = np.array(first, dtype=object)
    for i in np.flatnonzero(by_cusum):
        period = times[T[i]]
        for _ in range(int(since[i]) - 1):
            period = periods.previous(period) or period
        onset[i] = min(period, onset[i], key=periods.sort_key)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sign(sums) * charts.reference + sums / since
    return onset, np.where(by_cusum, size, np.nan)
