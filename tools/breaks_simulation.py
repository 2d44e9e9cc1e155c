"""How often several breaks are found in series that have none, by BIC alone and with drawn series.

Prints the table of ``docs/methods/breaks.md``.
"""

from __future__ import annotations

import argparse

import numpy as np

from qstats.stats.autocorrelation import ljung_box
from qstats.stats.break_dates import best, several
from qstats.stats.break_paths import bic_falls


def series(n: int, rho: float, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Return first-order autoregressions, shape (runs, n)."""
    e = rng.normal(size=(runs, n + 50))
    for t in range(1, n + 50):
        e[:, t] += rho * e[:, t - 1]
    return e[:, 50:]


def independent(y: np.ndarray) -> bool:
    """Return whether the residuals of the best division pass Ljung and Box at 5 %."""
    parts = np.split(y, best(several(y)).after)
    e = np.concatenate([part - part.mean() for part in parts])
    return ljung_box(e, min(4, y.size // 5))[1] > 0.05


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| n | ρ | BIC | and p ≤ 0.05 | and residuals independent |")
    print("|---|---|---|---|---|")
    for n in (20, 40, 60, 100):
        rng = np.random.default_rng([asked.seed, n])
        bar = np.quantile(np.concatenate([bic_falls(series(n, 0.0, 200, rng)) for _ in range(20)]), 0.95)
        for rho in (0.0, 0.3, 0.5):
            Y = series(n, rho, asked.runs, rng)
            falls = np.concatenate([bic_falls(part) for part in np.array_split(Y, 10)])
            clear = falls > bar
            said = np.array([independent(y) for y in Y[clear]], bool).sum()
            shares = [100 * np.mean(falls > 0), 100 * np.mean(clear), 100 * said / asked.runs]
            print(f"| {n} | {rho} | " + " | ".join(f"{v:.1f}" for v in shares) + " |")


if __name__ == "__main__":
    main()
