import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.indicators.export_pass_rate import export_pass_rate
from qstats.stats import intervals

EXPORTS = {
    "region": ["安徽", "安徽", "江苏"],
    "goods": ["玩具", "纺织品", "玩具"],
    "batches": [1000, 4000, 9000],
    "batches_failed": [5, 0, 12],
    "value": [2.0e6, 5.0e6, 4.0e7],
    "value_failed": [4.0e4, 0.0, 1.0e4],
}


def test_batches_and_value_are_two_rates():
    batch, value = export_pass_rate(EXPORTS), export_pass_rate(EXPORTS, basis="value")
    assert batch.value() == pytest.approx(100 * (1 - 17 / 14000))
    assert value.value() == pytest.approx(100 * (1 - 5.0e4 / 4.7e7))
    assert (batch.basis, value.basis) == ("batch", "value")


def test_by_region_and_goods_sums_are_pooled():
    found = export_pass_rate(EXPORTS, by="region")
    assert found.value(region="安徽") == pytest.approx(100 * (1 - 5 / 5000))
    crossed = export_pass_rate(EXPORTS, by=["region", "goods"])
    assert crossed.value(region="安徽", goods="玩具") == pytest.approx(99.5)


def test_counts_get_the_exact_interval_by_default():
    row = export_pass_rate(EXPORTS).table.iloc[0]
    low, high = intervals.proportion([14000 - 17], [14000], method="clopper-pearson")
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((100 * low[0], 100 * high[0]))
    assert (row["numerator"], row["denominator"], row["n"]) == (13983, 14000, 14000)
    other = export_pass_rate(EXPORTS, interval="wilson", level=0.99).table.iloc[0]
    assert other["conf_low"] != row["conf_low"]


def test_value_has_no_error_and_none_can_be_named():
    found = export_pass_rate(EXPORTS, basis="value")
    assert found.table[["std_error", "conf_low", "conf_high", "n"]].isna().all(axis=None)
    assert found.inference == "none"
    assert export_pass_rate(EXPORTS).inference == "superpopulation"
    with pytest.raises(OptionError, match="unknown"):
        export_pass_rate(EXPORTS, basis="value", interval="wilson")


def test_only_the_columns_of_the_basis_are_needed():
    batches = {name: EXPORTS[name] for name in ("batches", "batches_failed")}
    batches["value"], batches["value_failed"] = [None, 1.0, 2.0], [None, 0.0, 0.0]
    assert export_pass_rate(batches | {"goods": ["a", "b", "c"]}).value() == pytest.approx(
        100 * (1 - 17 / 14000)
    )
    with pytest.raises(DataError) as caught:
        export_pass_rate(batches | {"goods": ["a", "b", "c"]}, basis="value")
    assert set(caught.value.violations["rule"]) == {"missing"}
    with pytest.raises(DataError, match="value_failed"):
        export_pass_rate({"batches": [3], "batches_failed": [1], "value": [2.0]}, basis="value")


def test_chinese_headers_and_units_are_read():
    year = {"检验批次(万批)": ["1,342.31"], "不合格批次(万批)": ["２.00"]}
    row = export_pass_rate(year).table.iloc[0]
    assert (row["denominator"], row["numerator"]) == (13_423_100, 13_403_100)


def test_more_failed_than_inspected_is_refused(lang):
    with pytest.raises(DataError) as caught:
        export_pass_rate({"batches": [10], "batches_failed": [11]})
    assert caught.value.violations[["row", "column", "rule"]].values.tolist() == [
        [1, "batches_failed", "failed"]
    ]
    with pytest.raises(DataError, match="failed"):
        export_pass_rate({"value": [10], "value_failed": [11]}, basis="value")


def test_no_batches_and_no_value_are_undefined_with_a_reason():
    nothing = {"batches": [0], "batches_failed": [0], "value": [0.0], "value_failed": [0.0]}
    for basis, column in (("batch", "batches"), ("value", "value")):
        row = export_pass_rate(nothing, basis=basis).table.iloc[0]
        assert np.isnan(row["estimate"])
        assert row["flag"] == f"undefined: {column} = 0"


def test_single_declarations_equal_their_totals():
    failed = [1] * 3 + [0] * 97
    records = pd.DataFrame({"goods": ["玩具"] * 100, "batches": 1, "batches_failed": failed})
    totals = {"goods": ["玩具"], "batches": [100], "batches_failed": [3]}
    a, b = (export_pass_rate(t, by="goods").table for t in (records, totals))
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize("basis", ["batch", "value"])
def test_engines_agree(engine, basis):
    table = pd.DataFrame(EXPORTS)
    a, b = (export_pass_rate(t, by="region", basis=basis).table for t in (engine(table), table))
    pd.testing.assert_frame_equal(a, b)


def test_a_wrong_basis_is_answered_with_the_list():
    with pytest.raises(OptionError, match="batch"):
        export_pass_rate(EXPORTS, basis="batches")
