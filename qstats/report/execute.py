"""Running a notebook with parameters, in a kernel or in this process."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from qstats.errors import OptionError, QStatsError, one_of

Notebook = Any  # a Node, or an nbformat.NotebookNode: what a notebook holds as attributes
#: runs one code cell: fills its outputs and raises nothing
Runner = Callable[[Any, int], None]
Progress = Callable[[int, int], None]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_LINE = re.compile(r"Cell In\s?\[\d+\], line (\d+)")


class Node(dict[str, Any]):
    """A part of a notebook, its entries being attributes as well.

    nbformat has such a class, but takes a second to load what checks it: a kernel needs nbformat anyway.

    Examples
    --------
    >>> cell = Node(cell_type="code", source="1 + 1")
    >>> cell.source
    '1 + 1'
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return Node({name: copy.deepcopy(value, memo) for name, value in self.items()})


class CellError(QStatsError):
    """A cell of a notebook failed; the message names the cell, the line and the cause.

    Attributes
    ----------
    traceback : str
        The whole traceback, plain text.
    """

    def __init__(self, message: str, traceback: str) -> None:
        super().__init__(message)
        self.traceback = traceback


def run(
    notebook: str | os.PathLike[str],
    parameters: Mapping[str, Any],
    /,
    *,
    in_process: bool = False,
    progress: Progress | None = None,
) -> Notebook:
    """Run a notebook and return it with its outputs; the file is not changed.

    Parameters
    ----------
    notebook : path
        A notebook whose parameters stand, as assignments, in a cell tagged ``parameters``.
    parameters : mapping
        Values that replace the notebook's own, in a cell tagged ``injected-parameters`` after
        that cell: texts, numbers, booleans, None, and lists, tuples and dictionaries of them.
    in_process : bool
        Run in this process instead of a kernel: faster by the start of a kernel, for
        batches. What the run changes in the interpreter is put back.
    progress : callable, optional
        Called with (cells done, cells in all), first with 0.

    Returns
    -------
    notebook
        Its parts are attributes (``book.cells[0].source``). Both ways give the same displays. The kernel
        is the running interpreter; no kernel need be registered. Cells run in the working directory of
        the caller.

    Raises
    ------
    OptionError
        A parameter that the notebook does not have, or a value that cannot be written down.
    CellError
        A cell failed.
    """
    path = Path(notebook)
    if not path.is_file():
        raise QStatsError(f"there is no notebook {path}")
    book = inject(_read(path, plain=in_process), parameters)
    cells = [(index, cell) for index, cell in enumerate(book.cells) if cell.cell_type == "code"]
    tell = progress or (lambda *_: None)
    tell(0, len(cells))
    with _this_process() if in_process else _kernel(book) as run_cell:
        for done, (index, cell) in enumerate(cells, start=1):
            cell.outputs = []
            run_cell(cell, index)
            _raise_failure(path.name, cell, index)
            tell(done, len(cells))
    return book


def inject(book: Notebook, parameters: Mapping[str, Any], /) -> Notebook:
    """Return a copy of a notebook with a cell that assigns `parameters`.

    The cell goes after the one tagged ``parameters`` and replaces an earlier injected one.
    """
    book = copy.deepcopy(book)
    book.cells = [cell for cell in book.cells if "injected-parameters" not in _tags(cell)]
    tagged = [index for index, cell in enumerate(book.cells) if "parameters" in _tags(cell)]
    known = _assigned(book.cells[tagged[0]].source) if tagged else []
    for name, value in parameters.items():
        if not known:
            raise OptionError(f"the notebook has no cell tagged 'parameters', so {name!r} cannot be given")
        one_of("parameter", name, known)
        _require_literal(name, value)
    if parameters:
        source = "\n".join(f"{name} = {parameters[name]!r}" for name in known if name in parameters)
        tags = {"tags": ["injected-parameters"]}
        cell = {**book.cells[tagged[0]], "source": source, "id": "injected-parameters", "metadata": tags}
        book.cells.insert(tagged[0] + 1, _like(book, cell))
    return book


