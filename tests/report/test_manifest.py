"""The manifest: what it says, and what is refused in one."""

import json

import pytest

from qstats.errors import DataError
from qstats.report import manifest
from qstats.report.editions import Edition

EDITION = Edition("annual", (("year", 2023), ("region", "安徽")), "zh", (("rpq", "checks.cells"),))
INPUTS = {"notebook": {"name": "a", "sha256": "b"}, "data": "c", "cells": [], "lock": "d"}


@pytest.fixture
def entry(tmp_path):
    page = tmp_path / f"{EDITION.name}.html"
    page.write_text("page", encoding="utf-8")
    datasets = [{"name": "mqr", "sha256": "e" * 64, "rows": 35}]
    return manifest.entry(EDITION, INPUTS, datasets, [manifest.output(page, "html")], [])


def written(tmp_path, entry, **more):
    known = manifest.Manifest(
        {EDITION.name: {**entry, **more}},
        {},
        {"d": {"numpy": "2.1"}, "old": {}},
        {"c": {"a.csv": "1"}, "old": {}},
    )
    return manifest.write(tmp_path, known)


def test_what_is_written_is_read_and_the_edition_comes_back(tmp_path, entry):
    path = written(tmp_path, entry)
    found = manifest.read(tmp_path)
    assert manifest.read(path) == found
    assert found.reports[EDITION.name] == entry
    assert manifest.edition(found.reports[EDITION.name]) == EDITION
    assert found.packages == {"d": {"numpy": "2.1"}}  # those of no report are dropped
    assert found.files == {"c": {"a.csv": "1"}}


def test_the_order_of_reports_never_matters(tmp_path, entry):
    known = dict.fromkeys(("b", "a", "c"), entry)
    first = manifest.write(tmp_path, manifest.Manifest(known, {}, {}, {})).read_bytes()
    turned = dict(reversed(known.items()))
    assert manifest.write(tmp_path, manifest.Manifest(turned, {}, {}, {})).read_bytes() == first


def test_a_file_stands_only_while_its_bytes_are_those_of_the_manifest(tmp_path, entry):
    output = entry["outputs"][0]
    assert manifest.stands(tmp_path, output)
    (tmp_path / output["path"]).write_text("pagf", encoding="utf-8")
    assert not manifest.stands(tmp_path, output)
    (tmp_path / output["path"]).unlink()
    assert not manifest.stands(tmp_path, output)


def test_a_data_set_is_named_with_its_vintage(entry):
    assert entry["datasets"][0]["vintage"] == manifest.cache.vintages()["mqr"]


@pytest.mark.parametrize("path", ["../evil.html", "/etc/passwd", "a/b.html", "", ".."])
def test_a_file_name_that_leads_out_of_the_folder_is_refused(tmp_path, entry, path):
    outputs = [{**entry["outputs"][0], "path": path}]
    with pytest.raises(DataError, match="annual-2023"):
        manifest.read(written(tmp_path, entry, outputs=outputs))


def test_what_is_no_manifest_is_refused_with_its_name(tmp_path, entry):
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifest.read(tmp_path)
    path = written(tmp_path, entry)
    known = json.loads(path.read_text(encoding="utf-8"))
    for broken in ("", "[]", "{}", json.dumps({**known, "reports": [{"name": "a"}]})):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match=r"manifest\.json"):
            manifest.read(path)
    path.write_text(json.dumps({**known, "format": "qstats-manifest/9"}), encoding="utf-8")
    with pytest.raises(DataError, match="qstats-manifest/9"):
        manifest.read(path)


def test_messages_lose_the_folders_of_this_machine():
    assert manifest.portable("no /home/ann/x/b.csv, C:\\Users\\ann\\b.csv") == "no b.csv, b.csv"
    assert manifest.portable("a/b 3/4 and 合格率") == "a/b 3/4 and 合格率"


PLACES = [
    ("kind",),
    ("parameters",),
    ("parameters", "lang"),
    ("inputs",),
    ("inputs", "notebook"),
    ("inputs", "cells"),
    ("inputs", "lock"),
    ("datasets",),
    ("outputs",),
    ("outputs", 0, "path"),
    ("outputs", 0, "sha256"),
    ("outputs", 0, "bytes"),
]
OPTIONAL = [("parameters", "cells"), ("inputs", "editorial"), ("inputs", "epoch")]


def changed(path, place, change):
    """Change one place of the first report of a manifest by hand."""
    known = json.loads(path.read_text(encoding="utf-8"))
    *way, last = place
    part = known["reports"][0]
    for step in way:
        part = part[step]
    change(part, last)
    path.write_text(json.dumps(known), encoding="utf-8")


@pytest.mark.parametrize("value", [True, 5, "x/y", [1, 2]], ids=repr)
@pytest.mark.parametrize("place", [*PLACES, *OPTIONAL], ids=str)
def test_a_part_of_another_type_is_refused_by_the_name_of_the_manifest(tmp_path, entry, place, value):
    path = written(tmp_path, entry)
    changed(path, place, lambda part, last: part.update({last: value}))
    texts = place[-1] in ("lock", "sha256", "epoch") and isinstance(value, str)
    if texts or (place[-1] == "bytes" and isinstance(value, int)):
        assert EDITION.name in manifest.read(path).reports
        return
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifest.read(path)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_part_that_is_lacking_is_refused(tmp_path, entry, place):
    path = written(tmp_path, entry)
    changed(path, place, lambda part, last: part.pop(last))
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifest.read(path)


@pytest.mark.parametrize(
    "failed",
    [
        {"name": "a"},
        {"name": "../a", "kind": "annual", "parameters": {}, "error": "E", "message": "m", "log": "failed/a"},
        {"name": "a", "kind": "annual", "parameters": {}, "error": "E", "message": "m", "log": "../a.log"},
        {"name": "a", "kind": "annual", "parameters": {}, "error": "E", "message": None, "log": "failed/a"},
    ],
)
def test_a_failure_changed_by_hand_is_refused(tmp_path, entry, failed):
    path = written(tmp_path, entry)
    known = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**known, "failed": [failed]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifest.read(path)


def test_brackets_without_end_are_refused(tmp_path):
    (tmp_path / "manifest.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifest.read(tmp_path)
