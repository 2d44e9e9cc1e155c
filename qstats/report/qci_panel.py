"""The half 发展能力 of the bulletin of the index: a panel of provinces, for one population."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from qstats.analysis.compare import compare
from qstats.datasets import load
from qstats.estimate import Estimate
from qstats.index.contributions import change_contributions
from qstats.messages import language
from qstats.report import charts, formats, sections_index, tables
from qstats.report.blocks import Writer
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding
from qstats.report.names import place_name
from qstats.report.sections_index import HALF, capability

#: years of the panel of high-tech manufacturing
PANEL = range(2018, 2024)


def panel(year: int, /) -> Estimate | None:
    """Return the scores of every province and node over the years of the panel up to one, by period."""
    parts = [found.scores for y in PANEL if y <= year and (found := capability(y)) is not None]
    if not parts:
        return None
    return parts[-1].replace(pd.concat([part.table for part in parts], ignore_index=True))


def ranks_over_years(facts: Facts, w: Writer, /) -> None:
    """Write the ranks of every province over the years of the panel."""
    scores = panel(facts.year)
    if scores is None or scores.table["period"].nunique() < 2:
        return
    ranks = compare(scores.where(node=HALF), draws=0, lang=w.lang).table
    ends = (min(ranks["period"]), max(ranks["period"]))
    both = set.intersection(*(set(ranks.loc[ranks["period"] == p, "region"]) for p in ends))
    half = scores.where(node=HALF, region=sorted(both))
    label = str(load("frameworks/ht_capability").set_index("code").loc[HALF, f"name_{w.lang}"])
    drawn = charts.slopes(
        half.replace(half.table.drop(columns="node")), between=ends, highlight=facts.set_off(both),
        labels={half.indicator: label}, lang=w.lang,
    )  # fmt: skip
    w.figure(drawn, w.say("half.slopes", first=ends[0], last=ends[1]))
    wide = ranks.pivot(index="region", columns="period", values="rank").astype("float64")
    years = list(wide.columns)
    wide = wide.sort_values([years[-1], years[0]]).reset_index()
    wide["name"] = [place_name(name, w.lang) for name in wide["region"]]
    wide["moved"] = wide[years[0]] - wide[years[-1]]
    columns = [tables.Field("name", w.say("col.region"))]
    columns += [tables.Field(year, year, digits=0) for year in years]
    columns.append(tables.Field("moved", w.say("col.moved"), digits=0))
    caption = w.say("half.ranks", span=formats.years(years[0], years[-1], lang=w.lang))
    strong = place_name(facts.set_off(wide["region"]), w.lang)
    w.table(wide, caption, columns, highlight=strong, notes=[w.say("half.ranks_note")])


def moved(facts: Facts, w: Writer, /) -> None:
    """Draw which indicators moved the score of the focus since the year before."""
    scores = panel(facts.year)
    focus, years = facts.focus, [str(facts.year - 1), str(facts.year)]
    if scores is None or not set(years) <= set(scores.table.query("region == @focus")["period"]):
        return
    made = change_contributions(scores.where(region=focus, period=years))
    tree = load("frameworks/ht_capability").set_index("code")
    leaves = tree.index[tree["direction"].notna()]
    table = made.table[made.table["node"].isin(leaves)]
    table = table.assign(
        name=[tree.loc[node, f"name_{w.lang}"] for node in table["node"]], value=table["estimate"]
    )
    total = float(made.table.loc[made.table["node"] == HALF, "estimate"].iloc[0])
    caption = w.say("half.moved", region=place_name(focus, w.lang), year=facts.year)
    w.text(
        w.say(
            "half.moved_text",
            region=place_name(focus, w.lang),
            change=formats.change(total, unit="", digits=2, lang=w.lang),
        )
    )
    w.figure(charts.contributions(table, total=total, lang=w.lang), caption)


def sentence(facts: Facts, w: Writer, /) -> str:
    """Return the sentence on the best province and the focus, of a year of the panel."""
    found = capability(facts.year)
    assert found is not None
    scores = found.scores.where(node=HALF)
    ranks, central = (
        compare(scores, within=group, lang=w.lang).table.set_index("region")
        for group in ("provinces", "central6")
    )
    return sections_index.half_sentence(facts, w, ranks, central, facts.set_off(ranks.index))


def weakest(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the indicator of the half that lifts the score of the focus least, when it scores below 80."""
    found = capability(facts.year)
    focus = facts.focus
    if found is None or focus not in set(found.scores.table["region"]):
        return
    tree = load("frameworks/ht_capability").set_index("code")
    table = found.scores.where(region=focus).table
    table = table[table["node"].isin(tree.index[tree["direction"].notna()])]
    row = table.sort_values(["estimate", "node"]).iloc[0]
    if row["estimate"] < 80:
        yield finding(
            "weak", str(row["node"]), lang,
            region=place_name(focus, lang),
            name=tree.loc[row["node"], f"name_{language(lang)}"],
            score=formats.number(row["estimate"], digits=2, lang=lang),
        )  # fmt: skip
