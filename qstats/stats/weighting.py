r"""Weights found in the data or in judgements.

Units run along the second last axis, indicators along the last; any axes may lead. Weights are not negative
and sum to 1 along the last axis. Those that solve a problem of optimising are in
:mod:`qstats.stats.frontier` and :mod:`qstats.stats.importance`.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 6.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number
from qstats.stats import moments

Array = NDArray[np.float64]
Missing = Literal["raise", "listwise", "pairwise"]

#: mean consistency index of random matrices, by size (Saaty 1980)
RANDOM_INDEX: Final = (0.0, 0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)


def equal(n_indicators: int) -> Array:
    """Return :math:`w_q = 1/Q`.

    Parameters
    ----------
    n_indicators : int
        Q.

    Returns
    -------
    ndarray, shape (indicators,)

    Raises
    ------
    OptionError
        Q is not a whole number of at least 1.

    Examples
    --------
    >>> equal(4).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    whole_number("n_indicators", n_indicators, least=1)
    return np.full(n_indicators, 1 / n_indicators)


class Components(NamedTuple):
    """Principal components of the correlations; see :func:`components`."""

    vectors: Array
    variance: Array


def components(x: ArrayLike, *, missing: Missing = "raise") -> Components:
    r"""Return the principal components of standardised indicators, their signs fixed.

    .. math:: R = A \Lambda A', \qquad \lambda_1 \ge \lambda_2 \ge \dots

    The sign of each component is such that its coefficients have a sum above zero (a first coefficient above
    zero, where they cancel), so that the first one rises with the indicators.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
    missing : {"raise", "listwise", "pairwise"}
        As in :func:`qstats.stats.moments.correlations`.

    Returns
    -------
    Components
        ``vectors`` A, shape (…, indicators, components), of length 1; ``variance`` λ, shape (…, components).

    Raises
    ------
    OptionError
        A way with holes that does not exist.
    DataError
        A column is constant; there are holes.

    Examples
    --------
    >>> found = components([[1.0, 2.0], [2.0, 3.0], [3.0, 5.0]])
    >>> found.vectors[:, 0].round(6).tolist(), found.variance.round(6).tolist()
    ([0.707107, 0.707107], [1.981981, 0.018019])
    """
    value = _varied(x)
    variance, vectors = np.linalg.eigh(moments.correlations(value, missing=missing))
    variance, vectors = variance[..., ::-1], vectors[..., ::-1]
    total = vectors.sum(-2, keepdims=True)
    lead = np.where(np.abs(total) > 1e-9, total, vectors[..., :1, :])
    return Components(vectors * np.where(lead < 0, -1.0, 1.0), variance)


def principal(
    x: ArrayLike,
    *,
    rule: Literal["first", "oecd"] = "first",
    negative: Literal["raise", "zero", "absolute"] = "raise",
    missing: Missing = "raise",
) -> Array:
    r"""Return weights from principal components.

    - first: coefficients of the first component, :math:`w_q = a_{q1} / \sum_p a_{p1}`.
    - oecd: components with λ > 1, each explaining more than 10 % and together more than 60 % (further ones
      are taken until they do) are rotated by varimax. With loadings ℓ and each component's share
      :math:`e_k = \sum_q \ell_{qk}^2 / \sum_{kq} \ell_{qk}^2`, an indicator has
      the weight :math:`\max_k e_k\,\ell_{qk}^2 / \sum_p \ell_{pk}^2`, and all are brought to sum to 1.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        Normalised, so that higher is better.
    rule : {"first", "oecd"}
    negative : {"raise", "zero", "absolute"}
        What a negative coefficient does under "first": it says the indicator works against the others.
    missing : {"raise", "listwise", "pairwise"}

    Returns
    -------
    ndarray, shape (…, indicators)

    Raises
    ------
    OptionError
        A rule or policy that does not exist; `negative` with the rule that has no use for it.
    DataError
        A coefficient is negative; a column is constant; there are holes.

    References
    ----------
    Handbook, step 6, "Weights based on principal components analysis or factor analysis". Nicoletti,
    Scarpetta and Boylaud (2000), Summary indicators of product market regulation, OECD. Kaiser (1958), The
    varimax criterion, Psychometrika 23.

    Examples
    --------
    >>> principal([[1.0, 2.0, 1.0], [2.0, 3.0, 3.0], [3.0, 5.0, 2.0]]).round(4).tolist()
    [0.3852, 0.366, 0.2488]
    """
    one_of("rule", rule, ("first", "oecd"))
    one_of("negative", negative, ("raise", "zero", "absolute"))
    if rule == "oecd" and negative != "raise":
        raise OptionError("rule='oecd' squares its loadings and has no use for negative", argument="negative")
    found = components(x, missing=missing)
    if rule == "oecd":
        w = np.empty(found.variance.shape)
        for at in np.ndindex(w.shape[:-1]):
            w[at] = _rotated_weights(found.vectors[at], found.variance[at])
        return w
    a = found.vectors[..., 0]
    a = np.where(np.abs(a) < 1e-12, 0.0, a)
    if negative == "raise" and (a < 0).any():
        raise DataError(
            f"columns {moments.columns(a < 0)} have negative coefficients in the first component; turn them, "
            "leave them out, or say negative='zero' or 'absolute'"
        )
    return _shares(np.abs(a) if negative == "absolute" else np.clip(a, 0, None))


