r"""Inequality between regions, what part of it lies between groups, and whether it shrinks.

References
----------
Theil (1967), Economics and Information Theory. Bourguignon (1979), Econometrica 47(4). Lambert & Aronson
(1993), Inequality decomposition analysis and the Gini coefficient revisited, Economic Journal 103. Barro &
Sala-i-Martin (1992), Convergence, Journal of Political Economy 100(2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError

Array = NDArray[np.float64]


class Parts(NamedTuple):
    """An index of inequality and its parts; ``overlap`` is 0 for Theil's."""

    total: float
    between: float
    within: float
    overlap: float


def theil(y: ArrayLike, weights: ArrayLike | None = None, groups: ArrayLike | None = None) -> Parts:
    r"""Return Theil's index T with its parts between and within groups.

    .. math:: T = \sum_i p_i \frac{y_i}{\mu} \ln\frac{y_i}{\mu}
              = \underbrace{\sum_g p_g \frac{\mu_g}{\mu} \ln\frac{\mu_g}{\mu}}_{\text{between}}
              + \underbrace{\sum_g p_g \frac{\mu_g}{\mu} T_g}_{\text{within}}

    Parameters
    ----------
    y : array_like, shape (units,)
        Above 0.
    weights : array_like, optional
        p before they are made to sum to 1 (population, say); equal by default.
    groups : array_like, optional
        Group of each unit; all in one by default.

    Returns
    -------
    Parts

    Raises
    ------
    DataError
        A value or weight that is missing or not positive.

    Examples
    --------
    >>> theil([1.0, 1.0, 3.0, 3.0], groups=["a", "a", "b", "b"])
    Parts(total=0.13081203594113697, between=0.13081203594113697, within=0.0, overlap=0.0)
    """
    y, p, g = _given(y, weights, groups)
    share, mean = np.bincount(g, p), np.bincount(g, p * y) / np.bincount(g, p)
    mu = float((p * y).sum())
    between = float((share * mean / mu * np.log(mean / mu)).sum())
    within = float((p * y / mu * np.log(y / mean[g])).sum())
    return Parts(between + within, between, within, 0.0)


def gini(y: ArrayLike, weights: ArrayLike | None = None, groups: ArrayLike | None = None) -> Parts:
    r"""Return the Gini coefficient with its parts between groups, within them, and from their overlap.

    .. math:: G = \frac{1}{2\mu}\sum_i \sum_j p_i p_j |y_i - y_j|, \quad
              G_B = \frac{1}{2\mu}\sum_g \sum_h p_g p_h |\mu_g - \mu_h|, \quad
              G_W = \sum_g p_g^2 \frac{\mu_g}{\mu} G_g

    What is left, :math:`G - G_B - G_W`, is 0 where groups do not overlap, and not a fault of the sum.

    Parameters
    ----------
    y, weights, groups
        As for :func:`theil`.

    Returns
    -------
    Parts

    Raises
    ------
    DataError
        A value or weight that is missing or not positive.

    Examples
    --------
    >>> gini([1.0, 2.0, 3.0, 6.0], groups=["a", "a", "b", "b"]).total
    0.3333333333333333
    """
    y, p, g = _given(y, weights, groups)
    share, mean = np.bincount(g, p), np.bincount(g, p * y) / np.bincount(g, p)
    mu, apart = (p * y).sum(), p[:, None] * p * np.abs(y[:, None] - y)
    total = apart.sum() / (2 * mu)
    between = (share[:, None] * share * np.abs(mean[:, None] - mean)).sum() / (2 * mu)
    within = (apart * (g[:, None] == g)).sum() / (2 * mu)
    rest = total - between - within
    return Parts(float(total), float(between), float(within), float(rest) if abs(rest) >= 1e-15 else 0.0)


