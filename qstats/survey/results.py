"""Fitted numbers → an `Estimate`: units, intervals, and what the reader must know."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import eye_array

from qstats.errors import one_of
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.stats import covariance, design_intervals, intervals
from qstats.survey.cells import Cells
from qstats.survey.fitting import Fit

Interval = design_intervals.Design


def rate_of(
    got: Fit, found: Cells, *, indicator: str, basis: str, interval: Interval, level: float, digits: int = 2
) -> Estimate:
    """Return a fitted rate in per cent, its interval being one of a proportion."""
    one_of("interval", interval, design_intervals.DESIGN)
    share = 100.0
    limits = design_intervals.design_proportion(
        np.clip(got.estimate, 0, 1), got.std_error, got.n, got.df, method=interval, level=level
    )
    known = found.design is not None
    census = got.std_error == 0
    sides = (np.where(census, got.estimate, side) for side in (limits.low, limits.high))
    low, high = (np.where(known, share * side, np.nan) for side in sides)
    reason = np.where((got.reason == "") & known, limits.reason, got.reason).astype(object)
    at_bound = known & ~np.isnan(low) & ~census
    reason[at_bound] = ""
    return _assembled(
        got,
        found,
        scaled=share,
        limits=(low, high),
        reason=reason,
        indicator=indicator,
        unit="%",
        basis=basis,
        method=f"{_method(found)}, {interval} interval" if known else _method(found),
        level=level,
        digits=digits,
    )


def estimate_of(got: Fit, found: Cells, indicator: str, basis: str, level: float) -> Estimate:
    """Return fitted numbers in the unit of the data, with the interval of their t distribution."""
    low, high = intervals.t_interval(got.estimate, got.std_error, got.df, level=level)
    return _assembled(
        got,
        found,
        scaled=1.0,
        limits=(low, high),
        reason=got.reason,
        indicator=indicator,
        unit="",
        basis=basis,
        method=_method(found),
        level=level,
    )


def _assembled(
    got: Fit,
    found: Cells,
    *,
    scaled: float,
    limits: tuple[Any, Any],
    reason: Any,
    digits: int = 4,
    **said: Any,
) -> Estimate:
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = 100 * got.std_error / np.abs(got.estimate)
        n_eff = np.where(got.deff > 0, got.n / got.deff, np.nan)
    table = assemble(
        got.labels,
        estimate=scaled * got.estimate,
        std_error=scaled * got.std_error,
        conf_low=limits[0],
        conf_high=limits[1],
        n=got.n,
        df=got.df,
        deff=got.deff,
        n_eff=n_eff,
        cv=np.where(np.isfinite(cv), cv, np.nan),
        flag=reason,
    )
    errors = got.errors
    if errors is not None and scaled != 1:
        errors = covariance.combine(errors, scaled * eye_array(len(table), format="csr"))
    return Estimate(
        table,
        inference="design" if found.design else "none",
        provenance=found.provenance,
        notes=notes_of(found),
        digits=digits,
        errors=errors,
        **said,
    )


def _method(found: Cells) -> str:
    design = found.design
    if design is None:
        return "sums without a design: the error is not known"
    parts = []
    if design.calibrations:
        steps = (
            step.distance if step.error == "greg" else f"{step.distance}, error by its derivative"
            for step in design.calibrations
        )
        parts.append(f"calibrated ({', '.join(steps)})")
    if design.replication is not None:
        parts.append(f"replicates ({design.replication.method})")
    else:
        stages = len(design.stages)
        drawn = "elements" if design.elements else ("two stages" if stages == 2 else "clusters")
        parts.append(
            f"linearised ({drawn}{', stratified' if design.strata else ''}{', fpc' if design.fpc else ''})"
        )
    if design.singleton != "fail":
        parts.append(f"singletons: {design.singleton}")
    return ", ".join(parts)


def notes_of(found: Cells) -> list[str]:
    """Return what the reader must know, in the language set for messages."""
    said, design = [], found.design
    if omitted := int(found.column("missing").sum()):
        said.append(say("fit.omitted", count=omitted))
    if design and design.elements and design.replication and design.replication.method == "columns":
        said.append(say("fit.replicate_df", count=len(design.replication.columns)))
    return said
