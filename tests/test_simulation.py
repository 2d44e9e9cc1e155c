"""Simulated data: they meet the published figures through the indicators, and say what they are."""

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.errors import DataError, OptionError
from qstats.simulation import KINDS

YEARS = {
    "inspections": 2023,
    "exports": 2011,
    "works": 2000,
    "satisfaction": 2023,
    "losses": 2007,
    "events": 2023,
    "statistics": 2023,
}


def made(kind, seed=1, year=None, **options):
    options |= {"target": 0.4} if kind == "events" else {}
    return qs.simulate(kind, year=YEARS[kind] if year is None else year, seed=seed, **options)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("year", "printed"), [(2017, 93.71), (2020, 93.39), (2023, 93.65), (2024, 93.93)])
def test_the_pass_rate_meets_the_published_one(seed, year, printed):
    rate = qs.product_pass_rate(made("inspections", seed, year, size=20_000), by="period")
    assert rate.value() == pytest.approx(printed, abs=0.1)
    assert rate.simulated
    assert rate.table["std_error"].iloc[0] > 0


def test_both_bases_of_exports_meet_the_published_ones():
    table = made("exports")
    assert qs.export_pass_rate(table, basis="batch").value() == pytest.approx(99.85, abs=0.1)
    assert qs.export_pass_rate(table, basis="value").value() == pytest.approx(99.86, abs=0.1)


def test_fine_works_meet_the_published_rate_and_nest():
    table = made("works")
    fine = qs.acceptance_rate(table, outcome="fine").value()
    first = qs.acceptance_rate(table, outcome="first-time").value()
    passed = qs.acceptance_rate(table, outcome="accepted").value()
    assert fine == pytest.approx(29.0, abs=0.1)
    assert fine < first < passed <= 100
    assert qs.acceptance_rate(table, outcome="fine", basis="area").value() == pytest.approx(29, abs=4)


def test_satisfaction_meets_the_published_scores_by_sector():
    score = qs.customer_satisfaction(made("satisfaction"), by="sector")
    assert score.value(sector="生活性服务业") == pytest.approx(81.30, abs=0.1)
    assert score.value(sector="公共服务") == pytest.approx(81.43, abs=0.1)


@pytest.mark.parametrize(("year", "printed"), [(1998, 0.72), (2003, 0.46), (2007, 0.25)])
def test_losses_meet_the_published_rate(year, printed):
    assert qs.quality_loss_rate(made("losses", year=year)).value() == pytest.approx(printed, abs=0.001)


def test_events_meet_the_rate_asked_for():
    rate = qs.event_rate(made("events"), per=10_000)
    assert rate.value() == pytest.approx(0.4, abs=0.02)


def test_the_twelve_statistics_give_the_published_index():
    table = made("statistics")
    index = qs.competitiveness_index(table.drop(columns="output"), "qci")
    root = index.where(node="qci").table
    weight = table.drop_duplicates(["region", "industry"]).set_index(["region", "industry"])["output"]
    score = root.set_index(["region", "industry"])["estimate"]
    assert np.average(score, weights=weight.reindex(score.index)) == pytest.approx(85.21, abs=0.1)
    assert index.simulated
    assert table["region"].nunique() == 31
    assert table["industry"].nunique() == 29
    assert table["indicator"].nunique() == 12


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_says_that_it_is_simulated(kind):
    table = made(kind)
    assert table["provenance"].str.startswith(f"simulated:{kind} seed=1").all()
    assert not table.drop(columns="provenance").isna().any().any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_rows_and_another_seed_others(kind):
    pd.testing.assert_frame_equal(made(kind, 0), made(kind, 0))
    assert not made(kind, 0).equals(made(kind, 1).assign(provenance=made(kind, 0)["provenance"]))


def test_another_year_changes_none_of_the_others():
    one = made("inspections", year=2023, size=5_000)
    two = made("inspections", year=[2020, 2023], size=5_000)
    pd.testing.assert_frame_equal(one, two[two["period"] == "2023"].reset_index(drop=True))


def test_records_have_strata_enterprises_and_unequal_weights():
    table = made("inspections", size=20_000)
    assert len(table) == 20_000
    assert (table["inspected"] == 1).all()
    assert table.groupby("enterprise")["size"].nunique().max() == 1
    assert table["weight"].max() / table["weight"].min() > 5
    rates = table.groupby("size")["passed"].mean()
    assert rates["小型"] < rates["大型"]


def test_records_of_an_enterprise_are_alike():
    table = made("inspections")
    pairs = table.groupby("enterprise")["passed"].agg(["size", "sum"])
    pairs = pairs[pairs["size"] > 1]
    both = (pairs["sum"] * (pairs["sum"] - 1)).sum() / (pairs["size"] * (pairs["size"] - 1)).sum()
    assert both > table["passed"].mean() ** 2 + 0.001


def test_a_target_takes_the_place_of_the_published_figure():
    table = made("inspections", year=2031, size=5_000, target=90)
    assert qs.product_pass_rate(table, by="period").value() == pytest.approx(90, abs=0.1)
    assert "target=90" in table["provenance"].iloc[0]


def test_bad_calls_are_answered():
    with pytest.raises(OptionError, match="inspections"):
        qs.simulate("inspection", year=2023, seed=1)
    with pytest.raises(OptionError, match="whole number"):
        qs.simulate("inspections", year=2023, seed=None)
    with pytest.raises(OptionError, match="at least"):
        qs.simulate("inspections", year=2023, seed=1, size=100)
    with pytest.raises(OptionError, match="does not apply"):
        qs.simulate("exports", year=2011, seed=1, size=100)
    with pytest.raises(OptionError, match="empty"):
        qs.simulate("exports", year=[], seed=1)
    with pytest.raises(DataError, match="2017"):
        qs.simulate("inspections", year=1990, seed=1)
    with pytest.raises(DataError, match="target"):
        qs.simulate("events", year=2023, seed=1)
