"""Two vintages of one series as one, the break marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qstats.analysis import given
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats.linking import Rule, link

if TYPE_CHECKING:
    import pandas as pd


def linked(
    old: Estimate, new: Estimate, /, *, rule: Rule = "ratio-of-sums", lang: str | None = None
) -> Estimate:
    r"""Carry an old series over a break to the level of the new one, and mark the break.

    :math:`y = f\,o + a` before the first period of the new series; see
    :func:`qstats.stats.linking.link` for the rules. A link is a convention: it makes the overlap agree,
    it does not make the two definitions one. So every row says its ``vintage``, and
    :func:`~qstats.analysis.change.change` says where it compares over the break.

    Parameters
    ----------
    old, new : Estimate
        With the same keys, among them ``period``, and the same unit. Each series of the old one needs
        periods in common with the new one.
    rule : {"ratio-of-sums", "mean-of-ratios", "last-overlap", "difference"}
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        The new rows as they are, and before them the old ones linked, with the columns ``vintage``
        (``linked``, ``new``), ``link_factor`` and ``link_shift``. Their standard error contains that of the
        link, the periods taken as independent; their limits are the linked limits, widened likewise.

    Raises
    ------
    DataError
        Keys or units differ, or there is no overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> nan = float("nan")
    >>> def given(first, values):
    ...     rows = [(str(first + i), v, nan, nan, nan, nan) for i, v in enumerate(values)]
    ...     columns = ["period", "estimate", "std_error", "conf_low", "conf_high", "n"]
    ...     return Estimate(pd.DataFrame(rows, columns=columns), indicator="index", unit="", method="given")
    >>> both = linked(given(2010, [80, 82, 85, 88, 90]), given(2013, [79, 81, 84, 86]), rule="last-overlap")
    >>> both.table["estimate"].tolist(), both.table["vintage"].tolist()[2:4]
    ([72.0, 73.8, 76.5, 79.0, 81.0, 84.0, 86.0], ['linked', 'new'])
    """
    import pandas as pd

    from qstats import periods

    given.one(old, lang, argument="old")
    given.one(new, lang, argument="new")
    if old.keys != new.keys or "period" not in old.keys or old.unit != new.unit:
        have = f"{', '.join(old.keys)} [{old.unit}]; {', '.join(new.keys)} [{new.unit}]"
        raise DataError(say("linked.unlike", lang, have=have))
    if not (len(old) and len(new)):
        raise DataError(say("linked.no_overlap", lang, have="—"))
    others = [key for key in new.keys if key != "period"]
    parts = []
    for name, after in _series(new.table, others):
        before = old.table
        for key, value in zip(others, name, strict=True):
            before = before[before[key] == value]
        parts.append(_one(before, after.assign(vintage="new", link_factor=1.0, link_shift=0.0), rule, lang))
    table = pd.concat(parts, ignore_index=True)
    first = min(set(new.table["period"]), key=periods.sort_key)
    note = say("linked.note", lang, first=first, rule=rule)
    return new.replace(
        table,
        method=f"linked over a break by {rule}; {new.method}",
        notes=(*new.notes, note),
        provenance=(*new.provenance, *(p for p in old.provenance if p not in new.provenance)),
    )


def _series(table: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    if not keys:
        return [((), table)]
    return [(name, part) for name, part in table.groupby(keys, sort=False)]


def _one(before: pd.DataFrame, after: pd.DataFrame, rule: Rule, lang: str | None) -> pd.DataFrame:
    import pandas as pd

    from qstats import periods

    start = min(map(periods.sort_key, after["period"]))
    common = sorted(set(before["period"]) & set(after["period"]), key=periods.sort_key)
    if not common:
        have = f"{', '.join(before['period'])} | {', '.join(after['period'])}"
        raise DataError(say("linked.no_overlap", lang, have=have))
    o, n = (part.set_index("period").loc[common] for part in (before, after))
    found = link(o["estimate"], n["estimate"], rule=rule, old_error=o["std_error"], new_error=n["std_error"])
    rows = before[[periods.sort_key(p) < start for p in before["period"]]]
    y = rows["estimate"].to_numpy()
    value = found.factor * y + found.shift
    of_link = found.std_error * (np.ones(len(rows)) if rule == "difference" else y)
    wide = {
        side: value + np.sign(sign) * np.hypot(found.factor * (rows[side] - y), _z(rows, y, side) * of_link)
        for side, sign in (("conf_low", -1), ("conf_high", 1))
    }
    error = np.hypot(found.factor * rows["std_error"], of_link)
    linked_rows = rows.assign(
        estimate=value,
        std_error=error,
        conf_low=wide["conf_low"],
        conf_high=wide["conf_high"],
        vintage="linked",
        link_factor=found.factor,
        link_shift=found.shift,
    )
    columns = [c for c in after.columns if c in linked_rows]
    return pd.concat([linked_rows[columns], after], ignore_index=True)


def _z(rows: pd.DataFrame, y: np.ndarray, side: str) -> np.ndarray:
    """Return how many standard errors the limit of a row is away."""
    return np.asarray(np.abs(rows[side].to_numpy() - y) / rows["std_error"].to_numpy())
