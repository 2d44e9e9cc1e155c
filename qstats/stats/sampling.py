r"""Estimates from a probability sample, with linearised variances.

Totals and ratios of weighted sums by unit; the influence of each sampled unit on them; from that
and the design — one or two stages, strata, finite populations — the covariance.

.. math:: \hat V = \sum_h (1 - f_{1h}) \frac{m_h}{m_h - 1} \sum_{i \in h} (z_i - \bar z_h)^2
          + \sum_h f_{1h} \sum_{i \in h} (1 - f_{2i}) \frac{k_i}{k_i - 1}
            \sum_{j \in i} (z_{ij} - \bar z_i)^2

Rows are estimates (a domain, a margin), units are what was drawn last: primary sampling units (PSU)
at one stage, second-stage units (SSU) at two. A unit outside a domain is a unit with influence
zero, so a domain never changes the design.

References
----------
Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, sections 4.3 and 5.5–5.8 (ratios: eq.
5.6.8, result 5.6.2); Cochran (1977), Sampling Techniques, 3rd ed., eqs. 10.15 and 11.24; Korn & Graubard
(1999), Analysis of Health Surveys, section 5.2 (degrees of freedom).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from qstats.errors import DesignError, one_of
from qstats.stats.covariance import (
    Array,
    Errors,
    Index,
    Level,
    combine,
    covariance,
    cross,
    entries,
    noise,
    variance,
)
from qstats.stats.singletons import POLICIES, Mask, Singleton, StratumError, refuse, resolve

__all__ = [
    "Errors",
    "Sample",
    "Singleton",
    "StratumError",
    "combine",
    "covariance",
    "cross",
    "degrees_of_freedom",
    "design_df",
    "influence",
    "linearised",
    "noise",
    "total_influence",
    "variance",
]


@dataclass(frozen=True, eq=False)
class Sample:
    """How the U ultimate units were drawn.

    Attributes
    ----------
    stratum : ndarray of int, shape (P,)
        Number of the stratum of each PSU, 0 … H − 1.
    population : ndarray, shape (H,)
        PSUs in the population of each stratum; inf: drawn with replacement.
    psu : ndarray of int, shape (U,), optional
        PSU of each second-stage unit; None: one stage, U = P.
    subpopulation : ndarray, shape (P,), optional
        Second-stage units in the population of each PSU; inf or None: with replacement.
    count : ndarray, shape (U,), optional
        Elements that each unit stands for, when units are cells of elements; None: 1 each.
    """

    stratum: Index
    population: Array
    psu: Index | None = None
    subpopulation: Array | None = None
    count: Array | None = None


def influence(
    y: ArrayLike, x: ArrayLike, *, row: ArrayLike, unit: ArrayLike, rows: int, units: int
) -> tuple[Array, csr_array]:
    r"""Return ratios of totals and the influence of each unit on them.

    .. math:: \hat\theta_r = \hat Y_r / \hat X_r, \qquad
              z_{ru} = (y_{ru} - \hat\theta_r x_{ru}) / \hat X_r

    A mean is a ratio over the sum of weights.

    Parameters
    ----------
    y, x : array_like, shape (E,)
        Weighted sums Σwy and Σwx of each cell.
    row, unit : array_like of int, shape (E,)
        The estimate and the unit that the cell belongs to. Cells of the same pair are added up.
    rows, units : int
        R and U.

    Returns
    -------
    estimate : ndarray, shape (R,)
        NaN where X is zero or the row has no cell.
    Z : csr_array, shape (R, U)
        Every pair that occurs has an entry, even a zero; a row without an estimate has NaN.

    Raises
    ------
    DesignError
        A sample of no units.

    Examples
    --------
    >>> theta, Z = influence([1, 2], [2, 2], row=[0, 0], unit=[0, 1], rows=1, units=2)
    >>> theta.tolist(), Z.toarray().tolist()
    ([0.75], [[-0.125, 0.125]])
    """
    y, x, row, unit = _cells(y, x, row, unit)
    Y, X = np.bincount(row, y, minlength=rows), np.bincount(row, x, minlength=rows)
    unknown = np.full(rows, np.nan)
    theta = np.divide(Y, X, out=unknown.copy(), where=X != 0)
    over = np.divide(1.0, X, out=unknown, where=X != 0)
    return theta, _influences((y - theta[row] * x) * over[row], row, unit, rows, units)


def total_influence(
    y: ArrayLike, *, row: ArrayLike, unit: ArrayLike, rows: int, units: int
) -> tuple[Array, csr_array]:
    r"""Return totals and the influence of each unit on them, :math:`\hat Y_r = \sum_u z_{ru}`, :math:`z = y`.

    Parameters
    ----------
    y : array_like, shape (E,)
        Weighted sum Σwy of each cell.
    row, unit, rows, units
        As for :func:`influence`.

    Returns
    -------
    estimate : ndarray, shape (R,)
        Zero for a row without a cell; its influence, and so its error, is NaN.
    Z : csr_array, shape (R, U)

    Raises
    ------
    DesignError
        A sample of no units.

    Examples
    --------
    >>> Y, Z = total_influence([1, 2, 6], row=[0, 0, 0], unit=[0, 1, 1], rows=1, units=2)
    >>> Y.tolist(), Z.toarray().tolist()
    ([9.0], [[1.0, 8.0]])
    """
    y, _, row, unit = _cells(y, y, row, unit)
    return np.asarray(np.bincount(row, y, minlength=rows), float), _influences(y, row, unit, rows, units)


def linearised(
    Z: csr_array,
    sample: Sample,
    *,
    singleton: Singleton = "fail",
    singleton_domain: bool = False,
    present: csr_array | None = None,
    scatter: csr_array | None = None,
) -> Errors:
    """Return the linearised (Taylor) errors of estimates with influences Z.

    Parameters
    ----------
    Z : csr_array, shape (R, U)
        Influences; with ``sample.count``, their mean over the elements of the unit.
    sample : Sample
    singleton : {"fail", "remove", "certainty", "adjust", "average"}
        What a stratum with one sampled unit adds; see :mod:`qstats.stats.singletons`.
    singleton_domain : bool
        Whether ``adjust`` and ``average`` also treat strata in which the domain is seen in one PSU.
    present : csr_array, shape (R, U), optional
        Its entries say where rows are seen, besides the stored entries of Z.
    scatter : csr_array, shape (R, S·U), optional
        Influences that vary between the elements within a unit, S columns a unit in blocks of U:
        not centred, with the scale of the unit's group (see :mod:`qstats.stats.elements`).

    Returns
    -------
    Errors
        One level, or two when a second stage adds variance (some f of the first is above zero).

    Raises
    ------
    OptionError
        A policy that does not exist.
    StratumError
        A stratum has one sampled unit and `singleton` is ``fail``, or more units than its population.

    Examples
    --------
    >>> three = Sample(np.array([0, 0, 0]), np.array([np.inf]))
    >>> variance(linearised(csr_array([[1.0, 2.0, 6.0]]), three)).round(9).tolist()  # 3/2 · (4 + 1 + 9)
    [21.0]
    """
    one_of("singleton", singleton, POLICIES)
    Z = _seen(Z, present)
    count = np.ones(Z.shape[1]) if sample.count is None else np.asarray(sample.count, float)
    policy = (singleton, singleton_domain)
    H = sample.population.size
    if sample.psu is None:
        stage = _Stage(sample.stratum, count, sample.population, np.ones(H), 1)
        return Errors((_level(Z, stage, policy, scatter),))
    P = sample.stratum.size
    row, unit, z = entries(Z)
    primary = csr_array((z * count[unit], (row, sample.psu[unit])), shape=(Z.shape[0], P))
    primary.sum_duplicates()
    stage = _Stage(sample.stratum, np.ones(P), sample.population, np.ones(H), 1)
    first = _level(primary, stage, policy, None)
    drawn = _fraction(stage)
    if singleton == "certainty":
        drawn[_lone(stage)] = 1.0
    part = drawn[sample.stratum]
    if not part.any():
        return Errors((first,))
    within = np.full(P, np.inf) if sample.subpopulation is None else sample.subpopulation
    second = _Stage(sample.psu, count, np.asarray(within, float), part, 2)
    return Errors((first, _level(Z, second, (singleton, False), scatter)))


def degrees_of_freedom(
    row: ArrayLike, unit: ArrayLike, sample: Sample, *, rows: int, weightless: ArrayLike | None = None
) -> Array:
    """Return PSUs seen minus strata seen, for each row, :math:`m_r - H_r`.

    Parameters
    ----------
    row, unit : array_like of int, shape (E,)
        Cells, as for :func:`influence`.
    sample : Sample
        With ``count`` and one stage, elements are the PSUs.
    rows : int
        R.
    weightless : array_like of bool, shape (E,), optional
        Cells whose weights are all zero, which change no estimate and no variance: left out if named.

    Returns
    -------
    ndarray, shape (R,)
        0 for a row seen in one PSU a stratum, or not at all: its error cannot be estimated.

    Examples
    --------
    >>> three = Sample(np.array([0, 0, 0]), np.array([np.inf]))
    >>> degrees_of_freedom([0, 0, 1], [0, 1, 0], three, rows=2).tolist()
    [1.0, 0.0]
    """
    r, u = np.asarray(row, np.intp), np.asarray(unit, np.intp)
    if weightless is not None:
        r, u = r[~np.asarray(weightless, bool)], u[~np.asarray(weightless, bool)]
    P, H = sample.stratum.size, sample.population.size
    size = np.ones(P)
    if sample.psu is not None:
        u = sample.psu[u]
    elif sample.count is not None:
        size = np.asarray(sample.count, float)
    row_of, psu = _distinct(r, u, (rows, P))
    of_stratum, _ = _distinct(row_of, sample.stratum[psu], (rows, H))
    seen = np.asarray(np.bincount(row_of, size[psu], minlength=rows), float)
    return seen - np.bincount(of_stratum, minlength=rows)


def design_df(sample: Sample) -> float:
    """Return PSUs minus strata of the whole sample, :math:`m - H`.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    float

    Examples
    --------
    >>> design_df(Sample(np.array([0, 0, 1, 1, 1]), np.array([np.inf, np.inf])))
    3.0
    """
    elements = sample.count if sample.psu is None else None
    drawn = sample.stratum.size if elements is None else elements.sum()
    return float(drawn - np.unique(sample.stratum).size)


@dataclass(frozen=True, eq=False)
class _Stage:
    group: Index  # (U,) stratum of each unit drawn at this stage
    count: Array  # (U,)
    population: Array  # (G,)
    part: Array  # (G,) share with which the stage counts: the f of the stage above
    number: int


def _sizes(stage: _Stage) -> Array:
    return np.asarray(np.bincount(stage.group, stage.count, minlength=stage.population.size), float)


def _lone(stage: _Stage) -> Mask:
    return np.asarray((_sizes(stage) == 1) & (stage.population > 1) & (stage.part > 0), bool)


def _fraction(stage: _Stage) -> Array:
    """Return the sampling fraction f of each group; raise where it would exceed 1."""
    m = _sizes(stage)
    over = ~(m <= stage.population)
    if over.any():
        worst = int(np.flatnonzero(over)[0])
        what = "strata" if stage.number == 1 else "primary units"
        raise StratumError(
            f"{what} with more sampled units than their population, "
            f"at stage {stage.number}: {over.sum()}; number {worst} has {m[worst]:g} of "
            f"{stage.population[worst]:g}. The finite population is a number of units, not a share",
            strata=np.flatnonzero(over),
            stage=stage.number,
        )
    return np.divide(m, stage.population, out=np.zeros(m.size), where=m > 0)


def _level(Z: csr_array, stage: _Stage, policy: tuple[Singleton, bool], scatter: csr_array | None) -> Level:
    singleton, domain = policy
    f, m, lone = _fraction(stage), _sizes(stage), _lone(stage)
    if singleton == "fail":
        refuse(lone, stage=stage.number)
    spread = np.divide(m, m - 1, out=np.ones(m.size), where=m > 1)
    scale = stage.part * (1 - f) * spread
    raw = Level(Z, stage.group, stage.count, scale[stage.group])
    level, factor = resolve(raw, lone, singleton=singleton, domain=domain, census=scale == 0)
    if scatter is not None:
        level = _with_scatter(level, scatter)
    if (factor == 1).all():
        return level
    scaled = level.Z.copy()
    scaled.data = scaled.data * np.repeat(np.sqrt(factor), np.diff(scaled.indptr))
    return replace(level, Z=scaled)


def _with_scatter(level: Level, scatter: csr_array) -> Level:
    """Append the columns of scatter, not centred, at the scale of their units."""
    units = level.group.size
    times = scatter.shape[1] // units
    row, unit, z = entries(level.Z)
    row_s, column, s = entries(scatter)
    Z = csr_array(
        (np.concatenate([z, s]), (np.concatenate([row, row_s]), np.concatenate([unit, column + units]))),
        shape=(level.Z.shape[0], units * (1 + times)),
    )
    group = np.concatenate([level.group, np.full(units * times, -1)])
    count = np.concatenate([level.count, np.ones(units * times)])
    return Level(Z, group, count, np.tile(level.scale, 1 + times))


def _cells(y: ArrayLike, x: ArrayLike, row: ArrayLike, unit: ArrayLike) -> tuple[Array, Array, Index, Index]:
    return np.asarray(y, float), np.asarray(x, float), np.asarray(row, np.intp), np.asarray(unit, np.intp)


def _influences(z: Array, row: Index, unit: Index, rows: int, units: int) -> csr_array:
    """Put influences in a matrix; a row without any gets NaN, for its error is not zero."""
    if units < 1:
        raise DesignError("a sample of no units: nothing can be estimated")
    empty = np.flatnonzero(np.bincount(row, minlength=rows) == 0)
    z = np.concatenate([z, np.full(empty.size, np.nan)])
    place = np.concatenate([row, empty]), np.concatenate([unit, np.zeros_like(empty)])
    Z = csr_array((z, place), shape=(rows, units))
    Z.sum_duplicates()
    return Z


def _distinct(row: Index, column: Index, shape: tuple[int, int]) -> tuple[Index, Index]:
    """Return the pairs that occur, each once."""
    pairs = csr_array((np.ones(row.size), (row, column)), shape=shape)
    pairs.sum_duplicates()
    return entries(pairs)[:2]


def _seen(Z: csr_array, present: csr_array | None) -> csr_array:
    """Return Z with a stored entry wherever the row is present, and no duplicate."""
    if present is None and Z.has_canonical_format:
        return Z
    row, unit, z = entries(csr_array(Z))
    if present is not None:
        more, where, value = entries(csr_array(present))
        more, where = more[value != 0], where[value != 0]
        row, unit = np.concatenate([row, more]), np.concatenate([unit, where])
        z = np.concatenate([z, np.zeros(more.size)])
    merged = csr_array((z, (row, unit)), shape=Z.shape)
    merged.sum_duplicates()
    return merged
