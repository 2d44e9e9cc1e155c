from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.stats.panel import cr2, dummies, wild_cluster

RNG = np.random.default_rng(2)
REGION, YEAR = np.repeat(np.arange(6), 5), np.tile(np.arange(5), 6)
X = RNG.normal(size=(30, 2))
Y = X @ [0.4, -0.3] + RNG.normal(size=6)[REGION] + RNG.normal(size=30)
ONE_WAY, TWO_WAY = dummies(REGION), dummies(REGION, YEAR)


def least_squares(y, Z):
    b = np.linalg.lstsq(Z, y, rcond=None)[0]
    return b, y - Z @ b


@pytest.mark.parametrize("effects", [ONE_WAY, TWO_WAY])
@pytest.mark.parametrize("column", [0, 1])
def test_coefficients_are_least_squares(effects, column):
    b, _ = least_squares(Y, np.concatenate([X, effects], 1))
    for test in (cr2, wild_cluster):
        assert test(Y, X, effects, REGION, column=column).b == pytest.approx(b[column], rel=1e-11)


@pytest.mark.parametrize("effects", [ONE_WAY, TWO_WAY])
def test_the_bootstrap_is_that_of_refitted_samples(effects):
    """Refit every sample of every sign vector: no shortcut."""
    Z, rest = np.concatenate([X, effects], 1), np.concatenate([X[:, 1:], effects], 1)
    b, u = least_squares(Y, rest)
    partial = least_squares(X[:, 0], rest)[1]

    def t(y):
        beta, e = least_squares(y, Z)
        score = ONE_WAY.T @ (partial * e)
        return beta[0] / (np.sqrt(6 / 5 * score @ score) / (partial @ partial))

    strong = [
        abs(t(rest @ b + np.array(v)[REGION] * u)) >= abs(t(Y)) - 1e-8 for v in product([-1, 1], repeat=6)
    ]
    found = wild_cluster(Y, X, effects, REGION)
    assert found.t == pytest.approx(t(Y), rel=1e-10)
    assert found.p == np.mean(strong)


@settings(deadline=None, max_examples=25)
@given(a=st.floats(0.1, 10), c=st.floats(-20, 20), seed=st.integers(0, 100))
def test_units_and_effects_do_not_matter(a, c, seed):
    shift = np.random.default_rng(seed).normal(size=6)[REGION]
    for test in (cr2, wild_cluster):
        one, other = test(Y, X, ONE_WAY, REGION), test(a * Y + c + shift, X, ONE_WAY, REGION)
        assert other.b == pytest.approx(a * one.b, rel=1e-8)
        assert other.p == pytest.approx(one.p, rel=1e-6)


def test_the_order_of_rows_does_not_matter():
    order = RNG.permutation(30)
    for test in (cr2, wild_cluster):
        one = test(Y, X, ONE_WAY, REGION)
        other = test(Y[order], X[order], ONE_WAY[order], REGION[order])
        assert other[:4] == pytest.approx(one[:4], rel=1e-9)


def test_another_hypothesis():
    b = wild_cluster(Y, X, ONE_WAY, REGION).b
    at = wild_cluster(Y, X, ONE_WAY, REGION, null=b)
    assert at.b == pytest.approx(b, rel=1e-12) and at.p == 1 and abs(at.t) < 1e-10


@pytest.mark.parametrize(("weights", "smallest"), [("rademacher", 2 / 8), ("webb", 6 / 216)])
def test_few_clusters_cannot_give_a_small_p(weights, smallest):
    some = REGION < 3
    y = 50 * X[some, 0] + 0.01 * Y[some]
    found = wild_cluster(y, X[some], dummies(REGION[some]), REGION[some], weights=weights)
    assert found.enumerated and found.smallest_p == smallest
    assert found.p == pytest.approx(smallest, rel=1e-12)


def test_many_vectors_are_drawn():
    found = wild_cluster(Y, X, ONE_WAY, np.arange(30), n_draws=199, seed=0)
    assert not found.enumerated and (found.vectors, found.smallest_p) == (199, 1 / 200)
    assert found.p != wild_cluster(Y, X, ONE_WAY, np.arange(30), n_draws=199, seed=3).p


def test_cr2_is_unbiased_for_independent_errors():
    """E V = σ² (x̃'x̃)⁻¹: the mean over many samples of one design."""
    design = np.ones((30, 1))
    cluster = np.repeat(np.arange(6), [10, 8, 4, 3, 3, 2])
    draws = np.array([cr2(e, X[:, :1], design, cluster)[:2] for e in RNG.normal(size=(1500, 30))])
    assert np.mean(draws[:, 1] ** 2) == pytest.approx(1 / (30 * np.var(X[:, 0])), rel=0.1)


def test_degrees_of_freedom_are_those_of_the_clusters_that_carry_the_regressor():
    treated = (REGION < 2).astype(float)[:, None]
    found = cr2(Y, treated, np.ones((30, 1)), REGION)
    assert 1 < found.df < 3
    assert cr2(Y, X, np.ones((30, 1)), REGION).df > 3


@pytest.mark.parametrize("test", [cr2, wild_cluster])
def test_what_cannot_be_estimated(test):
    with pytest.raises(DataError, match="regressor 0 does not vary"):
        test(Y, REGION[:, None].astype(float), ONE_WAY, REGION)
    with pytest.raises(DataError, match="at least 2 clusters"):
        test(Y, X, ONE_WAY, np.zeros(30))
    with pytest.raises(DataError, match="rows do not match"):
        test(Y[:-1], X, ONE_WAY, REGION)
    with pytest.raises(DataError, match="missing"):
        test(np.where(YEAR == 0, np.nan, Y), X, ONE_WAY, REGION)
    with pytest.raises(OptionError, match="column=2"):
        test(Y, X, ONE_WAY, REGION, column=2)


def test_choices_that_do_not_exist():
    with pytest.raises(OptionError, match="rademacher"):
        wild_cluster(Y, X, ONE_WAY, REGION, weights="mammen")
    with pytest.raises(OptionError, match="n_draws=9"):
        wild_cluster(Y, X, ONE_WAY, REGION, n_draws=9)
