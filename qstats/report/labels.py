"""Names beside points, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from qstats.report import drawing as draw
from qstats.report.theme import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: directions in which a name may stand, the most usual first
_WAYS: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_DISTANCES: Final = (1.6, 3.2, 6.0, 10.0, 15.0)


class Box(NamedTuple):
    """A rectangle in millimetres from the lower left corner of the figure."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Return whether the two have an area in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def away(self, points: np.ndarray) -> np.ndarray:
        """Return how far points, shape (points, 2), are from the rectangle."""
        low, high = np.array([self.left, self.bottom]), np.array([self.right, self.top])
        return np.asarray(np.hypot(*np.maximum(np.maximum(low - points, points - high), 0).T))

    def inside(self, other: Box) -> bool:
        """Return whether this one lies within the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


def place_mm(axes: Axes, x: Sequence[float], y: Sequence[float], /) -> np.ndarray:
    """Return where points of the data stand, in millimetres; the limits must have been set."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return np.asarray(axes.transData.transform(np.column_stack([x, y])) * 25.4 / figure.dpi)


def frame_mm(axes: Axes, /) -> Box:
    """Return where the axes stand."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = (inch * 25.4 for inch in figure.get_size_inches())
    at = axes.get_position()
    return Box(at.x0 * width, at.y0 * height, at.x1 * width, at.y1 * height)


def strokes(axes: Axes, lines: Sequence[tuple[float, float, float, float]], /) -> list[Box]:
    """Return the room that level and upright lines (x0, y0, x1, y1 of the data) take."""
    found = []
    for x0, y0, x1, y1 in lines:
        (a, b), (c, d) = place_mm(axes, [x0, x1], [y0, y1])
        found.append(Box(min(a, c) - 0.3, min(b, d) - 0.3, max(a, c) + 0.3, max(b, d) + 0.3))
    return found


def box(text: str, centre: tuple[float, float], points: float, /, pad: float = 0.25) -> Box:
    """Return the room that a text takes around a centre."""
    lines = text.split("\n")
    half = max(draw.width_mm(line, points) for line in lines) / 2 + pad
    up = len(lines) * points * draw.MM_PER_POINT * 0.62 + pad
    return Box(centre[0] - half, centre[1] - up, centre[0] + half, centre[1] + up)


def beside_points(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    texts: Sequence[str],
    /,
    *,
    taken: Sequence[Box] = (),
    size: float = 8.0,
    radius: float = 1.0,
    color: str = INK,
) -> list[int]:
    """Write texts beside their points so that none lies on another, a point or what is taken.

    The first texts have the first choice. A text that stands apart gets a thin line to its point. One
    that finds no room is left out.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With its limits set.
    x, y : ndarray, shape (points,)
        All points; the first ``len(texts)`` of them are named.
    texts : sequence of str
        An empty one is no name.
    taken : sequence of Box
        Where nothing may be written.
    size : float
        In points.
    radius : float
        Of the marks, in millimetres.
    color : str

    Returns
    -------
    list of int
        Which texts have been written.
    """
    points, frame = place_mm(axes, list(x), list(y)), frame_mm(axes)
    marks = [Box(a - radius, b - radius, a + radius, b + radius) for a, b in points]
    busy, written = [*taken, *marks], []
    for i, text in enumerate(texts):
        found = _room(text, points, i, size, radius, frame, busy) if text else None
        if found is None:
            continue
        busy.append(box(text, (float(found[0]), float(found[1])), size))
        written.append(i)
        shift = tuple((found - points[i]) / draw.MM_PER_POINT)
        name = draw.write(
            axes, text, (float(x[i]), float(y[i])), shift=(shift[0], shift[1]), size=size, color=color
        )
        draw.named(name).set_zorder(5)
        if busy[-1].away(points[i : i + 1])[0] > radius + 1.9:
            _lead(axes, points[i], busy[-1], radius)
    return written


def _room(
    text: str, points: np.ndarray, at: int, size: float, radius: float, frame: Box, busy: Sequence[Box]
) -> np.ndarray | None:
    """Return the first centre near the point where the text fits, or None.

    Where another point is nearer to the text than its own, a reader would take it for that one's name: such
    a place is taken only when there is no other.
    """
    point, second = points[at], None
    own = box(text, (0.0, 0.0), size)
    for distance in _DISTANCES:
        for across, up in _WAYS:
            slant = 0.75 if across and up else 1.0
            centre = point + np.array(
                [
                    across * (own.right + radius + distance * slant),
                    up * (own.top + radius * 0.6 + distance * slant * 0.7),
                ]
            )
            if across and up:
                centre[0] -= across * own.right * 0.4 * (distance < 4)
            wanted = box(text, (float(centre[0]), float(centre[1])), size)
            if wanted.inside(frame) and not any(wanted.meets(other) for other in busy):
                away = wanted.away(points)
                if away[at] <= np.delete(away, at).min(initial=np.inf) - 0.5:
                    return np.asarray(centre)
                second = np.asarray(centre) if second is None else second
    return second


def _lead(axes: Axes, point: np.ndarray, at: Box, radius: float) -> None:
    """Draw a thin line from a point to the nearest edge of its name."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    end = np.array([np.clip(point[0], at.left, at.right), np.clip(point[1], at.bottom, at.top)])
    way = end - point
    start = point + way * min(1.0, (radius + 0.4) / max(float(np.hypot(*way)), 1e-9))
    data = axes.transData.inverted().transform(np.array([start, end]) * figure.dpi / 25.4)
    axes.plot(data[:, 0], data[:, 1], color=MUTED, linewidth=0.5, marker="", zorder=2)
