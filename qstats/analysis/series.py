"""From an Estimate to its series in time: one a combination of the other keys, every step the same."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qstats import periods
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import say

Array = NDArray[np.float64]
Gaps = Literal["refuse", "skip"]

_KIND: Final = {per: kind for kind, per in periods.PER_YEAR.items()}


class Series(NamedTuple):
    """One series, in order of time.

    Attributes
    ----------
    name : tuple of str
        Values of the other keys.
    per_year : int
        1, 2, 4 or 12.
    at : ndarray of int
        Number of the period, rising by 1 where there is no gap.
    y, std_error : ndarray
    rows : ndarray of int
        Where they stand in the Estimate.
    """

    name: tuple[str, ...]
    per_year: int
    at: NDArray[np.intp]
    y: Array
    std_error: Array
    rows: NDArray[np.intp]

    @property
    def title(self) -> str:
        """The values of the other keys in one text; a dash where there are none."""
        return ", ".join(self.name) or "—"

    @property
    def labels(self) -> list[str]:
        """The periods."""
        return [label(int(number), self.per_year) for number in self.at]


def label(number: int, per_year: int) -> str:
    """Return the period of this number: 8092 of quarters is 2023Q1."""
    year, part = divmod(number, per_year)
    kind = _KIND[per_year]
    return f"{year}{kind}{part + 1:0{2 if kind == 'M' else 1}}" if kind else str(year)


def series_of(
    estimate: Estimate, /, *, need: int, what: str, gaps: Gaps = "refuse", lang: str | None = None
) -> list[Series]:
    """Return the series of an Estimate.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``.
    need : int
        Fewest values of a series; fewer are refused and the number needed is said.
    what : str
        What needs them, for the message.
    gaps : {"refuse", "skip"}
        A period without value inside a series: refuse, or leave it out and keep its time.
    lang : {"zh", "en"}, optional

    Raises
    ------
    DataError
        No key ``period``, periods of several lengths or without a place in time, the same period twice,
        gaps, or too few values; the series is named.
    """
    one_of("gaps", gaps, ("refuse", "skip"))
    if not len(estimate):
        raise DataError(f"{what}: the estimate has no rows")
    if "period" not in estimate.keys:
        raise DataError(say("change.no_period", lang, keys=", ".join(estimate.keys) or "—"))
    others = [key for key in estimate.keys if key != "period"]
    table = estimate.table
    names = list(zip(*(table[key] for key in others), strict=True)) if others else [()] * len(table)
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, name in enumerate(names):
        groups.setdefault(tuple(map(str, name)), []).append(row)
    y, se = table["estimate"].to_numpy(), table["std_error"].to_numpy()
    texts = table["period"].tolist()
    placed = {text: periods.sort_key(periods.normalise(text) or text) for text in set(texts)}
    found = []
    for name, at in groups.items():
        rows = np.asarray(at, np.intp)
        said = ", ".join(name) or estimate.indicator
        per_year, number = _numbered([texts[row] for row in at], placed, said, lang)
        order = np.argsort(number, kind="stable")
        rows, number = rows[order], number[order]
        seen = ~np.isnan(y[rows])
        rows, number = rows[seen], number[seen]
        _check(number, per_year, said, need, what, gaps, lang)
        found.append(Series(name, per_year, number, y[rows], se[rows], rows))
    return found


def _numbered(
    labels: list[str], placed: dict[str, tuple[int, str, int, str]], said: str, lang: str | None
) -> tuple[int, NDArray[np.intp]]:
    parts = [placed[text] for text in labels]
    kinds = {part[1] for part in parts}
    if not kinds <= set(periods.PER_YEAR):
        unknown = next(
            text for text, part in zip(labels, parts, strict=True) if part[1] not in periods.PER_YEAR
        )
        raise DataError(say("series.no_time", lang, series=said, period=unknown))
    if len(kinds) > 1:
        first = {part[1]: text for text, part in zip(labels, parts, strict=True)}
        raise DataError(say("series.mixed", lang, series=said, periods=", ".join(sorted(first.values()))))
    per_year = periods.PER_YEAR[kinds.pop()]
    number = np.array([year * per_year + place - 1 for year, _, place, _ in parts], np.intp)
    if np.unique(number).size < number.size:
        twice = label(int(np.sort(number)[np.flatnonzero(np.diff(np.sort(number)) == 0)[0]]), per_year)
        raise DataError(say("series.twice", lang, series=said, period=twice))
    return per_year, number


def _check(
    number: NDArray[np.intp], per_year: int, said: str, need: int, what: str, gaps: Gaps, lang: str | None
) -> None:
    if number.size < need:
        raise DataError(say("series.short", lang, series=said, count=number.size, what=what, need=need))
    absent = sorted(set(range(int(number[0]), int(number[-1]) + 1)) - set(number.tolist()))
    if absent and gaps == "refuse":
        some = ", ".join(label(n, per_year) for n in absent[:6]) + (" …" if len(absent) > 6 else "")
        raise DataError(say("series.gaps", lang, series=said, periods=some))
