"""The sections of a region profile: one province or city beside the nation, its neighbours and its group.

Figures that were published for the region stand beside those of the nation of the same year. The development
capability, which can be computed for every province, says where the region stands and what holds it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from qstats.analysis.compare import compare
from qstats.datasets import load
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.index.contributions import contributions
from qstats.messages import language, say
from qstats.report import blocks, charts, findings, formats, qci_panel, sections_index, tables
from qstats.report.blocks import Writer, item_sentence, writer
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding
from qstats.report.names import place_name
from qstats.report.page import Section
from qstats.report.region_facts import area_of, graded, groups, indicator_table, newest, rank_of, scores_of
from qstats.report.sections_index import HALF
from qstats.report.sections_outlook import write_appendix
from qstats.report.sections_quality import provinces
from qstats.report.sections_targets import write_targets
from qstats.report.words import unit_name

#: in the order of the profile
SECTIONS = (
    "summary",
    "figures",
    "standing",
    "indicators",
    "grades",
    "goals",
    "course",
    "problems",
    "appendix",
)
_BOOK = "region"
#: a figure older than so many years raises no problem
RECENT = 5
_GRADED = (1998, 2003, 2007)


def facts(year: int | None = None, region: str = "安徽", *, editorial: str = "") -> Facts:
    """Return the facts of a region; by default of the panel's last year, of a city of its newest.

    Raises
    ------
    DataError
        The region is unknown, the nation, or a city without any figure.
    """
    found = Facts.of(qci_panel.PANEL[-1] if year is None else year, region, editorial=editorial)
    if found.region == "全国":
        raise DataError(say("region.nation"))
    if year is None and found.region not in provinces():
        return Facts.of(None, region, editorial=editorial)
    return found


def _writer(facts: Facts, key: str, place: int | str, lang: str | None) -> Writer:
    return writer(facts, key, place, lang, _BOOK)


def _standing_text(facts: Facts, w: Writer, scores: Estimate) -> str:
    half = scores.where(node=HALF)
    row = rank_of(half, facts.region)
    said = w.say(
        "standing.text",
        year=facts.year,
        region=facts.place(w.lang),
        score=formats.number(row["estimate"], digits=2, lang=w.lang),
        rank=formats.rank(int(row["rank"]), of=int(row["of"]), lang=w.lang),
        mean=formats.number(row["mean"], digits=2, lang=w.lang),
    )
    parts = []
    for name, members in groups(facts.region).items():
        known = [m for m in members if m in set(half.table["region"])]
        if len(known) > 1:
            inside = rank_of(half, facts.region, known)
            place = formats.rank(int(inside["rank"]), of=int(inside["of"]), lang=w.lang)
            area = w.say(f"area.{area_of(facts.region)}")
            parts.append(w.say(f"standing.{name}", rank=place, area=area))
    return said + (w.say("standing.groups", groups=w.say("semicolon").join(parts)) if parts else "")


def summary(facts: Facts, /, *, lang: str | None = None) -> Section:
    """要点: where the region stands, its newest figures, what the rules find."""
    w = _writer(facts, "summary", 0, lang)
    scores = scores_of(facts)
    said = [_standing_text(facts, w, scores)] if scores is not None else []
    headline = facts.items(headline=True).sort_values("headline", key=lambda s: s.astype(int), kind="stable")
    said += [item_sentence(facts, key, w.lang) for key in headline["key"] if facts.current(key) is not None][
        :2
    ]
    said += [one.problem for one in findings.found(facts, w.lang, rules=RULES)]
    w.points((said or [w.say("none", region=facts.place(w.lang), year=facts.year)])[:6])
    return w.section()


def figures(facts: Facts, /, *, lang: str | None = None) -> Section:
    """一、主要指标: the newest figure of every item, beside the nation's of the same year."""
    w = _writer(facts, "figures", 1, lang)
    table = newest(facts)
    if table.empty:
        w.text(w.say("figures.none", region=facts.place(w.lang)))
        return w.section()
    current = [key for key in table["key"] if facts.current(key) is not None]
    kind = "figures.text" if current else "figures.old"
    w.text(w.say(kind, count=len(table), now=len(current), year=facts.year))
    if current:
        w.blocks.append(tables.cards([blocks.card(facts, key, w) for key in current[:6]], lang=w.lang))
    shown = table.assign(
        name=[facts.item(key)[w.lang] for key in table["key"]],
        unit=[unit_name(u, w.lang) or "—" for u in table["unit"]],
        population=[facts.item(key)[f"population_{w.lang}"] for key in table["key"]],
    )
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("unit", w.say("col.unit"), words=True),
        tables.Field("period", w.say("col.period"), words=True),
        tables.Field("value", w.say("col.value"), digits="digits"),
        tables.Field("low", w.say("col.interval"), digits="digits", upper="high"),
        tables.Field("nation", w.say("col.nation"), digits="digits"),
        tables.Field("gap", w.say("col.gap_nation"), digits="digits"),
        tables.Field("population", w.say("col.population"), words=True),
    ]
    w.table(shown, w.say("figures.table"), columns, notes=[w.say("figures.note"), w.say("main.note_counts")])
    return w.section()


