"""The kinds of report: for each its notebook, its facts, its parameters, and what its page is called.

A new kind is a module of sections, a notebook, its messages, and a row of :data:`KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from qstats.errors import DataError
from qstats.messages import Lang, catalogue, say
from qstats.report import formats, qci, qci_panel, quarterly, region, special
from qstats.report.facts import Facts
from qstats.report.names import place_name
from qstats.report.sections_quality import provinces

Asked = Mapping[str, Any]
Settled = tuple[tuple[str, Any], ...]


class Recipe(NamedTuple):
    """How a kind of report is made.

    Attributes
    ----------
    notebook : str
        Name of its file.
    facts : callable
        (parameters, cells) → the facts of the page; parameters that are absent or None take their default.
    settled : callable
        (facts, parameters) → its parameters, none of them None, in the order of the notebook.
    headings : callable
        (parameters, language) → title, subtitle and compiling note of the page.
    takes : tuple of str
        What may be asked beside year, region and words of an editor: ``cells, quarter, topic, highlight``.
    """

    notebook: str
    facts: Callable[[Asked, Mapping[str, str]], Facts]
    settled: Callable[[Facts, Asked], Settled]
    headings: Callable[[Asked, Lang], tuple[str, str, str]]
    takes: tuple[str, ...] = ()


def _year_region(facts: Facts, asked: Asked) -> Settled:
    settled = (("year", facts.year), ("region", facts.region))
    return (*settled, ("highlight", facts.highlight)) if facts.highlight else settled


def _with_figures(facts: Facts, asked: Asked) -> Settled:
    """Refuse a year in which nothing is known: its page would be empty."""
    years = set(replace(facts, year=9999).years())
    if facts.region in provinces():
        years.update(qci_panel.PANEL)
    if facts.year not in years:
        said = ", ".join(map(str, sorted(years)))
        raise DataError(say("report.no_year", region=facts.region, year=facts.year, years=said))
    return _year_region(facts, asked)


def _said(kind: str, asked: Asked, period: str, lang: Lang) -> tuple[str, str, str]:
    shown = formats.period(period, lang=lang)
    subtitle = say(f"{kind}.subtitle", lang, region=place_name(asked["region"], lang), period=shown)
    return say(f"{kind}.title", lang), subtitle, say(f"{kind}.note", lang)


def _headed(kind: str) -> Callable[[Asked, Lang], tuple[str, str, str]]:
    return lambda asked, lang: _said(kind, asked, str(asked["year"]), lang)


def _words(asked: Asked) -> str:
    return str(asked.get("editorial") or "")


def _marked(asked: Asked) -> str:
    return str(asked.get("highlight") or "")


def _annual(asked: Asked, cells: Mapping[str, str]) -> Facts:
    given = {"editorial": _words(asked), "highlight": _marked(asked)}
    return Facts.of(asked.get("year"), asked["region"], cells=cells, **given)


def _quarterly(asked: Asked, cells: Mapping[str, str]) -> Facts:
    place = Facts.of(0, asked["region"]).region
    year, part = quarterly.newest(place, year=asked.get("year"), part=asked.get("quarter"))
    return Facts.of(year, place, part=part, editorial=_words(asked))


def _quarter(facts: Facts, asked: Asked) -> Settled:
    return (("year", facts.year), ("quarter", facts.part), ("region", facts.region))


def _quarter_headed(asked: Asked, lang: Lang) -> tuple[str, str, str]:
    return _said("quarterly", asked, f"{asked['year']}{asked['quarter']}", lang)


def _qci(asked: Asked, cells: Mapping[str, str]) -> Facts:
    if Facts.of(0, asked["region"]).region != "全国":
        raise DataError(say("report.nation_only", kind="qci", region=asked["region"]))
    year = qci.newest(year=asked.get("year"))
    return Facts.of(year, editorial=_words(asked), highlight=_marked(asked))


def _special(asked: Asked, cells: Mapping[str, str]) -> Facts:
    topic: Any = asked.get("topic") or "food"
    year = asked.get("year")
    return special.facts(topic, year=year, region=asked["region"], editorial=_words(asked))


def _topic(facts: Facts, asked: Asked) -> Settled:
    return (("topic", asked.get("topic") or "food"), *_year_region(facts, asked))


def _special_headed(asked: Asked, lang: Lang) -> tuple[str, str, str]:
    period = formats.period(special.facts(asked["topic"], year=asked["year"]).period, lang=lang)
    topic = say(f"special.topic.{asked['topic']}", lang)
    subtitle = say("special.subtitle", lang, topic=topic, period=period)
    own = f"special.{asked['topic']}.compiled"
    return say("special.title", lang), subtitle, say(own if own in catalogue() else "special.note", lang)


def _region(asked: Asked, cells: Mapping[str, str]) -> Facts:
    return region.facts(asked.get("year"), asked["region"], editorial=_words(asked))


KINDS: Final[dict[str, Recipe]] = {
    "annual": Recipe(
        "annual_report.ipynb", _annual, _with_figures, _headed("annual"), ("cells", "highlight")
    ),
    "quarterly": Recipe("quarterly_bulletin.ipynb", _quarterly, _quarter, _quarter_headed, ("quarter",)),
    "qci": Recipe("qci_bulletin.ipynb", _qci, _with_figures, _headed("qci"), ("highlight",)),
    "special": Recipe("special_topic.ipynb", _special, _topic, _special_headed, ("topic",)),
    "region": Recipe("region_profile.ipynb", _region, _with_figures, _headed("region")),
}
