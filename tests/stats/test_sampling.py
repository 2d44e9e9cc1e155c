from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.errors import DesignError, OptionError
from qstats.stats import sampling

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=40)


@dataclass
class Survey:
    """Records of a random survey: strata of 2–4 PSUs of 2–3 SSUs of 1–3 records, 3 domains."""

    sample: sampling.Sample  # two stages, finite populations
    psu: np.ndarray
    ssu: np.ndarray
    domain: np.ndarray
    w: np.ndarray
    y: np.ndarray
    x: np.ndarray

    @property
    def one_stage(self):
        return replace(self.sample, psu=None, subpopulation=None)


def survey(seed, *, drop=()):
    rng = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(4), rng.integers(2, 5, 4))
    psu_of_ssu = np.repeat(np.arange(stratum.size), rng.integers(2, 4, stratum.size))
    ssu = np.repeat(np.arange(psu_of_ssu.size), rng.integers(1, 4, psu_of_ssu.size))
    n = ssu.size
    sample = sampling.Sample(
        stratum,
        np.bincount(stratum) + rng.integers(1, 20, 4).astype(float),
        psu=psu_of_ssu,
        subpopulation=np.bincount(psu_of_ssu) + rng.integers(1, 9, stratum.size).astype(float),
    )
    domain = rng.integers(0, 3, n)
    return Survey(
        sample, psu_of_ssu[ssu], ssu, domain, rng.uniform(1, 9, n), rng.normal(5, 2, n), rng.uniform(1, 3, n)
    )


def two_stage(s, *, row=None, rows=3, w=None):
    where = {"row": s.domain if row is None else row, "unit": s.ssu, "rows": rows, "units": s.sample.psu.size}
    w = s.w if w is None else w
    theta, Z = sampling.influence(w * s.y, w * s.x, **where)
    return theta, sampling.linearised(Z, s.sample)


def one_stage(s, sample=None, *, unit=None, w=None, row=None):
    sample = s.one_stage if sample is None else sample
    unit, w = s.psu if unit is None else unit, s.w if w is None else w
    where = {"unit": unit, "rows": 3, "units": sample.stratum.size}
    theta, Z = sampling.influence(w * s.y, w * s.x, row=s.domain if row is None else row, **where)
    return theta, sampling.linearised(Z, sample)


def by_loops(s, d):
    """The variance of the ratio of a domain, written out."""
    inside = s.domain == d
    X = (s.w * s.x)[inside].sum()
    theta = (s.w * s.y)[inside].sum() / X
    e = np.where(inside, s.w * (s.y - theta * s.x) / X, 0.0)
    z_ssu = np.array([e[s.ssu == j].sum() for j in range(s.sample.psu.size)])
    total = 0.0
    for h, N in enumerate(s.sample.population):
        members = np.flatnonzero(s.sample.stratum == h)
        z = np.array([z_ssu[s.sample.psu == i].sum() for i in members])
        f = members.size / N
        total += (1 - f) * members.size * z.var(ddof=1)
        for i in members:
            within = z_ssu[s.sample.psu == i]
            k = within.size
            total += f * (1 - k / s.sample.subpopulation[i]) * k * within.var(ddof=1)
    return theta, total


@quick
@given(seeds)
def test_two_stages_are_the_formula_written_out(seed):
    s = survey(seed)
    theta, errors = two_stage(s)
    for d in range(3):
        expected = by_loops(s, d)
        assert theta[d] == pytest.approx(expected[0], rel=1e-12)
        assert sampling.variance(errors)[d] == pytest.approx(expected[1], rel=1e-11)


@quick
@given(seeds)
def test_the_order_of_records_does_not_matter(seed):
    s = survey(seed)
    theta, errors = two_stage(s)
    order = np.random.default_rng(seed).permutation(s.w.size)
    shuffled = Survey(s.sample, *(a[order] for a in (s.psu, s.ssu, s.domain, s.w, s.y, s.x)))
    again, errors_again = two_stage(shuffled)
    np.testing.assert_allclose(again, theta, rtol=1e-13)
    np.testing.assert_allclose(sampling.variance(errors_again), sampling.variance(errors), rtol=1e-11)


