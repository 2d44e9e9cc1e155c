"""The generators behind :func:`qstats.simulate`: one a kind, each calibrated to its published figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from qstats import classifications
from qstats.datasets import load, published
from qstats.errors import DataError, OptionError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray

#: how many rows a year has by default: records, works, answers or enterprises
SIZE: Final = {"inspections": 60_000, "works": 20_000, "satisfaction": 12_000, "losses": 9_000}
_SIZES: Final = ("大型", "中型", "小型")
_SIZE_SHARE: Final = (0.10, 0.25, 0.65)
_SIZE_EFFECT: Final = np.array([0.8, 0.4, -0.2])
_SIZE_WEIGHT: Final = np.array([3.0, 10.0, 40.0])
_CHANNELS: Final = ("生产领域", "流通领域", "电商")
_CHANNEL_EFFECT: Final = np.array([0.2, -0.2, -0.6])
_GOODS: Final = ("机电产品", "纺织服装", "轻工产品", "化工产品", "农产品", "食品", "玩具", "金属制品")
_SECTORS: Final = ("building", "highway", "waterway", "hydraulic")
_SERVICES: Final = {
    "生产性服务业": "life_service_quality_satisfaction",
    "生活性服务业": "life_service_quality_satisfaction",
    "新兴服务业": "life_service_quality_satisfaction",
    "公共服务": "public_service_quality_satisfaction",
}
_ITEMS: Final = (
    "imag1",
    "imag2",
    "expe1",
    "expe2",
    "qual1",
    "qual2",
    "val1",
    "val2",
    "sat1",
    "sat2",
    "sat3",
    "loy1",
    "loy2",
)
#: published series that each kind is calibrated to, with its population
_TARGETS: Final = {
    "inspections": ("MQR", "制造业"),
    "works": ("constr_high_quality_project_rate", "建筑业企业"),
    "losses": ("quality_loss_rate", "工业(抽样企业)"),
    "statistics": ("QCI", "制造业"),
}  # fmt: skip


def _stream(seed: int, kind: str, year: int | str, part: str) -> np.random.Generator:
    """Return the random numbers that belong to one name and to no other."""
    return np.random.default_rng([seed, crc32(f"{kind}:{year}:{part}".encode())])


def _figure(series: str, industry: str, year: int, target: float | None) -> float:
    """Return the figure to meet: the one given, else the published one of the year."""
    if target is not None:
        return float(target)
    table = published(series, region="全国", industry=industry, conflict="first").table
    known = dict(zip(table["period"], table["estimate"], strict=True))
    if str(year) not in known:
        years = ", ".join(p for p in known if len(p) == 4)
        raise DataError(f"no published {series} of {year} to calibrate to (there are {years}); give target=")
    return float(known[str(year)])


def _regions() -> tuple[list[str], Array]:
    """Return the 31 provinces and their shares in industrial value added."""
    table = classifications.regions()
    names = list(table.loc[table["level"] == "province", "name"])
    added = published("industry_VA", region=names, period=2023, industry="工业", conflict="first").table
    values = added.set_index("region")["estimate"].reindex(names).to_numpy(float)
    return names, values / values.sum()


def _divisions() -> pd.DataFrame:
    table = load("industries")
    return table[
        (table["edition"].astype(str) == "2017") & table["rpq"].fillna(False).astype(bool)
    ].reset_index(drop=True)


def _logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _constant(
    measure: Callable[[float], float], target: float, *, low: float = -15, high: float = 15
) -> float:
    """Return c with measure(c) nearest to the target, for a measure that grows with c."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if measure(middle) < target else (low, middle)
    return min((low, high), key=lambda c: abs(measure(c) - target))


