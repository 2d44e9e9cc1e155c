"""Every way in which a table is wrong: one row a violation, in the reader's language, with what to do."""

import json
import re

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import qstats as qs
from qstats.checking import MAX_LISTED, check, examine
from qstats.errors import DataError, OptionError
from qstats.forms import entry_form
from qstats.indicators import names, schema_of
from qstats.returns import collect
from qstats.schema import INDUSTRY, REGION, Column, Schema
from qstats.wording import option_told

SPOT = schema_of("inspection_pass_rate")
OUTPUT = schema_of("product_pass_rate")
LOSS = schema_of("quality_loss_rate")
GOOD = {"region": ["安徽", "江苏"], "inspected": [100, 50], "passed": [95, 45]}
CELLS = {
    "region": ["安徽", "江苏"],
    "edition": ["2017", "2017"],
    "industry": ["13", "36"],
    "inspected": [100, 50],
    "passed": [95, 45],
    "output": [3.0, 4.0],
}
LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: what the table says, repeated in the message
QUOTED = re.compile(r"“.*?”|'.*?'|\(万\)")


def violations(data, schema=SPOT, lang="zh", need=()):
    return examine(data, schema, lang=lang, need=need)[1]


def found_in(data, schema=SPOT, lang="zh", need=()):
    """Return (row, column, value, rule) of every violation; a violation without a row has None."""
    table = violations(data, schema, lang, need)
    rows = [None if pd.isna(row) else int(row) for row in table["row"]]
    return list(zip(rows, table["column"], table["value"], table["rule"], strict=True))


# name, schema, columns changed, the one violation
BAD_CELLS = [
    ("more passed than inspected", SPOT, GOOD, {"passed": [95, 51]}, (2, "passed", 51, "passed")),
    ("a negative count", SPOT, GOOD, {"passed": [-1, 45]}, (1, "passed", -1, "minimum")),
    ("a share for a count", SPOT, GOOD, {"passed": [0.95, 45]}, (1, "passed", 0.95, "share")),
    ("a fraction of a batch", SPOT, GOOD, {"passed": [95, 44.5]}, (2, "passed", 44.5, "whole")),
    ("a percentage for a count", SPOT, GOOD, {"passed": ["95%", "45"]}, (1, "passed", "95%", "percent")),
    ("a full-width percentage", SPOT, GOOD, {"passed": ["95％", "45"]}, (1, "passed", "95％", "percent")),
    ("an infinite number", SPOT, GOOD, {"inspected": [1e999, 50]}, (1, "inspected", 1e999, "infinite")),
    ("words for a number", SPOT, GOOD, {"passed": ["约95", "45"]}, (1, "passed", "约95", "number")),
    ("separators misplaced", SPOT, GOOD, {"passed": ["9,5", "45"]}, (1, "passed", "9,5", "grouping")),
    ("a missing number", SPOT, GOOD, {"passed": [95, None]}, (2, "passed", "", "missing")),
    ("a mark for a missing number", SPOT, GOOD, {"passed": ["95", "—"]}, (2, "passed", "", "missing")),
    ("an unknown region", SPOT, GOOD, {"region": ["安徽", "江苏市"]}, (2, "region", "江苏市", "region")),
    ("a period that is none", SPOT, GOOD, {"period": ["2023", "去年"]}, (2, "period", "去年", "period")),
    ("an unknown edition", OUTPUT, CELLS, {"edition": ["2017", "1994"]}, (2, "edition", "1994", "edition")),
    (
        "a division of another edition",
        OUTPUT,
        CELLS,
        {"industry": ["13", "45"]},
        (2, "industry", "45", "industry"),
    ),
    ("a missing output weight", OUTPUT, CELLS, {"output": [3.0, None]}, (2, "output", "", "missing")),
    (
        "a unit on some cells",
        OUTPUT,
        CELLS,
        {"output": ["3万", "40000"]},
        (2, "output", "40000", "mixed_units"),
    ),
]


@LANGUAGES
@pytest.mark.parametrize(
    ("schema", "good", "changed", "expected"), [case[1:] for case in BAD_CELLS], ids=[c[0] for c in BAD_CELLS]
)
def test_a_wrong_cell_is_named_with_row_column_value_rule_and_what_to_do(
    schema, good, changed, expected, lang
):
    assert found_in(good, schema, lang) == []
    assert found_in({**good, **changed}, schema, lang) == [expected]
    message = violations({**good, **changed}, schema, lang)["message"][0]
    assert bool(CHINESE.search(QUOTED.sub("", message))) == (lang == "zh")
    with pytest.raises(DataError, match=expected[3]) as caught:
        check({**good, **changed}, schema, lang=lang)
    assert len(caught.value.violations) == 1
    assert message in str(caught.value)


