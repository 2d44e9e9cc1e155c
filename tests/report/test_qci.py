"""The bulletin of the index: what was published, and what can be computed."""

import pytest

from qstats.datasets import published
from qstats.errors import DataError
from qstats.report import qci, qci_panel
from qstats.report.editions import editions
from qstats.report.facts import Facts


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("year", [2005, 2006, 2007, 2008, 2009, 2023])
def test_every_section_of_every_edition_is_written(year, lang):
    facts = Facts.of(year)
    for name in qci.SECTIONS:
        section = getattr(qci, name)(facts, lang=lang)
        assert section.body.strip() and ">nan<" not in section.body


def test_industries_stand_from_the_highest_and_changes_are_differences():
    table = qci.industry_scores(Facts.of(2009))
    assert table["estimate"].is_monotonic_decreasing and len(table) == 13
    row = table.set_index("industry").loc["医药制造业"]
    assert row["change"] == pytest.approx(82.44 - 81.33)
    assert "制造业" not in set(table["industry"])


def test_zones_stand_before_places_and_the_nation_in_neither():
    table = qci.region_scores(Facts.of(2006))
    assert table["region"].tolist()[:3] == ["东部地区", "中部地区", "西部地区"]
    assert table["region"].tolist()[3] == "上海" and "全国" not in set(table["region"])


def test_regions_that_were_published_are_not_ranked():
    body = qci.regions(Facts.of(2006), lang="zh").body
    assert "不作排名" in body and "位次" not in body


def test_the_halves_are_those_of_2007_and_other_years_say_that_there_are_none():
    body = qci.halves(Facts.of(2007), lang="zh").body
    assert "84.76" in body and "77.21" in body and "1.35" in body and "0.66" in body
    assert "没有公布质量水平与发展能力" in qci.halves(Facts.of(2006), lang="zh").body


def test_grades_and_losses_are_of_the_newest_year_not_later_and_2_of_12():
    body = qci.grades(Facts.of(2006), lang="en").body
    assert "2003" in body and "2 of 12 indicators" in body
    assert "2007" in qci.grades(Facts.of(2009), lang="en").body


def test_every_scheme_of_bands_is_given():
    body = qci.national(Facts.of(2023), lang="zh").body
    assert all(band in body for band in ("较强", "具备中等竞争力", "中等竞争力"))
    assert "各年公布的分级互相矛盾" in body


def test_limits_of_bands_are_in_words_those_open_at_an_end_too():
    assert "不低于84，低于90" in qci.national(Facts.of(2024), lang="zh").body


def test_the_newest_edition_is_of_the_newest_year_with_an_index_and_a_year_without_names_it():
    assert qci.newest() == 2024 and qci.newest(year=2008) == 2008
    assert "最近一期（2013年）为83.14" in qci.summary(Facts.of(2014), lang="zh").body


def test_the_panel_grows_by_a_year_an_edition():
    years = {year: sorted(set(qci_panel.panel(year).table["period"])) for year in (2018, 2020)}
    assert years == {2018: ["2018"], 2020: ["2018", "2019", "2020"]}
    assert qci_panel.panel(2017) is None


def test_contributions_to_a_change_add_up_to_it():
    from qstats.index.contributions import change_contributions
    from qstats.report.sections_index import HALF

    scores = qci_panel.panel(2023).where(region="安徽", period=["2022", "2023"])
    made = change_contributions(scores).table.set_index("node")["estimate"]
    whole = scores.value(node=HALF, period="2023") - scores.value(node=HALF, period="2022")
    leaves = ["rd_intensity", "renovation_intensity", "patents_per_million"]
    leaves += ["new_product_share", "average_revenue", "export_share"]
    assert made[leaves].sum() == pytest.approx(whole, rel=1e-9)


def test_rules_are_raised_by_numbers():
    low = [one.problem for one in qci.trailing(Facts.of(2007), "zh")]
    assert len(low) == 1 and "农副食品加工业" in low[0] and "工艺品" in low[0]
    assert not list(qci.trailing(Facts.of(2009), "zh"))
    weak = next(qci_panel.weakest(Facts.of(2023), "zh"))
    assert weak.key == "average_revenue" and "66.60" in weak.problem
    assert not list(qci_panel.weakest(Facts.of(2009), "zh"))


def test_a_target_far_ahead_is_no_problem_of_an_old_edition():
    assert not list(qci.short_of_target(Facts.of(2009), "zh"))
    assert [one.key for one in qci.short_of_target(Facts.of(2023), "zh")] == ["qci"]


def test_the_nation_alone_has_a_bulletin():
    asked = editions("qci", year=2009, region="安徽")
    assert asked.editions == () and isinstance(asked.impossible[0][1], DataError)


def test_the_national_value_is_the_published_one():
    value = published("QCI", region="全国", period=2009, industry="制造业").value()
    assert f"{value:.2f}" in qci.summary(Facts.of(2009), lang="zh").body
