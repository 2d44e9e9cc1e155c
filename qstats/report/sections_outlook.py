"""Sections on trends, risks, problems, and the appendix."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from qstats.datasets import load
from qstats.estimate import Estimate
from qstats.report import blocks, charts, findings, formats, page, tables
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts, population_name
from qstats.report.page import Section

_RATES = ("rpq", "spot_check", "provincial_spot_check", "food", "agri")


def trends(facts: Facts, /, *, lang: str | None = None) -> Section:
    """九、国内外比较与趋势: the items over the years, gaps left open, and alerts abroad."""
    w = writer(facts, "trend", 9, lang)
    w.heading("trend.home")
    histories = {key: h for key in _RATES if (h := facts.history(key)) is not None and len(h) > 1}
    for key, history in histories.items():
        first, last = history.table["period"].iloc[0], history.table["period"].iloc[-1]
        values = {p: blocks.value(history.where(period=p), w.lang) for p in (first, last)}
        w.text(
            w.say("trend.text", name=facts.item(key)[w.lang], first=first, last=last,
                  first_value=values[first], last_value=values[last])
        )  # fmt: skip
    if histories:
        _rates_figure(facts, w, histories)
    _years_table(facts, w)
    w.heading("trend.abroad")
    if facts.region != "全国":
        w.text(w.say("trend.not_region"))
        return w.section()
    alerts = facts.history("rapex")
    if alerts is None:
        w.absent("rapex")
    else:
        w.text(blocks.item_sentence(facts, "rapex", w.lang))
        drawn = charts.trend(
            alerts.replace(unit=blocks.unit_name(alerts.unit, w.lang)),
            labels={"event_rate": facts.item("rapex")[w.lang]},
            lang=w.lang,
        )
        w.figure(drawn, w.say("trend.abroad_figure"))
        w.note(w.say("trend.abroad_text"))
    return w.section()


def _rates_figure(facts: Facts, w: Writer, histories: dict[str, Estimate]) -> None:
    named = [history.replace(indicator=key) for key, history in histories.items()]
    labels = {key: facts.item(key)[w.lang] for key in histories}
    w.figure(charts.trend(named, labels=labels, lang=w.lang, height_mm=100), w.say("trend.rates"))
    w.note(w.say("trend.gaps"))


def _years_table(facts: Facts, w: Writer) -> None:
    """Give the last twelve years of every item with two figures or more."""
    years = [str(y) for y in range(facts.year - 11, facts.year + 1)]
    rows = []
    for _, item in facts.items().iterrows():
        history = facts.history(item["key"])
        if history is None:
            continue
        values = history.table.set_index("period")["estimate"]
        if sum(year in values.index for year in years) >= 2:
            digits = {"digits": int(item["digits"])}
            rows.append({"name": item[w.lang]} | digits | {y: values.get(y, float("nan")) for y in years})
    if not rows:
        return
    table = pd.DataFrame(rows)
    shown = [y for y in years if table[y].notna().any()]
    columns = [tables.Field("name", w.say("col.indicator"), words=True)]
    columns += [tables.Field(year, year, digits="digits") for year in shown]
    w.table(table, w.say("trend.table"), columns)


def risk(facts: Facts, /, *, lang: str | None = None) -> Section:
    """十、风险预警: what rose, and the causes that make up most failures."""
    w = writer(facts, "risk", 10, lang)
    said = [sentence for key in facts.items("risk")["key"] if (sentence := _signal(facts, w, key))]
    w.text(*said)
    caused = write_causes(w)
    if not said and not caused:
        w.text(w.say("risk.none"))
    else:
        w.note(w.say("risk.note"))
    return w.section()


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


def _signal(facts: Facts, w: Writer, key: str) -> str:
    current, change = facts.current(key), facts.change(key)
    if current is None:
        return "" if facts.region != "全国" else facts.reason(key, w.lang)
    unit = blocks.unit_name(current.unit, w.lang)
    name, now = facts.item(key)[w.lang], formats.with_unit(current.value(), unit, digits=0, lang=w.lang)
    if change is None:
        return w.say("risk.signal_unknown", name=name, now=now)
    earlier = float(change.table["earlier"].iloc[0])
    before = formats.with_unit(earlier, unit, digits=0, lang=w.lang)
    ratio = formats.percent(100 * (current.value() / earlier - 1), digits=1, lang=w.lang)
    kind = "signal_up" if current.value() > earlier else "signal_down"
    return w.say(f"risk.{kind}", name=name, before=before, now=now, change=ratio)


def problems(facts: Facts, /, *, lang: str | None = None) -> Section:
    """十一、存在的问题与建议: what the rules find, each with its number and a recommendation."""
    w = writer(facts, "problems", 11, lang)
    findings.write(w, findings.found(facts, w.lang))
    return w.section()


def appendix(facts: Facts, /, *, lang: str | None = None) -> Section:
    """附录: definitions and formulas, sources of every figure used, rounding, revisions."""
    w = writer(facts, "appendix", "", lang)
    write_appendix(w, {str(item["function"]) for _, item in facts.items().iterrows()} | {"grade_rate"})
    return w.section()


def write_appendix(
    w: Writer, used: Collection[str], /, *, keys: Collection[str] | None = None, scored: bool = True
) -> None:
    """Write definitions and formulas of indicators, the sources of figures, rounding, revisions.

    Parameters
    ----------
    w : Writer
    used : collection of str
        Codes of the indicators to define.
    keys : collection of str, optional
        Items whose sources are listed; by default all that have a figure.
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
    w.note(w.say("appendix.evidence"))
    w.note(w.say("appendix.rounding"), w.say("appendix.revisions"))


def _sources(facts: Facts, w: Writer, keys: Collection[str] | None) -> pd.DataFrame:
    """Return item, source title and evidence of the figures of the year."""
    rows = []
    for _, item in facts.items().iterrows():
        if facts.current(item["key"]) is None or (keys is not None and item["key"] not in keys):
            continue
        for source in facts.source_rows(item["key"]).to_dict("records"):
            kind = w.say(f"evidence.{source['evidence']}")
            rows.append({"name": item[w.lang], "source": source["source_title"], "evidence": kind})
    return pd.DataFrame(rows).drop_duplicates(ignore_index=True) if rows else pd.DataFrame()
