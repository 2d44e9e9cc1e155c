"""The place of values among those of a table."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ties = Literal["average", "min", "max"]


def standing(y: Array, base: Array, *, ties: Ties = "average") -> Array:
    r"""Return the rank of each value among the values of a base, 1 being the lowest.

    With L values of the base below y and E equal to it:

    .. math:: r_{\min} = 1 + L, \qquad r_{\text{average}} = L + \frac{E + 1}{2}, \qquad r_{\max} = L + E

    A value that is not in the base (E = 0) has its place between its neighbours.

    Parameters
    ----------
    y, base : ndarray, shape (…, units, indicators)
        Leading axes broadcast; the numbers of units may differ.
    ties : {"average", "min", "max"}

    Returns
    -------
    ndarray
        NaN where y is NaN; a NaN of the base takes no place.

    Examples
    --------
    >>> y = np.array([[3.0], [1.0], [3.0], [np.nan]])
    >>> standing(y, y).ravel().tolist(), standing(np.array([[2.0]]), y, ties="min").ravel().tolist()
    ([2.5, 1.0, 2.5, nan], [2.0])
    """
    below, upto = _counts(y, base)
    found = {"min": 1 + below, "average": (below + upto + 1) / 2, "max": upto}[ties]
    return np.where(np.isnan(y), np.nan, found)


def _counts(y: Array, base: Array) -> tuple[Array, Array]:
    """Return how many of the base are below, and how many are not above.

    Both tables are ranked together; what the values of y contribute to those ranks is taken off.
    """
    if y.shape == base.shape and np.array_equal(y, base, equal_nan=True):
        return _ends(y)
    lead = np.broadcast_shapes(y.shape[:-2], base.shape[:-2])
    y = np.broadcast_to(y, (*lead, *y.shape[-2:]))
    base = np.broadcast_to(base, (*lead, *base.shape[-2:]))
    both = np.concatenate([y, base], axis=-2)
    own = [_ends(y), _ends(both)]
    n = y.shape[-2]
    return own[1][0][..., :n, :] - own[0][0], own[1][1][..., :n, :] - own[0][1]


def _ends(x: Array) -> tuple[Array, Array]:
    """Return for each value how many are below it, and how many are not above it."""
    order = np.argsort(x, axis=-2)
    ordered = np.take_along_axis(x, order, -2)
    place = np.broadcast_to(np.arange(x.shape[-2], dtype=float)[:, None], x.shape)
    new = np.ones(x.shape, bool)
    new[..., 1:, :] = ordered[..., 1:, :] != ordered[..., :-1, :]
    last = np.ones(x.shape, bool)
    last[..., :-1, :] = new[..., 1:, :]
    start = np.maximum.accumulate(np.where(new, place, 0.0), axis=-2)
    end = np.flip(np.minimum.accumulate(np.flip(np.where(last, place + 1, np.inf), -2), axis=-2), -2)
    below, upto = np.empty(x.shape), np.empty(x.shape)
    np.put_along_axis(below, order, start, -2)
    np.put_along_axis(upto, order, end, -2)
    return below, upto
