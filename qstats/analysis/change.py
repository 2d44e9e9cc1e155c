"""Change over time, with its interval."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import given
from qstats.errors import DataError, OptionError, one_of, text
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import difference as differences
from qstats.stats import multiplicity, two_rates

On = Literal["previous", "year", "base"]
Measure = Literal["points", "ratio", "index"]
Interval = Literal["mover", "newcombe", "miettinen-nurminen"]
Samples = Literal["independent", "covarying"]
Array = NDArray[np.float64]

_MEASURED: Final = ["estimate", "conf_low", "conf_high", "std_error"]
_COUNTS: Final = ["numerator", "denominator"]
#: binary noise of computed values; far below any digit that is printed
_SAME: Final = 1e-12


class _Moved(NamedTuple):
    """A change, and the derivatives that carry the joint error."""

    found: differences.Difference
    p: Array
    by_earlier: Array
    by_later: Array


def change(
    estimate: Estimate,
    /,
    *,
    on: On = "previous",
    base: str | None = None,
    measure: Measure = "points",
    interval: Interval = "mover",
    samples: Samples | None = None,
    adjust: multiplicity.Adjustment = "none",
    lang: str | None = None,
) -> Estimate:
    r"""Compare each period with the one before it, the same of the year before, or a base.

    .. math:: d = \hat\theta_t - \hat\theta_0, \qquad \rho = \hat\theta_t / \hat\theta_0

    From unrounded values. The interval is MOVER's, built from the two intervals; see
    :func:`qstats.stats.difference.difference` and :func:`qstats.stats.difference.ratio`. From rates
    of counts with Wilson's limits it is Newcombe's. The error of a difference of rates is never Wald's.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; all its other keys are kept, and matched.
    on : {"previous", "year", "base"}
        ``previous``: the period before (2023Q1 − 2022Q4, 环比); ``year``: the same period of the year
        before (2023Q1 − 2022Q1, 同比); ``base``: the period `base` (定基). For years the first two are
        the same.
    base : str, optional
        The base period, with ``on="base"`` only.
    measure : {"points", "ratio", "index"}
        The difference; later over earlier; 100 times that.
    interval : {"mover", "newcombe", "miettinen-nurminen"}
        The last two need counts (columns ``numerator`` and ``denominator``) and a difference.
    samples : {"independent", "covarying"}, optional
        Whether the two estimates covary, as the joint error of the Estimate says (a panel, shared
        primary units). By default they do where the Estimate has a joint error.
    adjust : {"none", "holm", "bh", "hochberg", "bonferroni", "sidak", "by"}
        Adjustment of the p-values for the number of changes tested together, all rows of the result.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys as before, ``period`` being the later one. The change of a rate is in percentage
        points (unit ``points``), of anything else in its own unit; a ratio has the unit ``ratio``, an
        index ``index``. ``n`` is missing: a change has none. Further columns: ``compared_with`` (the
        earlier period), ``earlier, later`` (the values), ``direction`` (``up``, ``down``, ``flat``; empty
        where a value is missing), ``clear`` (whether the interval leaves out no change; missing when
        no interval is known, as for published figures), ``p`` (no change, two-sided: the score test
        for rates of counts, else normal), ``p_adjusted``, ``verdict`` (``rose``, ``fell``, ``no clear
        change``; empty when not known: by the interval, and with `adjust` by the adjusted p as well) and
        ``over_break`` (the two sides are of different ``vintage``; see :func:`linked`). Periods without
        the earlier one are left out, and ``notes`` says so.

    Raises
    ------
    DataError
        No key ``period``, or no period that can be compared; the periods there are, are named. No
        counts, or no joint error, where the choice needs them.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702; Newcombe (1998) and Miettinen &
    Nurminen (1985) for counts; Donner & Zou (2012) for ratios.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", period=[2023, 2024])
    >>> moved = change(rate)
    >>> moved.table[["period", "compared_with", "direction"]].values.tolist(), round(moved.value(), 2)
    ([['2024', '2023', 'up']], 0.28)
    """
    given.one(estimate, lang)
    _check_choices(on, base, measure, interval, samples, lang)
    if "period" not in estimate.keys:
        raise DataError(say("change.no_period", lang, keys=", ".join(estimate.keys) or "—"))
    table = estimate.table.assign(_row=np.arange(len(estimate)))
    before = {p: _before(p, on, base) for p in set(table["period"])}
    both = _paired(table.assign(compared_with=table["period"].map(before)), list(estimate.keys))
    if both.empty:
        have = ", ".join(sorted(before, key=periods.sort_key)) or "—"
        raise DataError(say("change.nothing", lang, periods=have))
    covariance = _covariance(estimate, both, samples, lang)
    counted = estimate.errors is None and estimate.inference == "superpopulation" and _counted(both)
    if interval != "mover" and not counted:
        raise DataError(say("change.no_counts", lang, interval=interval))
    moved = _moved(both, measure, interval, covariance, counted, estimate.level)
    left = {p for p in before if p not in set(both["period"]) and before[p] is not None}
    left |= {p for p in before if before[p] is None and p != base}
    left_out = ", ".join(sorted(left, key=periods.sort_key))
    points = "points" if estimate.unit == "%" else estimate.unit
    return estimate.replace(
        _tabled(both, list(estimate.keys), moved, measure, adjust, 1 - estimate.level),
        unit={"points": points, "ratio": "ratio", "index": "index"}[measure],
        method=_method(on, base, measure, interval, covariance, adjust) + estimate.method,
        notes=(*estimate.notes, *([say("change.left_out", lang, periods=left_out)] if left else [])),
        errors=_joint(estimate, both, moved, covariance),
    )


def _check_choices(on: Any, base: Any, measure: Any, interval: Any, samples: Any, lang: str | None) -> None:
    one_of("on", on, ("previous", "year", "base"))
    one_of("measure", measure, ("points", "ratio", "index"))
    one_of("interval", interval, ("mover", "newcombe", "miettinen-nurminen"))
    one_of("samples", samples, (None, "independent", "covarying"))
    if base is not None:
        text("base", base)
    if (on == "base") != (base is not None):
        raise OptionError(say("change.base", lang))
    if interval != "mover" and (measure != "points" or samples == "covarying"):
        raise OptionError(say("change.counts_only", lang, interval=interval))


def _before(period: str, on: On, base: str | None) -> str | None:
    if on == "base":
        wanted = periods.normalise(base)
        return None if period == wanted else wanted
    return periods.previous(period) if on == "previous" else periods.year_before(period)


def _method(on: On, base: str | None, measure: Measure, interval: str, covariance: Any, adjust: str) -> str:
    against = {"previous": "the period before", "year": "the year before", "base": f"the base {base}"}[on]
    kind = "independent" if covariance is None else "covarying"
    what = "change" if measure == "points" else measure
    name = {"mover": "MOVER", "newcombe": "Newcombe", "miettinen-nurminen": "Miettinen–Nurminen"}[interval]
    many = "" if adjust == "none" else f", p-values adjusted by {adjust}"
    return f"{what} on {against}, {name} interval of {kind} estimates{many}; "


def _paired(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Put the earlier values beside the later ones, in the order of the table."""
    beside = [c for c in ("_row", "vintage", *_COUNTS) if c in table]
    earlier = table[[*keys, *_MEASURED, *beside]].rename(columns={"period": "compared_with"})
    on = ["compared_with", *(key for key in keys if key != "period")]
    return table[table["compared_with"].notna()].merge(earlier, on=on, suffixes=("", "_earlier"))


