"""The difference of two rates from counts: Newcombe's and Miettinen and Nurminen's intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import within_0_1
from qstats.stats import intervals

Array = NDArray[np.float64]


class Counts(NamedTuple):
    """Successes x of n, arrays of one shape."""

    x: ArrayLike
    n: ArrayLike


def newcombe(earlier: Counts, later: Counts, /, *, level: float = 0.95) -> tuple[Array, Array]:
    r"""Return Newcombe's interval (method 10) of the later minus the earlier rate.

    With Wilson's limits :math:`l_i, u_i` of each rate,

    .. math:: d - \sqrt{(\hat p_2 - l_2)^2 + (u_1 - \hat p_1)^2},\quad
              d + \sqrt{(u_2 - \hat p_2)^2 + (\hat p_1 - l_1)^2}

    Parameters
    ----------
    earlier, later : Counts
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    low, high : ndarray
        In [−1, 1]; NaN where a denominator is 0.

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873–890.

    Examples
    --------
    >>> [float(limit.round(4)) for limit in newcombe(Counts(48, 80), Counts(56, 70))]
    [0.0524, 0.3339]
    """
    (x1, n1, p1), (x2, n2, p2) = _rates(earlier), _rates(later)
    (l1, u1), (l2, u2) = (intervals.proportion(x, n, level=level) for x, n in ((x1, n1), (x2, n2)))
    d = p2 - p1
    return np.asarray(d - np.hypot(p2 - l2, u1 - p1)), np.asarray(d + np.hypot(u2 - p2, p1 - l1))


def score(earlier: Counts, later: Counts, /, delta: ArrayLike = 0.0, *, unbiased: bool = True) -> Array:
    r"""Return Miettinen and Nurminen's score statistic of :math:`p_2 - p_1 = \delta`.

    .. math:: z = \frac{\hat p_2 - \hat p_1 - \delta}{\sqrt{V}}, \qquad
              V = \Bigl(\frac{\tilde p_2(1-\tilde p_2)}{n_2} + \frac{\tilde p_1(1-\tilde p_1)}{n_1}\Bigr)
              \frac{N}{N-1}

    where :math:`\tilde p_1, \tilde p_2 = \tilde p_1 + \delta` maximise the likelihood: the root of a
    cubic. Its square is, at δ = 0, Pearson's χ² with N − 1 for N.

    Parameters
    ----------
    earlier, later : Counts
    delta : array_like
        δ, in [−1, 1].
    unbiased : bool
        With the factor N/(N−1), N = n₁ + n₂; without it is Mee's.

    Returns
    -------
    ndarray
        0 where the difference is δ; NaN where a denominator is 0.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213–226. Mee (1984), Biometrics 40, 1175–1176.

    Examples
    --------
    >>> score(Counts(48, 80), Counts(56, 70)).round(4).item()
    2.6413
    """
    (x1, n1, p1), (x2, n2, p2) = _rates(earlier), _rates(later)
    delta = np.asarray(delta, float)
    N = n1 + n2
    with np.errstate(invalid="ignore", divide="ignore"):
        low = _restricted(x1, n1, x2, n2, delta)
        high = np.clip(low + delta, 0.0, 1.0)
        V = (high * (1 - high) / n2 + low * (1 - low) / n1) * (N / (N - 1) if unbiased else 1.0)
        off = p2 - p1 - delta
        z = off / np.sqrt(V)
    return np.where(np.isnan(off), np.nan, np.where(off == 0, 0.0, z))


def miettinen_nurminen(
    earlier: Counts, later: Counts, /, *, level: float = 0.95, unbiased: bool = True
) -> tuple[Array, Array]:
    r"""Return the score interval of a difference, :math:`\{\delta: |z(\delta)| \le z_{1-\alpha/2}\}`.

    Parameters
    ----------
    earlier, later : Counts
    level : float
        Confidence, in (0, 1).
    unbiased : bool
        As in :func:`score`.

    Returns
    -------
    low, high : ndarray
        In [−1, 1], to 1e-14; NaN where a denominator is 0.

    Raises
    ------
    OptionError
        A level outside (0, 1).

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213–226. Mee (1984), Biometrics 40, 1175–1176.

    Examples
    --------
    >>> [float(limit.round(4)) for limit in miettinen_nurminen(Counts(48, 80), Counts(56, 70))]
    [0.0528, 0.3382]
    """
    from scipy.special import ndtri

    within_0_1("level", level)
    (x1, n1, p1), (x2, n2, p2) = _rates(earlier), _rates(later)
    reach, d = float(ndtri((1 + level) / 2)), np.asarray(p2 - p1)
    found = []
    for sign in (-1.0, 1.0):
        inside, outside = d.copy(), np.full(d.shape, sign)
        for _ in range(60):  # bisection: |z| grows away from d
            middle = (inside + outside) / 2
            z = score(Counts(x1, n1), Counts(x2, n2), middle, unbiased=unbiased)
            near = np.abs(z) <= reach
            inside, outside = np.where(near, middle, inside), np.where(near, outside, middle)
        found.append(np.where(np.isnan(d), np.nan, (inside + outside) / 2))
    return found[0], found[1]


def p_score(earlier: Counts, later: Counts, /) -> Array:
    r"""Return the two-sided p-value of equal rates by :func:`score`, :math:`2\,\Phi(-|z|)`.

    Parameters
    ----------
    earlier, later : Counts

    Returns
    -------
    ndarray
        1 where the rates are equal; NaN where a denominator is 0.

    References
    ----------
    Miettinen & Nurminen (1985), as for :func:`score`.

    Examples
    --------
    >>> p_score(Counts(48, 80), Counts(56, 70)).round(4).item()
    0.0083
    """
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(score(earlier, later))))


def _rates(counts: Counts) -> tuple[Array, Array, Array]:
    x, n = np.broadcast_arrays(np.asarray(counts.x, float), np.asarray(counts.n, float))
    return x, n, np.divide(x, n, out=np.full(x.shape, np.nan), where=n > 0)


def _restricted(x1: Array, n1: Array, x2: Array, n2: Array, delta: Array) -> Array:
    r"""Return :math:`\tilde p_1`, where the score is 0: a root of :math:`L_3 p^3 + L_2 p^2 + L_1 p + L_0`."""
    N, X = n1 + n2, x1 + x2
    L3, L2 = N, (2 * n1 + n2) * delta - N - X
    L1 = (n1 * delta - N - 2 * x1) * delta + X
    L0 = x1 * delta * (1 - delta)
    q = L2**3 / (3 * L3) ** 3 - L1 * L2 / (6 * L3**2) + L0 / (2 * L3)
    p = np.where(q >= 0, 1.0, -1.0) * np.sqrt(np.maximum(L2**2 / (3 * L3) ** 2 - L1 / (3 * L3), 0.0))
    a = (np.pi + np.arccos(np.clip(np.where(p == 0, 0.0, q / np.where(p == 0, 1.0, p) ** 3), -1, 1))) / 3
    root = 2 * p * np.cos(a) - L2 / (3 * L3)
    return np.asarray(np.clip(root, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta)))
