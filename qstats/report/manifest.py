"""The manifest of a folder of reports: which pages are there, from what they were made, and what failed.

``manifest.json`` is text: entries sorted by name, no dates and no paths of a machine, so that the same
pages give the same manifest. A file is named relative to the manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from qstats.errors import DataError, one_of
from qstats.files import write_atomic
from qstats.messages import language, say
from qstats.report import cache
from qstats.report.editions import Edition
from qstats.report.kinds import KINDS

NAME: Final = "manifest.json"
FORMAT: Final = "qstats-manifest/1"
#: the folder of logs of failures, beside the manifest
LOGS: Final = "failed"

#: one report, or one failure, as JSON has it
Entry = dict[str, Any]

_PATH = re.compile(r"(?:[A-Za-z]:)?[\\/](?:[^\\/\s:'\"]+[\\/])+([^\\/\s:'\"]+)")


class Manifest(NamedTuple):
    """What a manifest says.

    Attributes
    ----------
    reports : dict of str → dict
        By name: ``kind, parameters, key, inputs, datasets, outputs, warnings``.
    failed : dict of str → dict
        By name: ``kind, parameters, error, message, log``.
    packages : dict of str → dict
        The versions of packages, by the hash that inputs name as ``lock``.
    files : dict of str → dict
        The sha256 of every file, by the hash that inputs name as ``data`` or ``code``: which data set, which
        framework, which formula was another is then known.
    """

    reports: dict[str, Entry]
    failed: dict[str, Entry]
    packages: dict[str, dict[str, str]]
    files: dict[str, dict[str, str]]


def empty() -> Manifest:
    """Return a manifest of nothing."""
    return Manifest({}, {}, {}, {})


def located(path: Path | str, /) -> Path:
    """Return the path of a manifest, given itself or its folder."""
    path = Path(path)
    return path / NAME if path.is_dir() else path


def read(path: Path | str, /, *, lang: str | None = None) -> Manifest:
    """Return what a manifest says, given its path or its folder.

    Raises
    ------
    DataError
        There is none, or it is not one that this version writes.
    """
    path = located(path)
    if not path.is_file():
        raise DataError(say("publish.no_manifest", lang, path=path))
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["format"] != FORMAT:
            raise DataError(say("publish.other_manifest", lang, path=path, format=known["format"]))
        reports = {_plain(one.pop("name")): one for one in known["reports"]}
        failed = {_plain(one.pop("name")): one for one in known["failed"]}
        for name, one in reports.items():
            _require_report(name, one)
        for name, one in failed.items():
            _require(name, one, {"kind": str, "parameters": dict, "error": str, "message": str, "log": str})
            _plain(one["log"].removeprefix(f"{LOGS}/"), name)
        packages, files = dict(known["packages"]), dict(known.get("files", {}))
        for one in (*packages.values(), *files.values()):
            dict(one)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        fault = f"{type(error).__name__}: {error}"[:200]
        raise DataError(say("publish.broken_manifest", lang, path=path, fault=fault)) from error
    return Manifest(reports, failed, packages, files)


def _plain(name: Any, of: str = "name", /) -> str:
    """Return the name of a file, or raise ValueError when it leads out of its folder."""
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", "..") or "\0" in name:
        raise ValueError(f"{of}: {name!r:.80}")
    return name


def _require(name: str, entry: Any, parts: Mapping[str, type | tuple[type, ...]], /) -> None:
    """Raise ValueError unless a part of a manifest has these parts, each of its type."""
    for part, kind in parts.items():
        if not isinstance(entry[part], kind):
            raise ValueError(f"{name}: {part} = {entry[part]!r:.80}")


def _require_report(name: str, entry: Entry) -> None:
    """Raise ValueError unless an entry is that of a report, whose files lie beside the manifest."""
    _require(name, entry, {"kind": str, "parameters": dict, "key": str, "inputs": dict})
    _require(name, entry, {"datasets": list, "outputs": list})
    one_of("kind", entry["kind"], list(KINDS))
    _require(name, entry["parameters"], {"lang": str, "region": str})
    language(entry["parameters"]["lang"])
    _require(name, {"cells": {}, **entry["parameters"]}, {"cells": dict})
    made_from = {"editorial": {}, "epoch": None, "data": "", "code": "", **entry["inputs"]}
    _require(name, made_from, {"notebook": dict, "lock": str, "data": str, "code": str})
    _require(name, made_from, {"editorial": dict, "cells": list, "epoch": (str, type(None))})
    _require(name, made_from["notebook"], {"name": str, "sha256": str})
    for words, digest in made_from["editorial"].items():
        _ = _plain(words, name), _plain(digest, name)
    for each in made_from["cells"]:
        _require(name, each, {"item": str, "name": str, "sha256": str})
    for each in entry["datasets"]:
        _require(name, each, {"name": str, "sha256": str})
    for each in entry["outputs"]:
        _require(name, each, {"path": str, "format": str, "sha256": str, "bytes": int})
        _plain(each["path"], name)


def write(folder: Path, manifest: Manifest, /) -> Path:
    """Write a manifest into its folder, whole or not at all."""
    inputs = [one["inputs"] for one in manifest.reports.values()]
    locks, sums = {one["lock"] for one in inputs}, {one.get(n) for one in inputs for n in ("data", "code")}
    whole = {
        "format": FORMAT,
        "reports": [{"name": name, **one} for name, one in sorted(manifest.reports.items())],
        "failed": [{"name": name, **one} for name, one in sorted(manifest.failed.items())],
        "packages": {lock: manifest.packages[lock] for lock in sorted(locks) if lock in manifest.packages},
        "files": {one: manifest.files[one] for one in sorted(filter(None, sums)) if one in manifest.files},
    }
    text = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
    with write_atomic(folder / NAME) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return folder / NAME


def entry(
    edition: Edition,
    made_from: Mapping[str, Any],
    datasets: Sequence[Mapping[str, Any]],
    outputs: Iterable[Entry],
    warnings: Sequence[str],
    /,
) -> Entry:
    """Return the entry of a finished page; its data sets are named with their vintage."""
    known = cache.vintages()
    return {
        "kind": edition.kind,
        "parameters": edition.injected,
        "key": cache.key(edition, dict(made_from)),
        "inputs": dict(made_from),
        "datasets": [
            {"name": d["name"], "vintage": known.get(d["name"], d["sha256"][:12]), **_rest(d)}
            for d in datasets
        ],
        "outputs": sorted(outputs, key=lambda output: str(output["path"])),
        "warnings": list(warnings),
    }


def _rest(dataset: Mapping[str, Any]) -> Entry:
    return {name: dataset[name] for name in ("sha256", "rows")}


def output(path: Path, form: str, /) -> Entry:
    """Return how a file stands in a manifest."""
    content = path.read_bytes()
    return {"path": path.name, "format": form, "sha256": sha256(content).hexdigest(), "bytes": len(content)}


def edition(entry: Entry, /) -> Edition:
    """Return the edition that an entry describes."""
    given = dict(entry["parameters"])
    lang, cells = language(given.pop("lang")), given.pop("cells", {})
    return Edition(str(entry["kind"]), tuple(given.items()), lang, tuple(sorted(cells.items())))


def stands(folder: Path, output: Entry, /) -> bool:
    """Return whether a file is there and is the one that the manifest means."""
    path = folder / output["path"]
    return path.is_file() and cache.digest(path) == str(output["sha256"])


def portable(text: str, /) -> str:
    """Return a text in which paths of this machine are cut to their last part.

    Examples
    --------
    >>> portable("cannot read /home/ann/data/a.csv: no such file")
    'cannot read a.csv: no such file'
    """
    return _PATH.sub(r"\1", text)
