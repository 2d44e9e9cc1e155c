import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import DataError, OptionError
from qstats.stats import means, shares

SCORES = arrays(float, 4, elements=st.floats(1, 100))
WEIGHTS = arrays(float, 4, elements=st.floats(0.01, 1)).map(lambda w: w / w.sum())
POWERS = st.sampled_from([1.0, 0.0, -1.0, 0.5, 2.0])


@settings(max_examples=50, deadline=None)
@given(SCORES, WEIGHTS, POWERS)
def test_levels_add_up_to_the_mean(I, w, power):  # noqa: E741
    M = means.power_mean(I, w, power)
    parts = shares.level_slopes(I, w, M, power) * I
    assert parts.sum() == pytest.approx(M, rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(SCORES, SCORES, WEIGHTS, WEIGHTS, POWERS)
def test_changes_of_scores_and_weights_add_up_to_that_of_the_mean(I0, I1, w0, w1, power):
    M = means.power_mean(I0, w0, power), means.power_mean(I1, w1, power)
    found = shares.change(I0, I1, w0, w1, M, power)
    total = (found.slope * (I1 - I0) + found.weight).sum()
    assert total == pytest.approx(M[1] - M[0], abs=1e-11 * max(M))


@settings(max_examples=30, deadline=None)
@given(SCORES, WEIGHTS, POWERS)
def test_for_a_small_change_the_slope_is_the_derivative(I, w, power):  # noqa: E741
    M = means.power_mean(I, w, power)
    found = shares.change(I, I, w, w, (M, M), power)
    np.testing.assert_allclose(found.slope, shares.level_slopes(I, w, M, power), rtol=1e-10)
    np.testing.assert_array_equal(found.weight, 0.0)


def test_the_split_of_a_geometric_mean_is_lmdi():
    I0, I1, w = np.array([50.0, 80.0]), np.array([60.0, 70.0]), np.array([0.3, 0.7])
    M0, M1 = (means.power_mean(x, w, 0) for x in (I0, I1))
    L = (M1 - M0) / np.log(M1 / M0)
    found = shares.change(I0, I1, w, w, (M0, M1), 0)
    np.testing.assert_allclose(found.slope * (I1 - I0), L * w * np.log(I1 / I0), rtol=1e-12)


def test_the_divided_difference_does_not_lose_digits_where_two_are_near():
    a = 80.0
    for power in (0.0, -1.0, 0.5):
        exact = a ** (power - 1)
        found = shares._divided_difference(a * (1 + 1e-13), a, power)
        assert found == pytest.approx(exact, rel=1e-12)


def test_an_arithmetic_mean_takes_scores_of_any_sign():
    found = shares.change([-1.0, 0.0], [3.0, 0.0], [0.5, 0.5], [0.5, 0.5], (-0.5, 1.5), 1)
    assert (found.slope * [4.0, 0.0]).tolist() == [2.0, 0.0]


@settings(max_examples=20, deadline=None)
@given(SCORES, SCORES, WEIGHTS)
def test_shapley_values_add_up_for_any_function(I0, I1, w):
    def function(x):
        return means.mazziotta_pareto(x, w)

    parts = shares.shapley(function, I0, I1)
    assert parts.sum() == pytest.approx(float(function(I1) - function(I0)), abs=1e-9)


def test_shapley_values_of_a_sum_are_its_parts():
    w = np.array([0.2, 0.3, 0.5])
    parts = shares.shapley(lambda x: x @ w, [1.0, 2.0, 3.0], [2.0, 4.0, 3.0])
    np.testing.assert_allclose(parts, [0.2, 0.6, 0.0], rtol=1e-12, atol=1e-15)


def test_too_many_parts_and_a_wrong_shape_are_refused():
    with pytest.raises(OptionError, match="17 parts"):
        shares.shapley(lambda x: x.sum(-1), np.zeros(17), np.ones(17))
    with pytest.raises(DataError, match="shape"):
        shares.shapley(lambda x: x, np.zeros(2), np.ones(2))
