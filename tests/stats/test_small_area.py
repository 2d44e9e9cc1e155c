"""The area model against published values, an independent maximisation, its limits, and simulation.

`milk.csv` is the example of Arora & Lahiri (1997) and You & Chapman (2006): 43 areas of the US with the
average expenditure on fresh milk in 1989, its standard error, and four major areas. The published fit has
seven digits and stopped at a relative change of 1e-4 of the variance, hence the tolerance of 1e-5.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import null_space
from scipy.optimize import brentq, minimize_scalar

from qstats.errors import DataError, OptionError
from qstats.stats.model_scale import backward, forward, limits, slope
from qstats.stats.small_area import METHODS, benchmark_variance, fay_herriot

GOLDEN = Path(__file__).parents[1] / "golden" / "small_area"


@pytest.fixture(scope="module")
def milk():
    data = np.genfromtxt(GOLDEN / "milk.csv", delimiter=",", names=True)
    X = np.column_stack([np.ones(43)] + [(data["major_area"] == k).astype(float) for k in (2, 3, 4)])
    return data["estimate"], data["std_error"] ** 2, X


def simulated(m, A, seed, *, p=2, low=0.3, high=2.0):
    rng = np.random.default_rng(seed)
    D = rng.uniform(low, high, m)
    X = np.column_stack([np.ones(m), rng.normal(size=(m, p - 1))])
    theta = X @ np.ones(p) + rng.normal(0, np.sqrt(A), m)
    return theta + rng.normal(0, np.sqrt(D)), D, X, theta


@pytest.mark.parametrize("method", ["reml", "ml", "moments"])
def test_the_published_milk_example_is_reproduced(milk, method):
    want = np.genfromtxt(GOLDEN / f"milk_{method}.csv", delimiter=",", names=True)
    fit = fay_herriot(*milk, method=method)
    np.testing.assert_allclose(fit.eblup, want["eblup"], rtol=1e-5)
    np.testing.assert_allclose(fit.mse, want["mse"], rtol=2e-5)


def test_the_published_coefficients_of_the_milk_example_are_reproduced(milk):
    fit = fay_herriot(*milk)
    np.testing.assert_allclose(fit.beta, [0.9681890, 0.1327801, 0.2269462, -0.2413011], rtol=1e-5)
    errors = [0.06936208, 0.10300072, 0.09232981, 0.08161707]
    np.testing.assert_allclose(np.sqrt(np.diag(fit.cov_beta)), errors, rtol=1e-5)
    assert pytest.approx(0.01855, abs=5e-6) == fit.A
    ml = fay_herriot(*milk, method="ml").beta
    np.testing.assert_allclose(ml, [0.9677986, 0.1278756, 0.2266909, -0.2425804], rtol=1e-5)


def contrast_loglik(A, y, D, X, method):
    """Return the log-likelihood of error contrasts K'y, or of y, from dense matrices alone."""
    V = np.diag(A + D)
    if method == "ml":
        beta = np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, y))
        e, W = y - X @ beta, V
    else:
        K = null_space(X.T)
        e, W = K.T @ y, K.T @ V @ K
    value = -(len(e) * np.log(2 * np.pi) + np.linalg.slogdet(W)[1] + e @ np.linalg.solve(W, e)) / 2
    return value + (np.log(A) if method == "adjusted-reml" else 0)


def dense_score(A, y, D, X, method):
    """Return the derivative of that likelihood, by the projection matrix."""
    W = np.linalg.inv(np.diag(A + D))
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    more = 1 / A if method == "adjusted-reml" else 0
    return (y @ P @ P @ y - np.trace(W if method == "ml" else P)) / 2 + more


