"""Files read by DuckDB: only the columns used, within a memory limit, spilling to disk."""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from glob import glob
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats.errors import DataError, kind_of
from qstats.files import require_file
from qstats.messages import say
from qstats.survey.query import quoted, text

if TYPE_CHECKING:
    import duckdb

#: memory of DuckDB unless something else is said; what exceeds it spills to disk
MEMORY: Final = "1GB"
#: bytes of a file that are looked at before DuckDB reads it
_HEAD: Final = 65_536
_PARQUET: Final = (".parquet", ".pq", ".parq")
_CSV: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zst")


class Source(NamedTuple):
    """Files as one relation.

    Attributes
    ----------
    files : tuple of str
    kind : {"parquet", "csv"}
    connection : duckdb.DuckDBPyConnection
        Closed when the work is done.
    """

    files: tuple[str, ...]
    kind: str
    connection: duckdb.DuckDBPyConnection

    @property
    def text(self) -> str:
        """The call that reads the files, in SQL."""
        names = ", ".join(map(_literal, self.files))
        return f"read_{self.kind}([{names}])"

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Return the files as a relation."""
        return self.connection.sql(f"from {self.text}")

    def combinations(self, names: Sequence[str], /) -> int:
        """Return about how many combinations of values some columns have."""
        row = f"row({', '.join(map(quoted, names))})"
        return self._number(f"approx_count_distinct({row})")

    def large(self, cells: int) -> bool:
        """Return whether there can be so many combinations at all.

        A CSV row takes eight bytes or more. A row of Parquet that differs from all others takes at least a
        25th of a byte (5 bytes for 128 steps of 1), so that a small file need not be asked.
        """
        size = sum(Path(name).stat().st_size for name in self.files)
        if self.kind == "csv":
            return size > 8 * cells
        return 25 * size > cells and self._number("count(*)") > cells

    def _number(self, expression: str) -> int:
        rows = self.connection.execute(f"select {expression} from {self.text}").fetchall()
        return int(rows[0][0])

    def placed(self) -> duckdb.DuckDBPyRelation:
        """Return the files as a relation with ``#file`` and ``#row`` (from 0) of each row."""
        names = ", ".join(map(_literal, self.files))
        own = ", ".join(map(quoted, self.columns()))
        if self.kind == "parquet":
            extra, row = "file_row_number = true", "file_row_number"
        else:
            extra, row = "parallel = false", "row_number() over (partition by filename) - 1"
        read = f"read_{self.kind}([{names}], filename = true, {extra})"
        return self.connection.sql(f'select {own}, filename as "#file", {row} as "#row" from {read}')

    def zone(self, name: str) -> str | None:
        """Return the time zone that the first Parquet file says a column was written in."""
        if self.kind != "parquet":
            return None
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pq.read_schema(self.files[0])
        kind = schema.field(name).type if name in schema.names else None
        return kind.tz if kind is not None and pa.types.is_timestamp(kind) else None

    def columns(self) -> dict[str, str]:
        """Return the columns and their types."""
        rows = self.connection.execute(f"describe from {self.text}").fetchall()
        return {row[0]: row[1] for row in rows}


def _literal(name: str) -> str:
    """Return the name of one file as SQL; DuckDB would read ``*?[`` as a pattern and ``~`` as a home."""
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in name)
    return text(f"./{plain}" if plain.startswith("~") else plain)


def is_files(data: Any, /) -> bool:
    """Return whether data are the path of a file, a pattern, or a list of these."""
    if isinstance(data, str | Path):
        return True
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(d, str | Path) for d in data)


def is_workbook(data: Any, /) -> bool:
    """Return whether data is the path of a workbook, which DuckDB does not read."""
    return isinstance(data, str | Path) and str(data).lower().endswith((".xlsx", ".xlsm"))


def found_files(data: Any, /) -> tuple[tuple[str, ...], str]:
    """Return the files meant, in order, and their kind.

    Raises
    ------
    DataError
        There is none, one is a folder or may not be read, or they are not all Parquet or all CSV.
    """
    given = [data] if isinstance(data, str | Path) else list(data)
    files: list[str] = []
    for item in map(str, given):
        if not item or "\0" in item:
            raise DataError(say("file.missing", path=repr(item)))
        pattern = any(c in item for c in "*?[") and not os.path.lexists(item)
        names = sorted(glob(item, recursive=True)) if pattern else [item]  # noqa: PTH207 -- may be absolute
        if not names:
            raise DataError(say("cells.no_match", pattern=item))
        files += names
    heads = [_readable(Path(name)) for name in files]
    kinds = {_kind(name) for name in files}
    if len(kinds) > 1:
        raise DataError(say("cells.two_kinds", files=", ".join(files[:5])))
    kind = kinds.pop()
    if kind == "csv" and all(_only_header(head) for head in heads):
        raise DataError(say("cells.header_only", path=files[0]))
    return tuple(files), kind


