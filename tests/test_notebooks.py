"""The notebooks: no outputs, one cell of parameters, one or two calls a cell."""

import ast
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def test_there_is_an_annual_report():
    assert "annual_report" in {path.stem for path in NOTEBOOKS}


def test_notebooks_are_valid_and_carry_no_output(notebook):
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_one_cell_is_tagged_parameters(notebook):
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1


def test_every_code_cell_is_one_or_two_library_calls(notebook):
    for cell in notebook.cells:
        if cell.cell_type != "code" or "parameters" in cell.metadata.get("tags", []):
            continue
        tree = ast.parse(cell.source)
        assert sum(isinstance(node, ast.Call) for node in ast.walk(tree)) <= 2
        assert not any(isinstance(node, ast.FunctionDef | ast.For | ast.If) for node in ast.walk(tree))
