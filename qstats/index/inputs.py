"""Indicators of a framework that are ratios of published series, named in the framework itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qstats import datasets, periods, values
from qstats.errors import DataError, FrameworkError, OptionError
from qstats.estimate import Estimate, assemble
from qstats.index import frameworks
from qstats.messages import say
from qstats.stats import rates


def published_indicators(
    framework: str | Path | pd.DataFrame,
    /,
    *,
    region: str | Sequence[str] | None = None,
    period: str | int | Sequence[str | int] | None = None,
    lang: str | None = None,
) -> dict[str, Estimate]:
    r"""Compute the indicators of a framework from published series.

    .. math:: x = k\,\frac{y}{z}

    with the series y and z and the scale k that the framework names for each leaf in its columns
    ``numerator, denominator, scale``. Another indicator enters by another row there.

    Parameters
    ----------
    framework : str, Path or DataFrame
        What :func:`qstats.framework` takes, with those three columns.
    region, period : optional
        As in :func:`qstats.published`; by default all there are.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    dict of str → Estimate
        Code → values with the keys ``period, region``. A row that either series lacks is absent; where
        the denominator is not positive the value is NaN. Published figures come without their
        error: ``std_error`` is NaN.

    Raises
    ------
    FrameworkError
        No leaf names its series; or all that is wrong: series named in part or that do not exist, scales that
        are not above zero.
    DataError
        A series has no row asked for, holds several populations, or the two have no region and
        period in common.

    Examples
    --------
    >>> values = published_indicators("ht_capability", region="安徽", period=2023)
    >>> round(values["average_revenue"].value(), 2)
    2.85
    """
    tree = frameworks.framework(framework, lang=lang)
    named = [column for column in ("numerator", "denominator", "scale") if column in tree.columns]
    leaves = tree[tree["leaf"]]
    texts = leaves[named].map(lambda cell: "" if values.is_missing(cell) else values.plain(cell))
    if len(named) < 3 or not (texts != "").to_numpy().any():
        raise FrameworkError(say("inputs.none", lang, name=frameworks.name_of(framework)))
    faults = [
        said
        for code, *cells in zip(leaves["code"], *(texts[c] for c in named), strict=True)
        for said in _faults(str(code), dict(zip(named, cells, strict=True)), lang)
    ]
    if faults:
        name = frameworks.name_of(framework)
        raise FrameworkError(say("framework.faults", lang, name=name, count=len(faults)), faults)
    where = {"region": region, "period": period}
    return {
        leaf.code: _ratio(leaf, cells, where, lang)
        for leaf, cells in zip(leaves.itertuples(), texts.itertuples(index=False), strict=True)
    }


def _faults(code: str, cells: dict[str, str], lang: str | None) -> list[str]:
    """Return what is wrong with the series and the scale of a leaf."""
    scale = values.read_number(cells["scale"], lang)
    if not all(cells.values()) or isinstance(scale, values.Fault):
        return [say("inputs.leaf", lang, code=code)]
    if not scale.value > 0:
        return [say("inputs.scale", lang, code=code, value=cells["scale"])]
    faults = []
    for name in dict.fromkeys((cells["numerator"], cells["denominator"])):
        try:
            datasets.rows_of(name)
        except OptionError as error:
            faults.append(f"{code}: {error}")
    return faults


def _scale(text: str) -> float:
    read = values.read_number(text, None)
    assert isinstance(read, values.Number)  # _faults looked
    return read.value


def _ratio(leaf: Any, cells: Any, where: dict[str, Any], lang: str | None) -> Estimate:
    y, z = (_series(name, where, lang) for name in (cells.numerator, cells.denominator))
    both = y.table.merge(z.table, on=["period", "region"], suffixes=("_y", "_z"))
    if both.empty:
        said = {"code": leaf.code, "numerator": cells.numerator, "denominator": cells.denominator}
        raise DataError(say("inputs.empty", lang, **said))
    both = both.sort_values(["period", "region"], key=_order, ignore_index=True)
    scale = _scale(cells.scale)
    unknown = np.full(len(both), np.nan)
    return Estimate(
        assemble(
            both[["period", "region"]],
            estimate=scale * rates.ratio(both["estimate_y"], both["estimate_z"]),
            std_error=unknown,
            conf_low=unknown,
            conf_high=unknown,
            n=unknown,
        ),
        indicator=leaf.code,
        unit=leaf.unit,
        method=f"{scale:g} × {cells.numerator} / {cells.denominator}, as published",
        basis="; ".join(dict.fromkeys((y.basis, z.basis))),
        inference="none",
        provenance=sorted({*y.provenance, *z.provenance}),
        digits=4 if both["estimate_y"].div(both["estimate_z"]).mul(scale).abs().median() < 1 else 2,
    )


def _series(name: str, where: dict[str, Any], lang: str | None) -> Estimate:
    """Return a series of one population by period and region; the population is its basis."""
    found = datasets.published(name, **where)
    populations = sorted(set(found.table["industry"]))
    if len(populations) > 1:
        raise DataError(say("inputs.population", lang, series=name, populations=", ".join(populations)))
    return found.replace(found.table[["period", "region", *found.table.columns[3:]]], basis=populations[0])


def _order(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(periods.sort_key) if column.name == "period" else column
