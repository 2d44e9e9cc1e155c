r"""Outliers of indicators: winsorise, then transform, under rules for skewness and kurtosis.

A column passes when :math:`|G_1| < g_1` or :math:`G_2 < g_2`. How far it is from passing is its *severity*

.. math:: v = \min\Big(\frac{|G_1|}{g_1}, \frac{G_2}{g_2}\Big), \qquad \text{pass} \iff v < 1

so that "worse" has one meaning: nothing is adopted that has a higher severity than what it replaces.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, steps 3 and 5.
Groeneveld and Meeden (1984), Measuring skewness and kurtosis, The Statistician 33 (the limits 2 and 3.5
are those in use at the European Commission's Competence Centre on Composite Indicators).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, kind_of, one_of, real_number, whole_number
from qstats.stats import moments

Array = NDArray[np.float64]
Transform = Literal["log", "box-cox", "none"]

TRANSFORMS: Final = ("log", "box-cox", "none")
#: powers of Box and Cox that are tried
_POWERS: Final = (-3.0, 3.0)
_GOLDEN: Final = (5**0.5 - 1) / 2


class Treatment(NamedTuple):
    r"""What :func:`fit` decided, shape (…, 1, indicators) each; see there.

    Attributes
    ----------
    lower, upper : ndarray
        Bounds of winsorising, infinite where there is none.
    n_low, n_high : ndarray
        Values winsorised at either end.
    sign, origin, offset, power : ndarray
        :math:`T(x) = s\,(z^\lambda - 1)/\lambda,\ z = (s x - o) + k`; s is 0 where nothing is
        transformed and λ = 0 is the logarithm.
    skewness, kurtosis : ndarray, shape (3, …, 1, indicators)
        As given, winsorised, transformed; NaN where a stage was not tried.
    adopted : ndarray of int
        The stage that was adopted: 0, 1 or 2.
    passed : ndarray of bool
        Whether what was adopted passes; a constant column passes.
    """

    lower: Array
    upper: Array
    n_low: Array
    n_high: Array
    sign: Array
    origin: Array
    offset: Array
    power: Array
    skewness: Array
    kurtosis: Array
    adopted: NDArray[np.int_]
    passed: NDArray[np.bool_]


class _Rule(NamedTuple):
    skew: float
    kurt: float

    def severity(self, x: Array) -> tuple[Array, Array, Array]:
        """Return G1, G2 and v of each column of (units, columns)."""
        G1, G2 = (part[0] for part in moments.shape(x))
        return G1, G2, np.fmin(np.abs(G1) / self.skew, G2 / self.kurt)


def fit(
    x: ArrayLike,
    *,
    max_winsorised: int = 5,
    skew_limit: float = 2.0,
    kurt_limit: float = 3.5,
    transform: Transform = "log",
    offset: float = 0.01,
) -> Treatment:
    r"""Find what each indicator needs so that its outliers do not rule the index.

    1. A column that passes is left alone.
    2. Otherwise its highest value (its lowest where :math:`G_1 < 0`) takes the value next to it, one
       value after another, until the column passes or `max_winsorised` values are changed.
    3. If it still fails, the transform is tried on the column as given. With
       :math:`s = \operatorname{sign} G_1`, range R and c = `offset`,

       .. math:: z = (s x - \min_c s x_c) + c R, \qquad T(x) = s \log z
                 \quad\text{or}\quad s\,\frac{z^\lambda - 1}{\lambda}

       so T rises with x, and a long lower tail is shortened as an upper one is. λ maximises the profile
       likelihood of Box and Cox; for them z = x where all values are positive and s = 1.
    4. What has the least severity is adopted; of equals, the earlier stage.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        NaN is left out and stays.
    max_winsorised : int
        0 goes straight to the transform.
    skew_limit, kurt_limit : float
        g₁ and g₂.
    transform : {"log", "box-cox", "none"}
    offset : float
        c > 0.

    Returns
    -------
    Treatment
        For :func:`apply`, to the same table or to that of another year.

    Raises
    ------
    OptionError
        A limit or the offset is not positive, or `max_winsorised` is negative.
    DataError
        Infinite values, or none at all.

    References
    ----------
    Box and Cox (1964), An analysis of transformations, JRSS B 26. Handbook, step 3.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [90.0]])
    >>> apply(x, fit(x)).ravel().tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
    """
    one_of("transform", transform, TRANSFORMS)
    whole_number("max_winsorised", max_winsorised, least=0)
    for name, limit in (("skew_limit", skew_limit), ("kurt_limit", kurt_limit), ("offset", offset)):
        real_number(name, limit, above=0)
    value = moments.indicator_array(x)
    if not value.size:
        raise DataError(f"an array of shape {value.shape} has no values; give units and indicators")
    flat = np.moveaxis(value, -2, 0).reshape(value.shape[-2], -1)  # (units, columns)
    rule = _Rule(skew_limit, kurt_limit)
    found = _decide(flat, rule, max_winsorised, transform, offset)
    shape = (*value.shape[:-2], 1, value.shape[-1])
    return Treatment(*(part.reshape((*part.shape[:-1], *shape)) for part in found))


def _decide(X: Array, rule: _Rule, most: int, transform: Transform, c: float) -> Treatment:
    """Go through the stages for (units, columns) and adopt the least severe."""
    C = X.shape[1]
    G1, G2, v = (np.full((3, C), np.nan) for _ in range(3))
    G1[0], G2[0], v[0] = rule.severity(X)
    bad = np.flatnonzero(v[0] >= 1)
    ends = np.zeros((2, C), np.intp)
    bounds = np.repeat([[-np.inf], [np.inf]], C, axis=1)
    if most and bad.size:
        ends[:, bad], bounds[:, bad], (G1[1, bad], G2[1, bad], v[1, bad]) = _winsorise(X[:, bad], rule, most)
    sign, origin, shift, power = (np.zeros(C) for _ in range(4))
    still = bad[~(v[1, bad] < 1)]
    if transform != "none" and still.size:
        law = _family(X[:, still], np.where(G1[0, still] < 0, -1.0, 1.0), transform, c)
        sign[still], origin[still], shift[still], power[still] = law
        G1[2, still], G2[2, still], v[2, still] = rule.severity(_transformed(X[:, still], *law))
    adopted = np.argmin(np.where(np.isnan(v), np.inf, v), axis=0)
    at = adopted[None]
    return Treatment(
        np.where((adopted == 1) & (ends[0] > 0), bounds[0], -np.inf),
        np.where((adopted == 1) & (ends[1] > 0), bounds[1], np.inf),
        np.where(adopted == 1, ends[0], 0.0),
        np.where(adopted == 1, ends[1], 0.0),
        np.where(adopted == 2, sign, 0.0),
        origin,
        shift,
        power,
        G1,
        G2,
        adopted,
        ~(np.take_along_axis(v, at, 0)[0] >= 1),
    )


def _winsorise(
    X: Array, rule: _Rule, most: int
) -> tuple[NDArray[np.intp], Array, tuple[Array, Array, Array]]:
    """Return for each column the values changed at both ends, the bounds, and what they lead to."""
    ordered, n = np.sort(X, axis=0), moments.count(X)[0].astype(np.intp)
    ends = np.zeros((2, X.shape[1]), np.intp)
    found = rule.severity(X)
    for _ in range(most):
        go = np.flatnonzero((found[2] >= 1) & (ends.sum(0) < n - 1))
        if not go.size:
            break
        ends[0, go] += found[0][go] < 0
        ends[1, go] += found[0][go] >= 0
        held = np.clip(X[:, go], *_bounds(ordered[:, go], ends[:, go], n[go]))
        for whole, part in zip(found, rule.severity(held), strict=True):
            whole[go] = part
    return ends, _bounds(ordered, ends, n), found


def _bounds(ordered: Array, ends: NDArray[np.intp], n: NDArray[np.intp]) -> Array:
    """Return the order statistics that are left as the extremes."""
    places = np.stack([ends[0], n - 1 - ends[1]])
    return np.take_along_axis(ordered, places, 0)


def _family(X: Array, s: Array, transform: Transform, c: float) -> tuple[Array, Array, Array, Array]:
    """Return s, o, k and λ of the transform of each column."""
    low, high = (end[0] for end in moments.extremes(X))
    origin, shift = np.where(s < 0, -high, low), c * (high - low)
    if transform == "log":
        return s, origin, shift, np.zeros_like(s)
    plain = (low > 0) & (s > 0)
    origin, shift = np.where(plain, 0.0, origin), np.where(plain, 0.0, shift)
    return s, origin, shift, _box_cox_power(np.log((s * X - origin) + shift))


def _box_cox_power(log_z: Array) -> Array:
    r"""Return λ of the greatest profile likelihood for each column, by golden sections.

    .. math:: \ell(\lambda) = -\frac n2 \log \frac1n \sum_c (z_c^{(\lambda)} - \bar z^{(\lambda)})^2
              + (\lambda - 1)\sum_c \log z_c
    """
    n, total = moments.count(log_z)[0], np.nansum(log_z, axis=0)

    def likelihood(power: Array) -> Array:
        spread = moments.squares(_power(log_z, power))[0]
        return np.asarray((power - 1) * total - n / 2 * np.log(spread / n), float)

    a, b = (np.full(log_z.shape[1], end) for end in _POWERS)
    for _ in range(80):  # 6 × 0.618⁸⁰ is below the precision the likelihood allows
        left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        lower = likelihood(left) < likelihood(right)
        a, b = np.where(lower, left, a), np.where(lower, b, right)
    return np.asarray((a + b) / 2, float)


def _power(log_z: Array, power: Array) -> Array:
    """Return (z^λ − 1)/λ, and log z for λ = 0."""
    safe = np.where(power == 0, 1.0, power)
    return np.where(power == 0, log_z, np.expm1(safe * log_z) / safe)


def _transformed(x: Array, s: Array, origin: Array, shift: Array, power: Array) -> Array:
    return np.asarray(s * _power(np.log((s * x - origin) + shift), power), float)


def apply(x: ArrayLike, params: Treatment, *, outside: Literal["raise", "clip"] = "raise") -> Array:
    """Return indicators treated as :func:`fit` decided.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        The table of the fit, or another: its values beyond the bounds of winsorising are set to them.
    params : Treatment
    outside : {"raise", "clip"}
        What a value does that lies where the transform is not defined, z ≤ 0: refuse, or take the end of the
        table of the fit.

    Returns
    -------
    ndarray

    Raises
    ------
    OptionError
        An `outside` that does not exist, or `params` that :func:`fit` did not return.
    DataError
        There are such values (the columns are named), or other columns than in the table of the fit.

    Examples
    --------
    The highest value takes the one next to it, as do those beyond in another year:

    >>> found = fit([[1.0], [2.0], [3.0], [4.0], [50.0]])
    >>> apply([[2.0], [50.0], [60.0]], found).tolist()
    [[2.0], [4.0], [4.0]]
    """
    one_of("outside", outside, ("raise", "clip"))
    kind_of("params", params, Treatment, what="what fit returns")
    value = moments.indicator_array(x)
    if value.shape[-1] != (fitted := params.sign.shape[-1]):
        raise DataError(f"{value.shape[-1]} columns, and the transform was fitted to {fitted}; fit it again")
    s = params.sign
    if not s.any():
        return np.clip(value, params.lower, params.upper)
    value = np.broadcast_to(value, np.broadcast_shapes(value.shape, s.shape))
    done = np.clip(value, params.lower, params.upper)
    laws = [np.broadcast_to(k, (*value.shape[:-2], 1, value.shape[-1]))[..., 0, :] for k in params[4:8]]
    at = laws[0] != 0  # the columns that are transformed; the others need no logarithm
    s, origin, offset, power = (k[at][:, None] for k in laws)
    z = (s * np.swapaxes(value, -1, -2)[at] - origin) + offset
    wrong = z <= 0
    if wrong.any() and outside == "raise":
        found = np.unique(np.nonzero(at)[-1][wrong.any(-1)]).tolist()
        raise DataError(
            f"{int(wrong.sum())} values lie beyond the transform fitted, in columns "
            f"{', '.join(map(str, found))}; fit again, or say outside='clip'"
        )
    least = np.where(offset > 0, offset, np.finfo(float).tiny)
    np.swapaxes(done, -1, -2)[at] = s * _power(np.log(np.where(wrong, least, z)), power)
    return np.asarray(done, float)
