import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.indicators.acceptance_rate import acceptance_rate
from qstats.stats import intervals

WORKS = {
    "sector": ["房屋建筑", "公路"],
    "works": [200, 13],
    "works_passed": [199, 13],
    "works_first_time": [190, 12],
    "works_fine": [60, 2],
    "area": [100.0, 50.0],
    "area_passed": [99.0, 50.0],
    "area_first_time": [95.0, 49.0],
    "area_fine": [40.0, 10.0],
    "value": [8.0, 4.0],
    "value_passed": [8.0, 3.9],
    "value_first_time": [7.0, 3.8],
    "value_fine": [3.0, 1.0],
}
EXPECTED = {
    ("accepted", "count"): 212 / 213,
    ("first-time", "count"): 202 / 213,
    ("fine", "count"): 62 / 213,
    ("accepted", "area"): 149 / 150,
    ("first-time", "area"): 144 / 150,
    ("fine", "area"): 50 / 150,
    ("accepted", "value"): 11.9 / 12,
    ("first-time", "value"): 10.8 / 12,
    ("fine", "value"): 4 / 12,
}


@pytest.mark.parametrize(("outcome", "basis"), EXPECTED)
def test_every_outcome_and_basis_is_another_rate(outcome, basis):
    found = acceptance_rate(WORKS, outcome=outcome, basis=basis)
    assert found.value() == pytest.approx(100 * EXPECTED[outcome, basis])
    assert found.basis == f"{outcome}, by {basis}"


def test_by_sector():
    assert acceptance_rate(WORKS, by="sector").value(sector="公路") == 100


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_lower_bound_is_exact_and_one_sided(level):
    row = acceptance_rate(WORKS, by="sector", level=level).where(sector="公路").table.iloc[0]
    assert row["lower_bound"] == pytest.approx(100 * (1 - level) ** (1 / 13))
    assert row["conf_low"] == pytest.approx(100 * ((1 - level) / 2) ** (1 / 13))
    assert np.isnan(row["std_error"])


def test_the_lower_bound_stays_exact_whatever_the_interval():
    a, b = acceptance_rate(WORKS).table.iloc[0], acceptance_rate(WORKS, interval="jeffreys").table.iloc[0]
    assert a["lower_bound"] == b["lower_bound"]
    assert a["conf_low"] != b["conf_low"]
    low, _ = intervals.proportion([212], [213], method="clopper-pearson")
    assert a["conf_low"] == pytest.approx(100 * low[0])


@pytest.mark.parametrize("basis", ["area", "value"])
def test_area_and_value_have_no_error(basis):
    found = acceptance_rate(WORKS, basis=basis)
    assert found.table[["std_error", "conf_low", "conf_high", "n", "lower_bound"]].isna().all(axis=None)
    assert found.inference == "none"
    with pytest.raises(OptionError, match=basis):
        acceptance_rate(WORKS, basis=basis, interval="wilson")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"works_passed": [201, 13]}, "works"),
        ({"works_first_time": [199, 14]}, "first_time"),
        ({"works_fine": [200, 2]}, "fine"),
        ({"area_fine": [101.0, 1.0]}, "works"),
    ],
)
def test_parts_above_their_whole_are_refused(changed, rule, lang):
    with pytest.raises(DataError) as caught:
        acceptance_rate({**WORKS, **changed})
    assert rule in set(caught.value.violations["rule"])


def test_only_the_columns_asked_for_are_needed():
    assert acceptance_rate({"竣工工程数": [4], "优良工程数": [1]}, outcome="fine").value() == 25
    with pytest.raises(DataError, match="works_passed"):
        acceptance_rate({"works": [4], "works_fine": [1]})


def test_nothing_appraised_is_undefined_with_a_reason():
    row = acceptance_rate({"works": [0], "works_passed": [0]}).table.iloc[0]
    assert row[["estimate", "conf_low", "conf_high", "lower_bound"]].isna().all()
    assert row["flag"] == "undefined: works = 0"


def test_engines_agree(engine):
    table = pd.DataFrame(WORKS)
    for basis in ("count", "area"):
        a, b = (acceptance_rate(t, by="sector", basis=basis).table for t in (engine(table), table))
        pd.testing.assert_frame_equal(a, b)


def test_wrong_choices_are_answered_with_the_list():
    with pytest.raises(OptionError, match="first-time"):
        acceptance_rate(WORKS, outcome="first_time")
    with pytest.raises(OptionError, match="count"):
        acceptance_rate(WORKS, basis="counts")
