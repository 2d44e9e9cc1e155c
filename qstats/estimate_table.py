"""The table of an Estimate: how it is made, and what it must be: core columns, whole unique keys, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qstats.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

#: the columns every estimate has, after its keys
CORE: Final = ("estimate", "std_error", "conf_low", "conf_high", "n")


def valid(table: pd.DataFrame, /) -> pd.DataFrame:
    """Return a copy of a table with the core columns as numbers and the rows numbered anew.

    Raises
    ------
    DataError
        A core column is missing, a key is empty, two rows have the same keys, a number is none, an error is
        negative, limits are reversed.
    """
    import pandas as pd

    names = list(getattr(table, "columns", ()))
    missing = [column for column in CORE if names.count(column) != 1]
    if missing:
        raise DataError(
            f"an Estimate needs the columns {', '.join(CORE)}; missing: {', '.join(missing)}; "
            "what is not known is a column of NaN"
        )
    table = table.copy()
    table.index = pd.RangeIndex(len(table))
    _check_keys(table, names[: names.index("estimate")])
    numbers = {column: table[column] for column in CORE[:-1]}
    for column in [name for name, cells in numbers.items() if cells.dtype != "float64"]:
        try:
            table[column] = numbers[column] = numbers[column].astype("float64")
        except (TypeError, ValueError) as error:
            raise DataError(f"{column} of an Estimate is a number: {error}") from None
    std_error, low, high = (numbers[column].to_numpy() for column in CORE[1:4])
    if (std_error < 0).any() or (low > high + 1e-9).any():
        raise DataError("a std_error of an Estimate is negative, or a conf_low above its conf_high")
    return table


def assemble(keys: pd.DataFrame, /, **columns: Any) -> pd.DataFrame:
    """Return the table of an Estimate: keys as text, then the columns in their order."""
    import pandas as pd

    check_names(keys.columns, columns)
    text = {name: key if key.dtype == "str" else key.astype(str) for name, key in keys.items()}
    parts = {name: key.array for name, key in text.items()}
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


def check_names(keys: Iterable[Any], columns: Iterable[str], /) -> None:
    """Refuse keys with the name of a column of the result."""
    taken = [name for name in keys if name in columns]
    if taken:
        raise DataError(f"a key cannot be called {taken[0]!r}: the result has such a column; rename it")


def _check_keys(table: pd.DataFrame, keys: list[Any]) -> None:
    """Refuse keys that are empty or stand twice; a row is one number, of mixed radix in its keys."""
    import numpy as np
    import pandas as pd

    place, size = np.zeros(len(table), np.int64), 1
    for key in keys:
        at, found = pd.factorize(table[key])
        if (at < 0).any():
            raise DataError(f"a key of an Estimate ({', '.join(keys)}) is empty; fill it in or drop the row")
        if size * len(found) >= 2**63:
            place, met = pd.factorize(place)
            size = len(met)
        place, size = place * len(found) + at, size * len(found)
    repeated = pd.Index(place).duplicated()
    if repeated.any():
        first, count = table.loc[repeated.argmax(), keys].to_dict(), int(repeated.sum())
        raise DataError(
            f"{count} rows repeat the keys of another (first: {first}); an Estimate has one row a key"
        )
