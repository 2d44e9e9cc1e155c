"""Comparison of regions: ranks with their intervals, positions, gaps and what is clear of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import classifications, datasets
from qstats.analysis import given
from qstats.errors import DataError, OptionError, mapping, names_of, one_of, real_number, text
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.multiplicity import ADJUSTMENT, Adjustment, adjusted
from qstats.stats.ranking import competition_ranks, rank_interval

Group = Literal["provinces", "cities", "central6", "yangtze_delta", "东部", "中部", "西部", "东北"]
GROUPS: Final = ("provinces", "cities", "central6", "yangtze_delta", "东部", "中部", "西部", "东北")
Array = NDArray[np.float64]
#: parts of a group, a third each
POSITIONS: Final = ("upper", "middle", "lower")


def compare(
    estimate: Estimate,
    /,
    *,
    within: Group | Sequence[str] = "provinces",
    reference: str = "全国",
    direction: Literal[1, -1] | None = None,
    neighbours: Mapping[str, Sequence[str]] | None = None,
    adjust: Adjustment = "none",
    draws: int = 1000,
    seed: int = 0,
    lang: str | None = None,
) -> Estimate:
    r"""Rank regions within a group, and measure their gaps.

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
    neighbours : mapping of str → sequence of str, optional
        Region → its neighbours, for ``gap_neighbours``; which regions border is not in the data.
    adjust : {"none", "holm", "bh", …}
        Adjustment of the p-values for the number of regions held against the reference together.
    draws : int
        Number of draws that intervals of ranks rest on; 0 for none.
    seed : int
        Of those draws.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        The rows of the group, with ``rank`` (1 is best; ties share the best; missing without a value),
        ``of`` (how many are ranked), ``reference, best, mean`` (value of the reference, of the first,
        and the unweighted mean of the ranked), ``gap_reference, gap_best, gap_mean`` and
        ``gap_neighbours`` (from the unweighted mean of those neighbours that have a value): value minus
        those, in points, whatever the direction. NaN where the reference has no value.

        ``rank_low, rank_high``: the ranks between which a region lies in a share `level` of draws from the
        joint error of all; missing where an error of the group is not known. ``position``: ``upper``,
        ``middle`` or ``lower`` third of the group by rank (上游, 中游, 下游; see :func:`position_name`),
        empty where fewer than three are ranked, and ``position_sure``, whether both ends of the interval of
        ranks lie in it. ``p_reference`` (two-sided: no difference from the reference, by the normal law and
        the joint error where there is one; otherwise as if independent: for a part and its whole that errs on
        the safe side), adjusted, and ``versus_reference``: ``better``, ``worse``, ``no clear difference``, or
        empty where an error is not known.

    Raises
    ------
    DataError
        No key ``region``, or no region of the group in the table.
    OptionError
        A group or region that does not exist.

    References
    ----------
    Goldstein & Spiegelhalter (1996), League tables and their limitations, JRSS A 159, 385–443.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> loss = published("quality_loss_rate", period=2007)
    >>> ranked = compare(loss, within="central6").where(region="安徽").table
    >>> ranked[["rank", "of", "position"]].values.tolist(), ranked["gap_reference"].round(2).tolist()
    ([[6, 6, 'lower']], [0.63])
    """
    given.one(estimate, lang)
    given.draws(draws, seed, least=0, argument="draws")
    if "region" not in estimate.keys:
        raise DataError(say("compare.no_region", lang, keys=", ".join(estimate.keys) or "—"))
    one_of("adjust", adjust, ADJUSTMENT)
    group = _members(within, lang)
    sign = direction_of(estimate, direction)
    table = estimate.table
    inside = table[table["region"].isin(group)]
    if inside.empty:
        have = ", ".join(dict.fromkeys(table["region"])) or "—"
        raise DataError(say("compare.nothing", lang, group=_said(within), regions=have))
    others = [key for key in estimate.keys if key != "region"]
    parts = [rows for _, rows in (inside.groupby(others, sort=False) if others else [("", inside)])]
    ranked = [_with_interval(_ranked(rows, sign), estimate, sign, draws, seed) for rows in parts]
    found = _with_reference(
        pd.concat(ranked).sort_index(), table, others, _region(reference, table, lang, "reference")
    )
    found = _beside_neighbours(found, table, others, neighbours, lang)
    found = _versus(found, estimate, others, sign, adjust)
    absent = [name for name in group if name not in set(inside.loc[inside["estimate"].notna(), "region"])]
    notes = [say("compare.lower_better" if sign < 0 else "compare.higher_better", lang)]
    notes += [say("compare.absent", lang, regions=", ".join(absent))] if absent else []
    if found["reference"].isna().all():
        notes.append(say("compare.no_reference", lang, region=reference))
    table = found.drop(columns="_reference_row").reset_index(drop=True)
    return estimate.replace(table, notes=(*estimate.notes, *notes))


def position_name(
    position: str, /, *, within: Group | Sequence[str] = "provinces", lang: str | None = None
) -> str:
    """Return what a position in a group is called (全国上游, 中部领先).

    Parameters
    ----------
    position : str
        As in the column ``position`` of :func:`compare`.
    within : str or sequence of str
        The group, as of :func:`compare`.
    lang : {"zh", "en"}, optional
        Language; by default that of ``QSTATS_LANG``.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        No such position or group.

    Examples
    --------
    >>> position_name("upper", lang="zh"), position_name("upper", within="central6", lang="zh")
    ('全国上游', '中部领先')
    """
    one_of("position", position, POSITIONS)
    if isinstance(within, str):
        one_of("within", within, GROUPS)
    else:
        names_of("within", within)
    place = within if within in ("provinces", "central6") else "group"
    return say(f"compare.{position}.{place}", lang)


def _members(within: Any, lang: str | None) -> list[str]:
    """Return the names of the regions of a group."""
    known = classifications.regions()
    if not isinstance(within, str):
        return [_region(name, None, lang) for name in names_of("within", within)]
    one_of("within", within, GROUPS)
    if within in ("provinces", "cities"):
        chosen = known["level"] == {"provinces": "province", "cities": "city"}[within]
    elif within in ("central6", "yangtze_delta"):
        chosen = known[within] == "true"
    else:
        chosen = (known["area"] == within) & (known["level"] == "province")
    return list(known.loc[chosen, "name"])


def _region(named: str, table: pd.DataFrame | None, lang: str | None, argument: str = "region") -> str:
    """Return the name of a region of the classification, or of the table (长三角)."""
    text(argument, named)
    if table is not None and named in set(table["region"]):
        return named
    name = classifications.region_name(named)
    if name is None:
        near = classifications.nearest_region(named)
        hint = say("compare.near", lang, near=near) if near else ""
        raise OptionError(say("compare.unknown", lang, region=named, hint=hint))
    return name


def _said(within: Any) -> str:
    return within if isinstance(within, str) else ", ".join(within)


def direction_of(estimate: Estimate, direction: int | None) -> int:
    """Return 1 where more is better and −1 where less is: as asked, else as the list of indicators says."""
    if direction is not None:
        real_number("direction", direction)
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


def _with_interval(rows: pd.DataFrame, estimate: Estimate, sign: int, draws: int, seed: int) -> pd.DataFrame:
    """Put the interval of the rank beside it, and the third of the group that both are in."""
    of, ranks = rows["of"].to_numpy(float), rows["rank"].to_numpy(float, na_value=np.nan)
    low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    valued = ~np.isnan(rows["estimate"].to_numpy())
    drawn = _drawn(estimate.take(rows.index[valued]), draws, seed)
    if drawn is not None:
        ranked = competition_ranks(drawn, direction=sign)
        low[valued], high[valued] = rank_interval(ranked, level=estimate.level)
    place = [_third(r, of) for r in (ranks, low, high)]
    named = np.array([*POSITIONS, ""], object)[place[0]]
    unknown = np.isnan(low) | (place[0] == len(POSITIONS))
    sure = pd.array(np.where(unknown, None, (place[1] == place[2]) & (place[0] == place[1])), "boolean")
    return rows.assign(
        rank_low=pd.array(low, dtype="Int64"),
        rank_high=pd.array(high, dtype="Int64"),
        position=named,
        position_sure=sure,
    )


def _drawn(part: Estimate, draws: int, seed: int) -> Array | None:
    """Return draws of the rows, or None where the error of one is not known."""
    if not draws or not len(part):
        return None
    try:
        return part.draws(draws, seed=seed)
    except DataError:
        return None


def _third(ranks: Array, of: Array) -> NDArray[np.intp]:
    """Return 0, 1, 2 for the thirds of a group, 3 without a rank or in a group too small to have thirds."""
    with np.errstate(invalid="ignore", divide="ignore"):
        third = np.ceil(3 * ranks / of) - 1
    return np.where(np.isnan(third) | (of < len(POSITIONS)), 3, third).astype(np.intp)


def _with_reference(
    found: pd.DataFrame, table: pd.DataFrame, others: list[str], reference: str
) -> pd.DataFrame:
    """Put the value of the reference beside those with the same other keys, and its row in the table."""
    rows = table[table["region"] == reference].assign(_reference_row=lambda t: t.index)
    wanted = ["estimate", "_reference_row"]
    if others:
        beside = found[others].merge(rows[[*others, *wanted]], on=others, how="left")[wanted].to_numpy(float)
    else:
        one = rows[wanted].to_numpy(float)[:1] if len(rows) else np.full((1, 2), np.nan)
        beside = np.repeat(one, len(found), axis=0)
    gap = found["estimate"].to_numpy() - beside[:, 0]
    return found.assign(reference=beside[:, 0], gap_reference=gap, _reference_row=beside[:, 1])


def _beside_neighbours(
    found: pd.DataFrame,
    table: pd.DataFrame,
    others: list[str],
    neighbours: Mapping[str, Sequence[str]] | None,
    lang: str | None,
) -> pd.DataFrame:
    """Put the gap to the mean of the neighbours beside each region that has some."""
    gap = np.full(len(found), np.nan)
    neighbours = {} if neighbours is None else neighbours
    mapping("neighbours", neighbours, of="a region to its neighbours")
    near = {
        _region(k, table, lang): [_region(v, table, lang) for v in names_of("neighbours", vs)]
        for k, vs in neighbours.items()
    }
    for i, (_, row) in enumerate(found.iterrows() if near else ()):
        same = table["region"].isin(near.get(row["region"], []))
        for key in others:
            same &= table[key] == row[key]
        values = table.loc[same, "estimate"]
        if values.notna().any():
            gap[i] = row["estimate"] - values.mean()
    return found.assign(gap_neighbours=gap)


def _versus(
    found: pd.DataFrame, estimate: Estimate, others: list[str], sign: int, adjust: Adjustment
) -> pd.DataFrame:
    """Say which regions differ clearly from the reference."""
    from scipy.special import ndtr

    own, at = found.index.to_numpy(), found["_reference_row"].to_numpy(float)
    paired = ~np.isnan(at)
    p = np.full(len(found), np.nan)
    if paired.any():
        i, j = own[paired], at[paired].astype(int)
        variance = _difference_variance(estimate, i, j)
        gap = found["gap_reference"].to_numpy()[paired]
        with np.errstate(invalid="ignore", divide="ignore"):
            p[paired] = np.where(i == j, np.nan, 2 * ndtr(-np.abs(gap) / np.sqrt(variance)))
    labels = found.groupby(others, sort=False).ngroup().to_numpy() if others else np.zeros(len(found), int)
    for label in np.unique(labels):
        p[labels == label] = adjusted(p[labels == label], method=adjust)
    better = found["gap_reference"].to_numpy() * sign > 0
    clear = np.where(better, "better", "worse")
    verdict = np.where(np.isnan(p), "", np.where(p <= 1 - estimate.level, clear, "no clear difference"))
    return found.assign(p_reference=p, versus_reference=verdict.astype(object))


def _difference_variance(estimate: Estimate, i: NDArray[np.intp], j: NDArray[np.intp]) -> Array:
    if estimate.errors is not None:
        from qstats.stats import covariance

        rows = np.arange(len(i))
        contrast = np.zeros((len(i), len(estimate)))
        contrast[rows, i] += 1
        contrast[rows, j] -= 1
        return covariance.variance(covariance.combine(estimate.errors, contrast))
    error = estimate.table["std_error"].to_numpy()
    return np.asarray(error[i] ** 2 + error[j] ** 2, float)
