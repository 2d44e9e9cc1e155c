"""One group-by on any engine that narwhals speaks to; the result is Arrow."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import narwhals as nw
import pyarrow as pa

from qstats.errors import DataError, QStatsError, nearest
from qstats.messages import say
from qstats.survey.plan import Expressions, Plan

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]

#: engines that add up columns only, so what a row adds is made into columns first
_TWO_STEPS: Final[tuple[nw.Implementation, ...]] = (
    nw.Implementation.PANDAS,
    nw.Implementation.MODIN,
    nw.Implementation.PYARROW,
    nw.Implementation.DASK,
)

_SPARK: Final[tuple[nw.Implementation, ...]] = (nw.Implementation.PYSPARK, nw.Implementation.PYSPARK_CONNECT)


#: so many sums of a pandas table are left to Arrow
_MANY_SUMS: Final = 60


def framed(data: Any, /) -> Frame:
    """Return a table of any engine as narwhals sees it; a mapping or list of columns by pandas.

    Raises
    ------
    DataError
        It is no table, or two of its columns have one name.
    """
    if isinstance(data, nw.DataFrame | nw.LazyFrame):
        return data
    if isinstance(data, Mapping | list):
        import pandas as pd

        try:
            data = pd.DataFrame(data)
        except ValueError as error:
            raise DataError(say("cells.ragged", error=error)) from None
    try:
        with warnings.catch_warnings():
            # of a package to come that would take over Dask; it cannot be installed yet
            warnings.filterwarnings("ignore", "Dask support is moving", FutureWarning)
            return _labelled(cast("Frame", nw.from_native(data)))
    except nw.exceptions.DuplicateError as error:
        raise DataError(say("check.names_twice", error=error)) from None
    except TypeError:
        raise DataError(say("cells.no_table", kind=type(data).__name__)) from None


def _labelled(frame: Frame) -> Frame:
    """Return the frame; the labels of its columns must be text."""
    odd = [name for name in frame.collect_schema() if not isinstance(name, str)]
    if odd:
        raise DataError(say("cells.labels", value=repr(odd[0])))
    return frame


def require_columns(present: Sequence[str], names: Iterable[str], /, *, where: str = "") -> None:
    """Raise when a column that is asked for does not exist; the nearest is named."""
    for name in names:
        if name not in present:
            near = nearest(name, present)
            hint = say("cells.near", near=near) if near else say("cells.have", names=", ".join(present[:30]))
            raise DataError(say("cells.no_column", name=name, where=where, hint=hint))


def require_numbers(schema: Mapping[str, Any], names: Iterable[str], /) -> None:
    """Raise when a column that is added up, or a weight, does not hold numbers."""
    for name in names:
        kind = schema.get(name)
        if kind is not None and not (kind.is_numeric() or kind in (nw.Boolean, nw.Unknown, nw.Object)):
            raise DataError(say("cells.no_number", name=name, kind=kind))


def aggregated(frame: Frame, keys: Sequence[str], made: Expressions, /, *, count: str = "#rows") -> Frame:
    """Return the sums of what each row adds, within each combination of keys, on the same engine.

    Parameters
    ----------
    frame : narwhals frame
        Rows, on any engine.
    keys : sequence of str
        Columns; none: one row for all.
    made : Expressions
        What each row adds, and of which the least or largest is wanted.
    count : str
        Name of the number of rows.

    Returns
    -------
    narwhals frame
        Keys as the engine knows them, then the results under the names of the addends.
    """
    sources = made.addends
    if frame.implementation.is_pandas() and len(sources) > _MANY_SUMS and isinstance(frame, nw.DataFrame):
        frame = nw.from_native(frame.to_arrow(), eager_only=True)  # pandas puts columns in one by one
    if frame.implementation in _TWO_STEPS:
        names = [f"#{at}" for at in range(len(sources))]
        stage = dict(zip(names, sources.values(), strict=True))
        frame = frame.select(*keys, **stage) if stage else frame
        sources = {name: nw.col(f"#{at}") for at, name in enumerate(sources)}
    totals = [nw.len().alias(count), *(_total(name, e, made) for name, e in sources.items())]
    if not keys:
        return frame.select(*totals)
    if isinstance(frame, nw.DataFrame):
        try:
            return frame.group_by(list(keys)).agg(*totals)
        except (TypeError, UnicodeEncodeError) as error:
            raise DataError(say("cells.key_unread", names=", ".join(keys), error=error)) from None
    return frame.group_by(list(keys)).agg(*totals)


def collected(frame: Frame, /) -> pa.Table:
    """Return a frame of any engine as Arrow."""
    try:
        if isinstance(frame, nw.LazyFrame):
            return cast("pa.Table", frame.collect(backend="pyarrow").to_native())
        return frame.to_arrow()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(say("cells.key_mixed", error=str(error).splitlines()[0])) from None


def _total(name: str, addend: nw.Expr, made: Expressions) -> nw.Expr:
    if name in made.least:
        return addend.min().alias(name)
    return (addend.max() if name in made.largest else addend.sum()).alias(name)


@contextmanager
def evaluating(plan: Plan, /) -> Iterator[None]:
    """Tell what an engine raises of an expression of the caller in our words."""
    try:
        yield
    except QStatsError:
        raise
    except Exception as error:
        made = [name for name in plan.values if name not in plan.columns]
        if not made:
            raise
        fault = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(say("cells.expression", names=", ".join(made), error=fault)) from error


def columns_of(plan: Plan, frame: Frame) -> None:
    """Raise unless the frame has the columns of the plan, and numbers where numbers are needed."""
    names = frame.collect_schema()
    numbers = [*plan.weights, *plan.populations, *plan.columns.values()]
    require_columns(list(names), [*plan.keys, *numbers])
    require_numbers(names, numbers)
    for key in plan.keys:
        if names[key].is_nested() or isinstance(names[key], nw.Duration):
            raise DataError(say("cells.key_kind", name=key, kind=names[key]))
    _refuse_texts(frame, [name for name in numbers if names[name] == nw.Object])
    _refuse_complex(frame, numbers)


def _refuse_texts(frame: Frame, names: Iterable[str]) -> None:
    """Raise when a column of mixed objects in memory holds a text that is no number, with its row."""
    for name in names if isinstance(frame, nw.DataFrame) else ():
        for at, value in enumerate(frame[name].to_list(), start=1):
            try:
                float(value) if isinstance(value, str) else None
            except ValueError:
                raise DataError(say("cells.no_number_at", name=name, row=at, value=value)) from None


def _refuse_complex(frame: Frame, names: Iterable[str]) -> None:
    """Raise when a number has an imaginary part, which adding up would drop; only pandas has such."""
    if not frame.implementation.is_pandas():
        return
    dtypes = frame.to_native().dtypes
    for name in names:
        if dtypes[name].kind == "c":
            raise DataError(say("cells.no_number", name=name, kind=dtypes[name]))


def session_zone(frame: Frame, /) -> str | None:
    """Return the time zone of a Spark session: its instants have no zone of their own."""
    if frame.implementation not in _SPARK:
        return None
    return str(frame.to_native().sparkSession.conf.get("spark.sql.session.timeZone"))
