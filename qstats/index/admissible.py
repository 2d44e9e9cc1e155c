"""Which weights published scores leave open, and what that leaves open in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from qstats import values
from qstats.errors import DataError, OptionError, kind_of, names_of, nearest, one_of, real_number
from qstats.estimate import Estimate
from qstats.index import frameworks
from qstats.index.given import Fault, fault, refuse, spelt
from qstats.index.methods import CEILING, FLOOR
from qstats.index.tree import Tree, arrays
from qstats.messages import say
from qstats.stats import admissible as programme
from qstats.stats.admissible import Problem, Published

Array = np.ndarray

_NEEDED: Final = ("node", "period", "value")
_OPTIONAL: Final = ("since", "half_width", "unit_key")


def admissible_weights(
    published: pd.DataFrame,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    half_width: float | None = None,
    fixed: Sequence[str] = (),
    scores: Estimate | Mapping[str, float] | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Find the weights that are consistent with published scores and score changes, given their rounding.

    A score printed as y says :math:`y - h \le s \le y + h`; scores below a node add up to it under the
    weights, which are the same in all periods. The bounds are exact: see :mod:`qstats.stats.admissible`.

    Parameters
    ----------
    published : DataFrame
        ``node, period, value``, and optionally ``since`` (a period: the value is the change since then;
        empty: it is a level), ``half_width``, ``unit_key`` (whose scores they are: the nation, a province;
        weights are the same for all).
    framework : str, Path or DataFrame
        The tree; its weights are compared with, not used.
    half_width : float, optional
        h of all figures; by default the column of that name, else half a unit of the last decimal of `value`.
        Trailing zeros of a number are not known: of 83.40 read as 83.4, h would be 0.05. Give `half_width`
        or text.
    fixed : sequence of str
        Nodes whose weight within the parent is taken from the framework.
    scores : Estimate or mapping, optional
        Node → score of one unit. The rows added say between what its score at each node above would lie
        under the admissible weights.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row a node: ``node, parent, weight`` (of the framework), ``lower, upper`` (within the parent),
        ``root_lower, root_upper`` (in the whole), ``inside`` (whether the weight of the framework lies
        between). With `scores`, ``score_lower, score_upper`` of nodes that are above those scored.

    Raises
    ------
    DataError
        No weights fit: the figures that contradict each other are named. A node, a column or a period is
        wrong.

    Examples
    --------
    >>> halves = pd.DataFrame({"node": ["quality_level", "development_capability", "qci"],
    ...     "period": 2007, "value": [84.76, 77.21, 80.99]})
    >>> found = admissible_weights(halves, half_width=0.005).set_index("node")
    >>> found.loc["quality_level", ["lower", "upper"]].astype(float).round(4).tolist()
    [0.4993, 0.502]
    """
    kind_of("published", published, pd.DataFrame, what="a table of published figures")
    fixed = names_of("fixed", fixed)
    if scores is not None:
        kind_of("scores", scores, (Estimate, Mapping), what="an Estimate or a mapping of node to score")
    tree = arrays(frameworks.checked(framework, lang))
    given = _checked(published, tree, half_width, lang)
    codes = {period: t for t, period in enumerate(dict.fromkeys([*given["_at"], *given["_from"]])) if period}
    for code in fixed:
        one_of("fixed", code, [c for c, p in zip(tree.codes, tree.parent, strict=True) if p >= 0])
    held = [(q, int(tree.parent[q]), float(tree.weight[q])) for q in map(tree.codes.index, fixed)]
    figures, kept = _figures(given, tree, codes)
    ends = {"floor": FLOOR, "ceiling": CEILING}
    limits = programme.problem(tree.parent, figures, periods=len(codes), fixed=held, **ends)
    _refuse_contradiction(limits, given, kept, len(tree.codes) * len(codes) * 2, lang)
    rows = [_node(q, tree, limits) for q in range(len(tree.codes))]
    found = pd.DataFrame({"node": tree.codes, "parent": tree.above, "weight": tree.weight})
    found[["lower", "upper", "root_lower", "root_upper"]] = np.array(rows)
    slack = 1e-9
    found["inside"] = found["weight"].between(found["lower"] - slack, found["upper"] + slack)
    if scores is not None:
        _add_scores(found, _one_unit(scores, tree, lang), tree, limits)
    return found


