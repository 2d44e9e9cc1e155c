"""Quantiles, tails and likelihood ratios of Poisson and negative binomial counts, by mean and dispersion.

References
----------
Johnson, Kemp, Kotz (2005), Univariate Discrete Distributions, 3rd ed., ch. 4 and 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, real_number, within_0_1

Array = NDArray[np.float64]
#: a dispersion this near to 1 is that of a Poisson law
_POISSON = 1 + 1e-9


def series_of_counts(counts: ArrayLike, periods: int, /) -> Array:
    """Return counts as (series, T), or raise DataError on fewer periods, a missing or a negative count.

    Parameters
    ----------
    counts : array_like, shape (series, T) or (T,)
    periods : int
        The least T.

    Returns
    -------
    ndarray, shape (series, T)

    Raises
    ------
    DataError
        Fewer periods; a count that is missing or below 0.

    Examples
    --------
    >>> series_of_counts([3, 0, 5], 2).tolist()
    [[3.0, 0.0, 5.0]]
    """
    y = np.atleast_2d(np.asarray(counts, float))
    if y.shape[1] < periods:
        raise DataError(f"this baseline needs {periods} periods; the series has {y.shape[1]}")
    if not (y >= 0).all():
        raise DataError(f"counts are 0 or more and none is missing; found {y[~(y >= 0)][0]:g}")
    return y


def rise_weights(mean: ArrayLike, /, *, ratio: float = 1.5, dispersion: float = 0.0) -> tuple[Array, Array]:
    r"""Return what an event and a period add to the log-likelihood ratio of κ times as frequent events.

    .. math:: \ell_t = y_t\ln\frac{\kappa}{c_t} - \frac{\ln c_t}{\alpha}, \qquad
              c_t = \frac{1 + \alpha\kappa\mu_t}{1 + \alpha\mu_t}

    for negative binomial counts of variance :math:`\mu + \alpha\mu^2`; for α = 0 Poisson,
    :math:`\ell_t = y_t\ln\kappa - (\kappa - 1)\mu_t`.

    Parameters
    ----------
    mean : array_like
        μ in control, above 0; NaN where it is not known.
    ratio : float
        κ, above 1.
    dispersion : float
        α, 0 or more.

    Returns
    -------
    weight, charge : ndarray
        In the shape of μ: ℓ is weight · y − charge.

    Raises
    ------
    DataError
        A mean that is not above 0.
    OptionError
        A number out of range.

    References
    ----------
    Höhle & Paul (2008), Count data regression charts for the monitoring of surveillance time series,
    Computational Statistics & Data Analysis 52, 4357–4368.

    Examples
    --------
    >>> weight, charge = rise_weights([10.0], ratio=2, dispersion=0.1)
    >>> weight.round(4).tolist(), charge.round(4).tolist()
    ([0.2877], [4.0547])
    """
    real_number("ratio", ratio, above=1)
    real_number("dispersion", dispersion, least=0)
    mu = np.asarray(mean, float)
    if (mu <= 0).any():
        raise DataError(f"what is expected is above 0; found {mu[mu <= 0][0]:g}")
    if dispersion == 0:
        return np.where(np.isnan(mu), np.nan, np.log(ratio)), (ratio - 1) * mu
    log_c = np.log1p(dispersion * (ratio - 1) * mu / (1 + dispersion * mu))
    return np.asarray(np.log(ratio) - log_c), np.asarray(log_c / dispersion)


def at_least(counts: ArrayLike, mean: ArrayLike, phi: ArrayLike = 1.0) -> Array:
    r"""Return the chance of as many events or more.

    .. math:: P(Y \ge y) = I_{1 - 1/\phi}(y, r), \quad r = \frac{\mu}{\phi - 1}
              \qquad (\phi > 1,\ \text{negative binomial}); \qquad P(y, \mu) \quad (\phi = 1)

    I is the regularised incomplete beta function, P the incomplete gamma function.

    Parameters
    ----------
    counts, mean, phi : array_like
        y, μ and φ = variance/mean, 1 or more; broadcast.

    Returns
    -------
    ndarray
        In the broadcast shape; NaN where a mean is missing.

    Examples
    --------
    >>> at_least([0, 3], 2.0).round(4).tolist(), at_least(3, 2.0, 2.0).round(4).item()
    ([1.0, 0.3233], 0.3125)
    """
    from scipy.special import betainc, gammainc

    y, mu, phi = np.broadcast_arrays(*(np.asarray(a, float) for a in (counts, mean, phi)))
    wide = phi > _POISSON
    some, spread = np.maximum(y, 1.0), np.where(wide, phi, 2.0)
    by_beta = betainc(some, np.maximum(mu / (spread - 1), 1e-300), 1 - 1 / spread)
    return np.asarray(np.where(y < 1, 1.0, np.where(wide, by_beta, gammainc(some, mu))), float)


def after_none(counts: ArrayLike, periods: int, /) -> Array:
    r"""Return the chance of as many events or more in a period that follows others without any.

    .. math:: p = (n + 1)^{-y}

    given how many events there are in all n + 1 periods: of y independent events each falls into the last
    with chance 1/(n + 1), when all periods are Poisson with one mean.

    Parameters
    ----------
    counts : array_like
        y, 0 or more.
    periods : int
        n, those without events.

    Returns
    -------
    ndarray
        In the shape of y.

    References
    ----------
    Przyborowski & Wilenski (1940), Biometrika 31, 313–323.

    Examples
    --------
    >>> after_none([0, 1, 3], 9).round(3).tolist()
    [1.0, 0.1, 0.001]
    """
    return np.asarray((periods + 1.0) ** -np.asarray(counts, float))


def quantile(q: float, mean: ArrayLike, phi: ArrayLike = 1.0) -> Array:
    """Return the least count y with P(Y ≤ y) ≥ q; NaN where the mean is missing or too large for the law.

    Parameters
    ----------
    q : float
        Between 0 and 1.
    mean, phi : array_like
        As for :func:`at_least`.

    Returns
    -------
    ndarray
        In the broadcast shape.

    Raises
    ------
    OptionError
        A q that is not between 0 and 1.

    Examples
    --------
    >>> quantile(0.99, [2.0, 60.0, 60.0], [1.0, 1.0, 2.0]).tolist()
    [6.0, 79.0, 88.0]
    """
    within_0_1("q", q)
    mu, phi = np.broadcast_arrays(np.asarray(mean, float), np.asarray(phi, float))
    known = np.isfinite(mu) & np.isfinite(phi)
    mu, phi = np.where(known, mu, 1.0), np.where(known, phi, 1.0)
    low, high = np.full(mu.shape, -1.0), np.ceil(mu + 1)  # P(Y ≤ low) < q ≤ P(Y ≤ high)
    while (short := np.isfinite(high) & (1 - at_least(high + 1, mu, phi) < q)).any():
        with np.errstate(over="ignore"):
            high = np.where(short, 2 * high + 1, high)
    while True:
        middle = np.floor(low + (high - low) / 2)
        between = (low < middle) & (middle < high)  # beyond 2⁵³ numbers lie further apart than one count
        if not between.any():
            break
        enough = 1 - at_least(middle + 1, mu, phi) >= q
        low, high = np.where(between & ~enough, middle, low), np.where(between & enough, middle, high)
    return np.asarray(np.where(known & np.isfinite(high), high, np.nan), float)