@quick
@given(seeds)
def test_the_numbers_of_strata_and_units_do_not_matter(seed):
    s, rng = survey(seed), np.random.default_rng(seed)
    h, p, u = (rng.permutation(k) for k in (4, s.sample.stratum.size, s.sample.psu.size))
    stratum, psu = np.empty_like(s.sample.stratum), np.empty_like(s.sample.psu)
    stratum[p], psu[u] = h[s.sample.stratum], p[s.sample.psu]
    population, within = np.empty(4), np.empty(p.size)
    population[h], within[p] = s.sample.population, s.sample.subpopulation
    renamed = replace(s, sample=sampling.Sample(stratum, population, psu, within), psu=p[s.psu], ssu=u[s.ssu])
    expected = sampling.covariance(two_stage(s)[1])
    np.testing.assert_allclose(
        sampling.covariance(two_stage(renamed)[1]), expected, rtol=1e-9, atol=1e-12 * expected.max()
    )
    np.testing.assert_array_equal(
        sampling.degrees_of_freedom(s.domain, renamed.ssu, renamed.sample, rows=3),
        sampling.degrees_of_freedom(s.domain, s.ssu, s.sample, rows=3),
    )


@quick
@given(seeds, st.floats(1e-3, 1e3))
def test_weights_times_a_constant_scale_totals_and_leave_ratios(seed, c):
    s = survey(seed)
    theta, errors = two_stage(s)
    again, scaled = two_stage(s, w=c * s.w)
    np.testing.assert_allclose(again, theta, rtol=1e-12)
    np.testing.assert_allclose(sampling.variance(scaled), sampling.variance(errors), rtol=1e-10)
    where = {"row": s.domain, "unit": s.psu, "rows": 3, "units": s.sample.stratum.size}
    Y, Z = sampling.total_influence(s.w * s.y, **where)
    cY, cZ = sampling.total_influence(c * s.w * s.y, **where)
    np.testing.assert_allclose(cY, c * Y, rtol=1e-12)
    before, after = (sampling.variance(sampling.linearised(z, s.one_stage)) for z in (Z, cZ))
    np.testing.assert_allclose(after, c**2 * before, rtol=1e-11)


@quick
@given(seeds)
def test_a_domain_is_the_subset_of_its_records_in_the_whole_design(seed):
    s = survey(seed)
    theta, errors = two_stage(s)
    inside = s.domain == 1
    subset = Survey(s.sample, *(a[inside] for a in (s.psu, s.ssu, s.domain, s.w, s.y, s.x)))
    alone, alone_errors = two_stage(subset, row=np.zeros(inside.sum(), int), rows=1)
    assert alone[0] == pytest.approx(theta[1], rel=1e-13)
    assert sampling.variance(alone_errors)[0] == pytest.approx(sampling.variance(errors)[1], rel=1e-11)


def test_a_subset_that_forgets_the_other_units_has_another_error():
    s = survey(3)
    inside = s.psu % 2 == 0
    row = np.where(inside, 0, 1)
    honest = sampling.variance(one_stage(s, row=row)[1])[0]
    kept, unit = np.unique(s.psu[inside], return_inverse=True)
    fewer = sampling.Sample(s.sample.stratum[kept], s.sample.population)
    where = {"row": np.zeros(unit.size, int), "unit": unit, "rows": 1, "units": kept.size}
    _, Z = sampling.influence((s.w * s.y)[inside], (s.w * s.x)[inside], **where)
    naive = sampling.variance(sampling.linearised(Z, fewer, singleton="remove"))[0]
    assert not np.isclose(naive, honest, rtol=1e-3)


