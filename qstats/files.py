"""Files as people send them, and files as we leave them."""

from __future__ import annotations

import io
import math
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal

from qstats.errors import DataError, OptionError, QStatsError, kind_of, one_of
from qstats.layouts import PLAIN, Layout, understood
from qstats.messages import say
from qstats.readings import Part, Reading, Seen
from qstats.workbooks import Grid, IsHeader, open_workbook

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Layout", "Reading", "data_path", "data_root", "read_table"]
__all__ += ["write_atomic", "write_csv", "write_xlsx"]

#: a larger file is not read into memory
MAX_BYTES: Final = 500_000_000
_TEXTS: Final = (".csv", ".txt", ".tsv")
_WORKBOOKS: Final = (".xlsx", ".xlsm")
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
#: what may not stand in the name of a file, on one system or another
_REFUSED: Final = frozenset('/\\:*?"<>|')
_DEVICES: Final = ("CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in range(1, 10)))
#: a spreadsheet takes a text that begins so for a formula
_COMMANDS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: addresses of databases and of the web, with one slash too, as a path has them
_ADDRESS: Final = re.compile(r"\s*(?:[a-z][\w.+-]+:/|(?:jdbc|postgres(?:ql)?|mysql|sqlite):)", re.IGNORECASE)
#: a cell of a workbook holds so many characters
_LONGEST_CELL: Final = 32_767


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

    A reader, or a run killed half way, never sees half a file. What is no file (``/dev/null``, a pipe) is
    written to and stays what it is.
    """
    kind_of("path", path, (str, Path), what="the path of a file")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    device = path.exists() and not (path.is_file() or path.is_dir())
    where = None if device else path.parent
    os.close((made := tempfile.mkstemp(path.suffix, f".{path.name[:40]}.", where))[0])
    temporary = Path(made[1])
    try:
        yield temporary
        if device:
            path.write_bytes(temporary.read_bytes())
            return
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_table(
    path: Path | str,
    /,
    *,
    layout: Layout | None = None,
    is_header: IsHeader | None = None,
    lang: str | None = None,
) -> Reading:
    r"""Read a CSV or XLSX file as people send it, every cell as text, by declared rules.

    CSV may be UTF-8 (with or without BOM), UTF-16 or GBK, with commas, semicolons or tabs. What the file
    holds decides, not what it is called. Title rows above the header are skipped; a merged cell gives its
    value to all the cells below it that it covers; totals and footnotes are left out. All of it is said
    in ``notes`` and, row by row, in ``seen``.

    Parameters
    ----------
    path : path
        The file.
    layout : Layout, optional
        The rules; by default ``Layout()`` when headers are known, else all below the header is data.
    is_header : callable, optional
        Whether a text is a header of the table that is looked for: it finds the sheet and the row.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        The file does not exist, may not be opened, is empty, is neither CSV nor XLSX, is broken, or
        would fill the memory; a unit such as 万元 stands above the header, where it belongs to no
        column; rows are hidden, formulas have no value, or sheets compete, and no rule says what to do.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "t.csv"
    >>> rows = ["2023年汇总", "地区,检验数,合格数", "安徽,100,90", "合计,100,90"]
    >>> _ = path.write_text("\n".join(rows), encoding="utf-8")
    >>> read_table(path, layout=Layout(), lang="en").seen[["row", "what"]].values.tolist()
    [[1, 'title'], [2, 'header'], [3, 'data'], [4, 'total']]
    """
    require_file(path, lang)
    kind_of("layout", layout, (Layout, NoneType), what="a Layout")
    kind_of("is_header", is_header, (Callable, NoneType), what="a function")  # type: ignore[arg-type]
    rules = layout or (Layout() if is_header else PLAIN)
    path = Path(path)
    raw, kind = _opened(path, lang)
    if raw.startswith(b"PK"):
        notes = [] if kind in _WORKBOOKS else [say("file.is_workbook", lang, kind=kind)]
        grids, unread = open_workbook(path, sheet=rules.sheet, is_header=is_header, lang=lang)
        if unread:
            names = ", ".join(grid.name for grid in grids)
            notes.append(say("file.sheets", lang, count=len(grids) + len(unread), sheet=names))
        seen = [
            Seen(s.name, None, "sheet", f"{s.rows}", say(f"layout.sheet.{s.hidden:d}", lang)) for s in unread
        ]
    else:
        notes = [] if kind in _TEXTS else [say("file.is_text", lang, kind=kind)]
        grids, seen = [Grid("", _text_rows(path, raw, notes, lang))], []
    parts = [understood(path, grid, rules, is_header, lang) for grid in grids]
    return _together([grid.name for grid in grids], parts, notes, seen, lang)


def require_file(path: Path | str, lang: str | None = None, /) -> None:
    """Raise DataError unless a path is that of a file; an address is not repeated: it may hold a password.

    Examples
    --------
    >>> require_file("mysql://me:secret@db.example.org/returns", "en")
    Traceback (most recent call last):
    qstats.errors.DataError: An address is no file. A database is read by qs.read_database ...
    """
    if not isinstance(path, str | Path):
        raise OptionError(f"path={path!r:.200} is not the path of a file", argument="path", value=path)
    try:
        folder, file, refused = Path(path).is_dir(), Path(path).is_file(), ""
    except OSError as error:  # a name that is too long
        folder, file, refused = False, False, f"{error.strerror}"
    if not folder and not file and _ADDRESS.match(str(path)):
        raise DataError(say("file.address", lang))
    if refused:
        raise DataError(say("file.denied", lang, path=f"{path!s:.200}", error=refused))
    if folder or not file:
        raise DataError(say("file.folder" if folder else "file.missing", lang, path=path))


def _opened(path: Path, lang: str | None) -> tuple[bytes, str]:
    """Return the bytes of a file and what it calls itself."""
    kind = path.suffix.lower()
    if kind not in (*_TEXTS, *_WORKBOOKS, ".xls"):
        known = "file.parquet" if kind in (".parquet", ".pq") else "file.kind"
        raise DataError(say(known, lang, path=path, kind=path.suffix or "?"))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise DataError(say("file.large", lang, path=path, size=f"{size:,}", limit=f"{MAX_BYTES:,}"))
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(say("file.denied", lang, path=path, error=error.strerror)) from error
    if not raw:
        raise DataError(say("file.empty", lang, path=path))
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(say("file.old", lang, path=path))
    return raw, kind


def _together(
    sheets: list[str], parts: list[Part], notes: list[str], seen: list[Seen], lang: str | None
) -> Reading:
    """Return the tables of the sheets one below the other; they must have the same headers."""
    import pandas as pd

    for name, part in zip(sheets, parts, strict=True):
        if set(part.table.columns) != set(parts[0].table.columns):
            other = ", ".join(sorted(set(part.table.columns) ^ set(parts[0].table.columns)))
            raise DataError(say("file.sheets_differ", lang, sheet=name, first=sheets[0], columns=other))
    starts = [sum(len(p.table) for p in parts[:at]) for at in range(len(parts))]
    table = pd.concat([part.table for part in parts], ignore_index=True) if len(parts) > 1 else parts[0].table
    lines = [line for part in parts for line in part.lines]
    merged = {(start + at, c) for start, part in zip(starts, parts, strict=True) for at, c in part.merged}
    told = pd.DataFrame([*seen, *(line for part in parts for line in part.seen)], columns=list(Seen._fields))
    named = [name for name, part in zip(sheets, parts, strict=True) for _ in part.lines]
    notes = [*notes, *(note for part in parts for note in part.notes)]
    letters = {(name, c): x for name, p in zip(sheets, parts, strict=True) for c, x in p.letters.items()}
    return Reading(table, lines, notes, merged, told.astype({"row": "Int64"}), named, letters)


def _decoded(path: Path, raw: bytes, notes: list[str], lang: str | None) -> str:
    """Return the text of a file, and note when it is not UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append(say("file.utf16", lang))
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise DataError(say("file.broken_text", lang, path=path)) from None
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


def _text_rows(path: Path, raw: bytes, notes: list[str], lang: str | None) -> list[list[str | None]]:
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
    return rows


def _delimiter(text: str) -> str:
    """Return the mark that stands equally often in the most of the first lines."""
    lines = _QUOTED.sub("", text[:100_000]).splitlines()[:20]

    def regularity(mark: str) -> tuple[int, int]:
        counts = [n for n in (line.count(mark) for line in lines) if n]
        return max(((counts.count(n), n) for n in counts), default=(0, 0))

    return max(",;\t", key=regularity)


def safe_name(text: str, /, *, longest: int = 120) -> str:
    """Return a text as the name of a file: no folder, no device, nothing that cannot be seen.

    Separators, control and direction marks and what a file system refuses become ``_``; the name is
    at most `longest` bytes of UTF-8 (an ending of up to 16 bytes is kept); an empty one is ``_``.

    Examples
    --------
    >>> safe_name("../安徽:\u202e2023.xlsx"), safe_name("CON"), safe_name("")
    ('_安徽__2023.xlsx', '_CON', '_')
    """
    seen = unicodedata.normalize("NFC", text)
    seen = "".join("_" if c in _REFUSED or not (c.isprintable() or c == "\u3000") else c for c in seen)
    seen = seen.strip(" .")
    if seen.split(".")[0].rstrip().upper() in _DEVICES:
        seen = f"_{seen}"
    stem, dot, ending = seen.rpartition(".")
    tail = dot + ending if stem and len((dot + ending).encode()) <= 16 else ""
    stem = seen.removesuffix(tail) if tail else seen
    room = longest - len(tail.encode())
    return (stem.encode()[:room].decode(errors="ignore").rstrip(" .") + tail) or "_"


def guarded(value: Any, /) -> Any:
    """Return a cell for a CSV: a text that a spreadsheet would run as a formula gets an apostrophe.

    Numbers, also as text (``-3``), are left as they are; :func:`unguarded` takes it away.

    Examples
    --------
    >>> guarded("=cmd|' /C calc'!A0"), guarded("-3"), guarded("- none"), guarded(-3)
    ("'=cmd|' /C calc'!A0", '-3', "'- none", -3)
    """
    if not isinstance(value, str) or not value.lstrip("'").startswith(_COMMANDS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def unguarded(value: Any, /) -> Any:
    """Return what :func:`guarded` was given."""
    commanding = isinstance(value, str) and value.startswith("'") and guarded(value[1:]) == value
    return value[1:] if commanding else value


def write_csv(
    table: pd.DataFrame, path: Path | str, /, *, formulas: Literal["guard", "keep"] = "guard"
) -> Path:
    """Write a table as CSV (RFC 4180, UTF-8 with a byte order mark), whole or not at all.

    Parameters
    ----------
    table : pandas.DataFrame
        The index is not written.
    path : path
        The file; it is replaced if it exists.
    formulas : {"guard", "keep"}
        ``guard``: headers and texts that begin with ``= + - @`` (also full-width), a tab or a line break
        get an apostrophe in front, unless they are numbers; ``keep``: they are written as they are.

    Returns
    -------
    pathlib.Path
        The absolute path.

    Examples
    --------
    >>> import pandas as pd
    >>> path = write_csv(pd.DataFrame({"name": ["=1+1"], "n": [-2]}), getfixture("tmp_path") / "t.csv")
    >>> path.read_text(encoding="utf-8-sig").splitlines()
    ['name,n', "'=1+1,-2"]
    """
    one_of("formulas", formulas, ("guard", "keep"))
    written = table.map(guarded).rename(columns=guarded) if formulas == "guard" else table
    with write_atomic(path) as temporary:
        written.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    return Path(path).resolve()


def write_xlsx(
    table: pd.DataFrame, path: Path | str, /, *, sheet: str = "data", lang: str | None = None
) -> Path:
    """Write a table as a workbook in which a text is never a formula or a link.

    Raises
    ------
    DataError
        A text is longer than a cell holds (32,767 characters): it would be lost.
    QStatsError
        XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise QStatsError(say("form.needs_xlsxwriter", lang)) from None
    _refuse_long(table, lang)
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with write_atomic(path) as temporary:  # made in memory: a disk that is full is met by one write
        book = xlsxwriter.Workbook(made := io.BytesIO(), plain | {"in_memory": True})
        book.set_properties({"created": datetime(2020, 1, 1)})  # so that the same table gives the same bytes
        page = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", "_", sheet)[:31].strip("'") or "data")
        for at, name in enumerate(table.columns):
            page.write_string(0, at, str(name))
            for row, value in enumerate(table[name].tolist(), start=1):
                if isinstance(value, bool):
                    page.write_boolean(row, at, value)
                elif isinstance(value, int | float) and math.isfinite(value):
                    page.write_number(row, at, value)
                elif isinstance(value, str):
                    page.write_string(row, at, value)
                elif not (value is None or value != value or type(value).__name__ == "NAType"):
                    page.write_string(row, at, str(value))
        page.freeze_panes(1, 0)
        book.close()
        temporary.write_bytes(made.getvalue())
    return Path(path).resolve()


def _refuse_long(table: pd.DataFrame, lang: str | None) -> None:
    for name in table.columns:
        for row, value in enumerate(table[name].tolist(), start=1):
            if isinstance(value, str) and len(value) > _LONGEST_CELL:
                told = {"row": row, "column": str(name)[:40], "count": len(value), "limit": _LONGEST_CELL}
                raise DataError(say("file.too_long", lang, **told))
