"""Breaks: whether one line, or one level, holds over the whole series."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, whole_number

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


class Segments(NamedTuple):
    """The best division into segments; see :func:`several`."""

    after: tuple[int, ...]
    rss: float
    bic: float


class Path(NamedTuple):
    """A statistic at each date; shape (…, dates) and (dates,)."""

    value: Array
    #: values before the date
    after: NDArray[np.intp]


def regressors(n: int, model: Model) -> Array:
    """Return the columns of the model, shape (n, k): a constant, and time for ``trend``."""
    one_of("model", model, ("level", "trend"))
    one = np.ones(n)
    return np.stack([one], axis=1) if model == "level" else np.stack([one, np.arange(1.0, n + 1)], axis=1)


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

    References
    ----------
    Chow (1960), Econometrica 28, 591–605.
    """
    from scipy.special import fdtrc

    y = np.asarray(y, float)
    X = regressors(y.size, model)
    n, k = X.shape
    if not k <= after <= n - k or n - 2 * k < 1:
        raise DataError(
            f"a break of a {model} needs {k} values on both sides and {2 * k + 1} in all; found {after} and "
            f"{n - after}"
        )
    least = rounding(y)
    e = [
        y[a] - X[a] @ np.linalg.lstsq(X[a], y[a])[0] for a in (slice(None), slice(after), slice(after, None))
    ]
    whole, before, behind = (float(one @ one) for one in e)
    inside = before + behind if before + behind > least else 0.0
    if whole <= least:
        return Break(float("nan"), float("nan"), after)
    with np.errstate(divide="ignore"):
        F = float(np.divide((whole - inside) / k, inside / (n - 2 * k)))
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
        p from the limit distribution, :func:`sup_f_tail`, by the statistic; or by the χ² that is as rare
        as its F with n − 2k degrees of freedom. In short series the first rejects too often (at n = 12,
        nominal 5 %, 8 % of levels and 15 % of lines) and the second seldom (2 to 3 %).

    Returns
    -------
    Break
        `after` is where the statistic is largest.

    References
    ----------
    Andrews (1993), Econometrica 61, 821–856.
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


def sup_f_tail(c: float, k: int, trim: float) -> float:
    r"""Return the p-value of the largest of many F statistics, from its limit distribution.

    .. math:: P\Bigl(\sup_{\pi \le \lambda \le 1-\pi}
              \frac{|W(\lambda)-\lambda W(1)|^2}{\lambda(1-\lambda)} > c\Bigr)

    W is a k-dimensional Wiener process. In the time :math:`t = \ln(\lambda/(1-\lambda))` the square is a
    stationary diffusion with generator :math:`2q\,\partial^2 + (k-q)\,\partial`, and the probability to
    stay below c for a time T is :math:`\sum_j a_j^2 e^{-\nu_j T}` over its eigenfunctions that vanish at
    c. They are found by Galerkin's method, in polynomials times the root of the inverse density.

    Parameters
    ----------
    c : float
        Statistic.
    k : int
        Coefficients that change.
    trim : float
        π.

    References
    ----------
    DeLong (1981), Communications in Statistics A 10, 2197–2213. Estrella (2003), Econometric Theory 19,
    1128–1143.
    """
    if not np.isfinite(c):
        return 0.0 if c > 0 else float("nan")
    if c <= 0:
        return 1.0
    T = 2 * np.log((1 - trim) / trim)
    nu, a2 = _spectrum(k, min(c, 150.0))
    return float(np.clip(1 - np.sum(a2 * np.exp(-nu * T)), 0.0, 1.0))


def _spectrum(k: int, c: float) -> tuple[Array, Array]:
    from scipy.linalg import eigh
    from scipy.special import gammaln

    b, half = c / 2, k / 2
    s, weight, P, D = _polynomials(k)
    x = b * (1 + s) / 2
    measure = weight * (b / 2) ** half * np.exp(-gammaln(half))  # times e^-x: the density of χ²/2
    g = (1 - s) * P  # the function is g e^(x/2)
    dg = (-P + (1 - s) * D) * (2 / b) + g / 2
    nu, V = eigh((dg * (measure * x)) @ dg.T, (g * measure) @ g.T)
    return np.asarray(nu), np.asarray((V.T @ (g @ (measure * np.exp(-x / 2)))) ** 2)


@cache
def _polynomials(k: int) -> tuple[Array, Array, Array, Array]:
    """Return nodes and weights of ∫ (1+s)^(k/2-1) ds, and Legendre polynomials with their derivatives."""
    from scipy.special import eval_legendre, roots_jacobi

    s, weight = roots_jacobi(120, 0.0, k / 2 - 1)
    P = eval_legendre(np.arange(40)[:, None], s)
    D = np.zeros(P.shape)
    for j in range(1, len(P)):
        D[j] = (D[j - 2] if j > 1 else 0) + (2 * j - 1) * P[j - 1]
    return s, weight, P, D


