"""Bands: the class of a score by a named scheme."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from qstats import datasets
from qstats.errors import OptionError, one_of
from qstats.estimate import Estimate, require_estimate
from qstats.index import outcomes
from qstats.messages import language, say


def bands(index: Estimate, /, *, scheme: str | None = None, lang: str | None = None) -> Estimate:
    """Class scores by a named scheme of bands.

    The published schemes contradict each other, so none is the default: one must be named. A band is [lower,
    upper): a score on a limit belongs to the higher band. Scores are classed as they are,
    not as they are printed. The schemes are made for the index as a whole; nothing in them
    says that they hold for its parts.

    Parameters
    ----------
    index : Estimate
        Scores of an index, computed or published.
    scheme : str
        ``"2008"``, ``"2011"``, ``"stages"``, or any other scheme of ``load("frameworks/bands")``.
    lang : {"zh", "en"}, optional
        Language of the labels and the note.

    Returns
    -------
    Estimate
        The same numbers, with ``band`` (the label; "outside the scheme" below its lowest limit,
        "no data" for NaN), ``band_position`` (1 is the lowest; missing without a band),
        ``band_lower, band_upper`` (NaN: open) and ``band_clear`` (whether the whole confidence
        interval lies in the band; missing when no interval is known). Of a panel also ``band_change``:
        by how many bands the unit stands higher than in the period before; missing without one. The
        provenance of the scheme is added to ``provenance``, its note to ``notes``.

    Raises
    ------
    OptionError
        No scheme is named, or there is no such one; those there are are listed.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> nation = published("QCI", region="全国", period=2023, industry="制造业")
    >>> bands(nation, scheme="stages", lang="en").table["band"].tolist()
    ['medium']
    """
    require_estimate(index, "index")
    known = datasets.load("frameworks/bands")
    names = list(dict.fromkeys(known["scheme"].astype(str)))
    if scheme is None:
        raise OptionError(say("bands.scheme", lang, names=", ".join(names)), argument="scheme")
    one_of("scheme", scheme, names)
    rows = known[known["scheme"].astype(str) == scheme].sort_values("position", ignore_index=True)
    lower = rows["lower"].astype("float64").fillna(-math.inf).to_numpy()
    upper = rows["upper"].astype("float64").fillna(math.inf).to_numpy()
    table = index.table
    at = _places(table["estimate"], lower, upper)
    inside = at >= 0
    low, high = (_places(table[limit], lower, upper) for limit in ("conf_low", "conf_high"))
    said = {"outside": say("bands.outside", lang), "none": say("bands.no_data", lang)}
    labels = np.append(rows[f"label_{language(lang)}"].to_numpy(dtype=object), said["outside"])
    table["band"] = np.where(table["estimate"].isna(), said["none"], labels[at])
    table["band_position"] = pd.array(np.where(inside, at + 1, 0), dtype="Int64")
    table.loc[~inside, "band_position"] = pd.NA
    table["band_lower"] = np.where(inside & np.isfinite(lower[at]), lower[at], np.nan)
    table["band_upper"] = np.where(inside & np.isfinite(upper[at]), upper[at], np.nan)
    table["band_clear"] = pd.array((low == at) & (high == at), dtype="boolean")
    table.loc[table["conf_low"].isna() | table["conf_high"].isna(), "band_clear"] = pd.NA
    if "period" in index.keys and table["period"].nunique() > 1:
        table["band_change"] = _moved(table, list(index.keys), lang)
    mark = rows["provenance"].iloc[0]
    note = say("bands.note", lang, scheme=scheme, provenance=mark, note=rows["note"].iloc[0])
    return index.replace(
        table, provenance=(*index.provenance, f"bands:{scheme} {mark}"), notes=(*index.notes, note)
    )


def _moved(table: pd.DataFrame, keys: list[str], lang: str | None) -> pd.Series[int]:
    """Return the change of the position of each band since the period before."""
    later, earlier = outcomes.pairs(table[keys], lang)
    position, moved = table["band_position"], pd.Series(pd.NA, index=table.index, dtype="Int64")
    moved.iloc[later] = position.iloc[later].array - position.iloc[earlier].array
    return moved


def _places(scores: pd.Series[float], lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return the place of the band of each score, −1 where there is none."""
    x = scores.to_numpy(dtype="float64")[:, None]
    within = (x >= lower) & (x < upper)
    return np.where(within.any(1), within.argmax(1), -1)
