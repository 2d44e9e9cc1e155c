r"""Which choice moves a result: variance-based sensitivity.

With Y = f(X₁ … X_k) and independent X,

.. math:: S_i = \frac{V\{E(Y \mid X_i)\}}{V(Y)}, \qquad
          T_i = \frac{E\{V(Y \mid X_{\sim i})\}}{V(Y)} = 1 - \frac{V\{E(Y \mid X_{\sim i})\}}{V(Y)}

S is what would go if X_i were known; T what would stay if all else were. T ≥ S; their difference is what X_i
does together with others.

References
----------
Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola (2010), Variance based sensitivity analysis of model
output, Computer Physics Communications 181. Jansen (1999), Analysis of variance designs for model output,
ibid. 117. Owen (2014), Sobol' indices and Shapley value, SIAM/ASA J. Uncertainty Quantification 2.
"""

from __future__ import annotations

from math import factorial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, whole_number

Array = NDArray[np.float64]

#: deviations of a result that are rounding, relative to its size
_ROUNDING: Final = 1e-12


class Indices(NamedTuple):
    """Indices of k factors for any number of outputs.

    Attributes
    ----------
    first, total : ndarray, shape (k, …)
        S and T; NaN where the output does not vary.
    variance : ndarray, shape (…)
        V(Y).
    """

    first: Array
    total: Array
    variance: Array


def factorial_indices(values: ArrayLike, factors: int) -> Indices:
    """Return the exact indices from a table of all combinations, each equally likely.

    Parameters
    ----------
    values : array_like, shape (n₁, …, n_k, …)
        Y for every combination of the levels of k factors; further axes are outputs.
    factors : int
        k.

    Returns
    -------
    Indices
        Without error but for rounding.

    Raises
    ------
    OptionError
        k is not a whole number from 1 to the axes of the table.

    Examples
    --------
    >>> X, Z = np.meshgrid([-1.0, 1.0], [-1.0, 0.0, 1.0], indexing="ij")
    >>> found = factorial_indices(X + X * Z, 2)
    >>> found.first.round(12).tolist(), found.total.round(12).tolist()
    ([0.6, 0.0], [1.0, 0.4])
    """
    Y = np.asarray(values, float)
    whole_number("factors", factors, least=1)
    if factors > Y.ndim:
        raise OptionError(f"factors={factors!r}: the table has {Y.ndim} axes", argument="factors")
    axes = tuple(range(factors))
    Z = Y - Y.mean(axes, keepdims=True)
    variance = (Z**2).mean(axes)
    first, rest = np.empty((2, factors, *variance.shape))
    for i in axes:
        others = tuple(axis for axis in axes if axis != i)
        first[i] = (Z.mean(others) ** 2).mean(0)
        rest[i] = (Z.mean(i) ** 2).mean(tuple(range(factors - 1)))
    V = _varying(variance, np.abs(Y).max(axes))
    return Indices(first / V, 1 - rest / V, variance)


class Sums(NamedTuple):
    r"""Sums over runs of a pick-and-freeze design; they add up over batches.

    Attributes
    ----------
    n : int
        Pairs of base runs.
    a, b, aa, bb : ndarray, shape (…)
        Sums of Y in both base runs and of their squares, about a fixed value.
    d, bd, dd : ndarray, shape (k, …)
        Sums of :math:`d_i = Y_{A,i \leftarrow B} - Y_A`, of :math:`Y_B d_i` and of :math:`d_i^2`.
    scale : ndarray, shape (…)
        Greatest absolute Y.
    """

    n: int
    a: Array
    b: Array
    aa: Array
    bb: Array
    d: Array
    bd: Array
    dd: Array
    scale: Array


def sums(base: ArrayLike, other: ArrayLike, mixed: ArrayLike, about: ArrayLike) -> Sums:
    """Return the sums of one batch.

    Parameters
    ----------
    base, other : array_like, shape (n, …)
        Y in the runs A and B.
    mixed : array_like, shape (k, n, …)
        Y where factor i of A is taken from B.
    about : array_like, shape (…)
        A fixed value near Y, so that little is lost in the squares.

    Returns
    -------
    Sums

    Examples
    --------
    Of two factors only the first moves Y:

    >>> A, B = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> found = sums(A, B, [B, A], 0.5)
    >>> found.n, found.d.tolist(), found.dd.tolist()
    (4, [0.0, 0.0], [2.0, 0.0])
    """
    A, B = (np.asarray(y, float) - about for y in (base, other))
    D = np.asarray(mixed, float) - about - A
    scale = np.maximum(np.abs(base).max(0), np.abs(other).max(0))
    squares = (D**2).sum(1)
    return Sums(
        len(A), A.sum(0), B.sum(0), (A**2).sum(0), (B**2).sum(0), D.sum(1), (B * D).sum(1), squares, scale
    )


