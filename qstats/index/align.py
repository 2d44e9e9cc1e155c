"""Indicators in any of their forms → one matrix of units × leaves, aligned on keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats import classifications, periods
from qstats.errors import DataError, nearest
from qstats.estimate import CORE, Estimate, Inference
from qstats.messages import say

Missing = Literal["raise", "renormalise"]
Indicators = Mapping[str, Estimate] | Sequence[Estimate] | Estimate | pd.DataFrame

#: from the weakest claim to the strongest
_CLAIMS: Final[tuple[Inference, ...]] = ("none", "superpopulation", "design")
_LISTED: Final = 5


class Aligned(NamedTuple):
    """Values of units × leaves and what they rest on.

    Attributes
    ----------
    units : pandas.DataFrame, shape (units, keys)
        Key columns as text, in order of the keys.
    value, std_error : ndarray, shape (units, leaves)
        Leaves in the order of the framework; NaN where there is none.
    inference : str
        The weakest of the indicators.
    provenance : tuple of str
        Of all of them, each once.
    """

    units: pd.DataFrame
    value: np.ndarray
    std_error: np.ndarray
    inference: Inference
    provenance: tuple[str, ...]


class _Part(NamedTuple):
    """One indicator: its keys, then estimate and std_error."""

    table: pd.DataFrame
    unit: str
    inference: Inference
    provenance: tuple[str, ...]


def align(
    indicators: Any, tree: pd.DataFrame, /, *, name: str, missing: Missing, lang: str | None
) -> Aligned:
    """Return the values of the leaves of a tree, or raise with every one that is missing."""
    parts = _parts(indicators, lang)
    leaves = tree[tree["leaf"]].set_index("code")
    for code, part in parts.items():
        if code not in leaves.index:
            near = nearest(code, leaves.index)
            hint = say("framework.near", lang, near=near) if near else ""
            raise DataError(say("index.unknown", lang, name=name, code=code, hint=hint))
        want = str(leaves.loc[code, "unit"])
        if part.unit and part.unit != want:
            raise DataError(say("index.unit", lang, code=code, have=part.unit, want=want, name=name))
    long, keys = _stacked(parts, lang)
    units = long[keys].drop_duplicates() if keys else pd.DataFrame(index=[0])
    units = units.sort_values(keys, key=_order, ignore_index=True) if keys else units
    value, std_error = (
        _matrix(long, keys, units, list(leaves.index), column) for column in ("estimate", "std_error")
    )
    if missing == "raise":
        _refuse_missing(units, value, leaves["weight_in_root"], lang)
    claims = [part.inference for part in parts.values()]
    marks = {mark for part in parts.values() for mark in part.provenance}
    return Aligned(units, value, std_error, min(claims, key=_CLAIMS.index), tuple(sorted(marks)))


def _parts(indicators: Any, lang: str | None) -> dict[str, _Part]:
    """Return code → indicator for any of the accepted forms."""
    if isinstance(indicators, Mapping):
        parts = {str(code): _of_estimate(estimate, lang) for code, estimate in indicators.items()}
    elif isinstance(indicators, Estimate):
        parts = _of_table(
            indicators.table, lang, inference=indicators.inference, provenance=indicators.provenance
        )
    elif isinstance(indicators, pd.DataFrame):
        parts = _of_table(indicators, lang, inference=None, provenance=("user",))
    elif isinstance(indicators, Sequence) and not isinstance(indicators, str):
        parts = {}
        for estimate in indicators:
            part = _of_estimate(estimate, lang)
            if estimate.indicator in parts:
                raise DataError(say("index.twice", lang, code=estimate.indicator, unit="…"))
            parts[estimate.indicator] = part
    else:
        raise DataError(say("index.kind", lang, kind=type(indicators).__name__))
    if not parts:
        raise DataError(say("index.nothing", lang))
    return parts


def _of_estimate(estimate: Any, lang: str | None) -> _Part:
    if not isinstance(estimate, Estimate):
        raise DataError(say("index.kind", lang, kind=type(estimate).__name__))
    table = estimate.table[[*estimate.keys, "estimate", "std_error"]]
    return _Part(table, estimate.unit, estimate.inference, estimate.provenance)


def _of_table(
    table: pd.DataFrame, lang: str | None, *, inference: Inference | None, provenance: tuple[str, ...]
) -> dict[str, _Part]:
    """Split a tidy table by its column ``indicator``; the keys stand before ``estimate``."""
    for column in ("indicator", "estimate"):
        if column not in table.columns:
            raise DataError(say("index.no_code", lang, column=column))
    columns = [str(column) for column in table.columns]
    before = columns[: columns.index("estimate")]
    keys = [c for c in before if c not in ("indicator", "unit", "provenance", *CORE)]
    known = "std_error" in columns
    table = table.assign(std_error=table["std_error"] if known else np.nan)
    if "provenance" in columns:
        provenance = tuple(sorted(set(table["provenance"].astype(str))))
    claim = inference or ("superpopulation" if known else "none")
    parts = {}
    for code, rows in table.groupby("indicator", sort=False):
        unit = ", ".join(sorted(set(rows["unit"].astype(str)))) if "unit" in columns else ""
        rows = rows[[*keys, "estimate", "std_error"]].astype({"estimate": "float64", "std_error": "float64"})
        parts[str(code)] = _Part(rows, unit, claim, provenance)
    return parts


def _stacked(parts: dict[str, _Part], lang: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Return all indicators in one long table with the same keys, in one spelling."""
    first, tables = next(iter(parts)), []
    keys = [str(c) for c in parts[first].table.columns[:-2]]
    for code, part in parts.items():
        have = [str(c) for c in part.table.columns[:-2]]
        if set(have) != set(keys):
            said = {"have": ", ".join(have) or "—", "want": ", ".join(keys) or "—"}
            raise DataError(say("index.keys", lang, code=code, first=first, **said))
        table = part.table.assign(**{key: [_spelt(key, cell) for cell in part.table[key]] for key in keys})
        repeated = table.duplicated(keys) if keys else pd.Series(range(len(table))) > 0
        if repeated.any():
            unit = _said(table.loc[repeated.to_numpy(), keys].iloc[0])
            raise DataError(say("index.twice", lang, code=code, unit=unit))
        tables.append(table.assign(indicator=code))
    return pd.concat(tables, ignore_index=True), keys


