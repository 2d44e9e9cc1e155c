r"""Calibration: weights as near as possible to the sampling weights that meet known totals.

.. math:: w_k = d_k\,F(c_k'\lambda), \qquad \sum_k w_k c_k = T

`d` is the weight of a calibration cell (the sum over its elements), `c` its p auxiliaries, the same
for all its elements, `T` their known totals. So the factor :math:`g = F(c'\lambda)` is constant in a
cell, and the sums of a cell are calibrated by one multiplication. F comes from the distance that is
minimised:

=========  ===============================================  =====================================
distance   F(u)                                             weights
=========  ===============================================  =====================================
linear     1 + u (GREG); with bounds, cut to [L, U]         may be negative without bounds
raking     exp(u)                                           positive
logit      between L and U, F(0) = F'(0) = 1                within the bounds
=========  ===============================================  =====================================

References
----------
Deville and Särndal (1992), Calibration estimators in survey sampling, JASA 87, 376–382.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from qstats.errors import DesignError, OptionError, numbers_of, one_of, whole_number

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Distance = Literal["linear", "raking", "logit"]
Error = Literal["greg", "derivative"]
Bounds = tuple[float, float]
Curve = Callable[[Array], tuple[Array, Array, Array]]

ERRORS = ("greg", "derivative")
TOLERANCE = 1e-13
"""Largest relative miss of a calibrated total."""


class Calibrated(NamedTuple):
    r"""One adjustment of the weights of K cells, and what its linearisation needs.

    Attributes
    ----------
    g : ndarray, shape (K,)
        Factor on the weight that came in.
    multipliers : ndarray, shape (p,)
        λ.
    iterations : int
        Newton steps taken.
    deviation : float
        Largest relative miss of a total.
    C : csr_array, shape (K, p)
        The auxiliaries.
    slope : ndarray, shape (K,)
        Weight of a cell in the projection on C, relative to the weight that came in. 1: the
        projection of the regression estimator, to which all distances are equal in large
        samples; :math:`F'(c'\lambda)`: the calibration differentiated exactly.
    moves : ndarray of bool, shape (K,)
        Whether the weight follows the one that came in; a weight cut to a bound does not.
    estimated : bool
        The totals are those of the weights that came in (nonresponse, redistribution), not known ones.
    """

    g: Array
    multipliers: Array
    iterations: int
    deviation: float
    C: csr_array
    slope: Array
    moves: Mask
    estimated: bool = False

    @property
    def negative(self) -> int:
        """Number of cells whose factor is negative: only the linear distance without bounds has any."""
        return int(np.count_nonzero(self.g < 0))


def calibrate(
    d: ArrayLike,
    C: ArrayLike | csr_array,
    totals: ArrayLike,
    *,
    distance: Distance = "linear",
    bounds: Bounds | None = None,
    error: Error = "greg",
    names: Sequence[str] = (),
    max_iterations: int = 100,
) -> Calibrated:
    r"""Return the factors g that bring the weighted sums of the auxiliaries to their totals.

    .. math:: \sum_k d_k\,F(c_k'\lambda)\,c_k = T

    by Newton's method on the convex dual :math:`\sum_k d_k \Phi(c_k'\lambda) - \lambda'T`,
    :math:`\Phi' = F`, halving a step that does not bring it nearer. Columns of C may be linearly
    dependent (complete margins) where their totals agree.

    Parameters
    ----------
    d : array_like, shape (K,)
        Weight of each calibration cell, not negative.
    C : array_like or sparse array, shape (K, p)
        Auxiliaries of the elements of a cell.
    totals : array_like, shape (p,)
        T, known for the population.
    distance : {"linear", "raking", "logit"}
        The linear distance without bounds may give negative factors; :attr:`Calibrated.negative`
        counts them.
    bounds : (float, float), optional
        L < 1 < U for g; with logit necessary, with linear possible.
    error : {"greg", "derivative"}
        What the residuals of the linearisation are taken from (`slope` of the result): the regression
        with the weights that came in, s = 1, to which all distances tend in large samples; or that with
        :math:`s = F'(c'\lambda)`, which differentiates this very estimator:

        .. math:: \frac{\partial \hat Y}{\partial d_i} = F(c_i'\lambda)\,(y_i - c_i'B), \quad
                  B = \Big(\sum_k d_k F'(c_k'\lambda)\,c_k c_k'\Big)^{+} \sum_k d_k F'(c_k'\lambda)\,c_k y_k

        They are the same for the linear distance without bounds and for one complete set of categories.
    names : sequence of str, length p
        What the columns of C are called in messages.
    max_iterations : int
        Newton steps at most.

    Returns
    -------
    Calibrated
        Its `deviation` is at most 1e-13 (for more than a thousand cells the rounding of sums,
        :math:`2^{-50}\sqrt K`, where that is larger).

    Raises
    ------
    DesignError
        A weight or total that is not a number, an auxiliary that no sampled element has, totals that
        contradict each other, or that no factors within the bounds reach.
    OptionError
        Bounds that do not fit the distance.

    References
    ----------
    Deville and Särndal (1992), cases 1, 2, 6 and 7 of their table of distances. Deville, Särndal and
    Sautory (1993), Generalized raking procedures in survey sampling, JASA 88, 1013–1020.

    Examples
    --------
    >>> C = [[1, 0], [1, 1], [1, 1]]
    >>> calibrate([10.0, 20.0, 10.0], C, [50.0, 36.0]).g.round(12).tolist()
    [1.4, 1.2, 1.2]
    """
    one_of("error", error, ERRORS)
    whole_number("max_iterations", max_iterations, least=1)
    F = _curve(distance, bounds)
    w, C, T = _checked(d, C, totals, names)
    if distance == "raking":
        _check_positive(w, C, T, names)
    asked, T = T, _consistent(w, C, T, names)
    multipliers, iterations, deviation = _newton(w, C, T, F, max_iterations)
    limit = max(TOLERANCE, 2.0**-50 * np.sqrt(w.size))
    if not deviation <= limit:
        raise DesignError(_unreached(w, C, asked, F(C @ multipliers)[1], distance, bounds, names))
    _, g, slope = F(C @ multipliers)
    one = np.ones(w.size)
    if error == "greg":
        slope = one
    elif distance == "linear" and bounds is not None:
        slope = np.where((bounds[0] < g) & (g < bounds[1]), 1.0, 0.0)
    return Calibrated(g, multipliers, iterations, deviation, C, slope, one.astype(bool))


def solve(M: Array, b: Array, *, cutoff: float = 1e-11) -> Array:
    r"""Return :math:`M^{+} b` for a symmetric positive semidefinite M, its diagonal scaled to 1.

    Parameters
    ----------
    M : ndarray, shape (p, p)
    b : ndarray, shape (p,) or (p, R)
    cutoff : float
        Eigenvalues below this share of the largest are zero.

    Returns
    -------
    ndarray, like b

    Examples
    --------
    >>> solve(np.ones((2, 2)), np.array([2.0, 2.0])).round(12).tolist()  # the shortest x with x₁ + x₂ = 2
    [1.0, 1.0]
    """
    diagonal = np.diag(M)
    s = np.divide(1.0, np.sqrt(diagonal), out=np.zeros(diagonal.size), where=diagonal > 0)
    scaled = (b.T * s).T
    if np.count_nonzero(M) == np.count_nonzero(diagonal):
        return np.asarray((scaled.T * s).T, float)
    values, vectors = np.linalg.eigh(M * np.outer(s, s))
    inverse = np.divide(1.0, values, out=np.zeros(values.size), where=values > cutoff * values[-1])
    return np.asarray((((vectors * inverse) @ (vectors.T @ scaled)).T * s).T, float)


def _gram(C: csr_array, weight: Array) -> Array:
    r"""Return :math:`\sum_k m_k c_k c_k'`, dense."""
    return np.asarray((C.T @ C.multiply(weight[:, None])).toarray(), float)


def _curve(distance: Distance, bounds: Bounds | None) -> Curve:
    """Return u ↦ (Φ, F, F')."""
    one_of("distance", distance, ("linear", "raking", "logit"))
    if bounds is None:
        if distance == "logit":
            raise OptionError("distance='logit' needs bounds=(L, U) with L < 1 < U")
        return _exponential if distance == "raking" else lambda u: (u + u**2 / 2, 1 + u, np.ones(u.size))
    ends = numbers_of("bounds", bounds)
    if distance == "raking":
        raise OptionError(f"distance='raking' has no bounds, given {bounds}; distance='logit' keeps to them")
    if ends.shape != (2,) or not -np.inf < ends[0] < 1 < ends[1] < np.inf:
        raise OptionError(f"bounds={bounds!r:.200} do not enclose 1: (L, U) with L < 1 < U, both finite")
    L, U = ends.tolist()

    def clipped(u: Array) -> tuple[Array, Array, Array]:
        g = np.clip(1 + u, L, U)
        # a little slope beyond the bounds keeps the Newton matrix of full rank
        return g * u - (g - 1) ** 2 / 2, g, np.where((1 + u > L) & (1 + u < U), 1.0, 1e-6)

    def logistic(u: Array) -> tuple[Array, Array, Array]:
        A = (U - L) / ((1 - L) * (U - 1))
        share = _expit(A * u + np.log((1 - L) / (U - 1)))
        top = np.logaddexp(np.log(U - 1), np.log(1 - L) + A * u)
        return L * u + (U - L) / A * top, L + (U - L) * share, A * (U - L) * share * (1 - share)

    return clipped if distance == "linear" else logistic


def _exponential(u: Array) -> tuple[Array, Array, Array]:
    e = np.exp(np.minimum(u, 700.0))
    return e, e, e


def _expit(u: Array) -> Array:
    e = np.exp(-np.abs(u))
    return np.asarray(np.where(u >= 0, 1.0, e) / (1 + e), float)


def _newton(w: Array, C: csr_array, T: Array, F: Curve, most: int) -> tuple[Array, int, float]:
    """Return λ, the steps taken and the largest relative miss."""
    size = np.maximum(np.abs(T), abs(C).T @ w)
    size = np.where(size > 0, size, 1.0)

    def at(x: Array) -> tuple[float, Array, float, Array]:
        dual, g, slope = F(C @ x)
        miss = C.T @ (w * g) - T
        return float(w @ dual - x @ T), miss, float(np.max(np.abs(miss) / size, initial=0.0)), slope

    x = np.zeros(T.size)
    dual, miss, error, slope = at(x)
    for step in range(most):
        if error <= TOLERANCE:
            return x, step, error
        move = -solve(_gram(C, w * slope), miss)
        descent, share = float(miss @ move), 1.0
        while share > 1e-10:
            new = at(x + share * move)
            if new[2] < 0.5 * error or (new[0] <= dual + 1e-4 * share * descent and new[0] < dual):
                break
            share /= 2
        if share <= 1e-10:
            return x, step, error
        x = x + share * move
        dual, miss, error, slope = new
    return x, most, error


def _checked(
    d: ArrayLike, C: ArrayLike | csr_array, totals: ArrayLike, names: Sequence[str]
) -> tuple[Array, csr_array, Array]:
    w, T = np.array(d, float, ndmin=1), np.array(totals, float, ndmin=1)
    C = csr_array(C, dtype=float)
    if C.shape != (w.size, T.size) or (names and len(names) != T.size):
        raise DesignError(
            f"auxiliaries of shape {C.shape} do not fit {w.size} cells, {T.size} totals, {len(names)} names"
        )
    wrong = np.flatnonzero(~(np.isfinite(w) & (w >= 0)))
    if wrong.size:
        raise DesignError(
            f"the weight of calibration cell {wrong[0]} is {w[wrong[0]]:g}; weights must be finite and not "
            "negative (an earlier linear calibration without bounds can make them so: give it bounds)"
        )
    for j in np.flatnonzero(~np.isfinite(T)):
        raise DesignError(
            f"the total of {named(names, j)} is {T[j]:g}; give a number or leave the auxiliary out"
        )
    if not np.isfinite(C.data).all():
        raise DesignError("an auxiliary is not a number; fill it in or calibrate without it")
    for j in np.flatnonzero((abs(C).T @ w == 0) & (T != 0)):
        raise DesignError(
            f"{named(names, j)} has the total {T[j]:g} but no weight in the sample: "
            "the category is not in the data; merge it with another"
        )
    return w, C, T


def _consistent(w: Array, C: csr_array, T: Array, names: Sequence[str]) -> Array:
    """Return T in the range of the auxiliaries: rounding is taken off, a contradiction raises."""
    held, M = C.T @ w, _gram(C, w)
    rest = T - held
    rest = rest - M @ solve(M, rest)
    off = np.abs(rest) / np.maximum(np.abs(T) + abs(C).T @ w, np.finfo(float).tiny)
    if off.size and off.max() > 1e-10:
        diagonal = np.diag(M)
        v = np.divide(rest, diagonal, out=np.zeros(T.size), where=diagonal > 0)  # M v = 0
        v = v / np.abs(v).max()
        one, other = (
            ", ".join(named(names, j) for j in np.flatnonzero(side > 1e-6)[:5]) or "zero" for side in (v, -v)
        )
        raise DesignError(
            f"the totals contradict each other: in the sample {one} come to the same as {other}, "
            f"but their totals differ by {v @ T:.10g}. Margins must add up to the same number"
        )
    return np.asarray(T - rest, float)


def _check_positive(w: Array, C: csr_array, T: Array, names: Sequence[str]) -> None:
    positive = (C.minimum(0).T @ w == 0) & (C.T @ w > 0)
    for j in np.flatnonzero(positive & (T <= 0)):
        raise DesignError(
            f"raking cannot bring {named(names, j)} to the total {T[j]:g}: its factors are positive; "
            "leave these elements out, or take the linear distance"
        )


def _unreached(
    w: Array,
    C: csr_array,
    T: Array,
    g: Array,
    distance: Distance,
    bounds: Bounds | None,
    names: Sequence[str],
) -> str:
    miss = C.T @ (w * g) - T
    j = int(np.argmax(np.abs(miss) / np.maximum(np.abs(T) + abs(C).T @ w, np.finfo(float).tiny)))
    asked = f"{distance} calibration" + (f" within the bounds {bounds}" if bounds else "")
    needed = _least_change(w, C, T)
    hint = (
        "no factors above zero do"
        if needed is None
        else f"factors above zero that do have one {needed:.6g} or more away from 1; "
        "widen the bounds or merge categories"
    )
    return (
        f"{asked} does not reach the totals: {named(names, j)} comes to {T[j] + miss[j]:.10g} "
        f"instead of {T[j]:.10g}; {hint}"
    )


def _least_change(w: Array, C: csr_array, T: Array) -> float | None:
    """Return the least t with totals reached by 0 ≤ g, |g − 1| ≤ t; None where no such g does."""
    from scipy.optimize import linprog
    from scipy.sparse import block_array, eye_array

    K, column = w.size, np.ones((w.size, 1))
    size = np.maximum(np.abs(T), abs(C).T @ w) + np.finfo(float).tiny
    meet = csr_array((C.multiply(w[:, None])).T.multiply(1 / size[:, None]))
    eye = eye_array(K)
    found = linprog(
        np.r_[np.zeros(K), 1.0],
        A_ub=block_array([[eye, -column], [-eye, -column]]),
        b_ub=np.r_[np.ones(K), -np.ones(K)],
        A_eq=block_array([[meet, csr_array((T.size, 1))]]),
        b_eq=T / size,
        method="highs",
    )
    return float(found.x[-1]) if found.status == 0 else None


def named(names: Sequence[str], j: int | np.integer[Any]) -> str:
    """Return how messages call column j.

    Parameters
    ----------
    names : sequence of str
        Of all columns, or empty.
    j : int

    Returns
    -------
    str

    Examples
    --------
    >>> named(["north", "south"], 1), named([], 1)
    ("'south'", 'auxiliary 1')
    """
    return repr(names[int(j)]) if names else f"auxiliary {j}"
