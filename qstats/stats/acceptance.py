"""Decisions whether a rate is at least p₀, and what a plan of inspection lets through."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, real_number, whole_number, within_0_1
from qstats.stats.design_intervals import design_proportion, effective_size

Array = NDArray[np.float64]
Side = Literal["at least", "at most"]
SIDE: Final = ("at least", "at most")


class Decision(NamedTuple):
    """What is said of each rate, all of the same shape."""

    #: one-sided bounds, each at the confidence asked for
    low: Array
    high: Array
    #: effective number of observations, adjusted to the degrees of freedom
    n_eff: Array
    #: ``accept``, ``reject`` or ``cannot say``
    decision: NDArray[np.object_]
    #: why there are no bounds; empty text where there are
    reason: NDArray[np.object_]


def decide(
    p: ArrayLike,
    se: ArrayLike,
    n: ArrayLike,
    df: ArrayLike,
    p0: ArrayLike,
    *,
    confidence: float = 0.95,
    side: Side = "at least",
    deff_at_bounds: ArrayLike = 1.0,
) -> Decision:
    r"""Decide whether rates of populations are at least (at most) p₀.

    With one-sided bounds that are exact on the effective size :math:`m^*` of the sample (Korn and
    Graubard), each at confidence 1 − α:

    .. math:: L = B_{\alpha}(m^*p,\; m^*(1-p)+1), \qquad U = B_{1-\alpha}(m^*p+1,\; m^*(1-p))

    "At least p₀" is accepted when :math:`L \ge p_0`, rejected when :math:`U < p_0`, and cannot be said
    otherwise; "at most p₀" is accepted when :math:`U \le p_0` and rejected when :math:`L > p_0`. Each
    of the two errors has a probability of at most α.

    Parameters
    ----------
    p, se, n, df, deff_at_bounds : array_like
        As in :func:`qstats.stats.design_intervals.design_proportion`.
    p0 : array_like
        The rate in question, in [0, 1].
    confidence
        1 − α, at least 0.5.
    side
        Which claim is decided on.

    Returns
    -------
    Decision
        ``cannot say`` with the reason where no bound exists.

    Raises
    ------
    OptionError
        A rate outside 0 to 1, a confidence below 0.5, a side that does not exist, a design effect that is
        not positive.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404–413. Korn & Graubard (1998), Survey Methodology 24.

    Examples
    --------
    >>> decide(1.0, 0, [59, 58], [58, 57], 0.95).decision
    array(['accept', 'cannot say'], dtype=object)
    """
    one_of("side", side, SIDE)
    real_number("confidence", confidence, least=0.5, below=1)
    limit = np.asarray(p0, float)
    _check_rate("p0", limit)
    level = max(2 * confidence - 1, np.finfo(float).tiny)
    low, high, reason = design_proportion(p, se, n, df, level=level, deff_at_bounds=deff_at_bounds)
    m = effective_size(p, se, n, df, level=level, deff_at_bounds=deff_at_bounds)
    p, limit, low, high = np.broadcast_arrays(np.asarray(p, float), limit, low, high)
    yes, no = (low >= limit, high < limit) if side == "at least" else (high <= limit, low > limit)
    said = np.select([yes, no], ["accept", "reject"], default="cannot say").astype(object)
    m, reason = np.broadcast_to(m, said.shape), np.broadcast_to(reason, said.shape)
    return Decision(low, high, np.where(reason == "", m, np.nan), said, reason)


def operating_characteristic(
    rate: ArrayLike, n: ArrayLike, c: ArrayLike, *, population: int | None = None
) -> Array:
    r"""Return the probability that a plan accepts: at most c failures among n.

    .. math:: P_a = \sum_{k=0}^{c} \binom nk (1-\pi)^k \pi^{n-k}

    or, from a population of N with D = N(1 − π) failures (rounded), the hypergeometric sum.

    Parameters
    ----------
    rate : array_like
        Rate π of passes in the population, in [0, 1].
    n, c : array_like of int
        Sample size and acceptance number.
    population : int, optional
        N, drawn from without replacement; endless when left out.

    Returns
    -------
    ndarray
        Broadcast shape.

    Raises
    ------
    OptionError
        A rate outside 0 to 1, a plan that cannot be, a population smaller than its sample.

    References
    ----------
    ISO 2859-1:1999, Sampling procedures for inspection by attributes.

    Examples
    --------
    >>> operating_characteristic([0.95, 0.99], 59, 0).round(3)
    array([0.048, 0.553])
    """
    from scipy.stats import binom, hypergeom

    pi, n, c = (np.asarray(a, float) for a in (rate, n, c))
    _check_rate("rate", pi)
    wrong = ~((n >= 1) & (c >= 0) & (c <= n))
    if wrong.any():
        sizes, numbers = np.broadcast_arrays(n, c)
        raise OptionError(
            f"n={sizes[wrong][0]:g} and c={numbers[wrong][0]:g}: a plan needs n of at least 1, c from 0 to n"
        )
    if population is None:
        return np.asarray(binom.cdf(c, n, 1 - pi), float)
    whole_number("population", population, least=1)
    if (n > population).any():
        raise OptionError(f"n={n.max():.0f} is more than the population of {population}")
    return np.asarray(hypergeom.cdf(c, population, np.rint(population * (1 - pi)), n), float)


def zero_acceptance(p0: float, *, confidence: float = 0.95, population: int | None = None) -> int:
    r"""Return the smallest n without a failure that shows a rate of at least p₀.

    .. math:: n = \lceil \ln\alpha / \ln p_0 \rceil

    or, from a population of N, the smallest n that finds none of
    :math:`D = \lfloor N(1-p_0) \rfloor + 1` failures with a probability of at most α.

    Parameters
    ----------
    p0
        The rate to show, in (0, 1).
    confidence
        1 − α.
    population : int, optional
        N, drawn from without replacement.

    Returns
    -------
    int

    Raises
    ------
    OptionError
        `p0` or `confidence` is not between 0 and 1, or the population no whole number above 0.

    References
    ----------
    Hahn & Meeker (1991), Statistical Intervals, chapter 9.

    Examples
    --------
    >>> zero_acceptance(0.95), zero_acceptance(0.95, population=100)
    (59, 39)
    """
    within_0_1("p0", p0)
    within_0_1("confidence", confidence)
    if population is None:
        n = int(np.ceil(np.log1p(-confidence) / np.log(p0) * (1 - 1e-12)))
        return max(n, 1)
    whole_number("population", population, least=1)
    from scipy.stats import hypergeom

    failures = int(np.floor(population * (1 - p0) * (1 + 1e-12))) + 1
    sizes = np.arange(1, population + 1)
    found = hypergeom.pmf(0, population, min(failures, population), sizes) <= (1 - confidence) * (1 + 1e-12)
    return int(sizes[found][0])


def _check_rate(name: str, rate: Array) -> None:
    wrong = rate[~((rate >= 0) & (rate <= 1))]
    if wrong.size:
        raise OptionError(f"{name}={wrong[0]:g} is not a rate, from 0 to 1")