def ols_cusum(y: ArrayLike, /, *, model: Model = "level") -> Break:
    r"""Test for a break by the cumulated residuals of the whole series.

    .. math:: \max_t \Bigl|\sum_{i \le t} e_i\Bigr| \Big/ (\hat\sigma\sqrt n),
              \qquad \hat\sigma^2 = \mathrm{RSS}/(n-k)

    against the largest of a Brownian bridge. For ``trend`` this p is too large: the residuals of a
    line are tied down more than a bridge.

    References
    ----------
    Ploberger & Krämer (1992), Econometrica 60, 271–285.
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

    References
    ----------
    Brown, Durbin & Evans (1975), JRSS B 37, 149–192. Anderson (1960), Annals of Mathematical Statistics 31,
    165–197, for the crossing of lines.
    """
    from scipy.special import ndtr

    y = np.asarray(y, float)
    w = recursive_residuals(y, regressors(y.size, model))
    m = w.size
    if w @ w <= rounding(y):
        return Break(float("nan"), float("nan"), 0)
    t = np.arange(1, m + 1) / m
    with np.errstate(divide="ignore", invalid="ignore"):
        c = float(np.max(np.abs(np.cumsum(w)) / (np.std(w, ddof=1) * np.sqrt(m)) / (1 + 2 * t)))
    j = np.arange(-40, 41)
    inside = (-1.0) ** j * np.exp(-4 * (c * j) ** 2) * (ndtr(3 * c - 2 * j * c) - ndtr(-3 * c - 2 * j * c))
    return Break(c, float(np.clip(1 - inside.sum(), 0.0, 1.0)), 0)


def recursive_residuals(y: Array, X: Array) -> Array:
    r"""Return :math:`w_t = (y_t - x_t'b_{t-1})/\sqrt{1 + x_t'(X_{t-1}'X_{t-1})^{-1}x_t}`, t = k + 1 … n."""
    n, k = X.shape
    w = np.empty(n - k)
    for t in range(k, n):
        A = np.linalg.inv(X[:t].T @ X[:t])
        w[t - k] = (y[t] - X[t] @ A @ X[:t].T @ y[:t]) / np.sqrt(1 + X[t] @ A @ X[t])
    return w


def several(y: ArrayLike, /, *, model: Model = "level", trim: float = 0.15, most: int = 5) -> list[Segments]:
    r"""Return the best division with 0, 1, … breaks, by dynamic programming.

    .. math:: \mathrm{BIC}(m) = n\bigl(\ln(\mathrm{RSS}/n) + \ln 2\pi + 1\bigr) + \ln n\,((m+1)k + m + 1)

    Parameters
    ----------
    y : array_like, shape (n,)
    model : {"level", "trend"}
    trim : float
        Smallest share of the series in a segment.
    most : int
        Largest number of breaks.

    Returns
    -------
    list of Segments
        One a number of breaks; the one with the smallest BIC is chosen. Autocorrelation makes BIC find
        breaks that are none.

    References
    ----------
    Bai & Perron (2003), Journal of Applied Econometrics 18, 1–22.
    """
    y = np.asarray(y, float)
    X = regressors(y.size, model)
    n, k = X.shape
    h = smallest_segment(n, trim, k + 1)
    whole_number("most", most, least=0)
    cost = np.full((n + 1, n + 1), np.inf)
    for i in range(n - h + 1):
        cost[i, i + h :] = growing_rss(y[i:], model)[h - 1 :]
    best, came, found = cost[0].copy(), [], []
    for m in range(min(most, n // h - 1) + 1):
        if m:
            through = best[:, None] + cost
            came.append(np.argmin(through, axis=0))
            best = through.min(axis=0)
        at, cuts = n, []
        for back in reversed(came):
            at = int(back[at])
            cuts.append(at)
        rss = float(best[n]) if best[n] > 1e-14 * cost[0, n] else 0.0
        with np.errstate(divide="ignore"):
            bic = n * (np.log(rss / n) + np.log(2 * np.pi) + 1) + np.log(n) * ((m + 1) * k + m + 1)
        found.append(Segments(tuple(reversed(cuts)), rss, float(bic)))
    return found


def best(divisions: list[Segments]) -> Segments:
    """Return the division with the least BIC; the one with fewer breaks of equal ones."""
    return divisions[int(np.argmin([d.bic for d in divisions]))]


def growing_rss(Y: Array, model: Model) -> Array:
    """Return the residual sums of squares of the first 1, 2, … values, shape (…, n); rounding is 0."""
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
    """Return the sum of squares below which residuals of Y are rounding, shape (…)."""
    about = np.sum((Y - Y.mean(-1, keepdims=True)) ** 2, -1)
    return np.asarray(_ROUNDING * about + _ROUNDING**2 * np.sum(Y**2, -1))


def smallest_segment(n: int, trim: float, least: int) -> int:
    """Return the number of values of the smallest segment: a share of the series, and at least `least`."""
    real_number("trim", trim, above=0, below=0.5)
    return max(int(np.floor(trim * n)), least)
