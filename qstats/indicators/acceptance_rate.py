"""工程质量验收合格率: the share of unit works accepted, accepted at first, or appraised fine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import narwhals as nw
import numpy as np

from qstats.checking import check
from qstats.errors import one_of
from qstats.estimate import Estimate, assemble, flags
from qstats.schema import PERIOD, REGION, Column, Rule, Schema
from qstats.stats import intervals, rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.survey.results import Interval
from qstats.tally import provenance_of, tally

_MEASURES: Final = (
    ("works", "count", "验收工程数", "works", "", ("单位工程数", "竣工工程数", "验收总数")),
    ("area", "amount", "验收面积", "area", "m²", ("竣工面积", "房屋面积")),
    ("value", "amount", "验收造价", "value", "元", ("工程造价", "造价")),
)
_PARTS: Final = (
    ("passed", "验收合格", "passed"),
    ("first_time", "一次验收合格", "first time"),
    ("fine", "优良", "fine"),
)
_NOUNS: Final = {"works": "工程数", "area": "面积", "value": "造价"}


def _columns() -> tuple[Column, ...]:
    """Return works, area and value appraised, each with what of it passed, at first, or fine."""
    found = []
    for name, kind, zh, en, unit, aliases in _MEASURES:
        found.append(Column(name, kind, zh, en, aliases, unit, required=False, optional_cells=True))  # type: ignore[arg-type]
        for part, said, english in _PARTS:
            one = Column(
                f"{name}_{part}",
                kind,  # type: ignore[arg-type]
                f"{said}{_NOUNS[name]}",
                f"{en} {english}",
                unit=unit,
                required=False,
                optional_cells=True,
            )
            found.append(one)
    return tuple(found)


def _at_most(part: str, whole: str, message: str) -> Rule:
    return Rule(message.removeprefix("rule."), message, (part, whole), lambda: nw.col(part) > nw.col(whole))


def _rules() -> tuple[Rule, ...]:
    found = []
    for name, *_ in _MEASURES:
        found += [_at_most(f"{name}_{part}", name, "rule.works") for part, *_ in _PARTS]
        found.append(_at_most(f"{name}_first_time", f"{name}_passed", "rule.first_time"))
        found.append(_at_most(f"{name}_fine", f"{name}_passed", "rule.fine"))
    return tuple(found)


SCHEMA: Final = Schema(
    name="acceptance_rate",
    zh="工程质量验收",
    en="acceptance of works",
    columns=(
        PERIOD,
        REGION,
        Column("sector", "text", "工程类别", "sector", ("专业", "工程类型"), required=False),
        *_columns(),
    ),
    rules=_rules(),
    key=("period", "region", "sector"),
    records="works",
)

Outcome = Literal["accepted", "first-time", "fine"]
Basis = Literal["count", "area", "value"]
_OUTCOMES: Final = {"accepted": "passed", "first-time": "first_time", "fine": "fine"}
_BASES: Final = {"count": "works", "area": "area", "value": "value"}


def acceptance_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    outcome: Outcome = "accepted",
    basis: Basis = "count",
    design: Design | None = None,
    interval: intervals.Proportion | Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the acceptance rate of unit works, by count, floor area or value.

    .. math:: R = 100\,\frac{\sum a}{\sum N}

    a: works appraised that were accepted, accepted at the first acceptance (works that passed
    after rework are not in it), or appraised fine (优良); N: works appraised. Rates crowd at
    100 %, so N and an exact lower bound always stand beside them. Area and value weigh large
    works more; the three bases are three rates.

    Parameters
    ----------
    records : table
        ``works`` and the outcome's ``works_passed``, ``works_first_time`` or ``works_fine``
        (counts; a single work has ``works`` = 1), or the same of ``area`` or ``value``; and any
        of ``period, region, sector`` (building, highway, waterway, hydraulic) or keys of your own.
    by : str or sequence of str
        Keys of the result; none: one rate for all. They are read like headers: ``"地区"`` is ``region``.
    outcome : {"accepted", "first-time", "fine"}
        Which works count.
    basis : {"count", "area", "value"}
        What is added up.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
    interval : {"clopper-pearson", "wilson", "jeffreys", "agresti-coull"}, optional
        For counts; by default the exact one.
        With a design by default ``logit``; also ``korn-graubard, wald, arcsine, likelihood``.
    level : float
        Confidence level, of the interval and of the one-sided ``lower_bound``.

    Returns
    -------
    Estimate
        Per cent, with ``numerator``, ``denominator`` and ``lower_bound``: the exact one-sided
        bound at `level`. For area and value no error is known: ``std_error``, limits, bound and
        ``n`` are NaN and the inference is ``none``. Nothing appraised: NaN, and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (more accepted than appraised, a missing count …).
    OptionError
        An interval is named for area or value.

    References
    ----------
    China Statistical Yearbook 2001, table 14-30 (fine works by count and area); Clopper &
    Pearson (1934), Biometrika 26, 404–413. That first-time excludes rework is a hypothesis.

    Examples
    --------
    >>> rate = acceptance_rate({"works": [213], "works_passed": [213]})
    >>> rate.table[["estimate", "conf_low", "lower_bound"]].round(2).values.tolist()
    [[100.0, 98.28, 98.6]]
    """
    one_of("outcome", outcome, tuple(_OUTCOMES))
    one_of("basis", basis, tuple(_BASES))
    by, whole = designed.keys_of(records, by, SCHEMA), _BASES[basis]
    part, exact = f"{whole}_{_OUTCOMES[outcome]}", basis == "count"
    if (design := designed.design_of(records, design)) is not None:
        return designed.rate(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator={part: 1},
            denominator={whole: 1},
            indicator="acceptance_rate",
            basis=f"{outcome}, by {basis}",
            interval=interval,
            level=level,
        )
    if not exact:
        intervals.refuse(interval, f"{basis}s")
    table = check(records, SCHEMA, need=[*by, whole, part])
    totals = tally(table, by=by, sums=[whole, part])
    n, a = totals[whole].to_numpy(), totals[part].to_numpy()
    method = designed.counts_interval(interval, "clopper-pearson")
    rate = rates.counted(a, n, method=method, level=level) if exact else rates.summed(a, n)
    bound = 100 * intervals.lower_bound(a, n, level=level) if exact else np.full(n.shape, np.nan)
    return Estimate(
        assemble(totals[by], **rate, lower_bound=bound, flag=flags((n == 0, f"{whole} = 0"))),
        indicator="acceptance_rate",
        unit="%",
        method=f"pooled counts, {method} interval" if exact else "ratio of sums, error unknown",
        basis=f"{outcome}, by {basis}",
        level=level,
        inference="superpopulation" if exact else "none",
        provenance=provenance_of(table),
        digits=2,
    )
