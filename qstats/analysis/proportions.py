"""An Estimate of rates as the arrays that formulas of proportions take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say

Array = NDArray[np.float64]


class Proportions(NamedTuple):
    """Rates between 0 and 1; every field has one entry a row of the estimate."""

    p: Array
    se: Array
    n: Array
    df: Array
    #: what one is in the unit of the estimate: 100 for per cent
    whole: float


def proportions(estimate: Estimate, /, *, lang: str | None = None) -> Proportions:
    """Return the rates of an estimate with their errors, sizes and degrees of freedom.

    Degrees of freedom are the column ``df``, otherwise n − 1. Counts seen as draws from a process
    (superpopulation, with ``numerator`` and ``denominator``) have the error √(p(1−p)/n). Where the
    inference is ``none`` the error and the size are unknown.

    Parameters
    ----------
    estimate : Estimate
        Rates, in per cent or between 0 and 1.
    lang : {"zh", "en"}, optional
        Language of messages.

    Raises
    ------
    DataError
        A value is not between 0 and 1 (0 and 100 %).
    """
    table = estimate.table
    whole = 100.0 if estimate.unit == "%" else 1.0
    p, se, n = (table[name].to_numpy(float) for name in ("estimate", "std_error", "n"))
    outside = (p < -1e-9 * whole) | (p > whole * (1 + 1e-9))
    if outside.any():
        raise DataError(
            say(
                "proportions.range",
                lang,
                indicator=estimate.indicator,
                value=p[outside][0],
                whole=whole,
                unit=estimate.unit,
            )
        )
    p, se = np.clip(p / whole, 0, 1), se / whole
    if estimate.inference == "superpopulation" and {"numerator", "denominator"} <= set(table.columns):
        n = table["denominator"].to_numpy(float)
        se = np.sqrt(p * (1 - p) / np.where(n > 0, n, np.nan))
    df = table["df"].to_numpy(float) if "df" in table else n - 1
    if estimate.inference == "none":
        unknown = np.full(len(p), np.nan)
        return Proportions(p, unknown, unknown, unknown, whole)
    return Proportions(p, se, n, df, whole)
