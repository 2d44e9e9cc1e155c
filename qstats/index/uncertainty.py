"""How uncertain an index is: errors of its indicators and choices of method, through the tree together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from qstats.errors import kind_of, one_of, within_0_1
from qstats.estimate import Estimate, sound
from qstats.index import outcomes, runs
from qstats.index.align import Indicators, Missing
from qstats.index.drawn import Unknown
from qstats.index.methods import Options
from qstats.index.outcomes import OUTCOMES, Of, Outcome
from qstats.index.pipeline import BLOCK
from qstats.index.repeated import Runs, index_runs
from qstats.index.runs import GROUPS, Failed, Prepared, Sampling
from qstats.index.tidy import crossed
from qstats.messages import language
from qstats.stats import ranking, sensitivity

Array = np.ndarray

_RANKS: Final = ("rank", "rank-change")


def uncertainty(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    of: Of = "score",
    steps: Mapping[str, Options] | None = None,
    alternatives: Mapping[str, Sequence[Any]] | None = None,
    weight_spread: float | None = None,
    weight_concentration: float | None = None,
    sampling: Sampling = "draws",
    unknown: Unknown = "raise",
    missing: Missing = "raise",
    reference: Mapping[str, object] | None = None,
    n_runs: int = 1000,
    split_runs: int = 128,
    n_imputations: int = 20,
    failed: Failed = "raise",
    level: float = 0.95,
    seed: int = 0,
    workers: int = 1,
    lang: str | None = None,
) -> Estimate:
    r"""Find what an index rests on: the error of its indicators and the choices of its makers.

    In each run the indicators are drawn from their joint error, and of each step with `alternatives` one is
    taken, each as often as any other. All go through the tree together, so that what units, years and nodes
    have in common stays in common. The variance over runs is split

    .. math:: V(Y) = \phi_{\text{sampling}} + \phi_{\text{imputation}} + \phi_{\text{method}}

    into Shapley effects: what the parts do together is divided equally between them.

    Parameters
    ----------
    indicators, framework, missing
        As of :func:`qstats.competitiveness_index`. With an imputation nothing is missing.
    of : {"score", "rank", "change", "rank-change", "gap", "rank-shift"}
        What is asked: of every node and unit the score, its rank within the period, the change of either
        since the period before, or the gap to `reference`; of every node how far ranks move on average.
    steps : mapping, optional
        The nominal "denomination", "screening", "imputation", "treatment", "normalisation", "aggregation", in
        this order: options by name as in :mod:`qstats.stats`, a method, or None to leave the step out.
        Options `within`, `base`, `groups` and `time` name keys of the units, `reference` is key → value;
        bounds, targets, `predictors` go by code. A denomination has `sizes`, a table of keys and sizes, and
        `by`, indicator → column of it. What is screened out is not imputed and has no score; a node of which
        nothing is left is refused, or gives up its weight where `missing` is "renormalise". By default only
        scores between the bounds of the framework ("bounds") and arithmetic means; "nodes" under the
        aggregation gives single nodes other options.
    alternatives : mapping, optional
        Step → list of options, one of which each run takes; "weights" → list of mappings code → weight
        within the parent. The nominal step takes part only if it is in the list.
    weight_spread : float, optional
        s: every weight is multiplied by 1 + s u with u uniform on (−1, 1), and brought to sum to 1.
    weight_concentration : float, optional
        κ: the weights below a node are Dirichlet with parameters κ w; large κ stays near w.
    sampling : {"draws", "none"}
        Draw the indicators, or leave them at their estimates.
    unknown : {"raise", "fixed"}
        What an error that is not known does: refuse, or leave that value fixed, which the notes say.
    reference : mapping, optional
        Of a gap: key → value of the reference.
    n_runs : int
    split_runs : int
        Runs from which the variance is split, each again with every set of its parts drawn anew; shares have
        an error of about √(2/split_runs). Not needed where only one part varies.
    n_imputations : int
        Of the method "multiple": how many differ.
    failed : {"raise", "count"}
        What a run does that has no result (a geometric mean of a negative score): refuse, or leave it out,
        counted in the notes with its cause.
    level : float
        Of the intervals, which are quantiles over the runs.
    seed : int
    workers : int
        Threads; results do not depend on it.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        Keys of the units and ``node``. ``estimate`` is the nominal build, ``std_error`` the deviation over
        runs, ``conf_low, conf_high`` quantiles; ``n`` the runs that count, ``mean`` over them. Of scores also
        ``rank, rank_low, rank_high``. ``share_sampling, share_imputation, share_method`` add up to 1; they
        are NaN where nothing moves, and where some runs leave a unit without a score.

    Raises
    ------
    DataError
        Nothing varies; an error is not known; runs failed; what competitiveness_index refuses.
    OptionError
        A step, an option or a key does not exist; the nearest is named.

    References
    ----------
    Saisana, Saltelli and Tarantola (2005), Uncertainty and sensitivity analysis techniques as tools for the
    quality assessment of composite indicators, JRSS A 168. Handbook, step 7.

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.75, 0.25], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"], "estimate": [88, 0.5], "std_error": [2, 0.1]})
    >>> found = uncertainty(data, tree, seed=1).where(node="all").table.iloc[0]
    >>> float(found["estimate"]), round(float(found["std_error"]), 1)
    (88.5, 1.6)
    """
    one_of("of", of, OUTCOMES)
    within_0_1("level", level)
    done = index_runs(
        indicators,
        framework,
        steps=steps,
        alternatives=alternatives,
        weight_spread=weight_spread,
        weight_concentration=weight_concentration,
        sampling=sampling,
        unknown=unknown,
        missing=missing,
        n_runs=n_runs,
        split_runs=split_runs,
        n_imputations=n_imputations,
        failed=failed,
        seed=seed,
        workers=workers,
        lang=lang,
    )
    return run_summary(done, of, reference=reference, level=level, lang=lang)


def run_summary(
    done: Runs,
    of: Of = "score",
    /,
    *,
    reference: Mapping[str, object] | None = None,
    level: float = 0.95,
    lang: str | None = None,
) -> Estimate:
    """Return intervals of scores, ranks, changes or gaps over runs; see :func:`qstats.uncertainty`.

    Parameters
    ----------
    done : Runs
        Of :func:`qstats.index_runs`.
    of, reference, level, lang
        As of :func:`qstats.uncertainty`.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError, OptionError
        No two periods for a change; a `reference` or a choice that is not there.

    Examples
    --------
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> done = index_runs(data, "ht_capability", n_runs=100, **vary)
    >>> run_summary(done, "rank").value(node="development_capability", region="广东")
    2.0
    """
    kind_of("done", done, Runs, what="what qs.index_runs returns")
    within_0_1("level", level)
    language(lang)
    size = max(1, BLOCK // max(1, done.score[0].size))
    blocks = [slice(start, start + size) for start in range(0, len(done.score), size)]
    parts = [_columns(done, at, of, reference, level, lang) for at in blocks]
    columns = {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}
    return _estimate(done.prepared, done, of, parts[0][0], columns, level)


def _columns(
    done: Runs, at: slice, of: Of, reference: Mapping[str, object] | None, level: float, lang: str | None
) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Return the keys and the columns of some nodes, shape (nodes, rows)."""
    units, nominal = done.prepared.units, done.nominal[at]

    def asked(score: Array) -> Outcome:
        return outcomes.outcome(of, units, nominal, score[at], reference=reference, lang=lang)

    found = asked(done.score)
    rank = of in _RANKS
    low, high = ranking.rank_interval(found.runs, level=level) if rank else _quantiles(found.runs, level)
    n, mean, deviation = _moments(found.runs)
    columns = {
        "estimate": found.nominal,
        "std_error": np.where(n > 1, deviation, np.nan),
        "conf_low": low,
        "conf_high": high,
        "n": n,
        "mean": mean,
    }
    if of == "score":
        ranks = outcomes.ranked(done.score[at], units)
        columns["rank"] = outcomes.ranked(nominal, units)
        columns["rank_low"], columns["rank_high"] = ranking.rank_interval(ranks, level=level)
    parts = {swapped: asked(score).runs for swapped, score in done.mates.items()}
    columns |= _shares(parts, asked(done.first).runs, deviation, np.abs(found.nominal))
    return found.keys, columns


