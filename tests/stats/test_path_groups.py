"""Permutation tests of groups of path models."""

from itertools import combinations

import numpy as np
import pytest

from qstats.errors import DataError, OptionError
from qstats.stats import path_permute
from qstats.stats.path_groups import between, p_value, pairwise, permutation_test, relabelled
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import Fitting, fit, specify

MODEL = specify([0, 0, 1, 1], [[0, 0], [1, 0]])


def answers(n, seed, slopes=(0.5, 0.5)):
    """Answers of n respondents in each group, and their groups."""
    rng = np.random.default_rng(seed)
    b = np.repeat(slopes, n)
    x = rng.normal(size=b.size)
    y = b * x + np.sqrt(1 - b**2) * rng.normal(size=b.size)
    latent = np.column_stack([x, x, y, y])
    return latent + 0.6 * rng.normal(size=latent.shape), np.repeat(np.arange(len(slopes)), n)


def path(mean, covariance, found):
    return found.paths[:, 1, :1]


def everything(mean, covariance, found):
    return np.column_stack([found.paths[:, 1, 0], found.standardised, found.loadings, mean])


def test_p_is_uniform_when_groups_do_not_differ():
    # 120 independent p of 1/40 … 40/40: mean 0.5125, variance that of a discrete uniform
    p = np.array(
        [permutation_test(*answers(30, s), MODEL, path, permutations=39, seed=s).p for s in range(120)]
    )
    spread = np.sqrt((40**2 - 1) / 12) / 40
    assert abs(p.mean() - 0.5125) < 5 * spread / np.sqrt(len(p))
    for share in (0.1, 0.5):
        assert abs((p <= share).mean() - share) < 5 * np.sqrt(share * (1 - share) / len(p))


def test_a_planted_difference_is_found_and_only_where_it_is():
    X, group = answers(120, 3, (0.1, 0.1, 0.9))
    whole = permutation_test(X, group, MODEL, path, permutations=199)
    pairs = pairwise(X, group, MODEL, path, permutations=199)
    assert whole.p[0] == pytest.approx(1 / 200)
    assert pairs[0, 2].p[0] == pairs[1, 2].p[0] == pytest.approx(1 / 200)
    assert pairs[0, 1].p[0] > 0.05
    assert list(pairs) == [(0, 1), (0, 2), (1, 2)]


def test_the_estimates_are_those_of_each_group_fitted_by_itself():
    X, group = answers(60, 5, (0.2, 0.5, 0.8))
    w = np.random.default_rng(1).integers(1, 4, len(X)).astype(float)
    found = permutation_test(X, group, MODEL, path, weights=w, permutations=9)
    alone = [fit(moments(X[group == g], w[group == g]).covariance, MODEL).paths[1, 0] for g in range(3)]
    np.testing.assert_allclose(found.estimate[:, 0], alone, rtol=1e-8)
    assert found.statistic[0] == pytest.approx(np.var(alone), rel=1e-7)
    plain = permutation_test(X, group, MODEL, path, permutations=9)
    assert (np.abs(plain.estimate - found.estimate) > 1e-4).any()


def test_p_counts_the_permutations_fitted_one_by_one():
    X, group = answers(25, 6, (0.3, 0.7))
    found = permutation_test(X, group, MODEL, path, permutations=50, seed=4)
    labels = np.concatenate(list(relabelled(group, 50, seed=4)), axis=1).T
    each = np.array(
        [[fit(moments(X[row == g]).covariance, MODEL).paths[1, 0] for g in (0, 1)] for row in labels]
    )
    beyond = (np.abs(each[:, 0] - each[:, 1]) >= abs(found.estimate[0, 0] - found.estimate[1, 0])).sum()
    assert 0 < beyond < 50
    assert found.p[0] == (1 + beyond) / 51


def test_p_of_means_is_near_that_of_every_permutation():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(12, 2)) + np.repeat([0.0, 0.8], 6)[:, None]
    model, group = specify([0, 1], [[0, 0], [1, 0]]), np.repeat([0, 1], 6)
    found = permutation_test(X, group, model, lambda mean, S, f: mean[:, :1], permutations=4000)
    total, seen = X[:, 0].sum(), abs(X[:6, 0].mean() - X[6:, 0].mean())
    sums = np.array([X[list(own), 0].sum() for own in combinations(range(12), 6)])
    exact = np.mean(np.abs(2 * sums - total) / 6 >= seen * (1 - 1e-12))
    assert 0.01 < exact < 0.99
    assert abs(found.p[0] - exact) < 5 * np.sqrt(exact * (1 - exact) / 4000) + 1 / 4001


