"""Forest plots: estimates, or ranks, one below the other with their intervals in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from qstats.errors import one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Of = Literal["estimate", "rank"]
MOST: Final = 48
_COLUMNS: Final = {
    "estimate": ("estimate", "conf_low", "conf_high"),
    "rank": ("rank", "rank_low", "rank_high"),
}


class Rows(NamedTuple):
    """What is drawn: arrays of shape (rows,); ends are NaN where no interval is known."""

    key: list[str]
    label: list[str]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def forest(
    estimate: Estimate,
    /,
    *,
    of: Of = "estimate",
    reference: float | None = None,
    reference_label: str | None = None,
    highlight: str | Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw estimates in the order of their rows, each with its interval and both in figures.

    Parameters
    ----------
    estimate : Estimate
        Its rows differ by one key; up to 48.
    of : {"estimate", "rank"}
        The estimates themselves; or their ranks with the intervals of these, from the first (of
        :func:`qstats.compare` or :func:`qstats.uncertainty`).
    reference : float, optional
        A vertical line: no change, the nation.
    reference_label : str, optional
        Its name.
    highlight : str or sequence of str
        Key values to set off.
    labels, digits, lang
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        Rows differ by several keys, there are too many or only missing values, or there are no ranks.
    OptionError
        A row to highlight does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("安徽", 93.6, 93.2, 94.0), ("江苏", 94.1, float("nan"), float("nan"))]
    >>> table = pd.DataFrame(rows, columns=["region", "estimate", "conf_low", "conf_high"])
    >>> table = table.assign(std_error=float("nan"), n=float("nan"))
    >>> forest(Estimate(table, indicator="合格率", unit="%", method="m"), lang="zh").alt
    '区间图：合格率（%），2行，1行有95%区间。安徽93.60（93.20~94.00）、江苏94.10。'
    """
    one_of("of", of, tuple(_COLUMNS))
    asked.keys(estimate, [], lang, figure="forest")
    places = 0 if of == "rank" else estimate.digits if digits is None else digits
    rows = _rows(estimate, of, labels, lang)
    marked = asked.marked(highlight, rows.key, lang)
    texts = [_text(*each, places, lang) for each in zip(rows.value, rows.low, rows.high, strict=True)]
    names = draw.names_of_rows(rows.label, most=58)
    right = max(draw.width_mm(text, 8.5) for text in [*texts, _head(estimate, of, lang)]) + 6
    with draw.sheet(len(rows.key) * max(5.2, 4.3 * names.lines) + 24, [estimate], lang) as figure:
        axes = draw.room(figure, left=names.mm, right=right, top=14, bottom=10)
        _axis(axes, rows, reference, estimate.unit, of, lang)
        _draw(axes, rows, np.isin(rows.key, marked))
        for i, (label, text) in enumerate(zip(names.texts, texts, strict=True)):
            strong: dict[str, Any] = (
                {"weight": "bold", "color": palette()[2]} if rows.key[i] in marked else {}
            )
            draw.named(draw.beside(axes, i, -(names.mm - 2), label, ha="left", **strong))
            draw.beside(axes, i, right - 2, text, ha="right", **strong)
        draw.beside(
            axes, -0.95, right - 2, _head(estimate, of, lang), ha="right", va="bottom", size=8, color=MUTED
        )
        if reference is not None:
            _reference(axes, reference, reference_label or say("figure.forest.reference", lang), places, lang)
        figure.alt = _say(estimate, rows, texts, of, labels, lang)
    return figure


def _rows(estimate: Estimate, of: Of, labels: Mapping[str, str] | None, lang: str | None) -> Rows:
    import pandas as pd

    key = draw.varying_key(estimate)
    table = estimate.table
    columns = _COLUMNS[of]
    if of == "rank":
        source = "qs.compare(…), qs.uncertainty(…)"
        asked.columns(table, columns, lang, figure="forest", source=source)
        table = table.sort_values(["rank", key], kind="stable")
    asked.at_most(len(table), MOST, lang, figure="forest")
    numbers = [pd.to_numeric(table[c]).to_numpy(dtype=float, na_value=np.nan) for c in columns]
    draw.require_numbers(numbers[0], lang)
    both = np.isfinite(numbers[1]) & np.isfinite(numbers[2])
    low, high = (np.where(both, ends, np.nan) for ends in numbers[1:])
    names = [str(k) for k in table[key]]
    return Rows(names, [draw.label_of(k, lang=lang, labels=labels) for k in names], numbers[0], low, high)


