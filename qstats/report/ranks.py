"""Ranked dots with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qstats.errors import one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, PALE, RULE, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: most rows of a ranked chart: one page
MOST_ROWS: Final = 48


def ranked(
    estimate: Estimate,
    /,
    *,
    reference: float | None = None,
    reference_label: str | None = None,
    highlight: str | Sequence[str] = (),
    direction: Literal[1, -1] = 1,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw the rows of an estimate from the highest to the lowest, with their intervals.

    Equal values (as printed) share a place; rows without a number stand at the end and
    have none.

    Parameters
    ----------
    estimate : Estimate
        Its rows differ by one key: regions, industries … up to 48 rows.
    reference : float, optional
        A vertical line, for example the national value. By default the row 全国, when
        there is one; it is then not ranked.
    reference_label : str, optional
        Its name; by default 全国 (China).
    highlight : str or sequence of str
        Key values to set off by colour, marker and weight.
    direction : {1, -1}
        1: the highest stands first; −1: the lowest, where less is better (losses).
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
    >>> from qstats.estimate import Estimate
    >>> nan = float("nan")
    >>> rows = [("安徽", 93.6, 93.2, 94.0), ("江苏", 94.1, nan, nan), ("全国", 93.65, nan, nan)]
    >>> table = pd.DataFrame(rows, columns=["region", "estimate", "conf_low", "conf_high"])
    >>> table = table.assign(std_error=nan, n=nan)
    >>> rate = Estimate(table, indicator="合格率", unit="%", method="published")
    >>> ranked(rate, highlight="安徽", lang="zh").alt
    '点图：合格率（%），2个单位由高到低。最高为江苏94.10，最低为安徽93.60；全国93.65，1个高于它。安徽93.60，第2位（共2个）。'
    """
    one_of("direction", direction, (1, -1))
    rows, reference = _ranking(estimate, reference, digits, direction, lang)
    places = estimate.digits if digits is None else digits
    marked = asked.marked(highlight, list(rows["key"]), lang)
    rows["label"] = [draw.label_of(key, lang=lang, labels=labels) for key in rows["key"]]
    line_name = reference_label or draw.label_of("全国", lang=lang, labels=labels)
    names = draw.names_of_rows(rows["label"], apart=12)
    values = draw.numbers(rows["estimate"], places, lang)
    right = max(draw.width_mm(v, 8.5) for v in values) + 4
    with draw.sheet(len(rows) * max(4.9, 4.2 * names.lines) + 21, [estimate], lang) as figure:
        axes = draw.room(figure, left=names.mm, right=right, top=11, bottom=10)
        _rank_axis(axes, rows, reference, estimate.unit, lang)
        _draw_dots(axes, rows, rows["key"].isin(marked).to_numpy())
        for i, row in enumerate(rows.itertuples()):
            _write_row(
                axes,
                i,
                row._replace(label=names.texts[i]),
                values[i],
                names.mm,
                right,
                strong=row.key in marked,
            )
        if reference is not None:
            _reference_line(
                axes, reference, f"{line_name} {formats.number(reference, digits=places, lang=lang)}"
            )
        figure.alt = _say_ranked(estimate, rows, reference, line_name, marked, places, labels, lang)
    return figure


def _ranking(
    estimate: Estimate, reference: float | None, digits: int | None, direction: int, lang: str | None
) -> tuple[pd.DataFrame, float | None]:
    import pandas as pd

    from qstats.stats.rounding import round_to

    key = draw.varying_key(estimate)
    rows = estimate.table.rename(columns={key: "key"})
    rows["key"] = rows["key"].astype(str)
    nation = rows["key"] == "全国"
    if reference is None and nation.any() and not nation.all():
        reference = float(rows.loc[nation, "estimate"].iloc[0])
        reference = reference if np.isfinite(reference) else None
    rows = rows[~nation] if not nation.all() else rows
    draw.require_numbers(rows["estimate"], lang)
    asked.at_most(len(rows), MOST_ROWS, lang, figure="ranked")
    rows = rows.sort_values(
        ["estimate", "key"], ascending=[direction < 0, True], na_position="last", ignore_index=True
    )
    printed = round_to(rows["estimate"].to_numpy(), digits=estimate.digits if digits is None else digits)
    rows["place"] = pd.Series(-direction * printed).rank(method="min")
    return rows, reference


