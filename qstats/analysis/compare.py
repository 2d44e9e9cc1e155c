"""Comparison of regions: ranks, and gaps to the nation, the best and the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from qstats import classifications, datasets
from qstats.errors import DataError, OptionError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.ranking import competition_ranks

Group = Literal["provinces", "cities", "central6", "yangtze_delta", "东部", "中部", "西部", "东北"]
GROUPS: Final = ("provinces", "cities", "central6", "yangtze_delta", "东部", "中部", "西部", "东北")


def compare(
    estimate: Estimate,
    /,
    *,
    within: Group | Sequence[str] = "provinces",
    reference: str = "全国",
    direction: Literal[1, -1] | None = None,
    lang: str | None = None,
) -> Estimate:
    """Rank regions within a group, and measure their gaps.

    Parameters
    ----------
    estimate : Estimate
        With a key ``region``. Ranks are given anew for each combination of its other keys
        (period, node, industry …).
    within : str or sequence of str
        ``provinces`` (the 31), ``cities`` (the 16 of Anhui), ``central6`` (the six central provinces),
        ``yangtze_delta``, ``东部``, ``中部``, ``西部``, ``东北``, or names of regions. Only these are
        ranked: the nation never is among provinces.
    reference : str
        The region that ``gap_reference`` is measured from.
    direction : {1, -1}, optional
        1: the highest ranks first; −1: the lowest. By default what the list of indicators says for
        the indicator, 1 for what it does not know.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        The rows of the group, with ``rank`` (1 is best; ties share the best; missing without a value),
        ``of`` (how many are ranked), ``reference, best, mean`` (value of the reference, of the first,
        and the unweighted mean of the ranked) and ``gap_reference, gap_best, gap_mean``: value minus
        those, in points, whatever the direction. NaN where the reference has no value.

        Ranks are of the estimates as they are; they have no error here, and close ranks are
        not to be read as differences.

    Raises
    ------
    DataError
        No key ``region``, or no region of the group in the table.
    OptionError
        A group or region that does not exist.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> loss = published("quality_loss_rate", period=2007)
    >>> ranked = compare(loss, within="central6").where(region="安徽").table
    >>> ranked[["rank", "of"]].values.tolist(), ranked["gap_reference"].round(2).tolist()
    ([[6, 6]], [0.63])
    """
    if "region" not in estimate.keys:
        raise DataError(say("compare.no_region", lang, keys=", ".join(estimate.keys) or "—"))
    group = _members(within, lang)
    sign = direction_of(estimate, direction)
    table = estimate.table
    inside = table[table["region"].isin(group)]
    if inside.empty:
        have = ", ".join(dict.fromkeys(table["region"]))
        raise DataError(say("compare.nothing", lang, group=_said(within), regions=have))
    others = [key for key in estimate.keys if key != "region"]
    parts = [
        _ranked(rows, sign) for _, rows in (inside.groupby(others, sort=False) if others else [("", inside)])
    ]
    found = _with_reference(pd.concat(parts).sort_index(), table, others, _region(reference, table, lang))
    absent = [name for name in group if name not in set(inside.loc[inside["estimate"].notna(), "region"])]
    notes = [say("compare.lower_better" if sign < 0 else "compare.higher_better", lang)]
    notes += [say("compare.absent", lang, regions=", ".join(absent))] if absent else []
    if found["reference"].isna().all():
        notes.append(say("compare.no_reference", lang, region=reference))
    return estimate.replace(found.reset_index(drop=True), notes=(*estimate.notes, *notes))


def _members(within: Any, lang: str | None) -> list[str]:
    """Return the names of the regions of a group."""
    known = classifications.regions()
    if not isinstance(within, str):
        return [_region(name, None, lang) for name in within]
    one_of("within", within, GROUPS)
    if within in ("provinces", "cities"):
        chosen = known["level"] == {"provinces": "province", "cities": "city"}[within]
    elif within in ("central6", "yangtze_delta"):
        chosen = known[within] == "true"
    else:
        chosen = (known["area"] == within) & (known["level"] == "province")
    return list(known.loc[chosen, "name"])


def _region(text: str, table: pd.DataFrame | None, lang: str | None) -> str:
    """Return the name of a region of the classification, or of the table (长三角)."""
    if table is not None and text in set(table["region"]):
        return text
    name = classifications.region_name(text)
    if name is None:
        near = classifications.nearest_region(text)
        hint = say("compare.near", lang, near=near) if near else ""
        raise OptionError(say("compare.unknown", lang, region=text, hint=hint))
    return name


def _said(within: Any) -> str:
    return within if isinstance(within, str) else ", ".join(within)


def direction_of(estimate: Estimate, direction: int | None) -> int:
    """Return 1 where more is better and −1 where less is: as asked, else as the list of indicators says."""
    if direction is not None:
        one_of("direction", direction, (1, -1))
        return direction
    known = datasets.load("indicators").set_index("code")["direction"]
    return int(known.get(estimate.indicator, 1))


def _ranked(rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    values = rows["estimate"].to_numpy()
    ranks = competition_ranks(values, direction=sign)
    some = not np.isnan(values).all()
    best = (np.nanmax(values * sign) * sign) if some else np.nan
    mean = np.nanmean(values) if some else np.nan
    return rows.assign(
        rank=pd.array(ranks, dtype="Int64"),
        of=int((~np.isnan(values)).sum()),
        best=best,
        gap_best=values - best,
        mean=mean,
        gap_mean=values - mean,
    )


def _with_reference(
    found: pd.DataFrame, table: pd.DataFrame, others: list[str], reference: str
) -> pd.DataFrame:
    """Put the value of the reference beside those with the same other keys."""
    rows = table[table["region"] == reference]
    if others:
        values = (
            found[others].merge(rows[[*others, "estimate"]], on=others, how="left")["estimate"].to_numpy()
        )
    else:
        values = np.full(len(found), rows["estimate"].iloc[0] if len(rows) else np.nan)
    return found.assign(reference=values, gap_reference=found["estimate"].to_numpy() - values)
