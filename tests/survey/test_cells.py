import datetime as dt
import itertools
import json
import os
import pickle
import subprocess
import sys

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, DesignError, OptionError
from qstats.survey import duck, soundness
from qstats.survey.cells import Cells, cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean

CLUSTERS = Design(weight="w", strata="h", cluster="psu", fpc="N")
ELEMENTS = Design(weight="w", strata="h")


def sample(n=200, seed=3):
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 12, n)
    return pd.DataFrame(
        {
            "d": rng.choice(["皖", "苏", "浙"], n),
            "h": psu % 3,
            "psu": psu,
            "ssu": rng.integers(0, 3, n),
            "N": 30 + psu % 3,
            "M": 40,
            "w": rng.uniform(0, 9, n).round(3),
            "y": rng.integers(0, 2, n),
            "x": rng.uniform(1, 5, n).round(2),
        }
    )


def brute(table, keys, power=1, s=None, t=None):
    """Σ w^power s t by the plainest means."""
    value = table["w"] ** power
    for factor in (s, t):
        value = value * (table[factor] if factor else 1)
    return value.groupby([table[k] for k in keys]).sum().to_numpy()


def same(a, b, tolerance):
    """Two cell tables agree: keys exactly, numbers relatively."""
    assert list(a.table.columns) == list(b.table.columns)
    pd.testing.assert_frame_equal(a.table[list(a.keys)], b.table[list(b.keys)])
    for name in a.table.columns[len(a.keys) :]:
        np.testing.assert_allclose(a.column(name), b.column(name), rtol=tolerance, atol=0)


# sums


def test_a_cell_is_a_combination_of_keys_stratum_and_unit():
    found = cells(sample(), by="d", design=CLUSTERS, sums=["y", "x"])
    keys = ["d", "h", "psu"]
    assert found.keys == tuple(keys)
    assert found.by == ("d",)
    for s, t in itertools.combinations_with_replacement(["1", "y", "x"], 2):
        columns = [None if f == "1" else f for f in (s, t)]
        np.testing.assert_allclose(found.product(s, t), brute(sample(), keys, 1, *columns), rtol=1e-13)
        np.testing.assert_array_equal(found.product(s, t), found.product(t, s))
    np.testing.assert_array_equal(found.sum("y"), found.product("y"))
    np.testing.assert_array_equal(found.sum(), found.column("weight"))


def test_where_rows_are_drawn_the_squares_of_weights_are_kept():
    found = cells(sample(), by="d", design=ELEMENTS, sums=["y", "x"])
    for s, t in itertools.combinations_with_replacement(["1", "y", "x"], 2):
        columns = [None if f == "1" else f for f in (s, t)]
        np.testing.assert_allclose(found.square(s, t), brute(sample(), ["d", "h"], 2, *columns), rtol=1e-13)
        np.testing.assert_array_equal(found.square(s, t), found.square(t, s))


def test_with_clusters_there_are_no_squares_of_weights():
    with pytest.raises(DataError, match="weight²"):
        cells(sample(), design=CLUSTERS, sums=["y"]).square("y")


def test_without_a_design_there_are_plain_sums_only():
    found = cells(sample(), by="d", sums=["y", "x"])
    assert list(found.table.columns) == ["d", "rows", "n", "missing", "weight", "y", "x"]
    np.testing.assert_array_equal(found.sum("y"), sample().groupby("d")["y"].sum())
    np.testing.assert_array_equal(found.sum(), found.column("rows"))


def test_without_weights_a_square_is_a_product():
    found = cells(sample(), design=Design(strata="h"), sums=["x"])
    np.testing.assert_array_equal(found.square("x", "x"), found.product("x", "x"))


def test_without_keys_there_is_one_cell():
    found = cells(sample(), sums=["y"])
    assert len(found) == 1
    assert found.sum("y").tolist() == [sample()["y"].sum()]


