r"""Disclosure control of tables: which cells to hide, and proof that what is shown does not give them away.

A table has cells c, margins among them, and equations :math:`\sum_c M_{ec} x_c = 0`: every margin is the
sum of its cells. What a reader can infer about hidden cells is a linear programme: the least and the
greatest value that fit everything shown.

References
----------
Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.2.2. Fischetti & Salazar-González (2001),
Management Science 47, sec. 3.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Count = NDArray[np.int64]

#: relative slack of the linear programmes
SLACK = 1e-7
#: rounds of the exact choice, and nodes of each; beyond them cells are added one by one
ROUNDS, NODES = 40, 2_000


def count_rule(n: ArrayLike, minimum: int) -> Mask:
    """Return where :math:`0 < n <` minimum: few contributors (nobody is disclosed by an empty cell).

    Parameters
    ----------
    n : array_like
        Contributors of each cell.
    minimum : int

    Returns
    -------
    ndarray of bool, like n

    Examples
    --------
    >>> count_rule([0, 1, 2, 3], 3).tolist()
    [False, True, True, False]
    """
    n = np.asarray(n, float)
    return np.asarray((n > 0) & (n < minimum))


def dominance_rule(
    contribution: ArrayLike, cell: ArrayLike, cells: int, *, largest: int, percent: float
) -> Mask:
    r"""Return where the largest contributors dominate: :math:`x_{(1)}+\dots+x_{(n)} > k\,X/100`.

    Parameters
    ----------
    contribution : array_like, shape (contributors,)
        What each contributes, not negative.
    cell : array_like of int, shape (contributors,)
        Number of the cell.
    cells : int
        Number of cells.
    largest, percent : int, float
        n and k of the rule.

    Returns
    -------
    ndarray of bool, shape (cells,)

    Raises
    ------
    DataError
        A contribution that is negative or missing.

    Examples
    --------
    >>> dominance_rule([90, 5, 5, 40, 30, 30], [0, 0, 0, 1, 1, 1], 2, largest=1, percent=75).tolist()
    [True, False]
    """
    x, rank, number = _ranked(contribution, cell)
    total = np.bincount(number, x, cells)
    top = np.bincount(number, np.where(rank < largest, x, 0.0), cells)
    return np.asarray(top > percent / 100 * total)


def p_percent_rule(contribution: ArrayLike, cell: ArrayLike, cells: int, *, p: float) -> Mask:
    r"""Return where the second largest contributor could estimate the largest within p %.

    .. math:: X - x_{(1)} - x_{(2)} < p\,x_{(1)}/100

    Parameters
    ----------
    contribution, cell, cells
        As for :func:`dominance_rule`.
    p : float
        In per cent.

    Returns
    -------
    ndarray of bool, shape (cells,)

    Raises
    ------
    DataError
        As for :func:`dominance_rule`.

    Examples
    --------
    >>> p_percent_rule([90, 5, 5, 40, 30, 30], [0, 0, 0, 1, 1, 1], 2, p=10).tolist()
    [True, False]
    """
    x, rank, number = _ranked(contribution, cell)
    first = np.bincount(number, np.where(rank == 0, x, 0.0), cells)
    rest = np.bincount(number, np.where(rank > 1, x, 0.0), cells)
    return np.asarray(rest < p / 100 * first)


def _ranked(contribution: ArrayLike, cell: ArrayLike) -> tuple[Array, Count, Count]:
    """Return contributions, the largest of each cell first, with their rank from 0."""
    x, number = np.asarray(contribution, float), np.asarray(cell, np.int64)
    if not (x >= 0).all():
        raise DataError(f"contributions must be known and not negative; the least is {np.min(x):g}")
    order = np.lexsort((-x, number))
    x, number = x[order], number[order]
    rank = np.arange(len(x)) - np.searchsorted(number, number, "left")
    return x, rank.astype(np.int64), number


def equations(codes: ArrayLike) -> Array:
    """Return M: a row for each way a margin is the sum of other cells.

    Parameters
    ----------
    codes : array_like of int, shape (cells, keys)
        Numbers of the key values of each cell, −1 for the margin; one or two keys.

    Returns
    -------
    ndarray, shape (equations, cells)
        1 for a part, −1 for the margin.

    Examples
    --------
    >>> equations([[0], [1], [-1]]).tolist()
    [[1.0, 1.0, -1.0]]
    """
    codes = np.asarray(codes, np.int64)
    rows = []
    for c in np.flatnonzero((codes < 0).any(1)):
        open_ = np.flatnonzero(codes[c] < 0)
        for size in range(1, len(open_) + 1):
            for chosen in combinations(open_, size):
                rest = [k for k in range(codes.shape[1]) if k not in chosen]
                part = (codes[:, chosen] >= 0).all(1) & (codes[:, rest] == codes[c, rest]).all(1)
                if part.any():
                    rows.append(part.astype(float) - (np.arange(len(codes)) == c))
    return np.array(rows).reshape(len(rows), len(codes))


class Table(NamedTuple):
    """What has to be protected. C cells, B blocks, K columns, E equations.

    Attributes
    ----------
    M : ndarray, shape (E, C)
        Equations, which hold for every block.
    blocks : ndarray, shape (C, B)
        Amounts that add up, not negative, that can vary independently (passed and failed, say).
    S : ndarray, shape (K, B)
        Which blocks add up to each column that is shown (inspected is passed and failed).
    least, most : ndarray, shape (C,)
        What is known of the first column of a cell once it is hidden (by the flag it carries).
    whole : ndarray of bool, shape (K,)
        Whether a column is known to be of whole numbers.
    """

    M: Array
    blocks: Array
    S: Array
    least: Array
    most: Array
    whole: Mask


class Interval(NamedTuple):
    """Least and greatest value of a column in a cell, and the cut of its width; see :func:`infer`."""

    low: float
    high: float
    cut: Array


def infer(table: Table, hidden: Mask, cell: int, column: int) -> Interval:
    r"""Return what everything shown implies about a hidden cell.

    .. math:: \min / \max\ \sum_b S_{kb} x_{cb} \quad\text{subject to}\quad M x_b = 0,\ x_{cb} \ge 0,\
              least_c \le \sum_b S_{0b} x_{cb} \le most_c, \quad x \text{ as shown where shown}

    Parameters
    ----------
    table : Table
    hidden : ndarray of bool, shape (cells,)
    cell, column : int
        Whose interval.

    Returns
    -------
    Interval
        ``low, high`` (±∞ where nothing bounds it), and ``cut``: for any other choice z of hidden cells
        the width is at most :math:`\sum_c cut_c z_c` (by duality); an infinite entry says that the cell
        alone may open it.

    Examples
    --------
    Of 3 + 5 + 7 = 15 the first two are hidden: they add up to 8. Alone the first is known.

    >>> M, cells = equations([[0], [1], [2], [-1]]), np.array([[3.0], [5.0], [7.0], [15.0]])
    >>> table = Table(M, cells, np.eye(1), np.zeros(4), np.full(4, np.inf), np.array([True]))
    >>> [infer(table, np.array([True, other, False, False]), 0, 0)[:2] for other in (True, False)]
    [(0.0, 8.0), (3.0, 3.0)]
    """
    value = float(table.S[column] @ table.blocks[cell])
    up, cut_up = _farthest(table, hidden, cell, table.S[column])
    down, cut_down = _farthest(table, hidden, cell, -table.S[column])
    return Interval(value - down, value + up, cut_up + cut_down)


def _farthest(table: Table, hidden: Mask, cell: int, direction: Array) -> tuple[float, Array]:
    """Return the greatest deviation in a direction, and the coefficients of its dual bound."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, kron, vstack

    C, B = table.blocks.shape
    free = np.flatnonzero(hidden)
    goal = np.zeros((C, B))
    goal[cell] = -direction
    touched = table.M[:, free].any(1)
    M = table.M[touched]
    A_eq = kron(csr_array(M[:, free]), eye_array(B), format="csr")
    bound = kron(eye_array(len(free)), table.S[:1], format="csr")
    first = table.blocks @ table.S[0]
    b_ub = np.concatenate([(table.most - first)[free], (first - table.least)[free]])
    known = np.isfinite(b_ub)
    both = vstack([bound, -bound], format="csr")
    done = linprog(
        goal[free].ravel(),
        A_ub=both[known] if known.any() else None,
        b_ub=b_ub[known] if known.any() else None,
        A_eq=A_eq if len(M) else None,
        b_eq=np.zeros(len(M) * B) if len(M) else None,
        bounds=np.column_stack([-table.blocks[free].ravel(), np.full(len(free) * B, np.inf)]),
        method="highs",
    )
    if done.status in (3, 4):  # 0 is feasible, so a programme without solution has no bound
        return np.inf, np.full(C, np.inf)
    pi = done.eqlin.marginals.reshape(-1, B) if len(M) else np.zeros((0, B))
    reduced = goal - M.T @ pi
    mu = np.zeros(len(b_ub))
    mu[known] = done.ineqlin.marginals if known.any() else 0.0
    reduced[free] -= (both.T @ mu).reshape(-1, B)
    small = SLACK * (1 + np.abs(pi).max(initial=0))
    cut = np.where(reduced > small, reduced * table.blocks, 0.0).sum(1)
    opens = (reduced < -small).any(1) & ~hidden
    cut[free] -= (mu * np.where(known, b_ub, 0.0)).reshape(2, -1).sum(0)
    return max(0.0, -float(done.fun)), np.where(opens, np.inf, cut)


