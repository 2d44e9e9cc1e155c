"""A published page made again from its manifest: byte for byte, or with the inputs that differ named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from qstats.errors import DataError, QStatsError, nearest
from qstats.files import data_root
from qstats.messages import say
from qstats.report import batch, cache, editorial, kept_words, manifest, microdata
from qstats.report.causes import Difference, differences
from qstats.report.editions import Edition
from qstats.report.manifest import Entry, Manifest

Status = Literal["identical", "different", "changed"]


class Rebuilt(NamedTuple):
    """A report made again.

    Attributes
    ----------
    name : str
    status : {"identical", "different", "changed"}
        ``changed``: it was made again as the manifest says, but the file on disk is another.
    files : tuple of str
        All files that are identical, else those that are not.
    inputs : tuple of str
        The inputs that differ from those of the manifest, each with what it was and is: of files the
        sha256, old and new.
    """

    name: str
    status: Status
    files: tuple[str, ...]
    inputs: tuple[str, ...]


def rebuild(
    path: Path | str,
    /,
    *,
    names: Sequence[str] = (),
    cells: Mapping[str, Path | str] | None = None,
    from_commit: bool = False,
    lang: str | None = None,
) -> list[Rebuilt]:
    """Make the reports of a manifest again, in a folder of their own, and compare every file.

    The words of editors are those kept below the manifest; one that was changed or taken away since is
    named. Nothing of the manifest tells where anything lay on the machine that made it.

    Parameters
    ----------
    path : path
        A manifest or its folder; nothing in it is changed.
    names : sequence of str
        Only these reports.
    cells : mapping of item → path, optional
        Where the files of micro-data lie, cells or saved Estimates: a manifest names them without folder.
    from_commit : bool
        Use the code, data and notebook of the commit that the manifest names, from the history
        of this checkout: a report as it was, whatever has changed since.
    lang : {"zh", "en"}, optional
        Language of the answer.

    Returns
    -------
    list of Rebuilt

    Raises
    ------
    DataError
        The manifest cannot be read; a report is not in it; a file of micro-data is missing, or is for an
        item that no report has.
    QStatsError
        `from_commit` without a commit that can be had.
    """
    path = manifest.located(path)
    known = manifest.read(path, lang=lang)
    chosen = _chosen(known, names, lang)
    items = {file["item"]: file["name"] for entry in chosen.values() for file in entry["inputs"]["cells"]}
    for item, file in (cells or {}).items():
        if item not in items:
            raise DataError(say("publish.no_cells", lang, item=item, known=", ".join(items) or "—"))
        microdata.shown(file)
    with kept_words.found_first(path.parent, _words(chosen.values())):
        if from_commit:
            return _as_it_was(path, chosen, cells or {}, lang)
        return [_again(path.parent, name, entry, known, lang) for name, entry in chosen.items()]


def _words(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the words of editors of some reports, by name; of one name that of the last."""
    return {n: d for entry in entries for n, d in entry["inputs"].get("editorial", {}).items()}


def _chosen(known: Manifest, names: Sequence[str], lang: str | None) -> dict[str, Entry]:
    for name in names:
        if name not in known.reports:
            near = nearest(name, known.reports, cutoff=0.0) or "—"
            raise DataError(say("publish.not_in_manifest", lang, name=name, near=near))
    return {name: entry for name, entry in known.reports.items() if not names or name in names}


def _again(folder: Path, name: str, entry: Entry, known: Manifest, lang: str | None) -> Rebuilt:
    """Build a report from its entry and compare its files."""
    edition, words = manifest.edition(entry), entry["inputs"].get("editorial", {})
    formats = tuple(output["format"] for output in entry["outputs"])
    with kept_words.found_first(folder, words), _dated(entry["inputs"].get("epoch")):
        if lost := _lost(edition, words, lang):
            return Rebuilt(name, "different", tuple(o["path"] for o in entry["outputs"]), lost)
        with tempfile.TemporaryDirectory(prefix="qstats-") as place:
            now = cache.inputs(edition)
            task = batch.Task(edition, formats, place, now, None, True)
            made = {output["path"]: output for output in batch.make(task, lambda *_: None).outputs}
    wrong = [o["path"] for o in entry["outputs"] if made.get(o["path"], {}).get("sha256") != o["sha256"]]
    there = [o["path"] for o in entry["outputs"] if not manifest.stands(folder, o)]
    status: Status = "different" if wrong else "changed" if there else "identical"
    files = wrong or there or sorted(made)
    said = tuple(_differing(entry, now, known, lang)) if wrong else ()
    return Rebuilt(name, status, tuple(files), said)


