"""The annual report: what its sections say, and that they say it of the numbers."""

import math
import re

import pytest

import qstats as qs
from qstats import report
from qstats.errors import DataError, OptionError
from qstats.messages import catalogue
from qstats.report import blocks, findings, page, publish, sections
from qstats.report.facts import Facts
from qstats.report.printed import in_unit
from qstats.report.sections_index import capability


@pytest.fixture(scope="module")
def nation():
    return Facts.of(2023, "全国")


def text(section):
    return page.plain(section.body)


def test_a_rate_with_published_counts_is_recomputed_and_has_an_interval(nation):
    row = nation.current("spot_check").table.iloc[0]
    assert row["flag"] == "counts"
    assert row["n"] == 28265
    assert row["estimate"] == pytest.approx(100 * (1 - 3476 / 28265), abs=1e-12)
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_a_printed_rate_has_no_error_and_none_is_made_up(nation):
    row = nation.current("rpq").table.iloc[0]
    assert row["estimate"] == 93.65
    assert all(math.isnan(row[c]) for c in ("std_error", "conf_low", "conf_high"))


def test_counts_in_other_units_are_brought_to_single_batches():
    row = Facts.of(2021, "全国").current("food").table.iloc[0]
    assert row["n"] == 6_954_438
    million = in_unit("export_inspection_batches", (("industry", "出口商品"), ("region", "全国")), "批次")
    assert million.value(period="2011") == 13_423_100  # printed as 1342.31 万批
    assert million.value(period="2012") == 13_900_000  # printed as 13.9 百万批


def test_of_sources_that_disagree_what_was_printed_comes_before_what_was_derived():
    row = Facts.of(2011, "全国").current("export_batch").table.iloc[0]
    assert row["estimate"] == pytest.approx(100 - 0.15)
    assert row["flag"] == "complement"


def test_the_newest_year_with_data_is_the_default():
    assert Facts.of(None, "全国").year >= 2024
    assert Facts.of(None, "安徽省").region == "安徽"


def test_an_unknown_region_is_named_with_the_nearest():
    with pytest.raises(DataError, match="安徽"):
        Facts.of(2023, "安灰")


def test_an_unknown_item_is_named_with_the_nearest(nation, monkeypatch):
    for lang, words in (
        ("zh", "没有报告项目“spot_chek”。最接近的是“spot_check”"),
        ("en", "no report item 'spot_chek'"),
    ):
        monkeypatch.setenv("QSTATS_LANG", lang)
        with pytest.raises(DataError, match=words):
            nation.item("spot_chek")


def test_an_item_without_a_figure_has_a_reason_that_names_the_latest(nation):
    assert nation.current("loss") is None
    assert "2007" in nation.reason("loss", "zh")
    assert "2007" in nation.reason("loss", "en")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", sections.ANNUAL)
def test_every_section_of_the_nation_says_something(nation, name, lang):
    section = getattr(sections, name)(nation, lang=lang)
    assert len(text(section)) > 40
    assert not re.search(r"\bnan\b", text(section).casefold())
    assert section.lang == lang
    assert not section.simulated


@pytest.mark.parametrize(("year", "region"), [(2008, "安徽"), (2007, "全国"), (2000, "安徽"), (2013, "甘肃")])
@pytest.mark.parametrize("name", sections.ANNUAL)
def test_every_section_of_another_year_or_place_says_something(year, region, name):
    section = getattr(sections, name)(Facts.of(year, region), lang="zh")
    assert len(text(section)) > 10


def test_items_that_were_never_published_are_named_in_one_sentence():
    body = sections.exports(Facts.of(2008, "安徽"), lang="zh").body
    assert body.count("本报告不作推算") == 1
    assert "2008年及以前没有公布安徽的下列指标" in body and "批次合格率、出口商品检验货值合格率" in body


def test_the_summary_has_at_most_six_sentences(nation):
    body = sections.summary(nation, lang="zh").body
    assert 3 <= body.count("<li ") <= 6
    assert "93.65%" in body
    assert "0.36个百分点" in body


def test_numbers_in_the_text_are_those_of_the_estimates(nation):
    said = text(sections.products(nation, lang="zh"))
    rate = nation.current("spot_check")
    assert f"{rate.value():.1f}%" in said
    assert "28,265" in said
    assert "3476" in said


def test_exports_works_and_losses_of_2023_are_said_to_be_missing_and_not_filled(nation):
    for section in (sections.exports, sections.engineering, sections.loss):
        said = text(section(nation, lang="zh"))
        assert "没有" in said
        assert "不代表2023年" in said


