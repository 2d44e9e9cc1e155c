"""Every engine, and files: the same cells; bad files are named."""

import os
import threading
from functools import partial

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qstats.errors import DataError, DesignError, OptionError
from qstats.indicators.inspection_pass_rate import SCHEMA, inspection_pass_rate
from qstats.survey import duck, progress, pushdown
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, total
from qstats.survey.plan import plan
from qstats.survey.quantile import quantile
from qstats.survey.query import query

CLUSTERS = Design(weight="w", strata="h", cluster="psu", fpc="N")
ELEMENTS = Design(weight="w", strata="h")


def sample(n=300, seed=3):
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 12, n)
    table = pd.DataFrame(
        {
            "d": rng.choice(["皖", "苏", "浙"], n),
            "h": psu % 3,
            "psu": psu,
            "N": 30 + psu % 3,
            "w": rng.uniform(0, 9, n).round(3),
            "y": rng.integers(0, 2, n),
            "x": rng.uniform(1, 5, n).round(2),
            "z": np.where(np.arange(n) % 7 == 0, np.nan, rng.normal(0, 1, n)),
        }
    )
    return table.astype({"h": "int16", "psu": "int32"})


def same(a, b, tolerance):
    """Two cell tables agree: keys exactly, numbers relatively."""
    assert list(a.table.columns) == list(b.table.columns)
    pd.testing.assert_frame_equal(a.table[list(a.keys)], b.table[list(b.keys)])
    for name in a.table.columns[len(a.keys) :]:
        np.testing.assert_allclose(a.column(name), b.column(name), rtol=tolerance, atol=0)


def need(name):
    """Import a module; without it skip, or fail when everything is required."""
    if os.environ.get("QSTATS_REQUIRE") == "all":
        return __import__(name, fromlist=["_"])
    return pytest.importorskip(name)


def to_duckdb(table):
    connection = need("duckdb").connect()
    connection.register("rows", pa.Table.from_pandas(table))
    return connection.table("rows")