def standing(facts: Facts, /, *, lang: str | None = None) -> Section:
    """二、在全国和周边的位置: development capability of high-tech manufacturing, ranks by group and year."""
    w = _writer(facts, "standing", 2, lang)
    scores = scores_of(facts)
    if scores is None:
        w.text(_no_scores(facts, w))
        return w.section()
    w.text(_standing_text(facts, w, scores))
    tree = load("frameworks/ht_capability")
    w.note(w.say("index.population", population=tree[f"population_{w.lang}"].iloc[0]) + w.say("stop"))
    w.note(w.say("hypothesis"))
    half = scores.where(node=HALF)
    plain = half.replace(half.table[["region", *sections_index.CORE]])
    labels = {"competitiveness_index": str(tree.set_index("code").loc[HALF, f"name_{w.lang}"])}
    mean = float(compare(half, draws=0).table["mean"].iloc[0])
    w.figure(
        charts.tile_grid(plain, highlight=facts.region, labels=labels, lang=w.lang),
        w.say("index.tiles", year=facts.year),
    )
    near = list(dict.fromkeys(n for members in groups(facts.region).values() for n in members))
    known = [n for n in near if n in set(plain.table["region"])]
    if len(known) > 2:
        drawn = charts.ranked(
            plain.where(region=known), reference=mean, reference_label=w.say("index.national_line"),
            highlight=facts.region, labels=labels, lang=w.lang,
        )  # fmt: skip
        w.figure(drawn, w.say("standing.near", year=facts.year))
    _years(facts, w)
    return w.section()


def _no_scores(facts: Facts, w: Writer) -> str:
    if facts.region not in provinces():
        return w.say("standing.city", region=facts.place(w.lang))
    first, last = qci_panel.PANEL[0], qci_panel.PANEL[-1]
    return w.say("standing.none", region=facts.place(w.lang), year=facts.year, first=first, last=last)


def _years(facts: Facts, w: Writer) -> None:
    """Tabulate score and rank of the region over the years of the panel."""
    scores = qci_panel.panel(facts.year)
    if scores is None:
        return
    ranked = compare(scores.where(node=HALF), draws=0).table
    own = ranked[ranked["region"] == facts.region].sort_values("period")
    own = own.assign(rank=own["rank"].astype("float64"), of=own["of"].astype("float64"))
    columns = [
        tables.Field("period", w.say("col.period"), words=True),
        tables.Field("estimate", w.say("col.score"), digits=2),
        tables.Field("mean", w.say("col.mean"), digits=2),
        tables.Field("rank", w.say("col.rank"), digits=0),
        tables.Field("of", w.say("col.of"), digits=0),
    ]
    w.table(own, w.say("standing.years", region=facts.place(w.lang)), columns)


