"""Entry forms: a workbook made from a schema, which :func:`qstats.check` reads back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats import classifications
from qstats.errors import DataError, QStatsError, kind_of
from qstats.files import write_atomic
from qstats.messages import Lang, language, say
from qstats.schema import require_schema

if TYPE_CHECKING:
    from qstats.schema import Column, Rule, Schema

_LAST_ROW: Final = 1_048_575
#: Excel shows at most so many characters of an input hint
_HINT: Final = 255
#: so that the same schema gives the same bytes
_CREATED: Final = datetime(2020, 1, 1)
_FORMATS: Final = {"count": "#,##0", "amount": "General", "number": "General", "percent": "General"}


class _Lists(NamedTuple):
    """Cell ranges of the sheet of options."""

    region: str
    edition: str
    code: str
    industry: str


def entry_form(schema: Schema, path: Path | str, /, *, lang: str | None = None) -> Path:
    """Write an entry form for the tables of a schema.

    Three sheets: the table with one header row, units in the headers and a check on each
    cell; notes on every column; the options of region and industry. No cell is merged, and
    the same schema gives the same bytes.

    Parameters
    ----------
    schema : Schema
        What the filled table must be.
    path : path
        The XLSX file to write; it is replaced if it exists.
    lang : {"zh", "en"}, optional
        Language of headers and notes; by default ``QSTATS_LANG``, else Chinese.

    Returns
    -------
    pathlib.Path
        The absolute path of the form.

    Raises
    ------
    OptionError
        The name of an indicator, say, in place of its schema.
    DataError
        The name does not end with ``.xlsx``, or the file cannot be written.
    QStatsError
        XlsxWriter is not installed.

    Examples
    --------
    >>> from qstats.indicators import schema_of
    >>> form = entry_form(schema_of("inspection_pass_rate"), getfixture("tmp_path") / "form.xlsx")
    >>> form.stat().st_size > 0
    True
    """
    require_schema(schema)
    kind_of("path", path, (str, Path), what="the path of a file")
    chosen = language(lang)
    try:
        import xlsxwriter  # noqa: F401
    except ImportError:
        raise QStatsError(say("form.needs_xlsxwriter", chosen)) from None
    path = Path(path)
    if path.suffix.lower() != ".xlsx" or "\0" in str(path):
        raise DataError(say("cells.no_xlsx", chosen, path=f"{path!s:.200}"))
    try:
        with write_atomic(path) as temporary:
            temporary.write_bytes(_workbook(schema, chosen))
    except OSError as error:
        said = error.strerror or error
        raise DataError(say("cells.not_written", chosen, path=f"{path!s:.200}", error=said)) from error
    return path.resolve()


def _workbook(schema: Schema, chosen: Lang) -> bytes:
    """Return the workbook, made in memory: a disk that is full is met by one write."""
    import xlsxwriter

    plain = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = xlsxwriter.Workbook(made := BytesIO(), plain)
    book.set_properties({"title": schema.zh if chosen == "zh" else schema.en, "created": _CREATED})
    table, notes, options = (
        book.add_worksheet(say(f"form.sheet.{name}", chosen)) for name in ("table", "notes", "options")
    )
    lists = _write_options(book, options, chosen)
    _write_table(book, table, schema, lists, chosen)
    _write_notes(book, notes, schema, chosen)
    book.close()
    return made.getvalue()


def header(column: Column, lang: Lang, /) -> str:
    """Return the header of a column in a form: its name and unit."""
    name = column.zh if lang == "zh" else column.en
    return say("form.header", lang, name=name, unit=_unit(column, lang)) if column.unit else name


def _unit(column: Column, lang: Lang) -> str:
    return "yuan" if lang == "en" and column.unit == "元" else column.unit


def _style(book: Any, **options: Any) -> Any:
    return book.add_format({"font_name": "Arial", "font_size": 11, "valign": "top"} | options)


def _write_table(book: Any, sheet: Any, schema: Schema, lists: _Lists, lang: Lang) -> None:
    plain = {"bold": True, "text_wrap": True, "border": 1, "bg_color": "#E8EEF4"}
    heads = {
        False: _style(book, **plain),
        True: _style(book, **plain | {"bg_color": "#12436D", "font_color": "#FFFFFF"}),
    }
    place = {column.name: at for at, column in enumerate(schema.columns)}
    for at, column in enumerate(schema.columns):
        sheet.write_string(0, at, header(column, lang), heads[column.required])
        cells = _style(book, num_format=_FORMATS.get(column.kind, "@"))
        sheet.set_column(at, at, max(11, 2.2 * len(header(column, lang)) + 2 if lang == "zh" else 16), cells)
        sheet.data_validation(1, at, _LAST_ROW, at, _validation(column, schema, place, lists, lang))
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.repeat_rows(0)


def _validation(
    column: Column, schema: Schema, place: dict[str, int], lists: _Lists, lang: Lang
) -> dict[str, Any]:
    """Return what a cell of the column is held against, and what is said about it."""
    told = {
        "input_title": (column.zh if lang == "zh" else column.en)[:32],
        "input_message": " ".join(_sentences(column, schema, lang))[:_HINT],
        "error_title": say("form.refused", lang),
        "error_message": " ".join(_demands(column, schema, lang))[:_HINT],
    }
    here = _cell(place[column.name])
    if column.kind == "region":
        # other names and codes are read as well, so a name that is not listed is only asked about
        return told | {"validate": "list", "source": f"={lists.region}", "error_type": "warning"}
    if column.kind == "edition":
        return told | {"validate": "list", "source": list(classifications.EDITIONS)}
    if column.kind == "industry" and "edition" in place:
        same = f"{lists.edition},{_cell(place['edition'])}"
        listed = "+".join(f"COUNTIFS({same},{names},{here})" for names in (lists.code, lists.industry))
        return told | {"validate": "custom", "value": f"={listed}>0", "error_type": "warning"}
    if not column.numeric:
        return told | {"validate": "any"}
    tests = [f"ISNUMBER({here})", *(f"{here}{test}" for test in _limits(column))]
    if column.kind == "count":
        tests.append(f"{here}=INT({here})")
    for whole in _wholes(column, schema):
        there = _cell(place[whole])
        tests.append(f'OR({there}="",{here}<={there})')
    return told | {"validate": "custom", "value": f"=AND({','.join(tests)})"}


def _cell(at: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(1, at, col_abs=True))


def _limits(column: Column) -> Iterator[str]:
    low, high = column.limits
    if low is not None:
        yield f">={low:g}"
    if high is not None:
        yield f"<={high:g}"


def _wholes(column: Column, schema: Schema) -> list[str]:
    """Return the columns that this one must not exceed, by the rules of the schema."""
    return [
        rule.columns[1]
        for rule in schema.rules
        if rule.columns[0] == column.name and _is_at_most(rule) and schema.column(rule.columns[1])
    ]


def _is_at_most(rule: Rule) -> bool:
    """Return whether a rule says that its first column must not exceed its second: it is tried out."""
    if len(rule.columns) != 2:
        return False
    import narwhals as nw
    import pandas as pd

    part, whole = [0.0, 1.0, 1.0, 5.0, 7.0], [1.0, 0.0, 1.0, 7.0, 5.0]
    tried = nw.from_native(pd.DataFrame(dict(zip(rule.columns, (part, whole), strict=True))))
    found = tried.select(bad=rule.violated())["bad"].to_list()
    return bool(found == [p > w for p, w in zip(part, whole, strict=True)])


def _demands(column: Column, schema: Schema, lang: Lang) -> list[str]:
    """Return what is required of a cell, a sentence each."""
    found = [say(f"form.kind.{column.kind}", lang)]
    low, high = column.limits
    if low is not None and high is not None:
        found.append(say("form.between", lang, low=f"{low:g}", high=f"{high:g}"))
    for name in _wholes(column, schema):
        whole = schema.column(name)
        assert whole is not None
        found.append(say("form.at_most", lang, whole=header(whole, lang)))
    others = (r for r in schema.rules if r.columns[0] == column.name and not _is_at_most(r))
    found += [say("form.rule", lang, fault=say(rule.message, lang, value="N")) for rule in others]
    if column.name in schema.constant:
        cell = [header(c, lang) for c in schema.columns if c.name in schema.cell]
        found.append(say("form.constant", lang, columns=_joined(cell, lang)))
    return found


def _sentences(column: Column, schema: Schema, lang: Lang) -> list[str]:
    required = say("form.required" if column.required else "form.optional", lang)
    return [required, *_demands(column, schema, lang)]


def _joined(texts: list[str], lang: Lang) -> str:
    return ("、" if lang == "zh" else ", ").join(texts)


def _example(column: Column, schema: Schema, lang: Lang) -> str:
    if column.kind == "region":
        return say("form.example.region", lang)
    if column.numeric and column.limits[1] is not None:
        return f"{column.limits[1]:g}"
    if column.kind == "count":
        return "1140" if _wholes(column, schema) else "1200"
    return say(f"form.example.{column.kind}", lang)


def _write_notes(book: Any, sheet: Any, schema: Schema, lang: Lang) -> None:
    """Write what each column means, what is required of it, and an example; then how to fill and check."""
    names = ("column", "need", "rule", "example", "also")
    rows = [[say(f"form.notes.{name}", lang) for name in names]]
    for column in schema.columns:
        need = say("form.yes" if column.required else "form.no", lang)
        demands = " ".join(_demands(column, schema, lang))
        also = [h for h in column.headers if h != (column.zh if lang == "zh" else column.en)]
        rows.append(
            [
                header(column, lang),
                need,
                demands,
                _example(column, schema, lang),
                _joined(list(dict.fromkeys(also)), lang),
            ]
        )
    styles = [
        _style(book, bold=True, text_wrap=True, border=1, bg_color="#E8EEF4"),
        _style(book, text_wrap=True),
    ]
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            sheet.write_string(r, c, text, styles[min(r, 1)])
    key = [header(c, lang) for c in schema.columns if c.name in schema.key]
    told = [say(f"form.how.{n}", lang, name=schema.name, key=_joined(key, lang)) for n in range(1, 5)]
    for r, text in enumerate(told if key else told[:-1]):
        sheet.write_string(len(rows) + 1 + r, 0, text, _style(book))
    for at, width in enumerate((24, 10, 64, 14, 44)):
        sheet.set_column(at, at, width)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _write_options(book: Any, sheet: Any, lang: Lang) -> _Lists:
    """Write the known regions and divisions; return where they stand."""
    name = "name" if lang == "zh" else "name_en"
    regions = classifications.regions()[name].tolist()
    known = classifications.industries()[["edition", "code", "name_zh" if lang == "zh" else "name_en"]]
    columns = {
        "region": regions,
        "edition": known["edition"].tolist(),
        "code": known["code"].tolist(),
        "industry": known.iloc[:, 2].tolist(),
    }
    head = _style(book, bold=True, border=1, bg_color="#E8EEF4")
    text = _style(book, num_format="@")
    for at, (key, values) in enumerate(columns.items()):
        sheet.write_string(0, at, say(f"form.options.{key}", lang), head)
        for row, value in enumerate(values, start=1):
            sheet.write_string(row, at, value, text)
        sheet.set_column(at, at, 44 if key == "industry" else 16)
    sheet.freeze_panes(1, 0)
    tab = say("form.sheet.options", lang)
    return _Lists(
        *(f"'{tab}'!${'ABCD'[at]}$2:${'ABCD'[at]}${len(v) + 1}" for at, v in enumerate(columns.values()))
    )
