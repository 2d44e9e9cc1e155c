"""From brands to the nation, from wave to wave, and how many to ask."""

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.analysis.change import change
from qstats.analysis.linked import linked
from qstats.analysis.targets import targets
from qstats.datasets import load
from qstats.errors import DataError, OptionError
from qstats.index.bands import bands
from qstats.indicators.customer_satisfaction import customer_satisfaction
from qstats.stats import satisfaction as formulas
from qstats.survey.design import Design

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
    }
)


@pytest.fixture
def brands(answers):
    table = answers(480, 3)
    return table.assign(
        sector=np.where(table["brand"] == "c", "services", "goods"), brand=table["brand"] + "-brand"
    )


@pytest.fixture
def found(brands):
    plan = Design(cluster="cluster")
    return customer_satisfaction(brands, model=MODEL, by=["sector", "brand"], design=plan, replicates=200)


SALES = {"a-brand": 3.0, "b-brand": 1.0, "c-brand": 2.0}


def test_a_level_is_the_weighted_mean_and_its_error_that_of_the_joint_distribution(found):
    whole = satisfaction.roll_up(found, over="brand", weights=SALES)
    A = np.array([[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]])
    assert found.table["brand"].tolist() == ["a-brand", "b-brand", "c-brand"]
    np.testing.assert_allclose(whole.table["estimate"], A @ found.table["estimate"], rtol=1e-13)
    np.testing.assert_allclose(whole.covariance(), A @ found.covariance() @ A.T, rtol=1e-10)
    np.testing.assert_allclose(whole.table["std_error"] ** 2, np.diag(whole.covariance()), rtol=1e-10)
    assert whole.table["n"].tolist() == [found.table["n"].iloc[:2].sum(), found.table["n"].iloc[2]]
    assert whole.table["parts"].tolist() == [2, 1]


def test_levels_are_nested_and_each_has_weights_of_its_own(found):
    sectors = satisfaction.roll_up(found, over="brand", weights=SALES)
    nation = satisfaction.roll_up(sectors, over="sector", weights={"goods": 0.6, "services": 0.4})
    a = np.array([0.6 * 0.75, 0.6 * 0.25, 0.4])
    assert nation.value() == pytest.approx(a @ found.table["estimate"], rel=1e-13)
    assert nation.table["std_error"].item() ** 2 == pytest.approx(a @ found.covariance() @ a, rel=1e-10)
    assert nation.keys == ()


def test_one_part_is_itself_and_weights_count_by_their_shares(found):
    services = found.where(sector="services")
    same = satisfaction.roll_up(services, over="brand", weights={"c-brand": 17.0})
    assert same.value() == services.value()
    assert same.table["df"].item() == pytest.approx(services.table["df"].item(), rel=1e-12)
    table = pd.DataFrame(
        {"sector": ["goods", "goods", "services"], "brand": list(SALES), "weight": [30, 10, 5]}
    )
    one, two = (satisfaction.roll_up(found, over="brand", weights=w) for w in (SALES, table))
    np.testing.assert_allclose(one.table["estimate"], two.table["estimate"], rtol=1e-13)


def test_contributions_add_up_to_the_level(found):
    table = satisfaction.contributions(found, over="brand", weights=SALES).table
    whole = satisfaction.roll_up(found, over="brand", weights=SALES).table
    sums = table.groupby("sector")[["estimate", "share", "pull"]].sum()
    np.testing.assert_allclose(sums["estimate"], whole["estimate"], rtol=1e-13)
    np.testing.assert_allclose(sums["share"], 1, rtol=1e-13)
    np.testing.assert_allclose(sums["pull"], 0, atol=1e-10)
    assert table["pull"].iloc[0] != 0


