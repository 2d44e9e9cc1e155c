"""顾客满意度: the weighted item means of a survey as an index from 0 to 100."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import narwhals as nw
import numpy as np

from qstats.errors import DataError, OptionError, one_of
from qstats.estimate import Estimate, assemble, flags
from qstats.messages import say
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Schema, check
from qstats.stats import intervals, scores
from qstats.tally import keys_of, provenance_of, tally

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = Schema(
    name="customer_satisfaction",
    zh="顾客满意度调查",
    en="customer satisfaction survey",
    columns=(
        PERIOD,
        REGION,
        EDITION,
        INDUSTRY,
        Column("sector", "text", "调查领域", "sector", ("服务行业", "领域"), required=False),
        Column("brand", "text", "品牌", "brand", required=False),
        Column("sat1", "number", "总体满意度", "overall satisfaction", minimum=1, maximum=10),
        Column("sat2", "number", "与期望相比", "compared with expectations", minimum=1, maximum=10),
        Column("sat3", "number", "与理想相比", "compared with the ideal", minimum=1, maximum=10),
    ),
)

ITEMS: Final = ("sat1", "sat2", "sat3")
Missing = Literal["raise", "casewise", "mean"]


def customer_satisfaction(
    answers: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    items: Sequence[str] = ITEMS,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    scale: tuple[float, float] = (1, 10),
    missing: Missing = "raise",
    interval: intervals.Mean | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate customer satisfaction: weighted item means, scaled from 0 to 100.

    .. math:: CSI = 100\,\frac{\sum_j w_j(\bar x_j - lo)}{(hi - lo)\sum_j w_j}

    The index of a latent variable with unstandardised outer weights w > 0; on answers from 1 to
    10 it is :math:`\sum w(\bar x-1)/(9\sum w)\cdot 100`. All answers at the bottom give 0, all at
    the top 100, and the scale of w does not matter. Standardised weights are to be divided by the
    standard deviation of their item first. Weights are given here, not estimated.

    The standard error is that of a mean of the respondents' own scores, taken as a simple random
    sample: :math:`s/\sqrt m`; with unequal numbers of answers, of the linearised index.

    Parameters
    ----------
    answers : table
        One row a respondent, one column an item, and any of ``period, region, edition, industry,
        sector, brand`` or keys of your own. A table of item means works too: with one row a key
        the index is exact and its error NaN.
    by : str or sequence of str
        Keys of the result; none: one index for all.
    items : sequence of str
        Columns of the answers; by default ``sat1, sat2, sat3`` (overall, against expectations,
        against the ideal).
    weights : mapping of item → w, or sequence in the order of `items`, optional
        Positive numbers; by default equal.
    scale : (lo, hi)
        Lowest and highest answer.
    missing : {"raise", "casewise", "mean"}
        An item without answer: refuse; leave the respondent out; or take each item's mean over
        those who answered it. The notes count.
    interval : {"t", "logit"}, optional
        By default t with m − 1 degrees of freedom, cut to 0 and 100; logit stays inside by itself.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        In 分 (points from 0 to 100), with ``df``. ``n`` counts the respondents used. The error is
        NaN for one respondent, and where all gave the same answers. An item that nobody of a key
        answered makes its index NaN, and ``flag`` says so.

    Raises
    ------
    DataError
        An answer outside the scale (with item, row and value), a missing answer under ``raise``,
        an item that is no column.
    OptionError
        Weights that do not fit the items or are not positive, a scale that is not ascending.

    References
    ----------
    GB/T 19038-2009; Fornell et al. (1996), Journal of Marketing 60(4), 7–18, for the index.

    Examples
    --------
    >>> means = {"a": [8], "b": [7], "c": [6]}
    >>> round(customer_satisfaction(means, items=["a", "b", "c"], weights=[0.4, 0.3, 0.3]).value(), 2)
    67.78
    """
    one_of("missing", missing, ("raise", "casewise", "mean"))
    by, items, (lo, hi) = keys_of(by), _checked_items(items), _checked_scale(scale)
    w = _checked_weights(weights, items)
    need = [*by, *items] if missing == "raise" else by
    table = check(answers, _schema(items, lo, hi, optional=missing != "raise"), need=need)
    used, notes = _answered(table, items, missing)
    totals = tally(used, by=by, sums=_pairs(items, lo, hi))
    N, S, Q = (_square(totals, name, len(items)) for name in "NSQ")
    fit = scores.item_index(N, S, Q, w)
    std_error = np.sqrt(fit.variance)
    low, high = intervals.mean(fit.value, std_error, fit.df, method=interval or "t", level=level)
    return Estimate(
        assemble(
            totals[by],
            estimate=100 * fit.value,
            std_error=100 * std_error,
            conf_low=100 * low,
            conf_high=100 * high,
            n=totals["rows"].to_numpy(),
            df=fit.df,
            flag=flags((np.isnan(fit.value), "an item without answers")),
        ),
        indicator="customer_satisfaction",
        unit="分",
        method=f"weighted item means, {interval or 't'} interval, missing answers: {missing}",
        basis="respondents",
        level=level,
        inference="superpopulation",
        provenance=provenance_of(table),
        notes=notes,
        digits=2,
    )


