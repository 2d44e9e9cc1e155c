r"""The rounds of a path model on a stack of correlation matrices, the replicates along the last axis.

The last axis is the long one, so every operation runs over replicates at once; a single fit is a stack
of one. Items of a block stand together here (:mod:`qstats.stats.pathmodel` sees to that).

References
----------
Lohmöller (1989), Latent Variable Path Modeling with Partial Least Squares, ch. 2.
"""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qstats.stats.path_specification import Fitting, Scheme

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

#: A pivot of a correlation matrix below this counts as zero: 1 − R² of one variable on the others.
SINGULAR: Final = 1e-10
#: Below this many replicates two operations on everything are faster than two a block.
FEW: Final = 8


class Rounds(NamedTuple):
    """Where the rounds of B replicates ended."""

    weights: Array  #: (p, B) of standardised items; NaN where a matrix was singular
    iterations: Index  #: (B,)
    change: Array  #: (C, B) largest change of a weight of the block in the last round


class Structure(NamedTuple):
    """A model in the order of its blocks, and what its rounds need of it."""

    starts: Index  #: (C,) first item of each block
    own: tuple[slice, ...]  #: (C,) where the items of each block stand
    block: Index  #: (p,) construct of each item
    formed: tuple[int, ...]  #: constructs in mode B
    paths: Flag  #: (C, C) row depends on column
    dependent: Index  #: (D,) constructs with predictors
    predictors: Index  #: (D, K) of each, padded with itself
    known: Array  #: (D, K, 1) 1 where it is no padding
    place: tuple[Index, Index]  #: (paths,) where each path stands in known
    path: tuple[Index, Index]  #: (paths,) and where in paths
    pair: Array  #: (D, K, K, 1) 1 where both are none
    pad: Array  #: (D, K, K, 1) 1 on the diagonal of padding
    near: Array  #: (C, C, 1) 1 between neighbours
    after: Array  #: (C, C, 1) 1 where the column depends on the row


def structure(block: Index, paths: Flag, modes: tuple[str, ...]) -> Structure:
    """Return the structure of a model whose `block` (p,) is sorted.

    Parameters
    ----------
    block : ndarray of int, shape (p,)
        Construct of each item, rising.
    paths : ndarray of bool, shape (C, C)
        Row depends on column.
    modes : tuple of str, length C
        "A" or "B".

    Returns
    -------
    Structure

    Examples
    --------
    >>> form = structure(np.array([0, 0, 1]), np.array([[False, False], [True, False]]), ("A", "A"))
    >>> form.starts.tolist(), form.dependent.tolist()
    ([0, 2], [1])
    """
    C = len(paths)
    dependent = np.flatnonzero(paths.any(1))
    K = int(paths.sum(1).max())
    predictors = np.repeat(dependent[:, None], K, axis=1)
    known = np.zeros(predictors.shape, bool)
    for d, c in enumerate(dependent):
        those = np.flatnonzero(paths[c])
        predictors[d, : those.size], known[d, : those.size] = those, True
    starts = np.searchsorted(block, np.arange(C))
    own = tuple(slice(i, j) for i, j in itertools.pairwise([*starts.tolist(), len(block)]))
    formed = tuple(c for c in range(C) if modes[c] == "B")
    pair = np.asarray(known[:, :, None] & known[:, None, :], float)
    pad = np.eye(K) * ~known[:, None, :]
    row, slot = np.nonzero(known)
    return Structure(
        starts=starts,
        own=own,
        block=block,
        formed=formed,
        paths=paths,
        dependent=dependent,
        predictors=predictors,
        known=known[..., None].astype(float),
        place=(row, slot),
        path=(dependent[row], predictors[row, slot]),
        pair=pair[..., None],
        pad=pad[..., None],
        near=(paths | paths.T)[..., None].astype(float),
        after=paths.T[..., None].astype(float),
    )


