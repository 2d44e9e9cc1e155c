r"""The change of a weighted rate split into the effects of its factors.

A rate is :math:`R = \sum_k \prod_f x_{fk}` over cells k: of shares and rates,
:math:`\sum_k w_k p_k`; of shares of regions, of industries within regions, and rates,
:math:`\sum_{rj} w_r v_{j|r} p_{rj}`. The effects of the factors add up to :math:`R_1 - R_0`.

References
----------
Shorrocks (2013), Journal of Economic Inequality 11, 99–126 (Shapley). Kitagawa (1955), JASA 50, 1168–1194.
Ang (2005), Energy Policy 33, 867–871 (LMDI).
"""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]
Method = Literal["shapley", "laspeyres", "paasche", "lmdi"]
#: below this |h| the derivatives of the logarithmic mean are by their series 1/2 + h/6 + …
_SERIES: Final = 1.0
_COEFFICIENTS: Final = [1 / factorial(k + 2) for k in range(18)]
METHOD: Final = ("shapley", "laspeyres", "paasche", "lmdi")


class Effects(NamedTuple):
    """Effects by cell, and their derivatives by the last factor (the rates).

    Attributes
    ----------
    value : ndarray, shape (effects, cells)
        One row a factor, and a last one, the interaction, where the method leaves one.
    by_earlier, by_later : ndarray, shape (effects, cells)
        Derivatives of each cell's effect by its rate at the beginning and at the end.
    """

    value: Array
    by_earlier: Array
    by_later: Array


def effects(earlier: ArrayLike, later: ArrayLike, /, *, method: Method = "shapley") -> Effects:
    r"""Split :math:`\sum_k \prod_f x^1_{fk} - \sum_k \prod_f x^0_{fk}` into the effects of its factors.

    * ``shapley``: the mean over all orders in which the factors can change. Of two factors,
      :math:`\sum \Delta w\,\frac{p_0+p_1}{2}` and :math:`\sum \frac{w_0+w_1}{2}\,\Delta p`. It adds up
      and is mirror-symmetric: the way back is minus the way there.
    * ``laspeyres``: one factor changes, the others as at the beginning; an interaction is left.
    * ``paasche``: one factor changes, the others as at the end; minus an interaction is left.
    * ``lmdi``: :math:`\sum_k L(y^1_k, y^0_k) \ln(x^1_{fk}/x^0_{fk})` with the products y and the
      logarithmic mean :math:`L(a, b) = (a-b)/\ln(a/b)`. It adds up, but needs positive factors, and
      the split of the failure rate is not minus that of the pass rate.

    Parameters
    ----------
    earlier, later : array_like, shape (factors, cells)
        Factors at the beginning and at the end, in the same cells; the last factor is the rate.
    method : {"shapley", "laspeyres", "paasche", "lmdi"}

    Returns
    -------
    Effects

    Raises
    ------
    DataError
        A factor is zero or less and the method is ``lmdi``.

    Examples
    --------
    Every class rises by 2 points, the whole falls by 17.9 (Simpson):

    >>> start, end = [[0.9, 0.1], [0.95, 0.6]], [[0.3, 0.7], [0.96, 0.64]]
    >>> effects(start, end).value.sum(axis=1).round(4).tolist()
    [-0.201, 0.022]
    """
    one_of("method", method, METHOD)
    x0, x1 = (np.array(x, float, ndmin=2) for x in (earlier, later))
    if method == "lmdi":
        return _lmdi(x0, x1)
    weights = {"shapley": _shapley, "laspeyres": _first, "paasche": _last}[method]
    value, d0, d1 = _by_orders(x0, x1, weights)
    if method == "shapley":
        return Effects(value, d0, d1)
    others = x1[:-1].prod(axis=0), x0[:-1].prod(axis=0)
    rest = (x1.prod(axis=0) - x0.prod(axis=0) - value.sum(axis=0))[None]
    rest0, rest1 = -others[1] - d0.sum(axis=0), others[0] - d1.sum(axis=0)
    return Effects(np.vstack([value, rest]), np.vstack([d0, rest0]), np.vstack([d1, rest1]))


