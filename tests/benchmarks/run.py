"""Measure qstats beside its peers and write the tables of docs/benchmarks.md.

    python tests/benchmarks/run.py [survey index path analysis report …] [--large] [--repeats 5]

Each entry runs in a process of its own, which prints the seconds of every repeat; the table shows their
median and the largest memory of the process. Peers that are not installed are named as absent:
R with its package survey as `Rscript`, others in an environment of their own (QSTATS_PEERS names
its python). Nothing here is a test: machines are noisy, ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import platform
import re
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "benchmarks"
PARTS = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def machine() -> str:
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--large", action="store_true", help="also the sizes that take minutes")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    DOCS.mkdir(parents=True, exist_ok=True)
    for part in given.parts:
        if part not in PARTS:
            parser.error(f"no part {part!r}; there are {', '.join(PARTS)}")
        text = importlib.import_module(f"bench_{part}").measure(large=given.large, repeats=given.repeats)
        more = f"{' --large' if given.large else ''} --repeats {given.repeats}"
        command = f"python tests/benchmarks/run.py {part}{more}"
        stamp = f"Measured {dt.date.today():%Y-%m-%d} with `{command}` on {machine()}."
        path = DOCS / f"{part}.md"
        path.write_text(f"{text.strip()}\n\n{stamp}\n", encoding="utf-8")
        print(re.sub(r"\n{3,}", "\n\n", path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
