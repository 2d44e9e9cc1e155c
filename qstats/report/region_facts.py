"""What a region profile rests on: figures, groups of provinces, ranks, indicators, grades."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from qstats.analysis.compare import compare
from qstats.datasets import load
from qstats.estimate import Estimate
from qstats.report import blocks
from qstats.report.facts import Facts
from qstats.report.sections_index import capability
from qstats.report.sections_quality import grades as shares_of
from qstats.report.sections_quality import provinces


def newest(facts: Facts) -> pd.DataFrame:
    """Return the newest figure of every item of the region, beside the nation's of that year."""
    nation = Facts(facts.year, "全国")
    rows = []
    for _, item in facts.items().iterrows():
        history = facts.history(item["key"])
        if history is None:
            continue
        period = blocks.latest(history)
        row = history.where(period=period).table.iloc[0]
        beside = nation.history(item["key"]) if item["scope"] == "both" else None
        known = beside is not None and period in set(beside.table["period"])
        whole = facts.use(beside).value(period=period) if beside is not None and known else math.nan
        rows.append(
            {
                "key": item["key"],
                "period": period,
                "value": row["estimate"],
                "low": row["conf_low"],
                "high": row["conf_high"],
                "nation": whole,
                "gap": row["estimate"] - whole,
                "digits": int(item["digits"]),
                "unit": item["unit"],
                "direction": int(item["direction"]),
            }
        )
    return pd.DataFrame(rows)


def scores_of(facts: Facts) -> Estimate | None:
    """Return the scores of all provinces of the year, when the region is among them."""
    found = capability(facts.year)
    if found is None or facts.region not in set(found.scores.table["region"]):
        return None
    return facts.use(found.scores)


def area_of(region: str) -> str:
    """Return the part of the country that a province belongs to: 东部, 中部, 西部, 东北."""
    return str(load("regions").set_index("name").loc[region, "area"])


def groups(region: str) -> dict[str, list[str]]:
    """Return the groups of provinces a region is held against: name of the message → its members."""
    table = load("regions").set_index("name")
    beside = load("report_neighbours")
    found = {"neighbours": [region, *beside.loc[beside["region"] == region, "neighbour"]]}
    for name in ("central6", "yangtze_delta"):
        members = [n for n, flag in table[name].items() if flag is True or str(flag).lower() == "true"]
        if region in members:
            found[name] = members
    if "central6" not in found:
        found["area"] = [n for n in provinces() if table.loc[n, "area"] == area_of(region)]
    return {name: members for name, members in found.items() if len(members) > 1}


def rank_of(scores: Estimate, region: str, within: list[str] | None = None) -> pd.Series[Any]:
    """Return the row of a region in the ranking of its group, by default of the provinces."""
    table = compare(scores, within=within or "provinces", draws=0).table.set_index("region")
    row: pd.Series[Any] = table.loc[region]
    return row


def indicator_table(facts: Facts) -> pd.DataFrame:
    """Return the six indicators of the region, the best rank first: value, score, mean of provinces, rank."""
    from qstats.index.inputs import published_indicators

    tree = load("frameworks/ht_capability").set_index("code")
    leaves = list(tree.index[tree["direction"].notna()])
    scores = scores_of(facts)
    assert scores is not None
    inputs = published_indicators("ht_capability", region=provinces(), period=facts.period)
    rows = []
    for node in leaves:
        row = rank_of(scores.where(node=node), facts.region)
        value = float(inputs[node].where(region=facts.region).table["estimate"].iloc[0])
        names = {f"name_{lang}": tree.loc[node, f"name_{lang}"] for lang in ("zh", "en")}
        kept = {column: row[column] for column in ("estimate", "mean", "rank", "of")}
        rows.append({"node": node, "value": value, "unit": tree.loc[node, "unit"], **names, **kept})
    return pd.DataFrame(rows).sort_values(["rank", "node"], ignore_index=True)


def graded(facts: Facts, year: int) -> dict[str, object] | None:
    """Return grades, loss and their ranks of a year, NaN for what was not published."""
    then = replace(facts, year=year)
    shares, losses = shares_of(then, provinces()), then.figures("quality_loss_rate", region=provinces())
    row: dict[str, object] = {"period": str(year)}
    columns = ("superior", "first", "qualified", "grade", "grade_rank", "loss", "loss_rank")
    row |= dict.fromkeys(columns, math.nan)
    if shares is not None and facts.region in shares.index:
        rate = shares @ pd.Series({"superior": 1.5, "first": 1.0, "qualified": 0.5})
        row |= shares.loc[facts.region].to_dict()
        row |= {"grade": rate[facts.region], "grade_rank": float((rate > rate[facts.region]).sum() + 1)}
    if losses is not None and facts.region in set(losses.table["region"]):
        loss = losses.table.set_index("region")["estimate"]
        row |= {"loss": loss[facts.region], "loss_rank": float((loss < loss[facts.region]).sum() + 1)}
    return row if any(not math.isnan(float(str(row[c]))) for c in columns) else None
