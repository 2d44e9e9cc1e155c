"""Moments of answers: weights, gaps and how each policy fills them, resamples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.stats import path_moments
from qstats.stats.path_moments import left_out, moments, resampled

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=20)


def near(a, b, tolerance=1e-12):
    a, b = np.asarray(a), np.asarray(b)
    assert np.array_equal(np.isnan(a), np.isnan(b))
    assert np.nanmax(np.abs(a - b)) <= tolerance * np.nanmax(np.abs(b))


def answers(seed, n=40, p=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, p)) + rng.uniform(0, 50, p)


def gappy(seed, share=0.1, **shape):
    X = answers(seed, **shape)
    X[np.random.default_rng(seed + 1).random(X.shape) < share] = np.nan
    return X


@quick
@given(seeds)
def test_moments_are_those_of_numpy(seed):
    X = answers(seed)
    w = np.random.default_rng(seed).uniform(0.1, 3, len(X))
    found = moments(X, w)
    near(found.mean, np.average(X, axis=0, weights=w))
    near(found.covariance, np.cov(X.T, aweights=w, ddof=0))
    assert (found.n, found.gaps, found.dropped, found.missing) == (40, 0, 0, "raise")
    near(found.n_eff, w.sum() ** 2 / (w**2).sum())


@quick
@given(seeds, st.floats(1e-6, 1e6))
def test_a_common_factor_of_the_weights_and_the_order_of_rows_do_not_matter(seed, factor):
    X = answers(seed)
    rng = np.random.default_rng(seed)
    w, order = rng.uniform(0.1, 3, len(X)), rng.permutation(len(X))
    for a, b in zip(moments(X, w)[:4], moments(X[order], factor * w[order])[:4], strict=True):
        near(a, b)


def test_a_row_without_weight_is_left_out():
    X = answers(1)
    w = np.ones(40)
    w[:5] = 0
    X[0] = 1e9
    found = moments(X, w)
    near(found.covariance, moments(X[5:]).covariance)
    assert (found.n, found.dropped) == (35, 5)


def test_an_item_that_does_not_vary_has_variance_zero_to_the_last_digit():
    X = answers(1)
    X[:, 2] = 0.1 + 0.2
    S = moments(X, np.linspace(0.1, 0.7, 40)).covariance
    assert (S[2] == 0).all() and (S[:, 2] == 0).all()
    (_, S) = next(resampled(X, np.random.default_rng(1).uniform(0, 1, (40, 3))))
    assert (S[2, 2] == 0).all()


def test_casewise_is_the_rows_without_a_gap():
    X = gappy(3)
    whole = ~np.isnan(X).any(1)
    found = moments(X, missing="casewise")
    near(found.covariance, moments(X[whole]).covariance)
    assert (found.n, found.dropped, found.gaps) == (whole.sum(), (~whole).sum(), np.isnan(X).sum())


def test_mean_fills_in_the_weighted_mean_and_shrinks_the_variance():
    X = gappy(3)
    w = np.random.default_rng(1).uniform(0.5, 2, len(X))
    o = ~np.isnan(X)
    m = np.array([np.average(X[o[:, j], j], weights=w[o[:, j]]) for j in range(4)])
    found = moments(X, w, missing="mean")
    near(found.mean, m)
    near(found.covariance, np.cov(np.where(o, X, m).T, aweights=w, ddof=0))


def test_pairwise_takes_each_covariance_over_the_rows_that_have_both():
    X = gappy(4)
    w = np.random.default_rng(1).uniform(0.5, 2, len(X))
    S = moments(X, w, missing="pairwise").covariance
    for j in range(4):
        for k in range(4):
            both = ~np.isnan(X[:, j]) & ~np.isnan(X[:, k])
            near(S[j, k], np.cov(X[both, j], X[both, k], aweights=w[both], ddof=0)[0, 1])


def test_pairwise_covariances_of_no_answers_are_refused():
    a = np.repeat([[0, 0], [1, 1]], 5, axis=0).astype(float)
    gap = np.full((10, 1), np.nan)
    X = np.vstack(
        [np.hstack([a, gap]), np.hstack([a[:, :1], gap, a[:, 1:]]), np.hstack([gap, a[:, :1], 1 - a[:, 1:]])]
    )
    with pytest.raises(DataError, match=r"eigenvalue -1.*'em' or 'casewise'"):
        moments(X, missing="pairwise")
    apart = np.array([[1, np.nan], [2, np.nan], [np.nan, 1], [np.nan, 3]])
    with pytest.raises(DataError, match="both item 0 and item 1"):
        moments(apart, missing="pairwise")


def test_em_of_two_items_one_always_answered_is_the_closed_form():
    """Anderson (1957): regress the second on the first where both are there."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    X = np.column_stack([x, 2 + 0.7 * x + rng.normal(size=60)])
    X[x > 0.4, 1] = np.nan
    both = ~np.isnan(X[:, 1])
    m, S = X[both].mean(0), np.cov(X[both].T, ddof=0)
    slope = S[0, 1] / S[0, 0]
    mean = m[1] + slope * (x.mean() - m[0])
    variance = S[1, 1] + slope**2 * (x.var() - S[0, 0])
    found = moments(X, missing="em", tolerance=1e-13)
    near(found.mean, [x.mean(), mean], 1e-11)
    near(found.covariance, [[x.var(), slope * x.var()], [slope * x.var(), variance]], 1e-11)
    assert found.iterations > 1
    assert abs(moments(X, missing="mean").mean[1] - mean) > 0.1


