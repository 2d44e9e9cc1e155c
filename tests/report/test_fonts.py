"""The embedded font: what it can draw, and that it carries exactly what is asked."""

import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from qstats.report import fonts


def embedded(rule):
    data = re.search(r"data:font/woff2;base64,([^)]*)\)", rule)[1]
    return TTFont(io.BytesIO(base64.b64decode(data)))


def test_the_font_draws_what_reports_print():
    for weight in ("Regular", "Bold"):
        assert set("质量状况分析报告0123456789%~—±▲▼①…÷≥αβΣ合肥") <= fonts.characters(weight)


def test_missing_names_each_character_once_in_order_and_needs_no_glyph_for_space():
    assert fonts.missing("镕 堃\n堃\t₂\u200b\u2061合") == ["₂", "堃", "镕"]
    assert fonts.missing("合格率 93.65%") == []


@pytest.mark.parametrize(("weight", "number"), [("Regular", 400), ("Bold", 700)])
def test_a_face_holds_exactly_the_characters_asked_for(weight, number):
    rule = fonts.face("合格率93.65镕", weight)
    assert f"font-weight:{number}" in rule
    font = embedded(rule)
    assert {chr(code) for code in font.getBestCmap()} == set("合格率93.65")
    assert font["name"].getDebugName(6) == f"QStatsSansSC-{weight}"
    assert "Adobe" in font["name"].getDebugName(0)
    assert "SIL Open Font License" in font["name"].getDebugName(13)


def test_the_weights_have_different_outlines():
    assert fonts.face("合", "Regular") != fonts.face("合", "Bold").replace("700", "400")


def test_all_digits_have_one_width():
    font = embedded(fonts.face("0123456789"))
    cmap = font.getBestCmap()
    assert len({font["hmtx"][cmap[ord(digit)]][0] for digit in "0123456789"}) == 1


def test_the_same_characters_give_the_same_bytes_in_any_order():
    first = fonts.face("质量合格率")
    fonts._subset.cache_clear()
    assert fonts.face("率格合量质质") == first


def test_no_characters_give_no_face():
    assert fonts.face("镕堃") == ""
