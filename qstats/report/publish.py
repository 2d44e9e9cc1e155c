"""From a kind of report and its parameters to a file on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from qstats.datasets import catalog
from qstats.errors import DataError, OptionError
from qstats.messages import Lang
from qstats.report import execute, microdata, render
from qstats.report.editions import Edition, editions
from qstats.report.kinds import KINDS as RECIPES

Kind = Literal["annual", "quarterly", "qci", "special", "region"]
KINDS: Final = tuple(RECIPES)

#: told (what is being done, steps done, steps in all)
Progress = Callable[[str, int, int], None]


class Result(NamedTuple):
    """One finished page: where it is, its size in bytes, how long it took, and any warnings."""

    path: Path
    size: int
    seconds: float
    warnings: tuple[str, ...]


class Drawn(NamedTuple):
    """A page not yet written, and the data sets it rests on: name, sha256, rows."""

    html: str
    datasets: list[dict[str, Any]]


def build(
    kind: Kind = "annual",
    /,
    *,
    year: int | None = None,
    region: str = "全国",
    lang: str | Sequence[str] = "zh",
    output: Path | str = "build",
    cells: Mapping[str, Path | str] | None = None,
    quarter: str | None = None,
    topic: str | None = None,
    highlight: str | None = None,
    editorial: Path | str | None = None,
    in_process: bool = False,
    progress: Progress | None = None,
) -> list[Result]:
    """Build a report: run its notebook and render one HTML file for each language.

    Parameters
    ----------
    kind : {"annual", "quarterly", "qci", "special", "region"}
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
        Items whose figures come from micro-data (``{"rpq": "checks-2023.cells.parquet"}``): a file of cells
        by year and region (:func:`qstats.cells`, :meth:`qstats.Cells.save`), or a saved Estimate of the
        indicator (:meth:`qstats.Estimate.save`). The keys of items are those of ``qs.load("report_items")``.
    quarter : str, optional
        Of a quarterly bulletin: ``Q1`` … ``Q4``, ``H1``, ``H2``; by default the newest with data.
    topic : str, optional
        Of a special report: ``food`` (the default), ``size``, ``rapex``, ``inspections`` (simulated).
    highlight : str, optional
        The province that an annual report or a bulletin of the index sets off on the page of the nation.
    editorial : path, optional
        A file of an editor's words instead of that beside the notebook; see :mod:`qstats.report.editorial`.
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
    for _, error in asked.impossible:
        raise error
    return [_build(one, Path(output), in_process, progress) for one in asked.editions]


def _build(edition: Edition, output: Path, in_process: bool, progress: Progress | None) -> Result:
    started = time.perf_counter()

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(" ".join([*(str(v) for _, v in edition.parameters), edition.lang]), done, total)

    html = draw(edition, in_process=in_process, progress=tell).html
    written = render.write(html, output / f"{edition.name}.html", lang=edition.lang)
    return Result(written.path, written.size, time.perf_counter() - started, written.warnings)


def draw(
    edition: Edition,
    /,
    *,
    in_process: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Drawn:
    """Run the notebook of an edition and render its page, without writing it."""
    executed = execute.run(notebook(edition.kind), edition.injected, in_process=in_process, progress=progress)
    title, subtitle, note = RECIPES[edition.kind].headings(dict(edition.parameters), edition.lang)
    sources = render.sources(executed)
    datasets = _datasets(sources, edition.cells, edition.lang)
    html = render.page(
        executed,
        title=title,
        subtitle=subtitle,
        lang=edition.lang,
        note=note,
        provenance={"datasets": datasets, "seed": _seeds(sources)},
        parameters=edition.injected,
    )
    return Drawn(html, datasets)


def _seeds(names: Sequence[str]) -> str | None:
    """Return the seeds of the simulations that a page rests on (``simulated:inspections seed=1``)."""
    found = {name.rpartition("seed=")[2] for name in names if name.startswith("simulated:")}
    return ", ".join(sorted(found)) or None


def notebook(kind: str) -> Path:
    """Return the notebook of a kind of report, in a checkout or beside the installed package."""
    package = Path(__file__).resolve().parents[1]
    name = RECIPES[kind].notebook
    for folder in (package / "_notebooks", package.parent / "notebooks"):
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"the notebook {name} is neither in {package / '_notebooks'} nor in {package.parent / 'notebooks'}"
    )


def _datasets(names: Sequence[str], cells: Sequence[tuple[str, str]], lang: Lang) -> list[dict[str, Any]]:
    """Return name, title, vintage, sha256 and rows of every data set the page rests on."""
    known = catalog().set_index("name")
    used = [name for name in names if name in known.index]
    files = [microdata.described(file) for _, file in cells]
    files = [file for file in files if file["name"] in names]
    if not used and not files:
        raise OptionError(f"no data set is known under {names}")
    known = known.rename(columns={f"title_{lang}": "title"}).loc[used, ["title", "vintage", "sha256", "rows"]]
    bundled = known.astype({"rows": object}).to_dict("index")
    return [{"name": name, **found, "rows": int(found["rows"])} for name, found in bundled.items()] + files
