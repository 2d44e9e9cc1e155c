"""Codes of results are the same in every language; readers see words, and no code lacks them."""

import ast
import csv
import re
from pathlib import Path
from typing import get_args

import pytest

import qstats
from qstats import datasets
from qstats.analysis import change, compare, panel_regression, scorecard, smooth, trend
from qstats.estimate import Estimate
from qstats.index import outcomes, runs
from qstats.indicators import acceptance_rate, export_pass_rate, product_pass_rate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.messages import catalogue
from qstats.satisfaction import means
from qstats.stats import (
    correlation,
    decompose,
    design_intervals,
    forecast,
    intervals,
    linking,
    multiplicity,
    pathmodel,
    quantiles,
)
from qstats.survey import adjustments, design
from qstats.wording import label, told, without_words

SOURCES = sorted(Path(qstats.__file__).parent.rglob("*.py"))
#: functions that make an Estimate, or hand on what it says of itself
MAKERS = {"Estimate", "replace", "rate", "rate_of", "amount", "combined_rate", "_assembled"}
#: functions whose texts are parts of ``Estimate.method``
PARTS = {"_method", "method_of"}
VERDICTS = {"verdict", "words", "clear", "side", "found", "direction", "position"}


def texts(node):
    """Yield the texts of an expression, each field of an f-string as a number."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "7" for p in node.values]
        yield re.sub(r"(?<=[a-z])7$", "", "".join(map(str, parts)))
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def made(tree):
    """Yield every technical text that a module gives to a result."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in PARTS:
            doc = ast.get_docstring(node, clean=False)
            lists = [n for n in ast.walk(node) if isinstance(n, ast.List | ast.Call)]
            parts = [e for n in lists for e in (n.elts if isinstance(n, ast.List) else n.args)]
            yield from (text for e in parts for text in texts(e) if text != doc)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in MAKERS:
            for given in node.keywords:
                if given.arg in ("method", "basis", "unit"):
                    yield from texts(given.value)
        if name == "flags" and node.args:
            yield from (
                f"undefined: {t}" for pair in node.args for t in texts(getattr(pair, "elts", [0, 0])[1])
            )
        if name in ("where", "select", "full"):
            inner = [
                t for n in ast.walk(node) if isinstance(n, ast.Constant | ast.JoinedStr) for t in texts(n)
            ]
            yield from (
                t for t in inner if t.startswith(("undefined: ", "suppressed: ", "synthetic: ")) and t[11:]
            )


def harvest():
    found = {}
    for path in SOURCES:
        if "report" not in path.parts:
            for text in made(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(text.strip(" ;,"), path.name)
    return found


def test_every_text_that_the_library_gives_to_a_result_has_chinese_words():
    found = harvest()
    assert len(found) > 60
    lacking = {f"{file}: {text}": left for text, file in found.items() if (left := without_words(text))}
    assert not lacking


def test_every_column_that_the_library_gives_to_a_result_has_words():
    named = {
        given.arg
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "assemble"
        for given in node.keywords
        if given.arg
    }
    assert len(named) > 15
    assert sorted(name for name in named if label(name, "zh") == name) == []


CHOICES = {
    "intervals of proportions": intervals.PROPORTION,
    "intervals of means": intervals.MEAN,
    "intervals of designs": design_intervals.DESIGN,
    "changes": [
        change._method(on, "2020", measure, interval, covariance, "bh").removesuffix("; ")
        for on in get_args(change.On)
        for measure in get_args(change.Measure)
        for interval in get_args(change.Interval)
        for covariance in (None, 1.0)
    ],
    "replication": (*adjustments.METHODS, "columns", "left out"),
    "calibration": adjustments.DISTANCES,
    "lone units": design.SINGLETONS[1:],
    "several tests": multiplicity.ADJUSTMENT,
    "quantiles": quantiles.RULE,
    "parts of a change": decompose.METHOD,
    "forecasts": get_args(forecast.Model),
    "path models": get_args(pathmodel.Scheme),
    "missing answers": get_args(means.Missing),
    "order of weights": get_args(product_pass_rate.Order),
    "empty cells": get_args(product_pass_rate.Empty),
    "what is counted": (*get_args(acceptance_rate.Basis), *get_args(export_pass_rate.Basis)),
    "outcomes": get_args(acceptance_rate.Outcome),
    "links": linking.RULE,
    "missing points": get_args(scorecard.Missing),
    "regressions": (*panel_regression.ERRORS, *get_args(panel_regression.Effects)),
    "correlations": (*get_args(correlation.Measure), *get_args(correlation.Null)),
    "outcomes of runs": outcomes.OUTCOMES,
    "what varies": [name for names in runs.GROUPS.values() for name in names],
    "trends": get_args(trend.Method),
    "seasons": get_args(smooth.Method),
    "positions": compare.POSITIONS,
    "directions": ("up", "down", "flat", "rose", "fell", "no clear change", "rising", "falling"),
    "verdicts": ("no clear trend", "cannot say", "related", "no clear relation", "no clear difference"),
    "sides": ("better", "worse", "somewhat better", "somewhat worse", "within"),
    "publication": ("publish", "caution", "suppress", "unknown"),
    "targets": ("met", "near", "not met", "no data"),
    "breaks": ("break", "no clear break"),
    "scores": ("missing", "renormalised", "clipped low", "clipped high"),
}


@pytest.mark.parametrize("choices", CHOICES.values(), ids=CHOICES)
def test_every_choice_that_a_result_repeats_has_chinese_words(choices):
    assert choices
    assert [choice for choice in choices if without_words(choice)] == []


def test_a_code_has_one_text_and_a_text_one_code():
    rows = {key: texts for key, texts in catalogue().items() if key.startswith("told.")}
    english = [texts["en"] for texts in rows.values()]
    assert len(set(english)) == len(english)
    for key, texts in rows.items():
        fields = [set(re.findall(r"{(\w+)}", texts[lang])) for lang in ("zh", "en")]
        assert fields[0] == fields[1], key
        assert texts["zh"], key


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("pooled counts, clopper-pearson interval", "计数合并计算，Clopper–Pearson 区间"),
        ("linearised (clusters, stratified, fpc)", "线性化（整群抽样，分层，有限总体校正）"),
        (
            "change on the period before, MOVER interval of independent estimates; as published",
            "环比变化，各估计相互独立时的 MOVER 区间；公布值",
        ),
        ("undefined: total output = 0", "无法计算：全部产值为 0"),
        ("undefined: my column = 0", "无法计算：my column 为 0"),
        ("suppressed: n < 5", "不予公布：n < 5"),
        ("% a year", "%/年"),
        ("correlation with product_pass_rate", "与制造业产品质量合格率的相关系数"),
    ],
)
def test_parts_are_told_one_by_one(code, words):
    assert told(code, "zh") == words


