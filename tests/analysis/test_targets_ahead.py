"""Targets and time: the verdict by an interval, the pace that is needed, the probability from a forecast."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from qstats.analysis.targets import targets
from qstats.errors import DataError, OptionError


def table(operator=">=", value=95.0, unit="%", by_year=2020):
    return pd.DataFrame(
        {"code": ["a"], "operator": [operator], "value": [value], "unit": [unit], "by_year": [by_year]}
    )


def judge(estimate, rows, **options):
    return targets({"a": estimate}, rows, **options).iloc[0]


@pytest.mark.parametrize(
    ("operator", "low", "high", "said"),
    [
        (">=", 95.0, 96.0, "met"),
        (">=", 94.9, 95.0, "undecided"),
        (">", 95.0, 96.0, "undecided"),
        (">=", 94.1, 94.9, "near"),
        (">=", 93.9, 94.9, "not met"),
        ("<=", 94.0, 95.0, "met"),
        ("<=", 94.0, 95.1, "undecided"),
        ("<=", 95.1, 95.9, "near"),
        ("<=", 95.1, 96.1, "not met"),
        (">=", np.nan, np.nan, "no data"),
    ],
)
def test_the_verdict_by_the_interval(given, operator, low, high, said):
    middle = 94.0 if np.isnan(low) else (low + high) / 2
    assert judge(given([("2016", middle, low, high)]), table(operator))["by_interval"] == said


@pytest.mark.parametrize(
    ("path", "required"),
    [
        ("linear", 0.45),
        ("geometric", 100 * ((95 / 93.2) ** 0.25 - 1)),
        ("complement", 100 * ((5 / 6.8) ** 0.25 - 1)),
    ],
)
def test_the_required_yearly_progress(given, path, required):
    found = judge(given([("2016", 93.2)]), table(), path=path)
    assert found["required"] == pytest.approx(required, rel=1e-12)
    assert found["years_left"] == 4


def test_the_failure_rate_is_that_of_a_rate_in_per_cent(given):
    points = given([("2016", 78.0)], unit="score")
    assert np.isnan(judge(points, table(value=80, unit="score"), path="complement")["required"])
    assert judge(points, table(value=80, unit="score"))["required"] == 0.5


@pytest.mark.parametrize(
    ("period", "left"), [("2016", 4), ("2016H1", 4.5), ("2016Q3", 4.25), ("2016M01", 4 + 11 / 12)]
)
def test_time_is_counted_from_the_end_of_the_period(given, period, left):
    found = judge(given([(period, 93.2)]), table())
    assert found["years_left"] == pytest.approx(left, rel=1e-12)
    assert found["required"] == pytest.approx(1.8 / left, rel=1e-12)


def test_no_pace_where_the_target_is_met_or_time_is_up(given):
    assert np.isnan(judge(given([("2016", 95.2)]), table())["required"])
    assert np.isnan(judge(given([("2021", 93.2)]), table())["required"])
    late = judge(given([("2020", 93.2)]), table())
    assert late["years_left"] == 0 and np.isnan(late["required"])


def test_what_should_fall_needs_a_negative_pace(given):
    assert judge(given([("2016", 0.5)]), table("<=", 0.3))["required"] == pytest.approx(-0.05, rel=1e-12)


def forecast(given, *rows, unit="%"):
    return given([(period, x, np.nan, np.nan, s) for period, x, s in rows], unit=unit)


def test_the_probability_of_reaching_the_target_by_its_year(given):
    ahead = forecast(given, ("2019", 94.0, 0.4), ("2020", 94.6, 0.5))
    found = judge(given([("2016", 93.2)]), table(), forecasts={"a": ahead}, scale="identity")
    assert found["probability"] == pytest.approx(norm.sf(0.8), rel=1e-12)
    assert found["forecast"] == 94.6
    logit = (np.log(94.6 / 5.4) - np.log(95 / 5)) * 0.946 * 0.054 * 100 / 0.5
    found = judge(given([("2016", 93.2)]), table(), forecasts={"a": ahead})
    assert found["probability"] == pytest.approx(norm.cdf(logit), rel=1e-12)


def test_only_a_rate_in_per_cent_is_moved_on_the_logit_scale(given):
    ahead = forecast(given, ("2020", 84.6, 0.5), unit="index")
    found = judge(
        given([("2016", 83.0)], unit="index"), table(value=85, unit="index"), forecasts={"a": ahead}
    )
    assert found["probability"] == pytest.approx(norm.sf(0.8), rel=1e-12)


def test_a_forecast_is_enough_for_a_probability(given):
    found = targets({}, table(), forecasts={"a": forecast(given, ("2020", 95.0, 0.5))}).iloc[0]
    assert found["probability"] == 0.5 and found["status"] == "no data"


def test_what_should_fall_is_reached_from_above(given):
    ahead = forecast(given, ("2020", 94.6, 0.5))
    found = judge(given([("2016", 96.0)]), table("<="), forecasts={"a": ahead}, scale="identity")
    assert found["probability"] == pytest.approx(norm.cdf(0.8), rel=1e-12)


def test_degrees_of_freedom_are_used(given):
    ahead = forecast(given, ("2020", 94.6, 0.5))
    ahead = ahead.replace(ahead.table.assign(df=6.0))
    found = judge(given([("2016", 93.2)]), table(), forecasts={"a": ahead}, scale="identity")
    assert found["probability"] == pytest.approx(t.sf(0.8, 6), rel=1e-12)


def test_no_chance_is_given_of_exactly_all(given):
    ahead = forecast(given, ("2020", 99.6, 0.5))
    assert np.isnan(judge(given([("2016", 99.0)]), table(value=100.0), forecasts={"a": ahead})["probability"])


def test_a_forecast_without_the_year_of_the_target(given):
    ahead = forecast(given, ("2018", 94.6, 0.5), ("2019", 94.6, 0.5))
    with pytest.raises(DataError, match="exactly one row for its year, 2020; it has 0"):
        targets({}, table(), forecasts={"a": ahead}, lang="en")
    with pytest.raises(DataError, match=r"目标年份 2020，现有 0 行"):
        targets({}, table(), forecasts={"a": ahead}, lang="zh")


def test_a_forecast_for_no_target_or_in_another_unit(given):
    with pytest.raises(DataError, match="code 'b'"):
        targets({}, table(), forecasts={"b": forecast(given, ("2020", 1, 1))}, lang="en")
    with pytest.raises(DataError, match="in % and the figures are in index"):
        targets({}, table(), forecasts={"a": forecast(given, ("2020", 1, 1), unit="index")}, lang="en")


def test_choices_that_do_not_exist():
    with pytest.raises(OptionError, match="complement"):
        targets({}, table(), path="complementary")
    with pytest.raises(OptionError, match="identity"):
        targets({}, table(), scale="log")