@quick
@given(seeds)
def test_records_without_weight_change_no_number_but_are_seen(seed):
    s = survey(seed)
    theta, errors = one_stage(s)
    extra = np.arange(s.sample.stratum.size)  # one more record a PSU, all in domain 0
    more = Survey(
        s.sample,
        np.concatenate([s.psu, extra]),
        s.ssu,
        np.concatenate([s.domain, np.zeros_like(extra)]),
        *(
            np.concatenate([a, fill])
            for a, fill in ((s.w, 0.0 * extra), (s.y, 99.0 + extra), (s.x, 1.0 + extra))
        ),
    )
    again, more_errors = one_stage(more)
    np.testing.assert_allclose(again, theta, rtol=1e-14)
    np.testing.assert_allclose(sampling.variance(more_errors), sampling.variance(errors), rtol=1e-12)
    counted = sampling.degrees_of_freedom(more.domain, more.psu, s.one_stage, rows=3)
    assert counted[0] == sampling.design_df(s.one_stage)
    named = sampling.degrees_of_freedom(more.domain, more.psu, s.one_stage, rows=3, weightless=more.w == 0)
    np.testing.assert_array_equal(named, sampling.degrees_of_freedom(s.domain, s.psu, s.one_stage, rows=3))


def test_one_unit_a_record_is_no_clusters_the_textbook_mean():
    y = np.random.default_rng(1).normal(size=50)
    one = np.full(50, 4.0)
    for N in (np.inf, 200.0):
        sample = sampling.Sample(np.zeros(50, int), np.array([N]))
        mean, Z = sampling.influence(
            one * y, one, row=np.zeros(50, int), unit=np.arange(50), rows=1, units=50
        )
        assert mean[0] == pytest.approx(y.mean(), rel=1e-13)
        expected = (1 - 50 / N) * y.var(ddof=1) / 50
        assert sampling.variance(sampling.linearised(Z, sample))[0] == pytest.approx(expected, rel=1e-13)


@quick
@given(seeds)
def test_a_census_has_no_sampling_error(seed):
    s = survey(seed)
    everything = replace(s.one_stage, population=np.bincount(s.sample.stratum).astype(float))
    assert (sampling.variance(one_stage(s, everything)[1]) == 0).all()
    both = replace(
        s.sample, population=everything.population, subpopulation=np.bincount(s.sample.psu).astype(float)
    )
    assert (sampling.variance(two_stage(replace(s, sample=both))[1]) == 0).all()


@quick
@given(seeds)
def test_a_census_of_primary_units_makes_them_the_strata(seed):
    s = survey(seed)
    census = replace(s.sample, population=np.bincount(s.sample.stratum).astype(float))
    as_strata = sampling.Sample(s.sample.psu, s.sample.subpopulation)
    found = sampling.variance(two_stage(replace(s, sample=census))[1])
    np.testing.assert_allclose(found, sampling.variance(one_stage(s, as_strata, unit=s.ssu)[1]), rtol=1e-11)


def test_with_replacement_at_the_first_stage_the_second_adds_nothing():
    s = survey(5)
    free = replace(s.sample, population=np.full(4, np.inf))
    errors = two_stage(replace(s, sample=free))[1]
    assert len(errors.levels) == 1
    one = sampling.variance(one_stage(s, replace(free, psu=None, subpopulation=None))[1])
    np.testing.assert_allclose(sampling.variance(errors), one, rtol=1e-12)


def test_second_stage_units_are_drawn_with_replacement_unless_their_population_is_given():
    s = survey(6)
    unsaid, said = (
        replace(s.sample, subpopulation=N) for N in (None, np.full(s.sample.stratum.size, np.inf))
    )
    found, same = (sampling.variance(two_stage(replace(s, sample=k))[1]) for k in (unsaid, said))
    np.testing.assert_array_equal(found, same)
    assert (found > sampling.variance(two_stage(s)[1])).all()


