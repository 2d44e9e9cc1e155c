"""How large a sample must be: for an interval of given width, for a test, under a design."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, real_number, within_0_1

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Width = Literal["wald", "wilson", "clopper-pearson"]
WIDTH: Final = ("wald", "wilson", "clopper-pearson")
Test = Literal["exact", "normal"]
TEST: Final = ("exact", "normal")

#: no sample is larger than this: beyond it the difference asked for is no difference
_LARGEST: Final = 10_000_000


class Plan(NamedTuple):
    """The smallest sample for a test of p ≤ p₀ against p₁ > p₀."""

    #: sample size, and the smallest number of passes that rejects p ≤ p₀
    n: int
    least: int
    #: probability of that many passes at p₀ and at p₁
    error: float
    power: float


def size_for_width(
    rate: float, half_width: float, *, confidence: float = 0.95, method: Width = "wald"
) -> float:
    r"""Return the simple sample whose interval reaches no further than `half_width`.

    * ``wald``: :math:`n = z^2 \pi(1-\pi)/h^2`, not rounded.
    * ``wilson``, ``clopper-pearson``: the smallest n whose interval at nπ passes is at most 2h long.

    Parameters
    ----------
    rate
        Expected rate π, in (0, 1).
    half_width
        h, in (0, ½).
    confidence, method
        Level of the interval, and which one.

    Returns
    -------
    float
        Number of observations before design effect and finite population (:func:`planned`).

    Raises
    ------
    OptionError
        An unknown method, a rate or confidence that is not between 0 and 1, h not between 0 and ½.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 4.4.

    Examples
    --------
    >>> round(size_for_width(0.5, 0.05), 1)
    384.1
    """
    one_of("method", method, WIDTH)
    within_0_1("rate", rate)
    within_0_1("confidence", confidence)
    real_number("half_width", half_width, above=0, below=0.5)
    from scipy.special import ndtri

    from qstats.stats.intervals import proportion

    simple = float(ndtri((1 + confidence) / 2) ** 2 * rate * (1 - rate) / half_width**2)
    if method == "wald":
        return simple

    def narrow(n: int) -> bool:
        low, high = proportion(n * rate, n, method=method, level=confidence)
        return bool(high - low <= 2 * half_width)

    return float(_smallest(narrow, int(simple)))


def size_for_test(
    p0: float, p1: float, *, confidence: float = 0.95, power: float = 0.8, method: Test = "exact"
) -> Plan:
    r"""Return the smallest simple sample that tells a rate of p₁ from one of at most p₀.

    The test rejects :math:`\pi \le p_0` when at least k of n pass, with
    :math:`P(X \ge k \mid p_0) \le \alpha` and :math:`P(X \ge k \mid p_1) \ge` `power`.

    * ``exact``: the smallest n for which a k exists. Because counts are whole, a somewhat larger n may
      have less power; it never has a larger error.
    * ``normal``: :math:`n = \bigl((z_{1-\alpha}\sqrt{p_0q_0} + z_{power}\sqrt{p_1q_1})/(p_1-p_0)\bigr)^2`,
      rounded up, and the exact error and power of the k that keeps the error.

    Parameters
    ----------
    p0, p1
        The rate to be excluded, and the one expected; 0 < p₀ < p₁ < 1.
    confidence, power
        1 − α, and the probability to succeed at p₁.
    method
        Which.

    Returns
    -------
    Plan
        n, k, and the exact error and power. c = n − k failures are allowed.

    Raises
    ------
    OptionError
        An unknown method, a share that is not between 0 and 1, p₁ ≤ p₀, or both so near that more than ten
        million observations are needed.

    References
    ----------
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, section 2.5.

    Examples
    --------
    >>> size_for_test(0.9, 0.97)
    Plan(n=76, least=73, error=0.0469..., power=0.8056...)
    """
    one_of("method", method, TEST)
    for name, value in (("p0", p0), ("p1", p1), ("confidence", confidence), ("power", power)):
        within_0_1(name, value)
    if not p1 > p0:
        raise OptionError(
            f"p1={p1!r} is not above p0={p0!r}: the rate expected must exceed the one to exclude"
        )
    from scipy.special import ndtri

    spread = ndtri(confidence) * np.sqrt(p0 * (1 - p0)) + ndtri(power) * np.sqrt(p1 * (1 - p1))
    normal = max(int(np.ceil((max(spread, 0.0) / (p1 - p0)) ** 2)), 1)
    if normal > _LARGEST:
        raise OptionError(f"p1={p1!r} is too near to p0={p0!r}: more than {_LARGEST} observations are needed")
    if method == "normal":
        return _plan(normal, p0, p1, confidence)
    return _search(normal, p0, p1, confidence, power)


def power_of_test(
    n: ArrayLike,
    p0: float,
    p1: float,
    *,
    confidence: float = 0.95,
    deff: ArrayLike = 1.0,
    population: ArrayLike = np.inf,
) -> Array:
    r"""Return the probability that a sample shows a rate above p₀ when it is p₁.

    The exact test of :func:`size_for_test` on the effective sample, rounded down:

    .. math:: m = \Bigl\lfloor \frac{n}{d} \cdot \frac{N-1}{N-n} \Bigr\rfloor, \qquad
       P(X \ge k \mid p_1),\ X \sim \text{Bin}(m, p_1)

    Parameters
    ----------
    n, deff, population : array_like, broadcast together
        Observations, design effect d, and population N (``inf``: endless).
    p0, p1, confidence
        As in :func:`size_for_test`; p₁ = p₀ gives the error of the test.

    Returns
    -------
    ndarray
        1 for a census.

    Raises
    ------
    OptionError
        A share that is not between 0 and 1, n not from 1 to N, or a design effect that is not positive.

    References
    ----------
    Fleiss, Levin & Paik (2003), as for :func:`size_for_test`.

    Examples
    --------
    >>> power_of_test([76, 114, 114], 0.9, 0.97, deff=[1, 1, 1.5]).round(3)
    array([0.806, 0.871, 0.806])
    """
    for name, value in (("p0", p0), ("p1", p1), ("confidence", confidence)):
        within_0_1(name, value)
    n, d, N = np.broadcast_arrays(*(np.asarray(a, float) for a in (n, deff, population)))
    if not ((n >= 1) & (n <= N)).all():
        raise OptionError(f"n={n[~((n >= 1) & (n <= N))][0]!r} is not between 1 and the population")
    _refuse_deff(d)
    from scipy.stats import binom

    left = np.divide(N - n, N - 1, out=np.ones(N.shape), where=np.isfinite(N) & (N > 1))
    m = np.floor(np.minimum(n / d / np.where(left > 0, left, 1.0), 1e15) * (1 + 1e-12)).astype(np.int64)
    power = binom.sf(_critical(m, p0, confidence) - 1, m, p1)
    return np.asarray(np.where(n < N, power, 1.0), float)


def planned(n: ArrayLike, *, deff: ArrayLike = 1.0, population: ArrayLike = np.inf) -> Array:
    r"""Return the sample that is as precise under a design as n simple observations.

    .. math:: n' = \lceil \frac{d\,n}{1 + (d\,n - 1)/N} \rceil

    Parameters
    ----------
    n, deff, population : array_like
        Simple observations n, design effect d > 0, and population N (``inf``: endless).

    Returns
    -------
    ndarray
        Whole numbers, at most N.

    Raises
    ------
    OptionError
        A design effect that is not positive, or a population below 1.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., eq. 4.4; Kish (1965), Survey Sampling, section 8.2.

    Examples
    --------
    >>> planned(384.1, deff=1.5, population=[2000, float("inf")])
    array([448., 577.])
    """
    d, N = np.asarray(deff, float), np.asarray(population, float)
    _refuse_deff(d)
    if not (N >= 1).all():
        raise OptionError(f"population={N[~(N >= 1)][0]!r} is not at least 1")
    wanted = d * np.asarray(n, float)
    return np.asarray(np.minimum(np.ceil(wanted / (1 + (wanted - 1) / N) * (1 - 1e-12)), N), float)


def _refuse_deff(d: Array) -> None:
    wrong = d[~((d > 0) & np.isfinite(d))]
    if wrong.size:
        raise OptionError(f"deff={wrong[0]!r}: a design effect is a positive number")


def _plan(n: int, p0: float, p1: float, confidence: float) -> Plan:
    from scipy.stats import binom

    k = int(_critical(np.array([n]), p0, confidence)[0])
    error, power = (float(binom.sf(k - 1, n, p)) for p in (p0, p1))
    return Plan(n, k, error, power)


def _critical(n: Whole, p0: float, confidence: float) -> Whole:
    """Return the smallest k with P(X ≥ k) ≤ α; n + 1 where even n passes are too likely."""
    from scipy.stats import binom

    alpha = (1 - confidence) * (1 + 1e-12)
    k = np.asarray(binom.isf(alpha, n, p0), np.int64) + 1
    k = np.where(binom.sf(k - 2, n, p0) <= alpha, k - 1, k)  # the quantile may be a step beyond
    return np.asarray(np.where(binom.sf(k - 1, n, p0) > alpha, k + 1, k), np.int64)  # or before


def _search(normal: int, p0: float, p1: float, confidence: float, power: float) -> Plan:
    """Return the smallest plan with the power.

    The randomised test of the same error is at least as powerful and gains with every n, so the
    search may start where it arrives.
    """
    from scipy.stats import binom

    def arrived(n: int) -> bool:
        k = int(_critical(np.array([n]), p0, confidence)[0])
        spare = (1 - confidence - binom.sf(k - 1, n, p0)) / binom.pmf(k - 1, n, p0)
        best = binom.sf(k - 1, n, p1) + min(spare, 1.0) * binom.pmf(k - 1, n, p1)
        return bool(best >= power * (1 - 1e-9))

    start = _smallest(arrived, normal)
    while True:
        n = np.arange(start, start + 1000)
        k = _critical(n, p0, confidence)
        enough = binom.sf(k - 1, n, p1) >= power * (1 - 1e-12)
        if enough.any():
            return _plan(int(n[enough][0]), p0, p1, confidence)
        start = int(n[-1]) + 1


def _smallest(holds: Callable[[int], bool], guess: int) -> int:
    """Return the smallest n for which a condition holds that, once true, stays so."""
    high = max(guess, 2)
    while not holds(high):
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
