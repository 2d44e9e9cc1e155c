"""How often series that have nothing to do with each other seem to foretell each other, and true ones do.

Prints the table of ``docs/methods/granger.md``.
"""

from __future__ import annotations

import argparse

import numpy as np

from qstats.stats.granger import choose_lags, precedes

KINDS = ("white noise", "AR(1), 0.5", "random walk", "straight trend + noise", "random walk + drift")
WAYS = {
    "Granger": {"added": 0, "trend": False},
    "with trend": {"added": 0, "trend": True},
    "Toda–Yamamoto": {"added": 1, "trend": False},
    "both": {"added": 1, "trend": True},
}
BURN = 20


def pair(kind: str, n: int, effect: float, rng: np.random.Generator) -> np.ndarray:
    """Return x and y, where y takes `effect` of the last innovation of x."""
    e = rng.normal(size=(2, n + BURN))
    e[1, 1:] += effect * e[0, :-1]
    if kind == "AR(1), 0.5":
        z = e.copy()
        for t in range(1, n + BURN):
            z[:, t] += 0.5 * z[:, t - 1]
    elif kind.startswith("random walk"):
        z = (e + (1.0 if "drift" in kind else 0.0)).cumsum(1)
    else:
        z = e + (np.arange(n + BURN) if "trend" in kind else 0)
    return z[:, BURN:]


def share(kind: str, n: int, effect: float, runs: int, seed: int) -> list[float]:
    """Return per cent of pairs with p ≤ 0.05, by way."""
    rng = np.random.default_rng([seed, n, KINDS.index(kind), int(100 * effect)])
    hits = np.zeros(len(WAYS))
    for _ in range(runs):
        x, y = pair(kind, n, effect, rng)
        for i, way in enumerate(WAYS.values()):
            lags = choose_lags(x, y, most=min(4, (n - 4) // 6), trend=bool(way["trend"]))
            hits[i] += precedes(x, y, lags=lags, added=int(way["added"]), trend=bool(way["trend"])).p <= 0.05
    return [float(v) for v in 100 * hits / runs]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| series | n | " + " | ".join(WAYS) + " | both, effect 0.5 |")
    print("|---|---|" + "---|" * (len(WAYS) + 1))
    for kind in KINDS:
        for n in (20, 30, 40, 60, 100):
            none = share(kind, n, 0.0, asked.runs, asked.seed)
            some = share(kind, n, 0.5, asked.runs, asked.seed)[-1]
            print(f"| {kind} | {n} | " + " | ".join(f"{v:.1f}" for v in [*none, some]) + " |")


if __name__ == "__main__":
    main()
