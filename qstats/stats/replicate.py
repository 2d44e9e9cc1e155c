r"""Replication: the error of an estimate from estimating it again under other weights.

.. math:: v(\hat\theta) = a \sum_{b=1}^{B} r_b\,(\hat\theta_b - \bar\theta)^2

with scale a, rscales r, and :math:`\bar\theta` the estimate of the full sample (``mse``) or the mean of the
replicates. A replicate is a factor on the sampling weight of each unit, the same for all its
elements, so the replicates of a sum are one product of the sums by unit with the factors.

References
----------
Wolter (2007), Introduction to Variance Estimation, 2nd ed., chapters 3 and 4.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from qstats.errors import DesignError, one_of
from qstats.stats.covariance import Errors, Level
from qstats.stats.resample import (
    BLOCK,
    Array,
    Index,
    Replicates,
    blocks,
    bootstrap,
    brr,
    degrees_of_freedom,
    jk1,
    jkn,
)

__all__ = [
    "Adjusted",
    "Replicated",
    "Replicates",
    "bootstrap",
    "brr",
    "degrees_of_freedom",
    "errors",
    "given_ratio",
    "given_total",
    "jk1",
    "jkn",
    "ratio",
    "total",
]

Empty = Literal["fail", "nan"]


class Adjusted(NamedTuple):
    """Factors of an adjustment made again in every replicate.

    Attributes
    ----------
    g : ndarray, shape (K,)
        Of each calibration cell in the full sample.
    G : ndarray, shape (K, B)
        In the replicates.
    """

    g: Array
    G: Array


class Replicated(NamedTuple):
    """Estimates and their replicates.

    Attributes
    ----------
    estimate : ndarray, shape (R,)
        Of the full sample.
    values : ndarray, shape (R, B)
        Of each replicate.
    empty : ndarray of int, shape (R,)
        Replicates in which the row, estimable in the full sample, has no weight; `values` has NaN there.
    """

    estimate: Array
    values: Array
    empty: Index


def ratio(
    y: ArrayLike,
    x: ArrayLike,
    *,
    row: Index,
    unit: Index,
    rows: int,
    replicates: Replicates,
    cell: Index | None = None,
    adjusted: Adjusted | None = None,
    empty: Empty = "fail",
) -> Replicated:
    r"""Return ratios Y/X and their replicates; a mean is a ratio over the weight.

    .. math:: \hat\theta_{rb} = \frac{\sum_{u} f_{ub}\,y_{ru}}{\sum_{u} f_{ub}\,x_{ru}}

    Parameters
    ----------
    y, x : array_like, shape (E,)
        Sums Σwy and Σwx of the elements in an entry.
    row, unit : ndarray of int, shape (E,)
        Result row and sampled unit of an entry.
    rows : int
        R.
    replicates : Replicates
    cell : ndarray of int, shape (E,), optional
        Calibration cell of an entry, with `adjusted`.
    adjusted : Adjusted, optional
        Factors of the cells, from :func:`qstats.stats.chain.replicated`.
    empty : {"fail", "nan"}
        What becomes of a replicate in which a row that can be estimated has no weight: an error,
        or NaN in that replicate and so in the row's standard error. None is left out.

    Returns
    -------
    Replicated
        Rows with X = 0 in the full sample are NaN.

    Raises
    ------
    OptionError
        An `empty` that does not exist.
    DesignError
        A row has no weight in some replicate and `empty` is "fail"; only one of `cell` and `adjusted`.

    Examples
    --------
    The mean of 1, 2 and 6, without each in turn:

    >>> from qstats.stats.sampling import Sample
    >>> three, at = jk1(Sample(np.array([0, 0, 0]), np.array([np.inf]))), np.array([0, 0, 0])
    >>> found = ratio([1, 2, 6], [1, 1, 1], row=at, unit=np.arange(3), rows=1, replicates=three)
    >>> found.estimate.tolist(), found.values.tolist()
    ([3.0], [[4.0, 3.5, 1.5]])
    """
    one_of("empty", empty, ("fail", "nan"))
    Y, X = (_sums(a, row, unit, rows, replicates, cell, adjusted) for a in (y, x))
    return _ratios(Y, X, empty)


def total(
    y: ArrayLike,
    *,
    row: Index,
    unit: Index,
    rows: int,
    replicates: Replicates,
    cell: Index | None = None,
    adjusted: Adjusted | None = None,
) -> Replicated:
    r"""Return totals and their replicates.

    .. math:: \hat Y_{rb} = \sum_u f_{ub}\,y_{ru}

    Parameters
    ----------
    y : array_like, shape (E,)
        Sums Σwy of the elements in an entry.
    row, unit, rows, replicates, cell, adjusted
        As for :func:`ratio`.

    Returns
    -------
    Replicated
        A replicate without weight has the total 0, which is its estimate; a row without an entry has NaN
        replicates.

    Raises
    ------
    DesignError
        Only one of `cell` and `adjusted`.

    Examples
    --------
    >>> from qstats.stats.sampling import Sample
    >>> three, at = jk1(Sample(np.array([0, 0, 0]), np.array([np.inf]))), np.array([0, 0, 0])
    >>> total([1, 2, 6], row=at, unit=np.arange(3), rows=1, replicates=three).values.tolist()
    [[12.0, 10.5, 4.5]]
    """
    estimate, values = _sums(y, row, unit, rows, replicates, cell, adjusted)
    values[np.bincount(row, minlength=rows) == 0] = np.nan
    return Replicated(estimate, values, np.zeros(rows, np.intp))


def given_ratio(
    y: ArrayLike, x: ArrayLike, Y: Array, X: Array, *, row: Index, rows: int, empty: Empty = "fail"
) -> Replicated:
    r"""Return ratios and their replicates from sums under given replicate weights.

    .. math:: \hat\theta_{rb} = \sum_{e \in r} Y_{eb} \Big/ \sum_{e \in r} X_{eb}

    Parameters
    ----------
    y, x : array_like, shape (E,)
        Sums Σwy and Σwx under the weight of the full sample.
    Y, X : ndarray, shape (E, B)
        The same sums under each replicate weight.
    row, rows, empty
        As for :func:`ratio`.

    Returns
    -------
    Replicated

    Raises
    ------
    OptionError
        An `empty` that does not exist.
    DesignError
        A row has no weight in some replicate and `empty` is "fail".

    Examples
    --------
    Two half-samples of the entries 4/2 and 2/2:

    >>> Y, X = np.array([[0.0, 8.0], [4.0, 0.0]]), np.array([[0.0, 4.0], [4.0, 0.0]])
    >>> found = given_ratio([4, 2], [2, 2], Y, X, row=np.array([0, 0]), rows=1)
    >>> found.estimate.tolist(), found.values.tolist()
    ([1.5], [[1.0, 2.0]])
    """
    one_of("empty", empty, ("fail", "nan"))
    return _ratios(_given(y, Y, row, rows), _given(x, X, row, rows), empty)


def given_total(y: ArrayLike, Y: Array, *, row: Index, rows: int) -> Replicated:
    r"""Return totals and their replicates from sums under given replicate weights.

    .. math:: \hat Y_{rb} = \sum_{e \in r} Y_{eb}

    Parameters
    ----------
    y : array_like, shape (E,)
        Sums Σwy under the weight of the full sample.
    Y : ndarray, shape (E, B)
        The same sums under each replicate weight.
    row, rows
        As for :func:`ratio`.

    Returns
    -------
    Replicated
        A row without an entry has NaN replicates.

    Examples
    --------
    >>> found = given_total([4, 2], np.array([[0.0, 8.0], [4.0, 0.0]]), row=np.array([0, 0]), rows=1)
    >>> found.estimate.tolist(), found.values.tolist()
    ([6.0], [[4.0, 8.0]])
    """
    estimate, values = _given(y, Y, row, rows)
    values[np.bincount(row, minlength=rows) == 0] = np.nan
    return Replicated(estimate, values, np.zeros(rows, np.intp))


def errors(values: Array, estimate: Array, *, scale: float, rscales: ArrayLike, mse: bool) -> Errors:
    r"""Return the errors of replicated estimates, all covariances with them.

    .. math:: z_{rb} = \sqrt{a\,r_b}\,(\hat\theta_{rb} - \bar\theta_r), \qquad \operatorname{cov} = Z Z'

    Parameters
    ----------
    values : ndarray, shape (R, B)
        :attr:`Replicated.values`.
    estimate : ndarray, shape (R,)
    scale, rscales, mse
        Of the replicates. The mean is taken over replicates with r > 0; where none has, as in a
        census, the variance is zero.

    Returns
    -------
    Errors
        One level with the replicates as units; NaN for a row with a NaN replicate of r > 0.

    Raises
    ------
    DesignError
        Scales that are negative, not numbers, or not one a replicate.

    Examples
    --------
    The jackknife of the mean of 1, 2 and 6 is s²/3:

    >>> from qstats.stats.covariance import variance
    >>> values, ones = np.array([[4.0, 3.5, 1.5]]), [1.0, 1.0, 1.0]
    >>> found = errors(values, np.array([3.0]), scale=2 / 3, rscales=ones, mse=True)
    >>> variance(found).round(4).tolist(), round(float(np.var([1, 2, 6], ddof=1)) / 3, 4)
    ([2.3333], 2.3333)
    """
    r = np.asarray(rscales, float)
    B = values.shape[1]
    if r.shape != (B,) or not np.isfinite(r).all() or (r < 0).any() or not 0 <= scale < np.inf:
        raise DesignError(
            f"scale={scale!r} and {r.size} rscales do not fit {B} replicates: "
            "one number for each, none negative"
        )
    counts = r > 0
    centre = estimate if mse or not counts.any() else values[:, counts].mean(axis=1)
    Z = np.where(counts, np.sqrt(scale * r) * (values - centre[:, None]), 0.0)
    one = np.ones(B)
    return Errors((Level(csr_array(Z), np.full(B, -1, np.intp), one, one),))


def _sums(
    y: ArrayLike,
    row: Index,
    unit: Index,
    rows: int,
    replicates: Replicates,
    cell: Index | None,
    adjusted: Adjusted | None,
) -> tuple[Array, Array]:
    """Return totals (R,) and their replicates (R, B)."""
    if (cell is None) != (adjusted is None):
        raise DesignError("`cell` and `adjusted` belong together: which factor is whose")
    y = np.asarray(y, float)
    U = replicates.change.shape[0]
    values = np.empty((rows, replicates.rscales.size))
    if cell is None or adjusted is None:
        A = csr_array((y, (row, unit)), shape=(rows, U))
        for start, F in blocks(replicates, U):
            values[:, start : start + F.shape[1]] = A @ F
        return np.asarray(np.bincount(row, y, minlength=rows), float), values
    K = adjusted.g.size
    pair, of_entry = np.unique(np.stack([unit, cell]), axis=1, return_inverse=True)
    A = csr_array((y, (row, of_entry.ravel())), shape=(rows, pair.shape[1]))
    for start, F in blocks(replicates, U):
        width = max(1, BLOCK // max(1, pair.shape[1], K))
        for b in range(0, F.shape[1], width):
            at = slice(start + b, start + min(b + width, F.shape[1]))
            values[:, at] = A @ (F[pair[0], b : b + width] * adjusted.G[pair[1], at])
    return np.asarray(np.bincount(row, adjusted.g[cell] * y, minlength=rows), float), values


def _given(y: ArrayLike, Y: Array, row: Index, rows: int) -> tuple[Array, Array]:
    A = csr_array((np.ones(row.size), (row, np.arange(row.size))), shape=(rows, row.size))
    return np.asarray(np.bincount(row, np.asarray(y, float), minlength=rows), float), A @ Y


def _ratios(y: tuple[Array, Array], x: tuple[Array, Array], empty: Empty) -> Replicated:
    estimate, values = (
        np.divide(a, b, out=np.full(b.shape, np.nan), where=b != 0) for a, b in zip(y, x, strict=True)
    )
    lost = ((x[1] == 0) & (x[0] != 0)[:, None]).sum(axis=1)
    if empty == "fail" and lost.any():
        worst = int(lost.argmax())
        raise DesignError(
            f"{np.count_nonzero(lost)} rows have no weight in some replicates: row {worst} in {lost[worst]} "
            f"of {values.shape[1]}. Join small domains, take Fay's method or linearisation, "
            "or say empty='nan' to have no error there"
        )
    return Replicated(estimate, values, np.asarray(lost, np.intp))
