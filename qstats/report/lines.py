"""Lines over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from qstats import periods
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.report import drawing as draw
from qstats.report import formats
from qstats.report.figure import Drawing
from qstats.report.theme import MUTED, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: of lines, in the order of the colours
MARKERS: Final = ("o", "s", "D", "^", "v", "P")


class Series(NamedTuple):
    """One line: at every place of the axis its value and interval, NaN where unknown; and its decimals."""

    name: str
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    digits: int


def trend(
    estimates: Estimate | Sequence[Estimate],
    /,
    *,
    reference: float | None = None,
    reference_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
    height_mm: float = 78.0,
) -> Drawing:
    """Draw indicators over time, with their intervals.

    Periods keep their distance: a year without a figure leaves a gap, and the line is not
    drawn across it. Lines differ by marker as well as by colour and carry their names at
    their ends. A figure without an interval is a point without a bar.

    Parameters
    ----------
    estimates : Estimate or sequence of Estimate
        With the key ``period``; rows that differ by other keys are different lines. At
        most six lines, all in one unit, all yearly, or all quarterly …
    reference : float, optional
        A horizontal line, for example a target.
    reference_label : str, optional
        Its name; by default 目标 (target).
    labels : mapping, optional
        Printed names of key values and of the indicator.
    digits : int, optional
        Decimals of the values; by default those of each estimate.
    lang : {"zh", "en"}, optional
        Language.
    height_mm : float
        Height of the figure; its width is a text column, 170 mm.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        No key ``period``, mixed units or frequencies, or nothing but missing values.
    OptionError
        More than six lines.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.estimate import Estimate
    >>> nan = float("nan")
    >>> rows = [("2017", 93.71), ("2022", 93.29), ("2023", 93.65), ("2024", 93.93)]
    >>> table = pd.DataFrame([(p, v, nan, nan, nan, nan) for p, v in rows],
    ...     columns=["period", "estimate", "std_error", "conf_low", "conf_high", "n"])
    >>> rate = Estimate(table, indicator="合格率", unit="%", method="published")
    >>> trend(rate, lang="zh").alt
    '折线图：合格率（%），2017年至2024年。2017年93.71，2022年93.29，2023年93.65，2024年93.93；2024年比2023年上升0.28个百分点。'
    """
    found = draw.estimates_of(estimates)
    axis, lines = _series(found, labels, digits, lang)
    places = found[0].digits if digits is None else digits
    ends = [_end_label(line, lang, alone=len(lines) == 1) for line in lines]
    if reference is not None:
        value = formats.number(reference, digits=places, lang=lang)
        ends.append(f"{reference_label or say('chart.target', lang)} {value}")
    year = draw.width_mm(say("chart.year", lang), 8.5) + 4
    side = min(max([year, *(draw.width_mm(text, 8.5) + 8 for text in ends if text)]), 56)
    with draw.sheet(height_mm, found, lang) as figure:
        axes = draw.room(figure, left=14, right=side, top=12, bottom=10)
        _value_axis(axes, lines, reference, found[0].unit, lang, others=height_mm)
        period_axis(axes, axis, lang)
        for at, line in enumerate(lines):
            _draw_line(axes, line, palette()[at], MARKERS[at])
        if len(lines) == 1 and np.isfinite(lines[0].value).sum() <= 12:
            _label_points(axes, lines[0], reference, lang)
        _label_ends(axes, lines, ends, reference, side, height_mm - 22)
        figure.alt = _say_trend(found, axis, lines, labels, lang)
    return figure


def _series(
    found: list[Estimate], labels: Mapping[str, str] | None, digits: int | None, lang: str | None
) -> tuple[list[str], list[Series]]:
    for estimate in found:
        if "period" not in estimate.keys:
            have = ", ".join(estimate.keys) or "—"
            raise DataError(say("figure.key", lang, figure="lines", key="period", keys=have))
    tables = [estimate.table for estimate in found]
    axis = all_periods({str(p) for table in tables for p in table["period"]})
    place = {period: at for at, period in enumerate(axis)}
    lines: list[Series] = []
    several = len({e.indicator for e in found}) > 1
    for estimate, table in zip(found, tables, strict=True):
        others = [key for key in estimate.keys if key != "period"]
        shown = [key for key in others if len({str(v) for t in tables if key in t for v in t[key]}) > 1]
        title = [
            formats.clean((labels or {}).get(estimate.indicator, estimate.indicator), limit=draw.LONGEST)
        ]
        for values, rows in table.groupby(others, sort=True, dropna=False) if others else [((), table)]:
            names = [
                draw.label_of(v, lang=lang, labels=labels)
                for k, v in zip(others, values, strict=True)
                if k in shown
            ]
            places = estimate.digits if digits is None else digits
            lines.append(_line(" ".join((title if several else []) + names), rows, place, places))
    draw.require_numbers(np.concatenate([line.value for line in lines]), lang)
    lines = [line for line in lines if np.isfinite(line.value).any()]
    if len(lines) > len(MARKERS):
        raise OptionError(say("figure.lines.most", lang, count=len(lines), most=len(MARKERS)))
    return axis, lines


def _line(name: str, rows: pd.DataFrame, place: dict[str, int], digits: int) -> Series:
    at = [place[str(p)] for p in rows["period"]]
    columns = np.full((3, len(place)), np.nan)
    columns[:, at] = rows[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float).T
    value, low, high = columns
    return Series(name, value, low, high, digits)


def all_periods(seen: set[str]) -> list[str]:
    """Return every period from the first to the last, those without a figure as well."""
    order = sorted(seen, key=periods.sort_key)
    kinds = {periods.sort_key(p)[1] for p in order}
    if len(kinds) > 1:
        raise DataError(say("figure.kinds", None, periods=", ".join(order[:6])))
    whole = [order[-1]]
    while whole[-1] != order[0]:
        before = periods.previous(whole[-1])
        if before is None or len(whole) > 1200:
            return order  # named batches have no distance
        whole.append(before)
    return whole[::-1]


def _value_axis(
    axes: Axes, lines: list[Series], reference: float | None, unit: str, lang: str | None, *, others: float
) -> None:
    values = np.concatenate(
        [np.concatenate((line.value, line.low, line.high)) for line in lines]
        + [[np.nan if reference is None else reference]]
    )
    low, high = draw.limits(values, pad=0.14)
    axes.set_ylim(low, high)
    marks = draw.ticks(low, high, count=max(int(others / 18), 2))
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    draw.unit_note(axes, unit, lang, from_zero=low <= 0)


def period_axis(axes: Axes, axis: list[str], lang: str | None) -> None:
    """Write the periods below the axes, as many as fit; the unit of years stands at the right."""
    axes.set_xlim(-0.4, len(axis) - 0.6)
    yearly = all(len(p) == 4 for p in axis)
    texts = [p if yearly else _dated(p, lang) for p in axis]
    widest = max(draw.width_mm(t, 8.5) for t in texts) + 3
    step, first = _every(axis, max(1, int(np.ceil(widest * len(axis) / draw.plot_mm(axes)))))
    shown = range(first, len(axis), step)
    axes.set_xticks(list(shown), [texts[i] for i in shown])
    if yearly:
        year = say("chart.year", lang)
        draw.write(axes, year, (1, 0), over="axes", shift=(8, -6.5), ha="left", va="top", color=MUTED)


def _dated(period: str, lang: str | None) -> str:
    """Return a part of a year below an axis: in Chinese its words, in English figures, which are shorter."""
    if language(lang) == "zh":
        return formats.clean(formats.period(period, lang=lang), limit=12)
    return formats.clean(period.replace("M", "-"), limit=12)


def runs(known: np.ndarray) -> list[np.ndarray]:
    """Return the stretches of neighbouring places that are known."""
    places = np.flatnonzero(known)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)]


def _every(axis: list[str], least: int) -> tuple[int, int]:
    """Return how many periods lie between two that are written, and the first of these.

    Years and named batches are counted from the last one, parts of a year from the first one of a year.
    """
    year = {5: 2, 6: 4, 7: 12}.get(len(axis[0]), 1)
    begin = next((i for i, p in enumerate(axis) if p[4:] in ("H1", "Q1", "M01")), None)
    if least == 1 or begin is None:
        return least, (len(axis) - 1) % least
    step = next((s for s in (2, 3, 4, 6, 12) if s >= least and year % s == 0), year * -(-least // year))
    return step, begin % step


def _draw_line(axes: Axes, line: Series, colour: str, marker: str) -> None:
    x = np.arange(len(line.value))
    for run in runs(np.isfinite(line.low) & np.isfinite(line.high)):
        if len(run) > 1:
            axes.fill_between(x[run], line.low[run], line.high[run], color=colour, alpha=0.16, linewidth=0)
        else:
            axes.plot(x[[run[0]] * 2], [line.low[run[0]], line.high[run[0]]], color=colour, linewidth=1.2)
    for run in runs(np.isfinite(line.value)):
        axes.plot(
            x[run], line.value[run], color=colour, marker=marker, markeredgecolor="white", markeredgewidth=0.8
        )


def _label_points(axes: Axes, line: Series, reference: float | None, lang: str | None) -> None:
    """Write each value beside its point, on the side where no line passes."""
    low, high = axes.get_ylim()
    near, above = (high - low) * 0.1, None
    for i in map(int, np.flatnonzero(np.isfinite(line.value))):
        before, value, after = (_at(line.value, j) for j in (i - 1, i, i + 1))
        lowest = np.fmin(before, after) > value
        top = value if np.isnan(line.high[i]) else line.high[i]
        crowded = reference is not None and value <= reference and top - near / 4 < reference < top + near
        below = bool(lowest or crowded or (reference is None and i - 1 == above and _touch(axes, line, i)))
        above = None if below else i
        rising = (before < value) if below or np.isnan(after) else (after > value)
        sloping = bool(before < value < after or before > value > after or (crowded and before < value))
        edge = line.low[i] if below else line.high[i]
        side = ("left" if below == rising else "right") if sloping else "center"
        draw.write(
            axes,
            formats.number(value, digits=line.digits, lang=lang),
            (i, edge if np.isfinite(edge) else value),
            shift=({"left": -4, "right": 4, "center": 0}[side], -6 if below else 6),
            ha=side,
            va="top" if below else "bottom",
        )


def _touch(axes: Axes, line: Series, at: int) -> bool:
    """Return whether the value of a point and that of the one before touch when both stand above."""
    low, high = axes.get_ylim()
    assert axes.figure is not None
    tall = axes.bbox.height / axes.figure.dpi * 25.4
    step = draw.plot_mm(axes) / (axes.get_xlim()[1] - axes.get_xlim()[0])
    wide = draw.width_mm(formats.number(line.value[at], digits=line.digits), 8.5)
    return step < wide + 0.5 and abs(line.value[at] - line.value[at - 1]) / (high - low) * tall < 3.5


def _at(values: np.ndarray, place: int) -> float:
    return float(values[place]) if 0 <= place < len(values) else float("nan")


def _end_label(line: Series, lang: str | None, *, alone: bool) -> str:
    if alone:
        return ""
    last = line.value[np.flatnonzero(np.isfinite(line.value))[-1]]
    return f"{line.name} {formats.number(last, digits=line.digits, lang=lang)}"


def _label_ends(
    axes: Axes, lines: list[Series], ends: list[str], reference: float | None, side: float, plot_mm: float
) -> None:
    """Write the names at the right, each as near its line as the others allow, after its marker."""
    colours, at = (
        list(palette()[: len(lines)]),
        [float(line.value[np.isfinite(line.value)][-1]) for line in lines],
    )
    if reference is not None:
        axes.axhline(reference, color=palette()[4], linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        at.append(reference)
    low, high = axes.get_ylim()
    used = [i for i, text in enumerate(ends) if text]
    texts = {i: draw.wrap(ends[i], side - 6, 8.5) for i in used}
    apart = 8.2 if any("\n" in text for text in texts.values()) else 4.2
    places = draw.spread([at[i] for i in used], apart / plot_mm * (high - low), low=low, high=high)
    for i, y in zip(used, places, strict=True):
        if i < len(lines):
            place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "clip_on": False}
            axes.plot([1 + 3.5 / draw.plot_mm(axes)], [y], color=colours[i], marker=MARKERS[i], **place)
        shift = (16 if i < len(lines) else 5, 0)
        draw.named(draw.write(axes, texts[i], (1, y), over="row", shift=shift, ha="left"))


def _say_trend(
    found: list[Estimate],
    axis: list[str],
    lines: list[Series],
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    comma, gap = say("chart.comma", lang), say("chart.gap", lang)
    when = [formats.period(p, lang=lang) for p in axis]
    titles = list(dict.fromkeys(draw.title_of(e, labels, lang) for e in found))
    parts = [say("chart.alt.trend", lang, title=comma.join(titles), first=when[0], last=when[-1])]
    for line in lines:
        known = np.flatnonzero(np.isfinite(line.value))
        if len(known) > 1 and (len(known) > 8 or len(lines) > 2):
            known = known[[0, -1]]
        values = [when[i] + gap + formats.number(line.value[i], digits=line.digits, lang=lang) for i in known]
        step = ""
        if len(known) > 1:
            before, last = known[-2:]
            difference = line.value[last] - line.value[before]
            change = formats.change(difference, unit=found[0].unit, digits=line.digits, lang=lang)
            step = say("chart.alt.step", lang, last=when[last], before=when[before], change=change)
        name = line.name + say("chart.colon", lang) if line.name else ""
        parts.append(say("chart.alt.line", lang, name=name, values=comma.join(values), step=step))
    return "".join(parts).strip()
