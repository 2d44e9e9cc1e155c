"""Files as people send them, and files as we leave them."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats.errors import DataError
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

#: an unpacked workbook larger than this is refused: a packed file can unpack to anything
MAX_UNPACKED: Final = 200_000_000
#: a sheet whose used area has more cells is refused: one cell in the last corner makes 17,000,000,000
MAX_CELLS: Final = 20_000_000
_TEXTS: Final = (".csv", ".txt", ".tsv")
_WORKBOOKS: Final = (".xlsx", ".xlsm")
_UNIT_ABOVE: Final = re.compile(r"(?:^|[\s(\uff08])单位\s*[:\uff1a]?\s*[百千万亿十]")


class Reading(NamedTuple):
    """A table as read, before it is understood: all text.

    Attributes
    ----------
    table : pandas.DataFrame
        Every cell as text, None where empty.
    lines : list of int
        The row of the file that each row came from, as a spreadsheet numbers it.
    notes : list of str
        What was done to read it (encoding, skipped titles, merged cells).
    merged : set of (int, str)
        Cells (position in `table`, column) whose value was copied from a merged cell.
    """

    table: pd.DataFrame
    lines: list[int]
    notes: list[str]
    merged: set[tuple[int, str]]


def data_root() -> Path:
    """Return the folder of the bundled data: in the package, or beside it in a checkout."""
    here = Path(__file__).resolve().parent
    for root in (here / "_data", here.parent / "data"):
        if (root / "datapackage.json").is_file():
            return root
    raise DataError(
        f"the bundled data are missing: neither {here / '_data'} nor {here.parent / 'data'} has them"
    )


def data_path(name: str) -> Path:
    """Return the path of a bundled file; Parquet stands in for a CSV that was too large to ship."""
    path = data_root() / name
    packed = path.with_suffix(".parquet")
    if not path.is_file() and packed.is_file():
        return packed
    if not path.is_file():
        raise DataError(f"no bundled file {name!r} in {data_root()}")
    return path


@contextmanager
def write_atomic(path: Path | str) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` when all went well.

    A reader, or a run killed half way, never sees half a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_table(path: Path | str, /, *, lang: str | None = None) -> Reading:
    """Read a CSV or XLSX file as people send it, every cell as text.

    CSV may be UTF-8 (with or without BOM), UTF-16 or GBK, with commas, semicolons or tabs. In a
    workbook the first sheet is read. What the file holds decides, not what it is called. Title
    rows above the header are skipped; a merged cell gives its value to all the cells below it
    that it covers. All of it is said in ``notes``.

    Raises
    ------
    DataError
        The file does not exist, may not be opened, is empty, is neither CSV nor XLSX, or is
        broken; a unit such as 万元 stands above the header, where it belongs to no column.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(say("file.folder", lang, path=path))
    if not path.is_file():
        raise DataError(say("file.missing", lang, path=path))
    kind = path.suffix.lower()
    if kind not in (*_TEXTS, *_WORKBOOKS, ".xls"):
        raise DataError(say("file.kind", lang, path=path, kind=path.suffix or "?"))
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(say("file.denied", lang, path=path, error=error.strerror)) from error
    if not raw:
        raise DataError(say("file.empty", lang, path=path))
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(say("file.old", lang, path=path))
    if raw.startswith(b"PK"):
        notes = [] if kind in _WORKBOOKS else [say("file.is_workbook", lang, kind=kind)]
        return _read_workbook(path, notes, lang)
    notes = [] if kind in _TEXTS else [say("file.is_text", lang, kind=kind)]
    return _read_text(path, raw, notes, lang)