def _rotated_weights(vectors: Array, variance: Array) -> Array:
    """Return the weights of the OECD rule for one table."""
    share = variance / variance.sum()
    kept = int(((variance > 1) & (share > 0.1)).sum())
    while kept < 1 or share[:kept].sum() <= 0.6:
        kept += 1
    squared = _varimax(vectors[:, :kept] * np.sqrt(variance[:kept])) ** 2
    explained = squared.sum(0) / squared.sum()
    return _shares((explained * squared / squared.sum(0)).max(1))


def _varimax(loadings: ArrayLike, *, max_rounds: int = 1000) -> Array:
    r"""Return loadings turned so that their squares differ most within each component (Kaiser 1958).

    .. math:: \max_T \sum_k \Big[\sum_q \ell_{qk}^4 - \frac1Q \Big(\sum_q \ell_{qk}^2\Big)^2\Big],
              \quad \ell = L T,\ T'T = 1
    """
    L = np.array(loadings, float)
    Q, K = L.shape
    for _ in range(max_rounds):
        largest = 0.0
        for j in range(K):
            for k in range(j + 1, K):
                u, v = L[:, j] ** 2 - L[:, k] ** 2, 2 * L[:, j] * L[:, k]
                top = 2 * (u @ v) - 2 * u.sum() * v.sum() / Q
                low = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / Q
                angle = np.arctan2(top, low) / 4
                c, s = np.cos(angle), np.sin(angle)
                L[:, [j, k]] = L[:, [j, k]] @ np.array([[c, -s], [s, c]])
                largest = max(largest, abs(angle))
        if largest < 1e-12:
            return L
    raise DataError(f"varimax did not converge in {max_rounds} rounds")


def entropy(x: ArrayLike) -> Array:
    r"""Return weights by how unevenly an indicator is spread over the units.

    .. math:: p_{qc} = \frac{x_{qc}}{\sum_d x_{qd}}, \quad e_q = -\frac{1}{\ln n_q}\sum_c p_{qc} \ln p_{qc},
              \quad w_q = \frac{1 - e_q}{\sum_p (1 - e_p)}

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        Not negative; NaN is left out, and n counts what is there.

    Returns
    -------
    ndarray, shape (…, indicators)

    Raises
    ------
    DataError
        A negative value; a constant column.

    References
    ----------
    Shannon (1948), A mathematical theory of communication. Zou, Yun and Sun (2006), Entropy method for
    determination of weight of evaluating indicators, J. Environmental Sciences 18.

    Examples
    --------
    >>> entropy([[1.0, 1.0], [1.0, 2.0], [2.0, 9.0]]).round(4).tolist()
    [0.1351, 0.8649]
    """
    value = _varied(x)
    low = value < 0
    if low.any():
        raise DataError(f"columns {moments.columns(low.any(-2))} have negative values; normalise them first")
    held = np.nan_to_num(value, nan=0.0)
    p = held / held.sum(-2, keepdims=True)
    e = -(p * np.log(np.where(p > 0, p, 1.0))).sum(-2) / np.log(moments.count(value)[..., 0, :])
    return _shares(np.clip(1 - e, 0, None))


def critic(x: ArrayLike, *, missing: Missing = "raise") -> Array:
    r"""Return weights by contrast and conflict (CRITIC).

    .. math:: C_q = s_q \sum_p (1 - r_{pq}), \qquad w_q = C_q \Big/ \sum_p C_p

    with s the standard deviation of the indicator after min–max over the units, and r correlations.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        Higher is better.
    missing : {"raise", "listwise", "pairwise"}

    Returns
    -------
    ndarray, shape (…, indicators)

    Raises
    ------
    OptionError
        A way with holes that does not exist.
    DataError
        A column is constant; all are perfectly correlated, so that none adds anything; there are holes.

    References
    ----------
    Diakoulaki, Mavrotas and Papayannakis (1995), Determining objective weights in multiple criteria problems:
    the CRITIC method, Computers & Operations Research 22.

    Examples
    --------
    >>> critic([[1.0, 2.0, 1.0], [2.0, 3.0, 3.0], [3.0, 5.0, 2.0]]).round(4).tolist()
    [0.2164, 0.2938, 0.4898]
    """
    value = _varied(x)
    r = moments.correlations(value, missing=missing)
    low, high = moments.extremes(value)
    C = (moments.std(value) / (high - low))[..., 0, :] * (1 - r).sum(-1)
    C = np.where(np.abs(C) < 1e-12, 0.0, C)
    if not (C.sum(-1) > 0).all():
        raise DataError("all indicators are perfectly correlated; CRITIC has nothing to weigh them by")
    return _shares(C)


