"""The golden index as a framework and a table, as the index takes them."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

GOLDEN = Path(__file__).parent


def table(name, index="uCode"):
    return pd.read_csv(GOLDEN / f"{name}.csv", index_col=index)


META = table("00_inputs/iMeta", "iCode")
NODES = META[META["Type"].isin(["Indicator", "Aggregate"])]
LEAVES = list(META.index[META["Type"] == "Indicator"])
#: the build of 01_build, from denominated values
STEPS = {
    "imputation": {"method": "group-mean", "groups": "group"},
    "treatment": {},
    "normalisation": {"method": "minmax", "to": (60, 100)},
}


def framework():
    """Return the tree; weights sum to 1 within a parent, bounds are not used."""
    nodes = NODES.reset_index()
    weights = nodes["Weight"] / nodes.groupby(nodes["Parent"].fillna(""))["Weight"].transform("sum")
    leaf = nodes["Type"] == "Indicator"
    return pd.DataFrame(
        {
            "code": nodes["iCode"],
            "parent": nodes["Parent"].fillna(""),
            "direction": nodes["Direction"],
            "weight": weights,
            "weight_provenance": "user",
            "lower": leaf.map({True: 0.0}),
            "upper": leaf.map({True: 1.0}),
            "bounds_provenance": leaf.map({True: "user", False: ""}),
            "unit": leaf.map({True: "u", False: ""}),
            "target": nodes["Target"],
        }
    )


def tidy(name):
    """Return a table of units × indicators as long, with the group of each unit as a second key."""
    wide = table(name)[LEAVES]
    long = wide.rename_axis(columns="indicator").stack().rename("estimate").reset_index()
    return long.assign(group=long["uCode"].map(table("00_inputs/iData")["region4"]))[
        ["indicator", "uCode", "group", "estimate"]
    ]


@pytest.fixture(scope="session")
def golden():
    """Return what the tests share; importing this module by name is not possible."""
    return SimpleNamespace(
        folder=GOLDEN,
        meta=META,
        nodes=NODES,
        leaves=LEAVES,
        steps=STEPS,
        framework=framework,
        table=table,
        tidy=tidy,
    )
