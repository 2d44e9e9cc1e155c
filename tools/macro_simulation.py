"""How often two series that have nothing to do with each other are found to be related.

    python tools/macro_simulation.py                  the table of docs/methods/macro.md, to the output
    python tools/macro_simulation.py --samples 200    fewer samples, quicker

Two independent series of n values; the share of samples with p ≤ 5 % (all orders gone through) for levels,
without a trend (permutations, and t with n − 3 degrees of freedom) and for first differences, and the share
whose levels correlate by 0.91 or more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qstats.stats.correlation import coefficient, correlate, treated

Array = NDArray[np.float64]
COLUMNS = ("levels", "detrended", "detrended, t", "differences", "abs(r) ≥ 0.91")


def autoregression(rng: np.random.Generator, n: int, rho: float) -> Array:
    x = np.empty(n)
    x[0] = rng.normal() / (np.sqrt(1 - rho**2) if rho < 1 else 1)
    for t in range(1, n):
        x[t] = rho * x[t - 1] + rng.normal()
    return x


PROCESSES: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "white noise": lambda rng, n: rng.normal(size=n),
    "AR(1), 0.5": lambda rng, n: autoregression(rng, n, 0.5),
    "straight trend (1 s.d. a year) + noise": lambda rng, n: np.arange(n) + rng.normal(size=n),
    "random walk": lambda rng, n: autoregression(rng, n, 1.0),
    "random walk + drift (1 s.d. a year)": lambda rng, n: np.arange(n) + autoregression(rng, n, 1.0),
}


def found(x: Array, y: Array) -> list[bool]:
    (dx, dy), (ex, ey) = ([treated(s, treatment=t) for s in (x, y)] for t in ("detrended", "differences"))
    p = [
        correlate(x, y).p,
        correlate(dx, dy).p,
        correlate(dx, dy, null="t", removed=1).p,
        correlate(ex, ey).p,
    ]
    return [value <= 0.05 for value in p] + [abs(coefficient(x, y)) >= 0.91]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--n", type=int, default=7)
    options = parser.parse_args()
    print(f"| two independent series, n = {options.n} |", " | ".join(COLUMNS), "|")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for k, (name, make) in enumerate(PROCESSES.items()):
        rng = np.random.default_rng([2005, k])
        rows = [found(make(rng, options.n), make(rng, options.n)) for _ in range(options.samples)]
        print(f"| {name} |", " | ".join(f"{100 * share:.1f}" for share in np.mean(rows, axis=0)), "|")


if __name__ == "__main__":
    main()
