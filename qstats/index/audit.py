"""An audit of an index: what a reviewer would look at first, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError, kind_of, mapping, one_of, real_number, whole_number
from qstats.estimate_table import check_names
from qstats.index import methods, outcomes, runs
from qstats.index.align import Indicators, Missing
from qstats.index.methods import Options
from qstats.index.pipeline import FACTORS, Steps, run
from qstats.index.preparation import by_keys, sizes_of
from qstats.index.runs import Choices, Prepared
from qstats.messages import say
from qstats.stats import association, composite, importance
from qstats.stats.association import Correlation

Array = np.ndarray

#: limits of the flags; where they come from is said in the documentation
LIMITS: Final = {
    "negative": -0.4,
    "weak": 0.3,
    "redundant": 0.92,
    "alpha": 0.7,
    "kmo": 0.5,
    "size": 0.7,
}
CHECKS: Final = (
    "correlation within",
    "correlation across",
    "correlation with node",
    "weight",
    "main effect",
    "alpha",
    "kmo",
    "components",
    "size",
    "leave one out",
)
#: of the polynomial of a main effect, and the number of units from which it is not a line
_DEGREE, _CURVED = 3, 30
_COLUMNS: Final = ("check", "node", "element", "other", "value", "limit", "flag")


class _Table(NamedTuple):
    """Nominal scores, and the tree as lists."""

    prepared: Prepared
    score: Array
    codes: tuple[str, ...]
    steps: Steps


def audit(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    steps: Mapping[str, Options] | None = None,
    sizes: pd.DataFrame | None = None,
    correlation: Correlation = "pearson",
    limits: Mapping[str, float] | None = None,
    missing: Missing = "raise",
    seed: int = 0,
    lang: str | None = None,
) -> pd.DataFrame:
    """Look an index over: what hangs together, what works against it, what could be left out.

    Parameters
    ----------
    indicators, framework, missing, lang : optional
        As of :func:`qstats.competitiveness_index`. Of a panel all periods are taken together, but ranks are
        within each.
    steps : mapping, optional
        As of :func:`qstats.uncertainty`.
    sizes : DataFrame, optional
        Keys of the units, then sizes (population, output): an index should not follow them.
    correlation : {"pearson", "spearman", "kendall"}
    limits : mapping, optional
        Other limits of the flags than :data:`LIMITS`.
    seed : int
        Of the parallel analysis.

    Returns
    -------
    DataFrame
        ``check, node, element, other, value, limit, flag``, one row a finding:

        - "correlation within": of two children of `node`; flag "negative" below −0.4, "redundant" above 0.92;
        - "correlation across": of two indicators of different groups; "redundant";
        - "correlation with node": of a child with its node; "weak" below 0.3, "negative" below −0.4;
        - "weight": of a child within its node, and "main effect": the share of the variance of the node that
          the child explains alone, the shares of all children brought to sum to 1; no limit. Where the two
          differ, the index weighs otherwise than it says;
        - "alpha": Cronbach's, of the children of a node; "low" below 0.7;
        - "kmo": of the children; "low" below 0.5; NaN where it is not defined;
        - "components": how many are more than noise; "several" where more than one;
        - "size": of the score of `node` with a size; "size" above 0.7 in absolute value;
        - "leave one out": mean absolute change of the rank of the root without `element`; no limit.

    Raises
    ------
    DataError
        A unit has no size, or twice; a size is no number.

    References
    ----------
    Handbook, steps 4 and 8. Becker, Caperna, Del Sorbo, Norlén, Papadimitriou and Saisana (2022), COINr: An
    R package for developing composite indicators, JOSS 7. Saisana, Becker, Neves, Alberti and
    Dominguez-Torreiro (2019), Your 10-step pocket guide to composite indicators and scoreboards, European
    Commission. Paruolo, Saisana and Saltelli (2013), Ratings and rankings: voodoo or science?, JRSS A 176.

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.5, 0.5], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass"] * 4 + ["loss"] * 4, "region": list("ABCD") * 2,
    ...     "estimate": [70, 80, 85, 90, 0.2, 0.4, 0.3, 0.9]})
    >>> found = audit(data, tree)
    >>> found.loc[found["flag"] != "", ["check", "flag"]].values.tolist()[0]
    ['correlation within', 'negative']
    """
    one_of("correlation", correlation, ("pearson", "spearman", "kendall"))
    own = {} if limits is None else limits
    mapping("limits", own, of="flag to limit")
    for name, limit in own.items():
        one_of("limits", name, tuple(LIMITS))
        real_number("limits", limit)
    if sizes is not None:
        kind_of("sizes", sizes, pd.DataFrame, what="a table of keys and sizes")
    whole_number("seed", seed, least=0)
    bounds = {**LIMITS, **own}
    chosen = Choices(steps, sampling="none")
    ready = runs.prepare(indicators, framework, chosen, missing=missing, lang=lang)
    table = _Table(ready, runs.nominal(ready), ready.tree.codes, ready.steps)
    rows = [*_within(table, correlation, bounds), *_across(table, correlation, bounds), *_effects(table)]
    rows += [*_consistency(table, bounds, seed), *_sizes(table, sizes, correlation, bounds, lang)]
    rows += list(_left_out(table))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def compare_specifications(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    other: str | Path | pd.DataFrame | None = None,
    /,
    *,
    steps: Mapping[str, Options] | None = None,
    other_steps: Mapping[str, Options] | None = None,
    missing: Missing = "raise",
    lang: str | None = None,
) -> pd.DataFrame:
    """Compare two specifications of an index: another tree, other weights or other steps.

    Parameters
    ----------
    indicators, framework, steps, missing, lang : optional
        As of :func:`qstats.uncertainty`.
    other : optional
        The framework of the second; by default the same.
    other_steps : mapping, optional
        The steps of the second.

    Returns
    -------
    DataFrame
        Keys and ``node`` (those of both), ``score, other_score, rank, other_rank, rank_change``: positive
        where the unit stands better in the second.

    Raises
    ------
    DataError, FrameworkError
        Indicators or a framework that do not fit.
    OptionError
        A framework, a step or an option that does not exist.

    Examples
    --------
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> how = {"aggregation": "geometric"}
    >>> found = compare_specifications(data, "ht_capability", other_steps=how, missing="renormalise")
    >>> bool((found["other_score"] - found["score"]).max() < 1e-9)
    True
    """
    if other_steps is not None:
        mapping("other_steps", other_steps, of="step to options")
        for step in other_steps:
            one_of("other_steps", step, methods.STEPS)
    ready = [
        runs.prepare(indicators, tree, Choices(how, sampling="none"), missing=missing, lang=lang)
        for tree, how in ((framework, steps), (framework if other is None else other, other_steps))
    ]
    one, two = (runs.nominal(each) for each in ready)
    shared = [code for code in ready[0].tree.codes if code in ready[1].tree.codes]
    first, second = (
        score[[each.tree.codes.index(code) for code in shared]]
        for score, each in zip((one, two), ready, strict=True)
    )
    units = ready[0].units
    ranks, others = (outcomes.ranked(score, units) for score in (first, second))
    keys = units.iloc[np.repeat(np.arange(len(units)), len(shared))].reset_index(drop=True)
    table = keys.assign(node=np.tile(np.array(shared, dtype=object), len(units)))
    named = {"score": first, "other_score": second, "rank": ranks, "other_rank": others}
    check_names(units.columns, ("node", *named, "rank_change"))
    return table.assign(
        **{name: value.T.ravel() for name, value in named.items()}, rank_change=(ranks - others).T.ravel()
    )


def _row(
    check: str, node: str, element: str, other: str, value: float, limit: float, flag: str
) -> dict[str, Any]:
    return dict(zip(_COLUMNS, (check, node, element, other, value, limit, flag), strict=True))


def _within(table: _Table, how: Correlation, limit: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Correlate the children of each node with one another and with the node."""
    for node, below in table.prepared.tree.families:
        members = [*below, node]
        r = association.correlations(table.score[members].T, how)
        name = table.codes[node]
        for j in range(len(below)):
            for k in range(j):
                yield _pair("correlation within", name, table, int(below[k]), int(below[j]), r[j, k], limit)
        for j, child in enumerate(below):
            value = float(r[j, -1])
            low = value < limit["weak"]
            flag = "negative" if value < limit["negative"] else "weak" if low else ""
            yield _row("correlation with node", name, table.codes[child], name, value, limit["weak"], flag)


