r"""Resampling of path models: replicates of any statistic, and intervals from them.

The replicate weights come from outside, so that any scheme will do: counts of a simple bootstrap,
Rao–Wu factors of a stratified sample, weights supplied with a survey.

Letters: θ̂ the estimate, θ* its replicates, B their number, a the acceleration, z₀ the bias in units of
the normal distribution.

References
----------
Efron, Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 and 14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, whole_number, within_0_1
from qstats.stats.path_moments import Missing, left_out, resampled
from qstats.stats.pathmodel import FAILURES, USUAL, Fit, Fitting, Model, fit_stack

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: Means (B, p), covariances (B, p, p) and fits of B replicates → named arrays (B, …).
Statistic = Callable[[Array, Array, Fit], Mapping[str, Array]]


class Replicates(NamedTuple):
    """Statistics of B replicates; NaN where a replicate failed."""

    values: dict[str, Array]  #: name → (B, …)
    failure: Index  #: (B,) position in :data:`qstats.stats.pathmodel.FAILURES`; 0 is a fit

    @property
    def reasons(self) -> dict[str, int]:
        """How many replicates failed, by reason."""
        found, counts = np.unique(self.failure[self.failure > 0], return_counts=True)
        return {FAILURES[k]: int(count) for k, count in zip(found, counts, strict=True)}


def parameters(mean: Array, covariance: Array, found: Fit) -> dict[str, Array]:
    """Return the parameters of the model: weights, loadings, paths and R² by name.

    Parameters
    ----------
    mean : ndarray, shape (…, p)
    covariance : ndarray, shape (…, p, p)
        Both are not used here: a statistic is given them.
    found : Fit

    Returns
    -------
    dict of str → ndarray
        ``weights`` and ``loadings`` (…, p), ``paths`` (…, C, C), ``r2`` (…, C).

    Examples
    --------
    >>> from qstats.stats.pathmodel import fit, specify
    >>> R = np.array([[1, 0.6], [0.6, 1]])
    >>> found = fit(R, specify([0, 1], [[0, 0], [1, 0]]))
    >>> parameters(np.zeros(2), R, found)["r2"].round(2).tolist()
    [nan, 0.36]
    """
    return {"weights": found.weights, "loadings": found.loadings, "paths": found.paths, "r2": found.r2}


def bootstrap(
    X: ArrayLike,
    weights: ArrayLike,
    model: Model,
    statistic: Statistic = parameters,
    *,
    start: ArrayLike,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    chunk: int = 256,
) -> Replicates:
    """Fit the model to every column of replicate weights and return what `statistic` makes of the fits.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    weights : array_like, shape (n, B)
        Replicate weights of any scheme (with the survey weights in them) and any type.
    model : Model
    statistic : callable
        ``statistic(mean, covariance, fit)`` of arrays with the replicates first → named arrays with
        the replicates first. Default: :func:`parameters`.
    start : array_like, shape (p,)
        ``Fit.standardised`` of the whole sample. Replicates start from it and turn their composites to
        it, construct by construct, never one parameter.
    missing
        See :func:`qstats.stats.path_moments.moments`.
    how : Fitting
        See :func:`qstats.stats.pathmodel.fit`.
    chunk : int
        Replicates at a time; the results do not depend on it but for rounding.

    Returns
    -------
    Replicates

    Examples
    --------
    >>> from qstats.stats.path_moments import moments
    >>> from qstats.stats.pathmodel import fit, specify
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(200, 1)) + rng.normal(size=(200, 4))
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> found = fit(moments(x).covariance, model)
    >>> counts = resamples(200, 99, seed=1)
    >>> drawn = bootstrap(x, counts, model, start=found.standardised)
    >>> drawn.values["paths"].shape, drawn.reasons
    ((99, 2, 2), {})
    """
    return _replicate(resampled(X, weights, missing=missing, chunk=chunk), model, statistic, how, start)


def jackknife(
    X: ArrayLike,
    w: ArrayLike | None,
    model: Model,
    statistic: Statistic = parameters,
    *,
    start: ArrayLike,
    how: Fitting = USUAL,
    chunk: int = 256,
) -> Replicates:
    """Leave out each row once and return `statistic` of the fits: what the acceleration of BCa needs.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers without gaps.
    w : array_like, shape (n,), or None
        Weights of the rows.
    model : Model
    statistic : callable
        As for :func:`bootstrap`.
    start : array_like, shape (p,)
        ``Fit.standardised`` of the whole sample.
    how : Fitting
        See :func:`qstats.stats.pathmodel.fit`.
    chunk : int
        Rows at a time.

    Returns
    -------
    Replicates
        One for each row.

    Raises
    ------
    OptionError
        An option of a fit, or a `chunk`, that is none.

    Examples
    --------
    >>> from qstats.stats.path_moments import moments
    >>> from qstats.stats.pathmodel import fit, specify
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(50, 1)) + rng.normal(size=(50, 4))
    >>> model = specify([0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> start = fit(moments(x).covariance, model).standardised
    >>> jackknife(x, None, model, start=start).values["paths"].shape
    (50, 2, 2)
    """
    return _replicate(left_out(X, w, chunk=chunk), model, statistic, how, start)


def _replicate(
    stacks: Iterable[tuple[Array, Array]],
    model: Model,
    statistic: Statistic,
    how: Fitting,
    start: ArrayLike,
) -> Replicates:
    """Fit each stack of covariances and collect the statistic."""
    parts: list[Mapping[str, Array]] = []
    failures: list[Index] = []
    for mean, covariance in stacks:
        found = fit_stack(covariance, model, how, np.asarray(start, float))
        parts.append(statistic(mean.T, np.moveaxis(covariance, -1, 0), found))
        failures.append(found.failure)
    failure = np.concatenate(failures)
    values = {name: np.concatenate([np.asarray(part[name], float) for part in parts]) for name in parts[0]}
    for value in values.values():
        value[failure > 0] = np.nan
    return Replicates(values, failure)


def resamples(n: int, B: int, *, seed: int | np.random.Generator | None) -> NDArray[np.uint16]:
    """Return how often each of n rows is drawn in each of B simple bootstrap samples, (n, B).

    Parameters
    ----------
    n, B : int
        Rows and replicates.
    seed : int, Generator or None
        None draws anew each time; 0 is a seed like any other.

    Returns
    -------
    ndarray of uint16, shape (n, B)
        Columns sum to n.

    Raises
    ------
    OptionError
        A number that is not whole, or too small.

    Examples
    --------
    >>> resamples(5, 3, seed=1).sum(axis=0).tolist()
    [5, 5, 5]
    """
    whole_number("n", n, least=1)
    whole_number("B", B, least=1)
    if seed is not None and not isinstance(seed, np.random.Generator):
        whole_number("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    counts = np.empty((B, n), np.uint16)
    for b in range(B):
        counts[b] = np.bincount(rng.integers(0, n, n), minlength=n)
    return counts.T


def std_error(replicates: ArrayLike) -> Array:
    r"""Return :math:`\sqrt{\sum_b (\theta^*_b - \bar\theta^*)^2 / (B - 1)}` over the first axis.

    Failed replicates (NaN) are left out; NaN where fewer than two are left.

    Parameters
    ----------
    replicates : array_like, shape (B, …)

    Returns
    -------
    ndarray, shape (…)

    Examples
    --------
    >>> std_error([[1.0, 2.0], [3.0, float("nan")]]).round(4).tolist()
    [1.4142, nan]
    """
    x = np.asarray(replicates, float)
    there = ~np.isnan(x)
    B = there.sum(0)
    mean = np.where(there, x, 0.0).sum(0) / np.maximum(B, 1)
    squares = np.where(there, (x - mean) ** 2, 0.0).sum(0)
    return np.where(B > 1, np.sqrt(squares / np.maximum(B - 1, 1)), np.nan)


def percentile(replicates: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    r"""Return the α/2 and 1 − α/2 quantiles of the replicates over the first axis.

    Failed replicates (NaN) are left out.

    Parameters
    ----------
    replicates : array_like, shape (B, …)
    level : float
        Confidence level, 1 − α.

    Returns
    -------
    low, high : ndarray, shape (…)

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    References
    ----------
    Efron, Tibshirani (1993), 13.3; quantiles by linear interpolation.

    Examples
    --------
    >>> low, high = percentile(np.arange(101.0), level=0.9)
    >>> low.round(9).item(), high.round(9).item()
    (5.0, 95.0)
    """
    tails = np.array([(1 - _checked(level)) / 2, (1 + level) / 2])
    x = np.asarray(replicates, float)
    low, high = _quantiles(x, np.broadcast_to(tails.reshape(2, *(1,) * (x.ndim - 1)), (2, *x.shape[1:])))
    return low, high


def bca(
    estimate: ArrayLike, replicates: ArrayLike, left_out: ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    r"""Return the bias-corrected and accelerated interval.

    .. math:: \alpha_{1,2} = \Phi\Big(z_0 + \frac{z_0 \mp z}{1 - a (z_0 \mp z)}\Big), \quad
              z_0 = \Phi^{-1}\frac{\#\{\theta^* < \hat\theta\}}{B}, \quad
              a = \frac{\sum_i (\bar\theta - \theta_{(i)})^3}{6\,[\sum_i (\bar\theta - \theta_{(i)})^2]^{3/2}}

    Parameters
    ----------
    estimate : array_like, shape (…)
        θ̂ of the whole sample.
    replicates : array_like, shape (B, …)
        θ*; failed ones (NaN) are left out. One equal to θ̂ counts half.
    left_out : array_like, shape (n, …)
        θ with row i left out, from :func:`jackknife`.
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray, shape (…)
        NaN where all replicates lie on one side of θ̂: then z₀ is not finite.

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.
    DataError
        No replicates.

    References
    ----------
    Efron, Tibshirani (1993), 14.3.

    Examples
    --------
    >>> x = np.random.default_rng(1).gamma(4, size=30)
    >>> drawn = x[np.random.default_rng(2).integers(0, 30, (999, 30))].mean(axis=1)
    >>> left = (x.sum() - x) / 29
    >>> low, high = bca(x.mean(), drawn, left)
    >>> low.round(3).item(), high.round(3).item()
    (3.094, 4.267)
    """
    from scipy.special import ndtr, ndtri

    x, theta, jack = (np.asarray(part, float) for part in (replicates, estimate, left_out))
    _checked(level)
    B = (~np.isnan(x)).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z0 = ndtri(((x < theta).sum(0) + (x == theta).sum(0) / 2) / B)
        d = np.nanmean(jack, axis=0) - jack
        spread = np.nansum(d**2, 0)
        a = np.where(spread > 0, np.nansum(d**3, 0) / (6 * np.where(spread > 0, spread, 1.0) ** 1.5), 0.0)
        z = ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
        along = z0 + z.reshape(2, *(1,) * theta.ndim)
        tails = ndtr(z0 + along / (1 - a * along))
    low, high = _quantiles(x, np.where(np.isfinite(z0), tails, np.nan))
    return low, high


def _checked(level: float) -> float:
    """Return the level, or raise."""
    within_0_1("level", level)
    return level


def _quantiles(x: Array, q: Array) -> Array:
    """Return quantiles q (2, …) of x (B, …) over the first axis, each its own; NaN is left out."""
    if not len(x):
        raise DataError("no replicates: there is nothing to take quantiles of")
    ordered = np.sort(x, axis=0)
    there = (~np.isnan(x)).sum(0)
    known = np.isfinite(q) & (there > 0)
    at = np.where(known, q, 0.0) * np.maximum(there - 1, 0)
    below = np.floor(at).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(there - 1, 0))
    low, high = (np.take_along_axis(ordered, k, axis=0) for k in (below, above))
    return np.where(known, low + (at - below) * (high - low), np.nan)