def _decoded(path: Path, raw: bytes, notes: list[str], lang: str | None) -> str:
    """Return the text of a file, and note when it is not UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append(say("file.utf16", lang))
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        raise DataError(say("file.encoding", lang, path=path)) from None
    notes.append(say("file.gbk", lang))
    return text


def _read_text(path: Path, raw: bytes, notes: list[str], lang: str | None) -> Reading:
    import csv

    text = _decoded(path, raw, notes, lang)
    if "\0" in text:
        raise DataError(say("file.nul", lang, path=path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[list[str | None]] = []
    try:
        rows.extend([cell.strip() or None for cell in row] for row in reader)
    except csv.Error as error:
        raise DataError(say("file.quotes", lang, path=path, row=len(rows) + 1, error=error)) from None
    return _framed(path, rows, notes, [], lang)


def _delimiter(text: str) -> str:
    """Return the mark that stands equally often in the most of the first lines."""
    lines = text[:100_000].splitlines()[:20]

    def regularity(mark: str) -> tuple[int, int]:
        counts = [n for n in (line.count(mark) for line in lines) if n]
        return max(((counts.count(n), n) for n in counts), default=(0, 0))

    return max(",;\t", key=regularity)


def _read_workbook(path: Path, notes: list[str], lang: str | None) -> Reading:
    sheet = _first_sheet(path, notes, lang)
    rows = [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    areas = [(a.min_row - 1, a.max_row - 1, a.min_col - 1, a.max_col - 1) for a in sheet.merged_cells.ranges]
    return _framed(path, rows, notes, areas, lang)


def _first_sheet(path: Path, notes: list[str], lang: str | None) -> Any:
    """Open a workbook; refuse one that would fill the memory."""
    import warnings
    import zipfile

    try:
        import openpyxl
    except ImportError:
        raise DataError(say("file.needs_openpyxl", lang, path=path)) from None
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
        if size > MAX_UNPACKED:
            raise DataError(say("file.bomb", lang, path=path, size=f"{size:,}", limit=f"{MAX_UNPACKED:,}"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not matter here
            book = openpyxl.load_workbook(path, data_only=True)
        sheet = book.worksheets[0]
    except DataError:
        raise
    except Exception as error:  # a broken workbook fails in openpyxl, zlib or the XML parser, each in its way
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    if sheet.max_row * sheet.max_column > MAX_CELLS:
        reach = {"sheet": sheet.title, "rows": sheet.max_row, "columns": sheet.max_column}
        raise DataError(say("file.far", lang, **reach))
    if len(book.worksheets) > 1:
        notes.append(say("file.sheets", lang, count=len(book.worksheets), sheet=sheet.title))
    return sheet


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() or None


def _framed(
    path: Path,
    rows: list[list[str | None]],
    notes: list[str],
    areas: list[tuple[int, int, int, int]],
    lang: str | None,
) -> Reading:
    """Fill merged areas, find the header, drop empty rows, and make the table."""
    import pandas as pd

    copied = _fill(rows, areas)
    filled = [i for i, row in enumerate(rows) if any(row)]
    if not filled:
        raise DataError(say("file.empty", lang, path=path))
    head = _header_row(rows, filled, areas)
    titles = [next(filter(None, rows[i])) for i in filled if i < head]
    _refuse_units(rows, [i for i in filled if i < head], lang)
    if titles:
        notes.append(say("file.titles", lang, titles="; ".join(map(str, titles))))
    body = [i for i in filled if i > head]
    width = max(
        (j + 1 for i in (head, *body) for j in range(len(rows[i]) - 1, -1, -1) if rows[i][j]), default=0
    )
    columns = _names((rows[head] + [None] * width)[:width])
    cells = [
        row if len(row) == width else (row + [None] * width)[:width] for row in map(rows.__getitem__, body)
    ]
    table = pd.DataFrame(cells, columns=columns, dtype=object)
    place = {i: at for at, i in enumerate(body)}
    merged = {(place[r], columns[c]) for r, c in copied if r in place and c < len(columns)}
    if merged:
        notes.append(say("file.merged", lang, count=len(merged)))
    return Reading(table, [i + 1 for i in body], notes, merged)


def _fill(rows: list[list[str | None]], areas: list[tuple[int, int, int, int]]) -> set[tuple[int, int]]:
    """Give every cell that a merged area covers its value; return the cells filled.

    An area of one row is a title or a heading over columns: it is left as it is.
    """
    copied: set[tuple[int, int]] = set()
    for top, bottom, left, right in areas:
        if top == bottom:
            continue
        for r, c in product(range(top, bottom + 1), range(left, right + 1)):
            if (r, c) != (top, left):
                rows[r][c] = rows[top][left]
                copied.add((r, c))
    return copied


def _header_row(
    rows: list[list[str | None]], filled: list[int], areas: list[tuple[int, int, int, int]]
) -> int:
    """Return the first row that fills more than half of the width; of a header of two rows, the second."""
    width = max(len({cell for cell in rows[i] if cell is not None}) for i in filled)
    head = next(i for i in filled if sum(cell is not None for cell in rows[i]) > width // 2)
    while any(top <= head < bottom for top, bottom, _, _ in areas):
        head += 1
    return head


def _refuse_units(rows: list[list[str | None]], above: list[int], lang: str | None) -> None:
    for title in (cell for i in above for cell in rows[i] if cell and _UNIT_ABOVE.search(cell)):
        raise DataError(say("file.unit_above", lang, title=title))


def _names(header: list[str | None]) -> list[str]:
    """Return the headers as one line each, all different: a repeated one is numbered."""
    names: dict[str, None] = {}
    for at, cell in enumerate(header, start=1):
        name = re.sub(r"\s+", " ", cell) if cell else f"column {at}"
        again = (f"{name} ({n})" for n in count(2))
        names[next(new for new in again if new not in names) if name in names else name] = None
    return list(names)
