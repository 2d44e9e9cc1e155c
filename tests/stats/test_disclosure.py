import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.stats import disclosure
from qstats.stats.disclosure import (
    Table,
    complement,
    count_rule,
    dominance_rule,
    equations,
    infer,
    p_percent_rule,
    width,
)


def crossed(x):
    """Return the cells of a two-way table with its margins, and their codes."""
    x = np.asarray(x, float)
    full = np.block([[x, x.sum(1, keepdims=True)], [x.sum(0, keepdims=True), x.sum(keepdims=True)]])
    i, j = np.meshgrid([*range(x.shape[0]), -1], [*range(x.shape[1]), -1], indexing="ij")
    return full.ravel(), np.column_stack([i.ravel(), j.ravel()])


def plain(values, codes, *, whole=True):
    n = np.asarray(values, float)
    return Table(
        equations(codes),
        n[:, None],
        np.ones((1, 1)),
        np.zeros(len(n)),
        np.full(len(n), np.inf),
        np.array([whole]),
    )


def test_few_are_more_than_none_and_less_than_the_minimum():
    assert count_rule([0, 1, 4, 5], 5).tolist() == [False, True, True, False]
    assert not count_rule([0, 1, 4, 5], 1).any()


def test_the_rules_of_contributors_by_hand():
    x, cell = [50, 30, 15, 5, 60, 40, 100, 7], [0, 0, 0, 0, 1, 1, 2, 3]
    assert dominance_rule(x, cell, 5, largest=1, percent=50).tolist() == [False, True, True, True, False]
    assert dominance_rule(x, cell, 5, largest=2, percent=79).tolist() == [True, True, True, True, False]
    assert dominance_rule(x, cell, 5, largest=2, percent=80).tolist() == [False, True, True, True, False]
    # the rest of cell 0 is 20 of 50, 40 %
    assert p_percent_rule(x, cell, 5, p=40).tolist() == [False, True, True, True, False]
    assert p_percent_rule(x, cell, 5, p=41).tolist() == [True, True, True, True, False]


def test_contributions_must_be_known_and_not_negative():
    for bad in (-1.0, np.nan):
        with pytest.raises(DataError, match="not negative"):
            p_percent_rule([1.0, bad], [0, 0], 1, p=10)


def test_every_margin_is_a_sum_of_its_cells():
    values, codes = crossed(np.arange(12).reshape(3, 4))
    M = equations(codes)
    assert len(M) == 3 + 4 + 3  # rows, columns, and the total by rows, by columns and by cells
    assert not (M @ values).any()
    assert np.linalg.matrix_rank(M) == 8
    assert equations([[0], [1]]).shape == (0, 2)
    assert equations(np.zeros((1, 0), int)).shape == (0, 1)


def test_one_hidden_cell_is_known_and_two_are_known_by_their_sum():
    table = plain([3, 40, 12, 55], [[0], [1], [2], [-1]])
    alone = infer(table, np.array([True, False, False, False]), 0, 0)
    assert (alone.low, alone.high) == (3, 3)
    two = infer(table, np.array([True, False, True, False]), 0, 0)
    assert (two.low, two.high) == pytest.approx((0, 15))
    assert infer(table, np.array([True, False, False, True]), 0, 0).high == np.inf


def test_intervals_of_a_two_way_table_by_hand():
    values, codes = crossed([[1, 9, 5], [7, 2, 5], [5, 5, 5]])
    hidden = np.zeros(16, bool)
    hidden[[0, 1, 4, 5]] = True  # the rectangle 1 9 / 7 2: a cycle moves by −1 … +2 or +7
    found = infer(plain(values, codes), hidden, 0, 0)
    assert (found.low, found.high) == pytest.approx((0, 1 + 7))
    found = infer(plain(values, codes), hidden, 5, 0)
    assert (found.low, found.high) == pytest.approx((1, 2 + 7))


def test_what_a_flag_says_narrows_the_interval():
    table = plain([1, 1, 30, 32], [[0], [1], [2], [-1]])
    hidden = np.array([True, True, False, False])
    assert (infer(table, hidden, 0, 0).low, infer(table, hidden, 0, 0).high) == pytest.approx((0, 2))
    told = table._replace(least=np.array([1.0, 1, 5, 5]), most=np.array([4.0, 4, np.inf, np.inf]))
    assert (infer(told, hidden, 0, 0).low, infer(told, hidden, 0, 0).high) == pytest.approx((1, 1))
    primary = hidden.copy()
    need = np.ones((4, 1))
    assert (complement(table, primary, need, [1, 1, 30, 32], primary | True) == hidden).all()
    assert complement(told, primary, need, [1, 1, 30, 32], primary | True).sum() == 3


