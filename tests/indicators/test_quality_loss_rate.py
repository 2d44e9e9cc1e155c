import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.indicators.quality_loss_rate import quality_loss_rate

COSTS = {
    "region": ["安徽", "安徽", "江苏"],
    "edition": ["2017"] * 3,
    "industry": ["13", "39", "39"],
    "internal": [1.0, 4.0, 0.0],
    "external": [2.0, 0.0, 6.0],
    "output": [100.0, 900.0, 1000.0],
}


def test_groups_are_ratios_of_sums_not_means_of_rates():
    assert quality_loss_rate(COSTS).value() == pytest.approx(100 * 13 / 2000)
    found = quality_loss_rate(COSTS, by="region")
    assert found.value(region="安徽") == pytest.approx(0.7)
    assert quality_loss_rate(COSTS, by=["edition", "industry"]).value(industry="39") == pytest.approx(
        100 * 10 / 1900
    )


def test_no_error_is_invented():
    found = quality_loss_rate(COSTS, by="region")
    assert found.table[["std_error", "conf_low", "conf_high", "n"]].isna().all(axis=None)
    assert found.inference == "none"
    assert found.table[["numerator", "denominator"]].values.tolist() == [[7, 1000], [6, 1000]]


def test_a_missing_cost_is_not_zero(lang):
    with pytest.raises(DataError) as caught:
        quality_loss_rate({**COSTS, "external": [2.0, None, 6.0]})
    assert caught.value.violations[["row", "column", "rule"]].values.tolist() == [[2, "external", "missing"]]
    assert quality_loss_rate(COSTS, by=["region", "edition", "industry"]).table["estimate"].notna().all()


def test_no_output_is_undefined_with_a_reason():
    row = quality_loss_rate({"internal": [1], "external": [0], "output": [0]}).table.iloc[0]
    assert np.isnan(row["estimate"])
    assert row["flag"] == "undefined: output = 0"


def test_negative_amounts_are_refused():
    with pytest.raises(DataError) as caught:
        quality_loss_rate({**COSTS, "output": [100, -900, 1000], "internal": [-1.0, 4.0, 0.0]})
    assert set(caught.value.violations["rule"]) == {"minimum"}
    assert set(caught.value.violations["column"]) == {"output", "internal"}


def test_an_industry_needs_its_edition():
    without = {name: column for name, column in COSTS.items() if name != "edition"}
    with pytest.raises(DataError, match="edition"):
        quality_loss_rate(without, by="industry")


def test_divisions_of_two_editions_are_not_one_industry(lang):
    mixed = {**COSTS, "edition": ["2017", "2011", "2017"]}
    with pytest.raises(DataError, match="edition"):
        quality_loss_rate(mixed, by="industry")
    assert len(quality_loss_rate(mixed, by=["edition", "industry"])) == 3


def test_one_enterprise_reports_once():
    with pytest.raises(DataError, match="duplicate"):
        quality_loss_rate({**COSTS, "industry": ["39"] * 3, "region": ["安徽"] * 3})
    named = {**COSTS, "industry": ["39"] * 3, "region": ["安徽"] * 3, "企业名称": ["甲", "乙", "丙"]}
    assert quality_loss_rate(named).value() == pytest.approx(0.65)


def test_engines_agree(engine):
    table = pd.DataFrame(COSTS)
    a, b = (quality_loss_rate(t, by="region").table for t in (engine(table), table))
    pd.testing.assert_frame_equal(a, b)
