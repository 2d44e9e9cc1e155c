"""The adjustments of a design on its cells: what the weights become, and what that does to errors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.errors import DesignError, nearest
from qstats.stats import adjust, adjusted_elements, calibrate, chain, greg, sampling
from qstats.survey.adjustments import ONE, Calibration
from qstats.survey.plan import OMITTED, OMITTED_SQUARE, product_name

if TYPE_CHECKING:
    from qstats.survey.cells import Cells
    from qstats.survey.units import Units

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Adjustment(NamedTuple):
    """What the weights of the cells become.

    Attributes
    ----------
    g : ndarray, shape (N,)
        Factor on the weight of each cell; with continuous auxiliaries its mean.
    steps : tuple
        One callable an adjustment, from the weights of the K calibration cells to the factors.
    category : ndarray of int, shape (N,)
        Calibration cell of each cell.
    N : csr_array, shape (U, K)
        Σw of each unit in each calibration cell.
    elements : csr_array, shape (U, K)
        Elements of each unit in each calibration cell.
    continuous : Calibration or None
        The one step with continuous auxiliaries, in which case `steps` is empty.
    """

    g: Array
    steps: tuple[chain.Step, ...]
    category: Index
    N: csr_array
    elements: csr_array
    continuous: Calibration | None

    @property
    def made(self) -> bool:
        """Whether there is any."""
        return bool(self.steps) or self.continuous is not None


def adjustment(found: Cells, units: Units) -> Adjustment:
    """Take the weights of the cells through the calibrations of their design."""
    design = found.design
    steps = design.calibrations if design else ()
    if not steps:
        none = csr_array((units.number, 0))
        return Adjustment(np.ones(len(found)), (), np.zeros(len(found), np.intp), none, none, None)
    names = list(dict.fromkeys(name for step in steps for name in step.categorical))
    category, labels = found.codes(names)
    w = _weights(found)
    N = csr_array((w, (units.unit, category)), shape=(units.number, len(labels)))
    drawn = found.column("n") + found.column("missing")
    count = csr_array((drawn, (units.unit, category)), shape=N.shape)
    nothing = Adjustment(np.ones(len(found)), (), category, N, count, None)
    varying = [step for step in steps if step.continuous]
    if varying:
        if len(steps) > 1 or (design is not None and design.replication is not None):
            raise DesignError(
                f"{varying[0].continuous[0]!r} is continuous: such a calibration stands alone, without "
                "further steps or replicates; cut it into categories to combine it"
            )
        return nothing._replace(continuous=varying[0], g=_mean_factor(found, varying[0]))
    made = tuple(part for step in steps for part in _parts_of(step, labels))
    factors = chain.factor(chain.adjusted(N.sum(axis=0), made, count=count.sum(axis=0)))
    return nothing._replace(steps=made, g=factors[category])


def _weights(found: Cells) -> Array:
    """Return Σw of each cell, with the rows that were left out for a missing value."""
    w = found.sum(ONE)
    return w + found.column(OMITTED) if found.missing == "omit" and found.sums else w


def _parts_of(step: Calibration, labels: pd.DataFrame) -> list[chain.Step]:
    """Return the calibration, and the trimming after it, as steps of a chain."""
    C, totals, names = auxiliaries(step, labels)
    how: dict[str, Any] = {"distance": step.distance, "bounds": step.bounds, "error": step.error}
    found: list[chain.Step] = [partial(calibrate.calibrate, C=C, totals=totals, names=names, **how)]
    if step.trim is not None:
        low, high = step.trim
        found.append(adjust.Trimming(low or 0.0, np.inf if high is None else high))
    return found


def auxiliaries(step: Calibration, labels: pd.DataFrame) -> tuple[csr_array, Array, list[str]]:
    """Return the indicators of the categories of each calibration cell, their totals and their names."""
    columns, totals, names = [], [], []
    for variables, total in step.totals:
        if variables == (ONE,):
            columns.append(np.ones(len(labels)))
            totals.append(float(total))  # type: ignore[arg-type]
            names.append("the size of the population")
        if not isinstance(total, tuple):
            continue
        said = list(labels[list(variables)].itertuples(index=False, name=None))
        known = {category for category, _ in total}
        strange = sorted({s for s in said if s not in known}, key=str)
        if strange:
            near = nearest(strange[0][0], [c[0] for c in known])
            raise DesignError(
                f"{'×'.join(variables)} = {strange[0]} is in the sample but has no total; nearest: {near!r}. "
                "Every category needs its total"
            )
        place = {category: j for j, (category, _) in enumerate(total)}
        number = np.array([place[s] for s in said])
        columns += [(number == j).astype(float) for j in range(len(total))]
        totals += [t for _, t in total]
        names += [f"{'×'.join(variables)} = {'×'.join(map(str, c))}" for c, _ in total]
    matrix = np.column_stack(columns) if columns else np.zeros((len(labels), 0))
    return csr_array(matrix), np.array(totals, float), names


def influence(
    found: Cells,
    made: Adjustment,
    y: str,
    x: str | None,
    *,
    row: Index,
    at: Index,
    rows: int,
    units: Units,
) -> tuple[Array, csr_array]:
    """Return estimates under adjusted weights, and the influence of each unit on them."""
    if made.continuous is not None:
        return _greg(found, made.continuous, y, x, row=row, at=at, rows=rows, units=units)
    chained = chain.adjusted(made.N.sum(axis=0), made.steps, count=made.elements.sum(axis=0))
    place: dict[str, Any] = {"row": row, "cell": made.category[at], "rows": rows, "chain": chained}
    place |= {"unit": units.unit[at], "N": made.N}
    if x is None:
        return chain.total_influence(found.sum(y)[at], **place)
    return chain.influence(found.sum(y)[at], found.sum(x)[at], **place)


def elements(
    found: Cells,
    made: Adjustment,
    y: str,
    x: str | None,
    *,
    row: Index,
    at: Index,
    rows: int,
    units: Units,
    policy: dict[str, Any],
) -> tuple[Array, sampling.Errors]:
    """Return estimates of sampled elements under adjusted weights, with their errors."""
    chained = chain.adjusted(made.N.sum(axis=0), made.steps, count=made.elements.sum(axis=0))
    other = ONE if x is None else x
    Y = np.bincount(row, (made.g * found.sum(y))[at], minlength=rows)
    X: Array = np.ones(rows)
    if x is not None:
        X = np.bincount(row, (made.g * found.sum(other))[at], minlength=rows).astype(float)
    X = np.asarray(np.where(X != 0, X, np.nan), float)
    ratio = np.asarray(Y / X, float)
    theta: Array = np.zeros(rows) if x is None else ratio
    v = (found.sum(y)[at] - theta[row] * found.sum(other)[at]) / X[row]
    K = made.N.shape[1]
    V = csr_array((np.nan_to_num(v), (made.category[at], row)), shape=(K, rows)).toarray()
    effect = chain.effect(V, np.asarray(made.N.sum(axis=0), dtype=np.float64), chained)
    gradient = adjusted_elements.gradients(
        effect.alpha, effect.beta, theta, X, row=row, cell=at, category=made.category
    )
    three = (y, other, ONE)
    sums = np.column_stack([found.sum(s) for s in three])
    squares = np.stack([np.column_stack([found.square(s, t) for t in three]) for s in three], axis=1)
    if found.missing == "omit" and found.sums:  # rows left out were calibrated too
        sums[:, 2] += found.column(OMITTED)
        weighted = found.design is not None and found.design.weight is not None
        squares[:, 2, 2] += found.column(OMITTED_SQUARE if weighted else OMITTED)
    moments = adjusted_elements.Vector(sums, squares)
    return ratio, adjusted_elements.errors(gradient, moments, units.sample, **policy)


def _parts(found: Cells, step: Calibration) -> tuple[greg.Auxiliaries, greg.Regression]:
    """Return all auxiliaries of the cells, the constant ones first, and the calibration to their totals."""
    names = list(step.categorical)
    code, labels = found.codes(names)
    C, fixed, said = auxiliaries(step, labels)
    q = step.continuous
    c = np.column_stack([found.sum(name) for name in q])
    cc = np.stack([np.column_stack([found.product(a, b) for b in q]) for a in q], axis=1)
    w = found.sum(ONE)
    if found.missing == "omit" and found.sums:
        w = w + found.column(OMITTED)
        c = c + np.column_stack([found.column(f"{name}@missing") for name in q])
        cc = cc + np.stack([np.column_stack([_omitted(found, a, b) for b in q]) for a in q], axis=1)
    given = dict(step.totals)
    totals = np.concatenate([fixed, [float(given[(name,)]) for name in q]])  # type: ignore[arg-type]
    aux = greg.Auxiliaries(C[code], w, c, cc)
    return aux, greg.regression(aux, totals, names=[*said, *q])


def _omitted(found: Cells, a: str, b: str) -> Array:
    names = [f"{product_name(*pair)}@missing" for pair in ((a, b), (b, a))]
    return found.column(next(name for name in names if name in found.table.columns))


def _mean_factor(found: Cells, step: Calibration) -> Array:
    aux, fit = _parts(found, step)
    after = greg.calibrated(fit, greg.Variable(aux.w, aux.c))
    return np.divide(after, aux.w, out=np.ones(after.shape), where=aux.w > 0)


def _greg(
    found: Cells, step: Calibration, y: str, x: str | None, *, row: Index, at: Index, rows: int, units: Units
) -> tuple[Array, csr_array]:
    aux, fit = _parts(found, step)

    def variable(name: str) -> greg.Variable:
        return greg.Variable(
            found.sum(name), np.column_stack([found.product(name, c) for c in step.continuous])
        )

    def add(values: Array) -> Array:
        return np.asarray(np.bincount(row, values[at], minlength=rows), float)

    top = variable(y)
    Y = add(greg.calibrated(fit, top))
    if x is None:
        theta, v = Y, greg.Variable(top.v[at], top.vc[at])
    else:
        below = variable(x)
        X = add(greg.calibrated(fit, below))
        X = np.where(X != 0, X, np.nan)
        theta = Y / X
        t, over = theta[row], X[row]
        v = greg.Variable(
            (top.v[at] - t * below.v[at]) / over, (top.vc[at] - t[:, None] * below.vc[at]) / over[:, None]
        )
    units_ = units.number
    Z = greg.influence(aux, fit, v, row=row, cell=at, rows=rows, unit=units.unit, units=units_)
    return theta, Z
