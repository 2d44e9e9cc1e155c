"""Tables, figures and cards as HTML for the page."""

from __future__ import annotations

import base64
import csv
import io
import math
import numbers
import re
from collections.abc import Hashable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pandas as pd

from qstats.errors import DataError, OptionError, one_of
from qstats.messages import language, say
from qstats.report import formats
from qstats.report.formats import Direction
from qstats.stats.rounding import Rule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[Hashable, Any]

#: an abbreviation that no line ends in
_HYPHENED: Final = re.compile(r"\b[A-Z]+-[A-Z]+\b")
#: a text cell that begins with one of these could be run as a formula by a spreadsheet
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
#: characters from here on are as wide as they are high
_WIDE: Final = 0x2E80


class Field(NamedTuple):
    """A column of a printed table.

    Attributes
    ----------
    name : str
        The column of the frame.
    label : str
        Its printed heading, our own words.
    digits : int or str, optional
        Decimals of a column of numbers; the name of a column with the decimals of each
        row; None for a column of text.
    upper : str, optional
        A second column: the cell prints the interval ``(name, upper)``.
    status : str, optional
        A column with the codes of :data:`qstats.report.formats.STATUSES` for each cell.
    align : {"left", "right"}, optional
        By default numbers stand right and text left.
    words : bool
        The text is ours, not a name from the data.
    """

    name: str
    label: str
    digits: int | str | None = None
    upper: str | None = None
    status: str | None = None
    align: Literal["left", "right"] | None = None
    words: bool = False


class Card(NamedTuple):
    """A number to be seen first: everything but `direction`, `level` and `status` is printed as it is."""

    label: str
    value: str
    unit: str = ""
    change: str = ""
    direction: Direction = "unknown"
    interval: str = ""
    level: float = 0.95
    status: str = ""
    note: str = ""


def table(
    frame: pd.DataFrame,
    /,
    *,
    caption: str,
    columns: Sequence[Field],
    unit: str = "",
    notes: Sequence[str] = (),
    highlight: str | Sequence[str] = (),
    number: str = "",
    simulated: bool = False,
    rule: Rule = "half-even",
    lang: str | None = None,
) -> str:
    """Return a three-line table as HTML, with its notes and a CSV of the unrounded numbers.

    The first column heads the rows. Missing numbers are printed as
    :func:`qstats.report.formats.missing` says, and every mark that occurs is explained
    below. The CSV is a ``data:`` link that works from a file on disk: UTF-8 with BOM; a
    text that begins like a formula gets an apostrophe.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows, in the order to be printed, with unrounded numbers.
    caption, number : str
        Its name and its number (``表1``), printed above.
    columns : sequence of Field
        The columns to print, in order.
    unit : str
        Unit of all numbers, printed at the top right.
    notes : sequence of str
        Sentences below the table.
    highlight : str or sequence of str
        Values of the first column whose rows are printed bold.
    simulated : bool
        Whether a number descends from simulated data; the caption then says so.
    rule : {"half-even", "half-up"}
        Rounding of ties.
    lang : {"zh", "en"}, optional
        Language.

    Returns
    -------
    str
        ``<table class="qs-table">…</table><div class="qs-notes">…</div>``.

    Raises
    ------
    DataError
        The frame is empty, or a column does not exist.
    OptionError
        A status code, an alignment or a row to highlight does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> rates = pd.DataFrame({"region": ["安徽"], "rate": [93.646], "mark": ["p"]})
    >>> html = table(rates, caption="合格率", unit="%", number="表1", lang="zh",
    ...     columns=[Field("region", "地区"), Field("rate", "合格率", digits=2, status="mark")])
    >>> "表1" in html, "①" in html and "初步数" in html, "93.65" in html
    (True, True, True)
    """
    _require(frame, columns)
    strong = {highlight} if isinstance(highlight, str) and highlight else set(highlight)
    if unknown := sorted(strong - set(frame[columns[0].name].astype(str))):
        raise OptionError(f"highlight={unknown[0]!r} is not in the column {columns[0].name!r}")
    marked = formats.marks(_statuses(frame, columns, rule), lang=lang)
    head = "".join(f'<th scope="col"{_class(c)}>{escape(c.label)}</th>' for c in columns)
    body = "".join(
        f"<tr>{_row(row, columns, marked, str(row[columns[0].name]) in strong, rule, lang)}</tr>"
        for row in frame.to_dict("records")
    )
    badge = f' <span class="qs-badge">{escape(say("chart.simulated", lang))}</span>' if simulated else ""
    unit_text = f'<span class="qs-unit">{escape(say("chart.unit", lang, unit=unit))}</span>' if unit else ""
    title = escape(" ".join(part for part in (number, caption) if part))
    return (
        f'<table class="qs-table"><caption>{title}{badge}{unit_text}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{_below(frame, columns, marked, notes, ' '.join((number, caption)).strip(), lang)}"
    )