def test_what_has_no_index_is_refused_or_shared_out(found):
    table = pd.DataFrame(
        {
            "sector": ["goods", "goods", "services", "services"],
            "brand": [*SALES, "d-brand"],
            "weight": [3, 1, 2, 1],
        }
    )
    with pytest.raises(DataError, match=r"services.*33.33 % of the weight has no index"):
        satisfaction.roll_up(found, over="brand", weights=table)
    whole = satisfaction.roll_up(found, over="brand", weights=table, missing="renormalise").table
    assert whole["coverage"].tolist() == pytest.approx([1, 2 / 3])
    with pytest.raises(DataError, match="add the columns sector"):
        satisfaction.roll_up(found, over="brand", weights={**SALES, "d-brand": 1}, missing="renormalise")
    with pytest.raises(DataError, match="b-brand"):
        satisfaction.roll_up(found, over="brand", weights={"a-brand": 1, "c-brand": 1})
    with pytest.raises(OptionError, match="industry"):
        satisfaction.roll_up(found, over="industry", weights=SALES)
    for wrong in ({**SALES, "a-brand": -1}, {**SALES, "a-brand": np.nan}):
        with pytest.raises(DataError, match="not negative"):
            satisfaction.roll_up(found, over="brand", weights=wrong)
    with pytest.raises(DataError, match="weight"):
        satisfaction.roll_up(found, over="brand", weights=pd.DataFrame({"brand": ["a-brand"]}))


def test_a_brand_absent_in_one_period_is_missed_there(found):
    goods = found.where(sector="goods").table.drop(columns="sector")
    rows = [goods.assign(period="2022"), goods.head(1).assign(period="2023")]
    both = found.replace(pd.concat(rows, ignore_index=True)[["period", *goods.columns]])
    weights = {"a-brand": 3, "b-brand": 1}
    with pytest.raises(DataError, match=r"2023.*25 %"):
        satisfaction.roll_up(both, over="brand", weights=weights)
    table = satisfaction.roll_up(both, over="brand", weights=weights, missing="renormalise").table
    assert table["coverage"].tolist() == [1, 0.75]
    assert table["estimate"].iloc[1] == goods["estimate"].iloc[0]


def test_weights_of_a_table_cover_what_their_own_keys_say(found):
    table = pd.DataFrame(
        {"sector": ["goods", "goods", "services"], "brand": list(SALES), "weight": [3, 1, 2]}
    )
    assert satisfaction.roll_up(found, over="brand", weights=table).table["coverage"].tolist() == [1, 1]


def test_a_suppressed_brand_is_shared_out_and_says_so(brands):
    brands.loc[:9, "brand"] = "tiny"
    found = customer_satisfaction(brands, model=MODEL, by="brand", replicates=30)
    weights = {**SALES, "tiny": 4.0}
    with pytest.raises(DataError, match="40 %"):
        satisfaction.roll_up(found, over="brand", weights=weights)
    table = satisfaction.roll_up(found, over="brand", weights=weights, missing="renormalise").table
    assert table["coverage"].item() == pytest.approx(0.6)
    assert table["std_error"].item() > 0


# waves -----------------------------------------------------------------------------------------


@pytest.fixture
def waves(answers):
    first, second = answers(300, 11, level=6.2), answers(300, 12, level=6.7)
    return pd.concat([first.assign(period="2022"), second.assign(period="2023")], ignore_index=True)


def test_a_change_is_exactly_answers_and_weights(waves):
    plan = Design(strata="period")
    study = satisfaction.study(waves, model=MODEL, by="period", design=plan)
    table = satisfaction.change_effects(study).table.set_index("effect")
    index = satisfaction.index(study)
    moved = index.value(period="2023") - index.value(period="2022")
    assert table.loc["change", "estimate"] == pytest.approx(moved, rel=1e-10)
    assert table.loc[["answers", "weights"], "estimate"].sum() == pytest.approx(moved, rel=1e-12)
    assert abs(table.loc["weights", "estimate"]) < abs(table.loc["answers", "estimate"])
    assert table.loc["weights", "estimate"] != 0
    # the error of the change is that of the two indices, which are independent strata
    se = np.sqrt((index.table["std_error"] ** 2).sum())
    assert table.loc["change", "std_error"] == pytest.approx(se, rel=0.1)
    assert table["compared_with"].unique().tolist() == ["2022"]
    assert table.loc["change", "p"] < 1e-4


