r"""Which weights are consistent with published scores, given how they are rounded.

For a tree, :math:`v_q` is the weight of node q in the whole and :math:`z_{qt} = v_q s_{qt}` its part of the
score of period t. A score printed as y with half-width h is one of :math:`y - h \le s \le y + h`, so

.. math:: v_q\,(y_{qt} - h) \le z_{qt} \le v_q\,(y_{qt} + h), \qquad
          v_q\,(d_q - h) \le z_{qt} - z_{qs} \le v_q\,(d_q + h)

for levels y and changes d, and what is below a node adds up to it:

.. math:: v_p = \sum_{q \text{ below } p} v_q, \qquad z_{pt} = \sum_{q \text{ below } p} z_{qt}

All of it is linear in (v, z), and nothing is lost: for given v, each z ranges over an interval by itself. So
bounds of weights are linear programmes, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

from qstats.errors import DataError

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: what a programme may miss a limit by, as a share of the weight
_SLACK: Final = 1e-9


class Published(NamedTuple):
    """Figures as printed.

    Attributes
    ----------
    level_node, level_period : ndarray of int, shape (levels,)
    level_low, level_high : ndarray, shape (levels,)
        y − h and y + h.
    change_node, change_period, change_from : ndarray of int, shape (changes,)
    change_low, change_high : ndarray, shape (changes,)
        d − h and d + h.
    """

    level_node: Index
    level_period: Index
    level_low: Array
    level_high: Array
    change_node: Index
    change_period: Index
    change_from: Index
    change_low: Array
    change_high: Array


class Problem(NamedTuple):
    """Limits A x ≤ b of x = (v, z) and equalities E x = 0, without the scale of v.

    Attributes
    ----------
    A, E : sparse arrays, shape (limits, variables), (equalities, variables)
    nodes, periods : int
    """

    A: csr_array
    E: csr_array
    nodes: int
    periods: int


def problem(
    parent: ArrayLike,
    published: Published,
    *,
    periods: int,
    floor: float,
    ceiling: float,
    fixed: Sequence[tuple[int, int, float]] = (),
) -> Problem:
    """Write the limits down.

    Parameters
    ----------
    parent : array_like of int, shape (nodes,)
        Place of the parent, −1 for the root.
    published : Published
    periods : int
        How many there are.
    floor, ceiling : float
        Between which every score lies, printed or not.
    fixed : sequence of (q, p, w)
        Weight of node q is w times that of its parent p.

    Returns
    -------
    Problem
        x is v of every node, then z of every node and period, node by node.

    Examples
    --------
    A root of two nodes, printed as 80, 90 and 60 in one period:

    >>> none, y = np.array([], int), np.array([80.0, 90.0, 60.0])
    >>> at = np.array([0, 1, 2]), np.array([0, 0, 0])
    >>> printed = Published(*at, y - 0.5, y + 0.5, none, none, none, none * 0.5, none * 0.5)
    >>> limits = problem([-1, 0, 0], printed, periods=1, floor=0, ceiling=100)
    >>> limits.A.shape, limits.E.toarray().tolist()
    ((12, 6), [[-1.0, 1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0, 1.0, 1.0]])
    """
    above = np.asarray(parent, np.intp)
    n = len(above)
    limits, equal = _Rows(), _Rows()
    for q in range(n):
        for t in range(periods):
            limits.between(n + q * periods + t, None, q, floor, ceiling)
    for q, t, low, high in zip(*published[:4], strict=True):
        limits.between(n + q * periods + t, None, q, low, high)
    for q, t, s, low, high in zip(*published[4:], strict=True):
        limits.between(n + q * periods + t, n + q * periods + s, q, low, high)
    for p in np.unique(above[above >= 0]):
        below = np.flatnonzero(above == p)
        equal.row({int(p): -1.0} | dict.fromkeys(map(int, below), 1.0))
        for t in range(periods):
            own = {int(n + p * periods + t): -1.0}
            equal.row(own | {int(n + q * periods + t): 1.0 for q in below})
    for q, p, w in fixed:
        equal.row({q: 1.0, p: -w})
    size = n + n * periods
    A, E = (
        csr_array(coo_array((rows.value, (rows.at, rows.column)), shape=(rows.count, size)))
        for rows in (limits, equal)
    )
    return Problem(A, E, n, periods)


class _Rows:
    """Rows of a sparse matrix, being written."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.column: list[int] = []
        self.value: list[float] = []
        self.count = 0

    def row(self, entries: dict[int, float]) -> None:
        self.at += [self.count] * len(entries)
        self.column += list(entries)
        self.value += list(entries.values())
        self.count += 1

    def between(self, z: int, less: int | None, v: int, low: float, high: float) -> None:
        """Add low v ≤ z − less ≤ high v."""
        difference = {int(z): 1.0} | ({} if less is None else {int(less): -1.0})
        if np.isfinite(high):
            self.row({**difference, int(v): -float(high)})
        if np.isfinite(low):
            self.row({**{k: -x for k, x in difference.items()}, int(v): float(low)})