def width(table: Table, column: int, found: Interval) -> float:
    """Return how wide an interval is, between whole numbers where only these are possible.

    Parameters
    ----------
    table, column, found
        As :func:`infer` takes them, and what it returns.

    Returns
    -------
    float

    Examples
    --------
    >>> width(Table(*[np.empty(0)] * 5, np.array([True])), 0, Interval(0.5, 8.5, np.empty(0)))  # 1 to 8
    7.0
    """
    if not table.whole[column] or not np.isfinite(found.high - found.low):
        return found.high - found.low
    slack = SLACK * (1 + abs(found.high))
    return float(np.floor(found.high + slack) - np.ceil(found.low - slack))


def complement(table: Table, primary: Mask, need: ArrayLike, cost: ArrayLike, may: Mask) -> Mask:
    r"""Return which cells to hide so that no primary cell can be inferred more closely than is needed.

    The cheapest choice, :math:`\min \sum_c cost_c z_c`, by cutting planes: where the linear programme of a
    choice gives an interval that is too narrow, its dual is an inequality that every sufficient choice
    fulfils. After :data:`ROUNDS` rounds cells are added one by one, not always at the least cost.

    Parameters
    ----------
    table : Table
    primary : ndarray of bool, shape (C,)
        Cells hidden in any case.
    need : array_like, shape (C, K)
        Least width of each column in each primary cell.
    cost : array_like, shape (C,)
        Positive loss of hiding a cell.
    may : ndarray of bool, shape (C,)
        Cells that may be hidden.

    Returns
    -------
    ndarray of bool, shape (C,)
        Primary and complementary cells.

    Raises
    ------
    DataError
        Hiding everything that may be hidden is not enough.

    Examples
    --------
    Of 3 + 5 + 7 = 15 the first is to be known to 4 at best: the cheaper of the others goes with it.

    >>> M, cells = equations([[0], [1], [2], [-1]]), np.array([[3.0], [5.0], [7.0], [15.0]])
    >>> table = Table(M, cells, np.eye(1), np.zeros(4), np.full(4, np.inf), np.array([True]))
    >>> primary, need = np.array([True, False, False, False]), [[4.0], [0.0], [0.0], [0.0]]
    >>> complement(table, primary, need, cells[:, 0], np.array([True, True, True, False])).tolist()
    [True, True, False, False]
    """
    need, cost = np.array(need, float), np.asarray(cost, float)
    may = np.asarray(may | primary)
    hidden, cuts = primary.copy(), _bridges(table.M, may)
    rights = [0.0] * len(cuts)
    for turn in range(ROUNDS + int(may.sum()) + 1):
        narrow = _narrow(table, hidden, primary, need)
        if not narrow:
            return hidden
        if (hidden >= may).all():
            break
        chosen = hidden
        if turn < ROUNDS:
            for c, k, cut in narrow:
                cuts.append(np.minimum(cut, need[c, k]))
                rights.append(need[c, k])
            chosen = _cheapest(cuts, rights, cost, primary, may)
        if (chosen <= hidden).all():
            chosen = hidden | _openers(narrow, need, cost, may & ~hidden)
        hidden = chosen
    count = len({c for c, _, _ in narrow})
    raise DataError(f"{count} cells can be inferred even with every cell hidden (first: cell {narrow[0][0]})")


