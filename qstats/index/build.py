"""The index: scores of indicators, added up the tree of a framework."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import FrameworkError, one_of
from qstats.estimate import Estimate, sound
from qstats.index import frameworks
from qstats.index.align import Aligned, Indicators, Missing, align
from qstats.index.frameworks import Columns
from qstats.index.tidy import crossed
from qstats.index.tree import Tree, arrays
from qstats.messages import language, say
from qstats.stats import composite

FLOOR: Final = 60.0
CEILING: Final = 100.0


class _Scores(NamedTuple):
    """Arrays of shape (units, nodes); nodes in the order of the framework.

    Attributes
    ----------
    score, std_error : ndarray
        NaN where nothing was observed, and where an error is not known.
    clipped : ndarray
        −1 cut at the floor, 1 cut at the ceiling, 0 neither.
    coverage : ndarray
        Share of the weight of the leaves below that was observed.
    weight : ndarray
        Weight really used in the root; 0 where nothing was observed.
    observed : ndarray of int
        Number of leaves below with a value.
    """

    score: np.ndarray
    std_error: np.ndarray
    clipped: np.ndarray
    coverage: np.ndarray
    weight: np.ndarray
    observed: np.ndarray


def competitiveness_index(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    missing: Missing = "raise",
    level: float = 0.95,
    lang: str | None = None,
) -> Estimate:
    r"""Score indicators from 60 to 100 and add them up the tree of a framework.

    .. math:: s_{qc} = 60 + 40\,\frac{x_{qc} - L_q}{U_q - L_q}
              \;\Big(\text{less is better: } 60 + 40\,\frac{U_q - x_{qc}}{U_q - L_q}\Big),
              \quad s \in [60, 100]; \qquad S_c = \sum_q w_q s_{qc}

    Bounds are fixed by the framework, so scores compare over units and years. A score beyond
    60 or 100 is cut and counted. Weights and bounds are data with a provenance; those that
    are hypotheses are said to be, in ``notes``.

    Parameters
    ----------
    indicators : mapping, Estimate, sequence or DataFrame
        Code → Estimate; one Estimate with a key ``indicator``; Estimates whose ``indicator`` is
        the code; or a table ``indicator``, keys of the units, ``estimate``, optionally
        ``std_error, unit, provenance``. All have the same keys (period, region, industry …)
        and are aligned on them, never on the order of rows.
    framework : str, Path or DataFrame
        What :func:`qstats.framework` takes.
    missing : {"raise", "renormalise"}
        What to do when a unit lacks an indicator (no row, or NaN): refuse, or give its weight to
        the others of its group, and to the other groups where a whole group is missing. An
        indicator of weight zero is never missed.
    level : float
        Confidence level.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys of the units and ``node``: every node × every unit, units sorted, nodes in the order
        of the framework. ``n`` is the number of indicators observed below the node. Further
        columns: ``coverage`` (share of the weight of the indicators observed), ``flag``
        (``clipped low``, ``clipped high``, ``missing``, ``renormalised``), ``parent, depth``,
        ``weight`` (the one really used, in the root) and ``value`` (of the indicator, in its
        unit). The unit is index points from 60 to 100.

        Standard errors are propagated linearly and take the indicators as independent. They are
        NaN where one that is needed is not known, and where a score was cut.

    Raises
    ------
    FrameworkError
        The framework has faults.
    DataError
        A value is missing (all are in ``violations``), keys or units differ, an indicator is
        not in the framework.

    References
    ----------
    OECD/JRC (2008), Handbook on Constructing Composite Indicators, steps 5 and 6.

    Examples
    --------
    >>> import pandas as pd
    >>> tree = pd.DataFrame([("all", "", None, 1, "user", None, None, "", ""),
    ...     ("pass", "all", 1, 0.5, "user", 60, 100, "user", "%"),
    ...     ("loss", "all", -1, 0.5, "user", 0, 2, "user", "%")],
    ...     columns=["code", "parent", "direction", "weight", "weight_provenance", "lower", "upper",
    ...              "bounds_provenance", "unit"])
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"], "region": ["安徽"] * 2, "estimate": [90, 0.5]})
    >>> competitiveness_index(data, tree).where(node=["all", "loss"]).table["estimate"].tolist()
    [90.0, 90.0]
    """
    one_of("missing", missing, ("raise", "renormalise"))
    columns = frameworks.checked(framework, lang)
    tree, name = arrays(columns), frameworks.name_of(framework)
    if tree.own_steps:
        columns_named = ", ".join(tree.own_steps)
        raise FrameworkError(say("framework.steps", lang, name=name, columns=columns_named))
    given = align(indicators, tree, name=name, missing=missing, lang=lang)
    scores = _score(tree, given)
    low, high = composite.normal_interval(
        scores.score, scores.std_error, level=level, floor=FLOOR, ceiling=CEILING
    )
    return sound(
        _tabulated(tree, given, scores, low, high),
        indicator=tree.root,
        unit="index",
        method=f"min-max scores {FLOOR:g}..{CEILING:g}, fixed bounds, weighted arithmetic means ({name}); "
        "errors propagated linearly, indicators taken as independent",
        basis=_population(columns, lang),
        level=level,
        inference=given.inference,
        provenance=[*given.provenance, f"framework:{name}"],
        notes=_notes(columns, tree, scores, lang),
    )


def _score(tree: Tree, given: Aligned) -> _Scores:
    """Score the leaves, then go up the tree for the means and down it for the weights."""
    leaf = tree.leaves
    shape = (len(given.units), len(tree.codes))
    score, error, coverage, share = (np.full(shape, np.nan) for _ in range(4))
    clipped, observed = np.zeros(shape), np.zeros(shape)
    limits = {"floor": FLOOR, "ceiling": CEILING}
    raw = composite.minmax(given.value, tree.lower, tree.upper, **limits, direction=tree.direction)
    score[:, leaf] = np.clip(raw, FLOOR, CEILING)
    cut = np.sign(raw - score[:, leaf])
    clipped[:, leaf] = np.nan_to_num(cut)
    slope = (CEILING - FLOOR) / (tree.upper - tree.lower)
    error[:, leaf] = np.where(cut == 0, slope * given.std_error, np.nan)
    coverage[:, leaf] = observed[:, leaf] = ~np.isnan(given.value)
    for node, below in tree.families:
        w = tree.weight[below]
        used = composite.available_weights(w, ~np.isnan(score[:, below]))
        score[:, node] = composite.aggregate(score[:, below], used)
        error[:, node] = composite.aggregate_error(error[:, below], used)
        coverage[:, node] = composite.aggregate(coverage[:, below], composite.available_weights(w, w >= 0))
        observed[:, node] = observed[:, below].sum(-1)
        share[:, below] = np.nan_to_num(used)
    share[:, tree.parent < 0] = 1.0
    for node, below in reversed(tree.families):  # shares in the parent become shares in the root
        share[:, below] *= share[:, [node]]
    return _Scores(score, error, clipped, coverage, share * ~np.isnan(score), observed.astype("int64"))


def _tabulated(
    tree: Tree, given: Aligned, scores: _Scores, low: np.ndarray, high: np.ndarray
) -> pd.DataFrame:
    value = np.full(scores.score.shape, np.nan)
    value[:, tree.leaves] = given.value
    return crossed(
        given.units,
        tree.codes,
        estimate=scores.score,
        std_error=scores.std_error,
        conf_low=low,
        conf_high=high,
        n=scores.observed,
        coverage=scores.coverage,
        flag=_flags(scores),
        parent=tree.above,
        depth=tree.depth,
        weight=scores.weight,
        value=value,
    )


def _flags(scores: _Scores) -> pd.Index[str]:
    partly = scores.coverage < 1 - 1e-12
    found = np.select(
        [np.isnan(scores.score), partly, scores.clipped < 0, scores.clipped > 0], [1, 2, 3, 4], default=0
    )
    return pd.Index(["", "missing", "renormalised", "clipped low", "clipped high"]).take(found.ravel())


def _population(columns: Columns, lang: str | None) -> str:
    """Return what the framework says its indicators describe."""
    texts = pd.Series(columns.get(f"population_{language(lang)}", []), dtype=object).dropna().map(str)
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _notes(columns: Columns, tree: Tree, scores: _Scores, lang: str | None) -> list[str]:
    """Say what is missing, what was cut, and what is a hypothesis."""
    names, leaves = columns[f"name_{language(lang)}"], tree.leaves
    units = len(scores.score)
    absent = np.isnan(scores.score).sum(0)
    cut = [(scores.clipped == sign).sum(0) for sign in (-1, 1)]
    used = [names[j] for j in leaves if absent[j] < units]
    notes = []
    if len(used) < len(leaves):
        notes.append(say("index.note.some", lang, used=len(used), total=len(leaves), codes=", ".join(used)))
    notes += [
        say("index.note.missing", lang, code=names[j], count=absent[j], units=units)
        for j in leaves
        if 0 < absent[j] < units
    ]
    for j in leaves:
        low, high = (int(number[j]) for number in cut)
        if low or high:
            said = {"low": low, "high": high, "floor": f"{FLOOR:g}", "ceiling": f"{CEILING:g}"}
            notes.append(say("index.note.clipped", lang, code=names[j], count=units - absent[j], **said))
    return notes + _claims(columns, tree, lang)


def _claims(columns: Columns, tree: Tree, lang: str | None) -> list[str]:
    """Say which weights and bounds are not official."""
    weight, bound = (columns[f"{name}_provenance"] for name in ("weight", "bounds"))
    weights = sum(weight[j] == "hypothesis" for j in range(len(weight)) if tree.depth[j])
    guessed, own = (sum(bound[j] == kind for j in tree.leaves) for kind in ("hypothesis", "user"))
    notes = (
        [say("index.note.hypothesis", lang, weights=weights, bounds=guessed)] if weights or guessed else []
    )
    return notes + ([say("index.note.user", lang, bounds=own)] if own else [])
