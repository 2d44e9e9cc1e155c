"""Python blocks of tutorials run while the pages are built; what their last line gives is shown below them.

One namespace a page, in an empty folder, in the language of the page. A block that fails fails the build.
"""

import ast
import contextlib
import io
import os
import tempfile
import warnings
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
PLACES = ("index", "how_it_works", "gallery", "tutorials/", "zh/")
LONGEST = 2_000


def run_blocks(app, doctree):
    """Run the blocks of a page in their order."""
    name = app.env.docname
    if not name.startswith(PLACES):
        return
    blocks = [b for b in doctree.findall(nodes.literal_block) if b.get("language") == "python"]
    if not blocks:
        return
    namespace = {"__name__": "page"}
    with _place("zh" if name.startswith("zh/") else "en"):
        for block in blocks:
            try:
                shown = _run(block.astext(), namespace, f"{name}.md")
            except Exception as error:  # whatever a page does wrong
                LOGGER.warning("the code fails: %s: %s", type(error).__name__, error, location=block)
                return
            block.parent[block.parent.index(block) + 1 : block.parent.index(block) + 1] = shown


@contextlib.contextmanager
def _place(lang):
    before, language = Path.cwd(), os.environ.get("QSTATS_LANG")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        os.environ["QSTATS_LANG"] = lang
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.pop("QSTATS_LANG")
            if language is not None:
                os.environ["QSTATS_LANG"] = language


def _run(source, namespace, file):
    """Run a block and return what to show of it."""
    tree = ast.parse(source, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    told = io.StringIO()
    value = None
    with contextlib.redirect_stdout(told):
        exec(compile(tree, file, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), file, "eval"), namespace)
    shown = [_text(told.getvalue())] if told.getvalue() else []
    return shown + ([_shown(value)] if value is not None else [])


def _shown(value):
    kind = type(value)
    if kind.__module__.startswith("matplotlib") and hasattr(value, "savefig"):
        return _html(f"<figure>{_svg(value)}</figure>")
    if kind.__module__.startswith("pandas"):
        table = value.to_frame() if hasattr(value, "to_frame") else value
        if hasattr(table, "to_html"):
            with _pandas():
                text = table.to_html(max_rows=12, max_cols=12, border=0, na_rep="—", classes="qs-table")
            return _html(f'<div class="qs-scroll">{text}</div>')
    if kind.__module__.startswith("qstats") and hasattr(value, "_repr_html_"):
        return _html(value._repr_html_())
    return _text(repr(value))


@contextlib.contextmanager
def _pandas():
    import pandas as pd

    with pd.option_context("display.float_format", "{:.5g}".format, "display.max_colwidth", 48):
        yield


def _svg(figure):
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue().split("?>", 1)[-1].split('.dtd">', 1)[-1]


def _html(text):
    return nodes.raw("", f'<div class="qs-output">{text}</div>', format="html")


def _text(text):
    block = nodes.literal_block(text, text[:LONGEST].rstrip(), classes=["qs-output"])
    block["language"] = "text"
    return block


def setup(app):
    app.connect("doctree-read", run_blocks)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
