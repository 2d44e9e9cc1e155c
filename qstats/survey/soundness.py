"""Whether sums and the sample they come from are sound: weights, values, keys, populations, units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qstats.errors import DataError, DesignError, nearest
from qstats.messages import say
from qstats.survey import faults, keys
from qstats.survey.adjustments import label
from qstats.survey.design import Design
from qstats.survey.plan import Plan, Sum, square_name
from qstats.survey.schema_pass import canonical

if TYPE_CHECKING:
    from qstats.survey.faults import Rows
    from qstats.survey.pushdown import Pushed

Numbers = NDArray[np.int64]
Told = Callable[[int], str]


def sound(raw: pa.Table, plan: Plan, rows: Rows) -> pa.Table:
    """Return the table of cells from the raw sums of an engine, or raise with what is wrong.

    Keys become whole numbers or text, the counters that reveal faults are taken off.
    """
    columns = _sound_columns(raw, plan, rows)
    keys_ = [name for name in plan.keys if name in columns]
    data = keys.added(pa.table(columns), keys_, same=plan.populations, refuse=two_populations)
    check_sample(data, plan.design)
    return data


def sound_pushed(found: Pushed, plan: Plan, rows: Rows) -> pa.Table:
    """Return the table of cells whose units were added up; see :func:`sound`."""
    design = plan.design
    assert design is not None
    plan = plan._replace(keys=tuple(name for name in plan.keys if name not in design.stages))
    columns = _sound_columns(found.raw, plan, rows)
    moments = [name for name in found.raw.column_names if name.startswith(square_name())]
    columns |= {name: _number(found.raw, name) for name in moments}
    columns["units"] = _number(found.raw, "#units").astype(np.int64)
    columns["stratum_units"] = _units_of(found, design, columns)
    keys_ = [name for name in plan.keys if name in columns]
    same = (*plan.populations, "stratum_units")
    data = keys.added(pa.table(columns), keys_, same=same, refuse=two_populations)
    if data.num_rows < found.raw.num_rows:  # two spellings of one key, whose units were added up apart
        raise DataError(say("cells.push_labels"))
    for name in plan.populations:
        group = keys.dense([data[design.strata].combine_chunks()] if design.strata else [], data.num_rows)
        told = _where(data, design, 0)
        population = data[name].to_numpy()
        _check_population(name, population, group, told)
        first = np.empty(int(group.max()) + 1)
        first[group] = data["stratum_units"].to_numpy()
        _check_sampled(name, population, group, first, told)
    return data


def _units_of(found: Pushed, design: Design, columns: dict[str, Any]) -> Numbers:
    """Return the number of units of the stratum of each cell."""
    counts = _number(found.units, "#units").astype(np.int64)
    if not design.strata:
        return np.full(found.raw.num_rows, counts[0])
    names = keys.normalised(design.strata, found.units[design.strata]).to_pylist()
    known: dict[Any, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        known[name] = known.get(name, 0) + count
    return np.array([known[name] for name in columns[design.strata].to_pylist()], np.int64)


def _sound_columns(raw: pa.Table, plan: Plan, rows: Rows) -> dict[str, Any]:
    if raw.num_rows == 0 or _number(raw, "#rows").sum() == 0:
        raise DataError(say("cells.empty"))
    if _faulty(raw, plan):
        faults.report(rows, plan)
    total = _number(raw, "#rows").astype(np.int64)
    columns: dict[str, Any] = {}
    for name in plan.keys:
        zone = rows.zone(name) if pa.types.is_timestamp(raw[name].type) else None
        columns[name] = keys.normalised(name, raw[name], zone)
    if rows.schema is not None:
        columns = canonical(columns, rows.schema, plan, total)
    for name in plan.populations:
        columns[name] = _population(raw, name, columns)
    kept = _number(raw, "#kept").astype(np.int64) if "#kept" in raw.column_names else total
    n = _number(raw, "#n").astype(np.int64) if "#n" in raw.column_names else kept
    columns |= {"rows": total, "n": n, "missing": total - kept}
    for s in plan.sums:
        columns[s.name] = _summed(raw, s, plan, total, kept)
    return columns


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
        if plan.decimals is None:
            return count.astype(np.float64)
        if count.max() * 10.0**plan.decimals >= 2.0**62:
            raise DataError(say("cells.overflow", name=s.name))
        return np.asarray(count * 10**plan.decimals)
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
    if any(_number(raw, name).any() for name in names if name.startswith(("#fault ", "#other "))):
        return True
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


def check_sample(data: pa.Table, design: Design | None) -> None:
    """Raise unless units lie in one stratum each and populations hold the sample.

    Parameters
    ----------
    data : pyarrow.Table
        Cells.
    design : Design or None
        The design that they were made for.
    """
    if design is None:
        return
    coded = {name: data[name].combine_chunks() for name in (design.strata, *design.stages) if name}
    strata = [coded[design.strata]] if design.strata else []
    units = [coded[name] for name in design.stages]
    rows = data.num_rows
    stratum = keys.dense(strata, rows)
    if design.strata and units and not design.nest:
        _refuse_split(design, data, stratum, keys.dense(units[:1], rows))
    if design.populations:
        primary = keys.dense([*strata, *units[:1]], rows)
        deepest = keys.dense([*strata, *units], rows) if len(units) > 1 else primary
        for stage, name in enumerate(design.populations):
            group, unit = (stratum, primary) if stage == 0 else (primary, deepest)
            told = _where(data, design, stage)
            population = data[name].to_numpy()
            _check_population(name, population, group, told)
            drawn = data["rows"].to_numpy() if stage >= len(units) else None
            _check_sampled(name, population, group, _sampled(group, unit, drawn), told)
    _check_categories(data, design)


def _where(data: pa.Table, design: Design, stage: int) -> Told:
    name = design.strata if stage == 0 else design.stages[0]

    def told(row: int) -> str:
        return f"{name}={data[name][row].as_py()}" if name else say("cells.all_rows")

    return told


def _sampled(group: Numbers, unit: Numbers, drawn: Numbers | None) -> NDArray[Any]:
    """Return how many units each group has: different ones, or rows."""
    if drawn is not None:
        return np.bincount(group, drawn)
    last = np.full(int(unit.max()) + 1, -1)
    last[unit] = np.arange(len(unit))
    return np.bincount(group[last[last >= 0]], minlength=int(group.max()) + 1)


def _refuse_split(design: Design, data: pa.Table, stratum: Numbers, unit: Numbers) -> None:
    """Raise when a unit has rows in two strata."""
    last = np.empty(int(unit.max()) + 1, np.int64)
    last[unit] = np.arange(len(unit))
    other = np.flatnonzero(stratum[last[unit]] != stratum)
    if not other.size:
        return
    psu, name, row = design.stages[0], design.strata, int(other[0])
    raise DesignError(
        say(
            "cells.two_strata",
            unit=f"{psu}={data[psu][row].as_py()}",
            strata=name,
            first=data[name][row].as_py(),
            second=data[name][int(last[unit[row]])].as_py(),
            count=len(np.unique(unit[other])),
        )
    )


def _check_population(name: str, population: NDArray[np.float64], group: Numbers, told: Told) -> None:
    """Raise unless the population is one count in each group."""
    if (population < 1).any():
        at = int(np.argmax(population < 1))
        key = "cells.fpc_fraction" if population[at] > 0 else "cells.fpc_zero"
        raise DesignError(say(key, name=name, value=f"{population[at]:g}", where=told(at)))
    last = np.empty(int(group.max()) + 1)
    last[group] = population
    differs = np.flatnonzero(last[group] != population)
    if differs.size:
        row = int(differs[0])
        low, high = sorted((population[row], last[group[row]]))
        fields = {"name": name, "where": told(row), "low": f"{low:g}", "high": f"{high:g}"}
        raise DesignError(say("cells.fpc_differs", **fields))


def _check_sampled(
    name: str,
    population: NDArray[np.float64],
    group: Numbers,
    sampled: NDArray[Any],
    told: Told,
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


def together(parts: Sequence[pa.Table], names: Sequence[str], design: Design | None, /) -> pa.Table:
    """Return the cells of some shards added up, or raise when they make no sample of this design.

    Parameters
    ----------
    parts : sequence of pyarrow.Table
    names : sequence of str
        The keys.
    design : Design or None
    """
    same = design.populations if design else ()
    data = keys.added(pa.concat_tables(parts), names, same=same, refuse=two_populations)
    check_sample(data, design)
    return data


def meaning(parts: Sequence[Mapping[str, Any]], /) -> dict[str, Any]:
    """Return what the cells of all shards mean, or raise when it is not the same."""
    if not parts:
        raise DataError("there are no cells to merge; give at least one part")
    marks = {"provenance": sorted({mark for part in parts for mark in part["provenance"]})}
    mine = {**parts[0], **marks}
    for other in parts[1:]:
        for name, value in mine.items():
            if name not in marks and other[name] != value:
                raise DataError(say("cells.other", name=name, mine=value, other=other[name]))
    if mine["pushed_down"] and len(parts) > 1:  # the units are gone
        raise DataError(say("cells.pushed"))
    return mine
