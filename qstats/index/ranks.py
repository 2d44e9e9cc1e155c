"""Questions about ranks and changes asked of many runs of an index."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from qstats.errors import DataError, kind_of, one_of, within_0_1
from qstats.estimate_table import check_names
from qstats.index import outcomes
from qstats.index.given import spelt
from qstats.index.repeated import Runs
from qstats.messages import language, say
from qstats.stats import moments, ranking
from qstats.stats.ranking import Adjustment

Array = np.ndarray
Test = Literal["normal", "runs"]


def outranking(done: Runs, /, *, node: str, period: object = None, lang: str | None = None) -> pd.DataFrame:
    """Return the probability that one unit is above another, over the runs.

    Parameters
    ----------
    done : Runs
        Of :func:`qstats.index_runs`.
    node : str
    period : optional
        Which period; needed where there are several.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        Units × units; ½ on the diagonal, P(c above d) + P(d above c) = 1.

    Raises
    ------
    OptionError
        `done` is something else; a node, period or choice that does not exist.

    Examples
    --------
    >>> from qstats.index.repeated import index_runs
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> done = index_runs(data, "ht_capability", n_runs=100, **vary)
    >>> bool(outranking(done, node="development_capability").loc["广东", "西藏"] > 0.95)
    True
    """
    _check(done, lang)
    at, names = _units(done, period, lang)
    found = ranking.outranking_probability(outcomes.settled(_score(done, node)[:, at]))
    return pd.DataFrame(found, index=names, columns=names)


def rank_acceptability(
    done: Runs, /, *, node: str, period: object = None, lang: str | None = None
) -> pd.DataFrame:
    """Return the share of runs in which each unit has each rank (SMAA).

    Parameters
    ----------
    done, node, period, lang
        As of :func:`outranking`.

    Returns
    -------
    DataFrame
        Units × ranks; rows sum to 1.

    Raises
    ------
    OptionError
        `done` is something else; a node, period or choice that does not exist.

    Examples
    --------
    >>> from qstats.index.repeated import index_runs
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> done = index_runs(data, "ht_capability", n_runs=100, **vary)
    >>> rank_acceptability(done, node="development_capability").sum(axis=1).round(9).unique().tolist()
    [1.0]
    """
    _check(done, lang)
    at, names = _units(done, period, lang)
    found = ranking.acceptability(ranking.competition_ranks(outcomes.settled(_score(done, node)[:, at])))
    return pd.DataFrame(found, index=names, columns=np.arange(1, len(at) + 1))


def rank_groups(
    done: Runs,
    /,
    *,
    node: str,
    period: object = None,
    adjust: Adjustment = "holm",
    test: Test = "normal",
    level: float = 0.95,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Return the groups of units that cannot be told apart.

    Two units are told apart where the adjusted p-value of their difference is at most 1 − `level`, with

    .. math:: z = \frac{\hat S_c - \hat S_d}{\operatorname{sd}(S_c - S_d)}

    over the runs, in which what both have in common cancels.

    Parameters
    ----------
    done, node, period, lang
        As of :func:`outranking`.
    adjust : {"holm", "bh", "none"}
        For the number of pairs.
    test : {"normal", "runs"}
        From z; or twice the share of runs on the other side of zero, which is never below 2/(runs + 1).
    level : float

    Returns
    -------
    DataFrame
        ``group`` (1 is the best), ``unit, score, rank``; a unit can be in several groups.

    Raises
    ------
    OptionError
        `done` is something else; a node, period or choice that does not exist.

    Examples
    --------
    >>> from qstats.index.repeated import index_runs
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> done = index_runs(data, "ht_capability", n_runs=100, **vary)
    >>> rank_groups(done, node="development_capability")["unit"].iloc[0]
    '山东'
    """
    _check(done, lang)
    within_0_1("level", level)
    at, names = _units(done, period, lang)
    nominal, score = (
        outcomes.settled(x) for x in (done.nominal[_place(done, node), at], _score(done, node)[:, at])
    )
    n = len(at)
    rows = [
        _p_values(nominal[c] - nominal[c + 1 :], score[:, [c]] - score[:, c + 1 :], test) for c in range(n)
    ]
    apart = np.zeros((n, n), bool)
    p = np.nan_to_num(ranking.adjusted(np.concatenate(rows), adjust), nan=1.0)
    apart[np.triu_indices(n, 1)] = p <= 1 - level + 1e-12
    apart |= apart.T
    ranks = ranking.competition_ranks(nominal)
    members = [
        (k, names[c], nominal[c], ranks[c])
        for k, group in enumerate(ranking.groups(nominal, apart), start=1)
        for c in group
    ]
    return pd.DataFrame(members, columns=["group", "unit", "score", "rank"])


