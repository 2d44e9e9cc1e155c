import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

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


@pytest.mark.parametrize(
    ("size", "said"),
    [(np.nan, "1 denominators are missing in columns 1"), (np.inf, "are infinite in columns 1")],
)
def test_a_denominator_that_is_missing_or_infinite_is_refused(size, said):
    with pytest.raises(DataError, match=said):
        screening.denominate([[6.0, 1.0]], [[2.0, size]])


def test_a_missing_denominator_can_make_a_hole_and_an_infinite_one_never_a_zero():
    assert np.isnan(screening.denominate([[6.0, 1.0]], [[2.0, np.nan]], zero="nan")[0]).tolist() == [
        False,
        True,
    ]
    with pytest.raises(DataError, match="infinite"):
        screening.denominate([[6.0, 1.0]], [[2.0, np.inf]], zero="nan")


# powers of two and the ends of the numbers

TABLES = arrays(float, (5, 3), elements=st.integers(-99, 99).map(float))
POWERS = st.integers(-900, 900)


@settings(deadline=None, max_examples=50)
@given(TABLES, st.lists(POWERS, min_size=3, max_size=3))
def test_a_power_of_two_scales_deviations_and_leaves_shapes_and_correlations_to_the_last_bit(x, k):
    x[0] = [0.1, 0.7, 1e-3]
    scaled = np.ldexp(x, k)
    np.testing.assert_array_equal(moments.std(scaled), np.ldexp(moments.std(x), k))
    np.testing.assert_array_equal(moments.std(scaled, ddof=0), np.ldexp(moments.std(x, ddof=0), k))
    np.testing.assert_array_equal(moments.shape(scaled), moments.shape(x))
    np.testing.assert_array_equal(moments.correlations(scaled), moments.correlations(x))


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_moments_at_the_ends_of_the_numbers_are_those_of_ordinary_values(size):
    x = np.array([[1.0, 5.0], [2.0, 4.0], [4.0, -3.0], [9.0, 0.0]])
    np.testing.assert_allclose(moments.std(x * size)[0] / size, np.std(x, axis=0, ddof=1), rtol=1e-14)
    np.testing.assert_allclose(moments.correlations(x * size), np.corrcoef(x, rowvar=False), rtol=1e-14)
    np.testing.assert_allclose(moments.shape(x * size), moments.shape(x), rtol=1e-13)
    np.testing.assert_allclose(moments.std(np.array([[1e308], [-1e308]])) / 1e308, 2**0.5, rtol=1e-14)


def test_deviations_are_the_table_less_its_means_and_nothing_of_what_is_missing():
    z, e = moments.deviations(HOLES)
    np.testing.assert_array_equal(np.ldexp(z, e), np.nan_to_num(HOLES - np.nanmean(HOLES, axis=0)))
    np.testing.assert_allclose(np.abs(z).max(0), [5 / 3 / 2, 0.0, 3.75 / 4], rtol=1e-15)
    assert np.isnan(moments.std(np.full((3, 1), np.nan))).all()
    assert moments.std(np.full((3, 1), 1e300)).tolist() == [[0.0]]
