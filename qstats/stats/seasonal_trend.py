"""A monotone trend of quarterly or monthly series, season by season."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from qstats.errors import DataError, within_0_1
from qstats.stats import trend
from qstats.stats.median_slope import all_slopes

Array = NDArray[np.float64]


class SeasonalTrend(NamedTuple):
    """Test and slope per year of one series; see :func:`seasonal`."""

    S: float
    variance: float
    z: float
    p: float
    tau: float
    slope: float
    low: float
    high: float


def seasonal(
    y: ArrayLike, /, *, season: ArrayLike, year: ArrayLike, correlated: bool = False, level: float = 0.95
) -> SeasonalTrend:
    r"""Add up Mann and Kendall's S over the seasons; a season is compared with itself only.

    .. math:: S = \sum_g S_g, \qquad \operatorname{var} S = \sum_g \operatorname{var} S_g
              + \sum_{g \ne h} \sigma_{gh}, \qquad
              \sigma_{gh} = \tfrac13\Bigl(K_{gh} + 4\sum_i R_{ig}R_{ih} - n(n+1)^2\Bigr)

    with :math:`K_{gh} = \sum_{i<j} \operatorname{sign}\bigl((y_{jg}-y_{ig})(y_{jh}-y_{ih})\bigr)` and the
    ranks R of a season's values. The covariances are added where `correlated`: they allow for
    dependence between the seasons of a year, and need complete years. The slope is the median of the
    slopes of all pairs within a season, per year; its limits use the variance of S.

    Parameters
    ----------
    y : array_like, shape (n,)
    season, year : array_like of int, shape (n,)
        Which season of which year a value is of.
    correlated : bool
        Whether the covariances between seasons are added.
    level : float
        Of the limits of the slope, in (0, 1).

    Returns
    -------
    SeasonalTrend

    Raises
    ------
    OptionError
        A level outside (0, 1).
    DataError
        Fewer than 3 years in a season; incomplete years with `correlated`.

    References
    ----------
    Hirsch, Slack & Smith (1982), Water Resources Research 18, 107–121. Hirsch & Slack (1984), ibid. 20,
    727–732.

    Examples
    --------
    Both seasons rise by 1 a year, whatever lies between them:

    >>> y = [1, 5, 2, 6, 3, 7]
    >>> found = seasonal(y, season=[1, 2, 1, 2, 1, 2], year=[1, 1, 2, 2, 3, 3])
    >>> found.S, found.slope, found.tau
    (6.0, 1.0, 1.0)
    """
    within_0_1("level", level)
    y, season, year = np.asarray(y, float), np.asarray(season), np.asarray(year, float)
    groups = [np.flatnonzero(season == g) for g in np.unique(season)]
    groups = [at[np.argsort(year[at])] for at in groups]
    if (least := min(at.size for at in groups)) < 3:
        raise DataError(f"a seasonal trend needs at least 3 years of every season; found {least}")
    tests = [trend.mann_kendall(y[at], p="normal") for at in groups]
    S = float(sum(test.S[0] for test in tests))
    variance = float(sum(test.variance[0] for test in tests))
    if correlated:
        variance += _covariances(y, year, groups)
    slopes = np.sort(np.concatenate([all_slopes(y[at], year[at]) for at in groups]))
    z = float(trend.standardised(np.array(S), np.array(variance)))
    low, high = _limits(slopes, variance, level)
    return SeasonalTrend(
        S, variance, z, float(trend.p_of(np.array(z))), S / slopes.size, float(np.median(slopes)), low, high
    )


def _covariances(y: Array, year: Array, groups: list[NDArray[np.intp]]) -> float:
    if any(at.size != groups[0].size or (year[at] != year[groups[0]]).any() for at in groups):
        raise DataError("a correlated seasonal trend needs complete years: every season in each of them")
    M = np.stack([y[at] for at in groups], axis=1)
    n = len(M)
    i, j = np.triu_indices(n, 1)
    signs = np.sign(M[j] - M[i])
    R = rankdata(M, axis=0)
    sigma = (signs.T @ signs + 4 * R.T @ R - n * (n + 1) ** 2) / 3
    return float(sigma.sum() - np.trace(sigma))


def _limits(slopes: Array, variance: float, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    N, spread = slopes.size, ndtri((1 + level) / 2) * np.sqrt(max(variance, 0.0))
    low, high = (int(np.clip(np.rint(r), 0, N - 1)) for r in ((N - spread) / 2 - 1, (N + spread) / 2))
    return float(slopes[low]), float(slopes[high])
