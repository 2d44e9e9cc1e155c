"""How figures look: one theme, on only while a figure is drawn or saved.

Nothing here changes matplotlib when it is imported, and nothing is left behind when
:func:`theme` ends, so a researcher's own plots keep their own looks. The figures it draws are
:class:`qstats.report.figure.Drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final, Literal, NamedTuple

from matplotlib import font_manager, rc_context
from matplotlib.colors import is_color_like, to_rgb

from qstats.errors import OptionError, nearest, one_of
from qstats.messages import say

Text = Literal["text", "paths"]

#: the family name inside the font files; DejaVu Sans comes with matplotlib
FAMILY: Final = ("QStats Sans SC", "DejaVu Sans")
#: six colours, each with a contrast of 3:1 or more on white; never the only difference
PALETTE: Final = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
#: light to dark in five steps of one hue, for ordered classes
SEQUENTIAL: Final = ("#E3ECF4", "#B4CDE2", "#7CA6C8", "#3F78A8", "#12436D")
#: the same in greys, for print without colour; told apart by markers, words and lightness
GREYS: Final = ("#1A1A1A", "#8C8C8C", "#4D4D4D", "#737373", "#333333", "#949494")
GREY_STEPS: Final = ("#EDEDED", "#CCCCCC", "#A3A3A3", "#707070", "#2B2B2B")
INK: Final = "#222222"
MUTED: Final = "#595959"
RULE: Final = "#C8C8C8"
PALE: Final = "#EFEFEF"
#: width of a text column on A4
COLUMN_MM: Final = 170.0

_RC: Final[dict[str, Any]] = {
    "font.family": list(FAMILY),
    "font.size": 9.0,
    "text.parse_math": False,  # a $ or _ in a name is a $ or _
    "text.usetex": False,
    "text.color": INK,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.5,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "hatch.color": "#8A8A8A",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 144,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "savefig.dpi": 200,
    "savefig.bbox": "standard",
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "svg.fonttype": "none",  # text stays text: searchable, read aloud, small
    "pdf.fonttype": 42,  # TrueType, embedded: text can be searched and copied
    "svg.hashsalt": "qstats",
    "svg.image_inline": True,
    "path.sketch": None,
    "path.effects": [],
    "path.simplify": True,
}


class Look(NamedTuple):
    """What a ``with theme(…)`` block has chosen.

    Attributes
    ----------
    colours : tuple of str, shape (6,)
    steps : tuple of str, shape (5,)
        Light to dark.
    font : str
        Family that comes first; empty for our own.
    svg : {"text", "paths"}
    """

    colours: tuple[str, ...] = PALETTE
    steps: tuple[str, ...] = SEQUENTIAL
    font: str = ""
    svg: Text = "text"


_LOOK: Final[ContextVar[Look]] = ContextVar("look")


def look() -> Look:
    """Return what the blocks around have chosen."""
    return _LOOK.get(Look())


def palette() -> tuple[str, ...]:
    """Return the six colours in force."""
    return look().colours


@contextmanager
def theme(
    *,
    palette: Literal["colour", "grey"] | Sequence[str] | None = None,
    font: str | None = None,
    svg: Text | None = None,
) -> Iterator[None]:
    """Draw and save with the look of the reports inside a ``with`` block.

    Call it after a seaborn theme has been set: what it sets wins inside the block, and
    the seaborn theme is back after it. The fonts are made known to matplotlib the first
    time; nothing else outlives the block. One's own plots, drawn inside, look the same.

    Parameters
    ----------
    palette : {"colour", "grey"} or sequence of six colours, optional
        Colours of marks, each with a contrast of 3:1 or more on white. Blocks inside keep what those
        around them chose.
    font : str, optional
        A family that matplotlib knows, for all texts; characters it lacks are drawn in ours. Texts are
        placed by the widths of ours.
    svg : {"text", "paths"}, optional
        What saved SVG files do with text: keep it, with the font embedded (browsers), or draw its outlines
        (for word processors, which ignore embedded fonts).

    Yields
    ------
    None
        The look holds within the block.

    Raises
    ------
    OptionError
        A choice, a font or a colour does not exist, or a colour is too pale.

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["svg.fonttype"]
    >>> with theme():
    ...     matplotlib.rcParams["svg.fonttype"]
    'none'
    >>> matplotlib.rcParams["svg.fonttype"] == before
    True
    """
    _know_fonts()
    chosen = look()
    if palette is not None:
        colours, steps = _coloured(palette)
        chosen = chosen._replace(colours=colours, steps=steps or chosen.steps)
    if font is not None:
        chosen = chosen._replace(font=_known(font))
    if svg is not None:
        one_of("svg", svg, ("text", "paths"))
        chosen = chosen._replace(svg=svg)
    settings: dict[Any, Any] = {
        **_RC,
        "font.family": [*([chosen.font] if chosen.font else []), *FAMILY],
        "svg.fonttype": "none" if chosen.svg == "text" else "path",
    }
    before = _LOOK.set(chosen)
    try:
        with rc_context(settings):
            yield
    finally:
        _LOOK.reset(before)


def _coloured(
    palette: Literal["colour", "grey"] | Sequence[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the colours of marks and the steps; no steps for colours of one's own."""
    if isinstance(palette, str):
        one_of("palette", palette, ("colour", "grey"))
        return (PALETTE, SEQUENTIAL) if palette == "colour" else (GREYS, GREY_STEPS)
    given = tuple(map(str, palette))
    bad = [c for c in given if not is_color_like(c) or contrast(c) < 3]
    if len(given) != len(PALETTE) or bad:
        raise OptionError(
            say("figure.palette", count=len(PALETTE), given=len(given), bad=", ".join(bad) or "—")
        )
    return given, ()


def _known(font: str) -> str:
    names = font_manager.get_font_names()
    if font not in names:
        raise OptionError(say("figure.font", font=font, near=nearest(font, names) or "—"))
    return font


def luminance(colour: str, /) -> float:
    """Return the relative luminance of WCAG 2, from 0 (black) to 1 (white).

    Examples
    --------
    >>> luminance("white"), luminance("#000000")
    (1.0, 0.0)
    """
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, /, on: float = 1.0) -> float:
    """Return the contrast ratio of a colour with a ground of luminance `on` (white)."""
    pale, dark = sorted((luminance(colour), on), reverse=True)
    return (pale + 0.05) / (dark + 0.05)


def ink_on(colour: str, /) -> str:
    """Return black or white, whichever reads better on a colour."""
    return "#FFFFFF" if luminance(colour) < 0.179 else "#000000"


@cache
def _know_fonts() -> None:
    for weight in ("Regular", "Bold"):
        with as_file(files("qstats") / "assets" / "fonts" / f"QStatsSansSC-{weight}.ttf") as path:
            font_manager.fontManager.addfont(str(path))
