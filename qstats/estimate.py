"""`Estimate`: what a number is — its value, its error, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal

from qstats.errors import DataError, one_of

if TYPE_CHECKING:
    import pandas as pd

Inference = Literal["design", "superpopulation", "none"]

#: the columns every estimate has, after its keys
CORE: Final = ("estimate", "std_error", "conf_low", "conf_high", "n")


class Estimate:
    """A table of numbers with their errors; immutable.

    Parameters
    ----------
    table : pandas.DataFrame
        Key columns first (period, region, industry, node …), then ``estimate,
        std_error, conf_low, conf_high, n`` and any further columns (``df, deff, n_eff,
        coverage, flag`` …). An error that is not known is NaN, never zero.
    indicator : str
        Code of the indicator, e.g. ``"export_pass_rate"``.
    unit : str
        ``"%"`` for named rates (93.65, not 0.9365); otherwise the unit of the data.
    method : str
        How it was computed, in one line.
    basis : str
        What is counted: batches, value, enterprises …
    level : float
        Confidence level of ``conf_low`` and ``conf_high``.
    inference : {"design", "superpopulation", "none"}
        What the error describes. ``none``: a census, a published figure or a
        risk-targeted check has no sampling error of the population that we know.
    provenance : iterable of str
        Where the numbers come from: ``published:mqr``, ``simulated:inspections seed=1``.
    notes : iterable of str
        What the reader must know (clipped scores, borrowed variances …).
    digits : int
        Decimals to print. The numbers kept are never rounded.

    Raises
    ------
    DataError
        A core column is missing, or two rows have the same keys.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"region": ["安徽"], "estimate": [93.6], "std_error": [0.2], "conf_low": [93.2],
    ...        "conf_high": [94.0], "n": [9000]}
    >>> rate = Estimate(pd.DataFrame(row), indicator="product_pass_rate", unit="%",
    ...                 method="weighted", inference="superpopulation")
    >>> rate.keys, rate.value(region="安徽")
    (('region',), 93.6)
    """

    __slots__ = (
        "_table",
        "basis",
        "digits",
        "indicator",
        "inference",
        "level",
        "method",
        "notes",
        "provenance",
        "unit",
    )

    _table: pd.DataFrame
    indicator: str
    unit: str
    method: str
    basis: str
    level: float
    inference: Inference
    provenance: tuple[str, ...]
    notes: tuple[str, ...]
    digits: int

    def __init__(
        self,
        table: pd.DataFrame,
        *,
        indicator: str,
        unit: str,
        method: str,
        basis: str = "",
        level: float = 0.95,
        inference: Inference = "none",
        provenance: Iterable[str] = (),
        notes: Iterable[str] = (),
        digits: int = 2,
    ) -> None:
        one_of("inference", inference, ("design", "superpopulation", "none"))
        set_ = object.__setattr__
        set_(self, "_table", _valid(table))
        set_(self, "indicator", indicator)
        set_(self, "unit", unit)
        set_(self, "method", method)
        set_(self, "basis", basis)
        set_(self, "level", level)
        set_(self, "inference", inference)
        set_(self, "provenance", tuple(provenance))
        set_(self, "notes", tuple(notes))
        set_(self, "digits", digits)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Estimate is immutable: {name} cannot be set; use replace({name}=…)")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._table, self._meta())

    def _meta(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "_table"}

    @property
    def table(self) -> pd.DataFrame:
        """The table (a copy: changing it does not change the estimate)."""
        return self._table.copy()

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the key columns."""
        columns = [str(c) for c in self._table.columns]
        return tuple(columns[: columns.index("estimate")])

    @property
    def simulated(self) -> bool:
        """Whether any of the numbers descends from simulated data."""
        return any(source.startswith("simulated") for source in self.provenance)

    def replace(self, table: pd.DataFrame | None = None, **changes: Any) -> Estimate:
        """Return an estimate with another table or other attributes."""
        return Estimate(self._table if table is None else table, **{**self._meta(), **changes})

    def where(self, **keys: object) -> Estimate:
        """Return the rows whose keys have these values (a value, or a list of values).

        Raises
        ------
        DataError
            A key does not exist, or no row is left.
        """
        rows = self._table
        for key, wanted in keys.items():
            if key not in self.keys:
                raise DataError(f"no key {key!r}; the keys are {', '.join(self.keys) or 'none'}")
            values = {str(w) for w in ([wanted] if isinstance(wanted, str | int) else list(wanted))}  # type: ignore[call-overload]
            rows = rows[rows[key].astype(str).isin(values)]
        if rows.empty:
            said = ", ".join(f"{k}={v!r}" for k, v in keys.items())
            have = {k: sorted(set(self._table[k].astype(str)))[:12] for k in keys}
            raise DataError(f"no row with {said}; there are {have}")
        return self.replace(rows.reset_index(drop=True))

    def value(self, **keys: object) -> float:
        """Return the one estimate with these keys.

        Raises
        ------
        DataError
            There is not exactly one.
        """
        rows = self.where(**keys)._table
        if len(rows) != 1:
            raise DataError(f"{len(rows)} rows fit {keys}; name more of the keys {', '.join(self.keys)}")
        return float(rows["estimate"].iloc[0])

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"{self._heading()}\n{self._rounded().to_string(index=False, na_rep='—', max_rows=20)}"

    def _heading(self) -> str:
        parts = [f"{self.indicator} [{self.unit}]", self.basis, self.method]
        parts += [f"{self.level:.0%} interval, inference: {self.inference}"]
        parts += ["SIMULATED 模拟数据"] if self.simulated else []
        return " · ".join(part for part in parts if part)

    def _rounded(self) -> pd.DataFrame:
        shown = self._table.copy()
        for column in shown.columns[len(self.keys) :]:
            if shown[column].dtype.kind == "f":
                extra = 1 if column == "std_error" else 0
                shown[column] = shown[column].round(self.digits + extra)
        return shown

    def _repr_html_(self) -> str:
        body = self._rounded().to_html(index=False, na_rep="—", border=0, max_rows=20, escape=True)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<div><p><b>{escape(self._heading())}</b></p>{body}<ul>{notes}</ul></div>"


