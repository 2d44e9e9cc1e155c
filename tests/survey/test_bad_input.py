"""Bad input is refused by name: file, column, row, stratum; what was saved before stays as it was."""

import gzip

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from qstats.errors import DataError, DesignError, OptionError
from qstats.indicators.event_rate import event_rate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.indicators.product_pass_rate import product_pass_rate
from qstats.survey.cells import Cells, cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

PLAN = Design(weight="w", strata="h", cluster="psu")
FPC = Design(weight="w", strata="h", cluster="psu", fpc="N")


def sample(n=120):
    rng = np.random.default_rng(9)
    psu = np.sort(np.arange(n) % 12)
    return pd.DataFrame(
        {
            "h": psu // 4,
            "psu": psu,
            "region": rng.choice(["皖", "苏"], n),
            "w": rng.uniform(2, 9, n),
            "y": rng.integers(0, 2, n),
            "x": rng.uniform(1, 5, n),
            "N": 20,
        }
    )


ROWS = sample()


def every(table, design=PLAN, **options):
    """Each estimator, to be called."""
    options = {"by": "region", "design": design, **options}
    return (
        lambda: ratio(table, numerator="y", denominator="x", **options),
        lambda: mean(table, y="x", **options),
        lambda: total(table, y="x", **options),
        lambda: proportion(table, y="y", **options),
        lambda: quantile(table, y="x", **options),
    )


def changed(column, row, value):
    table = ROWS.astype({column: float})
    table.loc[row, column] = value
    return table


def forms(table, folder):
    table.to_parquet(folder / "rows.parquet")
    return table, pl.from_pandas(table), folder / "rows.parquet"


@pytest.mark.parametrize(("value", "rule"), [(np.nan, "missing"), (-1.0, "negative"), (np.inf, "infinite")])
def test_a_weight_that_is_missing_negative_or_infinite_is_named_with_its_row(value, rule, tmp_path):
    for form in forms(changed("w", 6, value), tmp_path):
        for function in every(form):
            with pytest.raises(DataError, match="w") as caught:
                function()
            found = caught.value.violations
            assert found[["row", "column", "rule"]].to_numpy().tolist() == [[7, "w", rule]]
            if "file" in found:
                assert found["file"].str.endswith("rows.parquet").all()


def test_a_text_among_numbers_is_named_with_its_row_and_what_to_do():
    table = ROWS.astype({"x": object})
    table.loc[6, "x"] = "—"
    for function in every(table)[:3]:
        with pytest.raises(DataError, match=r"7.*—.*to_numeric"):
            function()
    table.loc[6, "x"] = str(ROWS.loc[6, "x"])
    assert mean(table, y="x", design=PLAN).value() == mean(ROWS, y="x", design=PLAN).value()


def test_a_population_below_the_sample_names_the_stratum():
    table = ROWS.assign(N=ROWS["N"].where(ROWS["h"] != 1, 3))
    for function in every(table, FPC):
        with pytest.raises(DesignError, match=r"N.*h=1.* 3.* 4"):
            function()


def test_a_population_that_is_not_one_number_names_the_stratum():
    for function in every(changed("N", 55, 21), FPC):
        with pytest.raises(DesignError, match=r"h=1"):
            function()


def test_a_unit_in_two_strata_is_named():
    for function in every(changed("h", 0, 2)):
        with pytest.raises(DesignError, match=r"psu=0.*nest=True"):
            function()


def test_a_missing_value_is_named_or_counted():
    table = ROWS.assign(x=ROWS["x"].where(ROWS.index != 9), y=ROWS["y"].where(ROWS.index != 9))
    for function in every(table):
        with pytest.raises(DataError, match="missing") as caught:
            function()
        assert set(caught.value.violations["row"]) == {10}
        assert set(caught.value.violations["column"]) <= {"x", "y"}
    for function in every(table, missing="omit"):
        got = function()
        assert got.table["n"].sum() == 119
        assert any("1" in note for note in got.notes)


def test_an_infinite_value_is_refused_whatever_the_policy():
    for policy in ("fail", "omit"):
        with pytest.raises(DataError, match="x") as caught:
            mean(changed("x", 4, np.inf), y="x", design=PLAN, missing=policy)
        assert caught.value.violations["row"].tolist() == [5]


