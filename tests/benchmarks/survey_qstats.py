"""qstats: from the Parquet file to the table of estimates."""

import sys
import time

from qstats.survey.design import Design
from qstats.survey.estimators import ratio

path, repeats = sys.argv[1], int(sys.argv[2])
plan = Design(weight="w", strata="stratum", cluster="psu")
for _ in range(repeats):
    start = time.perf_counter()
    found = ratio(path, numerator="passed", denominator="inspected", by="domain", design=plan)
    print("seconds", time.perf_counter() - start)
print("said", repr(float(found.table["std_error"].iloc[0])))
