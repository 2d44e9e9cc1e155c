"""Formulas of the index of satisfaction beyond a single fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats.satisfaction import (
    decompose,
    item_means,
    points,
    residuals,
    size_for_change,
    size_for_mean,
    srs_variance,
)

seeds = st.integers(0, 2**32 - 1)


def answers(seed, gaps=0.2):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 11, (30, 4)).astype(float)
    X[rng.random(X.shape) < gaps] = np.nan
    X[0] = [3, 4, 5, 6]
    return X, rng.uniform(0.5, 3, 30), rng.uniform(0.1, 1, 4)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_points_take_the_index_from_the_bottom_to_the_top(seed):
    _, _, u = answers(seed)
    lower, upper = np.array([1, 0, 1, -2.0]), np.array([10, 1, 5, 2.0])
    v = points(u, lower, upper)
    assert v @ (upper - lower) == pytest.approx(100, rel=1e-12)
    np.testing.assert_allclose(points(7 * u, lower, upper), v, rtol=1e-12)


def test_points_of_weights_that_cancel_are_not_defined():
    assert np.isnan(points([1.0, -1.0], 1, 10)).all()


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_residuals_are_the_derivatives_of_the_index_by_the_weights_of_respondents(seed):
    X, w, u = answers(seed)
    v = points(u, np.ones(4), np.full(4, 10.0))

    def index(weight):
        return v @ (item_means(X, weight[:, None])[:, 0] - 1)

    # a central difference loses about eps·100/step to rounding and step² to truncation: 1e-9 at 1e-4
    e, step = residuals(X, w, v), 1e-4
    for i in (0, 7, 19):
        more, less = w.copy(), w.copy()
        more[i] += step
        less[i] -= step
        slope = (index(more) - index(less)) / (2 * step)
        assert slope == pytest.approx(e[i] / w.sum(), rel=1e-6, abs=1e-7)
    assert w @ e == pytest.approx(0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_the_variance_of_simple_sampling_is_that_of_a_mean(seed):
    X, _, u = answers(seed, gaps=0)
    v = points(u, np.ones(4), np.full(4, 10.0))
    e = residuals(X, np.ones(30), v)
    score = (X - 1) @ v
    assert srs_variance(e, np.ones(30)) == pytest.approx(score.var(ddof=1) / 30, rel=1e-10)
    assert np.isnan(srs_variance(e[:1], np.ones(1)))


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_a_change_is_the_sum_of_its_parts_whatever_moved(seed):
    rng = np.random.default_rng(seed)
    m0, m1, u0, u1 = rng.uniform(2, 9, (4, 3))
    lower, upper = np.array([1.0, 0, 1]), np.array([10.0, 10, 12])
    before, after = (points(u, lower, upper) @ (m - lower) for m, u in ((m0, u0), (m1, u1)))
    moved = decompose(m0, u0, m1, u1, lower, upper)
    assert moved.change == pytest.approx(after - before, rel=1e-9, abs=1e-10)
    assert moved.answers + moved.weights == pytest.approx(moved.change, rel=1e-12, abs=1e-12)
    stacked = decompose(*(np.stack([x, x]) for x in (m0, u0, m1, u1)), lower, upper)
    np.testing.assert_allclose(stacked.change, moved.change, rtol=1e-12)


def test_weights_move_no_index_whose_items_stand_alike():
    moved = decompose([4, 4], [1, 2], [4, 4], [5, 1], 1, 10)
    assert abs(moved.change) < 1e-12


def test_sizes_are_those_of_the_books():
    # Cochran (1977), 4.6: s = 0.1 of the mean and an error of 2 % at 95 %: 96 rounded from z = 1.96
    assert size_for_mean(0.1, 0.02) == pytest.approx(96.04, rel=1e-4)
    assert size_for_mean(20, 2, confidence=0.9) == pytest.approx((1.6448536 * 10) ** 2, rel=1e-6)
    # equal groups, d = 0.5, power 0.8: 63 a group by the normal approximation
    assert np.ceil(size_for_change(1, 0.5)) == 63
    assert size_for_change(1, 0.5, correlation=0.6) == pytest.approx(0.4 * size_for_change(1, 0.5), rel=1e-12)
    assert size_for_change(1, 0.5, power=0.9) / size_for_change(1, 0.5) == pytest.approx(1.3387, rel=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: size_for_mean(-1, 2),
        lambda: size_for_mean(20, float("inf")),
        lambda: size_for_mean(20, 2, confidence=1),
        lambda: size_for_change(20, 3, power=0.5),
        lambda: size_for_change(20, 3, correlation=1),
    ],
)
def test_what_cannot_be_planned_is_refused(call):
    with pytest.raises(OptionError):
        call()
