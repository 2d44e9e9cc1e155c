"""A finished page in other forms: PDF, a workbook, a folder of CSV in one file, SDMX-CSV.

Tables are taken from the page itself, so what is exchanged is what was published.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
import unicodedata
import zipfile
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from qstats.errors import QStatsError
from qstats.files import guarded, safe_name, write_atomic
from qstats.messages import language, say
from qstats.report import contents
from qstats.report.contents import Contents, Table
from qstats.report.editions import Edition

_CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_ENDINGS: Final = {"pdf": ".pdf", "xlsx": ".xlsx", "csv": ".csv.zip", "sdmx": ".sdmx.csv"}
_PDF_DATE: Final = re.compile(rb"/(CreationDate|ModDate) \(D:[^)]*\)")
#: Chromium numbers the elements of a tagged PDF by a counter that depends on its timing
_PDF_NODE: Final = re.compile(rb"\(node(\d{8})\)")
_PDF_SECONDS: Final = 180
#: a column of a workbook is at least and at most so many characters wide
_WIDTH: Final = (6, 60)


def export(form: str, edition: Edition, page: Path, folder: Path, /) -> Path:
    """Write a finished page in another form, under the name of its edition; return the file."""
    path = folder / (edition.name + _ENDINGS[form])
    if form == "pdf":
        return pdf(page, path)
    if form == "sdmx":
        from qstats.report import sdmx

        return sdmx.write(edition, path)
    read = contents.read(page, lang=edition.lang)
    return workbook(read, path) if form == "xlsx" else archive(read, path)


def require(formats: Sequence[str], /) -> None:
    """Refuse formats whose tool is absent, before any work is done.

    Raises
    ------
    QStatsError
        Chromium, XlsxWriter or pysdmx is not installed.
    """
    if "pdf" in formats and chromium() is None:
        raise QStatsError(say("publish.no_chromium"))
    if "xlsx" in formats and find_spec("xlsxwriter") is None:
        raise QStatsError(say("form.needs_xlsxwriter"))
    if "sdmx" in formats and find_spec("pysdmx") is None:
        raise QStatsError(say("publish.no_pysdmx"))


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((found for name in _CHROMIUM if (found := shutil.which(name))), None)


def pdf(page: Path, path: Path, /) -> Path:
    """Print a page to PDF, tagged and with an outline; without a date, so that it can be made again.

    Raises
    ------
    QStatsError
        There is no Chromium, or it did not print.
    """
    browser = chromium()
    if browser is None:
        raise QStatsError(say("publish.no_chromium"))
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with write_atomic(path) as temporary, tempfile.TemporaryDirectory(prefix="qstats-") as profile:
        flags = [
            "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", *root,
            "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
            "--generate-pdf-document-outline", f"--user-data-dir={profile}", f"--print-to-pdf={temporary}",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                [browser, *flags, page.resolve().as_uri()],
                capture_output=True,
                timeout=_PDF_SECONDS,
                check=False,
            )
            fault = f"exit code {done.returncode}"
        except subprocess.TimeoutExpired:
            fault = f"{_PDF_SECONDS} s"
        made = temporary.read_bytes()
        if not made.startswith(b"%PDF-"):
            raise QStatsError(say("publish.not_printed", page=page.name, fault=fault))
        temporary.write_bytes(_renumbered(_PDF_DATE.sub(_undated, made)))
    return path


def _undated(match: re.Match[bytes]) -> bytes:
    """Return a date of the same length that says nothing, so that no offset in the file moves."""
    room = len(match[0]) - len(match[1]) - len(b"/ (D:)")
    return b"/" + match[1] + b" (D:" + b"20200101000000+00'00'"[:room].ljust(room) + b")"


def _renumbered(made: bytes) -> bytes:
    """Return a PDF whose elements are numbered from 1, in the same order and with as many digits."""
    known = sorted({int(number) for number in _PDF_NODE.findall(made)})
    numbers = {old: b"(node%08d)" % new for new, old in enumerate(known, start=1)}
    return _PDF_NODE.sub(lambda match: numbers[int(match[1])], made)


def archive(page: Contents, path: Path, /) -> Path:
    """Write the tables of a page as CSV files (UTF-8 with BOM, guarded texts) in one ZIP."""
    import csv

    with write_atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, table in enumerate(page.tables, start=1):
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow([guarded(name) for name in table.header])
            writer.writerows([["" if c is None else guarded(c) for c in row] for row in table.rows])
            name = safe_name(f"{number:02d} {table.caption}.csv")
            packed.writestr(_entry(name), ("\ufeff" + text.getvalue()).encode("utf-8"))
        packed.writestr(_entry("README.txt"), _readme(page))
    return path


def _entry(name: str) -> zipfile.ZipInfo:
    """Return a file of an archive that has no date and belongs to nobody."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


