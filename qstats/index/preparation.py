"""The first steps of an index on their own: sizes, availability, holes; labels are kept.

See :mod:`qstats.index.steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast

import numpy as np
import pandas as pd

from qstats import periods, values
from qstats.errors import DataError, OptionError, kind_of, mapping, names_of, one_of, whole_number
from qstats.index.given import spelt
from qstats.index.labelled import Each, Table, each, frame_of, known, labels_of, like, naming, some
from qstats.stats import imputation, normal_imputation, screening

_SOURCES: Final = ("observed", "imputed", "missing")
#: the level of the index that tells several imputations apart
_NUMBER: Final = "imputation"
#: options of the methods of imputation that are not fitted to one table, and of those that are
_TAKES: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(imputation.OVER_TIME, ("time", "max_gap"))
_TAKES["multiple"] = ("n_imputations", "seed")
_FITTED: Final = ("groups", "direction", "predictors", "empty", "base")


class Imputed(NamedTuple):
    """Filled values, and for every cell "observed", "imputed" or "missing"; see :func:`impute`."""

    data: Any
    source: Any


class Screened(NamedTuple):
    """What was kept, and the shares it was judged by; see :func:`screen`."""

    data: Any
    units: pd.DataFrame
    indicators: pd.DataFrame


def by_keys(table: pd.DataFrame, keys: Sequence[str], /) -> pd.DataFrame:
    """Return a table with keys in the spelling of the library: 安徽省 is 安徽, 2023.0 is 2023.

    Examples
    --------
    >>> data = pd.DataFrame({"region": ["安徽省"], "period": [2023.0]})
    >>> by_keys(data, ["region", "period"]).values.tolist()
    [['安徽', '2023']]
    """
    return table.assign(**{key: [spelt(key, cell) for cell in table[key].tolist()] for key in keys})


def sizes_of(name: str, column: pd.Series[Any], /) -> np.ndarray:
    """Return sizes as numbers, NaN where a cell is empty.

    Raises
    ------
    DataError
        Cells that hold no finite number, or several columns of one name.

    Examples
    --------
    >>> sizes_of("people", pd.Series(["6 113", None])).tolist()
    [6113.0, nan]
    """
    if column.ndim > 1:
        raise DataError(f"the column {name!r} stands {column.shape[1]} times; keep one")
    empty = values.Number(np.nan)
    read = [empty if values.is_missing(cell) else values.read_number(cell, None) for cell in column.tolist()]
    wrong = [
        cell for cell, one in zip(column.tolist(), read, strict=True) if not isinstance(one, values.Number)
    ]
    if wrong:
        raise DataError(f"the column {name!r} should hold finite numbers; found {some(wrong)}")
    return np.array([one.value for one in read if isinstance(one, values.Number)], float)


def years_of(labels: Iterable[Any], /) -> np.ndarray:
    """Return labels of time as numbers: years, or quarters, halves or months as parts of them.

    NaN where a label is neither, or they are of several lengths.

    Examples
    --------
    >>> years_of([2022, 2024]).tolist(), years_of(["2022Q1", "2022年第三季度"]).tolist()
    ([2022.0, 2024.0], [2022.0, 2022.5])
    """
    given = list(labels)
    numbers = pd.to_numeric(pd.Series(given, dtype=object), errors="coerce").to_numpy(float)
    if np.isfinite(numbers).all():
        return np.asarray(numbers)
    keys = [periods.sort_key(periods.normalise(label) or str(label)) for label in given]
    kinds = {kind for _, kind, _, _ in keys}
    if len(kinds) == 1 and (parts := periods.PER_YEAR.get(kinds.pop())):
        return np.array([year + (number - 1) / parts for year, _, number, _ in keys])
    return np.asarray(numbers)


def denominate(
    data: Table,
    sizes: pd.DataFrame,
    /,
    *,
    by: Mapping[str, str],
    scale: Each = 1.0,
    zero: Literal["raise", "nan"] = "raise",
) -> Any:
    """Divide indicators by a size of their units: per head, per output.

    Parameters
    ----------
    data : DataFrame or Series
    sizes : DataFrame
        Sizes in columns; rows are aligned on the index, and every unit must be there once.
    by : mapping
        Name of the indicator → column of `sizes`. The others stay as they are.
    scale, zero
        As in :func:`qstats.stats.screening.denominate`.

    Returns
    -------
    DataFrame or Series
        As `data`: indicators in `by` are divided, times ``scale``.

    Raises
    ------
    DataError
        A unit has no size, or one that is no positive number; under ``zero="nan"`` only what is no number.
    OptionError
        An indicator or a column of sizes does not exist.

    Examples
    --------
    >>> data = pd.DataFrame({"patents": [10, 30], "passed": [98, 99]}, index=["安徽", "江苏"])
    >>> people = pd.DataFrame({"people": [10, 5]}, index=["江苏", "安徽"])
    >>> denominate(data, people, by={"patents": "people"})["patents"].tolist()
    [2.0, 3.0]
    """
    frame = frame_of(data)
    kind_of("sizes", sizes, pd.DataFrame, what="a table of sizes")
    mapping("by", by, of="indicator to column of sizes")
    one_of("zero", zero, ("raise", "nan"))
    known("by", by, frame.columns)
    known("by", by.values(), sizes.columns)
    absent = frame.index.difference(sizes.index)
    if len(absent) or sizes.index.has_duplicates:
        raise DataError(f"every unit has one row of sizes; missing or twice: {some(absent)}")
    d = np.ones(frame.shape)
    for name, column in by.items():
        size = sizes_of(column, sizes.loc[frame.index, column])
        if zero == "raise" and np.isnan(size).any():
            raise DataError(
                f"{column!r} is empty for {some(frame.index[np.isnan(size)])}; supply it, or say zero='nan'"
            )
        d[:, frame.columns.get_loc(name)] = size
    k = each("scale", scale, frame.columns)
    with naming(frame.columns):
        return like(data, frame, screening.denominate(frame, d, scale=k, zero=zero))


def screen(
    data: Table,
    /,
    *,
    min_unit: float = 0.0,
    min_indicator: float = 0.0,
    counted: Literal["observed", "nonzero"] = "observed",
    first: Literal["both", "units", "indicators"] = "both",
) -> Screened:
    """Keep the units and indicators with enough data.

    Parameters
    ----------
    data : DataFrame or Series
    min_unit, min_indicator, counted, first
        As in :func:`qstats.stats.screening.screen`.

    Returns
    -------
    Screened
        ``data`` with what was kept, ``units`` and ``indicators`` with ``share`` and ``kept``.

    Raises
    ------
    DataError
        `data` is no table.
    OptionError
        A choice that does not exist; a share that is not between 0 and 1.

    Examples
    --------
    >>> data = pd.DataFrame({"a": [1, 2], "b": [3, None]}, index=["安徽", "江苏"])
    >>> screen(data, min_unit=0.6).data.index.tolist()
    ['安徽']
    """
    frame = frame_of(data)
    with naming(frame.columns):
        found = screening.screen(
            frame, min_unit=min_unit, min_indicator=min_indicator, counted=counted, first=first
        )
    kept = frame.loc[found.units, found.indicators]
    units = pd.DataFrame({"share": found.unit_share, "kept": found.units}, index=frame.index)
    judged = {"share": found.indicator_share, "kept": found.indicators}
    return Screened(like(data, kept, kept), units, pd.DataFrame(judged, index=frame.columns))


def impute(
    data: Table,
    /,
    *,
    method: imputation.Method | imputation.OverTime | Literal["multiple"] = "mean",
    groups: str | Mapping[Any, Any] | pd.Series | None = None,
    direction: Each | None = None,
    predictors: Sequence[str] | None = None,
    empty: Literal["raise", "overall", "nan"] = "raise",
    time: str | None = None,
    max_gap: float | None = None,
    base: Table | None = None,
    n_imputations: int | None = None,
    seed: int | None = None,
) -> Imputed:
    """Fill holes, and say which cells were filled.

    Parameters
    ----------
    data : DataFrame or Series
    method : str
        "mean", "median", "group-mean", "group-median", "row-mean", "regression", "em"; of a panel
        "latest", "constant", "linear"; or "multiple": several draws, see
        :func:`qstats.stats.normal_imputation.multiple`.
    groups : str, mapping or Series, optional
        Of the grouped methods: a level of the index, or the group of each unit.
    time : str, optional
        Of "latest", "constant" and "linear": the level of the index that holds years, other
        numbers, or periods of one length ("2023Q1").
    direction, predictors, empty, max_gap
        As in :func:`qstats.stats.imputation.fit` and :func:`qstats.stats.imputation.over_time`.
    base : DataFrame or Series, optional
        What to find the values in, in place of `data` itself: another year. Not of "latest", "constant",
        "linear" and "multiple".
    n_imputations, seed : int, optional
        Of "multiple": how many tables, by default 20; and the seed of the draws, by default 0.

    Returns
    -------
    Imputed
        ``data``, and ``source`` of the same shape: "observed", "imputed" or "missing". Of "multiple", one
        table below the other, with the number of the imputation, from 1 on, as the first level of the index:
        ``data.loc[1]`` is the first.

    Raises
    ------
    DataError
        An indicator, or a group of one, without a value to impute from; a level of the index that holds no
        numbers.
    OptionError
        A choice that does not exist; an option the method has no use for.

    Examples
    --------
    >>> data = pd.Series([1.0, None, 3.0], index=["安徽", "江苏", "浙江"])
    >>> impute(data).data.tolist(), impute(data).source.tolist()
    ([1.0, 2.0, 3.0], ['observed', 'imputed', 'observed'])
    """
    one_of("method", method, (*imputation.METHODS, *_TAKES))
    takes = _TAKES.get(method, _FITTED)
    given = {"groups": groups, "direction": direction, "predictors": predictors, "base": base, "time": time}
    given |= {"max_gap": max_gap, "n_imputations": n_imputations, "seed": seed}
    given["empty"] = None if isinstance(empty, str) and empty == "raise" else empty
    for name, value in given.items():
        if value is not None and name not in takes:
            said = f"{method!r} has no use for {name!r}; it takes {', '.join(takes)}"
            raise OptionError(said, argument=name)
    frame = frame_of(data)
    if method == "multiple":
        return _multiple(data, frame, 20 if n_imputations is None else n_imputations, seed)
    if method in imputation.OVER_TIME:
        found = _over_time(frame, method, time, max_gap)
    else:
        own = {"direction": direction, "predictors": predictors, "empty": empty}
        found = _fitted(frame, cast(imputation.Method, method), groups, base, own)
    source = np.array(_SOURCES, dtype=object)[found.source]
    return Imputed(like(data, frame, found.value), like(data, frame, source))


def _multiple(data: Table, frame: pd.DataFrame, n: int, seed: int | None) -> Imputed:
    """Fill holes several times at random."""
    whole_number("seed", 0 if seed is None else seed, least=0)
    if _NUMBER in frame.index.names:
        raise DataError(f"a level of the index is called {_NUMBER!r}; rename it")
    with naming(frame.columns):
        tables = normal_imputation.multiple(frame, n, seed=0 if seed is None else seed)
    source = np.where(np.isnan(frame), "imputed", "observed").astype(object)
    names = [_NUMBER, *frame.index.names]
    stacked = (
        pd.concat({k: like(data, frame, cells) for k, cells in enumerate(each_one, 1)}, names=names)
        for each_one in (tables, [source] * n)
    )
    return Imputed(*stacked)


def _fitted(
    frame: pd.DataFrame, method: imputation.Method, groups: Any, base: Any, own: Mapping[str, Any]
) -> imputation.Imputed:
    """Find what to put into the holes in a base, or in the table itself, and put it there."""
    sample = frame if base is None else frame_of(base)
    known("base", frame.columns, sample.columns)
    sample = sample[list(frame.columns)]
    codes: tuple[Any, Any] = (None, None)
    if groups is not None:
        labels = [labels_of("groups", groups, table) for table in (sample, frame)]
        both = pd.factorize(np.concatenate(labels))[0]
        codes = both[: len(sample)], both[len(sample) :]
    d, predictors, places = own["direction"], own["predictors"], None
    if predictors is not None:
        known("predictors", names_of("predictors", predictors), frame.columns)
        places = tuple(frame.columns.get_loc(name) for name in names_of("predictors", predictors))
    d = None if d is None else each("direction", d, frame.columns)
    with naming(frame.columns):
        params = imputation.fit(
            sample, method, groups=codes[0], direction=d, predictors=places, empty=own["empty"]
        )
        return imputation.apply(frame, params, groups=codes[1])


def _over_time(frame: Any, method: Any, time: str | None, max_gap: float | None) -> imputation.Imputed:
    """Spread rows to periods × units, fill, and come back to the rows."""
    if not isinstance(time, str) or time not in frame.index.names:
        raise OptionError(
            f"time={time!r} must be one of the levels of the index {list(frame.index.names)}", argument="time"
        )
    level = frame.index.get_level_values(time)
    when = years_of(np.asarray(level, dtype=object))
    if not np.isfinite(when).all():
        wrong = some(level[~np.isfinite(when)].unique())
        raise DataError(f"the level {time!r} must hold numbers or periods of one length; found {wrong}")
    years, at = np.unique(when, return_inverse=True)
    others = [name for name in range(frame.index.nlevels) if name != frame.index.names.index(time)]
    unit = np.zeros(len(frame), np.intp)
    for other in others:  # one level after another, so that an empty label is a label
        code, labels = pd.factorize(frame.index.get_level_values(other), use_na_sentinel=False)
        unit = np.unique(unit * len(labels) + code, return_inverse=True)[1]
    cell = unit * len(years) + at
    if len(np.unique(cell)) < len(cell):
        twice = frame.index[pd.Series(cell).duplicated()]
        raise DataError(f"a unit stands twice in the same period: {some(twice)}")
    cube = np.full((len(years), int(unit.max(initial=-1)) + 1, frame.shape[1]), np.nan)
    cube[at, unit] = frame
    with naming(frame.columns):
        found = imputation.over_time(cube, years, method, max_gap=max_gap)
    return imputation.Imputed(found.value[at, unit], found.source[at, unit])
