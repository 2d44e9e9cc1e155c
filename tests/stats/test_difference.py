"""Tolerance 1e-12: Newcombe's method 10 is the same arithmetic; the limits of Wilson agree to 1e-15."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.stats.difference import Measured, difference
from qstats.stats.intervals import proportion

GOLDEN = Path(__file__).parents[1] / "golden" / "analysis" / "results" / "difference_intervals.csv"
NAN = np.nan


def newcombe():
    """Return case → est, lo, hi of Newcombe's method 10: the first sample minus the second."""
    table = pd.read_csv(GOLDEN)
    own = table[table["call"].str.startswith("Newcombe 1998 method 10")]
    return own.pivot(index="case", columns="stat", values="value").astype(float)


def measured(passed, n):
    low, high = proportion(passed, n, method="wilson")
    p = passed / n
    return Measured(p, low, high, np.sqrt(p * (1 - p) / n))


def numbers(sample):
    return tuple(int(part) for part in sample.split("/"))


@pytest.mark.parametrize("case", newcombe().index)
def test_from_wilson_intervals_it_is_newcombes_method_10(case):
    later, earlier = (measured(*numbers(sample)) for sample in case.split("-"))
    found, expected = difference(earlier, later), newcombe().loc[case]
    assert found.estimate == pytest.approx(expected["est"], abs=1e-12)
    assert found.low == pytest.approx(expected["lo"], abs=1e-12)
    assert found.high == pytest.approx(expected["hi"], abs=1e-12)


def test_standard_errors_add_in_squares():
    found = difference(Measured(1.0, NAN, NAN, 3.0), Measured(5.0, NAN, NAN, 4.0))
    assert (found.estimate, found.std_error) == (4, 5)


def test_from_normal_intervals_it_is_the_normal_interval():
    z, one, two = 1.96, 0.3, 0.4
    found = difference(
        Measured(90.0, 90 - z * one, 90 + z * one, one), Measured(92.0, 92 - z * two, 92 + z * two, two)
    )
    np.testing.assert_allclose([found.low, found.high], [2 - z * 0.5, 2 + z * 0.5], rtol=1e-12)


def test_each_limit_is_built_from_the_limits_that_face_it():
    # later 10 [7, 12], earlier 5 [3, 9]: l = 5 − √(3² + 4²), u = 5 + √(2² + 2²)
    found = difference(Measured(5.0, 3.0, 9.0, NAN), Measured(10.0, 7.0, 12.0, NAN))
    assert (found.low, found.high) == (0, pytest.approx(5 + np.sqrt(8), rel=1e-15))
    assert np.isnan(found.std_error)


@pytest.mark.parametrize("unknown", [0, 1])
def test_an_interval_that_one_side_lacks_is_not_known(unknown):
    sides = [Measured(5.0, 3.0, 9.0, 1.0), Measured(10.0, 7.0, 12.0, 1.0)]
    sides[unknown] = Measured(8.0, NAN, NAN, NAN)
    found = difference(*sides)
    assert np.isfinite(found.estimate)
    assert np.isnan([found.low, found.high, found.std_error]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 50), st.integers(0, 80))
def test_the_other_way_round_it_is_mirrored(a, b):
    one, two = measured(a, 50), measured(b, 80)
    there, back = difference(one, two), difference(two, one)
    assert there.estimate == -back.estimate
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))
    assert there.low <= there.estimate <= there.high
