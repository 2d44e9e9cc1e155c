"""Funnel plots: rates of units of different size against limits that narrow with size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.labels import Box, beside_points, frame_mm, strokes
from qstats.report.theme import INK, MUTED, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_NEEDED: Final = ("denominator", "target", "low_95", "high_95", "low_998", "high_998", "position")
#: position → marker fill, size; the side of the target gives ▲ or ▼
_POSITIONS: Final = ("better", "somewhat better", "within", "somewhat worse", "worse")
MOST: Final = 400
_NAMED: Final = 16


def funnel(
    estimate: Estimate,
    /,
    *,
    highlight: str | Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
    height_mm: float = 100.0,
) -> Drawing:
    """Draw each unit by its size and its rate, with the target and the limits around it.

    Units outside the limits are triangles and have names as far as there is room; filled beyond 99.8 %,
    hollow beyond 95 %. Between the sizes of the units limits are interpolated, their squared distance
    from the target in 1/n.

    Parameters
    ----------
    estimate : Estimate
        Of :func:`qstats.funnel`.
    highlight : str or sequence of str
        Units to name in any case.
    labels, digits, lang, height_mm
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        It has no limits, or its rows differ by several keys.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import inspection_pass_rate
    >>> from qstats.analysis.funnel import funnel as judged
    >>> checks = {"region": ["安徽", "江苏", "浙江"], "inspected": [400, 900, 60], "passed": [340, 850, 55]}
    >>> found = judged(inspection_pass_rate(checks, by="region"))
    >>> funnel(found, labels={"inspection_pass_rate": "抽查合格率"}, lang="zh").alt
    '漏斗图：抽查合格率（%），3个单位，比较基准91.5。99.8%限外较优：江苏94.4。99.8%限外较差：安徽85.0。限内1个。'
    """
    asked.keys(estimate, [], lang, figure="funnel")
    table = estimate.table
    asked.columns(table, _NEEDED, lang, figure="funnel", source="qs.funnel(…)")
    key = draw.varying_key(estimate)
    rows = table[table["position"].astype(str) != ""].rename(columns={key: "key"})
    asked.at_most(len(rows), MOST, lang, figure="funnel")
    marked = asked.marked(highlight, [str(k) for k in rows["key"]], lang)
    rows["label"] = [draw.label_of(k, lang=lang, labels=labels) for k in rows["key"]]
    places = estimate.digits if digits is None else digits
    with draw.sheet(height_mm, [estimate], lang) as figure:
        axes = draw.room(figure, left=14, right=46, top=12, bottom=13)
        _axes(axes, rows, estimate.unit, lang, height_mm)
        _draw_limits(axes, rows)
        _draw_units(axes, rows, marked)
        _legend(axes, rows, places, lang)
        figure.alt = _say(rows, draw.title_of(estimate, labels, lang), places, lang)
    return figure


def _axes(axes: Axes, rows: pd.DataFrame, unit: str, lang: str | None, height: float) -> None:
    n = rows["denominator"].to_numpy(dtype=float)
    if n.max() > 15 * n.min():
        axes.set_xscale("log")
        axes.set_xlim(n.min() / 1.25, n.max() * 1.25)
        marks = [
            m * 10.0**k
            for k in range(12)
            for m in (1, 2, 5)
            if n.min() / 1.25 <= m * 10.0**k <= n.max() * 1.25
        ]
        marks = marks if len(marks) <= 8 else [m for m in marks if np.log10(m) % 1 == 0]
    else:
        wide = max(n.max() - n.min(), n.max() * 0.05)
        axes.set_xlim(max(n.min() - 0.08 * wide, 0), n.max() + 0.08 * wide)
        marks = draw.ticks(*axes.get_xlim(), count=6)
    axes.set_xticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.set_xticks([], minor=True)
    size = say("figure.funnel.size", lang)
    draw.write(axes, size, (1, 0), over="axes", shift=(0, -18), ha="right", va="top", size=8, color=MUTED)
    low, high = draw.limits(
        rows[["estimate", "low_95", "high_95", "low_998", "high_998"]].to_numpy(float).ravel(), pad=0.06
    )
    axes.set_ylim(low, high)
    marks = draw.ticks(low, high, count=max(int(height / 18), 2))
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    draw.unit_note(axes, unit, lang, from_zero=low <= 0)


def between(n: np.ndarray, limit: np.ndarray, target: float, grid: np.ndarray, /) -> np.ndarray:
    """Return a limit at sizes between those at which it is known; exact where its variance is linear in 1/n.

    Parameters
    ----------
    n, limit : ndarray, shape (units,)
    target : float
    grid : ndarray, shape (points,)

    Examples
    --------
    >>> n = np.array([100.0, 400.0])
    >>> between(n, 90 + 20 / np.sqrt(n), 90.0, np.array([200.0])).round(9).tolist()  # 90 + 20/√200
    [91.414213562]
    """
    order = np.argsort(-n)
    side = 1.0 if np.nansum(limit - target) >= 0 else -1.0
    square = np.interp(1 / grid, (1 / n)[order], ((limit - target) ** 2)[order])
    return np.asarray(target + side * np.sqrt(square))


def _draw_limits(axes: Axes, rows: pd.DataFrame) -> None:
    n, target = rows["denominator"].to_numpy(dtype=float), float(rows["target"].iloc[0])
    grid = np.geomspace(n.min(), n.max(), 160)
    for name, dash in (("95", (0, (4, 3))), ("998", "-")):
        for side in ("low", "high"):
            limit = between(n, rows[f"{side}_{name}"].to_numpy(dtype=float), target, grid)
            axes.plot(grid, limit, color=palette()[2], linestyle=dash, linewidth=1.0, zorder=1)
    axes.axhline(target, color=INK, linewidth=0.9, zorder=1)


def _marks(rows: pd.DataFrame) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Return which units have which mark."""
    above = (rows["estimate"] > rows["target"]).to_numpy()
    position, colours = rows["position"].astype(str), palette()
    found: list[tuple[np.ndarray, dict[str, Any]]] = [
        ((position == "within").to_numpy(), {"marker": "o", "color": MUTED, "markersize": 4.0})
    ]
    for word in ("better", "worse"):
        colour = colours[0] if word == "better" else colours[3]
        for name, full in ((f"somewhat {word}", False), (word, True)):
            for side, marker in ((above, "^"), (~above, "v")):
                style = {"marker": marker, "color": colour, "markersize": 6.5 if full else 5.5}
                style |= {"markerfacecolor": colour if full else "white", "markeredgewidth": 1.1}
                found.append(((position == name).to_numpy() & side, style))
    return found