def _covariance(
    estimate: Estimate, both: pd.DataFrame, samples: Samples | None, lang: str | None
) -> Array | None:
    """Return the covariance of each pair; None where the samples are independent."""
    if samples == "independent" or (samples is None and estimate.errors is None):
        return None
    if estimate.errors is None:
        raise DataError(say("change.no_joint", lang))
    from qstats.stats import covariance

    one = np.ones(len(both))
    of_difference = covariance.variance(
        covariance.combine(estimate.errors, _contrast(estimate, both, -one, one))
    )
    own = both["std_error"].to_numpy() ** 2 + both["std_error_earlier"].to_numpy() ** 2
    cov = (own - of_difference) / 2
    return np.where(np.abs(cov) <= 1e-14 * own, 0.0, cov)


def _contrast(estimate: Estimate, both: pd.DataFrame, earlier: Array, later: Array) -> Any:
    from scipy.sparse import csr_array

    row = np.arange(len(both))
    at = np.concatenate([both["_row_earlier"].to_numpy(), both["_row"].to_numpy()])
    return csr_array(
        (np.concatenate([earlier, later]), (np.concatenate([row, row]), at)), shape=(len(both), len(estimate))
    )


def _joint(estimate: Estimate, both: pd.DataFrame, moved: _Moved, cov: Array | None) -> Any:
    if cov is None or estimate.errors is None or np.isnan(moved.by_earlier).any():
        return None
    from qstats.stats import covariance

    A = _contrast(estimate, both, moved.by_earlier, moved.by_later)
    return covariance.combine(estimate.errors, A)


