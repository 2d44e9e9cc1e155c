"""pymannkendall: test and slope, series by series."""

import sys
import time

import pymannkendall
from analysis_series import walks

if __name__ == "__main__":
    series, n, repeats = (int(a) for a in sys.argv[1:4])
    y = walks(series, n)
    for _ in range(repeats):
        start = time.perf_counter()
        found = [pymannkendall.original_test(row) for row in y]
        print("seconds", time.perf_counter() - start)
    print("said", f"{sum(f.s for f in found):.0f} {sum(f.slope for f in found):.9f}")