def _cells(seed: int) -> tuple[Array, Array, Array]:
    """Return region and division of the cells that have output, and their output in yuan."""
    _, share = _regions()
    rng = _stream(seed, "cells", "", "output")
    divisions = len(_divisions())
    weight = rng.lognormal(0, 0.9, divisions)
    output = share[:, None] * weight / weight.sum() * rng.lognormal(0, 0.6, (len(share), divisions)) * 1e14
    region, industry = np.nonzero(output >= np.quantile(output, 0.06))
    return region, industry, output[region, industry].round(-6)


def _inspections(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd

    goal = _figure(*_TARGETS["inspections"], year, target)
    region, industry, output = _cells(seed)
    count = _allocated(SIZE["inspections"] if size is None else size, np.sqrt(output), "inspections")
    rng = _stream(seed, "inspections", year, "records")
    cell = np.repeat(np.arange(len(output)), count)
    firm = cell * 1_000_000 + rng.integers(0, np.maximum(count[cell] // 4, 1))
    firms, of = np.unique(firm, return_inverse=True)
    kind = rng.choice(3, len(firms), p=_SIZE_SHARE)[of]
    channel = rng.choice(3, len(cell), p=(0.6, 0.25, 0.15))
    effect = rng.normal(0, 0.25, 31)[region[cell]] + rng.normal(0, 0.35, 29)[industry[cell]]
    effect = effect + _SIZE_EFFECT[kind] + _CHANNEL_EFFECT[channel] + rng.normal(0, 0.8, len(firms))[of]
    limit = np.log(1 / rng.random(len(cell)) - 1)  # the outcome is 1 where c + effect exceeds it
    weight = (_SIZE_WEIGHT[kind] * rng.lognormal(0, 0.2, len(cell))).round(3)

    def rate(c: float) -> float:
        passed = np.bincount(cell, c + effect > limit, len(output)) / count
        return float(100 * (passed * output).sum() / output.sum())

    c = _constant(rate, goal)
    names, codes = _regions()[0], _divisions()["code"].astype(str).to_numpy()
    place, code = np.array(names)[region[cell]], codes[industry[cell]]
    sizes = np.array(_SIZES)[kind]
    return pd.DataFrame(
        {
            "region": place,
            "edition": "2017",
            "industry": code,
            "stratum": np.char.add(np.char.add(code.astype(str), "-"), sizes),
            "enterprise": [f"{place[i]}-{code[i]}-{firm[i] % 1_000_000:04d}" for i in range(len(cell))],
            "size": sizes,
            "channel": np.array(_CHANNELS)[channel],
            "product": np.char.add(
                np.char.add("产品", code.astype(str)), rng.choice(["A", "B", "C"], len(cell))
            ),
            "weight": weight,
            "inspected": 1,
            "passed": (c + effect > limit).astype("int64"),
            "output": output[cell],
        }
    )


def _allocated(size: int, weight: Array, kind: str) -> Array:
    """Return how many rows each cell gets: two, and the rest in proportion to `weight`."""
    least = 2 * len(weight)
    if size < least:
        raise OptionError(
            f"size={size}: {kind} needs at least {least} rows a year, two for each of {len(weight)} cells"
        )
    exact = (size - least) * weight / weight.sum()
    count = np.floor(exact).astype("int64")
    count[np.argsort(count - exact, kind="stable")[: size - least - int(count.sum())]] += 1
    return count + 2


def _exports(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import binom

    goal = {
        basis: 100
        - _figure(f"export_{basis}_fail_rate", "出口商品", year, None if target is None else 100 - target)
        for basis in ("batch", "value")
    }
    names, share = _regions()
    rng = _stream(seed, "exports", year, "declarations")
    place, goods = (
        a.ravel() for a in np.meshgrid(np.arange(len(names)), np.arange(len(_GOODS)), indexing="ij")
    )
    batches = np.maximum(1, (13e6 * share[place] / len(_GOODS) * rng.lognormal(0, 0.8, len(place))).round())
    effect = rng.normal(0, 0.4, len(names))[place] + rng.normal(0, 0.5, len(_GOODS))[goods]
    u = rng.random(len(place))

    def failed(c: float) -> Array:
        return np.asarray(binom.ppf(u, batches, _logistic(effect - c)))

    c = _constant(lambda c: float(100 * (1 - failed(c).sum() / batches.sum())), goal["batch"])
    value = (batches * rng.lognormal(np.log(4.5e4), 0.7, len(place))).round()
    lost = value * _logistic(effect - c) * rng.lognormal(0, 0.3, len(place))
    lost = np.minimum(value, lost * (1 - goal["value"] / 100) * value.sum() / lost.sum())
    return pd.DataFrame(
        {
            "region": np.array(names)[place],
            "goods": np.array(_GOODS)[goods],
            "batches": batches.astype("int64"),
            "batches_failed": failed(c).astype("int64"),
            "value": value,
            "value_failed": lost.round(),
        }
    )


def _works(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd

    goal = _figure(*_TARGETS["works"], year, target)
    names, share = _regions()
    rng = _stream(seed, "works", year, "works")
    n = SIZE["works"] if size is None else size
    _allocated(n, np.ones(31), "works")
    place, sector = rng.choice(31, n, p=share), rng.choice(4, n, p=(0.7, 0.15, 0.05, 0.1))
    effect = rng.normal(0, 0.4, 31)[place] + rng.normal(0, 0.3, 4)[sector]
    passed = rng.random(n) < 0.9985
    first = passed & (rng.random(n) < _logistic(4.0 + effect))
    limit = np.log(1 / rng.random(n) - 1)
    c = _constant(lambda c: float(100 * (passed & (c + effect > limit)).mean()), goal)
    fine = passed & (c + effect > limit)
    size_of = {
        "works": np.ones(n),
        "area": rng.lognormal(8, 0.9, n).round(),
        "value": rng.lognormal(16, 1.0, n).round(),
    }
    table = pd.DataFrame({"region": np.array(names)[place], "sector": np.array(_SECTORS)[sector]})
    for basis, amount in size_of.items():
        kind = "int64" if basis == "works" else "float64"
        table[basis] = amount.astype(kind)
        for name, outcome in (("passed", passed), ("first_time", first), ("fine", fine)):
            table[f"{basis}_{name}"] = (amount * outcome).astype(kind)
    return table


def _satisfaction(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd

    names, share = _regions()
    n = SIZE["satisfaction"] if size is None else size
    per = _allocated(n, np.ones(len(_SERVICES) * 31), "satisfaction").reshape(len(_SERVICES), 31)
    parts = []
    for (service, series), count in zip(_SERVICES.items(), per, strict=True):
        goal = _figure(series, "公共服务" if service == "公共服务" else "生活性服务业", year, target)
        rng = _stream(seed, "satisfaction", year, service)
        place = np.repeat(np.arange(31), count)
        person = rng.normal(0, 1.2, len(place)) + rng.normal(0, 0.3, 31)[place]
        noise = (
            rng.normal(0, 0.8, (len(_ITEMS), len(place))) + person + rng.normal(0, 0.2, len(_ITEMS))[:, None]
        )
        asked = slice(_ITEMS.index("sat1"), _ITEMS.index("sat3") + 1)
        c = _constant(lambda c, x=noise[asked]: float(100 * (_answers(x, c).mean() - 1) / 9), goal)  # type: ignore[misc]
        town = rng.random(len(place)) < 0.6
        parts.append(
            pd.DataFrame(
                {
                    "region": np.array(names)[place],
                    "sector": service,
                    "stratum": np.where(town, "城镇", "农村"),
                    "weight": (share[place] * np.where(town, 0.8, 1.3) * 1e5 / count[place]).round(3),
                    **dict(zip(_ITEMS, _answers(noise, c), strict=True)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _answers(noise: Array, c: float) -> Array:
    return np.asarray(np.clip(np.round(c + noise), 1, 10), dtype="int64")


def _losses(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd

    goal = _figure(*_TARGETS["losses"], year, target)
    region, industry, output = _cells(seed)
    count = _allocated(SIZE["losses"] if size is None else size, np.sqrt(output), "losses")
    rng = _stream(seed, "losses", year, "returns")
    cell = np.repeat(np.arange(len(output)), count)
    made = (output[cell] / count[cell] * rng.lognormal(0, 0.8, len(cell))).round()
    spread = rng.normal(0, 0.3, 31)[region[cell]] + rng.normal(0, 0.4, 29)[industry[cell]]
    lost = made * np.exp(spread + rng.normal(0, 0.7, len(cell)))
    lost = lost * goal / 100 * made.sum() / lost.sum()
    inside = rng.beta(4, 2, len(cell))
    names, codes = np.array(_regions()[0]), _divisions()["code"].astype(str).to_numpy()
    return pd.DataFrame(
        {
            "region": names[region[cell]],
            "edition": "2017",
            "industry": codes[industry[cell]],
            "enterprise": [f"企业{i:05d}" for i in range(len(cell))],
            "internal": (lost * inside).round(),
            "external": (lost * (1 - inside)).round(),
            "output": made,
        }
    )


def _events(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import poisson

    if target is None:
        raise DataError("events have no published rate to calibrate to; give target= (a rate per 10,000)")
    names, share = _regions()
    rng = _stream(seed, "events", year, "events")
    exposure = (1e6 * share * rng.lognormal(0, 0.2, 31)).round()
    effect, u = rng.normal(0, 0.3, 31), rng.random(31)

    def events(c: float) -> Array:
        return np.asarray(poisson.ppf(u, exposure * np.exp(effect + c)))

    c = _constant(lambda c: float(1e4 * events(c).sum() / exposure.sum()), target, low=-20, high=2)
    return pd.DataFrame({"region": names, "events": events(c).astype("int64"), "exposure": exposure})


def _statistics(year: int, seed: int, size: int | None, target: float | None) -> pd.DataFrame:
    import pandas as pd

    goal = _figure(*_TARGETS["statistics"], year, target)
    tree = load("frameworks/qci")
    weight = tree.set_index("code")["weight"].astype(float)
    parent = tree.set_index("code")["parent"]
    leaves = tree[tree["direction"].notna()].reset_index(drop=True)
    whole = np.array([weight[c] * weight[parent[c]] * weight[parent[parent[c]]] for c in leaves["code"]])
    region, industry, output = _cells(seed)
    rng = _stream(seed, "statistics", year, "values")
    z = rng.normal(0, 0.5, (len(output), len(leaves)))
    z = z + rng.normal(0, 0.4, (31, len(leaves)))[region] + rng.normal(0, 0.4, (29, len(leaves)))[industry]
    c = _constant(lambda c: float(60 + 40 * np.average(_logistic(z + c) @ whole, weights=output)), goal)
    good = _logistic(z + c)
    low, high = leaves["lower"].to_numpy(float), leaves["upper"].to_numpy(float)
    part = np.where(leaves["direction"].to_numpy(float) > 0, good, 1 - good)
    names, codes = np.array(_regions()[0]), _divisions()["code"].astype(str).to_numpy()
    many = len(leaves)
    return pd.DataFrame(
        {
            "region": np.repeat(names[region], many),
            "edition": "2017",
            "industry": np.repeat(codes[industry], many),
            "indicator": np.tile(leaves["code"].to_numpy(), len(output)),
            "unit": np.tile(leaves["unit"].to_numpy(), len(output)),
            "estimate": (low + (high - low) * part).ravel(),
            "output": np.repeat(output, many),
        }
    )


#: kind → maker of the rows of one year, from the year, seed, size and target
MAKERS: Final[dict[str, Callable[[int, int, int | None, float | None], pd.DataFrame]]] = {
    "inspections": _inspections,
    "exports": _exports,
    "works": _works,
    "satisfaction": _satisfaction,
    "losses": _losses,
    "events": _events,
    "statistics": _statistics,
}
