r"""Whether composites mean the same in two groups: measurement invariance of composites (MICOM).

Letters: w_g outer weights of z-scores in group g, w those of both groups together, R, m, S and s
correlations, means, covariances and standard deviations of the items in both together, y composites by w, c
the correlation of composites by w_1 and by w_2, B permutations.

References
----------
Henseler, Ringle, Sarstedt (2016), Testing measurement invariance of composites using partial least squares,
International Marketing Review 33, 405–431.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, within_0_1
from qstats.stats.path_groups import TIE, p_value
from qstats.stats.path_moments import Missing, moments
from qstats.stats.path_permute import Permuted, Statistic, permuted, weighted_rows
from qstats.stats.path_quality import correlations
from qstats.stats.pathmodel import USUAL, Fit, Fitting, Model, fit

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Measured(NamedTuple):
    """A measure of C constructs, and what chance makes of it."""

    value: Array  #: (C,)
    low: Array  #: (C,) the quantiles between which chance leaves it
    high: Array  #: (C,)
    p: Array  #: (C,)
    used: Index  #: (C,) permutations


class Invariance(NamedTuple):
    """The second and the third step for two groups."""

    correlation: Measured  #: c; low is the quantile that it should reach, high is 1
    mean: Measured  #: first less second, in standard deviations of both groups together
    log_variance: Measured  #: logarithm of the first over the second
    failure: Index  #: (permutations,) position in :data:`qstats.stats.path_permute.REASONS`


def invariance(
    X: ArrayLike,
    group: ArrayLike,
    model: Model,
    *,
    weights: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    permutations: int = 1000,
    seed: int | None = 0,
    level: float = 0.95,
    chunk: int = 128,
) -> Invariance:
    r"""Test whether the composites of two groups are made alike, and have equal means and variances.

    .. math:: c = \frac{w_1' R\, w_2}{\sqrt{w_1' R\, w_1 \cdot w_2' R\, w_2}}, \qquad
              d = \bar y_1 - \bar y_2, \qquad v = \ln \frac{\operatorname{var} y_1}{\operatorname{var} y_2}

    block by block. Step 2, compositional invariance: c is 1 but for chance; small values speak against it.
    Step 3: d and v are 0 but for chance. Chance is what labels dealt out anew make, with the model fitted to
    every group again for c, while w, R, m and s stay.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    group : array_like of int, shape (n,)
        0 and 1.
    model, weights, unit, stratum, missing, how, permutations, seed, chunk
        See :func:`qstats.stats.path_groups.permutation_test`.
    level : float
        Of the quantiles: c should not be below that of 1 − level, d and v not outside those of (1 ∓ level)/2.

    Returns
    -------
    Invariance
        Of a construct of one item c is 1 and p is 1.

    Raises
    ------
    DataError
        Other than two groups, and see :func:`qstats.stats.path_groups.permutation_test`.

    References
    ----------
    Henseler, Ringle, Sarstedt (2016), steps 2 and 3. Weights are of z-scores by both groups together, so that
    c compares composites of the same numbers.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rng = np.random.default_rng(1)
    >>> y = rng.normal(size=(200, 1))
    >>> X = np.hstack([y + 0.6 * rng.normal(size=(200, 3)), 0.7 * y + 0.7 * rng.normal(size=(200, 2))])
    >>> model = specify([0, 0, 0, 1, 1], [[0, 0], [1, 0]])
    >>> found = invariance(X, np.arange(200) % 2, model, permutations=199)
    >>> bool((found.correlation.value > 0.99).all()), bool((found.correlation.p > 0.05).all())
    (True, True)
    """
    within_0_1("level", level)
    x, label = np.asarray(X, float), np.asarray(group, np.intp)
    if set(np.unique(label)) != {0, 1}:
        raise DataError(f"groups {np.unique(label).tolist()}: measurement invariance compares two, 0 and 1")
    m = moments(x, weights, missing=missing)
    found = permuted(
        weighted_rows(x, weights, unit, label, stratum),
        model,
        _statistic(m.mean, m.covariance, model, how),
        missing=missing,
        how=how,
        permutations=permutations,
        seed=seed,
        chunk=chunk,
    )
    return _tested(found, correlations(m.covariance), model, level)


def _statistic(mean: Array, S: Array, model: Model, how: Fitting) -> Statistic:
    """Return weights, and means and variances of the composites of both groups together, as a statistic."""
    w = fit(S, model, how=how).standardised
    H = _blocks(model)
    v = w / np.sqrt(np.diagonal(S))

    def statistic(own: Array, cov: Array, found: Fit) -> Array:
        y = ((own - mean) * v) @ H
        variance = np.einsum("bjk,j,k,jc,kc->bc", cov, v, v, H, H, optimize=True)
        return np.concatenate([found.standardised, y, variance], axis=1)

    return statistic


def _tested(found: Permuted, R: Array, model: Model, level: float) -> Invariance:
    """Return the measures of the groups as they are, beside those of the permutations."""
    p, C = len(model.blocks), len(model.paths)
    every = np.concatenate([found.estimate[None], found.drawn])
    (w1, y1, s1), (w2, y2, s2) = (np.split(every[:, g], [p, p + C], axis=1) for g in (0, 1))
    H = _blocks(model)
    inside = R * (H @ H.T)
    both, first, second = ((a * (b @ inside)) @ H for a, b in ((w1, w2), (w1, w1), (w2, w2)))
    c = both / np.sqrt(first * second)
    tails = (1 - level) / 2, (1 + level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(s1 / s2)
    return Invariance(
        _measured(c, -c, found.free, (1 - level, 1.0))._replace(high=np.ones(C)),
        _measured(y1 - y2, np.abs(y1 - y2), found.free, tails),
        _measured(ratio, np.abs(ratio), found.free, tails),
        found.failure,
    )


def _measured(value: Array, T: Array, free: bool, tails: tuple[float, float]) -> Measured:
    """Return a measure (the first row) beside its permutations (the others); large T are extreme."""
    p, used = p_value(T[0], T[1:], 2 * TIE, free=free)
    drawn = value[1:][~np.isnan(value[1:]).any(1)]
    low, high = (
        np.quantile(drawn, q, axis=0) if free and len(drawn) else np.full(len(p), np.nan) for q in tails
    )
    return Measured(value[0], low, high, p, used)


def _blocks(model: Model) -> Array:
    """Return 1 where an item (p,) is of a construct (C,)."""
    return np.asarray(model.blocks[:, None] == np.arange(len(model.paths)), float)
