"""Which pages are asked for, and what changed between two of them."""

import re

import pytest

from qstats.errors import DataError, OptionError
from qstats.report import cache, contents, differences, editions
from qstats.report.contents import Contents, Part, Table


def test_all_is_the_31_provincial_units_each_once_in_both_languages():
    asked = editions.editions("annual", year=2023, region="all,安徽省", lang="zh,en")
    assert len(asked.editions) == 62
    assert len({one.name for one in asked.editions}) == 62
    assert {one.lang for one in asked.editions} == {"zh", "en"}
    assert not any("台湾" in one.name for one in asked.editions)


def test_regions_are_names_or_codes_divided_by_either_comma():
    assert editions.regions_of("全国，340000,江苏省") == ["全国", "安徽", "江苏"]
    with pytest.raises(DataError, match="安徽"):
        editions.regions_of("江苏,安灰")
    with pytest.raises(OptionError):
        editions.regions_of(" , ")


def test_without_a_year_each_region_has_its_own_and_one_without_figures_is_named():
    asked = editions.editions("annual", region="江苏,西藏,安徽")
    years = {dict(one.parameters)["region"]: dict(one.parameters)["year"] for one in asked.editions}
    assert years["江苏"] != years["安徽"]
    assert [name for name, _ in asked.impossible] == ["西藏"]


def test_the_province_set_off_is_a_parameter_of_the_page_of_the_nation():
    nation, anhui = editions.editions("annual", year=2023, region="全国,安徽", highlight="江苏省").editions
    assert nation.injected["highlight"] == "江苏"
    assert "highlight" not in anhui.injected
    assert "highlight" not in editions.editions("annual", year=2023).editions[0].injected
    assert nation.name == "annual-2023-全国-江苏.zh"  # beside the page with the usual one


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"region": "安徽", "highlight": "江苏"}, "安徽"),
        ({"highlight": "合肥"}, "合肥.*安徽"),
        ({"kind": "quarterly", "highlight": "江苏"}, "highlight"),
    ],
)
def test_what_cannot_be_set_off_is_refused(choice, words):
    with pytest.raises((DataError, OptionError), match=words):
        asked = {"kind": "annual", **choice}
        found = editions.editions(asked.pop("kind"), **asked)
        raise found.impossible[0][1]


def test_an_unknown_kind_is_answered_with_the_list():
    with pytest.raises(OptionError, match="annual"):
        editions.editions("anual")


def test_the_key_of_an_edition_depends_on_parameters_language_and_every_input():
    zh, en = editions.editions("annual", year=2023, region="安徽", lang="zh,en").editions
    other = editions.editions("annual", year=2022, region="安徽").editions[0]
    made_from = cache.inputs(zh)
    keys = {cache.key(one, made_from) for one in (zh, en, other)}
    assert len(keys) == 3
    for name in made_from:
        assert cache.key(zh, {**made_from, name: "another"}) not in keys
    assert cache.key(zh, dict(reversed(made_from.items()))) == cache.key(zh, made_from)


def test_the_date_of_the_build_is_an_input(monkeypatch):
    one = editions.editions("annual", year=2023).editions[0]
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    undated = cache.inputs(one)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert cache.inputs(one)["epoch"] == "1700000000"
    assert undated["epoch"] is None


def test_the_lock_names_what_a_report_needs_and_not_what_tests_need():
    found = cache.packages()
    assert {"numpy", "pandas", "matplotlib", "nbformat", "fonttools"} <= set(found)
    assert not {"pytest", "hypothesis", "pyspark", "mypy"} & set(found)


def paged(value=93.6, rank=4, text="上升", caption="表1 2022年合格率", region="安徽"):
    table = Table(
        caption=caption, unit="单位：%", header=["地区", "合格率", "位次"], rows=[[region, value, rank]]
    )
    return Contents("zh-CN", "报告", "安徽", parts=[Part("main", "一、主要指标", ["合格率" + text], [table])])


def kinds(old, new):
    return [(c.kind, c.old, c.new) for c in differences.changes(old, new)]


def test_a_page_does_not_differ_from_itself():
    assert kinds(paged(), paged()) == []


def test_numbers_ranks_and_texts_are_told_apart():
    assert kinds(paged(), paged(value=93.7)) == [("number", 93.6, 93.7)]
    assert kinds(paged(), paged(rank=5)) == [("rank", 4, 5)]
    assert kinds(paged(), paged(text="下降")) == [("text", "合格率上升", "合格率下降")]
    assert kinds(paged(), paged(value=None)) == [("number", 93.6, None)]


def test_a_change_too_small_to_be_printed_is_a_change():
    assert kinds(paged(93.6), paged(93.6 + 1e-9)) == [("number", 93.6, 93.6 + 1e-9)]


def test_a_table_of_another_year_is_the_same_table_and_another_row_is_another_row():
    assert kinds(paged(), paged(caption="表1 2023年合格率"))[0][0] == "text"
    assert [k for k, *_ in kinds(paged(), paged(region="江苏"))] == ["row", "row"]


def test_what_is_new_is_the_opposite_of_what_is_gone():
    more = paged()
    more.parts.append(Part("risk", "十、风险预警", ["无"]))
    more.parts[0].tables.append(Table("表2 另一个", header=["a"], rows=[[1]]))
    there, back = kinds(paged(), more), kinds(more, paged())
    assert [(k, b, a) for k, a, b in back] == there
    assert [k for k, *_ in there] == ["table", "section"]


def test_a_cell_is_a_number_only_where_it_is_written_as_one():
    assert contents.typed("2023") == 2023
    assert contents.typed("93.65") == 93.65
    for text in ("01", "1e5", "nan", "inf", "1_000", "340000 ", "—"):
        assert contents.typed(text) == text
    assert contents.typed("") is None


def test_a_file_that_is_no_report_is_refused(tmp_path):
    page = tmp_path / "a.html"
    page.write_text("<html><p>hello</p></html>", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.html"):
        contents.read(page)
    page.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.html"):
        contents.read(page)
    with pytest.raises(DataError, match=r"b\.html"):
        contents.read(tmp_path / "b.html")


@pytest.mark.parametrize(("kind", "region"), [("annual", "全国"), ("qci", "全国"), ("region", "安徽")])
def test_a_year_without_any_figure_has_no_page_and_the_years_that_have_one_are_named(kind, region):
    asked = editions.editions(kind, year=1900, region=region)
    assert not asked.editions
    (place, error) = asked.impossible[0]
    assert place == region
    assert re.search(r"1900.*2023", str(error))
