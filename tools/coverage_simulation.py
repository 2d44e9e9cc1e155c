"""How often intervals of a proportion hold the true value, under designs like those of inspections.

    python tools/coverage_simulation.py                    the table, to the standard output
    python tools/coverage_simulation.py --write            into docs/coverage.md, between its marks
    python tools/coverage_simulation.py --samples 500      fewer samples a scenario, quicker

Samples of one scenario are drawn all at once as counts: clusters of batches, each with its own rate
(beta, with the intra-class correlation ρ), or single batches in strata of different weights. Estimate,
linearised standard error and degrees of freedom are those of the design; intervals are 95 %.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from qstats.stats.design_intervals import DESIGN, design_proportion

Array = NDArray[np.float64]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
MARKS = ("<!-- table: tools/coverage_simulation.py -->", "<!-- end of table -->")
RATES = (0.5, 0.9, 0.97, 0.995)


class Scenario(NamedTuple):
    """A design: H strata with m clusters of b batches, drawn with replacement."""

    name: str
    strata: int
    clusters: int
    batches: int
    #: intra-class correlation of the batches of a cluster
    rho: float = 0.0
    #: half the range of the logit of the rate over the strata
    spread: float = 0.0
    #: ratio of the largest weight to the smallest, over the strata
    weights: float = 1.0
    #: ratio of the largest weight to the smallest among the clusters of a stratum
    within: float = 1.0
    #: share of the clusters that lie in the domain
    domain: float = 1.0


SCENARIOS = (
    Scenario("simple", 1, 400, 1),
    Scenario("stratified", 8, 50, 1, spread=0.8),
    Scenario("clustered", 1, 60, 10, rho=0.05),
    Scenario("strata of clusters", 6, 12, 8, rho=0.05, spread=0.6),
    Scenario("unequal weights", 6, 80, 1, spread=0.6, weights=4, within=3),
    Scenario("domain", 6, 20, 8, rho=0.05, weights=2, domain=0.5),
    Scenario("few clusters", 3, 5, 25, rho=0.03, spread=0.4),
)


class Sampled(NamedTuple):
    """What a survey would report of every sample, (S,) each, and the true rate."""

    p: Array
    se: Array
    n: Array
    df: Array
    truth: float
    #: variance over that of a simple sample, estimated over all samples
    deff: float


def rates_of_strata(scenario: Scenario, rate: float) -> Array:
    """Return the rates of the strata, whose weighted mean is the rate."""
    from scipy.optimize import brentq
    from scipy.special import expit

    steps = np.linspace(-scenario.spread, scenario.spread, scenario.strata)
    shares = weights_of_strata(scenario) / weights_of_strata(scenario).sum()
    centre = brentq(lambda c: shares @ expit(c + steps) - rate, -20, 20, xtol=1e-14)
    return np.asarray(expit(centre + steps))


def weights_of_strata(scenario: Scenario) -> Array:
    # mixed up, so that weight and rate do not rise together
    order = np.random.default_rng(3).permutation(scenario.strata)
    return np.asarray(np.geomspace(1, scenario.weights, scenario.strata)[order])


def sample(scenario: Scenario, rate: float, samples: int, rng: np.random.Generator) -> Sampled:
    """Draw samples and estimate the rate from each."""
    H, m, b = scenario.strata, scenario.clusters, scenario.batches
    pi = rates_of_strata(scenario, rate)
    shape = (samples, H, m)
    own = np.broadcast_to(pi[:, None], shape)
    if scenario.rho > 0:
        size = (1 - scenario.rho) / scenario.rho
        own = rng.beta(own * size, (1 - own) * size)
    passed = rng.binomial(b, own).astype(float)
    inside = rng.random(shape) < scenario.domain
    w = weights_of_strata(scenario)[:, None] * np.exp(rng.uniform(0, np.log(scenario.within), shape))
    return estimated(w * inside, passed, inside, b, rate)


def estimated(w: Array, passed: Array, inside: NDArray[np.bool_], b: int, rate: float) -> Sampled:
    """Return ratio, linearised error, size and degrees of freedom of every sample."""
    m = w.shape[2]
    total = b * w.sum((1, 2))
    p = (w * passed).sum((1, 2)) / total
    z = w * (passed - b * p[:, None, None]) / total[:, None, None]
    variance = m / (m - 1) * ((z - z.mean(2, keepdims=True)) ** 2).sum((1, 2))
    n = b * inside.sum((1, 2)).astype(float)
    df = (inside.sum(2) - 1).clip(0).sum(1).astype(float)
    simple = np.mean(p * (1 - p) / n)
    return Sampled(p, np.sqrt(variance), n, df, rate, float(variance.mean() / simple))


class Found(NamedTuple):
    """How one method did over the samples of one scenario."""

    scenario: str
    rate: float
    method: str
    coverage: float
    width: float
    undefined: float


def assess(scenario: Scenario, rate: float, samples: int, seed: int) -> list[Found]:
    """Return what every method does in one scenario."""
    rng = np.random.default_rng([seed, crc32(f"{scenario.name} {rate}".encode())])
    drawn = sample(scenario, rate, samples, rng)
    found = []
    for method in DESIGN:
        low, high, _ = design_proportion(
            drawn.p, drawn.se, drawn.n, drawn.df, method=method, deff_at_bounds=max(drawn.deff, 1.0)
        )
        known = np.isfinite(low) & np.isfinite(high)
        hit = (low[known] <= drawn.truth) & (drawn.truth <= high[known])
        width = float((high - low)[known].mean())
        found.append(Found(scenario.name, rate, method, float(hit.mean()), width, float(1 - known.mean())))
    return found


def simulate(samples: int, seed: int, rates: tuple[float, ...] = RATES) -> list[Found]:
    """Return what every method does in every scenario."""
    return [row for s in SCENARIOS for rate in rates for row in assess(s, rate, samples, seed)]


def table(found: list[Found]) -> str:
    """Return the results in Markdown, one row a scenario and rate: coverage (mean width)."""
    lines = ["| scenario | rate | " + " | ".join(DESIGN) + " |", "|---|---|" + "---|" * len(DESIGN)]
    for start in range(0, len(found), len(DESIGN)):
        rows = found[start : start + len(DESIGN)]
        cells = [f"{100 * r.coverage:.1f} ({100 * r.width:.2f})" for r in rows]
        lines.append(f"| {rows[0].scenario} | {100 * rows[0].rate:g} | " + " | ".join(cells) + " |")
    worst = max(row.undefined for row in found)
    return "\n".join([*lines, "", f"Undefined intervals: {100 * worst:.1f} % at most."])


def main() -> None:
    """Run the simulation as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20_240_601)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = table(simulate(asked.samples, asked.seed))
    if not asked.write:
        print(text)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
