"""How respondents were drawn: weights, units, replicate weights. The one door to the design of a survey."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DesignError, OptionError
from qstats.messages import say
from qstats.stats import chain, replicate, sampling
from qstats.stats import resample as factors_of
from qstats.survey import adjusting, replicating
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.units import Units, units_of

Array = NDArray[np.float64]
Index = NDArray[np.intp]

ROW: Final = "_row"


class Drawn(NamedTuple):
    """The sample of n respondents in U units.

    Attributes
    ----------
    weight, base : ndarray, shape (n,)
        With and without the adjustments of the design.
    unit : ndarray of int, shape (n,)
    sample : Sample
        How the units were drawn.
    name : str
        Which sample it is; estimates of one sample covary.
    design : Design or None
    adjusted : Adjustment or None
    given : ndarray, shape (n, B), or None
        Replicate weights that came with the data.
    lone : tuple of str
        Strata with one primary unit, of several in the population.
    """

    weight: Array
    base: Array
    unit: Index
    sample: sampling.Sample
    name: str
    design: Design | None
    adjusted: adjusting.Adjustment | None
    given: Array | None
    lone: tuple[str, ...] = ()


class Plan(NamedTuple):
    """B replicates and how their squares add up."""

    method: str
    B: int
    scale: float
    rscales: Array
    mse: bool
    seed: tuple[int, ...]
    made: factors_of.Replicates | None

    @property
    def random(self) -> bool:
        """Whether replicates are draws, so that one may fail and the others stand for it."""
        return self.method == "bootstrap"


def drawn(table: pd.DataFrame, design: Design | None, content: bytes) -> Drawn:
    """Return the sample that these rows are.

    Parameters
    ----------
    table : DataFrame, n rows
        With the columns that the design names, in an order that does not depend on that of the file.
    design : Design or None
        None: rows drawn at random with replacement, weight 1.
    content : bytes
        What else tells this sample from others: the answers.
    """
    n = len(table)
    digest = hashlib.blake2b(content, digest_size=8)
    if design is None:
        one, sample = np.ones(n), sampling.Sample(np.zeros(n, np.intp), np.array([np.inf]))
        return Drawn(one, one, np.arange(n), sample, digest.hexdigest(), None, None, None)
    found = cells(table.assign(**{ROW: np.arange(n)}), by=[ROW], design=design)
    at = np.argsort(found.codes([ROW])[0], kind="stable")
    units = units_of(found, design)
    adjusted = adjusting.adjustment(found, units)
    adjusted = adjusted._replace(g=adjusted.g[at], category=adjusted.category[at])
    base, sample = found.sum()[at], _certain(units.sample, design)
    made = design.replication
    given = found.replicated()[at] if made is not None and made.columns else None
    digest.update(units.name.encode())
    return Drawn(
        base * adjusted.g,
        base,
        np.asarray(units.unit[at], np.intp),
        sample,
        digest.hexdigest(),
        design,
        adjusted if adjusted.made else None,
        given,
        _lone(sample, units.strata),
    )


def planned(of: Drawn, error: str, replicates: int | None, seed: int | None) -> Plan | None:
    """Return the replicates of the design; where it makes none, the rescaled bootstrap of Rao and Wu.

    None for linearised errors. `replicates` and `seed` are refused where they would have no effect.
    """
    own = of.design is not None and of.design.replication is not None
    if (own or error == "linearised") and not (replicates is None and seed is None):
        raise OptionError(say("satisfaction.no_draws"))
    if error == "linearised":
        return None
    made = None if of.design is None else of.design.replication
    if made is not None and of.given is not None:
        B = of.given.shape[1]
        r = np.ones(B) if made.rscales is None else np.array(made.rscales, float)
        return Plan("columns", B, 1.0 if made.scale is None else made.scale, r, made.mse, (), None)
    refuse_lone(of)
    if of.design is None or made is None or made.method == "bootstrap":
        B = (500 if replicates is None else replicates) if made is None else (made.n or 0)
        word = seed if made is None else made.seed
        mse = made is not None and made.mse
        stream = (0 if word is None else word, int(of.name, 16) % 2**32)
        return Plan("bootstrap", B, 1 / B if mse else 1 / max(B - 1, 1), np.ones(B), mse, stream, None)
    whole = replicating.replicates_of(of.design, Units(of.unit, of.sample, pd.DataFrame(), of.name))
    return Plan(made.method, whole.rscales.size, whole.scale, np.asarray(whole.rscales), whole.mse, (), whole)


def left_out(of: Drawn, *, groups: int = 1000) -> Plan:
    """Return the jackknife of the primary units, or of random groups of them where they are more.

    What the acceleration of BCa rests on: it is the same for units and for groups of units.
    """
    m = of.sample.stratum.size
    return Plan("left out", min(m, groups), 1.0, np.ones(min(m, groups)), False, (int(of.name, 16),), None)


def weights(of: Drawn, plan: Plan, start: int, stop: int) -> Array:
    """Return replicate weights start … stop − 1, shape (n, stop − start), adjustments made again in each."""
    if plan.method == "columns" and of.given is not None:
        return of.given[:, start:stop]
    part = _part(of, plan, start, stop)
    W = of.base[:, None] * part.factors[of.unit]
    if of.adjusted is None:
        return W
    if of.adjusted.continuous is not None:
        raise DesignError("a continuous calibration has no replicates; cut it into categories")
    again = chain.replicated(of.adjusted.N, part, of.adjusted.steps, count=of.adjusted.elements)
    return np.asarray(W * again.G[of.adjusted.category])


def degrees_of_freedom(of: Drawn, plan: Plan | None, row: Index, at: Index, rows: int) -> Array:
    """Return primary units minus strata of each group; of given replicate weights their rank less one.

    Parameters
    ----------
    row, at : ndarray of int, shape (E,)
        Group, and the respondent in it.
    """
    if plan is not None and of.given is not None:
        elements = of.design is not None and of.design.elements
        rank = plan.B - 1 if elements else replicate.degrees_of_freedom(of.given)
        return np.full(rows, float(rank))
    return sampling.degrees_of_freedom(row, of.unit[at], of.sample, rows=rows)


def _certain(sample: sampling.Sample, design: Design) -> sampling.Sample:
    """Take the lone units of strata with certainty where the policy says so, in replicates as well."""
    if design.singleton not in ("certainty", "remove"):
        return sample
    m = np.bincount(sample.stratum, minlength=sample.population.size)
    return replace(sample, population=np.where(m == 1, 1.0, sample.population))


def _lone(sample: sampling.Sample, strata: pd.DataFrame) -> tuple[str, ...]:
    m = np.bincount(sample.stratum, minlength=sample.population.size)
    where = np.flatnonzero((m == 1) & (sample.population > 1))
    return tuple(", ".join(map(str, strata.iloc[h])) or "1" for h in where)


def refuse_lone(of: Drawn) -> None:
    """Raise where a stratum has one primary unit and no policy says what becomes of it."""
    if of.lone:
        shown = "; ".join(of.lone[:10]) + ("; …" if len(of.lone) > 10 else "")
        raise DesignError(say("satisfaction.lone", count=len(of.lone), strata=shown))


def _part(of: Drawn, plan: Plan, start: int, stop: int) -> factors_of.Replicates:
    if plan.method == "left out":
        return factors_of.Replicates(_without(of, plan, start, stop), 1.0, np.ones(stop - start), False)
    if plan.made is not None:
        return plan.made._replace(
            change=plan.made.change[:, start:stop], rscales=plan.made.rscales[start:stop]
        )
    count = max(stop - start, 2)
    part = factors_of.bootstrap(of.sample, count, seed=plan.seed, first=start)
    return part._replace(change=part.change[:, : stop - start], rscales=part.rscales[: stop - start])


def _without(of: Drawn, plan: Plan, start: int, stop: int) -> Array:
    """Return the change of each unit's weight when a group is left out and its stratum makes up for it."""
    h, number = np.asarray(of.sample.stratum, np.intp), np.arange(of.sample.stratum.size)
    group = number % plan.B
    if h.size > plan.B:
        group = group[np.random.default_rng(plan.seed).permutation(h.size)]
    gone = np.zeros((h.max() + 1, plan.B))
    np.add.at(gone, (h, group), 1.0)
    rest = np.bincount(h)[:, None] - gone
    gain = np.where(rest > 0, gone / np.where(rest > 0, rest, 1.0), 0.0)[:, start:stop]
    change = gain[h]
    inside = (group >= start) & (group < stop)
    own = number[inside], group[inside] - start
    change[own] = np.where(rest[h[inside], group[inside]] > 0, -1.0, 0.0)
    return change if of.sample.psu is None else change[of.sample.psu]
