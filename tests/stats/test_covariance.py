import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats import covariance as algebra
from qstats.stats.covariance import Errors, Level

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=40)


def errors(seed, rows=5, *, sample="", units=9, layout=0):
    """Errors of two levels, one of them in part not centred; `layout` fixes how units were drawn."""
    draw, rng = np.random.default_rng(layout), np.random.default_rng(seed)
    levels = []
    for lowest in (0, -1):
        group = np.sort(draw.integers(lowest, 3, units))
        scale = draw.uniform(0, 2, 4)[group]
        scale[group < 0] = draw.uniform(0, 2, (group < 0).sum())
        Z = rng.normal(3, 1, (rows, units)) * (rng.random((rows, units)) < 0.6)
        levels.append(Level(csr_array(Z), group, draw.integers(1, 5, units).astype(float), scale))
    return Errors(tuple(levels), sample)


def by_definition(a, b):
    total = 0.0
    for u, v in zip(a.levels, b.levels, strict=True):
        D = np.diag(u.scale * u.count)
        for g in set(u.group) - {-1}:
            c = np.where(u.group == g, u.count, 0.0)
            D -= u.scale[u.group == g][0] * np.outer(c, c) / c.sum()
        total = total + u.Z.toarray() @ D @ v.Z.toarray().T
    return total


@quick
@given(seeds, seeds)
def test_variance_covariance_and_cross_are_what_is_defined(seed, layout):
    a, b = errors(seed, layout=layout), errors(seed + 1, rows=3, layout=layout)
    V = by_definition(a, a)
    close = {"rtol": 1e-10, "atol": 1e-12 * np.abs(V).max()}
    np.testing.assert_allclose(algebra.covariance(a), V, **close)
    np.testing.assert_allclose(algebra.variance(a), np.diag(V), **close)
    np.testing.assert_allclose(algebra.covariance(a, [3, 0]), V[np.ix_([3, 0], [3, 0])], **close)
    np.testing.assert_allclose(algebra.cross(a, b), by_definition(a, b), **close)
    assert np.linalg.eigvalsh(algebra.covariance(a)).min() > -1e-12 * np.abs(V).max()


@quick
@given(seeds)
def test_errors_of_linear_combinations(seed):
    a = errors(seed)
    A = np.random.default_rng(seed).normal(size=(3, 5))
    expected = A @ algebra.covariance(a) @ A.T
    for form in (A, csr_array(A), A.tolist()):
        found = algebra.combine(a, form)
        np.testing.assert_allclose(
            algebra.covariance(found), expected, rtol=1e-9, atol=1e-12 * expected.max()
        )
    np.testing.assert_allclose(
        algebra.cross(algebra.combine(a, A), a), A @ algebra.covariance(a), rtol=1e-8, atol=1e-11
    )


def test_a_zero_takes_nothing_from_an_unknown_estimate():
    Z = csr_array(np.array([[1.0, 2.0], [np.nan, 1.0]]))
    a = Errors((Level(Z, np.zeros(2, int), np.ones(2), np.ones(2)),))
    A = csr_array(np.array([[2.0, 0.0], [1.0, 1.0]]))
    A.data[0] = 0.0  # a stored zero
    assert algebra.variance(algebra.combine(a, [[2.0, 0.0]])).tolist() == [2.0]
    np.testing.assert_array_equal(algebra.variance(algebra.combine(a, A)), [0.0, np.nan])
    assert A.nnz == 3  # what was given is left as it was
    np.testing.assert_array_equal(algebra.covariance(a), [[0.5, np.nan], [np.nan, np.nan]])


def test_a_large_mean_costs_no_digits():
    rng = np.random.default_rng(0)
    small = rng.integers(-8, 9, (2, 40)) / 8.0  # exact in binary, also on top of 2³⁰
    group, one = np.repeat([0, 1], 20), np.ones(40)
    plain, shifted = (
        Errors((Level(csr_array(z), group, one, one * 20 / 19),)) for z in (small, small + 2.0**30)
    )
    np.testing.assert_allclose(algebra.variance(shifted), algebra.variance(plain), rtol=1e-12)
    np.testing.assert_allclose(algebra.covariance(shifted), algebra.covariance(plain), rtol=1e-12)


def test_blocks_change_nothing(monkeypatch):
    a, b = errors(1), errors(2)
    whole = algebra.cross(a, b), algebra.noise(a, np.random.default_rng(4), 50)
    monkeypatch.setattr(algebra, "BLOCK", 20)
    np.testing.assert_allclose(algebra.cross(a, b), whole[0], rtol=1e-12)
    np.testing.assert_allclose(algebra.noise(a, np.random.default_rng(4), 50), whole[1], rtol=1e-12)


def within_five_sigma(drawn, other, expected, Va, Vb):
    """Whether sample cross-moments of normal draws are those expected."""
    n = len(drawn)
    sigma = np.sqrt((np.outer(Va, Vb) + expected**2) / n)
    return (np.abs(drawn.T @ other / n - expected) < 5 * sigma).all()


def test_noise_has_the_covariance_and_no_mean():
    a = errors(7)
    V = algebra.covariance(a)
    drawn = algebra.noise(a, np.random.default_rng(11), 20_000)
    assert drawn.shape == (20_000, 5)
    assert (np.abs(drawn.mean(0)) < 5 * np.sqrt(np.diag(V) / 20_000)).all()
    assert within_five_sigma(drawn, drawn, V, np.diag(V), np.diag(V))
    assert not within_five_sigma(drawn, drawn, 1.2 * V, np.diag(V), np.diag(V))


def test_noise_of_one_sample_from_one_state_covaries_as_cross_says():
    a, b = errors(7), errors(8, rows=3)
    x, y = (algebra.noise(e, np.random.default_rng(0), 20_000) for e in (a, b))
    Va, Vb = algebra.variance(a), algebra.variance(b)
    assert within_five_sigma(x, y, algebra.cross(a, b), Va, Vb)
    apart = algebra.noise(b, np.random.default_rng(1), 20_000)
    assert within_five_sigma(x, apart, np.zeros((5, 3)), Va, Vb)
    assert not within_five_sigma(x, apart, algebra.cross(a, b), Va, Vb)


@quick
@given(seeds)
def test_noise_is_linear_in_the_estimates(seed):
    a = errors(seed)
    A = np.random.default_rng(seed).normal(size=(2, 5))
    x, y = (algebra.noise(e, np.random.default_rng(seed), 4) for e in (a, algebra.combine(a, A)))
    np.testing.assert_allclose(y, x @ A.T, rtol=1e-9, atol=1e-10)


def test_errors_of_different_samples_do_not_cross():
    with pytest.raises(DesignError, match="'north' and 'south'"):
        algebra.cross(errors(1, sample="north"), errors(1, sample="south"))
    assert algebra.cross(errors(1, sample="north"), errors(1)).shape == (5, 5)
    with pytest.raises(DesignError, match=r"\[9, 9\] and \[8, 8\] units"):
        algebra.cross(errors(1), errors(1, units=8))
