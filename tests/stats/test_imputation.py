import numpy as np
import pytest

from qstats.errors import DataError, OptionError
from qstats.stats import imputation, normal_imputation

X = np.array([[1.0, 10.0, 5.0], [2.0, np.nan, 7.0], [9.0, 40.0, 1.0], [np.nan, 20.0, 2.0], [4.0, 35.0, 3.0]])
GROUPS = np.array([0, 0, 1, 1, 1])


def filled(method, x=X, **options):
    groups = options.get("groups")
    return imputation.apply(x, imputation.fit(x, method, **options), groups=groups)


def test_mean_median_and_groups():
    assert filled("mean").value[3, 0] == 4.0
    assert filled("median").value[3, 0] == 3.0
    assert filled("group-mean", groups=GROUPS).value[3, 0] == 6.5
    assert filled("group-median", groups=GROUPS).value[1, 1] == 10.0


def test_every_cell_says_where_it_comes_from():
    expected = np.isnan(X).astype(int)
    np.testing.assert_array_equal(filled("mean").source, expected)
    bare = np.where(np.arange(5)[:, None] == 1, np.nan, X)
    np.testing.assert_array_equal(filled("row-mean", bare).source[1], [2, 2, 2])


def test_what_was_observed_is_never_changed():
    for method, options in (("row-mean", {}), ("em", {}), ("regression", {"predictors": (2,)})):
        found = filled(method, **options).value
        np.testing.assert_array_equal(found[~np.isnan(X)], X[~np.isnan(X)])
        assert not np.isnan(found).any()


def test_a_row_mean_goes_through_scores():
    score = (40 - 10) / 30 * 0 + ((2 - 1) / 8 + (7 - 1) / 6) / 2
    assert filled("row-mean").value[1, 1] == pytest.approx(10 + 30 * score, rel=1e-12)
    against = ((2 - 1) / 8 + (7 - 7) / 6) / 2
    found = filled("row-mean", direction=[1, 1, -1]).value[1, 1]
    assert found == pytest.approx(10 + 30 * against, rel=1e-12)


def test_a_group_without_a_value_is_refused_taken_overall_or_left():
    codes = np.array([0, 1, 2, 2, 2])
    with pytest.raises(DataError, match=r"\(group 1, column 1\)"):
        imputation.fit(X, "group-mean", groups=codes)
    assert filled("group-mean", groups=codes, empty="overall").value[1, 1] == 26.25
    assert filled("group-mean", groups=codes, empty="nan").source[1, 1] == 2


def test_an_indicator_without_a_value_is_refused_or_left():
    bare = np.where(np.arange(3) == 1, np.nan, X)
    with pytest.raises(DataError, match="columns 1 have no value"):
        imputation.fit(bare, "mean")
    assert np.isnan(filled("mean", bare, empty="nan").value[:, 1]).all()


def test_another_year_is_filled_from_the_fit():
    params = imputation.fit(X, "mean")
    assert imputation.apply([[np.nan, 1.0, 1.0]], params).value[0, 0] == 4.0
    grouped = imputation.fit(X, "group-mean", groups=GROUPS)
    assert imputation.apply([[np.nan, 1.0, 1.0]], grouped, groups=[1]).value[0, 0] == 6.5
    with pytest.raises(OptionError, match="group 2 was not there"):
        imputation.apply([[np.nan, 1.0, 1.0]], grouped, groups=[2])


def test_options_are_needed_or_refused_never_ignored():
    for method, options, said in (
        ("group-mean", {}, "needs groups"),
        ("mean", {"groups": GROUPS}, "no use for groups"),
        ("regression", {}, "needs predictors"),
        ("mean", {"predictors": (0,)}, "no use for predictors"),
        ("median", {"direction": -1}, "no use for direction"),
    ):
        with pytest.raises(OptionError, match=said):
            imputation.fit(X, method, **options)
    with pytest.raises(OptionError, match="groups are for"):
        imputation.apply(X, imputation.fit(X, "mean"), groups=GROUPS)
    with pytest.raises(OptionError, match="5 whole numbers"):
        imputation.fit(X, "group-mean", groups=[0.5] * 5)
    with pytest.raises(OptionError, match="Did you mean 'group-mean'"):
        imputation.fit(X, "group_mean", groups=GROUPS)


def test_regression_is_least_squares_on_the_predictors():
    have = ~np.isnan(X[:, 1])
    slope, constant = np.polyfit(X[have, 2], X[have, 1], 1)
    found = filled("regression", predictors=(2,)).value[1, 1]
    assert found == pytest.approx(constant + 7 * slope, rel=1e-12)


def test_regression_leaves_a_hole_where_a_predictor_is_missing_too():
    x = X.copy()
    x[3, 1] = np.nan
    found = filled("regression", x, predictors=(0,))
    assert found.source[3].tolist() == [2, 2, 0]


