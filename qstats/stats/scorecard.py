"""Scorecards: shares of points, sums over a tree, grades by a stated rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of

Array = NDArray[np.float64]
Rounding = Literal["half-up", "half-even", "down", "none"]
ROUNDING: Final = ("half-up", "half-even", "down", "none")
Missing = Literal["zero", "renormalise", "propagate"]
MISSING: Final = ("zero", "renormalise", "propagate")

#: decimals kept before rounding: 89.5 as a sum of points is stored just beside it
_GUARD: Final = 10


def share(
    x: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    direction: ArrayLike = 1,
    *,
    all_or_nothing: bool = False,
) -> Array:
    r"""Return which share of its points a value earns.

    .. math:: s = \min\Bigl(1, \max\Bigl(0, \frac{x - L}{U - L}\Bigr)\Bigr)

    and :math:`1 - s` where less is better. All or nothing: 1 if :math:`x \ge U` (:math:`x \le L` where less
    is better), else 0.

    Parameters
    ----------
    x : array_like
        Values.
    lower, upper : array_like
        L and U, in the unit of x: no points and all points, or the other way where less is better.
    direction : array_like
        1: more is better; −1: less is.
    all_or_nothing : bool
        Whether a part of the way earns nothing.

    Returns
    -------
    ndarray
        0 to 1; NaN where x is.

    Examples
    --------
    >>> share([85.0, 93.0, 97.0], 90, 95).tolist(), share(0.3, 0.2, 0.7, -1).round(2).item()
    ([0.0, 0.6, 1.0], 0.8)
    """
    x, L, U, d = np.broadcast_arrays(*(np.asarray(a, float) for a in (x, lower, upper, direction)))
    if all_or_nothing:
        met = np.where(d > 0, np.round(x - U, _GUARD) >= 0, np.round(L - x, _GUARD) >= 0)
        return np.where(np.isnan(x), np.nan, met.astype(float))
    s = np.clip((x - L) / (U - L), 0.0, 1.0)
    return np.asarray(np.where(d > 0, s, 1 - s))


def add_up(
    leaves: Mapping[str, Array],
    parents: Mapping[str, str],
    weights: Mapping[str, float],
    *,
    missing: Missing = "propagate",
) -> dict[str, Array]:
    r"""Return the share of points of every node of a tree.

    .. math:: s_v = \sum_{c \in v} w_c s_c, \qquad \sum_{c \in v} w_c = 1

    Parameters
    ----------
    leaves : mapping of str → ndarray
        Shares of the leaves, arrays of one shape; NaN where a value is missing.
    parents : mapping of str → str
        Parent of every node; empty for the root.
    weights : mapping of str → float
        Within the parent.
    missing : {"zero", "renormalise", "propagate"}
        A missing value earns nothing; or the others of its node take over its weight; or the node is
        missing too.

    Returns
    -------
    dict of str → ndarray

    Raises
    ------
    OptionError
        A way with missing values that does not exist.

    Examples
    --------
    >>> leaf = {"a": np.array([1.0]), "b": np.array([np.nan])}
    >>> tree, w = {"t": "", "a": "t", "b": "t"}, {"a": 0.4, "b": 0.6}
    >>> [add_up(leaf, tree, w, missing=m)["t"].tolist() for m in MISSING]
    [[0.4], [1.0], [nan]]
    """
    one_of("missing", missing, MISSING)
    found: dict[str, Array] = {}

    def node(code: str) -> Array:
        if code in leaves:
            found[code] = (
                np.where(np.isnan(leaves[code]), 0.0, leaves[code]) if missing == "zero" else leaves[code]
            )
            return found[code]
        below = [child for child, parent in parents.items() if parent == code]
        w = np.array([weights[child] for child in below])
        s = np.stack([node(child) for child in below], axis=-1)
        if missing == "renormalise":
            there = np.where(np.isnan(s), 0.0, w)
            total = there.sum(axis=-1)
            sums = (np.where(np.isnan(s), 0.0, s) * there).sum(axis=-1)
            found[code] = np.divide(sums, total, out=np.full(total.shape, np.nan), where=total > 0)
        else:
            found[code] = np.asarray(s @ w)
        return found[code]

    node(next(code for code, parent in parents.items() if not parent))
    return found


def rounded(score: ArrayLike, *, rounding: Rounding) -> Array:
    """Return whole scores by a stated rule; ``none`` leaves them as they are.

    Parameters
    ----------
    score : array_like
        In points.
    rounding : {"half-up", "half-even", "down", "none"}
        89.5 becomes 90, 90, 89 or stays; 88.5 becomes 89, 88, 88 or stays.

    Returns
    -------
    ndarray

    Raises
    ------
    OptionError
        A rule that does not exist.

    Examples
    --------
    >>> [rounded([88.5, 89.5], rounding=r).tolist() for r in ROUNDING]
    [[89.0, 90.0], [88.0, 90.0], [88.0, 89.0], [88.5, 89.5]]
    """
    one_of("rounding", rounding, ROUNDING)
    x = np.asarray(score, float)
    if rounding == "none":
        return x
    seen = np.round(x, _GUARD)
    if rounding == "half-even":
        return np.asarray(np.rint(seen))
    return np.asarray(np.floor(seen + 0.5) if rounding == "half-up" else np.floor(seen))


def position(score: ArrayLike, cuts: Sequence[float], *, rounding: Rounding) -> Array:
    r"""Return the grade of a score: 0 is the lowest, and each cut reached is one more.

    .. math:: k = \#\{j : \operatorname{round}(s) \ge c_j\}

    Parameters
    ----------
    score : array_like
        In points.
    cuts : sequence of float
        Lower bounds of the grades above the lowest, ascending.
    rounding : {"half-up", "half-even", "down", "none"}
        What becomes of a score between two whole numbers before it is graded.

    Returns
    -------
    ndarray
        NaN where the score is.

    Raises
    ------
    OptionError
        The cuts do not ascend, or a rule that does not exist.

    Examples
    --------
    >>> position([59.4, 79.5, 89.5, 95], [60, 80, 90], rounding="half-up").tolist()
    [0.0, 2.0, 3.0, 3.0]
    """
    c = np.asarray(cuts, float)
    if (np.diff(c) <= 0).any():
        raise OptionError(f"cuts={list(cuts)}: the lower bounds of grades must ascend")
    x = rounded(score, rounding=rounding)
    x = np.round(x, _GUARD)
    return np.asarray(np.where(np.isnan(x), np.nan, np.searchsorted(c, x, side="right")), float)
