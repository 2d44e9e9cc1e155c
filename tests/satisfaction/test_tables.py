"""The tables of a study."""

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.errors import OptionError
from qstats.indicators.customer_satisfaction import customer_satisfaction
from qstats.survey.design import Design

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "QUAL;SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
        "label_zh": ["质量", "满意", "忠诚"],
        "label_en": ["quality", "satisfaction", "loyalty"],
    }
)


@pytest.fixture
def study(survey):
    return satisfaction.study(survey, model=MODEL, replicates=300)


def test_total_effects_are_direct_and_indirect_ones(study):
    table = satisfaction.paths(study).table
    wide = table.pivot(index=["to", "from"], columns="effect", values="estimate").fillna(0.0)
    np.testing.assert_allclose(wide["direct"] + wide["indirect"], wide["total"], rtol=1e-12)
    both = wide.loc[("LOY", "QUAL")]
    assert both["indirect"] == pytest.approx(
        wide.loc[("SAT", "QUAL"), "direct"] * wide.loc[("LOY", "SAT"), "direct"], rel=1e-12
    )
    # a path that the model does not have is not listed
    assert len(table) == 3 + 1 + 3


def test_intervals_of_paths_are_percentiles_unless_said_otherwise(study, survey):
    percentile, t, bca = (satisfaction.paths(study, interval=i).table for i in (None, "t", "bca"))
    np.testing.assert_allclose(t["conf_high"] - t["estimate"], t["estimate"] - t["conf_low"], rtol=1e-10)
    for other in (t, bca):
        assert (percentile["conf_low"] != other["conf_low"]).all()
    np.testing.assert_array_equal(percentile["std_error"], t["std_error"])
    assert (percentile["clear"] == ((percentile["conf_low"] > 0) | (percentile["conf_high"] < 0))).all()
    narrow = satisfaction.paths(study, level=0.5).table
    assert (narrow["conf_low"] > percentile["conf_low"]).all()
    jack = satisfaction.study(survey, model=MODEL, design=Design(cluster="cluster").replicate("jk1"))
    table = satisfaction.paths(jack).table
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], table["estimate"] - table["conf_low"])
    with pytest.raises(OptionError, match="replicates"):
        satisfaction.paths(satisfaction.study(survey, model=MODEL, error="linearised"))


def test_f2_and_vif_are_of_direct_effects_only(study):
    table = satisfaction.paths(study).table.set_index(["to", "from", "effect"])
    assert table.loc[("SAT", "QUAL", "direct"), "vif"] == pytest.approx(1)
    assert table.loc[("LOY", "QUAL", "direct"), "vif"] > 1
    r2 = satisfaction.constructs(study).set_index("construct").loc["SAT", "r2"]
    assert table.loc[("SAT", "QUAL", "direct"), "f2"] == pytest.approx(r2 / (1 - r2), rel=1e-10)
    assert table.loc[("LOY", "QUAL", "indirect"), ["vif", "f2"]].isna().all()


def test_importance_is_the_total_effect_in_points_and_performance_the_index(study, survey):
    table = satisfaction.importance_performance(study, index_of="LOY").table.set_index("construct")
    assert table.index.tolist() == ["QUAL", "SAT"]
    total = satisfaction.paths(study).table.query("effect == 'total'").set_index(["to", "from"])["estimate"]
    items = satisfaction.items(study)

    def spread(construct):
        own = items[items["construct"] == construct].set_index("item")["index_weight"]
        return (((survey[own.index] - 1) / 9 * 100) @ own).std(ddof=0)

    for construct in table.index:
        expected = total["LOY", construct] * spread("LOY") / spread(construct)
        assert table.loc[construct, "estimate"] == pytest.approx(expected, rel=1e-9)
        own = customer_satisfaction(survey, model=MODEL, index_of=construct, replicates=300).table.iloc[0]
        assert table.loc[construct, "performance"] == pytest.approx(own["estimate"], rel=1e-12)
        assert table.loc[construct, "performance_std_error"] == pytest.approx(own["std_error"], rel=1e-12)
    assert satisfaction.importance_performance(study).table["construct"].tolist() == ["QUAL"]
    raw = satisfaction.importance_performance(study, index_of="LOY", convention="R").table
    assert (raw["estimate"].to_numpy() != table["estimate"].to_numpy()).all()


def test_weights_of_items_add_up_to_1_in_each_construct_and_make_the_index(study, survey):
    for convention in ("U", "S", "R", "M"):
        items = satisfaction.items(study, convention=convention)
        np.testing.assert_allclose(items.groupby("construct")["index_weight"].sum(), 1, rtol=1e-12)
        own = items.query("construct == 'SAT'")
        made = customer_satisfaction(
            survey, method="mean", items=list(own["item"]), weights=list(own["index_weight"])
        )
        same = customer_satisfaction(survey, model=MODEL, convention=convention, error="linearised")
        assert made.value() == pytest.approx(same.value(), rel=1e-10)


