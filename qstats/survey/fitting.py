"""From cells to estimates: labels become numbers, the formulas of `stats` do the rest, labels come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.errors import DesignError, one_of, yes_or_no
from qstats.stats import design_effect, elements, replicate, sampling
from qstats.stats.covariance import entries as stored
from qstats.survey import adjusting
from qstats.survey.adjusting import Adjustment
from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells
from qstats.survey.design import Design
from qstats.survey.entries import Entries, entries_of
from qstats.survey.replicating import replicated
from qstats.survey.units import Units, collapsed, populations_of, units_of

if TYPE_CHECKING:
    from collections.abc import Sequence


Array = NDArray[np.float64]
Index = NDArray[np.intp]
Df = Literal["domain", "design"]

#: below this share of the estimate a standard error is the rounding of zero
_ROUNDING: Final = 1e-13
#: below this share of a calibrated total the influence of a unit on it is the rounding of zero
_KNOWN: Final = 1e-9
#: why a standard error is zero
NO_ERROR: Final = "no sampling error: every unit was taken"
CALIBRATED: Final = "no sampling error: the weights repeat this known total"


class Fit(NamedTuple):
    """R estimates with their errors, under the labels of their keys.

    Attributes
    ----------
    labels : DataFrame
        R rows, the keys.
    estimate, std_error, df, deff, n : ndarray, shape (R,)
        Standard errors are NaN, never zero, where the sample does not tell them.
    reason : ndarray of str
        Why there is no estimate, or no error.
    errors : Errors or None
        The joint error; None where units were added up before.
    """

    labels: pd.DataFrame
    estimate: Array
    std_error: Array
    df: Array
    deff: Array
    n: Array
    reason: NDArray[np.object_]
    errors: sampling.Errors | None


def fit(
    found: Cells,
    y: str,
    x: str | None = ONE,
    /,
    *,
    by: Sequence[str],
    margins: bool = False,
    df: Df = "domain",
    replacement: bool = False,
) -> Fit:
    """Estimate Y/X, a mean (``x="1"``) or the total Y (``x=None``) of each combination of keys.

    Parameters
    ----------
    found : Cells
        With the sums y and x.
    y, x : str
        Names of sums; ``"1"``: the constant.
    by : sequence of str
        Keys, among those of the cells.
    margins : bool
        Also every row in which one or several keys are added up; they then say ``"*"``.
    df : {"domain", "design"}
        Primary units minus strata, of those in which the row is seen or of the whole sample.
    replacement : bool
        Whether the design effect compares with sampling with replacement.

    Raises
    ------
    DataError
        A key that the cells do not have.
    DesignError
        What the design refuses, the strata being named.
    """
    one_of("df", df, ("domain", "design"))
    yes_or_no("margins", margins)
    placed = entries_of(found, by, margins=margins)
    if found.design is None:
        return _without_design(found, y, x, placed)
    if found.pushed_down:
        return _pushed_down(found, y, x, placed, margins or set(by) != set(found.by), df, replacement)
    units = units_of(found, found.design, y, x)
    adjusted = adjusting.adjustment(found, units)
    try:
        estimate, errors = _estimated(found, y, x, placed, units, adjusted)
        at_hand = _degrees(found, placed, units, df)
    except sampling.StratumError as error:
        raise DesignError(_naming(error, units.strata, found.design)) from error
    errors = sampling.Errors(errors.levels, units.name)
    # within a cell a factor that varies is not known by row: then the weights as they were drawn say it
    g = adjusted.g if adjusted.continuous is None else np.ones(len(found))
    srs = _srs(found, y, x, placed, g, replacement=replacement)
    known = np.zeros(placed.rows, bool)
    if x is None and y == ONE and adjusted.made:
        known = _moved_by_none(errors, estimate)
    return _reported(found, placed, estimate, errors, at_hand, srs, known=known)


def _design(found: Cells) -> Design:
    if found.design is None:
        raise DesignError("these cells have no design")
    return found.design


def combination(found: Cells, y: str, x: str, A: csr_array, /, *, by: Sequence[str]) -> sampling.Errors:
    """Return the joint error of linear combinations of the ratios that :func:`fit` gives.

    The policy on strata of one unit is applied to the combination, not to its parts: a part that is
    seen in such strata only has no variance of its own, the whole may well have one.

    Parameters
    ----------
    found, y, x, by
        As for :func:`fit`.
    A : csr_array, shape (Q, R)
        A zero takes nothing from its row, even if that is unknown.
    """
    placed = entries_of(found, by)
    units = units_of(found, _design(found), y, x)
    adjusted = adjusting.adjustment(found, units)
    try:
        _, errors = _estimated(found, y, x, placed, units, adjusted, A)
    except sampling.StratumError as error:
        raise DesignError(_naming(error, units.strata, _design(found))) from error
    return sampling.Errors(errors.levels, units.name)


def _estimated(
    found: Cells,
    y: str,
    x: str | None,
    entries: Entries,
    units: Units,
    adjusted: Adjustment,
    A: csr_array | None = None,
) -> tuple[Array, sampling.Errors]:
    """Return the estimates and their errors, or those of A times them, by the door that the design opens."""
    design = _design(found)
    policy = _policy(design)
    place: dict[str, Any] = {"row": entries.row, "at": entries.cell, "rows": entries.rows, "units": units}
    if design.replication is not None:
        estimate, errors = replicated(found, design, y, x, adjusted=adjusted, **place)
        return estimate, errors if A is None else sampling.combine(errors, A)
    if design.elements:
        if adjusted.made:
            estimate, errors = adjusting.elements(found, adjusted, y, x, policy=policy, **place)
        else:
            estimate, errors = _elements(found, y, x, entries, units, policy)
        return estimate, errors if A is None else sampling.combine(errors, A)
    if adjusted.made:
        estimate, Z = adjusting.influence(found, adjusted, y, x, **place)
    else:
        estimate, Z = _influence(found, y, x, entries, units)
    return estimate, sampling.linearised(Z if A is None else csr_array(A @ Z), units.sample, **policy)


def _elements(
    found: Cells, y: str, x: str | None, entries: Entries, units: Units, policy: dict[str, Any]
) -> tuple[Array, sampling.Errors]:
    at = entries.cell
    place: dict[str, Any] = {"row": entries.row, "unit": units.unit[at], "rows": entries.rows}
    place["sample"] = units.sample
    if x is None:
        return elements.total(found.sum(y)[at], found.square(y, y)[at], **place, **policy)
    sums = (found.sum(y), found.sum(x), found.square(y, y), found.square(y, x), found.square(x, x))
    return elements.ratio(elements.Moments(*(s[at] for s in sums)), **place, **policy)


def _influence(
    found: Cells, y: str, x: str | None, entries: Entries, units: Units
) -> tuple[Array, csr_array]:
    at = entries.cell
    where: dict[str, Any] = {"row": entries.row, "unit": units.unit[at], "rows": entries.rows}
    where["units"] = units.number
    if x is None:
        return sampling.total_influence(found.sum(y)[at], **where)
    return sampling.influence(found.sum(y)[at], found.sum(x)[at], **where)


def _degrees(found: Cells, entries: Entries, units: Units, df: Df) -> Array:
    design = _design(found)
    if design.replication is not None and design.replication.method == "columns":
        columns = found.replicated(ONE)
        rank = columns.shape[1] - 1  # the most there can be; weights by unit tell
        if not design.elements:
            rank = replicate.degrees_of_freedom(columns)
        return np.full(entries.rows, float(rank))
    if df == "design":
        return np.full(entries.rows, sampling.design_df(units.sample))
    n, sample = found.column("n"), units.sample
    if design.elements:
        sample = replace(sample, count=n)  # of the rows drawn those with a weight and a value are seen
    return sampling.degrees_of_freedom(
        entries.row,
        units.unit[entries.cell],
        sample,
        rows=entries.rows,
        weightless=n[entries.cell] == 0,
    )


def _srs(found: Cells, y: str, x: str | None, entries: Entries, g: Array, *, replacement: bool) -> Array:
    """Return the variance under simple random sampling of as many elements."""

    def total(column: Array) -> Array:
        return entries.add(g * column)

    n, w, Y, YY = (
        entries.add(found.column("n")),
        total(found.sum(ONE)),
        total(found.sum(y)),
        total(found.product(y, y)),
    )
    if x is None:
        return design_effect.srs_total_variance(n, w, Y, YY, replacement=replacement)
    X, YX, XX = total(found.sum(x)), total(found.product(y, x)), total(found.product(x, x))
    return design_effect.srs_ratio_variance(n, w, Y, X, YY, YX, XX, replacement=replacement)


def _reported(
    found: Cells,
    entries: Entries,
    estimate: Array,
    errors: sampling.Errors,
    df: Array,
    srs: Array,
    *,
    known: NDArray[np.bool_] | None = None,
) -> Fit:
    """Tell what is not known apart from what is zero."""
    n, variance = entries.add(found.column("n")), sampling.variance(errors)
    known = np.zeros(entries.rows, bool) if known is None else known
    lost = np.isnan(variance)
    census = (_census(errors, entries.rows) & (n > 0) & ~lost) | known
    with np.errstate(invalid="ignore"):
        nothing = (variance <= (_ROUNDING * np.abs(estimate)) ** 2) | known
    unknown = nothing & ~census  # a formula's zero is not an error of zero
    std_error = np.where(unknown, np.nan, np.sqrt(np.where(nothing, 0.0, variance)))
    deff = np.divide(std_error**2, srs, out=np.full(srs.shape, np.nan), where=srs > 0)
    texts = (
        "undefined: no row with a weight and a value",
        "undefined: the denominator is 0",
        "not estimable: no variation between the sampled units",
        "not estimable: 0 degrees of freedom",
        "not estimable: no variance can be seen",
        CALIBRATED,
        NO_ERROR,
    )
    where = [n == 0, np.isnan(estimate), unknown & (df > 0), (df <= 0) & ~census, lost]
    where += [known, nothing & census]
    reason = np.select(where, texts, default="").astype(object)
    return Fit(entries.labels, estimate, std_error, df, deff, n, reason, errors)


def _census(errors: sampling.Errors, rows: int) -> NDArray[np.bool_]:
    """Return which rows rest on units that were all taken, so that a zero error is true."""
    seen, varies = np.zeros(rows, bool), np.zeros(rows, bool)
    for level in errors.levels:
        row, unit, _ = stored(level.Z)
        seen |= np.bincount(row, minlength=rows) > 0  # replicates that all agree leave nothing to see
        varies |= np.bincount(row, level.scale[unit] > 0, minlength=rows) > 0
    return seen & ~varies


def _moved_by_none(errors: sampling.Errors, estimate: Array) -> NDArray[np.bool_]:
    """Return which totals no unit moves, for the weights are made to repeat them."""
    most = np.zeros(estimate.size)
    for level in errors.levels:
        row, _, z = stored(level.Z)
        np.maximum.at(most, row, np.abs(z))
    return np.asarray(most <= _KNOWN * np.abs(estimate), bool)


def _without_design(found: Cells, y: str, x: str | None, entries: Entries) -> Fit:
    """Return estimates whose error nothing tells."""
    Y = entries.add(found.sum(y))
    X = np.ones(entries.rows) if x is None else entries.add(found.sum(x))
    estimate = np.divide(Y, X, out=np.full(Y.shape, np.nan), where=X != 0)
    unknown, n = np.full(entries.rows, np.nan), entries.add(found.column("n"))
    reason = np.where(np.isnan(estimate), "undefined: the denominator is 0", "").astype(object)
    return Fit(entries.labels, estimate, unknown, unknown, unknown, n, reason, None)


def _pushed_down(
    found: Cells, y: str, x: str | None, entries: Entries, coarser: bool, df: Df, replacement: bool
) -> Fit:
    """Return estimates of cells in which units were added up: every row a sample of its own."""
    design = _design(found)
    if coarser:
        raise DesignError(
            f"the units of these cells were added up by {', '.join(found.by)}: other keys and margins need "
            "cells of their own; make them with by=… as asked for, or with a larger max_cells"
        )
    if design.singleton == "adjust":
        raise DesignError(
            "singleton='adjust' compares with the mean of all units, and the units of these cells were added "
            "up: choose another policy, or make the cells with a larger max_cells"
        )
    sample, strata, whole = _samples(found, design, entries)
    R = entries.rows
    place: dict[str, Any] = {"row": entries.row, "unit": np.arange(len(found)), "rows": R, "sample": sample}
    place.update(_policy(design))
    try:
        if x is None:
            estimate, errors = elements.total(found.sum(y), found.square(y, y), **place)
        else:
            sums = (found.sum(y), found.sum(x), found.square(y, y), found.square(y, x), found.square(x, x))
            estimate, errors = elements.ratio(elements.Moments(*sums), **place)
    except sampling.StratumError as error:
        raise DesignError(_naming(error, strata, design)) from error
    degrees = np.full(R, whole)
    if df == "domain":
        seen = found.column("n") > 0
        degrees = sampling.degrees_of_freedom(
            entries.row, np.arange(len(found)), sample, rows=R, weightless=~seen
        )
    srs = _srs(found, y, x, entries, np.ones(len(found)), replacement=replacement)
    return _reported(found, entries, estimate, errors, degrees, srs)._replace(errors=None)


def _samples(found: Cells, design: Design, entries: Entries) -> tuple[sampling.Sample, pd.DataFrame, float]:
    """Return the samples of all rows side by side, the stratum of each group, and units minus strata.

    A group is a stratum within a row. The units that the row is not seen in fill it up.
    """
    code, labels = found.codes([design.strata] if design.strata else [])
    joined, groups = collapsed(labels, design)
    units = np.zeros(len(labels))
    units[code] = found.column("stratum_units")
    H = len(groups)
    whole, own = np.bincount(joined, units, minlength=H), found.column("units")
    populations = populations_of(found, design, code, len(labels), joined, H)
    used, number = np.unique(entries.row * H + joined[code], return_inverse=True)
    absent = whole[used % H] - np.bincount(number, own)
    filler = np.flatnonzero(absent > 0)
    sample = sampling.Sample(
        np.concatenate([number, filler]), populations[used % H], count=np.concatenate([own, absent[filler]])
    )
    return sample, groups.iloc[used % H], float(whole.sum() - H)


def _policy(design: Design) -> dict[str, Any]:
    """Return what to do about strata with one unit, once those to be joined are joined."""
    singleton = "fail" if design.singleton == "collapse" else design.singleton
    return {"singleton": singleton, "singleton_domain": design.singleton_domain}


def _naming(error: sampling.StratumError, strata: pd.DataFrame, design: Design) -> str:
    """Return the message of a stratum error with the labels of the strata."""
    if error.stage != 1 or design.strata is None:
        return str(error)
    names = list(dict.fromkeys(str(strata.iloc[h, 0]) for h in error.strata))
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"{error} — {design.strata}: {shown}"
