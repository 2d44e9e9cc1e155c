"""The median of all pairwise slopes of many series, without sorting all slopes.

The number of slopes below b falls out of Kendall's S of :math:`y - b x`, which is cheap to count. Two
such counts and an interpolation give a bracket that holds a few per cent of the slopes; one exact pass
counts those below it and picks those inside, among which the median is found by rank. A bracket that
missed is noticed by its counts, and that series is done by partition of all its slopes.

References
----------
Sen (1968), JASA 63, 1379–1389.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: values at a time: 0.7 MB, which stays in the cache
_CELLS = 90_000
#: with fewer values all slopes are looked at
_SHORT = 20
#: half-width of the bracket, as a share of all slopes
_REACH = 0.015


def median_slope(Y: Array, x: Array) -> Array:
    r"""Return :math:`\operatorname{med}_{i<j} (y_j - y_i)/(x_j - x_i)` of each row of Y.

    Parameters
    ----------
    Y : ndarray, shape (series, n)
    x : ndarray, shape (n,)
        Rising.

    Returns
    -------
    ndarray, shape (series,)
        Exactly what sorting all slopes gives.

    Examples
    --------
    The slopes of 1, 2, 9 are 1, 4 and 7:

    >>> median_slope(np.array([[1.0, 2.0, 9.0], [3.0, 2.0, 1.0]]), np.arange(3.0)).tolist()
    [4.0, -1.0]
    """
    found, n = np.empty(len(Y)), Y.shape[1]
    if n < _SHORT:
        i, j = np.triu_indices(n, 1)
        return np.asarray(np.median((Y[:, j] - Y[:, i]) / (x[j] - x[i]), axis=1), float)
    width = max(64, _CELLS // n)
    for start in range(0, len(Y), width):
        T = np.ascontiguousarray(Y[start : start + width].T)
        found[start : start + T.shape[1]] = _block(T, x)
    return found


def all_slopes(y: Array, x: Array) -> Array:
    """Return the n(n − 1)/2 slopes :math:`(y_j - y_i)/(x_j - x_i)`, i < j, of one series.

    Parameters
    ----------
    y, x : ndarray, shape (n,)
        x rising.

    Returns
    -------
    ndarray, shape (n(n − 1)/2,)

    Examples
    --------
    >>> all_slopes(np.array([1.0, 2.0, 9.0]), np.arange(3.0)).tolist()
    [1.0, 4.0, 7.0]
    """
    i, j = np.triu_indices(y.size, 1)
    return np.asarray((y[j] - y[i]) / (x[j] - x[i]))


def _block(T: Array, x: Array) -> Array:
    n, m = T.shape
    N = n * (n - 1) // 2
    low_rank, high_rank = (N - 1) // 2, N // 2
    low, high = _bracket(T, x, N)
    below, column, value = _inside(T, x, low, high)
    order = np.argsort(column.astype(np.int16), kind="stable")  # a radix sort
    column, value = column[order], value[order]
    count = np.bincount(column, minlength=m)
    inside = np.full((m, max(1, int(count.max(initial=0)))), np.inf)
    inside[column, np.arange(column.size) - np.repeat(np.cumsum(count) - count, count)] = value
    inside.sort(axis=1)
    ok = (below <= low_rank) & (below + count > high_rank)
    at, series = np.where(ok, low_rank - below, 0), np.arange(m)
    found = (inside[series, at] + inside[series, at + np.where(ok, high_rank - low_rank, 0)]) / 2
    for k in np.flatnonzero(~ok):
        found[k] = np.partition(all_slopes(T[:, k], x), (low_rank, high_rank))[[low_rank, high_rank]].mean()
    return np.asarray(found)


def _bracket(T: Array, x: Array, N: int) -> tuple[Array, Array]:
    """Return limits that most probably hold the median and about 2 `_REACH` of the slopes."""
    half = len(T) // 2
    sample = np.sort((T[half:] - T[:-half]) / (x[half:] - x[:-half])[:, None], axis=0)
    k, reach = len(sample), int(np.ceil(1.2 * np.sqrt(len(sample))))
    b = [sample[max(0, k // 2 - reach)], sample[min(k - 1, k // 2 + reach)]]
    F = [_share_below(T, x, part, N) for part in b]
    b.append(_interpolated(0.5, F[0], F[1], b[0], b[1]))
    F.append(_share_below(T, x, b[2], N))
    left = F[2] >= 0.5  # the median lies left of the middle point
    near, far = np.where(left, b[0], b[2]), np.where(left, b[2], b[1])
    F_near, F_far = np.where(left, F[0], F[2]), np.where(left, F[2], F[1])
    low = _interpolated(0.5 - _REACH, F_near, F_far, near, far)
    high = _interpolated(0.5 + _REACH, F_near, F_far, near, far)
    return low, high


def _interpolated(target: float, Fa: Array, Fb: Array, a: Array, b: Array) -> Array:
    step = np.divide(target - Fa, Fb - Fa, out=np.full(a.shape, 0.5), where=Fb > Fa)
    return np.asarray(a + step * (b - a))


def _share_below(T: Array, x: Array, b: Array, N: int) -> Array:
    R = T - b * x[:, None]
    total = np.zeros(T.shape[1], np.int32)
    for lag in range(1, len(T)):
        total += (R[lag:] < R[:-lag]).view(np.int8).sum(axis=0, dtype=np.int32)
    return np.asarray(total / N)


def _inside(T: Array, x: Array, low: Array, high: Array) -> tuple[NDArray[np.int64], NDArray[np.intp], Array]:
    below = np.zeros(T.shape[1], np.int64)
    columns, values = [], []
    for lag in range(1, len(T)):
        slopes = T[lag:] - T[:-lag]
        slopes /= (x[lag:] - x[:-lag])[:, None]
        under = slopes < low
        below += under.view(np.int8).sum(axis=0, dtype=np.int32)
        inside = (slopes <= high) ^ under if (low <= high).all() else (slopes >= low) & (slopes <= high)
        flat = np.flatnonzero(inside)
        columns.append(flat % T.shape[1])
        values.append(slopes.ravel()[flat])
    return below, np.concatenate(columns), np.concatenate(values)
