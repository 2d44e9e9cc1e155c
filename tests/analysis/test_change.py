"""Tolerance 1e-12 of a share: the same arithmetic, in per cent here and in shares there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.analysis.change import change
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.indicators.inspection_pass_rate import inspection_pass_rate

GOLDEN = Path(__file__).parents[1] / "golden" / "analysis" / "results" / "difference_intervals.csv"
QUARTERS = [("2022Q1", 90.0), ("2022Q4", 92.0), ("2023Q1", 93.5)]


def newcombe():
    table = pd.read_csv(GOLDEN)
    own = table[table["call"].str.startswith("Newcombe 1998 method 10")]
    return own.pivot(index="case", columns="stat", values="value").astype(float)


@pytest.mark.parametrize("case", newcombe().index)
def test_the_change_of_a_wilson_rate_has_newcombes_interval(case):
    (later, n2), (earlier, n1) = (map(int, sample.split("/")) for sample in case.split("-"))
    checks = {"period": ["2022", "2023"], "inspected": [n1, n2], "passed": [earlier, later]}
    rate = inspection_pass_rate(checks, by="period", interval="wilson")
    row = change(rate).table.iloc[0]
    assert [row[c] / 100 for c in ("estimate", "conf_low", "conf_high")] == pytest.approx(
        newcombe().loc[case, ["est", "lo", "hi"]].tolist(), abs=1e-12
    )
    assert row["clear"] == (newcombe().loc[case, "lo"] > 0 or newcombe().loc[case, "hi"] < 0)


@pytest.mark.parametrize(("on", "before", "moved"), [("previous", "2022Q4", 1.5), ("year", "2022Q1", 3.5)])
def test_the_period_before_and_the_year_before_differ(given, on, before, moved):
    row = change(given(QUARTERS), on=on).where(period="2023Q1").table.iloc[0]
    assert (row["compared_with"], row["estimate"]) == (before, moved)
    assert (row["earlier"], row["later"]) == (93.5 - moved, 93.5)


def test_for_years_they_are_the_same():
    rate = published("MQR", region="全国", period=[2022, 2023, 2024])
    one, two = (change(rate, on=on).table for on in ("previous", "year"))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("2022M12", "2023M01"), ("2022H2", "2023H1"), ("2022Q4", "2023Q1"), ("2022", "2023")],
)
def test_the_period_before_crosses_the_year(given, earlier, later):
    assert change(given([(later, 2.0), (earlier, 1.0)])).table["compared_with"].tolist() == [earlier]


def test_a_period_is_not_compared_with_a_gap_before_it(given):
    found = change(given([("2020", 90.0), ("2022", 91.0), ("2023", 92.0)]), lang="en")
    assert found.table["period"].tolist() == ["2023"]
    assert found.notes == ("Without an earlier period to compare with and left out: 2020, 2022.",)


def test_all_other_keys_are_matched_and_never_the_position(given):
    rows = [("2023", "安徽", 93.0), ("2022", "江苏", 95.0), ("2023", "江苏", 94.0), ("2022", "安徽", 90.0)]
    found = change(given(rows, keys=("period", "region")))
    assert (found.value(region="安徽"), found.value(region="江苏")) == (3, -1)
    assert found.keys == ("period", "region")


def test_the_direction_is_in_words_and_noise_is_flat(given):
    rows = [("2019", 0.1 + 0.2), ("2020", 0.3), ("2021", 0.4), ("2022", 0.2), ("2023", np.nan)]
    assert change(given(rows)).table["direction"].tolist() == ["flat", "up", "down", ""]


def test_a_rate_changes_in_points_and_a_score_in_its_unit(given):
    assert change(given(QUARTERS)).unit == "points"
    assert change(given(QUARTERS, unit="index")).unit == "index"


def test_the_interval_is_movers_and_a_change_has_no_n(given):
    later, earlier = ("2023", 10.0, 7.0, 12.0, 1.2), ("2022", 5.0, 3.0, 9.0, 0.5)
    row = change(given([later, earlier])).table.iloc[0]
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((0, 5 + np.sqrt(8)))
    assert (row["std_error"], row["clear"]) == (1.3, False)
    assert np.isnan(row["n"])
    assert change(given([("2023", 10.0, 7.1, 12.0), earlier])).table["clear"].tolist() == [True]


def test_a_published_change_has_no_error_and_is_not_called_clear():
    table = change(published("MQR", region="全国", period=[2023, 2024])).table
    assert table[["std_error", "conf_low", "conf_high", "n", "clear"]].isna().all(axis=None)
    assert table["clear"].dtype == "boolean"


def test_unrounded_values_are_subtracted(given):
    assert change(given([("2022", 90.004), ("2023", 90.006)])).value() == pytest.approx(0.002)


def test_where_it_comes_from_travels(given):
    simulated = given(
        QUARTERS, provenance=("simulated:inspections seed=0",), inference="design", notes=("a",)
    )
    found = change(simulated)
    assert found.simulated and found.inference == "design"
    assert found.notes[0] == "a"
    assert found.level == simulated.level


def test_without_a_period_or_two_of_them_it_is_refused(given):
    with pytest.raises(DataError, match="region"):
        change(given([("安徽", 90.0)], keys=("region",)))
    with pytest.raises(DataError, match="2021, 2023"):
        change(given([("2023", 90.0), ("2021", 91.0)]))


def test_an_unknown_comparison_is_answered_with_those_there_are(given):
    with pytest.raises(OptionError, match="previous"):
        change(given(QUARTERS), on="previuos")
