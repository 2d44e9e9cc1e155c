"""Targets: which are met, near or missed, which cannot be judged, and how likely they will be met in time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from qstats import datasets, periods
from qstats.errors import DataError, OptionError, mapping, nearest, one_of, real_number
from qstats.estimate import Estimate, require_estimate
from qstats.messages import language, say
from qstats.values import one_unit

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

Path = Literal["linear", "geometric", "complement"]
Scale = Literal["identity", "logit"]


class _How(NamedTuple):
    """The options of a verdict."""

    near: float
    references: Mapping[str, float]
    path: Path
    scale: Scale | None


def targets(
    estimates: Mapping[str, Estimate],
    table: str | pd.DataFrame,
    /,
    *,
    near: float = 1.0,
    references: Mapping[str, float] | None = None,
    forecasts: Mapping[str, Estimate] | None = None,
    path: Path = "linear",
    scale: Scale | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    r"""Hold values against their targets.

    The gap is measured in the direction of the target, so that a negative gap is what is lacking:
    :math:`g = x - T` where more is better, :math:`g = T - x` where less is (and for ranks). A target is
    **met** when :math:`g \ge 0` (:math:`g > 0` for ``>`` and ``<``), **near** when it is missed by no more
    than `near`, else **not met**; **no data** without a value or without the reference. The other
    formulas are in :mod:`qstats.stats.attainment`.

    Parameters
    ----------
    estimates : mapping of str → Estimate
        Code of the target → the one value to hold against it (one row).
    table : {"anhui", "national"} or DataFrame
        Targets: ``code, operator, value, unit``; a row without a ``value`` names its ``reference``.
        ``score`` and 分 are one unit (:data:`qstats.values.SAME_UNIT`).
        All other columns (provenance, source, year …) are kept.
    near : float
        What counts as near, in the unit of the indicator.
    references : mapping of str → float, optional
        Code of the target → the value that stands for its ``reference`` (the national one, say).
    forecasts : mapping of str → Estimate, optional
        Code of the target → a forecast with the standard error of the forecast itself: of one row, or with
        a key ``period`` of which the year ``by_year`` is taken. A column ``df`` is used where there is one.
    path : {"linear", "geometric", "complement"}
        The unit of the required pace: units a year (percentage points for a rate), or per cent a year of
        the value, or of what is missing to 100 (the failure rate; only for targets in ``%``, else missing).
    scale : {"identity", "logit"}, optional
        Where the forecast error is symmetric; by default ``logit`` for rates in ``%``, as
        :meth:`qstats.Estimate.draws` moves them, else ``identity``.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    DataFrame
        Every row of `table`, with ``target, estimate, conf_low, conf_high, gap, status`` (``met``,
        ``near``, ``not met``, ``no data``) and ``digits``. The verdict is by the value; ``sure`` says
        whether the whole interval is on the same side (missing where no interval is known).

        ``by_interval`` is the verdict by the interval: ``met`` (all of it meets the target),
        ``undecided`` (the target lies inside), ``near`` (all of it misses, by no more than `near`),
        ``not met``, ``no data``. ``years_left`` (from the ``period`` of the estimate to ``by_year``) and
        ``required``, the yearly pace that would just reach the target, along `path`: missing where the
        target is met, no time is left or the period is not known. ``forecast, probability``: of
        reaching the target by its year; missing without a forecast, and for a rate that is to reach
        exactly 0 or 100 %, of which a continuous forecast says nothing.

    Raises
    ------
    DataError
        The table has faults (all are named), an estimate has several rows or another unit than
        its target, or one, a reference or a forecast is given for a code that no target has; a
        forecast has no row for the year of its target.
    OptionError
        No such table or choice, or `near` is negative.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rate = published("MQR", region="全国", period=2024)
    >>> judged = targets({"national_rpq": rate}, "national").set_index("code").loc["national_rpq"]
    >>> judged["status"], round(float(judged["gap"]), 2), round(float(judged["required"]), 2)
    ('near', -0.07, 0.07)
    """
    language(lang)
    real_number("near", near)
    references = {} if references is None else references
    forecasts = {} if forecasts is None else forecasts
    _refuse_others(estimates, references, forecasts)
    if not near >= 0:
        raise OptionError(say("targets.negative_near", lang, value=near))
    one_of("path", path, ("linear", "geometric", "complement"))
    one_of("scale", scale, (None, "identity", "logit"))
    rows = _table(table, lang)
    how, ahead = _How(near, dict(references), path, scale), dict(forecasts)
    _refuse_unknown([*estimates, *how.references, *ahead], rows, lang)
    _refuse_units(ahead, rows, lang)
    values = _values(estimates, rows, lang)
    judged = []
    for row in rows.to_dict("records"):
        verdict = _judge(row, values.get(row["code"]), how)
        verdict |= _pace(row, values.get(row["code"]), verdict, how)
        judged.append(verdict | _prospect(row, ahead.get(row["code"]), verdict["target"], how, lang))
    import pandas as pd

    found = pd.concat([rows.drop(columns="value").reset_index(drop=True), pd.DataFrame(judged)], axis=1)
    return found.astype({"sure": "boolean"})


def _refuse_others(estimates: Any, references: Any, forecasts: Any) -> None:
    """Raise unless estimates and forecasts are mappings of Estimates, and references one."""
    every = {"estimates": estimates, "references": references, "forecasts": forecasts}
    for argument, found in every.items():
        mapping(argument, found, of="code to value")
    for code, found in (*estimates.items(), *forecasts.items()):
        require_estimate(found, str(code))
    for code, found in references.items():
        real_number(f"references[{code!r}]", found)


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
    if not isinstance(table, pd.DataFrame):
        raise OptionError(f"table is a {type(table).__name__}, neither the name of a table nor a DataFrame")
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
    for code, estimate in estimates.items():
        if len(estimate) != 1:
            raise DataError(say("targets.rows", lang, code=code, count=len(estimate)))
    _refuse_units(estimates, rows, lang)
    return dict(estimates)


def _refuse_units(estimates: Mapping[str, Estimate], rows: pd.DataFrame, lang: str | None) -> None:
    units = dict(zip(rows["code"], rows["unit"], strict=True))
    for code, estimate in estimates.items():
        if one_unit(estimate.unit) != one_unit(str(units[code])):
            raise DataError(say("targets.unit", lang, code=code, want=units[code], have=estimate.unit))


def _judge(row: dict[Any, Any], estimate: Estimate | None, how: _How) -> dict[str, Any]:
    known = how.references.get(row["code"], math.nan)
    target = known if math.isnan(row["value"]) else float(row["value"])
    digits = 2 if estimate is None else estimate.digits
    found: dict[str, Any] = {
        "target": target,
        **dict.fromkeys(("estimate", "conf_low", "conf_high", "gap"), math.nan),
    }
    found |= {"status": "no data", "sure": None, "digits": digits, "by_interval": "no data"}
    if estimate is None or math.isnan(target) or math.isnan(estimate.value()):
        return found | ({} if estimate is None else {"estimate": estimate.value()})
    from qstats.stats import attainment

    sign, equal = _OPERATORS[row["operator"]]
    value, low, high = (float(estimate.table[c].iloc[0]) for c in ("estimate", "conf_low", "conf_high"))
    gap, *ends = (_gap(x, target, sign) for x in (value, low, high))
    met, *sides = (g >= 0 if equal else g > 0 for g in (gap, *ends))
    worst, best = ends[::sign]
    return found | {
        "estimate": value,
        "conf_low": low,
        "conf_high": high,
        "gap": gap,
        "status": "met" if met else "near" if gap >= -how.near else "not met",
        "sure": None if math.isnan(low) or math.isnan(high) else sides[0] == sides[1],
        "by_interval": str(attainment.verdict(worst, best, near=how.near, equal=equal)),
    }


def _pace(
    row: dict[Any, Any], estimate: Estimate | None, verdict: Mapping[str, Any], how: _How
) -> dict[str, float]:
    """Return the years left and what each has to bring."""
    from qstats.stats import attainment

    year = _year(estimate.table["period"].iloc[0]) if estimate and "period" in estimate.keys else math.nan
    left = _year(row.get("by_year")) - year
    behind = verdict["status"] in ("near", "not met")
    if not behind or (how.path == "complement" and row["unit"] != "%"):
        return {"years_left": left, "required": math.nan}
    pace = attainment.required_pace(verdict["estimate"], verdict["target"], left, path=how.path)
    return {"years_left": left, "required": float(pace) * (1 if how.path == "linear" else 100)}


def _prospect(
    row: dict[Any, Any], forecast: Estimate | None, target: float, how: _How, lang: str | None
) -> dict[str, float]:
    """Return the forecast for the year of the target, and the probability of reaching it."""
    if forecast is None:
        return {"forecast": math.nan, "probability": math.nan}
    from qstats.stats import attainment

    rows = forecast.table
    if "period" in forecast.keys and len(rows) > 1:
        rows = rows[rows["period"] == periods.normalise(row.get("by_year"))]
    if len(rows) != 1:
        said = {"code": row["code"], "year": row.get("by_year"), "count": len(rows)}
        raise DataError(say("targets.forecast", lang, **said))
    ahead = rows.iloc[0]
    chance = attainment.probability(
        ahead["estimate"],
        ahead["std_error"],
        target,
        sign=_OPERATORS[row["operator"]][0],
        df=ahead.get("df", math.inf),
        scale=how.scale or ("logit" if row["unit"] == "%" else "identity"),
    )
    return {"forecast": float(ahead["estimate"]), "probability": float(chance)}


def _year(period: Any) -> float:
    """Return the time at the end of a period, in years; NaN where there is no such."""
    found = periods.normalise(period)
    if found is None:
        return math.nan
    kind, number = (found[4:5], found[5:]) if len(found) > 4 else ("", "1")
    parts = periods.PER_YEAR.get(kind)
    return int(found[:4]) + int(number) / parts - 1 if parts else math.nan


def _gap(value: float, target: float, sign: int) -> float:
    return round(sign * (value - target), 12)  # 93.9 − 94.0 is −0.1, not −0.0999…


def _hint(key: str, near: str | None, lang: str | None) -> str:
    return say(key, lang, near=near) if near else ""


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
