"""Which weights published scores leave open, and what that leaves open in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from qstats import periods, values
from qstats.errors import DataError, OptionError, kind_of, names_of, one_of, real_number
from qstats.estimate import Estimate
from qstats.index import frameworks
from qstats.index.methods import CEILING, FLOOR
from qstats.index.tree import Tree, arrays
from qstats.messages import say
from qstats.stats import admissible as programme
from qstats.stats.admissible import Problem, Published

Array = np.ndarray

_NEEDED: Final = ("node", "period", "value")


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
    for column in _NEEDED:
        if column not in published.columns:
            raise DataError(say("admissible.column", lang, column=column))
    given = published.reset_index(drop=True).copy()
    for code in given["node"]:
        one_of("node", code, tree.codes)
    numbers = [values.read_number(cell, lang) for cell in given["value"]]
    for cell, read in zip(given["value"], numbers, strict=True):
        if not isinstance(read, values.Number):
            raise DataError(say("admissible.value", lang, value=cell))
    if half_width is not None:
        real_number("half_width", half_width)
    if half_width is not None and not half_width > 0:
        raise OptionError(say("admissible.half_width", lang, value=half_width), argument="half_width")
    printed = [_half_unit(cell) for cell in given["value"]]
    own = given["half_width"] if "half_width" in given.columns else printed
    given["_h"] = half_width if half_width is not None else own
    given["_y"] = [read.value for read in numbers if isinstance(read, values.Number)]
    unit = given["unit_key"].astype(str) if "unit_key" in given.columns else ""
    since = given["since"] if "since" in given.columns else pd.Series([None] * len(given))
    given["_unit"] = unit
    given["_at"] = [(u, _period(p)) for u, p in zip(given["_unit"], given["period"], strict=True)]
    given["_from"] = [
        None if values.is_missing(s) else (u, _period(s)) for u, s in zip(given["_unit"], since, strict=True)
    ]
    return given


def _period(cell: Any) -> str:
    text = f"{cell:g}" if isinstance(cell, float) else str(cell)
    return periods.normalise(text) or text


def _half_unit(cell: Any) -> float:
    """Return half a unit of the last decimal that is written."""
    text = values.plain(cell) if isinstance(cell, str) else repr(cell)
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


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
        found = {str(code): float(score) for code, score in scores.items()}
    else:
        rows = scores.table
        if "node" not in rows.columns or rows["node"].duplicated().any():
            raise DataError(say("admissible.scores", lang))
        found = dict(zip(rows["node"], rows["estimate"], strict=True))
    for code in found:
        one_of("scores", code, tree.codes)
    return {code: score for code, score in found.items() if not np.isnan(score)}


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
