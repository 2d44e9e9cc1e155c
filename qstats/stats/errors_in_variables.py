"""A straight line when both variables have known errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError

Array = NDArray[np.float64]
_ROUNDS = 500
_DONE = 1e-15


class Line(NamedTuple):
    """A fitted line y = a + b x, with standard errors from the known errors alone.

    Attributes
    ----------
    intercept, slope : float
        a and b.
    se_intercept, se_slope, covariance : float
        Standard errors of a and b, and their covariance.
    S : float
        Sum of the squared weighted residuals; about n − 2 when the line and the errors are right.
    df : int
        n − 2.
    p_fit : float
        Probability of so large an S: small when the points scatter more than their errors say.
    x, y : ndarray, shape (n,)
        The adjusted points, on the line.
    """

    intercept: float
    slope: float
    se_intercept: float
    se_slope: float
    covariance: float
    S: float
    df: int
    p_fit: float
    x: Array
    y: Array


def york(
    x: ArrayLike, y: ArrayLike, x_error: ArrayLike, y_error: ArrayLike, *, correlation: ArrayLike = 0.0
) -> Line:
    r"""Fit a line to points whose errors in both coordinates are known, by least squares (York).

    With the weights :math:`\omega(X_i) = 1/s_{x,i}^2`, :math:`\omega(Y_i) = 1/s_{y,i}^2`, the correlation
    :math:`r_i` of the two errors and :math:`\alpha_i = \sqrt{\omega(X_i)\,\omega(Y_i)}`, repeat until b
    settles

    .. math:: W_i &= \frac{\omega(X_i)\,\omega(Y_i)}{\omega(X_i) + b^2\omega(Y_i) - 2 b r_i \alpha_i},
              \qquad \bar X = \frac{\sum W_i X_i}{\sum W_i}, \qquad U_i = X_i - \bar X,
              \qquad V_i = Y_i - \bar Y \\
              \beta_i &= W_i\Bigl[\frac{U_i}{\omega(Y_i)} + \frac{b V_i}{\omega(X_i)} -
              (b U_i + V_i)\frac{r_i}{\alpha_i}\Bigr], \qquad
              b = \frac{\sum W_i \beta_i V_i}{\sum W_i \beta_i U_i}, \qquad a = \bar Y - b \bar X

    and with the adjusted :math:`x_i = \bar X + \beta_i` and :math:`u_i = x_i - \bar x`

    .. math:: \sigma_b^2 = \frac{1}{\sum W_i u_i^2}, \qquad
              \sigma_a^2 = \frac{1}{\sum W_i} + \bar x^2 \sigma_b^2, \qquad
              S = \sum W_i (Y_i - b X_i - a)^2

    Ordinary least squares takes x as exact and draws the slope towards 0.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        n ≥ 3 points.
    x_error, y_error : array_like, shape (n,) or scalar
        Known standard errors; that of x may be 0, that of y must be positive.
    correlation : array_like
        Of the two errors of a point, strictly between −1 and 1; needs positive errors of x.

    Returns
    -------
    Line
        The errors rest on the standard errors given; they are not inflated by S.

    Raises
    ------
    DataError
        Fewer than 3 points, a value that is missing, an error that is unknown or not positive, x constant,
        or the slope does not settle.

    References
    ----------
    York, Evensen, López Martínez & De Basabe Delgado (2004), American Journal of Physics 72(3), 367–375.

    Examples
    --------
    >>> line = york([1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8], 0.1, 0.2)
    >>> round(line.slope, 3), round(line.se_slope, 3)
    (1.944, 0.125)
    """
    X, Y, sx, sy, r = _checked(x, y, x_error, y_error, correlation)
    b = float(np.sum((X - X.mean()) * (Y - Y.mean())) / np.sum((X - X.mean()) ** 2))
    flat = _DONE * float(sy.min() / np.ptp(X))  # far below what the errors can tell from a slope of 0
    for _ in range(_ROUNDS):
        before, (b, a, W, beta, mean) = b, _round(b, X, Y, sx, sy, r)
        if abs(b - before) <= max(_DONE * abs(b), flat):
            break
    else:
        if abs(b - before) > 1e6 * max(_DONE * abs(b), flat):
            raise DataError(f"the slope does not settle: {before:.6g}, {b:.6g} after {_ROUNDS} rounds")
    adjusted = mean + beta
    centre = float(np.sum(W * adjusted) / W.sum())
    var_b = float(1 / np.sum(W * (adjusted - centre) ** 2))
    S, df = float(np.sum(W * (Y - b * X - a) ** 2)), X.size - 2
    from scipy.special import chdtrc

    return Line(
        intercept=float(a),
        slope=float(b),
        se_intercept=float(np.sqrt(1 / W.sum() + centre**2 * var_b)),
        se_slope=float(np.sqrt(var_b)),
        covariance=-centre * var_b,
        S=S,
        df=df,
        p_fit=float(chdtrc(df, S)),
        x=adjusted,
        y=a + b * adjusted,
    )


def _round(
    b: float, X: Array, Y: Array, sx: Array, sy: Array, r: Array
) -> tuple[float, float, Array, Array, float]:
    """Return the next slope, with what belongs to the slope given: intercept, weights, β, weighted mean."""
    W = 1 / (sy**2 + b**2 * sx**2 - 2 * b * r * sx * sy)
    x_mean, y_mean = float(np.sum(W * X) / W.sum()), float(np.sum(W * Y) / W.sum())
    U, V = X - x_mean, Y - y_mean
    beta = W * (U * sy**2 + b * V * sx**2 - (b * U + V) * r * sx * sy)
    b = float(np.sum(W * beta * V) / np.sum(W * beta * U))
    return b, y_mean - b * x_mean, W, beta, x_mean


def _checked(*given: ArrayLike) -> tuple[Array, Array, Array, Array, Array]:
    X, Y, sx, sy, r = np.broadcast_arrays(*(np.atleast_1d(np.asarray(a, float)) for a in given))
    if X.ndim != 1 or X.size < 3:
        raise DataError(f"a line with a check of its fit needs at least 3 points; there are {X.size}")
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise DataError("a value is missing or infinite; leave out the points that are not complete")
    bad = ~(np.isfinite(sx) & (sx >= 0) & np.isfinite(sy) & (sy > 0))
    if bad.any():
        i = int(bad.argmax())
        raise DataError(
            f"the errors of {int(bad.sum())} points are not known or not positive (point {i}: {sx[i]:g} "
            f"in x, {sy[i]:g} in y); the method needs the standard error of every y, and of x (0: exact)"
        )
    if not (np.abs(r) < 1).all():
        raise DataError(f"the correlation of errors {r[~(np.abs(r) < 1)][0]:g} is not between -1 and 1")
    if np.ptp(X) <= 1e-12 * np.abs(X).max():
        raise DataError(f"x is constant ({X[0]:g}): no slope can be told")
    return X, Y, sx, sy, r
