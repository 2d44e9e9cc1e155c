"""Tolerance 1e-10 of the golden limits: incomplete beta and gamma functions are inverted by iteration."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.errors import OptionError
from qstats.stats import intervals

GOLDEN = Path(__file__).parents[1] / "golden" / "analysis" / "results"
TOLERANCE = 1e-10
SAME = {
    "clopper-pearson": [
        "statsmodels proportion_confint(method=beta)",
        "scipy binomtest.proportion_ci(method=exact)",
        "binom.test (Clopper-Pearson)",
    ],
    "wilson": [
        "statsmodels proportion_confint(method=wilson)",
        "scipy binomtest.proportion_ci(method=wilson)",
        "prop.test(correct=FALSE) (Wilson)",
    ],
    "jeffreys": ["statsmodels proportion_confint(method=jeffreys)"],
    "agresti-coull": ["statsmodels proportion_confint(method=agresti_coull)"],
}
CALLS = [(method, call) for method, calls in SAME.items() for call in calls]


def golden(call):
    """Golden limits of one call: x, n, level, lo, hi."""
    tables = [pd.read_csv(GOLDEN / f"proportion_intervals{part}.csv") for part in ("", "_R")]
    table = pd.concat(tables)
    wide = table[table["call"] == call].pivot(index="case", columns="stat", values="value").reset_index()
    parts = wide["case"].str.extract(r"(?P<x>\d+)/(?P<n>\d+)\|(?P<kind>alpha|conf)=(?P<level>[\d.]+)")
    given = parts["level"].astype(float)
    level = given.where(parts["kind"] == "conf", 1 - given)
    return pd.DataFrame(
        {
            "x": parts["x"].astype(float),
            "n": parts["n"].astype(float),
            "level": level.round(6),
            "lo": wide["lo"],
            "hi": wide["hi"],
        }
    )


@pytest.mark.parametrize(("method", "call"), CALLS)
def test_limits_of_a_proportion_are_the_golden_ones(method, call):
    table = golden(call)
    assert len(table) == 42
    assert table["level"].nunique() == 3
    for level, part in table.groupby("level"):
        low, high = intervals.proportion(part["x"], part["n"], method=method, level=level)
        # beside 0 and 1 statsmodels leaves Agresti and Coull's limits uncut and Jeffreys's a little inside
        inside_low, inside_high = part["lo"].clip(0, 1), part["hi"].clip(0, 1)
        if method == "jeffreys":
            inside_low = inside_low.where(part["x"] > 0, 0.0)
            inside_high = inside_high.where(part["x"] < part["n"], 1.0)
        np.testing.assert_allclose(low, inside_low, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(high, inside_high, rtol=0, atol=TOLERANCE)


def test_limits_of_a_count_are_the_golden_ones():
    table = golden("poisson.test(x) count interval (Garwood)")
    assert len(table) == 42
    for level, part in table.groupby("level"):
        low, high = intervals.poisson(part["x"], 1.0, level=level)
        np.testing.assert_allclose(low, part["lo"], rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(high, part["hi"], rtol=TOLERANCE, atol=TOLERANCE)


def test_the_four_intervals_of_a_proportion_are_four_intervals():
    found = {m: intervals.proportion([48], [50], method=m) for m in intervals.PROPORTION}
    assert len({float(low[0]) for low, _ in found.values()}) == 4
    assert intervals.proportion([48], [50]) == found["wilson"]


@pytest.mark.parametrize("method", intervals.PROPORTION)
@pytest.mark.parametrize("n", [1, 7, 5120])
def test_at_0_and_100_percent_an_interval_has_width_and_touches_the_end(method, n):
    low, high = intervals.proportion([0, n], [n, n], method=method)
    assert low[0] == 0
    assert 0 < high[0] <= 1
    assert high[1] == 1
    assert 0 <= low[1] < 1
    np.testing.assert_allclose(low[1], 1 - high[0], atol=1e-12)


@pytest.mark.parametrize("method", intervals.PROPORTION)
def test_nothing_inspected_has_no_interval(method):
    low, high = intervals.proportion([0, 3, np.nan], [0, 10, np.nan], method=method)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False, True]


@pytest.mark.parametrize("method", intervals.PROPORTION)
def test_a_higher_level_gives_a_wider_interval_around_the_rate(method):
    limits = [intervals.proportion([7], [20], method=method, level=level) for level in (0.8, 0.95, 0.998)]
    widths = [float(high[0] - low[0]) for low, high in limits]
    assert widths == sorted(set(widths))
    assert all(low[0] < 7 / 20 < high[0] for low, high in limits)


def test_an_effective_sample_size_may_be_fractional():
    low, high = intervals.proportion([9.25], [10.5], method="wilson")
    around = [intervals.proportion([9.25 / 10.5 * n], [n], method="wilson") for n in (10, 11)]
    assert around[0][0] < low < around[1][0]
    assert around[1][1] < high < around[0][1]


@pytest.mark.parametrize(("x", "n"), [(213, 213), (0, 9), (5, 9), (999, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_one_sided_bound_leaves_alpha_above_it(x, n, level):
    bound = float(intervals.lower_bound([x], [n], level=level)[0])
    if x == 0:
        assert bound == 0
        return
    assert stats.binom.sf(x - 1, n, bound) == pytest.approx(1 - level, rel=1e-9)
    two_sided = float(intervals.proportion([x], [n], method="clopper-pearson", level=level)[0][0])
    assert bound > two_sided
    assert bound == pytest.approx(
        float(intervals.proportion([x], [n], method="clopper-pearson", level=2 * level - 1)[0][0])
    )


def test_nothing_appraised_has_no_bound():
    assert np.isnan(intervals.lower_bound([0], [0])).all()


def test_a_poisson_interval_scales_with_the_exposure():
    low, high = intervals.poisson([4, 4], [1.0, 1000.0])
    np.testing.assert_allclose([low[1], high[1]], [low[0] / 1000, high[0] / 1000])
    zero = intervals.poisson([0], [2.0])
    assert zero[0] == 0
    assert zero[1] == pytest.approx(-np.log(0.025) / 2)
    assert np.isnan(intervals.poisson([3, 0], [0.0, 0.0])).all()


def test_the_t_interval_of_a_mean_is_symmetric_and_cut():
    low, high = intervals.mean([0.5, 0.95], [0.05, 0.05], [4, 4], level=0.9)
    reach = stats.t.ppf(0.95, 4) * 0.05
    assert (low[0], high[0]) == pytest.approx((0.5 - reach, 0.5 + reach))
    assert low[1] == pytest.approx(0.95 - reach)
    assert high[1] == 1


def test_the_logit_interval_of_a_mean_stays_inside_and_is_longer_towards_the_middle():
    low, high = intervals.mean([0.95], [0.05], [4], method="logit")
    assert 0 < low[0] < 0.95 < high[0] < 1
    assert 0.95 - low[0] > high[0] - 0.95
    odds = np.log(low / (1 - low)) + np.log(high / (1 - high))
    assert odds[0] / 2 == pytest.approx(np.log(0.95 / 0.05))


@pytest.mark.parametrize("method", intervals.MEAN)
def test_a_mean_without_known_error_has_no_interval(method):
    assert np.isnan(intervals.mean([0.5], [np.nan], [3], method=method)).all()


def test_at_the_ends_the_logit_interval_is_unknown():
    assert np.isnan(intervals.mean([0.0, 1.0], [0.1, 0.1], [9, 9], method="logit")).all()


def test_wrong_choices_are_answered_with_the_list():
    with pytest.raises(OptionError, match="'clopper-pearson'"):
        intervals.proportion([1], [2], method="clopper")
    with pytest.raises(OptionError, match="'logit'"):
        intervals.mean([0.5], [0.1], [3], method="z")


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_a_level_outside_0_to_1_is_refused(level):
    calls = (
        lambda: intervals.proportion([1], [2], level=level),
        lambda: intervals.lower_bound([1], [2], level=level),
        lambda: intervals.poisson([1], [2], level=level),
        lambda: intervals.mean([0.5], [0.1], [3], level=level),
    )
    for call in calls:
        with pytest.raises(OptionError, match="level"):
            call()


def test_an_interval_named_for_totals_is_refused():
    intervals.refuse(None, "values")
    with pytest.raises(OptionError, match=r"'wilson'.*values"):
        intervals.refuse("wilson", "values")
