"""Phase I and II of series: what later points are held against, and how far they are from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from qstats.stats import control, control_exact, seasonal_baseline

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["p", "u", "c", "value", "g", "t"]
Spread = Literal["laney", "nominal", "exact"]
KINDS: Final = ("p", "u", "c", "value", "g", "t")
SPREADS: Final = ("laney", "nominal", "exact")
#: kinds whose points are counts over a denominator
COUNTED: Final = ("p", "u", "c")
#: points that a mean moving range needs where a standard deviation needs one
_LOSS: Final = 1.65


class Standard(NamedTuple):
    """What each series is held against, arrays of shape (series,)."""

    centre: Array
    #: of counts: their spread over what chance alone gives; of values: their standard deviation
    sigma: Array
    points: Array
    #: degrees of freedom of an estimated spread; NaN where it is that of chance
    df: Array
    #: of the season, about the centre, shape (series, waves)
    waves: Array


def standard(x: Array, n: Array, kind: Kind, spread: Spread, season: Array) -> Standard:
    """Estimate centre and spread from phase I, arrays of shape (series, T).

    The spread of counts is never taken as less than chance gives. `season` has the waves at each point.
    """
    if season.shape[1]:
        return _seasonal(x, n, kind, spread, season)
    none = np.zeros((len(x), 0))
    if kind in COUNTED:
        width: Literal["laney", "nominal"] = "laney" if spread == "laney" else "nominal"
        base = control.rate_baseline(x, n, kind=_law(kind), spread=width)
        df = np.where(base.sigma_z > 1, base.points / _LOSS, np.nan)
        return Standard(base.centre, np.fmax(base.sigma_z, 1.0), base.points, df, none)
    known = ~np.isnan(x)
    m = known.sum(-1)
    total = np.where(known, x, 0.0).sum(-1)
    mean = np.divide(total, m, out=np.full(total.shape, np.nan), where=m > 0)
    sigma = control.moving_range(x) / control.D2 if kind == "value" else np.ones(mean.shape)
    df = m / _LOSS if kind == "value" else np.full(mean.shape, np.nan)
    return Standard(mean, sigma, m.astype(float), df, none)


def _seasonal(x: Array, n: Array, kind: Kind, spread: Spread, season: Array) -> Standard:
    """Estimate a centre with waves, and the spread about it by its ranges and the share that the fit left."""
    counted = kind in COUNTED
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.where(n > 0, x / n, np.nan) if counted else x
    known = ~np.isnan(y)
    R = np.column_stack([np.ones(len(season)), season])
    weight = np.where(known, n if counted else 1.0, 0.0)
    fit = seasonal_baseline.waves(y, weight, R)
    m, k = known.sum(-1).astype(float), season.shape[1]
    c = fit @ R.T
    z = _beyond(control.standardise, x, n, c, kind) if counted else y - c
    ranges = control.moving_range(z) / seasonal_baseline.range_left(weight, R)
    sigma = np.ones(len(x)) if counted and spread != "laney" else ranges / control.D2
    sigma = np.fmax(sigma, 1.0) if counted else sigma
    df = np.where((sigma > 1) | (not counted), np.maximum(m - k, 1.0) / _LOSS, np.nan)
    return Standard(fit[:, 0], sigma, m, df, fit[:, 1:])


def centres(at: Standard, season: Array) -> Array:
    """Return the centre of each series at each point, shape (series, T)."""
    if not len(season):
        return np.zeros((len(at.centre), 0))
    return np.asarray(at.centre[:, None] + at.waves @ season.T)


def _beyond(formula: Callable[..., Any], *args: Any) -> Any:
    """Apply a formula of series with one centre to points that each have one; the kind comes last."""
    *arrays, centre, kind = args
    found = formula(*(a[..., None] for a in arrays), centre, kind=_law(kind))
    return found[..., 0]


def usable(at: Standard, kind: Kind, least: int, season: Array) -> tuple[Mask, Mask]:
    """Return which series have enough points, and which leave room for chance all the year."""
    c = centres(at, season)
    inside = (c > 0) & (c < (1 if kind == "p" else np.inf)) if kind != "value" else ~np.isnan(c)
    return at.points >= least, (at.sigma > 0) & inside.all(-1)


def scores(x: Array, n: Array, at: Standard, kind: Kind, spread: Spread, season: Array) -> Array:
    """Return how many standard deviations each point is from the centre, shape (series, T).

    Exact laws give normal scores: of small counts, of good units and of times between failures.
    """
    c = centres(at, season)
    if kind in COUNTED:
        if spread == "exact":
            return np.asarray(_beyond(control_exact.normal_scores, x, n, c, kind))
        return np.asarray(_beyond(control.standardise, x, n, c, kind) / at.sigma[:, None])
    if kind == "value":
        return (x - c) / at.sigma[:, None]
    if kind == "t":
        return _scores(-np.expm1(-x / c), np.exp(-x / c))
    beyond = np.exp((x + 1) * np.log1p(-1 / (c + 1)))  # P(G > x); P(G = x) is that times p/(1 − p)
    half = beyond / c / 2
    return _scores(1 - beyond - half, beyond + half)


def limits(
    n: Array, at: Standard, kind: Kind, spread: Spread, width: float, season: Array
) -> tuple[Array, Array]:
    """Return the Shewhart limits of the points, shape (series, T)."""
    c, s = centres(at, season), at.sigma[:, None]
    tail = float(ndtr(-width))
    if kind in COUNTED:
        if spread == "exact":
            low, high = control_exact.probability_limits(n[..., None], c, kind=_law(kind), alpha=2 * tail)
            return low[..., 0], high[..., 0]
        reach = width * s * _beyond(control.nominal_error, n, c, kind)
        return np.maximum(c - reach, 0.0), np.minimum(c + reach, 1.0 if kind == "p" else np.inf)
    shape = np.ones(n.shape)
    if kind == "value":
        return (c - width * s) * shape, (c + width * s) * shape
    if kind == "t":
        return -c * np.log1p(-tail) * shape, -c * np.log(tail) * shape
    step = np.log1p(-1 / (c + 1))
    ends = (np.ceil(np.log(q) / step - 1) for q in (1 - tail, tail))
    low, high = (np.maximum(end, 0.0) * shape for end in ends)
    return low, high


def _scores(low: Array, high: Array) -> Array:
    """Return the normal score of a lower tail and its complement, precise in both."""
    low, high = np.maximum(low, 1e-310), np.maximum(high, 1e-310)
    return np.asarray(np.where(low < high, ndtri(low), -ndtri(high)), float)


def _law(kind: Kind) -> Literal["p", "u"]:
    return "p" if kind == "p" else "u"