def assemble(keys: pd.DataFrame, /, **columns: Any) -> pd.DataFrame:
    """Return the table of an Estimate: keys as text, then the columns in their order."""
    import pandas as pd

    taken = [name for name in keys.columns if name in columns]
    if taken:
        raise DataError(f"a key cannot be called {taken[0]!r}: the result has such a column; rename it")
    parts = {name: keys[name].astype(str).to_numpy(dtype=object) for name in keys.columns}
    return pd.DataFrame(parts | columns, index=pd.RangeIndex(len(columns["estimate"])))


def flags(*reasons: tuple[Any, str]) -> Any:
    """Return the column ``flag``: the reason why a row has no estimate, else empty text.

    Parameters
    ----------
    *reasons : (array of bool, str)
        Where a reason holds, and the reason; of several the first is said.
    """
    import numpy as np

    where, texts = zip(*reasons, strict=True)
    return np.select(where, [f"undefined: {text}" for text in texts], default="").astype(object)


def _rebuild(table: pd.DataFrame, meta: dict[str, Any]) -> Estimate:
    return Estimate(table, **meta)


def _valid(table: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in CORE if column not in table.columns]
    if missing:
        raise DataError(f"an Estimate needs the columns {', '.join(CORE)}; missing: {', '.join(missing)}")
    table = table.reset_index(drop=True).copy()
    keys = list(table.columns[: list(table.columns).index("estimate")])
    repeated = table.duplicated(keys) if keys else table.index > 0
    if repeated.any():
        raise DataError(
            f"{int(repeated.sum())} rows repeat the keys of another "
            f"(first: {table.loc[repeated.argmax(), keys].to_dict()}); an Estimate has one row a key"
        )
    for column in CORE[:-1]:
        table[column] = table[column].astype("float64")
    return table
