"""qstats: trends, charts and outbreaks of many series."""

import sys
import time

import numpy as np
import pandas as pd
from analysis_series import checks, counts, walks

from qstats.analysis.monitor import monitor
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats.control import rate_baseline, rate_chart
from qstats.stats.memory_charts import cusum, ewma
from qstats.stats.outbreak import farrington
from qstats.stats.trend import mann_kendall, theil_sen


def trends(series, n):
    """Test and slope."""
    y = walks(series, n)

    def run():
        found, slope = mann_kendall(y, p="normal"), theil_sen(y)
        return f"{float(found.S.sum()):.0f} {float(slope.slope.sum()):.9f}"

    return run


def charts(series, n):
    """p with Laney's spread, EWMA and CUSUM: the formulas."""
    failed, size = checks(series, n)

    def run():
        marks = []
        for spread in ("nominal", "laney"):
            base = rate_baseline(failed, size, kind="p", baseline=36, spread=spread)
            chart = rate_chart(failed, size, base, kind="p")
            marks.append((chart.value < chart.low) | (chart.value > chart.high))
        marks += [ewma(chart.z).outside, cusum(chart.z).signal_upper]
        return " ".join(str(int(mark.sum())) for mark in marks) + " points"

    return run


def watched(series, n):
    """The same charts from a table to graded signals under a false discovery rate."""
    failed, size = checks(series, n)
    periods = [f"{2000 + t // 12}M{t % 12 + 1:02}" for t in range(n)]
    names = [f"{i:05}" for i in range(series)]
    keys = {"product": np.repeat(names, n), "period": np.tile(periods, series)}
    table = pd.DataFrame({**keys, "inspected": size.ravel(), "passed": (size - failed).ravel()})
    rate = inspection_pass_rate(table, by=["product", "period"])

    def run():
        return f"{len(monitor(rate, baseline=36, lang='en').signals)} signals"

    return run


def outbreaks(series, n):
    """Farrington's bound of the last month."""
    y = counts(series, n)

    def run():
        found = farrington(y, years=5)
        return f"{int(found.alarm.sum())} alarms, bound of the first {float(found.upper[0]):.6f}"

    return run


if __name__ == "__main__":
    what, series, n, repeats = sys.argv[1], *map(int, sys.argv[2:5])
    run = {"trends": trends, "charts": charts, "watched": watched, "outbreaks": outbreaks}[what](series, n)
    for _ in range(repeats):
        start = time.perf_counter()
        said = run()
        print("seconds", time.perf_counter() - start)
    print("said", said)
