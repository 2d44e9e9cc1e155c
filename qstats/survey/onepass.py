"""The pass over the rows: which engine, with which limits, how much of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import narwhals as nw
import pyarrow as pa

from qstats.checking import check
from qstats.errors import OptionError, whole_number, yes_or_no
from qstats.schema import PROVENANCE, Schema
from qstats.survey import duck, progress, pushdown, soundness
from qstats.survey.engines import Frame, aggregated, collected, columns_of, evaluating, framed
from qstats.survey.faults import Rows
from qstats.survey.plan import Plan, expressions
from qstats.survey.query import query
from qstats.survey.schema_pass import mapped

#: more cells than this are not brought into memory from files; about a gigabyte
MANY: Final = 5_000_000
#: an approximate number of cells within this share of the limit is counted exactly
_NEAR: Final = 0.75


class Pass(NamedTuple):
    """What the pass over the rows brought.

    Attributes
    ----------
    table : pyarrow.Table
        The cells.
    pushed_down : bool
        Whether units were added up as well.
    provenance : tuple of str
        Where the rows say they come from.
    """

    table: pa.Table
    pushed_down: bool
    provenance: tuple[str, ...]


class Limits(NamedTuple):
    """What the pass may use.

    Attributes
    ----------
    memory_limit : str or None
    temp_directory : path or None
    max_cells : int or None
    progress : bool or None
    """

    memory_limit: str | None = None
    temp_directory: Path | str | None = None
    max_cells: int | None = None
    progress: bool | None = None


NO_LIMITS: Final = Limits()


def add_up(
    data: Any, plan: Plan, schema: Schema | None, limits: Limits, derived: Mapping[str, nw.Expr], /
) -> Pass:
    """Return the table of cells, whether units were added up as well, and where the rows come from.

    Raises
    ------
    DataError, DesignError
        See :func:`qstats.survey.cells.cells`.
    """
    if limits.max_cells is not None:
        whole_number("max_cells", limits.max_cells, least=1)
    if limits.progress is not None:
        yes_or_no("progress", limits.progress)
    if duck.is_files(data) and not (schema is not None and duck.is_workbook(data)):
        opened = duck.opened(data, memory_limit=limits.memory_limit, temp_directory=limits.temp_directory)
        with opened as source, progress.bar(source.connection, limits.progress):
            return _of(framed(source.relation()), plan, schema, source, limits.max_cells, derived)
    if limits.memory_limit is not None or limits.temp_directory is not None:
        raise OptionError("memory_limit and temp_directory are for files; a table has its own engine")
    if limits.progress:
        raise OptionError("progress is for files; a table has its own engine")
    if schema is None:
        return _of(framed(data), plan, None, None, limits.max_cells, derived)
    frame = data if duck.is_files(data) else framed(data)
    if isinstance(frame, nw.LazyFrame):
        return _of(frame, plan, schema, None, limits.max_cells)
    native = frame.to_native() if isinstance(frame, nw.DataFrame) else frame
    checked = check(native, schema, need=_used(plan, schema))
    return _of(framed(checked), plan, None, None, limits.max_cells)


def _used(plan: Plan, schema: Schema) -> list[str]:
    """Return the columns that the pass uses."""
    used = [*plan.keys, *plan.weights, *plan.populations, *plan.columns.values()]
    if "industry" in plan.keys and schema.column("edition"):
        used.append("edition")
    return list(dict.fromkeys(used))


def _of(
    frame: Frame,
    plan: Plan,
    schema: Schema | None,
    source: duck.Source | None,
    limit: int | None,
    derived: Mapping[str, nw.Expr] = MappingProxyType({}),
) -> Pass:
    rows = Rows(frame, source)
    if derived:
        columns_of(plan._replace(keys=tuple(name for name in plan.keys if name not in derived)), frame)
        columns = {name: nw.col(name) for name in frame.collect_schema().names()} | dict(derived)
        rows = Rows(frame.select(**columns), source, columns)
    if schema is not None:
        used = _used(plan, schema)
        found = mapped(frame, schema, used)
        if "edition" in used and "edition" not in plan.keys:
            plan = plan._replace(keys=(*plan.keys, "edition"))
        rows = Rows(frame.select(**found.columns), source, found.columns, found.watch, schema)
    with evaluating(plan):
        return _added(rows, plan, limit)


def _added(rows: Rows, plan: Plan, limit: int | None) -> Pass:
    columns_of(plan, rows.frame)
    count = _count(rows, plan, limit)
    if count > (MANY if limit is None else limit):
        pushdown.refuse(plan, count, MANY if limit is None else limit)
        pushed = pushdown.pushed(rows, plan, count=count)
        return Pass(soundness.sound_pushed(pushed, plan, rows), True, _provenance(rows))
    raw = _direct(rows, plan)
    if raw is None:
        raw = collected(aggregated(rows.frame, plan.keys, expressions(plan, rows.watch)))
    return Pass(soundness.sound(raw, plan, rows), False, _provenance(rows))


def _provenance(rows: Rows) -> tuple[str, ...]:
    """Return where the rows say they come from, whatever their engine."""
    name = PROVENANCE.name
    if name not in rows.frame.collect_schema().names():
        return ("user",)
    marks = collected(rows.frame.select(name).unique())[name].to_pylist()
    return tuple(sorted({"user" if mark is None or mark != mark else str(mark) for mark in marks}))


def _direct(rows: Rows, plan: Plan) -> pa.Table | None:
    """Return the sums of files by a query of our own, when that can say all of it."""
    if rows.source is None or rows.columns is not None or set(plan.columns) != set(plan.values):
        return None
    table: pa.Table = rows.source.connection.sql(query(plan, rows.source.text)).to_arrow_table()
    return table


def _count(rows: Rows, plan: Plan, limit: int | None) -> int:
    """Return how many cells there would be; 0 when there is no need to know.

    Files say about how many, which is enough unless it is near the limit.
    """
    if rows.source is None:
        return 0 if limit is None else pushdown.combinations(rows.frame, plan.keys)
    most = MANY if limit is None else limit
    if not plan.keys or not rows.source.large(most):
        return 0
    if rows.columns is None:
        about = rows.source.combinations(plan.keys)
        if not _NEAR * most < about < most / _NEAR:
            return about
    return pushdown.combinations(rows.frame, plan.keys)
