"""simulate: calibrated, flagged, reproducible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qstats import simulation_calibration, simulation_parts
from qstats.datasets import published
from qstats.errors import OptionError
from qstats.index.build import competitiveness_index
from qstats.indicators.acceptance_rate import acceptance_rate
from qstats.indicators.customer_satisfaction import customer_satisfaction
from qstats.indicators.event_rate import event_rate
from qstats.indicators.export_pass_rate import export_pass_rate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.indicators.product_pass_rate import product_pass_rate
from qstats.indicators.quality_loss_rate import quality_loss_rate
from qstats.simulation import simulate

SAT = ["SAT1", "SAT2", "SAT3"]
YEARS = {
    "inspections": 2023,
    "exports": 2011,
    "works": 2000,
    "satisfaction": 2023,
    "losses": 2003,
    "events": 2022,
    "statistics": 2023,
}


def figure(series, year, **options):
    return published(series, region="全国", period=year, **options).value()


@pytest.mark.parametrize("year", [2017, 2023])
@pytest.mark.parametrize("seed", [0, 7])
def test_the_product_pass_rate_of_simulated_inspections_is_the_published_one(year, seed):
    rate = product_pass_rate(simulate("inspections", year=year, seed=seed))
    assert rate.value() == pytest.approx(figure("MQR", year, industry="制造业"), abs=0.1)
    assert rate.simulated
    assert rate.provenance == (f"simulated:inspections seed={seed}",)


def test_both_pass_rates_of_simulated_exports_are_those_that_follow_from_the_counts_of_2011():
    batches = simulate("exports", year=2011, seed=3)
    by_batch, by_value = (export_pass_rate(batches, basis=basis) for basis in ("batch", "value"))
    assert by_batch.value() == pytest.approx(100 * (1 - 2.00 / 1342.31), abs=0.01)
    assert by_value.value() == pytest.approx(100 * (1 - 9.23 / 6515.2), abs=0.01)
    assert by_batch.simulated and by_value.simulated


@pytest.mark.parametrize("year", [1993, 2000])
def test_fine_works_meet_the_published_rates_by_count_and_by_area(year):
    records = simulate("works", year=year, seed=2)
    count, area = (acceptance_rate(records, outcome="fine", basis=basis) for basis in ("count", "area"))
    assert count.value() == pytest.approx(figure("constr_high_quality_project_rate", year), abs=0.1)
    assert area.value() == pytest.approx(figure("constr_high_quality_floor_rate", year), abs=0.1)
    first, accepted = (acceptance_rate(records, outcome=o).value() for o in ("first-time", "accepted"))
    assert count.value() < first < accepted < 100
    assert count.simulated


def test_satisfaction_with_consumer_and_public_services_is_the_published_one():
    index = customer_satisfaction(simulate("satisfaction", year=2023, seed=4), by="service", method="mean")
    consumer = figure("life_service_quality_satisfaction", 2023)
    public = figure("public_service_quality_satisfaction", 2023)
    assert consumer != public
    assert index.value(service="consumer") == pytest.approx(consumer, abs=0.1)
    assert index.value(service="public") == pytest.approx(public, abs=0.1)
    assert index.simulated


@pytest.mark.parametrize("year", [1998, 2003, 2007])
def test_the_loss_rate_of_simulated_returns_is_the_published_one(year):
    rate = quality_loss_rate(simulate("losses", year=year, seed=1))
    assert rate.value() == pytest.approx(figure("quality_loss_rate", year), abs=0.005)
    assert rate.simulated


def test_events_have_the_assumed_rate_or_the_one_given():
    assumed = event_rate(simulate("events", year=2022, seed=5))
    assert assumed.value() == pytest.approx(0.5, abs=0.01)
    assert assumed.simulated
    assert event_rate(simulate("events", year=2022, seed=5, target=2)).value() == pytest.approx(2, abs=0.01)


def test_the_index_of_simulated_statistics_weighted_by_output_is_the_published_one():
    data = simulate("statistics", year=2023, seed=6)
    index = competitiveness_index(data)
    cell = ["period", "region", "industry"]
    root = index.where(node="qci").table.merge(data.drop_duplicates(cell)[[*cell, "output"]], on=cell)
    assert len(root) == 31 * 29
    mean = np.average(root["estimate"], weights=root["output"])
    assert mean == pytest.approx(figure("QCI", 2023, industry="制造业"), abs=0.1)
    assert mean != pytest.approx(root["estimate"].mean(), abs=0.01)
    assert index.simulated
    assert not index.table["flag"].str.contains("clipped").any()


@pytest.mark.parametrize(
    ("kind", "target", "value"),
    [
        ("inspections", 88.0, product_pass_rate),
        ("exports", 98.0, export_pass_rate),
        ("works", 60.0, lambda t: acceptance_rate(t, outcome="fine", basis="area")),
        ("satisfaction", 70.0, lambda t: customer_satisfaction(t, method="mean")),
        ("losses", 2.0, quality_loss_rate),
    ],
)
def test_a_target_replaces_the_published_figure_in_any_year(kind, target, value):
    assert value(simulate(kind, year=2035, seed=1, target=target)).value() == pytest.approx(target, abs=0.1)


@pytest.mark.parametrize("kind", list(YEARS))
def test_every_row_says_that_it_is_simulated_and_the_same_seed_gives_the_same_table(kind):
    table = simulate(kind, year=YEARS[kind], seed=0)
    assert set(table["provenance"]) == {f"simulated:{kind} seed=0"}
    assert set(table["period"]) == {str(YEARS[kind])}
    pd.testing.assert_frame_equal(table, simulate(kind, year=YEARS[kind], seed=0))
    other = simulate(kind, year=YEARS[kind], seed=1)
    assert not table.drop(columns="provenance").equals(other.drop(columns="provenance"))


@pytest.mark.parametrize("kind", list(YEARS))
def test_adding_a_year_changes_no_other_year(kind):
    target = 70.0 if kind == "statistics" else 5.0
    alone = simulate(kind, year=2020, seed=9, target=target)
    both = simulate(kind, year=[2019, 2020], seed=9, target=target)
    last = both[both["period"] == "2020"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, last)
    first = both[both["period"] == "2019"].reset_index(drop=True)
    assert len(first) == len(last)
    assert not first.drop(columns="period").equals(last.drop(columns="period"))


def test_parts_of_a_kind_have_streams_of_their_own():
    names = [("works", 2000, "sample"), ("works", 2000, "outcome"), ("works", 1999, "sample")]
    assert len({float(simulation_parts.stream(*name, 1).random()) for name in names}) == 3


def test_a_table_has_exactly_the_records_asked_for():
    assert len(simulate("inspections", year=[2022, 2023], seed=1)) == 120_000
    assert len(simulate("inspections", year=2023, seed=1, size=20_001)) == 20_001
    assert len(simulate("works", year=2000, seed=1, size=4_999)) == 4_999
    assert len(simulate("events", year=[2001, 2002], seed=1)) == 62
    assert len(simulate("statistics", year=2023, seed=1)) == 31 * 29 * 12


def test_inspections_have_the_structure_that_is_promised():
    records = simulate("inspections", year=2023, seed=1)
    assert records["region"].nunique() == 31 and records["industry"].nunique() == 29
    divisions = records.groupby("region")["industry"].nunique()
    assert divisions["西藏"] < 29 and divisions["江苏"] == 29
    rates = records.groupby("size")["passed"].mean()
    assert rates["micro"] < rates["small"] < rates["medium"] < rates["large"]
    assert (records.groupby("stratum")["weight"].nunique() == 1).all()
    assert records["weight"].nunique() > 31
    assert (records.groupby("enterprise")[["region", "industry", "size"]].nunique() == 1).all(axis=None)
    assert inspection_pass_rate(records, by=["size", "channel"]).simulated


def test_products_of_one_enterprise_are_alike():
    records = simulate("inspections", year=2023, seed=1)
    group = records.groupby(["region", "industry", "size"]).ngroup().to_numpy()
    firm = pd.factorize(records["enterprise"])[0]
    passed, rng = records["passed"].to_numpy(), np.random.default_rng(1)
    places, shuffled = np.argsort(group, kind="stable"), []
    for _ in range(20):
        mixed = np.empty_like(passed)
        mixed[places] = passed[np.lexsort((rng.random(len(group)), group))]
        shuffled.append((np.bincount(firm, mixed == 0) ** 2).sum())
    together = (np.bincount(firm, passed == 0) ** 2).sum()
    assert together > np.mean(shuffled) + 5 * np.std(shuffled)


def test_output_follows_the_value_added_of_the_provinces():
    cells = simulate("statistics", year=2023, seed=1).drop_duplicates(["region", "industry"])
    output = cells.groupby("region")["output"].sum()
    added = published("industry_VA", period=2007, conflict="first").table.set_index("region")["estimate"]
    ratio = output[["广东", "安徽", "西藏"]] / added[["广东", "安徽", "西藏"]]
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-6)


def test_losses_have_one_return_an_enterprise_and_fine_works_are_accepted():
    assert simulate("losses", year=2003, seed=1)["enterprise"].is_unique
    works = simulate("works", year=2000, seed=1)
    assert (works["works_fine"] <= works["works_first_time"]).all()
    assert (works["works_first_time"] <= works["works_passed"]).all()


def test_latent_satisfaction_ties_the_items_of_a_construct_more_than_others():
    answers = simulate("satisfaction", year=2023, seed=1)
    assert answers[SAT].min().min() >= 1 and answers[SAT].max().max() <= 10
    r = answers.corr(numeric_only=True)
    assert r.loc["SAT1", "SAT2"] > r.loc["SAT1", "QUAL1"] > r.loc["LOY1", "IMAG1"] > 0.1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": None}, "seed=None: simulated data must be reproducible"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": True}, "seed=True"),
        ({"year": 2018}, "2017, 2020, 2021, 2022, 2023, 2024"),
        ({"year": [2023, 2018]}, "published for 2018;"),
        ({"year": []}, "list of different years"),
        ({"year": [2023, 2023]}, "list of different years"),
        ({"year": "2023"}, "year='2023'"),
        ({"year": 2023.5}, "year=2023.5"),
        ({"size": 0}, "size=0"),
        ({"size": 100}, "size=100 is too small"),
        ({"size": 2.5}, "size=2.5"),
        ({"target": 100}, "between 0 and 100"),
        ({"target": float("nan")}, "target=nan"),
        ({"target": "94"}, "target='94'"),
    ],
)
def test_a_wrong_option_is_answered_with_what_is_possible(options, said):
    with pytest.raises(OptionError) as caught:
        simulate("inspections", **({"year": 2023, "seed": 1} | options))
    assert said in str(caught.value)


def test_an_unknown_kind_is_answered_with_the_list_and_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'inspections'"):
        simulate("inspection", year=2023, seed=1)
    with pytest.raises(TypeError, match="seed"):
        simulate("inspections", year=2023)


@pytest.mark.parametrize("kind", ["events", "statistics"])
def test_kinds_with_one_row_a_key_take_no_size(kind):
    with pytest.raises(OptionError, match="leave size out"):
        simulate(kind, year=2023, seed=1, size=10)


def test_too_few_records_to_meet_the_figure_are_refused():
    with pytest.raises(OptionError, match="ask for more records"):
        simulate("exports", year=2011, seed=1, size=40)


def test_the_level_moves_the_draws_never_change():
    rng = np.random.default_rng(1)
    t, a = rng.normal(size=5_000), rng.random(5_000)
    few, many = (simulation_calibration.lowest(t, a, goal) for goal in (20.0, 70.0))
    assert (many | ~few).all()
    assert 100 * a[many].sum() / a.sum() == pytest.approx(70, abs=0.05)
    assert t[many].max() < t[~many].min()


def test_what_fails_has_a_cause_and_what_passes_has_none():
    records = simulate("inspections", year=2023, seed=2, size=30_000)
    assert ((records["cause"] == "") == (records["passed"] == 1)).all()
    assert set(records["cause"]) == {"", *simulation_parts.CAUSES}
    failed = records[records["passed"] == 0]
    marked = failed["cause"].eq("marking").groupby(failed["channel"]).mean()
    assert marked["online"] > marked["production"]
