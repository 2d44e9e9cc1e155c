r"""Samples of elements whose weights were adjusted, from moments of cells.

Behind a chain of adjustments the influence of element i of a cell is
:math:`w_i(\alpha_k v_{ri} + \beta_{kr})`, with v zero outside the row (see
:mod:`qstats.stats.chain`). So every cell of the sample moves every row, and the moments of the
vector (wy, wx, w) of each cell suffice, as in :mod:`qstats.stats.elements`:

.. math:: S = \sum (wy, wx, w)(wy, wx, w)' - \tfrac1n (\cdot)(\cdot)' = LL', \qquad
          g_r = \Big(\frac{\alpha}{X_r},\; -\frac{\alpha\theta_r}{X_r},\; \beta_r\Big)
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from qstats.stats import sampling
from qstats.stats.calibrate import Array, Index

#: a difference below this share of its terms is their rounding
_ROUNDING: Final = 1e-14


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
    scattered = moments.squares - moments.sums[:, :, None] * moments.sums[:, None, :] / n[:, None, None]
    root = _root(scattered, np.diagonal(moments.squares, axis1=1, axis2=2))
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


def _root(S: Array, size: Array) -> Array:
    """Return L with LL' = S for each matrix of a stack, positive semidefinite but for rounding.

    What is left of a difference of equals as large as `size` (N, 3) is rounding, and zero is meant. The
    variables may be of very different magnitudes, so they are first brought to one.
    """
    variance = np.diagonal(S, axis1=1, axis2=2)
    scale = np.sqrt(np.where(variance > _ROUNDING * size, variance, 0.0))
    over = np.divide(1.0, scale, out=np.zeros(scale.shape), where=scale > 0)
    values, vectors = np.linalg.eigh(S * over[:, :, None] * over[:, None, :])
    values = np.where(values > _ROUNDING, values, 0.0)
    return np.asarray(scale[:, :, None] * vectors * np.sqrt(values)[:, None, :], float)
