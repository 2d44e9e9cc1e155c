"""The rules by which an outbreak is called: which options each takes, and what it says of the last period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qstats.errors import OptionError, one_of, whole_number, within_0_1, yes_or_no
from qstats.messages import say
from qstats.stats.farrington_flexible import THRESHOLDS, Threshold, farrington_flexible
from qstats.stats.outbreak import farrington
from qstats.stats.short_baselines import Short, ears, rki

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Method = Literal["farrington", "flexible", "C1", "C2", "C3", "rki"]
METHODS: Final = ("farrington", "flexible", "C1", "C2", "C3", "rki")

_EARLIER: Final = ("years", "half_width")
#: which options a rule takes
TAKES: Final = {
    "farrington": (*_EARLIER, "alpha", "trend", "power", "fdr"),
    "flexible": (*_EARLIER, "alpha", "trend", "parts", "skip", "threshold", "fdr"),
    "C1": ("alpha", "baseline", "fdr"),
    "C2": ("alpha", "baseline", "fdr"),
    "C3": ("alpha", "baseline"),
    "rki": _EARLIER,
}
#: periods on either side of the season, steps of the season, periods left out: by periods in a year
_WIDTH: Final = {12: 3, 4: 1, 2: 1, 1: 0}
_NARROW: Final = {12: 1, 4: 0, 2: 0, 1: 0}
_PARTS: Final = {12: 4, 4: 4, 2: 2, 1: 1}
_SKIP: Final = {12: 6, 4: 2, 2: 1, 1: 0}
_RKI: Final = {12: 2, 4: 1, 2: 0, 1: 0}


class Judged(NamedTuple):
    """What a rule says of the last period; every field has shape (series,)."""

    expected: Array
    upper: Array
    score: Array
    alarm: Mask
    #: chance of as many, one-sided; NaN where the rule has none
    p: Array


class Rule(NamedTuple):
    """A rule with its options settled.

    Attributes
    ----------
    judge : callable
        From counts of shape (series, T) to what is said of the last.
    needed : int
        Periods that it needs before and with the one judged.
    years : int
        0 where earlier years are not used.
    fdr : float
        1 where there are no p-values.
    """

    judge: Callable[[Array], Judged]
    needed: int
    years: int
    fdr: float


def rule(method: Method, season: int, given: dict[str, Any], lang: str | None) -> Rule:
    """Return the rule, or raise where an option is not its own.

    Parameters
    ----------
    method : one of METHODS
    season : int
        Periods in a year.
    given : dict
        Options by name; None is not given.
    lang : {"zh", "en"}, optional
    """
    one_of("method", method, METHODS)
    for name, value in given.items():
        if value is not None and name not in TAKES[method]:
            raise OptionError(say("outbreaks.unused", lang, method=method, option=name))
    asked = {name: value for name, value in given.items() if value is not None}
    _check(asked)
    fdr = asked.pop("fdr", 0.05) if "fdr" in TAKES[method] else 1.0
    if method in ("C1", "C2", "C3"):
        return _short(method, asked, fdr)
    if method == "rki":
        years, width = asked.get("years", 2), asked.get("half_width", _RKI[season])
        return Rule(_rki(season, years, width), season * years + width + 1, years, fdr)
    years = asked.get("years", 5)
    if method == "farrington":
        judge = _farrington(season, years, asked.get("half_width", _WIDTH[season]), asked)
    else:
        shape = (asked.get("half_width", _NARROW[season]), asked.get("parts", _PARTS[season]))
        judge = _flexible(season, years, shape, asked.get("skip", _SKIP[season]), asked)
    return Rule(judge, season * years + 1, years, fdr)


def _check(asked: dict[str, Any]) -> None:
    for name, least in (("years", 1), ("half_width", 0), ("parts", 1), ("skip", 0), ("baseline", 3)):
        if name in asked:
            whole_number(name, asked[name], least=least)
    for name in ("alpha", "fdr"):
        if name in asked:
            within_0_1(name, asked[name], hint="5 % is 0.05")
    if "trend" in asked:
        yes_or_no("trend", asked["trend"])
    for name, choices in (("power", ("2/3", "none")), ("threshold", THRESHOLDS)):
        if name in asked:
            one_of(name, asked[name], choices)


def _farrington(season: int, years: int, half_width: int, asked: dict[str, Any]) -> Callable[[Array], Judged]:
    alpha, power = asked.get("alpha", 0.01), asked.get("power", "2/3")
    trend = asked.get("trend", True)

    def judge(y: Array) -> Judged:
        at = farrington(
            y, season=season, years=years, half_width=half_width, alpha=alpha, trend=trend, power=power
        )
        return Judged(at.expected, at.upper, at.score, at.alarm, at.p)

    return judge


def _flexible(
    season: int, years: int, shape: tuple[int, int], skip: int, asked: dict[str, Any]
) -> Callable[[Array], Judged]:
    alpha = asked.get("alpha", 0.01)
    threshold: Threshold = asked.get("threshold", "negative-binomial")

    def judge(y: Array) -> Judged:
        at = farrington_flexible(
            y,
            season=season,
            years=years,
            half_width=shape[0],
            parts=shape[1],
            skip=skip,
            alpha=alpha,
            trend_p=1.0 if asked.get("trend", True) else 0.0,
            threshold=threshold,
        )
        return Judged(at.expected, at.upper, at.score, at.alarm, at.p)

    return judge


def _short(method: Literal["C1", "C2", "C3"], asked: dict[str, Any], fdr: float) -> Rule:
    from scipy.special import ndtr

    baseline, alpha = asked.get("baseline", 7), asked.get("alpha")

    def judge(y: Array) -> Judged:
        at = ears(y, method=method, baseline=baseline, alpha=alpha)
        none = np.full(len(y), np.nan)
        return _last(at, none if method == "C3" else np.asarray(ndtr(-at.score[:, -1]), float))

    extra = {"C1": 0, "C2": 2, "C3": 4}[method]
    return Rule(judge, baseline + extra + 1, 0, fdr)


def _rki(season: int, years: int, half_width: int) -> Callable[[Array], Judged]:
    def judge(y: Array) -> Judged:
        at = rki(y, season=season, years=years, half_width=half_width)
        return _last(at, np.full(len(y), np.nan))

    return judge


def _last(at: Short, p: Array) -> Judged:
    return Judged(at.expected[:, -1], at.upper[:, -1], at.score[:, -1], at.alarm[:, -1], p)