def indicators(facts: Facts, /, *, lang: str | None = None) -> Section:
    """三、六项指标: the value, score and rank of each, and what the score is made of."""
    w = _writer(facts, "indicators", 3, lang)
    scores = scores_of(facts)
    if scores is None:
        w.text(_no_scores(facts, w))
        return w.section()
    table = indicator_table(facts)
    name = {row["node"]: row[f"name_{w.lang}"] for row in table.to_dict("records")}
    best, worst = table.iloc[0], table.iloc[-1]
    w.text(
        w.say(
            "indicators.text",
            best=name[best["node"]],
            best_rank=formats.rank(int(best["rank"]), of=int(best["of"]), lang=w.lang),
            worst=name[worst["node"]],
            worst_rank=formats.rank(int(worst["rank"]), of=int(worst["of"]), lang=w.lang),
        )
    )
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("unit", w.say("col.unit"), words=True),
        tables.Field("value", w.say("col.value"), digits=3),
        tables.Field("estimate", w.say("col.score"), digits=2),
        tables.Field("mean", w.say("col.mean"), digits=2),
        tables.Field("rank", w.say("col.rank"), digits=0),
    ]
    shown = table.assign(
        name=[blocks.begun(name[n], w.lang) for n in table["node"]],
        unit=[unit_name(u, w.lang) for u in table["unit"]],
        rank=table["rank"].astype("float64"),
    )
    caption = w.say("indicators.table", region=facts.place(w.lang), year=facts.year)
    w.table(shown, caption, columns, notes=[w.say("indicators.note")])
    made = contributions(scores.where(region=facts.region))
    parts = made.table[made.table["node"].isin(name)]
    parts = parts.assign(name=[name[node] for node in parts["node"]], value=parts["estimate"])
    caption = w.say("index.contributions", region=facts.place(w.lang), year=facts.year)
    w.figure(charts.contributions(parts, total=made.value(node=HALF), lang=w.lang), caption)
    return w.section()


def grades(facts: Facts, /, *, lang: str | None = None) -> Section:
    """四、等级品率与质量损失率: the newest published year, with the rank among provinces."""
    w = _writer(facts, "grades", 4, lang)
    rows = [row for year in _GRADED if year <= facts.year and (row := graded(facts, year)) is not None]
    if not rows:
        w.text(w.say("grades.none", region=facts.place(w.lang)))
        return w.section()
    table = pd.DataFrame(rows)
    columns = [tables.Field("period", w.say("col.period"), words=True)]
    columns += [tables.Field(n, w.say(f"product.{n}"), digits=2) for n in ("superior", "first", "qualified")]
    columns += [
        tables.Field("grade", w.say("product.grade_rate"), digits=2),
        tables.Field("grade_rank", w.say("col.rank"), digits=0),
        tables.Field("loss", facts.item("loss")[w.lang], digits=2),
        tables.Field("loss_rank", w.say("col.rank"), digits=0),
    ]
    w.table(
        table,
        w.say("grades.table", region=facts.place(w.lang)),
        columns,
        unit="%",
        notes=[w.say("grades.note")],
    )
    return w.section()


def goals(facts: Facts, /, *, lang: str | None = None) -> Section:
    """五、目标: every target that applies to the region, its gap and its status."""
    w = _writer(facts, "goals", 5, lang)
    table = facts.targets()
    if table.empty:
        w.text(w.say("targets.none", region=facts.place(w.lang), year=facts.year))
        return w.section()
    write_targets(w, table)
    return w.section()