def significant_changes(
    done: Runs,
    /,
    *,
    of: Literal["change", "rank-change"] = "change",
    adjust: Adjustment = "holm",
    test: Test = "normal",
    level: float = 0.95,
    lang: str | None = None,
) -> pd.DataFrame:
    """Return which units have changed since the period before, by more than the runs leave open.

    Parameters
    ----------
    done : Runs
        Of :func:`qstats.index_runs`, with a key ``period``.
    of : {"change", "rank-change"}
        Of the score or of the rank.
    adjust : {"holm", "bh", "none"}
        For the number of units of one node and period.
    test, level
        As of :func:`rank_groups`.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        Keys (of the later period), ``node, change, std_error, p, p_adjusted, changed``.

    Raises
    ------
    DataError
        There are no two periods.

    Examples
    --------
    >>> from qstats.index.repeated import index_runs
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=[2020, 2023])
    >>> vary = {"weight_spread": 0.25, "sampling": "none", "missing": "renormalise"}
    >>> done = index_runs(data, "ht_capability", n_runs=100, **vary)
    >>> found = significant_changes(done).query("node == 'development_capability'")
    >>> found["period"].unique().tolist(), bool(found["changed"].any())
    (['2023'], True)
    """
    _check(done, lang)
    within_0_1("level", level)
    one_of("of", of, ("change", "rank-change"))
    check_names(done.prepared.units.columns, ("change", "p", "p_adjusted", "changed"))
    nominal, score = outcomes.settled(done.nominal), outcomes.settled(done.score)
    found = outcomes.outcome(of, done.prepared.units, nominal, score, lang=lang)
    tables = []
    for node, code in enumerate(done.prepared.tree.codes):
        p = _p_values(found.nominal[node], found.runs[node], test)
        table = found.keys.assign(
            node=code, change=found.nominal[node], std_error=moments.std(found.runs[node])[0], p=p
        )
        table["p_adjusted"] = table.groupby("period")["p"].transform(
            lambda column: ranking.adjusted(column.to_numpy(), adjust)
        )
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    return whole.assign(changed=whole["p_adjusted"] <= 1 - level + 1e-12)


def _p_values(estimate: Array, drawn: Array, test: Test) -> Array:
    """Return two-sided p-values over the runs that have both; what never varies is certain."""
    one_of("test", test, ("normal", "runs"))
    n = moments.count(drawn)[0]
    if test == "runs":
        tail = np.minimum((drawn <= 0).sum(0), (drawn >= 0).sum(0))
        found = np.minimum(2 * (tail + 1) / (n + 1), 1.0)
    else:
        from scipy.special import ndtr

        deviation = moments.std(drawn)[0]
        still = deviation <= 1e-12 * np.maximum(np.fmax.reduce(np.abs(drawn), axis=0), 1e-300)
        z = np.abs(estimate) / np.where(still, 1.0, deviation)
        found = np.where(still, np.where(estimate == 0, 1.0, 0.0), 2 * ndtr(-z))
    return np.asarray(np.where(np.isnan(estimate) | (n < 2), np.nan, found), float)


def _check(done: Runs, lang: str | None) -> None:
    kind_of("done", done, Runs, what="what qs.index_runs returns")
    language(lang)


def _place(done: Runs, node: str) -> int:
    one_of("node", node, done.prepared.tree.codes)
    return done.prepared.tree.codes.index(node)


def _score(done: Runs, node: str) -> Array:
    return np.asarray(done.score[_place(done, node)])


def _units(done: Runs, period: object, lang: str | None) -> tuple[Array, list[str]]:
    """Return places and names of the units of a period."""
    units = done.prepared.units
    if "period" not in units.columns:
        if period is not None:
            raise DataError(say("ranks.no_period", lang, keys=", ".join(units.columns) or "—"))
        rows = units
    else:
        known = list(units["period"].unique())
        if period is None and len(known) > 1:
            raise DataError(say("ranks.period", lang, periods=", ".join(map(str, known))))
        chosen = known[0] if period is None else spelt("period", period)
        one_of("period", chosen, known)
        rows = units[units["period"] == chosen].drop(columns="period")
    return rows.index.to_numpy(), [" ".join(map(str, row)) or "—" for row in rows.itertuples(index=False)]
