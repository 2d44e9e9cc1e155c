"""A schema held against a table that is not collected: in the pass that adds it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qstats import values
from qstats.checking import MAX_LISTED, examine
from qstats.errors import DataError
from qstats.messages import say
from qstats.schema import Column, Schema, require_schema
from qstats.survey import keys
from qstats.survey.design import Design
from qstats.survey.engines import Frame
from qstats.survey.faults import Fault
from qstats.survey.plan import Plan, is_missing, plan

_READERS: dict[str, Callable[[Any], Any]] = {
    "region": values.read_region,
    "period": values.read_period,
    "edition": values.read_edition,
}


class Mapped(NamedTuple):
    """A table under machine names, and what to count in it.

    Attributes
    ----------
    columns : dict of str to narwhals.Expr
        Machine name → the column of the table, in the base unit.
    watch : list of Fault
        What must not occur.
    """

    columns: dict[str, nw.Expr]
    watch: list[Fault]


def by_name(asked: Plan, schema: Schema, /) -> Plan:
    """Return a plan that names columns of a schema as it does, where a header of theirs was given.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import SCHEMA
    >>> found = by_name(plan(["地区"], Design(strata="产品"), ["检验数"], None, None), SCHEMA)
    >>> found.by, found.design, found.asked
    (('region',), Design(strata='product'), ('inspected',))
    """
    require_schema(schema)
    sums: dict[str, str | nw.Expr] = {}
    for name in asked.asked:
        column = asked.columns.get(name)
        if column is None:
            sums[name] = asked.values[name]
        else:
            sums[schema.name_of(name) if name == column else name] = schema.name_of(column)
    keys = list(dict.fromkeys(map(schema.name_of, asked.by)))
    design = asked.design and _named(asked.design, schema.name_of)
    return plan(keys, design, sums, asked.missing, asked.decimals)


def _named(design: Design, name_of: Callable[[str], str]) -> Design:
    """Return a design with other names of its columns."""

    def named(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(map(name_of, names))

    steps = (
        replace(step, totals=tuple((named(names), total) for names, total in step.totals))
        for step in design.calibrations
    )
    made = design.replication
    return replace(
        design,
        weight=design.weight and name_of(design.weight),
        strata=design.strata and name_of(design.strata),
        cluster=named(design.clusters),
        fpc=named(design.populations),
        calibrations=tuple(steps),
        replication=made and replace(made, columns=named(made.columns)),
    )


def mapped(frame: Frame, schema: Schema, used: Sequence[str], /) -> Mapped:
    """Return the columns of a schema in a table, and its rules as expressions.

    Parameters
    ----------
    frame : narwhals frame
        Rows, on any engine.
    schema : Schema
        What it must be.
    used : sequence of str
        Columns that the pass uses; headers that are no part of the schema keep their names.

    Raises
    ------
    DataError
        A header is lacking or stands twice, or a column of numbers holds text, which only a table in
        memory can be read from.
    """
    types = frame.collect_schema()
    _check_headers(list(types), schema, used)
    headers = {schema.name_of(h): h for h in types}
    columns: dict[str, nw.Expr] = {}
    for name, header in headers.items():
        column = schema.column(name)
        columns[name] = nw.col(header)
        if column is not None and column.numeric:
            if not types[header].is_numeric():
                if name not in used and not column.required:
                    del columns[name]
                    continue
                raise DataError(say("cells.schema_text", name=header, kind=types[header]))
            factor = values.FACTORS[values.read_header(header)[1]]
            columns[name] = nw.col(header).cast(nw.Float64) * factor
    return Mapped(columns, list(_watch(schema, columns, used)))


def _check_headers(headers: Sequence[str], schema: Schema, used: Sequence[str]) -> None:
    import pandas as pd

    empty = pd.DataFrame({name: pd.Series([], dtype=object) for name in headers})
    _, found, _ = examine(empty, schema, need=used)
    found = found[found["rule"] != "empty"]
    if len(found):
        raise DataError("\n".join(found["message"]), found)


def _watch(schema: Schema, columns: Mapping[str, nw.Expr], used: Sequence[str]) -> Iterator[Fault]:
    """Yield what must not occur: in single columns, then between columns."""
    for column in schema.columns:
        if column.name in columns and column.numeric and (column.required or column.name in used):
            yield from _limits(column, column.name in used)
    for rule in schema.rules:
        if set(rule.columns) <= set(columns):
            yield Fault(rule.name, rule.columns[0], rule.violated(), rule.message)


def _limits(column: Column, asked: bool) -> Iterator[Fault]:
    """Yield the same faults of a column of numbers that a table in memory is examined for."""
    name, value = column.name, nw.col(column.name)
    if asked or not column.optional_cells:
        yield Fault("missing", name, is_missing(value), "check.missing")
    yield Fault("infinite", name, value.abs() == float("inf"), "check.infinite")
    low, high = column.limits
    if low is not None:
        yield Fault("minimum", name, value < low, "check.minimum", {"minimum": low})
    if high is not None:
        yield Fault("maximum", name, value > high, "check.maximum", {"maximum": high})
    if column.kind == "count":
        share = (value > 0) & (value < 1)
        apart = (value - value.round(0)).abs()
        yield Fault("share", name, share, "check.share")
        yield Fault("whole", name, (apart > 1e-6) & ~share & (value.abs() < float("inf")), "check.whole")


def canonical(
    columns: dict[str, pa.Array], schema: Schema, plan: Plan, rows: NDArray[np.int64], /
) -> dict[str, pa.Array]:
    """Return keys with canonical periods, regions, editions and industries, or raise.

    Parameters
    ----------
    columns : dict of str to pyarrow.Array
        The keys of the cells.
    rows : array of int, shape (E,)
        Number of rows of each cell, to count faults by.
    """
    found = dict(columns)
    faulty: list[Any] = []
    for name in plan.keys:
        column = schema.column(name)
        if column is not None and column.kind in _READERS:
            found[name] = _read(name, [columns[name]], _READERS[column.kind], rows, faulty)
    if "industry" in plan.keys and schema.column("industry"):
        pair = [found["edition"], columns["industry"]]
        found["industry"] = _read("industry", pair, _industry, rows, faulty)
    if faulty:
        _refuse(faulty)
    if "edition" in plan.keys and "edition" not in plan.declared:
        editions = sorted(set(found.pop("edition").to_pylist()))
        if len(editions) > 1:
            raise DataError(say("cells.editions", editions=", ".join(editions)))
    return found


def _industry(pair: tuple[str | None, Any]) -> Any:
    edition, value = pair
    return None if edition is None else values.read_industry(value, edition)


def _read(
    name: str,
    raw: Sequence[pa.Array],
    read: Callable[[Any], Any],
    rows: NDArray[np.int64],
    faulty: list[Any],
) -> pa.Array:
    """Return what `read` makes of each value (of each pair of values), which it sees once."""
    order, starts = keys.groups([_whole(column) for column in raw], len(rows))
    first = order[starts] if len(rows) else order
    distinct = list(zip(*(column.take(pa.array(first)).to_pylist() for column in raw), strict=True))
    made = [read(value if len(raw) > 1 else value[0]) for value in distinct]
    counts = np.add.reduceat(rows[order], starts) if len(rows) else rows
    for value, result, count in zip(distinct, made, counts, strict=True):
        if isinstance(result, values.Fault):
            faulty.append((int(count), name, value[-1], result))
    number = np.empty(len(rows), np.int64)
    number[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))
    found = pa.array([None if isinstance(result, values.Fault) else result for result in made], pa.string())
    return found.take(pa.array(number))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _refuse(faulty: list[Any]) -> None:
    import pandas as pd

    faulty = sorted(faulty, key=lambda f: (-f[0], f[1], str(f[2])))
    total = sum(count for count, *_ in faulty)
    rows = [
        {"row": pd.NA, "column": name, "value": value, "rule": f.rule, "message": f.message, "count": count}
        for count, name, value, f in faulty[:MAX_LISTED]
    ]
    first = faulty[0]
    said = {"name": first[1], "value": first[2], "count": f"{total:,}", "message": first[3].message}
    raise DataError(say("cells.schema_keys", **said), pd.DataFrame(rows).astype({"row": "Int64"}))
