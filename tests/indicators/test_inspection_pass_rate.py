import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats import intervals

CHECKS = {
    "period": ["2022", "2022", "2023", "2023"],
    "region": ["安徽", "江苏", "安徽", "江苏"],
    "size": ["大型", "小型", "小型", "大型"],
    "inspected": [100, 300, 200, 50],
    "passed": [97, 240, 150, 50],
}


def test_counts_are_pooled_and_rates_are_never_averaged():
    assert inspection_pass_rate(CHECKS).value() == pytest.approx(100 * 537 / 650)


@pytest.mark.parametrize("by", ["period", ["region", "size"], ("size",), []])
def test_any_keys_make_a_result(by):
    found = inspection_pass_rate(CHECKS, by=by)
    keys = [by] if isinstance(by, str) else list(by)
    assert list(found.keys) == keys
    table = pd.DataFrame(CHECKS)
    sums = (
        table.groupby(keys)[["inspected", "passed"]].sum()
        if keys
        else table[["inspected", "passed"]].sum().to_frame().T
    )
    assert found.table["estimate"].tolist() == pytest.approx(
        (100 * sums["passed"] / sums["inspected"]).tolist()
    )
    assert found.table["n"].tolist() == sums["inspected"].tolist()


def test_a_column_of_ones_own_may_be_a_key():
    found = inspection_pass_rate({**CHECKS, "产地": ["城区", "乡镇", "城区", "乡镇"]}, by="产地")
    assert found.value(产地="城区") == pytest.approx(100 * 247 / 300)


def test_the_basis_is_said_and_changes_no_number():
    a, b = inspection_pass_rate(CHECKS), inspection_pass_rate(CHECKS, basis="enterprises")
    assert (a.basis, b.basis) == ("batches", "enterprises")
    assert a.table.equals(b.table)


@pytest.mark.parametrize("method", intervals.PROPORTION)
def test_the_interval_is_the_one_named(method):
    found = inspection_pass_rate(CHECKS, interval=method, level=0.9)
    low, high = intervals.proportion([537], [650], method=method, level=0.9)
    row = found.table.iloc[0]
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((100 * low[0], 100 * high[0]))
    assert (found.level, method in found.method) == (0.9, True)


def test_at_100_percent_the_error_is_unknown_and_the_interval_has_width():
    row = inspection_pass_rate({"inspected": [30], "passed": [30]}).table.iloc[0]
    assert row["estimate"] == row["conf_high"] == 100
    assert row["conf_low"] < 90
    assert np.isnan(row["std_error"])


def test_nothing_inspected_is_undefined_with_a_reason():
    row = inspection_pass_rate({"inspected": [0], "passed": [0]}).table.iloc[0]
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].isna().all()
    assert row["flag"] == "undefined: inspected = 0"


def test_a_region_beside_the_nation_would_count_twice(lang):
    table = {**CHECKS, "region": ["安徽", "全国", "安徽", "江苏"]}
    with pytest.raises(DataError, match="全国"):
        inspection_pass_rate(table)
    assert len(inspection_pass_rate(table, by="region")) == 3


def test_single_records_equal_their_totals():
    totals = pd.DataFrame(CHECKS)
    records = totals.loc[totals.index.repeat(totals["inspected"])].reset_index(drop=True)
    records["passed"] = (records.groupby(["period", "region"]).cumcount() < records["passed"]).astype(int)
    records["inspected"] = 1
    a, b = (inspection_pass_rate(t, by=["period", "region"]).table for t in (records, totals))
    pd.testing.assert_frame_equal(a, b)


def test_simulated_rows_mark_the_result():
    found = inspection_pass_rate({**CHECKS, "provenance": ["simulated:inspections seed=1"] * 4})
    assert found.simulated
    assert not inspection_pass_rate(CHECKS).simulated


def test_engines_agree(engine):
    table = pd.DataFrame(CHECKS)
    a, b = (inspection_pass_rate(t, by=["period", "size"]).table for t in (engine(table), table))
    pd.testing.assert_frame_equal(a, b)


def test_wrong_choices_are_answered_with_the_list():
    with pytest.raises(OptionError, match=r"batches.*products.*enterprises"):
        inspection_pass_rate(CHECKS, basis="batch")
    with pytest.raises(OptionError, match="clopper-pearson"):
        inspection_pass_rate(CHECKS, interval="exact")
