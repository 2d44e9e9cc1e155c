"""The command line, ``qstats report | datasets | check | template``: every command calls one function."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    name="qstats",
    help="宏观质量统计 Macro-quality statistics",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LangOption = Annotated[str | None, typer.Option("--lang", help="语言 language: zh | en")]
TraceOption = Annotated[bool, typer.Option("--traceback", help="出错时给出全部细节 show the whole error")]


def _version(asked: bool) -> None:
    if asked:
        from qstats import __version__

        typer.echo(f"qstats {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 version")
    ] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may not be UTF-8


@app.command("report")
def report(
    kind: Annotated[str, typer.Argument(help="种类 kind: annual")],
    year: Annotated[
        int | None, typer.Option(help="年份，默认为有数据的最近一年 year; newest with data")
    ] = None,
    region: Annotated[str, typer.Option(help="地区名称或代码 name or code of a region")] = "全国",
    lang: Annotated[str | None, typer.Option(help="语言 languages: zh | en | zh,en")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="输出文件夹 folder")] = Path("build"),
    in_process: Annotated[
        bool,
        typer.Option(
            "--in-process", help="不另起内核，成批生成时更快 no kernel of its own: faster in batches"
        ),
    ] = False,
    traceback: TraceOption = False,
) -> None:
    """生成报告，每种语言一个 HTML 文件 Build a report: one HTML file a language."""
    languages = lang.replace("\uff0c", ",").split(",") if lang else None
    with _told(languages[0] if languages else None, traceback) as speak:
        from qstats.report.publish import build

        wanted = [part.strip() for part in languages] if languages else [speak]
        with _progress(speak) as progress:
            results = build(
                kind,  # type: ignore[arg-type]  # build answers a wrong kind with the list
                year=year,
                region=region,
                lang=wanted,
                output=output,
                in_process=in_process,
                progress=progress,
            )
        for result in results:
            for warning in result.warnings:
                _aside("cli.warning", speak, text=warning)
            size, seconds = f"{result.size / 1000:,.0f} KB", f"{result.seconds:.1f}"
            _say("cli.written", speak, path=result.path.resolve(), size=size, seconds=seconds)


@app.command("datasets")
def datasets(
    name: Annotated[str | None, typer.Option("--name", help="只看一个 show one data set")] = None,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """列出随附的数据集 List the bundled data sets."""
    with _told(lang, traceback) as speak:
        from qstats.datasets import catalog, load
        from qstats.errors import one_of

        table = catalog()
        if name is None:
            _show(
                ["name", "title", "rows", "periods", "evidence"],
                map(_listing(speak), table.to_dict("records")),
                speak,
            )
            return
        one_of("--name", name, table["name"].tolist())
        item = table[table["name"] == name].to_dict("records")[0]
        listed = dict(
            zip(["name", "title", "rows", "periods", "evidence"], _listing(speak)(item), strict=True)
        )
        listed |= {"kind": item["kind"], "columns": ", ".join(load(name).columns)}
        listed |= {"caveat": item[f"caveat_{speak}"], "sha256": item["sha256"]}
        _show(None, [[_label(key, speak), value] for key, value in listed.items() if value != ""], speak)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="CSV 或 XLSX 文件 a CSV or XLSX file")],
    schema: Annotated[str, typer.Option("--schema", "-s", help="指标名称 name of the indicator")],
    need: Annotated[str, typer.Option(help="还必须有的列 columns also needed: period,region")] = "",
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """核对文件，列出全部问题，不改动任何文件 Check a file: every violation in one table; nothing is written.

    结果 exit code: 0 无问题 clean, 1 有问题 violations, 2 无法读取 cannot be read.
    """
    with _told(lang, traceback, failed=2) as speak:
        from qstats.indicators import schema_of
        from qstats.schema import MAX_LISTED, examine

        needed = [part.strip() for part in need.replace("\uff0c", ",").split(",") if part.strip()]
        table, found, notes = examine(file, schema_of(schema), need=needed, lang=speak)
        for note in notes:
            _aside("cli.note", speak, text=note)
        if found.empty:
            _say("check.ok", speak, name=schema, rows=len(table))
            return
        _show(list(found.columns), _violations(found.head(MAX_LISTED)), speak)
        _aside("cli.count", speak, name=schema, count=len(found))
        if len(found) > MAX_LISTED:
            _aside("cli.listed", speak, listed=MAX_LISTED)
        raise typer.Exit(1)


@app.command("template")
def template(
    name: Annotated[str, typer.Argument(help="指标名称 name of the indicator")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="XLSX 文件 file; NAME.xlsx")] = None,
    force: Annotated[bool, typer.Option("--force", help="覆盖已有文件 replace an existing file")] = False,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """制作填报表 Make an entry form (XLSX) that `qstats check` reads back."""
    with _told(lang, traceback) as speak:
        from qstats.errors import QStatsError
        from qstats.forms import entry_form
        from qstats.indicators import schema_of
        from qstats.messages import say

        path = output or Path(f"{name}.xlsx")
        schema = schema_of(name)
        if path.exists() and not force:
            raise QStatsError(say("cli.exists", speak, path=path))
        _say("cli.form", speak, path=entry_form(schema, path, lang=speak))


@contextmanager
def _told(lang: str | None, traceback: bool, *, failed: int = 1) -> Iterator[str]:
    """Give the language to speak; tell an error in it, in a sentence, and leave with a code."""
    from qstats.errors import OptionError, QStatsError

    speak = lang if lang in ("zh", "en") else None
    try:
        from qstats.messages import language

        speak = language(speak)
        yield language(lang) if lang is not None else speak
    except (typer.Exit, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        _aside("cli.stopped", speak)
        raise typer.Exit(130) from None
    except Exception as error:
        if traceback:
            raise
        if isinstance(error, OptionError) and error.argument:
            _aside("cli.error", speak, text=_choice(error, speak))
        elif isinstance(error, QStatsError):
            _aside("cli.error", speak, text=error)
        elif isinstance(error, OSError):
            _aside("cli.error", speak, text=_system(error, speak))
        else:
            _aside("cli.internal", speak, kind=type(error).__name__, text=error)
        raise typer.Exit(failed) from None


def _choice(error: Any, lang: str | None) -> str:
    """Return what a wrong choice should have been, in the user's language."""
    from qstats.errors import nearest
    from qstats.messages import say

    near = nearest(error.value, error.options)
    hint = say("cli.near", lang, near=near) if near else ""
    options = ", ".join(map(str, error.options))
    return say(
        "cli.option", lang, argument=error.argument, value=error.value, options=options, hint=hint
    ).strip()


