"""Generators of simulated records: one function a kind, one year a call, all drawn from named streams."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from qstats import classifications
from qstats.datasets import load, published
from qstats.errors import OptionError
from qstats.simulation_calibration import Goals, bisect, logit, lowest, slope_to

if TYPE_CHECKING:
    import pandas as pd

EDITION: Final = "2017"
SIZES: Final = np.array(["large", "medium", "small", "micro"], dtype=object)
CHANNELS: Final = np.array(["production", "sales", "online"], dtype=object)
CAUSES: Final = np.array(
    ["safety", "performance", "marking", "energy", "material", "interference"], dtype=object
)
SERVICES: Final = np.array(["consumer", "public", "producer", "emerging"], dtype=object)
CONSTRUCTS: Final = {"IMAG": 4, "EXPE": 3, "QUAL": 4, "VAL": 2, "SAT": 3, "LOY": 2}
GOODS: Final = np.array(
    ["machinery", "electronics", "textiles", "light", "chemicals", "metals", "food", "toys"], dtype=object
)
SECTORS: Final = np.array(["building", "highway", "waterway", "hydraulic"], dtype=object)
_PARENTS: Final = {
    "IMAG": {},
    "EXPE": {"IMAG": 0.6},
    "QUAL": {"IMAG": 0.3, "EXPE": 0.5},
    "VAL": {"IMAG": 0.2, "EXPE": 0.2, "QUAL": 0.4},
    "SAT": {"IMAG": 0.2, "EXPE": 0.1, "QUAL": 0.3, "VAL": 0.3},
    "LOY": {"SAT": 0.7},
}
_LOADING: Final = 0.85


def stream(kind: str, year: int | str, part: str, seed: int) -> np.random.Generator:
    """Return the random stream of one part of one year of one kind; no other part moves it."""
    return np.random.default_rng([seed, crc32(f"{kind}:{year}:{part}".encode())])


@cache
def provinces() -> tuple[list[str], np.ndarray]:
    """Return the 31 provinces and their industrial value added of 2007, in yuan.

    One province's figure is not published; it takes its share of the regional product by the
    ratio of the other thirty.
    """
    table = classifications.regions()
    names = published("GRP", period=2007, region=list(table.loc[table["level"] == "province", "name"]))
    grp = names.table.set_index("region")["estimate"]
    va = published("industry_VA", period=2007, region=list(grp.index), conflict="first")
    added = va.table.set_index("region")["estimate"].reindex(grp.index)
    ratio = added.sum() / grp[added.notna()].sum()
    yuan = 1e8 * added.fillna(ratio * grp).to_numpy()
    yuan.flags.writeable = False
    return list(grp.index), yuan


@cache
def _divisions() -> tuple[np.ndarray, np.ndarray]:
    """Return the 29 divisions and their shares of the revenue of 2022 (implied by published R&D)."""
    table = classifications.industries()
    codes = table.loc[(table["edition"] == EDITION) & (table["rpq"] == "true"), "code"].to_numpy(dtype=object)
    revenue = load("qci_inputs_by_industry").query("series == 'ind_revenue_implied' and year == '2022'")
    found = {
        classifications.industry_code(EDITION, name): value
        for name, value in revenue[["industry", "value"]].itertuples(index=False)
    }
    share = np.array([found[code] for code in codes], dtype="float64")
    return codes, share / share.sum()


def structure(seed: int) -> pd.DataFrame:
    """Return provinces × divisions with output, quality effect, and whether there is an industry at all.

    The same for every year and every kind of one seed, so that kinds and years fit together.
    """
    import pandas as pd

    (names, added), (codes, share) = provinces(), _divisions()
    rng = stream("structure", "all", "output", seed)
    V = share * np.exp(rng.normal(0, 0.7, (len(names), len(codes))))
    V *= (added / V.sum(1))[:, None]
    of_industry = stream("structure", "all", "industry", seed).normal(0, 0.35, len(codes))
    quality = _region_effects(seed)[:, None] + of_industry
    lacking = np.rint(8 * np.clip(1 - added / (0.01 * added.sum()), 0, 1))
    rank = V.argsort(axis=1).argsort(axis=1)
    return pd.DataFrame(
        {
            "region": np.repeat(np.array(names, dtype=object), len(codes)),
            "edition": EDITION,
            "industry": np.tile(codes, len(names)),
            "output": np.round(V.ravel()),
            "quality": quality.ravel(),
            "present": (rank >= lacking[:, None]).ravel(),
        }
    )


def allocate(weights: np.ndarray, size: int, *, least: int) -> np.ndarray:
    """Split `size` records over places by weight, at least `least` each, by largest remainders."""
    spare = size - least * len(weights)
    if spare < 0:
        raise OptionError(f"size={size!r} is too small: {len(weights)} places need {least} records each")
    exact = spare * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    extra = np.argsort(whole - exact, kind="stable")[: spare - whole.sum()]
    whole[extra] += 1
    counts: np.ndarray = whole + least
    return counts


def inspections(year: int, size: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return inspected products: enterprises in cells, small ones worse, products of one enterprise alike."""
    import pandas as pd

    places = structure(seed).query("present").reset_index(drop=True)
    V = places["output"].to_numpy()
    n = allocate(np.sqrt(V), size, least=2)
    cell = np.repeat(np.arange(len(places)), n)
    rng = stream("inspections", year, "sample", seed)
    firm, firms = _firms(n, cell, rng)
    scale = rng.choice(4, firms, p=[0.1, 0.2, 0.45, 0.25])[firm]
    channel, product = rng.choice(3, size, p=[0.5, 0.3, 0.2]), rng.integers(0, 6, size)
    effect = stream("inspections", year, "enterprise", seed).normal(0, 0.9, firms)[firm]
    eta = places["quality"].to_numpy()[cell] + effect
    eta += np.array([0.5, 0.2, -0.1, -0.5])[scale] + np.array([0.1, 0.0, -0.3])[channel]
    u = stream("inspections", year, "outcome", seed).random(size)
    passed = lowest(logit(u) - eta, (V / n)[cell], goals[0])
    region, industry = (places[key].to_numpy(dtype=object)[cell] for key in ("region", "industry"))
    return pd.DataFrame(
        {
            "region": region,
            "edition": EDITION,
            "industry": industry,
            "stratum": region + "-" + SIZES[scale],
            "enterprise": _identifiers(f"E{year}", firms)[firm],
            "size": SIZES[scale],
            "channel": CHANNELS[channel],
            "product": industry + np.array([f"-{k}" for k in range(1, 7)], dtype=object)[product],
            "weight": _weights(places, cell, scale),
            "inspected": 1,
            "passed": passed.astype(np.int64),
            "cause": np.where(passed, "", _causes(year, seed, channel)),
            "output": V[cell],
        }
    )


