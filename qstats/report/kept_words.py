"""The words of editors kept beside the pages they stand in, so that a page can be made again from its folder.

A file of words lies at ``editorial/HASH/NAME`` below the manifest, HASH being the start of its sha256: two
editions may have words of one name that differ.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from qstats.files import write_atomic
from qstats.report import editorial

FOLDER: Final = "editorial"
_SHORT: Final = 12


def place(name: str, digest: str, /) -> Path:
    """Return where words are kept, relative to the manifest.

    Examples
    --------
    >>> place("mine.zh.md", "0123456789abcdef").as_posix()
    'editorial/0123456789ab/mine.zh.md'
    """
    return Path(FOLDER, digest[:_SHORT], name)


def keep(folder: Path, words: Mapping[str, str], /) -> None:
    """Copy the files of an editor below a manifest; what is there already stays.

    Parameters
    ----------
    folder : pathlib.Path
        Of the manifest.
    words : mapping of str → str
        The sha256 of each file, by bare name. A file that is no longer the one meant is not kept.
    """
    for name, digest in words.items():
        path = folder / place(name, digest)
        if path.is_file():
            continue
        for lang in ("zh", "en"):
            found = editorial.located(name, lang)
            if found is not None and found.name == name and editorial.digest(found) == digest:
                with write_atomic(path) as temporary:
                    shutil.copyfile(found, temporary)
                break


def forget(folder: Path, entries: Iterable[Mapping[str, Any]], /) -> None:
    """Remove kept words that no report of the manifest has.

    Whatever else lies in a folder of that name, an editor's own files above all, is left alone: kept words
    lie in a folder that is called as their hash begins.
    """
    wanted = {place(n, d) for e in entries for n, d in e["inputs"].get("editorial", {}).items()}
    if (folder / FOLDER).is_symlink():
        return
    for path in (folder / FOLDER).glob("*/*"):
        own = path.is_file() and not path.is_symlink() and place(path.name, editorial.digest(path))
        if own == path.relative_to(folder) and own not in wanted:
            path.unlink()
            _remove_empty(path.parent)
    _remove_empty(folder / FOLDER)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@contextmanager
def found_first(folder: Path, words: Mapping[str, str], /) -> Iterator[None]:
    """Look for words beside the manifest before anywhere else, in this process and those it starts."""
    before = os.environ.get(editorial.FOLDERS)
    places = [str((folder / place(name, digest)).parent.resolve()) for name, digest in words.items()]
    os.environ[editorial.FOLDERS] = os.pathsep.join([*places, *([before] if before else [])])
    try:
        yield
    finally:
        os.environ.pop(editorial.FOLDERS)
        if before is not None:
            os.environ[editorial.FOLDERS] = before
