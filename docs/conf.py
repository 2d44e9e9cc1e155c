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

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "mathml"]
exclude_patterns = ["_build", "_ext", "jupyter_execute"]

# code blocks are run by the tests, not by the build
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
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
html_sidebars = {"**": ["globaltoc"], "index": []}
html_theme_options = {"navigation_with_keys": False, "show_prev_next": False, "navbar_center": []}
