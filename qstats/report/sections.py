"""The sections of the annual report, in their order: each is a function from facts to a `Section`.

A new section is a function here or in a sibling, a title in the message catalogue, and a cell of
the notebook.
"""

from __future__ import annotations

import math

import pandas as pd

from qstats.report import blocks, findings, formats, qci_panel, tables
from qstats.report.blocks import Writer, item_sentence, writer
from qstats.report.facts import Facts
from qstats.report.page import Section
from qstats.report.sections_index import capability, competitiveness
from qstats.report.sections_outlook import appendix, problems
from qstats.report.sections_quality import engineering, exports, loss, products, provinces, services
from qstats.report.sections_risk import risk
from qstats.report.sections_targets import targets_met, targets_text
from qstats.report.sections_trends import trends
from qstats.report.words import unit_name

#: in the order of the report
ANNUAL = (
    "summary",
    "main_indicators",
    "products",
    "exports",
    "engineering",
    "services",
    "loss",
    "competitiveness",
    "targets_met",
    "trends",
    "risk",
    "problems",
    "appendix",
)

__all__ = [
    "ANNUAL",
    "appendix",
    "competitiveness",
    "engineering",
    "exports",
    "loss",
    "main_indicators",
    "problems",
    "products",
    "risk",
    "services",
    "summary",
    "targets_met",
    "trends",
]


def summary(facts: Facts, /, *, lang: str | None = None) -> Section:
    """要点: at most six sentences, the headline figures, or others where there is none, then what is missing.

    Examples
    --------
    >>> summary(Facts.of(2023), lang="zh").title
    '要点'
    """
    w = writer(facts, "summary", 0, lang)
    items = facts.items(headline=True).sort_values("headline", kind="stable")
    headline = [key for key in items["key"] if facts.current(key) is not None]
    others = [key for key in facts.items(headline=False)["key"] if facts.current(key) is not None]
    sentences = [item_sentence(facts, key, w.lang) for key in headline[:4] or others[:3]]
    if not sentences and facts.region in provinces() and capability(facts.year) is not None:
        sentences = [qci_panel.sentence(facts, w)]
    targets = facts.targets()
    if len(targets):
        sentences.append(targets_text(w, targets))
    sentences += [finding.problem for finding in findings.found(facts, w.lang) if finding.key not in headline]
    w.points(sentences[:6])
    return w.section()


def main_indicators(facts: Facts, /, *, lang: str | None = None) -> Section:
    """一、主要指标: cards, and one table of every item that has a figure for the year.

    Examples
    --------
    >>> main_indicators(Facts.of(2023), lang="zh").title
    '一、主要指标'
    """
    w = writer(facts, "main", 1, lang)
    table = _main_table(facts, w)
    if table.empty:
        w.absent(*facts.items(headline=True)["key"])
        return w.section()
    cards = [
        blocks.card(facts, key, w)
        for key in facts.items(headline=True)["key"]
        if facts.current(key) is not None
    ]
    if cards:
        w.blocks.append(tables.cards(cards, lang=w.lang))
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("unit", w.say("col.unit"), words=True),
        tables.Field("value", w.say("col.value"), digits="digits", status="status"),
        tables.Field("before", w.say("col.before"), digits="digits"),
        tables.Field("change", w.say("col.change"), digits="digits"),
        tables.Field("low", w.say("col.interval"), digits="digits", upper="high"),
        tables.Field("population", w.say("col.population"), words=True),
    ]
    notes = [w.say(f"main.note_{kind}") for kind in ("counts", "printed", "change")]
    caption = w.say("main.caption", period=formats.period(facts.period, lang=w.lang))
    w.table(table, caption, columns, notes=notes)
    items = facts.items(headline=True)
    lacking = [row[w.lang] for _, row in items.iterrows() if facts.current(row["key"]) is None]
    if lacking:
        w.note(w.say("main.absent") + w.say("list").join(lacking) + w.say("stop"))
    return w.section()


def _main_table(facts: Facts, w: Writer) -> pd.DataFrame:
    rows = []
    for _, item in facts.items().iterrows():
        current = facts.current(item["key"])
        if current is None:
            continue
        row, change = current.table.iloc[0], facts.change(item["key"])
        difference = math.nan if change is None else float(change.table["estimate"].iloc[0])
        rows.append(
            {
                "name": item[w.lang],
                "unit": unit_name(current.unit, w.lang) or "—",
                "value": row["estimate"],
                "before": row["estimate"] - difference,
                "change": difference,
                "low": row["conf_low"],
                "high": row["conf_high"],
                "digits": current.digits,
                "status": "e" if row["flag"] == "derived" else "",
                "population": item[f"population_{w.lang}"],
            }
        )
    return pd.DataFrame(rows)
