"""Which inputs of a page differ between two editions, and which of them a change can come from.

A cause is one of these: other *parameters* were asked for; *data* (a data set, micro-data); *method* (the
notebook, a formula, a framework, a target, a classification); *editorial* (words of an editor); *version*
(the code that prints, packages, the date); *unknown*, where a page has no manifest; *none*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from qstats.datasets import catalog, load
from qstats.messages import say
from qstats.report.manifest import Entry, Manifest

Cause = Literal["parameters", "data", "method", "editorial", "version", "unknown", "none"]

#: of each kind of input; of any other it is the version
_CAUSES: Final[dict[str, Cause]] = {
    "dataset": "data",
    "data": "data",
    "cells": "data",
    "notebook": "method",
    "code": "method",
    "seed": "method",
    "editorial": "editorial",
}
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


class Difference(NamedTuple):
    """What differs: the kind of input, its name ("" where there is but one), what it was and is."""

    what: str
    name: str
    old: Any
    new: Any


def differences(old: Entry, new: Entry, before: Manifest, after: Manifest, /) -> Iterator[Difference]:
    """Give each input that differs between two reports, given their manifests; parameters apart.

    Of packages, of the code and of its data the files come as well where both manifests list them. Published
    figures among these are left out: data sets are known by name.
    """
    yield from _each("dataset", *({d["name"]: d["sha256"] for d in each["datasets"]} for each in (old, new)))
    then, now = old["inputs"], new["inputs"]
    yield from _files(then, now, "data", before, after)
    micro = ({f["name"]: f["sha256"] for f in each.get("cells") or ()} for each in (then, now))
    yield from _each("cells", *micro)
    a, b = then["notebook"], now["notebook"]
    if a["sha256"] != b["sha256"]:
        yield Difference("notebook", b["name"], a["sha256"], b["sha256"])
    yield from _files(then, now, "code", before, after)
    yield from _each("editorial", then.get("editorial") or {}, now.get("editorial") or {})
    if then["lock"] != now["lock"]:
        listed = (known.packages.get(each["lock"], {}) for known, each in ((before, then), (after, now)))
        packages = list(_each("package", *listed))
        yield from packages or [Difference("lock", "", then["lock"], now["lock"])]
    for what in ("version", "commit", "python", "epoch", "seed"):
        if then.get(what) != now.get(what):
            yield Difference(what, "", then.get(what), now.get(what))


def _each(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({**old, **new}):
        if old.get(name) != new.get(name):
            yield Difference(what, name, old.get(name), new.get(name))


def _files(
    then: Mapping[str, Any], now: Mapping[str, Any], what: str, before: Manifest, after: Manifest
) -> Iterator[Difference]:
    """Give the hash of all files of the code, or of its data, and that of each."""
    a, b = str(then.get(what)), str(now.get(what))
    if a == b:
        return
    yield Difference(what, "", a, b)
    if a in before.files and b in after.files:
        for one in _each(what, before.files[a], after.files[b]):
            if what == "code" or not (one.name.startswith("published/") or one.name == "datapackage.json"):
                yield one


def differing(old: Entry, new: Entry, before: Manifest, after: Manifest, /) -> list[Input]:
    """Return every input that differs between two reports, given their manifests as well.

    That some file of the code or of its data is another says nothing where the files are listed, and of data
    nothing where a data set is known to differ.
    """
    found = [Input("parameters", *one[1:]) for one in _each("", old["parameters"], new["parameters"])]
    for one in differences(old, new, before, after):
        if one.what in ("data", "code") and not one.name:
            listed = one.old in before.files and one.new in after.files
            if listed or (one.what == "data" and found):
                continue
        name = f"{one.what} {one.name}" if one.what in ("notebook", "package") else one.name or one.what
        own = Input(_cause(one), name, one.old, one.new)
        found += [] if own in found else [own]
    return found


def _cause(one: Difference) -> Cause:
    if one.what in ("data", "code") and one.name:
        return "version" if _printing(one.name) else "method"
    return _CAUSES.get(one.what, "version")


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
    return one.cause == "version" and _printing(one.name)


def _printing(name: str) -> bool:
    """Whether a file of the package prints numbers and makes none."""
    return name.startswith(_PRINTING) or name in _WORDS


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
