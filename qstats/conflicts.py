"""Published figures of one key by several sources: which agree, and what becomes of those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from qstats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Conflict = Literal["raise", "first", "official", "all"]
KEYS: Final = ["period", "region", "industry"]


def settled(series: str, rows: pd.DataFrame, conflict: Conflict, /) -> pd.DataFrame:
    """Merge sources that agree, and settle those that do not by the named policy."""
    same = [*KEYS, "number", "flag"]
    # of sources that agree the best evidence stays, at the place of the first
    rank = rows["evidence"].eq("official").astype(int) * 2 + rows["derived"].eq("no")
    rows = rows.assign(place=range(len(rows)), rank=rank)
    rows["place"] = rows.groupby(same)["place"].transform("min")
    rows = rows.sort_values(["place", "rank"], ascending=[True, False], kind="stable").drop_duplicates(
        "place"
    )
    clash = rows.duplicated(KEYS, keep=False)
    if conflict == "official":
        official = rows["evidence"].eq("official")
        known = official.groupby([rows[key] for key in KEYS]).transform("max")
        rows = rows[~clash | ~known | official]
        clash = rows.duplicated(KEYS, keep=False)
    if conflict == "first":
        return rows.drop_duplicates(KEYS)
    if conflict == "all":
        source = rows["dataset"] + ": " + rows["source_title"]
        again = rows.assign(source=source).groupby([*KEYS, source]).cumcount()
        return rows.assign(source=source.where(again == 0, source + " (" + (again + 1).astype(str) + ")"))
    if clash.any():
        raise DataError(_disagreement(series, rows[clash]))
    return rows


def _disagreement(series: str, rows: pd.DataFrame) -> str:
    lines = [
        f"  {row.period} {row.region} {row.industry}: {row.printed} {row.unit}, {row.evidence}, "
        f"{row.source_title} [{row.dataset}]"
        for row in rows.head(10).itertuples()
    ]
    return (
        f"sources of {series!r} disagree on {rows[KEYS].drop_duplicates().shape[0]} keys; choose "
        "conflict='official', 'first' or 'all', or one dataset=:\n" + "\n".join(lines)
    )
