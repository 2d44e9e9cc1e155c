"""How soon outbreaks in seasonal counts are found, and how many alarms are true: injected outbreaks.

Monthly counts of many products, ten years; in the last two years some of them have an outbreak. Every rule
judges these two years, without control of the false discovery rate, which would hide what each alone does.
Prints, or writes with ``--write``, the table of ``docs/methods/outbreaks.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qstats.stats.count_charts import decision_for, glr_chart, ratio_cusum
from qstats.stats.count_regression import fit_counts, seasonal_regressors
from qstats.stats.farrington_flexible import farrington_flexible
from qstats.stats.outbreak import farrington
from qstats.stats.short_baselines import ears, rki

PAGE = Path(__file__).parents[1] / "docs" / "methods" / "outbreaks.md"
MARKS = ("<!-- simulation -->", "<!-- end of simulation -->")
MONTHS, FIRST, PRODUCTS, FAULTY = 120, 96, 100, 10


class Scenario(NamedTuple):
    """One kind of outbreak."""

    name: str
    #: times as many events, for so many months
    factor: float
    months: int
    #: α of the variance μ + αμ²
    dispersion: float = 0.05
    #: growth a year, in all products
    growth: float = 0.0


SCENARIOS = (
    Scenario("none", 1.0, 0),
    Scenario("× 2 for one month", 2.0, 1),
    Scenario("× 2 for three months", 2.0, 3),
    Scenario("× 1.5 from then on", 1.5, 24),
    Scenario("× 1.5 from then on, Poisson", 1.5, 24, dispersion=0.0),
    Scenario("× 1.5 from then on, all grow by 5 % a year", 1.5, 24, growth=0.05),
)


def counts(scenario: Scenario, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return counts, shape (products, months), and the month in which the outbreak of the first begins."""
    t = np.arange(MONTHS)
    level = rng.uniform(10, 60, (PRODUCTS, 1))
    season = rng.uniform(0.2, 0.6, (PRODUCTS, 1)) * np.sin(
        2 * np.pi * (t + rng.integers(0, 12, (PRODUCTS, 1))) / 12
    )
    mu = level * np.exp(season + np.log1p(scenario.growth) * (t - FIRST) / 12)
    onset = rng.integers(FIRST, FIRST + 12, FAULTY)
    inside = (t >= onset[:, None]) & (t < onset[:, None] + scenario.months)
    mu[:FAULTY] *= np.where(inside, scenario.factor, 1.0)
    a = scenario.dispersion
    return (rng.negative_binomial(1 / a, 1 / (1 + a * mu)) if a else rng.poisson(mu)).astype(float), onset


def by_bound(rule: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the alarms of the last two years of a rule that judges the last month."""
    return lambda y: np.stack([rule(y[:, : t + 1]) for t in range(FIRST, MONTHS)], axis=1)


def charted(y: np.ndarray, chart: str) -> np.ndarray:
    """Return the signals of a chart whose expectation was fitted to the first eight years."""
    X = seasonal_regressors(np.arange(MONTHS), season=12)
    found = []
    for one in y:
        fit = fit_counts(one[:FIRST], X[:FIRST])
        mu = np.exp(X @ fit.beta)
        if chart == "glr":
            found.append(glr_chart(one[FIRST:], mu[FIRST:], decision=5.0, dispersion=fit.dispersion).signal)
            continue
        h = decision_for(mu[:12], run_length=370, dispersion=fit.dispersion)
        found.append(ratio_cusum(one[FIRST:], mu[FIRST:], decision=h, dispersion=fit.dispersion).signal)
    return np.array(found)


RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "farrington": by_bound(lambda y: farrington(y).alarm),
    "flexible": by_bound(lambda y: farrington_flexible(y).alarm),
    "flexible, mean-limit": by_bound(lambda y: farrington_flexible(y, threshold="mean-limit").alarm),
    "rki": lambda y: rki(y).alarm[:, FIRST:],
    "C1": lambda y: ears(y, method="C1").alarm[:, FIRST:],
    "C2": lambda y: ears(y, method="C2").alarm[:, FIRST:],
    "C3": lambda y: ears(y, method="C3").alarm[:, FIRST:],
    "seasonal_cusum": lambda y: charted(y, "cusum"),
    "seasonal_cusum, glr": lambda y: charted(y, "glr"),
}


def assess(alarm: np.ndarray, onset: np.ndarray, scenario: Scenario) -> list[float]:
    """Return found %, median delay, true among alarms %, false alarms in 100 months."""
    t = np.arange(FIRST, MONTHS)
    # two months after the end an alarm still counts as true
    inside = (t >= onset[:, None]) & (t < onset[:, None] + scenario.months + 2 * (scenario.months > 0))
    true = np.zeros(alarm.shape, bool)
    true[:FAULTY] = inside & (scenario.months > 0)
    hits = alarm & true
    first = [t[row][0] - o + 1 for row, o in zip(hits[:FAULTY], onset, strict=True) if row.any()]
    false = 100 * (alarm & ~true).sum() / (~true).sum()
    if not scenario.months:
        return [np.nan, np.nan, np.nan, false]
    share = 100 * hits.sum() / alarm.sum() if alarm.any() else np.nan
    return [100 * len(first) / FAULTY, float(np.median(first)) if first else np.nan, share, false]


def table(runs: int, seed: int) -> str:
    """Return the results in Markdown."""
    lines = [
        "| outbreak in 10 of 100 products | rule | found, % | median delay, months | true among alarms, % "
        "| false alarms in 100 months |",
        "|---|---|---|---|---|---|",
    ]
    for at, scenario in enumerate(SCENARIOS):
        found = {name: [] for name in RULES}
        for run in range(runs):
            y, onset = counts(scenario, np.random.default_rng([seed, at, run]))
            for name, rule in RULES.items():
                found[name].append(assess(np.asarray(rule(y), bool), onset, scenario))
        for name, rows in found.items():
            values = [np.nanmean(c) if np.isfinite(c).any() else np.nan for c in np.array(rows).T]
            cells = ["—" if np.isnan(v) else f"{v:.{d}f}" for v, d in zip(values, (0, 1, 0, 1), strict=True)]
            lines.append(f"| {scenario.name} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the simulation as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20_240_601)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = table(asked.runs, asked.seed)
    if not asked.write:
        print(found)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n{found}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
