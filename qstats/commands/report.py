"""Commands for reports: `report`, `diff`, `rebuild`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qstats.commands.terminal import LangOption, TraceOption, aside, show, tell, told, visible

if TYPE_CHECKING:
    from qstats.report.batch import Batch, Made
    from qstats.report.differences import Comparison
    from qstats.report.workers import Fault

CellsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cells",
        help="来自微观数据的项目，可多次给出：\n\n"
        "items from micro-data, repeatable: rpq=checks.cells; saved cells, or a saved Estimate (.parquet)",
    ),
]


def report(
    kind: Annotated[str, typer.Argument(help="种类 kind: annual | quarterly | qci | special | region")],
    year: Annotated[
        int | None, typer.Option(help="年份，默认为有数据的最近一年\n\nyear; default: newest with data")
    ] = None,
    region: Annotated[
        str,
        typer.Option(
            help="地区名称或代码，可多个，all 为 31 省\n\nnames or codes, several; all: 31 provinces"
        ),
    ] = "全国",
    quarter: Annotated[
        str | None, typer.Option(help="季报的季度或半年\n\nquarter or half: Q1 to Q4, H1, H2")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="专题 topic: food | size | rapex | inspections")] = None,
    highlight: Annotated[
        str | None,
        typer.Option(
            help="全国报告中突出显示的省份，默认安徽\n\n"
            "province set off on the nation's annual report or index bulletin; default: Anhui"
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option(help="语言 languages: zh | en | zh,en")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="输出文件夹 folder")] = Path("build"),
    editorial: Annotated[
        Path | None, typer.Option(help="编辑文字\n\nwords of an editor (Markdown): NAME.zh.md, NAME.en.md")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", help="格式，网页总有\n\nformats, a page always: html,pdf,xlsx,csv,sdmx")
    ] = "html",
    cells: CellsOption = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="并行进程数 processes at once")] = 1,
    in_process: Annotated[
        bool,
        typer.Option("--in-process", help="单份报告也不另起内核\n\nno kernel even for a single report"),
    ] = False,
    traceback: TraceOption = False,
) -> None:
    """生成报告 Build reports: a page (HTML) a region and language.

    输入没有变化的不重新生成，同时写出 manifest.json 和目录页。
    Unchanged reports are not rebuilt; a manifest and an index are written too.

    结果码 exit code: 0 全部完成 all done, 1 有失败 some failed,
    2 用法有误 wrong usage, 130 被中断，再运行即接着做 stopped: run it again to go on.
    """
    languages = _parts(lang) if lang else None
    with told(languages[0] if languages else None, traceback) as speak:
        from qstats.report.batch import batch

        with _time_left(speak) as (move, say_beside):

            def finished(name: str, result: Made | Fault) -> None:
                say_beside(lambda: _finished(name, result, output, speak))

            done = batch(
                kind,
                year=year,
                region=region,
                lang=languages or [speak],
                formats=formats,
                jobs=jobs,
                output=output,
                cells=_pairs(cells),
                quarter=quarter,
                topic=topic,
                highlight=highlight,
                editorial=editorial,
                in_process=True if in_process else None,
                progress=move,
                finished=finished,
            )
        _summary(done, speak)
        if done.failed:
            raise typer.Exit(1)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\uff0c", ",").split(",") if part.strip()]


def _pairs(given: list[str] | None) -> dict[str, str]:
    """Return ITEM=FILE pairs as a mapping."""
    from qstats.errors import OptionError
    from qstats.messages import say

    found = {}
    for pair in given or []:
        key, sign, file = pair.partition("=")
        if not (key and sign and file):
            raise OptionError(say("publish.pair", pair=pair))
        found[key.strip()] = file
    return found


def _finished(name: str, result: Made | Fault, folder: Path, lang: str) -> None:
    from qstats.report.workers import Fault

    if isinstance(result, Fault):
        aside(
            "publish.failed", lang, name=name, message=result.message, log=folder / "failed" / f"{name}.log"
        )
        return
    for warning in result.warnings:
        aside("cli.warning", lang, text=warning)
    for output in result.outputs:
        size, seconds = f"{output['bytes'] / 1000:,.0f} KB", f"{result.seconds:.1f}"
        tell("cli.written", lang, path=(folder / output["path"]).resolve(), size=size, seconds=seconds)


def _summary(done: Batch, lang: str) -> None:
    if done.kept:
        tell("publish.kept", lang, count=len(done.kept))
    if len(done.built) + len(done.kept) + len(done.failed) > 1:
        counts = {"built": len(done.built), "kept": len(done.kept), "failed": len(done.failed)}
        aside("publish.done", lang, **counts, path=done.manifest.resolve())
    if done.contents is not None:
        aside("publish.index_at", lang, path=done.contents.resolve())


@contextmanager
def _time_left(lang: str) -> Iterator[tuple[Any, Any]]:
    """Show a bar with the time left on a terminal; give what moves it, and what prints beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from qstats.messages import say

    if not sys.stderr.isatty():
        yield None, lambda speak: speak()
        return
    left = TextColumn(say("publish.left", lang))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        left,
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("cli.running", lang), total=None)

        def move(what: str, done: int, total: int) -> None:
            bar.update(task, description=visible(what), completed=done, total=total)

        def beside(speak: Any) -> None:
            bar.stop()
            speak()
            bar.start()

        yield move, beside


