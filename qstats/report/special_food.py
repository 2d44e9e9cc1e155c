"""Special report on food: the classes of one half or quarter of supervisory sampling."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.periods import sort_key
from qstats.report import charts, formats, printed, questions, tables
from qstats.report.blocks import Writer
from qstats.report.classes import food_classes
from qstats.report.facts import Facts
from qstats.report.findings import MUCH, Finding, finding
from qstats.report.names import population_name
from qstats.report.quarterly import sentence
from qstats.report.sections_outlook import write_causes
from qstats.report.words import unit_name

USED = {"inspection_pass_rate"}
KEYS = ("food",)
#: a period tells of classes when it has at least so many
LEAST = 10
#: what is in no class cannot be acted upon
_OTHER = "其他"


def periods() -> list[str]:
    """Return the periods with figures of many classes of food, in order of time."""
    found = printed.in_unit("food_batches_sampled", (("region", "全国"),), "批次")
    if found is None:
        return []
    sizes = found.table[found.table["industry"] != "合计"].groupby("period").size()
    return sorted(sizes.index[sizes >= LEAST], key=sort_key)


def facts(year: int | None, editorial: str) -> Facts:
    """Return the facts of the newest period, or of that in a year."""
    known = periods()
    wanted = [p for p in known if year is None or p.startswith(str(year))]
    if not wanted:
        raise DataError(say("special.no_year", year=year, years=", ".join(known)))
    return Facts.of(int(wanted[-1][:4]), part=wanted[-1][4:], editorial=editorial)


def _classes(facts: Facts) -> Estimate:
    found = food_classes(facts)
    assert found is not None  # facts() chose a period that has them
    return facts.use(found)


def _total(facts: Facts) -> float:
    current = facts.current("food")
    return math.nan if current is None else 100 - current.value()


def said(w: Writer) -> list[str]:
    """Return the sentences of the summary: the whole, the classes that fail most, those that weigh most."""
    return [sentence(w.facts, "food", w.lang), _highest(w), _heaviest(w)]


def _highest(w: Writer) -> str:
    table = _classes(w.facts).table
    named = table["industry"] != _OTHER
    top = table[named].iloc[0]
    return w.say(
        "highest" if named.all() else "highest_named",
        count=int(named.sum()),
        name=population_name(top["industry"], w.lang),
        rate=formats.percent(top["estimate"], digits=2, lang=w.lang),
        total=formats.percent(_total(w.facts), digits=2, lang=w.lang),
    )


def _failed(facts: Facts) -> pd.DataFrame:
    """Return the failing batches by class, the most first, with their share of all failing."""
    table = _classes(facts).table.dropna(subset="failed")
    table = table.sort_values(["failed", "industry"], ascending=[False, True], ignore_index=True)
    return table.assign(share=100 * table["failed"] / table["failed"].sum())


def _heaviest(w: Writer) -> str:
    table = _failed(w.facts)
    few = table.head(2)
    names = [population_name(name, w.lang) for name in few["industry"]]
    share = formats.percent(float(few["share"].sum()), digits=1, lang=w.lang)
    return w.say("heaviest", first=names[0], second=names[1], share=share)


def overview(w: Writer) -> None:
    """Write the whole: rate, counts, what the samples stand for."""
    w.text(sentence(w.facts, "food", w.lang))
    current = w.facts.current("food")
    if current is not None and not math.isnan(float(current.table["n"].iloc[0])):
        n = float(current.table["n"].iloc[0])
        shown = {"n": n, "failed": round(n * (1 - current.value() / 100))}
        w.text(
            w.say(
                "product.checks_text",
                **{k: formats.number(x, digits=0, lang=w.lang) for k, x in shown.items()},
            )
        )
    w.text(_highest(w), _heaviest(w))
    w.note(w.say("index.population", population=w.facts.item("food")[f"population_{w.lang}"]) + w.say("stop"))


def parts(w: Writer) -> None:
    """Write the classes: dots with intervals beside the whole, and the table."""
    found = _classes(w.facts)
    labels = {name: population_name(name, w.lang) for name in found.table["industry"]}
    labels["inspection_pass_rate"] = w.say("col.food_fail_rate")
    drawn = charts.ranked(
        found.replace(found.table[["industry", "estimate", "std_error", "conf_low", "conf_high", "n"]]),
        reference=_total(w.facts),
        reference_label=w.say("whole"),
        direction=1,
        labels=labels,
        lang=w.lang,
    )
    period = formats.period(w.facts.period, lang=w.lang)
    w.figure(drawn, w.say("figure_classes", period=period))
    _funnel(w, labels)
    table = found.table.assign(industry=[labels[name] for name in found.table["industry"]])
    columns = [
        tables.Field("industry", w.say("col.class")),
        tables.Field("estimate", w.say("col.food_fail_rate"), digits=2),
        tables.Field("conf_low", w.say("col.interval"), digits=2, upper="conf_high"),
        tables.Field("n", w.say("col.n"), digits=0),
        tables.Field("failed", w.say("col.failed"), digits=0),
    ]
    w.table(table, w.say("table_classes", period=period), columns, unit=w.say("units"), notes=[w.say("note")])


def _funnel(w: Writer, labels: dict[str, str]) -> None:
    """Draw the classes on a funnel: how far they lie from what classes of their size usually do."""
    found = questions.food_funnel(w.facts)
    if found is None:
        return
    table = found.table
    outside = [
        w.say(f"funnel_{kind}" if count else f"funnel_no_{kind}", count=count)
        for kind in ("worse", "better")
        for count in [int((table["position"] == kind).sum())]
    ]
    w.text(w.say("funnel_text", count=len(table), outside=w.say("clauses").join(outside)))
    names = labels | {"inspection_pass_rate": w.facts.item("food")[w.lang]}
    drawn = charts.funnel(found.where(period=w.facts.period), labels=names, digits=2, lang=w.lang)
    w.figure(drawn, w.say("figure_funnel", period=formats.period(w.facts.period, lang=w.lang)))


def causes(w: Writer) -> None:
    """Write which classes make up the failing batches, and the causes where they were published."""
    table = _failed(w.facts)
    table = table.assign(
        name=[population_name(name, w.lang) for name in table["industry"]], value=table["failed"]
    )
    w.text(_heaviest(w))
    unit = unit_name("批次", w.lang)
    w.figure(charts.pareto(table, most=8, unit=unit, lang=w.lang), w.say("pareto"))
    if not write_causes(w):
        w.text(w.say("no_causes", period=formats.period(w.facts.period, lang=w.lang)))


def much_above(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the classes that fail clearly at least twice as often as the whole."""
    table, total = _classes(facts).table, _total(facts)
    high = table[(table["conf_low"] >= MUCH * total) & (table["industry"] != _OTHER)]
    for row in high.to_dict("records"):
        yield finding(
            "above", row["industry"], lang,
            name=population_name(row["industry"], lang),
            rate=formats.percent(row["estimate"], digits=2, lang=lang),
            total=formats.percent(total, digits=2, lang=lang),
            ratio=formats.number(row["estimate"] / total, digits=1, lang=lang),
        )  # fmt: skip


def weighs_most(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the class that makes up most failing batches, from 30 % on."""
    top = _failed(facts).iloc[0]
    if top["share"] >= 30:
        yield finding(
            "bulk", top["industry"], lang,
            name=population_name(top["industry"], lang),
            share=formats.percent(top["share"], digits=1, lang=lang),
            rate=formats.percent(top["estimate"], digits=2, lang=lang),
        )  # fmt: skip


RULES = (much_above, weighs_most)
#: rules whose finding the summary says already
TOLD = ("above", "bulk")
