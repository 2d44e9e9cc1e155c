"""`check`: every violation of a schema at once, or the clean table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from qstats.errors import DataError
from qstats.examination import Examination
from qstats.messages import say
from qstats.schema import Schema
from qstats.values import text_of

if TYPE_CHECKING:
    import pandas as pd

#: the table lists at most so many violations; the message counts them all
MAX_LISTED: Final = 1_000


def check(data: Any, schema: Schema, /, *, need: Iterable[str] = (), lang: str | None = None) -> Any:
    """Return `data` as the canonical table of `schema`, or raise with every violation.

    Headers may be machine names, Chinese or English; numbers may be text with full-width
    digits, thousands separators and 万/亿; regions and industries may be names or codes.

    Parameters
    ----------
    data : DataFrame of any engine, mapping of columns, or path of a CSV or XLSX file
        The table. A lazy frame is collected.
    schema : Schema
        What it must be.
    need : iterable of str
        Columns that this use needs beyond the required ones (keys of ``by``, say), by name or header;
        none of their cells may be empty.
    lang : {"zh", "en"}, optional
        Language of the messages; by default ``QSTATS_LANG``, else Chinese.

    Returns
    -------
    DataFrame
        The same engine as `data` (pandas for a mapping or a file), with machine names, numeric
        columns, canonical periods, short region names and two-digit industries.

    Raises
    ------
    DataError
        With ``.violations``: one row a violation (row, column, value, rule, message), the
        first 1,000; rows are counted from 1, or as the spreadsheet numbers them for a file.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import SCHEMA
    >>> check({"检验数": ["１,２００"], "合格数": ["0.11万"]}, SCHEMA).values.tolist()
    [[1200.0, 1100.0]]
    """
    table, found, _ = examine(data, schema, need=need, lang=lang)
    if len(found):
        raise DataError(_summary(schema, found, lang), found.head(MAX_LISTED))
    return table


def examine(
    data: Any, schema: Schema, /, *, need: Iterable[str] = (), lang: str | None = None
) -> tuple[Any, pd.DataFrame, list[str]]:
    """Return the canonical table, all its violations, and notes on how it was read.

    The same as :func:`check`, for callers that show rather than raise. The table is only
    of use when there are no violations.
    """
    examination = Examination(data, schema, need, lang)
    examination.run()
    return examination.frame.to_native(), examination.violations(), examination.notes


def _summary(schema: Schema, found: pd.DataFrame, lang: str | None) -> str:
    first = found.iloc[0]
    counts = found["rule"].value_counts()
    rules = ", ".join(f"{rule} × {count}" for rule, count in counts.items())
    whole = found["row"].isna().iloc[0]  # of a header or of the table
    return say(
        "check.summary_table" if whole else "check.summary",
        lang,
        name=schema.name,
        count=len(found),
        rules=rules,
        row=first["row"],
        column=first["column"],
        value=text_of(first["value"]) or "∅",
        message=first["message"],
    )
