r"""Outbreaks: is the last count of a seasonal series higher than earlier years let expect.

Arrays end in time: shape (series, T); all series at once. No phase I and no seasonal adjustment: only months
near the same one of earlier years are looked at, and past outbreaks among them weigh less.

References
----------
Farrington, Andrews, Beale & Catchpole (1996), A statistical algorithm for the early detection of outbreaks of
infectious disease, JRSS A 159(3), 547–563.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number, within_0_1, yes_or_no
from qstats.stats import count_law

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Power = Literal["2/3", "none"]
#: significance below which a trend is kept
_TREND: Final = 0.05
_ROUNDS: Final = 40


class Bound(NamedTuple):
    """What a count is held against; every field has shape (series,).

    Where the same season of all earlier years has no event, a dispersion and so a bound cannot be estimated:
    `upper`, `score` and `dispersion` are NaN, and `alarm` is by `p` alone,
    :func:`qstats.stats.count_law.after_none`. Where a regression has not settled all are NaN and there
    is no alarm.
    """

    expected: Array
    #: upper bound; NaN where counts are too few to say
    upper: Array
    #: (count − expected)/(upper − expected): above 1 is an alarm
    score: Array
    alarm: Mask
    dispersion: Array
    #: logarithmic growth of a period, 0 where no trend was kept
    trend: Array
    #: whether the last periods hold enough counts to say anything
    enough: Mask
    #: chance of a count as high; NaN where counts are too few to say
    p: Array


class _Fit(NamedTuple):
    """A quasi-Poisson line through base counts: level at time 0, slope, their variances, dispersion."""

    level: Array
    slope: Array
    level_variance: Array
    slope_variance: Array
    phi: Array
    #: fitted values and leverages, shape (series, base)
    mu: Array
    leverage: Array


def farrington(
    counts: ArrayLike,
    /,
    *,
    season: int = 12,
    years: int = 5,
    half_width: int = 3,
    alpha: float = 0.01,
    trend: bool = True,
    reweight: bool = True,
    power: Power = "2/3",
    least: tuple[int, int] = (5, 4),
) -> Bound:
    r"""Hold the last count of each series against a bound from the same season of earlier years.

    A quasi-Poisson regression :math:`\ln\mu_t = a + bt`, with dispersion φ ≥ 1, of the counts within
    `half_width` periods of the same season of the last `years` years; then once more with weights
    :math:`\omega \propto s^{-2}` where the Anscombe residual

    .. math:: s = \frac{\tfrac32\,(y^{2/3} - \mu^{2/3})\,\mu^{-1/6}}{\sqrt{\phi(1 - h)}}

    exceeds 1. The trend is kept when it is significant at 5 % and does not carry the expectation above the
    largest base count. The bound is, with :math:`\tau = \phi + \operatorname{var}(\hat\mu_0)/\hat\mu_0`,

    .. math:: U = \hat\mu_0\Bigl[1 + \tfrac23 z_{1-\alpha/2}\sqrt{\tau/\hat\mu_0}\Bigr]^{3/2}
              \quad\text{or}\quad \hat\mu_0 + z_{1-\alpha/2}\sqrt{\tau\hat\mu_0}

    α stands for both sides: the chance of an alarm is about α/2. p is the tail of the normal law that puts
    U z standard deviations up. Of n base counts that are all 0 no quasi-Poisson regression can be fitted;
    then there is an alarm where :math:`p = (n+1)^{-y} \le \alpha/2`, the exact conditional test of the last
    count y against the base, both Poisson.

    Parameters
    ----------
    counts : array_like, shape (series, T) or (T,)
        Whole counts, none missing; the last is the one judged.
    season : int
        Periods in a year.
    years, half_width : int
        How many years back, and the periods on either side.
    alpha : float
        α.
    trend, reweight : bool
        Whether a trend may be kept, and whether past outbreaks weigh less.
    power : {"2/3", "none"}
        The first bound (skewness taken off) or the second.
    least : (int, int)
        No alarm with fewer counts than the first in the last periods, the second.

    Returns
    -------
    Bound
        Each field of shape (series,).

    Raises
    ------
    DataError
        Too short a series (says how long it must be), a missing or negative count.
    OptionError
        An option out of range.

    Examples
    --------
    >>> import numpy as np
    >>> month = np.arange(73)
    >>> y = np.round(50 + 20 * np.sin(month / 6 * np.pi))
    >>> y[-1] = 95
    >>> found = farrington(y)
    >>> found.alarm.tolist(), found.expected.round(1).tolist()
    ([True], [48.5])
    """
    from scipy.special import ndtr, ndtri, stdtr

    one_of("power", power, ("2/3", "none"))
    yes_or_no("trend", trend)
    yes_or_no("reweight", reweight)
    y = _checked(counts, season, years, half_width, alpha)
    back = season * np.arange(years, 0, -1)[:, None] - np.arange(-half_width, half_width + 1)
    t = -back.ravel().astype(float)
    t = t[(t < 0) & (t > -y.shape[1])]  # the window of the first year may begin before the series
    base = y[:, y.shape[1] - 1 + t.astype(int)]
    flat = _weighted(base, t, reweight, slope=False)
    silent, kept = (base == 0).all(1), np.zeros(len(y), bool)
    fit = flat
    if trend:
        line = _weighted(base, t, reweight, slope=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            p = 2 * stdtr(len(t) - 2, -np.abs(line.slope) / np.sqrt(line.slope_variance))
            kept = (p < _TREND) & (np.exp(line.level) <= base.max(1)) & ~silent
        fit = _Fit(
            *(np.where(kept if a.ndim == 1 else kept[:, None], a, b) for a, b in zip(line, flat, strict=True))
        )
    mu, z, e = np.exp(fit.level), ndtri(1 - alpha / 2), 2 / 3 if power == "2/3" else 1.0
    tau = fit.phi + fit.level_variance * mu
    enough, now = y[:, y.shape[1] - least[1] :].sum(1) >= least[0], y[:, -1]
    upper = np.where(enough & ~silent, mu * (1 + e * z * np.sqrt(tau / mu)) ** (1 / e), np.nan)
    p = ndtr(-z * (now**e - mu**e) / (upper**e - mu**e))
    p = np.where(silent & enough, count_law.after_none(now, t.size), p)
    mu, phi = np.where(silent, 0.0, mu), np.where(silent, np.nan, fit.phi)
    alarm, slope = np.where(silent, p <= alpha / 2, now > upper), np.where(kept, fit.slope, 0.0)
    return Bound(mu, upper, (now - mu) / (upper - mu), alarm, phi, slope, enough, p)


def count_cusum(
    counts: ArrayLike, expected: ArrayLike, /, *, ratio: float = 1.5, dispersion: float = 0.0
) -> tuple[Array, Array]:
    r"""Return the likelihood-ratio CUSUM of counts against a known expectation, without reset.

    .. math:: S_t = \max(0,\ S_{t-1} + \ell_t)

    with the steps ℓ of :func:`qstats.stats.count_law.rise_weights`. The expectation may have seasons and a
    trend.

    Parameters
    ----------
    counts, expected : array_like, shape (…, T)
        y and μ in control; a missing point leaves the sum as it was.
    ratio : float
        κ, how many times as frequent events are in the shift sought; above 1.
    dispersion : float
        α.

    Returns
    -------
    sums, log_ratio : ndarray, shape (…, T)
        S and ℓ.

    Raises
    ------
    DataError
        A count below 0, an expectation that is not above 0.
    OptionError
        A number out of range.

    References
    ----------
    Höhle & Paul (2008), Count data regression charts for the monitoring of surveillance time series,
    Computational Statistics & Data Analysis 52, 4357–4368.

    Examples
    --------
    >>> sums, _ = count_cusum([10, 14, 18, 20], [10.0] * 4)
    >>> sums.round(2).tolist()
    [0.0, 0.68, 2.97, 6.08]
    """
    weight, charge = count_law.rise_weights(expected, ratio=ratio, dispersion=dispersion)
    y, weight, charge = np.broadcast_arrays(np.asarray(counts, float), weight, charge)
    if (y < 0).any():
        raise DataError(f"counts are 0 or more; found {y[y < 0][0]:g}")
    step = weight * y - charge
    S, sums = np.zeros(y.shape[:-1]), np.empty(y.shape)
    for t in range(y.shape[-1]):
        S = np.where(np.isnan(step[..., t]), S, np.maximum(0.0, S + step[..., t]))
        sums[..., t] = S
    return sums, step


def _weighted(y: Array, t: Array, reweight: bool, *, slope: bool) -> _Fit:
    """Fit a line, and once more with little weight on past outbreaks."""
    fit = _line(y, t, np.ones(y.shape), slope)
    if not reweight:
        return fit
    return _line(y, t, down_weights(y, fit.mu, fit.phi, fit.leverage, outlier=1.0), slope)


def down_weights(y: Array, mu: Array, phi: Array, leverage: Array, /, *, outlier: float) -> Array:
    r"""Return weights with mean 1 that make little of past outbreaks.

    .. math:: s_t = \frac{3\,(y_t^{2/3}\mu_t^{-1/6} - \mu_t^{1/2})}{2\sqrt{\phi\,(1 - h_t)}}, \qquad
              w_t \propto s_t^{-2} \quad (s_t > \text{outlier}), \qquad w_t \propto 1 \quad \text{elsewhere}

    Parameters
    ----------
    y, mu, leverage : ndarray, shape (series, base)
        Counts, fitted values and h.
    phi : ndarray, shape (series,)
        φ, 1 or more.
    outlier : float
        Anscombe residuals s above it are those of outbreaks.

    Returns
    -------
    ndarray, shape (series, base)

    References
    ----------
    Farrington et al. (1996); Noufaily et al. (2013), Statistics in Medicine 32, 1206–1222, for the limit.

    Examples
    --------
    >>> y = np.array([[4.0, 5.0, 30.0]])
    >>> down_weights(y, np.full((1, 3), 5.0), np.ones(1), np.zeros((1, 3)), outlier=1.0).round(3).tolist()
    [[1.488, 1.488, 0.025]]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        s = 1.5 * (y ** (2 / 3) * mu ** (-1 / 6) - np.sqrt(mu))
        s = s / np.sqrt(phi[:, None] * (1 - leverage))
        w = np.asarray(np.where(s > outlier, s**-2.0, 1.0), float)
    return np.asarray(w / w.mean(1)[:, None])


