"""Tests of a break anywhere: mean and exponential F, moving sums; p by drawn series of the same length."""

from __future__ import annotations

from typing import Final, Literal
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of, whole_number
from qstats.stats.breaks import (
    Break,
    Model,
    Path,
    f_path,
    growing_rss,
    regressors,
    rounding,
    smallest_segment,
)

Array = NDArray[np.float64]
Kind = Literal["aveF", "expF", "mosum", "ols-cusum"]
KINDS: Final = ("aveF", "expF", "mosum", "ols-cusum")
_CHUNK: Final = 200_000


def mosum_path(Y: ArrayLike, /, *, model: Model = "level", width: float = 0.15) -> Path:
    r"""Return moving sums of the residuals of the whole series.

    .. math:: M_t = \frac{1}{\hat\sigma\sqrt n} \sum_{i=t-h+1}^{t} e_i, \qquad h = \lfloor \text{width}\cdot n
              \rfloor, \qquad \hat\sigma^2 = \mathrm{RSS}/(n-k)

    Parameters
    ----------
    Y : array_like, shape (…, n)
    model : {"level", "trend"}
    width : float
        Share of the series in a window.

    Returns
    -------
    Path
        `after` is the middle of the window.

    Raises
    ------
    OptionError
        The width is not above 0 and below one half.

    References
    ----------
    Chu, Hornik & Kuan (1995), Biometrika 82, 603–617.

    Examples
    --------
    Pairs of residuals add up to −4, 0 or 4, over σ√n = √(40/7) √8:

    >>> path = mosum_path([0, 2, 0, 2, 4, 6, 4, 6], width=0.25)
    >>> path.after.tolist(), path.value.round(2).tolist()
    ([1, 2, 3, 4, 5, 6, 7], [-0.59, -0.59, -0.59, 0.0, 0.59, 0.59, 0.59])
    """
    Y = np.asarray(Y, float)
    n = Y.shape[-1]
    h = smallest_segment(n, width, 1)
    total = np.concatenate([np.zeros((*Y.shape[:-1], 1)), _cumulated(Y, model)], axis=-1)
    return Path(total[..., h:] - total[..., :-h], np.arange(h, n + 1) - h // 2)


def by_draws(
    y: ArrayLike,
    /,
    *,
    kind: Kind,
    model: Model = "level",
    trim: float = 0.15,
    n_draws: int = 9_999,
    seed: int = 0,
) -> Break:
    r"""Test a series for a break by one statistic of its path.

    ``aveF`` the mean of :math:`F_t`; ``expF`` :math:`\ln \operatorname{mean} e^{F_t/2}`; ``mosum`` the
    largest :math:`|M_t|`; ``ols-cusum`` the largest cumulated residual. All are free of level, line
    and scale, so p is the share of drawn normal series of the same length that reach as high,
    :math:`(1 + \#)/(1 + B)`: exact for independent normal values, whatever the length.

    Parameters
    ----------
    y : array_like, shape (n,)
    kind : {"aveF", "expF", "mosum", "ols-cusum"}
    model : {"level", "trend"}
    trim : float
        Share of the series left out at either end; the window of ``mosum``. Not used by ``ols-cusum``.
    n_draws : int
        B.
    seed : int

    Returns
    -------
    Break
        `after` is where the path is highest. All is NaN, and 0, where the values lie on the model.

    Raises
    ------
    OptionError
        A choice that does not exist, fewer than 99 draws, a share out of range.
    DataError
        Too few values to search in, but for ``mosum`` and ``ols-cusum``.

    References
    ----------
    Andrews & Ploberger (1994), Econometrica 62, 1383–1414, for the mean and exponential F.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> found = by_draws(y, kind="aveF")
    >>> found.after, found.p < 0.01
    (6, True)
    """
    one_of("kind", kind, KINDS)
    whole_number("n_draws", n_draws, least=99)
    whole_number("seed", seed, least=0)
    y = np.asarray(y, float)
    path = _path(y, kind, model, trim)
    statistic = float(_summary(path.value, kind))
    if np.isnan(statistic):
        return Break(statistic, statistic, 0)
    rng = np.random.default_rng([seed, crc32(f"breaks {kind}".encode())])
    above, step = 0, max(_CHUNK // y.size, 1)
    for start in range(0, n_draws, step):
        drawn = rng.standard_normal((min(step, n_draws - start), y.size))
        above += int(np.sum(_summary(_path(drawn, kind, model, trim).value, kind) >= statistic))
    at = int(path.after[int(np.argmax(np.abs(path.value)))])
    return Break(statistic, (1 + above) / (1 + n_draws), at)


def bic_falls(Y: ArrayLike, /, *, model: Model = "level", trim: float = 0.15, most: int = 5) -> Array:
    r"""Return by how much BIC falls from no break to the best division, of many series at once.

    .. math:: \max_m \; n \ln\frac{\mathrm{RSS}_0}{\mathrm{RSS}_m} - \ln n\,m(k + 1)

    Parameters
    ----------
    Y : array_like, shape (series, n)
    model, trim, most
        As for :func:`qstats.stats.break_dates.several`.

    Returns
    -------
    ndarray, shape (series,)
        0 where no break is chosen, NaN where the values lie on the model without error.

    Raises
    ------
    OptionError
        A share or a number out of range.

    References
    ----------
    Bai & Perron (2003), Journal of Applied Econometrics 18, 1–22.

    Examples
    --------
    RSS falls from 40 to 8, at the price of 2 ln 8; the second series has no break:

    >>> bic_falls([[0, 2, 0, 2, 4, 6, 4, 6], [1, 3, 1, 3, 1, 3, 1, 3]]).round(4).tolist()
    [8.7166, 0.0]
    >>> f"{8 * np.log(40 / 8) - 2 * np.log(8):.4f}"
    '8.7166'
    """
    whole_number("most", most, least=0)
    Y = np.asarray(Y, float)
    n, k = regressors(Y.shape[-1], model).shape
    h = smallest_segment(n, trim, k + 1)
    cost = np.full((len(Y), n + 1, n + 1), np.inf)
    for i in range(n - h + 1):
        cost[:, i, i + h :] = growing_rss(Y[:, i:], model)[:, h - 1 :]
    best = cost[:, 0].copy()
    fall = np.zeros(len(Y))
    for m in range(1, min(most, n // h - 1) + 1):
        best = np.min(best[:, :, None] + cost, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            fell = n * np.log(cost[:, 0, n] / best[:, n]) - np.log(n) * m * (k + 1)
        fall = np.maximum(fall, fell)
    return fall


def bic_p(
    y: ArrayLike,
    /,
    *,
    model: Model = "level",
    trim: float = 0.15,
    most: int = 5,
    n_draws: int = 999,
    seed: int = 0,
) -> float:
    r"""Return the share of drawn normal series whose BIC falls as far, :math:`(1 + \#)/(1 + B)`.

    BIC alone finds breaks in one of five series of 20 independent values, and in one of twenty of 100.

    Parameters
    ----------
    y : array_like, shape (n,)
    model, trim, most
        As for :func:`qstats.stats.break_dates.several`.
    n_draws, seed : int
        B, at least 99; and where the drawing starts.

    Returns
    -------
    float
        1 where no break is chosen, NaN where the values lie on the model without error.

    Raises
    ------
    OptionError
        Fewer than 99 draws, a share or a number out of range.

    References
    ----------
    Bai & Perron (2003), Journal of Applied Econometrics 18, 1–22.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> bic_p(y, n_draws=99), bic_p([1, 3, 1, 3, 1, 3, 1, 3], n_draws=99)
    (0.01, 1.0)
    """
    whole_number("n_draws", n_draws, least=99)
    whole_number("seed", seed, least=0)
    y = np.asarray(y, float)
    fall = float(bic_falls(y[None], model=model, trim=trim, most=most)[0])
    if fall == 0 or np.isnan(fall):
        return fall + 1
    rng = np.random.default_rng([seed, crc32(b"breaks several")])
    above, step = 0, max(10 * _CHUNK // y.size**2, 1)
    for start in range(0, n_draws, step):
        drawn = rng.standard_normal((min(step, n_draws - start), y.size))
        above += int(np.sum(bic_falls(drawn, model=model, trim=trim, most=most) >= fall))
    return (1 + above) / (1 + n_draws)


def _path(Y: Array, kind: Kind, model: Model, trim: float) -> Path:
    if kind == "mosum":
        return mosum_path(Y, model=model, width=trim)
    if kind == "ols-cusum":
        return Path(_cumulated(Y, model)[..., :-1], np.arange(1, Y.shape[-1]))
    return f_path(Y, model=model, trim=trim)


def _summary(path: Array, kind: Kind) -> Array:
    if kind == "aveF":
        return np.asarray(path.mean(-1))
    if kind == "expF":
        top = path.max(-1, keepdims=True)
        known = np.isfinite(top)  # the sum is infinite, or unknown, where its largest is
        rest = np.where(known, path, 0.0) - np.where(known, top, 0.0)
        return np.asarray(top[..., 0] / 2 + np.log(np.mean(np.exp(rest / 2), -1)))
    return np.asarray(np.abs(path).max(-1))


def _cumulated(Y: Array, model: Model) -> Array:
    """Return cumulated residuals over σ√n, shape (…, n); NaN where they are rounding."""
    X = regressors(Y.shape[-1], model)
    n, k = X.shape
    D = Y - Y.mean(-1, keepdims=True)
    e = D - D @ X @ np.linalg.inv(X.T @ X) @ X.T
    rss = np.sum(e**2, -1)
    sigma = np.sqrt(np.where(rss > rounding(Y), rss, np.nan) / (n - k))[..., None]
    return np.asarray(np.cumsum(e, -1) / (sigma * np.sqrt(n)))
