"""An index by any steps: against the formulas, and what must hold whatever the steps."""

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index.build import competitiveness_index
from qstats.index.specified import specified_index
from qstats.stats import imputation, normalisation, treatment

LEAVES = ["pass", "loss", "export"]
SIGN = [1, -1, 1]
STEPS = [
    {},
    {"normalisation": {"method": "minmax", "to": (1, 100)}, "aggregation": "geometric"},
    {"treatment": {"max_winsorised": 1}, "normalisation": {"method": "zscore", "to": (10, 2)}},
    {"normalisation": "percentile-rank", "aggregation": {"method": "power", "power": 0.5}},
    {"normalisation": {"method": "minmax", "to": (1, 100)}, "aggregation": "mazziotta-pareto"},
]


@pytest.fixture
def wide():
    """Return 24 units in two groups and two years, one value of them far out."""
    rng = np.random.default_rng(11)
    x = rng.uniform([65, 0.1, 2], [99, 1.9, 48], (24, 3))
    x[5, 1] = 40.0
    keys = pd.DataFrame({"period": ["2022", "2023"] * 12, "region": [f"R{i // 2:02d}" for i in range(24)]})
    return pd.concat([keys.assign(side=["E", "E", "W", "W"] * 6), pd.DataFrame(x, columns=LEAVES)], axis=1)


def long(wide):
    keys = [c for c in wide.columns if c not in LEAVES]
    table = wide.melt(keys, var_name="indicator", value_name="estimate")
    return table[["indicator", *keys, "estimate"]]


def leaves(index, wide):
    keys = [c for c in wide.columns if c not in LEAVES]
    found = index.table.pivot(index=keys, columns="node", values="estimate")
    return found.loc[pd.MultiIndex.from_frame(wide[keys]), LEAVES].to_numpy()


@pytest.mark.parametrize(
    "options",
    [
        {"method": "minmax", "to": (1.0, 100.0)},
        {"method": "zscore", "ddof": 0},
        {"method": "rank", "ties": "min"},
        {"method": "logistic", "steepness": 2.0},
        {"method": "standard"},
        {"method": "distance-to-target", "target": [99.5, 0.05, 49.0]},
    ],
    ids=lambda o: o["method"],
)
def test_scores_are_those_of_the_formula(tree, wide, options):
    index = specified_index(long(wide), tree, steps={"normalisation": options})
    x = wide[LEAVES].to_numpy()
    expected = normalisation.apply(x, normalisation.fit(x, direction=SIGN, **options))
    np.testing.assert_allclose(leaves(index, wide), expected, rtol=1e-12)


def test_targets_can_stand_in_the_framework(tree, wide):
    goals = {"pass": 99.5, "loss": 0.05, "export": 49.0}
    told = specified_index(
        long(wide), tree.assign(target=tree["code"].map(goals)), steps={"normalisation": "distance-to-target"}
    )
    given = {"method": "distance-to-target", "target": list(goals.values())}
    expected = specified_index(long(wide), tree, steps={"normalisation": given})
    pd.testing.assert_frame_equal(told.table, expected.table)


@pytest.mark.parametrize("within", [None, "period"])
def test_outliers_are_treated_within_the_parts_that_are_named(tree, wide, within):
    steps = {"treatment": {"max_winsorised": 2, "within": within}, "normalisation": "minmax"}
    x, done = wide[LEAVES].to_numpy(), np.empty((24, 3))
    for rows in [np.arange(24)] if within is None else [np.arange(0, 24, 2), np.arange(1, 24, 2)]:
        done[rows] = treatment.apply(x[rows], treatment.fit(x[rows], max_winsorised=2))
    expected = normalisation.apply(done, normalisation.fit(done, "minmax", direction=SIGN))
    np.testing.assert_allclose(
        leaves(specified_index(long(wide), tree, steps=steps), wide), expected, rtol=1e-12
    )


