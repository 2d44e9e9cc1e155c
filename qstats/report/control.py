"""Control charts: points of a monitor with centre, limits and signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from qstats.errors import one_of
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.labels import beside_points
from qstats.report.lines import period_axis, runs
from qstats.report.theme import INK, MUTED, PALE, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from qstats.analysis.monitor import Monitored

Chart = Literal["shewhart", "ewma", "cusum", "memory"]
_CHARTS: Final = ("shewhart", "ewma", "cusum", "memory")
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
_SUMS: Final = ("cusum_up", "cusum_down", "cusum_limit")
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
    height_mm: float | None = None,
) -> Drawing:
    """Draw the points of one series in order, with centre line and limits.

    Phase I, from which the limits come, has a grey ground. A point that signals is a large triangle, up or
    down, with its period; one outside its limits that is no signal (others of its period are likelier
    false) is hollow.

    Parameters
    ----------
    monitored : Monitored or DataFrame
        Of :func:`qstats.monitor`; of several series, the rows of its ``points`` of one.
    chart : {"shewhart", "ewma", "cusum", "memory"}
        The points themselves; their exponentially weighted means, in standard deviations from the centre; the
        two sums of the CUSUM, that for falls drawn downwards, with the decision interval; or both of these
        one above the other.
    title : str
        What is watched, for the alternative text.
    unit : str
        Of the values.
    digits, simulated, lang
        As in :func:`qstats.report.targets.target_bullets`.
    height_mm : float, optional
        Height of the figure; by default 82, and 128 with two panels.

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
    one_of("chart", chart, _CHARTS)
    points = _points(monitored, _NEEDED if chart in ("shewhart", "ewma") else (*_NEEDED, *_SUMS), lang)
    title = formats.clean(title, limit=draw.LONGEST) or say("figure.control.value", lang)
    shown = {"shewhart": [points]}.get(chart) or _remembered(points, chart, lang)
    height = (128.0 if len(shown) > 1 else 82.0) if height_mm is None else height_mm
    room = (height - 12 - 10 - 14 * (len(shown) - 1)) / len(shown)
    says = []
    with draw.sheet(height, simulated, lang) as figure:
        for at, part in enumerate(shown):
            top = 12 + at * (room + 14)
            axes = draw.room(figure, left=14, right=34, top=top, bottom=height - top - room)
            kind = part.attrs.get("chart", "")
            places = max(digits, 2) if kind else digits
            _axes(axes, part, unit, lang, room + 22)
            _draw_limits(axes, part, places, lang)
            _draw_points(axes, part, lang)
            spoken = say(f"figure.control.of_{kind}", lang, title=title) if kind else title
            says.append(_say(part, spoken, say("figure.control.sd", lang) if kind else unit, places, lang))
        figure.alt = ("" if lang == "zh" else " ").join(text.strip() for text in says)
    return figure


def _remembered(points: pd.DataFrame, chart: str, lang: str | None) -> list[pd.DataFrame]:
    """Return the points of phase II as the charts with a memory see them, one table a panel."""
    late = points[points["phase"] == "II"].reset_index(drop=True)
    asked.at_most(len(late), 600, lang, figure="control")
    found = []
    for kind in ("ewma", "cusum") if chart == "memory" else (chart,):
        value, limit = late["ewma"], late["ewma_limit"]
        if kind == "cusum":
            value = late["cusum_up"].where(late["cusum_up"] >= late["cusum_down"], -late["cusum_down"])
            limit = late["cusum_limit"]
        part = late.assign(value=value, centre=0.0, low=-limit, high=limit)
        part["outside"] = part["value"].abs() > part["high"]
        part.attrs["chart"] = kind
        found.append(part)
    return found


def _points(monitored: Monitored | pd.DataFrame, needed: tuple[str, ...], lang: str | None) -> pd.DataFrame:
    points: pd.DataFrame = getattr(monitored, "points", monitored)
    asked.columns(points, needed, lang, figure="control", source="qs.monitor(…)")
    keys = list(points.columns[: list(points.columns).index("period")])
    asked.one_a_mark(points, keys, lang, figure="control")
    asked.at_most(len(points), 600, lang, figure="control")
    draw.require_numbers(points["value"], lang)
    return points.reset_index(drop=True)


def _axes(axes: Axes, points: pd.DataFrame, unit: str, lang: str | None, height: float) -> None:
    low, high = draw.limits(points[["value", "low", "high"]].to_numpy(dtype=float).ravel(), pad=0.12)
    axes.set_ylim(low, high)
    marks = draw.ticks(low, high, count=max(int(height / 18), 2))
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y")
    if kind := points.attrs.get("chart"):
        name = {"shift": (0, 6), "ha": "left", "va": "bottom", "size": 8, "color": MUTED}
        draw.write(axes, say(f"figure.control.{kind}", lang), (0, 1), over="axes", **name)  # type: ignore[arg-type]
    else:
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
    if points.attrs.get("chart") == "cusum":
        _draw_sums(axes, points)
    else:
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


def _draw_sums(axes: Axes, points: pd.DataFrame) -> None:
    """Draw both sums of a CUSUM, that for falls downwards, as areas from the centre."""
    x = np.arange(len(points))
    for name, sign in (("cusum_up", 1.0), ("cusum_down", -1.0)):
        y = sign * points[name].to_numpy(dtype=float)
        for run in runs(np.isfinite(y)):
            axes.fill_between(x[run], 0.0, y[run], color=palette()[0], alpha=0.16, linewidth=0, zorder=1.2)
            axes.plot(x[run], y[run], color=palette()[0], linewidth=0.9, zorder=2)


def _say(points: pd.DataFrame, title: str, unit: str, digits: int, lang: str | None) -> str:
    when = [formats.period(str(p), lang=lang) for p in points["period"]]
    known = points[points["centre"].notna()].iloc[-1]
    name = unit_name(unit, lang)
    said = {c: formats.number(float(known[c]), digits=digits, lang=lang) for c in ("low", "high")}
    only = "high" if np.isnan(known["low"]) else "low" if np.isnan(known["high"]) else "both"
    said["limits"] = say(f"figure.alt.control_limits_{only}", lang, low=said["low"], high=said["high"])
    said["centre"] = formats.with_unit(float(known["centre"]), name, digits=digits, lang=lang)
    past = int((points["phase"] == "I").sum())
    counts = {"past": past, "now": len(points) - past, "unit": name}
    key = "figure.alt.control_memory" if points.attrs.get("chart") else "figure.alt.control"
    text = say(key, lang, title=title, first=when[0], last=when[-1], **counts, **said)
    signals = points[points["signal"].astype(bool)]
    if signals.empty:
        return text + say("figure.alt.control_none", lang)
    values = [formats.number(v, digits=digits, lang=lang) for v in signals["value"].head(12)]
    named = [when[i] + say("chart.gap", lang) + v for i, v in zip(signals.index, values, strict=False)]
    names = say("chart.and", lang).join(named)
    return text + say("figure.alt.control_signals", lang, count=len(signals), names=names)
