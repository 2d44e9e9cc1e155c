"""Special report on EU alerts of dangerous products: years, products, origin, and months under watch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pandas as pd

from qstats.analysis.monitor import Monitored, monitor
from qstats.datasets import published
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import charts, formats, printed, tables
from qstats.report.blocks import Writer, item_sentence
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding, more_alerts
from qstats.report.names import population_name
from qstats.report.words import unit_name

USED = {"event_rate"}
KEYS = ("rapex",)
#: the months that say what is normal; the rest of those published is watched
BASELINE = "2013M12"
_MONTHS = ("2011M01", "2015M12")


def facts(year: int | None, editorial: str) -> Facts:
    """Return the facts of the newest year with alerts, or of one asked for."""
    history = Facts(9999, "全国").history("rapex")
    years = [] if history is None else history.table["period"].tolist()
    if year is None:
        year = max(map(int, years))
    if str(year) not in years:
        raise DataError(say("special.no_year", year=year, years=", ".join(years)))
    return Facts.of(year, editorial=editorial)


@cache
def months() -> Estimate:
    """Return the alerts of every month from 2011 to 2015."""
    found = published("RAPEX_notifications_monthly", conflict="all")
    kept = [p for p in found.table["period"] if _MONTHS[0] <= p <= _MONTHS[1]]
    table = found.where(period=kept).table.drop(columns=["region", "industry", "source"])
    return found.replace(table.sort_values("period", ignore_index=True))


@cache
def watched(lang: str | None = None) -> Monitored:
    """Return what control charts find in the months after the baseline."""
    return monitor(months(), baseline=BASELINE, kind="c", direction=-1, source="overseas", lang=lang)


def said(w: Writer) -> list[str]:
    """Return the sentences of the summary: the year, the origin, the months that signalled."""
    return [item_sentence(w.facts, "rapex", w.lang), *filter(None, (_origin_text(w), _signal_text(w)))]


def overview(w: Writer) -> None:
    """Write the alerts of the year, and the years."""
    w.text(item_sentence(w.facts, "rapex", w.lang))
    history = w.facts.history("rapex")
    if history is not None and len(history) > 1:
        name = w.facts.item("rapex")[w.lang]
        span = formats.years(history.table["period"].iloc[0], history.table["period"].iloc[-1], lang=w.lang)
        unit = unit_name(history.unit, w.lang)
        drawn = charts.trend(history.replace(unit=unit), labels={"event_rate": name}, lang=w.lang)
        w.figure(drawn, w.say("years", name=name, span=span))
        w.gaps(history)
    w.note(w.say("trend.abroad_text"))


def _categories(year: int) -> pd.DataFrame:
    """Return alerts by product group of the newest year up to one that they were published for."""
    found = printed.figures("RAPEX_notifications_category", (("region", "EU"),))
    if found is None:
        return pd.DataFrame()
    table = found.table[found.table["period"].str.fullmatch(r"\d{4}")]
    table = table[table["period"].astype(int) <= year]
    return table[table["period"] == table["period"].max()] if len(table) else table


def _origin(year: int) -> pd.DataFrame:
    found = printed.figures("RAPEX_share_china", (("region", "EU"),))
    table = pd.DataFrame() if found is None else found.table
    if len(table):
        table = table[table["period"].str.fullmatch(r"\d{4}")]
        table = table[table["period"].astype(int) <= year].sort_values("period", ignore_index=True)
    return table


def _origin_text(w: Writer) -> str:
    table = _origin(w.facts.year)
    if table.empty:
        return ""
    last = table.iloc[-1]
    share = formats.percent(last["estimate"], digits=0, lang=w.lang)
    scope = population_name(last["industry"], w.lang)
    return w.say("origin", year=last["period"], share=share, scope=scope)


def parts(w: Writer) -> None:
    """Write the product groups and the share of Chinese origin."""
    table = _categories(w.facts.year)
    if len(table):
        year = str(table["period"].iloc[0])
        counts = Estimate(
            table[["industry", "estimate", "std_error", "conf_low", "conf_high", "n"]].reset_index(drop=True),
            indicator="event_rate",
            unit=unit_name("notifications", w.lang),
            method="published counts",
            inference="none",
            digits=0,
            provenance=["published:trade_and_alerts"],
        )
        labels = {name: population_name(name, w.lang) for name in table["industry"]}
        labels["event_rate"] = w.facts.item("rapex")[w.lang]
        w.figure(charts.bars(counts, labels=labels, lang=w.lang), w.say("groups", year=year))
        w.note(w.say("groups_note"))
    origin = _origin(w.facts.year)
    if len(origin):
        w.text(_origin_text(w))
        shown = origin.assign(scope=[population_name(name, w.lang) for name in origin["industry"]])
        columns = [
            tables.Field("period", w.say("col.period"), words=True),
            tables.Field("estimate", w.say("col.share"), digits=0),
            tables.Field("scope", w.say("col.scope"), words=True),
        ]
        w.table(shown, w.say("table_origin"), columns, unit="%", notes=[w.say("origin_note")])


def _signal_text(w: Writer) -> str:
    signals = watched(w.lang).signals
    first = None if signals.empty else signals.iloc[0]
    if first is None:
        return w.say("no_signal", first=_month(BASELINE, w), last=_month(_MONTHS[1], w))
    return w.say(
        "signal",
        period=_month(str(first["period"]), w),
        value=formats.number(first["value"], digits=0, lang=w.lang),
        centre=formats.number(first["centre"], digits=0, lang=w.lang),
        high=formats.number(_high(w), digits=0, lang=w.lang),
    )


def _month(period: str, w: Writer) -> str:
    return formats.period(period, lang=w.lang)


def _high(w: Writer) -> float:
    return float(watched(w.lang).points["high"].iloc[-1])


def causes(w: Writer) -> None:
    """Write the months under watch: control limits from the first three years, signals after them."""
    w.facts.use(months())
    found = watched(w.lang)
    w.text(_signal_text(w))
    name = w.facts.item("rapex")[w.lang]
    drawn = charts.control(found, title=name, unit="notifications", digits=0, lang=w.lang)
    w.figure(drawn, w.say("control"))
    w.note(*found.notes)
    if len(found.signals):
        shown = found.signals.assign(
            month=[_month(str(p), w) for p in found.signals["period"]],
            grade=[w.say(f"risk.grade.{grade or 'none'}") for grade in found.signals["grade"]],
            way=[w.say(f"way.{d}") for d in found.signals["direction"]],
            charts=[
                w.say("list").join(w.say(f"chart.{c}") for c in cell.split("+"))
                for cell in found.signals["charts"]
            ],
        )
        columns = [
            tables.Field("month", w.say("col.period"), words=True),
            tables.Field("value", w.say("col.alerts"), digits=0),
            tables.Field("centre", w.say("col.centre"), digits=0),
            tables.Field("way", w.say("col.way"), words=True),
            tables.Field("grade", w.say("col.grade"), words=True),
            tables.Field("charts", w.say("col.charts"), words=True),
        ]
        w.table(shown, w.say("table_signals"), columns, notes=[w.say("signals_note")])


def signalled(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the months whose alerts signal for the worse."""
    signals = watched(lang).signals
    for row in signals[signals["direction"] == "worse"].head(1).to_dict("records"):
        yield finding(
            "signalled", "RAPEX_notifications_monthly", lang,
            period=formats.period(str(row["period"]), lang=lang),
            value=formats.number(row["value"], digits=0, lang=lang),
            centre=formats.number(row["centre"], digits=0, lang=lang),
        )  # fmt: skip


def leading_group(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the product group with most alerts of the newest year that has them."""
    table = _categories(facts.year)
    if len(table):
        top = table.sort_values("estimate", ascending=False).iloc[0]
        yield finding(
            "group", "RAPEX_notifications_category", lang,
            year=top["period"], name=population_name(top["industry"], lang),
            count=formats.number(top["estimate"], digits=0, lang=lang),
        )  # fmt: skip


RULES = (more_alerts, leading_group, signalled)
#: rules whose finding the summary says already
TOLD = ("alerts", "signalled")
