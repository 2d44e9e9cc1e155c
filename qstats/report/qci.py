"""The sections of the bulletin of the quality competitiveness index.

What was published of the official index stands first: nation, halves, industries, regions. What can be
computed follows, and says what it is: two of twelve indicators, and one half for one population.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pandas as pd

from qstats.datasets import load
from qstats.estimate import Estimate
from qstats.index.bands import bands
from qstats.messages import say
from qstats.report import charts, findings, formats, printed, qci_panel, sections_index, tables
from qstats.report.blocks import Writer, item_sentence, latest, value, writer
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding
from qstats.report.names import place_name, population_name
from qstats.report.page import Section
from qstats.report.sections_index import capability
from qstats.report.sections_outlook import write_appendix

#: in the order of the bulletin
SECTIONS = (
    "summary",
    "national",
    "halves",
    "industries",
    "regions",
    "grades",
    "half",
    "problems",
    "appendix",
)
#: years whose grades and losses were published by province
_GRADED = (1998, 2003, 2007)
_ZONES = ("东部地区", "中部地区", "西部地区", "东北地区")
_HALVES = ("QCI_quality_level", "QCI_std_tech_level", "QCI_dev_capability")
_COUNTS = ("industries_up", "industries_ge80", "industries_gt85", "industries_lt75")
_PLACES = ("provinces_up", "provinces_ge80", "provinces_ge85")
_BOOK = "qci"


def newest(*, year: int | None = None) -> int:
    """Return the year asked for, else the newest one whose national index was published."""
    if year is not None:
        return year
    facts = Facts.of(None)
    known = facts.history("qci")
    return facts.year if known is None else int(latest(known))


def _writer(facts: Facts, key: str, place: int | str, lang: str | None) -> Writer:
    return writer(facts, key, place, lang, _BOOK)


@cache
def _published(year: int) -> Estimate | None:
    return printed.figures("QCI", (("period", str(year)),))


def industry_scores(facts: Facts, /) -> pd.DataFrame:
    """Return the published index by industry of the year, with the change on the year before."""
    now, before = (_published(year) for year in (facts.year, facts.year - 1))
    rows = []
    for found in (now, before):
        table = pd.DataFrame() if found is None else facts.use(found).table
        if len(table):
            table = table[(table["region"] == "全国") & (table["industry"] != "制造业")]
        rows.append(table.set_index("industry") if len(table) else table)
    if rows[0].empty:
        return pd.DataFrame()
    earlier = rows[1]["estimate"] if len(rows[1]) else pd.Series(dtype=float)
    table = rows[0].assign(
        before=earlier.reindex(rows[0].index), change=lambda t: t["estimate"] - t["before"]
    )
    return table.reset_index().sort_values(
        ["estimate", "industry"], ascending=[False, True], ignore_index=True
    )


def region_scores(facts: Facts, /) -> pd.DataFrame:
    """Return the published index by region of the year: zones first, then places from the highest."""
    found = _published(facts.year)
    if found is None:
        return pd.DataFrame()
    table = facts.use(found).table
    table = table[(table["industry"] == "制造业") & (table["region"] != "全国")]
    order = table["region"].map({zone: at for at, zone in enumerate(_ZONES)}).fillna(len(_ZONES))
    return table.assign(order=order).sort_values(
        ["order", "estimate", "region"], ascending=[True, False, True], ignore_index=True
    )


def summary(facts: Facts, /, *, lang: str | None = None) -> Section:
    """要点: the nation, the industries that lead and trail, the regions, the half that can be computed."""
    w = _writer(facts, "summary", 0, lang)
    said = [item_sentence(facts, "qci", w.lang)] if facts.current("qci") is not None else []
    said += [text for text in (_halves_text(facts, w), _industry_text(facts, w)) if text]
    found = capability(facts.year)
    if found is not None:
        facts.use(found.scores)
        said.append(qci_panel.sentence(facts, w))
    said += [one.problem for one in findings.found(facts, w.lang, rules=RULES)]
    w.points((said or [_unpublished(facts, w)])[:6])
    return w.section()


def _unpublished(facts: Facts, w: Writer) -> str:
    """Say that the year has no index, and which was the latest."""
    history = facts.history("qci")
    if history is None:
        return w.say("none_ever", year=facts.year)
    last = history.where(period=latest(history))
    period = formats.period(last.table["period"].iloc[0], lang=w.lang)
    return w.say("none", year=facts.year, last=period, value=value(last, w.lang))


def national(facts: Facts, /, *, lang: str | None = None) -> Section:
    """一、全国指数: value, change, years, and the band by each of the schemes that contradict each other."""
    w = _writer(facts, "national", 1, lang)
    w.text(item_sentence(facts, "qci", w.lang))
    w.note(w.say("index.population", population=facts.item("qci")[f"population_{w.lang}"]) + w.say("stop"))
    history = facts.history("qci")
    if history is not None and len(history) > 2:
        span = formats.years(history.table["period"].iloc[0], history.table["period"].iloc[-1], lang=w.lang)
        labels = {"competitiveness_index": facts.item("qci")[w.lang]}
        w.figure(charts.trend(history, labels=labels, lang=w.lang), w.say("index.trend", span=span))
        w.gaps(history)
    current = facts.current("qci")
    if current is not None:
        _bands_table(w, current)
    return w.section()


def _bands_table(w: Writer, current: Estimate) -> None:
    schemes = [s for s in dict.fromkeys(load("frameworks/bands")["scheme"].astype(str)) if s != "csi"]
    rows = []
    for scheme in schemes:
        row = bands(current, scheme=scheme, lang=w.lang).table.iloc[0]
        mark = load("frameworks/bands").query(f"scheme == '{scheme}'")["provenance"].iloc[0]
        limits = [row["band_lower"], row["band_upper"]]
        shown = {
            side: formats.number(x, digits=0, lang=w.lang)
            for side, x in zip(("low", "high"), limits, strict=True)
            if not math.isnan(x)
        }
        rows.append(
            {
                "scheme": w.say(f"scheme.{scheme}"),
                "band": row["band"],
                "limits": w.say(".".join(["limits", *(shown if len(shown) == 1 else [])]), **shown),
                "basis": w.say(f"provenance.{mark}"),
            }
        )
    columns = [
        tables.Field(name, w.say(f"col.{name}"), words=True) for name in ("scheme", "band", "limits", "basis")
    ]
    w.table(pd.DataFrame(rows), w.say("bands"), columns, notes=[w.say("bands.note")])


def _half_rows(facts: Facts, w: Writer) -> list[dict[str, object]]:
    rows = []
    for series in _HALVES:
        found = facts.figures(series, industry="制造业")
        if found is None:
            continue
        change = facts.figures(f"{series}_change", industry="制造业")
        moved = math.nan if change is None else change.value()
        rows.append({"name": w.say(f"half.{series[4:]}"), "value": found.value(), "change": moved})
    return rows


def _halves_text(facts: Facts, w: Writer) -> str:
    both = [facts.figures(series, industry="制造业") for series in (_HALVES[0], _HALVES[2])]
    if both[0] is None or both[1] is None:
        return ""
    shown = [formats.number(one.value(), digits=2, lang=w.lang) for one in both if one is not None]
    return w.say("halves.text", year=facts.year, level=shown[0], capability=shown[1])


def halves(facts: Facts, /, *, lang: str | None = None) -> Section:
    """二、质量水平与发展能力: the two halves, and the indicators whose scores moved."""
    w = _writer(facts, "halves", 2, lang)
    rows = _half_rows(facts, w)
    if rows:
        w.text(_halves_text(facts, w))
        columns = [
            tables.Field("name", w.say("col.name"), words=True),
            tables.Field("value", w.say("col.score"), digits=2),
            tables.Field("change", w.say("col.change"), digits=2),
        ]
        w.table(pd.DataFrame(rows), w.say("halves.table", year=facts.year), columns)
    else:
        w.text(w.say("halves.none", year=facts.year))
    moved = facts.figures("QCI_indicator_score_change", industry=None)
    if moved is not None:
        table = moved.table.sort_values(["estimate", "industry"], ascending=[False, True])
        table["name"] = [population_name(name, w.lang) for name in table["industry"]]
        columns = [
            tables.Field("name", w.say("col.indicator"), words=True),
            tables.Field("estimate", w.say("col.change"), digits=2),
        ]
        note = w.say("scores.note", count=len(table))
        w.table(table, w.say("scores", year=facts.year), columns, notes=[note])
    return w.section()


def _industry_text(facts: Facts, w: Writer) -> str:
    table = industry_scores(facts)
    if len(table) < 2:
        return ""
    ends = (table.iloc[0], table.iloc[-1])
    names = [population_name(row["industry"], w.lang) for row in ends]
    values = [formats.number(row["estimate"], digits=2, lang=w.lang) for row in ends]
    return w.say(
        "industries.text",
        year=facts.year, count=len(table), best=names[0], best_score=values[0],
        last=names[1], last_score=values[1],
    )  # fmt: skip


def industries(facts: Facts, /, *, lang: str | None = None) -> Section:
    """三、分行业: every industry whose index was published, beside the nation."""
    w = _writer(facts, "industries", 3, lang)
    table = industry_scores(facts)
    _counted(facts, w, _COUNTS)
    if table.empty:
        w.text(w.say("industries.none", year=facts.year))
        return w.section()
    w.text(_industry_text(facts, w))
    found, current = _published(facts.year), facts.current("qci")
    assert found is not None
    keys = table["industry"].tolist()
    scores = found.where(region="全国", industry=keys)
    scores = scores.replace(scores.table[["industry", *sections_index.CORE]])
    labels = {name: population_name(name, w.lang) for name in keys}
    if len(table) > 2:
        drawn = charts.ranked(
            scores,
            reference=None if current is None else current.value(),
            reference_label=place_name("全国", w.lang),
            labels=labels | {"QCI": facts.item("qci")[w.lang]},
            lang=w.lang,
        )
        w.figure(drawn, w.say("industries.figure", year=facts.year))
    shown = table.assign(
        name=[labels[name] for name in keys],
        status=["e" if d == "yes" else "" for d in table["derived"]],
    )
    columns = [
        tables.Field("name", w.say("col.industry")),
        tables.Field("estimate", w.say("col.score"), digits=2, status="status"),
        tables.Field("before", w.say("col.before"), digits=2),
        tables.Field("change", w.say("col.change"), digits=2),
    ]
    w.table(shown, w.say("industries.table", year=facts.year), columns, notes=[w.say("industries.note")])
    return w.section()


def _counted(facts: Facts, w: Writer, names: tuple[str, ...]) -> None:
    said = []
    for name in names:
        found = facts.figures(f"QCI_{name}", industry="制造业")
        if found is not None:
            said.append(w.say(f"count.{name}", count=f"{found.value():.0f}"))
    w.text(*said)


def regions(facts: Facts, /, *, lang: str | None = None) -> Section:
    """四、分地区: the zones and places whose index was published, in no ranking."""
    w = _writer(facts, "regions", 4, lang)
    _counted(facts, w, _PLACES)
    table = region_scores(facts)
    if table.empty:
        w.text(w.say("regions.none", year=facts.year))
        return w.section()
    table = table.assign(
        name=[population_name(place_name(name, w.lang), w.lang) for name in table["region"]],
        status=["e" if d == "yes" else "" for d in table["derived"]],
    )
    current = facts.current("qci")
    table["gap"] = table["estimate"] - (math.nan if current is None else current.value())
    columns = [
        tables.Field("name", w.say("col.region")),
        tables.Field("estimate", w.say("col.score"), digits=2, status="status"),
        tables.Field("gap", w.say("col.gap_nation"), digits=2),
    ]
    strong = table.loc[table["region"] == facts.focus, "name"].tolist()
    w.table(
        table, w.say("regions.table", year=facts.year), columns,
        notes=[w.say("regions.note", count=len(table))], highlight=strong,
    )  # fmt: skip
    return w.section()


def grades(facts: Facts, /, *, lang: str | None = None) -> Section:
    """五、等级品率与质量损失率: the newest year up to the edition, 2 of 12 indicators."""
    w = _writer(facts, "grades", 5, lang)
    years = [year for year in _GRADED if year <= facts.year]
    if not years:
        w.text(w.say("grades.none", year=facts.year))
        return w.section()
    w.text(w.say("grades.year", year=years[-1], edition=facts.year))
    sections_index.write_grades_and_losses(replace(facts, year=years[-1]), w)
    return w.section()


def half(facts: Facts, /, *, lang: str | None = None) -> Section:
    """六、发展能力: high-tech manufacturing by province, ranks over the years, contributions, what moved."""
    w = _writer(facts, "half", 6, lang)
    found = capability(facts.year)
    if found is None:
        w.text(w.say("half.none", year=facts.year, first=qci_panel.PANEL[0], last=qci_panel.PANEL[-1]))
        return w.section()
    facts.use(found.scores)
    sections_index.write_half(facts, w, found)
    qci_panel.ranks_over_years(facts, w)
    qci_panel.moved(facts, w)
    return w.section()


def trailing(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the industries whose published index is below 80."""
    table = industry_scores(facts)
    if table.empty:
        return
    low = table[table["estimate"] < 80]
    if len(low):
        names = say("annual.list", lang).join(population_name(name, lang) for name in low["industry"])
        yield finding("trailing", "QCI", lang, count=len(low), names=names)


def short_of_target(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the target of the index when it is not met and at most five years ahead."""
    years = {row["item"]: int(row["by_year"]) for row in facts.targets().to_dict("records")}
    if years.get("qci", 9999) - facts.year <= 5:
        yield from (one for one in findings.short_of_target(facts, lang) if one.key == "qci")


def fallen(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether the index fell."""
    yield from (one for one in findings.clear_falls(facts, lang) if one.key == "qci")


RULES = (fallen, short_of_target, trailing, qci_panel.weakest)


def problems(facts: Facts, /, *, lang: str | None = None) -> Section:
    """七、问题与建议: what the rules find."""
    w = _writer(facts, "problems", 7, lang)
    findings.write(w, findings.found(facts, w.lang, rules=RULES))
    return w.section()


def appendix(facts: Facts, /, *, lang: str | None = None) -> Section:
    """附录: definitions, the formula of a score, sources."""
    w = _writer(facts, "appendix", "", lang)
    write_appendix(
        w, {"competitiveness_index", "grade_rate", "quality_loss_rate"}, keys={"qci": facts.period}
    )
    return w.section()
