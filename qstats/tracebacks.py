"""What a notebook shows when qstats raises: what is wrong, what to do, and the line of the cell that asked.

A table with faults lists the first of them. Other exceptions are shown as always.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from qstats.display import NOTHING
from qstats.errors import DataError, OptionError, QStatsError
from qstats.messages import say
from qstats.wording import label, option_told, told

#: violations, and lines of the user's own code
FIRST: Final = 8
CALLS: Final = 3

_RED, _DIM, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
_PACKAGE: Final = str(Path(__file__).parent) + os.sep


def render(error: QStatsError, /) -> list[str]:
    """Return the lines that stand for an error of qstats in a notebook.

    ``QSTATS_TRACEBACK=full`` in the environment gives every call on the way instead.
    """
    if os.environ.get("QSTATS_TRACEBACK") == "full":
        return "".join(traceback.format_exception(error)).splitlines()
    lines = [f"{_RED}{type(error).__name__}{_PLAIN}: {_visible(_message(error))}"]
    if isinstance(error, DataError):
        lines += _violations(error)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and not isinstance(cause, QStatsError):
        lines.append(f"{say('display.error.cause')}: {type(cause).__name__}: {_visible(str(cause))}")
    return [*lines, "", *_calls(error), f"{_DIM}{say('display.error.full')}{_PLAIN}"]


def _message(error: QStatsError) -> str:
    if isinstance(error, OptionError):
        return option_told(error)
    if isinstance(error, DataError) and len(found := error.violations) and "rule" in found:
        counts = found["rule"].value_counts().items()
        rules = say("display.comma").join(f"{told(str(rule))} × {count}" for rule, count in counts)
        return say("display.error.count", count=f"{len(found):,}", rules=rules)
    return str(error)


def _violations(error: DataError) -> list[str]:
    """Return the first violations, a line each: where, what was found, what to do."""
    found = error.violations
    lines = [_violation(row._asdict()) for row in found.head(FIRST).itertuples(index=False)]
    more = len(found) - len(lines)
    return lines + ([f"  {say('display.error.rest', count=f'{more:,}')}"] if more else [])


def _violation(cells: dict[str, Any]) -> str:
    where = [_text(cells[name]) for name in ("file", "sheet") if name in cells and _text(cells[name])]
    if row := _text(cells.get("row")):
        where.append(say("display.error.at", row=row))
    if column := _text(cells.get("column")):
        where.append(f"{label(column)} = {_text(cells.get('value')) or NOTHING}")
    return f"  {_BOLD}{' · '.join(where)}{_PLAIN}  {_text(cells.get('message'))}"


def _text(cell: Any) -> str:
    if cell is None or str(cell) == "<NA>" or cell != cell:  # a missing row of pandas has no truth
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    text = str(cell)
    return _visible(text if len(text) <= 120 else f"{text[:119]}…")


def _visible(text: str) -> str:
    """Return text with control and direction marks written out: data must not command a terminal."""
    return "".join(
        c if c.isprintable() or c in "\u3000\n" else c.encode("unicode_escape").decode() for c in text
    )


def _calls(error: QStatsError) -> list[str]:
    """Return the user's own lines on the way to the error, the nearest last."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_PACKAGE, sys.prefix, sys.base_prefix))
    ]
    lines = []
    for frame in own[-CALLS:]:
        lines.append(f"{_place(frame.filename)}, line {frame.lineno}")
        lines.append(f"----> {frame.line}")
    return lines


def _place(file: str) -> str:
    """Return what the user calls a file: the cell of a notebook, or its name."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    named = shell.compile.format_code_name(file) if shell is not None else None
    return " ".join(named) if named else Path(file).name
