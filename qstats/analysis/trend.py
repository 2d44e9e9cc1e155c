"""Whether a series rises or falls over time, and how fast."""

from __future__ import annotations

import warnings
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from qstats.analysis import given
from qstats.analysis.series import Gaps, Series, series_of
from qstats.errors import DataError, OptionError, QStatsWarning, one_of, whole_number
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import autocorrelation as corrections
from qstats.stats import multiplicity, seasonal_trend, trend_line, whitening
from qstats.stats import trend as formulas
from qstats.stats.difference import p_normal

Method = Literal["theil-sen", "seasonal", "weighted", "growth"]
Correction = Literal["none", "calibrated", "prewhiten", "prewhiten-raw", "block", "hamed-rao"]

_CORRECTIONS: Final = ("none", "calibrated", "prewhiten", "prewhiten-raw", "block", "hamed-rao")
#: fewest values: of the test (2/5! is below 5 %), of the whitened one
_NEED: Final = {"theil-sen": 5, "seasonal": 0, "weighted": 3, "growth": 2}
_WHITENED: Final = 8


class _Found(NamedTuple):
    slope: float
    std_error: float
    low: float
    high: float
    p: float
    tau: float
    r: float
    test: str


def trend(
    estimate: Estimate,
    /,
    *,
    method: Method = "theil-sen",
    autocorrelation: Correction | None = None,
    scale: trend_line.Scale | None = None,
    gaps: Gaps = "refuse",
    adjust: multiplicity.Adjustment = "none",
    seed: int = 0,
    lang: str | None = None,
) -> Estimate:
    r"""Estimate the trend of each series per year, and test it.

    * ``theil-sen``: the median slope of all pairs of periods, with Mann and Kendall's test: any monotone
      trend, no distribution assumed.
    * ``seasonal``: the same within each quarter or month (Hirsch and Slack).
    * ``weighted``: a straight line with weights :math:`1/\mathrm{se}^2`; needs standard errors.
    * ``growth``: the compound growth rate between the first and the last value, in per cent a year.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; every combination of the other keys is a series.
    method : {"theil-sen", "seasonal", "weighted", "growth"}
    autocorrelation : {"prewhiten", "calibrated", "prewhiten-raw", "block", "hamed-rao", "none"}, optional
        What is done about values that depend on those before. By default ``theil-sen`` takes ``prewhiten``
        where a series has 8 values without gaps (with fewer nothing can be done, and a note says so):
        whitened by the autocorrelation about the trend; and ``seasonal`` adds the covariances of the
        seasons. ``calibrated`` takes an autocorrelation on the safe side, with the simulated spread that
        this leaves (:func:`qstats.stats.whitening.whitened`): it keeps its level under stronger dependence
        and in families of series, and finds fewer trends; ``prewhiten-raw`` takes the one trend included
        (safest, least power); ``block`` permutes blocks of neighbours; ``hamed-rao`` rejects too often, and
        warns. ``none`` takes values as independent.
    scale : {"larger", "known", "estimated"}, optional
        With ``weighted``: see :func:`qstats.stats.trend_line.weighted_line`; by default ``larger``.
    gaps : {"refuse", "skip"}
        A period without value: refuse, or leave it out at its true place in time.
    adjust : {"none", "holm", "bh", "hochberg", "bonferroni", "sidak", "by"}
        Adjustment of p for the number of series.
    seed : int
        Of the permutations of ``block``; p of a series does not depend on the other series.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        One row a series: ``estimate`` is the slope per year, in points for rates; its standard error is
        missing where the method has only limits. ``n`` is the number of values. Further columns: ``p,
        p_adjusted, tau, r`` (the autocorrelation used), ``test``, ``first, last`` (periods) and ``verdict``:
        ``rising``, ``falling``, ``no clear trend`` or ``cannot say``.

    Raises
    ------
    DataError
        A series is too short (how many values are needed is said), has gaps or mixed periods.

    References
    ----------
    Mann (1945), Econometrica 13; Sen (1968), JASA 63; Hirsch & Slack (1984), Water Resources Research 20;
    Hamed (2009), Journal of Hydrology 368.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> years = [2020, 2021, 2022, 2023, 2024]
    >>> found = trend(published("MQR", region="全国", industry="制造业", period=years))
    >>> found.table[["estimate", "n", "p", "verdict"]].round(3).values.tolist()
    [[0.245, 5, 0.233, 'no clear trend']]
    """
    given.one(estimate, lang)
    whole_number("seed", seed, least=0)
    _check_choices(method, autocorrelation, scale, lang)
    need, what = _NEED[method], f"trend(method={method!r})"
    parts = series_of(estimate, need=need, what=what, gaps=gaps, lang=lang)
    notes: list[str] = []
    if method == "theil-sen":
        found = _every_monotone(parts, autocorrelation, estimate.level, seed, notes, lang)
    else:
        found = [_one(s, method, autocorrelation, scale, estimate.level, lang) for s in parts]
    if autocorrelation == "hamed-rao":
        warnings.warn(say("trend.hamed_rao", lang), QStatsWarning, stacklevel=2)
    others = [key for key in estimate.keys if key != "period"]
    points = "points" if estimate.unit == "%" else estimate.unit
    return estimate.replace(
        _table(parts, found, others, adjust, 1 - estimate.level),
        unit="% a year" if method == "growth" else f"{points} a year",
        method=f"{method} trend ({found[0].test}); {estimate.method}",
        notes=(*estimate.notes, *dict.fromkeys(notes)),
        digits=estimate.digits + 1,  # a year's share of a change is smaller than the figures
    )


