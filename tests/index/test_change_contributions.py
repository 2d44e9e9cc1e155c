import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.index.build import competitiveness_index
from qstats.index.contributions import change_contributions, contributions
from qstats.index.specified import specified_index


def two_years(data, factors):
    later = data.assign(estimate=data["estimate"] * factors, period="2023")
    both = pd.concat([data.assign(period="2022"), later])
    return both[["indicator", "period", "region", "estimate"]]


def gaps(found):
    """Return what each node lacks of its children and the effect of weights."""
    table = found.table
    parts = table[table["parent"] != ""].groupby(["region", "parent"])["estimate"].sum()
    inner = table.set_index(["region", "node"]).loc[parts.index]
    return (inner["estimate"] - inner["weights"] - parts).abs().to_numpy()


@pytest.mark.parametrize("mean", ["arithmetic", "geometric", "harmonic", 0.5, -8.0, 30.0])
def test_parts_of_a_change_add_up_under_any_power_mean(tree, data, mean):
    both = two_years(data, [1.01, 1.02, 1.1, 0.5, 0.7, 0.9, 1.3, 1.1, 0.9])
    how = {"method": "power", "power": mean} if isinstance(mean, float) else mean
    index = specified_index(both, tree, steps={"aggregation": how})
    found = change_contributions(index, mean=mean)
    assert gaps(found).max() < 1e-10
    roots = found.where(node="all").table
    np.testing.assert_allclose(roots["estimate"], roots["change"], rtol=1e-12)
    assert (found.table["weights"].abs() < 1e-12).all()


def test_a_change_split_by_another_mean_than_that_of_the_index_is_refused(tree, data):
    both = two_years(data, 1.05)
    index = specified_index(both, tree, steps={"aggregation": "geometric"})
    with pytest.raises(DataError, match="add up"):
        change_contributions(index, lang="en")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=18, max_size=18))
def test_they_add_up_whatever_is_missing_in_either_year(tree, data, values):
    both = two_years(data, 1.0).assign(estimate=[np.nan if v is None else v for v in values])
    index = competitiveness_index(both, tree, missing="renormalise")
    found = change_contributions(index)
    there = found.table.dropna(subset=["change"])
    roots = there[there["node"] == "all"].set_index("region")
    leaves = found.table[found.table["node"].isin(["pass", "loss", "export"])]
    total = leaves.groupby("region")["estimate"].sum() + found.table.groupby("region")["weights"].sum()
    for region, row in roots.iterrows():
        assert total[region] == pytest.approx(row["change"], abs=1e-10)


def test_an_indicator_that_comes_in_is_an_effect_of_weights(tree, data):
    both = two_years(data, 1.0)
    gone = (both["period"] == "2022") & (both["indicator"] == "loss") & (both["region"] == "安徽")
    index = competitiveness_index(both[~gone], tree, missing="renormalise")
    rows = change_contributions(index).where(region="安徽").table.set_index("node")
    assert rows.loc[["pass", "loss", "export"], "estimate"].tolist() == pytest.approx([0, 0, 0])
    # pass 90 alone became 0.6 × 90 + 0.4 × 90: the same, times 0.75 in the whole
    assert rows.loc["level", "weights"] == pytest.approx(0, abs=1e-12)
    other = change_contributions(
        competitiveness_index(
            both[~gone].assign(estimate=lambda t: t["estimate"] * 0.9), tree, missing="renormalise"
        )
    )
    rows = other.where(region="安徽").table.set_index("node")
    assert rows.loc["level", "weights"] == pytest.approx(rows.loc["all", "change"], abs=1e-12)
    assert rows.loc["level", "weights"] != 0


