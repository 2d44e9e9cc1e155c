"""Outbreaks by all earlier counts: seasons as steps, past outbreaks down-weighted (Noufaily and others)."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, real_number, whole_number, within_0_1
from qstats.stats import count_law
from qstats.stats.outbreak import Bound, Mask, down_weights

Array = NDArray[np.float64]
Threshold = Literal["negative-binomial", "mean-limit", "2/3-power"]
THRESHOLDS: Final = ("negative-binomial", "mean-limit", "2/3-power")
_ROUNDS: Final = 60
#: no fitted count is below e^-20: a season without events has no logarithm
_LEAST: Final = 20.0
#: a fit has settled where its last round moved no fitted count by more, relative to 1 + the count
_SETTLED: Final = 1e-8


class Base(NamedTuple):
    """What a bound is fitted to.

    Attributes
    ----------
    at : ndarray of int, shape (base,)
        Place in the series.
    X : ndarray, shape (base, k)
        A constant, the time before the period judged, the steps of the season.
    """

    at: NDArray[np.intp]
    X: Array


class _Fit(NamedTuple):
    """Quasi-Poisson fits; (series, k), (series, k, k), (series,), (series, base) twice, (series,)."""

    beta: Array
    covariance: Array
    phi: Array
    mu: Array
    leverage: Array
    settled: Mask


def farrington_flexible(
    counts: ArrayLike,
    /,
    *,
    season: int = 12,
    years: int = 5,
    half_width: int = 1,
    parts: int = 4,
    skip: int = 6,
    alpha: float = 0.01,
    trend_p: float = 1.0,
    outlier: float = 2.58,
    threshold: Threshold = "negative-binomial",
    time: ArrayLike | None = None,
    least: tuple[int, int] = (5, 4),
) -> Bound:
    r"""Hold the last count of each series against a bound from all counts of earlier years.

    A quasi-Poisson regression :math:`\ln\mu_t = a + bt + c_{j(t)}` over all periods of the last years but the
    last `skip`. The step j is 0 within `half_width` periods of the same season; the rest of the year is cut
    into `parts` − 1 steps. It is fitted once more with weights :math:`s^{-2}` where the Anscombe residual s
    (see :func:`qstats.stats.outbreak.farrington`) exceeds `outlier`. With φ ≥ 1 the dispersion, the bound is

    ``negative-binomial``
        the 1 − α quantile of the negative binomial law with mean :math:`\hat\mu_0` and variance φμ;
    ``mean-limit``
        the same at the upper limit of the mean, :math:`\hat\mu_0 e^{z_{1-\alpha} s}`, s the standard error of
        :math:`\ln\hat\mu_0`;
    ``2/3-power``
        :math:`\hat\mu_0[1 + \tfrac23 z_{1-\alpha}\sqrt{\tau/\hat\mu_0}]^{3/2}`, with
        :math:`\tau = \phi + \operatorname{var}(\hat\mu_0)/\hat\mu_0`.

    α is one-sided here; p is the tail of the law that the bound is a quantile of, the negative binomial one
    at :math:`\hat\mu_0` also for ``mean-limit``. Where step 0 has no event in its n periods there is an alarm
    where :math:`p = (n+1)^{-y} \le \alpha` (see :func:`qstats.stats.outbreak.farrington`). The trend is kept
    where its p-value is below `trend_p` (1: always) and the expectation does not exceed the largest count of
    the base. Where the regression of a series does not settle, its numbers are NaN and there is no alarm.

    Parameters
    ----------
    counts : array_like, shape (series, T) or (T,)
        Whole counts, none missing; the last is the one judged.
    season : int
        Periods in a year.
    years, half_width : int
        How many years back, and the periods on either side of the same season.
    parts : int
        Steps of the season; with 1 only the periods near the same season are used.
    skip : int
        Last periods that are not used, so that an outbreak under way does not hide itself; at least 0.
    alpha : float
        α.
    trend_p : float
        0 (no trend) to 1.
    outlier : float
        Of Anscombe residuals; the first method has 1.
    threshold : {"negative-binomial", "mean-limit", "2/3-power"}
    time : array_like, shape (T,), optional
        When each period is, for the trend; equal steps by default.
    least : (int, int)
        No alarm with fewer counts than the first in the last periods, the second.

    Returns
    -------
    Bound

    Raises
    ------
    DataError
        Too short a series (says how long it must be), a missing or negative count.
    OptionError
        An option out of range.

    References
    ----------
    Noufaily et al. (2013), Statistics in Medicine 32, 1206–1222. Salmon, Schumacher & Höhle (2016), Journal
    of Statistical Software 70(10).

    Examples
    --------
    >>> import numpy as np
    >>> month = np.arange(73)
    >>> y = np.round(50 + 20 * np.sin(month / 6 * np.pi))
    >>> y[-1] = 95
    >>> found = farrington_flexible(y)
    >>> found.alarm.tolist(), found.upper.tolist()
    ([True], [68.0])
    """
    from scipy.special import ndtr, ndtri

    y = _checked(counts, (season, years, half_width, parts, skip), alpha, trend_p, outlier, threshold, least)
    base = reference(y.shape[1], (season, years, half_width, parts, skip), time)
    fit, kept = _chosen(y[:, base.at], base.X, trend_p, outlier)
    mu, now = np.exp(fit.beta[:, 0]), y[:, -1]
    error, z = np.sqrt(fit.covariance[:, 0, 0]), float(ndtri(1 - alpha))
    if threshold == "2/3-power":
        tau = fit.phi + error**2 * mu
        upper = mu * (1 + 2 / 3 * z * np.sqrt(tau / mu)) ** 1.5
        p = ndtr(-z * (now ** (2 / 3) - mu ** (2 / 3)) / (upper ** (2 / 3) - mu ** (2 / 3)))
    else:
        mean = mu * np.exp(z * error) if threshold == "mean-limit" else mu
        upper = count_law.quantile(1 - alpha, mean, fit.phi)
        p = count_law.at_least(now, mu, fit.phi)
    same = base.at[(base.X[:, 2:] == 0).all(1)]
    silent, enough = (y[:, same] == 0).all(1), y[:, y.shape[1] - least[1] :].sum(1) >= least[0]
    known = fit.settled & ~silent
    upper = np.where(enough & known, upper, np.nan)
    p = np.where(silent, count_law.after_none(now, same.size), np.where(known, p, np.nan))
    p = np.where(enough, p, np.nan)
    mu = np.where(silent, 0.0, np.where(known, mu, np.nan))
    phi = np.where(known, fit.phi, np.nan)
    slope = np.where(silent, 0.0, np.where(known, np.where(kept, fit.beta[:, 1], 0.0), np.nan))
    alarm = np.where(silent, p <= alpha, now > upper)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Bound(mu, upper, (now - mu) / (upper - mu), alarm, phi, slope, enough, p)


def reference(n: int, shape: tuple[int, int, int, int, int], time: ArrayLike | None = None) -> Base:
    """Return the periods that the last of n is held against, and their regressors.

    Parameters
    ----------
    n : int
        Periods in all.
    shape : (season, years, half_width, parts, skip)
        As for :func:`farrington_flexible`.
    time : array_like, shape (n,), optional
        When each period is; 0, 1, 2 … by default.

    Returns
    -------
    Base

    Raises
    ------
    DataError
        Times that do not rise, or are not n.

    References
    ----------
    Noufaily et al. (2013), Statistics in Medicine 32, 1206–1222.

    Examples
    --------
    Of 12 quarters the last is number 11; the same quarters of two years before are 3 and 7:

    >>> base = reference(12, (4, 2, 0, 1, 1))
    >>> base.at.tolist(), base.X.tolist()
    ([3, 7], [[1.0, -8.0], [1.0, -4.0]])
    """
    season, years, w, parts, skip = shape
    when = np.arange(n, dtype=float) if time is None else np.asarray(time, float)
    if when.shape != (n,) or not (np.diff(when) > 0).all():
        raise DataError(f"time needs {n} rising values, one a period; it has shape {when.shape}")
    last = n - 1
    at = np.arange(max(last - season * years - w, 0), last - skip)
    phase = (at - last + w) % season
    near = phase <= 2 * w
    if parts == 1:
        at, phase, near = at[near], phase[near], near[near]
    rest = max(season - 2 * w - 1, 1)
    step = np.where(near, 0, 1 + (phase - 2 * w - 1) * (parts - 1) // rest)
    steps = [np.asarray(step == j, float) for j in range(1, parts)]
    return Base(at, np.stack([np.ones(at.size), when[at] - when[last], *steps], axis=1))


def _chosen(y: Array, X: Array, trend_p: float, outlier: float) -> tuple[_Fit, Mask]:
    """Return the fit with trend where it may be kept, and without elsewhere (a trend of 0 then)."""
    from scipy.special import stdtr

    line = _weighted(y, X, outlier)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(line.beta[:, 1]) / np.sqrt(line.covariance[:, 1, 1])
    p = 2 * stdtr(len(X) - X.shape[1], -t)
    kept = ((p < trend_p) | (trend_p == 1)) & (np.exp(line.beta[:, 0]) <= y.max(1))
    if kept.all():
        return line, kept
    flat = _weighted(y, np.delete(X, 1, axis=1), outlier)
    beta = np.insert(flat.beta, 1, 0.0, axis=1)
    covariance = np.insert(np.insert(flat.covariance, 1, 0.0, axis=1), 1, 0.0, axis=2)
    whole = flat._replace(beta=beta, covariance=covariance)
    parts = [np.where(kept.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(line, whole, strict=True)]
    # a trend that did not settle cannot be judged, whichever fit was taken
    return _Fit(*parts)._replace(settled=line.settled & parts[-1]), kept


def _weighted(y: Array, X: Array, outlier: float) -> _Fit:
    """Fit, and once more with little weight on what lies far above."""
    fit = _regression(y, X, np.ones(y.shape))
    again = _regression(y, X, down_weights(y, fit.mu, fit.phi, fit.leverage, outlier=outlier))
    return again._replace(settled=fit.settled & again.settled)


def _regression(y: Array, X: Array, w: Array) -> _Fit:
    """Fit quasi-Poisson regressions with common regressors by Newton's method, all series at once."""
    mu = y + 0.1  # the usual start of reweighted least squares
    eta = np.log(mu)
    for _ in range(_ROUNDS):
        A = np.einsum("sb,bj,bk->sjk", w * mu, X, X, optimize=True)
        g = (w * (mu * eta + y - mu)) @ X
        beta = np.linalg.solve(A, g[..., None])[..., 0]
        new = np.clip(beta @ X.T, -_LEAST, _LEAST)
        done = np.abs(new - eta).max() < 1e-11
        moved = np.abs(np.exp(new) - mu) / (1 + mu)
        eta, mu = new, np.exp(new)
        if done:
            break
    A = np.linalg.inv(np.einsum("sb,bj,bk->sjk", w * mu, X, X, optimize=True))
    h = w * mu * np.einsum("bj,sjk,bk->sb", X, A, X, optimize=True)
    phi = np.maximum((w * (y - mu) ** 2 / mu).sum(1) / (X.shape[0] - X.shape[1]), 1.0)
    settled = (moved.max(1) <= _SETTLED) & (eta.max(1) < _LEAST)
    return _Fit(beta, phi[:, None, None] * A, phi, mu, h, settled)


def _checked(
    counts: ArrayLike,
    shape: tuple[int, int, int, int, int],
    alpha: float,
    trend_p: float,
    outlier: float,
    threshold: str,
    least: tuple[int, int],
) -> Array:
    season, years, half_width, parts, skip = shape
    names = ("season", "years", "half_width", "parts", "skip")
    for name, value, low in zip(names, shape, (1, 1, 0, 1, 0), strict=True):
        whole_number(name, value, least=low)
    rest = season - 2 * half_width - 1
    if rest < 0 or parts - 1 > rest or skip >= season * years:
        raise OptionError(
            f"season={season}, half_width={half_width}, parts={parts}, skip={skip}: the window of "
            f"{2 * half_width + 1} periods leaves {rest} of a year, to be cut into at most {rest} parts; "
            f"and fewer than {season * years} periods can be skipped"
        )
    within_0_1("alpha", alpha, hint="a bound in 100 is 0.01")
    real_number("trend_p", trend_p, least=0, most=1)
    real_number("outlier", outlier, above=0)
    one_of("threshold", threshold, THRESHOLDS)
    for place, count in zip(("least[0]", "least[1]"), least, strict=True):
        whole_number(place, count, least=0)
    return count_law.series_of_counts(counts, season * years + 1)
