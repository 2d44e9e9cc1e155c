from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import DataError, OptionError
from qstats.stats import aggregation, means, normalisation, outranking

ALL = [m for m in aggregation.METHODS if m != "kemeny"]
OPTIONS = {"power": {"power": 0.5}, "owa": {"order_weights": [0.5, 0.3, 0.2]}}
MEANS = ["arithmetic", "geometric", "harmonic", "power", "owa", "mean-min", "mazziotta-pareto"]
scores = arrays(float, (4, 3), elements=st.floats(1, 100))
weights = arrays(float, (3,), elements=st.floats(0.05, 1))


def value(x, w=None, method="arithmetic", **options):
    return aggregation.aggregate(x, w, method=method, **{**OPTIONS.get(method, {}), **options}).value


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("arithmetic", {}, 40.0),
        ("geometric", {}, 20**0.25 * 60**0.25 * 40**0.5),
        ("harmonic", {}, 1 / (0.25 / 20 + 0.25 / 60 + 0.5 / 40)),
        ("power", {"power": 2}, (0.25 * 400 + 0.25 * 3600 + 0.5 * 1600) ** 0.5),
        ("mazziotta-pareto", {}, 40 - 200 / 40),
        ("mazziotta-pareto", {"penalty": "up"}, 40 + 200 / 40),
        ("owa", {"order_weights": [1, 0, 0]}, 60 * 0.75 + 40 * 0.25),
        ("mean-min", {}, 20.0),
        ("mean-min", {"alpha": 0.25}, 35.0),
        ("mean-min", {"beta": 15}, 40 - (25 - 15)),
    ],
)
def test_hand_made_cases(method, options, expected):
    found = value([[20.0, 60.0, 40.0]], [1, 1, 2], method, **options)
    np.testing.assert_allclose(found, [expected], rtol=1e-14)


def test_the_human_development_index_of_2010_is_a_geometric_mean():
    """Goalposts of UNDP: life 20–83.2, schooling 0–0.951, log income 163–108 211 (HDR 2010, China 0.663)."""
    life = normalisation.fit([[73.5]], "goalposts", lower=20, upper=83.2)
    school = ((7.5 / 13.2 * 11.4 / 20.6) ** 0.5) / 0.951
    income = (np.log(7263) - np.log(163)) / (np.log(108211) - np.log(163))
    parts = [[normalisation.apply([[73.5]], life)[0, 0], school, income]]
    assert value(parts, method="geometric")[0] == pytest.approx(0.663, rel=1e-3)


