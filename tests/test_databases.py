"""Tables from a real PostgreSQL and from SQLite: the same as from a file, read only, no credential said."""

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import traceback
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from qstats.checking import check, examine
from qstats.databases import database_batches, database_source, read_database
from qstats.errors import DataError, OptionError, QStatsError
from qstats.indicators import schema_of
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.survey.cells import cells

SPOT = schema_of("inspection_pass_rate")
ROWS = [("安徽", 100, 90, "1234.50"), ("江苏", 50, 45, "0.10"), ("<script>", 1, 1, None)]
PASSWORD = "s3cret-Wort"
USER = "statistician"


def require(tool, found):
    """Skip the test by name when a tool is absent, or fail it when QSTATS_REQUIRE=all."""
    if found:
        return
    if os.environ.get("QSTATS_REQUIRE") == "all":
        pytest.fail(f"{tool} is required and was not found")
    pytest.skip(f"{tool} was not found")


def binaries():
    """Return the folder of PostgreSQL's programs: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places and (places[-1] / "initdb").exists() else None


@pytest.fixture(scope="module")
def server():
    """Start a PostgreSQL of its own, with a password, and return its address."""
    programs = binaries()
    require("PostgreSQL (initdb)", programs)
    folder = Path(tempfile.mkdtemp(prefix="qstats-pg-"))
    as_user = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    (folder / "pw").write_text(PASSWORD, encoding="utf-8")
    (folder / "pw").chmod(0o644)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}

    def run(program, *arguments):
        done = subprocess.run(
            [programs / program, *arguments],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            **as_user,
        )
        assert done.returncode == 0, done.stderr

    data = folder / "data"
    run(
        "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", folder / "pw", "-E", "UTF8", "-N"
    )
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", data, "-o", settings, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql://127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def filled(server):
    """Return the address of a database with a table of returns."""
    from adbc_driver_postgresql import dbapi

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGUSER", USER)
        patch.setenv("PGPASSWORD", PASSWORD)
        with dbapi.connect(server, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE spot (region text, inspected integer, passed bigint, output numeric(12, 2))"
            )
            cursor.execute("CREATE SEQUENCE counter")
            for region, inspected, passed, output in ROWS:
                cursor.execute(
                    f"INSERT INTO spot VALUES ('{region}', {inspected}, {passed}, {output or 'NULL'})"
                )
    return server


@pytest.fixture
def postgres(filled, monkeypatch):
    """Put the credentials into the environment."""
    monkeypatch.setenv("PGUSER", USER)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return filled


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "报表?#%.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE spot (region TEXT, inspected INTEGER, passed INTEGER, output REAL)")
        made.executemany(
            "INSERT INTO spot VALUES (?, ?, ?, ?)", [(*r[:3], r[3] and float(r[3])) for r in ROWS]
        )
    made.close()
    return f"sqlite:{path}"


@pytest.fixture(params=["postgres", "sqlite"])
def uri(request):
    return request.getfixturevalue(request.param)


def test_a_table_comes_as_it_is_with_numbers_as_numbers(uri):
    table = read_database(uri, "SELECT * FROM spot ORDER BY inspected DESC")
    assert isinstance(table, pa.Table)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("安徽", 100, 90, 1234.5),
        ("江苏", 50, 45, 0.1),
        ("<script>", 1, 1, None),
    ]
    assert table.schema.field("output").type == pa.float64()


def test_check_and_cells_take_it_like_any_table(uri):
    query = "SELECT region, inspected, passed FROM spot WHERE inspected > 1"
    table = check(read_database(uri, query), SPOT)
    assert sorted(table["passed"].to_pylist()) == [45, 90]
    summed = cells(read_database(uri, query), by="region", sums=["inspected", "passed"])
    assert dict(zip(summed.table["region"], summed.table["passed"], strict=True)) == {"安徽": 90, "江苏": 45}
    _, found, _ = examine(read_database(uri, "SELECT * FROM spot ORDER BY inspected"), SPOT)
    assert found[["row", "value", "rule"]].values.tolist() == [[1, "<script>", "region"]]


def test_cells_of_the_parts_add_up_to_the_cells_of_all_rows(uri):
    query = {
        "sqlite": "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 5000) "
        "SELECT n % 7 AS region, n AS passed FROM k",
        "postgresql": "SELECT n % 7 AS region, n AS passed, repeat('x', 9000) AS text "
        "FROM generate_series(1, 5000) AS n",
    }[uri.split(":")[0]]
    parts = list(database_batches(uri, query, rows=1000))
    assert len(parts) > 1
    assert sum(part.num_rows for part in parts) == 5000
    added = sum(cells(part, by="region", sums=["passed"]) for part in parts)
    whole = cells(read_database(uri, query), by="region", sums=["passed"])
    pd.testing.assert_frame_equal(added.table, whole.table)
    assert added.sum("passed").sum() == 5000 * 5001 / 2


def test_a_table_without_rows_keeps_its_columns(uri):
    table = read_database(uri, "SELECT region, passed FROM spot WHERE inspected < 0")
    assert table.num_rows == 0
    assert table.column_names == ["region", "passed"]


@pytest.mark.parametrize(
    "query", ["SELECT 1 AS a;", "-- a comment\nSELECT 1 AS a -- end", "/* x */ (SELECT 1 AS a)"]
)
def test_comments_and_a_last_semicolon_are_let_pass(uri, query):
    if uri.startswith("sqlite") and "(" in query:
        query = "/* x */ SELECT 1 AS a"
    assert read_database(uri, query).to_pylist() == [{"a": 1}]


# read only


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM spot",
        "DROP TABLE spot",
        "UPDATE spot SET passed = 0",
        "-- SELECT\nDELETE FROM spot",
        "SELECT 1; DELETE FROM spot",
        "SELECT 1); DELETE FROM spot; --",
        "SELECT ';'; DELETE FROM spot",
        "PRAGMA writable_schema = 1",
        "ATTACH 'other.db' AS other",
        "COPY spot TO PROGRAM 'cat'",
        "SET default_transaction_read_only = off",
        "",
        "selection",
    ],
)
def test_what_is_no_reading_is_refused_before_anything_is_opened(uri, query):
    with pytest.raises(DataError, match="SELECT"):
        read_database(uri, query)


def _rows(uri):
    return read_database(uri, "SELECT * FROM spot").num_rows


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM spot RETURNING *) SELECT * FROM gone",
        "SELECT 1) TO PROGRAM 'touch {file}' --",
        "SELECT 1) TO '{file}' --",
        "WITH off AS MATERIALIZED (SELECT set_config('transaction_read_only', 'off', true) AS x), "
        "gone AS (DELETE FROM spot RETURNING *) SELECT * FROM off, gone",
        "SELECT nextval('counter')",
    ],
)
def test_postgres_keeps_a_query_from_writing(postgres, query):
    file = Path(tempfile.gettempdir()) / "qstats-written-by-a-query"
    file.unlink(missing_ok=True)
    with pytest.raises(DataError, match="SQLSTATE"):
        read_database(postgres, query.format(file=file))
    assert _rows(postgres) == 3
    assert not file.exists()


def test_what_a_function_does_in_a_reading_is_undone(postgres):
    read_database(postgres, "SELECT lo_create(4711)")
    assert read_database(postgres, "SELECT oid FROM pg_largeobject_metadata").num_rows == 0


def test_a_semicolon_in_a_text_is_no_second_query(uri):
    query = """SELECT ';' AS a, 'it''s; ' AS "b;" /* ; */ -- ;"""
    assert list(read_database(uri, query).to_pylist()[0].values()) == [";", "it's; "]


def test_a_reading_cannot_free_the_next_one(postgres):
    read_database(postgres, "SELECT set_config('default_transaction_read_only', 'off', false)")
    with pytest.raises(DataError, match="read-only"):
        read_database(postgres, "WITH gone AS (DELETE FROM spot RETURNING *) SELECT * FROM gone")


def test_options_of_the_user_are_kept_beside_reading_only(postgres, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c extra_float_digits=0")
    shown = read_database(
        postgres,
        "SELECT current_setting('extra_float_digits') AS a, "
        "current_setting('default_transaction_read_only') AS b",
    )
    assert shown.to_pylist() == [{"a": "0", "b": "on"}]


def test_sqlite_is_opened_for_reading(sqlite, tmp_path):
    for query in ("SELECT 1; DELETE FROM spot", "WITH x AS (SELECT 1) DELETE FROM spot"):
        with pytest.raises(DataError):
            read_database(sqlite, query)
    assert _rows(sqlite) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["报表?#%.db"]


def test_a_database_that_does_not_exist_is_not_made(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read_database(f"sqlite:{tmp_path / 'absent.db'}", "SELECT 1")
    assert list(tmp_path.iterdir()) == []


# credentials


def shown(error):
    """Without the lines of source: a test holds what it tests."""
    return (
        "".join(line for line in traceback.format_exception_only(error)) + repr(error) + repr(error.__cause__)
    )


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hunter2@db/returns",
        "postgresql://me@db/returns",
        "postgresql://me%3Ahunter2%40db/returns",
        "postgresql://db/returns?password=hunter2",
        "postgresql://db/returns?sslmode=disable",
        "postgresql:host=db password=hunter2",
        "postgresql://db/returns#hunter2",
        "mysql://me:hunter2@db/returns",
        "sqlite://me:hunter2@db/returns",
        "hunter2",
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_address_with_credentials_is_refused_and_never_repeated(address, lang):
    with pytest.raises(DataError) as caught:
        read_database(address, "SELECT 1", lang=lang)
    assert "hunter2" not in shown(caught.value)


def test_a_wrong_password_is_told_without_password_or_user(postgres, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "not-the-word")
    with pytest.raises(DataError, match="PGPASSWORD") as caught:
        read_database(postgres, "SELECT 1", lang="en")
    said = shown(caught.value)
    assert "127.0.0.1" in said
    assert not any(secret in said for secret in (USER, PASSWORD, "not-the-word"))
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_told_by_its_address():
    with pytest.raises(DataError, match=r"127\.0\.0\.1:1"):
        read_database("postgresql://127.0.0.1:1/none", "SELECT 1")


def test_all_may_come_from_the_environment(postgres, monkeypatch):
    place, _, name = postgres.removeprefix("postgresql://").partition("/")
    host, _, port = place.partition(":")
    for key, value in {"PGHOST": host, "PGPORT": port, "PGDATABASE": name}.items():
        monkeypatch.setenv(key, value)
    assert read_database("postgresql:", "SELECT 1 AS a").to_pylist() == [{"a": 1}]
    assert database_source("postgresql:").name == "postgresql://"


def test_a_refused_query_is_told_with_its_reason_and_without_credentials(postgres):
    with pytest.raises(DataError, match="nowhere") as caught:
        read_database(postgres, f"SELECT * FROM nowhere -- {PASSWORD}", lang="en")
    assert "42P01" in str(caught.value)
    with pytest.raises(DataError) as caught:
        read_database(postgres, "SELECT (current_user || '/x')::integer", lang="en")
    assert USER not in shown(caught.value)


def test_what_may_be_kept_of_a_database_holds_no_credentials(postgres, sqlite):
    assert database_source(postgres).name == postgres
    assert USER not in repr(database_source(postgres)) and PASSWORD not in repr(database_source(postgres))
    assert database_source(sqlite).name == sqlite


# what cannot be read


@pytest.mark.parametrize(
    "kind", ["point(1, 2)", "'x'::bytea", "3::money", "array[1, 2]", "interval '1 day'", "inet '1.2.3.4'"]
)
def test_a_kind_that_is_no_number_and_no_text_is_refused_by_name(postgres, kind):
    """Money among them: it would come as cents."""
    with pytest.raises(DataError, match="CAST\\(place AS text\\)"):
        read_database(postgres, f"SELECT {kind} AS place")
    assert read_database(postgres, f"SELECT CAST({kind} AS text) AS place").num_rows == 1


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'安徽'::char(9)", "安徽"),
        ("' x '::varchar(5)", " x "),
        ("1::smallint", 1),
        ("1.5::real", 1.5),
        ("true", True),
        ("1e-3::numeric", 0.001),
        ("'Infinity'::numeric", float("inf")),
        ("NULL", None),
    ],
)
def test_numbers_and_texts_of_every_kind_are_read(postgres, written, read):
    assert read_database(postgres, f"SELECT {written} AS x").to_pylist() == [{"x": read}]


def test_numeric_nan_is_no_number_and_no_zero(postgres):
    value = read_database(postgres, "SELECT 'NaN'::numeric AS x")["x"].to_pylist()[0]
    assert value != value


def test_a_column_that_changes_its_kind_between_parts_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as made:
        made.execute("CREATE TABLE t (a)")
        made.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), ("text",)])
    made.close()
    with pytest.raises(DataError, match="column 0"):
        list(database_batches(f"sqlite:{tmp_path / 'x.db'}", "SELECT a FROM t", rows=2))


def test_a_driver_that_is_absent_is_named(sqlite, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "adbc_driver_sqlite.dbapi", None)
    with pytest.raises(QStatsError, match="qstats\\[db\\]"):
        read_database(sqlite, "SELECT 1")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database at all, only text" * 100)
    with pytest.raises(DataError):
        read_database(f"sqlite:{tmp_path / 'x.db'}", "SELECT * FROM spot")


def test_parts_have_at_least_a_row(sqlite):
    with pytest.raises(OptionError, match="0"):
        database_batches(sqlite, "SELECT 1", rows=0)


@pytest.mark.parametrize("rows", ["x", None, 1.5, True])
def test_parts_have_a_whole_number_of_rows(sqlite, rows):
    with pytest.raises(OptionError, match=r"rows=.*whole number of at least 1"):
        database_batches(sqlite, "SELECT 1", rows=rows)


def test_an_address_of_another_kind_is_refused_and_never_repeated():
    for odd in (None, 3, b"postgresql://me:s3cret@db/x", ["postgresql://me:s3cret@db/x"], Path("a.db")):
        with pytest.raises(DataError, match="begins with postgresql: or sqlite:") as caught:
            read_database(odd, "SELECT 1", lang="en")
        assert "s3cret" not in str(caught.value)


def test_a_query_is_a_text(sqlite):
    for odd in (None, 3, b"SELECT 1", ["SELECT 1"]):
        with pytest.raises(OptionError, match=r"query=.*not a text"):
            read_database(sqlite, odd)


def test_keys_of_a_database_are_read_like_headers(uri):
    table = read_database(uri, "SELECT region AS 地区, inspected, passed FROM spot WHERE inspected > 1")
    found = inspection_pass_rate(table, by="地区").table
    assert found["region"].tolist() == ["安徽", "江苏"]
    assert found["estimate"].tolist() == [90.0, 90.0]
