"""A bar for a long query of DuckDB."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

#: seconds before a bar appears, and between looks
WAIT: Final = 1.0
LOOK: Final = 0.2


@contextmanager
def bar(connection: duckdb.DuckDBPyConnection, wanted: bool | None) -> Iterator[None]:
    """Show how far a query is, on the error stream, once it takes longer than a second.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The connection that the queries run on.
    wanted : bool or None
        None: only on a terminal.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
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
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, force_terminal=wanted)
    with Progress(console=console, transient=True) as shown:
        task = shown.add_task("cells", total=100)
        while not done.wait(LOOK):
            shown.update(task, completed=max(0.0, connection.query_progress()))
