r"""The arithmetic of a composite indicator: scores, weights, aggregation, linear errors.

Symbols are those of the OECD/JRC Handbook: :math:`x_{qc}` is indicator *q* of unit *c*,
:math:`I_{qc}` its normalised value, :math:`w_q` its weight and :math:`CI_c` the composite.
Units run along the first axes, indicators along the last.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators: Methodology and User Guide.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import numbers_of, within_0_1

Array = NDArray[np.float64]


def minmax(
    x: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    floor: float = 60.0,
    ceiling: float = 100.0,
    direction: ArrayLike = 1,
) -> Array:
    r"""Return min–max scores; they are not cut, so a value out of bounds shows.

    .. math:: I = a + (b - a)\,\frac{x - L}{U - L} \quad\text{or, where less is better,}\quad
              I = a + (b - a)\,\frac{U - x}{U - L}

    Parameters
    ----------
    x : array_like, shape (…, indicators)
        Values in the unit of the bounds.
    lower, upper : array_like
        Bounds L < U, the same for all units and fixed over time, so that scores compare.
    floor, ceiling : float
        a and b: what L and U score (U and L where `direction` is −1).
    direction : array_like
        1: more is better; −1: less is better.

    Returns
    -------
    ndarray
        Below `floor` or above `ceiling` where x is out of bounds; NaN where x is NaN.

    References
    ----------
    Handbook, step 5, "Min-Max".

    Examples
    --------
    >>> minmax([0.25, 0.5], 0.0, 1.0).tolist(), minmax(0.25, 0.0, 1.0, direction=-1).tolist()
    ([70.0, 80.0], 90.0)
    """
    options = {"lower": lower, "upper": upper, "direction": direction}
    ends = (numbers_of(name, value) for name, value in options.items())
    x, L, U, sign = np.broadcast_arrays(np.asarray(x, float), *ends)
    return np.asarray(floor + (ceiling - floor) * np.where(sign < 0, U - x, x - L) / (U - L), float)


def available_weights(weights: ArrayLike, observed: ArrayLike) -> Array:
    r"""Return the weights really used: zero where nothing was observed, summing to 1.

    .. math:: w'_{qc} = w_q\,o_{qc} \Big/ \sum_p w_p\,o_{pc}

    Parameters
    ----------
    weights : array_like, shape (indicators,) or (…, indicators)
        Not negative. Any common factor cancels.
    observed : array_like of bool, shape (…, indicators)
        Whether there is a value.

    Returns
    -------
    ndarray, shape (…, indicators)
        NaN along an axis on which no weight was observed.

    Examples
    --------
    >>> available_weights([2, 1, 1], [True, False, True]).round(4).tolist()
    [0.6667, 0.0, 0.3333]
    """
    w = np.where(np.asarray(observed, bool), np.asarray(weights, float), 0.0)
    total = w.sum(-1, keepdims=True)
    return np.asarray(np.divide(w, total, out=np.full(w.shape, np.nan), where=total > 0), float)


def aggregate(scores: ArrayLike, weights: ArrayLike) -> Array:
    r"""Return the weighted arithmetic mean along the last axis.

    .. math:: CI_c = \sum_q w_{qc} I_{qc}, \qquad \sum_q w_{qc} = 1

    A score without weight is outside the mean, even if it is NaN; a weighted NaN gives NaN.

    Parameters
    ----------
    scores, weights : array_like, shape (…, indicators)
        Weights as :func:`available_weights` returns them.

    Returns
    -------
    ndarray, shape (…)

    References
    ----------
    Handbook, step 6, "Additive aggregation methods".

    Examples
    --------
    >>> aggregate([84.76, 77.21], [0.5, 0.5]).round(3).tolist()
    80.985
    """
    w, I = np.broadcast_arrays(np.asarray(weights, float), np.asarray(scores, float))  # noqa: E741
    return np.asarray(np.where(w == 0, 0.0, w * I).sum(-1), float)


def aggregate_error(std_errors: ArrayLike, weights: ArrayLike) -> Array:
    r"""Return the standard error of :func:`aggregate` for independent indicators, by linear propagation.

    .. math:: \operatorname{se}(CI_c) = \sqrt{\sum_q w_{qc}^2 \operatorname{se}(I_{qc})^2}

    Parameters
    ----------
    std_errors, weights : array_like, shape (…, indicators)
        Errors in the unit of the scores; weights as for :func:`aggregate`.

    Returns
    -------
    ndarray, shape (…)
        NaN when the error of a weighted score is not known.

    Examples
    --------
    >>> aggregate_error([3.0, 4.0], [0.5, 0.5]).item()
    2.5
    """
    w, se = np.broadcast_arrays(np.asarray(weights, float), np.asarray(std_errors, float))
    return np.asarray(np.sqrt(np.where(w == 0, 0.0, (w * se) ** 2).sum(-1)), float)


def normal_interval(
    estimate: ArrayLike, std_error: ArrayLike, *, level: float = 0.95, floor: float, ceiling: float
) -> tuple[Array, Array]:
    r"""Return :math:`\hat\theta \mp z_{1-\alpha/2}\operatorname{se}`, kept between `floor` and `ceiling`.

    Parameters
    ----------
    estimate, std_error : array_like, same shape
    level : float
        Confidence 1 − α, in (0, 1).
    floor, ceiling : float
        Ends of the scale.

    Returns
    -------
    low, high : ndarray
        NaN where the error is.

    Raises
    ------
    OptionError
        `level` is not between 0 and 1.

    Examples
    --------
    >>> low, high = normal_interval([80.0, 99.0], [1.0, 1.0], floor=0, ceiling=100)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([78.04, 97.04], [81.96, 100.0])
    """
    within_0_1("level", level)
    half = NormalDist().inv_cdf(0.5 + level / 2) * np.asarray(std_error, float)
    centre = np.asarray(estimate, float)
    return np.clip(centre - half, floor, ceiling), np.clip(centre + half, floor, ceiling)
