import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats.scorecard import add_up, position, rounded, share

TREE = {"all": "", "t": "all", "m": "all", "t1": "t", "t2": "t"}
WEIGHTS = {"all": 1.0, "t": 0.4, "m": 0.6, "t1": 0.25, "t2": 0.75}


@settings(deadline=None, max_examples=50)
@given(x=st.floats(-10, 110), L=st.floats(0, 40), width=st.floats(1, 60))
def test_more_and_less_are_mirror_images(x, L, width):
    up, down = float(share(x, L, L + width)), float(share(x, L, L + width, -1))
    assert 0 <= up <= 1
    assert up + down == pytest.approx(1, rel=1e-12)


def test_all_or_nothing():
    assert share([94.9, 95, 99], 90, 95, all_or_nothing=True).tolist() == [0, 1, 1]
    assert share([0.1, 0.2, 0.3], 0.2, 0.7, -1, all_or_nothing=True).tolist() == [1, 1, 0]
    assert share(94.9, 90, 95).item() == pytest.approx(0.98)
    assert np.isnan(share(np.nan, 90, 95, all_or_nothing=True))
    assert share(0.1 + 0.2, 0, 0.3, all_or_nothing=True).item() == 1


def test_shares_add_up_the_tree():
    found = add_up({"t1": np.array([1.0]), "t2": np.array([0.5]), "m": np.array([0.8])}, TREE, WEIGHTS)
    assert found["t"].item() == pytest.approx(0.625)
    assert found["all"].item() == pytest.approx(0.4 * 0.625 + 0.6 * 0.8)


@pytest.mark.parametrize(
    ("missing", "t", "whole"),
    [
        ("zero", 0.25, 0.4 * 0.25 + 0.6 * 0.8),
        ("renormalise", 1.0, 0.4 + 0.6 * 0.8),
        ("propagate", np.nan, np.nan),
    ],
)
def test_a_missing_value(missing, t, whole):
    leaves = {"t1": np.array([1.0]), "t2": np.array([np.nan]), "m": np.array([0.8])}
    found = add_up(leaves, TREE, WEIGHTS, missing=missing)
    assert found["t"].item() == pytest.approx(t, nan_ok=True)
    assert found["all"].item() == pytest.approx(whole, nan_ok=True)


def test_a_node_without_any_value_leaves_its_weight_to_the_others():
    leaves = {"t1": np.array([np.nan]), "t2": np.array([np.nan]), "m": np.array([0.8])}
    found = add_up(leaves, TREE, WEIGHTS, missing="renormalise")
    assert np.isnan(found["t"]).all() and found["all"].item() == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("rounding", "grades"),
    [
        ("half-up", [3, 3, 2, 1, 0]),
        ("half-even", [3, 3, 2, 1, 0]),
        ("down", [3, 2, 2, 1, 0]),
        ("none", [3, 2, 2, 1, 0]),
    ],
)
def test_the_grade_of_a_score_between_whole_numbers(rounding, grades):
    assert position([90, 89.5, 89.4, 60, 59.4], [60, 80, 90], rounding=rounding).tolist() == grades


def test_ties_go_where_the_rule_says():
    assert position(88.5, [89], rounding="half-up") == 1
    assert position(88.5, [89], rounding="half-even") == 0
    assert position(89.9, [89.5], rounding="down") == 0
    assert position(89.9, [89.5], rounding="none") == 1


def test_a_tie_in_decimal_digits_is_a_tie():
    score = 100 * (0.4 * 0.625 + 0.6 * 0.875) + 12  # 89.5, stored beside it
    assert rounded(score - 1e-13, rounding="half-up") == 90
    assert np.isnan(position(np.nan, [60], rounding="none"))


def test_cuts_ascend_and_choices_exist():
    with pytest.raises(OptionError, match="ascend"):
        position(80, [90, 80], rounding="none")
    with pytest.raises(OptionError, match="half-even"):
        rounded(80, rounding="half")
    with pytest.raises(OptionError, match="renormalise"):
        add_up({}, TREE, WEIGHTS, missing="raise")