def _draw_units(axes: Axes, rows: pd.DataFrame, marked: list[str]) -> None:
    n, value = rows["denominator"].to_numpy(dtype=float), rows["estimate"].to_numpy(dtype=float)
    for which, style in _marks(rows):
        axes.plot(n[which], value[which], linestyle="none", zorder=3, **style)
    strong = rows["key"].astype(str).isin(marked).to_numpy()
    axes.plot(
        n[strong], value[strong], "o", markersize=10, markerfacecolor="none", markeredgecolor=INK, zorder=3
    )
    outside = (rows["position"].astype(str) != "within").to_numpy()
    far = np.abs(rows["z"].to_numpy(dtype=float)) if "z" in rows else outside.astype(float)
    order = np.lexsort((-np.nan_to_num(far), ~outside, ~strong))
    texts = [
        draw.fit(rows["label"].iloc[i], 34, 8.0) for i in order[: int((outside | strong).sum())][:_NAMED]
    ]
    beside_points(axes, n[order], value[order], texts, taken=_lines(axes), radius=1.4)


def _lines(axes: Axes) -> list[Box]:
    """Return the room that the limits and the target take, curves piece by piece."""
    found = []
    for line in axes.get_lines():
        x, y = (np.asarray(part, dtype=float) for part in line.get_data())
        if len(x) > 100:
            found += strokes(axes, list(zip(x[:-1], y[:-1], x[1:], y[1:], strict=True)))
    (x0, x1), target = axes.get_xlim(), float(np.ravel(axes.get_lines()[4].get_ydata())[0])
    return [*found, *strokes(axes, [(x0, target, x1, target)])]


def _legend(axes: Axes, rows: pd.DataFrame, digits: int, lang: str | None) -> None:
    """Write at the right what marks and lines mean, and how many units there are of each."""
    frame, at = frame_mm(axes), 0.97
    wide, step = frame.right - frame.left, 5.2 / (frame.top - frame.bottom)
    target = formats.number(float(rows["target"].iloc[0]), digits=digits, lang=lang)
    entries: list[tuple[str, dict[str, Any]]] = [
        (f"{say('figure.funnel.against', lang)} {target}", {"color": INK, "linewidth": 0.9}),
        (say("figure.funnel.limit_998", lang), {"color": palette()[2], "linewidth": 1.0}),
        (
            say("figure.funnel.limit_95", lang),
            {"color": palette()[2], "linewidth": 1.0, "linestyle": (0, (4, 3))},
        ),
    ]
    for name in _POSITIONS:
        there = (rows["position"].astype(str) == name).to_numpy()
        if there.any():
            style = next(style for which, style in _marks(rows) if which[there].any())
            text = say(f"figure.funnel.{name.replace(' ', '_')}", lang, count=int(there.sum()))
            entries.append((text, {"linestyle": "none", **style}))
    for text, style in entries:
        x = [1 + 6 / wide] if "marker" in style else [1 + 3 / wide, 1 + 9 / wide]
        axes.plot(x, [at] * len(x), transform=axes.transAxes, clip_on=False, **style)
        draw.write(axes, text, (1 + 11 / wide, at), over="axes", ha="left", size=8)
        at -= step


def _say(rows: pd.DataFrame, title: str, digits: int, lang: str | None) -> str:
    gap, target = (
        say("chart.gap", lang),
        formats.number(float(rows["target"].iloc[0]), digits=digits, lang=lang),
    )
    parts = [say("figure.alt.funnel", lang, title=title, count=len(rows), target=target)]
    for name in _POSITIONS:
        group = rows[rows["position"].astype(str) == name].sort_values("estimate", ascending=False)
        if name != "within" and len(group):
            named = [
                f"{r.label}{gap}{formats.number(r.estimate, digits=digits, lang=lang)}"
                for r in group.itertuples()
            ]
            key = f"figure.alt.funnel_{name.replace(' ', '_')}"
            parts.append(say(key, lang, names=say("chart.and", lang).join(named)))
    inside = int((rows["position"].astype(str) == "within").sum())
    return "".join([*parts, say("figure.alt.funnel_within", lang, count=inside)])
