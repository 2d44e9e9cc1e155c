"""制造业产品质量合格率: the output-weighted pass rate of manufactured products, in two layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import narwhals as nw
import numpy as np

from qstats.checking import check
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate, assemble, flags
from qstats.messages import say
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Rule, Schema
from qstats.stats import intervals, rates
from qstats.survey import designed
from qstats.survey.design import Design
from qstats.survey.results import Interval
from qstats.tally import provenance_of, refuse_mixture, tally

if TYPE_CHECKING:
    import pandas as pd

_CELL: Final = ("period", "region", "edition", "industry")

SCHEMA: Final = Schema(
    name="product_pass_rate",
    zh="制造业产品质量合格率",
    en="manufacturing product quality",
    columns=(
        PERIOD,
        REGION,
        replace(EDITION, required=True),
        replace(INDUSTRY, required=True),
        Column("product", "text", "产品", "product", ("产品名称", "产品种类"), required=False),
        Column("size", "text", "企业规模", "size", ("规模",), required=False),
        Column("inspected", "count", "检验数", "inspected", ("抽查批次", "检验批次", "抽样数", "抽查数")),
        Column("passed", "count", "合格数", "passed", ("合格批次",)),
        Column("output", "amount", "总产值", "output", ("工业总产值", "产值"), unit="元"),
    ),
    rules=(
        Rule(
            "passed", "rule.passed", ("passed", "inspected"), lambda: nw.col("passed") > nw.col("inspected")
        ),
    ),
    key=(*_CELL, "product", "size"),
    records="inspected",
    constant=("output",),
    cell=_CELL,
)

Order = Literal["region-first", "industry-first"]
Empty = Literal["renormalise", "borrow", "raise"]


def product_pass_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    order: Order = "region-first",
    empty: Empty = "renormalise",
    design: Design | None = None,
    interval: intervals.Proportion | Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the manufacturing product quality pass rate (RPQ), weighted by output in two layers.

    .. math:: p_{ri} = \frac{q_{ri}}{n_{ri}}, \qquad
              RPQ_r = \sum_i \frac{V_{ri}}{\sum_j V_{rj}}\,p_{ri}, \qquad
              RPQ = \sum_r \frac{V_r}{\sum_s V_s}\,RPQ_r

    Industries within regions, then regions (or the other way round, see `order`); by industry the
    weights are the outputs of its regions. With :math:`W_{ri}` the resulting weight of a cell,

    .. math:: \operatorname{var} = \sum W_{ri}^2\,\frac{p_{ri}(1-p_{ri})}{n_{ri}-1}, \qquad
              n_{eff} = \Big(\sum W_{ri}^2/n_{ri}\Big)^{-1}

    for independent cells. A cell with n = 1 or p ∈ {0, 1} borrows the pooled variance of its
    industry (of all cells, when the whole industry shows none); the notes count them. Products
    are taken as drawn at random within their cell; clustering in enterprises is not seen.

    Parameters
    ----------
    records : table
        ``edition, industry, inspected, passed, output`` and any of ``period, region, product,
        size`` or keys of your own. Rows are totals, or single products with ``inspected`` = 1;
        ``output`` is that of the cell (period × region × edition × industry, × your own keys) and
        stands the same in all its rows. A row with ``inspected`` = 0 tells the output of a cell
        that was not surveyed.
    by : str or sequence of str
        Keys of the result: none for the nation, region, industry, both, or any other column; read
        like headers (``"地区"`` is ``region``).
        Outputs of different periods do not add up, so with several periods it must be among them.
    order : {"region-first", "industry-first"}
        Which layer is renormalised over gaps first. With region-first a region keeps its whole
        output as weight although some of its industries were not surveyed; with industry-first an
        industry does. Without gaps the two are equal.
    empty : {"renormalise", "borrow", "raise"}
        A cell of positive output without inspected products: leave it out and renormalise; take
        the output-weighted national rate of its industry in the same period (an industry surveyed
        nowhere is still left out); or refuse.
    design : Design, optional
        How records were sampled: the cell rates, their covariances and so the error are then the
        design's (inference ``design``). A cell in which nothing failed adds no variance.
    interval : {"wilson", "clopper-pearson", "jeffreys", "agresti-coull"}, optional
        On n_eff; by default Wilson; with a design ``logit`` (also ``korn-graubard`` …). (Wald's
        covers 57 to 79 % with 29 small cells at such rates.)
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Per cent, with ``n_eff`` and ``coverage``, the share of the output that was surveyed
        (borrowing does not raise it). ``n`` counts the products inspected in the row's own cells of
        positive output. Where nothing was inspected the rate is NaN and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (a missing output weight, an output that varies within a
        cell …), several periods or editions would be averaged, or a cell is empty and `empty`
        is ``"raise"``.

    References
    ----------
    National Bureau of Statistics, communiqués since 2017 (definition); GB/T 4754-2017, divisions
    13 to 41. The second layer is a hypothesis.

    Examples
    --------
    >>> table = {"region": ["安徽", "安徽", "江苏"], "edition": [2017] * 3, "industry": [13, 36, 13],
    ...          "inspected": [100, 50, 200], "passed": [95, 45, 190], "output": [30, 10, 60]}
    >>> round(product_pass_rate(table).value(), 2)
    94.5
    """
    one_of("order", order, ("region-first", "industry-first"))
    one_of("empty", empty, ("renormalise", "borrow", "raise"))
    by = designed.keys_of(records, by, SCHEMA)
    if (design := designed.design_of(records, design)) is not None:
        return _designed(records, by, design, order=order, empty=empty, interval=interval, level=level)
    table = check(records, SCHEMA, need=by)
    refuse_mixture(table, [key for key in by if key != "region" or empty != "borrow"])
    found = _cells(table, by)
    survey = _survey(found, by, order=order, empty=empty)
    p = rates.ratio(found["passed"], found["inspected"])
    fit = rates.weighted_rate(p, survey.variance, found["inspected"], survey.entries, groups=len(survey.keys))
    method = designed.counts_interval(interval, "wilson")
    low, high = intervals.proportion(fit.rate * fit.n_eff, fit.n_eff, method=method, level=level)
    return Estimate(
        assemble(
            survey.keys,
            estimate=100 * fit.rate,
            std_error=100 * np.sqrt(fit.variance),
            conf_low=100 * low,
            conf_high=100 * high,
            n=survey.n,
            n_eff=fit.n_eff,
            coverage=survey.coverage,
            flag=flags((np.isnan(fit.rate), "inspected = 0 or output = 0")),
        ),
        indicator="product_pass_rate",
        unit="%",
        method=f"output-weighted, {order}, empty cells: {empty}, {method} interval on n_eff",
        basis="products, weighted by output",
        level=level,
        inference="superpopulation",
        provenance=provenance_of(table),
        notes=survey.notes,
        digits=2,
    )