def add(one: Sums | None, two: Sums) -> Sums:
    """Return the sums of two batches together.

    Parameters
    ----------
    one : Sums or None
        None: nothing yet.
    two : Sums
        About the same value.

    Returns
    -------
    Sums

    Examples
    --------
    >>> batch = sums([0.0, 1.0], [1.0, 0.0], [[1.0, 0.0]], 0.5)
    >>> add(add(None, batch), batch).n
    4
    """
    if one is None:
        return two
    total = {name: getattr(one, name) + getattr(two, name) for name in Sums._fields[:-1]}
    return Sums(**total, scale=np.maximum(one.scale, two.scale))


def estimated_indices(found: Sums) -> Indices:
    r"""Return centred estimates of the indices.

    .. math:: \hat S_i = \frac{\overline{Y_B d_i} - \overline{Y_B}\,\overline{d_i}}{\hat V}, \qquad
              \hat T_i = \frac{\overline{d_i^2}}{2 \hat V}

    with :math:`\hat V` over both base runs. Taking the mean off Y_B leaves the expectation of S as it is and
    its error without the part that comes from the level of Y; without it, small indices come out negative.

    Parameters
    ----------
    found : Sums
        Of all batches.

    Returns
    -------
    Indices

    References
    ----------
    Saltelli et al. (2010), table 2 (b) and (f).

    Examples
    --------
    >>> A, B = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> found = estimated_indices(sums(A, B, [B, A], 0.5))
    >>> found.first.tolist(), found.total.tolist(), found.variance.item()
    ([1.0, 0.0], [1.0, 0.0], 0.25)
    """
    n = found.n
    mean = (found.a + found.b) / (2 * n)
    variance = (found.aa + found.bb) / (2 * n) - mean**2
    V = _varying(variance, found.scale)
    first = (found.bd / n - found.b / n * (found.d / n)) / V
    return Indices(first, found.dd / (2 * n) / V, np.maximum(variance, 0.0))


def sobol_points(n: int, dimensions: int, *, seed: int, skip: int = 0) -> Array:
    """Return scrambled Sobol points.

    Parameters
    ----------
    n : int
        Best a power of two.
    dimensions : int
        Factors, two places each in a pick-and-freeze design.
    seed : int
        Of the scrambling; each seed is another unbiased replicate.
    skip : int
        Points of the sequence left out, so that a longer one goes on where a shorter ended.

    Returns
    -------
    ndarray, shape (n, dimensions)
        In [0, 1).

    References
    ----------
    Owen (1998), Scrambling Sobol' and Niederreiter–Xing points, Journal of Complexity 14.

    Examples
    --------
    One point in every quarter of each axis:

    >>> np.sort(np.floor(4 * sobol_points(4, 2, seed=1)), axis=0).tolist()
    [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    if skip:
        sequence.fast_forward(skip)
    return np.asarray(sequence.random(n), float)


def shapley_effects(total: ArrayLike) -> Array:
    r"""Return the share of the variance that each factor accounts for; the shares add up.

    .. math:: \phi_i = \sum_{u \subseteq \sim i} \frac{|u|!\,(k - 1 - |u|)!}{k!}
              \big(c_{u \cup i} - c_u\big), \qquad \sum_i \phi_i = V(Y)

    What factors do together is divided between them equally. c is the total effect of a set of factors; its
    explained variance in place of it gives the same.

    Parameters
    ----------
    total : array_like, shape (2ᵏ, …)
        c of every set of factors, factor i being bit i of the place: c of none is 0, of all is V(Y).

    Returns
    -------
    ndarray, shape (k, …)

    Raises
    ------
    OptionError
        The number of sets is not a power of two.

    References
    ----------
    Owen (2014). Song, Nelson and Staum (2016), Shapley effects for global sensitivity analysis, SIAM/ASA J.
    Uncertainty Quantification 4.

    Examples
    --------
    >>> shapley_effects([0.0, 3.0, 2.0, 4.0]).tolist()
    [2.5, 1.5]
    """
    c = np.asarray(total, float)
    k = len(c).bit_length() - 1
    if len(c) != 2**k:
        raise OptionError(
            f"total has {len(c)} sets, not all those of some factors: 2, 4, 8 …", argument="total"
        )
    effect = np.zeros((k, *c.shape[1:]))
    for i in range(k):
        for u in range(2**k):
            if not u >> i & 1:
                size = u.bit_count()
                effect[i] += factorial(size) * factorial(k - 1 - size) / factorial(k) * (c[u | 1 << i] - c[u])
    return effect


def _varying(variance: Array, scale: Array) -> Array:
    """Return the variance, NaN where it is rounding."""
    return np.where(variance > (_ROUNDING * scale) ** 2, variance, np.nan)
