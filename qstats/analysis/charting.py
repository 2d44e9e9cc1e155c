"""New points on the charts of a monitor: what signals, and what the charts remember."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr

from qstats.analysis import phases
from qstats.analysis.phases import COUNTED
from qstats.analysis.watch import Memory, Watch
from qstats.analysis.watched import Series
from qstats.stats import memory_charts
from qstats.stats.multiplicity import adjusted

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Charted(NamedTuple):
    """Points of phase II with their charts; arrays of shape (series, T) unless said otherwise."""

    z: Array
    low: Array
    high: Array
    ewma: memory_charts.Ewma
    cusum: memory_charts.Cusum
    #: of the charts, shape (charts, series, T)
    p: Array
    outside: Mask


def charted(new: Series, watch: Watch) -> Charted:
    """Put the points on the three charts, and count their signals together."""
    options, memory, charts = watch.options, watch.memory, watch.options.charts
    season = new.season(options.harmonics)
    z = phases.scores(new.x, new.n, watch.standard, new.kind, options.spread, season)
    low, high = phases.limits(new.n, watch.standard, new.kind, options.spread, charts.width, season)
    ewma = memory_charts.ewma(
        z, weight=charts.ewma_weight, width=charts.ewma_width, start=memory.ewma, seen=memory.seen
    )
    cusum = memory_charts.cusum(
        z,
        reference=charts.reference,
        decision=charts.decision,
        headstart=charts.headstart,
        state=memory_charts.CusumState(memory.upper, memory.lower, memory.since_upper, memory.since_lower),
    )
    known = ~np.isnan(z)
    value = np.where(known, new.x / new.n, np.nan) if new.kind in COUNTED else new.x
    still = np.where(cusum.upper >= cusum.lower, 1.0, -1.0) * ewma.value > 0  # else the shift is over
    with np.errstate(invalid="ignore"):
        by_cusum = (cusum.signal_upper | cusum.signal_lower) & still
        out = np.stack([(value < low) | (value > high), ewma.outside & known, by_cusum])
    p = _p_values(z, ewma, cusum, watch)
    return Charted(z, low, high, ewma, cusum, p, out)


class Judged(NamedTuple):
    """Which points signal, shape (series, T) unless said otherwise."""

    #: charts that signal, shape (charts, series, T)
    signal: Mask
    #: false discovery rate at which the point signals
    q: Array
    #: 1: for the better, −1: for the worse, 0: no signal
    toward: Array
    #: when the run of signals began that goes on here
    first: NDArray[np.object_]
    #: what runs on after the last point, shape (series,)
    running: Array


def _p_values(z: Array, ewma: memory_charts.Ewma, cusum: memory_charts.Cusum, watch: Watch) -> Array:
    r"""Return two-sided p-values of the charts, shape (charts, series, T); NaN for missing points.

    With phase I as it was estimated, from m points: a centre that is off by δ ~ N(0, 1/m) for good, and a
    spread with ν degrees of freedom (with w waves of a season m is m/(1 + w)),

    .. math:: 2T_\nu\Bigl(\frac{-|z|}{\sqrt{1 + 1/m}}\Bigr), \qquad
              2T_\nu\Bigl(\frac{-|w_t|}{\sqrt{s_t^2 + (1 - (1-\lambda)^t)^2/m}}\Bigr)

    with :math:`s_t` the standard deviation of the EWMA, and :func:`qstats.stats.memory_charts.cusum_tail`
    with the same error, brought to ν degrees of freedom by its normal quantile.
    """
    charts, at = watch.options.charts, watch.standard
    v, df = (1 + at.waves.shape[1]) / at.points[:, None], at.df[:, None]
    t = np.maximum(ewma.seen, 1.0)
    s = (ewma.high / charts.ewma_width) ** 2 + v * (1 - (1 - charts.ewma_weight) ** t) ** 2
    s = np.where(ewma.seen > 0, s, 1.0)
    higher = np.maximum(cusum.upper, cusum.lower)
    tail = memory_charts.cusum_tail(
        higher, reference=charts.reference, points=t, drift_variance=v, headstart=charts.headstart
    )
    quantiles = np.stack([-np.abs(z) / np.sqrt(1 + v), -np.abs(ewma.value) / np.sqrt(s), ndtri(tail)])
    p = np.minimum(1.0, 2 * np.where(np.isnan(df), ndtr(quantiles), stdtr(df, quantiles)))
    return np.where(np.isnan(z), np.nan, p)


def judged(found: Charted, watch: Watch, times: list[str]) -> Judged:
    r"""Say which points signal, so that of the new alarms of a period few are false.

    A series has the p-value :math:`\min\{1, 3 \min_c p_c\}` of its three charts. Over all series that are not
    in alarm these are adjusted (Benjamini and Hochberg); one that is in alarm already is no discovery any
    more: it goes on while a chart is outside its limits. A chart signals that is outside and, by itself, as
    improbable as its series must be.
    """
    memory, options = watch.memory, watch.options
    own = np.minimum(1.0, len(found.p) * found.p)
    least = np.where(np.isnan(found.z), np.nan, own.min(0))
    side = _side(found, own) * options.direction
    signal, q = np.zeros(found.p.shape, bool), np.full(least.shape, np.nan)
    toward, first = np.zeros(least.shape), np.full(least.shape, "", object)
    running, since = memory.running.copy(), memory.first.copy()
    for t, period in enumerate(times):
        seen, alarm = ~np.isnan(least[:, t]), running != 0
        q[:, t] = np.where(alarm, least[:, t], adjusted(np.where(alarm, np.nan, least[:, t]), method="bh"))
        with np.errstate(invalid="ignore"):
            passed = q[:, t] <= options.fdr
        most = max(least[passed & ~alarm, t], default=0.0)
        bar = np.where(alarm, options.fdr, most)
        signal[..., t] = found.outside[..., t] & passed & (own[..., t] <= bar)
        toward[:, t] = np.where(signal[..., t].any(0), side[:, t], 0.0)
        since[seen & (toward[:, t] != 0) & (toward[:, t] != running)] = period
        running = np.where(seen, toward[:, t], running)
        since[running == 0] = ""
        first[:, t] = since
    return Judged(signal, q, toward, first, running)


def _side(found: Charted, own: Array) -> Array:
    """Return whether the most telling of the charts outside points up or down."""
    ways = [np.sign(found.z), np.sign(found.ewma.value)]
    ways.append(np.where(found.cusum.upper >= found.cusum.lower, 1.0, -1.0))
    telling = np.where(found.outside, own, 2.0).argmin(0)
    return np.asarray(np.choose(telling, ways), float)


def remembered(found: Charted, after: Judged, memory: Memory) -> Memory:
    """Return the memory after the last point."""
    if not found.z.shape[1]:
        return memory
    return Memory(
        ewma=found.ewma.value[:, -1],
        seen=found.ewma.seen[:, -1],
        upper=found.cusum.upper[:, -1],
        lower=found.cusum.lower[:, -1],
        since_upper=found.cusum.since_upper[:, -1],
        since_lower=found.cusum.since_lower[:, -1],
        running=after.running,
        first=after.first[:, -1],
    )
