import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats.analysis.change import change
from qstats.errors import DataError
from qstats.index.build import competitiveness_index
from qstats.index.contributions import contributions


def gaps(index, parts):
    """Return what each depth of a complete tree lacks of the score of the root."""
    root = index.where(node="all").table.set_index("region")["estimate"].dropna()
    sums = parts.table.groupby(["region", "depth"])["estimate"].sum().unstack()
    return sums.sub(root, axis=0).abs().to_numpy()


def test_contributions_are_weight_times_score(tree, data):
    found = contributions(competitiveness_index(data, tree)).where(region="安徽").table.set_index("node")
    assert found["estimate"].to_dict() == pytest.approx(
        {"all": 84.5, "level": 67.5, "trade": 17, "pass": 40.5, "loss": 27, "export": 17}
    )
    assert found["share"]["trade"] == pytest.approx(100 * 17 / 84.5)
    assert found["score"]["pass"] == pytest.approx(90)


def test_they_add_up_to_the_score_at_every_depth(tree, data):
    index = competitiveness_index(data, tree)
    assert gaps(index, contributions(index)).max() < 1e-10


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=9, max_size=9).filter(
        lambda x: any(v is not None for v in x)
    )
)
def test_they_add_up_under_renormalisation_too(tree, data, values):
    index = competitiveness_index(
        data.assign(estimate=pd.array(values, dtype="Float64").to_numpy(float, na_value=np.nan)),
        tree,
        missing="renormalise",
    )
    assert gaps(index, contributions(index)).max() < 1e-10


def test_what_was_not_observed_is_left_out_and_counted(tree, data):
    holes = data[(data["region"] != "安徽") | (data["indicator"] != "export")]
    index = competitiveness_index(holes, tree, missing="renormalise")
    found = contributions(index, lang="en")
    assert found.where(region="安徽").table["node"].tolist() == ["all", "level", "pass", "loss"]
    assert found.notes[-1].startswith("2 nodes without data are left out")
    assert contributions(competitiveness_index(data, tree)).notes == competitiveness_index(data, tree).notes


def test_errors_are_those_of_the_scores_times_the_weight(tree, data):
    errors = {"pass": 1.0, "loss": 0.1, "export": 2.5}
    index = competitiveness_index(data.assign(std_error=data["indicator"].map(errors)), tree)
    one, two = index.table, contributions(index).table
    for column in ("std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(two[column], one[column] * one["weight"], rtol=1e-12)


def test_the_change_of_a_score_splits_likewise(tree, data):
    later = data.assign(estimate=data["estimate"] * [1.01, 1.02, 1.1, 0.5, 0.7, 0.9, 1.3, 1.1, 0.9])
    both = pd.concat([data.assign(period="2022"), later.assign(period="2023")])
    index = competitiveness_index(both[["indicator", "period", "region", "estimate"]], tree)
    parts, whole = change(contributions(index)).table, change(index.where(node="all"))
    leaves = parts[parts["node"].isin(["pass", "loss", "export"])]
    sums = leaves.groupby("region")["estimate"].sum()
    for region, moved in sums.items():
        assert moved == pytest.approx(whole.value(region=region), abs=1e-10)
        assert moved != 0


def test_one_unit_without_a_key(tree):
    table = pd.DataFrame({"indicator": ["pass", "loss", "export"], "estimate": [90, 0.5, 10]})
    found = contributions(competitiveness_index(table, tree)).table
    assert found["share"].tolist() == pytest.approx([100 * x / 84.5 for x in (84.5, 67.5, 17, 40.5, 27, 17)])


def test_a_table_that_lacks_a_part_is_refused(tree, data):
    index = competitiveness_index(data, tree)
    kept = index.table.query("not (region == '江苏' and node == 'loss')")
    with pytest.raises(DataError, match="'level' in 江苏"):
        contributions(index.replace(kept), lang="en")


def test_a_table_without_its_root_is_refused(tree, data):
    index = competitiveness_index(data, tree)
    with pytest.raises(DataError, match="'all' in 安徽 is nan"):
        contributions(index.where(node=["level", "pass", "loss"]), lang="en")


def test_what_is_no_index_is_refused(tree, data):
    index = competitiveness_index(data, tree)
    with pytest.raises(DataError, match="weight"):
        contributions(index.replace(index.table.drop(columns="weight")))
