"""Change over time, with its interval."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pandas as pd

from qstats import periods
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import trend

On = Literal["previous", "year"]

_MEASURED: Final = ["estimate", "conf_low", "conf_high", "std_error"]
#: binary noise of computed values; far below any digit that is printed
_SAME: Final = 1e-12


def change(estimate: Estimate, /, *, on: On = "previous", lang: str | None = None) -> Estimate:
    r"""Subtract from each period the one before it, or the same period of the year before.

    .. math:: d = \hat\theta_t - \hat\theta_{t-1}

    From unrounded values. The interval is MOVER's, built from the two intervals, which are taken as
    independent; see :func:`qstats.stats.trend.difference`.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; all its other keys are kept, and matched.
    on : {"previous", "year"}
        ``previous``: the period before (2023Q1 − 2022Q4, 环比); ``year``: the same period of the year
        before (2023Q1 − 2022Q1, 同比). For years they are the same.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys as before, ``period`` being the later one. The change of a rate is in percentage
        points (unit ``points``), of anything else in its own unit. ``n`` is missing: a change has
        none. Further columns: ``compared_with`` (the earlier period), ``earlier, later`` (the
        values), ``direction`` (``up``, ``down``, ``flat``; empty where a value is missing) and
        ``clear`` (whether the interval leaves out 0; missing when no interval is known, as for
        published figures). Periods without the earlier one are left out, and ``notes`` says so.

    Raises
    ------
    DataError
        No key ``period``, or no period that can be compared; the periods there are, are named.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", period=[2023, 2024])
    >>> moved = change(rate)
    >>> moved.table[["period", "compared_with", "direction"]].values.tolist(), round(moved.value(), 2)
    ([['2024', '2023', 'up']], 0.28)
    """
    one_of("on", on, ("previous", "year"))
    if "period" not in estimate.keys:
        raise DataError(say("change.no_period", lang, keys=", ".join(estimate.keys) or "—"))
    table = estimate.table
    before = {
        p: periods.previous(p) if on == "previous" else periods.year_before(p) for p in set(table["period"])
    }
    both = _paired(table.assign(compared_with=table["period"].map(before)), list(estimate.keys))
    if both.empty:
        have = ", ".join(sorted(before, key=periods.sort_key))
        raise DataError(say("change.nothing", lang, periods=have))
    left_out = sorted({p for p in before if p not in set(both["period"])}, key=periods.sort_key)
    notes = [say("change.left_out", lang, periods=", ".join(left_out))] if left_out else []
    return estimate.replace(
        _subtracted(both, list(estimate.keys)),
        unit="points" if estimate.unit == "%" else estimate.unit,
        method=f"change on the {'period' if on == 'previous' else 'year'} before, MOVER interval of "
        f"independent estimates; {estimate.method}",
        notes=(*estimate.notes, *notes),
    )


def _paired(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Put the earlier values beside the later ones, in the order of the table."""
    earlier = table[[*keys, *_MEASURED]].rename(columns={"period": "compared_with"})
    on = ["compared_with", *(key for key in keys if key != "period")]
    return table[table["compared_with"].notna()].merge(earlier, on=on, suffixes=("", "_earlier"))


def _subtracted(both: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    earlier, later = (
        trend.Measured(*(both[f"{column}{suffix}"].to_numpy() for column in _MEASURED))
        for suffix in ("_earlier", "")
    )
    d = trend.difference(earlier, later)
    known = ~np.isnan(d.low) & ~np.isnan(d.high)
    return both[keys].assign(
        estimate=d.estimate,
        std_error=d.std_error,
        conf_low=d.low,
        conf_high=d.high,
        n=np.nan,
        compared_with=both["compared_with"].to_numpy(dtype=object),
        earlier=earlier.estimate,
        later=later.estimate,
        direction=_direction(d.estimate, np.asarray(later.estimate)),
        clear=pd.Series((d.low > 0) | (d.high < 0), index=both.index, dtype="boolean").where(known),
    )


def _direction(d: np.ndarray, later: np.ndarray) -> np.ndarray:
    same = np.abs(d) <= _SAME * np.maximum(1.0, np.abs(later))
    return np.select([np.isnan(d), same, d > 0], ["", "flat", "up"], default="down").astype(object)
