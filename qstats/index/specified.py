"""An index under any choice of steps, as an Estimate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from qstats.estimate import Estimate, sound
from qstats.index import runs
from qstats.index.align import Indicators, Missing
from qstats.index.methods import Options
from qstats.index.runs import Choices
from qstats.index.tidy import crossed
from qstats.index.tree import Tree
from qstats.stats import composite

Array = np.ndarray


def specified_index(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    steps: Mapping[str, Options] | None = None,
    missing: Missing = "raise",
    lang: str | None = None,
) -> Estimate:
    """Build an index by other steps than scores between fixed bounds and arithmetic means.

    Parameters
    ----------
    indicators, framework, missing, lang : optional
        As of :func:`qstats.competitiveness_index`.
    steps : mapping, optional
        As of :func:`qstats.uncertainty`. What the framework names for single indicators and nodes, in its
        columns ``imputation, treatment, normalisation, aggregation, min_coverage``, holds there instead.

    Returns
    -------
    Estimate
        Keys of the units and ``node``. ``n`` is the number of indicators observed below and not screened
        out; further columns ``coverage, parent, depth, weight`` (used, in the root) and ``value``. Errors are
        not propagated here and NaN: :func:`qstats.uncertainty` finds them.

    Raises
    ------
    DataError, FrameworkError
        Indicators or a framework that do not fit; a mean that is not defined.
    OptionError
        A framework, a step or an option that does not exist.

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.5, 0.5], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"], "estimate": [100, 1.95]})
    >>> found = specified_index(data, tree, steps={"aggregation": "geometric"})
    >>> round(found.value(node="all"), 3)
    78.102
    """
    chosen = Choices(steps, sampling="none")
    ready = runs.prepare(indicators, framework, chosen, missing=missing, lang=lang)
    score, tree = runs.nominal(ready), ready.tree
    observed, coverage, weight = _used(tree, ready.held.value, score)
    value = np.full(score.shape, np.nan)
    value[tree.leaves] = ready.held.value.T
    unknown = np.full(len(tree.codes), np.nan)
    said = ", ".join(f"{step}: {option}" for step, option in (steps or {}).items()) or "fixed bounds"
    return sound(
        crossed(
            ready.units,
            tree.codes,
            estimate=score.T,
            std_error=unknown,
            conf_low=unknown,
            conf_high=unknown,
            n=observed.T,
            coverage=coverage.T,
            parent=tree.above,
            depth=tree.depth,
            weight=weight.T,
            value=value.T,
        ),
        indicator=tree.root,
        unit="index",
        method=f"{said} ({ready.name})",
        inference="none",
        provenance=[*ready.held.provenance, f"framework:{ready.name}"],
    )


def _used(tree: Tree, value: Array, score: Array) -> tuple[Array, Array, Array]:
    """Return indicators observed, share of weight observed, and the weight used, shape (nodes, units)."""
    observed, coverage, weight = (np.zeros(score.shape) for _ in range(3))
    known = ~np.isnan(score)
    seen = known[:, :1] if known.all() else known  # alike in all units
    observed[tree.leaves] = coverage[tree.leaves] = ~np.isnan(value.T) & known[tree.leaves]
    share = np.ones(score.shape)
    for node, below in tree.families:
        w = tree.weight[below]
        observed[node] = observed[below].sum(0)
        coverage[node] = (w[:, None] * coverage[below]).sum(0) / w.sum()
        share[below] = np.nan_to_num(composite.available_weights(w, seen[below].T)).T
    weight[tree.parent < 0] = 1.0
    for node, below in reversed(tree.families):
        weight[below] = weight[node] * share[below]
    return observed.astype(int), coverage, weight * known
