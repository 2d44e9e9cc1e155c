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
from qstats.index.methods import Function
from qstats.index.tree import Tree
from qstats.stats import aggregation, composite

Array = np.ndarray

#: numbers in one table of a chunk: 16 MB, so that a chunk stays in memory whatever the number of runs
BLOCK: Final = 2_000_000
#: factors in the order in which they are taken
FACTORS: Final = ("sampling", "imputation", "number", "treatment", "normalisation", "weights", "aggregation")


class Steps(NamedTuple):
    """What a level of each factor means.

    Attributes
    ----------
    tables : ndarray, shape (draws, units, leaves)
        Values of the indicators; the nominal ones first.
    imputation, treatment, normalisation : tuple of functions or None
    weights : ndarray, shape (sets, nodes)
        Within the parent; any common factor of a family cancels.
    aggregation : tuple of mapping
        Options, as :func:`qstats.index.methods.aggregation_options` returns them.
    missing : str
        Of :func:`qstats.stats.aggregation.aggregate`.
    """

    tables: Array
    imputation: tuple[Function | None, ...]
    treatment: tuple[Function | None, ...]
    normalisation: tuple[Function | None, ...]
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
    """Tables (tables, units, leaves), which of them each run has, and those that failed."""

    tables: Array
    of: Array
    dead: dict[int, str]


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
    draw, impute, number, treat, normalise, weigh, add = level
    used, of = np.unique(draw, return_inverse=True)
    stage = _Stage(_rows(steps.tables, used), of.reshape(-1), {})
    zero, names = np.zeros_like(number), [tree.codes[leaf] for leaf in tree.leaves]
    stage = _take(stage, impute, number, steps.imputation, names)
    stage = _take(stage, treat, zero, steps.treatment, names)
    stage = _take(stage, normalise, zero, steps.normalisation, names)
    dead = {at: stage.dead[int(own)] for at, own in enumerate(stage.of) if int(own) in stage.dead}
    leaves = np.ascontiguousarray(np.moveaxis(stage.tables, -1, 0))
    alive = np.array([at for at in range(level.shape[1]) if at not in dead], int)
    for choice in np.unique(add[alive]):
        rows = alive[add[alive] == choice]

        def total(some: Array, choice: int = int(choice)) -> Array:
            below = _rows(leaves, stage.of[some], 1)
            return climb(tree, below, steps.weights[weigh[some]], steps.aggregation[choice], steps.missing)

        found, bad = _guarded(total, rows)
        for at, block in found:
            score[:, piece[at]] = block
        dead |= bad
    return dead


def _take(
    stage: _Stage, level: Array, number: Array, functions: Sequence[Function | None], names: Sequence[str]
) -> _Stage:
    """Take a step once for every table and alternative that occur together."""
    if len(functions) == 1 and functions[0] is None:
        return stage
    keys, of = np.unique(np.stack([stage.of, level, number]), axis=1, return_inverse=True)
    source, choice, seeds = keys
    blocks: list[tuple[Array, Array]] = []
    dead = {at: stage.dead[int(own)] for at, own in enumerate(source) if int(own) in stage.dead}
    alive = np.array([at for at in range(len(source)) if at not in dead], int)
    for which in np.unique(choice[alive]):
        rows, step = alive[choice[alive] == which], functions[which]
        if step is None:
            blocks.append((rows, _rows(stage.tables, source[rows])))
            continue

        def taken(some: Array, step: Function = step) -> Array:
            with naming(names):
                return step(_rows(stage.tables, source[some]), seeds[some])

        found, bad = _guarded(taken, rows)
        blocks += found
        dead |= bad
    if len(blocks) == 1 and len(blocks[0][0]) == len(source):
        return _Stage(blocks[0][1], of.reshape(-1), dead)
    tables = np.full((len(source), *stage.tables.shape[1:]), np.nan)
    for rows, block in blocks:
        tables[rows] = block
    return _Stage(tables, of.reshape(-1), dead)


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
            score[node] = aggregation.aggregate(stack, w[:, None, :], missing=missing, **own).value
    return score


def _complete(own: Mapping[str, Any], below: Array) -> bool:
    """Return whether nothing is missing, so that a weighted sum is all there is to do."""
    return set(own) <= {"method"} and not np.isnan(below).any()
