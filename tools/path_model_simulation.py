"""How often bootstrap intervals of a path model hold the true value.

    python tools/path_model_simulation.py                   the table, to the standard output
    python tools/path_model_simulation.py --write           into docs/methods/path_model.md, between its marks
    python tools/path_model_simulation.py --samples 200     fewer samples, quicker

Four constructs of three items each: A and B are independent, C depends on A and, with a path of zero, on B,
D on B and C. Items are normal around 6 with known loadings. The true values are those of the model fitted to
the correlations of the population. Every sample has its own resamples; streams are numbered.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qstats.stats.path_bootstrap import bca, bootstrap, jackknife, percentile, resamples, std_error
from qstats.stats.path_index import index, index_weights
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import Fit, Fitting, fit, specify

Array = NDArray[np.float64]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "methods" / "path_model.md"
MARKS = ("<!-- table: tools/path_model_simulation.py -->", "<!-- end of table -->")
MODEL = specify(np.repeat(range(4), 3), [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]])
LOADINGS = np.tile([0.85, 0.75, 0.65], 4)
MEANS, SPREAD = np.tile([6.2, 6.8, 5.9], 4), np.tile([1.5, 1.8, 1.2], 4)
SIZES = (100, 250, 1000)
NAMES = ("index of C", "path A → C", "path B → C, zero", "path C → D", "loading of an item of C")


def population() -> tuple[Array, Array]:
    """Return means and covariances of the items."""
    Q = np.eye(4)
    Q[2, 0] = Q[0, 2] = 0.6
    Q[3, :3] = Q[:3, 3] = np.array([0, 0.4, 0.5]) @ Q[:3, :3]
    R = LOADINGS[:, None] * Q[MODEL.blocks[:, None], MODEL.blocks] * LOADINGS
    np.fill_diagonal(R, 1)
    return MEANS, R * np.outer(SPREAD, SPREAD)


def statistic(mean: Array, covariance: Array, found: Fit) -> dict[str, Array]:
    """Return what is followed, in the order of NAMES along the last axis."""
    score = index(mean, index_weights(found.weights, covariance), 1, 10, MODEL)[..., 2]
    b = found.paths
    parts = [score, b[..., 2, 0], b[..., 2, 1], b[..., 3, 2], found.loadings[..., 6]]
    return {"followed": np.stack(parts, axis=-1)}


def coverage(n: int, samples: int, replicates: int) -> dict[str, Array]:
    """Return the share of samples whose interval holds the true value, by interval."""
    mean, S = population()
    root = np.linalg.cholesky(S)
    truth = statistic(mean, S, fit(S, MODEL, how=Fitting(tolerance=1e-13)))["followed"]
    hits = {name: np.zeros(len(NAMES)) for name in ("percentile", "BCa", "±1.96 se")}
    for k in range(samples):
        rng = np.random.default_rng([n, k])
        X = mean + rng.normal(size=(n, len(mean))) @ root.T
        m = moments(X)
        found = fit(m.covariance, MODEL)
        estimate = statistic(m.mean, m.covariance, found)["followed"]
        start = found.standardised
        drawn = bootstrap(X, resamples(n, replicates, seed=rng), MODEL, statistic, start=start)
        one_out = jackknife(X, None, MODEL, statistic, start=start)
        x, half = drawn.values["followed"], 1.96 * std_error(drawn.values["followed"])
        limits = {
            "percentile": percentile(x),
            "BCa": bca(estimate, x, one_out.values["followed"]),
            "±1.96 se": (estimate - half, estimate + half),
        }
        for name, (low, high) in limits.items():
            hits[name] += (low <= truth) & (truth <= high)
    return {name: 100 * count / samples for name, count in hits.items()}


def table(samples: int, replicates: int) -> str:
    """Return the table in Markdown."""
    lines = [
        f"Share of {samples:,} samples, in per cent, whose 95 % interval of {replicates} replicates holds",
        f"the true value (Monte-Carlo error {100 * np.sqrt(0.95 * 0.05 / samples):.1f}):",
        "",
        "| n | interval | " + " | ".join(NAMES) + " |",
        "|---|---|" + "---|" * len(NAMES),
    ]
    for n in SIZES:
        for name, shares in coverage(n, samples, replicates).items():
            lines.append(f"| {n} | {name} | " + " | ".join(f"{share:.1f}" for share in shares) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=499)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table(options.samples, options.replicates)
    if not options.write:
        print(text)
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