@pytest.mark.parametrize("policy", ["casewise", "mean", "pairwise", "em"])
def test_a_weight_is_a_repeated_row_with_gaps_too(policy):
    X, w = gappy(6), np.random.default_rng(1).integers(1, 4, 40)
    a, b = moments(X, w, missing=policy), moments(np.repeat(X, w, axis=0), missing=policy)
    near(a.mean, b.mean, 1e-11)
    near(a.covariance, b.covariance, 1e-11)


@pytest.mark.parametrize("policy", ["casewise", "mean", "pairwise", "em"])
def test_without_gaps_all_policies_agree(policy):
    near(moments(answers(1), missing=policy).covariance, moments(answers(1)).covariance)


def test_policies_differ_where_there_are_gaps():
    found = [moments(gappy(7), missing=p).covariance for p in ("casewise", "mean", "pairwise", "em")]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("policy", ["raise", "casewise", "mean", "pairwise", "em"])
def test_replicates_are_moments_with_their_weights_whatever_the_chunk(policy, monkeypatch):
    X = answers(8) if policy == "raise" else gappy(8)
    W = np.random.default_rng(2).integers(0, 3, (40, 7)).astype(np.uint8)
    monkeypatch.setattr(path_moments, "BLOCK", 14 * 11)  # 11 rows at a time
    for chunk in (1, 3, 100):
        parts = list(resampled(X, W, missing=policy, chunk=chunk))
        assert max(m.shape[1] for m, _ in parts) == min(chunk, 7)
        mean, S = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        for b in range(7):
            alone = moments(X, W[:, b], missing=policy)
            near(mean[:, b], alone.mean, 1e-11)
            near(S[..., b], alone.covariance, 1e-11)


def test_blocks_of_rows_that_are_not_kept_give_the_same(monkeypatch):
    X, W = answers(8), np.random.default_rng(2).uniform(0, 3, (40, 7))
    whole = next(resampled(X, W))[1]
    monkeypatch.setattr(path_moments, "BLOCK", 14)
    monkeypatch.setattr(path_moments, "KEPT", 3)
    near(next(resampled(X, W))[1], whole)


def test_a_replicate_without_weight_has_no_moments():
    W = np.ones((40, 3))
    W[:, 1] = 0
    mean, S = next(resampled(answers(1), W))
    assert np.isnan(mean).any(0).tolist() == np.isnan(S).any((0, 1)).tolist() == [False, True, False]
    mean, S = next(resampled(gappy(1), W, missing="mean"))
    assert np.isnan(mean).any(0).tolist() == np.isnan(S).any((0, 1)).tolist() == [False, True, False]


def test_leaving_out_a_row_is_moments_without_it():
    X, w = answers(9), np.random.default_rng(2).uniform(0.5, 2, 40)
    for weight in (w, None):
        parts = list(left_out(X, weight, chunk=9))
        mean, S = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        for i in (0, 17, 39):
            others = np.delete(np.arange(40), i)
            alone = moments(X[others], None if weight is None else w[others])
            near(mean[:, i], alone.mean)
            near(S[..., i], alone.covariance, 1e-11)


@pytest.mark.parametrize(
    ("X", "w", "said"),
    [
        ([[1, 2], [3, np.nan]], None, r"1 answers are missing \(item: count \{1: 1\}\).*'casewise'"),
        ([[1, 2], [3, 4]], [1, -2], "1 weights are negative or no number; the first is -2.0 in row 1"),
        ([[1, 2], [3, 4]], [1, np.nan], "the first is nan in row 1"),
        ([[1, 2], [3, 4]], [1], "do not suit"),
        ([1, 2], None, "do not suit"),
        ([[1, 2], [3, np.inf]], None, "1 answers are infinite; the first in row 1"),
        ([[1, 2], [-np.inf, np.inf]], None, "2 answers are infinite; the first in row 1"),
        ([[1, 2], [3, 4]], [1, 0], "1 rows with weight"),
    ],
)
def test_what_has_no_moments_is_refused(X, w, said):
    with pytest.raises(DataError, match=said):
        moments(X, w)


def test_an_item_nobody_answered_is_named_and_em_that_does_not_settle_is_refused():
    with pytest.raises(DataError, match=r"items \[1\]"):
        moments([[1, np.nan], [2, np.nan]], missing="mean")
    with pytest.raises(DataError, match="EM still changes"):
        moments(gappy(1), missing="em", max_iterations=1)
    with pytest.raises(OptionError, match="'casewise'"):
        moments(answers(1), missing="case")
    with pytest.raises(DataError, match="one column each"):
        next(resampled(answers(1), np.ones((39, 2))))
