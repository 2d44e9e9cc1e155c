"""Outbreaks: counts of the last periods against those of earlier ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from qstats import periods
from qstats.analysis import outbreak_rules as rules
from qstats.analysis import signals
from qstats.analysis.outbreak_rules import Method
from qstats.analysis.signals import Source
from qstats.analysis.watched import series
from qstats.errors import DataError, one_of, whole_number
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.stats.farrington_flexible import Threshold
from qstats.stats.multiplicity import adjusted
from qstats.stats.outbreak import Power


def outbreaks(
    estimate: Estimate,
    /,
    *,
    method: Method = "farrington",
    last: int = 1,
    years: int | None = None,
    half_width: int | None = None,
    alpha: float | None = None,
    trend: bool | None = None,
    power: Power | None = None,
    threshold: Threshold | None = None,
    parts: int | None = None,
    skip: int | None = None,
    baseline: int | None = None,
    fdr: float | None = None,
    source: Source | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Hold counts of the last periods against earlier ones, for all series at once.

    For counts (complaints, accidents, notifications). Seasonal ones are out of control every year on a
    control chart; here they are held against the same season of earlier years.

    ==============  ======================================================================  ============
    method          base                                                                    history
    ==============  ======================================================================  ============
    ``farrington``  the same season of earlier years; quasi-Poisson line                    3 years or more
    ``flexible``    all of the earlier years, seasons as steps, recent periods left out     3 years or more
    ``rki``         the same season of two years: mean, two standard deviations             2 years
    ``C1, C2, C3``  EARS: the last 7 periods; 2 left out before; sums over 3 periods        8 to 12 periods
    ==============  ======================================================================  ============

    An alarm lies above its bound and keeps the false discovery rate over all series of its period (``C3`` and
    ``rki`` have no p-values: the bound alone decides).

    Parameters
    ----------
    estimate : Estimate
        Counts without gaps, with a key ``period``; every combination of its other keys is a series.
    method : {"farrington", "flexible", "C1", "C2", "C3", "rki"}
    last : int
        How many of the last periods are judged, each by what was known before it.
    years : int, optional
        How many years back; 5, of ``rki`` 2. Not of EARS.
    half_width : int, optional
        Periods on either side of the season; ``farrington`` 3 for months, 1 for quarters and half-years, 0
        for years; ``flexible`` 1 for months, else 0; ``rki`` 2 for months, 1 for quarters, else 0.
    alpha : float, optional
        0.01, both sides of ``farrington`` and above of ``flexible``; 0.001 of ``C1, C2``, 0.025 of ``C3``.
    trend : bool, optional
        Whether a trend may be kept (``farrington``), is fitted (``flexible``); yes.
    power : {"2/3", "none"}, optional
        Of ``farrington``; see :func:`qstats.stats.outbreak.farrington`.
    threshold : {"negative-binomial", "mean-limit", "2/3-power"}, optional
        Of ``flexible``; see :func:`qstats.stats.farrington_flexible.farrington_flexible`.
    parts, skip : int, optional
        Of ``flexible``: steps of the season (4 for months) and periods left out (half a year).
    baseline : int, optional
        Of EARS: periods before, 7.
    fdr : float, optional
        False discovery rate of a period, 0.05.
    source : optional
        Class of the risk information; see :func:`qstats.analysis.monitor.monitor`.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row a series and period judged: the keys, ``period, value, expected, upper`` (NaN where counts are
        too few to say), ``score`` (above 1 is above the bound; of EARS the statistic C), ``ratio`` (value
        over expected), ``p`` (one-sided), ``q``, ``alarm`` and ``source``; ordered by period, then by
        score. Where the same season of earlier years has no event, upper, score and ratio are NaN, and p is
        :math:`(n+1)^{-y}`, by which alone there is an alarm; see :func:`qstats.stats.outbreak.farrington`.

    Raises
    ------
    DataError
        A gap, values that are no counts, too short a series (the message says how long it must be).
    OptionError
        `last` below 1, another option out of range, or one that the method does not use.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> alerts = published("RAPEX_notifications_monthly").where(period=[f"201{y}M{m:02}" for y in range(1, 6)
    ...                                                                for m in range(1, 13)])
    >>> found = outbreaks(alerts, last=12, years=3, source="overseas")
    >>> found[["period", "alarm"]].values.tolist()[-1], int(found["alarm"].sum())
    (['2015M12', False], 0)
    >>> outbreaks(alerts, method="flexible", last=12, years=3)["alarm"].sum()
    np.int64(0)
    """
    language(lang)
    whole_number("last", last, least=1)
    one_of("method", method, rules.METHODS)
    label = signals.check_source(source)
    every = series(estimate, "c", gaps="raise", after=None, lang=lang)
    season = periods.PER_YEAR[every.periods[-1][4:5]]
    given: dict[str, Any] = {
        "years": years,
        "half_width": half_width,
        "alpha": alpha,
        "trend": trend,
        "power": power,
    }
    given |= {"threshold": threshold, "parts": parts, "skip": skip, "baseline": baseline, "fdr": fdr}
    rule = rules.rule(method, season, given, lang)
    needed, have = rule.needed - 1 + last, len(every.periods)
    if have < needed:
        key, name = ("monitor.short", "years") if rule.years else ("outbreaks.short", "method")
        how = {"years": rule.years, "method": method}[name]
        raise DataError(say(key, lang, needed=needed, have=have, last=last, **{name: how}))
    parts_ = []
    for t in range(have - last, have):
        y = every.x[:, : t + 1]
        at = rule.judge(y)
        q = adjusted(at.p, method="bh")
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(at.expected > 0, y[:, -1] / at.expected, np.nan)
            columns = {"period": every.periods[t], "value": y[:, -1], "expected": at.expected}
            columns |= {"upper": at.upper, "score": at.score, "ratio": ratio, "p": at.p}
            sure = q <= rule.fdr if rule.fdr < 1 else np.ones(len(y), bool)
            columns |= {"q": q, "alarm": at.alarm & sure, "source": label}
        part = every.keys.assign(**columns).sort_values("score", ascending=False, kind="stable")
        parts_.append(part)
    return pd.concat(parts_, ignore_index=True)