@pytest.mark.parametrize("sizes", [(40, 40), (30, 50)])
def test_two_groups_swapped_give_the_same_p(sizes):
    X = answers(40, 8, (0.3, 0.6))[0]
    group = np.repeat([0, 1], sizes)
    one, other = (permutation_test(X, g, MODEL, everything, permutations=99) for g in (group, 1 - group))
    np.testing.assert_array_equal(one.p, other.p)
    np.testing.assert_allclose(one.estimate, other.estimate[::-1], rtol=1e-12)
    assert len(set(one.p.tolist())) > 3


def test_the_omnibus_test_of_two_groups_is_their_pairwise_test():
    X, group = answers(40, 9, (0.3, 0.6))
    whole = permutation_test(X, group, MODEL, everything, permutations=99)
    np.testing.assert_array_equal(whole.p, pairwise(X, group, MODEL, everything, permutations=99)[0, 1].p)
    np.testing.assert_allclose(whole.statistic, (whole.estimate[0] - whole.estimate[1]) ** 2 / 4, rtol=1e-9)


def test_a_pair_does_not_depend_on_a_third_group():
    X, group = answers(40, 9, (0.3, 0.6, 0.9))
    two = group < 2
    alone = permutation_test(X[two], group[two], MODEL, path, permutations=99)
    np.testing.assert_array_equal(pairwise(X, group, MODEL, path, permutations=99)[0, 1].p, alone.p)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_size_of_a_chunk_changes_nothing(chunk):
    X, group = answers(40, 10, (0.3, 0.5, 0.6))
    one = permutation_test(X, group, MODEL, everything, permutations=60)
    other = permutation_test(X, group, MODEL, everything, permutations=60, chunk=chunk)
    np.testing.assert_array_equal(one.p, other.p)
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-9)


