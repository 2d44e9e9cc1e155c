"""Cells that would outgrow memory: sampled units are added up as well, on the engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Final, NamedTuple

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from qstats.errors import DataError, DesignError, OptionError
from qstats.messages import say
from qstats.survey.design import Design
from qstats.survey.engines import Frame, aggregated, collected
from qstats.survey.faults import Rows
from qstats.survey.plan import Expressions, Plan, expressions, marked, square_name
from qstats.survey.query import quoted

#: so many cells with units told apart are made at once, where parts of the rows can be taken
PART: Final = 2_000_000
NOTHING: Final = Expressions({}, (), ())


class Pushed(NamedTuple):
    """What the engine brings back.

    Attributes
    ----------
    raw : pyarrow.Table
        One row a combination of the keys that are not units: the sums, ``#units``, and the sums over
        units of the squares and products of their totals.
    units : pyarrow.Table
        Strata and the number of units in each, ``#units``.
    """

    raw: pa.Table
    units: pa.Table


def refuse(plan: Plan, count: int, limit: int) -> None:
    """Raise when the units cannot be added up: the estimate needs each of them."""
    design = plan.design
    fields = {"count": f"{count:,}", "limit": f"{limit:,}"}
    if design is None or design.elements:
        raise DataError(say("cells.too_many", **fields))
    made = design.replication
    reasons = {
        "stages": len(design.stages) > 1,
        "calibrate": bool(design.calibrations),
        "replicate": made is not None and not made.columns,
    }
    for name, holds in reasons.items():
        if holds:
            raise DesignError(say("cells.no_push", reason=say(f"cells.no_push.{name}"), **fields))
    if plan.decimals is not None:
        raise OptionError(say("cells.no_push", reason="decimals", **fields))


def pushed(rows: Rows, plan: Plan, /, *, count: int = 0) -> Pushed:
    r"""Return the sums of each domain in each stratum, and of its units the second moments.

    With :math:`t_{is} = \sum_{j \in i} w_j s_j` the total of unit i, a row holds
    :math:`\sum_i t_{is}` and :math:`\sum_i t_{is} t_{it}` for each pair of sums. The first are sums over
    rows and need no units. Only the totals that are multiplied are made for each unit, and on DuckDB for
    :data:`PART` of the cells at a time: a unit is in one part, so the moments of the parts add up.

    Parameters
    ----------
    rows : Rows
    plan : Plan
    count : int
        How many cells there are with units told apart, about.
    """
    design = plan.design
    assert design is not None
    made = expressions(plan, rows.watch)
    outer = [name for name in plan.keys if name not in design.stages]
    parts = _parts(rows.frame, design.stages[0], count)
    found = [aggregated(rows.frame, outer, made), *(_moments(part, plan, made, outer) for part in parts)]
    return Pushed(_joined([collected(f) for f in found], outer, made), _units(rows.frame, design))


def _moments(frame: Frame, plan: Plan, made: Expressions, outer: list[str]) -> Frame:
    """Return the number of units by the outer keys, and the sums of products of their totals."""
    constant = next((name for name in ("weight", "#kept") if name in made.addends), "#rows")
    wanted = [name for name in (constant, *plan.values) if name in made.addends]
    inner = aggregated(frame, plan.keys, Expressions({name: made.addends[name] for name in wanted}, (), ()))
    totals = {"": constant} | {name: name for name in plan.values}
    total = {s: nw.col(name).cast(nw.Float64) for s, name in totals.items()}
    adds = {
        square_name(*filter(None, pair)): total[pair[0]] * total[pair[1]]
        for pair in combinations_with_replacement(totals, 2)
    }
    return aggregated(inner, outer, Expressions(adds, (), ()), count="#units")


def _parts(frame: Frame, unit: str, count: int) -> Iterator[Frame]:
    """Yield the rows in parts that hold all rows of a unit, as many as memory wants; one part elsewhere."""
    parts = -(-count // PART)
    if parts < 2 or not frame.implementation.is_duckdb():
        yield frame
        return
    for part in range(parts):
        yield nw.from_native(frame.to_native().filter(f"hash({quoted(unit)}) % {parts} = {part}"))


def _joined(found: list[pa.Table], outer: list[str], made: Expressions) -> pa.Table:
    """Add up by the outer keys what several queries tell of them."""
    whole = pa.concat_tables(found, promote_options="permissive")
    how = dict.fromkeys(made.least, "min") | dict.fromkeys(made.largest, "max")
    names = [name for name in whole.column_names if name not in outer]
    try:
        whole = whole.unify_dictionaries()
        added = whole.group_by(outer, use_threads=False).aggregate([(n, how.get(n, "sum")) for n in names])
    except pa.ArrowNotImplementedError as error:
        raise DataError(say("cells.key_unread", names=", ".join(outer), error=error)) from None
    return added.rename_columns([*outer, *names] if added.column_names[0] in outer else [*names, *outer])


def _units(frame: Frame, design: Design) -> pa.Table:
    """Return how many units each stratum has, or raise when one lies in two."""
    unit, strata = design.stages[0], design.strata
    if strata is None or design.nest:
        distinct = frame.select(*filter(None, (strata, unit))).unique()
        return collected(aggregated(distinct, [strata] if strata else [], NOTHING, count="#units"))
    ends = Expressions({"#a": nw.col(strata), "#b": nw.col(strata)}, ("#a",), ("#b",))
    placed = aggregated(frame, [unit], ends)
    twice = nw.col("#a") != nw.col("#b")
    counted = collected(
        aggregated(placed, ["#a"], Expressions({"#twice": marked(twice)}, (), ()), count="#units")
    )
    many = pc.sum(counted["#twice"]).as_py()
    if many:
        row = collected(placed.filter(twice).head(1)).to_pylist()[0]
        fields = {"unit": f"{unit}={row[unit]}", "first": row["#a"], "second": row["#b"]}
        raise DesignError(say("cells.two_strata", strata=strata, count=int(many), **fields))
    return counted.rename_columns({"#a": strata})


def combinations(frame: Frame, names: tuple[str, ...], /) -> int:
    """Return how many cells there would be."""
    if not names:
        return 1
    try:
        found = collected(frame.select(*names).unique().select(nw.len().alias("#n")))
    except TypeError as error:  # lists and the like in a column of objects
        raise DataError(say("cells.key_unread", names=", ".join(names), error=error)) from None
    return int(found["#n"][0].as_py())
