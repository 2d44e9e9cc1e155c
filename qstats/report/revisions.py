"""The table of revisions of a report: what was printed before, what is now, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from qstats import periods
from qstats.analysis import revisions as analysis
from qstats.analysis.published_vintages import published_vintages
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.report import formats, tables
from qstats.report.blocks import Writer
from qstats.report.facts import Facts
from qstats.report.names import place_name
from qstats.report.tables import Field

#: the columns of an item that name series of printed rates
_PRINTED = ("series", "complement")
_SHOWN = ("vintage", "previous_vintage", "previous", "current", "revision", "reason")


def revision_table(
    estimate: Estimate,
    /,
    *,
    reasons: Mapping[str, str] | None = None,
    order: Sequence[str] | None = None,
    number: str = "",
    lang: str | None = None,
) -> str:
    """Return as HTML a sentence and a table: the figures that the newest vintage has again.

    Parameters
    ----------
    estimate : Estimate
        With the key ``vintage``, and ``period`` and ``region`` where there are several.
    reasons, order
        As in :func:`qstats.revisions`; a revision without a reason says so.
    number : str
        Of the table.
    lang : {"zh", "en"}, optional
        Language.

    Raises
    ------
    DataError
        As :func:`qstats.revisions`.
    """
    found = analysis.revisions(estimate, reasons=reasons, order=order)
    newest = found[found["vintage"] == found["vintage"].iloc[-1]] if len(found) else found
    if newest.empty:
        return f"<p>{escape(say('revision.no_revision', lang))}</p>"
    rows = newest.assign(
        reason=[_reason(r, text, lang) for r, text in zip(newest["revision"], newest["reason"], strict=True)]
    )
    mean = formats.number(newest["revision"].abs().mean(), digits=estimate.digits + 1, lang=lang)
    moved = int((newest["revision"] != 0).sum())
    said = say("revision.text", lang, count=len(newest), revised=moved, mean=mean)
    return f"<p>{escape(said)}</p>" + tables.table(
        _named(rows, lang),
        caption=say("revision.caption", lang),
        columns=_columns(rows, estimate.digits, lang),
        unit=estimate.unit,
        number=number,
        simulated=estimate.simulated,
        lang=lang,
    )


def revised_items(facts: Facts, /, *, lang: str | None = None) -> pd.DataFrame:
    """Return the printed figures of a report's items that dated sources published more than once.

    Parameters
    ----------
    facts : Facts
        Of the report: its region, and figures up to its period.
    lang : {"zh", "en"}, optional
        Of the names of items.

    Returns
    -------
    pandas.DataFrame
        ``key, name, period, vintage, previous_vintage, previous, current, revision, reason, unit, digits``:
        of each figure the newest vintage beside the one before it. A figure confirmed has the revision 0; a
        rate that is printed as failures is given as passes, as the report gives it.
    """
    rows = []
    for item in facts.items().to_dict("records"):
        for part in _PRINTED:
            found = _newest(str(item[part]), facts, item)
            if found is not None:
                found = found if part == "series" else _passes(found)
                rows.append(found.assign(key=item["key"], name=item[language(lang)]))
    columns = ["key", "name", "period", *_SHOWN, "unit", "digits"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _passes(found: pd.DataFrame) -> pd.DataFrame:
    """Return per cent that failed as per cent that passed."""
    pair = {name: 100 - found[name] for name in ("previous", "current")}
    return found.assign(**pair, revision=-found["revision"] + 0.0)


def write_revisions(w: Writer, keys: Collection[str] | None = None, /) -> None:
    """Write which of a report's figures were published more than once, if any were.

    Parameters
    ----------
    w : Writer
    keys : collection of str, optional
        Only of these items.
    """
    found = revised_items(w.facts, lang=w.lang)
    if keys is not None:
        found = found[found["key"].isin(keys)]
    if found.empty:
        return
    moved = int((found["revision"] != 0).sum())
    which = "items_text" if moved else "items_same"
    w.text(say(f"revision.{which}", w.lang, count=len(found), revised=moved))
    rows = found.assign(
        period=[formats.period(text, lang=w.lang) for text in found["period"]],
        reason=[_reason(r, t, w.lang) for r, t in zip(found["revision"], found["reason"], strict=True)],
    )
    numbers = (("previous", "previous"), ("current", "current"), ("revision", "change"))
    columns = [
        Field("name", say("revision.item", w.lang), words=True),
        Field("period", say("revision.period", w.lang)),
        *(Field(name, say(f"revision.{label}", w.lang), digits="digits") for name, label in numbers),
        Field("vintage", say("revision.vintage", w.lang)),
        Field("reason", say("revision.reason", w.lang), words=True),
    ]
    units = set(found["unit"])
    w.table(rows, say("revision.items_caption", w.lang), columns, unit=units.pop() if len(units) == 1 else "")


def _newest(series: str, facts: Facts, item: Mapping[Any, Any]) -> pd.DataFrame | None:
    """Return the last revision of each period of a series in the place and population of an item."""
    place = item["place"] if isinstance(item["place"], str) and item["place"] else facts.region
    industry = str(item["industry"]).split("|") if isinstance(item["industry"], str) else [""]
    try:
        dated = published_vintages(series, region=place, industry=industry[0] or None, undated="drop")
    except (DataError, OptionError):  # none is dated, or there is no such series there
        return None
    if dated.table["vintage"].nunique() < 2:
        return None
    found = analysis.revisions(dated)
    found = found.drop_duplicates(["period", "industry"], keep="last")
    last = periods.sort_key(facts.period)
    length = 4 + len(facts.part)
    found = found[[len(p) == length and periods.sort_key(p) <= last for p in found["period"]]]
    return found.assign(unit=dated.unit, digits=dated.digits) if len(found) else None


def _reason(revision: float, text: str, lang: str | None) -> str:
    if revision == 0:
        return say("revision.confirmed", lang)
    return text or say("revision.unstated", lang)


def _named(rows: pd.DataFrame, lang: str | None) -> pd.DataFrame:
    """Return the rows with names of regions and periods in the language."""
    rows = rows.copy()
    if "region" in rows:
        rows["region"] = [place_name(name, lang) for name in rows["region"]]
    if "period" in rows:
        rows["period"] = [formats.period(text, lang=lang) for text in rows["period"]]
    return rows


def _columns(rows: pd.DataFrame, digits: int, lang: str | None) -> list[Field]:
    keys = [name for name in ("period", "region") if name in rows]
    others = [str(c) for c in rows.columns[: list(rows.columns).index("vintage")] if c not in keys]
    named = [Field(name, say(f"revision.{name}", lang)) for name in keys]
    named += [Field(name, name) for name in others]
    numbers = (("previous", digits), ("current", digits), ("revision", digits))
    labels = {"revision": "change"}
    named += [Field(c, say(f"revision.{labels.get(c, c)}", lang), digits=d) for c, d in numbers]
    return [
        *named,
        *(Field(c, say(f"revision.{c}", lang), words=c == "reason") for c in ("vintage", "reason")),
    ]
