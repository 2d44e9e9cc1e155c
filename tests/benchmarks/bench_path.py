"""A path model of 21 items and six constructs: one fit, and bootstraps, beside plspm of PyPI."""

from __future__ import annotations

from process import Measured, peer, python, run

#: (answers, replicates); 0 replicates: the fit alone
CASES = ((250, 0), (10_000, 0), (100_000, 0), (250, 500), (250, 5_000), (10_000, 500))
#: plspm needs minutes for these
SLOW = {(250, 5_000), (10_000, 500)}


def measure(*, large: bool, repeats: int) -> str:
    """Return the table."""
    lines = [
        "| answers | replicates | entry | median s | first s | peak MB | times qstats | largest path |",
        "|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for n, B in CASES:
        own = run(python("path_qstats.py", n, B, repeats))
        lines.append(_line(n, B, "qstats", own, own))
        command = peer("path_plspm.py", n, B, 1 if B else min(repeats, 3))
        if command is None or ((n, B) in SLOW and not large):
            lines.append(f"| {n:,} | {B:,} | plspm | not run | | | | |")
        else:
            lines.append(_line(n, B, "plspm", run(command, limit=7200), own))
    return "\n".join(lines)


def _line(n: int, B: int, name: str, m: Measured, own: Measured) -> str:
    times = m.median / own.median
    numbers = f"{m.median:.4f} | {m.first:.4f} | {m.memory:,.0f} | {times:,.0f}"
    return f"| {n:,} | {B:,} | {name} | {numbers} | {m.said} |"