ENGINES = {
    "polars": lambda t: need("polars").from_pandas(t),
    "polars lazy": lambda t: need("polars").from_pandas(t).lazy(),
    "arrow": pa.Table.from_pandas,
    "categories": lambda t: t.astype({"d": "category"}),
    "pandas nullable": lambda t: t.convert_dtypes(),
    "duckdb": to_duckdb,
    "dask": lambda t: need("dask.dataframe").from_pandas(t, npartitions=3),
    "ibis": lambda t: need("ibis").memtable(pa.Table.from_pandas(t)),
    "narwhals": lambda t: nw.from_native(t),
}
CASES = {
    "clusters by key": {"by": "d", "design": CLUSTERS, "sums": ["y", "x"]},
    "rows by two keys": {"by": ["d", "psu"], "design": ELEMENTS, "sums": ["y"]},
    "no design": {"by": "d", "sums": ["x"]},
    "no keys": {"sums": ["x"]},
    "left out": {"by": "d", "design": CLUSTERS, "sums": ["z", "y"], "missing": "omit"},
    "renamed": {"by": "d", "design": ELEMENTS, "sums": {"large": nw.col("x") > 2}},
    "calibrated": {
        "design": Design(weight="w", cluster="psu").calibrate({"d": dict.fromkeys("皖苏浙", 9), "x": 5}),
        "sums": ["y"],
    },
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_makes_the_same_cells(engine, case):
    same(cells(ENGINES[engine](sample()), **CASES[case]), cells(sample(), **CASES[case]), 1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_exact_sums_are_the_same_to_the_last_bit_on_every_engine(engine):
    options = {"by": "d", "design": CLUSTERS, "sums": ["z", "y"], "missing": "omit", "decimals": 5}
    assert cells(ENGINES[engine](sample()), **options).table.equals(cells(sample(), **options).table)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_reveals_a_faulty_row(engine):
    table = sample()
    table.loc[7, "w"] = -1.0
    with pytest.raises(DataError, match="w") as error:
        cells(ENGINES[engine](table), **CASES["clusters by key"])
    found = error.value.violations
    assert found[["column", "value", "rule"]].to_numpy().tolist() == [["w", -1.0, "negative"]]


# files


@pytest.fixture
def files(tmp_path):
    table = sample().drop(columns="z")
    for at, part in enumerate((table[:100], table[100:])):
        part.to_parquet(tmp_path / f"part{at}.parquet", index=False)
        part.to_csv(tmp_path / f"part{at}.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["*.parquet", "*.csv", ["part0.parquet", "part1.parquet"], ["part0.csv", "part1.csv"]]
)
@pytest.mark.parametrize("case", ["clusters by key", "rows by two keys", "no design", "no keys", "renamed"])
def test_files_make_the_same_cells(files, name, case):
    where = [files / n for n in name] if isinstance(name, list) else str(files / name)
    same(cells(where, **CASES[case]), cells(sample(), **CASES[case]), 1e-12)


def test_files_under_limits_make_the_same_cells(files):
    found = cells(
        str(files / "*.parquet"), memory_limit="200MB", temp_directory=files, **CASES["clusters by key"]
    )
    same(found, cells(sample(), **CASES["clusters by key"]), 1e-12)
    assert sorted(p.suffix for p in files.iterdir()) == [".csv", ".csv", ".parquet", ".parquet"]


def test_missing_values_in_files_are_left_out_when_that_is_said(tmp_path):
    sample().to_parquet(tmp_path / "a.parquet")
    same(cells(tmp_path / "a.parquet", **CASES["left out"]), cells(sample(), **CASES["left out"]), 1e-12)


def test_names_with_quotes_are_names(tmp_path):
    table = sample().rename(columns={"d": "d\"'", "y": 'y"y'})
    table.to_parquet(tmp_path / "it's.parquet")
    found = cells(tmp_path / "it's.parquet", by="d\"'", sums=['y"y'])
    assert found.sum('y"y').tolist() == cells(sample(), by="d", sums=["y"]).sum("y").tolist()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_faulty_row_of_a_file_is_named(files, kind):
    part = sample().drop(columns="z")[100:].reset_index(drop=True)
    part.loc[7, "w"] = -1.0
    part.to_parquet(files / "part1.parquet", index=False)
    part.to_csv(files / "part1.csv", index=False)
    with pytest.raises(DataError, match="part1") as error:
        cells(str(files / f"*.{kind}"), by="d", design=CLUSTERS, sums=["y"])
    found = error.value.violations
    assert found["row"].tolist() == [8]
    assert found["file"].tolist() == [str(files / f"part1.{kind}")]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.parquet", "none.parquet"),
        ("none*.parquet", r"none\*"),
        ("", "parquet"),
        ("a.json", "a.json"),
        ("empty.parquet", "empty.parquet"),
        ("part0.parquet/a.parquet", "part0.parquet"),
        ("*.*", "CSV"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(files, name, said):
    for stray in ("a.json", "empty.parquet") if name != "*.*" else ():
        (files / stray).write_text("{}" if stray == "a.json" else "")
    with pytest.raises(DataError, match=said):
        cells(str(files / name), sums=["y"])


def test_a_file_without_a_column_is_named(files):
    sample()[["d", "h"]].to_parquet(files / "part1.parquet")
    with pytest.raises(DataError, match=r"part1\.parquet 缺少.*y"):
        cells(str(files / "*.parquet"), by="d", sums=["y"])
    with pytest.raises(DataError, match="“yy”"):
        cells(files / "part0.parquet", by="d", sums=["yy"])


def test_a_truncated_file_is_named(files):
    path = files / "part1.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"part1\.parquet"):
        cells(str(files / "*.parquet"), by="d", sums=["y"])


def test_a_file_with_a_corrupt_page_is_named(files):
    path = files / "part1.parquet"
    raw = bytearray(path.read_bytes())
    raw[4:2000] = b"\xff" * 1996
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"part1\.parquet"):
        cells(str(files / "*.parquet"), by="d", sums=["y"])


def test_a_csv_that_does_not_hold_together_is_named(files):
    (files / "bad.csv").write_bytes("d,y\n皖,1\n".encode("gb18030"))
    with pytest.raises(DataError, match=r"bad\.csv"):
        cells(files / "bad.csv", by="d", sums=["y"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(files):
    (files / "part0.parquet").chmod(0)
    with pytest.raises(DataError, match=r"part0\.parquet"):
        cells(files / "part0.parquet", by="d", sums=["y"])


def test_limits_that_are_none_are_refused(files):
    with pytest.raises(DataError, match="much"):
        cells(files / "part0.parquet", sums=["y"], memory_limit="much")
    for path in (files / "nowhere", files / "part0.csv"):
        with pytest.raises(DataError, match=path.name):
            cells(files / "part0.parquet", sums=["y"], temp_directory=path)


def test_a_full_disk_is_said_and_saved_cells_survive(tmp_path, monkeypatch):
    rows = 400_000
    table = pa.table({"k": np.random.default_rng(0).permutation(rows), "y": np.ones(rows)})
    pq.write_table(table, tmp_path / "a.parquet")
    small = duck._settings

    def tiny(limit, folder):
        return small(limit, folder) | {"max_temp_directory_size": "1MB", "threads": 2}

    before = cells(tmp_path / "a.parquet", sums=["y"])
    before.save(tmp_path / "cells.parquet")
    monkeypatch.setattr(duck, "_settings", tiny)
    with pytest.raises(DataError, match="temp_directory"):
        cells(tmp_path / "a.parquet", by="k", sums=["y"], memory_limit="20MB").save(
            tmp_path / "cells.parquet"
        )
    monkeypatch.undo()
    same(type(before).load(tmp_path / "cells.parquet"), before, 0)


def test_only_the_columns_used_are_read(tmp_path):
    sample().assign(secret="x" * 9).to_parquet(tmp_path / "a.parquet")
    with duck.opened(tmp_path / "a.parquet") as source:
        text = query(plan(["d"], CLUSTERS, ["y"], None, None), source.text)
        told = source.connection.sql(f"explain {text}").fetchall()
    assert "secret" not in str(told)
    assert "psu" in str(told)


class Slow:
    """A connection whose query has come half way."""

    def __init__(self):
        self.looks = []
        self.asked = threading.Event()

    def execute(self, _):
        return self

    def query_progress(self):
        self.looks.append(50.0)
        if len(self.looks) > 2:
            self.asked.set()
        return 50.0


def test_a_bar_appears_after_a_while_when_it_is_wanted(monkeypatch, capsys):
    monkeypatch.setattr(progress, "WAIT", 0.01)
    monkeypatch.setattr(progress, "LOOK", 0.01)
    connection = Slow()
    with progress.bar(connection, True):
        assert connection.asked.wait(30)
    assert "cells" in capsys.readouterr().err


@pytest.mark.parametrize(("wanted", "wait"), [(False, 0.0), (None, 0.0), (True, 60.0)])
def test_there_is_no_bar_elsewhere_nor_for_a_short_query(monkeypatch, capsys, wanted, wait):
    monkeypatch.setattr(progress, "WAIT", wait)
    monkeypatch.setattr(progress, "LOOK", 0.01)
    connection = Slow()
    with progress.bar(connection, wanted):
        assert not connection.asked.wait(0.2)
    assert capsys.readouterr().err == ""


def test_a_bar_changes_no_number(files):
    a = cells(files / "part0.parquet", by="d", sums=["y"], progress=True)
    same(a, cells(files / "part0.parquet", by="d", sums=["y"], progress=False), 1e-12)


# units added up

NESTED = Design(weight="w", strata="h", cluster="psu", nest=True)


@pytest.mark.parametrize("engine", ["pandas", "polars lazy", "duckdb", "dask", "file"])
def test_units_added_up_have_the_moments_of_their_totals(engine, tmp_path):
    table = sample()
    whole = cells(table, by="d", design=CLUSTERS, sums=["y", "x"])
    if engine == "file":
        data = tmp_path / "a.parquet"
        table.to_parquet(data)
    else:
        data = table if engine == "pandas" else ENGINES[engine](table)
    found = cells(data, by="d", design=CLUSTERS, sums=["y", "x"], max_cells=20)
    assert found.pushed_down
    assert not whole.pushed_down
    assert found.keys == ("d", "h")
    group, labels = whole.codes(["d", "h"])
    pd.testing.assert_frame_equal(found.table[["d", "h"]], labels)
    for s in ("1", "y", "x"):
        np.testing.assert_allclose(found.sum(s), np.bincount(group, whole.sum(s)), rtol=1e-12)
        for t in ("1", "y", "x"):
            moment = np.bincount(group, whole.sum(s) * whole.sum(t))
            np.testing.assert_allclose(found.square(s, t), moment, rtol=1e-12)
            np.testing.assert_allclose(
                found.product(s, t), np.bincount(group, whole.product(s, t)), rtol=1e-12
            )
    np.testing.assert_array_equal(found.column("units"), np.bincount(group))
    assert set(found.column("stratum_units")) == {4}
    assert found.table["N"].tolist() == [30, 31, 32] * 3
    assert whole.nested
    assert not found.nested


@pytest.mark.parametrize("by", ["d", ()])
@pytest.mark.parametrize("plan", [CLUSTERS, Design(weight="w", cluster="psu"), NESTED])
def test_units_added_up_in_parts_are_those_added_up_at_once(by, plan, tmp_path, monkeypatch):
    table = sample()
    table.to_parquet(tmp_path / "a.parquet")
    options = {"by": by, "design": plan, "sums": ["y", "x"], "max_cells": 2}
    whole = cells(tmp_path / "a.parquet", **options)
    parts = []
    filtered = duckdb.DuckDBPyRelation.filter
    monkeypatch.setattr(pushdown, "PART", 5)
    monkeypatch.setattr(
        duckdb.DuckDBPyRelation, "filter", lambda *a: parts.append(a[1]) or filtered(*a), raising=False
    )
    same(cells(tmp_path / "a.parquet", **options), whole, 1e-13)
    same(cells(duckdb.from_df(table), **options), whole, 1e-13)
    assert len(parts) > 4


def test_the_number_of_cells_is_exact_where_the_limit_is_near(tmp_path):
    table = pd.DataFrame({"psu": range(2_000), "w": 1.0, "y": 1.0})
    table.to_parquet(tmp_path / "a.parquet")
    for limit, pushed in ((1_999, True), (2_000, False)):
        made = cells(tmp_path / "a.parquet", design=Design(cluster="psu"), sums="y", max_cells=limit)
        assert made.pushed_down is pushed


def test_units_that_lie_in_one_domain_each_are_nested():
    table = sample().assign(d=lambda t: t["psu"] // 6)
    found = cells(table, by="d", design=CLUSTERS, sums=["y"], max_cells=10)
    assert found.pushed_down
    assert found.nested
    assert found.column("units").tolist() == [2] * 6


def test_units_are_not_added_up_where_each_of_them_is_needed():
    stages = Design(weight="w", strata="h", cluster=["psu", "d"], fpc=["N", "N"])
    calibrated = CLUSTERS.calibrate({"d": dict.fromkeys("皖苏浙", 9)})
    for design in (stages, calibrated, CLUSTERS.replicate("jkn")):
        with pytest.raises(DesignError, match="max_cells"):
            cells(sample(), by="d", design=design, sums=["y"], max_cells=20)
    with pytest.raises(DataError, match="max_cells"):
        cells(sample(), by="psu", design=ELEMENTS, sums=["y"], max_cells=5)
    with pytest.raises(OptionError, match="max_cells"):
        cells(sample(), by="d", design=CLUSTERS, sums=["y"], max_cells=20, decimals=2)


def test_units_added_up_are_checked_like_others():
    few = sample().assign(N=3)
    with pytest.raises(DesignError, match="N"):
        cells(few, by="d", design=CLUSTERS, sums=["y"], max_cells=20)
    split = sample().assign(h=lambda t: np.where(t.index % 2, t["h"], 7))
    plan = Design(weight="w", strata="h", cluster="psu")
    with pytest.raises(DesignError, match="psu="):
        cells(split, by="d", design=plan, sums=["y"], max_cells=20)
    found = cells(sample(), by="d", design=CLUSTERS, sums=["y"], max_cells=20)
    with pytest.raises(DataError, match="max_cells"):
        found + found


# a schema in the same pass


def returns(**changes):
    rows = {
        "地区": ["安徽省", "Anhui", "江苏", "江苏"],
        "year": [2022, 2022, 2023, 2023],
        "检验数": [1.0, 1, 1, 1],
        "passed": [1, 0, 1, 1],
        "w": [2.0, 3, 4, 5],
    }
    return pd.DataFrame(rows | changes)


LAZY = ["polars lazy", "duckdb", "dask", "ibis", "file"]


def given(engine, table, folder):
    if engine != "file":
        return ENGINES[engine](table)
    table.to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


@pytest.mark.parametrize("engine", ["arrow", *LAZY])
def test_a_schema_maps_headers_and_keys_in_the_same_pass(engine, tmp_path):
    options = {"by": ["region", "period"], "design": Design(weight="w"), "sums": ["passed"], "schema": SCHEMA}
    found = cells(given(engine, returns(), tmp_path), **options)
    assert found.table[["region", "period"]].to_numpy().tolist() == [["安徽", "2022"], ["江苏", "2023"]]
    assert found.sum("passed").tolist() == [2.0, 9.0]
    same(found, cells(returns(), **options), 1e-12)


@pytest.mark.parametrize("engine", [name for name in (*ENGINES, "file") if name != "categories"])
def test_keys_and_designs_are_read_like_headers_on_every_engine(engine, tmp_path):
    table = returns(产品=["甲", "乙", "丙", "丁"], 检验数=[9.0, 8, 7, 6], passed=[7, 7, 6, 5])
    table = table.drop(columns="year")
    rows = given(engine, table, tmp_path)
    said = Design(weight="w", cluster="产品名称").calibrate({"省份": {"安徽": 9, "江苏": 9}})
    meant = Design(weight="w", cluster="product").calibrate({"region": {"安徽": 9, "江苏": 9}})
    made = cells(rows, by=["地区", "region"], design=said, sums=["检验数"], schema=SCHEMA)
    assert (made.by, made.sums, made.design) == (("region",), ("inspected",), meant)
    same(made, cells(table, by="region", design=meant, sums=["inspected"], schema=SCHEMA), 1e-12)
    for design in (None, Design(weight="w", cluster="产品")) if engine != "file" else (said,):
        want = inspection_pass_rate(table, by="region", design=design).table
        got = inspection_pass_rate(rows, by="地区", design=design).table
        pd.testing.assert_frame_equal(got, want, rtol=1e-12)
        assert want["region"].tolist() == ["安徽", "江苏"]
    weighted = Design(weight="w", cluster="产品")
    for estimate in (partial(mean, y="passed"), partial(total, y="passed"), partial(quantile, y="passed")):
        table["地区"] = [f"{name}{at}" for at, name in enumerate(table["地区"])]
        got = estimate(given(engine, table, tmp_path), by="地区", design=weighted)
        assert got.table["地区"].tolist() == sorted(table["地区"])


@pytest.mark.parametrize("engine", LAZY)
def test_the_rules_of_a_schema_are_counted_in_the_same_pass(engine, tmp_path):
    table = returns(passed=[2, 0, -1, 5])
    with pytest.raises(DataError) as error:
        cells(given(engine, table, tmp_path), by="region", sums=["passed"], schema=SCHEMA)
    found = error.value.violations
    assert sorted(zip(found["rule"], found["value"], strict=True)) == [
        ("minimum", -1),
        ("passed", 2),
        ("passed", 5),
    ]
    assert "passed × 2" in str(error.value)
    if engine == "file":
        assert sorted(found["row"]) == [1, 3, 4]


@pytest.mark.parametrize("engine", LAZY)
def test_units_of_headers_are_converted_in_the_same_pass(engine, tmp_path):
    table = returns().rename(columns={"检验数": "检验数(万)", "passed": "合格数(万)"})
    found = cells(given(engine, table, tmp_path), sums=["passed"], schema=SCHEMA)
    assert found.sum("passed").tolist() == [30_000.0]


@pytest.mark.parametrize("engine", LAZY)
def test_keys_that_cannot_be_read_are_refused_with_their_number_of_rows(engine, tmp_path):
    table = returns(地区=["安灰", "安灰", "江苏", "江苏"])
    with pytest.raises(DataError, match="安灰") as error:
        cells(given(engine, table, tmp_path), by="region", sums=["passed"], schema=SCHEMA)
    assert error.value.violations["count"].tolist() == [2]


@pytest.mark.parametrize("engine", LAZY)
def test_an_industry_is_read_with_its_edition(engine, tmp_path):
    table = returns(行业=["C13", "13", "14", "14"], 版本=["2017"] * 4)
    found = cells(given(engine, table, tmp_path), by="industry", sums=["passed"], schema=SCHEMA)
    assert found.keys == ("industry",)
    assert found.table["industry"].tolist() == ["13", "14"]
    table = returns(行业=["C13", "13", "14", "14"], 版本=["2017", "2017", "2011", "2017"])
    with pytest.raises(DataError, match="2011, 2017"):
        cells(given(engine, table, tmp_path), by="industry", sums=["passed"], schema=SCHEMA)
    options = {"by": ["edition", "industry"], "sums": ["passed"], "schema": SCHEMA}
    assert len(cells(given(engine, table, tmp_path), **options)) == 3


def test_headers_that_are_lacking_are_told_before_anything_is_read(tmp_path):
    table = returns().rename(columns={"检验数": "检验书"})
    with pytest.raises(DataError, match="检验书"):
        cells(given("file", table, tmp_path), sums=["passed"], schema=SCHEMA)
    with pytest.raises(DataError, match="product"):
        cells(given("file", returns(), tmp_path), by="product", sums=["passed"], schema=SCHEMA)
    twice = returns().assign(合格数=1)
    with pytest.raises(DataError, match="合格数"):
        cells(given("file", twice, tmp_path), sums=["passed"], schema=SCHEMA)


def test_numbers_written_as_text_are_read_in_memory_and_refused_elsewhere(tmp_path):
    table = returns(passed=["１", "0", "1", "1"])
    assert cells(table, sums=["passed"], schema=SCHEMA).sum("passed").tolist() == [3.0]
    with pytest.raises(DataError, match="passed"):
        cells(given("file", table, tmp_path), sums=["passed"], schema=SCHEMA)


def test_a_workbook_is_read_by_its_schema(tmp_path):
    need("openpyxl")
    returns().to_excel(tmp_path / "a.xlsx", index=False)
    found = cells(tmp_path / "a.xlsx", by="region", sums=["passed"], schema=SCHEMA)
    assert found.sum("passed").tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match="xlsx"):
        cells(tmp_path / "a.xlsx", by="region", sums=["passed"])
