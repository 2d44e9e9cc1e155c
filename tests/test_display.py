"""What a notebook shows: rounded, in the reader's language, nothing hidden and nothing run."""

import re
from html import escape

import numpy as np
import pandas as pd
import pytest

from qstats.checking import check
from qstats.display import MOST_COLUMNS, MOST_ROWS, written
from qstats.errors import DataError
from qstats.estimate import Estimate
from qstats.index.frameworks import framework
from qstats.indicators import schema_of
from qstats.survey.cells import cells

MARK = "simulated:test seed=1"


def rate(count=2, *, meta=None, **columns):
    """Return a rate of so many regions; None leaves a column out."""
    row = {
        "region": [f"r{i}" for i in range(count)],
        "estimate": np.full(count, 93.65432),
        "std_error": np.full(count, 0.123456),
        "conf_low": np.full(count, 93.1),
        "conf_high": np.full(count, 94.2),
        "n": np.full(count, 9000),
    } | columns
    meta = {"indicator": "product_pass_rate", "unit": "%", "method": "m"} | (meta or {})
    return Estimate(pd.DataFrame(row), **meta)


def heads(html):
    return re.findall(r"<th [^>]*>([^<]*)</th>", html)


def body(html):
    return [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)][1:]


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")


def test_an_estimate_is_rounded_and_its_interval_is_one_column():
    html = rate(meta={"level": 0.9})._repr_html_()
    assert heads(html) == ["region", "estimate", "standard error", "90% interval", "n"]
    assert body(html)[0] == ["r0", "93.65", "0.123", "93.10 – 94.20", "9,000"]
    assert body(rate(meta={"digits": 0})._repr_html_())[0][1:4] == ["94", "0.1", "93 – 94"]


def test_the_words_are_those_of_the_language_and_the_names_of_code_stay_at_hand(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "zh")
    html = rate()._repr_html_()
    assert "制造业产品质量合格率" in html and 'lang="zh-CN"' in html
    assert heads(html) == ["地区", "估计值", "标准误", "95% 置信区间", "样本量"]
    assert 'title="conf_low, conf_high"' in html


def test_an_unknown_error_is_said_and_never_a_zero():
    gone = np.full(2, np.nan)
    html = rate(std_error=gone, conf_low=gone, conf_high=gone)._repr_html_()
    assert heads(html) == ["region", "estimate", "n"]
    assert "error: not known" in html
    one = np.array([0.1, np.nan])
    assert body(rate(std_error=one)._repr_html_())[1][2] == "—"


@pytest.mark.parametrize(
    ("inference", "said"),
    [("design", "sampling design"), ("superpopulation", "superpopulation"), ("none", "not known")],
)
def test_what_the_error_describes_is_said(inference, said):
    assert said in rate(meta={"inference": inference})._repr_html_()


@pytest.mark.parametrize("count", [MOST_ROWS, MOST_ROWS + 1, 31])
def test_at_most_twenty_rows_are_shown_and_all_are_counted(count):
    html = rate(count)._repr_html_()
    cut = count > MOST_ROWS
    assert len(body(html)) == MOST_ROWS + cut
    assert (f"{MOST_ROWS} of {count} rows" in html) == cut
    assert body(html)[-1][0] == f"r{count - 1}"


def test_columns_beyond_the_twelfth_are_named():
    more = {f"extra{i}": [i, 2.0] for i in range(1, 15)}
    html = rate(**more)._repr_html_()
    assert len(heads(html)) == MOST_COLUMNS
    assert "more columns in .table" in html and "extra14" in html


def test_a_wide_table_printed_is_cut_as_the_html_is_and_the_columns_left_out_are_named():
    more = {f"extra{i}": [i, 2.0] for i in range(1, 15)} | {"empty": [float("nan")] * 2, "blank": ["", ""]}
    text = repr(rate(**more))
    head, last = text.splitlines()[1].split(), text.splitlines()[-1]
    assert len(head) == MOST_COLUMNS and head[0] == "region" and "extra14" not in head
    assert "extra14" in last and ".table" in last
    assert "empty" not in text and "blank" not in text
    few = repr(rate(empty=[float("nan")] * 2))
    assert "empty" in few and ".table" not in few