def test_fixed_pooled_and_estimated_weights_make_three_series(waves):
    own = customer_satisfaction(waves, model=MODEL, by="period", error="linearised")
    pooled = customer_satisfaction(waves, model=MODEL, by="period", outer="pooled", error="linearised")
    base = satisfaction.items(
        satisfaction.study(waves.query("period == '2022'"), model=MODEL, error="linearised")
    ).query("construct == 'SAT'")
    weights = dict(zip(base["item"], base["index_weight"], strict=True))
    fixed = customer_satisfaction(waves, method="mean", items=list(weights), weights=weights, by="period")
    assert fixed.value(period="2022") == pytest.approx(own.value(period="2022"), rel=1e-10)
    assert len({round(e.value(period="2023"), 8) for e in (own, pooled, fixed)}) == 3


def test_with_fixed_weights_all_of_a_change_is_in_the_answers():
    rng = np.random.default_rng(1)
    m0, m1, u = rng.uniform(2, 9, (3, 4))
    moved = formulas.decompose(m0, u, m1, 3 * u, 1, 10)
    assert abs(moved.weights) < 1e-12
    assert moved.answers == pytest.approx(moved.change, rel=1e-12)
    same = formulas.decompose(m0, u, m0, m1, 1, 10)
    assert same.answers == 0
    assert same.weights != 0


def test_the_order_of_the_waves_only_turns_the_signs():
    rng = np.random.default_rng(2)
    m0, m1, u0, u1 = rng.uniform(2, 9, (4, 5))
    there, back = formulas.decompose(m0, u0, m1, u1, 1, 10), formulas.decompose(m1, u1, m0, u0, 1, 10)
    for a, b in zip(there, back, strict=True):
        assert a == pytest.approx(-b, rel=1e-12)


def test_a_panel_tells_a_change_that_independent_samples_do_not(answers):
    first = answers(150, 4).assign(period="2022", person=np.arange(150))
    second = first.assign(period="2023")
    items = ["q1", "q2", "q3", "s1", "s2", "s3", "l1", "l2"]
    rng = np.random.default_rng(1)
    second[items] = np.clip(second[items] + rng.choice([0, 0, 1], (150, 8)), 1, 10)
    both = pd.concat([first, second], ignore_index=True)
    panel = customer_satisfaction(both, model=MODEL, by="period", design=Design(cluster="person"))
    covarying, independent = (change(panel, samples=s).table.iloc[0] for s in ("covarying", "independent"))
    assert covarying["estimate"] == independent["estimate"] > 0
    assert covarying["std_error"] < 0.5 * independent["std_error"]
    assert covarying["p"] < independent["p"]
    apart = both.assign(person=np.arange(300))
    alone = customer_satisfaction(
        apart, model=MODEL, by="period", design=Design(strata="period", cluster="person")
    )
    found = change(alone).table.iloc[0]
    assert found["std_error"] == pytest.approx(independent["std_error"], rel=0.1)


def test_waves_need_a_period_and_the_same_items(waves):
    with pytest.raises(DataError, match="period"):
        satisfaction.change_effects(satisfaction.study(waves, model=MODEL, by="brand"))
    with pytest.raises(DataError, match="two periods"):
        satisfaction.change_effects(satisfaction.study(waves.head(300), model=MODEL, by="period"))
    late = waves["period"] == "2023"
    waves.loc[late, "s2"] = 11 - waves.loc[late, "s2"]
    dropping = satisfaction.study(waves, model=MODEL, by="period", negative="drop")
    with pytest.raises(DataError, match="period=2023"):
        satisfaction.change_effects(dropping)
    line = satisfaction.study(waves, model=MODEL, by="period", negative="keep", error="linearised")
    with pytest.raises(OptionError, match="replicates"):
        satisfaction.change_effects(line)


