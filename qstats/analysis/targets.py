"""Targets: which are met, which are near, which are missed, and which cannot be judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from qstats import datasets
from qstats.errors import DataError, OptionError, nearest
from qstats.estimate import Estimate
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

#: operator → (sign that makes more better, whether equality meets the target)
_OPERATORS: Final = {
    ">=": (1, True),
    ">": (1, False),
    "<=": (-1, True),
    "<": (-1, False),
    "rank<=": (-1, True),
}
_NEEDED: Final = ("code", "operator", "value", "unit")


def targets(
    estimates: Mapping[str, Estimate],
    table: str | pd.DataFrame,
    /,
    *,
    near: float = 1.0,
    references: Mapping[str, float] | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Hold values against their targets.

    The gap is measured in the direction of the target, so that a negative gap is what is lacking:
    :math:`g = x - T` where more is better, :math:`g = T - x` where less is (and for ranks). A target is
    **met** when :math:`g \ge 0` (:math:`g > 0` for ``>`` and ``<``), **near** when it is missed by no more
    than `near`, else **not met**; **no data** without a value or without the reference.

    Parameters
    ----------
    estimates : mapping of str → Estimate
        Code of the target → the one value to hold against it (one row).
    table : {"anhui", "national"} or DataFrame
        Targets: ``code, operator, value, unit``; a row without a ``value`` names its ``reference``.
        All other columns (provenance, source, year …) are kept.
    near : float
        What counts as near, in the unit of the indicator.
    references : mapping of str → float, optional
        Code of the target → the value that stands for its ``reference`` (the national one, say).
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    DataFrame
        Every row of `table`, with ``target, estimate, conf_low, conf_high, gap, status`` (``met``,
        ``near``, ``not met``, ``no data``) and ``digits``. The verdict is by the value; ``sure`` says
        whether the whole interval is on the same side (missing where no interval is known).

    Raises
    ------
    DataError
        The table has faults (all are named), an estimate has several rows or another unit than
        its target, or one, or a reference, is given for a code that no target has.
    OptionError
        No such table, or `near` is negative.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", period=2024)
    >>> judged = targets({"national_rpq": rate}, "national").set_index("code").loc["national_rpq"]
    >>> judged["status"], round(float(judged["gap"]), 2)
    ('near', -0.07)
    """
    if not near >= 0:
        raise OptionError(say("targets.negative_near", lang, value=near))
    rows = _table(table, lang)
    given = dict(references or {})
    _refuse_unknown([*estimates, *given], rows, lang)
    values = _values(estimates, rows, lang)
    judged = [_judge(row, values.get(row["code"]), near, given) for row in rows.to_dict("records")]
    import pandas as pd

    found = pd.concat([rows.drop(columns="value").reset_index(drop=True), pd.DataFrame(judged)], axis=1)
    return found.astype({"sure": "boolean"})


def _table(table: str | pd.DataFrame, lang: str | None) -> pd.DataFrame:
    import pandas as pd

    if isinstance(table, str):
        names = [
            n.removeprefix("targets/") for n in datasets.catalog()["name"] if str(n).startswith("targets/")
        ]
        if table not in names:
            hint = _hint("targets.near", nearest(table, names), lang)
            raise OptionError(say("targets.unknown", lang, name=table, names=", ".join(names), hint=hint))
        table = datasets.load(f"targets/{table}")
    for column in _NEEDED:
        if column not in table.columns:
            hint = _hint("targets.near", nearest(column, map(str, table.columns)), lang)
            raise DataError(say("targets.column", lang, column=column, hint=hint))
    rows = table.assign(value=pd.to_numeric(table["value"], errors="coerce"))
    _refuse_faults(rows, lang)
    return rows


def _refuse_faults(rows: pd.DataFrame, lang: str | None) -> None:
    faults = [
        say("targets.code_twice", lang, code=code) for code in rows.loc[rows["code"].duplicated(), "code"]
    ]
    known = ", ".join(_OPERATORS)
    for row in rows.to_dict("records"):
        if row["operator"] not in _OPERATORS:
            faults.append(
                say("targets.operator", lang, code=row["code"], operators=known, value=row["operator"])
            )
        if math.isnan(row["value"]) and not _text(row.get("reference")):
            faults.append(say("targets.value", lang, code=row["code"]))
    if faults:
        raise DataError("\n  - ".join([say("targets.faults", lang, count=len(faults)), *faults]))


def _refuse_unknown(codes: list[str], rows: pd.DataFrame, lang: str | None) -> None:
    for code in codes:
        if code not in set(rows["code"]):
            hint = _hint("targets.near", nearest(code, rows["code"]), lang)
            raise DataError(say("targets.unmatched", lang, code=code, hint=hint))


def _values(estimates: Mapping[str, Estimate], rows: pd.DataFrame, lang: str | None) -> dict[str, Estimate]:
    units = dict(zip(rows["code"], rows["unit"], strict=True))
    for code, estimate in estimates.items():
        if len(estimate) != 1:
            raise DataError(say("targets.rows", lang, code=code, count=len(estimate)))
        if estimate.unit != units[code]:
            raise DataError(say("targets.unit", lang, code=code, want=units[code], have=estimate.unit))
    return dict(estimates)


def _judge(
    row: dict[Any, Any], estimate: Estimate | None, near: float, references: Mapping[str, float]
) -> dict[str, Any]:
    target = references.get(row["code"], math.nan) if math.isnan(row["value"]) else float(row["value"])
    empty = dict.fromkeys(("estimate", "conf_low", "conf_high", "gap"), math.nan)
    if estimate is None or math.isnan(target) or math.isnan(estimate.value()):
        known = {} if estimate is None else {"estimate": estimate.value()}
        digits = 2 if estimate is None else estimate.digits
        return {"target": target, **empty, **known, "status": "no data", "sure": None, "digits": digits}
    sign, equal = _OPERATORS[row["operator"]]
    value, low, high = (float(estimate.table[c].iloc[0]) for c in ("estimate", "conf_low", "conf_high"))
    gap, *ends = (_gap(x, target, sign) for x in (value, low, high))
    met, *sides = (g >= 0 if equal else g > 0 for g in (gap, *ends))
    return {
        "target": target,
        "estimate": value,
        "conf_low": low,
        "conf_high": high,
        "gap": gap,
        "status": "met" if met else "near" if gap >= -near else "not met",
        "sure": None if math.isnan(low) or math.isnan(high) else sides[0] == sides[1],
        "digits": estimate.digits,
    }


def _gap(value: float, target: float, sign: int) -> float:
    return round(sign * (value - target), 12)  # 93.9 − 94.0 is −0.1, not −0.0999…


def _hint(key: str, near: str | None, lang: str | None) -> str:
    return say(key, lang, near=near) if near else ""


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
