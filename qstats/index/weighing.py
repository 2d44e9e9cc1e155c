"""Weights of the indicators on their own: found in scores, in judgements, or for each unit by itself.

See :mod:`qstats.index.steps`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats import values
from qstats.errors import DataError, OptionError, QStatsWarning, nearest, one_of
from qstats.index.given import Fault, fault, refuse
from qstats.index.labelled import Each, Table, each, frame_of, like, naming, some
from qstats.stats import frontier, importance, weighting

Weighing = Literal["equal", "pca", "oecd", "entropy", "critic", "balance", "ahp"]

_WEIGHINGS: Final = ("equal", "pca", "oecd", "entropy", "critic", "balance", "ahp")
#: the consistency ratio above which judgements should be revised (Saaty 1980)
_CONSISTENT: Final = 0.1


def weigh(
    data: Table,
    /,
    *,
    method: Weighing = "equal",
    negative: Literal["raise", "zero", "absolute"] | None = None,
    missing: weighting.Missing | None = None,
    target: Each | None = None,
    start: Each | None = None,
) -> pd.Series:
    """Find weights of the indicators.

    Parameters
    ----------
    data : DataFrame
        Scores: higher is better. Of "ahp" the judgements: how many times the indicator of the row matters as
        much as that of the column, as 3, 0.25 or "1/3", with the same labels on both sides; an empty cell is
        the reciprocal of the one across.
    method : {"equal", "pca", "oecd", "entropy", "critic", "balance", "ahp"}
        "pca" and "oecd" are the rules of :func:`qstats.stats.weighting.principal`; "balance" is
        :func:`qstats.stats.importance.balance`, "ahp" (analytic hierarchy process)
        :func:`qstats.stats.weighting.pairwise_judgements`. Weights that differ by unit are those of
        :func:`benefit_of_the_doubt`.
    negative : optional
        Of "pca".
    missing : optional
        Of "pca", "oecd" and "critic".
    target, start : optional
        Of "balance".

    Returns
    -------
    Series
        Not negative, summing to 1, by the name of the indicator. Of "ahp", ``attrs`` has the
        ``consistency_ratio`` (NaN for more than ten indicators) and the ``eigenvalue``.

    Raises
    ------
    DataError
        Columns that hold no numbers, or no two different values; values missing where that is to raise.
        Judgements that are not positive, not made, or not each other's reciprocal: all of them are named.
    OptionError
        A choice that does not exist; an option the method has no use for.

    Warns
    -----
    QStatsWarning
        The consistency ratio of judgements is above 0.1; the one that fits the weights least is named.

    Examples
    --------
    >>> weigh(pd.DataFrame({"a": [1, 2, 3], "b": [3, 5, 1]})).to_dict()
    {'a': 0.5, 'b': 0.5}
    >>> judged = pd.DataFrame([[1, 2, 4], ["1/2", 1, 2], ["1/4", "1/2", 1]], list("abc"), list("abc"))
    >>> found = weigh(judged, method="ahp")
    >>> found.round(4).to_dict(), round(found.attrs["eigenvalue"], 6)
    ({'a': 0.5714, 'b': 0.2857, 'c': 0.1429}, 3.0)
    """
    one_of("method", method, _WEIGHINGS)
    takes = {"negative": ("pca",), "missing": ("pca", "oecd", "critic")}
    takes |= {"target": ("balance",), "start": ("balance",)}
    given = {"negative": negative, "missing": missing, "target": target, "start": start}
    for name, value in given.items():
        if value is not None and method not in takes[name]:
            raise OptionError(f"{method!r} has no use for {name!r}", argument=name)
    if method == "ahp":
        return _judged(data)
    frame = frame_of(data)
    with naming(frame.columns):
        found = _weights(frame, method, given)
    return pd.Series(found, index=frame.columns, name="weight")


def _weights(frame: pd.DataFrame, method: Weighing, given: Mapping[str, Any]) -> Any:
    holes: weighting.Missing = given["missing"] or "raise"
    if method == "pca":
        return weighting.principal(frame, negative=given["negative"] or "raise", missing=holes)
    if method == "oecd":
        return weighting.principal(frame, rule="oecd", missing=holes)
    if method == "critic":
        return weighting.critic(frame, missing=holes)
    if method == "entropy":
        return weighting.entropy(frame)
    if method == "equal":
        return weighting.equal(frame.shape[1])
    wanted = (None if given[k] is None else each(k, given[k], frame.columns) for k in ("target", "start"))
    target, start = wanted
    return importance.balance(frame, target=target, start=start).weights


def _judged(data: Any) -> pd.Series:
    """Return the weights of judgements, and tell when these contradict each other."""
    table = _square(data)
    a = _judgements(table)
    found, labels = weighting.pairwise_judgements(a), table.columns
    w, ratio = found.weights, float(found.consistency_ratio)
    if ratio > _CONSISTENT:
        off = np.abs(np.log(a * w / w[:, None]))
        p, q = np.unravel_index(off.argmax(), off.shape)
        warnings.warn(
            f"the judgements contradict each other: their consistency ratio is {ratio:.3f}, above "
            f"{_CONSISTENT}; look again at {labels[p]} against {labels[q]}, which is {a[p, q]:.3g} where the "
            f"weights say {w[p] / w[q]:.3g}",
            QStatsWarning,
            stacklevel=3,
        )
    weights = pd.Series(w, index=labels, name="weight")
    weights.attrs = {"consistency_ratio": ratio, "eigenvalue": float(found.eigenvalue)}
    return weights


def _square(data: Any) -> pd.DataFrame:
    """Return judgements with the rows in the order of the columns."""
    if not isinstance(data, pd.DataFrame) or data.empty:
        kind = "an empty table" if isinstance(data, pd.DataFrame) else type(data).__name__
        raise DataError(f"judgements are a DataFrame with the same labels on both sides; found {kind}")
    sides = {"index": data.index, "columns": data.columns}
    for side, across in (("index", "columns"), ("columns", "index")):
        own, other = sides[side], sides[across]
        if own.has_duplicates:
            raise DataError(f"labels stand twice in the {side} of judgements: {some(own[own.duplicated()])}")
        if len(lone := own[~own.isin(other)]):
            near = nearest(lone[0], other)
            hint = f" Did you mean {near!r}?" if near else ""
            raise DataError(
                f"the {side} of judgements has labels that the {across} lack: {some(lone)}.{hint}"
            )
    return data.loc[data.columns]


def _judgements(table: pd.DataFrame) -> np.ndarray:
    """Return judgements as numbers, or raise with all that are wrong."""
    given = [[_judgement(cell) for cell in row] for row in table.to_numpy(dtype=object).tolist()]
    own = np.array(given, float)
    a = np.where(own == 0, 1 / np.where(own.T > 0, own.T, np.nan), own)
    diagonal = np.diag_indices(len(a))
    a[diagonal] = np.where(own[diagonal] == 0, 1.0, own[diagonal])
    faults: list[Fault] = []
    for p, row in enumerate(table.columns):
        for q, column in enumerate(table.columns):
            cell, pair, said = table.iat[p, q], f"{row} against {column}", ""
            if np.isnan(own[p, q]):
                said = f"{pair}: {values.text_of(cell)} is no positive number; write 3, 0.25 or 1/3"
                said += " (in a spreadsheet =1/3, or it becomes a date)."
            elif q > p and own[p, q] == own[q, p] == 0:
                said = f"{pair} is not judged."
            elif q >= p and abs(a[p, q] * a[q, p] - 1) > 1e-6:
                said = f"{pair} is {a[p, q]:.6g}, and {column} against {row} {a[q, p]:.6g}: write 3 and 1/3, "
                said += "or leave one of them empty."
                said = said if q > p else f"{row} against itself is {a[p, q]:.6g}, and must be 1."
            if said:
                faults.append(fault(str(column), cell, "judgement", said, p))
    refuse(faults, "en")
    return a


def _judgement(cell: Any) -> float:
    """Return a judgement as a number: 0 where the cell is empty, NaN where it holds no positive number.

    Examples
    --------
    >>> [_judgement(cell) for cell in (3, "1/4", "１／２", None, "1/0", "-2", "3月1日")]
    [3.0, 0.25, 0.5, 0.0, nan, nan, nan]
    """
    if values.is_missing(cell):
        return 0.0
    parts = re.split("[/／]", cell) if isinstance(cell, str) else [cell]
    read = [values.read_number(part) for part in parts]
    numbers = [one.value for one in read if isinstance(one, values.Number) and one.value > 0]
    if len(numbers) != len(parts) or len(parts) > 2:
        return np.nan
    return numbers[0] / numbers[-1] if len(parts) == 2 else numbers[0]


class Benefit(NamedTuple):
    """Scores of units under their own best weights; see :func:`benefit_of_the_doubt`."""

    score: pd.Series
    weights: Any
    shares: Any


def benefit_of_the_doubt(data: Table, /, *, lower: Each = 0.0, upper: Each = 1.0) -> Benefit:
    """Score each unit under the weights that suit it best.

    Parameters
    ----------
    data : DataFrame or Series
        Not negative: higher is better.
    lower, upper : number, mapping or Series
        Least and greatest share of the score that an indicator makes, 0 to 1: one for all, or by the name of
        the indicator; those that are not named are free.

    Returns
    -------
    Benefit
        ``score`` by unit, 1 on the frontier; ``weights`` of the values and ``shares`` of the score, which sum
        to 1, of the shape of `data`. Formula: :func:`qstats.stats.frontier.benefit_of_the_doubt`.

    Raises
    ------
    DataError
        Columns that hold no numbers, or values below 0; a unit that cannot have the shares asked for.
    OptionError
        A bound of no indicator; bounds that are out of order, or within which shares cannot sum to 1.

    Examples
    --------
    >>> data = pd.DataFrame({"passed": [4, 2, 1], "rd": [1, 4, 2]}, index=["安徽", "江苏", "浙江"])
    >>> benefit_of_the_doubt(data).score.round(6).to_dict()
    {'安徽': 1.0, '江苏': 1.0, '浙江': 0.5}
    >>> benefit_of_the_doubt(data, lower={"passed": 0.5}).score.round(6).to_dict()
    {'安徽': 1.0, '江苏': 0.888889, '浙江': 0.444444}
    """
    frame = frame_of(data)
    low, high = _bounds("lower", lower, frame, 0.0), _bounds("upper", upper, frame, 1.0)
    with naming(frame.columns, frame.index):
        found = frontier.benefit_of_the_doubt(frame, lower=low, upper=high)
    score = pd.Series(found.score, index=frame.index, name="score")
    return Benefit(score, like(data, frame, found.weights), like(data, frame, found.shares))


def _bounds(name: str, value: Any, frame: pd.DataFrame, free: float) -> np.ndarray:
    """Return a bound of every indicator."""
    if isinstance(value, Mapping | pd.Series):
        value = {**dict.fromkeys(frame.columns, free), **dict(value)}
    return each(name, value, frame.columns)