def _checked(published: pd.DataFrame, tree: Tree, half_width: float | None, lang: str | None) -> pd.DataFrame:
    """Return the figures with what they mean, or raise with everything that is wrong in the table."""
    if half_width is not None:
        real_number("half_width", half_width)
        if not half_width > 0:
            raise OptionError(say("admissible.half_width", lang, value=half_width), argument="half_width")
    refuse(_header_faults(published, lang), lang)
    cells = {str(name): list(column.array) for name, column in published.items()}
    if not cells["node"]:
        raise DataError(say("admissible.empty", lang))
    faults: list[Fault] = []
    nothing: list[Any] = [None] * len(published)
    unit, since = cells.get("unit_key", nothing), cells.get("since", nothing)
    keys = [str(u) for u in unit]
    given = published.reset_index(drop=True).assign(_unit=keys)
    given["_at"] = list(zip(keys, map(_period, cells["period"]), strict=True))
    given["_from"] = [
        None if values.is_missing(s) else (u, _period(s)) for u, s in zip(keys, since, strict=True)
    ]
    rows = enumerate(zip(cells["node"], cells["period"], given["_at"], given["_from"], strict=True))
    for row, (code, period, at, start) in rows:
        if code not in tree.codes:
            near = nearest(code, tree.codes)
            hint = say("framework.near", lang, near=near) if near else ""
            faults.append(
                fault("node", code, "node", say("admissible.node", lang, node=code, hint=hint).rstrip(), row)
            )
        if values.is_missing(period) or at == start:
            said = say("admissible.period", lang, node=code, period=values.text_of(period))
            faults.append(fault("period", period, "period", said, row))
    widths = nothing if half_width is not None else cells.get("half_width", nothing)
    read = [_read(*cell, half_width, lang) for cell in enumerate(zip(cells["value"], widths, strict=True))]
    refuse([*faults, *(one for one in read if isinstance(one, dict))], lang)
    given[["_y", "_h"]] = np.array([one for one in read if not isinstance(one, dict)], float)
    return given


def _header_faults(published: pd.DataFrame, lang: str | None) -> list[Fault]:
    """Return the columns that are lacking, stand twice, or are nearly spelt like one that may be there."""
    have = [str(name) for name in published.columns]
    faults = [
        fault(name, "", "column", say("admissible.column", lang, column=name))
        for name in _NEEDED
        if name not in have
    ]
    faults += [
        fault(name, "", "column", say("framework.column_twice", lang, column=name))
        for name in (*_NEEDED, *_OPTIONAL)
        if have.count(name) > 1
    ]
    for name in have:
        near = None if name in _OPTIONAL else nearest(name, _OPTIONAL, cutoff=0.8)
        if near and near not in have:
            faults.append(
                fault(name, "", "column", say("framework.column_unknown", lang, column=name, near=near))
            )
    return faults


def _read(
    row: int, cell: tuple[Any, Any], half_width: float | None, lang: str | None
) -> tuple[float, float] | Fault:
    """Return a figure and how far it may be from what was rounded, or what is wrong with them."""
    value, width = cell
    read = values.read_number(value, lang)
    if values.is_missing(value) or not isinstance(read, values.Number):
        return fault(
            "value", value, "number", say("admissible.value", lang, value=values.text_of(value)), row
        )
    if half_width is not None:
        return read.value, half_width
    if not values.is_missing(width):
        own = values.read_number(width, lang)
        if isinstance(own, values.Number) and own.value > 0:
            return read.value, own.value
        return fault("half_width", width, "width", say("admissible.half_width", lang, value=width), row)
    try:
        return read.value, _half_unit(value)
    except InvalidOperation:
        return fault(
            "value", value, "digits", say("admissible.digits", lang, value=values.text_of(value)), row
        )


