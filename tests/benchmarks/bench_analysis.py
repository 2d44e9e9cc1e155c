"""Trends, control charts and outbreaks of thousands of series: qstats, pymannkendall, R surveillance."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from analysis_series import counts
from process import Measured, peer, python, rscript, run

#: (series, values): 10,000 of two lengths, and how cost grows with their number and length
TRENDS = ((1_000, 40), (10_000, 40), (10_000, 120), (100_000, 40), (10_000, 480))
CHARTS = ((1_000, 60), (10_000, 60), (10_000, 240))
OUTBREAKS = ((100, 120), (1_000, 120), (10_000, 120))
#: more values in all than this take the peers minutes
PEERS = 1_200_000
Row = tuple[str, int, int, str, "Measured | None", Measured]


def measure(*, large: bool, repeats: int) -> str:
    """Return the tables."""
    rows: list[Row] = []
    for series, n in TRENDS:
        own = run(python("analysis_qstats.py", "trends", series, n, repeats))
        rows.append(("Mann–Kendall and slope", series, n, "qstats", own, own))
        command = peer("analysis_pymannkendall.py", series, n, 1)
        found = run(command, limit=3600) if command and (large or series * n <= PEERS) else None
        rows.append(("Mann–Kendall and slope", series, n, "pymannkendall", found, own))
    for what, name in (
        ("charts", "p, Laney, EWMA, CUSUM: formulas"),
        ("watched", "monitor: table to signals"),
    ):
        for series, n in CHARTS:
            own = run(python("analysis_qstats.py", what, series, n, min(repeats, 3)))
            rows.append((name, series, n, "qstats", own, own))
    for series, n in OUTBREAKS:
        own = run(python("analysis_qstats.py", "outbreaks", series, n, repeats))
        rows.append(("Farrington, last month", series, n, "qstats", own, own))
        rows.append(("Farrington, last month", series, n, "R surveillance", _r(series, n, large), own))
    return _table(rows)


def _r(series: int, n: int, large: bool) -> Measured | None:
    """Run R surveillance where it is installed; 10,000 series only when asked for what takes minutes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"
        np.savetxt(path, counts(series, n), fmt="%d", delimiter=",")
        command = rscript("analysis.R", path, 1)
        if command is None or (series > 1_000 and not large):
            return None
        there = ["Rscript", "-e", "quit(status = !requireNamespace('surveillance', quietly = TRUE))"]
        if subprocess.run(there, capture_output=True, check=False).returncode:
            return None
        return run(command, limit=3600)


def _table(rows: list[Row]) -> str:
    lines = [
        "| question | series | values each | entry | median s | first s | peak MB | times qstats | answer |",
        "|---|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for question, series, n, name, m, own in rows:
        head = f"| {question} | {series:,} | {n} | {name} |"
        if m is None:
            lines.append(f"{head} not run | | | | |")
            continue
        numbers = f"{m.median:.3f} | {m.first:.3f} | {m.memory:,.0f} | {m.median / own.median:.1f}"
        lines.append(f"{head} {numbers} | {m.said} |")
    return "\n".join(lines)
