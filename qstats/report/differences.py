"""What changed between two editions of a report, and why: numbers, ranks, texts.

Pages are compared by what they say and by the unrounded numbers that they carry; the reason comes
from the manifests beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats.errors import DataError
from qstats.messages import say
from qstats.report import contents, manifest
from qstats.report.contents import Contents, Part, Table
from qstats.report.manifest import Entry

if TYPE_CHECKING:
    import pandas as pd

#: the columns of the table of changes
COLUMNS: Final = ("report", "section", "kind", "where", "old", "new", "change", "why")
_RANK: Final = re.compile(r"位次|排名|名次|\brank", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d+")
#: the inputs that are the method, and those that are the version
_METHOD: Final = ("notebook", "code")
_VERSION: Final = ("version", "commit", "lock", "python", "epoch")


class Comparison(NamedTuple):
    """The changes, one a row, and what may have caused them, one sentence each."""

    table: pd.DataFrame
    causes: tuple[str, ...]


class Change(NamedTuple):
    """One change: of a number, rank, text, row, table, section or report."""

    section: str
    kind: str
    where: str
    old: Any
    new: Any


class _Page(NamedTuple):
    path: Path
    entry: Entry | None


def compared(old: Path | str, new: Path | str, /, *, lang: str | None = None) -> Comparison:
    """Compare two editions.

    Parameters
    ----------
    old, new : path
        A page, a manifest, or a folder with a manifest. Reports are paired by kind, region and language,
        and by period where several would fit.
    lang : {"zh", "en"}, optional
        The language of the answer.

    Returns
    -------
    Comparison
        Columns ``report, section, kind, where, old, new, change, why``; empty when the two say the same.
        ``kind`` is number, rank, text, row, table, section or report; ``change`` is new − old of
        numbers; ``why`` names the inputs that differ: data, method, version, parameters.

    Raises
    ------
    DataError
        A file is missing or no report, or nothing can be paired.
    """
    import pandas as pd

    before, after = _pages(Path(old), lang), _pages(Path(new), lang)
    rows: list[dict[str, Any]] = []
    causes: list[str] = []
    for name, pair in _paired(before, after, lang):
        if pair[0] is None or pair[1] is None:
            rows.append(_row(name, Change("", "report", name, *(p and p.path.name for p in pair)), "", lang))
            continue
        found = list(changes(contents.read(pair[0].path), contents.read(pair[1].path)))
        given = _causes(pair[0].entry, pair[1].entry, lang) if found else {}
        why = say("publish.and", lang).join(say(f"publish.why.{cause}", lang) for cause in given)
        rows += [_row(name, change, why, lang) for change in found]
        causes += [text for text in given.values() if text not in causes]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(object)
    return Comparison(table.where(table.notna(), ""), tuple(causes))


def _row(name: str, change: Change, why: str, lang: str | None) -> dict[str, Any]:
    numbers = all(isinstance(v, int | float) for v in (change.old, change.new))
    return {
        "report": name,
        "section": change.section,
        "kind": say(f"publish.kind.{change.kind}", lang),
        "where": change.where,
        "old": change.old,
        "new": change.new,
        "change": change.new - change.old if numbers else None,
        "why": why,
    }


def _pages(path: Path, lang: str | None) -> dict[tuple[str, ...], _Page]:
    """Return pages by kind, region, language and period; a page without a manifest by its name."""
    if path.suffix == ".html":
        beside = path.parent / manifest.NAME
        known = manifest.read(beside, lang=lang).reports if beside.is_file() else {}
        for entry in known.values():
            if any(o["path"] == path.name and manifest.stands(path.parent, o) for o in entry["outputs"]):
                return {_place(entry): _Page(path, entry)}
        contents.read(path, lang=lang)
        return {("page", "", "", path.name): _Page(path, None)}
    where = manifest.located(path)
    found = {}
    for entry in manifest.read(where, lang=lang).reports.values():
        page = next((o["path"] for o in entry["outputs"] if o["format"] == "html"), None)
        if page is not None:
            found[_place(entry)] = _Page(where.parent / page, entry)
    return found


def _place(entry: Entry) -> tuple[str, ...]:
    given = dict(entry["parameters"])
    rest = [str(v) for k, v in given.items() if k not in ("region", "lang", "cells")]
    return str(entry["kind"]), str(given["region"]), str(given["lang"]), " ".join(rest)


def _paired(
    old: Mapping[tuple[str, ...], _Page], new: Mapping[tuple[str, ...], _Page], lang: str | None
) -> Iterator[tuple[str, tuple[_Page | None, _Page | None]]]:
    """Give pairs of the same report: the same period first, else the only one of the same kind and place."""
    if len(old) == 1 and len(new) == 1:
        page = next(iter(new.values()))
        yield page.path.stem, (next(iter(old.values())), page)
        return
    ours = {key: key for key in old if key in new}
    for key in sorted(set(old) - set(ours)):
        others = [k for k in new if k[:3] == key[:3] and k not in ours.values()]
        alone = len([k for k in old if k[:3] == key[:3] and k not in ours]) == 1
        if len(others) == 1 and alone:
            ours[key] = others[0]
    if not ours:
        raise DataError(say("publish.no_pair", lang))
    for key in sorted(old):
        yield old[key].path.stem, (old[key], new[ours[key]] if key in ours else None)
    for key in sorted(set(new) - set(ours.values())):
        yield new[key].path.stem, (None, new[key])


def changes(old: Contents, new: Contents, /) -> Iterator[Change]:
    """Give what changed from one page to another, section by section."""
    frames = [("", [p.title, p.subtitle, p.note, p.simulated]) for p in (old, new)]
    yield from _texts("", frames[0][1], frames[1][1])
    before, after = ({part.key: part for part in page.parts} for page in (old, new))
    for key in [*before, *(k for k in after if k not in before)]:
        if key not in before or key not in after:
            title = (before.get(key) or after[key]).title
            gone = key in before
            yield Change(title, "section", title, title if gone else None, None if gone else title)
            continue
        yield from _part(before[key], after[key])


def _part(old: Part, new: Part) -> Iterator[Change]:
    if old.title != new.title:
        yield Change(new.title, "text", "h2", old.title, new.title)
    yield from _texts(new.title, old.texts, new.texts)
    before, after = _by_caption(old.tables), _by_caption(new.tables)
    for key in [*before, *(k for k in after if k not in before)]:
        if key not in before or key not in after:
            caption = (before.get(key) or after[key]).caption
            gone = key in before
            yield Change(new.title, "table", caption, caption if gone else None, None if gone else caption)
            continue
        yield from _table(new.title, before[key], after[key])


def _by_caption(tables: Sequence[Table]) -> dict[tuple[str, int], Table]:
    """Return tables by caption without its numbers, which are another year's in another edition."""
    found: dict[tuple[str, int], Table] = {}
    for table in tables:
        name = _DIGITS.sub("#", table.caption)
        found[name, sum(1 for known, _ in found if known == name)] = table
    return found


