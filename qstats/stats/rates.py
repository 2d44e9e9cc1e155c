"""Rates from counts and totals: pass rates, two-layer weighting, losses, grades.

Rates here are fractions in [0, 1] unless per cent is said. An error that cannot be known is
NaN, never zero.

References
----------
Cochran (1977), Sampling Techniques, 3rd ed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.stats import intervals

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Count = NDArray[np.int64]


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """Return :math:`y/x`.

    Parameters
    ----------
    numerator, denominator : array_like, same shape
        y and x.

    Returns
    -------
    ndarray
        NaN where x is not positive: undefined, neither 0 nor 1.

    Examples
    --------
    >>> ratio([1, 1], [4, 0]).tolist()
    [0.25, nan]
    """
    y, x = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.asarray(np.divide(y, x, out=np.full(x.shape, np.nan), where=x > 0))


def binomial_variance(successes: ArrayLike, n: ArrayLike) -> Array:
    r"""Return the variance of a proportion, :math:`\hat p(1-\hat p)/(n-1)`.

    Parameters
    ----------
    successes, n : array_like, same shape
        Counts x and n, 0 ≤ x ≤ n; :math:`\hat p = x/n`.

    Returns
    -------
    ndarray
        NaN where n < 2, or where p is 0 or 1: there the formula gives zero, which is not the error of
        anything. Intervals of :mod:`qstats.stats.intervals` remain defined.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., eq. 3.6 without the population factor.

    Examples
    --------
    >>> binomial_variance([8, 10], [10, 10]).round(6).tolist()
    [0.017778, nan]
    """
    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    p = ratio(x, n)
    known = (n > 1) & (p > 0) & (p < 1)
    return np.asarray(np.divide(p * (1 - p), n - 1, out=np.full(p.shape, np.nan), where=known))


def counted(
    successes: ArrayLike, n: ArrayLike, *, method: intervals.Proportion, level: float
) -> dict[str, Array | Count]:
    r"""Return a rate from counts, :math:`100\,x/n`, with its error, in per cent.

    Parameters
    ----------
    successes, n : array_like, same shape
        Counts x and n, 0 ≤ x ≤ n.
    method, level
        The interval; see :func:`qstats.stats.intervals.proportion`.

    Returns
    -------
    dict of ndarray
        ``estimate, std_error, conf_low, conf_high`` in per cent, ``n, numerator, denominator``.
        All but the counts are NaN where n = 0; the standard error also at 0 and 100 %.

    Raises
    ------
    OptionError
        No such interval; a level that is not between 0 and 1.

    Examples
    --------
    >>> found = counted(96, 100, method="wilson", level=0.95)
    >>> [found[name].round(2).item() for name in ("estimate", "std_error", "conf_low", "conf_high")]
    [96.0, 1.97, 90.16, 98.43]
    """
    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    low, high = intervals.proportion(x, n, method=method, level=level)
    whole = np.rint(n).astype(np.int64)
    return {
        "estimate": 100 * ratio(x, n),
        "std_error": 100 * np.sqrt(binomial_variance(x, n)),
        "conf_low": 100 * low,
        "conf_high": 100 * high,
        "n": whole,
        "numerator": np.rint(x).astype(np.int64),
        "denominator": whole,
    }


def summed(numerator: ArrayLike, denominator: ArrayLike) -> dict[str, Array]:
    r"""Return a rate from totals, :math:`100\,y/x`, in per cent: its error is not known.

    Parameters
    ----------
    numerator, denominator : array_like, same shape
        Totals y and x, of values or weights.

    Returns
    -------
    dict of ndarray
        ``estimate`` in per cent, NaN where x is not positive; ``std_error, conf_low, conf_high, n``, all NaN;
        ``numerator, denominator``.

    Examples
    --------
    >>> found = summed([30.0], [40.0])
    >>> found["estimate"].tolist(), found["std_error"].tolist()
    ([75.0], [nan])
    """
    y, x = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    unknown = dict.fromkeys(("std_error", "conf_low", "conf_high", "n"), np.full(x.shape, np.nan))
    return {"estimate": 100 * ratio(y, x), **unknown, "numerator": y, "denominator": x}


def cell_variance(successes: ArrayLike, n: ArrayLike, *pools: ArrayLike) -> tuple[Array, Mask]:
    r"""Return the variance of each cell's proportion, borrowed where the cell shows none.

    A cell with n = 1 or p ∈ {0, 1} takes the unit variance of its pool,
    :math:`\bar p(1-\bar p)\,N/(N-1)` with the pool's counts added up, over its own n; when the
    whole pool shows none, that of the next pool.

    Parameters
    ----------
    successes, n : array_like, shape (cells,)
        Counts.
    *pools : array_like of int, shape (cells,)
        Number of the pool of each cell, the narrowest first.

    Returns
    -------
    variance : ndarray, shape (cells,)
        NaN where n = 0 or no pool shows a variance.
    borrowed : ndarray of bool, shape (cells,)
        Which were borrowed.

    Examples
    --------
    Together 9 of 12 pass, a unit variance of 9/12 · 3/12 · 12/11; the second cell has its own:

    >>> variance, borrowed = cell_variance([1, 3, 5], [1, 6, 5], [0, 0, 0])
    >>> variance.round(4).tolist(), borrowed.tolist()
    ([0.2045, 0.05, 0.0409], [True, False, True])
    """
    x, n = np.asarray(successes, float), np.asarray(n, float)
    own = binomial_variance(x, n)
    variance = own.copy()
    for pool in pools:
        X, N = np.bincount(pool, x), np.bincount(pool, n)
        unit = (binomial_variance(X, N) * N)[np.asarray(pool)]
        borrowed = np.divide(unit, n, out=np.full(n.shape, np.nan), where=n > 0)
        variance = np.where(np.isnan(variance), borrowed, variance)
    return variance, np.isnan(own) & ~np.isnan(variance)


def layered_weights(V: ArrayLike, observed: ArrayLike, group: ArrayLike, layer: ArrayLike) -> Array:
    r"""Return the weight of each cell in the two-layer mean of its group.

    .. math:: W_{oi} = \frac{V_{oi}}{\sum_{j \in o\ \text{observed}} V_{oj}} \cdot
              \frac{V_o}{\sum_{o'} V_{o'}}, \qquad V_o = \sum_j V_{oj}

    First the observed cells of an outer layer o (a region, say), then the layers by their whole
    V: a gap in a region does not shrink the region. A layer without an observed cell drops out.
    Without gaps this is :math:`V_{oi}/\sum\sum V`, whichever key is the outer one.

    Parameters
    ----------
    V : array_like, shape (cells,)
        Size of the cell.
    observed : array_like of bool, shape (cells,)
        Whether the cell has a rate.
    group, layer : array_like of int, shape (cells,)
        Number of the mean a cell belongs to, and of its outer layer.

    Returns
    -------
    ndarray, shape (cells,)
        They add up to 1 in each group with an observed cell of positive V; 0 elsewhere.

    Examples
    --------
    The first cell stands for its whole region, which has half of V:

    >>> layered_weights([1, 3, 4], [True, False, True], [0, 0, 0], [0, 0, 1]).tolist()
    [0.5, 0.0, 0.5]
    """
    V = np.asarray(V, float)
    seen = np.where(np.asarray(observed, bool), V, 0.0)
    group = np.asarray(group)
    pairs, pair = np.unique(np.stack([group, np.asarray(layer)]), axis=1, return_inverse=True)
    inner, whole = np.bincount(pair, seen), np.bincount(pair, V)
    outer = np.bincount(pairs[0], np.where(inner > 0, whole, 0.0))
    parts = [ratio(seen, inner[pair]), ratio(whole[pair], outer[group])]
    return np.asarray(np.nan_to_num(parts[0] * parts[1]), float)


class Entries(NamedTuple):
    """Weights of cells in means, in long form: mean, cell, weight."""

    group: Index
    cell: Index
    weight: Array


def passed_on(W: ArrayLike, V: ArrayLike, observed: ArrayLike, group: ArrayLike, pool: ArrayLike) -> Entries:
    r"""Give the weight of every empty cell to the observed cells of its pool, by their V.

    An empty cell that takes the rate of its pool, :math:`\sum_d u_d p_d` with
    :math:`u_d = V_d/\sum V_d`, adds :math:`W u_d` to the weight of each donor d, in whatever
    group the donor is. So the variance of the mean counts each donor once, with all it gave.

    Parameters
    ----------
    W, V, observed, group : array_like, shape (cells,)
        Weights, sizes, whether the cell has a rate, and its group.
    pool : array_like of int, shape (cells,)
        Number of the pool of each cell.

    Returns
    -------
    Entries
        One a (group, cell) with weight, donors and own cells added up.

    Examples
    --------
    The empty third cell gives its 0.3 to the others by 1 : 3:

    >>> seen = [True, True, False]
    >>> passed_on([0.5, 0.2, 0.3], [1, 3, 9], seen, [0, 0, 0], [0, 0, 0]).weight.round(3).tolist()
    [0.575, 0.425]
    """
    W, V, group, pool = np.asarray(W, float), np.asarray(V, float), np.asarray(group), np.asarray(pool)
    giving = np.asarray(observed, bool) & (V > 0)
    donors = np.flatnonzero(giving)
    donors = donors[np.argsort(pool[donors], kind="stable")]
    share = ratio(V, np.bincount(pool, np.where(giving, V, 0.0))[pool])
    own, empty = np.flatnonzero(giving & (W > 0)), np.flatnonzero(~giving & (W > 0))
    start = np.searchsorted(pool[donors], pool[empty], "left")
    count = np.searchsorted(pool[donors], pool[empty], "right") - start
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    given = donors[np.repeat(start, count) + step]
    cell = np.concatenate([own, given])
    mean = np.concatenate([group[own], np.repeat(group[empty], count)])
    weight = np.concatenate([W[own], np.repeat(W[empty], count) * share[given]])
    one, inverse = np.unique(np.stack([mean, cell]), axis=1, return_inverse=True)
    return Entries(one[0], one[1], _sums(inverse, weight, one.shape[1]))


class Weighted(NamedTuple):
    """Weighted rates and their parts; see :func:`weighted_rate`."""

    rate: Array
    variance: Array
    n_eff: Array


def weighted_rate(
    p: ArrayLike, variance: ArrayLike, n: ArrayLike, entries: Entries, *, groups: int
) -> Weighted:
    r"""Return weighted means of independent cell rates.

    .. math:: R = \sum_i W_i p_i, \quad
              \operatorname{var} R = \sum_i W_i^2 v_i, \quad
              n_{eff} = \Big(\sum_i W_i^2/n_i\Big)^{-1}

    Parameters
    ----------
    p, variance, n : array_like, shape (cells,)
        Cell rates, their variances and sample sizes.
    entries : Entries
        Which cells enter which mean, with weights that add up to 1 in each mean.
    groups : int
        Number of means.

    Returns
    -------
    Weighted
        Arrays of shape (groups,). NaN for a mean without cells; the variance is NaN when that
        of a cell with weight is unknown.

    Examples
    --------
    >>> halves = Entries(np.array([0, 0]), np.array([0, 1]), np.array([0.5, 0.5]))
    >>> found = weighted_rate([0.8, 0.9], [0.01, 0.04], [10, 20], halves, groups=1)
    >>> [part.round(4).item() for part in found]
    [0.85, 0.0125, 26.6667]
    """
    W = entries.weight
    p, v, n = (np.asarray(a, float)[entries.cell] for a in (p, variance, n))

    def add(terms: Array) -> Array:
        return _sums(entries.group, terms, groups)

    empty = add(W) == 0
    rate = np.where(empty, np.nan, np.clip(add(W * p), 0, 1))
    return Weighted(rate, np.where(empty, np.nan, add(W**2 * v)), ratio(1.0, add(W**2 / n)))


def _sums(number: Index, terms: Array, size: int) -> Array:
    return np.asarray(np.bincount(number, terms, minlength=size), float)


def grade_score(superior: ArrayLike, first: ArrayLike, qualified: ArrayLike, weights: ArrayLike) -> Array:
    """Return the weighted output of the grades.

    .. math:: w_1 P_1 + w_2 P_2 + w_3 P_3

    Parameters
    ----------
    superior, first, qualified : array_like, same shape
        Output P of the three grades, in any one unit, or their shares.
    weights : array_like, shape (3,)
        w; 1.5, 1.0 and 0.5 by custom.

    Returns
    -------
    ndarray
        In the unit of P.

    Examples
    --------
    >>> grade_score(50, 30, 20, [1.5, 1.0, 0.5]).item()
    115.0
    """
    shares = np.stack(np.broadcast_arrays(*(np.asarray(a, float) for a in (superior, first, qualified))), -1)
    return np.asarray(shares @ np.asarray(weights, float), float)
