import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import DataError, OptionError
from qstats.stats import frontier, importance, weighting

RNG = np.random.default_rng(11)
COMMON = RNG.normal(size=(40, 1))
X = COMMON + RNG.normal(size=(40, 4)) * [0.3, 0.6, 1.0, 2.0]
TWO = np.hstack([X[:, :3], RNG.normal(size=(40, 1)) + RNG.normal(size=(40, 3)) * 0.5])
ALL = {
    "first": lambda x: weighting.principal(x, negative="absolute"),
    "oecd": lambda x: weighting.principal(x, rule="oecd"),
    "critic": weighting.critic,
    "entropy": lambda x: weighting.entropy(x - x.min(-2, keepdims=True) + 1),
}


@pytest.mark.parametrize("rule", ALL)
def test_weights_are_not_negative_and_sum_to_one_over_any_leading_axes(rule):
    stack = np.stack([X, X[::-1] * 3, X**3])
    found = ALL[rule](stack)
    assert found.shape == (3, 4)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)
    for k in range(3):
        np.testing.assert_allclose(found[k], ALL[rule](stack[k]), rtol=1e-9)


@pytest.mark.parametrize("rule", ["first", "oecd", "critic"])
def test_units_of_measurement_and_rows_do_not_matter(rule):
    order = RNG.permutation(40)
    np.testing.assert_allclose(ALL[rule](X[order] * [1, 10, 100, 1000] + 5), ALL[rule](X), rtol=1e-9)


def test_the_first_component_is_that_of_the_singular_values():
    z = (X - X.mean(0)) / X.std(0, ddof=1)
    _, s, v = np.linalg.svd(z, full_matrices=False)
    found = weighting.components(X)
    np.testing.assert_allclose(found.variance, s**2 / 39, rtol=1e-10)
    np.testing.assert_allclose(weighting.principal(X), v[0] / v[0].sum(), rtol=1e-10)


def test_an_indicator_against_the_others_is_refused_zero_or_counted():
    x = X * [1, 1, 1, -1]
    with pytest.raises(DataError, match="columns 3 have negative coefficients"):
        weighting.principal(x)
    assert weighting.principal(x, negative="zero")[3] == 0
    np.testing.assert_allclose(
        weighting.principal(x, negative="absolute"), weighting.principal(X), rtol=1e-10
    )
    with pytest.raises(OptionError, match="no use for negative"):
        weighting.principal(x, rule="oecd", negative="zero")


def test_the_oecd_rule_weighs_components_by_what_they_explain():
    found = weighting.principal(TWO, rule="oecd")
    parts = weighting.components(TWO)
    assert (parts.variance > 1).sum() == 2
    loadings = weighting._varimax(parts.vectors[:, :2] * np.sqrt(parts.variance[:2]))
    share = (loadings**2).sum(0) / (loadings**2).sum()
    by_hand = (loadings**2 / (loadings**2).sum(0) * share).max(1)
    np.testing.assert_allclose(found, by_hand / by_hand.sum(), rtol=1e-12)
    assert np.abs(found - weighting.principal(TWO, negative="absolute")).max() > 0.01


def test_the_oecd_rule_takes_components_until_sixty_percent():
    x = np.linalg.qr(RNG.normal(size=(30, 5)))[0]
    found = weighting.principal(x, rule="oecd")
    assert (found > 0).all()


@settings(deadline=None, max_examples=30)
@given(arrays(float, (6, 3), elements=st.floats(-1, 1)))
def test_varimax_turns_and_never_lowers_its_criterion(loadings):
    def criterion(a):
        return (a**4).sum() - ((a**2).sum(0) ** 2).sum() / len(a)

    found = weighting._varimax(loadings)
    np.testing.assert_allclose((found @ found.T), loadings @ loadings.T, rtol=0, atol=1e-9)
    assert criterion(found) >= criterion(loadings) - 1e-9


def test_varimax_finds_a_simple_structure_again():
    simple = np.kron(np.eye(2), [[0.9], [0.8], [0.7]])
    c, s = np.cos(0.6), np.sin(0.6)
    found = np.abs(weighting._varimax(simple @ [[c, -s], [s, c]]))
    np.testing.assert_allclose(np.sort(found.sum(0)), np.sort(simple.sum(0)), rtol=1e-9)


