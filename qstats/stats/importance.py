r"""How much indicators matter in a composite, which is not what their weights say, and weights that help.

References
----------
Paruolo, Saisana and Saltelli (2013), Ratings and rankings: voodoo or science?, JRSS A 176.
Becker, Saisana, Paruolo and Vandecasteele (2017), Weights and importance in composite indicators: closing the
gap, Ecological Indicators 80.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of
from qstats.stats import moments

Array = NDArray[np.float64]


def main_effects(x: ArrayLike, composite: ArrayLike, *, degree: int = 1) -> Array:
    r"""Return the share of the variance of the composite that each indicator explains alone.

    .. math:: S_q = \frac{\operatorname{Var}\{E(CI \mid x_q)\}}{\operatorname{Var}(CI)}

    The conditional mean is a polynomial of x; of degree 1, S is the squared correlation. The effects of
    correlated indicators sum to more than 1.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        A unit without the indicator or the composite is left out of its effect.
    composite : array_like, shape (…, units)
    degree : int
        1 to 5.

    Returns
    -------
    ndarray, shape (…, indicators)
        NaN for an indicator or a composite that does not vary, or with no more units than coefficients.

    Raises
    ------
    OptionError
        The degree is not from 1 to 5.
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> [main_effects(x, x[:, 0] ** 2, degree=k).round(12).tolist() for k in (1, 2)]
    [[0.0], [1.0]]
    """
    one_of("degree", degree, range(1, 6))
    value = moments.indicator_array(x)
    y = np.broadcast_to(np.asarray(composite, float)[..., None], value.shape)
    both = ~(np.isnan(value) | np.isnan(y))
    value, y = np.where(both, value, np.nan), np.where(both, y, np.nan)
    ok = moments.varied(value) & moments.varied(y)
    n = moments.count(value)
    scale = np.where(ok, moments.std(value), 1.0)
    z = np.nan_to_num((value - moments.mean(value)) / scale, nan=0.0)
    t = moments.deviations(y)[0]
    design = np.swapaxes(np.stack([both * z**k for k in range(degree + 1)], -1), -3, -2)
    base, _, _ = np.linalg.svd(design, full_matrices=False)
    rank = np.linalg.matrix_rank(design)[..., None]
    fitted = np.einsum("...uk,...u->...k", base, np.swapaxes(t, -1, -2)) ** 2
    explained = np.where(np.arange(fitted.shape[-1]) < rank, fitted, 0.0).sum(-1)
    total = (t**2).sum(-2)
    known = (ok & (n > degree + 1))[..., 0, :]
    return np.asarray(np.divide(explained, total, out=np.full(total.shape, np.nan), where=known), float)


class Balance(NamedTuple):
    """Weights and what they lead to; see :func:`balance`.

    Attributes
    ----------
    weights : ndarray, shape (indicators,)
        Not negative, summing to 1.
    importance : ndarray, shape (indicators,)
        Correlation of each indicator with the composite, brought to sum to 1.
    distance, start_distance : float
        Sum of squares between importance and target: reached, and at the start.
    """

    weights: Array
    importance: Array
    distance: float
    start_distance: float


def balance(x: ArrayLike, *, target: ArrayLike | None = None, start: ArrayLike | None = None) -> Balance:
    r"""Return weights under which the indicators are as important as is wanted.

    .. math:: \min_{w \ge 0,\ \sum w = 1} \sum_q \Big(\frac{r_q}{\sum_p r_p} - t_q\Big)^2, \qquad
              r_q = \operatorname{corr}\Big(x_q, \sum_p w_p x_p\Big)
              = \frac{(\Sigma w)_q}{s_q \sqrt{w'\Sigma w}}

    The problem has local solutions; it is solved from the start, from equal weights, from the target and
    from near each indicator, and the best of all, the start included, is kept: the result is never worse
    than the start.

    Parameters
    ----------
    x : array_like, shape (units, indicators)
        Normalised; complete.
    target : array_like, shape (indicators,), optional
        t, wanted importance; any common factor cancels. By default all equal.
    start : array_like, shape (indicators,), optional
        By default the target.

    Returns
    -------
    Balance

    Raises
    ------
    OptionError
        Targets or starting weights are negative, all zero, or not one an indicator.
    DataError
        A value is missing, a column is constant, or the composite of the start does not vary.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 9.0], [2.0, 4.0, 1.0], [3.0, 5.0, 5.0], [4.0, 9.0, 6.0]])
    >>> found = balance(x)
    >>> found.importance.round(4).tolist(), bool(found.distance <= found.start_distance)
    ([0.3286, 0.3383, 0.3331], True)
    """
    value = moments.indicator_array(x)
    flat = ~moments.varied(value) | np.isnan(value).any(-2, keepdims=True)
    if value.ndim != 2 or flat.any():
        found = moments.columns(flat)
        raise DataError(f"one complete table is needed; columns {found} are constant or have holes")
    Q = value.shape[1]
    t = _simplex("target", np.ones(Q) if target is None else target, Q)
    first = _simplex("start", t if start is None else start, Q)
    S = np.cov(moments.reduced(value, (0, 1))[0], rowvar=False).reshape(Q, Q)  # a common factor cancels
    s = np.sqrt(np.diag(S))
    if not (s > 0).all():
        found = moments.columns(~(s > 0))
        raise DataError(f"columns {found} hardly vary beside the others; normalise them first")
    if not first @ S @ first > 1e-12 * (s**2).max():
        raise DataError(f"the composite of the weights {first.tolist()} does not vary")
    starts = [first, np.ones(Q) / Q, t, *(0.9 * np.eye(Q) + 0.1 / Q)]
    tried = [_simplex("weights", _descend(w / s, S, s, t), Q) for w in starts]
    best = min([first, *tried], key=lambda w: _distance(w, S, s, t))
    return Balance(best, _importance(best, S, s), _distance(best, S, s, t), _distance(first, S, s, t))


def _simplex(name: str, weights: ArrayLike, n: int) -> Array:
    w = np.asarray(weights, float)
    if w.shape != (n,) or not (w >= 0).all() or not w.sum() > 0:
        raise OptionError(f"{name}={w.tolist()} must be {n} numbers not below 0, not all 0", argument=name)
    return np.asarray(w / w.sum(), float)


def _importance(w: Array, S: Array, s: Array) -> Array:
    r = S @ w / s
    return np.asarray(r / r.sum(), float)


def _distance(w: Array, S: Array, s: Array, t: Array) -> float:
    """Return the sum of squares, infinite where the correlations cancel."""
    r = S @ w / s
    total = r.sum()
    return float(((r / total - t) ** 2).sum()) if total > 1e-9 * np.abs(r).sum() else np.inf


def _descend(w: Array, S: Array, s: Array, t: Array) -> Array:
    """Return weights that no small step improves, not negative."""
    from scipy.optimize import minimize

    R, v = S / np.outer(s, s), w * s / (w * s).sum()  # in standard deviations: no unit of measurement is left

    def value_and_slope(v: Array) -> tuple[float, Array]:
        r = R @ v
        gap = r / r.sum() - t
        return float(gap @ gap), np.asarray(2 * R @ (gap - gap @ r / r.sum()) / r.sum(), float)

    with np.errstate(all="ignore"):
        found = minimize(
            value_and_slope,
            v,
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * len(v),
            constraints={"type": "eq", "fun": lambda v: v.sum() - 1, "jac": np.ones_like},
            options={"maxiter": 1000, "ftol": 1e-16},
        )
    end = np.clip(found.x, 0, None) if np.isfinite(found.x).all() and found.x.max() > 0 else v
    return np.asarray(end / s, float)
