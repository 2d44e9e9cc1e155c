"""Values of the indicators on the units of an index, and draws of them from their joint errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError
from qstats.estimate import CORE, Estimate, Inference
from qstats.index.align import Indicators, Missing, align
from qstats.messages import say

Array = np.ndarray
Unknown = Literal["raise", "fixed"]


class Held(NamedTuple):
    """Indicators on units × leaves, and where each value comes from.

    Attributes
    ----------
    units : DataFrame
        Keys.
    value : ndarray, shape (units, leaves)
        NaN where there is none.
    place : ndarray of int, shape (units, leaves)
        Row of each value among those of all `estimates`, one after another; −1 where there is none.
    estimates : list of Estimate
        Rows with a value.
    inference, provenance
        As of :class:`qstats.index.align.Aligned`.
    """

    units: pd.DataFrame
    value: Array
    place: Array
    estimates: list[Estimate]
    inference: Inference
    provenance: tuple[str, ...]


def hold(
    indicators: Indicators, tree: pd.DataFrame, /, *, name: str, missing: Missing, lang: str | None
) -> Held:
    """Align indicators by the numbers of their rows, so that draws of them need no more than those numbers.

    Parameters
    ----------
    indicators : as of :func:`qstats.competitiveness_index`
    tree : DataFrame
        The checked framework.
    name : str
        Of the framework.
    missing : {"raise", "renormalise"}
    lang : str or None

    Raises
    ------
    DataError
        As :func:`qstats.index.align.align`.
    """
    estimates, numbered = _numbered(indicators, tree, lang)
    given = align(numbered, tree, name=name, missing=missing, lang=lang)
    hole = np.isnan(given.value)
    place = np.where(hole, -1, np.nan_to_num(given.value, nan=-1.0)).astype(np.intp)
    every = np.concatenate([estimate.table["estimate"].to_numpy(float) for estimate in estimates])
    value = np.where(hole, np.nan, every[place]) if len(every) else given.value
    return Held(given.units, value, place, estimates, given.inference, given.provenance)


def draw(held: Held, n: int, /, *, seed: int, unknown: Unknown) -> Array:
    """Draw the indicators anew; estimates from one sample move together.

    Parameters
    ----------
    held : Held
    n : int
    seed, unknown
        As of :meth:`qstats.Estimate.draws`.

    Returns
    -------
    ndarray, shape (n, units, leaves)

    Raises
    ------
    DataError
        An error is not known and `unknown` is "raise".
    """
    every = [estimate.draws(n, seed=seed, unknown=unknown) for estimate in held.estimates]
    drawn = np.concatenate(every, axis=1)
    return np.where(held.place < 0, np.nan, np.take(drawn, held.place, axis=1))


def _numbered(indicators: Any, tree: pd.DataFrame, lang: str | None) -> tuple[list[Estimate], Any]:
    """Return the Estimates, and the indicators with the number of its row in place of each value."""
    if isinstance(indicators, pd.DataFrame):
        return _numbered_table(indicators, tree, lang)
    if isinstance(indicators, Estimate):
        kept, [numbered] = _rows([indicators])
        return kept, numbered
    if isinstance(indicators, Mapping) and all(isinstance(e, Estimate) for e in indicators.values()):
        kept, numbers = _rows(list(indicators.values()))
        return kept, dict(zip(indicators, numbers, strict=True))
    if isinstance(indicators, Sequence) and all(isinstance(e, Estimate) for e in indicators):
        return _rows(list(indicators))
    raise DataError(say("index.kind", lang, kind=type(indicators).__name__))


def _rows(estimates: list[Estimate]) -> tuple[list[Estimate], list[Estimate]]:
    kept, numbered, start = [], [], 0
    for estimate in estimates:
        known = np.flatnonzero(estimate.table["estimate"].notna())
        own = estimate if len(known) == len(estimate) else estimate.take(known)
        number = np.full(len(estimate), np.nan)
        number[known] = np.arange(start, start + len(known))
        kept.append(own)
        numbered.append(estimate.replace(estimate.table.assign(estimate=number)))
        start += len(known)
    return kept, numbered


def _numbered_table(
    table: pd.DataFrame, tree: pd.DataFrame, lang: str | None
) -> tuple[list[Estimate], pd.DataFrame]:
    """Do the same for a tidy table, of which nothing is known that its rows have in common."""
    columns = [str(column) for column in table.columns]
    for column in ("indicator", "estimate"):
        if column not in columns:
            raise DataError(say("index.no_code", lang, column=column))
    keys = [c for c in columns[: columns.index("estimate")] if c not in ("unit", "provenance", *CORE)]
    unit = table["indicator"].map(dict(zip(tree["code"], tree["unit"], strict=True))).fillna("")
    value = table["estimate"].astype("float64")
    known = value.notna().to_numpy()
    blank = dict.fromkeys(("conf_low", "conf_high", "n"), np.nan)
    error = table["std_error"].astype("float64") if "std_error" in columns else np.nan
    rows = table[keys].assign(estimate=value, std_error=error, **blank)
    number, estimates, start = np.full(len(table), np.nan), [], 0
    for kind in dict.fromkeys(unit[known]):
        at = np.flatnonzero(known & (unit == kind).to_numpy())
        number[at] = np.arange(start, start + len(at))
        start += len(at)
        estimates.append(Estimate(rows.iloc[at], indicator="", unit=kind, method="table"))
    return estimates, table.assign(estimate=number)
