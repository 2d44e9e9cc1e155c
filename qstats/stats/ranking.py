r"""Ranks, and how sure they are: over draws of the scores of all units together.

Units run along the last axis, draws along the one before it.

References
----------
Goldstein and Spiegelhalter (1996), League tables and their limitations, JRSS A 159.
Lahdelma, Hokkanen and Salminen (1998), SMAA: stochastic multiobjective acceptability analysis, EJOR 106.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of, within_0_1

Array = NDArray[np.float64]
Adjustment = Literal["holm", "bh", "none"]

#: numbers ranked at once: 2 MB, which stay near the processor
_BLOCK: Final = 250_000


def competition_ranks(x: ArrayLike, *, direction: int = 1) -> Array:
    r"""Return standard competition ranks ("1224"): one more than the number that are better.

    .. math:: r_c = 1 + \#\{d : x_d > x_c\}

    with < in place of > where less is better. Equal values share the best rank; the next rank
    counts them all.

    Parameters
    ----------
    x : array_like, shape (…, units)
        Values, compared as they are, not as they are printed.
    direction : {1, -1}
        1: the highest is first; −1: the lowest is.

    Returns
    -------
    ndarray, shape (…, units)
        1 is best. NaN where x is NaN; a NaN takes no rank from the others.

    Examples
    --------
    >>> competition_ranks([80.0, 85.0, 80.0, float("nan"), 70.0]).tolist()
    [2.0, 1.0, 2.0, nan, 4.0]
    """
    worse = np.asarray(x, float) * -direction
    if worse.shape[-1:] == (0,):
        return worse.copy()
    rows = worse.reshape(-1, worse.shape[-1])
    ranks = np.empty(rows.shape)
    step = max(1, _BLOCK // worse.shape[-1])
    for start in range(0, len(rows), step):
        ranks[start : start + step] = _of_rows(rows[start : start + step])
    return ranks.reshape(worse.shape)


def _of_rows(rows: Array) -> Array:
    """Return the ranks within each row, the least being 1."""
    order = np.argsort(rows, axis=-1)
    order += rows.shape[1] * np.arange(len(rows))[:, None]
    ordered = rows.reshape(-1)[order]
    place = np.arange(1.0, rows.shape[1] + 1)
    tied = ordered[:, 1:] == ordered[:, :-1]
    if tied.any():
        first = np.broadcast_to(place, rows.shape).copy()
        first[:, 1:][tied] = 0.0
        place = np.maximum.accumulate(first, axis=-1, out=first)
    ranks = np.empty(rows.size)
    ranks[order] = place if not np.isnan(ordered[:, -1]).any() else np.where(np.isnan(ordered), np.nan, place)
    return ranks.reshape(rows.shape)


def rank_interval(ranks: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    r"""Return ranks between which a unit lies in at least a share `level` of the draws.

    .. math:: r_{lo} = \max\{r : P(R < r) \le \alpha/2\}, \qquad
              r_{hi} = \min\{r : P(R > r) \le \alpha/2\}

    Parameters
    ----------
    ranks : array_like, shape (…, draws, units)
        NaN is left out.
    level : float
        1 − α.

    Returns
    -------
    low, high : ndarray, shape (…, units)
        Whole ranks; NaN for a unit without any.

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    Examples
    --------
    >>> low, high = rank_interval([[1], [1], [2], [2], [3]], level=0.6)
    >>> low.tolist(), high.tolist()
    ([1.0], [2.0])
    """
    within_0_1("level", level)
    ordered = np.sort(np.asarray(ranks, float), axis=-2)
    n = (~np.isnan(ordered)).sum(-2, keepdims=True)
    cut = np.floor(n * (1 - level) / 2 + 1e-9).astype(np.intp)
    ends = np.minimum(cut, n - 1), np.maximum(n - 1 - cut, 0)
    low, high = (np.take_along_axis(ordered, np.maximum(end, 0), -2)[..., 0, :] for end in ends)
    return low, high


def acceptability(ranks: ArrayLike) -> Array:
    r"""Return the share of draws in which each unit has each rank.

    .. math:: b_{cr} = P(R_c = r)

    Parameters
    ----------
    ranks : array_like, shape (draws, units)

    Returns
    -------
    ndarray, shape (units, units)
        [c, r − 1]; rows sum to 1, NaN for a unit without ranks.

    Examples
    --------
    >>> acceptability([[1, 2], [1, 2], [2, 1], [1, 2]]).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    R = np.asarray(ranks, float)
    places = np.arange(1, R.shape[1] + 1)
    counts = np.stack([(r == R).sum(0) for r in places], axis=1).astype(float)
    n = (~np.isnan(R)).sum(0)[:, None]
    return np.asarray(np.divide(counts, n, out=np.full(counts.shape, np.nan), where=n > 0), float)