def test_keys_and_columns_that_do_not_exist_are_answered_with_the_nearest(tmp_path):
    for form in forms(ROWS, tmp_path):
        for function in every(form, by="regoin"):
            with pytest.raises(DataError, match=r"regoin.*region"):
                function()
        for plan in (Design(weight="ww"), Design(strata="hh"), Design(cluster="psuu")):
            for function in every(form, plan):
                with pytest.raises(DataError, match=r"(ww|hh|psuu).*(w|h|psu)"):
                    function()
    values = ROWS.rename(columns={"x": "value"})
    for function in (mean, total, quantile, proportion):
        with pytest.raises(DataError, match=r"valeu.*value"):
            function(values, y="valeu", design=PLAN)
    made = cells(values, by="region", design=PLAN, sums="value")
    with pytest.raises(DataError, match=r"regoin.*region"):
        mean(made, y="value", by="regoin")
    with pytest.raises(DataError, match=r"valeu.*value"):
        mean(made, y="valeu")


def test_a_column_of_text_is_not_added_up():
    for function in (mean, total, proportion, quantile):
        with pytest.raises(DataError, match="region"):
            function(ROWS, y="region", design=PLAN)
        with pytest.raises(DataError, match="region"):
            function(ROWS, y="region")


def test_a_table_without_rows_is_refused(tmp_path):
    for form in forms(ROWS[:0], tmp_path):
        for function in (*every(form), *every(form, None)):
            with pytest.raises(DataError):
                function()


def test_a_key_that_is_empty_is_named_with_its_row():
    table = ROWS.assign(region=ROWS["region"].where(ROWS.index != 2))
    for function in every(table):
        with pytest.raises(DataError, match="region") as caught:
            function()
        assert caught.value.violations["row"].tolist() == [3]


def test_without_any_weight_nothing_is_estimated_and_the_reason_is_given():
    for function in every(ROWS.assign(w=0.0)):
        got = function().table
        assert got[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
        assert (got["n"] == 0).all()
        assert got["flag"].unique().tolist() == ["undefined: no row with a weight and a value"]
    with pytest.raises(DesignError):
        mean(ROWS.assign(w=0.0), y="x", design=PLAN.calibrate({"region": {"皖": 9, "苏": 9}}))


def test_a_domain_without_weight_is_told_and_the_others_stand():
    table = ROWS.assign(w=ROWS["w"].where(ROWS["region"] == "皖", 0.0))
    for plan in (
        PLAN,
        Design(weight="w", strata="h"),
        PLAN.replicate("jkn"),
        PLAN.calibrate({"h": {0: 9, 1: 8, 2: 7}}),
    ):
        functions = every(table, plan)
        for function in functions:
            got = function()
            empty, full = got.where(region="苏").table.iloc[0], got.where(region="皖").table.iloc[0]
            assert np.isnan([empty["std_error"], empty["conf_low"], empty["conf_high"]]).all()
            assert empty["flag"] == "undefined: no row with a weight and a value"
            assert full["std_error"] > 0
            if got.indicator != "total":
                assert np.isnan(empty["estimate"])


def test_a_denominator_of_zero_is_told():
    got = ratio(ROWS.assign(x=0.0), numerator="y", denominator="x", design=PLAN).table.iloc[0]
    assert np.isnan(got["estimate"])
    assert got["flag"] == "undefined: the denominator is 0"


def test_a_proportion_of_other_values_is_refused(tmp_path):
    for value in (2, 0.5, -1, 100):
        for plan in (PLAN, Design(), None):
            for form in forms(changed("y", 7, value), tmp_path):
                with pytest.raises(DataError, match="mean") as caught:
                    proportion(form, y="y", design=plan)
                found = caught.value.violations[["row", "column", "value", "rule"]]
                assert found.to_numpy().tolist() == [[8, "y", value, "share"]]
            if plan is not None:  # without a design cells keep no squares that would tell
                with pytest.raises(DataError, match="0 and 1"):
                    proportion(cells(changed("y", 7, value), design=plan, sums="y"), y="y")


def test_other_values_whose_sums_look_like_0_and_1_are_found_in_their_rows():
    few = pd.DataFrame({"y": [0.5, 0.5, 0.5, 1.5, 1.0], "psu": [1, 1, 1, 1, 2]})
    assert proportion(cells(few, design=Design(cluster="psu"), sums="y"), y="y").value() == 80
    for plan in (Design(cluster="psu"), None):
        with pytest.raises(DataError) as caught:
            proportion(few, y="y", design=plan)
        assert caught.value.violations["row"].tolist() == [1, 2, 3, 4]
        with pytest.raises(DataError):
            proportion(
                few.assign(z=np.nan).assign(y=[np.nan, 2, 1, 1, 1]), y="y", design=plan, missing="omit"
            )
        got = proportion(few.assign(y=[np.nan, 0, 1, 1, 1]), y="y", design=plan, missing="omit")
        assert got.value() == 75


def test_truth_values_are_0_and_1():
    truth = ROWS.assign(y=ROWS["y"] == 1)
    for plan in (PLAN, None):
        assert proportion(truth, y="y", design=plan).value() == proportion(ROWS, y="y", design=plan).value()


def test_a_share_that_is_none_is_refused():
    for q in (-0.1, 50):
        with pytest.raises(OptionError, match=str(q)):
            quantile(ROWS, y="x", q=q, design=PLAN)


def test_a_parquet_without_the_column_is_named(tmp_path):
    ROWS.drop(columns="x").to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="x"):
        mean(tmp_path / "rows.parquet", y="x", design=PLAN)
    ROWS.to_parquet(tmp_path / "a.parquet")
    ROWS.drop(columns="x").to_parquet(tmp_path / "b.parquet")
    for function in (mean, quantile):
        with pytest.raises(DataError, match=r"b\.parquet.*x"):
            function(str(tmp_path / "[ab].parquet"), y="x", design=PLAN)


