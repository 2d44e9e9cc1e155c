"""Published series as a report takes them: one figure a key, in one unit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from qstats.datasets import catalog, load, published
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.values import FACTORS


def frozen(value: Any) -> Any:
    """Return a key's value, or values, as something that can be cached."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else value


#: units of the same thing under another word
_SAME_UNIT = {"alerts": "notifications", "批": "批次", "个": "批次"}


@cache
def figures(series: str, keys: tuple[tuple[str, Any], ...]) -> Estimate | None:
    """Return a published series; where sources disagree, printed before derived, then official."""
    chosen: dict[str, Any] = {k: list(v) if isinstance(v, tuple) else v for k, v in keys}
    try:
        every = published(series, **chosen, conflict="all")
    except (DataError, OptionError):  # no such row, or none in this unit
        return None
    table = every.table.drop(columns="source")
    order = 2 * (table["derived"] == "yes") + (table["evidence"] != "official")
    table = table.assign(_order=order).sort_values("_order", kind="stable").drop(columns="_order")
    return every.replace(table.drop_duplicates(["period", "region", "industry"]).sort_index())


@cache
def _units(series: str) -> tuple[str, ...]:
    """Return every unit that a series is printed in."""
    names = [
        name for name, kind in catalog()[["name", "kind"]].itertuples(index=False) if kind == "published"
    ]
    tables = (load(name) for name in names)
    units = {unit for table in tables for unit in table.loc[table["series"] == series, "unit"]}
    return tuple(sorted(units))


def _plain_unit(unit: str) -> tuple[str, float]:
    """Return a unit without its factor, and the factor: 万批 is 10,000 批次."""
    factor = next((f for f in FACTORS if f and unit.startswith(f)), "")
    plain = unit.removeprefix(factor)
    return _SAME_UNIT.get(plain, plain), FACTORS[factor]


def in_unit(series: str, keys: tuple[tuple[str, Any], ...], unit: str) -> Estimate | None:
    """Return a series in one plain unit, whatever units it is printed in; other units are left out."""
    import pandas as pd

    parts = []
    for printed in _units(series):
        plain, factor = _plain_unit(printed)
        found = figures(series, (*keys, ("unit", printed))) if plain == unit else None
        if found is not None:
            parts.append(found.replace(found.table.assign(estimate=lambda t, f=factor: t["estimate"] * f)))
    if not parts:
        return None
    table = pd.concat([part.table for part in parts]).drop_duplicates(list(parts[0].keys))
    marks = {mark for part in parts for mark in part.provenance}
    return parts[0].replace(table, unit=unit, provenance=sorted(marks))
