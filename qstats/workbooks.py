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
#: a sheet whose used area has more cells is refused: one cell in the last corner makes 17,000,000,000
MAX_CELLS: Final = 20_000_000
#: how far down a sheet is looked at to see whether it holds the table
_GLANCE: Final = 60
_FORMULA: Final = re.compile(rb"<f[ />]")
_DECLARATION: Final = tuple(
    text.encode(code) for text in ("<!DOCTYPE", "<!ENTITY") for code in ("utf-8", "utf-16-le", "utf-16-be")
)
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
    formulas = False
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            _refuse_declared(path, parts, lang)
            for part in parts:
                if not part.is_dir():
                    formulas |= _read_through(packed, part, path, lang)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    except Exception as error:  # zlib has an error of its own
        if isinstance(error, DataError):
            raise
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    return formulas


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


def _read_through(packed: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path, lang: str | None) -> bool:
    """Unpack a part in pieces: one that is not as large as it declares, or declares entities, is refused."""
    formulas, last, size = False, b"", 0
    with packed.open(part) as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            text = last + piece
            if any(mark in text for mark in _DECLARATION):
                raise DataError(say("file.entities", lang, path=path, part=part.filename[:80]))
            formulas |= part.filename.startswith("xl/worksheets/") and bool(_FORMULA.search(text))
            last = piece[-32:]
    if size != part.file_size:
        raise DataError(say("file.broken", lang, path=path, error=f"{part.filename[:80]}: {size} bytes"))
    return formulas


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
