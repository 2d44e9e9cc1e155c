"""What a score is made of."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say

_NEEDED: Final = ("node", "parent", "depth", "weight")
_TOLERANCE: Final = 1e-10


def contributions(index: Estimate, /, *, lang: str | None = None) -> Estimate:
    r"""Split the score of each unit into what its nodes contribute.

    .. math:: c_q = w_q s_q, \qquad \sum_{q \text{ below } p} c_q = c_p, \qquad c_{root} = S

    with :math:`w_q` the weight in the whole that was really used, after renormalising. At any one depth
    of a complete tree the contributions add up to the score; the change of a score over
    time splits likewise: ``change(contributions(index))``.

    Parameters
    ----------
    index : Estimate
        A result of :func:`qstats.competitiveness_index`, all nodes of the units it has.
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
    table = index.table
    lacking = [column for column in _NEEDED if column not in table.columns]
    if lacking:
        raise DataError(say("contributions.columns", lang, columns=", ".join(lacking)))
    units = [key for key in index.keys if key != "node"]
    table.insert(table.columns.get_loc("n") + 1, "score", table["estimate"])
    kept = table[table["estimate"].notna() & (table["weight"] > 0)].reset_index(drop=True)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        kept[column] = kept[column] * kept["weight"]
    kept["share"] = 100 * kept["estimate"] / _of_root(kept, units)
    _refuse_gaps(kept, units, lang)
    left_out = len(table) - len(kept)
    notes = [*index.notes, *([say("contributions.absent", lang, count=left_out)] if left_out else [])]
    columns = [
        *index.keys,
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
        "n",
        "parent",
        "depth",
        "weight",
    ]
    return index.replace(
        kept[[*columns, "score", "share"]],
        method=f"weight in the whole × score; {index.method}",
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
    bad = both[inner & ~((both["parts"] - both["whole"]).abs() <= _TOLERANCE)]
    if bad.empty:
        return
    first = bad.index[0]
    *unit, node = first if isinstance(first, tuple) else (first,)
    said = {"whole": f"{bad['whole'].iloc[0]:.6f}", "parts": f"{bad['parts'].iloc[0]:.6f}"}
    raise DataError(say("contributions.sum", lang, unit=" ".join(map(str, unit)) or "—", node=node, **said))
