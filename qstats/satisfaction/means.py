"""The index of weighted item means: weights are given, not estimated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from qstats.checking import check
from qstats.errors import DataError, OptionError, names_of, one_of, real_number
from qstats.estimate import Estimate, assemble, flags
from qstats.messages import say
from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.answers import Survey, survey
from qstats.satisfaction.indices import Uncertain, compared, from_replicates, interval_of, linearised, told
from qstats.satisfaction.options import ends
from qstats.satisfaction.replicated import parts
from qstats.schema import Column, Schema
from qstats.stats import intervals, scores
from qstats.stats.satisfaction import item_means, points, residuals
from qstats.survey.design import Design
from qstats.survey.designed import keys_of
from qstats.tally import provenance_of, tally

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Missing = Literal["raise", "casewise", "mean"]

INDICATOR: Final = "customer_satisfaction"


def checked_items(items: Sequence[str]) -> list[str]:
    """Return the items as a list; none stands twice."""
    found = names_of("items", items)
    if not found or len(set(found)) < len(found):
        raise OptionError(f"items={found!r} must name at least one column, and none twice")
    return found


def checked_weights(weights: Mapping[str, float] | Sequence[float] | None, items: list[str]) -> list[float]:
    """Return a positive weight for each item."""
    if weights is None:
        return [1.0] * len(items)
    if isinstance(weights, Mapping):
        if set(weights) != set(items):
            names = sorted(map(str, weights))
            raise OptionError(f"weights name {names}, the items are {sorted(items)}: give one to each")
        given = [weights[item] for item in items]
    else:
        listed = isinstance(weights, Iterable) and not isinstance(weights, str | bytes)
        given = list(weights) if listed else []
    if len(given) != len(items):
        raise OptionError(f"weights={weights!r:.200} are not {len(items)} positive numbers, one an item")
    for w in given:
        real_number("weights", w, above=0)
    return [float(w) for w in given]


def checked_scale(scale: Any, items: list[str]) -> tuple[Array, Array]:
    """Return the lowest and highest answer of each item."""
    found = [ends(scale.get(item) if isinstance(scale, Mapping) else scale) for item in items]
    if any(pair is None for pair in found):
        raise OptionError(
            f"scale={scale!r:.200} is not (lowest, highest) answer with lowest < highest",
            argument="scale",
            value=scale,
        )
    lower, upper = np.array(found, float).T
    return lower, upper


def summed(
    responses: Any,
    schema: Schema,
    items: list[str],
    w: list[float],
    /,
    *,
    by: str | Sequence[str],
    scale: tuple[Array, Array],
    labels: Mapping[str, tuple[str, str]],
    missing: Missing,
    interval: intervals.Mean | None,
    level: float,
) -> Estimate:
    """Return the index of a simple random sample, or of a table of item means, from sums by key."""
    wanted = _limited(schema, items, scale, labels, optional=missing != "raise")
    by = keys_of(responses, by, wanted)
    need = [*by, *items] if missing == "raise" else by
    try:
        table = check(responses, wanted, need=need)
    except DataError as error:
        found = error.violations
        if not (found["rule"].eq("missing") & found["column"].isin(items)).any():
            raise
        raise DataError(say("satisfaction.may_stay", said=error), found) from None
    used, notes = _answered(table, items, missing)
    totals = tally(used, by=by, sums=_pairs(items, scale))
    N, S, Q = (_square(totals, name, len(items)) for name in "NSQ")
    fit = scores.item_index(N, S, Q, np.array(w) * (scale[1] - scale[0]))
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
        indicator=INDICATOR,
        unit="分",
        method=f"weighted item means, {interval or 't'} interval, missing answers: {missing}",
        basis="respondents",
        level=level,
        inference="superpopulation",
        provenance=provenance_of(table),
        notes=notes,
        digits=2,
    )


def designed(
    responses: Any,
    items: list[str],
    w: list[float],
    /,
    *,
    by: str | Sequence[str],
    scale: tuple[Array, Array],
    missing: Missing,
    dont_know: Any,
    labels: Mapping[str, tuple[str, str]],
    design: Design | None,
    error: Literal["replicates", "linearised"] | None,
    replicates: int | None,
    seed: int | None,
    minimum_n: int,
    interval: Any,
    level: float,
) -> Estimate:
    """Return the index under a design: linearised, or from replicates."""
    one_of("error", error, (None, "replicates", "linearised"))
    blocks = dict.fromkeys(items, say("satisfaction.given"))
    answers = survey(
        responses, items, by=by, scale=scale, labels=labels, blocks=blocks, design=design,
        missing=missing, dont_know=dont_know,
    )  # fmt: skip
    replicated = design is not None and (design.replication is not None or bool(design.calibrations))
    plan = drawing.planned(
        answers.drawn, error or ("replicates" if replicated else "linearised"), replicates, seed
    )
    if plan is None and answers.drawn.adjusted is not None:
        raise OptionError(say("satisfaction.linearised"))
    v = points(w, *scale)
    rows = [answers.rows(g) for g in range(len(answers.labels))]
    shown = [r if r.size >= minimum_n else r[:0] for r in rows]
    X, weight = answers.X, answers.drawn.weight
    estimate = np.array(
        [v @ (item_means(X[r], weight[r][:, None])[:, 0] - scale[0]) if r.size else np.nan for r in shown]
    )
    own = [(r, residuals(X[r], weight[r], v) if r.size else np.zeros(0)) for r in shown]
    if plan is None:
        got = linearised(answers, own, estimate, interval_of(None, interval), level)
    else:
        got = _from(answers, plan, shown, v, estimate, interval, level)
    return _told(answers, plan, own, estimate, got, minimum_n, interval_of(plan, interval), level)


def _from(
    answers: Survey,
    plan: drawing.Plan,
    rows: list[Index],
    v: Array,
    estimate: Array,
    interval: Any,
    level: float,
) -> Uncertain:
    def values(chosen: drawing.Plan) -> Array:
        found = np.full((len(rows), 1, chosen.B), np.nan)
        for start, stop in parts(len(answers.X), chosen.B):
            W = drawing.weights(answers.drawn, chosen, start, stop)
            for g, r in enumerate(rows):
                if r.size:
                    found[g, 0, start:stop] = v @ (item_means(answers.X[r], W[r]) - answers.lower[:, None])
        return found

    def left_out() -> Array:
        whole = drawing.left_out(answers.drawn)
        return values(whole).reshape(-1, whole.B).T

    return from_replicates(
        answers, plan, estimate[:, None], values(plan), interval, level, share=True, left_out=left_out
    )


def _told(
    answers: Survey,
    plan: drawing.Plan | None,
    own: list[tuple[Index, Array]],
    estimate: Array,
    got: Uncertain,
    minimum_n: int,
    interval: str,
    level: float,
) -> Estimate:
    deff, n, n_eff = compared(answers, own, got.std_error)
    how = "linearised" if plan is None else f"{plan.B} replicates ({plan.method})"
    hidden = say("satisfaction.suppressed", minimum=minimum_n)
    flag = np.where(
        np.isnan(n), hidden, np.where(np.isnan(estimate), "undefined: an item without answers", "")
    )
    return told(
        answers,
        answers.labels,
        estimate,
        got,
        n,
        {"deff": deff, "n_eff": n_eff, "flag": flag.astype(object)},
        method=f"weighted item means, {how}, {interval} interval, missing answers: {answers.missing}",
        level=level,
        notes=answers.notes,
    )


def _limited(
    schema: Schema,
    items: list[str],
    scale: tuple[Array, Array],
    labels: Mapping[str, tuple[str, str]],
    *,
    optional: bool,
) -> Schema:
    """Return the schema with these items in place of the usual ones, and their limits."""
    keys = tuple(c for c in schema.columns if c.kind != "number")
    usual = {c.name: c for c in schema.columns if c.kind == "number"}
    limits = (
        replace(
            usual.get(item, Column(item, "number", *labels.get(item, (item, item)))),
            minimum=low,
            maximum=high,
            optional_cells=optional,
        )
        for item, low, high in zip(items, *(end.tolist() for end in scale), strict=True)
    )
    return replace(schema, columns=(*keys, *limits))


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


def _pairs(items: list[str], scale: tuple[Array, Array]) -> dict[str, nw.Expr]:
    """Return what to add up for each pair of items: answers, first item, product (scaled to [0, 1])."""
    ends = zip(items, *(end.tolist() for end in scale), strict=True)
    x = [(nw.col(item).fill_nan(None) - lo) / (hi - lo) for item, lo, hi in ends]
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
