"""qstats: one task of the index, timed in this process.

python index_qstats.py TASK UNITS RUNS REPEATS
"""

import sys
import time
from pathlib import Path

import index_data
import numpy as np
import pandas as pd

import qstats as qs
from qstats.index.specified import specified_index
from qstats.stats import aggregation, imputation, normalisation, screening, treatment

task, folder = sys.argv[1], sys.argv[2]
runs, repeats = int(sys.argv[3]), int(sys.argv[4])


def golden():
    """Return framework, tidy table, expected scores of a folder of the oracle."""
    base = Path(folder)
    meta = pd.read_csv(base / "00_inputs/iMeta.csv")
    nodes = meta[meta["Type"].isin(["Indicator", "Aggregate"])].reset_index(drop=True)
    leaf = nodes["Type"] == "Indicator"
    share = nodes["Weight"] / nodes.groupby(nodes["Parent"].fillna(""))["Weight"].transform("sum")
    tree = pd.DataFrame({"code": nodes["iCode"], "parent": nodes["Parent"].fillna(""), "weight": share})
    tree = tree.assign(
        direction=nodes["Direction"], weight_provenance="user", unit=leaf.map({True: "u", False: ""})
    )
    tree = tree.assign(lower=leaf.map({True: 0.0}), upper=leaf.map({True: 1.0}))
    tree["bounds_provenance"] = leaf.map({True: "user", False: ""})
    values = pd.read_csv(base / "01_build/Denominated.csv").set_index("uCode")
    groups = pd.read_csv(base / "00_inputs/iData.csv").set_index("uCode")["EurAsia_group"]
    long = (
        values[nodes["iCode"][leaf]]
        .stack()
        .rename("estimate")
        .rename_axis(["uCode", "indicator"])
        .reset_index()
    )
    long["group"] = long["uCode"].map(groups)
    expected = pd.read_csv(base / "01_build/Aggregated.csv").set_index("uCode")
    return tree, long[["indicator", "uCode", "group", "estimate"]], expected


if task == "oracle":
    tree, data, expected = golden()
    STEPS = index_data.STEPS | {"normalisation": {"method": "minmax", "to": (0, 100)}}
else:
    units = int(folder)
    tree, data, wide = index_data.tree(), index_data.tidy(units), index_data.wide(units)
    sets = index_data.ALTERNATIVES | {"weights": index_data.weights()}
    STEPS = index_data.STEPS
    families = [np.flatnonzero(tree["parent"] == code) for code in tree["code"]]


def arrays():
    """Return the index from a matrix: the same steps without labels and checks of a framework."""
    x, leaf = wide.to_numpy(), tree["direction"].notna().to_numpy()
    x = screening.denominate(x, 1.0)
    codes = np.arange(len(x)) % 2
    x = imputation.apply(x, imputation.fit(x, "group-mean", groups=codes), groups=codes).value
    kept = screening.screen(x, min_unit=0.6)
    x = treatment.apply(x[kept.units], treatment.fit(x[kept.units]))
    found = normalisation.fit(x, "minmax", direction=tree["direction"].to_numpy()[leaf], to=(60, 100))
    score = np.empty((len(x), len(tree)))
    score[:, leaf] = normalisation.apply(x, found)
    for node in range(10, -1, -1):
        below = families[node]
        score[:, node] = aggregation.aggregate(score[:, below], tree["weight"].to_numpy()[below]).value
    return score[:, 0]


def work():
    """Return what is timed."""
    if task in ("build", "oracle"):
        return specified_index(data, tree, steps=STEPS)
    if task == "arrays":
        return arrays()
    if task == "draws":
        return qs.uncertainty(data, tree, steps=STEPS, n_runs=runs)
    if task == "method":
        return qs.uncertainty(data, tree, steps=STEPS, alternatives=sets, sampling="none", n_runs=runs)
    if task == "both":
        return qs.uncertainty(data, tree, steps=STEPS, alternatives=sets, n_runs=runs)
    return qs.sensitivity(data, tree, steps=STEPS, alternatives=sets, method=task)


work()  # imports and caches
used = []  # of the processor: on a busy machine the steadier of the two
for _ in range(repeats):
    start, before = time.perf_counter(), time.process_time()
    answer = work()
    used.append(time.process_time() - before)
    print("seconds", time.perf_counter() - start)
note = f"{np.median(used):.4f} s of processor"
if task == "oracle":
    table = answer.table.pivot(index="uCode", columns="node", values="estimate")
    both = [name for name in expected.columns if name in table.columns]
    off = (table.loc[expected.index, both] / expected[both] - 1).abs().max(axis=None)
    note += f"; largest relative deviation {off:.1e}"
elif task in ("exact", "sobol"):
    whole = answer[(answer["node"] == "index")]
    weights = whole.loc[whole["factor"] == "weights", "total"].iloc[0]
    note += f"; {int(answer['runs'].iloc[0]):,} runs; total of weights {weights:.3f}"
print("said", note)
