"""A table as it was read from a file, and where in the file each cell stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Reading(NamedTuple):
    """A table as read, before it is understood: all text.

    Attributes
    ----------
    table : pandas.DataFrame
        Every cell as text, None where empty.
    lines : list of int
        The row of the file that each row came from, as a spreadsheet numbers it.
    notes : list of str
        What was done to read it (encoding, skipped titles, merged cells).
    merged : set of (int, str)
        Cells (position in `table`, column) whose value was copied from a merged cell or from above.
    seen : pandas.DataFrame
        What was understood and what was left out: ``sheet, row, what, text, why``.
    sheets : list of str
        The sheet that each row came from; empty for a text file.
    letters : dict of (str, str) → str
        By sheet and column of `table`, the letter that a spreadsheet gives the column.
    """

    table: pd.DataFrame
    lines: list[int]
    notes: list[str]
    merged: set[tuple[int, str]]
    seen: pd.DataFrame
    sheets: list[str]
    letters: Mapping[tuple[str, str], str] = MappingProxyType({})


class Part(NamedTuple):
    """One sheet, understood; `seen` are its lines of the preview, `letters` those of its columns."""

    table: pd.DataFrame
    lines: list[int]
    notes: list[str]
    merged: set[tuple[int, str]]
    seen: list[Seen]
    letters: dict[str, str]


class Seen(NamedTuple):
    """A line of the preview."""

    sheet: str
    row: int | None
    what: str
    text: str
    why: str


def letter(at: int, /) -> str:
    """Return how a spreadsheet calls a column, counted from 0.

    Examples
    --------
    >>> [letter(at) for at in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    name, at = "", at + 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
