"""Heat maps: many indicators of many regions, shaded from low to high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.names import node_names
from qstats.report.theme import MUTED, PALE, ink_on
from qstats.report.tiles import class_limits, shades
from qstats.report.words import unit_name
from qstats.stats.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Shade = Literal["all", "column"]
#: rows and columns of a page
MOST: Final = (42, 14)
_ROW: Final = 5.4


class Grid(NamedTuple):
    """Values by row and column; NaN where there is none."""

    rows: list[str]
    columns: list[str]
    value: np.ndarray
    digits: list[int]
    units: list[str]


def heat(
    data: Estimate | Sequence[Estimate],
    /,
    *,
    rows: str = "region",
    columns: str | None = None,
    shade: Shade | None = None,
    framework: str | pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw a table of numbers in which the shade says where a number stands.

    Parameters
    ----------
    data : Estimate or sequence of Estimate
        Of one, rows differ by two keys (region × node, region × period …). Of several, each
        is a column and its rows differ by one key.
    rows : str
        The key down the side. Regions stand in the order of the classification, the nation first; all
        else in that of the data.
    columns : str, optional
        The key across the top; by default the only other key that varies.
    shade : {"all", "column"}, optional
        Up to five classes with about equally many numbers: over all of them, or within each column. By
        default over all of one Estimate, and within the column of several, whose units may differ.
    framework : str or DataFrame, optional
        Whose names nodes have.
    labels : mapping, optional
        Printed names of keys and indicators.
    digits : int, optional
        Decimals; by default those of each Estimate.
    lang : {"zh", "en"}, optional
        Language.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        A key is missing or a third one varies; more than 42 rows or 14 columns; nothing but missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> table = pd.DataFrame([("安徽", "2022", 93.1), ("安徽", "2023", 93.6), ("江苏", "2022", 94.0)],
    ...                      columns=["region", "period", "estimate"])
    >>> table = table.assign(std_error=nan, conf_low=nan, conf_high=nan, n=nan)
    >>> heat(Estimate(table, indicator="合格率", unit="%", method="published"), lang="zh").alt
    '热力图：2行2列，3个数据，1个空缺。2022：最高江苏94.00，最低安徽93.10。2023：最高安徽93.60，最低安徽93.60。'
    """
    one_of("shade", shade, (None, "all", "column"))
    if isinstance(data, Estimate):
        grid, sources = _of_one(data, rows, columns, digits, lang), [data]
    else:
        grid, sources = _of_several(list(data), rows, digits, lang), list(data)
    asked.at_most(len(grid.rows), MOST[0], lang, figure="heat")
    asked.at_most(len(grid.columns), MOST[1], lang, figure="heat")
    draw.require_numbers(grid.value.ravel(), lang)
    chosen = shade or ("all" if isinstance(data, Estimate) else "column")
    printed = np.column_stack([round_to(grid.value[:, j], digits=d) for j, d in enumerate(grid.digits)])
    classes = _classes(printed, chosen)
    names = {**node_names(framework, lang), **(labels or {})}
    down, across = (
        [draw.label_of(k, lang=lang, labels=names) for k in each] for each in (grid.rows, grid.columns)
    )
    simulated = any(e.simulated for e in sources)
    head = _head(across, grid.units, lang)
    with draw.sheet(
        len(down) * _high(down, len(across)) + head.height + 14 + 6 * simulated, sources, lang
    ) as figure:
        axes = draw.room(figure, left=2, right=2, top=2 + 6 * simulated, bottom=2, frame=False)
        _draw(axes, classes, down, head, _texts(grid, lang))
        _legend(axes, printed, classes, chosen, grid, lang)
        figure.alt = _say(grid, down, across, lang)
    return figure


