"""Values of the indicators, and draws of them from their joint errors, on the units of an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from qstats.errors import DataError
from qstats.estimate import CORE, Estimate
from qstats.index.align import Aligned, Indicators, Missing, align
from qstats.messages import say

Array = np.ndarray
Unknown = Literal["raise", "fixed"]


def aligned(
    indicators: Indicators, tree: pd.DataFrame, /, *, name: str, missing: Missing, lang: str | None
) -> Aligned:
    """Return the values on units × leaves; units are in one order whatever the order of rows."""
    return align(indicators, tree, name=name, missing=missing, lang=lang)


def draw(
    indicators: Indicators,
    tree: pd.DataFrame,
    /,
    n: int,
    *,
    seed: int,
    unknown: Unknown,
    name: str,
    lang: str | None,
) -> Array:
    """Draw the indicators anew; estimates from one sample move together.

    Parameters
    ----------
    indicators : as of :func:`qstats.competitiveness_index`
    tree : DataFrame
        The checked framework.
    n : int
        Number of draws.
    seed, unknown
        As of :meth:`qstats.Estimate.draws`.
    name : str
        Of the framework.
    lang : str or None

    Returns
    -------
    ndarray, shape (n, units, leaves)
        In the order of :func:`qstats.index.align.align`.

    Raises
    ------
    DataError
        An error is not known and `unknown` is "raise".
    """
    parts = _estimates(indicators, tree, lang)
    numbered, columns, start = {}, [], 0
    for code, estimate in parts.items():
        known = np.flatnonzero(estimate.table["estimate"].notna())
        held = estimate.take(known)
        columns.append(held.draws(n, seed=seed, unknown=unknown))
        rows = held.table.assign(estimate=np.arange(start, start + len(held), dtype=float))
        numbered[code] = held.replace(rows)
        start += len(held)
    values: Any = next(iter(numbered.values())) if None in numbered else numbered
    place = align(values, tree, name=name, missing="renormalise", lang=lang).value
    drawn = np.concatenate(columns, axis=1)
    at = np.nan_to_num(place, nan=0.0).astype(np.intp)
    return np.where(np.isnan(place), np.nan, drawn[:, at])


def _estimates(indicators: Any, tree: pd.DataFrame, lang: str | None) -> dict[str | None, Estimate]:
    """Return Estimates by code; one with a key ``indicator`` stays whole, with its joint error."""
    if isinstance(indicators, Mapping):
        return {str(code): estimate for code, estimate in indicators.items()}
    if isinstance(indicators, Estimate):
        return {None: indicators}
    if isinstance(indicators, pd.DataFrame):
        return _of_table(indicators, tree)
    if isinstance(indicators, Sequence):
        return {estimate.indicator: estimate for estimate in indicators}
    raise DataError(say("index.kind", lang, kind=type(indicators).__name__))


def _of_table(table: pd.DataFrame, tree: pd.DataFrame) -> dict[str | None, Estimate]:
    """Return the Estimates of a tidy table; nothing is known of what they have in common."""
    columns = [str(column) for column in table.columns]
    before = columns[: columns.index("estimate")]
    keys = [c for c in before if c not in ("indicator", "unit", "provenance", *CORE)]
    unit_of = dict(zip(tree["code"], tree["unit"], strict=True))
    found: dict[str | None, Estimate] = {}
    for code, rows in table.groupby("indicator", sort=False):
        known = rows["std_error"] if "std_error" in columns else np.nan
        core = rows[keys].assign(estimate=rows["estimate"], std_error=known)
        core = core.assign(conf_low=np.nan, conf_high=np.nan, n=np.nan)
        unit = str(unit_of.get(code, ""))
        found[str(code)] = Estimate(core, indicator=str(code), unit=unit, method="table")
    return found
