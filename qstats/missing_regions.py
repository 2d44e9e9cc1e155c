"""What becomes of a period in which regions have not reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from qstats.errors import DataError, one_of, text
from qstats.last_period import require_columns
from qstats.messages import say
from qstats.senders import expected_regions, owner

if TYPE_CHECKING:
    import pandas as pd

MissingRegion = Literal["refuse", "renormalise", "carry-forward"]


class Completed(NamedTuple):
    """A table of which it is known how much of the whole it is.

    Attributes
    ----------
    table : pandas.DataFrame
        The rows; ``flag`` is ``carried`` where they are those of the last period, else empty.
    coverage : float
        Share of the weight, 0 to 1, whose regions reported this period. NaN: not known.
    missing : tuple of str
        The regions that did not.
    policy : {"refuse", "renormalise", "carry-forward"}
        What was done about them.
    """

    table: pd.DataFrame
    coverage: float
    missing: tuple[str, ...]
    policy: MissingRegion


def complete_regions(
    table: pd.DataFrame,
    /,
    *,
    expected: Sequence[str] | None = None,
    missing: MissingRegion = "refuse",
    previous: pd.DataFrame | None = None,
    weight: str | None = None,
    lang: str | None = None,
) -> Completed:
    """Say which expected regions a table lacks, and do with it what is declared.

    Parameters
    ----------
    table : pandas.DataFrame
        A checked table of one period, with ``region``.
    expected : sequence of str, optional
        The regions that are to report; by default the 31 provinces.
    missing : {"refuse", "renormalise", "carry-forward"}
        ``refuse`` raises; ``renormalise`` goes on with the regions that reported: a mean or a rate then
        is that of their weight alone, and a total is too small; ``carry-forward`` takes the rows of the
        last period, under the period of the others and flagged.
    previous : pandas.DataFrame, optional
        The table of the last period: needed to carry forward, and for a `weight`.
    weight : str, optional
        A column of `previous` whose share is the coverage; by default each region counts once.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Returns
    -------
    Completed

    Raises
    ------
    DataError
        A row without the name of a region; regions are missing and `missing` is ``refuse``; `previous` is
        needed, has no such weight, or lacks the regions to carry forward; the table has several periods.

    Examples
    --------
    >>> import pandas as pd
    >>> now = pd.DataFrame({"region": ["安徽"], "period": ["2024"], "inspected": [100], "passed": [95]})
    >>> before = pd.DataFrame({"region": ["安徽", "江苏"], "period": "2023", "inspected": [100, 300],
    ...                        "passed": [90, 280]})
    >>> done = complete_regions(now, expected=["安徽", "江苏"], missing="carry-forward", previous=before,
    ...                         weight="inspected")
    >>> done.table[["region", "period", "passed", "flag"]].values.tolist(), done.coverage
    ([['安徽', '2024', 95, ''], ['江苏', '2024', 280, 'carried']], 0.25)
    """
    import pandas as pd

    one_of("missing", missing, get_args(MissingRegion))
    if weight is not None:
        text("weight", weight)
    regions = expected_regions(expected, lang)
    _require_regions("table", table, "soft.current", lang)
    if previous is not None:
        _require_regions("previous", previous, "soft.previous", lang)
    there = {owner(name, regions) for name in table["region"]}
    absent = tuple(name for name in regions if name not in there)
    if absent and missing == "refuse":
        raise DataError(say("returns.incomplete", lang, count=len(absent), names=", ".join(absent)))
    if previous is None and (weight is not None or (absent and missing == "carry-forward")):
        raise DataError(say("returns.no_previous", lang, policy=missing))
    owners = None if previous is None else _owners(previous, regions)
    coverage = _coverage(regions, absent, previous, owners, weight, lang)
    kept = table.assign(flag="")
    if absent and missing == "carry-forward" and previous is not None and owners is not None:
        rows = _carried(table, previous[owners.isin(absent)], lang)
        never = [name for name in absent if name not in set(owners)]
        if never:
            raise DataError(say("returns.not_before", lang, names=", ".join(never)))
        kept = pd.concat([kept, rows], ignore_index=True)
    return Completed(kept, coverage, absent, missing)


def _require_regions(argument: str, table: pd.DataFrame, which: str, lang: str | None) -> None:
    """Raise unless every row has the name of a region."""
    require_columns(argument, table, lang, which=which, keys=["region"])
    odd = [region for region in table["region"] if not isinstance(region, str)]
    if odd:
        told = {"name": "region", "which": say(which, lang), "value": f"{odd[0]!r:.200}"}
        raise DataError(say("soft.no_name", lang, **told))


def _owners(table: pd.DataFrame, expected: tuple[str, ...]) -> pd.Series:
    return table["region"].map({name: owner(name, expected) for name in set(table["region"])})


def _carried(table: pd.DataFrame, rows: pd.DataFrame, lang: str | None) -> pd.DataFrame:
    """Return rows of the last period as those of this one, with the columns of the table."""
    if "period" in table.columns:
        periods = sorted(set(table["period"]), key=str)
        if len(periods) > 1:
            raise DataError(say("returns.periods", lang, periods=", ".join(map(str, periods[:5]))))
        if periods:
            rows = rows.assign(period=periods[0])
    return rows[[name for name in rows.columns if name in table.columns]].assign(flag="carried")


def _coverage(
    regions: tuple[str, ...],
    absent: tuple[str, ...],
    previous: pd.DataFrame | None,
    owners: pd.Series | None,
    weight: str | None,
    lang: str | None,
) -> float:
    """Return the share of the weight of the last period, or of the number of regions, that reported."""
    if weight is None or previous is None or owners is None:
        return 1 - len(absent) / len(regions)
    if weight not in previous.columns:
        raise DataError(say("returns.no_weight", lang, name=weight))
    require_columns("previous", previous, lang, which="soft.previous", numbers=[weight])
    w = previous[weight].to_numpy(np.float64, na_value=np.nan)
    bad = ~(w >= 0) | ~np.isfinite(w)
    if bad.any():
        names = ", ".join(previous.loc[bad, "region"].astype(str).head(5))
        raise DataError(say("returns.weight_bad", lang, name=weight, names=names))
    known = set(owners)
    if any(name not in known for name in regions):
        return float("nan")  # what a region that never reported weighs is not known
    whole = w[owners.isin(regions)].sum()
    return float(w[owners.isin(set(regions) - set(absent))].sum() / whole) if whole > 0 else float("nan")
