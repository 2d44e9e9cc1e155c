"""The quarterly bulletin: 环比 and 同比, what is missing, signals."""

import re

import pytest

from qstats import report
from qstats.errors import DataError, OptionError
from qstats.report import quarterly
from qstats.report.editions import editions
from qstats.report.facts import Facts


def test_the_change_on_the_period_before_and_on_the_year_are_not_the_same():
    facts = Facts.of(2021, part="Q3")
    year = facts.change("food")
    assert facts.change("food", on="previous") is None and year.table["earlier"].iloc[0] == pytest.approx(
        100 - 100 * 49534 / 2234829
    )
    later = Facts.of(2021, part="Q4")
    before = later.change("food", on="previous")
    assert later.change("food") is None
    assert before.table["estimate"].iloc[0] == pytest.approx(97.15 - (100 - 100 * 63611 / 2459894))


def test_figures_of_a_quarter_do_not_mix_with_those_of_halves_and_years():
    for part in ("Q3", "H1", ""):
        periods = Facts.of(2024, part=part).history("food").table["period"]
        assert all(re.fullmatch(rf"\d{{4}}{part[:1] and part[:1] + '[1-4]'}", p) for p in periods)


def test_history_stops_at_the_period_of_the_report():
    periods = Facts.of(2023, part="Q2").history("food").table["period"].tolist()
    assert periods[-1] == "2023Q2" and "2023Q3" not in periods


@pytest.mark.parametrize(
    ("year", "part", "lang", "said"),
    [
        (2023, "Q3", "zh", "环比下降0.11个百分点"),
        (2023, "Q3", "en", "down 0.11 percentage points on the period before"),
        (2024, "Q3", "zh", "同比下降0.35个百分点"),
        (2019, "H2", "zh", "上期和上年同期数据均未公布"),
    ],
)
def test_the_sentence_says_which_change_it_means(year, part, lang, said):
    assert said in quarterly.sentence(Facts.of(year, part=part), "food", lang)


def test_the_sentence_names_the_region_and_in_chinese_not_the_nation():
    anhui = Facts.of(2021, "安徽", part="H1")
    assert quarterly.sentence(anhui, "food", "zh").startswith("2021年上半年安徽食品安全监督抽检合格率为")
    assert "of Anhui in H1 2021" in quarterly.sentence(anhui, "food", "en")
    nation = Facts.of(2023, part="Q3")
    assert quarterly.sentence(nation, "food", "zh").startswith("2023年第三季度食品安全监督抽检合格率为")


def test_an_interval_of_a_change_that_covers_zero_is_no_clear_change():
    facts = Facts.of(2017, part="H1")
    assert facts.current("spot_check").value() == pytest.approx(100 * (1 - 250 / 2674))
    assert "n" in facts.current("spot_check").table
    h1 = Facts.of(2015, part="H1")
    assert "无明显变化" in quarterly.sentence(h1, "spot_check", "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("year", "part"), [(2023, "Q3"), (2015, "H1"), (2013, "Q4"), (2021, "Q1")])
def test_every_section_is_written_whatever_was_published(year, part, lang):
    facts = Facts.of(year, part=part)
    for name in quarterly.SECTIONS:
        section = getattr(quarterly, name)(facts, lang=lang)
        assert section.body.strip() and ">nan<" not in section.body


def test_alerts_of_a_quarter_are_the_sum_of_its_months_or_as_published():
    found = quarterly.alerts(Facts.of(2021, part="Q3"))
    assert found.value(period="2013Q4") == 235 + 261 + 267
    assert found.value(period="2021Q3") == 493
    assert "2016Q1" not in set(found.table["period"])
    assert quarterly.alerts(Facts.of(2015, part="H1")) is None


def test_a_fall_is_found_with_its_number_and_a_rise_is_not():
    found = {one.key: one.problem for one in quarterly.falls(Facts.of(2023, part="Q3"), "zh")}
    assert found == {"food.previous": "食品安全监督抽检合格率环比下降0.11个百分点。"}
    assert not list(quarterly.falls(Facts.of(2021, part="Q1"), "zh"))


def test_the_newest_period_is_the_one_that_ends_last():
    assert quarterly.newest() == (2025, "Q3")
    assert quarterly.newest(year=2015) == (2015, "H1")
    assert quarterly.newest(year=2023, part="H1") == (2023, "H1")
    with pytest.raises(DataError, match="西藏"):
        quarterly.newest("西藏")
    with pytest.raises(OptionError, match="Q1"):
        quarterly.newest(part="Q5")


def test_an_option_that_a_kind_does_not_take_is_refused():
    for kind, more in [
        ("annual", {"quarter": "Q1"}),
        ("qci", {"topic": "food"}),
        ("region", {"quarter": "Q1"}),
    ]:
        with pytest.raises(OptionError, match=next(iter(more))):
            editions(kind, region="安徽", **more)
    with pytest.raises(OptionError, match="cells"):
        editions("quarterly", cells={"rpq": "x.cells"})


def test_an_edition_is_named_by_year_quarter_and_region():
    one = editions("quarterly", year=2023, quarter="Q3").editions[0]
    assert one.name == "quarterly-2023-Q3-全国.zh"
    assert one.injected == {"year": 2023, "quarter": "Q3", "region": "全国", "lang": "zh"}


def test_the_table_has_the_numbers_of_the_sentence():
    facts = Facts.of(2023, part="Q3")
    table = report.quarterly.indicators(facts, lang="zh").body
    assert "97.40" in table and "−0.11" in table and "环比下降0.11个百分点" in table
