"""Tolerance 1e-12 of the golden tables: both sides do the same few operations in double precision."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats import composite
from qstats.stats.rounding import to_decimal

GOLDEN = Path(__file__).parents[1] / "golden" / "composite"


def golden(name):
    return pd.read_csv(GOLDEN / f"{name}.csv", index_col="uCode")


def nodes():
    meta = pd.read_csv(GOLDEN / "00_inputs" / "iMeta.csv", index_col="iCode")
    return meta[meta["Type"].isin(["Indicator", "Aggregate"])]


def aggregated(scores):
    """Add leaf scores up the tree of the golden framework."""
    tree, found = nodes(), scores.copy()
    for level in (2, 3, 4):
        for node in tree.index[tree["Level"] == level]:
            below = tree.index[tree["Parent"] == node]
            used = composite.available_weights(tree.loc[below, "Weight"], found[below].notna())
            found[node] = composite.aggregate(found[below], used)
    return found


@pytest.mark.parametrize(("floor", "ceiling"), [(60, 100), (0, 100), (1, 100)])
def test_minmax_is_that_of_the_golden_tables(floor, ceiling):
    x, expected = golden("01_build/Treated"), golden(f"04_normalise/minmax_{floor}_{ceiling}")
    direction = nodes().loc[x.columns, "Direction"]
    scores = composite.minmax(x, x.min(), x.max(), floor=floor, ceiling=ceiling, direction=direction)
    np.testing.assert_allclose(scores, expected[x.columns], rtol=1e-12, atol=0)


def test_minmax_of_60_to_100_is_the_default():
    assert composite.minmax([2.0, 3.0, 4.0], 2, 4).tolist() == [60.0, 80.0, 100.0]


def test_minmax_mirrors_where_less_is_better():
    x = np.array([0.1, 0.4, 1.2])
    up, down = (composite.minmax(x, 0.06, 1.369, direction=sign) for sign in (1, -1))
    np.testing.assert_allclose(up + down, 160, rtol=1e-12)


def test_minmax_shows_what_is_out_of_bounds_and_what_is_missing():
    np.testing.assert_array_equal(composite.minmax([-1.0, 3.0, np.nan], 0, 2), [40.0, 120.0, np.nan])


def test_every_level_of_the_golden_index_is_reproduced():
    found, expected = aggregated(golden("01_build/Normalised")), golden("01_build/Aggregated")
    np.testing.assert_allclose(found[expected.columns], expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["minmax1_100__amean", "missing__amean_thresh_none"])
def test_arithmetic_aggregation_is_that_of_the_golden_tables(name):
    source = "04_normalise/minmax_1_100" if name.startswith("minmax") else "05_aggregate/missing_input"
    scores, expected = golden(source), golden(f"05_aggregate/{name}")
    assert scores.isna().any(axis=None) == name.startswith("missing")
    found = aggregated(scores)[expected.columns]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


def test_weights_go_to_what_was_observed():
    used = composite.available_weights([0.5, 0.3, 0.2], [[True, True, True], [False, True, True]])
    np.testing.assert_allclose(used, [[0.5, 0.3, 0.2], [0, 0.6, 0.4]], rtol=1e-15)


def test_no_observed_weight_is_nan_and_not_an_even_split():
    assert np.isnan(composite.available_weights([0.5, 0.5, 0.0], [False, False, True])).all()


def test_a_score_without_weight_is_outside_the_mean_even_if_it_is_missing():
    assert composite.aggregate([70.0, np.nan], [1, 0]) == 70
    assert np.isnan(composite.aggregate([70.0, np.nan], [0.5, 0.5]))
    assert composite.aggregate_error([0.3, np.nan], [1, 0]) == 0.3
    assert np.isnan(composite.aggregate_error([0.3, np.nan], [0.5, 0.5]))


def test_errors_of_independent_indicators_add_in_squares():
    assert composite.aggregate_error([3.0, 2.0], [0.5, 1.0]) == pytest.approx(2.5, rel=1e-15)


@settings(max_examples=30, deadline=None)
@given(
    scores=st.lists(st.floats(60, 100), min_size=1, max_size=6),
    factor=st.floats(0.01, 100),
)
def test_a_common_factor_of_the_weights_cancels(scores, factor):
    weights = np.arange(1.0, len(scores) + 1)
    observed = np.ones(len(scores), bool)
    one, other = (composite.available_weights(w, observed) for w in (weights, factor * weights))
    assert composite.aggregate(scores, one) == pytest.approx(composite.aggregate(scores, other), rel=1e-12)


@pytest.mark.parametrize(("level", "z"), [(0.95, 1.959963984540054), (0.9, 1.6448536269514722)])
def test_the_normal_interval_is_kept_within_the_scale(level, z):
    low, high = composite.normal_interval([80.0, 99.0], 2.0, level=level, floor=60, ceiling=100)
    np.testing.assert_allclose(low, [80 - 2 * z, 99 - 2 * z], rtol=1e-12)
    np.testing.assert_allclose(high, [80 + 2 * z, 100], rtol=1e-12)


def test_an_unknown_error_has_no_interval():
    low, high = composite.normal_interval(80.0, np.nan, floor=60, ceiling=100)
    assert np.isnan(low) and np.isnan(high)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(OptionError, match=f"level={level}"):
        composite.normal_interval(80.0, 1.0, level=level, floor=60, ceiling=100)


@pytest.mark.parametrize(
    ("halves", "mean", "half_up", "half_even"),
    [((84.76, 77.21), 80.985, "80.99", "80.98"), ((83.41, 76.55), 79.98, "79.98", "79.98")],
)
def test_the_published_halves_weigh_half_each_and_a_tie_goes_up(halves, mean, half_up, half_even):
    # 80.985 of 2007 was published as 80.99: a tie went up; GB/T 8170 would have printed 80.98
    score = composite.aggregate(halves, [0.5, 0.5])
    assert score == pytest.approx(mean, rel=1e-14)
    assert str(to_decimal(score, digits=2, rule="half-up")) == half_up
    assert str(to_decimal(score, digits=2, rule="half-even")) == half_even
