"""Ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def competition_ranks(x: ArrayLike, *, direction: int = 1) -> Array:
    r"""Return standard competition ranks ("1224"): one more than the number that are better.

    .. math:: r_c = 1 + \#\{d : x_d > x_c\}

    with < in place of > where less is better. Equal values share the best rank; the next rank
    counts them all.

    Parameters
    ----------
    x : array_like, shape (units,)
        Values, compared as they are, not as they are printed.
    direction : {1, -1}
        1: the highest is first; −1: the lowest is.

    Returns
    -------
    ndarray, shape (units,)
        1 is best. NaN where x is NaN; a NaN takes no rank from the others.

    Examples
    --------
    >>> competition_ranks([80.0, 85.0, 80.0, float("nan"), 70.0]).tolist()
    [2.0, 1.0, 2.0, nan, 4.0]
    """
    values = np.asarray(x, float) * direction
    ordered = np.sort(values[~np.isnan(values)])
    better = ordered.size - np.searchsorted(ordered, values, side="right")
    return np.asarray(np.where(np.isnan(values), np.nan, 1.0 + better), float)
