"""What changed between two editions of a report, and why: numbers, ranks, texts.

Pages are compared by what they say and by the unrounded numbers that they carry; the reason comes
from the manifests beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qstats.errors import DataError
from qstats.messages import say
from qstats.report import causes, contents, manifest
from qstats.report.contents import Contents, Part, Table
from qstats.report.manifest import Entry, Manifest

if TYPE_CHECKING:
    import pandas as pd

#: the columns of the table of changes
COLUMNS: Final = ("report", "section", "kind", "where", "old", "new", "change", "why")
_RANK: Final = re.compile(r"位次|排名|名次|\brank", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d+")
#: what the machine-readable form is called
FORMAT: Final = "qstats-diff/1"


class Comparison(NamedTuple):
    """What changed and why.

    Attributes
    ----------
    table : pandas.DataFrame
        The changes, one a row: ``report, section, kind, where, old, new, change, why``, in words.
    causes : tuple of str
        What differs among the inputs, a sentence a cause.
    changes : tuple of dict
        The same changes for a program: ``kind`` and ``causes`` are codes of this module and of
        :mod:`qstats.report.causes`, ``inputs`` the names of what can have moved this number or text.
    inputs : tuple of dict
        ``report, cause, name, old, new``: every input that differs, files by their whole sha256.
    """

    table: pd.DataFrame
    causes: tuple[str, ...]
    changes: tuple[dict[str, Any], ...] = ()
    inputs: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> str:
        """Return changes and inputs as JSON."""
        whole = {"format": FORMAT, "changes": list(self.changes), "inputs": list(self.inputs)}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


class Change(NamedTuple):
    """One change: of a number, rank, text, row, table, section or report."""

    section: str
    kind: str
    where: str
    old: Any
    new: Any
    edited: bool = False


class _Page(NamedTuple):
    path: Path
    entry: Entry | None
    known: Manifest | None


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
        numbers; ``why`` names the inputs that differ and can have moved it: data, method, version,
        editorial, parameters; see :func:`qstats.report.causes.able`. Where several are named, which of
        them it was only a rebuild with one of them changed would tell.

    Raises
    ------
    DataError
        A file is missing or no report, or nothing can be paired.
    """
    import pandas as pd

    before, after = _pages(Path(old), lang), _pages(Path(new), lang)
    rows: list[dict[str, Any]] = []
    plain: list[dict[str, Any]] = []
    told: list[str] = []
    inputs: list[dict[str, Any]] = []
    for name, pair in _paired(before, after, lang):
        found, given = _compared(name, *pair)
        for change in found:
            able = None if given is None else causes.able(given, change.kind, change.where, change.edited)
            why = say("publish.why.unknown", lang) if able is None else causes.short(able, lang)
            if change.kind == "report":
                able, why = [], ""
            rows.append(_row(name, change, why, lang))
            plain.append(_coded(name, change, able))
        if found and found[0].kind != "report":
            said = [say("publish.cause.unknown", lang)] if given is None else causes.sentences(given, lang)
            told += [text for text in said if text not in told]
            inputs += [{"report": name, **one._asdict()} for one in given or ()]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(object)
    return Comparison(table.where(table.notna(), ""), tuple(told), tuple(plain), tuple(inputs))


def _compared(
    name: str, old: _Page | None, new: _Page | None
) -> tuple[list[Change], list[causes.Input] | None]:
    """Return the changes of one report and the inputs that differ; None where these are not known."""
    if old is None or new is None:
        there = [None if page is None else page.path.name for page in (old, new)]
        return [Change("", "report", name, there[0], there[1])], None
    found = list(changes(contents.read(old.path), contents.read(new.path)))
    if old.entry is None or new.entry is None or old.known is None or new.known is None:
        return found, None
    return found, causes.differing(old.entry, new.entry, old.known, new.known)


def _change_of(change: Change) -> float | int | None:
    numbers = all(isinstance(v, int | float) for v in (change.old, change.new))
    return change.new - change.old if numbers else None


def _row(name: str, change: Change, why: str, lang: str | None) -> dict[str, Any]:
    return {
        "report": name,
        "section": change.section,
        "kind": say(f"publish.kind.{change.kind}", lang),
        "where": change.where,
        "old": change.old,
        "new": change.new,
        "change": _change_of(change),
        "why": why,
    }


def _coded(name: str, change: Change, able: Sequence[causes.Input] | None) -> dict[str, Any]:
    """Return a change for a program."""
    codes = ["unknown"] if able is None else list(dict.fromkeys(one.cause for one in able)) or ["none"]
    return {
        "report": name,
        "section": change.section,
        "kind": change.kind,
        "where": change.where,
        "old": change.old,
        "new": change.new,
        "change": _change_of(change),
        "causes": codes if change.kind != "report" else [],
        "inputs": [one.name for one in able or ()],
    }


def _pages(path: Path, lang: str | None) -> dict[tuple[str, ...], _Page]:
    """Return pages by kind, region, language and period; a page without a manifest by its name."""
    if path.suffix == ".html":
        beside = path.parent / manifest.NAME
        known = manifest.read(beside, lang=lang) if beside.is_file() else manifest.empty()
        for entry in known.reports.values():
            if any(o["path"] == path.name and manifest.stands(path.parent, o) for o in entry["outputs"]):
                return {_place(entry): _Page(path, entry, known)}
        contents.read(path, lang=lang)
        return {("page", "", "", path.name): _Page(path, None, None)}
    where = manifest.located(path)
    found = {}
    known = manifest.read(where, lang=lang)
    for entry in known.reports.values():
        page = next((o["path"] for o in entry["outputs"] if o["format"] == "html"), None)
        if page is not None:
            found[_place(entry)] = _Page(where.parent / page, entry, known)
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
    words = {*old.edited, *new.edited}
    for change in _texts(new.title, old.texts, new.texts):
        yield change._replace(edited=bool(words & {change.old, change.new}))
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
