"""From a kind of report and its parameters to a file on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from qstats.datasets import catalog
from qstats.errors import DataError, OptionError, one_of
from qstats.messages import language, say
from qstats.report import execute, formats, microdata, render
from qstats.report.facts import Facts

Kind = Literal["annual"]
KINDS: Final = ("annual",)

#: told (what is being done, steps done, steps in all)
Progress = Callable[[str, int, int], None]


class Result(NamedTuple):
    """One finished page: where it is, its size in bytes, how long it took, and any warnings."""

    path: Path
    size: int
    seconds: float
    warnings: tuple[str, ...]


def build(
    kind: Kind = "annual",
    /,
    *,
    year: int | None = None,
    region: str = "全国",
    lang: str | Sequence[str] = "zh",
    output: Path | str = "build",
    cells: Mapping[str, Path | str] | None = None,
    in_process: bool = False,
    progress: Progress | None = None,
) -> list[Result]:
    """Build a report: run its notebook and render one HTML file for each language.

    Parameters
    ----------
    kind : {"annual"}
        Which report.
    year : int, optional
        The year reported on; by default the newest that has data for `region`.
    region : str
        The nation (全国), a province or a city, by name or code.
    lang : {"zh", "en"}, or several
        Languages; one file each.
    output : path
        Folder for the files ``KIND-YEAR-REGION.LANG.html``; made when absent.
    cells : mapping of item → path, optional
        Items whose figures come from micro-data (``{"rpq": "checks-2023.cells.parquet"}``): files of
        cells, by year and region, made by :func:`qstats.cells`. The keys of items are those of
        ``qs.load("report_items")``.
    in_process : bool
        Run the notebook in this process instead of a kernel of its own: faster in batches.
    progress : callable, optional
        Told of every finished cell.

    Returns
    -------
    list of Result

    Raises
    ------
    OptionError, DataError, CellError, RenderError
        An unknown kind, language or region; no data; a failing cell; a page with faults.

    Examples
    --------
    >>> build("annual", year=2023, in_process=True, output=getfixture("tmp_path"))[0].path.name
    'annual-2023-全国.zh.html'
    """
    one_of("kind", kind, KINDS)
    languages = [language(one) for one in ([lang] if isinstance(lang, str) else lang)]
    given = {key: microdata.shown(path) for key, path in (cells or {}).items()}
    facts = Facts.of(year, region, cells=given)
    return [_build(kind, facts, one, Path(output), in_process, progress) for one in languages]


def _build(
    kind: Kind, facts: Facts, lang: str, output: Path, in_process: bool, progress: Progress | None
) -> Result:
    started = time.perf_counter()
    parameters = {"year": facts.year, "region": facts.region, "lang": lang, "cells": dict(facts.cells)}

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(f"{facts.year} {facts.region} {lang}", done, total)

    executed = execute.run(notebook(kind), parameters, in_process=in_process, progress=tell)
    place = facts.place(lang)
    html = render.page(
        executed,
        title=say(f"{kind}.title", lang),
        subtitle=say(
            "annual.subtitle", lang, region=place, period=formats.period(str(facts.year), lang=lang)
        ),
        lang=lang,
        note=say("annual.note", lang),
        provenance={"datasets": _datasets(render.sources(executed), facts), "seed": None},
        parameters=parameters,
    )
    written = render.write(html, output / f"{kind}-{facts.year}-{facts.region}.{lang}.html", lang=lang)
    return Result(written.path, written.size, time.perf_counter() - started, written.warnings)


def notebook(kind: Kind) -> Path:
    """Return the notebook of a kind of report, in a checkout or beside the installed package."""
    package = Path(__file__).resolve().parents[1]
    name = f"{kind}_report.ipynb"
    for folder in (package / "_notebooks", package.parent / "notebooks"):
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"the notebook {name} is neither in {package / '_notebooks'} nor in {package.parent / 'notebooks'}"
    )


def _datasets(names: Sequence[str], facts: Facts) -> list[dict[str, Any]]:
    """Return name, sha256 and rows of every data set the page rests on."""
    known = catalog().set_index("name")
    used = [name for name in names if name in known.index]
    files = [microdata.described(file) for _, file in facts.cells]
    files = [file for file in files if file["name"] in names]
    if not used and not files:
        raise OptionError(f"no data set is known under {names}")
    return [
        {"name": name, "sha256": known.loc[name, "sha256"], "rows": int(known.loc[name, "rows"])}
        for name in used
    ] + files
