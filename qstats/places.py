"""Where in a file a violation stands: its sheet and its cell, as a spreadsheet names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qstats import values

if TYPE_CHECKING:
    import pandas as pd

    from qstats.readings import Reading
    from qstats.schema import Schema

#: the columns of a table of violations of files, after the file
COLUMNS: Final = ("sheet", "row", "cell", "column", "value", "rule", "message")


def placed(found: pd.DataFrame, reading: Reading, schema: Schema, /) -> pd.DataFrame:
    r"""Return violations of a file with the further columns ``sheet`` and ``cell``.

    Parameters
    ----------
    found : pandas.DataFrame
        ``row, column, value, rule, message``; see :func:`qstats.check`.
    reading : Reading
        The file as it was read.
    schema : Schema
        What the table must be.

    Returns
    -------
    pandas.DataFrame
        ``sheet, row, cell, column, value, rule, message``. ``cell`` is ``C7`` where row and column are known,
        that of the header where a header is wrong, else empty.

    Examples
    --------
    >>> from qstats.files import read_table
    >>> from qstats.indicators import schema_of
    >>> from qstats.checking import examine
    >>> schema, path = schema_of("inspection_pass_rate"), getfixture("tmp_path") / "a.csv"
    >>> _ = path.write_text("地区,检验数,合格数\n安灰,100,90", encoding="utf-8")
    >>> reading = read_table(path)
    >>> placed(examine(reading, schema)[1], reading, schema)[["cell", "column"]].values.tolist()
    [['A2', 'region']]
    """
    sheets: dict[int, set[str]] = {}
    for line, sheet in zip(reading.lines, reading.sheets, strict=True):
        sheets.setdefault(line, set()).add(sheet)
    names = {values.read_header(h)[0]: c.name for c in schema.all_columns for h in c.headers}
    letters: dict[tuple[str, str], str] = {}
    for (sheet, header), mark in reading.letters.items():
        letters.setdefault((sheet, names.get(values.read_header(header)[0], header)), mark)
    places = [_place(row, reading, sheets, letters) for row in found.to_dict("records")]
    return found.assign(sheet=[p[0] for p in places], cell=[p[1] for p in places])[list(COLUMNS)]


def _place(
    row: dict[Any, Any],
    reading: Reading,
    sheets: dict[int, set[str]],
    letters: dict[tuple[str, str], str],
) -> tuple[str, str]:
    """Return sheet and cell of a violation; each empty where it is not known or not the only one."""
    line = row["row"]
    if line is None or line != line or str(line) == "<NA>":
        return _header(row, reading)
    among = sheets.get(int(line), set())
    sheet = next(iter(among)) if len(among) == 1 else ""
    mark = letters.get((sheet, str(row["column"])), "") if among == {sheet} else ""
    return sheet, f"{mark}{int(line)}" if mark else ""


def _header(row: dict[Any, Any], reading: Reading) -> tuple[str, str]:
    """Return sheet and cell of a header that is wrong."""
    heads = reading.seen[reading.seen["what"] == "header"]
    if row["rule"] != "header" or len(heads) != 1:
        return (str(heads["sheet"].iloc[0]) if len(heads) == 1 else ""), ""
    sheet = str(heads["sheet"].iloc[0])
    mark = reading.letters.get((sheet, str(row["value"])), "")
    return sheet, f"{mark}{heads['row'].iloc[0]}" if mark else ""
