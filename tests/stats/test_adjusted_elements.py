"""Moments of cells give the errors that every element as a unit of its own would give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.stats import adjusted_elements, sampling


def elements(seed, n=50, cells=6, rows=2):
    rng = np.random.default_rng(seed)
    cell = np.concatenate([np.arange(cells), np.arange(cells), rng.integers(0, cells, n - 2 * cells)])
    return {
        "cell": cell,
        "stratum": np.arange(cells) % 2,
        "wy": rng.normal(3, 2, n),
        "wx": rng.uniform(1, 4, n),
        "w": rng.uniform(1, 9, n),
        "gradient": rng.normal(0, 1, (rows, cells, 3)),
    }


def vector(e):
    v = np.column_stack([e["wy"], e["wx"], e["w"]])
    inside = np.arange(e["cell"].max() + 1)[:, None] == e["cell"]
    return adjusted_elements.Vector(inside @ v, np.einsum("ke,ei,ej->kij", inside, v, v))


def by_cells(e, population, **policy):
    count = np.bincount(e["cell"]).astype(float)
    sample = sampling.Sample(e["stratum"], population, count=count)
    return adjusted_elements.errors(e["gradient"], vector(e), sample, **policy)


def by_elements(e, population, **policy):
    v = np.column_stack([e["wy"], e["wx"], e["w"]])
    z = np.einsum("rek,ek->re", e["gradient"][:, e["cell"]], v)
    sample = sampling.Sample(e["stratum"][e["cell"]], population)
    return sampling.linearised(csr_array(z), sample, **policy)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.booleans())
def test_variances_and_covariances_are_those_of_the_elements(seed, finite):
    e = elements(seed)
    population = np.array([60.0, 90.0]) if finite else np.full(2, np.inf)
    got, want = by_cells(e, population), by_elements(e, population)
    np.testing.assert_allclose(sampling.variance(got), sampling.variance(want), rtol=1e-10)
    a, b = sampling.covariance(got), sampling.covariance(want)
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * np.abs(b).max())


def test_a_finite_population_takes_its_share_off():
    e = elements(1)
    infinite, finite = (sampling.variance(by_cells(e, np.full(2, N))) for N in (np.inf, 50.0))
    assert (finite < infinite).all()
    assert (finite > 0).all()


@pytest.mark.parametrize("singleton", ["remove", "adjust", "average"])
def test_a_stratum_of_one_element_follows_the_policy(singleton):
    e = elements(2)
    alone = e | {
        "cell": np.append(e["cell"], 6),
        "stratum": np.append(e["stratum"], 2),
        "wy": np.append(e["wy"], 4.0),
        "wx": np.append(e["wx"], 2.0),
        "w": np.append(e["w"], 3.0),
        "gradient": np.concatenate([e["gradient"], np.ones((2, 1, 3))], axis=1),
    }
    infinite = np.full(3, np.inf)
    got, want = (f(alone, infinite, singleton=singleton) for f in (by_cells, by_elements))
    np.testing.assert_allclose(sampling.variance(got), sampling.variance(want), rtol=1e-10)
    with pytest.raises(sampling.StratumError) as caught:
        by_cells(alone, infinite)
    assert caught.value.strata == (2,)


def test_elements_that_are_alike_add_no_scatter():
    e = elements(3)
    same = e | {"wy": 2.0 + e["cell"], "wx": 1.0 + 0 * e["cell"], "w": 0.1 + e["cell"] / 3}
    got, want = by_cells(same, np.full(2, np.inf)), by_elements(same, np.full(2, np.inf))
    np.testing.assert_allclose(sampling.variance(got), sampling.variance(want), rtol=1e-10)
    one = same | {"gradient": np.where(np.arange(3) == 1, 1.0, 0.0) * np.ones((2, 6, 1))}
    assert (sampling.variance(by_cells(one, np.full(2, np.inf))) < 1e-20).all()


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_variables_may_be_of_any_magnitude(factor):
    e = elements(4)
    other = e | {"wy": factor * e["wy"], "gradient": e["gradient"] / np.array([factor, 1, 1])}
    got, want = (sampling.variance(by_cells(d, np.full(2, np.inf))) for d in (other, e))
    np.testing.assert_allclose(got, want, rtol=1e-10)
    only = other | {"gradient": other["gradient"] * np.array([1, 0, 0])}
    got, want = (sampling.variance(f(only, np.full(2, np.inf))) for f in (by_cells, by_elements))
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_gradients_are_the_derivatives_of_a_ratio_behind_a_chain():
    alpha, beta = np.array([1.5, 2.0]), np.array([[0.1, 0.2], [0.3, 0.4]])
    theta, X = np.array([0.5, 0.8]), np.array([10.0, 20.0])
    category = np.array([0, 1, 1])
    got = adjusted_elements.gradients(
        alpha, beta, theta, X, row=np.array([0, 1, 1]), cell=np.array([0, 1, 2]), category=category
    )
    assert got.shape == (2, 3, 3)
    np.testing.assert_allclose(got[0, 0], [1.5 / 10, -1.5 / 10 * 0.5, 0.1], rtol=1e-15)
    np.testing.assert_allclose(got[1, 2], [2.0 / 20, -2.0 / 20 * 0.8, 0.4], rtol=1e-15)
    np.testing.assert_allclose(got[0, 1], [0, 0, 0.3], rtol=1e-15)  # outside the row only the chain moves it
