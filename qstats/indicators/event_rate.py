"""事件率: accidents, recalls or complaints over an exposure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import narwhals as nw
import numpy as np

from qstats.checking import check
from qstats.errors import DataError, OptionError, real_number
from qstats.estimate import Estimate, assemble, flags
from qstats.messages import say
from qstats.schema import PERIOD, REGION, Column, Schema
from qstats.stats import intervals, rates
from qstats.survey import designed
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.tally import provenance_of, tally

SCHEMA: Final = Schema(
    name="event_rate",
    zh="风险事件",
    en="events",
    columns=(
        PERIOD,
        REGION,
        Column("event", "text", "事件类型", "event", ("类型", "类别"), required=False),
        Column("events", "count", "事件数", "events", ("起数", "件数", "事故起数", "死亡人数", "投诉件数")),
        Column("exposure", "amount", "暴露量", "exposure", ("基数", "设备数", "人口数")),
    ),
    key=("period", "region", "event"),
)


def event_rate(
    records: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    per: float = 10_000,
    design: Design | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate a rate of events over an exposure, with exact Poisson limits.

    .. math:: R = k\,\frac{\sum d}{\sum T}, \qquad
              \Big[\frac{k\,\chi^2_{\alpha/2;\,2d}}{2T},\; \frac{k\,\chi^2_{1-\alpha/2;\,2d+2}}{2T}\Big]

    Deaths per 10,000 units of special equipment, complaints per 10,000 people. Events are taken
    as independent: a single disaster that kills many, or one product that draws many complaints,
    makes the limits too short. Under-reporting is not corrected for.

    Parameters
    ----------
    records : table
        ``events`` (counts) and ``exposure`` (what is at risk, ≥ 0), and any of ``period, region,
        event`` or keys of your own.
    by : str or sequence of str
        Keys of the result, read like headers (``"地区"`` is ``region``); none: one rate for all. Exposures
        add up over the rows of a key; kinds of event share theirs, so with several kinds ``event`` must be
        among the keys.
    per : float
        The exposure k that the rate refers to.
    design : Design, optional
        How records were sampled. Then the error is the design's (inference ``design``), single
        records may share their keys, and files or tables of any engine are read in one pass.
        The interval is then that of t, cut at 0.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Events per k, with ``numerator`` (events, also ``n``) and ``denominator`` (exposure).
        Without events the estimate and the lower limit are 0, the upper limit is positive and
        ``std_error`` NaN. Without exposure all are NaN and ``flag`` says so.

    Raises
    ------
    DataError
        The table breaks the schema (a fractional or negative count, a missing exposure …), or
        several kinds of event would be added up.
    OptionError
        `per` is not a positive number.

    References
    ----------
    Garwood (1936), Biometrika 28, 437–442.

    Examples
    --------
    >>> rate = event_rate({"events": [3], "exposure": [20_000]})
    >>> rate.unit, rate.value(), rate.table[["conf_low", "conf_high"]].round(2).values.tolist()
    ('per 10,000', 1.5, [[0.31, 4.38]])
    """
    real_number("per", per)
    if not (math.isfinite(per) and per > 0):
        raise OptionError(f"per={per!r} is not a positive number")
    by, unit = designed.keys_of(records, by, SCHEMA), f"per {per:,.12g}"
    if (design := designed.design_of(records, design)) is not None:
        kinds = cells(records, by="event") if _has_kinds(records, by) else None
        _refuse_kinds(kinds.table["event"] if kinds is not None else ())
        return designed.amount(
            records,
            SCHEMA,
            by=by,
            design=design,
            numerator={"events": 1},
            denominator={"exposure": 1},
            indicator="event_rate",
            basis="events",
            level=level,
            scale=per,
            unit=unit,
        )
    table = check(records, SCHEMA, need=by)
    if "event" not in by:
        frame = nw.from_native(table, eager_only=True)
        _refuse_kinds(frame["event"].unique().to_list() if "event" in frame.columns else ())
    totals = tally(table, by=by, sums=["events", "exposure"])
    return Estimate(
        assemble(
            totals[by], **_counted(totals["events"].to_numpy(), totals["exposure"].to_numpy(), per, level)
        ),
        indicator="event_rate",
        unit=unit,
        method="events over exposure, exact Poisson interval",
        basis="events",
        level=level,
        inference="superpopulation",
        provenance=provenance_of(table),
        digits=2,
    )


def _counted(d: Any, T: Any, per: float, level: float) -> dict[str, Any]:
    low, high = intervals.poisson(d, T, level=level)
    return {
        "estimate": rates.ratio(per * d, T),
        "std_error": per * rates.ratio(np.sqrt(np.where(d > 0, d, np.nan)), T),
        "conf_low": per * low,
        "conf_high": per * high,
        "n": d.astype("int64"),
        "numerator": d.astype("int64"),
        "denominator": T,
        "flag": flags((T <= 0, "exposure = 0")),
    }


def _has_kinds(records: Any, by: list[str]) -> bool:
    return "event" not in by and "event" in designed.columns(records, SCHEMA)


def _refuse_kinds(found: Any) -> None:
    """Raise when events of several kinds, which share their exposure, would be added up."""
    kinds = sorted(str(kind) for kind in found)
    if len(kinds) > 1:
        raise DataError(say("event.exposure", found=", ".join(kinds[:5])))
