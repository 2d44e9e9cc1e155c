"""What commands say and show: results on stdout, the rest on stderr, errors in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

LangOption = Annotated[str | None, typer.Option("--lang", help="语言 language: zh | en")]
TraceOption = Annotated[bool, typer.Option("--traceback", help="出错时给出全部细节\n\nshow the whole error")]


@contextmanager
def told(lang: str | None, traceback: bool, *, failed: int = 1) -> Iterator[str]:
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
        aside("cli.stopped", speak)
        raise typer.Exit(130) from None
    except Exception as error:
        if traceback:
            raise
        speak = speak or "zh"  # QSTATS_LANG is no language, and that is what must be told
        if isinstance(error, OptionError):
            from qstats.wording import option_told

            aside("cli.error", speak, text=option_told(error, speak))
        elif isinstance(error, QStatsError):
            aside("cli.error", speak, text=error)
        elif isinstance(error, OSError):
            aside("cli.error", speak, text=_system(error, speak))
        elif isinstance(error, UnicodeEncodeError):
            aside("cli.names", speak, encoding=error.encoding, text=str(error.object)[-80:])
        else:
            aside("cli.internal", speak, kind=type(error).__name__, text=error)
        raise typer.Exit(failed) from None


def _system(error: OSError, lang: str | None) -> str:
    from qstats.messages import say

    return say("cli.system", lang, text=f"{error.strerror or error} {error.filename or ''}".strip())


@contextmanager
def progress(lang: str) -> Iterator[Any]:
    """Show a bar on a terminal; give the function that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from qstats.messages import say

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("cli.running", lang), total=None)

        def move(what: str, done: int, total: int) -> None:
            bar.update(task, description=visible(what), completed=done, total=total)

        yield move


def label(key: str, lang: str) -> str:
    """Return the heading of a column."""
    from qstats.messages import say

    return say(f"cli.col.{key}", lang)


def show(keys: Sequence[str] | None, rows: Iterable[Sequence[str]], lang: str) -> None:
    """Show a table: drawn on a terminal, tab-separated elsewhere."""
    heads = [label(key, lang) for key in keys] if keys else None
    clean = [[visible(cell) for cell in row] for row in rows]
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


def tell(key: str, lang: str | None, /, **values: object) -> None:
    """Say the result: on stdout."""
    from qstats.messages import say

    typer.echo(visible(say(key, lang, **values)))


def aside(key: str, lang: str | None, /, **values: object) -> None:
    """Say something beside the result: on stderr, so that the result can be piped."""
    from qstats.messages import say

    typer.echo(visible(say(key, lang, **values)), err=True)


def visible(text: object) -> str:
    """Return text with control and direction marks written out: a file must not command a terminal."""
    return "".join(
        c if c.isprintable() or c in "\u3000\n" else c.encode("unicode_escape").decode() for c in str(text)
    )