def solve(A: Array, b: Array) -> tuple[Array, Array]:
    """Return x of A x = b for positive definite A of unit diagonal, and the smallest pivot.

    Parameters
    ----------
    A : ndarray, shape (…, k, k, B)
    b : ndarray, shape (…, k, m, B)

    Returns
    -------
    x : ndarray, shape (…, k, m, B)
        NaN where a pivot is below :data:`SINGULAR`.
    pivot : ndarray, shape (…, B)

    Notes
    -----
    Gauss–Jordan elimination over the whole stack at once; positive definite matrices need no pivoting.

    Examples
    --------
    >>> x, pivot = solve(np.array([[1, 0.5], [0.5, 1]])[..., None], np.array([[1.0], [2.0]])[..., None])
    >>> x.ravel().tolist(), pivot.tolist()
    ([0.0, 2.0], [0.75])
    """
    k = A.shape[-2]
    M = np.concatenate([A, b], axis=-2)
    pivots = np.empty((k, *A.shape[:-3], A.shape[-1]))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i in range(k):
            pivots[i] = M[..., i, i, :]
            row = M[..., i, i:, :] / pivots[i][..., None, :]
            M[..., i:, :] -= M[..., :, i, None, :] * row[..., None, :, :]
            M[..., i, i:, :] = row
    pivot = pivots.min(0)
    return np.where((pivot > SINGULAR)[..., None, None, :], M[..., k:, :], np.nan), pivot


def inverse(R: Array) -> tuple[Array, Array]:
    """Return the inverse of each (k, k, B) correlation matrix, and its smallest pivot (B,).

    Parameters
    ----------
    R : ndarray, shape (k, k, B)

    Returns
    -------
    inverse : ndarray, shape (k, k, B)
        NaN where the pivot is below :data:`SINGULAR`.
    pivot : ndarray, shape (B,)

    Examples
    --------
    >>> inverse(np.array([[1, 0.6], [0.6, 1]])[..., None])[0][..., 0].tolist()
    [[1.5625, -0.9375], [-0.9375, 1.5625]]
    """
    unit = np.broadcast_to(np.eye(len(R))[..., None], R.shape)
    return solve(R, unit)


def regressions(Y: Array, model: Structure) -> tuple[Array, Array]:
    r"""Return the path coefficients from the correlations of the composites.

    .. math:: b_c = Y_{PP}^{-1} Y_{Pc}, \qquad P = \text{predictors of } c

    Parameters
    ----------
    Y : ndarray, shape (C, C, B)
        Correlations.
    model : Structure

    Returns
    -------
    paths : ndarray, shape (C, C, B)
        Row on column; 0 where no path is.
    pivot : ndarray, shape (B,)
        The smallest of any regression.

    Examples
    --------
    >>> form = structure(np.arange(2), np.array([[False, False], [True, False]]), ("A", "A"))
    >>> regressions(np.array([[1, 0.6], [0.6, 1]])[..., None], form)[0][..., 0].tolist()
    [[0.0, 0.0], [0.6, 0.0]]
    """
    P = model.predictors
    A = Y[P[:, :, None], P[:, None, :]] * model.pair + model.pad
    b = Y[P, model.dependent[:, None]] * model.known
    x, pivot = solve(A, b[:, :, None])
    found = np.zeros(Y.shape)
    found[model.path] = x[:, :, 0][model.place]
    return found, pivot.min(0)


