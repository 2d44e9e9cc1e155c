"""产品质量监督抽查合格率: the pooled pass rate of spot checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import narwhals as nw

from qstats.checking import check
from qstats.errors import one_of
from qstats.estimate import Estimate, assemble, flags
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Rule, Schema
from qstats.stats import intervals, rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.survey.results import Interval
from qstats.tally import provenance_of, tally

SCHEMA: Final = Schema(
    name="inspection_pass_rate",
    zh="产品质量监督抽查",
    en="supervisory spot checks",
    columns=(
        PERIOD,
        REGION,
        EDITION,
        INDUSTRY,
        Column("product", "text", "产品", "product", ("产品名称", "产品种类"), required=False),
        Column("size", "text", "企业规模", "size", ("规模",), required=False),
        Column("channel", "text", "渠道", "channel", ("抽样渠道", "领域"), required=False),
        Column("inspected", "count", "检验数", "inspected", ("抽查批次", "检验批次", "抽样数", "抽查数")),
        Column("passed", "count", "合格数", "passed", ("合格批次",)),
    ),
    rules=(
        Rule(
            "passed", "rule.passed", ("passed", "inspected"), lambda: nw.col("passed") > nw.col("inspected")
        ),
    ),
    key=("period", "region", "edition", "industry", "product", "size", "channel"),
    records="inspected",
)

Unit = Literal["batches", "products", "enterprises"]


def inspection_pass_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    basis: Unit = "batches",
    design: Design | None = None,
    interval: intervals.Proportion | Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the pass rate of spot checks: conforming over inspected, pooled.

    .. math:: R = 100\,\frac{\sum q}{\sum n}

    Pooled and unweighted, as the bulletins do: never a mean of rates. Spot checks are aimed at
    risk, so this is no estimate of the quality on the market, and years are not comparable
    without a decomposition into mix and rate. Use :func:`product_pass_rate` for the market.

    Parameters
    ----------
    records : table
        Columns ``inspected`` and ``passed`` (counts; single records have ``inspected`` = 1), and
        any of ``period, region, edition, industry, product, size, channel`` or keys of your own.
    by : str or sequence of str
        Keys of the result; none: one rate for all. They are read like headers: ``"地区"`` is ``region``.
    basis : {"batches", "products", "enterprises"}
        What was counted. It changes no number, and is always stated with it.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
    interval : {"wilson", "clopper-pearson", "jeffreys", "agresti-coull"}, optional
        By default Wilson.
        With a design by default ``logit``; also ``korn-graubard, wald, arcsine, likelihood``.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Percent. The interval is a superpopulation one: how far the rate of this process could
        be from the one seen; it says nothing about products that were not at risk of a check.
        ``std_error`` is NaN at 0 and 100 %, where only the interval is known. ``numerator`` and
        ``denominator`` are the counts; ``flag`` says why a rate is undefined.

    Raises
    ------
    DataError
        The table breaks the schema (more passed than inspected, an unknown region …), or a sum
        would count something twice (a region and one that contains it).

    References
    ----------
    Bulletins of national spot checks; Brown, Cai & DasGupta (2001) for the interval.

    Examples
    --------
    The first half of 2015: 2,476 batches, of which 237 failed.

    >>> rate = inspection_pass_rate({"inspected": [2476], "passed": [2476 - 237]})
    >>> round(rate.value(), 1)
    90.4
    """
    one_of("basis", basis, ("batches", "products", "enterprises"))
    by = designed.keys_of(records, by, SCHEMA)
    if (design := designed.design_of(records, design)) is not None:
        return designed.rate(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator={"passed": 1},
            denominator={"inspected": 1},
            indicator="inspection_pass_rate",
            basis=basis,
            interval=interval,
            level=level,
            digits=1,
        )
    method = designed.counts_interval(interval, "wilson")
    table = check(records, SCHEMA, need=by)
    totals = tally(table, by=by, sums=["inspected", "passed"])
    n, q = totals["inspected"].to_numpy(), totals["passed"].to_numpy()
    rate = rates.counted(q, n, method=method, level=level)
    return Estimate(
        assemble(totals[by], **rate, flag=flags((n == 0, "inspected = 0"))),
        indicator="inspection_pass_rate",
        unit="%",
        method=f"pooled counts, {method} interval",
        basis=basis,
        level=level,
        inference="superpopulation",
        provenance=provenance_of(table),
        digits=1,
    )
