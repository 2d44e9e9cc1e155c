"""Figures as they stood at different times: what was revised, by how much, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from qstats import periods
from qstats.analysis import given
from qstats.errors import DataError, mapping, names_of, one_of, text, whole_number, within_0_1
from qstats.estimate import CORE, Estimate
from qstats.messages import say
from qstats.stats import revision

Against = Literal["previous", "first"]

#: the key that names when a figure was published
VINTAGE: Final = "vintage"
_ISO: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def vintages(published: Mapping[str, Estimate], /) -> Estimate:
    """Return one estimate of several vintages, with the further key ``vintage``.

    Parameters
    ----------
    published : mapping of vintage → Estimate
        A vintage is best the date of publication (``"2024-02-29"``).

    Returns
    -------
    Estimate
        The rows of all, with the further key ``vintage``.

    Raises
    ------
    DataError
        There is none, or they differ in indicator, unit or keys.

    Examples
    --------
    >>> import pandas as pd
    >>> def rate(value):
    ...     row = {"period": ["2023"], "estimate": [value], "std_error": [float("nan")]}
    ...     row |= {"conf_low": [float("nan")], "conf_high": [float("nan")], "n": [float("nan")]}
    ...     return Estimate(pd.DataFrame(row), indicator="product_pass_rate", unit="%", method="as published")
    >>> found = vintages({"2024-02": rate(93.60), "2024-12": rate(93.65)})
    >>> revisions(found)[["previous", "current"]].to_numpy().tolist()
    [[93.6, 93.65]]
    """
    given.several("published", published, None)
    if not published:
        raise DataError(say("revision.none"))
    first = next(iter(published.values()))
    for name, one in published.items():
        for what in ("indicator", "unit", "keys"):
            if getattr(one, what) != getattr(first, what):
                values = [getattr(each, what) for each in (first, one)]
                raise DataError(
                    say("revision.differ", vintage=name, what=what, first=values[0], now=values[1])
                )
    tables = [one.table.assign(**{VINTAGE: name}) for name, one in published.items()]
    table = pd.concat(tables, ignore_index=True)
    columns = [VINTAGE, *(name for name in table.columns if name != VINTAGE)]
    marks = dict.fromkeys(mark for one in published.values() for mark in one.provenance)
    return first.replace(table[columns], provenance=tuple(marks))


def revisions(
    estimate: Estimate,
    /,
    *,
    against: Against = "previous",
    reasons: Mapping[str, str] | None = None,
    order: Sequence[str] | None = None,
) -> pd.DataFrame:
    r"""Return every figure that was published again, beside what it was before: :math:`R = L - P`.

    Parameters
    ----------
    estimate : Estimate
        With the key ``vintage``; see :func:`vintages`.
    against : {"previous", "first"}
        Compare each vintage with the one before it that has the figure, or with the first.
    reasons : mapping of vintage → text, optional
        Why figures were revised in it. A column ``reason`` of the estimate comes first. A revision
        without either has the reason "", which a report prints as not stated.
    order : sequence of str, optional
        The vintages from the oldest to the newest, where they are not dates.

    Returns
    -------
    pandas.DataFrame
        The keys, ``vintage, previous_vintage, previous, current, revision, reason``; one row a figure
        and vintage, in the order of vintages. A figure confirmed has the revision 0 and no reason; the
        error of a revision is not known from the two figures and is not given.

    Raises
    ------
    DataError
        There is no key ``vintage`` or only one vintage; vintages are no dates and `order` does not name
        all of them; a reason is given for a vintage that does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> def rate(value):
    ...     row = {"period": ["2023"], "estimate": [value]}
    ...     row |= dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], [float("nan")])
    ...     return Estimate(pd.DataFrame(row), indicator="product_pass_rate", unit="%", method="as published")
    >>> found = vintages({"2024-02": rate(93.60), "2024-12": rate(93.65)})
    >>> revisions(found)["revision"].round(2).tolist()
    [0.05]
    """
    one_of("against", against, ("previous", "first"))
    keys, known, table = _history(estimate, order)
    reasons = {} if reasons is None else reasons
    mapping("reasons", reasons, of="vintage to reason")
    for name, reason in reasons.items():
        text(f"reasons[{name!r}]", reason)
        if name not in known:
            raise DataError(say("revision.no_vintage", vintage=name, known=", ".join(known)))
    table = table[table["estimate"].notna()]
    grouped = table.groupby(keys, sort=False) if keys else table.groupby(np.zeros(len(table)))
    before = grouped.shift() if against == "previous" else grouped.transform("first")
    found = table[[*keys, VINTAGE]].assign(
        previous_vintage=before[VINTAGE],
        previous=before["estimate"],
        current=table["estimate"],
        revision=table["estimate"] - before["estimate"],
    )
    known_reasons = dict(reasons)
    given = pd.Series([known_reasons.get(name, "") for name in table[VINTAGE]], table.index, dtype=object)
    if "reason" in table.columns:
        own = table["reason"].astype(object).where(table["reason"].notna(), "").astype(str)
        given = own.where(own != "", given)
    found["reason"] = given.where(found["revision"] != 0, "")
    again = grouped.cumcount() > 0
    found = found[again].assign(at=lambda rows: rows[VINTAGE].map(known.index))
    return found.sort_values("at", kind="stable").drop(columns="at").reset_index(drop=True)


def revision_triangle(estimate: Estimate, /, *, order: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the figures by period (and other keys) and vintage; NaN where a vintage has none.

    Parameters
    ----------
    estimate : Estimate
        With the key ``vintage``.
    order : sequence of str, optional
        As in :func:`revisions`.

    Returns
    -------
    pandas.DataFrame
        The keys, then a column a vintage from the oldest to the newest.

    Raises
    ------
    DataError
        No key ``vintage``.
    OptionError
        `order` leaves out a vintage, or names one that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> def rate(value):
    ...     row = {"period": ["2023"], "estimate": [value]}
    ...     row |= dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], [float("nan")])
    ...     return Estimate(pd.DataFrame(row), indicator="product_pass_rate", unit="%", method="as published")
    >>> found = vintages({"2024-02": rate(93.60), "2024-12": rate(93.65)})
    >>> revision_triangle(found).columns.tolist()
    ['period', '2024-02', '2024-12']
    """
    keys, known, table = _history(estimate, order)
    if taken := [name for name in known if name in keys]:
        raise DataError(say("revision.taken", name=taken[0]))
    rows = table[keys].drop_duplicates().reset_index(drop=True)
    for name in known:
        values = table.loc[table[VINTAGE] == name, [*keys, "estimate"]].rename(columns={"estimate": name})
        rows = rows.merge(values, on=keys, how="left") if keys else values.reset_index(drop=True).join(rows)
    return rows[[*keys, *known]]


