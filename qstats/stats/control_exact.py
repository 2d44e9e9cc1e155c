"""Counts by their exact laws: probability limits of a chart, and normal scores of its points.

Arrays end in time: shape (…, T), as in :mod:`qstats.stats.control`.

References
----------
Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., chapter 7.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from qstats.errors import one_of, within_0_1
from qstats.stats.control import Array, counts


def probability_limits(
    n: ArrayLike, centre: ArrayLike, /, *, kind: Literal["p", "u"], alpha: float = 0.0027
) -> tuple[Array, Array]:
    r"""Return exact limits: the α/2 and 1 − α/2 quantiles of the counts, over n.

    .. math:: \min\{r : F(r) \ge \alpha/2\}/n, \qquad \min\{r : F(r) \ge 1 - \alpha/2\}/n

    A point strictly outside has a probability of at most α/2 on either side.

    Parameters
    ----------
    n : array_like, shape (…, T)
        Items inspected (``p``), exposure (``u``).
    centre : array_like, shape (…)
        Rate.
    kind : {"p", "u"}
        Binomial or Poisson.
    alpha : float
        Both sides together, between 0 and 1.

    Returns
    -------
    low, high : ndarray, shape (…, T)
        NaN where n is not positive.

    Raises
    ------
    OptionError
        Another kind, or `alpha` is not between 0 and 1.

    Examples
    --------
    Of one item a share of 0 or 1 is all there is; of 100, at a rate of 10 %, 5 to 16:

    >>> low, high = probability_limits([1, 100], 0.1, kind="p", alpha=0.05)
    >>> low.tolist(), high.tolist()
    ([0.0, 0.05], [1.0, 0.16])
    """
    one_of("kind", kind, ("p", "u"))
    within_0_1("alpha", alpha, hint="5 % is 0.05")
    from scipy.stats import binom, poisson

    n, c = np.asarray(n, float), np.asarray(centre, float)[..., None]
    n, c = np.broadcast_arrays(np.where(n > 0, n, np.nan), c)
    law = binom(n, c) if kind == "p" else poisson(n * c)
    return np.maximum(law.ppf(alpha / 2), 0.0) / n, law.ppf(1 - alpha / 2) / n


def normal_scores(x: ArrayLike, n: ArrayLike, centre: ArrayLike, *, kind: Literal["p", "u"]) -> Array:
    r"""Return the normal score of a count by its exact law: what z is to large counts, for small ones.

    .. math:: z = \Phi^{-1}\bigl(F(x) - \tfrac12 f(x)\bigr)

    with F and f binomial (``p``) or Poisson (``u``): half of the probability of x itself lies on either side.

    Parameters
    ----------
    x, n : array_like, shape (…, T)
        Counts, and what they are counted of.
    centre : array_like, shape (…)
        Rate.
    kind : {"p", "u"}

    Returns
    -------
    ndarray, shape (…, T)
        NaN where n is not positive; within ±38.

    Raises
    ------
    OptionError
        Another kind.
    DataError
        A negative count, x > n where `kind` is ``p``.

    Examples
    --------
    >>> normal_scores([0, 1, 5], [50, 50, 50], 0.01, kind="p").round(2).tolist()
    [-0.52, 0.7, 3.78]
    """
    from scipy.special import ndtri
    from scipy.stats import binom, poisson

    x, n = counts(x, n, kind=kind)
    c = np.broadcast_to(np.asarray(centre, float)[..., None], x.shape)
    n = np.where(n > 0, n, np.nan)
    law = binom(n, c) if kind == "p" else poisson(n * c)
    half = law.pmf(x) / 2
    low, high = np.maximum(law.cdf(x) - half, 1e-310), np.maximum(law.sf(x) + half, 1e-310)
    return np.asarray(np.where(low < high, ndtri(low), -ndtri(high)), float)