def test_errors_of_weights_and_loadings_are_those_of_the_replicates(study, survey):
    items = satisfaction.items(study)
    assert (items[["weight_std_error", "loading_std_error"]] > 0).all(axis=None)
    assert items["loading_std_error"].max() < 0.1
    none = satisfaction.items(satisfaction.study(survey, model=MODEL, error="linearised"))
    assert none[["weight_std_error", "loading_std_error"]].isna().all(axis=None)
    np.testing.assert_allclose(none["loading"], items["loading"], rtol=1e-12)


def test_measures_of_constructs_are_the_formulas_of_their_correlations(study, survey):
    table = satisfaction.constructs(study).set_index("construct")
    own = survey[["s1", "s2", "s3"]].corr().to_numpy()
    assert table.loc["SAT", "alpha"] == pytest.approx(3 / 2 * (1 - 3 / own.sum()), rel=1e-10)
    assert table.loc["SAT", "eigenvalue_1"] == pytest.approx(np.linalg.eigvalsh(own)[-1], rel=1e-10)
    assert np.isnan(table.loc["QUAL", "r2"])
    assert table["items"].tolist() == [3, 3, 2]
    assert table["zh"].tolist() == ["质量", "满意", "忠诚"]
    assert table["en"].tolist() == ["quality", "satisfaction", "loyalty"]
    pairs = satisfaction.discriminant(study).set_index(["a", "b"])
    R = survey[["s1", "s2", "s3", "q1", "q2", "q3"]].corr().to_numpy()
    within = [R[np.triu_indices(3, 1)].mean(), R[3:, 3:][np.triu_indices(3, 1)].mean()]
    expected = R[:3, 3:].mean() / np.sqrt(np.prod(within))
    assert pairs.loc[("SAT", "QUAL"), "htmt"] == pytest.approx(expected, rel=1e-10)
    assert (pairs["htmt_low"] < pairs["htmt"]).all()
    assert (pairs["htmt"] < pairs["htmt_high"]).all()
    lower = satisfaction.discriminant(study, level=0.5).set_index(["a", "b"])
    assert (lower["htmt_low"] > pairs["htmt_low"]).all()


def test_measures_of_fit_are_those_of_the_composites(study):
    row = satisfaction.fit_measures(study).iloc[0]
    items = satisfaction.items(study)
    r2 = satisfaction.constructs(study)["r2"].mean()
    assert row["gof"] == pytest.approx(np.sqrt(items["communality"].mean() * r2), rel=1e-10)
    assert row["d_uls"] == pytest.approx(row["srmr"] ** 2 * 8 * 9 / 2, rel=1e-9)
    assert row["iterations"] > 1


def test_every_table_has_the_keys_of_the_groups(survey):
    study = satisfaction.study(survey, model=MODEL, by="brand", replicates=40, minimum_n=30)
    for table in (
        satisfaction.paths(study).table,
        satisfaction.importance_performance(study).table,
        satisfaction.conventions(study).table,
        satisfaction.items(study),
        satisfaction.constructs(study),
        satisfaction.discriminant(study),
        satisfaction.fit_measures(study),
    ):
        assert sorted(table["brand"].unique()) == ["a", "b", "c"]
    one = satisfaction.study(survey.query("brand == 'b'"), model=MODEL, error="linearised")
    both = satisfaction.constructs(study).query("brand == 'b'").drop(columns="brand").reset_index(drop=True)
    pd.testing.assert_frame_equal(both, satisfaction.constructs(one), rtol=1e-10)


def test_suppressed_groups_are_in_no_table_of_measures(survey):
    survey.loc[:9, "brand"] = "tiny"
    study = satisfaction.study(survey, model=MODEL, by="brand", replicates=10)
    assert "tiny" not in set(satisfaction.constructs(study)["brand"])
    assert "tiny" not in set(satisfaction.items(study)["brand"])
    paths = satisfaction.paths(study).table.query("brand == 'tiny'")
    assert paths[["estimate", "std_error", "n", "p"]].isna().all(axis=None)


def test_an_item_that_was_dropped_is_in_no_measure(survey):
    turned = survey.assign(s2=11 - survey["s2"])
    study = satisfaction.study(turned, model=MODEL, negative="drop", replicates=10)
    assert satisfaction.constructs(study)["items"].tolist() == [3, 2, 2]
    without = MODEL.assign(items=["q1;q2;q3", "s1;s3", "l1;l2"])
    same = satisfaction.study(survey, model=without, replicates=10)
    pd.testing.assert_frame_equal(satisfaction.constructs(study), satisfaction.constructs(same), rtol=1e-9)
    one, two = (satisfaction.paths(of).table["estimate"] for of in (study, same))
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_a_study_says_what_it_is(study, survey):
    assert repr(study) == "Study(240 respondents, 8 items, 1 groups, model user, 300 replicates (bootstrap))"
    line = satisfaction.study(survey, model=MODEL, by="brand", error="linearised")
    assert repr(line) == "Study(240 respondents, 8 items, 3 groups, model user, linearised)"