def revision_summary(
    estimate: Estimate,
    /,
    *,
    by: str | Sequence[str] = (),
    against: Against = "first",
    level: float = 0.95,
    lags: int | None = None,
    order: Sequence[str] | None = None,
) -> Estimate:
    """Return the mean revision with its error, and the mean absolute revision.

    Of each figure the newest vintage is compared: with the first, or with the one before. Formulas:
    :func:`qstats.stats.revision.summary`.

    Parameters
    ----------
    estimate : Estimate
        With the key ``vintage``.
    by : str or sequence of str
        Keys to summarise apart.
    against : {"first", "previous"}
        What the newest figure is compared with.
    level : float
        Of the interval of the mean revision.
    lags : int, optional
        Of the autocorrelation allowed for.
    order : sequence of str, optional
        As in :func:`revisions`.

    Returns
    -------
    Estimate
        The mean revision, whose interval without 0 is a sign of bias, with ``mean_absolute,
        root_mean_square, relative_absolute`` (per cent of the later figures) and ``upward`` (per cent).
        Where all revisions are the same, none among them, the error of their mean is not known: NaN.

    Raises
    ------
    DataError
        No figure was published twice, or `by` is no key.

    Examples
    --------
    >>> import pandas as pd
    >>> def rate(value):
    ...     row = {"period": ["2023"], "estimate": [value]}
    ...     row |= dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], [float("nan")])
    ...     return Estimate(pd.DataFrame(row), indicator="product_pass_rate", unit="%", method="as published")
    >>> found = vintages({"2024-02": rate(93.60), "2024-12": rate(93.65)})
    >>> round(revision_summary(found).value(), 2)
    0.05
    """
    keys = _keys(estimate)
    within_0_1("level", level)
    if lags is not None:
        whole_number("lags", lags, least=0)
    wanted = names_of("by", by)
    for key in wanted:
        one_of("by", key, keys)
    table = revisions(estimate, against=against, order=order)
    if table.empty:
        raise DataError(say("revision.nothing"))
    newest = _by_period(table.drop_duplicates(keys, keep="last") if keys else table.tail(1), keys)
    groups = newest.groupby(wanted, sort=True) if wanted else [((), newest)]
    rows = [{**dict(zip(wanted, name, strict=True)), **_line(part, level, lags)} for name, part in groups]
    return estimate.replace(
        pd.DataFrame(rows),
        method=f"mean revision against {against}",
        level=level,
        inference="superpopulation",
    )


