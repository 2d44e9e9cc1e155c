"""When a series broke: limits of a break's date, and the segments between breaks with their errors."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, within_0_1
from qstats.stats.breaks import Model, regressors

Array = NDArray[np.float64]


class Segment(NamedTuple):
    """Least squares in one segment.

    Attributes
    ----------
    coef : ndarray, shape (k,)
        Level; and change a period, of a line.
    covariance : ndarray, shape (k, k)
        With the variance of the residuals of this segment; NaN where it has no degree of freedom.
    variance : float
        Of the residuals, RSS/n of the segment.
    first, last : tuple of float
        Fitted value at the first and last period of the segment, each with its standard error.
    """

    coef: Array
    covariance: Array
    variance: float
    first: tuple[float, float]
    last: tuple[float, float]


class DateLimits(NamedTuple):
    """Limits of the number of values before a break; they may lie beyond the series."""

    low: int
    after: int
    high: int


def segments(y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level") -> list[Segment]:
    """Return the fits between breaks.

    Parameters
    ----------
    y : array_like, shape (n,)
    after : tuple of int
        Numbers of values before each break, rising; empty for the whole series.
    model : {"level", "trend"}
    """
    y = np.asarray(y, float)
    X = regressors(y.size, model)
    ends = [0, *after, y.size]
    if (np.diff(ends) < X.shape[1]).any():
        raise DataError(
            f"a segment of a {model} needs {X.shape[1]} values; the breaks are after {list(after)}"
        )
    return [_fit(X[a:b], y[a:b]) for a, b in pairwise(ends)]


def _fit(X: Array, y: Array) -> Segment:
    n, k = X.shape
    inverse = np.linalg.inv(X.T @ X)
    b = inverse @ X.T @ y
    rss = float(np.sum((y - X @ b) ** 2))
    cov = inverse * (rss / (n - k) if n > k else np.nan)
    ends = [(float(x @ b), float(np.sqrt(x @ cov @ x))) for x in (X[0], X[-1])]
    return Segment(b, cov, rss / n, ends[0], ends[1])


def jumps(y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level") -> list[tuple[float, float]]:
    r"""Return the change at each break, :math:`x_{k+1}'(b_2 - b_1)`, with its standard error.

    Of a line: how far the one behind the break lies above the one before, at the first period behind. The
    error takes the date as known.
    """
    X = regressors(np.asarray(y).size, model)
    parts = segments(y, after, model=model)
    found = []
    for i, k in enumerate(after):
        change = float(X[k] @ (parts[i + 1].coef - parts[i].coef))
        both = parts[i].covariance + parts[i + 1].covariance
        found.append((change, float(np.sqrt(X[k] @ both @ X[k]))))
    return found


def date_limits(
    y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level", level: float = 0.95
) -> list[DateLimits]:
    r"""Return limits of the dates of breaks found by least squares.

    With δ the change of the coefficients, :math:`Q_i` the mean of :math:`x_tx_t'` and :math:`\sigma_i^2` the
    mean squared residual on either side of the break,

    .. math:: \frac{\delta'Q_1\delta}{\sigma_1^2}\,(\hat k - k) \to \arg\max_s V(s), \qquad
              V(s) = \begin{cases} W_1(-s) - |s|/2 & s \le 0 \\
              \sqrt\phi\,W_2(s) - \xi s/2 & s > 0 \end{cases}

    .. math:: \xi = \frac{\delta'Q_2\delta}{\delta'Q_1\delta}, \qquad \phi = \xi\,\sigma_2^2/\sigma_1^2

    for errors that do not depend on each other. The limits are widened to whole periods.

    Parameters
    ----------
    y : array_like, shape (n,)
    after : tuple of int
        Numbers of values before each break, rising.
    model : {"level", "trend"}
    level : float

    Returns
    -------
    list of DateLimits
        One a break. Of a small change they are wider than the series.

    References
    ----------
    Bai (1997), Review of Economics and Statistics 79, 551–563. Bai & Perron (2003), Journal of Applied
    Econometrics 18, 1–22.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> date_limits(y, (6,))
    [DateLimits(low=5, after=6, high=7)]
    """
    within_0_1("level", level)
    y = np.asarray(y, float)
    X, parts, ends = regressors(y.size, model), segments(y, after, model=model), [0, *after, y.size]
    found = []
    for i, k in enumerate(after):
        delta = parts[i + 1].coef - parts[i].coef
        before, behind = X[ends[i] : k] @ delta, X[k : ends[i + 2]] @ delta
        q1, q2 = float(np.mean(before**2)), float(np.mean(behind**2))
        s1, s2 = parts[i].variance, parts[i + 1].variance
        if not (q1 > 0 and q2 > 0 and s1 > 0 and s2 > 0):
            found.append(DateLimits(k, k, k) if q1 > 0 and s1 == s2 == 0 else DateLimits(0, k, y.size))
            continue
        low, high = (
            argmax_quantile(q, drift=q2 / q1, spread=q2 / q1 * s2 / s1) * s1 / q1
            for q in ((1 - level) / 2, (1 + level) / 2)
        )
        found.append(DateLimits(int(np.floor(k - high)), k, int(np.ceil(k - low))))
    return found


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
    """Return the quantile of the highest point of V of :func:`date_limits`.

    Parameters
    ----------
    q : float
        Between 0 and 1.
    drift, spread : float
        ξ and φ; 1 and 1 where both sides are alike.

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
