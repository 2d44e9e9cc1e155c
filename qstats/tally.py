"""Any table → a small table of sums by key: the only step that sees rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import narwhals as nw

from qstats import periods
from qstats.classifications import containing_regions
from qstats.errors import DataError, OptionError
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd


def tally(
    table: Any,
    /,
    *,
    by: Sequence[str],
    sums: Iterable[str] | Mapping[str, Any],
    same: Iterable[str] = (),
) -> pd.DataFrame:
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
    same : names of columns
        Columns that have one value in all rows of a cell (the schema sees to it); taken over.

    Returns
    -------
    pandas.DataFrame
        The keys, ``rows`` (number of rows) and the sums, sorted by the keys. Sums add up:
        the cells of two halves of a table, added, are the cells of the whole.

    Examples
    --------
    >>> import pandas as pd
    >>> records = pd.DataFrame({"region": ["皖", "苏", "皖"], "passed": [1, 1, 0]})
    >>> tally(records, by=["region"], sums=["passed"])["passed"].tolist()
    [1.0, 1.0]
    """
    frame = nw.from_native(table, eager_only=True)
    named = dict(sums) if isinstance(sums, Mapping) else {name: nw.col(name) for name in sums}
    keys, same = list(by), list(same)
    for name in keys:
        if name in named:
            raise DataError(say("cells.key_summed", name=name))
    refuse_mixture(frame, keys)
    work = frame.select(*keys, *same, **named, _one=nw.lit(1, dtype=nw.Int64))
    totals = [nw.col("_one").sum().alias("rows"), *(nw.col(name).max() for name in same)]
    for name in named:
        totals += [nw.col(name).sum().alias(name), nw.col(name).count().alias(f"_{name}")]
    result = work.group_by(keys).agg(*totals) if keys else work.select(*totals)
    found: pd.DataFrame = result.to_pandas()
    for name in named:
        known = found.pop(f"_{name}") > 0
        found[name] = found[name].astype("float64").where(known)
        if found[name].abs().eq(float("inf")).any():
            raise DataError(say("cells.unbounded"))
    return found.sort_values(keys, ignore_index=True) if keys else found


def refuse_mixture(table: Any, keys: Sequence[str], /) -> None:
    """Raise when a sum by `keys` would count something twice or mix editions; see :func:`tally`."""
    frame = nw.from_native(table, eager_only=True)
    for name, containing in (("region", containing_regions), ("period", periods.containing)):
        if name in frame.columns and name not in keys:
            _refuse_overlap(frame, keys, name, containing)
    if "industry" in keys and "edition" in frame.columns and "edition" not in keys:
        editions = sorted(frame["edition"].unique().to_list())
        if len(editions) > 1:
            raise DataError(say("cells.editions", editions=", ".join(editions)))


def _refuse_overlap(
    frame: nw.DataFrame[Any], keys: Sequence[str], name: str, containing: Callable[[str], tuple[str, ...]]
) -> None:
    """Raise when one sum would hold a whole and a part of it."""
    present = set(frame[name].unique().to_list()) - {None}
    pairs = [(part, whole) for part in sorted(present) for whole in containing(part) if whole in present]
    if not pairs:
        return
    seen = frame.select(*keys, name).unique().to_pandas()
    groups = seen.groupby(list(keys))[name].agg(set) if keys else [set(seen[name])]
    for group in groups:
        for part, whole in pairs:
            if part in group and whole in group:
                raise DataError(say("cells.overlap", name=name, part=part, whole=whole))


def keys_of(by: str | Sequence[str], /) -> list[str]:
    """Return the keys of `by` as a list without repeats: one name or several.

    Raises
    ------
    OptionError
        No names of columns (a table is none), names without an order (a set), or that can be read only once
        (a generator).
    """
    if isinstance(by, str):
        return [by]
    ordered = isinstance(by, Iterable) and not isinstance(by, Iterator | Set | Mapping | bytes)
    ordered = ordered and not hasattr(by, "columns")
    names = list(by) if ordered else []
    if not ordered or not all(isinstance(name, str) for name in names):
        raise OptionError(
            f"by={by!r:.200} is neither the name of a column nor a list of names; say by=['region']",
            argument="by",
            value=by,
        )
    return list(dict.fromkeys(names))


def provenance_of(table: Any, /) -> tuple[str, ...]:
    """Return where the rows of a table say they come from; ``("user",)`` when they say nothing."""
    frame = nw.from_native(table, eager_only=True)
    if "provenance" not in frame.columns:
        return ("user",)
    marks = frame["provenance"].unique().to_list()
    return tuple(sorted({str(m) if m is not None and m == m else "user" for m in marks}))