def _kind(name: str) -> str:
    low = name.lower()
    if low.endswith(_PARQUET):
        return "parquet"
    if low.endswith(_CSV):
        return "csv"
    raise DataError(say("cells.file_kind", path=name))


def _readable(path: Path) -> bytes:
    """Return the head of a file, of packed CSV unpacked, or raise when it cannot be read."""
    try:
        if path.is_fifo():
            raise DataError(say("cells.pipe", path=path))
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        require_file(path)  # an address is not repeated: it may hold a password
        raise
    except IsADirectoryError:
        raise DataError(say("cells.folder", path=path)) from None
    except OSError as error:
        raise DataError(say("file.denied", path=f"{path!s:.200}", error=error.strerror)) from error
    if not head:
        raise DataError(say("file.empty", path=path))
    if _kind(path.name) == "parquet" or path.suffix == ".zst":
        return b""
    if path.suffix == ".gz":
        head = _unpacked(path)
    _sound_head(path, head)
    return head


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(say("file.broken", path=path, error=error)) from error


def _only_header(head: bytes) -> bool:
    """Return whether a CSV file, of which this is the head, has one line with something in it."""
    return bool(head) and len(head) < _HEAD and sum(bool(line.strip()) for line in head.splitlines()) == 1


def _sound_head(path: Path, head: bytes) -> None:
    """Raise when a CSV file is in another encoding than UTF-8, or repeats a header."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        raise DataError(say("cells.encoding", path=path)) from None
    if "\0" in text:
        raise DataError(say("cells.encoding", path=path))
    headers = next(csv.reader(text.splitlines()[:1]), [])
    twice = sorted({header for header in headers if headers.count(header) > 1})
    if twice:
        raise DataError(say("cells.header_twice", path=path, names=", ".join(twice)))


@cache
def _shared(process: int) -> duckdb.DuckDBPyConnection:
    """Return the in-memory database of this process: opening one takes longer than reading a small file."""
    import duckdb

    folder = Path(tempfile.gettempdir()) / f"qstats-{process}"
    return duckdb.connect(":memory:", config=_settings(None, folder))


def _settings(memory_limit: str | None, folder: Path | str) -> dict[str, Any]:
    return {
        "preserve_insertion_order": False,
        "temp_directory": str(folder),
        "memory_limit": MEMORY if memory_limit is None else memory_limit,
    }


@contextmanager
def connection(
    memory_limit: str | None = None, temp_directory: Path | str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection of its own, with its own database when limits are set."""
    import duckdb

    kind_of("memory_limit", memory_limit, (str, NoneType), what="a text such as '2GB'")
    kind_of("temp_directory", temp_directory, (str, Path, NoneType), what="the path of a folder")
    if memory_limit is None and temp_directory is None:
        cursor = _shared(os.getpid()).cursor()
        try:
            yield cursor
        finally:
            cursor.close()
        return
    with tempfile.TemporaryDirectory(prefix="qstats-", dir=_folder(temp_directory)) as folder:
        try:
            own = duckdb.connect(":memory:", config=_settings(memory_limit, folder))
        except duckdb.Error as error:
            raise DataError(say("cells.settings", memory_limit=memory_limit, error=error)) from None
        try:
            yield own
        finally:
            own.close()


def _folder(path: Path | str | None) -> str | None:
    if path is None:
        return None
    if not Path(path).is_dir():
        raise DataError(say("cells.temp_directory", path=path))
    return str(path)


@contextmanager
def opened(
    data: Any, /, *, memory_limit: str | None = None, temp_directory: Path | str | None = None
) -> Iterator[Source]:
    """Give files as a relation of DuckDB; its errors become DataErrors that name the file."""
    import duckdb

    files, kind = found_files(data)
    with connection(memory_limit, temp_directory) as own:
        try:
            yield Source(files, kind, own)
        except duckdb.Error as error:
            raise _told(error, files, kind) from error


def _told(error: Exception, files: Sequence[str], kind: str) -> DataError:
    import duckdb

    said = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(say("cells.memory", error=said))
    if kind == "parquet":
        broken = _broken(files)
        if broken:
            return DataError(say("file.broken", path=broken[0], error=broken[1]))
        lacking = _lacking(files)
        if lacking:
            return DataError(say("cells.file_columns", path=lacking[0], names=", ".join(lacking[1])))
    return DataError(say("cells.engine", files=", ".join(files[:3]), error=said))


def _lacking(files: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return the first Parquet file without a column that the first one has, and what it lacks."""
    import pyarrow.parquet as pq

    names = pq.read_schema(files[0]).names
    lacks = ((file, [n for n in names if n not in pq.read_schema(file).names]) for file in files[1:])
    return next((found for found in lacks if found[1]), None)


def _broken(files: Sequence[str]) -> tuple[str, str] | None:
    """Return the first Parquet file that cannot be read, and why."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name in files:
        try:
            with pq.ParquetFile(name) as file:
                for batch in file.iter_batches():
                    del batch
        except (OSError, pa.ArrowException) as error:
            return name, str(error).splitlines()[0]
    return None
