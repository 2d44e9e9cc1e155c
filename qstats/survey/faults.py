"""Faulty rows: how many there are of each kind, and the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw

from qstats.errors import DataError
from qstats.messages import say
from qstats.survey.engines import Frame, session_zone
from qstats.survey.plan import Plan, is_missing, is_other, marked

if TYPE_CHECKING:
    from qstats.schema import Schema
    from qstats.survey.duck import Source

#: the table of violations lists at most so many
MAX_LISTED = 1_000


class Fault(NamedTuple):
    """A kind of fault: its rule, the column to blame, where it holds, and its message."""

    rule: str
    column: str
    holds: nw.Expr
    message: str
    fields: Mapping[str, Any] = MappingProxyType({})


class Rows(NamedTuple):
    """The rows of a pass, to be looked at again when something is wrong with them.

    Attributes
    ----------
    frame : narwhals frame
        The rows, under machine names.
    source : Source or None
        The files they come from.
    columns : dict of str to narwhals.Expr or None
        How the machine names are made of the columns of the source.
    watch : sequence of Fault
        What a schema forbids.
    schema : Schema or None
    """

    frame: Frame
    source: Source | None = None
    columns: dict[str, nw.Expr] | None = None
    watch: Sequence[Fault] = ()
    schema: Schema | None = None

    def zone(self, name: str) -> str | None:
        """Return the time zone in which to read the instants of a column, where its own is lost."""
        return self.source.zone(name) if self.source else session_zone(self.frame)

    def placed(self) -> Frame:
        """Return the rows with their place: file and row, or row, where the engine knows it."""
        if self.source is not None:
            frame: Frame = nw.from_native(self.source.placed())
            return frame if self.columns is None else frame.select("#file", "#row", **self.columns)
        if isinstance(self.frame, nw.DataFrame):
            return self.frame.with_row_index("#row")
        return self.frame


def faults_of(plan: Plan, schema: Any) -> Iterator[Fault]:
    """Yield every kind of fault that a row can have."""
    for name in plan.keys:
        absent = nw.col(name).is_null()
        if schema[name].is_float():
            absent = is_missing(nw.col(name))
        yield Fault("missing", name, absent, "cells.key_missing")
    for name in plan.weights:
        weight = nw.col(name).cast(nw.Float64)
        yield Fault("missing", name, is_missing(weight), "cells.weight_missing")
        if name == plan.weight:
            yield Fault("negative", name, weight < 0, "cells.weight_negative")
        yield Fault("infinite", name, _infinite(weight), "cells.infinite")
    for name in plan.populations:
        yield Fault("missing", name, is_missing(nw.col(name).cast(nw.Float64)), "cells.fpc_missing")
    for name, value in plan.values.items():
        if plan.missing == "fail" or name in plan.required:
            yield Fault("missing", name, is_missing(value), "cells.value_missing")
        yield Fault("infinite", name, _infinite(value), "cells.infinite")
        if name in plan.shares:
            yield Fault("share", name, is_other(value) & ~_infinite(value), "cells.value_other")


def _infinite(value: nw.Expr) -> nw.Expr:
    return value.abs() == float("inf")


def report(rows: Rows, plan: Plan) -> None:
    """Raise with the full count of each kind of fault and the first thousand rows."""
    import pandas as pd

    watched = {(kind.rule, kind.column) for kind in rows.watch}
    kinds = [k for k in faults_of(plan, rows.frame.collect_schema()) if (k.rule, k.column) not in watched]
    kinds = [*rows.watch, *kinds]
    frame = rows.placed()
    sums = [marked(kind.holds).sum().alias(f"#{at}") for at, kind in enumerate(kinds)]
    counts = _pandas(frame.select(*sums)).iloc[0].fillna(0).astype(int).tolist()
    found: list[pd.DataFrame] = []
    left = MAX_LISTED
    for kind, count in zip(kinds, counts, strict=True):
        if count and left > 0:
            some = _rows(frame, kind, left)
            found.append(some)
            left -= len(some)
    if not found:
        raise DataError(say("cells.unbounded"))
    table = pd.concat(found, ignore_index=True)
    rules = ", ".join(f"{k.column}: {k.rule} × {c:,}" for k, c in zip(kinds, counts, strict=True) if c)
    first = table.iloc[0]
    where = f"{first['file']}: " if "file" in table else ""
    at = "—" if pd.isna(first["row"]) else first["row"]
    text = say(
        "cells.faults", count=f"{sum(counts):,}", rules=rules, where=where, row=at, message=first["message"]
    )
    raise DataError(text, table)


def _pandas(frame: Frame) -> Any:
    found = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    return found.to_pandas()


def _said(kind: Fault, value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else value
    return say(kind.message, **{"name": kind.column, "value": shown, **kind.fields})


def _rows(frame: Frame, kind: Fault, most: int) -> Any:
    """Return the first rows with a fault as a table of violations."""
    import pandas as pd

    names = frame.collect_schema().names()
    place = [name for name in ("#file", "#row") if name in names]
    shown = nw.col(kind.column) if kind.column in names else nw.lit(None)
    bad = frame.filter(kind.holds)
    if place and isinstance(bad, nw.LazyFrame):
        bad = bad.sort(*place)
    rows = _pandas(bad.select(*place, shown.alias("#value")).head(most))
    count = len(rows)
    table = pd.DataFrame(
        {
            "row": (rows["#row"] + 1) if "#row" in place else pd.array([pd.NA] * count, dtype="Int64"),
            "column": kind.column,
            "value": rows["#value"].astype(object),
            "rule": kind.rule,
            "message": [_said(kind, value) for value in rows["#value"]],
        }
    ).astype({"row": "Int64"})
    if "#file" in place:
        table.insert(0, "file", rows["#file"])
    return table
