"""The sampled units of cells: which unit is whose, how they were drawn, which sample it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DesignError, nearest
from qstats.stats import sampling
from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells
from qstats.survey.design import Design
from qstats.survey.plan import OMITTED

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Units(NamedTuple):
    """The sampled units of some cells: which unit is whose, how they were drawn, which sample it is.

    `told` gives the labels of the strata, which few need.
    """

    unit: Index
    sample: sampling.Sample
    told: Callable[[], pd.DataFrame]
    name: str

    @property
    def strata(self) -> pd.DataFrame:
        """The labels of the strata."""
        return self.told()

    @property
    def number(self) -> int:
        """U."""
        return int(self.unit.max(initial=-1)) + 1


def units_of(found: Cells, design: Design, y: str = "", x: str | None = None) -> Units:
    """Return the numbers of the sampled units of the cells, and how they were drawn."""
    strata = [design.strata] if design.strata else []
    code, top = found.numbers(strata)
    joined, groups = np.arange(len(top)), partial(found.labels, strata, top)
    if design.collapse:
        joined, names = collapsed(groups(), design)
        groups = partial(names.copy)
    stratum = joined[code]
    population = populations_of(found, design, code, len(top), joined, int(joined.max(initial=-1)) + 1)
    if design.elements:
        unit = np.arange(len(found))
        sample = sampling.Sample(stratum, population, count=found.column("rows"))
        return Units(
            unit, sample, groups, _name(found, found.labels(strata, top), unit, f"{y}/{x}/{found.by}")
        )
    stages = [*strata, *design.stages]
    psu, first = found.numbers(stages[: len(strata) + 1])
    if len(design.stages) == 1:
        sample = sampling.Sample(stratum[first], population)
        return Units(psu, sample, groups, _name(found, found.labels(stages, first), psu, ""))
    unit, deepest = found.numbers(stages)
    within = np.full(len(first), np.inf)
    if len(design.populations) > 1:
        within = found.column(design.populations[1])[first]
    sample = sampling.Sample(stratum[first], population, psu[deepest], within)
    return Units(unit, sample, groups, _name(found, found.labels(stages, deepest), unit, ""))


def collapsed(labels: pd.DataFrame, design: Design) -> tuple[Index, pd.DataFrame]:
    """Return the number of each stratum after joining those that share a group."""
    if not design.collapse:
        return np.arange(len(labels)), labels
    named, known = design.collapsed, labels.iloc[:, 0]
    strange = [s for s in named if s not in set(known)]
    if strange:
        raise DesignError(
            f"collapse names the stratum {strange[0]!r}, which the data do not have; nearest: "
            f"{nearest(strange[0], known)!r}"
        )
    group = pd.Series([f"joined:{named[s]}" if s in named else f"own:{s}" for s in known])
    number, names = pd.factorize(group)
    return number.astype(np.intp), pd.DataFrame({labels.columns[0]: [n.split(":", 1)[1] for n in names]})


def populations_of(
    found: Cells, design: Design, code: Index, strata: int, joined: Index, groups: int
) -> Array:
    """Return the number of primary units in the population of each stratum."""
    if not design.populations:
        return np.full(groups, np.inf)
    own = np.full(strata, np.inf)
    own[code] = found.column(design.populations[0])
    return np.asarray(np.bincount(joined, own, minlength=groups), float)


def _name(found: Cells, labels: pd.DataFrame, unit: Index, of: str) -> str:
    """Return an id of the sample: the same units with the same rows and weights."""
    weight = found.sum(ONE) + (found.column(OMITTED) if found.missing == "omit" and found.sums else 0.0)
    digest = hashlib.blake2b(of.encode(), digest_size=8)
    if len(labels.columns):
        digest.update(pd.util.hash_pandas_object(labels, index=False).to_numpy().tobytes())
    for column in (found.column("rows"), weight):
        digest.update(np.bincount(unit, column).astype(np.float32).tobytes())
    return digest.hexdigest()
