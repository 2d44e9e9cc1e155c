"""Acceptance: is a rate at least what is required, and how large a sample can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from qstats.analysis import given
from qstats.analysis.proportions import proportions
from qstats.errors import OptionError, one_of, real_number, within_0_1
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.stats import sample_size as sizes
from qstats.stats.acceptance import Side, decide

if TYPE_CHECKING:
    import pandas as pd

_UNKNOWN: Final = "not estimable: the error is not known (inference: none)"


def accept(
    estimate: Estimate,
    p0: float,
    /,
    *,
    confidence: float = 0.95,
    side: Side = "at least",
    deff_at_bounds: float = 1.0,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Decide for every row whether the rate of the population is at least (at most) p₀.

    By one-sided bounds that are exact on the effective number of observations (Korn and Graubard):
    "at least p₀" is accepted when the lower bound reaches p₀, rejected when the upper bound stays
    below it, and otherwise the sample cannot say. Each error has a probability of at most
    1 − `confidence`. Several rows are several decisions, each with its own errors.

    Parameters
    ----------
    estimate : Estimate
        Rates with their errors, in per cent or between 0 and 1. ``df`` is used where it is a column.
    p0 : float
        The rate required, in the unit of the estimate: 95 is 95 %.
    confidence : float
        Confidence of each bound, from 0.5 to below 1.
    side : {"at least", "at most"}
        Which claim is decided on; ``at most`` for failures and losses.
    deff_at_bounds : float
        Design effect taken at 0 and 100 %, where the sample does not show it.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    DataFrame
        The keys, ``estimate, p0, bound_low, bound_high`` (in the unit of the estimate), ``n, n_eff, df``,
        ``decision`` (``accept``, ``reject``, ``cannot say``) and ``reason``: why there are no bounds.

    Raises
    ------
    DataError
        The values are no rates.
    OptionError
        `p0` is out of range, or written as a fraction where the unit is per cent.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26. Korn & Graubard (1998), Survey Methodology 24.

    Examples
    --------
    All of 59, and 58 of 59: is it at least 95 %?

    >>> from qstats.indicators import inspection_pass_rate
    >>> checks = {"region": ["安徽", "江苏"], "inspected": [59, 59], "passed": [59, 58]}
    >>> rate = inspection_pass_rate.inspection_pass_rate(checks, by="region")
    >>> accept(rate, 95)[["region", "bound_low", "decision"]].round(2).values.tolist()
    [['安徽', 95.05, 'accept'], ['江苏', 92.21, 'cannot say']]
    """
    given.one(estimate, lang)
    real_number("deff_at_bounds", deff_at_bounds, above=0)
    within_0_1("confidence", confidence)
    one_of("side", side, get_args(Side))
    rates = proportions(estimate, lang=lang)
    _check_p0(p0, rates.whole, estimate.unit, side, lang)
    found = decide(
        rates.p,
        rates.se,
        rates.n,
        rates.df,
        p0 / rates.whole,
        confidence=confidence,
        side=side,
        deff_at_bounds=deff_at_bounds,
    )
    table = estimate.table
    reason = np.full(len(table), _UNKNOWN, object) if estimate.inference == "none" else found.reason
    return table[[*estimate.keys, "estimate"]].assign(
        p0=float(p0),
        bound_low=rates.whole * found.low,
        bound_high=rates.whole * found.high,
        n=table["n"],
        n_eff=found.n_eff,
        df=rates.df,
        decision=found.decision,
        reason=reason,
    )


