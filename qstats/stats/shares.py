r"""What the parts of a mean contribute to it, and to its change, so that they add up.

The means are those of :func:`qstats.stats.means.power_mean`, :math:`\varphi(M) = \sum_q w_q \varphi(I_q)`
with :math:`\varphi(x) = (x^p - 1)/p`, and :math:`\log x` for p = 0. Parts run along the last axis.

References
----------
Ang (2004), Decomposition analysis for policymaking in energy, Energy Policy 32 (LMDI). Stolarsky (1975),
Generalizations of the logarithmic mean, Mathematics Magazine 48. Shapley (1953), A value for n-person games.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError

Array = NDArray[np.float64]

#: parts of a Shapley value: all 2ⁿ subsets are gone through
MOST_PARTS: Final = 16


def level_slopes(scores: ArrayLike, weights: ArrayLike, mean: ArrayLike, power: float) -> Array:
    r"""Return the derivative of a mean with respect to each score.

    .. math:: \frac{\partial M}{\partial I_q} = w_q \Big(\frac{I_q}{M}\Big)^{p-1}, \qquad
              \sum_q \frac{\partial M}{\partial I_q} I_q = M

    by Euler's theorem, M being homogeneous of degree 1; for p = 1 it is the weight.

    Parameters
    ----------
    scores, weights : array_like, shape (…, parts)
        Weights sum to 1.
    mean : array_like, shape (…)
        M.
    power : float
        p.

    Returns
    -------
    ndarray, shape (…, parts)

    Examples
    --------
    >>> slopes = level_slopes([1.0, 4.0], [0.5, 0.5], 2.0, 0)
    >>> slopes.tolist(), (slopes * [1.0, 4.0]).tolist()
    ([1.0, 0.25], [1.0, 1.0])
    """
    I, w = np.asarray(scores, float), np.asarray(weights, float)  # noqa: E741
    if power == 1:
        return w + 0.0 * I
    ratio = I / np.asarray(mean, float)[..., None]
    return np.asarray(w * ratio ** (power - 1), float)


class Change(NamedTuple):
    r"""The change of a mean, split; :math:`M_1 - M_0 = \sum_q (a_q \Delta I_q + b_q)`.

    Attributes
    ----------
    slope : ndarray, shape (…, parts)
        a: what a point of the score is worth between the two states.
    weight : ndarray, shape (…, parts)
        b: what the change of the weight did.
    """

    slope: Array
    weight: Array


def change(
    first: ArrayLike,
    second: ArrayLike,
    weights_first: ArrayLike,
    weights_second: ArrayLike,
    means: tuple[ArrayLike, ArrayLike],
    power: float,
) -> Change:
    r"""Split the change of a mean between scores and weights, exactly.

    With :math:`D(a, b) = \{\varphi(a) - \varphi(b)\}/(a - b)`, and :math:`\varphi'(a)` where a = b,

    .. math:: M_1 - M_0 = \frac{1}{D(M_1, M_0)} \sum_q \Big\{\bar w_q\,D(I_{1q}, I_{0q})\,\Delta I_q
              + \big(\bar\varphi_q - \bar\varphi_M\big)\,\Delta w_q\Big\}

    with bars for means of the two states. For p = 1, D = 1 and it is the split of Marshall and Edgeworth;
    for p = 0 it is LMDI with arithmetic weights; 1/D is then the logarithmic mean.

    Parameters
    ----------
    first, second : array_like, shape (…, parts)
        I₀ and I₁, positive unless p is 1.
    weights_first, weights_second : array_like, shape (…, parts)
        Summing to 1.
    means : (array_like, array_like), shape (…)
        M₀ and M₁.
    power : float
        p.

    Returns
    -------
    Change

    Examples
    --------
    >>> half = [0.5, 0.5]
    >>> found = change([1.0, 4.0], [4.0, 4.0], half, half, (2.0, 4.0), 0)
    >>> (found.slope * [3.0, 0.0]).round(12).tolist()
    [2.0, 0.0]
    """
    I0, I1 = np.asarray(first, float), np.asarray(second, float)
    w0, w1 = np.asarray(weights_first, float), np.asarray(weights_second, float)
    M0, M1 = (np.asarray(m, float)[..., None] for m in means)
    whole = _divided_difference(M1, M0, power)
    slope = (w0 + w1) / 2 * _divided_difference(I1, I0, power) / whole
    level = (transform(I0, power) + transform(I1, power)) / 2
    centre = (transform(M0, power) + transform(M1, power)) / 2
    return Change(np.asarray(slope, float), np.asarray((level - centre) * (w1 - w0) / whole, float))


def transform(x: ArrayLike, power: float) -> Array:
    r"""Return the scale on which a power mean is an arithmetic one.

    .. math:: \varphi(x) = (x^p - 1)/p, \qquad \varphi(x) = \ln x \text{ for } p = 0

    Parameters
    ----------
    x : array_like
        Positive, unless p is 1.
    power : float
        p.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> transform([1.0, 3.0], 2).round(12).tolist(), transform(np.e, 0).item()
    ([0.0, 4.0], 1.0)
    """
    value = np.asarray(x, float)
    if power == 1:
        return value - 1
    log = np.log(value)
    return np.asarray(log if power == 0 else np.expm1(power * log) / power, float)


def _divided_difference(a: ArrayLike, b: ArrayLike, power: float) -> Array:
    r"""Return :math:`\{\varphi(a) - \varphi(b)\}/(a - b)`, without loss where a is near b.

    With :math:`t = \log(a/b)` it is :math:`b^{p-1}\,(e^{pt} - 1) / \{p\,(e^t - 1)\}`.
    """
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    if power == 1:
        return np.ones(a.shape)
    t = np.log(a / b)
    safe = np.where(t == 0, 1.0, t)
    top = safe if power == 0 else np.expm1(power * safe) / power
    return np.asarray(b ** (power - 1) * np.where(t == 0, 1.0, top / np.expm1(safe)), float)


def shapley(function: Callable[[Array], ArrayLike], first: ArrayLike, second: ArrayLike) -> Array:
    r"""Return what each part contributes to the change of any function.

    .. math:: \phi_q = \sum_{u \not\ni q} \frac{|u|!\,(n - 1 - |u|)!}{n!}
              \{f(x_{u \cup q}) - f(x_u)\}, \qquad \sum_q \phi_q = f(x_1) - f(x_0)

    with the parts of u as in the second state and the others as in the first.

    Parameters
    ----------
    function : callable
        Of arrays (…, parts); returns (…). It must be defined for mixtures of the two states.
    first, second : array_like, shape (…, parts)
        At most 16 parts.

    Returns
    -------
    ndarray, shape (…, parts)

    Raises
    ------
    OptionError
        Too many parts.
    DataError
        The function returns another shape.

    Examples
    --------
    >>> shapley(lambda x: x[..., 0] * x[..., 1], [1.0, 2.0], [3.0, 5.0]).tolist()
    [7.0, 6.0]
    """
    x0, x1 = np.broadcast_arrays(np.asarray(first, float), np.asarray(second, float))
    n = x0.shape[-1]
    if n > MOST_PARTS:
        raise OptionError(f"{n} parts have {2.0**n:g} subsets; at most {MOST_PARTS} parts are gone through")
    value = np.empty((2**n, *x0.shape[:-1]))
    for u in range(2**n):
        member = np.array([u >> q & 1 for q in range(n)], bool)
        found = np.asarray(function(np.where(member, x1, x0)), float)
        if found.shape != x0.shape[:-1]:
            raise DataError(f"the function returned shape {found.shape} for parts of shape {x0.shape}")
        value[u] = found
    effect = np.zeros(x0.shape)
    for q in range(n):
        for u in range(2**n):
            if not u >> q & 1:
                size = u.bit_count()
                share = factorial(size) * factorial(n - 1 - size) / factorial(n)
                effect[..., q] += share * (value[u | 1 << q] - value[u])
    return effect