def test_a_truncated_file_is_named(tmp_path):
    whole = tmp_path / "rows.parquet"
    ROWS.to_parquet(whole)
    whole.write_bytes(whole.read_bytes()[:2000])
    for function in every(whole):
        with pytest.raises(DataError, match=r"rows\.parquet"):
            function()
    for name in ("none.parquet", "none*.parquet"):
        for function in every(tmp_path / name):
            with pytest.raises(DataError, match="none"):
                function()


def test_cells_of_another_design_are_refused():
    made = cells(ROWS, by="region", design=PLAN, sums=["x", "y"])
    for other in (Design(weight="w"), FPC, PLAN.replicate("jkn")):
        with pytest.raises(DesignError, match="another design"):
            mean(made, y="x", design=other)
    with pytest.raises(DesignError, match="another design"):
        mean(cells(ROWS, sums="x"), y="x", design=PLAN)
    assert mean(made, y="x", design=Design(weight="w", strata="h", cluster=["psu"])).value() > 0


def test_what_was_saved_survives_everything_that_fails(tmp_path):
    path = tmp_path / "cells.parquet"
    cells(ROWS, by="region", design=PLAN, sums="x").save(path)
    before = path.read_bytes()
    with pytest.raises(DataError):
        cells(changed("w", 3, -1), by="region", design=PLAN, sums="x").save(path)
    with pytest.raises(DesignError):
        (Cells.load(path) + cells(changed("h", 0, 2)[:5], by="region", design=PLAN, sums="x")).save(path)
    with pytest.raises(DataError):
        (Cells.load(path) + cells(ROWS, by="h", design=PLAN, sums="x")).save(path)
    with pytest.raises(DesignError):
        mean(Cells.load(path), y="x", design=FPC)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["cells.parquet"]


def test_labels_of_collapse_that_the_data_lack_are_named():
    plan = Design(**PLAN.to_dict() | {"singleton": "collapse", "collapse": {9: "a", 1: "a"}})
    for function in every(ROWS, plan):
        with pytest.raises(DesignError, match="9"):
            function()


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_csv_file_in_another_encoding_says_so(tmp_path, encoding):
    path = tmp_path / "checks.csv"
    path.write_bytes("地区,y\n安徽,1\n".encode(encoding))
    with pytest.raises(DataError, match="UTF-8"):
        mean(path, y="y")


