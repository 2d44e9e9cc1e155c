"""The same examples in every run, new ones by `--hypothesis-profile=explore`; what is built once for all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("fixed")

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first: short ones are what is left to share out between workers at the end."""
    items.sort(key=lambda item: not _long(item))


def _long(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "chromium"))
    return marked or "site" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Give a function that fills a folder once for all workers: ``once(name, fill)`` returns the folder."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if base.name.startswith("popen-gw") else base) / "once"
    root.mkdir(exist_ok=True)

    def filled(name: str, fill: Callable[[Path], None]) -> Path:
        import fcntl

        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker waits, and finds it there
            if not (root / name).is_dir():
                folder = Path(tmp_path_factory.mktemp(name))
                fill(folder)
                folder.rename(root / name)
        return root / name

    return filled


@pytest.fixture(scope="session")
def pages(once):
    """Give a function that builds a report in both languages once: ``pages(kind, year=…)["zh"].path``."""
    from qstats.report import publish

    def built(kind: str, **choice: object) -> dict[str, publish.Result]:
        def fill(folder: Path) -> None:
            made = publish.build(kind, lang=["zh", "en"], output=folder, in_process=True, **choice)
            said = [[one.path.name, one.size, one.warnings] for one in made]
            (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")

        folder = once("-".join([kind, *map(str, choice.values())]), fill)
        said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
        return {
            lang: publish.Result(folder / name, size, 0.0, tuple(warnings))
            for lang, (name, size, warnings) in zip(("zh", "en"), said, strict=True)
        }

    return built


@pytest.fixture(scope="session")
def site(once) -> Path:
    """Build the documentation once, warnings being errors, and give the folder of its pages."""

    def fill(folder: Path) -> None:
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
        command += ["-d", str(folder / "doctrees"), str(ROOT / "docs"), str(folder / "html")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return once("site", fill) / "html"
