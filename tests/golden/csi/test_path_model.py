"""Path models against R plspm 0.5.1, seminr 2.3.4 and cSEM 0.6.1 (see README.md of this folder).

Tolerance 1e-10 relative, with our own default tolerance of the rounds (1e-10 on a weight): what is left of
the last round is below 1e-10 in the model of the oracle. A number that the oracle gives as 0 must be 0, or
NaN where it is not defined (redundancy and R² of a construct without predictors; α in mode B).

The oracle of a weighted fit repeats every row `weight` times; ours is given the weights.
Bootstrap errors of 2,000 replicates have a Monte-Carlo error of 1/√4000 = 1.6 %; ours as well, so the
difference has a standard deviation of 2.2 % and stays within four of them, 9 %.
"""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from qstats.stats import path_bootstrap, path_fit, path_index, path_inner, path_quality, pathmodel
from qstats.stats.path_moments import moments

HERE = Path(__file__).parent
NAMES = ["IMG", "EXP", "PQ", "PV", "SAT", "LOY"]
BLOCKS = np.repeat(range(6), [4, 3, 6, 2, 3, 3])
PATHS = np.zeros((6, 6), int)
for child, parents in {1: [0], 2: [0, 1], 3: [1, 2], 4: [0, 1, 2, 3], 5: [0, 4]}.items():
    PATHS[child, parents] = 1
SURVEYS = ("unweighted", "weighted_rep")
SCHEMES = ("centroid", "factorial", "path")
TOLERANCE = 1e-10


def table(name):
    """Numbers of a csv without its first column; NaN where there is none."""
    with (HERE / name).open(newline="") as file:
        rows = [[cell.strip() for cell in row[1:]] for row in csv.reader(file)][1:]
    return np.array([[float(cell) if re.match(r"-?[\d.]", cell) else np.nan for cell in row] for row in rows])


def columns(name, *wanted):
    with (HERE / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[key]) for row in rows]) for key in wanted]


def equal(ours, oracle, tolerance=TOLERANCE):
    """Relative where the oracle has a number; a zero of the oracle is ours too, or not defined."""
    ours, oracle = np.asarray(ours), np.asarray(oracle)
    assert ours.shape == oracle.shape
    some = (oracle != 0) & np.isfinite(oracle)
    assert some.any()
    assert np.abs(ours[some] / oracle[some] - 1).max() <= tolerance
    zero = oracle == 0
    assert ((np.abs(ours[zero]) < 1e-14) | np.isnan(ours[zero])).all()


@pytest.fixture(scope="module")
def answers():
    data = np.genfromtxt(HERE / "synth.csv", delimiter=",", skip_header=1)
    return {"X": data[:, :21], "industry": data[:, 21], "weight": data[:, 23]}


@pytest.fixture(scope="module")
def surveys(answers):
    return {
        "unweighted": moments(answers["X"]),
        "weighted_rep": moments(answers["X"], answers["weight"]),
    }


