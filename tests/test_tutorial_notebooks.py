"""Tutorials as notebooks: those of the pages, and they run in a kernel."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("tutorial_notebooks", ROOT / "tools" / "tutorial_notebooks.py")
TOOL = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(TOOL)
PAGES = TOOL.pages()


def test_every_tutorial_with_code_is_a_notebook_and_no_other():
    assert set(TOOL.FOLDER.glob("*.ipynb")) == set(PAGES)
    assert {"index_research.ipynb", "researcher.zh.ipynb"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_notebook_is_its_page(path):
    """Change the page, then run ``python tools/tutorial_notebooks.py``."""
    there, made = nbformat.read(path, as_version=4), TOOL.notebook(*PAGES[path])
    nbformat.validate(there)
    assert [(c.cell_type, c.id, c.source) for c in there.cells] == [
        (c.cell_type, c.id, c.source) for c in made.cells
    ]
    assert not any(cell.get("outputs") for cell in there.cells)
    assert "```python" not in "".join(cell.source for cell in there.cells)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_somewhere(path):
    text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
    links = TOOL.LINK.findall(text)
    assert [link for link in links if not (TOOL.FOLDER / link).exists()] == []


def test_the_tutorial_of_the_index_runs_in_a_kernel(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    book = nbformat.read(TOOL.FOLDER / "index_research.ipynb", as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    shown = [out for cell in book.cells for out in cell.get("outputs", ()) if "data" in out]
    assert sum("text/html" in out.data for out in shown) > 5