def _require(frame: pd.DataFrame, columns: Sequence[Field]) -> None:
    if not len(columns) or frame.empty:
        raise DataError(
            "a table needs at least one column and one row; say in one sentence that there are no data"
        )
    named = [n for c in columns for n in (c.name, c.upper, c.status, c.digits) if isinstance(n, str)]
    if lost := [name for name in named if name not in frame.columns]:
        raise DataError(f"no column {lost[0]!r}; the columns are {', '.join(map(str, frame.columns))}")
    for column in columns:
        one_of("align", column.align, (None, "left", "right"))


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _absent(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (_is_number(value) and not math.isfinite(value))
    )


def _codes(row: Row, column: Field, digits: int | None, rule: Rule) -> list[str]:
    """Return the status codes of a cell, those that follow from its number included."""
    given = "" if column.status is None or _absent(row[column.status]) else str(row[column.status])
    codes = given.split()
    value = row[column.name]
    if _absent(value) or (column.upper is not None and _absent(row[column.upper])):
        return codes if set(codes) & set(formats.INSTEAD) else ["x", *codes]
    if digits is None or column.upper is not None:
        return codes
    if "z" not in codes and formats.rounds_to_zero(value, digits=digits, rule=rule):
        return ["z", *codes]
    return codes


def _statuses(frame: pd.DataFrame, columns: Sequence[Field], rule: Rule) -> list[str]:
    return [
        code
        for row in frame.to_dict("records")
        for c in columns
        for code in _codes(row, c, _digits(row, c), rule)
    ]


def _digits(row: Row, column: Field) -> int | None:
    found = row[column.digits] if isinstance(column.digits, str) else column.digits
    return None if _absent(found) else int(found)  # type: ignore[arg-type]


def _class(column: Field, text: str = "") -> str:
    """Return the class of a cell: short words stay on one line, long ones ask for room."""
    right = column.align == "right" if column.align else column.digits is not None
    wide = sum(1 if ord(character) > _WIDE else 0.5 for character in text)
    size = "" if right or not text else " qs-short" if wide <= 5 else " qs-long" if wide > 11 else ""
    return f' class="{"qs-num" if right else "qs-text"}{size}"'


def _row(
    row: Row,
    columns: Sequence[Field],
    marked: dict[str, str],
    strong: bool,
    rule: Rule,
    lang: str | None,
) -> str:
    cells = []
    for at, column in enumerate(columns):
        text = _cell(row, column, marked, rule, lang, head=at == 0)
        text = f"<strong>{text}</strong>" if strong and text else text
        tag, scope = ("th", ' scope="row"') if at == 0 else ("td", "")
        said = "" if column.digits is not None else formats.clean(row[column.name])
        cells.append(f"<{tag}{scope}{_class(column, said)}>{text}</{tag}>")
    return "".join(cells)


def _cell(
    row: Row, column: Field, marked: dict[str, str], rule: Rule, lang: str | None, *, head: bool
) -> str:
    digits, value = _digits(row, column), row[column.name]
    codes = _codes(row, column, digits, rule)
    remarks = "".join(f'<span class="qs-mark">{marked[c]}</span>' for c in codes if c not in formats.INSTEAD)
    if instead := [code for code in codes if code in formats.INSTEAD]:
        return remarks + marked[instead[0]]
    if digits is None:
        said = formats.clean(value)
        text = escape(said[:1].upper() + said[1:] if head and language(lang) == "en" else said)
        text = _HYPHENED.sub(r'<span class="qs-whole">\g<0></span>', text)
        text = text if column.words else f'<span class="qs-name">{text}</span>'
    elif column.upper is not None:
        text = formats.interval(value, row[column.upper], digits=digits, lang=lang, rule=rule)
    else:
        text = formats.number(value, digits=digits, lang=lang, rule=rule)
    return f"{remarks} {text}" if remarks else text


def _below(
    frame: pd.DataFrame,
    columns: Sequence[Field],
    marked: dict[str, str],
    notes: Sequence[str],
    title: str,
    lang: str | None,
) -> str:
    lines = [say("table.note", lang) + notes[0], *notes[1:]] if notes else []
    lines += [" ".join(formats.explain(marked, lang=lang))] if marked else []
    data = base64.b64encode(_csv(frame, columns, lang)).decode("ascii")
    name = re.sub(r'[\\/:*?"<>|%#]+', " ", formats.clean(title, limit=60)).strip(" .") or "table"
    text = say("table.download", lang)
    link = (
        f'<a class="qs-download" download="{escape(name)}.csv" '
        f'href="data:text/csv;charset=utf-8;base64,{data}" '
        f'aria-label="{escape(text + say("chart.colon", lang) + title)}">{escape(text)}</a>'
    )
    return f'<div class="qs-notes">{"".join(f"<p>{escape(line)}</p>" for line in lines)}<p>{link}</p></div>'


