"""A small tree that the tests of the index share: two groups, of two leaves and of one."""

import pandas as pd
import pytest

COLUMNS = [
    "code",
    "parent",
    "direction",
    "weight",
    "weight_provenance",
    "lower",
    "upper",
    "bounds_provenance",
    "unit",
]
ROWS = [
    ("all", "", None, 1, "derived", None, None, "", ""),
    ("level", "all", None, 0.75, "user", None, None, "", ""),
    ("trade", "all", None, 0.25, "user", None, None, "", ""),
    ("pass", "level", 1, 0.6, "user", 60, 100, "user", "%"),
    ("loss", "level", -1, 0.4, "hypothesis", 0, 2, "hypothesis", "%"),
    ("export", "trade", 1, 1, "user", 0, 50, "user", "%"),
]
VALUES = {
    "pass": {"安徽": 90.0, "江苏": 95.0, "湖北": 80.0},
    "loss": {"安徽": 0.5, "江苏": 0.1, "湖北": 1.0},
    "export": {"安徽": 10.0, "江苏": 40.0, "湖北": 25.0},
}


@pytest.fixture
def tree():
    return pd.DataFrame(ROWS, columns=COLUMNS)


@pytest.fixture
def data():
    """Values of three indicators in three provinces, in no particular order."""
    rows = [(code, region, x) for code, values in VALUES.items() for region, x in values.items()]
    return pd.DataFrame(rows, columns=["indicator", "region", "estimate"])
