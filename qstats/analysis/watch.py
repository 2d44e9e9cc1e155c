"""The state of a monitor: all that the next period needs, as JSON."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis.phases import Kind, Spread, Standard
from qstats.analysis.signals import Grading
from qstats.errors import DataError
from qstats.messages import say

Array = NDArray[np.float64]
VERSION: Final = 1


class Charts(NamedTuple):
    """The charts of a monitor: Shewhart, EWMA and CUSUM of standardised points.

    By default each has an ARL₀ of about 370 points in control, with parameters known.
    """

    #: Shewhart limits, in standard deviations
    width: float = 3.0
    #: λ and L of the EWMA
    ewma_weight: float = 0.2
    ewma_width: float = 2.86
    #: k and h of the CUSUM, and where its sums begin (h/2 is fast initial response)
    reference: float = 0.5
    decision: float = 4.77
    headstart: float = 0.0


class Options(NamedTuple):
    """What a monitor was set up with."""

    kind: Kind
    spread: Spread
    charts: Charts
    fdr: float
    grading: Grading
    source: str
    direction: int
    gaps: str
    indicator: str
    unit: str
    scale: float
    #: waves of the season in the centre
    harmonics: int = 0


class Memory(NamedTuple):
    """What each series remembers, arrays of shape (series,)."""

    ewma: Array
    seen: Array
    upper: Array
    lower: Array
    since_upper: Array
    since_lower: Array
    #: direction of the signal that goes on (1: for the better, −1: for the worse, 0: none), and when it began
    running: Array
    first: NDArray[np.object_]


class Watch(NamedTuple):
    """A monitor between two periods."""

    options: Options
    keys: pd.DataFrame
    standard: Standard
    memory: Memory
    last: str


def begin(series: int, charts: Charts) -> Memory:
    """Return the memory of series that have seen nothing yet."""
    zero, start = np.zeros(series), np.full(series, float(charts.headstart))
    return Memory(zero, zero, start, start, zero, zero, zero, np.full(series, "", object))


def dump(watch: Watch) -> str:
    """Return the state as JSON; floats keep every digit."""
    series = []
    columns = {**watch.standard._asdict(), **watch.memory._asdict()}
    for i in range(len(watch.keys)):
        row = {"keys": [str(v) for v in watch.keys.iloc[i]]}
        series.append(row | {name: _plain(values[i]) for name, values in columns.items()})
    options = watch.options._asdict()
    options |= {"charts": watch.options.charts._asdict(), "grading": watch.options.grading._asdict()}
    text = {
        "qstats_monitor": VERSION,
        "options": options,
        "keys": [str(c) for c in watch.keys.columns],
        "last": watch.last,
        "series": series,
    }
    return json.dumps(text, ensure_ascii=False, allow_nan=False)


def restore(state: str, lang: str | None = None) -> Watch:
    """Return the monitor that a state describes.

    Raises
    ------
    DataError
        The text is no state of a monitor, or of another version.
    """
    try:
        given: dict[str, Any] = json.loads(state)
        if given["qstats_monitor"] != VERSION:
            raise DataError(say("monitor.state", lang, reason=f"version {given['qstats_monitor']}"))
        options = dict(given["options"])
        options |= {"charts": Charts(**options["charts"]), "grading": Grading(**options["grading"])}
        rows = given["series"]
        keys = pd.DataFrame([row["keys"] for row in rows], columns=given["keys"])
        if not given["keys"]:
            keys = pd.DataFrame(index=range(len(rows)))
        plain = {name: _column(rows, name) for name in Standard._fields if name != "waves"}
        held = Standard(**plain, waves=_waves(rows))
        memory = Memory(*(_column(rows, name) for name in Memory._fields))
        return Watch(Options(**options), keys, held, memory, given["last"])
    except (ValueError, KeyError, TypeError) as reason:
        raise DataError(say("monitor.state", lang, reason=f"{type(reason).__name__}: {reason}")) from reason


def _column(rows: list[dict[str, Any]], name: str) -> Any:
    values = [row[name] for row in rows]
    if name == "first":
        return np.array(values, dtype=object)
    return np.array([math.nan if v is None else float(v) for v in values])


def _waves(rows: list[dict[str, Any]]) -> Array:
    """Return the waves of the season; a state from before there were any has none."""
    return np.array([row.get("waves", []) for row in rows], float).reshape(len(rows), -1)


def _plain(value: Any) -> float | str | list[float] | None:
    if isinstance(value, np.ndarray):
        return [float(v) for v in value]
    if isinstance(value, str):
        return value
    return None if math.isnan(value) else float(value)