def test_a_treatment_of_the_base_is_applied_to_other_years(tree, wide):
    first = wide["period"] == "2022"
    wide.loc[first & (wide["region"] == "R03"), "loss"] = 30.0
    steps = {"treatment": {"base": {"period": 2022}, "outside": "clip"}, "normalisation": "minmax"}
    x = wide[LEAVES].to_numpy()
    done = treatment.apply(x, treatment.fit(x[first.to_numpy()]), outside="clip")
    expected = normalisation.apply(done, normalisation.fit(done, "minmax", direction=SIGN))
    np.testing.assert_allclose(
        leaves(specified_index(long(wide), tree, steps=steps), wide), expected, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ("mean", {"method": "mean"}),
        ({"method": "group-mean", "groups": "side"}, {"method": "group-mean"}),
        ("row-mean", {"method": "row-mean"}),
        ("em", {"method": "em"}),
    ],
    ids=["mean", "group-mean", "row-mean", "em"],
)
def test_holes_are_filled_as_the_formula_says(tree, wide, options, plain):
    wide.loc[[3, 8], "pass"] = wide.loc[12, "export"] = np.nan
    x = wide[LEAVES].to_numpy()
    groups = pd.factorize(wide["side"])[0] if plain["method"] == "group-mean" else None
    direction = {"direction": SIGN} if plain["method"] == "row-mean" else {}
    done = imputation.apply(x, imputation.fit(x, groups=groups, **plain, **direction), groups=groups).value
    index = specified_index(long(wide), tree, steps={"imputation": options, "normalisation": "minmax"})
    expected = normalisation.apply(done, normalisation.fit(done, "minmax", direction=SIGN))
    np.testing.assert_allclose(leaves(index, wide), expected, rtol=1e-9)
    observed = index.where(node="pass").table.set_index(["period", "region"])["n"]
    assert observed["2023", "R01"] == 0 and observed.sum() == 22


def test_between_fixed_bounds_it_is_the_index_itself_with_holes_too(tree, data):
    holes = data.iloc[1:]
    one = competitiveness_index(holes, tree, missing="renormalise").table
    two = specified_index(holes, tree, missing="renormalise").table
    for column in ("estimate", "n", "coverage", "weight", "value"):
        np.testing.assert_allclose(two[column], one[column], rtol=1e-12)


@pytest.mark.parametrize("steps", STEPS)
def test_the_order_of_rows_and_of_nodes_does_not_matter(tree, wide, steps):
    one = specified_index(long(wide), tree, steps=steps).table.set_index(["period", "region", "side", "node"])
    shuffled = long(wide).sample(frac=1, random_state=1)
    two = specified_index(shuffled, tree.iloc[::-1], steps=steps).table.set_index(one.index.names)
    np.testing.assert_allclose(two.loc[one.index, "estimate"], one["estimate"], rtol=1e-12)


@pytest.mark.parametrize("steps", STEPS[1:])
def test_the_unit_of_an_indicator_does_not_matter_where_scores_are_relative(tree, wide, steps):
    one = specified_index(long(wide), tree, steps=steps).table["estimate"]
    two = specified_index(long(wide.assign(export=1000 * wide["export"])), tree, steps=steps).table[
        "estimate"
    ]
    np.testing.assert_allclose(two, one, rtol=1e-10)


@pytest.mark.parametrize("steps", STEPS)
def test_a_node_with_one_child_is_that_child(tree, wide, steps):
    table = specified_index(long(wide), tree, steps=steps).table.set_index(["period", "region", "node"])[
        "estimate"
    ]
    np.testing.assert_allclose(table.xs("trade", level="node"), table.xs("export", level="node"), rtol=1e-12)