def _line(rows: pd.DataFrame, level: float, lags: int | None) -> dict[str, Any]:
    R, L = (rows[name].to_numpy(float) for name in ("revision", "current"))
    found = revision.summary(R, L, level=level, lags=lags if lags is None else min(lags, len(R) - 1))
    core = (found.mean, found.std_error, found.conf_low, found.conf_high, found.n)
    if not found.std_error > 0:  # revisions that are all the same say nothing of those to come
        core = (found.mean, math.nan, math.nan, math.nan, found.n)
    more = ("mean_absolute", "root_mean_square", "relative_absolute", "upward")
    return {**dict(zip(CORE, core, strict=True)), **{name: getattr(found, name) for name in more}}


def _keys(estimate: Estimate) -> list[str]:
    """Return the keys of a figure, whatever its vintage, or raise where there is none."""
    given.one(estimate, None)
    if VINTAGE not in estimate.keys:
        raise DataError(say("revision.no_key", keys=", ".join(estimate.keys)))
    return [key for key in estimate.keys if key != VINTAGE]


def _history(estimate: Estimate, order: Sequence[str] | None) -> tuple[list[str], list[str], pd.DataFrame]:
    """Return keys, vintages from the oldest to the newest, and the table by period, other keys, vintage."""
    keys = _keys(estimate)
    known = _ordered(estimate, None if order is None else names_of("order", order))
    table = estimate.table.astype({VINTAGE: str})
    table["at"] = table[VINTAGE].map(known.index)
    table = table.sort_values([*(key for key in keys if key != "period"), "at"], kind="stable")
    return keys, known, _by_period(table.drop(columns="at"), keys).reset_index(drop=True)


def _ordered(estimate: Estimate, order: list[str] | None) -> list[str]:
    """Return the vintages from the oldest to the newest; refuse to guess."""
    found = sorted(set(estimate.table[VINTAGE].astype(str)))
    if len(found) < 2:
        raise DataError(say("revision.one", vintage=found[0]))
    if order is not None:
        if sorted(order) != found:
            raise DataError(say("revision.order", known=", ".join(found), order=", ".join(order)))
        return order
    if not all(_ISO.fullmatch(name) for name in found) or len({len(name) for name in found}) > 1:
        raise DataError(say("revision.undated", known=", ".join(found)))
    return found


def _by_period(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return a table in the order of its periods, if it has any; rows of one period keep theirs."""
    if "period" not in keys:
        return table
    return table.sort_values("period", key=lambda p: p.map(periods.sort_key), kind="stable")
