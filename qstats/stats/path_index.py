r"""Satisfaction on a scale from 0 to 100: the index of a construct, and what moves it.

Letters: w outer weights, s standard deviations, x̄ means, [a, b] declared scale of an item, u the
weights that a convention makes of w.

References
----------
Fornell, Johnson, Anderson, Cha, Bryant (1996), The American Customer Satisfaction Index, Journal of Marketing
60(4), 7–18.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of
from qstats.stats.path_inner import effects
from qstats.stats.pathmodel import Metric, Model

Array = NDArray[np.float64]

Convention = Literal["U", "S", "R", "M"]

#: The metric of the fit whose weights a convention takes; M takes none.
METRIC: Final[dict[Convention, Metric]] = {
    "U": "standardised",
    "S": "standardised",
    "R": "raw",
    "M": "standardised",
}


class ImportancePerformance(NamedTuple):
    """What one more point would do, and how many points there are."""

    importance: Array  #: (…, C, C) points of the row's index per point of the column's, in all
    performance: Array  #: (…, C) the index, 0 to 100


def index_weights(weights: ArrayLike, covariance: ArrayLike, *, convention: Convention = "U") -> Array:
    r"""Return the weights u (…, p) of the item means in an index.

    U: :math:`u_j = w_j / s_j` of a standardised fit, so that the index is the mean of the composite in the
    units of the questionnaire; S: :math:`u_j = w_j` of a standardised fit; R: :math:`u_j = w_j` of a raw fit;
    M: :math:`u_j = 1`, a plain mean.

    Parameters
    ----------
    weights : array_like, shape (…, p)
        ``Fit.weights`` of a fit in the metric :data:`METRIC` of the convention.
    covariance : array_like, shape (…, p, p)
        Covariances of the items.
    convention
        As above. The conventions differ by about one standard error, so the result names its own.

    Returns
    -------
    ndarray, shape (…, p)
        Not scaled: an index divides by their sum.

    Raises
    ------
    OptionError
        No such convention.

    Examples
    --------
    >>> index_weights([0.6, 0.6], [[4, 1], [1, 1]]).tolist()
    [0.3, 0.6]
    """
    one_of("convention", convention, get_args(Convention))
    w, S = np.asarray(weights, float), np.asarray(covariance, float)
    if convention == "M":
        return np.where(np.isfinite(w), 1.0, np.nan)
    if convention == "U":
        return np.asarray(w / np.sqrt(np.diagonal(S, axis1=-2, axis2=-1)))
    return w


def index(mean: ArrayLike, u: ArrayLike, lower: ArrayLike, upper: ArrayLike, model: Model) -> Array:
    r"""Return the index of each construct (…, C), from 0 to 100 when no u is negative.

    .. math:: I_c = 100\,\frac{\sum_{j \in c} u_j (\bar x_j - a_j)}{\sum_{j \in c} u_j (b_j - a_j)}

    Parameters
    ----------
    mean : array_like, shape (…, p)
        Means of the items.
    u : array_like, shape (…, p)
        From :func:`index_weights`; a common factor cancels.
    lower, upper : array_like, shape (p,) or a number
        The declared scale of the items.
    model : Model

    Returns
    -------
    ndarray, shape (…, C)
        NaN where the denominator is not positive: negative weights outweigh the others.

    Raises
    ------
    OptionError
        A scale whose upper end is not above its lower.

    References
    ----------
    Fornell, Johnson, Anderson, Cha, Bryant (1996), The American Customer Satisfaction Index, Journal of
    Marketing 60(4), 7–18, appendix.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> model = specify([0, 0, 0, 1], [[0, 0], [1, 0]])
    >>> index([8, 7, 6, 1], [0.4, 0.3, 0.3, 1], 1, 10, model).round(2).tolist()
    [67.78, 0.0]
    """
    v, m = np.asarray(u, float), np.asarray(mean, float)
    a, b = _scale(lower, upper, model)
    H = np.asarray(model.blocks[:, None] == np.arange(len(model.paths)), float)
    range_ = (v * (b - a)) @ H
    return np.asarray(100 * ((v * (m - a)) @ H) / np.where(range_ > 0, range_, np.nan))


def _scale(lower: ArrayLike, upper: ArrayLike, model: Model) -> tuple[Array, Array]:
    """Return the ends of the scales (p,), or raise."""
    p = len(model.blocks)
    a, b = (np.broadcast_to(np.asarray(end, float), (p,)) for end in (lower, upper))
    if not (b > a).all():
        j = int(np.flatnonzero(~(b > a))[0])
        raise OptionError(f"the scale of item {j} runs from {a[j]} to {b[j]}; its upper end must be above")
    return a, b


def importance_performance(
    mean: ArrayLike,
    covariance: ArrayLike,
    u: ArrayLike,
    paths: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    model: Model,
) -> ImportancePerformance:
    r"""Return the importance–performance map: unstandardised total effects, and the index.

    .. math:: \text{importance}_{ck} = T_{ck}\, \sigma_c / \sigma_k, \qquad
              \sigma_c = 100\,\frac{\sqrt{u_c' S_{cc} u_c}}{\sum_{j \in c} u_j (b_j - a_j)}

    with T the standardised total effects and σ the standard deviations of the constructs' 0–100 scores.

    Parameters
    ----------
    mean : array_like, shape (…, p)
        Means of the items.
    covariance : array_like, shape (…, p, p)
        Covariances of the items.
    u : array_like, shape (…, p)
        From :func:`index_weights`.
    paths : array_like, shape (…, C, C)
        Of the fit.
    lower, upper : array_like, shape (p,) or a number
        The declared scale of the items.
    model : Model

    Returns
    -------
    ImportancePerformance

    Raises
    ------
    OptionError
        A scale whose upper end is not above its lower.

    References
    ----------
    Ringle, Sarstedt (2016), Gain more insight from your PLS-SEM results, IMDS 116, 1865–1886.

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> S, model = [[4, 1], [1, 1]], specify([0, 1], [[0, 0], [1, 0]])
    >>> found = importance_performance([7, 8], S, [1, 1], fit(S, model).paths, 1, 10, model)
    >>> found.importance[1, 0].round(4).item(), found.performance.round(2).tolist()
    (0.25, [66.67, 77.78])
    """
    v, S = np.asarray(u, float), np.asarray(covariance, float)
    a, b = _scale(lower, upper, model)
    H = np.asarray(model.blocks[:, None] == np.arange(len(model.paths)), float)
    inside = v[..., :, None] * S * v[..., None, :]
    sigma = 100 * np.sqrt(np.diagonal(H.T @ inside @ H, axis1=-2, axis2=-1)) / ((v * (b - a)) @ H)
    importance = effects(paths).total * sigma[..., :, None] / sigma[..., None, :]
    return ImportancePerformance(np.asarray(importance), index(mean, v, lower, upper, model))
