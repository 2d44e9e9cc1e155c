"""Replicates and intervals of path models."""

import numpy as np
import pytest
from scipy.stats import norm

from qstats.errors import DataError, OptionError
from qstats.stats.path_bootstrap import (
    bca,
    bootstrap,
    jackknife,
    parameters,
    percentile,
    resamples,
    std_error,
)
from qstats.stats.path_index import index, index_weights
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import Fitting, fit, specify

MODEL = specify([0, 0, 0, 1, 1, 2, 2, 2], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(11)
    a = rng.normal(size=90)
    b = 0.6 * a + rng.normal(size=90)
    c = 0.4 * a + 0.4 * b + rng.normal(size=90)
    return np.column_stack([a, b, c])[:, MODEL.blocks] + 0.7 * rng.normal(size=(90, 8)) + 5


@pytest.fixture(scope="module")
def start(answers):
    return fit(moments(answers).covariance, MODEL).standardised


def near(a, b, tolerance):
    a, b = np.asarray(a), np.asarray(b)
    assert np.array_equal(np.isnan(a), np.isnan(b))
    assert np.nanmax(np.abs(a - b)) <= tolerance * np.nanmax(np.abs(b))


@pytest.mark.parametrize(("scheme", "metric"), [("path", "standardised"), ("centroid", "raw")])
def test_replicates_are_fits_with_their_weights(answers, start, scheme, metric):
    W = np.random.default_rng(3).uniform(0, 2, (90, 6))
    drawn = bootstrap(answers, W, MODEL, start=start, how=Fitting(scheme, metric, tolerance=1e-13))
    for b in range(6):
        alone = fit(moments(answers, W[:, b]).covariance, MODEL, how=Fitting(scheme, metric, tolerance=1e-13))
        for name, value in drawn.values.items():
            near(value[b], getattr(alone, name), 1e-10)


def test_the_size_of_a_chunk_does_not_matter(answers, start):
    W = resamples(90, 50, seed=4)
    whole = bootstrap(answers, W, MODEL, start=start)
    for chunk in (1, 7, 49):
        parts = bootstrap(answers, W, MODEL, start=start, chunk=chunk)
        for name, value in parts.values.items():
            near(value, whole.values[name], 1e-11)


def test_any_statistic_of_moments_and_fits_can_be_replicated(answers, start):
    def statistic(mean, covariance, found):
        u = index_weights(found.weights, covariance)
        return {"index": index(mean, u, 0, 10, MODEL)}

    W = resamples(90, 20, seed=4)
    drawn = bootstrap(answers, W, MODEL, statistic, start=start, chunk=6).values["index"]
    m = moments(answers, W[:, 13])
    found = fit(m.covariance, MODEL)
    near(drawn[13], statistic(m.mean, m.covariance, found)["index"], 1e-9)
    assert drawn.shape == (20, 3)


@pytest.mark.parametrize(("scheme", "metric"), [("path", "standardised"), ("factorial", "raw")])
def test_leaving_out_each_row_is_the_jackknife(answers, start, scheme, metric):
    w = np.random.default_rng(3).uniform(0.5, 2, 90)
    drawn = jackknife(answers, w, MODEL, start=start, how=Fitting(scheme, metric, tolerance=1e-12), chunk=40)
    alone = fit(moments(answers[1:], w[1:]).covariance, MODEL, how=Fitting(scheme, metric))
    near(drawn.values["weights"][0], alone.weights, 1e-8)
    near(drawn.values["paths"][0], alone.paths, 1e-8)
    assert drawn.values["weights"].shape == (90, 8)


def test_a_looser_tolerance_and_fewer_rounds_stop_replicates_sooner(answers, start):
    W = resamples(90, 5, seed=1)

    def rounds(mean, covariance, found):
        return {"rounds": found.iterations}

    for draw in (
        lambda **options: bootstrap(answers, W, MODEL, rounds, start=start, how=Fitting(**options)),
        lambda **options: jackknife(answers, None, MODEL, rounds, start=start, how=Fitting(**options)),
    ):
        default = draw().values["rounds"]
        assert (draw(tolerance=1e-3).values["rounds"] < default).all()
        assert draw(max_iterations=1).reasons == {"not converged": len(default)}


def test_gaps_are_treated_again_in_each_replicate(answers, start):
    Y = answers.copy()
    Y[:9, 2] = np.nan
    W = resamples(90, 3, seed=4)
    drawn = {
        p: bootstrap(Y, W, MODEL, start=start, missing=p).values["paths"] for p in ("casewise", "mean", "em")
    }
    for policy, paths in drawn.items():
        near(paths[1], fit(moments(Y, W[:, 1], missing=policy).covariance, MODEL).paths, 1e-8)
    with pytest.raises(DataError, match="9 answers are missing"):
        bootstrap(Y, W, MODEL, start=start)


def test_failed_replicates_are_nan_and_counted_with_their_reason(answers, start):
    W = np.ones((90, 4))
    W[:, 1] = 0
    W[2:, 2] = 0
    Y = answers.copy()
    Y[:2, 0] = 3
    drawn = bootstrap(Y, W, MODEL, start=start)
    assert drawn.reasons == {"no moments": 1, "constant item": 1}
    assert np.isnan(drawn.values["r2"][1:3]).all()
    assert np.isfinite(drawn.values["paths"][[0, 3]]).all()
    slow = bootstrap(answers, W[:, [0, 3]], MODEL, start=np.ones(8), how=Fitting(max_iterations=1))
    assert slow.reasons == {"not converged": 2}


def test_the_default_statistic_is_the_parameters(answers):
    found = fit(moments(answers).covariance, MODEL)
    assert sorted(parameters(answers, answers, found)) == ["loadings", "paths", "r2", "weights"]


def test_resamples_draw_n_rows_and_depend_on_the_seed_zero_too():
    counts = resamples(30, 400, seed=0)
    assert counts.shape == (30, 400) and (counts.sum(0) == 30).all()
    assert (counts == resamples(30, 400, seed=0)).all()
    assert (counts != resamples(30, 400, seed=1)).any()
    assert (resamples(30, 400, seed=None) != resamples(30, 400, seed=None)).any()
    assert abs(counts.astype(float).var() - 29 / 30) < 0.05


def test_the_error_is_the_standard_deviation_of_what_did_not_fail():
    x = np.array([[1.0, 5, 2], [2, 5, np.nan], [4, 5, np.nan], [np.nan, 5, np.nan]])
    near(std_error(x), [np.std([1, 2, 4], ddof=1), 0, np.nan], 1e-12)


def test_percentiles_are_quantiles_of_what_did_not_fail():
    x = np.random.default_rng(1).normal(size=(101, 2))
    x[7, 1] = np.nan
    for level in (0.95, 0.8):
        low, high = percentile(x, level=level)
        tails = [(1 - level) / 2, (1 + level) / 2]
        near([low, high], np.nanquantile(x, tails, axis=0), 1e-14)
    assert np.isnan(percentile(np.full((5, 1), np.nan))).all()


def test_bca_is_the_percentile_when_there_is_neither_bias_nor_acceleration():
    x = np.concatenate([-np.arange(1, 500), [0], np.arange(1, 500)])[:, None] / 100
    jack = np.array([-1.0, 1, -2, 2])[:, None]
    near(bca([0.0], x, jack), percentile(x), 1e-12)


def test_bca_is_the_formula():
    rng = np.random.default_rng(2)
    x, jack, theta = rng.gamma(2, size=(2000, 3)), rng.gamma(1, size=(50, 3)), np.array([1.5, 2.0, 2.5])
    low, high = bca(theta, x, jack, level=0.9)
    for k in range(3):
        z0 = norm.ppf((x[:, k] < theta[k]).mean())
        d = jack[:, k].mean() - jack[:, k]
        a = (d**3).sum() / (6 * (d**2).sum() ** 1.5)
        for z, found in zip(norm.ppf([0.05, 0.95]), (low, high), strict=True):
            q = norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))
            near(found[k], np.quantile(x[:, k], q), 1e-12)


def test_bca_of_replicates_on_one_side_is_not_known_and_of_a_constant_is_the_constant():
    x = np.column_stack([np.arange(1.0, 11), np.full(10, 3.0)])
    low, high = bca([0.0, 3.0], x, np.zeros((4, 2)))
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (3, 3)


def test_options_are_checked(answers, start):
    for interval in (lambda: percentile([1.0], level=95), lambda: bca(1.0, [1.0], [1.0], level=0)):
        with pytest.raises(OptionError, match=r"95 % is 0\.95"):
            interval()
    with pytest.raises(OptionError, match="chunk=0"):
        bootstrap(answers, np.ones((90, 1)), MODEL, start=start, chunk=0)
    with pytest.raises(DataError, match="no replicates"):
        percentile(np.empty((0, 2)))