def test_a_part_never_exceeds_its_whole():
    # passed and failed are the blocks; inspected is both
    passed, n = np.array([1.0, 8, 9]), np.array([2.0, 10, 12])
    blocks = np.column_stack([n - passed, passed])
    M = equations([[0], [1], [-1]])
    table = Table(M, blocks, np.array([[1.0, 1], [0, 1]]), np.zeros(3), np.full(3, np.inf), np.ones(2, bool))
    hidden = np.array([True, True, False])
    assert infer(table, hidden, 0, 1).high == pytest.approx(9)
    told = table._replace(least=np.array([1.0, 5, 0]), most=np.array([4.0, np.inf, np.inf]))
    assert infer(told, hidden, 0, 1).high == pytest.approx(4)
    assert infer(told, hidden, 0, 0).low == pytest.approx(1)


def test_whole_numbers_have_whole_widths():
    table = plain([1.0, 1.0], [[0], [1]])
    found = disclosure.Interval(0.4, 2.7, np.zeros(2))
    assert width(table, 0, found) == 1
    assert width(plain([1.0, 1.0], [[0], [1]], whole=False), 0, found) == pytest.approx(2.3)
    assert width(table, 0, disclosure.Interval(0.0, np.inf, np.zeros(2))) == np.inf


def test_the_cheapest_choice_is_found():
    """Against every choice of cells, for small tables."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        values, codes = crossed(rng.integers(1, 15, (2, 3)))
        table, primary = plain(values, codes), count_rule(values, 4)
        need = np.where(primary[:, None], 4.0, 0.0)
        hidden = complement(table, primary, need, values, values > 0)
        costs = []
        for bits in range(2**12):
            z = (bits >> np.arange(12) & 1).astype(bool)
            if (z < primary).any() or z @ values > hidden @ values:
                continue
            if all(width(table, 0, infer(table, z, c, 0)) >= 4 for c in np.flatnonzero(primary)):
                costs.append(z @ values)
        assert hidden @ values == min(costs)


def test_adding_cells_one_by_one_protects_as_well(monkeypatch):
    values, codes = crossed(np.random.default_rng(3).poisson(6, (4, 4)))
    table, primary = plain(values, codes), count_rule(values, 5)
    need = np.where(primary[:, None], 5.0, 0.0)
    best = complement(table, primary, need, values + 1, values > 0)
    monkeypatch.setattr(disclosure, "ROUNDS", 0)
    greedy = complement(table, primary, need, values + 1, values > 0)
    for hidden in (best, greedy):
        assert (hidden >= primary).all()
        assert all(width(table, 0, infer(table, hidden, c, 0)) >= 5 for c in np.flatnonzero(primary))
    assert best @ (values + 1) <= greedy @ (values + 1)


def test_what_cannot_be_protected_is_refused():
    table = plain([1, 1, 2], [[0], [1], [-1]])._replace(least=np.ones(3), most=np.full(3, 2.0))
    with pytest.raises(DataError, match="3 cells can be inferred"):
        complement(table, np.ones(3, bool), np.ones((3, 1)), np.ones(3), np.ones(3, bool))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=2, max_size=4),
    st.integers(2, 8),
    st.randoms(use_true_random=False),
)
def test_the_dual_bounds_the_width_of_every_other_choice(x, minimum, random):
    values, codes = crossed(x)
    table, primary = plain(values, codes), count_rule(values, minimum)
    for c in np.flatnonzero(primary)[:2]:
        z = primary | np.array([random.random() < 0.3 for _ in values])
        other = primary | np.array([random.random() < 0.5 for _ in values])
        found, wide = infer(table, z, int(c), 0), infer(table, other, int(c), 0)
        if np.isfinite(found.high):
            assert found.cut[z].sum() == pytest.approx(found.high - found.low, abs=1e-6)
            assert wide.high - wide.low <= found.cut[other].sum() + 1e-6