def test_works_of_2000_are_given_with_their_counts():
    said = text(sections.engineering(Facts.of(2000, "全国"), lang="zh"))
    counts = qs.published("constr_projects_completed", region="全国", period=2000, industry="建筑业企业")
    assert f"{counts.value():,.0f}" in said


def test_the_half_by_province_names_its_population_and_leaves_out_who_lacks_an_indicator(nation):
    said = text(sections.competitiveness(nation, lang="zh"))
    assert "高技术制造业，不是全部制造业" in said
    assert "不是官方指数" in said
    found = capability(2023)
    assert set(found.lacking) == {"西藏", "新疆"}
    assert len(found.scores.where(node="development_capability")) == 29


@pytest.mark.parametrize(("asked", "shown", "central"), [("", "安徽", True), ("江苏", "江苏", False)])
def test_the_province_asked_for_is_the_one_set_off(asked, shown, central):
    section = sections.competitiveness(Facts.of(2023, "全国", highlight=asked), lang="zh")
    bold = re.findall(r'<th scope="row"[^>]*><strong><span class="qs-name">(.*?)</span>', section.body)
    assert bold == [shown]
    assert f"，{shown}得" in text(section)
    assert f"{shown}发展能力得分的构成" in text(section)
    assert ("中部六省" in text(section), "中部位次" in text(section)) == (central, central)


def test_a_province_that_has_no_score_is_not_set_off_and_no_other_in_its_place():
    section = sections.competitiveness(Facts.of(2023, "全国", highlight="西藏"), lang="zh")
    assert "<strong>" not in section.body
    assert "以山东得分最高（88.72）。" in text(section)
    assert "得分的构成" not in text(section)


def test_a_page_of_a_region_sets_off_its_province_whatever_is_asked():
    assert Facts.of(2023, "江苏", highlight="安徽").focus == "江苏"
    assert Facts(2023, "合肥").focus == "安徽"


def test_without_a_year_the_newest_that_has_a_headline_figure_is_taken():
    newest = Facts.of()
    assert newest.year < max(Facts(9999, "全国").years())
    headline = newest.items(headline=True)["key"]
    assert any(newest.current(key) is not None for key in headline)
    later = Facts(newest.year + 1, "全国")
    assert all(later.current(key) is None for key in headline)


def test_an_item_without_a_figure_is_said_to_have_none_once_and_with_its_last_value():
    for section, name in (
        (sections.competitiveness, "制造业质量竞争力指数"),
        (sections.products, "制造业产品质量合格率"),
    ):
        said = text(section(Facts(2025, "全国"), lang="zh"))
        assert said.count(f"2025年“{name}”没有公布数据") == 1
        assert f"“{name}”没有公布数据；最近一期（2024年）为" in said


def test_a_page_without_headline_figures_begins_with_those_it_has():
    said = text(sections.summary(Facts(2024, "安徽"), lang="zh"))
    assert said.startswith("2024年安徽药品抽检合格率为99.85%")
    trial = text(sections.summary(Facts(2023, "安徽"), lang="zh"))
    assert trial.startswith(
        "按本项目试算，2023年29个省份中，安徽的高技术制造业发展能力得80.52分，居全国第9位"
    )


def test_every_row_of_the_table_of_years_that_is_no_rate_names_its_unit(nation):
    body = sections.trends(nation, lang="zh").body
    table = body[body.index("主要指标历年数值") :]
    names = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', table[: table.index("</table>")])
    assert {"制造业产品质量合格率", "汽车用户满意度（分）", "欧盟危险产品通报数（起）"} <= set(names)


def test_two_figures_are_no_course_and_gaps_are_spoken_of_only_where_there_are_any():
    said = sections.competitiveness(Facts(2023, "安徽"), lang="zh").body
    assert (
        len(Facts(2023, "安徽").history("qci")) == 2 and "历年" not in said and "未公布的年份留空" not in said
    )
    whole = qs.published("QCI", region="全国", industry="制造业")
    assert blocks.gapped(whole)
    assert not blocks.gapped(whole.where(period=["2023", "2024"]))


def test_the_table_of_2007_is_said_to_be_two_of_twelve():
    said = text(sections.competitiveness(Facts.of(2007, "全国"), lang="en"))
    assert "2 of 12 indicators" in said
    assert "residual" in said


def test_targets_say_met_near_or_not_met_in_words_and_keep_rows_without_data(nation):
    table = nation.targets().set_index("code")
    assert table.loc["national_rpq", "status"] == "near"
    assert table.loc["national_rpq", "gap"] == pytest.approx(-0.35)
    assert table.loc["national_food_agri", "status"] == "no data"
    said = text(sections.targets_met(nation, lang="zh"))
    assert "接近" in said
    assert "农产品和食品抽检合格率（2025年≥98%）" in said


