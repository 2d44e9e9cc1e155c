"""Steps that a framework names in its own columns, for single indicators and nodes."""

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats import values
from qstats.errors import DataError, FrameworkError
from qstats.index import own_steps
from qstats.stats import aggregation, imputation, normalisation, treatment

LEAVES = ["pass", "loss", "export"]
SIGN = np.array([1, -1, 1])
MINMAX = {"normalisation": {"method": "minmax", "to": (60, 100)}}


@pytest.fixture
def wide():
    rng = np.random.default_rng(7)
    x = rng.uniform([65, 0.1, 2], [99, 1.9, 48], (20, 3))
    x[3] = [99.9, 9.0, 400.0]  # far out in losses and exports
    return pd.DataFrame(x, [f"R{i:02d}" for i in range(20)], LEAVES)


def long(wide):
    table = wide.rename_axis("region").rename_axis(columns="indicator").stack().rename("estimate")
    return table.reset_index()[["indicator", "region", "estimate"]]


def named(tree, **cells):
    """Return the tree with cells of further columns: column=(code, cell)."""
    for column, (code, cell) in cells.items():
        tree = tree.assign(**{column: np.where(tree["code"] == code, cell, "")})
    return tree


def scores(index):
    return index.table.pivot(index="region", columns="node", values="estimate")


def test_an_indicator_is_normalised_its_own_way_and_the_others_as_the_step_says(tree, wide):
    found = scores(qs.specified_index(long(wide), named(tree, normalisation=("loss", "rank")), steps=MINMAX))
    x = wide.to_numpy()
    usual = normalisation.apply(x, normalisation.fit(x, "minmax", direction=SIGN, to=(60, 100)))
    rank = normalisation.apply(x[:, 1:2], normalisation.fit(x[:, 1:2], "rank", direction=[-1]))
    np.testing.assert_array_equal(found[["pass", "export"]], usual[:, [0, 2]])
    np.testing.assert_array_equal(found["loss"], rank[:, 0])
    assert found["loss"].max() == 20


def test_an_indicator_is_left_alone_where_others_are_treated(tree, wide):
    steps = {**MINMAX, "treatment": {}}
    found = scores(qs.specified_index(long(wide), named(tree, treatment=("loss", "as-is")), steps=steps))
    x = wide.to_numpy()
    treated = treatment.apply(x, treatment.fit(x))
    assert treated[3, 1] < x[3, 1] and treated[3, 2] < x[3, 2]
    treated[:, 1] = x[:, 1]
    expected = normalisation.apply(
        treated, normalisation.fit(treated, "minmax", direction=SIGN, to=(60, 100))
    )
    np.testing.assert_array_equal(found[LEAVES], expected)


@pytest.mark.parametrize("cell, transform", [("winsorise", "none"), ("log", "log"), ("box-cox", "box-cox")])
def test_a_treatment_of_its_own_is_the_one_it_names(tree, wide, cell, transform):
    own = named(tree, treatment=("export", cell))
    found = scores(qs.specified_index(long(wide), own, steps=MINMAX))
    x = wide.to_numpy(copy=True)
    x[:, 2:] = treatment.apply(x[:, 2:], treatment.fit(x[:, 2:], transform=transform))
    expected = normalisation.apply(x, normalisation.fit(x, "minmax", direction=SIGN, to=(60, 100)))
    np.testing.assert_array_equal(found[LEAVES], expected)


def test_an_indicator_is_imputed_where_the_others_stay_missing(tree, wide):
    wide.loc["R05", ["loss", "export"]] = np.nan
    index = qs.specified_index(
        long(wide), named(tree, imputation=("loss", "median")), steps=MINMAX, missing="renormalise"
    )
    found, x = scores(index), wide[["loss"]].to_numpy()
    filled = imputation.apply(x, imputation.fit(x, "median")).value
    expected = normalisation.apply(filled, normalisation.fit(filled, "minmax", direction=[-1], to=(60, 100)))
    np.testing.assert_array_equal(found["loss"], expected[:, 0])
    assert np.isnan(found.loc["R05", "export"]) and np.isfinite(found.loc["R05", "all"])


def test_the_mean_of_a_node_is_the_one_it_names_as_when_the_step_says_so(tree, wide):
    own = scores(
        qs.specified_index(long(wide), named(tree, aggregation=("level", "geometric")), steps=MINMAX)
    )
    said = MINMAX | {"aggregation": {"method": "arithmetic", "nodes": {"level": "geometric"}}}
    pd.testing.assert_frame_equal(own, scores(qs.specified_index(long(wide), tree, steps=said)))
    np.testing.assert_allclose(own["level"], own["pass"] ** 0.6 * own["loss"] ** 0.4, rtol=1e-14)
    first = MINMAX | {"aggregation": {"method": "arithmetic", "nodes": {"level": "harmonic"}}}
    both = named(tree, aggregation=("level", "geometric"))
    pd.testing.assert_frame_equal(
        scores(qs.specified_index(long(wide), both, steps=first)),
        scores(qs.specified_index(long(wide), tree, steps=first)),
    )