def extreme(limits: Problem, objective: ArrayLike, scale: int) -> tuple[float, float]:
    """Return the least and the greatest of a linear function of (v, z), with v of one node being 1.

    The limits have no scale of their own: with :math:`v_p = 1`, the weight of a node below p is its weight
    within p; with the root being 1 it is its weight in the whole.

    Parameters
    ----------
    limits : Problem
    objective : array_like, shape (nodes (1 + periods),)
        Coefficients of x.
    scale : int
        The node whose v is 1.

    Returns
    -------
    least, greatest : float
        −∞ and ∞ where there is no bound.

    Raises
    ------
    DataError
        No weights are consistent with the figures.

    Examples
    --------
    A whole of 80 between parts of 90 and 60, each ± 0.5, gives the first a weight from 19/30 to 21/30:

    >>> none, y = np.array([], int), np.array([80.0, 90.0, 60.0])
    >>> at = np.array([0, 1, 2]), np.array([0, 0, 0])
    >>> printed = Published(*at, y - 0.5, y + 0.5, none, none, none, none * 0.5, none * 0.5)
    >>> limits = problem([-1, 0, 0], printed, periods=1, floor=0, ceiling=100)
    >>> [round(end, 4) for end in extreme(limits, [0, 1, 0, 0, 0, 0], 0)]
    [0.6333, 0.7]
    """
    from scipy.optimize import linprog

    c = np.asarray(objective, float)
    size = limits.nodes * (1 + limits.periods)
    bounds: list[tuple[float | None, float | None]] = [(0.0, None)] * limits.nodes + [(None, None)] * (
        size - limits.nodes
    )
    bounds[scale] = (1.0, 1.0)
    given = {"A_ub": limits.A, "A_eq": limits.E, "bounds": bounds, "method": "highs"}
    zero = np.zeros(limits.E.shape[0])
    ends = []
    for sign in (1.0, -1.0):
        found = linprog(sign * c, b_ub=np.zeros(limits.A.shape[0]), b_eq=zero, **given)
        if found.status == 2:
            raise DataError("no weights are consistent with these figures and their rounding")
        ends.append(sign * float(found.fun) if found.status == 0 else sign * -np.inf)
    return ends[0], ends[1]


def least_misfit(limits: Problem, start: int) -> tuple[float, Array]:
    r"""Return by how many points printed figures must be wrong at least, and the limits that then bind.

    .. math:: \min_{v_{\text{root}} = 1} \sum_k \max(0,\ A_k x)

    over the limits k of printed figures, the others and E x = 0 holding.

    Parameters
    ----------
    limits : Problem
    start : int
        Limits from here on are those of printed figures; the ones before hold as they are.

    Returns
    -------
    misfit : float
        Beyond rounding, times the weight of the node; 0 where the figures are consistent.
    binding : ndarray of int
        Limits that are missed by something.

    Examples
    --------
    A whole of 96 cannot lie between 90 and 60; even rounding up it is off by 95.5 − 90.5:

    >>> none, y = np.array([], int), np.array([96.0, 90.0, 60.0])
    >>> at = np.array([0, 1, 2]), np.array([0, 0, 0])
    >>> printed = Published(*at, y - 0.5, y + 0.5, none, none, none, none * 0.5, none * 0.5)
    >>> limits = problem([-1, 0, 0], printed, periods=1, floor=0, ceiling=100)
    >>> misfit, binding = least_misfit(limits, 6)
    >>> round(misfit, 6), len(binding)
    (5.0, 1)
    """
    from scipy.optimize import linprog

    A = limits.A
    count, size = A.shape[0], A.shape[1]
    slack = -eye_array(count, format="csr")[:, start:]
    wide = hstack([A, slack])
    none = csr_array((limits.E.shape[0], count - start))
    equal = hstack([limits.E, none])
    c = np.concatenate([np.zeros(size), np.ones(count - start)])
    bounds: list[tuple[float | None, float | None]] = [(0.0, None)] * limits.nodes + [(None, None)] * (
        size - limits.nodes
    )
    bounds[0] = (1.0, 1.0)
    bounds += [(0.0, None)] * (count - start)
    found = linprog(
        c, A_ub=vstack([wide]), b_ub=np.zeros(count), A_eq=equal, b_eq=np.zeros(equal.shape[0]), bounds=bounds
    )
    wrong = np.flatnonzero(found.x[size:] > _SLACK)
    return float(found.fun), np.asarray(wrong + start, np.intp)
