"""Which choice moves an index: first-order and total indices of every factor, for every unit and node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, one_of, real_number, whole_number
from qstats.estimate_table import check_names
from qstats.index import outcomes, runs
from qstats.index.align import Indicators, Missing
from qstats.index.drawn import Unknown
from qstats.index.methods import Options
from qstats.index.outcomes import OUTCOMES, Of
from qstats.index.pipeline import FACTORS, Steps, run
from qstats.index.runs import Choices, Prepared, Sampling
from qstats.messages import say
from qstats.stats import sensitivity as formulas
from qstats.stats.sensitivity import Sums

Array = np.ndarray
Method = Literal["auto", "exact", "sobol"]

#: independent scramblings, whose spread is the error of the estimates
REPLICATES: Final = 8
#: pairs of base runs in the first round of each scrambling
FIRST_ROUND: Final = 32


def sensitivity(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame = "qci",
    /,
    *,
    of: Of = "rank-shift",
    steps: Mapping[str, Options] | None = None,
    alternatives: Mapping[str, Sequence[Any]] | None = None,
    weight_spread: float | None = None,
    weight_concentration: float | None = None,
    sampling: Sampling = "none",
    unknown: Unknown = "raise",
    missing: Missing = "raise",
    reference: Mapping[str, object] | None = None,
    method: Method = "auto",
    tolerance: float = 0.02,
    max_runs: int = 20_000,
    n_imputations: int = 20,
    seed: int = 0,
    workers: int = 1,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Find how much of the variance of an outcome each choice accounts for.

    .. math:: S_i = \frac{V\{E(Y \mid X_i)\}}{V(Y)}, \qquad T_i = \frac{E\{V(Y \mid X_{\sim i})\}}{V(Y)}

    Where all choices are lists and their combinations are few, all are run and the indices are exact.
    Otherwise scrambled Sobol points are run in rounds, doubled until the standard error of every index is at
    most `tolerance`, or `max_runs` is reached.

    Parameters
    ----------
    indicators, framework, steps, alternatives, weight_spread, weight_concentration, sampling : optional
        As of :func:`qstats.uncertainty`; here the indicators are not drawn by default.
    unknown, missing, n_imputations, workers, seed, lang : optional
        As of :func:`qstats.uncertainty`.
    of, reference
        The outcome, as of :func:`qstats.uncertainty`.
    method : {"auto", "exact", "sobol"}
        "auto" is exact where it can be within `max_runs`.
    tolerance : float
        Of "sobol": largest standard error wanted.
    max_runs : int

    Returns
    -------
    DataFrame
        Keys of the units, ``node, factor, first, first_error, total, total_error, variance`` (of the
        outcome), ``runs, method``. Errors are 0 where exact; indices are NaN where the outcome does not
        vary. An estimate can lie below 0 by its error.

    Raises
    ------
    DataError
        Nothing varies, or a run has no result: an index over some of the combinations would be of another
        question.
    OptionError
        Enumeration is asked of factors that are at random, or takes more than `max_runs`.

    References
    ----------
    Saltelli et al. (2010), Computer Physics Communications 181. Saisana, Saltelli and Tarantola (2005), JRSS
    A 168.

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.5, 0.5], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"] * 2, "region": ["安徽"] * 2 + ["江苏"] * 2,
    ...     "estimate": [88, 0.5, 70, 0.1]})
    >>> choices = {"weights": [{"pass": 0.2, "loss": 0.8}, {"pass": 0.8, "loss": 0.2}],
    ...     "aggregation": ["arithmetic", "geometric"]}
    >>> found = sensitivity(data, tree, of="score", alternatives=choices)
    >>> row = found.query("region == '江苏' and node == 'all' and factor == 'weights'").iloc[0]
    >>> row["method"], bool(row["first"] > 0.99)
    ('exact', True)
    """
    one_of("of", of, OUTCOMES)
    one_of("method", method, ("auto", "exact", "sobol"))
    real_number("tolerance", tolerance, above=0)
    whole_number("max_runs", max_runs, least=1)
    runs.check(seed, workers, "raise", lang)
    chosen = Choices(
        steps, alternatives, weight_spread, weight_concentration, sampling, unknown, n_imputations
    )
    prepared = runs.prepare(indicators, framework, chosen, missing=missing, lang=lang)
    factors = runs.factors(prepared)
    if not factors:
        raise DataError(say("uncertainty.nothing", lang))
    ask = _asked(prepared, of, reference, workers, lang)
    if _exact(prepared, factors, method, max_runs, lang):
        return _enumerated(ask, factors)
    return _sampled(ask, factors, tolerance=tolerance, max_runs=max_runs, seed=seed)


class _Asked(NamedTuple):
    """What is asked of every run, the keys of its rows, and its nominal value."""

    prepared: Prepared
    of: Of
    reference: Mapping[str, object] | None
    nominal: Array
    keys: pd.DataFrame
    about: Array
    workers: int
    lang: str | None


def _asked(
    prepared: Prepared, of: Of, reference: Mapping[str, object] | None, workers: int, lang: str | None
) -> _Asked:
    nominal = runs.nominal(prepared)
    once = outcomes.outcome(of, prepared.units, nominal, nominal[:, None], reference=reference, lang=lang)
    return _Asked(prepared, of, reference, nominal, once.keys, once.nominal, workers, lang)


def _answers(ask: _Asked, steps: Steps, levels: dict[str, Array]) -> Array:
    """Return the outcome, shape (runs, nodes, rows)."""
    built = run(ask.prepared.tree, steps, levels, workers=ask.workers)
    runs.checked(built, "raise", ask.lang, countable=False)
    found = outcomes.outcome(
        ask.of, ask.prepared.units, ask.nominal, built.score, reference=ask.reference, lang=ask.lang
    )
    return np.moveaxis(found.runs, 1, 0)


