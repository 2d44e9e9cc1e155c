r"""The index of satisfaction beyond a single fit: its linearised error, what moved it, how many to ask.

Letters: x answers, w weights of respondents, o whether an answer was given, u weights of items, [a, b]
their scale, :math:`v_j = 100\,u_j / \sum_k u_k (b_k - a_k)`, so that :math:`I = \sum_j v_j(\bar x_j - a_j)`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, real_number, within_0_1

Array = NDArray[np.float64]


class Moved(NamedTuple):
    """A change of an index, and what it consists of; arrays of shape (…)."""

    change: Array
    answers: Array  #: other answers under the mean weights
    weights: Array  #: other weights under the mean answers


def points(u: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Array:
    r"""Return what one step of an item adds to the index, in points.

    .. math:: v_j = 100\,u_j \Big/ \sum_k u_k (b_k - a_k)

    Parameters
    ----------
    u : array_like, shape (…, p)
        Weights of the items.
    lower, upper : array_like, shape (p,)
        a and b, the ends of their scales.

    Returns
    -------
    ndarray, shape (…, p)
        NaN where the denominator is not positive.

    References
    ----------
    Fornell et al. (1996), Journal of Marketing 60(4).

    Examples
    --------
    Of five steps each, weighted 3 : 1:

    >>> points([3, 1], 1, 6).tolist()
    [15.0, 5.0]
    """
    v, a, b = (np.asarray(part, float) for part in (u, lower, upper))
    whole = (v * (b - a)).sum(-1, keepdims=True)
    return np.asarray(100 * v / np.where(whole > 0, whole, np.nan), float)


def item_means(X: ArrayLike, W: ArrayLike) -> Array:
    r"""Return item means (p, B) under B sets of weights, each over those who answered it.

    .. math:: \bar x_{jb} = \sum_i w_{ib} o_{ij} x_{ij} \Big/ \sum_i w_{ib} o_{ij}

    Parameters
    ----------
    X : array_like, shape (n, p)
        NaN where there is no answer.
    W : array_like, shape (n, B)

    Returns
    -------
    ndarray, shape (p, B)
        NaN for an item without an answer of any weight.

    Examples
    --------
    >>> item_means([[4, np.nan], [8, 5]], [[1], [3]]).tolist()
    [[7.0], [5.0]]
    """
    x, w = np.asarray(X, float), np.asarray(W, float)
    o = ~np.isnan(x)
    total = o.T.astype(float) @ w
    return np.asarray(np.where(o, x, 0.0).T @ w / np.where(total > 0, total, np.nan))


def residuals(X: ArrayLike, w: ArrayLike, v: ArrayLike) -> Array:
    r"""Return what each respondent adds to the linearised index, u held fixed: (n,).

    .. math:: e_i = \sum_j v_j\, o_{ij}\, \frac{x_{ij} - \bar x_j}{\sum_k w_k o_{kj} / \sum_k w_k}, \qquad
              \hat I - I \approx \sum_i w_i e_i \Big/ \sum_i w_i

    With complete answers :math:`e_i` is the respondent's own score less the index.

    Parameters
    ----------
    X : array_like, shape (n, p)
    w : array_like, shape (n,)
    v : array_like, shape (p,)
        From :func:`points`.

    Returns
    -------
    ndarray, shape (n,)
        In points; NaN where an item has no answers.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5.

    Examples
    --------
    >>> residuals([[4, 8], [6, 6]], [1, 1], [10, 0]).tolist()
    [-10.0, 10.0]
    """
    x, weight = np.asarray(X, float), np.asarray(w, float)
    o = ~np.isnan(x)
    share = weight @ o / weight.sum()
    centred = np.where(o, x - item_means(x, weight[:, None])[:, 0], 0.0)
    return np.asarray(centred / np.where(share > 0, share, np.nan) @ np.asarray(v, float), float)


def srs_variance(e: ArrayLike, w: ArrayLike) -> float:
    r"""Return the variance that as many respondents drawn at random, with replacement, would give.

    .. math:: V = \frac{1}{n - 1} \sum_i w_i e_i^2 \Big/ \sum_i w_i

    Parameters
    ----------
    e : array_like, shape (n,)
        From :func:`residuals`.
    w : array_like, shape (n,)

    Returns
    -------
    float
        In squared points; NaN for one respondent.

    References
    ----------
    Kish (1965), Survey Sampling, section 8.2.

    Examples
    --------
    >>> srs_variance([-10, 10], [1, 1])
    100.0
    """
    x, weight = np.asarray(e, float), np.asarray(w, float)
    if x.size < 2:
        return float("nan")
    return float(weight @ x**2 / weight.sum() / (x.size - 1))


def decompose(
    mean0: ArrayLike, u0: ArrayLike, mean1: ArrayLike, u1: ArrayLike, lower: ArrayLike, upper: ArrayLike
) -> Moved:
    r"""Split the change of an index into one of answers and one of weights, without remainder.

    .. math:: I_1 - I_0 = \sum_j \bar s_j\,(p_{1j} - p_{0j}) + \sum_j (s_{1j} - s_{0j})\,\bar p_j

    with shares :math:`s_j = u_j(b_j - a_j)/\sum_k u_k(b_k - a_k)`, performances
    :math:`p_j = 100(\bar x_j - a_j)/(b_j - a_j)`, and a bar for the mean of both times: the Shapley value of
    two factors, so that it does not matter which changes first.

    Parameters
    ----------
    mean0, u0, mean1, u1 : array_like, shape (…, p)
        Item means and weights, earlier and later.
    lower, upper : array_like, shape (p,)

    Returns
    -------
    Moved
        In points.

    References
    ----------
    Bennet (1920), The theory of measurement of changes in cost of living, JRSS 83, 455–462.

    Examples
    --------
    >>> moved = decompose([5.5, 5.5], [1, 1], [6.4, 5.5], [1, 1], 1, 10)
    >>> moved.change.round(6).item(), moved.answers.round(6).item(), moved.weights.item()
    (5.0, 5.0, 0.0)
    """
    m0, w0, m1, w1 = (np.asarray(part, float) for part in (mean0, u0, mean1, u1))
    a, b = (np.broadcast_to(np.asarray(end, float), m0.shape[-1:]) for end in (lower, upper))
    s0, s1 = (points(w, a, b) * (b - a) / 100 for w in (w0, w1))
    p0, p1 = (100 * (m - a) / (b - a) for m in (m0, m1))
    answers = np.asarray(((s0 + s1) / 2 * (p1 - p0)).sum(-1))
    weights = np.asarray(((s1 - s0) * (p0 + p1) / 2).sum(-1))
    return Moved(answers + weights, answers, weights)


def size_for_mean(std: ArrayLike, half_width: ArrayLike, *, confidence: float = 0.95) -> Array:
    r"""Return the respondents for whom the interval of an index reaches `half_width`.

    .. math:: n = (z\,\sigma / h)^2

    Parameters
    ----------
    std : array_like
        σ, the standard deviation of respondents' own scores, in points (20 is common).
    half_width : array_like
        h, in points.
    confidence : float
        Level of the interval, in (0, 1).

    Returns
    -------
    ndarray
        Simple observations, not rounded; :func:`qstats.stats.sample_size.planned` brings in design
        effect and population.

    Raises
    ------
    OptionError
        σ or h that are not positive numbers, or a confidence that is not between 0 and 1.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., eq. 4.2.

    Examples
    --------
    >>> size_for_mean(20, 2).round(1).item()
    384.1
    """
    return np.asarray((_z(confidence) * _positive("std", std) / _positive("half_width", half_width)) ** 2)


def size_for_change(
    std: ArrayLike,
    change: ArrayLike,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    correlation: ArrayLike = 0.0,
) -> Array:
    r"""Return the respondents of each of two waves that tell a change of the index from none.

    .. math:: n = 2\,(1 - \rho)\,\sigma^2\,(z_{1 - \alpha/2} + z_{1 - \beta})^2 / \delta^2

    Parameters
    ----------
    std : array_like
        σ, as for :func:`size_for_mean`.
    change : array_like
        δ, in points.
    confidence, power : float
        1 − α of the two-sided test, and 1 − β.
    correlation : array_like
        ρ of a respondent's scores in a panel; 0: independent samples.

    Returns
    -------
    ndarray
        Simple observations in each wave, not rounded.

    Raises
    ------
    OptionError
        σ or δ that are not positive numbers, ρ not in [0, 1), a confidence that is not between 0 and 1, or a
        power that is not between ½ and 1.

    References
    ----------
    Cochran (1977), section 12.11 for panels; Chow, Shao & Wang (2008), Sample Size Calculations, 3.2.

    Examples
    --------
    >>> size_for_change(20, 3).round(1).item()
    697.7
    """
    rho = _numbers("correlation", correlation)
    if not ((rho >= 0) & (rho < 1)).all():
        raise OptionError(f"correlation={correlation!r:.200} is not of at least 0 and below 1")
    real_number("power", power, above=0.5, below=1)
    reach = _z(confidence) + _z(2 * power - 1)
    return np.asarray(
        2 * (1 - rho) * (_positive("std", std) * reach / _positive("change", change)) ** 2, float
    )


def _z(confidence: float) -> float:
    from scipy.special import ndtri

    within_0_1("confidence", confidence)
    return float(ndtri((1 + confidence) / 2))


def _numbers(name: str, value: ArrayLike) -> Array:
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise OptionError(f"{name}={value!r:.200} is no number", argument=name, value=value) from None


def _positive(name: str, value: ArrayLike) -> Array:
    found = _numbers(name, value)
    if not ((found > 0) & np.isfinite(found)).all():
        raise OptionError(f"{name}={value!r:.200} is not a positive number")
    return found
