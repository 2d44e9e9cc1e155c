"""Forecast fans: what was, what is expected, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import asked, formats
from qstats.report import drawing as draw
from qstats.report.figure import Drawing
from qstats.report.lines import all_periods, period_axis, runs
from qstats.report.theme import INK, look, palette

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LEVELS: Final = ("95", "80", "50")
_NEEDED: Final = tuple(f"{side}_{level}" for level in _LEVELS for side in ("low", "high"))


def fan(
    forecast: Estimate,
    /,
    *,
    history: Estimate | None = None,
    reference: float | None = None,
    reference_label: str | None = None,
    labels: Mapping[str, str] | None = None,
    digits: int | None = None,
    lang: str | None = None,
    height_mm: float = 82.0,
) -> Drawing:
    """Draw a forecast with its 50, 80 and 95 % limits, after the values it rests on.

    Parameters
    ----------
    forecast : Estimate
        Of :func:`qstats.forecast`, one series.
    history : Estimate, optional
        The values it was made from, of the same series; drawn with their intervals where these are known.
    reference : float, optional
        A horizontal line, for example a target.
    reference_label : str, optional
        Its name; by default 目标 (target).
    labels, digits, lang, height_mm
        As in :func:`qstats.report.lines.trend`.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. ``figure.alt`` is its alternative text.

    Raises
    ------
    DataError
        It has no limits of a forecast, there are several series, or the history is in another unit.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> from qstats.analysis.forecast import forecast
    >>> rate = published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    >>> fan(forecast(rate, horizon=1), history=rate, labels={"MQR": "合格率"}, lang="zh").alt
    '预测扇形图：合格率（%）。2024年实际93.93。2025年预测94.06，95%区间...'
    """
    asked.keys(forecast, ["period"], lang, figure="fan")
    ahead = _series(forecast, lang)
    asked.columns(ahead, _NEEDED, lang, figure="fan", source="qs.forecast(…)")
    past = ahead.iloc[:0] if history is None else _history(history, forecast, lang)
    axis = all_periods({*past["period"].astype(str), *ahead["period"].astype(str)})
    places = forecast.digits if digits is None else digits
    sources = [forecast] if history is None else [forecast, history]
    with draw.sheet(height_mm, sources, lang) as figure:
        axes = draw.room(figure, left=14, right=38, top=12, bottom=10)
        _value_axis(axes, past, ahead, reference, forecast.unit, lang, height_mm)
        period_axis(axes, axis, lang)
        at = {period: i for i, period in enumerate(axis)}
        _draw(
            axes,
            past.assign(x=past["period"].astype(str).map(at)),
            ahead.assign(x=ahead["period"].astype(str).map(at)),
        )
        line = reference_label or say("chart.target", lang)
        _label(axes, ahead, reference, line, places, lang, height_mm - 22)
        figure.alt = _say(past, ahead, draw.title_of(forecast, labels, lang), places, lang)
    return figure


def _series(estimate: Estimate, lang: str | None) -> pd.DataFrame:
    table = estimate.table
    asked.one_a_mark(table, estimate.keys, lang, figure="fan", shown=["period"])
    draw.require_numbers(table["estimate"], lang)
    return table


def _history(history: Estimate, forecast: Estimate, lang: str | None) -> pd.DataFrame:
    """Return the past of the series, without what is not before the forecast."""
    asked.keys(history, ["period"], lang, figure="fan")
    if history.unit != forecast.unit:
        raise DataError(say("figure.fan.unit", lang, past=history.unit, ahead=forecast.unit))
    same = {
        key: forecast.table[key].iloc[0] for key in forecast.keys if key != "period" and key in history.keys
    }
    rows = _series(history.where(**same) if same else history, lang)
    return rows[~rows["period"].isin(forecast.table["period"])]


def _value_axis(
    axes: Axes,
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    reference: float | None,
    unit: str,
    lang: str | None,
    height: float,
) -> None:
    parts = [past[["estimate", "conf_low", "conf_high"]], ahead[["estimate", *_NEEDED]]]
    values = np.concatenate([part.to_numpy(dtype=float).ravel() for part in parts])
    low, high = draw.limits(np.append(values, np.nan if reference is None else reference), pad=0.1)
    axes.set_ylim(low, high)
    marks = draw.ticks(low, high, count=max(int(height / 18), 2))
    axes.set_yticks(marks, [formats.number(m, digits=draw.tick_digits(marks), lang=lang) for m in marks])
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    draw.unit_note(axes, unit, lang, from_zero=low <= 0)


def _draw(axes: Axes, past: pd.DataFrame, ahead: pd.DataFrame) -> None:
    past, ahead = (part.sort_values("x") for part in (past, ahead))
    colour, known = palette()[0], past[past["estimate"].notna()]
    joint = (
        known.iloc[-1:] if len(known) and known["x"].iloc[-1] == ahead["x"].iloc[0] - 1 else known.iloc[:0]
    )
    start = joint["estimate"].to_numpy(dtype=float)
    x = np.concatenate([joint["x"], ahead["x"]]).astype(float)
    for level, shade in zip(_LEVELS, look().steps[:3], strict=True):
        low, high = (
            np.concatenate([start, ahead[f"{side}_{level}"].to_numpy(dtype=float)])
            for side in ("low", "high")
        )
        if len(x) == 1:
            axes.plot(
                [x[0]] * 2, [low[0], high[0]], color=shade, linewidth=7, solid_capstyle="butt", zorder=1
            )
        axes.fill_between(x, low, high, color=shade, linewidth=0, zorder=1)
        for edge in (low, high):
            axes.plot(x, edge, color=colour, linewidth=0.5, zorder=1.5)
    median = np.concatenate([start, ahead["estimate"].to_numpy(dtype=float)])
    axes.plot(x, median, color=colour, linestyle=(0, (4, 2)), linewidth=1.6, zorder=3)
    axes.plot(
        ahead["x"],
        ahead["estimate"],
        "o",
        color=colour,
        markerfacecolor="white",
        markeredgewidth=1.2,
        zorder=3,
    )
    values, at = past["estimate"].to_numpy(dtype=float), past["x"].to_numpy(dtype=float)
    ends = past[["conf_low", "conf_high"]].to_numpy(dtype=float)
    sure = np.isfinite(ends).all(axis=1)
    axes.vlines(at[sure], *ends[sure].T, color=colour, linewidth=1.0, alpha=0.6)
    whole = np.full(int(x.max()) + 1, np.nan)
    whole[at.astype(int)] = values
    for run in runs(np.isfinite(whole)):
        axes.plot(
            run, whole[run], color=colour, marker="o", markeredgecolor="white", markeredgewidth=0.8, zorder=3
        )


def _label(
    axes: Axes,
    ahead: pd.DataFrame,
    reference: float | None,
    line: str,
    digits: int,
    lang: str | None,
    height: float,
) -> None:
    """Write the last limits at the right, each as near its place as the others allow."""
    last = ahead.iloc[-1]
    texts = [
        (
            float(last["estimate"]),
            say("figure.fan.median", lang, value=formats.number(last["estimate"], digits=digits, lang=lang)),
            "bold",
        )
    ]
    for level in _LEVELS:
        for side in ("low", "high"):
            value = float(last[f"{side}_{level}"])
            said = formats.number(value, digits=digits, lang=lang)
            texts.append((value, say("figure.fan.limit", lang, level=level, value=said), "normal"))
    if reference is not None:
        axes.axhline(reference, color=palette()[4], linewidth=1.0, linestyle=(0, (1, 2)), zorder=2)
        texts.append((reference, f"{line} {formats.number(reference, digits=digits, lang=lang)}", "normal"))
    low, high = axes.get_ylim()
    at = draw.spread([value for value, *_ in texts], 4.2 / height * (high - low), low=low, high=high)
    for (_, text, weight), y in zip(texts, at, strict=True):
        draw.named(
            draw.write(
                axes,
                draw.fit(text, 33, 8),
                (1, y),
                over="row",
                shift=(6, 0),
                ha="left",
                size=8,
                weight=weight,
                color=INK,
            )
        )


def _say(past: pd.DataFrame, ahead: pd.DataFrame, title: str, digits: int, lang: str | None) -> str:
    def number(x: float) -> str:
        return formats.number(x, digits=digits, lang=lang)

    parts = [say("figure.alt.fan", lang, title=title)]
    known = past[past["estimate"].notna()]
    if len(known):
        row = known.iloc[-1]
        when = formats.period(str(row["period"]), lang=lang)
        parts.append(say("figure.alt.fan_past", lang, period=when, value=number(row["estimate"])))
    for row in ahead.to_dict("records"):
        span = formats.span(row["low_95"], row["high_95"], digits=digits, lang=lang)
        when = formats.period(str(row["period"]), lang=lang)
        parts.append(say("figure.alt.fan_step", lang, period=when, value=number(row["estimate"]), span=span))
    return "".join(parts).strip()