def test_a_row_that_weighs_nothing_is_a_row_but_not_counted():
    table = sample().assign(w=lambda t: t["w"].where(t.index > 9, 0.0))
    found = cells(table, sums=["y"], design=Design(weight="w")).table
    assert found[["rows", "n", "missing"]].to_numpy().tolist() == [[200, 190, 0]]


def test_a_unit_whose_rows_all_weigh_nothing_stays_in_the_sample():
    table = sample().assign(w=lambda t: t["w"].where(t["psu"] != 5, 0.0))
    found = cells(table, design=CLUSTERS, sums=["y"]).table
    assert found.loc[found["psu"] == 5, "n"].tolist() == [0]
    assert found.loc[found["psu"] == 5, "rows"].tolist() != [0]


def test_sums_may_be_renamed_or_be_expressions():
    found = cells(sample(), by="d", sums={"good": "y", "large": nw.col("x") > 2, "n2": "x"})
    assert found.sums == ("good", "large", "n2")
    np.testing.assert_array_equal(found.sum("large"), (sample()["x"] > 2).groupby(sample()["d"]).sum())


def test_a_stage_without_population_is_not_told_apart():
    two = {"weight": "w", "strata": "h", "cluster": ["psu", "ssu"]}
    assert cells(sample(), design=Design(**two), sums=["y"]).keys == ("h", "psu")
    found = cells(sample(), design=Design(**two, fpc=["N", "M"]), sums=["y"])
    assert found.keys == ("h", "psu", "ssu")
    assert found.table["M"].unique().tolist() == [40]


def test_categories_calibrated_to_are_keys_and_continuous_variables_are_sums():
    plan = Design(weight="w", cluster="psu").calibrate({"d": dict.fromkeys("皖苏浙", 100), "x": 500})
    found = cells(sample(), design=plan, sums=["y"])
    assert found.keys == ("psu", "d")
    assert found.sums == ("y",)
    np.testing.assert_allclose(found.product("y", "x"), brute(sample(), found.keys, 1, "y", "x"), rtol=1e-13)


def test_a_category_without_a_total_is_named():
    plan = Design(weight="w", cluster="psu").calibrate({"d": {"皖": 1, "苏": 1}})
    with pytest.raises(DesignError, match="浙"):
        cells(sample(), design=plan, sums=["y"])


def test_given_replicate_weights_make_a_sum_each():
    table = sample().assign(r1=lambda t: t["w"] * 2, r2=lambda t: t["w"] * (t["h"] == 1))
    plan = Design(weight="w", strata="h").replicate(columns=["r1", "r2"], scale=0.5)
    found = cells(table, by="d", design=plan, sums=["y"])
    assert found.replicated("y").shape == (len(found), 2)
    np.testing.assert_allclose(found.replicated("y")[:, 0], 2 * found.sum("y"), rtol=1e-13)
    expected = np.where(found.table["h"] == 1, found.sum(), 0)
    np.testing.assert_allclose(found.replicated()[:, 1], expected, rtol=1e-13)
    with pytest.raises(DataError, match="replicate"):
        cells(table, design=ELEMENTS, sums=["y"]).replicated("y")


# missing values


def test_missing_values_are_refused_with_their_rows():
    table = sample().astype({"y": float})
    table.loc[[3, 7], "y"] = np.nan
    with pytest.raises(DataError, match="omit") as error:
        cells(table, by="d", design=CLUSTERS, sums=["y", "x"])
    assert error.value.violations["row"].tolist() == [4, 8]
    assert error.value.violations["column"].tolist() == ["y", "y"]


