"""A statistic of every group, in the whole sample and in every replicate of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.studies import Fitted, Study, fitted
from qstats.stats.covariance import Errors, Level
from qstats.stats.path_moments import resampled
from qstats.stats.pathmodel import FAILURES, Fit, Metric, fit_stack
from qstats.stats.satisfaction import item_means

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: item means (B, p), covariances (B, p, p), fits of B replicates, and the fit of the whole → (B, K)
Statistic = Callable[[Array, Array, Fit, Fitted], Array]

#: numbers of one block of replicate weights
BLOCK: Final = 4_000_000
#: what is wrong with a replicate whose fit is fine and whose statistic is not
NO_VALUE: Final = len(FAILURES)


class Result(NamedTuple):
    """K statistics of G groups.

    Attributes
    ----------
    estimate : ndarray, shape (G, K)
    values : ndarray, shape (G, K, B)
        Replicates; NaN where one failed. B = 0 without a plan.
    failure : ndarray of int, shape (G, B)
        Position in :data:`qstats.stats.pathmodel.FAILURES`; 0 is a fit.
    fits : list of Fitted or None
    reasons : list of str
        Why a group has no fit.
    metric : str
    """

    estimate: Array
    values: Array
    failure: Index
    fits: list[Fitted | None]
    reasons: list[str]
    metric: Metric

    def failed(self) -> dict[str, int]:
        """How many replicates failed, by reason."""
        codes, counts = np.unique(self.failure[self.failure > 0], return_counts=True)
        names = (*FAILURES, "no value")
        return {names[k]: int(c) for k, c in zip(codes, counts, strict=True)}


def solve(
    of: Study, metric: Metric, statistic: Statistic, K: int, *, plan: drawing.Plan | None = None
) -> Result:
    """Return a statistic of each group and its replicates under `plan` (by default that of the study)."""
    fits, reasons = fitted(of, metric)
    estimate = np.full((of.groups, K), np.nan)
    for g, own in enumerate(fits):
        if own is not None:
            one = Fit._make(np.asarray(part)[None] for part in own.fit)
            estimate[g] = statistic(own.moments.mean[None], own.moments.covariance[None], one, own)[0]
    used = plan or of.plan
    B = 0 if used is None else used.B
    values, failure = np.full((of.groups, K, B), np.nan), np.zeros((of.groups, B), np.intp)
    if used is None or all(own is None for own in fits):
        return Result(estimate, values, failure, fits, reasons, metric)

    def fill(part: tuple[int, int]) -> None:
        W = drawing.weights(of.survey.drawn, used, *part)
        for g, x, failed in _chunk(of, metric, statistic, fits, W):
            values[g, :, slice(*part)], failure[g, slice(*part)] = x.T, failed

    blocks = list(parts(len(of.survey.X), B))
    if of.how.workers == 1:
        for part in blocks:
            fill(part)
    else:
        with ThreadPoolExecutor(of.how.workers) as pool:
            list(pool.map(fill, blocks))
    return Result(estimate, values, failure, fits, reasons, metric)


def parts(n: int, B: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last replicate of each block; their size depends on the number of rows only."""
    width = int(np.clip(BLOCK // max(1, n), 16, 256))
    for start in range(0, B, width):
        yield start, min(start + width, B)


def _chunk(
    of: Study, metric: Metric, statistic: Statistic, fits: list[Fitted | None], W: Array
) -> Iterator[tuple[int, Array, Index]]:
    """Yield group, statistics (b, K) and failures (b,) of a block of replicates."""
    first = next(own for own in fits if own is not None)
    pooled = of.how.outer == "pooled"
    whole = _fits(of, metric, first, of.survey.rows(), W) if pooled else None
    for g, own in enumerate(fits):
        if own is None:
            continue
        if whole is None:
            mean, S, found = _fits(of, metric, own, own.rows, W)
        else:
            _, S, found = whole
            mean = item_means(of.survey.X[own.rows][:, own.at], W[own.rows])
        with np.errstate(invalid="ignore", divide="ignore"):
            x = statistic(mean.T, np.moveaxis(S, -1, 0), found, own)
        failure = found.failure.copy()
        failure[(failure == 0) & np.isnan(x).all(1)] = NO_VALUE
        x = np.where((failure > 0)[:, None], np.nan, x)
        yield g, x, failure


def _fits(of: Study, metric: Metric, own: Fitted, rows: Index, W: Array) -> tuple[Array, Array, Fit]:
    """Return means (p, b), covariances (p, p, b) and fits of some rows under replicate weights."""
    X = of.survey.X[rows][:, own.at]
    mean, S = next(resampled(X, W[rows], missing=of.survey.missing, chunk=W.shape[1]))
    return mean, S, fit_stack(S, own.questions.model, of.how.fitting(metric), own.standardised)


def errors_of(values: Array, estimate: Array, plan: drawing.Plan, sample: str) -> Errors:
    r"""Return the joint error of R statistics from their replicates (R, B).

    .. math:: z_{rb} = \sqrt{a\,r_b}\,(\hat\theta_{rb} - \bar\theta_r)

    Of a bootstrap failed replicates are left out and the others scaled up, :math:`a = 1/(B_r - 1)`, or
    :math:`1/B_r` about the estimate; of any other plan one failure makes the error unknown.
    """
    there = ~np.isnan(values)
    B = there.sum(1)
    counted = plan.rscales > 0
    filled = np.where(there, values, 0.0)
    if plan.mse:
        centre = estimate
    else:
        of_mean = there & counted
        centre = np.where(of_mean, filled, 0.0).sum(1) / np.maximum(of_mean.sum(1), 1)
    if plan.random:
        factor = 1 / np.maximum(B if plan.mse else B - 1, 1)
        Z = np.where(there, np.sqrt(factor)[:, None] * (filled - centre[:, None]), 0.0)
        Z[B < 2] = np.nan
    else:
        Z = np.where(counted, np.sqrt(plan.scale * plan.rscales) * (values - centre[:, None]), 0.0)
        Z[~there[:, counted].all(1)] = np.nan
    one = np.ones(plan.B)
    return Errors((Level(csr_array(Z), np.full(plan.B, -1, np.intp), one, one),), sample)
