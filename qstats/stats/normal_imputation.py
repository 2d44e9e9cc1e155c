r"""Imputation under a multivariate normal distribution: EM, and several imputations at random.

Each unit is :math:`x_c \sim N(\mu, \Sigma)`; which values are missing may depend on those observed, not
on those missing. With o what a unit has and m what it lacks,

.. math:: E(x_m \mid x_o) = \mu_m + \Sigma_{mo}\Sigma_{oo}^{-1}(x_o - \mu_o), \qquad
          V(x_m \mid x_o) = \Sigma_{mm} - \Sigma_{mo}\Sigma_{oo}^{-1}\Sigma_{om}

References
----------
Dempster, Laird and Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm, JRSS B 39.
Little and Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., sections 10.2 and 11.2.
Honaker and King (2010), What to do about missing values in time-series cross-section data, AJPS 54.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, whole_number
from qstats.stats import moments

Array = NDArray[np.float64]
Source = NDArray[np.int8]


def em(x: ArrayLike, *, max_rounds: int = 2000, tolerance: float = 1e-10) -> tuple[Array, Array]:
    r"""Return the maximum likelihood mean and covariance of indicators with holes.

    E-step: the missing values and their squares are replaced by their expectations given the observed.
    M-step:

    .. math:: \mu = \frac1n\sum_c \hat x_c, \qquad
              \Sigma = \frac1n\sum_c (\hat x_c \hat x_c' + C_c) - \mu\mu'

    with C the conditional covariance of what is missing.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        A unit without any value adds nothing.
    max_rounds : int
        After which it is an error.
    tolerance : float
        Largest change of a standardised parameter at which the rounds end.

    Returns
    -------
    mean : ndarray, shape (…, 1, indicators)
    covariance : ndarray, shape (…, indicators, indicators)
        Divided by n, as maximum likelihood has it.

    Raises
    ------
    DataError
        An indicator is constant or has fewer than two values, there are no more units than indicators,
        infinite values, or the rounds do not converge.

    Examples
    --------
    >>> mean, covariance = em([[1.0, 2.0], [2.0, 4.5], [3.0, np.nan], [4.0, 8.0]])
    >>> mean.round(3).tolist()
    [[2.5, 5.161]]
    """
    value = _enough(x)
    Q = value.shape[-1]
    mean, covariance = np.empty((*value.shape[:-2], 1, Q)), np.empty((*value.shape[:-2], Q, Q))
    for at in np.ndindex(value.shape[:-2]):
        mean[at], covariance[at] = _rounds(value[at], max_rounds, tolerance)
    return mean, covariance


def conditional_mean(x: Array, mean: Array, covariance: Array) -> Array:
    r"""Return the table with what is missing replaced by its expectation.

    .. math:: E(x_m \mid x_o) = \mu_m + \Sigma_{mo}\Sigma_{oo}^{-1}(x_o - \mu_o)

    Parameters
    ----------
    x : ndarray, shape (…, units, indicators)
    mean, covariance : ndarray, shape (…, 1, indicators), (…, indicators, indicators)
        As :func:`em` returns them.

    Returns
    -------
    ndarray, shape (…, units, indicators)

    Examples
    --------
    2 + (3 − 1) · 2/4:

    >>> mean, covariance = np.array([[1.0, 2.0]]), np.array([[4.0, 2.0], [2.0, 9.0]])
    >>> conditional_mean(np.array([[3.0, np.nan]]), mean, covariance).tolist()
    [[3.0, 3.0]]
    """
    lead = np.broadcast_shapes(x.shape[:-2], mean.shape[:-2])
    filled = np.broadcast_to(x, (*lead, *x.shape[-2:])).copy()
    mean = np.broadcast_to(mean, (*lead, *mean.shape[-2:]))
    covariance = np.broadcast_to(covariance, (*lead, *covariance.shape[-2:]))
    for at in np.ndindex(lead):
        for rows, o, m in _patterns(filled[at]):
            filled[(*at, *np.ix_(rows, m))] = _expected(filled[at], rows, o, m, mean[at][0], covariance[at])[
                0
            ]
    return filled


def multiple(x: ArrayLike, n_imputations: int, *, seed: int | None = None) -> Array:
    r"""Return several tables with their holes filled at random.

    Each imputation takes a bootstrap sample of the units, finds μ and Σ of it by EM, and draws what is
    missing from its conditional distribution; so the tables differ by as much as is not known, the
    parameters included.

    Parameters
    ----------
    x : array_like, shape (units, indicators)
    n_imputations : int
        1 or more.
    seed : int, optional
        The same seed gives the same tables.

    Returns
    -------
    ndarray, shape (n_imputations, units, indicators)
        What was observed is the same in all of them.

    Raises
    ------
    OptionError
        Fewer than one imputation.
    DataError
        As :func:`em`; or bootstrap samples keep leaving a column constant.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys. Honaker and King (2010).

    Examples
    --------
    >>> tables = multiple([[1.0, 2.0], [2.0, 4.5], [3.0, np.nan], [4.0, 8.0], [5.0, 9.0]], 20, seed=1)
    >>> tables.shape, bool(tables[:, 2, 1].std() > 0), float(tables[:, 0, 1].std())
    ((20, 5, 2), True, 0.0)
    """
    value = _enough(x)
    whole_number("n_imputations", n_imputations, least=1)
    if value.ndim != 2:
        raise OptionError(f"x has the shape {value.shape}; one table of units and indicators is needed")
    rng = np.random.default_rng(None if seed is None else [seed, crc32(b"multiple imputation")])
    tables = np.repeat(value[None], n_imputations, axis=0)
    for table in tables:
        mean, covariance = _resampled(value, rng)
        for rows, o, m in _patterns(table):
            centre, spread = _expected(table, rows, o, m, mean[0], covariance)
            root = _root(spread)
            table[np.ix_(rows, m)] = centre + rng.standard_normal((len(rows), len(m))) @ root
    return tables


def _enough(x: ArrayLike) -> Array:
    """Return indicators of which a covariance can be found."""
    value = moments.indicator_array(x)
    flat = ~moments.varied(value)
    if flat.any():
        raise DataError(f"columns {moments.columns(flat)} are constant or empty; leave them out of the EM")
    units, Q = value.shape[-2:]
    if units <= Q:
        raise DataError(f"{units} units cannot give the covariance of {Q} indicators; use fewer indicators")
    return value


def _resampled(value: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the parameters of a bootstrap sample in which every column varies."""
    for _ in range(200):
        sample = value[rng.integers(0, len(value), len(value))]
        if moments.varied(sample).all() and len(np.unique(sample, axis=0)) > value.shape[1]:
            return em(sample, tolerance=1e-6)
    raise DataError(
        "bootstrap samples keep leaving a column constant; there are too few units to impute from"
    )


def _patterns(x: Array) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
    """Return for each pattern of holes the units that have it, what they have, and what they lack."""
    hole = np.isnan(x)
    kinds, which = np.unique(hole, axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [
        (np.flatnonzero(which == k), np.flatnonzero(~kind), np.flatnonzero(kind))
        for k, kind in enumerate(kinds)
        if kind.any()
    ]


def _expected(
    x: Array, rows: NDArray[np.intp], o: NDArray[np.intp], m: NDArray[np.intp], mu: Array, S: Array
) -> tuple[Array, Array]:
    """Return E(x_m | x_o) of the rows and V(x_m | x_o)."""
    s = np.sqrt(np.diag(S))
    R = S / np.outer(s, s)
    inverse = np.linalg.pinv(R[np.ix_(o, o)], rcond=1e-12, hermitian=True)
    regression = inverse @ R[np.ix_(o, m)] / s[o][:, None] * s[m]
    centre = mu[m] + (x[np.ix_(rows, o)] - mu[o]) @ regression
    return centre, S[np.ix_(m, m)] - S[np.ix_(m, o)] @ regression


def _rounds(x: Array, max_rounds: int, tolerance: float) -> tuple[Array, Array]:
    """Run EM on one table, standardised so that units of measurement do not matter."""
    at, scale = moments.mean(x)[0], moments.std(x, ddof=0)[0]
    z = (x - at) / scale
    z = z[~np.isnan(z).all(-1)]
    patterns, full = _patterns(z), np.nan_to_num(z, nan=0.0)
    mu, S = np.zeros(z.shape[1]), np.eye(z.shape[1])
    for _ in range(max_rounds):
        extra = np.zeros_like(S)
        for rows, o, m in patterns:
            full[np.ix_(rows, m)], spread = _expected(z, rows, o, m, mu, S)
            extra[np.ix_(m, m)] += len(rows) * spread
        new_mu = full.mean(0)
        new_S = (full - new_mu).T @ (full - new_mu) / len(full) + extra / len(full)
        change = max(np.abs(new_mu - mu).max(), np.abs(new_S - S).max())
        mu, S = new_mu, new_S
        if change < tolerance:
            return (at + scale * mu)[None], S * np.outer(scale, scale)
    raise DataError(f"EM did not converge in {max_rounds} rounds; the last change was {change:.3g}")


def _root(spread: Array) -> Array:
    """Return R with R'R = spread, also where it is singular."""
    values, vectors = np.linalg.eigh(spread)
    return np.asarray(np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T, float)