def _narrow(table: Table, hidden: Mask, primary: Mask, need: Array) -> list[tuple[int, int, Array]]:
    """Return cell, column and cut of every interval that is narrower than needed."""
    found = []
    for c in np.flatnonzero(primary):
        for k in np.flatnonzero(need[c] > 0):
            interval = infer(table, hidden, int(c), int(k))
            if width(table, int(k), interval) < need[c, k] * (1 - SLACK):
                found.append((int(c), int(k), interval.cut))
    return found


def _bridges(M: Array, may: Mask) -> list[Array]:
    """Return rows a with a·z ≥ 0: a hidden cell is never alone in an equation."""
    rows = []
    for equation in M:
        inside = (equation != 0) & may
        rows += [np.where(np.arange(M.shape[1]) == c, -1.0, inside) for c in np.flatnonzero(inside)]
    return rows


def _cheapest(cuts: list[Array], rights: list[float], cost: Array, primary: Mask, may: Mask) -> Mask:
    """Return the cheapest choice that fulfils every inequality; all cells where there is none."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows, least = np.array(cuts), np.array(rights)
    scale = np.maximum(np.abs(rows).max(1), 1e-300)
    done = milp(
        cost / cost.max(),
        integrality=np.ones(len(cost)),
        bounds=Bounds(primary.astype(float), may.astype(float)),
        constraints=LinearConstraint(rows / scale[:, None], lb=least / scale * (1 - SLACK)),
        options={"node_limit": NODES, "mip_rel_gap": 1e-6},
    )
    return may if done.x is None else np.asarray(done.x > 0.5)


def _openers(narrow: list[Any], need: Array, cost: Array, left: Mask) -> Mask:
    """Return, for each interval that is too narrow, the cell that opens it most for its cost."""
    chosen = np.zeros(len(left), bool)
    for c, k, cut in narrow:
        gain = np.where(left, np.minimum(cut, need[c, k]) / cost, -1.0)
        chosen[int(np.argmax(gain)) if gain.max() > 0 else int(np.argmax(left))] = True
    return chosen & left
