"""A published page is made again byte for byte, or each input that differs is named, old and new."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from qstats.errors import DataError
from qstats.report import batch, cache, editorial, kept_words, manifest, rebuild, render

WORDS = "## summary.1\n指数为{qci}。\n"


def hashed(text):
    return sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with one page that has an editor's words, whose own file and folder are gone since."""
    folder, words = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("desk") / "mine.zh.md"
    words.write_text(WORDS, encoding="utf-8", newline="\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(editorial.FOLDERS, "")
        patch.setenv("PGPASSWORD", "hunter2-secret")
        patch.setattr(render, "commit", lambda: "0123456789ab")
        batch.batch("qci", year=2009, region="全国", editorial=words, output=folder, in_process=True)
    shutil.rmtree(words.parent)
    return folder


@pytest.fixture
def folder(published, tmp_path, monkeypatch):
    monkeypatch.setenv(editorial.FOLDERS, "")
    monkeypatch.setattr(render, "commit", lambda: "0123456789ab")
    return shutil.copytree(published, tmp_path / "moved")


def test_words_are_kept_below_the_manifest_by_name_and_hash(folder):
    entry = next(iter(manifest.read(folder).reports.values()))
    assert entry["inputs"]["editorial"] == {"mine.zh.md": hashed(WORDS)}
    kept = folder / kept_words.place("mine.zh.md", hashed(WORDS))
    assert kept.read_text(encoding="utf-8") == WORDS


def test_a_page_with_words_is_made_again_wherever_its_folder_lies_and_without_a_variable(folder, monkeypatch):
    monkeypatch.delenv(editorial.FOLDERS)
    (done,) = rebuild.rebuild(folder)
    assert (done.status, done.inputs) == ("identical", ())
    assert editorial.FOLDERS not in os.environ


def test_the_province_set_off_is_kept_and_the_page_made_again_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "commit", lambda: "0123456789ab")
    batch.batch("qci", year=2009, region="全国", highlight="江苏", output=tmp_path, in_process=True)
    (entry,) = manifest.read(tmp_path).reports.values()
    assert entry["parameters"]["highlight"] == "江苏"
    page = (tmp_path / entry["outputs"][0]["path"]).read_text(encoding="utf-8")
    assert '<strong><span class="qs-name">江苏</span></strong>' in page
    assert '<strong><span class="qs-name">安徽</span></strong>' not in page
    (done,) = rebuild.rebuild(tmp_path)
    assert (done.status, done.inputs) == ("identical", ())


def test_words_changed_since_are_named_with_both_hashes(folder):
    kept = folder / kept_words.place("mine.zh.md", hashed(WORDS))
    other = WORDS + "\n又及。\n"
    kept.write_text(other, encoding="utf-8", newline="\n")
    (done,) = rebuild.rebuild(folder, lang="en")
    assert done.status == "different"
    assert [line for line in done.inputs if "mine.zh.md" in line] == [
        f"words of an editor mine.zh.md: {hashed(WORDS)} then, {hashed(other)} now"
    ]


def test_words_taken_away_since_are_named(folder):
    shutil.rmtree(folder / kept_words.FOLDER)
    (done,) = rebuild.rebuild(folder, lang="en")
    assert done.status == "different"
    assert done.files == ("qci-2009-全国.zh.html",)
    assert done.inputs == (f"words of an editor mine.zh.md: {hashed(WORDS)} then, none now",)


def test_micro_data_for_an_item_that_no_report_has_are_refused(folder):
    with pytest.raises(DataError, match="rpq"):
        rebuild.rebuild(folder, cells={"rpq": "a.cells"})


def test_a_page_changed_on_disk_is_told_from_one_that_comes_out_otherwise(folder):
    page = folder / "qci-2009-全国.zh.html"
    page.write_text(page.read_text(encoding="utf-8") + "<!-- -->", encoding="utf-8")
    (done,) = rebuild.rebuild(folder)
    assert (done.status, done.files) == ("changed", (page.name,))