def diff(
    old: Annotated[
        Path, typer.Argument(help="旧版：网页、清单或文件夹\n\nold: a page, a manifest or a folder")
    ],
    new: Annotated[Path, typer.Argument(help="新版 new edition")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="写入文件\n\nchanges as CSV, or as JSON (.json)")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="输出 JSON，供程序读取\n\nJSON for programs instead of the table")
    ] = False,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """比较两版报告 Compare two editions: what changed, and why.

    哪些数、位次、文字变了，各因何而变。Each number, rank and text with its cause.

    结果码 exit code: 0 相同 the same, 1 不同 changed,
    2 无法比较或用法有误 cannot be compared, wrong usage.
    """
    with told(lang, traceback, failed=2) as speak:
        from qstats.report.differences import compared

        found = compared(old, new, lang=speak)
        for cause in found.causes:
            aside("publish.cause", speak, text=cause)
        if output is not None:
            aside("publish.changes_at", speak, path=_written(found, output))
        if as_json:
            typer.echo(found.as_json(), nl=False)
            raise typer.Exit(0 if found.table.empty else 1)
        if found.table.empty:
            tell("publish.same", speak)
            return
        rows = found.table.astype(str).to_numpy().tolist()
        show([f"diff.{name}" for name in found.table.columns], rows, speak)
        aside("publish.changed", speak, count=len(found.table))
        raise typer.Exit(1)


def _written(found: Comparison, path: Path) -> Path:
    """Write changes as the ending of the file says."""
    from qstats.files import write_atomic, write_csv

    if path.suffix.lower() != ".json":
        return write_csv(found.table, path)
    with write_atomic(path) as temporary:
        temporary.write_text(found.as_json(), encoding="utf-8", newline="\n")
    return path.resolve()


def rebuild(
    manifest: Annotated[Path, typer.Argument(help="清单或其文件夹 a manifest or its folder")],
    name: Annotated[list[str] | None, typer.Option("--name", help="只重建这些 only these reports")] = None,
    cells: CellsOption = None,
    from_commit: Annotated[
        bool,
        typer.Option(
            "--from-commit",
            help="用清单所记的代码版本和数据重建\n\nwith the code and data of the commit in the manifest",
        ),
    ] = False,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """按清单重建并核对 Rebuild what a manifest lists, byte for byte.

    不改动任何文件；不同时说出是哪个输入。
    No file is changed; where bytes differ, the inputs that differ are named.

    结果码 exit code: 0 逐字节相同 identical, 1 不同 different,
    2 无法重建或用法有误 cannot be rebuilt, wrong usage.
    """
    with told(lang, traceback, failed=2) as speak:
        from qstats.report.rebuild import rebuild as rebuilt

        done = rebuilt(manifest, names=name or (), cells=_pairs(cells), from_commit=from_commit, lang=speak)
        for one in done:
            tell(f"publish.rebuilt.{one.status}", speak, name=one.name, files=", ".join(one.files))
            for line in one.inputs:
                aside("publish.input", speak, text=line)
        if any(one.status != "identical" for one in done):
            raise typer.Exit(1)