def _exact(prepared: Prepared, factors: list[str], method: Method, max_runs: int, lang: str | None) -> bool:
    number = runs.counts(prepared)
    listed = all(number.get(name) for name in factors) and not any(prepared.many)
    size = int(np.prod([number.get(name, 0) for name in factors])) if listed else 0
    if method == "exact" and not listed:
        raise OptionError(say("uncertainty.random", lang), argument="method")
    if method == "exact" and size > max_runs:
        raise OptionError(say("uncertainty.budget", lang, runs=size, most=max_runs), argument="max_runs")
    return method != "sobol" and listed and size <= max_runs


def _enumerated(ask: _Asked, factors: list[str]) -> pd.DataFrame:
    number = runs.counts(ask.prepared)
    shape = [number[name] for name in factors]
    grid = np.indices(shape).reshape(len(factors), -1) + 1
    levels = {name: np.zeros(grid.shape[1], int) for name in FACTORS}
    levels |= dict(zip(factors, grid, strict=True))
    y = _answers(ask, ask.prepared.steps, levels)
    found = formulas.factorial_indices(y.reshape(*shape, *y.shape[1:]), len(factors))
    none = np.where(np.isnan(found.first), np.nan, 0.0)
    columns = {"first": found.first, "first_error": none, "total": found.total, "total_error": none}
    return _tidy(ask, factors, columns, found.variance, grid.shape[1], "exact")


def _sampled(ask: _Asked, factors: list[str], *, tolerance: float, max_runs: int, seed: int) -> pd.DataFrame:
    """Run rounds of all scramblings, each as long as those before together, until errors are small."""
    total: list[Sums | None] = [None] * REPLICATES
    done, size, used = 0, FIRST_ROUND, 0
    cost = REPLICATES * (len(factors) + 2)
    if size * cost > max_runs:
        said = {"runs": size * cost, "most": max_runs}
        raise OptionError(say("uncertainty.first_round", ask.lang, **said), argument="max_runs")
    while True:
        for r in range(REPLICATES):
            total[r] = formulas.add(total[r], _round(ask, factors, size, done, [seed, r]))
        done, used = done + size, used + size * cost
        found = [formulas.estimated_indices(one) for one in total if one is not None]
        error = {
            name: np.std([getattr(one, name) for one in found], axis=0, ddof=1) / REPLICATES**0.5
            for name in ("first", "total")
        }
        size = done
        largest = np.nanmax([np.nan_to_num(e, nan=0.0).max() for e in error.values()])
        if largest <= tolerance or used + size * cost > max_runs:
            break
    together = None
    for one in total:
        together = formulas.add(together, one) if one is not None else together
    assert together is not None
    whole = formulas.estimated_indices(together)
    columns = {"first": whole.first, "first_error": error["first"]}
    columns |= {"total": whole.total, "total_error": error["total"]}
    return _tidy(ask, factors, columns, whole.variance, used, "sobol")


def _round(ask: _Asked, factors: list[str], n: int, start: int, seed: list[int]) -> Sums:
    """Return the sums over n more pairs of base runs of one scrambling."""
    prepared, k = ask.prepared, len(factors)
    own = int(np.random.SeedSequence([*seed, start]).generate_state(1)[0])
    points = formulas.sobol_points(
        n, 2 * k, seed=int(np.random.SeedSequence(seed).generate_state(1)[0]), skip=start
    )
    steps = runs.with_random(prepared, 2 * n, seed=own)
    base, other = (_levels(prepared, factors, points[:, half], n * i) for i, half in _halves(k))
    if runs.counts(prepared)["imputation"]:
        numbers = 1 + runs.stream(own, "number").integers(0, prepared.choices.n_imputations, 2 * n)
        base["number"], other["number"] = numbers[:n], numbers[n:]
    blocks = [base, other]
    for name in factors:
        mixed = base | {name: other[name]}
        blocks.append(mixed | ({"number": other["number"]} if name == "imputation" else {}))
    every = {name: np.concatenate([block[name] for block in blocks]) for name in FACTORS}
    y = _answers(ask, steps, runs.numbered(prepared, every))
    y = y.reshape(k + 2, n, *y.shape[1:])
    return formulas.sums(y[0], y[1], y[2:], ask.about)


def _halves(k: int) -> list[tuple[int, slice]]:
    return [(0, slice(0, k)), (1, slice(k, 2 * k))]


def _levels(prepared: Prepared, factors: list[str], points: Array, start: int) -> dict[str, Array]:
    number = runs.counts(prepared)
    found = {name: np.zeros(len(points), int) for name in FACTORS}
    for name, u in zip(factors, points.T, strict=True):
        many = number.get(name, 0)
        if name == "imputation" and not many:
            found["number"] = 1 + np.floor(u * prepared.choices.n_imputations).astype(int)
            continue
        found[name] = 1 + np.floor(u * many).astype(int) if many else start + 1 + np.arange(len(points))
    return found


def _tidy(
    ask: _Asked, factors: list[str], columns: dict[str, Array], variance: Array, n_runs: int, method: str
) -> pd.DataFrame:
    nodes, rows = variance.shape
    check_names(ask.keys.columns, ("node", "factor", *columns, "variance", "runs", "method"))
    every = np.indices((rows, nodes, len(factors))).reshape(3, -1)
    row, node, factor = every
    table = ask.keys.iloc[row].reset_index(drop=True)
    table["node"] = np.array(ask.prepared.tree.codes, dtype=object)[node]
    table["factor"] = np.array(factors, dtype=object)[factor]
    for name, value in columns.items():
        table[name] = value[factor, node, row]
    return table.assign(variance=variance[node, row], runs=n_runs, method=method)
