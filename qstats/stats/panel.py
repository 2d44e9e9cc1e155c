"""Inference for panels with few clusters: bias-reduced standard errors and the wild cluster bootstrap."""

from __future__ import annotations

from itertools import product
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Weights = Literal["rademacher", "webb"]
WEIGHTS: Final = ("rademacher", "webb")

#: points of the two distributions of bootstrap weights, each with equal probability
_POINTS: Final = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.sqrt([1.5, 1.0, 0.5, 1.5, 1.0, 0.5]) * [-1, -1, -1, 1, 1, 1],
}
#: all vectors of weights are gone through when there are no more than this
_ENUMERATED: Final = 65536
_SINGULAR: Final = 1e-10
_TIE: Final = 1e-10


class SmallSample(NamedTuple):
    """A coefficient with its bias-reduced standard error, Satterthwaite's degrees of freedom and p."""

    b: float
    std_error: float
    df: float
    p: float


class Wild(NamedTuple):
    """A coefficient with its cluster-robust t and its bootstrap p-value.

    ``smallest_p`` is the smallest p-value the bootstrap can give with so many clusters, ``vectors`` how many
    vectors of weights were used and ``enumerated`` whether they are all there are.
    """

    b: float
    std_error: float
    t: float
    p: float
    smallest_p: float
    clusters: int
    vectors: int
    enumerated: bool


class _Partial(NamedTuple):
    """One regressor with everything else partialled out."""

    x: Array  # x̃ = M₋ₖ xₖ, shape (n,)
    restricted: Array  # residuals with βₖ = 0, shape (n,)
    full: Array  # residuals, shape (n,)
    Q: Array  # orthonormal basis of the design, shape (n, rank)
    b: float
    codes: Index  # cluster of each row, 0 … G − 1
    G: int


