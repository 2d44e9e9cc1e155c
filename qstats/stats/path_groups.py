r"""Path models of several groups: do their parameters differ by more than chance? Permutation tests.

Letters: θ_g a parameter in group g of G, m_g units of it, m of all, ν_g = m_g/m, T the statistic, T* the same
after a permutation, B permutations in which the model could be fitted.

References
----------
Chin, Dibbern (2010), An introduction to a permutation based procedure for multi-group PLS analysis,
Handbook of Partial Least Squares, 171–193.
Sarstedt, Henseler, Ringle (2011), Multigroup analysis in partial least squares path modeling, Advances in
International Marketing 22, 195–218, for the test that the one of several groups is not.
Phipson, Smyth (2010), Permutation p-values should never be zero, SAGMB 9, article 39.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.stats.path_moments import Missing
from qstats.stats.path_permute import REASONS, Statistic, permuted, refuse_few, relabelled, weighted_rows
from qstats.stats.pathmodel import USUAL, Fitting, Model

__all__ = ["REASONS", "GroupTest", "Statistic"]
__all__ += ["between", "p_value", "pairwise", "permutation_test", "relabelled"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: Parameters are known to this share of their size; statistics closer than that are the same.
TIE: Final = 1e-9


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
    stratum: ArrayLike | None = None,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    permutations: int = 1000,
    seed: int | None = 0,
    chunk: int = 128,
) -> GroupTest:
    r"""Test whether parameters of a path model are equal in all groups (two groups: whether they differ).

    .. math:: T = \sum_g \nu_g (\hat\theta_g - \bar\theta)^2, \quad \bar\theta = \sum_g \nu_g \hat\theta_g,
              \qquad p = \frac{1 + \#\{T^* \ge T\}}{1 + B}

    For two groups :math:`T = \nu_1 \nu_2 (\hat\theta_1 - \hat\theta_2)^2`, so that p is that of the absolute
    difference (Chin, Dibbern). For more, T is the variance between groups, and the test an omnibus test by
    permutation of respondents. It is not the OTG of Sarstedt, Henseler, Ringle (2011), whose
    :math:`F_R`, the variance between over the variance within groups of bootstrap estimates, is compared to
    that of permuted bootstrap estimates: their number, which one can choose, decides there, and groups that
    do not differ are found different.

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
        Survey weights; a row keeps its own whatever label it gets. One of zero is the same as no row.
    unit : array_like of int, shape (n,), optional
        What is permuted: the label of a whole unit (cluster). Default: each row is one.
    stratum : array_like of int, shape (n,), optional
        Labels are permuted within strata: for units drawn by strata that groups cross. Default: one.
    missing
        What is done about gaps, see :func:`qstats.stats.path_moments.moments`.
    how : Fitting
        See :func:`qstats.stats.pathmodel.fit`.
    permutations : int
    seed : int or None
        None draws anew each time; 0 is a seed like any other. The stream is named after the numbers of
        units, so neither the order of the groups nor `chunk` changes it.
    chunk : int
        Permutations at a time; the results do not depend on it but for rounding.

    Returns
    -------
    GroupTest
        With p NaN where no stratum has units of two groups, so that labels cannot move.

    Raises
    ------
    DataError
        Fewer than two groups; a group of fewer than p + 1 answers, with its number; a unit that lies in
        several groups; a group to which the model cannot be fitted.

    References
    ----------
    Chin, Dibbern (2010); Manly (2007), Randomization, Bootstrap and Monte Carlo Methods in Biology, 3rd ed.,
    for the variance between groups; Phipson, Smyth (2010) for p.

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
    found = permuted(
        weighted_rows(X, weights, unit, group, stratum),
        model,
        statistic,
        missing=missing,
        how=how,
        permutations=permutations,
        seed=seed,
        chunk=chunk,
    )
    nu = found.units / found.units.sum()
    T = between(found.estimate, nu)
    slack = 2 * TIE * np.sqrt(T) * np.abs(found.estimate).max(0)
    p, B = p_value(T, between(found.drawn, nu), slack, free=found.free)
    return GroupTest(found.estimate, T, p, B, found.failure)


def pairwise(
    X: ArrayLike,
    group: ArrayLike,
    model: Model,
    statistic: Statistic,
    *,
    weights: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    permutations: int = 1000,
    seed: int | None = 0,
    chunk: int = 128,
) -> dict[tuple[int, int], GroupTest]:
    """Test every two groups, their own labels permuted and no others; see :func:`permutation_test`.

    The parameters of a pair do not change with a third group, and neither does its p. Adjust p-values for
    their number with :func:`qstats.stats.multiplicity.adjusted`.

    Parameters
    ----------
    X, group, model, statistic, weights, unit, stratum, missing, how, permutations, seed, chunk
        See :func:`permutation_test`.

    Returns
    -------
    dict of (int, int) → GroupTest
        By the numbers of two groups, the smaller first.

    Raises
    ------
    DataError, OptionError
        See :func:`permutation_test`.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rng = np.random.default_rng(1)
    >>> x, slope = rng.normal(size=150), np.repeat([0.1, 0.1, 0.9], 50)
    >>> X = np.column_stack([x, slope * x + 0.5 * rng.normal(size=150)])
    >>> model = specify([0, 1], [[0, 0], [1, 0]])
    >>> path = lambda mean, covariance, fit: fit.paths[:, 1, :1]
    >>> tests = pairwise(X, np.repeat([0, 1, 2], 50), model, path, permutations=199)
    >>> {pair: round(test.p[0].item(), 3) for pair, test in tests.items()}
    {(0, 1): 0.505, (0, 2): 0.005, (1, 2): 0.005}
    """
    x, label = np.asarray(X, float), np.asarray(group, np.intp)
    given, found = {"weights": weights, "unit": unit, "stratum": stratum}, {}
    refuse_few(np.ones(len(x), bool), label, int(label.max(initial=0)) + 1, x.shape[1])
    for a, b in combinations(range(int(label.max(initial=0)) + 1), 2):
        own = (label == a) | (label == b)
        found[a, b] = permutation_test(
            x[own],
            (label[own] == b).astype(np.intp),
            model,
            statistic,
            **{name: None if of is None else np.asarray(of)[own] for name, of in given.items()},
            missing=missing,
            how=how,
            permutations=permutations,
            seed=seed,
            chunk=chunk,
        )
    return found


def between(estimate: ArrayLike, nu: ArrayLike) -> Array:
    r"""Return :math:`T = \sum_g \nu_g (\theta_g - \bar\theta)^2` (…, K) of parameters (…, G, K).

    Parameters
    ----------
    estimate : array_like, shape (…, G, K)
        θ.
    nu : array_like, shape (G,)
        ν, which add up to 1.

    Returns
    -------
    ndarray, shape (…, K)

    Examples
    --------
    >>> between([[1.0], [3.0]], [0.25, 0.75]).tolist()
    [0.75]
    """
    theta, share = np.asarray(estimate, float), np.asarray(nu, float)[:, None]
    mean = (share * theta).sum(-2, keepdims=True)
    return np.asarray((share * (theta - mean) ** 2).sum(-2))


def p_value(
    T: ArrayLike, drawn: ArrayLike, slack: ArrayLike = 0.0, *, free: bool = True
) -> tuple[Array, Index]:
    r"""Return :math:`p = (1 + \#\{T^* \ge T\})/(1 + B)` (K,) and B, of what could be fitted.

    Parameters
    ----------
    T : array_like, shape (K,)
    drawn : array_like, shape (permutations, K)
        T*; NaN where it could not be computed.
    slack : array_like, shape (K,)
        Below T by no more than that is T: rounding.
    free : bool
        Whether labels could move; else p is NaN, as where B = 0.

    Returns
    -------
    p : ndarray, shape (K,)
    B : ndarray of int, shape (K,)
        Permutations that could be fitted.

    References
    ----------
    Phipson, Smyth (2010).

    Examples
    --------
    >>> p, B = p_value([2.0], [[1.0], [2.0], [3.0], [float("nan")]])
    >>> p.tolist(), B.tolist()
    ([0.75], [3])
    """
    t, found = np.asarray(T, float), np.asarray(drawn, float)
    fitted = ~np.isnan(found)
    B = fitted.sum(0)
    beyond = (found >= t - np.asarray(slack, float)) & fitted
    known = (B > 0) & ~np.isnan(t) & free
    return np.where(known, (1 + beyond.sum(0)) / (1 + B), np.nan), B.astype(np.intp)
