"""What descends from simulated data says so, through cells, files, sums and estimates."""

import dask
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import qstats as qs
from qstats.survey.cells import Cells, cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

MARK = "simulated:test seed=1"
PLAN = Design(weight="w", cluster="psu")


def rows(**more):
    return pd.DataFrame(
        {
            "w": 2.0,
            "psu": [0, 0, 1, 1, 2, 2],
            "k": list("ababab"),
            "y": [1, 0, 1, 1, 0, 1],
            "x": range(1, 7),
            **more,
        }
    )


def engines(table, folder):
    table.to_parquet(folder / "a.parquet")
    table.to_csv(folder / "a.csv", index=False)
    yield table
    yield pl.from_pandas(table)
    yield pl.from_pandas(table).lazy()
    yield pa.Table.from_pandas(table)
    yield duckdb.from_arrow(pa.Table.from_pandas(table))
    with dask.config.set({"dataframe.convert-string": False}):
        yield __import__("dask.dataframe").dataframe.from_pandas(table, npartitions=2)
    yield folder / "a.parquet"
    yield folder / "a.csv"


def test_cells_know_where_their_rows_come_from_whatever_the_engine(tmp_path):
    table = rows(provenance=[MARK, MARK, "published:mqr", None, None, MARK])
    for form in engines(table, tmp_path):
        assert cells(form, design=PLAN, sums="y").provenance == ("published:mqr", MARK, "user")


def test_rows_that_say_nothing_are_the_user_s():
    assert cells(rows(), sums="y").provenance == ("user",)


def test_cells_pushed_down_know_it_too():
    found = cells(rows(provenance=MARK), by="k", design=PLAN, sums="y", max_cells=3)
    assert found.pushed_down
    assert found.provenance == (MARK,)


def test_the_mark_may_tell_domains_apart_as_well():
    table = rows(provenance=[MARK] * 2 + ["user"] * 4)
    found = mean(table, y="y", by="provenance", design=PLAN)
    assert found.table["provenance"].tolist() == [MARK, "user"]
    assert found.provenance == (MARK, "user")


def test_added_cells_come_from_both():
    mine, theirs = cells(rows(), design=PLAN, sums="y"), cells(rows(provenance=MARK), design=PLAN, sums="y")
    assert (mine + theirs).provenance == (theirs + mine).provenance == (MARK, "user")
    assert (mine + mine).provenance == ("user",)
    assert sum([theirs, theirs]).provenance == (MARK,)


def test_saved_cells_keep_it(tmp_path):
    cells(rows(provenance=MARK), design=PLAN, sums="y").save(tmp_path / "a.parquet")
    again = Cells.load(tmp_path / "a.parquet")
    assert again.provenance == (MARK,)
    assert mean(again, y="y").simulated
    assert mean(again + cells(rows(), design=PLAN, sums="y"), y="y").simulated


def test_every_estimate_of_simulated_rows_is_simulated():
    for table, wanted in ((rows(provenance=MARK), True), (rows(), False)):
        for found in (
            ratio(table, numerator="y", denominator="x", design=PLAN),
            mean(table, y="y", by="k", margins=True, design=PLAN),
            total(table, y="1", design=PLAN),
            proportion(table, y="y", design=PLAN),
            mean(table, y="y"),
            quantile(table, y="y", q=[0.2, 0.5], design=PLAN),
            quantile(table, y="y"),
        ):
            assert found.simulated is wanted
            assert found.provenance == ((MARK,) if wanted else ("user",))
            assert ("SIMULATED" in repr(found)) is wanted


def test_cells_that_are_simulated_show_it():
    assert "SIMULATED" in repr(cells(rows(provenance=MARK), sums="y"))
    assert "SIMULATED" in cells(rows(provenance=MARK), sums="y")._repr_html_()
    assert "SIMULATED" not in repr(cells(rows(), sums="y"))


@pytest.mark.parametrize("form", ["frame", "parquet", "lazy"])
def test_simulated_micro_data_stay_simulated_through_an_indicator_with_a_design(form, tmp_path):
    table = qs.simulate("inspections", year=2022, seed=0, size=3000).assign(psu=lambda d: range(len(d)))
    source = table
    if form == "parquet":
        source = tmp_path / "a.parquet"
        table.to_parquet(source)
    elif form == "lazy":
        source = pl.from_pandas(table).lazy()
    found = qs.inspection_pass_rate(source, by="region", design=Design(cluster="psu"))
    assert found.simulated
    assert found.provenance == tuple(sorted(set(table["provenance"])))


def test_a_chinese_header_is_read_where_a_schema_knows_it(tmp_path):
    table = pd.DataFrame({"inspected": [1, 1, 1, 1], "passed": [1, 0, 1, 1], "数据来源标记": MARK})
    table.to_parquet(tmp_path / "a.parquet")
    for form in (table, tmp_path / "a.parquet"):
        assert qs.inspection_pass_rate(form, design=Design()).provenance == (MARK,)
