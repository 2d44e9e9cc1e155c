"""Series of the benchmark of analysis, the same in every entry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 20260


def walks(series: int, n: int) -> NDArray[np.float64]:
    """Return series with a little trend and noise, shape (series, n)."""
    rng = np.random.default_rng(SEED)
    return 0.02 * np.arange(n) * rng.normal(size=(series, 1)) + rng.normal(size=(series, n))


def checks(series: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return failures and batches checked, both of shape (series, n)."""
    rng = np.random.default_rng(SEED)
    size = rng.integers(80, 360, size=(series, n))
    return rng.binomial(size, rng.uniform(0.03, 0.12, size=(series, 1))), size


def counts(series: int, n: int) -> NDArray[np.int64]:
    """Return seasonal monthly counts, shape (series, n)."""
    rng = np.random.default_rng(SEED)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(n) / 12)
    return rng.poisson(rng.uniform(4, 40, size=(series, 1)) * season)