def outranking_probability(x: ArrayLike, *, direction: int = 1) -> Array:
    r"""Return the probability that one unit is better than another.

    .. math:: P_{cd} = P(X_c > X_d) + \tfrac12 P(X_c = X_d), \qquad P_{cd} + P_{dc} = 1

    Parameters
    ----------
    x : array_like, shape (draws, units)
        Drawn jointly: what units have in common cancels. A draw that lacks either of two is left out.
    direction : {1, -1}

    Returns
    -------
    ndarray, shape (units, units)
        ½ on the diagonal; NaN for a pair that no draw has both of.

    Examples
    --------
    >>> outranking_probability([[2.0, 1.0], [3.0, 4.0], [5.0, 2.0], [1.0, 1.0]]).tolist()
    [[0.5, 0.625], [0.375, 0.5]]
    """
    X = np.asarray(x, float).T * direction
    P = np.full((len(X), len(X)), np.nan)
    for c, own in enumerate(X):
        both = (~(np.isnan(own) | np.isnan(X))).sum(1)
        won = (own > X).sum(1) + 0.5 * (own == X).sum(1)
        P[c] = np.divide(won, both, out=np.full(len(X), np.nan), where=both > 0)
    return P


def adjusted(p: ArrayLike, method: Adjustment) -> Array:
    r"""Return p-values adjusted for how many questions are asked at once.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\{(m - j + 1)\,p_{(j)}, 1\} \;\text{(Holm)},
              \qquad \tilde p_{(i)} = \min_{j \ge i} \min\{m\,p_{(j)}/j, 1\} \;\text{(BH)}

    Parameters
    ----------
    p : array_like, shape (m,)
        NaN asks no question and stays.
    method : {"holm", "bh", "none"}
        Holm keeps the chance of any false claim; BH the share of false ones among the claims.

    Returns
    -------
    ndarray, shape (m,)
        At most 1.

    Raises
    ------
    OptionError
        An adjustment that does not exist.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6. Benjamini and Hochberg (1995), JRSS B 57.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03], "holm").round(12).tolist()
    [0.03, 0.06, 0.06]
    >>> adjusted([0.01, 0.04, 0.03], "bh").round(12).tolist()
    [0.03, 0.04, 0.04]
    """
    one_of("adjust", method, ("holm", "bh", "none"))
    p = np.asarray(p, float)
    found = p.copy()
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    m, i = len(order), np.arange(1, len(order) + 1)
    if method == "holm":
        found[order] = np.minimum(np.maximum.accumulate((m - i + 1) * p[order]), 1.0)
    if method == "bh":
        found[order] = np.minimum(np.minimum.accumulate((m * p[order] / i)[::-1])[::-1], 1.0)
    return found


def groups(estimate: ArrayLike, apart: ArrayLike) -> list[list[int]]:
    r"""Return the groups of units that cannot be told apart, the best first.

    Units are put in order of their estimates; a group is a run of neighbours no two of which are told apart,
    that cannot be made longer. Groups overlap: "cannot be told apart" is not an equivalence.

    Parameters
    ----------
    estimate : array_like, shape (units,)
        NaN is in no group.
    apart : array_like of bool, shape (units, units)
        Whether two units differ; symmetric.

    Returns
    -------
    list of list of int
        Indices of the units, best first. Every unit is in a group.

    Examples
    --------
    >>> apart = [[False, False, True], [False, False, False], [True, False, False]]
    >>> groups([3.0, 2.0, 1.0], apart)
    [[0, 1], [1, 2]]
    """
    value, differ = np.asarray(estimate, float), np.asarray(apart, bool)
    order = [int(c) for c in np.argsort(-value, kind="stable") if not np.isnan(value[c])]
    found: list[list[int]] = []
    last = -1
    for start in range(len(order)):
        end = start
        while end + 1 < len(order) and not differ[order[end + 1], order[start : end + 1]].any():
            end += 1
        if end > last:
            found.append(order[start : end + 1])
            last = end
    return found
