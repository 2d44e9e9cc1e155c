"""Slopes: who rose and who fell in the ranking between two periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qstats import periods
from qstats.errors import DataError, OptionError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, palette
from qstats.stats.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST: Final = 48


def slopes(
    estimate: Estimate,
    /,
    *,
    between: tuple[str | int, str | int] | None = None,
    highlight: str | Sequence[str] = (),
    direction: Literal[1, -1] = 1,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw a line for each unit from its place in one period to its place in another.

    Places are those of the column ``rank`` (:func:`qstats.compare`), else those of the values as printed,
    among the units that have both. A line is dashed where the intervals of the two ranks are known and
    overlap.

    Parameters
    ----------
    estimate : Estimate
        With the key ``period`` and one other key that varies; up to 48 units.
    between : tuple of two periods, optional
        By default the first and the last.
    highlight : str or sequence of str
        Units to set off; the lines of the others are then thin.
    direction : {1, -1}
        1: the highest stands first. Not looked at where there is a column ``rank``.
    labels, digits, lang
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        No key ``period``, fewer than two periods, a third key that varies, or no unit with both values.
    OptionError
        A period or a unit does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> rows = [("2022", "安徽", 93.1), ("2022", "江苏", 93.0),
    ...         ("2023", "安徽", 93.6), ("2023", "江苏", 94.1)]
    >>> table = pd.DataFrame(rows, columns=["period", "region", "estimate"])
    >>> table = table.assign(std_error=nan, conf_low=nan, conf_high=nan, n=nan)
    >>> slopes(Estimate(table, indicator="合格率", unit="%", method="published"), lang="zh").alt
    '位次变化图：合格率（%），2022年至2023年，2个单位：上升1个，下降1个，不变0个。江苏第2位→第1位、安徽第1位→第2位。'
    """
    one_of("direction", direction, (1, -1))
    asked.keys(estimate, ["period"], lang, figure="slopes")
    key, ends = _ends(estimate, between, lang)
    places = estimate.digits if digits is None else digits
    rows, lost = _ranks(estimate, key, ends, direction, places, lang)
    marked = asked.marked(highlight, list(rows.index), lang)
    asked.at_most(len(rows), MOST, lang, figure="slopes")
    rows["label"] = [draw.label_of(name, lang=lang, labels=labels) for name in rows.index]
    rows["strong"] = rows.index.isin(marked)
    dashed = bool((rows["clear"] == 0).any())
    names = [draw.wrap(label, 32, 8.5) for label in rows["label"]]
    rows["text"] = names
    high = 8.4 if any("\n" in name for name in names) else 4.7
    with draw.sheet(len(rows) * high + 17 + 5 * dashed, [estimate], lang) as figure:
        axes = draw.room(figure, left=62, right=62, top=13, bottom=4 + 5 * dashed, frame=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        for side, period in enumerate(ends):
            text = formats.period(period, lang=lang)
            draw.write(axes, text, (side, 1), over="axes", shift=(0, 5), va="bottom", weight="bold")
        for row in rows.itertuples():
            _draw(axes, row, places, lang, thin=bool(marked))
        if dashed:
            draw.write(
                axes,
                say("figure.slopes.dashed", lang),
                (0.5, 0),
                over="axes",
                shift=(0, -4),
                va="top",
                size=8,
                color=MUTED,
            )
        figure.alt = _say(rows, draw.title_of(estimate, labels, lang), ends, lost, labels, lang)
    return figure


def _ends(estimate: Estimate, between: Any, lang: str | None) -> tuple[str, tuple[str, str]]:
    table = estimate.table
    vary = [key for key in estimate.keys if key != "period" and table[key].nunique() > 1]
    if len(vary) != 1:
        raise DataError(say("figure.slopes.key", lang, keys=", ".join(vary) or "—"))
    order = sorted({str(p) for p in table["period"]}, key=periods.sort_key)
    if len(order) < 2:
        raise DataError(say("figure.slopes.periods", lang, period=order[0]))
    chosen = (order[0], order[-1]) if between is None else (str(between[0]), str(between[1]))
    for period in chosen:
        if period not in order:
            raise OptionError(
                say("figure.unknown", lang, option="between", name=period, near=", ".join(order))
            )
    return vary[0], chosen


def _ranks(
    estimate: Estimate, key: str, ends: tuple[str, str], direction: int, digits: int, lang: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return a row a unit with its values, ranks and rows at both ends, and who lacks one of the two."""
    import pandas as pd

    table = estimate.table
    table[key] = table[key].astype(str)
    parts = [table[table["period"].astype(str) == period].set_index(key) for period in ends]
    both = [
        name
        for name in parts[0].index
        if name in parts[1].index and all(np.isfinite(p.loc[name, "estimate"]) for p in parts)
    ]
    if key == "region" and "rank" not in table:
        both = [name for name in both if name != "全国"]
    lost = [name for name in dict.fromkeys(table[key]) if name not in both and name != "全国"]
    if not both:
        raise DataError(say("figure.slopes.both", lang, first=ends[0], last=ends[1]))
    found = pd.DataFrame(index=both)
    for side, part in enumerate(parts):
        found[f"value{side}"] = part.loc[both, "estimate"].astype(float)
        if "rank" in part:
            found[f"rank{side}"] = pd.to_numeric(part.loc[both, "rank"]).astype(float)
        else:
            printed = round_to(found[f"value{side}"].to_numpy(), digits=digits)
            found[f"rank{side}"] = pd.Series(-direction * printed, index=both).rank(method="min")
        order = found.assign(name=both).sort_values([f"rank{side}", "name"]).index
        found[f"at{side}"] = pd.Series(np.arange(len(both), dtype=float), index=order)
    found["clear"] = np.nan
    if {"rank_low", "rank_high"} <= set(table.columns):
        ranges = [
            pd.to_numeric(p.loc[both, n]).astype(float) for p in parts for n in ("rank_low", "rank_high")
        ]
        a, b, c, d = ranges
        found["clear"] = (
            ((b < c) | (d < a)).astype(float).where(a.notna() & b.notna() & c.notna() & d.notna())
        )
    return found.sort_values("at1"), lost


def _draw(axes: Axes, row: Any, digits: int, lang: str | None, *, thin: bool) -> None:
    moved = int(row.rank0 - row.rank1)
    colour = MUTED if moved == 0 else palette()[1] if moved > 0 else palette()[3]
    colour, width = (palette()[2], 2.4) if row.strong else (colour, 0.9 if thin else 1.5)
    dash = (0, (4, 2)) if row.clear == 0 else "-"
    axes.plot(
        [0, 1], [row.at0, row.at1], color=colour, linewidth=width, linestyle=dash, zorder=2 + row.strong
    )
    axes.plot(
        [0, 1], [row.at0, row.at1], "o", color=colour, markersize=4.5, zorder=3 + row.strong, clip_on=False
    )
    style: dict[str, Any] = {
        "weight": "bold" if row.strong else "normal",
        "color": palette()[2] if row.strong else INK,
    }
    for side, rank, value, at in ((-1, row.rank0, row.value0, row.at0), (1, row.rank1, row.value1, row.at1)):
        ha = "right" if side < 0 else "left"
        draw.beside(axes, at, 6.5 if side > 0 else -2.5, f"{rank:.0f}", ha="right", **style)
        draw.named(draw.beside(axes, at, side * 8.5, row.text, ha=ha, **style))
        text = formats.number(value, digits=digits, lang=lang)
        draw.beside(
            axes,
            at,
            side * (59 if side < 0 else 50),
            text,
            ha="left" if side < 0 else "right",
            size=8,
            color=MUTED,
        )
    word = "–" if moved == 0 else f"{'▲' if moved > 0 else '▼'}{abs(moved)}"
    draw.beside(axes, row.at1, 52.5, word, ha="left", size=8, color=colour)


def _say(
    rows: pd.DataFrame,
    title: str,
    ends: tuple[str, str],
    lost: list[str],
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    moved = rows["rank0"] - rows["rank1"]
    counts = {"up": int((moved > 0).sum()), "down": int((moved < 0).sum()), "same": int((moved == 0).sum())}
    when = {"first": formats.period(ends[0], lang=lang), "last": formats.period(ends[1], lang=lang)}
    text = say("figure.alt.slopes", lang, title=title, count=len(rows), **counts, **when)
    largest = rows.assign(size=moved.abs()).sort_values(
        ["strong", "size", "at1"], ascending=[False, False, True]
    )
    named = [
        say(
            "figure.alt.slope",
            lang,
            name=r.label,
            first=formats.rank(r.rank0, lang=lang),
            last=formats.rank(r.rank1, lang=lang),
        )
        for r in largest[(largest["size"] > 0) | largest["strong"]].head(8).itertuples()
    ]
    parts = [text, *([say("chart.and", lang).join(named), say("chart.stop", lang)] if named else [])]
    if lost:
        names = say("chart.and", lang).join(draw.label_of(name, lang=lang, labels=labels) for name in lost)
        parts.append(say("chart.alt.lost", lang, names=names))
    return "".join(parts).strip()