def test_entropy_gives_an_even_indicator_nearly_nothing():
    found = weighting.entropy(np.column_stack([[100.0, 101, 99], [1.0, 100, 3]]))
    assert found[0] < 1e-4
    with pytest.raises(DataError, match="columns 1 have negative"):
        weighting.entropy([[1.0, -1.0], [2.0, 1.0]])


def test_entropy_counts_what_is_there():
    holes = np.array([[1.0, 1.0], [3.0, 2.0], [np.nan, 9.0]])
    p, q = np.array([0.25, 0.75]), np.array([1, 2, 9]) / 12
    gain = np.array([1 + (p * np.log(p)).sum() / np.log(2), 1 + (q * np.log(q)).sum() / np.log(3)])
    np.testing.assert_allclose(weighting.entropy(holes), gain / gain.sum(), rtol=1e-12)


def test_critic_gives_a_copy_less_than_an_indicator_of_its_own():
    x = RNG.normal(size=(30, 2))
    found = weighting.critic(np.column_stack([x, x[:, 0]]))
    assert found[0] == pytest.approx(found[2], rel=1e-9)
    assert found[1] > found[0]
    with pytest.raises(DataError, match="perfectly correlated"):
        weighting.critic(x[:, [0, 0]])


@pytest.mark.parametrize("rule", [weighting.principal, weighting.critic])
def test_holes_are_refused_or_left_out(rule):
    x = X.copy()
    x[0, 1] = np.nan
    with pytest.raises(DataError, match="1 values are missing in columns 1"):
        rule(x)
    assert rule(x, missing="listwise").sum() == pytest.approx(1, rel=1e-12)
    assert not np.allclose(rule(x, missing="listwise"), rule(x, missing="pairwise"), rtol=1e-6)


@pytest.mark.parametrize("rule", ALL)
def test_a_constant_column_has_no_weight_to_find(rule):
    with pytest.raises(DataError, match="columns 2 have no two different"):
        ALL[rule](X * [1, 1, 0, 1])


