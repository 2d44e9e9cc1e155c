"""Control charts: points of a monitor with centre, limits and signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from qstats.errors import one_of
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing, new
from qstats.report.labels import beside_points
from qstats.report.lines import period_axis, runs
from qstats.report.theme import INK, MUTED, PALE, palette, theme

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from qstats.analysis.monitor import Monitored

Chart = Literal["shewhart", "ewma"]
_NEEDED: Final = (
    "period",
    "phase",
    "value",
    "centre",
    "low",
    "high",
    "ewma",
    "ewma_limit",
    "outside",
    "signal",
)
#: signals named beside their points
_NAMED: Final = 8


def control(
    monitored: Monitored | pd.DataFrame,
    /,
    *,
    chart: Chart = "shewhart",
    title: str = "",
    unit: str = "",
    digits: int = 2,
    simulated: bool = False,
    lang: str | None = None,
    height_mm: float = 82.0,
) -> Drawing:
    """Draw the points of one series in order, with centre line and limits.

    Phase I, from which the limits come, has a grey ground. A point that signals is a large triangle, up or
    down, with its period; one outside its limits that is no signal (others of its period are likelier
    false) is hollow.

    Parameters
    ----------
    monitored : Monitored or DataFrame
        Of :func:`qstats.monitor`; of several series, the rows of its ``points`` of one.
    chart : {"shewhart", "ewma"}
        The points themselves; or their exponentially weighted means, in standard deviations from the centre.
    title : str
        What is watched, for the alternative text.
    unit : str
        Of the values.
    digits, simulated, lang
        As in :func:`qstats.report.targets.target_bullets`.
    height_mm : float
        Height of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        Several series, or it is not the result of a monitor.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> from qstats.analysis.monitor import monitor
    >>> months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    >>> alerts = published("RAPEX_notifications_monthly").where(period=months)
    >>> found = monitor(alerts, baseline="2013M12", kind="c", direction=-1)
    >>> control(found, title="通报数", digits=0, lang="zh").alt[:42]
    '控制图：通报数，2011年1月至2015年12月，36个基准点，24个监测点，中心线'
    """
    one_of("chart", chart, ("shewhart", "ewma"))
    points = _points(monitored, lang)
    title = formats.clean(title, limit=draw.LONGEST) or say("figure.control.value", lang)
    if chart == "ewma":
        points = points[points["phase"] == "II"].reset_index(drop=True)
        asked.at_most(len(points), 600, lang, figure="control")
        points = points.assign(
            value=points["ewma"], centre=0.0, low=-points["ewma_limit"], high=points["ewma_limit"]
        )
        points["outside"] = points["value"].abs() > points["high"]
        unit, digits = say("figure.control.sd", lang), max(digits, 2)
    with theme():
        figure = new(height_mm)
        axes = draw.room(figure, left=14, right=34, top=12, bottom=10)
        _axes(axes, points, unit, lang, height_mm)
        _draw_limits(axes, points, digits, lang)
        _draw_points(axes, points, lang)
        draw.mark_simulated(figure, simulated, lang)
        figure.alt = draw.simulated_note(simulated, lang) + _say(points, title, unit, digits, lang)
    return figure


def _points(monitored: Monitored | pd.DataFrame, lang: str | None) -> pd.DataFrame:
    points: pd.DataFrame = getattr(monitored, "points", monitored)
    asked.columns(points, _NEEDED, lang, figure="control", source="qs.monitor(…)")
    keys = list(points.columns[: list(points.columns).index("period")])
    asked.one_a_mark(points, keys, lang, figure="control")
    asked.at_most(len(points), 600, lang, figure="control")
    draw.require_numbers(points["value"], "the control chart")
    return points.reset_index(drop=True)


def _axes(axes: Axes, points: pd.DataFrame, unit: str, lang: str | None, height: float) -> None:
    low, high = draw.limits(points[["value", "low", "high"]].to_numpy(dtype=float).ravel(), pad=0.12)
    axes.set_ylim(low, high)
    marks = draw.ticks(low, high, count=max(int(height / 18), 2))
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y")
    draw.unit_note(axes, unit, lang, from_zero=low <= 0)
    period_axis(axes, [str(p) for p in points["period"]], lang)
    past = int((points["phase"] == "I").sum())
    if past:
        axes.axvspan(axes.get_xlim()[0], past - 0.5, color=PALE, linewidth=0, zorder=0)
    if past and past < len(points):
        for at, key, side in ((-4.0, "I", "right"), (4.0, "II", "left")):
            text = say(f"figure.control.phase_{key}", lang)
            room = draw.plot_mm(axes) * (past if key == "I" else len(points) - past) / len(points)
            if draw.width_mm(text, 8) + 3 < room:
                place = {
                    "over": "column",
                    "shift": (at, -3),
                    "ha": side,
                    "va": "top",
                    "size": 8,
                    "color": MUTED,
                }
                draw.write(axes, text, (past - 0.5, 1), **place)  # type: ignore[arg-type]


def _steps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a line that is level at each point and steps in the middle between two."""
    return np.column_stack([x - 0.5, x + 0.5]).ravel(), np.repeat(y, 2)


