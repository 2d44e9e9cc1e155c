"""Scores of respondents: weighted item means as an index from 0 to 100 %."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Index(NamedTuple):
    """An index of weighted item means; see :func:`item_index`."""

    value: Array
    variance: Array
    df: Array


def item_index(N: ArrayLike, S: ArrayLike, Q: ArrayLike, weights: ArrayLike) -> Index:
    r"""Return the weighted mean of item means and its variance, from sums over pairs of items.

    .. math:: I = \sum_j W_j \bar x_j, \quad \bar x_j = S_{jj}/N_{jj}, \quad W_j = w_j/\sum_l w_l
    .. math:: \operatorname{var} I = \frac{m}{m-1} \sum_{j,l} W_j W_l\,
              \frac{Q_{jl} - \bar x_l S_{jl} - \bar x_j S_{lj} + \bar x_j \bar x_l N_{jl}}{N_{jj} N_{ll}}

    The double sum is :math:`\sum_k u_k^2` with :math:`u_k = \sum_j W_j r_{kj}(x_{kj}-\bar x_j)/N_{jj}`,
    what respondent k adds to the linearised index (r = 1 where k answered). When all answer
    everything it is :math:`s^2/m` of the respondents' own scores.

    Parameters
    ----------
    N, S, Q : array_like, shape (groups, items, items)
        Over the respondents who answered both j and l: how many, the sum of j, the sum of j × l.
        Answers are scaled to [0, 1].
    weights : array_like, shape (items,)
        Positive weights w; their scale does not matter.

    Returns
    -------
    Index
        Arrays of shape (groups,). m is the number that answered the least answered item. The
        variance is NaN where m < 2 or all answers agree: there zero is not the error of anything.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5.

    Examples
    --------
    Three respondents who answer both of two items score 0.75, 1 and 0.25:

    >>> X, o = np.array([[0.5, 1.0], [1.0, 1.0], [0.0, 0.5]]), np.ones((3, 2))
    >>> found = item_index([o.T @ o], [X.T @ o], [X.T @ X], [1, 1])
    >>> found.value.round(4).tolist(), found.variance.round(4).tolist()
    ([0.6667], [0.0486])
    >>> round(float(np.var([0.75, 1.0, 0.25], ddof=1)) / 3, 4)
    0.0486
    """
    N, S, Q = (np.asarray(a, float) for a in (N, S, Q))
    W = np.asarray(weights, float) / np.sum(weights)
    n = np.diagonal(N, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.diagonal(S, axis1=1, axis2=2) / n
        j, l = mean[:, :, None], mean[:, None, :]  # noqa: E741 (the letters of the formula)
        spread = Q - l * S - j * np.swapaxes(S, 1, 2) + j * l * N
        squares = np.einsum("gj,gjl,gl->g", W / n, spread, W / n)
        m = n.min(axis=1)
        variance = squares * m / (m - 1)
    known = (m > 1) & (variance * m > 1e-12)  # below: rounding of a spread that is zero
    return Index(mean @ W, np.where(known, variance, np.nan), np.where(m > 1, m - 1, np.nan))