def variance(found: Effects, earlier: ArrayLike, later: ArrayLike, /) -> Array:
    r"""Return the variance of each effect from those of the rates, all independent and shares fixed.

    .. math:: \sum_k (\partial E/\partial p^0_k)^2 v^0_k + (\partial E/\partial p^1_k)^2 v^1_k

    Parameters
    ----------
    found : Effects
    earlier, later : array_like, shape (cells,)
        Variances of the rates.

    Returns
    -------
    ndarray, shape (effects,)

    Examples
    --------
    Shares move by ∓0.25, so the mix effect has the derivatives ∓0.25/2 by the rates; the rate effect has
    the mean shares 0.375 and 0.625:

    >>> found = effects([[0.5, 0.5], [0.8, 0.6]], [[0.25, 0.75], [0.8, 0.6]])
    >>> variance(found, [0.0004, 0.0004], [0.0, 0.0]).round(9).tolist()
    [1.25e-05, 0.0002125]
    """
    v0, v1 = np.asarray(earlier, float), np.asarray(later, float)
    return np.asarray(_times(found.by_earlier**2, v0) + _times(found.by_later**2, v1))


def limits(
    total: ArrayLike, coefficient: ArrayLike, estimate: ArrayLike, low: ArrayLike, high: ArrayLike, /
) -> tuple[Array, Array]:
    r"""Return the MOVER limits of linear combinations of independent estimates.

    .. math:: \hat E \mp \sqrt{\textstyle\sum_i (c_i\hat\theta_i - \min(c_i l_i, c_i u_i))^2}

    and with the maximum for the upper limit: a rate of 0 or 100 % adds the length of its interval
    instead of nothing.

    Parameters
    ----------
    total : array_like, shape (effects,)
        The combinations :math:`\hat E` (to first order, where they are not linear).
    coefficient : array_like, shape (effects, estimates)
        c; where it is 0 an unknown limit does no harm.
    estimate, low, high : array_like, shape (estimates,)
        :math:`\hat\theta`, l and u, all at one level of confidence.

    Returns
    -------
    low, high : ndarray, shape (effects,)

    References
    ----------
    Zou, Huang & Zhang (2009), Computational Statistics & Data Analysis 53, 1080–1085.

    Examples
    --------
    9 − 4 with limits 6 to 10 and 0 to 8: 3 and 4 below, 1 and 4 above.

    >>> low, high = limits([5.0], [[1.0, -1.0]], [9.0, 4.0], [6.0, 0.0], [10.0, 8.0])
    >>> low.tolist(), high.round(3).tolist()  # 5 − √(9 + 16), 5 + √(1 + 16)
    ([0.0], [9.123])
    """
    E, c = np.asarray(total, float), np.asarray(coefficient, float)
    theta, floor, roof = (np.asarray(a, float) for a in (estimate, low, high))
    down, up = np.where(c == 0, 0.0, c * (theta - floor)), np.where(c == 0, 0.0, c * (theta - roof))
    below, above = np.maximum(down, up), np.minimum(down, up)
    return E - np.sqrt((below**2).sum(axis=1)), E + np.sqrt((above**2).sum(axis=1))


def centred(w0: ArrayLike, w1: ArrayLike, p0: ArrayLike, p1: ArrayLike) -> Array:
    r"""Return each class's part in the Shapley mix effect, :math:`\Delta w_k(\bar p_k - \bar R)`.

    :math:`\bar p` and :math:`\bar R` are the means of both ends. A class that grows adds when it is
    better than the whole; the parts add up to the mix effect, since :math:`\sum \Delta w = 0`.

    Parameters
    ----------
    w0, w1, p0, p1 : array_like, shape (classes,)
        Shares and rates at the beginning and at the end.

    Returns
    -------
    ndarray, shape (classes,)
        In the unit of the rates.

    Examples
    --------
    The better class shrinks and the worse one grows: the whole falls from 0.7 to 0.65, mean 0.675.

    >>> centred([0.5, 0.5], [0.25, 0.75], [0.8, 0.6], [0.8, 0.6]).round(9).tolist()
    [-0.03125, -0.01875]
    """
    w0, w1, p0, p1 = (np.asarray(a, float) for a in (w0, w1, p0, p1))
    overall = (np.nansum(w0 * p0) + np.nansum(w1 * p1)) / 2
    return np.asarray((w1 - w0) * ((p0 + p1) / 2 - overall))


