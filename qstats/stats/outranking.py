r"""Units compared pair by pair: outranking, Copeland's score, Kemeny's order.

No scale is needed: only which of two units is better in an indicator, so indicators do not compensate.

References
----------
Munda and Nardo (2009), Noncompensatory/nonlinear composite indicators for ranking countries, Applied
Economics 41. OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 6.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError
from qstats.stats import moments

Array = NDArray[np.float64]

#: of the subsets that the exact order goes through, 2ⁿ
MOST_UNITS: Final = 12
#: agreements that differ by less are equal: sums of at most 66 shares in double precision
_TIE: Final = 1e-9


def outranking(scores: ArrayLike, weights: ArrayLike) -> Array:
    r"""Return the share of weight by which each unit is better than each other.

    .. math:: o_{cd} = \frac{\sum_q w_q\,([I_{qc} > I_{qd}] + \tfrac12[I_{qc} = I_{qd}])}{\sum_q w_q}

    over the indicators that both units have. So :math:`o_{cd} + o_{dc} = 1` whatever is missing and however
    rows are ordered.

    Parameters
    ----------
    scores : array_like, shape (…, units, indicators)
        Higher is better.
    weights : array_like, shape (indicators,) or (…, 1, indicators)

    Returns
    -------
    ndarray, shape (…, units, units)
        0 on the diagonal; NaN for a pair without an indicator in common.

    Raises
    ------
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> outranking([[3.0, 1.0], [2.0, 5.0]], [3, 1]).tolist()
    [[0.0, 0.75], [0.25, 0.0]]
    """
    I = moments.indicator_array(scores)  # noqa: E741
    w = np.broadcast_to(np.asarray(weights, float), (*I.shape[:-2], 1, I.shape[-1]))
    won, held = (np.zeros((*I.shape[:-1], I.shape[-2])) for _ in range(2))
    for q in range(I.shape[-1]):
        x, y = I[..., :, None, q], I[..., None, :, q]
        both = ~(np.isnan(x) | np.isnan(y))
        weight = w[..., q, None]
        won += weight * np.where(both, (x > y) + 0.5 * (x == y), 0.0)
        held += weight * both
    share = np.divide(won, held, out=np.full(won.shape, np.nan), where=held > 0)
    return np.asarray(np.where(np.eye(I.shape[-2], dtype=bool), 0.0, share), float)


def copeland(scores: ArrayLike, weights: ArrayLike) -> Array:
    r"""Return Copeland's score: pairs won less pairs lost.

    .. math:: S_c = \#\{d : o_{cd} > \tfrac12\} - \#\{d : o_{cd} < \tfrac12\}

    Parameters
    ----------
    scores, weights : array_like
        As for :func:`outranking`.

    Returns
    -------
    ndarray, shape (…, units)
        From −(n − 1) to n − 1. NaN for a unit without any value.

    Raises
    ------
    DataError
        As :func:`outranking`.

    Examples
    --------
    >>> copeland([[3.0, 3.0], [2.0, 1.0], [1.0, 2.0]], [1, 1]).tolist()
    [2.0, -1.0, -1.0]
    """
    o = outranking(scores, weights)
    margin = np.where(np.isnan(o) | np.eye(o.shape[-1], dtype=bool), 0.5, o) - 0.5
    margin = np.where(np.abs(margin) < 1e-12, 0.0, margin)  # weights that add up to a half but for rounding
    bare = ~(np.where(np.isnan(scores), 0.0, np.asarray(weights, float)) > 0).any(-1)
    return np.where(bare, np.nan, np.sign(margin).sum(-1))


class Kemeny(NamedTuple):
    """The order that agrees best with the pairs; see :func:`kemeny`.

    Attributes
    ----------
    position : ndarray, shape (units,)
        1 is best; the mean over all orders that agree equally well, so that the order of rows is no matter.
    agreement : float
        Sum of the outranking shares of all pairs in that order.
    n_orders : float
        Number of orders that reach it.
    """

    position: Array
    agreement: float
    n_orders: float


def kemeny(scores: ArrayLike, weights: ArrayLike) -> Kemeny:
    r"""Return the order of units with the greatest agreement, exactly.

    .. math:: \max_\pi \sum_{c \text{ before } d \text{ in } \pi} o_{cd}

    by dynamic programming over subsets, :math:`2^n n` steps.

    Parameters
    ----------
    scores : array_like, shape (units, indicators)
    weights : array_like, shape (indicators,)

    Returns
    -------
    Kemeny

    Raises
    ------
    DataError
        More than 12 units, a pair without an indicator in common, or more axes than two.

    References
    ----------
    Kemeny (1959), Mathematics without numbers, Daedalus 88. Young and Levenglick (1978), A consistent
    extension of Condorcet's election principle, SIAM J. Appl. Math. 35.

    Examples
    --------
    >>> kemeny([[3.0, 1.0], [2.0, 3.0], [1.0, 2.0]], [2, 1]).position.tolist()
    [1.0, 2.0, 3.0]
    """
    o = outranking(scores, weights)
    n = o.shape[-1]
    if o.ndim != 2 or n > MOST_UNITS or np.isnan(o).any():
        holes = int(np.isnan(o).sum()) // 2
        raise DataError(
            f"Kemeny's order takes one table of at most {MOST_UNITS} units that share indicators; found "
            f"shape {np.shape(scores)} with {holes} pairs that share none. Copeland's score has no such limit"
        )
    members = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)
    into = members @ o  # [s, c]: what is gained when c follows all of the subset s
    best, ways = _best_orders(into, members)
    total, position = best[-1], np.zeros(n)
    for c in range(n):
        held = np.flatnonzero(members[:, c] == 0)
        after = (2**n - 1) ^ held ^ (1 << c)
        across = (into[held] * members[after]).sum(-1) + members[after] @ o[c]
        reached = best[held] + into[held, c] + best[after] + across > total - _TIE
        place = members[held].sum(-1) + 1
        position[c] = (reached * ways[held] * ways[after] * place).sum()
    return Kemeny(position / ways[-1], float(total), float(ways[-1]))


def _best_orders(into: Array, members: Array) -> tuple[Array, Array]:
    """Return for each subset its greatest agreement as an order, and how many orders reach it."""
    best, ways = np.zeros(len(into)), np.ones(len(into))
    for held in range(1, len(into)):
        ends = np.flatnonzero(members[held])
        before = held ^ (1 << ends)
        reach = best[before] + into[before, ends]
        best[held] = reach.max()
        ways[held] = ways[before][reach > best[held] - _TIE].sum()
    return best, ways
