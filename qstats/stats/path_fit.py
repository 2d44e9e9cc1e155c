r"""Consistent estimates for reflective blocks, and how far a model is from the correlations it explains.

Letters: R correlations of items, Σ those the model implies, λ loadings, ρ reliabilities ρ_A, Y
correlations of composites, Q of constructs, b paths. Leading axes are replicates.

References
----------
Dijkstra, Henseler (2015), Consistent partial least squares path modeling, MIS Quarterly 39, 297–316.
Dijkstra, Henseler (2015), Consistent and asymptotically normal PLS estimators for linear structural
equations, CSDA 81, 10–23, for the distances.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of
from qstats.stats.path_inner import effects
from qstats.stats.path_quality import rho_a
from qstats.stats.path_rounds import regressions, structure
from qstats.stats.pathmodel import Fit, Model

Array = NDArray[np.float64]
Flag = NDArray[np.bool_]

Inner = Literal["model", "saturated"]


class Consistent(NamedTuple):
    """Estimates of a common factor model, from the weights of a fit."""

    rho: Array  #: (…, C) ρ_A; 1 for one item and in mode B
    loadings: Array  #: (…, p)
    correlations: Array  #: (…, C, C) of the constructs
    paths: Array  #: (…, C, C)
    r2: Array  #: (…, C) NaN where nothing points at the construct
    admissible: Flag  #: (…) 0 < ρ ≤ 1, loadings within ±1, constructs positive definite, R² ≤ 1


class Distance(NamedTuple):
    """How far Σ is from R; 0 is a perfect fit."""

    srmr: Array  #: root mean square residual over the p (p + 1)/2 correlations
    d_uls: Array  #: squared Euclidean distance, half the sum over all entries
    d_g: Array  #: geodesic distance; NaN where a matrix is not positive definite


def consistent(found: Fit, R: ArrayLike, model: Model) -> Consistent:
    r"""Return consistent PLS: correlations of composites corrected for the reliability of the blocks.

    .. math:: Q_{ab} = Y_{ab} / \sqrt{\rho_a \rho_b}, \qquad
              \lambda = w \sqrt{\rho} / (w'w), \qquad b_c = Q_{PP}^{-1} Q_{Pc}

    Parameters
    ----------
    found : Fit
        One or many.
    R : array_like, shape (…, p, p)
        Correlations of the items.
    model : Model

    Returns
    -------
    Consistent
        NaN where ρ_A is not positive. Estimates out of range are returned as they are, and
        ``admissible`` says so: with small samples or wrong models they happen.

    References
    ----------
    Dijkstra, Henseler (2015), MIS Quarterly 39, eq. 3 to 6.

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> ours = consistent(fit(R, model), R, model)
    >>> ours.paths[1, 0].round(4).item(), ours.rho.round(4).tolist(), bool(ours.admissible)
    (0.4743, [0.8889, 0.6667], True)
    """
    w, A = np.asarray(found.standardised, float), np.asarray(R, float)
    sizes = np.bincount(model.blocks)
    corrected = (sizes > 1) & (np.array(model.modes) == "A")
    rho = np.where(corrected, rho_a(w, A, model), 1.0)
    root = np.sqrt(np.where(rho > 0, rho, np.nan))
    square = w**2 @ np.asarray(model.blocks[:, None] == np.arange(len(sizes)), float)
    load = np.where(corrected[model.blocks], w * (root / square)[..., model.blocks], found.loadings)
    Q = found.correlations / (root[..., :, None] * root[..., None, :])
    Q = np.where(np.eye(len(sizes), dtype=bool), np.where(np.isfinite(root)[..., None], 1.0, np.nan), Q)
    C = len(sizes)
    order = np.argsort(model.blocks, kind="stable")
    form = structure(model.blocks[order], model.paths, model.modes)
    paths = regressions(np.ascontiguousarray(np.moveaxis(Q.reshape(-1, C, C), 0, -1)), form)[0]
    paths = np.moveaxis(paths, -1, 0).reshape(Q.shape)
    r2 = np.where(model.paths.any(1), (paths * Q).sum(-1), np.nan)
    finite = np.all(np.isfinite(Q), axis=(-2, -1))
    least = np.linalg.eigvalsh(np.where(finite[..., None, None], Q, np.eye(C)))[..., 0]
    within = (rho > 0).all(-1) & (rho <= 1 + 1e-12).all(-1) & (np.abs(load) <= 1 + 1e-12).all(-1)
    fine = np.where(model.paths.any(1), r2 <= 1, True).all(-1)
    return Consistent(rho, load, Q, paths, r2, np.asarray(finite & (least > 0) & within & fine))


def implied(
    loadings: ArrayLike, paths: ArrayLike, Q: ArrayLike, R: ArrayLike, model: Model, *, inner: Inner = "model"
) -> Array:
    r"""Return the correlations Σ (…, p, p) of the items that a model implies.

    .. math:: \Sigma_{jk} = \lambda_j\, Q^*_{ab}\, \lambda_k, \qquad
              Q^* = (I - b)^{-1} \Psi (I - b)^{-\top}

    where Ψ holds the correlations of the constructs without predictors and 1 − R² of the others; the
    diagonals of Q* and Σ are 1. Items of one block in mode A correlate by λ_j λ_k, those of a block in
    mode B as observed.

    Parameters
    ----------
    loadings, paths, Q
        Of :func:`consistent` for a common factor model, of a fit for composites.
    R : array_like, shape (…, p, p)
        Observed correlations.
    model : Model
    inner : {"model", "saturated"}
        Q* as the paths imply it, or Q as it is: then only the measurement is judged.

    Returns
    -------
    ndarray, shape (…, p, p)

    Raises
    ------
    OptionError
        No such `inner`.

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> own = consistent(fit(R, model), R, model)
    >>> implied(own.loadings, own.paths, own.correlations, R, model)[0].round(4).tolist()
    [1.0, 0.8, 0.3, 0.3]
    """
    one_of("inner", inner, get_args(Inner))
    load, A = np.asarray(loadings, float), np.asarray(R, float)
    latent = (
        np.asarray(Q, float)
        if inner == "saturated"
        else _inner(np.asarray(paths, float), np.asarray(Q, float), model)
    )
    a = model.blocks
    sigma = load[..., :, None] * latent[..., a[:, None], a] * load[..., None, :]
    formed = np.array(model.modes)[a] == "B"
    same = (a[:, None] == a) & formed
    return np.where(np.eye(len(a), dtype=bool), 1.0, np.where(same, A, sigma))


def _inner(b: Array, Q: Array, model: Model) -> Array:
    """Return the correlations of the constructs that the paths imply, 1 on the diagonal."""
    eye = np.eye(len(model.paths), dtype=bool)
    outside = ~np.any(model.paths, axis=1)
    rest = np.where(outside, 1.0, 1 - (b * Q).sum(-1))
    psi = np.where(eye, rest[..., None], np.where(outside[:, None] & outside, Q, 0.0))
    through = eye + effects(b).total
    return np.where(eye, 1.0, through @ psi @ np.swapaxes(through, -1, -2))


def distance(R: ArrayLike, sigma: ArrayLike) -> Distance:
    r"""Return how far the implied correlations are from those observed.

    .. math:: \mathrm{SRMR} = \sqrt{\frac{2 \sum_{j \le k} (R_{jk} - \Sigma_{jk})^2}{p(p + 1)}}, \quad
              d_{ULS} = \tfrac12 \sum_{jk} (R_{jk} - \Sigma_{jk})^2, \quad
              d_G = \tfrac12 \sum_j (\ln \varphi_j)^2

    with φ the eigenvalues of :math:`R^{-1}\Sigma`, and natural logarithms (some programs take those to
    base 10, and their d_G is 5.3 times smaller).

    Parameters
    ----------
    R, sigma : array_like, shape (…, p, p)
        Correlations observed and implied.

    Returns
    -------
    Distance
        Each of shape (…).

    References
    ----------
    Dijkstra, Henseler (2015), CSDA 81, section 4; Henseler et al. (2014), Common beliefs and reality about
    PLS, Organizational Research Methods 17, 182–209, for the SRMR.

    Examples
    --------
    >>> far = distance([[1, 0.5], [0.5, 1]], [[1, 0.2], [0.2, 1]])
    >>> far.srmr.round(4).item(), far.d_uls.round(4).item(), far.d_g.round(4).item()
    (0.1732, 0.09, 0.1353)
    """
    A, B = np.asarray(R, float), np.asarray(sigma, float)
    p = A.shape[-1]
    square = (A - B) ** 2
    lower = (square.sum((-2, -1)) + np.trace(square, axis1=-2, axis2=-1)) / 2
    return Distance(np.sqrt(2 * lower / (p * (p + 1))), np.asarray(square.sum((-2, -1)) / 2), _geodesic(A, B))


def _geodesic(A: Array, B: Array) -> Array:
    """Return half the sum of squared logarithms of the eigenvalues of A⁻¹B."""
    eye = np.eye(A.shape[-1])
    known = np.all(np.isfinite(A), axis=(-2, -1)) & np.all(np.isfinite(B), axis=(-2, -1))
    known &= np.linalg.eigvalsh(np.where(known[..., None, None], A, eye))[..., 0] > 1e-12
    root = np.linalg.inv(np.linalg.cholesky(np.where(known[..., None, None], A, eye)))
    inside = root @ np.where(known[..., None, None], B, eye) @ np.swapaxes(root, -1, -2)
    phi = np.linalg.eigvalsh(inside)
    known &= phi[..., 0] > 0
    return np.where(known, (np.log(np.where(phi > 0, phi, 1.0)) ** 2).sum(-1) / 2, np.nan)


def goodness_of_fit(loadings: ArrayLike, r2: ArrayLike, model: Model) -> Array:
    r"""Return GoF, :math:`\sqrt{\overline{\lambda^2} \cdot \overline{R^2}}`, descriptive only.

    The mean communality is over the items of blocks of more than one item, the mean R² over the
    constructs with predictors.

    Parameters
    ----------
    loadings : array_like, shape (…, p)
    r2 : array_like, shape (…, C)
    model : Model

    Returns
    -------
    ndarray, shape (…)

    References
    ----------
    Tenenhaus et al. (2005), section 2.3.

    Examples
    --------
    >>> from qstats.stats.path_specification import specify
    >>> model = specify([0, 0, 1], [[0, 0], [1, 0]])
    >>> goodness_of_fit([0.9, 0.7, 1], [float("nan"), 0.36], model).round(4).item()
    0.4837
    """
    several = (np.bincount(model.blocks) > 1)[model.blocks]
    shared = (np.asarray(loadings, float)[..., several] ** 2).mean(-1)
    return np.asarray(np.sqrt(shared * np.asarray(r2, float)[..., model.paths.any(1)].mean(-1)))
