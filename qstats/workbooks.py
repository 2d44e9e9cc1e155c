"""Workbooks opened with care: refused when they would fill the memory, read as grids of text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from qstats.errors import DataError
from qstats.messages import say

#: an unpacked workbook larger than this (bytes) is refused: a packed file can unpack to anything
MAX_UNPACKED: Final = 200_000_000
#: a part that unpacks to so many times its packed size is refused, unless it stays small; sheets
#: of real returns unpack to 5 to 40 times
MAX_RATIO: Final = 200
#: a part smaller than this (bytes, unpacked) may have any ratio
SMALL: Final = 5_000_000
#: a workbook of more parts than this is refused
MAX_PARTS: Final = 10_000
#: a sheet whose used area, or a workbook whose filled cells or merged areas have more cells, is refused:
#: one cell in the last corner, or one merged area, makes 17,000,000,000 of them, half a kilobyte each
MAX_CELLS: Final = 2_000_000
#: how far down a sheet is looked at to see whether it holds the table
_GLANCE: Final = 60
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s/>]")
_CELL: Final = re.compile(rb"<(?:\w+:)?c[\s/>]")
#: elements that make a cell for each place of their range
_RANGES: Final = (b"mergeCell", b"hyperlink", b"comment")
_LAST_ROW: Final = 1_048_576
_LAST_COLUMN: Final = 16_384
#: how XML of two bytes a letter begins; no spreadsheet writes it
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_DECLARATION: Final = (b"<!DOCTYPE", b"<!ENTITY")
#: so much of a piece is looked at again with the next: a mark may lie across both
_OVERLAP: Final = 32
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

IsHeader = Callable[[str], bool]


class Grid(NamedTuple):
    """A sheet as it stands; rows and columns are counted from 0.

    Attributes
    ----------
    name : str
        The sheet; empty for a text file.
    rows : list of list of (str or None)
        Cells as text, None where empty.
    areas : tuple of (int, int, int, int)
        Merged areas: first and last row, first and last column.
    hidden_rows, hidden_columns : frozenset of int
        Rows and columns that are not shown.
    unsaved : frozenset of (int, int)
        Cells with a formula whose value was not saved.
    """

    name: str
    rows: list[list[str | None]]
    areas: tuple[tuple[int, int, int, int], ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    unsaved: frozenset[tuple[int, int]] = frozenset()


class Unread(NamedTuple):
    """A sheet that was not read: its name, the number of its rows, whether it is hidden."""

    name: str
    rows: int
    hidden: bool


def open_workbook(
    path: Path, /, *, sheet: str | None, is_header: IsHeader | None, lang: str | None
) -> tuple[list[Grid], list[Unread]]:
    """Return the sheets to read as grids, and the sheets that were left.

    Parameters
    ----------
    path : Path
        An XLSX file.
    sheet : str or None
        The name of a sheet; ``*`` for every sheet that is shown and not empty; None for the only one
        with known headers, or the first that is shown when no header is known.
    is_header : callable or None
        Whether a text is a header of the table that is looked for.
    lang : {"zh", "en"} or None
        Language of the messages.

    Raises
    ------
    DataError
        openpyxl is absent; the file is broken, or would unpack to too much; there is no such sheet;
        several could be the table.
    """
    try:
        import openpyxl
    except ImportError:
        raise DataError(say("file.needs_openpyxl", lang, path=path)) from None
    formulas = _inspected(path, lang)
    try:
        book = _loaded(openpyxl, path, values=True)
        marked = _loaded(openpyxl, path, values=False) if formulas else None
    except Exception as error:  # a broken workbook fails in openpyxl, zlib or the XML parser, each in its way
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    if not book.worksheets:
        raise DataError(say("file.empty", lang, path=path))
    chosen = _chosen(book.worksheets, sheet, is_header, path, lang)
    left = [
        Unread(s.title, int(s.max_row), s.sheet_state != "visible")
        for s in book.worksheets
        if s not in chosen and any(any(row) for row in _glance(s))
    ]
    return [_grid(s, marked[s.title] if marked else None, lang) for s in chosen], left


def _loaded(openpyxl: Any, path: Path, *, values: bool) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that do not matter here
        return openpyxl.load_workbook(path, data_only=values)


def _inspected(path: Path, lang: str | None) -> bool:
    """Refuse a bomb by what it declares and by what it holds; return whether it has formulas."""
    formulas, cells = False, 0
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            _refuse_declared(path, parts, lang)
            for part in parts:
                ranges = False
                for piece in _pieces(packed, part, path, lang):
                    formulas = formulas or bool(_FORMULA.search(piece))
                    ranges = ranges or any(name in piece for name in _RANGES)
                    cells += len(_CELL.findall(piece))
                    _refuse_cells(cells, path, lang)
                for area in _areas(packed, part) if ranges else ():
                    cells += area
                    _refuse_cells(cells, path, lang)
    except DataError:
        raise
    except zipfile.BadZipFile:
        raise DataError(say("file.damaged", lang, path=path)) from None
    except Exception as error:  # zipfile, zlib and the XML parser fail each in its way
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    return formulas


def _refuse_cells(count: int, path: Path, lang: str | None) -> None:
    if count > MAX_CELLS:
        raise DataError(say("file.cells", lang, path=path, limit=f"{MAX_CELLS:,}"))


def _refuse_declared(path: Path, parts: list[zipfile.ZipInfo], lang: str | None) -> None:
    """Refuse by the sizes that the archive declares, before anything is unpacked."""
    size = sum(part.file_size for part in parts)
    if size > MAX_UNPACKED:
        raise DataError(say("file.bomb", lang, path=path, size=f"{size:,}", limit=f"{MAX_UNPACKED:,}"))
    if len(parts) > MAX_PARTS:
        raise DataError(say("file.parts", lang, path=path, count=f"{len(parts):,}", limit=f"{MAX_PARTS:,}"))
    for part in parts:
        if part.compress_type not in _METHODS:
            raise DataError(say("file.packing", lang, path=path, part=part.filename[:80]))
        ratio = part.file_size / max(part.compress_size, 1)
        if part.file_size > SMALL and ratio > MAX_RATIO:
            told = {"part": part.filename[:80], "ratio": f"{ratio:,.0f}", "limit": MAX_RATIO}
            raise DataError(say("file.ratio", lang, path=path, **told))


def _pieces(packed: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path, lang: str | None) -> Iterator[bytes]:
    """Unpack a part in pieces, each with the end of the one before it.

    A part that is not as large as it declares, that declares entities, or that is not in an encoding
    whose letters are ASCII (in which marks would not be seen) is refused.
    """
    last, size, told = b"", 0, part.filename[:80]
    with packed.open(part) as stream:
        while piece := stream.read(1 << 20):
            if not size and piece.startswith(_WIDE):
                raise DataError(say("file.wide", lang, path=path, part=told))
            size += len(piece)
            text = last + piece
            if any(mark in text for mark in _DECLARATION):
                raise DataError(say("file.entities", lang, path=path, part=told))
            yield text
            last = piece[-_OVERLAP:]
    if size != part.file_size:
        raise DataError(say("file.broken", lang, path=path, error=f"{told}: {size} bytes"))


def _areas(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[int]:
    """Return how many cells each merged area, link or comment of a part would make."""
    from xml.parsers import expat

    from openpyxl.utils.cell import range_boundaries

    found: list[int] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2].encode() in _RANGES and (ref := attributes.get("ref")):
            left, top, right, bottom = range_boundaries(ref.upper())
            tall = (bottom or _LAST_ROW) - (top or 1) + 1
            wide = (right or _LAST_COLUMN) - (left or 1) + 1
            found.append(max(tall, 1) * max(wide, 1))

    parser = expat.ParserCreate()
    parser.StartElementHandler = started
    with packed.open(part) as stream:
        while piece := stream.read(1 << 20):
            parser.Parse(piece, False)
            yield from found
            found.clear()
    parser.Parse(b"", True)
    yield from found


def _glance(sheet: Any) -> Iterator[list[str]]:
    """Return the texts of the first rows of a sheet."""
    width = min(int(sheet.max_column), 500)
    for row in sheet.iter_rows(max_row=min(int(sheet.max_row), _GLANCE), max_col=width, values_only=True):
        yield [text for text in map(text_of_cell, row) if text]


def _chosen(
    sheets: list[Any], wanted: str | None, is_header: IsHeader | None, path: Path, lang: str | None
) -> list[Any]:
    shown = [s for s in sheets if s.sheet_state == "visible"] or sheets[:1]
    if wanted == "*":
        return [s for s in shown if any(_glance(s))]
    if wanted is not None:
        named = [s for s in sheets if s.title.strip() == wanted.strip()]
        if not named:
            names = ", ".join(s.title for s in sheets)
            raise DataError(say("file.no_sheet", lang, path=path, sheet=wanted, names=names))
        return named
    if is_header is None or len(shown) == 1:
        return shown[:1]
    scores = [max((sum(map(is_header, set(row))) for row in _glance(s)), default=0) for s in shown]
    best = [s for s, score in zip(shown, scores, strict=True) if score == max(scores)]
    if max(scores) < 2:
        return shown[:1]
    if len(best) > 1:
        names = ", ".join(s.title for s in best)
        raise DataError(say("file.which_sheet", lang, path=path, names=names))
    return best


def _grid(sheet: Any, marked: Any, lang: str | None) -> Grid:
    if sheet.max_row * sheet.max_column > MAX_CELLS:
        reach = {"sheet": sheet.title, "rows": sheet.max_row, "columns": sheet.max_column}
        raise DataError(say("file.far", lang, **reach))
    rows = [[text_of_cell(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    return Grid(
        name=sheet.title,
        rows=rows,
        areas=tuple(
            (a.min_row - 1, a.max_row - 1, a.min_col - 1, a.max_col - 1) for a in sheet.merged_cells.ranges
        ),
        hidden_rows=frozenset(at - 1 for at, row in sheet.row_dimensions.items() if row.hidden),
        hidden_columns=frozenset(
            at - 1
            for column in sheet.column_dimensions.values()
            if column.hidden and column.min
            for at in range(column.min, min(column.max, sheet.max_column) + 1)
        ),
        unsaved=frozenset(_unsaved(rows, marked)) if marked is not None else frozenset(),
    )


def _unsaved(rows: list[list[str | None]], marked: Any) -> Iterator[tuple[int, int]]:
    """Return the cells that hold a formula and no value."""
    for r, row in enumerate(marked.iter_rows()):
        for c, cell in enumerate(row):
            if cell.data_type == "f" and rows[r][c] is None:
                yield r, c


def text_of_cell(cell: Any) -> str | None:
    """Return a cell as text, None when it is empty; a whole number without a decimal point."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() or None
