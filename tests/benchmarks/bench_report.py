"""Reports as they are asked for: one, the same again, 31 regions; beside nbconvert and papermill."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from process import peer, python, run

#: task, what it is, entry, pages, whether it runs in the environment of the peers
CASES = (
    ("kernel", "one annual report, cold", "qstats, in a kernel", 1, False),
    ("process", "one annual report, cold", "qstats --in-process", 1, False),
    ("nbconvert", "one annual report, cold", "nbconvert --execute", 1, True),
    ("papermill", "one annual report, cold", "papermill, nbconvert", 1, True),
    ("warm", "the same report again", "qstats", 1, False),
    ("regions", "31 region profiles", "qstats --jobs 2", 31, False),
)


class Pages(NamedTuple):
    """Pages of a folder: how many, the bytes of the largest, its requests to other addresses."""

    count: int
    largest: int
    requests: str


def measure(*, large: bool, repeats: int) -> str:
    """Return the table."""
    lines = [
        "| task | entry | pages | median s | first s | processor s | largest page KB | requests elsewhere |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    with tempfile.TemporaryDirectory() as base:
        for task, name, entry, count, outside in CASES:
            folder = Path(base) / task
            few = repeats if count == 1 else max(1, repeats // 3)
            if outside and not _has(task):
                lines.append(f"| {name} | {entry} | not run: QSTATS_PEERS names no such tool | | | | | |")
                continue
            command = (peer if outside else python)("report_build.py", task, folder, few)
            assert command is not None
            m, pages = run(command, limit=7200), _pages(folder)
            numbers = f"{m.median:.1f} | {m.first:.1f} | {float(m.said):.1f} | {pages.largest / 1024:,.0f}"
            lines.append(f"| {name} | {entry} | {pages.count} | {numbers} | {pages.requests} |")
    return "\n".join(lines) + f"\n\n{_load()}"


def _has(tool: str) -> bool:
    """Return whether the environment of the peers has a tool that runs."""
    found = os.environ.get("QSTATS_PEERS")
    if not found:
        return False
    return subprocess.run([found, "-m", tool, "--version"], capture_output=True, check=False).returncode == 0


def _pages(folder: Path) -> Pages:
    found = sorted(
        (page for page in folder.glob("*.html") if not page.name.startswith("index")),
        key=lambda page: page.stat().st_size,
    )
    return Pages(len(found), found[-1].stat().st_size, _requests(found[-1]))


def _requests(page: Path) -> str:
    """Return how many other addresses a page asks for in Chromium, and which hosts; none is let through."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        return "not run: no Chromium"
    from urllib.parse import urlsplit

    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        opened = browser.new_context(offline=True).new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(page.resolve().as_uri(), wait_until="load", timeout=120_000)
        opened.wait_for_timeout(2_000)
        browser.close()
    others = [url for url in asked if url.startswith("http")]
    hosts = sorted({urlsplit(url).netloc for url in others})
    return f"{len(others)} ({', '.join(hosts)})" if others else "0"


def _load() -> str:
    """Say how busy the machine was when the last entry ended."""
    one, five, _ = os.getloadavg()
    return (
        f"At the end the load of the machine was {one:.1f} over one minute and {five:.1f} over five, the "
        "last entry's own included: seconds stretch with it, processor seconds do not."
    )