def _quantiles(x: Array, level: float) -> tuple[Array, Array]:
    ordered = np.sort(x, axis=1)
    last = (~np.isnan(ordered)).sum(1, keepdims=True) - 1
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        place = np.maximum(last, 0) * share
        below = np.floor(place).astype(np.intp)
        low, high = (
            np.take_along_axis(ordered, k, 1) for k in (below, np.minimum(below + 1, np.maximum(last, 0)))
        )
        ends.append((low + (high - low) * (place - below))[:, 0])
    return ends[0], ends[1]


def _moments(x: Array) -> tuple[Array, Array, Array]:
    """Return number, mean and deviation over runs."""
    known = ~np.isnan(x)
    n = known.sum(1)
    held = np.where(known, x, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = held.sum(1) / n
        held -= np.where(n > 0, mean, 0.0)[:, None]
        held *= known
        square = np.einsum("nrc,nrc->nc", held, held) / (n - 1)
    return n, np.where(n > 0, mean, np.nan), np.sqrt(square)


def _shares(
    parts: dict[frozenset[str], Array], first: Array, deviation: Array, scale: Array
) -> dict[str, Array]:
    """Return the share of each part in the variance."""
    names = [name for name in GROUPS if any(name in swapped for swapped in parts)]
    moves = deviation > 1e-12 * np.maximum(scale, 1e-300)
    shares = {f"share_{name}": np.where(moves, 0.0, np.nan) for name in GROUPS}
    if len(names) == 1:
        shares[f"share_{names[0]}"] = np.where(moves, 1.0, np.nan)
        return shares
    total = np.zeros((2 ** len(names), *deviation.shape))
    moves &= first.shape[1] > 0
    for swapped, y in parts.items():
        at = sum(1 << names.index(name) for name in swapped)
        total[at] = ((first - y) ** 2).sum(1) / (2 * max(1, first.shape[1]))
    for name, effect in zip(names, sensitivity.shapley_effects(total), strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            shares[f"share_{name}"] = np.where(moves & (total[-1] > 0), effect / total[-1], np.nan)
    return shares


def _estimate(
    prepared: Prepared, done: Runs, of: Of, keys: pd.DataFrame, columns: dict[str, Array], level: float
) -> Estimate:
    names = ", ".join(runs.factors(prepared))
    return sound(
        crossed(keys, prepared.tree.codes, **{name: value.T for name, value in columns.items()}),
        indicator=prepared.tree.root,
        unit="" if "rank" in of else "index",
        method=f"{of} over {done.score.shape[1]} runs of {prepared.name}; varied: {names}",
        level=level,
        inference=prepared.held.inference if prepared.choices.sampling == "draws" else "none",
        provenance=[*prepared.held.provenance, f"framework:{prepared.name}"],
        notes=done.notes,
    )
