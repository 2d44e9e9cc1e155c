"""Outbreaks: counts of the last periods against the same season of earlier years."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from qstats.analysis import signals
from qstats.analysis.signals import Source
from qstats.analysis.watched import series
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.multiplicity import adjusted
from qstats.stats.outbreak import Power, farrington

_SEASONS: Final = {"": 1, "H": 2, "Q": 4, "M": 12}


def outbreaks(
    estimate: Estimate,
    /,
    *,
    last: int = 1,
    years: int = 5,
    half_width: int | None = None,
    alpha: float = 0.01,
    trend: bool = True,
    power: Power = "2/3",
    fdr: float = 0.05,
    source: Source | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Hold counts of the last periods against the same season of earlier years, for all series at once.

    For seasonal counts (complaints, accidents, notifications), which control charts would call out of control
    every year; see :func:`qstats.stats.outbreak.farrington`. An alarm lies above its bound and keeps the
    false discovery rate over all series of its period, with p-values from the same normal law of
    :math:`y^{2/3}`.

    Parameters
    ----------
    estimate : Estimate
        Counts without gaps, with a key ``period``; every combination of its other keys is a series.
    last : int
        How many of the last periods are judged, each by what was known before it.
    years : int
        How many years back.
    half_width : int, optional
        Periods on either side of the season; 3 for months, 1 for quarters and half-years, 0 for years.
    alpha, trend, power
        As for :func:`qstats.stats.outbreak.farrington`.
    fdr : float
        False discovery rate of a period.
    source : optional
        Class of the risk information; see :func:`qstats.analysis.monitor.monitor`.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row a series and period judged: the keys, ``period, value, expected, upper`` (NaN where counts are
        too few to say), ``score`` (above 1 is above the bound), ``ratio`` (value over expected), ``p``
        (one-sided), ``q``, ``alarm`` and ``source``; ordered by period, then by score.

    Raises
    ------
    DataError
        A gap, values that are no counts, too short a series (the message says how long it must be).
    OptionError
        `last` below 1, or another option out of range.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> alerts = published("RAPEX_notifications_monthly").where(period=[f"201{y}M{m:02}" for y in range(1, 6)
    ...                                                                for m in range(1, 13)])
    >>> found = outbreaks(alerts, last=12, years=3, source="overseas")
    >>> found[["period", "alarm"]].values.tolist()[-1], int(found["alarm"].sum())
    (['2015M12', False], 0)
    """
    from scipy.special import ndtri

    if not (last >= 1 and 0 < fdr < 1):
        raise OptionError(
            say("monitor.number", lang, name="last, fdr", value=(last, fdr), rule="≥ 1; 0 < fdr < 1")
        )
    every = series(estimate, "c", gaps="raise", after=None, lang=lang)
    season = _SEASONS[every.periods[-1][4:5]]
    wide = {12: 3, 4: 1, 2: 1, 1: 0}[season] if half_width is None else half_width
    needed = season * years + last
    if len(every.periods) < needed:
        raise DataError(
            say("monitor.short", lang, needed=needed, have=len(every.periods), last=last, years=years)
        )
    label = signals.check_source(source)
    parts = []
    for t in range(len(every.periods) - last, len(every.periods)):
        y = every.x[:, : t + 1]
        at = farrington(y, season=season, years=years, half_width=wide, alpha=alpha, trend=trend, power=power)
        p = _p_value(y[:, -1], at.expected, at.upper, power, float(ndtri(1 - alpha / 2)))
        q = adjusted(p, method="bh")
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = {
                "period": every.periods[t],
                "value": y[:, -1],
                "expected": at.expected,
                "upper": at.upper,
                "score": at.score,
                "ratio": y[:, -1] / at.expected,
                "p": p,
                "q": q,
                "alarm": at.alarm & (q <= fdr),
                "source": label,
            }
        part = every.keys.assign(**columns).sort_values("score", ascending=False, kind="stable")
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _p_value(
    y: signals.Array, expected: signals.Array, upper: signals.Array, power: Power, z: float
) -> signals.Array:
    """Return the chance of as many, by the normal law that puts the bound z standard deviations up."""
    from scipy.special import ndtr

    e = 2 / 3 if power == "2/3" else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ndtr(-z * (y**e - expected**e) / (upper**e - expected**e)), float)
