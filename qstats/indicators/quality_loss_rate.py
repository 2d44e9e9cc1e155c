"""质量损失率: failure cost as a share of output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qstats.checking import check
from qstats.estimate import Estimate, assemble, flags
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Schema
from qstats.stats import rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.tally import provenance_of, tally

SCHEMA: Final = Schema(
    name="quality_loss_rate",
    zh="质量损失",
    en="quality losses",
    columns=(
        PERIOD,
        REGION,
        EDITION,
        INDUSTRY,
        Column("enterprise", "text", "企业", "enterprise", ("企业名称", "单位名称"), required=False),
        Column("internal", "amount", "内部损失", "internal", ("内部损失成本", "内部质量损失"), unit="元"),
        Column("external", "amount", "外部损失", "external", ("外部损失成本", "外部质量损失"), unit="元"),
        Column("output", "amount", "总产值", "output", ("工业总产值", "产值"), unit="元"),
    ),
    key=("period", "region", "edition", "industry", "enterprise"),
)


def quality_loss_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    design: Design | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the quality-loss rate: internal plus external failure cost over output.

    .. math:: F = 100\,\frac{\sum (C_i + C_e)}{\sum P}

    Groups are ratios of sums, never means of rates. Costs of prevention and appraisal are not in
    it; all amounts are at current prices. Lower is better, but a low rate may also be a poor
    record of losses.

    Parameters
    ----------
    records : table
        ``internal, external, output`` (one currency unit; headers may carry 万 or 亿), and any of
        ``period, region, edition, industry, enterprise`` or keys of your own. A missing cost is
        not zero: it is refused.
    by : str or sequence of str
        Keys of the result; none: one rate for all. They are read like headers: ``"地区"`` is ``region``.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
    level : float
        Confidence level, with a design.

    Returns
    -------
    Estimate
        Per cent, with ``numerator`` and ``denominator``. From totals no error is known:
        ``std_error``, limits and ``n`` are NaN, the inference is ``none``. Where the output is
        zero the rate is NaN and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (a missing cost, a negative amount, an unknown region …).

    References
    ----------
    China Statistical Yearbook 1999, table 20-55 (definition and provinces of 1998).

    Examples
    --------
    >>> costs = {"内部损失(万元)": [50], "外部损失(万元)": [22], "总产值(亿元)": [1]}
    >>> round(quality_loss_rate(costs).value(), 2)
    0.72
    """
    by = designed.keys_of(records, by, SCHEMA)
    if (design := designed.design_of(records, design)) is not None:
        return designed.amount(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator={"internal": 1, "external": 1},
            denominator={"output": 1},
            indicator="quality_loss_rate",
            basis="internal and external failure cost over output",
            level=level,
        )
    table = check(records, SCHEMA, need=by)
    totals = tally(table, by=by, sums=["internal", "external", "output"])
    cost, P = (totals["internal"] + totals["external"]).to_numpy(), totals["output"].to_numpy()
    return Estimate(
        assemble(totals[by], **rates.summed(cost, P), flag=flags((P <= 0, "output = 0"))),
        indicator="quality_loss_rate",
        unit="%",
        method="ratio of sums, error unknown",
        basis="internal and external failure cost over output",
        inference="none",
        provenance=provenance_of(table),
        digits=2,
    )
