"""The section on the index."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from qstats.analysis.compare import compare
from qstats.datasets import load
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.index.bands import bands
from qstats.index.build import competitiveness_index
from qstats.index.contributions import contributions
from qstats.index.inputs import published_indicators
from qstats.report import charts, formats, tables
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts
from qstats.report.names import place_name
from qstats.report.page import Section
from qstats.report.sections_quality import grade_records, grades, provinces

HALF = "development_capability"
#: the columns of numbers that are kept of an estimate
CORE = ("estimate", "std_error", "conf_low", "conf_high", "n")


class Capability(NamedTuple):
    """The half 发展能力 of a year: the index, and the regions that lack an indicator."""

    scores: Estimate
    lacking: tuple[str, ...]


@cache
def capability(year: int, /) -> Capability | None:
    """Return the half 发展能力 of high-tech manufacturing by province, of those with all six indicators."""
    try:
        inputs = published_indicators("ht_capability", region=provinces(), period=str(year))
    except DataError:
        return None
    known = [set(e.table.loc[e.table["estimate"].notna(), "region"]) for e in inputs.values()]
    complete = [name for name in provinces() if all(name in names for names in known)]
    if not complete:
        return None
    kept = {code: estimate.where(region=complete) for code, estimate in inputs.items()}
    lacking = tuple(name for name in provinces() if name not in complete)
    return Capability(competitiveness_index(kept, "ht_capability"), lacking)


def competitiveness(facts: Facts, /, *, lang: str | None = None) -> Section:
    """七、质量竞争力: the published index, the half that can be computed, and what it is made of.

    Examples
    --------
    >>> competitiveness(Facts.of(2023), lang="zh").title
    '七、质量竞争力'
    """
    w = writer(facts, "index", 7, lang)
    w.heading("index.official")
    _official(facts, w)
    w.heading("index.half")
    found = capability(facts.year)
    if found is None:
        w.text(w.say("index.none", year=facts.year))
    else:
        facts.use(found.scores)
        write_half(facts, w, found)
    write_grades_and_losses(facts, w, heading="index.grades")
    return w.section()


def _official(facts: Facts, w: Writer) -> None:
    w.told("qci")
    current, history = facts.current("qci"), facts.history("qci")
    if current is not None:
        classed = bands(current, scheme="stages", lang=w.lang).table.iloc[0]
        scheme = load("frameworks/bands").query("scheme == 'stages'").iloc[0]
        kind = w.say(f"provenance.{scheme['provenance']}")
        w.note(w.say("index.band", provenance=kind, band=classed["band"]))
    if history is not None and len(history) > 2:
        years = history.table["period"]
        caption = w.say("index.trend", span=formats.years(years.iloc[0], years.iloc[-1], lang=w.lang))
        labels = {"competitiveness_index": facts.item("qci")[w.lang]}
        w.figure(charts.trend(history, labels=labels, lang=w.lang), caption)
        w.gaps(history)


def write_half(facts: Facts, w: Writer, found: Capability, /) -> None:
    """Write the half by province: the sentence, what it rests on, dots, ranks, squares, contributions."""
    scores = found.scores.where(node=HALF)
    ranks = compare(scores, lang=w.lang).table.set_index("region")
    central = compare(scores, within="central6", lang=w.lang).table.set_index("region")
    focus = facts.set_off(ranks.index)
    w.text(half_sentence(facts, w, ranks, central, focus))
    tree = load("frameworks/ht_capability")
    column = f"population_{w.lang}"
    w.note(w.say("index.population", population=tree[column].iloc[0]) + w.say("stop"))
    kinds = {part: sorted(set(tree[f"{part}_provenance"]) - {"", "derived"}) for part in ("weight", "bounds")}
    words = {
        part: w.say("list").join(w.say(f"provenance.{k}") for k in found_) for part, found_ in kinds.items()
    }
    w.note(w.say("index.hypothesis", weights=words["weight"], bounds=words["bounds"]))
    clipped = int(found.scores.table["flag"].str.contains("clipped").sum())
    if clipped:
        w.note(w.say("index.clipped", count=clipped))
    if found.lacking:
        names = w.say("list").join(place_name(name, w.lang) for name in found.lacking)
        w.note(w.say("index.missing", regions=names))
    year = facts.year
    mean = float(ranks["mean"].iloc[0])
    plain = scores.replace(scores.table.drop(columns="node"))
    label = w.say("index.national_line")
    labels = {HALF: str(tree.set_index("code").loc[HALF, f"name_{w.lang}"])}
    w.figure(
        charts.ranked(
            plain, reference=mean, reference_label=label, highlight=focus, labels=labels, lang=w.lang
        ),
        w.say("index.ranked", year=year),
    )
    _ranks_table(facts, w, ranks, central, focus)
    w.figure(
        charts.tile_grid(plain, highlight=focus, labels=labels, lang=w.lang), w.say("index.tiles", year=year)
    )
    if focus:
        _parts(facts, w, found.scores, focus)


def half_sentence(facts: Facts, w: Writer, ranks: pd.DataFrame, central: pd.DataFrame, focus: str, /) -> str:
    """Return the sentence on the best province and the focus, if it was scored: scores and ranks."""

    def scored(name: str) -> str:
        return formats.number(ranks.loc[name, "estimate"], digits=2, lang=w.lang)

    best, many = str(ranks["rank"].astype(int).idxmin()), {"year": facts.year, "count": len(ranks)}
    leading = {"best": place_name(best, w.lang), "best_score": scored(best)}
    if not focus:
        return w.say("index.text_best", **many, **leading)
    own = {"region": place_name(focus, w.lang), "score": scored(focus), "rank": int(ranks.loc[focus, "rank"])}
    if facts.region != "全国" or focus == best:
        return w.say("index.text_focus", **many, **own)
    if focus not in central.index:
        return w.say("index.text_other", **many, **leading, **own)
    return w.say("index.text", **many, **leading, **own, central=int(central.loc[focus, "rank"]))


def _parts(facts: Facts, w: Writer, scores: Estimate, focus: str) -> None:
    """Draw what the score of the focus is made of: six contributions that add up to it."""
    made = contributions(scores.where(region=focus))
    tree = load("frameworks/ht_capability").set_index("code")
    leaves = tree.index[tree["direction"].notna()]
    table = made.table[made.table["node"].isin(leaves)]
    table = table.assign(
        name=[tree.loc[node, f"name_{w.lang}"] for node in table["node"]], value=table["estimate"]
    )
    total = made.value(node=HALF)
    caption = w.say("index.contributions", region=place_name(focus, w.lang), year=facts.year)
    w.figure(charts.contributions(table, total=total, lang=w.lang), caption)


def _ranks_table(facts: Facts, w: Writer, ranks: pd.DataFrame, central: pd.DataFrame, focus: str) -> None:
    table = ranks.reset_index().sort_values(["rank", "region"])
    table["place"] = [place_name(region, w.lang) for region in table["region"]]
    table["central"] = [central["rank"].get(region) for region in table["region"]]
    table["central_text"] = ["—" if pd.isna(r) else str(int(r)) for r in table["central"]]
    table["rank_number"] = table["rank"].astype("float64")
    columns = [
        tables.Field("place", w.say("col.region")),
        tables.Field("estimate", w.say("col.score"), digits=2),
        tables.Field("rank_number", w.say("col.rank"), digits=0),
    ]
    if focus in central.index:
        columns.append(tables.Field("central_text", w.say("col.rank_central"), words=True, align="right"))
    w.table(table, w.say("index.table", year=facts.year), columns, highlight=place_name(focus, w.lang))


def write_grades_and_losses(facts: Facts, w: Writer, /, *, heading: str = "") -> None:
    """Score the two indicators that the yearbooks give by province, said to be two of twelve."""
    shares = grades(facts, provinces())
    losses = facts.figures("quality_loss_rate", region=provinces())
    if shares is None or shares.empty or losses is None:
        return
    if heading:
        w.heading(heading)
    scores, rates = two_of_twelve(shares, losses)
    w.text(w.say("index.grades_text"))
    if len(over := shares.index[shares.sum(axis=1) > 100.02]):
        names = w.say("list").join(place_name(name, w.lang) for name in over)
        w.note(w.say("index.grades_over", regions=names))
    ranks = compare(scores, lang=w.lang).table.sort_values(["rank", "region"])
    ranks = ranks.merge(rates, on="region")
    ranks["place"] = [place_name(region, w.lang) for region in ranks["region"]]
    ranks["rank_number"] = ranks["rank"].astype("float64")
    columns = [
        tables.Field("place", w.say("col.region")),
        tables.Field("grade", w.say("product.grade_rate"), digits=2),
        tables.Field("loss", facts.item("loss")[w.lang], digits=2),
        tables.Field("estimate", w.say("col.score"), digits=2),
        tables.Field("rank_number", w.say("col.rank"), digits=0),
    ]
    strong = place_name(facts.set_off(ranks["region"]), w.lang)
    caption, unit = w.say("index.grades_table", year=facts.year), w.say("index.grades_unit")
    w.table(ranks, caption, columns, unit=unit, highlight=strong)
    _residual(facts, w, shares, losses)


def two_of_twelve(shares: pd.DataFrame, losses: Estimate, /) -> tuple[Estimate, pd.DataFrame]:
    """Return the score of grades and losses, weights renormalised, and the two rates by region."""
    from qstats.indicators.grade_rate import grade_rate

    records = grade_records(shares)
    grade = grade_rate(records, by="region")
    loss = losses.replace(losses.table[["region", *CORE]])
    both = [r for r in shares.index if r in set(loss.table["region"])]
    kept = {"grade_rate": grade.where(region=both), "quality_loss_rate": loss.where(region=both)}
    scores = competitiveness_index(kept, "qci", missing="renormalise")
    root = scores.where(node="qci")
    rates = pd.DataFrame({"region": both}).assign(
        grade=[kept["grade_rate"].value(region=r) for r in both], loss=[loss.value(region=r) for r in both]
    )
    return root.replace(root.table.drop(columns="node")), rates


def _residual(facts: Facts, w: Writer, shares: pd.DataFrame, losses: Estimate) -> None:
    """Show how far the provinces, weighted, are from what was published for the nation."""
    weight = facts.figures("industry_VA", region=provinces(), industry="工业")
    national = grades(facts, ["全国"])
    total_loss = facts.figures("quality_loss_rate", region="全国")
    if weight is None or national is None or national.empty or total_loss is None:
        return
    w_ = weight.table.set_index("region")["estimate"]
    table = shares.join(losses.table.set_index("region")["estimate"].rename("loss"))
    weighted = {
        n: float(np.average(v.dropna(), weights=w_.reindex(v.dropna().index))) for n, v in table.items()
    }
    published = {**national.loc["全国"].to_dict(), "loss": total_loss.value()}
    shown = {n: formats.number(x, digits=2, lang=w.lang) for n, x in weighted.items()}
    shown |= {f"{n}_n": formats.number(x, digits=2, lang=w.lang) for n, x in published.items()}
    w.note(w.say("index.residual", **shown))
