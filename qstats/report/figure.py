"""The figure that every chart returns: it knows its alternative text and carries its font where it goes."""

from __future__ import annotations

import base64
import re
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from qstats.report import fonts
from qstats.report.theme import COLUMN_MM, look, theme

_TEXT: Final = re.compile(r">([^<>]+)<")
_BOLD: Final = re.compile(r"font:[^;\"]*\b(?:bold|700)\b|font-weight: ?(?:bold|700)")
_FAMILY: Final = "'QStats Sans SC'"


class Drawing(Figure):
    """A figure that no window manager knows of and that can say what it shows.

    It is a ``matplotlib.figure.Figure`` like any other: save it, add to it. It is not in
    pyplot's list, so it is never shown twice and never kept in memory; a notebook shows
    it because it knows how to make a PNG of itself. Saved as PNG, SVG or PDF it takes its fonts
    and its alternative text with it, and the same figure gives the same bytes.

    Attributes
    ----------
    alt : str
        What the figure shows, as a sentence made from its numbers.
    caption : str
        Indicators, units and sources, as a notebook writes them below the figure.
    """

    alt: str = ""
    caption: str = ""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as matplotlib does, under the theme, with the fonts and the alternative text."""
        kind = str(options.get("format") or Path(str(fname)).suffix[1:] or "png").lower()
        options["metadata"] = {**_about(kind, self.alt), **(options.get("metadata") or {})}
        with theme():
            if kind != "svg" or look().svg == "paths":
                super().savefig(fname, **options)
                return
            buffer = BytesIO()
            super().savefig(buffer, **{**options, "format": "svg"})
        text = _with_fonts(buffer.getvalue().decode("utf-8"), self.alt).encode("utf-8")
        if hasattr(fname, "write"):
            fname.write(text)
        else:
            Path(fname).write_bytes(text)

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=144)
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        """Return the figure as an image with its alternative text, for pages and notebooks."""
        from PIL import Image

        buffer, few = BytesIO(self._repr_png_()), BytesIO()
        Image.open(buffer).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
            few, "png", optimize=True
        )
        data = base64.b64encode(few.getvalue()).decode("ascii")
        wide = round(self.get_figwidth() * 96)
        image = f'<img src="data:image/png;base64,{data}" alt="{escape(self.alt)}" width="{wide}">'
        if not self.caption:
            return image
        below = f'<figcaption style="font-size:.85em">{escape(self.caption)}</figcaption>'
        return f'<figure style="margin:0">{image}{below}</figure>'


def _about(kind: str, alt: str) -> dict[str, Any]:
    """Return the metadata of a file: the alternative text, and no date."""
    kinds: dict[str, dict[str, Any]] = {
        "png": {"Description": alt},
        "pdf": {"CreationDate": None, "Subject": alt},
        "svg": {"Date": None, "Creator": None, "Description": alt},
    }
    return kinds.get(kind, {})


def _with_fonts(svg: str, alt: str) -> str:
    """Return an SVG file whose texts are drawn by the font inside it."""
    texts = [part for part in _TEXT.findall(svg) if part.strip()]
    used = "".join(texts)
    faces = [fonts.face(used, "Regular"), fonts.face(used, "Bold") if _BOLD.search(svg) else ""]
    style = "".join(face.replace(f'"{fonts.FAMILY}"', _FAMILY) for face in faces)
    head, _, rest = svg.partition("<defs>")
    return f"{head}<title>{escape(alt)}</title>\n <defs>\n  <style>{style}</style>{rest}"


def new(height_mm: float, /, *, width_mm: float = COLUMN_MM) -> Drawing:
    """Return an empty drawing of that size. Call it inside :func:`qstats.report.theme.theme`."""
    return Drawing(figsize=(width_mm / 25.4, height_mm / 25.4))
