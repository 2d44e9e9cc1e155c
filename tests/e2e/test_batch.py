"""Batches as they are run: in processes of their own, killed, repeated, compared byte by byte.

A copy of the package with a short notebook is used: a page takes a moment, and the copy can be changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-c", "from qstats.cli import app; app()"]
KEPT = ("parameters", "facts", "main")
#: a copy is compiled once for the many processes that import it
CLEARED = ("SOURCE_DATE_EPOCH", "QSTATS_LANG", "PYTHONDONTWRITEBYTECODE")


def digest(path):
    return sha256(path.read_bytes()).hexdigest()


def files(folder):
    return {p.relative_to(folder).as_posix(): digest(p) for p in sorted(folder.rglob("*")) if p.is_file()}


class Copy:
    """A copy of the package, run from the command line."""

    def __init__(self, root):
        self.root = root
        for name in ("qstats", "data", "notebooks"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / ".gitignore", root)
        self.notebook = root / "notebooks" / "annual_report.ipynb"
        book = json.loads(self.notebook.read_text(encoding="utf-8"))
        book["cells"] = [cell for cell in book["cells"] if cell["id"] in KEPT]
        self.notebook.write_text(json.dumps(book), encoding="utf-8")

    def say_in_notebook(self, source):
        """Add a cell of code before the last."""
        book = json.loads(self.notebook.read_text(encoding="utf-8"))
        cell = {**book["cells"][-1], "id": "added", "source": [source]}
        book["cells"] = [c for c in book["cells"] if c["id"] != "added"]
        if source:
            book["cells"].insert(-1, cell)
        self.notebook.write_text(json.dumps(book), encoding="utf-8")

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if k not in CLEARED}
        return {
            **kept,
            "PYTHONPATH": str(self.root),
            "PYTHONUTF8": "1",
            **more,
        }

    def start(self, *words):
        return subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *words, **environment):
        return subprocess.run(
            [*COMMAND, *map(str, words)],
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture(autouse=True)
def unchanged(copy):
    """The notebook is what it was after every test."""
    before = copy.notebook.read_bytes()
    yield
    copy.notebook.write_bytes(before)


FOUR = ("report", "annual", "--year", 2023, "--region", "安徽,江苏,浙江,上海", "--jobs", 2)
THREE = ("report", "annual", "--year", 2023, "--region", "安徽,江苏,浙江", "--jobs", 2)
ONE = ("report", "annual", "--year", 2023, "--region", "安徽", "--in-process")
TWO = ("report", "annual", "--year", 2023, "--region", "安徽,江苏", "--jobs", 2)


def listed(folder):
    known = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {o["path"]: o["sha256"] for one in known["reports"] for o in one["outputs"]}, known


def the_manifest_has_the_hash_of_every_file_and_no_path_of_this_machine(copy, folder):
    found, known = listed(folder)
    assert found == {name: h for name, h in files(folder).items() if name.startswith("annual-")}
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    assert not any(place in text for place in (str(folder), str(copy.root), str(Path.home()), sys.prefix))
    one = known["reports"][0]
    assert one["inputs"]["notebook"]["sha256"] == digest(copy.notebook)
    assert one["inputs"]["lock"] in known["packages"]
    assert all(d["vintage"] and d["sha256"] for d in one["datasets"])


def test_the_same_inputs_rebuild_nothing_and_the_number_of_processes_never_matters(copy, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    first = copy.run(*TWO, "--lang", "zh,en", "--format", "xlsx,csv", "-o", one)
    assert first.returncode == 0, first.stderr
    times = {p.name: p.stat().st_mtime_ns for p in one.glob("annual-*")}
    again = copy.run(*TWO, "--lang", "zh,en", "--format", "xlsx,csv", "-o", one)
    assert again.returncode == 0
    assert "4 份报告的输入没有变化" in again.stdout
    assert {p.name: p.stat().st_mtime_ns for p in one.glob("annual-*")} == times
    alone = [*TWO[:-1], 1]
    assert copy.run(*alone, "--lang", "zh,en", "--format", "xlsx,csv", "-o", two).returncode == 0
    assert files(one) == files(two)
    assert len(times) == 12
    assert {"index.html", "index.en.html", "manifest.json"} <= set(files(one))
    the_manifest_has_the_hash_of_every_file_and_no_path_of_this_machine(copy, one)


def test_a_kill_at_any_moment_leaves_whole_files_and_the_next_run_completes_them(copy, tmp_path):
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    copy.say_in_notebook("import time; time.sleep(0.4)")
    assert copy.run(*THREE, "-o", calm).returncode == 0
    for wanted in (0, 1):
        process = copy.start(*THREE, "-o", killed)
        manifest = killed / "manifest.json"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            begun = bool(list(killed.glob(".building-*")))
            if begun and (not wanted or (manifest.is_file() and len(listed(killed)[0]) >= wanted)):
                break
            assert process.poll() is None, process.stdout.read().decode()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)  # the process alone: its workers must end by themselves
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        if wanted:
            there, _ = listed(killed)
            assert len(there) >= wanted
            assert {name: digest(killed / name) for name in there} == there
        for page in killed.glob("annual-*.html"):
            assert page.read_text(encoding="utf-8").endswith("</html>")
    assert copy.run(*THREE, "-o", killed).returncode == 0
    assert files(killed) == files(calm)
    assert [p.name for p in killed.iterdir() if p.name.startswith(".")] == []


def test_a_report_that_fails_and_a_process_that_dies_keep_no_other_from_being_built(copy, tmp_path):
    copy.say_in_notebook(
        "import os, signal\n"
        "if region == '江苏': raise ValueError('no such figure in ' + os.getcwd())\n"
        "if region == '浙江': os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = copy.run(*FOUR, "-o", tmp_path, "--lang", "en")
    assert done.returncode == 1
    found, known = listed(tmp_path)
    assert len(found) == 2
    failed = {one["name"]: one for one in known["failed"]}
    assert set(failed) == {"annual-2023-江苏.en", "annual-2023-浙江.en"}
    assert failed["annual-2023-江苏.en"]["error"] == "CellError"
    assert str(copy.root) not in json.dumps(known, ensure_ascii=False)
    assert "ValueError" in (tmp_path / "failed" / "annual-2023-江苏.en.log").read_text(encoding="utf-8")
    assert "-9" in (tmp_path / "failed" / "annual-2023-浙江.en.log").read_text(encoding="utf-8")
    assert "江苏" in (tmp_path / "index.html").read_text(encoding="utf-8")
    copy.say_in_notebook("")
    assert copy.run(*FOUR, "-o", tmp_path, "--lang", "en").returncode == 0
    assert len(listed(tmp_path)[0]) == 4
    assert listed(tmp_path)[1]["failed"] == []
    assert not (tmp_path / "failed").exists()


def test_what_changed_is_rebuilt_and_a_format_that_is_added_is_made_of_the_page_that_stands(copy, tmp_path):
    assert copy.run(*ONE, "-o", tmp_path).returncode == 0
    page = tmp_path / "annual-2023-安徽.zh.html"
    before, time_of = digest(page), page.stat().st_mtime_ns
    more = copy.run(*ONE, "-o", tmp_path, "--format", "xlsx")
    assert more.returncode == 0
    assert page.stat().st_mtime_ns == time_of
    assert (tmp_path / "annual-2023-安徽.zh.xlsx").is_file()
    dated = copy.run(*ONE, "-o", tmp_path, SOURCE_DATE_EPOCH="1700000000")
    assert "annual-2023-安徽.zh.html" in dated.stdout
    assert digest(page) != before
    assert not (tmp_path / "annual-2023-安徽.zh.xlsx").exists()  # it was of another page
    page.write_text("not what was built", encoding="utf-8")
    assert copy.run(*ONE, "-o", tmp_path).returncode == 0
    assert digest(page) == before


def test_two_runs_into_one_folder_are_not_allowed_at_once(copy, tmp_path):
    copy.say_in_notebook("import time; time.sleep(20)")
    first = copy.start(*TWO, "-o", tmp_path)
    try:
        while not list(tmp_path.glob(".building-*")):
            time.sleep(0.02)
        second = copy.run(*TWO, "-o", tmp_path)
        assert second.returncode == 1
        assert str(tmp_path) in second.stderr
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        first.stdout.close()


def revise(copy, old, new):
    """Change a figure and what the catalogue says of the file."""
    path = copy.root / "data" / "published" / "mqr.csv"
    package = copy.root / "data" / "datapackage.json"
    before = digest(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="")
    said = package.read_text(encoding="utf-8")
    assert before in said
    package.write_text(said.replace(before, digest(path)), encoding="utf-8")


def test_editions_are_compared_and_a_page_is_rebuilt_or_told_why_not(tmp_path):
    copy = Copy(tmp_path / "copy")
    git = ["git", "-C", str(copy.root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    old, new = tmp_path / "old", tmp_path / "new"
    nation = ("report", "annual", "--year", 2023, "--in-process")
    assert copy.run(*nation, "-o", old, SOURCE_DATE_EPOCH="1700000000").returncode == 0
    same = copy.run("rebuild", old)  # the date is that of the manifest
    assert same.returncode == 0, same.stdout + same.stderr

    revise(copy, "MQR,2023,annual,全国,制造业,93.65", "MQR,2023,annual,全国,制造业,93.75")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "revised"], check=True)
    other = copy.run("rebuild", old, "--lang", "en")
    assert other.returncode == 1
    assert "data set mqr" in other.stderr
    assert "commit" in other.stderr
    assert "package" not in other.stderr
    as_it_was = copy.run("rebuild", old / "manifest.json", "--from-commit")
    assert as_it_was.returncode == 0, as_it_was.stdout + as_it_was.stderr
    assert (
        subprocess.run([*git, "worktree", "list"], capture_output=True, text=True, check=True).stdout.count(
            "\n"
        )
        == 1
    )

    assert copy.run(*nation, "-o", new, SOURCE_DATE_EPOCH="1700000000").returncode == 0
    assert copy.run("diff", old, old).returncode == 0
    changed = copy.run("diff", old, new, "--lang", "en", "-o", tmp_path / "changes.csv")
    assert changed.returncode == 1
    lines = [line.split("\t") for line in changed.stdout.splitlines()]
    rate = next(line for line in lines if line[2] == "number" and line[4] == "93.65")
    assert rate[5] == "93.75"
    assert float(rate[6]) == pytest.approx(0.1)
    assert rate[7].startswith("data")
    assert any(line[2] == "text" for line in lines)
    assert "mqr" in changed.stderr
    assert (tmp_path / "changes.csv").read_text(encoding="utf-8-sig").startswith("report,section,kind,")
    assert copy.run("diff", old, tmp_path / "nowhere").returncode == 2
