"""Breaks: whether one line, or one level, holds over the whole series.

References
----------
Andrews (1993), Econometrica 61, 821–856, and those of each test.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, whole_number
from qstats.stats.break_laws import sup_f_tail

Array = NDArray[np.float64]
Model = Literal["level", "trend"]
Tail = Literal["asymptotic", "matched"]

#: a sum of squares is rounding below this share of that about the mean, and its square of that about 0
_ROUNDING: Final = 1e-13


class Break(NamedTuple):
    """A test of one break; `after` is the number of values before it, 0 where the test names none.

    Where the values lie on the model without error there is nothing to test: `statistic` and `p` are NaN.
    """

    statistic: float
    p: float
    after: int


class Path(NamedTuple):
    """A statistic at each date; shape (…, dates) and (dates,)."""

    value: Array
    #: values before the date
    after: NDArray[np.intp]


def regressors(n: int, model: Model) -> Array:
    """Return the columns of the model: a constant, and time for ``trend``.

    Parameters
    ----------
    n : int
        Periods, counted from 1.
    model : {"level", "trend"}

    Returns
    -------
    ndarray, shape (n, k)
        k is 1 or 2.

    Raises
    ------
    OptionError
        Another model.

    Examples
    --------
    >>> regressors(3, "trend").tolist()
    [[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]
    """
    one_of("model", model, ("level", "trend"))
    return np.vander(np.arange(1.0, n + 1), 1 + (model == "trend"), increasing=True)


def chow(y: ArrayLike, /, *, after: int, model: Model = "level") -> Break:
    r"""Test whether the coefficients change after a date that was fixed beforehand.

    .. math:: F = \frac{(\mathrm{RSS} - \mathrm{RSS}_1 - \mathrm{RSS}_2)/k}
              {(\mathrm{RSS}_1+\mathrm{RSS}_2)/(n-2k)} \sim F_{k,\,n-2k}

    A date chosen by looking at the series makes this p far too small: use :func:`sup_f`.

    Parameters
    ----------
    y : array_like, shape (n,)
    after : int
        Number of values before the break, at least k and at most n − k.
    model : {"level", "trend"}

    Returns
    -------
    Break

    Raises
    ------
    OptionError
        `after` is no whole number of at least 1.
    DataError
        Too few values on one side, or in all.

    References
    ----------
    Chow (1960), Econometrica 28, 591–605.

    Examples
    --------
    Levels of 2 and 6, RSS 28 about their mean of 4 and 4 about themselves: F = (28 − 4) / (4 / 4).

    >>> found = chow([1, 2, 3, 5, 6, 7], after=3)
    >>> round(found.statistic, 9), round(found.p, 3)
    (24.0, 0.008)
    """
    from scipy.special import fdtrc

    whole_number("after", after, least=1)
    y = np.asarray(y, float)
    X = regressors(y.size, model)
    n, k = X.shape
    if not k <= after <= n - k or n - 2 * k < 1:
        raise DataError(
            f"a {model} break needs {k} values on both sides, {2 * k + 1} in all; found {after}, {n - after}"
        )
    least = rounding(y)
    e = [y[a] - X[a] @ np.linalg.lstsq(X[a], y[a])[0] for a in (slice(n), slice(after), slice(after, n))]
    whole, before, behind = (float(one @ one) for one in e)
    inside = before + behind if before + behind > least else 0.0
    if whole <= least:
        return Break(float("nan"), float("nan"), after)
    F = (whole - inside) / k / (inside / (n - 2 * k)) if inside else np.inf
    return Break(F, float(fdtrc(k, n - 2 * k, F)), after)


def f_path(Y: ArrayLike, /, *, model: Model = "level", trim: float = 0.15) -> Path:
    r"""Return k times Chow's F at every date but those of the first and last share of the series.

    .. math:: F_t = \frac{\mathrm{RSS} - \mathrm{RSS}_{1,t} - \mathrm{RSS}_{2,t}}
              {(\mathrm{RSS}_{1,t} + \mathrm{RSS}_{2,t})/(n-2k)}

    Parameters
    ----------
    Y : array_like, shape (…, n)
    model : {"level", "trend"}
    trim : float
        Share left out at either end, above 0 and below one half.

    Returns
    -------
    Path
        NaN where the values lie on the model without error, infinite where only both parts do.

    Raises
    ------
    DataError
        Too few values to search in.

    Examples
    --------
    The level rises by 4 after four values:

    >>> path = f_path([1, 3, 2, 2, 5, 7, 6, 6], trim=0.3)
    >>> path.after.tolist(), path.value.round(1).tolist()
    ([2, 3, 4, 5, 6], [2.5, 6.9, 48.0, 15.9, 2.5])
    """
    Y = np.asarray(Y, float)
    n, k = regressors(Y.shape[-1], model).shape
    h = smallest_segment(n, trim, k + 1)
    dates = np.arange(h, n - h + 1)
    if n - 2 * k < 3 or not dates.size:
        raise DataError(f"a search for a break of a {model} needs at least {2 * k + 6} values; found {n}")
    before, behind = growing_rss(Y, model), growing_rss(Y[..., ::-1], model)
    inside = before[..., dates - 1] + behind[..., n - dates - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        F = (before[..., -1:] - inside) / (inside / (n - 2 * k))
    return Path(np.asarray(F), dates)


def sup_f(y: ArrayLike, /, *, model: Model = "level", trim: float = 0.15, tail: Tail = "asymptotic") -> Break:
    r"""Test for a break at an unknown date: the largest of k times Chow's F over the middle dates.

    Parameters
    ----------
    y : array_like, shape (n,)
    model : {"level", "trend"}
    trim : float
        Share of the series left out at either end.
    tail : {"asymptotic", "matched"}
        p by :func:`qstats.stats.break_laws.sup_f_tail`, of the statistic or of the χ² that is as rare as its
        F with n − 2k degrees of freedom. In short series the first rejects too often (at n = 12, nominal
        5 %, 8 % of levels and 15 % of lines) and the second seldom (2 to 3 %).

    Returns
    -------
    Break
        `after` is where the statistic is largest.

    Raises
    ------
    DataError, OptionError
        As for :func:`f_path`; another tail.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> round(sup_f(y).statistic, 1), [sup_f(y, tail=tail).p < 0.001 for tail in ("asymptotic", "matched")]
    (59.5, [True, True])
    """
    one_of("tail", tail, ("asymptotic", "matched"))
    y = np.asarray(y, float)
    n, k = regressors(y.size, model).shape
    F, dates = f_path(y, model=model, trim=trim)
    if np.isnan(F).all():
        return Break(float("nan"), float("nan"), 0)
    best = int(np.argmax(F))
    c = float(F[best])
    if tail == "matched":
        from scipy.special import chdtri, fdtrc

        c = float(chdtri(k, fdtrc(k, n - 2 * k, c / k)))
    return Break(float(F[best]), sup_f_tail(c, k, trim), int(dates[best]))


def ols_cusum(y: ArrayLike, /, *, model: Model = "level") -> Break:
    r"""Test for a break by the cumulated residuals of the whole series.

    .. math:: \max_t \Bigl|\sum_{i \le t} e_i\Bigr| \Big/ (\hat\sigma\sqrt n),
              \qquad \hat\sigma^2 = \mathrm{RSS}/(n-k)

    against the largest of a Brownian bridge. For ``trend`` this p is too large: the residuals of a
    line are tied down more than a bridge.

    Parameters
    ----------
    y : array_like, shape (n,)
    model : {"level", "trend"}

    Returns
    -------
    Break
        `after` is where the sum is farthest from 0.

    References
    ----------
    Ploberger & Krämer (1992), Econometrica 60, 271–285.

    Examples
    --------
    The first four lie 8 below the mean of 3 in all, and RSS/(n − 1) is 40/7: 8 / √(8 · 40/7).

    >>> found = ols_cusum([0, 2, 0, 2, 4, 6, 4, 6])
    >>> round(found.statistic, 3), round(found.p, 3), found.after
    (1.183, 0.122, 4)
    """
    from scipy.special import kolmogorov

    y = np.asarray(y, float)
    X = regressors(y.size, model)
    e = y - X @ np.linalg.lstsq(X, y)[0]
    if e @ e <= rounding(y):
        return Break(float("nan"), float("nan"), 0)
    sigma = np.sqrt(e @ e / (y.size - X.shape[1]))
    path = np.abs(np.cumsum(e))[:-1]
    statistic = float(path.max() / (sigma * np.sqrt(y.size)))
    return Break(statistic, float(kolmogorov(statistic)), int(np.argmax(path)) + 1)


def recursive_cusum(y: ArrayLike, /, *, model: Model = "level") -> Break:
    r"""Test for a break by cumulated recursive residuals: each value against the line before it.

    .. math:: \max_t \frac{|W_t|}{1 + 2t}, \qquad
              W_t = \frac{1}{\hat\sigma\sqrt{n-k}} \sum_{i \le k + t(n-k)} w_i

    with σ the standard deviation of the w. The p-value is that of a Wiener process crossing the two lines,
    :math:`1 - \sum_j (-1)^j e^{-4c^2j^2}\bigl(\Phi(3c-2jc) - \Phi(-3c-2jc)\bigr)`.

    Parameters
    ----------
    y : array_like, shape (n,)
    model : {"level", "trend"}

    Returns
    -------
    Break
        It names no date: `after` is 0.

    References
    ----------
    Brown, Durbin & Evans (1975), JRSS B 37, 149–192. Anderson (1960), Annals of Mathematical Statistics 31,
    165–197, for the crossing of lines.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> found = recursive_cusum(y)
    >>> round(found.statistic, 3), round(found.p, 3)
    (0.964, 0.044)
    """
    from scipy.special import ndtr

    y = np.asarray(y, float)
    w = _recursive_residuals(y, regressors(y.size, model))
    m = w.size
    if w @ w <= rounding(y):
        return Break(float("nan"), float("nan"), 0)
    t = np.arange(1, m + 1) / m
    with np.errstate(divide="ignore", invalid="ignore"):
        c = float(np.max(np.abs(np.cumsum(w)) / (np.std(w, ddof=1) * np.sqrt(m)) / (1 + 2 * t)))
    j = np.arange(-40, 41)
    inside = (-1.0) ** j * np.exp(-4 * (c * j) ** 2) * (ndtr(3 * c - 2 * j * c) - ndtr(-3 * c - 2 * j * c))
    return Break(c, float(np.clip(1 - inside.sum(), 0.0, 1.0)), 0)


def _recursive_residuals(y: Array, X: Array) -> Array:
    r"""Return :math:`w_t = (y_t - x_t'b_{t-1})/\sqrt{1 + x_t'(X_{t-1}'X_{t-1})^{-1}x_t}`, t = k + 1 … n."""
    n, k = X.shape
    w = np.empty(n - k)
    for t in range(k, n):
        A = np.linalg.inv(X[:t].T @ X[:t])
        w[t - k] = (y[t] - X[t] @ A @ X[:t].T @ y[:t]) / np.sqrt(1 + X[t] @ A @ X[t])
    return w


def growing_rss(Y: Array, model: Model) -> Array:
    r"""Return the residual sums of squares of the first 1, 2, … values; rounding is 0.

    .. math:: \sum_{i \le m} d_i^2 - \frac{(\sum_{i \le m} d_i)^2}{m}
              \Bigl[{} - \frac{S_{td}^2}{S_{tt}} \text{ of a line}\Bigr], \qquad d = y - \bar y

    Parameters
    ----------
    Y : ndarray, shape (…, n)
    model : {"level", "trend"}

    Returns
    -------
    ndarray, shape (…, n)

    Examples
    --------
    >>> Y = np.array([1.0, 3.0, 8.0])
    >>> growing_rss(Y, "level").tolist(), growing_rss(Y, "trend").round(9).tolist()
    ([0.0, 2.0, 26.0], [0.0, 0.0, 1.5])
    """
    m = np.arange(1.0, Y.shape[-1] + 1)
    d, t = Y - Y.mean(-1, keepdims=True), m - 1
    total, squares = np.cumsum(d, -1), np.cumsum(d**2, -1)
    rss = squares - total**2 / m
    if model == "trend":
        sxy, sxx = np.cumsum(t * d, -1) - total * (m - 1) / 2, m * (m**2 - 1) / 12
        rss = rss - np.divide(sxy**2, sxx, out=np.zeros(Y.shape), where=sxx > 0)
    level = m * np.max(np.abs(Y), -1, keepdims=True) ** 2
    return np.asarray(np.where(rss > _ROUNDING * squares + _ROUNDING**2 * level, rss, 0.0))


def rounding(Y: Array) -> Array:
    r"""Return the sum of squares below which residuals of Y are rounding.

    .. math:: \epsilon \sum (y - \bar y)^2 + \epsilon^2 \sum y^2, \qquad \epsilon = 10^{-13}

    Parameters
    ----------
    Y : ndarray, shape (…, n)

    Returns
    -------
    ndarray, shape (…)

    Examples
    --------
    >>> f"{rounding(np.array([1.0, 3.0])):.1e}"
    '2.0e-13'
    """
    about = np.sum((Y - Y.mean(-1, keepdims=True)) ** 2, -1)
    return np.asarray(_ROUNDING * about + _ROUNDING**2 * np.sum(Y**2, -1))


def smallest_segment(n: int, trim: float, least: int) -> int:
    """Return the number of values of the smallest segment, max(⌊trim · n⌋, least).

    Parameters
    ----------
    n : int
        Values of the series.
    trim : float
        Share of the series, above 0 and below one half.
    least : int

    Returns
    -------
    int

    Raises
    ------
    OptionError
        The share is out of range.

    Examples
    --------
    >>> smallest_segment(20, 0.15, 2), smallest_segment(10, 0.15, 2)
    (3, 2)
    """
    real_number("trim", trim, above=0, below=0.5)
    return max(int(np.floor(trim * n)), least)
