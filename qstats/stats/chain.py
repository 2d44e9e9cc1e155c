r"""A chain of adjustments of the weights: its factors, and the error of an estimate behind it.

Weights go through steps, :math:`w^0 = d,\; w^l = w^{l-1} g^l`: nonresponse, calibration, trimming, a
calibration again. The influence of a unit on an estimate is differentiated backwards through the
steps. At each one the derivative by the weight, u, is replaced by its residual from the auxiliaries:

.. math:: u^{l-1} = g^l\,(u^l - c'B^l), \qquad B^l = \Big(\sum w^{l-1} c c'\Big)^{+} \sum w^{l-1} c\,u^l

plus :math:`c'B^l` where the totals were not known but estimated by :math:`w^{l-1}`. In one step this
is the variance of the regression estimator with g-weighted residuals. It is the exact derivative for
the linear distance; for raking and logit it is the one of large samples, where all distances are
equal, and too large in small ones with factors far from 1. With the slope of the distance,
:math:`w^{l-1}F'(c'\lambda)` in the place of :math:`w^{l-1}` in :math:`B^l`, it is exact for every distance:
``error="derivative"`` of :func:`qstats.stats.calibrate.calibrate`.

Everything is done on calibration cells, whose elements share all auxiliaries: the influence of an
element with value v is :math:`\alpha_k v + \beta_k` times its sampling weight.

References
----------
Särndal, Swensson and Wretman (1989), The weighted residual technique for estimating the variance of
the general regression estimator, Biometrika 76, 527–537. Deville and Särndal (1992), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats.adjust import Trimming, trim
from qstats.stats.calibrate import Array, Calibrated, Index, solve
from qstats.stats.replicate import Adjusted
from qstats.stats.resample import Replicates, blocks

Step = Callable[[Array], Calibrated] | Trimming
"""Weights of cells to an adjustment, e.g. ``partial(poststratify, category=…, totals=…)``, or a trimming."""


class Effect(NamedTuple):
    r"""Influence of an element of cell k with value v on row r: :math:`\alpha_k v + \beta_{kr}`, times d.

    Attributes
    ----------
    alpha : ndarray, shape (K,)
        The product of all factors.
    beta : ndarray, shape (K, R)
        What the element moves through the multipliers, in whatever row it is.
    """

    alpha: Array
    beta: Array


def adjusted(
    d: ArrayLike, steps: Iterable[Step], *, count: ArrayLike | None = None
) -> tuple[Calibrated, ...]:
    """Take the weights of the cells through the steps.

    Parameters
    ----------
    d : array_like, shape (K,)
        Sampling weight of each cell.
    steps : iterable of callables
        Each takes the weights so far.
    count : array_like, shape (K,), optional
        Elements of each cell, for steps that trim; 1 each by default.

    Returns
    -------
    tuple of Calibrated

    Examples
    --------
    >>> from functools import partial
    >>> from qstats.stats.adjust import Trimming, poststratify
    >>> steps = [partial(poststratify, category=[0, 1, 1], totals=[60.0, 40.0]), Trimming(upper=50.0)]
    >>> factor(adjusted([20.0, 20.0, 20.0], steps)).round(12).tolist()
    [2.5, 1.25, 1.25]
    """
    w, chain = np.array(d, float, ndmin=1), []
    for step in steps:
        done = trim(w, **step._asdict(), count=count) if isinstance(step, Trimming) else step(w)
        chain.append(done)
        w = w * done.g
    return tuple(chain)


def factor(chain: Sequence[Calibrated]) -> Array:
    r"""Return the product of the factors of a chain, :math:`\prod_l g^l_k`.

    Parameters
    ----------
    chain : sequence of Calibrated
        At least one step.

    Returns
    -------
    ndarray, shape (K,)

    Examples
    --------
    >>> from qstats.stats.adjust import nonresponse
    >>> once = nonresponse([10.0, 10.0, 20.0], [True, False, True], [0, 0, 1])
    >>> factor([once, once]).tolist()
    [4.0, 0.0, 1.0]
    """
    return np.asarray(np.prod([step.g for step in chain], axis=0), float)


def effect(V: Array, D: Array, chain: Sequence[Calibrated]) -> Effect:
    r"""Differentiate weighted sums backwards through a chain.

    With :math:`\omega^l_k = \sum_{i \in k} d_i\,\partial\theta/\partial w^l_i`, f = 1 where the weight
    follows the one that came in, and e = 1 where the totals are estimated,

    .. math:: B &= \Big(\sum_k D_k G^{l-1}_k s_k\,c_k c_k'\Big)^{+} \sum_k G^{l-1}_k s_k\,c_k\,\omega^l_k \\
              \beta &\leftarrow \beta - (G^l - e\,G^{l-1})\,C B \\
              \omega^{l-1} &= f g\,\omega^l - (f g - e)\,D\,C B

    Parameters
    ----------
    V : ndarray, shape (K, R)
        :math:`\omega^L`: sums over each cell of the sampling weight times v, for each row.
    D : ndarray, shape (K,)
        Sampling weight of each cell, all rows of the table together.
    chain : sequence of Calibrated

    Returns
    -------
    Effect

    Examples
    --------
    One cell of weight 30 and total 90 that is brought to weight 60, so to 180: an element of value v
    moves the total by 2 (v − 90/30).

    >>> from qstats.stats.adjust import poststratify
    >>> found = effect(np.array([[90.0]]), np.array([30.0]), [poststratify([30.0], [0], [60.0])])
    >>> found.alpha.tolist(), found.beta.round(9).tolist()
    ([2.0], [[-6.0]])
    """
    G = np.cumprod([np.ones(D.size), *(step.g for step in chain)], axis=0)
    omega, beta = V, np.zeros(V.shape)
    for number in range(len(chain), 0, -1):
        step, before, after = chain[number - 1], G[number - 1], G[number]
        e, fg = float(step.estimated), step.moves * step.g
        weight = before * step.slope
        M = (step.C.T @ step.C.multiply((D * weight)[:, None])).toarray()
        fit = step.C @ solve(M, step.C.T @ (weight[:, None] * omega))
        beta -= (after - e * before)[:, None] * fit
        omega = fg[:, None] * omega - ((fg - e) * D)[:, None] * fit
    return Effect(G[-1], beta)


def influence(
    y: ArrayLike,
    x: ArrayLike,
    *,
    row: Index,
    unit: Index,
    cell: Index,
    rows: int,
    N: csr_array,
    chain: Sequence[Calibrated],
) -> tuple[Array, csr_array]:
    r"""Return ratios under adjusted weights, and the influence of each unit on them.

    .. math:: \hat\theta_r = \frac{Y_r}{X_r} = \frac{\sum g y}{\sum g x}, \qquad
              z_{ru} = \sum_k \alpha_k \frac{y_{ruk} - \hat\theta_r x_{ruk}}{X_r} + N_{uk}\,\beta_{kr}

    Parameters
    ----------
    y, x : array_like, shape (E,)
        Sums Σdy and Σdx under the sampling weights, of the elements in an entry.
    row, unit, cell : ndarray of int, shape (E,)
        Result row, sampled unit and calibration cell of an entry.
    rows : int
        R.
    N : csr_array, shape (U, K)
        Sampling weight Σd of each unit in each calibration cell: the whole sample once, whatever
        the rows.
    chain : sequence of Calibrated
        From :func:`adjusted` of ``N.sum(0)``.

    Returns
    -------
    theta : ndarray, shape (R,)
        NaN where X is zero.
    Z : csr_array, shape (R, U)
        As :func:`qstats.stats.sampling.linearised` takes it; NaN in a row without an estimate.

    Examples
    --------
    Three units of one element, y = 1, 2 and 6, brought from 30 to 60: the mean stays 3.

    >>> from qstats.stats.adjust import poststratify
    >>> N, one = csr_array([[10.0], [10.0], [10.0]]), np.zeros(3, int)
    >>> at = {"row": one, "unit": np.arange(3), "cell": one, "rows": 1, "N": N}
    >>> steps = [poststratify([30.0], [0], [60.0])]
    >>> theta, Z = influence([10.0, 20.0, 60.0], [10.0, 10.0, 10.0], **at, chain=steps)
    >>> theta.tolist(), Z.toarray().round(3).tolist()
    ([3.0], [[-0.667, -0.333, 1.0]])
    """
    g = factor(chain)[cell]
    y, x = np.asarray(y, float), np.asarray(x, float)
    Y, X = (np.bincount(row, g * a, minlength=rows) for a in (y, x))
    theta = np.divide(Y, X, out=np.full(rows, np.nan), where=X != 0)
    v = (y - theta[row] * x) / np.where(X != 0, X, np.nan)[row]
    return theta, _influence(v, row, unit, cell, np.isnan(theta), N, chain)


def total_influence(
    y: ArrayLike,
    *,
    row: Index,
    unit: Index,
    cell: Index,
    rows: int,
    N: csr_array,
    chain: Sequence[Calibrated],
) -> tuple[Array, csr_array]:
    r"""Return totals :math:`\sum g y` under adjusted weights, and the influence of each unit on them.

    Parameters
    ----------
    y : array_like, shape (E,)
        Sums Σdy under the sampling weights, of the elements in an entry.
    row, unit, cell, rows, N, chain
        As for :func:`influence`.

    Returns
    -------
    Y : ndarray, shape (R,)
        0 for a row without an entry.
    Z : csr_array, shape (R, U)
        NaN in such a row: nothing in the sample speaks of its error.

    Examples
    --------
    The units of :func:`influence`, each moving the total by 2 · 10 (y − 3):

    >>> from qstats.stats.adjust import poststratify
    >>> N, one = csr_array([[10.0], [10.0], [10.0]]), np.zeros(3, int)
    >>> at = {"row": one, "unit": np.arange(3), "cell": one, "rows": 1, "N": N}
    >>> Y, Z = total_influence([10.0, 20.0, 60.0], **at, chain=[poststratify([30.0], [0], [60.0])])
    >>> Y.tolist(), Z.toarray().round(9).tolist()
    ([180.0], [[-40.0, -20.0, 60.0]])
    """
    y = np.asarray(y, float)
    absent = np.bincount(row, minlength=rows) == 0
    Y = np.asarray(np.bincount(row, factor(chain)[cell] * y, minlength=rows), float)
    return Y, _influence(y, row, unit, cell, absent, N, chain)


def replicated(
    N: csr_array, replicates: Replicates, steps: Sequence[Step], *, count: csr_array | None = None
) -> Adjusted:
    r"""Take the full sample and every replicate through the steps, each anew.

    .. math:: d^{(b)}_k = \sum_u N_{uk} f_{ub}

    Parameters
    ----------
    N : csr_array, shape (U, K)
        Sampling weight of each unit in each calibration cell.
    replicates : Replicates
    steps : sequence of callables
    count : csr_array, shape (U, K), optional
        Elements of each unit in each cell, for steps that trim: a replicate repeats elements, it
        does not make their weights larger.

    Returns
    -------
    Adjusted
        For :func:`qstats.stats.replicate.ratio` and `total`.

    Raises
    ------
    DesignError
        A replicate cannot be adjusted (a post-stratum lost its sample, say); its number is said.

    Examples
    --------
    Three units of weight 10, each left out in turn, brought to 60 whoever is left:

    >>> from functools import partial
    >>> from qstats.stats.adjust import poststratify
    >>> from qstats.stats.resample import jk1
    >>> from qstats.stats.sampling import Sample
    >>> N, stratum = csr_array([[10.0], [10.0], [10.0]]), np.zeros(3, int)
    >>> replicates = jk1(Sample(stratum, np.array([np.inf])))
    >>> found = replicated(N, replicates, [partial(poststratify, category=[0], totals=[60.0])])
    >>> found.g.tolist(), found.G.round(9).tolist()
    ([2.0], [[2.0, 2.0, 2.0]])
    """
    cells, elements = csr_array(N.T), None if count is None else csr_array(count.T)

    def factors(f: Array) -> Array:
        return factor(adjusted(cells @ f, steps, count=None if elements is None else elements @ f))

    G = np.empty((N.shape[1], replicates.rscales.size))
    for start, F in blocks(replicates, N.shape[0]):
        for b, f in enumerate(F.T, start):
            try:
                G[:, b] = factors(f)
            except DesignError as error:
                raise DesignError(f"replicate {b}: {error}") from error
    return Adjusted(factors(np.ones(N.shape[0])), G)


def _influence(
    v: Array, row: Index, unit: Index, cell: Index, absent: Array, N: csr_array, chain: Sequence[Calibrated]
) -> csr_array:
    R, (U, K) = absent.size, N.shape
    V = csr_array((v, (cell, row)), shape=(K, R)).toarray()
    V[:, absent] = np.nan
    alpha, beta = effect(V, np.asarray(N.sum(axis=0), float), chain)
    direct = csr_array((alpha[cell] * v, (row, unit)), shape=(R, U))
    return csr_array(direct + csr_array(beta.T) @ N.T)
