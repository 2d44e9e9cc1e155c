"""The command line, ``qstats report | diff | rebuild | check | collect | template | datasets``.

Every command calls one function.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from qstats.commands import report, returns
from qstats.commands.terminal import LangOption, TraceOption, label, show, told
from qstats.commands.usage import Commands

app = typer.Typer(
    name="qstats",
    cls=Commands,
    help=(
        "宏观质量统计 Macro-quality statistics\n\n"
        "结果码：0 成功，1 有问题或不同，2 用法有误或无法读取，130 被中断。\n"
        "Exit codes: 0 done, 1 faults or differences, 2 wrong usage or cannot be read,\n"
        "130 stopped. 语言 language: --lang, QSTATS_LANG=zh|en."
    ),
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


app.command("report")(report.report)
app.command("diff")(report.diff)
app.command("rebuild")(report.rebuild)
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


@app.command("datasets")
def datasets(
    name: Annotated[str | None, typer.Option("--name", help="只看一个 show one data set")] = None,
    lang: LangOption = None,
    traceback: TraceOption = False,
) -> None:
    """列出随附的数据集 List the bundled data sets.

    结果码 exit code: 0 成功 done, 1 没有这个数据集 no such data set.
    """
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
