r"""Path models of several groups: do their parameters differ by more than chance? Permutation tests.

If answers do not depend on the group, any distribution of the labels over the units is as likely as the
one seen. Labels move; answers, survey weights and the members of a unit stay together.

Letters: θ_g a parameter in group g of G, m_g units of it, m of all, ν_g = m_g/m, T the statistic, T* the same
after a permutation, B permutations in which the model could be fitted.

References
----------
Chin, Dibbern (2010), An introduction to a permutation based procedure for multi-group PLS analysis,
Handbook of Partial Least Squares, 171–193.
Sarstedt, Henseler, Ringle (2011), Multigroup analysis in partial least squares path modeling, Advances in
International Marketing 22, 195–218, for the omnibus test of group differences.
Phipson, Smyth (2010), Permutation p-values should never be zero, SAGMB 9, article 39.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError
from qstats.stats.path_moments import Missing, moments, resampled
from qstats.stats.pathmodel import FAILURES, Fit, Metric, Model, Scheme, fit, fit_stack

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

#: Means (B, p), covariances (B, p, p) and fits of B samples → (B, K) parameters.
Statistic = Callable[[Array, Array, Fit], Array]

REASONS: Final = (*FAILURES, "few answers", "no value")
FEW: Final = REASONS.index("few answers")
NO_VALUE: Final = REASONS.index("no value")
#: Parameters are known to this share of their size; statistics closer than that are the same.
TIE: Final = 1e-9


class Fitting(NamedTuple):
    """How the model is fitted; see :func:`qstats.stats.pathmodel.fit` and :func:`~.path_moments.moments`."""

    missing: Missing = "raise"
    scheme: Scheme = "path"
    metric: Metric = "standardised"
    tolerance: float = 1e-10
    max_iterations: int = 300


class GroupTest(NamedTuple):
    """A test of K parameters over G groups."""

    estimate: Array  #: (G, K) θ in each group
    statistic: Array  #: (K,) T
    p: Array  #: (K,) NaN where no permutation could be fitted
    used: Index  #: (K,) B
    failure: Index  #: (permutations,) position in :data:`REASONS`; 0 is a fit of every group

    @property
    def reasons(self) -> dict[str, int]:
        """How many permutations failed, by reason."""
        found, counts = np.unique(self.failure[self.failure > 0], return_counts=True)
        return {REASONS[k]: int(count) for k, count in zip(found, counts, strict=True)}


def permutation_test(
    X: ArrayLike,
    group: ArrayLike,
    model: Model,
    statistic: Statistic,
    *,
    weights: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    how: Fitting | None = None,
    permutations: int = 1000,
    seed: int | None = 0,
    chunk: int = 128,
) -> GroupTest:
    r"""Test whether parameters of a path model are equal in all groups (two groups: whether they differ).

    .. math:: T = \sum_g \nu_g (\hat\theta_g - \bar\theta)^2, \quad \bar\theta = \sum_g \nu_g \hat\theta_g,
              \qquad p = \frac{1 + \#\{T^* \ge T\}}{1 + B}

    For two groups :math:`T = \nu_1 \nu_2 (\hat\theta_1 - \hat\theta_2)^2`, so that p is that of the absolute
    difference (Chin, Dibbern). For more, T is the variance between groups of the omnibus test of group
    differences; its reference distribution comes here from the labels of respondents. Permuted bootstrap
    estimates would not do: their number, not that of the respondents, would decide.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    group : array_like of int, shape (n,)
        0 … G − 1.
    model : Model
    statistic : callable
        ``statistic(mean, covariance, fit)`` of arrays with the samples first → (samples, K).
    weights : array_like, shape (n,), optional
        Survey weights; a row keeps its own whatever label it gets.
    unit : array_like of int, shape (n,), optional
        What is permuted: the label of a whole unit (cluster). Default: each row is one.
    how : Fitting, optional
    permutations : int
    seed : int or None
        None draws anew each time; 0 is a seed like any other. The stream is named after the numbers of
        units, so neither the order of the groups nor `chunk` changes it.
    chunk : int
        Permutations at a time; the results do not depend on it but for rounding.

    Returns
    -------
    GroupTest

    Raises
    ------
    DataError
        Fewer than two groups; a group of fewer than p + 1 answers, with its number; a unit that lies in
        several groups; a group to which the model cannot be fitted.

    References
    ----------
    Chin, Dibbern (2010); Sarstedt, Henseler, Ringle (2011); Phipson, Smyth (2010) for p.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rng = np.random.default_rng(1)
    >>> slope = np.repeat([0.1, 0.9], 100)
    >>> x = rng.normal(size=200)
    >>> X = np.column_stack([x, slope * x + 0.5 * rng.normal(size=200)])
    >>> model = specify([0, 1], [[0, 0], [1, 0]])
    >>> path = lambda mean, covariance, fit: fit.paths[:, 1, :1]
    >>> permutation_test(X, np.repeat([0, 1], 100), model, path, permutations=199).p.tolist()
    [0.005]
    """
    if permutations < 1 or chunk < 1:
        raise OptionError(f"permutations={permutations!r}, chunk={chunk!r}: both must be at least 1")
    chosen = Fitting() if how is None else how
    x, label = np.asarray(X, float), np.asarray(group, np.intp)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    G = int(label.max(initial=0)) + 1
    number = np.arange(len(x)) if unit is None else np.unique(np.asarray(unit), return_inverse=True)[1]
    given = _labels_of_units(label, number.ravel())
    _refuse_few(_answered(x, chosen.missing), label, G, x.shape[1])
    start = _pooled(x, w, model, chosen)
    args = (x, w, number.ravel(), G, model, statistic, chosen, start)
    estimate, failed = _estimates(given[:, None], *args)
    if failed.any():
        g = int(np.flatnonzero(failed[0])[0])
        raise DataError(f"the model cannot be fitted to group {g}: {REASONS[failed[0, g]]}")
    nu = np.bincount(given, minlength=G) / given.size
    stacks = relabelled(given, permutations, seed=seed, chunk=chunk)
    drawn = [(between(part, nu), lost) for part, lost in (_estimates(L, *args) for L in stacks)]
    T, found = between(estimate, nu)[0], np.concatenate([part for part, _ in drawn])
    lost = np.concatenate([part for _, part in drawn]).max(1)
    fitted = ~np.isnan(found)
    B = fitted.sum(0)
    slack = 2 * TIE * np.sqrt(T) * np.abs(estimate[0]).max(0)
    beyond = (found >= T - slack) & fitted
    p = np.where((B > 0) & ~np.isnan(T), (1 + beyond.sum(0)) / (1 + B), np.nan)
    return GroupTest(estimate[0], T, p, B.astype(np.intp), lost.astype(np.intp))


def pairwise(
    X: ArrayLike,
    group: ArrayLike,
    model: Model,
    statistic: Statistic,
    *,
    weights: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    how: Fitting | None = None,
    permutations: int = 1000,
    seed: int | None = 0,
    chunk: int = 128,
) -> dict[tuple[int, int], GroupTest]:
    """Test every two groups, their own labels permuted and no others; see :func:`permutation_test`.

    The parameters of a pair do not change with a third group, and neither does its p. Adjust p-values for
    their number with :func:`qstats.stats.multiplicity.adjusted`.
    """
    x, label = np.asarray(X, float), np.asarray(group, np.intp)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    found = {}
    _refuse_few(np.ones(len(x), bool), label, int(label.max(initial=0)) + 1, x.shape[1])
    for a, b in combinations(range(int(label.max(initial=0)) + 1), 2):
        own = (label == a) | (label == b)
        found[a, b] = permutation_test(
            x[own],
            (label[own] == b).astype(np.intp),
            model,
            statistic,
            weights=w[own],
            unit=None if unit is None else np.asarray(unit)[own],
            how=how,
            permutations=permutations,
            seed=seed,
            chunk=chunk,
        )
    return found


def between(estimate: ArrayLike, nu: ArrayLike) -> Array:
    r"""Return :math:`T = \sum_g \nu_g (\theta_g - \bar\theta)^2` (…, K) of parameters (…, G, K)."""
    theta, share = np.asarray(estimate, float), np.asarray(nu, float)[:, None]
    mean = (share * theta).sum(-2, keepdims=True)
    return np.asarray((share * (theta - mean) ** 2).sum(-2))


def relabelled(given: ArrayLike, permutations: int, *, seed: int | None, chunk: int = 128) -> Iterator[Index]:
    """Yield permuted labels (m, b) of m units, some permutations at a time; each group keeps its number.

    Of each random order of the units the smallest group takes the first, the next the following: what is
    drawn does not depend on how groups are called.

    Parameters
    ----------
    given : array_like of int, shape (m,)
        The labels of the units.
    permutations : int
    seed : int or None
    chunk : int
    """
    sizes = np.bincount(np.asarray(given, np.intp))
    order = np.argsort(sizes, kind="stable")
    dealt = np.repeat(order, sizes[order])
    name = crc32(b"labels of groups")
    rng = np.random.default_rng(None if seed is None else [seed, name, *sizes[order].tolist()])
    for b in range(0, permutations, chunk):
        labels = np.empty((min(chunk, permutations - b), dealt.size), np.intp)
        for row in labels:
            row[rng.permutation(dealt.size)] = dealt
        yield labels.T


def _labels_of_units(label: Index, number: Index) -> Index:
    """Return the label of every unit, or raise where a unit lies in several groups."""
    at = np.unique(number, return_index=True)[1]
    mixed = label != label[at][number]
    if mixed.any():
        units = np.unique(number[mixed])
        raise DataError(
            f"{units.size} of {at.size} units lie in several groups (the first: number {units[0]}); only"
            " labels of whole units can be permuted: compare groups that units do not cross"
        )
    return np.asarray(label[at])


def _answered(x: Array, missing: Missing) -> Flag:
    gaps = np.isnan(x)
    return np.asarray(~gaps.any(1) if missing == "casewise" else ~gaps.all(1))


def _refuse_few(answered: Flag, label: Index, G: int, p: int) -> None:
    """Raise on fewer than two groups, and on a group of fewer answers than items and one."""
    if G < 2:
        raise DataError(f"{G} group: a comparison needs two")
    counts = np.bincount(label[answered], minlength=G)
    if (counts < p + 1).any():
        g = int(counts.argmin())
        raise DataError(f"group {g} has {counts[g]} answers; {p} items need {p + 1} in every group")


def _pooled(x: Array, w: Array, model: Model, how: Fitting) -> Array:
    """Return the outer weights of all groups together: where every fit starts, so that labels are alike."""
    return fit(
        moments(x, w, missing=how.missing).covariance,
        model,
        scheme=how.scheme,
        metric=how.metric,
        tolerance=how.tolerance,
        max_iterations=how.max_iterations,
    ).standardised


def _estimates(
    labels: Index,
    x: Array,
    w: Array,
    number: Index,
    G: int,
    model: Model,
    statistic: Statistic,
    how: Fitting,
    start: Array,
) -> tuple[Array, Index]:
    """Return parameters (b, G, K) and failures (b, G) under labels of units (m, b): one stack of b·G fits."""
    mine = labels[number][:, :, None] == np.arange(G)
    inside = mine.reshape(len(x), -1)
    mean, S = next(resampled(x, inside * w[:, None], missing=how.missing, chunk=inside.shape[1]))
    found = fit_stack(
        S,
        model,
        scheme=how.scheme,
        metric=how.metric,
        tolerance=how.tolerance,
        max_iterations=how.max_iterations,
        start=start,
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        theta = np.asarray(statistic(mean.T, np.moveaxis(S, -1, 0), found), float)
    failure = found.failure.copy()
    counts = _answered(x, how.missing).astype(float) @ inside
    failure[counts < x.shape[1] + 1] = FEW
    failure[(failure == 0) & np.isnan(theta).any(1)] = NO_VALUE
    theta = np.where(((failure > 0) & (failure != NO_VALUE))[:, None], np.nan, theta)
    return theta.reshape(-1, G, theta.shape[1]), failure.reshape(-1, G)
