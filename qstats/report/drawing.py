"""What every chart needs: names, room for text, labels that do not touch, the mark of simulated data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import formats
from qstats.report.figure import Drawing, new
from qstats.report.theme import INK, MUTED, palette, theme
from qstats.report.words import unit_name
from qstats.wording import label, told

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.text import Text

#: the id that tells the SVG writer that a text is a name from the data
NAME: Final = "qs-name"
MM_PER_POINT: Final = 25.4 / 72
#: longest name that is ever drawn, before it is fitted to its room
LONGEST: Final = 60


def estimates_of(data: Estimate | Sequence[Estimate], /) -> list[Estimate]:
    """Return a list of estimates that can share an axis: at least one, all in one unit."""
    found = [data] if isinstance(data, Estimate) else list(data)
    if not found or not all(isinstance(e, Estimate) for e in found):
        first = next((e for e in found if not isinstance(e, Estimate)), None)
        raise DataError(say("figure.estimate", None, figure="lines", found=type(first).__name__))
    units = sorted({e.unit for e in found})
    if len(units) > 1:
        raise DataError(say("figure.units", None, units=", ".join(units)))
    return found


def require_numbers(values: pd.Series | np.ndarray, lang: str | None, /) -> None:
    """Raise DataError when there is not one finite number to draw."""
    if not np.isfinite(np.asarray(values, dtype=float)).any():
        raise DataError(say("figure.no_numbers", lang, rows=len(values)))


def varying_key(estimate: Estimate, /) -> str:
    """Return the one key that names the rows; the others must not vary.

    Raises
    ------
    DataError
        No key varies over several rows, or more than one does.
    """
    table = estimate.table
    vary = [key for key in estimate.keys if table[key].nunique() > 1]
    if len(vary) > 1:
        raise DataError(say("figure.vary", None, keys=", ".join(vary)))
    if vary:
        return vary[0]
    if not estimate.keys:
        raise DataError(say("figure.no_key"))
    return "region" if "region" in estimate.keys else estimate.keys[-1]


def label_of(value: object, /, *, lang: str | None, labels: Mapping[str, str] | None = None) -> str:
    """Return the printed name of a key: from `labels`, else a region's name, else itself."""
    text = str(value)
    if labels and text in labels:
        return formats.clean(labels[text], limit=LONGEST)
    return formats.clean(label(text, lang), limit=LONGEST)


def width_mm(text: str, points: float, /) -> float:
    """Return about how wide a text is, from the widths of our font by kind of character, in em."""
    return sum(map(_em, text)) * points * MM_PER_POINT


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WFA":
        return 1.0
    if character in "ijl.,:;'|!()[]I ":
        return 0.3
    if character in "mwMW%@—":
        return 0.88
    return 0.64 if character.isupper() else 0.56


def fit(text: str, room_mm: float, points: float, /) -> str:
    """Return the text, or as much of it as fits, ending in ``…``."""
    if width_mm(text, points) <= room_mm:
        return text
    kept = text
    while kept and width_mm(kept + "…", points) > room_mm:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrap(text: str, room_mm: float, points: float, /, *, lines: int = 2) -> str:
    """Return the text on at most `lines` lines of that width; the last one may end in ``…``.

    Breaks at spaces, and between Chinese characters; a long Latin word is never broken.
    """
    done: list[str] = []
    rest = text
    while rest and len(done) < lines - 1 and width_mm(rest, points) > room_mm:
        cut = len(rest)
        while cut > 1 and (width_mm(rest[:cut], points) > room_mm or not _may_break(rest, cut)):
            cut -= 1
        if cut == 1 and not _may_break(rest, 1):
            break
        done.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return "\n".join([*done, fit(rest, room_mm, points)])


def even(text: str, room_mm: float, points: float, /, *, lines: int = 2) -> str:
    """Return the text wrapped on as few lines as it needs, about equally long."""
    found = wrap(text, room_mm, points, lines=lines)
    if "…" in found or "\n" not in found:
        return found
    tries = (wrap(text, room_mm * share, points, lines=lines) for share in (0.5, 0.6, 0.7, 0.8, 0.9))
    return next((t for t in tries if t.count("\n") == found.count("\n") and "…" not in t), found)


