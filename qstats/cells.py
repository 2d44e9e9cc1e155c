"""Any table → a small table of sums by key: the only step that sees rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    import pandas as pd


def cells(table: Any, /, *, by: Sequence[str], sums: Iterable[str] | Mapping[str, Any]) -> pd.DataFrame:
    """Add up columns within each combination of keys.

    Parameters
    ----------
    table : any table narwhals reads
        Checked records or totals, one row each.
    by : sequence of str
        Key columns; empty: one row for all.
    sums : names of columns, or a mapping of name → narwhals expression
        What to add up. Missing values are left out of a sum, and a sum over nothing but
        missing values is NaN (not zero).

    Returns
    -------
    pandas.DataFrame
        The keys, ``rows`` (number of rows) and the sums, sorted by the keys. Sums add up:
        the cells of two halves of a table, added, are the cells of the whole.

    Examples
    --------
    >>> import pandas as pd
    >>> records = pd.DataFrame({"region": ["皖", "苏", "皖"], "passed": [1, 1, 0]})
    >>> cells(records, by=["region"], sums=["passed"])["passed"].tolist()
    [1.0, 1.0]
    """
    frame = nw.from_native(table, eager_only=True)
    named = dict(sums) if isinstance(sums, Mapping) else {name: nw.col(name) for name in sums}
    keys = list(by)
    work = frame.select(*keys, **named, _one=nw.lit(1, dtype=nw.Int64))
    totals = [nw.col("_one").sum().alias("rows")]
    for name in named:
        totals += [nw.col(name).sum().alias(name), nw.col(name).count().alias(f"_{name}")]
    result = work.group_by(keys).agg(*totals) if keys else work.select(*totals)
    found: pd.DataFrame = result.to_pandas()
    for name in named:
        known = found.pop(f"_{name}") > 0
        found[name] = found[name].astype("float64").where(known)
    return found.sort_values(keys, ignore_index=True) if keys else found


def keys_of(by: str | Sequence[str], /) -> list[str]:
    """Return the keys of `by` as a list: one name or several."""
    return [by] if isinstance(by, str) else list(by)


def provenance_of(table: Any, /) -> tuple[str, ...]:
    """Return where the rows of a table say they come from; ``("user",)`` when they say nothing."""
    frame = nw.from_native(table, eager_only=True)
    if "provenance" not in frame.columns:
        return ("user",)
    marks = frame["provenance"].unique().to_list()
    return tuple(sorted({str(m) if m is not None and m == m else "user" for m in marks}))