def _readme(page: Contents) -> bytes:
    """Return what must be known of the tables: captions, units, notes, provenance."""
    lines = [page.title, page.subtitle, page.note, page.simulated, ""]
    for number, table in enumerate(page.tables, start=1):
        lines += [f"{number:02d} {table.caption} {table.unit}".rstrip(), *(f"   {n}" for n in table.notes)]
    lines += ["", *(f"{name}: {value}" for name, value in page.facts)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode("utf-8")


def workbook(page: Contents, path: Path, /) -> Path:
    """Write a page's tables as a workbook: cover, contents, notes, then one named table a sheet.

    Every table begins in A1 with one header row and no merged cells; a text is never a formula or a
    link; the same page gives the same bytes.
    """
    import xlsxwriter

    lang = language("zh" if page.lang.startswith("zh") else "en")
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with write_atomic(path) as temporary:
        book = xlsxwriter.Workbook(temporary, plain)
        book.set_properties({"created": datetime(2020, 1, 1), "title": f"{page.title} {page.subtitle}"})
        cover = [[page.title], [page.subtitle], [page.note], [page.simulated], *map(list, page.facts)]
        _sheet(book, say("publish.cover", lang), [row for row in cover if any(row)])
        names = [f"T{number:02d}" for number in range(1, len(page.tables) + 1)]
        head = [say(f"publish.column.{key}", lang) for key in ("sheet", "table", "unit", "rows")]
        rows = [[n, t.caption, t.unit, len(t.rows)] for n, t in zip(names, page.tables, strict=True)]
        _sheet(book, say("publish.contents", lang), [head, *rows], bold=True)
        head = [say(f"publish.column.{key}", lang) for key in ("sheet", "note")]
        notes = [[n, note] for n, t in zip(names, page.tables, strict=True) for note in t.notes]
        _sheet(book, say("publish.notes", lang), [head, *notes], bold=True)
        for name, table in zip(names, page.tables, strict=True):
            _table(book, name, table)
        book.close()
    return path


def _sheet(book: Any, name: str, rows: list[list[Any]], *, bold: bool = False) -> Any:
    """Write rows as they are on a sheet of their own."""
    sheet = book.add_worksheet(name)
    strong = book.add_format({"bold": True})
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            _cell(sheet, at, column, value, strong if bold and at == 0 else None)
    _widths(sheet, rows)
    return sheet


def _cell(sheet: Any, row: int, column: int, value: Any, form: Any = None) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(row, column, value, form)
    elif value is not None:
        sheet.write_string(row, column, str(value)[:32_767], form)


def _table(book: Any, name: str, table: Table) -> None:
    """Write a table of the page as a named table with one header row."""
    sheet = book.add_worksheet(name)
    header = _distinct(table.header)
    for at, row in enumerate(table.rows, start=1):
        for column, value in enumerate(row):
            _cell(sheet, at, column, value)
    sheet.add_table(
        0, 0, max(len(table.rows), 1), len(header) - 1,
        {"name": f"table_{name}", "style": "Table Style Light 1", "columns": [{"header": h} for h in header]},
    )  # fmt: skip
    sheet.freeze_panes(1, 1)
    _widths(sheet, [header, *table.rows])


def _distinct(header: list[str]) -> list[str]:
    """Return headings that differ from each other, as a named table needs."""
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        again = seen[name.casefold()]
        names.append(name if again == 1 else f"{name} ({again})")
    return names


def _widths(sheet: Any, rows: list[list[Any]]) -> None:
    for column in range(max(map(len, rows), default=0)):
        texts = [str(row[column]) for row in rows if column < len(row) and row[column] is not None]
        width = max((_columns(text) for text in texts), default=0) + 2
        sheet.set_column(column, column, min(max(width, _WIDTH[0]), _WIDTH[1]))


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