def test_the_adjusted_index_scores_the_reference_100_in_every_year():
    low, high = aggregation.adjusted_goalposts([0, 10], [8, 30], [5, 16])
    base = normalisation.fit([[0.0, 10.0]], "scaled", lower=low, upper=high, to=(70, 130))
    scored = normalisation.apply([[5.0, 16.0], [9.0, 6.0]], base)
    np.testing.assert_allclose(value(scored, method="mazziotta-pareto"), [100, 100 - 900 / 100], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(scores, weights, st.floats(-3, 3), st.floats(0.1, 2))
def test_the_power_mean_rises_with_its_power(x, w, power, step):
    low, high = (means.power_mean(x, w / w.sum(), p) for p in (power, power + step))
    assert (low <= high * (1 + 1e-9)).all()
    assert (x.min(1) * (1 - 1e-9) <= low).all()


@settings(deadline=None, max_examples=30)
@given(scores, weights, st.sampled_from(MEANS))
def test_equal_scores_make_that_score(x, w, method):
    x = np.repeat(x[:, :1], 3, axis=1)
    np.testing.assert_allclose(value(x, w, method), x[:, 0], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(scores, weights, st.sampled_from(ALL), st.floats(0.01, 100))
def test_weights_may_have_any_common_factor(x, w, method, k):
    np.testing.assert_allclose(value(x, w, method), value(x, k * w, method), rtol=1e-10)


@settings(deadline=None, max_examples=30)
@given(scores, weights, st.sampled_from(ALL))
def test_rows_in_another_order_are_the_same_rows(x, w, method):
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(value(x[order], w, method), value(x, w, method)[order])


@settings(deadline=None, max_examples=30)
@given(scores, weights, st.sampled_from([m for m in ALL if m != "owa"]))
def test_an_indicator_twice_with_half_the_weight_is_that_indicator(x, w, method):
    twice, halves = x[:, [0, 0, 1, 2]], np.r_[w[0] / 2, w[0] / 2, w[1:]]
    np.testing.assert_allclose(value(twice, halves, method), value(x, w, method), rtol=1e-10)


@pytest.mark.parametrize("method", ALL)
def test_missing_is_treated_alike_as_if_the_indicator_were_not_there(method):
    x = np.array([[30.0, np.nan, 70.0], [50.0, np.nan, 20.0], [90.0, np.nan, 10.0]])
    options = {"order_weights": [0.2, 0.3, 0.5]} if method == "owa" else {}
    fewer = {"order_weights": [0.2 + 0.15, 0.15 + 0.5]} if method == "owa" else {}
    found = value(x, [2, 5, 1], method, **options)
    if method != "owa":
        np.testing.assert_allclose(found, value(x[:, [0, 2]], [2, 1], method, **fewer), rtol=1e-12)
    equal = value(x, None, method, **options), value(x[:, [0, 2]], None, method, **fewer)
    np.testing.assert_allclose(*equal, rtol=1e-12)


@pytest.mark.parametrize("method", ALL)
def test_missing_can_be_refused_or_leave_no_value(method):
    x = np.array([[30.0, np.nan, 70.0], [50.0, 3.0, 20.0], [np.nan] * 3])
    with pytest.raises(DataError, match="4 scores are missing in columns 0, 1, 2"):
        value(x, None, method, missing="raise")
    assert np.isnan(value(x, None, method, missing="nan")).tolist() == [True, False, True]
    assert np.isnan(value(x, None, method)).tolist() == [False, False, True]
    assert not np.isnan(value(x[:1], [1, 0, 1], method, missing="raise")).any()


def test_the_coverage_rule_counts_indicators_or_weight():
    x = [[10.0, np.nan, 20.0]]
    rule = {"min_coverage": 0.6}
    assert not np.isnan(value(x, [1, 8, 1], **rule))
    assert np.isnan(value(x, [1, 8, 1], coverage_of="weight", **rule))
    found = aggregation.aggregate(x, [1, 8, 1], coverage_of="weight")
    np.testing.assert_allclose(found.coverage, [0.2], rtol=1e-12)
    exactly = aggregation.aggregate([[1.0, 2.0, np.nan]], min_coverage=2 / 3)
    assert exactly.value.tolist() == [1.5]


@pytest.mark.parametrize(
    ("method", "options"), [("geometric", {}), ("harmonic", {}), ("power", {"power": -2})]
)
def test_a_score_that_is_not_positive_is_refused_or_lifted_to_a_floor_and_counted(method, options):
    x = [[0.0, 4.0], [-3.0, 0.0], [2.0, 8.0]]
    with pytest.raises(DataError, match=f"3 scores are not positive in columns 0, 1; a {method} mean"):
        value(x, None, method, **options)
    found = aggregation.aggregate(x, method=method, floor=1.0, **options)
    assert found.floored.tolist() == [1, 2, 0]
    lifted = value([[1.0, 4.0], [1.0, 1.0], [2.0, 8.0]], None, method, **options)
    np.testing.assert_array_equal(found.value, lifted)


def test_a_score_without_weight_needs_no_floor():
    np.testing.assert_allclose(value([[0.0, 4.0]], [0, 1], "geometric"), [4.0], rtol=1e-14)
    np.testing.assert_allclose(value([[0.0, 4.0]], [0, 1], "harmonic"), [4.0], rtol=1e-14)


def test_negative_scores_have_no_square_root():
    with pytest.raises(DataError, match=r"power 0\.5 is not defined"):
        value([[-1.0, 4.0]], None, "power", power=0.5)


def test_a_function_of_ones_own_gets_weights_of_what_is_there():
    def largest(x, w):
        return np.where(w > 0, x, -np.inf).max(-1)

    x = [[3.0, 9.0, np.nan], [np.nan, 2.0, 7.0], [np.nan] * 3]
    np.testing.assert_array_equal(value(x, [1, 1, 1], largest), [9.0, 7.0, np.nan])
    with pytest.raises(DataError, match=r"returned shape \(3, 3\)"):
        value(x, None, lambda x, w: x)
    with pytest.raises(OptionError, match="has no use for 'power'"):
        value(x, None, largest, power=2)


@pytest.mark.parametrize("method", ALL)
def test_leading_axes_are_separate_tables_with_weights_of_their_own(method):
    rng = np.random.default_rng(5)
    x, w = rng.uniform(1, 9, (2, 4, 3)), rng.uniform(0.1, 1, (2, 1, 3))
    found = value(x, w, method)
    for k in range(2):
        np.testing.assert_allclose(found[k], value(x[k], w[k, 0], method), rtol=1e-12)


def test_weights_may_draw_where_scores_do_not():
    w = np.random.default_rng(5).uniform(0.1, 1, (6, 1, 3))
    found = value([[1.0, 2.0, 3.0], [4.0, 1.0, 1.0]], w)
    assert found.shape == (6, 2)
    np.testing.assert_allclose(found[3], value([[1.0, 2.0, 3.0], [4.0, 1.0, 1.0]], w[3, 0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([-1, 1, 1], r"weights \[-1\.0, 1\.0, 1\.0\]: "),
        ([[1, 1, 1], [0, 0, 0]], r"weights \[0\.0, 0\.0, 0\.0\]: "),
        ([np.nan, 1, 1], r"weights \[nan, 1\.0, 1\.0\]: "),
        ([1, 1], r"3 indicators have weights of shape \(2,\)"),
    ],
)
def test_weights_that_are_none_are_refused(wrong, said):
    with pytest.raises(OptionError, match=said):
        value([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], wrong)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("geometrical", {}, "Did you mean 'geometric'"),
        ("arithmetic", {"floor": 1}, "no use for 'floor'"),
        ("geometric", {"floor": 0}, "is not a number above 0"),
        ("mazziotta-pareto", {"penalty": "left"}, "penalty='left'"),
        ("mean-min", {"alpha": 2}, "alpha=2"),
        ("owa", {"order_weights": [1, 2]}, "must be 3 numbers"),
    ],
)
def test_options_are_needed_or_refused_never_ignored(method, options, said):
    with pytest.raises(OptionError, match=said):
        value([[1.0, 2.0, 3.0]], None, method, **options)
    for name in ("power", "owa"):
        with pytest.raises(OptionError, match="needs"):
            aggregation.aggregate([[1.0, 2.0, 3.0]], method=name)


def test_order_weights_alone_make_minimum_maximum_and_mean():
    x = [[10.0, 30.0, 26.0]]
    ends = [value(x, None, "owa", order_weights=v)[0] for v in ([1, 0, 0], [0, 0, 1], [1, 1, 1])]
    np.testing.assert_allclose(ends, [30, 10, 22], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(arrays(float, (5, 3), elements=st.integers(0, 3).map(float) | st.just(np.nan)), weights)
def test_outranking_shares_of_a_pair_sum_to_one_whatever_is_missing(x, w):
    o = outranking.outranking(x, w)
    both = o + o.T
    common = ~np.isnan(both) & ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(both[common], 1.0, rtol=1e-12)
    order = [4, 2, 0, 1, 3]
    np.testing.assert_allclose(outranking.outranking(x[order], w), o[np.ix_(order, order)], rtol=1e-12)


def test_a_unit_that_is_better_in_all_wins_all_pairs():
    found = value([[3.0, 3.0], [1.0, 2.0], [2.0, 1.0], [2.0, 1.0]], None, "copeland")
    assert found.tolist() == [3.0, -1.0, -1.0, -1.0]


@settings(deadline=None, max_examples=25)
@given(arrays(float, (5, 3), elements=st.integers(0, 4).map(float)), weights)
def test_kemeny_is_the_best_of_all_orders(x, w):
    o = outranking.outranking(x, w)
    total = {p: sum(o[p[i], p[j]] for i in range(5) for j in range(i + 1, 5)) for p in permutations(range(5))}
    best = [p for p, v in total.items() if v > max(total.values()) - 1e-9]
    found = outranking.kemeny(x, w)
    assert found.agreement == pytest.approx(max(total.values()), rel=1e-12)
    assert found.n_orders == len(best)
    np.testing.assert_allclose(found.position, [np.mean([p.index(c) + 1 for p in best]) for c in range(5)])


def test_kemeny_as_a_mean_is_minus_the_position():
    assert value([[3.0, 1.0], [2.0, 3.0], [1.0, 2.0]], [2, 1], "kemeny").tolist() == [-1.0, -2.0, -3.0]


def test_kemeny_says_where_it_ends():
    with pytest.raises(DataError, match="at most 12 units"):
        outranking.kemeny(np.arange(26.0).reshape(13, 2), [1, 1])
    with pytest.raises(DataError, match="1 pairs that share none"):
        outranking.kemeny([[1.0, np.nan], [np.nan, 1.0]], [1, 1])


def test_pairs_take_one_set_of_weights():
    with pytest.raises(OptionError, match="one set of weights"):
        value([[1.0, 2.0], [2.0, 1.0]], [[1, 2], [2, 1]], "copeland")


@settings(deadline=None, max_examples=50)
@given(
    arrays(float, (4, 3), elements=st.integers(1, 99).map(float)),
    arrays(float, (3,), elements=st.floats(0.01, 1)),
    st.integers(-900, 900),
    st.integers(-3, 3),
)
def test_a_power_of_two_scales_means_with_penalties_to_the_last_bit(x, w, k, beta):
    w[0] *= beta > 0  # one that counts nothing
    scaled = np.ldexp(x, k)
    smooth = {"alpha": 0.3, "beta": 2.0**beta}
    cases = [("mazziotta-pareto", {}, {}), ("mazziotta-pareto", {"penalty": "up"}, {"penalty": "up"})]
    cases += [("mean-min", {}, {}), ("mean-min", smooth, {**smooth, "beta": float(np.ldexp(2.0**beta, k))})]
    for method, options, at_scale in cases:
        plain = aggregation.aggregate(x, w, method=method, **options).value
        found = aggregation.aggregate(scaled, w, method=method, **at_scale).value
        np.testing.assert_array_equal(found, np.ldexp(plain, k))


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_penalties_at_the_ends_of_the_numbers_are_those_of_ordinary_scores(size):
    """90 and 110: M = 100, S² = 100."""
    scores = np.array([[90.0, 110.0, np.nan]]) * size
    found = [
        aggregation.aggregate(scores, method="mazziotta-pareto", penalty=p).value for p in ("down", "up")
    ]
    np.testing.assert_allclose(np.ravel(found) / size, [99, 101], rtol=1e-14)
    worst = [aggregation.aggregate(scores, method="mean-min", alpha=a).value for a in (1, 0.5)]
    np.testing.assert_allclose(np.ravel(worst) / size, [90, 95], rtol=1e-14)
    found = aggregation.aggregate(scores, method="mean-min", beta=10.0 * size).value
    np.testing.assert_allclose(found / size, 110 - 200**0.5, rtol=1e-14)
