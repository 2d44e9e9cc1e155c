"""Every change between two editions has its cause: data, method, version, words of an editor, parameters."""

import json

import pytest
from typer.testing import CliRunner

from qstats.cli import app
from qstats.report import causes, contents, differences, manifest
from qstats.report.causes import Input
from qstats.report.manifest import Manifest

INPUTS = {
    "notebook": {"name": "annual_report.ipynb", "sha256": "n" * 64},
    "data": "d1",
    "code": "c1",
    "editorial": {},
    "cells": [],
    "version": "0.1.0",
    "commit": "aaa",
    "lock": "l1",
    "python": "3.12.1",
    "epoch": None,
    "seed": None,
}
FILES = {
    "d1": {"frameworks/qci.csv": "1" * 64, "published/mqr.csv": "m" * 64, "published/other.csv": "o" * 64},
    "c1": {"stats/rates.py": "2" * 64, "report/formats.py": "3" * 64},
}
OTHER = {
    "d2": {**FILES["d1"], "frameworks/qci.csv": "9" * 64, "published/other.csv": "8" * 64},
    "c2": {**FILES["c1"], "stats/rates.py": "7" * 64},
    "c3": {**FILES["c1"], "report/formats.py": "6" * 64},
}
ITEM = "制造业产品质量合格率"


def entry(**more):
    return {
        "kind": "annual",
        "parameters": {"year": 2023, "region": "安徽", "lang": "zh", "cells": {}},
        "inputs": {**INPUTS, **more.pop("inputs", {})},
        "datasets": [{"name": n, "vintage": "v", "sha256": n[0] * 64, "rows": 1} for n in ("mqr", "qci")],
        "outputs": [],
        **more,
    }


def known(**packages):
    return Manifest({}, {}, {"l1": {"numpy": "2.1", **packages}, "l2": {"numpy": "2.2"}}, {**FILES, **OTHER})


def differing(**more):
    return causes.differing(entry(), entry(**more), known(), known())


def test_the_same_inputs_do_not_differ():
    assert differing() == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (
            {"datasets": [{"name": "mqr", "sha256": "z" * 64}, {"name": "qci", "sha256": "q" * 64}]},
            Input("data", "mqr", "m" * 64, "z" * 64),
        ),
        ({"inputs": {"data": "d2"}}, Input("method", "frameworks/qci.csv", "1" * 64, "9" * 64)),
        ({"inputs": {"data": "d9"}}, Input("data", "data", "d1", "d9")),  # which file is not listed
        ({"inputs": {"code": "c2"}}, Input("method", "stats/rates.py", "2" * 64, "7" * 64)),
        ({"inputs": {"code": "c3"}}, Input("version", "report/formats.py", "3" * 64, "6" * 64)),
        ({"inputs": {"code": "c9"}}, Input("method", "code", "c1", "c9")),
        (
            {"inputs": {"notebook": {"name": "annual_report.ipynb", "sha256": "b" * 64}}},
            Input("method", "notebook annual_report.ipynb", "n" * 64, "b" * 64),
        ),
        ({"inputs": {"editorial": {"a.zh.md": "e"}}}, Input("editorial", "a.zh.md", None, "e")),
        (
            {"inputs": {"cells": [{"item": "rpq", "name": "cells:a", "sha256": "f"}]}},
            Input("data", "cells:a", None, "f"),
        ),
        ({"inputs": {"lock": "l2"}}, Input("version", "package numpy", "2.1", "2.2")),
        ({"inputs": {"version": "0.2.0"}}, Input("version", "version", "0.1.0", "0.2.0")),
        ({"inputs": {"commit": "bbb"}}, Input("version", "commit", "aaa", "bbb")),
        ({"inputs": {"epoch": "17"}}, Input("version", "epoch", None, "17")),
        (
            {"parameters": {"year": 2024, "region": "安徽", "lang": "zh", "cells": {}}},
            Input("parameters", "year", 2023, 2024),
        ),
    ],
)
def test_each_input_that_differs_has_its_cause_with_old_and_new(more, found):
    assert differing(**more) == [found]


DATA = [Input("data", "mqr", "a", "b"), Input("data", "supervision_sampling", "a", "b")]
WORDS = Input("editorial", "a.zh.md", "a", "b")
FORMULA = Input("method", "stats/rates.py", "a", "b")
PRINT = Input("version", "report/formats.py", "a", "b")
COMMIT = Input("version", "commit", "a", "b")


def test_a_number_of_an_item_moves_with_the_data_sets_of_its_series_alone():
    assert causes.able([*DATA, COMMIT], "number", f"表1 · {ITEM} · 数值", False) == DATA[:1]
    assert causes.able(DATA, "number", "表2 · 安徽 · 数值", False) == DATA
    assert causes.able([*DATA, FORMULA], "rank", f"表1 · {ITEM} · 位次", False) == [DATA[0], FORMULA]


def test_words_move_the_paragraphs_that_they_replace_and_nothing_else():
    assert causes.able([*DATA, WORDS], "text", "", True) == [WORDS]
    assert causes.able([*DATA, WORDS], "text", "", False) == DATA
    assert causes.able([WORDS], "number", "表1", False) == []
    assert causes.able(DATA, "text", "", True) == DATA  # a reference in unchanged words


