"""An Estimate with periods as arrays: one row a series, one column a period."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import given
from qstats.analysis.phases import COUNTED, KINDS, Kind
from qstats.errors import DataError, OptionError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.count_regression import seasonal_regressors

Array = NDArray[np.float64]


class Series(NamedTuple):
    """Series of one length, and what their points are in the unit of the estimate."""

    keys: pd.DataFrame
    periods: list[str]
    x: Array
    n: Array
    kind: Kind
    #: value in the unit of the estimate = scale × x/n
    scale: float

    def part(self, columns: slice) -> Series:
        """Return the same series over some of the periods."""
        return self._replace(periods=self.periods[columns], x=self.x[:, columns], n=self.n[:, columns])

    def season(self, harmonics: int) -> Array:
        """Return the waves of the season at each period, shape (T, waves)."""
        if not harmonics or not self.periods:
            return np.zeros((len(self.periods), 0))
        placed = [periods.sort_key(p) for p in self.periods]
        a_year = periods.PER_YEAR[placed[0][1]]
        place = [number - 1 for _, _, number, _ in placed]
        return seasonal_regressors(place, season=a_year, harmonics=harmonics)[:, 1:]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Series:
        """Return some of the series."""
        return self._replace(keys=self.keys[rows].reset_index(drop=True), x=self.x[rows], n=self.n[rows])


def series(
    estimate: Estimate, kind: Kind | None, *, gaps: str, after: str | None, lang: str | None
) -> Series:
    """Return the series of an estimate, in order of time.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; its other keys name the series.
    kind : optional
        What the points are; derived from counts where they are given.
    gaps : {"raise", "skip"}
        A missing point: refuse, or leave it out.
    after : str, optional
        The last period of what was seen before: points up to it are refused, and the first new one follows
        it.
    lang : {"zh", "en"}, optional

    Raises
    ------
    DataError
        No key ``period``, several frequencies, a gap, a period seen before, values that are no counts.
    """
    given.one(estimate, lang)
    if "period" not in estimate.keys:
        raise DataError(say("monitor.no_period", lang, keys=", ".join(estimate.keys) or "—"))
    table = estimate.table
    kind = _kind(estimate, table, kind, lang)
    times = _span(sorted(set(table["period"]), key=periods.sort_key), after, lang)
    keys = [key for key in estimate.keys if key != "period"]
    named = table[keys].drop_duplicates().reset_index(drop=True) if keys else pd.DataFrame(index=[0])
    row = np.zeros(len(table), int)
    if keys:
        named = named.sort_values(keys, kind="stable").reset_index(drop=True)
        row = pd.MultiIndex.from_frame(named).get_indexer(pd.MultiIndex.from_frame(table[keys]))
    column = table["period"].map({t: i for i, t in enumerate(times)}).to_numpy(int)
    x, n = _points(table, kind, lang)
    found = [np.full((len(named), len(times)), np.nan) for _ in range(2)]
    found[0][row, column], found[1][row, column] = x, n
    if gaps == "raise":
        _refuse_gaps(found[0], found[1], named, times, lang)
    return Series(named, times, found[0], found[1], kind, _scale(estimate, kind))


def _kind(estimate: Estimate, table: pd.DataFrame, kind: Kind | None, lang: str | None) -> Kind:
    counted = {"numerator", "denominator"} <= set(table.columns)
    if kind is None:
        if not counted:
            raise OptionError(say("monitor.kind", lang))
        return "p" if estimate.unit == "%" else "u"
    one_of("kind", kind, KINDS)
    if kind in ("p", "u") and not counted:
        raise DataError(say("monitor.no_counts", lang, kind=kind))
    return kind


def _points(table: pd.DataFrame, kind: Kind, lang: str | None) -> tuple[Array, Array]:
    if kind in ("p", "u"):
        x, n = (table[c].to_numpy(float) for c in ("numerator", "denominator"))
    else:
        x = table["estimate"].to_numpy(float)
        n = np.where(np.isnan(x), np.nan, 1.0)
    whole = (x, n) if kind == "p" else (x,) if kind in (*COUNTED, "g") else ()
    low = np.nanmin(x, initial=0.0)
    broken = [v for part in whole for v in part[(np.abs(part - np.rint(part)) > 1e-6)][:1]]
    if broken or (kind != "value" and low < 0):
        raise DataError(say("monitor.counts", lang, kind=kind, value=(broken or [low])[0]))
    return x, n


def _scale(estimate: Estimate, kind: Kind) -> float:
    if kind not in ("p", "u"):
        return 1.0
    if estimate.unit == "%":
        return 100.0
    return float(estimate.unit[4:].replace(",", "")) if estimate.unit.startswith("per ") else 1.0


def _span(times: list[str], after: str | None, lang: str | None) -> list[str]:
    """Return every period from the first to the last, or raise."""
    if not times:
        raise DataError(say("monitor.empty", lang))
    first, last = times[0], times[-1]
    if after is not None:
        if periods.sort_key(first) <= periods.sort_key(after):
            raise DataError(say("monitor.seen", lang, period=first, last=after))
        first = after
    chain = [last]
    while chain[-1] != first:
        before = periods.previous(chain[-1])
        if before is None or len(before) != len(last) or periods.sort_key(before) < periods.sort_key(first):
            raise DataError(say("monitor.frequency", lang, first=first, last=last))
        chain.append(before)
    full = chain[::-1][1:] if after is not None else chain[::-1]
    strange = sorted(set(times) - set(full), key=periods.sort_key)
    if strange:
        raise DataError(say("monitor.frequency", lang, first=strange[0], last=last))
    return full


def _refuse_gaps(x: Array, n: Array, named: pd.DataFrame, times: list[str], lang: str | None) -> None:
    gone = np.isnan(x) | ~(n > 0)
    if gone.any():
        row, column = (int(i) for i in np.argwhere(gone)[0])
        at = ", ".join(f"{k}={v}" for k, v in named.iloc[row].items()) or "—"
        raise DataError(say("monitor.gap", lang, count=int(gone.sum()), series=at, period=times[column]))
