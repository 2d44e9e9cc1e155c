"""A synthetic index: units × 49 indicators under 8 pillars and 2 halves, with holes, outliers and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

INDICATORS, PILLARS = 49, 8
STEPS: dict[str, Any] = {
    "imputation": {"method": "group-mean", "groups": "group"},
    "treatment": {},
    "normalisation": {"method": "minmax", "to": (60, 100)},
}
#: what each run chooses from, beside one of a hundred sets of weights
ALTERNATIVES: dict[str, Any] = {
    "treatment": [{"max_winsorised": k} for k in range(1, 6)],
    "normalisation": [{"method": "minmax", "to": (1, 100)}, {"method": "zscore", "to": (50, 2)}],
    "aggregation": ["arithmetic", "geometric"],
}


def tree() -> pd.DataFrame:
    """Return the framework, weights equal within a node."""
    own = np.arange(INDICATORS) * PILLARS // INDICATORS
    many = np.bincount(own)
    rows = [("index", "", 1.0, None), *((f"half{k}", "index", 0.5, None) for k in range(2))]
    rows += [(f"pillar{k}", f"half{k // 4}", 0.25, None) for k in range(PILLARS)]
    rows += [
        (f"i{q:02d}", f"pillar{k}", 1 / many[k], -1 if q % 7 == 0 else 1) for q, k in enumerate(own.tolist())
    ]
    table = pd.DataFrame(rows, columns=["code", "parent", "weight", "direction"])
    leaf = table["direction"].notna()
    return table.assign(
        weight_provenance="user",
        lower=np.where(leaf, 0.0, np.nan),
        upper=np.where(leaf, 1.0, np.nan),
        bounds_provenance=np.where(leaf, "user", ""),
        unit=np.where(leaf, "u", ""),
    )


def wide(units: int) -> pd.DataFrame:
    """Return units × indicators: a common factor, a quarter log-normal, one value in a hundred missing."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(units, 1)) + rng.normal(size=(units, INDICATORS))
    x = np.where(np.arange(INDICATORS) % 4 == 0, np.exp(x), x)
    x[rng.random(x.shape) < 0.01] = np.nan
    names = [f"i{q:02d}" for q in range(INDICATORS)]
    groups = [f"g{c % 2}" for c in range(units)]
    index = pd.MultiIndex.from_arrays([[f"u{c:04d}" for c in range(units)], groups], names=["place", "group"])
    return pd.DataFrame(x, index, names)


def tidy(units: int) -> pd.DataFrame:
    """Return the same as a tidy table, the errors a twentieth of the spread."""
    table = wide(units)
    long = table.reset_index().melt(["place", "group"], var_name="indicator", value_name="estimate")
    return long.assign(std_error=long["indicator"].map(0.05 * table.std()))[
        ["indicator", "place", "group", "estimate", "std_error"]
    ]


def weights(number: int = 100) -> list[dict[str, float]]:
    """Return sets of weights, each up to a quarter off."""
    rng, table = np.random.default_rng(3), tree()
    off = 1 + 0.25 * rng.uniform(-1, 1, (number, len(table)))
    below = (off * table["weight"].to_numpy())[:, 1:]  # the root has none
    return [dict(zip(table["code"][1:], w, strict=True)) for w in below.tolist()]