def test_a_csv_file_with_a_header_twice_is_refused(tmp_path):
    path = tmp_path / "checks.csv"
    path.write_text("y,x,y\n1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"y.*(改名|Rename)"):
        mean(path, y="x")


@pytest.mark.parametrize("name", ["checks.csv", "checks.csv.gz"])
def test_a_csv_file_with_only_a_header_says_so_and_counts_for_nothing_beside_others(tmp_path, name):
    write = gzip.compress if name.endswith("gz") else bytes
    (tmp_path / name).write_bytes(write(b"h,psu,w,y,x\n"))
    for function in (*every(tmp_path / name, PLAN), *every(tmp_path / name, None)):
        with pytest.raises(DataError, match=r"checks\.csv.*(表头|header)"):
            function()
    (tmp_path / f"b{name}").write_bytes(write(b"h,psu,w,y,x\n1,1,1,0,2\n1,2,1,1,4\n"))
    both = [tmp_path / f"b{name}", tmp_path / name]
    assert mean(both, y="x").value() == 3
    assert mean(both[::-1], y="x", design=PLAN).value() == 3


def test_a_packed_csv_file_is_read_and_a_broken_one_named(tmp_path):
    packed = gzip.compress(b"y,x\n1,2\n0,4\n" * 1)
    (tmp_path / "checks.csv.gz").write_bytes(packed)
    assert mean(tmp_path / "checks.csv.gz", y="x").value() == 3
    for broken in (packed[:-9], b"y,x\n1,2\n"):
        (tmp_path / "checks.csv.gz").write_bytes(broken)
        with pytest.raises(DataError, match=r"checks\.csv\.gz"):
            mean(tmp_path / "checks.csv.gz", y="x")


@pytest.mark.parametrize(
    "odd",
    [
        pd.period_range("2022Q1", periods=120, freq="Q"),
        pd.cut(np.arange(120), 3),
        [[1]] * 120,
        [{}] * 120,
        pd.to_timedelta(np.arange(120), unit="D"),
    ],
    ids=["period", "interval", "list", "dict", "duration"],
)
def test_keys_of_an_odd_kind_are_refused_whether_units_are_added_up_or_not(odd):
    for form in (ROWS.assign(odd=odd), pl.from_pandas(ROWS).with_columns(odd=pl.lit([1]))):
        for limit in (None, 2):
            with pytest.raises(DataError, match="odd"):
                cells(form, by="odd", design=PLAN, sums="y", max_cells=limit)


def test_categories_of_polars_add_up_where_units_are_added_up():
    table = pl.from_pandas(ROWS).with_columns(pl.col("region").cast(pl.Categorical))
    few = mean(cells(table, by="region", design=PLAN, sums="y", max_cells=2), y="y", by="region").table
    whole = mean(ROWS, y="y", by="region", design=PLAN).table
    np.testing.assert_allclose(few["std_error"], whole["std_error"], rtol=1e-12)


def test_columns_of_odd_records_are_looked_for_by_words():
    for rows in (None, 3, ROWS["y"], ROWS.groupby("region"), pd.concat([ROWS, ROWS[["y"]]], axis=1)):
        for function in (product_pass_rate, event_rate):
            with pytest.raises(DataError):
                function(rows, by="region", design=PLAN)


ODD = [None, 1, np.array([1, 2]), pd.Series([1]), pd.NA, ROWS, ["y"], {"y"}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_what_is_asked_of_cells_by_an_odd_name_is_refused(odd):
    made = cells(ROWS, by="region", design=PLAN, sums=["y"])
    for call in (made.column, made.sum, made.product, made.square, lambda s: total(made, y=s)):
        with pytest.raises(OptionError):
            call(odd)
    for names in (odd, ["w"], "w", [odd]):
        if names is not ROWS:
            with pytest.raises(OptionError, match="names="):
                made.codes(names)
    assert made.codes("region")[1]["region"].tolist() == ["皖", "苏"]


@pytest.mark.parametrize("odd", [*ODD[1:], "x", ""], ids=lambda odd: type(odd).__name__)
def test_an_odd_option_is_refused_beside_cells_and_files(odd, tmp_path):
    ROWS.to_parquet(path := tmp_path / "rows.parquet")
    made = cells(ROWS, by="region", design=PLAN, sums=["y"])
    checked = cells(ROWS, sums={"inspected": "y", "passed": "y"}, design=PLAN)
    for call in (
        lambda: mean(made, y="y", design=odd),
        lambda: mean(made, y="y", missing=odd),
        lambda: inspection_pass_rate(checked, design=odd),
        lambda: inspection_pass_rate({"inspected": [9], "passed": [8]}, interval=odd),
        lambda: cells(ROWS, sums="y", schema=odd),
        lambda: cells(path, sums="y", memory_limit=odd),
        lambda: cells(path, sums="y", temp_directory=1 if isinstance(odd, str) else odd),
        lambda: made.save(1 if isinstance(odd, str) else odd),
    ):
        with pytest.raises((OptionError, DataError)):
            call()


@pytest.mark.parametrize("odd", [nw.col("none"), nw.col("region") * 2, nw.col("region")])
def test_an_expression_that_cannot_be_evaluated_is_named(odd, tmp_path):
    for form in (*forms(ROWS, tmp_path), pl.from_pandas(ROWS).lazy()):
        for limit in (None, 1):
            with pytest.raises(DataError, match="mine"):
                cells(form, by="region", design=PLAN, sums={"mine": odd}, max_cells=limit)