def sample_size(
    rate: float | Sequence[float],
    /,
    *,
    half_width: float | Sequence[float] | None = None,
    p0: float | Sequence[float] | None = None,
    confidence: float = 0.95,
    power: float | None = None,
    deff: float | Sequence[float] = 1.0,
    population: float | None = None,
    method: sizes.Width | sizes.Test | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Return how many observations are needed, for every combination of what is given.

    To estimate a rate to within `half_width`, or to show that it exceeds `p0` when it is `rate`. The
    simple sample n₀ is enlarged by the design effect d and reduced by a finite population N:

    .. math:: n = \Bigl\lceil \frac{d\,n_0}{1 + (d\,n_0 - 1)/N} \Bigr\rceil

    Parameters
    ----------
    rate : float or sequence
        Expected rate, in per cent.
    half_width : float or sequence, optional
        To estimate: half the length of the two-sided interval, in percentage points.
    p0 : float or sequence, optional
        To test: the rate to be exceeded, in per cent, below `rate`.
    confidence : float
        Of the interval; of the one-sided test.
    power : float, optional
        To test: the probability to succeed when the rate is `rate`. By default 0.8.
    deff : float or sequence
        Design effect.
    population : float, optional
        Size of the population; endless when left out.
    method : optional
        To estimate: ``wald`` (default), ``wilson``, ``clopper-pearson``, the interval that is to be that
        short. To test: ``exact`` (default), the binomial test; ``normal``, its approximation.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    DataFrame
        One row a combination: ``purpose, rate``, ``half_width`` or ``p0``, ``confidence, deff,
        population, n_simple, n``; to test also ``power`` (asked for), ``failures_allowed``,
        ``size_achieved`` and ``power_achieved``: the plan of the simple sample, exact by the binomial. With
        a design effect or a finite population the plan is that of an effective sample.

    Raises
    ------
    OptionError
        Both or neither of `half_width` and `p0`; a rate that is none; an option without effect.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., chapter 4. Fleiss, Levin & Paik (2003), section 2.5.

    Examples
    --------
    >>> sample_size(97, half_width=[1, 2])["n"].tolist()
    [1118, 280]
    >>> sample_size(97, p0=90, deff=1.5)[["n_simple", "n", "failures_allowed"]].values.tolist()
    [[76, 114, 3]]
    """
    if (half_width is None) == (p0 is None):
        raise OptionError(say("acceptance.one_question", lang))
    if half_width is not None and power is not None:
        purpose = say("acceptance.to_test", lang)
        raise OptionError(say("acceptance.unused", lang, name="power", purpose=purpose))
    language(lang)
    within_0_1("confidence", confidence)
    if power is not None:
        within_0_1("power", power, hint="80 % is 0.8")
    one_of("method", method, (None, *get_args(sizes.Width), *get_args(sizes.Test)))
    rates, deffs, N = _many(rate), _many(deff), _population(population)
    if half_width is not None:
        asked = list(product(rates, _many(half_width)))
        rows = [_to_estimate(pi, h, confidence, method or "wald", lang) for pi, h in asked]
    else:
        asked = list(product(rates, _many(p0)))
        rows = [_to_test(pi, p, confidence, power, method or "exact", lang) for pi, p in asked]
    return _sized(rows, deffs, N)


def _population(size: float | None) -> float:
    """Return the size of the population, infinite where none is given."""
    if size is None or (isinstance(size, float) and size == math.inf):
        return math.inf
    real_number("population", size, least=1)
    return float(size)


def _sized(rows: list[dict[str, Any]], deffs: list[float], population: float) -> pd.DataFrame:
    import pandas as pd

    every = []
    for row, deff in product(rows, deffs):
        n0 = row["n_simple"]
        n = float(sizes.planned(n0, deff=deff, population=population))
        every.append(
            {**row, "deff": deff, "population": population, "n_simple": math.ceil(n0 - 1e-9), "n": int(n)}
        )
    table = pd.DataFrame(every)
    plan = [c for c in ("failures_allowed", "size_achieved", "power_achieved") if c in table]
    return table[[*(c for c in table if c not in (*plan, "n_simple", "n")), "n_simple", "n", *plan]]


def _to_estimate(rate: float, width: float, confidence: float, method: Any, lang: Any) -> dict[str, Any]:
    _percent(lang, rate=rate, half_width=width)
    n = sizes.size_for_width(rate / 100, width / 100, confidence=confidence, method=method)
    return {
        "purpose": "estimate",
        "rate": rate,
        "half_width": width,
        "confidence": confidence,
        "method": method,
        "n_simple": n,
    }


def _to_test(
    rate: float, p0: float, confidence: float, power: float | None, method: Any, lang: Any
) -> dict[str, Any]:
    _percent(lang, rate=rate, p0=p0)
    wanted = 0.8 if power is None else power
    plan = sizes.size_for_test(p0 / 100, rate / 100, confidence=confidence, power=wanted, method=method)
    return {
        "purpose": "test",
        "rate": rate,
        "p0": p0,
        "confidence": confidence,
        "power": wanted,
        "method": method,
        "n_simple": plan.n,
        "failures_allowed": plan.n - plan.least,
        "size_achieved": plan.error,
        "power_achieved": plan.power,
    }


def _percent(lang: str | None, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 100:
            raise OptionError(say("acceptance.percent", lang, name=name, value=value))


def _check_p0(p0: float, whole: float, unit: str, side: Side, lang: str | None) -> None:
    real_number("p0", p0)
    if not 0 <= p0 <= whole:
        raise OptionError(say("acceptance.p0", lang, value=p0, whole=whole, unit=unit))
    if whole == 100 and side == "at least" and 0 < p0 <= 1:  # 0.95 is meant to be 95 %
        raise OptionError(say("acceptance.scale", lang, value=p0))


def _many(value: Any) -> list[float]:
    try:
        every = [value] if np.ndim(value) == 0 else list(value)
        found = [] if any(isinstance(v, bool) for v in every) else [float(v) for v in every]
    except (TypeError, ValueError):
        found = []
    if not found:
        raise OptionError(f"{value!r:.200} is neither a number nor a list of numbers")
    return found