@pytest.mark.parametrize(("mean", "power"), [("geometric", 0), ("harmonic", -1)])
def test_levels_add_up_under_other_means(tree, data, mean, power):
    index = specified_index(data, tree, steps={"aggregation": mean})
    found = contributions(index, mean=mean).where(region="安徽").table.set_index("node")
    leaves = found.loc[["pass", "loss", "export"], "estimate"]
    assert leaves.sum() == pytest.approx(found.loc["all", "score"], abs=1e-10)
    s, level, whole = found["score"], found.loc["level", "score"], found.loc["all", "score"]
    slope = 0.75 * (level / whole) ** (power - 1) * 0.6 * (s["pass"] / level) ** (power - 1)
    assert leaves["pass"] == pytest.approx(slope * s["pass"], rel=1e-12)


def test_a_level_split_by_another_mean_is_refused(tree, data):
    for mean in ("geometric", "harmonic"):
        with pytest.raises(DataError, match="not the mean"):
            contributions(competitiveness_index(data, tree), mean=mean, lang="en")


def test_a_mean_that_does_not_exist_is_refused(tree, data):
    with pytest.raises(OptionError, match="geometric"):
        contributions(competitiveness_index(data, tree), mean="geometrical")  # type: ignore[arg-type]


def test_one_year_has_no_change(tree, data):
    with pytest.raises(DataError, match="two periods"):
        change_contributions(
            competitiveness_index(
                data.assign(period=2022)[["indicator", "period", "region", "estimate"]], tree
            ),
            lang="en",
        )


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_parts_of_large_scores_add_up_but_for_rounding(tree, data, mean):
    both = two_years(data, [1.01, 1.02, 1.1, 0.5, 0.7, 0.9, 1.3, 1.1, 0.9])
    how = {"normalisation": {"method": "minmax", "to": (1, 1e12)}, "aggregation": mean}
    index = specified_index(both, tree, steps=how)
    assert gaps(change_contributions(index, mean=mean)).max() < 1e-12 * 1e12
    table = contributions(index, mean=mean).table
    leaves = table[table["node"].isin(["pass", "loss", "export"])]
    sums = leaves.groupby(["period", "region"])["estimate"].sum()
    roots = index.where(node="all").table.set_index(["period", "region"])["estimate"]
    np.testing.assert_allclose(sums, roots[sums.index], rtol=1e-12)


def test_scores_without_a_mean_of_that_power_are_named(tree, data):
    both = two_years(data, 1.01)
    index = specified_index(both, tree, steps={"normalisation": "zscore"})
    for split in (contributions, change_contributions):
        for mean in ("geometric", "harmonic", 2):
            with pytest.raises(DataError, match="has no mean of power"):
                split(index, mean=mean, lang="en")


def test_scores_of_zero_contribute_nothing(tree, data):
    lowest = data["indicator"].map({"pass": 60, "loss": 2, "export": 0})
    zero = data.assign(estimate=data["estimate"].mask(data["region"] == "安徽", lowest))
    bounds = {"method": "goalposts", "lower": [60, 0, 0], "upper": [100, 2, 50]}
    how = {"normalisation": bounds, "aggregation": {"method": "power", "power": 2}}
    table = contributions(specified_index(zero, tree, steps=how), mean=2).table.set_index(["region", "node"])
    assert (table.loc["安徽", "estimate"] == 0).all()
    assert table.loc[("江苏", "all"), "estimate"] > 0


@pytest.mark.parametrize("power", [-8.0, 30.0])
def test_weights_that_move_have_their_effect_under_extreme_powers_too(tree, data, power):
    both = two_years(data, 1.03)
    gone = both["period"].eq("2023") & both["indicator"].eq("loss") & both["region"].eq("江苏")
    both = both.assign(estimate=both["estimate"].mask(gone))
    how = {"aggregation": {"method": "power", "power": power}}
    index = specified_index(both, tree, steps=how, missing="renormalise")
    found = change_contributions(index, mean=power)
    assert found.table["weights"].abs().max() > 0.1
    assert gaps(found).max() < 1e-10
    with pytest.raises(DataError, match="not the mean of power"):
        contributions(index, mean=power * 1.1, lang="en")
