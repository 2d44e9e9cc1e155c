"""十、风险预警: signals with grade, source, evidence and suggested handling, and what they rest on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from qstats.analysis import signals
from qstats.analysis.signals import episodes
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import formats, questions, tables
from qstats.report.blocks import Writer, writer
from qstats.report.control import control
from qstats.report.facts import Facts
from qstats.report.findings import INCREASE, food_causes
from qstats.report.funnel_chart import funnel as funnel_chart
from qstats.report.names import population_name
from qstats.report.page import Section
from qstats.report.questions import Watched
from qstats.report.sections_outlook import part, write_causes
from qstats.report.words import unit_name


def risk(facts: Facts, /, *, lang: str | None = None) -> Section:
    """十、风险预警: what stands out this year, with evidence and handling, and the causes of failures.

    Examples
    --------
    >>> risk(Facts.of(2023), lang="zh").title
    '十、风险预警'
    """
    w = writer(facts, "risk", 10, lang)
    watched, classes = questions.alerts(facts), questions.food_funnel(facts)
    rows = [*_monthly(watched, facts, w), *_classes(classes, w), *_yearly(facts, w)]
    causes = food_causes(facts)
    if not _looked(facts, watched, classes) and causes is None:
        w.text(*_quiet(facts, w), w.say("risk.none"))
        return w.section()
    part(w, "risk.signals")
    if rows:
        _table(rows, w)
    else:
        w.text(w.say("risk.no_signal"))
    w.text(*_quiet(facts, w))
    if watched is not None:
        _chart(watched, w)
    if classes is not None:
        _funnel(classes, w)
    if causes is not None:
        part(w, "risk.leading")
        write_causes(w)
    w.note(w.say("risk.note"), w.say("risk.note_quarters") if facts.region == "全国" else "")
    return w.section()


def _looked(facts: Facts, watched: Watched | None, classes: Estimate | None) -> bool:
    """Return whether anything of the year could have given a signal."""
    counts = any(facts.change(key) is not None for key in facts.items("risk")["key"])
    return counts or watched is not None or classes is not None


def _quiet(facts: Facts, w: Writer) -> list[str]:
    """Return sentences on counts of the year that rose little or not, or cannot be compared."""
    said = []
    for key in facts.items("risk")["key"]:
        current, change = facts.current(key), facts.change(key)
        if current is None:
            said.append("" if facts.region != "全国" else facts.reason(key, w.lang))
            continue
        now = _count(current.value(), current, w)
        if change is None:
            said.append(w.say("risk.signal_unknown", name=facts.item(key)[w.lang], now=now))
        elif _growth(current, change) < INCREASE:
            before = _count(float(change.table["earlier"].iloc[0]), current, w)
            size = formats.percent(_growth(current, change), digits=1, lang=w.lang)
            said.append(
                w.say("risk.signal_down", name=facts.item(key)[w.lang], before=before, now=now, change=size)
            )
    return said


def _count(value: float, estimate: Estimate, w: Writer) -> str:
    return formats.with_unit(value, unit_name(estimate.unit, w.lang), digits=0, lang=w.lang)


def _growth(current: Estimate, change: Estimate) -> float:
    earlier = float(change.table["earlier"].iloc[0])
    return 100 * (current.value() / earlier - 1) if earlier > 0 else np.nan


def _monthly(watched: Watched | None, facts: Facts, w: Writer) -> list[dict[str, Any]]:
    """Return the runs of signals on the charts of the monthly alerts that reach into the year."""
    if watched is None or watched.found.signals.empty:
        return []
    runs = episodes(watched.found.signals, lang=w.lang)
    rows = []
    for run in runs[runs["last"].str.startswith(str(facts.year))].to_dict("records"):
        ends = list(dict.fromkeys(formats.period(run[end], lang=w.lang) for end in ("first", "last")))
        evidence = w.say(
            f"risk.evidence_chart_{run['direction']}",
            ratio=formats.number(run["ratio"], digits=2, lang=w.lang),
            z=formats.number(run["z"], digits=1, lang=w.lang),
            charts=w.say("list").join(w.say(f"risk.chart.{name}") for name in run["charts"].split("+")),
        )
        rows.append(
            {
                "what": w.say("risk.alerts_monthly"),
                "when": w.say("risk.until").join(ends),
                "source": run["source"],
                "grade": run["grade"],
                "evidence": evidence,
                "handling": run["handling"],
            }
        )
    return rows


def _classes(classes: Estimate | None, w: Writer) -> list[dict[str, Any]]:
    """Return the classes of food that lie beyond the 99.8 % limits on the worse side, the farthest first."""
    if classes is None:
        return []
    table = classes.table
    table = table[table["position"] == "worse"].sort_values("z")
    ratio = (100 - table["estimate"]).to_numpy() / (100 - table["target"]).to_numpy()
    every = np.ones(len(table), bool)
    grades = signals.grades(every, table["z"].to_numpy(), ratio, every.astype(float), signals.Grading())
    rows = []
    for row, times, grade in zip(table.to_dict("records"), ratio, grades, strict=True):
        rates = (formats.percent(100 - x, digits=2, lang=w.lang) for x in (row["estimate"], row["target"]))
        shown = dict(zip(("rate", "whole"), rates, strict=True))
        rows.append(
            {
                "what": w.say("risk.class", name=_class_name(row["class"], w)),
                "when": formats.period(row["period"], lang=w.lang),
                "source": "enforcement",
                "grade": grade,
                "evidence": w.say(
                    "risk.evidence_funnel", ratio=formats.number(times, digits=2, lang=w.lang), **shown
                ),
                "handling": signals.handling(grade, "worse", w.lang),
            }
        )
    return rows


def _class_name(name: str, w: Writer) -> str:
    return w.say("risk.other") if name == "其他" else population_name(name, w.lang)


def _yearly(facts: Facts, w: Writer) -> list[dict[str, Any]]:
    """Return counts of the year that rose by a fifth or more: two numbers, so no test and no grade."""
    rows = []
    for key in facts.items("risk")["key"]:
        current, change = facts.current(key), facts.change(key)
        if current is None or change is None or not _growth(current, change) >= INCREASE:
            continue
        ends = {"before": float(change.table["earlier"].iloc[0]), "now": current.value()}
        shown = {name: _count(value, current, w) for name, value in ends.items()}
        size = formats.percent(_growth(current, change), digits=1, lang=w.lang)
        rows.append(
            {
                "what": facts.item(key)[w.lang],
                "when": formats.period(facts.period, lang=w.lang),
                "source": "overseas" if isinstance(facts.item(key)["place"], str) else "domestic",
                "grade": "",
                "evidence": w.say("risk.evidence_count", change=size, **shown),
                "handling": w.say("risk.handle_count"),
            }
        )
    return rows


def _table(rows: list[dict[str, Any]], w: Writer) -> None:
    table = pd.DataFrame(rows)
    table = table.assign(
        source=[say(f"monitor.source.{name}", w.lang) for name in table["source"]],
        grade=[w.say(f"risk.grade.{grade or 'none'}") for grade in table["grade"]],
    )
    named = {
        name: w.say(f"risk.col.{name}")
        for name in ("what", "when", "source", "grade", "evidence", "handling")
    }
    columns = [tables.Field(name, label, words=name != "what") for name, label in named.items()]
    w.text(w.say("risk.count", count=len(table)))
    w.table(table, w.say("risk.table"), columns, notes=[w.say("risk.note_grade")])


def _chart(watched: Watched, w: Writer) -> None:
    """Draw the monthly alerts on their chart and say what the seasons say."""
    part(w, "risk.chart")
    points = watched.found.points
    drawn = control(
        watched.found,
        title=w.say("risk.alerts_monthly"),
        unit=w.say("risk.alerts_unit"),
        digits=0,
        lang=w.lang,
    )
    ends = [formats.period(points["period"].iloc[at], lang=w.lang) for at in (0, -1)]
    w.figure(drawn, w.say("risk.chart_caption", first=ends[0], last=ends[1]))
    if watched.seasonal is not None:
        alarms = watched.seasonal.loc[watched.seasonal["alarm"], "period"]
        names = w.say("list").join(formats.period(p, lang=w.lang) for p in alarms)
        w.text(w.say("risk.season_some" if len(alarms) else "risk.season_none", months=names))
    past = int((points["phase"] == "I").sum())
    w.note(w.say("risk.note_chart", baseline=formats.period(watched.baseline, lang=w.lang), points=past))


def _funnel(classes: Estimate, w: Writer) -> None:
    """Draw the classes of food on their funnel."""
    part(w, "risk.funnel")
    table = classes.table
    period = formats.period(table["period"].iloc[0], lang=w.lang)
    outside = table["position"].value_counts()
    counts = {name: int(outside.get(name.replace("_", " "), 0)) for name in ("worse", "somewhat_worse")}
    w.text(w.say("risk.funnel_text", period=period, count=len(table), **counts))
    labels = {name: _class_name(name, w) for name in table["class"]}
    labels["inspection_pass_rate"] = w.facts.item("food")[w.lang]
    drawn = funnel_chart(classes.where(period=table["period"].iloc[0]), labels=labels, digits=2, lang=w.lang)
    w.figure(drawn, w.say("risk.funnel_caption", period=period))
    w.note(w.say("risk.note_funnel"))
