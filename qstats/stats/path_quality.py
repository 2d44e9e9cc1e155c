r"""How well items measure: reliability, validity, communality.

Functions of what a fit leaves: R correlations of items (…, p, p), λ loadings and w standardised weights
(…, p), b paths and Y correlations of composites (…, C, C). Leading axes are replicates. A measure that a
block does not have (reliability of one item, say) is NaN.

References
----------
Chin (1998), The partial least squares approach to structural equation modeling.
Tenenhaus, Esposito Vinzi, Chatelin, Lauro (2005), PLS path modeling, CSDA 48, 159–205.
Dijkstra, Henseler (2015), Consistent partial least squares path modeling, MIS Quarterly 39, 297–316.
Henseler, Ringle, Sarstedt (2015), A new criterion for assessing discriminant validity, JAMS 43, 115–135.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of
from qstats.stats.pathmodel import Model

Array = NDArray[np.float64]
Flag = NDArray[np.bool_]

Sign = Literal["absolute", "signed"]


def correlations(S: ArrayLike) -> Array:
    r"""Return :math:`R_{jk} = S_{jk} / \sqrt{S_{jj} S_{kk}}`; NaN for an item that does not vary.

    Parameters
    ----------
    S : array_like, shape (…, p, p)
        Covariances.

    Returns
    -------
    ndarray, shape (…, p, p)

    Examples
    --------
    >>> correlations([[4, 1], [1, 1]]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    cov = np.asarray(S, float)
    variance = np.diagonal(cov, axis1=-2, axis2=-1)
    s = np.sqrt(np.where(variance > 0, variance, np.nan))
    return np.asarray(cov / (s[..., :, None] * s[..., None, :]))


def communality(loadings: ArrayLike) -> Array:
    """Return λ²: the share of an item's variance that its composite explains.

    Parameters
    ----------
    loadings : array_like, shape (…, p)

    Returns
    -------
    ndarray, shape (…, p)

    Examples
    --------
    >>> communality([0.8, 0.5]).round(2).tolist()
    [0.64, 0.25]
    """
    return np.asarray(np.asarray(loadings, float) ** 2)


def redundancy(loadings: ArrayLike, r2: ArrayLike, model: Model) -> Array:
    """Return λ² R²: the share that the predictors of the construct explain; NaN without predictors.

    Parameters
    ----------
    loadings : array_like, shape (…, p)
    r2 : array_like, shape (…, C)
    model : Model

    Returns
    -------
    ndarray, shape (…, p)

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> redundancy([0.9, 0.8], [float("nan"), 0.5], specify([0, 1], [[0, 0], [1, 0]])).round(2).tolist()
    [nan, 0.32]
    """
    return np.asarray(communality(loadings) * np.asarray(r2, float)[..., model.blocks])


def block_mean(values: ArrayLike, model: Model) -> Array:
    """Return the mean (…, C) over the items of each block: of communalities, this is the AVE.

    Parameters
    ----------
    values : array_like, shape (…, p)
        One for each item.
    model : Model

    Returns
    -------
    ndarray, shape (…, C)

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> block_mean([0.6, 0.4, 0.9], specify([0, 0, 1], [[0, 0], [1, 0]])).tolist()
    [0.5, 0.9]
    """
    x = np.asarray(values, float)
    return np.stack([x[..., model.blocks == c].mean(-1) for c in range(len(model.paths))], axis=-1)


def alpha(R: ArrayLike, model: Model) -> Array:
    r"""Return Cronbach's α (…, C); of correlations it is the standardised one. NaN for one item.

    .. math:: \alpha = \frac{k}{k - 1}\Big(1 - \frac{\sum_j R_{jj}}{\sum_{jk} R_{jk}}\Big)

    Parameters
    ----------
    R : array_like, shape (…, p, p)
        Correlations, or covariances for the raw α.
    model : Model

    Returns
    -------
    ndarray, shape (…, C)

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> alpha([[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0.25], [0, 0, 0.25, 1]], model).round(3).tolist()
    [0.667, 0.4]
    """
    A = np.asarray(R, float)
    k = _sizes(model)
    own = np.diagonal(A, axis1=-2, axis2=-1) @ _members(model)
    whole = np.diagonal(_between(A, model), axis1=-2, axis2=-1)
    factor = np.divide(k, k - 1, out=np.full(k.shape, np.nan), where=k > 1)
    return np.asarray(factor * (1 - own / whole))


def composite_reliability(loadings: ArrayLike, model: Model) -> Array:
    r"""Return ρ_C, also Dillon–Goldstein's ρ (…, C); NaN for one item.

    .. math:: \rho_C = \frac{(\sum \lambda)^2}{(\sum \lambda)^2 + \sum (1 - \lambda^2)}

    Parameters
    ----------
    loadings : array_like, shape (…, p)
        Of the fit, or those of :func:`first_component`, as Tenenhaus et al. (2005) take them.
    model : Model

    Returns
    -------
    ndarray, shape (…, C)

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> composite_reliability([0.8, 0.8, 0.9], specify([0, 0, 1], [[0, 0], [1, 0]])).round(4).tolist()
    [0.7805, nan]
    """
    load = np.asarray(loadings, float)
    H = _members(model)
    top = (load @ H) ** 2
    return np.where(_sizes(model) > 1, top / (top + (1 - load**2) @ H), np.nan)


def rho_a(weights: ArrayLike, R: ArrayLike, model: Model) -> Array:
    r"""Return Dijkstra–Henseler's ρ_A (…, C); NaN for one item and for blocks in mode B.

    .. math:: \rho_A = (w'w)^2\, \frac{w'(R - \operatorname{diag} R)\,w}{w'(ww' - \operatorname{diag} ww')\,w}

    Parameters
    ----------
    weights : array_like, shape (…, p)
        ``Fit.standardised``.
    R : array_like, shape (…, p, p)
        Correlations of the items.
    model : Model

    Returns
    -------
    ndarray, shape (…, C)

    References
    ----------
    Dijkstra, Henseler (2015), eq. 3.

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> rho_a(fit(R, model).standardised, R, model).round(4).tolist()
    [0.8889, 0.6667]
    """
    w, A, H = np.asarray(weights, float), np.asarray(R, float), _members(model)
    square = w**2 @ H
    whole = np.diagonal(_between(w[..., :, None] * A * w[..., None, :], model), axis1=-2, axis2=-1)
    top = whole - (w**2 * np.diagonal(A, axis1=-2, axis2=-1)) @ H
    reflective = (_sizes(model) > 1) & (np.array(model.modes) == "A")
    bottom = np.where(reflective, square**2 - w**4 @ H, np.nan)
    return np.asarray(square**2 * top / bottom)


def eigenvalues(R: ArrayLike, model: Model) -> Array:
    """Return the two largest eigenvalues (…, C, 2) of each block: one item scale has λ₂ < 1 < λ₁.

    The second is NaN for one item.

    Parameters
    ----------
    R : array_like, shape (…, p, p)
        Correlations of the items.
    model : Model

    Returns
    -------
    ndarray, shape (…, C, 2)
        The larger one first.

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> model = specify([0, 0, 1], [[0, 0], [1, 0]])
    >>> eigenvalues([[1, 0.8, 0.3], [0.8, 1, 0.3], [0.3, 0.3, 1]], model).round(2).tolist()
    [[1.8, 0.2], [1.0, nan]]
    """
    A = np.asarray(R, float)
    found = np.full((*A.shape[:-2], len(model.paths), 2), np.nan)
    for c in range(len(model.paths)):
        own = np.flatnonzero(model.blocks == c)
        values = _eigen(A[..., own[:, None], own])[0]
        found[..., c, : min(2, own.size)] = values[..., : -3 if own.size > 1 else -2 : -1]
    return found


def first_component(R: ArrayLike, model: Model) -> Array:
    """Return the correlation (…, p) of each item with the first principal component of its block.

    Parameters
    ----------
    R : array_like, shape (…, p, p)
        Correlations of the items.
    model : Model

    Returns
    -------
    ndarray, shape (…, p)
        Of each block the sum is not negative.

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> model = specify([0, 0, 1], [[0, 0], [1, 0]])
    >>> first_component([[1, 0.8, 0.3], [0.8, 1, 0.3], [0.3, 0.3, 1]], model).round(4).tolist()
    [0.9487, 0.9487, 1.0]
    """
    A = np.asarray(R, float)
    found = np.empty(A.shape[:-1])
    for c in range(len(model.paths)):
        own = np.flatnonzero(model.blocks == c)
        values, vectors = _eigen(A[..., own[:, None], own])
        top = vectors[..., -1] * np.sqrt(values[..., -1:])
        found[..., own] = np.where(top.sum(-1, keepdims=True) < 0, -top, top)
    return found


def _eigen(R: Array) -> tuple[Array, Array]:
    """Return eigenvalues, rising, and vectors; NaN where a matrix is not finite."""
    known = np.all(np.isfinite(R), axis=(-2, -1))
    values, vectors = np.linalg.eigh(np.where(known[..., None, None], R, np.eye(R.shape[-1])))
    return np.where(known[..., None], values, np.nan), np.where(known[..., None, None], vectors, np.nan)


def htmt(R: ArrayLike, model: Model, *, sign: Sign = "absolute") -> Array:
    r"""Return the heterotrait–monotrait ratio of each pair of constructs (…, C, C), 1 on the diagonal.

    .. math:: \mathrm{HTMT}_{ab} = \bar r_{ab} \big/ \sqrt{\bar r_{aa}\, \bar r_{bb}}

    with the mean correlations of items between two blocks and within a block (no item with itself).
    NaN where a block has one item.

    Parameters
    ----------
    R : array_like, shape (…, p, p)
        Correlations of the items.
    model : Model
    sign : {"absolute", "signed"}
        Means of absolute correlations, which reversed items leave alone, or of the correlations.

    Returns
    -------
    ndarray, shape (…, C, C)

    Raises
    ------
    OptionError
        No such `sign`.

    References
    ----------
    Henseler, Ringle, Sarstedt (2015), eq. 6 (signed); Ringle, Sarstedt, Sinkovics, Liengaard (2023),
    A perspective on using partial least squares structural equation modelling in data articles,
    Data in Brief 48 (absolute).

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> htmt(R, model)[1, 0].round(4).item()
    0.4743
    """
    one_of("sign", sign, get_args(Sign))
    A = np.asarray(R, float)
    A = np.abs(A) if sign == "absolute" else A
    k = _sizes(model)
    sums = _between(A, model)
    pairs = np.where(k > 1, k * (k - 1), np.nan)
    within = (
        np.diagonal(sums, axis1=-2, axis2=-1) - np.diagonal(A, axis1=-2, axis2=-1) @ _members(model)
    ) / pairs
    root = np.sqrt(np.where(within > 0, within, np.nan))
    found = sums / np.outer(k, k) / (root[..., :, None] * root[..., None, :])
    return np.where(np.eye(len(k), dtype=bool), np.where(np.isfinite(root)[..., None], 1.0, np.nan), found)


def fornell_larcker(ave: ArrayLike, Y: ArrayLike) -> tuple[Array, Flag]:
    """Return correlations with √AVE on the diagonal (…, C, C), and whether each √AVE is the largest.

    Parameters
    ----------
    ave : array_like, shape (…, C)
        :func:`block_mean` of communalities.
    Y : array_like, shape (…, C, C)
        Correlations of the composites.

    Returns
    -------
    table : ndarray, shape (…, C, C)
    holds : ndarray of bool, shape (…, C)
        Whether √AVE exceeds every correlation with another construct.

    References
    ----------
    Fornell, Larcker (1981), Evaluating structural equation models, JMR 18, 39–50.

    Examples
    --------
    >>> table, holds = fornell_larcker([0.64, 0.25], [[1, 0.6], [0.6, 1]])
    >>> table.tolist(), holds.tolist()
    ([[0.8, 0.6], [0.6, 0.5]], [True, False])
    """
    root, scores = np.sqrt(np.asarray(ave, float)), np.asarray(Y, float)
    eye = np.eye(scores.shape[-1], dtype=bool)
    others = np.where(eye, 0.0, np.abs(scores)).max(-1)
    return np.where(eye, root[..., None], scores), np.asarray(root > others)


def _members(model: Model) -> Array:
    """Return (p, C): 1 where the item is of the block."""
    return np.asarray(model.blocks[:, None] == np.arange(len(model.paths)), float)


def _sizes(model: Model) -> Array:
    """Return the number of items (C,) of each block."""
    return np.asarray(np.bincount(model.blocks), float)


def _between(A: Array, model: Model) -> Array:
    """Return the sums (…, C, C) of the entries of `A` over pairs of blocks."""
    H = _members(model)
    return np.asarray(H.T @ A @ H)