@quick
@given(seeds)
def test_totals_of_domains_add_up_with_their_covariances(seed):
    s = survey(seed)
    row = np.concatenate([s.domain, np.full(s.domain.size, 3)])  # and the margin
    where = {"row": row, "unit": np.tile(s.ssu, 2), "rows": 4, "units": s.sample.psu.size}
    Y, Z = sampling.total_influence(np.tile(s.w * s.y, 2), **where)
    errors = sampling.linearised(Z, s.sample)
    V = sampling.covariance(errors)
    assert Y[:3].sum() == pytest.approx(Y[3], rel=1e-13)
    assert V[:3, :3].sum() == pytest.approx(V[3, 3], rel=1e-11)
    assert V[:3, 3].sum() == pytest.approx(V[3, 3], rel=1e-11)


def test_what_was_not_seen_has_no_error_rather_than_none():
    where = {"row": [0, 0, 2], "unit": [0, 1, 1], "rows": 3, "units": 3}
    sample = sampling.Sample(np.zeros(3, int), np.array([np.inf]))
    theta, Z = sampling.influence([1, 2, 1], [1, 3, 0], **where)
    np.testing.assert_array_equal(theta, [0.75, np.nan, np.nan])
    found = sampling.variance(sampling.linearised(Z, sample))
    np.testing.assert_array_equal(np.isnan(found), [False, True, True])
    Y, Z = sampling.total_influence([1, 2, 1], **where)
    assert Y.tolist() == [3, 0, 1]
    np.testing.assert_array_equal(
        np.isnan(sampling.variance(sampling.linearised(Z, sample))), [False, True, False]
    )
    with pytest.raises(DesignError, match="no units"):
        sampling.influence([], [], row=[], unit=[], rows=1, units=0)


@pytest.mark.parametrize("bad", [1.0, 0.4, np.nan])
def test_a_population_smaller_than_the_sample_is_refused_by_number(bad):
    s = survey(2)
    population = s.sample.population.copy()
    population[2] = bad
    with pytest.raises(sampling.StratumError, match=r"number 2 has .* not a share") as caught:
        one_stage(s, replace(s.one_stage, population=population))
    assert (caught.value.strata, caught.value.stage) == ((2,), 1)
    within = s.sample.subpopulation.copy()
    within[[1, 4]] = bad
    with pytest.raises(sampling.StratumError, match=r"primary units .* at stage 2: 2; number 1") as caught:
        two_stage(replace(s, sample=replace(s.sample, subpopulation=within)))
    assert (caught.value.strata, caught.value.stage) == ((1, 4), 2)


def test_an_unknown_policy_is_answered_with_the_list():
    s = survey(0)
    Z = csr_array(np.ones((1, s.one_stage.stratum.size)))
    with pytest.raises(OptionError, match="'adjust'"):
        sampling.linearised(Z, s.one_stage, singleton="adjusted")


def test_degrees_of_freedom_are_units_minus_strata_that_the_domain_is_seen_in():
    sample = sampling.Sample(np.array([0, 0, 0, 1, 1, 2, 2]), np.full(3, np.inf))
    row, unit = [0, 0, 0, 1, 1, 2], [0, 1, 3, 5, 5, 6]
    assert sampling.degrees_of_freedom(row, unit, sample, rows=4).tolist() == [1, 0, 0, 0]
    assert sampling.design_df(sample) == 4
    nested = replace(sample, psu=np.array([0, 0, 1, 3, 4, 5, 6, 6]))
    assert sampling.degrees_of_freedom([0, 0, 0], [0, 1, 2], nested, rows=1).tolist() == [1]
    assert sampling.design_df(nested) == 4
    counted = replace(sample, count=np.array([5.0, 2, 1, 1, 1, 3, 3]))
    assert sampling.degrees_of_freedom([0, 0, 1], [0, 3, 6], counted, rows=2).tolist() == [4, 2]
    assert sampling.design_df(counted) == 13
