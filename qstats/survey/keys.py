"""Keys of cells: whole numbers or text whatever the engine, in one order, numbered, added up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qstats.errors import DataError
from qstats.messages import say

#: keys are numbered within one 64-bit number as long as their combinations fit in it
_FULL: Final = 2**62


def normalised(name: str, column: pa.ChunkedArray, /, zone: str | None = None) -> pa.Array:
    """Return a key column as int64 or text.

    Whole numbers of any width, truth values (0, 1) and decimals without fractions become int64;
    categories their labels; dates and times their text. A time with a zone becomes what the clocks of that
    zone show, so a date never moves into another day.

    Parameters
    ----------
    name : str
        For messages.
    column : pyarrow.ChunkedArray
        Values without missing ones.
    zone : str, optional
        Time zone in which to read instants, when the column itself has lost it.

    Raises
    ------
    DataError
        Fractions, or values that are neither numbers, text nor dates.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    kind = array.type
    if pa.types.is_dictionary(kind):
        return normalised(name, array.dictionary_decode(), zone)
    if pa.types.is_string(kind) or pa.types.is_int64(kind):
        return array
    if pa.types.is_timestamp(kind):
        return _clock(array, zone)
    if pa.types.is_date(kind):
        return pc.strftime(array, "%Y-%m-%d")
    if pa.types.is_boolean(kind):
        return array.cast(pa.int8()).cast(pa.int64())
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if pa.types.is_duration(kind) or isinstance(kind, pa.BaseExtensionType):
        raise DataError(say("cells.key_kind", name=name, kind=kind))
    try:
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return array.cast(pa.int64())
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        raise DataError(say("cells.key_fraction", name=name, value=_odd(array))) from None
    except pa.ArrowNotImplementedError:
        raise DataError(say("cells.key_kind", name=name, kind=kind)) from None


def _odd(array: pa.Array) -> Any:
    """Return the first value that is not whole, or too large."""
    return next(v for v in array.to_pylist() if not math.isfinite(v) or v != int(v) or abs(v) >= 2**63)


def _clock(array: pa.Array, zone: str | None) -> pa.Array:
    if array.type.tz is not None:
        here = array.cast(pa.timestamp(array.type.unit, zone)) if zone else array
        array = pc.local_timestamp(here)
    text = pc.strftime(array.cast(pa.timestamp("us"), safe=False), "%Y-%m-%d %H:%M:%S").cast(pa.string())
    return pc.replace_substring_regex(text, r"\.0+$", "")


def numbered(column: pa.Array, /) -> tuple[NDArray[np.int64], int]:
    """Return a number for each value, in the order of the values, and how many numbers there are."""
    if pa.types.is_string(column.type):
        coded = column.dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        labels = coded.dictionary.to_numpy(zero_copy_only=False).astype(str)
        rank = np.empty(len(labels), np.int64)
        rank[np.argsort(labels)] = np.arange(len(labels))
        return rank[coded.indices.to_numpy()], len(labels)
    values = column.to_numpy()
    if not len(values):
        return values, 0
    low, high = int(values.min()), int(values.max())
    if high - low < max(1_000, 4 * len(values)):
        return values - low, high - low + 1
    found, numbers = np.unique(values, return_inverse=True)
    return numbers.astype(np.int64), len(found)


def combined(columns: Sequence[pa.Array], rows: int, /) -> NDArray[np.int64]:
    """Return one number for each combination of values, in their order; not without gaps."""
    found, size = np.zeros(rows, np.int64), 1
    for column in columns:
        numbers, count = numbered(column)
        if size * max(count, 1) >= _FULL:
            distinct, found = np.unique(found, return_inverse=True)
            size = len(distinct)
        found, size = found * max(count, 1) + numbers, size * max(count, 1)
    return found


def dense(columns: Sequence[pa.Array], rows: int, /) -> NDArray[np.int64]:
    """Return one number for each combination of values, small enough to index an array with."""
    numbers = combined(columns, rows)
    if rows and int(numbers.max()) > max(10_000, 20 * rows):
        return np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    return numbers


def order_of(numbers: NDArray[np.int64], /) -> NDArray[np.int64]:
    """Return the order that sorts numbers not below zero, equal ones as they stand.

    Sixteen bits at a time, which NumPy counts where it would compare whole numbers: ten times quicker for
    ten thousand of them.
    """
    if (numbers[1:] >= numbers[:-1]).all():
        return np.arange(len(numbers))
    most = int(numbers.max())
    if most >= 2**48:
        return np.argsort(numbers, kind="stable")
    order = np.argsort(numbers.astype(np.uint16), kind="stable")
    for shift in range(16, most.bit_length(), 16):
        order = order[np.argsort((numbers[order] >> shift).astype(np.uint16), kind="stable")]
    return order


def groups(columns: Sequence[pa.Array], rows: int, /) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order that sorts rows by these columns, and where each distinct row starts in it."""
    if not columns:
        return np.arange(rows), np.zeros(min(rows, 1), np.int64)
    numbers = combined(columns, rows)
    order = order_of(numbers)
    sorted_ = numbers[order]
    starts = np.flatnonzero(
        np.concatenate(([True], sorted_[1:] != sorted_[:-1])) if rows else np.zeros(0, bool)
    )
    return order, starts


def added(
    table: pa.Table,
    keys: Sequence[str],
    /,
    *,
    same: Sequence[str] = (),
    refuse: Callable[[str, pa.Table, int], None] | None = None,
) -> pa.Table:
    """Return the table sorted by its keys, rows with the same keys added up.

    Parameters
    ----------
    table : pyarrow.Table
        Keys and numbers.
    keys : sequence of str
        The keys.
    same : sequence of str
        Columns that must have one value in all rows of a key; taken over.
    refuse : callable
        Called with (column, table, row) of a first value that differs.
    """
    rows = table.num_rows
    columns = [_one(table[name]) for name in keys]
    order, starts = groups(columns, rows)
    first = order[starts] if rows else order
    repeated = len(starts) < rows
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, rows)))
    made: dict[str, Any] = {
        name: column.take(pa.array(first)) for name, column in zip(keys, columns, strict=True)
    }
    for name in table.column_names:
        if name in made:
            continue
        values = table[name].to_numpy()[order]
        if not repeated:
            made[name] = values
        elif name in same:
            low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
            if refuse is not None and (low != high).any():
                refuse(name, table, int(first[np.flatnonzero(low != high)[0]]))
            made[name] = low
        else:
            made[name] = _sum(name, values, starts, number)
    return pa.table({name: made[name] for name in table.column_names})


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _sum(
    name: str, values: NDArray[Any], starts: NDArray[np.int64], number: NDArray[np.int64]
) -> NDArray[Any]:
    """Add up within groups, one after the other: to the last bit as if each were added to those before.

    Whole numbers must not run over.
    """
    rounded = np.bincount(number, values)
    if values.dtype.kind != "i":
        return rounded
    if np.abs(rounded).max() >= 2.0**62:
        raise DataError(say("cells.overflow", name=name))
    return np.asarray(np.add.reduceat(values, starts))