def test_a_node_with_too_little_below_it_has_no_score(tree, wide):
    wide.loc["R05", "loss"] = np.nan
    covered = tree.assign(min_coverage=np.where(tree["code"] == "level", 0.6, np.nan))
    found, usual = (
        scores(qs.specified_index(long(wide), t, steps=MINMAX, missing="renormalise"))
        for t in (covered, tree)
    )
    assert np.isnan(found.loc["R05", "level"]) and np.isfinite(usual.loc["R05", "level"])
    pd.testing.assert_frame_equal(found.drop("R05"), usual.drop("R05"))


def test_what_is_screened_out_leaves_each_indicator_its_own_step(tree, wide):
    wide.loc["R05", ["pass", "loss"]] = np.nan
    own = named(tree, normalisation=("loss", "rank"))
    steps = MINMAX | {"screening": {"min_unit": 0.6}}
    found = scores(qs.specified_index(long(wide), own, steps=steps))
    alone = scores(qs.specified_index(long(wide.drop("R05")), own, steps=MINMAX))
    pd.testing.assert_frame_equal(found.drop("R05"), alone)
    assert found.loc["R05"].isna().all()


def test_alternatives_of_a_step_leave_an_indicator_its_own(tree, wide):
    own = named(tree, normalisation=("loss", "rank"))
    runs = qs.index_runs(
        long(wide),
        own,
        steps=MINMAX,
        alternatives={"normalisation": [{"method": "minmax", "to": (0, 90)}]},
        sampling="none",
        n_runs=4,
    )
    at = runs.prepared.tree.codes.index("loss")
    np.testing.assert_array_equal(runs.score[at], np.broadcast_to(runs.nominal[at], runs.score[at].shape))
    at = runs.prepared.tree.codes.index("pass")
    assert (runs.score[at] != runs.nominal[at]).all()


def test_empty_cells_change_nothing(tree, wide):
    blank = tree.assign(aggregation="", normalisation=None, treatment=np.nan, imputation=" ", min_coverage="")
    pd.testing.assert_frame_equal(
        qs.specified_index(long(wide), blank, steps=MINMAX).table,
        qs.specified_index(long(wide), tree, steps=MINMAX).table,
    )
    assert qs.competitiveness_index(long(wide), blank).value(node="all", region="R00") > 60


def test_every_wrong_cell_is_a_fault(tree):
    wrong = tree.assign(
        aggregation=["geometrc", "", "", "geometric", "", ""],
        normalisation=["", "rank", "", "", "rnak", ""],
        min_coverage=[1.5, "", "", "", "", 0.5],
    )
    with pytest.raises(FrameworkError) as raised:
        qs.framework(wrong, lang="en")
    said = "\n".join(raised.value.faults)
    assert len(raised.value.faults) == 6
    assert "it is 'geometrc'. The nearest is 'geometric'" in said
    assert "it is 'rnak'. The nearest is 'rank'" in said
    assert "'pass' is an indicator; aggregation is of nodes" in said
    assert "'level' has nodes below it; normalisation is of indicators" in said
    assert "The min_coverage of 'all' should be between 0 and 1; it is 1.5" in said
    assert "'export' is an indicator; min_coverage" in said


def test_a_column_spelt_nearly_so_is_a_fault(tree):
    with pytest.raises(FrameworkError, match="normalisation"):
        qs.framework(tree.assign(normalization=""), lang="en")


def test_the_index_of_fixed_bounds_refuses_steps_it_does_not_take(tree, wide):
    with pytest.raises(FrameworkError, match=r"normalisation.*qs\.specified_index"):
        qs.competitiveness_index(long(wide), named(tree, normalisation=("loss", "rank")), lang="en")


def test_a_fault_in_the_data_names_the_indicator(tree, wide):
    wide["loss"] = 1.0
    with pytest.raises(DataError, match="loss"):
        qs.specified_index(long(wide), named(tree, normalisation=("loss", "zscore")), steps=MINMAX)


def test_no_word_of_a_cell_reads_as_an_empty_one():
    words = {word for known in own_steps.LEAF.values() for word in known} | set(aggregation.METHODS)
    assert not [word for word in words if values.is_missing(word)]
