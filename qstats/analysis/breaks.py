"""Whether a series breaks, and where."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import periods
from qstats.analysis import given
from qstats.analysis.series import Series, series_of
from qstats.errors import DataError, OptionError, one_of, real_number, whole_number
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.stats import autocorrelation as corrections
from qstats.stats import break_dates, break_paths
from qstats.stats import breaks as formulas

Dependent = Literal["refuse", "ignore"]
Test = Literal["chow", "supF", "aveF", "expF", "mosum", "ols-cusum", "rec-cusum", "several"]
TESTS: Final = ("chow", "supF", "aveF", "expF", "mosum", "ols-cusum", "rec-cusum", "several")

_NEED: Final = {"level": 10, "trend": 14}
#: several breaks are not looked for in fewer values
_NEED_SEVERAL: Final = {"level": 20, "trend": 30}
#: below this many values a coefficient the limit distribution of supF rejects too often
_LONG: Final = 40
#: which options a test takes besides those that all take
_TAKES: Final = {
    "chow": ("after",),
    "supF": ("trim",),
    "aveF": ("trim", "n_draws", "seed"),
    "expF": ("trim", "n_draws", "seed"),
    "mosum": ("trim", "n_draws", "seed"),
    "ols-cusum": ("n_draws", "seed"),
    "rec-cusum": (),
    "several": ("trim", "most", "n_draws", "seed"),
}
#: tests whose date is the least-squares one, so that it has limits
_DATED: Final = ("supF", "aveF", "expF", "several")


class _How(NamedTuple):
    """The options of a test."""

    test: Test
    after: str | None
    model: formulas.Model
    trim: float
    most: int
    n_draws: int
    seed: int
    refuse: bool
    level: float
    lang: str | None


class _Found(NamedTuple):
    """What a test says of one series."""

    statistic: float
    p: float
    after: tuple[int, ...]
    cusum_p: float
    r: float
    p_r: float
    broken: bool


def breaks(
    estimate: Estimate,
    /,
    *,
    test: Test | None = None,
    after: str | None = None,
    model: formulas.Model = "level",
    dependent: Dependent = "refuse",
    trim: float | None = None,
    most: int | None = None,
    n_draws: int | None = None,
    seed: int | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    """Test each series for breaks of its level, or of its straight line.

    ======================  ========================================================  ======================
    test                    question                                                  p-value
    ======================  ========================================================  ======================
    ``chow``                does it break at `after`, fixed beforehand?               F
    ``supF``                does it break once, and where?                            limit law of searches
    ``aveF``, ``expF``      does it break once? More power where the break is small   drawn series
    ``mosum``               is there a stretch that is off?                           drawn series
    ``ols-cusum``           do residuals add up?                                      drawn series
    ``rec-cusum``           does each value go on from those before?                  limit law
    ``several``             how many breaks, and where? The least BIC                 drawn series
    ======================  ========================================================  ======================

    `after` must have been fixed for a reason outside the series (a new law, a new definition).
    Neighbouring values that depend on each other look like breaks, so that is checked first. Formulas in
    :mod:`qstats.stats.breaks`, :mod:`qstats.stats.break_paths`, :mod:`qstats.stats.break_dates`.

    Parameters
    ----------
    estimate : Estimate
        With a key ``period``; series without gaps. Its ``level`` is that of tests and limits.
    test : optional
        By default ``chow`` where `after` is given, and ``supF`` without.
    after : str, optional
        The last period before the break, for ``chow``.
    model : {"level", "trend"}
    dependent : {"refuse", "ignore"}
        Where values within the segments still depend on those before (Ljung and Box, 5 %): say
        ``cannot say``, or test all the same.
    trim : float, optional
        Smallest share of the series in a segment, or the window of ``mosum``; 0.15.
    most : int, optional
        Most breaks of ``several``; 5.
    n_draws, seed : int, optional
        Drawn series behind a p-value, 9,999 (of ``several`` 999), and where they begin, 0.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        One row a series, or of ``several`` one row a break: its keys, ``test``, ``statistic, p`` (of
        ``several``: by how much BIC falls, and how often it falls as far without a break), ``after`` (last
        period before the break; empty where the test names none), ``after_low, after_high`` (its limits, cut
        to the series; empty unless a break is found and its date came from least squares), ``level_before,
        level_before_se, level_after, level_after_se`` (fitted values on either side of the break),
        ``change, change_se`` (between them; of a line, at the first period behind), ``cusum_p`` (recursive
        CUSUM, a second opinion), ``r`` (lag-one autocorrelation within the segments) and its ``p_r``, ``n``
        and ``verdict``: ``break``, ``no clear break``, ``cannot say``. Levels and their errors take the date
        as known.

    Raises
    ------
    DataError
        A series is too short (how many values are needed is said), has gaps, or lacks `after`.
    OptionError
        A choice that does not exist, or an option that the test does not use.

    References
    ----------
    Chow (1960), Econometrica 28; Andrews (1993), Econometrica 61; Andrews & Ploberger (1994), Econometrica
    62; Brown, Durbin & Evans (1975), JRSS B 37; Bai & Perron (2003), Journal of Applied Econometrics 18.

    Examples
    --------
    >>> row = {"std_error": 1.0, "conf_low": 0.0, "conf_high": 0.0, "n": 100}
    >>> y = [95.0, 94.9, 95.4, 94.6, 94.9, 95.5, 95.3, 93.5, 93.1, 93.3, 93.3, 94.1]
    >>> table = pd.DataFrame([{"period": str(2012 + i), "estimate": v, **row} for i, v in enumerate(y)])
    >>> rate = Estimate(table, indicator="pass rate", unit="%", method="given")
    >>> found = breaks(rate)
    >>> found[["test", "after", "after_low", "after_high", "verdict"]].values.tolist()
    [['supF', '2018', '2017', '2019', 'break']]
    >>> found[["change", "change_se"]].round(2).values.tolist()
    [[-1.63, 0.21]]
    """
    given.one(estimate, lang)
    asked = {"after": after, "trim": trim, "most": most, "n_draws": n_draws, "seed": seed}
    how = _how(test, model, dependent, estimate.level, asked, lang)
    others = [key for key in estimate.keys if key != "period"]
    need = (_NEED_SEVERAL if how.test == "several" else _NEED)[model]
    what = f"breaks(test={how.test!r}, model={model!r})"
    rows: list[dict[str, Any]] = []
    for s in series_of(estimate, need=need, what=what, lang=lang):
        names = dict(zip(others, s.name, strict=True))
        rows += [{**names, **row} for row in _rows(s, _tested(s, how), how)]
    return pd.DataFrame(rows)


def _how(
    test: Test | None,
    model: formulas.Model,
    dependent: Dependent,
    level: float,
    asked: dict[str, Any],
    lang: str | None,
) -> _How:
    language(lang)
    one_of("dependent", dependent, ("refuse", "ignore"))
    one_of("model", model, ("level", "trend"))
    one_of("test", test, (None, *TESTS))
    chosen: Test = test or ("supF" if asked["after"] is None else "chow")
    for option, value in asked.items():
        if value is not None and option not in _TAKES[chosen]:
            raise OptionError(say("breaks.unused", lang, test=chosen, option=option))
    trim = 0.15 if asked["trim"] is None else asked["trim"]
    most, n_draws, seed = (
        usual if asked[name] is None else asked[name]
        for name, usual in (("most", 5), ("n_draws", 999 if chosen == "several" else 9_999), ("seed", 0))
    )
    real_number("trim", trim, above=0, below=0.5)
    for name, value, least in (("most", most, 1), ("n_draws", n_draws, 99), ("seed", seed, 0)):
        whole_number(name, value, least=least)
    if chosen == "chow" and not isinstance(asked["after"], (str, int)):
        raise OptionError(f"after={asked['after']!r}: test='chow' needs the last period before the break")
    return _How(chosen, asked["after"], model, trim, most, n_draws, seed, dependent == "refuse", level, lang)


def _tested(s: Series, how: _How) -> _Found:
    flat = np.ptp(s.y) == 0
    found = formulas.Break(0.0, 1.0, 0) if flat else _statistic(s, how)
    if how.test == "several" and not flat:
        after: tuple[int, ...] = break_dates.best(_divisions(s, how)).after
    elif how.test == "chow":
        after = (_place(s, how),)
    else:
        after = (found.after,) if found.after else ()
    cusum = formulas.Break(0.0, 1.0, 0) if flat else formulas.recursive_cusum(s.y, model=how.model)
    r, p_r = _dependence(s, after, how.model)
    broken = bool(found.p <= 1 - how.level)
    return _Found(found.statistic, found.p, after, cusum.p, r, p_r, broken)


def _statistic(s: Series, how: _How) -> formulas.Break:
    if how.test == "chow":
        return formulas.chow(s.y, after=_place(s, how), model=how.model)
    if how.test == "supF":
        k = 1 if how.model == "level" else 2
        tail: formulas.Tail = "matched" if s.y.size < _LONG * k else "asymptotic"
        return formulas.sup_f(s.y, model=how.model, trim=how.trim, tail=tail)
    if how.test == "rec-cusum":
        return formulas.recursive_cusum(s.y, model=how.model)
    if how.test == "several":
        every = _divisions(s, how)
        p = break_paths.bic_p(
            s.y, model=how.model, trim=how.trim, most=how.most, n_draws=how.n_draws, seed=how.seed
        )
        return formulas.Break(every[0].bic - break_dates.best(every).bic, p, 0)
    return break_paths.by_draws(
        s.y, kind=how.test, model=how.model, trim=how.trim, n_draws=how.n_draws, seed=how.seed
    )


def _divisions(s: Series, how: _How) -> list[break_dates.Segments]:
    return break_dates.several(s.y, model=how.model, trim=how.trim, most=how.most)


def _place(s: Series, how: _How) -> int:
    wanted = periods.normalise(how.after)
    if wanted not in s.labels[:-1]:
        have = f"{s.labels[0]}–{s.labels[-2]}"
        raise DataError(say("breaks.after", how.lang, series=s.title, after=how.after, have=have))
    return s.labels.index(wanted) + 1


def _dependence(s: Series, after: tuple[int, ...], model: formulas.Model) -> tuple[float, float]:
    """Return the lag-one autocorrelation within the segments, and Ljung and Box's p."""
    X = formulas.regressors(s.y.size, model)
    parts = np.split(np.arange(s.y.size), list(after))
    e = np.concatenate([s.y[a] - X[a] @ np.linalg.lstsq(X[a], s.y[a])[0] for a in parts])
    if np.ptp(e) <= 1e-12 * np.abs(s.y).max():
        return np.nan, np.nan
    _, p_r = corrections.ljung_box(e, min(4, s.y.size // 5))
    return float(corrections.acf(e, 1)[0, 0]), p_r


def _rows(s: Series, found: _Found, how: _How) -> list[dict[str, Any]]:
    """Return one row a break, or one for none."""
    doubtful = how.refuse and found.p_r <= 0.05
    verdict = "cannot say" if doubtful else "break" if found.broken else "no clear break"
    common: dict[str, Any] = {"test": "constant" if np.ptp(s.y) == 0 else how.test}
    common |= {"statistic": found.statistic, "p": found.p}
    tail = {"cusum_p": found.cusum_p, "r": found.r, "p_r": found.p_r, "n": s.y.size, "verdict": verdict}
    limits = []
    if verdict == "break" and how.test in _DATED:
        limits = break_dates.date_limits(s.y, found.after, model=how.model, level=how.level)
    parts = break_dates.segments(s.y, found.after, model=how.model)
    changes = break_dates.jumps(s.y, found.after, model=how.model)
    if not found.after:
        nothing = dict.fromkeys(("after", "after_low", "after_high"), "")
        level, se = parts[0].last
        sides = {"level_before": level, "level_before_se": se, "level_after": np.nan}
        sides |= dict.fromkeys(("level_after_se", "change", "change_se"), np.nan)
        return [common | nothing | sides | tail]
    rows = []
    for i, k in enumerate(found.after):
        dates = [s.labels[at - 1] for at in _cut(limits[i], s.y.size)] if limits else ["", ""]
        where = {"after": s.labels[k - 1], "after_low": dates[0], "after_high": dates[1]}
        (before, before_se), (behind, behind_se) = parts[i].last, parts[i + 1].first
        sides = {"level_before": before, "level_before_se": before_se, "level_after": behind}
        sides |= {"level_after_se": behind_se, "change": changes[i][0], "change_se": changes[i][1]}
        rows.append(common | where | sides | tail)
    return rows


def _cut(limits: break_dates.DateLimits, n: int) -> NDArray[np.intp]:
    return np.clip([limits.low, limits.high], 1, n - 1)
