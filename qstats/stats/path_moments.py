r"""Moments of the items of a path model: of complete answers, of answers with gaps, of resamples.

Letters: x answers (n rows, p items), w weights of rows, o whether an answer was given, m means,
S covariances with denominator Σw, so that a weight of two is the same as a row written twice.

References
----------
Little, Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., ch. 3 and 11.
Kish (1965), Survey Sampling, 11.7, for the effective sample size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, whole_number

Array = NDArray[np.float64]
Flag = NDArray[np.bool_]

Missing = Literal["raise", "casewise", "mean", "pairwise", "em"]

#: Numbers of one block of work: 2 MB of doubles stay in the cache.
BLOCK: Final = 1 << 18
#: Blocks of products that are kept between chunks of replicates, and not made again.
KEPT: Final = 32
#: A variance below this share of the second moment is rounding: the item does not vary.
ROUNDING: Final = 1e-12


class Moments(NamedTuple):
    """Means and covariances, and how they came about."""

    mean: Array  #: (p,), or (B, p)
    covariance: Array  #: (p, p), or (B, p, p)
    n: int  #: rows used
    n_eff: float  #: (Σw)²/Σw² of the rows used
    missing: Missing  #: what was done about gaps
    gaps: int  #: answers not given, in all rows
    dropped: int  #: rows left out
    iterations: int  #: rounds of EM


def moments(
    X: ArrayLike,
    w: ArrayLike | None = None,
    *,
    missing: Missing = "raise",
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> Moments:
    r"""Return weighted means and covariances of the items.

    .. math:: m_j = \sum_i w_i x_{ij} \Big/ \sum_i w_i, \qquad
              S_{jk} = \sum_i w_i (x_{ij} - m_j)(x_{ik} - m_k) \Big/ \sum_i w_i

    Where answers are missing (NaN):

    - ``raise`` refuses; ``casewise`` leaves out the rows with a gap;
    - ``mean`` puts the mean of the item's answers, so variances and correlations come out too small;
    - ``pairwise`` takes each covariance over the rows with both answers, about the means of those rows,
      and refuses a matrix that is not positive semidefinite;
    - ``em`` are the maximum likelihood moments under normality, answers missing at random.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    w : array_like, shape (n,), optional
        Weights, not negative. Default: 1 each.
    missing
        As above.
    tolerance : float
        EM stops when no mean changes by more than this share of a standard deviation, and no
        covariance by more than this share of the product of two.
    max_iterations : int
        Rounds of EM before it is given up.

    Returns
    -------
    Moments

    Raises
    ------
    DataError
        A gap under ``raise``; negative or no weight; fewer than two rows left; an item, or a pair of
        items, without answers; pairwise covariances that are not those of any answers; EM that does
        not settle.

    Examples
    --------
    >>> moments([[1, 2], [3, 2], [5, 5]], [1, 1, 2]).mean.tolist()
    [3.5, 3.5]
    >>> moments([[1, 2], [3, float("nan")], [5, 5]], missing="casewise").n
    2
    """
    one_of("missing", missing, get_args(Missing))
    real_number("tolerance", tolerance, above=0)
    whole_number("max_iterations", max_iterations, least=1)
    x = np.asarray(X, float)
    weight = np.ones(len(x)) if w is None else np.asarray(w, float)
    _refuse_weights(x, weight)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = bool(np.isfinite(x.sum()))
    o = np.ones(x.shape, bool) if whole else ~np.isnan(x)
    gaps = 0 if whole else int(np.count_nonzero(~o))
    used = weight > 0
    if not whole:
        _refuse_infinities(x)
        if missing == "raise":
            _refuse_gaps(x)
        used &= o.all(1) if missing == "casewise" else o.any(1)
    if not used.all():
        x, o, weight = x[used], o[used], weight[used]
    _refuse_emptiness(o, weight)
    rounds = 0
    if gaps == 0 or missing == "casewise":
        m, S = _complete(x, weight)
    elif missing == "mean":
        m = np.nansum(weight[:, None] * x, 0) / (weight @ o)
        m, S = _complete(np.where(o, x, m), weight)
    elif missing == "pairwise":
        m, S = _pairwise(x, o, weight)
    else:
        m, S, rounds = _em(x, o, weight, tolerance, max_iterations)
    for j in np.flatnonzero(np.diagonal(S) <= ROUNDING**2 * m**2):
        if np.nanmax(x[:, j]) == np.nanmin(x[:, j]):
            S[j] = S[:, j] = 0.0
    n_eff = float(weight.sum() ** 2 / (weight @ weight))
    return Moments(m, S, len(x), n_eff, missing, gaps, int(np.count_nonzero(~used)), rounds)


def _refuse_weights(x: Array, w: Array) -> None:
    """Raise on shapes that do not suit, and on weights that are none."""
    if x.ndim != 2 or w.shape != (len(x),):
        raise DataError(f"answers of shape {x.shape} and weights of shape {w.shape} do not suit each other")
    if not (np.isfinite(w).all() and (w >= 0).all()):
        bad = np.flatnonzero(~(np.isfinite(w) & (w >= 0)))
        raise DataError(
            f"{bad.size} weights are negative or no number; the first is {w[bad[0]]} in row {bad[0]}"
        )


def _refuse_infinities(x: Array) -> None:
    """Raise when an answer is infinite, with the row."""
    if np.isinf(x).any():
        raise DataError(
            f"{np.count_nonzero(np.isinf(x))} answers are infinite; the first in row "
            f"{np.flatnonzero(np.isinf(x).any(1))[0]}"
        )


def _refuse_gaps(x: Array) -> None:
    """Raise when an answer is missing, with the items and counts."""
    counts = np.isnan(x).sum(0)
    if counts.any():
        where = {j: g for j, g in enumerate(counts.tolist()) if g}
        raise DataError(
            f"{counts.sum()} answers are missing (item: count {where}); say how to treat them:"
            " missing='casewise', 'mean', 'pairwise' or 'em'"
        )


def _refuse_emptiness(o: Flag, w: Array) -> None:
    """Raise when there is nothing to take moments of."""
    if len(w) < 2:
        raise DataError(f"{len(w)} rows with weight are left; moments need two")
    if not o.any(0).all():
        raise DataError(f"no answer at all to the items {np.flatnonzero(~o.any(0)).tolist()}; leave them out")


def _complete(x: Array, w: Array) -> tuple[Array, Array]:
    """Return mean and covariance of answers without gaps, about a first mean that is then corrected."""
    total = w.sum()
    m = w @ x / total
    d = x - m
    rest = w @ d / total
    if (w == w[0]).all():
        S = d.T @ d / len(x)
    else:
        d *= np.sqrt(w)[:, None]
        S = d.T @ d / total
    return m + rest, S - np.outer(rest, rest)


def _pairwise(x: Array, o: Flag, w: Array) -> tuple[Array, Array]:
    r"""Return means of each item and covariances over the rows that have both answers."""
    centre = np.nansum(w[:, None] * x, 0) / (w @ o)
    d = np.where(o, x - centre, 0.0)
    seen = np.asarray(o, float)
    N = (seen * w[:, None]).T @ seen
    if not (N > 0).all():
        j, k = np.argwhere(~(N > 0))[0]
        raise DataError(f"no row answers both item {j} and item {k}: pairwise covariances do not exist")
    first = (d * w[:, None]).T @ seen / N
    S = (d * w[:, None]).T @ d / N - first * first.T
    s = np.sqrt(np.diagonal(S))
    lowest = float(np.linalg.eigvalsh(S / np.where(s > 0, np.outer(s, s), 1.0))[0])
    if lowest < -1e-12:
        raise DataError(
            f"pairwise correlations have the eigenvalue {lowest:.3g}: no answers have these covariances;"
            " use missing='em' or 'casewise'"
        )
    return centre, (S + S.T) / 2


def _em(x: Array, o: Flag, w: Array, tolerance: float, limit: int) -> tuple[Array, Array, int]:
    """Return the maximum likelihood moments of normal answers with gaps (Little, Rubin, 11.2)."""
    m = np.nansum(w[:, None] * x, 0) / (w @ o)
    m, S = _complete(np.where(o, x, m), w)
    if not (np.diagonal(S) > 0).all():
        return m, S, 0
    patterns, group = np.unique(o, axis=0, return_inverse=True)
    rows = [np.flatnonzero(group.ravel() == g) for g in range(len(patterns))]
    for t in range(1, limit + 1):
        filled, extra = x.copy(), np.zeros_like(S)
        for seen, own in zip(patterns, rows, strict=True):
            if seen.all():
                continue
            gap = ~seen
            slope = np.linalg.lstsq(S[np.ix_(seen, seen)], S[np.ix_(seen, gap)], rcond=None)[0]
            filled[np.ix_(own, gap)] = m[gap] + (x[np.ix_(own, seen)] - m[seen]) @ slope
            rest = S[np.ix_(gap, gap)] - S[np.ix_(gap, seen)] @ slope
            extra[np.ix_(gap, gap)] += w[own].sum() * rest
        new, cov = _complete(filled, w)
        cov = cov + extra / w.sum()
        s = np.sqrt(np.diagonal(S))
        change = max(np.abs((new - m) / s).max(), np.abs((cov - S) / np.outer(s, s)).max())
        m, S = new, (cov + cov.T) / 2
        if change <= tolerance:
            return m, S, t
    raise DataError(f"EM still changes by {change:.2g} after {limit} rounds (tolerance {tolerance:g})")


def _products(x: Array) -> Array:
    """Return items and products of two items (n, p + p(p + 1)/2): what resampled moments add up."""
    j, k = np.triu_indices(x.shape[1])
    return np.concatenate([x, x[:, j] * x[:, k]], axis=1)


def _unpack(sums: Array, total: Array, centre: Array) -> tuple[Array, Array]:
    """Return means (p, B) and covariances (p, p, B) from sums of products about `centre`.

    Parameters
    ----------
    sums : ndarray, shape (p + p(p + 1)/2, B)
    total : ndarray, shape (B,)
        Sums of weights; NaN comes out where it is not positive.
    centre : ndarray, shape (p,)
    """
    p = len(centre)
    scaled = sums / np.where(total > 0, total, np.nan)
    m, packed = scaled[:p], scaled[p:]
    at = np.zeros((p, p), np.intp)
    j, k = np.triu_indices(p)
    at[j, k] = at[k, j] = np.arange(j.size)
    S = packed[at]
    S -= m[:, None] * m
    own = np.arange(p)
    S[own, own] = np.where(S[own, own] <= ROUNDING * packed[at[own, own]], 0.0, S[own, own])
    return m + centre[:, None], S


def resampled(
    X: ArrayLike, weights: ArrayLike, *, missing: Missing = "raise", chunk: int = 256
) -> Iterator[tuple[Array, Array]]:
    r"""Yield means (p, B') and covariances (p, p, B') of chunks of replicates, the replicates last.

    .. math:: \sum_i w_{ib}\,(x_{ij}, x_{ij} x_{ik}) = (\text{products})'(\text{weights})

    One matrix product a chunk, over blocks of rows, so that memory stays bounded whatever n is. Gaps
    are treated again in every replicate, as :func:`moments` does it, one replicate at a time unless
    rows are just left out. A replicate without moments is NaN.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers.
    weights : array_like, shape (n, B)
        Replicate weights of any scheme and type (counts of a byte do).
    missing : {"raise", "casewise", "mean", "pairwise", "em"}
        See :func:`moments`.
    chunk : int
        Replicates at a time; the results do not depend on it but for rounding.

    Yields
    ------
    mean : ndarray, shape (p, B')
    covariance : ndarray, shape (p, p, B')

    Raises
    ------
    DataError
        Weights of another number of rows; a gap under ``raise``.
    OptionError
        No such treatment of gaps; a `chunk` that is none.

    Examples
    --------
    >>> X, counts = [[1, 2], [3, 2], [5, 5]], [[1, 2], [1, 1], [1, 0]]
    >>> mean, S = next(resampled(X, counts))
    >>> mean.round(3).tolist(), S.shape
    ([[3.0, 1.667], [3.0, 2.0]], (2, 2, 2))
    """
    one_of("missing", missing, get_args(Missing))
    whole_number("chunk", chunk, least=1)
    x, W = np.asarray(X, float), np.asarray(weights)
    if W.ndim != 2 or len(W) != len(x):
        raise DataError(f"replicate weights of shape {W.shape} do not suit {len(x)} rows: one column each")
    whole = ~np.isnan(x).any(1)
    if missing not in ("raise", "casewise") and not whole.all():
        yield from _one_by_one(x, W, missing, chunk)
        return
    if missing == "raise":
        _refuse_gaps(x)
    x, W = (x, W) if whole.all() else (x[whole], W[whole])
    centre = x.mean(0)
    rows = max(1, BLOCK // (x.shape[1] * (x.shape[1] + 3) // 2))
    blocks = [slice(i, i + rows) for i in range(0, len(x), rows)]
    kept = [_products(x[own] - centre) for own in blocks] if len(blocks) <= KEPT else None
    for b in range(0, W.shape[1], chunk):
        sums, total = np.zeros(1), np.zeros(1)
        for i, own in enumerate(blocks):
            part = np.ascontiguousarray(W[own, b : b + chunk], dtype=float)
            sums = sums + (kept[i] if kept else _products(x[own] - centre)).T @ part
            total = total + part.sum(0)
        yield _unpack(sums, total, centre)


def _one_by_one(x: Array, W: NDArray[Any], missing: Missing, chunk: int) -> Iterator[tuple[Array, Array]]:
    """Yield chunks of moments of answers with gaps, each replicate by itself."""
    p = x.shape[1]
    for b in range(0, W.shape[1], chunk):
        part = W[:, b : b + chunk]
        m, S = np.full((p, part.shape[1]), np.nan), np.full((p, p, part.shape[1]), np.nan)
        for r in range(part.shape[1]):
            try:
                found = moments(x, part[:, r], missing=missing)
            except DataError:
                continue
            m[:, r], S[..., r] = found.mean, found.covariance
        yield m, S


def left_out(X: ArrayLike, w: ArrayLike | None = None, *, chunk: int = 256) -> Iterator[tuple[Array, Array]]:
    """Yield the moments of all rows but one, for each row: what the jackknife needs.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers without gaps.
    w : array_like, shape (n,), optional
        Weights of the rows.
    chunk : int
        Rows at a time.

    Yields
    ------
    mean : ndarray, shape (p, rows)
    covariance : ndarray, shape (p, p, rows)

    Raises
    ------
    OptionError
        A `chunk` that is none.

    Examples
    --------
    >>> mean, _ = next(left_out([[1, 2], [3, 2], [5, 5]]))
    >>> mean[0].tolist()
    [4.0, 3.0, 2.0]
    """
    whole_number("chunk", chunk, least=1)
    x = np.asarray(X, float)
    weight = np.ones(len(x)) if w is None else np.asarray(w, float)
    centre = weight @ x / weight.sum()
    d = x - centre
    blocks = range(0, len(x), chunk)
    whole = sum(_products(d[i : i + chunk]).T @ weight[i : i + chunk] for i in blocks)
    for i in blocks:
        own = weight[i : i + chunk]
        yield _unpack(
            np.asarray(whole)[:, None] - _products(d[i : i + chunk]).T * own, weight.sum() - own, centre
        )
