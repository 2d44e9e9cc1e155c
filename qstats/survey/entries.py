"""Which cells enter which row of a result: domains, crossings and their margins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, nearest
from qstats.survey.cells import Cells

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: what a key says in the row of a margin
ALL: Final = "*"


class Entries(NamedTuple):
    """Which cell enters which row: E pairs, a cell being in its domain and in the margins."""

    labels: pd.DataFrame
    row: Index
    cell: Index

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def add(self, values: Array) -> Array:
        """Add up a column of the cells by row."""
        return np.asarray(np.bincount(self.row, values[self.cell], minlength=self.rows), float)


def entries_of(found: Cells, by: Sequence[str], *, margins: bool = False) -> Entries:
    """Return the rows of a result and which cells enter each."""
    for key in by:
        if key not in found.keys:
            near = nearest(key, found.keys)
            raise DataError(
                f"the cells have no key {key!r}; they have {', '.join(found.keys) or 'none'}"
                + (f". Did you mean {near!r}?" if near else "")
            )
    keys = tuple(by)
    if not margins:
        code, label = found.codes(keys)
        return Entries(label, code, np.arange(len(found)))
    sizes = range(len(keys), -1, -1)
    rows, labels, start = [], [], 0
    for size in sizes:
        for kept in combinations(keys, size):
            code, label = found.codes(kept)
            rows.append(code + start)
            labels.append(_labelled(label, kept, keys))
            start += len(label)
    cells = np.tile(np.arange(len(found)), len(rows))
    return Entries(pd.concat(labels, ignore_index=True), np.concatenate(rows).astype(np.intp), cells)


def _labelled(label: pd.DataFrame, kept: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    columns = {key: label[key].astype(object) if key in kept else ALL for key in keys}
    return pd.DataFrame(columns, index=range(len(label)))
