"""Bars from zero: amounts, with their intervals where these are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qstats.errors import one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, look, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Order = Literal["value", "given"]
MOST: Final = 40


def bars(
    estimate: Estimate,
    /,
    *,
    order: Order = "value",
    highlight: str | Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw each row of an estimate as a bar that begins at zero, with its interval.

    For amounts, counts and changes. Rates that lie close together are better seen as dots:
    :func:`qstats.report.ranks.ranked`.

    Parameters
    ----------
    estimate : Estimate
        Its rows differ by one key; up to 40.
    order : {"value", "given"}
        From the largest, or in the order of the rows.
    highlight : str or sequence of str
        Key values to set off by colour, hatching and weight.
    labels, digits, lang
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        The rows differ by several keys, there are too many of them, or all are missing.
    OptionError
        A row to highlight does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> table = pd.DataFrame({"cause": ["农药残留", "微生物"], "estimate": [32, 40]})
    >>> table = table.assign(std_error=nan, conf_low=nan, conf_high=nan, n=nan)
    >>> bars(Estimate(table, indicator="不合格批次", unit="批", method="count", digits=0), lang="zh").alt
    '条形图：不合格批次（批），2行。微生物40、农药残留32。'
    """
    one_of("order", order, ("value", "given"))
    asked.keys(estimate, [], lang, figure="bars")
    key = draw.varying_key(estimate)
    rows = estimate.table.rename(columns={key: "key"})
    asked.at_most(len(rows), MOST, lang, figure="bars")
    draw.require_numbers(rows["estimate"], lang)
    rows["key"] = rows["key"].astype(str)
    marked = asked.marked(highlight, list(rows["key"]), lang)
    if order == "value":
        rows = rows.sort_values(["estimate", "key"], ascending=[False, True], na_position="last")
    rows = rows.reset_index(drop=True)
    rows["label"] = [draw.label_of(k, lang=lang, labels=labels) for k in rows["key"]]
    places = estimate.digits if digits is None else digits
    texts = draw.numbers(rows["estimate"], places, lang)
    names = draw.names_of_rows(rows["label"])
    with draw.sheet(len(rows) * max(5.6, 4.4 * names.lines) + 13, [estimate], lang) as figure:
        axes = draw.room(figure, left=names.mm, right=4, top=10, bottom=3, frame=False)
        _draw(axes, rows, texts, rows["key"].isin(marked).to_numpy(), names)
        unit = unit_name(estimate.unit, lang)
        if unit:
            note = say("chart.unit", lang, unit=unit)
            draw.write(
                axes, note, (0, 1), over="axes", shift=(0, 4), ha="left", va="bottom", size=8, color=MUTED
            )
        figure.alt = _say(estimate, rows, texts, labels, lang)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, texts: list[str], strong: np.ndarray, names: draw.Names) -> None:
    value, low, high = (rows[c].to_numpy(dtype=float) for c in ("estimate", "conf_low", "conf_high"))
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(value)
    tip = np.where(
        value >= 0,
        np.fmax(value, np.where(known, high, -np.inf)),
        np.fmin(value, np.where(known, low, np.inf)),
    )
    tip = np.where(np.isfinite(value), tip, 0.0)
    widest = max(draw.width_mm(text, 8.5) for text in texts) + 5
    first, last = min(float(np.min(tip)), 0.0), max(float(np.max(tip)), 0.0)
    per_mm = (last - first or 1.0) / (draw.plot_mm(axes) - widest * (2 if first < 0 else 1))
    axes.set_xlim(first - (widest * per_mm if first < 0 else 0), last + widest * per_mm)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    places, colours = np.arange(len(rows)), palette()
    for which, fill, edge, hatch in (
        (~strong, look().steps[2], colours[0], ""),
        (strong, "white", colours[2], "////"),
    ):
        style: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "hatch": hatch, "linewidth": 0.9}
        axes.barh(places[which], np.nan_to_num(value[which]), height=0.62, **style)
    axes.hlines(places[known], low[known], high[known], color=INK, linewidth=0.9, zorder=3)
    for ends in (low, high):
        axes.plot(ends[known], places[known], "|", color=INK, markersize=5, markeredgewidth=0.9, zorder=3)
    axes.plot([0, 0], [-0.5, len(rows) - 0.5], color=INK, linewidth=0.8)
    for i, text in enumerate(texts):
        style = {"weight": "bold", "color": colours[2]} if strong[i] else {}
        draw.named(draw.beside(axes, i, -(names.mm - 2), names.texts[i], ha="left", **style))
        right = not value[i] < 0
        side = "left" if right else "right"
        draw.write(axes, text, (tip[i], i), shift=(4 if right else -4, 0), ha=side, **style)


def _say(
    estimate: Estimate,
    rows: pd.DataFrame,
    texts: list[str],
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    gap = say("chart.gap", lang)
    named = [f"{label}{gap}{text}" for label, text in zip(rows["label"], texts, strict=True)]
    title = draw.title_of(estimate, labels, lang)
    return say(
        "figure.alt.bars", lang, title=title, count=len(rows), names=say("chart.and", lang).join(named)
    )
