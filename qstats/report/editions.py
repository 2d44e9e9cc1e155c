"""Editions: which pages a command asks for, each with its kind, parameters and language.

A kind of report is one `Recipe` of `KINDS`: its notebook, how its parameters are settled, and what
its page is called. Everything that builds, keeps, compares or rebuilds pages goes through this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats import classifications
from qstats.errors import DataError, OptionError, one_of
from qstats.files import safe_name
from qstats.messages import Lang, language, say
from qstats.report import formats, microdata
from qstats.report.facts import Facts, place_name

if TYPE_CHECKING:
    from pathlib import Path

#: stands for the 31 provincial units where a region is asked for
ALL: Final = ("all", "全部")
#: what a page can be written as
FORMATS: Final = ("html", "pdf", "xlsx", "csv", "sdmx")


@dataclass(frozen=True)
class Edition:
    """One page to be: a kind, its parameters in the order of the notebook, a language.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    parameters : tuple of (str, value)
        Beside the language and the cells: ``(("year", 2023), ("region", "安徽"))``.
    lang : {"zh", "en"}
    cells : tuple of (str, str)
        Items from micro-data, each with the bare name of its file.

    Examples
    --------
    >>> Edition("annual", (("year", 2023), ("region", "安徽")), "zh").name
    'annual-2023-安徽.zh'
    """

    kind: str
    parameters: tuple[tuple[str, Any], ...]
    lang: Lang
    cells: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of its files, without the ending."""
        words = [self.kind, *(str(value) for _, value in self.parameters)]
        return f"{safe_name('-'.join(words))}.{self.lang}"

    @property
    def injected(self) -> dict[str, Any]:
        """What the notebook is given."""
        return {**dict(self.parameters), "lang": self.lang, "cells": dict(self.cells)}

    def facts(self) -> Facts:
        """Return the facts that the page rests on."""
        return KINDS[self.kind].facts(dict(self.parameters), dict(self.cells))


class Recipe(NamedTuple):
    """How a kind of report is made.

    Attributes
    ----------
    notebook : str
        Name of its file.
    facts : callable
        (parameters, cells) → the facts of the page; parameters that are None take their default.
    settled : callable
        Facts → its parameters, none of them None, in the order of the notebook.
    headings : callable
        (parameters, language) → title, subtitle and compiling note of the page.
    """

    notebook: str
    facts: Callable[[Mapping[str, Any], Mapping[str, str]], Facts]
    settled: Callable[[Facts], tuple[tuple[str, Any], ...]]
    headings: Callable[[Mapping[str, Any], Lang], tuple[str, str, str]]


def _annual_facts(asked: Mapping[str, Any], cells: Mapping[str, str]) -> Facts:
    return Facts.of(asked["year"], asked["region"], cells=cells)


def _annual_settled(facts: Facts) -> tuple[tuple[str, Any], ...]:
    return (("year", facts.year), ("region", facts.region))


def _annual_headings(parameters: Mapping[str, Any], lang: Lang) -> tuple[str, str, str]:
    place = place_name(parameters["region"], lang)
    period = formats.period(str(parameters["year"]), lang=lang)
    subtitle = say("annual.subtitle", lang, region=place, period=period)
    return say("annual.title", lang), subtitle, say("annual.note", lang)


KINDS: Final[dict[str, Recipe]] = {
    "annual": Recipe("annual_report.ipynb", _annual_facts, _annual_settled, _annual_headings),
}


class Asked(NamedTuple):
    """The editions that a command asks for, and the regions that can have none, each with the reason."""

    editions: tuple[Edition, ...]
    impossible: tuple[tuple[str, Exception], ...]


def regions_of(region: str | Sequence[str], /) -> list[str]:
    """Return short names of regions, in the order given, each once; ``all`` is the 31 provincial units.

    Raises
    ------
    DataError
        A region is unknown; the nearest is named.

    Examples
    --------
    >>> regions_of("全国,安徽省"), len(regions_of("all"))
    (['全国', '安徽'], 31)
    """
    found: list[str] = []
    for word in words_of(region):
        if word.casefold() in ALL:
            table = classifications.regions()
            found += table.loc[table["level"] == "province", "name"].tolist()
            continue
        name = classifications.region_name(word)
        if name is None:
            near = classifications.nearest_region(word) or "全国"
            raise DataError(say("annual.unknown_region", region=word, near=near))
        found.append(name)
    if not found:
        raise OptionError(say("publish.no_region"))
    return list(dict.fromkeys(found))


def words_of(given: str | Iterable[str], /) -> list[str]:
    """Return the parts of texts that commas divide, full-width ones too."""
    texts = [given] if isinstance(given, str) else list(given)
    parts = [part.strip() for text in texts for part in text.replace("\uff0c", ",").split(",")]
    return [part for part in parts if part]


def editions(
    kind: str,
    /,
    *,
    year: int | None = None,
    region: str | Sequence[str] = "全国",
    lang: str | Sequence[str] = "zh",
    cells: Mapping[str, Path | str] | None = None,
) -> Asked:
    """Return the editions of a kind: of every region and, within it, every language.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    year : int, optional
        By default, for each region, the newest year that has data.
    region : str or sequence of str
        Names or codes, divided by commas, or ``all``.
    lang : {"zh", "en"}, or several
    cells : mapping of item → path, optional
        Items from micro-data. Their folders are remembered, and the editions know the bare names.

    Raises
    ------
    OptionError, DataError
        An unknown kind, region, language, item or file of cells.
    """
    one_of("kind", kind, list(KINDS))
    languages = list(dict.fromkeys(language(one) for one in words_of(lang)))
    names = regions_of(region)
    given = {key: microdata.shown(path) for key, path in (cells or {}).items()}
    if given:  # what is wrong with the cells is wrong for every region
        KINDS[kind].facts({"year": year if year is not None else 9999, "region": names[0]}, given)
    made: list[Edition] = []
    impossible: list[tuple[str, Exception]] = []
    for name in names:
        try:
            facts = KINDS[kind].facts({"year": year, "region": name}, given)
        except DataError as error:
            impossible.append((name, error))
            continue
        settled = KINDS[kind].settled(facts)
        made += [Edition(kind, settled, one, facts.cells) for one in languages]
    return Asked(tuple(made), tuple(impossible))