@pytest.mark.parametrize("steps", STEPS)
def test_an_indicator_twice_with_half_its_weight_changes_nothing(tree, wide, steps):
    again = tree[tree["code"] == "export"].assign(code="again")
    two = pd.concat([tree, again], ignore_index=True)
    two.loc[two["code"].isin(["export", "again"]), "weight"] = 0.5
    more = pd.concat([long(wide), long(wide).query("indicator == 'export'").assign(indicator="again")])
    one = specified_index(long(wide), tree, steps=steps).where(node="all").table["estimate"]
    np.testing.assert_allclose(
        specified_index(more, two, steps=steps).where(node="all").table["estimate"], one, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ({"imputation": {"method": "multiple", "groups": "side"}}, "groups"),
        ({"imputation": {"method": "mean", "max_gap": 1}}, "max_gap"),
        ({"imputation": {"method": "group-mean"}}, "needs groups"),
        ({"normalisation": {"method": "minmax", "within": "period", "base": {"period": 2022}}}, "not both"),
        ({"normalisation": {"method": "goalposts"}}, "lower"),
        ({"aggregation": {"method": "power"}}, "needs power"),
        ({"aggregation": {"method": "geometric", "flor": 1}}, "floor"),
        ({"aggregation": ("geometric", {"x": 1})}, "no method, function or mapping"),
        ({"aggregation": 3}, "no method, function or mapping"),
        ({"aggregation": {"nodes": {"levl": "geometric"}}}, "Did you mean 'level'"),
        ({"aggregation": {"nodes": {"pass": "geometric"}}}, "nodes='pass'"),
        ({"aggregation": {"nodes": ["level"]}}, "not a mapping of node to options"),
        ({"aggregation": {"nodes": {"level": {"nodes": {}}}}}, "aggregation='nodes'"),
        ({"aggregation": {"method": "power", "power": "2"}}, "power='2' is not a number"),
        ({"aggregation": {"method": "mean-min", "alpha": True}}, "alpha=True is not a number"),
        ({"aggregation": {"method": "owa", "order_weights": "ab"}}, "no list of numbers"),
        ({"imputation": {"method": "linear", "within": "period"}}, "'linear' has no use for 'within'"),
        ({"imputation": {"method": "regression", "predictors": ["exprt"]}}, "Did you mean 'export'"),
        (
            {"normalisation": {"method": "goalposts", "lower": 0, "upper": {"pass": 1}}},
            "nothing of loss, export",
        ),
        ({"normalisation": {"method": "distance-to-target", "target": [1, 2]}}, "each of the 3 indicators"),
        (
            {"normalisation": {"method": "distance-to-reference", "reference": "R00"}},
            "mapping of key to value",
        ),
    ],
)
def test_options_that_do_not_fit_are_named(tree, wide, steps, match):
    wide.loc[0, "pass"] = np.nan
    with pytest.raises(OptionError, match=match):
        specified_index(long(wide), tree, steps={"imputation": "mean", **steps})


def test_a_floor_is_taken_where_a_geometric_mean_needs_one(tree, wide):
    steps = {"normalisation": "zscore", "aggregation": "geometric"}
    with pytest.raises(DataError, match="not positive"):
        specified_index(long(wide), tree, steps=steps)
    floored = specified_index(
        long(wide), tree, steps={**steps, "aggregation": {"method": "geometric", "floor": 0.1}}
    )
    assert (floored.where(node="all").table["estimate"] > 0).all()


def test_years_that_are_no_numbers_cannot_be_imputed_over(tree, wide):
    wide["period"] = wide["period"] + "Q?"
    wide.loc[0, "pass"] = np.nan
    with pytest.raises(DataError, match="needs years, or periods of one length"):
        specified_index(long(wide), tree, steps={"imputation": "linear"}, lang="en")


def test_bounds_by_code_do_not_depend_on_the_order_they_are_written_in(tree, wide):
    low, high = {"export": 0, "pass": 60, "loss": 0}, {"loss": 50, "export": 60, "pass": 100}
    named = {"method": "goalposts", "lower": pd.Series(low), "upper": high}
    placed = {"method": "goalposts", "lower": [60, 0, 0], "upper": [100, 50, 60]}
    one, two = (specified_index(long(wide), tree, steps={"normalisation": how}) for how in (named, placed))
    np.testing.assert_array_equal(one.table["estimate"], two.table["estimate"])