def test_every_input_that_differs_is_named_with_old_and_new(folder):
    known = manifest.read(folder)
    entry = next(iter(known.reports.values()))
    now = cache.inputs(
        manifest.edition({**entry, "parameters": {"year": 2009, "region": "全国", "lang": "zh"}})
    )
    then = {
        **now,
        "notebook": {"name": "n", "sha256": "1" * 64},
        "data": "2" * 64,
        "code": "3" * 64,
        "python": "3.0",
        "lock": "old",
        "cells": [{"item": "rpq", "name": "cells:a.cells", "sha256": "4" * 64}],
        "editorial": {"gone.zh.md": "5" * 64},
    }
    qci = cache.digest(cache.data_root() / "published" / "qci.csv")
    datasets = [{"name": "qci", "sha256": "6" * 64}, {"name": "withdrawn", "sha256": "7" * 64}]
    packages = known._replace(
        packages={"old": {**cache.packages(), "numpy": "1.0", "gone": "2.0"}},
        files={
            "2" * 64: {**cache.data_files(), "frameworks/qci.csv": "8" * 64, "published/mqr.csv": "0" * 64},
            "3" * 64: {**cache.code_files(), "stats/gone.py": "9" * 64},
        },
    )
    said = list(rebuild._differing({"inputs": then, "datasets": datasets}, now, packages, "en"))
    pairs = {line.partition(": ")[0]: line.partition(": ")[2] for line in said}
    assert pairs == {
        "notebook qci_bulletin.ipynb": f"{'1' * 64} then, {now['notebook']['sha256']} now",
        "data set qci": f"{'6' * 64} then, {qci} now",
        "data set withdrawn": f"{'7' * 64} then, none now",
        "words of an editor gone.zh.md": f"{'5' * 64} then, none now",
        "micro-data cells:a.cells": f"{'4' * 64} then, none now",
        "code": f"{'3' * 64} then, {now['code']} now",
        "data": f"{'2' * 64} then, {now['data']} now",
        "data frameworks/qci.csv": f"{'8' * 64} then, {cache.data_files()['frameworks/qci.csv']} now",
        "code stats/gone.py": f"{'9' * 64} then, none now",
        "Python": f"3.0 then, {now['python']} now",
        "package numpy": f"1.0 then, {cache.packages()['numpy']} now",
        "package gone": "2.0 then, none now",
    }


def test_nothing_of_the_machine_and_nothing_secret_is_in_a_manifest(published):
    text = (published / manifest.NAME).read_text(encoding="utf-8")
    assert "hunter2-secret" not in text
    for value in map(str, (published.parent, Path.home(), Path.cwd())):
        assert len(value) < 4 or value not in text
    known = set(json.loads(text)["reports"][0]["inputs"])
    parts = "notebook data editorial cells code version commit lock python epoch seed"
    assert known == set(parts.split())


def test_kept_words_that_no_report_has_are_removed(tmp_path):
    words = {"a.zh.md": hashed("a"), "b.zh.md": hashed("b")}
    for name, digest in words.items():
        path = tmp_path / kept_words.place(name, digest)
        path.parent.mkdir(parents=True)
        path.write_text(name[0], encoding="utf-8")
    kept_words.forget(tmp_path, [{"inputs": {"editorial": {"a.zh.md": hashed("a")}}}])
    assert [p.name for p in (tmp_path / "editorial").rglob("*.md")] == ["a.zh.md"]
    kept_words.forget(tmp_path, [])
    assert not (tmp_path / "editorial").exists()


def test_an_editors_own_files_in_a_folder_of_that_name_are_never_removed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    for name in ("2023/mine.zh.md", f"{'0' * 12}/mine.zh.md", "2023/deep/more.md"):
        for root in (tmp_path / "editorial", elsewhere):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("x", encoding="utf-8")
    before = sorted((tmp_path / "editorial").rglob("*"))
    kept_words.forget(tmp_path, [])
    assert sorted((tmp_path / "editorial").rglob("*")) == before
    (own := elsewhere / hashed("x")[:12] / "x.zh.md").parent.mkdir()
    own.write_text("x", encoding="utf-8")
    (folder := tmp_path / "linked").mkdir()
    (folder / "editorial").symlink_to(elsewhere, target_is_directory=True)
    kept_words.forget(folder, [])
    assert own.is_file()