def _check_choices(method: Any, autocorrelation: Any, scale: Any, lang: str | None) -> None:
    one_of("method", method, ("theil-sen", "seasonal", "weighted", "growth"))
    one_of("autocorrelation", autocorrelation, (None, *_CORRECTIONS))
    one_of("scale", scale, (None, "larger", "known", "estimated"))
    if scale is not None and method != "weighted":
        raise OptionError(say("trend.unused", lang, option="scale", method=method))
    if autocorrelation is not None and (
        method in ("weighted", "growth") or (method == "seasonal" and autocorrelation != "none")
    ):
        raise OptionError(say("trend.unused", lang, option="autocorrelation", method=method))


def _one(s: Series, method: Method, correction: Any, scale: Any, level: float, lang: str | None) -> _Found:
    if method == "weighted":
        return _weighted(s, scale or "larger", level)
    if method == "seasonal":
        return _seasonal(s, correction, level, lang)
    errors = (s.std_error[0], s.std_error[-1])
    time = (s.at[-1] - s.at[0]) / s.per_year
    g = trend_line.compound_growth(s.y[0], s.y[-1], time, std_errors=errors, level=level)
    p = p_normal(np.log1p(g.rate / 100), g.std_error / (100 + g.rate))
    return _Found(g.rate, g.std_error, g.low, g.high, float(p), np.nan, np.nan, "ends")


def _every_monotone(
    parts: list[Series],
    asked: Any,
    level: float,
    seed: int,
    notes: list[str],
    lang: str | None,
) -> list[_Found]:
    """Test all series that have their values at the same times together."""
    groups: dict[Any, list[int]] = {}
    for i, s in enumerate(parts):
        whole = bool(np.all(np.diff(s.at) == 1))
        correction = asked
        if asked is None:
            able = whole and s.y.size >= _WHITENED
            if not able:
                notes.append(say("trend.not_whitened", lang, need=_WHITENED))
            correction = "prewhiten" if able else "none"
        if correction != "none" and not whole:
            raise DataError(say("trend.no_gaps", lang, series=s.title, correction=correction))
        groups.setdefault((correction, s.per_year, tuple((s.at - s.at[0]).tolist())), []).append(i)
    found: dict[int, _Found] = {}
    for (correction, per_year, at), rows in groups.items():
        Y, x = np.stack([parts[i].y for i in rows]), np.array(at, float) / per_year
        # a stream of its own for each length, so that no series depends on which others there are
        rng = np.random.default_rng([seed, crc32(b"blocks of a trend"), len(at)])
        found |= dict(zip(rows, _monotone(Y, x, correction, level, rng), strict=True))
    return [found[i] for i in range(len(parts))]


