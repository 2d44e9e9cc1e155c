"""The regression estimator from sums of cells is that of the elements."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats import greg


def elements(seed=0, n=60, p=2, q=2):
    """Elements with p categories, q continuous auxiliaries, two variables, in cells within units."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, p, n) if p else np.zeros(n, int)
    unit = rng.integers(0, 5, n)
    unit[:5], category[:p] = range(5), range(p)
    _, cell = np.unique(category * 10 + unit, return_inverse=True)
    return {
        "w": rng.uniform(1, 4, n),
        "A": np.eye(p)[category] if p else np.zeros((n, 0)),
        "c": rng.uniform(1, 3, (n, q)),
        "y": rng.normal(5, 2, n),
        "x": rng.uniform(1, 2, n),
        "unit": unit,
        "cell": cell,
    }


def summed(e, values):
    """Σ over the elements of each cell."""
    return np.stack([values[e["cell"] == k].sum(axis=0) for k in range(e["cell"].max() + 1)])


def auxiliaries(e):
    w, c = e["w"], e["c"]
    first = [np.flatnonzero(e["cell"] == k)[0] for k in range(e["cell"].max() + 1)]
    cc = c[:, :, None] * c[:, None, :]
    return greg.Auxiliaries(
        csr_array(e["A"][first]), summed(e, w), summed(e, w[:, None] * c), summed(e, w[:, None, None] * cc)
    )


def variable(e, v):
    return greg.Variable(summed(e, e["w"] * v), summed(e, (e["w"] * v)[:, None] * e["c"]))


def factors(e, totals):
    C = np.hstack([e["A"], e["c"]])
    M = (C * e["w"][:, None]).T @ C
    return C, M, 1 + C @ np.linalg.solve(M, totals - C.T @ e["w"])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([(0, 1), (0, 2), (1, 1), (2, 1), (3, 2)]))
def test_sums_under_calibrated_weights_are_those_of_the_elements(seed, shape):
    e = elements(seed, p=shape[0], q=shape[1])
    C = np.hstack([e["A"], e["c"]])
    totals = 1.1 * C.T @ e["w"] + np.arange(C.shape[1])
    g = factors(e, totals)[2]
    fit = greg.regression(auxiliaries(e), totals)
    for v in (e["y"], e["x"], np.ones(len(e["w"]))):
        np.testing.assert_allclose(
            greg.calibrated(fit, variable(e, v)), summed(e, e["w"] * g * v), rtol=1e-9, atol=1e-9
        )
    for j in range(C.shape[1]):
        got = greg.calibrated(fit, variable(e, C[:, j])).sum()
        np.testing.assert_allclose(got, totals[j], rtol=1e-10)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_influence_of_a_unit_is_the_weighted_residual_of_its_elements(seed):
    e = elements(seed)
    C = np.hstack([e["A"], e["c"]])
    totals = 1.2 * C.T @ e["w"]
    C, M, g = factors(e, totals)
    inside = np.stack([np.ones(60), e["cell"] % 2 == 0])  # a domain of whole cells, and all
    v = e["y"] * inside
    w = e["w"]
    wanted = []
    for r in range(2):
        B = np.linalg.solve(M, C.T @ (w * v[r]))
        z = w * g * (v[r] - C @ B)
        wanted.append([z[e["unit"] == u].sum() for u in range(5)])
    aux = auxiliaries(e)
    K = aux.w.size
    even = np.flatnonzero(np.arange(K) % 2 == 0)
    row, cell = (
        np.concatenate([np.zeros(K, int), np.ones(len(even), int)]),
        np.concatenate([np.arange(K), even]),
    )
    of = variable(e, e["y"])
    unit = np.array([e["unit"][e["cell"] == k][0] for k in range(K)])
    got = greg.influence(
        aux,
        greg.regression(aux, totals),
        greg.Variable(of.v[cell], of.vc[cell]),
        row=row,
        cell=cell,
        rows=2,
        unit=unit,
        units=5,
    )
    np.testing.assert_allclose(got.toarray(), wanted, rtol=1e-8, atol=1e-8)


def test_an_auxiliary_has_no_influence_on_its_own_total():
    e = elements(3)
    aux = auxiliaries(e)
    totals = 1.3 * np.hstack([e["A"], e["c"]]).T @ e["w"]
    K = aux.w.size
    unit = np.array([e["unit"][e["cell"] == k][0] for k in range(K)])
    place = {"row": np.zeros(K, int), "cell": np.arange(K), "rows": 1, "unit": unit, "units": 5}
    fit = greg.regression(aux, totals)
    for column, zero in ((e["c"][:, 0], True), (e["A"][:, 1], True), (e["y"], False)):
        got = np.abs(greg.influence(aux, fit, variable(e, column), **place).toarray()).max()
        assert bool(got < 1e-10) is zero


def test_sums_already_right_leave_the_weights_alone():
    e = elements(4)
    totals = np.hstack([e["A"], e["c"]]).T @ e["w"]
    fit = greg.regression(auxiliaries(e), totals)
    np.testing.assert_allclose(fit.base, 1.0, rtol=1e-12)
    np.testing.assert_allclose(fit.slope, 0.0, atol=1e-12)


def test_cells_may_be_cut_finer():
    e = elements(5)
    totals = 1.2 * np.hstack([e["A"], e["c"]]).T @ e["w"]
    coarse = greg.calibrated(greg.regression(auxiliaries(e), totals), variable(e, e["y"])).sum()
    fine = e | {"cell": np.arange(60)}
    got = greg.calibrated(greg.regression(auxiliaries(fine), totals), variable(fine, fine["y"])).sum()
    np.testing.assert_allclose(got, coarse, rtol=1e-12)


def test_a_repeated_auxiliary_changes_nothing():
    e = elements(6, p=1, q=1)
    totals = 1.2 * np.hstack([e["A"], e["c"]]).T @ e["w"]
    twice = e | {"c": np.hstack([e["c"], 3 * e["c"]])}
    one = greg.calibrated(greg.regression(auxiliaries(e), totals), variable(e, e["y"]))
    two = greg.calibrated(
        greg.regression(auxiliaries(twice), np.append(totals, 3 * totals[1])), variable(twice, e["y"])
    )
    np.testing.assert_allclose(two, one, rtol=1e-9)


def test_totals_that_cannot_be_met_are_named():
    e = elements(7, p=1, q=1)
    totals = np.hstack([e["A"], e["c"]]).T @ e["w"]
    twice = e | {"c": np.hstack([e["c"], 3 * e["c"]])}
    with pytest.raises(DesignError, match=r"contradict.*(size|threefold)"):
        greg.regression(
            auxiliaries(twice), np.append(totals, 2 * totals[1]), names=["all", "size", "threefold"]
        )
    nothing = e | {"c": np.zeros((60, 1))}
    with pytest.raises(DesignError, match="'size' is zero"):
        greg.regression(auxiliaries(nothing), np.array([totals[0], 5.0]), names=["all", "size"])
    with pytest.raises(DesignError, match="auxiliary 1 is zero"):
        greg.regression(auxiliaries(nothing), np.array([totals[0], 5.0]))
    fit = greg.regression(auxiliaries(nothing), np.array([1.1 * totals[0], 0.0]))
    np.testing.assert_allclose(fit.base, 1.1, rtol=1e-12)
