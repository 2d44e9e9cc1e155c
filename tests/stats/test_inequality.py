from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.stats.inequality import beta, gini, sigma, theil

GOLDEN = Path(__file__).parents[1] / "golden" / "analysis"
UNITS = st.lists(
    st.tuples(st.floats(0.1, 100), st.floats(0.1, 10), st.sampled_from("abc")), min_size=2, max_size=8
)


@settings(max_examples=50, deadline=None)
@given(UNITS, st.floats(0.1, 10))
@pytest.mark.parametrize("index", [theil, gini])
def test_parts_add_up_and_neither_scale_nor_order_matters(index, units, factor):
    y, w, g = (np.array(a) for a in zip(*units, strict=True))
    found = index(y, w, g)
    assert found.between + found.within + found.overlap == pytest.approx(found.total, abs=1e-12)
    assert min(found.total, found.between, found.within) >= -1e-15
    np.testing.assert_allclose(index(factor * y, 3 * w, g), found, atol=1e-12)
    np.testing.assert_allclose(index(y[::-1], w[::-1], g[::-1]), found, atol=1e-12)
    assert index(y, w).total == pytest.approx(found.total, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=6), st.integers(1, 4))
def test_a_weight_of_two_is_the_unit_twice(y, times):
    twice = np.repeat(y, times)
    for index in (theil, gini):
        assert index(y, np.full(len(y), float(times))).total == pytest.approx(index(twice).total, abs=1e-12)


def test_gini_is_the_area_between_the_lorenz_curve_and_the_diagonal():
    y, w = np.array([1.0, 2.0, 4.0, 9.0]), np.array([3.0, 1.0, 2.0, 1.0])
    p, s = np.cumsum([0, *w]) / w.sum(), np.cumsum([0, *(w * y)]) / (w * y).sum()
    assert gini(y, w).total == pytest.approx(1 - 2 * np.trapezoid(s, p))


def test_groups_that_do_not_overlap_leave_nothing_and_others_do():
    assert gini([1, 2, 5, 6], groups=["a", "a", "b", "b"]).overlap == pytest.approx(0, abs=1e-15)
    assert gini([1, 5, 2, 6], groups=["a", "a", "b", "b"]).overlap > 0.05
    assert theil([5, 5, 5]).total == 0


def test_convergence_against_stored_values():
    panel = pd.read_csv(GOLDEN / "data" / "panel31x10.csv").pivot(
        index="region", columns="year", values="quality"
    )
    stored = pd.read_csv(GOLDEN / "results" / "macro.csv").set_index(["call", "stat"])["value"]
    found = beta(panel[2014], panel[2023], 9)
    line = stored["lm(log(y2023/y2014)/9 ~ log(y2014))"]
    np.testing.assert_allclose(
        [found.intercept, found.slope, found.std_error, found.p],
        line[["intercept", "slope", "se", "p"]],
        rtol=1e-9,
    )
    curve = stored["nls(log(y1/y0)/T ~ a-(1-exp(-beta*T))/T*log(y0))"]
    assert found.speed == pytest.approx(curve["beta"], rel=1e-5)  # theirs is fitted by iteration
    assert found.speed_error == pytest.approx(curve["se_beta"], rel=1e-4)
    log_sd, cv = sigma(panel.to_numpy().T)
    np.testing.assert_allclose(log_sd, stored["sd(log(y)) by year; n-1"], rtol=1e-10)
    np.testing.assert_allclose(cv, stored["sd(y)/mean(y) by year; n-1"], rtol=1e-10)


def test_divergence_has_no_half_life():
    found = beta([80.0, 85.0, 90.0], [80.0, 88.0, 99.0], 5)
    assert found.slope > 0 and found.speed < 0 and np.isnan(found.half_life)


@pytest.mark.parametrize(
    "call", [lambda: theil([1.0, 0.0]), lambda: gini([1.0, np.nan]), lambda: sigma([1, -1])]
)
def test_values_that_have_no_logarithm_are_refused(call):
    with pytest.raises(DataError, match="above 0"):
        call()
    with pytest.raises(DataError, match="3 units"):
        beta([1.0, 2.0], [2.0, 3.0], 1)
