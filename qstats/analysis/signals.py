"""Signals: when, how large, on what evidence, how grave, from which source, and what is to be done."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, OptionError, one_of
from qstats.messages import language, say

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Source = Literal[
    "complaint", "enforcement", "monitoring", "laboratory", "media", "overseas", "domestic", "referral"
]
#: the eight classes of risk information by where it comes from: complaints, enforcement and supervision,
#: active monitoring, laboratories, media, notices from abroad, notices at home, matters handed over
SOURCES: Final = (
    "complaint",
    "enforcement",
    "monitoring",
    "laboratory",
    "media",
    "overseas",
    "domestic",
    "referral",
)
CHARTS: Final = ("shewhart", "ewma", "cusum")


class Grading(NamedTuple):
    """From where on a signal for the worse is of grade I or II; a convention of this library.

    The official grades (I at once and across departments, II within a set time, III to be studied) weigh harm
    to people, which no chart knows: a grade here says how strong and how large the evidence is, and people
    decide.
    """

    #: times as frequent as in phase I, on two charts or more
    ratio_1: float = 2.0
    z_1: float = 6.0
    ratio_2: float = 1.5
    z_2: float = 4.0


def grades(worse: Mask, z: Array, ratio: Array, charts: Array, rule: Grading) -> NDArray[np.object_]:
    """Return the grade of each signal, empty for the better.

    Parameters
    ----------
    worse : ndarray of bool
    z, ratio : ndarray
        Distance of the point in standard deviations; how many times as frequent failures are (NaN: unknown).
    charts : ndarray
        Number of charts that signal.
    rule : Grading
    """
    with np.errstate(invalid="ignore"):
        first = ((ratio >= rule.ratio_1) & (charts >= 2)) | (np.abs(z) >= rule.z_1)
        second = (charts >= 2) | (ratio >= rule.ratio_2) | (np.abs(z) >= rule.z_2)
    return np.select([~worse, first, second], ["", "I", "II"], default="III").astype(object)


def handling(grade: object, direction: object, lang: str | None) -> str:
    """Return what a signal of this grade suggests to do."""
    return say(f"monitor.handle.{grade or 'better'}", lang) if direction else ""


def episodes(signals: pd.DataFrame, /, *, lang: str | None = None) -> pd.DataFrame:
    """Return one row an episode: consecutive signals of one series in one direction.

    Parameters
    ----------
    signals : DataFrame
        Signals of :func:`qstats.analysis.monitor.monitor`, of one or several calls, of one unit.
    lang : {"zh", "en"}, optional
        Language of the handling.

    Returns
    -------
    DataFrame
        The keys of the series, ``first, last`` (periods), ``points`` (signals), ``began`` (earliest onset
        that a CUSUM suggests), ``direction``, ``grade`` (the gravest), ``source``, ``charts`` (all that
        signalled), ``size, ratio, z`` of the point farthest from the centre, ``q`` (the least) and
        ``handling``; the gravest first, then by z.

    Raises
    ------
    DataError
        A column of signals is missing.

    Examples
    --------
    >>> from qstats.analysis.monitor import monitor
    >>> from qstats.datasets import published
    >>> months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    >>> alerts = published("RAPEX_notifications_monthly").where(period=months)
    >>> found = monitor(alerts, baseline="2013M12", kind="c", direction=-1)
    >>> episodes(found.signals)[["first", "last", "direction"]].values.tolist()
    [['2014M12', '2015M01', 'worse']]
    """
    if not isinstance(signals, pd.DataFrame):
        raise OptionError(f"signals is a {type(signals).__name__}, not the table `signals` of a monitor")
    language(lang)
    needed = ["period", "first", "began", "direction", "grade", "source", "charts", "size", "ratio", "z", "q"]
    missing = [c for c in needed if c not in signals]
    if missing:
        raise DataError(say("monitor.no_signals", lang, columns=", ".join(missing)))
    keys = [str(c) for c in signals.columns[: list(signals.columns).index("period")]]
    rows = []
    for _, run in signals.groupby([*keys, "first", "direction"], sort=False, dropna=False):
        peak = run.loc[run["z"].abs().idxmax()]
        grade = min((g for g in run["grade"] if g), key=len, default="")
        charts = {name for names in run["charts"] for name in names.split("+")}
        rows.append(
            {**{key: peak[key] for key in keys}, "first": peak["first"], "last": run["period"].iloc[-1]}
            | {"points": len(run), "began": run["began"].iloc[0], "direction": peak["direction"]}
            | {"grade": grade, "source": peak["source"]}
            | {"charts": "+".join(name for name in CHARTS if name in charts)}
            | {c: peak[c] for c in ("size", "ratio", "z")}
            | {"q": run["q"].min(), "handling": handling(grade, peak["direction"], lang)}
        )
    columns = [*keys, "first", "last", "points", *needed[2:], "handling"]
    found = pd.DataFrame(rows, columns=columns)
    order = found["grade"].map({"I": 0, "II": 1, "III": 2}).fillna(3)
    return (
        found.assign(_o=order, _z=-found["z"].abs())
        .sort_values(["_o", "_z"], kind="stable")[columns]
        .reset_index(drop=True)
    )


def check_source(source: str | None) -> str:
    """Return the source class, empty where none is named."""
    if source is not None:
        one_of("source", source, SOURCES)
    return source or ""
