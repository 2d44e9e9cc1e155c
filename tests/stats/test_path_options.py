"""Options of the formulas of path models: what is none is refused by name, never taken for the default."""

import inspect

import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats.path_bootstrap import bca, bootstrap, jackknife, percentile, resamples
from qstats.stats.path_fit import implied
from qstats.stats.path_groups import pairwise, permutation_test
from qstats.stats.path_index import index_weights
from qstats.stats.path_inner import effect_size_refitted
from qstats.stats.path_invariance import invariance
from qstats.stats.path_moments import moments
from qstats.stats.path_predict import predict
from qstats.stats.path_quality import correlations
from qstats.stats.pathmodel import Fitting, PathModelError, fit, specify
from qstats.stats.satisfaction import size_for_change, size_for_mean

RNG = np.random.default_rng(1)
Y = RNG.normal(size=(60, 1))
X = np.hstack([Y + 0.6 * RNG.normal(size=(60, 2)), 0.7 * Y + 0.7 * RNG.normal(size=(60, 2))])
MODEL = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
M = moments(X)
FOUND = fit(M.covariance, MODEL)
GROUP = np.arange(60) % 2
START = {"start": FOUND.standardised}
FEW = {"permutations": 2}


def path(mean, covariance, found):
    return found.paths[:, 1, :1]


CALLS = [
    (fit, (M.covariance, MODEL), {}),
    (specify, ([0, 0, 1], [[0, 0], [1, 0]]), {}),
    (moments, (X,), {}),
    (bootstrap, (X, resamples(60, 3, seed=1), MODEL), START),
    (jackknife, (X, None, MODEL), START),
    (resamples, (20, 5), {"seed": 1}),
    (percentile, (np.arange(9.0),), {}),
    (bca, (4.0, np.arange(9.0), np.arange(9.0)), {}),
    (permutation_test, (X, GROUP, MODEL, path), FEW),
    (pairwise, (X, GROUP, MODEL, path), FEW),
    (invariance, (X, GROUP, MODEL), FEW),
    (predict, (X, MODEL), {"folds": 2, "repeats": 1}),
    (index_weights, (FOUND.weights, M.covariance), {}),
    (implied, (FOUND.loadings, FOUND.paths, FOUND.correlations, correlations(M.covariance), MODEL), {}),
    (effect_size_refitted, (M.covariance, FOUND, MODEL), {}),
    (size_for_mean, (20, 2), {}),
    (size_for_change, (20, 2), {}),
]
VALUES = (
    None, "x", "", -1, 0, 1.5, float("nan"), float("inf"), [], {}, object(), True, np.array([1.0, 2.0]),
)  # fmt: skip
FINE = {"seed": (None, 0), "tolerance": (1.5,), "correlation": (0, [])}
FITS = (fit, bootstrap, jackknife, permutation_test, pairwise, invariance, predict, effect_size_refitted)
ARRAYS = {"weights", "unit", "stratum", "start"}


@pytest.mark.parametrize(("function", "given", "options"), CALLS, ids=[call[0].__name__ for call in CALLS])
def test_an_option_that_is_none_is_refused_by_name(function, given, options):
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or name in ARRAYS:
            continue
        for value in VALUES:
            if any(type(value) is type(v) and value == v for v in FINE.get(name, ())):
                continue
            if name == "correlation" and value is True:
                continue
            with pytest.raises((OptionError, PathModelError), match=name):
                function(*given, **{**options, name: value})


@pytest.mark.parametrize(
    ("function", "given", "options"), [c for c in CALLS if c[0] in FITS], ids=[f.__name__ for f in FITS]
)
def test_an_option_of_a_fit_that_is_none_is_refused_wherever_a_model_is_fitted(function, given, options):
    for name in Fitting._fields:
        for value in VALUES:
            if not any(type(value) is type(v) and value == v for v in FINE.get(name, ())):
                with pytest.raises(OptionError, match=name):
                    function(*given, **{**options, "how": Fitting(**{name: value})})


@pytest.mark.parametrize("value", [None, "x", -1, 0, 1.5, float("nan"), True])
def test_numbers_of_rows_and_replicates_are_whole(value):
    with pytest.raises(OptionError, match="n="):
        resamples(value, 5, seed=1)
    with pytest.raises(OptionError, match="B="):
        resamples(20, value, seed=1)
