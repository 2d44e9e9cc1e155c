"""Many runs of one index: errors of its indicators and choices of method, drawn together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError, kind_of, whole_number
from qstats.index import runs
from qstats.index.align import Indicators, Missing
from qstats.index.drawn import Unknown
from qstats.index.methods import Options
from qstats.index.pipeline import run
from qstats.index.runs import GROUPS, Choices, Failed, Prepared, Sampling
from qstats.messages import say

Array = np.ndarray


class Runs(NamedTuple):
    """An index in many runs.

    Attributes
    ----------
    prepared : Prepared
    nominal : ndarray, shape (nodes, units)
    score : ndarray, shape (nodes, runs, units)
        Runs that failed are left out.
    mates : dict of frozenset → ndarray, shape (nodes, split runs, units)
        The first runs again, with these parts (sampling, imputation, method) drawn anew.
    first : ndarray, shape (nodes, split runs, units)
        Those runs as they were; one that failed, or a partner of which did, is left out.
    notes : list of str
    """

    prepared: Prepared
    nominal: Array
    score: Array
    mates: dict[frozenset[str], Array]
    first: Array
    notes: list[str]

    def __repr__(self) -> str:
        nodes, count, units = self.score.shape
        varied = ", ".join(runs.factors(self.prepared))
        return f"{count} runs of {self.prepared.name}: {units} units × {nodes} nodes; varied: {varied}"


def index_runs(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    steps: Mapping[str, Options] | None = None,
    alternatives: Mapping[str, Sequence[Any]] | None = None,
    weight_spread: float | None = None,
    weight_concentration: float | None = None,
    sampling: Sampling = "draws",
    unknown: Unknown = "raise",
    missing: Missing = "raise",
    n_runs: int = 1000,
    split_runs: int = 128,
    n_imputations: int = 20,
    failed: Failed = "raise",
    seed: int = 0,
    workers: int = 1,
    lang: str | None = None,
) -> Runs:
    """Run an index many times under what is not known, to be asked more than one question.

    What :func:`qstats.uncertainty` does before it sums up. Of the same runs :func:`qstats.run_summary` gives
    intervals of scores, ranks, changes or gaps; :func:`qstats.outranking`, :func:`qstats.rank_groups` and
    :func:`qstats.rank_acceptability` say what is known of ranks, :func:`qstats.significant_changes` of moves.

    Parameters
    ----------
    indicators, framework, steps, alternatives, weight_spread, weight_concentration
        As of :func:`qstats.uncertainty`.
    sampling, unknown, missing, n_runs, split_runs, n_imputations, failed, seed, workers, lang
        As of :func:`qstats.uncertainty`.

    Returns
    -------
    Runs
        ``nominal``, shape (nodes, units), and ``score``, shape (nodes, runs, units), among others.

    Raises
    ------
    DataError, FrameworkError, OptionError
        As of :func:`qstats.uncertainty`.

    Examples
    --------
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> index_runs(data, "ht_capability", n_runs=100, **vary)
    100 runs of ht_capability: 32 units × 10 nodes; varied: weights
    """
    chosen = Choices(
        steps, alternatives, weight_spread, weight_concentration, sampling, unknown, n_imputations
    )
    prepared = runs.prepare(indicators, framework, chosen, missing=missing, lang=lang)
    return simulate(
        prepared, n_runs, split_runs=split_runs, failed=failed, seed=seed, workers=workers, lang=lang
    )


def simulate(
    prepared: Prepared,
    n_runs: int,
    /,
    *,
    split_runs: int = 128,
    failed: Failed = "raise",
    seed: int = 0,
    workers: int = 1,
    lang: str | None = None,
) -> Runs:
    """Run an index, and some runs again with parts drawn anew; see :func:`qstats.uncertainty`.

    Parameters
    ----------
    prepared : Prepared
        Of :func:`qstats.index.runs.prepare`.
    n_runs : int
        2 or more.
    split_runs, failed, seed, workers, lang : optional
        As of :func:`qstats.uncertainty`.

    Returns
    -------
    Runs
        Scores of every run.

    Raises
    ------
    DataError, OptionError
        Nothing varies; a run fails, where that is to raise; a number out of range.
    """
    kind_of("prepared", prepared, Prepared, what="what qstats.index.runs.prepare returns")
    whole_number("n_runs", n_runs, least=2)
    whole_number("split_runs", split_runs, least=2)
    runs.check(seed, workers, failed, lang)
    names = runs.varied(prepared)
    if not names:
        raise DataError(say("uncertainty.nothing", lang))
    nominal = runs.nominal(prepared)  # first: what it refuses, no run can mend
    active = [group for group, members in GROUPS.items() if set(members) & set(names)]
    again = min(n_runs, split_runs) if len(active) > 1 else 0
    steps = runs.with_random(prepared, n_runs + again, seed=seed)
    base = runs.levels(prepared, n_runs, seed=seed)
    other = runs.levels(prepared, again, seed=seed, start=n_runs) if again else {}
    sets = _sets(active) if again else []
    blocks = [base]
    for swapped in sets:
        mixed = {name: level[:again] for name, level in base.items()}
        for group in swapped:
            mixed |= {name: other[name] for name in GROUPS[group]}
        blocks.append(runs.numbered(prepared, mixed))
    every = {name: np.concatenate([block[name] for block in blocks]) for name in base}
    built = run(prepared.tree, steps, every, workers=workers)
    notes = runs.checked(built, failed, lang)
    ok = np.ones(built.score.shape[1], bool)
    ok[list(built.failed)] = False
    pairs = ok[n_runs:].reshape(len(sets), again).all(0) & ok[:again] if again else np.zeros(0, bool)
    mates = {
        swapped: built.score[:, n_runs + k * again : n_runs + (k + 1) * again][:, pairs]
        for k, swapped in enumerate(sets)
    }
    if again:
        notes.append(say("uncertainty.note.split", lang, runs=int(pairs.sum())))
    elif len(active) == 1:
        mates = {frozenset(active): built.score[:, :0]}
    score = built.score[:, :n_runs] if ok[:n_runs].all() else built.score[:, :n_runs][:, ok[:n_runs]]
    first = built.score[:, :again][:, pairs]
    fixed = bool((np.isnan(prepared.held.std_error) & ~np.isnan(prepared.held.value)).any())
    if prepared.choices.sampling == "draws" and prepared.choices.unknown == "fixed" and fixed:
        notes.append(say("uncertainty.note.fixed", lang))
    return Runs(prepared, nominal, score, mates, first, notes)


def _sets(active: list[str]) -> list[frozenset[str]]:
    """Return the sets of some or all parts."""
    every = range(1, 2 ** len(active))
    return [frozenset(g for i, g in enumerate(active) if u >> i & 1) for u in every]
