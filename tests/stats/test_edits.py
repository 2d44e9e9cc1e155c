"""Hidiroglou–Berthelot: worked by hand, and what must hold of any data.

Tolerance: the effect is a handful of products, so 1e-12 relative.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats.edits import hidiroglou_berthelot

X, X0 = [50, 100, 100, 200, 400], [100] * 5
positive = st.floats(0.1, 1e6)
pairs = st.lists(st.tuples(positive, positive), min_size=5, max_size=15)


@pytest.mark.parametrize(
    ("U", "effect"),
    [(0, [-1, 0, 0, 1, 3]), (0.5, [-10, 0, 0, np.sqrt(200), 60]), (1, [-100, 0, 0, 200, 1200])],
)
def test_effects_worked_by_hand(U, effect):
    found = hidiroglou_berthelot(X, X0, U=U)
    np.testing.assert_allclose(found.effect, effect, rtol=1e-12)
    assert found.ratio.tolist() == [0.5, 1, 1, 2, 4]
    np.testing.assert_allclose([found.low, found.high], [0, 4 * effect[3]], rtol=1e-12)


def test_the_width_of_the_limits_is_c_quartile_distances():
    found = hidiroglou_berthelot(X, X0, U=1, C=7)
    assert (found.low, found.high) == (0, 1400)


def test_a_is_the_least_width_in_medians():
    x, x0 = [10, 20, 30, 40, 50, 60], [10] * 6
    E_M = np.median(hidiroglou_berthelot(x, x0).effect)
    assert E_M != 0
    A = 1e6
    wide = hidiroglou_berthelot(x, x0, A=A)
    np.testing.assert_allclose(
        [wide.low, wide.high], [E_M - 4 * A * abs(E_M), E_M + 4 * A * abs(E_M)], rtol=1e-12
    )
    assert hidiroglou_berthelot(x, x0).high < wide.high


@settings(deadline=None, max_examples=50)
@given(pairs=pairs, scale=st.sampled_from([1e-3, 0.5, 1024.0]), U=st.sampled_from([0.0, 0.3, 1.0]))
def test_another_unit_of_measure_scales_effects_and_limits_alike(pairs, scale, U):
    x, x0 = np.array(pairs).T
    one, other = (hidiroglou_berthelot(x * c, x0 * c, U=U) for c in (1.0, scale))
    size = np.abs(one.effect).max() * scale**U + 1e-300
    np.testing.assert_allclose(other.effect / size, one.effect * scale**U / size, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(pairs=pairs.filter(lambda p: len(p) % 2 == 1))
def test_exchanging_the_periods_turns_the_signs_of_an_odd_number_of_effects(pairs):
    x, x0 = np.array(pairs).T
    there, back = hidiroglou_berthelot(x, x0), hidiroglou_berthelot(x0, x)
    size = np.abs(there.effect).max() + 1e-300
    np.testing.assert_allclose(back.effect / size, -there.effect / size, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(-back.low / size, there.high / size, rtol=1e-8, atol=1e-8)


@settings(deadline=None, max_examples=50)
@given(pairs=pairs, seed=st.integers(0, 100))
def test_the_order_of_units_does_not_matter(pairs, seed):
    x, x0 = np.array(pairs).T
    order = np.random.default_rng(seed).permutation(len(x))
    there, back = hidiroglou_berthelot(x, x0), hidiroglou_berthelot(x[order], x0[order])
    np.testing.assert_array_equal(back.effect, there.effect[order])
    assert (back.low, back.high) == (there.low, there.high)


def test_what_cannot_be_compared_has_no_effect_and_moves_no_limit():
    found = hidiroglou_berthelot([*X, 0, np.nan, 5, -3, np.inf], [*X0, 5, 5, 0, 5, 5], U=1)
    assert np.isnan(found.effect[5:]).all() and np.isnan(found.ratio[5:]).all()
    assert found[2:] == hidiroglou_berthelot(X, X0, U=1)[2:]
    nothing = hidiroglou_berthelot([0.0], [1.0])
    assert np.isnan([nothing.low, nothing.high]).all() and nothing.compared == 0


@pytest.mark.parametrize("wrong", [{"U": 1.5}, {"U": -0.1}, {"A": -1}, {"C": 0}, {"C": np.nan}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        hidiroglou_berthelot(X, X0, **wrong)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(OptionError, match="shape"):
        hidiroglou_berthelot(X, X0[:2])
