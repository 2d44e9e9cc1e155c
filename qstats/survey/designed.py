"""Indicators from a probability sample: one door for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats import tally
from qstats.errors import DesignError, OptionError, kind_of
from qstats.estimate import Estimate
from qstats.schema import Schema
from qstats.stats import covariance, intervals, rates
from qstats.stats.design_intervals import DESIGN
from qstats.survey import duck
from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells, cells
from qstats.survey.derived import Linear, combined
from qstats.survey.design import Design
from qstats.survey.engines import framed
from qstats.survey.entries import entries_of
from qstats.survey.fitting import Fit, combination, fit
from qstats.survey.results import Interval, estimate_of, rate_of

Array = NDArray[np.float64]

Y, X = "numerator", "denominator"


def sums_of(
    records: Any,
    schema: Schema,
    /,
    *,
    by: Sequence[str],
    design: Design,
    variables: Mapping[str, Linear],
) -> Cells:
    """Return the cells of variables that are linear in columns of a schema.

    The rows are sampled records, so their keys may repeat. Cells made before serve when they have
    the columns as sums.
    """
    if not isinstance(records, Cells):
        sums = list(dict.fromkeys(column for parts in variables.values() for column in parts))
        records = cells(records, by=by, design=design, sums=sums, schema=replace(schema, key=()))
    return combined(records, variables)


def rate(
    records: Any,
    schema: Schema,
    /,
    *,
    by: Sequence[str],
    design: Design,
    numerator: Linear,
    denominator: Linear,
    indicator: str,
    basis: str,
    interval: str | None,
    level: float,
    digits: int = 2,
) -> Estimate:
    """Estimate a rate between 0 and 100 %, the ratio of two totals, with the error of the design.

    Parameters
    ----------
    records : table, path or Cells
        Sampled records with the columns of `schema` and of `design`.
    numerator, denominator : mapping of column → coefficient
        Linear in columns of the schema.
    interval : str, optional
        One of :data:`qstats.stats.design_intervals.DESIGN`; by default ``"logit"``.
    by, design, indicator, basis, level, digits
        See the indicators.

    Raises
    ------
    DataError, DesignError
        See :func:`qstats.ratio`.
    """
    variables = {Y: numerator, X: denominator}
    found = sums_of(records, schema, by=by, design=design, variables=variables)
    got = fit(found, Y, X, by=list(by))
    method: Interval = "logit" if interval is None else interval  # type: ignore[assignment]
    return rate_of(got, found, indicator=indicator, basis=basis, interval=method, level=level, digits=digits)


def amount(
    records: Any,
    schema: Schema,
    /,
    *,
    by: Sequence[str],
    design: Design,
    numerator: Linear,
    denominator: Linear,
    indicator: str,
    basis: str,
    level: float,
    scale: float = 100.0,
    unit: str = "%",
    digits: int = 2,
) -> Estimate:
    """Estimate `scale` times a ratio of totals that has no upper bound, with the interval of t."""
    scaled = {column: scale * a for column, a in numerator.items()}
    variables = {Y: scaled, X: denominator}
    found = sums_of(records, schema, by=by, design=design, variables=variables)
    got = fit(found, Y, X, by=list(by))
    return estimate_of(got, found, indicator, basis, level).replace(unit=unit, digits=digits)


def design_of(records: Any, design: Design | None, /) -> Design | None:
    """Return the design that records come with: given beside a table, or kept in cells.

    Raises
    ------
    DesignError
        Cells made under another design than the one given, or under none.
    """
    if not isinstance(records, Cells):
        return design
    kind_of("design", design, (Design, NoneType), what="a Design")
    if design is not None and design != records.design:
        raise DesignError(f"these cells were made under another design: {records.design!r}, not {design!r}")
    if records.design is None:
        raise DesignError("these cells have no design, and an indicator of cells needs one; give the table")
    return records.design


class CellRates(NamedTuple):
    """Sums of the cells of a two-layer mean: what was inspected and what passed, weighted."""

    n: Array
    passed: Array


def columns(records: Any, schema: Schema, /) -> set[str]:
    """Return the machine names of the columns that a table, a file or cells have."""
    if isinstance(records, Cells):
        return set(records.keys)
    if duck.is_files(records):
        with duck.opened(records, memory_limit=None, temp_directory=None) as source:
            headers = list(source.columns())
    else:
        headers = framed(records).collect_schema().names()
    return {schema.name_of(header) for header in headers}


def keys_of(records: Any, by: str | Sequence[str], schema: Schema, /) -> list[str]:
    """Return keys by the names of columns: they are read as headers are, each once.

    Cells made before keep the keys they have, whichever header these are.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import SCHEMA
    >>> keys_of({"地区": ["安徽"], "车间": ["甲"]}, ["地区", "车间", "region"], SCHEMA)
    ['region', '车间']
    """
    there = {schema.name_of(key): key for key in records.keys} if isinstance(records, Cells) else {}
    there |= {key: key for key in there.values()}
    keys = (key if key in there else schema.name_of(key) for key in tally.keys_of(by))
    return list(dict.fromkeys(there.get(key, key) for key in keys))


def cell_rates(totals: Cells, keys: Sequence[str], same: str) -> tuple[CellRates, Fit, Array]:
    """Return the rate of each combination of keys with its error, and the value its rows share.

    Parameters
    ----------
    totals : Cells
    keys : sequence of str
    same : str
        A sum over a column that has one value in all rows of a combination.
    """
    got = fit(totals, Y, X, by=list(keys))
    placed = entries_of(totals, keys)
    weight = placed.add(totals.sum(ONE))
    shared = np.divide(placed.add(totals.sum(same)), weight, out=np.zeros(placed.rows), where=weight > 0)
    return CellRates(placed.add(totals.sum(X)), placed.add(totals.sum(Y))), got, shared


def combined_rate(
    got: Fit,
    found: Cells,
    labels: pd.DataFrame,
    entries: rates.Entries,
    *,
    indicator: str,
    basis: str,
    method: str,
    interval: str | None,
    level: float,
    columns: dict[str, Any],
    notes: Sequence[str],
) -> Estimate:
    """Estimate weighted means of fitted rates, their covariances carried.

    Parameters
    ----------
    got : Fit
        Cell rates.
    labels : DataFrame
        Keys of the means.
    entries : Entries
        Weight of each cell in each mean; they add up to 1.
    found, indicator, basis, method, interval, level
        As for :func:`rate`.
    columns, notes
        Further columns and notes of the result.
    """
    if got.errors is None:
        raise DesignError("the units of these cells were added up: cell rates have no covariances")
    used = np.isin(np.arange(len(got.estimate)), entries.cell)
    A = csr_array((entries.weight, (entries.group, entries.cell)), shape=(len(labels), len(used)))
    estimate = A @ np.where(used, got.estimate, 0.0)
    estimate = np.where(A.sum(axis=1) > 0, estimate, np.nan)
    errors = combination(found, Y, X, A, by=list(got.labels.columns))
    variance = covariance.variance(errors)
    n = np.asarray((A != 0) @ got.n, float)
    df = _combined_df(got, A)
    std_error = np.sqrt(np.where(variance > 0, variance, np.nan))
    reason = np.where(np.isnan(estimate), "undefined: inspected = 0 or output = 0", "").astype(object)
    mean = Fit(labels, estimate, std_error, df, np.full(len(labels), np.nan), n, reason, errors)
    chosen: Interval = "logit" if interval is None else interval  # type: ignore[assignment]
    result = rate_of(mean, found, indicator=indicator, basis=basis, interval=chosen, level=level)
    p = np.clip(estimate, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = p * (1 - p) / std_error**2
    table = result.table.assign(n_eff=n_eff, **columns)
    return result.replace(
        table, method=f"{method}; {result.method}", notes=[*result.notes, *notes], errors=result.errors
    )


def _combined_df(got: Fit, A: csr_array) -> Array:
    """Return the degrees of freedom of sums of fitted rates: units seen in any, minus their strata."""
    if got.errors is None:
        return np.full(A.shape[0], np.nan)
    level = got.errors.levels[0]
    seen = csr_array((np.ones(level.Z.nnz), level.Z.indices, level.Z.indptr), shape=level.Z.shape)
    units = (abs(A) @ seen) != 0
    centred = level.group >= 0
    if not centred.any():
        return np.full(A.shape[0], float(np.nanmax(got.df)))
    strata = csr_array(
        (np.ones(centred.sum()), (np.flatnonzero(centred), level.group[centred])),
        shape=(level.group.size, int(level.group.max()) + 1),
    )
    drawn = units @ np.where(centred, level.count, 0.0)
    return np.asarray(drawn - ((units @ strata) != 0).sum(axis=1), float)


def counts_interval(interval: str | None, default: intervals.Proportion) -> intervals.Proportion:
    """Return the interval of counts, or refuse one that only a design gives a meaning."""
    if isinstance(interval, str) and interval in DESIGN and interval not in intervals.PROPORTION:
        raise OptionError(
            f"interval={interval!r} needs a sampling design: say design=Design(…), or take one of "
            f"{', '.join(map(repr, intervals.PROPORTION))}"
        )
    return default if interval is None else interval  # type: ignore[return-value]
