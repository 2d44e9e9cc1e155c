"""An executed notebook becomes one HTML file that needs nothing else.

The page is made from the sections that the cells displayed, in the order of the cells. Other
displays are for readers of the notebook and stay there. Text written in the notebook enters
when its cell is tagged ``page``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from qstats.errors import OptionError, QStatsError, one_of
from qstats.files import write_atomic
from qstats.messages import Lang, catalogue, language, say
from qstats.report import editorial, fonts
from qstats.report.audit import audit
from qstats.report.names import place_name
from qstats.report.page import MIME, Section, html_lang, stylesheet

#: a page above this is heavy for a mail attachment
LIMIT_KB = 600

_FACES = "/* fonts */"
_LAST_SECOND = 253_402_300_799
#: parameters whose values have words
_TOLD = {"topic": "special.topic", "lang": "page.lang", "quarter": "page.quarter"}
#: follows the commit of a checkout whose files were changed
_CHANGED = " (modified)"


class RenderError(QStatsError):
    """A page that may not be published; every fault is listed.

    Attributes
    ----------
    problems : tuple of str
        One sentence a fault.
    """

    def __init__(self, problems: Sequence[str], lang: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  - ".join([say("audit.cannot", lang), *self.problems]))


class Built(NamedTuple):
    """A page on disk: where, how many bytes, and what its maker should know."""

    path: Path
    size: int
    warnings: tuple[str, ...]


def page(
    notebook: Any,
    /,
    *,
    title: str,
    subtitle: str,
    lang: str | None = None,
    note: str = "",
    provenance: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> str:
    """Render an executed notebook as one HTML page.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        An executed notebook; see :func:`qstats.report.execute.run`.
    title, subtitle : str
        The kind of report; the region and the period.
    lang : {"zh", "en"}, optional
        The language of the page's own words.
    note : str
        The compiling note under the subtitle.
    provenance : mapping
        ``datasets``: a sequence of mappings with ``name``, ``sha256`` (hexadecimal), ``rows`` and, where they
        are known, ``title`` and ``vintage``;
        ``seed``: a number, or None where no random numbers were used.
    parameters : mapping
        What the notebook was run with; what is empty is not shown.

    Returns
    -------
    str
        The page. The same notebook and arguments give the same text, byte by byte; a date
        appears only when ``SOURCE_DATE_EPOCH`` is set.

    Raises
    ------
    RenderError
        The page has a fault; see :func:`qstats.report.audit.audit`. All are listed at once.
    OptionError
        An unknown language, or an unknown entry of `provenance`.
    """
    from markupsafe import Markup

    chosen = language(lang)
    for name in provenance:
        one_of("provenance", name, ("datasets", "seed"))
    before, after, sections = _parts(notebook)
    if not sections:
        raise RenderError([say("audit.no_section", chosen)], chosen)
    simulated = any(section.simulated for section in sections)
    running = f"{title} · {subtitle}"
    html = _template(chosen).render(
        html_lang=html_lang(chosen),
        title=title,
        subtitle=subtitle,
        note=note,
        running=running,
        simulated=simulated,
        before=Markup(before),
        after=Markup(after),
        contents=[(section.key, section.title) for section in sections if section.kind == "section"],
        code=[cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()],
        datasets=provenance.get("datasets", ()),
        facts=list(_facts(chosen, provenance, parameters)),
        version=_software(),
        copyright=fonts.COPYRIGHT,
        css=Markup(stylesheet()),
        faces=_FACES,
    )  # fmt: skip
    # the running lines of a printed page stand in the style sheet, not in the text
    margins = running + "0123456789 /" + say("page.simulated", chosen)
    return _with_fonts(html, margins, chosen)


def write(html: str, path: Path | str, /, *, lang: str | None = None) -> Built:
    """Write a page and say what its maker should know: its weight, rare characters, numbers typed by hand."""
    data = html.encode("utf-8")
    with write_atomic(path) as temporary:
        temporary.write_bytes(data)
    warnings = editorial.typed_on(html, lang)
    if rare := audit(html).rare:
        warnings.append(say("page.rare", lang, characters=rare))
    if len(data) > LIMIT_KB * 1024:
        warnings.append(say("page.heavy", lang, size=len(data) // 1024, limit=LIMIT_KB))
    return Built(Path(path), len(data), tuple(warnings))


def commit() -> str:
    """Return the commit this code comes from, "release" when it is not in a checkout.

    A checkout with changed files says so.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "release"
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}{_CHANGED}" if changed else name