def test_a_seed_draws_the_same_again_and_another_seed_others():
    given = np.repeat([0, 1, 2], [5, 9, 7])
    drawn = [next(relabelled(given, 20, seed=s)) for s in (0, 0, 1, None, None)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    for a, b in combinations(drawn[1:], 2):
        assert (a != b).any()
    assert all((np.bincount(column) == [5, 9, 7]).all() for column in drawn[3].T)


def test_labels_of_whole_units_are_permuted():
    X, group = answers(60, 11, (0.2, 0.8))
    X = X + np.repeat(np.random.default_rng(1).normal(size=(24, 1)), 5, axis=0)
    unit = np.arange(120) // 5
    mean = lambda m, S, f: m[:, :1]  # noqa: E731
    whole = permutation_test(X, group, MODEL, mean, unit=unit, permutations=99)
    rows = permutation_test(X, group, MODEL, mean, permutations=99)
    renamed = permutation_test(X, group, MODEL, mean, unit=1000 + 3 * unit, permutations=99)
    assert whole.p != rows.p
    np.testing.assert_array_equal(whole.p, renamed.p)
    np.testing.assert_array_equal(whole.estimate, rows.estimate)
    with pytest.raises(DataError, match=r"1 of 24 units lie in several groups .*number 12"):
        permutation_test(X, np.where(np.arange(120) == 60, 0, group), MODEL, mean, unit=unit)


def test_permutations_that_fail_are_left_out_and_counted_with_their_reason():
    X, group = answers(12, 12)
    X[:, 3] = 0.0
    X[[0, 1, 12], 3] = [1.0, 2.0, 3.0]
    found = permutation_test(X, group, MODEL, path, permutations=200)
    lost = found.reasons["constant item"]
    assert 0 < lost < 200
    assert found.used[0] == 200 - sum(found.reasons.values())
    assert found.p[0] * (found.used[0] + 1) == pytest.approx(
        round(found.p[0] * (found.used[0] + 1)), rel=1e-12
    )
    sizes = np.array([5] + [1] * 10 + [5] * 3)
    unit = np.repeat(np.arange(14), sizes)
    few = permutation_test(
        answers(15, 1)[0], (unit > 10).astype(int), MODEL, path, unit=unit, permutations=100
    )
    assert few.reasons["few answers"] > 0


def test_statistics_without_value_are_counted_and_leave_p_unknown():
    X, group = answers(30, 16)
    X[:, 0] += 100 * group
    far = lambda m, S, f: np.where(np.abs(m[:, :1] - 50) > 30, f.paths[:, 1, :1], np.nan)  # noqa: E731
    found = permutation_test(X, group, MODEL, far, permutations=50)
    assert found.reasons == {"no value": 50}
    assert np.isnan(found.p[0])
    assert found.used[0] == 0
    with pytest.raises(DataError, match="group 0: no value"):
        permutation_test(X, group, MODEL, lambda m, S, f: np.full((len(m), 1), np.nan))


def test_gaps_follow_the_policy():
    X, group = answers(40, 13, (0.3, 0.6))
    X[::7, 0] = np.nan
    found = permutation_test(X, group, MODEL, path, missing="casewise", permutations=39)
    whole = ~np.isnan(X).any(1)
    alone = [fit(moments(X[whole & (group == g)]).covariance, MODEL).paths[1, 0] for g in (0, 1)]
    np.testing.assert_allclose(found.estimate[:, 0], alone, rtol=1e-8)
    with pytest.raises(DataError, match="missing"):
        permutation_test(X, group, MODEL, path)
    mean = permutation_test(X, group, MODEL, path, missing="mean", permutations=9)
    assert (np.abs(mean.estimate - found.estimate) > 1e-4).all()


def test_the_metric_and_scheme_reach_the_fit():
    X, group = answers(60, 14, (0.3, 0.6))
    X = X * [1, 5, 1, 3]
    raw = permutation_test(X, group, MODEL, path, how=Fitting(metric="raw"), permutations=9)
    alone = [
        fit(moments(X[group == g]).covariance, MODEL, how=Fitting(metric="raw")).paths[1, 0] for g in (0, 1)
    ]
    np.testing.assert_allclose(raw.estimate[:, 0], alone, rtol=1e-7)
    with pytest.raises(OptionError, match="scheme"):
        permutation_test(X, group, MODEL, path, how=Fitting(scheme="none"))


def test_a_weight_of_zero_is_no_row_and_its_unit_none():
    X, group = answers(40, 16, (0.2, 0.7))
    w, unit = np.random.default_rng(3).uniform(0.5, 3, 80), np.arange(80) // 2
    w[unit % 4 == 0] = 0.0
    kept = w > 0
    whole = permutation_test(X, group, MODEL, path, weights=w, unit=unit, permutations=39)
    part = permutation_test(
        X[kept], group[kept], MODEL, path, weights=w[kept], unit=unit[kept], permutations=39
    )
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one, other)
    assert 0.025 < whole.p[0] < 1
    w[group == 1] = 0.0
    with pytest.raises(DataError, match="group 1 has 0 answers"):
        permutation_test(X, group, MODEL, path, weights=w)


def test_what_cannot_be_tested_is_refused():
    X, group = answers(20, 15)
    with pytest.raises(DataError, match="two"):
        permutation_test(X, np.zeros(40, int), MODEL, path)
    with pytest.raises(DataError, match="group 1 has 4 answers; 4 items need 5"):
        permutation_test(X[:24], group[:24], MODEL, path)
    assert permutation_test(X[:25], group[:25], MODEL, path, permutations=9).used.shape == (1,)
    with pytest.raises(OptionError, match="permutations=0"):
        permutation_test(X, group, MODEL, path, permutations=0)
    X[group == 1, 2] = 3.0
    with pytest.raises(DataError, match="group 1: constant item"):
        permutation_test(X, group, MODEL, path)


def test_the_variance_between_groups_is_zero_only_for_equal_parameters():
    assert between([[[2.0], [2.0], [2.0]]], [0.2, 0.3, 0.5]) == 0
    assert between([[1.0], [3.0]], [0.25, 0.75]) == pytest.approx(0.25 * 0.75 * 4, rel=1e-12)
    assert path_permute.REASONS[path_permute.FEW] == "few answers"


