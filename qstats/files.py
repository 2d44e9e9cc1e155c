"""Files as people send them, and files as we leave them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qstats.errors import DataError
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

#: an unpacked workbook larger than this is refused (a packed file can unpack to anything)
MAX_UNPACKED = 500_000_000


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

    CSV may be UTF-8 (with or without BOM) or GBK, with commas, semicolons or tabs. In a
    workbook the first sheet is read; title rows above the header are skipped; a merged
    cell gives its value to all the cells it covers. All of it is said in ``notes``.

    Raises
    ------
    DataError
        The file does not exist, is empty, is neither CSV nor XLSX, or cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(say("file.missing", lang, path=path))
    if path.stat().st_size == 0:
        raise DataError(say("file.empty", lang, path=path))
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _read_workbook(path, lang)
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        return _read_text(path, lang)
    raise DataError(say("file.kind", lang, path=path, kind=path.suffix or "?"))


def _read_text(path: Path, lang: str | None) -> Reading:
    import csv

    raw, notes = path.read_bytes(), []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            raise DataError(say("file.encoding", lang, path=path)) from None
        notes.append(say("file.gbk", lang))
    if "\0" in text:
        raise DataError(say("file.encoding", lang, path=path))
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    rows, lines = [], []
    for row in reader:
        rows.append([_text(cell) for cell in row])
        lines.append(reader.line_num)
    return _framed(path, rows, lines, notes, set(), lang)


def _read_workbook(path: Path, lang: str | None) -> Reading:
    import zipfile

    try:
        import openpyxl
    except ImportError:
        raise DataError(say("file.needs_openpyxl", lang, path=path)) from None
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
        if size > MAX_UNPACKED:
            raise DataError(say("file.bomb", lang, path=path, size=size, limit=MAX_UNPACKED))
        book = openpyxl.load_workbook(path, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise DataError(say("file.broken", lang, path=path, error=error)) from error
    sheet = book.worksheets[0]
    rows = [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    copied: set[tuple[int, int]] = set()
    for area in sheet.merged_cells.ranges:
        if area.max_row == area.min_row:
            continue  # a title across columns, or a heading: nothing to copy down
        value = rows[area.min_row - 1][area.min_col - 1]
        for r in range(area.min_row, area.max_row + 1):
            for c in range(area.min_col, area.max_col + 1):
                if (r, c) != (area.min_row, area.min_col):
                    rows[r - 1][c - 1] = value
                    copied.add((r - 1, c - 1))
    return _framed(path, rows, list(range(1, len(rows) + 1)), [], copied, lang)


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip()
    return text or None


def _framed(
    path: Path,
    rows: list[list[str | None]],
    lines: list[int],
    notes: list[str],
    copied: set[tuple[int, int]],
    lang: str | None,
) -> Reading:
    """Find the header, drop empty rows, and make the table."""
    import pandas as pd

    filled = [i for i, row in enumerate(rows) if any(cell is not None for cell in row)]
    if not filled:
        raise DataError(say("file.empty", lang, path=path))
    width = max(len({cell for cell in rows[i] if cell is not None}) for i in filled)
    head = next(i for i in filled if len([c for c in rows[i] if c is not None]) > width // 2)
    titles = [next(c for c in rows[i] if c is not None) for i in filled if i < head]
    if titles:
        notes.append(say("file.titles", lang, titles="; ".join(titles)))
    columns = [re.sub(r"\s+", " ", cell) if cell else f"column {j + 1}" for j, cell in enumerate(rows[head])]
    while (
        columns
        and rows[head][len(columns) - 1] is None
        and not any(len(rows[i]) >= len(columns) and rows[i][len(columns) - 1] for i in filled if i > head)
    ):
        columns.pop()
    body = [i for i in filled if i > head]
    table = pd.DataFrame(
        [(rows[i] + [None] * len(columns))[: len(columns)] for i in body], columns=columns, dtype=object
    )
    place = {i: at for at, i in enumerate(body)}
    merged = {(place[r], columns[c]) for r, c in copied if r in place and c < len(columns)}
    if merged:
        notes.append(say("file.merged", lang, count=len(merged)))
    return Reading(table, [lines[i] for i in body], notes, merged)