def test_code_that_prints_moves_texts_and_no_numbers():
    assert causes.able([DATA[0], PRINT], "text", "", False) == [DATA[0], PRINT]
    assert causes.able([DATA[0], PRINT], "number", "x", False) == [DATA[0]]


def test_packages_and_commits_are_the_reason_where_nothing_else_is():
    assert causes.able([COMMIT, FORMULA], "number", "x", False) == [FORMULA]
    assert causes.able([COMMIT], "number", "x", False) == [COMMIT]


def test_other_parameters_are_the_reason_for_everything():
    year = Input("parameters", "year", 2022, 2023)
    assert causes.able([year, *DATA, WORDS], "text", "", True) == [year]


def page(folder, value, words, *, edited=True, **inputs):
    """Write a page with one number, one edited and one generated paragraph, and its manifest."""
    import base64

    folder.mkdir()
    table = base64.b64encode(f"指标,数值\r\n{ITEM},{value}\r\n".encode("utf-8-sig")).decode()
    html = (
        '<html lang="zh-CN"><body><h1>报告</h1><section class="qs-section" id="s"><h2>一</h2>'
        f'<p data-text="s.1"{" data-edited" if edited else ""}>{words}</p><p data-text="s.2">为{value}。</p>'
        '<table class="qs-table"><caption>表1</caption></table><a class="qs-download" '
        f'href="data:text/csv;charset=utf-8;base64,{table}">CSV</a></section></body></html>'
    )
    path = folder / "annual-2023-安徽.zh.html"
    path.write_text(html, encoding="utf-8")
    one = entry(inputs=inputs, key="k", warnings=[], outputs=[manifest.output(path, "html")])
    if inputs.get("data"):
        one["datasets"][0]["sha256"] = "z" * 64
    manifest.write(folder, known()._replace(reports={path.stem: one}))
    return folder


@pytest.fixture
def editions(tmp_path):
    old = page(tmp_path / "old", 93.5, "旧话。", editorial={"a.zh.md": "e" * 64})
    new = page(tmp_path / "new", 93.6, "新话。", editorial={"a.zh.md": "f" * 64}, data="d2", commit="bbb")
    return old, new


def test_each_number_and_text_has_its_own_reason(editions):
    found = differences.compared(*editions, lang="en")
    why = {(c["kind"], c["old"]): (c["causes"], c["inputs"]) for c in found.changes}
    both = (["data", "method"], ["mqr", "frameworks/qci.csv"])
    assert why == {
        ("text", "旧话。"): (["editorial"], ["a.zh.md"]),
        ("text", "为93.5。"): both,
        ("number", 93.5): both,
    }
    words = found.table.set_index("old")["why"]
    assert words["旧话。"] == "editorial: a.zh.md"
    assert words[93.5] == "data: mqr; method: frameworks/qci.csv"
    assert any("mqr (mmmmmmmmmmmm → zzzzzzzzzzzz)" in text for text in found.causes)


def test_the_form_for_programs_has_codes_whole_hashes_and_the_numbers_as_numbers(editions):
    whole = json.loads(differences.compared(*editions).as_json())
    assert whole["format"] == "qstats-diff/1"
    number = next(c for c in whole["changes"] if c["kind"] == "number")
    assert (number["old"], number["new"]) == (93.5, 93.6)
    assert number["change"] == pytest.approx(0.1, rel=1e-9)
    rows = {(i["cause"], i["name"]): (i["old"], i["new"]) for i in whole["inputs"]}
    assert rows["data", "mqr"] == ("m" * 64, "z" * 64)
    assert rows["version", "commit"] == ("aaa", "bbb")


def test_without_a_manifest_the_reason_is_unknown(editions):
    for folder in editions:
        (folder / "manifest.json").unlink()
    pages = [next(folder.glob("*.html")) for folder in editions]
    found = differences.compared(*pages, lang="en")
    assert {tuple(c["causes"]) for c in found.changes} == {("unknown",)}
    assert set(found.table["why"]) == {"unknown"}


def test_the_command_writes_json_and_csv_and_leaves_with_the_code_that_its_help_names(editions, tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["diff", *map(str, words)])

    old, new = editions
    said = run(old, new, "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["format"] == "qstats-diff/1"
    same = run(old, old, "--json")
    assert (same.exit_code, json.loads(same.stdout)["changes"]) == (0, [])
    assert run(old, tmp_path / "none", "--json").exit_code == 2
    assert run(old, new, "-o", tmp_path / "a.json").exit_code == 1
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == json.loads(said.stdout)
    assert run(old, new, "-o", tmp_path / "a.csv").exit_code == 1
    assert (
        (tmp_path / "a.csv").read_text(encoding="utf-8-sig").startswith("report,section,kind,where,old,new")
    )


def test_a_page_says_which_of_its_paragraphs_an_editor_wrote(editions):
    read = contents.read(next(editions[0].glob("*.html")))
    assert read.parts[0].edited == ["旧话。"]