def course(facts: Facts, /, *, lang: str | None = None) -> Section:
    """六、历年变化: the items over the years, gaps left open."""
    w = _writer(facts, "course", 6, lang)
    histories = {
        item["key"]: h
        for _, item in facts.items().iterrows()
        if (h := facts.history(item["key"])) is not None and len(h) > 1
    }
    if not histories:
        w.text(w.say("course.none", region=facts.place(w.lang)))
        return w.section()
    drawn = {key: h for key, h in histories.items() if len(h) > 2}
    kinds = {key: (h.unit, int(facts.item(key)["direction"])) for key, h in drawn.items()}
    for unit, way in dict.fromkeys(kinds.values()):
        keys = [key for key in drawn if kinds[key] == (unit, way)][:6]
        named = [drawn[key].replace(indicator=key, unit=unit) for key in keys]
        labels = {key: facts.item(key)[w.lang] for key in keys}
        kind = {"%": "rate" if way > 0 else "loss", "index": "index"}.get(unit, "score")
        named_by = w.say(f"unit.{kind}") if len(keys) > 1 else labels[keys[0]]
        caption = w.say("course.figure", unit=named_by)
        w.figure(charts.trend(named, labels=labels, lang=w.lang, height_mm=90), caption)
    if drawn:
        w.gaps(*drawn.values())
    w.text(*(_ends(facts, w, key, h) for key, h in histories.items()))
    return w.section()


def _ends(facts: Facts, w: Writer, key: str, history: Estimate) -> str:
    """Return the first and the last figure of an item in a sentence."""
    periods = [history.table["period"].iloc[at] for at in (0, -1)]
    first, last = (blocks.value(history.where(period=p), w.lang) for p in periods)
    name = facts.item(key)[w.lang]
    return w.say("course.ends", name=name, first=periods[0], last=periods[1], then=first, now=last)


def behind(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find recent figures worse than the nation's of the same year: as printed, or clearly."""
    for row in newest(facts).to_dict("records"):
        if facts.year - int(row["period"]) > RECENT:
            continue
        worse = row["gap"] * row["direction"] < 0
        limit = row["high"] if row["direction"] > 0 else row["low"]
        if worse and (math.isnan(limit) or (row["nation"] - limit) * row["direction"] > 0):
            unit = "" if row["unit"] == "index" else unit_name(row["unit"], lang)
            shown = [
                formats.with_unit(row[c], unit, digits=row["digits"], lang=lang) for c in ("value", "nation")
            ]
            yield finding(
                "behind", row["key"], lang,
                year=row["period"], name=facts.item(row["key"])[language(lang)],
                value=shown[0], nation=shown[1],
            )  # fmt: skip


def slipped(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether the region lost three places or more since the year before."""
    scores = qci_panel.panel(facts.year)
    if scores is None or scores_of(facts) is None:
        return
    ranked = compare(scores.where(node=HALF), draws=0).table
    own = ranked[ranked["region"] == facts.region].set_index("period")["rank"]
    before, now = own.get(str(facts.year - 1)), own.get(facts.period)
    if before is not None and now is not None and now - before >= 3:
        shown = {"before": int(before), "now": int(now), "region": place_name(facts.region, lang)}
        yield finding("slipped", "development_capability", lang, **shown)


RULES = (behind, findings.clear_falls, findings.short_of_target, slipped, qci_panel.weakest)


def problems(facts: Facts, /, *, lang: str | None = None) -> Section:
    """七、问题与建议: what the rules find."""
    w = _writer(facts, "problems", 7, lang)
    findings.write(w, findings.found(facts, w.lang, rules=RULES))
    return w.section()


def appendix(facts: Facts, /, *, lang: str | None = None) -> Section:
    """附录: definitions, the formula of a score, sources."""
    w = _writer(facts, "appendix", "", lang)
    figures = newest(facts)
    known = dict(zip(figures["key"], figures["period"], strict=True)) if len(figures) else {}
    used = {str(facts.item(key)["function"]) for key in known}
    write_appendix(w, used | {"grade_rate", "quality_loss_rate", "competitiveness_index"}, keys=known)
    return w.section()
