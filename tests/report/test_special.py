"""Special reports: food by class, spot checks by size, EU alerts."""

import pytest

from qstats.errors import DataError, OptionError
from qstats.report import special, special_food, special_rapex, special_size
from qstats.report.classes import food_classes
from qstats.report.editions import editions


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("topic", list(special.TOPICS))
def test_every_section_of_every_topic_is_written(topic, lang):
    facts = special.facts(topic)
    for name in special.SECTIONS:
        section = getattr(special, name)(facts, topic, lang=lang)
        assert section.body.strip() and ">nan<" not in section.body
        assert len(section.title) >= 2


def test_an_unknown_topic_year_or_region_is_refused():
    with pytest.raises(OptionError, match="food"):
        special.facts("foot")
    with pytest.raises(DataError, match="2019H2"):
        special.facts("food", year=2005)
    with pytest.raises(DataError, match="2018, 2021, 2023"):
        special.facts("size", year=2022)
    with pytest.raises(DataError, match="安徽"):
        special.facts("food", region="安徽")


def test_rates_of_classes_are_failed_over_sampled_and_lie_in_their_intervals():
    table = food_classes(special.facts("food")).table
    assert len(table) == 35
    assert table["estimate"].tolist() == pytest.approx(
        (100 * table["failed"] / table["n"]).tolist(), rel=1e-9, abs=1e-9
    )
    assert ((table["conf_low"] <= table["estimate"]) & (table["estimate"] <= table["conf_high"])).all()
    assert table["estimate"].is_monotonic_decreasing


def test_failing_batches_of_the_classes_add_up_to_those_published():
    table = food_classes(special.facts("food")).table
    assert table["failed"].sum() == 81_935 and table["n"].sum() == 3_673_579


def test_a_class_is_a_problem_when_its_whole_interval_is_twice_the_whole():
    found = [one.key for one in special_food.much_above(special.facts("food"), "zh")]
    assert found == ["餐饮食品"]
    heavy = next(special_food.weighs_most(special.facts("food"), "zh"))
    assert heavy.key == "食用农产品" and "38.0%" in heavy.problem


@pytest.mark.parametrize(
    ("a", "b"), [("2015H1", "2018"), ("2018", "2021"), ("2021", "2023"), ("2015H1", "2023")]
)
def test_mix_and_rates_add_up_to_the_change(a, b):
    made = special_size.split(special.facts("size"), a, b)
    assert made["mix"] + made["rate"] == pytest.approx(made["total"], rel=1e-9)
    parts = [value for name, value in made.items() if name.startswith("rate:")]
    assert len(parts) == 3 and sum(parts) == pytest.approx(made["rate"], rel=1e-9)


def test_the_rise_since_2015_is_one_of_the_mix():
    facts = special.facts("size")
    made = special_size.split(facts, "2015H1", "2023")
    share = {p: special_size.shares().loc[p] / special_size.shares().loc[p].sum() for p in ("2015H1", "2023")}
    rate = special_size.rates()
    by_hand = sum(
        (share["2023"][k] - share["2015H1"][k]) * (rate.loc["2023", k] + rate.loc["2015H1", k]) / 2
        for k in special_size.SIZES
    )
    assert made["mix"] == pytest.approx(by_hand, rel=1e-9) and made["mix"] > made["total"]
    assert next(special_size.mix_leads(facts, "zh")).rule == "by_size"


def test_an_earlier_year_of_sizes_ends_there():
    assert special_size.ends(special.facts("size", year=2018)) == ["2015H1", "2018"]


def test_the_months_after_the_baseline_signal_as_the_monitor_says():
    found = special_rapex.watched("zh")
    assert found.signals["period"].tolist()[0] == "2014M12"
    assert len(special_rapex.months()) == 60
    one = next(special_rapex.signalled(special.facts("rapex"), "zh"))
    assert "2014年12月" in one.problem and "290" in one.problem


def test_product_groups_are_of_the_newest_year_up_to_the_report():
    assert set(special_rapex._categories(2015)["period"]) == {"2011"}
    assert set(special_rapex._categories(2023)["period"]) == {"2016"}
    assert "玩具" in next(special_rapex.leading_group(special.facts("rapex"), "zh")).problem


def test_an_edition_is_named_by_topic_and_year():
    assert editions("special", topic="size").editions[0].name == "special-size-2023-全国.zh"
    assert editions("special").editions[0].injected["topic"] == "food"
