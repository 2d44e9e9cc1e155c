"""Build pages with one tool, each repeat by processes of its own: seconds, processor time, where they are."""

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "annual_report.ipynb"
QSTATS = [sys.executable, "-c", "from qstats.cli import app; app()", "report"]


def commands(task: str, folder: Path) -> list[list[str]]:
    """Return what is run, one after another, to build the pages of a task in a folder."""
    python, run = sys.executable, str(folder / "run.ipynb")
    convert = [python, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder)]
    return {
        "kernel": [[*QSTATS, "annual", "--lang", "zh", "-o", str(folder)]],
        "process": [[*QSTATS, "annual", "--lang", "zh", "--in-process", "-o", str(folder)]],
        "regions": [[*QSTATS, "region", "--region", "all", "--lang", "zh", "--jobs", "2", "-o", str(folder)]],
        "nbconvert": [[*convert, "--execute", str(NOTEBOOK)]],
        "papermill": [
            [python, "-m", "papermill", "--no-progress-bar", str(NOTEBOOK), run, "-p", "lang", "zh"],
            [*convert, run],
        ],
    }[task]


def processor() -> float:
    """Return the seconds of processor that the processes run from here have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    task, folder, repeats = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    warm = task == "warm"
    spent = []
    for at in range(repeats + warm):
        if not warm:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        start, before = time.perf_counter(), processor()
        for command in commands("kernel" if warm else task, folder):
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        if at or not warm:
            print("seconds", time.perf_counter() - start)
            spent.append(processor() - before)
    print("said", sorted(spent)[len(spent) // 2])
