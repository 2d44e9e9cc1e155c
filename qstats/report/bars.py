"""Bars that add up: the few causes that matter, what a score is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import drawing as draw
from qstats.report import formats
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: size of the names below bars, in points
_POINTS: Final = 8.5
_VOWELS: Final = "aeiouy"


def _pairs(
    data: Estimate | pd.DataFrame, name: str, value: str, labels: Mapping[str, str] | None, lang: str | None
) -> pd.DataFrame:
    """Return the columns ``label, value`` of an estimate or a table, without missing values."""
    if isinstance(data, Estimate):
        data, name, value = data.table, draw.varying_key(data), "estimate"
    if lost := [column for column in (name, value) if column not in data.columns]:
        have = ", ".join(map(str, data.columns))
        raise DataError(say("figure.no_column", lang, column=lost[0], columns=have))
    if (repeated := data[name].duplicated()).any():
        twice = data.loc[repeated, name].iloc[0]
        raise DataError(say("figure.repeated", lang, name=twice, column=name))
    table = data.assign(
        value=data[value].astype(float),
        label=[draw.label_of(v, lang=lang, labels=labels) for v in data[name]],
    )
    draw.require_numbers(table["value"], lang)
    return table[np.isfinite(table["value"])]


def pareto(
    data: Estimate | pd.DataFrame,
    /,
    *,
    name: str = "name",
    value: str = "value",
    most: int = 8,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    digits: int = 0,
    simulated: bool = False,
    lang: str | None = None,
) -> Drawing:
    """Draw causes from the largest, the share they add up to, and the 80 % mark.

    Parameters
    ----------
    data : Estimate or pandas.DataFrame
        A row a cause, with a number that may be added up (counts, costs), none negative.
    name, value : str
        The columns of a table; an Estimate has its own.
    most : int
        Bars to draw, 2 to 12; the causes beyond are added up as 其他 (other), the last bar.
    unit : str
        Unit of the numbers; an Estimate has its own.
    labels, digits, simulated, lang
        As in :func:`qstats.report.targets.target_bullets`. An Estimate says itself whether it is simulated.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        A column is missing, a name stands twice, a number is negative, or they add up to zero.
    OptionError
        `most` is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> causes = {"name": ["农药残留", "微生物", "添加剂", "其他质量指标"], "value": [40, 32, 20, 8]}
    >>> pareto(pd.DataFrame(causes), unit="批", lang="zh").alt
    '帕累托图：4类，合计100批。农药残留40（40.0%）、微生物32（32.0%）、添加剂20（20.0%）、其他质量指标8（8.0%）；前3类合计占92.0%，达到80%。'
    """
    if not 2 <= most <= 12:
        raise OptionError(say("figure.pareto.most", lang, most=most))
    table = _pairs(data, name, value, labels, lang)
    if isinstance(data, Estimate):
        unit, simulated = data.unit, data.simulated
    bars, kinds = _pooled(table, most, lang), len(table)
    share = 100 * np.cumsum(bars["value"].to_numpy()) / bars["value"].sum()
    names = [_below(label, 141 / len(bars) - 1) for label in bars["label"]]
    bottom = 6 + 4 * max(text.count("\n") + 1 for text in names)
    with draw.sheet(74 + bottom, simulated, lang) as figure:
        axes = draw.room(figure, left=15, right=14, top=13, bottom=bottom)
        _draw_pareto(axes, bars, names, lang)
        _write_values(_draw_share(axes, share, lang), bars["value"].to_numpy(float), digits, lang)
        draw.unit_note(axes, unit, lang, from_zero=True)
        figure.alt = _say_pareto(bars, share, kinds, unit, digits, lang)
    return figure


def _below(label: str, room_mm: float) -> str:
    """Return a name for below a bar; a Latin word that is too wide for it is hyphenated."""
    found = draw.wrap(label, room_mm, _POINTS, lines=3)
    if "…" not in found:
        return found
    words = " ".join(_hyphenated(word, room_mm) for word in label.split(" "))
    return draw.wrap(words, room_mm, _POINTS, lines=5)


def _hyphenated(word: str, room_mm: float) -> str:
    """Return a word in two parts where it is too wide: before the last syllable that begins within the room.

    Examples
    --------
    >>> _hyphenated("contaminants", 16), _hyphenated("food", 16)
    ('contami- nants', 'food')
    """
    if not word.isascii() or draw.width_mm(word, _POINTS) <= room_mm:
        return word
    cuts = [
        at
        for at in range(2, len(word) - 2)
        if word[at] not in _VOWELS
        and word[at + 1] in _VOWELS
        and draw.width_mm(f"{word[:at]}-", _POINTS) <= room_mm
    ]
    return f"{word[: cuts[-1]]}- {word[cuts[-1] :]}" if cuts else word


def _pooled(table: pd.DataFrame, most: int, lang: str | None) -> pd.DataFrame:
    if (table["value"] < 0).any() or table["value"].sum() <= 0:
        raise DataError(say("figure.pareto.negative", lang))
    order = table.sort_values(["value", "label"], ascending=[False, True])[["label", "value"]].reset_index(
        drop=True
    )
    if len(order) <= most:
        return order
    rest = order.iloc[most - 1 :]
    order = order.iloc[:most].copy()
    order.loc[most - 1] = [say("chart.other", lang, count=len(rest)), rest["value"].sum()]
    return order


def _draw_pareto(axes: Axes, bars: pd.DataFrame, names: list[str], lang: str | None) -> None:
    count, top = len(bars), float(bars["value"].max())
    axes.bar(range(count), bars["value"], width=0.62, color=palette()[0])
    axes.set_xlim(-0.6, count - 0.4)
    # bars and line share the height: the tallest bar reaches the share it stands for
    axes.set_ylim(0, float(bars["value"].sum()) * 1.06)
    marks = draw.ticks(0, top * 1.25, count=4)
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.set_xticks(range(count), names)
    for tick in axes.get_xticklabels():
        draw.named(tick)
    axes.tick_params(axis="x", length=0)


def _write_values(right: Axes, values: np.ndarray, digits: int, lang: str | None) -> None:
    """Write the number of each bar in or on it, in front of the line."""
    for at, value in enumerate(values):
        text, top = formats.number(value, digits=digits, lang=lang), float(100 * value / values.sum())
        if top > 15:
            draw.write(right, text, (at, top), shift=(0, -4), va="top", color="white")
        else:
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            draw.write(right, text, (at, top), shift=(0, 2), va="bottom").set_bbox(ground)


def _draw_share(axes: Axes, share: np.ndarray, lang: str | None) -> Axes:
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    right.set_ylim(0, 106)
    right.set_yticks(range(0, 101, 20), [f"{m}%" for m in range(0, 101, 20)])
    right.tick_params(labelfontfamily=draw.families())
    right.axhline(80, color=palette()[4], linewidth=1.0, linestyle=(0, (4, 3)))
    right.plot(
        range(len(share)), share, color=palette()[3], marker="o", markeredgecolor="white", markeredgewidth=0.8
    )
    first = {0} if share[0] > 15 else set()  # else the number of the bar stands there
    for at in sorted({*first, int(np.argmax(share >= 80 - 1e-9))}):
        text = formats.percent(share[at], digits=1, lang=lang)
        draw.write(right, text, (at, share[at]), shift=(-1, 4), ha="right", va="bottom")
    title = say("chart.share", lang)
    draw.write(right, title, (1, 1), over="axes", shift=(0, 6), ha="right", va="bottom", size=8, color=MUTED)
    return right


def _say_pareto(
    bars: pd.DataFrame, share: np.ndarray, kinds: int, unit: str, digits: int, lang: str | None
) -> str:
    number, rate = (
        partial(formats.number, digits=digits, lang=lang),
        partial(formats.percent, digits=1, lang=lang),
    )
    parts = zip(bars["label"], bars["value"], np.diff(share, prepend=0), strict=True)
    gap = say("chart.gap", lang)
    named = [f"{label}{gap}{number(v)}{say('chart.brackets', lang, text=rate(p))}" for label, v, p in parts]
    enough = int(np.argmax(share >= 80 - 1e-9))
    total = formats.with_unit(float(bars["value"].sum()), unit_name(unit, lang), digits=digits, lang=lang)
    names = say("chart.and", lang).join(named)
    fields = {"kinds": kinds, "names": names, "few": enough + 1, "total": total, "share": rate(share[enough])}
    return say("chart.alt.pareto", lang, **fields)


def contributions(
    data: Estimate | pd.DataFrame,
    /,
    *,
    name: str = "name",
    value: str = "value",
    total: float | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int = 2,
    simulated: bool = False,
    lang: str | None = None,
) -> Drawing:
    """Draw what a score, or a change of a score, is made of: bars that add up to it.

    Parameters
    ----------
    data : Estimate or pandas.DataFrame
        A row a part, in the order to be drawn; negative parts go to the left.
    name, value : str
        The columns of a table; an Estimate has its own.
    total : float, optional
        The score. It must equal the sum of the parts to 1e-6; by default it is the sum.
    labels, digits, simulated, lang
        As in :func:`qstats.report.targets.target_bullets`. An Estimate says itself whether it is simulated.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        A column is missing, a name stands twice, a part is missing, or the parts do not add
        up to `total`.

    Examples
    --------
    >>> import pandas as pd
    >>> halves = pd.DataFrame({"name": ["质量水平", "发展能力"], "value": [42.38, 38.605]})
    >>> contributions(halves, total=80.985, digits=3, lang="zh").alt
    '贡献图：2个部分合计80.985。质量水平42.380、发展能力38.605。'
    """
    table = _pairs(data, name, value, labels, lang)
    simulated = data.simulated if isinstance(data, Estimate) else simulated
    whole = float(table["value"].sum())
    if len(table) < len(data):
        raise DataError(say("figure.contributions.lost", lang, count=len(data) - len(table)))
    if total is not None and abs(whole - total) > 1e-6:
        raise DataError(say("figure.contributions.total", lang, whole=whole, total=total))
    names = draw.names_of_rows(table["label"], most=66)
    with draw.sheet((len(table) + 1) * max(6.2, 4.4 * names.lines) + 12, simulated, lang) as figure:
        axes = draw.room(figure, left=names.mm, right=8, top=9, bottom=3, frame=False)
        _draw_parts(axes, table.assign(label=names.texts), whole, names.mm - 2, digits, lang)
        draw.unit_note(axes, data.unit if isinstance(data, Estimate) else "", lang, from_zero=True)
        figure.alt = _say_parts(table, whole, digits, lang)
    return figure


def _say_parts(table: pd.DataFrame, whole: float, digits: int, lang: str | None) -> str:
    number, gap = partial(formats.number, digits=digits, lang=lang), say("chart.gap", lang)
    named = [f"{label}{gap}{number(v)}" for label, v in zip(table["label"], table["value"], strict=True)]
    names = say("chart.and", lang).join(named)
    return say("chart.alt.contributions", lang, count=len(table), names=names, total=number(whole))


def _draw_parts(
    axes: Axes, table: pd.DataFrame, whole: float, names: float, digits: int, lang: str | None
) -> None:
    """Draw the parts, a rule, and the whole in figures."""
    values, end = table["value"].to_numpy(), len(table)
    texts = [formats.number(v, digits=digits, lang=lang) for v in [*values, whole]]
    widest = max(draw.width_mm(text, 8.5) for text in texts) + 4
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    per_mm = (high - low or 1.0) / (draw.plot_mm(axes) - widest * (2 if low < 0 else 1))
    axes.set_xlim(low - (widest * per_mm if low < 0 else 0), high + widest * per_mm)
    axes.set_ylim(end + 0.6, -0.6)
    colours = [palette()[0] if v >= 0 else palette()[3] for v in values]
    axes.barh(range(end), values, height=0.62, color=colours)
    axes.plot([0, 0], [-0.5, end - 0.5], color=INK, linewidth=0.8)
    for at, (label, v) in enumerate(zip(table["label"], values, strict=True)):
        draw.named(draw.beside(axes, at, -names, label, ha="left"))
        side, shift = ("left", 4) if v >= 0 else ("right", -4)
        draw.write(axes, texts[at], (v, at), shift=(shift, 0), ha=side)
    axes.axhline(end - 0.5, -names / draw.plot_mm(axes), 1, color=INK, linewidth=0.8, clip_on=False)
    draw.beside(axes, end, -names, say("chart.total", lang), ha="left", weight="bold")
    draw.write(axes, texts[-1], (0, end), shift=(4, 0), ha="left", weight="bold")
