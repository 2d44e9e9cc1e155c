"""Any table, any engine → a small mergeable table of the sums an estimate needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qstats.errors import DataError, kind_of, names_of, nearest, one_of, text
from qstats.survey import cells_file, keys, soundness
from qstats.survey.adjustments import ONE
from qstats.survey.design import Design, Missing
from qstats.survey.onepass import NO_LIMITS, Limits, add_up
from qstats.survey.plan import COUNTED, Plan, plan, product_name, replicate_name, square_name
from qstats.survey.schema_pass import by_name
from qstats.tally import keys_of

if TYPE_CHECKING:
    import pandas as pd

    from qstats.schema import Schema


class Cells:
    """Sums within each combination of keys, strata and sampled units; immutable.

    Made by :func:`cells`. Cells of shards, provinces or months add up with ``+``, ``sum()`` or
    :meth:`merged`: they are the cells of all rows together. A small part may wait until the sum is looked
    at, which then says at the latest that the sample does not fit together.

    Attributes
    ----------
    by, keys : tuple of str
        The keys asked for; all columns that tell cells apart (these, the stratum, the units, the
        categories calibrated to).
    design : Design or None
    sums : tuple of str
        What was added up.
    missing : {"fail", "omit"}
        What became of rows without a value.
    decimals : int or None
        Decimals to which what each row adds was rounded, so that sums are exact; None: not rounded.
    pushed_down : bool
        Whether the sampled units were added up as well: a cell then is a domain in a stratum, and
        holds the number of units and the squares and products of their totals.
    provenance : tuple of str
        What the rows say in their column ``provenance``, sorted; ``("user",)`` when they say nothing.

    Examples
    --------
    >>> from qstats.survey.design import Design
    >>> plan = Design(weight="w", cluster="plant")
    >>> may, june = (
    ...     cells({"plant": [1, 2], "w": [2.0, 3.0], "ok": ok}, design=plan, sums=["ok"])
    ...     for ok in ([1, 0], [1, 1])
    ... )
    >>> both = may + june
    >>> len(both), both.sum("ok").tolist(), both.column("rows").tolist()
    (2, [4.0, 3.0], [2.0, 2.0])
    """

    __slots__ = ("_parts", "by", "decimals", "design", "keys", "missing", "provenance", "pushed_down", "sums")

    _parts: tuple[pa.Table, ...]
    by: tuple[str, ...]
    keys: tuple[str, ...]
    design: Design | None
    sums: tuple[str, ...]
    missing: Missing
    decimals: int | None
    pushed_down: bool
    provenance: tuple[str, ...]

    def __init__(
        self,
        data: pa.Table,
        /,
        *more: pa.Table,
        by: Sequence[str],
        keys: Sequence[str],
        design: Design | None,
        sums: Sequence[str],
        missing: Missing = "fail",
        decimals: int | None = None,
        pushed_down: bool = False,
        provenance: Sequence[str] = ("user",),
    ) -> None:
        names = {"by": tuple(by), "keys": tuple(keys), "sums": tuple(sums), "provenance": tuple(provenance)}
        how = {"design": design, "missing": missing, "decimals": decimals, "pushed_down": pushed_down}
        for name, value in {"_parts": (data, *more), **names, **how}.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Cells are immutable: {name} cannot be set")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._data, self._meta())

    def _meta(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "_parts"}

    @property
    def _data(self) -> pa.Table:
        """The cells as one table; parts that wait are added to it first."""
        if len(self._parts) > 1:
            whole = soundness.together(self._parts, self.keys, self.design)
            object.__setattr__(self, "_parts", (whole,))
        return self._parts[0]

    def __len__(self) -> int:
        return int(self._data.num_rows)

    @property
    def table(self) -> pd.DataFrame:
        """The cells (a copy), sorted by their keys.

        Keys; populations of ``fpc``; ``rows`` (all rows), ``n`` (rows with a weight other than
        zero and a value), ``missing`` (rows left out), ``weight`` (Σw); each sum s as Σws under its
        name; Σwst as ``s*t``; where rows themselves were drawn with weights Σw²st as
        ``weight²*s*t``; of the rows left out the same under ``weight@missing`` and
        ``c@missing`` (variables calibrated to); of given replicate weights r Σr and Σrs as
        ``weight@r`` and ``s@r``; pushed down the numbers of ``units`` of the cell and of its
        stratum (``stratum_units``).
        """
        import pandas as pd

        columns = {name: self._data[name] for name in self.keys}
        found = pa.table(columns).to_pandas() if columns else pd.DataFrame(index=range(len(self)))
        for name in self._data.column_names[len(self.keys) :]:
            found[name] = self._data[name].to_numpy() if name in COUNTED else self.column(name)
        return found

    def column(self, name: str, /) -> NDArray[np.float64]:
        """Return a column of numbers by its name in :attr:`table`, as float64, shape (E,)."""
        text("name", name)
        if name not in self._data.column_names or name in self.keys:
            numbers = self._data.column_names[len(self.keys) :]
            near = nearest(name, numbers)
            raise DataError(f"cells have no sum {name!r}; nearest: {near!r}. They have {', '.join(numbers)}")
        values = self._data[name].to_numpy()
        if self.decimals is not None and values.dtype.kind == "i" and name not in COUNTED:
            return np.asarray(values / 10.0**self.decimals)
        return np.array(values, np.float64)

    def sum(self, s: str = ONE, /) -> NDArray[np.float64]:
        """Return Σ w s of each cell; of the constant ``"1"`` Σ w. Shape (E,)."""
        return self.column(*(_factors(s) or ["weight"]))

    def product(self, s: str = ONE, t: str = ONE, /) -> NDArray[np.float64]:
        """Return Σ w s t of each cell; either may be the constant ``"1"``. Shape (E,)."""
        if len(factors := _factors(s, t)) < 2:
            return self.sum(*factors)
        name = product_name(s, t)
        return self.column(name if name in self._data.column_names else product_name(t, s))

    def square(self, s: str = ONE, t: str = ONE, /) -> NDArray[np.float64]:
        """Return Σ w² s t of each cell; either may be the constant ``"1"``. Shape (E,).

        Of cells pushed down it is the sum over units of the products of their totals.
        """
        if not self.pushed_down and self.design is not None and self.design.weight is None:
            return self.product(s, t)
        name = square_name(*(factors := _factors(s, t)))
        return self.column(name if name in self._data.column_names else square_name(*factors[::-1]))

    def replicated(self, s: str = ONE, /) -> NDArray[np.float64]:
        """Return Σ r s of each cell and each given replicate weight r, shape (E, B)."""
        made = self.design.replication if self.design else None
        if made is None or not made.columns:
            raise DataError("the design has no columns of replicate weights")
        return np.column_stack([self.column(replicate_name(s, r)) for r in made.columns])

    @property
    def nested(self) -> bool:
        """Whether each unit lies in one cell of its stratum, or units are still told apart.

        Of cells pushed down otherwise only the domains themselves have exact errors: their sums and
        differences do not, since what one unit has in two of them is no longer known to belong together.
        """
        if not self.pushed_down:
            return True
        strata = [self.design.strata] if self.design and self.design.strata else []
        codes, _ = self.codes(strata)
        units = np.bincount(codes, self.column("units"))
        return bool((units[codes] == self.column("stratum_units")).all())

    def codes(self, names: Sequence[str], /) -> tuple[NDArray[np.int64], pd.DataFrame]:
        """Return the combination of some keys that each cell has, shape (E,), and the table of them."""
        names = names_of("names", names)
        for name in names:
            one_of("names", name, self.keys)
        codes, first = self.numbers(names)
        return codes, self.labels(names, first)

    def numbers(self, names: Sequence[str], /) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the number of each cell as :meth:`codes` does, and the first cell that has each number."""
        order, starts = keys.groups([self._data[name].combine_chunks() for name in names], len(self))
        codes = np.empty(len(self), np.int64)
        codes[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(self))))
        return codes, order[starts]

    def labels(self, names: Sequence[str], at: NDArray[np.int64], /) -> pd.DataFrame:
        """Return some keys of the cells at these positions."""
        import pandas as pd

        place, found = pa.array(at), {}
        for name in names:
            column = self._data[name].combine_chunks().take(place)
            whole = pa.types.is_int64(column.type)  # NumPy's as they are; Arrow's own way takes a millisecond
            found[name] = column.to_numpy() if whole else pa.table({name: column}).to_pandas()[name]
        return pd.DataFrame(found, index=pd.RangeIndex(len(at)))

    def __add__(self, other: object) -> Cells:
        if isinstance(other, int) and other == 0:  # what sum() starts with
            return self
        if not isinstance(other, Cells):
            return NotImplemented
        made = _together([self, other])
        if sum(map(len, made._parts[1:])) < len(made._parts[0]):
            return made  # until they are as many as there were: so each row is moved but a few times
        return _rebuild(made._data, made._meta())

    __radd__ = __add__

    @staticmethod
    def merged(parts: Iterable[Cells], /) -> Cells:
        """Return the cells of all rows of some parts together.

        Raises
        ------
        DataError
            No parts, or parts of other sums, keys or policies.
        DesignError
            Parts of other designs, or a sample that does not fit its population any more.
        """
        kind_of("parts", parts, Iterable, what="several Cells")
        made = _together(list(parts))
        return _rebuild(made._data, made._meta())

    def save(self, path: Path | str, /) -> None:
        """Write the cells as Parquet, with the design and the sums.

        Raises
        ------
        DataError
            The folder may not be written to.
        """
        cells_file.write(path, self._data, self._meta())

    @classmethod
    def load(cls, path: Path | str, /) -> Cells:
        """Return the cells that :meth:`save` wrote.

        Raises
        ------
        DataError
            No such file, it is broken, it holds no cells, or cells of a later version.
        """
        data, meta = cells_file.read(path)
        return cls(data, **meta)

    def __repr__(self) -> str:
        return f"{self._heading()}\n{self.table.to_string(index=False, max_rows=12, max_cols=12)}"

    def _heading(self) -> str:
        rows = int(self.column("rows").sum())
        parts = [f"Cells: {len(self):,} of {rows:,} rows", f"by {', '.join(self.by) or 'nothing'}"]
        parts += [f"sums {', '.join(self.sums) or 'none'}", repr(self.design).replace("\n  ", "")]
        parts += ["pushed down"] if self.pushed_down else []
        parts += ["SIMULATED 模拟数据"] if any(p.startswith("simulated") for p in self.provenance) else []
        return " · ".join(parts)

    def _repr_html_(self) -> str:
        from qstats import display

        return display.cells(self)