def size(survey, answers):
    return len(answers["X"]) if survey == "unweighted" else answers["weight"].sum()


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("mode", ["A", "B"])
@pytest.mark.parametrize(("metric", "label"), [("standardised", "scaled"), ("raw", "raw")])
def test_a_fit_is_that_of_plspm(surveys, survey, scheme, mode, metric, label):
    stem = f"{survey}__Rplspm_{label}_mode{mode}_{scheme}__"
    model = pathmodel.specify(BLOCKS, PATHS, modes=mode)
    S = surveys[survey].covariance
    found = pathmodel.fit(S, model, how=pathmodel.Fitting(scheme, metric))
    weight, loading, shared, redundant = columns(
        stem + "outer.csv", "weight", "loading", "communality", "redundancy"
    )
    equal(found.weights, weight)
    equal(found.loadings, loading)
    equal(path_quality.communality(found.loadings), shared)
    equal(path_quality.redundancy(found.loadings, found.r2, model), redundant)
    equal(found.paths, table(stem + "paths.csv"))
    r2, block, mean_redundancy, ave = columns(
        stem + "summary.csv", "R2", "Block_Communality", "Mean_Redundancy", "AVE"
    )
    equal(found.r2, r2)
    ours = path_quality.block_mean(path_quality.communality(found.loadings), model)
    equal(ours, block)
    if mode == "A":
        equal(ours, ave)
    redundancies = path_quality.redundancy(found.loadings, found.r2, model)
    equal(path_quality.block_mean(redundancies, model), mean_redundancy)


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("mode", ["A", "B"])
@pytest.mark.parametrize(("metric", "label"), [("standardised", "scaled"), ("raw", "raw")])
def test_effects_are_those_of_plspm(surveys, survey, scheme, mode, metric, label):
    model = pathmodel.specify(BLOCKS, PATHS, modes=mode)
    found = pathmodel.fit(surveys[survey].covariance, model, how=pathmodel.Fitting(scheme, metric))
    ours = path_inner.effects(found.paths)
    with (HERE / f"{survey}__Rplspm_{label}_mode{mode}_{scheme}__effects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    for kind in ("direct", "indirect", "total"):
        pairs = [[NAMES.index(name) for name in row["relationships"].split(" -> ")] for row in rows]
        equal([getattr(ours, kind)[k, c] for c, k in pairs], [float(row[kind]) for row in rows])


@pytest.mark.parametrize("survey", SURVEYS)
def test_unidimensionality_is_that_of_plspm(surveys, survey):
    model = pathmodel.specify(BLOCKS, PATHS)
    R = path_quality.correlations(surveys[survey].covariance)
    for scheme in SCHEMES:
        name = f"{survey}__Rplspm_scaled_modeA_{scheme}__unidim.csv"
        alpha, dg, first, second = columns(name, "C.alpha", "DG.rho", "eig.1st", "eig.2nd")
        equal(path_quality.alpha(R, model), alpha)
        component = path_quality.first_component(R, model)
        equal(path_quality.composite_reliability(component, model), dg)
        equal(path_quality.eigenvalues(R, model), np.stack([first, second], axis=1))


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize(("scheme", "label"), [("path", "weighting"), ("factorial", "factorial")])
def test_reliability_and_validity_are_those_of_seminr(surveys, answers, survey, scheme, label):
    stem = f"{survey}__seminr_path_{label}__"
    model = pathmodel.specify(BLOCKS, PATHS)
    S = surveys[survey].covariance
    R = path_quality.correlations(S)
    found = pathmodel.fit(S, model, how=pathmodel.Fitting(scheme))
    equal(found.weights, table(stem + "weights.csv").sum(1))
    equal(found.loadings, table(stem + "loadings.csv").sum(1))
    equal(found.paths.T, table(stem + "paths.csv"))
    alpha, rho_c, ave, rho_a = columns(stem + "reliability.csv", "alpha", "rhoC", "AVE", "rhoA")
    equal(path_quality.alpha(R, model), alpha)
    equal(path_quality.composite_reliability(found.loadings, model), rho_c)
    equal(path_quality.block_mean(found.loadings**2, model), ave)
    equal(path_quality.rho_a(found.standardised, R, model), rho_a)
    equal(path_quality.htmt(R, model), table(stem + "htmt.csv"))
    rsq = table(stem + "rsq.csv")
    adjusted = path_inner.adjusted_r2(found.r2, model, size(survey, answers))
    order = [NAMES.index(name) for name in ("EXP", "PQ", "SAT", "LOY", "PV")]
    equal(np.stack([found.r2, adjusted])[:, order], rsq)
    refitted = path_inner.effect_size_refitted(S, found, model, how=pathmodel.Fitting(scheme))
    # f² down to 0.004 is a difference of R² of 0.5: 1e-10 of R² is 1e-8 of it.
    equal(refitted.T, table(stem + "fsquare.csv"), 1e-8)


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize(("scheme", "label"), [("path", "weighting"), ("factorial", "factorial")])
def test_inflation_factors_are_those_seminr_prints(surveys, survey, scheme, label):
    model = pathmodel.specify(BLOCKS, PATHS)
    R = path_quality.correlations(surveys[survey].covariance)
    ours = path_inner.vif(R, pathmodel.fit(R, model, how=pathmodel.Fitting(scheme)).correlations, model)
    lines = (HERE / f"{survey}__seminr_path_{label}__vif.txt").read_text().splitlines()
    printed = {}
    for i, line in enumerate(lines):
        if line.endswith(":"):
            printed.setdefault(line[:-2], []).append(
                dict(zip(lines[i + 1].split(), lines[i + 2].split(), strict=True))
            )
    for c, name in enumerate(NAMES):
        outer = [float(text) for text in printed[name][0].values()]
        assert np.abs(ours.outer[c == BLOCKS] - outer).max() <= 0.00051
        for parent, text in printed[name][1].items() if len(printed[name]) > 1 else ():
            if text != ".":
                assert abs(ours.inner[c, NAMES.index(parent)] - float(text)) <= 0.00051


@pytest.mark.parametrize("survey", SURVEYS)
def test_consistent_pls_is_that_of_csem(surveys, survey):
    model = pathmodel.specify(BLOCKS, PATHS)
    R = path_quality.correlations(surveys[survey].covariance)
    ours = path_fit.consistent(pathmodel.fit(R, model), R, model)
    stem = f"{survey}__cSEM_PLSc_path__"
    equal(ours.loadings, table(stem + "loadings.csv").sum(1))
    # A path of 0.01 is a difference of terms of 0.3.
    equal(ours.paths, table(stem + "paths.csv"), 1e-9)
    equal(ours.r2[1:], table(stem + "r2.csv")[:, 0])
    equal(ours.rho, table(stem + "rhoA.csv")[:, 0])
    assert ours.admissible


def test_distances_are_those_of_csem(surveys, answers):
    model = pathmodel.specify(BLOCKS, PATHS)
    lines = (HERE / "cSEM_scalars.txt").read_text().splitlines()
    assert len(lines) == 6
    for line in lines:
        sample, *rest = line.split()
        values = dict(zip(rest[1::2], map(float, rest[2::2]), strict=True))
        if sample in SURVEYS:
            S = surveys[sample].covariance
        else:
            S = moments(answers["X"][answers["industry"] == int(sample[-1])]).covariance
        R = path_quality.correlations(S)
        ours = path_fit.consistent(pathmodel.fit(R, model), R, model)
        sigma = path_fit.implied(ours.loadings, ours.paths, ours.correlations, R, model)
        found = path_fit.distance(R, sigma)
        gof = path_fit.goodness_of_fit(ours.loadings, ours.r2, model)
        # cSEM takes logarithms to base 10, the paper natural ones; its scalars are printed to 15 digits.
        geodesic = found.d_g / np.log(10) ** 2
        equal(
            np.stack([found.srmr, found.d_uls, geodesic, gof]),
            [values[k] for k in ("SRMR", "DL", "DG", "GoF")],
        )


@pytest.mark.parametrize("survey", SURVEYS)
def test_the_index_and_importance_are_those_of_csem(surveys, survey):
    model = pathmodel.specify(BLOCKS, PATHS)
    m = surveys[survey]
    found = pathmodel.fit(m.covariance, model)
    u = path_index.index_weights(found.weights, m.covariance, convention="U")
    ours = path_index.importance_performance(m.mean, m.covariance, u, found.paths, 1, 10, model)
    equal(ours.performance, columns(f"{survey}__cSEM_index0_100_path.csv", *NAMES) @ np.ones(1))
    equal(ours.importance, table(f"{survey}__cSEM_importance_path.csv"))


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_raw_index_is_the_rescaled_mean_of_plspm(surveys, survey, scheme):
    model = pathmodel.specify(BLOCKS, PATHS)
    m = surveys[survey]
    found = pathmodel.fit(m.covariance, model, how=pathmodel.Fitting(scheme, "raw"))
    u = path_index.index_weights(found.weights, m.covariance, convention="R")
    ours = 1 + 9 * path_index.index(m.mean, u, 1, 10, model) / 100
    name = f"{survey}__Rplspm_raw_modeA_{scheme}__rescaled_means.csv"
    equal(ours, columns(name, *NAMES) @ np.ones(1))


def test_mean_replacement_is_that_of_seminr():
    X = np.genfromtxt(HERE / "synth_missing.csv", delimiter=",", skip_header=1)[:, :21]
    m = moments(X, missing="mean")
    assert m.gaps == np.isnan(X).sum() > 0
    found = pathmodel.fit(m.covariance, pathmodel.specify(BLOCKS, PATHS))
    equal(found.weights, table("missing__seminr_meanrepl__weights.csv").sum(1))
    equal(found.paths.T, table("missing__seminr_meanrepl__paths.csv"))


def test_a_weight_is_a_repeated_row(answers, surveys):
    X, weight = answers["X"], answers["weight"].astype(int)
    repeated = moments(np.repeat(X, weight, axis=0))
    equal(surveys["weighted_rep"].mean, repeated.mean, 1e-14)
    equal(surveys["weighted_rep"].covariance, repeated.covariance, 1e-12)
    assert surveys["weighted_rep"].n_eff < repeated.n_eff


def test_bootstrap_errors_are_those_of_seminr_within_monte_carlo_error(answers):
    X = answers["X"]
    model = pathmodel.specify(BLOCKS, PATHS)
    found = pathmodel.fit(moments(X).covariance, model)

    def statistic(mean, covariance, fits):
        R = path_quality.correlations(covariance)
        return {
            **path_bootstrap.parameters(mean, covariance, fits),
            "HTMT": path_quality.htmt(R, model),
        }

    counts = path_bootstrap.resamples(len(X), 2000, seed=1)
    drawn = path_bootstrap.bootstrap(X, counts, model, statistic, start=found.standardised)
    assert drawn.reasons == {}
    child, parent = np.nonzero(PATHS.T)[::-1]
    first, second = np.triu_indices(6, 1)
    ours = {
        "weights": drawn.values["weights"],
        "loadings": drawn.values["loadings"],
        "paths": drawn.values["paths"][:, child, parent],
        "HTMT": drawn.values["HTMT"][:, first, second],
    }
    for name, values in ours.items():
        oracle = f"unweighted__seminr_boot2000_seed1__bootstrapped_{name}.csv"
        mean, spread, low, high = columns(oracle, "Bootstrap Mean", "Bootstrap SD", "2.5% CI", "97.5% CI")
        error = path_bootstrap.std_error(values)
        assert np.abs(error / spread - 1).max() < 0.09
        assert (np.abs(values.mean(0) - mean) / spread).max() < 4 * np.sqrt(2 / 2000)
        # A 2.5 % quantile has a Monte-Carlo error of √(.025 × .975 / 2000) / φ(1.96) = 0.06 s.d.
        for ours_limit, theirs in zip(path_bootstrap.percentile(values), (low, high), strict=True):
            assert (np.abs(ours_limit - theirs) / spread).max() < 4 * np.sqrt(2) * 0.06
