"""Items of a report from micro-data: cells or estimates made beforehand, beside published series."""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qstats import classifications, estimate_file
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

    from qstats.survey.cells import Cells

#: folders in which files are looked for by name, so that no page shows where they lie
FOLDERS = "QSTATS_CELLS"
#: marks of an estimate's provenance that name a file: of cells, of an estimate
MARKS = ("cells:", "estimate:")
#: of the intervals of a report
LEVEL = 0.95
#: what the nation is called where a file of estimates has a key for regions
NATION = ("全国", "*")


def shown(path: Path | str) -> str:
    """Return the bare name of a file, and remember its folder for this process and its kernels."""
    folder = str(Path(path).resolve().parent)
    known = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part and part != folder]
    os.environ[FOLDERS] = os.pathsep.join([folder, *known])
    return Path(path).name


def located(file: str) -> Path:
    """Return where a file of micro-data is: as named, or in a folder that is remembered."""
    folders = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    places = [Path(file), *(Path(folder) / file for folder in folders)]
    return next((place for place in places if place.is_file()), places[0])


@cache
def history(function: str, file: str, region: str) -> Estimate | None:
    """Return the annual estimates of a region from a file of micro-data, or None when it has none.

    Parameters
    ----------
    function : str
        The indicator.
    file : str
        Path of cells saved by :meth:`qstats.Cells.save`, made by year (and region), or of estimates of the
        indicator saved by :meth:`qstats.Estimate.save`, by year (and region).
    region : str
        Of cells, the nation is all regions of the file together; of estimates, the rows without a region, or
        with the region 全国 or ``*``.

    Raises
    ------
    DataError
        The file is missing or broken, or does not know the year; its estimates are of another indicator or
        level, or several are of one year.
    """
    nation, saved = region == "全国", _saved(file)
    by = saved.keys if isinstance(saved, Estimate) else saved.by
    if "period" not in by:
        raise DataError(say("micro.no_period", file=Path(file).name, by=", ".join(by) or "—"))
    if not nation and "region" not in by:
        return None
    if isinstance(saved, Estimate):
        estimate = _of_indicator(saved, function, file)
    else:
        keys = ["period"] if nation else ["period", "region"]
        estimate = getattr(import_module(f"qstats.indicators.{function}"), function)(saved, by=keys)
    table = estimate.table
    rows = table["period"].str.fullmatch(r"\d{4}") & table["estimate"].notna()
    if nation and "region" in estimate.keys:
        rows &= table["region"].isin(NATION)
    elif not nation:
        rows &= table["region"].map(classifications.region_name) == region
    if not rows.any():
        return None
    return _by_year(estimate.take(rows.to_numpy().nonzero()[0]), file)


def _of_indicator(estimate: Estimate, function: str, file: str) -> Estimate:
    """Return the estimate, or raise when it is of another indicator or has intervals of another level."""
    if estimate.indicator != function:
        said = {"found": estimate.indicator, "wanted": function}
        raise DataError(say("micro.other", file=Path(file).name, **said))
    if estimate.level != LEVEL:
        raise DataError(say("micro.level", file=Path(file).name, level=f"{estimate.level:.0%}"))
    return estimate


def _by_year(estimate: Estimate, file: str) -> Estimate:
    """Return an estimate with the year as its only key, and the file among its sources."""
    table = estimate.table
    repeated = table.loc[table["period"].duplicated(), "period"]
    if len(repeated):
        period = str(repeated.iloc[0])
        said = {"period": period, "count": int((table["period"] == period).sum())}
        raise DataError(say("micro.several", file=Path(file).name, by=", ".join(estimate.keys), **said))
    kept = table.drop(columns=[key for key in estimate.keys if key != "period"])
    if "flag" not in kept:
        kept["flag"] = ""
    marks = (*estimate.provenance, _mark(file))
    return estimate.replace(kept, errors=estimate.errors, provenance=marks)


@cache
def _saved(file: str) -> Cells | Estimate:
    """Return what is in a file: cells, or an estimate."""
    from qstats.survey.cells import Cells

    path = located(file)
    return Estimate.load(path) if estimate_file.holds(path) else Cells.load(path)


def _mark(file: str) -> str:
    kind = MARKS[isinstance(_saved(file), Estimate)]
    return f"{kind}{Path(file).name}"


def named(items: pd.DataFrame, cells: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """Return report items, those from simulated micro-data being called so wherever they are named."""
    marked = [key for key, file in cells if _simulated(file)]
    if not marked:
        return items
    items = items.copy()
    rows = items["key"].isin(marked)
    for lang in ("zh", "en"):
        items.loc[rows, lang] += say("micro.simulated", lang)
    return items


@cache
def _simulated(file: str) -> bool:
    return any(mark.startswith("simulated") for mark in _saved(file).provenance)


def described(file: str) -> dict[str, Any]:
    """Return name, sha256 and rows of a file of micro-data, for the provenance of a page.

    The rows of cells are the records they were made of, those of an estimate its own.
    """
    saved = _saved(file)
    rows = len(saved) if isinstance(saved, Estimate) else int(saved.column("rows").sum())
    return {"name": _mark(file), "sha256": sha256(located(file).read_bytes()).hexdigest(), "rows": rows}
