r"""Charts with a memory: EWMA and the tabular CUSUM, for small lasting shifts; many series at once.

Arrays end in time: shape (…, T). A missing point leaves the memory as it was. The last state can be given
back as the first one of the next call, so a series continued is the series in one piece.

References
----------
Lucas & Saccucci (1990), Technometrics 32(1), 1–12. Lucas & Crosier (1982), Technometrics 24(3), 199–205.
Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., chapter 9.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, real_number, yes_or_no

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Limits = Literal["exact", "asymptotic"]


class Ewma(NamedTuple):
    """An exponentially weighted moving average with its limits, each of shape (…, T)."""

    value: Array
    low: Array
    high: Array
    #: points seen so far, with those before: what exact limits depend on
    seen: Array

    @property
    def outside(self) -> Mask:
        """Which points lie strictly outside the limits."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.value < self.low) | (self.value > self.high), bool)


def ewma(
    x: ArrayLike,
    *,
    weight: float = 0.2,
    width: float = 2.962,
    centre: ArrayLike = 0.0,
    sigma: ArrayLike = 1.0,
    limits: Limits = "exact",
    start: ArrayLike | None = None,
    seen: ArrayLike = 0.0,
) -> Ewma:
    r"""Return the exponentially weighted moving average of series, with limits.

    .. math:: w_t = \lambda x_t + (1 - \lambda) w_{t-1}, \quad w_0 = \mu, \qquad
              \mu \pm L\sigma\sqrt{\tfrac{\lambda}{2-\lambda}\,[1 - (1-\lambda)^{2t}]}

    Parameters
    ----------
    x : array_like, shape (…, T)
    weight : float
        λ, above 0 and at most 1 (1 is the Shewhart chart).
    width : float
        L. 2.962 with λ = 0.2 gives an ARL₀ of 500 on the asymptotic limits, 2.86 one of 370.
    centre, sigma : array_like, shape (…)
        μ and σ of the points; standardised values by default.
    limits : {"exact", "asymptotic"}
        ``asymptotic`` leaves out the bracket.
    start : array_like, shape (…), optional
        w before the first point; μ by default.
    seen : array_like, shape (…)
        Points seen before.

    Returns
    -------
    Ewma

    Raises
    ------
    OptionError
        Limits that do not exist, λ not above 0 and at most 1, or L not positive.

    Examples
    --------
    >>> found = ewma([0.0, 3.0, 3.0, 3.0])
    >>> found.value.round(3).tolist(), found.outside.tolist()
    ([0.0, 0.6, 1.08, 1.464], [False, False, True, True])
    """
    one_of("limits", limits, ("exact", "asymptotic"))
    real_number("weight", weight, above=0, most=1)
    real_number("width", width, above=0)
    x = np.asarray(x, float)
    mu, sd = np.asarray(centre, float), np.asarray(sigma, float)
    w = np.array(np.broadcast_to(mu if start is None else np.asarray(start, float), x.shape[:-1]))
    known = ~np.isnan(x)
    t = np.asarray(seen, float)[..., None] + np.cumsum(known, axis=-1)
    value = np.empty(x.shape)
    for i in range(x.shape[-1]):
        w = np.where(known[..., i], weight * x[..., i] + (1 - weight) * w, w)
        value[..., i] = w
    bracket = 1 - (1 - weight) ** (2 * t) if limits == "exact" else np.ones(t.shape)
    reach = width * sd[..., None] * np.sqrt(weight / (2 - weight) * bracket)
    return Ewma(value, mu[..., None] - reach, mu[..., None] + reach, t)


class Cusum(NamedTuple):
    """Both sums of a tabular CUSUM, each of shape (…, T)."""

    upper: Array
    lower: Array
    #: points since the sum last was 0: the shift began that many points ago
    since_upper: Array
    since_lower: Array
    signal_upper: Mask
    signal_lower: Mask


class CusumState(NamedTuple):
    """Where a CUSUM stands: both sums and the points since they were 0, shape (…)."""

    upper: ArrayLike
    lower: ArrayLike
    since_upper: ArrayLike = 0.0
    since_lower: ArrayLike = 0.0


def cusum(
    z: ArrayLike,
    *,
    reference: float = 0.5,
    decision: float = 5.0,
    headstart: float = 0.0,
    reset: bool = False,
    state: CusumState | None = None,
) -> Cusum:
    r"""Return the tabular CUSUM of standardised series.

    .. math:: C^+_t = \max(0,\ C^+_{t-1} + z_t - k), \qquad C^-_t = \max(0,\ C^-_{t-1} - z_t - k)

    A signal is :math:`C > h`. A headstart (fast initial response) is :math:`C_0 = h/2`, say.

    Parameters
    ----------
    z : array_like, shape (…, T)
        (x − μ)/σ.
    reference, decision : float
        k and h, in σ: half the shift to be found, and the decision interval.
    headstart : float
        C₀ of both sums.
    reset : bool
        Begin anew at the headstart after a signal; by default the sum runs on, which shows how long a
        shift lasts.
    state : CusumState, optional
        Where an earlier call ended; instead of the headstart.

    Returns
    -------
    Cusum

    Raises
    ------
    OptionError
        k < 0, h ≤ 0, a headstart that is not in [0, h), or `reset` neither True nor False.

    Examples
    --------
    >>> found = cusum([0.0, 2.0, 2.0, 2.0, 2.0])
    >>> found.upper.tolist(), found.signal_upper.tolist(), found.since_upper.tolist()
    ([0.0, 1.5, 3.0, 4.5, 6.0], [False, False, False, False, True], [0.0, 1.0, 2.0, 3.0, 4.0])
    """
    yes_or_no("reset", reset)
    real_number("reference", reference, least=0)
    real_number("decision", decision, above=0)
    real_number("headstart", headstart, least=0, below=decision)
    z = np.asarray(z, float)
    at = CusumState(headstart, headstart) if state is None else state
    both = [
        _one_side(z, at.upper, at.since_upper, reference, decision, headstart, reset),
        _one_side(-z, at.lower, at.since_lower, reference, decision, headstart, reset),
    ]
    (up, n_up, s_up), (down, n_down, s_down) = both
    return Cusum(up, down, n_up, n_down, s_up, s_down)


