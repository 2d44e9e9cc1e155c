"""The tree of an index: what it is made of, with weights and, of one unit, scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.names import node_names
from qstats.report.theme import INK, MUTED, PALE, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST: Final = 28
#: room for the weight before a box, in millimetres
_GAP: Final = 12.5


class Look(NamedTuple):
    """Sizes in millimetres, of text in points; decimals of scores."""

    row: float
    width: float
    points: float
    lines: int
    digits: int


def framework_tree(
    data: Estimate | str | Path | pd.DataFrame,
    /,
    *,
    framework: str | Path | pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw the tree of an index from the whole at the left to its indicators at the right.

    Before each box stands its weight within the one above. A dashed box has a weight that is a hypothesis.

    Parameters
    ----------
    data : str, Path, DataFrame or Estimate
        What :func:`qstats.framework` takes; or an index of one unit, whose scores are then written into
        the boxes, and whose weights are those really used.
    framework : optional
        Whose names the nodes of an Estimate have.
    labels : mapping, optional
        Printed names of nodes.
    digits : int, optional
        Decimals of scores; by default those of the estimate.
    lang : {"zh", "en"}, optional
        Language.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        The Estimate is no index of one unit, or there are more than 28 indicators.
    FrameworkError
        The framework has faults.

    Examples
    --------
    >>> framework_tree("qci", lang="en").alt[:93]
    'Tree of manufacturing quality competitiveness index: 21 nodes, 12 indicators. Manufacturing q'
    """
    nodes = _of_estimate(data, lang) if isinstance(data, Estimate) else _of_framework(data, lang)
    asked.at_most(int((~nodes["code"].isin(nodes["parent"])).sum()), MOST, lang, figure="tree")
    names = {**node_names(framework if isinstance(data, Estimate) else data, lang), **(labels or {})}
    nodes["label"] = [draw.label_of(code, lang=lang, labels=names) for code in nodes["code"]]
    nodes["row"] = _rows(nodes)
    places = (data.digits if digits is None else digits) if isinstance(data, Estimate) else 0
    look, hypothesis = _look(nodes, places, lang), bool(nodes["hypothesis"].any())
    height = (nodes["row"].max() + 1) * look.row + 8 + 5 * hypothesis
    with draw.sheet(height, [data] if isinstance(data, Estimate) else [], lang) as figure:
        axes = draw.room(figure, left=2, right=2, top=5, bottom=3 + 5 * hypothesis, frame=False)
        axes.set_xlim(0, 166)
        axes.set_ylim((nodes["row"].max() + 1) * look.row, 0)
        for node in nodes.itertuples():
            _link(axes, node, nodes, look, lang)
            _box(axes, node, look, lang)
        if hypothesis:
            note = say("figure.tree.hypothesis", lang)
            draw.write(
                axes, note, (0, 0), over="axes", shift=(0, -4), ha="left", va="top", size=8, color=MUTED
            )
        figure.alt = _say(nodes, places, lang)
    return figure


def _of_framework(data: Any, lang: str | None) -> pd.DataFrame:
    from qstats.index.frameworks import framework as checked

    table = checked(data, lang=lang)
    found = table[["code", "parent", "depth", "weight"]].copy()
    guessed = (table["weight_provenance"] == "hypothesis") & (table["parent"] != "")
    return found.assign(score=np.nan, hypothesis=guessed).reset_index(drop=True)


def _of_estimate(data: Estimate, lang: str | None) -> pd.DataFrame:
    asked.keys(data, ["node"], lang, figure="tree")
    table = data.table
    source = "qs.competitiveness_index(…)"
    asked.columns(table, ["parent", "depth", "weight"], lang, figure="tree", source=source)
    asked.one_a_mark(table, data.keys, lang, figure="tree", shown=["node"])
    found = table[["parent", "depth"]].assign(code=table["node"], score=table["estimate"], hypothesis=False)
    whole = dict(zip(table["node"], table["weight"].astype(float), strict=True))
    above = np.array([whole.get(parent, 1.0) for parent in table["parent"]])
    own = table["weight"].to_numpy(dtype=float)
    found["weight"] = np.where(above > 0, own / np.where(above > 0, above, 1.0), 0.0)
    return found.reset_index(drop=True)


def _rows(nodes: pd.DataFrame) -> list[float]:
    """Return the row of each node: leaves one below the other, the others in the middle of theirs."""
    below: dict[str, list[str]] = {}
    for code, parent in zip(nodes["code"], nodes["parent"], strict=True):
        below.setdefault(parent, []).append(code)
    row: dict[str, float] = {}
    following = iter(range(len(nodes)))

    def settle(code: str) -> float:
        rows = [settle(child) for child in below.get(code, [])]
        row[code] = (rows[0] + rows[-1]) / 2 if rows else float(next(following))
        return row[code]

    for root in below.get("", []):
        settle(root)
    return [row[code] for code in nodes["code"]]