def test_predictors_of_a_regression_are_named_by_code(tree, wide):
    wide.loc[[0, 3], "pass"] = np.nan
    how = {"method": "regression", "predictors": ["export"]}
    found = specified_index(long(wide), tree, steps={"imputation": how, "normalisation": "minmax"})
    x = wide[LEAVES].to_numpy()
    filled = imputation.apply(x, imputation.fit(x, "regression", predictors=(2,))).value
    np.testing.assert_allclose(
        leaves(found, wide),
        normalisation.apply(filled, normalisation.fit(filled, direction=SIGN)),
        rtol=1e-12,
    )


def test_holes_of_a_year_are_filled_from_its_base_by_group(tree, wide):
    wide.loc[1, "pass"] = np.nan  # 2023, side E
    how = {"method": "group-mean", "groups": "side", "base": {"period": 2022}}
    found = specified_index(
        long(wide), tree, steps={"imputation": how, "normalisation": {"method": "zscore"}}
    )
    base = wide[(wide["period"] == "2022") & (wide["side"] == "E")]["pass"].mean()
    filled = wide["pass"].fillna(base)
    expected = (filled - filled.mean()) / filled.std()
    np.testing.assert_allclose(leaves(found, wide)[:, 0], expected, rtol=1e-12)


def test_a_reference_is_a_unit_of_each_part_by_its_keys(tree, wide):
    how = {"method": "distance-to-reference", "within": "period", "reference": {"region": "R04"}}
    found = leaves(specified_index(long(wide), tree, steps={"normalisation": how}), wide)
    np.testing.assert_allclose(found[wide["region"] == "R04"], 1.0, rtol=1e-12)
    with pytest.raises(DataError, match="reference"):  # without parts it stands once a year
        specified_index(long(wide), tree, steps={"normalisation": {**how, "within": None}}, lang="en")


def test_sizes_are_read_in_any_spelling_and_holes_in_them_are_named(tree, data):
    sizes = pd.DataFrame({"region": ["安徽省", "江苏", "Hubei"], "people": ["2", "４", "1"]})
    halved = data.assign(estimate=data["estimate"] / data["region"].map({"安徽": 2, "江苏": 4, "湖北": 1}))
    steps = {"denomination": {"sizes": sizes, "by": dict.fromkeys(LEAVES, "people")}}
    one, two = specified_index(data, tree, steps=steps), specified_index(halved, tree)
    np.testing.assert_array_equal(one.table["estimate"], two.table["estimate"])
    for cell, match in ((None, "'people' is empty for 湖北"), ("many", "found many"), (np.inf, "found inf")):
        holed = {"sizes": sizes.assign(people=["2", "4", cell]), "by": {"pass": "people"}}
        with pytest.raises(DataError, match=match):
            specified_index(data, tree, steps={"denomination": holed})
    with pytest.raises(OptionError, match="there is no 'pas'"):
        more = {**steps["denomination"], "scale": {"pas": 10}}
        specified_index(data, tree, steps={"denomination": more})


@pytest.mark.parametrize("spelt", ["{}Q{}", "{}年第{}季度"])
def test_quarters_are_imputed_over_as_parts_of_years(tree, spelt):
    quarters = [("2022", 4), ("2023", 1), ("2023", 3)]
    rows = [
        ("export", spelt.format(year, q), "安徽", x)
        for (year, q), x in zip(quarters, (10.0, np.nan, 40.0), strict=True)
    ]
    data = pd.DataFrame(rows, columns=["indicator", "period", "region", "estimate"])
    found = specified_index(data, tree, steps={"imputation": "linear"}, missing="renormalise")
    scores = found.where(node="export").table["estimate"]
    assert scores.tolist() == pytest.approx([60 + 0.8 * x for x in (10, 20, 40)], rel=1e-12)


def test_periods_of_several_lengths_cannot_be_imputed_over(tree):
    rows = [
        ("export", period, "安徽", x) for period, x in (("2022", 10.0), ("2022Q3", np.nan), ("2023", 40.0))
    ]
    data = pd.DataFrame(rows, columns=["indicator", "period", "region", "estimate"])
    with pytest.raises(DataError, match="periods of one length"):
        specified_index(data, tree, steps={"imputation": "linear"}, missing="renormalise", lang="en")
