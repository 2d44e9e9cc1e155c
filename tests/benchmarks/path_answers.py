"""Answers for the path model, the same for every entry."""

import numpy as np

BLOCKS = {"IMG": 4, "EXP": 3, "PQ": 6, "PV": 2, "SAT": 3, "LOY": 3}
PATHS = {
    "EXP": ["IMG"],
    "PQ": ["IMG", "EXP"],
    "PV": ["EXP", "PQ"],
    "SAT": ["IMG", "EXP", "PQ", "PV"],
    "LOY": ["IMG", "SAT"],
}


def answers(n: int) -> tuple[np.ndarray, list[str]]:
    """Return (n, 21) answers on 1 … 10 and the names of the items."""
    rng = np.random.default_rng(7)
    scores: dict[str, np.ndarray] = {}
    for name in BLOCKS:
        parents = PATHS.get(name, [])
        scores[name] = sum((0.5 * scores[p] for p in parents), np.zeros(n)) + rng.standard_normal(n)
        scores[name] /= scores[name].std()
    items = [
        np.clip(np.rint(7 + 1.3 * (0.8 * scores[name] + 0.6 * rng.standard_normal(n))), 1, 10)
        for name, size in BLOCKS.items()
        for _ in range(size)
    ]
    names = [f"{name.lower()}{j + 1}" for name, size in BLOCKS.items() for j in range(size)]
    return np.column_stack(items), names
