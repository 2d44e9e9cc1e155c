r"""The covariance of estimates of one sample, kept as sums over sampled units.

An estimate is, to first order, a sum of influences of the units drawn. So the covariance of
R estimates is known from an (R, U) sparse matrix Z of influences and from how the units were
drawn, stage by stage; the (R, R) matrix itself is formed only where it is asked for.

.. math:: \operatorname{cov}(\hat\theta) = \sum_{\text{levels}} Z D Z', \qquad
          D = \bigoplus_g s_g\left(\operatorname{diag}(c) - \frac{c c'}{m_g}\right),
          \quad m_g = \sum_{u \in g} c_u

`c` is the number of elements that a unit stands for (1 unless units are cells of elements),
`s` the scale of its group; units of group −1 are not centred, :math:`D = s c`. Everything here is
computed from :math:`Z L`, where :math:`L = \sqrt{s}\,(\operatorname{diag}(\sqrt c) -
c\sqrt{c}'/m_g)` and :math:`L L' = D`: deviations from group means, so nothing large cancels.

References
----------
Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, chapters 2, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array, csr_array

from qstats.errors import DesignError

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BLOCK = 4_000_000
"""Numbers in a dense block: 32 MB."""


@dataclass(frozen=True, eq=False)
class Level:
    """One stage of error.

    Attributes
    ----------
    Z : csr_array, shape (R, U)
        Influence of each unit on each estimate; the mean over its elements where it stands for several.
    group : ndarray of int, shape (U,)
        Within which group influences are centred (stratum; at stage two the PSU); −1: not centred.
    count : ndarray, shape (U,)
        Elements that the unit stands for.
    scale : ndarray, shape (U,)
        s of the unit's group, (1 − f) m/(m − 1) under simple random sampling; 0 where nothing varies.
    """

    Z: csr_array
    group: Index
    count: Array
    scale: Array


class Errors(NamedTuple):
    """The covariance of R estimates as a sum of levels.

    Attributes
    ----------
    levels : tuple of Level
        Each with the same R; what is drawn at one level is independent of the others.
    sample : str
        Which sample the units are: estimates of one sample covary. Empty: not said.
    """

    levels: tuple[Level, ...]
    sample: str = ""


class Means(NamedTuple):
    """Group means of influences, for the (row, group) pairs that have an entry."""

    row: Index
    group: Index
    mean: Array  # over all m_g elements, absent ones being zero
    seen: Array  # elements with an entry
    of_entry: Index  # number of the pair of each stored entry of Z that is in a group


def variance(errors: Errors) -> Array:
    r"""Return the variance of each estimate.

    .. math:: \operatorname{var}(\hat\theta_r) = \sum_{\text{levels}} \sum_g s_g
              \sum_{u \in g} c_u (z_{ru} - \bar z_{rg})^2

    Zero is what the formula gives where all influences of a row are equal: a census, but also a
    domain in a single PSU or a rate of 0 or 100 %. The caller, who knows the degrees of freedom
    and the estimate, tells them apart.

    Parameters
    ----------
    errors : Errors

    Returns
    -------
    ndarray, shape (R,)
        NaN for a row with an unknown influence.

    Examples
    --------
    >>> one = np.ones(3)
    >>> level = Level(csr_array([[1.0, 2.0, 6.0]]), np.zeros(3, int), one, 1.5 * one)
    >>> variance(Errors((level,))).tolist()
    [21.0]
    """
    return np.asarray(sum(_level_variance(level) for level in errors.levels), float)


def covariance(errors: Errors, rows: ArrayLike | None = None) -> Array:
    r"""Return the covariance matrix, :math:`\sum Z D Z'`, dense.

    Parameters
    ----------
    errors : Errors
    rows : array_like of int, optional
        The estimates wanted, in this order; all by default.

    Returns
    -------
    ndarray, shape (R, R) or (len(rows), len(rows))
        Positive semidefinite; its diagonal is :func:`variance`.

    Examples
    --------
    Three units with influences (−2, −1, 3) about their mean and (1, 0, −1), s = 3/2:

    >>> one, stratum = np.ones(3), np.zeros(3, int)
    >>> Z = csr_array([[1.0, 2.0, 6.0], [1.0, 0.0, -1.0]])
    >>> both = Errors((Level(Z, stratum, one, 1.5 * one),))
    >>> covariance(both).round(9).tolist()
    [[21.0, -7.5], [-7.5, 3.0]]
    """
    if rows is not None:
        wanted = np.asarray(rows, np.intp)
        errors = errors._replace(levels=tuple(replace(v, Z=v.Z[wanted]) for v in errors.levels))
    return cross(errors, errors)


def cross(a: Errors, b: Errors) -> Array:
    r"""Return the covariances between two sets of estimates from one sample.

    .. math:: \operatorname{cov}(\hat\theta_a, \hat\theta_b)
              = \sum_{\text{levels}} (Z_a L_a)(Z_b L_b)'

    Parameters
    ----------
    a, b : Errors
        Of the same units, level by level.

    Returns
    -------
    ndarray, shape (Ra, Rb)

    Raises
    ------
    DesignError
        They name different samples, or their units are not the same.

    Examples
    --------
    Of two estimates with their sum, 21 − 7.5 and −7.5 + 3:

    >>> one, stratum = np.ones(3), np.zeros(3, int)
    >>> Z = csr_array([[1.0, 2.0, 6.0], [1.0, 0.0, -1.0]])
    >>> both = Errors((Level(Z, stratum, one, 1.5 * one),))
    >>> cross(both, combine(both, [[1.0, 1.0]])).round(9).tolist()
    [[13.5], [-4.5]]
    """
    _check_same_units(a, b)
    shape = (a.levels[0].Z.shape[0], b.levels[0].Z.shape[0])
    total = np.zeros(shape)
    for level, other in zip(a.levels, b.levels, strict=True):
        width = max(1, BLOCK // max(1, *shape))
        if level is other:
            for E in _deviations(level, width):
                total += E @ E.T
            continue
        for E, F in zip(_deviations(level, width), _deviations(other, width), strict=True):
            total += E @ F.T
    return total


def combine(errors: Errors, A: ArrayLike | csr_array) -> Errors:
    r"""Return the errors of :math:`A\hat\theta`: contrasts, sums, sub-sets, permutations.

    Parameters
    ----------
    errors : Errors
        Of R estimates.
    A : array_like or sparse array, shape (Q, R)
        A zero takes nothing from its estimate, even if that is unknown.

    Returns
    -------
    Errors
        Of Q estimates, of the same sample.

    Examples
    --------
    The variance of a difference, 21 + 3 − 2 · (−7.5):

    >>> one, stratum = np.ones(3), np.zeros(3, int)
    >>> Z = csr_array([[1.0, 2.0, 6.0], [1.0, 0.0, -1.0]])
    >>> both = Errors((Level(Z, stratum, one, 1.5 * one),))
    >>> variance(combine(both, [[1.0, -1.0]])).round(9).tolist()
    [39.0]
    """
    weights = csr_array(A, dtype=float, copy=True)
    weights.eliminate_zeros()
    return errors._replace(levels=tuple(replace(v, Z=csr_array(weights @ v.Z)) for v in errors.levels))


def noise(errors: Errors, rng: np.random.Generator, n: int) -> Array:
    r"""Draw errors: :math:`\sum Z L \varepsilon`, :math:`\varepsilon_u \sim N(0, 1)` for each unit.

    One vector of standard normals a draw and level, whatever the rows: two `Errors` of the same
    units with generators in the same state covary as :func:`cross` says.

    Parameters
    ----------
    errors : Errors
    rng : numpy.random.Generator
        Advanced by n times the number of units.
    n : int
        Number of draws.

    Returns
    -------
    ndarray, shape (n, R)
        Draws of N(0, cov).

    Examples
    --------
    The variances are 21 and 3:

    >>> one, stratum = np.ones(3), np.zeros(3, int)
    >>> Z = csr_array([[1.0, 2.0, 6.0], [1.0, 0.0, -1.0]])
    >>> both = Errors((Level(Z, stratum, one, 1.5 * one),))
    >>> noise(both, np.random.default_rng(1), 20_000).var(axis=0).round(1).tolist()
    [20.8, 3.0]
    """
    drawn = np.zeros((n, errors.levels[0].Z.shape[0]))
    for level in errors.levels:
        units = level.group.size
        step = max(1, BLOCK // max(1, units))
        for start in range(0, n, step):
            normal = rng.standard_normal((min(step, n - start), units))
            drawn[start : start + step] += (level.Z @ _correlated(level, normal).T).T
    return drawn


def group_sizes(group: Index, count: Array) -> Array:
    r"""Return the elements of each group, :math:`m_g = \sum_{u \in g} c_u`.

    Parameters
    ----------
    group : ndarray of int, shape (U,)
        Units of group −1 belong to none.
    count : ndarray, shape (U,)
        c.

    Returns
    -------
    ndarray, shape (groups,)

    Examples
    --------
    >>> group_sizes(np.array([0, 0, 1, -1]), np.array([2.0, 3.0, 4.0, 9.0])).tolist()
    [5.0, 4.0]
    """
    inside = group >= 0
    return np.asarray(np.bincount(group[inside], count[inside]), float)


def group_means(Z: csr_array, group: Index, count: Array) -> Means:
    r"""Return :math:`\bar z_{rg} = \sum_{u \in g} c_u z_{ru} / m_g` where row r has an entry in g.

    Parameters
    ----------
    Z : csr_array, shape (R, U)
        Stored zeros count as entries.
    group : ndarray of int, shape (U,)
    count : ndarray, shape (U,)

    Returns
    -------
    Means

    Examples
    --------
    >>> means = group_means(csr_array([[1.0, 2.0, 6.0]]), np.array([0, 0, 1]), np.ones(3))
    >>> means.group.tolist(), means.mean.tolist()
    ([0, 1], [1.5, 6.0])
    """
    row, unit, z = entries(Z)
    inside = group[unit] >= 0
    row, unit, z = row[inside], unit[inside], z[inside]
    m = group_sizes(group, count)
    key, of_entry = np.unique(row * max(1, m.size) + group[unit], return_inverse=True)
    row_of, group_of = np.divmod(key, max(1, m.size))
    sums = np.bincount(of_entry, count[unit] * z, minlength=key.size)
    seen = np.asarray(np.bincount(of_entry, count[unit], minlength=key.size), float)
    return Means(row_of, group_of, sums / m[group_of], seen, of_entry)


def entries(Z: csr_array) -> tuple[Index, Index, Array]:
    """Return row, column and value of every stored entry, zeros too.

    Parameters
    ----------
    Z : csr_array, shape (R, U)

    Returns
    -------
    row, column : ndarray of int, shape (E,)
    value : ndarray, shape (E,)

    Examples
    --------
    >>> [part.tolist() for part in entries(csr_array([[0.0, 5.0], [7.0, 0.0]]))]
    [[0, 1], [1, 0], [5.0, 7.0]]
    """
    row = np.repeat(np.arange(Z.shape[0]), np.diff(Z.indptr))
    return row, np.asarray(Z.indices, np.intp), np.asarray(Z.data, float)


def _level_variance(level: Level) -> Array:
    R = level.Z.shape[0]
    row, unit, z = entries(level.Z)
    means = group_means(level.Z, level.group, level.count)
    centre = np.zeros(z.size)
    centre[level.group[unit] >= 0] = means.mean[means.of_entry]
    present = np.bincount(row, level.scale[unit] * level.count[unit] * (z - centre) ** 2, minlength=R)
    scale = np.zeros(level.group.max(initial=-1) + 1)
    scale[level.group[level.group >= 0]] = level.scale[level.group >= 0]
    absent = group_sizes(level.group, level.count)[means.group] - means.seen
    rest = scale[means.group] * absent * means.mean**2
    return np.asarray(present + np.bincount(means.row, rest, minlength=R), float)


def _deviations(level: Level, width: int) -> Iterator[Array]:
    """Yield the columns of Z L in dense blocks of at most `width` units."""
    means = group_means(level.Z, level.group, level.count)
    groups = level.group.max(initial=-1) + 1
    centre = csc_array((means.mean, (means.row, means.group)), shape=(level.Z.shape[0], groups))
    columns, root = csc_array(level.Z), np.sqrt(level.scale * level.count)
    for start in range(0, level.group.size, width):
        block = slice(start, start + width)
        dense = columns[:, block].toarray()
        inside = np.flatnonzero(level.group[block] >= 0)
        dense[:, inside] -= centre[:, level.group[block][inside]].toarray()
        yield dense * root[block]


def _correlated(level: Level, normal: Array) -> Array:
    """Return L ε for each row ε of `normal`, shape (draws, U)."""
    weighted = normal * np.sqrt(level.scale * level.count)
    inside = np.flatnonzero(level.group >= 0)
    if inside.size == 0:
        return np.asarray(weighted, float)
    m = group_sizes(level.group, level.count)
    shape = (level.group.size, m.size)
    spread = csr_array(
        (np.sqrt(level.scale * level.count)[inside], (inside, level.group[inside])), shape=shape
    )
    mean = (normal @ spread) / np.where(m > 0, m, 1.0)
    weighted[:, inside] -= level.count[inside] * mean[:, level.group[inside]]
    return np.asarray(weighted, float)


def _check_same_units(a: Errors, b: Errors) -> None:
    if a.sample and b.sample and a.sample != b.sample:
        raise DesignError(f"errors of the samples {a.sample!r} and {b.sample!r}: they share no unit")
    units = [[level.group.size for level in errors.levels] for errors in (a, b)]
    if units[0] != units[1]:
        raise DesignError(f"errors over {units[0]} and {units[1]} units: they are not of one sample")
