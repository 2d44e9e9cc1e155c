"""Limit laws of the tests of breaks: of the largest F over all dates, and of the date itself."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qstats.errors import within_0_1

Array = NDArray[np.float64]


def sup_f_tail(c: float, k: int, trim: float) -> float:
    r"""Return the p-value of the largest of many F statistics, from its limit distribution.

    .. math:: P\Bigl(\sup_{\pi \le \lambda \le 1-\pi}
              \frac{|W(\lambda)-\lambda W(1)|^2}{\lambda(1-\lambda)} > c\Bigr)

    W is a k-dimensional Wiener process. In the time :math:`t = \ln(\lambda/(1-\lambda))` the square is a
    stationary diffusion with generator :math:`2q\,\partial^2 + (k-q)\,\partial`, and the probability to
    stay below c for a time T is :math:`\sum_j a_j^2 e^{-\nu_j T}` over its eigenfunctions that vanish at
    c. They are found by Galerkin's method, in polynomials times the root of the inverse density.

    Parameters
    ----------
    c : float
        Statistic.
    k : int
        Coefficients that change.
    trim : float
        π.

    Returns
    -------
    float
        NaN where c is.

    References
    ----------
    DeLong (1981), Communications in Statistics A 10, 2197–2213. Estrella (2003), Econometric Theory 19,
    1128–1143.

    Examples
    --------
    The 5 % point of Andrews (1993) for one coefficient and 15 % left out at either end is 8.85:

    >>> round(sup_f_tail(8.85, 1, 0.15), 3)
    0.05
    """
    if not np.isfinite(c):
        return 0.0 if c > 0 else float("nan")
    if c <= 0:
        return 1.0
    T = 2 * np.log((1 - trim) / trim)
    nu, a2 = _spectrum(k, min(c, 150.0))
    return float(np.clip(1 - np.sum(a2 * np.exp(-nu * T)), 0.0, 1.0))


def _spectrum(k: int, c: float) -> tuple[Array, Array]:
    from scipy.linalg import eigh
    from scipy.special import gammaln

    b, half = c / 2, k / 2
    s, weight, P, D = _polynomials(k)
    x = b * (1 + s) / 2
    measure = weight * (b / 2) ** half * np.exp(-gammaln(half))  # times e^-x: the density of χ²/2
    g = (1 - s) * P  # the function is g e^(x/2)
    dg = (-P + (1 - s) * D) * (2 / b) + g / 2
    nu, V = eigh((dg * (measure * x)) @ dg.T, (g * measure) @ g.T)
    return np.asarray(nu), np.asarray((V.T @ (g @ (measure * np.exp(-x / 2)))) ** 2)


@cache
def _polynomials(k: int) -> tuple[Array, Array, Array, Array]:
    """Return nodes and weights of ∫ (1+s)^(k/2-1) ds, and Legendre polynomials with their derivatives."""
    from scipy.special import eval_legendre, roots_jacobi

    s, weight = roots_jacobi(120, 0.0, k / 2 - 1)
    P = eval_legendre(np.arange(40)[:, None], s)
    D = np.zeros(P.shape)
    for j in range(1, len(P)):
        D[j] = (D[j - 2] if j > 1 else 0) + (2 * j - 1) * P[j - 1]
    return s, weight, P, D


def argmax_tail(x: float, /, *, drift: float, spread: float, other: float) -> float:
    r"""Return the chance that the higher of two Brownian motions is highest on one side, after time x.

    A motion with drift −μ and variance σ² a unit of time has its highest point m at time s with density
    :math:`\lambda\,f(s; m)`, where :math:`\lambda = 2\mu/\sigma^2` and f is the density of the first
    passage of m, and stays below m with probability :math:`1 - e^{-\lambda m}`. With λ' of the other side
    and :math:`a = \mu + \sigma^2\lambda'` the density of s is

    .. math:: \lambda\bigl[a\,e^{\kappa s}\,\Phi(-a\sqrt s/\sigma) - \mu\,\Phi(-\mu\sqrt s/\sigma)\bigr],
              \qquad \kappa = (a^2 - \mu^2)/(2\sigma^2)

    and its integral from x on, with :math:`u = \mu\sqrt x/\sigma`,

    .. math:: \lambda\Bigl[\tfrac a\kappa\bigl(\tfrac a\mu\Phi(-u) - e^{\kappa x}\Phi(-a\sqrt x/\sigma)\bigr)
              + \mu x\,\Phi(-u) - \tfrac{\sigma^2}{\mu}\bigl(u\varphi(u) + \Phi(-u)\bigr)\Bigr]

    Parameters
    ----------
    x : float
        0 or more.
    drift, spread : float
        μ and σ² of this side.
    other : float
        λ' of the other.

    Returns
    -------
    float

    References
    ----------
    Bai (1997), Review of Economics and Statistics 79, 551–563.

    Examples
    --------
    Of two motions alike either is the higher with the same chance:

    >>> argmax_tail(0.0, drift=0.5, spread=1.0, other=1.0)
    0.5
    """
    from scipy.special import erfcx, ndtr

    mu, sigma = drift, np.sqrt(spread)
    rate, a = 2 * mu / spread, mu + spread * other
    kappa, u = (a**2 - mu**2) / (2 * spread), mu * np.sqrt(x) / sigma
    density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    grown = density * np.sqrt(np.pi / 2) * erfcx(a * np.sqrt(x) / sigma / np.sqrt(2))
    first = a / kappa * (a / mu * ndtr(-u) - grown)
    return float(rate * (first + mu * x * ndtr(-u) - spread / mu * (u * density + ndtr(-u))))


def argmax_quantile(q: float, /, *, drift: float = 1.0, spread: float = 1.0) -> float:
    """Return the quantile of the highest point of V of :func:`qstats.stats.break_dates.date_limits`.

    Parameters
    ----------
    q : float
        Between 0 and 1.
    drift, spread : float
        ξ and φ; 1 and 1 where both sides are alike.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        q is not between 0 and 1.

    References
    ----------
    Yao (1987), Annals of Statistics 15, 1321–1328, whose 97.5 % point of the symmetric case is 11.03.

    Examples
    --------
    >>> round(argmax_quantile(0.975), 2), round(argmax_quantile(0.5), 6)
    (11.03, 0.0)
    """
    from scipy.optimize import brentq

    within_0_1("q", q)
    sides = {-1: (0.5, 1.0, drift / spread), 1: (drift / 2, spread, 1.0)}
    after = argmax_tail(0.0, drift=drift / 2, spread=spread, other=1.0)
    side, tail = (1, 1 - q) if 1 - q < after else (-1, q)
    mu, s2, other = sides[side]

    def over(x: float) -> float:
        return argmax_tail(x, drift=mu, spread=s2, other=other) - tail

    most = 1.0
    while over(most) > 0:
        most *= 2
    return float(side * brentq(over, 0.0, most, xtol=1e-12)) if over(0.0) > 0 else 0.0
