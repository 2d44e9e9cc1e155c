import numpy as np
import pytest

from qstats.stats import intervals, rates


def test_a_ratio_over_nothing_is_unknown_and_neither_0_nor_1():
    found = rates.ratio([1, 0, 5, 2], [2, 0, 0, -1])
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan, np.nan])


def test_the_variance_of_a_proportion_is_that_of_the_mean_of_zeros_and_ones():
    sample = np.array([1, 1, 1, 0, 0, 1, 1, 1, 0])
    by_hand = sample.var(ddof=1) / len(sample)
    assert rates.binomial_variance(sample.sum(), len(sample)) == pytest.approx(by_hand, rel=1e-14)


def test_a_variance_that_would_be_zero_is_unknown():
    assert np.isnan(rates.binomial_variance([0, 5, 1, 0, 0], [5, 5, 1, 1, 0])).all()


def test_counted_rates_carry_counts_error_and_limits_in_percent():
    found = rates.counted([9, 10, 0], [10, 10, 0], method="jeffreys", level=0.9)
    low, high = intervals.proportion([9, 10, 0], [10, 10, 0], method="jeffreys", level=0.9)
    np.testing.assert_array_equal(found["estimate"], [90, 100, np.nan])
    np.testing.assert_allclose(found["std_error"], [100 * np.sqrt(0.09 / 9), np.nan, np.nan])
    np.testing.assert_allclose(found["conf_low"], 100 * low)
    np.testing.assert_allclose(found["conf_high"], 100 * high)
    assert found["n"].tolist() == found["denominator"].tolist() == [10, 10, 0]
    assert found["numerator"].tolist() == [9, 10, 0]
    assert found["n"].dtype == np.int64


def test_summed_rates_have_no_known_error():
    found = rates.summed([1.5, 0.0], [3.0, 0.0])
    np.testing.assert_array_equal(found["estimate"], [50, np.nan])
    for name in ("std_error", "conf_low", "conf_high", "n"):
        assert np.isnan(found[name]).all()


def test_a_cell_borrows_from_the_narrowest_pool_that_shows_a_variance():
    x, n = [9, 1, 10, 5], [10, 1, 10, 5]
    variance, borrowed = rates.cell_variance(x, n, [0, 0, 1, 1], [0, 0, 0, 0])
    first = (10 / 11) * (1 / 11) * 11 / 10  # of the pool of cells 0 and 1
    whole = (25 / 26) * (1 / 26) * 26 / 25  # the second pool shows none: all four cells
    np.testing.assert_allclose(variance, [0.09 / 9, first, whole / 10, whole / 5])
    assert borrowed.tolist() == [False, True, True, True]


def test_where_nothing_fails_anywhere_no_variance_is_invented():
    variance, borrowed = rates.cell_variance([3, 4, 0], [3, 4, 0], [0, 0, 0])
    assert np.isnan(variance).all()
    assert not borrowed.any()


def test_layered_weights_keep_the_layer_that_has_a_gap():
    V, observed = [30, 10, 60, 20], [True, False, True, True]
    regions = rates.layered_weights(V, observed, [0] * 4, [0, 0, 1, 1])
    industries = rates.layered_weights(V, observed, [0] * 4, [0, 1, 0, 1])
    np.testing.assert_allclose(regions, [40 / 120, 0, 60 / 120, 20 / 120])
    np.testing.assert_allclose(industries, [30 / 120, 0, 60 / 120, 30 / 120])


def test_layered_weights_without_gaps_do_not_depend_on_the_layer():
    V = np.array([3.0, 1, 6, 2])
    for layer in ([0, 0, 1, 1], [0, 1, 0, 1]):
        np.testing.assert_allclose(rates.layered_weights(V, [True] * 4, [0] * 4, layer), V / V.sum())


def test_a_layer_without_an_observed_cell_drops_out_and_an_empty_group_has_no_weight():
    found = rates.layered_weights([1, 2, 3, 4], [False, True, False, False], [0, 0, 1, 1], [0, 1, 0, 1])
    np.testing.assert_allclose(found, [0, 1, 0, 0])


def test_an_empty_cell_passes_its_weight_to_its_pool_by_size():
    W, V, observed = [0.4, 0.2, 0.1, 0.3], [40, 20, 10, 30], [True, False, True, True]
    found = rates.passed_on(W, V, observed, [0] * 4, [0, 0, 0, 1])
    np.testing.assert_array_equal(found.cell, [0, 2, 3])
    np.testing.assert_allclose(found.weight, [0.4 + 0.2 * 40 / 50, 0.1 + 0.2 * 10 / 50, 0.3])
    assert found.weight.sum() == pytest.approx(1)


def test_a_donor_may_be_in_another_group():
    found = rates.passed_on([0.5, 0.5, 1.0], [1, 1, 1], [True, False, True], [0, 0, 1], [0, 1, 1])
    entries = sorted(zip(found.group.tolist(), found.cell.tolist(), found.weight.tolist(), strict=True))
    assert entries == [(0, 0, 0.5), (0, 2, 0.5), (1, 2, 1.0)]


def test_weighted_rates_add_up_cells_variances_and_effective_sizes():
    entries = rates.Entries(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.25, 0.75, 1.0]))
    found = rates.weighted_rate([0.9, 0.8], [0.01, 0.04], [10, 20], entries, groups=3)
    np.testing.assert_allclose(found.rate, [0.825, 0.8, np.nan])
    np.testing.assert_allclose(found.variance, [0.0625 * 0.01 + 0.5625 * 0.04, 0.04, np.nan])
    np.testing.assert_allclose(found.n_eff, [1 / (0.0625 / 10 + 0.5625 / 20), 20, np.nan])


def test_one_unknown_variance_with_weight_makes_the_variance_of_the_mean_unknown():
    entries = rates.Entries(np.array([0, 0]), np.array([0, 1]), np.array([0.5, 0.5]))
    found = rates.weighted_rate([1.0, 0.8], [np.nan, 0.04], [10, 20], entries, groups=1)
    assert found.rate[0] == pytest.approx(0.9)
    assert np.isnan(found.variance[0])


def test_grades_are_weighted_row_by_row():
    np.testing.assert_allclose(
        rates.grade_score([10, 0], [20, 0], [30, 40], (1.5, 1.0, 0.5)), [15 + 20 + 15, 20]
    )
    np.testing.assert_allclose(rates.grade_score(10, 20, 30, (0, 0, 1)), 30)
