"""Path diagrams: what acts on what, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.labels import Box, box
from qstats.report.names import construct_names
from qstats.report.theme import INK, MUTED, PALE, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from qstats.satisfaction.models import Questionnaire

MOST: Final = 8
#: of the drawing and of a box, in millimetres
_SIZE: Final = (166.0, 92.0)
_BOX: Final = (32.0, 11.0)


def paths(
    estimate: Estimate,
    /,
    *,
    model: str | pd.DataFrame | Questionnaire | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int = 2,
    lang: str | None = None,
) -> Drawing:
    """Draw constructs as boxes and direct effects as arrows from left to right.

    Arrows are as wide as their coefficient is large; dashed where the interval covers 0, grey where no
    interval is known. Boxes stand on an ellipse in the order of effects, so that no arrow crosses a box.

    Parameters
    ----------
    estimate : Estimate
        Of :func:`qstats.satisfaction.paths`, one group.
    model, labels, lang
        As in :func:`qstats.report.importance.importance`.
    digits : int
        Decimals of the coefficients.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        It has no effects or several groups; effects run in a circle; more than eight constructs.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> rows = [("VAL", "QUAL", "direct", 0.8, 0.7, 0.9), ("SAT", "VAL", "direct", 0.5, -0.1, 1.1)]
    >>> table = pd.DataFrame(rows, columns=["to", "from", "effect", "estimate", "conf_low", "conf_high"])
    >>> table = table.assign(std_error=nan, n=nan)
    >>> paths(Estimate(table, indicator="path", unit="", method="m"), model="acsi", lang="zh").alt
    '路径图：3个结构变量，2条路径，1条区间不含0。感知质量→感知价值0.80、感知价值→顾客满意度0.50（不明显）。'
    """
    asked.keys(estimate, ["to", "from", "effect"], lang, figure="paths")
    asked.one_a_mark(estimate.table, estimate.keys, lang, figure="paths", shown=["to", "from", "effect"])
    table = estimate.table
    rows = table[(table["effect"].astype(str) == "direct") & np.isfinite(table["estimate"])].reset_index(
        drop=True
    )
    order = _order(list(zip(rows["from"].astype(str), rows["to"].astype(str), strict=True)), lang)
    asked.at_most(len(order), MOST, lang, figure="paths")
    names = {**construct_names(model, lang), **(labels or {})}
    said = {code: draw.label_of(code, lang=lang, labels=names) for code in order}
    rows["clear"] = np.where(
        np.isfinite(rows["conf_low"]) & np.isfinite(rows["conf_high"]),
        ((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).astype(float),
        np.nan,
    )
    with draw.sheet(_SIZE[1] + 12, [estimate], lang) as figure:
        axes = draw.room(figure, left=2, right=2, top=6, bottom=6, frame=False)
        axes.set_xlim(0, _SIZE[0])
        axes.set_ylim(0, _SIZE[1])
        at = _places(order)
        sizes = (
            p for p in (9.0, 8.5, 8.0) if all("…" not in draw.wrap(t, _BOX[0] - 3, p) for t in said.values())
        )
        points = next(sizes, 7.5)
        _arrows(axes, rows, at, digits, lang)
        for code in order:
            _construct(axes, said[code], at[code], points, strong=code == order[-1] or code in _aims(rows))
        _note(axes, rows, lang)
        figure.alt = _say(rows, said, digits, lang)
    return figure


def _order(edges: list[tuple[str, str]], lang: str | None) -> list[str]:
    """Return the constructs so that every arrow leads forward; of those free, the first in the data first."""
    left = list(dict.fromkeys(code for edge in edges for code in edge))
    open_edges, order = list(edges), []
    while left:
        free = next((c for c in left if all(to != c for _, to in open_edges)), None)
        if free is None:
            raise DataError(say("figure.paths.circle", lang, names=", ".join(left)))
        order.append(free)
        left.remove(free)
        open_edges = [edge for edge in open_edges if edge[0] != free]
    if not order:
        raise DataError(say("figure.empty", lang, figure="paths"))
    return order


def _places(order: list[str]) -> dict[str, tuple[float, float]]:
    """Return the middle of each box: on an ellipse, above and below in turn, from left to right."""
    middle = np.array(_SIZE) / 2
    half = middle - np.array(_BOX) / 2 - np.array([1.0, 1.0])
    share = np.linspace(-1, 1, len(order)) if len(order) > 1 else np.zeros(1)
    side = np.where(np.arange(len(order)) % 2 == 1, 1.0, -1.0)
    up = np.sqrt(np.clip(1 - share**2, 0, 1)) * side
    return {
        code: (middle[0] + half[0] * x, middle[1] + half[1] * y)
        for code, x, y in zip(order, share, up, strict=True)
    }


def _aims(rows: pd.DataFrame) -> set[str]:
    """Return what acts on nothing."""
    return {str(code) for code in rows["to"]} - {str(code) for code in rows["from"]}


def _edge(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return where the line from the middle of a box leaves it."""
    way = end - start
    reach = min((_BOX[k] / 2 + 0.6) / abs(way[k]) if way[k] else np.inf for k in (0, 1))
    return np.asarray(start + way * reach)