@LANGUAGES
def test_all_violations_stand_in_one_table_in_the_order_of_the_rows(lang):
    data = {"地区": ["安徽", "x", "江苏"], "检验数": [10, 5, -3], "合格数": [11, "5%", ""]}
    assert found_in(data, lang=lang) == [
        (1, "passed", 11, "passed"),
        (2, "region", "x", "region"),
        (2, "passed", "5%", "percent"),
        (3, "inspected", -3, "minimum"),
        (3, "passed", "", "missing"),
    ]
    with pytest.raises(DataError, match="inspection_pass_rate") as caught:
        check(data, SPOT, lang=lang)
    assert len(caught.value.violations) == 5
    assert all(f"{rule} × 1" in str(caught.value) for rule in ("passed", "region", "percent", "minimum"))


@LANGUAGES
def test_repeated_keys_name_the_row_they_repeat(lang):
    data = {**GOOD, "region": ["安徽", "安徽省"]}
    assert found_in(data, lang=lang) == [(2, "region", "安徽", "duplicate")]
    assert "1" in violations(data, lang=lang)["message"][0]
    assert found_in({**data, "size": ["大", "小"]}, lang=lang) == []  # another key tells them apart
    own = {**data, "workshop": ["a", "b"]}
    assert found_in(own, lang=lang) == [(2, "region", "安徽", "duplicate")]
    assert found_in(own, lang=lang, need=["workshop"]) == []  # one of ours too, when it is asked for


def test_single_records_may_repeat_their_keys():
    assert found_in({"region": ["安徽"] * 2, "inspected": [1, 1], "passed": [1, 0]}) == []


@LANGUAGES
@pytest.mark.parametrize(
    ("header", "near"),
    [("检验书", "检验数"), ("检测数", "检验数"), ("inspcted", "inspected")],
)
def test_a_wrong_header_is_named_with_the_known_one_it_is_nearest_to(header, near, lang):
    data = {"region": ["安徽"], header: [10], "passed": [9]}
    assert found_in(data, lang=lang) == [(None, "inspected", header, "header")]
    message = violations(data, lang=lang)["message"][0]
    assert header in message
    assert ("检验数" if lang == "zh" else "inspected") in message
    renamed = {"region": ["安徽"], near: [10], "passed": [9]}
    assert found_in(renamed, lang=lang) == []


@LANGUAGES
def test_a_missing_column_without_a_near_one_is_to_be_added(lang):
    assert found_in({"region": ["安徽"]}, lang=lang) == [
        (None, "inspected", "", "header"),
        (None, "passed", "", "header"),
    ]
    assert ("添加" if lang == "zh" else "Add it") in violations({"region": ["安徽"]}, lang=lang)["message"][0]


@LANGUAGES
def test_a_missing_output_weight_is_missed_as_a_column(lang):
    without = {name: column for name, column in CELLS.items() if name != "output"}
    assert found_in(without, OUTPUT, lang) == [(None, "output", "", "header")]


@LANGUAGES
def test_a_header_that_stands_twice_is_refused(lang):
    data = {**GOOD, "检验数": [1, 2]}
    rows = found_in(data, lang=lang)
    assert [(row, column, rule) for row, column, _, rule in rows] == [(None, "inspected", "header")]
    assert "检验数" in rows[0][2]


@LANGUAGES
def test_an_unknown_header_like_an_optional_one_is_let_through_and_said(lang):
    table, found, notes = examine({**GOOD, "企业规摸": ["大", "小"]}, SPOT, lang=lang)
    assert found.empty
    assert "企业规摸" in table.columns
    assert any("企业规摸" in note for note in notes)


@LANGUAGES
def test_a_column_may_be_needed_by_any_of_its_headers(lang):
    data = {"省份": ["安徽", "江苏"], "检验数": [9, 9], "合格数": [8, 8]}
    for name in ("省份", "region", "地区", " Province "):
        assert "region" in check(data, SPOT, need=name, lang=lang).columns
    _, found, _ = examine(data, SPOT, need=["年份"], lang=lang)
    assert found[["column", "rule"]].to_numpy().tolist() == [["period", "header"]]


def test_a_column_of_lists_that_nobody_needs_is_let_through():
    table = pl.DataFrame(GOOD).with_columns(产品=pl.lit([1]))
    assert "product" in check(table, SPOT).columns


