"""Special report on one group of products, by region, size, channel and cause, on simulated inspections.

Records of inspections are not public. The records are those of :func:`qstats.simulate`, whose national
rate over all products is the published one; every other number is a hypothesis, and marked so.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from qstats.analysis.change import change
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.messages import say
from qstats.report import blocks, charts, formats, printed, tables
from qstats.report.blocks import Writer
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding
from qstats.report.names import place_name
from qstats.report.words import change_words
from qstats.simulation import simulate
from qstats.stats.difference import Measured, difference
from qstats.survey.design import Design

if TYPE_CHECKING:
    import pandas as pd

USED = {"inspection_pass_rate"}
KEYS = ("rpq",)
#: the division reported on: electrical machinery
GROUP: Final = "38"
SEED: Final = 1
#: the records of years before were drawn for other editions of the indicator
FIRST: Final = 2020
SIZES: Final = ("large", "medium", "small", "micro")
CHANNELS: Final = ("production", "sales", "online")
RECORDS: Final = 120_000
#: products that a region needs for its rate to be printed
LEAST: Final = 30
#: a cause that leads the others, in per cent of failures
LEADS: Final = 25
PLAN: Final = Design(weight="weight", strata="stratum", cluster="enterprise", singleton="average")


def years() -> list[int]:
    """Return the years with a published national rate, which the simulated records meet."""
    found = printed.figures("MQR", (("industry", "制造业"), ("region", "全国")))
    if found is None:
        return []
    return sorted({int(p) for p in found.table["period"] if p.isdigit() and int(p) >= FIRST})


def facts(year: int | None, editorial: str) -> Facts:
    """Return the facts of the newest year with a national rate, or of one asked for."""
    known = years()
    if year is not None and year not in known:
        raise DataError(say("special.no_year", year=year, years=", ".join(map(str, known))))
    return Facts.of(year or known[-1], editorial=editorial)


@cache
def _records(last: int) -> pd.DataFrame:
    records = simulate("inspections", year=[y for y in years() if y <= last], seed=SEED, size=RECORDS)
    return records[records["industry"] == GROUP].reset_index(drop=True)


@cache
def _rates(last: int, by: tuple[str, ...]) -> Estimate:
    return inspection_pass_rate(_records(last), by=["period", *by], design=PLAN)


def rate(facts: Facts, *by: str) -> Estimate:
    """Return pass rates of the year by some keys, from the simulated records."""
    found = facts.use(_rates(facts.year, by)).where(period=str(facts.year))
    return found.replace(found.table.drop(columns="period")) if by else found


def failed(facts: Facts) -> pd.DataFrame:
    """Return the failing records of the year by cause, the most first, with their share."""
    records = _records(facts.year)
    causes = records.loc[(records["period"] == str(facts.year)) & (records["passed"] == 0), "cause"]
    table = causes.value_counts().rename_axis("cause").rename("value").reset_index()
    table = table.sort_values(["value", "cause"], ascending=[False, True], ignore_index=True)
    return table.assign(share=100 * table["value"] / table["value"].sum())


def _name(w: Writer, kind: str, key: str) -> str:
    return w.say(f"{kind}.{key}")


def _percent(x: float, w: Writer) -> str:
    return formats.percent(x, digits=1, lang=w.lang)


def _whole(w: Writer) -> str:
    row = rate(w.facts).table.iloc[0]
    before = str(w.facts.year - 1)
    both = _rates(w.facts.year, ())
    words = w.say("no_year_before")
    if before in set(both.table["period"]):
        moved = change(both.where(period=[before, str(w.facts.year)]), on="year")
        words = w.say("on_year", change=change_words(rate(w.facts), moved, w.lang))
    return w.say(
        "whole",
        year=w.facts.year,
        n=formats.number(row["n"], digits=0, lang=w.lang),
        rate=_percent(row["estimate"], w),
        interval=formats.span(row["conf_low"], row["conf_high"], unit="%", digits=1, lang=w.lang),
        change=words,
    )


def _ends(w: Writer, key: str, kind: str) -> str:
    """Say which size or channel passes most and least often."""
    table = rate(w.facts, key).table.sort_values("estimate", ignore_index=True)
    low, high = table.iloc[0], table.iloc[-1]
    return w.say(
        f"{kind}_ends",
        best=_name(w, kind, high[key]),
        high=_percent(high["estimate"], w),
        worst=_name(w, kind, low[key]),
        low=_percent(low["estimate"], w),
    )


def _leading(w: Writer) -> str:
    table = failed(w.facts)
    first, second = table["cause"].head(2)
    return w.say(
        "leading",
        count=formats.number(table["value"].sum(), digits=0, lang=w.lang),
        first=_name(w, "cause", first),
        second=_name(w, "cause", second),
        share=_percent(float(table["share"].head(2).sum()), w),
    )


def said(w: Writer) -> list[str]:
    """Return the sentences of the summary: what is simulated, the rate, size, channel, cause."""
    return [
        w.say("simulated"),
        _whole(w),
        _ends(w, "size", "size"),
        _ends(w, "channel", "channel"),
        _leading(w),
    ]


def overview(w: Writer) -> None:
    """Write the rate of the group over the years, and what the records are."""
    w.text(_whole(w))
    history = w.facts.use(_rates(w.facts.year, ()))
    if len(history) > 1:
        span = formats.years(history.table["period"].iloc[0], history.table["period"].iloc[-1], lang=w.lang)
        names = {history.indicator: w.say("col.rate")}
        w.figure(charts.trend(history, labels=names, lang=w.lang), w.say("figure_years", span=span))
    w.text(blocks.item_sentence(w.facts, "rpq", w.lang))
    w.note(w.say("hypothesis", seed=SEED))


def parts(w: Writer) -> None:
    """Write regions, sizes and channels, and sizes within channels."""
    w.heading("by_region")
    _regions(w)
    w.heading("by_size")
    w.text(_ends(w, "size", "size"), _ends(w, "channel", "channel"))
    shown = [(kind, key, rate(w.facts, kind)) for kind, keys in _GROUPS for key in keys]
    rows = [
        found.table.set_index(kind).loc[key].to_dict()
        | {"of": w.say(f"col.{kind}"), "name": _name(w, kind, key)}
        for kind, key, found in shown
    ]
    import pandas as pd

    year = w.facts.year
    columns = [tables.Field("of", w.say("col.of"), words=True), tables.Field("name", w.say("col.group"))]
    w.table(
        pd.DataFrame(rows), w.say("table_groups", year=year), columns + _numbers(w), unit=w.say("units"),
        notes=[w.say("interval_note")], simulated=True,
    )  # fmt: skip
    labels = {key: _name(w, kind, key) for kind, keys in _GROUPS for key in keys}
    both = rate(w.facts, "size", "channel")
    order = both.table.assign(
        at=[SIZES.index(s) * 9 + CHANNELS.index(c) for s, c in both.table[["size", "channel"]].to_numpy()]
    ).sort_values("at")
    drawn = charts.heat(
        both.replace(order.drop(columns="at")), rows="size", columns="channel", labels=labels, lang=w.lang
    )
    w.figure(drawn, w.say("figure_both", year=year))


_GROUPS: Final = (("size", SIZES), ("channel", CHANNELS))


def _numbers(w: Writer) -> list[tables.Field]:
    return [
        tables.Field("estimate", w.say("col.rate"), digits=1),
        tables.Field("conf_low", w.say("col.interval"), digits=1, upper="conf_high"),
        tables.Field("n", w.say("col.n"), digits=0),
    ]


def _regions(w: Writer) -> None:
    every, total = rate(w.facts, "region"), float(rate(w.facts).table["estimate"].iloc[0])
    few = every.table["n"] < LEAST
    found = every.where(region=every.table.loc[~few, "region"].tolist())
    low = int((found.table["conf_high"] < total).sum())
    w.text(w.say("regions" if low else "regions_alike", count=len(found), low=low))
    if few.any():
        names = w.say("list").join(place_name(r, w.lang) for r in every.table.loc[few, "region"])
        w.note(w.say("few", least=LEAST, names=names))
    labels = {found.indicator: w.say("col.rate")}
    drawn = charts.ranked(found, reference=total, labels=labels, lang=w.lang)
    w.figure(drawn, w.say("figure_regions", year=w.facts.year))
    table = found.table.sort_values(["estimate", "region"], ascending=[False, True], ignore_index=True)
    table = table.assign(region=[place_name(r, w.lang) for r in table["region"]])
    columns = [tables.Field("region", w.say("col.region")), *_numbers(w)]
    w.table(
        table, w.say("table_regions", year=w.facts.year), columns, unit=w.say("units"),
        notes=[w.say("interval_note")], simulated=True,
    )  # fmt: skip


def causes(w: Writer) -> None:
    """Write what failing products failed for, and how that differs between channels."""
    import pandas as pd

    w.text(_leading(w))
    table = failed(w.facts)
    table = table.assign(name=[_name(w, "cause", key) for key in table["cause"]])
    unit = w.say("piece")
    w.figure(charts.pareto(table, unit=unit, simulated=True, lang=w.lang), w.say("pareto", year=w.facts.year))
    records = _records(w.facts.year)
    records = records[(records["period"] == str(w.facts.year)) & (records["passed"] == 0)]
    crossed = pd.crosstab(records["cause"], records["channel"], normalize="columns").mul(100)
    crossed = crossed.reindex(index=table["cause"], columns=list(CHANNELS)).fillna(0.0).reset_index()
    shown = table[["name", "value", "share"]].join(crossed[list(CHANNELS)])
    columns = [
        tables.Field("name", w.say("col.cause")),
        tables.Field("value", w.say("col.failed"), digits=0),
        tables.Field("share", w.say("col.share"), digits=1),
        *(tables.Field(key, _name(w, "channel", key), digits=1) for key in CHANNELS),
    ]
    caption = w.say("table_causes", year=w.facts.year)
    w.table(shown, caption, columns, unit=w.say("units"), notes=[w.say("causes_note")], simulated=True)


def _apart(facts: Facts, key: str, best: str, worst: str) -> bool:
    """Return whether one group passes clearly less often: the interval of the difference lies below 0."""
    found = rate(facts, key)
    at = [found.table[key].tolist().index(one) for one in (best, worst)]
    rows = found.table[["estimate", "conf_low", "conf_high", "std_error"]].to_numpy()
    high, low = (Measured(*rows[one]) for one in at)
    return bool(difference(high, low, covariance=found.covariance()[at[0], at[1]]).high < 0)


def small_below(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether small enterprises pass clearly less often than large ones."""
    yield from _below(facts, lang, "size", "large", "small")


def online_below(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether goods sold online pass clearly less often than those taken from makers."""
    yield from _below(facts, lang, "channel", "production", "online")


def _below(facts: Facts, lang: str | None, key: str, best: str, worst: str) -> Iterator[Finding]:
    if not _apart(facts, key, best, worst):
        return
    table = rate(facts, key).table.set_index(key)["estimate"]
    yield finding(
        f"simulated_{key}", worst, lang,
        low=formats.percent(table[worst], digits=1, lang=lang),
        high=formats.percent(table[best], digits=1, lang=lang),
    )  # fmt: skip


def cause_leads(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the cause that makes up most failures, from a quarter on."""
    top = failed(facts).iloc[0]
    if top["share"] >= LEADS:
        facts.use(rate(facts))
        yield finding(
            "simulated_cause", str(top["cause"]), lang,
            name=say(f"special.inspections.cause.{top['cause']}", lang),
            share=formats.percent(top["share"], digits=1, lang=lang),
        )  # fmt: skip


RULES = (small_below, online_below, cause_leads)
#: rules whose finding the summary says already
TOLD = ("simulated_cause",)
