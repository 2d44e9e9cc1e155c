"""What a season leads to expect of rates and values: a level and a few waves, of many series at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: less than this share of a range is rounding
_NOTHING: Final = 1e-6


def waves(y: ArrayLike, weight: ArrayLike, R: ArrayLike, /) -> Array:
    r"""Fit a level and waves to each series by weighted least squares.

    .. math:: \hat\beta_s = \Bigl(\sum_t w_{st}\, r_t r_t'\Bigr)^{-1} \sum_t w_{st}\, r_t\, y_{st}

    With :math:`r_t = 1` alone and denominators as weights it is the pooled rate :math:`\sum x / \sum n`.

    Parameters
    ----------
    y : array_like, shape (series, T)
        Rates or values; what has no weight is not looked at.
    weight : array_like, shape (series, T)
        Denominators of rates, 1 of values; 0 or NaN of missing points.
    R : array_like, shape (T, k)
        A constant and the waves: :func:`qstats.stats.count_regression.seasonal_regressors`.

    Returns
    -------
    ndarray, shape (series, k)
        NaN where the points there are do not tell all waves.

    Examples
    --------
    >>> waves([[0.1, 0.3]], [[100, 300]], [[1.0], [1.0]]).round(6).tolist()
    [[0.25]]
    """
    y, w, R = (np.asarray(a, float) for a in (y, weight, R))
    seen = (w > 0) & ~np.isnan(y)
    w = np.where(seen, w, 0.0)
    A, whole = _normal_equations(w, R)
    b = np.einsum("st,ti->si", w * np.where(seen, y, 0.0), R)
    found = np.linalg.solve(A, b[..., None])[..., 0]
    return np.asarray(np.where(whole[:, None], found, np.nan))


def range_left(weight: ArrayLike, R: ArrayLike, /) -> Array:
    r"""Return the share of the mean moving range that a fit of waves leaves, of independent values.

    The residuals :math:`z_t = \sqrt{w_t}(y_t - r_t'\hat\beta)` of values of variance :math:`1/w_t` have

    .. math:: \operatorname{var}(z_{t+1} - z_t) = 2 - g_t'\Bigl(\sum_u w_u r_u r_u'\Bigr)^{-1} g_t, \qquad
              g_t = \sqrt{w_{t+1}}\,r_{t+1} - \sqrt{w_t}\,r_t

    where it is 2 without a fit; the share is the mean of :math:`\sqrt{\operatorname{var}/2}` over the pairs
    of neighbours. Slow waves take little from the differences of neighbours, fast ones much.

    Parameters
    ----------
    weight : array_like, shape (series, T)
        As in :func:`waves`; 0 or NaN of missing points.
    R : array_like, shape (T, k)

    Returns
    -------
    ndarray, shape (series,)
        NaN without a pair, and where the points there are do not tell all waves or are all used up by them.

    Examples
    --------
    >>> range_left([[1, 1, 1]], [[1.0], [1.0], [1.0]]).tolist()
    [1.0]
    """
    w, R = np.asarray(weight, float), np.asarray(R, float)
    w = np.where(w > 0, w, 0.0)
    A, whole = _normal_equations(w, R)
    u = np.sqrt(w)[..., None] * R
    g = u[:, 1:] - u[:, :-1]
    taken = np.einsum("sti,sij,stj->st", g, np.linalg.inv(A), g)
    pair = (w[:, 1:] > 0) & (w[:, :-1] > 0) & whole[:, None]
    left = np.where(pair, np.sqrt(np.maximum(1 - taken / 2, 0.0)), 0.0).sum(1)
    count = pair.sum(1)
    some = (count > 0) & (left > _NOTHING * count)
    return np.asarray(np.divide(left, count, out=np.full(len(w), np.nan), where=some))


def _normal_equations(w: Array, R: Array) -> tuple[Array, NDArray[np.bool_]]:
    r"""Return :math:`\sum_t w_{st} r_t r_t'` and where it has an inverse; the identity where it has none."""
    A = np.einsum("st,ti,tj->sij", w, R, R)
    whole = np.asarray(np.linalg.matrix_rank(A, hermitian=True) == R.shape[1])
    return np.where(whole[:, None, None], A, np.eye(R.shape[1])), whole