def _draw_limits(axes: Axes, points: pd.DataFrame, digits: int, lang: str | None) -> None:
    """Draw centre and limits, with their last values at the right."""
    x = np.arange(len(points), dtype=float)
    styles = {
        "high": (palette()[2], (0, (5, 3)), 1.1),
        "centre": (INK, "-", 0.9),
        "low": (palette()[2], (0, (5, 3)), 1.1),
    }
    last = {}
    for name, (colour, dash, width) in styles.items():
        y = points[name].to_numpy(dtype=float)
        axes.plot(*_steps(x, y), color=colour, linestyle=dash, linewidth=width, zorder=1.5)
        if np.isfinite(y).any():
            last[name] = float(y[np.isfinite(y)][-1])
    low, high = axes.get_ylim()
    height = axes.get_position().height * axes.get_figure(root=True).get_figheight() * 25.4  # type: ignore[union-attr]
    at = draw.spread(list(last.values()), 4.2 / height * (high - low), low=low, high=high)
    for (name, value), y in zip(last.items(), at, strict=True):
        text = say(f"figure.control.{name}", lang) + " " + formats.number(value, digits=digits, lang=lang)
        draw.write(axes, text, (1, y), over="row", shift=(5, 0), ha="left", size=8, color=styles[name][0])


def _draw_points(axes: Axes, points: pd.DataFrame, lang: str | None) -> None:
    value, x = points["value"].to_numpy(dtype=float), np.arange(len(points))
    signal = points["signal"].to_numpy(dtype=bool)
    outside = points["outside"].to_numpy(dtype=bool) & ~signal
    below, memory = value < points["low"].to_numpy(dtype=float), points["ewma"].to_numpy(dtype=float)
    within = ~below & ~(value > points["high"].to_numpy(dtype=float))
    above = np.where(within & np.isfinite(memory), memory > 0, ~below)  # within: what the mean remembers
    for run in runs(np.isfinite(value)):
        axes.plot(x[run], value[run], color=palette()[0], linewidth=0.9, zorder=2)
    plain = ~signal & ~outside
    axes.plot(x[plain], value[plain], "o", color=palette()[0], markersize=3.6, zorder=3)
    axes.plot(
        x[outside], value[outside], "o", color=palette()[0], markerfacecolor="white", markersize=5, zorder=3
    )
    for which, marker in ((signal & above, "^"), (signal & ~above, "v")):
        axes.plot(
            x[which],
            value[which],
            marker,
            color=palette()[3],
            markeredgecolor=INK,
            markeredgewidth=0.6,
            markersize=7,
            zorder=4,
        )
    order = np.concatenate([np.flatnonzero(signal), np.flatnonzero(~signal)])
    new_ones = signal & ~np.concatenate([[False], signal[:-1]])
    names = [formats.period(str(p), lang=lang) for p in points["period"]]
    said = [names[i] if new_ones[i] else "" for i in order[: int(signal.sum())]]
    shown = [text if sum(map(bool, said[: k + 1])) <= _NAMED else "" for k, text in enumerate(said)]
    beside_points(axes, x[order].astype(float), value[order], shown, radius=1.3)


def _say(points: pd.DataFrame, title: str, unit: str, digits: int, lang: str | None) -> str:
    when = [formats.period(str(p), lang=lang) for p in points["period"]]
    known = points[points["centre"].notna()].iloc[-1]
    said = {c: formats.number(float(known[c]), digits=digits, lang=lang) for c in ("centre", "low", "high")}
    past = int((points["phase"] == "I").sum())
    counts = {"past": past, "now": len(points) - past, "unit": draw.unit_name(unit, lang)}
    text = say("figure.alt.control", lang, title=title, first=when[0], last=when[-1], **counts, **said)
    signals = points[points["signal"].astype(bool)]
    if signals.empty:
        return text + say("figure.alt.control_none", lang)
    values = [formats.number(v, digits=digits, lang=lang) for v in signals["value"].head(12)]
    named = [when[i] + say("chart.gap", lang) + v for i, v in zip(signals.index, values, strict=False)]
    names = say("chart.and", lang).join(named)
    return text + say("figure.alt.control_signals", lang, count=len(signals), names=names)