def _factors(*names: str) -> list[str]:
    for name in names:
        text("name", name)
    return [name for name in names if name != ONE]


def _together(found: Sequence[Cells]) -> Cells:
    """Return the cells of parts that mean the same, waiting to be added up."""
    for part in found:
        kind_of("parts", part, Cells, what="Cells")
    meta = soundness.meaning([part._meta() for part in found])
    return Cells(*found[0]._parts, *(part._data for part in found[1:]), **meta)


def _rebuild(data: pa.Table, meta: dict[str, Any]) -> Cells:
    return Cells(data, **meta)


def cells(
    data: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    design: Design | None = None,
    sums: str | Sequence[str] | Mapping[str, str | nw.Expr] = (),
    missing: Literal["fail", "omit"] | None = None,
    schema: Schema | None = None,
    decimals: int | None = None,
    memory_limit: str | None = None,
    temp_directory: Path | str | None = None,
    max_cells: int | None = None,
    progress: bool | None = None,
) -> Cells:
    """Add up what an estimate needs, in one pass over the rows.

    Within each combination of the keys, the strata, the sampled units and the categories that are
    calibrated to: the number of rows, Σw, Σwy for each sum, and Σwyx for each pair. These suffice for
    estimates and their errors, and they add up.

    Parameters
    ----------
    data : table or path
        A table of pandas, Polars (eager or lazy), Arrow, DuckDB, Dask, Ibis or PySpark, a
        mapping of columns, or the path, pattern or list of paths of Parquet or CSV files, of which only
        the columns needed are read.
    by : str or sequence of str
        Keys of the domains.
    design : Design, optional
        How the sample was drawn; none: every row counts once, and only sums are kept.
    sums : str or sequence of str, or mapping of name → column or narwhals expression
        Columns of numbers to add up.
    missing : {"fail", "omit"}, optional
        What becomes of rows without a value in one of the sums; by default as the design says, else
        ``fail``. Rows left out still count as sampled, and are counted in ``missing``.
    schema : Schema, optional
        What the table must be; see :func:`qstats.check`. Columns may then be asked for by any header that
        the schema knows; the cells have its names (``region`` for 地区).
    decimals : int, optional
        Round what each row adds to so many decimals and add whole numbers: the result is the same
        to the last bit whatever the order of rows and the number of threads.
    memory_limit : str, optional
        For files: memory of DuckDB, by default ``"1GB"``; what exceeds it spills to disk.
    temp_directory : path, optional
        For files: the folder to spill to; by default that of the system.
    max_cells : int, optional
        More cells than this: units are added up as well (``pushed_down``); by default 5,000,000 for files.
    progress : bool, optional
        For files: whether to show a bar; by default on a terminal or in a notebook, after a second.

    Returns
    -------
    Cells

    Raises
    ------
    DataError
        A column that does not exist, a missing or negative weight, a missing value, a broken file; with the
        rows in ``violations``.
    DesignError
        A primary unit in two strata, a population below the sample.

    Examples
    --------
    >>> rows = {"region": ["皖", "皖", "苏"], "w": [2.0, 3.0, 1.5], "ok": [1, 0, 1]}
    >>> cells(rows, by="region", design=Design(weight="w"), sums="ok").sum("ok").tolist()
    [2.0, 1.5]
    """
    what = plan(keys_of(by), design, sums, missing, decimals)
    if schema is not None:
        what = by_name(what, schema)
    limits = Limits(memory_limit, temp_directory, max_cells, progress)
    return cells_of(data, what, schema, limits)


def cells_of(
    data: Any,
    what: Plan,
    schema: Schema | None = None,
    limits: Limits = NO_LIMITS,
    /,
    *,
    derived: Mapping[str, nw.Expr] = MappingProxyType({}),
) -> Cells:
    """Return the cells of a plan; `derived` are keys that are expressions of the columns."""
    made = add_up(data, what, schema, limits, derived)
    return Cells(
        made.table,
        by=what.by,
        keys=[name for name in what.keys if name in made.table.column_names],
        design=what.design,
        sums=what.asked,
        missing=what.missing,
        decimals=what.decimals,
        pushed_down=made.pushed_down,
        provenance=made.provenance,
    )
