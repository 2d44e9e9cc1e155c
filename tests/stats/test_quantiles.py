"""Tolerance 1e-12: cumulated weights round."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, OptionError
from qstats.stats.quantiles import RULE, distribution, quantile, share, woodruff

NUMPY = {
    "math": "inverted_cdf",
    "school": "averaged_inverted_cdf",
    "hf4": "interpolated_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}
VALUES = st.lists(st.integers(-3, 6), min_size=1, max_size=9)
WEIGHTED = st.lists(st.tuples(st.integers(-3, 6), st.integers(1, 5)), min_size=1, max_size=9)
SHARE = st.floats(0, 1)
RULES = st.sampled_from(RULE)


@pytest.mark.parametrize("rule", RULE)
@given(values=VALUES, p=SHARE, weight=st.sampled_from([0.3, 1.0, 7.0]))
@settings(deadline=None, max_examples=40)
def test_of_equal_weights_the_rules_are_those_of_hyndman_and_fan(rule, values, p, weight):
    ours = quantile(distribution(values, [weight] * len(values)), p, rule=rule)
    theirs = np.quantile(np.array(values, float), p, method=NUMPY[rule])
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("rule", ["math", "school"])
@given(rows=WEIGHTED, p=SHARE)
@settings(deadline=None, max_examples=40)
def test_a_whole_weight_is_that_many_rows(rule, rows, p):
    values, weights = np.array(rows).T
    ours = quantile(distribution(values, weights), p, rule=rule)
    assert ours == quantile(distribution(np.repeat(values, weights), np.ones(weights.sum())), p, rule=rule)


@given(rows=WEIGHTED, p=SHARE, rule=RULES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_the_order_of_rows_and_the_scale_of_weights_do_not_matter(rows, p, rule, seed):
    values, weights = np.array(rows, float).T
    order = np.random.default_rng(seed).permutation(len(values))
    one = quantile(distribution(values, weights), p, rule=rule)
    other = quantile(distribution(values[order], weights[order] * 1e-3), p, rule=rule)
    assert one == pytest.approx(other, rel=1e-12, abs=1e-12)


@given(rows=WEIGHTED, ps=st.tuples(SHARE, SHARE), rule=RULES)
@settings(deadline=None, max_examples=50)
def test_quantiles_rise_with_the_share_and_stay_among_the_values(rows, ps, rule):
    values, weights = np.array(rows, float).T
    low, high = quantile(distribution(values, weights), sorted(ps), rule=rule)
    assert values.min() <= low <= high <= values.max()


@given(rows=WEIGHTED, p=SHARE)
@settings(deadline=None, max_examples=50)
def test_math_is_the_least_value_with_enough_weight_below(rows, p):
    values, weights = np.array(rows, float).T
    whole = distribution(values, weights)
    q = quantile(whole, p)
    assert share(whole, q) >= p * (1 - 1e-12)
    lower = whole.values[whole.values < q]
    assert (share(whole, lower) < p).all()


def test_each_rule_has_an_answer_of_its_own():
    whole = distribution([1, 2, 4, 8, 16], [1, 2, 3, 2, 2])
    answers = [float(quantile(whole, 0.4, rule=rule)) for rule in RULE]
    assert [float(quantile(whole, 0.6, rule=rule)) for rule in ("math", "school")] == [4, 6]
    assert len({round(a, 9) for a in answers[2:]}) == 6
    # hf7: the positions are 0, 1/8, 3/8, 6/8 and 1; 0.3 lies 0.7 of the way from the second to the third
    assert quantile(whole, 0.3, rule="hf7") == pytest.approx(2 + 0.7 * 2, rel=1e-12)


def test_rows_of_one_value_share_their_weight():
    rows = distribution([1, 2, 2, 3], [1, 1, 3, 1])
    cells = distribution([1, 2, 3], [1, 4, 1], [1, 2, 1])
    assert quantile(rows, 0.3, rule="hf7") == quantile(cells, 0.3, rule="hf7")
    one_row = distribution([1, 2, 3], [1, 4, 1])
    assert quantile(rows, 0.3, rule="hf7") != quantile(one_row, 0.3, rule="hf7")


def test_entries_without_weight_are_left_out():
    assert distribution([1, 2, 9], [1, 1, 0]).values.tolist() == [1, 2]


def test_a_single_row_is_every_quantile():
    for rule in RULE:
        assert quantile(distribution([7], [2]), [0, 0.5, 1], rule=rule).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("values", "weights", "said"),
    [
        ([1, np.nan], [1, 1], "1 of 2 values are missing"),
        ([1, 2], [1, -2], r"weight .*-2\.0"),
        ([1, 2], [1, np.nan], "weight .*nan"),
        ([1, 2], [0, 0], "no entry has weight"),
        ([1, 2], [1], "2, 1, 2"),
    ],
)
def test_what_is_no_distribution_is_refused(values, weights, said):
    with pytest.raises(DataError, match=said):
        distribution(values, weights)


def test_wrong_options_are_refused():
    whole = distribution([1, 2], [1, 1])
    with pytest.raises(OptionError, match="'hf7'"):
        quantile(whole, 0.5, rule="hf77")
    with pytest.raises(OptionError, match=r"1\.5"):
        quantile(whole, 1.5)


EVEN = distribution(np.arange(1, 1001), np.ones(1000))


def test_woodruff_turns_the_interval_of_the_share_into_values():
    se, t = 0.02, stats.t.ppf(0.95, 40)
    found = woodruff(EVEN, [0.25, 0.5], [se**2, se**2], 40, level=0.9)
    np.testing.assert_array_equal(found.low, np.ceil(1000 * (np.array([0.25, 0.5]) - t * se)))
    np.testing.assert_array_equal(found.high, np.ceil(1000 * (np.array([0.25, 0.5]) + t * se)))
    np.testing.assert_allclose(found.std_error, (found.high - found.low) / (2 * t), rtol=1e-12)


def test_every_option_of_woodruff_changes_the_answer():
    usual = woodruff(EVEN, 0.9, 0.01**2, 10)
    for options in ({"rule": "hf7"}, {"interval": "logit"}, {"level": 0.8}):
        assert woodruff(EVEN, 0.9, 0.01**2, 10, **options).low != usual.low
    by_n = [woodruff(EVEN, 0.9, 0.01**2, 10, interval="korn-graubard", n=n).low for n in (50, 1000)]
    assert by_n[0] < by_n[1]
    by_deff = [woodruff(EVEN, 1.0, 0, 10, interval="wilson", deff_at_bounds=d).low for d in (1, 4)]
    assert by_deff[1] < by_deff[0]


def test_a_quantile_that_nothing_bounds_has_no_limit_and_says_so():
    found = woodruff(EVEN, [0.01, 0.5], 0.02**2, 30)
    assert np.isnan(found.low[0])
    assert found.high[0] > 10
    assert np.isnan(found.std_error[0])
    assert found.reason.tolist() == ["not bounded: the interval of the share reaches 0 or 1", ""]


def test_without_degrees_of_freedom_a_quantile_has_no_interval():
    found = woodruff(EVEN, [0.5], 0.02**2, 0)
    assert np.isnan([found.low[0], found.high[0], found.std_error[0]]).all()
    assert found.reason[0] == "not estimable: 0 degrees of freedom"
