"""Two waves of a survey: how much of a change is in the answers, how much in the weights; how many to ask."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from qstats import periods
from qstats.errors import DataError, OptionError, one_of, real_number
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.indices import Interval, check_interval, from_replicates, method_of, notes_of, told
from qstats.satisfaction.options import numbers
from qstats.satisfaction.replicated import Statistic, solve
from qstats.satisfaction.studies import Fitted, Study, require_study
from qstats.stats import path_index, satisfaction
from qstats.stats.difference import p_normal
from qstats.stats.path_index import Convention
from qstats.stats.pathmodel import Fit
from qstats.stats.sample_size import planned

Array = NDArray[np.float64]
Index = NDArray[np.intp]
EFFECTS = ("change", "answers", "weights")


def change_effects(
    of: Study,
    /,
    *,
    index_of: str = "SAT",
    convention: Convention = "U",
    interval: Interval | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Split the change of an index from period to period into one of answers and one of weights.

    :math:`I_1 - I_0` is exactly the sum of the two; see :func:`qstats.stats.satisfaction.decompose`.

    Parameters
    ----------
    of : Study
        With a key ``period``, and weights of each group (with pooled weights all is answers). Periods of one
        table are of one sample: a respondent seen twice (a panel) is named by ``cluster`` of the design, and
        independent samples by ``strata``.
    index_of, convention, interval, level
        See :func:`qstats.satisfaction.index`.

    Returns
    -------
    Estimate
        The other keys, ``period`` (the later one) and ``effect`` (``change``, ``answers``, ``weights``), in
        points; ``compared_with``, and ``p`` of no change (normal, two-sided).

    Raises
    ------
    DataError
        No key ``period``, fewer than two periods, or items dropped from a group.

    References
    ----------
    Bennet (1920), Journal of the Royal Statistical Society 83, 455–462, for the weights of both periods.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> answers["period"] = ["2022", "2023"] * 150
    >>> found = change_effects(study(answers, by="period", replicates=10, seed=1))
    >>> change, of_answers, of_weights = found.table["estimate"]
    >>> abs(change - of_answers - of_weights) < 1e-9
    True
    """
    require_study(of)
    check_interval(interval, level)
    one_of("convention", convention, tuple(path_index.METRIC))
    c = of.questions.position(index_of)
    inside = np.flatnonzero(of.questions.model.blocks == c)
    pairs = _pairs(of.survey.labels)
    metric, statistic = path_index.METRIC[convention], _parts(inside, convention)
    found = solve(of, metric, statistic, 2 * inside.size)
    dropped = [g for g, own in enumerate(found.fits) if own is not None and own.dropped]
    if dropped:
        raise DataError(say("satisfaction.waves_dropped", group=of.survey.named(dropped[0])))
    if of.plan is None:
        raise OptionError(say("satisfaction.needs_replicates"))
    estimate = _effects(of, found.estimate[..., None], pairs, inside)[..., 0]

    def left_out() -> Array:
        whole = drawing.left_out(of.survey.drawn)
        values = solve(of, metric, statistic, 2 * inside.size, plan=whole).values
        return _effects(of, values, pairs, inside).reshape(-1, whole.B).T

    values = _effects(of, found.values, pairs, inside)
    survey = of.survey._replace(**_later(of, pairs))
    got = from_replicates(survey, of.plan, estimate, values, interval, level, share=False, left_out=left_out)
    labels = of.survey.keyed(np.repeat(pairs[:, 1], 3))
    labels["effect"] = np.tile(np.array(EFFECTS, dtype=object), len(pairs))
    before = of.survey.labels["period"].to_numpy(dtype=object)[pairs[:, 0]]
    change = estimate.ravel()
    return told(
        of.survey,
        labels,
        change,
        got,
        np.nan,
        {"compared_with": np.repeat(before, 3), "p": p_normal(change, got.std_error)},
        method=method_of(of, f"change of the index of {index_of}, {convention}", interval or "t"),
        level=level,
        notes=notes_of(of, found),
        indicator="customer_satisfaction_change",
    )


