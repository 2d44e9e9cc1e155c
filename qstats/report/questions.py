"""The questions of the outlook, asked of the facts: trends, mix, ranks, prospects, signals; no words yet.

Each function gives an Estimate, or a table, or None where the published figures do not allow an answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from qstats import periods
from qstats.analysis.compare import compare
from qstats.analysis.decompose import decompose
from qstats.analysis.forecast import forecast
from qstats.analysis.funnel import funnel
from qstats.analysis.monitor import Monitored, monitor
from qstats.analysis.outbreaks import outbreaks
from qstats.analysis.targets import targets
from qstats.analysis.trend import trend
from qstats.classifications import regions
from qstats.datasets import load
from qstats.estimate import Estimate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.report.facts import Facts
from qstats.report.printed import in_unit
from qstats.stats.multiplicity import adjusted

#: fewest yearly values of a trend, and of a forecast; most years ahead
TREND_NEEDS: Final = 5
FORECAST_NEEDS: Final = 4
AHEAD: Final = 3
#: fewest regions of a comparison, classes of a funnel, months of phase I
REGIONS: Final = 6
CLASSES: Final = 8
PHASE_ONE: Final = 24
SIZES: Final = ("大型企业", "中型企业", "小型企业")
_MONTHLY: Final = "RAPEX_notifications_monthly"


class Watched(NamedTuple):
    """The monthly alerts on control charts, and each month of the year against the same season before."""

    found: Monitored
    baseline: str
    seasonal: pd.DataFrame | None


def trends_of(facts: Facts, /) -> pd.DataFrame:
    """Return the trend of every item with a figure for the period and enough before it.

    One row an item: its ``key``, the columns of :func:`qstats.trend`, p adjusted over the items (Benjamini
    and Hochberg) and ``verdict`` by that; ``n`` alone where there are too few values.
    """
    rows = []
    for key in facts.items()["key"]:
        history = facts.history(key)
        if history is None or facts.current(key) is None or len(history) < 2:
            continue
        row = {"key": key, "n": len(history), "verdict": "too few"}
        row |= {"first": history.table["period"].iloc[0], "last": history.table["period"].iloc[-1]}
        if len(history) >= TREND_NEEDS:
            row |= trend(history, gaps="skip").table.iloc[0].to_dict()
        rows.append(row)
    columns = ["key", "n", "verdict", "first", "last", "estimate", "conf_low", "conf_high", "p", "test"]
    table = pd.DataFrame(rows, columns=columns)
    p = adjusted(table["p"].to_numpy(float), method="bh")
    unsure = np.isin(table["verdict"], ["rising", "falling"]) & ~(p <= 0.05)
    return table.assign(p_adjusted=p, verdict=table["verdict"].mask(unsure, "no clear trend"))


def unbroken(history: Estimate, /) -> Estimate:
    """Return the last values of a history that have no gap between them."""
    there = set(history.table["period"])
    run = [max(there, key=periods.sort_key)]
    while (before := periods.previous(run[-1])) in there and before is not None:
        run.append(before)
    return history.where(period=sorted(run, key=periods.sort_key))


def prospects(facts: Facts, judged: pd.DataFrame, /) -> pd.DataFrame:
    """Return, for targets ahead and not met, the forecast for their year and the chance of reaching them.

    Columns ``code, forecast, probability, first, last, n, model`` and the limits ``low, high``.
    """
    rows = []
    ahead = judged[judged["status"].isin(["near", "not met"]) & (judged["years_left"] >= 1)]
    for row in ahead.to_dict("records"):
        history, steps = facts.history(row["item"]), int(row["years_left"])
        run = None if history is None else unbroken(history)
        if run is None or len(run) < FORECAST_NEEDS or steps > AHEAD:
            continue
        future = forecast(run, horizon=steps)
        free = np.where(future.table["model"] == "drift", len(run) - 2, np.inf)
        future = future.replace(future.table.assign(df=free))
        name = "national" if facts.region == "全国" else "anhui"
        rule = load(f"targets/{name}").query("code == @row['code']")
        told = targets({}, rule, forecasts={row["code"]: future}).iloc[0]
        last = future.table.iloc[-1]
        span = {"first": run.table["period"].iloc[0], "last": run.table["period"].iloc[-1], "n": len(run)}
        found = {"code": row["code"], "forecast": told["forecast"], "probability": told["probability"]}
        rows.append(
            found | span | {"model": last["model"], "low": last["conf_low"], "high": last["conf_high"]}
        )
    return pd.DataFrame(
        rows, columns=["code", "forecast", "probability", "first", "last", "n", "model", "low", "high"]
    )


def sizes(facts: Facts, /) -> Estimate | None:
    """Return spot checks of enterprises by size up to the year: rates of counts by ``period`` and ``size``.

    Counts are the enterprises checked times the printed shares; None unless the year and an earlier one
    have shares and rates of all three sizes.
    """
    firms = facts.figures("NSS_firms_sampled", period=None, industry="合计")
    shares = facts.figures("NSS_firm_share", period=None, industry=list(SIZES))
    rates = _rates_by_size(facts)
    if firms is None or shares is None or rates is None:
        return None
    count = firms.table.drop_duplicates("period").set_index("period")["estimate"]
    share = shares.table.set_index(["period", "industry"])["estimate"]
    rows = []
    for period in _usable(facts, set(count.index), share, rates):
        for size in SIZES:
            n = round(count[period] * share[period, size] / 100)
            passed = round(n * rates[period, size] / 100)
            rows.append({"period": period, "size": size, "inspected": n, "passed": passed})
    if len({row["period"] for row in rows}) < 2:
        return None
    marks = sorted({*firms.provenance, *shares.provenance})
    records = pd.DataFrame(rows).assign(provenance=";".join(marks))
    return facts.use(inspection_pass_rate(records, by=["period", "size"]).replace(provenance=marks))


def _rates_by_size(facts: Facts) -> pd.Series[float] | None:
    """Return pass rates by period and size, from the failing rate where that was printed."""
    parts = []
    for series, failing in (("NSS_pass_rate", False), ("NSS_fail_rate", True)):
        found = facts.figures(series, period=None, industry=list(SIZES))
        if found is not None:
            value = found.table.set_index(["period", "industry"])["estimate"]
            parts.append(100 - value if failing else value)
    if not parts:
        return None
    every = pd.concat(parts)
    return every[~every.index.duplicated(keep="last")]


def _usable(facts: Facts, counted: set[str], share: pd.Series[float], rates: pd.Series[float]) -> list[str]:
    """Return the periods with everything, years before their halves; none unless the last is the report's."""
    whole = [p for p in counted if all((p, s) in share.index and (p, s) in rates.index for s in SIZES)]
    known = {p for p in whole if len(p) == 4 or p[4:] in ("H1", "H2")}
    chosen = {min((p for p in known if p[:4] == year), key=len) for year in {p[:4] for p in known}}
    kept = sorted((p for p in chosen if int(p[:4]) <= facts.year), key=periods.sort_key)
    return kept if kept and kept[-1] == facts.period else []


