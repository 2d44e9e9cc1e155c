"""What is added up in each cell: the sums that a design needs, as expressions of any engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations_with_replacement
from operator import and_, mul
from typing import Any, Final, NamedTuple

import narwhals as nw

from qstats.errors import DataError, OptionError, one_of, whole_number
from qstats.survey.adjustments import ONE
from qstats.survey.design import Design, Missing

#: columns of cells that are numbers of things; no key and no sum may have these names, nor ``weight``
COUNTED: Final = ("rows", "n", "missing", "units", "stratum_units")
#: decimals that sums can be rounded to
MOST_DECIMALS: Final = 15
OMITTED: Final = "weight@missing"
OMITTED_SQUARE: Final = "weight²@missing"


class Sum(NamedTuple):
    """One column of the cells: Σ over rows of a product of columns.

    Attributes
    ----------
    name : str
        Name of the column.
    weight : str or None
        Which weight multiplies: the column of the sampling weight or of a replicate; None: 1.
    power : int
        1, or 2 for Σ w² s t.
    factors : tuple of str
        The variables multiplied (none: the constant).
    omitted : bool
        Whether it is added up over the rows that are left out rather than those kept.
    """

    name: str
    weight: str | None
    power: int
    factors: tuple[str, ...]
    omitted: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a number of rows."""
        return self.weight is None and not self.factors


class Plan(NamedTuple):
    """What a pass over the rows has to bring.

    Attributes
    ----------
    by, keys : tuple of str
        Keys asked for; these, strata, units and calibration categories.
    asked : tuple of str
        Names of the sums asked for.
    design : Design or None
    values : dict of str to narwhals.Expr
        The variables to add up, as numbers.
    columns : dict of str to str
        The columns among them (others are expressions).
    required : tuple of str
        Variables that may not be missing in any row whatever the policy (auxiliaries).
    sums : tuple of Sum
    missing : {"fail", "omit"}
    decimals : int or None
    shares : tuple of str
        Variables that are 0 or 1 in every row.
    """

    by: tuple[str, ...]
    keys: tuple[str, ...]
    asked: tuple[str, ...]
    design: Design | None
    values: dict[str, nw.Expr]
    columns: dict[str, str]
    required: tuple[str, ...]
    sums: tuple[Sum, ...]
    missing: Missing
    decimals: int | None
    shares: tuple[str, ...] = ()

    @property
    def weight(self) -> str | None:
        """Column of the sampling weight."""
        return self.design.weight if self.design else None

    @property
    def declared(self) -> tuple[str, ...]:
        """Keys that the caller or the design names."""
        return tuple(dict.fromkeys([*self.by, *_keys_of(self.design)]))

    @property
    def populations(self) -> tuple[str, ...]:
        """Columns of the numbers of units in the population."""
        return self.design.populations if self.design else ()

    @property
    def replicates(self) -> tuple[str, ...]:
        """Columns of replicate weights."""
        made = self.design.replication if self.design else None
        return made.columns if made else ()

    @property
    def weights(self) -> tuple[str, ...]:
        """Columns of all weights."""
        return (*([self.weight] if self.weight else []), *self.replicates)

    @property
    def measured(self) -> tuple[str, ...]:
        """Variables whose missing values the policy is about."""
        return tuple(name for name in self.values if name not in self.required)


def plan(
    by: Sequence[str],
    design: Design | None,
    sums: str | Sequence[str] | Mapping[str, str | nw.Expr],
    missing: Missing | None,
    decimals: int | None,
) -> Plan:
    """Return what has to be added up for estimates of these sums under this design."""
    if isinstance(sums, str):
        sums = [sums]
    _refuse_arguments(design, sums)
    if missing is not None:
        one_of("missing", missing, ("fail", "omit"))
    if decimals is not None:
        whole_number("decimals", decimals, least=0)
        if decimals > MOST_DECIMALS:
            raise OptionError(
                f"decimals={decimals} is more than {MOST_DECIMALS}, which is all that a number has"
            )
    given = dict(sums) if isinstance(sums, Mapping) else {name: name for name in sums}
    values = {name: nw.col(e) if isinstance(e, str) else e for name, e in given.items()}
    steps = design.calibrations if design else ()
    auxiliaries = tuple(dict.fromkeys(name for step in steps for name in step.continuous))
    for name in auxiliaries:
        if not isinstance(given.get(name, name), str) or given.get(name, name) != name:
            raise DataError(f"{name!r} is calibrated to, so no other sum can have its name")
    values |= {name: nw.col(name) for name in auxiliaries}
    keys = list(dict.fromkeys([*by, *_keys_of(design)]))
    policy: Missing = missing or (design.missing if design else "fail")
    found = tuple(_sums(design, tuple(values), auxiliaries, policy))
    _refuse_names(keys, tuple(values), design.populations if design else (), found)
    values = {name: expression.cast(nw.Float64) for name, expression in values.items()}
    columns = {name: e for name, e in given.items() if isinstance(e, str)} | {c: c for c in auxiliaries}
    return Plan(
        tuple(by), tuple(keys), tuple(given), design, values, columns, auxiliaries, found, policy, decimals
    )


