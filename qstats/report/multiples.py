"""Small multiples: the same line chart for each region, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.lines import all_periods, runs
from qstats.report.theme import INK, MUTED, RULE, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST: Final = 36
#: height of a panel with its gap, and width of all panels, in millimetres
_HIGH: Final = 25.0
_ROW: Final = 165.6


def multiples(
    estimate: Estimate,
    /,
    *,
    by: str = "region",
    reference: str = "全国",
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw a small line chart for each unit, all on one scale, with its last value.

    Parameters
    ----------
    estimate : Estimate
        With the key ``period`` and `by`; up to 36 units.
    by : str
        The key of the panels: regions in the order of the classification, all else in that of the rows.
    reference : str
        A value of `by` whose line stands in grey in every panel, when there is one; it has no panel.
    labels, digits, lang
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        A key is missing, a third one varies, there are more than 36 units, or nothing but missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> rows = [("2022", "安徽", 93.1), ("2023", "安徽", 93.6), ("2022", "江苏", 94.0),
    ...         ("2023", "江苏", 94.1)]
    >>> table = pd.DataFrame(rows, columns=["period", "region", "estimate"])
    >>> table = table.assign(std_error=nan, conf_low=nan, conf_high=nan, n=nan)
    >>> multiples(Estimate(table, indicator="合格率", unit="%", method="published"), lang="zh").alt
    '小多图：合格率（%），2022年至2023年，2个单位同一刻度。江苏94.00→94.10、安徽93.10→93.60。'
    """
    asked.keys(estimate, ["period", by], lang, figure="multiples")
    table = estimate.table
    asked.one_a_mark(table, estimate.keys, lang, figure="multiples", shown=["period", by])
    draw.require_numbers(table["estimate"], lang)
    table[by], table["period"] = table[by].astype(str), table["period"].astype(str)
    units = [name for name in asked.in_order(list(table[by]), by) if name != reference]
    asked.at_most(len(units), MOST, lang, figure="multiples")
    axis = all_periods(set(table["period"]))
    lines = {name: _line(rows, axis) for name, rows in table.groupby(by, sort=False)}
    names = {name: draw.label_of(name, lang=lang, labels=labels) for name in lines}
    places = estimate.digits if digits is None else digits
    limits = _limits(lines, estimate.unit)
    room = max(
        draw.width_mm(names[u], 8) * 1.1 + draw.width_mm(formats.number(limits[1], digits=places), 7.5)
        for u in units
    )
    row = next((count for count in (6, 5, 4, 3) if room <= _ROW / count - 4), 2)
    with draw.sheet(-(-len(units) // row) * _HIGH + 14, [estimate], lang) as figure:
        for i, name in enumerate(units):
            axes = _panel(figure, i, row, limits, axis)
            if reference in lines:
                _reference(axes, lines[reference][0])
            _draw(axes, lines[name], names[name], places, _ROW / row, lang)
        _notes(figure, limits, estimate.unit, names.get(reference), places, lang)
        title = draw.title_of(estimate, labels, lang)
        shown = {names[name]: lines[name][0] for name in units}
        figure.alt = _say(shown, title, axis, places, lang)
    return figure


def _line(rows: pd.DataFrame, axis: list[str]) -> np.ndarray:
    """Return value, low and high at every period, shape (3, periods)."""
    columns = ["estimate", "conf_low", "conf_high"]
    return np.asarray(rows.set_index("period")[columns].reindex(axis).to_numpy(dtype=float).T)


def _limits(lines: dict[str, np.ndarray], unit: str) -> tuple[float, float]:
    """Return the common scale; that of a rate ends at 100 %."""
    every = np.concatenate([line.ravel() for line in lines.values()])
    low, high = draw.limits(every, pad=0.12)
    return (
        (max(low, 0.0), min(high, 100.0))
        if unit == "%" and np.nanmin(every) >= 0 and np.nanmax(every) <= 100
        else (low, high)
    )


def _panel(figure: Drawing, at: int, row: int, limits: tuple[float, float], axis: list[str]) -> Axes:
    """Return the axes of a panel: two to six in a row, the first row below the notes."""
    width, height = (inch * 25.4 for inch in figure.get_size_inches())
    wide = _ROW / row
    left, down = 2 + at % row * wide, 10 + at // row * _HIGH
    axes = figure.add_axes(
        (left / width, 1 - (down + _HIGH - 4) / height, (wide - 3) / width, (_HIGH - 10) / height)
    )
    axes.set_xlim(-0.4, max(len(axis) - 0.6, 0.6))
    axes.set_ylim(*limits)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.set_xticks([])
    for i, side in ((0, "left"), (len(axis) - 1, "right")):
        draw.write(
            axes,
            draw.fit(axis[i], wide / 2 - 2, 6.5),
            (float(side == "right"), 0),
            over="axes",
            shift=(0, -2),
            ha=side,
            va="top",
            size=6.5,
            color=MUTED,
        )
    return axes


def _reference(axes: Axes, value: np.ndarray) -> None:
    for run in runs(np.isfinite(value)):
        axes.plot(
            run,
            value[run],
            color="#8A8A8A",
            linewidth=1.0,
            linestyle=(0, (2, 1.5)),
            zorder=1,
            marker="" if len(run) > 1 else "_",
        )


def _draw(axes: Axes, line: np.ndarray, name: str, digits: int, wide: float, lang: str | None) -> None:
    value, low, high = line
    for run in runs(np.isfinite(low) & np.isfinite(high)):
        axes.fill_between(run, low[run], high[run], color=palette()[0], alpha=0.16, linewidth=0)
    for run in runs(np.isfinite(value)):
        axes.plot(
            run,
            value[run],
            color=palette()[0],
            linewidth=1.3,
            marker="" if len(run) > 1 else "o",
            markersize=3,
        )
    known = np.flatnonzero(np.isfinite(value))
    text = say("chart.no_data", lang)
    if len(known):
        axes.plot([known[-1]], [value[known[-1]]], "o", color=palette()[0], markersize=3.5)
        text = formats.number(value[known[-1]], digits=digits, lang=lang)
    room = (wide - 4.5 - draw.width_mm(text, 7.5)) / 1.08  # bold
    draw.named(
        draw.write(
            axes,
            draw.fit(name, room, 8),
            (0, 1),
            over="axes",
            shift=(0, 2),
            ha="left",
            va="bottom",
            size=8,
            weight="bold",
        )
    )
    draw.write(axes, text, (1, 1), over="axes", shift=(0, 2), ha="right", va="bottom", size=7.5, color=INK)


def _notes(
    figure: Drawing,
    limits: tuple[float, float],
    unit: str,
    reference: str | None,
    digits: int,
    lang: str | None,
) -> None:
    """Write above the panels what their common scale is, and what the grey line is."""
    width, height = (inch * 25.4 for inch in figure.get_size_inches())
    span = formats.span(*limits, unit=unit_name(unit, lang), digits=digits, lang=lang)
    text = say("figure.multiples.scale", lang, span=span)
    if reference is not None:
        text += say("chart.comma", lang) + say("figure.multiples.reference", lang, name=reference)
    figure.text(
        2 / width, 1 - 2.5 / height, draw.fit(text, 140, 8), ha="left", va="top", fontsize=8, color=MUTED
    )


def _say(lines: dict[str, np.ndarray], title: str, axis: list[str], digits: int, lang: str | None) -> str:
    named, gap = [], say("chart.gap", lang)
    for name, value in lines.items():
        known = value[np.isfinite(value)]
        ends = [
            formats.number(v, digits=digits, lang=lang) for v in (known[[0, -1]] if len(known) > 1 else known)
        ]
        named.append(name + gap + ("→".join(ends) or say("chart.no_data", lang)))
    when = {"first": formats.period(axis[0], lang=lang), "last": formats.period(axis[-1], lang=lang)}
    return say(
        "figure.alt.multiples",
        lang,
        title=title,
        count=len(lines),
        names=say("chart.and", lang).join(named),
        **when,
    )
