"""Rounding by GB/T 8170."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats.rounding import round_to, to_decimal


@pytest.mark.parametrize(
    ("x", "digits", "even", "up"),
    [
        (80.985, 2, "80.98", "80.99"),  # the published index of 2007 is the half-up one
        (79.98, 2, "79.98", "79.98"),
        (0.5, 0, "0", "1"),
        (1.5, 0, "2", "2"),
        (2.5, 0, "2", "3"),
        (2.675, 2, "2.68", "2.68"),  # binary 2.675 lies below the tie
        (1.005, 2, "1.00", "1.01"),
        (-80.985, 2, "-80.98", "-80.99"),
        (-0.004, 2, "0.00", "0.00"),
        (1250, -2, "1.2E+3", "1.3E+3"),
        (1e22, 2, "10000000000000000000000.00", "10000000000000000000000.00"),
    ],
)
def test_a_tie_goes_to_the_even_digit_or_away_from_zero(x, digits, even, up):
    assert str(to_decimal(x, digits=digits)) == even
    assert str(to_decimal(x, digits=digits, rule="half-up")) == up


def test_the_mean_of_the_printed_halves_of_2007_gives_the_printed_index_half_up():
    assert to_decimal((84.76 + 77.21) / 2, digits=2, rule="half-up") == Decimal("80.99")
    assert to_decimal((84.76 + 77.21) / 2, digits=2) == Decimal("80.98")


@settings(max_examples=60)
@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_a_number_that_has_few_enough_digits_is_left_alone(units, digits):
    x = float(Decimal(units).scaleb(-digits))
    assert to_decimal(x, digits=digits) == Decimal(units).scaleb(-digits)


@settings(max_examples=60)
@given(st.floats(-1e6, 1e6), st.integers(0, 6), st.sampled_from(["half-even", "half-up"]))
def test_rounding_moves_by_half_a_unit_at_most_and_once_is_enough(x, digits, rule):
    once = round_to(x, digits=digits, rule=rule)
    assert abs(float(once) - x) <= 0.5 * 10.0**-digits * (1 + 1e-9) + 1e-9
    assert round_to(once, digits=digits, rule=rule) == once


def test_an_array_keeps_its_shape_and_its_missing_values():
    rounded = round_to([[0.125, np.nan], [np.inf, -0.375]], digits=2)
    np.testing.assert_array_equal(rounded, [[0.12, np.nan], [np.inf, -0.38]])
    assert round_to([], digits=2).shape == (0,)
    assert not np.signbit(round_to(-0.001, digits=2))


def test_wrong_options_are_refused_with_the_list():
    with pytest.raises(OptionError, match=r"half-even.*half-up"):
        round_to([], digits=2, rule="half-down")
    with pytest.raises(OptionError, match="digits=10"):
        to_decimal(1.0, digits=10)
    with pytest.raises(OptionError, match="not finite"):
        to_decimal(float("nan"), digits=1)
