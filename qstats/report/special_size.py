"""Special report on spot checks by size of enterprise: how much of a change is mix, and how much is rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from qstats.analysis.decompose import ALL, decompose
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.periods import sort_key
from qstats.report import charts, formats, printed, questions, tables
from qstats.report.blocks import Writer, item_sentence
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding, small_firms
from qstats.report.names import population_name
from qstats.report.words import unit_name

USED = {"inspection_pass_rate"}
KEYS = ("spot_check",)
SIZES = ("大型企业", "中型企业", "小型企业")
#: the change is split from here on: earlier checks were grouped otherwise
FIRST = 2015


def _series(series: str) -> pd.DataFrame:
    found = printed.figures(series, (("industry", SIZES), ("region", "全国")))
    if found is None:
        return pd.DataFrame(columns=list(SIZES))
    table = found.table[found.table["period"].str.fullmatch(r"\d{4}(H1)?")]
    return table.pivot_table(index="period", columns="industry", values="estimate").reindex(
        columns=list(SIZES)
    )


def rates() -> pd.DataFrame:
    """Return the fail rates of the three sizes by year or first half, where all three were published."""
    found = _series("NSS_fail_rate").combine_first(100 - _series("NSS_pass_rate")).dropna()
    return found.loc[sorted(found.index, key=sort_key), list(SIZES)]


def shares() -> pd.DataFrame:
    """Return the shares of the three sizes among the enterprises checked, in per cent."""
    found = _series("NSS_firm_share").dropna()
    return found.loc[sorted(found.index, key=sort_key)]


def ends(facts: Facts) -> list[str]:
    """Return the periods with rates and shares of all sizes, from 2015 to the year of the facts."""
    both = set(rates().index) & set(shares().index)
    return sorted((p for p in both if FIRST <= int(p[:4]) <= facts.year), key=sort_key)


def facts(year: int | None, editorial: str) -> Facts:
    """Return the facts of the newest year with rates and shares by size, or of one asked for."""
    whole = ends(Facts(9999, "全国"))
    years = [p for p in whole if len(p) == 4]
    if year is None:
        year = int(years[-1])
    if str(year) not in years:
        raise DataError(say("special.no_year", year=year, years=", ".join(years)))
    return Facts.of(year, editorial=editorial)


def estimate(facts: Facts) -> Estimate:
    """Return the fail rates by period and size as an Estimate: published, so without a known error."""
    table = rates().loc[ends(facts)].stack().rename("estimate").reset_index()
    table.columns = ["period", "industry", "estimate"]
    return facts.use(
        Estimate(
            table.assign(std_error=math.nan, conf_low=math.nan, conf_high=math.nan, n=math.nan),
            indicator="inspection_pass_rate",
            unit="%",
            method="published fail rates by size of enterprise",
            inference="none",
            digits=1,
            provenance=["published:supervision_sampling"],
        )
    )


class Effect(NamedTuple):
    """What something did to the fail rate, in points, with its 95% limits."""

    estimate: float
    low: float
    high: float


def split(facts: Facts, earlier: str, later: str) -> dict[str, Effect]:
    """Return the effects of a change: ``mix, rate, total``, and ``rate:SIZE``, ``mix:SIZE``.

    They are those of the annual report (:func:`qstats.report.questions.sizes`), of the fail rate.
    """
    passed = questions.sizes(facts)
    assert passed is not None
    made = decompose(passed, by="size", earlier=earlier, later=later)
    return {
        row["effect"] if row["size"] == ALL else f"{row['effect']}:{row['size']}": Effect(
            -row["estimate"], -row["conf_high"], -row["conf_low"]
        )
        for row in made.table.to_dict("records")
    }


def _points(x: Effect, w: Writer) -> str:
    return formats.change(x.estimate, low=x.low, high=x.high, digits=2, lang=w.lang)


def _split_text(w: Writer) -> str:
    first, last = ends(w.facts)[0], ends(w.facts)[-1]
    made = split(w.facts, first, last)
    return w.say(
        "split",
        first=formats.period(first, lang=w.lang),
        last=formats.period(last, lang=w.lang),
        total=_points(made["total"], w),
        mix=_points(made["mix"], w),
        rate=_points(made["rate"], w),
    )


def said(w: Writer) -> list[str]:
    """Return the sentences of the summary: the rate, the sizes, the split of the change."""
    return [item_sentence(w.facts, "spot_check", w.lang), _sizes_text(w), _split_text(w)]


def _sizes_text(w: Writer) -> str:
    now, share = rates().loc[w.facts.period], shares().loc[w.facts.period]
    values = {
        f"rate_{at}": formats.percent(now[name], digits=1, lang=w.lang) for at, name in enumerate(SIZES)
    }
    return w.say(
        "sizes", year=w.facts.year, share=formats.percent(share[SIZES[2]], digits=1, lang=w.lang), **values
    )


def overview(w: Writer) -> None:
    """Write the rate of the year, and the years."""
    w.text(item_sentence(w.facts, "spot_check", w.lang))
    history = w.facts.history("spot_check")
    if history is not None and len(history) > 1:
        name = w.facts.item("spot_check")[w.lang]
        span = formats.years(history.table["period"].iloc[0], history.table["period"].iloc[-1], lang=w.lang)
        drawn = charts.trend(history, labels={history.indicator: name}, lang=w.lang)
        w.figure(drawn, w.say("years", name=name, span=span))
        w.gaps(history)
    w.note(w.say("product.checks_note"))


def parts(w: Writer) -> None:
    """Write rates and shares of the three sizes over the years."""
    w.text(_sizes_text(w))
    table = rates()
    table = table[[int(p[:4]) <= w.facts.year for p in table.index]]
    annual = table[table.index.str.len() == 4].stack().rename("estimate").reset_index()
    annual.columns = ["period", "industry", "estimate"]
    lines = estimate(w.facts).replace(
        annual.assign(std_error=math.nan, conf_low=math.nan, conf_high=math.nan, n=math.nan)
    )
    labels = {name: population_name(name, w.lang) for name in SIZES}
    w.figure(charts.trend(lines, labels=labels, lang=w.lang), w.say("figure_sizes"))
    w.gaps(lines)
    both = table.join(shares().add_suffix("_share"))
    shown = both.reset_index().assign(period=[formats.period(p, lang=w.lang) for p in both.index])
    columns = [tables.Field("period", w.say("col.period"), words=True)]
    columns += [
        tables.Field(n, w.say("col.rate_of", name=w.say(f"short.{at}")), digits=1)
        for at, n in enumerate(SIZES)
    ]
    columns += [
        tables.Field(f"{n}_share", w.say("col.share_of", name=w.say(f"short.{at}")), digits=1)
        for at, n in enumerate(SIZES)
    ]
    w.table(shown, w.say("table_sizes"), columns, unit="%", notes=[w.say("note")])


def causes(w: Writer) -> None:
    """Write the split of every change into mix and rates, and draw that of the whole span."""
    w.text(_split_text(w))
    points = ends(w.facts)
    spans = list(dict.fromkeys([*pairwise(points), (points[0], points[-1])]))
    made = [split(w.facts, a, b) for a, b in spans]
    words = [_span(w, a, b) for a, b in spans]
    sizes = {f"rate:{n}": population_name(n, w.lang) for n in SIZES}
    effects = {name: w.say(f"col.{name}") for name in ("total", "mix", "rate")}
    _effects_table(w, words, made, effects, "table_split", [w.say("split_note"), _residual(w)])
    _effects_table(w, words, made, sizes, "table_rates", [])
    named = {"mix": w.say("col.mix")} | {k: w.say("col.rate_effect", name=n) for k, n in sizes.items()}
    bars = pd.DataFrame([{"name": said, "value": made[-1][name].estimate} for name, said in named.items()])
    first, last = (formats.period(p, lang=w.lang) for p in (points[0], points[-1]))
    drawn = charts.contributions(bars, total=float(bars["value"].sum()), lang=w.lang)
    w.figure(drawn, w.say("figure_split", first=first, last=last))


def _effects_table(
    w: Writer, spans: list[str], made: list[dict[str, Effect]], named: dict[str, str], key: str,
    notes: list[str],
) -> None:  # fmt: skip
    """Write effects, each with its interval, a row a span."""
    columns = [tables.Field("span", w.say("col.span"), words=True)]
    frame = pd.DataFrame({"span": spans})
    for name, said in named.items():
        for part in Effect._fields:
            frame[f"{name}.{part}"] = [getattr(one[name], part) for one in made]
        columns.append(tables.Field(f"{name}.estimate", said, digits=2))
        columns.append(tables.Field(f"{name}.low", w.say("col.interval"), digits=2, upper=f"{name}.high"))
    w.table(frame, w.say(key), columns, unit=unit_name("points", w.lang), notes=notes)


def _span(w: Writer, first: str, last: str) -> str:
    """Return two periods in words."""
    return w.say("span", **{k: formats.period(p, lang=w.lang) for k, p in (("first", first), ("last", last))})


def _residual(w: Writer) -> str:
    """Say how far the rates weighted by shares are from the published total."""
    gaps = []
    for period in ends(w.facts):
        found = printed.figures(
            "NSS_fail_rate", (("industry", "合计"), ("period", period), ("region", "全国"))
        )
        if found is not None and len(found) == 1:
            share = shares().loc[period]
            weighted = float((rates().loc[period] * share).sum() / share.sum())
            gaps.append(abs(weighted - float(found.table["estimate"].iloc[0])))
    return w.say("residual", gap=formats.number(max(gaps), digits=1, lang=w.lang)) if gaps else ""


def mix_leads(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether more than half of a clear rise of the fail rate is due to the mix of sizes."""
    points = ends(facts)
    made = split(facts, points[0], points[-1])
    total, mix = made["total"], made["mix"]
    if total.low > 0 and mix.low > 0 and mix.estimate / total.estimate > 0.5:
        yield finding(
            "by_size", "NSS_firm_share", lang,
            first=formats.period(points[0], lang=lang),
            total=formats.number(total.estimate, digits=2, lang=lang),
            mix=formats.number(mix.estimate, digits=2, lang=lang),
        )  # fmt: skip


def small_rises(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether the fail rate of small enterprises rose while that of large ones fell."""
    points = ends(facts)
    early, late = rates().loc[points[0]], rates().loc[points[-1]]
    if late[SIZES[2]] > early[SIZES[2]] and late[SIZES[0]] < early[SIZES[0]]:
        shown = {
            f"{name}_{when}": formats.percent(row[size], digits=1, lang=lang)
            for name, size in (("small", SIZES[2]), ("large", SIZES[0]))
            for when, row in (("before", early), ("now", late))
        }
        yield finding("apart", "NSS_fail_rate", lang, first=formats.period(points[0], lang=lang), **shown)


RULES = (mix_leads, small_rises, small_firms)
#: rules whose finding the summary says already
TOLD = ("by_size",)
