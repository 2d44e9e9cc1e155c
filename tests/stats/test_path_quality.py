"""Measures of path models against their definitions, on scores where there are scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats import path_fit, path_index, path_inner, path_quality
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import Fit, Fitting, PathModelError, fit, scores, specify

BLOCKS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
PATHS = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]])
MODEL = specify(BLOCKS, PATHS)

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=20)


def survey(seed, n=150):
    rng = np.random.default_rng(seed)
    eta = np.zeros((n, 4))
    for c in range(4):
        eta[:, c] = eta @ (0.4 * PATHS[c]) + rng.normal(size=n)
    return np.clip(6 + 1.3 * (eta[:, BLOCKS] + 0.8 * rng.normal(size=(n, 9))), 1, 10)


def near(a, b, tolerance=1e-10):
    a, b = np.asarray(a), np.asarray(b)
    assert np.array_equal(np.isnan(a), np.isnan(b))
    assert np.nanmax(np.abs(a - b)) <= tolerance * np.nanmax(np.abs(b))


def r2_of(y, Z):
    """R² of a regression with a constant."""
    Z = np.column_stack([np.ones(len(y)), Z])
    rest = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    return 1 - rest.var() / y.var()


@pytest.fixture(scope="module")
def case():
    X = survey(1)
    m = moments(X)
    R = path_quality.correlations(m.covariance)
    found = fit(m.covariance, MODEL)
    return X, m, R, found, scores(X, m.mean, m.covariance, found, MODEL)


def test_correlations_are_those_of_the_answers_and_nan_for_a_constant(case):
    X, m, R, _, _ = case
    near(R, np.corrcoef(X.T))
    S = m.covariance.copy()
    S[2] = S[:, 2] = 0
    assert np.isnan(path_quality.correlations(S)).sum() == 17


def test_total_effects_follow_every_route():
    b = np.zeros((4, 4))
    b[1, 0], b[2, 0], b[2, 1], b[3, 1], b[3, 2] = 0.5, 0.2, 0.3, 0.7, -0.4
    found = path_inner.effects(b)
    near(found.total[3, 0], 0.5 * 0.7 + 0.2 * -0.4 + 0.5 * 0.3 * -0.4)
    near(found.indirect[3, 0], found.total[3, 0])
    near(found.indirect[3, 1], 0.3 * -0.4)
    near(found.total, np.linalg.inv(np.eye(4) - b) - np.eye(4))
    near(path_inner.effects(np.stack([b, 2 * b])).total[1], path_inner.effects(2 * b).total)


def test_collinearity_is_that_of_regressions(case):
    X, _, R, found, Y = case
    V = path_inner.vif(R, found.correlations, MODEL)
    near(V.outer[0], 1 / (1 - r2_of(X[:, 0], X[:, 1:3])))
    near(V.outer[8], 1)
    near(V.inner[3, 1], 1 / (1 - r2_of(Y[:, 1], Y[:, 2])))
    near(V.inner[1, 0], 1)
    assert (np.isnan(V.inner) == (PATHS == 0)).all()
    twin = R.copy()
    twin[:, 1], twin[1, :] = twin[:, 0], twin[0, :]
    twin[1, 1] = 1
    assert np.isnan(path_inner.vif(twin, found.correlations, MODEL).outer[:3]).all()


def test_effect_sizes_are_differences_of_r2(case):
    _, m, R, found, Y = case
    inner = path_inner.vif(R, found.correlations, MODEL).inner
    held = path_inner.effect_size(found.paths, found.r2, inner)
    near(held[3, 1], (found.r2[3] - r2_of(Y[:, 3], Y[:, 2])) / (1 - found.r2[3]))
    near(held[1, 0], found.r2[1] / (1 - found.r2[1]))
    assert (np.isnan(held) == (PATHS == 0)).all()
    refitted = path_inner.effect_size_refitted(m.covariance, found, MODEL)
    fewer = PATHS.copy()
    fewer[3, 1] = 0
    near(refitted[3, 1], (found.r2[3] - fit(R, specify(BLOCKS, fewer)).r2[3]) / (1 - found.r2[3]))
    assert abs(refitted[3, 1] / held[3, 1] - 1) > 1e-6
    near(refitted[1, 0], held[1, 0])
    star = specify([0, 1, 2], [[0, 0, 0], [0, 0, 0], [1, 1, 0]])
    S = R[np.ix_([0, 3, 5], [0, 3, 5])]
    with pytest.raises(PathModelError, match="construct 0 stands apart"):
        path_inner.effect_size_refitted(S, fit(S, star), star)


def test_effect_sizes_refit_in_the_scheme_and_metric_named(case):
    _, m, _, _, _ = case
    for how in (Fitting(scheme="centroid"), Fitting(metric="raw")):
        own = path_inner.effect_size_refitted(m.covariance, fit(m.covariance, MODEL, how=how), MODEL, how=how)
        other = path_inner.effect_size_refitted(m.covariance, fit(m.covariance, MODEL, how=how), MODEL)
        assert np.nanmax(np.abs(own - other)) > 1e-6


def test_adjusted_r2_charges_for_predictors(case):
    _, _, _, found, _ = case
    near(path_inner.adjusted_r2(found.r2, MODEL, 150)[3], 1 - (1 - found.r2[3]) * 149 / 147)
    with pytest.raises(OptionError, match="no degree of freedom"):
        path_inner.adjusted_r2(found.r2, MODEL, 3)


def test_communalities_are_squared_correlations_with_the_scores(case):
    X, _, _, found, Y = case
    near(path_quality.communality(found.loadings)[4], np.corrcoef(X[:, 4], Y[:, 1])[0, 1] ** 2)
    redundancy = path_quality.redundancy(found.loadings, found.r2, MODEL)
    near(redundancy[4], found.r2[1] * found.loadings[4] ** 2)
    assert np.isnan(redundancy[:3]).all()
    ave = path_quality.block_mean(path_quality.communality(found.loadings), MODEL)
    near(ave[1], (found.loadings[3:5] ** 2).mean())


def test_alpha_is_that_of_sums(case):
    X, m, R, _, _ = case
    raw = path_quality.alpha(m.covariance, MODEL)
    near(raw[0], 1.5 * (1 - X[:, :3].var(0).sum() / X[:, :3].sum(1).var()))
    z = (X - X.mean(0)) / X.std(0)
    near(path_quality.alpha(R, MODEL)[0], 1.5 * (1 - 3 / z[:, :3].sum(1).var()))
    assert np.isnan(raw[3])


def test_reliabilities_of_one_item_are_not_defined_and_of_perfect_items_are_one():
    R = np.ones((9, 9))
    load = np.ones(9)
    w = np.array([1 / 3] * 3 + [1 / 2] * 2 + [1 / 3] * 3 + [1])
    for found in (
        path_quality.alpha(R, MODEL),
        path_quality.composite_reliability(load, MODEL),
        path_quality.rho_a(w, R, MODEL),
    ):
        near(found, [1, 1, 1, np.nan])


def test_rho_a_is_the_formula_and_not_for_mode_b(case):
    _, _, R, found, _ = case
    w, r = found.standardised[:3], R[:3, :3]
    off = np.outer(w, w) - np.diag(w**2)
    near(
        path_quality.rho_a(found.standardised, R, MODEL)[0],
        (w @ w) ** 2 * (w @ (r - np.eye(3)) @ w) / (w @ off @ w),
    )
    formed = specify(BLOCKS, PATHS, modes=("B", "A", "A", "A"))
    assert np.isnan(path_quality.rho_a(found.standardised, R, formed)).tolist() == [True, False, False, True]


def test_eigenvalues_and_components_are_those_of_the_block(case):
    _, _, R, _, _ = case
    values = path_quality.eigenvalues(R, MODEL)
    near(values[0], np.linalg.eigvalsh(R[:3, :3])[:0:-1])
    near(values[3], [1, np.nan])
    load = path_quality.first_component(R, MODEL)
    near((load[:3] ** 2).sum(), values[0, 0])
    near(R[:3, :3] @ load[:3], values[0, 0] * load[:3])
    assert load.min() > 0


def test_htmt_is_the_ratio_of_mean_correlations(case):
    _, _, R, _, _ = case
    found = path_quality.htmt(R, MODEL)
    within = R[:3, :3][np.triu_indices(3, 1)].mean()
    near(found[0, 1], R[:3, 3:5].mean() / np.sqrt(within * R[3, 4]))
    near(found, found.T)
    assert np.isnan(found[3]).all() and (np.diagonal(found)[:3] == 1).all()
    turn = np.ones(9)
    turn[1] = -1
    near(path_quality.htmt(R * np.outer(turn, turn), MODEL), found)
    assert not np.allclose(
        path_quality.htmt(R * np.outer(turn, turn), MODEL, sign="signed")[2, 0], found[2, 0]
    )
    with pytest.raises(OptionError, match="absolute"):
        path_quality.htmt(R, MODEL, sign="abs")


def test_fornell_larcker_asks_for_more_own_than_shared_variance():
    Y = np.array([[1, 0.8, 0.1], [0.8, 1, -0.6], [0.1, -0.6, 1]])
    table, holds = path_quality.fornell_larcker([0.7, 0.5, 0.3], Y)
    near(np.diagonal(table), np.sqrt([0.7, 0.5, 0.3]))
    assert holds.tolist() == [True, False, False]


def population():
    """Correlations of a factor model with known loadings and paths."""
    load = np.array([0.9, 0.8, 0.7, 0.8, 0.6, 0.7, 0.7, 0.9, 1.0])
    b = np.zeros((4, 4))
    b[1, 0], b[2, 0], b[2, 1], b[3, 1], b[3, 2] = 0.5, 0.2, 0.4, 0.3, 0.4
    Q = np.eye(4)
    for c in range(1, 4):
        Q[c, :c] = Q[:c, c] = b[c, :c] @ Q[:c, :c]
    R = load[:, None] * Q[np.ix_(BLOCKS, BLOCKS)] * load
    np.fill_diagonal(R, 1)
    return R, load, Q, b


def test_consistent_pls_recovers_a_factor_model_from_its_correlations():
    """The point of the correction: PLS alone gives paths that are too small."""
    R, load, Q, b = population()
    found = fit(R, MODEL)
    ours = path_fit.consistent(found, R, MODEL)
    near(ours.loadings, load, 1e-8)
    near(ours.correlations, Q, 1e-8)
    near(ours.paths, b, 1e-8)
    near(ours.r2[3], (b[3] * Q[3]).sum(), 1e-8)
    assert ours.admissible and ours.rho[3] == 1
    assert found.paths[1, 0] < 0.45
    sigma = path_fit.implied(ours.loadings, ours.paths, ours.correlations, R, MODEL)
    d = path_fit.distance(R, sigma)
    assert max(d.srmr, d.d_uls, d.d_g) < 1e-8


def test_blocks_in_mode_b_are_not_corrected(case):
    _, _, R, _, _ = case
    model = specify(BLOCKS, PATHS, modes="B")
    found = fit(R, model)
    ours = path_fit.consistent(found, R, model)
    near(ours.paths, found.paths)
    near(ours.loadings, found.loadings)
    sigma = path_fit.implied(found.loadings, found.paths, found.correlations, R, model)
    near(sigma[:3, :3], R[:3, :3])


def test_estimates_out_of_range_are_said_to_be():
    R, _, _, _ = population()
    R[5:8, :3] = R[:3, 5:8] = 0.75
    found = fit(R, MODEL)
    ours = path_fit.consistent(found, R, MODEL)
    assert np.abs(ours.correlations).max() > 1 or (ours.r2[1:] > 1).any()
    assert not ours.admissible


def test_the_saturated_model_judges_the_measurement_only(case):
    _, _, R, found, _ = case
    c = path_fit.consistent(found, R, MODEL)
    model, free = (
        path_fit.implied(c.loadings, c.paths, c.correlations, R, MODEL, inner=inner)
        for inner in ("model", "saturated")
    )
    near(free[0, 8], c.loadings[0] * c.correlations[0, 3] * c.loadings[8])
    assert path_fit.distance(R, free).d_uls < path_fit.distance(R, model).d_uls
    through = np.linalg.inv(np.eye(4) - c.paths)
    latent = through @ np.diag(np.where(PATHS.any(1), 1 - c.r2, 1)) @ through.T
    near(model[0, 8], c.loadings[0] * latent[0, 3] * c.loadings[8])


def test_distances_are_their_formulas(case):
    _, _, R, _, _ = case
    sigma = 0.5 * R + 0.5 * np.eye(9)
    found = path_fit.distance(R, sigma)
    near(found.d_uls, ((R - sigma) ** 2).sum() / 2)
    near(found.srmr, np.sqrt((np.tril(R - sigma) ** 2).sum() / 45))
    near(found.d_g, (np.log(np.linalg.eigvals(np.linalg.solve(R, sigma)).real) ** 2).sum() / 2)
    assert np.isnan(path_fit.distance(np.ones((9, 9)), R).d_g)


def test_goodness_of_fit_leaves_out_blocks_of_one_item(case):
    _, _, _, found, _ = case
    near(
        path_fit.goodness_of_fit(found.loadings, found.r2, MODEL),
        np.sqrt((found.loadings[:8] ** 2).mean() * found.r2[1:].mean()),
    )


@quick
@given(seeds, st.sampled_from("USRM"), st.floats(0.01, 100))
def test_all_at_the_minimum_is_0_and_all_at_the_maximum_100(seed, convention, factor):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-5, 5, 9)
    high = low + rng.uniform(1, 10, 9)
    m = moments(survey(seed))
    found = fit(m.covariance, MODEL, how=Fitting(metric=path_index.METRIC[convention]))
    u = path_index.index_weights(found.weights, m.covariance, convention=convention)
    assert np.abs(path_index.index(low, u, low, high, MODEL)).max() < 1e-9
    near(path_index.index(high, u, low, high, MODEL), [100] * 4)
    near(path_index.index(m.mean, factor * u, 1, 10, MODEL), path_index.index(m.mean, u, 1, 10, MODEL))


def test_conventions_differ_and_are_what_they_say(case):
    _, m, _, found, _ = case
    s, raw = np.sqrt(np.diagonal(m.covariance)), fit(m.covariance, MODEL, how=Fitting(metric="raw"))
    expected = {"U": found.weights / s, "S": found.weights, "R": raw.weights, "M": np.ones(9)}
    ours = {}
    for convention, u in expected.items():
        w = raw.weights if convention == "R" else found.weights
        near(path_index.index_weights(w, m.covariance, convention=convention), u)
        ours[convention] = path_index.index(m.mean, u, 1, 10, MODEL)
        near(ours[convention][0], 100 * (u[:3] @ (m.mean[:3] - 1)) / (9 * u[:3].sum()))
    assert len({round(float(v[0]), 6) for v in ours.values()}) == 4
    with pytest.raises(OptionError, match="'U'"):
        path_index.index_weights(found.weights, m.covariance, convention="X")


def test_the_index_of_convention_u_is_the_mean_of_rescaled_scores(case):
    X, m, _, found, _ = case
    u = path_index.index_weights(found.weights, m.covariance)
    own = u[:3] / u[:3].sum()
    near(path_index.index(m.mean, u, 1, 10, MODEL)[0], (100 * (X[:, :3] @ own - 1) / 9).mean())


def test_an_index_whose_weights_cancel_is_not_known_and_a_scale_must_rise():
    u = np.array([1, -1, 0, 1, 1, 1, 1, 1, 1.0])
    assert np.isnan(path_index.index(np.full(9, 5), u, 1, 10, MODEL)).tolist() == [True, False, False, False]
    with pytest.raises(OptionError, match="item 0 runs from 10"):
        path_index.index(np.full(9, 5), u, 10, 1, MODEL)


def test_importance_is_the_slope_between_indices(case):
    """Regress the 0–100 scores on one another: unstandardised direct effects, added up over the routes."""
    X, m, _, found, _ = case
    u = path_index.index_weights(found.weights, m.covariance)
    points = np.column_stack(
        [100 * (X[:, c == BLOCKS] @ u[c == BLOCKS] / u[c == BLOCKS].sum() - 1) / 9 for c in range(4)]
    )
    B = np.zeros((4, 4))
    for c in range(1, 4):
        P = np.flatnonzero(PATHS[c])
        Z = np.column_stack([np.ones(len(X)), points[:, P]])
        B[c, P] = np.linalg.lstsq(Z, points[:, c], rcond=None)[0][1:]
    ours = path_index.importance_performance(m.mean, m.covariance, u, found.paths, 1, 10, MODEL)
    near(ours.importance, np.linalg.inv(np.eye(4) - B) - np.eye(4))
    near(ours.performance, points.mean(0))


def test_every_measure_of_a_stack_is_that_of_each():
    many = [moments(survey(seed)) for seed in range(3)]
    S, mean = np.stack([m.covariance for m in many]), np.stack([m.mean for m in many])
    stacked = measures(mean, S, fit(S, MODEL))
    for b, m in enumerate(many):
        for ours, alone in zip(
            stacked, measures(m.mean, m.covariance, fit(m.covariance, MODEL)), strict=True
        ):
            near(np.asarray(ours, float)[b], np.asarray(alone, float))


def measures(mean: np.ndarray, S: np.ndarray, found: Fit) -> list[np.ndarray]:
    R = path_quality.correlations(S)
    V = path_inner.vif(R, found.correlations, MODEL)
    c = path_fit.consistent(found, R, MODEL)
    sigma = path_fit.implied(c.loadings, c.paths, c.correlations, R, MODEL)
    u = path_index.index_weights(found.weights, S)
    ave = path_quality.block_mean(found.loadings**2, MODEL)
    return [
        *path_inner.effects(found.paths),
        path_inner.adjusted_r2(found.r2, MODEL, 150),
        *V,
        path_inner.effect_size(found.paths, found.r2, V.inner),
        path_quality.redundancy(found.loadings, found.r2, MODEL),
        path_quality.alpha(R, MODEL),
        path_quality.composite_reliability(found.loadings, MODEL),
        path_quality.rho_a(found.standardised, R, MODEL),
        path_quality.eigenvalues(R, MODEL),
        path_quality.first_component(R, MODEL),
        path_quality.htmt(R, MODEL),
        *path_quality.fornell_larcker(ave, found.correlations),
        *c,
        *path_fit.distance(R, sigma),
        path_fit.goodness_of_fit(found.loadings, found.r2, MODEL),
        *path_index.importance_performance(mean, S, u, found.paths, 1, 10, MODEL),
    ]
