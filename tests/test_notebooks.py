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


def test_every_kind_of_report_has_its_notebook_and_every_notebook_its_kind():
    from qstats.report.kinds import KINDS

    assert {recipe.notebook for recipe in KINDS.values()} == {path.name for path in NOTEBOOKS}


def test_a_notebook_has_a_cell_for_every_section_in_their_order(notebook, request):
    from importlib import import_module

    from qstats.report.kinds import KINDS

    name = request.node.callspec.id
    kind = next(kind for kind, recipe in KINDS.items() if recipe.notebook == f"{name}.ipynb")
    module = import_module(f"qstats.report.{'sections' if kind == 'annual' else kind}")
    wanted = module.ANNUAL if kind == "annual" else module.SECTIONS
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"][2:]
    assert [source.partition("(")[0].rpartition(".")[2] for source in sources] == list(wanted)


def test_the_parameters_of_a_notebook_are_those_its_kind_gives(notebook, request):
    from qstats.report.editions import editions
    from qstats.report.kinds import KINDS

    kind = next(k for k, recipe in KINDS.items() if recipe.notebook == f"{request.node.callspec.id}.ipynb")
    source = next(c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    names = {target.id for node in ast.parse(source).body for target in node.targets}
    marked = "江苏" if "highlight" in KINDS[kind].takes else None
    asked = editions(kind, region="安徽" if kind == "region" else "全国", highlight=marked).editions[0]
    assert names == {*asked.injected, "editorial"}


def test_every_section_has_a_title_in_both_languages():
    from qstats.messages import catalogue
    from qstats.report import qci, quarterly, region, special

    for book, names in (("quarterly", quarterly), ("qci", qci), ("region", region)):
        for name in names.SECTIONS:
            assert {f"{book}.{name}", f"annual.{name}"} & catalogue().keys(), (book, name)
    for topic in special.TOPICS:
        for name in ("overview", "parts", "causes"):
            assert f"special.{topic}.{name}" in catalogue()


def test_numbers_of_chinese_headings_count_up():
    from qstats.messages import catalogue
    from qstats.report import qci, quarterly, region

    for book, module in (("quarterly", quarterly), ("qci", qci), ("region", region)):
        titles = [catalogue()[f"{book}.{n}"]["zh"] for n in module.SECTIONS if f"{book}.{n}" in catalogue()]
        assert [title[0] for title in titles] == list("一二三四五六七八")[: len(titles)]