def mix(rates: Estimate, /) -> pd.DataFrame:
    """Return mix and rate effect from each period to the next and, where there are several, over all.

    One row a step: ``earlier, later`` and, for ``total``, ``mix`` and ``rate``, the points with limits
    ``…_low, …_high``.
    """
    there = list(dict.fromkeys(rates.table["period"]))
    steps = list(pairwise(there))
    if len(steps) > 1:
        steps.append((there[0], there[-1]))
    rows = []
    for earlier, later in steps:
        parts = decompose(rates, by="size", earlier=earlier, later=later).where(size="all").table
        row: dict[str, object] = {"earlier": earlier, "later": later}
        for part in parts.to_dict("records"):
            name = part["effect"]
            row |= {
                name: part["estimate"],
                f"{name}_low": part["conf_low"],
                f"{name}_high": part["conf_high"],
            }
        rows.append(row)
    return pd.DataFrame(rows)


def ranks(facts: Facts, /) -> list[tuple[str, pd.Series]]:
    """Return, for each item that enough provinces have a figure of, the row of the region that is looked at.

    That is the region of the report, or the one set off in a national one. The row has the columns of
    :func:`qstats.compare`, and ``leader``, the region that ranks first.
    """
    known = regions()
    provinces = list(known.loc[known["level"] == "province", "name"])
    focus = facts.focus
    found = []
    for _, item in facts.items().iterrows():
        told = (
            facts.figures(str(item["series"]), region=provinces) if isinstance(item["series"], str) else None
        )
        if told is None or told.table["region"].nunique() < REGIONS:
            continue
        there = [(name, replace(facts, region=name).current(item["key"])) for name in provinces]
        parts = [(name, e) for name, e in there if e is not None]
        if focus not in [name for name, _ in parts] or len(parts) < REGIONS:
            continue
        table = pd.concat([e.table.assign(region=name)[["region", *_CORE]] for name, e in parts])
        ranked = compare(
            parts[0][1].replace(table.reset_index(drop=True)),
            direction=1 if int(item["direction"]) > 0 else -1,
        ).table.set_index("region")
        row = ranked.loc[focus].copy()
        row["leader"] = ranked["rank"].astype(float).idxmin()
        found.append((str(item["key"]), row))
    return found