def _text(value: float, low: float, high: float, digits: int, lang: str | None) -> str:
    if not np.isfinite(value):
        return say("chart.no_data", lang)
    text = formats.number(value, digits=digits, lang=lang)
    if not np.isfinite(low):
        return text
    return text + say("chart.brackets", lang, text=formats.span(low, high, digits=digits, lang=lang))


def _head(estimate: Estimate, of: Of, lang: str | None) -> str:
    what = say("figure.forest.rank" if of == "rank" else "figure.forest.value", lang)
    return say("figure.forest.head", lang, what=what, level=f"{estimate.level:.0%}")


def _axis(axes: Axes, rows: Rows, reference: float | None, unit: str, of: Of, lang: str | None) -> None:
    every = np.concatenate([rows.value, rows.low, rows.high, [np.nan if reference is None else reference]])
    low, high = draw.limits(every, pad=0.05)
    if of == "rank":
        low, high = 0.4, float(np.nanmax(every)) + 0.6
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows.key) - 0.5, -0.5)
    marks = draw.ticks(low, high, count=6)
    if of == "rank":
        marks = sorted({1.0, *(m for m in marks if m >= 2 and m == int(m))})
    axes.set_xticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    text = say("figure.forest.rank", lang) if of == "rank" else unit_name(unit, lang)
    draw.write(axes, text, (1, 0), over="axes", shift=(8, -6.5), ha="left", va="top", color=MUTED)


def _draw(axes: Axes, rows: Rows, strong: np.ndarray) -> None:
    places = np.arange(len(rows.key))
    known = np.isfinite(rows.low)
    for which, colour, marker in ((~strong, palette()[0], "s"), (strong, palette()[2], "D")):
        some = which & known
        axes.hlines(places[some], rows.low[some], rows.high[some], color=colour, linewidth=1.4, zorder=2)
        for ends in (rows.low, rows.high):
            axes.plot(
                ends[some], places[some], "|", color=colour, markersize=6, markeredgewidth=1.2, zorder=2
            )
        alone = which & ~known
        axes.plot(rows.value[some], places[some], marker, color=colour, markersize=5.5, zorder=3)
        axes.plot(
            rows.value[alone],
            places[alone],
            marker,
            color=colour,
            markerfacecolor="white",
            markersize=5.5,
            zorder=3,
        )


def _reference(axes: Axes, reference: float, name: str, digits: int, lang: str | None) -> None:
    axes.axvline(reference, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    low, high = axes.get_xlim()
    share = (reference - low) / (high - low)
    side = "left" if share < 0.2 else "right" if share > 0.8 else "center"
    text = f"{formats.clean(name, limit=draw.LONGEST)} {formats.number(reference, digits=digits, lang=lang)}"
    text = draw.fit(text, draw.plot_mm(axes) * (0.5 if side == "center" else 0.8), 8.5)
    draw.named(draw.write(axes, text, (reference, 1), over="column", shift=(0, 4), ha=side, va="bottom"))


def _say(
    estimate: Estimate,
    rows: Rows,
    texts: list[str],
    of: Of,
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    gap = say("chart.gap", lang)
    named = say("chart.and", lang).join(
        f"{label}{gap}{text}" for label, text in zip(rows.label, texts, strict=True)
    )
    kind = "figure.alt.forest_rank" if of == "rank" else "figure.alt.forest"
    known = {"known": int(np.isfinite(rows.low).sum()), "level": f"{estimate.level:.0%}"}
    return say(
        kind, lang, title=draw.title_of(estimate, labels, lang), count=len(rows.key), names=named, **known
    )
