"""Many reports into one folder: only what changed is built, and a failure keeps to itself.

A page is built in a staging folder beside the finished ones and moved into place when it is whole; the
manifest is written after that. So a run may be killed at any moment: what the manifest lists is
there and whole, and the next run builds the rest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from qstats.errors import DataError, OptionError, QStatsError, one_of
from qstats.files import write_atomic
from qstats.messages import say
from qstats.report import cache, export_files, index_page, kept_words, manifest, publish, render, workers
from qstats.report.editions import FORMATS, Edition, editions, words_of
from qstats.report.manifest import Manifest
from qstats.report.workers import Fault

_STAGING: Final = ".building-"
#: parts of a page, in which progress is told
_PARTS: Final = 100
#: how often a page is drawn when the commit moves meanwhile
_TRIES: Final = 3


class Task(NamedTuple):
    """A page to build: formats, folder, inputs, and the page where it stands already and only forms lack."""

    edition: Edition
    formats: tuple[str, ...]
    folder: str
    inputs: dict[str, Any]
    page: str | None
    in_process: bool


class Made(NamedTuple):
    """A page that was built: its files, in the staging folder until published, and what is known of them."""

    name: str
    outputs: list[manifest.Entry]
    inputs: dict[str, Any]
    datasets: list[dict[str, Any]] | None
    warnings: tuple[str, ...]
    seconds: float


class Batch(NamedTuple):
    """What became of a batch.

    Attributes
    ----------
    built : tuple of Made
        In the order in which they were finished.
    kept : tuple of str
        Names of editions whose inputs are those of the files that are there.
    failed : dict of str → Fault
        By name; each has a log in the folder ``failed``.
    manifest, contents : pathlib.Path
        The page that lists the reports; None for a single one.
    """

    built: tuple[Made, ...]
    kept: tuple[str, ...]
    failed: dict[str, Fault]
    manifest: Path
    contents: Path | None


def batch(
    kind: str,
    /,
    *,
    year: int | None = None,
    region: str | Sequence[str] = "all",
    lang: str | Sequence[str] = "zh",
    formats: str | Sequence[str] = "html",
    jobs: int = 1,
    output: Path | str = "build",
    cells: Mapping[str, Path | str] | None = None,
    quarter: str | None = None,
    topic: str | None = None,
    highlight: str | None = None,
    editorial: Path | str | None = None,
    in_process: bool | None = None,
    progress: publish.Progress | None = None,
    finished: Callable[[str, Made | Fault], None] | None = None,
) -> Batch:
    """Build the reports of many regions and languages into a folder, with a manifest and an index.

    Parameters
    ----------
    kind, year, region, lang, cells, quarter, topic, highlight, editorial
        As for :func:`qstats.report.editions.editions`; ``region="all"`` is the 31 provincial units.
    formats : sequence of {"html", "pdf", "xlsx", "csv", "sdmx"}
        The page is always there. PDF needs Chromium, SDMX-CSV the extra ``sdmx``.
    jobs : int
        How many processes work at once.
    output : path
        The folder. Reports of earlier runs stay, in the manifest as well.
    in_process : bool, optional
        Run notebooks without kernels; by default where there are several regions.
    progress : callable, optional
        Told (what, parts done, parts in all).
    finished : callable, optional
        Told the name of every edition that is built or has failed, and how.

    Returns
    -------
    Batch
        A region that fails, or a process that dies, keeps no other from being built.

    Raises
    ------
    OptionError, DataError
        Before anything is built: an unknown kind, region, language or format; a format whose tool is
        absent; cells that cannot be used; another run at work in the folder.
    """
    wanted = _wanted(formats, jobs)
    asked = editions(
        kind,
        year=year,
        region=region,
        lang=lang,
        cells=cells,
        quarter=quarter,
        topic=topic,
        highlight=highlight,
        editorial=editorial,
    )
    folder = Path(output)
    several = len({e.parameters for e in asked.editions}) + len(asked.impossible) > 1
    alone = several if in_process is None else in_process
    if asked.impossible and not several:
        raise asked.impossible[0][1]
    with _held(folder) as staging:
        known = _known(folder)
        if several or known.reports:
            index_page.require_own(folder)
        tasks, kept = _tasks(asked.editions, wanted, folder, staging, known, alone)
        doing = _inline(tasks, progress) if not several else _pooled(tasks, jobs, progress)
        keeper = _Keeper(folder, known, finished or (lambda *_: None), [], {})
        for place, error in asked.impossible:
            fault = Fault(type(error).__name__, str(error), f"{error}\n")
            keeper.fail(f"{kind}-{place}", {"region": place}, kind, fault)
        for name in kept:
            keeper.forget_log(name)
        for at, result in doing:
            keeper.take(tasks[at], result)
        path = manifest.write(folder, known)
        kept_words.forget(folder, known.reports.values())
        index = index_page.write(folder, known)
    return Batch(tuple(keeper.built), kept, keeper.failed, path, index)


def _wanted(formats: str | Sequence[str], jobs: int) -> tuple[str, ...]:
    """Return the formats in their order, the page among them; refuse what cannot be made."""
    if jobs < 1:
        raise OptionError(say("publish.jobs", jobs=jobs))
    words = words_of(formats)
    for word in words:
        one_of("format", word, FORMATS)
    wanted = tuple(form for form in FORMATS if form in {"html", *words})
    export_files.require(wanted)
    return wanted


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """Keep other runs out of a folder; give a staging folder, and clear those that a killed run left."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = None
    try:
        if os.name != "nt":
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise QStatsError(say("publish.busy", folder=folder)) from None
        for left in folder.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        if handle is not None:
            os.close(handle)


