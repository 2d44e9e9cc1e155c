"""The replicates of a design on its cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qstats.errors import DesignError
from qstats.stats import chain, replicate, sampling
from qstats.survey.adjusting import Adjustment
from qstats.survey.cells import Cells
from qstats.survey.design import Design
from qstats.survey.units import Units

Array = NDArray[np.float64]
Index = NDArray[np.intp]


def replicated(
    found: Cells,
    design: Design,
    y: str,
    x: str | None,
    *,
    row: Index,
    at: Index,
    rows: int,
    units: Units,
    adjusted: Adjustment,
) -> tuple[Array, sampling.Errors]:
    """Return ratios or totals with the errors of their replicates, given or made."""
    made = design.replication
    if made is not None and made.method == "columns":
        if design.calibrations:
            raise DesignError(
                "the replicate weights are given, and cannot be calibrated here: give columns that were "
                "calibrated, as the weight was, and leave .calibrate(…) out; or a method of replication"
            )
        Y = found.replicated(y)[at]
        if x is None:
            values = replicate.given_total(found.sum(y)[at], Y, row=row, rows=rows)
        else:
            X = found.replicated(x)[at]
            values = replicate.given_ratio(found.sum(y)[at], found.sum(x)[at], Y, X, row=row, rows=rows)
        rscales = np.ones(Y.shape[1]) if made.rscales is None else made.rscales
        scale = 1.0 if made.scale is None else made.scale
        return values.estimate, replicate.errors(
            values.values, values.estimate, scale=scale, rscales=rscales, mse=made.mse
        )
    replicates = replicates_of(design, units)
    place: dict[str, Any] = {"row": row, "unit": units.unit[at], "rows": rows, "replicates": replicates}
    if adjusted.steps:
        again = chain.replicated(adjusted.N, replicates, adjusted.steps, count=adjusted.elements)
        place |= {"cell": adjusted.category[at], "adjusted": again}
    if x is None:
        values = replicate.total(found.sum(y)[at], **place)
    else:
        values = replicate.ratio(found.sum(y)[at], found.sum(x)[at], **place)
    return values.estimate, replicate.errors(
        values.values,
        values.estimate,
        scale=replicates.scale,
        rscales=replicates.rscales,
        mse=replicates.mse,
    )


def replicates_of(design: Design, units: Units) -> replicate.Replicates:
    """Return the replicates that the design makes of its units."""
    made = design.replication
    if made is None:
        raise DesignError("the design has no replicates")
    sample = units.sample
    if made.method == "bootstrap":
        stream = [0 if made.seed is None else made.seed, int(units.name, 16) % 2**32]
        return replicate.bootstrap(sample, made.n or 0, seed=stream, mse=made.mse)
    if made.method in ("brr", "fay"):
        return replicate.brr(sample, fay=made.fay or 0.0, mse=made.mse)
    return (
        replicate.jk1(sample, mse=made.mse) if made.method == "jk1" else replicate.jkn(sample, mse=made.mse)
    )
