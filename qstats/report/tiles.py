"""A square for every province, or for every city of Anhui: no borders are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from qstats.classifications import regions
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, PALE, SEQUENTIAL, ink_on, look, palette
from qstats.report.words import unit_name
from qstats.stats.rounding import round_to

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.text import Text

Grid = Literal["china", "anhui"]
GRIDS: Final = ("china", "anhui")
#: width and height of a square in millimetres
_SIZE: Final = {
    ("china", "zh"): (14.5, 12.5),
    ("china", "en"): (16.0, 12.5),
    ("anhui", "zh"): (24.0, 15.0),
    ("anhui", "en"): (24.0, 15.0),
}


class Class(NamedTuple):
    """A class of the legend: its range as printed, and the regions in it from high to low."""

    range: str
    labels: list[str]


def tile_grid(
    estimate: Estimate,
    /,
    *,
    grid: Grid = "china",
    highlight: str = "",
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
) -> Drawing:
    """Draw a square for each region, in its place, with its name, its value and a shade.

    The shades are up to five classes with about the same number of regions; equal values
    are never split. A region without a figure is pale with a dashed edge and says so; Taiwan, Hong Kong
    and Macao, which the national statistics do not cover, always stand on the grid.

    Parameters
    ----------
    estimate : Estimate
        Its rows differ by region. Rows that have no place on the grid (全国) are left out.
    grid : {"china", "anhui"}
        The 34 provincial units, or the 16 cities of Anhui.
    highlight : str
        A region to frame.
    labels, digits, lang
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        The rows do not differ by region alone, none of them is on the grid, or all are
        missing.
    OptionError
        The region to highlight is not on the grid.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.estimate import Estimate
    >>> nan = float("nan")
    >>> table = pd.DataFrame([("安徽", 93.6), ("江苏", 94.1)], columns=["region", "estimate"])
    >>> table = table.assign(std_error=nan, conf_low=nan, conf_high=nan, n=nan)
    >>> rate = Estimate(table, indicator="合格率", unit="%", method="published")
    >>> tile_grid(rate, lang="zh").alt
    '方格图：合格率（%），34个地区中2个有数据。94.10：江苏。93.60：安徽。无数据：北京、...'
    """
    one_of("grid", grid, GRIDS)
    places = estimate.digits if digits is None else digits
    tiles = _tiles(estimate, grid, places, lang)
    asked.marked(highlight, list(tiles["name"]), lang)
    tiles["label"] = [draw.label_of(name, lang=lang, labels=labels) for name in tiles["name"]]
    classes = _classes(tiles, places, lang)
    lost = list(tiles.loc[tiles["shade"] < 0, "label"])
    colours, size = shades(len(classes)), _SIZE[grid, language(lang)]
    wide, high = (int(tiles["column"].max()) + 1) * size[0], (int(tiles["row"].max()) + 1) * size[1]
    with draw.sheet(high + 9, [estimate], lang) as figure:
        axes = draw.room(figure, left=2, right=168 - wide, top=6, bottom=3, frame=False)
        axes.set_xlim(0, wide)
        axes.set_ylim(high, 0)
        for tile in tiles.itertuples():
            known = tile.shade >= 0
            value = (
                formats.number(tile.value, digits=places, lang=lang) if known else say("chart.no_data", lang)
            )
            _draw_tile(axes, tile, size, colours[tile.shade] if known else None, value)
        _frame(axes, tiles[tiles["name"] == highlight], *size)
        _legend(axes, classes, colours, estimate.unit, len(lost), lang)
        figure.alt = _say_tiles(estimate, classes, len(tiles), lost, labels, lang)
    return figure


def _tiles(estimate: Estimate, grid: Grid, digits: int, lang: str | None) -> pd.DataFrame:
    """Return a row a square: name, row, column, printed value."""
    if "region" not in estimate.keys or (len(estimate) > 1 and draw.varying_key(estimate) != "region"):
        raise DataError(say("figure.tiles.keys", lang, keys=", ".join(estimate.keys)))
    places = regions()
    places = places[places["tile_grid"] == grid]
    tiles = places[["name"]].assign(row=places["tile_row"].astype(int), column=places["tile_col"].astype(int))
    values = estimate.table.set_index("region")["estimate"]
    tiles["value"] = tiles["name"].map(values)
    if not tiles["name"].isin(values.index).any():
        names = ", ".join(map(str, values.index[:5]))
        raise DataError(say("figure.tiles.none", lang, grid=grid, names=names))
    draw.require_numbers(tiles["value"], lang)
    tiles["printed"] = round_to(tiles["value"].to_numpy(dtype=float), digits=digits)
    return tiles.reset_index(drop=True)


def class_limits(values: np.ndarray, /, *, most: int = len(SEQUENTIAL)) -> np.ndarray:
    """Return the upper limits of the classes: values of the data, ascending, the last the maximum.

    Classes hold about equally many values, (previous limit, limit]; equal values share a
    class, so there are fewer classes when there are few distinct values.

    Examples
    --------
    >>> class_limits(np.array([1.0, 2.0, 2.0, 2.0, 5.0, np.nan]), most=2).tolist()
    [2.0, 5.0]
    """
    known = np.sort(values[np.isfinite(values)])
    wanted = min(most, len(np.unique(known)))
    return np.unique(np.quantile(known, np.arange(1, wanted + 1) / wanted, method="inverted_cdf"))


def _classes(tiles: pd.DataFrame, digits: int, lang: str | None) -> list[Class]:
    """Put each square in a class (column ``shade``, −1 without a figure); describe the classes."""
    printed = tiles["printed"].to_numpy()
    cuts = class_limits(printed)
    tiles["shade"] = np.where(np.isfinite(printed), np.searchsorted(cuts, printed), -1)
    found = []
    for shade in range(len(cuts)):
        members = tiles[tiles["shade"] == shade].sort_values("value", ascending=False)
        ends = [float(members["printed"].min()), float(members["printed"].max())]
        single = formats.number(ends[0], digits=digits, lang=lang)
        text = single if ends[0] == ends[1] else formats.span(*ends, digits=digits, lang=lang)
        found.append(Class(text, list(members["label"])))
    return found


def shades(count: int, /) -> list[str]:
    """Return `count` shades from light to dark."""
    steps = look().steps
    if count == 1:
        return [steps[2]]
    return [steps[round(i * (len(steps) - 1) / (count - 1))] for i in range(count)]


def _square(axes: Axes, x: float, y: float, width: float, height: float, colour: str | None) -> None:
    """Draw a square; without a colour it is pale with a dashed edge."""
    from matplotlib.patches import Rectangle

    edge = "-" if colour else (0, (3, 2))
    style: dict[str, Any] = {
        "facecolor": colour or PALE,
        "edgecolor": "#8A8A8A",
        "linewidth": 0.6,
        "linestyle": edge,
    }
    axes.add_patch(Rectangle((x, y), width, height, clip_on=False, **style))


def _draw_tile(axes: Axes, tile: Any, size: tuple[float, float], colour: str | None, value: str) -> None:
    (width, height), (x, y) = size, (tile.column * size[0], tile.row * size[1])
    _square(axes, x + 0.4, y + 0.4, width - 0.8, height - 0.8, colour)
    ink = ink_on(colour) if colour else MUTED
    draw.named(_in_room(axes, tile.label, x + width / 2, y + height * 0.35, width - 1.8, ink))
    _in_room(axes, value, x + width / 2, y + height * 0.72, width - 1.8, ink)


def _in_room(axes: Axes, text: str, x: float, y: float, room: float, ink: str) -> Text:
    """Write a text centred, smaller or on two lines when it is wide, cut when it is very wide."""
    points = next((p for p in (8.5, 8.0, 7.5, 7.0) if draw.width_mm(text, p) <= room), 6.5)
    lines = draw.wrap(text, room, points, lines=2)
    single = "\n" not in lines  # on one baseline with its neighbours
    va, down = ("baseline", 1.1) if single else ("center", 0)
    return axes.text(x, y + down, lines, ha="center", va=va, fontsize=points, color=ink, linespacing=1.0)


def _frame(axes: Axes, tile: pd.DataFrame, width: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    for row, column in zip(tile["row"], tile["column"], strict=True):
        corner, size = (column * width + 0.4, row * height + 0.4), (width - 0.8, height - 0.8)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=palette()[3], linewidth=2.4))


def _legend(
    axes: Axes, classes: list[Class], colours: list[str], unit: str, lost: int, lang: str | None
) -> None:
    x, bottom = axes.get_xlim()[1] + 7, axes.get_ylim()[0]
    rows = [
        (colour, say("chart.class", lang, range=c.range, count=len(c.labels)))
        for colour, c in zip(colours, classes, strict=True)
    ]
    entries: list[tuple[str | None, str]] = [*rows[::-1]]
    if lost:
        entries.append((None, say("chart.class", lang, range=say("chart.no_data", lang), count=lost)))
    y = bottom / 2 - len(entries) * 3.0
    if unit_name(unit, lang):
        axes.text(
            x,
            y - 2,
            say("chart.unit", lang, unit=unit_name(unit, lang)),
            fontsize=8,
            color=MUTED,
            va="bottom",
        )
    for at, (colour, text) in enumerate(entries):
        _square(axes, x, y + at * 6, 6.5, 4.2, colour)
        axes.text(x + 8.5, y + at * 6 + 2.2, text, fontsize=8, color=INK, va="center")


def _say_tiles(
    estimate: Estimate,
    classes: list[Class],
    count: int,
    lost: list[str],
    labels: Mapping[str, str] | None,
    lang: str | None,
) -> str:
    title = draw.title_of(estimate, labels, lang)
    parts = [say("chart.alt.tiles", lang, title=title, count=count, known=count - len(lost))]
    for each in classes[::-1]:
        names = say("chart.and", lang).join(each.labels)
        parts.append(say("chart.alt.class", lang, range=each.range, names=names))
    if lost:
        parts.append(say("chart.alt.lost", lang, names=say("chart.and", lang).join(lost)))
    return "".join(parts).strip()
