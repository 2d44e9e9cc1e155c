"""The whole build of an index over many runs at once, in stages.

A run is a choice for each factor: which draw of the indicators, which alternative of each step, which set of
weights. Runs that agree up to a step share its result, so a run recomputes only what its factor touches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np

from qstats.errors import DataError
from qstats.index.labelled import naming
from qstats.index.methods import Function, Kept, Maker, Screen
from qstats.index.tree import Tree
from qstats.stats import aggregation, composite

Array = np.ndarray

#: numbers in one table of a chunk: 16 MB, so that a chunk stays in memory whatever the number of runs
BLOCK: Final = 2_000_000
#: factors in the order in which they are taken
FACTORS: Final = (
    "sampling",
    "denomination",
    "screening",
    "imputation",
    "number",
    "treatment",
    "normalisation",
    "weights",
    "aggregation",
)


class Steps(NamedTuple):
    """What a level of each factor means.

    Attributes
    ----------
    tables : ndarray, shape (draws, units, leaves)
        Values of the indicators; the nominal ones first.
    denomination, imputation, treatment, normalisation : tuple of makers of functions, or None
    screening : tuple of functions or None
    weights : ndarray, shape (sets, nodes)
        Within the parent; any common factor of a family cancels.
    aggregation : tuple of mapping
        Options, as :func:`qstats.index.means.aggregation_options` returns them.
    missing : str
        Of :func:`qstats.stats.aggregation.aggregate`.
    """

    tables: Array
    denomination: tuple[Maker | None, ...]
    screening: tuple[Screen | None, ...]
    imputation: tuple[Maker | None, ...]
    treatment: tuple[Maker | None, ...]
    normalisation: tuple[Maker | None, ...]
    weights: Array
    aggregation: tuple[Mapping[str, Any], ...]
    missing: aggregation.Missing


class Built(NamedTuple):
    """What the runs came to.

    Attributes
    ----------
    score : ndarray, shape (nodes, runs, units)
        NaN where nothing was observed, and in runs that failed.
    failed : dict of int → str
        Number of each run that failed, and why.
    """

    score: Array
    failed: dict[int, str]


class _Stage(NamedTuple):
    """Tables (tables, units, leaves), which of them each run has, those that failed, and what each kept."""

    tables: Array
    of: Array
    dead: dict[int, str]
    kept: dict[int, Kept]


def run(tree: Tree, steps: Steps, levels: Mapping[str, Array], /, *, workers: int = 1) -> Built:
    """Build the index in every run.

    Parameters
    ----------
    tree : Tree
    steps : Steps
    levels : mapping of str → ndarray of int, shape (runs,)
        The level of each of :data:`FACTORS` in each run; ``number`` is the seed of multiple imputations.
    workers : int
        Threads. Chunks are the same whatever their number, so results are too.

    Returns
    -------
    Built

    Raises
    ------
    OptionError
        A step refuses its options, whatever the data.
    """
    table = np.stack([levels[name] for name in FACTORS])
    units = steps.tables.shape[1]
    order = np.lexsort(table[::-1])
    size = max(1, BLOCK // max(1, units * len(tree.codes)))
    pieces = [order[start : start + size] for start in range(0, len(order), size)]
    score = np.empty((len(tree.codes), table.shape[1], units))
    failed: dict[int, str] = {}

    def work(piece: Array) -> None:
        dead = _chunk(tree, steps, table[:, piece], piece, score)
        failed.update({int(piece[at]): why for at, why in dead.items()})
        score[:, piece[np.array(list(dead), int)]] = np.nan

    if workers == 1:
        for piece in pieces:
            work(piece)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, pieces))
    return Built(score, dict(sorted(failed.items())))


def _chunk(tree: Tree, steps: Steps, level: Array, piece: Array, score: Array) -> dict[int, str]:
    """Put the scores of some runs where they belong; return those that failed."""
    draw, divide, select, impute, number, treat, normalise, weigh, add = level
    used, of = np.unique(draw, return_inverse=True)
    stage = _Stage(_rows(steps.tables, used), of.reshape(-1), {}, {})
    zero, names = np.zeros_like(number), [tree.codes[leaf] for leaf in tree.leaves]
    stage = _take(stage, divide, zero, steps.denomination, names)
    stage = _screened(stage, select, steps.screening)
    stage = _take(stage, impute, number, steps.imputation, names)
    stage = _take(stage, treat, zero, steps.treatment, names)
    stage = _take(stage, normalise, zero, steps.normalisation, names)
    dead = {at: stage.dead[int(own)] for at, own in enumerate(stage.of) if int(own) in stage.dead}
    leaves = np.ascontiguousarray(np.moveaxis(stage.tables, -1, 0))
    alive = np.array([at for at in range(level.shape[1]) if at not in dead], int)
    for (choice, _), (rows, kept) in _alike(add, stage.of, alive, stage.kept).items():

        def total(some: Array, choice: int = choice, kept: Kept | None = kept) -> Array:
            below, w = _rows(leaves, stage.of[some], 1), steps.weights[weigh[some]]
            options = steps.aggregation[choice]
            if kept is None:
                return climb(tree, below, w, options, steps.missing)
            found = np.full((len(tree.codes), *below.shape[1:]), np.nan)
            w = _weights_of_kept(tree, w, kept, steps.missing)
            found[..., kept.units] = climb(tree, below[..., kept.units], w, options, steps.missing)
            return found

        found, bad = _guarded(total, rows)
        for at, block in found:
            score[:, piece[at]] = block
        dead |= bad
    return dead


def _alike(
    choice: Array, table: Array, rows: Array, kept: dict[int, Kept]
) -> dict[tuple[int, int], tuple[Array, Kept | None]]:
    """Return the rows that make the same choice for tables of which the same was kept."""
    names: dict[bytes, int] = {}
    part = np.zeros(len(choice), int)
    for at in rows if kept else ():
        if (own := kept.get(int(table[at]))) is not None:
            part[at] = names.setdefault(b"|".join(place.tobytes() for place in own), len(names) + 1)
    keys, of = np.unique(np.stack([choice[rows], part[rows]]), axis=1, return_inverse=True)
    groups = [rows[of.reshape(-1) == k] for k in range(keys.shape[1])]
    return {
        (int(c), int(p)): (own, kept.get(int(table[own[0]])))
        for (c, p), own in zip(keys.T, groups, strict=True)
    }


def _weights_of_kept(tree: Tree, weights: Array, kept: Kept, missing: aggregation.Missing) -> Array:
    """Return weights without those of leaves that were screened out.

    A node of which nothing is left gives its weight to the others under "renormalise", and is refused else.
    """
    out = np.setdiff1d(np.arange(len(tree.leaves)), kept.leaves)
    w = weights.copy()
    w[:, tree.leaves[out]] = 0.0
    for node, below in tree.families:
        bare = w[:, below].sum(1) <= 0
        if bare.any() and missing != "renormalise":
            raise DataError(f"screening leaves no indicator with a weight below {tree.codes[node]}")
        w[np.ix_(bare, below)] = weights[np.ix_(bare, below)]
    return w


def _screened(stage: _Stage, level: Array, functions: Sequence[Screen | None]) -> _Stage:
    """Find what each table keeps, and make the rest missing."""
    if not any(functions):
        return stage
    keys, of = np.unique(np.stack([stage.of, level]), axis=1, return_inverse=True)
    source, choice = keys
    tables, kept = stage.tables[source], dict[int, Kept]()
    for which in np.unique(choice):
        screen = functions[which]
        if screen is None:
            continue
        rows = np.flatnonzero(choice == which)
        units, leaves = screen(tables[rows])
        tables[rows] = np.where(units[..., None] & leaves[:, None], tables[rows], np.nan)
        kept |= {
            int(at): Kept(np.flatnonzero(u), np.flatnonzero(q))
            for at, u, q in zip(rows, units, leaves, strict=True)
            if not (u.all() and q.all())
        }
    dead = {at: stage.dead[int(own)] for at, own in enumerate(source) if int(own) in stage.dead}
    dead |= {
        at: "screening leaves nothing" for at, own in kept.items() if not (own.units.size and own.leaves.size)
    }
    return _Stage(tables, of.reshape(-1), dead, kept)


def _take(
    stage: _Stage, level: Array, number: Array, makers: Sequence[Maker | None], names: Sequence[str]
) -> _Stage:
    """Take a step once for every table and alternative that occur together."""
    if not any(makers):
        return stage
    keys, of = np.unique(np.stack([stage.of, level, number]), axis=1, return_inverse=True)
    source, choice, seeds = keys
    blocks: list[tuple[Array, Array]] = []
    dead = {at: stage.dead[int(own)] for at, own in enumerate(source) if int(own) in stage.dead}
    alive = np.array([at for at in range(len(source)) if at not in dead], int)
    for (which, _), (rows, kept) in _alike(choice, source, alive, stage.kept).items():
        maker = makers[which]
        if maker is None:
            blocks.append((rows, _rows(stage.tables, source[rows])))
            continue
        step = _on(maker, kept, names)

        def taken(some: Array, step: Function = step) -> Array:
            return step(_rows(stage.tables, source[some]), seeds[some])

        found, bad = _guarded(taken, rows)
        blocks += found
        dead |= bad
    own = {at: stage.kept[int(table)] for at, table in enumerate(source) if int(table) in stage.kept}
    if len(blocks) == 1 and len(blocks[0][0]) == len(source):
        return _Stage(blocks[0][1], of.reshape(-1), dead, own)
    tables = np.full((len(source), *stage.tables.shape[1:]), np.nan)
    for rows, block in blocks:
        tables[rows] = block
    return _Stage(tables, of.reshape(-1), dead, own)


def _on(maker: Maker, kept: Kept | None, names: Sequence[str]) -> Function:
    """Return the function of a step on what was kept; the rest stays missing."""
    step, own = maker(kept), names if kept is None else [names[leaf] for leaf in kept.leaves]

    def done(x: Array, number: Array) -> Array:
        with naming(own):
            if kept is None:
                return step(x, number)
            cells = np.ix_(np.arange(len(x)), kept.units, kept.leaves)
            found = np.full(x.shape, np.nan)
            found[cells] = step(x[cells], number)
            return found

    return done


def _rows(x: Array, rows: Array, axis: int = 0) -> Array:
    """Return rows of an array; all of them, or a run of them, without a copy."""
    start = int(rows[0]) if len(rows) else 0
    if np.array_equal(rows, np.arange(start, start + len(rows))):
        return x[(slice(None),) * axis + (slice(start, start + len(rows)),)]
    return np.take(x, rows, axis)


def _guarded(
    function: Callable[[Array], Array], rows: Array
) -> tuple[list[tuple[Array, Array]], dict[int, str]]:
    """Call a function on rows at once; where it refuses, halve them until those at fault are found."""
    try:
        return [(rows, function(rows))], {}
    except (DataError, np.linalg.LinAlgError) as fault:
        if len(rows) == 1:
            return [], {int(rows[0]): str(fault)}
    half = len(rows) // 2
    (good, bad), (more, worse) = _guarded(function, rows[:half]), _guarded(function, rows[half:])
    return good + more, bad | worse


def climb(
    tree: Tree, leaves: Array, weights: Array, options: Mapping[str, Any], missing: aggregation.Missing
) -> Array:
    r"""Return the score of every node.

    .. math:: S_p = M(S_q, w_q;\ q \text{ below } p)

    Parameters
    ----------
    tree : Tree
    leaves : ndarray, shape (leaves, runs, units)
        Scores of the indicators.
    weights : ndarray, shape (runs, nodes)
    options : mapping
        Of :func:`qstats.stats.aggregation.aggregate`, and by node under "nodes".
    missing : str

    Returns
    -------
    ndarray, shape (nodes, runs, units)
    """
    score = np.empty((len(tree.codes), *leaves.shape[1:]))
    score[tree.leaves] = leaves
    common = {name: value for name, value in options.items() if name != "nodes"}
    for node, below in tree.families:
        own = options["nodes"].get(tree.codes[node], common)
        own = {name: value for name, value in own.items() if name != "nodes"}
        w = weights[:, below]
        if own.get("method", "arithmetic") == "arithmetic" and _complete(own, score[below]):
            score[node] = np.einsum("krc,rk->rc", score[below], composite.available_weights(w, True))
            continue
        stack = np.moveaxis(score[below], 0, -1)
        with naming([tree.codes[k] for k in below]):
            score[node] = _mean(stack, w, own, missing)
    return score


def _mean(scores: Array, weights: Array, own: Mapping[str, Any], missing: aggregation.Missing) -> Array:
    """Return the scores of a node from those below it; an exact order takes one run at a time."""
    if own.get("method") == "kemeny":
        each = zip(scores, weights, strict=True)
        return np.stack([aggregation.aggregate(x, w, missing=missing, **own).value for x, w in each])
    return aggregation.aggregate(scores, weights[:, None, :], missing=missing, **own).value


def _complete(own: Mapping[str, Any], below: Array) -> bool:
    """Return whether nothing is missing, so that a weighted sum is all there is to do."""
    return set(own) <= {"method"} and not np.isnan(below).any()
