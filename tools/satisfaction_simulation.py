"""How often intervals of the satisfaction index, and of a path of zero, hold the true value.

    python tools/satisfaction_simulation.py                   the table, to the standard output
    python tools/satisfaction_simulation.py --write           into docs/methods/customer_satisfaction.md
    python tools/satisfaction_simulation.py --samples 200     fewer samples, quicker

A population of 400,000 people in 40,000 clusters of ten and four strata answers twelve items from 1 to 10:
constructs A and B, C that depends on A and, with a path of zero, on B, and D on C and B. Strata differ in C
and D. The true values are those of the model fitted to the whole population. Samples are simple ones, and
clusters drawn within strata, with weights. Every sample has its own stream.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qstats.satisfaction import study
from qstats.satisfaction.indices import index as index_of
from qstats.satisfaction.indices import index_statistic, uncertain
from qstats.satisfaction.replicated import solve
from qstats.satisfaction.studies import Study
from qstats.survey.design import Design

PAGE = Path(__file__).resolve().parent.parent / "docs" / "methods" / "customer_satisfaction.md"
MARKS = ("<!-- table: tools/satisfaction_simulation.py -->", "<!-- end of table -->")
NAMES = ("A", "B", "C", "D")
ITEMS = [f"{c}{j}" for c in NAMES for j in (1, 2, 3)]
MODEL = pd.DataFrame(
    {
        "construct": NAMES,
        "parents": ["", "", "A;B", "B;C"],
        "items": [f"{c}1;{c}2;{c}3" for c in NAMES],
    }
)
CLUSTERS, SIZE = 40_000, 10
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def population() -> pd.DataFrame:
    """Return everybody: answers, stratum, cluster."""
    rng = np.random.default_rng(20190038)
    cluster = np.repeat(np.arange(CLUSTERS), SIZE)
    stratum = np.repeat(np.repeat(np.arange(4), (CLUSTERS * SHARES).astype(int)), SIZE)
    n = cluster.size

    def own() -> np.ndarray:
        shared = rng.normal(size=CLUSTERS)[cluster]
        return np.sqrt(0.1) * shared + np.sqrt(0.9) * rng.normal(size=n)

    a, b = own(), own()
    c = 0.6 * a + 0.8 * own()
    d = 0.4 * b + 0.5 * c + np.sqrt(1 - 0.41) * own()
    level = {"A": 6.6, "B": 6.9, "C": 6.4 + 0.3 * stratum, "D": 6.3 + 0.3 * stratum}
    columns: dict[str, Any] = {}
    for name, latent in zip(NAMES, (a, b, c, d), strict=True):
        for j, (loading, shift) in enumerate(zip((0.85, 0.75, 0.65), (0.0, 0.6, -0.4), strict=True), 1):
            raw = loading * latent + np.sqrt(1 - loading**2) * rng.normal(size=n)
            columns[f"{name}{j}"] = np.clip(np.rint(level[name] + shift + 1.7 * raw), 1, 10)
    return pd.DataFrame({"stratum": stratum, "cluster": cluster, **columns})


def simple(people: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return n people drawn at random."""
    return people.iloc[rng.integers(0, len(people), n)]


def clustered(people: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return n/10 clusters, as many in each stratum, with their weights."""
    each = n // SIZE // 4
    sizes = (CLUSTERS * SHARES).astype(int)
    starts = np.cumsum(sizes) - sizes
    drawn = np.concatenate(
        [s + rng.choice(k, each, replace=False) for s, k in zip(starts, sizes, strict=True)]
    )
    rows = (drawn[:, None] * SIZE + np.arange(SIZE)).ravel()
    sample = people.iloc[rows]
    return sample.assign(weight=(sizes / each)[sample["stratum"].to_numpy()])


def truths(people: pd.DataFrame) -> tuple[float, float]:
    """Return the index of C and the path of B on C in the whole population."""
    whole = study(people[ITEMS], model=MODEL, error="linearised")
    found = solve(whole, "standardised", both(whole), 2).estimate[0]
    return float(found[0]), float(found[1])


def both(of: Study) -> Any:
    """Return the index of C and the path of B on C as a statistic."""
    first = index_statistic(of, 2, "U")

    def statistic(mean: Any, S: Any, fit: Any, own: Any) -> Any:
        return np.column_stack([first(mean, S, fit, own), fit.paths[:, 2, 1]])

    return statistic


def intervals_of(sample: pd.DataFrame, design: Design | None, replicates: int, seed: int) -> dict[str, Any]:
    """Return limits of (index, path) by the name of the interval."""
    found: dict[str, Any] = {}
    made = study(sample, model=MODEL, negative="keep", design=design, replicates=replicates, seed=seed)
    statistic = both(made)
    result = solve(made, "standardised", statistic, 2)
    for name in ("t", "percentile", "bca"):
        got = uncertain(made, result, statistic, name, 0.95, share=False)
        found[f"bootstrap, {name}"] = got.low, got.high
    if design is not None:
        jack = study(sample, model=MODEL, negative="keep", design=design.replicate("jkn"))
        got = uncertain(jack, solve(jack, "standardised", statistic, 2), statistic, "t", 0.95, share=False)
        found["jackknife, t"] = got.low, got.high
    line = index_of(
        study(sample, model=MODEL, negative="keep", design=design, error="linearised"), index_of="C"
    ).table
    nan = [np.nan]
    found["linearised, t"] = tuple(np.append(line[c].to_numpy(), nan) for c in ("conf_low", "conf_high"))
    return found


def coverage(people: pd.DataFrame, truth: Any, n: int, samples: int, replicates: int, *, design: bool) -> Any:
    """Return the share of samples whose interval holds the true values, by interval."""
    plan = Design(weight="weight", strata="stratum", cluster="cluster") if design else None
    hits: dict[str, Any] = {}
    for k in range(samples):
        rng = np.random.default_rng([n, int(design), k])
        sample = clustered(people, n, rng) if design else simple(people, n, rng)
        for name, (low, high) in intervals_of(sample, plan, replicates, k).items():
            inside = np.where(np.isnan(low), np.nan, (low <= truth) & (truth <= high))
            hits.setdefault(name, []).append(inside)
    return {name: 100 * np.mean(rows, axis=0) for name, rows in hits.items()}


def table(samples: int, replicates: int) -> str:
    """Return the table in Markdown."""
    people = population()
    truth, error = np.array(truths(people)), 100 * np.sqrt(0.0475 / samples)
    lines = [
        f"Share of {samples:,} samples, in per cent, whose 95 % interval ({replicates} draws) holds the true",
        f"value (index {truth[0]:.2f}, path {truth[1]:.3f}); Monte-Carlo error {error:.1f}:",
        "",
        "| sample | n | interval | index | path of zero |",
        "|---|---|---|---|---|",
    ]
    for design, n in ((False, 100), (False, 250), (False, 1000), (True, 400), (True, 1000)):
        kind = "clusters of ten in strata, weighted" if design else "simple"
        for name, share in coverage(people, truth, n, samples, replicates, design=design).items():
            said = ["—" if np.isnan(s) else f"{s:.1f}" for s in share]
            lines.append(f"| {kind} | {n} | {name} | {said[0]} | {said[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=499)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table(options.samples, options.replicates)
    if not options.write:
        print(text)
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