def _system(error: OSError, lang: str | None) -> str:
    from qstats.messages import say

    return say("cli.system", lang, text=f"{error.strerror or error} {error.filename or ''}".strip())


@contextmanager
def _progress(lang: str) -> Iterator[Any]:
    """Show a bar on a terminal; give the function that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from qstats.messages import say

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("cli.running", lang), total=None)

        def move(what: str, done: int, total: int) -> None:
            bar.update(task, description=_visible(what), completed=done, total=total)

        yield move


def _listing(lang: str) -> Any:
    """Return the function that makes a line of the list from an entry of the catalogue."""
    from qstats.messages import say

    def line(item: dict[str, Any]) -> list[str]:
        first, last = item["first_period"], item["last_period"]
        known = item["official"] == item["official"] and item["official"] is not None
        counts = {key: int(item[key]) for key in ("official", "repost")} if known else {}
        return [
            item["name"],
            item[f"title_{lang}"],
            str(item["rows"]),
            first if first == last else f"{first}—{last}",
            say("cli.evidence", lang, **counts) if known else "",
        ]

    return line


def _violations(found: pd.DataFrame) -> Iterator[list[str]]:
    from qstats.values import text_of

    rows = found["row"].astype("string").fillna("")
    for row, (_, column, value, rule, message) in zip(rows, found.itertuples(index=False), strict=True):
        yield [row, column, text_of(value), rule, message]


def _label(key: str, lang: str) -> str:
    from qstats.messages import say

    return say(f"cli.col.{key}", lang)


def _show(keys: Sequence[str] | None, rows: Iterable[Sequence[str]], lang: str) -> None:
    """Show a table: drawn on a terminal, tab-separated elsewhere."""
    heads = [_label(key, lang) for key in keys] if keys else None
    clean = [[_visible(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [heads, *clean] if heads else clean:
            typer.echo("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_header=heads is not None, pad_edge=False)
    for at in range(len(clean[0])):
        numbers = keys is not None and keys[at] in ("row", "rows")
        table.add_column(heads[at] if heads else "", justify="right" if numbers else "left", overflow="fold")
    for row in clean:
        table.add_row(*map(Text, row))
    Console().print(table)


def _say(key: str, lang: str | None, /, **values: object) -> None:
    from qstats.messages import say

    typer.echo(_visible(say(key, lang, **values)))


def _aside(key: str, lang: str | None, /, **values: object) -> None:
    """Say something beside the result: on stderr, so that the result can be piped."""
    from qstats.messages import say

    typer.echo(_visible(say(key, lang, **values)), err=True)


def _visible(text: object) -> str:
    """Return text with control and direction marks written out: a file must not command a terminal."""
    return "".join(
        c if c.isprintable() or c in "\u3000\n" else c.encode("unicode_escape").decode() for c in str(text)
    )
