"""Tables from PostgreSQL and SQLite as Arrow batches: read only, credentials from the environment only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn
from urllib.parse import quote, unquote, urlsplit

from qstats.errors import DataError, QStatsError, text, whole_number
from qstats.messages import say

if TYPE_CHECKING:
    import pyarrow as pa

#: rows that SQLite hands out at once; from the first of them the kind of each column is told
ROWS: Final = 65_536
_READS: Final = re.compile(r"(?:select|with|table|values)\b|\(", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_QUOTED: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$""", re.DOTALL
)
_TYPE: Final = b"POSTGRESQL:type"
#: credentials in the environment, in the order in which they are blotted out of a message
_SECRETS: Final = ("PGPASSWORD", "PGPASSFILE", "PGUSER", "PGSERVICE", "PGSSLKEY", "PGSSLPASSWORD")


class Source(NamedTuple):
    """A database, without credentials.

    Attributes
    ----------
    kind : {"postgresql", "sqlite"}
    address : str
        What the driver opens.
    name : str
        What may be shown and kept in a manifest.
    """

    kind: str
    address: str
    name: str


def database_source(uri: str, /, *, lang: str | None = None) -> Source:
    """Return what an address means; one that holds credentials is refused, and not repeated.

    Parameters
    ----------
    uri : str
        ``postgresql:`` (all from ``PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD …``),
        ``postgresql://host:port/database``, or ``sqlite:path``.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Raises
    ------
    DataError
        Another kind of address, or one with a user, a password or parameters; no such SQLite file.

    Examples
    --------
    >>> database_source("postgresql://db.example.org/returns").name
    'postgresql://db.example.org/returns'
    >>> database_source("postgresql://me:secret@db.example.org/returns", lang="en")
    Traceback (most recent call last):
    qstats.errors.DataError: An address must not hold a user, a password or parameters. Put them into ...
    """
    kind, colon, rest = uri.partition(":") if isinstance(uri, str) else ("", "", "")  # shown by no message
    if not colon or kind not in ("postgresql", "postgres", "sqlite"):
        raise DataError(say("database.uri", lang))
    if kind == "sqlite":
        path = Path(unquote(rest.removeprefix("//")) if rest.startswith("//") else rest)
        if not path.is_file():
            if "@" in rest:
                raise DataError(say("database.credentials", lang))
            raise DataError(say("database.missing", lang, path=path))
        return Source("sqlite", f"file:{quote(str(path.resolve()))}?mode=ro", f"sqlite:{path.as_posix()}")
    if rest and not rest.startswith("//"):
        raise DataError(say("database.uri", lang))
    if any(mark in unquote(rest) for mark in "@?#&=\\\0 "):
        raise DataError(say("database.credentials", lang))
    parts = urlsplit(f"postgresql:{rest or '//'}")
    options = f"{os.environ.get('PGOPTIONS', '')} -c default_transaction_read_only=on".strip()
    place = f"postgresql://{parts.netloc}{parts.path}"
    return Source("postgresql", f"{place}?options={quote(options)}", place)


def database_batches(
    uri: str, query: str, /, *, rows: int = ROWS, lang: str | None = None
) -> Iterator[pa.Table]:
    """Run one query and return its rows in parts, each an Arrow table; nothing can be changed by it.

    Memory holds one part at a time. Cells of the parts add up to the cells of all rows.

    Parameters
    ----------
    uri : str
        See :func:`database_source`. Credentials come from the environment only.
    query : str
        One ``SELECT``, ``WITH``, ``TABLE`` or ``VALUES``. PostgreSQL runs it in a transaction that can only
        read and is never committed, SQLite on a file opened for reading. What a function of the server does
        beyond its data only the rights of the user limit: use one that may only select.
    rows : int
        Rows of a part of SQLite; PostgreSQL makes parts of about 16 MB.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Yields
    ------
    pyarrow.Table
        NUMERIC and DECIMAL are float64, of which 15 digits are exact.

    Raises
    ------
    DataError
        No connection, a refused query, a query that is no reading, a kind of column that cannot be read.
    QStatsError
        The driver is not installed (``pip install 'qstats[db]'``).

    Examples
    --------
    >>> import sqlite3
    >>> path = getfixture("tmp_path") / "returns.db"
    >>> with sqlite3.connect(path) as made:
    ...     _ = made.execute("CREATE TABLE spot AS SELECT '安徽' AS region, 100 AS inspected, 90 AS passed")
    >>> made.close()
    >>> [part.to_pylist() for part in database_batches(f"sqlite:{path}", "SELECT * FROM spot")]
    [[{'region': '安徽', 'inspected': 100, 'passed': 90}]]
    """
    source = database_source(uri, lang=lang)
    text("query", query)
    _refuse_writing(query, lang)
    whole_number("rows", rows, least=1)
    # a comment at the end must not swallow what the driver writes behind the query
    return _parts(source, f"{query.strip().rstrip(';')}\n", rows, lang)