@pytest.mark.parametrize("method", ["reml", "ml", "adjusted-reml"])
@pytest.mark.parametrize("seed", range(4))
def test_the_variance_maximises_the_likelihood_of_contrasts(method, seed):
    y, D, X, _ = simulated(25, 0.8, seed, p=3)
    fit = fay_herriot(y, D, X, method=method)
    other = minimize_scalar(
        lambda a: -contrast_loglik(np.exp(a), y, D, X, method),
        bounds=(-12, 5),
        method="bounded",
        options={"xatol": 1e-10},
    )
    best = -other.fun
    at_fit = contrast_loglik(max(fit.A, 1e-300), y, D, X, method)
    assert at_fit >= best - 1e-12 * abs(best)
    if not fit.boundary:
        assert pytest.approx(np.exp(other.x), rel=1e-6) == fit.A  # flat top: √(machine precision)
        root = brentq(dense_score, 0.9 * fit.A, 1.1 * fit.A, (y, D, X, method), xtol=1e-15, rtol=1e-14)
        assert pytest.approx(root, rel=1e-10) == fit.A
    if method != "adjusted-reml":
        XVX = X.T @ (X / (fit.A + D)[:, None])
        constant = 0 if method == "ml" else np.linalg.slogdet(X.T @ X)[1] / 2
        assert fit.loglik == pytest.approx(at_fit - constant, rel=1e-10)
        np.testing.assert_allclose(np.linalg.inv(fit.cov_beta), XVX, rtol=1e-9, atol=1e-9)


def test_the_moment_equation_holds():
    y, D, X, _ = simulated(25, 0.8, 3)
    fit = fay_herriot(y, D, X, method="moments")
    assert np.sum((y - fit.synthetic) ** 2 / (fit.A + D)) == pytest.approx(23, rel=1e-12)


def test_equal_variances_have_closed_forms():
    y, X = np.array([2.0, 3.0, 7.0, 8.0, 1.0]), np.ones((5, 1))
    A = np.var(y, ddof=1) - 1.5
    for method, want in {"reml": A, "moments": A, "ml": np.var(y) - 1.5}.items():
        fit = fay_herriot(y, np.full(5, 1.5), X, method=method)
        assert pytest.approx(want, rel=1e-12) == fit.A
        np.testing.assert_allclose(fit.eblup, fit.gamma * y + (1 - fit.gamma) * y.mean(), rtol=1e-12)
    # s² = RSS/(A+D): the derivative of log A + log-likelihood, −4/2·1/V + RSS/(2V²) + 1/A = 0
    fit = fay_herriot(y, np.full(5, 1.5), X, method="adjusted-reml")
    V = fit.A + 1.5
    assert 2 / V - np.var(y) * 5 / (2 * V**2) == pytest.approx(1 / fit.A, rel=1e-9)


def test_the_errors_of_equal_variances_have_closed_forms():
    y, D, X = np.array([2.0, 3.0, 7.0, 8.0, 1.0]), 1.5, np.ones((5, 1))
    for method in METHODS:
        fit = fay_herriot(y, np.full(5, D), X, method=method)
        V, B = fit.A + D, D / (fit.A + D)
        bias = {"reml": 0, "moments": 0, "ml": -V / 5, "adjusted-reml": 2 * V**2 / (5 * fit.A)}[method]
        want = fit.A * B + B**2 * V / 5 + 2 * B**2 / V * 2 * V**2 / 5 - B**2 * bias
        np.testing.assert_allclose(fit.mse, want, rtol=1e-10)


def test_without_variance_between_areas_every_area_is_the_regression_and_it_is_said():
    y, X = np.array([1.0, 1.1, 0.9, 1.0, 1.05]), np.ones((5, 1))
    D = np.array([1.0, 2.0, 1.0, 3.0, 1.0])
    for method in ("reml", "ml", "moments"):
        fit = fay_herriot(y, D, X, method=method)
        assert fit.A == 0
        assert fit.boundary
        np.testing.assert_allclose(fit.eblup, np.average(y, weights=1 / D), rtol=1e-12)
        assert (fit.mse > 0).all()
    fit = fay_herriot(y, D, X, method="adjusted-reml")
    assert fit.A > 0
    assert not fit.boundary


