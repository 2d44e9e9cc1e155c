"""Publication flags: which estimates are precise enough to be shown."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qstats.analysis import given
from qstats.analysis.proportions import proportions
from qstats.errors import DataError, OptionError, nearest, one_of, real_number
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import publication as standards
from qstats.stats.design_intervals import effective_size

if TYPE_CHECKING:
    import pandas as pd

Standard = Literal["nchs-proportion", "nchs-rate", "cv"]
STANDARDS: Final = ("nchs-proportion", "nchs-rate", "cv")
_NEEDED: Final = ("metric", "operator", "threshold", "flag")
_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: limits of Statistics Canada's release guidelines, per cent
_CV_LIMITS: Final = (16.5, 33.3)


def flags(
    estimate: Estimate,
    /,
    *,
    rules: Standard | pd.DataFrame = "nchs-proportion",
    deff_at_bounds: float = 1.0,
    lang: str | None = None,
) -> Estimate:
    """Say of every row whether it is precise enough to be published.

    Nothing is removed: the verdict and what it rests on become columns.

    Parameters
    ----------
    estimate : Estimate
        With errors and sizes; ``df`` is used where it is a column, otherwise n − 1.
    rules : {"nchs-proportion", "nchs-rate", "cv"} or DataFrame
        * ``nchs-proportion``: for rates in per cent or between 0 and 1, see
          :func:`qstats.stats.publication.nchs_proportion`.
        * ``nchs-rate``: for events over an exposure, see :func:`qstats.stats.publication.nchs_rate`.
        * ``cv``: ``publish`` up to a coefficient of variation of 16.5 %, ``caution`` (E) up to 33.3 %, else
          ``suppress`` (F). Made for totals and means: of a rate near 100 % it says that all is well.
        * a table ``metric, operator, threshold, flag``: the first rule that holds gives the flag, and
          ``publish`` where none does. A metric is a numeric column of the estimate, or ``cv`` (per cent),
          ``width`` (of its interval), ``relative_width, complement_width`` (over the value, and over what
          it lacks of the whole), ``n_eff_used`` (p(1 − p)/se², at most n). A row whose metric is not known
          is ``unknown`` unless another rule holds.
    deff_at_bounds : float
        Design effect taken at 0 and 100 %, where the sample does not show it.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    Estimate
        With ``publication`` (``publish``, ``footnote``, ``caution``, ``review``, ``suppress``, ``unknown``,
        or flags of your own) and ``publication_reason``. ``nchs-proportion`` adds ``n_eff_used, width,
        relative_width, complement_width`` (of its own interval, as fractions of 1), ``nchs-rate`` adds
        ``relative_width``, and ``cv`` adds ``cv``.

    Raises
    ------
    DataError
        The values are no rates, or the table of rules has a fault.
    OptionError
        An unknown standard, or an estimate whose level is not the 95 % of the standard for rates.

    References
    ----------
    Parker et al. (2017), Vital and Health Statistics 2(175); Parker et al. (2023), 2(200). Statistics
    Canada, release guidelines by coefficient of variation (16.5 and 33.3 %).

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import inspection_pass_rate
    >>> checks = {"region": ["安徽", "江苏"], "inspected": [800, 12], "passed": [741, 11]}
    >>> flags(inspection_pass_rate(checks, by="region")).table["publication"].tolist()
    ['publish', 'suppress']
    """
    given.one(estimate, lang)
    real_number("deff_at_bounds", deff_at_bounds, above=0)
    if isinstance(rules, str):
        one_of("rules", rules, STANDARDS)
        if rules == "cv":
            return _cv(estimate)
        if rules == "nchs-rate":
            return _rate(estimate, lang)
        return _proportion(estimate, deff_at_bounds, lang)
    return _own(estimate, rules, deff_at_bounds, lang)


def _proportion(estimate: Estimate, deff: float, lang: str | None) -> Estimate:
    given = proportions(estimate, lang=lang)
    found = standards.nchs_proportion(given.p, given.se, given.n, given.df, deff_at_bounds=deff)
    return _with(
        estimate,
        found.verdict,
        found.reason,
        n_eff_used=found.n_eff,
        width=found.width,
        relative_width=found.relative,
        complement_width=found.complement,
    )


def _rate(estimate: Estimate, lang: str | None) -> Estimate:
    table = estimate.table
    if "numerator" not in table:
        raise DataError(say("publication.events", lang))
    if round(estimate.level, 9) != 0.95:
        raise OptionError(say("publication.level", lang, level=estimate.level))
    deff = table["deff"].to_numpy(float) if "deff" in table else 1.0
    found = standards.nchs_rate(
        table["estimate"],
        table["conf_low"],
        table["conf_high"],
        table["numerator"].to_numpy(float) / deff,
        df=table.get("df", np.inf),
    )
    return _with(estimate, found.verdict, found.reason, relative_width=found.relative)


def _cv(estimate: Estimate) -> Estimate:
    table = estimate.table
    cv = standards.variation(table["estimate"], table["std_error"])
    verdict = standards.bands(cv, _CV_LIMITS, ("publish", "caution", "suppress"), unknown="unknown")
    reasons = {
        "publish": "",
        "caution": "E: cv above 16.5 %",
        "suppress": "F: cv above 33.3 %",
        "unknown": "cv not known",
    }
    return _with(estimate, verdict, np.array([reasons[v] for v in verdict], object), cv=cv)


def _own(estimate: Estimate, rules: pd.DataFrame, deff: float, lang: str | None) -> Estimate:
    known = _metrics(estimate, deff)
    verdict = np.full(len(estimate), "publish", object)
    reason = np.full(len(estimate), "", object)
    missing = np.full(len(estimate), "", object)
    for metric, sign, threshold, flag in _checked(rules, known, lang):
        values = known[metric]
        holds = _OPERATORS[sign](values, threshold) & (reason == "")
        verdict[holds], reason[holds] = flag, f"{metric} {sign} {threshold:g}"
        missing[np.isnan(values) & (missing == "")] = f"{metric} not known"
    unsure = (reason == "") & (missing != "")
    verdict[unsure], reason[unsure] = "unknown", missing[unsure]
    return _with(estimate, verdict, reason)


def _metrics(estimate: Estimate, deff: float) -> dict[str, Any]:
    """Return every number a rule may name."""
    table = estimate.table
    whole = 100.0 if estimate.unit == "%" else 1.0
    x, low, high = (table[c].to_numpy(float) for c in ("estimate", "conf_low", "conf_high"))
    with np.errstate(divide="ignore", invalid="ignore"):
        made = {
            "cv": standards.variation(x, table["std_error"]),
            "width": high - low,
            "relative_width": (high - low) / np.abs(x),
            "complement_width": (high - low) / (whole - x),
        }
    if ((x >= 0) & (x <= whole)).all():
        given = proportions(estimate)
        made["n_eff_used"] = effective_size(given.p, given.se, given.n, deff_at_bounds=deff)
    columns = [c for c in table.columns[len(estimate.keys) :] if table[c].dtype.kind in "fiu"]
    return made | {str(c): table[c].to_numpy(float) for c in columns}


def _checked(
    rules: pd.DataFrame, known: dict[str, Any], lang: str | None
) -> list[tuple[str, str, float, str]]:
    import pandas as pd

    if not isinstance(rules, pd.DataFrame):
        raise OptionError(f"rules is a {type(rules).__name__}, neither the name of a standard nor a table")
    absent = [column for column in _NEEDED if column not in rules.columns]
    if absent:
        raise DataError(say("publication.columns", lang, columns=", ".join(absent)))
    if rules.empty:
        raise DataError(say("publication.empty", lang))
    return [_rule(row, known, lang) for row in rules[list(_NEEDED)].itertuples(index=False)]


def _rule(row: Any, known: dict[str, Any], lang: str | None) -> tuple[str, str, float, str]:
    metric, sign, threshold, flag = row
    if metric not in known:
        near = nearest(metric, known)
        hint = say("publication.near", lang, near=near) if near else ""
        raise DataError(say("publication.metric", lang, metric=metric, hint=hint, metrics=", ".join(known)))
    if sign not in _OPERATORS:
        raise DataError(say("publication.operator", lang, operator=sign, operators=", ".join(_OPERATORS)))
    try:
        number = float(threshold)
    except (TypeError, ValueError):
        number = np.nan
    if np.isnan(number):
        raise DataError(say("publication.threshold", lang, threshold=threshold))
    if not isinstance(flag, str) or not flag:
        raise DataError(say("publication.flag", lang))
    return str(metric), str(sign), number, flag


def _with(estimate: Estimate, verdict: Any, reason: Any, **columns: Any) -> Estimate:
    table = estimate.table.assign(**columns, publication=verdict, publication_reason=reason)
    return estimate.replace(table)
