r"""Aggregation: the scores of a unit into one number, by any of the means and by comparing pairs.

Units run along the second last axis, indicators along the last; any axes may lead. Missing values are
treated alike by every method: the weights of what is observed are brought to sum to one,

.. math:: w'_{qc} = \frac{w_q\,o_{qc}}{\sum_p w_p\,o_{pc}}

or the unit is refused, or left out, as `missing` says; and a unit with less than `min_coverage` has no value.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, real_number
from qstats.stats import composite, means, moments, outranking

Array = NDArray[np.float64]
Function = Callable[[Array, Array], ArrayLike]
Method = Literal[
    "arithmetic",
    "geometric",
    "harmonic",
    "power",
    "mazziotta-pareto",
    "owa",
    "mean-min",
    "copeland",
    "kemeny",
]
Missing = Literal["renormalise", "raise", "nan"]

METHODS: Final = get_args(Method)
_USES: Final = {
    "arithmetic": (),
    "geometric": ("floor",),
    "harmonic": ("floor",),
    "power": ("power", "floor"),
    "mazziotta-pareto": ("penalty",),
    "owa": ("order_weights",),
    "mean-min": ("alpha", "beta"),
    "copeland": (),
    "kemeny": (),
}
_NEEDS: Final = {"power": "power", "owa": "order_weights"}


class Aggregated(NamedTuple):
    """What :func:`aggregate` found.

    Attributes
    ----------
    value : ndarray, shape (…, units)
        NaN where nothing was observed, or less than `min_coverage`.
    coverage : ndarray, shape (…, units)
        Share of the indicators, or of their weight, that was observed.
    floored : ndarray of int, shape (…, units)
        Scores that were lifted to the floor.
    """

    value: Array
    coverage: Array
    floored: NDArray[np.int_]


def aggregate(
    scores: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    method: Method | Function = "arithmetic",
    missing: Missing = "renormalise",
    min_coverage: float = 0.0,
    coverage_of: Literal["count", "weight"] = "count",
    power: float | None = None,
    floor: float | None = None,
    penalty: Literal["down", "up"] | None = None,
    order_weights: ArrayLike | None = None,
    alpha: float | None = None,
    beta: float | None = None,
) -> Aggregated:
    r"""Return the composite of each unit.

    Formulas are in :mod:`qstats.stats.means` and :mod:`qstats.stats.outranking`, which the names lead to.

    Parameters
    ----------
    scores : array_like, shape (…, units, indicators)
        Normalised: higher is better.
    weights : array_like, shape (indicators,), (…, 1, indicators) or (…, units, indicators), optional
        Not negative; any common factor cancels. By default all equal. Pairs ("copeland", "kemeny") take one
        set for all units.
    method : str or callable
        "arithmetic", "geometric", "harmonic", "power", "mazziotta-pareto", "owa", "mean-min", "copeland",
        "kemeny" (its value is minus the position), or a function of scores and weights, both of shape (…,
        units, indicators), that returns (…, units). It is given weights that sum to 1 and are 0 where the
        score is missing; such scores are 0.
    missing : {"renormalise", "raise", "nan"}
        What a missing score does: leaves its weight to the others; is refused; makes the composite NaN.
    min_coverage : float
        Least share observed, 0 to 1; a composite resting on less is NaN.
    coverage_of : {"count", "weight"}
        What the share is of.
    power : float, optional
        Of the power mean.
    floor : float, optional
        Above 0: what a score below it counts as in a geometric or harmonic mean, or in a power mean where
        the power is not positive; such scores are counted. By default a score that is not positive raises.
    penalty : {"down", "up"}, optional
        Of Mazziotta and Pareto: imbalance lowers the composite (the default), or raises it (of a bad thing).
    order_weights : array_like, shape (indicators,), optional
        Of OWA: weight of the highest score first.
    alpha, beta : float, optional
        Of the mean–min function; by default 1 and 0.

    Returns
    -------
    Aggregated

    Raises
    ------
    OptionError
        An option is lacking, or would be ignored; weights that are negative, all zero or NaN.
    DataError
        A missing score under "raise"; a score that is not positive under a mean that needs it; infinite
        scores; a function that returns another shape.

    Examples
    --------
    >>> aggregate([[80.0, 20.0], [50.0, np.nan]], method="geometric").value.round(12).tolist()
    [40.0, 50.0]
    >>> aggregate([[80.0, 20.0], [50.0, np.nan]], min_coverage=0.6).value.tolist()
    [50.0, nan]
    """
    one_of("missing", missing, ("renormalise", "raise", "nan"))
    one_of("coverage_of", coverage_of, ("count", "weight"))
    real_number("min_coverage", min_coverage, least=0, most=1)
    penal = {"floor": floor, "penalty": penalty, "order_weights": order_weights}
    options = {"power": power, "alpha": alpha, "beta": beta, **penal}
    given = {name: value for name, value in options.items() if value is not None}
    _check_use(method, given)
    I = moments.indicator_array(scores)  # noqa: E741
    w = _weights(weights, I.shape)
    observed = ~np.isnan(I)
    if missing == "raise":
        _refuse_missing(I, w)
    coverage = composite.aggregate(
        observed.astype(float), composite.available_weights(w if coverage_of == "weight" else w > 0, True)
    )
    I, floored = _floored(I, w, method, given)  # noqa: E741
    value = _value(I, w, method, given)
    known = coverage >= min_coverage - 1e-12
    if missing == "nan":
        known &= (observed | (w == 0)).all(-1)
    return Aggregated(np.where(known, value, np.nan), coverage, floored)


def adjusted_goalposts(least: ArrayLike, greatest: ArrayLike, reference: ArrayLike) -> tuple[Array, Array]:
    r"""Return the goalposts of the adjusted Mazziotta–Pareto index, centred on a reference.

    .. math:: L = r - \tfrac12(x_{\max} - x_{\min}), \qquad U = r + \tfrac12(x_{\max} - x_{\min})

    On the scale from 70 to 130 between them, the reference scores 100 in every year. Scores on that scale
    under "mazziotta-pareto" make the adjusted index; z-scores of mean 100 and deviation 10 (``ddof=0``) the
    original one.

    Parameters
    ----------
    least, greatest, reference : array_like
        Extremes over all units and years, and the value of the reference (a nation in the base year), in
        the unit of the indicator.

    Returns
    -------
    L, U : ndarray, of the broadcast shape

    References
    ----------
    Mazziotta and Pareto (2016), On a generalized non-compensatory composite index for measuring
    socio-economic phenomena, Social Indicators Research 127.

    Examples
    --------
    >>> [float(end) for end in adjusted_goalposts(2.0, 10.0, 5.0)]
    [1.0, 9.0]
    """
    low, high, r = (np.asarray(part, float) for part in (least, greatest, reference))
    return np.asarray(r - (high - low) / 2, float), np.asarray(r + (high - low) / 2, float)


def _check_use(method: Method | Function, given: dict[str, Any]) -> None:
    uses: tuple[str, ...] = ()
    if not callable(method):
        one_of("method", method, METHODS)
        uses = _USES[method]
        need = _NEEDS.get(method)
        if need and need not in given:
            raise OptionError(f"{method!r} needs {need}", argument=need)
    for name in given:
        if name not in uses:
            raise OptionError(f"{method!r} has no use for {name!r}", argument=name)
    if "floor" in given:
        real_number("floor", given["floor"], above=0)
    one_of("penalty", given.get("penalty", "down"), ("down", "up"))


def _weights(weights: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    w = np.ones(shape[-1]) if weights is None else np.asarray(weights, float)
    if w.shape[-1:] != shape[-1:]:
        raise OptionError(f"{shape[-1]} indicators have weights of shape {w.shape}", argument="weights")
    w = np.broadcast_to(w, np.broadcast_shapes(w.shape, shape))
    wrong = ~((w >= 0).all(-1) & (w.sum(-1) > 0))
    if wrong.any():
        raise OptionError(
            f"weights {w[wrong][0].tolist()!r:.200}: they must be numbers not below 0, one of them above it",
            argument="weights",
        )
    return w


def _refuse_missing(I: Array, w: Array) -> None:  # noqa: E741
    hole = np.isnan(I) & (w > 0)
    if hole.any():
        raise DataError(
            f"{int(hole.sum())} scores are missing in columns {moments.columns(hole.any(-2))}; impute them, "
            "or say missing='renormalise' or 'nan'"
        )


def _floored(
    I: Array,  # noqa: E741
    w: Array,
    method: Method | Function,
    given: dict[str, Any],
) -> tuple[Array, NDArray[np.int_]]:
    """Lift scores to the floor and count them, or refuse those a mean is not defined for."""
    positive = method in ("geometric", "harmonic") or (method == "power" and given["power"] <= 0)
    signed = method != "power" or positive or given["power"] == 1
    if not signed and ((w > 0) & (I < 0)).any():
        raise DataError(f"a power mean of power {given['power']:g} is not defined for scores below 0")
    floor = given.get("floor")
    if not positive or floor is None:
        low = positive & (w > 0) & (I <= 0)
        if low.any():
            raise DataError(
                f"{int(low.sum())} scores are not positive in columns {moments.columns(low.any(-2))}; a "
                f"{method} mean needs another scale, or a floor"
            )
        return I, np.zeros(np.broadcast_shapes(I.shape, w.shape)[:-1], int)
    low = (w > 0) & (floor > I)
    return np.where(low, floor, I), low.sum(-1)


def _value(I: Array, w: Array, method: Method | Function, given: dict[str, Any]) -> Array:  # noqa: E741
    if method in ("copeland", "kemeny"):
        one = w[..., :1, :]
        if not (w == one).all():
            raise OptionError(f"{method!r} takes one set of weights for all units", argument="weights")
        if method == "copeland":
            return outranking.copeland(I, one)
        return -outranking.kemeny(I, one.reshape(-1)).position
    used = composite.available_weights(w, ~np.isnan(I))
    held = np.where(np.isnan(I) | (w == 0), 0.0, I)
    if callable(method):
        value = np.asarray(method(held, np.nan_to_num(used)), float)
        if value.shape != held.shape[:-1]:
            raise DataError(f"the function returned shape {value.shape} for scores of shape {held.shape}")
        return np.where(np.isnan(used[..., 0]), np.nan, value)
    if method == "owa":
        return means.ordered(held, used, given["order_weights"])
    if method == "mean-min":
        return means.mean_min(held, used, alpha=given.get("alpha", 1.0), beta=given.get("beta", 0.0))
    if method == "mazziotta-pareto":
        return means.mazziotta_pareto(held, used, penalty=given.get("penalty", "down"))
    powers = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}
    return means.power_mean(held, used, powers.get(method, given.get("power", 1.0)))
