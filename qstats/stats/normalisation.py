r"""Normalisation: indicators on one scale, higher always being better.

Every method sees :math:`y = d\,x`, the indicator times its direction d = ±1, so "less is better" is
treated alike everywhere. Units run along the second last axis, indicators along the last; any axes may lead.

- per year: let the years lead, each is fitted by itself;
- global: stack the years along the units;
- fixed base: fit to the table of the base, apply to the others.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 5.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, real_number
from qstats.stats import moments
from qstats.stats.standing import Ties, standing

Array = NDArray[np.float64]
Method = Literal[
    "minmax",
    "standard",
    "zscore",
    "rank",
    "borda",
    "percentile-rank",
    "distance-to-max",
    "distance-to-reference",
    "distance-to-target",
    "fraction-of-max",
    "goalposts",
    "scaled",
    "logistic",
    "categorical",
]
Constant = Literal["raise", "nan", "middle"]

METHODS: Final = get_args(Method)
_RANKS: Final = ("rank", "borda", "percentile-rank")
#: what the origin and the end of the span score unless `to` says otherwise
_TO: Final = {"minmax": (0.0, 100.0), "standard": (60.0, 100.0), "scaled": (0.0, 100.0)}
_HANDBOOK_PERCENTILES: Final = (5.0, 25.0, 65.0, 85.0, 95.0)
_HANDBOOK_SCORES: Final = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
_USES: Final = {
    "minmax": ("to",),
    "standard": ("to", "lower", "upper"),
    "zscore": ("to", "ddof"),
    "rank": ("ties",),
    "borda": ("ties",),
    "percentile-rank": ("to", "ties"),
    "distance-to-max": ("to",),
    "distance-to-reference": ("to", "reference"),
    "distance-to-target": ("to", "target"),
    "fraction-of-max": ("to",),
    "goalposts": ("to", "lower", "upper"),
    "scaled": ("to", "lower", "upper"),
    "logistic": ("to", "midpoint", "steepness"),
    "categorical": ("percentiles", "breaks", "scores"),
}
_NEEDS: Final = {
    "distance-to-reference": ("reference",),
    "distance-to-target": ("target",),
    "goalposts": ("lower", "upper"),
    "scaled": ("lower", "upper"),
}


class Normalisation(NamedTuple):
    """What :func:`fit` found; see there.

    Attributes
    ----------
    method : str
    direction : ndarray
        d, 1 or −1.
    origin, span : ndarray, shape (…, 1, indicators)
        o and s of :math:`(y - o)/s`.
    to : tuple of float
        a and b: what o and o + s score.
    base : ndarray or None
        Of ranks, the table of the fit as y; of categories, the limits, shape (limits, …, 1, indicators).
    scores : tuple of float
        Of the categories.
    ties : str
    constant : ndarray of bool, shape (…, 1, indicators)
        Columns without two different values.
    middle : float or ndarray
        What is put in a constant column.
    """

    method: Method
    direction: Array
    origin: Array
    span: Array
    to: tuple[float, float]
    base: Array | None
    scores: tuple[float, ...]
    ties: Ties
    constant: NDArray[np.bool_]
    middle: Array


def fit(
    x: ArrayLike,
    method: Method = "minmax",
    *,
    direction: ArrayLike = 1,
    to: tuple[float, float] | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    target: ArrayLike | None = None,
    reference: int | None = None,
    midpoint: ArrayLike | None = None,
    steepness: ArrayLike | None = None,
    percentiles: tuple[float, ...] | None = None,
    breaks: ArrayLike | None = None,
    scores: tuple[float, ...] | None = None,
    ties: Ties | None = None,
    ddof: int | None = None,
    constant: Constant = "raise",
) -> Normalisation:
    r"""Find the parameters of a normalisation.

    With y = d x, and (a, b) = `to`:

    ======================= ============================================================ =========
    method                  I                                                            (a, b)
    ======================= ============================================================ =========
    minmax                  a + (b − a)(y − min y)/(max y − min y)                       0, 100
    standard                the same between bounds L < U when given, cut to [a, b]      60, 100
    zscore                  a + b (y − mean y)/sd y: a is the mean, b the deviation      0, 1
    rank                    number of units not better, the best is n                    –
    borda                   rank − 1                                                     –
    percentile-rank         a + (b − a)(rank − 1)/(n − 1)                                0, 1
    distance-to-max         b − (b − a)(max y − y)/(max y − min y)                       0, 1
    distance-to-reference   the same, to the value of unit `reference`                   0, 1
    distance-to-target      the same, to `target`                                        0, 1
    fraction-of-max         a + (b − a) x/max x; min x/x where less is better            0, 1
    goalposts               min–max between L and U of x, cut to [a, b]                  0, 1
    scaled                  a + (b − a)(y − L)/(U − L), L and U of y, not cut            0, 100
    logistic                a + (b − a)/(1 + exp(−k (y − m)/s)), m mean and s deviation  0, 1
    categorical             the score of the class of y between percentiles or breaks    –
    ======================= ============================================================ =========

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        NaN is left out and stays NaN.
    method : str, one of the table
    direction : array_like
        1 or −1, for all or for each indicator.
    to : (float, float), optional
        a and b.
    lower, upper : array_like, optional
        L and U, for all or for each indicator.
    target, reference : array_like and int, optional
        What is to be reached, in the unit of x; or the index of the unit that has reached it.
    midpoint, steepness : array_like, optional
        Of the logistic: m in the unit of x (by default the mean), k (by default 1).
    percentiles : tuple of float, optional
        Limits of the classes; by default 5, 25, 65, 85, 95. A value on a limit is in the better class.
    breaks : array_like, shape (limits,), optional
        Limits in the unit of x, rising, in place of percentiles.
    scores : tuple of float, optional
        One more than there are limits, from the worst to the best; by default 0, 20, …, 100.
    ties : {"average", "min", "max"}, optional
        The rank equal values share; by default "average".
    ddof : int, optional
        Of the z-score: 1, the default, divides by n − 1; 0 by n.
    constant : {"raise", "nan", "middle"}
        What a column does in which the method finds no spread: refuse; NaN; or the middle of the scale for
        every unit, (a + b)/2 – of a z-score its mean, of a rank (n + 1)/2.

    Returns
    -------
    Normalisation
        For :func:`apply`.

    Raises
    ------
    OptionError
        The method does not exist, needs an option that is not given, or has no use for one that is.
    DataError
        A column is constant (its index is named); L ≥ U; a target or reference that is not better than the
        worst value, or missing; a fraction of values that are not positive; infinite values.

    References
    ----------
    Handbook, step 5: ranking, standardisation, min–max, distance to a reference, categorical scales.
    UNDP, Human Development Report, Technical note 1 (goalposts).

    Examples
    --------
    >>> x = np.array([[1.0, 40.0], [2.0, 10.0], [5.0, 20.0]])
    >>> apply(x, fit(x, "minmax", direction=[1, -1])).round(1).tolist()
    [[0.0, 0.0], [25.0, 100.0], [100.0, 66.7]]
    >>> apply(x, fit(x, "rank")).tolist()
    [[1.0, 3.0], [2.0, 1.0], [3.0, 2.0]]
    """
    one_of("method", method, METHODS)
    one_of("constant", constant, ("raise", "nan", "middle"))
    bounds = {"lower": lower, "upper": upper, "target": target, "reference": reference}
    classes = {"percentiles": percentiles, "breaks": breaks, "scores": scores}
    others = {"to": to, "midpoint": midpoint, "steepness": steepness, "ties": ties, "ddof": ddof}
    given: dict[str, Any] = {k: v for k, v in {**bounds, **classes, **others}.items() if v is not None}
    _check_use(method, given)
    value = moments.indicator_array(x)
    d = _signs(direction)
    y = d * value
    if method == "fraction-of-max" and (low := value <= 0).any():
        found = moments.columns(low.any(-2))
        raise DataError(f"values of columns {found} are not positive; a fraction of them has no meaning")
    origin, span = _linear(y, method, d, given)
    constant_column = ~(span > 0)
    if constant == "raise":
        _refuse_constant(y, method, constant_column)
    a, b = _ends(given.get("to", _TO.get(method, (0.0, 1.0))))
    base, values = _base(y, method, d, given)
    middle = _middle(y, method, (a, b), values) if constant == "middle" else np.full(span.shape, np.nan)
    order = given.get("ties", "average")
    return Normalisation(method, d, origin, span, (a, b), base, values, order, constant_column, middle)


def apply(x: ArrayLike, params: Normalisation) -> Array:
    """Return indicators on the scale that :func:`fit` found.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        The table of the fit or another; its leading axes broadcast with those of the fit.
    params : Normalisation

    Returns
    -------
    ndarray
        NaN where x is NaN. A value beyond those of the fit goes beyond the scale, except where the method
        cuts. The rank of a value in another table is its place among the values of the fit.

    Raises
    ------
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> apply([[2.0], [7.0]], fit([[1.0], [5.0]])).tolist()
    [[25.0], [150.0]]
    """
    value = moments.indicator_array(x)
    y, (a, b) = params.direction * value, params.to
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (y - params.origin) / params.span
    if params.method in _RANKS and params.base is not None:
        scored = _ranked(y, params, a, b)
    elif params.method == "categorical" and params.base is not None:
        scored = np.take(params.scores, (y >= params.base).sum(0))
    elif params.method == "zscore":
        scored = a + b * share
    elif params.method == "logistic":
        scored = a + (b - a) * ((1 + np.tanh(share / 2)) / 2)  # 1/(1 + e⁻ˢ) without overflow
    elif params.method == "fraction-of-max":
        scored = a + (b - a) * np.where(params.direction > 0, value / params.span, params.span / value)
    else:
        scored = a + (b - a) * share
        if params.method in ("standard", "goalposts"):
            scored = np.clip(scored, min(a, b), max(a, b))
    scored = np.where(params.constant, params.middle, scored)
    return np.where(np.isnan(value), np.nan, scored)


def _refuse_constant(y: Array, method: str, constant: NDArray[np.bool_]) -> None:
    flat, goal = constant & ~moments.varied(y), method.removeprefix("distance-to-")
    said = f"columns {moments.columns(flat)} have no two different values; leave them out"
    if not flat.any():
        what = (
            f"the {goal} is missing or the worst value" if method != "zscore" else "ddof leaves no deviation"
        )
        said = f"{what} in columns {moments.columns(constant)}; take another"
    if constant.any():
        raise DataError(f"{method}: {said}, or say constant='nan' or 'middle'")


def _ends(to: object) -> tuple[float, float]:
    """Return the two ends of a scale."""
    if not isinstance(to, tuple | list | np.ndarray) or len(to) != 2:
        raise OptionError(f"to={to!r:.200} is not a pair of numbers: (0, 100)", argument="to", value=to)
    for end in to:
        real_number("to", end)
    return float(to[0]), float(to[1])


def _check_use(method: str, given: dict[str, Any]) -> None:
    """Refuse options that the method would ignore, and ask for those it needs."""
    for name in [name for name in given if name not in _USES[method]]:
        takes = ", ".join(_USES[method])
        raise OptionError(f"{method!r} has no use for {name!r}; it takes {takes}", argument=name)
    lacking = ", ".join(name for name in _NEEDS.get(method, ()) if name not in given)
    if lacking or ("lower" in given) != ("upper" in given):
        want = lacking or "both lower and upper"
        raise OptionError(f"{method!r} needs {want}", argument=want)
    if "breaks" in given and "percentiles" in given:
        raise OptionError("categories have breaks or percentiles, not both", argument="breaks")
    if not (np.asarray(given.get("steepness", 1.0), float) > 0).all():
        raise OptionError(f"steepness={given['steepness']!r:.200} must be above 0", argument="steepness")
    one_of("ties", given.get("ties", "average"), get_args(Ties))


def _signs(direction: ArrayLike) -> Array:
    d = np.asarray(direction, float)
    if not np.isin(d, (-1.0, 1.0)).all():
        raise OptionError(f"direction={np.unique(d).tolist()} must be 1 or −1", argument="direction")
    return d


def _linear(y: Array, method: str, d: Array, given: dict[str, Any]) -> tuple[Array, Array]:
    """Return o and s, shape (…, 1, indicators)."""
    low, high = moments.extremes(y)
    if "lower" in given:
        ends = np.asarray(given["lower"], float), np.asarray(given["upper"], float)
        wrong = ~(_like(ends[0], low) < _like(ends[1], low))
        if wrong.any():
            raise DataError(
                f"lower is not below upper in columns {moments.columns(wrong)}: "
                f"lower={ends[0].tolist()}, upper={ends[1].tolist()}"
            )
        flip = (d < 0) & (method != "scaled")
        return _like(np.where(flip, -ends[1], ends[0]), low), _like(ends[1] - ends[0], low)
    if method == "zscore":
        return moments.mean(y), np.where(moments.varied(y), moments.std(y, ddof=given.get("ddof", 1)), 0.0)
    if method == "logistic":
        m = d * np.asarray(given["midpoint"], float) if "midpoint" in given else moments.mean(y)
        s = np.where(moments.varied(y), moments.std(y), 0.0) / np.asarray(given.get("steepness", 1.0), float)
        return _like(m, low), s
    if method == "fraction-of-max":
        return np.zeros_like(low), np.abs(high)
    if method in ("distance-to-target", "distance-to-reference"):
        return low, _like(_target(y, d, given), low) - low
    if method == "categorical" and "breaks" in given:
        return low, np.ones_like(low)
    return low, high - low


def _target(y: Array, d: Array, given: dict[str, Any]) -> Array:
    """Return what is to be reached, as y, and refuse what the worst unit has reached."""
    goal = d * np.asarray(given["target"], float) if "target" in given else y[..., [given["reference"]], :]
    if (behind := goal < moments.extremes(y)[0]).any():
        raise DataError(f"the target of columns {moments.columns(behind)} is worse than every value")
    return np.asarray(goal, float)


def _like(part: ArrayLike, shape_of: Array) -> Array:
    return np.broadcast_to(np.asarray(part, float), shape_of.shape).copy()


def _base(y: Array, method: str, d: Array, given: dict[str, Any]) -> tuple[Array | None, tuple[float, ...]]:
    """Return what places a value: the table for ranks, limits and scores for categories."""
    if method in _RANKS:
        return y.copy(), ()
    if method != "categorical":
        return None, ()
    scores = tuple(map(float, given.get("scores", _HANDBOOK_SCORES)))
    if "breaks" in given:
        limits = np.asarray(given["breaks"], float).reshape(-1, *(1,) * y.ndim)
        rows = np.where(d < 0, -limits[::-1], limits)
        stack = np.broadcast_to(rows, (len(limits), *moments.count(y).shape)).copy()
    else:
        stack = np.stack([moments.percentile(y, p) for p in given.get("percentiles", _HANDBOOK_PERCENTILES)])
    if len(scores) != len(stack) + 1 or (np.diff(stack, axis=0) < 0).any():
        raise OptionError(
            f"{len(stack)} limits must rise and need {len(stack) + 1} scores; {len(scores)} are given"
        )
    return stack, scores


def _middle(y: Array, method: str, ends: tuple[float, float], scores: tuple[float, ...]) -> Array:
    n = moments.count(y)
    if method in ("rank", "borda"):
        return np.asarray((n + 1) / 2 - (method == "borda"), float)
    low, high = (scores[0], scores[-1]) if method == "categorical" else ends
    return np.full(n.shape, low if method == "zscore" else (low + high) / 2)


def _ranked(y: Array, params: Normalisation, a: float, b: float) -> Array:
    assert params.base is not None
    rank = standing(y, params.base, ties=params.ties)
    if params.method == "rank":
        return rank
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (rank - 1) / (moments.count(params.base) - 1)
    return rank - 1 if params.method == "borda" else a + (b - a) * share
