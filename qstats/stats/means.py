r"""Means of scores along the last axis, under weights that sum to 1.

A score of weight 0 is outside the mean, whatever it is; weights of NaN (nothing observed) give NaN. Both
arguments have the shape (…, indicators), or broadcast to it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, real_number
from qstats.stats import moments

Array = NDArray[np.float64]


def _both(scores: ArrayLike, weights: ArrayLike) -> tuple[Array, Array]:
    """Return scores, 1 where they have no weight, and weights."""
    w, I = np.broadcast_arrays(np.asarray(weights, float), np.asarray(scores, float))  # noqa: E741
    return np.where(w > 0, I, 1.0), w


def power_mean(scores: ArrayLike, weights: ArrayLike, power: float) -> Array:
    r"""Return the weighted power mean.

    .. math:: M_p = \Big(\sum_q w_q I_q^p\Big)^{1/p}, \qquad M_0 = \prod_q I_q^{w_q}

    p = 1 is the arithmetic mean, 0 the geometric, −1 the harmonic; M rises with p.

    Parameters
    ----------
    scores, weights : array_like, shape (…, indicators)
        Scores not negative unless p is 1, and positive where p is not.
    power : float
        p.

    Returns
    -------
    ndarray, shape (…)

    References
    ----------
    Handbook, step 6. Ruiz (2011), Human Development Index: a generalised mean.

    Examples
    --------
    >>> [round(float(power_mean([1.0, 4.0], [0.5, 0.5], p)), 6) for p in (1, 0, -1, 2)]
    [2.5, 2.0, 1.6, 2.915476]
    """
    I, w = _both(scores, weights)  # noqa: E741
    if power == 1:
        return np.asarray(np.where(w == 0, 0.0, w * I).sum(-1), float)
    if power == 0:
        return np.asarray(np.exp((w * np.log(I)).sum(-1)), float)
    ends = np.where(w > 0, I, -np.inf if power > 0 else np.inf)
    r = ends.max(-1, keepdims=True) if power > 0 else ends.min(-1, keepdims=True)
    r = np.where((r > 0) & np.isfinite(r), r, 1.0)
    with np.errstate(divide="ignore"):  # a zero counts as zero
        z = np.expm1(
            power * np.log(I / r)
        )  # relative to r no power overflows, and small ones keep their digits
        return np.asarray(r[..., 0] * np.exp(np.log1p(np.maximum((w * z).sum(-1), -1.0)) / power), float)


def mazziotta_pareto(
    scores: ArrayLike, weights: ArrayLike, *, penalty: Literal["down", "up"] = "down"
) -> Array:
    r"""Return the mean with a penalty for imbalance.

    .. math:: \mathrm{MPI}_c = M_c \mp S_c\,cv_c, \qquad cv_c = S_c / M_c, \qquad
              S_c^2 = \sum_q w_q (I_{qc} - M_c)^2

    M being the weighted mean. The adjusted index has the same formula on another scale (goalposts around a
    reference, 70 to 130) and so compares over time.

    Parameters
    ----------
    scores, weights : array_like, shape (…, indicators)
    penalty : {"down", "up"}
        −: of something good; +: of something bad.

    Returns
    -------
    ndarray, shape (…)
        NaN where the mean is 0.

    Raises
    ------
    OptionError
        A penalty that does not exist.

    References
    ----------
    De Muro, Mazziotta and Pareto (2011), Composite indices of development and poverty, Social Indicators
    Research 104; Mazziotta and Pareto (2016), Social Indicators Research 127.

    Examples
    --------
    >>> float(mazziotta_pareto([90.0, 110.0], [0.5, 0.5]))
    99.0
    """
    one_of("penalty", penalty, ("down", "up"))
    I, w = _both(scores, weights)  # noqa: E741
    I, e = moments.reduced(np.where(w > 0, I, 0.0), -1)  # noqa: E741 (squares neither overflow nor vanish)
    M = (w * I).sum(-1)
    variance = (w * (I - M[..., None]) ** 2).sum(-1)
    lost = np.divide(variance, M, out=np.full(M.shape, np.nan), where=M != 0)
    return np.asarray(np.ldexp(M - lost if penalty == "down" else M + lost, e[..., 0]), float)


def ordered(scores: ArrayLike, weights: ArrayLike, order_weights: ArrayLike) -> Array:
    r"""Return the ordered weighted average: weights of places, not only of indicators.

    .. math:: \mathrm{OWA} = \sum_j \omega_j I_{(j)}, \quad
              \omega_j = \mathcal W\Big(\sum_{i \le j} w_{(i)}\Big) - \mathcal W\Big(\sum_{i < j} w_{(i)}\Big)

    :math:`I_{(1)}` is the highest score, and 𝒲 runs straight between the cumulated `order_weights` at 1/Q,
    2/Q, …, 1. With equal weights of the indicators ω are the order weights themselves; when an indicator is
    missing the places of the others are stretched.

    Parameters
    ----------
    scores, weights : array_like, shape (…, indicators)
    order_weights : array_like, shape (indicators,)
        Not negative; of the highest score first. Any common factor cancels.

    Returns
    -------
    ndarray, shape (…)

    Raises
    ------
    OptionError
        Not one order weight an indicator, or negative ones.

    References
    ----------
    Yager (1988), On ordered weighted averaging aggregation operators, IEEE Trans. SMC 18. Torra (1997), The
    weighted OWA operator, Int. J. Intelligent Systems 12.

    Examples
    --------
    >>> float(ordered([10.0, 30.0, 20.0], [1 / 3] * 3, [0, 0, 1]))
    10.0
    """
    I, w = _both(scores, weights)  # noqa: E741
    v = np.asarray(order_weights, float)
    if v.shape != I.shape[-1:] or not (v >= 0).all() or not v.sum() > 0:
        raise OptionError(f"order_weights={v.tolist()} must be {I.shape[-1]} numbers not below 0, not all 0")
    order = np.argsort(np.where(w == 0, np.inf, -I), axis=-1, kind="stable")
    I, w = (np.take_along_axis(part, order, -1) for part in (I, w))  # noqa: E741
    upto = np.cumsum(w, -1)
    heights = np.concatenate([[0.0], np.cumsum(v) / v.sum()])
    curve = np.interp(upto, np.linspace(0, 1, len(v) + 1), heights)
    share = np.diff(curve, axis=-1, prepend=0.0)
    return np.asarray(np.where(w == 0, 0.0, share * I).sum(-1) + 0.0 * w.sum(-1), float)


def mean_min(scores: ArrayLike, weights: ArrayLike, *, alpha: float = 1.0, beta: float = 0.0) -> Array:
    r"""Return the mean–min function: between the mean and the worst score.

    .. math:: MMF = M - \alpha\Big(\sqrt{(M - \min_q I_q)^2 + \beta^2} - \beta\Big)

    α = 0 is the mean; α = 1, β = 0 the minimum.

    Parameters
    ----------
    scores, weights : array_like, shape (…, indicators)
    alpha : float
        0 to 1: how much imbalance counts.
    beta : float
        Not negative: how smoothly, in points of the scores.

    Returns
    -------
    ndarray, shape (…)

    Raises
    ------
    OptionError
        α is not from 0 to 1, or β negative.

    References
    ----------
    Casadio Tarabusi and Guarini (2013), An unbalance adjustment method for development indicators, Social
    Indicators Research 112.

    Examples
    --------
    >>> [float(mean_min([10.0, 30.0], [0.5, 0.5], alpha=a)) for a in (0, 0.5, 1)]
    [20.0, 15.0, 10.0]
    """
    real_number("alpha", alpha, least=0, most=1)
    real_number("beta", beta, least=0)
    I, w = _both(scores, weights)  # noqa: E741
    M = (w * I).sum(-1)
    worst = np.where(w == 0, np.inf, I).min(-1)
    z, e = moments.reduced(np.stack([M - worst, np.broadcast_to(float(beta), M.shape)]), 0)
    lost = np.ldexp(np.sqrt((z**2).sum(0)) - z[1], e[0])
    return np.asarray(M - alpha * lost, float)
