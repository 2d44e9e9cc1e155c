"""Rates from counts and totals: pass rates, two-layer weighting, losses, grades.

Rates here are fractions in [0, 1]; the indicators print per cent. An error that cannot be
known is NaN, never zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    r"""Return :math:`y/x`; NaN where x is not positive (undefined, neither 0 nor 1)."""
    y, x = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.asarray(np.divide(y, x, out=np.full(x.shape, np.nan), where=x > 0))


def binomial_variance(successes: ArrayLike, n: ArrayLike) -> Array:
    r"""Return the variance of a proportion, :math:`\hat p(1-\hat p)/(n-1)`.

    NaN where n < 2, or where p is 0 or 1: there the formula gives zero, which is not the
    error of anything. Intervals of :mod:`qstats.stats.intervals` remain defined.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., eq. 3.6 without the population factor.
    """
    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    p = ratio(x, n)
    known = (n > 1) & (p > 0) & (p < 1)
    return np.asarray(np.divide(p * (1 - p), n - 1, out=np.full(p.shape, np.nan), where=known))


class Weighted(NamedTuple):
    """An output-weighted rate and its parts; see :func:`weighted_rate`."""

    rate: Array
    variance: Array
    n_eff: Array


def weighted_rate(p: ArrayLike, variance: ArrayLike, n: ArrayLike, weight: ArrayLike) -> Weighted:
    r"""Return weighted means along the last axis of cell rates.

    .. math:: R = \sum_i W_i p_i, \quad
              \operatorname{var} R = \sum_i W_i^2 v_i, \quad
              n_{eff} = \Big(\sum_i W_i^2/n_i\Big)^{-1}, \quad W_i = V_i/\sum_j V_j

    Parameters
    ----------
    p, variance, n, weight : array_like, shape (…, cells)
        Cell rates, their variances, sample sizes and weights V. A cell of zero weight is
        outside the mean; weights are renormalised over the others.

    Returns
    -------
    Weighted
        Arrays of shape (…). NaN where no cell has weight; the variance is NaN when that of
        a weighted cell is unknown.
    """
    p, v, n, V = np.broadcast_arrays(*(np.asarray(a, float) for a in (p, variance, n, weight)))
    total = V.sum(-1, keepdims=True)
    W = np.divide(V, total, out=np.zeros(V.shape), where=total > 0)
    inside = W > 0
    empty = ~inside.any(-1)

    def add(terms: Array) -> Array:
        return np.where(empty, np.nan, np.where(inside, terms, 0.0).sum(-1))

    with np.errstate(invalid="ignore", divide="ignore"):
        return Weighted(add(W * p), add(W**2 * v), 1 / add(W**2 / n))


def grade_score(superior: ArrayLike, first: ArrayLike, qualified: ArrayLike, weights: ArrayLike) -> Array:
    r"""Return the weighted output of the grades, :math:`1.5P_1 + 1.0P_2 + 0.5P_3` by default weights."""
    shares = np.stack(np.broadcast_arrays(*(np.asarray(a, float) for a in (superior, first, qualified))), -1)
    return np.asarray(shares @ np.asarray(weights, float), float)
