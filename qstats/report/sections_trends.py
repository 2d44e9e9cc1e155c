"""九、国内外比较与趋势: what moved and how surely, how much of it is mix, ranks, and alerts abroad."""

from __future__ import annotations

import math
from typing import Any, Final

import pandas as pd

from qstats.analysis.compare import position_name
from qstats.estimate import Estimate
from qstats.report import blocks, charts, formats, questions, tables
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts
from qstats.report.names import place_name
from qstats.report.page import Section
from qstats.report.sections_outlook import part
from qstats.report.words import unit_name

_RATES: Final = ("rpq", "spot_check", "provincial_spot_check", "food", "agri")


def trends(facts: Facts, /, *, lang: str | None = None) -> Section:
    """九、国内外比较与趋势: the items over the years, gaps left open, and alerts abroad.

    Examples
    --------
    >>> trends(Facts.of(2023), lang="zh").title
    '九、国内外比较与趋势'
    """
    w = writer(facts, "trend", 9, lang)
    part(w, "trend.home")
    _moved(facts, w)
    histories = {key: h for key in _RATES if (h := facts.history(key)) is not None and len(h) > 1}
    if histories:
        _rates_figure(facts, w, histories)
    _years_table(facts, w)
    _mix(facts, w)
    _ranks(facts, w)
    _abroad(facts, w)
    return w.section()


def _moved(facts: Facts, w: Writer) -> None:
    """Say what rises and falls, and tabulate change on the year before beside the trend."""
    found = questions.trends_of(facts)
    tested = found[found["n"] >= questions.TREND_NEEDS]
    if tested.empty:
        w.text(w.say("trend.no_trend", need=questions.TREND_NEEDS))
        return
    w.text(*_directions(facts, tested, w), _untested(facts, found, w))
    rows = [_moved_row(facts, row, w) for row in found.to_dict("records")]
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("change", w.say("trend.col.change"), digits="digits"),
        tables.Field("change_low", w.say("trend.col.interval"), digits="digits", upper="change_high"),
        tables.Field("verdict", w.say("trend.col.verdict"), words=True),
        tables.Field("span", w.say("trend.col.span"), words=True),
        tables.Field("n", w.say("trend.col.n"), digits=0),
        tables.Field("slope", w.say("trend.col.slope"), digits="fine"),
        tables.Field("low", w.say("trend.col.interval"), digits="fine", upper="high"),
        tables.Field("trend", w.say("trend.col.trend"), words=True),
    ]
    notes = [w.say("trend.note_change"), w.say("trend.note_trend", need=questions.TREND_NEEDS)]
    w.table(pd.DataFrame(rows), w.say("trend.moved"), columns, notes=notes)


def _directions(facts: Facts, tested: pd.DataFrame, w: Writer) -> list[str]:
    """Return a sentence on those that rise, those that fall, and how many show neither."""
    said = []
    for verdict in ("rising", "falling"):
        keys = tested.loc[tested["verdict"] == verdict, "key"]
        if len(keys):
            names = w.say("list").join(facts.item(key)[w.lang] for key in keys)
            said.append(w.say(f"trend.{verdict}", names=names))
    unclear = int(tested["verdict"].isin(["no clear trend", "cannot say"]).sum())
    if unclear:
        said.append(w.say("trend.unclear" if said else "trend.all_unclear", count=unclear))
    return [w.say("trend.tested", count=len(tested), need=questions.TREND_NEEDS), *said]


def _untested(facts: Facts, found: pd.DataFrame, w: Writer) -> str:
    few = found[found["n"] < questions.TREND_NEEDS]
    if few.empty:
        return ""
    names = w.say("list").join(facts.item(key)[w.lang] for key in few["key"])
    return w.say("trend.too_few", names=names, need=questions.TREND_NEEDS)


def _moved_row(facts: Facts, row: dict[Any, Any], w: Writer) -> dict[str, Any]:
    key = row["key"]
    current, moved = facts.current(key), facts.change(key)
    assert current is not None
    first = None if moved is None else moved.table.iloc[0]
    verdict = "unknown" if first is None else (first["verdict"] or "no_interval").replace(" ", "_")
    return {
        "name": _named(facts, key, current.unit, w),
        "change": math.nan if first is None else first["estimate"],
        "change_low": math.nan if first is None else first["conf_low"],
        "change_high": math.nan if first is None else first["conf_high"],
        "verdict": w.say(f"trend.verdict.{verdict}"),
        "span": f"{row['first']}—{row['last']}" if w.lang == "zh" else f"{row['first']}–{row['last']}",
        "n": float(row["n"]),
        "slope": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "trend": w.say(f"trend.verdict.{row['verdict'].replace(' ', '_')}"),
        "digits": current.digits,
        "fine": min(current.digits + 1, 2),
    }


