"""What is wrong with a command line, said in the user's language with the nearest right word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup

from qstats.commands.terminal import aside


class Commands(TyperGroup):
    """The commands; a line that cannot be understood leaves with 2 after a sentence of ours."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command; remember the line for its language."""
        ctx.meta["qstats.words"] = tuple(args)
        with _explained(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that a line names; the nearest is named when there is none."""
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            from qstats.errors import nearest
            from qstats.messages import say

            names, lang = self.list_commands(ctx), spoken(ctx.meta.get("qstats.words", ()))
            near = nearest(word, names)
            hint = say("cli.near", lang, near=near) if near else ""
            told = say("cli.usage.command", lang, word=word[:80], names=", ".join(names), hint=hint)
            aside("cli.error", lang, text=told.strip())
            raise typer.Exit(2)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _explained(ctx):
            return super().invoke(ctx)


def spoken(words: Sequence[str]) -> str:
    """Return the language that a line asks for, though it is not understood; else that of the user.

    Examples
    --------
    >>> spoken(["report", "--lang", "en"]), spoken(["report", "--lang=en,zh"])
    ('en', 'en')
    """
    from qstats.errors import QStatsError
    from qstats.messages import language

    given = [after for word, after in pairwise(words) if word == "--lang"]
    given += [word.partition("=")[2] for word in words if word.startswith("--lang=")]
    first = given[0].replace("\uff0c", ",").split(",")[0].strip() if given else None
    try:
        return language(first if first in ("zh", "en") else None)
    except QStatsError:  # QSTATS_LANG is neither
        return "zh"


@contextmanager
def _explained(ctx: Any) -> Iterator[None]:
    """Say what is wrong with the line instead of what the parser would say."""
    try:
        yield
    except Exception as error:
        named = hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError"
        if not named or getattr(error, "exit_code", None) != 2:
            raise  # of a command, which has said what was wrong
        at = getattr(error, "ctx", None) or ctx
        lang = spoken(ctx.meta.get("qstats.words", ()))
        aside("cli.error", lang, text=_sentence(error, lang))
        aside("cli.usage.help", lang, command=at.command_path)
        raise typer.Exit(2) from None


def _sentence(error: Any, lang: str) -> str:
    """Return what is wrong; of a fault that is not known here, what the parser says."""
    from qstats.errors import nearest
    from qstats.messages import say

    kind, said = type(error).__name__, str(error.message)
    name = " / ".join(getattr(getattr(error, "param", None), "opts", ()))
    if kind == "NoSuchOption":
        known = [word for param in error.ctx.command.get_params(error.ctx) for word in param.opts]
        near = nearest(error.option_name, [word for word in known if word.startswith("-")])
        hint = say("cli.near", lang, near=near) if near else ""
        return say("cli.usage.option", lang, word=error.option_name[:80], hint=hint).strip()
    if kind == "MissingParameter" and name:
        return say("cli.usage.missing", lang, name=name)
    if kind == "BadOptionUsage":
        return say("cli.usage.no_value", lang, name=error.option_name)
    if "extra argument" in said:
        return say("cli.usage.extra", lang, words=said.rpartition("(")[2].rstrip(").")[:80])
    if kind == "BadParameter" and "integer" in said:
        return say("cli.usage.integer", lang, name=name)
    return str(error.format_message())
