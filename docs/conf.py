"""Sphinx: the documentation builds offline and its pages load nothing from elsewhere."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from qstats import __version__

project = "qstats"
author = "The qstats developers"
copyright = "the qstats developers, MIT licence"
version = release = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "mathml",
    "executed",
    "catalogue",
    "glossary",
    "languages",
    "remaining",
]
exclude_patterns = ["_build", "_ext", "_templates", "benchmarks", "jupyter_execute"]
templates_path = ["_templates"]

# the blocks of tutorials are run by _ext/executed.py, and those of every page by the tests
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "attrs_block", "colon_fence"]
myst_heading_anchors = 2

autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"qstats {release}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static", "../qstats/assets/fonts"]
html_css_files = ["docs.css"]
# Chinese pages list Chinese pages
html_sidebars = {"[!z]**": ["globaltoc"], "zh/**": ["sidebar-nav-bs"], "index": [], "zh/index": []}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "navbar_center": [],
    "navbar_end": ["language", "theme-switcher"],
}
