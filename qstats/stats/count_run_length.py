r"""How often charts of counts signal, exactly: p, c and Poisson CUSUM charts with known parameters.

ARL₀ is the mean number of points up to a false alarm, ARL₁ up to the discovery of a shift that was there from
the first point; normal charts are in :mod:`qstats.stats.run_length`.

References
----------
Brook & Evans (1972), Biometrika 59(3), 539–549. Lucas (1985), Counted data CUSUM's, Technometrics 27(2),
129–144.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np

from qstats.errors import real_number, whole_number


def p_chart_arl(n: int, p0: float, p1: float, *, width: float = 3.0) -> float:
    r"""Return the exact ARL of a p chart with limits about p₀ when the rate is p₁.

    .. math:: 1/P(X/n < l \text{ or } X/n > u), \quad X \sim B(n, p_1), \qquad
              l, u = p_0 \mp w\sqrt{p_0(1-p_0)/n}

    For p₀ = 0.01 and n = 50 the ARL₀ is 72, not 370: with small n·p₀ "three sigma" is only a name.

    Parameters
    ----------
    n : int
        Size of each sample.
    p0, p1 : float
        Rates in [0, 1]: that of the limits, and the true one.
    width : float
        w.

    Returns
    -------
    float
        Points; infinite where no count can signal.

    Raises
    ------
    OptionError
        n is not a whole number of at least 1, a rate not from 0 to 1, or w not positive.

    Examples
    --------
    >>> round(p_chart_arl(50, 0.01, 0.01), 1)
    72.4
    """
    from scipy.stats import binom

    whole_number("n", n, least=1)
    real_number("p0", p0, least=0, most=1)
    real_number("p1", p1, least=0, most=1)
    real_number("width", width, above=0)
    reach = width * np.sqrt(p0 * (1 - p0) * n)
    return _count_arl(n * p0 - reach, n * p0 + reach, binom(n, p1))


def c_chart_arl(mu0: float, mu1: float, *, width: float = 3.0) -> float:
    r"""Return the exact ARL of a c chart, :math:`\mu_0 \pm w\sqrt{\mu_0}`, when the mean is μ₁.

    Parameters
    ----------
    mu0, mu1 : float
        Means of the counts: that of the limits, and the true one.
    width : float
        w.

    Returns
    -------
    float
        Points; infinite where no count can signal.

    Raises
    ------
    OptionError
        A negative mean, or w not positive.

    Examples
    --------
    >>> round(c_chart_arl(5, 5), 1), round(c_chart_arl(5, 10), 1)
    (183.4, 3.3)
    """
    from scipy.stats import poisson

    real_number("mu0", mu0, least=0)
    real_number("mu1", mu1, least=0)
    real_number("width", width, above=0)
    reach = width * np.sqrt(mu0)
    return _count_arl(mu0 - reach, mu0 + reach, poisson(mu1))


def _count_arl(low: float, high: float, law: object) -> float:
    """Return 1/P(X < low or X > high), both strictly; infinite where that is impossible."""
    below, above = np.ceil(low - 1e-9) - 1, np.floor(high + 1e-9)
    signal = float(law.cdf(below) + law.sf(above))  # type: ignore[attr-defined]
    return 1 / signal if signal > 0 else float("inf")


def poisson_cusum_arl(mu: float, *, reference: float, decision: float, headstart: float = 0.0) -> float:
    r"""Return the exact ARL of an upper Poisson CUSUM, by its Markov chain.

    .. math:: S_t = \max(0,\ S_{t-1} + X_t - k), \qquad \text{signal } S_t \ge h

    The sums lie on the multiples of the greatest common step of 1, k, h and the headstart.

    Parameters
    ----------
    mu : float
        Mean of the counts.
    reference, decision, headstart : float
        k, h and S₀: rationals with a common denominator of at most 1,000.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        A negative mean, k or h not above 0 (rounded to a thousandth at most), or S₀ not in [0, h).

    Examples
    --------
    >>> round(poisson_cusum_arl(4, reference=5, decision=7), 2)
    108.26
    """
    from scipy.stats import poisson

    real_number("mu", mu, least=0)
    given = {"reference": reference, "decision": decision, "headstart": headstart}
    for name, value in given.items():
        real_number(name, value, least=0)
    k, h, s = (Fraction(value).limit_denominator(1000) for value in given.values())
    real_number("reference", float(k), above=0)
    real_number("decision", float(h), above=0)
    real_number("headstart", float(s), below=float(h))
    unit = int(np.lcm.reduce([v.denominator for v in (k, h, s)]))
    K, H, S = (int(v * unit) for v in (k, h, s))
    step = gcd(unit, K)
    states = np.arange(0, H, step) if S % step == 0 else np.arange(H)
    step = step if S % step == 0 else 1
    # from i to j > 0: X·unit = j − i + K; to 0: X·unit ≤ K − i
    needed = states[None, :] - states[:, None] + K
    P = np.where((needed % unit == 0) & (needed >= 0), poisson.pmf(needed // unit, mu), 0.0)
    P[:, 0] = poisson.cdf((K - states) // unit, mu)
    L = np.linalg.solve(np.eye(len(states)) - P, np.ones(len(states)))
    return float(L[S // step])
