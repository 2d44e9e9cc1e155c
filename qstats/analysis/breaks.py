"""Whether a series breaks, and where."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis.series import Series, series_of
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import autocorrelation as corrections
from qstats.stats import breaks as formulas

Dependent = Literal["refuse", "ignore"]

_NEED: Final = {"level": 10, "trend": 14}
#: below this many values a coefficient the limit distribution of supF rejects too often
_LONG: Final = 40


class _Tested(NamedTuple):
    test: str
    found: formulas.Break
    cusum: formulas.Break
    r: float
    p_r: float


def breaks(
    estimate: Estimate,
    /,
    *,
    after: str | None = None,
    model: formulas.Model = "level",
    dependent: Dependent = "refuse",
    lang: str | None = None,
) -> pd.DataFrame:
    """Test each series for one break of its level, or of its straight line.

    Chow's test at `after`, which must have been fixed beforehand for a reason outside the series (a new
    law, a new definition). Without it, the largest F over all middle dates, whose p-value counts that
    search. Neighbouring values that depend on each other look like breaks, so that is checked first.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; series without gaps.
    after : str, optional
        The last period before the break.
    model : {"level", "trend"}
    dependent : {"refuse", "ignore"}
        Where values on either side of the break still depend on those before (Ljung and Box, 5 %): say
        ``cannot say``, or test all the same.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row a series: its keys, ``test`` (``chow``, ``supF``), ``statistic, p, after`` (last period before
        the break), ``cusum_p`` (recursive CUSUM, a second opinion), ``r`` (lag-one autocorrelation within the
        two sides) and its ``p_r``, ``n`` and ``verdict``: ``break``, ``no clear break``, ``cannot say``.

    Raises
    ------
    DataError
        A series is too short (how many values are needed is said), has gaps, or lacks `after`.

    References
    ----------
    Chow (1960), Econometrica 28; Andrews (1993), Econometrica 61; Brown, Durbin & Evans (1975), JRSS B 37.

    Examples
    --------
    >>> row = {"std_error": 1.0, "conf_low": 0.0, "conf_high": 0.0, "n": 100}
    >>> y = [95.0, 94.9, 95.4, 94.6, 94.9, 95.5, 95.3, 93.5, 93.1, 93.3, 93.3, 94.1]
    >>> table = pd.DataFrame([{"period": str(2012 + i), "estimate": v, **row} for i, v in enumerate(y)])
    >>> rate = Estimate(table, indicator="pass rate", unit="%", method="given")
    >>> breaks(rate)[["test", "after", "verdict"]].values.tolist()
    [['supF', '2018', 'break']]
    """
    one_of("dependent", dependent, ("refuse", "ignore"))
    one_of("model", model, ("level", "trend"))
    others = [key for key in estimate.keys if key != "period"]
    rows = []
    for s in series_of(estimate, need=_NEED[model], what=f"breaks(model={model!r})", lang=lang):
        t = _tested(s, after, model, lang)
        doubtful = dependent == "refuse" and t.p_r <= 0.05
        clear = t.found.p <= 1 - estimate.level
        rows.append(
            {
                **dict(zip(others, s.name, strict=True)),
                "test": t.test,
                "statistic": t.found.statistic,
                "p": t.found.p,
                "after": s.labels[t.found.after - 1],
                "cusum_p": t.cusum.p,
                "r": t.r,
                "p_r": t.p_r,
                "n": s.y.size,
                "verdict": "cannot say" if doubtful else "break" if clear else "no clear break",
            }
        )
    return pd.DataFrame(rows)


def _tested(s: Series, after: str | None, model: formulas.Model, lang: str | None) -> _Tested:
    k = 1 if model == "level" else 2
    if np.ptp(s.y) == 0:
        nothing = formulas.Break(0.0, 1.0, s.y.size // 2)
        return _Tested("constant", nothing, nothing, np.nan, np.nan)
    if after is None:
        tail: formulas.Tail = "matched" if s.y.size < _LONG * k else "asymptotic"
        test, found = "supF", formulas.sup_f(s.y, model=model, tail=tail)
    else:
        wanted = periods.normalise(after)
        if wanted not in s.labels[:-1]:
            name = s.title
            raise DataError(
                say("breaks.after", lang, series=name, after=after, have=f"{s.labels[0]}–{s.labels[-2]}")
            )
        test, found = "chow", formulas.chow(s.y, after=s.labels.index(wanted) + 1, model=model)
    e = _residuals(s.y, found.after, model)
    lags = min(4, s.y.size // 5)
    if np.ptp(e) <= 1e-12 * np.abs(s.y).max():
        return _Tested(test, found, formulas.recursive_cusum(s.y, model=model), np.nan, np.nan)
    _, p_r = corrections.ljung_box(e, lags)
    return _Tested(
        test, found, formulas.recursive_cusum(s.y, model=model), float(corrections.acf(e, 1)[0, 0]), p_r
    )


def _residuals(y: NDArray[np.float64], after: int, model: formulas.Model) -> NDArray[np.float64]:
    X = formulas.regressors(y.size, model)
    sides = [slice(0, after), slice(after, y.size)]
    return np.concatenate([y[a] - X[a] @ np.linalg.lstsq(X[a], y[a])[0] for a in sides])
