"""The words for a unit and for a change, the same in sentences, tables and figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qstats.report import formats
from qstats.wording import unit_told

if TYPE_CHECKING:
    from qstats.estimate import Estimate


def unit_name(unit: str, lang: str | None, /) -> str:
    """Return a unit as printed; an index has none.

    Examples
    --------
    >>> unit_name("%", "zh"), unit_name("points", "en"), unit_name("score", "zh"), unit_name("index", "en")
    ('%', 'percentage points', '分', '')
    """
    return "" if unit in ("", "index") else formats.clean(unit_told(unit, lang), limit=20)


def change_words(estimate: Estimate | None, change: Estimate | None, lang: str | None, /) -> str:
    """Return a change in words: 上升0.36个百分点, 无明显变化 …; empty when it is not known."""
    if estimate is None or change is None:
        return ""
    row = change.table.iloc[0]
    low, high = (None if math.isnan(row[c]) else float(row[c]) for c in ("conf_low", "conf_high"))
    unit = estimate.unit if estimate.unit == "%" else unit_name(estimate.unit, lang)
    return formats.change(
        float(row["estimate"]), unit=unit, digits=estimate.digits, lang=lang, low=low, high=high
    )
