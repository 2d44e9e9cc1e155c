"""What is asked of the scores of many runs: ranks, changes, gaps, shifts of ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats import periods
from qstats.errors import DataError, OptionError, mapping, one_of
from qstats.index.given import spelt
from qstats.messages import say
from qstats.stats.ranking import competition_ranks

Array = np.ndarray
Of = Literal["score", "rank", "change", "rank-change", "gap", "rank-shift"]

OUTCOMES: Final = ("score", "rank", "change", "rank-change", "gap", "rank-shift")

#: scores are compared on a grid of 2⁻³⁹ (2e-12) of the power of two below each, finer than which is rounding;
#: near zero, where parts cancel, of 2⁻⁴⁶ (1e-14) of that below the largest
_ROUNDING: Final = (39, 46)


class Outcome(NamedTuple):
    """An outcome, in the nominal run and in all.

    Attributes
    ----------
    keys : DataFrame
        Keys of the rows.
    nominal : ndarray, shape (nodes, rows)
    runs : ndarray, shape (nodes, runs, rows)
    """

    keys: pd.DataFrame
    nominal: Array
    runs: Array


def outcome(
    of: Of,
    units: pd.DataFrame,
    nominal: Array,
    score: Array,
    /,
    *,
    reference: Mapping[str, object] | None = None,
    lang: str | None = None,
) -> Outcome:
    """Return what is asked of the scores.

    Parameters
    ----------
    of : str
        "score"; "rank" (within its period, 1 is best); "change" and "rank-change" since the period before;
        "gap" to a reference unit of the same period; "rank-shift", the mean over units of the absolute
        difference between rank and nominal rank.
    units : DataFrame
        Keys; "period" is what changes are over and ranks within.
    nominal, score : ndarray, shape (nodes, units), (nodes, runs, units)
    reference : mapping, optional
        Key → value of the reference of a gap.
    lang : str, optional

    Raises
    ------
    DataError
        There are no two periods, or not one reference a period.
    OptionError
        A reference that is no mapping, or that `of` has no use for.
    """
    one_of("of", of, OUTCOMES)
    if reference is None and of == "gap":
        raise DataError(say("uncertainty.reference_needed", lang))
    if reference is not None and of != "gap":
        raise OptionError(say("uncertainty.reference_spare", lang, of=of), argument="reference")
    if of == "score":
        return Outcome(units, nominal, score)
    if of == "gap":
        mapping("reference", reference, of="key to value")
        at = _references(units, dict(reference or {}), lang)
        return Outcome(units, nominal - nominal[:, at], score - score[..., at])
    if of in ("change", "rank-change"):
        later, earlier = pairs(units, lang)
        keys = units.iloc[later].reset_index(drop=True)
        if of == "rank-change":
            nominal, score = ranked(nominal, units), ranked(score, units)
        return Outcome(keys, nominal[:, later] - nominal[:, earlier], score[..., later] - score[..., earlier])
    first, every = ranked(nominal, units), ranked(score, units)
    if of == "rank":
        return Outcome(units, first, every)
    return shift(units, first, every)


def shift(units: pd.DataFrame, nominal: Array, ranks: Array) -> Outcome:
    """Return the mean absolute difference to the nominal ranks, by period."""
    codes, keys = _period_codes(units)
    moved = np.abs(ranks - nominal[:, None])
    here = np.eye(len(keys))[codes]
    known = ~np.isnan(moved)
    with np.errstate(invalid="ignore", divide="ignore"):
        runs = (np.where(known, moved, 0.0) @ here) / (known @ here)
    return Outcome(keys, np.zeros((len(nominal), len(keys))), runs)


def ranked(score: Array, units: pd.DataFrame) -> Array:
    """Return ranks along the last axis, within each period; what differs by rounding only is tied."""
    codes, keys = _period_codes(units)
    score = settled(score)
    if len(keys) == 1:
        return competition_ranks(score)
    ranks = np.empty(score.shape)
    for k in range(len(keys)):
        ranks[..., codes == k] = competition_ranks(score[..., codes == k])
    return ranks


def settled(score: Array) -> Array:
    """Return scores, shape (…, units), of which those that differ by rounding only are equal.

    Two units with the same scores in another order have the same mean, but sums in floating point differ in
    their last digits.

    Examples
    --------
    >>> one, two = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1
    >>> one == two, len(set(settled(np.array([one, two])).tolist()))
    (False, 1)
    """
    known = np.nan_to_num(np.ascontiguousarray(score, float))
    step = _power_of_two(known) * 2.0 ** -_ROUNDING[0]
    least = _power_of_two(np.abs(known).max(-1, keepdims=True, initial=0.0)) * 2.0 ** -_ROUNDING[1]
    np.maximum(step, np.maximum(least, 2.0**-1000), out=step)
    found = score / step
    np.rint(found, out=found)
    found *= step
    return found


def _power_of_two(x: Array) -> Array:
    """Return the largest power of two not above |x|, of normal numbers: what is left without the mantissa."""
    return np.asarray((x.view(np.int64) & (0x7FF << 52)).view(np.float64))


def pairs(units: pd.DataFrame, lang: str | None) -> tuple[Array, Array]:
    """Return the places of units and of the same units in the period before."""
    if "period" not in units.columns or units["period"].nunique() < 2:
        raise DataError(say("uncertainty.period", lang, keys=", ".join(units.columns) or "—"))
    others = [key for key in units.columns if key != "period"]
    order = sorted(units["period"].unique(), key=periods.sort_key)
    place = units["period"].map({period: i for i, period in enumerate(order)})
    own = units[others].assign(_at=np.arange(len(units)), _place=place)
    before = own.assign(_place=own["_place"] + 1)
    both = own.merge(before, on=[*others, "_place"], suffixes=("", "_before")).sort_values("_at")
    return both["_at"].to_numpy(), both["_at_before"].to_numpy()


def _period_codes(units: pd.DataFrame) -> tuple[Array, pd.DataFrame]:
    if "period" not in units.columns:
        return np.zeros(len(units), int), pd.DataFrame(index=range(1))
    codes, names = pd.factorize(units["period"])
    return codes, pd.DataFrame({"period": names})


def _references(units: pd.DataFrame, reference: dict[str, object], lang: str | None) -> Array:
    """Return for each unit the place of the reference of its period."""
    codes, keys = _period_codes(units)
    fits = np.ones(len(units), bool)
    for key, value in reference.items():
        one_of("reference", key, list(units.columns))
        fits &= (units[key].astype(str) == spelt(key, value)).to_numpy()
    if not reference or (np.bincount(codes[fits], minlength=len(keys)) != 1).any():
        raise DataError(say("uncertainty.reference", lang, reference=reference))
    at = np.zeros(len(keys), int)
    at[codes[fits]] = np.flatnonzero(fits)
    return np.asarray(at[codes])
