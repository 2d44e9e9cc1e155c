r"""What constructs do to each other: effects, their sizes, collinearity.

Letters: b paths and Y correlations of composites (…, C, C), R correlations of items (…, p, p). Leading axes
are replicates.

References
----------
Chin (1998), The partial least squares approach to structural equation modeling.
Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 9.1, for f².
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError
from qstats.stats.pathmodel import USUAL, Fit, Fitting, Model, PathModelError, check_fitting, fit

Array = NDArray[np.float64]


class Effects(NamedTuple):
    """Effects (…, C, C) of the column's construct on the row's, in standard deviations."""

    direct: Array
    indirect: Array
    total: Array


class Collinearity(NamedTuple):
    """Variance inflation factors."""

    outer: Array  #: (…, p) of each item among those of its block
    inner: Array  #: (…, C, C) of the column's construct among the predictors of the row's; else NaN


def effects(paths: ArrayLike) -> Effects:
    r"""Return direct, indirect and total effects, :math:`T = (I - b)^{-1} - I`.

    Parameters
    ----------
    paths : array_like, shape (…, C, C)
        b: 0 where there is no path from the column's construct to the row's.

    Returns
    -------
    Effects
        ``direct``, ``indirect`` and ``total``, each (…, C, C).

    Examples
    --------
    >>> effects([[0, 0, 0], [0.5, 0, 0], [0.2, 0.4, 0]]).total[2].tolist()
    [0.4, 0.4, 0.0]
    """
    b = np.asarray(paths, float)
    total, power = b.copy(), b
    for _ in range(b.shape[-1] - 1):
        power = power @ b
        total = total + power
    return Effects(b, total - b, total)


def adjusted_r2(r2: ArrayLike, model: Model, n: float) -> Array:
    r"""Return :math:`1 - (1 - R^2)\frac{n - 1}{n - 1 - k}` with k predictors and n answers.

    Parameters
    ----------
    r2 : array_like, shape (…, C)
        R² of a fit.
    model : Model
    n : float
        Answers; more than predictors by two at least.

    Returns
    -------
    ndarray, shape (…, C)

    Raises
    ------
    OptionError
        An n that leaves no degree of freedom.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> adjusted_r2([0.0, 0.36], specify([0, 1], [[0, 0], [1, 0]]), 66).round(3).tolist()
    [0.0, 0.35]
    """
    k = model.paths.sum(1)
    if not n - 1 > k.max():
        raise OptionError(f"n={n!r} leaves no degree of freedom with {k.max()} predictors")
    return np.asarray(1 - (1 - np.asarray(r2, float)) * (n - 1) / (n - 1 - k))


def vif(R: ArrayLike, Y: ArrayLike, model: Model) -> Collinearity:
    r"""Return variance inflation factors, the diagonal of :math:`R_{PP}^{-1}`: :math:`1/(1 - R_k^2)`.

    NaN where the variables are collinear.

    Parameters
    ----------
    R : array_like, shape (…, p, p)
        Correlations of the items.
    Y : array_like, shape (…, C, C)
        Correlations of the composites.
    model : Model

    Returns
    -------
    Collinearity
        ``outer`` (…, p) and ``inner`` (…, C, C).

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> vif(R, fit(R, model).correlations, model).outer.round(4).tolist()
    [2.7778, 2.7778, 1.3333, 1.3333]
    """
    items, scores = np.asarray(R, float), np.asarray(Y, float)
    outer = np.empty(items.shape[:-1])
    inner = np.full(scores.shape, np.nan)
    for c in range(len(model.paths)):
        own = np.flatnonzero(model.blocks == c)
        outer[..., own] = _inflation(items[..., own[:, None], own])
        P = np.flatnonzero(model.paths[c])
        if P.size:
            inner[..., c, P] = _inflation(scores[..., P[:, None], P])
    return Collinearity(outer, inner)


def _inflation(R: Array) -> Array:
    """Return the diagonal of the inverses; NaN where there is none."""
    known = np.all(np.isfinite(R), axis=(-2, -1)) & (np.linalg.eigvalsh(np.nan_to_num(R))[..., 0] > 1e-10)
    safe = np.where(known[..., None, None], R, np.eye(R.shape[-1]))
    diagonal = np.diagonal(np.linalg.inv(safe), axis1=-2, axis2=-1)
    return np.where(known[..., None], diagonal, np.nan)


def effect_size(paths: ArrayLike, r2: ArrayLike, inner: ArrayLike) -> Array:
    r"""Return Cohen's f² of each path (…, C, C), composites held as they are; NaN where no path is.

    .. math:: f^2 = \frac{R^2 - R^2_{\text{without } k}}{1 - R^2} = \frac{b_k^2}{\mathrm{VIF}_k (1 - R^2)}

    Parameters
    ----------
    paths : array_like, shape (…, C, C)
        b of a fit.
    r2 : array_like, shape (…, C)
        R² of it.
    inner : array_like, shape (…, C, C)
        From :func:`vif`.

    Returns
    -------
    ndarray, shape (…, C, C)

    Examples
    --------
    >>> effect_size([[0, 0], [0.6, 0]], [0, 0.36], [[1, 1], [1, 1]])[1, 0].item()
    0.5625
    """
    b, rest = np.asarray(paths, float), 1 - np.asarray(r2, float)
    return np.asarray(b**2 / (np.asarray(inner, float) * rest[..., None]))


def effect_size_refitted(S: ArrayLike, found: Fit, model: Model, *, how: Fitting = USUAL) -> Array:
    r"""Return f² of each path (C, C) against the model fitted again without it; NaN where no path is.

    .. math:: f^2 = \frac{R^2 - R^2_{\text{refitted without } k}}{1 - R^2}

    As the composites move, it can come out below zero. Of a construct left without predictor, R² is 0.

    Parameters
    ----------
    S : array_like, shape (p, p)
        Covariances of the items.
    found : Fit
        A single fit of `model`.
    model : Model
    how : Fitting
        The options of that fit.

    Returns
    -------
    ndarray, shape (C, C)

    Raises
    ------
    PathModelError
        A construct that only this path ties to others; a model without the path that cannot be fitted.
    OptionError
        An option of a fit that is none.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> model = specify([0, 1, 2], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    >>> S = [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]
    >>> effect_size_refitted(S, fit(S, model), model)[2].round(4).tolist()
    [0.125, 0.125, nan]
    """
    check_fitting(how)
    f2 = np.full(found.paths.shape, np.nan)
    for c, k in np.argwhere(model.paths):
        fewer = model.paths.copy()
        fewer[c, k] = False
        without = 0.0
        if fewer[c].any() and (fewer[k] | fewer[:, k]).any():
            without = float(fit(S, model._replace(paths=fewer), how=how).r2[c])
        elif fewer[c].any():
            raise PathModelError(
                f"without its path to construct {c}, construct {k} stands apart; use effect_size",
                constructs=(k,),
            )
        f2[c, k] = (found.r2[c] - without) / (1 - found.r2[c])
    return f2
