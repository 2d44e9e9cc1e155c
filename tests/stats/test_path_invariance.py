"""Measurement invariance of composites."""

import numpy as np
import pytest

from qstats.errors import DataError, OptionError
from qstats.stats.path_groups import relabelled
from qstats.stats.path_invariance import invariance
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import Fitting, fit, scores, specify

MODEL = specify([0, 0, 0, 1, 1], [[0, 0], [1, 0]])


def answers(n, seed, loads=((1, 1, 1), (1, 1, 1)), shift=0.0, spread=1.0):
    """Answers of two groups of n; loadings of three items by group, shift and spread of the second."""
    rng = np.random.default_rng(seed)
    group = np.repeat([0, 1], n)
    y = rng.normal(size=2 * n) * np.where(group, spread, 1.0) + shift * group
    first = np.array(loads, float)[group] * y[:, None] + 0.8 * rng.normal(size=(2 * n, 3))
    last = 0.6 * y[:, None] + 0.5 * rng.normal(size=(2 * n, 1)) + 0.5 * rng.normal(size=(2 * n, 2))
    return np.hstack([first, last]), group


def by_rows(X, group, w=None):
    """c, difference of means and logarithm of the ratio of variances, from scores of rows."""
    w = np.ones(len(X)) if w is None else w
    m = moments(X, w)
    pooled = fit(m.covariance, MODEL)
    Z = (X - m.mean) / np.sqrt(np.diagonal(m.covariance))
    c = []
    own = [fit(moments(X[group == g], w[group == g]).covariance, MODEL).standardised for g in (0, 1)]
    for k in range(2):
        at = MODEL.blocks == k
        pair = np.stack([Z[:, at] @ weights[at] for weights in own])
        c.append(np.cov(pair, aweights=w)[0, 1] / np.sqrt(np.prod(np.diag(np.cov(pair, aweights=w)))))
    y = scores(X, m.mean, m.covariance, pooled, MODEL)
    mean, variance = [], []
    for g in (0, 1):
        v = w[group == g]
        mean.append(v @ y[group == g] / v.sum())
        variance.append(v @ (y[group == g] - mean[-1]) ** 2 / v.sum())
    return np.array(c), mean[0] - mean[1], np.log(variance[0] / variance[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_measures_are_those_of_the_scores_of_rows(weighted):
    X, group = answers(60, 3, ((1, 1, 1), (1, 0.3, 1)), 0.5, 1.4)
    w = np.random.default_rng(1).uniform(0.5, 2, 120) if weighted else None
    found = invariance(X, group, MODEL, weights=w, permutations=9)
    for ours, theirs in zip(found[:3], by_rows(X, group, w), strict=True):
        np.testing.assert_allclose(ours.value, theirs, rtol=1e-7)


def test_p_counts_the_permutations_one_by_one():
    X, group = answers(25, 5, shift=0.3)
    found = invariance(X, group, MODEL, permutations=60, seed=2)
    labels = np.concatenate(list(relabelled(group, 60, seed=2)), axis=1).T
    each = [np.array(part) for part in zip(*(by_rows(X, row) for row in labels), strict=True)]
    for k, (test, drawn) in enumerate(zip(found[:3], each, strict=True)):
        beyond = drawn <= test.value if k == 0 else np.abs(drawn) >= np.abs(test.value)
        np.testing.assert_allclose(test.p, (1 + beyond.sum(0)) / 61, rtol=1e-12)
        tails = (0.05, None) if k == 0 else (0.025, 0.975)
        np.testing.assert_allclose(test.low, np.quantile(drawn, tails[0], axis=0), rtol=1e-6)
        if tails[1]:
            np.testing.assert_allclose(test.high, np.quantile(drawn, tails[1], axis=0), rtol=1e-6)
    assert (found.correlation.high == 1).all()
    wide = invariance(X, group, MODEL, permutations=60, seed=2, level=0.5)
    assert (wide.correlation.low > found.correlation.low).all()
    assert (wide.mean.low > found.mean.low).all()


def test_invariant_groups_are_rejected_no_more_than_the_level():
    p = []
    for s in range(150):
        found = invariance(*answers(40, s), MODEL, permutations=39, seed=s)
        p.append([part.p[0] for part in found[:3]])
    rejected = (np.array(p) <= 0.05).mean(0)
    assert (rejected < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 150)).all()
    assert (np.array(p).mean(0) > 0.4).all()


def test_a_group_with_other_weights_is_found_and_only_in_that_construct():
    X, group = answers(250, 3, ((1.5, 1, 0.1), (0.1, 1, 1.5)))
    found = invariance(X, group, MODEL, permutations=199)
    assert found.correlation.p[0] == pytest.approx(1 / 200)
    assert found.correlation.value[0] < found.correlation.low[0]
    assert found.correlation.p[1] > 0.05


def test_shift_and_spread_are_found_in_the_third_step_and_not_in_the_second():
    X, group = answers(250, 8, shift=0.6)
    found = invariance(X, group, MODEL, permutations=199)
    assert (found.correlation.p > 0.05).all()
    assert (found.mean.p == 1 / 200).all() and (found.mean.value < 0).all()
    X, group = answers(250, 8, spread=2.0)
    found = invariance(X, group, MODEL, permutations=199)
    assert (found.log_variance.p == 1 / 200).all() and (found.log_variance.value < 0).all()
    assert (found.mean.p > 0.05).all()


def test_names_of_groups_turn_signs_and_nothing_else():
    X, group = answers(40, 4, shift=0.4)
    one, other = (invariance(X, g, MODEL, permutations=99) for g in (group, 1 - group))
    np.testing.assert_allclose(other.correlation.value, one.correlation.value, rtol=1e-8)
    np.testing.assert_allclose(other.mean.value, -one.mean.value, rtol=1e-6)
    np.testing.assert_allclose(other.log_variance.value, -one.log_variance.value, rtol=1e-6)
    for a, b in zip(one[:3], other[:3], strict=True):
        np.testing.assert_array_equal(a.p, b.p)


def test_one_item_is_made_alike_in_any_group():
    X, group = answers(40, 4)
    found = invariance(X[:, [0, 3]], group, specify([0, 1], [[0, 0], [1, 0]]), permutations=19)
    np.testing.assert_allclose(found.correlation.value, 1, rtol=1e-12)
    assert found.correlation.p.tolist() == [1, 1]


def test_seed_units_strata_and_scheme_reach_the_test():
    X, group = answers(40, 4, ((1, 1, 1), (1, 0.5, 1)), shift=0.2)
    plain = invariance(X, group, MODEL, permutations=49)
    again = invariance(X, group, MODEL, permutations=49, chunk=7)
    np.testing.assert_array_equal(plain.mean.p, again.mean.p)
    unit, stratum = np.arange(80) // 4, np.arange(80) % 3
    for option in ({"seed": 1}, {"unit": unit}, {"stratum": stratum}):
        other = invariance(X, group, MODEL, permutations=49, **option)
        assert (other.correlation.low != plain.correlation.low).all(), option
        np.testing.assert_allclose(other.correlation.value, plain.correlation.value, rtol=1e-9)
    other = invariance(X, group, MODEL, permutations=9, how=Fitting(scheme="centroid"))
    assert other.correlation.value[0] == pytest.approx(plain.correlation.value[0], abs=0.05)
    nested = invariance(X, group, MODEL, permutations=9, stratum=group)
    assert np.isnan(nested.correlation.p).all() and np.isnan(nested.mean.low).all()
    assert np.isfinite(nested.correlation.value).all()


def test_failed_permutations_are_counted():
    X, group = answers(12, 4)
    X[:, 4] = 3.0
    X[:4, 4] = [2.0, 5.0, 3.0, 4.0]
    X[20, 4] = 1.0
    found = invariance(X, group, MODEL, permutations=60)
    assert 0 < np.count_nonzero(found.failure) < 60
    assert (found.mean.used == 60 - np.count_nonzero(found.failure)).all()


def test_what_cannot_be_is_refused():
    X, group = answers(30, 2)
    with pytest.raises(DataError, match="compares two"):
        invariance(X, group + np.arange(60) % 2, MODEL)
    with pytest.raises(OptionError, match="level"):
        invariance(X, group, MODEL, level=95)
    with pytest.raises(OptionError, match="permutations"):
        invariance(X, group, MODEL, permutations=0)