def _arrows(
    axes: Axes, rows: pd.DataFrame, at: dict[str, tuple[float, float]], digits: int, lang: str | None
) -> None:
    from matplotlib.patches import FancyArrowPatch

    ends = [(np.array(at[str(r["from"])]), np.array(at[str(r["to"])])) for r in rows.to_dict("records")]
    lines = [(_edge(a, b), _edge(b, a)) for a, b in ends]
    largest = max(float(rows["estimate"].abs().max()), 1e-9)
    busy = [Box(x - _BOX[0] / 2, y - _BOX[1] / 2, x + _BOX[0] / 2, y + _BOX[1] / 2) for x, y in at.values()]
    for i, row in enumerate(rows.itertuples()):
        colour = MUTED if np.isnan(row.clear) else palette()[0] if row.estimate >= 0 else palette()[3]
        style: dict[str, Any] = {"color": colour, "linestyle": (0, (4, 2)) if row.clear == 0 else "-"}
        width = 0.8 + 2.4 * abs(row.estimate) / largest
        axes.add_patch(
            FancyArrowPatch(
                *map(tuple, lines[i]),
                arrowstyle="-|>",
                mutation_scale=9,
                linewidth=width,
                shrinkA=0,
                shrinkB=0,
                zorder=1,
                **style,
            )
        )
        text = formats.number(row.estimate, digits=digits, lang=lang)
        place = _beside(lines, i, text, busy)
        busy.append(box(text, place, 8.0))
        ground = {"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none"}
        axes.text(*place, text, ha="center", va="center", fontsize=8, color=INK, zorder=4, bbox=ground)


def _beside(
    lines: list[tuple[np.ndarray, np.ndarray]], own: int, text: str, busy: list[Box]
) -> tuple[float, float]:
    """Return the place on an arrow where its number is farthest from other arrows and meets nothing."""
    start, end = lines[own]
    best, most = (float(start[0]), float(start[1])), -np.inf
    for share in np.linspace(0.16, 0.8, 33):
        point = start + (end - start) * share
        room = box(text, (float(point[0]), float(point[1])), 8.0)
        free = not any(room.meets(other) for other in busy)
        away = min((_distance(point, *line) for k, line in enumerate(lines) if k != own), default=9.0)
        score = min(away, 5.0) - abs(share - 0.4) + (0 if free else -100)
        if score > most:
            best, most = (float(point[0]), float(point[1])), score
    return best


def _distance(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    way = end - start
    share = np.clip(np.dot(point - start, way) / max(np.dot(way, way), 1e-12), 0, 1)
    return float(np.hypot(*(point - start - share * way)))


def _construct(axes: Axes, label: str, at: tuple[float, float], points: float, *, strong: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (at[0] - _BOX[0] / 2, at[1] - _BOX[1] / 2)
    shape = "round,pad=0,rounding_size=1.6"
    fill = palette()[0] if strong else PALE
    axes.add_patch(
        FancyBboxPatch(
            corner, *_BOX, boxstyle=shape, facecolor=fill, edgecolor=MUTED, linewidth=0.8, zorder=3
        )
    )
    text = draw.even(label, _BOX[0] - 3, points)
    ink = "white" if strong else INK
    draw.named(
        axes.text(*at, text, ha="center", va="center", fontsize=points, color=ink, zorder=5, linespacing=1.05)
    )


def _note(axes: Axes, rows: pd.DataFrame, lang: str | None) -> None:
    parts = [say("figure.paths.width", lang)]
    parts += [say("figure.paths.dashed", lang)] if (rows["clear"] == 0).any() else []
    parts += [say("figure.paths.grey", lang)] if rows["clear"].isna().any() else []
    draw.write(
        axes,
        "".join(parts).strip(),
        (0, 0),
        over="axes",
        shift=(0, -2),
        ha="left",
        va="top",
        size=8,
        color=MUTED,
    )


def _say(rows: pd.DataFrame, said: dict[str, str], digits: int, lang: str | None) -> str:
    named = []
    for row in rows.to_dict("records"):
        value = formats.number(row["estimate"], digits=digits, lang=lang)
        unclear = (
            say("chart.brackets", lang, text=say("figure.paths.unclear", lang)) if row["clear"] == 0 else ""
        )
        named.append(
            f"{said[str(row['from'])]}→{said[str(row['to'])]}{say('chart.gap', lang)}{value}{unclear}"
        )
    counts = {"constructs": len(said), "count": len(rows), "clear": int((rows["clear"] == 1).sum())}
    return say("figure.alt.paths", lang, names=say("chart.and", lang).join(named), **counts)
