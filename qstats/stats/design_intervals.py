"""Confidence intervals of a proportion estimated under a sample design.

From the estimate p, its standard error, the number of observations and the degrees of freedom. An
interval is always defined and never of zero width, also at 0 and 100 %; where nothing can be said
(no degree of freedom, no error known) the limits are NaN and a reason stands beside them.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, numbers_of, one_of, within_0_1

Array = NDArray[np.float64]
Design = Literal[
    "wald", "logit", "arcsine", "likelihood", "wilson", "korn-graubard", "clopper-pearson", "jeffreys"
]
DESIGN: Final = (
    "wald",
    "logit",
    "arcsine",
    "likelihood",
    "wilson",
    "korn-graubard",
    "clopper-pearson",
    "jeffreys",
)
Cap = Literal["after", "before", "never"]
CAP: Final = ("after", "before", "never")

#: sums of weights leave a p of exactly 0 or 1 this far from it
_ROUNDING: Final = 1e-12


class DesignInterval(NamedTuple):
    """Limits of proportions, all of the same shape."""

    low: Array
    high: Array
    #: why the limits are NaN; empty text where they are not
    reason: NDArray[np.object_]


def design_proportion(
    p: ArrayLike,
    se: ArrayLike,
    n: ArrayLike,
    df: ArrayLike,
    *,
    method: Design = "korn-graubard",
    level: float = 0.95,
    deff_at_bounds: ArrayLike = 1.0,
    cap: Cap = "after",
) -> DesignInterval:
    r"""Return the two-sided interval of a proportion p under a design.

    With :math:`t = t_{1-\alpha/2;\,df}`, the effective size :math:`m = p(1-p)/se^2` and
    :math:`m^* = m\,(t_{1-\alpha/2;\,n-1}/t)^2`, both at most n (see `cap`):

    * ``wald``: :math:`p \pm t\,se`, cut to [0, 1].
    * ``logit``: :math:`\ln\frac{p}{1-p} \pm t\,\frac{se}{p(1-p)}`, turned back.
    * ``arcsine``: :math:`\arcsin\sqrt p \pm t\,\frac{se}{2\sqrt{p(1-p)}}`, cut to [0, π/2], turned back.
    * ``likelihood`` (Rao & Scott): the x with
      :math:`2\,\frac{n-1}{n}\,m\,\bigl[p\ln\frac px + (1-p)\ln\frac{1-p}{1-x}\bigr] \le t^2`: the
      deviance of the binomial, over its dispersion n/(n−1) and over the design effect.
    * ``wilson``: the score interval :math:`\{x: |p-x| \le t\sqrt{x(1-x)/m}\}`.
    * ``korn-graubard``: :math:`[B_{\alpha/2}(m^*p,\, m^*(1-p)+1),\; B_{1-\alpha/2}(m^*p+1,\, m^*(1-p))]`.
    * ``clopper-pearson``: the same with m, which takes df as large.
    * ``jeffreys``: quantiles of :math:`B(m^*p+½,\, m^*(1-p)+½)`, never beyond p: the limit is 0 at p = 0
      and 1 at p = 1.

    **At 0 and 100 %**, and wherever se = 0, the standard error says nothing about the precision. There
    :math:`m = n/\text{deff}` with the declared `deff_at_bounds`, adjusted to df as elsewhere, and the
    four methods that rest on se alone (the first four) take the limits of Korn and Graubard.

    Parameters
    ----------
    p, se, n, df : array_like, broadcast together
        Proportions in [0, 1], their standard errors, numbers of observations, and degrees of freedom
        (``inf``: normal quantiles).
    method, level
        Which interval, and its confidence level in (0, 1).
    deff_at_bounds : array_like
        Design effect where se says nothing: that of other domains pooled, say. By default 1.
    cap : {"after", "before", "never"}
        Effective sizes are cut to n after they are adjusted to df, before it, or never. It matters
        where the design is better than a simple sample.

    Returns
    -------
    DesignInterval
        ``low, high`` in [0, 1] and ``reason``, broadcast shape.

    Raises
    ------
    OptionError
        An unknown method or cap, a level outside (0, 1), a design effect that is not positive.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193–201. Rao & Scott (1984), Annals of Statistics
    12, 46–60. Franco, Little, Louis & Slud (2019), J. Survey Statistics and Methodology 7, 334–364.

    Examples
    --------
    >>> low, high, reason = design_proportion([0.9, 1.0, 0.9], [0.02, 0, 0.02], 400, [30, 30, 0])
    >>> low.round(3), high.round(3)
    (array([0.851, 0.99 ,   nan]), array([0.937, 1.   ,   nan]))
    >>> reason[2]
    'not estimable: 0 degrees of freedom'
    """
    one_of("interval", method, DESIGN)
    one_of("cap", cap, CAP)
    within_0_1("level", level)
    deff = numbers_of("deff_at_bounds", deff_at_bounds)
    values = np.broadcast_arrays(*(np.asarray(a, float) for a in (p, se, n, df)), deff)
    _check_deff(values[4])
    P, S, N, F, D = (np.atleast_1d(a) for a in (snap(values[0]), *values[1:]))
    reason = _reasons(P, S, N, F)
    ok = reason == ""
    low, high = np.full(P.shape, np.nan), np.full(P.shape, np.nan)
    if ok.any():
        low[ok], high[ok] = _limits(P[ok], S[ok], N[ok], F[ok], D[ok], method, level, cap)
    shape = values[0].shape
    return DesignInterval(low.reshape(shape), high.reshape(shape), reason.reshape(shape))


def effective_size(
    p: ArrayLike,
    se: ArrayLike,
    n: ArrayLike,
    df: ArrayLike | None = None,
    *,
    level: float = 0.95,
    deff_at_bounds: ArrayLike = 1.0,
    cap: Cap = "after",
) -> Array:
    r"""Return the size of the simple sample that is as precise.

    .. math:: m = \frac{p(1-p)}{se^2}, \qquad m^* = m \left(\frac{t_{n-1}}{t_{df}}\right)^2

    :math:`m^*` when `df` is given, m otherwise; n/deff in place of m where se is 0 or p is 0 or 1.

    Parameters
    ----------
    p, se, n, df, deff_at_bounds, cap
        As in :func:`design_proportion`.
    level
        Confidence level of the two t quantiles.

    Returns
    -------
    ndarray
        NaN where n, or se of a p between 0 and 1, is unknown, or df is not positive.

    Raises
    ------
    OptionError
        As for :func:`design_proportion`.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193–201.

    Examples
    --------
    >>> effective_size([0.5, 1.0], [0.05, 0], 200).round(9)
    array([100., 200.])
    """
    one_of("cap", cap, CAP)
    within_0_1("level", level)
    given = (p, se, n, np.inf if df is None else df, numbers_of("deff_at_bounds", deff_at_bounds))
    p, se, n, df, deff = np.broadcast_arrays(*(np.asarray(a, float) for a in given))
    _check_deff(deff)
    m = _size(snap(p), se, n, deff)
    factor = np.ones(m.shape) if given[3] is np.inf else _adjustment(n, df, level)
    return _capped(m, factor, n, cap)


def _capped(m: Array, factor: Array, n: Array, cap: Cap) -> Array:
    """Return m times its adjustment to df, cut to n before, after, or never."""
    if cap == "before":
        return np.asarray(np.minimum(m, n) * factor)
    return np.asarray(np.minimum(m * factor, n) if cap == "after" else m * factor)


def snap(p: ArrayLike) -> Array:
    """Return proportions with those within 1e-12 of 0 or 1 put there: sums of weights round.

    Parameters
    ----------
    p : array_like

    Returns
    -------
    ndarray, like p

    Examples
    --------
    >>> snap([1e-15, 0.5, 1 - 1e-14]).tolist()
    [0.0, 0.5, 1.0]
    """
    p = np.asarray(p, float)
    return np.where(np.abs(p) <= _ROUNDING, 0.0, np.where(np.abs(p - 1) <= _ROUNDING, 1.0, p))


def _check_deff(deff: Array) -> None:
    wrong = deff[~((deff > 0) & np.isfinite(deff))]
    if wrong.size:
        raise OptionError(f"deff_at_bounds={wrong[0]:g}: a design effect is a positive number")


def _reasons(p: Array, se: Array, n: Array, df: Array) -> NDArray[np.object_]:
    inside = (p > 0) & (p < 1)
    faults = (
        (np.isnan(p), "no estimate"),
        ((p < 0) | (p > 1), "the estimate lies outside 0 and 1"),
        (~(n > 0), "no observations"),
        (np.isnan(df), "the degrees of freedom are unknown"),
        (df <= 0, "0 degrees of freedom"),
        (~(n > 1), "fewer than 2 observations"),
        (inside & ~(se >= 0), "the standard error is unknown"),
    )
    where, texts = zip(*faults, strict=True)
    return np.select(where, [f"not estimable: {text}" for text in texts], default="").astype(object)


def _size(p: Array, se: Array, n: Array, deff: Array) -> Array:
    """Return p(1−p)/se², or n/deff where se says nothing."""
    pq = p * (1 - p)
    silent = _silent(p, se, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(silent, n / deff, pq / se**2))


def _silent(p: Array, se: Array, n: Array) -> NDArray[np.bool_]:
    pq = p * (1 - p)
    return np.asarray((pq == 0) | (se**2 * n <= 1e-20 * pq))  # a design effect below 1e-20 is rounding


def _adjustment(n: Array, df: Array, level: float) -> Array:
    from scipy.stats import t

    with np.errstate(invalid="ignore"):
        return np.asarray((t.ppf((1 + level) / 2, n - 1) / t.ppf((1 + level) / 2, df)) ** 2)


def _limits(
    p: Array, se: Array, n: Array, df: Array, deff: Array, method: Design, level: float, cap: Cap
) -> tuple[Array, Array]:
    from scipy.stats import t

    tail = (1 - level) / 2
    reach = t.ppf(1 - tail, df)
    m = _size(p, se, n, deff)
    adjusted = _capped(m, _adjustment(n, df, level), n, cap)
    plain = _capped(m, np.ones(m.shape), n, cap)
    if method == "wilson":
        return _wilson(p, plain, reach)
    if method == "jeffreys":
        return _jeffreys(p, adjusted, tail)
    low, high = _exact(p, plain if method == "clopper-pearson" else adjusted, tail)
    if method in ("wald", "logit", "arcsine", "likelihood"):
        said = ~_silent(p, se, n)
        low[said], high[said] = _from_error(p[said], se[said], n[said], reach[said], method)
    return low, high


def _from_error(p: Array, se: Array, n: Array, reach: Array, method: Design) -> tuple[Array, Array]:
    """Return the limits that rest on the standard error alone, 0 < p < 1 and se > 0."""
    from scipy.special import expit, logit

    pq = p * (1 - p)
    if method == "wald":
        return np.clip(p - reach * se, 0, 1), np.clip(p + reach * se, 0, 1)
    if method == "logit":
        return expit(logit(p) - reach * se / pq), expit(logit(p) + reach * se / pq)
    if method == "arcsine":
        angle, arc = np.arcsin(np.sqrt(p)), reach * se / (2 * np.sqrt(pq))
        ends = np.clip([angle - arc, angle + arc], 0, np.pi / 2)
        return np.sin(ends[0]) ** 2, np.sin(ends[1]) ** 2
    c = reach**2 / 2 * n / (n - 1) * se**2 / pq
    return _root(p, c), 1 - _root(1 - p, c)


def _root(p: Array, c: Array) -> Array:
    r"""Return the x < p with p ln(p/x) + (1−p) ln((1−p)/(1−x)) = c.

    In ℓ = ln x the left side falls and is convex, so that Newton's steps from the left, where it
    exceeds c, come to the root from one side.
    """
    q = 1 - p
    ell = np.log(p) + (q * np.log(q) - c) / p
    top = np.log(p)
    for _ in range(200):
        x = np.exp(ell)
        excess = p * (top - ell) + q * (np.log(q) - np.log1p(-x)) - c
        step = excess / (p - q * x / (1 - x))
        ell = np.minimum(ell + np.maximum(step, 0), top)
        if np.all(step <= 4e-16 * np.abs(ell)):
            break
    return np.asarray(np.exp(ell))


def _wilson(p: Array, m: Array, z: Array) -> tuple[Array, Array]:
    centre = p + z**2 / (2 * m)
    arm = z * np.sqrt(p * (1 - p) / m + z**2 / (4 * m**2))
    low, high = (centre - arm) / (1 + z**2 / m), (centre + arm) / (1 + z**2 / m)
    return np.where(p == 0, 0.0, low), np.where(p == 1, 1.0, high)


def _exact(p: Array, m: Array, tail: float) -> tuple[Array, Array]:
    from scipy.stats import beta

    with np.errstate(invalid="ignore"):
        low = beta.ppf(tail, m * p, m * (1 - p) + 1)
        high = beta.ppf(1 - tail, m * p + 1, m * (1 - p))
    return np.where(p == 0, 0.0, low), np.where(p == 1, 1.0, high)


def _jeffreys(p: Array, m: Array, tail: float) -> tuple[Array, Array]:
    from scipy.stats import beta

    low = beta.ppf(tail, m * p + 0.5, m * (1 - p) + 0.5)
    high = beta.ppf(1 - tail, m * p + 0.5, m * (1 - p) + 0.5)
    return np.minimum(low, p), np.maximum(high, p)
