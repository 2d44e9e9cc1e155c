"""Prediction of answers by a path model, against row by row and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.stats.path_moments import moments
from qstats.stats.path_predict import dealt, errors_by, power, predict
from qstats.stats.pathmodel import Fitting, fit, specify

# 0 and 1 act on 2, and 2 on 3
MODEL = specify([0, 0, 1, 1, 2, 2, 3], [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])
PAIR = specify([0, 1], [[0, 0], [1, 0]])


def answers(n, seed, noise=0.7):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    c = 0.5 * a + 0.4 * b + 0.6 * rng.normal(size=n)
    d = 0.7 * c + 0.6 * rng.normal(size=n)
    latent = np.column_stack([a, a, b, b, c, c, d])
    scale = np.array([1, 3, 0.5, 2, 1, 10, 4])
    return 5 + scale * (latent + noise * rng.normal(size=latent.shape))


def row_by_row(X, w, fold, K, model):
    """Squared and absolute errors of path model, linear model and mean, one respondent after the other."""
    inner = model.paths.any(1)
    j, k = (np.flatnonzero(inner[model.blocks] == which) for which in (True, False))
    squares, sizes, total = np.zeros((3, j.size)), np.zeros((3, j.size)), 0.0
    for f in range(K):
        train, v = X[fold != f], w[fold != f]
        m = np.average(train, axis=0, weights=v)
        s = np.sqrt(np.average((train - m) ** 2, axis=0, weights=v))
        found = fit(moments(train, v).covariance, model)
        root = np.sqrt(v)[:, None]
        slope = np.linalg.lstsq(root * (train - m)[:, k], root * (train - m)[:, j])[0]
        for row, weight in zip(X[fold == f], w[fold == f], strict=True):
            z = (row - m) / s
            y = np.zeros(len(inner))
            for c in np.flatnonzero(~inner):
                y[c] = sum(found.standardised[i] * z[i] for i in np.flatnonzero(model.blocks == c))
            for c in np.flatnonzero(inner):  # in the order of the paths
                y[c] = found.paths[c] @ y
            path = [m[i] + s[i] * found.loadings[i] * y[model.blocks[i]] for i in j]
            guesses = np.array([path, m[j] + (row - m)[k] @ slope, m[j]])
            squares += weight * (row[j] - guesses) ** 2
            sizes += weight * np.abs(row[j] - guesses)
            total += weight
    return squares / total, sizes / total


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_of_folds_give_what_rows_give(weighted):
    X = answers(90, 3)
    w = np.random.default_rng(1).uniform(0.5, 3, 90) if weighted else np.ones(90)
    found = predict(X, MODEL, weights=w, folds=5, repeats=2, seed=4)
    assert found.items.tolist() == [4, 5, 6] and found.n.tolist() == [90] * 3
    for r in range(2):
        fold = dealt(np.zeros(90, int), 5, seed=4, repeat=r)
        squared, absolute = row_by_row(X, w, fold, 5, MODEL)
        np.testing.assert_allclose(found.squared[:, r], squared, rtol=1e-8)
        np.testing.assert_allclose(found.absolute[:, r], absolute, rtol=1e-8)
    np.testing.assert_allclose(found.rmse**2, found.squared.mean(1), rtol=1e-14)
    np.testing.assert_allclose(found.q2, 1 - (found.rmse[0] / found.rmse[2]) ** 2, rtol=1e-12)


def test_of_two_single_items_both_predictors_are_the_regression():
    # leaving out (x, y) = (1, 3) of four: the others have y = 4 - x + 0 ... by hand
    X = np.array([[0.0, 0.0], [1.0, 3.0], [2.0, 2.0], [3.0, 7.0]])
    found = predict(X, PAIR, folds=4, repeats=1)
    errors = []
    for i in range(4):
        rest = np.delete(X, i, axis=0)
        slope, level = np.polyfit(rest[:, 0], rest[:, 1], 1)
        errors.append(X[i, 1] - level - slope * X[i, 0])
    assert errors[3] == pytest.approx(7 - (2 / 3 + 3))  # by hand: the line through 0, 3, 2 is 2/3 + x
    for rows in (found.squared[:2, 0, 0], found.rmse[:2, 0] ** 2):
        np.testing.assert_allclose(rows, np.mean(np.square(errors)), rtol=1e-9)
    np.testing.assert_allclose(found.mae[:2, 0], np.mean(np.abs(errors)), rtol=1e-9)
    # the mean of the others misses by (4/3) of the distance from the mean of all
    np.testing.assert_allclose(found.rmse[2, 0], 4 / 3 * X[:, 1].std(), rtol=1e-12)


def test_an_item_without_error_is_predicted_without_error():
    x = np.arange(20.0)
    found = predict(np.column_stack([x, 3 - 2 * x]), PAIR, folds=4, repeats=1)
    assert found.rmse[:2].max() < 1e-12 * found.rmse[2].min()
    assert found.q2[0] == pytest.approx(1, rel=1e-12)


def test_noise_is_not_predicted():
    rng = np.random.default_rng(5)
    q2 = [predict(rng.normal(size=(60, 2)), PAIR, repeats=1, seed=s).q2[0] for s in range(40)]
    assert -0.1 < np.mean(q2) < 0


def test_a_weight_of_two_in_one_unit_is_a_row_written_twice():
    X = answers(60, 8)
    w = np.random.default_rng(2).integers(1, 4, 60)
    unit = np.arange(60)
    once = predict(X, MODEL, weights=w, unit=unit, folds=4, repeats=2)
    many = predict(np.repeat(X, w, axis=0), MODEL, unit=np.repeat(unit, w), folds=4, repeats=2)
    np.testing.assert_allclose(once.squared, many.squared, rtol=1e-8)
    assert (many.n > once.n).all()


@settings(max_examples=20, deadline=None)
@given(
    scale=st.lists(st.floats(0.01, 100), min_size=7, max_size=7),
    shift=st.floats(-50, 50),
    seed=st.integers(0, 99),
)
def test_units_of_items_change_only_the_units_of_errors(scale, shift, seed):
    X, c = answers(50, seed), np.array(scale)
    one = predict(X, MODEL, folds=3, repeats=1)
    other = predict(X * c + shift, MODEL, folds=3, repeats=1)
    np.testing.assert_allclose(other.rmse, one.rmse * c[one.items], rtol=1e-6)
    np.testing.assert_allclose(other.q2, one.q2, rtol=1e-5, atol=1e-7)


def test_folds_are_even_and_strata_and_units_keep_their_shares():
    layer = np.repeat([0, 1, 2], [20, 10, 5])
    fold = dealt(layer, 5, seed=1)
    assert np.bincount(fold).tolist() == [7] * 5
    for h, size in ((0, 4), (1, 2), (2, 1)):
        assert np.bincount(fold[layer == h]).tolist() == [size] * 5
    assert (dealt(layer, 5, seed=1) == fold).all()
    assert (dealt(layer, 5, seed=1, repeat=1) != fold).any()
    assert (dealt(layer, 5, seed=2) != fold).any()
    assert (dealt(layer, 5, seed=None) != dealt(layer, 5, seed=None)).any()


def test_units_strata_folds_and_repeats_reach_the_folds():
    X = answers(60, 8)
    plain = predict(X, MODEL, folds=4, repeats=1).rmse
    unit = np.arange(60) // 6
    for option in ({"unit": unit}, {"stratum": unit}, {"seed": 1}, {"repeats": 2}, {"folds": 5}):
        other = predict(X, MODEL, **{"folds": 4, "repeats": 1, **option}).rmse
        assert (np.abs(other[0] - plain[0]) > 1e-6 * plain[0]).any(), option
    scheme = predict(X, MODEL, folds=4, repeats=1, how=Fitting(scheme="centroid")).rmse
    assert (scheme[0] != plain[0]).any() and (scheme[1:] == plain[1:]).all()


def test_gaps_are_treated_in_training_and_not_predicted():
    X = answers(80, 6)
    X[3, 0] = X[5, 4] = X[9, 6] = np.nan
    found = predict(X, MODEL, folds=4, repeats=1, missing="mean")
    assert found.n.tolist() == [78, 79, 78]  # row 3 lacks an exogenous item
    assert np.isfinite(found.rmse).all()
    with pytest.raises(DataError, match="3 answers are missing"):
        predict(X, MODEL, folds=4, repeats=1)


def test_the_class_counts_the_items_that_beat_the_linear_model():
    linear, q2 = [2, 2, 2, 2], [0.1, 0.1, 0.1, 0.1]
    for error, said in (
        ([1, 1, 1, 1], "high"), ([1, 1, 1, 3], "medium"), ([1, 1, 3, 3], "medium"), ([1, 3, 3, 3], "low"),
        ([3, 3, 3, 3], "none"), ([2, 2, 2, 2], "none"),
    ):  # fmt: skip
        assert power(error, linear, q2) == said
    assert power([1, 1, 1, 1], linear, [0.1, 0.1, 0.1, 0.0]) == "medium"
    assert power([1, 1, 1, np.nan], linear, q2) is None


def test_the_measure_is_that_named():
    found = predict(answers(60, 2), MODEL, folds=3, repeats=1)
    assert (errors_by(found, "mae") == found.mae).all() and (errors_by(found, "rmse") == found.rmse).all()
    assert (found.mae < found.rmse).all()
    with pytest.raises(OptionError, match="measure='mape'"):
        errors_by(found, "mape")


def test_collinear_exogenous_items_leave_the_linear_model_unknown():
    X = answers(60, 2)
    X[:, 1] = 2 * X[:, 0]
    found = predict(X, MODEL, folds=3, repeats=1)
    assert np.isnan(found.rmse[1]).all() and np.isfinite(found.rmse[[0, 2]]).all()


@pytest.mark.parametrize("missing", ["raise", "em"])
def test_a_weight_of_zero_is_no_row_and_its_unit_none(missing):
    X, rng = answers(60, 6), np.random.default_rng(2)
    w, unit, stratum = rng.uniform(0.5, 3, 60), np.arange(60) // 4, np.arange(60) // 4 % 3
    w[unit % 5 == 0] = 0.0
    X[0, 0] = np.nan  # of no weight, so that it is no gap either
    X[5, 6] = np.nan if missing == "em" else X[5, 6]
    options = {"folds": 4, "repeats": 2, "missing": missing}
    kept = w > 0
    whole = predict(X, MODEL, weights=w, unit=unit, stratum=stratum, **options)
    part = predict(X[kept], MODEL, weights=w[kept], unit=unit[kept], stratum=stratum[kept] + 7, **options)
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(DataError, match="12 units cannot make 13 folds"):
        predict(X, MODEL, weights=w, unit=unit, folds=13, missing=missing)


def test_what_cannot_be_is_refused():
    X = answers(30, 2)
    with pytest.raises(DataError, match=r"10 of 10 units lie in several strata .* a name in each"):
        predict(X, MODEL, unit=np.arange(30) // 3, stratum=np.arange(30) % 2, folds=3)
    with pytest.raises(DataError, match="6 units cannot make 10 folds"):
        predict(X, MODEL, unit=np.arange(30) // 5)
    for options in ({"folds": 1}, {"repeats": 0}, {"folds": 2.5}, {"repeats": "x"}):
        with pytest.raises(OptionError, match=next(iter(options))):
            predict(X, MODEL, **options)
    X[:20, 6] = 4.0
    X[20:, 6] = 4.0
    X[0, 6] = 5.0
    with pytest.raises(DataError, match=r"1 of 3 training samples cannot be fitted \(constant item\)"):
        predict(X, MODEL, folds=3)