def _period(cell: Any) -> str:
    return spelt("period", cell)


def _half_unit(cell: Any) -> float:
    """Return half a unit of the last decimal that is written: of 84.76 and of 8.476e1, 0.005."""
    text = values.plain(cell if isinstance(cell, str) else str(cell))
    exponent = Decimal(text.replace(",", "").replace(" ", "")).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def _figures(given: pd.DataFrame, tree: Tree, codes: Mapping[Any, int]) -> tuple[Published, list[int]]:
    """Return the figures as arrays, and the rows they come from: levels, then changes."""
    node = np.array([tree.codes.index(code) for code in given["node"]])
    at = np.array([codes[period] for period in given["_at"]])
    change = np.array([period is not None for period in given["_from"]])
    since = np.array([codes[period] if period else 0 for period in given["_from"]])
    y, h = given["_y"].to_numpy(float), given["_h"].to_numpy(float)
    level, moved = np.flatnonzero(~change), np.flatnonzero(change)
    levels = (node[level], at[level], (y - h)[level], (y + h)[level])
    changes = (node[moved], at[moved], since[moved], (y - h)[moved], (y + h)[moved])
    return Published(*levels, *changes), [*level, *moved]


def _refuse_contradiction(
    limits: Problem, given: pd.DataFrame, kept: list[int], start: int, lang: str | None
) -> None:
    misfit, wrong = programme.least_misfit(limits, start)
    if misfit <= 1e-7:
        return
    rows = [kept[(at - start) // 2] for at in wrong]
    said = "; ".join(
        f"{given['node'][row]} {given['period'][row]} = {given['value'][row]}" for row in rows[:6]
    )
    raise DataError(say("admissible.contradiction", lang, figures=said, misfit=f"{misfit:.3g}"))


def _node(q: int, tree: Tree, limits: Problem) -> tuple[float, float, float, float]:
    parent = int(tree.parent[q])
    if parent < 0:
        return 1.0, 1.0, 1.0, 1.0
    c = np.zeros(limits.nodes * (1 + limits.periods))
    c[q] = 1.0
    root = int(np.flatnonzero(tree.parent < 0)[0])
    return (*programme.extreme(limits, c, parent), *programme.extreme(limits, c, root))


def _one_unit(scores: Estimate | Mapping[str, float], tree: Tree, lang: str | None) -> dict[str, float]:
    if isinstance(scores, Mapping):
        found = {str(code): score for code, score in scores.items()}
    else:
        rows = scores.table
        if "node" not in rows.columns or rows["node"].duplicated().any():
            raise DataError(say("admissible.scores", lang))
        found = dict(zip(rows["node"], rows["estimate"], strict=True))
    found = {code: score for code, score in found.items() if not values.is_missing(score)}
    for code, score in found.items():
        one_of("scores", code, tree.codes)
        real_number("scores", score)
    return found


def _add_scores(found: pd.DataFrame, scores: dict[str, float], tree: Tree, limits: Problem) -> None:
    """Add what the scores of a node may be, from the given scores nearest below it."""
    low, high = np.full(len(found), np.nan), np.full(len(found), np.nan)
    for p in range(len(found)):
        below = _nearest_below(p, scores, tree)
        if below is None or below == [p]:
            continue
        c = np.zeros(limits.nodes * (1 + limits.periods))
        for q in below:
            c[q] = scores[tree.codes[q]]
        low[p], high[p] = programme.extreme(limits, c, p)
    found["score_lower"], found["score_upper"] = low, high


def _nearest_below(p: int, scores: dict[str, float], tree: Tree) -> list[int] | None:
    """Return the scored nodes that make up a node, None where some part of it is not scored."""
    made: list[int] = []
    for q in np.flatnonzero(tree.parent == p):
        inner = None if q in tree.leaves else _nearest_below(int(q), scores, tree)
        if inner:
            made += inner
        elif tree.codes[q] in scores:
            made.append(int(q))
        else:
            return None
    return made or None
