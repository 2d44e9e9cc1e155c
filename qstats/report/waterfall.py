"""What a score, or a change, is made of, part by part from the beginning to the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.names import node_names
from qstats.report.theme import INK, MUTED, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST: Final = 30


class Parts(NamedTuple):
    """The parts of a whole: arrays of shape (parts,), and the whole."""

    codes: list[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    total: float


def waterfall(
    data: Estimate | pd.DataFrame,
    /,
    *,
    depth: int = 1,
    start: float | None = None,
    start_label: str | None = None,
    total_label: str | None = None,
    name: str = "name",
    value: str = "value",
    framework: str | pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int = 2,
    simulated: bool = False,
    lang: str | None = None,
) -> Drawing:
    """Draw how parts lead, one after the other, to a whole.

    Parameters
    ----------
    data : Estimate or pandas.DataFrame
        Of :func:`qstats.contributions` (one unit), ``change_contributions`` (one unit and period) or
        :func:`qstats.decompose`; any Estimate whose rows add up; or a table of names and numbers.
    depth : int
        Of the nodes of an index to draw; branches that end above it are drawn at their end.
    start : float, optional
        Where a change begins: the earlier score. The axis then need not begin at zero.
    start_label, total_label : str, optional
        Names of the two ends.
    name, value : str
        The columns of a table; an Estimate has its own.
    framework : str or DataFrame, optional
        Whose names the nodes have; see :func:`qstats.framework`.
    labels : mapping, optional
        Printed names of parts; they come before those of the framework.
    digits, simulated, lang
        As in :func:`qstats.report.targets.target_bullets`. An Estimate says itself whether it is simulated.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        Rows differ by a key that is not shown, a part has no number, there are more than 30 parts, or they do
        not add up to the whole.

    Examples
    --------
    >>> import pandas as pd
    >>> steps = pd.DataFrame({"name": ["结构", "水平"], "value": [-0.2, 0.56]})
    >>> waterfall(steps, start=93.29, lang="zh").alt
    '瀑布图：由93.29到93.65，共2项。结构−0.20、水平+0.56。'
    """
    found = _parts(data, depth, name, value, lang)
    asked.at_most(len(found.codes), MOST, lang, figure="waterfall")
    simulated = data.simulated if isinstance(data, Estimate) else simulated
    words = {**node_names(framework, lang), **_effects(lang), **(labels or {})}
    rows = [draw.label_of(code, lang=lang, labels=words) for code in found.codes]
    begin = 0.0 if start is None else float(start)
    ends = [start_label or say("figure.waterfall.start", lang)] if start is not None else []
    last = total_label or say("chart.total" if start is None else "figure.waterfall.end", lang)
    names = draw.names_of_rows([*ends, *rows, last], most=66)
    with draw.sheet(len(names.texts) * max(6.4, 4.4 * names.lines) + 16, simulated, lang) as figure:
        axes = draw.room(figure, left=names.mm, right=26, top=10, bottom=4, frame=False)
        _draw(axes, found, begin, names.texts, names.mm - 2, digits, lang, opened=start is not None)
        unit = data.unit if isinstance(data, Estimate) else ""
        draw.unit_note(axes, unit, lang, from_zero=start is None or axes.get_xlim()[0] <= 0, across=True)
        figure.alt = _say(found, rows, begin, digits, lang, opened=bool(ends))
    return figure


def _parts(data: Estimate | pd.DataFrame, depth: int, name: str, value: str, lang: str | None) -> Parts:
    if not isinstance(data, Estimate):
        asked.columns(data, [name, value], lang, figure="waterfall", source="qs.contributions(…)")
        codes, numbers = [str(c) for c in data[name]], data[value].to_numpy(dtype=float)
        unknown = np.full(len(codes), np.nan)
        return _checked(Parts(codes, numbers, unknown, unknown, float(numbers.sum())), lang)
    table = data.table
    if "node" in data.keys and {"parent", "depth"} <= set(table.columns):
        asked.one_a_mark(table, data.keys, lang, figure="waterfall", shown=["node"])
        return _checked(_of_tree(table, depth), lang)
    if "effect" in data.keys:
        return _checked(_of_effects(data, lang), lang)
    key = draw.varying_key(data)
    return _checked(_taken(table, key, float(table["estimate"].sum())), lang)


def _taken(table: pd.DataFrame, key: str, total: float) -> Parts:
    value, low, high = table[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float).T
    return Parts([str(code) for code in table[key]], value, low, high, total)


def _of_tree(table: pd.DataFrame, depth: int) -> Parts:
    """Cut the tree at a depth; what changes of weights do above the cut is a part of its own."""
    inner = table["node"].isin(set(table["parent"]))
    cut = table[(table["depth"] == depth) | ((table["depth"] < depth) & ~inner)]
    found = _taken(cut, "node", float(table.loc[table["depth"] == 0, "estimate"].sum()))
    moved = float(table.loc[inner & (table["depth"] < depth), "weights"].sum()) if "weights" in table else 0.0
    if abs(moved) <= 1e-12:
        return found
    unknown = np.append(found.low, np.nan), np.append(found.high, np.nan)
    return Parts([*found.codes, "weights"], np.append(found.value, moved), *unknown, found.total)


def _of_effects(data: Estimate, lang: str | None) -> Parts:
    """Return the effects of a decomposition over all classes."""
    from qstats.analysis.decompose import ALL

    table = data.table
    for key in data.keys:
        if key != "effect" and ALL in set(table[key]):
            table = table[table[key] == ALL]
    asked.one_a_mark(table, data.keys, lang, figure="waterfall", shown=["effect"])
    whole = table["effect"] == "total"
    return _taken(table[~whole], "effect", float(table.loc[whole, "estimate"].iloc[0]))


def _checked(found: Parts, lang: str | None) -> Parts:
    lost = [code for code, number in zip(found.codes, found.value, strict=True) if not np.isfinite(number)]
    if lost:
        raise DataError(say("figure.waterfall.lost", lang, names=", ".join(lost[:5])))
    if abs(found.value.sum() - found.total) > 1e-6:
        raise DataError(say("figure.waterfall.sum", lang, parts=float(found.value.sum()), total=found.total))
    return found


def _effects(lang: str | None) -> dict[str, str]:
    named = {code: say(f"figure.effect.{code}", lang) for code in ("mix", "rate", "interaction", "weights")}
    return {
        **named,
        **{f"mix:{k}": say("figure.effect.mix_of", lang, key=k) for k in ("region", "industry", "size")},
    }


def signed(number: float, digits: int, lang: str | None, /) -> str:
    """Return a number with its sign; none when it prints as zero."""
    text = formats.number(number, digits=digits, lang=lang)
    return f"+{text}" if number > 0 and not formats.rounds_to_zero(number, digits=digits) else text


def _draw(
    axes: Axes,
    found: Parts,
    begin: float,
    names: list[str],
    side: float,
    digits: int,
    lang: str | None,
    *,
    opened: bool,
) -> None:
    """Draw a row for each end and part: bars from where the last one ended."""
    after = begin + np.cumsum(found.value)
    before = np.concatenate([[begin], after[:-1]])
    first, colours = int(opened), palette()
    reach = [begin, *after, *(before + found.low), *(before + found.high), *([] if opened else [0.0])]
    low, high = draw.limits(np.asarray(reach, dtype=float), pad=0.02)
    axes.set_xlim(low, high)
    axes.set_ylim(len(names) - 0.4, -0.6)
    rows = np.arange(len(after)) + first
    axes.barh(
        rows,
        found.value,
        left=before,
        height=0.6,
        color=[colours[0] if v >= 0 else colours[3] for v in found.value],
    )
    known = np.isfinite(found.low) & np.isfinite(found.high)
    ends = (before + found.low)[known], (before + found.high)[known]
    axes.hlines(rows[known], *ends, color=INK, linewidth=1.0)
    for at, x in zip(rows.tolist(), after.tolist(), strict=True):
        axes.plot([x, x], [at - 0.3, at + 1.3], color=MUTED, linewidth=0.6, solid_capstyle="butt", zorder=0.5)
    wholes = [(0, begin)] if opened else []
    for row, end in [*wholes, (len(names) - 1, float(after[-1]))]:
        _whole(axes, row, end, formats.number(end, digits=digits, lang=lang), opened=opened)
    moves = opened or bool((found.value < 0).any())
    tips = np.fmax(np.fmax(before, after), before + found.high)
    for row, v, tip in zip(rows.tolist(), found.value.tolist(), tips.tolist(), strict=True):
        way = formats.arrow(formats.direction(v, digits=digits))
        text = f"{signed(v, digits, lang)} {way}" if moves else formats.number(v, digits=digits, lang=lang)
        draw.write(axes, text, (tip, row), shift=(4, 0), ha="left")
    for at, label in enumerate(names):
        strong = at == len(names) - 1 or (opened and at == 0)
        draw.named(draw.beside(axes, at, -side, label, ha="left", weight="bold" if strong else "normal"))


def _whole(axes: Axes, at: int, x: float, text: str, *, opened: bool) -> None:
    """Draw an end: a bar from zero, or a mark where the axis does not begin at zero."""
    if opened:
        axes.plot([x, x], [at - 0.32, at + 0.32], color=INK, linewidth=3.0, solid_capstyle="butt")
    else:
        axes.barh([at], [x], height=0.6, color=palette()[4])
    draw.write(axes, text, (max(x, 0.0) if not opened else x, at), shift=(5, 0), ha="left", weight="bold")


def _say(found: Parts, rows: list[str], begin: float, digits: int, lang: str | None, *, opened: bool) -> str:
    gap = say("chart.gap", lang)
    shown = [f"{row}{gap}{signed(float(v), digits, lang)}" for row, v in zip(rows, found.value, strict=True)]
    ends = {"start": formats.number(begin, digits=digits, lang=lang)}
    ends["end"] = formats.number(begin + float(found.value.sum()), digits=digits, lang=lang)
    kind = "figure.alt.waterfall" if opened else "figure.alt.waterfall_sum"
    return say(kind, lang, count=len(rows), names=say("chart.and", lang).join(shown), **ends)