def test_missing_values_are_left_out_and_counted_when_that_is_said():
    table = sample().astype({"y": float})
    gone = table.index[::7]
    table.loc[gone, "y"] = np.nan
    for found in (
        cells(table, by="d", design=CLUSTERS, sums=["y", "x"], missing="omit"),
        cells(table, by="d", design=Design(**CLUSTERS.to_dict() | {"missing": "omit"}), sums=["y", "x"]),
    ):
        whole = cells(sample(), by="d", design=CLUSTERS, sums=["x"])
        known = cells(table.drop(gone), by="d", design=CLUSTERS, sums=["x"])
        assert len(found) == len(whole)
        assert found.column("missing").sum() == len(gone)
        np.testing.assert_array_equal(found.column("rows"), whole.column("rows"))
        np.testing.assert_allclose(found.sum("x").sum(), known.sum("x").sum(), rtol=1e-13)
        np.testing.assert_allclose(found.sum() + found.column("weight@missing"), whole.sum(), rtol=1e-12)


def test_the_argument_wins_over_the_design():
    table = sample().astype({"y": float})
    table.loc[3, "y"] = np.nan
    plan = Design(weight="w", missing="omit")
    assert cells(table, design=plan, sums=["y"]).missing == "omit"
    with pytest.raises(DataError, match="y"):
        cells(table, design=plan, sums=["y"], missing="fail")


def test_an_auxiliary_may_not_be_missing_whatever_the_policy():
    table = sample()
    table.loc[3, "x"] = np.nan
    plan = Design(weight="w", cluster="psu", missing="omit").calibrate({"x": 500})
    with pytest.raises(DataError, match="x"):
        cells(table, design=plan, sums=["y"])


# adding up


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 199), st.integers(0, 199), st.sampled_from([CLUSTERS, ELEMENTS, None]))
def test_the_cells_of_shards_add_up_to_the_cells_of_the_whole(a, b, design):
    a, b = sorted((a, b))
    table = sample()
    parts = [table[:a], table[a:b], table[b:]]
    made = [cells(part, by="d", design=design, sums=["y", "x"]) for part in parts if len(part)]
    same(sum(made), cells(table, by="d", design=design, sums=["y", "x"]), 1e-13)


@settings(deadline=None, max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random):
    order = list(range(200))
    random.shuffle(order)
    a = cells(sample().iloc[order], by="d", design=CLUSTERS, sums=["y", "x"])
    same(a, cells(sample(), by="d", design=CLUSTERS, sums=["y", "x"]), 1e-13)


def test_cells_of_another_meaning_do_not_add_up():
    a = cells(sample(), by="d", design=CLUSTERS, sums=["y"])
    for other in (
        cells(sample(), by="h", design=CLUSTERS, sums=["y"]),
        cells(sample(), by="d", design=CLUSTERS, sums=["x"]),
        cells(sample(), by="d", design=ELEMENTS, sums=["y"]),
        cells(sample(), by="d", design=CLUSTERS, sums=["y"], missing="omit"),
        cells(sample(), by="d", design=CLUSTERS, sums=["y"], decimals=3),
    ):
        with pytest.raises(DataError):
            a + other
    with pytest.raises(TypeError):
        a + 1


def test_shards_with_another_population_are_refused():
    a, b = sample()[:100], sample()[100:].assign(N=31)
    made = [cells(part, design=CLUSTERS, sums=["y"]) for part in (a, b.assign(N=a["N"].max() + 1))]
    with pytest.raises(DesignError, match="N"):
        sum(made)


def test_shards_that_put_a_unit_in_two_strata_are_refused():
    plan = Design(weight="w", strata="h", cluster="psu")
    a, b = sample()[:100], sample()[100:].assign(h=lambda t: t["h"] + 1)
    with pytest.raises(DesignError, match="psu="):
        cells(a, design=plan, sums=["y"]) + cells(b, design=plan, sums=["y"])


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 200), max_size=9), st.sampled_from([CLUSTERS, None]))
def test_sums_of_shards_are_those_of_all_at_once_to_the_last_bit(cuts, design):
    cuts = sorted({0, 200, *cuts})
    parts = [
        cells(sample()[a:b], by="d", design=design, sums=["y", "x"]) for a, b in itertools.pairwise(cuts)
    ]
    whole = Cells.merged(parts)
    one_by_one = parts[0]
    for part in parts[1:]:
        one_by_one = one_by_one + part
        assert len(one_by_one) > 0  # looked at, so nothing waits
    for other in (sum(parts), one_by_one, pickle.loads(pickle.dumps(sum(parts)))):
        assert other.table.equals(whole.table)
    assert [len(part) for part in parts] == [part.table.shape[0] for part in parts]


