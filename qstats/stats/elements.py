r"""Samples of elements without clusters, from counts and moments of cells instead of rows.

A cell is the n elements of one domain in one group of the last stage (a stratum; at two stages a
PSU). Its elements need not be kept: with the vector (wy, wx) of each element, the sums, and the
sums of squares and products, the variance is exact. The cell is a unit of count n that carries the
mean influence, and two columns that carry the scatter around it,

.. math:: S = \begin{pmatrix} \sum (wy)^2 & \sum wy\,wx \\ \cdot & \sum (wx)^2 \end{pmatrix}
              - \frac{1}{n} \begin{pmatrix} Y \\ X \end{pmatrix} (Y, X) = L L',
          \qquad z_r = g_r' L, \quad g_r = (1, -\theta_r) / X_r

with the gradient g of the estimate r: of the ratio of all its cells, so a cell that enters a domain and
its margins has other columns in each. Estimates of the same y and x covary exactly; those of
different variables do not, for their cross-products are not among the moments.

References
----------
Cochran (1977), Sampling Techniques, 3rd ed., sections 5A.13–5A.14 (domains) and 6.11 (ratios).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats import sampling
from qstats.stats.covariance import Array, Errors, Index

#: a difference below this share of its terms is their rounding
_ROUNDING = 1e-14


class Moments(NamedTuple):
    """Sums over the elements of each entry: the two variables, their squares and their product.

    Attributes
    ----------
    y, x : array_like, shape (E,)
        Σwy and Σwx.
    yy, yx, xx : array_like, shape (E,)
        Σ(wy)², Σ(wy)(wx) and Σ(wx)²: squares of the weighted values.
    """

    y: ArrayLike
    x: ArrayLike
    yy: ArrayLike
    yx: ArrayLike
    xx: ArrayLike


def ratio(
    moments: Moments,
    *,
    row: ArrayLike,
    unit: ArrayLike,
    rows: int,
    sample: sampling.Sample,
    singleton: sampling.Singleton = "fail",
    singleton_domain: bool = False,
) -> tuple[Array, Errors]:
    r"""Return ratios :math:`\hat Y_r / \hat X_r` with their linearised errors.

    Parameters
    ----------
    moments : Moments
        Of each entry. An entry is a whole unit within a row; a unit in several rows has several.
    row, unit : array_like of int, shape (E,)
        Result row and unit of an entry.
    rows : int
        R.
    sample : Sample
        Units are cells, ``count`` the elements of each; cells outside every row belong to it too.
    singleton, singleton_domain
        As for :func:`qstats.stats.sampling.linearised`.

    Returns
    -------
    estimate : ndarray, shape (R,)
    errors : Errors
        What one unit an element would give.

    Raises
    ------
    DesignError
        `sample` has no count, or a unit occurs twice in a row.
    StratumError
        As for :func:`qstats.stats.sampling.linearised`.

    Examples
    --------
    Four elements of weight 5 with y = 1, 0, 1, 1, in one cell: p = 0.75, (1 − p) p / (n − 1).

    >>> sample = sampling.Sample(np.zeros(1, int), np.array([np.inf]), count=np.array([4.0]))
    >>> cell = Moments(y=[15.0], x=[20.0], yy=[75.0], yx=[75.0], xx=[100.0])
    >>> estimate, errors = ratio(cell, row=[0], unit=[0], rows=1, sample=sample)
    >>> estimate.tolist(), sampling.variance(errors).round(12).tolist()
    ([0.75], [0.0625])
    """
    y, x = np.asarray(moments.y, float), np.asarray(moments.x, float)
    r, u, n = _placed(row, unit, sample)
    theta, Z = sampling.influence(y, x, row=r, unit=u, rows=rows, units=n.size)
    X = np.bincount(r, x, minlength=rows)
    over = np.divide(1.0, X, out=np.full(rows, np.nan), where=X != 0)[r]
    root = _cholesky(moments, n[u])
    first = over * (root[0] - theta[r] * root[1])
    second = -over * theta[r] * root[2]
    scatter = _columns((first, second), r, u, rows, n.size)
    errors = sampling.linearised(
        _per_element(Z, n), sample, singleton=singleton, singleton_domain=singleton_domain, scatter=scatter
    )
    return theta, errors


def total(
    y: ArrayLike,
    yy: ArrayLike,
    *,
    row: ArrayLike,
    unit: ArrayLike,
    rows: int,
    sample: sampling.Sample,
    singleton: sampling.Singleton = "fail",
    singleton_domain: bool = False,
) -> tuple[Array, Errors]:
    r"""Return totals :math:`\hat Y_r` with their errors.

    Parameters
    ----------
    y, yy : array_like, shape (E,)
        Σwy and Σ(wy)² of each entry.
    row, unit, rows, sample, singleton, singleton_domain
        As for :func:`ratio`.

    Returns
    -------
    estimate : ndarray, shape (R,)
    errors : Errors

    Raises
    ------
    DesignError, StratumError
        As for :func:`ratio`.

    Examples
    --------
    The four elements of :func:`ratio`: 20² times the variance of the mean.

    >>> sample = sampling.Sample(np.zeros(1, int), np.array([np.inf]), count=np.array([4.0]))
    >>> estimate, errors = total([15.0], [75.0], row=[0], unit=[0], rows=1, sample=sample)
    >>> estimate.tolist(), sampling.variance(errors).round(12).tolist()
    ([15.0], [25.0])
    """
    sums, squares = np.asarray(y, float), np.asarray(yy, float)
    r, u, n = _placed(row, unit, sample)
    Y, Z = sampling.total_influence(sums, row=r, unit=u, rows=rows, units=n.size)
    scatter = _columns((_root(squares - sums**2 / n[u], squares),), r, u, rows, n.size)
    errors = sampling.linearised(
        _per_element(Z, n), sample, singleton=singleton, singleton_domain=singleton_domain, scatter=scatter
    )
    return Y, errors


def _placed(row: ArrayLike, unit: ArrayLike, sample: sampling.Sample) -> tuple[Index, Index, Array]:
    r, u = np.asarray(row, np.intp), np.asarray(unit, np.intp)
    if sample.count is None:
        raise DesignError("the sample says not how many elements its units stand for; give count")
    n = np.asarray(sample.count, float)
    pairs = np.unique(r * n.size + u).size
    if pairs < r.size:
        raise DesignError(f"{r.size - pairs} entries repeat a unit within a row: add their moments up first")
    return r, u, n


def _cholesky(moments: Moments, n: Array) -> tuple[Array, Array, Array]:
    """Return the entries 11, 21 and 22 of the lower root of each scatter matrix."""
    y, x, yy, yx, xx = (np.asarray(sums, float) for sums in moments)
    first = _root(yy - y**2 / n, yy)
    product = yx - y * x / n
    lower = np.divide(product, first, out=np.zeros(product.shape), where=first > 0)
    return first, lower, _root(xx - x**2 / n - lower**2, xx)


def _root(square: Array, size: Array) -> Array:
    """Return the root of a sum of squares that is a difference of numbers as large as `size`.

    What is left of a difference of equals is rounding, and zero is meant.
    """
    return np.asarray(np.sqrt(np.where(square > _ROUNDING * size, square, 0.0)), float)


def _columns(columns: tuple[Array, ...], row: Index, unit: Index, rows: int, units: int) -> csr_array:
    value = np.concatenate(columns)
    shifted = np.concatenate([unit + k * units for k in range(len(columns))])
    place = np.tile(row, len(columns)), shifted
    return csr_array((value, place), shape=(rows, len(columns) * units))


def _per_element(Z: csr_array, n: Array) -> csr_array:
    mean = Z.copy()
    mean.data = mean.data / n[mean.indices]
    return mean
