"""Reading a page once, to know what it draws and everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from qstats.messages import say
from qstats.report import fonts

Attributes = dict[str, str]

VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
#: their text is not drawn on the page
SILENT = frozenset(["script", "style", "metadata", "title", "desc", "template"])
#: what the style sheet sets in bold, so that the bold font carries those characters and no others
BOLD_TAGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "th", "strong", "b", "caption", "dt", "summary"])
BOLD_CLASSES = frozenset(["qs-card", "qs-badge", "qs-bold", "qs-status"])
#: attributes whose address the browser fetches by itself
FETCHED = frozenset(["src", "srcset", "poster", "data", "background", "action", "formaction", "manifest"])
#: attributes that point at ids of the page
REFERENCES = frozenset(["aria-labelledby", "aria-describedby", "aria-controls", "for", "headers"])

_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s+([^;]*)", re.IGNORECASE)
_WEIGHT = re.compile(r"font(?:-weight)?\s*:[^;]*\b(bold|[6-9]00)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Audit:
    """What was found on a page.

    Attributes
    ----------
    problems : tuple of str
        One sentence a fault, in the order of the page; empty for a page that may be published.
    text : str
        The characters drawn, sorted, each once.
    bold : str
        Those drawn in bold.
    rare : str
        Characters of names from the data that the embedded font lacks.
    """

    problems: tuple[str, ...]
    text: str
    bold: str
    rare: str


def audit(html: str, /, *, lang: str | None = None) -> Audit:
    """Read a page and return what it draws and its faults, told in a language.

    A fault is: something fetched from outside the file, a script, a picture without a text
    in its place, a character of our own text that the embedded font lacks, an id used twice
    or pointed at but absent, headings that skip a level or not exactly one ``h1``, a
    document without language, an empty section, a header cell without scope, a tag that
    closes another. Text inside an element with ``data-from="data"`` or the class
    ``qs-name`` comes from the data: its rare characters are listed, not faults. So is code.

    Examples
    --------
    >>> audit('<html lang="en"><h1>A</h1><img src="data:,"></html>', lang="en").problems
    ('<img> has no alternative text',)
    """
    reader = _Reader(lang)
    reader.feed(html)
    reader.close()
    return reader.result()


@dataclass
class _Element:
    """An open element and what its descendants inherit from it."""

    tag: str
    silent: bool
    bold: bool
    from_data: bool
    section: str
    hidden: bool
    filled: bool = False


@dataclass
class _Found:
    """What has been read so far."""

    problems: list[str] = field(default_factory=list)
    text: set[str] = field(default_factory=set)
    bold: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    pointers: list[tuple[str, str]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self, lang: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self.lang = lang
        self.open: list[_Element] = []
        self.found = _Found()

    def fault(self, what: str, /, **values: object) -> None:
        section = self.open[-1].section if self.open else ""
        text = self.told(what, **values)
        self.found.problems.append(self.told("section", section=section, text=text) if section else text)

    def told(self, what: str, /, **values: object) -> str:
        return say(f"audit.{what}", self.lang, **values)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.enter(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.enter(tag, {name: value or "" for name, value in attrs})
        self.open.pop()

    def enter(self, tag: str, attributes: Attributes) -> None:
        self.open.append(_inherit(self.open[-1] if self.open else None, tag, attributes))
        for what, values in _element_faults(tag, attributes, self.open[:-1]):
            self.fault(what, tag=tag, **values)
        self.note_ids(tag, attributes)
        if re.fullmatch(r"h[1-6]", tag):
            self.note_heading(int(tag[1]))
        if tag in ("svg", "img", "math"):
            self.fill()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.fault("closes", tag=tag, other=f"<{self.open[-1].tag}>" if self.open else "—")
            if not any(element.tag == tag for element in self.open):
                return
        while True:
            element = self.open[-1]
            if element.tag == "section" and not element.filled:
                self.fault("empty")
            self.open.pop()
            if element.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        top = self.open[-1] if self.open else None
        if top is None:
            return
        if top.tag == "style":
            for address in _style_addresses(data):
                self.fault("style", address=address[:80])
        if top.silent:
            return
        drawn = set(data)
        self.found.text |= drawn
        if top.bold:
            self.found.bold |= drawn
        if top.from_data:
            self.found.names |= drawn
        elif lost := fonts.missing(data):
            for character in lost:
                self.found.lost.setdefault(character, top.section or data.strip()[:30])
        if data.strip() and not any(re.fullmatch("h[1-6]", element.tag) for element in self.open):
            self.fill()

    def fill(self) -> None:
        for element in self.open:
            element.filled = True

    def note_ids(self, tag: str, attributes: Attributes) -> None:
        name = attributes.get("id")
        if name is not None:
            if name in self.found.ids:
                self.fault("twice", name=name)
            self.found.ids.add(name)
        for attribute, value in attributes.items():
            if attribute in REFERENCES:
                self.found.pointers += [(f"<{tag} {attribute}>", part) for part in value.split()]
            if attribute in ("href", "xlink:href") and value.startswith("#") and len(value) > 1:
                self.found.pointers.append((f"<{tag} {attribute}>", value[1:]))
            self.found.pointers += [
                (f"<{tag} {attribute}>", address[1:])
                for address in _URL.findall(value)
                if address.startswith("#")
            ]

    def note_heading(self, level: int) -> None:
        last = self.found.headings[-1] if self.found.headings else 0
        if level > last + 1:
            self.fault("skipped", level=level, last=f"h{last}" if last else "—")
        self.found.headings.append(level)

    def result(self) -> Audit:
        found = self.found
        problems = list(found.problems)
        problems += [self.told("unclosed", tag=element.tag) for element in self.open]
        if found.headings.count(1) != 1:
            problems.append(self.told("headings", count=found.headings.count(1)))
        problems += [
            self.told("pointer", where=where, name=name)
            for where, name in found.pointers
            if name not in found.ids
        ]
        problems += [
            self.told("glyph", character=character, code=f"{ord(character):04X}", where=where)
            for character, where in sorted(found.lost.items())
        ]
        return Audit(
            tuple(dict.fromkeys(problems)),
            "".join(sorted(found.text)),
            "".join(sorted(found.bold)),
            "".join(fonts.missing("".join(found.names))),
        )


def _inherit(parent: _Element | None, tag: str, attributes: Attributes) -> _Element:
    classes = set(attributes.get("class", "").split())
    style = f"{attributes.get('style', '')};font-weight:{attributes.get('font-weight', '')}"
    element = _Element(
        tag,
        silent=tag in SILENT,
        bold=tag in BOLD_TAGS or bool(classes & BOLD_CLASSES) or bool(_WEIGHT.search(style)),
        from_data=attributes.get("data-from") == "data" or "qs-name" in classes or tag in ("code", "pre"),
        section=attributes.get("id", "") if tag == "section" else "",
        hidden=attributes.get("aria-hidden") == "true",
    )
    if parent:
        element.silent |= parent.silent
        element.bold |= parent.bold
        element.from_data |= parent.from_data
        element.hidden |= parent.hidden
        element.section = element.section or parent.section
    return element


def _element_faults(
    tag: str, attributes: Attributes, above: list[_Element]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the faults of one element, wherever it stands: which, and what its message needs."""
    for name, value in _addresses(tag, attributes):
        yield "fetches", {"name": name, "address": value[:80]}
    if tag in ("script", "iframe", "object", "embed", "applet", "frame"):
        yield "forbidden", {}
    for name in attributes:
        if name.startswith("on"):
            yield "script", {"name": name}
    if tag == "html" and not attributes.get("lang", "").strip():
        yield "lang", {}
    if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
        yield "refresh", {}
    if tag == "th" and attributes.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
        yield "scope", {}
    decorative = attributes.get("role") in ("presentation", "none") or any(
        element.hidden for element in above
    )
    if tag == "img" and not attributes.get("alt", "").strip() and not decorative:
        yield "alt", {}
    nested = any(element.tag == "svg" for element in above)
    named = attributes.get("aria-label", "").strip() or attributes.get("aria-labelledby", "").strip()
    if tag == "svg" and not (nested or named or decorative or attributes.get("aria-hidden") == "true"):
        yield "label", {}


def _addresses(tag: str, attributes: Attributes) -> list[tuple[str, str]]:
    """Return the attributes that leave the file; a plain link to the web may, a resource may not."""
    outside = []
    for name, value in attributes.items():
        address = value.strip()
        fetched = name in FETCHED or name in ("href", "xlink:href")
        if fetched and address and not address.startswith(("#", "data:")):
            is_link = tag == "a" and name in ("href", "xlink:href")
            if not (is_link and address.startswith(("https://", "http://", "mailto:"))):
                outside.append((name, address))
        if name != "href":
            outside += [(name, found) for found in _style_addresses(value)]
    return outside


def _style_addresses(css: str) -> list[str]:
    found = [address for address in _URL.findall(css) if address and not address.startswith(("#", "data:"))]
    return found + [address for address in _IMPORT.findall(css) if address.strip()]