def test_with_much_variance_between_areas_every_area_is_its_direct_estimate():
    y, D, X, _ = simulated(30, 1e8, 5)
    fit = fay_herriot(y, D, X)
    np.testing.assert_allclose(fit.eblup, y, atol=1e-2)
    np.testing.assert_allclose(fit.mse, D, rtol=1e-5)


def test_an_area_without_direct_estimate_is_the_limit_of_one_with_a_huge_variance():
    y, D, X, _ = simulated(20, 0.8, 7)
    for method in METHODS:
        without = fay_herriot(y, np.where(np.arange(20) == 4, np.nan, D), X, method=method)
        huge = fay_herriot(y, np.where(np.arange(20) == 4, 1e9, D), X, method=method)
        assert without.gamma[4] == 0
        assert np.isnan(without.residual[4])
        assert without.eblup[4] == without.synthetic[4]
        if method in ("reml", "adjusted-reml"):  # ml and moments count the empty area in m
            np.testing.assert_allclose(without.eblup, huge.eblup, rtol=1e-6)
            np.testing.assert_allclose(without.mse, huge.mse, rtol=1e-6)


def test_the_estimate_of_the_error_is_unbiased_and_below_that_of_the_direct_estimate():
    m, A, runs = 30, 1.0, 700
    rng = np.random.default_rng(11)
    D = np.repeat([0.5, 1.0, 2.0], 10)
    X = np.column_stack([np.ones(m), np.linspace(-1, 1, m)])
    errors = {method: np.zeros((runs, m)) for method in METHODS}
    said = {method: np.zeros((runs, m)) for method in METHODS}
    for run in range(runs):
        theta = X.sum(1) + rng.normal(0, np.sqrt(A), m)
        y = theta + rng.normal(0, np.sqrt(D))
        for method in METHODS if run < 250 else ("reml",):
            fit = fay_herriot(y, D, X, method=method)
            errors[method][run] = (fit.eblup - theta) ** 2
            said[method][run] = fit.mse
    for method in METHODS:
        n = runs if method == "reml" else 250
        error, claim = errors[method][:n], said[method][:n]
        if method == "adjusted-reml":  # its error is not estimated where the formula is not positive
            assert np.isnan(claim).mean() < 0.02
            claim = np.where(np.isnan(claim), D, claim)
        for d in (0.5, 1.0, 2.0):
            group = d == D
            a, b = error[:, group].mean(1), claim[:, group].mean(1)
            off = (b - a).mean()
            assert abs(off) < 3.5 * (b - a).std() / np.sqrt(n) + 0.02 * a.mean(), (method, d)
            assert a.mean() < 0.95 * d


def test_synthetic_errors_are_unbiased():
    rng = np.random.default_rng(12)
    X = np.column_stack([np.ones(25), np.linspace(-1, 1, 25)])
    D = np.where(np.arange(25) < 5, np.nan, 1.0)
    off = {method: [] for method in METHODS}
    for _ in range(300):
        theta = X.sum(1) + rng.normal(size=25)
        y = theta + rng.normal(size=25)
        for method in METHODS:
            fit = fay_herriot(y, D, X, method=method)
            off[method].append(np.nanmean(fit.mse[:5]) - ((fit.eblup - theta) ** 2)[:5].mean())
    for method, gap in off.items():
        gap = np.array(gap)[~np.isnan(gap)]
        assert len(gap) > 270, method
        assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(len(gap)) + 0.05, method


def test_the_variance_of_the_national_gap_is_that_of_a_simulation():
    rng = np.random.default_rng(13)
    m, A = 12, 1.0
    D, X, w = np.linspace(0.5, 2, m), np.column_stack([np.ones(m), np.arange(m)]), np.arange(1, m + 1) / 78
    fit = fay_herriot(rng.normal(size=m), D, X)._replace(A=A)
    V = A + D
    Q = np.linalg.inv(X.T @ (X / V[:, None]))
    g4 = benchmark_variance(fit._replace(cov_beta=Q), D, X, w)
    y = rng.normal(size=(40_000, m)) * np.sqrt(V)
    beta = y / V @ X @ Q
    gap = ((y - beta @ X.T) * D / V) @ w
    assert g4 == pytest.approx(gap.var(), rel=0.03)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(METHODS), st.floats(0.01, 100), st.permutations(range(9)))