def _spelt(key: str, cell: Any) -> str:
    """Return a key in the spelling of the library: 安徽省 and Anhui are 安徽."""
    text = str(cell)
    if key == "region":
        return classifications.region_name(text) or text
    return periods.normalise(text) or text if key == "period" else text


def _order(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(periods.sort_key) if column.name == "period" else column


def _matrix(
    long: pd.DataFrame, keys: list[str], units: pd.DataFrame, codes: list[str], column: str
) -> np.ndarray:
    rows = long.assign(_unit=0) if not keys else long.merge(units.assign(_unit=range(len(units))), on=keys)
    wide = rows.pivot(index="_unit", columns="indicator", values=column)
    return np.asarray(wide.reindex(index=range(len(units)), columns=codes), dtype="float64")


def _refuse_missing(
    units: pd.DataFrame, value: np.ndarray, weight: pd.Series[float], lang: str | None
) -> None:
    """Raise with every weighted value that is not there."""
    at, of = np.nonzero(np.isnan(value) & (weight.to_numpy() > 0))
    if not at.size:
        return
    message = say("index.missing_cell", lang)
    faults = [
        {"row": int(i), "column": str(weight.index[j]), "value": _said(units.iloc[i]), "rule": "missing"}
        for i, j in zip(at, of, strict=True)
    ]
    examples = "; ".join(f"{fault['value']} × {fault['column']}" for fault in faults[:_LISTED])
    raise DataError(
        say("index.missing", lang, count=len(faults), examples=examples),
        pd.DataFrame(faults).assign(message=message),
    )


def _said(unit: pd.Series[Any]) -> str:
    return " ".join(str(cell) for cell in unit) or "—"
