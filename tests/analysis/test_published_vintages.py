"""Real vintages: figures that dated sources published more than once."""

import math

import pytest

import qstats as qs
from qstats.errors import DataError, OptionError
from qstats.publication_dates import edition_of, published_on


@pytest.mark.parametrize(
    ("title", "address", "day"),
    [
        ("人民日报 2012-02-29 2011年产品质量合格率87.5%", "", "2012-02-29"),
        ("a", "http://www.chinadaily.com.cn/business/2013-01/23/content_16168061.htm", "2013-01-23"),
        ("a", "http://en.people.cn/business/n/2014/0706/c90778-8751449.html", "2014-07-06"),
        ("a", "http://en.cnis.gov.cn/xwdt/bydt/201804/t20180418_24028.shtml", "2018-04-18"),
        ("a", "http://zjamr.zj.gov.cn/art/2021/9/23/art_1229003072_59005377.html", "2021-09-23"),
        ("2012-02-29", "http://a.cn/2013-01/23/x.htm", "2012-02-29"),  # the title comes first
        ("中国科技统计年鉴2024 各地区国内专利有效数(2023), tidied in", "", "2024"),
        ("China Statistical Yearbook 2011 Table 20-43", "", "2011"),
        ("Chongqing Statistical Yearbook 2008 Appendix III Main Indicators by Province (2007)", "", "2008"),
        ("2020年国民经济和社会发展统计公报", "", ""),  # the year of the figures
        ("a", "http://a.cn/zjxw/2018/08/220464.shtml", ""),  # a month is no day
        ("a 2013-02-30", "", ""),
        ("a 12013-02-03", "", ""),
    ],
)
def test_a_date_of_publication_is_what_title_or_address_say_and_nothing_else(title, address, day):
    assert published_on(title, address) == day


def test_a_number_of_a_standard_is_no_year():
    assert edition_of("GB/T 19038-2009") == "2009"
    assert edition_of("GB/T 2260 codes") == ""


def test_the_share_of_spending_on_research_of_2006_was_revised_between_two_yearbooks():
    found = qs.published_vintages("RD_to_sales", period=2006, industry="大中型工业企业")
    (row,) = qs.revisions(found, reasons={"2011": "two yearbooks"}).to_dict("records")
    assert (row["previous_vintage"], row["vintage"]) == ("2007", "2011")
    assert (row["previous"], row["current"], row["reason"]) == (0.76, 0.77, "two yearbooks")
    assert row["revision"] == pytest.approx(0.01, rel=1e-9)
    assert qs.revision_summary(found).table["mean_absolute"].item() == pytest.approx(0.01, rel=1e-9)


def test_the_export_failures_of_2011_were_revised_and_the_triangle_has_both():
    found = qs.published_vintages("export_batch_fail_rate", period=2011)
    triangle = qs.revision_triangle(found).set_index("period")
    assert triangle.loc["2011", ["2012-03-05", "2013-01-29"]].tolist() == [0.15, 0.12]


def test_spot_checks_were_published_again_and_never_revised_and_no_false_certainty_follows():
    found = qs.published_vintages("NSS_pass_rate", region="全国", industry="合计", undated="drop")
    again = qs.revisions(found)
    assert len(again) >= 9
    assert (again["revision"] == 0).all()
    summary = qs.revision_summary(found)
    assert summary.value() == 0
    assert summary.table["mean_absolute"].item() == 0
    assert math.isnan(summary.table["std_error"].item())


def test_figures_without_a_date_are_refused_or_left_out_by_name():
    with pytest.raises(DataError, match="6"):
        qs.published_vintages("MQR")
    kept = qs.published_vintages("MQR", undated="drop")
    assert len(kept) == 28 - 6  # none of the 22 dated ones twice on one day
    with pytest.raises(OptionError, match="refuse"):
        qs.published_vintages("MQR", undated="keep")


def test_editions_of_years_bring_all_dates_to_years():
    found = qs.published_vintages("RD_to_sales", undated="drop")
    assert set(found.table["vintage"].str.len()) == {4}


def test_errors_of_published_figures_are_not_known():
    assert qs.published_vintages("export_batch_fail_rate", period=2011).table["std_error"].isna().all()
