"""Cells that would outgrow memory: sampled units are added up as well, on the engine."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import NamedTuple

import narwhals as nw
import pyarrow as pa

from qstats.errors import DataError, DesignError, OptionError
from qstats.messages import say
from qstats.survey.design import Design
from qstats.survey.engines import Frame, aggregated, collected
from qstats.survey.faults import Rows
from qstats.survey.plan import Expressions, Plan, expressions, square_name


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


def pushed(rows: Rows, plan: Plan, /) -> Pushed:
    r"""Return the sums of each domain in each stratum, and of its units the second moments.

    With :math:`t_{is} = \sum_{j \in i} w_j s_j` the total of unit i, a row holds
    :math:`\sum_i t_{is}` and :math:`\sum_i t_{is} t_{it}` for each pair of sums.
    """
    design = plan.design
    assert design is not None
    made = expressions(plan, rows.watch)
    inner = aggregated(rows.frame, plan.keys, made)
    constant = nw.col(
        "weight" if "weight" in made.addends else "#kept" if "#kept" in made.addends else "#rows"
    )
    totals = {name: nw.col(name).cast(nw.Float64) for name in plan.values} | {"": constant.cast(nw.Float64)}
    adds = {"#rows": nw.col("#rows")} | {name: nw.col(name) for name in made.addends}
    for s, t in combinations_with_replacement(["", *plan.values], 2):
        adds[square_name(*filter(None, (s, t)))] = totals[s] * totals[t]
    outer = [name for name in plan.keys if name not in design.stages]
    result = aggregated(inner, outer, Expressions(adds, made.least, made.largest), count="#units")
    return Pushed(collected(result), _units(rows.frame, design))


def _units(frame: Frame, design: Design) -> pa.Table:
    """Return how many units each stratum has, or raise when one lies in two."""
    unit = design.stages[0]
    pairs = [design.strata] if design.strata else []
    distinct = frame.select(*dict.fromkeys([*pairs, unit])).unique()
    if design.strata and not design.nest:
        twice = collected(
            distinct.group_by(unit)
            .agg(
                nw.len().alias("#n"),
                nw.col(design.strata).min().alias("#a"),
                nw.col(design.strata).max().alias("#b"),
            )
            .filter(nw.col("#n") > 1)
        )
        if twice.num_rows:
            row = {name: twice[name][0].as_py() for name in twice.column_names}
            fields = {"unit": f"{unit}={row[unit]}", "first": row["#a"], "second": row["#b"]}
            raise DesignError(say("cells.two_strata", strata=design.strata, count=twice.num_rows, **fields))
    counted = (
        distinct.group_by(pairs).agg(nw.len().alias("#units"))
        if pairs
        else distinct.select(nw.len().alias("#units"))
    )
    return collected(counted)


def combinations(frame: Frame, names: tuple[str, ...], /) -> int:
    """Return how many cells there would be."""
    if not names:
        return 1
    return int(collected(frame.select(*names).unique().select(nw.len().alias("#n")))["#n"][0].as_py())
