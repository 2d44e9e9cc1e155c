"""Rows of a sheet told apart: headers of one row or two, totals, footnotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count
from typing import Final, NamedTuple

from qstats.errors import OptionError
from qstats.workbooks import IsHeader

TOTALS: Final = ("合计", "总计", "小计", "共计", "总和", "累计", "total", "subtotal", "grand total", "sum")
FOOTNOTES: Final = (
    "注",
    "注释",
    "附注",
    "备注",
    "说明",
    "填表说明",
    "资料来源",
    "数据来源",
    "来源",
    "填表人",
    "填报人",
    "制表人",
    "制表",
    "审核人",
    "审核",
    "复核",
    "负责人",
    "单位负责人",
    "统计负责人",
    "联系人",
    "联系电话",
    "报出日期",
    "填表日期",
    "note",
    "notes",
    "source",
    "sources",
)
_NUMBER: Final = re.compile(r"[-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?[%万亿]?")
_WHOLE: Final = re.compile(r"[-+]?\d{1,15}")
#: a name of a total has at most so many characters before the word: 全省合计, 华东地区小计
_BEFORE: Final = 8

Rows = list[list[str | None]]
Areas = tuple[tuple[int, int, int, int], ...]


class Heading(NamedTuple):
    """The rows of a header, counted from 0, and the names it gives the columns."""

    first: int
    last: int
    names: tuple[str | None, ...]


def plain(text: str, /) -> str:
    """Return text with full-width characters made ordinary, without spaces, in small letters."""
    text = text[:200] if text.isascii() else unicodedata.normalize("NFKC", text[:200])
    return "".join(text.split()).casefold()


def is_number(cell: str | None, /) -> bool:
    """Whether a cell reads as a number."""
    return cell is not None and ((cell.isascii() and cell.isdigit()) or bool(_NUMBER.fullmatch(plain(cell))))


def whole_number(cell: str | None, /) -> int | None:
    """Return the whole number in a cell, separators aside; None when there is none.

    Examples
    --------
    >>> whole_number("１,２００"), whole_number("3.5"), whole_number(None)
    (1200, None, None)
    """
    text = plain(cell).replace(",", "") if cell else ""
    return int(text) if _WHOLE.fullmatch(text) else None


def is_total(row: list[str | None], words: tuple[str, ...], /) -> bool:
    """Whether a row is a total: a cell is the word itself, or a label before the numbers ends with it."""
    known = [plain(word) for word in words]
    labels = True
    for cell in filter(None, row):
        if is_number(cell):
            labels = False
            continue
        text = plain(cell).rstrip(":")
        if text in known:
            return True
        if labels and any(
            text.endswith(w) and len(text) <= len(w) + _BEFORE for w in known if not w.isascii()
        ):
            return True
    return False


def is_grand(row: list[str | None], /) -> bool:
    """Whether a total is one of the whole table, by its first cell."""
    first = next((plain(cell) for cell in row if cell), "")
    return first in ("合计", "总计", "共计", "total", "grandtotal")


def footnotes(rows: Rows, below: list[int], marks: tuple[str, ...], /) -> list[int]:
    """Return the rows of notes at the end of a table: from the first with a mark, all that follow.

    A note begins with a mark and a colon or number, or with an asterisk; what follows it must be
    notes too, or lines of one cell.
    """
    known = "|".join(re.escape(plain(mark)) for mark in sorted(marks, key=len, reverse=True))
    pattern = re.compile(rf"(?:(?:{known})(?:\(?\d{{1,2}}\)?[.、:\s]?|[:.、])|\*|※)") if known else None
    start = len(below)
    for at in range(len(below) - 1, -1, -1):
        cells = [cell for cell in rows[below[at]] if cell]
        noted = bool(pattern and pattern.match(plain(cells[0])))
        if noted:
            start = at
        elif len(set(cells)) > 1 or is_number(cells[0]):
            break
    return below[start:]


def heading(
    rows: Rows,
    filled: list[int],
    areas: Areas,
    header: int | None,
    header_rows: int | None,
    is_header: IsHeader | None,
    /,
) -> Heading:
    """Return the header: as declared, else the first row that looks like one, with its fellow row.

    Where headers are known, the row with the most of them is the header; else the first that fills
    more than half of the width.
    """
    if header is not None and header - 1 not in filled:
        raise OptionError(f"header={header}: that row of the sheet is empty")
    last = header - 1 if header is not None else _found(rows, filled, areas, is_header)
    at = filled.index(last)
    before = filled[at - 1] if at else None
    after = filled[at + 1] if at + 1 < len(filled) else None
    first = last
    if header_rows == 2 and before is None:
        raise OptionError("header_rows=2: there is no row above the header")
    if header_rows == 2 or (header_rows is None and before is not None and _pair(rows, before, last, areas)):
        first = before if before is not None else last
    elif header is None and header_rows is None and after is not None and _pair(rows, last, after, areas):
        first, last = last, after
    return Heading(first, last, tuple(_joined(rows, first, last, is_header)))


def _found(rows: Rows, filled: list[int], areas: Areas, is_header: IsHeader | None) -> int:
    if is_header is not None:
        scores = {i: sum(is_header(cell) for cell in {c for c in rows[i] if c}) for i in filled[:60]}
        best = max(scores, key=lambda i: (scores[i], -i))
        if scores[best] >= 2:
            return _under(best, areas)
    width = max(len({cell for cell in rows[i] if cell is not None}) for i in filled)
    return _under(next(i for i in filled if sum(c is not None for c in rows[i]) > width // 2), areas)


def _under(row: int, areas: Areas) -> int:
    """Return the last row that merged areas beginning in this row reach."""
    while any(top <= row < bottom for top, bottom, _, _ in areas):
        row += 1
    return row


def _pair(rows: Rows, upper: int, lower: int, areas: Areas) -> bool:
    """Whether two rows are one header: groups over columns, beside headers that stand alone."""
    if lower != upper + 1 or any(is_number(cell) for cell in (*rows[upper], *rows[lower])):
        return False
    if any(top <= upper and bottom >= lower for top, bottom, _, _ in areas):
        return any(rows[upper])
    above, below = _padded(rows, upper, lower)
    spans = {c for top, _, left, right in areas if top == upper for c in range(left, right + 1)}
    alone = [c for c, cell in enumerate(above) if cell and not below[c]]
    under = [c for c, cell in enumerate(below) if cell and (not above[c] or c in spans)]
    return bool(alone) and len(under) >= 1 and sum(cell is not None for cell in below) >= 2


def _padded(rows: Rows, upper: int, lower: int) -> tuple[list[str | None], list[str | None]]:
    width = max(len(rows[upper]), len(rows[lower]))
    above, below = (rows[i] + [None] * (width - len(rows[i])) for i in (upper, lower))
    return above, below


def _joined(rows: Rows, first: int, last: int, is_header: IsHeader | None) -> Iterator[str | None]:
    """Return the names of the columns; under a group the lower name, with the group where that is needed.

    A lower name that stands once, and is known where headers are known, is enough by itself.
    """
    if first == last:
        yield from rows[last]
        return
    above, below = _padded(rows, first, last)
    group: str | None = None
    for c, cell in enumerate(below):
        group = above[c] or (group if cell else None)
        if cell is None or cell == above[c]:
            yield above[c]
        elif group is None or (below.count(cell) == 1 and not _known_as(f"{group}{cell}", cell, is_header)):
            yield cell
        else:
            yield f"{group}{cell}"


def _known_as(joined: str, alone: str, is_header: IsHeader | None) -> bool:
    return is_header is not None and is_header(joined) and not is_header(alone)


def names(header: list[str | None], unit: str = "", unit_columns: tuple[str, ...] = (), /) -> list[str]:
    """Return the headers as one line each, all different: a repeated one is numbered.

    Examples
    --------
    >>> names(["地区", "产值", None, "地区"], "万元", ("产值",))
    ['地区', '产值(万元)', 'column 3', '地区 (2)']
    """
    found: dict[str, None] = {}
    for at, cell in enumerate(header, start=1):
        name = re.sub(r"\s+", " ", cell) if cell else f"column {at}"
        if unit and plain(name) in {plain(column) for column in unit_columns}:
            name = f"{name}({unit})"
        again = (f"{name} ({n})" for n in count(2))
        found[next(new for new in again if new not in found) if name in found else name] = None
    return list(found)