def _refuse_arguments(design: object, sums: object) -> None:
    """Raise unless the design is a Design, and what is added up has names."""
    if design is not None and not isinstance(design, Design):
        raise OptionError(
            f"design={design!r:.200} is not a Design; say qs.Design(weight=…, strata=…, cluster=…)",
            argument="design",
            value=design,
        )
    if not isinstance(sums, Iterable):
        raise OptionError(f"sums={sums!r:.200} are not names of columns")
    odd: list[Any] = [name for name in sums if not isinstance(name, str)]
    if isinstance(sums, Mapping):
        odd += [e for e in sums.values() if not isinstance(e, str | nw.Expr)]
    if odd:
        raise OptionError(f"{odd[0]!r:.200} is not the name of a column; give text", value=odd[0])


def _keys_of(design: Design | None) -> list[str]:
    """Return the columns that a design tells cells apart by."""
    if design is None:
        return []
    strata = [design.strata] if design.strata else []
    return [*strata, *design.stages, *(name for step in design.calibrations for name in step.categorical)]


def _sums(
    design: Design | None, values: tuple[str, ...], auxiliaries: tuple[str, ...], missing: Missing
) -> Iterator[Sum]:
    w = design.weight if design else None
    yield Sum("weight", w, 1, ())
    for s in values:
        yield Sum(s, w, 1, (s,))
    if design is None:
        return
    for s, t in combinations_with_replacement(values, 2):
        yield Sum(product_name(s, t), w, 1, (s, t))
    if design.elements and w is not None:
        yield Sum(square_name(), w, 2, ())
        for s in values:
            yield Sum(square_name(s), w, 2, (s,))
        for s, t in combinations_with_replacement(values, 2):
            yield Sum(square_name(s, t), w, 2, (s, t))
    if missing == "omit":
        yield Sum(OMITTED, w, 1, (), omitted=True)
        if design.elements and w is not None:
            yield Sum(OMITTED_SQUARE, w, 2, (), omitted=True)
        for c in auxiliaries:
            yield Sum(f"{c}@missing", w, 1, (c,), omitted=True)
        for c, d in combinations_with_replacement(auxiliaries, 2):
            yield Sum(f"{product_name(c, d)}@missing", w, 1, (c, d), omitted=True)
    for r in design.replication.columns if design.replication else ():
        yield Sum(replicate_name(ONE, r), r, 1, ())
        for s in values:
            yield Sum(replicate_name(s, r), r, 1, (s,))


def product_name(s: str, t: str, /) -> str:
    """Return the name of the column Σ w s t."""
    return f"{s}*{t}"


def square_name(*factors: str) -> str:
    """Return the name of the column Σ w² s t (of as many factors as are given)."""
    return "*".join(("weight²", *factors))


def replicate_name(s: str, replicate: str, /) -> str:
    """Return the name of the column Σ r s of a replicate weight."""
    return f"{'weight' if s == ONE else s}@{replicate}"


def _refuse_names(
    keys: Sequence[str], values: Sequence[str], populations: Sequence[str], sums: Sequence[Sum]
) -> None:
    """Raise when two columns of the cells would have one name."""
    for name in (*keys, *populations, *values):
        if name in (*COUNTED, "weight"):
            raise DataError(
                f"{name!r} is the name of a column of cells; call yours something else, "
                f"for sums with a mapping: sums={{'my_{name}': {name!r}}}"
            )
    made = [s.name for s in sums]
    both = [name for name in (*keys, *populations) if name in made]
    if both:
        raise DataError(
            f"{both[0]!r} tells cells apart or carries the population, and is to be added up: "
            f"name the sum otherwise, sums={{'sum_of_{both[0]}': {both[0]!r}}}"
        )
    shared = [name for name in populations if name in keys]
    if shared:
        raise DataError(f"{shared[0]!r} carries the population and cannot tell cells apart; copy the column")
    twice = [name for name in made if made.count(name) > 1]
    if twice:
        raise DataError(f"two sums would be called {twice[0]!r}; name them otherwise with a mapping")


