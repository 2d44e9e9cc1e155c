r"""Small areas: the model of Fay and Herriot, which lets areas lend each other strength.

.. math:: y_i = \theta_i + e_i, \quad e_i \sim (0, D_i), \qquad
          \theta_i = x_i'\beta + v_i, \quad v_i \sim (0, A)

with the direct estimate y of area i, its sampling variance D (taken as known), covariates x, and
the variance A of what the covariates leave unexplained.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Method = Literal["reml", "ml", "moments", "adjusted-reml"]
METHODS: Final = ("reml", "ml", "moments", "adjusted-reml")


class AreaFit(NamedTuple):
    r"""A fitted area model; see :func:`fay_herriot`. m areas, p covariates.

    Attributes
    ----------
    A : float
        Variance of the area effects.
    boundary : bool
        Whether A is 0, the edge of what is possible: every area then takes the synthetic estimate.
    beta, cov_beta : ndarray, shapes (p,) and (p, p)
        Coefficients and their covariance.
    gamma : ndarray, shape (m,)
        Weight of the direct estimate, 1 − B; 0 without one.
    eblup, synthetic, mse : ndarray, shape (m,)
        Estimate, its synthetic part :math:`x'\hat\beta`, and the mean squared error of the estimate; NaN
        where the approximation is not positive.
    residual : ndarray, shape (m,)
        Standardised, NaN without a direct estimate.
    loglik : float
        Log-likelihood of the observed areas at A, restricted unless the method is ``ml``.
    """

    A: float
    boundary: bool
    beta: Array
    cov_beta: Array
    gamma: Array
    eblup: Array
    synthetic: Array
    mse: Array
    residual: Array
    loglik: float


class _Gls(NamedTuple):
    """Generalised least squares at a given A, on the observed areas."""

    w: Array  # diagonal of V⁻¹, 1/(A + D)
    Q: Array  # (X'V⁻¹X)⁻¹
    b: Array  # coefficients
    Py: Array  # V⁻¹(y − Xb)


def fay_herriot(y: ArrayLike, D: ArrayLike, X: ArrayLike, *, method: Method = "reml") -> AreaFit:
    r"""Fit the area model and return the empirical best linear unbiased predictor (EBLUP).

    .. math:: \hat\theta_i = \gamma_i y_i + (1-\gamma_i)\, x_i'\hat\beta, \quad
              \gamma_i = \frac{A}{A + D_i}, \quad
              \hat\beta = Q X'V^{-1}y, \quad Q = (X'V^{-1}X)^{-1}, \quad V = \operatorname{diag}(A + D_i)

    .. math:: \operatorname{mse}_i = \gamma_i D_i + (1-\gamma_i)^2 x_i'Qx_i
              + 2\,\frac{D_i^2}{(A+D_i)^3}\,\bar v(\hat A) - (1-\gamma_i)^2\, b(\hat A)

    The last term takes away the bias b of :math:`\hat A`, none for ``reml``. An area without a direct
    estimate (:math:`D_i \to \infty`) has :math:`\hat\theta_i = x_i'\hat\beta` and
    :math:`\operatorname{mse}_i = A - b + x_i'Qx_i`.

    Parameters
    ----------
    y, D : array_like, shape (m,)
        Direct estimates and their sampling variances, D > 0. NaN in D: no direct estimate.
    X : array_like, shape (m, p)
        Covariates, with a column of ones for an intercept; no NaN.
    method : {"reml", "ml", "moments", "adjusted-reml"}
        How A is estimated: restricted likelihood, likelihood, the moment equation of Fay and Herriot
        :math:`\sum (y_i - x_i'\hat\beta)^2/(A+D_i) = m-p`, or the restricted likelihood times A, whose
        maximum is never at 0.

    Returns
    -------
    AreaFit

    Raises
    ------
    OptionError
        A method that does not exist.
    DataError
        Too few areas, covariates that are not independent, variances that are not positive, or
        values that are not finite.

    References
    ----------
    Fay & Herriot (1979), JASA 74; Prasad & Rao (1990), JASA 85; Datta & Lahiri (2000), Statistica
    Sinica 10; Datta, Rao & Smith (2005), Biometrika 92; Li & Lahiri (2010), J. Multivariate Analysis 101.

    Examples
    --------
    >>> fit = fay_herriot([2.0, 3.0, 7.0, 8.0], [1.0, 1.0, 1.0, 1.0], [[1.0]] * 4)
    >>> round(fit.A, 6), fit.gamma.round(3).tolist(), fit.eblup.round(3).tolist()
    (7.666667, [0.885, 0.885, 0.885, 0.885], [2.346, 3.231, 6.769, 7.654])
    """
    one_of("method", method, METHODS)
    y, D, X = np.asarray(y, float), np.asarray(D, float), np.asarray(X, float)
    seen = _checked(y, D, X, method)
    basis, R = np.linalg.qr(X[seen])
    data = (y[seen], D[seen], basis)
    A = _variance(*data, method)
    at = _gls(A, *data)
    back = np.linalg.inv(R)
    beta, cov_beta = back @ at.b, back @ at.Q @ back.T
    synthetic, spread = X @ beta, np.einsum("ij,jk,ik->i", X, cov_beta, X)
    D = np.where(seen, D, np.inf)
    gamma = np.where(seen, A / (A + D), 0.0)
    gap = np.where(seen, y, synthetic) - synthetic
    known = np.where(seen, A + D - spread, np.nan)
    return AreaFit(
        A=A,
        boundary=A == 0,
        beta=beta,
        cov_beta=cov_beta,
        gamma=gamma,
        eblup=synthetic + gamma * gap,
        synthetic=synthetic,
        mse=_mse(A, D, spread, at, basis, method),
        residual=gap / np.sqrt(known),
        loglik=_loglik(A, *data, method="ml" if method == "ml" else "reml") - _constant(R, method),
    )


def _constant(R: Array, method: Method) -> float:
    """Return what the change of basis adds to the restricted log-likelihood: log|det R|."""
    return 0.0 if method == "ml" else float(np.log(np.abs(np.diag(R))).sum())


def _checked(y: Array, D: Array, X: Array, method: Method) -> Mask:
    """Return which areas have a direct estimate; refuse what cannot be fitted."""
    seen = ~np.isnan(D)
    m, p = int(seen.sum()), X.shape[1]
    if not np.isfinite(X).all():
        raise DataError(
            f"{int((~np.isfinite(X)).sum())} covariate values are not finite; every area needs all"
        )
    if not (np.isfinite(y[seen]).all() and np.isfinite(D[seen]).all()):
        raise DataError(
            "a direct estimate or its variance is not finite; give NaN as variance where there is none"
        )
    if (D[seen] <= 0).any():
        raise DataError(
            f"{int((D[seen] <= 0).sum())} sampling variances are not positive (least: {D[seen].min():g}); "
            "an estimate without error needs no model, and an unknown variance is NaN"
        )
    need = p + (3 if method == "adjusted-reml" else 1)
    if m < need:
        raise DataError(
            f"{m} areas with a direct estimate for {p} coefficients; method={method!r} needs {need}"
        )
    rank = int(np.linalg.matrix_rank(X[seen]))
    if rank < p:
        raise DataError(
            f"the {p} covariates span {rank} dimensions where there are direct estimates; drop some"
        )
    return np.asarray(seen)


def _gls(A: float, y: Array, D: Array, X: Array) -> _Gls:
    w = 1 / (A + D)
    Q = np.asarray(np.linalg.inv(X.T @ (w[:, None] * X)), float)
    b = Q @ (X.T @ (w * y))
    return _Gls(w, Q, b, w * (y - X @ b))


def _loglik(A: float, y: Array, D: Array, X: Array, *, method: Method) -> float:
    r"""Return the log-likelihood at A, β profiled out; restricted unless ``ml``.

    .. math:: -\tfrac12\big[k\log 2\pi + \log|V| + y'Py\ (+ \log|X'V^{-1}X|)\big], \quad
              P = V^{-1} - V^{-1}XQX'V^{-1}, \quad k = m\ (m - p)
    """
    at = _gls(A, y, D, X)
    whole = -np.log(at.w).sum() + y @ at.Py
    if method == "ml":
        return float(-(len(y) * np.log(2 * np.pi) + whole) / 2)
    whole += -np.linalg.slogdet(at.Q)[1] + (len(y) - X.shape[1]) * np.log(2 * np.pi)
    return float(-whole / 2) + (float(np.log(A)) if method == "adjusted-reml" else 0.0)


def _score(A: float, y: Array, D: Array, X: Array, method: Method) -> float:
    r"""Return what is 0 at the estimate and falls through it.

    The derivative of the log-likelihood, :math:`\tfrac12(y'P^2y - \operatorname{tr}P)` (``ml``:
    :math:`\operatorname{tr}V^{-1}`; ``adjusted-reml``: and 1/A), or for ``moments`` :math:`y'Py - (m-p)`.
    """
    at = _gls(A, y, D, X)
    if method == "moments":
        return float(y @ at.Py - (len(y) - X.shape[1]))
    trace = at.w.sum()
    if method != "ml":
        trace -= np.einsum("ij,ik,kj->", (at.w**2)[:, None] * X, X, at.Q)
    more = 1 / A if method == "adjusted-reml" else 0.0
    return float((at.Py @ at.Py - trace) / 2 + more)


def _variance(y: Array, D: Array, X: Array, method: Method) -> float:
    """Return A: of all local maxima the highest, 0 among them.

    At the upper end of the grid the score is negative for certain, since y'P²y ≤ RSS/A² and
    tr P ≥ (m − p)/(A + max D). With 1/A in it, it is positive at the lower end, A ≤ min D/m.
    """
    from scipy.optimize import brentq

    residual = y - X @ (X.T @ y)
    scale = residual @ residual / (len(y) - X.shape[1]) + D.max()
    least = min(1e-8 * scale, D.min() / len(y))
    grid = np.geomspace(least, 10 * scale, 91)
    if method != "adjusted-reml":
        grid = np.append(0.0, grid)
    scores = np.array([_score(A, y, D, X, method) for A in grid])
    falls = np.flatnonzero((scores[:-1] > 0) & (scores[1:] <= 0))
    found = [
        float(brentq(_score, grid[k], grid[k + 1], (y, D, X, method), xtol=1e-14 * least, rtol=1e-14))
        for k in falls
    ]
    if method == "moments":
        return found[0] if found else 0.0
    if scores[0] <= 0:
        found.append(0.0)
    return max(found, key=lambda A: _loglik(A, y, D, X, method=method))


def _mse(A: float, D: Array, spread: Array, at: _Gls, X: Array, method: Method) -> Array:
    """Return the second-order approximation of :func:`fay_herriot`, D infinite without a direct estimate."""
    v, b = _moments_of_variance(A, at, X, method)
    direct = np.isfinite(D)
    d = np.where(direct, D, 1.0)
    shrunk = np.where(direct, d / (A + d), 1.0)
    g1 = A * shrunk
    g3 = np.where(direct, d**2 / (A + d) ** 3, 0.0) * v
    mse = g1 + shrunk**2 * (spread - b) + 2 * g3
    return np.where(mse > 0, mse, np.nan)


def _moments_of_variance(A: float, at: _Gls, X: Array, method: Method) -> tuple[float, float]:
    r"""Return the asymptotic variance of Â and its bias, to the order 1/m.

    With :math:`s_k = \sum (A+D_i)^{-k}`: variance :math:`2/s_2` and bias 0 (``reml``),
    :math:`-\operatorname{tr}(Q X'V^{-2}X)/s_2` (``ml``), :math:`2/(A s_2)` (``adjusted-reml``);
    for ``moments`` :math:`2m/s_1^2` and :math:`2(m s_2 - s_1^2)/s_1^3`.
    """
    s1, s2, m = float(at.w.sum()), float((at.w**2).sum()), len(at.w)
    if method == "moments":
        return 2 * m / s1**2, 2 * (m * s2 - s1**2) / s1**3
    if method == "ml":
        return 2 / s2, -float(np.einsum("ij,ik,kj->", (at.w**2)[:, None] * X, X, at.Q)) / s2
    return 2 / s2, 2 / (A * s2) if method == "adjusted-reml" else 0.0


def benchmark_variance(fit: AreaFit, D: ArrayLike, X: ArrayLike, weights: ArrayLike) -> float:
    r"""Return the variance of the gap that benchmarking closes, :math:`\sum w_i y_i - \sum w_i\hat\theta_i`.

    .. math:: g_4 = a'(V - XQX')a, \quad a_i = w_i B_i, \quad B_i = D_i/(A + D_i)

    The gap is a contrast of residuals, so it is uncorrelated with the error of the predictor with
    known A, and adds to its mean squared error.

    Parameters
    ----------
    fit : AreaFit
    D, X : array_like
        As in :func:`fay_herriot`, with a direct estimate in every area.
    weights : array_like, shape (m,)
        w, in the units of y.

    Returns
    -------
    float

    References
    ----------
    Steorts & Ghosh (2013), Statistica Sinica 23, theorem 1.

    Examples
    --------
    An equal mean has no gap; of one area it is (1 − 1/m) D²/(A + D), with A = 23/3:

    >>> fit = fay_herriot([2.0, 3.0, 7.0, 8.0], [1.0] * 4, [[1.0]] * 4)
    >>> [round(benchmark_variance(fit, [1.0] * 4, [[1.0]] * 4, w), 6) for w in ([0.25] * 4, [1, 0, 0, 0])]
    [0.0, 0.086538]
    """
    D, X = np.asarray(D, float), np.asarray(X, float)
    a = np.asarray(weights, float) * D / (fit.A + D)
    project = X.T @ a
    return float(a @ ((fit.A + D) * a) - project @ fit.cov_beta @ project)
