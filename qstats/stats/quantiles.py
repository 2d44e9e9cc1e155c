"""Quantiles of a weighted distribution, and their intervals by Woodruff's method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of
from qstats.stats.design_intervals import Design, design_proportion

Array = NDArray[np.float64]
Rule = Literal["math", "school", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"]
RULE: Final = ("math", "school", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")

#: Hyndman and Fan's plotting positions (k − a)/(n + 1 − a − b) of the rules 4 to 9: a, b
_POSITIONS: Final = {
    "hf4": (0.0, 1.0),
    "hf5": (0.5, 0.5),
    "hf6": (0.0, 0.0),
    "hf7": (1.0, 1.0),
    "hf8": (1 / 3, 1 / 3),
    "hf9": (3 / 8, 3 / 8),
}
#: a cumulated weight this near a share of the total, relatively, counts as equal to it
_ROUNDING: Final = 1e-12


class Distribution(NamedTuple):
    """Weights by value: all that a quantile needs to know of the rows."""

    #: (K,) distinct values, ascending
    values: Array
    #: (K,) sums of the weights of each value, positive
    weights: Array
    #: (K,) numbers of rows of each value
    counts: Array


class QuantileInterval(NamedTuple):
    """Quantiles, each with its interval; every field (Q,)."""

    estimate: Array
    low: Array
    high: Array
    #: half the length of the interval over the t quantile
    std_error: Array
    #: estimated share of the population at or below the quantile, and its standard error
    share: Array
    share_error: Array
    #: why a limit is NaN; empty text where none is
    reason: NDArray[np.object_]


def distribution(values: ArrayLike, weights: ArrayLike, counts: ArrayLike | None = None) -> Distribution:
    """Gather values and weights, of rows or of cells, into a distribution.

    Distributions of parts are gathered into that of the whole by concatenating their fields.

    Parameters
    ----------
    values, weights : array_like, (E,)
        Rows, or cells with the sum of the weights of the rows that share a value. Entries without
        weight are left out.
    counts : array_like, (E,), optional
        Rows of each entry; by default 1. Only the rules ``hf4`` to ``hf9`` use them.

    Returns
    -------
    Distribution
        K distinct values.

    Raises
    ------
    DataError
        A value is missing, a weight is missing or negative, or all weights are 0.

    Examples
    --------
    >>> distribution([3, 1, 3], [1, 2, 4]).weights
    array([2., 5.])
    """
    y, w = np.asarray(values, float).ravel(), np.asarray(weights, float).ravel()
    c = np.ones(y.shape) if counts is None else np.asarray(counts, float).ravel()
    if not y.shape == w.shape == c.shape:
        raise DataError(f"values, weights and counts differ in length: {len(y)}, {len(w)}, {len(c)}")
    if np.isnan(y).any():
        raise DataError(f"{int(np.isnan(y).sum())} of {len(y)} values are missing; leave their rows out")
    if not (w >= 0).all():
        raise DataError(f"weight {w[~(w >= 0)][0]!r}: weights must be known and not negative")
    y, w, c = y[w > 0], w[w > 0], c[w > 0]
    if not len(y):
        raise DataError("no entry has weight; a quantile needs one")
    distinct, place = np.unique(y, return_inverse=True)
    sums = (np.asarray(np.bincount(place, part), float) for part in (w, c))
    return Distribution(distinct, *sums)


def quantile(given: Distribution, probs: ArrayLike, /, *, rule: Rule = "math") -> Array:
    r"""Return the quantiles of a weighted distribution.

    With :math:`C_k` the sum of the weights up to row k of n in order of the values, :math:`C_0 = 0`
    and :math:`F(x)` the share of the weight at or below x:

    * ``math``: the least x with :math:`F(x) \ge p` (Hyndman and Fan's definition 1).
    * ``school``: the mean of that x and the next value where :math:`F(x) = p` (definition 2).
    * ``hf4`` … ``hf9``: linear between the rows, at the positions
      :math:`p_k = \frac{C_k - a\,w_k}{C_n + (1-a-b)\,w_n}` of their definitions 4 to 9, where
      :math:`(k-a)/(n+1-a-b)` counts rows of weight 1 (``hf7``, a = b = 1: :math:`C_{k-1}/C_{n-1}`).
      Rows of one value share their weight evenly, so that the order of rows does not matter.

    Parameters
    ----------
    given : Distribution
        K values.
    probs : array_like, (Q,)
        Shares p in [0, 1].
    rule
        Which definition.

    Returns
    -------
    ndarray, (Q,)
        In the unit of the values. Beyond the first and the last position, the first and last value.

    Raises
    ------
    OptionError
        An unknown rule, or a share outside [0, 1].

    References
    ----------
    Hyndman & Fan (1996), Sample quantiles in statistical packages, American Statistician 50, 361–365.

    Examples
    --------
    >>> given = distribution([1, 2, 4, 8], [1, 1, 1, 1])
    >>> [float(quantile(given, 0.5, rule=rule)) for rule in ("math", "school", "hf7")]
    [2.0, 3.0, 3.0]
    """
    one_of("rule", rule, RULE)
    p = np.asarray(probs, float)
    if not ((p >= 0) & (p <= 1)).all():
        raise OptionError(f"a quantile needs a share between 0 and 1, not {p[~((p >= 0) & (p <= 1))][0]!r}")
    if rule in ("math", "school"):
        return _inverse(given, p, halfway=rule == "school")
    positions, values = _knots(given, *_POSITIONS[rule])
    return np.asarray(np.interp(p, positions, values), float)


def share(given: Distribution, points: ArrayLike, /) -> Array:
    r"""Return the share of the weight at or below each point.

    .. math:: F(x) = \sum_{y_k \le x} w_k \Big/ \sum_k w_k

    Parameters
    ----------
    given : Distribution
    points : array_like, (Q,)
        x, in the unit of the values.

    Returns
    -------
    ndarray, (Q,)
        In [0, 1].

    Examples
    --------
    >>> share(distribution([1, 2, 4, 8], [1, 1, 1, 1]), [0, 2, 3])
    array([0. , 0.5, 0.5])
    """
    C = np.concatenate([[0.0], np.cumsum(given.weights)])
    return np.asarray(C[np.searchsorted(given.values, np.asarray(points, float), side="right")] / C[-1])


def woodruff(
    given: Distribution,
    probs: ArrayLike,
    variance: ArrayLike | Callable[[Array], ArrayLike],
    df: float,
    /,
    *,
    n: float | None = None,
    rule: Rule = "math",
    interval: Design = "wald",
    level: float = 0.95,
    deff_at_bounds: float = 1.0,
) -> QuantileInterval:
    r"""Return quantiles with Woodruff's intervals.

    The share F̂(q̂) of the population at or below the estimated quantile is a proportion; its interval
    [a, b] is turned into values by the same rule:

    .. math:: \hat q = \hat F^{-1}(p), \qquad [\hat F^{-1}(a),\; \hat F^{-1}(b)], \qquad
       se = \frac{\hat F^{-1}(b) - \hat F^{-1}(a)}{2\,t_{df}}

    Parameters
    ----------
    given : Distribution
        K values.
    probs : array_like, (Q,)
        Shares p.
    variance : array_like, (Q,), or callable
        Variance under the design of the estimated share of rows with y ≤ q̂, for each q̂; or a
        function of the quantiles (Q,) that returns it.
    df : float
        Degrees of freedom.
    n : float, optional
        Number of observations, by default the number of rows of the distribution.
    rule, interval, level, deff_at_bounds
        The definition of the quantile; the interval of the share, as in ``design_proportion``.

    Returns
    -------
    QuantileInterval
        A limit is NaN, with the reason, where the interval of the share reaches 0 or 1: nothing
        observed bounds the quantile on that side. So is the standard error then.

    Raises
    ------
    OptionError
        An unknown rule or interval, a share outside [0, 1], or a level that is not between 0 and 1.

    References
    ----------
    Woodruff (1952), Confidence intervals for medians and other position measures, JASA 47, 635–646.

    Examples
    --------
    >>> given = distribution(range(1, 101), [1] * 100)
    >>> found = woodruff(given, [0.5], [0.05**2], 99)
    >>> found.estimate, found.low, found.high
    (array([50.]), array([41.]), array([60.]))
    """
    from scipy.stats import t

    p = np.atleast_1d(np.asarray(probs, float))
    q = quantile(given, p, rule=rule)
    v = np.broadcast_to(np.asarray(variance(q) if callable(variance) else variance, float), q.shape)
    F, se = share(given, q), np.sqrt(v)
    rows = float(given.counts.sum()) if n is None else n
    a, b, reason = design_proportion(
        F, se, rows, df, method=interval, level=level, deff_at_bounds=deff_at_bounds
    )
    low = np.where(a > 0, quantile(given, np.where(a > 0, a, 0.0), rule=rule), np.nan)
    high = np.where(b < 1, quantile(given, np.where(b < 1, b, 1.0), rule=rule), np.nan)
    open_ended = (a <= 0) | (b >= 1)
    reason = np.where(open_ended, "not bounded: the interval of the share reaches 0 or 1", reason)
    with np.errstate(invalid="ignore"):
        std_error = (high - low) / (2 * t.ppf((1 + level) / 2, df))
    return QuantileInterval(q, low, high, std_error, F, se, reason.astype(object))


def _inverse(given: Distribution, p: Array, *, halfway: bool) -> Array:
    C = np.cumsum(given.weights)
    aim = p * C[-1]
    last = len(C) - 1
    first = np.minimum(np.searchsorted(C, aim * (1 - _ROUNDING)), last)
    if not halfway:
        return np.asarray(given.values[first], float)
    equal = C[first] <= aim * (1 + _ROUNDING)
    second = np.where(equal, np.minimum(first + 1, last), first)
    return np.asarray((given.values[first] + given.values[second]) / 2, float)


def _knots(given: Distribution, a: float, b: float) -> tuple[Array, Array]:
    """Return the positions of the first and the last row of every value, and the values.

    For a = 1 the position of a row does not count its own weight but that of the rows before it,
    and the whole is the weight of all rows but the last.
    """
    C = np.cumsum(given.weights)
    w = given.weights / given.counts
    first = C - given.weights + w
    whole = C[-1] + (1 - a - b) * w[-1]
    if whole <= 0:  # one row
        return np.array([0.5]), given.values
    positions = np.column_stack([first - a * w, C - a * w]).ravel() / whole
    return positions, np.repeat(given.values, 2)