def _by_orders(x0: Array, x1: Array, weight: object) -> tuple[Array, Array, Array]:
    F, last = x0.shape[0], x0.shape[0] - 1
    value, d0, d1 = (np.zeros(x0.shape) for _ in range(3))
    for f in range(F):
        others = [g for g in range(F) if g != f]
        for size in range(F):
            share = weight(size, F)  # type: ignore[operator]
            for changed in combinations(others, size) if share else ():
                x = np.where(np.isin(np.arange(F), changed)[:, None], x1, x0)
                rest = x[[g for g in others if g != last]].prod(axis=0)
                step = share * rest * ((x1[f] - x0[f]) if f != last else 1.0)
                value[f] += step * (x[last] if f != last else x1[f] - x0[f])
                if f == last:
                    d0[f], d1[f] = d0[f] - step, d1[f] + step
                elif last in changed:
                    d1[f] += step
                else:
                    d0[f] += step
    return value, d0, d1


def _shapley(size: int, factors: int) -> float:
    return factorial(size) * factorial(factors - size - 1) / factorial(factors)


def _first(size: int, _: int) -> float:
    return 1.0 if size == 0 else 0.0


def _last(size: int, factors: int) -> float:
    return 1.0 if size == factors - 1 else 0.0


def _lmdi(x0: Array, x1: Array) -> Effects:
    if (lowest := min(np.nanmin(x0), np.nanmin(x1))) <= 0:
        raise DataError(
            f"LMDI takes logarithms of shares and rates, and one is {lowest:g}; Shapley (the default) "
            "splits such a change and adds up as well"
        )
    y0, y1 = x0.prod(axis=0), x1.prod(axis=0)
    ratio = np.log(x1 / x0)
    L, by0, by1 = _log_mean(y0, y1)
    last = np.zeros((x0.shape[0], 1))
    last[-1] = 1.0
    return Effects(
        L * ratio,
        by0 * (y0 / x0[-1]) * ratio - last * L / x0[-1],
        by1 * (y1 / x1[-1]) * ratio + last * L / x1[-1],
    )


def _log_mean(a: Array, b: Array) -> tuple[Array, Array, Array]:
    r"""Return L(a, b) and its derivatives by a and b.

    With :math:`h = \ln(b/a)`

    .. math:: L = \frac{b - a}{h}, \qquad \frac{\partial L}{\partial a} = g(h), \qquad
              \frac{\partial L}{\partial b} = g(-h), \qquad
              g(h) = \frac{e^h - 1 - h}{h^2} = \frac12 + \frac h6 + \frac{h^2}{24} + \dots
    """
    step = (b - a) / a
    h = np.where(np.abs(step) < 0.5, np.log1p(np.maximum(step, -0.5)), np.log(b / a))
    L = np.where(h == 0, a, (b - a) / np.where(h == 0, 1.0, h))
    near, safe = np.abs(h) < _SERIES, np.where(np.abs(h) < _SERIES, 1.0, h)
    series = [np.polynomial.polynomial.polyval(np.where(near, u, 0.0), _COEFFICIENTS) for u in (h, -h)]
    by_a, by_b = np.where(near, series[0], (L / a - 1) / safe), np.where(near, series[1], (1 - L / b) / safe)
    return L, by_a, by_b


def _times(c: Array, v: Array) -> Array:
    """Return Σ c v over cells; an unknown v with c = 0 does no harm."""
    return np.asarray(np.where(c == 0, 0.0, c * v).sum(axis=1))
