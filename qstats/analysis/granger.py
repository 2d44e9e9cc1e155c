"""Whether the past of one series helps to foretell another: Granger's test, given enough periods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis import given
from qstats.analysis.series import Series, series_of
from qstats.errors import DataError, OptionError, one_of, whole_number, within_0_1, yes_or_no
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import granger as formulas
from qstats.stats import multiplicity

Array = NDArray[np.float64]
#: periods in common that are needed; see docs/methods/granger.md
LEAST: Final = 40
#: and as many a lag in the largest regression
_A_LAG: Final = 10


class GrangerFound(NamedTuple):
    """What foretells what, and what that does not show; see :func:`granger`."""

    table: pd.DataFrame
    notes: tuple[str, ...]


def granger(
    quality: Estimate,
    economy: Mapping[str, Estimate],
    /,
    *,
    max_lag: int = 4,
    integrated: int = 1,
    trend: bool = True,
    adjust: multiplicity.Adjustment = "holm",
    level: float = 0.95,
    lang: str | None = None,
) -> GrangerFound:
    r"""Test whether the economy's past helps to foretell quality, and the other way round.

    .. math:: y_t = c + \gamma t + \sum_{k=1}^{p+d} a_k y_{t-k} + \sum_{k=1}^{p+d} b_k x_{t-k} + u_t, \qquad
              H_0: b_1 = \dots = b_p = 0

    p has the least BIC; d lags more are put in and not tested, so that F has its law for series that wander
    (Toda and Yamamoto). Needs 40 periods in common, and 10 a lag: in 20, a relation as strong as half the
    noise is found one time in three; see the page of methods. Formulas in :mod:`qstats.stats.granger`.

    Parameters
    ----------
    quality : Estimate
        One series: a key ``period``, all other keys of one value.
    economy : mapping of str → Estimate
        Name → series of the same frequency. The periods in common are used.
    max_lag : int
        Most lags that BIC may choose.
    integrated : {0, 1, 2}
        d: how often the series must be differenced to be stationary. 0 is Granger's own test: of series
        that wander it rejects in 15 of 100 pairs where nothing is.
    trend : bool
        Whether a straight trend is in the equations. Without it, two series that rise foretell each other.
    adjust : {"holm", "bh", "hochberg", "bonferroni", "sidak", "by", "none"}
        Adjustment of the p-values for all series and both directions.
    level : float
        1 − level is the size of the test behind ``verdict``.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    GrangerFound
        * ``table``: two rows a series: ``series, direction`` (``economy first``, ``quality first``),
          ``lags, added, n`` (periods in common), ``statistic`` (F), ``df, p, p_adjusted, r_partial`` (share
          of what the own past leaves open), ``residual_p`` (Ljung and Box: small where lags are too few) and
          ``verdict``:
          ``helps predict``, ``no clear sign``, or ``cannot say`` where residuals still depend on each other
          (5 %).
        * ``notes``: what it does not show.

    Raises
    ------
    DataError
        Fewer periods than needed (how many is said), gaps, several series, other frequencies, a constant
        series.
    OptionError
        A choice that does not exist or is out of range.

    References
    ----------
    Granger (1969), Econometrica 37, 424–438. Toda & Yamamoto (1995), Journal of Econometrics 66, 225–250.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> e = rng.normal(size=(2, 60))
    >>> x, y = e[0].cumsum(), (e[1] + np.r_[0, 0.8 * e[0, :-1]]).cumsum()
    >>> when = [f"{2008 + i // 4}Q{i % 4 + 1}" for i in range(60)]
    >>> def made(values, name):
    ...     table = pd.DataFrame({"period": when, "estimate": values, "std_error": np.nan, "n": 1})
    ...     table = table.assign(conf_low=np.nan, conf_high=np.nan)
    ...     return Estimate(table, indicator=name, unit="score", method="given")
    >>> found = granger(made(y, "quality"), {"orders": made(x, "orders")}, lang="en")
    >>> found.table[["direction", "lags", "verdict"]].values.tolist()
    [['economy first', 1, 'helps predict'], ['quality first', 1, 'no clear sign']]
    """
    given.one(quality, lang, argument="quality")
    given.several("economy", economy, lang)
    whole_number("max_lag", max_lag, least=1)
    one_of("integrated", integrated, (0, 1, 2))
    yes_or_no("trend", trend)
    one_of("adjust", adjust, multiplicity.ADJUSTMENT)
    within_0_1("level", level)
    if not economy:
        raise OptionError(say("granger.nothing", lang))
    need = max(LEAST, _A_LAG * max_lag)
    y = _one(quality, quality.indicator, lang)
    rows: list[dict[str, Any]] = []
    for name, estimate in economy.items():
        q, e = _together(y, _one(estimate, name, lang), name, need, lang)
        for direction, (x, target) in {"economy first": (e, q), "quality first": (q, e)}.items():
            lags = formulas.choose_lags(x, target, most=max_lag, trend=trend)
            test = formulas.precedes(x, target, lags=lags, added=integrated, trend=trend)
            rows.append({"series": name, "direction": direction, "n": q.size, **test._asdict()})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = multiplicity.adjusted(table["p"].to_numpy(), method=adjust)
    clear, doubtful = table["p_adjusted"] <= 1 - level, table["residual_p"] <= 0.05
    words = np.select([doubtful, clear], ["cannot say", "helps predict"], "no clear sign")
    columns = ["series", "direction", "lags", "added", "n", "statistic", "df", "p", "p_adjusted", "r_partial"]
    table = table.assign(verdict=words.astype(object))[[*columns, "residual_p", "verdict"]]
    notes = tuple(say(f"granger.note.{key}", lang) for key in ("cause", "third", "step"))
    return GrangerFound(table, notes if integrated else (*notes, say("granger.note.levels", lang)))


def _one(estimate: Estimate, name: str, lang: str | None) -> Series:
    parts = series_of(estimate, need=1, what="granger()", lang=lang)
    if len(parts) != 1:
        raise DataError(say("granger.several", lang, name=name, count=len(parts)))
    return parts[0]


def _together(y: Series, x: Series, name: str, need: int, lang: str | None) -> tuple[Array, Array]:
    if y.per_year != x.per_year:
        raise DataError(say("granger.frequency", lang, name=name, have=y.labels[0], other=x.labels[0]))
    common = np.intersect1d(y.at, x.at)
    if common.size < need:
        raise DataError(say("granger.short", lang, name=name, have=common.size, need=need))
    return y.y[np.isin(y.at, common)], x.y[np.isin(x.at, common)]
