"""Simulated micro-data that meet the published national figures, and say that they are simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from qstats import simulation_parts as parts
from qstats.datasets import published
from qstats.errors import OptionError, one_of
from qstats.simulation_calibration import Goals

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["inspections", "exports", "works", "satisfaction", "losses", "events", "statistics"]

#: events per 10,000 of exposure: an assumption, nothing of the kind is published
_ASSUMED_EVENTS: Final = 0.5


class _Recipe(NamedTuple):
    """How a kind is made: its generator, records a year (None: fixed by its keys), goals, and their range."""

    make: Callable[..., pd.DataFrame]
    records: int | None
    series: str
    goals: int
    limits: tuple[float, float]


_RECIPES: Final[dict[str, _Recipe]] = {
    "inspections": _Recipe(parts.inspections, 60_000, "MQR", 1, (0, 100)),
    "exports": _Recipe(parts.exports, 60_000, "export failures", 2, (0, 100)),
    "works": _Recipe(parts.works, 60_000, "fine works", 2, (0, 100)),
    "satisfaction": _Recipe(parts.satisfaction, 12_400, "service satisfaction", 4, (0, 100)),
    "losses": _Recipe(parts.losses, 12_000, "quality_loss_rate", 1, (0, 100)),
    "events": _Recipe(parts.events, None, "", 1, (0, 10_000)),
    "statistics": _Recipe(parts.statistics, None, "QCI", 1, (60, 100)),
}


def simulate(
    kind: Kind,
    /,
    *,
    year: int | Sequence[int],
    size: int | None = None,
    seed: int,
    target: float | None = None,
) -> pd.DataFrame:
    r"""Simulate micro-data of an indicator, calibrated to its published national figure.

    A record k is positive (passes, fails, is appraised fine) when its uniform draw falls below

    .. math:: p_k = \operatorname{expit}(s + a_{region} + b_{industry} + c_{size} + e_{enterprise})

    with normal effects. Only the level s is fitted, on the outcomes themselves and with the draws
    fixed: the share of positives grows with s, so s is a weighted quantile of
    logit(u) − (η − s). No outcome is overwritten. What the indicator function then returns for the
    nation is within 0.1 point of the published figure of the year; all other structure is
    **hypothesis**, and no simulated number tells anything about a province or an industry.

    ============== ============================================ =====================================
    kind           one row                                      national figure met
    ============== ============================================ =====================================
    inspections    product inspected, in an enterprise          ``product_pass_rate``: MQR
    exports        batch                                        ``export_pass_rate``, batch and value
    works          unit work                                    ``acceptance_rate``, fine, count and area
    satisfaction   respondent                                   ``customer_satisfaction`` of SAT1..3
    losses         cost return of an enterprise                 ``quality_loss_rate``
    events         province                                     none published: 0.5 per 10,000 assumed
    statistics     province × division × indicator              QCI, mean of cells weighted by output
    ============== ============================================ =====================================

    Output is proportional to the industrial value added of 31 provinces in 2007 (one by its regional
    product) and to the revenue of 29 divisions in 2022, with log-normal specialisation; small
    provinces lack up to eight divisions in inspections and losses. Hypotheses too: satisfaction
    among producer and emerging services (taken as that of consumer services), works accepted and
    accepted at first, and all weights, which no calibration uses.

    Parameters
    ----------
    kind : {"inspections", "exports", "works", "satisfaction", "losses", "events", "statistics"}
        What to simulate.
    year : int or sequence of int
        Years; each has its own random streams, so adding one changes no other.
    size : int, optional
        Records a year; by default 60,000 (satisfaction 12,400, losses 12,000). Events and statistics
        have one row a key, and no size.
    seed : int
        Required, ≥ 0. The same seed gives the same table.
    target : float, optional
        The national figure to meet instead of the published one, in the unit of the indicator
        (per cent, points, events per 10,000), for every year asked for and every basis or service.

    Returns
    -------
    pandas.DataFrame
        ``period``, the columns of the schema of the indicator, and ``provenance``, which is
        ``"simulated:KIND seed=SEED"`` in every row, so that ``Estimate.simulated`` is true of
        all that descends from it. Amounts in yuan (exports US$), areas in m².

    Raises
    ------
    OptionError
        An unknown kind, no seed, a size too small to meet the figure, a year without a published
        figure (the years there are, are listed) when no `target` is given.

    Examples
    --------
    >>> from qstats.indicators.product_pass_rate import product_pass_rate
    >>> records = simulate("inspections", year=2023, seed=1)
    >>> rate = product_pass_rate(records)
    >>> len(records), rate.simulated, abs(rate.value() - 93.65) < 0.1
    (60000, True, True)
    """
    import pandas as pd

    one_of("kind", kind, tuple(_RECIPES))
    recipe, seed, years = _RECIPES[kind], _seed(seed), _years(year)
    options = _size(kind, recipe, size)
    goals = _goals(kind, recipe, years, target)
    tables = []
    for one in years:
        table = recipe.make(one, seed=seed, goals=goals[one], **options)
        table.insert(0, "period", str(one))
        tables.append(table)
    return pd.concat(tables, ignore_index=True).assign(provenance=f"simulated:{kind} seed={seed}")


def _integer(value: Any) -> bool:
    import numpy as np

    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _seed(seed: Any) -> int:
    if seed is None:
        raise OptionError(
            "seed=None: simulated data must be reproducible; give a whole number ≥ 0, as seed=1"
        )
    if not _integer(seed) or seed < 0:
        raise OptionError(f"seed={seed!r} is not a whole number ≥ 0")
    return int(seed)


def _years(year: Any) -> list[int]:
    several = isinstance(year, Iterable) and not isinstance(year, str)
    given = list(year) if several else [year]
    wrong = [one for one in given if not _integer(one) or not 1900 <= one <= 2200]
    if wrong or not given or len(set(given)) < len(given):
        raise OptionError(f"year={year!r}: give a year such as 2023, or a list of different years")
    return [int(one) for one in given]


def _size(kind: str, recipe: _Recipe, size: Any) -> dict[str, int]:
    if recipe.records is None:
        if size is not None:
            raise OptionError(f"size={size!r}: {kind!r} has one row a key; leave size out")
        return {}
    if size is not None and (not _integer(size) or size < 1):
        raise OptionError(f"size={size!r} is not a whole number of records ≥ 1")
    return {"size": recipe.records if size is None else int(size)}


def _goals(kind: str, recipe: _Recipe, years: list[int], target: Any) -> dict[int, Goals]:
    """Return what each year is to meet: the number given, or what was published."""
    if target is not None:
        low, high = recipe.limits
        if isinstance(target, bool) or not isinstance(target, Real) or not low < float(target) < high:
            raise OptionError(f"target={target!r} is not a number between {low:g} and {high:g}")
        return dict.fromkeys(years, (float(target),) * recipe.goals)
    if kind == "events":
        return dict.fromkeys(years, (_ASSUMED_EVENTS,))
    known = _published_goals(kind)
    absent = [str(one) for one in years if one not in known]
    if absent:
        raise OptionError(
            f"no national figure ({recipe.series}) is published for {', '.join(absent)}; there is one for "
            f"{', '.join(map(str, sorted(known)))}. Choose one of these, or give target="
        )
    return {one: known[one] for one in years}


def _annual(series: str, **options: Any) -> Mapping[int, float]:
    table = published(series, region="全国", **options).table
    whole = table[table["period"].str.fullmatch(r"\d{4}")]
    return dict(zip(whole["period"].astype(int), whole["estimate"].astype(float), strict=True))


@cache
def _published_goals(kind: str) -> dict[int, Goals]:
    """Return year → published figures, in the order the generator takes them."""
    if kind == "inspections":
        series = [_annual("MQR", industry="制造业", conflict="official")]
    elif kind == "statistics":
        series = [_annual("QCI", industry="制造业", conflict="official")]
    elif kind == "losses":
        series = [_annual("quality_loss_rate")]
    elif kind == "works":
        series = [_annual("constr_high_quality_project_rate"), _annual("constr_high_quality_floor_rate")]
    elif kind == "satisfaction":
        consumer = _annual("life_service_quality_satisfaction")
        series = [consumer, _annual("public_service_quality_satisfaction"), consumer, consumer]
    else:
        series = [_export_rate("batches", "万批"), _export_rate("value", "亿美元")]
    years = set(series[0]).intersection(*series[1:])
    return {one: tuple(values[one] for values in series) for one in sorted(years)}


def _export_rate(basis: str, unit: str) -> Mapping[int, float]:
    """Return pass rates of exports: failures are those of all trade less those of imports."""
    options = {"industry": None, "unit": unit, "dataset": "trade_and_alerts", "conflict": "first"}
    trade = _annual(f"trade_{basis}_failed", **options)
    imports = _annual(f"import_{basis}_failed", **options)
    inspected = _annual(f"export_inspection_{basis}", **options)
    years = set(trade) & set(imports) & set(inspected)
    return {one: 100 * (1 - (trade[one] - imports[one]) / inspected[one]) for one in years}
