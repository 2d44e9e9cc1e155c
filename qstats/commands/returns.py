"""Commands for returns: `check`, `collect`, `template`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from qstats.commands.terminal import LangOption, TraceOption, aside, show, tell, told

if TYPE_CHECKING:
    import pandas as pd

    from qstats.files import Layout
    from qstats.returns import Collection
    from qstats.schema import Schema

RuleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        "-r",
        help="读表规则，可多次给出\n\n"
        "rule of reading, repeatable: hidden=drop totals=keep sheet=NAME header=3",
    ),
]
SchemaOption = Annotated[str, typer.Option("--schema", "-s", help="指标名称 name of the indicator")]
#: most notes on the terminal; all that was left out of a table stands in seen.csv
_NOTES = 12
NeedOption = Annotated[str, typer.Option(help="还必须有的列\n\ncolumns also needed: period,region")]


def check(
    file: Annotated[
        str, typer.Argument(help="CSV 或 XLSX 文件，或数据库\n\na CSV or XLSX file, or postgresql: sqlite:")
    ],
    schema: SchemaOption,
    need: NeedOption = "",
    rule: RuleOption = None,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="只看读懂了什么、没读什么\n\nshow what was understood and left out"),
    ] = False,
    query: Annotated[str | None, typer.Option(help="数据库的查询 query of the database: SELECT")] = None,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """核对文件，列出全部问题 Check a file: every violation in one table.

    不改动任何文件。Nothing is written.

    结果码 exit code: 0 无问题 clean, 1 有问题 violations,
    2 无法读取或用法有误 cannot be read, wrong usage.
    """
    with told(lang, traceback, failed=2) as speak:
        from qstats.checking import MAX_LISTED, examine
        from qstats.indicators import schema_of
        from qstats.places import placed
        from qstats.readings import Reading

        wanted = schema_of(schema)
        data = _data(file, wanted, rule or [], query, speak)
        if preview:
            _preview(data, speak)
            return
        table, found, notes = examine(data, wanted, need=_parts(need), lang=speak)
        if isinstance(data, Reading):
            found = placed(found, data, wanted)
        for note in notes:
            aside("cli.note", speak, text=note)
        if found.empty:
            tell("check.ok", speak, name=schema, rows=len(table))
            return
        show(list(found.columns), _violations(found.head(MAX_LISTED)), speak)
        aside("cli.count", speak, name=schema, count=len(found))
        if len(found) > MAX_LISTED:
            aside("cli.listed", speak, listed=MAX_LISTED)
        raise typer.Exit(1)


def collect(
    folder: Annotated[Path, typer.Argument(help="存放各地报表的文件夹 folder of returns")],
    schema: SchemaOption,
    expected: Annotated[
        str,
        typer.Option(help="应报地区，默认 31 省\n\nregions, 'Anhui cities'; default: 31 provinces"),
    ] = "",
    period: Annotated[str | None, typer.Option(help="报告期 period of every row")] = None,
    need: NeedOption = "",
    rule: RuleOption = None,
    missing: Annotated[
        str, typer.Option(help="缺报地区的处理\n\nmissing regions: refuse | renormalise | carry-forward")
    ] = "refuse",
    previous: Annotated[Path | None, typer.Option(help="上期的表 table of the last period")] = None,
    weight: Annotated[
        str | None, typer.Option(help="覆盖率的权重列\n\ncolumn of the weight of the coverage")
    ] = None,
    value: Annotated[str, typer.Option(help="与上期比较的列\n\ncolumns to compare: inspected,passed")] = "",
    confirmations: Annotated[
        Path | None, typer.Option(help="保存核实说明的 CSV\n\nCSV that keeps the comments")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="结果文件夹 folder of the results")
    ] = None,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """汇集并核对一个文件夹的报表 Collect and check a folder of returns.

    谁缺报、重报、有误，一张表说清；不改动报表。
    One table says who is missing, twice or wrong; the returns are left as they are.

    结果码 exit code: 0 齐全且无待确认 complete, 1 有缺、有误或待确认 incomplete,
    2 无法读取或用法有误 cannot be read, wrong usage.
    """
    with told(lang, traceback, failed=2) as speak:
        from qstats.errors import one_of
        from qstats.indicators import schema_of
        from qstats.layouts import layout_of
        from qstats.missing_regions import MissingRegion
        from qstats.returns import collect as collected

        one_of("--missing", missing, get_args(MissingRegion))
        _refuse_inside(folder, [output, confirmations], speak)
        _refuse_unused(previous, confirmations, value, weight, speak)
        wanted, layout = schema_of(schema), layout_of(rule or [])
        regions = _parts(expected) if expected else None
        found = collected(
            folder, wanted, expected=regions, period=period, need=_parts(need), layout=layout, lang=speak
        )
        _show_status(found, speak)
        before = _checked(previous, wanted, layout, speak) if previous else None
        open_edits = _soft(found, before, wanted, _parts(value), confirmations, output, speak)
        whole = _completed(found, before, missing, weight, output, speak)
        raise typer.Exit(0 if whole and not open_edits else 1)


def template(
    name: Annotated[str, typer.Argument(help="指标名称 name of the indicator")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="XLSX 文件 file; default NAME.xlsx")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="覆盖已有文件 replace an existing file")] = False,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """制作填报表 Make an entry form (XLSX) that `qstats check` reads.

    结果码 exit code: 0 成功 done, 1 没有写成 not written, 2 用法有误 wrong usage.
    """
    with told(lang, traceback) as speak:
        from qstats.errors import QStatsError
        from qstats.forms import entry_form
        from qstats.indicators import schema_of
        from qstats.messages import say

        path = output or Path(f"{name}.xlsx")
        schema = schema_of(name)
        if path.exists() and not force:
            raise QStatsError(say("cli.exists", speak, path=path))
        tell("cli.form", speak, path=entry_form(schema, path, lang=speak))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\uff0c", ",").split(",") if part.strip()]


def _data(file: str, schema: Schema, rules: list[str], query: str | None, lang: str) -> Any:
    """Return a file as read by the rules, or the rows of a query."""
    from qstats.errors import DataError
    from qstats.examination import header_of
    from qstats.files import read_table
    from qstats.layouts import layout_of
    from qstats.messages import say

    if file.startswith(("postgresql:", "postgres:", "sqlite:")):
        from qstats.databases import read_database

        if query is None:
            raise DataError(say("cli.query_needed", lang))
        return read_database(file, query, lang=lang)
    if query is not None and Path(file).is_file():
        raise DataError(say("cli.query_unused", lang))
    return read_table(file, layout=layout_of(rules), is_header=header_of(schema), lang=lang)


def _preview(data: Any, lang: str) -> None:
    from qstats.errors import DataError
    from qstats.files import Reading
    from qstats.messages import say

    if not isinstance(data, Reading):
        raise DataError(say("cli.preview_file", lang))
    show(list(data.seen.columns), _texts(data.seen), lang)


def _texts(table: pd.DataFrame) -> Iterator[list[str]]:
    from qstats.values import text_of

    for row in table.itertuples(index=False):
        yield [text_of(cell) for cell in row]


def _violations(found: pd.DataFrame) -> Iterator[list[str]]:
    from qstats.values import text_of

    rows = found.astype({"row": "string"}).fillna({"row": ""})
    for row in rows.to_dict("records"):
        yield [text_of(cell) for cell in row.values()]


def _refuse_inside(folder: Path, written: list[Path | None], lang: str) -> None:
    """Refuse to write into the folder of returns: the next collection would take it for a return."""
    from qstats.errors import DataError
    from qstats.messages import say

    for path in filter(None, written):
        if path.resolve().is_relative_to(folder.resolve()):
            raise DataError(say("cli.inside", lang, path=path))


def _refuse_unused(
    previous: Path | None, confirmations: Path | None, value: str, weight: str | None, lang: str
) -> None:
    from qstats.errors import DataError
    from qstats.messages import say

    if (previous is None and (confirmations or weight)) or (confirmations is None and value):
        raise DataError(say("cli.only_previous", lang))


def _show_status(found: Collection, lang: str) -> None:
    from qstats.messages import say

    notes = _gathered(found.notes, lang)
    for note in notes[:_NOTES]:
        aside("cli.note", lang, text=note)
    if len(notes) > _NOTES:
        aside("returns.notes_rest", lang, count=len(notes) - _NOTES)
    rows = [
        [line.region, say(f"returns.status.{line.status}", lang), line.file, str(line.rows), line.message]
        for line in found.status.itertuples()
    ]
    show(["region", "status", "file", "rows", "message"], rows, lang)
    counts = {"taken": len(found.taken), "rows": len(found.table), "expected": len(found.expected)}
    aside("cli.collected", lang, **counts)


def _gathered(notes: Sequence[str], lang: str) -> list[str]:
    """Return the notes, one where several files have the same; the most frequent come first."""
    from qstats.messages import say

    files: dict[str, list[str]] = {}
    for note in notes:
        file, _, text = note.partition(": ")
        files.setdefault(text, []).append(file)
    often = sorted(files.items(), key=lambda item: -len(item[1]))
    return [
        f"{names[0]}: {text}"
        if len(names) == 1
        else say("returns.notes_many", lang, count=len(names), text=text)
        for text, names in often
    ]


def _checked(path: Path, schema: Schema, layout: Layout, lang: str) -> Any:
    from qstats.checking import check as checked
    from qstats.examination import header_of
    from qstats.files import read_table

    reading = read_table(path, layout=layout, is_header=header_of(schema), lang=lang)
    return checked(reading, schema, need=["region"], lang=lang)


def _soft(
    found: Collection,
    before: Any,
    schema: Schema,
    columns: list[str],
    confirmations: Path | None,
    output: Path | None,
    lang: str,
) -> int:
    """Hold the rows against the last period; return how many values wait for a confirmation."""
    from qstats.confirmations import keep_confirmations
    from qstats.last_period import soft_edits, unit_text

    if before is None or confirmations is None or found.table.empty:
        return 0
    both = [name for name in found.table.columns if name in before.columns]
    unit = [name for name in schema.key if name in both and name != "period"]
    numbers = columns or [c.name for c in schema.columns if c.numeric and c.name in both]
    there = before[before["region"].isin(set(found.table["region"]))]
    edits = soft_edits(found.table, there, values=numbers, unit=unit, lang=lang)
    done = keep_confirmations(edits, confirmations, lang=lang)
    _write({"soft_edits": done}, output, lang)
    waiting = done[done["status"].isin(["open", "changed"])]
    if len(waiting):
        rows = [
            [
                unit_text({k: x[k] for k in unit}),
                x["column"],
                f"{x['previous']:g}",
                f"{x['value']:g}",
                x["message"],
            ]
            for x in waiting.to_dict("records")
        ]
        show(["key", "column", "previous", "value", "message"], rows, lang)
        aside("cli.to_confirm", lang, count=len(waiting), path=confirmations)
    return len(waiting)


def _completed(
    found: Collection, before: Any, missing: str, weight: str | None, output: Path | None, lang: str
) -> bool:
    """Write what was collected; return whether it is whole, or made so by the policy."""
    from qstats.errors import DataError
    from qstats.missing_regions import complete_regions

    tables = {"status": found.status, "violations": found.violations, "seen": found.seen}
    _write(tables, output, lang)
    try:
        done = complete_regions(
            found.table,
            expected=found.expected,
            missing=missing,  # type: ignore[arg-type]  # a wrong policy is answered with the list
            previous=before,
            weight=weight,
            lang=lang,
        )
    except DataError as error:
        aside("cli.error", lang, text=error)
        return False
    if done.missing:
        aside(
            "cli.coverage",
            lang,
            policy=done.policy,
            coverage=f"{100 * done.coverage:.1f}%",
            names=", ".join(done.missing),
        )
    _write({"returns": done.table}, output, lang)
    return bool((found.status["status"].isin(["received", "missing"])).all())


def _write(tables: dict[str, Any], output: Path | None, lang: str) -> None:
    from qstats.files import write_csv

    for name, table in tables.items():
        if output is not None:
            aside("cli.wrote", lang, path=write_csv(table, output / f"{name}.csv"))