def _of_one(data: Estimate, rows: str, columns: str | None, digits: int | None, lang: str | None) -> Grid:
    asked.keys(data, [rows, *([columns] if columns else [])], lang, figure="heat")
    table = data.table
    vary = [key for key in data.keys if key != rows and table[key].nunique() > 1]
    if columns is None:
        if len(vary) != 1:
            raise DataError(say("figure.heat.columns", lang, rows=rows, keys=", ".join(vary) or "—"))
        columns = vary[0]
    asked.one_a_mark(table, data.keys, lang, figure="heat", shown=[rows, columns])
    wide = table.pivot(index=rows, columns=columns, values="estimate")
    wide = wide.loc[asked.in_order(list(table[rows]), rows), asked.in_order(list(table[columns]), columns)]
    places = data.digits if digits is None else digits
    names = [str(c) for c in wide.columns]
    return Grid(
        [str(r) for r in wide.index],
        names,
        wide.to_numpy(dtype=float),
        [places] * len(names),
        [data.unit] * len(names),
    )


def _of_several(data: list[Estimate], rows: str, digits: int | None, lang: str | None) -> Grid:
    if not data:
        raise DataError(say("figure.empty", lang, figure="heat"))
    for estimate in data:
        asked.keys(estimate, [rows], lang, figure="heat")
        asked.one_a_mark(estimate.table, estimate.keys, lang, figure="heat", shown=[rows])
    down = asked.in_order([str(r) for e in data for r in e.table[rows]], rows)
    value = [e.table.set_index(rows)["estimate"].reindex(down).to_numpy(dtype=float) for e in data]
    places = [e.digits if digits is None else digits for e in data]
    return Grid(down, [e.indicator for e in data], np.column_stack(value), places, [e.unit for e in data])


def _classes(printed: np.ndarray, shade: str) -> np.ndarray:
    """Return the class of each cell, as a share from 0 (lowest) to 1; NaN without a value."""
    found = np.full(printed.shape, np.nan)
    parts = [slice(None)] if shade == "all" else [np.s_[:, j] for j in range(printed.shape[1])]
    for part in parts:
        values = printed[part]
        if not np.isfinite(values).any():
            continue
        cuts = class_limits(values.ravel())
        place = np.searchsorted(cuts, values) / max(len(cuts) - 1, 1)
        found[part] = np.where(np.isfinite(values), place, np.nan)
    return found


def _widths(columns: int) -> tuple[float, float]:
    """Return the width of the names and of a column, in millimetres."""
    names = 30.0
    return names, min((166 - names) / columns, 30.0)


class Head(NamedTuple):
    """The names of the columns as they are written, upright or turned, and their height in millimetres."""

    texts: list[str]
    turned: bool
    height: float


def _head(across: list[str], units: list[str], lang: str | None) -> Head:
    """Return the names of the columns on up to four lines; turned by 90° where a word would be cut."""
    wide = _widths(len(across))[1]
    shown = [unit_name(unit, lang) for unit in units]
    mixed = len(set(shown)) > 1
    texts = [
        name + (say("chart.in_unit", lang, unit=unit) if mixed and unit else "")
        for name, unit in zip(across, shown, strict=True)
    ]
    upright = [draw.even(text, wide - 1.2, 7.5, lines=4) for text in texts]
    if not any("…" in text for text in upright):
        return Head(upright, False, 3.4 * max(t.count("\n") + 1 for t in upright) + 2)
    turned = [draw.wrap(text, 36, 7.5) for text in texts]
    longest = max(draw.width_mm(line, 7.5) for text in turned for line in text.split("\n"))
    return Head(turned, True, longest + 4)


def _high(down: list[str], columns: int) -> float:
    """Return the height of a row: more where a name takes two lines."""
    room = _widths(columns)[0] - 2
    return _ROW if all(draw.width_mm(name, 8) <= room for name in down) else 7.4


def _texts(grid: Grid, lang: str | None) -> list[list[str]]:
    return [
        [
            formats.number(v, digits=d, lang=lang) if np.isfinite(v) else ""
            for v, d in zip(row, grid.digits, strict=True)
        ]
        for row in grid.value
    ]