def test_em_of_a_monotone_pattern_is_the_regression_estimate():
    x = X[:, [2, 1]]
    have = ~np.isnan(x[:, 1])
    slope, constant = np.polyfit(x[have, 0], x[have, 1], 1)
    mean, covariance = normal_imputation.em(x)
    assert mean[0, 1] == pytest.approx(constant + slope * x[:, 0].mean(), rel=1e-8)
    assert covariance[0, 1] == pytest.approx(slope * x[:, 0].var(), rel=1e-8)
    assert filled("em", x).value[1, 1] == pytest.approx(constant + 7 * slope, rel=1e-7)


def test_em_of_complete_data_is_the_mean_and_covariance():
    x = np.random.default_rng(2).normal(size=(8, 3))
    mean, covariance = normal_imputation.em(x)
    np.testing.assert_allclose(mean[0], x.mean(0), rtol=1e-10)
    np.testing.assert_allclose(covariance, np.cov(x, rowvar=False, ddof=0), rtol=1e-9)


def test_em_does_not_depend_on_units_of_measurement():
    k = np.array([1e-6, 1.0, 1e6])
    np.testing.assert_allclose(filled("em", X * k).value, filled("em").value * k, rtol=1e-6)


def test_em_refuses_what_it_cannot_find():
    with pytest.raises(DataError, match="columns 1 are constant"):
        normal_imputation.em(np.column_stack([np.arange(5.0), np.ones(5)]))
    with pytest.raises(DataError, match="3 units cannot give the covariance of 3"):
        normal_imputation.em(X[:3, :])
    with pytest.raises(DataError, match="did not converge in 1 rounds"):
        normal_imputation.em(X, max_rounds=1)


def panel():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(60, 3)) @ np.array([[1, 0.8, 0.3], [0, 0.6, 0.2], [0, 0, 0.9]])
    x[:15, 2] = np.nan
    return x


def test_several_imputations_vary_where_nothing_was_observed_and_only_there():
    x = panel()
    tables = normal_imputation.multiple(x, 30, seed=0)
    np.testing.assert_array_equal(tables[:, ~np.isnan(x)], np.broadcast_to(x[~np.isnan(x)], (30, 165)))
    assert (tables[:, :15, 2].std(0) > 0.1).all()


def test_several_imputations_are_centred_on_em_and_wider_than_its_residuals():
    x = panel()
    tables = normal_imputation.multiple(x, 400, seed=3)
    _, S = normal_imputation.em(x)
    residual = S[2, 2] - S[2, :2] @ np.linalg.solve(S[:2, :2], S[:2, 2])
    expected = filled("em", x).value[:15, 2]
    error = tables[:, :15, 2].std(0) / 400**0.5
    assert (np.abs(tables[:, :15, 2].mean(0) - expected) < 5 * error).all()
    assert tables[:, :15, 2].var(0).mean() > residual * 0.9


def test_a_seed_repeats_the_tables_zero_included():
    x = panel()
    one, two, other = (normal_imputation.multiple(x, 2, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert (one[:, 0, 2] != other[:, 0, 2]).all()
    assert (normal_imputation.multiple(x, 2)[:, 0, 2] != one[:, 0, 2]).all()


def test_of_a_panel_latest_constant_and_linear():
    x = np.array([np.nan, 1.0, np.nan, np.nan, 7.0, np.nan]).reshape(6, 1, 1)
    years = [2010, 2011, 2012, 2014, 2017, 2018]
    found = {
        how: imputation.over_time(x, years, how).value.ravel() for how in ("latest", "constant", "linear")
    }
    np.testing.assert_array_equal(found["latest"], [np.nan, 1, 1, 1, 7, 7])
    np.testing.assert_array_equal(found["constant"], [1, 1, 1, 1, 7, 7])
    np.testing.assert_array_equal(found["linear"], [1, 1, 2, 4, 7, 7])


def test_a_gap_that_is_too_long_stays():
    x = np.array([1.0, np.nan, np.nan, np.nan]).reshape(4, 1, 1)
    found = imputation.over_time(x, [1, 2, 3, 4], "latest", max_gap=2)
    assert found.source.ravel().tolist() == [0, 1, 1, 2]


def test_times_must_rise():
    with pytest.raises(DataError, match="must rise"):
        imputation.over_time(np.ones((2, 1, 1)), [2, 1])


@pytest.mark.parametrize("method", ["mean", "median", "row-mean", "em"])
def test_leading_axes_are_separate_tables(method):
    stack = np.stack([X, X[::-1] * 3])
    found = filled(method, stack).value
    for k in range(2):
        np.testing.assert_allclose(found[k], filled(method, stack[k]).value, rtol=1e-12)


def test_leading_axes_of_a_regression_are_separate_tables():
    stack = np.stack([X, X[::-1] * 3])
    found = filled("regression", stack, predictors=(2,)).value
    for k in range(2):
        expected = filled("regression", stack[k], predictors=(2,)).value
        np.testing.assert_allclose(found[k], expected, rtol=1e-10)