def test_a_sum_moves_each_row_a_few_times_only(monkeypatch):
    parts = [
        cells({"psu": [2 * at, 2 * at + 1], "y": [1.0, 2]}, design=Design(cluster="psu"), sums=["y"])
        for at in range(128)
    ]
    moved = []
    plain = soundness.together
    monkeypatch.setattr(
        soundness,
        "together",
        lambda tables, *rest: moved.append(sum(map(len, tables))) or plain(tables, *rest),
    )
    assert sum(parts).sum("y").tolist() == [1.0, 2.0] * 128
    assert sum(moved) <= 4 * 256  # one by one it would be 128 * 128
    assert moved[-1] <= 256


def test_a_part_that_waits_is_held_against_the_sample_when_the_sum_is_looked_at():
    plan = Design(weight="w", strata="h", cluster="psu")
    whole = cells(sample(), design=plan, sums=["y"])
    other = sample()[:1].assign(h=lambda t: t["h"] + 1)
    with pytest.raises(DesignError, match="psu="):
        mean(whole + cells(other, design=plan, sums=["y"]), y="y")


@pytest.mark.parametrize("parts", [[1], "ab", 3])
def test_what_is_no_cells_is_not_merged(parts):
    with pytest.raises(OptionError, match="parts="):
        Cells.merged(parts)


def test_cells_are_immutable_and_hand_out_copies():
    found = cells(sample(), by="d", sums=["y"])
    table = found.table
    table["y"] = -1
    found.column("y")[0] = -1
    assert found.sum("y")[0] != -1
    with pytest.raises(AttributeError, match="immutable"):
        found.by = ()
    same(pickle.loads(pickle.dumps(found)), found, 0)


def test_combinations_of_keys_are_numbered_in_their_order():
    found = cells(sample(), by="d", design=CLUSTERS, sums=["y"])
    codes, labels = found.codes(["d", "h"])
    assert labels.to_numpy().tolist() == [[d, h] for d in "浙皖苏" for h in range(3)]
    pd.testing.assert_frame_equal(labels.iloc[codes].reset_index(drop=True), found.table[["d", "h"]])
    codes, labels = found.codes([])
    assert set(codes) == {0}
    assert len(labels) == 1


# saving


def test_saved_cells_come_back_with_their_design(tmp_path):
    plan = CLUSTERS.calibrate({"d": dict.fromkeys("皖苏浙", 100)}).replicate("jkn")
    found = cells(sample(), by="d", design=plan, sums=["y"], missing="omit")
    found.save(tmp_path / "a.parquet")
    again = Cells.load(tmp_path / "a.parquet")
    same(again, found, 0)
    assert again.design == plan
    assert (again.by, again.sums, again.missing) == (found.by, found.sums, "omit")
    same(again + found, found + found, 0)


def test_cells_of_a_later_version_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("qstats.survey.cells_file.FORMAT", 2)
    cells(sample(), sums=["y"]).save(tmp_path / "a.parquet")
    monkeypatch.undo()
    with pytest.raises(DataError, match="2"):
        Cells.load(tmp_path / "a.parquet")