def _one_side(
    z: Array, C: ArrayLike, N: ArrayLike, k: float, h: float, headstart: float, reset: bool
) -> tuple[Array, Array, Mask]:
    lead = z.shape[:-1]
    C, N = (np.array(np.broadcast_to(np.asarray(a, float), lead)) for a in (C, N))
    sums, since = np.empty(z.shape), np.empty(z.shape)
    known = ~np.isnan(z)
    for t in range(z.shape[-1]):
        here = known[..., t]
        if reset:  # the sum that signalled was shown; the next point begins anew
            over = here & (h < C)
            C, N = np.where(over, headstart, C), np.where(over, 0.0, N)
        C = np.where(here, np.maximum(0.0, C + z[..., t] - k), C)
        N = np.where(here, np.where(C > 0, N + 1, 0.0), N)
        sums[..., t], since[..., t] = C, N
    return sums, since, np.asarray((sums > h) & known, bool)


def cusum_tail(
    sums: ArrayLike,
    *,
    reference: float = 0.5,
    points: ArrayLike = np.inf,
    drift_variance: ArrayLike = 0.0,
    headstart: float = 0.0,
) -> Array:
    r"""Return the probability that a CUSUM in control stands as high.

    .. math:: P(C_t > c) \approx \int \Bigl[\Phi\Bigl(\frac{dt - c'}{\sqrt t}\Bigr)
              + e^{2dc'}\,\Phi\Bigl(\frac{-dt - c'}{\sqrt t}\Bigr)\Bigr]\,dN(\delta; 0, v),
              \qquad d = \delta - k, \quad c' = c + 0.583

    for c > 0, and 1 at 0: the law of the highest point up to time t of a Brownian motion with the drift of
    the random walk, corrected for its jumps over the edge. Run for long and with a known centre it is
    :math:`e^{-2k(c + 0.583)}`. A centre that was estimated from m points is off by δ with variance v = 1/m,
    and that error adds up in the sum. A headstart u
    adds :math:`\Phi((u + dt - c)/\sqrt t)`, the chance that the sum has never been back at 0.

    Parameters
    ----------
    sums : array_like
        C⁺ or C⁻.
    reference : float
        k, above 0.
    points : array_like
        t, points since the sum began.
    drift_variance : array_like
        v, in the unit of squared standard deviations; of finite t only.
    headstart : float
        u, where the sum began.

    Returns
    -------
    ndarray

    Raises
    ------
    OptionError
        k ≤ 0, a negative headstart, or v > 0 with endless t.

    References
    ----------
    Siegmund (1985), Sequential Analysis, chapters 3 and 10. Grigg & Spiegelhalter (2008), Technometrics
    50(4), 501–511, for p-values of CUSUMs.

    Examples
    --------
    >>> cusum_tail([0.0, 2.0, 5.0]).round(4).tolist()
    [1.0, 0.0755, 0.0038]
    >>> cusum_tail(5.0, points=20, drift_variance=[0, 1 / 20]).round(4).tolist()
    [0.0034, 0.019]
    """
    from scipy.special import ndtr

    real_number("reference", reference, above=0)  # at 0 the sum has no such law
    real_number("headstart", headstart, least=0)
    C, t, v = np.broadcast_arrays(*(np.asarray(a, float) for a in (sums, points, drift_variance)))
    if (np.isinf(t) & (v > 0)).any():
        raise OptionError("drift_variance needs a finite number of points: an error of the centre adds up")
    c = C + 0.583
    if np.isinf(t).all():
        tail = np.exp(-2 * reference * c)
    else:
        root, tail = np.sqrt(np.maximum(t, 1.0)), np.zeros(c.shape)
        for x, w in zip(*_HERMITE, strict=True):
            d = x * np.sqrt(v) - reference
            over = np.exp(np.minimum(2 * d * c, 700.0)) * ndtr(-(c / root) - d * root)
            over += ndtr(d * root + (headstart - C) / root) if headstart else 0.0
            tail += w * np.minimum(1.0, ndtr(d * root - c / root) + over)
    return np.asarray(np.where(C > 0, tail, np.where(C == 0, 1.0, C)), float)


def _hermite() -> tuple[Array, Array]:
    """Return nodes and weights of the mean over a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(15)
    return np.asarray(x, float), np.asarray(w / w.sum(), float)


_HERMITE: Final = _hermite()
