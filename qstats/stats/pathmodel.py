r"""Path models by partial least squares: composites of items, and regressions between them.

Everything works on the moments of the items: with R the correlations of p items and w their outer
weights, the composites of C blocks are :math:`y_c = \sum_{j \in c} w_j z_j` and all that is wanted of
them follows from :math:`R w`. Many fits are one fit on a stack: (B, p, p) covariances give B results.

Letters: S covariances, R correlations, s standard deviations, w outer weights, λ loadings, E inner
weights, b path coefficients; items j, constructs c, replicates the first axis.

References
----------
Wold (1982), Soft modeling: the basic design and some extensions.
Lohmöller (1989), Latent Variable Path Modeling with Partial Least Squares, ch. 2.
Tenenhaus, Esposito Vinzi, Chatelin, Lauro (2005), PLS path modeling, CSDA 48, 159–205.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of
from qstats.stats.path_rounds import (
    SINGULAR,
    Rounds,
    Structure,
    composites,
    inverse,
    iterate,
    regressions,
    structure,
)
from qstats.stats.path_specification import (
    USUAL,
    Fitting,
    Metric,
    Mode,
    Model,
    PathModelError,
    Scheme,
    check_fitting,
    specify,
)

__all__ = ["FAILURES", "USUAL", "Fit", "Fitting", "Metric", "Mode", "Model", "OnFailure", "PathModelError"]
__all__ += ["Scheme", "check_fitting", "fit", "fit_stack", "scores", "specify"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

OnFailure = Literal["raise", "nan"]

FAILURES: Final = (
    "",
    "no moments",
    "constant item",
    "singular block",
    "collinear constructs",
    "not converged",
)
#: Loadings of a block that add up to less than this share of their sizes do not decide its sign.
UNDECIDED: Final = 1e-9
#: Weights that after so many rounds still change by more than this are not on their way anywhere.
ENOUGH: Final = 50
UNSETTLED: Final = 1e-3


class Fit(NamedTuple):
    """One fit, or B of them along a first axis. Composites have variance 1."""

    weights: Array  #: (…, p) outer weights of the items as the metric has them: z-scores, or centred
    standardised: Array  #: (…, p) outer weights of z-scores, whatever the metric
    loadings: Array  #: (…, p) correlation of an item with its composite
    crossloadings: Array  #: (…, p, C) correlation of every item with every composite
    paths: Array  #: (…, C, C) coefficient of the column's construct on the row's; 0 where no path is
    r2: Array  #: (…, C) R²; NaN where nothing points at the construct
    correlations: Array  #: (…, C, C) of the composites
    signs: Array  #: (…, C) −1 where the composite was turned round
    iterations: Index  #: (…) rounds needed
    change: Array  #: (…, C) largest change of a standardised weight of the block in the last round
    failure: Index  #: (…) position in :data:`FAILURES`; 0 is a fit


def fit(
    S: ArrayLike,
    model: Model,
    *,
    how: Fitting = USUAL,
    start: ArrayLike | None = None,
    on_failure: OnFailure = "raise",
) -> Fit:
    r"""Fit a path model to the covariances of its items.

    Rounds of two steps until no standardised weight changes by more than ``how.tolerance``:

    .. math:: z_c = \sum_k e_{kc}\, y_k, \qquad
              w_c \propto g_c \circ \operatorname{cor}(x_c, z_c)\ \text{(A)}, \quad
              R_{cc}^{-1} \operatorname{cor}(x_c, z_c)\ \text{(B)}

    with :math:`e_{kc}` between neighbours the sign of :math:`\operatorname{cor}(y_k, y_c)` (centroid),
    the correlation (factorial), or the coefficient of the regression of y_c where k points at c and the
    correlation where c points at k (path); g = 1 for standardised items, their variances for raw ones.

    A composite correlates positively with the sum of its items (with the one of largest loading when
    that is undecided); with `start`, positively with the composite of the `start` weights.

    Parameters
    ----------
    S : array_like, shape (p, p) or (B, p, p)
        Covariances of the items (or correlations, for the standardised metric).
    model : Model
        From :func:`specify`.
    how : Fitting
        ``scheme`` and ``metric`` as above, ``tolerance``, and ``max_iterations``, the rounds after which a
        fit counts as not converged.
    start : array_like, shape (p,), optional
        Weights of the standardised items to start from and to turn to. Default: equal weights, with
        the sign of the correlation with the first item of the block.
    on_failure : {"raise", "nan"}
        Whether a failure raises, or leaves NaN and its reason in ``failure``.

    Returns
    -------
    Fit
        Without first axis when S has none.

    Raises
    ------
    PathModelError
        A constant item, a singular block in mode B, collinear constructs, no convergence; or a shape
        that does not suit the model.
    OptionError
        An option that is none.

    References
    ----------
    Lohmöller (1989), 2.2; Tenenhaus et al. (2005), section 1.5.

    Examples
    --------
    >>> R = [[1, 0.8, 0.3, 0.3], [0.8, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.5], [0.3, 0.3, 0.5, 1]]
    >>> found = fit(R, specify([0, 0, 1, 1], [[0, 0], [1, 0]]))
    >>> found.paths[1, 0].round(4).item(), found.weights.round(4).tolist()
    (0.3651, [0.527, 0.527, 0.5774, 0.5774])
    """
    one_of("on_failure", on_failure, get_args(OnFailure))
    cov = np.asarray(S, float)
    p = len(model.blocks)
    if cov.ndim not in (2, 3) or cov.shape[-2:] != (p, p):
        raise PathModelError(f"covariances of shape {cov.shape} do not suit the {p} items of the model")
    stack = np.ascontiguousarray(np.moveaxis(cov.reshape(-1, p, p), 0, -1))
    found = fit_stack(stack, model, how, None if start is None else np.asarray(start, float))
    if on_failure == "raise" and found.failure.any():
        _refuse(stack, model, found, how.tolerance)
    return found if cov.ndim == 3 else Fit._make(np.asarray(part)[0] for part in found)


def fit_stack(S: Array, model: Model, how: Fitting, start: Array | None) -> Fit:
    """Fit a stack of covariances (p, p, B), the replicates last; failures are NaN. See :func:`fit`.

    Parameters
    ----------
    S : ndarray, shape (p, p, B)
        Covariances.
    model : Model
    how : Fitting
    start : ndarray, shape (p,), or None

    Returns
    -------
    Fit
        The replicates along the first axis.

    Raises
    ------
    OptionError
        An option that is none.

    Examples
    --------
    >>> S = np.stack([np.eye(2), [[1, 0.6], [0.6, 1]]], axis=-1)
    >>> fit_stack(S, specify([0, 1], [[0, 0], [1, 0]]), USUAL, np.ones(2)).paths[:, 1, 0].tolist()
    [nan, 0.5999999999999999]
    """
    check_fitting(how)
    order = np.argsort(model.blocks, kind="stable")
    back = np.argsort(order)
    with np.errstate(invalid="ignore", divide="ignore"):
        form, R, variance, rounds = _converge(S, model, how, start)
        w, A, Y = composites(R, rounds.weights, form)
        signs = _signs(A, form, start if start is None else start[order])
        w, A, Y = w * signs[form.block], A * signs, Y * signs * signs[:, None]
        paths, pivot = regressions(Y, form)
        r2 = np.where(np.any(form.paths, 1)[:, None], (paths * Y).sum(1), np.nan)
        failure = _failures(R, variance, rounds, pivot, form, how.tolerance)
    scale = np.ones_like(variance) if how.metric == "standardised" else np.sqrt(variance)
    loadings = A[np.arange(len(order)), form.block]
    parts = (w / scale)[back], w[back], loadings[back], A[back], paths, r2, Y, signs
    valued = [np.moveaxis(np.where(failure == 0, part, np.nan), -1, 0) for part in parts]
    return Fit._make([*valued, rounds.iterations, rounds.change.T, failure])


def _converge(
    S: Array, model: Model, how: Fitting, start: Array | None
) -> tuple[Structure, Array, Array, Rounds]:
    """Run the rounds; return them with the model, correlations and variances in the order of the blocks."""
    order = np.argsort(model.blocks, kind="stable")
    form = structure(model.blocks[order], model.paths, model.modes)
    R, variance = _correlations(S, order)
    w = _start(R, form) if start is None else np.broadcast_to(start[order, None], variance.shape)
    gain = np.ones_like(variance) if how.metric == "standardised" else variance
    return form, R, variance, iterate(R, w, gain, form, how)


def _correlations(S: Array, order: Index) -> tuple[Array, Array]:
    """Return correlations and variances of the items in `order`; NaN where an item does not vary."""
    p = len(order)
    variance = S[order, order]
    scale = 1 / np.sqrt(np.where(variance > 0, variance, np.nan))
    R = S if np.array_equal(order, np.arange(p)) else S[order[:, None], order]
    R = R * scale
    R *= scale[:, None]
    R[np.arange(p), np.arange(p)] = np.where(variance > 0, 1.0, np.nan)
    return R, variance


def _start(R: Array, form: Structure) -> Array:
    """Return equal weights, with the sign of the correlation with the first item of the block."""
    head = form.starts[form.block]
    return np.where(R[np.arange(len(R)), head] < 0, -1.0, 1.0)


def _signs(A: Array, form: Structure, reference: Array | None) -> Array:
    """Return −1 (C, B) where a composite points away from its items, or from the reference."""
    own = A[np.arange(len(A)), form.block]
    if reference is not None:
        along = np.add.reduceat(own * reference[:, None], form.starts, axis=0)
        return np.where(along < 0, -1.0, 1.0)
    along = np.add.reduceat(own, form.starts, axis=0)
    size = np.add.reduceat(np.abs(own), form.starts, axis=0)
    for c, block in enumerate(form.own):
        largest = np.take_along_axis(own[block], np.abs(own[block]).argmax(0)[None], axis=0)[0]
        along[c] = np.where(np.abs(along[c]) > UNDECIDED * size[c], along[c], largest)
    return np.where(along < 0, -1.0, 1.0)


def _failures(
    R: Array, variance: Array, rounds: Rounds, pivot: Array, form: Structure, tolerance: float
) -> Index:
    """Return the position in FAILURES of what went wrong with each replicate, 0 where nothing did."""
    failure = np.where(rounds.change.max(0) > tolerance, FAILURES.index("not converged"), 0)
    lost = ~np.isfinite(rounds.weights).all(0) | ~(pivot > SINGULAR)
    failure[lost] = FAILURES.index("collinear constructs")
    for c in form.formed:
        own = form.own[c]
        failure[~(inverse(R[own, own])[1] > SINGULAR)] = FAILURES.index("singular block")
    failure[~(variance > 0).all(0)] = FAILURES.index("constant item")
    failure[~np.isfinite(variance).all(0)] = FAILURES.index("no moments")
    return failure.astype(np.intp)


def _refuse(S: Array, model: Model, found: Fit, tolerance: float) -> None:
    """Raise the cause of the first failure, and how many failed."""
    b = int(np.flatnonzero(found.failure)[0])
    reason = FAILURES[found.failure[b]]
    cov = S[..., b]
    variance = np.diagonal(cov)
    items: list[int] = []
    constructs: list[int] = []
    if reason == "no moments":
        said = "there are no covariances: some are no number"
    elif reason == "constant item":
        items = np.flatnonzero(~(variance > 0)).tolist()
        said = f"the items {items} do not vary (variances {variance[items].tolist()}): leave them out"
    elif reason == "singular block":
        constructs = [c for c, mode in enumerate(model.modes) if mode == "B" and _singular(cov, model, c)]
        items = np.flatnonzero(np.isin(model.blocks, constructs)).tolist()
        said = f"the items {items} of the constructs {constructs} are collinear, and mode B inverts their"
        said += " correlations: use mode A there, or leave an item out"
    elif reason == "collinear constructs":
        constructs = np.flatnonzero(model.paths.sum(1) > 1).tolist()
        said = f"the predictors of one of the constructs {constructs} are collinear: leave a path out"
    else:
        constructs = np.flatnonzero(found.change[b] > tolerance).tolist()
        said = f"no convergence in {found.iterations[b]} rounds: weights of the constructs {constructs} still"
        said += f" change by {found.change[b].max():.2g} (tolerance {tolerance:g})"
        if found.iterations[b] >= ENOUGH and found.change[b].max() > UNSETTLED:
            said += " and do not settle, they go round between solutions: try another scheme or mode"
        else:
            said += ", less each time: allow more rounds, or try another scheme"
    if S.shape[-1] > 1:
        said = f"{np.count_nonzero(found.failure)} of {S.shape[-1]} fits failed; of number {b}, {said}"
    raise PathModelError(said, reason=reason, constructs=constructs, items=items)


def _singular(cov: Array, model: Model, c: int) -> bool:
    """Whether the items of a construct are collinear."""
    own = np.flatnonzero(model.blocks == c)
    R = _correlations(cov[np.ix_(own, own)][..., None], np.arange(own.size))[0]
    return not inverse(R)[1].item() > SINGULAR


def scores(X: ArrayLike, mean: ArrayLike, covariance: ArrayLike, found: Fit, model: Model) -> Array:
    r"""Return the composites (n, C) of each row, of mean 0 and variance 1.

    .. math:: y_{ic} = \sum_{j \in c} w_j (x_{ij} - m_j)/s_j

    Parameters
    ----------
    X : array_like, shape (n, p)
        Answers; a row with a gap in a block has no score there.
    mean, covariance : array_like, shape (p,) and (p, p)
        The moments that were fitted.
    found : Fit
        A single fit.
    model : Model

    Returns
    -------
    ndarray, shape (n, C)

    Examples
    --------
    >>> S, model = [[4, 1], [1, 1]], specify([0, 1], [[0, 0], [1, 0]])
    >>> scores([[7, 8], [3, 9]], [5, 8], S, fit(S, model), model).tolist()
    [[1.0, 0.0], [-1.0, 1.0]]
    """
    w = found.standardised / np.sqrt(np.diagonal(np.asarray(covariance, float)))
    part = (np.asarray(X, float) - np.asarray(mean, float)) * w
    return np.stack([part[:, model.blocks == c].sum(1) for c in range(len(model.paths))], axis=1)
