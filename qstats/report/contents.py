"""What stands on a finished page: its sections, their sentences, and the numbers of its tables.

The page carries its data: every table has the CSV of its unrounded numbers. So a page can be
compared with another and written in other forms without running anything.
"""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from qstats.errors import DataError
from qstats.files import unguarded
from qstats.messages import say

_DATA: Final = "data:text/csv;charset=utf-8;base64,"
_VOID: Final = frozenset(["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"])
#: elements whose text is one sentence or paragraph of the page
_TEXTS: Final = frozenset(["p", "li", "h3", "h4", "figcaption"])
#: a larger page is not one of ours
LIMIT: Final = 50_000_000


@dataclass
class Table:
    """A table of the page: caption, unit and notes as printed, and its numbers unrounded."""

    caption: str = ""
    unit: str = ""
    simulated: bool = False
    notes: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)


@dataclass
class Part:
    """A section: its id and heading, its texts in order, its tables, the texts that an editor wrote."""

    key: str
    title: str = ""
    texts: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)


@dataclass
class Contents:
    """A page."""

    lang: str = ""
    title: str = ""
    subtitle: str = ""
    note: str = ""
    simulated: str = ""
    parts: list[Part] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [table for part in self.parts for table in part.tables]


def read(path: Path | str, /, *, lang: str | None = None) -> Contents:
    """Return what stands on a page.

    Raises
    ------
    DataError
        The file is missing, too large, or no report.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(say("publish.no_page", lang, path=path))
    if path.stat().st_size > LIMIT:
        raise DataError(say("publish.not_a_page", lang, path=path))
    try:
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
    except ValueError:
        raise DataError(say("publish.not_a_page", lang, path=path)) from None
    if not reader.found.parts:
        raise DataError(say("publish.not_a_page", lang, path=path))
    return reader.found


def typed(text: str, /) -> Any:
    """Return a cell of a table's CSV: a number where it is written as one, else the text.

    Examples
    --------
    >>> typed("93.646"), typed("9"), typed("01"), typed("'=a"), typed("")
    (93.646, 9, '01', '=a', None)
    """
    if text == "":
        return None
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if repr(number) == text and text not in ("nan", "inf", "-inf"):
            return number
    return unguarded(text)


@dataclass
class _Open:
    tag: str
    classes: frozenset[str]
    edited: bool = False
    text: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Contents()
        self.open: list[_Open] = []
        self.part: Part | None = None
        self.table: Table | None = None
        self.term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = frozenset(given.get("class", "").split())
        if tag not in _VOID:
            self.open.append(_Open(tag, classes, "data-edited" in given))
        if tag == "html":
            self.found.lang = given.get("lang", "")
        elif tag == "section" and "qs-section" in classes:
            self.part = Part(given.get("id", ""))
            self.found.parts.append(self.part)
        elif self.part is not None:
            self.begin(tag, classes, given)

    def begin(self, tag: str, classes: frozenset[str], given: dict[str, str]) -> None:
        """Note what begins inside a section."""
        assert self.part is not None
        if tag == "table" and "qs-table" in classes:
            self.table = Table()
        elif tag == "svg" and given.get("aria-label"):
            self.part.texts.append(given["aria-label"])
        elif tag == "a" and "qs-download" in classes and self.table is not None:
            address = given.get("href", "")
            if address.startswith(_DATA):
                text = base64.b64decode(address[len(_DATA) :]).decode("utf-8-sig")
                head, *rows = csv.reader(io.StringIO(text, newline=""))
                self.table.header = [str(unguarded(name)) for name in head]
                self.table.rows = [[typed(cell) for cell in row] for row in rows]
                self.part.tables.append(self.table)
            self.table = None

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            element = self.open.pop()
            self.end(element)
            if element.tag == tag:
                return

    def end(self, element: _Open) -> None:
        """Note what an element said, now that it is whole."""
        text = " ".join("".join(element.text).split())
        if element.tag == "section":
            self.part = None
        elif self.part is not None and text:
            self.said(element, text)
        elif text:
            self.framed(element, text)
        if self.open and element.tag not in _TEXTS and not element.classes & {"qs-unit", "qs-badge"}:
            self.open[-1].text += element.text

    def said(self, element: _Open, text: str) -> None:
        """Take a text of a section."""
        assert self.part is not None
        inside = {name for parent in self.open for name in parent.classes}
        if element.tag == "h2":
            self.part.title = text
        elif self.table is not None:
            if "qs-unit" in element.classes:
                self.table.unit = text
            elif "qs-badge" in element.classes:
                self.table.simulated = True
            elif element.tag == "caption":
                self.table.caption = text
            elif element.tag == "p" and "qs-notes" in inside:
                self.table.notes.append(text)
        elif element.tag in _TEXTS and "qs-notes" not in inside:
            self.part.texts.append(text)
            if element.edited:
                self.part.edited.append(text)

    def framed(self, element: _Open, text: str) -> None:
        """Take a text around the sections: the title, and the lines of the colophon."""
        if element.tag == "h1":
            self.found.title = text
        elif "qs-subtitle" in element.classes:
            self.found.subtitle = text
        elif "qs-compiled" in element.classes:
            self.found.note = text
        elif "qs-simulated" in element.classes:
            self.found.simulated = text
        elif element.tag == "dt":
            self.term = text
        elif element.tag == "dd":
            self.found.facts.append((self.term, text))

    def handle_data(self, data: str) -> None:
        if self.open and not any(e.tag in ("style", "script", "svg", "math", "td", "th") for e in self.open):
            self.open[-1].text.append(data)