def test_a_series_is_chained_over_the_overlap(waves):
    old = customer_satisfaction(waves, method="mean", items=["s1", "s2"], by="period")
    new = customer_satisfaction(
        waves.query("period == '2023'"), method="mean", items=["s1", "s2", "s3"], by="period"
    )
    both = linked(old, new, rule="last-overlap")
    factor = new.value(period="2023") / old.value(period="2023")
    assert both.value(period="2022") == pytest.approx(factor * old.value(period="2022"), rel=1e-12)
    assert both.value(period="2023") == new.value(period="2023")


# groups and their targets ----------------------------------------------------------------------


def test_services_are_groups_with_a_target_of_80(waves):
    kinds = {
        "csi_producer_services": "producer",
        "csi_consumer_services": "consumer",
        "csi_emerging_services": "emerging",
    }
    waves["service"] = np.array(list(kinds.values()))[np.arange(600) % 3]
    waves.loc[waves["service"] == "consumer", ["s1", "s2", "s3"]] += 2
    waves[["s1", "s2", "s3"]] = waves[["s1", "s2", "s3"]].clip(1, 10)
    found = customer_satisfaction(waves, model=MODEL, by="service")
    rows = load("targets/anhui").query("code in @kinds")
    held = targets(
        {code: found.where(service=name).replace(unit="score") for code, name in kinds.items()}, rows
    )
    held = held.set_index("code")
    for code, name in kinds.items():
        assert held.loc[code, "gap"] == pytest.approx(found.value(service=name) - 80)
        assert (held.loc[code, "status"] == "met") == (found.value(service=name) >= 80)
    assert set(held["target"]) == {80}


def test_an_index_has_its_place_in_named_bands(found):
    table = bands(found, scheme="csi", lang="en").table
    assert set(table["band"]) <= {"ordinary", "fairly satisfied", "dissatisfied", "satisfied"}
    for row in table.itertuples():
        assert not row.estimate < row.band_lower


# plans -----------------------------------------------------------------------------------------


def test_a_planned_sample_has_the_planned_precision(answers):
    n = int(satisfaction.sample_plan(half_width=1.5, std=18).at[0, "n"])
    from scipy.stats import norm

    assert norm.ppf(0.975) * 18 / np.sqrt(n) <= 1.5 < norm.ppf(0.975) * 18 / np.sqrt(n - 1)
    wave = int(satisfaction.sample_plan(change=3, std=18).at[0, "n"])
    se = 18 * np.sqrt(2 / wave)
    assert norm.sf(norm.ppf(0.975) - 3 / se) == pytest.approx(0.8, abs=2e-3)
    survey = customer_satisfaction(answers(240, 5), model=MODEL, error="linearised").table.iloc[0]
    std = survey["std_error"] * np.sqrt(survey["n"] / survey["deff"])
    again = satisfaction.sample_plan(half_width=norm.ppf(0.975) * survey["std_error"], std=std)
    assert again.at[0, "n"] == pytest.approx(240, abs=1)


def test_every_argument_of_a_plan_counts():
    base = satisfaction.sample_plan(change=3).at[0, "n"]
    for option in (
        {"std": 15},
        {"deff": 2},
        {"population": 900},
        {"confidence": 0.9},
        {"power": 0.9},
        {"correlation": 0.5},
    ):
        assert satisfaction.sample_plan(change=3, **option).at[0, "n"] != base
    both = satisfaction.sample_plan(change=3, response=0.5)
    assert both.at[0, "n"] == base
    assert both.at[0, "contacts"] == 2 * base
    assert satisfaction.sample_plan(change=3, correlation=0.5).at[0, "n"] == pytest.approx(base / 2, abs=1)
    wrong = (
        {},
        {"half_width": 1, "change": 1},
        {"half_width": 1, "power": 0.9},
        {"half_width": 1, "response": 0},
    )
    wrong += (
        {"half_width": 0},
        {"change": 1, "power": 0.5},
        {"change": 1, "correlation": 1},
        {"half_width": 1, "confidence": 1},
    )
    for options in wrong:
        with pytest.raises(OptionError):
            satisfaction.sample_plan(**options)
