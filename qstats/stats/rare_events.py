r"""Charts of rare failures: items or time *between* them; many series at once.

A p chart of a rate near zero sees mostly zeros; the distance between failures does not. Here the failures get
*rarer* upwards: a point below the lower limit is bad news.

Conventions, where texts differ: a g chart counts the good units between two failures, from 0 (not the failing
unit too); the exponent of a t chart is 1/3.6 (older tables: 0.2777); its moving range is divided by 1.128 by
way of the printed 2.66.

References
----------
Benneyan (2001), Health Care Management Science 4, 305–318. Nelson (1994), A control chart for
parts-per-million nonconforming items, Journal of Quality Technology 26(3), 239–240.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, real_number, whole_number, within_0_1
from qstats.stats.control import moving_range

Array = NDArray[np.float64]

#: 3/1.128 as tables print it
E2: Final = 2.66


class Geometric(NamedTuple):
    """Limits of a g chart; every field has shape (…)."""

    mean: Array
    #: rate of failures by maximum likelihood, 1/(ḡ + 1)
    p: Array
    #: the same without its bias, (m − 1)/m of the other
    p_unbiased: Array
    low: Array
    high: Array
    low_probability: Array
    high_probability: Array
    median: Array


def g_chart(
    between: ArrayLike, *, baseline: int | None = None, width: float = 3.0, alpha: float = 0.0027
) -> Geometric:
    r"""Return the limits of the number g of good units between failures.

    .. math:: \hat p = \frac{1}{\bar g + 1}, \qquad \bar g \pm w\sqrt{\bar g(\bar g + 1)}

    the lower one cut at 0, where it always lies for w = 3; so the probability limits stand beside:
    :math:`\min\{r : 1 - (1 - \hat p)^{r+1} \ge q\}` at q = α/2, ½ and 1 − α/2.

    Parameters
    ----------
    between : array_like, shape (…, T)
        Good units between two failures, ≥ 0; NaN is missing.
    baseline : int, optional
        Points of phase I; all by default.
    width : float
        w.
    alpha : float
        α of the probability limits, both sides together.

    Returns
    -------
    Geometric

    Raises
    ------
    OptionError
        w not positive, α not between 0 and 1, or a baseline that is not from 2 to T.
    DataError
        A negative distance, or a series without any in phase I.

    Examples
    --------
    >>> found = g_chart([200, 630, 34, 410])
    >>> float(found.mean), round(float(found.p), 6), float(found.low), float(found.low_probability)
    (318.5, 0.00313, 0.0, 0.0)
    """
    _, mean, m = _phase_one(between, baseline, width, alpha)
    p = 1 / (mean + 1)
    reach = width * np.sqrt(mean * (mean + 1))
    low, median, high = (_geometric_quantile(q, p) for q in (alpha / 2, 0.5, 1 - alpha / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        unbiased = np.where(m > 1, (m - 1) / (m * mean + m - 1), np.nan)
    return Geometric(mean, p, unbiased, np.maximum(mean - reach, 0.0), mean + reach, low, high, median)


class Exponential(NamedTuple):
    """Limits of a t chart; every field has shape (…)."""

    mean: Array
    #: on the scale t^(1/3.6), turned back
    centre: Array
    low: Array
    high: Array
    #: of the exponential distribution with that mean
    centre_probability: Array
    low_probability: Array
    high_probability: Array


def t_chart(
    between: ArrayLike, *, baseline: int | None = None, width: float = 3.0, alpha: float = 0.0027
) -> Exponential:
    r"""Return the limits of the time t between failures.

    .. math:: y = t^{1/3.6}, \qquad \left(\bar y \pm \tfrac{w}{3}\,2.66\,\overline{MR}(y)\right)^{3.6},
              \qquad -\bar t\,\ln(1 - q)

    the last being the exponential probability limits at q = α/2, ½ and 1 − α/2.

    Parameters
    ----------
    between : array_like, shape (…, T)
        Times, ≥ 0.
    baseline, width, alpha
        As for :func:`g_chart`.

    Returns
    -------
    Exponential

    Raises
    ------
    OptionError, DataError
        As :func:`g_chart`.

    Examples
    --------
    >>> found = t_chart([20.0, 35.0, 3.0, 41.0, 12.0])
    >>> round(float(found.high_probability), 1), float(found.low)
    (146.7, 0.0)
    """
    t, mean, _ = _phase_one(between, baseline, width, alpha)
    y = t ** (1 / 3.6)
    centre, reach = np.nanmean(y, axis=-1), width / 3 * E2 * moving_range(y)
    low, high = (np.maximum(end, 0.0) ** 3.6 for end in (centre - reach, centre + reach))
    chance = [np.asarray(-mean * np.log1p(-q)) for q in (0.5, alpha / 2, 1 - alpha / 2)]
    return Exponential(mean, centre**3.6, low, high, *chance)


def _phase_one(
    between: ArrayLike, baseline: int | None, width: float, alpha: float
) -> tuple[Array, Array, Array]:
    real_number("width", width, above=0)
    within_0_1("alpha", alpha, hint="one false alarm in 1,000 is 0.001")
    if baseline is not None:
        whole_number("baseline", baseline, least=2)
    x = np.asarray(between, float)
    if (x < 0).any():
        raise DataError(f"what lies between failures is 0 or more; found {x[x < 0][0]:g}")
    if baseline is not None and baseline > x.shape[-1]:
        raise OptionError(
            f"baseline={baseline!r}: phase I takes from 2 to all {x.shape[-1]} points of the series"
        )
    x = x[..., :baseline]
    m = (~np.isnan(x)).sum(-1).astype(float)
    if (m == 0).any():
        raise DataError("a series has no distance between failures in phase I; two failures make one")
    return x, np.asarray(np.nansum(x, axis=-1) / m, float), m


def _geometric_quantile(q: float, p: Array) -> Array:
    """Return the smallest r with 1 − (1 − p)^(r + 1) ≥ q; 0 where p is 1."""
    with np.errstate(divide="ignore"):
        r = np.ceil(np.log1p(-q) / np.log1p(-p) - 1)
    return np.asarray(np.maximum(r, 0.0), float)
