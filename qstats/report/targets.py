"""Values against their targets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from qstats.errors import DataError, one_of
from qstats.messages import language, say
from qstats.report import drawing as draw
from qstats.report import formats
from qstats.report.figure import Drawing
from qstats.report.theme import INK, MUTED, PALE, RULE, palette
from qstats.report.words import unit_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: answers to "was the target met?", with the marker and colour that go with the words
TARGET_STATUS: Final = {
    "met": ("o", "#1E7B4F"),
    "near": ("D", "#F46A25"),
    "not met": ("v", "#B3131B"),
    "no data": ("", MUTED),
}
_OPERATORS: Final = {">=": "≥", "<=": "≤", ">": "＞", "<": "＜", "=": "＝", "rank<=": "≤"}
_TARGET_COLUMNS: Final = ("indicator", "value", "target", "operator", "unit", "status")


def target_bullets(
    table: pd.DataFrame,
    /,
    *,
    labels: Mapping[str, str] | None = None,
    digits: int = 2,
    simulated: bool = False,
    lang: str | None = None,
) -> Drawing:
    """Draw each value as a bar from zero and its target as a line across it.

    Each row has its own scale: percentages of 50 and more run to 100, all else to a
    little beyond the larger of value and target. What the reader needs is in words beside it.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`qstats.targets`; or a row a target: ``indicator``, ``value`` (NaN without data), ``target``,
        ``operator`` (``>=``, ``<=``, ``>``, ``<``, ``=``, ``rank<=``), ``unit``, ``status`` (``met``,
        ``near``, ``not met``, ``no data``); optionally ``digits``, decimals of that row.
    labels : mapping, optional
        Printed names of the indicators.
    digits : int
        Decimals of rows without their own.
    simulated : bool
        Whether a value descends from simulated data.
    lang : {"zh", "en"}, optional
        Language.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        A column is missing, the table is empty, or a row says ``met`` without a value.
    OptionError
        An operator or status does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"indicator": ["合格率"], "value": [93.93], "target": [94], "operator": [">="],
    ...                       "unit": ["%"], "status": ["near"]})
    >>> target_bullets(table, lang="zh").alt
    '目标完成情况图：1项目标，达到0项，接近1项，未达到0项，无数据0项。合格率93.93%，目标≥94.00%，接近。'
    """
    rows = _target_rows(_adopted(table, lang), labels, digits, lang)
    with draw.sheet(len(rows) * 9.0 + 14, simulated, lang) as figure:
        axes = draw.room(figure, left=54, right=60, top=9, bottom=3, frame=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        _target_head(axes, lang)
        for at, row in enumerate(rows):
            _draw_bullet(axes, at, row)
        figure.alt = _say_targets(rows, lang)
    return figure


def _adopted(table: pd.DataFrame, lang: str | None) -> pd.DataFrame:
    """Give a table of :func:`qstats.targets` the columns that are drawn."""
    if "indicator" in table or not {"code", "estimate"} <= set(table.columns):
        return table
    named = table.get(f"indicator_{language(lang)}", table["code"])
    return table.assign(indicator=named, value=table["estimate"])


def _target_rows(
    table: pd.DataFrame, labels: Mapping[str, str] | None, digits: int, lang: str | None
) -> list[dict[str, Any]]:
    if lost := [column for column in _TARGET_COLUMNS if column not in table.columns]:
        said = {"columns": ", ".join(_TARGET_COLUMNS), "lost": ", ".join(lost)}
        raise DataError(say("figure.columns", lang, figure="targets", source="qs.targets(…)", **said))
    if table.empty:
        raise DataError(say("figure.empty", lang, figure="targets"))
    rows = []
    for row in table.to_dict("records"):
        one_of("operator", row["operator"], tuple(_OPERATORS))
        one_of("status", row["status"], tuple(TARGET_STATUS))
        value, target = float(row["value"]), float(row["target"])
        if np.isfinite(value) == (row["status"] == "no data") or not np.isfinite(target):
            odd: dict[str, Any] = {
                "name": row["indicator"],
                "value": value,
                "target": target,
                "status": row["status"],
            }
            raise DataError(say("figure.targets.disagree", lang, **odd))
        places = row.get("digits", digits)
        unit = "" if row["operator"] == "rank<=" else unit_name(str(row["unit"]), lang)
        low, high = _scale(np.array([value, target]), unit)
        write = partial(formats.with_unit, digits=int(digits if pd.isna(places) else places), lang=lang)
        rows.append(
            {
                "label": draw.label_of(row["indicator"], lang=lang, labels=labels),
                "bar": ((0 - low) / (high - low), (value - low) / (high - low)),
                "mark": (target - low) / (high - low),
                "value": write(value, unit) if np.isfinite(value) else say("chart.no_data", lang),
                "target": _OPERATORS[row["operator"]] + write(target, unit),
                "status": row["status"],
                "words": say(f"chart.status.{row['status'].replace(' ', '_')}", lang),
            }
        )
    return rows


def _scale(numbers: np.ndarray, unit: str) -> tuple[float, float]:
    """Return the ends of a row's scale: 100 for percentages that use it, else a little beyond all."""
    low, high = min(0.0, 1.1 * float(np.nanmin(numbers))), max(0.0, float(np.nanmax(numbers)))
    if unit == "%" and 50 <= high <= 100:
        return low, 100.0
    return low, 1.1 * high or -low * 0.1 or 1.0


def _target_head(axes: Axes, lang: str | None) -> None:
    for x, key in ((18, "chart.value"), (38, "chart.target"), (41.5, "chart.outcome")):
        side = "left" if key == "chart.outcome" else "right"
        draw.beside(axes, -0.72, x, say(key, lang), ha=side, size=8, color=MUTED)


def _draw_bullet(axes: Axes, at: int, row: dict[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    marker, colour = TARGET_STATUS[row["status"]]
    wide = draw.plot_mm(axes)
    axes.axhline(at + 0.5, -52 / wide, 1 + 58 / wide, color=RULE, linewidth=0.5, clip_on=False)
    axes.add_patch(Rectangle((0, at - 0.22), 1, 0.44, facecolor=PALE, linewidth=0))
    if row["status"] != "no data":
        zero, end = row["bar"]
        axes.add_patch(Rectangle((zero, at - 0.13), end - zero, 0.26, facecolor=palette()[0], linewidth=0))
    across = [at - 0.3, at + 0.3]
    axes.plot([row["mark"]] * 2, across, color=INK, linewidth=2.0, solid_capstyle="butt", clip_on=False)
    draw.named(draw.beside(axes, at, -52, draw.wrap(row["label"], 49, 8.5), ha="left"))
    draw.beside(axes, at, 18, row["value"], ha="right")
    draw.beside(axes, at, 38, row["target"], ha="right", color=MUTED)
    if marker:
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "clip_on": False}
        axes.plot([1 + 43 / wide], [at], marker=marker, color=colour, markersize=6, linestyle="none", **place)
    draw.beside(axes, at, 45.5, row["words"], ha="left")


def _say_targets(rows: list[dict[str, Any]], lang: str | None) -> str:
    counts = {status.replace(" ", "_"): sum(r["status"] == status for r in rows) for status in TARGET_STATUS}
    parts = [say("chart.alt.targets", lang, count=len(rows), **counts)]
    parts += [
        say("chart.alt.target", lang, **{k: row[k] for k in ("label", "value", "target", "words")})
        for row in rows
    ]
    return "".join(parts).strip()