def test_flags_notes_and_sources_are_shown():
    html = rate(flag=["", "undefined: no output"], meta={"notes": ["read me"], "provenance": ["user"]})
    text = html._repr_html_()
    assert "undefined: no output" in text and "<li>read me</li>" in text and "From: user" in text
    assert "flag" not in heads(rate(flag=["", ""])._repr_html_())


def test_simulated_numbers_are_marked_in_both_languages(monkeypatch):
    for lang in ("en", "zh"):
        monkeypatch.setenv("QSTATS_LANG", lang)
        text = rate(meta={"provenance": [MARK]})._repr_html_()
        assert "SIMULATED" in text and "模拟数据" in text
        assert "SIMULATED" not in rate()._repr_html_()


@pytest.mark.parametrize("bad", ["<script>x</script>", '"><img src=x onerror=y>', "&lt;"])
def test_texts_of_data_are_escaped_wherever_they_stand(bad):
    column = {bad: [bad, "b"]}
    estimate = rate(region=[bad, "b"], **column, meta={"notes": [bad], "basis": bad, "indicator": bad})
    with pytest.raises(DataError) as error:
        check({"地区": [bad], "检验数": [1], "合格数": [2]}, schema_of("inspection_pass_rate"))
    counted = cells({"k": [bad, "b"], "y": [1, 2]}, by="k", sums="y")
    for shown in (estimate, error.value, counted):
        text = shown._repr_html_()
        assert "<script>" not in text and "<img" not in text
        assert escape(bad) in text


def test_columns_of_numbers_have_one_number_of_decimals():
    assert written(pd.Series([126.4, 137.0, 9.25])) == ["126.4", "137.0", "9.2"]
    assert written(pd.Series([3.0, 1200.0])) == ["3", "1,200"]
    assert written(pd.Series([48.9, 0.03271])) == ["48.9", "0.03271"]
    assert written(pd.Series([None, 2], dtype="Int64")) == ["—", "2"]
    assert written(pd.Series([True, None], dtype="boolean")) == ["yes", ""]
    assert written(pd.Series(["a" * 200]))[0] == "a" * 59 + "…"


def test_cells_show_what_was_added_up():
    text = cells({"k": list("ab"), "y": [1, 2]}, by="k", sums="y")._repr_html_()
    assert "2 cells, the sums of 2 rows" in text and "by k" in text
    assert body(text) == [["a", "1", "1", "0", "1", "1"], ["b", "1", "1", "0", "1", "2"]]


def test_a_schema_shows_every_column_and_rule():
    schema = schema_of("inspection_pass_rate")
    text = schema._repr_html_()
    assert [row[0] for row in body(text)] == [column.name for column in schema.columns]
    assert "≥ 0" in text and "检验数" in text
    assert all(rule.name in text for rule in schema.rules)


def test_a_framework_shows_its_tree_whatever_the_order_of_rows():
    tree = framework("qci")
    shown = [row[1] for row in body(tree._repr_html_())]
    again = framework(pd.DataFrame(tree).iloc[::-1])
    assert sorted(shown) == sorted(tree["code"]) and shown[0] == "qci"
    for html in (tree._repr_html_(), again._repr_html_()):
        rows = {row[1]: at for at, row in enumerate(body(html))}
        depth = [row[0].count("\u2003") for row in body(html)]
        for node in tree.itertuples():
            assert depth[rows[node.code]] == node.depth
            if node.parent:
                assert rows[node.parent] < rows[node.code]


def test_what_is_made_of_a_framework_is_a_plain_table():
    tree = framework("qci")
    assert type(tree.copy()) is pd.DataFrame
    assert type(tree[["code"]]) is pd.DataFrame


def test_an_error_of_a_table_shows_the_first_violations_and_counts_them():
    bad = {"地区": ["安徽"] * 30, "检验数": [1] * 30, "合格数": [2] * 30}
    with pytest.raises(DataError) as error:
        check(bad, schema_of("inspection_pass_rate"))
    text = error.value._repr_html_()
    assert heads(text) == ["row", "column", "value", "rule", "what to do"]
    assert len(body(text)) == MOST_ROWS
    assert f"{len(error.value.violations) - MOST_ROWS} more" in text