def _draw(axes: Axes, classes: np.ndarray, down: list[str], head: Head, texts: list[list[str]]) -> None:
    from matplotlib.patches import Rectangle

    top = head.height
    left, wide = _widths(len(head.texts))
    axes.set_xlim(0, 166)
    high = _high(down, len(head.texts))
    axes.set_ylim(top + len(down) * high + 10, 0)
    colours = shades(5)
    turn: dict[str, Any] = {"rotation": 90} if head.turned else {}
    for j, text in enumerate(head.texts):
        at = left + (j + 0.5) * wide
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7.5, "linespacing": 1.05}
        draw.named(axes.text(at, top - 1.5, text, **style, **turn))
    for i, name in enumerate(down):
        y = top + i * high
        draw.named(
            axes.text(0, y + high / 2, draw.wrap(name, left - 2, 8), ha="left", va="center", fontsize=8)
        )
        for j, text in enumerate(texts[i]):
            known = np.isfinite(classes[i, j])
            colour = colours[round(4 * classes[i, j])] if known else PALE
            style = {"facecolor": colour, "edgecolor": "white" if known else "#8A8A8A"}
            style |= {"linewidth": 0.8, "linestyle": "-" if known else (0, (3, 2))}
            axes.add_patch(Rectangle((left + j * wide + 0.2, y + 0.2), wide - 0.4, high - 0.4, **style))
            points = next((p for p in (8.0, 7.5, 7.0) if draw.width_mm(text, p) < wide - 1), 6.5)
            axes.text(
                left + (j + 0.5) * wide,
                y + high / 2,
                text,
                ha="center",
                va="center",
                fontsize=points,
                color=ink_on(colour),
            )


def _legend(
    axes: Axes, printed: np.ndarray, classes: np.ndarray, shade: str, grid: Grid, lang: str | None
) -> None:
    from matplotlib.patches import Rectangle

    y, x = axes.get_ylim()[0] - 5.5, 0.0
    colours = shades(5)
    entries: list[tuple[str | None, str]] = []
    if shade == "all":
        for place in sorted({float(c) for c in classes[np.isfinite(classes)]}):
            some = printed[classes == place]
            ends = [formats.number(e, digits=grid.digits[0], lang=lang) for e in (some.min(), some.max())]
            text = (
                ends[0]
                if ends[0] == ends[1]
                else formats.span(some.min(), some.max(), digits=grid.digits[0], lang=lang)
            )
            entries.append((colours[round(4 * place)], text))
    else:
        entries = [
            (colours[0], say("figure.heat.low", lang)),
            *((c, "") for c in colours[1:4]),
            (colours[4], say("figure.heat.high", lang)),
        ]
    if not np.isfinite(classes).all():
        entries.append((None, say("chart.no_data", lang)))
    unit = unit_name(grid.units[0], lang) if shade == "all" else ""
    note = (
        say("chart.unit", lang, unit=unit)
        if unit
        else say("figure.heat.column", lang)
        if shade == "column"
        else ""
    )
    for colour, text in entries:
        style: dict[str, Any] = {"facecolor": colour or PALE, "edgecolor": "#8A8A8A", "linewidth": 0.5}
        style["linestyle"] = "-" if colour else (0, (3, 2))
        axes.add_patch(Rectangle((x, y), 5, 3.6, **style))
        if text:
            axes.text(x + 6, y + 1.9, text, ha="left", va="center", fontsize=7.5)
        x += 6 + (draw.width_mm(text, 7.5) + 4 if text else 0)
    axes.text(166, y + 1.9, note, ha="right", va="center", fontsize=7.5, color=MUTED)


def _say(grid: Grid, down: list[str], across: list[str], lang: str | None) -> str:
    known = np.isfinite(grid.value)
    counts = {
        "rows": len(down),
        "columns": len(across),
        "known": int(known.sum()),
        "lost": int((~known).sum()),
    }
    parts, gap = [say("figure.alt.heat", lang, **counts)], say("chart.gap", lang)
    for j, name in enumerate(across):
        column = grid.value[:, j]
        if known[:, j].any():
            best, worst = (
                down[i] + gap + formats.number(column[i], digits=grid.digits[j], lang=lang)
                for i in (int(np.nanargmax(column)), int(np.nanargmin(column)))
            )
            parts.append(say("figure.alt.heat_column", lang, name=name, best=best, worst=worst))
    return "".join(parts).strip()
