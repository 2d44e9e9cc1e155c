"""Values of the indicators on the units of an index, and draws of them from their joint errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from qstats.errors import DataError
from qstats.estimate import Estimate, Inference
from qstats.index.align import Indicators, Missing, align
from qstats.index.tree import Tree
from qstats.messages import say
from qstats.stats import draws

Array = np.ndarray
Unknown = Literal["raise", "fixed"]


class Held(NamedTuple):
    """Indicators on units × leaves, and where each value and its error come from.

    Attributes
    ----------
    units : DataFrame
        Keys.
    value, std_error : ndarray, shape (units, leaves)
        NaN where there is none.
    percent : ndarray of bool, shape (leaves,)
        Whether it is a rate, which stays between 0 and 100.
    place : ndarray of int, shape (units, leaves)
        Row of each value among those of all `estimates`, one after another; −1 where there is none.
    estimates : list of Estimate
        Rows with a value; none for a plain table, of which no more is known than `std_error`.
    inference, provenance
        As of :class:`qstats.index.align.Aligned`.
    """

    units: pd.DataFrame
    value: Array
    std_error: Array
    percent: Array
    place: Array
    estimates: list[Estimate]
    inference: Inference
    provenance: tuple[str, ...]


def hold(indicators: Indicators, tree: Tree, /, *, name: str, missing: Missing, lang: str | None) -> Held:
    """Align indicators by the numbers of their rows, so that draws of them need no more than those numbers.

    Parameters
    ----------
    indicators : as of :func:`qstats.competitiveness_index`
    tree : Tree
    name : str
        Of the framework.
    missing : {"raise", "renormalise"}
    lang : str or None

    Raises
    ------
    DataError
        As :func:`qstats.index.align.align`.
    """
    percent = np.array([unit == "%" for unit in tree.measured])
    if isinstance(indicators, pd.DataFrame):
        given = align(indicators, tree, name=name, missing=missing, lang=lang)
        place = np.where(np.isnan(given.value), -1, 0)
        return Held(given.units, given.value, given.std_error, percent, place, [], *given[3:])
    estimates, numbered = _numbered(indicators, lang)
    given = align(numbered, tree, name=name, missing=missing, lang=lang)
    hole = np.isnan(given.value)
    place = np.where(hole, -1, np.nan_to_num(given.value, nan=-1.0)).astype(np.intp)
    every = np.concatenate([estimate.table["estimate"].to_numpy(float) for estimate in estimates])
    value = np.where(hole, np.nan, every[place]) if len(every) else given.value
    return Held(given.units, value, given.std_error, percent, place, estimates, *given[3:])


def draw(held: Held, n: int, /, *, seed: int, unknown: Unknown, lang: str | None = None) -> Array:
    """Return the indicators as they are, then draws of them; estimates from one sample move together.

    Parameters
    ----------
    held : Held
    n : int
    seed, unknown
        As of :meth:`qstats.Estimate.draws`.
    lang : {"zh", "en"}, optional

    Returns
    -------
    ndarray, shape (1 + n, units, leaves)

    Raises
    ------
    DataError
        An error is not known and `unknown` is "raise".
    """
    if held.estimates:
        every = [estimate.draws(n, seed=seed, unknown=unknown) for estimate in held.estimates]
        drawn = np.take(np.concatenate(every, axis=1), held.place, axis=1)
        return np.concatenate([held.value[None], np.where(held.place < 0, np.nan, drawn)])
    lacking = np.isnan(held.std_error) & ~np.isnan(held.value)
    if unknown == "raise" and lacking.any():
        first = dict(held.units.iloc[int(np.flatnonzero(lacking.any(1))[0])])
        said = {"count": int(lacking.sum()), "of": lacking.size, "first": first}
        raise DataError(say("draws.unknown", lang, **said))
    found = np.empty((1 + n, *held.value.shape))
    found[0], noise = held.value, found[1:]
    np.random.default_rng([seed, crc32(b"table")]).standard_normal(out=noise)
    noise *= np.nan_to_num(held.std_error, nan=0.0)
    rate = held.percent
    rates = draws.within(held.value[:, rate], noise[..., rate], low=0.0, high=100.0)
    noise += held.value
    noise[..., rate] = rates
    return found


def _numbered(indicators: Any, lang: str | None) -> tuple[list[Estimate], Any]:
    """Return the Estimates, and the indicators with the number of its row in place of each value."""
    if isinstance(indicators, Estimate):
        kept, [numbered] = _rows([indicators])
        return kept, numbered
    if isinstance(indicators, Mapping) and all(isinstance(e, Estimate) for e in indicators.values()):
        kept, numbers = _rows(list(indicators.values()))
        return kept, dict(zip(indicators, numbers, strict=True))
    if isinstance(indicators, Sequence) and all(isinstance(e, Estimate) for e in indicators):
        return _rows(list(indicators))
    members = indicators.values() if isinstance(indicators, Mapping) else indicators
    several = isinstance(indicators, Mapping | Sequence) and not isinstance(indicators, str)
    wrong = next((e for e in members if not isinstance(e, Estimate)), indicators) if several else indicators
    raise DataError(say("index.kind", lang, kind=type(wrong).__name__))


def _rows(estimates: list[Estimate]) -> tuple[list[Estimate], list[Estimate]]:
    kept, numbered, start = [], [], 0
    for estimate in estimates:
        number = estimate.table["estimate"].to_numpy(float, copy=True)  # what is not finite stays as it is
        known = np.flatnonzero(np.isfinite(number))
        own = estimate if len(known) == len(estimate) else estimate.take(known)
        number[known] = np.arange(start, start + len(known))
        kept.append(own)
        numbered.append(estimate.replace(estimate.table.assign(estimate=number)))
        start += len(known)
    return kept, numbered
