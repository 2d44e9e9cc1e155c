"""Editions: which pages a command asks for, each with its kind, parameters and language.

A kind of report is one row of :data:`qstats.report.kinds.KINDS`. Everything that builds, keeps, compares or
rebuilds pages goes through that table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats import classifications
from qstats.errors import DataError, OptionError, one_of
from qstats.files import safe_name
from qstats.messages import Lang, language, say
from qstats.report import editorial as words
from qstats.report import microdata
from qstats.report.facts import Facts
from qstats.report.kinds import KINDS

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
        words = [self.kind, *(str(value) for key, value in self.parameters if key != "editorial")]
        return f"{safe_name('-'.join(words))}.{self.lang}"

    @property
    def injected(self) -> dict[str, Any]:
        """What the notebook is given."""
        cells = {"cells": dict(self.cells)} if "cells" in KINDS[self.kind].takes else {}
        return {**dict(self.parameters), "lang": self.lang, **cells}

    def facts(self) -> Facts:
        """Return the facts that the page rests on."""
        return KINDS[self.kind].facts(dict(self.parameters), dict(self.cells))


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
    quarter: str | None = None,
    topic: str | None = None,
    highlight: str | None = None,
    editorial: Path | str | None = None,
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
        Items from micro-data: a file of saved cells (:meth:`qstats.Cells.save`), or a saved Estimate of the
        indicator (:meth:`qstats.Estimate.save`). Folders are remembered; the editions know the bare names.
    quarter : str, optional
        Of a quarterly bulletin: ``Q1`` … ``Q4``, ``H1``, ``H2``; by default the newest that has data.
    topic : str, optional
        Of a special report: ``food``, ``size``, ``rapex``, ``inspections``.
    highlight : str, optional
        The province that an annual report or a bulletin of the index sets off on the page of the nation, by
        name or code; by default :data:`qstats.report.facts.HIGHLIGHT`. The page of a region sets off its own.
    editorial : path, optional
        A file of an editor's words instead of that beside the notebook; see :mod:`qstats.report.editorial`.

    Raises
    ------
    OptionError, DataError
        An unknown kind, region, language, item or file; an option that the kind does not take.
    """
    one_of("kind", kind, list(KINDS))
    more = {"quarter": quarter, "topic": topic, "highlight": highlight}
    for name, value in {**more, "cells": cells or None}.items():
        if value is not None and name not in KINDS[kind].takes:
            raise OptionError(say("report.takes_not", kind=kind, option=name))
    more = {name: value for name, value in more.items() if value is not None}
    if editorial is not None:
        more["editorial"] = words.shown(editorial)
    languages = list(dict.fromkeys(language(one) for one in words_of(lang)))
    names = regions_of(region)
    if highlight is not None and "全国" not in names:
        raise OptionError(say("report.highlight_nation", region=names[0]))
    given = {key: microdata.shown(path) for key, path in (cells or {}).items()}
    if given:  # what is wrong with the cells is wrong for every region
        KINDS[kind].facts({"year": year if year is not None else 9999, "region": names[0], **more}, given)
    made: list[Edition] = []
    impossible: list[tuple[str, Exception]] = []
    for name in names:
        try:
            own = {"highlight": None} if name != "全国" else {}
            asked = {"year": year, "region": name, **more, **own}
            facts = KINDS[kind].facts(asked, given)
            settled = KINDS[kind].settled(facts, asked)
        except DataError as error:
            impossible.append((name, error))
            continue
        if editorial is not None:
            settled = (*settled, ("editorial", more["editorial"]))
        made += [Edition(kind, settled, one, facts.cells) for one in languages]
    return Asked(tuple(made), tuple(impossible))
