"""Path models on correlations: what must not change, what must turn, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats.path_moments import moments
from qstats.stats.path_quality import correlations
from qstats.stats.pathmodel import FAILURES, Fitting, PathModelError, fit, scores, specify

BLOCKS = np.array([0, 0, 0, 1, 1, 2, 2, 2])
PATHS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]])
OPTIONS = [
    (m, s, t) for m in "AB" for s in ("centroid", "factorial", "path") for t in ("standardised", "raw")
]

seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=20)


def survey(seed, n=120, blocks=BLOCKS, paths=PATHS):
    """Answers of a population in which the model holds, items of unlike spread."""
    rng = np.random.default_rng(seed)
    eta = np.zeros((n, len(paths)))
    for c in range(len(paths)):
        eta[:, c] = eta @ (0.5 * paths[c]) + rng.normal(size=n)
    return (eta[:, blocks] + 0.7 * rng.normal(size=(n, len(blocks)))) * rng.uniform(0.5, 3, len(blocks))


def covariance(seed, **options):
    return moments(survey(seed, **options)).covariance


def near(a, b, tolerance=1e-8):
    """The largest difference, relative to the largest number, is below the tolerance."""
    a, b = np.asarray(a), np.asarray(b)
    assert np.array_equal(np.isnan(a), np.isnan(b))
    assert np.nanmax(np.abs(a - b)) <= tolerance * np.nanmax(np.abs(b))


def same(a, b):
    for name in ("standardised", "loadings", "crossloadings", "paths", "r2", "correlations"):
        near(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize(("mode", "scheme", "metric"), OPTIONS)
def test_the_weights_satisfy_their_own_equations(mode, scheme, metric):
    S = covariance(5)
    R, s = correlations(S), np.sqrt(np.diagonal(S))
    found = fit(S, specify(BLOCKS, PATHS, modes=mode), how=Fitting(scheme, metric))
    W = np.zeros((8, 3))
    W[np.arange(8), BLOCKS] = found.standardised
    Y = W.T @ R @ W
    near(np.diagonal(Y), np.ones(3), 1e-12)
    inner = (Y if scheme != "centroid" else np.sign(Y)) * (PATHS | PATHS.T)
    if scheme == "path":
        inner[0, 1] = Y[0, 1]
        inner[[0, 1], 2] = np.linalg.solve(Y[:2, :2], Y[:2, 2])
    proxy = R @ W @ inner
    for c in range(3):
        own = c == BLOCKS
        new = proxy[own, c]
        if mode == "B":
            new = np.linalg.solve(R[np.ix_(own, own)], new)
        elif metric == "raw":
            new = new * s[own] ** 2
        new = new / np.sqrt(new @ R[np.ix_(own, own)] @ new)
        near(found.standardised[own], new, 1e-8)
    near(found.weights, found.standardised / (s if metric == "raw" else 1), 1e-14)
    near(found.loadings, (R @ W)[np.arange(8), BLOCKS], 1e-12)
    near(found.paths[2, :2], np.linalg.solve(Y[:2, :2], Y[:2, 2]), 1e-12)
    assert np.isnan(found.r2[0])
    near(found.r2[1], Y[0, 1] ** 2, 1e-12)


def test_every_option_gives_another_answer():
    S = covariance(7)
    found = [
        fit(S, specify(BLOCKS, PATHS, modes=mode), how=Fitting(scheme, metric)).standardised
        for mode, scheme, metric in OPTIONS
        if (mode, metric) != ("B", "raw")
    ]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.abs(one - other).max() > 1e-6


def test_in_mode_b_the_metric_does_not_matter():
    S, model = covariance(7), specify(BLOCKS, PATHS, modes="B")
    same(fit(S, model, how=Fitting(metric="raw")), fit(S, model))


def test_modes_are_of_each_block():
    S = covariance(8)
    mixed = fit(S, specify(BLOCKS, PATHS, modes=("A", "B", "A")))
    for modes in "AB":
        assert (
            np.abs(mixed.standardised - fit(S, specify(BLOCKS, PATHS, modes=modes)).standardised).max() > 1e-4
        )


@quick
@given(seeds)
def test_the_units_of_items_do_not_matter_to_a_standardised_fit(seed):
    S, model = covariance(seed), specify(BLOCKS, PATHS)
    unit = np.random.default_rng(seed).uniform(0.01, 100, 8)
    same(fit(S * np.outer(unit, unit), model), fit(S, model))


def test_the_units_of_items_do_matter_to_a_raw_fit():
    S, model = covariance(1), specify(BLOCKS, PATHS)
    unit = np.array([1, 5, 1, 1, 1, 1, 1, 1])
    rescaled = fit(S * np.outer(unit, unit), model, how=Fitting(metric="raw"))
    assert np.abs(rescaled.standardised - fit(S, model, how=Fitting(metric="raw")).standardised).max() > 0.01


@quick
@given(seeds, st.sampled_from(OPTIONS))
def test_the_order_of_items_and_constructs_does_not_matter(seed, option):
    mode, scheme, metric = option
    S = covariance(seed)
    rng = np.random.default_rng(seed)
    items, constructs = rng.permutation(8), rng.permutation(3)
    number = np.argsort(constructs)
    whole = fit(S, specify(BLOCKS, PATHS, modes=mode), how=Fitting(scheme, metric))
    model = specify(number[BLOCKS][items], PATHS[np.ix_(constructs, constructs)], modes=mode)
    moved = fit(S[np.ix_(items, items)], model, how=Fitting(scheme, metric))
    near(moved.standardised, whole.standardised[items])
    near(moved.crossloadings, whole.crossloadings[np.ix_(items, constructs)])
    near(moved.paths, whole.paths[np.ix_(constructs, constructs)])
    near(moved.r2, whole.r2[constructs])


@quick
@given(seeds, st.integers(0, 7))
def test_a_reversed_item_reverses_its_weight_and_nothing_else(seed, item):
    S, model = covariance(seed), specify(BLOCKS, PATHS)
    turn = np.ones(8)
    turn[item] = -1
    whole, turned = fit(S, model), fit(S * np.outer(turn, turn), model)
    construct = np.where(turned.loadings * turn * whole.loadings > 0, 1, -1)
    side = np.array([construct[c == BLOCKS][0] for c in range(3)])
    near(turned.standardised, whole.standardised * turn * side[BLOCKS])
    near(turned.paths, whole.paths * np.outer(side, side))
    near(turned.r2, whole.r2)


def test_a_block_turns_to_the_side_of_its_items_and_to_its_largest_loading_when_undecided():
    S, model = covariance(3), specify(BLOCKS, PATHS)
    assert np.add.reduceat(fit(S, model).loadings, [0, 3, 5]).min() > 0
    R = np.eye(4)
    R[0, 1] = R[1, 0] = -0.5
    R[2, 3] = R[3, 2] = 0.5
    R[0, 2:] = R[2:, 0] = -0.3
    R[1, 2:] = R[2:, 1] = 0.3
    found = fit(R, specify([0, 0, 1, 1], [[0, 0], [1, 0]]))
    assert found.loadings[0] > 0 > found.loadings[1]
    assert found.paths[1, 0] < 0


def test_replicates_turn_to_the_start_construct_by_construct():
    S, model = covariance(3), specify(BLOCKS, PATHS)
    whole = fit(S, model)
    side = np.array([1, -1, 1])
    turned = fit(S, model, start=whole.standardised * side[BLOCKS])
    near(turned.standardised, whole.standardised * side[BLOCKS])
    near(turned.crossloadings, whole.crossloadings * side)
    near(turned.paths, whole.paths * np.outer(side, side))
    assert turned.iterations < whole.iterations


def test_the_only_item_of_a_block_is_its_composite():
    S = covariance(4)[:6, :6]
    for mode in "AB":
        found = fit(S, specify([0, 0, 0, 1, 1, 2], PATHS, modes=mode))
        near(found.loadings[5], 1, 1e-12)
        near(found.standardised[5], 1, 1e-12)


@pytest.mark.parametrize(("mode", "scheme", "metric"), OPTIONS)
def test_a_stack_is_its_fits_one_by_one(mode, scheme, metric):
    stack = np.stack([covariance(seed) for seed in range(11)])
    model = specify(BLOCKS, PATHS, modes=mode)
    together = fit(stack, model, how=Fitting(scheme, metric))
    assert len(set(together.iterations.tolist())) > 1
    for b, S in enumerate(stack):
        alone = fit(S, model, how=Fitting(scheme, metric))
        for name in ("weights", "loadings", "crossloadings", "paths", "r2", "correlations"):
            near(getattr(together, name)[b], getattr(alone, name), 1e-12)
        assert together.iterations[b] == alone.iterations


def test_scores_have_the_moments_of_the_composites():
    X = survey(6)
    w = np.random.default_rng(1).uniform(0.5, 2, len(X))
    m, model = moments(X, w), specify(BLOCKS, PATHS)
    found = fit(m.covariance, model)
    Y = scores(X, m.mean, m.covariance, found, model)
    of_scores = moments(Y, w)
    assert np.abs(of_scores.mean).max() < 1e-12
    near(of_scores.covariance, found.correlations, 1e-12)
    X[3, 0] = np.nan
    assert np.isnan(scores(X, m.mean, m.covariance, found, model)[3]).tolist() == [True, False, False]


def test_a_construct_of_constructs_is_a_fit_of_the_correlations_of_composites():
    """Two stages: the same as writing the scores down and taking them for items."""
    X = survey(6)
    m, model = moments(X), specify(BLOCKS, PATHS)
    found = fit(m.covariance, model)
    above = specify([0, 0, 1], [[0, 0], [1, 0]])
    Y = scores(X, m.mean, m.covariance, found, model)
    same(fit(found.correlations, above), fit(moments(Y).covariance, above))


def test_a_tighter_tolerance_takes_more_rounds_and_the_change_is_below_it():
    S, model = covariance(2), specify(BLOCKS, PATHS)
    loose, tight = fit(S, model, how=Fitting(tolerance=1e-3)), fit(S, model, how=Fitting(tolerance=1e-13))
    assert loose.iterations < tight.iterations
    assert tight.change.max() <= 1e-13 < loose.change.max() <= 1e-3


def test_too_few_rounds_name_the_constructs_that_still_move():
    with pytest.raises(PathModelError, match=r"no convergence in 2 rounds.*allow more rounds") as caught:
        fit(covariance(2), specify(BLOCKS, PATHS), how=Fitting(max_iterations=2))
    assert caught.value.reason == "not converged"
    assert caught.value.constructs


def test_weights_that_go_round_between_solutions_are_said_to():
    S = [
        [2.60, 2.81, -0.80, -0.22, 1.33, 1.68],
        [2.81, 7.08, 2.50, -0.08, 2.28, 1.29],
        [-0.80, 2.50, 11.92, 1.90, -3.07, 2.52],
        [-0.22, -0.08, 1.90, 1.05, -0.49, -0.51],
        [1.33, 2.28, -3.07, -0.49, 2.88, -1.40],
        [1.68, 1.29, 2.52, -0.51, -1.40, 5.10],
    ]
    model = specify([0, 0, 1, 1, 2, 2], PATHS, modes="B")
    with pytest.raises(PathModelError, match="go round between solutions: try another"):
        fit(S, model, how=Fitting(scheme="centroid"))
    assert fit(S, model, how=Fitting(scheme="factorial")).failure == 0


def test_a_constant_item_is_named():
    X = survey(2)
    X[:, 4] = 6.1
    with pytest.raises(PathModelError, match=r"items \[4\] do not vary") as caught:
        fit(moments(X).covariance, specify(BLOCKS, PATHS))
    assert caught.value.items == (4,)


def test_a_singular_block_is_named_in_mode_b_and_fitted_in_mode_a():
    X = survey(2)
    X[:, 4] = 3 * X[:, 3] - 1
    S = moments(X).covariance
    with pytest.raises(PathModelError, match="mode B") as caught:
        fit(S, specify(BLOCKS, PATHS, modes="B"))
    assert (caught.value.reason, caught.value.constructs) == ("singular block", (1,))
    assert caught.value.items == (3, 4)
    near(fit(S, specify(BLOCKS, PATHS)).loadings[3:5], [1, 1], 1e-12)


def test_collinear_constructs_are_named():
    S = covariance(2)[:, [0, 0, 5, 6, 7]][[0, 0, 5, 6, 7]]
    for scheme in ("path", "centroid"):
        with pytest.raises(PathModelError, match="collinear") as caught:
            fit(S, specify([0, 1, 2, 2, 2], PATHS), how=Fitting(scheme=scheme))
        assert caught.value.constructs == (2,)


def test_failures_of_a_stack_are_counted_or_left_as_nan_and_leave_the_others_alone():
    good, flat, lost = covariance(1), covariance(2), covariance(3) * np.nan
    flat[0] = flat[:, 0] = 0
    model = specify(BLOCKS, PATHS)
    with pytest.raises(PathModelError, match="2 of 3 fits failed; of number 1"):
        fit(np.stack([good, flat, lost]), model)
    found = fit(np.stack([good, flat, lost]), model, on_failure="nan")
    assert [FAILURES[k] for k in found.failure] == ["", "constant item", "no moments"]
    assert np.isnan(found.weights[1:]).all() and np.isnan(found.paths[1:]).all()
    near(found.weights[0], fit(good, model).weights, 1e-12)


@pytest.mark.parametrize(
    ("blocks", "paths", "said"),
    [
        ([0, 1, 2], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], r"constructs \[0, 1, 2\] run in a cycle"),
        ([0, 1, 2], [[0, 0, 0], [0, 0, 1], [1, 1, 0]], r"constructs \[1, 2\] run in a cycle"),
        ([0, 1], [[1, 0], [1, 0]], r"constructs \[0\] run in a cycle"),
        ([0, 1, 2], [[0, 0, 0], [1, 0, 0], [0, 0, 0]], r"no path touches the constructs \[2\]"),
        ([0, 0], [[0, 0], [1, 0]], "each needs an item"),
        ([0, 1], [[0, 0], [2, 0]], "not a square table of 0 and 1"),
        ([0, 1], [[0, 0]], "not a square table of 0 and 1"),
    ],
)
def test_what_is_no_path_model_is_refused(blocks, paths, said):
    with pytest.raises(PathModelError, match=said):
        specify(blocks, paths)


def test_options_are_checked():
    S, model = covariance(1), specify(BLOCKS, PATHS)
    with pytest.raises(OptionError, match="'path'"):
        fit(S, model, how=Fitting(scheme="paths"))
    with pytest.raises(OptionError, match="standardised"):
        fit(S, model, how=Fitting(metric="scaled"))
    with pytest.raises(OptionError, match="nan"):
        fit(S, model, on_failure="ignore")
    with pytest.raises(OptionError, match="tolerance"):
        fit(S, model, how=Fitting(tolerance=0))
    with pytest.raises(OptionError, match="'A', 'B'"):
        specify(BLOCKS, PATHS, modes="C")
    with pytest.raises(PathModelError, match="2 modes for 3"):
        specify(BLOCKS, PATHS, modes=("A", "B"))
    with pytest.raises(PathModelError, match="8 items"):
        fit(S[:7, :7], model)
