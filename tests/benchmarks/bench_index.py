"""An index of 49 indicators: full build, uncertainty and sensitivity, beside COINr's figures."""

from __future__ import annotations

import os
from pathlib import Path

from process import Measured, python, run

#: seconds of COINr 1.1.14 on its own example of 51 × 49, quoted: it is not run here
QUOTED = {"build": 0.075, "uncertainty": 16.0, "sensitivity": 94.0}
#: task, units, runs, what it is, what COINr's figure is of, its seconds for as many runs
CASES = (
    ("build", 51, 1, "full build, table to Estimate", "build", 0.075),
    ("arrays", 51, 1, "full build, arrays", "build", 0.075),
    ("build", 5_100, 1, "full build, table to Estimate", "", 0.0),
    ("arrays", 5_100, 1, "full build, arrays", "", 0.0),
    ("draws", 51, 1_000, "uncertainty: errors of the indicators", "", 0.0),
    ("method", 51, 1_000, "uncertainty: choices of method", "uncertainty", 160.0),
    ("both", 51, 1_000, "uncertainty: both", "", 0.0),
    ("draws", 5_100, 100, "uncertainty: errors of the indicators", "", 0.0),
    ("method", 5_100, 100, "uncertainty: choices of method", "", 0.0),
    ("exact", 51, 0, "sensitivity: all 2,000 combinations", "sensitivity", 94.0),
    ("sobol", 51, 0, "sensitivity: Sobol points", "sensitivity", 94.0),
)


def measure(*, large: bool, repeats: int) -> str:
    """Return the table."""
    lines = [
        "| task | units | runs | median s | first s | peak MB | COINr s, quoted | times qstats | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for task, units, runs, name, of, seconds in CASES:
        few = repeats if task in ("build", "arrays") else min(repeats, 3)
        m = run(python("index_qstats.py", task, units, runs, few))
        lines.append(_line(name, f"{units:,}", f"{runs:,}" if runs else "", m, of, seconds))
    if large:
        m = run(python("index_qstats.py", "both", 5_100, 1_000, 1))
        lines.append(_line("uncertainty: both", "5,100", "1,000", m, "", 0.0))
    lines.append(_oracle(repeats))
    return "\n".join(lines) + "\n\n" + _explained()


def _oracle(repeats: int) -> str:
    """Build the example of COINr itself where its data are; they are no part of the project."""
    folder = Path(os.environ.get("QSTATS_ORACLES", "nowhere")) / "composite_asem"
    if not folder.exists():
        return "| full build of COINr's example | 51 | 1 | not run: QSTATS_ORACLES names no data | | | | | |"
    m = run(python("index_qstats.py", "oracle", folder, 1, repeats))
    return _line("full build of COINr's example", "51", "1", m, "build", QUOTED["build"])


def _line(name: str, units: str, runs: str, m: Measured, of: str, seconds: float) -> str:
    quoted = f"{seconds:g} | {seconds / m.median:,.0f}" if of else " | "
    own = f"{m.median:.4f} | {m.first:.4f} | {m.memory:,.0f}"
    return f"| {name} | {units} | {runs} | {own} | {quoted} | {m.said} |"


def _explained() -> str:
    return (
        f"COINr is R and was not run: {QUOTED['build']:g} s for a build, {QUOTED['uncertainty']:g} s for 100 "
        f"runs of uncertainty (here times ten) and {QUOTED['sensitivity']:g} s for its estimate of the "
        "sensitivity indices are quoted, measured on its own example of 51 countries and 49 indicators; a "
        "third of those estimates were negative. The data here are synthetic, of the same size and steps."
    )