def test_causes_of_failure_add_up_and_the_text_agrees_with_the_figure(nation):
    said = text(sections.risk(nation, lang="zh"))
    assert "43.0%" in said
    assert "43.4%" not in said
    assert "未列明原因" in said


def test_what_is_counted_abroad_is_not_said_of_the_nation(nation):
    assert "EU dangerous-product alerts in 2023: " in text(report.trends(nation, lang="en"))
    assert "pass rate of China in 2023: 93.65%" in text(report.products(nation, lang="en"))


def test_each_line_of_the_trends_is_named_once_and_ends_in_the_figure_of_the_text(nation):
    drawn = report.trends(nation, lang="zh").body
    assert "制造业产品质量合格率 93.65" in drawn
    assert "制造业产品质量合格率 制造业产品质量合格率" not in drawn


@pytest.mark.parametrize(
    ("lang", "names"), [("zh", ("问题：", "建议：")), ("en", ("Problem: ", "Recommendation: "))]
)
def test_problems_are_a_numbered_list_of_problem_and_recommendation(nation, lang, names):
    body = report.problems(nation, lang=lang).body
    count = len(findings.found(nation, lang))
    assert count > 1
    assert body.count("<ol ") == 1 and body.count("<li>") == count
    assert all(body.count(f"<strong>{name}</strong>") == count for name in names)


def test_findings_are_raised_by_numbers_and_silent_without_them(nation):
    raised = {finding.key for finding in findings.found(nation, "zh")}
    assert {"NSS_fail_rate", "rpq", "food_nonconformity_share", "rapex", "report_items"} <= raised
    quiet = Facts.of(2013, "甘肃")
    assert {finding.key for finding in findings.found(quiet, "zh")} <= {"report_items"}


def test_small_firms_are_a_finding_only_from_twice_the_rate_of_large_ones(nation):
    (first, *_) = findings.small_firms(nation, "en")
    assert "16.5 times" in first.problem
    assert list(findings.small_firms(Facts.of(2022, "全国"), "en")) == []


def test_the_same_report_is_the_same_bytes(pages, tmp_path):
    again = report.build("annual", year=2023, output=tmp_path, in_process=True)[0]
    assert pages("annual", year=2023)["zh"].path.read_bytes() == again.path.read_bytes()


def test_a_kernel_and_this_process_give_the_same_page(tmp_path):
    pages = [
        report.build("annual", year=2000, region="安徽", output=tmp_path / str(way), in_process=way)[0]
        for way in (True, False)
    ]
    assert pages[0].path.read_bytes() == pages[1].path.read_bytes()


def test_the_page_holds_thirteen_parts_in_order_and_its_sources(pages):
    built = pages("annual", year=2023)["zh"]
    html = built.path.read_text(encoding="utf-8")
    assert built.path.name == "annual-2023-全国.zh.html"
    titles = re.findall(r'<section[^>]*id="([a-z-]+)"', html)
    assert titles == [
        "summary", "main", "product", "export", "engineering", "service", "loss", "index", "targets",
        "trend", "risk", "problems", "appendix",
    ]  # fmt: skip
    for name in ("supervision_sampling", "mqr", "qci_inputs_by_province"):
        assert name in html
    assert qs.catalog().set_index("name").loc["mqr", "sha256"] in html


def test_progress_is_told_of_every_cell(tmp_path):
    seen = []
    report.build(
        "annual", year=2000, region="安徽", output=tmp_path, in_process=True,
        progress=lambda what, done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] > 10


def test_an_unknown_kind_or_language_is_answered_with_the_list(tmp_path):
    with pytest.raises(OptionError, match="annual"):
        report.build("anual", year=2023, output=tmp_path)
    with pytest.raises(OptionError, match="zh"):
        report.build("annual", year=2023, lang="fr", output=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_notebook_is_found():
    assert publish.notebook("annual").name == "annual_report.ipynb"


def test_every_message_has_both_languages_the_same_fields_and_chinese_punctuation():
    for key, texts in catalogue().items():
        assert texts["zh"] or key == "chart.gap", key  # no space between Chinese words
        assert texts["en"], key
        fields = {lang: set(re.findall(r"{(\w+)", said)) for lang, said in texts.items()}
        assert fields["en"] <= fields["zh"] | fields["en"], key
        assert not re.search(r"[\u4e00-\u9fff][,;:?!](?!\d)", texts["zh"]), (key, texts["zh"])
        assert not re.search(r"[“”‘’，。；：]", texts["en"]), (key, texts["en"])
