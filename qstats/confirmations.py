"""Confirmations of soft edits: each with a comment that is kept as long as the value stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date as calendar_date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qstats.errors import DataError, kind_of, mapping, nearest, one_of, text
from qstats.files import read_table, unguarded, write_csv
from qstats.last_period import require_columns, unit_text
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

#: the columns of a file of confirmations
KEPT: Final = ("period", "unit", "column", "value", "previous", "flag", "comment", "date")
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 0?0:00(?::00)?)?")


def judged(edits: pd.DataFrame, confirmations: pd.DataFrame, /) -> pd.DataFrame:
    """Return the edits with ``status, comment, date``: what is confirmed, and what is not or no longer.

    Parameters
    ----------
    edits : pandas.DataFrame
        See :func:`qstats.soft_edits`.
    confirmations : pandas.DataFrame
        See :func:`read_confirmations`.

    Returns
    -------
    pandas.DataFrame
        ``status`` is empty where nothing is flagged, else ``confirmed`` (with its comment), ``changed``
        (confirmed, but with another value), or ``open``. Values are the same when 15 digits are.
    """
    rows = kept_form(edits)
    require_columns("confirmations", confirmations, None, which="soft.kept", keys=KEPT)
    told = confirmations[confirmations["comment"].map(_says).astype(bool)]
    same = {tuple(row): told.loc[at, ["comment", "date"]].tolist() for at, row in _keys(told).iterrows()}
    before = {key[:3] for key in same}
    keys = [tuple(row) for row in _keys(rows).itertuples(index=False)]
    found = edits.copy()
    found["status"] = [
        "" if not flag else "confirmed" if key in same else "changed" if key[:3] in before else "open"
        for flag, key in zip(edits["flag"], keys, strict=True)
    ]
    texts = [same[k] if s == "confirmed" else ["", ""] for k, s in zip(keys, found["status"], strict=True)]
    found["comment"], found["date"] = [t[0] for t in texts], [t[1] for t in texts]
    return found


def _says(comment: object) -> bool:
    return isinstance(comment, str) and bool(comment.strip())


def _keys(kept: pd.DataFrame) -> pd.DataFrame:
    keys: pd.DataFrame = kept[["period", "unit", "column", "value"]]
    return keys


def kept_form(edits: pd.DataFrame, /) -> pd.DataFrame:
    """Return edits as rows of a file of confirmations, all text; comments and dates are empty."""
    import pandas as pd

    labels, numbers = ["column", "flag"], ["value", "previous"]
    require_columns("edits", edits, None, which="soft.edits", keys=labels, numbers=numbers)
    unit = [name for name in edits.columns[: edits.columns.get_loc("column")] if name != "period"]
    period = edits["period"].map(str) if "period" in edits.columns else [""] * len(edits)
    columns = {
        "period": period,
        "unit": [unit_text(row) for row in edits[unit].to_dict("records")],
        "column": edits["column"],
        "value": [_digits(v) for v in edits["value"]],
        "previous": [_digits(v) for v in edits["previous"]],
        "flag": edits["flag"],
    }
    found = pd.DataFrame(columns, dtype=object).reset_index(drop=True)
    return found.assign(comment="", date="")[list(KEPT)]


def _digits(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.15g}"


def no_confirmations() -> pd.DataFrame:
    """Return a table of confirmations without rows."""
    import pandas as pd

    return pd.DataFrame(columns=list(KEPT), dtype=object)


def read_confirmations(path: Path | str, /, *, lang: str | None = None) -> pd.DataFrame:
    """Return a file of confirmations; a file that does not exist has none.

    It may have been saved by a spreadsheet since (as GBK, say): values and dates are made uniform.

    Returns
    -------
    pandas.DataFrame
        ``period, unit, column, value, previous, flag, comment, date``, all text; a row without a
        comment confirms nothing.

    Raises
    ------
    DataError
        Columns are missing; a comment has no date, or one that is none.
    """
    kind_of("path", path, (str, Path), what="the path of a file")
    if not Path(path).exists():
        return no_confirmations()
    table = read_table(path, lang=lang).table
    lacking = [name for name in KEPT if name not in table.columns]
    if lacking:
        raise DataError(say("soft.file", lang, path=path, names=", ".join(lacking)))
    table = table[list(KEPT)].astype(object).where(table[list(KEPT)].notna(), "").map(unguarded)
    for name in ("value", "previous"):
        table[name] = table[name].map(_uniform)
    dated = table["comment"].map(_says)
    table["date"] = [_day(text, lang) if d else text for text, d in zip(table["date"], dated, strict=True)]
    return table


def _uniform(text: str) -> str:
    try:
        return _digits(float(text.replace(",", ""))) if text else ""
    except ValueError:
        return text


def _day(text: str, lang: str | None) -> str:
    """Return a date as 2024-03-05, however a spreadsheet wrote it."""
    match = _DATE.fullmatch(text.strip())
    try:
        return calendar_date(*map(int, match.groups())).isoformat() if match else _no_day(text, lang)
    except ValueError:
        return _no_day(text, lang)


def _no_day(text: str, lang: str | None) -> str:
    raise DataError(say("soft.date", lang, date=text or "∅"))


def keep_confirmations(edits: pd.DataFrame, path: Path | str, /, *, lang: str | None = None) -> pd.DataFrame:
    """Add what is flagged and not confirmed to a file of confirmations, and return the edits judged.

    Every row that was there stays, with its comment; new rows wait for a ``comment`` and a ``date``.
    The file is written only when there are new rows.

    Parameters
    ----------
    edits : pandas.DataFrame
        See :func:`qstats.soft_edits`.
    path : path
        The file of confirmations (CSV); made when it does not exist.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Returns
    -------
    pandas.DataFrame
        The edits with ``status, comment, date``. ``status`` is empty where nothing is flagged, else
        ``confirmed``, ``changed`` (confirmed, but with another value) or ``open``.

    Raises
    ------
    DataError
        The file is none of confirmations, or a comment in it has no date.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.last_period import soft_edits
    >>> regions = ["安徽", "江苏", "浙江", "山东", "河南"]
    >>> before = pd.DataFrame({"region": regions, "inspected": [100] * 5})
    >>> now = pd.DataFrame({"region": regions, "inspected": [100, 101, 102, 103, 900]})
    >>> path = getfixture("tmp_path") / "confirmed.csv"
    >>> found = keep_confirmations(soft_edits(now, before, values="inspected"), path)
    >>> found.loc[found["flag"] != "", ["region", "flag", "status"]].values.tolist()
    [['河南', 'high', 'open']]
    >>> read_confirmations(path)[["unit", "value", "comment"]].values.tolist()
    [['region=河南', '900', '']]
    """
    import pandas as pd

    kept = read_confirmations(path, lang=lang)
    found = judged(edits, kept)
    waiting = kept_form(found[found["status"].isin(["open", "changed"])])
    there = {tuple(row) for row in _keys(kept).itertuples(index=False)}
    fresh = [tuple(row) not in there for row in _keys(waiting).itertuples(index=False)]
    if any(fresh):
        write_csv(pd.concat([kept, waiting[fresh]], ignore_index=True), path)
    return found


def confirm(
    edits: pd.DataFrame,
    path: Path | str,
    /,
    *,
    unit: Mapping[str, str],
    column: str,
    comment: str,
    date: str | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    """Confirm one flagged value with a comment, keep it in the file, and return the edits judged.

    Parameters
    ----------
    edits : pandas.DataFrame
        See :func:`qstats.soft_edits`.
    path : path
        The file of confirmations (CSV).
    unit : mapping of str
        The unit, ``{"region": "安徽"}``.
    column : str
        The column that is flagged.
    comment : str
        What was verified; kept as it is written.
    date : str, optional
        As 2024-03-05; by default today.
    lang : {"zh", "en"}, optional
        Language of errors; by default that of ``QSTATS_LANG``.

    Returns
    -------
    pandas.DataFrame
        The edits, with ``status`` and ``comment`` of each flagged value as the file now says: as
        :func:`qstats.keep_confirmations` returns them.

    Raises
    ------
    DataError
        No such value is flagged; the comment is empty; the date is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.last_period import soft_edits
    >>> regions = ["安徽", "江苏", "浙江", "山东", "河南"]
    >>> before = pd.DataFrame({"region": regions, "inspected": [100] * 5})
    >>> now = pd.DataFrame({"region": regions, "inspected": [100, 101, 102, 103, 900]})
    >>> edits = soft_edits(now, before, values="inspected")
    >>> told = {"column": "inspected", "comment": "A campaign in spring.", "date": "2024-03-05"}
    >>> found = confirm(edits, getfixture("tmp_path") / "kept.csv", unit={"region": "河南"}, **told)
    >>> found.loc[found["flag"] != "", ["status", "comment"]].values.tolist()
    [['confirmed', 'A campaign in spring.']]
    """
    import pandas as pd

    rows = kept_form(edits)
    mapping("unit", unit, of="column to name")
    one_of("column", column, list(dict.fromkeys(edits["column"])))
    text("comment", comment)
    if date is not None:
        text("date", date)
    key = unit_text(unit)
    if not comment.strip():
        raise DataError(say("soft.comment", lang, key=key))
    row = rows[(rows["unit"] == key) & (rows["column"] == column) & (rows["flag"] != "")]
    if row.empty:
        near = nearest(key, rows.loc[rows["flag"] != "", "unit"])
        raise DataError(say("soft.not_flagged", lang, key=f"{key} ({near})" if near else key))
    day = calendar_date.today().isoformat() if date is None else _day(date, lang)
    kept = read_confirmations(path, lang=lang)
    new = row.assign(comment=comment.strip(), date=day)
    other = [
        tuple(k) not in set(_keys(new).itertuples(index=False, name=None)) for k in _keys(kept).to_numpy()
    ]
    write_csv(pd.concat([kept[np.array(other, bool)], new], ignore_index=True), path)
    return judged(edits, read_confirmations(path, lang=lang))
