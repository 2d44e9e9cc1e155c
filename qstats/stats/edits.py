"""Soft edits: which changes since the last period are unlike the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, real_number


class RatioEdit(NamedTuple):
    """Effects and their limits.

    Attributes
    ----------
    ratio : array, shape (N,)
        r = x / x₀; NaN where either is missing, zero or negative.
    effect : array, shape (N,)
        E, in the unit of x to the power U; NaN where r is.
    low, high : float
        Effects outside these are flagged; NaN when there is no ratio at all.
    compared : int
        The number of ratios.
    """

    ratio: NDArray[np.float64]
    effect: NDArray[np.float64]
    low: float
    high: float
    compared: int


def hidiroglou_berthelot(
    x: ArrayLike, x0: ArrayLike, /, *, U: float = 0.5, A: float = 0.05, C: float = 4.0
) -> RatioEdit:
    r"""Return the effect of each change and the limits within which effects are like the others.

    With r = x / x₀ and its median r_M, changes up and down are made alike,

    .. math::

        s = \begin{cases} 1 - r_M / r & 0 < r < r_M \\ r / r_M - 1 & r \ge r_M \end{cases}
        \qquad E = s \, \max(x, x_0)^U

    and with the quartiles E_1, E_M, E_3 of E the limits are

    .. math::

        E_M - C \max(E_M - E_1, |A E_M|), \qquad E_M + C \max(E_3 - E_M, |A E_M|).

    Parameters
    ----------
    x, x0 : array_like, shape (N,)
        Values of the same units now and in the last period, in one unit of measure.
    U : float
        How much the size of a unit counts, 0 (not at all: only the ratio) to 1.
    A : float
        Keeps the limits apart where most effects are nearly the same, ≥ 0.
    C : float
        Width of the limits in quartile distances, > 0.

    Returns
    -------
    RatioEdit

    Raises
    ------
    OptionError
        `U`, `A` or `C` out of range; arrays of different shapes.

    Notes
    -----
    Quartiles are interpolated linearly between order statistics. Where more than three quarters of the
    ratios are equal both limits are E_M = 0 and every other change is flagged.

    References
    ----------
    Hidiroglou, M. A. and Berthelot, J.-M. (1986). Statistical editing and imputation for periodic
    business surveys. Survey Methodology 12(1), 73–83.

    Examples
    --------
    >>> found = hidiroglou_berthelot([50, 100, 100, 200, 400], [100] * 5, U=1)
    >>> found.effect.tolist(), found.low, found.high
    ([-100.0, 0.0, 0.0, 200.0, 1200.0], 0.0, 800.0)
    """
    real_number("U", U, least=0, most=1)
    real_number("A", A, least=0)
    real_number("C", C, above=0)
    x, x0 = np.asarray(x, np.float64), np.asarray(x0, np.float64)
    if x.shape != x0.shape or x.ndim != 1:
        raise OptionError(f"x has the shape {x.shape} and x0 {x0.shape}: one value a unit in each")
    known = (x > 0) & (x0 > 0) & np.isfinite(x) & np.isfinite(x0)
    r, E = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    if not known.any():
        return RatioEdit(r, E, np.nan, np.nan, 0)
    r[known] = x[known] / x0[known]
    r_M = np.median(r[known])
    s = np.where(r < r_M, 1 - r_M / r, r / r_M - 1)
    E[known] = s[known] * np.maximum(x, x0)[known] ** U
    E_1, E_M, E_3 = np.quantile(E[known], [0.25, 0.5, 0.75])
    low = E_M - C * max(E_M - E_1, abs(A * E_M))
    high = E_M + C * max(E_3 - E_M, abs(A * E_M))
    return RatioEdit(r, E, float(low), float(high), int(known.sum()))
