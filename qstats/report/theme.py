"""How figures look: one theme, on only while a figure is drawn or saved.

Nothing here changes matplotlib when it is imported, and nothing is left behind when
:func:`theme` ends, so a researcher's own plots keep their own looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure

#: the family name inside the font files; DejaVu Sans comes with matplotlib
FAMILY: Final = ("QStats Sans SC", "DejaVu Sans")
#: six colours, each with a contrast of 3:1 or more on white; never the only difference
PALETTE: Final = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
#: light to dark in five steps of one hue, for ordered classes
SEQUENTIAL: Final = ("#E3ECF4", "#B4CDE2", "#7CA6C8", "#3F78A8", "#12436D")
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
    "svg.hashsalt": "qstats",
    "svg.image_inline": True,
    "path.sketch": None,
    "path.effects": [],
    "path.simplify": True,
}


@contextmanager
def theme() -> Iterator[None]:
    """Draw and save with the look of the reports inside a ``with`` block.

    Call it after a seaborn theme has been set: what it sets wins inside the block, and
    the seaborn theme is back after it. The fonts are made known to matplotlib the first
    time; nothing else outlives the block.

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
    settings: Any = _RC
    with rc_context(settings):
        yield


@cache
def _know_fonts() -> None:
    for weight in ("Regular", "Bold"):
        with as_file(files("qstats") / "assets" / "fonts" / f"QStatsSansSC-{weight}.ttf") as path:
            font_manager.fontManager.addfont(str(path))


class Drawing(Figure):
    """A figure that no window manager knows of and that can say what it shows.

    It is a ``matplotlib.figure.Figure`` like any other: save it, add to it. It is not in
    pyplot's list, so it is never shown twice and never kept in memory; a notebook shows
    it because it knows how to make a PNG of itself.

    Attributes
    ----------
    alt : str
        What the figure shows, as a sentence made from its numbers.
    """

    alt: str = ""

    def _repr_png_(self) -> bytes:
        from io import BytesIO

        buffer = BytesIO()
        with theme():
            self.savefig(buffer, format="png", dpi=144)
        return buffer.getvalue()


def new(height_mm: float, /, *, width_mm: float = COLUMN_MM) -> Drawing:
    """Return an empty drawing of that size. Call it inside :func:`theme`."""
    return Drawing(figsize=(width_mm / 25.4, height_mm / 25.4))
