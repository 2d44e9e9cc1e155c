"""Draws of estimates from their joint error, within the bounds of what they estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def within(theta: ArrayLike, noise: ArrayLike, *, low: float = -np.inf, high: float = np.inf) -> Array:
    r"""Return :math:`\theta + e`, moved on the logit scale where θ has two bounds.

    .. math:: \operatorname{logit} p^* = \operatorname{logit} p + \frac{e}{(b-a)\,p(1-p)},
              \qquad p = \frac{\theta - a}{b - a}

    To first order the same as adding e, and no draw leaves (a, b). At a bound itself the draw
    stays there: such an estimate has no error of its own (see :func:`at_bound`).

    Parameters
    ----------
    theta : array_like, shape (R,)
        Estimates.
    noise : array_like, shape (n, R)
        Draws of their error e.
    low, high : float
        The bounds a and b; without both, the error is added.

    Returns
    -------
    ndarray, shape (n, R)

    Examples
    --------
    Near a bound a draw is held back, at a bound it stays:

    >>> within([50.0, 90.0, 100.0], [[5.0, 15.0, 15.0]], low=0, high=100).round(1).tolist()
    [[55.0, 97.9, 100.0]]
    """
    theta, e = np.asarray(theta, float), np.asarray(noise, float)
    if not (np.isfinite(low) and np.isfinite(high)):
        return np.asarray(theta + e, float)
    from scipy.special import expit, logit

    p = (theta - low) / (high - low)
    inside = (p > 0) & (p < 1)
    q = np.where(inside, p, 0.5)
    moved = low + (high - low) * expit(logit(q) + e / ((high - low) * q * (1 - q)))
    return np.asarray(np.where(inside & (e != 0), moved, theta), float)


def at_bound(x: ArrayLike, n: ArrayLike, size: int, rng: np.random.Generator) -> Array:
    r"""Return draws of a proportion seen as 0 of n or n of n, from :math:`\mathrm{B}(x+½,\; n-x+½)`.

    The posterior under the Jeffreys prior: the standard error formula gives nothing there, but
    n trials without a failure do say something.

    Parameters
    ----------
    x, n : array_like, shape (R,)
        Counts.
    size : int
        Number of draws.
    rng : numpy.random.Generator
        The stream.

    Returns
    -------
    ndarray, shape (size, R)

    References
    ----------
    Brown, Cai & DasGupta (2001), Statistical Science 16(2), 101–133.

    Examples
    --------
    The mean is that of B(½, 10½), 0.5/11, and of its mirror image:

    >>> at_bound([0, 10], [10, 10], 10_000, np.random.default_rng(1)).mean(axis=0).round(2).tolist()
    [0.05, 0.95]
    """
    x, n = np.asarray(x, float), np.asarray(n, float)
    return np.asarray(rng.beta(x + 0.5, n - x + 0.5, size=(size, *x.shape)), float)
