"""Sections eight to ten: what they ask of the figures, and that they say what comes out."""

import math

import pytest

import qstats as qs
from qstats.report import findings, page, questions, sections
from qstats.report.facts import Facts


@pytest.fixture(scope="module")
def nation():
    return Facts.of(2023, "全国")


def text(section):
    return page.plain(section.body)


def test_a_trend_is_judged_of_items_with_five_figures_and_of_no_others(nation):
    found = questions.trends_of(nation).set_index("key")
    assert found.loc["food", ["n", "verdict"]].tolist() == [4, "too few"]
    assert math.isnan(found.loc["food", "estimate"])
    own = qs.trend(nation.history("qci"), gaps="skip").table.iloc[0]
    assert found.loc["qci", "estimate"] == own["estimate"]
    assert found.loc["qci", "verdict"] == "rising"
    said = text(sections.trends(nation, lang="zh"))
    assert "趋势上升的有：制造业质量竞争力指数" in said
    assert "食品安全监督抽检合格率、公共服务质量满意度不足5期" in said


def test_trends_tested_together_are_adjusted_together():
    found = questions.trends_of(Facts.of(2024, "全国"))
    tested = found[found["p"].notna()]
    assert (tested["p_adjusted"] > tested["p"]).any()
    assert (tested.loc[tested["verdict"] == "rising", "p_adjusted"] <= 0.05).all()


def test_change_is_worded_by_its_interval_and_not_without_one(nation):
    body = sections.trends(nation, lang="en").body
    assert "fell" in body and "error unknown" in body and "no year before" in body
    change = nation.change("spot_check").table.iloc[0]
    assert change["conf_high"] < 0


def test_an_unbroken_run_ends_at_the_last_figure_and_stops_at_the_first_gap(nation):
    run = questions.unbroken(nation.history("rpq"))
    assert run.table["period"].tolist() == ["2020", "2021", "2022", "2023"]


def test_the_chance_of_a_target_is_that_of_the_forecast_with_t_limits(nation):
    (row,) = questions.prospects(nation, nation.targets()).to_dict("records")
    run = questions.unbroken(nation.history("rpq"))
    ahead = qs.forecast(run, horizon=2).table.iloc[-1]
    assert (row["code"], row["n"], row["model"]) == ("national_rpq", 4, "drift")
    assert row["forecast"] == pytest.approx(ahead["estimate"], rel=1e-12)
    assert 0.3 < row["probability"] < 0.5  # the forecast lies below the target of 94
    assert row["low"] < ahead["low_80"]
    said = text(sections.targets_met(nation, lang="zh"))
    assert f"约为{100 * row['probability']:.0f}%" in said
    assert "2020—2023年连续4期" in said


def test_a_target_without_an_unbroken_history_has_a_pace_and_no_chance(nation):
    judged = nation.targets().set_index("code")
    assert judged.loc["national_qci", "required"] == pytest.approx(0.395)
    said = text(sections.targets_met(nation, lang="en"))
    assert "a mean rise of 0.40 a year is needed. A probability takes at least 4" in said


def test_targets_without_any_figure_are_one_sentence_and_no_table():
    section = sections.targets_met(Facts.of(2014, "安徽"), lang="zh")
    assert "<table" not in section.body and "<svg" not in section.body
    assert "22项目标都没有可比数据" in text(section) and "22项：" in text(section)


@pytest.mark.parametrize(
    ("year", "region", "count"),
    [(2011, "全国", 0), (2012, "全国", 2), (2022, "全国", 0), (2023, "全国", 3), (2008, "安徽", 0)],
)
def test_a_target_applies_from_the_year_of_its_document_on(year, region, count):
    assert len(Facts.of(year, region).targets()) == count


def test_a_status_that_no_target_has_is_not_counted(nation):
    said = text(sections.targets_met(nation, lang="zh"))
    assert "3项目标中，2项接近，1项没有可比数据。" in said and "0项" not in said


def test_mix_and_rate_of_spot_checks_add_up_and_the_fall_is_mix(nation):
    table = questions.mix(questions.sizes(nation))
    assert (table["mix"] + table["rate"] - table["total"]).abs().max() < 1e-10
    whole = table.iloc[-1]
    assert (whole["earlier"], whole["later"]) == ("2015H1", "2023")
    assert [round(whole[part], 2) for part in ("total", "mix", "rate")] == [-2.75, -3.07, 0.31]
    assert "下降3.07个百分点" in text(sections.trends(nation, lang="zh"))
    assert {f.rule for f in findings.found(nation, "zh")} >= {"size_mix"}


def test_sizes_need_the_year_of_the_report_and_one_before():
    assert questions.sizes(Facts.of(2022, "全国")) is None
    assert questions.sizes(Facts.of(2015, "全国")) is None
    steps = questions.mix(questions.sizes(Facts.of(2018, "全国")))
    assert steps[["earlier", "later"]].to_numpy().tolist() == [["2015H1", "2018"]]


def test_a_rank_from_counts_has_an_interval_and_one_from_printed_figures_has_none():
    found = dict(questions.ranks(Facts.of(2000, "安徽")))
    assert found["fine_projects"]["of"] == 16
    assert found["fine_projects"]["rank_low"] <= found["fine_projects"]["rank"]
    said = text(sections.trends(Facts.of(2000, "安徽"), lang="zh"))
    assert "位次的95%区间为第10至第11位" in said
    loss = text(sections.trends(Facts.of(2007, "全国"), lang="zh"))
    assert "27个地区有本年公布值，安徽居第27位" in loss
    assert "位次没有区间" in loss and "全国下游" in loss


def test_the_alerts_of_2015_signal_as_the_monitor_says():
    facts = Facts.of(2015, "全国")
    watched = questions.alerts(facts)
    assert watched.baseline == "2013M12"
    assert "trade_and_alerts" in facts.datasets
    said = text(sections.risk(facts, lang="zh"))
    assert "2014年12月至2015年1月" in said and "Ⅱ级" in said and "境外通报" in said
    assert not watched.seasonal["alarm"].any() and "没有一个月超出上限" in said


def test_signals_know_nothing_of_later_years():
    months = questions.alerts(Facts.of(2013, "全国")).found.points["period"]
    assert months.max() == "2013M12"
    assert questions.alerts(Facts.of(2012, "全国")) is None  # too few months before
    assert questions.alerts(Facts.of(2023, "全国")) is None  # none of the year


def test_classes_of_food_beyond_the_limits_are_signals_with_evidence():
    facts = Facts.of(2019, "全国")
    worse = questions.food_funnel(facts).table.query("position == 'worse'")["class"]
    assert sorted(worse) == ["其他", "餐饮食品"]
    said = text(sections.risk(facts, lang="en"))
    assert "Food: catering food" in said and "enforcement and supervision" in said
    assert "4.11 times" in said
    assert {f.rule for f in findings.found(facts, "zh")} >= {"classes"}


def test_a_region_without_figures_to_warn_by_says_so_in_one_sentence():
    section = sections.risk(Facts.of(2008, "安徽"), lang="zh")
    assert text(section).count("。") == 1
    assert "<h3" not in section.body


def test_the_parts_of_a_section_are_numbered_as_they_come():
    body = sections.risk(Facts.of(2019, "全国"), lang="zh").body
    assert "<h3>（一）预警信号</h3>" in body and "<h3>（二）食品分类漏斗图</h3>" in body
    assert "（一）" not in sections.risk(Facts.of(2019, "全国"), lang="en").body