def _line(y: Array, t: Array, w: Array, slope: bool) -> _Fit:
    """Fit quasi-Poisson lines by Newton's method on sums over the base, all series at once."""
    a, b = np.log(np.maximum((w * y).sum(1) / w.sum(1), 1e-10)), np.zeros(len(y))
    centre = t - t.mean()
    for _ in range(_ROUNDS if slope else 1):
        mu = np.exp(a[:, None] + b[:, None] * centre)
        W, r = w * mu, w * (y - mu)
        s0, s1, s2 = W.sum(1), W @ centre, W @ centre**2
        g0, g1 = r.sum(1), r @ centre
        if not slope:
            break
        det = s0 * s2 - s1**2
        da, db = (s2 * g0 - s1 * g1) / det, (s0 * g1 - s1 * g0) / det
        a, b = a + np.clip(da, -1, 1), b + np.clip(db, -0.5, 0.5)
        if max(np.abs(da).max(), np.abs(db).max()) < 1e-12:
            break
    mu = np.exp(a[:, None] + b[:, None] * centre)
    W = w * mu
    s0, s1, s2 = W.sum(1), W @ centre, W @ centre**2
    v00, v01, v11 = 1 / s0, np.zeros(len(y)), np.zeros(len(y))
    if slope:
        det = s0 * s2 - s1**2
        v00, v01, v11 = s2 / det, -s1 / det, s0 / det
    h = W * (v00[:, None] + 2 * v01[:, None] * centre + v11[:, None] * centre**2)
    phi = np.maximum((w * (y - mu) ** 2 / mu).sum(1) / (len(t) - 1 - slope), 1.0)
    at = -t.mean()  # time 0, the period judged
    variance = phi * (v00 + 2 * v01 * at + v11 * at**2)
    return _Fit(a + b * at, b, variance, phi * v11, phi, mu, h)


def _checked(counts: ArrayLike, season: int, years: int, half_width: int, alpha: float) -> Array:
    for name, value, low in (("season", season, 1), ("years", years, 1), ("half_width", half_width, 0)):
        whole_number(name, value, least=low)
    within_0_1("alpha", alpha, hint="a bound in 100 is 0.01")
    if half_width > season / 2:
        raise OptionError(f"half_width={half_width} is more than half a year of {season} periods")
    return count_law.series_of_counts(counts, season * years + 1)