def _checked_items(items: Sequence[str]) -> list[str]:
    found = [items] if isinstance(items, str) else list(items)
    if not found or len(set(found)) < len(found):
        raise OptionError(f"items={found!r} must name at least one column, and none twice")
    return found


def _checked_scale(scale: tuple[float, float]) -> tuple[float, float]:
    lo, hi = (float(end) for end in scale)
    if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
        raise OptionError(f"scale={scale!r} is not (lowest, highest) answer with lowest < highest")
    return lo, hi


def _checked_weights(weights: Mapping[str, float] | Sequence[float] | None, items: list[str]) -> list[float]:
    if weights is None:
        return [1.0] * len(items)
    if isinstance(weights, Mapping):
        if set(weights) != set(items):
            raise OptionError(
                f"weights name {sorted(weights)}, the items are {sorted(items)}: give one to each"
            )
        found = [float(weights[item]) for item in items]
    else:
        found = [float(w) for w in weights]
    if len(found) != len(items) or not all(math.isfinite(w) and w > 0 for w in found):
        raise OptionError(f"weights={found!r} are not {len(items)} positive numbers, one an item")
    return found


def _schema(items: list[str], lo: float, hi: float, *, optional: bool) -> Schema:
    """Return the schema of a survey with these items in place of the usual ones."""
    keys = tuple(c for c in SCHEMA.columns if c.name not in ITEMS)
    usual = {c.name: c for c in SCHEMA.columns if c.name in ITEMS}
    asked = (usual.get(item, Column(item, "number", item, item)) for item in items)
    limits = (replace(c, minimum=lo, maximum=hi, optional_cells=optional) for c in asked)
    return replace(SCHEMA, columns=(*keys, *limits))


def _answered(table: Any, items: list[str], missing: Missing) -> tuple[Any, list[str]]:
    """Return the respondents used, and notes that count missing answers."""
    frame = nw.from_native(table, eager_only=True)
    gaps = [frame[item].is_null() | frame[item].is_nan() for item in items]
    cells_missing = sum(int(gap.sum()) for gap in gaps)
    if missing == "raise" or not cells_missing:
        return table, []
    if missing == "mean":
        return table, [say("satisfaction.mean", count=cells_missing, of=len(frame) * len(items))]
    some = gaps[0]
    for gap in gaps[1:]:
        some = some | gap
    kept = frame.filter(~some)
    if not len(kept):
        raise DataError(say("satisfaction.none", of=len(frame)))
    return kept.to_native(), [say("satisfaction.casewise", count=len(frame) - len(kept), of=len(frame))]


def _pairs(items: list[str], lo: float, hi: float) -> dict[str, nw.Expr]:
    """Return what to add up for each pair of items: answers, first item, product (scaled to [0, 1])."""
    x = [(nw.col(item).fill_nan(None) - lo) / (hi - lo) for item in items]
    sums: dict[str, nw.Expr] = {}
    for j, a in enumerate(x):
        for k, b in enumerate(x):
            both = b * 0 + 1  # missing where b is
            sums |= {f"N{j},{k}": (a * 0 + 1) * both, f"S{j},{k}": a * both, f"Q{j},{k}": a * b}
    return sums


def _square(totals: pd.DataFrame, name: str, size: int) -> Any:
    """Return sums over pairs as an array of shape (groups, items, items); none answered is zero."""
    columns = [f"{name}{j},{k}" for j in range(size) for k in range(size)]
    return totals[columns].fillna(0.0).to_numpy().reshape(len(totals), size, size)
