from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.multitest import multipletests

from qstats.errors import OptionError
from qstats.stats import ranking
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


DRAWS = arrays(float, (9, 5), elements=st.integers(0, 6).map(float))


@settings(max_examples=40, deadline=None)
@given(DRAWS)
def test_ranks_of_many_rows_are_those_of_each(x):
    each = np.array([competition_ranks(row) for row in x])
    np.testing.assert_array_equal(competition_ranks(x), each)
    np.testing.assert_array_equal(each, 1 + (x[:, None, :] > x[:, :, None]).sum(-1))


def test_ranks_do_not_depend_on_how_many_are_done_at_once(monkeypatch):
    x = np.random.default_rng(0).integers(0, 9, (50, 7)).astype(float)
    whole = competition_ranks(x)
    monkeypatch.setattr(ranking, "_BLOCK", 10)
    np.testing.assert_array_equal(competition_ranks(x), whole)


@settings(max_examples=40, deadline=None)
@given(DRAWS, st.sampled_from([0.5, 0.8, 0.95]))
def test_at_most_half_of_the_rest_lies_beyond_either_end_of_an_interval(ranks, level):
    low, high = ranking.rank_interval(ranks, level=level)
    assert ((ranks < low).mean(0) <= (1 - level) / 2 + 1e-9).all()
    assert ((ranks > high).mean(0) <= (1 - level) / 2 + 1e-9).all()
    assert all(low[c] in ranks[:, c] and high[c] in ranks[:, c] for c in range(5))


def test_a_unit_without_ranks_has_no_interval():
    low, high = ranking.rank_interval([[1.0, np.nan], [2.0, np.nan]])
    assert np.isnan(low[1]) and np.isnan(high[1]) and low[0] == 1
    with pytest.raises(OptionError, match="level=95"):
        ranking.rank_interval([[1.0]], level=95)


@settings(max_examples=40, deadline=None)
@given(DRAWS)
def test_probabilities_of_a_pair_sum_to_one_and_turn_with_the_direction(x):
    P = ranking.outranking_probability(x)
    np.testing.assert_allclose(P + P.T, 1.0, rtol=1e-12)
    np.testing.assert_allclose(ranking.outranking_probability(x, direction=-1), P.T, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(DRAWS)
def test_acceptabilities_of_a_unit_sum_to_one(x):
    b = ranking.acceptability(competition_ranks(x))
    np.testing.assert_allclose(b.sum(1), 1.0, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(arrays(float, 6, elements=st.floats(0, 1)))
def test_adjusted_p_values_are_those_of_statsmodels(p):
    for ours, theirs in (("holm", "holm"), ("bh", "fdr_bh")):
        np.testing.assert_allclose(ranking.adjusted(p, ours), multipletests(p, method=theirs)[1], rtol=1e-12)
    np.testing.assert_array_equal(ranking.adjusted(p, "none"), p)


def test_a_question_that_is_not_asked_costs_nothing():
    found = ranking.adjusted([0.02, np.nan, 0.04], "holm")
    assert np.isnan(found[1]) and found[[0, 2]].tolist() == [0.04, 0.04]
    with pytest.raises(OptionError, match="bh"):
        ranking.adjusted([0.1], "bhh")


def test_every_unit_is_in_a_group_and_no_group_holds_two_that_differ():
    rng = np.random.default_rng(1)
    x = np.sort(rng.normal(size=12))
    apart = np.abs(x[:, None] - x) > 0.6
    found = ranking.groups(x, apart)
    assert {c for group in found for c in group} == set(range(12))
    assert not any(apart[c, d] for group in found for c in group for d in group)
    assert found[0][0] == 11 and len(found) > 1
    assert ranking.groups(x, np.zeros((12, 12))) == [list(range(11, -1, -1))]
