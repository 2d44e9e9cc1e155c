"""The index of satisfaction of every group, with its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.errors import OptionError, one_of, within_0_1
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.answers import Survey
from qstats.satisfaction.replicated import Result, Statistic, errors_of, solve
from qstats.satisfaction.studies import Fitted, Study, require_study
from qstats.stats import intervals, path_bootstrap, path_index, sampling
from qstats.stats.covariance import Errors
from qstats.stats.path_index import Convention
from qstats.stats.pathmodel import Fit
from qstats.stats.satisfaction import points, residuals, srs_variance

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Index = NDArray[np.intp]

Interval = Literal["t", "logit", "percentile", "bca"]
#: share of failed replicates above which an error is not to be relied on
MANY: Final = 0.05


class Uncertain(NamedTuple):
    """What is known of R estimates, arrays of shape (R,)."""

    std_error: Array
    low: Array
    high: Array
    df: Array
    errors: Errors | None


def index(
    of: Study,
    /,
    *,
    index_of: str = "SAT",
    convention: Convention = "U",
    interval: Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Return the index of a construct for every group of a study, from 0 to 100.

    .. math:: I = 100\,\frac{\sum_j u_j (\bar x_j - a_j)}{\sum_j u_j (b_j - a_j)}

    Parameters
    ----------
    of : Study
    index_of : str
        The construct.
    convention : {"U", "S", "R", "M"}
        What u is: outer weights over standard deviations (U), outer weights of standardised items (S), of
        items as they are (R), or equal weights (M). They differ by about one standard error.
    interval : {"t", "logit", "percentile", "bca"}, optional
        By default t, cut to 0 and 100. The last two are quantiles of bootstrap replicates.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        In 分, with ``df``, ``deff`` (against as many respondents drawn at random, weights of items held
        fixed), ``n_eff``, ``failed`` (replicates without a fit) and ``flag``. Rows of one sample covary.
        Suppressed groups have no number, not even ``n``.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist; a construct that the model does not have;
        quantiles of replicates where there are none.

    References
    ----------
    Fornell et al. (1996), Journal of Marketing 60(4), 7–18.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = index(one)
    >>> found.unit, round(found.value(), 1)
    ('分', 81.3)
    """
    require_study(of)
    one_of("convention", convention, get_args(Convention))
    check_interval(interval, level)
    c = of.questions.position(index_of)
    metric = path_index.METRIC[convention]
    found = solve(of, metric, index_statistic(of, c, convention), 1)
    own = _residuals(of, found, c, convention)
    if of.plan is None:
        got = linearised(of.survey, own, found.estimate[:, 0], interval_of(of.plan, interval), level)
    else:
        got = uncertain(of, found, index_statistic(of, c, convention), interval, level, share=True)
    deff, n, n_eff = compared(of.survey, own, got.std_error)
    failed = np.count_nonzero(found.failure, axis=1)
    more = {
        "deff": deff,
        "n_eff": n_eff,
        "failed": np.where(np.isnan(n), np.nan, failed.astype(float)),
        "flag": _flags(of, found, got.std_error, failed),
    }
    return told(
        of.survey,
        of.survey.labels,
        found.estimate[:, 0],
        got,
        n,
        more,
        method=method_of(of, f"index of {index_of}, convention {convention}", interval_of(of.plan, interval)),
        level=level,
        notes=notes_of(of, found),
    )


def told(
    of: Survey,
    labels: pd.DataFrame,
    value: Array,
    got: Uncertain,
    n: Any,
    more: dict[str, Any],
    /,
    *,
    method: str,
    level: float,
    notes: Sequence[str],
    indicator: str = "customer_satisfaction",
    unit: str = "分",
    digits: int = 2,
) -> Estimate:
    """Return R statistics of respondents and what is known of them as an Estimate.

    Parameters
    ----------
    of : Survey
    labels : DataFrame, R rows
        Their keys.
    value : ndarray, shape (R,)
    got : Uncertain
    n : ndarray, shape (R,), or NaN
    more : dict of str → column
        Behind ``df``.
    """
    return Estimate(
        assemble(
            labels,
            estimate=value,
            std_error=got.std_error,
            conf_low=got.low,
            conf_high=got.high,
            n=n,
            df=got.df,
            **more,
        ),
        indicator=indicator,
        unit=unit,
        method=method,
        basis="respondents",
        level=level,
        inference=of.inference,
        provenance=of.provenance,
        notes=notes,
        digits=digits,
        errors=got.errors,
    )