def test_what_is_no_cells_is_refused_by_name(tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(DataError, match=r"a\.parquet"):
        Cells.load(path)
    sample().to_parquet(path)
    with pytest.raises(DataError, match=r"a\.parquet"):
        Cells.load(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"a\.parquet"):
        Cells.load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("by", "d"),
        ("by", ["elsewhere"]),
        ("keys", ["d", 3]),
        ("keys", ["rows"]),
        ("sums", ["z"]),
        ("missing", "perhaps"),
        ("decimals", -1),
        ("decimals", "2"),
        ("pushed_down", 1),
        ("provenance", None),
        ("design", []),
        ("design", {"weight": "w", "colour": "red"}),
        ("format", "1"),
        ("more", 0),
    ],
)
def test_cells_changed_by_hand_are_refused_by_name(tmp_path, name, value):
    path = tmp_path / "a.parquet"
    cells(sample(), by="d", design=Design(weight="w"), sums=["y"]).save(path)
    kept = pq.read_table(path)
    (mark, meta), *_ = kept.schema.metadata.items()
    pq.write_table(
        kept.replace_schema_metadata({mark: json.dumps(json.loads(meta) | {name: value}).encode()}), path
    )
    with pytest.raises(DataError, match=r"a\.parquet"):
        Cells.load(path)


def test_metadata_and_columns_of_cells_are_whole(tmp_path):
    path = tmp_path / "a.parquet"
    cells(sample(), by="d", sums=["y"]).save(path)
    kept = pq.read_table(path)
    (mark, _), *_ = kept.schema.metadata.items()
    at = kept.column_names.index("n")
    faults = [
        kept.replace_schema_metadata({mark: b"{"}),
        kept.replace_schema_metadata({mark: b"[]"}),
        kept.drop_columns(["y"]),
        kept.set_column(at, "n", pa.array([-1] * len(kept))),
        kept.set_column(at, "n", pa.array([None] * len(kept), pa.int64())),
        kept.set_column(at, "n", pa.array(["many"] * len(kept))),
    ]
    for fault in faults:
        pq.write_table(fault, path)
        with pytest.raises(DataError, match=r"a\.parquet"):
            Cells.load(path)


@pytest.mark.parametrize("read", [Cells.load, cells])
def test_an_address_in_place_of_a_file_is_not_repeated(read):
    with pytest.raises(DataError) as found:
        read("postgresql://me:secret@db.example.org/returns.parquet")
    assert "secret" not in str(found.value)


