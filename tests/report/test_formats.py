"""Numbers as they are printed."""

import csv
import string
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.report import formats
from qstats.report.fonts import missing as missing_glyphs

NAN = float("nan")


def rows():
    text = (files("qstats") / "assets" / "messages" / "charts.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_message_exists_in_both_languages_with_the_same_fields():
    def fields(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    for row in rows():
        assert row["zh"].strip() or row["key"] == "chart.gap", row["key"]
        assert row["en"] != "", row["key"]
        assert fields(row["zh"]) == fields(row["en"]), row["key"]
        assert None not in row, row["key"]


def test_our_own_words_need_no_glyph_that_the_font_lacks():
    assert [r["key"] for r in rows() if missing_glyphs(r["zh"] + r["en"])] == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"digits": 2, "lang": "zh"}, "12,345.68"),
        ({"digits": 1, "lang": "zh"}, "12,345.7"),
        ({"digits": 2, "lang": "zh", "group": False}, "12345.68"),
    ],
)
def test_a_number_has_exactly_its_decimals(options, text):
    assert formats.number(12345.678, **options) == text


def test_four_digits_stay_together_in_chinese_only():
    assert formats.number(1234, digits=0, lang="zh") == "1234"
    assert formats.number(1234, digits=0, lang="en") == "1,234"


def test_a_tie_follows_the_rule_asked_for():
    assert formats.number(80.985, lang="zh") == "80.98"
    assert formats.number(80.985, lang="zh", rule="half-up") == "80.99"
    assert formats.span(0.125, 0.375, lang="zh", rule="half-up") == "0.13~0.38"
    assert formats.interval(0.125, 0.375, lang="en") == "(0.12, 0.38)"


@settings(max_examples=50)
@given(st.floats(-1e9, 1e9), st.integers(0, 4), st.sampled_from(["zh", "en"]))
def test_what_is_printed_reads_back_as_the_rounded_number(x, digits, lang):
    text = formats.number(x, digits=digits, lang=lang)
    assert abs(float(text.replace(",", "").replace("−", "-")) - x) <= 0.5 * 10**-digits + 1e-6
    assert text.strip("−") != text or float(text.replace(",", "")) >= 0


@pytest.mark.parametrize("x", [None, NAN, float("inf")])
def test_a_missing_number_is_never_a_zero(x):
    assert formats.number(x, lang="zh") == "" and formats.number(x, lang="en") == "[x]"
    assert formats.percent(x, lang="zh") == "" and formats.scaled(x, unit="批", lang="en") == "[x]"
    assert formats.span(x, 1, lang="en") == "[x]" and formats.interval(1, x, lang="zh") == ""
    assert formats.change(x, lang="zh") == "无可比数据"
    assert formats.rank(x, lang="en") == "[x]"


@pytest.mark.parametrize(
    ("x", "options", "way", "zh", "en"),
    [
        (0.36, {}, "up", "上升0.36个百分点", "up 0.36 percentage points"),
        (-1.5, {}, "down", "下降1.50个百分点", "down 1.50 percentage points"),
        (0.001, {}, "flat", "持平", "unchanged"),
        (0.36, {"low": -0.1, "high": 0.8}, "unclear", "无明显变化", "no clear change"),
        (0.36, {"low": 0.1, "high": 0.6}, "up", "上升0.36个百分点", "up 0.36 percentage points"),
        (0.36, {"low": NAN, "high": NAN}, "up", "上升0.36个百分点", "up 0.36 percentage points"),
    ],
)
def test_a_change_says_its_direction_in_words(x, options, way, zh, en):
    assert formats.direction(x, **options) == way
    assert formats.change(x, lang="zh", **options) == zh
    assert formats.change(x, lang="en", **options) == en


def test_a_change_of_an_index_is_not_in_percentage_points():
    assert formats.change(0.3, unit="index", lang="zh") == "上升0.30"
    assert formats.change(-300, unit="批", digits=0, lang="zh") == "减少300批"


def test_arrows_go_with_directions():
    assert [formats.arrow(d) for d in formats.DIRECTIONS] == ["▲", "▼", "–", "–", ""]
    with pytest.raises(OptionError, match="up"):
        formats.arrow("upp")


def test_ranges_years_ranks_and_periods_follow_the_conventions():
    assert formats.span(63, 68, unit="%", digits=0, lang="zh") == "63%~68%"
    assert formats.years("2016", "2020", lang="zh") == "2016—2020年"
    assert formats.years(2016, 2016, lang="en") == "2016"
    assert formats.rank(11, of=31, low=8, high=14, lang="zh") == "第11位（共31个）（第8~14位）"
    assert [formats.rank(n, lang="en") for n in (1, 2, 3, 11, 12, 13, 21)] == [
        "1st", "2nd", "3rd", "11th", "12th", "13th", "21st",
    ]  # fmt: skip
    assert formats.period("2023H1", lang="zh") == "2023年上半年"
    assert formats.period("2024 batch1(5-6月)", lang="zh") == "2024 batch1(5-6月)"
    for end in [f"M{m:02}" for m in range(1, 13)] + [f"Q{q}" for q in range(1, 5)] + ["H1", "H2", ""]:
        assert "2023" in formats.period(f"2023{end}", lang="en") and "年" in formats.period(
            f"2023{end}", lang="zh"
        )


def test_large_numbers_are_scaled_in_the_way_of_the_language():
    assert formats.scaled(2e4, unit="批", lang="zh") == "2.00万批"
    assert formats.scaled(9.23e8, unit="美元", lang="zh") == "9.23亿美元"
    assert formats.scaled(9.23e8, unit="US$", lang="en") == "923.00 million US$"
    assert formats.scaled(9999, unit="批", lang="zh") == "9999批"
    assert formats.scaled(0.125, lang="zh", rule="half-up") == "0.13"


def test_marks_are_numbered_in_the_order_of_the_codes_and_explained():
    marked = formats.marks(["r p", "", "x", "z", "c", "e"], lang="zh")
    assert marked == {"x": "", "z": "…", "c": "—", "p": "①", "r": "②", "e": "③"}
    lines = formats.explain(marked, lang="zh")
    assert lines[0].startswith("空格表示") and lines[3] == "① 初步数。"
    english = formats.marks(["r p", "x"], lang="en")
    assert list(english.values()) == ["[x]", "[p]", "[r]"]
    with pytest.raises(OptionError, match="status='q'"):
        formats.marks(["q"], lang="zh")


def test_a_name_is_made_one_safe_line():
    assert formats.clean("a\nb\tc\u202e\u200f\x00d") == "a b cd"
    assert formats.clean("x" * 10_000, limit=20) == "x" * 19 + "…"
