"""Soft edits: values unlike the last period, confirmed with a comment that is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date as calendar_date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qstats.errors import DataError, nearest, one_of
from qstats.files import read_table, unguarded, write_csv
from qstats.messages import say
from qstats.stats.edits import hidiroglou_berthelot

if TYPE_CHECKING:
    import pandas as pd

#: with fewer units to compare a median says nothing
LEAST: Final = 5
#: the columns of a file of confirmations
KEPT: Final = ("period", "unit", "column", "value", "previous", "flag", "comment", "date")
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 0?0:00(?::00)?)?")


def soft_edits(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    /,
    *,
    values: str | Sequence[str],
    unit: str | Sequence[str] = "region",
    by: str | Sequence[str] = (),
    U: float = 0.5,
    A: float = 0.05,
    C: float = 4.0,
    lang: str | None = None,
) -> pd.DataFrame:
    """Hold each value against the last period, and flag changes unlike those of the other units.

    Parameters
    ----------
    current, previous : pandas.DataFrame
        Checked tables of this period and the last, one row a unit.
    values : str or sequence of str
        Columns of numbers ≥ 0 to compare.
    unit : str or sequence of str
        Columns that name a unit in both tables.
    by : str or sequence of str
        Columns of `current` within which units are alike: each group has limits of its own.
    U, A, C : float
        See :func:`qstats.stats.edits.hidiroglou_berthelot`.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Returns
    -------
    pandas.DataFrame
        One row a unit and column: the unit, ``period`` (if `current` has it), ``column, value, previous,
        ratio, effect, low, high, flag, message``. ``flag`` is ``high`` | ``low`` (outside the limits),
        ``new`` | ``gone`` (none or zero in one of the periods), ``few`` (fewer than 5 units to compare),
        or empty.

    Raises
    ------
    DataError
        A column is missing, a unit stands twice, a value is negative.

    References
    ----------
    Hidiroglou, M. A. and Berthelot, J.-M. (1986). Survey Methodology 12(1), 73–83.

    Examples
    --------
    >>> import pandas as pd
    >>> regions = ["安徽", "江苏", "浙江", "山东", "河南"]
    >>> before = pd.DataFrame({"region": regions, "inspected": [100] * 5})
    >>> now = pd.DataFrame({"region": regions, "inspected": [50, 100, 100, 200, 400]})
    >>> found = soft_edits(now, before, values="inspected", U=1)
    >>> found.loc[found["flag"] != "", ["region", "value", "flag"]].values.tolist()
    [['安徽', 50.0, 'low'], ['河南', 400.0, 'high']]
    """
    import pandas as pd

    values, unit, by = _names(values), _names(unit), _names(by)
    _require(current, [*unit, *by, *values], say("soft.current", lang), lang)
    _require(previous, [*unit, *values], say("soft.previous", lang), lang)
    period = ["period"] if "period" in current.columns and "period" not in unit else []
    now = _one_row_each(current, unit, say("soft.current", lang), lang)
    before = _one_row_each(previous, unit, say("soft.previous", lang), lang)
    merged = now[[*unit, *period, *(k for k in by if k not in unit), *values]].merge(
        before[[*unit, *values]], on=unit, how="outer", suffixes=("", "@previous"), sort=True
    )
    codes = merged.groupby(by, dropna=False).ngroup() if by else merged.index * 0
    groups = [merged.index[codes == code] for code in sorted(set(codes))]
    parts = [_compared(merged.loc[g], c, (U, A, C), lang) for c in values for g in groups]
    found = pd.concat(parts).sort_index(kind="stable")
    shown = merged[[*unit, *period]].loc[found.index]
    if period:
        shown = shown.fillna({"period": next(iter(now["period"]), "")})
    return pd.concat([shown, found], axis=1).reset_index(drop=True)


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _require(table: pd.DataFrame, names: Sequence[str], which: str, lang: str | None) -> None:
    for name in names:
        if name not in table.columns:
            have = ", ".join(map(str, table.columns[:30]))
            raise DataError(say("soft.no_column", lang, name=name, which=which, names=have))


def _one_row_each(table: pd.DataFrame, unit: list[str], which: str, lang: str | None) -> pd.DataFrame:
    twice = table[table.duplicated(unit)]
    if len(twice):
        key = unit_text(twice.iloc[0][unit].to_dict())
        raise DataError(say("soft.twice", lang, which=which, key=key))
    return table


def _compared(
    rows: pd.DataFrame, column: str, options: tuple[float, float, float], lang: str | None
) -> pd.DataFrame:
    """Return the edits of one column within one group, under the index of the rows."""
    import pandas as pd

    x, x0 = (rows[name].to_numpy(np.float64, na_value=np.nan) for name in (column, f"{column}@previous"))
    if (negative := (x < 0) | (x0 < 0)).any():
        value = np.where(x < 0, x, x0)[negative][0]
        raise DataError(say("soft.negative", lang, column=column, value=f"{value:g}"))
    U, A, C = options
    edit = hidiroglou_berthelot(x, x0, U=U, A=A, C=C)
    here, before = x > 0, x0 > 0
    few = edit.compared < LEAST
    with np.errstate(invalid="ignore"):
        flags = np.select(
            [
                here & ~before,
                before & ~here,
                here & before & few,
                edit.effect > edit.high,
                edit.effect < edit.low,
            ],
            ["new", "gone", "few", "high", "low"],
            "",
        )
    told = [
        say(f"soft.{f}", lang, value=f"{a:,.15g}", previous=f"{b:,.15g}", count=edit.compared, least=LEAST)
        if f
        else ""
        for f, a, b in zip(flags, x, x0, strict=True)
    ]
    low, high = (np.nan, np.nan) if few else (edit.low, edit.high)
    found: dict[str, Any] = {
        "column": column,
        "value": x,
        "previous": x0,
        "ratio": edit.ratio,
        "effect": edit.effect,
    }
    found |= {"low": low, "high": high, "flag": flags, "message": told}
    return pd.DataFrame(found, index=rows.index)


def unit_text(unit: Mapping[str, object], /) -> str:
    r"""Return the name of a unit as one text, different for different units.

    Examples
    --------
    >>> unit_text({"region": "安徽", "product": "a|b"})
    'region=安徽|product=a\\|b'
    """

    def escaped(value: object) -> str:
        return str(value).strip().replace("\\", "\\\\").replace("|", "\\|")

    return "|".join(f"{name}={escaped(value)}" for name, value in unit.items())


def judged(edits: pd.DataFrame, confirmations: pd.DataFrame, /) -> pd.DataFrame:
    """Return the edits with ``status, comment, date``: what is confirmed, and what is not or no longer.

    Parameters
    ----------
    edits : pandas.DataFrame
        See :func:`soft_edits`.
    confirmations : pandas.DataFrame
        See :func:`read_confirmations`.

    Returns
    -------
    pandas.DataFrame
        ``status`` is empty where nothing is flagged, else ``confirmed`` (with its comment), ``changed``
        (confirmed, but with another value), or ``open``. Values are the same when 15 digits are.
    """
    told = confirmations[confirmations["comment"].map(_says).astype(bool)]
    same = {tuple(row): told.loc[at, ["comment", "date"]].tolist() for at, row in _keys(told).iterrows()}
    before = {key[:3] for key in same}
    keys = [tuple(row) for row in _keys(kept_form(edits)).itertuples(index=False)]
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

    Returns
    -------
    pandas.DataFrame
        See :func:`judged`.
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
        See :func:`soft_edits`.
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

    Raises
    ------
    DataError
        No such value is flagged; the comment is empty; the date is none.
    """
    import pandas as pd

    one_of("column", column, list(dict.fromkeys(edits["column"])))
    key = unit_text(unit)
    if not comment.strip():
        raise DataError(say("soft.comment", lang, key=key))
    rows = kept_form(edits)
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
