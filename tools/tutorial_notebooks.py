"""Tutorials as notebooks: `python tools/tutorial_notebooks.py` makes notebooks/tutorials/ of pages in docs/.

The pages are what is written; a notebook has their text and code, with links to where things lie from there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from nbformat import v4 as nb

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks" / "tutorials"
#: language → its pages
PAGES = {"en": ROOT / "docs" / "tutorials", "zh": ROOT / "docs" / "zh" / "tutorials"}
BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def pages() -> dict[Path, tuple[Path, str]]:
    """Return each notebook, with the page it is made of and its language; a page without code has none."""
    return {
        FOLDER / f"{page.stem}{'' if lang == 'en' else f'.{lang}'}.ipynb": (page, lang)
        for lang, folder in PAGES.items()
        for page in sorted(folder.glob("*.md"))
        if BLOCK.search(page.read_text(encoding="utf-8"))
    }


def notebook(page: Path, lang: str) -> nbformat.NotebookNode:
    """Return a page as a notebook without outputs; the first cell sets the language of the page."""
    parts = BLOCK.split(page.read_text(encoding="utf-8"))
    cells = []
    for k, part in enumerate(parts):
        if k % 2:
            cells.append(nb.new_code_cell(part.rstrip("\n"), id=f"code-{k // 2 + 1}"))
        elif part.strip():
            text = LINK.sub(lambda found: f"]({_moved(page, found[1])}", part.strip())
            cells.append(nb.new_markdown_cell(text, id=f"text-{k // 2 + 1}"))
    cells.insert(1, nb.new_code_cell(f"%env QSTATS_LANG={lang}", id="language"))
    return nb.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def _moved(page: Path, link: str) -> str:
    """Return a link of a page as it is to be written in a notebook."""
    return Path(os.path.relpath(page.parent / link, FOLDER)).as_posix()


def main() -> None:
    """Write every notebook."""
    FOLDER.mkdir(exist_ok=True)
    for path, (page, lang) in pages().items():
        path.write_text(nbformat.writes(notebook(page, lang)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
