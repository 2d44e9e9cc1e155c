"""Importance and performance: what to improve first."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.labels import Box, beside_points, frame_mm, strokes
from qstats.report.names import construct_names
from qstats.report.theme import INK, MUTED, PALE, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from qstats.satisfaction.models import Questionnaire

MOST: Final = 20


def importance(
    estimate: Estimate,
    /,
    *,
    model: str | pd.DataFrame | Questionnaire | None = None,
    labels: Mapping[str, str] | None = None,
    lang: str | None = None,
    height_mm: float = 100.0,
) -> Drawing:
    """Draw each construct by its importance for the index (across) and its own index (up).

    The lines are the unweighted means; what is more important and performs worse than the mean stands on
    the grey ground. Crosses are the intervals, where they are known; that of the performance is
    normal, from its standard error.

    Parameters
    ----------
    estimate : Estimate
        Of :func:`qstats.satisfaction.importance_performance`, one group.
    model : optional
        Whose names constructs have; what :func:`qstats.satisfaction.questionnaire` takes, or returns.
    labels : mapping, optional
        Printed names of constructs.
    lang : {"zh", "en"}, optional
        Language.
    height_mm : float
        Height of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        It has no ``performance``, or several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("QUAL", 0.52, 71.0), ("VAL", 0.3, 74.0)]
    >>> table = pd.DataFrame(rows, columns=["construct", "estimate", "performance"])
    >>> nan = float("nan")
    >>> table.insert(2, "std_error", nan)
    >>> table = table.assign(conf_low=nan, conf_high=nan, n=nan, performance_std_error=nan)
    >>> found = Estimate(table, indicator="importance", unit="points per point", method="m")
    >>> importance(found, model="acsi", lang="zh").alt
    '重要性—绩效图：2个因素，重要性均值0.41，绩效均值72.50。感知质量（重要性0.52，绩效71.00）、感知价值（重要性0.30，绩效74.00）。优先改进：感知质量。'
    """
    asked.keys(estimate, ["construct"], lang, figure="importance")
    table = estimate.table
    source = "qs.satisfaction.importance_performance(…)"
    asked.columns(table, ["performance", "performance_std_error"], lang, figure="importance", source=source)
    asked.one_a_mark(table, estimate.keys, lang, figure="importance", shown=["construct"])
    rows = table[np.isfinite(table["estimate"]) & np.isfinite(table["performance"].astype(float))].copy()
    asked.at_most(len(rows), MOST, lang, figure="importance")
    names = {**construct_names(model, lang), **(labels or {})}
    rows["label"] = [draw.label_of(c, lang=lang, labels=names) for c in rows["construct"]]
    z = NormalDist().inv_cdf((1 + estimate.level) / 2)
    rows["up"] = z * rows["performance_std_error"].astype(float)
    rows["first"] = (rows["estimate"] > rows["estimate"].mean()) & (
        rows["performance"] < rows["performance"].mean()
    )
    with draw.sheet(height_mm, [estimate], lang) as figure:
        axes = draw.room(figure, left=16, right=8, top=12, bottom=14)
        _axes(axes, rows, lang, height_mm)
        _draw(axes, rows)
        figure.alt = _say(rows, lang)
    return figure


def _axes(axes: Axes, rows: pd.DataFrame, lang: str | None, height: float) -> None:
    across = rows[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float).ravel()
    value, up = rows["performance"].to_numpy(dtype=float), np.nan_to_num(rows["up"].to_numpy(dtype=float))
    for which, values, count in (
        ("x", across, 7),
        ("y", np.concatenate([value - up, value + up]), int(height / 16)),
    ):
        low, high = draw.limits(values, pad=0.12, least=0.1 if which == "x" else 4.0)
        marks = draw.ticks(low, high, count=count)
        said = [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks]
        (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
        (axes.set_xticks if which == "x" else axes.set_yticks)(marks, said)
    means = float(rows["estimate"].mean()), float(rows["performance"].mean())
    ends, low = axes.get_xlim(), axes.get_ylim()[0]
    axes.fill_between([means[0], ends[1]], low, means[1], color=PALE, linewidth=0, zorder=0)
    axes.axvline(means[0], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.axhline(means[1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    style: dict[str, Any] = {"over": "axes", "size": 8, "color": MUTED}
    draw.write(
        axes,
        say("figure.importance.performance", lang),
        (0, 1),
        shift=(0, 6),
        ha="left",
        va="bottom",
        **style,
    )
    draw.write(
        axes, say("figure.importance.importance", lang), (1, 0), shift=(0, -18), ha="right", va="top", **style
    )
    draw.write(
        axes,
        say("figure.importance.first", lang),
        (1, 0),
        shift=(-4, 4),
        ha="right",
        va="bottom",
        **{**style, "color": INK},
    )


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    x, y = rows["estimate"].to_numpy(dtype=float), rows["performance"].to_numpy(dtype=float)
    ends, up = rows[["conf_low", "conf_high"]].to_numpy(dtype=float), rows["up"].to_numpy(dtype=float)
    sure, certain = np.isfinite(ends).all(axis=1), np.isfinite(up)
    axes.hlines(y[sure], *ends[sure].T, color=MUTED, linewidth=0.9, zorder=2)
    axes.vlines(x[certain], (y - up)[certain], (y + up)[certain], color=MUTED, linewidth=0.9, zorder=2)
    first = rows["first"].to_numpy(dtype=bool)
    axes.plot(x[~first], y[~first], "o", color=palette()[0], markersize=6.5, zorder=3)
    axes.plot(
        x[first],
        y[first],
        "D",
        color=palette()[3],
        markeredgecolor=INK,
        markeredgewidth=0.6,
        markersize=7,
        zorder=3,
    )
    texts = [draw.fit(label, 48, 8.5) for label in rows["label"]]
    lines = [(a, b, c, b) for a, b, c in zip(ends[sure, 0], y[sure], ends[sure, 1], strict=True)]
    lines += [(a, b - d, a, b + d) for a, b, d in zip(x[certain], y[certain], up[certain], strict=True)]
    beside_points(
        axes, x, y, texts, taken=[*_corner(axes, rows), *strokes(axes, lines)], size=8.5, radius=1.5
    )


def _corner(axes: Axes, rows: pd.DataFrame) -> list[Box]:
    """Return the room of the lines of the means, and of the words in the lower right corner."""
    frame, (x0, x1), (y0, y1) = frame_mm(axes), axes.get_xlim(), axes.get_ylim()
    across, up = float(rows["estimate"].mean()), float(rows["performance"].mean())
    words = Box(frame.right - 46, frame.bottom, frame.right, frame.bottom + 6)
    return [words, *strokes(axes, [(x0, up, x1, up), (across, y0, across, y1)])]


def _say(rows: pd.DataFrame, lang: str | None) -> str:
    def number(x: float) -> str:
        return formats.number(x, digits=2, lang=lang)

    comma = say("chart.and", lang)
    parts = [
        say(
            "figure.alt.importance_one",
            lang,
            name=r.label,
            importance=number(r.estimate),
            performance=number(r.performance),
        )
        for r in rows.itertuples()
    ]
    said = {"importance": number(rows["estimate"].mean()), "performance": number(rows["performance"].mean())}
    text = say("figure.alt.importance", lang, count=len(rows), names=comma.join(parts), **said)
    first = list(rows.loc[rows["first"], "label"])
    return (
        text + (say("figure.alt.importance_first", lang, names=comma.join(first)) if first else "")
    ).strip()