def composites(R: Array, w: Array, model: Structure) -> tuple[Array, Array, Array]:
    r"""Scale weights to composites of variance 1 and return what follows from them.

    .. math:: A = R W, \qquad Y = W' R W, \qquad \operatorname{diag} Y = 1

    Parameters
    ----------
    R : ndarray, shape (p, p, B)
        Correlations of the items.
    w : ndarray, shape (p, B)
        Weights, not scaled.
    model : Structure

    Returns
    -------
    w : ndarray, shape (p, B)
    A : ndarray, shape (p, C, B)
        Correlations of items and composites.
    Y : ndarray, shape (C, C, B)
        Correlations of composites.

    Examples
    --------
    >>> form = structure(np.array([0, 0, 1]), np.array([[False, False], [True, False]]), ("A", "A"))
    >>> R = np.array([[1, 0.28, 0.4], [0.28, 1, 0.4], [0.4, 0.4, 1]])[..., None]
    >>> composites(R, np.ones((3, 1)), form)[0].ravel().round(4).tolist()
    [0.625, 0.625, 1.0]
    """
    p, C, B = len(R), len(model.starts), R.shape[-1]
    if B < FEW:
        A = np.add.reduceat(R * w, model.starts, axis=1)
        Y = np.add.reduceat(w[:, None] * A, model.starts, axis=0)
    else:
        A, Y = np.empty((p, C, B)), np.empty((C, C, B))
        for c, own in enumerate(model.own):
            np.einsum("ijb,jb->ib", R[:, own], w[own], out=A[:, c])
        for c, own in enumerate(model.own):
            np.einsum("jb,jkb->kb", w[own], A[own], out=Y[c])
    scale = np.sqrt(Y[np.arange(C), np.arange(C)])
    scale = np.divide(1.0, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
    A *= scale
    return w * scale[model.block], A, Y * scale * scale[:, None]


def _inner_weights(Y: Array, model: Structure, scheme: Scheme) -> Array:
    """Return e (C, C, B): the weight of the column's composite in the proxy of the row's."""
    if scheme == "centroid":
        return np.asarray(np.sign(Y) * model.near)
    if scheme == "factorial":
        return np.asarray(Y * model.near)
    return np.asarray(Y * model.after + regressions(Y, model)[0])


def _outer_weights(A: Array, e: Array, gain: Array, inverses: dict[int, Array], model: Structure) -> Array:
    """Return the new weights (p, B), not yet scaled: mode A, and mode B where there is an inverse."""
    w: Array = np.einsum("jkb,jkb->jb", A, e[model.block])
    if len(inverses) < len(model.starts):
        w = w * gain
    for c, inverted in inverses.items():
        own = model.own[c]
        part = np.einsum("jkb,jkb->jb", A[own], e[model.block[own]])
        w[own] = np.einsum("ijb,jb->ib", inverted, part)
    return w


def iterate(R: Array, w: Array, gain: Array, model: Structure, how: Fitting) -> Rounds:
    """Run rounds until no weight changes by more than the tolerance; each replicate stops by itself.

    Parameters
    ----------
    R : ndarray, shape (p, p, B)
        Correlations.
    w : ndarray, shape (p, B)
        Weights to start from.
    gain : ndarray, shape (p, B)
        Factor of the weights in mode A: 1, or the variances of raw items.
    model : Structure
    how : Fitting

    Returns
    -------
    Rounds

    Examples
    --------
    >>> form = structure(np.array([0, 0, 1]), np.array([[False, False], [True, False]]), ("A", "A"))
    >>> R = np.array([[1, 0.28, 0.4], [0.28, 1, 0.4], [0.4, 0.4, 1]])[..., None]
    >>> found = iterate(R, np.ones((3, 1)), np.ones((3, 1)), form, Fitting())
    >>> found.weights.ravel().round(4).tolist(), found.iterations.tolist()
    ([0.625, 0.625, 1.0], [1])
    """
    B, C = R.shape[-1], len(model.starts)
    out = Rounds(np.full(w.shape, np.nan), np.zeros(B, np.intp), np.full((C, B), np.nan))
    inverses = {c: inverse(R[model.own[c], model.own[c]])[0] for c in model.formed}
    w, A, Y = composites(R, w, model)
    at, running = np.arange(B), np.ones(B, bool)
    for t in range(1, how.max_iterations + 1):
        new = _outer_weights(A, _inner_weights(Y, model, how.scheme), gain, inverses, model)
        new, A, Y = composites(R, new, model)
        change = np.maximum.reduceat(np.abs(new - w), model.starts, axis=0)
        w = new
        done = running & ~(change.max(0) > how.tolerance)
        if t == how.max_iterations:
            done = running
        if done.any():
            where = at[done]
            out.weights[:, where], out.iterations[where], out.change[:, where] = (
                w[:, done],
                t,
                change[:, done],
            )
            running = running & ~done
            if not running.any():
                break
            if 2 * running.sum() <= running.size:
                R, w, A, Y, gain = (part[..., running] for part in (R, w, A, Y, gain))
                inverses = {c: part[..., running] for c, part in inverses.items()}
                at, running = at[running], np.ones(len(w[0]), bool)
    return out