class Judged(NamedTuple):
    """Weights from judgements and how consistent these are; see :func:`pairwise_judgements`."""

    weights: Array
    eigenvalue: Array
    consistency_ratio: Array


def pairwise_judgements(matrix: ArrayLike) -> Judged:
    r"""Return weights from comparisons by pairs (analytic hierarchy process).

    .. math:: A w = \lambda_{\max} w, \qquad CI = \frac{\lambda_{\max} - Q}{Q - 1}, \qquad CR = CI / RI_Q

    Parameters
    ----------
    matrix : array_like, shape (…, indicators, indicators)
        :math:`a_{pq}`: how many times p matters as much as q; :math:`a_{qp} = 1/a_{pq}`.

    Returns
    -------
    Judged
        ``weights`` (…, indicators), ``eigenvalue`` λ and ``consistency_ratio`` CR (…): above 0.1 the
        judgements should be revised. CR is 0 for two indicators, and NaN for more than ten.

    Raises
    ------
    DataError
        The matrix is not square, has entries that are not positive, or :math:`a_{pq} a_{qp} \ne 1`.

    References
    ----------
    Saaty (1980), The Analytic Hierarchy Process. Handbook, step 6, "Analytic hierarchy process".

    Examples
    --------
    >>> found = pairwise_judgements([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]])
    >>> found.weights.round(4).tolist(), abs(float(found.consistency_ratio)) < 1e-12
    ([0.5714, 0.2857, 0.1429], True)
    """
    A = np.asarray(matrix, float)
    if A.ndim < 2 or A.shape[-1] != A.shape[-2] or not (A > 0).all():
        raise DataError(f"judgements must be a square matrix of positive numbers; found shape {A.shape}")
    off = np.abs(A * np.swapaxes(A, -1, -2) - 1)
    if off.max() > 1e-6:
        p, q = (int(k) for k in np.unravel_index(off.argmax(), off.shape)[-2:])
        raise DataError(
            f"judgement ({p}, {q}) times ({q}, {p}) is not 1; write each as the other's reciprocal"
        )
    values, vectors = np.linalg.eig(A)
    at = np.argmax(values.real, axis=-1)
    w = np.take_along_axis(np.abs(vectors), at[..., None, None], -1)[..., 0]
    largest = np.take_along_axis(values.real, at[..., None], -1)[..., 0]
    Q = A.shape[-1]
    random = np.nan if len(RANDOM_INDEX) <= Q else RANDOM_INDEX[Q]
    ratio = np.zeros_like(largest) if Q < 3 else (largest - Q) / (Q - 1) / random
    return Judged(_shares(w), np.asarray(largest, float), np.asarray(ratio, float))


def effective(weights: ArrayLike, parents: ArrayLike) -> Array:
    r"""Return the weight of every node in the root: the product of the shares on the way up.

    .. math:: W_i = W_{\pi(i)}\,\frac{w_i}{\sum_{j: \pi(j) = \pi(i)} w_j}, \qquad W_{\text{root}} = 1

    Parameters
    ----------
    weights : array_like, shape (…, nodes)
        Within the parent; any common factor of siblings cancels.
    parents : array_like of int, shape (nodes,)
        Place of the parent of each node; −1 for the root.

    Returns
    -------
    ndarray, shape (…, nodes)

    Raises
    ------
    DataError
        Parents go round in a circle, or siblings weigh nothing together.

    References
    ----------
    Handbook, step 6. Becker et al. (2017), Weights and importance in composite indicators.

    Examples
    --------
    >>> effective([1, 2, 1, 1, 3], [-1, 0, 0, 1, 1]).round(4).tolist()
    [1.0, 0.6667, 0.3333, 0.1667, 0.5]
    """
    w, up = np.asarray(weights, float), np.asarray(parents, int)
    siblings = ((up[:, None] == up[None, :]) & (up[:, None] >= 0)) | np.eye(len(up), dtype=bool)
    total = w @ siblings.astype(float)
    if not (total > 0).all():
        raise DataError(f"nodes {moments.columns(~(total > 0))} and their siblings weigh nothing together")
    share = np.where(up < 0, 1.0, w / total)
    found, at = share.copy(), up.copy()
    for _ in range(len(up)):
        if (at < 0).all():
            return np.asarray(found, float)
        found = found * np.where(at < 0, 1.0, share[..., at])
        at = np.where(at < 0, -1, up[at])
    raise DataError("the parents of nodes go round in a circle")


def _varied(x: ArrayLike) -> Array:
    """Return indicators, all of which vary."""
    value = moments.indicator_array(x)
    flat = ~moments.varied(value)
    if flat.any():
        raise DataError(f"columns {moments.columns(flat)} have no two different values; leave them out")
    return value


def _shares(w: Array) -> Array:
    return np.asarray(w / w.sum(-1, keepdims=True), float)