def _moved(
    both: pd.DataFrame, measure: Measure, interval: Interval, cov: Array | None, counted: bool, level: float
) -> _Moved:
    earlier, later = (
        differences.Measured(*(both[f"{column}{suffix}"].to_numpy() for column in _MEASURED))
        for suffix in ("_earlier", "")
    )
    c = 0.0 if cov is None else cov
    d = differences.difference(earlier, later, covariance=c)
    p, one = differences.p_normal(d.estimate, d.std_error), np.ones(len(both))
    if counted:
        before, after = (
            two_rates.Counts(*(both[f"{column}{suffix}"].to_numpy(float) for column in _COUNTS))
            for suffix in ("_earlier", "")
        )
        p = np.where(np.isnan(d.low), p, two_rates.p_score(before, after))
        if interval != "mover":
            two = two_rates.newcombe if interval == "newcombe" else two_rates.miettinen_nurminen
            low, high = two(before, after, level=level)
            d = d._replace(low=100 * low, high=100 * high)
    if measure == "points":
        return _Moved(d, p, -one, one)
    k, base = 100.0 if measure == "index" else 1.0, np.asarray(earlier.estimate)
    found = differences.Difference(
        *(k * np.asarray(part) for part in differences.ratio(earlier, later, covariance=c))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return _Moved(found, p, -found.estimate / base, k / base)


def _counted(both: pd.DataFrame) -> bool:
    """Return whether the estimates are rates in per cent of their own whole counts, with intervals."""
    if not {f"{column}_earlier" for column in _COUNTS} <= set(both.columns):
        return False
    for suffix in ("_earlier", ""):
        x, n, p = (both[f"{column}{suffix}"].to_numpy(float) for column in (*_COUNTS, "estimate"))
        seen = n > 0
        if not np.allclose(100 * x[seen] / n[seen], p[seen], rtol=1e-12, atol=0):
            return False
        if (both["conf_low" + suffix].isna() & seen).any() or (x[seen] != np.rint(x[seen])).any():
            return False
    return True


def _tabled(
    both: pd.DataFrame, keys: list[str], moved: _Moved, measure: Measure, adjust: Any, alpha: float
) -> pd.DataFrame:
    d, later = moved.found, both["estimate"].to_numpy()
    none = {"points": 0.0, "ratio": 1.0, "index": 100.0}[measure]
    known = ~np.isnan(d.low) & ~np.isnan(d.high)
    clear = known & ((d.low > none) | (d.high < none))
    p_adjusted = multiplicity.adjusted(moved.p, method=adjust)
    shown = clear & ((p_adjusted <= alpha) if adjust != "none" else True)
    unknown = ~known | (np.isnan(p_adjusted) if adjust != "none" else False)
    rose = np.where(d.estimate > none, "rose", "fell")
    vintage = {"vintage", "vintage_earlier"} <= set(both.columns)
    over = both["vintage"].ne(both["vintage_earlier"]).to_numpy() if vintage else np.zeros(len(both), bool)
    return both[keys].assign(
        estimate=d.estimate,
        std_error=d.std_error,
        conf_low=d.low,
        conf_high=d.high,
        n=np.nan,
        compared_with=both["compared_with"].to_numpy(dtype=object),
        earlier=both["estimate_earlier"].to_numpy(),
        later=later,
        direction=_direction(later - both["estimate_earlier"].to_numpy(), later),
        clear=pd.Series(clear, index=both.index, dtype="boolean").where(known),
        p=moved.p,
        p_adjusted=p_adjusted,
        verdict=np.select([unknown, shown], ["", rose], default="no clear change").astype(object),
        over_break=over,
    )


def _direction(d: np.ndarray, later: np.ndarray) -> np.ndarray:
    same = np.abs(d) <= _SAME * np.maximum(1.0, np.abs(later))
    return np.select([np.isnan(d), same, d > 0], ["", "flat", "up"], default="down").astype(object)
