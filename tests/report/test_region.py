"""Region profiles: beside the nation, neighbours, groups, targets."""

import pytest

from qstats.datasets import load
from qstats.errors import DataError
from qstats.report import region, region_facts
from qstats.report.editions import editions
from qstats.report.facts import Facts


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("year", "place"), [(2023, "安徽"), (2023, "西藏"), (2012, "海南"), (2015, "合肥")])
def test_every_section_is_written_whatever_was_published(year, place, lang):
    facts = region.facts(year, place)
    for name in region.SECTIONS:
        section = getattr(region, name)(facts, lang=lang)
        assert section.body.strip() and ">nan<" not in section.body


def test_being_neighbours_is_mutual_and_nobody_is_their_own():
    table = load("report_neighbours")
    pairs = set(zip(table["region"], table["neighbour"], strict=True))
    assert all((b, a) in pairs and a != b for a, b in pairs)
    assert len(pairs) == len(table)
    provinces = set(load("regions").query("level == 'province'")["name"])
    assert {name for pair in pairs for name in pair} <= provinces
    assert "海南" not in {a for a, _ in pairs}


def test_the_groups_of_anhui_are_its_neighbours_the_central_six_and_the_delta():
    found = region_facts.groups("安徽")
    assert set(found) == {"neighbours", "central6", "yangtze_delta"}
    assert len(found["neighbours"]) == 7 and len(found["central6"]) == 6 and len(found["yangtze_delta"]) == 4
    assert set(region_facts.groups("甘肃")) == {"neighbours", "area"}


def test_the_nation_stands_beside_in_the_year_of_the_figure():
    table = region_facts.newest(Facts.of(2023, "安徽")).set_index("key")
    row = table.loc["food"]
    nation = Facts(2022, "全国").current("food").value()
    assert row["period"] == "2022" and row["nation"] == pytest.approx(nation)
    assert row["gap"] == pytest.approx(row["value"] - row["nation"])


def test_indicators_stand_from_the_best_rank_and_have_their_published_values():
    table = region_facts.indicator_table(Facts.of(2023, "安徽"))
    assert table["rank"].is_monotonic_increasing and len(table) == 6
    assert set(table["node"][:1]) == {"new_product_share"} and table["node"].iloc[-1] == "average_revenue"


def test_ranks_of_losses_put_the_lowest_first():
    row = region_facts.graded(Facts.of(2023, "安徽"), 2007)
    assert (row["grade_rank"], row["loss_rank"]) == (10, 27)
    assert row["grade"] == pytest.approx(1.5 * 54.48 + 31.84 + 0.5 * 13.69, abs=0.02)


def test_only_recent_figures_that_are_worse_raise_a_problem():
    found = {one.key for one in region.behind(Facts.of(2023, "安徽"), "zh")}
    assert found == {"food"}
    assert "loss" in {one.key for one in region.behind(Facts.of(2007, "安徽"), "zh")}


def test_a_fall_of_three_places_is_a_problem_and_of_one_is_not():
    assert not list(region.slipped(Facts.of(2023, "安徽"), "zh"))
    fell = next(region.slipped(Facts.of(2022, "安徽"), "zh"))
    assert "第3位退至第10位" in fell.problem


def test_targets_of_the_region_are_those_of_its_year():
    body = region.goals(Facts.of(2015, "安徽"), lang="zh").body
    assert "GMP" in body or "目标" in body
    assert "没有适用于安徽2023年的目标" in region.goals(Facts.of(2023, "安徽"), lang="zh").body


def test_a_profile_is_of_a_region_and_all_provinces_can_have_one():
    with pytest.raises(DataError, match="annual"):
        region.facts(2023, "全国")
    asked = editions("region", year=2023, region="all", lang="zh")
    assert len(asked.editions) == 31 and asked.impossible == ()
    assert asked.editions[0].name == "region-2023-北京.zh"


def test_by_default_a_province_has_the_last_year_of_the_panel():
    assert region.facts(None, "甘肃").year == 2023