def _texts(title: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Give sentences that were changed, taken away or added; replaced ones in pairs."""
    for mark, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if mark == "equal":
            continue
        for at in range(max(b - a, d - c)):
            before = old[a + at] if a + at < b else None
            after = new[c + at] if c + at < d else None
            yield Change(title, "text", "", before, after)


def _table(title: str, old: Table, new: Table) -> Iterator[Change]:
    for name, before, after in (("caption", old.caption, new.caption), ("unit", old.unit, new.unit)):
        if before != after:
            yield Change(title, "text", f"{new.caption} · {name}", before, after)
    yield from _texts(title, old.notes, new.notes)
    rows, others = _rows(old), _rows(new)
    for key in [*rows, *(k for k in others if k not in rows)]:
        where = " · ".join([new.caption, str(key[0])])
        if key not in rows or key not in others:
            gone = key in rows
            line = "; ".join(str(v) for v in (rows.get(key) or others[key]).values() if v is not None)
            yield Change(title, "row", where, line if gone else None, None if gone else line)
            continue
        yield from _cells(title, where, rows[key], others[key])


def _rows(table: Table) -> dict[tuple[Any, int], dict[tuple[str, int], Any]]:
    """Return rows by their first cell, cells by their heading; what repeats is counted."""
    header: list[tuple[str, int]] = []
    for name in table.header:
        header.append((name, sum(1 for known, _ in header if known == name)))
    found: dict[tuple[Any, int], dict[tuple[str, int], Any]] = {}
    for row in table.rows:
        again = sum(1 for known, _ in found if known == row[0])
        found[row[0], again] = dict(zip(header, row, strict=True))
    return found


def _cells(
    title: str, where: str, old: Mapping[tuple[str, int], Any], new: Mapping[tuple[str, int], Any]
) -> Iterator[Change]:
    for key in [*old, *(k for k in new if k not in old)]:
        before, after = old.get(key), new.get(key)
        if before == after and type(before) is type(after):
            continue
        numbers = any(isinstance(value, int | float) for value in (before, after))
        kind = "rank" if numbers and _RANK.search(key[0]) else "number" if numbers else "text"
        yield Change(title, kind, f"{where} · {key[0]}", before, after)


def _causes(old: Entry | None, new: Entry | None, lang: str | None) -> dict[str, str]:
    """Return what differs in the inputs of two pages, parameters, data, method, version: a sentence each."""
    if old is None or new is None:
        return {"unknown": say("publish.cause.unknown", lang)}
    parts = {"parameters": _parameters(old, new), "data": _data(old, new, lang)}
    for cause, names in (("method", _METHOD), ("version", _VERSION)):
        parts[cause] = [
            say(f"publish.input.{n}", lang) for n in names if old["inputs"].get(n) != new["inputs"].get(n)
        ]
    separator = say("publish.and", lang)
    given = {c: say(f"publish.cause.{c}", lang, names=separator.join(n)) for c, n in parts.items() if n}
    return given or {"none": say("publish.cause.none", lang)}


def _parameters(old: Entry, new: Entry) -> list[str]:
    before, after = old["parameters"], new["parameters"]
    names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
    return [f"{n} {before.get(n)} → {after.get(n)}" for n in names]


def _data(old: Entry, new: Entry, lang: str | None) -> list[str]:
    """Return the data sets of the pages that differ, with their vintages; or that other data do."""
    before, after = ({d["name"]: d for d in entry["datasets"]} for entry in (old, new))
    none = say("publish.none", lang)
    found = []
    for name in sorted({**before, **after}):
        a, b = before.get(name), after.get(name)
        if (a or {}).get("sha256") != (b or {}).get("sha256"):
            vintages = " → ".join(str(d["vintage"]) if d else none for d in (a, b))
            found.append(f"{name} ({vintages})")
    same = all(old["inputs"].get(name) == new["inputs"].get(name) for name in ("data", "cells"))
    return found or ([] if same else [say("publish.input.data", lang)])