def test_of_three_the_weights_are_geometric_means_of_rows_and_the_eigenvalue_is_known():
    """With t³ = a₁₃/(a₁₂ a₂₃), λ = 1 + t + 1/t; 0.58 is the random index of three."""
    A = np.array([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
    found = weighting.pairwise_judgements(A)
    rows, t = A.prod(1) ** (1 / 3), (5 / 9) ** (1 / 3)
    np.testing.assert_allclose(found.weights, rows / rows.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.eigenvalue, 1 + t + 1 / t, rtol=1e-12)
    np.testing.assert_allclose(found.consistency_ratio, (t + 1 / t - 2) / 2 / 0.58, rtol=1e-10)


def test_consistent_judgements_give_back_the_weights():
    w = np.array([[0.5, 0.3, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1]])
    found = weighting.pairwise_judgements(w[:, :, None] / w[:, None, :])
    np.testing.assert_allclose(found.weights, w, rtol=1e-9)
    np.testing.assert_allclose(found.consistency_ratio + 1, 1, rtol=1e-9)
    two = weighting.pairwise_judgements([[1, 4], [0.25, 1]])
    assert two.consistency_ratio == 0
    many = weighting.pairwise_judgements(np.ones((11, 11)))
    assert np.isnan(many.consistency_ratio)


def test_judgements_must_be_reciprocal():
    with pytest.raises(DataError, match=r"\(0, 1\) times \(1, 0\) is not 1"):
        weighting.pairwise_judgements([[1, 3], [3, 1]])
    with pytest.raises(DataError, match="square"):
        weighting.pairwise_judgements([[1, 0], [0, 1]])


def test_effective_weights_of_leaves_sum_to_one():
    w = RNG.uniform(0.1, 1, (5, 7))
    parents = [-1, 0, 0, 1, 1, 1, 2]
    found = weighting.effective(w, parents)
    np.testing.assert_allclose(found[:, 3:].sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(found[:, 6], found[:, 2], rtol=1e-12)
    with pytest.raises(DataError, match="circle"):
        weighting.effective([1, 1, 1], [-1, 2, 1])
    with pytest.raises(DataError, match="nodes 1, 2"):
        weighting.effective([1, 0, 0], [-1, 0, 0])


def test_equal_weights_need_an_indicator():
    with pytest.raises(OptionError, match="n_indicators=0"):
        weighting.equal(0)


# the benefit of the doubt


def test_the_best_unit_of_one_indicator_is_the_frontier():
    np.testing.assert_allclose(frontier.benefit_of_the_doubt([[4.0], [1.0]]).score, [1, 0.25], rtol=1e-12)


def test_a_dominated_unit_scores_its_distance_along_its_own_ray():
    found = frontier.benefit_of_the_doubt([[4.0, 0.0], [0.0, 4.0], [1.0, 1.0], [1.0, 2.0]])
    np.testing.assert_allclose(found.score, [1, 1, 0.5, 0.75], rtol=1e-9)


def test_equal_shares_make_the_frontier_of_weighted_sums():
    found = frontier.benefit_of_the_doubt([[4.0, 1.0], [2.0, 4.0]], lower=0.5, upper=0.5)
    np.testing.assert_allclose(found.score, [1 / 2.25, 1 / 1.125], rtol=1e-9)
    np.testing.assert_allclose(found.shares, 0.5, rtol=1e-9)


@settings(deadline=None, max_examples=15)
@given(arrays(float, (5, 3), elements=st.floats(1, 20)), st.floats(0, 0.3), st.floats(0.4, 1))
def test_shares_stay_within_their_bounds_and_narrower_bounds_never_help(x, low, high):
    wide, narrow = frontier.benefit_of_the_doubt(x), frontier.benefit_of_the_doubt(x, lower=low, upper=high)
    assert (narrow.score <= wide.score + 1e-7).all()
    assert (narrow.score <= 1 + 1e-9).all()
    assert wide.score.max() == pytest.approx(1, rel=1e-9)
    assert (narrow.shares >= low - 1e-7).all()
    assert (narrow.shares <= high + 1e-7).all()
    np.testing.assert_allclose(narrow.shares.sum(1), 1, rtol=1e-9)
    scaled = frontier.benefit_of_the_doubt(x * [1, 10, 1000], lower=low, upper=high)
    np.testing.assert_allclose(scaled.score, narrow.score, rtol=1e-6)


def test_what_a_unit_lacks_does_not_count_against_it():
    found = frontier.benefit_of_the_doubt([[4.0, np.nan], [2.0, 5.0]], upper=0.7)
    np.testing.assert_allclose(found.score[0], 1, rtol=1e-9)
    assert found.weights[0, 1] == 0


@pytest.mark.parametrize(
    ("x", "options", "error", "said"),
    [
        ([[-1.0, 1.0]], {}, DataError, "the least -1"),
        ([[0.0, 0.0], [1.0, 1.0]], {}, DataError, "unit 0 with the values"),
        ([[0.0, 2.0], [1.0, 1.0]], {"lower": 0.1}, DataError, "unit 0 with the values"),
        ([[1.0, 2.0]], {"lower": 0.6}, OptionError, "must hold"),
        ([[1.0, 2.0]], {"upper": 0.4}, OptionError, "must hold"),
    ],
)
def test_a_frontier_that_does_not_exist_is_refused(x, options, error, said):
    with pytest.raises(error, match=said):
        frontier.benefit_of_the_doubt(x, **options)


# importance


def test_a_linear_main_effect_is_the_squared_correlation():
    y = X @ [0.1, 0.2, 0.3, 0.4]
    expected = [np.corrcoef(X[:, q], y)[0, 1] ** 2 for q in range(4)]
    np.testing.assert_allclose(importance.main_effects(X, y), expected, rtol=1e-10)


def test_a_curved_main_effect_is_the_explained_variance_of_the_polynomial():
    y = X[:, 0] ** 3 + X[:, 1]
    found = importance.main_effects(X, y, degree=3)
    for q in range(4):
        fitted = np.polyval(np.polyfit(X[:, q], y, 3), X[:, q])
        assert found[q] == pytest.approx(fitted.var() / y.var(), rel=1e-8)


def test_main_effects_leave_out_what_is_missing_and_constants_have_none():
    x, y = X.copy(), X @ np.ones(4)
    x[:5, 0] = np.nan
    x[:, 3] = 1.0
    found = importance.main_effects(np.stack([x, x]), np.stack([y, y]))
    assert found.shape == (2, 4)
    assert found[1, 0] == pytest.approx(np.corrcoef(x[5:, 0], y[5:])[0, 1] ** 2, rel=1e-9)
    assert np.isnan(found[:, 3]).all()
    with pytest.raises(OptionError, match="degree=0"):
        importance.main_effects(x, y, degree=0)


def test_balanced_weights_reach_equal_importance():
    found = importance.balance(X)
    np.testing.assert_allclose(found.importance, 0.25, rtol=1e-6)
    y = X @ found.weights
    r = np.array([np.corrcoef(X[:, q], y)[0, 1] for q in range(4)])
    np.testing.assert_allclose(r / r.sum(), found.importance, rtol=1e-9)


def test_a_target_moves_the_weights():
    target = [0.2, 0.2, 0.2, 0.4]
    equal, moved = importance.balance(X), importance.balance(X, target=target)
    assert moved.weights[3] > equal.weights[3] + 0.05
    assert moved.distance <= moved.start_distance


@settings(deadline=None, max_examples=20)
@given(
    arrays(float, (7, 3), elements=st.integers(-9, 9).map(float)),
    arrays(float, (3,), elements=st.integers(1, 9).map(float)),
    arrays(float, (3,), elements=st.integers(1, 9).map(float)),
)
def test_balanced_weights_are_never_negative_and_never_worse_than_the_start(x, target, start):
    x = x + np.arange(7)[:, None] * [0.1, 0.2, 0.37]
    assume((x.std(0) > 0).all() and np.var(x @ (start / start.sum())) > 1e-9)
    found = importance.balance(x, target=target, start=start)
    assert (found.weights >= 0).all()
    assert found.weights.sum() == pytest.approx(1, rel=1e-12)
    assert found.distance <= found.start_distance


def test_balance_refuses_what_it_cannot_weigh():
    with pytest.raises(DataError, match="columns 1 are constant or have holes"):
        importance.balance(X * [1, 0, 1, 1])
    with pytest.raises(OptionError, match="target="):
        importance.balance(X, target=[1, 1])
    with pytest.raises(DataError, match="does not vary"):
        importance.balance(np.column_stack([X[:, 0], -X[:, 0]]))


@settings(deadline=None, max_examples=10)
@given(st.integers(-900, 900))
def test_a_power_of_two_leaves_balanced_weights_and_main_effects_to_the_last_bit(k):
    y = X @ [0.4, 0.3, 0.2, 0.1]
    plain, scaled = importance.balance(X), importance.balance(np.ldexp(X, k))
    np.testing.assert_array_equal(scaled.weights, plain.weights)
    np.testing.assert_array_equal(scaled.importance, plain.importance)
    assert (scaled.distance, scaled.start_distance) == (plain.distance, plain.start_distance)
    for degree in (1, 3):
        found = importance.main_effects(np.ldexp(X, k), np.ldexp(y, -k), degree=degree)
        np.testing.assert_array_equal(found, importance.main_effects(X, y, degree=degree))


@pytest.mark.parametrize("size", [1e-300, 1e150, 1e300])
def test_weights_at_the_ends_of_the_numbers_are_those_of_ordinary_values(size):
    np.testing.assert_allclose(importance.balance(X * size).weights, importance.balance(X).weights, rtol=1e-6)
    for rule in (ALL["first"], ALL["oecd"], weighting.critic, lambda x: weighting.entropy(np.abs(x))):
        np.testing.assert_allclose(rule(X * size), rule(X), rtol=1e-9)


def test_an_indicator_that_hardly_varies_beside_another_is_not_balanced_silently():
    with pytest.raises(DataError, match="columns 1 hardly vary beside"):
        importance.balance(np.column_stack([X[:, 0] * 1e200, X[:, 1]]))


def test_fewer_units_than_coefficients_explain_nothing():
    assert np.isnan(importance.main_effects(X[:2], X[:2, 0], degree=4)).all()
