import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from qstats.errors import DataError
from qstats.tally import keys_of, provenance_of, tally

TABLE = pd.DataFrame(
    {
        "region": ["苏", "皖", "皖", "皖"],
        "size": ["大", "小", "大", "小"],
        "n": [4.0, 1.0, 2.0, 3.0],
        "m": [1.0, np.nan, np.nan, np.nan],
        "V": [9.0, 5.0, 5.0, 5.0],
    }
)


def test_sums_stand_in_the_order_of_the_keys_with_the_number_of_rows():
    found = tally(TABLE, by=["region", "size"], sums=["n"])
    assert list(found.columns) == ["region", "size", "rows", "n"]
    assert found.values.tolist() == [["皖", "大", 1, 2.0], ["皖", "小", 2, 4.0], ["苏", "大", 1, 4.0]]


def test_without_keys_there_is_one_row():
    assert tally(TABLE, by=[], sums=["n"]).values.tolist() == [[4, 10.0]]


def test_a_sum_over_nothing_but_missing_values_is_missing_and_not_zero():
    found = tally(TABLE, by=["region"], sums=["m"])
    np.testing.assert_array_equal(found["m"], [np.nan, 1.0])


def test_expressions_can_be_added_up_under_a_name():
    found = tally(TABLE, by=["region"], sums={"square": nw.col("n") ** 2})
    assert found["square"].tolist() == [14.0, 16.0]


def test_a_value_that_is_one_in_a_cell_is_taken_over_and_not_added_up():
    assert tally(TABLE, by=["region"], sums=["n"], same=["V"])["V"].tolist() == [5.0, 9.0]


@pytest.mark.parametrize("engine", [pl.from_pandas, pa.Table.from_pandas])
def test_engines_agree(engine):
    for by in ([], ["region"], ["region", "size"]):
        a = tally(engine(TABLE[["region", "size", "n", "V"]]), by=by, sums=["n"], same=["V"])
        b = tally(TABLE, by=by, sums=["n"], same=["V"])
        pd.testing.assert_frame_equal(a, b, check_dtype=False)


@pytest.mark.parametrize(
    ("column", "whole", "part"),
    [
        ("region", "全国", "安徽"),
        ("region", "安徽", "合肥"),
        ("region", "全国", "合肥"),
        ("period", "2023", "2023Q1"),
        ("period", "2023H1", "2023M02"),
    ],
)
def test_a_whole_and_its_part_are_not_added_up(column, whole, part):
    table = pd.DataFrame({column: [whole, part], "group": ["a", "a"], "n": [2.0, 1.0]})
    for by in ([], ["group"]):
        with pytest.raises(DataError, match=f"(?s){whole}.*{part}|{part}.*{whole}"):
            tally(table, by=by, sums=["n"])
    assert len(tally(table, by=[column], sums=["n"])) == 2
    apart = table.assign(group=["a", "b"])
    assert tally(apart, by=["group"], sums=["n"])["n"].tolist() == [2.0, 1.0]


def test_siblings_add_up():
    table = pd.DataFrame({"region": ["安徽", "江苏"], "period": ["2023Q1", "2023Q2"], "n": [2.0, 1.0]})
    assert tally(table, by=[], sums=["n"])["n"].tolist() == [3.0]


def test_one_code_of_two_editions_is_not_one_industry():
    table = pd.DataFrame({"edition": ["2002", "2017"], "industry": ["36", "36"], "n": [2.0, 1.0]})
    with pytest.raises(DataError, match="2002, 2017"):
        tally(table, by=["industry"], sums=["n"])
    assert len(tally(table, by=["edition", "industry"], sums=["n"])) == 2
    assert len(tally(table[:1], by=["industry"], sums=["n"])) == 1


def test_keys_are_a_name_or_several_without_repeats():
    assert keys_of("region") == ["region"]
    assert keys_of(("region", "size", "region")) == ["region", "size"]
    assert keys_of(()) == []


def test_provenance_is_what_the_rows_say_else_the_user():
    assert provenance_of(TABLE) == ("user",)
    marked = TABLE.assign(provenance=["simulated:x", None, "published:y", "simulated:x"])
    assert provenance_of(marked) == ("published:y", "simulated:x", "user")
