r"""Funnel plots: shares of many units against one target, with limits that narrow with their size.

Under the null hypothesis every unit has the rate θ. Where units differ by more than chance (they always do
when the counts are large), limits are widened by over-dispersion: multiplicative φ or additive τ², both from
z-scores winsorised so that the units to be found do not hide themselves.

References
----------
Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statistics in Medicine 24,
1185–1202; (2005), Handling over-dispersion of performance indicators, Quality and Safety in Health Care 14,
347–351. DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177–188.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, within_0_1

Array = NDArray[np.float64]
Limits = Literal["exact", "discrete", "normal", "wilson", "phi", "tau2", "arcsine-tau2"]
LIMITS: Final = ("exact", "discrete", "normal", "wilson", "phi", "tau2", "arcsine-tau2")


class Overdispersion(NamedTuple):
    """How much more units differ than chance explains; see :func:`overdispersion`."""

    #: mean of squared z-scores, winsorised; 1 by chance alone
    phi: float
    #: variance between units, winsorised, on the scale of the shares (or of arcsines)
    tau2: float
    phi_raw: float
    tau2_raw: float
    #: z-scores of the units against the target, and winsorised
    z: Array
    z_winsorised: Array


def overdispersion(
    x: ArrayLike,
    n: ArrayLike,
    *,
    target: float | None = None,
    winsorise: float = 0.1,
    scale: Literal["share", "arcsine"] = "share",
) -> Overdispersion:
    r"""Return the over-dispersion of shares about a target.

    .. math:: z_i = \frac{p_i - \theta}{s_i}, \quad s_i^2 = \frac{\theta(1-\theta)}{n_i}, \qquad
              \hat\phi = \frac1I \sum \tilde z_i^2, \qquad
              \hat\tau^2 = \max\Bigl(0, \frac{I\hat\phi - (I - 1)}{\sum w_i - \sum w_i^2/\sum w_i}\Bigr),
              \quad w_i = s_i^{-2}

    with :math:`\tilde z` the z-scores drawn in to their `winsorise` and 1 − `winsorise` quantiles (type 7).
    On the scale of arcsines :math:`\sin^{-1}\sqrt{p}`, s² = 1/(4n).

    Parameters
    ----------
    x, n : array_like, shape (units,)
        Counts, 0 ≤ x ≤ n; units with n = 0 or NaN take no part.
    target : float, optional
        θ; by default Σx/Σn.
    winsorise : float
        Share of units drawn in on either side; 0 for none.
    scale : {"share", "arcsine"}

    Returns
    -------
    Overdispersion

    Raises
    ------
    DataError
        A count below 0 or above n; fewer than two units with a share.
    OptionError
        Another scale, a share of units outside [0, 0.5), a target that is not between 0 and 1.

    Examples
    --------
    >>> found = overdispersion([90, 80, 95, 85], [100, 100, 100, 100])
    >>> round(found.phi_raw, 2), round(found.tau2, 5)
    (2.86, 0.00172)
    """
    one_of("scale", scale, ("share", "arcsine"))
    real_number("winsorise", winsorise, least=0, below=0.5)
    x, n, theta = _given(x, n, target)
    z, s = _z(x, n, theta, scale)
    some = z[~np.isnan(z)]
    if some.size < 2:
        raise DataError(f"over-dispersion needs at least two units with a share; found {some.size}")
    drawn = np.clip(z, *np.quantile(some, [winsorise, 1 - winsorise]))
    w = s[~np.isnan(z)] ** -2
    return Overdispersion(
        phi=float(np.nanmean(drawn**2)),
        tau2=_tau2(float(np.nansum(drawn**2)), w),
        phi_raw=float(np.nanmean(z**2)),
        tau2_raw=_tau2(float(np.nansum(z**2)), w),
        z=z,
        z_winsorised=drawn,
    )


def funnel_limits(
    n: ArrayLike,
    target: float,
    /,
    *,
    level: float = 0.95,
    method: Limits = "exact",
    phi: float = 1.0,
    tau2: float = 0.0,
) -> tuple[Array, Array]:
    r"""Return the limits of a funnel about a target θ.

    * ``exact``: binomial, interpolated: with r the smallest count with F(r) ≥ q,
      :math:`\bigl(r - \tfrac{F(r) - q}{f(r)}\bigr)/n` at q = α/2 and 1 − α/2;
    * ``discrete``: r/n itself;
    * ``normal``: θ ± z s, :math:`s^2 = \theta(1-\theta)/n`; just where the Wilson interval of a unit touches
      θ;
    * ``wilson``: Wilson's interval about θ as if it were the share of a unit;
    * ``phi``: :math:`\theta \pm z\sqrt{\phi}\,s`, φ < 1 taken as 1;
    * ``tau2``: :math:`\theta \pm z\sqrt{s^2 + \tau^2}`;
    * ``arcsine-tau2``: the same on the scale of arcsines, turned back.

    Parameters
    ----------
    n : array_like
        Sizes; NaN where not positive.
    target : float
        θ, strictly between 0 and 1.
    level : float
        Of both sides together: 0.95 and 0.998 are drawn together.
    method, phi, tau2
        Which limits, and the over-dispersion that the last three of them need.

    Returns
    -------
    low, high : ndarray, like n
        All but the interpolated and discrete ones cut to [0, 1].

    Raises
    ------
    OptionError
        Another method, a level or a target that is not between 0 and 1, an over-dispersion below 0.

    Examples
    --------
    >>> low, high = funnel_limits([100, 1000], 0.9)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.832, 0.881], [0.95, 0.918])
    """
    one_of("method", method, LIMITS)
    within_0_1("level", level)
    _check_spread(phi, tau2)
    within_0_1("target", target, hint="a funnel has no limits at 0 or 1")
    from scipy.special import ndtri

    N = np.asarray(n, float)
    N = np.where(N > 0, N, np.nan)
    if method in ("exact", "discrete"):
        both = [_binomial_limit(N, target, q, method) for q in ((1 - level) / 2, (1 + level) / 2)]
        return both[0], both[1]
    z, s2 = float(ndtri((1 + level) / 2)), target * (1 - target) / N
    if method == "wilson":
        centre, half = (target + z**2 / (2 * N)), z * np.sqrt(s2 + z**2 / (4 * N**2))
        return np.clip((centre - half) / (1 + z**2 / N), 0, 1), np.clip(
            (centre + half) / (1 + z**2 / N), 0, 1
        )
    if method == "arcsine-tau2":
        centre, half = np.arcsin(np.sqrt(target)), z * np.sqrt(1 / (4 * N) + tau2)
        ends = np.clip(centre - half, 0, np.pi / 2), np.clip(centre + half, 0, np.pi / 2)
        return np.sin(ends[0]) ** 2, np.sin(ends[1]) ** 2
    half = z * np.sqrt({"normal": s2, "phi": max(phi, 1.0) * s2, "tau2": s2 + tau2}[method])
    return np.clip(target - half, 0, 1), np.clip(target + half, 0, 1)


def p_value(x: ArrayLike, n: ArrayLike, target: float, /, *, phi: float = 1.0, tau2: float = 0.0) -> Array:
    r"""Return the two-sided probability of a share as far from the target.

    Without over-dispersion exactly, with half the probability of the count itself (mid-p):
    :math:`2\min\{F(x) - f(x)/2,\; 1 - F(x) + f(x)/2\}`, at most 1. Otherwise
    :math:`2\Phi(-|p - \theta|/\sqrt{\phi s^2 + \tau^2})`.

    Parameters
    ----------
    x, n : array_like, same shape
    target : float
        θ.
    phi, tau2 : float
        Over-dispersion, one of the two.

    Returns
    -------
    ndarray
        NaN where n is not positive.

    Raises
    ------
    DataError, OptionError
        A count below 0 or above n; a target that is not between 0 and 1, an over-dispersion below 0.

    Examples
    --------
    >>> p_value([90, 80], [100, 100], 0.9).round(3).tolist()
    [0.966, 0.003]
    """
    from scipy.special import ndtr
    from scipy.stats import binom

    _check_spread(phi, tau2)
    x, n, theta = _given(x, n, target)
    if phi <= 1 and tau2 <= 0:
        f = binom.pmf(x, n, theta)
        below = binom.cdf(x, n, theta) - f / 2
        return np.asarray(np.minimum(1.0, 2 * np.minimum(below, binom.sf(x, n, theta) + f / 2)), float)
    s = np.sqrt(max(phi, 1.0) * theta * (1 - theta) / n + tau2)
    return np.asarray(2 * ndtr(-np.abs(x / n - theta) / s), float)


def _given(x: ArrayLike, n: ArrayLike, target: float | None) -> tuple[Array, Array, float]:
    x, n = np.broadcast_arrays(np.asarray(x, float), np.asarray(n, float))
    bad = (x < 0) | (x > n)
    if bad.any():
        raise DataError(f"counts need 0 ≤ x ≤ n; found x={x[bad][0]:g} of n={n[bad][0]:g}")
    gone = ~(n > 0) | np.isnan(x)
    x, n = np.where(gone, np.nan, x), np.where(gone, np.nan, n)
    if target is None:
        target = float("nan") if gone.all() else float(np.nansum(x) / np.nansum(n))
    within_0_1("target", target, hint="a funnel has no limits at 0 or 1")
    return x, n, target


def _check_spread(phi: float, tau2: float) -> None:
    real_number("phi", phi, least=0)
    real_number("tau2", tau2, least=0)


def _z(x: Array, n: Array, theta: float, scale: str) -> tuple[Array, Array]:
    if scale == "arcsine":
        s = 1 / (2 * np.sqrt(n))
        return (np.arcsin(np.sqrt(x / n)) - np.arcsin(np.sqrt(theta))) / s, s
    s = np.sqrt(theta * (1 - theta) / n)
    return (x / n - theta) / s, s


def _tau2(Q: float, w: Array) -> float:
    return max(0.0, (Q - (w.size - 1)) / float(w.sum() - (w**2).sum() / w.sum()))


def _binomial_limit(n: Array, theta: float, q: float, method: str) -> Array:
    from scipy.stats import binom

    r = binom.ppf(q, n, theta)
    if method == "discrete":
        return np.asarray(r / n, float)
    return np.asarray((r - (binom.cdf(r, n, theta) - q) / binom.pmf(r, n, theta)) / n, float)