@pytest.mark.parametrize(
    "text", ["", "某地", "Report, 2019 (draft); part: one", "5/3/2", "{0}", "a (b", "((", "∅"]
)
def test_what_has_no_words_stays_as_it_is(text):
    assert told(text, "zh") == text
    assert told(text, "en") == text


def test_in_english_a_code_is_its_own_text_and_names_become_words():
    assert told("undefined: inspected = 0", "en") == "undefined: inspected = 0"
    assert told("安徽", "en") == "Anhui" and told("安徽", "zh") == "安徽"
    assert told("product_pass_rate", "en") == label("product_pass_rate", "en") != "product_pass_rate"


def examples():
    rate = datasets.published("MQR", region="全国", industry="制造业", period=[2020, 2021, 2022, 2023, 2024])
    counts = {"地区": ["安徽", "江苏"], "检验数": [40, 0], "合格数": [38, 0]}
    spot = inspection_pass_rate(counts, by="region")
    yield "published", rate
    yield "counts", spot
    yield "change", change.change(rate)
    yield "trend", trend.trend(rate)


@pytest.mark.parametrize("name", ["published", "counts", "change", "trend"])
def test_a_chinese_display_holds_no_english_but_names_and_codes(name, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "zh")
    html = dict(examples())[name]._repr_html_()
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html)
    shown = re.sub(r"公布数据 \w+", " ", shown)
    names = {
        "Wilson",
        "MOVER",
        "Mann",
        "Kendall",
        "Theil",
        "Sen",
        "InvesTaiwan",
        "mqr",
        "rpq",
        "qci",
        "regions",
    }
    assert set(re.findall(r"[A-Za-z]{3,}", shown)) <= names


def test_the_table_keeps_its_codes(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "zh")
    empty = inspection_pass_rate({"检验数": [0], "合格数": [0]})
    assert empty.table["flag"].tolist() == ["undefined: inspected = 0"]
    assert isinstance(empty, Estimate) and empty.method == "pooled counts, wilson interval"
    assert "无法计算：检验数为 0" in empty._repr_html_()


@pytest.mark.parametrize(
    "path", sorted((Path(qstats.__file__).parent / "assets/messages").glob("*.csv")), ids=lambda p: p.stem
)
def test_a_row_of_a_catalogue_has_a_key_and_two_texts_no_comma_of_which_is_lost(path):
    with path.open(encoding="utf-8", newline="") as lines:
        assert [row for row in csv.reader(lines) if len(row) != 3] == []
