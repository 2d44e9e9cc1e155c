import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, OptionError
from qstats.stats.correlation import (
    MEASURES,
    coefficient,
    correlate,
    cross_correlation,
    fisher,
    treated,
)

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 7))
SERIES = st.lists(st.integers(-20, 20), min_size=4, max_size=6)


def constant(x):
    return len(set(x)) == 1


@pytest.mark.parametrize(
    ("measure", "scipy"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr), ("kendall", stats.kendalltau)],
)
def test_coefficients_are_those_of_scipy_with_ties_too(measure, scipy):
    tied = np.array([1, 1, 2, 3, 3, 3, 5.0])
    for y in (Y, np.round(Y)):
        assert coefficient(tied, y, measure=measure) == pytest.approx(scipy(tied, y)[0], rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(x=SERIES, data=st.data(), measure=st.sampled_from(MEASURES))
def test_the_permutation_p_is_the_share_of_orders_at_least_as_strong(x, data, measure):
    y = data.draw(st.lists(st.integers(-20, 20), min_size=len(x), max_size=len(x)))
    found = correlate(x, y, measure=measure)
    if constant(x) or constant(y):
        assert math.isnan(found.r) and math.isnan(found.p)
        return
    all_r = np.array([abs(coefficient(x, order, measure=measure)) for order in permutations(y)])
    assert found.p == pytest.approx(np.mean(all_r >= abs(found.r) - 1e-9), rel=1e-12)
    assert found.smallest_p == pytest.approx(np.mean(all_r >= all_r.max() - 1e-9), rel=1e-12)
    assert found.smallest_p <= found.p


def test_longer_series_are_enumerated_in_pieces():
    y = RNG.normal(size=9)
    x = 3 * y + RNG.normal(size=9)
    found = correlate(x, y, measure="kendall")
    assert found.p == pytest.approx(stats.kendalltau(x, y, method="exact").pvalue, rel=1e-12)
    assert found.smallest_p == pytest.approx(2 / math.factorial(9), rel=1e-12)


def test_beyond_ten_the_orders_are_drawn_and_never_give_zero():
    x = np.arange(14.0)
    found = correlate(x, x, n_draws=199, seed=0)
    assert found.p == found.smallest_p == 1 / 200
    y = RNG.normal(size=14)
    assert correlate(x, y, seed=0).p != correlate(x, y, seed=1).p
    assert correlate(x, y).p == pytest.approx(stats.pearsonr(x, y).pvalue, abs=0.02)


def test_shifts_of_a_trend_can_say_little():
    x = np.arange(8.0)
    found = correlate(x, x, null="shift")
    assert found.p == found.smallest_p == 1 / 8
    assert correlate(x, x).p == 2 / math.factorial(8)


def test_the_t_test_is_that_of_scipy():
    assert correlate(X, Y, null="t").p == pytest.approx(stats.pearsonr(X, Y).pvalue, rel=1e-12)
    assert correlate(X, Y, null="t", measure="spearman").p == pytest.approx(
        stats.spearmanr(X, Y).pvalue, rel=1e-12
    )
    assert correlate(X, X, null="t").p == 0


def test_fisher_limits():
    interval = stats.pearsonr(X, Y).confidence_interval(0.9)
    assert fisher(coefficient(X, Y), 7, level=0.9) == pytest.approx(interval, rel=1e-12)
    assert all(map(math.isnan, (*fisher(0.5, 3), *fisher(1.0, 8))))
    assert math.isnan(correlate(X, Y, measure="spearman").low)
    assert correlate(X, Y, level=0.5).low > correlate(X, Y).low


@settings(deadline=None, max_examples=30)
@given(a=st.floats(-50, 50), b=st.floats(-5, 5))
def test_a_detrended_series_forgets_any_straight_line(a, b):
    time = np.array([2001, 2002, 2003, 2005, 2008, 2009, 2010.0])
    line = treated(Y + a + b * (time - 2005), treatment="detrended", time=time)
    np.testing.assert_allclose(line, treated(Y, treatment="detrended", time=time), atol=1e-10)
    assert abs(line.sum()) < 1e-10 and abs(line @ (time - 2005)) < 1e-10


def test_without_trends_the_t_test_is_that_of_a_regression_with_time():
    time = np.arange(7.0)
    x, y = (treated(z, treatment="detrended") for z in (X, Y))
    design = np.stack([np.ones(7), time, X], 1)
    b, rss = np.linalg.lstsq(design, Y, rcond=None)[:2]
    t = b[2] / np.sqrt(rss[0] / 4 * np.linalg.inv(design.T @ design)[2, 2])
    found = correlate(x, y, null="t", removed=1)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 4), rel=1e-10)
    assert found.p > correlate(x, y, null="t").p
    assert (found.low, found.high) == fisher(found.r, 6)


def test_a_straight_line_has_nothing_left():
    assert treated(80 + 0.1 * np.arange(7), treatment="detrended").tolist() == [0] * 7
    assert treated(Y).tolist() == Y.tolist()


def test_correlation_is_blind_to_scale_and_sees_sign():
    for measure in MEASURES:
        r = coefficient(X, Y, measure=measure)
        assert coefficient(3 * X + 7, 0.2 * Y - 1, measure=measure) == pytest.approx(r, rel=1e-12)
        assert coefficient(-X, Y, measure=measure) == pytest.approx(-r, rel=1e-12)


def test_cross_correlation_mirrors_and_contains_the_correlation():
    found = cross_correlation(Y, X, max_lag=3)
    np.testing.assert_allclose(found, cross_correlation(X, Y, max_lag=3)[::-1], rtol=1e-12)
    assert found[3] == pytest.approx(coefficient(X, Y), rel=1e-12)
    assert np.isnan(cross_correlation(np.ones(7), X, max_lag=1)).all()


def test_a_leader_shows_at_a_positive_lag():
    x = np.array([0, 3, -1, 2, -2, 1, 0, 0.0])
    y = np.concatenate([[0, 0], x[:-2]])
    assert np.argmax(cross_correlation(y, x, max_lag=3)) - 3 == 2


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([1, 2], [1, 2], "at least 3 pairs; there are 2"),
        ([1, 2, 3], [1, 2], r"\(3,\) and \(2,\)"),
        ([1, 2, np.nan], [1, 2, 3], "missing"),
    ],
)
def test_series_that_cannot_be_correlated(x, y, said):
    with pytest.raises(DataError, match=said):
        correlate(x, y)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"measure": "pearsn"}, "'pearson'"),
        ({"null": "shifts"}, "'shift'"),
        ({"measure": "kendall", "null": "t"}, "permutation"),
        ({"level": 95}, "level=95"),
        ({"n_draws": 10}, "n_draws=10"),
    ],
)
def test_choices_that_do_not_exist(options, said):
    with pytest.raises(OptionError, match=said):
        correlate(X, Y, **options)
    with pytest.raises(OptionError, match="max_lag=7"):
        cross_correlation(X, Y, max_lag=7)
    with pytest.raises(OptionError, match="max_lag=-1"):
        cross_correlation(X, Y, max_lag=-1)
    with pytest.raises(OptionError, match="detrended"):
        treated(X, treatment="detrend")
