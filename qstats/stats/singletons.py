r"""Strata of which one unit was sampled: within them no variance can be seen.

What then stands in for it is a hypothesis, so it is a named policy and the default refuses.

============= ==========================================================================
policy        what a stratum with one unit adds to the variance of its stage
============= ==========================================================================
``fail``      nothing is computed
``remove``    nothing; an estimate seen only in such strata has no variance (NaN)
``certainty`` nothing, the unit being declared drawn with probability 1; at two stages its
              second stage then counts in full (f = 1)
``adjust``    :math:`(1 - f)(z - \bar z)^2`, from the mean over all units of the sample
``average``   the mean of what the other strata of the estimate add: the variance is multiplied
              by :math:`H/(H - L)`, with L of the H strata having one unit
============= ==========================================================================

With the *domain switch*, ``adjust`` and ``average`` treat in the same way, for one estimate, a
stratum in which its domain is seen in one unit only (the others being zero); the remaining
policies, which replace no variance, are not concerned by it. The switch looks at the first stage.
A stratum that an estimate is not seen in adds nothing to it, and a stratum whose population is one
unit is a census, not a singleton. Collapsing strata is relabelling them, before all this.

References
----------
Lumley (2010), Complex Surveys, section 3.2.1; Wolter (2007), Introduction to Variance Estimation,
2nd ed., section 2.5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.errors import DesignError
from qstats.stats.covariance import Array, Index, Level, Means, entries, group_means, group_sizes

Mask = NDArray[np.bool_]

Singleton = Literal["fail", "remove", "certainty", "adjust", "average"]
POLICIES: tuple[Singleton, ...] = get_args(Singleton)


class StratumError(DesignError):
    """Strata that do not fit the design, by number.

    Attributes
    ----------
    strata : tuple of int
        Numbers of the strata (at stage two: of the primary units), for the caller to name.
    stage : int
        1 or 2.
    """

    def __init__(self, message: str, *, strata: Index, stage: int) -> None:
        self.strata = tuple(int(h) for h in strata)
        self.stage = stage
        super().__init__(message)


def refuse(lone: Mask, *, stage: int) -> None:
    """Raise if a stratum has one sampled unit of several, naming the first of them.

    Parameters
    ----------
    lone : ndarray of bool, shape (G,)
        Strata (at stage two: primary units) with one sampled unit.
    stage : int
        1 or 2.

    Raises
    ------
    StratumError
        Any is `lone`.

    Examples
    --------
    >>> refuse(np.array([False, False]), stage=1)
    >>> refuse(np.array([False, True]), stage=1)
    Traceback (most recent call last):
    qstats.stats.singletons.StratumError: strata with one sampled unit, at stage 1: number 1. Their ...
    """
    if not lone.any():
        return
    found = np.flatnonzero(lone)
    what = "strata" if stage == 1 else "primary units"
    more = f" and {found.size - 10} more" if found.size > 10 else ""
    raise StratumError(
        f"{what} with one sampled unit, at stage {stage}: number {', '.join(map(str, found[:10]))}{more}. "
        f"Their variance cannot be seen; collapse them or choose a policy: {', '.join(POLICIES[1:])}",
        strata=found,
        stage=stage,
    )


def resolve(
    level: Level, lone: Mask, *, singleton: Singleton, domain: bool, census: Mask
) -> tuple[Level, Array]:
    """Apply a policy to one level.

    Parameters
    ----------
    level : Level
        Every unit in a group; the scale of a lone group is that which ``adjust`` needs. Stored
        entries of Z, zeros too, say where a row is seen.
    lone : ndarray of bool, shape (G,)
        Groups with one unit of a larger population.
    singleton : str
        The policy.
    domain : bool
        The domain switch.
    census : ndarray of bool, shape (G,)
        Groups that add no variance because all their units were drawn; ``average`` leaves them out.

    Returns
    -------
    level : Level
        Under ``adjust`` the groups concerned hold deviations and are no longer centred.
    factor : ndarray, shape (R,)
        By which the variance of each row is still to be multiplied.

    Examples
    --------
    Units 1 and 3 in one stratum, 5 alone in another: (5 − 3)² from the mean of all, or H/(H − L) = 2:

    >>> from qstats.stats.covariance import Errors, variance
    >>> Z, group = csr_array([[1.0, 3.0, 5.0]]), np.array([0, 0, 1])
    >>> level, lone = Level(Z, group, np.ones(3), np.array([2.0, 2.0, 1.0])), np.array([False, True])
    >>> for policy in ("certainty", "adjust", "average"):
    ...     done, factor = resolve(level, lone, singleton=policy, domain=False, census=~lone & lone)
    ...     print(policy, variance(Errors((done,))).tolist(), factor.tolist())
    certainty [4.0] [1.0]
    adjust [8.0] [1.0]
    average [4.0] [2.0]
    """
    R = level.Z.shape[0]
    if not domain and not lone.any():
        return level, np.ones(R)
    means = group_means(level.Z, level.group, level.count)
    alone = lone[means.group]
    if domain and singleton in ("adjust", "average"):
        alone |= (means.seen == 1) & ~census[means.group]
    if singleton == "adjust":
        return _adjusted(level, means, alone), np.ones(R)
    silent = replace(level, scale=np.where(lone[level.group], 0.0, level.scale))
    if singleton == "certainty" or not alone.any():
        return silent, np.ones(R)
    strata = np.bincount(means.row[~census[means.group]], minlength=R)
    replaced = np.bincount(means.row[alone], minlength=R)
    left = strata - replaced
    factor = np.divide(strata, left, out=np.full(R, np.nan), where=left > 0)
    factor[replaced == 0] = 1.0
    if singleton == "remove":
        return silent, np.where(np.isnan(factor), np.nan, 1.0)
    return _without(silent, means, alone & ~np.isnan(factor[means.row])), factor


def _without(level: Level, means: Means, alone: Mask) -> Level:
    """Drop the entries of the pairs that are `alone`."""
    row, unit, z = entries(level.Z)
    keep = ~alone[means.of_entry]
    Z = csr_array((z[keep], (row[keep], unit[keep])), shape=level.Z.shape)
    return replace(level, Z=Z)


def _adjusted(level: Level, means: Means, alone: Mask) -> Level:
    """Centre the pairs that are `alone` at the mean over all units, the others of their groups as ever."""
    R, U = level.Z.shape
    touched = np.zeros(group_sizes(level.group, level.count).size, bool)
    touched[means.group[alone]] = True
    row, unit, z = entries(level.Z)
    overall = np.bincount(row, level.count[unit] * z, minlength=R) / level.count.sum()
    centre = np.where(alone, overall[means.row], means.mean)
    pair, member = _members(np.where(touched[means.group], means.group, -1), level.group)
    Z = csr_array(
        (
            np.concatenate([z, -centre[pair]]),
            (np.concatenate([row, means.row[pair]]), np.concatenate([unit, member])),
        ),
        shape=(R, U),
    )
    Z.sum_duplicates()
    return replace(level, Z=Z, group=np.where(touched[level.group], -1, level.group))


def _members(wanted: Index, group: Index) -> tuple[Index, Index]:
    """Return (position in `wanted`, unit) for every unit of every wanted group; −1 wants none."""
    order = np.argsort(group, kind="stable")
    start = np.searchsorted(group[order], wanted, side="left")
    size = np.where(wanted >= 0, np.searchsorted(group[order], wanted, side="right") - start, 0)
    position = np.repeat(np.arange(wanted.size), size)
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return position, order[start[position] + offset]
