"""How soon `monitor` finds a fault, and how many of its signals are true: simulation on injected faults.

Monthly spot checks of many products; in phase II some of them get worse. Each scenario is watched once by
each way to take the spread. Prints, or writes with ``--write``, the table of ``docs/methods/monitor.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from qstats.analysis.monitor import monitor
from qstats.analysis.signals import episodes
from qstats.indicators.inspection_pass_rate import inspection_pass_rate

PAGE = Path(__file__).parents[1] / "docs" / "methods" / "monitor.md"
MARKS = ("<!-- simulation -->", "<!-- end of simulation -->")
PERIODS = [f"{2015 + i // 12}M{i % 12 + 1:02}" for i in range(60)]
FAULT = 42
PRODUCTS = 400
FAULTY = 20


class Scenario(NamedTuple):
    """One kind of fault."""

    name: str
    #: times as many failures from the fault on, and whether it grows over a year
    factor: float
    slow: bool = False
    #: months that it lasts
    months: int = 18
    #: standard deviation of the monthly rate beyond chance, relative
    extra: float = 0.0
    baseline: int = 36


SCENARIOS = (
    Scenario("no fault", 1.0),
    Scenario("failures × 1.5", 1.5),
    Scenario("failures × 2", 2.0),
    Scenario("failures × 3", 3.0),
    Scenario("× 3 for one month", 3.0, months=1),
    Scenario("growing to × 3 in a year", 3.0, slow=True),
    Scenario("× 2, rates vary by 30 % anyway", 2.0, extra=0.3),
    Scenario("no fault, rates vary by 30 %", 1.0, extra=0.3),
    Scenario("× 2, phase I of 12 months", 2.0, baseline=12),
    Scenario("no fault, phase I of 12 months", 1.0, baseline=12),
)
WAYS = ("laney", "nominal", "exact")


def failures(scenario: Scenario, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return failures and inspections, shape (products, months); the first products are the faulty ones."""
    n = rng.integers(80, 320, (PRODUCTS, 1)) + rng.integers(0, 40, (PRODUCTS, 60))
    rate = rng.uniform(0.03, 0.12, (PRODUCTS, 1)) * np.ones((1, 60))
    growth = np.clip((np.arange(60) - FAULT + 1) / 12, 0, 1) if scenario.slow else np.ones(60)
    inside = (np.arange(60) >= FAULT) & (np.arange(60) < FAULT + scenario.months)
    rate[:FAULTY] *= np.where(inside, 1 + (scenario.factor - 1) * growth, 1.0)
    if scenario.extra:
        rate *= rng.gamma(scenario.extra**-2, scenario.extra**2, rate.shape)
    return rng.binomial(n, np.minimum(rate, 1.0)), n


def assess(scenario: Scenario, way: str, seed: int) -> dict[str, float]:
    """Return what a monitor makes of one simulated country."""
    x, n = failures(scenario, np.random.default_rng([seed, SCENARIOS.index(scenario)]))
    names = [f"p{i:03}" for i in range(PRODUCTS)]
    records = pd.DataFrame({"product": np.repeat(names, 60), "period": np.tile(PERIODS, PRODUCTS)})
    records = records.assign(inspected=n.ravel(), passed=(n - x).ravel())
    estimate = inspection_pass_rate(records, by=["product", "period"])
    found = monitor(estimate, baseline=scenario.baseline, spread=way)
    runs = episodes(found.signals)
    runs = runs[runs["direction"] == "worse"]
    at = np.array([PERIODS.index(p) for p in runs["first"]], int)
    bad = runs["product"].isin(names[:FAULTY]).to_numpy() & (at >= FAULT) & (scenario.factor > 1)
    first = pd.Series(at[bad]).groupby(runs["product"].to_numpy()[bad]).min()
    watched = PRODUCTS * (60 - scenario.baseline) / 12
    return {
        "found": len(first) / FAULTY if scenario.factor > 1 else np.nan,
        "delay": float(first.median() - FAULT + 1) if len(first) else np.nan,
        "precision": float(bad.mean()) if len(bad) and scenario.factor > 1 else np.nan,
        "false": float((~bad).sum() / watched * 100),
    }


def simulate(runs: int, seed: int) -> list[tuple[str, str, dict[str, float]]]:
    """Return means over simulated countries, by scenario and way."""
    rows = []
    for scenario in SCENARIOS:
        for way in WAYS:
            table = pd.DataFrame([assess(scenario, way, seed + i) for i in range(runs)])
            rows.append((scenario.name, way, table.mean().to_dict()))
    return rows


def text(rows: list[tuple[str, str, dict[str, float]]]) -> str:
    """Return the results in Markdown."""
    lines = [
        "| fault from month 43 on, in 20 of 400 products | spread | found, % | median delay, months "
        "| true among episodes, % | false episodes a 100 product-years |",
        "|---|---|---|---|---|---|",
    ]
    for name, way, r in rows:
        shown = [100 * r["found"], r["delay"], 100 * r["precision"], r["false"]]
        cells = [("—" if np.isnan(v) else f"{v:.{d}f}") for v, d in zip(shown, (0, 1, 0, 2), strict=True)]
        lines.append(f"| {name} | `{way}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the simulation as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20_240_601)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = text(simulate(asked.runs, asked.seed))
    if not asked.write:
        print(found)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n{found}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
