"""What a score, and the change of a score, is made of."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pandas as pd

from qstats.errors import DataError, one_of, real_number
from qstats.estimate import CORE, Estimate, require_estimate
from qstats.estimate_table import check_names
from qstats.index import outcomes
from qstats.messages import language, say
from qstats.stats import shares

_NEEDED: Final = ("node", "parent", "depth", "weight")
#: parts add up to 1e-10 where scores are at most 100, and to 1e-12 of the greatest score beyond
_TOLERANCE: Final = 1e-12

Mean = Literal["arithmetic", "geometric", "harmonic"] | float
_POWERS: Final = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}


def contributions(index: Estimate, /, *, mean: Mean = "arithmetic", lang: str | None = None) -> Estimate:
    r"""Split the score of each unit into what its nodes contribute.

    .. math:: c_q = w_q s_q, \qquad \sum_{q \text{ below } p} c_q = c_p, \qquad c_{root} = S

    with :math:`w_q` the weight in the whole that was really used, after renormalising. At any one depth
    of a complete tree the contributions add up to the score; the change of a score over
    time splits likewise: ``change(contributions(index))``. Under another mean the weight is replaced by the
    slope, :math:`w_q (s_q / S)^{p-1}` at each step down, and the parts still add up (Euler); for changes see
    :func:`change_contributions`.

    Parameters
    ----------
    index : Estimate
        A result of :func:`qstats.competitiveness_index`, all nodes of the units it has.
    mean : {"arithmetic", "geometric", "harmonic"} or float
        The mean that the index was built with; a number is the power of a power mean.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        The keys of the index; contributions in index points, with their errors; ``n, parent,
        depth, weight`` as in the index, ``score``, and ``share`` (of the score of the root, in
        per cent). Nodes without data are no part of the score: they are left out, and ``notes``
        counts them.

    Raises
    ------
    DataError
        It is not the table of an index, or parts are lacking, so that it does not add up to 1e-10.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.index.build import competitiveness_index
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.75, 0.25], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"], "estimate": [88, 0.5]})
    >>> contributions(competitiveness_index(data, tree)).table["estimate"].tolist()
    [88.5, 66.0, 22.5]
    """
    require_estimate(index, "index")
    language(lang)
    table = index.table
    lacking = [column for column in _NEEDED if column not in table.columns]
    if lacking:
        raise DataError(say("contributions.columns", lang, columns=", ".join(lacking)))
    units = [key for key in index.keys if key != "node"]
    check_names(units, ("score", "share"))
    table.insert(table.columns.get_loc("n") + 1, "score", table["estimate"])
    kept = table[table["estimate"].notna() & (table["weight"] > 0)].reset_index(drop=True)
    power = power_of(mean)
    if power != 1:
        kept["weight"] = _slopes(kept, units, power, lang)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        kept[column] = kept[column] * kept["weight"]
    kept["share"] = 100 * kept["estimate"] / _of_root(kept, units)
    _refuse_gaps(kept, units, lang)
    left_out = len(table) - len(kept)
    notes = [*index.notes, *([say("contributions.absent", lang, count=left_out)] if left_out else [])]
    return index.replace(
        kept[[*index.keys, *CORE, "parent", "depth", "weight", "score", "share"]],
        method=f"{'weight' if power == 1 else 'slope'} in the whole × score; {index.method}",
        notes=tuple(notes),
    )


def _of_root(kept: pd.DataFrame, units: list[str]) -> pd.Series[float]:
    """Return for each row the score of the root of its unit."""
    roots = kept[kept["depth"] == 0]
    if not units:
        return pd.Series(float(roots["estimate"].sum()) if len(roots) else np.nan, index=kept.index)
    return kept[units].merge(roots[[*units, "estimate"]], on=units, how="left")["estimate"]


def _refuse_gaps(kept: pd.DataFrame, units: list[str], lang: str | None) -> None:
    """Raise unless the parts of every node add up to it."""
    parts = kept[kept["depth"] > 0].groupby([*units, "parent"], sort=False)["estimate"].sum()
    whole = kept.set_index([*units, "node"])["estimate"]
    parts.index.names = whole.index.names
    both = pd.concat({"parts": parts, "whole": whole}, axis=1)
    inner = both["parts"].notna()
    bad = both[inner & ~((both["parts"] - both["whole"]).abs() <= tolerance(kept["score"]))]
    if bad.empty:
        return
    first = bad.index[0]
    *unit, node = first if isinstance(first, tuple) else (first,)
    said = {"whole": f"{bad['whole'].iloc[0]:.6f}", "parts": f"{bad['parts'].iloc[0]:.6f}"}
    raise DataError(say("contributions.sum", lang, unit=" ".join(map(str, unit)) or "—", node=node, **said))


def tolerance(*scores: pd.Series[float]) -> float:
    """Return how far parts of scores of this size may be from their sum."""
    return _TOLERANCE * max([100.0, *(float(part.abs().max()) for part in scores if part.notna().any())])


def power_of(mean: Mean) -> float:
    """Return the power of a mean that has a name, or that is a number."""
    if isinstance(mean, str):
        one_of("mean", mean, tuple(_POWERS))
        return _POWERS[mean]
    real_number("mean", mean, least=-100, most=100)
    return float(mean)


def _slopes(kept: pd.DataFrame, units: list[str], power: float, lang: str | None) -> np.ndarray:
    """Return what a point of each node is worth in the whole, the slopes of all above multiplied.

    Under a geometric mean these add up whatever the scores, so that the mean is the right one is seen here.
    """
    above = _parents(kept, units)
    share = np.where(above < 0, 1.0, kept["weight"] / kept["weight"].to_numpy()[above])
    score = kept["estimate"].to_numpy()
    _refuse_undefined(kept, score < 0 if power > 0 else score <= 0, units, power, lang)
    inner = above >= 0
    with np.errstate(divide="ignore", invalid="ignore"):  # a score of zero counts as zero
        phi = shares.transform(score / score[above], power)  # in parts of the mean no digits are lost
        own = shares.level_slopes(score[:, None], share[:, None], score[above], power)[:, 0]
    total = np.bincount(above[inner], (share * phi)[inner], minlength=len(kept))
    bad = np.flatnonzero((np.abs(total) > 1e-10) & (np.bincount(above[inner], minlength=len(kept)) > 0))
    if bad.size:
        row = kept.iloc[bad[0]]
        said = {"unit": " ".join(map(str, row[units])) or "—", "node": row["node"], "power": f"{power:g}"}
        raise DataError(say("contributions.mean", lang, **said))
    own = np.where(score == 0, 0.0, own)  # it contributes nothing, whatever its slope
    return _multiplied(own, above, kept["depth"].to_numpy())


def _refuse_undefined(
    table: pd.DataFrame, wrong: np.ndarray, units: list[str], power: float, lang: str | None
) -> None:
    """Raise where scores have no mean of this power."""
    if wrong.any():
        row = table.iloc[int(wrong.argmax())]
        said = {"unit": " ".join(map(str, row[units])) or "—", "node": row["node"], "power": f"{power:g}"}
        raise DataError(say("contributions.positive", lang, value=f"{row['estimate']:g}", **said))


def _parents(kept: pd.DataFrame, units: list[str]) -> np.ndarray:
    """Return the row of the parent of each row, −1 for a root."""
    place = kept[[*units, "node"]].assign(_at=np.arange(len(kept)))
    found = kept[[*units, "parent"]].merge(
        place, left_on=[*units, "parent"], right_on=[*units, "node"], how="left"
    )
    return np.asarray(found["_at"].fillna(-1), int)


def _multiplied(own: np.ndarray, above: np.ndarray, depth: np.ndarray) -> np.ndarray:
    whole = np.where(above < 0, 1.0, own)
    for level in range(1, int(depth.max(initial=0)) + 1):
        at = np.flatnonzero((depth == level) & (above >= 0))
        whole[at] = own[at] * whole[above[at]]
    return whole


def change_contributions(
    index: Estimate, /, *, mean: Mean = "arithmetic", lang: str | None = None
) -> Estimate:
    r"""Split the change of a score since the period before into what its nodes contribute.

    .. math:: \Delta S_p = \sum_{q \text{ below } p} \big(a_q\,\Delta s_q + b_q\big)

    with a and b of :func:`qstats.stats.shares.change`: exact for any power mean, LMDI for the geometric.
    Going down the tree the slopes a are multiplied, so a node whose change is zero can still have parts
    that cancel. A score of one period only stands for both; that it came or went is an effect of weights.

    Parameters
    ----------
    index : Estimate
        A result of :func:`qstats.competitiveness_index` or :func:`qstats.index.specified.specified_index`
        with a key ``period``.
    mean : {"arithmetic", "geometric", "harmonic"} or float
        The mean that the index was built with.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        Keys of the index (the later period). ``estimate`` is what the change of the node contributed to that
        of the root, ``weights`` what a change of the weights among its children did (renormalising);
        ``change`` of the score itself, ``n, parent, depth``. For every node: its estimate is the sum of its
        children's plus ``weights``, to 1e-10. Errors are NaN: those of changes are
        ``uncertainty(…, of="change")``.

    Raises
    ------
    DataError
        There are no two periods; it is not the table of an index, or was built with another mean.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.index.build import competitiveness_index
    >>> tree = pd.DataFrame({"code": ["all", "pass", "loss"], "parent": ["", "all", "all"],
    ...     "direction": [1, 1, -1], "weight": [1, 0.75, 0.25], "weight_provenance": "user",
    ...     "lower": [0, 60, 0], "upper": [0, 100, 2], "bounds_provenance": "user", "unit": "%"})
    >>> data = pd.DataFrame({"indicator": ["pass", "loss"] * 2, "period": [2022] * 2 + [2023] * 2,
    ...     "estimate": [88, 0.5, 90, 0.4]})
    >>> change_contributions(competitiveness_index(data, tree)).table["estimate"].round(6).tolist()
    [2.0, 1.5, 0.5]
    """
    require_estimate(index, "index")
    language(lang)
    table, power = index.table, power_of(mean)
    lacking = [column for column in _NEEDED if column not in table.columns]
    if lacking:
        raise DataError(say("contributions.columns", lang, columns=", ".join(lacking)))
    later, earlier = outcomes.pairs(table[list(index.keys)], lang)
    now, before = (table.iloc[at].reset_index(drop=True) for at in (later, earlier))
    units = [key for key in index.keys if key != "node"]
    check_names(units, ("change", "weights"))
    above = _parents(now, units)
    filled = _filled(before["estimate"], now["estimate"])
    for part, score in zip((before, now), filled, strict=True):
        _refuse_undefined(part, (power != 1) & (score <= 0), units, power, lang)
    split = _split(filled, (before["weight"], now["weight"]), above, power)
    whole = _multiplied(split.slope, above, now["depth"].to_numpy())
    effect = np.where(above < 0, 0.0, whole[above] * split.weight)
    inside = np.bincount(above[above >= 0], np.nan_to_num(effect[above >= 0]), minlength=len(now))
    now["change"] = now["estimate"] - before["estimate"]
    now["estimate"], now["weights"] = whole * (filled[1] - filled[0]), inside
    _refuse_other_mean(now, above, units, pd.Series(np.concatenate(filled)), lang)
    for column in ("std_error", "conf_low", "conf_high"):
        now[column] = np.nan
    return index.replace(
        now[[*index.keys, *CORE, "parent", "depth", "change", "weights"]],
        unit="index points",
        method=f"change since the period before, split exactly (power {power:g}); {index.method}",
        inference="none",
    )


def _filled(first: pd.Series[float], second: pd.Series[float]) -> tuple[np.ndarray, np.ndarray]:
    """Let what one of two periods lacks be as in the other."""
    a, b = first.to_numpy(), second.to_numpy()
    return np.where(np.isnan(a), b, a), np.where(np.isnan(b), a, b)


def _split(
    score: tuple[np.ndarray, np.ndarray],
    weights: tuple[pd.Series[float], pd.Series[float]],
    above: np.ndarray,
    power: float,
) -> shares.Change:
    """Split the change of each parent to its children."""
    weight = [np.nan_to_num(part.to_numpy()) for part in weights]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = [np.where(above < 0, 1.0, w / w[above]) for w in weight]
        one, two = (np.where(np.isnan(share[k]), share[1 - k], share[k])[:, None] for k in (0, 1))
        size = np.ones(len(above)) if power == 1 else score[1][above]
        first, second = (part / size for part in score)  # in parts of the mean no digits are lost
        means = tuple(part[above] / size for part in score)
        found = shares.change(first[:, None], second[:, None], one, two, (means[0], means[1]), power)
    absent = np.isnan(score[0])
    return shares.Change(
        np.where(absent, np.nan, found.slope[:, 0]), np.where(absent, 0.0, size * found.weight[:, 0])
    )


def _refuse_other_mean(
    now: pd.DataFrame, above: np.ndarray, units: list[str], scores: pd.Series[float], lang: str | None
) -> None:
    """Raise unless the parts of the change of every node add up to it."""
    inner = above >= 0
    parts = np.bincount(above[inner], np.nan_to_num(now["estimate"].to_numpy()[inner]), minlength=len(now))
    parts = parts + now["weights"].to_numpy()
    has = np.bincount(above[inner], minlength=len(now)) > 0
    whole = now["estimate"].to_numpy()
    most = tolerance(now["estimate"], now["change"], now["weights"], scores)
    bad = np.flatnonzero(has & ~np.isnan(whole) & ~(np.abs(parts - whole) <= most))
    if not bad.size:
        return
    first = now.iloc[bad[0]]
    said = {"whole": f"{whole[bad[0]]:.6f}", "parts": f"{parts[bad[0]]:.6f}", "node": first["node"]}
    raise DataError(say("contributions.sum", lang, unit=" ".join(map(str, first[units])) or "—", **said))
