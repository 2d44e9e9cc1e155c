"""The notebooks in JupyterLab, started by the command of ``make lab`` and used as a person uses it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import require

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
TOKEN = "of-this-test"
START, RUN = 40, 45
FAULTS = ".jp-OutputArea-output:is([data-mime-type$=error], [data-mime-type$=stderr])"


class Lab(NamedTuple):
    """A running JupyterLab: its address, and the file that it writes its log to."""

    address: str
    log: Path

    def contents(self) -> list[str]:
        """Return the names of the files it shows."""
        request = urllib.request.Request(
            f"{self.address}/api/contents", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return sorted(item["name"] for item in json.load(answer)["content"])


def command() -> list[str]:
    """Return what ``make lab`` runs, with the running interpreter in place of that of .venv."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    told = subprocess.run(
        ["make", "--no-print-directory", "-n", "lab"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=20,
    ).stdout  # fmt: skip
    program, *rest = shlex.split(told.strip().splitlines()[-1])
    assert program == ".venv/bin/python"
    return [sys.executable, *rest]


def private(folder: Path) -> dict[str, str]:
    """Return an environment in which Jupyter writes into the folder only."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    return os.environ | {name: str(folder / place) for name, place in own.items()} | {"NO_COLOR": "1"}


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the log names, as soon as it does."""
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:([1-9]\d*)/lab", log.read_text("utf-8")):
            # the log names the address a moment before the server listens
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(found[1])), 1):
                return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.1)
    pytest.fail(f"JupyterLab named no address (exit code {process.poll()}):\n{log.read_text('utf-8')}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels: a kernel stands in a group of its own, so they are noted first."""
    import psutil

    family = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
    for kernel in psutil.wait_procs(family, timeout=5)[1]:
        kernel.kill()
    assert psutil.wait_procs(family, timeout=5)[1] == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """Give a JupyterLab on a copy of the notebooks."""
    require("JupyterLab", importlib.util.find_spec("jupyterlab"))
    require("make", shutil.which("make"))
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    log = folder / "log.txt"
    options = ["--no-browser", "--port=0", f"--ServerApp.token={TOKEN}"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*command(), *options],
            cwd=folder, env=private(folder), stdin=subprocess.DEVNULL, stdout=written,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield Lab(wait_for_address(process, log), log)
    finally:
        stop(process)


def write(lab: Lab, name: str, cells: list[str]) -> None:
    """Put a notebook with these cells of code beside the others, as the server's own client does."""
    import nbformat.v4 as nb

    content = nb.new_notebook(
        cells=[nb.new_code_cell(text) for text in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
    )
    request = urllib.request.Request(
        f"{lab.address}/api/contents/{name}",
        json.dumps({"type": "notebook", "content": content}).encode(),
        {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status in (200, 201)


def run_all(page, lab: Lab, name: str) -> None:
    """Open a notebook, wait for its kernel, and run all its cells from the menu."""
    page.goto(f"{lab.address}/lab/tree/{name}?reset&token={TOKEN}")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    # before it is connected, running the cells asks which kernel to take
    page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def test_lab_shows_the_notebooks(lab):
    assert "annual_report.ipynb" in lab.contents()


def test_running_all_cells_shows_the_report_in_the_notebook(lab, page_checks):
    context = page_checks.browser.new_context(viewport={"width": 1280, "height": 2400})
    try:
        page = context.new_page()
        page.set_default_timeout(RUN * 1000)
        run_all(page, lab, "annual_report.ipynb")
        page.locator(f".jp-OutputArea .qs-cards, {FAULTS}").first.wait_for()
        assert page.locator(FAULTS).all_inner_texts() == []
        page.locator(".qs-card", has_text="93.65").first.wait_for()
        assert page.locator(".qs-section").count() > 0
    finally:
        context.close()


DISPLAYS = [
    """import qstats as qs
from qstats.survey import progress
rows = qs.simulate("inspections", year=2023, size=5_000, seed=1)
qs.product_pass_rate(rows, by="region")""",
    """qs.framework("qci")""",
    """import pyarrow as pa, pyarrow.parquet as pq, numpy as np
rng = np.random.default_rng(1)
size = 3_000_000
pq.write_table(pa.table({"k": rng.integers(0, 200_000, size), "y": rng.random(size)}), "large.parquet")
progress.WAIT, progress.LOOK = 0.0, 0.01
moves = []
drawn = progress._drawn
progress._drawn = lambda *at: moves.append(at) or drawn(*at)
qs.cells("large.parquet", by="k", sums="y")""",
    """from IPython.display import HTML
print("moved", len(moves) > 1)
HTML(drawn(40.0, 6.0))""",
    """bad = {"地区": ["安徽", "江芬"] * 6, "检验数": ["１,２００", 50] * 6, "合格数": [1100, 60] * 6}

qs.inspection_pass_rate(bad, by="region")""",
]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_results_progress_and_errors_are_shown_in_the_notebook(lab, page_checks, lang):
    cells = [f'import os\nos.environ["QSTATS_LANG"] = "{lang}"', *DISPLAYS]
    write(lab, f"displays-{lang}.ipynb", cells)
    context = page_checks.browser.new_context(viewport={"width": 1280, "height": 3400})
    try:
        page = context.new_page()
        page.set_default_timeout(RUN * 1000)
        run_all(page, lab, f"displays-{lang}.ipynb")
        error = page.locator(FAULTS)
        error.wait_for()
        shown = page.locator(".qs-shown")
        assert shown.count() == 3
        words = {
            "zh": ("制造业产品质量合格率", "95% 置信区间", "共 31 行"),
            "en": ("95% interval", "20 of 31 rows"),
        }
        for word in (*words[lang], "SIMULATED"):
            assert word in shown.first.inner_text()
        bar = page.locator(".jp-OutputArea", has=page.locator("progress")).last
        assert "moved True" in bar.inner_text() and "40" in bar.inner_text() and "9" in bar.inner_text()
        said = error.inner_text()
        assert {"zh": "未知地区", "en": "Unknown region"}[lang] in said
        assert 'qs.inspection_pass_rate(bad, by="region")' in said and "[6], line 3" in said
        assert said.count("\n") < 16 and "indicators/" not in said
        assert error.count() == 1
    finally:
        if folder := os.environ.get("QSTATS_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/lab-{lang}.png")
        context.close()
