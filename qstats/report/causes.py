"""Which inputs of a page differ between two editions, and which of them a change can come from.

A cause is one of these: other *parameters* were asked for; *data* (a data set, micro-data); *method* (the
notebook, a formula, a framework, a target, a classification); *editorial* (words of an editor); *version*
(the code that prints, packages, the date); *unknown*, where a page has no manifest; *none*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from qstats.datasets import catalog, load
from qstats.messages import say
from qstats.report.manifest import Entry, Manifest

Cause = Literal["parameters", "data", "method", "editorial", "version", "unknown", "none"]

#: folders and modules of the package that print numbers and do not make them
_PRINTING: Final = ("report/", "assets/", "commands/", "cli.py", "plot.py", "display.py", "wording.py")
_WORDS: Final = ("messages.py", "tracebacks.py", "labels.csv")
_SHORT: Final = 12
#: so many files are named in a sentence
_NAMED: Final = 4


class Input(NamedTuple):
    """An input that differs.

    Attributes
    ----------
    cause : {"parameters", "data", "method", "editorial", "version"}
    name : str
        ``mqr``, ``frameworks/qci.csv``, ``notebook annual_report.ipynb``, ``stats/rates.py``
    old, new : str or None
        The sha256 of a file, the value of anything else; None where there is none.
    """

    cause: Cause
    name: str
    old: Any
    new: Any


def differing(old: Entry, new: Entry, before: Manifest, after: Manifest, /) -> list[Input]:
    """Return every input that differs between two reports, given their manifests as well."""
    found: list[Input] = []
    a, b = old["parameters"], new["parameters"]
    found += _each("parameters", a, b)
    sets = [{d["name"]: d["sha256"] for d in entry["datasets"]} for entry in (old, new)]
    found += _each("data", *sets)
    used = {f"published/{name}.csv" for each in sets for name in each}
    then, now = old["inputs"], new["inputs"]
    found += _files(then, now, "data", before, after, used, bool(found))
    micro = [{f["name"]: f["sha256"] for f in each.get("cells") or ()} for each in (then, now)]
    found += [one for one in _each("data", *micro) if one not in found]
    note = [each["notebook"] for each in (then, now)]
    if note[0]["sha256"] != note[1]["sha256"]:
        found.append(Input("method", f"notebook {note[1]['name']}", note[0]["sha256"], note[1]["sha256"]))
    found += _files(then, now, "code", before, after, set(), False)
    found += _each("editorial", then.get("editorial") or {}, now.get("editorial") or {})
    packages = [known.packages.get(each["lock"], {}) for known, each in ((before, then), (after, now))]
    found += _each("version", *packages, prefix="package ")
    if then["lock"] != now["lock"] and packages[0] == packages[1]:
        found.append(Input("version", "lock", then["lock"], now["lock"]))
    for name in ("version", "commit", "python", "epoch"):
        found += _each("version", {name: then.get(name)}, {name: now.get(name)})
    return found


def _each(cause: Cause, old: Mapping[str, Any], new: Mapping[str, Any], *, prefix: str = "") -> list[Input]:
    names = sorted({**old, **new})
    return [Input(cause, prefix + n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)]


def _files(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    what: str,
    before: Manifest,
    after: Manifest,
    used: Collection[str],
    known: bool,
) -> Iterator[Input]:
    """Give the files of the package or of its data that differ, or that some do where they are not listed.

    Of published figures only those that the pages rest on count, and these are known by their data sets.
    """
    a, b = str(then.get(what)), str(now.get(what))
    if a == b:
        return
    old, new = before.files.get(a), after.files.get(b)
    if old is None or new is None:
        if not known:
            yield Input("data" if what == "data" else "method", what, a, b)
        return
    for one in _each("method", old, new):
        if what == "data" and (one.name in used or one.name.startswith("published/")):
            continue
        if what == "data" and one.name == "datapackage.json":
            continue  # it describes the others
        printing = one._replace(cause="version")
        yield printing if _prints(printing) else one


def able(inputs: Sequence[Input], kind: str, where: str, edited: bool, /) -> list[Input]:
    """Return the inputs that can have moved one thing of a page.

    Words of an editor move only the paragraphs that they replace, and where they differ such a paragraph
    moved with them. A number whose row is an item of the reports moves with the data sets of its series.
    Code that prints moves texts and no numbers. Other parameters, when they differ, are the reason for
    everything; packages, the commit and the date are where nothing else is.
    """
    asked = [one for one in inputs if one.cause == "parameters"]
    if asked:
        return asked
    words = [one for one in inputs if one.cause == "editorial"]
    if edited and words:
        return words
    rest = [one for one in inputs if one.cause != "editorial"]
    data = [one for one in rest if one.cause == "data"]
    if kind in ("number", "rank") and len(data) > 1:
        own = _sets_of(where)
        mine = [one for one in data if one.name in own]
        rest = [one for one in rest if one.cause != "data" or one in mine] if mine else rest
    prints = kind not in ("number", "rank")
    moving = [one for one in rest if one.cause in ("data", "method") or (prints and _prints(one))]
    return moving or rest


def _prints(one: Input) -> bool:
    """Whether an input is code that prints, or words of it."""
    return one.cause == "version" and (one.name.startswith(_PRINTING) or one.name in _WORDS)


def _sets_of(where: str) -> frozenset[str]:
    """Return the data sets of the items that a place on a page names."""
    parts = {part.strip() for part in where.split("\u00b7")}
    return frozenset(name for label, sets in _items().items() if label in parts for name in sets)


@cache
def _items() -> dict[str, frozenset[str]]:
    """Return the published data sets that feed each item of the reports, by its names."""
    names = catalog().query("kind == 'published'")["name"].tolist()
    series = {name: set(load(name)["series"]) for name in names}
    found: dict[str, frozenset[str]] = {}
    for item in load("report_items").to_dict("records"):
        wanted = {item[part] for part in ("series", "complement", "sampled", "failed", "passed")} - {""}
        sets = frozenset(name for name, has in series.items() if has & wanted)
        for lang in ("zh", "en"):
            found[str(item[lang])] = found.get(str(item[lang]), frozenset()) | sets
    return found


def sentences(inputs: Sequence[Input], lang: str | None, /) -> list[str]:
    """Return what differs, a sentence a cause: names, with the start of the sha256 before and after."""
    if not inputs:
        return [say("publish.cause.none", lang)]
    return [
        say(f"publish.cause.{cause}", lang, names=say("publish.and", lang).join(_named(those, lang)))
        for cause, those in _by_cause(inputs).items()
    ]


def short(inputs: Sequence[Input], lang: str | None, /) -> str:
    """Return the reason for one change: each cause with the names of its inputs."""
    if not inputs:
        return say("publish.why.none", lang)
    return "; ".join(
        say("publish.why.named", lang, cause=say(f"publish.why.{c}", lang), names=", ".join(_some(those)))
        for c, those in _by_cause(inputs).items()
    )


def _by_cause(inputs: Sequence[Input]) -> dict[str, list[Input]]:
    found: dict[str, list[Input]] = {}
    for one in inputs:
        found.setdefault(one.cause, []).append(one)
    return found


def _some(those: Sequence[Input]) -> list[str]:
    names = [one.name for one in those]
    return names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"… ({len(names)})"]


def _named(those: Sequence[Input], lang: str | None) -> Iterator[str]:
    none = say("publish.none", lang)
    for one in those[: 3 * _NAMED]:
        a, b = (none if value is None else str(value)[:_SHORT] for value in (one.old, one.new))
        yield f"{one.name} ({a} → {b})"
    if len(those) > 3 * _NAMED:
        yield f"… ({len(those)})"
