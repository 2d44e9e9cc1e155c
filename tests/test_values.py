import math

import numpy as np
import pandas as pd
import pytest

from qstats import values
from qstats.values import Fault, Number


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3, 3.0),
        (np.int64(3), 3.0),
        ("3", 3.0),
        (" 3.50 ", 3.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("１２３．４", 123.4),
        ("1,234,567.8", 1234567.8),
        ("１，２３４", 1234.0),
        ("1.5亿", 1.5e8),
        ("3 万元", 3e4),
        ("2 million", 2e6),
        ("0.5万亿", 5e11),
        ("1 200", 1200.0),
        ("12\u200b", 12.0),
    ],
)
def test_numbers_are_read_as_people_type_them(cell, number):
    found = values.read_number(cell)
    assert isinstance(found, Number)
    assert found.value == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("约100", "number"),
        ("12家", "number"),
        ("3/4", "number"),
        ("1..2", "number"),
        ("9" * 61, "number"),
        ([1], "number"),
        ("95%", "percent"),
        ("９５％", "percent"),
        ("1,23", "grouping"),
        ("12,34,567", "grouping"),
        ("1e999", "infinite"),
        (math.inf, "infinite"),
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_no_number_says_why(cell, rule, lang):
    found = values.read_number(cell, lang)
    assert isinstance(found, Fault)
    assert found.rule == rule
    assert found.message.isascii() == (lang == "en")


def test_only_cleaning_that_changes_the_text_is_marked():
    cleaned = {cell: values.read_number(cell).cleaned for cell in ("12", " 12 ", "１２", "1,200", "1.5亿")}
    assert cleaned == {"12": False, " 12 ": False, "１２": True, "1,200": True, "1.5亿": False}


@pytest.mark.parametrize(
    "cell", [None, math.nan, pd.NA, pd.NaT, "", "  ", "-", "——", "…", "N/A", "null", "－"]
)
def test_marks_of_absence_are_missing(cell):
    assert values.is_missing(cell)


@pytest.mark.parametrize("cell", [0, 0.0, "0", "无", "x", False])
def test_zero_and_words_are_not_missing(cell):
    assert not values.is_missing(cell)


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("产值（亿元）", ("产值", "亿")),
        ("产值(元)", ("产值", "")),
        (" Value_Failed ", ("valuefailed", "")),
        ("output (10,000 yuan)", ("output", "万")),
        ("output [1000 t]", ("output", "千")),
        ("value (100 million US$)", ("value", "亿")),
        ("检验批次(万批)", ("检验批次", "万")),
    ],
)
def test_a_header_is_a_name_and_the_factor_of_its_unit(header, read):
    assert values.read_header(header) == read


@pytest.mark.parametrize("text", ["安徽", "安徽省", "Anhui", "anhui", "340000", 340000, 340000.0, " 安 徽 "])
def test_a_region_is_known_by_every_name_and_code(text):
    assert values.read_region(text) == "安徽"


def test_an_unknown_region_names_the_nearest_unless_no_hint_is_wanted():
    found = values.read_region("黑龙汪", "zh")
    assert found.rule == "region"
    assert "黑龙江" in found.message
    assert "黑龙江" not in values.read_region("黑龙汪", "zh", hints=False).message


def test_a_division_is_read_in_its_own_edition():
    assert values.read_industry("C13", "2017") == values.read_industry(13.0, "2017") == "13"
    assert values.read_industry("汽车制造业", "2017") == "36"
    assert values.read_industry("汽车制造业", "2002").rule == "industry"
    found = values.read_industry("汽车制造", "2017", "en")
    assert "汽车制造业" in found.message
    assert "汽车制造业" not in values.read_industry("汽车制造", "2017", "en", hints=False).message


@pytest.mark.parametrize("text", ["2017", 2017, 2017.0, "GB/T 4754-2017", "GB/T 4754—2017"])
def test_an_edition_is_known_by_its_year(text):
    assert values.read_edition(text) == "2017"


def test_an_unknown_edition_or_period_is_a_fault():
    assert values.read_edition("1994").rule == "edition"
    assert values.read_period("去年").rule == "period"


def test_every_distinct_value_is_read_once():
    asked = []
    found = values.each_distinct(["a", "b", "a", None], lambda value: asked.append(value) or value.upper())
    assert found == {"a": "A", "b": "B", None: None}
    assert sorted(asked) == ["a", "b"]


def test_text_for_a_message_is_short():
    assert values.text_of(3.0) == "3"
    assert values.text_of(None) == ""
    assert len(values.text_of("长" * 500)) == 78


@pytest.mark.parametrize("text", ["100①", "100²", "⑴00", "㊿", "10₀", "½", "1⁵", "❶"])
def test_the_mark_of_a_note_is_no_digit(text):
    found = values.read_number(text, "en")
    assert isinstance(found, values.Fault)
    assert found.rule == "number"
    assert "mark of a note" in found.message


@pytest.mark.parametrize("text", ["0,5", "0,500", "00,500", "-0,125", "1,5"])
def test_a_decimal_comma_is_no_thousands_separator(text):
    read = values.read_number(text, "en")
    assert read.rule == "grouping" and read.message.endswith("a decimal point is '.'.")
    assert "小数点" in values.read_number(text, "zh").message