def _known(folder: Path) -> Manifest:
    """Return the manifest of the folder, without the files that are no longer there."""
    known = manifest.read(folder) if (folder / manifest.NAME).is_file() else manifest.empty()
    for name in list(known.reports):
        entry = known.reports[name]
        entry["outputs"] = [one for one in entry["outputs"] if (folder / one["path"]).is_file()]
        if not entry["outputs"]:
            del known.reports[name]
    return known


def _tasks(
    asked: Sequence[Edition],
    wanted: tuple[str, ...],
    folder: Path,
    staging: Path,
    known: Manifest,
    in_process: bool,
) -> tuple[list[Task], tuple[str, ...]]:
    """Return what must be built, and the names of what stands already."""
    tasks, kept = [], []
    made_from = cache.inputs(asked[0]) if asked else {}
    for edition in asked:
        standing = _standing(edition, cache.key(edition, made_from), folder, known)
        todo = tuple(form for form in wanted if form not in standing)
        if not todo:
            kept.append(edition.name)
            known.failed.pop(edition.name, None)
            continue
        page = str(folder / standing["html"]) if "html" in standing else None
        tasks.append(Task(edition, todo, str(staging), made_from, page, in_process))
    if made_from:
        known.packages[made_from["lock"]] = cache.packages()
        known.files[made_from["data"]] = cache.data_files()
        known.files[made_from["code"]] = cache.code_files()
    return tasks, tuple(kept)


def _standing(edition: Edition, key: str, folder: Path, known: Manifest) -> dict[str, str]:
    """Return the files of an edition that need not be built, by format."""
    entry = known.reports.get(edition.name)
    if entry is None or entry["key"] != key:
        return {}
    return {one["format"]: one["path"] for one in entry["outputs"] if manifest.stands(folder, one)}


def make(task: Task, tell: Callable[[int, int], None], /) -> Made:
    """Build the files of a task in its staging folder."""
    started, edition, folder = time.perf_counter(), task.edition, Path(task.folder)
    page = Path(task.page or folder / f"{edition.name}.html")
    more = [form for form in task.formats if form != "html"]
    made_from, datasets, warnings = task.inputs, None, tuple[str, ...]()
    if task.page is None:
        drawn, made_from = _drawn(task, lambda done, total: tell(done, total + len(more)))
        datasets, warnings = drawn.datasets, render.write(drawn.html, page, lang=edition.lang).warnings
    files = {} if task.page else {"html": page}
    for form in more:
        files[form] = export_files.export(form, edition, page, folder)
    outputs = [manifest.output(file, form) for form, file in files.items()]
    return Made(edition.name, outputs, made_from, datasets, warnings, time.perf_counter() - started)