def _lost(edition: Edition, words: Mapping[str, str], lang: str | None) -> tuple[str, ...]:
    """Return the files of words without which the page cannot be made: it was asked for with them."""
    name = dict(edition.parameters).get("editorial")
    try:
        editorial.described(str(name or ""))
    except DataError:
        return tuple(_told(Difference("editorial", file, d, None), lang) for file, d in words.items())
    return ()


@contextmanager
def _dated(epoch: str | None) -> Iterator[None]:
    """Build with the date of the page, or without one as it was."""
    kept = os.environ.pop("SOURCE_DATE_EPOCH", None)
    if epoch is not None:
        os.environ["SOURCE_DATE_EPOCH"] = epoch
    try:
        yield
    finally:
        os.environ.pop("SOURCE_DATE_EPOCH", None)
        if kept is not None:
            os.environ["SOURCE_DATE_EPOCH"] = kept


def _differing(entry: Entry, now: Mapping[str, Any], known: Manifest, lang: str | None) -> Iterator[str]:
    """Give each input that differs, in a sentence; micro-data are known by their files, not as data sets."""
    sets = [d for d in entry["datasets"] if not d["name"].startswith(microdata.MARKS)]
    here = {"inputs": now, "datasets": [{**d, "sha256": _digest_now(d["name"])} for d in sets]}
    files = {**known.files, now["data"]: cache.data_files(), now["code"]: cache.code_files()}
    after = known._replace(files=files, packages={now["lock"]: cache.packages()})
    for one in differences({**entry, "datasets": sets}, here, known, after):
        yield _told(one, lang)


def _told(one: Difference, lang: str | None) -> str:
    """Return that an input differs, with what it was and is."""
    then, now = (say("publish.none", lang) if v is None else str(v) for v in (one.old, one.new))
    name = f"{say(f'publish.input.{one.what}', lang)} {one.name}".rstrip()
    return say("publish.input.text", lang, name=name, then=then, now=now)


def _digest_now(name: str) -> str | None:
    """Return the hash of a bundled data set as it lies on disk now; None when it is not a bundled one."""
    package = json.loads((data_root() / "datapackage.json").read_text(encoding="utf-8"))
    for item in package["resources"]:
        if item["name"] == name:
            path = data_root() / item["path"]
            return cache.digest(path) if path.is_file() else str(item["hash"]).removeprefix("sha256:")
    return None


def _as_it_was(
    path: Path, chosen: Mapping[str, Entry], cells: Mapping[str, Path | str], lang: str | None
) -> list[Rebuilt]:
    """Rebuild in a copy of the checkout as it was at the commit of the manifest."""
    commits = sorted({str(entry["inputs"]["commit"]) for entry in chosen.values()})
    if len(commits) > 1:
        raise QStatsError(say("publish.several_commits", lang, commits=", ".join(commits)))
    root = Path(__file__).resolve().parents[2]
    commit = commits[0] if commits else ""
    if not commit.isalnum() or commit in ("release", "unknown") or not (root / ".git").exists():
        raise QStatsError(say("publish.no_commit", lang, commit=commit or "—"))
    with tempfile.TemporaryDirectory(prefix="qstats-") as place:
        tree = Path(place) / "tree"
        added = _git(root, "worktree", "add", "--detach", str(tree), commit)
        if added.returncode:
            raise QStatsError(say("publish.no_commit", lang, commit=commit))
        try:
            return _elsewhere(tree, path, list(chosen), cells, lang)
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


_OTHER: Final = """
import json, sys
from qstats.report.rebuild import rebuild
asked = json.load(sys.stdin)
done = rebuild(asked["path"], names=asked["names"], cells=asked["cells"], lang=asked["lang"])
print("\\n" + json.dumps(done))
"""


def _elsewhere(
    tree: Path, path: Path, names: Sequence[str], cells: Mapping[str, Path | str], lang: str | None
) -> list[Rebuilt]:
    """Rebuild with the package of another tree, in an interpreter of its own."""
    given = {k: str(Path(v).resolve()) for k, v in cells.items()}
    asked = {"path": str(path.resolve()), "names": list(names), "cells": given, "lang": lang}
    done = subprocess.run(
        [sys.executable, "-c", _OTHER],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tree,  # an interpreter looks for packages where it stands before anywhere else
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONUTF8": "1"},
        check=False,
    )
    if done.returncode:
        raise QStatsError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "—")
    rows = json.loads(done.stdout.strip().splitlines()[-1])
    return [Rebuilt(name, status, tuple(files), tuple(inputs)) for name, status, files, inputs in rows]


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
