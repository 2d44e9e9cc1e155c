r"""Replicate weights: jackknife, balanced half-samples, rescaled bootstrap.

A replicate is a factor on the sampling weight of each unit, the same for all its elements. The
variance of any estimate is then that of its replicates: :mod:`qstats.stats.replicate`.

References
----------
Wolter (2007), Introduction to Variance Estimation, 2nd ed., chapters 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from qstats.errors import DesignError, real_number, whole_number
from qstats.stats.hadamard import hadamard

if TYPE_CHECKING:
    from qstats.stats.sampling import Sample

Array = NDArray[np.float64]
Index = NDArray[np.intp]

BLOCK = 4_000_000
"""Numbers in a dense block of factors: 32 MB."""


class Replicates(NamedTuple):
    """B sets of weights.

    Attributes
    ----------
    change : ndarray or csc_array, shape (U, B)
        Factor on the sampling weight of each unit, less one. Sparse for the jackknife, which
        leaves most weights alone.
    scale : float
        a.
    rscales : ndarray, shape (B,)
        r.
    mse : bool
        Whether replicates deviate from the estimate of the full sample, or from their own mean.
    """

    change: Array | csc_array
    scale: float
    rscales: Array
    mse: bool

    @property
    def factors(self) -> Array:
        """The factors, dense, shape (U, B)."""
        return 1.0 + _dense(self.change)


def jk1(sample: Sample, *, mse: bool = True) -> Replicates:
    r"""Return the delete-one jackknife of an unstratified sample of m PSUs.

    .. math:: f_{jb} = \frac{m}{m-1}\,[j \ne b], \qquad a = (1-f)\frac{m-1}{m}

    Parameters
    ----------
    sample : Sample
    mse : bool
        See :class:`Replicates`.

    Returns
    -------
    Replicates
        B = m.

    Raises
    ------
    DesignError
        More than one stratum, fewer than two PSUs, or a design that PSUs alone do not describe.

    Examples
    --------
    >>> from qstats.stats.sampling import Sample
    >>> found = jk1(Sample(np.array([0, 0, 0]), np.array([np.inf])))
    >>> found.factors[:, 0].tolist(), round(found.scale, 4)
    ([0.0, 1.5, 1.5], 0.6667)
    """
    if sample.population.size != 1:
        raise DesignError(f"jk1 is for one stratum; the sample has {sample.population.size}: take jkn")
    stratified = jkn(sample, mse=mse)
    return stratified._replace(scale=float(stratified.rscales[0]), rscales=np.ones(stratified.rscales.size))


def jkn(sample: Sample, *, mse: bool = True) -> Replicates:
    r"""Return the stratified jackknife: a replicate without each PSU in turn.

    .. math:: f_{jb} = \begin{cases} 0 & j = b \\ m_h/(m_h-1) & j \ne b \text{ in its stratum } h \\
              1 & \text{elsewhere} \end{cases}
              \qquad a = 1,\; r_b = (1-f_h)\frac{m_h-1}{m_h}

    For a total this is the linearised variance itself. The only PSU of a stratum taken whole is
    left alone.

    Parameters
    ----------
    sample : Sample
    mse : bool
        See :class:`Replicates`.

    Returns
    -------
    Replicates
        B is the number of PSUs.

    Raises
    ------
    DesignError
        A stratum with one PSU out of several, or a design that PSUs alone do not describe.

    References
    ----------
    Wolter (2007), section 4.5.

    Examples
    --------
    >>> from qstats.stats.sampling import Sample
    >>> three = Sample(np.array([0, 0, 0]), np.array([np.inf]))
    >>> jkn(three).factors.tolist()
    [[0.0, 1.5, 1.5], [1.5, 0.0, 1.5], [1.5, 1.5, 0.0]]
    """
    m, f = _strata(sample)
    _refuse_singletons(m, f, "jkn")
    h = np.asarray(sample.stratum, np.intp)
    order = np.argsort(h, kind="stable")
    first = np.cumsum(m) - m
    size = m[h]
    column = np.repeat(np.arange(h.size), size)
    step = np.arange(column.size) - np.repeat(np.cumsum(size) - size, size)
    row = order[first[h[column]] + step]
    gain = np.divide(1.0, size - 1, out=np.zeros(h.size), where=size > 1)
    values = np.where(row == column, np.where(size > 1, -1.0, 0.0)[column], gain[column])
    change = csc_array((values, (row, column)), shape=(h.size, h.size))
    rscales = np.where(size > 1, (1 - f[h]) * (size - 1) / size, 0.0)
    return Replicates(_by_unit(change, sample), 1.0, rscales, mse)


def brr(sample: Sample, *, fay: float = 0.0, mse: bool = True) -> Replicates:
    r"""Return balanced repeated replications of a sample of two PSUs a stratum.

    .. math:: f_{jb} = 1 \pm (1-\varepsilon)\sqrt{1-f_h}\,H_{b,h+1}, \qquad
              a = \frac{1}{B(1-\varepsilon)^2}

    + for the first PSU of a stratum and − for the second; H is a Hadamard matrix of order B > the number of
    strata, whose constant column is not used, so that replicates balance in full. With ε > 0
    (Fay) no PSU loses all its weight, and small domains keep some in every replicate. Sampling
    without replacement enters by the root, and linear statistics then have their exact
    linearised variance.

    Parameters
    ----------
    sample : Sample
    fay : float
        ε, 0 ≤ ε < 1.
    mse : bool
        See :class:`Replicates`.

    Returns
    -------
    Replicates
        B is the order of H.

    Raises
    ------
    OptionError
        `fay` is out of range.
    DesignError
        A stratum does not have two PSUs, or a design that PSUs alone do not describe.

    References
    ----------
    McCarthy (1969), Pseudo-replication: half samples, Review of the ISI 37. Judkins (1990), Fay's
    method for variance estimation, Journal of Official Statistics 6.

    Examples
    --------
    >>> from qstats.stats.sampling import Sample
    >>> pair = Sample(np.array([0, 0]), np.array([np.inf]))
    >>> brr(pair, fay=0.5).factors.tolist()
    [[1.5, 0.5], [0.5, 1.5]]
    """
    real_number("fay", fay, least=0, below=1)
    m, f = _strata(sample)
    for s in np.flatnonzero(m != 2):
        raise DesignError(f"BRR needs two PSUs a stratum; stratum {s} has {m[s]}: take jkn or bootstrap")
    H = hadamard(m.size + 1)
    B = H.shape[0]
    h = np.asarray(sample.stratum, np.intp)
    sign = np.where(np.arange(h.size) == np.unique(h, return_index=True)[1][h], 1.0, -1.0)
    change = (sign * (1 - fay) * np.sqrt(1 - f[h]))[:, None] * H[:, 1 + h].T
    return Replicates(_by_unit(change, sample), 1 / (B * (1 - fay) ** 2), np.ones(B), mse)


def bootstrap(sample: Sample, n: int, *, seed: Sequence[int], first: int = 0, mse: bool = True) -> Replicates:
    r"""Return the rescaled bootstrap: :math:`m_h - 1` PSUs drawn with replacement from the :math:`m_h`.

    .. math:: f_{jb} = 1 - \sqrt{1-f_h} + \sqrt{1-f_h}\,\frac{m_h}{m_h-1}\,t_{jb}

    with t the times that PSU j is drawn, :math:`a = 1/B` about the estimate and
    :math:`1/(B-1)` about the mean of the replicates. Over all draws the variance of a total is
    its linearised variance.

    Parameters
    ----------
    sample : Sample
        With its PSUs in an order that is always the same (sorted keys), since draws go by position.
    n : int
        B.
    seed : sequence of int
        Words that name the stream, e.g. ``(seed, crc32(b"bootstrap"))``. Replicate b draws from
        ``default_rng([*seed, b])``, so it is the same in however many parts they are made.
    first : int
        Number of the first replicate.
    mse : bool
        See :class:`Replicates`.

    Returns
    -------
    Replicates
        Its scale is that of n replicates.

    Raises
    ------
    OptionError
        Fewer than two replicates.
    DesignError
        A stratum with one PSU out of several, or a design that PSUs alone do not describe.

    References
    ----------
    Rao and Wu (1988), Resampling inference with complex survey data, JASA 83. Rao, Wu and Yue
    (1992), Some recent work on resampling methods for complex surveys, Survey Methodology 18.

    Examples
    --------
    Two of three are drawn, the factors add up to 3:

    >>> from qstats.stats.sampling import Sample
    >>> three = Sample(np.array([0, 0, 0]), np.array([np.inf]))
    >>> found = bootstrap(three, 4, seed=(1,))
    >>> found.factors.sum(axis=0).tolist(), found.scale
    ([3.0, 3.0, 3.0, 3.0], 0.25)
    """
    whole_number("n", n, least=2)
    m, f = _strata(sample)
    _refuse_singletons(m, f, "bootstrap")
    h = np.asarray(sample.stratum, np.intp)
    order, start = np.argsort(h, kind="stable"), np.cumsum(m) - m
    drawing = np.repeat(np.arange(m.size), np.maximum(m - 1, 0))
    times = np.zeros((h.size, n))
    for b in range(n):
        rng = np.random.default_rng([*seed, first + b])
        drawn = order[start[drawing] + rng.integers(0, m[drawing])]
        times[:, b] = np.bincount(drawn, minlength=h.size)
    root = np.where(m > 1, np.sqrt(1 - f), 0.0)
    gain = np.divide(m, m - 1.0, out=np.ones(m.size), where=m > 1)
    change = root[h][:, None] * (gain[h][:, None] * times - 1)
    return Replicates(_by_unit(change, sample), 1 / n if mse else 1 / (n - 1), np.ones(n), mse)


def degrees_of_freedom(factors: Array) -> int:
    r"""Return what the variance of any estimate can rest on, :math:`\operatorname{rank} F - 1`.

    Parameters
    ----------
    factors : ndarray, shape (U, B)
        Factors, or weights of replicates.

    Returns
    -------
    int

    Examples
    --------
    >>> degrees_of_freedom(np.array([[0.0, 1.5, 1.5], [1.5, 0.0, 1.5], [1.5, 1.5, 0.0]]))
    2
    """
    smaller = factors if factors.shape[0] >= factors.shape[1] else factors.T
    return int(np.linalg.matrix_rank(smaller)) - 1


def blocks(replicates: Replicates, units: int) -> Iterator[tuple[int, Array]]:
    """Yield the factors of all replicates, as many at a time as stay within :data:`BLOCK` numbers.

    Parameters
    ----------
    replicates : Replicates
    units : int
        U.

    Returns
    -------
    iterator of (int, ndarray)
        Number of the first replicate of a block, and its factors, shape (U, ≤ B).

    Raises
    ------
    DesignError
        Replicates of another number of units.

    Examples
    --------
    >>> half = Replicates(np.array([[-1.0, 1.0], [1.0, -1.0]]), 0.5, np.ones(2), mse=True)
    >>> [(start, F.tolist()) for start, F in blocks(half, 2)]
    [(0, [[0.0, 2.0], [2.0, 0.0]])]
    """
    width = max(1, BLOCK // max(1, units))
    B = replicates.rscales.size
    if replicates.change.shape != (units, B):
        raise DesignError(
            f"replicates of shape {replicates.change.shape} do not fit {units} units, {B} scales"
        )
    for start in range(0, B, width):
        yield start, 1.0 + _dense(replicates.change[:, start : start + width])


def _strata(sample: Sample) -> tuple[Index, Array]:
    """Return m and f of each stratum; raise where PSUs alone do not describe the sample."""
    h = np.asarray(sample.stratum, np.intp)
    population = np.asarray(sample.population, float)
    m = np.bincount(h, minlength=population.size)
    f = np.divide(m, population, out=np.zeros(m.size), where=m > 0)
    for s in np.flatnonzero(~(f <= 1)):
        raise DesignError(f"stratum {s} has {m[s]} PSUs in the sample, {population[s]:g} in the population")
    if sample.count is not None and np.any(np.asarray(sample.count) != 1):
        raise DesignError("units that stand for several elements have no replicates; name the PSUs")
    if sample.psu is not None and sample.subpopulation is not None and (f > 0).any():
        k = np.bincount(sample.psu, minlength=h.size)
        if (k < np.asarray(sample.subpopulation, float))[f[h] > 0].any():
            raise DesignError(
                "replicates of PSUs with a finite population of the first stage miss the variance of the "
                "second; leave out the finite population (conservative), or linearise"
            )
    return m, f


def _refuse_singletons(m: Index, f: Array, method: str) -> None:
    for s in np.flatnonzero((m == 1) & (f < 1)):
        raise DesignError(
            f"stratum {s} has one PSU, so {method} cannot tell its variance; join it with another stratum"
        )


def _by_unit(change: Array | csc_array, sample: Sample) -> Array | csc_array:
    if sample.psu is None:
        return change
    return change[sample.psu] if isinstance(change, np.ndarray) else csc_array(csr_array(change)[sample.psu])


def _dense(change: Array | csc_array) -> Array:
    return change if isinstance(change, np.ndarray) else np.asarray(change.toarray(), float)
