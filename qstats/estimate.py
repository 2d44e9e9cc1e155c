"""`Estimate`: what a number is — its value, its error, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

from qstats import estimate_file
from qstats.errors import DataError, OptionError, one_of, whole_number
from qstats.estimate_table import CORE as CORE
from qstats.estimate_table import assemble as assemble
from qstats.estimate_table import flags as flags
from qstats.estimate_table import valid
from qstats.messages import say

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from qstats.stats.covariance import Errors

Inference = Literal["design", "superpopulation", "none"]


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
    errors : qstats.stats.covariance.Errors, optional
        The joint error of the rows (one row each, in their order), in the unit of the estimate. Estimates
        from one sample covary through it.

    Raises
    ------
    DataError
        A core column is missing, two rows have the same keys, or `errors` has another number of rows.

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
        "errors",
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
    errors: Errors | None

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
        errors: Errors | None = None,
    ) -> None:
        one_of("inference", inference, ("design", "superpopulation", "none"))
        set_ = object.__setattr__
        set_(self, "_table", valid(table))
        words: dict[str, Any] = {"indicator": indicator, "unit": unit, "method": method, "basis": basis}
        words |= {"level": level, "inference": inference, "digits": digits, "errors": errors}
        for name, value in words.items():
            set_(self, name, value)
        set_(self, "provenance", tuple(provenance))
        set_(self, "notes", tuple(notes))
        if errors is not None and (rows := errors.levels[0].Z.shape[0]) != len(table):
            raise DataError(f"the joint error has {rows} rows, the table {len(table)}")

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
        """Return an estimate with another table or other attributes.

        Another table has another joint error: without ``errors=`` it has none.
        """
        if table is not None:
            changes = {"errors": None, **changes}
        return Estimate(self._table if table is None else table, **{**self._meta(), **changes})

    def take(self, rows: Any, /) -> Estimate:
        """Return the rows at these positions, in this order, with their joint error."""
        import numpy as np

        rows = np.asarray(rows, dtype=np.intp)
        errors = self.errors
        if errors is not None:
            from scipy.sparse import eye_array

            from qstats.stats import covariance

            errors = covariance.combine(errors, eye_array(len(self), format="csr")[rows])
        return self.replace(self._table.iloc[rows], errors=errors)

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariance matrix of the rows; rows without a joint error are taken as independent.

        NaN in the row and column of an estimate whose error is not known.
        """
        import numpy as np

        from qstats.stats import covariance

        if self.errors is None:
            return np.asarray(np.diag(self._table["std_error"].to_numpy() ** 2), float)
        found = covariance.covariance(self.errors)
        unknown = self._table["std_error"].isna().to_numpy()
        found[unknown], found[:, unknown] = np.nan, np.nan
        return np.asarray(found, float)

    def draws(
        self, n_draws: int, /, *, seed: int, unknown: Literal["raise", "fixed"] = "raise"
    ) -> NDArray[np.float64]:
        r"""Draw the estimates anew from their joint error: what the index, ranks and changes rest on.

        A rate p in (0, 100) moves on the logit scale,
        :math:`\operatorname{logit} p^* = \operatorname{logit} p + e/(p(1-p))`, so no draw leaves
        0 to 100 %; anything else is :math:`\theta^* = \theta + e`, with :math:`e \sim N(0, \Sigma)`.

        Parameters
        ----------
        n_draws : int
            Number of draws.
        seed : int
            Of the stream, which is named after the sample: two estimates from one sample and one seed
            draw the same units, so they covary; those of different samples are independent.
        unknown : {"raise", "fixed"}
            A row whose error is not known (NaN): refuse, or leave it fixed at its value.

        Returns
        -------
        ndarray, shape (n_draws, rows)

        Raises
        ------
        DataError
            An error is not known and `unknown` is ``"raise"``.

        Examples
        --------
        >>> import pandas as pd
        >>> row = dict(estimate=90.0, std_error=1.0, conf_low=88.0, conf_high=92.0, n=900)
        >>> rate = Estimate(pd.DataFrame([row]), indicator="acceptance_rate", unit="%", method="pooled")
        >>> rate.draws(2000, seed=0).std().round(1)
        np.float64(1.0)
        """
        import numpy as np

        from qstats.stats import draws

        one_of("unknown", unknown, ("raise", "fixed"))
        whole_number("n_draws", n_draws, least=1)
        whole_number("seed", seed, least=0)
        theta, noise = self._table["estimate"].to_numpy(), self._noise(n_draws, seed)
        counted = self._at_bound()
        without = np.isnan(noise).any(axis=0) & ~counted
        if unknown == "raise" and without.any():
            first = dict(self._table.loc[without.argmax(), list(self.keys)])
            raise DataError(say("draws.unknown", count=int(without.sum()), of=len(self), first=first))
        bounds = {"low": 0.0, "high": 100.0} if self.unit == "%" else {}
        found = draws.within(theta, np.where(np.isnan(noise), 0.0, noise), **bounds)
        if counted.any():
            x, n = (self._table.loc[counted, c].to_numpy(float) for c in ("numerator", "denominator"))
            found[:, counted] = 100 * draws.at_bound(x, n, n_draws, self._stream(seed, "bound"))
        return found

    def _stream(self, seed: int, name: str) -> np.random.Generator:
        """Return the named random stream of this seed."""
        import numpy as np

        return np.random.default_rng([seed, crc32(name.encode())])

    def _noise(self, n_draws: int, seed: int) -> NDArray[np.float64]:
        """Return draws of the error, shape (n_draws, rows); NaN where it is not known."""
        import numpy as np

        from qstats.stats import covariance

        std_error = self._table["std_error"].to_numpy()
        if self.errors is not None:
            found = covariance.noise(self.errors, self._stream(seed, self.errors.sample), n_draws)
            return np.where(np.isnan(std_error), np.nan, found)
        name = "|".join((self.indicator, self.basis, *self.provenance))
        keys = list(self.keys)
        ordered = self._table[keys].astype(str).sort_values(keys, kind="stable") if keys else self._table
        order = ordered.index.to_numpy()
        unit = np.empty((n_draws, len(self)))
        unit[:, order] = self._stream(seed, name).standard_normal((n_draws, len(self)))
        return np.asarray(unit * std_error, float)

    def _at_bound(self) -> NDArray[np.bool_]:
        """Return which rows are rates of 0 or 100 % whose counts are known."""
        import numpy as np

        if self.unit != "%" or not {"numerator", "denominator"} <= set(self._table.columns):
            return np.zeros(len(self), bool)
        extreme = self._table["estimate"].isin((0.0, 100.0)) & self._table["std_error"].isna()
        return np.asarray(extreme & (self._table["denominator"] > 0) & self._table["n"].notna(), bool)

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
            several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
            values = set(map(str, wanted)) if several else {str(wanted)}  # type: ignore[call-overload]
            rows = rows[rows[key].astype(str).isin(values)]
        if rows.empty:
            said = ", ".join(f"{k}={v!r}" for k, v in keys.items())
            have = {k: sorted(set(self._table[k].astype(str)))[:12] for k in keys}
            raise DataError(f"no row with {said}; there are {have}")
        return self.take(rows.index)

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
        from qstats import display

        return f"{self._heading()}\n{display.printed(self._rounded(), (*self.keys, *CORE))}"

    def _heading(self) -> str:
        named = f"{self.indicator} [{self.unit}]" if self.unit else self.indicator
        parts = [named, self.basis, self.method]
        parts += [f"{self.level:.0%} interval, inference: {self.inference}"]
        parts += ["SIMULATED 模拟数据"] if self.simulated else []
        return " · ".join(part for part in parts if part)

    def _rounded(self) -> pd.DataFrame:
        shown = self._table.copy()
        for column in shown.columns[len(self.keys) :]:
            if shown[column].dtype.kind == "f":
                # a p-value, a correlation or a share beside the estimate says nothing in one decimal
                small = column not in CORE and shown[column].abs().max() <= 1
                digits = max(self.digits, 3) if small else self.digits + (column == "std_error")
                shown[column] = shown[column].round(digits)
        return shown

    def _repr_html_(self) -> str:
        from qstats import display

        return display.estimate(self)

    def save(self, path: Path | str, /) -> None:
        """Write the estimate as Parquet: table, indicator, unit, method, provenance, notes and joint error.

        A file that was there stays whole until the new one is. The joint error is kept unit by unit up to a
        million numbers. A larger one is kept as a factor of the covariance of the rows, or beyond 1,000 rows
        not at all; the notes of the file then say so, for it no longer covaries with other estimates of its
        sample.

        Raises
        ------
        DataError
            The file cannot be written, or a column mixes text and numbers.

        Examples
        --------
        >>> import pandas as pd
        >>> row = dict(period="2023", estimate=81.3, std_error=0.2, conf_low=80.9, conf_high=81.7, n=900)
        >>> index = Estimate(pd.DataFrame([row]), indicator="customer_satisfaction", unit="分", method="PLS")
        >>> index.save("services-2023.parquet")
        >>> Estimate.load("services-2023.parquet").value(period="2023")
        81.3
        """
        estimate_file.write(path, self._table, self._meta(), self.covariance)

    @classmethod
    def load(cls, path: Path | str, /) -> Estimate:
        """Return the estimate that :meth:`save` wrote.

        Raises
        ------
        DataError
            No such file, it is broken, it holds no estimate, or one of a later version.
        """
        return estimate_file.read(path, cls)


def sound(table: pd.DataFrame, /, **meta: Any) -> Estimate:
    """Return an Estimate of a table that needs no check: made here, with distinct keys and core columns."""
    made = Estimate(table.iloc[:0], **meta)
    object.__setattr__(made, "_table", table)
    return made


def _rebuild(table: pd.DataFrame, meta: dict[str, Any]) -> Estimate:
    return Estimate(table, **meta)


def require_estimate(value: object, argument: str = "estimate", /) -> None:
    """Raise OptionError unless `value` is an Estimate."""
    if not isinstance(value, Estimate):
        raise OptionError(
            f"{argument} is a {type(value).__name__}, not an Estimate: an indicator makes one of records, "
            "published() of a series, Estimate(table, indicator=…, unit=…, method=…) of numbers of your own"
        )
