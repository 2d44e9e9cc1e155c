"""The page that lists the reports of a folder: one a language, with the look of the reports, offline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from qstats import classifications
from qstats.errors import DataError
from qstats.files import write_atomic
from qstats.messages import Lang, say
from qstats.report import cache as made
from qstats.report import fonts, manifest
from qstats.report.audit import audit
from qstats.report.kinds import KINDS
from qstats.report.manifest import Entry, Manifest
from qstats.report.names import place_name
from qstats.report.page import html_lang, stylesheet
from qstats.report.render import RenderError

_FACES: Final = "/* fonts */"
_NAMES: Final = {"html": "HTML", "pdf": "PDF", "xlsx": "XLSX", "csv": "CSV", "sdmx": "SDMX-CSV"}
_LANGUAGES: Final[dict[Lang, str]] = {"zh": "中文", "en": "English"}


class Row(NamedTuple):
    """A report in the list."""

    place: str
    page: str
    files: list[tuple[str, str]]
    size: str
    data: str


class Group(NamedTuple):
    """The reports of one kind and period."""

    title: str
    rows: list[Row]


def write(folder: Path, known: Manifest, /) -> Path | None:
    """Write the list of a folder: ``index.html``, and ``index.en.html`` where there are both languages.

    A folder with fewer than two reports, counting those that failed, has none.
    """
    spoken = [lang for lang in _LANGUAGES if any(_lang(one) == lang for one in known.reports.values())]
    about = {str({**one["parameters"], "lang": ""}) + one["kind"] for one in known.reports.values()}
    if len(about) + len(known.failed) < 2 or not spoken:
        return None
    names = {lang: "index.html" if at == 0 else f"index.{lang}.html" for at, lang in enumerate(spoken)}
    for lang in spoken:
        with write_atomic(folder / names[lang]) as temporary:
            temporary.write_text(html(known, lang, names), encoding="utf-8", newline="\n")
    return folder / names[spoken[0]]


def require_own(folder: Path, /) -> None:
    """Raise DataError when the list would replace a page that is not one of ours."""
    for name in ("index.html", *(f"index.{lang}.html" for lang in _LANGUAGES)):
        path = folder / name
        if path.is_file() and b'name="generator" content="qstats' not in path.read_bytes():
            raise DataError(say("publish.index_not_ours", path=path))


def html(known: Manifest, lang: Lang, names: dict[Lang, str], /) -> str:
    """Return the list in a language.

    Raises
    ------
    RenderError
        The page has a fault.
    """
    from markupsafe import Markup

    groups = list(_groups(known, lang))
    page = _template(lang).render(
        html_lang=html_lang(lang),
        count=sum(len(group.rows) for group in groups),
        others=[
            (name, _LANGUAGES[other], html_lang(other)) for other, name in names.items() if other != lang
        ],
        groups=groups,
        failed=[(name, one["message"], quote(one["log"])) for name, one in sorted(known.failed.items())],
        version=f"qstats {made.version()}",
        copyright=fonts.COPYRIGHT,
        css=Markup(stylesheet()),
        faces=_FACES,
    )
    text = str(page)
    found = audit(_without_links(text, known, names), lang=lang)
    if found.problems:
        raise RenderError(found.problems, lang)
    faces = fonts.face(found.text), fonts.face(found.bold, "Bold")
    return text.replace(_FACES, "\n".join(filter(None, faces)), 1)


def _lang(entry: Entry) -> str:
    return str(entry["parameters"]["lang"])


def _without_links(text: str, known: Manifest, names: dict[Lang, str]) -> str:
    """Return the page with its links to files of the same folder taken out: they are no fault here."""
    own = [o["path"] for one in known.reports.values() for o in one["outputs"]]
    own += [one["log"] for one in known.failed.values()]
    for path in [manifest.NAME, *names.values(), *map(quote, own)]:
        text = text.replace(f'href="{path}"', 'href="#text"')
    return text


def _groups(known: Manifest, lang: Lang) -> Iterator[Group]:
    """Give the reports of a language by kind and period, newest first, regions in their official order."""
    places = {name: at for at, name in enumerate(classifications.regions()["name"])}

    def order(entry: Entry) -> tuple[Any, ...]:
        return _title(entry, lang), places.get(entry["parameters"]["region"], len(places))

    chosen = sorted((one for one in known.reports.values() if _lang(one) == lang), key=order, reverse=False)
    grouped = [Group(title, [_row(one, lang) for one in ones]) for title, ones in _by_title(chosen, lang)]
    yield from reversed(grouped)


def _by_title(entries: list[Entry], lang: Lang) -> Iterator[tuple[str, list[Entry]]]:
    for title, ones in groupby(entries, key=lambda one: _title(one, lang)):
        yield title, list(ones)


def _title(entry: Entry, lang: Lang) -> str:
    """Return the kind of a report and its parameters beside the region."""
    title, *_ = KINDS[entry["kind"]].headings(entry["parameters"], lang)
    rest = [
        say(f"special.topic.{v}", lang)
        if k == "topic"
        else place_name(v, lang)
        if k == "highlight"
        else str(v)
        for k, v in entry["parameters"].items()
        if k not in ("region", "lang", "cells")
    ]
    return " ".join([title, *rest])


def _row(entry: Entry, lang: Lang) -> Row:
    files = {output["format"]: output for output in entry["outputs"]}
    page = files.get("html", entry["outputs"][0])
    return Row(
        place_name(entry["parameters"]["region"], lang),
        quote(page["path"]),
        [(quote(files[form]["path"]), name) for form, name in _NAMES.items() if form in files],
        f"{page['bytes'] / 1000:,.0f} KB",
        str(entry["inputs"]["data"]),
    )


@cache
def _template(lang: Lang) -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.globals["say"] = lambda key, **values: say(key, lang, **values)
    source = (files("qstats") / "assets" / "index.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
