import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate, assemble
from qstats.index.build import competitiveness_index

SCORES = {"安徽": 84.5, "江苏": 95.15, "湖北": 80.0}


def estimate(code, rows, /, *, keys=("region",), unit="%", inference="none", provenance=("user",)):
    """Return an Estimate of rows of keys and a value, without an error."""
    table = pd.DataFrame(rows, columns=[*keys, "estimate"])
    unknown = np.full(len(table), np.nan)
    core = dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], unknown)
    return Estimate(
        assemble(table[list(keys)], estimate=table["estimate"].to_numpy(float), **core),
        indicator=code,
        unit=unit,
        method="given",
        inference=inference,
        provenance=provenance,
    )


def of_each(data, **meta):
    return [
        estimate(code, rows[["region", "estimate"]].to_numpy().tolist(), **meta)
        for code, rows in data.groupby("indicator", sort=False)
    ]


def root(index):
    table = index.where(node="all").table
    return dict(zip(table["region"], table["estimate"].round(10), strict=True))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_rows_does_not_matter(tree, data, seed):
    shuffled = data.sample(frac=1, random_state=seed)
    found = competitiveness_index(shuffled, tree.sample(frac=1, random_state=seed))
    assert root(found) == SCORES


def test_indicators_are_aligned_on_keys_and_never_on_position(tree, data):
    parts = of_each(data)
    turned = parts[1].replace(parts[1].table.iloc[::-1])
    assert root(competitiveness_index([parts[0], turned, parts[2]], tree)) == SCORES


def test_every_form_of_the_indicators_gives_the_same_index(tree, data):
    parts = of_each(data)
    rows = data[["region", "indicator", "estimate"]].to_numpy().tolist()
    forms = [
        data,
        parts,
        {part.indicator: part for part in parts},
        estimate("any", rows, keys=("region", "indicator"), unit=""),
    ]
    first, *others = [competitiveness_index(form, tree).table for form in forms]
    for other in others:
        pd.testing.assert_frame_equal(other, first)


def test_spellings_of_a_region_and_a_period_are_one(tree):
    table = pd.DataFrame(
        {
            "indicator": ["pass", "loss", "export"],
            "period": ["2023年", "2023", "2023"],
            "region": ["安徽省", "Anhui", "340000"],
            "estimate": [90, 0.5, 10],
        }
    )
    found = competitiveness_index(table, tree).where(node="all")
    assert found.table[["period", "region", "estimate"]].values.tolist() == [["2023", "安徽", 84.5]]


def test_periods_come_in_order_of_time(tree, data):
    table = pd.concat([data.assign(period=p) for p in ("2023Q2", "2022", "2023M01")])[
        ["indicator", "period", "region", "estimate"]
    ]
    found = competitiveness_index(table, tree).where(node="all", region="安徽")
    assert found.table["period"].tolist() == ["2022", "2023M01", "2023Q2"]


def test_one_unit_needs_no_key(tree):
    table = pd.DataFrame({"indicator": ["export", "pass", "loss"], "estimate": [10, 90, 0.5]})
    found = competitiveness_index(table, tree)
    assert found.keys == ("node",)
    assert found.value(node="all") == 84.5


def test_everything_that_is_missing_is_told_at_once(tree, data):
    holes = data.copy()
    holes.loc[(data["indicator"] == "loss") & (data["region"] == "江苏"), "estimate"] = np.nan
    holes = holes[~((data["indicator"] == "export") & (data["region"] != "江苏"))]
    with pytest.raises(DataError, match="3 values are missing") as caught:
        competitiveness_index(holes, tree, lang="en")
    missing = set(map(tuple, caught.value.violations[["column", "value"]].to_numpy()))
    assert missing == {("loss", "江苏"), ("export", "安徽"), ("export", "湖北")}


def test_an_indicator_that_is_missing_altogether_is_missing_everywhere(tree, data):
    with pytest.raises(DataError) as caught:
        competitiveness_index(data[data["indicator"] != "export"], tree)
    assert caught.value.violations["column"].tolist() == ["export"] * 3


def test_an_indicator_without_weight_is_never_missed(tree, data):
    tree.loc[tree["code"].isin(["level", "trade"]), "weight"] = [1, 0]
    found = competitiveness_index(data[data["indicator"] != "export"], tree)
    assert found.value(region="安徽", node="all") == 90
    assert found.where(node="all").table["coverage"].tolist() == [1, 1, 1]


def test_an_unknown_indicator_and_the_nearest(tree, data):
    with pytest.raises(DataError, match=r"no indicator 'exprot'\. The nearest is 'export'"):
        competitiveness_index(data.replace({"indicator": {"export": "exprot"}}), tree, lang="en")


def test_a_node_that_is_no_leaf_is_no_indicator(tree, data):
    extra = pd.concat([data, pd.DataFrame({"indicator": ["level"], "region": ["安徽"], "estimate": [80.0]})])
    with pytest.raises(DataError, match="level"):
        competitiveness_index(extra, tree)


