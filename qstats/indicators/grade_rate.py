"""产品质量等级品率: output of three grades, weighted, over output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import narwhals as nw

from qstats.checking import check
from qstats.errors import OptionError, one_of, real_number
from qstats.estimate import Estimate, assemble, flags
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Rule, Schema
from qstats.stats import rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.tally import provenance_of, tally

GRADES: Final = ("superior", "first", "qualified")
#: three shares printed to two decimals may add up to 100.015 by rounding alone
_ROUNDING: Final = 1.00015

SCHEMA: Final = Schema(
    name="grade_rate",
    zh="产品质量等级",
    en="grades of products",
    columns=(
        PERIOD,
        REGION,
        EDITION,
        INDUSTRY,
        Column("enterprise", "text", "企业", "enterprise", ("企业名称", "单位名称"), required=False),
        Column("superior", "amount", "优等品产值", "superior", ("优等品",), unit="元"),
        Column("first", "amount", "一等品产值", "first", ("一等品",), unit="元"),
        Column("qualified", "amount", "合格品产值", "qualified", ("合格品",), unit="元"),
        Column(
            "output",
            "amount",
            "总产值",
            "output",
            ("工业总产值", "产值"),
            unit="元",
            required=False,
            optional_cells=True,
        ),
    ),
    rules=(
        Rule(
            "grades",
            "rule.grades",
            ("output", *GRADES),
            lambda: nw.sum_horizontal(*GRADES) > nw.col("output") * _ROUNDING,
        ),
    ),
    key=("period", "region", "edition", "industry", "enterprise"),
)


def grade_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    weights: Sequence[float] = (1.5, 1.0, 0.5),
    denominator: Literal["total", "graded"] = "total",
    design: Design | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the grade rate: output of superior, first and qualified grade, weighted, over output.

    .. math:: G = 100\,\frac{1.5\sum P_1 + 1.0\sum P_2 + 0.5\sum P_3}{\sum P}

    All superior gives 150, all first 100, all qualified 50. The weights are the provisional ones
    of 1991. The three grades need not add up to the output (ungraded output scores nothing), so
    the denominator is always named. Grades refer to standards; they rise when a standard falls.

    Parameters
    ----------
    records : table
        ``superior, first, qualified`` and, for the total, ``output``: amounts in one unit, or
        shares with an output of 100; any of ``period, region, edition, industry, enterprise`` or
        keys of your own.
    by : str or sequence of str
        Keys of the result; none: one rate for all. They are read like headers: ``"地区"`` is ``region``.
    weights : three numbers ≥ 0
        Of superior, first and qualified grade.
    denominator : {"total", "graded"}
        All output, or the output of the three grades.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
    level : float
        Confidence level, with a design.

    Returns
    -------
    Estimate
        Per cent, with ``numerator`` (weighted output) and ``denominator``. From totals no error is
        known: ``std_error``, limits and ``n`` are NaN, the inference is ``none``. Where the
        denominator is zero the rate is NaN and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (grades above the output, a missing amount …).
    OptionError
        The weights are not three numbers ≥ 0.

    References
    ----------
    China Statistical Yearbook 1999, table 20-55; provisional weights of 1991.

    Examples
    --------
    >>> nation = {"superior": [19.80], "first": [39.50], "qualified": [40.17], "output": [100]}
    >>> round(grade_rate(nation).value(), 3), round(grade_rate(nation, denominator="graded").value(), 3)
    (89.285, 89.761)
    """
    one_of("denominator", denominator, ("total", "graded"))
    w = _checked(weights)
    by, total = designed.keys_of(records, by, SCHEMA), denominator == "total"
    if (design := designed.design_of(records, design)) is not None:
        return designed.amount(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator=dict(zip(GRADES, w, strict=True)),
            denominator={"output": 1} if total else dict.fromkeys(GRADES, 1),
            indicator="grade_rate",
            basis=f"over {denominator} output",
            level=level,
        )
    needed = ["output"] if total else []
    table = check(records, SCHEMA, need=[*by, *needed])
    sums = tally(table, by=by, sums=[*GRADES, *needed])
    graded = sums[list(GRADES)]
    P = (sums["output"] if total else graded.sum(axis=1)).to_numpy()
    score = rates.grade_score(graded["superior"], graded["first"], graded["qualified"], w)
    return Estimate(
        assemble(sums[by], **rates.summed(score, P), flag=flags((P <= 0, f"{denominator} output = 0"))),
        indicator="grade_rate",
        unit="%",
        method=f"ratio of sums, weights {'/'.join(f'{x:g}' for x in w)}, error unknown",
        basis=f"over {denominator} output",
        inference="none",
        provenance=provenance_of(table),
        digits=2,
    )


def _checked(weights: Sequence[float]) -> tuple[float, ...]:
    if not isinstance(weights, Iterable):
        raise OptionError(f"weights={weights!r:.200} are not three numbers; say (1.5, 1.0, 0.5)")
    for weight in (weights := tuple(weights)):
        real_number("weights", weight)
    found = tuple(float(w) for w in weights)
    if len(found) != len(GRADES) or not all(math.isfinite(w) and w >= 0 for w in found):
        raise OptionError(
            f"weights={tuple(weights)!r} are not three numbers of at least 0 (superior, first, qualified); "
            "the provisional ones are (1.5, 1.0, 0.5)"
        )
    return found
