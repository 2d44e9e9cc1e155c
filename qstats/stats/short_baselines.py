"""Outbreaks with little history: EARS C1, C2 and C3, and the rule of the Robert Koch Institute."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, real_number, whole_number, within_0_1, yes_or_no
from qstats.stats.count_law import series_of_counts

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ears = Literal["C1", "C2", "C3"]
EARS: Final = ("C1", "C2", "C3")
_TABLE: Final = (
    "3.285 5.323 6.686 8.102 9.598 11.177 12.817 13.765 14.921 16.768 17.633 "
    "19.050 20.335 21.364 22.945 23.762 25.400 26.306 27.735 28.966 30.017"
)
#: upper 95 % limits of a Poisson mean for 0 to 20 events (Crow and Gardner 1959)
CROW_GARDNER: Final = tuple(map(float, _TABLE.split()))


class Short(NamedTuple):
    """Counts against their baseline; every field has shape (series, T), NaN where history is too short."""

    expected: Array
    #: a count above it is an alarm
    upper: Array
    #: of EARS the statistic C; of RKI (count − expected)/(upper − expected)
    score: Array
    alarm: Mask


def ears(
    counts: ArrayLike,
    /,
    *,
    method: Ears = "C1",
    baseline: int = 7,
    lag: int = 2,
    alpha: float | None = None,
    least_sd: float = 0.0,
) -> Short:
    r"""Hold each count against the mean of the few before it.

    With mean :math:`\bar y` and standard deviation s of the `baseline` counts before t (C1), or before
    t − `lag` (C2, C3),

    .. math:: C_1, C_2 = \frac{y_t - \bar y_t}{s_t} > z_{1-\alpha}; \qquad
              C_3 = \sum_{i=t-2}^{t} \max\{0,\ C_2(i) - 1\} > z_{1-\alpha}

    The s of seven counts is wide: with α = 0.001 false alarms of C1 come in 1.4 % of periods even for
    independent normal values, and in some 5 % of seasonal counts. No season, no trend.

    Parameters
    ----------
    counts : array_like, shape (series, T) or (T,)
        Whole counts, none missing.
    method : {"C1", "C2", "C3"}
    baseline : int
        Counts in the baseline, at least 3.
    lag : int
        Counts left out before t by C2 and C3, so that an outbreak does not raise its own bound.
    alpha : float, optional
        One-sided; 0.001, of C3 0.025.
    least_sd : float
        s is never taken as less; a baseline without any variation has no C where it is 0.

    Returns
    -------
    Short
        ``upper`` of C3 is :math:`\bar y_t + s_t(1 + z - e)` with e the excess of the two periods before; NaN
        where e alone is above z.

    Raises
    ------
    OptionError
        A method that does not exist, fewer than 3 counts in the baseline, or another option out of its range.
    DataError
        Counts that are not whole numbers from 0, or too few of them.

    References
    ----------
    Hutwagner et al. (2003), Journal of Urban Health 80 (suppl. 1), i89–i96. Fricker, Hegler & Dunfee (2008),
    Statistics in Medicine 27, 3407–3429.

    Examples
    --------
    >>> found = ears([4, 6, 5, 5, 3, 6, 4, 12], method="C1")
    >>> found.upper[0, -1].round(2).item(), found.alarm[0, -1].item()
    (8.15, True)
    """
    from scipy.special import ndtri

    one_of("method", method, EARS)
    whole_number("baseline", baseline, least=3)
    whole_number("lag", lag, least=0)
    real_number("least_sd", least_sd, least=0)
    chance = {"C1": 0.001, "C2": 0.001, "C3": 0.025}[method] if alpha is None else alpha
    within_0_1("alpha", chance, hint="one false alarm in 1,000 is 0.001")
    y = series_of_counts(counts, baseline + (0 if method == "C1" else lag) + 1)
    mean, s = _before(y, baseline, 0 if method == "C1" else lag, least_sd)
    z = float(ndtri(1 - chance))
    with np.errstate(invalid="ignore", divide="ignore"):
        c = np.where(s > 0, (y - mean) / s, np.nan)
        if method != "C3":
            upper = np.where(s > 0, mean + z * s, np.nan)
            return Short(mean, upper, c, np.asarray(c > z))
        over = np.maximum(0.0, c - 1)
        before = np.full(y.shape, np.nan)
        before[:, 2:] = over[:, 1:-1] + over[:, :-2]
        total = over + before
        upper = np.where(before <= z, mean + s * (1 + z - before), np.nan)
        return Short(mean, upper, total, np.asarray(total > z))


def _before(y: Array, baseline: int, lag: int, least_sd: float) -> tuple[Array, Array]:
    """Return mean and standard deviation of the windows before each period, NaN where there is none."""
    windows = np.lib.stride_tricks.sliding_window_view(y, baseline, axis=1)
    mean, s = (np.full(y.shape, np.nan) for _ in range(2))
    first = baseline + lag
    known = windows[:, : y.shape[1] - first]
    mean[:, first:] = known.mean(-1)
    s[:, first:] = np.maximum(known.std(-1, ddof=1), least_sd)
    return mean, s


def rki(
    counts: ArrayLike, /, *, season: int = 12, years: int = 2, half_width: int = 2, present: bool = False
) -> Short:
    r"""Hold each count against the same season of few earlier years.

    .. math:: U = \bar y + 2s \quad (\bar y > 20), \qquad U = L(\lfloor\bar y\rfloor) \quad (\bar y \le 20)

    over the counts within `half_width` periods of the same season of the last years; L is Crow and Gardner's
    upper 95 % limit of the mean of a Poisson law, and a count above U is an alarm.

    Parameters
    ----------
    counts : array_like, shape (series, T) or (T,)
        Whole counts, none missing.
    season, years, half_width : int
        Periods of a year, years looked back to (both at least 1), and periods to either side (at least 0).
    present : bool
        Whether the `half_width` counts before the period judged belong to the baseline too.

    Returns
    -------
    Short

    Raises
    ------
    OptionError
        An option out of its range, or a window that is longer than a year or holds the period judged.
    DataError
        Counts that are not whole numbers from 0, or too few of them.

    References
    ----------
    Altmann (2003), The surveillance system of the Robert Koch Institute, Germany. Crow & Gardner (1959),
    Biometrika 46, 441–453.

    Examples
    --------
    >>> found = rki([3] * 26 + [9])
    >>> found.upper[0, -1].item(), found.alarm[0, -1].item()
    (8.102, True)
    """
    for name, value, low in (("season", season, 1), ("years", years, 1), ("half_width", half_width, 0)):
        whole_number(name, value, least=low)
    yes_or_no("present", present)
    if 2 * half_width + 1 > season and season > 1:
        raise OptionError(f"half_width={half_width}: a window of {2 * half_width + 1} is more than a year")
    y = series_of_counts(counts, season * years + half_width + 1)
    back = season * np.arange(1, years + 1)[:, None] - np.arange(-half_width, half_width + 1)
    back = np.concatenate([back.ravel(), np.arange(1, half_width + 1) if present else []]).astype(int)
    if (back < 1).any():
        raise OptionError(f"half_width={half_width}: the window of last year would hold the period judged")
    first = season * years + half_width
    mean, s = (np.full(y.shape, np.nan) for _ in range(2))
    window = np.stack([y[:, first - b : y.shape[1] - b] for b in back])
    mean[:, first:], s[:, first:] = window.mean(0), window.std(0, ddof=1)
    few = np.asarray(CROW_GARDNER)[np.clip(np.nan_to_num(mean), 0, 20).astype(int)]
    upper = np.where(np.isnan(mean), np.nan, np.where(mean > 20, mean + 2 * s, few))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Short(mean, upper, (y - mean) / (upper - mean), y > upper)
