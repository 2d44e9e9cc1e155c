from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.stats.ranking import competition_ranks

GOLDEN = Path(__file__).parents[1] / "golden" / "composite"


def test_ranks_are_those_of_the_golden_index():
    scores = pd.read_csv(GOLDEN / "01_build" / "Aggregated.csv", index_col="uCode")
    expected = pd.read_csv(GOLDEN / "01_build" / "results_ranks.csv", index_col="uCode").loc[scores.index]
    for node in expected.columns.intersection(scores.columns):
        np.testing.assert_array_equal(competition_ranks(scores[node]), expected[node], err_msg=node)


def test_ties_share_the_best_rank_and_the_next_counts_them_all():
    assert competition_ranks([80, 85, 80, 80, 70]).tolist() == [2, 1, 2, 2, 5]


def test_the_lowest_is_first_where_less_is_better():
    assert competition_ranks([0.3, 0.1, 0.3, 0.5], direction=-1).tolist() == [2, 1, 2, 4]


@pytest.mark.parametrize("direction", [1, -1])
def test_a_missing_value_has_no_rank_and_takes_none(direction):
    with_gap = competition_ranks([1.0, np.nan, 3.0, 2.0], direction=direction)
    assert np.isnan(with_gap[1])
    without = competition_ranks([1.0, 3.0, 2.0], direction=direction)
    np.testing.assert_array_equal(np.delete(with_gap, 1), without)


def test_nothing_has_no_ranks():
    assert competition_ranks([]).tolist() == []
    assert np.isnan(competition_ranks([np.nan, np.nan])).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12))
def test_a_rank_is_one_more_than_the_number_that_are_better(values):
    expected = [1 + sum(other > value for other in values) for value in values]
    assert competition_ranks(values).tolist() == expected
