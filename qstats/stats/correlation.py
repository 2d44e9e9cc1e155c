"""Correlation of short series: exact inference, trends taken out, leads and lags."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number, within_0_1

Array = NDArray[np.float64]
Measure = Literal["pearson", "spearman", "kendall"]
MEASURES: Final = ("pearson", "spearman", "kendall")
Null = Literal["permutation", "shift", "t"]
NULLS: Final = ("permutation", "shift", "t")
Treatment = Literal["levels", "detrended", "differences"]
TREATMENTS: Final = ("levels", "detrended", "differences")

#: all orders are enumerated up to this length (3.6 million); beyond it they are drawn
EXACT_UP_TO: Final = 10
#: two statistics closer than this are the same one, computed in another order
_TIE: Final = 1e-12
_CHUNK: Final = 8  # 8! orders at a time


class Correlation(NamedTuple):
    """A correlation, its p-value, the smallest p-value there could have been, its limits, and the pairs."""

    r: float
    p: float
    smallest_p: float
    low: float
    high: float
    n: int


def coefficient(x: ArrayLike, y: ArrayLike, *, measure: Measure = "pearson") -> float:
    r"""Return the correlation of two series.

    .. math:: r = \frac{\sum (x_i - \bar x)(y_i - \bar y)}
              {\sqrt{\sum (x_i - \bar x)^2 \sum (y_i - \bar y)^2}}

    of the values (Pearson), of their mid-ranks (Spearman), or of the signs
    :math:`\operatorname{sgn}(x_i - x_j)` over all pairs (Kendall's :math:`\tau_b`).

    Parameters
    ----------
    x, y : array_like, shape (n,)
    measure : {"pearson", "spearman", "kendall"}

    Returns
    -------
    float
        NaN where a series is constant.

    Raises
    ------
    DataError
        The series differ in length, have fewer than 3 values, or a value is missing.

    Examples
    --------
    >>> [round(coefficient([1, 2, 3, 4], [2, 1, 4, 9], measure=m), 3) for m in MEASURES]
    [0.871, 0.8, 0.667]
    """
    one_of("measure", measure, MEASURES)
    x, y = _pairs(x, y)
    u, v = _scores(x, measure), _scores(y, measure)
    return float(np.clip((u * v).sum(), -1.0, 1.0)) if u.any() and v.any() else math.nan


def correlate(
    x: ArrayLike,
    y: ArrayLike,
    *,
    measure: Measure = "pearson",
    null: Null = "permutation",
    level: float = 0.95,
    removed: int = 0,
    n_draws: int = 9999,
    seed: int = 0,
) -> Correlation:
    r"""Return a correlation with a p-value that holds for few pairs.

    ``permutation``: the share of the n! orders of y with :math:`|r^*| \ge |r|`. All are gone through up to
    n = 10, exact if the values of y are exchangeable; beyond that `n_draws` of them are drawn and
    :math:`p = (1 + \#)/(1 + B)`. ``shift``: the n circular shifts of y only, which keep its
    autocorrelation; :math:`p \ge 1/n`. ``t``: :math:`t = r\sqrt{(n-2)/(1-r^2)}` with n − 2 degrees of
    freedom, for normal independent pairs (not for Kendall). For series without their straight trends it is
    exact with `removed` = 1, one degree fewer; permutations of such residuals are not quite exchangeable.

    The limits are Fisher's, :math:`\tanh(\operatorname{artanh} r \pm z/\sqrt{n-3})`, for Pearson's r only:
    they hold for independent pairs, which two series in time rarely are.

    Parameters
    ----------
    x, y : array_like, shape (n,)
    measure : {"pearson", "spearman", "kendall"}
    null : {"permutation", "shift", "t"}
        What is like what under no association.
    level : float
        Of the limits.
    removed : int
        Degrees of freedom taken out of both series beforehand, for the t test and the limits.
    n_draws : int
        B, of permutations where n > 10.
    seed : int
        Of those draws.

    Returns
    -------
    Correlation
        ``smallest_p`` is the smallest value p could have had with these values in another order: the share of
        the n! orders that are as extreme as the most extreme one (1/n!, more with ties or symmetry), or
        1/(1 + B); 1/n of shifts; 0 of t. All NaN where a series is constant.

    Raises
    ------
    DataError
        As :func:`coefficient`.
    OptionError
        A choice that does not exist, t for Kendall, a level outside 0 to 1, fewer than 99 draws.

    References
    ----------
    Pitman (1937), JRSS Supplement 4, 225–232. Kendall & Stuart, The Advanced Theory of Statistics, vol. 2,
    ch. 31.

    Examples
    --------
    >>> found = correlate([1, 2, 3, 4, 5], [1, 3, 2, 4, 6])
    >>> round(found.r, 3), round(found.p, 4), round(found.smallest_p, 4)
    (0.904, 0.0667, 0.0167)
    """
    _check(measure, null, level, n_draws)
    whole_number("removed", removed, least=0)
    whole_number("seed", seed, least=0)
    r = coefficient(x, y, measure=measure)
    x, y = _pairs(x, y)
    n = x.size
    if math.isnan(r):
        return Correlation(r, math.nan, math.nan, math.nan, math.nan, n)
    low, high = fisher(r, n - removed, level=level) if measure == "pearson" else (math.nan, math.nan)
    if null == "t":
        p, smallest = _t(r, n - removed), 0.0
    elif null == "shift":
        orders = (np.arange(n) + np.arange(n)[:, None]) % n
        p, smallest = float(np.mean(_strong(_reordered(x, y, orders, measure), r))), 1 / n
    elif n <= EXACT_UP_TO:
        p, smallest = _exact(x, y, measure, r)
    else:
        p, smallest = _drawn(x, y, measure, r, n_draws, seed), 1 / (1 + n_draws)
    return Correlation(r, p, smallest, low, high, n)


def fisher(r: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    r"""Return Fisher's limits of Pearson's r, :math:`\tanh(\operatorname{artanh} r \pm z/\sqrt{n - 3})`.

    Parameters
    ----------
    r : float
    n : int
        Pairs; the limits are NaN for fewer than 4, and where |r| = 1.
    level : float

    Returns
    -------
    low, high : float

    Raises
    ------
    OptionError
        The level is not between 0 and 1.

    References
    ----------
    Fisher (1921), Metron 1, 3–32.

    Examples
    --------
    >>> [round(limit, 2) for limit in fisher(0.91, 7)]
    [0.5, 0.99]
    """
    within_0_1("level", level)
    from scipy.special import ndtri

    if n < 4 or not abs(r) < 1 - _TIE:
        return math.nan, math.nan
    half = float(ndtri((1 + level) / 2)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def treated(y: ArrayLike, *, treatment: Treatment = "levels", time: ArrayLike | None = None) -> Array:
    r"""Return a series as it is, without its straight trend, or its first differences.

    ``detrended``: the residuals :math:`y_t - \hat a - \hat b t` of least squares. ``differences``:
    :math:`y_t - y_{t-1}`, one fewer.

    Parameters
    ----------
    y : array_like, shape (n,)
        In order of time.
    treatment : {"levels", "detrended", "differences"}
    time : array_like, shape (n,), optional
        t of the trend; by default 0, 1, 2 …

    Returns
    -------
    ndarray, shape (n,) or (n − 1,)

    Raises
    ------
    OptionError
        Another treatment.

    Examples
    --------
    >>> treated([1.0, 3.0, 5.0, 9.0], treatment="differences").tolist()
    [2.0, 2.0, 4.0]
    """
    one_of("treatment", treatment, TREATMENTS)
    y = np.asarray(y, float)
    if treatment == "levels":
        return y
    if treatment == "differences":
        return np.diff(y)
    t = np.arange(y.size, dtype=float) if time is None else np.asarray(time, float)
    t = t - t.mean()
    rest = y - y.mean()
    rest = rest - t * (t @ rest) / (t @ t)
    flat = np.abs(rest) <= _TIE * np.max(np.abs(y), initial=0.0)
    return np.where(flat.all(), 0.0, rest)


def cross_correlation(y: ArrayLike, x: ArrayLike, *, max_lag: int) -> Array:
    r"""Return the sample cross-correlations at lags −K … K, with the means and the n of the whole series.

    .. math:: r_k = \frac{\sum_t (y_{t+k} - \bar y)(x_t - \bar x)}
              {\sqrt{\sum_t (y_t - \bar y)^2 \sum_t (x_t - \bar x)^2}}

    At a lag k > 0 x leads y. They shrink with |k|, since fewer products are summed; to test one lag, shift
    the series and use :func:`correlate`.

    Parameters
    ----------
    y, x : array_like, shape (n,)
    max_lag : int
        K < n.

    Returns
    -------
    ndarray, shape (2K + 1,)

    Raises
    ------
    DataError, OptionError
        As :func:`coefficient`; K is not from 0 to n − 1.

    References
    ----------
    Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., ch. 12.

    Examples
    --------
    >>> cross_correlation([0, 1, 0, 0, 0], [1, 0, 0, 0, 0], max_lag=1).round(2).tolist()
    [-0.05, -0.25, 0.95]
    """
    y, x = _pairs(y, x)
    n = x.size
    whole_number("max_lag", max_lag, least=0)
    if max_lag >= n:
        raise OptionError(f"max_lag={max_lag!r} is not below {n}, the length of the series")
    u, v = _scores(y, "pearson"), _scores(x, "pearson")
    if not (u.any() and v.any()):
        return np.full(2 * max_lag + 1, np.nan)
    lags = range(-max_lag, max_lag + 1)
    return np.array([float(u[max(k, 0) : n + min(k, 0)] @ v[max(-k, 0) : n - max(k, 0)]) for k in lags])


def effective_pairs(x: ArrayLike, y: ArrayLike) -> float:
    r"""Return how many independent pairs two autocorrelated series are worth (Bartlett).

    .. math:: n^* = \min\Bigl(n,\; n\,\frac{1 - \rho_x \rho_y}{1 + \rho_x \rho_y}\Bigr)

    with the first autocorrelations ρ of the two series, taken as first-order autoregressive. From few points
    ρ is estimated too low, and n* comes out too high.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        In order of time.

    Returns
    -------
    float
        NaN where a series is constant.

    Raises
    ------
    DataError
        As :func:`coefficient`.

    References
    ----------
    Bartlett (1935), JRSS 98, 536–543.

    Examples
    --------
    >>> round(effective_pairs([1, 2, 3, 4, 5, 6, 7], [2, 3, 5, 5, 6, 8, 9]), 1)
    3.7
    """
    x, y = _pairs(x, y)
    u, v = _scores(x, "pearson"), _scores(y, "pearson")
    if not (u.any() and v.any()):
        return math.nan
    product = float(u[1:] @ u[:-1]) * float(v[1:] @ v[:-1])
    return float(min(x.size, x.size * (1 - product) / (1 + product)))


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 1 or x.shape != y.shape:
        raise DataError(f"two series of one length are needed; the shapes are {x.shape} and {y.shape}")
    if x.size < 3:
        raise DataError(f"a correlation needs at least 3 pairs; there are {x.size}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("a value is missing or infinite; leave out the pairs that are not complete")
    return x, y


def _scores(x: Array, measure: Measure) -> Array:
    """Return centred scores of unit length; zeros for a constant series. Kendall's are a matrix of signs."""
    if measure == "kendall":
        signs = np.sign(x[:, None] - x[None, :])
        length = np.sqrt((signs**2).sum())
        return np.asarray(signs / length) if length else signs
    if measure == "spearman":
        from scipy.stats import rankdata

        x = rankdata(x)
    scores = x - x.mean()
    if np.abs(scores).max() <= _TIE * np.abs(x).max():
        return np.zeros_like(x)
    return np.asarray(scores / np.sqrt(scores @ scores))


def _check(measure: str, null: str, level: float, n_draws: int) -> None:
    one_of("measure", measure, MEASURES)
    one_of("null", null, NULLS)
    if measure == "kendall" and null == "t":
        raise OptionError("null='t' is for Pearson and Spearman; for Kendall use 'permutation'")
    within_0_1("level", level)
    whole_number("n_draws", n_draws, least=99)  # fewer give no p-value below 1 %


def _t(r: float, n: int) -> float:
    from scipy.special import stdtr

    if abs(r) > 1 - _TIE:
        return 0.0
    return float(2 * stdtr(n - 2, -abs(r) * math.sqrt((n - 2) / (1 - r * r))))


def _reordered(x: Array, y: Array, orders: NDArray[np.intp], measure: Measure) -> Array:
    """Return the correlation of x with y in each order (one a row)."""
    u, v = _scores(x, measure), _scores(y, measure)
    if measure != "kendall":
        return np.asarray(v[orders] @ u)
    pairs = zip(*np.triu_indices(x.size, 1), strict=True)
    return np.asarray(2 * sum(v[orders[:, i], orders[:, j]] * u[i, j] for i, j in pairs))


def _strong(found: Array, r: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(found) >= abs(r) - _TIE)


def _exact(x: Array, y: Array, measure: Measure, r: float) -> tuple[float, float]:
    """Return p and the smallest p: every choice of the first n − 8 places, with all orders of the rest."""
    n = x.size
    up, down = np.sort(y), np.sort(y)[::-1]
    most = max(abs(coefficient(np.sort(x), end, measure=measure)) for end in (up, down))
    inner = np.array(list(permutations(range(min(n, _CHUNK)))), dtype=np.intp)
    count = fewest = 0
    for first in permutations(range(n), max(n - _CHUNK, 0)):
        rest = np.array([i for i in range(n) if i not in first], dtype=np.intp)
        orders = np.concatenate([np.tile(np.array(first, np.intp), (len(inner), 1)), rest[inner]], axis=1)
        found = _reordered(x, y, orders, measure)
        count += int(_strong(found, r).sum())
        fewest += int(_strong(found, most).sum())
    return count / math.factorial(n), fewest / math.factorial(n)


def _drawn(x: Array, y: Array, measure: Measure, r: float, n_draws: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(x.size), (n_draws, 1)), axis=1)
    return (1 + int(_strong(_reordered(x, y, orders, measure), r).sum())) / (1 + n_draws)
