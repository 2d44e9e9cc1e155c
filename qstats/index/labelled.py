"""Tables with labels and the arrays of the formulas: there and back."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, nearest, real_number

Table: TypeAlias = pd.DataFrame | pd.Series
#: one number for all indicators, or numbers by their names
Each: TypeAlias = float | Mapping[str, float] | pd.Series

_LISTED: Final = 5


class Part(NamedTuple):
    """Rows that are treated together, and the table their parameters are found in."""

    name: Any
    rows: np.ndarray
    sample: pd.DataFrame


def frame_of(data: Any) -> pd.DataFrame:
    """Return a table of numbers; a Series is a table of one column.

    Raises
    ------
    DataError
        Something else, a table without rows or columns, a column that holds no numbers, columns of the same
        name, or units of the same name.
    """
    if not isinstance(data, pd.Series | pd.DataFrame):
        raise DataError(f"a DataFrame or Series is needed; found {type(data).__name__}")
    frame = data.to_frame() if isinstance(data, pd.Series) else data
    if frame.empty:
        lacking = "rows, one a unit" if frame.shape[1] else "columns, one an indicator"
        raise DataError(f"the table is empty: it has no {lacking}")
    if frame.columns.has_duplicates:
        raise DataError(f"columns stand twice: {some(frame.columns[frame.columns.duplicated()])}")
    wrong = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if wrong:
        raise DataError(f"columns {some(wrong)} hold no numbers; leave them out or make them the index")
    if frame.index.has_duplicates:
        twice = some(frame.index[frame.index.duplicated()].unique())
        raise DataError(
            f"units stand twice: {twice}; keep one row each, or make the year a level of the index"
        )
    return frame.astype("float64")


def like(data: Any, frame: pd.DataFrame, values: Any) -> Any:
    """Return values of the shape of `frame` with its labels: a Series where `data` is one."""
    table = pd.DataFrame(np.asarray(values), index=frame.index, columns=frame.columns)
    return table.iloc[:, 0] if isinstance(data, pd.Series) and table.shape[1] else table


def each(name: str, value: Any, labels: pd.Index) -> np.ndarray:
    """Return one number for each label.

    Raises
    ------
    OptionError
        A mapping lacks a label, or has one that does not exist.
    """
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        real_number(name, value)
        return np.full(len(labels), float(value))
    known(name, value, labels)
    lacking = [label for label in labels if label not in value]
    if lacking:
        raise OptionError(f"{name} says nothing of {some(lacking)}", argument=name)
    for number in value.values():
        real_number(name, number)
    return np.array([value[label] for label in labels], float)


def known(name: str, given: Iterable[Any], labels: pd.Index) -> None:
    """Raise OptionError where something given is not a label, and name the nearest."""
    for label in given:
        if not isinstance(label, Hashable) or label not in labels:
            near = nearest(label, labels)
            hint = f" Did you mean {near!r}?" if near else ""
            raise OptionError(f"{name}: there is no {label!r} among {some(labels)}.{hint}", argument=name)


def labels_of(name: str, given: Any, frame: pd.DataFrame) -> np.ndarray:
    """Return a label for each row: a level of the index, or looked up by the label of the row."""
    if isinstance(given, str):
        known(name, [given], pd.Index([level for level in frame.index.names if level is not None]))
        return np.asarray(frame.index.get_level_values(given))
    table = pd.Series(given)
    lacking = frame.index.difference(table.index)
    if len(lacking) or table.index.has_duplicates:
        raise OptionError(f"{name} says nothing, or two things, of {some(lacking)}", argument=name)
    return np.asarray(table.reindex(frame.index))


def parts(frame: pd.DataFrame, within: Any, base: Any) -> Iterator[Part]:
    """Yield the rows that go together: all, each part, or all by the parameters of a base."""
    everything = np.arange(len(frame))
    if within is not None and base is not None:
        raise OptionError("a scale is found within parts or in a base, not both", argument="base")
    if within is None:
        sample = frame if base is None else frame_of(base)
        known("base", frame.columns, sample.columns)
        yield Part("", everything, sample[list(frame.columns)])
        return
    codes, names = pd.factorize(labels_of("within", within, frame), use_na_sentinel=False)
    for code, name in enumerate(names):
        rows = np.flatnonzero(codes == code)
        yield Part(name, rows, frame.iloc[rows])


def place(label: Any, index: pd.Index) -> int:
    """Return the row of a unit."""
    known("reference", [label], index)
    rows = np.flatnonzero(index == label)
    if len(rows) != 1:
        raise OptionError(f"reference={label!r} stands {len(rows)} times", argument="reference")
    return int(rows[0])


@contextmanager
def naming(labels: Sequence[str] | pd.Index, units: pd.Index | None = None) -> Iterator[None]:
    """Let errors of the formulas name columns, and units where they are given, where they count them."""
    try:
        yield
    except DataError as error:
        found = _named(str(error), "columns?", labels)
        raise DataError(found if units is None else _named(found, "units?", units)) from error


def _named(said: str, word: str, labels: Sequence[Any] | pd.Index) -> str:
    """Return a message with the labels of what it counts: "columns 0, 2"."""

    def name(match: re.Match[str]) -> str:
        return f"{match[1]} {some(labels[int(k)] for k in match[2].split(', '))}"

    return re.sub(rf"\b({word}) (\d+(?:, \d+)*)", name, said)


def some(labels: Iterable[Any]) -> str:
    """Return the first of some labels as text; those of several levels are written as words."""
    texts = [" ".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in labels]
    return ", ".join(texts[:_LISTED]) + (f" … ({len(texts)})" if len(texts) > _LISTED else "")