def test_another_unit_than_that_of_the_bounds_is_refused(tree, data):
    with pytest.raises(DataError, match="is in ‰ and the bounds of the framework table are in %"):
        competitiveness_index(of_each(data, unit="‰"), tree, lang="en")
    with pytest.raises(DataError, match="is in ‰"):
        competitiveness_index(data.assign(unit="‰"), tree, lang="en")


def test_a_unit_twice_is_refused_in_any_spelling(tree, data):
    twice = pd.concat([data, data[data["region"] == "安徽"].assign(region="Anhui")])
    with pytest.raises(DataError, match=r"more than once \(安徽\)"):
        competitiveness_index(twice, tree, lang="en")


def test_an_indicator_twice_in_a_list_is_refused(tree, data):
    parts = of_each(data)
    with pytest.raises(DataError, match="'pass'"):
        competitiveness_index([*parts, parts[0]], tree, lang="en")


def test_other_keys_are_refused(tree, data):
    parts = of_each(data)
    parts[2] = estimate("export", [["2023", "安徽", 10.0]], keys=("period", "region"))
    with pytest.raises(DataError, match="keys of 'export' are period, region and those of 'pass' are region"):
        competitiveness_index(parts, tree, lang="en")


@pytest.mark.parametrize("form", [[], {}, "qci", 3, {"pass": 90.0}, [90.0]])
def test_what_is_no_indicator_is_refused(tree, form):
    with pytest.raises(DataError):
        competitiveness_index(form, tree)


@pytest.mark.parametrize("column", ["indicator", "estimate"])
def test_a_table_without_its_columns_is_refused(tree, data, column):
    with pytest.raises(DataError, match=column):
        competitiveness_index(data.rename(columns={column: "x"}), tree)


def test_an_unknown_policy_is_answered_with_those_there_are(tree, data):
    with pytest.raises(OptionError, match="renormalise"):
        competitiveness_index(data, tree, missing="renormalize")


def test_the_weakest_claim_and_all_provenances_travel(tree, data):
    parts = of_each(data, inference="design", provenance=("published:mqr",))
    strong = competitiveness_index(parts, tree)
    assert (strong.inference, strong.provenance) == ("design", ("published:mqr", "framework:table"))
    parts[0] = parts[0].replace(inference="superpopulation", provenance=("simulated:inspections seed=0",))
    weak = competitiveness_index(parts, tree)
    assert (weak.inference, weak.simulated, strong.simulated) == ("superpopulation", True, False)
    parts[1] = parts[1].replace(inference="none")
    assert competitiveness_index(parts, tree).inference == "none"


def test_the_provenance_of_a_table_is_its_column(tree, data):
    marked = data.assign(provenance=["simulated:exports seed=1", *["user"] * (len(data) - 1)])
    assert competitiveness_index(marked, tree).simulated
    assert competitiveness_index(data, tree).provenance == ("user", "framework:table")


def test_a_key_is_spelt_once_however_often_it_stands(tree, data, monkeypatch):
    from qstats.index import given

    told, spelt = [], given.spelt
    monkeypatch.setattr(given, "spelt", lambda key, cell: told.append(cell) or spelt(key, cell))
    assert root(competitiveness_index(data, tree)) == SCORES
    assert sorted(told) == sorted(set(data["region"]))


def test_an_estimate_that_is_not_finite_is_refused_before_it_is_drawn(tree, data):
    from qstats.index.uncertainty import uncertainty

    parts = of_each(data)
    table = parts[1].table
    table.loc[2, "estimate"] = np.inf
    parts[1] = parts[1].replace(table)
    for build in (competitiveness_index, lambda *given, **to: uncertainty(*given, unknown="fixed", **to)):
        with pytest.raises(DataError, match="The value of 'loss' for 湖北 is inf") as caught:
            build(parts, tree, lang="en")
        assert caught.value.violations["row"].tolist() == [2]


def test_many_keys_of_many_values_are_told_apart(tree):
    """300 values in each of nine keys are 10²² possible units, more than a whole number holds."""
    keys = {f"k{k}": [f"v{i * (2 * k + 1) % 300:03d}" for i in range(300)] for k in range(9)}
    given = pd.DataFrame({"indicator": "export", **keys, "estimate": np.linspace(0, 50, 300)})
    alone = tree[tree["code"].isin(["trade", "export"])].assign(weight=1.0)
    alone.loc[alone["code"] == "trade", "parent"] = ""
    found = competitiveness_index(given, alone).where(node="export").table
    both = found.merge(given, on=list(keys), validate="one_to_one")
    assert len(both) == 300
    np.testing.assert_array_equal(both["value"], both["estimate_y"])
    assert found[list(keys)].apply(tuple, axis=1).is_monotonic_increasing
