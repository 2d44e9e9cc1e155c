"""A pattern in a list of contents stands for the pages not named before it, and may find none."""

from sphinx.util.matching import patfilter


def drop_empty(app, docname, source):
    """Leave out patterns of the home page that no page fits."""
    if docname != "index":
        return
    lines = source[0].splitlines()
    named = {line for line in lines if line in app.env.found_docs}
    others = app.env.found_docs - named
    kept = [line for line in lines if not _is_pattern(line) or patfilter(others, line)]
    source[0] = "\n".join(kept) + "\n"


def _is_pattern(line):
    return line.endswith("*") and " " not in line and not line.startswith(("*", "-", ">"))


def setup(app):
    app.connect("source-read", drop_empty)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
