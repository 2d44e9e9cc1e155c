"""The steps of an index on their own: a table in, a table out, labels kept.

A table has units in its rows and indicators in its columns; a Series is one indicator. Values given for each
indicator (directions, bounds, targets …) are one number for all, or a mapping or Series by the name of the
indicator. Formulas are in :mod:`qstats.stats`; what they raise names columns here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats.index.labelled import Each, Table, each, frame_of, like, naming, parts, place
from qstats.index.means import mean_numbers
from qstats.index.preparation import denominate, impute, screen
from qstats.index.weighing import benefit_of_the_doubt, weigh
from qstats.stats import aggregation, normalisation, treatment
from qstats.stats.standing import Ties

__all__ = [
    "aggregate",
    "benefit_of_the_doubt",
    "denominate",
    "impute",
    "normalise",
    "screen",
    "treat",
    "weigh",
]


class Treated(NamedTuple):
    """Treated values, and a record with one row an indicator (and part); see :func:`treat`."""

    data: Any
    record: pd.DataFrame


def treat(
    data: Table,
    /,
    *,
    max_winsorised: int = 5,
    skew_limit: float = 2.0,
    kurt_limit: float = 3.5,
    transform: treatment.Transform = "log",
    offset: float = 0.01,
    outside: Literal["raise", "clip"] = "raise",
    within: str | Mapping[Any, Any] | pd.Series | None = None,
    base: Table | None = None,
) -> Treated:
    """Winsorise, then transform what still has outliers.

    Parameters
    ----------
    data : DataFrame or Series
    max_winsorised, skew_limit, kurt_limit, transform, offset, outside
        As in :func:`qstats.stats.treatment.fit` and :func:`qstats.stats.treatment.apply`.
    within : str, mapping or Series, optional
        A level of the index (the year), or the part each unit is in: every part by itself.
    base : DataFrame or Series, optional
        What to find the treatment in, in place of `data` itself.

    Returns
    -------
    Treated
        ``data``, and ``record``: ``part, indicator, skewness, kurtosis, n_low, n_high, adopted`` ("none",
        "winsorised", or the transform), ``passed``.

    Raises
    ------
    DataError
        Columns that hold no numbers; a value outside what the transform was fitted on, where that is to
        raise.
    OptionError
        A choice that does not exist; `base` lacks an indicator.

    Examples
    --------
    >>> found = treat(pd.Series([1.0, 2.0, 3.0, 4.0, 5.0, 90.0], name="rate"))
    >>> found.data.tolist(), found.record["adopted"].tolist()
    ([1.0, 2.0, 3.0, 4.0, 5.0, 5.0], ['winsorised'])
    """
    frame, records = frame_of(data), []
    stages = np.array(["none", "winsorised", transform], dtype=object)
    limits = {"skew_limit": skew_limit, "kurt_limit": kurt_limit, "offset": offset}
    done = np.full(frame.shape, np.nan)
    with naming(frame.columns):
        for part, rows, sample in parts(frame, within, base):
            found = treatment.fit(sample, max_winsorised=max_winsorised, transform=transform, **limits)
            done[rows] = treatment.apply(frame.iloc[rows], found, outside=outside)
            record = {"part": part, "indicator": frame.columns, "skewness": found.skewness[0, 0]}
            record |= {"kurtosis": found.kurtosis[0, 0], "n_low": found.n_low[0], "n_high": found.n_high[0]}
            record |= {"adopted": stages[found.adopted[0]], "passed": found.passed[0]}
            records.append(pd.DataFrame(record))
    return Treated(like(data, frame, done), pd.concat(records, ignore_index=True))


def normalise(
    data: Table,
    /,
    *,
    method: normalisation.Method = "minmax",
    direction: Each = 1,
    to: tuple[float, float] | None = None,
    lower: Each | None = None,
    upper: Each | None = None,
    target: Each | None = None,
    reference: Any = None,
    midpoint: Each | None = None,
    steepness: Each | None = None,
    percentiles: tuple[float, ...] | None = None,
    breaks: Sequence[float] | None = None,
    scores: tuple[float, ...] | None = None,
    ties: Ties | None = None,
    ddof: int | None = None,
    constant: normalisation.Constant = "raise",
    within: str | Mapping[Any, Any] | pd.Series | None = None,
    base: Table | None = None,
) -> Any:
    """Bring indicators to one scale on which higher is better.

    Parameters
    ----------
    data : DataFrame or Series
    method, direction, to, lower, upper, target, midpoint, steepness : optional
        As in :func:`qstats.stats.normalisation.fit`.
    percentiles, breaks, scores, ties, ddof, constant : optional
        As in :func:`qstats.stats.normalisation.fit`.
    reference : label, optional
        The unit that is the reference.
    within : str, mapping or Series, optional
        A level of the index (the year), or the part each unit is in: every part by itself. By default one
        scale for all rows.
    base : DataFrame or Series, optional
        What to find the scale in, in place of `data` itself.

    Returns
    -------
    DataFrame or Series
        As `data`.

    Raises
    ------
    DataError
        Columns that hold no numbers, or no two different values.
    OptionError
        A choice that does not exist; an option the method needs and was not given, or has no use for.

    Examples
    --------
    >>> data = pd.DataFrame({"passed": [90, 95, 98], "loss": [0.2, 0.4, 0.3]}, index=list("皖苏浙"))
    >>> normalise(data, direction={"passed": 1, "loss": -1}).round(6).loc["浙"].tolist()
    [100.0, 50.0]
    """
    frame = frame_of(data)
    own: dict[str, Any] = {
        "lower": lower,
        "upper": upper,
        "target": target,
        "midpoint": midpoint,
        "steepness": steepness,
    }
    by_name: dict[str, Any] = {
        k: None if value is None else each(k, value, frame.columns) for k, value in own.items()
    }
    d, done = each("direction", direction, frame.columns), np.full(frame.shape, np.nan)
    classes = {"percentiles": percentiles, "breaks": breaks, "scores": scores}
    others: dict[str, Any] = {"to": to, "ties": ties, "ddof": ddof, "constant": constant, **classes}
    with naming(frame.columns):
        for _, rows, sample in parts(frame, within, base):
            at = None if reference is None else place(reference, sample.index)
            params = normalisation.fit(sample, method, direction=d, reference=at, **by_name, **others)
            done[rows] = normalisation.apply(frame.iloc[rows], params)
    return like(data, frame, done)


def aggregate(
    data: pd.DataFrame,
    /,
    *,
    weights: Mapping[str, float] | pd.Series | None = None,
    method: aggregation.Method | aggregation.Function = "arithmetic",
    missing: aggregation.Missing = "renormalise",
    min_coverage: float = 0.0,
    coverage_of: Literal["count", "weight"] = "count",
    power: float | None = None,
    floor: float | None = None,
    penalty: Literal["down", "up"] | None = None,
    order_weights: Sequence[float] | None = None,
    alpha: float | None = None,
    beta: float | None = None,
) -> pd.DataFrame:
    """Bring the scores of each unit to one number.

    Parameters
    ----------
    data : DataFrame or Series
        Scores; a Series is one indicator, which aggregates to itself.
    weights : mapping or Series, optional
        By the name of the indicator; equal by default.
    method, missing, min_coverage, coverage_of, power, floor, penalty, order_weights, alpha, beta
        As in :func:`qstats.stats.aggregation.aggregate`.

    Returns
    -------
    DataFrame
        ``value, coverage, floored`` by unit.

    Raises
    ------
    DataError
        Scores that are missing, or not positive for a geometric or harmonic mean, where that is to raise.
    OptionError
        A choice that does not exist; a weight of no indicator; an option the method has no use for.

    Examples
    --------
    >>> data = pd.DataFrame({"level": [90.0, 80.0], "capability": [70.0, None]}, index=["安徽", "江苏"])
    >>> aggregate(data, weights={"level": 3, "capability": 1})["value"].tolist()
    [85.0, 80.0]
    """
    frame = frame_of(data)
    w = None if weights is None else each("weights", weights, frame.columns)
    numbers = {"power": power, "floor": floor, "alpha": alpha, "beta": beta, "min_coverage": min_coverage}
    mean_numbers({**numbers, "order_weights": order_weights})
    with naming(frame.columns):
        found = aggregation.aggregate(
            frame,
            w,
            method=method,
            missing=missing,
            min_coverage=min_coverage,
            coverage_of=coverage_of,
            power=power,
            floor=floor,
            penalty=penalty,
            order_weights=order_weights,
            alpha=alpha,
            beta=beta,
        )
    return pd.DataFrame(found._asdict(), index=frame.index)
