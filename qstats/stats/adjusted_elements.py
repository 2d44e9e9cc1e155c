r"""Samples of elements whose weights were adjusted, from moments of cells.

Behind a chain of adjustments the influence of element i of a cell is
:math:`w_i(\alpha_k v_{ri} + \beta_{kr})`, with v zero outside the row (see
:mod:`qstats.stats.chain`). So every cell of the sample moves every row, and the moments of the
vector (wy, wx, w) of each cell suffice, as in :mod:`qstats.stats.elements`:

.. math:: S = \sum (wy, wx, w)(wy, wx, w)' - \tfrac1n (\cdot)(\cdot)' = LL', \qquad
          g_r = \Big(\frac{\alpha}{X_r},\; -\frac{\alpha\theta_r}{X_r},\; \beta_r\Big)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from qstats.stats import sampling
from qstats.stats.calibrate import Array, Index


class Vector(NamedTuple):
    """Moments of (wy, wx, w) over the elements of N cells.

    Attributes
    ----------
    sums : ndarray, shape (N, 3)
    squares : ndarray, shape (N, 3, 3)
        Sums of squares and products of the weighted values.
    """

    sums: Array
    squares: Array


def errors(gradient: Array, moments: Vector, sample: sampling.Sample, **policy: Any) -> sampling.Errors:
    """Return the errors of estimates with these gradients.

    Parameters
    ----------
    gradient : ndarray, shape (R, N, 3)
        By (wy, wx, w) of the elements of each cell; zero where a cell does not concern a row.
    moments : Vector
    sample : Sample
        The N cells, with ``count``.
    **policy
        ``singleton`` and ``singleton_domain`` of :func:`qstats.stats.sampling.linearised`.

    Returns
    -------
    Errors
    """
    n = np.asarray(sample.count, float)
    mean = np.einsum("rnk,nk->rn", gradient, moments.sums) / n
    root = _root(moments.squares - moments.sums[:, :, None] * moments.sums[:, None, :] / n[:, None, None])
    scatter = np.einsum("rnk,nkl->rln", gradient, root).reshape(gradient.shape[0], -1)
    return sampling.linearised(csr_array(mean), sample, scatter=csr_array(scatter), **policy)


def gradients(
    alpha: Array, beta: Array, theta: Array, X: Array, *, row: Index, cell: Index, category: Index
) -> Array:
    """Return the gradients (R, N, 3) behind a chain.

    Parameters
    ----------
    alpha : ndarray, shape (K,)
    beta : ndarray, shape (K, R)
        Effect of the chain; see :class:`qstats.stats.chain.Effect`.
    theta, X : ndarray, shape (R,)
        Estimate and denominator of each row (0 and 1 for totals).
    row, cell : ndarray of int, shape (E,)
        Which cell enters which row.
    category : ndarray of int, shape (N,)
        Calibration cell of each cell.
    """
    found = np.zeros((theta.size, category.size, 3))
    found[:, :, 2] = beta[category].T
    a = alpha[category[cell]] / X[row]
    found[row, cell, 0] = a
    found[row, cell, 1] = -a * theta[row]
    return found


def _root(S: Array) -> Array:
    """Return L with LL' = S for each matrix of a stack; S is positive semidefinite but for rounding."""
    values, vectors = np.linalg.eigh(S)
    values = np.where(values > 1e-14 * np.trace(S, axis1=1, axis2=2)[:, None], values, 0.0)
    return np.asarray(vectors * np.sqrt(values)[:, None, :], float)