_CORE: Final = ["estimate", "std_error", "conf_low", "conf_high", "n"]


def food_funnel(facts: Facts, /) -> Estimate | None:
    """Return the classes of food of the year on a funnel, of the part of the year that has most classes."""
    series = ("food_batches_sampled", "food_batches_failed")
    both = [in_unit(name, (("region", facts.region),), "批次") for name in series]
    if both[0] is None or both[1] is None:
        return None
    counts = pd.concat(
        {
            n: e.table.set_index(["period", "industry"])["estimate"]
            for n, e in zip(series, both, strict=True)
            if e
        },
        axis=1,
        join="inner",
    ).reset_index()
    wanted = rf"{facts.period}$" if facts.part else rf"{facts.year}(?:$|H|Q)"
    counts = counts[counts["period"].str.match(wanted) & ~counts["industry"].isin(["合计", "监督抽检总体"])]
    if counts.empty or counts["period"].value_counts().max() < CLASSES:
        return None
    counts = counts[counts["period"] == counts["period"].value_counts().idxmax()]
    marks = sorted({*both[0].provenance, *both[1].provenance})
    sampled, failed = (counts[name].round().astype(int) for name in series)
    records = pd.DataFrame({"period": counts["period"], "class": counts["industry"], "inspected": sampled})
    records = records.assign(passed=sampled - failed, provenance=";".join(marks))
    rate = inspection_pass_rate(records, by=["period", "class"]).replace(provenance=marks)
    return facts.use(funnel(rate, overdispersion="tau2"))


def alerts(facts: Facts, /) -> Watched | None:
    """Return the monthly alerts up to the year on control charts; None without months of the year.

    Phase I ends two years before the end of the year where that leaves enough months, else one year.
    """
    found = _alerts(facts.year) if facts.region == "全国" and not facts.part else None
    if found is not None:
        facts.datasets.add("trade_and_alerts")
    return found


@cache
def _alerts(year: int) -> Watched | None:
    from qstats.datasets import published

    every = published(_MONTHLY)
    months = sorted((p for p in every.table["period"] if int(p[:4]) <= year), key=periods.sort_key)
    first = months[0] if months else ""
    for back in (2, 1):
        baseline = f"{year - back}M12"
        if months and baseline in months and months.index(baseline) + 1 >= PHASE_ONE:
            break
    else:
        return None
    if months[-1][:4] != str(year) or first == baseline:
        return None
    series = every.where(period=months)
    found = monitor(series, baseline=baseline, kind="c", direction=-1, source="overseas")
    last = sum(month.startswith(str(year)) for month in months)
    enough = len(months) >= 36 + last
    return Watched(
        found, baseline, outbreaks(series, last=last, years=3, source="overseas") if enough else None
    )