def test_cells_saved_before_survive_a_save_that_fails(tmp_path, monkeypatch):
    found = cells(sample(), by="d", sums=["y"])
    found.save(tmp_path / "a.parquet")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(DataError, match="No space left"):
        cells(sample(), by="h", sums=["y"]).save(tmp_path / "a.parquet")
    same(Cells.load(tmp_path / "a.parquet"), found, 0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(DataError, match="folder"):
        cells(sample(), sums=["y"]).save(tmp_path / "folder" / "a.parquet")


def test_cells_print_what_they_are():
    text = repr(cells(sample(), by="d", design=CLUSTERS, sums=["y"]))
    assert "of 200 rows" in text
    assert "Design(weight='w'" in text
    assert "<table" in cells(sample(), by="d", sums=["y"])._repr_html_()


# exact sums


@pytest.mark.parametrize("design", [CLUSTERS, ELEMENTS])
def test_exact_sums_are_the_same_to_the_last_bit(design, tmp_path):
    table = pd.concat([sample(400, seed) for seed in range(20)])
    forms = [
        table,
        table[::-1],
        pl.from_pandas(table),
        pa.Table.from_pandas(table.sample(frac=1, random_state=1)),
    ]
    table.to_parquet(tmp_path / "a.parquet", row_group_size=500)
    connections = [duckdb.connect(config={"threads": threads}) for threads in (1, 2)]
    forms += [c.read_parquet(str(tmp_path / "a.parquet")) for c in connections]
    forms += [tmp_path / "a.parquet"]
    first, *others = [cells(form, by="d", design=design, sums=["y", "x"], decimals=4) for form in forms]
    for other in others:
        assert other.table.equals(first.table)
    same(first, cells(table, by="d", design=design, sums=["y", "x"]), 1e-3)
    halves = cells(table[:77], by="d", design=design, sums=["y", "x"], decimals=4)
    assert (halves + cells(table[77:], by="d", design=design, sums=["y", "x"], decimals=4)).table.equals(
        first.table
    )


def test_what_is_added_is_rounded_to_the_decimals_asked_for():
    table = pd.DataFrame({"y": [0.14, 0.16, 0.15]})
    assert cells(table, sums=["y"], decimals=1).sum("y").tolist() == [0.5]  # 0.1 + 0.2 + 0.2
    assert cells(table, sums=["y"], decimals=2).sum("y").tolist() == [0.45]


def test_an_exact_sum_that_runs_over_is_refused():
    table = pd.DataFrame({"y": [4e15, 4e15]})
    assert cells(table, sums=["y"], decimals=2).sum("y").tolist() == [8e15]
    for form in (table, pl.from_pandas(table)):
        with pytest.raises(DataError, match="y"):
            cells(form, sums=["y"], decimals=4)
    with pytest.raises(DataError, match="weight"):
        cells(pd.DataFrame({"y": np.zeros(5000)}), sums=["y"], decimals=15)
    half = cells(table, sums=["y"], decimals=2)
    with pytest.raises(DataError, match="y"):
        sum([half] * 6)


def test_decimals_are_a_number_of_decimals():
    with pytest.raises(OptionError, match="decimals"):
        cells(sample(), sums=["y"], decimals=-1)


# keys


def test_keys_are_whole_numbers_or_text_whatever_they_were():
    table = pa.table(
        {
            "i8": pa.array([1, 2, 2], pa.int8()),
            "u16": pa.array([1, 2, 2], pa.uint16()),
            "float": pa.array([2023.0, 2024.0, 2024.0]),
            "bool": pa.array([True, False, False]),
            "word": pa.array(["a", "b", "b"]).dictionary_encode(),
            "large": pa.array(["a", "b", "b"], pa.large_string()),
            "day": pa.array([dt.date(2023, 3, 31), dt.date(2023, 4, 1), dt.date(2023, 4, 1)]),
            "time": pa.array(
                [dt.datetime(2023, 3, 31, 23), *[dt.datetime(2023, 4, 1)] * 2], pa.timestamp("ms")
            ),
            "y": [1.0, 2.0, 3.0],
        }
    )
    names = table.column_names[:-1]
    for form in (table, table.to_pandas(), pl.from_arrow(table), pl.from_arrow(table).lazy()):
        for name in names:
            found = cells(form, by=name, sums=["y"])
            kind = found.table[name].dtype
            assert kind == np.int64 or pd.api.types.is_string_dtype(kind)
            assert sorted(found.sum("y").tolist()) == [1.0, 5.0]
    assert cells(table, by="time", sums=["y"]).table["time"].tolist() == [
        "2023-03-31 23:00:00",
        "2023-04-01 00:00:00",
    ]
    assert cells(table, by="day", sums=["y"]).table["day"].tolist() == ["2023-03-31", "2023-04-01"]
    assert cells(table, by="float", sums=["y"]).table["float"].tolist() == [2023, 2024]
    assert cells(table, by="bool", sums=["y"]).table["bool"].tolist() == [0, 1]


def test_narrow_keys_do_not_run_over():
    table = pa.table(
        {"h": pa.array([100, 120], pa.int8()), "psu": pa.array([100, 120], pa.int8()), "y": [1.0, 2.0]}
    )
    found = cells(table, design=Design(strata="h", cluster="psu"), sums=["y"])
    assert len(found) == 2
    assert (found + found).sum("y").tolist() == [2.0, 4.0]


def test_a_time_with_a_zone_stays_on_the_day_its_clocks_show(tmp_path):
    when = dt.datetime(2023, 3, 31, 16, 30, tzinfo=dt.UTC)  # half past midnight of 1 April in Shanghai
    table = pa.table({"t": pa.array([when], pa.timestamp("us", "Asia/Shanghai")), "y": [1.0]})
    pq.write_table(table, tmp_path / "a.parquet")
    for form in (table, table.to_pandas(), pl.from_arrow(table).lazy(), tmp_path / "a.parquet"):
        assert cells(form, by="t", sums=["y"]).table["t"].tolist() == ["2023-04-01 00:30:00"]


def test_keys_with_fractions_are_refused():
    with pytest.raises(DataError, match=r"0\.5"):
        cells(pd.DataFrame({"k": [1.0, 0.5], "y": [1, 1]}), by="k", sums=["y"])


def test_keys_of_two_kinds_and_too_large_are_refused():
    with pytest.raises(DataError, match="键"):
        cells(pd.DataFrame({"k": pd.Series(["a", 1], dtype=object), "y": [1, 1]}), by="k", sums=["y"])
    with pytest.raises(DataError, match=str(2**63)):
        cells(pa.table({"k": pa.array([2**63], pa.uint64()), "y": [1]}), by="k", sums=["y"])


def test_an_empty_key_is_refused_with_its_row():
    for empty in (None, np.nan):
        table = pd.DataFrame({"k": pd.Series(["a", empty], dtype=object), "y": [1, 1]})
        with pytest.raises(DataError, match="k") as error:
            cells(table, by="k", sums=["y"])
        assert error.value.violations["row"].tolist() == [2]


def test_a_key_and_a_sum_of_one_name_are_refused_with_the_way_out():
    with pytest.raises(DataError, match="sum_of_h"):
        cells(sample(), by="h", sums=["h"])
    assert cells(sample(), by="h", sums={"sum_of_h": "h"}).sum("sum_of_h")[1] > 0
    with pytest.raises(DataError, match="my_n"):
        cells(sample().rename(columns={"y": "n"}), sums=["n"])


# what is wrong with the sample


def test_a_column_that_does_not_exist_is_answered_with_the_nearest():
    wrong = {"dd": {"by": "dd"}, "yy": {"sums": ["yy"]}, "ww": {"design": Design(weight="ww")}}
    for name, options in wrong.items():
        with pytest.raises(DataError, match=f"“{name}”.*“{name[0]}”"):
            cells(sample(), **options)


def test_text_is_not_added_up():
    with pytest.raises(DataError, match="d"):
        cells(sample(), sums=["d"])


@pytest.mark.parametrize(
    ("value", "rule"),
    [(np.nan, "missing"), (-1.0, "negative"), (np.inf, "infinite")],
    ids=["nan", "-1", "inf"],
)
def test_a_weight_is_a_number_not_below_zero(value, rule):
    table = sample()
    table.loc[[5, 6], "w"] = value
    for form in (table, pl.from_pandas(table, nan_to_null=False), pl.from_pandas(table).lazy()):
        with pytest.raises(DataError, match="w") as error:
            cells(form, by="d", design=CLUSTERS, sums=["y"])
        found = error.value.violations
        assert found["rule"].tolist() == [rule] * 2
        if not isinstance(form, pl.LazyFrame):
            assert found["row"].tolist() == [6, 7]


def test_an_infinite_value_is_refused():
    table = sample()
    table.loc[5, "x"] = -np.inf
    for missing in ("fail", "omit"):
        with pytest.raises(DataError, match="x") as error:
            cells(table, sums=["x"], missing=missing)
        assert error.value.violations["row"].tolist() == [6]


def test_at_most_a_thousand_rows_are_listed_and_all_are_counted():
    table = sample(3000).assign(w=-1.0)
    with pytest.raises(DataError, match="3,000") as error:
        cells(table, design=ELEMENTS, sums=["y"])
    assert len(error.value.violations) == 1000


def test_a_unit_in_two_strata_is_refused_unless_labels_repeat():
    table = sample().assign(h=lambda t: np.where(t.index % 2, t["h"], 7))
    plan = {"weight": "w", "strata": "h", "cluster": "psu"}
    with pytest.raises(DesignError, match="nest=True"):
        cells(table, design=Design(**plan), sums=["y"])
    found = cells(table, design=Design(**plan, nest=True), sums=["y"])
    assert len(found) > 12


@pytest.mark.parametrize("value", [3.0, 0.1, 0.0, -5.0, np.nan])
def test_a_population_is_a_count_not_below_the_sample(value):
    table = sample().astype({"N": float})
    table.loc[table["h"] == 1, "N"] = value
    error = DataError if np.isnan(value) else DesignError
    with pytest.raises(error, match="N"):
        cells(table, design=CLUSTERS, sums=["y"])


def test_a_population_is_one_number_a_stratum():
    within = sample().assign(N=lambda t: np.where(t.index == 3, 99, t["N"]))
    between = sample().assign(N=lambda t: np.where(t["psu"] == 4, 99, t["N"]))
    for table in (within, between):
        with pytest.raises(DesignError, match="99"):
            cells(table, design=CLUSTERS, sums=["y"])


def test_populations_hold_the_rows_where_rows_are_drawn_and_units_at_the_second_stage():
    elements = Design(weight="w", strata="h", fpc="N")
    with pytest.raises(DesignError, match="h="):
        cells(sample(), design=elements, sums=["y"])
    assert len(cells(sample().assign(N=500), design=elements, sums=["y"])) == 3
    stages = Design(weight="w", strata="h", cluster=["psu", "ssu"], fpc=["N", "M"])
    with pytest.raises(DesignError, match="psu="):
        cells(sample().assign(M=2), design=stages, sums=["y"])
    assert len(cells(sample().assign(M=3), design=stages, sums=["y"])) > 12


def test_a_population_of_the_second_stage_is_one_number_a_unit():
    stages = Design(weight="w", strata="h", cluster=["psu", "ssu"], fpc=["N", "M"])
    found = cells(sample().assign(M=lambda t: 10 + t["psu"]), design=stages, sums=["y"]).table
    assert (found["M"] == 10 + found["psu"]).all()
    with pytest.raises(DesignError, match="psu="):
        cells(sample().assign(M=lambda t: 10 + t["ssu"]), design=stages, sums=["y"])


def test_a_population_is_no_key():
    with pytest.raises(DataError, match="population"):
        cells(sample(), by="N", design=CLUSTERS, sums=["y"])


def test_one_sum_is_a_name():
    assert cells(sample().rename(columns={"y": "value"}), sums="value").sums == ("value",)


def test_sampling_with_replacement_is_an_infinite_population():
    assert len(cells(sample().assign(N=np.inf), design=CLUSTERS, sums=["y"])) == 12


def test_an_empty_table_is_refused():
    with pytest.raises(DataError):
        cells(sample()[:0], by="d", sums=["y"])
    with pytest.raises(DataError):
        cells(sample()[:0], sums=["y"])


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match="int"):
        cells(3, sums=["y"])


