"""What the tests of figures share: small data, and the boxes of texts as the renderer places them."""

import numpy as np
import pandas as pd
from matplotlib.text import Annotation, Text

from qstats.estimate import Estimate

NAN = float("nan")
HOSTILE = (
    "<script>alert(1)</script>",
    "很长的名字" * 40,
    "long name " * 20,
    "\u202egnp.x\u202c عربي",
    r"$\frac{1}{2}$ & _x_",
)


def estimate(rows, keys, *, unit="%", indicator="合格率", intervals=True, simulated=False, **more):
    """Return an Estimate of (keys…, value) with ±1 around each value, or without intervals."""
    table = pd.DataFrame([row[:-1] for row in rows], columns=keys, dtype=object)
    value = np.array([row[-1] for row in rows], dtype=float)
    table["estimate"] = value
    table["std_error"] = 0.5 if intervals else NAN
    table["conf_low"] = value - 1 if intervals else NAN
    table["conf_high"] = value + 1 if intervals else NAN
    table["n"] = 100
    table = table.assign(**more)
    provenance = ["simulated:inspections seed=1"] if simulated else ["published:mqr"]
    return Estimate(table, indicator=indicator, unit=unit, method="test", provenance=provenance)


def texts(figure):
    """Return every text that is drawn, with its box in pixels."""
    renderer = (
        figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else figure._get_renderer()
    )
    figure.draw(renderer)
    found = []
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            box = Text.get_window_extent(text, renderer) if isinstance(text, Annotation) else None
            found.append((text.get_text(), box or text.get_window_extent(renderer)))
    return found


def overlaps(figure, slack=1.0):
    """Return the pairs of texts whose boxes have more than `slack` pixels in common either way."""
    found, pairs = texts(figure), []
    for i, (one, a) in enumerate(found):
        for other, b in found[i + 1 :]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            up = min(a.y1, b.y1) - max(a.y0, b.y0)
            if across > slack and up > slack:
                pairs.append((one, other, round(across, 1), round(up, 1)))
    return pairs


def outside(figure, slack=1.5):
    """Return the texts that leave the figure."""
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text
        for text, box in texts(figure)
        if box.x0 < -slack or box.y0 < -slack or box.x1 > width + slack or box.y1 > height + slack
    ]


def lines_of(figure, marker=None):
    """Return the (x, y) data of lines, those with this marker if one is given."""
    return [
        np.column_stack(line.get_data())
        for axes in figure.axes
        for line in axes.get_lines()
        if marker is None or line.get_marker() == marker
    ]


def segments(figure):
    """Return the ends of all straight strokes drawn by hlines and vlines, shape (strokes, 2, 2)."""
    from matplotlib.collections import LineCollection

    found = [
        np.asarray(s)
        for axes in figure.axes
        for c in axes.collections
        if isinstance(c, LineCollection)
        for s in c.get_segments()
    ]
    return np.array(found) if found else np.zeros((0, 2, 2))