@LANGUAGES
def test_an_empty_table_is_refused(lang):
    empty = {name: [] for name in GOOD}
    assert found_in(empty, lang=lang) == [(None, "", "", "empty")]
    with pytest.raises(DataError):
        check(empty, SPOT, lang=lang)


@LANGUAGES
def test_an_industry_without_its_edition_is_refused(lang):
    assert found_in({**GOOD, "industry": ["13", "36"]}, lang=lang) == [(None, "edition", "", "header")]


@LANGUAGES
def test_a_unit_in_header_and_cell_is_one_too_many(lang):
    data = {"内部损失(万元)": ["1万", 2], "外部损失": [1, 2], "总产值(亿元)": [1, 2]}
    assert found_in(data, LOSS, lang) == [(1, "internal", "1万", "unit_twice")]


@LANGUAGES
def test_full_width_digits_separators_and_units_are_read_and_said(lang):
    data = {"内部损失(万元)": [1, 2], "外部损失": ["１,２００", "2"], "总产值": ["1亿", "2.5亿"]}
    table, found, notes = examine(data, LOSS, lang=lang)
    assert found.empty
    assert table["internal"].tolist() == [10_000, 20_000]
    assert table["external"].tolist() == [1200, 2]
    assert table["output"].tolist() == [1e8, 2.5e8]
    assert [("内部损失" in n, "外部损失" in n, "总产值" in n) for n in notes].count((True, False, False)) == 1
    assert len(notes) == 3


@LANGUAGES
def test_a_column_of_percentages_given_as_shares_is_refused(lang):
    schema = Schema("r", "率", "rates", columns=(REGION, Column("rate", "percent", "合格率", "rate")))
    data = {"region": ["安徽", "江苏"], "rate": [0.95, 0.9]}
    assert found_in(data, schema, lang) == [(1, "rate", 0.95, "share"), (2, "rate", 0.9, "share")]
    assert found_in({**data, "rate": [0.95, 90]}, schema, lang) == []
    assert found_in({**data, "rate": [0, 0]}, schema, lang) == []


def test_limits_of_a_column_are_inclusive():
    schema = Schema("s", "s", "s", columns=(Column("x", "number", "x", "x", minimum=1, maximum=10),))
    assert found_in({"x": [1, 10, 0.5, 11]}, schema) == [(3, "x", 0.5, "minimum"), (4, "x", 11, "maximum")]


def test_a_division_is_read_in_the_edition_of_its_row():
    columns = (Column("edition", "edition", "版本", "edition"), INDUSTRY)
    schema = Schema("i", "i", "i", columns=columns)
    data = {"edition": [2002, "GB/T 4754-2017"], "行业": [37, "汽车制造业"]}
    assert check(data, schema).values.tolist() == [["2002", "37"], ["2017", "36"]]
    assert found_in({"edition": ["2002"], "industry": ["汽车制造业"]}, schema) == [
        (1, "industry", "汽车制造业", "industry")
    ]


@LANGUAGES
def test_a_gbk_file_is_read_and_said(tmp_path, lang):
    path = tmp_path / "t.csv"
    path.write_bytes("地区,检验数,合格数\n安徽,100,90\n江苏,50,51\n".encode("gbk"))
    table, found, notes = examine(path, SPOT, lang=lang)
    assert table["region"].tolist() == ["安徽", "江苏"]
    assert found[["row", "rule"]].values.tolist() == [[3, "passed"]]
    assert any("GBK" in note for note in notes)