def _look(nodes: pd.DataFrame, digits: int, lang: str | None) -> Look:
    """Return the largest text with which every name fits its box, on two lines if that can be."""
    deepest = int(nodes["depth"].max())
    width = min((165.6 - _GAP * deepest) / (deepest + 1), 58)
    rooms = [width - 3 - _score_mm(score, digits, lang) for score in nodes["score"]]
    for points, lines in ((8.5, 2), (8.0, 2), (7.5, 2), (7.5, 3), (7.0, 3), (7.0, 4)):
        texts = [draw.wrap(t, r, points, lines=lines) for t, r in zip(nodes["label"], rooms, strict=True)]
        if not any("…" in text for text in texts):
            break
    most = max(text.count("\n") + 1 for text in texts)
    return Look(9.0 + 2.7 * max(most - 2, 0), width, points, lines, digits)


def _score_mm(score: float, digits: int, lang: str | None) -> float:
    known = np.isfinite(score)
    return draw.width_mm(formats.number(score, digits=digits, lang=lang), 8.5) + 2.5 if known else 0.0


def _link(axes: Axes, node: Any, nodes: pd.DataFrame, look: Look, lang: str | None) -> None:
    """Draw the elbow from the parent, and write the weight on it."""
    above = nodes[nodes["code"] == node.parent]
    if above.empty:
        return
    step = look.width + _GAP
    y, y0 = (node.row + 0.5) * look.row, (float(above["row"].iloc[0]) + 0.5) * look.row
    x, x0 = node.depth * step, int(above["depth"].iloc[0]) * step + look.width
    bend = x0 + 2.5
    line = [x0, bend, bend, x], [y0, y0, y, y]
    axes.plot(*line, color=MUTED, linewidth=0.7, zorder=0.5, solid_joinstyle="miter")
    share = formats.percent(100 * node.weight, digits=0 if _whole(node.weight) else 1, lang=lang)
    draw.write(axes, share, ((bend + x) / 2 + 0.2, y - 0.5), va="bottom", size=7.5).set_zorder(3)


def _whole(weight: float) -> bool:
    return abs(100 * weight - round(100 * weight)) < 1e-9


def _box(axes: Axes, node: Any, look: Look, lang: str | None) -> None:
    from matplotlib.patches import Rectangle

    x, y, high = node.depth * (look.width + _GAP), (node.row + 0.5) * look.row, look.row - 1.4
    style: dict[str, Any] = {"edgecolor": MUTED, "linewidth": 0.8}
    style["linestyle"] = (0, (3, 2)) if node.hypothesis else "-"
    style["facecolor"] = palette()[0] if node.depth == 0 else PALE if node.depth == 1 else "white"
    axes.add_patch(Rectangle((x, y - high / 2), look.width, high, **style))
    ink = "white" if node.depth == 0 else INK
    room = look.width - 3 - _score_mm(node.score, look.digits, lang)
    name: dict[str, Any] = {
        "ha": "left",
        "va": "center",
        "fontsize": look.points,
        "color": ink,
        "linespacing": 1.0,
    }
    draw.named(axes.text(x + 1.5, y, draw.even(node.label, room, look.points, lines=look.lines), **name))
    if np.isfinite(node.score):
        score = formats.number(node.score, digits=look.digits, lang=lang)
        axes.text(
            x + look.width - 1.5, y, score, **{**name, "ha": "right", "fontsize": 8.5, "fontweight": "bold"}
        )


def _say(nodes: pd.DataFrame, digits: int, lang: str | None) -> str:
    def said(node: Any) -> str:
        score = (
            f"{gap}{formats.number(node.score, digits=digits, lang=lang)}" if np.isfinite(node.score) else ""
        )
        share = formats.percent(100 * node.weight, digits=0 if _whole(node.weight) else 1, lang=lang)
        return str(node.label) + score + (say("chart.brackets", lang, text=share) if node.parent else "")

    gap, comma = say("chart.gap", lang), say("chart.and", lang)
    leaves = int((~nodes["code"].isin(nodes["parent"])).sum())
    top = nodes[nodes["depth"] == 0]
    parts = [
        say("figure.alt.tree", lang, title=said(next(top.itertuples())), count=len(nodes), leaves=leaves)
    ]
    for node in nodes[nodes["code"].isin(nodes["parent"])].sort_values("depth", kind="stable").itertuples():
        children = nodes[nodes["parent"] == node.code]
        name = node.label[:1].upper() + node.label[1:]
        below = comma.join(said(child) for child in children.itertuples())
        parts.append(say("figure.alt.tree_part", lang, name=name, below=below))
    return "".join(parts).strip()
