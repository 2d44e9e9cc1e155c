"""Processes that build pages: one that dies takes only its own page with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Final, NamedTuple

#: a worker is a fresh interpreter: nothing of the caller's threads or settings is in it
_START: Final = "spawn"


class Fault(NamedTuple):
    """A task that failed: the kind of error, what it says, and everything known of it."""

    error: str
    message: str
    details: str


#: does a task and returns its result; is told (steps done, steps in all)
Work = Callable[[Any, Callable[[int, int], None]], Any]


class _Worker(NamedTuple):
    process: Any
    pipe: Connection


def run(
    work: Work, tasks: Sequence[Any], /, *, jobs: int, tell: Callable[[int, int, int], None]
) -> Iterator[tuple[int, Any]]:
    """Do tasks in processes; give (position of the task, its result or `Fault`) as they end.

    Parameters
    ----------
    work : callable
        A function of a module, with a task and results that can be pickled.
    tasks : sequence
        In the order in which they are begun.
    jobs : int
        How many processes at once.
    tell : callable
        Called with (position of the task, steps done, steps in all).
    """
    waiting = deque(range(len(tasks)))
    busy: dict[Connection, tuple[_Worker, int]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                _give(_started(work), waiting.popleft(), tasks, busy)
            for pipe in wait(list(busy)):
                worker, at = busy[pipe]  # type: ignore[index]  # wait gives what it was given
                kind, value = _heard(worker)
                if kind == "step":
                    tell(at, *value)
                    continue
                del busy[worker.pipe]
                if kind == "ended" or not waiting:
                    _end(worker)
                else:
                    _give(worker, waiting.popleft(), tasks, busy)
                yield at, value
    finally:
        for worker, _ in busy.values():
            worker.process.terminate()
            _end(worker)


def _started(work: Work) -> _Worker:
    context = multiprocessing.get_context(_START)
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _give(
    worker: _Worker, at: int, tasks: Sequence[Any], busy: dict[Connection, tuple[_Worker, int]]
) -> None:
    busy[worker.pipe] = worker, at
    with suppress(OSError):  # it has died: the next look at its pipe says so
        worker.pipe.send(tasks[at])


def _heard(worker: _Worker) -> tuple[str, Any]:
    """Return what a worker says, or that it has ended without a word."""
    try:
        kind, value = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
        code = worker.process.exitcode
        return "ended", Fault(
            "ProcessEnded", f"exit code {code}", f"the process ended with exit code {code}\n"
        )
    return kind, value


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.join()


def _serve(pipe: Connection, work: Work) -> None:
    """Do one task after another until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller is interrupted too, and ends us
    threading.Thread(target=_follow, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = "done", work(task, lambda done, total: pipe.send(("step", (done, total))))
        except Exception as error:
            details = getattr(error, "traceback", "") or traceback.format_exc()
            answer = "failed", Fault(type(error).__name__, str(error), details)
        try:
            pipe.send(answer)
        except OSError:
            return


def _follow() -> None:
    """End with the caller, however it ended."""
    caller = multiprocessing.parent_process()
    if caller is not None:
        wait([caller.sentinel])
        os._exit(1)