def _pair(
    check: str, node: str, table: _Table, one: int, two: int, value: float, limit: Mapping[str, float]
) -> dict[str, Any]:
    flag, bound = "", limit["redundant"]
    if value > limit["redundant"]:
        flag = "redundant"
    elif check == "correlation within" and value < limit["negative"]:
        flag, bound = "negative", limit["negative"]
    return _row(check, node, table.codes[one], table.codes[two], float(value), bound, flag)


def _across(table: _Table, how: Correlation, limit: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Correlate indicators of different groups; only those that are redundant are told."""
    tree = table.prepared.tree
    r = association.correlations(table.score[tree.leaves].T, how)
    for j, q in enumerate(tree.leaves):
        for k, p in enumerate(tree.leaves[:j]):
            if tree.parent[p] != tree.parent[q] and r[j, k] > limit["redundant"]:
                yield _pair("correlation across", "", table, int(p), int(q), r[j, k], limit)


def _effects(table: _Table) -> Iterator[dict[str, Any]]:
    """Hold the weights of the children of each node against what they do to its variance."""
    for node, below in table.prepared.tree.families:
        x, y, w = table.score[below].T, table.score[node], table.steps.weights[0, below]
        degree = _DEGREE if len(y) >= _CURVED else 1
        effect = importance.main_effects(x, y, degree=degree)
        for name, parts in (("weight", w), ("main effect", effect)):
            for child, value in zip(below, composite.available_weights(parts, True), strict=True):
                yield _row(name, table.codes[node], table.codes[child], "", float(value), np.nan, "")


def _consistency(table: _Table, limit: Mapping[str, float], seed: int) -> Iterator[dict[str, Any]]:
    for node, below in table.prepared.tree.families:
        if len(below) < 2:
            continue
        x, name = table.score[below].T, table.codes[node]
        alpha = association.cronbach_alpha(x)
        yield _row("alpha", name, "", "", alpha, limit["alpha"], "low" if alpha < limit["alpha"] else "")
        whole = x[~np.isnan(x).any(1)]
        enough = len(whole) > len(below) and bool((np.ptp(whole, axis=0) > 0).all())
        try:
            measure = association.kmo(whole).overall if enough else np.nan
        except DataError:
            measure = np.nan
        yield _row("kmo", name, "", "", measure, limit["kmo"], "low" if measure < limit["kmo"] else "")
        many = association.parallel_analysis(whole, seed=seed).n_components if enough else np.nan
        yield _row("components", name, "", "", many, 1.0, "several" if many > 1 else "")


def _sizes(
    table: _Table,
    sizes: pd.DataFrame | None,
    how: Correlation,
    limit: Mapping[str, float],
    lang: str | None,
) -> Iterator[dict[str, Any]]:
    if sizes is None:
        return
    units = table.prepared.units
    given = sizes.reset_index() if any(sizes.index.names) else sizes
    keys = [key for key in units.columns if key in given.columns]
    told = by_keys(given, keys)
    if not keys or told.duplicated(keys).any():
        raise DataError(say("audit.sizes", lang, keys=", ".join(units.columns)))
    both = units.merge(told, on=keys, how="left")
    for column in [c for c in given.columns if c not in keys]:
        size = sizes_of(column, both[column])
        if np.isnan(size).any():
            raise DataError(say("audit.no_size", lang, column=column, count=int(np.isnan(size).sum())))
        for node, code in enumerate(table.codes):
            r = float(association.correlations(np.stack([table.score[node], size], 1), how)[0, 1])
            yield _row(
                "size", code, str(column), "", r, limit["size"], "size" if abs(r) > limit["size"] else ""
            )


def _left_out(table: _Table) -> Iterator[dict[str, Any]]:
    """Leave out each node below the root, and say how far ranks of the root move."""
    tree = table.prepared.tree
    root = int(np.flatnonzero(tree.parent < 0)[0])
    out = [q for q in range(len(tree.codes)) if q != root and _has_company(tree.parent, tree.weight, q)]
    weights = np.repeat(table.steps.weights[:1], len(out) + 1, axis=0)
    weights[np.arange(1, len(out) + 1), out] = 0.0
    levels = {name: np.zeros(len(out), int) for name in FACTORS} | {"weights": 1 + np.arange(len(out))}
    built = run(tree, table.steps._replace(weights=weights), levels)
    units = table.prepared.units
    nominal = outcomes.ranked(table.score[[root]], units)
    moved = outcomes.shift(units, nominal, outcomes.ranked(built.score[[root]], units)).runs[0].mean(-1)
    for q, value in zip(out, moved, strict=True):
        yield _row("leave one out", tree.codes[root], tree.codes[q], "", float(value), np.nan, "")


def _has_company(parent: Array, weight: Array, q: int) -> bool:
    """Return whether something of weight is left in the family without q."""
    others = np.flatnonzero((parent == parent[q]) & (np.arange(len(parent)) != q))
    return bool((weight[others] > 0).any())
