"""Sections on problems, and the appendix; causes of failure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

import pandas as pd

from qstats.datasets import load
from qstats.report import charts, findings, formats, page, tables
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts
from qstats.report.names import population_name
from qstats.report.page import Section
from qstats.report.revisions import write_revisions

_NUMERALS = "一二三四五六七八九"


def part(w: Writer, key: str, /) -> None:
    """Begin a part that not every report has: in Chinese with the next number （一）, （二） …."""
    w.heading(key)
    if w.lang == "zh":
        number = sum(block.startswith("<h3>") for block in w.blocks)
        w.blocks[-1] = w.blocks[-1].replace("<h3>", f"<h3>（{_NUMERALS[number - 1]}）", 1)


def write_causes(w: Writer, /) -> bool:
    """Write the causes of failing food samples and draw them; return whether any were published."""
    causes = findings.food_causes(w.facts)
    if causes is None:
        return False
    table = _with_rest(causes.table.sort_values(["estimate", "industry"], ascending=[False, True]), w)
    table["industry"] = [population_name(name, w.lang) for name in table["industry"]]
    cumulative = table["estimate"].cumsum()
    few = int((cumulative < 80).sum()) + 1
    period = formats.period(table["period"].iloc[0], lang=w.lang)
    share, total = (
        formats.percent(x, digits=1, lang=w.lang)
        for x in (table["estimate"].iloc[0], cumulative.iloc[few - 1])
    )
    w.text(
        w.say(
            "risk.causes_text",
            period=period,
            first=table["industry"].iloc[0],
            share=share,
            count=few,
            total=total,
        )
    )
    drawn = charts.pareto(table, name="industry", value="estimate", unit="%", digits=1, lang=w.lang)
    w.figure(drawn, w.say("risk.causes"))
    return True


def _with_rest(table: pd.DataFrame, w: Writer) -> pd.DataFrame:
    """Add what is left to 100 % as causes that were not named, so that shares stay as published."""
    rest = round(100 - float(table["estimate"].sum()), 2)
    if rest <= 0:
        return table
    more = {"industry": w.say("risk.rest"), "estimate": rest, "period": table["period"].iloc[0]}
    return pd.concat([table, pd.DataFrame([more])], ignore_index=True)


def problems(facts: Facts, /, *, lang: str | None = None) -> Section:
    """十一、存在的问题与建议: what the rules find, each with its number and a recommendation.

    Examples
    --------
    >>> problems(Facts.of(2023), lang="zh").title
    '十一、存在的问题与建议'
    """
    w = writer(facts, "problems", 11, lang)
    findings.write(w, findings.found(facts, w.lang))
    return w.section()


def appendix(facts: Facts, /, *, lang: str | None = None) -> Section:
    """附录: definitions and formulas, sources of every figure used, rounding, revisions.

    Examples
    --------
    >>> appendix(Facts.of(2023), lang="zh").title
    '附录 方法、定义与数据来源'
    """
    w = writer(facts, "appendix", "", lang)
    write_appendix(w, {str(item["function"]) for _, item in facts.items().iterrows()} | {"grade_rate"})
    return w.section()


def write_appendix(
    w: Writer, used: Collection[str], /, *, keys: Mapping[str, str] | None = None, scored: bool = True
) -> None:
    """Write definitions and formulas of indicators, the sources of figures, rounding, revisions.

    Parameters
    ----------
    w : Writer
    used : collection of str
        Codes of the indicators to define.
    keys : mapping of item → period, optional
        Figures whose sources are listed; by default those of all items of the period of the facts.
    scored : bool
        Whether the page shows scores, so that their formula is needed.
    """
    facts = w.facts
    w.place = w.say("appendix_letter")
    w.heading("appendix.definitions")
    for row in load("indicators").to_dict("records"):
        if row["code"] in used:
            name = row[f"name_{w.lang}"]
            w.text(f"{name[:1].upper()}{name[1:]}{w.say('colon')}{row[f'definition_{w.lang}']}")
            if isinstance(row["formula"], str) and row["formula"]:
                w.blocks += [page.math(line) for line in row["formula"].split(r",\quad ")]
    if scored:
        w.note(w.say("index.formula_note"))
        w.blocks.append(page.math(r"s = 60 + 40\,\frac{x - L}{U - L}"))
    w.heading("appendix.sources")
    table = _sources(facts, w, keys)
    if not table.empty:
        columns = [
            tables.Field("name", w.say("col.indicator"), words=True),
            tables.Field("source", w.say("col.source")),
            tables.Field("evidence", w.say("col.basis"), words=True),
        ]
        w.table(table, w.say("appendix.sources"), columns)
    else:
        w.text(w.say("appendix.no_sources"))
    if not table.empty:
        w.note(w.say("appendix.evidence"))
    write_revisions(w, keys)
    w.note(w.say("appendix.rounding"), w.say("appendix.revisions"))


def titled(title: str, /) -> str:
    """Return the title of a source as printed: one in Chinese has Chinese brackets and commas.

    Examples
    --------
    >>> titled("制造业产品质量合格率93.65%(转央视, 2024-02-09)"), titled("Yearbook 2008 (Table 20-61)")
    ('制造业产品质量合格率93.65%（转央视，2024-02-09）', 'Yearbook 2008 (Table 20-61)')
    """
    if not re.search("[\u4e00-\u9fff]", title):
        return title
    return re.sub(r", |,(?!\d)", "，", re.sub(r"\s*\(", "（", title).replace(")", "）"))


def _sources(facts: Facts, w: Writer, keys: Mapping[str, str] | None) -> pd.DataFrame:
    """Return item, source title and evidence of the figures of the year."""
    rows = []
    for _, item in facts.items().iterrows():
        period = facts.period if keys is None else keys.get(item["key"], "")
        then = replace(facts, year=int(period[:4]), part=period[4:]) if period else None
        if then is None or then.current(item["key"]) is None:
            continue
        for source in then.source_rows(item["key"]).to_dict("records"):
            kind = w.say(f"evidence.{source['evidence']}")
            rows.append({"name": item[w.lang], "source": titled(source["source_title"]), "evidence": kind})
    return pd.DataFrame(rows).drop_duplicates(ignore_index=True) if rows else pd.DataFrame()
