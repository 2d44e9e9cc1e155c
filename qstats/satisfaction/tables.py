"""What the researcher asks of a study: paths, what to improve, how the convention moves the index."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import one_of
from qstats.estimate import Estimate
from qstats.satisfaction.indices import (
    Interval,
    Uncertain,
    check_interval,
    method_of,
    notes_of,
    told,
    uncertain,
)
from qstats.satisfaction.replicated import Result, Statistic, solve
from qstats.satisfaction.studies import Fitted, Study, require_study
from qstats.stats import path_index, path_inner, path_quality
from qstats.stats.difference import p_normal
from qstats.stats.path_index import Convention
from qstats.stats.pathmodel import Fit

Array = NDArray[np.float64]

_ORDER: Final = [0, 1, 3, 2]


def paths(of: Study, /, *, interval: Interval | None = None, level: float = 0.95) -> Estimate:
    """Return the direct, indirect and total effects of one construct on another, with their errors.

    Parameters
    ----------
    of : Study
    interval : {"t", "percentile", "bca"}, optional
        By default percentile where replicates are a bootstrap, else t.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Keys of the groups, then ``to, from, effect`` (``direct``, ``indirect``, ``total``): coefficients of
        standardised composites. Further columns: ``df, p`` (no effect, two-sided, normal), ``clear`` (the
        interval leaves out 0), and of direct effects ``f2`` and ``vif``, else NaN. A direct effect that the
        model does not have is not listed.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist; errors that are linearised.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., for f².

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = paths(one).where(to="LOY", **{"from": "SAT"})
    >>> found.table[["effect", "clear"]].values.tolist()
    [['direct', True], ['total', True]]
    """
    require_study(of)
    check_interval(interval, level)
    names, C = of.questions.constructs, len(of.questions.constructs)
    wanted = path_inner.effects(of.questions.model.paths.astype(float))
    kinds = [(k, ["direct", "indirect", "total"][k]) for k in range(3)]
    listed = [(c, d, k, said) for c in range(C) for d in range(C) for k, said in kinds if wanted[k][c, d] > 0]
    at = tuple(np.array([(k, c, d) for c, d, k, _ in listed]).T)

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        every = np.stack(path_inner.effects(fit.paths), axis=1)
        return np.asarray(every[:, *at])

    found = solve(of, "standardised", statistic, len(listed))
    chosen = _interval(of, interval)
    got = uncertain(of, found, statistic, chosen, level, share=False)
    keys = {"to": [names[c] for c, *_ in listed], "from": [names[d] for _, d, *_ in listed]}
    keys["effect"] = [said for *_, said in listed]
    f2, vif = _inner(of, found, listed)
    known = ~np.isnan(got.low)
    clear = pd.array((got.low > 0) | (got.high < 0), dtype="boolean")
    clear[~known] = pd.NA
    more = {"p": p_normal(found.estimate.ravel(), got.std_error), "clear": clear, "f2": f2, "vif": vif}
    return _estimate(of, found, got, keys, "path", "", "effects of constructs", chosen, level, more)


def importance_performance(
    of: Study,
    /,
    *,
    index_of: str = "SAT",
    convention: Convention = "U",
    interval: Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    """Return what one more point of each construct does to the index, and how many points it has.

    Parameters
    ----------
    of : Study
    index_of : str
        The construct aimed at.
    convention
        See :func:`qstats.satisfaction.index`.
    interval, level
        As for :func:`paths`.

    Returns
    -------
    Estimate
        Keys of the groups, then ``construct``: those that act on `index_of`. The estimate is the
        importance, in points of the index per point of the construct; ``performance`` with
        ``performance_std_error`` is the construct's own index.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist; a construct that the model does not have;
        errors that are linearised.

    References
    ----------
    Ringle, Sarstedt (2016), Gain more insight from your PLS-SEM results, IMDS 116, 1865–1886.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> importance_performance(one).table["construct"].tolist()
    ['IMAG', 'EXPE', 'QUAL', 'VAL']
    """
    require_study(of)
    check_interval(interval, level)
    one_of("convention", convention, tuple(path_index.METRIC))
    c = of.questions.position(index_of)
    acting = np.flatnonzero(path_inner.effects(of.questions.model.paths.astype(float)).total[c] > 0)
    lower, upper = of.survey.lower, of.survey.upper

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        u = path_index.index_weights(fit.weights, S, convention=convention)
        ends = lower[own.at], upper[own.at]
        found = path_index.importance_performance(mean, S, u, fit.paths, *ends, own.questions.model)
        return np.concatenate([found.importance[:, c, acting], found.performance[:, acting]], axis=1)

    found = solve(of, path_index.METRIC[convention], statistic, 2 * acting.size)
    chosen = _interval(of, interval)
    both = uncertain(of, found, statistic, chosen, level, share=False)
    first = np.repeat(np.arange(of.groups) * 2 * acting.size, acting.size) + np.tile(
        np.arange(acting.size), of.groups
    )
    got = Uncertain(both.std_error[first], both.low[first], both.high[first], both.df[first], None)
    more = {
        "performance": found.estimate[:, acting.size :].ravel(),
        "performance_std_error": both.std_error[first + acting.size],
    }
    part = found._replace(estimate=found.estimate[:, : acting.size])
    keys = {"construct": [of.questions.constructs[k] for k in acting]}
    what = f"importance for {index_of}, convention {convention}"
    return _estimate(of, part, got, keys, "importance", "points per point", what, chosen, level, more)


def conventions(
    of: Study, /, *, index_of: str = "SAT", interval: Interval | None = None, level: float = 0.95
) -> Estimate:
    """Return the index under every convention, and how far each moves it.

    Parameters
    ----------
    of : Study
    index_of : str
    interval, level
        See :func:`qstats.satisfaction.index`.

    Returns
    -------
    Estimate
        Keys of the groups, then ``convention``. ``moved`` is the index less that of U, ``moved_std_error``
        its error (of the same replicates; that of U is exactly 0), and ``in_errors`` is ``moved`` in standard
        errors of the index itself.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist; a construct that the model does not have;
        errors that are linearised.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = conventions(one).table
    >>> found["convention"].tolist(), bool(found["in_errors"].abs().max() < 1)
    (['U', 'S', 'R', 'M'], True)
    """
    require_study(of)
    check_interval(interval, level)
    c = of.questions.position(index_of)
    first, second = _under(of, c, "U", "S", "M"), _under(of, c, "R")
    one, raw = solve(of, "standardised", first, 3), solve(of, "raw", second, 1)
    known = [
        uncertain(of, found, statistic, interval, level, share=True)
        for found, statistic in ((one, first), (raw, second))
    ]
    limits = [_joined(of, *parts) for parts in zip(*(k[:4] for k in known), strict=True)]
    found = one._replace(estimate=_joined(of, one.estimate, raw.estimate).reshape(of.groups, 4))
    values = np.concatenate([one.values, raw.values], axis=1)[:, _ORDER]
    moved = found._replace(estimate=found.estimate - found.estimate[:, :1], values=values - values[:, :1])
    error = uncertain(of, moved, first, "t", level, share=False).std_error
    change = moved.estimate.ravel()
    more = {
        "moved": change,
        "moved_std_error": np.where(change == 0, 0.0, error),
        "in_errors": change / limits[0],
    }
    got = Uncertain(limits[0], limits[1], limits[2], limits[3], None)
    keys, what = {"convention": ["U", "S", "R", "M"]}, f"index of {index_of} under every convention"
    return _estimate(of, found, got, keys, "customer_satisfaction", "分", what, interval or "t", level, more)


def _interval(of: Study, interval: Interval | None) -> Any:
    """Return the interval of an effect: percentile where replicates are a bootstrap, else t."""
    return interval or ("percentile" if of.plan is not None and of.plan.random else "t")


def _under(of: Study, c: int, *chosen: Convention) -> Statistic:
    """Return the index of construct c under some conventions as a statistic."""
    lower, upper = of.survey.lower, of.survey.upper

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        ends, model = (lower[own.at], upper[own.at]), own.questions.model
        each = (path_index.index_weights(fit.weights, S, convention=k) for k in chosen)
        return np.stack([path_index.index(mean, u, *ends, model)[..., c] for u in each], axis=1)

    return statistic


def _joined(of: Study, a: Array, b: Array) -> Array:
    """Put what is known of U, S, M beside what is known of R, in the order U, S, R, M."""
    both = np.concatenate([a.reshape(of.groups, 3), b.reshape(of.groups, 1)], axis=1)
    return np.asarray(both[:, _ORDER].ravel())


def _inner(of: Study, found: Result, listed: list[tuple[int, int, int, str]]) -> tuple[Array, Array]:
    """Return f² and VIF of the direct effects, NaN for the others."""
    f2, vif = (np.full((of.groups, len(listed)), np.nan) for _ in range(2))
    for g, own in enumerate(found.fits):
        if own is None:
            continue
        R, fit = path_quality.correlations(own.moments.covariance), own.fit
        inner = path_inner.vif(R, fit.correlations, own.questions.model).inner
        size = path_inner.effect_size(fit.paths, fit.r2, inner)
        for j, (c, d, k, _) in enumerate(listed):
            if k == 0:
                f2[g, j], vif[g, j] = size[c, d], inner[c, d]
    return f2.ravel(), vif.ravel()


def _estimate(
    of: Study,
    found: Result,
    got: Uncertain,
    keys: dict[str, list[str]],
    indicator: str,
    unit: str,
    what: str,
    interval: str,
    level: float,
    more: dict[str, Any],
) -> Estimate:
    """Return an Estimate with the keys of the groups and further ones, row by row."""
    K = found.estimate.shape[1]
    labels = of.survey.keyed(np.repeat(np.arange(of.groups), K))
    for name, values in keys.items():
        labels[name] = np.tile(np.asarray(values, dtype=object), of.groups)
    n = np.array([np.nan if own is None else own.rows.size for own in found.fits])
    return told(
        of.survey,
        labels,
        found.estimate.ravel(),
        got,
        np.repeat(n, K),
        more | {"flag": np.repeat(np.array(found.reasons, dtype=object), K)},
        method=method_of(of, what, interval),
        level=level,
        notes=notes_of(of, found),
        indicator=indicator,
        unit=unit,
        digits=2 if unit else 3,
    )