def index_statistic(of: Study, c: int, convention: Convention) -> Statistic:
    """Return the index of construct c as a statistic of replicates."""
    lower, upper = of.survey.lower, of.survey.upper

    def found(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        u = path_index.index_weights(fit.weights, S, convention=convention)
        scores = path_index.index(mean, u, lower[own.at], upper[own.at], own.questions.model)
        return scores[..., c : c + 1]

    return found


def linearised(
    of: Survey, own: list[tuple[Index, Array]], estimate: Array, interval: Any, level: float
) -> Uncertain:
    """Return the linearised error of indices whose outer weights are taken as known.

    Parameters
    ----------
    of : Survey
    own : list of (rows, residuals)
        Respondents of each group, and what each adds to its linearised index.
    estimate : ndarray, shape (G,)
    """
    w, unit, design = of.drawn.weight, of.drawn.unit, of.drawn.design
    row, at = _members([rows for rows, _ in own])
    z = np.concatenate([w[rows] * e / w[rows].sum() for rows, e in own]) if at.size else np.zeros(0)
    shape = (len(own), int(unit.max()) + 1)
    Z = csr_array((z, (row, unit[at])), shape=shape)
    Z.sum_duplicates()
    if design is None or design.singleton in ("fail", "collapse"):
        drawing.refuse_lone(of.drawn)
    singleton: Any = "fail" if design is None or design.singleton == "collapse" else design.singleton
    found = sampling.linearised(
        Z,
        of.drawn.sample,
        singleton=singleton,
        singleton_domain=design is not None and design.singleton_domain,
    )
    errors = Errors(found.levels, of.drawn.name)
    variance = sampling.variance(errors)
    census = all((level_.scale == 0).all() for level_ in errors.levels)
    known = ~np.isnan(estimate) & (census | (variance > 1e-26 * estimate**2))
    std_error = np.where(known, np.sqrt(variance), np.nan)
    df = drawing.degrees_of_freedom(of.drawn, None, row, at, len(own))
    df = np.where(df > 0, df, np.nan)
    low, high = intervals.mean(estimate / 100, std_error / 100, df, method=interval, level=level)
    return Uncertain(std_error, 100 * low, 100 * high, df, errors)


def from_replicates(
    of: Survey,
    plan: drawing.Plan,
    estimate: Array,
    values: Array,
    interval: Interval | None,
    level: float,
    *,
    share: bool,
    left_out: Callable[[], Array],
) -> Uncertain:
    """Return errors and limits of K statistics of every group, one after the other.

    Parameters
    ----------
    estimate, values : ndarray, shape (G, K) and (G, K, B)
    share : bool
        Whether they lie between 0 and 100.
    left_out : callable
        Returns the statistics without each unit in turn, (units, G·K): what BCa needs.
    """
    chosen = interval_of(plan, interval)
    if chosen == "logit" and not share:
        raise OptionError(say("satisfaction.logit"), argument="interval", value=interval)
    K, theta = estimate.shape[1], estimate.ravel()
    x = values.reshape(theta.size, plan.B)
    errors = errors_of(x, theta, plan, of.drawn.name)
    variance = sampling.variance(errors)
    known = ~np.isnan(theta) & (variance > 1e-26 * theta**2)
    std_error = np.where(known, np.sqrt(variance), np.nan)
    row, at = _members([of.rows(g) for g in range(len(estimate))])
    df = np.repeat(drawing.degrees_of_freedom(of.drawn, plan, row, at, len(estimate)), K)
    df = np.where((df > 0) & known, df, np.nan)
    if chosen == "percentile":
        low, high = path_bootstrap.percentile(x.T, level=level)
    elif chosen == "bca":
        low, high = path_bootstrap.bca(theta, x.T, left_out(), level=level)
    elif share:
        low, high = intervals.mean(theta / 100, std_error / 100, df, method=chosen, level=level)
        low, high = 100 * low, 100 * high
    else:
        low, high = intervals.t_interval(theta, std_error, df, level=level)
    return Uncertain(std_error, np.where(known, low, np.nan), np.where(known, high, np.nan), df, errors)


def uncertain(
    of: Study, found: Result, statistic: Statistic, interval: Interval | None, level: float, *, share: bool
) -> Uncertain:
    """Return errors and limits of a statistic of a study; see :func:`from_replicates`."""
    if of.plan is None:
        raise OptionError(say("satisfaction.needs_replicates"))
    K = found.estimate.shape[1]

    def left_out() -> Array:
        plan = drawing.left_out(of.survey.drawn)
        return solve(of, found.metric, statistic, K, plan=plan).values.reshape(-1, plan.B).T

    return from_replicates(
        of.survey, of.plan, found.estimate, found.values, interval, level, share=share, left_out=left_out
    )


def method_of(of: Study, what: str, interval: str) -> str:
    """Return one line that says how it was computed."""
    modes = dict(zip(of.questions.constructs, of.questions.model.modes, strict=True))
    mode = next(iter(modes.values())) if len(set(modes.values())) == 1 else str(modes)
    parts = [f"PLS ({of.questions.name}, mode {mode}, {of.how.scheme} scheme)", what]
    if of.how.outer == "pooled":
        parts.append("weights of all groups together")
    if of.plan is None:
        parts.append("linearised with outer weights fixed")
    else:
        parts.append(f"{of.plan.B} replicates ({of.plan.method})")
    return ", ".join([*parts, f"{interval} interval", f"missing answers: {of.survey.missing}"])


def notes_of(of: Study, found: Result) -> list[str]:
    """Return what the reader must know."""
    notes = list(of.survey.notes)
    if "hypothesis" in of.questions.provenance:
        notes.append(say("satisfaction.hypothesis", model=of.questions.name))
    for g, own in enumerate(found.fits):
        if own is not None and own.dropped:
            said = ", ".join(own.dropped)
            notes.append(say("satisfaction.dropped", items=said, group=of.survey.named(g)))
        if own is not None and (own.fit.standardised < 0).any():
            said = ", ".join(own.questions.items[j] for j in np.flatnonzero(own.fit.standardised < 0))
            notes.append(say("satisfaction.kept", items=said, group=of.survey.named(g)))
    if failed := found.failed():
        said = "; ".join(f"{reason}: {count}" for reason, count in failed.items())
        of_all = found.failure.size
        notes.append(say("satisfaction.failed", count=sum(failed.values()), of=of_all, reasons=said))
    return notes


def check_interval(interval: object, level: object, /) -> None:
    """Raise OptionError for an interval or a level that is none."""
    one_of("interval", interval, (None, *get_args(Interval)))
    within_0_1("level", level)


def interval_of(plan: drawing.Plan | None, interval: Interval | None) -> Any:
    """Return the interval, or raise where it needs bootstrap replicates that are not there."""
    one_of("interval", interval, (None, *get_args(Interval)))
    if interval in ("percentile", "bca") and (plan is None or not plan.random):
        raise OptionError(
            say("satisfaction.interval", interval=interval), argument="interval", value=interval
        )
    return interval or "t"


def _members(rows: list[Index]) -> tuple[Index, Index]:
    """Return group and respondent of every pair."""
    row = np.concatenate([np.full(r.size, g) for g, r in enumerate(rows)])
    return row.astype(np.intp), np.concatenate(rows).astype(np.intp)


def _residuals(of: Study, found: Result, c: int, convention: Convention) -> list[tuple[Index, Array]]:
    """Return respondents of each group and what each adds to the linearised index."""
    got: list[tuple[Index, Array]] = []
    for own in found.fits:
        if own is None:
            got.append((np.zeros(0, np.intp), np.zeros(0)))
            continue
        u = path_index.index_weights(own.fit.weights, own.moments.covariance, convention=convention)
        inside = np.flatnonzero(own.questions.model.blocks == c)
        at = own.at[inside]
        v = points(u[inside], of.survey.lower[at], of.survey.upper[at])
        X, w = of.survey.X[own.rows][:, at], of.survey.drawn.weight[own.rows]
        got.append((own.rows, residuals(X, w, v)))
    return got


def compared(of: Survey, own: list[tuple[Index, Array]], std_error: Array) -> tuple[Array, Array, Array]:
    """Return design effects, respondents and effective respondents; NaN where a group is not shown."""
    n = np.array([rows.size or np.nan for rows, _ in own])
    srs = np.array([srs_variance(e, of.drawn.weight[rows]) if rows.size else np.nan for rows, e in own])
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = std_error**2 / srs
        n_eff = n / deff
    return np.where(np.isfinite(deff), deff, np.nan), n, np.where(np.isfinite(n_eff), n_eff, np.nan)


def _flags(of: Study, found: Result, std_error: Array, failed: Array) -> Any:
    flag = np.array(found.reasons, dtype=object)
    if of.plan is None:
        return flag
    for g, own in enumerate(found.fits):
        if own is not None and np.isnan(std_error[g]):
            flag[g] = say("satisfaction.no_error", count=int(failed[g]), of=of.plan.B)
        elif own is not None and failed[g] > MANY * of.plan.B:
            flag[g] = say("satisfaction.many_failed", count=int(failed[g]), of=of.plan.B)
    return flag
