"""Whether sums and the sample they come from are sound: weights, values, keys, populations, units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qstats import faults, keys
from qstats.adjustments import label
from qstats.design import Design
from qstats.errors import DataError, DesignError, nearest
from qstats.messages import say
from qstats.plan import Plan, Sum

if TYPE_CHECKING:
    from qstats.duck import Source
    from qstats.engines import Frame

Numbers = NDArray[np.int64]


def sound(raw: pa.Table, plan: Plan, frame: Frame, source: Source | None) -> pa.Table:
    """Return the table of cells from the raw sums of an engine, or raise with what is wrong.

    Keys become whole numbers or text, the counters that reveal faults are taken off.
    """
    if raw.num_rows == 0 or _number(raw, "#rows").sum() == 0:
        raise DataError(say("cells.empty"))
    if _faulty(raw, plan):
        faults.report(frame, plan, source)
    columns: dict[str, Any] = {}
    for name in plan.keys:
        columns[name] = keys.normalised(name, raw[name], faults.zone_of(source, name))
    for name in plan.populations:
        columns[name] = _population(raw, name, columns)
    rows = _number(raw, "#rows").astype(np.int64)
    kept = _number(raw, "#kept").astype(np.int64) if "#kept" in raw.column_names else rows
    n = _number(raw, "#n").astype(np.int64) if "#n" in raw.column_names else kept
    columns |= {"rows": rows, "n": n, "missing": rows - kept}
    for s in plan.sums:
        columns[s.name] = _summed(raw, s, plan, rows, kept)
    data = keys.added(pa.table(columns), plan.keys, same=plan.populations, refuse=two_populations)
    check_sample(data, plan.design, plan.keys)
    return data


def _number(raw: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a result of an engine as float64; a sum over nothing is zero."""
    column = raw[name]
    if column.null_count:
        column = column.fill_null(0)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return np.asarray(column.to_numpy(), np.float64)


def _summed(raw: pa.Table, s: Sum, plan: Plan, rows: Numbers, kept: Numbers) -> NDArray[Any]:
    """Return one sum; in decimal mode as whole numbers of the last decimal."""
    if s.counts or s.name not in raw.column_names:
        count = rows - kept if s.omitted else kept
        return count * 10**plan.decimals if plan.decimals is not None else count.astype(np.float64)
    return _number(raw, s.name) if plan.decimals is None else _whole(raw, s.name, plan)


def _whole(raw: pa.Table, name: str, plan: Plan) -> Numbers:
    """Return an exact sum as int64, or raise when it may have run over."""
    assert plan.decimals is not None
    column = raw[name].fill_null(0)
    most = _number(raw, "#max " + name) * _number(raw, "#rows") * 10.0**plan.decimals
    if most.size and most.max() >= 2.0**62:
        raise DataError(say("cells.overflow", name=name))
    return np.asarray(column.cast(pa.int64()).to_numpy())


def _faulty(raw: pa.Table, plan: Plan) -> bool:
    """Return whether the counters of the pass reveal a fault in some row."""
    rows = _number(raw, "#rows")
    names = raw.column_names
    if any(raw[name].null_count for name in plan.keys):
        return True
    if any((_number(raw, name) != rows).any() for name in names if name.startswith("#known ")):
        return True
    if "#min" in names and (_number(raw, "#min") < 0).any():
        return True
    numbers = [name for name in names if not name.startswith("#") and name not in plan.keys]
    numbers += [name for name in names if name.startswith("#max ")]
    if any(not np.isfinite(_number(raw, name)).all() for name in numbers):
        return True
    bad = (
        np.isnan(_number(raw, "#low " + p)) | np.isnan(_number(raw, "#high " + p)) for p in plan.populations
    )
    if any(b.any() for b in bad):
        return True
    # a key that is not a number is no key
    return any(pa.types.is_floating(raw[k].type) and np.isnan(raw[k].to_numpy()).any() for k in plan.keys)


def _population(raw: pa.Table, name: str, found: Mapping[str, Any]) -> NDArray[np.float64]:
    low, high = _number(raw, "#low " + name), _number(raw, "#high " + name)
    if (low != high).any():
        at = int(np.flatnonzero(low != high)[0])
        where = ", ".join(f"{k}={v[at].as_py()}" for k, v in found.items() if isinstance(v, pa.Array))
        raise DesignError(
            say("cells.fpc_differs", name=name, where=where, low=f"{low[at]:g}", high=f"{high[at]:g}")
        )
    return low


def two_populations(name: str, table: pa.Table, row: int) -> None:
    """Raise because a population differs between shards of one cell."""
    where = ", ".join(f"{k}={table[k][row].as_py()}" for k in table.column_names[:3] if k != name)
    found = f"{table[name][row].as_py():g}"
    raise DesignError(say("cells.fpc_differs", name=name, where=where, low=found, high="…"))