def _read(path: Path, *, plain: bool) -> Notebook:
    """Return a notebook as it is in its file, or checked and brought to version 4 by nbformat."""
    if plain:
        book = json.loads(path.read_text(encoding="utf-8"), object_hook=Node)
        if book.get("nbformat") == 4 and all("id" in cell for cell in book.cells):
            for cell in book.cells:
                cell.source = "".join(cell.source)
            return book
    import nbformat

    return cast(Any, nbformat).read(path, as_version=4)


def _like(book: Notebook, cell: dict[str, Any]) -> Notebook:
    """Return a cell as a part of the same kind as those of the notebook."""
    return type(book)({**cell, "metadata": type(book)(cell["metadata"])})


def _output(kind: str, /, **entries: Any) -> Node:
    """Return what a cell displays, in the form that the notebook format gives it."""
    return Node(output_type=kind, **entries)


def _tags(cell: Notebook) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _assigned(source: str) -> list[str]:
    """Return the names that a cell assigns, in order."""
    names: list[str] = []
    for statement in ast.parse(source).body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _require_literal(name: str, value: Any) -> None:
    """Refuse a value whose repr is not a literal: the cell must say exactly what ran."""
    parts = (
        list(value)
        if isinstance(value, (list, tuple))
        else [*value.keys(), *value.values()]
        if isinstance(value, dict)
        else []
    )
    for part in parts:
        _require_literal(name, part)
    if type(value) not in (str, int, float, bool, type(None), list, tuple, dict) or value != value:
        raise OptionError(
            f"parameter {name!r} is {value!r}: give a text, a number, True, False, None, "
            "or a list, tuple or dictionary of them"
        )


def _raise_failure(notebook: str, cell: Notebook, index: int) -> None:
    for output in cell.outputs:
        if output.output_type != "error":
            continue
        traceback = _ANSI.sub("", "\n".join(output.traceback))
        found = _CELL_LINE.search(traceback)
        # IPython drops empty lines at the top before it counts
        empty = len(cell.source) - len(cell.source.lstrip("\n"))
        line = int(found[1]) + empty if found else 1
        source = (cell.source.splitlines() or [""])[line - 1 : line]
        place = f"{notebook}, cell {index + 1} (id {cell.get('id', '?')}), line {line}"
        raise CellError(
            f"{place}: {''.join(source).strip()}\n{output.ename}: {_ANSI.sub('', output.evalue)}",
            traceback,
        )


