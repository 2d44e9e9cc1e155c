"""Indicators in any of their forms → one long table with keys in one spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from qstats import classifications, periods, values
from qstats.errors import DataError
from qstats.estimate import CORE, Estimate, Inference
from qstats.messages import say

Array = np.ndarray
#: row, column, value, rule, message: a row of the violations of a DataError
Fault = dict[str, Any]

_NUMBERS: Final = ("estimate", "std_error")
#: from the weakest claim to the strongest
_CLAIMS: Final[tuple[Inference, ...]] = ("none", "superpopulation", "design")
_LISTED: Final = 5


class Given(NamedTuple):
    """Indicators row by row.

    Attributes
    ----------
    units : DataFrame, shape (units, keys)
        Key columns as text, in order of the keys.
    unit : ndarray of int, shape (rows,)
        Place of each row in `units`; −1 where a key is empty.
    codes : list of str
        Of the indicators, in the order they came.
    code : ndarray of int, shape (rows,)
        Place of each row in `codes`.
    row : ndarray of int, shape (rows,)
        Of the table it came in.
    value, std_error : ndarray, shape (rows,)
    measured : dict of str → str
        Code → unit of measurement, empty where none is named.
    inference : str
        The weakest of the indicators.
    provenance : tuple of str
        Of all of them, each once.
    faults : list of dict
        Cells that cannot be read.
    """

    units: pd.DataFrame
    unit: Array
    codes: list[str]
    code: Array
    row: Array
    value: Array
    std_error: Array
    measured: dict[str, str]
    inference: Inference
    provenance: tuple[str, ...]
    faults: list[Fault]


class _Block(NamedTuple):
    """Rows of some indicators: keys by name, then numbers."""

    keys: dict[str, Any]
    codes: list[str]
    code: Array
    numbers: dict[str, Any]
    measured: dict[str, str]
    inference: Inference
    provenance: tuple[str, ...]


def given(indicators: Any, lang: str | None, /) -> Given:
    """Return indicators in one form.

    Raises
    ------
    DataError
        There are none; they are in no known form; they have different keys; one stands twice in a list.
    """
    blocks = _blocks(indicators, lang)
    if not blocks:
        raise DataError(say("index.nothing", lang))
    keys = _same_keys(blocks, lang)
    row = np.concatenate([np.arange(len(block.code)) for block in blocks])
    start = np.cumsum([0, *(len(block.codes) for block in blocks)])
    code = np.concatenate([block.code + first for block, first in zip(blocks, start[:-1], strict=True)])
    codes = [name for block in blocks for name in block.codes]
    columns = {key: [block.keys[key] for block in blocks] for key in keys}
    units, unit, empty = _units(columns, len(row))
    faults = [
        fault(
            key,
            "",
            "key",
            say("index.key_missing", lang, code=codes[code[i]], key=key, row=row[i]),
            int(row[i]),
        )
        for key, i in empty
    ]
    number = {}
    for name in _NUMBERS:
        number[name], wrong = _read(name, [block.numbers[name] for block in blocks], lang)
        faults += wrong
    return Given(
        units,
        unit,
        codes,
        code,
        row,
        number["estimate"],
        number["std_error"],
        {name: unit for block in blocks for name, unit in block.measured.items()},
        min((block.inference for block in blocks), key=_CLAIMS.index),
        tuple(sorted({mark for block in blocks for mark in block.provenance})),
        faults,
    )


def refuse(faults: list[Fault], lang: str | None, /) -> None:
    """Raise DataError with every fault; a single one is its own message."""
    if not faults:
        return
    table = pd.DataFrame(faults)
    if len(faults) == 1:
        raise DataError(str(faults[0]["message"]), table)
    told = list(dict.fromkeys(str(fault["message"]) for fault in faults))
    more = " …" if len(told) > _LISTED else ""
    raise DataError(
        say("index.faults", lang, count=len(faults), listed=" ".join(told[:_LISTED]) + more), table
    )


def _blocks(indicators: Any, lang: str | None) -> list[_Block]:
    if isinstance(indicators, Mapping):
        return [_of_estimate(str(code), estimate, lang) for code, estimate in indicators.items()]
    if isinstance(indicators, Estimate):
        return [_of_table(indicators.table, indicators.inference, indicators.provenance, lang)]
    if isinstance(indicators, pd.DataFrame):
        return [_of_table(indicators, None, ("user",), lang)]
    if isinstance(indicators, Sequence) and not isinstance(indicators, str):
        blocks = [_of_estimate("", estimate, lang) for estimate in indicators]
        codes = [block.codes[0] for block in blocks]
        for code in codes:
            if codes.count(code) > 1:
                raise DataError(say("index.twice", lang, code=code, unit="…"))
        return blocks
    raise DataError(say("index.kind", lang, kind=type(indicators).__name__))


def _of_estimate(code: str, estimate: Any, lang: str | None) -> _Block:
    if not isinstance(estimate, Estimate):
        raise DataError(say("index.kind", lang, kind=type(estimate).__name__))
    table, code = estimate.table, code or estimate.indicator
    return _Block(
        {key: table[key] for key in estimate.keys},
        [code],
        np.zeros(len(table), np.intp),
        {name: table[name] for name in _NUMBERS},
        {code: estimate.unit},
        estimate.inference,
        estimate.provenance,
    )


def _of_table(
    table: pd.DataFrame, inference: Inference | None, provenance: tuple[str, ...], lang: str | None
) -> _Block:
    """Take a tidy table with a column ``indicator``; the keys stand before ``estimate``."""
    for column in ("indicator", "estimate"):
        if column not in table.columns:
            raise DataError(say("index.no_code", lang, column=column))
    columns = [str(column) for column in table.columns]
    before = columns[: columns.index("estimate")]
    keys = [c for c in before if c not in ("indicator", "unit", "provenance", *CORE)]
    known = "std_error" in columns
    if "provenance" in columns:
        provenance = tuple(sorted(set(table["provenance"].astype(str))))
    code, names = pd.factorize(table["indicator"], use_na_sentinel=False)
    if not len(names):
        raise DataError(say("index.nothing", lang))
    codes = [str(name) for name in names]
    return _Block(
        {key: table[key] for key in keys},
        codes,
        code,
        {
            "estimate": table["estimate"],
            "std_error": table["std_error"] if known else np.full(len(code), np.nan),
        },
        _measured(table["unit"], code, codes) if "unit" in columns else dict.fromkeys(codes, ""),
        inference or ("superpopulation" if known else "none"),
        provenance,
    )


def _measured(column: pd.Series[Any], code: Array, codes: list[str]) -> dict[str, str]:
    """Return the unit of measurement of each indicator; several are named one after another."""
    at, texts = pd.factorize(column.astype(str))
    pairs = np.unique(np.stack([code, at]), axis=1)
    own: dict[str, list[str]] = {name: [] for name in codes}
    for k, j in pairs.T:
        own[codes[k]].append(str(texts[j]))
    return {name: ", ".join(sorted(found)) for name, found in own.items()}


def _same_keys(blocks: list[_Block], lang: str | None) -> list[str]:
    """Return the keys of all indicators, or raise with every one that has others."""
    keys, first = list(blocks[0].keys), blocks[0].codes[0]
    faults = []
    for block in blocks:
        if set(block.keys) != set(keys):
            said = {"have": ", ".join(block.keys) or "—", "want": ", ".join(keys) or "—"}
            message = say("index.keys", lang, code=block.codes[0], first=first, **said)
            faults.append(fault(block.codes[0], said["have"], "keys", message))
    refuse(faults, lang)
    return keys


def fault(column: str, value: object, rule: str, message: str, row: int | None = None) -> Fault:
    """Return a row of the violations of a DataError; without a row it is of the whole column."""
    return {"row": row, "column": column, "value": values.text_of(value), "rule": rule, "message": message}


def _units(
    columns: dict[str, list[pd.Series[Any]]], rows: int
) -> tuple[pd.DataFrame, Array, list[tuple[str, int]]]:
    """Return the units in order of their keys, the place of every row among them, and empty keys."""
    place, size, empty = np.zeros(rows, np.intp), 1, np.zeros(rows, bool)
    missing: list[tuple[str, int]] = []
    labels: dict[str, tuple[Array, Array]] = {}
    for key, parts in columns.items():
        alike = len({part.dtype for part in parts}) == 1  # else 2023 and 2023.0 would become one number
        whole = (
            parts[0] if len(parts) == 1 else pd.concat(parts if alike else [p.astype(object) for p in parts])
        )
        at, names = pd.factorize(whole)
        words = [spelt(key, name) for name in names.tolist()]
        missing += [(key, int(i)) for i in np.flatnonzero(at < 0)]
        ordered = sorted(set(words), key=periods.sort_key if key == "period" else None)
        rank = {name: i for i, name in enumerate(ordered)}
        own = np.array([rank[name] for name in words], np.intp)[at] if words else place * 0
        empty |= at < 0
        if size * len(ordered) >= 2**63:  # a row is one number, of mixed radix in its keys
            place, met = pd.factorize(place, sort=True)
            size = len(met)
        place, size = place * max(1, len(ordered)) + own, size * max(1, len(ordered))
        labels[key] = np.array(ordered, dtype=object), own
    kept = np.flatnonzero(~empty)
    codes, found = pd.factorize(place[kept], sort=True)
    unit = np.full(rows, -1, np.intp)
    unit[kept] = codes
    if not columns:
        return pd.DataFrame(index=[0]), unit, missing
    first = np.zeros(len(found), np.intp)
    first[codes[::-1]] = kept[::-1]
    return pd.DataFrame({key: names[own[first]] for key, (names, own) in labels.items()}), unit, missing


def spelt(key: str, cell: Any) -> str:
    """Return a key in the spelling of the library: 安徽省 and Anhui are 安徽."""
    text = str(cell)
    if key == "region":
        return classifications.region_name(text) or text
    return periods.normalise(text) or text if key == "period" else text


def _read(name: str, parts: list[Any], lang: str | None) -> tuple[Array, list[Fault]]:
    """Return a column as numbers, and the cells that are none."""
    found, faults = [], []
    for part in parts:
        if pd.api.types.is_numeric_dtype(part):
            found.append(pd.Series(part).to_numpy(dtype=float, na_value=np.nan))
            continue
        numbers = np.full(len(part), np.nan)
        for at, cell in enumerate(part):
            read = values.Number(np.nan) if values.is_missing(cell) else values.read_number(cell, lang)
            if isinstance(read, values.Number):
                numbers[at] = read.value
            elif read.rule == "infinite":
                numbers[at] = np.inf
            else:
                said = say("index.number", lang, column=name, row=at, value=values.text_of(cell))
                faults.append(fault(name, cell, "number", said, at))
        found.append(numbers)
    return np.concatenate(found), faults
