"""A batch: what is refused before it begins, what its processes do, and the list of its reports."""

import os
import signal

import pytest

from qstats.errors import DataError, OptionError
from qstats.report import batch, index_page, manifest, render, workers
from qstats.report.audit import audit
from qstats.report.editions import Edition
from qstats.report.render import RenderError

INPUTS = {"notebook": {"name": "a", "sha256": "b"}, "data": "c" * 64, "cells": [], "lock": "d"}


def work(task, tell):
    """Do what the task says; a function of a module, so that processes find it."""
    tell(1, 2)
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "fail":
        raise ValueError("no such figure")
    return task * 2


def test_processes_do_every_task_and_one_that_dies_takes_only_its_own():
    heard = []
    tasks = [1, "die", 2, "fail", 3]
    found = dict(workers.run(work, tasks, jobs=2, tell=lambda *step: heard.append(step)))
    assert {at: found[at] for at in (0, 2, 4)} == {0: 2, 2: 4, 4: 6}
    assert found[1].error == "ProcessEnded"
    assert "-9" in found[1].message
    assert found[3][:2] == ("ValueError", "no such figure")
    assert "Traceback" in found[3].details
    assert {step[0] for step in heard} >= {0, 2, 3, 4}
    assert all(step[1:] == (1, 2) for step in heard)


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ({"formats": "html,docx"}, OptionError, "xlsx"),
        ({"jobs": 0}, OptionError, "0"),
        ({"region": "安灰"}, DataError, "安徽"),
        ({"lang": "fr"}, OptionError, "zh"),
        ({"cells": {"rpq": "absent.cells"}, "region": "安徽"}, Exception, "absent"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(tmp_path, choice, error, words):
    with pytest.raises(error, match=words):
        batch.batch("annual", year=2000, output=tmp_path / "new", **choice)
    assert not (tmp_path / "new").exists()


def test_a_single_report_has_a_manifest_and_no_list_and_is_kept_the_second_time(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "commit", lambda: "0123456789ab")  # whatever is committed meanwhile
    told = []
    choice = {"year": 2000, "region": "安徽", "output": tmp_path, "in_process": True}
    first = batch.batch("annual", **choice, progress=lambda *step: told.append(step))
    assert [one.name for one in first.built] == ["annual-2000-安徽.zh"]
    assert first.contents is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["annual-2000-安徽.zh.html", "manifest.json"]
    done = [step[1] for step in told]
    assert done == sorted(done)
    assert told[-1][1] == told[-1][2]
    assert batch.batch("annual", **choice).kept == ("annual-2000-安徽.zh",)


def test_a_page_is_drawn_again_when_the_commit_moves_meanwhile_and_not_when_the_data_do(
    tmp_path, monkeypatch
):
    edition = Edition("annual", (("year", 2000), ("region", "安徽")), "zh")
    seen = iter("aabbbb")
    drawn = []
    monkeypatch.setattr(batch.cache, "inputs", lambda e: {**INPUTS, "commit": next(seen)})
    monkeypatch.setattr(batch.publish, "draw", lambda e, **kw: drawn.append(next(seen)) or "page")
    task = batch.Task(edition, ("html",), str(tmp_path), {**INPUTS, "commit": "a"}, None, True)
    assert batch._drawn(task, lambda done, total: None) == ("page", {**INPUTS, "commit": "b"})
    assert drawn == ["a", "b"]
    other = task._replace(inputs={**task.inputs, "data": "other"})
    seen = iter("aaaa")
    monkeypatch.setattr(batch.cache, "inputs", lambda e: {**INPUTS, "commit": next(seen)})
    with pytest.raises(DataError):
        batch._drawn(other, lambda done, total: None)


def entry(tmp_path, region, lang, year=2023, forms=("html",)):
    edition = Edition("annual", (("year", year), ("region", region)), lang)
    outputs = []
    for form in forms:
        path = tmp_path / f"{edition.name}.{form}"
        path.write_text("x", encoding="utf-8")
        outputs.append(manifest.output(path, form))
    return edition.name, manifest.entry(edition, INPUTS, [], outputs, [])


def test_the_list_has_a_page_a_language_and_links_to_every_file(tmp_path):
    entries = [
        entry(tmp_path, r, lang, forms=("html", "pdf")) for r in ("江苏", "安徽") for lang in ("zh", "en")
    ]
    known = manifest.Manifest(dict(entries), {}, {}, {})
    path = index_page.write(tmp_path, known)
    assert path.name == "index.html"
    zh, en = ((tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "index.en.html"))
    assert 'lang="zh-CN"' in zh
    assert "Jiangsu" in en
    assert 'href="index.en.html"' in zh
    assert 'href="index.html"' in en
    assert zh.index("江苏") < zh.index("安徽")  # the order of GB/T 2260
    assert zh.count(".zh.pdf") == 2
    assert "@font-face" in zh
    assert "<script" not in zh
    problems = audit(
        index_page._without_links(zh, known, {"zh": "index.html", "en": "index.en.html"})
    ).problems
    assert problems == ()


def test_the_list_of_the_newest_year_comes_first_and_failures_are_named_and_escaped(tmp_path):
    entries = [entry(tmp_path, "安徽", "zh", year) for year in (2019, 2023, 2021)]
    fault = {"message": "<script>alert(1)</script>", "log": "failed/annual-2023-江苏.zh.log"}
    known = manifest.Manifest(dict(entries), {"annual-2023-江苏.zh": fault}, {}, {})
    html = index_page.write(tmp_path, known).read_text(encoding="utf-8")
    assert html.index("2023</h2>") < html.index("2021</h2>") < html.index("2019</h2>")
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_one_report_in_two_languages_needs_no_list(tmp_path):
    known = manifest.Manifest(dict(entry(tmp_path, "安徽", lang) for lang in ("zh", "en")), {}, {}, {})
    assert index_page.write(tmp_path, known) is None
    assert index_page.write(tmp_path, manifest.empty()) is None


def test_a_list_that_would_fetch_something_is_refused(tmp_path, monkeypatch):
    known = manifest.Manifest(dict(entry(tmp_path, r, "zh") for r in ("江苏", "安徽")), {}, {}, {})
    monkeypatch.setattr(index_page, "stylesheet", lambda: "@import url(https://x.y/z.css);")
    with pytest.raises(RenderError, match="读取"):
        index_page.write(tmp_path, known)


def test_a_page_of_that_name_that_is_not_ours_is_not_replaced(tmp_path):
    (tmp_path / "index.html").write_text("<p>my own page</p>", encoding="utf-8")
    with pytest.raises(DataError, match=r"index\.html"):
        batch.batch("annual", year=2023, region="安徽,江苏", output=tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<p>my own page</p>"
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    (tmp_path / "index.html").write_text('<meta name="generator" content="qstats 1">', encoding="utf-8")
    index_page.require_own(tmp_path)


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "253402300800", "9" * 5000, "\u0661"])
def test_a_date_of_build_that_is_none_is_refused_before_anything_is_drawn(tmp_path, monkeypatch, value):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(OptionError, match="SOURCE_DATE_EPOCH"):
        batch.batch("annual", year=2023, region="安徽", output=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_date_of_build_is_kept_as_it_is(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "253402300799")
    assert render.epoch() == "253402300799"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert render.epoch() is None
