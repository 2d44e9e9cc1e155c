r"""The regression estimator with continuous auxiliaries, from sums and products of cells.

With auxiliaries :math:`c_i` of each element, known totals T and the linear distance,

.. math:: g_i = 1 + \lambda' c_i, \qquad \lambda = \Big(\sum w c c'\Big)^{+}\Big(T - \sum w c\Big)

so :math:`\sum w g v = \sum w v + \lambda' \sum w c v`: the products of a cell suffice, and no element is
looked at again. Other distances, whose factor is not linear in c, need the elements.

The influence of a unit on a ratio is the g-weighted residual of its linearised variable,

.. math:: z_{ru} = \sum_{i \in u} w_i g_i\,(v_{ri} - c_i' B_r), \qquad
          B_r = \Big(\sum w c c'\Big)^{+} \sum w c v_r

References
----------
Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, sections 6.4–6.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats.calibrate import Array, Index, named, solve


class Auxiliaries(NamedTuple):
    """Auxiliaries of N cells: p that are constant in a cell (categories), q that vary in it.

    Attributes
    ----------
    A : csr_array, shape (N, p)
        Values of the constant ones.
    w : ndarray, shape (N,)
        Σw.
    c : ndarray, shape (N, q)
        Σwc of the others.
    cc : ndarray, shape (N, q, q)
        Σwcc'.
    """

    A: csr_array
    w: Array
    c: Array
    cc: Array


class Variable(NamedTuple):
    """Sums of a variable over N cells: Σwv, shape (N,), and Σwvc, shape (N, q)."""

    v: Array
    vc: Array


class Regression(NamedTuple):
    r"""The fitted calibration: λ, and the pieces that estimates and influences are made of.

    Attributes
    ----------
    base : ndarray, shape (N,)
        :math:`1 + \lambda_A' a`, the part of g that is constant in a cell.
    slope : ndarray, shape (q,)
        λ of the varying auxiliaries.
    M : ndarray, shape (p + q, p + q)
        :math:`\sum w c c'` of all.
    """

    base: Array
    slope: Array
    M: Array


def regression(aux: Auxiliaries, totals: Array, *, names: Sequence[str] = ()) -> Regression:
    """Return the calibration of the cells to the totals of all p + q auxiliaries.

    Parameters
    ----------
    aux : Auxiliaries
    totals : ndarray, shape (p + q,)
    names : sequence of str, optional
        What to call the auxiliaries in messages.

    Returns
    -------
    Regression

    Raises
    ------
    DesignError
        The totals contradict each other, or an auxiliary is zero throughout the sample.

    Examples
    --------
    Two sampled elements of weight 1 stand for a population of 6:

    >>> ones = Auxiliaries(csr_array(np.ones((2, 1))), np.ones(2), np.empty((2, 0)), np.empty((2, 0, 0)))
    >>> regression(ones, np.array([6.0])).base.round(12).tolist()
    [3.0, 3.0]
    """
    p = aux.A.shape[1]
    held = np.concatenate([aux.A.T @ aux.w, aux.c.sum(axis=0)])
    cross = np.asarray(aux.A.T @ aux.c)
    own = np.asarray((aux.A.T @ aux.A.multiply(aux.w[:, None])).toarray())
    M = np.block([[own, cross], [cross.T, aux.cc.sum(axis=0)]])
    for j in np.flatnonzero((np.diag(M) == 0) & (totals != held)):
        raise DesignError(f"{named(names, j)} is zero in the whole sample, but its total is {totals[j]:g}")
    multipliers = solve(M, totals - held)
    miss = M @ multipliers - (totals - held)
    size = np.abs(totals) + np.sqrt(np.diag(M) * max(aux.w.sum(), 1.0))
    if np.any(np.abs(miss) > 1e-9 * np.where(size > 0, size, 1.0)):
        worst = int(np.argmax(np.abs(miss) / np.where(size > 0, size, 1.0)))
        raise DesignError(
            f"the totals contradict each other: {named(names, worst)} with the total "
            f"{totals[worst]:.10g} is off by {miss[worst]:.6g}"
        )
    return Regression(1.0 + aux.A @ multipliers[:p], multipliers[p:], M)


def calibrated(fit: Regression, variable: Variable) -> Array:
    r"""Return :math:`\sum w g v` of each cell, shape (N,).

    Parameters
    ----------
    fit : Regression
    variable : Variable
        Over the N cells of the fit.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    Areas 1 and 3 are to add up to 5; g = 1.1 and 1.3:

    >>> c = np.array([[1.0], [3.0]])
    >>> area = Auxiliaries(csr_array((2, 0)), np.ones(2), c, c[:, :, None] ** 2)
    >>> fit = regression(area, np.array([5.0]))
    >>> calibrated(fit, Variable(area.c[:, 0], area.cc[:, :, 0])).round(12).tolist()
    [1.1, 3.9]
    """
    return np.asarray(fit.base * variable.v + variable.vc @ fit.slope, float)


def influence(
    aux: Auxiliaries,
    fit: Regression,
    v: Variable,
    *,
    row: Index,
    cell: Index,
    rows: int,
    unit: Index,
    units: int,
) -> csr_array:
    """Return the influence of each unit on each row, shape (R, U).

    Parameters
    ----------
    aux, fit
        Of all N cells of the sample.
    v : Variable
        The linearised variable of each of E entries, (y − θx)/X of its row.
    row, cell : ndarray of int, shape (E,)
        Row and cell of an entry.
    rows, units : int
        R and U.
    unit : ndarray of int, shape (N,)
        Sampled unit of each cell.

    Returns
    -------
    csr_array, shape (R, U)

    Examples
    --------
    Of the total of 1 and 3, calibrated to their number, it is w g (v − v̄):

    >>> ones = Auxiliaries(csr_array(np.ones((2, 1))), np.ones(2), np.empty((2, 0)), np.empty((2, 0, 0)))
    >>> fit, v = regression(ones, np.array([6.0])), Variable(np.array([1.0, 3.0]), np.empty((2, 0)))
    >>> at = np.array([0, 1])
    >>> influence(ones, fit, v, row=0 * at, cell=at, rows=1, unit=at, units=2).toarray().round(12).tolist()
    [[-3.0, 3.0]]
    """
    N = aux.w.size
    into_rows = csr_array((np.ones(row.size), (row, np.arange(row.size))), shape=(rows, row.size))
    on_A = np.asarray((into_rows @ (aux.A[cell].multiply(v.v[:, None]))).toarray())
    on_c = np.asarray(into_rows @ v.vc)
    B = solve(fit.M, np.concatenate([on_A, on_c], axis=1).T)
    weight = fit.base * aux.w + aux.c @ fit.slope
    varying = fit.base[:, None] * aux.c + aux.cc @ fit.slope
    into_units = csr_array((np.ones(N), (unit, np.arange(N))), shape=(units, N))
    all_units = np.concatenate(
        [(into_units @ aux.A.multiply(weight[:, None])).toarray(), into_units @ varying], axis=1
    )
    own = fit.base[cell] * v.v + v.vc @ fit.slope
    direct = csr_array((own, (row, unit[cell])), shape=(rows, units))
    return csr_array(direct - csr_array(B.T @ all_units.T))
