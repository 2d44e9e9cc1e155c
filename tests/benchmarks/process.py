"""Run one entry of a benchmark in a process of its own."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Measured(NamedTuple):
    """Median seconds of the repeats, the first one, and the peak memory of the process in MB."""

    median: float
    first: float
    memory: float
    said: str = ""


def run(command: list[str], *, limit: float = 1800) -> Measured:
    """Run a command that prints ``seconds <number>`` a repeat, and anything else it has to say."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    watch = [sys.executable, str(HERE / "watch.py"), *command]
    done = subprocess.run(watch, capture_output=True, text=True, timeout=limit, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    del before
    lines = done.stdout.splitlines()
    seconds = [float(line.split()[1]) for line in lines if line.startswith("seconds ")]
    memory = next(float(line.split()[1]) for line in lines if line.startswith("memory "))
    said = next((line.split(" ", 1)[1] for line in lines if line.startswith("said ")), "")
    return Measured(statistics.median(seconds), seconds[0], memory, said)


def python(script: str, *arguments: object) -> list[str]:
    """Return the command that runs a script beside this file with qstats' own python."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def peer(script: str, *arguments: object) -> list[str] | None:
    """Return the command with the python of the peers, or None when there is none."""
    found = os.environ.get("QSTATS_PEERS")
    return [found, str(HERE / script), *map(str, arguments)] if found else None


def rscript(script: str, *arguments: object) -> list[str] | None:
    """Return the command with R, or None when there is none."""
    found = shutil.which("Rscript")
    return [found, str(HERE / script), *map(str, arguments)] if found else None