def read_database(uri: str, query: str, /, *, lang: str | None = None) -> pa.Table:
    """Run one query and return all its rows as an Arrow table, for ``check``, indicators and ``cells``.

    Nothing can be changed by it. For more rows than the memory holds there is :func:`database_batches`.

    Parameters
    ----------
    uri : str
        ``postgresql:`` (everything from ``PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD …``),
        ``postgresql://host:port/database``, or ``sqlite:path``. User and password come from the environment
        only: an address that holds them is refused.
    query : str
        One ``SELECT``, ``WITH``, ``TABLE`` or ``VALUES``.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Returns
    -------
    pyarrow.Table
        NUMERIC and DECIMAL are float64, of which 15 digits are exact.

    Raises
    ------
    DataError
        No connection, a refused query, a query that is no reading, a kind of column that cannot be read.
    QStatsError
        The driver is not installed (``pip install 'qstats[db]'``).

    Examples
    --------
    >>> import sqlite3
    >>> import qstats as qs
    >>> path = getfixture("tmp_path") / "spot.db"
    >>> with sqlite3.connect(path) as made:
    ...     _ = made.execute("CREATE TABLE spot AS SELECT '安徽' AS region, 100 AS inspected, 90 AS passed")
    >>> made.close()
    >>> table = read_database(f"sqlite:{path}", "SELECT * FROM spot")
    >>> qs.inspection_pass_rate(table, by="region").value()
    90.0
    """
    import pyarrow as pa

    return pa.concat_tables(list(database_batches(uri, query, lang=lang)))


def _refuse_writing(query: str, lang: str | None) -> None:
    """Refuse, before anything is opened, what does not begin as a reading does.

    It is the database that keeps a query from writing; this is for a clear answer.
    """
    at = 0
    while match := _COMMENT.match(query, at):
        at = match.end()
    several = ";" in _QUOTED.sub("", query).strip().rstrip(";")
    if several or not _READS.match(query, at):
        raise DataError(say("database.select", lang))


def _parts(source: Source, query: str, rows: int, lang: str | None) -> Iterator[pa.Table]:
    import pyarrow as pa

    with _connected(source, lang) as cursor:
        try:
            if source.kind == "sqlite":
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
            schema = reader.schema
        except Exception as error:
            _refused(source, error, lang)
        empty = True
        while True:
            try:
                batch = next(reader, None)
            except Exception as error:
                _refused(source, error, lang)
            if batch is None:
                break
            empty = False
            yield _plain(pa.Table.from_batches([batch]), lang)
        if empty:
            yield _plain(schema.empty_table(), lang)


@contextmanager
def _connected(source: Source, lang: str | None) -> Iterator[Any]:
    """Give a cursor; afterwards everything is closed, whatever happened."""
    package = f"adbc_driver_{source.kind}"
    try:
        dbapi = import_module(f"{package}.dbapi")
    except ImportError:
        raise QStatsError(say("database.driver", lang, package=package.replace("_", "-"))) from None
    try:
        connection = dbapi.connect(source.address, autocommit=False)  # never committed: undone when closed
    except Exception as error:
        told = {"where": source.name, "state": getattr(error, "sqlstate", None) or "—"}
        raise DataError(say("database.connect", lang, **told)) from None
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _refused(source: Source, error: Exception, lang: str | None) -> NoReturn:
    """Raise what the database says of a query, without credentials and without the driver's own error."""
    text = re.sub(r"^\w+(?:\s*\[[^\]]*\])?:\s*", "", str(error).split("\nQuery:")[0].split(" Query:")[0])
    for name in _SECRETS:
        secret = os.environ.get(name, "")
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text) if secret else text
    told = {"where": source.name, "state": getattr(error, "sqlstate", None) or "—"}
    raise DataError(say("database.query", lang, error=" ".join(text.split())[:500], **told)) from None


def _plain(table: pa.Table, lang: str | None) -> pa.Table:
    """Return a part with numbers for NUMERIC and CHAR without its blanks; other kinds are refused by name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for at, field in enumerate(table.schema):
        kind = (field.metadata or {}).get(_TYPE, b"").decode(errors="replace")
        column, stored = table.column(at), getattr(field.type, "storage_type", field.type)
        if kind == "numeric":
            texts = column.cast(stored) if stored != field.type else column
            try:
                column = pc.cast(texts, pa.float64())
            except pa.ArrowInvalid as error:
                told = {"column": field.name, "value": str(error)[:80]}
                raise DataError(say("database.number", lang, **told)) from None
        elif kind == "money" or stored != field.type or not _simple(stored):
            raise DataError(say("database.kind", lang, column=field.name, kind=kind or str(field.type)))
        elif kind == "bpchar":
            column = pc.utf8_rtrim_whitespace(column)
        if field.metadata or kind:
            table = table.set_column(at, pa.field(field.name, column.type), column)
    return table


def _simple(kind: Any) -> bool:
    """Whether a kind of column is numbers, texts, truth or time."""
    import pyarrow as pa

    t = pa.types
    known = (t.is_integer, t.is_floating, t.is_boolean, t.is_null, t.is_string, t.is_large_string)
    return any(test(kind) for test in (*known, t.is_date, t.is_time, t.is_timestamp))