def test_labels_move_within_strata_and_nowhere_else():
    given, stratum = np.array([0, 0, 1, 1, 0, 1, 1, 0, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    labels = np.concatenate(list(relabelled(given, 400, seed=1, stratum=stratum)), axis=1)
    for h in range(3):
        own = labels[stratum == h]
        assert (own.sum(0) == given[stratum == h].sum()).all()
    # each distribution of the labels is as likely as any other: 6 x 3 of them
    shares = np.unique(labels, axis=1, return_counts=True)[1] / 400
    assert shares.size == 18
    assert np.abs(shares - 1 / 18).max() < 5 * np.sqrt(1 / 18 * 17 / 18 / 400)


def test_a_difference_of_strata_is_none_of_groups():
    # the group is common in the stratum of high answers: unheeded strata look like a difference
    rng = np.random.default_rng(3)
    stratum = np.repeat([0, 1], 60)
    group = (rng.random(120) < np.where(stratum, 0.8, 0.2)).astype(int)
    X = rng.normal(size=(120, 4)) + rng.normal(size=(120, 1)) + 2 * stratum[:, None]
    means = [lambda mean, S, found: mean[:, :1]]
    plain = permutation_test(X, group, MODEL, *means, permutations=199)
    within = permutation_test(X, group, MODEL, *means, permutations=199, stratum=stratum)
    assert plain.p[0] == pytest.approx(1 / 200)
    assert within.p[0] > 0.05
    assert within.statistic[0] == plain.statistic[0]


def test_strata_of_one_group_each_leave_nothing_to_permute():
    X, group = answers(30, 2)
    found = permutation_test(X, group, MODEL, path, permutations=9, stratum=group)
    assert np.isnan(found.p).all()
    three, labels = answers(30, 2, (0.5, 0.5, 0.5))
    pairs = pairwise(three, labels, MODEL, path, permutations=9, stratum=np.array([0, 0, 1])[labels])
    assert not np.isnan(pairs[0, 1].p).any()
    assert np.isnan(pairs[0, 2].p).all() and np.isnan(pairs[1, 2].p).all()
    with pytest.raises(DataError, match="units lie in several strata"):
        permutation_test(
            X, group, MODEL, path, unit=np.arange(60) // 2, stratum=np.arange(60) % 2, permutations=9
        )


def test_p_counts_what_is_as_far_or_farther_and_what_could_be_fitted():
    p, B = p_value([1.0, 5.0, 1.0], [[1.0, 0.0, np.nan], [2.0, np.nan, np.nan], [0.5, 6.0, np.nan]])
    assert B.tolist() == [3, 2, 0]
    np.testing.assert_allclose(p[:2], [3 / 4, 2 / 3], rtol=1e-15)
    assert np.isnan(p[2])
    assert p_value([1.0], [[1.0 - 1e-12]], 1e-9)[0][0] == 1.0
    assert p_value([1.0], [[1.0 - 1e-12]])[0][0] == 0.5


def test_permuted_bootstrap_estimates_would_find_groups_different_that_are_not():
    from qstats.stats.path_bootstrap import bootstrap, resamples

    def ratio(theta):  # (G, J): variance between over variance within
        return theta.mean(1).var(ddof=1) / theta.var(axis=1, ddof=1).mean()

    rng, found, ours = np.random.default_rng(4), [], []
    for s in range(25):
        X, group = answers(40, s)
        start = fit(moments(X).covariance, MODEL).standardised
        theta = np.array(
            [
                bootstrap(X[group == g], resamples(40, 100, seed=s), MODEL, start=start).values["paths"][
                    :, 1, 0
                ]
                for g in (0, 1)
            ]
        )
        mixed = [ratio(rng.permutation(theta.ravel()).reshape(2, -1)) for _ in range(99)]
        found.append((1 + np.sum(np.array(mixed) >= ratio(theta))) / 100)
        ours.append(permutation_test(X, group, MODEL, path, permutations=99, seed=s).p[0])
    assert np.mean(np.array(found) <= 0.05) > 0.6
    assert np.mean(np.array(ours) <= 0.05) < 0.2
