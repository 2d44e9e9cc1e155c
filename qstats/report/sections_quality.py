"""Sections on products, exports, works, services and losses."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from qstats.classifications import regions
from qstats.estimate import Estimate
from qstats.indicators.grade_rate import grade_rate
from qstats.messages import say
from qstats.report import charts, formats, microdata, tables
from qstats.report.blocks import Writer, item_sentence, writer
from qstats.report.facts import Facts
from qstats.report.names import place_name, population_name
from qstats.report.page import Section

#: how the classes of spot checks are named by their sources
_SIZES = ("大型企业", "中型企业", "小型企业")
_CHANNELS = "生产领域|流通领域|电商|网"


def provinces() -> list[str]:
    """Return the names of the 31 provinces that have statistics here."""
    table = regions()
    mainland = (table["level"] == "province") & table["area"].notna() & (table["area"] != "")
    return list(table.loc[mainland, "name"])


def products(facts: Facts, /, *, lang: str | None = None) -> Section:
    """二、产品质量: the pass rate by region and industry, spot checks, grades, food, drugs, farm products.

    Examples
    --------
    >>> products(Facts.of(2023), lang="zh").title
    '二、产品质量'
    """
    w = writer(facts, "product", 2, lang)
    w.heading("product.rpq")
    w.told("rpq")
    _rpq_parts(facts, w)
    w.heading("product.checks")
    key = "spot_check" if facts.region == "全国" else "provincial_spot_check"
    _checks(facts, w, key)
    w.heading("product.grades")
    _grades(facts, w)
    w.heading("product.food")
    known = set(facts.items("product")["key"])
    w.told(*(item for item in ("food", "agri", "drug", "device") if item in known))
    _food_classes(facts, w)
    return w.section()


def _rpq_parts(facts: Facts, w: Writer) -> None:
    """Give the rate by region and industry where it was published, else say that it was not."""
    if facts.region == "全国":
        found = facts.figures("MQR", region=provinces(), industry="制造业")
        if found is not None and len(found) == len(provinces()):
            w.figure(charts.ranked(found, lang=w.lang), w.say("product.rpq_region", year=w.facts.year))
        elif found is not None:
            _few_regions(w, found)
        else:
            w.text(w.say("none_region", year=facts.year))
    risen = facts.figures("MQR_industries_up", industry="制造业")
    if risen is not None:
        w.text(w.say("product.industries_up", count=f"{risen.value():.0f}"))
    rows = [
        {
            "industry": population_name(row["industry"], w.lang),
            "size": w.say("product.at_least", size=f"{row['estimate']:g}"),
            "by": -row["estimate"],
        }
        for series in ("MQR_change_gt3pp", "MQR_change_gt1pp")
        if (found := facts.figures(series)) is not None
        for _, row in found.table.iterrows()
    ]
    if not rows:
        w.text(w.say("none_industry_at_all", year=facts.year))
        return
    w.text(w.say("none_industry", year=facts.year))
    columns = [
        tables.Field("industry", w.say("col.industry")),
        tables.Field("size", w.say("col.size"), words=True, align="right"),
    ]
    caption = w.say("product.rpq_industry", year=facts.year)
    w.table(pd.DataFrame(rows).sort_values(["by", "industry"]), caption, columns)


def _few_regions(w: Writer, found: Estimate) -> None:
    """List the regions that published a figure, in the order of the codes: too few to rank."""
    order = {name: i for i, name in enumerate(provinces())}
    table = found.table.sort_values("region", key=lambda r: r.map(order))
    table["place"] = [place_name(region, w.lang) for region in table["region"]]
    table["status"] = ["e" if d == "yes" else "" for d in table["derived"]]
    columns = [
        tables.Field("place", w.say("col.region")),
        tables.Field("estimate", w.say("col.rate"), digits=found.digits, status="status"),
    ]
    note = w.say("product.few", count=len(table))
    w.table(table, w.say("product.rpq_region", year=w.facts.year), columns, unit="%", notes=[note])


def _checks(facts: Facts, w: Writer, key: str) -> None:
    current = facts.current(key)
    if current is None:
        w.absent(key)
        return
    row = current.table.iloc[0]
    if pd.notna(row["n"]):
        failed = round(float(row["n"]) * (1 - row["estimate"] / 100))
        w.text(
            item_sentence(facts, key, w.lang),
            w.say(
                "product.checks_text",
                n=formats.number(float(row["n"]), digits=0, lang=w.lang),
                failed=formats.number(failed, digits=0, lang=w.lang),
            ),
        )
    else:
        w.text(item_sentence(facts, key, w.lang))
    if key == "spot_check":
        _check_classes(facts, w)


def _check_classes(facts: Facts, w: Writer) -> None:
    found = facts.figures("NSS_fail_rate")
    if found is None:
        return
    table = found.table[found.table["industry"] != "合计"]
    if table.empty:
        return
    kinds = {True: "size", False: "product"}
    kind = table["industry"].isin(_SIZES).map(kinds)
    kind = kind.mask(table["industry"].str.contains(_CHANNELS), "channel")
    table = table.assign(
        kind=[w.say(f"product.by_{k}") for k in kind],
        order=kind.map({"size": 0, "channel": 1, "product": 2}),
        industry=[population_name(name, w.lang) for name in table["industry"]],
        status=["e" if d == "yes" else "" for d in table["derived"]],
    ).sort_values(["order", "estimate", "industry"], ascending=[True, False, True])
    columns = [
        tables.Field("industry", w.say("col.class")),
        tables.Field("kind", w.say("col.grouping"), words=True),
        tables.Field("estimate", w.say("col.fail_rate"), digits=1, status="status"),
    ]
    caption = w.say("product.checks_table", year=facts.year)
    w.table(table, caption, columns, unit="%", notes=[w.say("product.checks_note")])


def grades(facts: Facts, region: str | list[str]) -> pd.DataFrame | None:
    """Return the published shares of the three grades by region, complete rows only."""
    shares: dict[str, Any] = {}
    for name, series in (("superior", "excellent"), ("first", "first"), ("qualified", "qualified")):
        found = facts.figures(f"grade_{series}_rate", region=region)
        if found is None:
            return None
        shares[name] = found.table.set_index("region")["estimate"]
    return pd.DataFrame(shares).dropna()


def grade_records(shares: pd.DataFrame, /) -> pd.DataFrame:
    """Return the shares of :func:`grades` as records of the grade rate, over 100.

    Printed shares that add up to a little more than 100 are over their own sum: which of the three is
    too large is not known.
    """
    output = shares.sum(axis=1).clip(lower=100.0)
    return shares.assign(output=output, provenance="published:grade_and_loss_by_province").reset_index()


def _grades(facts: Facts, w: Writer) -> None:
    """Give the shares of the three grades and the grade rate over total output."""
    wanted = [facts.region] if facts.region != "全国" else ["全国", *provinces()]
    shares = grades(facts, wanted)
    if shares is None or shares.empty:
        w.text(_no_grades(facts, w))
        return
    records = grade_records(shares)
    rate = grade_rate(records, by="region", denominator="total")
    table = records.merge(rate.table[["region", "estimate"]], on="region").sort_values(
        "estimate", ascending=False
    )
    table["place"] = [place_name(region, w.lang) for region in table["region"]]
    columns = [tables.Field("place", w.say("col.region"))]
    columns += [tables.Field(n, w.say(f"product.{n}"), digits=2) for n in ("superior", "first", "qualified")]
    columns.append(tables.Field("estimate", w.say("product.grade_rate"), digits=2))
    caption = w.say("product.grades_table", year=facts.year)
    strong = facts.place(w.lang) if facts.region in set(table["region"]) else ""
    w.table(table, caption, columns, unit="%", highlight=strong)


def _no_grades(facts: Facts, w: Writer) -> str:
    name = w.say("product.grade_rate")
    years = [y for y in ("1998", "2003", "2007") if int(y) < facts.year]
    past = [y for y in years if facts.figures("grade_first_rate", period=y) is not None]
    if not past:
        now = formats.period(facts.period, lang=w.lang)
        return w.say("none_ever", name=name, region=facts.place(w.lang), period=now)
    now, last = (formats.period(p, lang=w.lang) for p in (facts.period, past[-1]))
    return w.say("none_now", name=name, period=now, last=last)


def _food_classes(facts: Facts, w: Writer) -> None:
    """Give the fail rates by class of food of the year, or of its longest published part."""
    found = facts.figures("food_fail_rate", period=None)
    if found is None:
        return
    table = found.table[
        found.table["period"].str.match(rf"{facts.year}(?:$|H|Q)") & (found.table["industry"] != "合计")
    ]
    if table.empty:
        return
    period = max(table["period"].unique(), key=lambda p: (len(p) == 4, "H" in p, p))
    table = table[table["period"] == period].sort_values(["estimate", "industry"], ascending=[False, True])
    table = table.assign(industry=[population_name(name, w.lang) for name in table["industry"]])
    columns = [
        tables.Field("industry", w.say("col.class")),
        tables.Field("estimate", w.say("col.food_fail_rate"), digits=2),
    ]
    caption = w.say("product.food_classes") + f" ({formats.period(period, lang=w.lang)})"
    w.table(
        table, re.sub(r" \((.*)\)$", r"（\1）", caption) if w.lang == "zh" else caption, columns, unit="%"
    )


def exports(facts: Facts, /, *, lang: str | None = None) -> Section:
    """三、出口商品质量: pass rates by batches and by value; the basis is always said.

    Examples
    --------
    >>> exports(Facts.of(2023), lang="zh").title
    '三、出口商品质量'
    """
    w = writer(facts, "export", 3, lang)
    w.told(*facts.items("export")["key"])
    return w.section()


def engineering(facts: Facts, /, *, lang: str | None = None) -> Section:
    """四、工程质量: works appraised fine, and passed at first acceptance.

    Examples
    --------
    >>> engineering(Facts.of(2023), lang="zh").title
    '四、工程质量'
    """
    w = writer(facts, "engineering", 4, lang)
    fine = facts.current("fine_projects")
    if fine is not None and pd.notna(fine.table["n"].iloc[0]):
        row = fine.table.iloc[0]
        count = round(float(row["n"]) * row["estimate"] / 100)
        w.text(
            w.say(
                "engineering.text",
                n=formats.number(float(row["n"]), digits=0, lang=w.lang),
                fine=formats.number(count, digits=0, lang=w.lang),
            )
        )
    w.told(*facts.items("engineering")["key"])
    return w.section()


def services(facts: Facts, /, *, lang: str | None = None) -> Section:
    """五、服务质量与顾客满意度: every satisfaction score of the year, each against its own past.

    Examples
    --------
    >>> services(Facts.of(2023), lang="zh").title
    '五、服务质量与顾客满意度'
    """
    w = writer(facts, "service", 5, lang)
    items = facts.items("service")
    keys = [key for key in items["key"] if facts.current(key) is not None]
    for key in items.loc[items["headline"].astype(int) > 0, "key"]:
        if key in keys:
            w.text(item_sentence(facts, key, w.lang))
    if keys:
        scores = _scores(facts, w, keys)
        notes = [w.say("service.note"), *([] if scores["sure"].all() else [w.say("service.change_note")])]
        notes += [_surveyed(facts, w, key) for key in keys if key in dict(facts.cells)]
        w.table(scores, w.say("service.table", year=facts.year), _score_columns(w, scores), notes=notes)
    w.absent(*[key for key in items["key"] if key not in keys and int(facts.item(key)["headline"])])
    return w.section()


def _surveyed(facts: Facts, w: Writer, key: str) -> str:
    """Say on how many questionnaires an item from micro-data rests, or nothing where it does not."""
    current = facts.current(key)
    if current is None or not any(mark.startswith(microdata.MARKS) for mark in current.provenance):
        return ""
    n = float(current.table["n"].iloc[0])
    if pd.isna(n) or pd.isna(current.table["std_error"].iloc[0]):
        return ""
    asked = formats.number(n, digits=0, lang=w.lang)
    return w.say("service.surveyed", name=facts.item(key)[w.lang], n=asked)


def _score_columns(w: Writer, scores: pd.DataFrame) -> list[tables.Field]:
    """Return the columns; intervals only where one is known."""
    interval = [tables.Field("low", w.say("col.interval"), digits="digits", upper="high")]
    return [
        tables.Field("name", w.say("col.indicator"), words=True),
        tables.Field("value", w.say("col.value"), digits="digits"),
        *(interval if scores["low"].notna().any() else []),
        tables.Field("before", w.say("col.before"), digits="digits"),
        tables.Field("change", w.say("col.change"), digits="digits"),
        tables.Field("population", w.say("col.population"), words=True),
    ]


def _scores(facts: Facts, w: Writer, keys: list[str]) -> pd.DataFrame:
    rows = []
    for key in keys:
        current, change, item = facts.current(key), facts.change(key), facts.item(key)
        assert current is not None
        difference = float("nan") if change is None else float(change.table["estimate"].iloc[0])
        rows.append(
            {
                "name": item[w.lang],
                "value": current.value(),
                "low": current.table["conf_low"].iloc[0],
                "high": current.table["conf_high"].iloc[0],
                "sure": change is not None and pd.notna(change.table["std_error"].iloc[0]),
                "before": current.value() - difference,
                "change": difference,
                "digits": current.digits,
                "population": item[f"population_{w.lang}"],
            }
        )
    return pd.DataFrame(rows)


def loss(facts: Facts, /, *, lang: str | None = None) -> Section:
    """六、质量损失: the loss rate, and by region where it was published.

    Examples
    --------
    >>> loss(Facts.of(2023), lang="zh").title
    '六、质量损失'
    """
    w = writer(facts, "loss", 6, lang)
    w.told("loss")
    if facts.current("loss") is not None and facts.region == "全国":
        found = facts.figures("quality_loss_rate", region=provinces())
        if found is not None:
            caption = w.say("loss.region", year=facts.year)
            w.figure(_ranked(found, facts, w), caption)
    return w.section()


def _ranked(found: Estimate, facts: Facts, w: Writer) -> Any:
    national = facts.current("loss")
    assert national is not None
    label = (
        say("annual.index.national_line", w.lang) if facts.region != "全国" else place_name("全国", w.lang)
    )
    return charts.ranked(
        found,
        reference=national.value(),
        reference_label=label,
        highlight=facts.set_off(found.table["region"]),
        direction=-1,
        lang=w.lang,
    )
