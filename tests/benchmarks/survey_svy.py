"""svy: from the Parquet file to the estimates."""

import sys
import time

import polars as pl
import svy

path, repeats = sys.argv[1], int(sys.argv[2])
for _ in range(repeats):
    start = time.perf_counter()
    sample = svy.Sample(pl.read_parquet(path), svy.Design(stratum="stratum", psu="psu", wgt="w"))
    found = sample.estimation.ratio(y="passed", x="inspected", by="domain")
    print("seconds", time.perf_counter() - start)
first = min(found.estimates, key=lambda e: int(e.by_level[0])) if hasattr(found, "estimates") else None
print("said", repr(float(first.se)) if first is not None else "")
