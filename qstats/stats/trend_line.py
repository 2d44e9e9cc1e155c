"""Straight lines through estimates with known errors, and growth rates."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, within_0_1

Array = NDArray[np.float64]
Scale = Literal["known", "estimated", "larger"]


class Line(NamedTuple):
    r"""A weighted straight line.

    Attributes
    ----------
    intercept, slope, std_error : float
        The standard error is that of the slope.
    Q : float
        :math:`\sum w (y - a - b x)^2`: above its n − 2 degrees of freedom, the points scatter more about
        the line than their errors say.
    df : float
        Degrees of freedom for the interval of the slope: infinite where the errors are taken as known.
    p, low, high : float
        Two-sided p of no slope, and limits.
    """

    intercept: float
    slope: float
    std_error: float
    Q: float
    df: float
    p: float
    low: float
    high: float


def weighted_line(
    x: ArrayLike, y: ArrayLike, std_error: ArrayLike, /, *, scale: Scale = "larger", level: float = 0.95
) -> Line:
    r"""Fit :math:`y = a + b x` with weights :math:`w = 1/s^2`.

    .. math:: b = \frac{\sum w (x-\bar x)(y-\bar y)}{\sum w (x-\bar x)^2}, \qquad
              \operatorname{se} b = \sqrt{\frac{\phi}{\sum w (x - \bar x)^2}}

    with weighted means. ``known``: :math:`\phi = 1`, the errors are all there is. ``estimated``:
    :math:`\phi = Q/(n-2)`, only their ratios are used (t with n − 2). ``larger``: whichever of the two
    gives the larger φ, so that scatter about the line is not passed over and luck is not rewarded.

    Parameters
    ----------
    x, y, std_error : array_like, shape (n,)
        Places, values and their errors s.
    scale : {"larger", "known", "estimated"}
        Which φ.
    level : float
        Of the limits of the slope, in (0, 1).

    Returns
    -------
    Line

    Raises
    ------
    OptionError
        A scale that does not exist; a level outside (0, 1).
    DataError
        Fewer than 3 points, or a standard error that is missing or not positive.

    Examples
    --------
    >>> line = weighted_line([0, 1, 2, 3], [90.0, 91.0, 91.5, 93.0], [0.5, 0.5, 0.5, 0.5])
    >>> round(line.slope, 3), round(line.std_error, 3)
    (0.95, 0.224)
    """
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    one_of("scale", scale, ("known", "estimated", "larger"))
    within_0_1("level", level)
    x, y, s = (np.asarray(a, float) for a in (x, y, std_error))
    if x.size < 3:
        raise DataError(f"a line with an error needs at least 3 points; found {x.size}")
    if not (s > 0).all():
        raise DataError(f"{int((~(s > 0)).sum())} standard errors are missing or not positive")
    w = 1 / s**2
    mx, my = (w @ x) / w.sum(), (w @ y) / w.sum()
    sxx = w @ (x - mx) ** 2
    b = float((w * (x - mx)) @ (y - my) / sxx)
    a = float(my - b * mx)
    Q, n = float(w @ (y - a - b * x) ** 2), x.size
    phi = Q / (n - 2)
    estimated = scale == "estimated" or (scale == "larger" and phi > 1)
    df, se = (float(n - 2), np.sqrt(phi / sxx)) if estimated else (np.inf, np.sqrt(1 / sxx))
    reach = (stdtrit(df, (1 + level) / 2) if estimated else ndtri((1 + level) / 2)) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        t = -abs(np.divide(b, se))
    p = float(2 * (stdtr(df, t) if estimated else ndtr(t)))
    return Line(a, b, float(se), Q, df, p, float(b - reach), float(b + reach))


class Growth(NamedTuple):
    """A mean growth rate, in per cent a period, with its limits and standard error."""

    rate: float
    std_error: float
    low: float
    high: float


def compound_growth(
    first: float,
    last: float,
    periods: float,
    /,
    *,
    std_errors: tuple[float, float] = (np.nan, np.nan),
    level: float = 0.95,
) -> Growth:
    r"""Return the compound growth rate, :math:`100\bigl((v_1/v_0)^{1/n} - 1\bigr)`.

    Its limits come from those of :math:`\ln(v_1/v_0)/n`, normal with the linearised error of two
    independent values. Only the first and the last value count, whatever lies between.

    Parameters
    ----------
    first, last : float
        v₀ and v₁, positive.
    periods : float
        n, the time between them.
    std_errors : tuple of two float
        NaN where unknown; the limits are then NaN.
    level : float
        Of the limits, in (0, 1).

    Returns
    -------
    Growth

    Raises
    ------
    OptionError
        A level outside (0, 1).
    DataError
        A value or the time is not positive.

    Examples
    --------
    >>> round(compound_growth(88.3, 93.9, 5).rate, 4)
    1.2374
    """
    from scipy.special import ndtri

    within_0_1("level", level)
    if not (first > 0 and last > 0 and periods > 0):
        raise DataError(f"growth needs positive values and time; found {first}, {last} over {periods}")
    log = np.log(last / first) / periods
    s = np.hypot(std_errors[0] / first, std_errors[1] / last) / periods
    reach = ndtri((1 + level) / 2) * s
    rate = 100 * np.expm1([log, log - reach, log + reach])
    return Growth(float(rate[0]), float(100 * np.exp(log) * s), float(rate[1]), float(rate[2]))
