"""Problems and recommendations, found in the numbers by rules.

A rule looks at the facts and returns a finding or nothing. Each finding is tied to the numbers that
raised it, by the item or series it names. A rule that no published figure raises says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.report import blocks, formats, questions
from qstats.report.facts import Facts
from qstats.report.names import population_name
from qstats.report.words import change_words, unit_name

#: a class fails "much more often" than another from this ratio on
MUCH: Final = 2.0
#: an increase of a count that is a signal, in per cent
INCREASE: Final = 20.0
#: the share of a fall that makes it one of the mix
MIX: Final = 0.5
#: a cause of failure that leads the others, in per cent of failures
LEADING: Final = 30.0


class Finding(NamedTuple):
    """A problem, the recommendation that goes with it, the item or series that raised it, and the rule."""

    key: str
    problem: str
    advice: str
    rule: str = ""


Rule = Callable[[Facts, str | None], Iterator[Finding]]


def found(facts: Facts, lang: str | None = None, /, *, rules: Sequence[Rule] = ()) -> list[Finding]:
    """Return what every rule finds, in the order of the rules; by default those of the annual report."""
    return [one for rule in rules or RULES for one in rule(facts, lang)]


def write(w: blocks.Writer, findings: Sequence[Finding], /) -> None:
    """Write findings as a numbered list of problem and recommendation, or that there are none."""
    if not findings:
        w.text(w.say("problems.none"))
        return
    w.note(w.say("problems.rule"))
    heads = [(part, w.say(f"problems.{part}")) for part in ("problem", "advice")]
    w.numbered(
        (f"{f.rule}.{f.key}", [(part, head, getattr(f, part)) for part, head in heads]) for f in findings
    )


def finding(rule: str, key: str, lang: str | None, /, **values: object) -> Finding:
    """Return a finding in the words of the catalogue: ``annual.problem.RULE`` and ``annual.advice.RULE``."""
    return Finding(
        key, say(f"annual.problem.{rule}", lang, **values), say(f"annual.advice.{rule}", lang), rule
    )


def _percent(x: float, lang: str | None) -> str:
    return formats.percent(x, digits=1, lang=lang)


def small_firms(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether small enterprises fail spot checks at least twice as often as large ones."""
    rates = facts.figures("NSS_fail_rate", industry=["大型企业", "小型企业"])
    if rates is None or len(rates) < 2:
        return
    small, large = (rates.value(industry=name) for name in ("小型企业", "大型企业"))
    if large > 0 and small / large >= MUCH:
        ratio = formats.number(small / large, digits=1, lang=lang)
        yield finding(
            "small",
            "NSS_fail_rate",
            lang,
            small=_percent(small, lang),
            large=_percent(large, lang),
            ratio=ratio,
        )


