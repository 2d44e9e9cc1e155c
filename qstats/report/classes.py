"""Fail rates by class of product, from counts where counts were published, else as printed."""

from __future__ import annotations

import math

import pandas as pd

from qstats.estimate import Estimate
from qstats.report.facts import Facts

_COLUMNS = ["estimate", "std_error", "conf_low", "conf_high", "n", "failed"]


def food_classes(facts: Facts, /) -> Estimate | None:
    """Return the fail rates of food by class of the period of the facts, in per cent, or None.

    Classes with counts have Wilson's interval, the number sampled (``n``) and ``failed``; of the others
    the printed rate is given, and its error is not known.
    """
    printed = facts.figures("food_fail_rate")
    counted = _counted(facts)
    tables = [] if counted is None else [counted]
    if printed is not None:
        tables.append(printed.table[["industry", "estimate"]])
    if not tables:
        return None
    table = (
        pd.concat(tables, ignore_index=True)
        .drop_duplicates("industry")
        .reindex(columns=["industry", *_COLUMNS])
    )
    table = table[table["industry"] != "合计"]
    if table.empty:
        return None
    return Estimate(
        table.sort_values(["estimate", "industry"], ascending=[False, True], ignore_index=True),
        indicator="inspection_pass_rate",
        unit="%",
        method="100 − pass rate; Wilson's interval where counts were published",
        inference="none" if counted is None else "superpopulation",
        digits=2,
        provenance=["published:food_drug_device"],
    )


def _counted(facts: Facts) -> pd.DataFrame | None:
    from qstats.indicators.inspection_pass_rate import inspection_pass_rate

    sampled, failed = (facts.figures(f"food_batches_{kind}") for kind in ("sampled", "failed"))
    if sampled is None or failed is None:
        return None
    both = sampled.table[["industry", "estimate"]].merge(
        failed.table[["industry", "estimate"]], on="industry", suffixes=("_n", "_failed")
    )
    if both.empty:
        return None
    records = pd.DataFrame({"product": both["industry"], "inspected": both["estimate_n"]})
    records["passed"] = both["estimate_n"] - both["estimate_failed"]
    rates = inspection_pass_rate(records, by="product").table.set_index("product").loc[both["industry"]]
    return pd.DataFrame(
        {
            "industry": both["industry"],
            "estimate": 100 - rates["estimate"].to_numpy(),
            "std_error": math.nan,
            "conf_low": 100 - rates["conf_high"].to_numpy(),
            "conf_high": 100 - rates["conf_low"].to_numpy(),
            "n": rates["n"].to_numpy(),
            "failed": both["estimate_failed"],
        }
    )
