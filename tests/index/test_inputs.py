import numpy as np
import pandas as pd
import pytest

from qstats.datasets import load
from qstats.errors import DataError, FrameworkError
from qstats.index.inputs import published_indicators


@pytest.fixture
def half():
    return load("frameworks/ht_capability")


def test_an_indicator_is_the_ratio_of_its_series_in_its_unit(half):
    found = published_indicators(half, region="安徽", period=2023)
    data = load("qci_inputs_by_province").query("region == '安徽' and year == '2023'")
    x = data.set_index("series")["value"]
    expected = {
        "rd_intensity": x["ht_RD_expenditure"] / 1e4 / x["ht_revenue"] * 100,
        "renovation_intensity": x["ht_technical_renovation_expenditure"] / 1e4 / x["ht_revenue"] * 100,
        "patents_per_million": x["ht_invention_patents_in_force"] / (x["ht_revenue"] * 100),
        "new_product_share": x["ht_new_product_sales"] / 1e4 / x["ht_revenue"] * 100,
        "average_revenue": x["ht_revenue"] / x["ht_firms"],
        "export_share": x["ht_new_product_exports"] / x["ht_new_product_sales"] * 100,
    }
    assert {code: e.value() for code, e in found.items()} == pytest.approx(expected, rel=1e-12)
    assert {e.unit for e in found.values()} == {"%", "件/百万元", "亿元/家"}


def test_published_figures_come_without_their_error(half):
    for found in published_indicators(half, region="安徽", period=2023).values():
        assert found.table[["std_error", "conf_low", "conf_high", "n"]].isna().all(axis=None)
        assert (found.inference, found.basis) == ("none", "高技术产业(制造业)")
        assert found.provenance == ("published:qci_inputs_by_province",)


def test_a_region_that_either_series_lacks_is_absent(half):
    found = published_indicators(half, period=2023)
    assert "西藏" not in set(found["export_share"].table["region"])
    assert "西藏" in set(found["average_revenue"].table["region"])


def test_another_indicator_enters_by_another_row(half):
    row = half[half["code"] == "average_revenue"].assign(
        code="profit", numerator="ht_profit", scale=100.0, unit="%", weight=0.0
    )
    found = published_indicators(pd.concat([half, row]), region="安徽", period=2023)["profit"]
    x = (
        load("qci_inputs_by_province")
        .query("region == '安徽' and year == '2023'")
        .set_index("series")["value"]
    )
    assert found.value() == pytest.approx(100 * x["ht_profit"] / x["ht_firms"], rel=1e-12)


def test_a_framework_that_names_no_series_is_refused():
    with pytest.raises(FrameworkError, match="qci"):
        published_indicators("qci")


@pytest.mark.parametrize(("column", "cell"), [("numerator", ""), ("denominator", None), ("scale", np.nan)])
def test_a_leaf_that_names_its_series_in_part_is_a_fault(half, column, cell):
    half = half.astype(object)
    half.loc[half["code"] == "export_share", column] = cell
    with pytest.raises(FrameworkError) as caught:
        published_indicators(half, lang="en")
    assert caught.value.faults == ("'export_share' does not name its numerator, denominator and scale.",)


def test_series_without_a_common_region_and_period_are_refused(half):
    half.loc[half["code"] == "average_revenue", "numerator"] = "ht_invention_patents_in_force"
    half.loc[half["code"] == "average_revenue", "denominator"] = "ht_gross_output"
    with pytest.raises(DataError, match="ht_invention_patents_in_force and the denominator ht_gross_output"):
        published_indicators(half, lang="en")


def test_a_series_of_several_populations_is_refused(half):
    half.loc[half["code"] == "average_revenue", "denominator"] = "main_business_revenue"
    with pytest.raises(DataError, match="main_business_revenue is of several populations"):
        published_indicators(half, lang="en")


def test_scales_are_read_as_people_write_them(half):
    half = half.astype({"scale": object})
    plain = published_indicators(half, region="安徽", period=2023)["export_share"].value()
    half.loc[half["code"] == "export_share", "scale"] = "1,000"
    found = published_indicators(half, region="安徽", period=2023)["export_share"].value()
    assert found == pytest.approx(10 * plain, rel=1e-12)


def test_every_series_and_scale_that_is_wrong_is_told_at_once(half):
    half = half.astype({"scale": object})
    half.loc[half["code"] == "export_share", "numerator"] = "ht_exprt"
    half.loc[half["code"] == "rd_intensity", "denominator"] = "nothing like it"
    half.loc[half["code"] == "average_revenue", "scale"] = 0
    with pytest.raises(FrameworkError) as caught:
        published_indicators(half, lang="en")
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "rd_intensity",
        "The scale=0 of 'average_revenue' should be above 0.",
        "export_share",
    ]
    assert "Did you mean 'ht_" in caught.value.faults[2]
