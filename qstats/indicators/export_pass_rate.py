"""出口商品检验合格率: the pass rate of inspected exports, by batches or by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import narwhals as nw

from qstats.checking import check
from qstats.errors import one_of
from qstats.estimate import Estimate, assemble, flags
from qstats.schema import PERIOD, REGION, Column, Rule, Schema
from qstats.stats import intervals, rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.survey.results import Interval
from qstats.tally import provenance_of, tally


def _column(name: str, kind: Literal["count", "amount"], zh: str, en: str, *aliases: str) -> Column:
    unit = "US$" if kind == "amount" else ""
    return Column(name, kind, zh, en, aliases, unit=unit, required=False, optional_cells=True)


def _failed(part: str, whole: str) -> Rule:
    return Rule("failed", "rule.failed", (part, whole), lambda: nw.col(part) > nw.col(whole))


SCHEMA: Final = Schema(
    name="export_pass_rate",
    zh="出口商品检验",
    en="export inspection",
    columns=(
        PERIOD,
        REGION,
        Column("goods", "text", "商品", "goods", ("商品类别", "商品名称", "品类"), required=False),
        _column("batches", "count", "检验批次", "batches", "出口批次", "批次"),
        _column("batches_failed", "count", "不合格批次", "batches failed"),
        _column("value", "amount", "检验货值", "value", "出口货值", "货值", "金额"),
        _column("value_failed", "amount", "不合格货值", "value failed", "不合格金额"),
    ),
    rules=(_failed("batches_failed", "batches"), _failed("value_failed", "value")),
    key=("period", "region", "goods"),
    records="batches",
)

Basis = Literal["batch", "value"]
_COLUMNS: Final = {"batch": ("batches", "batches_failed"), "value": ("value", "value_failed")}


def export_pass_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    basis: Basis = "batch",
    design: Design | None = None,
    interval: intervals.Proportion | Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the pass rate of export inspection, by batches or by value.

    .. math:: R_{batch} = 100\Big(1-\frac{\sum b_f}{\sum b}\Big), \qquad
              R_{value} = 100\Big(1-\frac{\sum v_f}{\sum v}\Big)

    Sums are pooled: never a mean of rates. The two bases differ and neither stands for the other.
    Only goods of the statutory catalogue are inspected; every cut of the catalogue (2013) breaks
    the series, and checks outside the catalogue are another population.

    Parameters
    ----------
    records : table
        ``batches, batches_failed`` (counts; a single declaration has ``batches`` = 1) or ``value,
        value_failed`` (US dollars; headers may carry 万 or 亿), whichever the basis needs, and any
        of ``period, region, goods`` or keys of your own.
    by : str or sequence of str
        Keys of the result; none: one rate for all. They are read like headers: ``"地区"`` is ``region``.
    basis : {"batch", "value"}
        What is counted.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
    interval : {"clopper-pearson", "wilson", "jeffreys", "agresti-coull"}, optional
        For batches; by default the exact one, as rates sit near 99.9 %.
        With a design by default ``logit``; also ``korn-graubard, wald, arcsine, likelihood``.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Per cent, with ``numerator`` (passed) and ``denominator``. For batches the interval is a
        superpopulation one and ``std_error`` is NaN at 0 and 100 %. For value no error is known:
        ``std_error``, the limits and ``n`` are NaN and the inference is ``none``. Without
        batches or value the rate is NaN and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (more failed than inspected, a missing count …).
    OptionError
        An interval is named for the basis value.

    References
    ----------
    Bulletins of AQSIQ on product quality; Clopper & Pearson (1934), Biometrika 26, 404–413.

    Examples
    --------
    2011, batches in units of ten thousand:

    >>> year = {"检验批次(万批)": [1342.31], "不合格批次(万批)": [2.00]}
    >>> round(100 - export_pass_rate(year).value(), 3)
    0.149
    """
    one_of("basis", basis, tuple(_COLUMNS))
    by, (whole, failed) = designed.keys_of(records, by, SCHEMA), _COLUMNS[basis]
    if (design := designed.design_of(records, design)) is not None:
        return designed.rate(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator={whole: 1, failed: -1},
            denominator={whole: 1},
            indicator="export_pass_rate",
            basis=basis,
            interval=interval,
            level=level,
        )
    if basis == "value":
        intervals.refuse(interval, "values")
    table = check(records, SCHEMA, need=[*by, whole, failed])
    totals = tally(table, by=by, sums=[whole, failed])
    n, passed = totals[whole].to_numpy(), (totals[whole] - totals[failed]).to_numpy()
    method = designed.counts_interval(interval, "clopper-pearson")
    exact = basis == "batch"
    rate = rates.counted(passed, n, method=method, level=level) if exact else rates.summed(passed, n)
    return Estimate(
        assemble(totals[by], **rate, flag=flags((n == 0, f"{whole} = 0"))),
        indicator="export_pass_rate",
        unit="%",
        method=f"pooled counts, {method} interval" if exact else "ratio of sums, error unknown",
        basis=basis,
        level=level,
        inference="superpopulation" if exact else "none",
        provenance=provenance_of(table),
        digits=2,
    )
