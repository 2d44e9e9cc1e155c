r"""Statistics of revisions: how far, and in which direction, later figures moved earlier ones.

With :math:`L_t` the later and :math:`P_t` the preceding figure of period t, :math:`R_t = L_t - P_t`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qstats.errors import DataError, within_0_1

Array = NDArray[np.float64]


class Summary(NamedTuple):
    """What is known of a series of revisions; all in the unit of the figures but the last two.

    Attributes
    ----------
    n : int
        Number of revisions.
    mean, std_error, conf_low, conf_high : float
        Mean revision, its autocorrelation-consistent standard error and t interval; the error of a single
        revision is NaN.
    mean_absolute, root_mean_square : float
    relative_absolute : float
        In per cent of the later figures; NaN where these sum to zero.
    upward : float
        Share of revisions above zero, per cent.
    """

    n: int
    mean: float
    std_error: float
    conf_low: float
    conf_high: float
    mean_absolute: float
    root_mean_square: float
    relative_absolute: float
    upward: float


def summary(R: Array, L: Array, /, *, level: float = 0.95, lags: int | None = None) -> Summary:
    r"""Summarise revisions.

    .. math::

        \bar R = \frac1n\sum_t R_t, \quad \mathrm{MAR} = \frac1n\sum_t |R_t|, \quad
        \mathrm{RMAR} = 100\,\frac{\sum_t |R_t|}{\sum_t |L_t|}

    .. math::

        \operatorname{se}(\bar R)^2 = \frac1n\Bigl[\gamma_0 + 2\sum_{j=1}^{q}
        \Bigl(1 - \frac{j}{q+1}\Bigr)\gamma_j\Bigr], \quad
        \gamma_j = \frac1n\sum_{t>j}(R_t-\bar R)(R_{t-j}-\bar R)

    because revisions of neighbouring periods move together.

    Parameters
    ----------
    R, L : ndarray, shape (n,)
        Revisions and later figures, in the order of time.
    level : float
        Of the interval, from the t distribution with n − 1 degrees of freedom.
    lags : int, optional
        q; by default the largest integer not above :math:`4(n/100)^{2/9}`, and below n.

    Returns
    -------
    Summary

    Raises
    ------
    OptionError
        A level outside (0, 1).
    DataError
        There is no revision, the lengths differ, or `lags` is not from 0 to n − 1.

    References
    ----------
    McKenzie & Gamba (2008), Interpreting the results of revision analyses, OECD.
    Newey & West (1987), Econometrica 55, 703–708; (1994), Review of Economic Studies 61, 631–653.

    Examples
    --------
    >>> found = summary(np.array([0.1, -0.1, 0.3]), np.array([90.0, 91.0, 92.0]))
    >>> round(found.mean, 3), round(found.mean_absolute, 3), round(found.upward, 1)
    (0.1, 0.167, 66.7)
    """
    within_0_1("level", level)
    R, L = np.asarray(R, float), np.asarray(L, float)
    n = len(R)
    if n == 0 or L.shape != R.shape:
        raise DataError(f"there are {n} revisions and {len(L)} later figures: give one or more of each")
    q = min(int(4 * (n / 100) ** (2 / 9)), n - 1) if lags is None else lags
    if not 0 <= q < n:
        raise DataError(f"lags={lags} is not from 0 to {n - 1}, below the number of revisions")
    mean, std_error = float(R.mean()), _std_error(R, q)
    margin = float(stats.t.ppf((1 + level) / 2, n - 1)) * std_error if n > 1 else np.nan
    total = float(np.abs(L).sum())
    return Summary(
        n,
        mean,
        std_error,
        mean - margin,
        mean + margin,
        float(np.abs(R).mean()),
        float(np.sqrt((R**2).mean())),
        100 * float(np.abs(R).sum()) / total if total > 0 else np.nan,
        100 * float((R > 0).mean()),
    )


def _std_error(R: Array, q: int) -> float:
    n, d = len(R), R - R.mean()
    if n < 2:
        return float("nan")
    gamma = np.array([d[j:] @ d[: n - j] / n for j in range(q + 1)])
    weight = 1 - np.arange(q + 1) / (q + 1)
    return float(np.sqrt((2 * weight @ gamma - gamma[0]) / n))
