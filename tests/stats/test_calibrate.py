"""Calibrated weights and the errors behind them: identities, refusals, derivatives."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.errors import DesignError, OptionError
from qstats.stats import chain
from qstats.stats.adjust import Trimming, nonresponse, poststratify, trim
from qstats.stats.calibrate import calibrate
from qstats.stats.sampling import Sample, linearised, variance

quick = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)

# cells are a row × a column of a table, with both margins as auxiliaries
A, B = np.divmod(np.arange(12), 3)
MARGINS = np.column_stack([np.eye(4)[A], np.eye(3)[B]])


def table(seed, spread=0.3):
    """Weights of the twelve cells, and totals of the margins that such factors reach."""
    rng = np.random.default_rng(seed)
    d = rng.gamma(4.0, 50.0, 12) + 1
    return d, MARGINS.T @ (d * rng.uniform(1 - spread, 1 + spread, 12))


def survey(seed, strata=3, psus=4, per_psu=8):
    """A sample of elements: weight, y, cell, PSU of each, and the design."""
    rng = np.random.default_rng(seed)
    P = strata * psus
    psu = np.repeat(np.arange(P), per_psu)
    cell = rng.permutation(np.arange(psu.size) % 12)
    w, y = rng.uniform(1, 9, psu.size), rng.normal(5, 2, psu.size) + cell
    return w, y, cell, psu, Sample(np.repeat(np.arange(strata), psus), np.full(strata, np.inf))


def by_cell(w, cell, psu):
    return csr_array((w, (psu, cell)), shape=(psu.max() + 1, 12))


def total_error(w, y, cell, psu, sample, steps):
    N = by_cell(w, cell, psu)
    done = chain.adjusted(N.sum(axis=0), steps)
    at = {"row": np.zeros(w.size, int), "unit": psu, "cell": cell, "rows": 1, "N": N, "chain": done}
    Y, Z = chain.total_influence(w * y, **at)
    return Y, Z, variance(linearised(Z, sample))


DISTANCES = [
    ("linear", None),
    ("raking", None),
    ("linear", (0.5, 1.6)),
    ("logit", (0.5, 1.6)),
]


@pytest.mark.parametrize(("distance", "bounds"), DISTANCES)
@quick
@given(seed=seeds)
def test_calibrated_totals_are_met(distance, bounds, seed):
    d, T = table(seed)
    done = calibrate(d, MARGINS, T, distance=distance, bounds=bounds)
    np.testing.assert_allclose(MARGINS.T @ (d * done.g), T, rtol=1e-12, atol=0)
    assert done.deviation <= 1e-13
    if bounds:
        assert done.g.min() >= bounds[0] and done.g.max() <= bounds[1]
    if distance == "raking":
        assert done.g.min() > 0


@pytest.mark.parametrize(("distance", "bounds"), DISTANCES)
@quick
@given(seed=seeds)
def test_totals_already_held_change_nothing(distance, bounds, seed):
    d, _ = table(seed)
    done = calibrate(d, MARGINS, MARGINS.T @ d, distance=distance, bounds=bounds)
    np.testing.assert_allclose(done.g, 1, rtol=1e-12)
    assert done.iterations <= 1


@quick
@given(seed=seeds)
def test_distances_differ_but_each_is_a_function_of_the_auxiliaries(seed):
    d, T = table(seed)
    linear, raking = (calibrate(d, MARGINS, T, distance=how) for how in ("linear", "raking"))
    np.testing.assert_allclose(linear.g, 1 + MARGINS @ linear.multipliers, rtol=1e-9)
    np.testing.assert_allclose(np.log(raking.g), MARGINS @ raking.multipliers, rtol=1e-9, atol=1e-12)
    assert np.abs(linear.g - raking.g).max() > 1e-6
    wide = calibrate(d, MARGINS, T, distance="logit", bounds=(1e-9, 1e9))
    np.testing.assert_allclose(wide.g, raking.g, rtol=1e-6)
    unbinding = calibrate(d, MARGINS, T, bounds=(-50.0, 50.0))
    np.testing.assert_allclose(unbinding.g, linear.g, rtol=1e-9)


@pytest.mark.parametrize("distance", ["linear", "raking"])
@quick
@given(seed=seeds)
def test_calibration_on_one_margin_is_post_stratification(distance, seed):
    d, T = table(seed)
    done = calibrate(d, np.eye(4)[A], T[:4], distance=distance)
    closed = poststratify(d, A, T[:4])
    np.testing.assert_allclose(done.g, closed.g, rtol=1e-12)


@quick
@given(seed=seeds)
def test_post_stratification_has_the_error_of_linear_calibration_on_indicators(seed):
    w, y, cell, psu, sample = survey(seed)
    _, T = table(seed)
    one = total_error(w, y, cell, psu, sample, [partial(poststratify, category=A, totals=T[:4])])
    other = total_error(w, y, cell, psu, sample, [partial(calibrate, C=np.eye(4)[A], totals=T[:4])])
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12)
    np.testing.assert_allclose(one[2], other[2], rtol=1e-10)


@quick
@given(seed=seeds)
def test_a_complete_margin_equals_its_coding_with_a_reference(seed):
    d, T = table(seed)
    keep = [0, 1, 2, 3, 5, 6]
    full, reference = calibrate(d, MARGINS, T), calibrate(d, MARGINS[:, keep], T[keep])
    np.testing.assert_allclose(full.g, reference.g, rtol=1e-11)


@quick
@given(seed=seeds, factor=st.floats(0.01, 100))
def test_a_common_factor_of_the_weights_cancels_where_the_size_is_calibrated(seed, factor):
    d, T = table(seed)
    one, other = calibrate(d, MARGINS, T), calibrate(factor * d, MARGINS, T)
    np.testing.assert_allclose(d * one.g, factor * d * other.g, rtol=1e-10)


def test_a_calibrated_auxiliary_has_no_error():
    w, _, cell, psu, sample = survey(1)
    _, T = table(1)
    for step in (
        partial(calibrate, C=MARGINS, totals=T),
        partial(calibrate, C=MARGINS, totals=T, distance="raking"),
    ):
        Y, Z, v = total_error(w, (A[cell] == 2).astype(float), cell, psu, sample, [step])
        np.testing.assert_allclose(Y, T[2], rtol=1e-12)
        assert np.abs(Z.toarray()).max() < 1e-10 * T[2] and v[0] < 1e-20 * T[2] ** 2


def test_negative_factors_are_allowed_and_counted_without_bounds_only():
    d, T = np.array([10.0, 10.0, 10.0]), [30.0, 55.0]
    C = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    done = calibrate(d, C, T)
    assert done.negative == 1 and done.g[0] < 0
    bounded = calibrate(d, C, T, bounds=(0.0, 3.0))
    assert bounded.negative == 0 and bounded.g[0] == 0
    np.testing.assert_allclose(C.T @ (d * bounded.g), T, rtol=1e-12)
    with pytest.raises(DesignError, match="cell 0 is -"):
        calibrate(d * done.g, C, T)


def test_contradictory_margins_are_refused_with_the_amount():
    d, T = table(3)
    T[-1] += 7
    with pytest.raises(DesignError, match="contradict each other") as error:
        calibrate(d, MARGINS, T, names=["a", "b", "c", "d", "large", "medium", "small"])
    assert "'large', 'medium', 'small' come to the same as 'a', 'b', 'c', 'd'" in str(error.value)
    assert "their totals differ by 7" in str(error.value)


def test_rounding_in_the_margins_is_no_contradiction():
    d, T = table(3)
    assert calibrate(d, MARGINS, T * (1 + 1e-14 * np.arange(7))).deviation <= 1e-13


@pytest.mark.parametrize(("distance", "bounds"), [("linear", (0.9, 1.1)), ("logit", (0.9, 1.1))])
def test_totals_out_of_reach_of_the_bounds_say_what_would_be_needed(distance, bounds):
    options = {"distance": distance, "bounds": bounds, "names": ["x"]}
    said = r"within the bounds .*'x' comes to 33\S* instead of 45; .* have one 0\.5 or more away from 1"
    with pytest.raises(DesignError, match=said):
        calibrate([10.0, 20.0, 30.0], [[0.0], [0.0], [1.0]], [45.0], **options)


def test_totals_that_no_positive_factor_reaches_are_refused():
    C = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    with pytest.raises(DesignError, match="no factors above zero do"):
        calibrate(np.full(3, 10.0), C, [30.0, 70.0], distance="raking")
    assert calibrate(np.full(3, 10.0), C, [30.0, 70.0]).negative == 1


def test_raking_to_zero_is_refused():
    with pytest.raises(DesignError, match="raking cannot bring 'b' to the total 0"):
        calibrate([10.0, 5.0], np.eye(2), [12.0, 0.0], distance="raking", names=["a", "b"])
    assert calibrate([10.0, 5.0], np.eye(2), [12.0, 0.0]).g.tolist() == [1.2, 0.0]


def test_a_total_for_a_category_not_in_the_data_is_refused():
    with pytest.raises(DesignError, match="'gone' has the total 5 but no weight in the sample"):
        calibrate([10.0, 0.0], np.eye(2), [12.0, 5.0], names=["here", "gone"])
    with pytest.raises(DesignError, match="'gone' has the total 5 but no weight"):
        poststratify([10.0], [0], [12.0, 5.0], names=["here", "gone"])
    assert poststratify([10.0], [0], [12.0, 0.0]).g.tolist() == [1.2]


@pytest.mark.parametrize(
    ("d", "T", "said"),
    [
        ([10.0, -1.0], [1.0, 1.0], "cell 1 is -1"),
        ([np.nan, 1.0], [1.0, 1.0], "cell 0 is nan"),
        ([10.0, 1.0], [1.0, np.nan], "total of auxiliary 1 is nan"),
        ([10.0, 1.0], [1.0], "do not fit"),
    ],
)
def test_numbers_that_are_none_are_refused(d, T, said):
    with pytest.raises(DesignError, match=said):
        calibrate(d, np.eye(2), T)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"distance": "logit"}, "needs bounds"),
        ({"distance": "raking", "bounds": (0.5, 2.0)}, "has no bounds"),
        ({"bounds": (1.0, 2.0)}, "do not enclose 1"),
        ({"distance": "logit", "bounds": (0.5, np.inf)}, "both finite"),
        ({"distance": "lineal"}, "Did you mean 'linear'"),
    ],
)
def test_bounds_and_distances_that_do_not_fit_are_refused(options, said):
    with pytest.raises(OptionError, match=said):
        calibrate([10.0], [[1.0]], [11.0], **options)


def test_post_strata_without_a_total_and_negative_totals_are_refused():
    with pytest.raises(DesignError, match="category 2 of cell 1 has no total; there are 2"):
        poststratify([1.0, 1.0], [0, 2], [1.0, 1.0])
    with pytest.raises(DesignError, match="total of auxiliary 1 is -1"):
        poststratify([1.0, 1.0], [0, 1], [1.0, -1.0])


def test_nonresponse_hands_the_weight_of_a_class_to_its_respondents():
    d, r, q = [10.0, 5.0, 20.0, 8.0], [True, False, True, True], [0, 0, 1, 1]
    done = nonresponse(d, r, q)
    assert (done.g * d).tolist() == [15.0, 0.0, 20.0, 8.0]
    with pytest.raises(DesignError, match="nobody answered in 'south', which has the weight 28"):
        nonresponse(d, [True, False, False, False], q, names=["north", "south"])


@quick
@given(seed=seeds)
def test_trimming_keeps_the_total_and_the_bounds(seed):
    rng = np.random.default_rng(seed)
    w = rng.pareto(1.5, 40) + 1
    n = rng.integers(1, 5, 40)
    mean = (n @ w) / n.sum()
    lower, upper = 0.6 * mean, 1.5 * mean
    done = trim(n * w, lower=lower, upper=upper, count=n)
    new = w * done.g
    assert new.min() >= lower * (1 - 1e-12) and new.max() <= upper * (1 + 1e-12)
    np.testing.assert_allclose(n @ new, n @ w, rtol=1e-12)
    inside = (new > lower * (1 + 1e-9)) & (new < upper * (1 - 1e-9))
    np.testing.assert_array_equal(done.moves[inside], True)
    np.testing.assert_allclose(done.g[inside], 1 + done.multipliers[0], rtol=1e-12)
    assert inside.any() and not inside.all()


def test_trimming_stays_within_its_category_and_does_nothing_where_nothing_sticks_out():
    d, q = [60.0, 20.0, 20.0, 30.0, 30.0], [0, 0, 0, 1, 1]
    np.testing.assert_allclose(trim(d, upper=40.0, category=q).g, [2 / 3, 1.5, 1.5, 1, 1], rtol=1e-12)
    np.testing.assert_allclose(trim(d, upper=40.0).g, [2 / 3, 1.2, 1.2, 1.2, 1.2], rtol=1e-12)
    assert trim(d, upper=60.0).g.tolist() == [1.0] * 5
    np.testing.assert_allclose(trim([1.0, 9.0], lower=4.0).g, [4.0, 6 / 9], rtol=1e-12)


def test_trimming_that_cannot_keep_the_total_is_refused():
    with pytest.raises(DesignError, match="mean weight is 33"):
        trim([60.0, 20.0, 20.0], upper=30.0)
    with pytest.raises(DesignError, match="lower=5 and upper=4"):
        trim([60.0], lower=5.0, upper=4.0)


def chains(seed):
    """Steps in several orders, to differentiate through."""
    _, T = table(seed)
    T = T / T[:4].sum() * 300
    answered = np.ones(12, bool)
    answered[[1, 5]] = False
    answer = partial(nonresponse, responded=answered, category=B)
    ps = partial(poststratify, category=A, totals=T[:4])
    both = partial(calibrate, C=MARGINS, totals=T)
    size = partial(calibrate, C=np.ones((12, 1)), totals=[333.0])
    cut = Trimming(upper=6.0, lower=2.0, category=np.arange(12) // 6)
    return {
        "nonresponse": [answer],
        "nonresponse, then post-strata": [answer, ps],
        "post-strata, then size": [ps, size],
        "margins, then post-strata": [both, ps],
        "nonresponse, margins, size": [answer, both, size],
        "trimming": [cut],
        "trimming, then margins": [cut, both],
        "nonresponse, margins, trimming": [answer, both, Trimming(upper=4.5)],
        "margins, trimming, margins again": [both, Trimming(upper=3.5, lower=2.0), both],
    }


@pytest.mark.parametrize("name", chains(0))
def test_the_influence_is_the_derivative_of_the_whole_chain_by_the_multiplicity_of_a_unit(name):
    steps = chains(5)[name]
    _, y, cell, psu, _ = survey(5)
    w = np.random.default_rng(7).uniform(1, 9, 12)[cell]  # weights to trim are those of a cell
    N, n = by_cell(w, cell, psu), by_cell(np.ones(w.size), cell, psu)

    def total(m):
        g = chain.factor(chain.adjusted(N.T @ m, steps, count=n.T @ m))
        return float((m[psu] * w * g[cell]) @ y)

    done = chain.adjusted(N.sum(axis=0), steps, count=n.sum(axis=0))
    if any(isinstance(step, Trimming) for step in steps):
        assert not all(step.moves.all() for step in done)
    at = {"row": np.zeros(w.size, int), "unit": psu, "cell": cell, "rows": 1, "N": N, "chain": done}
    Y, Z = chain.total_influence(w * y, **at)
    np.testing.assert_allclose(Y, total(np.ones(12)), rtol=1e-12)
    h = 1e-5 * np.eye(12)
    slopes = [(total(1 + e) - total(1 - e)) / 2e-5 for e in h]
    np.testing.assert_allclose(Z.toarray()[0], slopes, rtol=1e-6, atol=1e-6 * np.abs(slopes).max())


def test_the_error_of_a_chain_is_not_that_of_its_last_step():
    w, y, cell, psu, sample = survey(5)
    steps = chains(5)["nonresponse, then post-strata"]
    whole = total_error(w, y, cell, psu, sample, steps)
    g = steps[0](np.bincount(cell, w)).g
    last = total_error(w * g[cell], y, cell, psu, sample, steps[1:])
    np.testing.assert_allclose(whole[0], last[0], rtol=1e-12)
    assert abs(whole[2][0] / last[2][0] - 1) > 0.01


def test_a_row_without_an_estimate_has_an_unknown_error_and_not_zero():
    w, y, cell, psu, sample = survey(2)
    N = by_cell(w, cell, psu)
    done = chain.adjusted(N.sum(axis=0), [partial(calibrate, C=MARGINS, totals=table(2)[1])])
    at = {"row": np.zeros(w.size, int), "unit": psu, "cell": cell, "rows": 2, "N": N, "chain": done}
    theta, Z = chain.influence(w * y, w, **at)
    v = variance(linearised(Z, sample))
    assert np.isfinite([theta[0], v[0]]).all() and np.isnan([theta[1], v[1]]).all()
    Y, Z = chain.total_influence(w * y, **at)
    assert Y[1] == 0 and np.isnan(variance(linearised(Z, sample))[1])
