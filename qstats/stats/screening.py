r"""Before an indicator is used: per what it is counted, who reports enough, what it looks like.

Units run along the second last axis, indicators along the last; any axes may lead.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, steps 2 and 3.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number
from qstats.stats import moments

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def denominate(
    x: ArrayLike,
    denominator: ArrayLike,
    *,
    scale: ArrayLike = 1.0,
    zero: Literal["raise", "nan"] = "raise",
) -> Array:
    r"""Return indicators per unit of size, so that large and small units compare.

    .. math:: x'_{qc} = k_q\,\frac{x_{qc}}{d_{qc}}

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
    denominator : array_like
        Of the shape of `x` or broadcasting to it; 1 where an indicator has none.
    scale : array_like
        k: 10 000 gives a value per ten thousand.
    zero : {"raise", "nan"}
        What a denominator that is zero, negative or missing does: refuse, or give NaN.

    Returns
    -------
    ndarray, shape (…, units, indicators)
        NaN where x or d is.

    Raises
    ------
    OptionError
        A way with zeros that does not exist.
    DataError
        A denominator is not positive or missing, where that is to raise, or infinite; the columns are named.

    References
    ----------
    Handbook, step 2, "Data selection": indicators are scaled by an appropriate size measure.

    Examples
    --------
    >>> denominate([[10.0, 3.0], [10.0, 4.0]], [[2.0, 1.0], [5.0, 1.0]]).tolist()
    [[5.0, 3.0], [2.0, 4.0]]
    """
    one_of("zero", zero, ("raise", "nan"))
    value = moments.indicator_array(x)
    value, d, k = np.broadcast_arrays(value, np.asarray(denominator, float), np.asarray(scale, float))
    faults = {"not positive": d <= 0, "missing": np.isnan(d)} if zero == "raise" else {}
    for said, wrong in {"infinite": np.isposinf(d), **faults}.items():
        if wrong.any():
            found = f"{int(wrong.sum())} denominators are {said} in columns {moments.columns(wrong.any(-2))}"
            raise DataError(f"{found}; correct them" + (", or say zero='nan'" if said in faults else ""))
    return np.asarray(k * np.divide(value, d, out=np.full(value.shape, np.nan), where=d > 0), float)


class Screening(NamedTuple):
    """What was kept, and the shares it was judged by; see :func:`screen`."""

    units: Mask
    indicators: Mask
    unit_share: Array
    indicator_share: Array


def screen(
    x: ArrayLike,
    *,
    min_unit: float = 0.0,
    min_indicator: float = 0.0,
    counted: Literal["observed", "nonzero"] = "observed",
    first: Literal["both", "units", "indicators"] = "both",
) -> Screening:
    r"""Return the units and indicators with enough data.

    .. math:: a_c = \frac{1}{Q}\sum_q o_{qc} \ge a_{\text{unit}}, \qquad
              a_q = \frac{1}{C}\sum_c o_{qc} \ge a_{\text{indicator}}

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
    min_unit, min_indicator : float
        Least share observed, 0 to 1; 0 keeps all.
    counted : {"observed", "nonzero"}
        What counts: a value, or a value other than zero.
    first : {"both", "units", "indicators"}
        Judge both on the whole table, or one first and the other on what is left.

    Returns
    -------
    Screening
        ``units`` (…, units) and ``indicators`` (…, indicators): kept or not; ``unit_share`` and
        ``indicator_share``: the shares they were judged by.

    Raises
    ------
    OptionError
        A share is not between 0 and 1, or another choice does not exist.
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> screen([[1.0, 2.0], [3.0, np.nan]], min_unit=0.6).units.tolist()
    [True, False]
    """
    one_of("counted", counted, ("observed", "nonzero"))
    one_of("first", first, ("both", "units", "indicators"))
    for name, share in (("min_unit", min_unit), ("min_indicator", min_indicator)):
        real_number(name, share, least=0, most=1)
    value = moments.indicator_array(x)
    o = ~np.isnan(value) if counted == "observed" else np.nan_to_num(value, nan=0.0) != 0
    all_units, all_indicators = np.ones(o.shape[:-1], bool), np.ones((*o.shape[:-2], o.shape[-1]), bool)
    unit_share = _share(o, all_indicators[..., None, :], -1)
    indicator_share = _share(o, all_units[..., None], -2)
    if first == "units":
        indicator_share = _share(o, (unit_share >= min_unit)[..., None], -2)
    if first == "indicators":
        unit_share = _share(o, (indicator_share >= min_indicator)[..., None, :], -1)
    return Screening(unit_share >= min_unit, indicator_share >= min_indicator, unit_share, indicator_share)


def _share(o: Mask, among: Mask, axis: int) -> Array:
    """Return the share that is observed among those kept; 0 where none is kept."""
    n = np.broadcast_to(among, o.shape).sum(axis)
    return np.asarray(np.divide((o & among).sum(axis), n, out=np.zeros(n.shape), where=n > 0), float)


class Description(NamedTuple):
    """Statistics of each indicator, shape (…, indicators); see :func:`describe`."""

    least: Array
    greatest: Array
    mean: Array
    median: Array
    std: Array
    skewness: Array
    kurtosis: Array
    observed: Array
    nonzero: Array
    different: Array
    same: Array


def describe(x: ArrayLike) -> Description:
    """Return the statistics that tell whether an indicator can be used as it is.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)

    Returns
    -------
    Description
        Extremes, mean, median, standard deviation (n − 1), skewness and kurtosis as in
        :func:`qstats.stats.moments.shape`; and counts: ``observed``, ``nonzero``,
        ``different`` (distinct values) and ``same`` (how often the commonest value occurs).

    Raises
    ------
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> found = describe([[1.0], [1.0], [0.0], [np.nan]])
    >>> [float(n[0]) for n in (found.observed, found.nonzero, found.different, found.same)]
    [3.0, 2.0, 2.0, 2.0]
    """
    value = moments.indicator_array(x)
    different, same = _repeats(value)
    nonzero = (np.nan_to_num(value, nan=0.0) != 0).sum(-2)
    skew, kurt = moments.shape(value)
    found = {
        "mean": moments.mean(value),
        "median": moments.median(value),
        "std": moments.std(value),
        "skewness": skew,
        "kurtosis": kurt,
        "observed": moments.count(value),
    }
    low, high = (end[..., 0, :] for end in moments.extremes(value))
    rows = {name: part[..., 0, :] for name, part in found.items()}
    return Description(low, high, **rows, nonzero=nonzero.astype(float), different=different, same=same)


def _repeats(value: Array) -> tuple[Array, Array]:
    """Return the number of distinct values and the length of the longest run of equal ones."""
    ordered = np.sort(value, axis=-2)
    known = ~np.isnan(ordered)
    new = known.copy()
    new[..., 1:, :] &= ordered[..., 1:, :] != ordered[..., :-1, :]
    place = np.arange(value.shape[-2], dtype=float)[:, None]
    start = np.maximum.accumulate(np.where(new, place, 0.0), axis=-2)
    run = np.where(known, place - start + 1, 0.0)
    return np.asarray(new.sum(-2), float), np.asarray(run.max(-2), float)
