"""An estimate drawn anew moves as its joint error says, and never out of its bounds."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.stats.covariance import Errors, Level

N = 20_000


def errors(Z, sample="s"):
    units = np.ones(len(Z[0]))
    level = Level(csr_array(np.array(Z, float)), np.zeros(len(units), int), units, 2 * units)
    return Errors((level,), sample)


def estimate(values, std_error, *, unit="index", indicator="x", **attributes):
    table = pd.DataFrame(
        {
            "region": [f"r{i}" for i in range(len(values))],
            "estimate": values,
            "std_error": std_error,
            "conf_low": np.nan,
            "conf_high": np.nan,
            "n": 100,
        }
    )
    return Estimate(table, indicator=indicator, unit=unit, method="m", **attributes)


Z = [[1.0, -1.0, 0.5], [0.0, 2.0, -1.0]]


def joint(**attributes):
    found = errors(Z)
    dense = np.array(Z) @ (2 * (np.eye(3) - 1 / 3)) @ np.array(Z).T
    return estimate([10.0, 20.0], np.sqrt(np.diag(dense)), errors=found, **attributes), dense


def test_draws_have_the_covariance_of_the_joint_error():
    found, cov = joint()
    drawn = found.draws(N, seed=1)
    np.testing.assert_allclose(found.covariance(), cov, rtol=1e-13)
    bound = 5 * np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / N)
    assert (np.abs(np.cov(drawn.T) - cov) < bound).all()
    assert (np.abs(drawn.mean(0) - [10, 20]) < 5 * np.sqrt(np.diag(cov) / N)).all()


def test_estimates_of_one_sample_and_seed_move_together_and_others_do_not():
    one, _ = joint(indicator="a")
    two, _ = joint(indicator="b")
    np.testing.assert_array_equal(one.draws(50, seed=3), two.draws(50, seed=3))
    other = two.replace(errors=Errors(two.errors.levels, "another"))
    r = np.corrcoef(one.draws(N, seed=3)[:, 0], other.draws(N, seed=3)[:, 0])[0, 1]
    assert abs(r) < 5 / np.sqrt(N)


def test_two_indicators_without_a_common_sample_are_independent_with_the_same_seed():
    a = estimate([50.0], [2.0], indicator="a").draws(N, seed=0)[:, 0]
    b = estimate([50.0], [2.0], indicator="b").draws(N, seed=0)[:, 0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(N)
    assert abs(np.std((a + b) / 2) - np.sqrt(2)) < 0.05


def test_the_seed_zero_is_a_seed_and_each_gives_its_own_draws():
    found = estimate([50.0], [2.0])
    np.testing.assert_array_equal(found.draws(5, seed=0), found.draws(5, seed=0))
    assert not np.array_equal(found.draws(5, seed=0), found.draws(5, seed=1))


def test_row_order_does_not_matter():
    found = estimate([50.0, 60.0, 70.0], [1.0, 2.0, 3.0])
    turned = found.take([2, 0, 1])
    np.testing.assert_array_equal(turned.draws(7, seed=4), found.draws(7, seed=4)[:, [2, 0, 1]])
    both, _ = joint()
    np.testing.assert_allclose(
        both.take([1, 0]).draws(7, seed=4), both.draws(7, seed=4)[:, [1, 0]], rtol=1e-13
    )


def test_a_rate_never_leaves_0_to_100():
    found = estimate([99.6, 1.0], [0.8, 2.0], unit="%")
    drawn = found.draws(N, seed=5)
    assert drawn.min() > 0
    assert drawn.max() < 100
    plain = estimate([99.6, 1.0], [0.8, 2.0]).draws(N, seed=5)
    assert plain.max() > 100
    assert plain.min() < 0


def test_an_unknown_error_is_refused_unless_it_is_held_fixed():
    found = estimate([90.0, 80.0], [np.nan, 1.0], unit="%")
    with pytest.raises(DataError, match="r0"):
        found.draws(5, seed=1)
    drawn = found.draws(5, seed=1, unknown="fixed")
    assert (drawn[:, 0] == 90).all()
    assert drawn[:, 1].std() > 0
    with pytest.raises(OptionError, match="fixed"):
        found.draws(5, seed=1, unknown="fix")


def test_none_failed_of_n_still_moves():
    table = estimate([100.0], [np.nan], unit="%").table.assign(numerator=50, denominator=50)
    found = Estimate(table, indicator="x", unit="%", method="m", inference="superpopulation")
    drawn = found.draws(N, seed=6)
    assert drawn.max() <= 100
    assert abs(drawn.mean() - 100 * 50.5 / 51) < 0.05


def test_other_rows_have_no_joint_error_and_its_length_is_checked():
    found, _ = joint()
    assert found.replace(found.table).errors is None
    assert found.replace(notes=["n"]).errors is found.errors
    assert found.where(region="r1").errors.levels[0].Z.shape == (1, 3)
    with pytest.raises(DataError, match="2 rows"):
        estimate([1.0], [1.0], errors=found.errors)


def test_the_covariance_of_independent_rows_is_diagonal():
    np.testing.assert_array_equal(
        estimate([1.0, 2.0], [3.0, np.nan]).covariance(), [[9.0, 0.0], [0.0, np.nan]]
    )