def _csv(frame: pd.DataFrame, columns: Sequence[Field], lang: str | None) -> bytes:
    head, names = [], []
    for column in columns:
        names.append(column.name)
        head.append(column.label if column.upper is None else column.label + say("table.lower", lang))
        if column.upper is not None:
            names.append(column.upper)
            head.append(column.label + say("table.upper", lang))
        if column.status is not None:
            names.append(column.status)
            head.append(column.label + say("table.status", lang))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_guarded(label) for label in head])
    for row in frame.to_dict("records"):
        writer.writerow([_guarded(row[name]) for name in names])
    return ("\ufeff" + text.getvalue()).encode("utf-8")


def _guarded(value: Any) -> str:
    """Return a cell of the CSV: numbers in full, text that cannot be run as a formula."""
    if _absent(value):
        return ""
    if _is_number(value):
        return repr(value.item() if hasattr(value, "item") else value)
    text = str(value)
    return f"'{text}" if text.lstrip(" \u3000\ufeff\u200e\u200f").startswith(_FORMULA) else text


def figure(
    drawing: Figure,
    /,
    *,
    caption: str,
    key: str,
    number: str = "",
    alt: str | None = None,
) -> str:
    """Return a figure as HTML: inline SVG that says what it shows, and its caption below.

    Parameters
    ----------
    drawing : matplotlib.figure.Figure
        A chart of :mod:`qstats.report.charts`, or any other figure.
    caption, number : str
        Its name and its number (``图1``).
    key : str
        Begins the ids inside; unique on the page.
    alt : str, optional
        The text in its place; by default the one that the chart made from its numbers.

    Raises
    ------
    OptionError
        There is no alternative text, or `key` cannot be an id.
    """
    from qstats.report.svg import svg

    text = alt if alt is not None else getattr(drawing, "alt", "")
    if not text:
        raise OptionError("alt is missing: say in a sentence what the figure shows")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", key):
        raise OptionError(f"key={key!r} cannot be an id: use lower-case letters, digits and hyphens")
    title = " ".join(part for part in (number, caption) if part)
    return (
        f'<figure class="qs-figure">{svg(drawing, key=key, title=title, alt=formats.clean(text))}'
        f"<figcaption>{escape(title)}</figcaption></figure>"
    )


def cards(items: Sequence[Card], /, *, lang: str | None = None) -> str:
    """Return the cards as a list in HTML.

    Parameters
    ----------
    items : sequence of Card
        What to show first. A card without a value says so.
    lang : {"zh", "en"}, optional
        Language.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    DataError
        There are no cards.

    Examples
    --------
    >>> html = cards([Card("制造业产品质量合格率", "93.65", "%", "比上年上升0.36个百分点", "up")], lang="zh")
    >>> "▲" in html and "上升0.36个百分点" in html
    True
    """
    if not items:
        raise DataError("no cards: say in one sentence that there are no data")
    return f'<ul class="qs-cards">{"".join(_card(Card(*item), lang) for item in items)}</ul>'


def _card(card: Card, lang: str | None) -> str:
    known = card.value not in ("", formats.missing(lang=lang))
    value = escape(card.value) if known else escape(say("chart.no_data", lang))
    unit = f'<span class="qs-card-unit">{escape(card.unit)}</span>' if card.unit and known else ""
    arrow, change = formats.arrow(card.direction), escape(card.change)
    change = f'<span aria-hidden="true">{arrow}</span> {change}' if arrow else change
    notes = []
    if card.interval:
        notes.append(say("card.interval", lang, level=f"{100 * card.level:g}%", interval=card.interval))
    notes += [say(f"format.status.{code}", lang) for code in formats.marks([card.status], lang=lang)]
    notes += [card.note] if card.note else []
    return (
        f'<li class="qs-card"><p class="qs-card-label">{escape(card.label)}</p>'
        f'<p class="qs-card-value{"" if known else " qs-missing"}">{value}{unit}</p>'
        + (f'<p class="qs-card-change">{change}</p>' if card.change else "")
        + "".join(f'<p class="qs-card-note">{escape(note)}</p>' for note in notes)
        + "</li>"
    )
