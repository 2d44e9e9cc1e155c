"""Acceptance decisions, sample sizes and plans against closed forms, enumeration and statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import power as sm_power
from statsmodels.stats import proportion as sm

from qstats.errors import OptionError
from qstats.stats.acceptance import decide, operating_characteristic, zero_acceptance
from qstats.stats.sample_size import WIDTH, planned, power_of_test, size_for_test, size_for_width


def counts(x, n, p0, **options):
    p = np.asarray(x) / n
    return decide(p, np.sqrt(p * (1 - p) / n), n, np.asarray(n) - 1, p0, **options)


@given(x=st.integers(0, 80), n=st.integers(80, 120), p0=st.floats(0.01, 0.99), alpha=st.floats(0.01, 0.4))
@settings(deadline=None, max_examples=50)
def test_of_a_simple_sample_the_decision_is_the_exact_binomial_test(x, n, p0, alpha):
    said = counts(x, n, p0, confidence=1 - alpha)
    above = stats.binom.sf(x - 1, n, p0)  # as many passes or more, were the rate p0
    below = stats.binom.cdf(x, n, p0)
    if min(abs(above - alpha), abs(below - alpha)) > 1e-9:
        assert (said.decision == "accept") == (above < alpha)
        assert (said.decision == "reject") == (below < alpha)


@given(x=st.integers(0, 80), p0=st.floats(0.01, 0.99))
@settings(deadline=None, max_examples=50)
def test_at_most_is_at_least_of_the_failures(x, p0):
    one = counts(x, 80, p0, side="at most").decision
    other = counts(80 - x, 80, 1 - p0).decision
    assert one == other


def test_a_decision_can_fall_three_ways():
    said = counts(np.array([99, 95, 85]), 100, 0.93)
    assert said.decision.tolist() == ["accept", "cannot say", "reject"]
    assert set(said.reason) == {""}
    np.testing.assert_allclose(said.n_eff, 100, rtol=1e-12)


def test_clustering_takes_certainty_away():
    p = 0.97
    se = np.sqrt(p * (1 - p) / 300)
    assert decide(p, se, 300, 299, 0.94).decision == "accept"
    assert decide(p, se * 2, 300, 299, 0.94).decision == "cannot say"
    assert decide(p, se, 300, 2, 0.94).decision == "cannot say"
    assert decide(1.0, 0, 59, 58, 0.95, deff_at_bounds=1.5).decision == "cannot say"
    assert decide(1.0, 0, 59, 58, 0.95).decision == "accept"


def test_a_lower_confidence_says_more():
    assert counts(55, 59, 0.9).decision == "cannot say"
    assert counts(55, 59, 0.9, confidence=0.7).decision == "accept"


def test_without_degrees_of_freedom_nothing_is_decided():
    said = decide([0.99, 0.99], 0.01, 100, [0, 50], 0.9)
    assert said.decision.tolist() == ["cannot say", "accept"]
    assert said.reason.tolist() == ["not estimable: 0 degrees of freedom", ""]
    assert np.isnan([said.low[0], said.high[0], said.n_eff[0]]).all()


def test_accepting_a_rate_below_p0_happens_at_most_as_often_as_allowed():
    n, p0 = 90, 0.95
    x = np.arange(n + 1)
    accepted = counts(x, n, p0).decision == "accept"
    assert 0 < stats.binom.pmf(x, n, p0)[accepted].sum() <= 0.05
    rejected = counts(x, n, p0).decision == "reject"
    assert 0 < stats.binom.pmf(x, n, p0)[rejected].sum() <= 0.05


def test_an_operating_characteristic_is_the_sum_over_the_counts():
    rates = np.array([0.5, 0.9, 0.99])
    brute = sum(stats.binom.pmf(k, 50, 1 - rates) for k in range(3))
    np.testing.assert_allclose(operating_characteristic(rates, 50, 2), brute, rtol=1e-12)
    assert operating_characteristic(1.0, 50, 0) == 1


def test_from_a_finite_population_it_is_hypergeometric():
    failures, population, n = 6, 60, 10
    brute = sum(stats.hypergeom.pmf(k, population, failures, n) for k in range(2))
    ours = operating_characteristic(0.9, n, 1, population=population)
    assert ours == pytest.approx(brute, rel=1e-12)
    assert ours != operating_characteristic(0.9, n, 1)


@given(p0=st.floats(0.3, 0.9995), confidence=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(deadline=None, max_examples=50)
def test_zero_acceptance_is_the_least_n_with_a_small_chance_of_no_failure(p0, confidence):
    n = zero_acceptance(p0, confidence=confidence)
    assert operating_characteristic(p0, n, 0) <= (1 - confidence) * (1 + 1e-9)
    if n > 1:
        assert operating_characteristic(p0, n - 1, 0) > 1 - confidence


@given(population=st.integers(5, 200), p0=st.floats(0.3, 0.99))
@settings(deadline=None, max_examples=50)
def test_zero_acceptance_of_a_population_excludes_every_rate_below_p0(population, p0):
    n = zero_acceptance(p0, population=population)
    failures = int(np.floor(population * (1 - p0) * (1 + 1e-12))) + 1
    missed = stats.hypergeom.pmf(0, population, failures, [n - 1, n]) if n > 1 else [1, 0]
    assert missed[1] <= 0.05 * (1 + 1e-9)
    assert missed[0] > 0.05
    assert n <= max(zero_acceptance(p0), 1) or failures / population < 1 - p0


def test_zero_acceptance_has_its_known_values():
    assert [zero_acceptance(p) for p in (0.9, 0.95, 0.99, 0.999)] == [29, 59, 299, 2995]
    assert zero_acceptance(0.05 ** (1 / 10)) == 10  # a whole number is not pushed up by rounding


@pytest.mark.parametrize(("rate", "half"), [(0.5, 0.05), (0.9, 0.02), (0.97, 0.004)])
def test_the_sample_for_a_width_is_that_of_the_closed_form_and_of_statsmodels(rate, half):
    ours = size_for_width(rate, half)
    assert ours == pytest.approx(sm.samplesize_confint_proportion(rate, half), rel=1e-12)
    assert size_for_width(rate, half, confidence=0.99) > ours


@pytest.mark.parametrize("method", WIDTH[1:])
@pytest.mark.parametrize(("rate", "half"), [(0.5, 0.05), (0.97, 0.02), (0.995, 0.01)])
def test_the_sample_for_other_intervals_is_the_least_that_is_short_enough(method, rate, half):
    n = int(size_for_width(rate, half, method=method))
    name = {"wilson": "wilson", "clopper-pearson": "beta"}[method]
    lengths = [np.diff(sm.proportion_confint(m * rate, m, method=name))[0] for m in (n - 1, n)]
    assert lengths[0] > 2 * half >= lengths[1]


@pytest.mark.parametrize(("deff", "population"), [(1.0, np.inf), (1.7, np.inf), (1.0, 900), (1.7, 900)])
def test_under_a_design_the_sample_reaches_the_width(deff, population):
    def half(n):
        finite = 1.0 if np.isinf(population) else (population - n) / (population - 1)
        return 1.959963984540054 * np.sqrt(deff * 0.9 * 0.1 / n * finite)

    n = planned(size_for_width(0.9, 0.03), deff=deff, population=population)
    assert half(n) <= 0.03 < half(n - 1)


def test_a_census_is_enough():
    assert planned(1e6, deff=2, population=50) == 50


def enumerated(p0, p1, confidence, power):
    n = 0
    while True:
        n += 1
        k = np.arange(n + 2)
        least = k[stats.binom.sf(k - 1, n, p0) <= (1 - confidence) * (1 + 1e-12)][0]
        if stats.binom.sf(least - 1, n, p1) >= power * (1 - 1e-12):
            return n, least


@given(
    p0=st.floats(0.05, 0.93),
    gain=st.floats(0.04, 0.3),
    confidence=st.sampled_from([0.8, 0.95, 0.99]),
    power=st.sampled_from([0.3, 0.8, 0.9]),
)
@settings(deadline=None, max_examples=30)
def test_the_exact_test_is_the_first_of_all_plans_that_serves(p0, gain, confidence, power):
    p1 = min(p0 + gain, 0.995)
    plan = size_for_test(p0, p1, confidence=confidence, power=power)
    assert (plan.n, plan.least) == enumerated(p0, p1, confidence, power)
    assert plan.error == pytest.approx(stats.binom.sf(plan.least - 1, plan.n, p0), rel=1e-12)
    assert plan.power == pytest.approx(stats.binom.sf(plan.least - 1, plan.n, p1), rel=1e-12)


@pytest.mark.parametrize(("p0", "p1", "power"), [(0.9, 0.95, 0.8), (0.5, 0.55, 0.9), (0.95, 0.99, 0.7)])
def test_the_normal_sample_is_that_of_statsmodels(p0, p1, power):
    plan = size_for_test(p0, p1, power=power, method="normal")
    spread = [np.sqrt(p * (1 - p)) for p in (p0, p1)]
    theirs = sm_power.normal_sample_size_one_tail(p1 - p0, power, 0.05, *spread)
    assert plan.n == np.ceil(theirs)
    assert plan.n != size_for_test(p0, p1, power=power).n
    assert plan.error <= 0.05


def test_the_power_of_a_sample_is_enumerated():
    sizes = np.array([1, 20, 76, 77, 300])
    brute = []
    for n in sizes:
        k = np.arange(n + 2)
        least = k[stats.binom.sf(k - 1, n, 0.9) <= 0.05][0]
        brute.append(stats.binom.sf(least - 1, n, 0.97))
    np.testing.assert_allclose(power_of_test(sizes, 0.9, 0.97), brute, rtol=1e-12)
    assert power_of_test(300, 0.9, 0.9) <= 0.05


@given(n=st.integers(1, 500), deff=st.sampled_from([1.0, 1.25, 2.0, 4.0]))
@settings(deadline=None, max_examples=30)
def test_a_design_effect_costs_its_share_of_the_sample(n, deff):
    assert power_of_test(int(n * deff), 0.9, 0.97, deff=deff) == power_of_test(
        max(int(int(n * deff) / deff), 1), 0.9, 0.97
    )


def test_a_finite_population_adds_power_and_a_census_is_certain():
    endless, finite, census = power_of_test(100, 0.9, 0.97, population=[np.inf, 150, 100])
    assert endless < finite < census == 1
    assert finite == power_of_test(int(100 * 149 / 50), 0.9, 0.97)
    assert power_of_test(100, 0.9, 0.97, confidence=0.8) > endless


def test_a_plan_decides_as_the_bounds_do():
    plan = size_for_test(0.9, 0.97)
    said = counts(np.array([plan.least - 1, plan.least]), plan.n, 0.9)
    assert said.decision.tolist() == ["cannot say", "accept"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: decide(0.9, 0.1, 50, 9, 95), r"p0=.*95"),
        (lambda: decide(0.9, 0.1, 50, 9, 0.9, confidence=95), "confidence=95"),
        (lambda: decide(0.9, 0.1, 50, 9, 0.9, side="at leat"), "'at least'"),
        (lambda: operating_characteristic(1.5, 10, 1), r"rate=.*1\.5"),
        (lambda: operating_characteristic(0.9, [5, 10], [1, 11]), "n=10 and c=11: .* c from 0 to n"),
        (lambda: operating_characteristic(0.9, 10, 1, population=10.5), r"population=10\.5"),
        (lambda: operating_characteristic(0.9, 70, 1, population=60), "population of 60"),
        (lambda: zero_acceptance(1.0), r"p0=1\.0"),
        (lambda: zero_acceptance(0.9, confidence=1), "confidence=1"),
        (lambda: zero_acceptance(0.9, population=0), "population=0"),
        (lambda: size_for_width(0.9, 0.6), r"half_width=0\.6"),
        (lambda: size_for_width(0.9, 0.1, method="walt"), "'wald'"),
        (lambda: size_for_test(0.9, 0.8), r"p1=0\.8 is not above"),
        (lambda: size_for_test(0.9, 0.9 + 1e-7), "too near"),
        (lambda: size_for_test(0.9, 0.95, method="exakt"), "'exact'"),
        (lambda: planned(10, deff=0), "design effect"),
        (lambda: planned(10, population=0), "population="),
        (lambda: power_of_test(70, 0.9, 0.95, population=60), r"n=.*70"),
        (lambda: power_of_test(70, 0.9, 0.95, deff=-1), "design effect"),
    ],
)
def test_wrong_options_are_refused(call, said):
    with pytest.raises(OptionError, match=said):
        call()
