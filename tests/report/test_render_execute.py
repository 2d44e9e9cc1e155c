"""A notebook is run with parameters, in a kernel or in this process, with the same displays."""

import builtins
import os
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from qstats.errors import OptionError, QStatsError
from qstats.report import execute

BOTH = pytest.mark.parametrize("in_process", [True, False], ids=["in this process", "in a kernel"])
PARAMETERS = new_code_cell(
    'year = 2020\nregion = "全国"\nnames: list = []', id="p", metadata={"tags": ["parameters"]}
)


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of the parameters and some code cells; give its path."""

    def write(*sources, cells=(PARAMETERS,)):
        code = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
        path = tmp_path / "book.ipynb"
        nbformat.write(new_notebook(cells=[*cells, *code]), path)
        return path

    return write


def shown(book):
    return [
        output["data"]["text/plain"]
        for cell in book.cells
        for output in cell.get("outputs", [])
        if output.output_type in ("display_data", "execute_result")
    ]


@BOTH
def test_parameters_replace_the_notebooks_own(notebook, in_process):
    path = notebook("(year, region, names)")
    book = execute.run(path, {"region": "安徽", "year": 2023}, in_process=in_process)
    assert shown(book) == ["(2023, '安徽', [])"]
    injected = book.cells[1]
    assert injected.metadata.tags == ["injected-parameters"]
    assert injected.source == "year = 2023\nregion = '安徽'"


@BOTH
def test_displays_come_in_the_order_they_were_made(notebook, in_process, monkeypatch):
    monkeypatch.setattr(builtins, "_", "left by a prompt", raising=False)
    path = notebook(
        "from IPython.display import display\ndisplay(1)\nprint('out')\ndisplay(2)\n3", "4;", "None", "_"
    )
    book = execute.run(path, {}, in_process=in_process)
    assert shown(book) == ["1", "2", "3", "3"]
    streams = [o.text for c in book.cells for o in c.get("outputs", []) if o.output_type == "stream"]
    assert streams == ["out\n"]


@BOTH
@pytest.mark.parametrize(
    ("source", "line", "code", "cause"),
    [
        (
            "def f():\n    raise ValueError('no such year')\n\n\nx = f()",
            5,
            "x = f()",
            "ValueError: no such year",
        ),
        ("x = 1\ny = ((", 2, "y = ((", "SyntaxError: "),
        ("\n\nx = 1\n1 / 0", 4, "1 / 0", "ZeroDivisionError: "),
    ],
)
def test_a_failure_names_the_cell_the_line_and_the_cause(notebook, in_process, source, line, code, cause):
    path = notebook("1", source)
    with pytest.raises(execute.CellError) as caught:
        execute.run(path, {}, in_process=in_process)
    first, second = str(caught.value).splitlines()[:2]
    assert first == f"book.ipynb, cell 3 (id c1), line {line}: {code}"
    assert second.startswith(cause)
    assert "\x1b" not in caught.value.traceback and cause.split(":")[0] in caught.value.traceback


@BOTH
def test_cells_after_a_failure_do_not_run(notebook, in_process, tmp_path):
    path = notebook("1 / 0", f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(execute.CellError, match="ZeroDivisionError"):
        execute.run(path, {}, in_process=in_process)
    assert not (tmp_path / "ran").exists()


@BOTH
def test_progress_is_told_once_a_cell(notebook, in_process):
    path, told = notebook("1", "2"), []
    execute.run(path, {}, in_process=in_process, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@BOTH
def test_cells_run_in_the_callers_folder_and_the_file_stays(notebook, in_process, tmp_path, monkeypatch):
    path = notebook("import os\nos.getcwd()")
    before = path.read_bytes()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert shown(execute.run(path, {}, in_process=in_process)) == [repr(str(folder))]
    assert path.read_bytes() == before


def test_the_kernel_is_the_running_interpreter_and_needs_no_registration(notebook, monkeypatch, tmp_path):
    for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    path = notebook("import sys\nsys.executable")
    assert shown(execute.run(path, {})) == [repr(sys.executable)]


def test_running_in_this_process_leaves_the_interpreter_as_it_was(notebook):
    import matplotlib
    import matplotlib.pyplot as plt

    own = plt.figure()
    before = {
        "main": sys.modules["__main__"],
        "hooks": (sys.displayhook, sys.excepthook, sys.stdout, sys.stderr),
        "path": list(sys.path),
        "builtins": set(vars(builtins)),
        "environment": dict(os.environ),
        "settings": dict(matplotlib.rcParams),
        "notebook": sys.modules.get("qstats_notebook"),
    }
    path = notebook(
        "import sys\nimport matplotlib.pyplot as plt\nplt.rcParams['font.size'] = 31\nplt.figure()\n"
        "sys.path.insert(0, '/nowhere')\nimport __main__\n__main__.__name__"
    )
    execute.run(path, {}, in_process=True)
    after = {
        "main": sys.modules["__main__"],
        "hooks": (sys.displayhook, sys.excepthook, sys.stdout, sys.stderr),
        "path": list(sys.path),
        "builtins": set(vars(builtins)),
        "environment": dict(os.environ),
        "settings": dict(matplotlib.rcParams),
        "notebook": sys.modules.get("qstats_notebook"),
    }
    assert after == before
    assert plt.get_fignums() == [own.number]
    plt.close(own)


def test_runs_in_this_process_share_no_names(notebook):
    execute.run(notebook("secret = 1"), {}, in_process=True)
    with pytest.raises(execute.CellError, match="NameError"):
        execute.run(notebook("secret"), {}, in_process=True)


def test_a_run_inside_a_notebook_gives_the_outer_shell_back(notebook):
    from IPython.core.interactiveshell import InteractiveShell

    path = notebook("get_ipython().user_ns['year']")
    source = (
        "from qstats.report import execute\nshell = get_ipython()\n"
        f"book = execute.run({str(path)!r}, {{'year': 1999}}, in_process=True)\n"
        "(book.cells[-1].outputs[0].data['text/plain'], get_ipython() is shell, "
        "type(shell)._instance is shell)"
    )
    outer = path.with_name("outer.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="o")]), outer)
    assert shown(execute.run(outer, {})) == ["('1999', True, True)"]
    assert shown(execute.run(outer, {}, in_process=True)) == ["('1999', True, True)"]
    assert InteractiveShell._instance is None


def test_an_unknown_parameter_is_answered_with_the_nearest(notebook):
    with pytest.raises(OptionError, match=r"'regoin'.*Did you mean 'region'"):
        execute.run(notebook("1"), {"regoin": "安徽"})


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, [1, {"a": {3}}]])
def test_a_value_that_cannot_be_written_down_is_refused(notebook, value):
    with pytest.raises(OptionError, match="parameter 'year'"):
        execute.run(notebook("1"), {"year": value})


def test_a_notebook_without_parameters_takes_none(notebook):
    with pytest.raises(OptionError, match="no cell tagged 'parameters'"):
        execute.run(notebook("1", cells=()), {"year": 1})


def test_an_absent_notebook_is_named(tmp_path):
    with pytest.raises(QStatsError, match=r"nothing\.ipynb"):
        execute.run(tmp_path / "nothing.ipynb", {})


def test_parameters_injected_before_are_replaced():
    book = new_notebook(cells=[new_markdown_cell("# A"), PARAMETERS, new_code_cell("1")])
    twice = execute.inject(execute.inject(book, {"year": 1}), {"year": 2})
    assert [cell.source for cell in twice.cells if cell.cell_type == "code"] == [
        PARAMETERS.source,
        "year = 2",
        "1",
    ]
    assert len(book.cells) == 3
