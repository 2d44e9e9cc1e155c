"""Breaks of Estimates: every test, and every option, has its own answer."""

import numpy as np
import pytest

import qstats as qs
from qstats.analysis.breaks import TESTS, breaks
from qstats.errors import DataError, OptionError
from qstats.stats.break_dates import date_limits

RNG = np.random.default_rng(12)
STEPS = np.repeat([90.0, 92.0, 89.0], 12) + RNG.normal(size=36) * 0.4


def years(values, first=1980):
    return [(str(first + i), float(v)) for i, v in enumerate(values)]


@pytest.fixture
def steps(given):
    return given(years(STEPS))


def test_several_breaks_have_a_row_each_with_limits_and_levels(steps):
    found = breaks(steps, test="several")
    assert found["after"].tolist() == ["1991", "2003"] and set(found["verdict"]) == {"break"}
    want = date_limits(STEPS, (12, 24))
    assert found["after_low"].tolist() == [str(1979 + d.low) for d in want]
    assert found["after_high"].tolist() == [str(1979 + d.high) for d in want]
    means = [STEPS[at : at + 12].mean() for at in (0, 12, 24)]
    assert found["level_before"].tolist() == pytest.approx(means[:2], rel=1e-9)
    assert found["level_after"].tolist() == pytest.approx(means[1:], rel=1e-9)
    assert found["change"].tolist() == pytest.approx(np.diff(means), rel=1e-9)
    se = [STEPS[at : at + 12].std(ddof=1) / np.sqrt(12) for at in (0, 12, 24)]
    assert found["change_se"].tolist() == pytest.approx(np.hypot(se[:2], se[1:]), rel=1e-9)
    assert (found["p"] == 0.001).all() and (found["statistic"] > 0).all()


def test_every_test_has_its_own_statistic(steps):
    after = {"chow": {"after": "1991"}}
    found = {test: breaks(steps, test=test, **after.get(test, {})).iloc[0] for test in TESTS}
    assert len({row["statistic"] for row in found.values()}) == len(TESTS)
    assert all(row["test"] == test for test, row in found.items())
    assert found["rec-cusum"]["after"] == "" and np.isnan(found["rec-cusum"]["change"])
    assert found["supF"]["after"] == found["aveF"]["after"] == found["expF"]["after"] == "2003"
    assert found["chow"]["after_low"] == "" == found["mosum"]["after_low"]


def test_options_change_the_answer(steps):
    for test, option in (
        ("supF", {"model": "trend"}),
        ("supF", {"trim": 0.45}),
        ("aveF", {"trim": 0.3}),
        ("mosum", {"trim": 0.3}),
        ("several", {"most": 1}),
    ):
        assert breaks(steps, test=test, **option).iloc[0]["statistic"] != pytest.approx(
            breaks(steps, test=test).iloc[0]["statistic"]
        )
    weak = steps.replace(steps.table.assign(estimate=90 + RNG.normal(size=36)))
    assert breaks(weak, test="aveF").iloc[0]["p"] != breaks(weak, test="aveF", seed=1).iloc[0]["p"]
    assert breaks(weak, test="aveF", n_draws=99).iloc[0]["p"] * 100 == pytest.approx(
        round(breaks(weak, test="aveF", n_draws=99).iloc[0]["p"] * 100), abs=1e-9
    )


def test_without_a_break_the_level_is_that_of_the_whole_and_dates_are_empty(given):
    y = 90 + np.random.default_rng(1).normal(size=30)
    found = breaks(given(years(y)), test="several").iloc[0]
    assert (found["after"], found["after_low"], found["verdict"]) == ("", "", "no clear break")
    assert found["level_before"] == pytest.approx(y.mean(), rel=1e-12) and np.isnan(found["level_after"])
    assert found["statistic"] == 0
    flat = breaks(given(years([5.0] * 30)), test="several").iloc[0]
    assert (flat["test"], flat["verdict"]) == ("constant", "no clear break")


def test_dependent_values_cannot_say_and_have_no_limits(given):
    rate = given(years(90 + 2 * np.sin(np.arange(40) / 2.0)))
    found = breaks(rate, test="several", most=1)
    assert set(found["verdict"]) == {"cannot say"} and set(found["after_low"]) == {""}
    assert (breaks(rate, test="several", most=1, dependent="ignore")["verdict"] != "cannot say").all()


def test_options_that_a_test_does_not_use_and_short_series_are_refused(steps, given):
    for wrong in (
        {"after": "1991", "trim": 0.2},
        {"test": "supF", "after": "1991"},
        {"test": "rec-cusum", "seed": 1},
        {"most": 2},
        {"test": "chow"},
    ):
        with pytest.raises(OptionError):
            breaks(steps, **wrong)
    with pytest.raises(DataError, match="at least 20"):
        breaks(given(years(STEPS[:15])), test="several", lang="en")
    with pytest.raises(DataError, match="at least 30"):
        breaks(given(years(STEPS[:24])), test="several", model="trend", lang="en")


def test_notifications_from_abroad_broke_once():
    months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    alerts = qs.published("RAPEX_notifications_monthly").where(period=months)
    found = qs.breaks(alerts, test="several", dependent="ignore").iloc[0]
    assert found["verdict"] in ("break", "no clear break") and found["n"] == 60


@pytest.mark.parametrize("value", ["x", -1, 0, float("nan"), float("inf"), [], True])
@pytest.mark.parametrize("option", ["test", "model", "dependent", "trim", "most", "n_draws", "seed", "lang"])
def test_options_out_of_range_are_refused(steps, option, value):
    if (option, value) == ("seed", 0):
        return
    test = {"most": "several", "trim": "supF"}.get(option, "aveF")
    with pytest.raises(OptionError):
        breaks(steps, **{"test": test, option: value})


@pytest.mark.parametrize("value", ["x", -1, 0, float("nan"), float("inf"), []])
def test_a_date_that_is_none_is_refused(steps, value):
    with pytest.raises((OptionError, DataError)):
        breaks(steps, test="chow", after=value)
