"""Special reports: food by class, spot checks by size, EU alerts."""

import re

import pytest

from qstats import simulate
from qstats.errors import DataError, OptionError
from qstats.report import questions, special, special_food, special_inspections, special_rapex, special_size
from qstats.report.classes import food_classes
from qstats.report.editions import editions
from qstats.report.facts import Facts
from qstats.report.page import plain


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
    mix, rate, total = (made[name].estimate for name in ("mix", "rate", "total"))
    assert mix + rate == pytest.approx(total, rel=1e-9)
    parts = [effect.estimate for name, effect in made.items() if name.startswith("rate:")]
    assert len(parts) == 3 and sum(parts) == pytest.approx(rate, rel=1e-9)
    assert all(one.low < one.estimate < one.high for one in made.values())


def test_the_rise_since_2015_is_one_of_the_mix():
    facts = special.facts("size")
    made = special_size.split(facts, "2015H1", "2023")
    share = {p: special_size.shares().loc[p] / special_size.shares().loc[p].sum() for p in ("2015H1", "2023")}
    rate = special_size.rates()
    by_hand = sum(
        (share["2023"][k] - share["2015H1"][k]) * (rate.loc["2023", k] + rate.loc["2015H1", k]) / 2
        for k in special_size.SIZES
    )
    # the enterprises of a size are a whole number: their printed shares times all that were checked
    assert made["mix"].estimate == pytest.approx(by_hand, rel=2e-3)
    assert made["mix"].estimate > made["total"].estimate
    assert next(special_size.mix_leads(facts, "zh")).rule == "by_size"


def test_the_split_is_that_of_the_annual_report_and_what_is_not_clear_is_said_not_to_be():
    facts = special.facts("size")
    annual = questions.mix(questions.sizes(Facts.of(2023))).iloc[-1]
    made = special_size.split(facts, "2015H1", "2023")
    for name in ("total", "mix", "rate"):
        mirrored = (-annual[name], -annual[f"{name}_high"], -annual[f"{name}_low"])
        assert tuple(made[name]) == pytest.approx(mirrored, rel=1e-12)
    assert made["rate"].low < 0 < made["rate"].high
    assert "各规模自身变化的影响：无明显变化" in plain(special.summary(facts, "size", lang="zh").body)


@pytest.mark.parametrize(("lang", "words"), [("zh", "2015年上半年至2018年"), ("en", "H1 2015 to 2018")])
def test_spans_are_written_in_words(lang, words):
    body = special.causes(special.facts("size"), "size", lang=lang).body
    assert words in body and "2015H1" not in re.sub(r'"[^"]*"', "", body)


def test_figures_published_twice_alike_are_said_to_be_the_same():
    said = plain(special.appendix(special.facts("size"), "size", lang="zh").body)
    assert "均与先前发布的相同" in said and "0个" not in said


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


@pytest.fixture(scope="module")
def inspected():
    return special.facts("inspections", year=2024)


def test_simulated_rates_are_weighted_rates_of_the_records_of_the_group(inspected):
    records = simulate("inspections", year=2024, seed=1, size=special_inspections.RECORDS)
    records = records[records["industry"] == "38"]
    found = special_inspections.rate(inspected, "size").table.set_index("size")
    for size, part in records.groupby("size"):
        by_hand = 100 * (part["weight"] * part["passed"]).sum() / part["weight"].sum()
        assert found.loc[size, "estimate"] == pytest.approx(by_hand, rel=1e-9)
        assert found.loc[size, "n"] == len(part)


def test_causes_of_failures_add_up_and_stand_from_the_first(inspected):
    table = special_inspections.failed(inspected)
    whole = special_inspections.rate(inspected)
    records = special_inspections._records(2024).query("period == '2024'")
    assert table["value"].sum() == (records["passed"] == 0).sum() and len(records) == whole.table["n"].iloc[0]
    assert table["share"].sum() == pytest.approx(100) and table["value"].is_monotonic_decreasing
    assert next(special_inspections.cause_leads(inspected, "zh")).key == "safety"


@pytest.mark.parametrize(("lang", "badge"), [("zh", "模拟数据"), ("en", "Simulated data")])
def test_everything_simulated_is_marked_on_its_section_tables_and_figures(inspected, lang, badge):
    for name in ("summary", "overview", "parts", "causes", "problems"):
        section = getattr(special, name)(inspected, "inspections", lang=lang)
        assert section.simulated and badge in section.html()
        captions = re.findall(r"<caption>.*?</caption>", section.body, re.DOTALL)
        figures = re.findall(r"<svg.*?</svg>", section.body, re.DOTALL)
        assert len(captions) + len(figures) == {"overview": 1, "parts": 4, "causes": 2}.get(name, 0)
        assert all("qs-badge" in caption for caption in captions)
        word = "模拟数据" if lang == "zh" else "SIMULATED"
        assert all(word in figure for figure in figures)


def test_only_groups_whose_difference_is_clear_are_a_problem(inspected):
    assert [one.key for one in special_inspections.small_below(inspected, "zh")] == ["small"]
    assert list(special_inspections.online_below(inspected, "zh")) == []


def test_a_region_with_few_products_is_named_and_not_printed(inspected):
    body = special.parts(inspected, "inspections", lang="zh").body
    counts = special_inspections.rate(inspected, "region").table.set_index("region")["n"]
    few = counts.index[counts < special_inspections.LEAST]
    assert len(few) and all(name in re.search("不列：(.*?)。", body)[1] for name in few)
    assert not any(f">{name}</" in body for name in few)


def test_the_first_year_has_no_change_and_a_year_without_a_national_rate_is_refused():
    body = special.overview(special.facts("inspections", year=2020), "inspections", lang="zh").body
    assert "上年没有数据" in body
    with pytest.raises(DataError, match="2020"):
        special.facts("inspections", year=2017)
