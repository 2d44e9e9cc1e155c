"""PySpark frames as they are, on one small local session."""

import datetime as dt
import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.indicators.inspection_pass_rate import SCHEMA
from qstats.survey.cells import cells
from qstats.survey.design import Design

CLUSTERS = Design(weight="w", strata="h", cluster="psu", fpc="N")
COLUMNS = "d string, h smallint, psu int, N int, w double, y int, x double, z double"
SETTINGS = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.shuffle.partitions")


def require(tool, found):
    """Skip by name without a tool, or fail when everything is required."""
    if found:
        return
    if os.environ.get("QSTATS_REQUIRE") == "all":
        pytest.fail(f"{tool} is required and was not found")
    pytest.skip(f"{tool} was not found")


@pytest.fixture(scope="module")
def spark():
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        SparkSession = None
    require("pyspark", SparkSession)
    require("Java", shutil.which("java") or os.environ.get("JAVA_HOME"))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    built = SparkSession.builder.master("local[2]").appName("qstats tests")
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "512m",
        # small data: no time for compilers
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.session.timeZone": "Asia/Shanghai",
    }
    for name, value in options.items():
        built = built.config(name, value)
    session = built.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def sample(n=300, seed=3):
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 12, n)
    return pd.DataFrame(
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


@pytest.fixture(scope="module")
def frame(spark):
    return spark.createDataFrame(sample().to_numpy(dtype=object).tolist(), COLUMNS)


def same(a, b, tolerance):
    """Two cell tables agree: keys exactly, numbers relatively."""
    assert list(a.table.columns) == list(b.table.columns)
    pd.testing.assert_frame_equal(a.table[list(a.keys)], b.table[list(b.keys)])
    for name in a.table.columns[len(a.keys) :]:
        np.testing.assert_allclose(a.column(name), b.column(name), rtol=tolerance, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"by": "d", "design": CLUSTERS, "sums": ["y", "x"]},
        {"by": ["d", "psu"], "design": Design(weight="w", strata="h"), "sums": ["y"]},
        {"sums": ["x"]},
        {"by": "d", "design": CLUSTERS, "sums": ["z", "y"], "missing": "omit"},
    ],
    ids=["clusters", "rows", "no design", "left out"],
)
def test_spark_makes_the_same_cells(frame, options):
    same(cells(frame, **options), cells(sample(), **options), 1e-12)


def test_exact_sums_are_the_same_to_the_last_bit_on_spark(frame):
    options = {"by": "d", "design": CLUSTERS, "sums": ["z", "y"], "missing": "omit", "decimals": 5}
    found = cells(frame.repartition(5), **options)
    assert found.table.equals(cells(sample(), **options).table)


def test_units_are_added_up_on_spark(frame):
    options = {"by": "d", "design": CLUSTERS, "sums": ["y", "x"], "max_cells": 20}
    found = cells(frame, **options)
    assert found.pushed_down
    same(found, cells(sample(), **options), 1e-12)


def test_a_faulty_row_is_revealed_on_spark(spark):
    rows = sample().assign(w=lambda t: t["w"].where(t.index != 7, -1.0)).to_numpy(dtype=object).tolist()
    with pytest.raises(DataError, match="w") as error:
        cells(spark.createDataFrame(rows, COLUMNS), by="d", design=CLUSTERS, sums=["y"])
    assert error.value.violations[["column", "value", "rule"]].to_numpy().tolist() == [
        ["w", -1.0, "negative"]
    ]


def test_a_schema_is_held_against_a_spark_frame(spark):
    rows = [("安徽省", 1.0, 1.0), ("Anhui", 1.0, 0.0), ("江苏", 1.0, 1.0)]
    table = spark.createDataFrame(rows, ["地区", "检验数", "passed"])
    for by in ("region", "地区"):
        found = cells(table, by=by, sums=["passed"], schema=SCHEMA)
        assert found.table["region"].tolist() == ["安徽", "江苏"]
    wrong = spark.createDataFrame([("江苏", 1.0, 2.0)], ["地区", "检验数", "passed"])
    with pytest.raises(DataError, match="passed × 1"):
        cells(wrong, by="region", sums=["passed"], schema=SCHEMA)


def test_a_time_is_what_the_clocks_of_the_session_show(spark):
    when = dt.datetime(2023, 3, 31, 16, 30, tzinfo=dt.UTC)
    table = spark.createDataFrame([(when, dt.date(2023, 4, 1), 1.0)], "t timestamp, day date, y double")
    assert cells(table, by="t", sums=["y"]).table["t"].tolist() == ["2023-04-01 00:30:00"]
    assert cells(table, by="day", sums=["y"]).table["day"].tolist() == ["2023-04-01"]
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        assert cells(table, by="t", sums=["y"]).table["t"].tolist() == ["2023-03-31 16:30:00"]
    finally:
        spark.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")


def test_the_session_is_left_as_it_was(spark, frame):
    before = {name: spark.conf.get(name) for name in SETTINGS}
    tables = spark.catalog.listTables()
    cells(frame, by="d", design=CLUSTERS, sums=["y"], decimals=3)
    assert {name: spark.conf.get(name) for name in SETTINGS} == before
    assert spark.catalog.listTables() == tables