def test_order_and_scale_do_not_matter(seed, method, k, order):
    y, D, X, _ = simulated(9, 1.0, seed)
    order = list(order)
    fit = fay_herriot(y, D, X, method=method)
    moved = fay_herriot(k * y[order], k**2 * D[order], X[order] @ [[1, 2], [0, 3]], method=method)
    assert pytest.approx(k**2 * fit.A, rel=1e-7, abs=1e-12 * k**2) == moved.A
    np.testing.assert_allclose(moved.eblup / k, fit.eblup[order], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(moved.residual, fit.residual[order], rtol=1e-6, atol=1e-8)
    between = np.sort(np.stack([y, fit.synthetic]), axis=0)
    assert ((fit.eblup >= between[0] - 1e-9) & (fit.eblup <= between[1] + 1e-9)).all()


def test_residuals_of_a_true_model_have_variance_one():
    residuals = [fay_herriot(*simulated(40, 1.0, seed)[:3]).residual for seed in range(100)]
    assert np.var(residuals) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("transform", ["none", "log", "arcsine"])
def test_transforms_agree_with_draws(transform):
    z, s = 0.9, 0.02
    draws = np.random.default_rng(1).normal(z, np.sqrt(s), 400_000)
    back = {"none": draws, "log": np.exp(draws), "arcsine": np.sin(draws) ** 2}[transform]
    mean, variance = backward(z, s, transform)
    assert mean == pytest.approx(back.mean(), rel=2e-3)
    assert variance == pytest.approx(back.var(), rel=1e-2)
    low, high = limits(z, s, transform, 0.9)
    assert low == pytest.approx(np.quantile(back, 0.05), rel=3e-3)
    assert high == pytest.approx(np.quantile(back, 0.95), rel=3e-3)
    there, variance = forward([backward(z, 0, transform)[0]], [1e-4], transform)
    assert there[0] == pytest.approx(z, rel=1e-12)
    h = 1e-6
    numeric = (backward(z + h, 0, transform)[0] - backward(z - h, 0, transform)[0]) / (2 * h)
    assert slope(z, transform) == pytest.approx(numeric, rel=1e-8)
    assert variance[0] == pytest.approx(1e-4 / numeric**2, rel=1e-8)


def test_a_value_on_the_edge_of_a_transform_has_no_place_there():
    assert np.isnan(forward([0.0, 1.0, 0.5], [0.1] * 3, "arcsine")[0]).tolist() == [True, True, False]
    assert np.isnan(forward([0.0, -1.0, 0.5], [0.1] * 3, "log")[0]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("y", "D", "X", "method", "said"),
    [
        ([1.0, 2.0], [1.0, 1.0], [[1.0, 1.0], [1.0, 2.0]], "reml", "2 areas .* for 2 coefficients"),
        ([1.0, 2.0, 3.0], [1.0] * 3, [[1.0]] * 3, "adjusted-reml", "needs 4"),
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [[1.0]] * 3, "reml", "1 sampling variances"),
        ([1.0, np.nan, 3.0], [1.0, 1.0, 1.0], [[1.0]] * 3, "reml", "not finite"),
        ([1.0, 2.0, 3.0], [1.0] * 3, [[1.0], [np.inf], [1.0]], "reml", "covariate"),
        ([1.0, 2.0, 3.0, 4.0], [1.0] * 4, [[1.0, 2.0]] * 4, "reml", "span 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(y, D, X, method, said):
    with pytest.raises(DataError, match=said):
        fay_herriot(y, D, X, method=method)


def test_an_unknown_method_is_answered_with_the_list():
    with pytest.raises(OptionError, match="adjusted-reml"):
        fay_herriot([1.0], [1.0], [[1.0]], method="adjusted")
