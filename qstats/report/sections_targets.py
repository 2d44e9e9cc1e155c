"""八、目标完成情况: what is met, by the figure and by its interval; the pace needed; the chance in time."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from qstats.report import charts, formats, questions, tables
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts
from qstats.report.page import Section
from qstats.report.sections_outlook import part
from qstats.report.words import unit_name

_OPERATORS: Final = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "rank<=": "≤"}


def target_counts(table: pd.DataFrame, /) -> dict[str, int]:
    """Return how many targets there are, and how many of each status."""
    counts = table["status"].value_counts()
    names = {"met": "met", "near": "near", "missed": "not met", "none": "no data"}
    return {"count": len(table)} | {name: int(counts.get(status, 0)) for name, status in names.items()}


def targets_text(w: Writer, table: pd.DataFrame, /) -> str:
    """Return one sentence: how many targets apply, and how many have each status that occurs."""
    counts = target_counts(table)
    if counts["none"] == counts["count"]:
        return w.say("targets.all_none", count=counts["count"])
    names = [name for name in ("met", "near", "missed", "none") if counts[name]]
    parts = [w.say(f"targets.part.{name}", count=counts[name]) for name in names]
    return w.say("targets.text", count=counts["count"], parts=w.say("clauses").join(parts))


def targets_met(facts: Facts, /, *, lang: str | None = None) -> Section:
    """八、目标完成情况: the targets that have a figure with gap and verdict; those without are named.

    Examples
    --------
    >>> targets_met(Facts.of(2023), lang="zh").title
    '八、目标完成情况'
    """
    w = writer(facts, "targets", 8, lang)
    table = facts.targets()
    if table.empty:
        w.text(w.say("targets.none", region=facts.place(w.lang), year=facts.year))
        return w.section()
    write_targets(w, table)
    return w.section()


def write_targets(w: Writer, table: pd.DataFrame, /) -> None:
    """Write a table of :meth:`Facts.targets`: counts, bars, gaps, prospects, and those without data."""
    w.text(targets_text(w, table))
    known, unknown = (table[(table["status"] == "no data") == absent] for absent in (False, True))
    if len(known):
        w.figure(
            charts.target_bullets(
                known.assign(indicator=_names(known, w), value=known["estimate"]), lang=w.lang
            ),
            w.say("targets.figure"),
        )
        _table(known, w)
        _ahead(w.facts, known, w)
    if len(unknown):
        named = [
            _wanted(row, name, w)
            for (_, row), name in zip(unknown.iterrows(), _names(unknown, w), strict=True)
        ]
        w.text(w.say("targets.absent", count=len(named), names=w.say("semicolon").join(named)))


def _names(table: pd.DataFrame, w: Writer) -> list[str]:
    """Return the names of targets, each begun with a capital, as the other names of the report are."""
    return [name[:1].upper() + name[1:] for name in table[f"indicator_{w.lang}"]]


def _wanted(row: pd.Series[Any], name: str, w: Writer) -> str:
    """Return a target without a figure in short: its name, what is wanted and by when."""
    if pd.isna(row["target"]):
        return w.say("targets.wanted_reference", name=name, year=row["by_year"])
    digits = 0 if float(row["target"]).is_integer() else 1
    value = formats.with_unit(row["target"], "%" if row["unit"] == "%" else "", digits=digits, lang=w.lang)
    return w.say("targets.wanted", name=name, target=_OPERATORS[row["operator"]] + value, year=row["by_year"])


def _table(known: pd.DataFrame, w: Writer) -> None:
    judged = (known["by_interval"] != "no data").any()
    shown = known.assign(
        name=_names(known, w),
        words=[w.say(f"status.{s.replace(' ', '_')}") for s in known["status"]],
        sure=[w.say(f"targets.by_interval.{s.replace(' ', '_')}") for s in known["by_interval"]],
        basis=[w.say(f"provenance.{p}") for p in known["provenance"]],
        year=known["by_year"].astype(str),
    )
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("year", w.say("col.year"), words=True),
        tables.Field("target", w.say("col.target"), digits="digits"),
        tables.Field("estimate", w.say("col.value"), digits="digits"),
        tables.Field("gap", w.say("col.gap"), digits="digits"),
        tables.Field("required", w.say("col.required"), digits="digits"),
        tables.Field("words", w.say("col.status"), words=True),
        *([tables.Field("sure", w.say("col.by_interval"), words=True)] if judged else []),
        tables.Field("basis", w.say("col.basis"), words=True),
    ]
    notes = [w.say("targets.note", near=formats.number(1.0, digits=1, lang=w.lang))]
    if known["required"].notna().any():
        notes.append(w.say("targets.note_required"))
    else:
        columns = [column for column in columns if column.name != "required"]
    notes += [w.say("targets.note_interval" if judged else "targets.note_no_interval")]
    if (known["provenance"] == "hypothesis").any():
        notes.append(w.say("targets.note_hypothesis"))
    w.table(shown, w.say("targets.caption"), columns, notes=notes)


def _ahead(facts: Facts, known: pd.DataFrame, w: Writer) -> None:
    """Say of each target that is not met what every year has to bring, and how likely it is in time."""
    behind = known[known["status"].isin(["near", "not met"]) & (known["years_left"] >= 1)]
    if behind.empty:
        return
    part(w, "targets.ahead")
    likely = questions.prospects(facts, known).set_index("code")
    for (_, row), name in zip(behind.iterrows(), _names(behind, w), strict=True):
        pace = w.say(
            "targets.pace",
            name=name,
            year=row["by_year"],
            left=round(row["years_left"]),
            gap=_points(abs(row["gap"]), row, w),
            way=w.say("targets.way.up" if row["required"] > 0 else "targets.way.down"),
            required=_points(abs(row["required"]), row, w),
        )
        if row["code"] in likely.index:
            w.text(pace, _chance(likely.loc[row["code"]], row, w))
        else:
            w.text(pace, w.say("targets.no_chance", need=questions.FORECAST_NEEDS, most=questions.AHEAD))
    if len(likely):
        w.note(w.say("targets.note_chance"))


def _points(size: float, row: pd.Series[Any], w: Writer) -> str:
    unit = "" if row["unit"] == "index" else unit_name(str(row["unit"]), w.lang)
    shown = formats.number(size, digits=int(row["digits"]), lang=w.lang)
    return shown + w.say("points") if unit == "%" else shown + unit


def _chance(told: pd.Series[Any], row: pd.Series[Any], w: Writer) -> str:
    unit, digits = ("%" if row["unit"] == "%" else ""), int(row["digits"])
    chance = "none" if pd.isna(told["probability"]) else "chance"
    return w.say(
        f"targets.{chance}",
        span=formats.years(told["first"], told["last"], lang=w.lang),
        n=int(told["n"]),
        model=w.say(f"model.{told['model']}") if told["model"] == "drift" else str(told["model"]),
        year=row["by_year"],
        value=formats.with_unit(told["forecast"], unit, digits=digits, lang=w.lang),
        interval=formats.span(told["low"], told["high"], unit=unit, digits=digits, lang=w.lang),
        probability=formats.percent(100 * told["probability"], digits=0, lang=w.lang),
    )
