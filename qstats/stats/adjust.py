r"""Adjustments of weights that need no iteration: post-stratification, nonresponse, trimming.

Like :func:`qstats.stats.calibrate.calibrate` they take the weight of each cell and return a
factor with what its linearisation needs, so they stand in one chain, in any order:
:mod:`qstats.stats.chain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from qstats.errors import DesignError, real_number
from qstats.stats.calibrate import Array, Calibrated, Index, named


class Trimming(NamedTuple):
    """A step of a chain that trims: :func:`trim` with the elements that the cells then have.

    Attributes
    ----------
    lower, upper, category
        As for :func:`trim`.
    """

    lower: float = 0.0
    upper: float = np.inf
    category: Index | None = None


def poststratify(
    d: ArrayLike, category: ArrayLike, totals: ArrayLike, *, names: Sequence[str] = ()
) -> Calibrated:
    r"""Return :math:`g_k = T_q / \sum_{j \in q} d_j` for the cells k of each post-stratum q.

    Linear calibration on the indicators of the post-strata, in closed form.

    Parameters
    ----------
    d : array_like, shape (K,)
        Weight of each cell, not negative.
    category : array_like of int, shape (K,)
        Number of the post-stratum of a cell, 0..Q-1.
    totals : array_like, shape (Q,)
        T, elements of the population in each; with 0 its elements lose their weight.
    names : sequence of str, length Q
        What the post-strata are called in messages.

    Returns
    -------
    Calibrated

    Raises
    ------
    DesignError
        A total that is negative or not a number, a post-stratum with a total but no weight, a
        weight that is negative, a category without a total.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling.

    Examples
    --------
    >>> poststratify([10.0, 20.0, 20.0], [0, 0, 1], [60.0, 30.0]).g.tolist()
    [2.0, 2.0, 1.5]
    """
    T = np.array(totals, float, ndmin=1)
    w, q = _cells(d, category, T.size)
    for j in np.flatnonzero(~(np.isfinite(T) & (T >= 0))):
        raise DesignError(f"the total of {named(names, j)} is {T[j]:g}; it must be a number, not negative")
    D = np.bincount(q, w, minlength=T.size)
    for j in np.flatnonzero((D == 0) & (T > 0)):
        raise DesignError(
            f"{named(names, j)} has the total {T[j]:g} but no weight in the sample: the category is not "
            "in the data; merge it with another"
        )
    factor = np.divide(T, D, out=np.ones(T.size), where=D > 0)
    return _exact(factor[q], factor - 1, _indicators(q, T.size), np.ones(w.size))


def nonresponse(
    d: ArrayLike, responded: ArrayLike, category: ArrayLike, *, names: Sequence[str] = ()
) -> Calibrated:
    r"""Return :math:`g_k = \sum_{j \in q} d_j \big/ \sum_{j \in q} r_j d_j` for respondents, 0 for others.

    The weight of those who did not answer goes to the respondents of their class. The totals of
    the classes are estimated by the sample, and the linearised error knows it: a unit that did not answer
    still counts, through the size of its class.

    Parameters
    ----------
    d : array_like, shape (K,)
        Weight of each cell, with those that did not answer.
    responded : array_like of bool, shape (K,)
        r.
    category : array_like of int, shape (K,)
        Number of the weighting class of a cell, 0..Q-1.
    names : sequence of str, length Q
        What the classes are called in messages.

    Returns
    -------
    Calibrated

    Raises
    ------
    DesignError
        A class in which nobody answered.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, section 15.6.

    Examples
    --------
    >>> nonresponse([10.0, 5.0, 20.0], [True, False, True], [0, 0, 1]).g.tolist()
    [1.5, 0.0, 1.0]
    """
    classes = int(np.max(np.asarray(category), initial=-1)) + 1
    w, q = _cells(d, category, classes)
    r = np.asarray(responded, bool)
    D, R = np.bincount(q, w, minlength=classes), np.bincount(q, w * r, minlength=classes)
    for j in np.flatnonzero((D > 0) & (R == 0)):
        raise DesignError(
            f"nobody answered in {named(names, j)}, which has the weight {D[j]:g}; "
            "merge it with another class"
        )
    factor = np.divide(D, R, out=np.ones(classes), where=R > 0)
    done = _exact(r * factor[q], factor - 1, _indicators(q, classes), r.astype(float))
    return done._replace(estimated=True)


def trim(
    d: ArrayLike,
    *,
    lower: float = 0.0,
    upper: float = np.inf,
    count: ArrayLike | None = None,
    category: ArrayLike | None = None,
) -> Calibrated:
    r"""Cut weights to bounds and give the excess to the others in proportion.

    .. math:: w_k' = \min(\max(a\,w_k, L), U), \qquad \sum_k n_k w_k' = \sum_k n_k w_k = \sum_k d_k

    `a` is one factor a category: where cutting and redistributing, repeated until no weight is
    out of bounds, come to rest. Where all weights are within, nothing changes.

    Parameters
    ----------
    d : array_like, shape (K,)
        Weight of each cell.
    lower, upper : float
        L and U, bounds of the weight of an element.
    count : array_like, shape (K,), optional
        n, elements of a cell, :math:`w = d/n`: their mean weight, so cells should hold
        elements of like weight; 1 each by default.
    category : array_like of int, shape (K,), optional
        The excess stays within it; one for all by default.

    Returns
    -------
    Calibrated
        For the linearisation a weight at a bound stands still and the total that is kept is
        estimated by the sample.

    Raises
    ------
    OptionError
        A bound that is no number, or a negative one.
    DesignError
        Bounds in the wrong order, or so narrow that the total cannot be kept.

    References
    ----------
    Potter (1990), A study of procedures to identify and trim extreme sampling weights, ASA
    Proceedings of the Section on Survey Research Methods, 225–230.

    Examples
    --------
    >>> trim([60.0, 20.0, 20.0], upper=40.0).g.round(4).tolist()
    [0.6667, 1.5, 1.5]
    """
    real_number("lower", lower, least=0)
    if upper != np.inf:
        real_number("upper", upper, above=0)
    if not lower < upper:
        raise DesignError(f"weights cannot be trimmed to lower={lower:g} and upper={upper:g}: L < U")
    q = np.zeros(np.size(d), np.intp) if category is None else np.asarray(category, np.intp)
    groups = int(q.max(initial=-1)) + 1
    total, q = _cells(d, q, groups)
    n = np.ones(total.size) if count is None else np.asarray(count, float)
    w = np.divide(total, n, out=np.zeros(total.size), where=n > 0)
    a = np.ones(groups)
    for j in np.flatnonzero(np.bincount(q[(w > 0) & ((w < lower) | (w > upper))], minlength=groups)):
        held = (q == j) & (w > 0)
        a[j] = _common_factor(w[held], n[held], lower, upper)
    scaled = a[q] * w
    new = np.where(w > 0, np.clip(scaled, lower, upper), 0.0)
    moves = (scaled > lower) & (scaled < upper)
    g = np.divide(new, w, out=np.ones(w.size), where=w > 0)
    done = _exact(g, a - 1, _indicators(q, groups), moves.astype(float))
    return done._replace(moves=moves, estimated=True)


def _common_factor(w: Array, n: Array, lower: float, upper: float) -> float:
    """Return a with Σ n min(max(a w, L), U) = Σ n w: the sum is piecewise linear in a."""
    goal = float(n @ w)
    if not lower * n.sum() <= goal <= upper * n.sum():
        raise DesignError(
            f"weights from {lower:g} to {upper:g} cannot keep the total {goal:g} of {n.sum():g} elements, "
            f"whose mean weight is {goal / n.sum():g}; widen the bounds"
        )
    breaks = np.unique(np.r_[lower / w, upper / w])
    breaks = breaks[np.isfinite(breaks)]
    first, last = 0, breaks.size  # breaks[:first] give too little, breaks[last:] enough
    while first < last:
        middle = (first + last) // 2
        if n @ np.clip(breaks[middle] * w, lower, upper) < goal:
            first = middle + 1
        else:
            last = middle
    ends = breaks[max(first - 1, 0)], breaks[first] if first < breaks.size else np.inf
    inside = (lower / w <= ends[0]) & (upper / w >= ends[1])
    if not inside.any():
        return float(ends[1])
    at = np.where(lower / w > ends[0], lower, upper)
    return float((goal - n[~inside] @ at[~inside]) / (n[inside] @ w[inside]))


def _cells(d: ArrayLike, category: ArrayLike, size: int) -> tuple[Array, Index]:
    w, q = np.array(d, float, ndmin=1), np.array(category, np.intp, ndmin=1)
    if w.shape != q.shape:
        raise DesignError(f"{w.size} weights and {q.size} categories; one each")
    for k in np.flatnonzero(~(np.isfinite(w) & (w >= 0))):
        raise DesignError(f"the weight of cell {k} is {w[k]:g}; weights must be finite and not negative")
    for k in np.flatnonzero((q < 0) | (q >= size)):
        raise DesignError(f"category {q[k]} of cell {k} has no total; there are {size}, numbered from 0")
    return w, q


def _indicators(q: Index, size: int) -> csr_array:
    return csr_array((np.ones(q.size), (np.arange(q.size), q)), shape=(q.size, size))


def _exact(g: Array, multipliers: Array, C: csr_array, slope: Array) -> Calibrated:
    return Calibrated(g, multipliers, 0, 0.0, C, slope, np.ones(g.size, bool))
