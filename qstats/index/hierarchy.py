"""Two-way indexes: indicators × (industry × region), added up by output."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, kind_of, names_of, one_of, text
from qstats.estimate import Estimate, assemble, require_estimate
from qstats.index import outcomes
from qstats.index.contributions import Mean, change_contributions, tolerance
from qstats.index.preparation import by_keys, sizes_of
from qstats.messages import language, say

Array = np.ndarray

#: what a key is called that was added over
TOTAL: Final = "all"
_OVER: Final = ("industry", "region")


def add_up(
    index: Estimate,
    weights: pd.DataFrame,
    /,
    *,
    over: Sequence[str] = _OVER,
    total: str = TOTAL,
    lang: str | None = None,
) -> Estimate:
    r"""Add the scores of cells up to regions, industries and the nation, by their output.

    .. math:: S_r = \sum_i \frac{V_{ri}}{V_{r\cdot}} S_{ri}, \qquad
              S_i = \sum_r \frac{V_{ri}}{V_{\cdot i}} S_{ri}, \qquad
              S = \sum_{ri} \frac{V_{ri}}{V_{\cdot\cdot}} S_{ri}

    So the nation is the same from its regions as from its industries, for every node.

    Parameters
    ----------
    index : Estimate
        Scores of every cell: a result of :func:`qstats.competitiveness_index` whose keys have those of
        `over`, and ``node``.
    weights : DataFrame
        The keys of `over`, ``period`` where weights differ between periods, and ``weight``: output V.
    over : sequence of str
        The keys that are added over, each alone and all together.
    total : str
        What such a key is then called.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        Cells and totals, with the keys of the index. ``weight`` is the V of cells with a score, ``share`` its
        share in the whole, ``coverage`` the share of the V of the cells of the index that has a score: a
        total is over those. Errors of totals are those of independent cells.

    Raises
    ------
    DataError
        A cell has no weight, or two; a weight is negative or no number; a key is lacking, or holds the
        name of the total.
    OptionError
        A key that does not exist, stands twice or is not added over: period, node.

    Examples
    --------
    >>> cells = pd.DataFrame({"region": ["安徽"] * 2 + ["江苏"] * 2, "industry": ["钢铁", "纺织"] * 2,
    ...     "node": "qci", "estimate": [80.0, 70.0, 90.0, 80.0], "std_error": 1.0, "conf_low": 0.0,
    ...     "conf_high": 0.0, "n": 1})
    >>> scores = Estimate(cells, indicator="qci", unit="index", method="scores")
    >>> output = cells[["region", "industry"]].assign(weight=[1.0, 1.0, 3.0, 1.0])
    >>> found = add_up(scores, output)
    >>> pairs = (("安徽", "all"), ("all", "钢铁"), ("all", "all"))
    >>> [round(found.value(region=r, industry=i), 2) for r, i in pairs]
    [75.0, 87.5, 83.33]
    """
    text("total", total, empty=False)
    over = _keys(index, weights, over, lang)
    table = _weighted(index, weights, over, total, lang)
    rest = [key for key in index.keys if key not in over]
    sets = [[]] if len(over) == 1 else [*([key] for key in over), []]
    z = NormalDist().inv_cdf(0.5 + index.level / 2)
    sums = [_totals(table, [*rest, *kept], over, total, z) for kept in sets]
    whole = pd.concat([table, *sums], ignore_index=True)
    everything = sums[-1][[*rest, "weight"]].rename(columns={"weight": "_all"})
    whole = whole.merge(everything, on=rest, how="left")
    columns = ["estimate", "std_error", "conf_low", "conf_high", "n", "weight"]
    return index.replace(
        assemble(
            whole[list(index.keys)],
            **{column: whole[column].to_numpy() for column in columns},
            share=(whole["weight"] / whole["_all"]).to_numpy(),
            coverage=whole["coverage"].to_numpy(),
        ),
        method=f"{index.method}; added over {', '.join(over)} by weight",
    )


def _weighted(
    index: Estimate, weights: pd.DataFrame, over: list[str], total: str, lang: str | None
) -> pd.DataFrame:
    """Return the cells with their V; that of a cell without a score is in `_given` only."""
    keys = [key for key in ("period", *over) if key in index.keys and key in weights.columns]
    if "weight" not in weights.columns or not set(over) <= set(keys):
        raise DataError(say("hierarchy.columns", lang, columns=", ".join([*over, "weight"])))
    told = by_keys(weights[[*keys, "weight"]], keys)
    told["weight"] = sizes_of("weight", told["weight"])
    if told.duplicated(keys).any():
        row = told[told.duplicated(keys)].iloc[0]
        raise DataError(say("hierarchy.twice", lang, cell=" ".join(map(str, row[keys]))))
    table = index.table.drop(columns=["weight", "coverage", "share"], errors="ignore")
    if table[over].isin([total]).to_numpy().any():
        raise DataError(say("hierarchy.total", lang, total=total))
    table = table.merge(told, on=keys, how="left")
    wrong = ~(table["weight"] >= 0)
    if wrong.any():
        row = table[wrong].iloc[0]
        said = {"cell": " ".join(map(str, row[keys])), "value": row["weight"], "count": int(wrong.sum())}
        raise DataError(say("hierarchy.weight", lang, **said))
    seen = table["estimate"].notna()
    return table.assign(
        _given=table["weight"], weight=table["weight"].where(seen, 0.0), coverage=seen.astype(float)
    )


def _keys(index: Estimate, weights: pd.DataFrame, over: Sequence[str], lang: str | None) -> list[str]:
    """Return the keys that are added over; refuse what is no index, no table and no key."""
    language(lang)
    require_estimate(index, "index")
    kind_of("weights", weights, pd.DataFrame, what="a table of keys and weight")
    keys = names_of("over", over)
    if not keys or len(set(keys)) < len(keys):
        said = f"over={list(over)!r:.200} should name each key that is added over, once"
        raise OptionError(said, argument="over", value=over)
    if "node" not in index.keys:
        raise DataError(say("contributions.columns", lang, columns="node"))
    for key in keys:
        one_of("over", key, [key for key in index.keys if key not in ("node", "period")])
    return keys


def _totals(table: pd.DataFrame, kept: list[str], over: Sequence[str], total: str, z: float) -> pd.DataFrame:
    """Return the means over the cells of each group, weighted by output."""
    w = table["weight"]
    parts = table[kept].assign(
        top=(w * table["estimate"]).where(w > 0, 0.0),
        square=((w * table["std_error"]) ** 2).where(w > 0, 0.0),
        weight=w,
        given=table["_given"],
        n=table["n"],
    )
    sums = parts.groupby(kept, sort=False).sum(min_count=0).reset_index()
    unknown = parts.assign(square=parts["square"].isna()).groupby(kept, sort=False)["square"].any()
    known = sums["weight"] > 0
    sums["estimate"] = (sums["top"] / sums["weight"]).where(known)
    error = (np.sqrt(sums["square"]) / sums["weight"]).where(known & ~unknown.to_numpy())
    sums["std_error"] = error
    sums["conf_low"], sums["conf_high"] = sums["estimate"] - z * error, sums["estimate"] + z * error
    sums["coverage"] = sums["weight"] / sums["given"]
    return sums.assign(**{key: total for key in over if key not in kept})


def change_effects(
    index: Estimate,
    weights: pd.DataFrame,
    /,
    *,
    over: Sequence[str] = _OVER,
    mean: Mean = "arithmetic",
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Split the national change since the period before into effects of indicators, units and structure.

    With :math:`\omega_c = V_c / V` and bars for means of the two periods,

    .. math:: \Delta S = \sum_c \bar\omega_c \sum_q a_{qc} \Delta s_{qc}
              + \sum_c (\bar S_c - \bar S)\,\Delta\omega_c

    The first sum has one term a cell and indicator: over cells it is the effect of each indicator, over
    indicators the effect of each unit. The second is the effect of structure: output moving to cells that
    score higher. a is the weight, or the slope of :func:`qstats.index.contributions.change_contributions`.

    Parameters
    ----------
    index : Estimate
        As for :func:`add_up`, with the key ``period``.
    weights : DataFrame
        As for :func:`add_up`.
    over : sequence of str
        The keys that make up the nation.
    mean : as of :func:`qstats.index.contributions.change_contributions`
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        Keys (the later period), ``node, effect, estimate``: "score" for each cell and indicator, "weights"
        for each cell where indicators came or went, "structure" for each cell. They add up to the change of
        the nation, to 1e-10. A cell that is in one period only, or has a score there only, comes or goes:
        that is structure.

    Raises
    ------
    DataError, OptionError
        As :func:`add_up`; there are no two periods.

    Examples
    --------
    Steel gains 4 points, and its share in output rises from a half to three quarters:

    >>> from qstats.index.build import competitiveness_index
    >>> tree = pd.DataFrame({"code": ["all", "pass"], "parent": ["", "all"], "direction": 1, "weight": 1,
    ...     "weight_provenance": "user", "lower": 60, "upper": 100, "bounds_provenance": "user", "unit": "%"})
    >>> keys = pd.DataFrame({"period": [2022, 2022, 2023, 2023], "industry": ["钢铁", "纺织"] * 2})
    >>> keys.insert(1, "region", "安徽")
    >>> cells = keys.assign(indicator="pass", estimate=[80, 70, 84, 70])
    >>> found = change_effects(competitiveness_index(cells, tree), keys.assign(weight=[1, 1, 3, 1]))
    >>> found.groupby("effect")["estimate"].sum().to_dict()
    {'score': 2.5, 'structure': 3.0}
    """
    over = _keys(index, weights, over, lang)
    table = _weighted(index, weights, over, TOTAL, lang)
    if "depth" not in table.columns:
        raise DataError(say("contributions.columns", lang, columns="depth"))
    root = str(table.loc[table["depth"] == 0, "node"].iloc[0])
    rest = [key for key in index.keys if key not in (*over, "node")]
    top = _completed(table[table["node"] == root], [key for key in index.keys if key != "node"])
    top["omega"] = top["weight"] / top.groupby(rest)["weight"].transform("sum")
    later, earlier = outcomes.pairs(top[[key for key in index.keys if key != "node"]], lang)
    now, before = (top.iloc[at].reset_index(drop=True) for at in (later, earlier))
    scores = (before["estimate"].fillna(now["estimate"]), now["estimate"].fillna(before["estimate"]))
    share = (before["omega"] + now["omega"]) / 2
    group = [now[key] for key in rest]
    centre = sum(
        (part["omega"] * part["estimate"].fillna(0.0)).groupby(group).transform("sum")
        for part in (now, before)
    )
    keys, moved = [key for key in index.keys if key != "node"], now["omega"] - before["omega"]
    effect = ((scores[0] + scores[1]) / 2 - centre / 2) * moved
    structure = now[keys].assign(node=root, effect="structure", estimate=effect.where(moved != 0, 0.0))
    found = pd.concat([_inside(index, now[keys].assign(share=share), mean, lang), structure])
    _refuse_gap(found, now, before, rest, lang)
    return found.reset_index(drop=True)