def _causes(year: int, seed: int, channel: np.ndarray) -> np.ndarray:
    """Return what each record would fail for: by channel, online more often for its marking (assumed)."""
    shares = np.array([[30, 24, 12, 14, 12, 8], [28, 22, 18, 12, 12, 8], [24, 18, 30, 10, 10, 8]]) / 100
    u = stream("inspections", year, "cause", seed).random(len(channel))
    causes: np.ndarray = CAUSES[(u[:, None] > shares.cumsum(1)[channel][:, :-1]).sum(1)]
    return causes


def _firms(n: np.ndarray, cell: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return the enterprise of each record, about five records each, and how many there are."""
    count = np.maximum(1, n // 5)
    first = np.cumsum(count) - count
    return first[cell] + (rng.random(len(cell)) * count[cell]).astype(np.int64), int(count.sum())


def _weights(places: pd.DataFrame, cell: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return products a record stands for: those of its region and size (assumed) over records drawn."""
    products = places.groupby("region")["output"].transform("sum").to_numpy()[cell] / 1e6
    stratum = places.groupby("region").ngroup().to_numpy()[cell] * len(SIZES) + scale
    weight: np.ndarray = products * np.array([0.4, 0.25, 0.25, 0.1])[scale] / np.bincount(stratum)[stratum]
    return weight


def _identifiers(mark: str, count: int) -> np.ndarray:
    return np.array([f"{mark}-{k:06d}" for k in range(1, count + 1)], dtype=object)


def _region_effects(seed: int) -> np.ndarray:
    """Return the quality effect of each province, the same for every kind and year of a seed."""
    return stream("structure", "all", "region", seed).normal(0, 0.3, len(provinces()[0]))


def _regional(size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the place, name and quality effect of the region of each record, by value added."""
    names, added = provinces()
    region = np.repeat(np.arange(len(names)), allocate(added, size, least=1))
    return region, np.array(names, dtype=object)[region], _region_effects(seed)[region]


def exports(year: int, size: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return inspected export batches, failing whole; goals are pass rates by batch and by value."""
    import pandas as pd

    _, region, effect = _regional(size, seed)
    rng = stream("exports", year, "sample", seed)
    goods = rng.choice(len(GOODS), size, p=[0.2, 0.25, 0.15, 0.15, 0.08, 0.07, 0.06, 0.04])
    value = np.round(48_500 * np.exp(rng.normal(-0.5, 1.0, size)), 2)
    worse = np.array([0.0, -0.2, 0.1, 0.1, 0.0, 0.0, 0.5, 0.8])[goods]
    u = stream("exports", year, "outcome", seed).random(size)
    fails = (100 - goals[0], 100 - goals[1])
    failed = lowest(slope_to(logit(u) + effect - worse, value, fails), np.ones(size), fails[0])
    return pd.DataFrame(
        {
            "region": region,
            "goods": GOODS[goods],
            "batches": 1,
            "batches_failed": failed.astype(np.int64),
            "value": value,
            "value_failed": np.where(failed, value, 0.0),
        }
    )


def works(year: int, size: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return unit works appraised by one latent quality, so that fine ⊂ first-time ⊂ accepted."""
    import pandas as pd

    _, region, effect = _regional(size, seed)
    rng = stream("works", year, "sample", seed)
    sector = rng.choice(4, size, p=[0.8, 0.08, 0.04, 0.08])
    area = np.round(np.array([1200, 8000, 3000, 2000])[sector] * np.exp(rng.normal(0, 0.8, size)), 1)
    value = np.round(area * np.array([900, 700, 1500, 1100])[sector] * np.exp(rng.normal(0, 0.2, size)), 2)
    u = stream("works", year, "outcome", seed).random(size)
    t = logit(u) - effect - np.array([0.0, 0.2, 0.1, -0.1])[sector]
    t = slope_to(t, area, goals)
    rest, ones = 100 - goals[0], np.ones(size)
    outcomes = {"passed": 100 - 0.005 * rest, "first_time": 100 - 0.04 * rest, "fine": goals[0]}
    masks = {name: lowest(t, ones, goal) for name, goal in outcomes.items()}
    table = pd.DataFrame({"region": region, "sector": SECTORS[sector]})
    for name, amount in (("works", np.ones(size, np.int64)), ("area", area), ("value", value)):
        table[name] = amount
        for part, mask in masks.items():
            table[f"{name}_{part}"] = np.where(mask, amount, 0)
    return table


def satisfaction(year: int, size: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return answers from 1 to 10 to items of six latent variables; one level a service meets its goal."""
    import pandas as pd

    region, names, effect = _regional(size, seed)
    service = np.arange(size) % len(SERVICES)
    rng = stream("satisfaction", year, "latent", seed)
    latent: dict[str, np.ndarray] = {}
    for construct, parents in _PARENTS.items():
        pull = sum((b * latent[parent] for parent, b in parents.items()), np.zeros(size))
        own = max(1 - float(np.var(pull)), 0.1) ** 0.5
        latent[construct] = pull + own * rng.normal(size=size) + (0.5 * effect if not parents else 0)
    rng = stream("satisfaction", year, "items", seed)
    noise = (1 - _LOADING**2) ** 0.5
    raw = {
        f"{construct}{k}": 1.6 * (_LOADING * latent[construct] + noise * rng.normal(size=size))
        for construct, items in CONSTRUCTS.items()
        for k in range(1, items + 1)
    }
    level = np.zeros(size)
    for k, goal in enumerate(goals):
        mine = np.vstack([raw[f"SAT{j}"][service == k] for j in range(1, CONSTRUCTS["SAT"] + 1)])
        level[service == k] = bisect(partial(_index, mine), goal, -10.0, 20.0, size)
    stratum = region * len(SERVICES) + service
    people = provinces()[1][region] / 1e5 * np.array([0.4, 0.3, 0.2, 0.1])[service]
    return pd.DataFrame(
        {
            "region": names,
            "service": SERVICES[service],
            "weight": people / np.bincount(stratum)[stratum],
            "stratum": names + "-" + SERVICES[service],
            **{item: _answer(x + level) for item, x in raw.items()},
        }
    )


def _index(x: np.ndarray, level: float) -> float:
    """Return the satisfaction from 0 to 100 of answers at a level."""
    return 100 * (float(_answer(x + level).mean()) - 1) / 9


def _answer(x: np.ndarray) -> np.ndarray:
    answer: np.ndarray = np.clip(np.rint(x), 1, 10).astype(np.int64)
    return answer


def losses(year: int, size: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return cost returns of enterprises: log-normal cost rates, scaled as one to the goal."""
    import pandas as pd

    places = structure(seed).query("present").reset_index(drop=True)
    V = places["output"].to_numpy()
    cell = np.repeat(np.arange(len(places)), allocate(np.sqrt(V), size, least=1))
    rng = stream("losses", year, "enterprise", seed)
    part = np.exp(rng.normal(0, 1.2, size))
    output = np.round(V[cell] * part / np.bincount(cell, part)[cell], 2)
    small = np.log(output.mean() / output) / 8
    rate = np.exp(rng.normal(0, 0.7, size) + np.clip(small, -1, 1) - places["quality"].to_numpy()[cell])
    inside = rng.beta(7, 3, size)
    cost = rate * output * (goals[0] / 100 * output.sum() / (rate * output).sum())
    return pd.DataFrame(
        {
            **{key: places[key].to_numpy(dtype=object)[cell] for key in ("region", "edition", "industry")},
            "enterprise": _identifiers(f"L{year}", size),
            "internal": np.round(cost * inside, 2),
            "external": np.round(cost * (1 - inside), 2),
            "output": output,
        }
    )


def events(year: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return events over an exposure by province: Poisson counts by inverse distribution function."""
    import pandas as pd
    from scipy.stats import poisson

    names, added = provinces()
    exposure = np.round(1e7 * added / added.sum())
    effect = _region_effects(seed)
    u = stream("events", year, "outcome", seed).random(len(names))

    def count(shift: float) -> np.ndarray:
        found: np.ndarray = poisson.ppf(u, exposure * np.exp(shift - effect) / 1e4)
        return found

    shift = bisect(lambda s: 1e4 * count(s).sum() / exposure.sum(), goals[0], -20.0, 12.0, len(names))
    return pd.DataFrame(
        {
            "region": np.array(names, dtype=object),
            "events": count(shift).astype(np.int64),
            "exposure": exposure,
        }
    )


def statistics(year: int, seed: int, goals: Goals) -> pd.DataFrame:
    """Return the leaves of the shipped framework for every cell, within bounds, at the goal on average."""
    import pandas as pd

    places, leaves = structure(seed), _leaves()
    quality, V = places["quality"].to_numpy()[:, None], places["output"].to_numpy()
    rng = stream("statistics", year, "values", seed)
    eta = 0.8 * quality + rng.normal(0, 0.5, (len(places), len(leaves)))
    eta += stream("statistics", "all", "indicators", seed).normal(0, 0.4, len(leaves))
    share = V / V.sum()
    w = leaves["weight"].to_numpy()

    def position(shift: float) -> np.ndarray:
        found: np.ndarray = 1 / (1 + np.exp(-(eta + shift)))
        return found

    shift = bisect(lambda s: 60 + 40 * float(share @ position(s) @ w), goals[0], -30.0, 30.0, len(places))
    up = np.where(leaves["direction"].to_numpy() > 0, position(shift), 1 - position(shift))
    low, high = leaves["lower"].to_numpy(), leaves["upper"].to_numpy()
    cell = np.repeat(np.arange(len(places)), len(leaves))
    return pd.DataFrame(
        {
            **{key: places[key].to_numpy(dtype=object)[cell] for key in ("region", "edition", "industry")},
            "indicator": np.tile(leaves["code"].to_numpy(dtype=object), len(places)),
            "estimate": (low + (high - low) * up).ravel(),
            "output": V[cell],
        }
    )


def _leaves() -> pd.DataFrame:
    """Return the leaves of the shipped framework with their weight in the root."""
    tree = load("frameworks/qci").set_index("code")
    parent, weight = tree["parent"], tree["weight"]

    def in_root(code: str) -> float:
        return 1.0 if not parent[code] else float(weight[code]) * in_root(parent[code])

    leaves = tree[~tree.index.isin(parent)].reset_index()
    return leaves.assign(weight=[in_root(code) for code in leaves["code"]])
