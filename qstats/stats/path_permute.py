r"""Path models of groups whose labels are permuted: what every permutation test of groups rests on.

If answers do not depend on the group, any distribution of the labels over the units is as likely as the
one seen, within strata where units were drawn by strata. Labels move; answers, survey weights and the members
of a unit stay together, and all groups are fitted anew.

Letters: θ_g parameters in group g of G, m units, K parameters, B permutations.

References
----------
Chin, Dibbern (2010), An introduction to a permutation based procedure for multi-group PLS analysis,
Handbook of Partial Least Squares, 171–193.
Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd ed., for permutation in blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, get_args
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, whole_number
from qstats.stats.path_moments import Missing, moments, resampled
from qstats.stats.pathmodel import FAILURES, USUAL, Fit, Fitting, Model, fit, fit_stack

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

#: Means (B, p), covariances (B, p, p) and fits of B samples → (B, K) parameters.
Statistic = Callable[[Array, Array, Fit], Array]

REASONS: Final = (*FAILURES, "few answers", "no value")
FEW: Final = REASONS.index("few answers")
NO_VALUE: Final = REASONS.index("no value")
_WHOLE: Final = "only labels of whole units can be permuted: compare groups that units do not cross"


class Rows(NamedTuple):
    """The n rows that have a weight; make them with :func:`weighted_rows`."""

    answers: Array  #: (n, p)
    weights: Array  #: (n,)
    unit: Index  #: (n,) counted from 0, as strata are
    group: Index  #: (n,)
    stratum: Index  #: (n,)
    groups: int  #: G, of the rows without a weight as well


class Permuted(NamedTuple):
    """K parameters of G groups, as labels are and as they are after B permutations."""

    estimate: Array  #: (G, K)
    drawn: Array  #: (B, G, K) NaN where a group could not be fitted
    failure: Index  #: (B,) position in :data:`REASONS`; 0 is a fit of every group
    units: Index  #: (G,) units of each group
    free: bool  #: whether labels can move at all: some stratum has units of two groups


def permuted(
    rows: Rows,
    model: Model,
    statistic: Statistic,
    *,
    missing: Missing = "raise",
    how: Fitting = USUAL,
    permutations: int = 1000,
    seed: int | None = 0,
    chunk: int = 128,
) -> Permuted:
    """Fit the model to every group, as labels are and under permuted labels.

    Parameters
    ----------
    rows : Rows
        Of :func:`weighted_rows`.
    model, statistic, missing, how, permutations, seed, chunk
        See :func:`qstats.stats.path_groups.permutation_test`.

    Returns
    -------
    Permuted

    Raises
    ------
    DataError
        See :func:`qstats.stats.path_groups.permutation_test`.
    OptionError
        An option of a fit, a treatment of gaps or a number that is none.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=60)
    >>> X = np.column_stack([x, 0.5 * x + rng.normal(size=60)])
    >>> rows = weighted_rows(X, None, None, np.arange(60) % 2, None)
    >>> path = lambda mean, covariance, fit: fit.paths[:, 1, :1]
    >>> found = permuted(rows, specify([0, 1], [[0, 0], [1, 0]]), path, permutations=5)
    >>> found.drawn.shape, found.units.tolist()
    ((5, 2, 1), [30, 30])
    """
    one_of("missing", missing, get_args(Missing))
    whole_number("permutations", permutations, least=1)
    whole_number("chunk", chunk, least=1)
    if seed is not None:
        whole_number("seed", seed, least=0)
    given = of_units(rows.group, rows.unit, "groups", _WHOLE)
    layer = of_units(rows.stratum, rows.unit, "strata", _WHOLE)
    refuse_few(_answered(rows.answers, missing), rows.group, rows.groups, rows.answers.shape[1])
    start = pooled_weights(rows, model, missing, how)
    args = (rows, model, statistic, missing, how, start)
    estimate, failed = _estimates(given[:, None], *args)
    if failed.any():
        g = int(np.flatnonzero(failed[0])[0])
        raise DataError(f"the model cannot be fitted to group {g}: {REASONS[failed[0, g]]}")
    stacks = relabelled(given, permutations, seed=seed, stratum=layer, chunk=chunk)
    parts = [_estimates(L, *args) for L in stacks]
    lost = np.concatenate([part for _, part in parts]).max(1).astype(np.intp)
    free = len(np.unique(np.column_stack([layer, given]), axis=0)) > layer.max() + 1
    units = np.bincount(given, minlength=rows.groups)
    return Permuted(estimate[0], np.concatenate([part for part, _ in parts]), lost, units, free)


def relabelled(
    given: ArrayLike,
    permutations: int,
    *,
    seed: int | None,
    stratum: ArrayLike | None = None,
    chunk: int = 128,
) -> Iterator[Index]:
    """Yield permuted labels (m, b) of m units, some permutations at a time; each group keeps its number.

    Of each random order of the units (of a stratum) the smallest group takes the first, the next the
    following: what is drawn does not depend on how groups are called.

    Parameters
    ----------
    given : array_like of int, shape (m,)
        The labels of the units.
    permutations : int
    seed : int or None
        None draws anew; 0 is a seed like any other.
    stratum : array_like of int, shape (m,), optional
        0 … H − 1; labels move within, so that each stratum keeps its number of each group.
    chunk : int
        Permutations at a time.

    Yields
    ------
    ndarray of int, shape (m, b)

    Examples
    --------
    >>> labels = next(relabelled([0, 0, 1, 1, 1], 4, seed=1))
    >>> labels.shape, labels.sum(axis=0).tolist()
    ((5, 4), [3, 3, 3, 3])
    """
    label = np.asarray(given, np.intp)
    sizes = np.bincount(label)
    order = np.argsort(sizes, kind="stable")
    place = np.empty(order.size, np.intp)
    place[order] = np.arange(order.size)
    layer = np.zeros(label.size, np.intp) if stratum is None else np.asarray(stratum, np.intp)
    inside = [np.flatnonzero(layer == h) for h in range(int(layer.max(initial=0)) + 1)]
    dealt = [order[np.sort(place[label[own]])] for own in inside]
    name = crc32(b"labels of groups")
    rng = np.random.default_rng(None if seed is None else [seed, name, *sizes[order].tolist()])
    for b in range(0, permutations, chunk):
        labels = np.empty((min(chunk, permutations - b), label.size), np.intp)
        for row in labels:
            for own, labels_of in zip(inside, dealt, strict=True):
                row[own[rng.permutation(own.size)]] = labels_of
        yield labels.T


def weighted_rows(
    X: ArrayLike,
    weights: ArrayLike | None,
    unit: ArrayLike | None,
    group: ArrayLike | None,
    stratum: ArrayLike | None,
) -> Rows:
    """Return the rows that have a weight: one of zero is the same as no row.

    By default each weighs 1 and is a unit, and there is one group and one stratum.

    Parameters
    ----------
    X : array_like, shape (n, p)
    weights, unit, group, stratum : array_like, shape (n,), or None
        Units and strata of any kind; groups are 0 … G − 1.

    Returns
    -------
    Rows

    Examples
    --------
    >>> rows = weighted_rows([[1.0], [2.0], [3.0]], [1, 0, 2], ["a", "b", "c"], [0, 1, 1], None)
    >>> rows.answers.ravel().tolist(), rows.unit.tolist(), rows.groups
    ([1.0, 3.0], [0, 1], 2)
    """
    x = np.asarray(X, float)
    n = len(x)
    w = np.ones(n) if weights is None else np.asarray(weights, float)
    label = np.zeros(n, np.intp) if group is None else np.asarray(group, np.intp)
    number = np.arange(n) if unit is None else np.asarray(unit)
    layer = np.zeros(n, np.intp) if stratum is None else np.asarray(stratum)
    G = int(label.max(initial=0)) + 1
    if w.shape == (n,) and (w == 0).any():
        x, w, number, label, layer = (part[w != 0] for part in (x, w, number, label, layer))
    number, layer = (np.unique(part, return_inverse=True)[1].ravel() for part in (number, layer))
    return Rows(x, w, number, label, layer, G)


def of_units(label: Index, number: Index, of: str, why: str) -> Index:
    """Return the label of every unit, or raise where a unit lies in several groups (or strata).

    Parameters
    ----------
    label, number : ndarray of int, shape (n,)
        Group (or stratum) and unit of the rows, units counted from 0.
    of, why : str
        What labels are called, and what to do where a unit has several.

    Returns
    -------
    ndarray of int, shape (m,)

    Raises
    ------
    DataError
        A unit in several groups.

    Examples
    --------
    >>> of_units(np.array([1, 1, 0]), np.array([0, 0, 1]), "groups", "").tolist()
    [1, 0]
    """
    at = np.unique(number, return_index=True)[1]
    mixed = label != label[at][number]
    if mixed.any():
        units = np.unique(number[mixed])
        raise DataError(
            f"{units.size} of {at.size} units lie in several {of} (the first: number {units[0]}); {why}"
        )
    return np.asarray(label[at])


def _answered(x: Array, missing: Missing) -> Flag:
    gaps = np.isnan(x)
    return np.asarray(~gaps.any(1) if missing == "casewise" else ~gaps.all(1))


def refuse_few(answered: Flag, label: Index, G: int, p: int) -> None:
    """Raise on fewer than two groups, and on a group of fewer answers than items and one.

    Parameters
    ----------
    answered : ndarray of bool, shape (n,)
        Rows that count.
    label : ndarray of int, shape (n,)
        0 … G − 1.
    G, p : int
        Groups and items.

    Raises
    ------
    DataError
        With the number of the smallest group.

    Examples
    --------
    >>> refuse_few(np.ones(8, bool), np.arange(8) % 2, 2, 3)
    """
    if G < 2:
        raise DataError(f"{G} group: a comparison needs two")
    counts = np.bincount(label[answered], minlength=G)
    if (counts < p + 1).any():
        g = int(counts.argmin())
        raise DataError(f"group {g} has {counts[g]} answers; {p} items need {p + 1} in every group")


def pooled_weights(rows: Rows, model: Model, missing: Missing, how: Fitting) -> Array:
    """Return the outer weights (p,) of the whole sample.

    Where the fits of its groups or folds start, so that the signs of their constructs are alike.

    Parameters
    ----------
    rows : Rows
    model : Model
    missing
        See :func:`qstats.stats.path_moments.moments`.
    how : Fitting

    Returns
    -------
    ndarray, shape (p,)
        Of z-scores.

    Raises
    ------
    DataError, PathModelError
        Answers without moments; a model that cannot be fitted to them.

    Examples
    --------
    >>> from qstats.stats.pathmodel import specify
    >>> rows = weighted_rows([[1.0, 2], [2, 1], [3, 5], [4, 3]], None, None, None, None)
    >>> pooled_weights(rows, specify([0, 1], [[0, 0], [1, 0]]), "raise", USUAL).tolist()
    [1.0, 1.0]
    """
    whole = moments(rows.answers, rows.weights, missing=missing)
    return fit(whole.covariance, model, how=how).standardised


def _estimates(
    labels: Index,
    rows: Rows,
    model: Model,
    statistic: Statistic,
    missing: Missing,
    how: Fitting,
    start: Array,
) -> tuple[Array, Index]:
    """Return parameters (b, G, K) and failures (b, G) under labels of units (m, b): one stack of b·G fits."""
    x, G = rows.answers, rows.groups
    mine = labels[rows.unit][:, :, None] == np.arange(G)
    inside = mine.reshape(len(x), -1)
    mean, S = next(resampled(x, inside * rows.weights[:, None], missing=missing, chunk=inside.shape[1]))
    found = fit_stack(S, model, how, start)
    with np.errstate(invalid="ignore", divide="ignore"):
        theta = np.asarray(statistic(mean.T, np.moveaxis(S, -1, 0), found), float)
    failure = found.failure.copy()
    counts = _answered(x, missing).astype(float) @ inside
    failure[counts < x.shape[1] + 1] = FEW
    failure[(failure == 0) & np.isnan(theta).any(1)] = NO_VALUE
    theta = np.where(((failure > 0) & (failure != NO_VALUE))[:, None], np.nan, theta)
    return theta.reshape(-1, G, theta.shape[1]), failure.reshape(-1, G)