def _completed(top: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return every cell in every period; one that is not there has no score and no weight."""
    if "period" not in keys:
        return top.reset_index(drop=True)
    cells = top[[key for key in keys if key != "period"]].drop_duplicates()
    every = top[["period"]].drop_duplicates().merge(cells, how="cross")
    return every.merge(top, on=keys, how="left").fillna({"weight": 0.0})


def _inside(index: Estimate, share: pd.DataFrame, mean: Mean, lang: str | None) -> pd.DataFrame:
    """Return what each indicator of each cell did, and weights that moved between indicators."""
    parts = change_contributions(index, mean=mean, lang=lang).table
    keys = [str(key) for key in share.columns[:-1]]
    parts = parts.merge(share, on=keys)
    inner = parts["parent"].unique()
    leaves = parts[~parts["node"].isin(inner)]
    score = leaves[[*keys, "node"]].assign(effect="score", estimate=leaves["estimate"] * leaves["share"])
    moved = parts[parts["weights"].abs() > 0]
    weight = moved[[*keys, "node"]].assign(effect="weights", estimate=moved["weights"] * moved["share"])
    return pd.concat([score.dropna(subset="estimate"), weight])


def _refuse_gap(
    found: pd.DataFrame, now: pd.DataFrame, before: pd.DataFrame, rest: list[str], lang: str | None
) -> None:
    """Raise unless the effects add up to the change of the nation."""
    nation = [
        (part["omega"] * part["estimate"]).groupby([now[k] for k in rest]).sum() for part in (now, before)
    ]
    whole = nation[0] - nation[1]
    total = found.groupby(rest)["estimate"].sum()
    gap = (total - whole).abs()
    if not (gap <= tolerance(now["estimate"], before["estimate"])).all():
        said = {"whole": f"{whole[gap.idxmax()]:.6f}", "parts": f"{total[gap.idxmax()]:.6f}"}
        raise DataError(say("hierarchy.sum", lang, **said))
