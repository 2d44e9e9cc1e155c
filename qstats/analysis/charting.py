"""New points on the charts of a monitor: what signals, and what the charts remember."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr

from qstats.analysis import phases, signals
from qstats.analysis.phases import COUNTED
from qstats.analysis.watch import Memory, Watch
from qstats.analysis.watched import Series
from qstats.stats import memory_charts

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
    q: Array
    signal: Mask


def charted(new: Series, watch: Watch) -> Charted:
    """Put the points on the three charts, and count their signals together."""
    options, memory, charts = watch.options, watch.memory, watch.options.charts
    z = phases.scores(new.x, new.n, watch.standard, new.kind, options.spread)
    low, high = phases.limits(new.n, watch.standard, new.kind, options.spread, charts.width)
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
    with np.errstate(invalid="ignore"):
        out = np.stack(
            [(value < low) | (value > high), ewma.outside & known, cusum.signal_upper | cusum.signal_lower]
        )
    p = _p_values(z, ewma, cusum, watch)
    q = signals.false_discovery(p)
    with np.errstate(invalid="ignore"):
        return Charted(z, low, high, ewma, cusum, p, q, out & (q <= options.fdr))


def _p_values(z: Array, ewma: memory_charts.Ewma, cusum: memory_charts.Cusum, watch: Watch) -> Array:
    r"""Return two-sided p-values of the charts, shape (charts, series, T); NaN for missing points.

    With phase I as it was estimated, from m points: a centre that is off by δ ~ N(0, 1/m) for good, and a
    spread with ν degrees of freedom,

    .. math:: 2T_\nu\Bigl(\frac{-|z|}{\sqrt{1 + 1/m}}\Bigr), \qquad
              2T_\nu\Bigl(\frac{-|w_t|}{\sqrt{s_t^2 + (1 - (1-\lambda)^t)^2/m}}\Bigr)

    with :math:`s_t` the standard deviation of the EWMA, and :func:`qstats.stats.memory_charts.cusum_tail`
    with the same error, brought to ν degrees of freedom by its normal quantile.
    """
    charts, at = watch.options.charts, watch.standard
    v, df = 1 / at.points[:, None], at.df[:, None]
    t = np.maximum(ewma.seen, 1.0)
    s = (ewma.high / charts.ewma_width) ** 2 + v * (1 - (1 - charts.ewma_weight) ** t) ** 2
    s = np.where(ewma.seen > 0, s, 1.0)
    higher = np.maximum(cusum.upper, cusum.lower)
    tail = memory_charts.cusum_tail(higher, reference=charts.reference, points=t, drift_variance=v)
    quantiles = np.stack([-np.abs(z) / np.sqrt(1 + v), -np.abs(ewma.value) / np.sqrt(s), ndtri(tail)])
    p = np.minimum(1.0, 2 * np.where(np.isnan(df), ndtr(quantiles), stdtr(df, quantiles)))
    return np.where(np.isnan(z), np.nan, p)


def runs(
    found: Charted, memory: Memory, times: list[str], better: int
) -> tuple[Array, Array, NDArray[np.object_]]:
    """Return for each point the direction of its signal, what runs on after the last, and since when."""
    shewhart, by_ewma, _ = found.signal
    side = np.where(found.cusum.upper >= found.cusum.lower, 1.0, -1.0)
    side = np.where(by_ewma, np.sign(found.ewma.value), side)
    side = np.where(shewhart, np.sign(found.z), side)
    toward = np.where(found.signal.any(0), side * better, 0.0)
    running, first = memory.running.copy(), np.full(toward.shape, "", object)
    since = memory.first.copy()
    for t, period in enumerate(times):
        seen = ~np.isnan(found.z[:, t])
        begins = (toward[:, t] != 0) & (toward[:, t] != running)
        since[seen & begins] = period
        running = np.where(seen, toward[:, t], running)
        since[running == 0] = ""
        first[:, t] = since
    return toward, running, first


def remembered(found: Charted, memory: Memory, running: Array, first: NDArray[np.object_]) -> Memory:
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
        running=running,
        first=first[:, -1],
    )