def _designed(
    records: Any, by: list[str], design: Design, *, order: Order, empty: Empty, interval: Any, level: float
) -> Estimate:
    """Return the two-layer mean of cell rates that covary as the design says."""
    present = designed.columns(records, SCHEMA)
    keys = list(dict.fromkeys([*by, *(key for key in _CELL if key in present)]))
    totals = designed.sums_of(
        records,
        SCHEMA,
        by=keys,
        design=design,
        variables={designed.Y: {"passed": 1}, designed.X: {"inspected": 1}, "output": {"output": 1}},
    )
    rows, got, output = designed.cell_rates(totals, keys, "output")
    found = got.labels.astype(str).assign(inspected=rows.n, passed=rows.passed, output=output)
    _refuse_several(found, by)
    survey = _survey(found, by, order=order, empty=empty)
    return designed.combined_rate(
        got,
        totals,
        survey.keys,
        survey.entries,
        indicator="product_pass_rate",
        basis="products, weighted by output",
        method=f"output-weighted, {order}, empty cells: {empty}",
        interval=interval,
        level=level,
        columns={"coverage": survey.coverage},
        notes=survey.notes[bool(survey.lent) :],
    )


class _Survey(NamedTuple):
    keys: pd.DataFrame
    entries: rates.Entries
    variance: rates.Array
    n: rates.Count
    coverage: rates.Array
    notes: list[str]
    lent: int