def online_sales(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether products sold online fail at least twice as often as those from manufacturers."""
    rates = facts.figures("NSS_fail_rate", industry=["流通领域(电商)", "生产领域"])
    if rates is None or len(rates) < 2:
        return
    online, factory = (rates.value(industry=name) for name in ("流通领域(电商)", "生产领域"))
    if factory > 0 and online / factory >= MUCH:
        yield finding(
            "online", "NSS_fail_rate", lang, online=_percent(online, lang), factory=_percent(factory, lang)
        )


def clear_falls(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find headline indicators that got worse: clearly so, or by a figure printed without its error."""
    for _, item in facts.items(headline=True).iterrows():
        current, change = facts.current(item["key"]), facts.change(item["key"])
        if current is None or change is None or item["section"] == "risk":
            continue
        row = change.table.iloc[0]
        worse = row["estimate"] * int(item["direction"]) < 0
        if worse and row["clear"] is not False and bool(row["direction"] != "flat"):
            words = change_words(current, change, lang)
            yield finding("drop", item["key"], lang, name=item[language(lang)], change=words)


def short_of_target(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the targets that apply and are not met."""
    for row in facts.targets().to_dict("records"):
        if row["status"] not in ("near", "not met"):
            continue
        current = facts.current(row["item"])
        assert current is not None
        unit = "" if current.unit == "index" else unit_name(current.unit, lang)
        points = say("format.points", lang) if current.unit == "%" else unit
        gap = formats.number(abs(row["gap"]), digits=current.digits, lang=lang)
        yield finding(
            "target",
            row["item"],
            lang,
            name=facts.item(row["item"])[language(lang)],
            value=blocks.value(current, lang),
            year=row["by_year"],
            target=formats.with_unit(row["target"], unit, digits=current.digits, lang=lang),
            gap=gap + points,
        )


def changing_mix(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether a clear fall of the spot checks comes, by half or more, of the sizes checked."""
    rates = questions.sizes(facts)
    if rates is None:
        return
    last = questions.mix(rates).iloc[-1]
    if last["total_high"] < 0 and last["mix_high"] < 0 and last["mix"] / last["total"] >= MIX:
        ends = {end: formats.period(last[end], lang=lang) for end in ("earlier", "later")}
        points = {
            part: formats.number(abs(last[part]), digits=2, lang=lang) + say("format.points", lang)
            for part in ("total", "mix")
        }
        yield finding("size_mix", "NSS_firm_share", lang, **ends, **points)


def classes_of_food(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find the classes of food that fail clearly more often than classes usually differ."""
    classes = questions.food_funnel(facts)
    if classes is None:
        return
    worse = classes.table.query("position == 'worse'").sort_values("z")
    if len(worse):
        names = say("annual.list", lang).join(population_name(name, lang) for name in worse["class"])
        period = formats.period(worse["period"].iloc[0], lang=lang)
        yield finding("classes", "food_batches_failed", lang, names=names, period=period)


def leading_cause(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find out whether one cause leads among the failing food samples."""
    causes = food_causes(facts)
    if causes is None:
        return
    top = causes.table.sort_values("estimate", ascending=False).iloc[0]
    if top["estimate"] >= LEADING:
        yield finding(
            "cause",
            "food_nonconformity_share",
            lang,
            cause=population_name(top["industry"], lang),
            share=_percent(top["estimate"], lang),
        )


def more_alerts(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find counts of alerts that rose by a fifth or more."""
    for key in facts.items("risk")["key"]:
        current, change = facts.current(key), facts.change(key)
        if current is None or change is None:
            continue
        before = float(change.table["earlier"].iloc[0])
        if before > 0 and 100 * (current.value() / before - 1) >= INCREASE:
            shown = [
                formats.with_unit(x, unit_name(current.unit, lang), digits=0, lang=lang)
                for x in (before, current.value())
            ]
            yield finding(
                "alerts",
                key,
                lang,
                name=facts.item(key)[language(lang)],
                before=shown[0],
                now=shown[1],
            )


def gaps(facts: Facts, lang: str | None, /) -> Iterator[Finding]:
    """Find headline indicators without a figure for the year."""
    lacking = [i for _, i in facts.items(headline=True).iterrows() if facts.current(i["key"]) is None]
    if lacking:
        names = say("annual.list", lang).join(item[language(lang)] for item in lacking)
        yield finding("gaps", "report_items", lang, count=len(lacking), names=names)


def food_causes(facts: Facts, /) -> Estimate | None:
    """Return the causes of failing food samples, of the longest part of the year that has them all."""
    whole = facts.figures("food_nonconformity_share", period=None)
    if whole is None:
        return None
    table = whole.table
    wanted = rf"{facts.period}$" if facts.part else rf"{facts.year}(?:$|H|Q)"
    table = table[table["period"].str.match(wanted)]
    full = [p for p, rows in table.groupby("period") if 95 <= rows["estimate"].sum() <= 101]
    if not full:
        return None
    period = max(full, key=lambda p: (len(p) == 4, p.endswith("-Q3"), "H" in p, p))
    return whole.where(period=period)


RULES: Final[tuple[Rule, ...]] = (
    clear_falls,
    short_of_target,
    small_firms,
    online_sales,
    changing_mix,
    classes_of_food,
    leading_cause,
    more_alerts,
    gaps,
)
