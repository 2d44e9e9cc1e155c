"""Items of a report from micro-data: cells made beforehand, instead of or beside published series."""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qstats import classifications
from qstats.errors import DataError
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

    from qstats.estimate import Estimate

#: folders in which files of cells are looked for by name, so that no page shows where they lie
FOLDERS = "QSTATS_CELLS"
#: mark of an estimate's provenance that names a file of cells
MARK = "cells:"


def shown(path: Path | str) -> str:
    """Return the bare name of a file of cells, and remember its folder for this process and its kernels."""
    folder = str(Path(path).resolve().parent)
    known = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part and part != folder]
    os.environ[FOLDERS] = os.pathsep.join([folder, *known])
    return Path(path).name


def located(file: str) -> Path:
    """Return where a file of cells is: as named, or in a folder that is remembered."""
    folders = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    places = [Path(file), *(Path(folder) / file for folder in folders)]
    return next((place for place in places if place.is_file()), places[0])


@cache
def history(function: str, file: str, region: str) -> Estimate | None:
    """Return the annual estimates of a region from a file of cells, or None when it has none.

    Parameters
    ----------
    function : str
        The indicator.
    file : str
        Path of cells saved by :meth:`qstats.Cells.save`, made by year (and region).
    region : str
        The nation is all regions of the file together.

    Raises
    ------
    DataError
        The file is missing or broken, or its cells do not know the year.
    """
    from qstats.survey.cells import Cells

    found = Cells.load(located(file))
    if "period" not in found.by:
        raise DataError(say("micro.no_period", file=Path(file).name, by=", ".join(found.by) or "—"))
    nation = region == "全国"
    if not nation and "region" not in found.by:
        return None
    keys = ["period"] if nation else ["period", "region"]
    estimate: Estimate = getattr(import_module(f"qstats.indicators.{function}"), function)(found, by=keys)
    table = estimate.table
    rows = table["period"].str.fullmatch(r"\d{4}")
    if not nation:
        rows &= table["region"].map(classifications.region_name) == region
    if not rows.any():
        return None
    chosen = estimate.take(rows.to_numpy().nonzero()[0])
    kept = chosen.table.drop(columns="region", errors="ignore")
    return chosen.replace(
        kept, errors=chosen.errors, provenance=(*estimate.provenance, f"{MARK}{Path(file).name}")
    )


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
    from qstats.survey.cells import Cells

    return any(mark.startswith("simulated") for mark in Cells.load(located(file)).provenance)


def described(file: str) -> dict[str, Any]:
    """Return name, sha256 and rows of a file of cells, for the provenance of a page."""
    from qstats.survey.cells import Cells

    path = located(file)
    rows = int(Cells.load(path).column("rows").sum())
    return {
        "name": f"{MARK}{Path(file).name}",
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "rows": rows,
    }