def _rank_axis(axes: Axes, rows: pd.DataFrame, reference: float | None, unit: str, lang: str | None) -> None:
    values = rows[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float).ravel()
    low, high = draw.limits(np.append(values, np.nan if reference is None else reference), pad=0.05)
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    marks = draw.ticks(low, high, count=6)
    axes.set_xticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    text = unit_name(unit, lang)
    draw.write(axes, text, (1, 0), over="axes", shift=(8, -6.5), ha="left", va="top", color=MUTED)


def _draw_dots(axes: Axes, rows: pd.DataFrame, strong: np.ndarray) -> None:
    """Draw rules, intervals and dots; the rows set off get a colour and a marker of their own."""
    places = np.arange(len(rows), dtype=float)
    rules = places[~strong]
    axes.plot(*_broken(np.zeros(len(rules)), np.ones(len(rules)), rules), color=RULE, linewidth=0.4, zorder=0,
              transform=axes.get_yaxis_transform())  # fmt: skip
    for which, colour, marker in ((~strong, palette()[0], "o"), (strong, palette()[2], "D")):
        some = rows[which]
        ends = _broken(some["conf_low"].to_numpy(), some["conf_high"].to_numpy(), places[which])
        axes.plot(*ends, color=colour, linewidth=1.6, alpha=0.55, solid_capstyle="butt")
        axes.plot(some["estimate"], places[which], marker=marker, color=colour, linestyle="none")


def _broken(low: np.ndarray, high: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one path that runs from low to high at each y and is lifted in between."""
    gap = np.full(len(y), np.nan)
    return np.column_stack([low, high, gap]).ravel(), np.column_stack([y, y, gap]).ravel()


def _write_row(
    axes: Axes, at: int, row: Any, value: str, names: float, right: float, *, strong: bool
) -> None:
    colour, weight = (palette()[2], "bold") if strong else (INK, "normal")
    if strong:
        wide = draw.plot_mm(axes)
        ends = (-(names - 2) / wide, 1 + right / wide)
        axes.axhspan(at - 0.5, at + 0.5, *ends, color=PALE, zorder=0, linewidth=0, clip_on=False)
    write = partial(draw.write, axes, over="row", weight=weight)
    room = names / draw.MM_PER_POINT
    if np.isfinite(row.place):
        write(f"{row.place:.0f}", (0, at), shift=(15 - room, 0), ha="right", color=MUTED)
    draw.named(write(row.label, (0, at), shift=(20 - room, 0), ha="left", color=colour))
    write(value, (1, at), shift=(4, 0), ha="left", color=colour)


def _reference_line(axes: Axes, reference: float, text: str) -> None:
    axes.axvline(reference, color=palette()[4], linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    low, high = axes.get_xlim()
    share = (reference - low) / (high - low)
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    draw.write(
        axes, text, (reference, 1), over="column", shift=(0, 4), ha=side, va="bottom", color=palette()[4]
    )


def _say_ranked(
    estimate: Estimate,
    rows: pd.DataFrame,
    reference: float | None,
    line_name: str,
    marked: list[str],
    digits: int,
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    def value(row: pd.Series) -> str:
        number = formats.number(row["estimate"], digits=digits, lang=lang)
        return f"{row['label']}{say('chart.gap', lang)}{number}"

    known = rows[np.isfinite(rows["estimate"])]
    rising = bool(known["estimate"].iloc[0] < known["estimate"].iloc[-1])
    kind = "chart.alt.ranked_low" if rising else "chart.alt.ranked"
    parts = [say(kind, lang, title=draw.title_of(estimate, labels, lang), count=len(known),
                 best=value(known.loc[known["estimate"].idxmax()]),
                 worst=value(known.loc[known["estimate"].idxmin()]))]  # fmt: skip
    if reference is not None:
        above = int((known["estimate"] > reference).sum())
        parts.append(say("chart.alt.reference", lang, name=line_name, above=above,
                         value=formats.number(reference, digits=digits, lang=lang)))  # fmt: skip
    parts.append(say("chart.stop", lang))
    for _, row in known[known["key"].isin(marked)].iterrows():
        place = formats.rank(row["place"], of=len(known), lang=lang)
        parts.append(say("chart.alt.place", lang, value=value(row), place=place))
    if lost := list(rows.loc[~np.isfinite(rows["estimate"]), "label"]):
        parts.append(say("chart.alt.lost", lang, names=say("chart.and", lang).join(lost)))
    return "".join(parts).strip()
