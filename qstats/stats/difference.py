"""Change between two estimates: differences and ratios with their intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """Estimates with their limits and standard errors, arrays of one shape; NaN where unknown."""

    estimate: ArrayLike
    low: ArrayLike
    high: ArrayLike
    std_error: ArrayLike


class Difference(NamedTuple):
    """A difference or a ratio with its limits and standard error."""

    estimate: Array
    low: Array
    high: Array
    std_error: Array


def difference(earlier: Measured, later: Measured, /, *, covariance: ArrayLike = 0.0) -> Difference:
    r"""Return later minus earlier of two estimates, with its MOVER interval.

    .. math:: d &= \hat\theta_2 - \hat\theta_1, \qquad
              \operatorname{se} d = \sqrt{\operatorname{se}_1^2 + \operatorname{se}_2^2 - 2c},
              \qquad r = c/(\operatorname{se}_1 \operatorname{se}_2) \\
              l &= d - \sqrt{(\hat\theta_2 - l_2)^2 - 2r(\hat\theta_2 - l_2)(u_1 - \hat\theta_1)
                   + (u_1 - \hat\theta_1)^2} \\
              u &= d + \sqrt{(u_2 - \hat\theta_2)^2 - 2r(u_2 - \hat\theta_2)(\hat\theta_1 - l_1)
                   + (\hat\theta_1 - l_1)^2}

    The limits are built from those of the two estimates ("variance estimates recovery"), so they keep
    their asymmetry near 0 and 100 % and exist where a standard error does not. From Wilson's
    intervals of independent samples it is Newcombe's method 10; from normal ones the usual normal
    interval.

    Parameters
    ----------
    earlier, later : Measured
        Limits at one level of confidence.
    covariance : array_like
        c, of the two estimates; 0 where the samples are independent. Where it is not 0, both standard
        errors must be known.

    Returns
    -------
    Difference
        At that level. NaN wherever something it needs is not known.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702; Newcombe (1998), ibid. 17, 873–890.

    Examples
    --------
    >>> nan = float("nan")
    >>> change = difference(Measured(93.65, nan, nan, nan), Measured(93.93, nan, nan, nan))
    >>> float(change.estimate.round(2)), float(change.low)
    (0.28, nan)
    """
    x1, l1, u1, se1 = (np.asarray(a, float) for a in earlier)
    x2, l2, u2, se2 = (np.asarray(a, float) for a in later)
    d, c = x2 - x1, np.asarray(covariance, float)
    r = _correlation(c, se1, se2)
    return Difference(
        estimate=np.asarray(d),
        low=np.asarray(d - _spread(x2 - l2, u1 - x1, r)),
        high=np.asarray(d + _spread(u2 - x2, x1 - l1, r)),
        std_error=np.asarray(np.where(c == 0, np.hypot(se1, se2), _spread(se1, se2, r))),
    )


def ratio(earlier: Measured, later: Measured, /, *, covariance: ArrayLike = 0.0) -> Difference:
    r"""Return later over earlier of two positive estimates, with its MOVER interval.

    The limits are the roots of the limits of :math:`\hat\theta_2 - \rho\,\hat\theta_1` in ρ, each
    built from the limits that face it. With :math:`a = \hat\theta_2 - l_2,\ b = u_1 - \hat\theta_1`
    for the lower and :math:`a = u_2 - \hat\theta_2,\ b = \hat\theta_1 - l_1` for the upper one,

    .. math:: \rho = \frac{B \mp \sqrt{B^2 - A C}}{A}, \quad A = \hat\theta_1^2 - b^2,
              \quad B = \hat\theta_1\hat\theta_2 - r\,a\,b, \quad C = \hat\theta_2^2 - a^2

    From normal intervals it is Fieller's. The standard error is the linearised one,
    :math:`\rho^2(\operatorname{se}_1^2/\hat\theta_1^2 + \operatorname{se}_2^2/\hat\theta_2^2 -
    2c/(\hat\theta_1\hat\theta_2))`.

    Parameters
    ----------
    earlier, later : Measured
    covariance : array_like

    Returns
    -------
    Difference
        ``estimate`` is the ratio: NaN where the earlier value is not positive. The limits are NaN
        where the earlier value is not told from 0 (:math:`A \le 0`): they would be unbounded.

    References
    ----------
    Donner & Zou (2012), Statistical Methods in Medical Research 21, 347–359. Fieller (1954), JRSS B 16.

    Examples
    --------
    >>> earlier, later = Measured(50.0, 40.0, 60.0, 5.1), Measured(60.0, 50.0, 70.0, 5.1)
    >>> [float(value.round(3)) for value in ratio(earlier, later)[:3]]
    [1.2, 0.927, 1.573]
    """
    x1, l1, u1, se1 = (np.asarray(a, float) for a in earlier)
    x2, l2, u2, se2 = (np.asarray(a, float) for a in later)
    c = np.asarray(covariance, float)
    r = _correlation(c, se1, se2)
    ok = x1 > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.where(ok, x2 / np.where(ok, x1, 1.0), np.nan)
        variance = (se2**2 + rho**2 * se1**2 - 2 * rho * c) / x1**2
        low = _root(x1, x2, x2 - l2, u1 - x1, r, -1)
        high = _root(x1, x2, u2 - x2, x1 - l1, r, 1)
        bounded = ok & ~np.isnan(low) & ~np.isnan(high)
        return Difference(
            estimate=np.asarray(rho),
            low=np.where(bounded, low, np.nan),
            high=np.where(bounded, high, np.nan),
            std_error=np.where(ok, np.sqrt(np.maximum(variance, 0.0)), np.nan),
        )


def log_ratio(earlier: Measured, later: Measured, /, *, z: float, covariance: ArrayLike = 0.0) -> Difference:
    r"""Return the ratio of two positive estimates with an interval symmetric on the log scale.

    .. math:: \rho\,\exp(\pm z s), \qquad s^2 = \frac{\operatorname{se}_1^2}{\hat\theta_1^2} +
              \frac{\operatorname{se}_2^2}{\hat\theta_2^2} - \frac{2c}{\hat\theta_1\hat\theta_2}

    Parameters
    ----------
    earlier, later : Measured
        Only estimates and standard errors are used.
    z : float
        Normal quantile of the level.
    covariance : array_like
        c.

    Returns
    -------
    Difference
        NaN where a value is not positive.

    Examples
    --------
    60 over 50, each with an error of 10 %, so s = √0.02:

    >>> nan = float("nan")
    >>> found = log_ratio(Measured(50.0, nan, nan, 5.0), Measured(60.0, nan, nan, 6.0), z=1.96)
    >>> [round(float(value), 3) for value in found]
    [1.2, 0.909, 1.583, 0.17]
    """
    x1, _, _, se1 = (np.asarray(a, float) for a in earlier)
    x2, _, _, se2 = (np.asarray(a, float) for a in later)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.where((x1 > 0) & (x2 > 0), x2 / x1, np.nan)
        s = np.sqrt((se1 / x1) ** 2 + (se2 / x2) ** 2 - 2 * np.asarray(covariance, float) / (x1 * x2))
    return Difference(rho, np.asarray(rho * np.exp(-z * s)), np.asarray(rho * np.exp(z * s)), rho * s)


def p_normal(d: ArrayLike, std_error: ArrayLike) -> Array:
    r"""Return the two-sided p-value of no difference, :math:`2\Phi(-|d|/\operatorname{se})`.

    Parameters
    ----------
    d, std_error : array_like
        Differences and their standard errors.

    Returns
    -------
    ndarray
        NaN where the error is not positive.

    Examples
    --------
    >>> p_normal([1.96, 0.0, 1.0], [1.0, 1.0, 0.0]).round(3).tolist()
    [0.05, 1.0, nan]
    """
    from scipy.special import ndtr

    d, se = np.broadcast_arrays(np.asarray(d, float), np.asarray(std_error, float))
    z = np.divide(np.abs(d), se, out=np.full(d.shape, np.nan), where=se > 0)
    return np.asarray(2 * ndtr(-z))


def _correlation(c: Array, se1: Array, se2: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.clip(c / (se1 * se2), -1.0, 1.0)
    return np.where(c == 0, 0.0, r)


def _spread(a: Array, b: Array, r: Array) -> Array:
    return np.where(r == 0, np.hypot(a, b), np.sqrt(np.maximum(a**2 - 2 * r * a * b + b**2, 0.0)))


def _root(x1: Array, x2: Array, a: Array, b: Array, r: Array, sign: int) -> Array:
    A, B, C = (x1 - b) * (x1 + b), x1 * x2 - r * a * b, (x2 - a) * (x2 + a)
    root = (B + sign * np.sqrt(np.maximum(B * B - A * C, 0.0))) / A
    return np.where(A > 0, root, np.nan)
