"""The table of revisions of a report: what was printed before, what is now, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from qstats.analysis import revisions as analysis
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.report import formats, tables
from qstats.report.facts import place_name
from qstats.report.tables import Field


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