def _cells(table: Any, by: list[str]) -> pd.DataFrame:
    """Return the cells of the two layers, refusing means over periods or editions."""
    columns = nw.from_native(table, eager_only=True).columns
    base = [key for key in _CELL if key in columns]
    found = tally(
        table, by=[*by, *(k for k in base if k not in by)], sums=["inspected", "passed"], same=["output"]
    )
    _refuse_several(found, by)
    return found


def _refuse_several(found: pd.DataFrame, by: list[str]) -> None:
    """Raise when a mean would be over several periods or editions."""
    for key in ("period", "edition"):
        if key in found and key not in by:
            mixed = found.groupby(by)[key].nunique().max() if by else found[key].nunique()
            if mixed > 1:
                said = ", ".join(sorted(found[key].unique()))
                raise DataError(say("product.several", key=key, found=said))


def _survey(found: pd.DataFrame, by: list[str], *, order: Order, empty: Empty) -> _Survey:
    """Return who weighs what: cells in means, with borrowed rates and variances, and notes."""
    keys = found[by].drop_duplicates(ignore_index=True) if by else found[by].head(1)
    group = _number(found, by)
    n, V = found["inspected"].to_numpy(), found["output"].to_numpy()
    surveyed, weighty = n > 0, V > 0
    if empty == "raise" and (weighty & ~surveyed).any():
        _refuse_empty(found[weighty & ~surveyed], by)
    industry = [k for k in ("period", "edition", "industry") if k in found]
    pool = _number(found, [*industry, *(k for k in by if k not in (*industry, "region"))])
    donated = np.bincount(pool, np.where(surveyed, V, 0.0))[pool] > 0
    observed = surveyed | donated if empty == "borrow" else surveyed
    outer = ["region"] if order == "region-first" else ["edition", "industry"]
    layer = _number(found, [k for k in outer if k in found])
    W = rates.layered_weights(V, observed, group, layer)
    nation = _number(found, [k for k in ("period",) if k in found])
    variance, borrowed = rates.cell_variance(found["passed"], n, _number(found, industry), nation)
    lent = int((borrowed & weighty).sum())
    return _Survey(
        keys,
        rates.passed_on(W, V, surveyed, group, pool),
        variance,
        np.bincount(group, np.where(weighty, n, 0)).astype(np.int64),
        rates.ratio(np.bincount(group, np.where(surveyed, V, 0.0)), np.bincount(group, V)),
        _notes(
            variance=lent,
            empty=int((weighty & ~surveyed & ~(observed & (W > 0))).sum()),
            borrowed=int((~surveyed & (W > 0)).sum()),
            weightless=int((surveyed & ~weighty).sum()),
            of=len(found),
        ),
        lent,
    )


def _number(found: pd.DataFrame, keys: list[str]) -> Any:
    """Return the number of each row's combination of keys, in sorted order."""
    return found.groupby(keys).ngroup().to_numpy() if keys else np.zeros(len(found), np.int64)


def _notes(*, of: int, **counts: int) -> list[str]:
    return [say(f"product.{name}", count=count, of=of) for name, count in counts.items() if count]


def _refuse_empty(cells_: pd.DataFrame, by: list[str]) -> None:
    import pandas as pd

    keys = [k for k in dict.fromkeys([*_CELL, *by]) if k in cells_]
    named = ["-".join(row) for row in cells_[keys].astype(str).itertuples(index=False)]
    message = say(
        "product.refused", count=len(named), cells="; ".join(named[:5]) + ("; …" if len(named) > 5 else "")
    )
    violations = {
        "row": pd.NA,
        "column": "inspected",
        "value": named,
        "rule": "empty_cell",
        "message": message,
    }
    raise DataError(message, pd.DataFrame(violations).astype({"row": "Int64"}))
