"""A bar for a long query of DuckDB."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from qstats.messages import say

if TYPE_CHECKING:
    import duckdb

#: seconds before a bar appears, and between looks
WAIT: Final = 1.0
LOOK: Final = 0.2


@contextmanager
def bar(connection: duckdb.DuckDBPyConnection, wanted: bool | None) -> Iterator[None]:
    """Show how far a query is, once it takes longer than a second: in the notebook, else on the error stream.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The connection that the queries run on.
    wanted : bool or None
        None: only on a terminal or in a notebook.
    """
    if not (sys.stderr.isatty() or in_notebook() if wanted is None else wanted):
        yield
        return
    connection.execute("set enable_progress_bar = true")
    connection.execute("set enable_progress_bar_print = false")
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(connection, done, wanted), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(connection: duckdb.DuckDBPyConnection, done: threading.Event, wanted: bool | None) -> None:
    if done.wait(WAIT):
        return
    if in_notebook():
        _watch_in_notebook(connection, done)
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, force_terminal=wanted)
    with Progress(console=console, transient=True) as shown:
        task = shown.add_task("cells", total=100)
        while not done.wait(LOOK):
            shown.update(task, completed=max(0.0, connection.query_progress()))


def in_notebook() -> bool:
    """Return whether a kernel runs this, so that a page and not a terminal shows it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _watch_in_notebook(connection: duckdb.DuckDBPyConnection, done: threading.Event) -> None:
    from IPython.display import HTML, display

    started = time.monotonic() - WAIT
    show: Any = display
    html: Any = HTML
    shown = show(html(_drawn(0, WAIT)), display_id=True)
    while not done.wait(LOOK):
        shown.update(html(_drawn(max(0.0, connection.query_progress()), time.monotonic() - started)))
    shown.update(html(""))


def _drawn(percent: float, seconds: float) -> str:
    """Return a bar as HTML, with the time that it took and, from a tenth on, may still take."""
    left = say("cells.left", seconds=f"{seconds * (100 - percent) / percent:.0f}") if percent >= 10 else ""
    words = say("cells.progress", percent=f"{percent:.0f}", seconds=f"{seconds:.0f}", left=left)
    name = say("cells.adding")
    return f'<progress max="100" value="{percent:.0f}" aria-label="{name}"></progress> {words}'