def dummies(*codes: ArrayLike) -> Array:
    """Return one column for each value of each of the codes: the design of their fixed effects.

    Parameters
    ----------
    *codes : array_like, shape (n,)
        Labels (region, then period, say).

    Returns
    -------
    ndarray, shape (n, values in all)
        With several codes its columns are linearly dependent; the functions here do not mind.

    Examples
    --------
    >>> dummies(["a", "b", "a"]).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    parts = [np.unique(np.asarray(code), return_inverse=True)[1].ravel() for code in codes]
    return np.concatenate([np.eye(int(part.max()) + 1)[part] for part in parts], axis=1)


def cr2(
    y: ArrayLike, X: ArrayLike, effects: ArrayLike, cluster: ArrayLike, *, column: int = 0
) -> SmallSample:
    r"""Return a least-squares coefficient with the CR2 standard error (Bell and McCaffrey).

    With H the hat matrix of the whole design (regressors and effects), :math:`\tilde x` the regressor after
    all else is partialled out, and :math:`w = \tilde x / \tilde x'\tilde x`,

    .. math:: V = \sum_g (w_g' A_g \hat u_g)^2, \qquad A_g = (I - H_{gg})^{+1/2}

    (the symmetric root of the pseudo-inverse), unbiased when the errors are independent with one variance.
    The t statistic has

    .. math:: \nu = \frac{(\sum_g p_g'p_g)^2}{\sum_{g,h} (p_g'p_h)^2}, \qquad
              p_g = (I - H)_{\cdot g} A_g w_g

    degrees of freedom: few when few clusters carry the regressor, however many there are.

    Parameters
    ----------
    y : array_like, shape (n,)
    X : array_like, shape (n, k)
        Regressors.
    effects : array_like, shape (n, m)
        Design of the effects, see :func:`dummies`; a column of ones for a plain regression.
    cluster : array_like, shape (n,)
        Labels of the clusters.
    column : int
        Which regressor.

    Returns
    -------
    SmallSample

    Raises
    ------
    OptionError
        There is no such column.
    DataError
        Shapes that do not fit, values that are missing, fewer than 2 clusters, or a regressor that does not
        vary once the others and the effects are taken out.

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28, 169–181. Pustejovsky & Tipton (2018), Journal of
    Business & Economic Statistics 36, 672–683.

    Examples
    --------
    >>> found = cr2([1.0, 2.0, 4.0, 3.0, 6.0, 8.0], [[1], [2], [3], [3], [5], [6]], np.ones((6, 1)),
    ...             ["a", "a", "b", "b", "c", "c"])
    >>> round(found.b, 3), round(found.std_error, 3), round(found.df, 2)
    (1.385, 0.053, 1.03)
    """
    from scipy.special import stdtr

    part = _partial(y, X, effects, cluster, column)
    w = part.x / (part.x @ part.x)
    a, contribution = np.zeros(w.size), np.zeros(part.G)
    for g in range(part.G):
        rows = np.flatnonzero(part.codes == g)
        A = _root(np.eye(rows.size) - part.Q[rows] @ part.Q[rows].T)
        a[rows] = A @ w[rows]
        contribution[g] = a[rows] @ part.full[rows]
    se = float(np.sqrt(contribution @ contribution))
    lengths = np.bincount(part.codes, a * a, minlength=part.G)
    Qa = _by_cluster(part.Q * a[:, None], part)
    P = np.diag(lengths) - Qa @ Qa.T
    df = float(np.trace(P) ** 2 / np.sum(P * P))
    return SmallSample(part.b, se, df, float(2 * stdtr(df, -abs(part.b / se))) if se > 0 else float("nan"))


def wild_cluster(
    y: ArrayLike,
    X: ArrayLike,
    effects: ArrayLike,
    cluster: ArrayLike,
    *,
    column: int = 0,
    null: float = 0.0,
    weights: Weights = "rademacher",
    n_draws: int = 9999,
    seed: int = 0,
) -> Wild:
    r"""Return the wild cluster bootstrap test of one coefficient, with the hypothesis imposed.

    With :math:`\tilde u` the residuals when :math:`\beta_k = \beta_0`, each bootstrap sample multiplies those
    of a whole cluster by one weight, :math:`u^*_g = v_g \tilde u_g`, and

    .. math:: t^* = \frac{\sum_g v_g c_g}{\sqrt{\frac{G}{G-1} \sum_g s_g^2}}, \quad
              c_g = \tilde x_g'\tilde u_g, \quad
              s_g = v_g c_g - \tilde x_g' Q_g \sum_h v_h Q_h' \tilde u_h, \qquad
              p = \Pr(|t^*| \ge |t|)

    Q being an orthonormal basis of the whole design: every sample is a product of G × G numbers, so all
    :math:`2^G` sign vectors are gone through up to 65,536, otherwise `n_draws` are drawn and
    :math:`p = (1 + \#)/(1 + B)`. The vectors v and cv give one |t*|, so that p is never below
    :math:`2/2^G` (Rademacher) or :math:`6/6^G` (Webb): with 4 clusters and signs never below 0.125.

    Parameters
    ----------
    y, X, effects, cluster, column
        As in :func:`cr2`.
    null : float
        β₀.
    weights : {"rademacher", "webb"}
        ±1; or ±√½, ±1, ±√1½, for few clusters.
    n_draws : int
        B, where there are too many vectors to go through.
    seed : int
        Of the draws.

    Returns
    -------
    Wild
        ``std_error`` is the cluster-robust one with the factor G/(G − 1).

    Raises
    ------
    OptionError
        A choice or a column that does not exist, or fewer than 99 draws.
    DataError
        As :func:`cr2`.

    References
    ----------
    Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90, 414–427. Webb (2023), Canadian
    Journal of Economics 56, 839–858. MacKinnon & Webb (2017), Journal of Applied Econometrics 32, 233–254.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, region = rng.normal(size=(20, 1)), np.repeat(np.arange(5), 4)
    >>> found = wild_cluster(5 * x[:, 0] + rng.normal(size=20), x, dummies(region), region)
    >>> found.p, found.smallest_p, found.vectors
    (0.125, 0.0625, 32)
    """
    one_of("weights", weights, WEIGHTS)
    whole_number("n_draws", n_draws, least=99)  # with fewer no p-value below 1 % could come out
    moved = np.asarray(y, float)
    if null:
        moved = moved - null * np.asarray(X, float)[:, column]
    part = _partial(moved, X, effects, cluster, column)
    c = np.asarray(np.bincount(part.codes, part.x * part.restricted, minlength=part.G), float)
    xQ, Qu = (_by_cluster(part.Q * e[:, None], part) for e in (part.x, part.restricted))
    A = np.diag(c) - xQ @ Qu.T
    t = float(_statistics(np.ones((1, part.G)), c, A)[0])
    points = _POINTS[weights]
    possible = len(points) ** part.G
    enumerated = possible <= _ENUMERATED
    if enumerated:
        v = np.array(list(product(points, repeat=part.G)))
    else:
        v = np.random.default_rng(seed).choice(points, size=(n_draws, part.G))
    strong = int(np.sum(np.abs(_statistics(v, c, A)) >= abs(t) - _TIE * max(1.0, abs(t))))
    p, least = (strong / possible, 0.0) if enumerated else ((1 + strong) / (1 + n_draws), 1 / (1 + n_draws))
    smallest = max(len(points) / possible, least)
    se = float(np.sqrt(part.G / (part.G - 1) * np.sum(A.sum(axis=1) ** 2)) / (part.x @ part.x))
    return Wild(part.b + null, se, t, p, smallest, part.G, len(v), enumerated)


def _statistics(v: Array, c: Array, A: Array) -> Array:
    """Return t* for each vector of weights (one a row)."""
    G = c.size
    scores = v @ A.T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (v @ c) / np.sqrt(G / (G - 1) * np.sum(scores * scores, axis=1))
    return np.asarray(found)


def _partial(y: ArrayLike, X: ArrayLike, effects: ArrayLike, cluster: ArrayLike, column: int) -> _Partial:
    y, X, D = np.asarray(y, float), np.asarray(X, float), np.asarray(effects, float)
    labels, codes = np.unique(np.asarray(cluster), return_inverse=True)
    if X.ndim != 2 or D.ndim != 2 or not y.shape == (len(X),) == (len(D),) == codes.shape:
        shapes = f"y {y.shape}, X {X.shape}, effects {D.shape}, cluster {codes.shape}"
        raise DataError(f"the rows do not match: {shapes}")
    if not (np.isfinite(y).all() and np.isfinite(X).all()):
        raise DataError("a value is missing or infinite; leave out the rows that are not complete")
    if not -X.shape[1] <= column < X.shape[1]:
        raise OptionError(
            f"column={column!r} is not one of the {X.shape[1]} regressors, 0 to {X.shape[1] - 1}"
        )
    if len(labels) < 2:
        raise DataError(f"errors by cluster need at least 2 clusters; there are {len(labels)}")
    others = _basis(np.concatenate([np.delete(X, column, axis=1), D], axis=1))
    x, restricted = (z - others @ (others.T @ z) for z in (X[:, column], y))
    size = np.sqrt(x @ x)
    if size <= _SINGULAR * np.sqrt(X[:, column] @ X[:, column]):
        raise DataError(
            f"regressor {column} does not vary once the other regressors and the effects are taken out"
        )
    b = float(x @ y / (x @ x))
    Q = np.concatenate([others, (x / size)[:, None]], axis=1)
    return _Partial(x, restricted, restricted - b * x, Q, b, codes.ravel(), len(labels))


def _basis(Z: Array) -> Array:
    """Return an orthonormal basis of the columns of Z."""
    U, s, _ = np.linalg.svd(Z, full_matrices=False)
    return np.asarray(U[:, s > s[0] * _SINGULAR])


def _root(S: Array) -> Array:
    """Return the symmetric root of the pseudo-inverse of a projection block."""
    values, vectors = np.linalg.eigh(S)
    inverse = np.where(values > _SINGULAR, 1 / np.sqrt(np.maximum(values, _SINGULAR)), 0.0)
    return np.asarray((vectors * inverse) @ vectors.T)


def _by_cluster(values: Array, part: _Partial) -> Array:
    """Add up the rows of each cluster, shape (G, columns)."""
    total = np.zeros((part.G, values.shape[1]))
    np.add.at(total, part.codes, values)
    return total