def test_limits_of_files_are_no_limits_of_tables():
    for option in ({"memory_limit": "1GB"}, {"temp_directory": "."}, {"progress": True}):
        with pytest.raises(OptionError, match="files"):
            cells(sample(), sums=["y"], **option)


def test_the_database_is_one_of_each_process():
    with duck.connection() as a, duck.connection() as b:
        assert a.sql("select 1").fetchall() == b.sql("select 1").fetchall()


_BITS = """
import sys
import polars as pl
from qstats.survey.cells import cells
from qstats.survey.design import Design

rows = pl.DataFrame({"k": [i * 7919 % 13 for i in range(50_000)]}).with_row_index("i")
rows = rows.with_columns(w=(pl.col("i") % 97) / 7, y=(pl.col("i") % 89) / 11)
found = cells(rows.lazy(), by="k", design=Design(weight="w"), sums=["y"], decimals=6)
print(pl.thread_pool_size(), [x.hex() for x in found.square("y", "y").tolist()])
"""


def test_exact_sums_do_not_know_the_number_of_threads():
    said = []
    for threads in ("1", "2"):
        environment = os.environ | {"POLARS_MAX_THREADS": threads}
        command = [sys.executable, "-c", _BITS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        count, bits = done.stdout.split(" ", 1)
        assert count == threads
        said.append(bits)
    assert said[0] == said[1]