@contextmanager
def _kernel(book: Notebook) -> Iterator[Runner]:
    """Start a kernel of the running interpreter; stop it at the end."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    class ThisInterpreter(AsyncKernelManager):
        """A kernel manager that looks for no kernelspec: the first "python3" found may be another Python."""

        kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python",
            language="python",
        )

    def run_cell(cell: Notebook, index: int) -> None:
        try:
            client.execute_cell(cell, index)
        except CellExecutionError as error:
            if not any(output.output_type == "error" for output in cell.outputs):
                raise CellError(str(error), str(error)) from error

    with TemporaryDirectory(prefix="qstats-") as profile:
        files = {"connection_file": f"{profile}/kernel.json"}
        # sockets in our own folder, not ports that other users of the machine can reach
        channel = {} if os.name == "nt" else {"transport": "ipc", "ip": f"{profile}/socket"}
        manager = ThisInterpreter(**files, **channel)
        client = NotebookClient(book, km=manager, record_timing=False, store_widget_state=False)
        environment = os.environ | {
            "IPYTHONDIR": profile,  # no startup files of the user's
            "MPLBACKEND": "agg",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        client.reset_execution_trackers()
        with client.setup_kernel(env=environment, cleanup_kc=True):
            yield run_cell


@contextmanager
def _this_process() -> Iterator[Runner]:
    """Make an IPython shell in this process; afterwards put back what it changed."""
    with TemporaryDirectory(prefix="qstats-") as profile, _interpreter_kept():
        yield _shell_runner(profile)


def _shell_runner(profile: str) -> Runner:
    import io
    from contextlib import redirect_stderr, redirect_stdout

    import IPython.core.displaypub as publishing

    shell, publisher = _shell(profile), cast(Any, publishing.CapturingDisplayPublisher)
    failures: list[Any] = []

    def note_failure(kind: Any, value: Any, lines: list[str]) -> None:
        failures.append(_output("error", ename=kind.__name__, evalue=str(value), traceback=list(lines)))

    shell._showtraceback = note_failure

    def run_cell(cell: Notebook, index: int) -> None:
        shell.display_pub = publisher(parent=shell, shell=shell)
        out, err = io.StringIO(), io.StringIO()
        failures.clear()
        with redirect_stdout(out), redirect_stderr(err):
            shell.run_cell(cell.source, store_history=True)
        streams = [("stdout", out.getvalue()), ("stderr", err.getvalue())]
        cell.outputs = [
            *(_output("stream", name=name, text=text) for name, text in streams if text),
            *(
                _output("display_data", data=o["data"], metadata=o["metadata"])
                for o in shell.display_pub.outputs
            ),
            *failures,
        ]

    return run_cell


def _shell(profile: str) -> Any:
    """Return a shell that keeps what a cell displays instead of printing it."""
    from types import ModuleType

    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class KeepingHook(DisplayHook):
        """Keeps the value of a cell's last line, in its place among the displays."""

        def write_output_prompt(self) -> None:
            """Print no prompt."""
            return

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            cast(Any, self.shell).display_pub.outputs.append({"data": format_dict, "metadata": md_dict or {}})

        def finish_displayhook(self) -> None:
            """Print nothing."""
            return

    return InteractiveShell.instance(
        ipython_dir=profile,
        # a module of its own, so that __main__ stays what it is and pool workers can start from it
        user_module=ModuleType("qstats_notebook"),
        displayhook_class=KeepingHook,
        config=Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}),
    )


@contextmanager
def _interpreter_kept() -> Iterator[None]:
    """Put back, at the end, the parts of the interpreter that an IPython shell takes over."""
    import atexit
    import builtins
    import warnings

    from IPython.core.interactiveshell import InteractiveShell

    kept_builtins, kept_path, kept_env = dict(vars(builtins)), list(sys.path), os.environ.get("MPLBACKEND")
    hooks = sys.displayhook, sys.excepthook, sys.stdin, sys.stdout, sys.stderr
    modules = {name: sys.modules.get(name) for name in ("__main__", "qstats_notebook")}
    outer: Any = cast(Any, InteractiveShell)._instance  # the shell of a notebook that runs this code
    owner: Any = InteractiveShell if outer is None else type(outer)
    owner.clear_instance()
    vars(builtins).pop("_", None)  # left by a prompt or a doctest; beside it a shell keeps no last result
    os.environ["MPLBACKEND"] = "agg"
    try:
        with warnings.catch_warnings(), _matplotlib_kept():
            yield
    finally:
        shell = cast(Any, InteractiveShell)._instance
        if shell is not None:
            atexit.unregister(shell.atexit_operations)
            shell.restore_sys_module_state()
            InteractiveShell.clear_instance()
        for parent in owner._walk_mro() if outer is not None else ():
            parent._instance = outer
        sys.displayhook, sys.excepthook, sys.stdin, sys.stdout, sys.stderr = hooks
        sys.path[:] = kept_path
        _restore(sys.modules, modules)
        for name in vars(builtins).keys() - kept_builtins.keys():
            delattr(builtins, name)
        vars(builtins).update(kept_builtins)
        _restore(os.environ, {"MPLBACKEND": kept_env})


def _restore(target: Any, kept: Mapping[str, Any]) -> None:
    for name, value in kept.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value


@contextmanager
def _matplotlib_kept() -> Iterator[None]:
    """Put matplotlib's settings back and close the figures that were opened inside."""
    import matplotlib

    def figures() -> set[int]:
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        return set(pyplot.get_fignums()) if pyplot else set()

    before = figures()
    try:
        with matplotlib.rc_context():
            yield
    finally:
        for number in figures() - before:
            sys.modules["matplotlib.pyplot"].close(number)
