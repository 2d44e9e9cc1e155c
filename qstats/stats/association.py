r"""How indicators hang together: consistency, sampling adequacy, how many dimensions, rank correlations.

Units run along the first axis, indicators along the second.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 4.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, whole_number
from qstats.stats import moments

Array = NDArray[np.float64]
Correlation = Literal["pearson", "spearman", "kendall"]


def cronbach_alpha(x: ArrayLike) -> float:
    r"""Return Cronbach's alpha of raw values; units with a hole are left out.

    .. math:: \alpha = \frac{Q}{Q - 1}\Big(1 - \frac{\sum_q s_q^2}{s_T^2}\Big)

    with :math:`s_T^2` the variance of the sum of the indicators.

    Parameters
    ----------
    x : array_like, shape (units, indicators)

    Returns
    -------
    float
        At most 1; negative where indicators work against each other. NaN for fewer than two indicators or
        where the sum does not vary.

    References
    ----------
    Cronbach (1951), Coefficient alpha and the internal structure of tests, Psychometrika 16.

    Examples
    --------
    >>> round(cronbach_alpha([[1, 2], [2, 3], [3, 5], [4, 4]]), 6)
    0.888889
    """
    value = moments.indicator_array(x)
    whole = value[~np.isnan(value).any(1)]
    Q = whole.shape[1]
    if Q < 2 or len(whole) < 2:
        return float("nan")
    total = whole.sum(1).var(ddof=1)
    return float(Q / (Q - 1) * (1 - whole.var(0, ddof=1).sum() / total)) if total > 0 else float("nan")


class Adequacy(NamedTuple):
    """Kaiser–Meyer–Olkin measures; see :func:`kmo`."""

    overall: float
    each: Array


def kmo(x: ArrayLike) -> Adequacy:
    r"""Return the Kaiser–Meyer–Olkin measure of sampling adequacy.

    .. math:: \mathrm{KMO} = \frac{\sum_{p \ne q} r_{pq}^2}
              {\sum_{p \ne q} r_{pq}^2 + \sum_{p \ne q} a_{pq}^2},
              \qquad a_{pq} = \frac{-v_{pq}}{\sqrt{v_{pp} v_{qq}}},\ V = R^{-1}

    a is the correlation that is left when all other indicators are held; near 1, the indicators have
    factors in common; below 0.5, principal components of them say little.

    Parameters
    ----------
    x : array_like, shape (units, indicators)
        Without holes.

    Returns
    -------
    Adequacy
        ``overall``, and ``each`` with the sums over one p; NaN where nothing is correlated at all.

    Raises
    ------
    DataError
        There are holes, constant columns, or correlations of one.

    References
    ----------
    Kaiser and Rice (1974), Little Jiffy, Mark IV, Educational and Psychological Measurement 34.

    Examples
    --------
    >>> x = np.array([[1, 2, 1], [2, 1, 3], [3, 5, 2], [4, 4, 5], [5, 6, 3]])
    >>> round(kmo(x).overall, 4)
    0.3412
    """
    R = moments.correlations(moments.indicator_array(x))
    if np.isnan(R).any():
        raise DataError(f"columns {moments.columns(np.isnan(np.diag(R))[None])} are constant; leave them out")
    if np.linalg.cond(R) > 1e12:
        raise DataError("some indicators follow from the others exactly; leave one of them out")
    V = np.linalg.inv(R)
    d = np.sqrt(np.diag(V))
    r2, a2 = R**2, (V / np.outer(d, d)) ** 2
    np.fill_diagonal(r2, 0.0)
    np.fill_diagonal(a2, 0.0)
    simple, both = r2.sum(0), r2.sum(0) + a2.sum(0)
    each = np.divide(simple, both, out=np.full(simple.shape, np.nan), where=both > 0)
    whole = float(r2.sum() / (r2.sum() + a2.sum())) if both.sum() > 0 else np.nan
    return Adequacy(whole, np.asarray(each, float))


class Parallel(NamedTuple):
    """Eigenvalues, those of noise, and how many are above; see :func:`parallel_analysis`."""

    eigenvalues: Array
    threshold: Array
    n_components: int


def parallel_analysis(
    x: ArrayLike, *, n_draws: int = 1000, percentile: float = 95.0, seed: int = 0
) -> Parallel:
    r"""Return how many principal components are more than noise.

    Components are kept as long as the eigenvalue of the correlations is above the percentile of those of
    independent normal data of the same size.

    Parameters
    ----------
    x : array_like, shape (units, indicators)
        Without holes.
    n_draws : int
        Tables of noise.
    percentile : float
        Of their eigenvalues, above 0 and below 100.
    seed : int
        Of the noise.

    Returns
    -------
    Parallel

    Raises
    ------
    OptionError
        An option is out of range.

    References
    ----------
    Horn (1965), A rationale and test for the number of factors in factor analysis, Psychometrika 30.

    Examples
    --------
    >>> common = np.random.default_rng(1).standard_normal((60, 1))
    >>> x = common + 0.3 * np.random.default_rng(2).standard_normal((60, 5))
    >>> parallel_analysis(x, n_draws=100).n_components
    1
    """
    real_number("percentile", percentile, above=0, below=100)
    whole_number("n_draws", n_draws, least=1)
    whole_number("seed", seed, least=0)
    value = moments.indicator_array(x)
    found = np.linalg.eigvalsh(moments.correlations(value))[::-1]
    noise = np.random.default_rng(seed).standard_normal((n_draws, *value.shape))
    drawn = np.linalg.eigvalsh(moments.correlations(noise))[:, ::-1]
    threshold = np.percentile(drawn, percentile, axis=0)
    above = found > threshold
    kept = int(above.argmin()) if not above.all() else len(found)
    return Parallel(np.asarray(found, float), np.asarray(threshold, float), kept)


def correlations(x: ArrayLike, method: Correlation = "pearson") -> Array:
    r"""Return the correlations of all pairs, of the units that have both.

    Pearson's r; Spearman's is r of the ranks; Kendall's is

    .. math:: \tau_b = \frac{C - D}{\sqrt{(C + D + T_x)(C + D + T_y)}}

    over pairs of units: concordant, discordant, tied in one only.

    Parameters
    ----------
    x : array_like, shape (units, indicators)
    method : {"pearson", "spearman", "kendall"}

    Returns
    -------
    ndarray, shape (indicators, indicators)

    Raises
    ------
    OptionError
        Another method.

    References
    ----------
    Kendall (1945), The treatment of ties in ranking problems, Biometrika 33.

    Examples
    --------
    >>> x = [[1.0, 1.0], [2.0, 4.0], [3.0, 2.0], [4.0, 8.0]]
    >>> [round(float(correlations(x, how)[0, 1]), 4) for how in ("pearson", "spearman", "kendall")]
    [0.7924, 0.8, 0.6667]
    """
    one_of("method", method, ("pearson", "spearman", "kendall"))
    value = moments.indicator_array(x)
    if method == "pearson":
        return moments.correlations(value, missing="pairwise")
    Q = value.shape[1]
    found = np.eye(Q)
    for p in range(Q):
        for q in range(p):
            both = value[~np.isnan(value[:, [p, q]]).any(1)][:, [p, q]]
            found[p, q] = found[q, p] = _of_pair(both, method)
    return found


def _of_pair(both: Array, method: Correlation) -> float:
    if method == "spearman":
        from scipy.stats import rankdata

        return float(moments.correlations(rankdata(both, axis=0))[0, 1])
    above, below = np.triu_indices(len(both), 1)
    x, y = np.sign(both[above] - both[below]).T
    size = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / size) if size > 0 else float("nan")