def sigma(y: ArrayLike) -> tuple[Array, Array]:
    r"""Return the spread of units: the standard deviation of logarithms, and the coefficient of variation.

    .. math:: \sigma = \sqrt{\frac{\sum_i (\ln y_i - \overline{\ln y})^2}{n - 1}}, \qquad
              cv = \frac{1}{\bar y} \sqrt{\frac{\sum_i (y_i - \bar y)^2}{n - 1}}

    Falling over time is σ-convergence.

    Parameters
    ----------
    y : array_like, shape (…, units)
        Above 0.

    Returns
    -------
    log_sd, cv : ndarray, shape (…)

    Raises
    ------
    DataError
        A value that is missing or not positive.

    Examples
    --------
    >>> [float(a) for a in np.round(sigma([80.0, 90.0, 100.0]), 4)]
    [0.1116, 0.1111]
    """
    values = np.asarray(y, float)
    if not (values > 0).all():
        raise DataError("a logarithm needs values above 0, and none missing")
    return np.log(values).std(-1, ddof=1), values.std(-1, ddof=1) / values.mean(-1)


class Convergence(NamedTuple):
    """Regression of growth on the starting point; see :func:`beta`."""

    slope: float
    std_error: float
    p: float
    intercept: float
    #: speed β of convergence in a period, its error, and the periods in which half a gap closes
    speed: float
    speed_error: float
    half_life: float
    n: int


def beta(first: ArrayLike, last: ArrayLike, periods: float) -> Convergence:
    r"""Return whether units that began lower grew faster.

    .. math:: \frac1T \ln\frac{y_{iT}}{y_{i0}} = a + b \ln y_{i0} + e_i, \qquad
              b = -\frac{1 - e^{-\beta T}}{T}, \quad \text{half-life } \ln 2/\beta

    by least squares. A negative slope also comes from errors in the first year alone (regression to the
    mean): not a proof of catching up.

    Parameters
    ----------
    first, last : array_like, shape (units,)
        y₀ and y_T, above 0.
    periods : float
        T.

    Returns
    -------
    Convergence
        Speed, its error and half-life are NaN where 1 + bT is not above 0; the half-life also where β is not.

    Raises
    ------
    DataError
        Fewer than 3 units, a value that is missing or not positive, or no time between both ends.

    Examples
    --------
    >>> found = beta([80.0, 85.0, 90.0, 95.0], [90.0, 92.0, 95.0, 97.0], 10)
    >>> round(found.slope, 4), round(found.half_life, 1)
    (-0.0552, 8.6)
    """
    from scipy.stats import linregress

    y0, yT = np.asarray(first, float), np.asarray(last, float)
    if y0.size < 3 or not ((y0 > 0).all() and (yT > 0).all() and periods > 0):
        raise DataError(
            f"convergence needs at least 3 units with values above 0 at both ends and a time between them; "
            f"found {y0.size} units, least {np.nanmin([y0, yT]) if y0.size else np.nan:g}, T={periods:g}"
        )
    fit = linregress(np.log(y0), np.log(yT / y0) / periods)
    left = 1 + fit.slope * periods
    speed = -np.log(left) / periods if left > 0 else np.nan
    return Convergence(
        slope=float(fit.slope),
        std_error=float(fit.stderr),
        p=float(fit.pvalue),
        intercept=float(fit.intercept),
        speed=float(speed),
        speed_error=float(fit.stderr / left) if left > 0 else np.nan,
        half_life=float(np.log(2) / speed) if speed > 0 else np.nan,
        n=int(y0.size),
    )


def _given(
    y: ArrayLike, weights: ArrayLike | None, groups: ArrayLike | None
) -> tuple[Array, Array, NDArray[np.intp]]:
    values = np.asarray(y, float)
    p = np.ones(values.shape) if weights is None else np.asarray(weights, float)
    if values.ndim != 1 or values.size == 0 or p.shape != values.shape:
        raise DataError(
            f"inequality needs one value and one weight a unit; found {values.shape} and {p.shape}"
        )
    if not ((values > 0).all() and (p > 0).all()):
        bad = values[~(values > 0)] if not (values > 0).all() else p[~(p > 0)]
        raise DataError(f"inequality needs values and weights above 0, and none missing; found {bad[0]:g}")
    labels = np.zeros(values.shape, int) if groups is None else np.asarray(groups)
    return values, p / p.sum(), np.unique(labels, return_inverse=True)[1]
