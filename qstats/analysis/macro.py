"""Quality and the economy: whether two short series move together, and which moves first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import given
from qstats.errors import DataError, OptionError, names_of, nearest, one_of, whole_number
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.stats import correlation, multiplicity

Array = NDArray[np.float64]
Gaps = Literal["raise", "ignore"]
#: fewer pairs than these have no permutation p-value below 5 %
_LEAST = 4


class _How(NamedTuple):
    """The options of a test."""

    measure: correlation.Measure
    null: correlation.Null | None
    level: float
    n_draws: int
    seed: int


def macro(
    quality: Estimate,
    economy: Mapping[str, Estimate],
    /,
    *,
    measure: correlation.Measure = "pearson",
    treatments: correlation.Treatment | Sequence[correlation.Treatment] = correlation.TREATMENTS,
    max_lag: int = 0,
    null: correlation.Null | None = None,
    logs: Sequence[str] = (),
    adjust: multiplicity.Adjustment = "holm",
    gaps: Gaps = "raise",
    level: float = 0.95,
    n_draws: int = 9999,
    seed: int = 0,
    lang: str | None = None,
) -> Estimate:
    r"""Correlate a quality series with series of the economy, as they are and without their trends.

    Two series that both rise are correlated whether they have to do with each other or not. So by default
    three correlations stand side by side: of the values, of what is left without a straight trend, and of the
    changes from period to period. Formulas in :mod:`qstats.stats.correlation`.

    Parameters
    ----------
    quality : Estimate
        One series: a key ``period``, all other keys of one value.
    economy : mapping of str → Estimate
        Name → series of the same kind and frequency (GDP, exports, R&D). The periods in common are used.
    measure : {"pearson", "spearman", "kendall"}
    treatments : one or several of {"levels", "detrended", "differences"}
    max_lag : int
        Leads and lags up to so many periods. At a lag k > 0 the economy at t − k stands beside quality at t:
        the economy moves first; at k < 0 quality does.
    null : {"permutation", "shift", "t"}, optional
        How the p-value is found; see :func:`qstats.stats.correlation.correlate`. By default permutations, but
        for Pearson's r of detrended series ``t`` with n − 3 degrees of freedom, exact if what is left is
        normal and independent; permutations of few residuals reject too often (8 % for 5 at n = 7).
    logs : sequence of str
        Series (``"quality"`` or names of `economy`) that are taken in logarithms.
    adjust : {"holm", "bh", "hochberg", "bonferroni", "sidak", "by", "none"}
        Adjustment of the p-values for all series and lags of one treatment.
    gaps : {"raise", "ignore"}
        A period missing in between: refuse; or take the periods there are as equally spaced.
    level : float
        Of the limits; 1 − level is the size of the test behind ``verdict``.
    n_draws, seed : int
        Of permutations of more than 10 pairs.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    Estimate
        Keys ``series, treatment, lag``; ``estimate`` is the correlation, ``n`` the pairs. ``std_error`` is
        missing; the limits are Fisher's (Pearson only), for independent pairs. ``p, smallest_p`` (the least p
        there could have been), ``p_adjusted``, ``n_effective`` (independent pairs the series are worth, by
        their first autocorrelations) and ``verdict``: ``related``, ``no clear relation``, or ``cannot say``
        where even `smallest_p` times the number of tests is above the size.

        Permutations take the values as exchangeable. Levels with a trend are not: their p-value is shown
        because it is quoted, not because it holds.

    Raises
    ------
    DataError
        No or several values a period, other frequencies, gaps, fewer than 4 pairs, logarithms of what
        is not positive.
    OptionError
        A choice that does not exist.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> quality = published("QCI", region="全国", industry="制造业", period=list(range(2005, 2011)))
    >>> years = quality.replace(quality.table.assign(estimate=range(2005, 2011)), unit="year")
    >>> found = macro(quality, {"calendar": years}, treatments=["levels"]).table
    >>> found["estimate"].round(3).item(), found["p"].round(4).item()
    (0.986, 0.0028)
    """
    given.one(quality, lang, argument="quality")
    given.several("economy", economy, lang)
    treated, logs = _choices(treatments, logs, null)
    whole_number("max_lag", max_lag, least=0)
    given.draws(n_draws, seed, level=level)
    one_of("gaps", gaps, ("raise", "ignore"))
    if not treated or len(set(treated)) < len(treated) or not economy:
        raise OptionError(say("macro.nothing", lang, treatments=list(treated), max_lag=max_lag))
    for name in logs:
        if name not in ("quality", *economy):
            raise OptionError(
                say("macro.logs", lang, name=name, near=nearest(name, ("quality", *economy)) or "—")
            )
    how = _How(measure, null, level, n_draws, seed)
    rows = []
    for name, series in economy.items():
        q, e, when = _together(quality, series, name, logs, gaps, lang)
        for treatment in treated:
            _long_enough(len(when), treatment, max_lag, name, lang)
            y, x = (correlation.treated(s, treatment=treatment) for s in (q, e))
            rows += _lagged(y, x, max_lag, how, {"series": name, "treatment": treatment})
    table = _adjusted(pd.DataFrame(rows), adjust, 1 - level)
    return _estimate(table, quality, economy, how, adjust)


def _choices(treatments: Any, logs: Any, null: Any) -> tuple[Any, list[str]]:
    """Return the treatments and the names of what is taken in logarithms; refuse those there are not."""
    named = names_of("treatments", treatments)
    for treatment in named:
        one_of("treatments", treatment, correlation.TREATMENTS)
    one_of("null", null, (None, *get_args(correlation.Null)))
    return tuple(named), names_of("logs", logs)


def _together(
    quality: Estimate, series: Estimate, name: str, logs: Sequence[str], gaps: Gaps, lang: str | None
) -> tuple[Array, Array, list[str]]:
    """Return the two series over the periods they have in common, in order of time."""
    one, other = (_series(e, who, who in logs, lang) for e, who in ((quality, "quality"), (series, name)))
    kinds = {period[4:5] for period in (*one, *other)}
    if len(kinds) > 1:
        raise DataError(
            say("macro.frequency", lang, name=name, kinds=", ".join(sorted(k or "Y" for k in kinds)))
        )
    when = sorted(set(one) & set(other), key=periods.sort_key)
    if gaps == "raise":
        holes = [b for a, b in pairwise(when) if periods.previous(b) != a]
        if holes:
            raise DataError(say("macro.gaps", lang, name=name, periods=", ".join(holes)))
    return np.array([one[p] for p in when]), np.array([other[p] for p in when]), when


def _series(estimate: Estimate, name: str, logarithm: bool, lang: str | None) -> dict[str, float]:
    if "period" not in estimate.keys:
        raise DataError(say("macro.no_period", lang, name=name, keys=", ".join(estimate.keys) or "—"))
    table = estimate.table.dropna(subset="estimate")
    twice = table["period"].duplicated()
    if twice.any():
        period = table.loc[twice.idxmax(), "period"]
        raise DataError(say("macro.several", lang, name=name, period=period, keys=", ".join(estimate.keys)))
    values = table["estimate"].to_numpy()
    if logarithm:
        if not (values > 0).all():
            raise DataError(say("macro.not_positive", lang, name=name, value=values.min()))
        values = np.log(values)
    return dict(zip(table["period"], values, strict=True))


def _long_enough(n: int, treatment: str, max_lag: int, name: str, lang: str | None) -> None:
    need = _LEAST + max_lag + (treatment == "differences")
    if n < need:
        raise DataError(
            say("macro.short", lang, name=name, have=n, need=need, treatment=treatment, lag=max_lag)
        )


def _lagged(q: Array, e: Array, max_lag: int, how: _How, keys: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for lag in range(-max_lag, max_lag + 1):
        y, x = q[max(lag, 0) : len(q) + min(lag, 0)], e[max(-lag, 0) : len(e) - max(lag, 0)]
        detrended = keys["treatment"] == "detrended"
        usual: correlation.Null = "t" if detrended and how.measure == "pearson" else "permutation"
        options = {**how._asdict(), "null": how.null or usual, "removed": int(detrended)}
        found = correlation.correlate(x, y, **options)
        rows.append({**keys, "lag": lag, **found._asdict(), "n_effective": correlation.effective_pairs(x, y)})
    return rows


def _adjusted(table: pd.DataFrame, adjust: multiplicity.Adjustment, size: float) -> pd.DataFrame:
    table["p_adjusted"] = np.nan
    for _, rows in table.groupby("treatment", sort=False):
        table.loc[rows.index, "p_adjusted"] = multiplicity.adjusted(rows["p"].to_numpy(), method=adjust)
    tests = table.groupby("treatment")["p"].transform("count") if adjust != "none" else 1
    unknown = table["p"].isna() | (table["smallest_p"] * tests > size)
    related = table["p_adjusted"] <= size
    table["verdict"] = np.select([unknown, related], ["cannot say", "related"], "no clear relation")
    return table


def _estimate(
    table: pd.DataFrame, quality: Estimate, economy: Mapping[str, Estimate], how: _How, adjust: str
) -> Estimate:
    sources = [p for e in (quality, *economy.values()) for p in e.provenance]
    many = "" if adjust == "none" else f", p-values adjusted by {adjust}"
    columns = ["p", "smallest_p", "p_adjusted", "n_effective", "verdict"]
    return Estimate(
        assemble(
            table[["series", "treatment", "lag"]],
            estimate=table["r"].to_numpy(),
            std_error=np.full(len(table), np.nan),
            conf_low=table["low"].to_numpy(),
            conf_high=table["high"].to_numpy(),
            n=table["n"].to_numpy(),
            **{column: table[column].to_numpy() for column in columns},
        ),
        indicator=f"correlation with {quality.indicator}",
        unit="correlation",
        method=f"{how.measure}, {how.null or 'permutation (detrended: t)'} test{many}",
        level=how.level,
        inference="superpopulation",
        provenance=list(dict.fromkeys(sources)),
        digits=3,
    )
