r"""Samples of elements whose weights were adjusted, from moments of cells.

Behind a chain of adjustments the influence of element i of a cell is
:math:`w_i(\alpha_k v_{ri} + \beta_{kr})`, with v zero outside the row (see
:mod:`qstats.stats.chain`). So every cell of the sample moves every row, and the moments of the
vector (wy, wx, w) of each cell suffice, as in :mod:`qstats.stats.elements`:

.. math:: S = \sum (wy, wx, w)(wy, wx, w)' - \tfrac1n (\cdot)(\cdot)' = LL', \qquad
          g_r = \Big(\frac{\alpha}{X_r},\; -\frac{\alpha\theta_r}{X_r},\; \beta_r\Big)

References
----------
Those of :mod:`qstats.stats.elements` and :mod:`qstats.stats.chain`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

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


def errors(
    gradient: Array,
    moments: Vector,
    sample: sampling.Sample,
    *,
    singleton: sampling.Singleton = "fail",
    singleton_domain: bool = False,
) -> sampling.Errors:
    r"""Return the errors of estimates with these gradients.

    A cell has the influence :math:`g_r'(\sum wy, \sum wx, \sum w)/n` an element, and the columns
    :math:`g_r'L` of scatter.

    Parameters
    ----------
    gradient : ndarray, shape (R, N, 3)
        By (wy, wx, w) of the elements of each cell; zero where a cell does not concern a row.
    moments : Vector
    sample : Sample
        The N cells, with ``count``.
    singleton, singleton_domain
        As for :func:`qstats.stats.sampling.linearised`.

    Returns
    -------
    Errors
        Of the R estimates.

    Raises
    ------
    StratumError
        As for :func:`qstats.stats.sampling.linearised`.

    Examples
    --------
    Four elements of weight 5 with y = 1, 0, 1, 1, in one cell that nothing adjusted: p = 0.75 has the
    variance p (1 − p) / (n − 1).

    >>> first = np.zeros(1, int)
    >>> g = gradients(
    ...     np.ones(1),
    ...     np.zeros((1, 1)),
    ...     np.array([0.75]),
    ...     np.array([20.0]),
    ...     row=first,
    ...     cell=first,
    ...     category=first,
    ... )
    >>> squares = np.array([[[75.0, 75.0, 75.0], [75.0, 100.0, 100.0], [75.0, 100.0, 100.0]]])
    >>> sample = sampling.Sample(first, np.array([np.inf]), count=np.array([4.0]))
    >>> found = errors(g, Vector(np.array([[15.0, 20.0, 20.0]]), squares), sample)
    >>> sampling.variance(found).round(12).tolist()
    [0.0625]
    """
    n = np.asarray(sample.count, float)
    mean = np.einsum("rnk,nk->rn", gradient, moments.sums) / n
    scattered = moments.squares - moments.sums[:, :, None] * moments.sums[:, None, :] / n[:, None, None]
    root = _root(scattered, np.diagonal(moments.squares, axis1=1, axis2=2))
    scatter = np.einsum("rnk,nkl->rln", gradient, root).reshape(gradient.shape[0], -1)
    return sampling.linearised(
        csr_array(mean),
        sample,
        singleton=singleton,
        singleton_domain=singleton_domain,
        scatter=csr_array(scatter),
    )


def gradients(
    alpha: Array, beta: Array, theta: Array, X: Array, *, row: Index, cell: Index, category: Index
) -> Array:
    r"""Return the gradients :math:`(\alpha/X_r,\, -\alpha\theta_r/X_r,\, \beta_r)` behind a chain.

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

    Returns
    -------
    ndarray, shape (R, N, 3)
        The first two are 0 where a cell does not enter a row; β is not.

    Examples
    --------
    Two cells of one calibration cell, of which the first enters the row:

    >>> first, both = np.array([0]), np.array([0, 0])
    >>> gradients(
    ...     np.array([2.0]),
    ...     np.array([[0.1]]),
    ...     np.array([0.5]),
    ...     np.array([20.0]),
    ...     row=first,
    ...     cell=first,
    ...     category=both,
    ... ).tolist()
    [[[0.1, -0.05, 0.1], [0.0, 0.0, 0.1]]]
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
