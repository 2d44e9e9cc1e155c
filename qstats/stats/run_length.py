r"""How often a chart signals: average run lengths (ARL), and what estimating its limits does to them.

ARL₀ is the mean number of points up to a false alarm, ARL₁ up to the discovery of a shift that was there from
the first point. Normal charts with known parameters, unless said otherwise, by the integral equation of their
statistic on Gauss–Legendre nodes; charts of counts are in :mod:`qstats.stats.count_run_length`.

References
----------
Crowder (1987), Technometrics 29(4), 401–407. Lucas & Saccucci (1990), Technometrics 32(1), 1–12.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of, real_number, whole_number

Array = NDArray[np.float64]
Sides = Literal["one", "two"]
_NODES: Final = 80


def shewhart_arl(shift: ArrayLike = 0.0, *, width: float = 3.0) -> Array:
    r"""Return the ARL of a chart of single normal values, :math:`1/[\Phi(-w-\delta) + \Phi(-w+\delta)]`.

    Parameters
    ----------
    shift : array_like
        δ, in σ, from the first point on.
    width : float
        w, in σ.

    Returns
    -------
    ndarray
        Points; ARL₀ where δ = 0.

    Raises
    ------
    OptionError
        w is not positive.

    Examples
    --------
    >>> shewhart_arl([0.0, 1.0]).round(2).tolist()
    [370.4, 43.89]
    """
    from scipy.special import ndtr

    real_number("width", width, above=0)
    delta = np.asarray(shift, float)
    return np.asarray(1 / (ndtr(-width - delta) + ndtr(delta - width)), float)


def cusum_arl(
    *,
    reference: float = 0.5,
    decision: float = 5.0,
    shift: float = 0.0,
    headstart: float = 0.0,
    sides: Sides = "two",
) -> float:
    r"""Return the ARL of a tabular CUSUM of standard normal values.

    .. math:: L(u) = 1 + L(0)\,\Phi(k - u - \delta) + \int_0^h L(y)\,\varphi(y + k - u - \delta)\,dy

    and of both sides together (at most one is above 0 where k ≥ h/2 or without headstart)

    .. math:: L = \frac{L^+(u) L^-(0) + L^+(0) L^-(u) - L^+(0) L^-(0)}{L^+(0) + L^-(0)}

    Parameters
    ----------
    reference, decision, headstart : float
        k, h and u, in σ.
    shift : float
        δ, in σ, from the first point on.
    sides : {"one", "two"}
        Only the upper sum, or both.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        Sides that do not exist, k < 0, h ≤ 0, a headstart that is not in [0, h), or no finite shift.

    Examples
    --------
    >>> round(cusum_arl(decision=4), 1), round(cusum_arl(decision=4, shift=1), 2)
    (167.7, 8.38)
    """
    one_of("sides", sides, ("one", "two"))
    real_number("reference", reference, least=0)
    real_number("decision", decision, above=0)
    real_number("headstart", headstart, least=0, below=decision)
    real_number("shift", shift)
    at, zero = _cusum_side(reference, decision, shift, headstart)
    if sides == "one":
        return at
    at_low, zero_low = _cusum_side(reference, decision, -shift, headstart)
    return (at * zero_low + zero * at_low - zero * zero_low) / (zero + zero_low)


def _cusum_side(k: float, h: float, shift: float, start: float) -> tuple[float, float]:
    """Return the ARL of the upper sum from the headstart and from 0."""
    from scipy.special import ndtr

    x, w = _nodes()
    y, w = h * (x + 1) / 2, h * w / 2
    u = np.concatenate([[0.0], y])
    A = np.eye(len(u))
    A[:, 0] -= ndtr(k - u - shift)
    A[:, 1:] -= w * _normal(y + k - u[:, None] - shift)
    L = np.linalg.solve(A, np.ones(len(u)))
    at = 1 + L[0] * ndtr(k - start - shift) + (w * _normal(y + k - start - shift)) @ L[1:]
    return float(at), float(L[0])


def ewma_arl(*, weight: float = 0.2, width: float = 2.962, shift: float = 0.0) -> float:
    r"""Return the ARL of a two-sided EWMA of standard normal values, with its asymptotic limits.

    .. math:: L(u) = 1 + \frac1\lambda \int_{-c}^{c} L(y)\,
              \varphi\Bigl(\frac{y - (1-\lambda)u}{\lambda} - \delta\Bigr)\,dy, \qquad
              c = w\sqrt{\lambda/(2-\lambda)}

    from u = 0.

    Parameters
    ----------
    weight, width, shift : float
        λ, w and δ.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        λ not above 0 and at most 1, w not positive, or no finite shift.

    Examples
    --------
    >>> round(ewma_arl(), 1), round(ewma_arl(shift=1), 2)
    (499.7, 10.54)
    """
    real_number("weight", weight, above=0, most=1)
    real_number("width", width, above=0)
    real_number("shift", shift)
    c = width * np.sqrt(weight / (2 - weight))
    x, w = _nodes()
    y, w = c * x, c * w / weight

    def kernel(u: Array) -> Array:
        return np.asarray(w * _normal((y - (1 - weight) * u[:, None]) / weight - shift), float)

    L = np.linalg.solve(np.eye(len(y)) - kernel(y), np.ones(len(y)))
    return float(1 + (kernel(np.zeros(1)) @ L)[0])


def cusum_decision(arl0: float, /, *, reference: float = 0.5, sides: Sides = "two") -> float:
    r"""Return the h that gives a CUSUM this ARL₀: the root of :math:`L(h) = \mathrm{ARL}_0`.

    Parameters
    ----------
    arl0 : float
        5 to 100,000 points.
    reference, sides
        As in :func:`cusum_arl`.

    Returns
    -------
    float
        h, in σ.

    Raises
    ------
    OptionError
        An ARL₀ out of range; as in :func:`cusum_arl`.

    Examples
    --------
    >>> round(cusum_decision(370.4), 3)
    4.775
    """
    return _root(lambda h: cusum_arl(reference=reference, decision=h, sides=sides), arl0, 1.0)


def ewma_width(arl0: float, /, *, weight: float = 0.2) -> float:
    r"""Return the width w that gives an EWMA with asymptotic limits this ARL₀: :math:`L(w) = \mathrm{ARL}_0`.

    Parameters
    ----------
    arl0 : float
        5 to 100,000 points.
    weight : float
        λ.

    Returns
    -------
    float
        w, in standard errors.

    Raises
    ------
    OptionError
        An ARL₀ out of range, or λ not above 0 and at most 1.

    Examples
    --------
    >>> round(ewma_width(370.4), 3)
    2.859
    """
    return _root(lambda L: ewma_arl(weight=weight, width=L), arl0, 1.0)


def _root(arl: Callable[[float], float], arl0: float, start: float) -> float:
    """Return where an ARL that grows reaches `arl0`; the ARL grows too fast to be taken far beyond."""
    from scipy.optimize import brentq

    real_number("arl0", arl0, least=5, most=1e5)
    high = start
    while arl(high) < arl0:
        high *= 1.3
    return float(brentq(lambda at: np.log(arl(at) / arl0), start / 10, high, xtol=1e-10))


class EstimatedLimits(NamedTuple):
    """What limits from m points do; see :func:`estimated_limits`."""

    #: mean probability that a point in control signals
    false_alarm_rate: float
    #: median over the charts that might have been set up
    median_arl0: float
    #: probability that the ARL₀ of this chart is below `short`
    probability_short: float


def estimated_limits(
    m: int, /, *, width: float = 3.0, short: float = 200.0, grid: int = 400
) -> EstimatedLimits:
    r"""Return the effect of estimating the limits of a chart of single normal values from m points.

    Given the error u of the mean and s of the deviation, the chart has

    .. math:: \text{FAR}(u, s) = \Phi(u - w s) + \Phi(-u - w s), \qquad u \sim N(0, 1/m), \quad
              (m-1)s^2 \sim \chi^2_{m-1}

    and ARL₀ = 1/FAR: a random number. Here s is the standard deviation of phase I; the mean moving range is
    less efficient, about as m/1.65 points would be.

    Parameters
    ----------
    m : int
        Points of phase I, at least 2.
    width : float
        w.
    short : float
        What counts as too short an ARL₀.
    grid : int
        Quantiles of each of u and s: the numbers are good to about 1/grid.

    Returns
    -------
    EstimatedLimits

    Raises
    ------
    OptionError
        m or `grid` is not a whole number of at least 2, w or `short` no positive number.

    References
    ----------
    Quesenberry (1993), Journal of Quality Technology 25(4), 237–247. Albers & Kallenberg (2004), Metrika 59,
    207–234.

    Examples
    --------
    >>> found = estimated_limits(50)
    >>> round(found.probability_short, 2), round(found.median_arl0, -1)
    (0.31, 320.0)
    """
    from scipy.special import ndtr
    from scipy.stats import chi2, norm

    whole_number("m", m, least=2)
    whole_number("grid", grid, least=2)
    real_number("width", width, above=0)
    real_number("short", short, above=0)
    q = (np.arange(grid) + 0.5) / grid
    u = np.abs(norm.ppf(q))[:, None] / np.sqrt(m)
    s = np.sqrt(chi2.ppf(q, m - 1) / (m - 1))
    rate = ndtr(u - width * s) + ndtr(-u - width * s)
    with np.errstate(divide="ignore"):
        arl = 1 / rate
    return EstimatedLimits(float(rate.mean()), float(np.median(arl)), float((arl < short).mean()))


@cache
def _nodes() -> tuple[Array, Array]:
    """Return nodes and weights of the Gauss–Legendre rule on [−1, 1]."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(x, float), np.asarray(w, float)


def _normal(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), float)