def epoch() -> str | None:
    """Return ``SOURCE_DATE_EPOCH``, the seconds since 1970 of the date on a page; None where it is not set.

    Raises
    ------
    OptionError
        It is no number of seconds up to the year 9999.
    """
    found = os.environ.get("SOURCE_DATE_EPOCH") or None
    if found is not None and not (found.isascii() and found.isdigit() and int(found[:20]) <= _LAST_SECOND):
        raise OptionError(say("publish.epoch", value=found[:40]))
    return found


def _software() -> str:
    # the package's own word: metadata of an editable installation may lag behind the code
    return f"qstats {sys.modules['qstats'].__version__}"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _parts(notebook: Any) -> tuple[str, str, list[Section]]:
    """Return the HTML before and after the table of contents, and the sections, in cell order.

    Text tagged ``page`` belongs to the section above it.
    """
    sections: list[Section] = []
    texts: list[str] = [""]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "page" in cell.metadata.get("tags", []):
            texts[-1] += _markdown().render(cell.source)
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                sections.append(Section(**output.data[MIME]))
                texts.append("")
    before, after = [texts[0]], [""]
    for section, more in zip(sections, texts[1:], strict=True):
        leads = section.kind == "summary" and after == [""]
        (before if leads else after).append(section.html(more=more))
    return "\n".join(filter(None, before)), "\n".join(filter(None, after)), sections


def sources(notebook: Any, /) -> list[str]:
    """Return the names of the data sets that the sections of an executed notebook rest on."""
    return sorted({name for section in _parts(notebook)[2] for name in section.sources})


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def _template(lang: Lang) -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.globals["say"] = lambda key, **values: say(key, lang, **values)
    environment.filters["css_string"] = _css_string
    return environment.from_string((files("qstats") / "assets" / "page.html.j2").read_text(encoding="utf-8"))


def _css_string(text: str) -> str:
    """Return `text` as a string of a style sheet, which nothing in it can end."""
    from markupsafe import Markup

    escaped = "".join(f"\\{ord(c):x} " if c in '"\\<>&' or ord(c) < 32 else c for c in text)
    return Markup(f'"{escaped}"')


def _facts(
    lang: Lang, provenance: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[tuple[str, str, bool]]:
    """Give the lines of the colophon: name, value, and whether the value comes from the data."""
    separator = "；" if lang == "zh" else "; "
    given = separator.join(_given(name, value, lang) for name, value in parameters.items() if value)
    seed = provenance.get("seed")
    yield say("page.parameters", lang), given or say("page.none", lang), True
    yield say("page.seed", lang), say("page.no_seed", lang) if seed is None else str(seed), False
    yield say("page.version", lang), _software(), False
    yield say("page.commit", lang), _commit_told(lang), False
    if date := epoch():
        yield say("page.built", lang), datetime.fromtimestamp(int(date), UTC).date().isoformat(), False


def _given(name: str, value: Any, lang: Lang) -> str:
    """Return a parameter in words; one without a name of ours as it is."""
    if f"page.parameter.{name}" not in catalogue():
        return f"{name} = {value}"
    if isinstance(value, Mapping):
        value = say("annual.list", lang).join(f"{item} = {file}" for item, file in value.items())
    elif name in ("region", "highlight"):
        value = place_name(str(value), lang)
    elif name in _TOLD:
        value = say(f"{_TOLD[name]}.{value}", lang)
    return say("page.parameter.given", lang, name=say(f"page.parameter.{name}", lang), value=value)


def _commit_told(lang: Lang) -> str:
    """Return the commit in words."""
    name, changed, _ = commit().partition(_CHANGED)
    if f"page.commit.{name}" in catalogue():
        return say(f"page.commit.{name}", lang)
    return say("page.modified", lang, commit=name) if changed else name


def _with_fonts(html: str, margins: str, lang: Lang) -> str:
    """Embed the characters that the page draws, or raise with everything that is wrong with it."""
    found = audit(html, lang=lang)
    if found.problems:
        raise RenderError(found.problems, lang)
    faces = fonts.face(found.text + margins), fonts.face(found.bold + margins, "Bold")
    return html.replace(_FACES, "\n".join(filter(None, faces)), 1)