def _may_break(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return before == " " or after == " " or (ord(before) > 0x2E80 and after not in "，。、；：）”%")


def spread(wanted: Sequence[float], gap: float, /, *, low: float, high: float) -> list[float]:
    """Return places as near as possible to the wanted ones, at least `gap` apart, inside the limits.

    Order is kept. When there is no room for all, they are evenly spaced over it.

    Examples
    --------
    >>> spread([1.0, 1.1, 5.0], 1.0, low=0, high=6)
    [0.55, 1.55, 5.0]
    """
    order = np.argsort(np.asarray(wanted, dtype=float), kind="stable")
    if len(order) * gap > (high - low) + gap:
        even = np.linspace(low, high, len(order))
        return [float(even[np.flatnonzero(order == i)[0]]) for i in range(len(order))]
    groups: list[list[float]] = []  # [sum of (wanted − offset), count]: pooled neighbours
    for at in order:
        groups.append([float(wanted[at]), 1.0])
        while (
            len(groups) > 1
            and _start(groups[-1], gap, low, high) < _start(groups[-2], gap, low, high) + gap * groups[-2][1]
        ):
            last = groups.pop()
            groups[-1] = [groups[-1][0] + last[0] - last[1] * gap * groups[-1][1], groups[-1][1] + last[1]]
    placed = [_start(group, gap, low, high) + gap * i for group in groups for i in range(int(group[1]))]
    found = [0.0] * len(order)
    for at, place in zip(order, placed, strict=True):
        found[int(at)] = round(place, 9)
    return found


def _start(group: list[float], gap: float, low: float, high: float) -> float:
    """Return where the first member of a pooled group stands: the mean wish, held inside the limits."""
    first = group[0] / group[1]
    return min(max(first, low), high - gap * (group[1] - 1))


def room(
    drawing: Drawing, /, *, left: float, right: float, top: float, bottom: float, frame: bool = True
) -> Axes:
    """Return axes that leave these margins, in millimetres."""
    width, height = (inch * 25.4 for inch in drawing.get_size_inches())
    axes = drawing.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    if not frame:
        axes.set_axis_off()
    axes.tick_params(labelfontfamily=families())
    return axes


def plot_mm(axes: Axes, /) -> float:
    """Return the width of the axes in millimetres."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return float(axes.get_position().width * figure.get_figwidth() * 25.4)


def families() -> Any:
    """Return the font families in force, by name, so that ticks made later use them too."""
    from matplotlib import rcParams

    return list(rcParams["font.family"])


#: what a place is measured in: data, parts of the axes, or one of each
_FRAMES: Final[dict[str, Any]] = {
    "data": "data",
    "axes": "axes fraction",
    "row": ("axes fraction", "data"),
    "column": ("data", "axes fraction"),
}


def write(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    /,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    over: Literal["data", "axes", "row", "column"] = "data",
    ha: str = "center",
    va: str = "center",
    size: float = 8.5,
    color: str = INK,
    weight: str = "normal",
) -> Text:
    """Write a text at a place, moved by `shift` points."""
    return axes.annotate(
        text,
        at,
        xycoords=_FRAMES[over],
        xytext=shift,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=size,
        color=color,
        fontweight=weight,
    )


def beside(axes: Axes, at: float, x_mm: float, text: str, /, **style: Any) -> Text:
    """Write in a row to the right of the axes, or to the left when `x_mm` is negative."""
    return write(axes, text, (float(x_mm > 0), at), over="row", shift=(x_mm / MM_PER_POINT, 0), **style)


def named(text: Text, /) -> Text:
    """Mark a text as a name from the data: its characters may lie outside the embedded font."""
    text.set_gid(NAME)
    return text


def mark_simulated(drawing: Drawing, simulated: bool, lang: str | None, /) -> None:
    """Print 模拟数据 or SIMULATED in the upper right corner when the numbers are not real."""
    if simulated:
        width, height = (inch * 25.4 for inch in drawing.get_size_inches())
        drawing.text(
            1 - 2 / width,
            1 - 2 / height,
            say("chart.simulated", lang),
            ha="right",
            va="top",
            fontsize=8.5,
            fontweight="bold",
            color=palette()[2],
            bbox={"boxstyle": "square,pad=0.3", "facecolor": "white", "edgecolor": palette()[2]},
        )


@contextmanager
def sheet(height_mm: float, sources: Iterable[Estimate] | bool, lang: str | None, /) -> Iterator[Drawing]:
    """Give a drawing of that height, under the theme, that says at the end whether its data are simulated.

    Parameters
    ----------
    height_mm : float
        Its width is a text column.
    sources : iterable of Estimate, or bool
        What is drawn, or whether it is simulated.
    lang : {"zh", "en"}, optional
        Language.
    """
    with theme():
        figure = new(height_mm)
        yield figure
        simulated = sources if isinstance(sources, bool) else any(e.simulated for e in sources)
        mark_simulated(figure, simulated, lang)
        figure.alt = simulated_note(simulated, lang) + figure.alt
        figure.caption = "" if isinstance(sources, bool) else caption(sources, lang)


def caption(sources: Iterable[Estimate], lang: str | None, /) -> str:
    """Return what a notebook writes below a figure: the indicators, their units, and where they come from."""
    every = list(sources)
    comma = say("display.comma", lang)
    titles = dict.fromkeys(title_of(e, None, lang) for e in every)
    names = dict.fromkeys(told(source, lang) for e in every for source in e.provenance)
    source = say("figure.source", lang, names=comma.join(names)) if names else ""
    return " · ".join(part for part in (comma.join(titles), source) if part)


class Names(NamedTuple):
    """Names of rows as printed at the left: their texts, the room they take, and the lines of the longest."""

    texts: list[str]
    mm: float
    lines: int


def names_of_rows(labels: Iterable[str], /, *, apart: float = 6.0, most: float = 62.0) -> Names:
    """Return names at the left of rows in as much room as they need, `most` millimetres with what is `apart`.

    Names that are longer stand on two lines; rows are then to be higher.
    """
    every = list(labels)
    room_mm = min(max(width_mm(label, 8.5) for label in every) + apart, most)
    texts = [wrap(label, room_mm - apart + 2, 8.5) for label in every]
    return Names(texts, room_mm, max(text.count("\n") for text in texts) + 1)


def numbers(values: Iterable[float], digits: int, lang: str | None, /) -> list[str]:
    """Return numbers as printed; a missing one says so."""
    return [
        formats.number(v, digits=digits, lang=lang) if np.isfinite(v) else say("chart.no_data", lang)
        for v in values
    ]


def simulated_note(simulated: bool, lang: str | None, /) -> str:
    """Return the words with which the alternative text of simulated data begins."""
    return say("chart.alt.simulated", lang) if simulated else ""


def unit_note(axes: Axes, unit: str, lang: str | None, /, *, from_zero: bool, across: bool = False) -> None:
    """Print the unit above the upper left corner of the axes, and that the axis does not begin at zero."""
    parts = [say("chart.unit", lang, unit=unit_name(unit, lang))] if unit_name(unit, lang) else []
    parts += [] if from_zero else [say("figure.not_from_zero" if across else "chart.not_from_zero", lang)]
    text = say("chart.comma", lang).join(parts)
    write(axes, text, (0, 1), over="axes", shift=(0, 6), ha="left", va="bottom", size=8, color=MUTED)


def ticks(low: float, high: float, /, *, count: int = 5) -> list[float]:
    """Return round tick values inside the limits."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(round(t, 10)) for t in found if low - 1e-12 <= t <= high + 1e-12]


def tick_digits(values: Sequence[float], /) -> int:
    """Return the fewest decimals that write these ticks exactly (at most six)."""
    return next((d for d in range(6) if all(abs(round(v, d) - v) < 1e-9 for v in values)), 6)


def limits(values: np.ndarray, /, *, pad: float = 0.08, least: float = 0.0) -> tuple[float, float]:
    """Return axis limits with room around the finite values, at least `least` wide."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    extent = max(high - low, least, abs(high) * 1e-6, 1e-9)
    middle = (low + high) / 2
    half = extent * (0.5 + pad)
    return middle - half, middle + half


def title_of(estimate: Estimate, labels: Mapping[str, str] | None, lang: str | None, /) -> str:
    """Return the printed name of the indicator, with its unit."""
    given = (labels or {}).get(estimate.indicator) or told(estimate.indicator, lang)
    name = formats.clean(given, limit=LONGEST)
    unit = unit_name(estimate.unit, lang)
    return name + (say("chart.in_unit", lang, unit=unit) if unit else "")