def _monotone(
    Y: np.ndarray, x: np.ndarray, correction: Correction, level: float, rng: np.random.Generator
) -> list[_Found]:
    """Return slopes per unit of x, and tests, of the rows of Y."""
    plain, k = formulas.mann_kendall(Y), 1 / float(x[1] - x[0])
    nothing = np.full(len(Y), np.nan)
    if correction == "none":
        line, name = formulas.theil_sen(Y, x, level=level), "Mann–Kendall"
        columns = [line.slope, nothing, line.low, line.high, plain.p, plain.tau, nothing]
    else:
        found, name = _corrected(Y, correction, level, rng)
        columns = [k * found.slope, nothing, k * found.low, k * found.high, found.p, plain.tau, found.r]
    constant = _Found(0.0, np.nan, np.nan, np.nan, 1.0, 0.0, np.nan, "constant")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    flat = np.ptp(Y, axis=1) == 0
    return [constant if still else _Found._make([*row, name]) for row, still in zip(rows, flat, strict=True)]


def _corrected(
    Y: np.ndarray, correction: Correction, level: float, rng: np.random.Generator
) -> tuple[corrections.Corrected, str]:
    if correction == "calibrated":
        return whitening.whitened(Y, level=level), "Mann–Kendall, whitened, calibrated"
    if correction == "prewhiten":
        return corrections.prewhitened(Y, level=level), "Mann–Kendall, whitened"
    if correction == "prewhiten-raw":
        raw = np.clip(np.nan_to_num(corrections.acf(Y, 1)[:, 0]), 0.0, 0.99)
        return corrections.prewhitened(Y, r=raw, level=level), "Mann–Kendall, whitened by the raw r"
    if correction == "block":
        return corrections.block_permuted(Y, rng=rng, level=level), "Mann–Kendall, blocks permuted"
    return corrections.hamed_rao(Y, level=level), "Mann–Kendall, Hamed–Rao"


def _seasonal(s: Series, correction: Any, level: float, lang: str | None) -> _Found:
    if s.per_year == 1:
        raise DataError(say("trend.no_season", lang, series=s.title))
    found = seasonal_trend.seasonal(
        s.y, season=s.at % s.per_year, year=s.at // s.per_year, correlated=correction is None, level=level
    )
    if np.ptp(s.y) == 0:
        return _Found(0.0, np.nan, np.nan, np.nan, 1.0, 0.0, np.nan, "constant")
    name = "seasonal Mann–Kendall" + (" with covariances" if correction is None else "")
    return _Found(found.slope, np.nan, found.low, found.high, found.p, found.tau, np.nan, name)


def _weighted(s: Series, scale: trend_line.Scale, level: float) -> _Found:
    x = s.at / s.per_year
    line = trend_line.weighted_line(x, s.y, s.std_error, scale=scale, level=level)
    name = f"weighted line, {'scatter' if np.isfinite(line.df) else 'known errors'}"
    return _Found(line.slope, line.std_error, line.low, line.high, line.p, np.nan, np.nan, name)


def _table(
    parts: list[Series], found: list[_Found], others: list[str], adjust: Any, alpha: float
) -> pd.DataFrame:
    columns = {name: np.array([f[i] for f in found]) for i, name in enumerate(_Found._fields)}
    p = multiplicity.adjusted(columns["p"], method=adjust)
    names = {key: [s.name[i] for s in parts] for i, key in enumerate(others)}
    slope = columns["slope"]
    words = np.where(slope > 0, "rising", "falling")
    return pd.DataFrame(names, index=pd.RangeIndex(len(parts))).assign(
        estimate=slope,
        std_error=columns["std_error"],
        conf_low=columns["low"],
        conf_high=columns["high"],
        n=[s.y.size for s in parts],
        p=columns["p"],
        p_adjusted=p,
        tau=columns["tau"],
        r=columns["r"],
        test=columns["test"],
        first=[s.labels[0] for s in parts],
        last=[s.labels[-1] for s in parts],
        verdict=np.select([np.isnan(p), p > alpha], ["cannot say", "no clear trend"], words).astype(object),
    )
