"""The command line, ``qstats report | datasets | check | template``: every command calls one function."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from qstats.commands import returns
from qstats.commands.terminal import LangOption, TraceOption, aside, label, progress, show, tell, told

app = typer.Typer(
    name="qstats",
    help="宏观质量统计 Macro-quality statistics",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from qstats import __version__

        typer.echo(f"qstats {__version__}")
        raise typer.Exit


app.command("check")(returns.check)
app.command("collect")(returns.collect)
app.command("template")(returns.template)


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
    with told(languages[0] if languages else None, traceback) as speak:
        from qstats.report.publish import build

        wanted = [part.strip() for part in languages] if languages else [speak]
        with progress(speak) as move:
            results = build(
                kind,  # type: ignore[arg-type]  # build answers a wrong kind with the list
                year=year,
                region=region,
                lang=wanted,
                output=output,
                in_process=in_process,
                progress=move,
            )
        for result in results:
            for warning in result.warnings:
                aside("cli.warning", speak, text=warning)
            size, seconds = f"{result.size / 1000:,.0f} KB", f"{result.seconds:.1f}"
            tell("cli.written", speak, path=result.path.resolve(), size=size, seconds=seconds)


@app.command("datasets")
def datasets(
    name: Annotated[str | None, typer.Option("--name", help="只看一个 show one data set")] = None,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """列出随附的数据集 List the bundled data sets."""
    with told(lang, traceback) as speak:
        from qstats.datasets import catalog, load
        from qstats.errors import one_of

        table = catalog()
        if name is None:
            show(
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
        show(None, [[label(key, speak), value] for key, value in listed.items() if value != ""], speak)


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
