r"""How well a path model predicts answers that it has not seen: PLSpredict, by k-fold cross-validation.

Letters: x answers, m and s means and standard deviations of the training answers, λ loadings, w outer
weights of z-scores, t total effects, e prediction errors, v weights of rows; items j of endogenous constructs
c, items k of exogenous ones d; K folds, R repeats, q items predicted.

References
----------
Shmueli, Ray, Velasquez Estrada, Chatla (2016), The elephant in the room: predictive performance of PLS
models, Journal of Business Research 69, 4552–4564.
Shmueli, Sarstedt, Hair, Cheah, Ting, Vaithilingam, Ringle (2019), Predictive model assessment in PLS-SEM:
guidelines for using PLSpredict, European Journal of Marketing 53, 2322–2347.
Wieczorek, Guerin, McMahon (2022), K-fold cross-validation for complex sample surveys, Stat 11, e454.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, whole_number
from qstats.stats.path_inner import effects
from qstats.stats.path_moments import Missing, resampled
from qstats.stats.path_permute import Rows, of_units, pooled_weights, weighted_rows
from qstats.stats.path_rounds import solve
from qstats.stats.pathmodel import FAILURES, USUAL, Fit, Fitting, Model, fit_stack

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

Power = Literal["high", "medium", "low", "none"]
Measure = Literal["rmse", "mae"]

#: Whose errors: of the path model, of the linear model, of the item means of the training answers.
PREDICTORS: Final = ("path", "linear", "mean")


class Predicted(NamedTuple):
    """Errors of q items of endogenous constructs, in the units of their answers."""

    items: Index  #: (q,) positions of the items
    squared: Array  #: (3, R, q) mean squared errors of :data:`PREDICTORS`, one for each repeat
    absolute: Array  #: (3, R, q) mean absolute errors
    n: Index  #: (q,) answers predicted

    @property
    def rmse(self) -> Array:
        """The root of the mean squared error over all repeats, (3, q)."""
        return np.asarray(np.sqrt(self.squared.mean(1)))

    @property
    def mae(self) -> Array:
        """The mean absolute error over all repeats, (3, q)."""
        return np.asarray(self.absolute.mean(1))

    @property
    def q2(self) -> Array:
        r"""One less the squared errors of the path model over those of the mean, (q,); NaN without spread."""
        path, _, mean = self.squared.mean(1)
        return np.asarray(1 - path / np.where(mean > 0, mean, np.nan))


def predict(
    X: ArrayLike,
    model: Model,
    *,
    weights: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    folds: int = 10,
    repeats: int = 10,
    seed: int | None = 0,
) -> Predicted:
    r"""Predict the items of endogenous constructs in each fold by the model of the other folds.

    .. math:: \hat x_j = m_j + s_j \lambda_j \sum_d t_{cd} \sum_{k \in d} w_k \frac{x_k - m_k}{s_k}, \qquad
              \hat x^{\mathrm{lin}}_j = m_j + \sum_k \beta_{jk} (x_k - m_k)

    the second being the regression of the item on all items k of exogenous constructs, and the third
    predictor :math:`m_j`. Over the answers predicted

    .. math:: \mathrm{RMSE}_j = \sqrt{\frac{\sum v e^2}{\sum v}}, \quad
              \mathrm{MAE}_j = \frac{\sum v |e|}{\sum v}, \quad
              Q^2_j = 1 - \frac{\sum v (x_j - \hat x_j)^2}{\sum v (x_j - m_j)^2}

    Only exogenous items enter (the earliest antecedents), through the total effects. Everything estimated
    follows from the moments of K training samples, which are one matrix product and one stack of fits.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    model : Model
    weights : array_like, shape (n,), optional
        Survey weights, of fits and errors alike; one of zero is the same as no row.
    unit, stratum : array_like of int, shape (n,), optional
        Clusters, which stay in one fold, and strata, which are spread over the folds.
    missing
        What is done about gaps where the model is fitted, see :func:`qstats.stats.path_moments.moments`;
        predicted are the answers given by those who gave all exogenous ones.
    how : Fitting
        See :func:`qstats.stats.pathmodel.fit`.
    folds, repeats : int
        K, and how often the folds are drawn anew. Errors are averaged over repeats, not predictions: those
        of an average would be errors of another predictor.
    seed : int or None
        None draws anew each time; 0 is a seed like any other. Each repeat has a stream of its own.

    Returns
    -------
    Predicted
        Errors of the linear model are NaN where exogenous items of a training sample are collinear.

    Raises
    ------
    DataError
        Fewer units than folds; a unit in several strata; a training sample to which the model cannot be
        fitted.

    References
    ----------
    Shmueli et al. (2016); Shmueli et al. (2019); Wieczorek et al. (2022) for units and strata.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=300)
    >>> X = np.column_stack([x, 0.8 * x + 0.6 * rng.normal(size=300)])
    >>> found = predict(X, specify([0, 1], [[0, 0], [1, 0]]))
    >>> found.rmse[:, 0].round(3).tolist(), found.q2.round(3).tolist()
    ([0.584, 0.584, 0.986], [0.65])
    """
    whole_number("folds", folds, least=2)
    whole_number("repeats", repeats, least=1)
    if seed is not None:
        whole_number("seed", seed, least=0)
    rows = weighted_rows(X, weights, unit, None, stratum)
    m = int(rows.unit.max(initial=-1)) + 1
    if m < folds:
        raise DataError(f"{m} units cannot make {folds} folds: each needs one; take fewer folds")
    layer = of_units(
        rows.stratum,
        rows.unit,
        "strata",
        "a unit is drawn in one stratum: give units of several a name in each",
    )
    start = pooled_weights(rows, model, missing, how)
    endogenous = _predicted_items(model)
    parts = []
    for r in range(repeats):
        fold = dealt(layer, folds, seed=seed, repeat=r)[rows.unit]
        parts.append(_repeat(rows, fold, folds, model, missing, how, start))
    answered = np.isfinite(rows.answers)
    seen = answered[:, endogenous] & answered[:, ~endogenous].all(axis=1, keepdims=True)
    return Predicted(
        np.flatnonzero(endogenous),
        np.stack([part[0] for part in parts], axis=1),
        np.stack([part[1] for part in parts], axis=1),
        seen.sum(0).astype(np.intp),
    )


def dealt(layer: Index, folds: int, *, seed: int | None, repeat: int = 0) -> Index:
    """Return the fold of each of m units: shuffled, then dealt out one stratum (`layer`) after the other.

    Folds differ by one unit at most, and each has its share of every stratum.

    Parameters
    ----------
    layer : ndarray of int, shape (m,)
        Strata of the units.
    folds : int
        K.
    seed : int or None
        None draws anew; 0 is a seed like any other.
    repeat : int
        Each has a stream of its own.

    Returns
    -------
    ndarray of int, shape (m,)
        0 … K − 1.

    Examples
    --------
    >>> fold = dealt(np.array([0, 0, 0, 1, 1, 1]), 3, seed=1)
    >>> np.sort(fold[:3]).tolist(), np.sort(fold[3:]).tolist()
    ([0, 1, 2], [0, 1, 2])
    """
    rng = np.random.default_rng(None if seed is None else [seed, crc32(b"folds"), repeat])
    order = rng.permutation(layer.size)
    order = order[np.argsort(layer[order], kind="stable")]
    fold = np.empty(layer.size, np.intp)
    fold[order] = np.arange(layer.size) % folds
    return fold


def _predicted_items(model: Model) -> Flag:
    """Return which of p items are predicted, those of constructs with predictors; the others predict."""
    inner: Flag = np.asarray(model.paths.any(axis=1), bool)
    return inner[model.blocks]


def coefficients(covariance: Array, found: Fit, model: Model) -> tuple[Array, Array]:
    r"""Return the slopes (b, q, r) of q endogenous on r exogenous items, of path and linear model.

    .. math:: B_{jk} = s_j \lambda_j\, t_{cd}\, w_k / s_k, \qquad \beta = S_{kk}^{-1} S_{kj}

    Parameters
    ----------
    covariance : ndarray, shape (b, p, p)
        Of the items.
    found : Fit
        Of b samples.
    model : Model

    Returns
    -------
    path, linear : ndarray, shape (b, q, r)
        The linear ones are NaN where exogenous items are collinear.

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> path, linear = coefficients(np.array([R]), fit([R], model), model)
    >>> path[0].round(4).tolist(), linear[0].round(4).tolist()
    ([[0.1667, 0.1667], [0.1667, 0.1667]], [[0.1667, 0.1667], [0.1667, 0.1667]])
    """
    inner = _predicted_items(model)
    j, k = np.flatnonzero(inner), np.flatnonzero(~inner)
    s = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    t = effects(found.paths).total[:, model.blocks[j][:, None], model.blocks[k]]
    path = (s * found.loadings)[:, j, None] * t * (found.standardised / s)[:, None, k]
    scale = s[:, k]
    R = np.moveaxis(covariance[:, k[:, None], k] / scale[:, :, None] / scale[:, None], 0, -1)
    b = np.moveaxis(covariance[:, k[:, None], j] / scale[:, :, None], 0, -1)
    beta = np.moveaxis(solve(R, b)[0], -1, 0) / scale[:, :, None]
    return np.asarray(path), np.asarray(np.swapaxes(beta, 1, 2))


def power(error: ArrayLike, linear: ArrayLike, q2: ArrayLike) -> Power | None:
    """Return how well items are predicted, by how many of them the path model beats the linear one.

    All: ``high``; half or more: ``medium``; fewer: ``low``; none: ``none``. An item counts that has a smaller
    error than by the linear model and a Q² above zero, that is a smaller one than by its mean. None where an
    error is not known.

    Parameters
    ----------
    error, linear, q2 : array_like, shape (q,)
        RMSE or MAE of the path model and of the linear model, and Q².

    Returns
    -------
    {"high", "medium", "low", "none"} or None

    References
    ----------
    Shmueli et al. (2019), guidelines.

    Examples
    --------
    >>> power([1, 1], [2, 1], [0.2, 0.1]), power([1, 1], [2, 2], [0.2, 0.1])
    ('medium', 'high')
    """
    e, other, q = (np.asarray(part, float) for part in (error, linear, q2))
    if not np.isfinite([e, other, q]).all():
        return None
    better = int(np.count_nonzero((e < other) & (q > 0)))
    if better == 0:
        return "none"
    return "high" if better == e.size else "medium" if 2 * better >= e.size else "low"


def errors_by(found: Predicted, measure: Measure) -> Array:
    """Return RMSE or MAE of all :data:`PREDICTORS`, (3, q).

    Parameters
    ----------
    found : Predicted
    measure : {"rmse", "mae"}

    Returns
    -------
    ndarray, shape (3, q)

    Raises
    ------
    OptionError
        No such measure.

    Examples
    --------
    >>> one = np.ones((3, 1, 2))
    >>> errors_by(Predicted(np.array([2, 3]), 4 * one, one, np.array([9, 9])), "rmse").tolist()
    [[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]]
    """
    one_of("measure", measure, get_args(Measure))
    return found.rmse if measure == "rmse" else found.mae


def _repeat(
    rows: Rows, fold: Index, K: int, model: Model, missing: Missing, how: Fitting, start: Array
) -> tuple[Array, Array]:
    """Return mean squared and mean absolute errors (3, q) of K folds together."""
    x, v = rows.answers, rows.weights
    inside = fold[:, None] == np.arange(K)
    mean, S = next(resampled(x, np.where(inside, 0.0, v[:, None]), missing=missing, chunk=K))
    found = fit_stack(S, model, how, start)
    if found.failure.any():
        reasons = ", ".join(sorted({FAILURES[k] for k in found.failure[found.failure > 0]}))
        lost = np.count_nonzero(found.failure)
        raise DataError(f"{lost} of {K} training samples cannot be fitted ({reasons}); take fewer folds")
    path, linear = coefficients(np.moveaxis(S, -1, 0), found, model)
    inner = _predicted_items(model)
    sums, total = np.zeros((2, 3, int(inner.sum()))), np.zeros(int(inner.sum()))
    for f in range(K):
        own = x[inside[:, f]] - mean[:, f]
        added, share = _errors(own[:, inner], own[:, ~inner], v[inside[:, f]], path[f], linear[f])
        sums, total = sums + added, total + share
    squared, absolute = sums / np.where(total > 0, total, np.nan)
    return squared, absolute


def _errors(y: Array, known: Array, v: Array, path: Array, linear: Array) -> tuple[Array, Array]:
    """Return sums of squared and absolute errors (2, 3, q) of one fold, and of the weights (q,)."""
    o = np.isfinite(y) & np.isfinite(known.sum(1))[:, None]
    share = o * v[:, None]
    e = np.stack([np.where(o, y - guess, 0.0) for guess in (known @ path.T, known @ linear.T, 0.0)])
    return np.stack([(share * e**2).sum(1), (share * np.abs(e)).sum(1)]), share.sum(0)