class Expressions(NamedTuple):
    """The plan as narwhals expressions.

    Attributes
    ----------
    addends : dict of str to narwhals.Expr
        What a row adds, or counts, under the name of its result.
    least, largest : tuple of str
        Names of addends of which the minimum, the maximum is taken rather than the sum.
    """

    addends: dict[str, nw.Expr]
    least: tuple[str, ...]
    largest: tuple[str, ...]


def expressions(plan: Plan, watch: Sequence[Any] = ()) -> Expressions:
    """Return what each row contributes, in the order of the result.

    `watch` are faults to count as well. Names with ``#`` are internal: nobody outside sees them.
    """
    weights = {name: nw.col(name).cast(nw.Float64) for name in plan.weights}
    kept = _kept(plan) if plan.missing == "omit" and plan.measured else None
    adds: dict[str, nw.Expr] = {}
    if kept is not None:
        adds["#kept"] = kept.cast(nw.Int64)
    if plan.weight:
        present = weights[plan.weight] != 0
        adds["#n"] = (present if kept is None else present & kept).cast(nw.Int64)
        adds["#known " + plan.weight] = (~nw.col(plan.weight).is_null()).cast(nw.Int64)
    for name in (*plan.required, *(() if kept is not None else plan.measured), *plan.replicates):
        source = plan.values[name] if name in plan.values else weights[name]
        adds["#known " + name] = (~source.is_null()).cast(nw.Int64)
    least, largest = [], []
    for name in plan.shares:
        adds["#other " + name] = marked(is_other(plan.values[name]))
    for s in plan.sums:
        if s.counts or (s.omitted and kept is None):
            continue
        addend = _addend(s, plan, weights)
        if kept is not None:
            addend = nw.when(~kept if s.omitted else kept).then(addend)
        if plan.decimals is not None:
            adds["#max " + s.name] = addend.abs()
            largest.append("#max " + s.name)
            addend = _whole(addend, plan.decimals)
        adds[s.name] = addend
    if plan.weight:
        adds["#min"] = weights[plan.weight]
        least.append("#min")
    for name in plan.populations:
        adds["#low " + name] = adds["#high " + name] = nw.col(name).cast(nw.Float64)
        adds["#known " + name] = (~nw.col(name).is_null()).cast(nw.Int64)
        least.append("#low " + name)
        largest.append("#high " + name)
    for at, fault in enumerate(watch):
        adds[f"#fault {at}"] = marked(fault.holds)
    return Expressions(adds, tuple(least), tuple(largest))


def marked(holds: nw.Expr, /) -> nw.Expr:
    """Return 1 where a condition holds, else 0; also where it is not known whether it holds."""
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0))


def is_other(value: nw.Expr, /) -> nw.Expr:
    """Return where a number is there, and neither 0 nor 1."""
    return (value != 0) & (value != 1) & ~is_missing(value)


def is_missing(value: nw.Expr, /) -> nw.Expr:
    """Return where a number is absent: null, or not a number."""
    return value.is_null() | value.is_nan()


def _kept(plan: Plan) -> nw.Expr:
    """Return the rows with a value in everything that is added up."""
    return reduce(and_, (~is_missing(plan.values[name]) for name in plan.measured))


def _addend(s: Sum, plan: Plan, weights: Mapping[str, nw.Expr]) -> nw.Expr:
    factors = [weights[s.weight]] * s.power if s.weight else []
    return reduce(mul, [*factors, *(plan.values[f] for f in s.factors)])


def _whole(addend: nw.Expr, decimals: int) -> nw.Expr:
    """Return the addend as a whole number of units of the last decimal, half of one rounded up."""
    scaled = (addend * 10.0**decimals + 0.5).floor()
    return nw.when(scaled.abs() < 2.0**62).then(scaled).otherwise(nw.lit(0.0)).fill_null(0.0).cast(nw.Int64)
