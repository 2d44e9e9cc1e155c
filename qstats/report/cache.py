"""What a page was made from, as hashes: the same inputs give the same bytes, so nothing need be rebuilt."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from qstats.files import data_root
from qstats.report import editorial, microdata, publish, render
from qstats.report.editions import Edition

#: what of the package decides how a page looks
_CODE: Final = ("*.py", "*.csv", "*.css", "*.j2", "*.ttf")


def inputs(edition: Edition, /) -> dict[str, Any]:
    """Return everything a page depends on, each as a name or a hash; no path of this machine.

    Returns
    -------
    dict
        The same for all editions of a kind with the same cells: ``notebook`` (name, sha256), ``data``
        (sha256 over all bundled files), ``editorial`` (sha256 of the files of an editor, by name), ``cells``
        (item, name, sha256 of each file of micro-data), ``code`` (sha256 over the package), ``version``,
        ``commit``, ``lock`` (sha256 over the versions of all packages used), ``python``, ``epoch``
        (``SOURCE_DATE_EPOCH``, or None), ``seed``.
    """
    notebook, words = publish.notebook(edition.kind), dict(edition.parameters).get("editorial")
    files = [{"item": key, **microdata.described(file)} for key, file in edition.cells]
    return {
        "notebook": {"name": notebook.name, "sha256": digest(notebook)},
        "data": data(),
        "editorial": editorial.described(str(words) if words else notebook.stem),
        "cells": [{name: file[name] for name in ("item", "name", "sha256")} for file in files],
        "code": code(),
        "version": version(),
        "commit": render.commit(),
        "lock": lock(),
        "python": platform.python_version(),
        "epoch": render.epoch(),
        "seed": None,
    }


def key(edition: Edition, made_from: dict[str, Any], /) -> str:
    """Return the hash of an edition and its inputs: the name of the page among all that could be."""
    whole = {"kind": edition.kind, "parameters": edition.injected, "inputs": made_from}
    return sha256(json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def digest(path: Path, /) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def vintages() -> dict[str, str]:
    """Return the vintage of every bundled data set: as its entry says, else the start of its hash.

    Examples
    --------
    >>> len(vintages()["mqr"]) >= 4
    True
    """
    package = json.loads((data_root() / "datapackage.json").read_text(encoding="utf-8"))
    return {
        item["name"]: str(item.get("vintage") or item["hash"].removeprefix("sha256:")[:12])
        for item in package["resources"]
    }


def data() -> str:
    """Return the hash of all bundled data, as they lie on disk when this process first asks."""
    return _together(data_files())


def code() -> str:
    """Return the hash of the package's own files."""
    return _together(code_files())


@cache
def data_files() -> dict[str, str]:
    """Return the hash of every bundled file of data, by its path.

    Examples
    --------
    >>> len(data_files()["frameworks/qci.csv"])
    64
    """
    root = data_root()
    return _hashed(root, (path for path in root.rglob("*") if path.is_file()))


@cache
def code_files() -> dict[str, str]:
    """Return the hash of every file of the package that decides how a page looks, by its path."""
    root = Path(__file__).resolve().parents[1]
    return _hashed(root, (path for pattern in _CODE for path in root.rglob(pattern)))


def _hashed(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    names = {path.relative_to(root).as_posix(): path for path in paths}
    own = sorted(name for name in names if not name.startswith(("_data/", "_notebooks/")))
    return {name: digest(names[name]) for name in own}


def _together(files: dict[str, str]) -> str:
    """Return one hash over the names and contents of files."""
    return sha256("".join(f"{name}\0{found}\n" for name, found in files.items()).encode()).hexdigest()


def version() -> str:
    """Return the version of this package."""
    return str(sys.modules["qstats"].__version__)


@cache
def packages() -> dict[str, str]:
    """Return the versions of all installed packages that a report uses, by name."""
    found: dict[str, str] = {}
    waiting = _required("qstats", ("report",))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        waiting |= _required(name, ())
    return dict(sorted(found.items()))


def _required(name: str, extras: tuple[str, ...]) -> set[str]:
    """Return the names that a package requires, with those of its extras."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    wanted = set()
    for line in lines:
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
        if extra is None or extra[1] in extras:
            wanted.add(re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0].lower().replace("_", "-"))
    return wanted


def lock() -> str:
    """Return the hash of the versions of the packages."""
    return sha256(json.dumps(packages()).encode()).hexdigest()
