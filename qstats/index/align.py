"""Indicators in any of their forms → one matrix of units × leaves, aligned on keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError, nearest
from qstats.estimate import Estimate, Inference
from qstats.index.given import Fault, Given, fault, given, refuse
from qstats.index.tree import Tree
from qstats.messages import say

Missing = Literal["raise", "renormalise"]
Indicators = Mapping[str, Estimate] | Sequence[Estimate] | Estimate | pd.DataFrame

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


def align(indicators: Any, tree: Tree, /, *, name: str, missing: Missing, lang: str | None) -> Aligned:
    """Return the values of the leaves of a tree, or raise with everything that is wrong.

    Raises
    ------
    DataError
        Indicators the framework does not have or that are in another unit; a unit twice, an empty key, a
        value or an error that is no finite number: all of them in ``violations``. Once these are right, under
        ``missing="raise"``, every value that is missing.
    """
    found = given(indicators, lang)
    codes = [tree.codes[leaf] for leaf in tree.leaves]
    faults = [*_code_faults(found, dict(zip(codes, tree.measured, strict=True)), name, lang), *found.faults]
    faults += _number_faults(found, lang) + _repeats(found, lang)
    refuse(faults, lang)
    place = {code: j for j, code in enumerate(codes)}
    at = found.unit, np.array([place[code] for code in found.codes], np.intp)[found.code]
    value, std_error = (np.full((len(found.units), len(codes)), np.nan) for _ in range(2))
    value[at], std_error[at] = found.value, found.std_error
    if missing == "raise":
        _refuse_missing(found.units, np.isnan(value) & (tree.weight_in_root > 0), codes, lang)
    return Aligned(found.units, value, std_error, found.inference, found.provenance)


def _code_faults(found: Given, units: dict[str, str], name: str, lang: str | None) -> list[Fault]:
    """Return the indicators that the framework does not have, or has in another unit."""
    faults = []
    for code in dict.fromkeys(found.codes):
        if code not in units:
            near = nearest(code, units)
            hint = say("framework.near", lang, near=near) if near else ""
            message = say("index.unknown", lang, name=name, code=code, hint=hint).rstrip()
            faults.append(fault("indicator", code, "unknown", message))
            continue
        have, want = found.measured[code], units[code]
        if have and have != want:
            message = say("index.unit", lang, code=code, have=have, want=want, name=name)
            faults.append(fault("unit", have, "unit", message))
    return faults


def _number_faults(found: Given, lang: str | None) -> list[Fault]:
    """Return values that are not finite, and errors that are not finite or negative."""
    faults = []
    wrong = {
        "estimate": np.isinf(found.value),
        "std_error": np.isinf(found.std_error) | (found.std_error < 0),
    }
    for column, cells in wrong.items():
        numbers = found.value if column == "estimate" else found.std_error
        for row in np.flatnonzero(cells):
            code, unit = found.codes[found.code[row]], _unit(found, int(row))
            told = {"code": code, "unit": unit, "value": f"{numbers[row]:g}"}
            message = say(f"index.{'infinite' if column == 'estimate' else 'error'}", lang, **told)
            faults.append(
                fault(
                    column,
                    told["value"],
                    "infinite" if column == "estimate" else "error",
                    message,
                    int(found.row[row]),
                )
            )
    return faults


def _repeats(found: Given, lang: str | None) -> list[Fault]:
    """Return rows of an indicator and a unit that were there before."""
    ok = np.flatnonzero(found.unit >= 0)
    names = {code: k for k, code in reversed(list(enumerate(found.codes)))}
    code = np.array([names[name] for name in found.codes], np.intp)[found.code[ok]]
    cell = found.unit[ok] * max(1, len(found.codes)) + code
    faults = []
    for row in ok[pd.Index(cell).duplicated()]:
        name, unit = found.codes[found.code[row]], _unit(found, int(row))
        message = say("index.twice", lang, code=name, unit=unit)
        faults.append(fault("indicator", f"{name} {unit}", "twice", message, int(found.row[row])))
    return faults


def _unit(found: Given, row: int) -> str:
    """Return the keys of a row as text."""
    return _said(found.units.iloc[found.unit[row]]) if found.unit[row] >= 0 else "—"


def _refuse_missing(units: pd.DataFrame, hole: np.ndarray, codes: list[str], lang: str | None) -> None:
    """Raise with every weighted value that is not there."""
    at, of = np.nonzero(hole)
    if not at.size:
        return
    message = say("index.missing_cell", lang)
    faults = [
        {"row": int(i), "column": codes[j], "value": _said(units.iloc[i]), "rule": "missing"}
        for i, j in zip(at, of, strict=True)
    ]
    examples = "; ".join(f"{fault['value']} × {fault['column']}" for fault in faults[:_LISTED])
    raise DataError(
        say("index.missing", lang, count=len(faults), examples=examples),
        pd.DataFrame(faults).assign(message=message),
    )


def _said(unit: pd.Series[Any]) -> str:
    return " ".join(str(cell) for cell in unit) or "—"
