"""The words of editors: paragraphs that replace generated ones, with numbers that are references.

Beside a notebook ``NAME.ipynb`` may stand ``NAME.zh.md`` and ``NAME.en.md``. Each second-level heading
names a paragraph of the page, as its ``data-text`` does, and what follows replaces it::

    ## product.rpq.1
    制造业产品质量合格率为{rpq}，比上年{rpq.change}，与目标还有距离。

A number is a reference into the facts, so text and table cannot part:

=============================  ===============================================================
``{rpq}``                      the figure of an item, with its unit
``{rpq.change}``               its change on the year before in words; ``change_previous``: on the last period
``{rpq.low}``, ``{rpq.high}``  limits of its interval; ``{rpq.interval}`` both
``{rpq.before}``               the figure of the year before
``{rpq.n}``                    how many were observed
``{rpq.name}``                 what it is called
``{rpq@2022}``                 the figure of another period
``{NSS_fail_rate[小型企业]}``    any published series, of a class
``{index.text.score}``         a value of the generated text of the same section: message, dot, field
``{year} {period} {region}``   those of the report
=============================  ===============================================================

An unknown reference or paragraph is an error that names the nearest; so is a reference to a figure that
was not published. A number typed by hand is a warning that names it, in the notebook and when the page
is written.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qstats.errors import DataError, QStatsWarning, nearest
from qstats.messages import language, say
from qstats.report import formats
from qstats.report.words import change_words, unit_name

if TYPE_CHECKING:
    from qstats.report.facts import Facts

#: folders in which files of editors are looked for by name, so that no page shows where they lie
FOLDERS: Final = "QSTATS_EDITORIAL"
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_PARTS: Final = re.compile(r"([\w.]+?)(?:\[([^\]]+)\])?(?:@([^.\s]+))?(?:\.(\w+))?")
#: names such as GB/T 8170 or ISO 9001 are no figures
_NAMES: Final = re.compile(r"[A-Za-z]+(?:[/-][A-Za-z]+)*[ -]?\d[\d.:—–-]*")
_TYPED: Final = re.compile(r"[0-9０-９]+(?:[,.，．][0-9０-９]+)*[%％‰]?")
_EDITED: Final = re.compile(r'<(p|li)\b[^>]*data-text="([^"]*)"[^>]*data-edited[^>]*>(.*?)</\1>', re.DOTALL)
#: private characters stand for references while Markdown is read; a text has none of its own
_PLACE: Final = 0xE000
#: kinds of characters that cannot be seen: control, direction, half of a character
_UNSEEN: Final = ("Cc", "Cf", "Cs")
_NO_PLACES: Final = dict.fromkeys(range(_PLACE, 0xF900))
_RESOLVED: Final = re.compile(r"<span data-ref=[^>]*>.*?</span>", re.DOTALL)


def shown(path: Path | str) -> str:
    """Return the bare name of a file of an editor, and remember its folder for this process and its kernels.

    Raises
    ------
    DataError
        There is no such file, or it is no Markdown by its name.
    """
    if not Path(path).is_file():
        raise DataError(say("editorial.no_file", file=path))
    if Path(path).suffix != ".md":
        raise DataError(say("editorial.no_markdown", file=Path(path).name))
    folder = str(Path(path).resolve().parent)
    known = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part and part != folder]
    os.environ[FOLDERS] = os.pathsep.join([folder, *known])
    return Path(path).name


def located(name: str, lang: str | None = None) -> Path | None:
    """Return the file of an editor in a language, or None when there is none.

    Parameters
    ----------
    name : str
        ``annual_report``: a notebook, beside which ``annual_report.zh.md`` may stand. A name that ends in
        ``.md`` is a file that must be there; ``x.zh.md`` and ``x.en.md`` belong together, ``x.md`` speaks
        for both languages.
    lang : {"zh", "en"}, optional

    Raises
    ------
    DataError
        A file that was named is in no language.
    """
    if not name:
        return None
    speech, named = language(lang), name.endswith(".md")
    stem = re.sub(r"(\.(zh|en))?\.md$", "", name)
    wanted = [name] if named and name == f"{stem}.md" else [f"{stem}.{speech}.md"]
    if (found := _first(wanted)) is not None or not named:
        return found
    if _first([name]) is None:
        raise DataError(say("editorial.no_file", lang, file=name))
    return None  # it is there in the other language


def _first(names: Iterable[str]) -> Path | None:
    folders = [Path(part) for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    package = Path(__file__).resolve().parents[1]
    beside = [Path(), package / "_notebooks", package.parent / "notebooks"]
    places = [folder / name for name in names for folder in (*folders, *beside)]
    return next((place for place in places if place.is_file()), None)


def described(name: str, /) -> dict[str, str]:
    """Return the SHA-256 of the files of an editor, of both languages, by bare name."""
    found = {path.name: path for lang in ("zh", "en") if (path := located(name, lang)) is not None}
    return {file: digest(path) for file, path in sorted(found.items())}


def digest(path: Path, /) -> str:
    """Return the SHA-256 of a file of words."""
    return sha256(path.read_bytes()).hexdigest()


def paragraphs(name: str, lang: str | None = None) -> Mapping[str, str]:
    """Return the paragraphs of an editor, by what they replace; none when there is no file.

    Raises
    ------
    DataError
        A paragraph that stands twice, or says nothing.
    """
    path = located(name, lang)
    return _read(path, path.stat().st_mtime_ns) if path is not None else {}


@cache
def _read(path: Path, changed: int) -> Mapping[str, str]:
    found: dict[str, str] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(say("editorial.encoding", file=path.name)) from None
    parts = re.split(r"^##[ \t]+(\S+)[ \t]*$", text, flags=re.MULTILINE)
    for key, text in zip(parts[1::2], parts[2::2], strict=True):
        if key in found:
            raise DataError(say("editorial.twice", file=path.name, key=key))
        if not text.strip():
            raise DataError(say("editorial.empty", file=path.name, key=key))
        found[key] = text.strip()
    return found


def typed(text: str, /) -> list[str]:
    """Return the numbers in a text that are no references.

    Examples
    --------
    >>> typed("合格率为{rpq}，即93.65%，按GB/T 8170修约。")
    ['93.65%']
    """
    return _TYPED.findall(_NAMES.sub("", _REFERENCE.sub("", text)))


def typed_on(html: str, lang: str | None = None, /) -> list[str]:
    """Return a sentence for every edited paragraph of a page that has numbers typed by hand."""
    said = []
    for _, key, body in _EDITED.findall(html):
        numbers = typed(unescape(re.sub(r"<[^>]*>", "", _RESOLVED.sub("", body))))
        if numbers:
            said.append(say("editorial.typed", lang, key=key, numbers=", ".join(numbers)))
    return said


def resolved(text: str, key: str, facts: Facts, said: Mapping[str, str], lang: str | None) -> list[str]:
    """Return the paragraphs of an editor as HTML, their references replaced by what the facts say.

    Parameters
    ----------
    text : str
        Markdown of lines: emphasis, no blocks.
    key : str
        What it replaces.
    facts : Facts
    said : mapping
        Values of the generated texts of the section, ``message.field`` → text.
    lang : {"zh", "en"}

    Raises
    ------
    DataError
        An unknown reference, or one to a figure that was not published.
    """
    from markdown_it import MarkdownIt

    text = "".join(c for c in unescape(text) if c == "\n" or unicodedata.category(c) not in _UNSEEN)
    if numbers := typed(text):
        note = say("editorial.typed", lang, key=key, numbers=", ".join(numbers))
        warnings.warn(note, QStatsWarning, stacklevel=2)
    inline = MarkdownIt("commonmark", {"html": False}).disable(["link", "image", "autolink", "entity"])

    found: list[str] = []

    def kept(match: re.Match[str]) -> str:
        # a brace is punctuation, beside which emphasis would not begin: a letter stands in its place
        reference = match[1].strip()
        value = lookup(reference, facts, said, lang)
        found.append(f'<span data-ref="{escape(reference, quote=True)}">{escape(value)}</span>')
        return chr(_PLACE + len(found) - 1)

    lines = [" ".join(part.split("\n")) for part in re.split(r"\n\s*\n", text.translate(_NO_PLACES))]
    joined = [re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", line) for line in lines]
    return [
        re.sub(
            "[\ue000-\uf8ff]",
            lambda match: found[ord(match[0]) - _PLACE],
            inline.renderInline(_REFERENCE.sub(kept, line)).strip(),
        )
        for line in joined
    ]


def lookup(reference: str, facts: Facts, said: Mapping[str, str], lang: str | None = None) -> str:
    """Return what a reference stands for, as it is printed.

    Raises
    ------
    DataError
        It is unknown, or there is no figure.
    """
    plain = {"year": str(facts.year), "region": facts.place(lang)}
    plain["period"] = formats.period(facts.period, lang=lang)
    if reference in plain:
        return plain[reference]
    if reference in said:
        return said[reference]
    match = _PARTS.fullmatch(reference)
    items = list(facts.items()["key"])
    if match is not None and (match[1] in items or match[2]):
        return _figure(reference, match, facts, items, lang)
    near = nearest(
        reference, [*items, *plain, *said, *(f"{item}.{a}" for item in items for a in _ATTRIBUTES)]
    )
    raise DataError(say("editorial.unknown", lang, reference=reference, near=near or items[0]))


def _figure(reference: str, match: re.Match[str], facts: Facts, items: list[str], lang: str | None) -> str:
    from dataclasses import replace

    name, industry, period, attribute = match.groups()
    attribute = attribute or "value"
    if attribute not in _ATTRIBUTES:
        near = nearest(attribute, list(_ATTRIBUTES)) or "value"
        raise DataError(say("editorial.unknown", lang, reference=reference, near=reference_of(match, near)))
    if period:
        year, part = re.fullmatch(r"(\d{4})(\w*)", period).groups()  # type: ignore[union-attr]
        facts = replace(facts, year=int(year), part=part)
    if industry:
        found = facts.figures(name, industry=industry)
        text = "" if found is None or len(found) != 1 or attribute != "value" else _value(found, lang)
    else:
        text = _ATTRIBUTES[attribute](facts, name, lang)
    if not text:
        raise DataError(say("editorial.no_figure", lang, reference=reference, items=", ".join(items[:6])))
    return text


def reference_of(match: re.Match[str], attribute: str) -> str:
    """Return a reference with another attribute."""
    name, industry, period, _ = match.groups()
    return name + (f"[{industry}]" if industry else "") + (f"@{period}" if period else "") + f".{attribute}"


def _value(estimate: Any, lang: str | None, column: str = "estimate") -> str:
    x = float(estimate.table[column].iloc[0])
    unit = unit_name(estimate.unit, lang)
    return "" if math.isnan(x) else formats.with_unit(x, unit, digits=estimate.digits, lang=lang)


def _of_current(column: str) -> Callable[[Facts, str, str | None], str]:
    def text(facts: Facts, key: str, lang: str | None) -> str:
        current = facts.current(key)
        return "" if current is None else _value(current, lang, column)

    return text


def _change(on: str) -> Callable[[Facts, str, str | None], str]:
    def text(facts: Facts, key: str, lang: str | None) -> str:
        return change_words(facts.current(key), facts.change(key, on=on), lang)  # type: ignore[arg-type]

    return text


def _before(facts: Facts, key: str, lang: str | None) -> str:
    current, change = facts.current(key), facts.change(key)
    if current is None or change is None:
        return ""
    earlier = current.table.assign(estimate=float(change.table["earlier"].iloc[0]))
    return _value(current.replace(earlier), lang)


def _interval(facts: Facts, key: str, lang: str | None) -> str:
    current = facts.current(key)
    row = None if current is None else current.table.iloc[0]
    if current is None or row is None or math.isnan(row["conf_low"]):
        return ""
    return formats.span(
        row["conf_low"], row["conf_high"], unit=current.unit, digits=current.digits, lang=lang
    )


def _count(facts: Facts, key: str, lang: str | None) -> str:
    current = facts.current(key)
    n = math.nan if current is None else float(current.table["n"].iloc[0])
    return "" if math.isnan(n) else formats.number(n, digits=0, lang=lang)


def _name(facts: Facts, key: str, lang: str | None) -> str:
    return str(facts.item(key)[language(lang)])


_ATTRIBUTES: Final[dict[str, Callable[[Facts, str, str | None], str]]] = {
    "value": _of_current("estimate"),
    "low": _of_current("conf_low"),
    "high": _of_current("conf_high"),
    "interval": _interval,
    "change": _change("year"),
    "change_previous": _change("previous"),
    "before": _before,
    "n": _count,
    "name": _name,
}


def draft(sections: Iterable[Any], /) -> str:
    """Return Markdown with every generated paragraph of some sections under its name, to be edited.

    The numbers in it are as printed: replace them by references.
    """
    found = [
        (key, unescape(re.sub(r"<[^>]*>", "", body)))
        for section in sections
        for _, key, body in re.findall(r'<(p|li)\b[^>]*data-text="([^"]*)"[^>]*>(.*?)</\1>', section.body)
    ]
    return "\n\n".join(f"## {key}\n{text}" for key, text in found) + "\n"