def _named(facts: Facts, key: str, unit: str, w: Writer) -> str:
    """Return the name of an item, with its unit unless that is per cent or none."""
    name, shown = facts.item(key)[w.lang], unit_name(unit, w.lang)
    return name if shown in ("", "%") else w.say("trend.named", name=name, unit=shown)


def _rates_figure(facts: Facts, w: Writer, histories: dict[str, Estimate]) -> None:
    named = [history.replace(indicator=key) for key, history in histories.items()]
    labels = {key: facts.item(key)[w.lang] for key in histories}
    w.figure(charts.trend(named, labels=labels, lang=w.lang, height_mm=100), w.say("trend.rates"))
    w.gaps(*named)


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
            name = _named(facts, item["key"], history.unit, w)
            rows.append({"name": name} | digits | {y: values.get(y, float("nan")) for y in years})
    if not rows:
        return
    table = pd.DataFrame(rows)
    shown = [y for y in years if table[y].notna().any()]
    columns = [tables.Field("name", w.say("col.indicator"), words=True)]
    columns += [tables.Field(year, year, digits="digits") for year in shown]
    w.table(table, w.say("trend.table"), columns, notes=[w.say("trend.note_units")])


def _mix(facts: Facts, w: Writer) -> None:
    """Split the change of spot checks into what comes of the mix of sizes and what of their rates."""
    rates = questions.sizes(facts)
    if rates is None:
        return
    part(w, "trend.mix")
    table = questions.mix(rates)
    first = table.iloc[-1]
    words = {
        name: formats.change(
            first[name], digits=2, lang=w.lang, low=first[f"{name}_low"], high=first[f"{name}_high"]
        )
        for name in ("total", "mix", "rate")
    }
    span = [formats.period(first[end], lang=w.lang) for end in ("earlier", "later")]
    w.text(w.say("trend.mix_text", earlier=span[0], later=span[1], **words))
    table = table.assign(
        step=[
            w.say(
                "trend.mix_step", earlier=formats.period(a, lang=w.lang), later=formats.period(b, lang=w.lang)
            )
            for a, b in zip(table["earlier"], table["later"], strict=True)
        ]
    )
    columns = [tables.Field("step", w.say("trend.col.span"), words=True)]
    for name in ("total", "mix", "rate"):
        columns += [
            tables.Field(name, w.say(f"trend.col.{name}"), digits=2),
            tables.Field(f"{name}_low", w.say("trend.col.interval"), digits=2, upper=f"{name}_high"),
        ]
    w.table(
        table, w.say("trend.mix_table"), columns, unit=w.say("points_unit"), notes=[w.say("trend.note_mix")]
    )


def _ranks(facts: Facts, w: Writer) -> None:
    """Say where the region stands among those that published the same item."""
    found = questions.ranks(facts)
    if not found:
        return
    part(w, "trend.regions")
    for key, row in found:
        shown = {
            "name": facts.item(key)[w.lang],
            "count": int(row["of"]),
            "region": place_name(facts.focus, w.lang),
            "rank": int(row["rank"]),
            "leader": place_name(str(row["leader"]), w.lang),
        }
        said = [w.say("trend.rank", **shown)]
        if pd.isna(row["rank_low"]):
            said.append(w.say("trend.rank_unknown"))
        else:
            said.append(w.say("trend.rank_interval", low=int(row["rank_low"]), high=int(row["rank_high"])))
        if row["of"] >= 20:
            said.append(w.say("trend.position", position=position_name(row["position"], lang=w.lang)))
        w.text(*said)
    w.note(w.say("trend.note_rank"))


def _abroad(facts: Facts, w: Writer) -> None:
    part(w, "trend.abroad")
    if facts.region != "全国":
        w.text(w.say("trend.not_region"))
        return
    alerts = facts.history("rapex")
    if alerts is None:
        w.absent("rapex")
        return
    w.text(blocks.item_sentence(facts, "rapex", w.lang))
    drawn = charts.trend(
        alerts,
        labels={"event_rate": facts.item("rapex")[w.lang]},
        lang=w.lang,
    )
    w.figure(drawn, w.say("trend.abroad_figure"))
    w.note(w.say("trend.abroad_text"))
