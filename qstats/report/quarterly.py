"""The sections of the quarterly bulletin: figures of a quarter or half, with 环比 and 同比.

What is published quarter by quarter is little: food sampling, spot checks of some halves, farm products,
a few scores and alerts abroad. What is not is said to be missing; nothing is divided up or filled in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from qstats import periods
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.report import blocks, charts, findings, formats, tables
from qstats.report.blocks import Writer, writer
from qstats.report.classes import food_classes
from qstats.report.facts import Facts
from qstats.report.findings import Finding, finding
from qstats.report.names import population_name
from qstats.report.page import Section
from qstats.report.sections_outlook import write_appendix, write_causes
from qstats.report.words import change_words, unit_name

#: in the order of the bulletin
SECTIONS = ("summary", "indicators", "food", "checks", "others", "signals", "problems", "appendix")
PARTS = ("Q1", "Q2", "Q3", "Q4", "H1", "H2")
_BOOK = "quarterly"
_SIZES = ("大型企业", "中型企业", "小型企业")


def newest(region: str = "全国", *, year: int | None = None, part: str | None = None) -> tuple[int, str]:
    """Return year and part of the newest quarter or half that has a figure, among those asked for.

    Raises
    ------
    DataError
        There is none.
    """
    found = set()
    for one in [part] if part else PARTS:
        one_of("quarter", one, PARTS)
        facts = Facts(9999 if year is None else year, region, part=one)
        for key in facts.items()["key"]:
            history = facts.history(key)
            found |= set() if history is None else {p for p in history.table["period"] if p[4:] == one}
    wanted = [p for p in found if year is None or p.startswith(str(year))]
    if not wanted:
        raise DataError(say("quarterly.no_figure", region=region))
    last = max(wanted, key=lambda p: (p[:4], periods.sort_key(p)[2] * (3 if p[4] == "Q" else 6), p[4]))
    return int(last[:4]), last[4:]


def _writer(facts: Facts, key: str, place: int | str, lang: str | None) -> Writer:
    return writer(facts, key, place, lang, _BOOK)


def present(facts: Facts) -> list[str]:
    """Return the keys of the items that have a figure for the period, the headline ones first."""
    items = facts.items().assign(order=lambda t: t["headline"].astype(int).replace(0, 99))
    keys = items.sort_values("order", kind="stable")["key"]
    return [key for key in keys if facts.current(key) is not None]


def sentence(facts: Facts, key: str, lang: str | None) -> str:
    """Return one sentence on an item: value, interval, change on the period and on the year before."""
    current = facts.current(key)
    if current is None:
        return facts.reason(key, lang)
    said = blocks.item_stated(facts, key, current, lang)
    words = {on: change_words(current, facts.change(key, on=on), lang) for on in ("previous", "year")}
    for on in ("previous", "year"):
        if words[on]:
            said += say(f"quarterly.change.{on}", lang, change=words[on])
    if not any(words.values()):
        said += say("quarterly.change.none", lang)
    return said + say("annual.stop", lang)


def summary(facts: Facts, /, *, lang: str | None = None) -> Section:
    """要点: at most six sentences, on the figures that were published and what they signal."""
    w = _writer(facts, "summary", 0, lang)
    keys = present(facts)
    said = [sentence(facts, key, w.lang) for key in keys[:4]]
    said += [
        one.problem
        for one in findings.found(facts, w.lang, rules=RULES)
        if one.key.partition(".")[0] not in keys[:4]
    ]
    if not said:
        said = [w.say("none", period=formats.period(facts.period, lang=w.lang))]
    w.points(said[:6])
    return w.section()


def indicators(facts: Facts, /, *, lang: str | None = None) -> Section:
    """一、主要指标: cards and one table, with the change on the period and on the year before."""
    w = _writer(facts, "indicators", 1, lang)
    keys = present(facts)
    if not keys:
        w.text(w.say("none", period=formats.period(facts.period, lang=w.lang)))
        return w.section()
    w.blocks.append(tables.cards([_card(facts, key, w) for key in keys[:6]], lang=w.lang))
    table = pd.DataFrame([_row(facts, key, w) for key in keys])
    columns = [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("unit", w.say("col.unit"), words=True),
        tables.Field("value", w.say("col.value"), digits="digits"),
        tables.Field("low", w.say("col.interval"), digits="digits", upper="high"),
        tables.Field("previous", w.say("col.previous"), digits="digits"),
        tables.Field("year", w.say("col.on_year"), digits="digits"),
        tables.Field("clear", w.say("col.clear"), words=True),
        tables.Field("population", w.say("col.population"), words=True),
    ]
    notes = [w.say(f"note.{kind}") for kind in ("counts", "change")]
    w.table(table, w.say("indicators.caption"), columns, notes=notes)
    w.note(w.say("yearly"))
    return w.section()


def _row(facts: Facts, key: str, w: Writer) -> dict[str, object]:
    current, item = facts.current(key), facts.item(key)
    assert current is not None
    row = current.table.iloc[0]
    changes = {on: facts.change(key, on=on) for on in ("previous", "year")}
    differences = {
        on: math.nan if c is None else float(c.table["estimate"].iloc[0]) for on, c in changes.items()
    }
    words = {on: change_words(current, c, w.lang) for on, c in changes.items()}
    return {
        "name": item[w.lang],
        "unit": unit_name(current.unit, w.lang),
        "value": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        **differences,
        "digits": current.digits,
        "clear": w.say("semicolon").join(w.say(f"on.{on}", change=text) for on, text in words.items() if text)
        or w.say("on.none"),
        "population": item[f"population_{w.lang}"],
    }


def _card(facts: Facts, key: str, w: Writer) -> tables.Card:
    current = facts.current(key)
    assert current is not None
    row, on = current.table.iloc[0], "previous"
    change = facts.change(key, on="previous")
    if change is None:
        on, change = "year", facts.change(key)
    words = change_words(current, change, w.lang)
    limits = [math.nan] * 3 if change is None else change.table[["estimate", "conf_low", "conf_high"]].iloc[0]
    x, low, high = (None if math.isnan(v) else float(v) for v in limits)
    return tables.Card(
        label=facts.item(key)[w.lang],
        value=formats.number(float(row["estimate"]), digits=current.digits, lang=w.lang),
        unit=unit_name(current.unit, w.lang),
        change=w.say(f"on.{on}", change=words) if words else "",
        direction=formats.direction(x, digits=current.digits, low=low, high=high),
        interval=""
        if math.isnan(row["conf_low"])
        else formats.span(
            row["conf_low"],
            row["conf_high"],
            unit=unit_name(current.unit, w.lang),
            digits=current.digits,
            lang=w.lang,
        ),
        level=current.level,
    )


def food(facts: Facts, /, *, lang: str | None = None) -> Section:
    """二、食品安全监督抽检: the rate, its course by quarter or half, and its classes."""
    w = _writer(facts, "food", 2, lang)
    w.text(sentence(facts, "food", w.lang))
    current = facts.current("food")
    if current is None:
        return w.section()
    n = float(current.table["n"].iloc[0])
    if not math.isnan(n):
        failed = round(n * (1 - current.value() / 100))
        shown = {name: formats.number(x, digits=0, lang=w.lang) for name, x in (("n", n), ("failed", failed))}
        w.text(w.say("product.checks_text", **shown))
    _course(facts, w, "food")
    _food_classes(facts, w)
    return w.section()


def _course(facts: Facts, w: Writer, key: str) -> None:
    """Draw an item over quarters or halves, gaps left open."""
    history = facts.history(key)
    if history is None or len(history) < 2:
        return
    name = facts.item(key)[w.lang]
    unit = unit_name(history.unit, w.lang)
    drawn = charts.trend(history.replace(unit=unit), labels={history.indicator: name}, lang=w.lang)
    w.figure(drawn, w.say("course", name=name, kind=w.say(f"kind.{facts.part[:1]}")))
    w.gaps(history, key="gaps")


def _food_classes(facts: Facts, w: Writer) -> None:
    found = food_classes(facts)
    if found is None:
        w.text(w.say("food.no_classes", period=formats.period(facts.period, lang=w.lang)))
        return
    table = found.table
    table["industry"] = [population_name(name, w.lang) for name in table["industry"]]
    columns = [
        tables.Field("industry", w.say("col.class")),
        tables.Field("estimate", w.say("col.fail_rate"), digits=2),
    ]
    if table["n"].notna().any():
        columns += [
            tables.Field("conf_low", w.say("col.interval"), digits=2, upper="conf_high"),
            tables.Field("n", w.say("col.n"), digits=0),
        ]
    period = formats.period(facts.period, lang=w.lang)
    w.table(table, w.say("food.classes", period=period), columns, unit="%", notes=[w.say("food.note")])


def checks(facts: Facts, /, *, lang: str | None = None) -> Section:
    """三、产品质量监督抽查: the rate of the quarter or half, and by size of enterprise."""
    w = _writer(facts, "checks", 3, lang)
    key = "spot_check" if facts.region == "全国" else "provincial_spot_check"
    if facts.current(key) is not None:
        w.text(sentence(facts, key, w.lang))
        _course(facts, w, key)
    else:
        w.text(_last_known(facts, w, key))
    sizes = _by_size(facts)
    if sizes is not None:
        sizes["size"] = [population_name(name, w.lang) for name in sizes["industry"]]
        columns = [
            tables.Field("size", w.say("col.class"), words=True),
            tables.Field("estimate", w.say("col.rate"), digits=1),
        ]
        w.table(sizes, w.say("checks.sizes"), columns, unit="%", notes=[w.say("product.checks_note")])
    return w.section()


def _last_known(facts: Facts, w: Writer, key: str) -> str:
    """Say that an item was not published for the period, and when last for any quarter or half."""
    alike = [replace(facts, part=part).history(key) for part in ("Q4", "H2")]
    known = [blocks.latest(history) for history in alike if history is not None]
    if not known:
        return facts.reason(key, w.lang)
    last = formats.period(max(known, key=periods.sort_key), lang=w.lang)
    now = formats.period(facts.period, lang=w.lang)
    return w.say("none_now", name=facts.item(key)[w.lang], period=now, last=last)


def _by_size(facts: Facts) -> pd.DataFrame | None:
    """Return the pass rates of large, medium and small enterprises, where all three were published."""
    found = facts.figures("NSS_pass_rate", industry=list(_SIZES)) if facts.region == "全国" else None
    if found is None or set(found.table["industry"]) != set(_SIZES):
        return None
    return found.table.set_index("industry").loc[list(_SIZES)].reset_index()


def others(facts: Facts, /, *, lang: str | None = None) -> Section:
    """四、农产品、出口与服务: every other item published for the period."""
    w = _writer(facts, "others", 4, lang)
    told = {"food", "spot_check", "provincial_spot_check", *facts.items("risk")["key"]}
    keys = [key for key in present(facts) if key not in told]
    for key in keys:
        w.text(sentence(facts, key, w.lang))
    for key in keys[:2]:
        _course(facts, w, key)
    if not keys:
        w.text(w.say("others.none", period=formats.period(facts.period, lang=w.lang)))
    if any(key.startswith("agri") for key in keys):
        w.note(w.say("others.baskets"))
    return w.section()


def alerts(facts: Facts) -> Estimate | None:
    """Return EU alerts by quarter up to the period: as published, else the sum of three published months."""
    from qstats.datasets import published

    printed = facts.history("rapex") if facts.region == "全国" and facts.part.startswith("Q") else None
    if facts.region != "全国" or not facts.part.startswith("Q"):
        return None
    months = facts.use(published("RAPEX_notifications_monthly", conflict="all")).table
    months["period"] = [f"{p[:4]}Q{(int(p[5:]) + 2) // 3}" for p in months["period"]]
    sums = months.groupby("period")["estimate"].agg(["sum", "size"]).query("size == 3")["sum"]
    known = (
        {} if printed is None else dict(zip(printed.table["period"], printed.table["estimate"], strict=True))
    )
    values = sums.to_dict() | known
    last = periods.sort_key(facts.period)
    kept = sorted((p for p in values if periods.sort_key(p) <= last), key=periods.sort_key)
    if not kept:
        return None
    table = pd.DataFrame({"period": kept, "estimate": [values[p] for p in kept]})
    return Estimate(
        table.assign(std_error=math.nan, conf_low=math.nan, conf_high=math.nan, n=math.nan),
        indicator="event_rate",
        unit="notifications",
        method="published counts, sums of three months where no quarter was published",
        inference="none",
        digits=0,
        provenance=["published:trade_and_alerts"],
    )


def signals(facts: Facts, /, *, lang: str | None = None) -> Section:
    """五、预警信号: changes for the worse, the causes of failing food, alerts abroad."""
    w = _writer(facts, "signals", 5, lang)
    fallen = [one.problem for one in falls(facts, w.lang)]
    for text in fallen:
        w.text(text)
    caused = write_causes(w)
    abroad = alerts(facts)
    if abroad is not None and facts.period in set(abroad.table["period"]):
        _abroad(facts, w, abroad)
    elif not caused and not fallen:
        w.text(w.say("signals.none", period=formats.period(facts.period, lang=w.lang)))
    w.note(w.say("risk.note"))
    return w.section()


def _abroad(facts: Facts, w: Writer, abroad: Estimate) -> None:
    now = abroad.value(period=facts.period)
    before = dict(zip(abroad.table["period"], abroad.table["estimate"], strict=True)).get(
        str(periods.year_before(facts.period))
    )
    name, unit = facts.item("rapex")[w.lang], unit_name("notifications", w.lang)
    shown = [formats.with_unit(x, unit, digits=0, lang=w.lang) for x in (now, before)]
    if before is None:
        w.text(w.say("risk.signal_unknown", name=name, now=shown[0]))
    else:
        ratio = formats.percent(100 * (now / before - 1), digits=1, lang=w.lang)
        kind = "signal_up" if now > before else "signal_down"
        w.text(w.say(f"risk.{kind}", name=name, before=shown[1], now=shown[0], change=ratio))
    if len(abroad) > 1:
        drawn = charts.trend(abroad.replace(unit=unit), labels={"event_rate": name}, lang=w.lang)
        w.figure(drawn, w.say("course", name=name, kind=w.say("kind.Q")))


def falls(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find items that got worse on the period or on the year: clearly, or as printed without an error."""
    for key in present(facts):
        current, item = facts.current(key), facts.item(key)
        if current is None or item["section"] == "risk":
            continue
        for on in ("previous", "year"):
            change = facts.change(key, on=on)
            if change is None:
                continue
            row = change.table.iloc[0]
            if row["estimate"] * int(item["direction"]) < 0 and row["clear"] is not False:
                words = change_words(current, change, lang)
                if words != say("format.flat", lang):
                    moved = say(f"quarterly.on.{on}", lang, change=words)
                    yield finding("moved", f"{key}.{on}", lang, name=item[language(lang)], change=moved)


RULES = (falls, findings.small_firms, findings.leading_cause)


def problems(facts: Facts, /, *, lang: str | None = None) -> Section:
    """六、问题与建议: what the rules find."""
    w = _writer(facts, "problems", 6, lang)
    findings.write(w, findings.found(facts, w.lang, rules=RULES))
    return w.section()


def appendix(facts: Facts, /, *, lang: str | None = None) -> Section:
    """附录: definitions of the indicators on the page, and the sources of its figures."""
    w = _writer(facts, "appendix", "", lang)
    write_appendix(w, {str(facts.item(key)["function"]) for key in present(facts)}, scored=False)
    return w.section()
