import numpy as np
import pytest

from qstats.errors import DataError, OptionError
from qstats.stats import moments, screening

HOLES = np.array([[1.0, np.nan, 0.0], [2.0, np.nan, 4.0], [np.nan, np.nan, 5.0], [4.0, 1.0, 6.0]])


def test_a_denominator_divides_and_a_scale_multiplies():
    found = screening.denominate([[6.0, 1.0], [9.0, 2.0]], [[2.0, 1.0], [3.0, 1.0]], scale=[10, 1])
    assert found.tolist() == [[30.0, 1.0], [30.0, 2.0]]


@pytest.mark.parametrize("zero", [0.0, -2.0])
def test_a_denominator_that_is_not_positive_is_refused_or_gives_nan(zero):
    with pytest.raises(DataError, match=r"1 denominators are not positive in columns 1"):
        screening.denominate([[6.0, 1.0]], [[2.0, zero]])
    assert np.isnan(screening.denominate([[6.0, 1.0]], [[2.0, zero]], zero="nan")[0]).tolist() == [
        False,
        True,
    ]


def test_screening_keeps_what_has_enough():
    found = screening.screen(HOLES, min_unit=0.6, min_indicator=0.5)
    assert found.units.tolist() == [True, True, False, True]
    assert found.indicators.tolist() == [True, False, True]
    np.testing.assert_allclose(found.unit_share, [2 / 3, 2 / 3, 1 / 3, 1], rtol=1e-15)


def test_zeros_count_or_not():
    assert screening.screen(HOLES, min_unit=0.6, counted="nonzero").units.tolist() == [
        False,
        True,
        False,
        True,
    ]


def test_units_judged_on_the_indicators_left():
    found = screening.screen(HOLES, min_unit=0.6, min_indicator=0.5, first="indicators")
    assert found.unit_share.tolist() == [1.0, 1.0, 0.5, 1.0]


def test_indicators_judged_on_the_units_left():
    found = screening.screen(HOLES, min_unit=0.9, min_indicator=0.5, first="units")
    assert found.indicators.tolist() == [True, True, True]


def test_a_share_is_between_zero_and_one():
    with pytest.raises(OptionError, match=r"min_unit=60"):
        screening.screen(HOLES, min_unit=60)


def test_infinite_values_are_refused_by_column():
    with pytest.raises(DataError, match=r"1 infinite values in columns 1"):
        screening.screen([[1.0, np.inf]])
    with pytest.raises(DataError, match=r"shape \(2,\)"):
        screening.describe([1.0, 2.0])


def test_description_of_an_empty_column_is_nan_and_zero():
    found = screening.describe([[np.nan], [np.nan]])
    assert np.isnan([found.mean[0], found.least[0], found.skewness[0]]).all()
    assert [found.observed[0], found.different[0], found.same[0]] == [0.0, 0.0, 0.0]


def test_correlations_with_holes_refuse_drop_units_or_take_pairs():
    x = np.array([[1.0, 1.0, 3.0], [2.0, 3.0, np.nan], [3.0, 2.0, 1.0], [4.0, 5.0, 2.0]])
    with pytest.raises(DataError, match=r"1 values are missing in columns 2"):
        moments.correlations(x)
    rows = x[[0, 2, 3]]
    np.testing.assert_allclose(
        moments.correlations(x, missing="listwise"), np.corrcoef(rows, rowvar=False), rtol=1e-12
    )
    pairs = moments.correlations(x, missing="pairwise")
    np.testing.assert_allclose(pairs[0, 1], np.corrcoef(x[:, 0], x[:, 1])[0, 1], rtol=1e-12)
    np.testing.assert_allclose(pairs[0, 2], np.corrcoef(rows[:, 0], rows[:, 2])[0, 1], rtol=1e-12)


def test_leading_axes_are_separate_tables():
    x = np.random.default_rng(1).normal(size=(3, 6, 4))
    found = screening.describe(x)
    for k in range(3):
        np.testing.assert_array_equal(found.kurtosis[k], screening.describe(x[k]).kurtosis)
        np.testing.assert_allclose(moments.correlations(x)[k], np.corrcoef(x[k], rowvar=False), rtol=1e-10)
