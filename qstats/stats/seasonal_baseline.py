"""What a season leads to expect of rates and values: a level and a few waves, of many series at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


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
    A = np.einsum("st,ti,tj->sij", w, R, R)
    b = np.einsum("st,ti->si", w * np.where(seen, y, 0.0), R)
    whole = np.linalg.matrix_rank(A, hermitian=True) == R.shape[1]
    A = np.where(whole[:, None, None], A, np.eye(R.shape[1]))
    found = np.linalg.solve(A, b[..., None])[..., 0]
    return np.asarray(np.where(whole[:, None], found, np.nan))
