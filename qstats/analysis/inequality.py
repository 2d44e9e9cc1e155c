"""Inequality between regions, and whether it shrinks: σ and β."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import classifications, periods
from qstats.analysis import given
from qstats.errors import DataError, mapping, real_number, text
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import inequality as formulas

Array = NDArray[np.float64]


def inequality(
    estimate: Estimate,
    /,
    *,
    groups: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Return how unequal regions are in each period, and what part of it lies between groups.

    Theil's index and the Gini coefficient; see :mod:`qstats.stats.inequality`. They measure inequality of a
    quantity that can be shared (output, patents). Of a pass rate near 100 % they are tiny whatever happens:
    there look at failures, or at σ in points.

    Parameters
    ----------
    estimate : Estimate
        With the key ``region``; the nation is left out. Each combination of the other keys is a row.
    groups : mapping of str → str, optional
        Region → group; by default 东部, 中部, 西部, 东北.
    weights : mapping of str → float, optional
        Region → weight (population, output …); equal by default.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        The other keys, ``regions`` (number), ``theil, theil_between, theil_within, gini, gini_between,
        gini_within, gini_overlap, log_sd, cv, sd`` (the last in the unit of the estimate). They describe the
        estimates as they are: sampling errors add to them, and are not taken off.

    Raises
    ------
    DataError
        No key ``region``; fewer than two regions; values not above 0; a region without group or weight.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> found = inequality(published("quality_loss_rate", period=2007))
    >>> found[["regions", "gini"]].round(3).values.tolist()
    [[27.0, 0.458]]
    """
    for argument, found in (("groups", groups), ("weights", weights)):
        if found is not None:
            mapping(argument, found, of="region to " + argument.removesuffix("s"))
    for region, group in ({} if groups is None else groups).items():
        text(f"groups[{region!r}]", group)
    for region, weight in ({} if weights is None else weights).items():
        real_number(f"weights[{region!r}]", weight, least=0)
    regions, others = _regions(estimate, lang)
    if regions.empty:
        raise DataError(say("inequality.few", lang, count=0, key="—"))
    known = classifications.regions().set_index("name")["area"]
    rows = []
    for key, part in regions.groupby(others, sort=False) if others else [((), regions)]:
        names, y = list(part["region"]), part["estimate"].to_numpy(float)
        if len(names) < 2:
            raise DataError(
                say("inequality.few", lang, count=len(names), key=", ".join(map(str, key)) or "—")
            )
        label = np.array(
            [_of(name, groups if groups is not None else known, "groups", lang) for name in names], str
        )
        p = (
            None
            if weights is None
            else np.array([_of(name, weights, "weights", lang) for name in names], float)
        )
        theil, gini = formulas.theil(y, p, label), formulas.gini(y, p, label)
        log_sd, cv = formulas.sigma(y)
        rows.append(
            dict(zip(others, key, strict=True))
            | {"regions": len(names)}
            | {"theil": theil.total, "theil_between": theil.between, "theil_within": theil.within}
            | {"gini": gini.total, "gini_between": gini.between, "gini_within": gini.within}
            | {"gini_overlap": gini.overlap}
            | {"log_sd": float(log_sd), "cv": float(cv), "sd": float(y.std(ddof=1))}
        )
    return pd.DataFrame(rows)


def convergence(estimate: Estimate, /, *, lang: str | None = None) -> pd.DataFrame:
    r"""Return whether regions draw together: β-convergence, and the trend of their spread.

    See :func:`qstats.stats.inequality.beta`. σ-convergence is the slope of the standard deviation of
    logarithms over the periods.

    Parameters
    ----------
    estimate : Estimate
        With the keys ``period`` and ``region`` alone; regions with values in the first and the last period.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row: ``first, last, years, regions, slope, std_error, p, speed, speed_error, half_life`` (years),
        ``sigma_first, sigma_last, sigma_slope`` (a year), ``sigma_p`` (of three periods or more).

    Raises
    ------
    DataError
        Other keys, fewer than two periods, or fewer than three regions.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import inspection_pass_rate
    >>> checks = {"period": ["2019"] * 3 + ["2024"] * 3, "region": ["安徽", "江苏", "浙江"] * 2}
    >>> checks |= {"inspected": [100] * 6, "passed": [80, 90, 95, 92, 95, 97]}
    >>> found = convergence(inspection_pass_rate(checks, by=["period", "region"]))
    >>> found[["slope", "half_life"]].round(3).values.tolist()
    [[-0.14, 2.896]]
    """
    regions, others = _regions(estimate, lang)
    if others != ["period"]:
        raise DataError(say("inequality.keys", lang, keys=", ".join(estimate.keys)))
    wide = regions.pivot(index="region", columns="period", values="estimate")
    times = sorted(wide.columns, key=periods.sort_key)
    wide = wide[times].dropna(subset=[times[0], times[-1]] if times else None)
    if len(times) < 2 or len(wide) < 3:
        raise DataError(say("inequality.short", lang, periods=len(times), regions=len(wide)))
    if wide[times[0]].nunique() == 1:
        raise DataError(say("inequality.same", lang, period=times[0], value=wide[times[0]].iloc[0]))
    years = np.array([_year(t) for t in times])
    found = formulas.beta(wide[times[0]], wide[times[-1]], years[-1] - years[0])
    full = wide.dropna(axis=1)
    sigma = np.asarray(formulas.sigma(full.to_numpy(float).T)[0])
    slope, p = np.nan, np.nan
    if full.shape[1] >= 3:
        from scipy.stats import linregress

        line = linregress([_year(t) for t in full.columns], sigma)
        slope, p = float(line.slope), float(line.pvalue)
    row = {"first": times[0], "last": times[-1], "years": years[-1] - years[0], "regions": found.n}
    row |= {"slope": found.slope, "std_error": found.std_error, "p": found.p}
    row |= {"speed": found.speed, "speed_error": found.speed_error, "half_life": found.half_life}
    row |= {"sigma_first": sigma[0], "sigma_last": sigma[-1], "sigma_slope": slope, "sigma_p": p}
    return pd.DataFrame([row])


def _regions(estimate: Estimate, lang: str | None) -> tuple[pd.DataFrame, list[str]]:
    given.one(estimate, lang)
    if "region" not in estimate.keys:
        raise DataError(say("compare.no_region", lang, keys=", ".join(estimate.keys) or "—"))
    table = estimate.table
    table = table[table["estimate"].notna() & (table["region"] != "全国")]
    return table, [key for key in estimate.keys if key != "region"]


def _of(name: str, known: Mapping[str, object] | pd.Series, what: str, lang: str | None) -> object:
    if name not in known:
        raise DataError(say("inequality.unknown", lang, region=name, what=what))
    return known[name]


def _year(period: str) -> float:
    """Return the middle of a period as a number of years."""
    year, kind, number = int(period[:4]), period[4:5], period[5:]
    return year + ((int(number) if number else 1) - 0.5) / periods.PER_YEAR[kind]
