"""Replicate weights and what is estimated with them: identities, refusals, streams."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.errors import DesignError, OptionError
from qstats.stats import chain, replicate, resample, sampling
from qstats.stats.adjust import Trimming, poststratify
from qstats.stats.hadamard import hadamard
from qstats.stats.sampling import Sample, covariance, linearised, variance

quick = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def survey(seed, sizes=(2, 3, 5), population=(np.inf, 9.0, 5.0), rows=2):
    """Sums of two variables for each PSU and row, and the design, PSUs in any order."""
    rng = np.random.default_rng(seed)
    stratum = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    P = stratum.size
    row, unit = np.repeat(np.arange(rows), P), np.tile(np.arange(P), rows)
    y, x = rng.normal(20, 5, row.size), rng.uniform(10, 20, row.size)
    return y, x, {"row": row, "unit": unit, "rows": rows}, Sample(stratum, np.array(population))


def replicated_covariance(done, made):
    found = replicate.errors(done.values, done.estimate, scale=made.scale, rscales=made.rscales, mse=made.mse)
    return covariance(found)


def taylor_covariance(y, at, sample):
    _, Z = sampling.total_influence(y, **at, units=sample.stratum.size)
    return covariance(linearised(Z, sample))


@pytest.mark.parametrize("mse", [True, False])
@quick
@given(seed=seeds)
def test_the_jackknife_of_a_total_is_the_linearised_variance(mse, seed):
    y, _, at, sample = survey(seed)
    made = replicate.jkn(sample, mse=mse)
    done = replicate.total(y, **at, replicates=made)
    expected = taylor_covariance(y, at, sample)
    np.testing.assert_allclose(
        replicated_covariance(done, made), expected, rtol=1e-9, atol=1e-10 * expected.max()
    )


@quick
@given(seed=seeds, fay=st.sampled_from([0.0, 0.3, 0.7]))
def test_half_samples_of_a_total_give_the_linearised_variance_with_finite_populations(seed, fay):
    y, _, at, sample = survey(seed, sizes=(2,) * 5, population=(np.inf, 2.0, 3.0, 8.0, 40.0))
    made = replicate.brr(sample, fay=fay)
    done = replicate.total(y, **at, replicates=made)
    expected = taylor_covariance(y, at, sample)
    np.testing.assert_allclose(
        replicated_covariance(done, made), expected, rtol=1e-9, atol=1e-10 * expected.max()
    )


@quick
@given(seed=seeds)
def test_without_strata_jk1_is_jkn(seed):
    y, x, at, sample = survey(seed, sizes=(6,), population=(20.0,))
    one, other = replicate.jk1(sample), replicate.jkn(sample)
    assert one.scale == pytest.approx((1 - 6 / 20) * 5 / 6, rel=1e-15) and other.scale == 1
    a, b = (replicated_covariance(replicate.ratio(y, x, **at, replicates=m), m) for m in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("mse", [True, False])
def test_the_bootstrap_variance_is_the_linearised_one_up_to_chance(mse):
    y, _, at, sample = survey(3, sizes=(3, 5, 8), population=(np.inf, 20.0, 10.0))
    n = 4000
    made = replicate.bootstrap(sample, n, seed=(1, 2), mse=mse)
    found = np.diag(replicated_covariance(replicate.total(y, **at, replicates=made), made))
    expected = np.diag(taylor_covariance(y, at, sample))
    # the variance of n draws with little kurtosis has the relative error sqrt(2/n): four of them
    np.testing.assert_allclose(found, expected, rtol=4 * np.sqrt(2 / n))
    np.testing.assert_allclose(made.factors.mean(axis=1), 1, atol=5 * made.factors.std() / np.sqrt(n))


def test_mean_and_estimate_as_centres_differ_for_ratios():
    y, x, at, sample = survey(4)
    values = [
        np.diag(replicated_covariance(replicate.ratio(y, x, **at, replicates=m), m))
        for m in (replicate.jkn(sample, mse=True), replicate.jkn(sample, mse=False))
    ]
    assert (values[0] > values[1]).all()


def test_replicates_are_the_same_in_however_many_parts_they_are_made():
    sample = survey(5)[3]
    whole = replicate.bootstrap(sample, 12, seed=(7, 8))
    parts = [replicate.bootstrap(sample, 4, seed=(7, 8), first=first) for first in (0, 4, 8)]
    np.testing.assert_array_equal(whole.change, np.hstack([part.change for part in parts]))
    assert not np.array_equal(whole.change, replicate.bootstrap(sample, 12, seed=(7, 9)).change)
    assert not np.array_equal(whole.change, replicate.bootstrap(sample, 12, seed=(0, 8)).change)


@pytest.mark.parametrize("scheme", ["jkn", "bootstrap"])
def test_blocks_change_nothing(scheme, monkeypatch):
    y, x, at, sample = survey(6, sizes=(4, 5, 8), population=(np.inf,) * 3)
    make = {"jkn": replicate.jkn, "bootstrap": lambda s: replicate.bootstrap(s, 40, seed=(0,))}[scheme]
    cell = np.arange(y.size) % 3
    N = csr_array((np.ones(y.size), (at["unit"], cell)), shape=(17, 3))
    steps = [partial(poststratify, category=np.arange(3), totals=[20.0, 30.0, 40.0])]

    def values():
        made = make(sample)
        adjusted = chain.replicated(N, made, steps)
        plain = replicate.ratio(y, x, **at, replicates=made)
        return plain.values, replicate.ratio(y, x, **at, replicates=made, cell=cell, adjusted=adjusted).values

    whole = values()
    for module in (replicate, resample):
        monkeypatch.setattr(module, "BLOCK", 40)
    for one, other in zip(whole, values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=0)
    assert np.abs(whole[0] / whole[1] - 1).max() > 1e-3


def test_second_stage_units_move_with_their_psu():
    _, _, _, sample = survey(7, population=(np.inf,) * 3)
    psu = np.repeat(np.arange(10), 3)
    two = Sample(sample.stratum, sample.population, psu)
    for make in (replicate.jkn, lambda s: replicate.bootstrap(s, 5, seed=(1,))):
        np.testing.assert_array_equal(make(two).factors, make(sample).factors[psu])


def test_a_finite_first_stage_over_a_sampled_second_is_refused():
    stratum, psu = np.array([0, 0]), np.repeat([0, 1], 2)
    two = Sample(stratum, np.array([5.0]), psu, np.array([9.0, 9.0]))
    with pytest.raises(DesignError, match="miss the variance of the second"):
        replicate.jkn(two)
    whole = Sample(stratum, np.array([5.0]), psu, np.array([2.0, 2.0]))
    assert replicate.jkn(whole).rscales.tolist() == pytest.approx([0.3, 0.3], rel=1e-15)


@pytest.mark.parametrize(
    "make", [replicate.jkn, lambda s: replicate.bootstrap(s, 9, seed=(1,))], ids=["jkn", "bootstrap"]
)
def test_a_lone_psu_is_refused_unless_it_is_the_whole_stratum(make):
    with pytest.raises(DesignError, match="stratum 1 has one PSU"):
        make(Sample(np.array([0, 0, 1]), np.array([np.inf, 4.0])))
    made = make(Sample(np.array([0, 0, 1]), np.array([np.inf, 1.0])))
    np.testing.assert_array_equal(made.factors[2, made.rscales > 0], 1.0)


def test_a_census_has_no_replication_error():
    y, _, at, sample = survey(8, population=(2.0, 3.0, 5.0))
    for made in (replicate.jkn(sample), replicate.bootstrap(sample, 9, seed=(1,))):
        done = replicate.total(y, **at, replicates=made)
        assert np.abs(replicated_covariance(done, made)).max() < 1e-20


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda s: replicate.brr(s), DesignError, "stratum 1 has 3: take jkn"),
        (lambda s: replicate.brr(s, fay=1.0), OptionError, "fay=1.0"),
        (lambda s: replicate.jk1(s), DesignError, "the sample has 3: take jkn"),
        (lambda s: replicate.bootstrap(s, 1, seed=(1,)), OptionError, "n=1"),
        (lambda s: replicate.jkn(Sample(s.stratum, np.ones(3))), DesignError, "2 PSUs in the sample, 1 in"),
        (
            lambda s: replicate.jkn(Sample(s.stratum, s.population, count=np.full(10, 2.0))),
            DesignError,
            "stand for several elements",
        ),
    ],
)
def test_designs_that_a_scheme_does_not_fit_are_refused(make, error, said):
    with pytest.raises(error, match=said):
        make(survey(9)[3])


def small_domain():
    """Row 1 lives in one PSU: leaving that out empties it."""
    sample = Sample(np.zeros(3, int), np.array([np.inf]))
    at = {"row": np.array([0, 0, 0, 1]), "unit": np.array([0, 1, 2, 1]), "rows": 3}
    return np.array([0.1, 0.2, 0.3, 0.2]), np.array([0.7, 0.1, 0.2, 0.1]), at, replicate.jkn(sample)


def test_a_replicate_without_weight_in_a_row_is_refused_or_makes_its_error_unknown():
    y, x, at, made = small_domain()
    with pytest.raises(DesignError, match="row 1 in 1 of 3"):
        replicate.ratio(y, x, **at, replicates=made)
    done = replicate.ratio(y, x, **at, replicates=made, empty="nan")
    assert done.empty.tolist() == [0, 1, 0]
    np.testing.assert_allclose(done.estimate[:2], [0.6, 2.0], rtol=1e-15)
    found = np.diag(replicated_covariance(done, made))
    assert found[0] > 0 and np.isnan(found[1:]).all() and np.isnan(done.estimate[2])
    with pytest.raises(OptionError, match="empty='drop'"):
        replicate.ratio(y, x, **at, replicates=made, empty="drop")


def test_a_total_of_a_replicate_without_weight_is_zero_and_that_of_no_entry_unknown():
    y, _, at, made = small_domain()
    done = replicate.total(y, **at, replicates=made)
    assert done.values[1, 1] == 0 and done.estimate[2] == 0
    assert np.isnan(done.values[2]).all()


@quick
@given(seed=seeds)
def test_given_weights_are_the_factors_times_the_sampling_weight(seed):
    y, x, at, sample = survey(seed, population=(np.inf,) * 3)
    made = replicate.jkn(sample)
    F = made.factors[at["unit"]]
    pair = {"row": at["row"], "rows": at["rows"]}
    one = replicate.ratio(y, x, **at, replicates=made)
    other = replicate.given_ratio(y, x, F * y[:, None], F * x[:, None], **pair)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-12)
    np.testing.assert_allclose(
        replicate.total(y, **at, replicates=made).values,
        replicate.given_total(y, F * y[:, None], **pair).values,
        rtol=1e-12,
    )


def test_scales_enter_the_variance_and_must_fit():
    values, estimate = np.array([[1.0, 2.0, 6.0]]), np.array([2.0])

    def v(**given):
        options = {"scale": 1.0, "rscales": np.ones(3), "mse": True} | given
        return variance(replicate.errors(values, estimate, **options))[0]

    assert v() == pytest.approx(17) and v(mse=False) == pytest.approx(14)
    assert v(scale=0.5) == pytest.approx(8.5) and v(rscales=[1, 1, 0.5]) == pytest.approx(9)
    assert v(rscales=[1, 1, 0], mse=False) == pytest.approx(0.5)
    for wrong in ({"scale": -1.0}, {"rscales": [1, 1]}, {"rscales": [1, 1, np.nan]}, {"rscales": [1, 1, -1]}):
        with pytest.raises(DesignError, match="do not fit 3 replicates"):
            v(**wrong)
    assert v(rscales=np.zeros(3), mse=False) == 0


@pytest.mark.parametrize("steps", ["post-strata", "post-strata, trimming"])
def test_calibrated_replicates_are_each_calibrated_again(steps):
    rng = np.random.default_rng(10)
    sample = Sample(np.repeat([0, 1], 20), np.full(2, np.inf))
    unit = np.repeat(np.arange(40), 12)
    cell = rng.integers(0, 4, unit.size)
    w = rng.uniform(1, 9, 4)[cell]
    y = rng.normal(10, 1, unit.size) + 3 * cell + rng.normal(0, 1, 40)[unit]
    N, n = (csr_array((a, (unit, cell)), shape=(40, 4)) for a in (w, np.ones(unit.size)))
    made = replicate.jkn(sample)
    totals = np.array([300.0, 500.0, 400.0, 800.0])
    todo = [partial(poststratify, category=np.arange(4), totals=totals)]
    todo += [Trimming(upper=6.0)] if "trimming" in steps else []
    adjusted = chain.replicated(N, made, todo, count=n)
    at = {"row": np.zeros(unit.size, int), "unit": unit, "cell": cell, "rows": 1}
    size = replicate.total(w, **at, replicates=made, adjusted=adjusted)
    np.testing.assert_allclose(size.values, totals.sum(), rtol=1e-12)
    done = replicate.total(w * y, **at, replicates=made, adjusted=adjusted)
    along = chain.adjusted(N.sum(axis=0), todo, count=n.sum(axis=0))
    Y, Z = chain.total_influence(w * y, **at, N=N, chain=along)
    np.testing.assert_allclose(done.estimate, Y, rtol=1e-12)
    # the jackknife of a smooth estimate of 38 degrees of freedom: within 10 % of its linearisation
    expected = variance(linearised(Z, sample))[0]
    assert replicated_covariance(done, made)[0, 0] == pytest.approx(expected, rel=0.1)
    # with the factors of the full sample throughout, the gain of calibration would be missed
    frozen = replicate.total(
        w * adjusted.g[cell] * y, **{k: at[k] for k in ("row", "unit", "rows")}, replicates=made
    )
    assert replicated_covariance(frozen, made)[0, 0] > 1.5 * expected


def test_a_replicate_that_cannot_be_calibrated_is_named():
    sample = Sample(np.zeros(3, int), np.array([np.inf]))
    N = csr_array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    steps = [partial(poststratify, category=[0, 1], totals=[5.0, 5.0])]
    with pytest.raises(DesignError, match="replicate 1: auxiliary 1 has the total 5 but no weight"):
        chain.replicated(N, replicate.jkn(sample), steps)


def test_replicates_of_another_sample_are_refused():
    with pytest.raises(DesignError, match="do not fit 4 units"):
        list(resample.blocks(replicate.jkn(survey(1)[3]), 4))
    with pytest.raises(DesignError, match="belong together"):
        y, _, at, sample = survey(1)
        replicate.total(y, **at, replicates=replicate.jkn(sample), cell=at["unit"])


@pytest.mark.parametrize("least", [1, 2, 3, 9, 17, 25, 29, 36, 49, 92, 157])
def test_hadamard_matrices_are_orthogonal_with_a_constant_column(least):
    H = hadamard(least)
    B = len(H)
    assert least <= B <= least + 8 and set(np.unique(H)) <= {1.0, -1.0}
    np.testing.assert_array_equal(H @ H.T, B * np.eye(B))
    assert (H[:, 0] == 1).all()


def test_degrees_of_freedom_are_psus_less_strata():
    sample = survey(11, population=(np.inf,) * 3)[3]
    assert replicate.degrees_of_freedom(replicate.jkn(sample).factors) == 10 - 3
    assert replicate.degrees_of_freedom(np.ones((5, 3))) == 0