def check_sample(data: pa.Table, design: Design | None, names: Sequence[str]) -> None:
    """Raise unless units lie in one stratum each and populations hold the sample.

    Parameters
    ----------
    data : pyarrow.Table
        Cells.
    design : Design or None
    names : sequence of str
        The keys of the cells.
    """
    if design is None:
        return
    rows = data.num_rows
    strata = [data[design.strata].combine_chunks()] if design.strata else []
    units = [data[name].combine_chunks() for name in design.stages]
    stratum = _numbers(strata, rows)
    if design.strata and units and not design.nest:
        _refuse_split(design, data, stratum, _numbers(units[:1], rows))
    primary = _numbers([*strata, *units[:1]], rows)
    for stage, name in enumerate(design.populations):
        group = stratum if stage == 0 else primary
        said = design.strata if stage == 0 else design.stages[0]
        population = data[name].to_numpy()
        _check_population(name, population, group, _where(data, said, stage, design))
        if stage < len(units):
            sampled = _distinct(group, primary if stage == 0 else _numbers([*strata, *units], rows))
        else:
            sampled = np.bincount(group, data["rows"].to_numpy())
        _check_sampled(name, population, group, sampled, _where(data, said, stage, design))
    _check_categories(data, design)


def _where(data: pa.Table, said: str | None, stage: int, design: Design) -> Any:
    def told(row: int) -> str:
        return f"{said}={data[said][row].as_py()}" if said else say("cells.all_rows")

    return told


def _numbers(columns: Sequence[pa.Array], rows: int) -> Numbers:
    order, starts = keys.groups(columns, rows)
    found = np.empty(rows, np.int64)
    found[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, rows)))
    return found


def _distinct(group: Numbers, unit: Numbers) -> Numbers:
    """Return how many different units each group has."""
    _, first = np.unique(unit, return_index=True)
    return np.bincount(group[first], minlength=int(group.max()) + 1)


def _refuse_split(design: Design, data: pa.Table, stratum: Numbers, unit: Numbers) -> None:
    order = np.lexsort((stratum, unit))
    u, h = unit[order], stratum[order]
    split = np.flatnonzero((u[1:] == u[:-1]) & (h[1:] != h[:-1]))
    if not split.size:
        return
    a, b = int(order[split[0]]), int(order[split[0] + 1])
    psu, name = design.stages[0], design.strata
    count = len(np.unique(u[split]))
    raise DesignError(
        say(
            "cells.two_strata",
            unit=f"{psu}={data[psu][a].as_py()}",
            strata=name,
            first=data[name][a].as_py(),
            second=data[name][b].as_py(),
            count=count,
        )
    )


def _check_population(name: str, population: NDArray[np.float64], group: Numbers, told: Any) -> None:
    """Raise unless the population is one count in each group."""
    if (population < 1).any():
        at = int(np.argmax(population < 1))
        key = "cells.fpc_fraction" if population[at] > 0 else "cells.fpc_zero"
        raise DesignError(say(key, name=name, value=f"{population[at]:g}", where=told(at)))
    order = np.argsort(group, kind="stable")
    g, p = group[order], population[order]
    differs = np.flatnonzero((g[1:] == g[:-1]) & (p[1:] != p[:-1]))
    if differs.size:
        at = int(differs[0])
        low, high = sorted((p[at], p[at + 1]))
        fields = {"name": name, "where": told(int(order[at])), "low": f"{low:g}", "high": f"{high:g}"}
        raise DesignError(say("cells.fpc_differs", **fields))


def _check_sampled(
    name: str, population: NDArray[np.float64], group: Numbers, sampled: NDArray[Any], told: Any
) -> None:
    below = population < sampled[group]
    if below.any():
        at = int(np.argmax(below))
        fields = {"value": f"{population[at]:g}", "sampled": f"{sampled[group[at]]:g}", "where": told(at)}
        raise DesignError(say("cells.fpc_below", name=name, **fields))


def _check_categories(data: pa.Table, design: Design) -> None:
    """Raise when a category in the data has no total to calibrate to."""
    for step in design.calibrations:
        for names, total in step.totals:
            if not isinstance(total, tuple):
                continue
            known = {parts for parts, _ in total}
            columns = [data[name].combine_chunks() for name in names]
            order, starts = keys.groups(columns, data.num_rows)
            for row in order[starts]:
                parts = tuple(label(c[int(row)].as_py()) for c in columns)
                if parts not in known:
                    near = nearest(parts, known)
                    said = ", ".join(f"{n}={p!r}" for n, p in zip(names, parts, strict=True))
                    raise DesignError(say("cells.no_total", category=said, near=near or "—"))


def refuse_other(mine: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Raise unless cells of two shards mean the same."""
    for name, value in mine.items():
        if other[name] != value:
            raise DataError(say("cells.other", name=name, mine=value, other=other[name]))
    if mine["pushed_down"]:
        raise DataError(say("cells.pushed"))