@LANGUAGES
def test_a_merged_number_is_refused_and_a_merged_label_is_read(tmp_path, lang):
    book = openpyxl.Workbook()
    for row in (["地区", "规模", "检验数", "合格数"], ["安徽", "大", 10, 9], [None, "小", 20, None]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.active.merge_cells("D2:D3")
    path = tmp_path / "t.xlsx"
    book.save(path)
    table, found, notes = examine(path, SPOT, lang=lang)
    assert table["region"].tolist() == ["安徽", "安徽"]
    assert found[["row", "column", "rule"]].values.tolist() == [[3, "passed", "merged"]]
    assert any("2" in note for note in notes)


def test_a_check_writes_nothing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("地区,检验数,合格数\n安徽,100,101\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(DataError):
        check(path, SPOT)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("engine", [pl.DataFrame, lambda d: pl.LazyFrame(d), pa.table, pd.DataFrame])
def test_engines_find_the_same_and_return_their_own_kind(engine):
    bad = {**GOOD, "passed": [101, -1]}
    assert found_in(engine(bad)) == found_in(bad)
    bad = {**CELLS, "edition": ["2017", "1994"]}  # the industry is not to blame for its edition
    assert found_in(engine(bad), OUTPUT) == [(2, "edition", "1994", "edition")]
    bad = {**CELLS, "edition": ["2017", None], "industry": ["13", None]}
    assert [(row, column) for row, column, *_ in found_in(engine(bad), OUTPUT)] == [
        (2, "edition"),
        (2, "industry"),
    ]
    clean = check(engine({"地区": ["Anhui", "320000"], "检验数": [1.0, 2.0], "合格数": [1.0, 1.0]}), SPOT)
    assert list(clean["region"].to_pylist() if isinstance(clean, pa.Table) else clean["region"]) == [
        "安徽",
        "江苏",
    ]
    assert type(clean).__module__.split(".")[0] == type(engine({})).__module__.split(".")[0]


def test_at_most_so_many_violations_are_listed_and_all_are_counted():
    many = MAX_LISTED + 5
    data = {"product": [str(k) for k in range(many)], "inspected": [1] * many, "passed": [2] * many}
    with pytest.raises(DataError, match=str(many)) as caught:
        check(data, SPOT)
    assert len(caught.value.violations) == MAX_LISTED


def test_an_optional_column_that_is_empty_is_as_if_absent():
    data = {**GOOD, "period": ["", None]}
    assert found_in(data) == []
    assert "period" not in check(data, SPOT).columns
    assert {rule for *_, rule in found_in(data, need=["period"])} == {"missing"}


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match=r"^int "):
        check(3, SPOT)


@pytest.mark.parametrize("name", names())
@LANGUAGES
def test_every_message_of_every_schema_can_be_said(name, lang):
    schema = schema_of(name)
    empty = {c.zh if lang == "zh" else c.en: [] for c in schema.columns}
    assert violations(empty, schema, lang)["rule"].tolist() == ["empty"]
    absent = violations({"?": ["?"]}, schema, lang)
    assert set(absent["rule"]) == {"header"}
    assert json.dumps(absent["message"].tolist())
    for rule in schema.rules:
        said = _broken(schema, rule, lang)
        assert bool(CHINESE.search(said)) == (lang == "zh")
        assert "{" not in said


def _broken(schema, rule, lang):
    """Break a rule (its first column may not exceed the second) and return what is said."""
    first, *others = rule.columns
    row = {c.name: [1] for c in schema.columns if c.required and c.numeric and c.name not in rule.columns}
    row |= {"edition": ["2017"], "industry": ["13"]} if schema.column("industry") else {}
    row |= (
        {others[0]: [10], first: [20]} if rule.name != "grades" else {g: [10] for g in others} | {first: [5]}
    )
    found = violations(row, schema, lang)
    return found.loc[(found["column"] == first) & (found["row"] == 1), "message"].iloc[0]


@pytest.mark.parametrize("header", ["检验数(百批)", "检验数（%）", "inspected (10k)"])
def test_a_unit_in_a_header_that_is_not_understood_is_refused_by_every_engine(header):
    """Left out in silence, 百批 would be wrong by a hundred; a lazy frame is checked by its headers alone."""
    data = {"region": ["安徽"], header: [100], "passed": [90]}
    for table in (data, pd.DataFrame(data), pl.DataFrame(data), pl.DataFrame(data).lazy()):
        with pytest.raises(DataError) as told:
            qs.inspection_pass_rate(table, by="region")
        assert told.value.violations["rule"].tolist() == ["header"]


TAKERS = {
    "check": lambda schema, folder: check(GOOD, schema),
    "entry_form": lambda schema, folder: entry_form(schema, folder / "form.xlsx"),
    "collect": lambda schema, folder: collect(folder, schema),
    "cells": lambda schema, folder: qs.cells(GOOD, by="region", sums="inspected", schema=schema),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("wrong", ["inspection_pass_rate", pl.DataFrame(GOOD), SPOT.columns, Schema])
def test_what_is_no_schema_is_told_in_one_sentence_wherever_one_is_taken(taker, wrong, tmp_path):
    with pytest.raises(OptionError) as caught:
        TAKERS[taker](wrong, tmp_path)
    kind = type(wrong).__name__
    said = f"schema={wrong!r:.200} is a {kind}, not a Schema; qs.schema_of(name) gives one"
    assert str(caught.value) == said == option_told(caught.value, "en")
    assert f"是 {kind}，不是Schema；qs.schema_of(名称) 给出一个" in option_told(caught.value, "zh")
    assert list(tmp_path.iterdir()) == []