def _drawn(task: Task, tell: Callable[[int, int], None]) -> tuple[publish.Drawn, dict[str, Any]]:
    """Draw a page, and again while the commit that it names is no longer that of the checkout.

    Other code or data than the batch began with are refused.
    """
    for _ in range(_TRIES):
        before = cache.inputs(task.edition)
        if {**before, "commit": None} != {**task.inputs, "commit": None}:
            break
        drawn = publish.draw(task.edition, in_process=task.in_process, progress=tell)
        if cache.inputs(task.edition) == before:
            return drawn, before
    raise DataError(say("publish.moved", task.edition.lang))


def _pooled(tasks: list[Task], jobs: int, progress: publish.Progress | None) -> Iterator[tuple[int, Any]]:
    """Build tasks in processes and tell how far all of them are."""
    parts = [0.0] * len(tasks)

    def tell(at: int, done: int, total: int) -> None:
        parts[at] = done / max(total, 1)
        if progress is not None:
            progress(tasks[at].edition.name, int(_PARTS * sum(parts)), _PARTS * len(tasks))

    for at, result in workers.run(make, tasks, jobs=jobs, tell=tell):
        tell(at, 1, 1)
        yield at, result


def _inline(tasks: list[Task], progress: publish.Progress | None) -> Iterator[tuple[int, Any]]:
    """Build the languages of one report here; an error ends them."""
    for at, task in enumerate(tasks):

        def tell(done: int, total: int, at: int = at, name: str = task.edition.name) -> None:
            if progress is not None:
                part = at + done / max(total, 1)
                progress(name, int(_PARTS * part), _PARTS * len(tasks))

        yield at, make(task, tell)


class _Keeper(NamedTuple):
    """The folder and its manifest while results come in."""

    folder: Path
    known: Manifest
    finished: Callable[[str, Made | Fault], None]
    built: list[Made]
    failed: dict[str, Fault]

    def take(self, task: Task, result: Made | Fault) -> None:
        """Publish what was built, or note the failure; the manifest is written each time."""
        edition = task.edition
        if isinstance(result, Fault):
            self.fail(edition.name, edition.injected, edition.kind, result)
            return
        before = self.known.reports.get(edition.name)
        entry = manifest.entry(edition, result.inputs, result.datasets or [], result.outputs, result.warnings)
        if before is not None and task.page is not None:
            new = {one["format"] for one in entry["outputs"]}
            stay = [one for one in before["outputs"] if one["format"] not in new]
            entry = {**before, "outputs": sorted([*stay, *entry["outputs"]], key=lambda o: str(o["path"]))}
        kept_words.keep(self.folder, result.inputs.get("editorial", {}))
        for one in result.outputs:
            Path(task.folder, one["path"]).replace(self.folder / one["path"])
        stale = {o["path"] for o in (before or {"outputs": []})["outputs"]}
        self.known.reports[edition.name] = entry
        self.known.failed.pop(edition.name, None)
        manifest.write(self.folder, self.known)
        for path in stale - {one["path"] for one in entry["outputs"]}:
            (self.folder / path).unlink(missing_ok=True)
        self.forget_log(edition.name)
        self.built.append(result)
        self.finished(edition.name, result)

    def fail(self, name: str, parameters: dict[str, Any], kind: str, fault: Fault) -> None:
        """Keep the log of a failure and note it."""
        log = self.folder / manifest.LOGS / f"{name}.log"
        with write_atomic(log) as temporary:
            temporary.write_text(f"{fault.error}: {fault.message}\n\n{fault.details}", encoding="utf-8")
        self.known.failed[name] = {
            "kind": kind,
            "parameters": parameters,
            "error": fault.error,
            "message": manifest.portable(fault.message),
            "log": f"{manifest.LOGS}/{log.name}",
        }
        manifest.write(self.folder, self.known)
        self.failed[name] = fault
        self.finished(name, fault)

    def forget_log(self, name: str) -> None:
        """Remove the log of an earlier failure."""
        logs = self.folder / manifest.LOGS
        (logs / f"{name}.log").unlink(missing_ok=True)
        if logs.is_dir() and not any(logs.iterdir()):
            logs.rmdir()