def sample_plan(
    *,
    half_width: ArrayLike | None = None,
    change: ArrayLike | None = None,
    std: ArrayLike = 20.0,
    deff: ArrayLike = 1.0,
    population: ArrayLike = np.inf,
    response: ArrayLike = 1.0,
    confidence: float = 0.95,
    power: float | None = None,
    correlation: ArrayLike | None = None,
) -> pd.DataFrame:
    """Plan how many respondents an index needs, in each group.

    Parameters
    ----------
    half_width : array_like, optional
        How far the interval may reach, in points. Or:
    change : array_like, optional
        What change between two waves is to be found, in points.
    std : array_like
        Standard deviation of respondents' own scores, in points; of a survey
        ``std_error * sqrt(n / deff)``. About 20 where nothing is known.
    deff, population : array_like
        Design effect, and people in the population.
    response : array_like
        Share that answers.
    confidence : float
    power, correlation : float, array_like, optional
        With `change`: probability to find it (0.8), and of a respondent's scores in a panel (0:
        independent samples).

    Returns
    -------
    DataFrame
        One row for each combination of the arguments: ``std, deff, population, response``, ``half_width`` or
        ``change``, ``n`` (answers needed, in each wave) and ``contacts`` (people to ask).

    Raises
    ------
    OptionError
        Neither `half_width` nor `change`, or both; a number out of range; `power` or `correlation` without
        `change`.

    Examples
    --------
    >>> plan = sample_plan(half_width=[1, 2], deff=1.5, response=0.4)
    >>> plan[["half_width", "n", "contacts"]].values.tolist()
    [[1.0, 2305.0, 5763.0], [2.0, 577.0, 1443.0]]
    """
    if (half_width is None) == (change is None):
        raise OptionError(say("satisfaction.plan"))
    if change is None and (power is not None or correlation is not None):
        raise OptionError(say("satisfaction.plan_change"))
    given = {"half_width": half_width, "change": change, "std": std, "deff": deff, "correlation": correlation}
    for argument, value in given.items():
        if value is not None:
            numbers(argument, value)
    numbers("population", population, infinite=True)
    if power is not None:
        real_number("power", power)
    share = numbers("response", response)
    if not ((share > 0) & (share <= 1)).all():
        raise OptionError(say("satisfaction.response", value=response))
    if half_width is not None:
        simple = satisfaction.size_for_mean(std, half_width, confidence=confidence)
    else:
        simple = satisfaction.size_for_change(
            std,
            change if change is not None else np.nan,
            confidence=confidence,
            power=0.8 if power is None else power,
            correlation=0.0 if correlation is None else correlation,
        )
    n = planned(simple, deff=deff, population=population)
    contacts = np.ceil(n / share * (1 - 1e-12))
    aim = "half_width" if change is None else "change"
    columns: dict[str, Any] = {"std": std, "deff": deff, "population": population, "response": response}
    columns |= {aim: half_width if change is None else change, "n": n, "contacts": contacts}
    arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in columns.values()))
    return pd.DataFrame({name: a.ravel() for name, a in zip(columns, arrays, strict=True)})


def _pairs(labels: pd.DataFrame) -> Index:
    """Return the groups of each period and the one before it, shape (pairs, 2)."""
    if "period" not in labels:
        raise DataError(say("satisfaction.waves", keys=", ".join(labels.columns) or "—"))
    others = [key for key in labels if key != "period"]
    found = []
    for _, rows in labels.groupby(others, sort=False) if others else [("", labels)]:
        order = sorted(rows.index, key=lambda g: periods.sort_key(str(labels.loc[g, "period"])))
        found += list(pairwise(order))
    if not found:
        raise DataError(say("satisfaction.waves", keys=", ".join(labels.columns)))
    return np.array(found, np.intp)


def _parts(inside: Index, convention: Convention) -> Statistic:
    """Return u and item means of a construct as a statistic: (B, 2k)."""

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        at = np.flatnonzero(np.isin(own.at, inside))
        u = path_index.index_weights(fit.weights, S, convention=convention)[:, at]
        pad = np.zeros((len(u), inside.size - at.size))
        return np.concatenate([u, pad, np.broadcast_to(mean[:, at], u.shape), pad], axis=1)

    return statistic


def _effects(of: Study, values: Array, pairs: Index, inside: Index) -> Array:
    """Return change, answers and weights of each pair: (pairs, 3, B) from (G, 2k, B)."""
    x, k = np.moveaxis(values, 1, -1), inside.size
    u, m = x[..., :k], x[..., k:]
    a, b = pairs[:, 0], pairs[:, 1]
    ends = of.survey.lower[inside], of.survey.upper[inside]
    return np.stack(satisfaction.decompose(m[a], u[a], m[b], u[b], *ends), axis=1)


def _later(of: Study, pairs: Index) -> dict[str, Any]:
    """Return labels and groups in which each pair is one group, of the respondents of its later period."""
    place = {int(g): j for j, g in enumerate(pairs[:, 1])}
    group = np.array([place.get(int(g), -1) for g in of.survey.group], np.intp)
    return {"labels": of.survey.labels.iloc[pairs[:, 1]], "group": group}
