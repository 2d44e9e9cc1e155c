import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index.audit import audit, compare_specifications


@pytest.fixture
def many():
    """Return 40 units: loss is high where pass is high, so that its score works against it."""
    rng = np.random.default_rng(2)
    z = rng.normal(size=40)
    wide = pd.DataFrame(
        {
            "pass": 82 + 3 * z,
            "loss": np.clip(1 + 0.2 * z + 0.1 * rng.normal(size=40), 0, 2),
            "export": 25 + 5 * z + 0.5 * rng.normal(size=40),
        },
        index=pd.Index([f"R{i}" for i in range(40)], name="region"),
    )
    long = wide.reset_index().melt("region", var_name="indicator", value_name="estimate")
    return long[["indicator", "region", "estimate"]]


def rows(found, check, **keys):
    found = found[found["check"] == check]
    for key, value in keys.items():
        found = found[found[key] == value]
    return found


def test_indicators_that_work_against_each_other_are_flagged(tree, many):
    row = rows(audit(many, tree), "correlation within", node="level").iloc[0]
    assert row["flag"] == "negative" and row["value"] < -0.8 and row["limit"] == -0.4
    alpha = rows(audit(many, tree), "alpha", node="level").iloc[0]
    assert alpha["value"] < 0 and alpha["flag"] == "low"


def test_indicators_that_say_the_same_are_flagged_across_groups_too(tree, many):
    row = rows(audit(many, tree), "correlation across").iloc[0]
    assert {row["element"], row["other"]} == {"pass", "export"} and row["flag"] == "redundant"
    assert rows(audit(many, tree, limits={"redundant": 0.999}), "correlation across").empty


def test_limits_can_be_others_and_a_misspelt_one_is_named(tree, many):
    row = rows(audit(many, tree, limits={"negative": -1.0}), "correlation within", node="level").iloc[0]
    assert row["flag"] == ""
    with pytest.raises(OptionError, match="redundant"):
        audit(many, tree, limits={"redundent": 0.9})


def test_the_kind_of_correlation_matters(tree, many):
    values = {
        how: rows(audit(many, tree, correlation=how), "correlation within", node="level")["value"].iloc[0]
        for how in ("pearson", "spearman", "kendall")
    }
    assert len(set(values.values())) == 3


def test_a_score_that_follows_size_is_flagged(tree, many):
    size = many[many["indicator"] == "export"][["region"]].assign(
        output=many.loc[many["indicator"] == "export", "estimate"].to_numpy() ** 2, area=range(40)
    )
    found = audit(many, tree, sizes=size.sample(frac=1, random_state=0))
    assert rows(found, "size", node="export", element="output")["flag"].iloc[0] == "size"
    assert rows(found, "size", node="export", element="area")["flag"].iloc[0] == ""
    with pytest.raises(DataError, match="1 units have no"):
        audit(many, tree, sizes=size.iloc[1:][["region", "output"]], lang="en")
    with pytest.raises(DataError, match="one row a unit"):
        audit(many, tree, sizes=pd.concat([size, size]), lang="en")


def test_sizes_are_known_in_any_spelling_and_by_their_index(tree, data):
    size = pd.DataFrame({"region": ["安徽省", "Jiangsu", "湖北"], "people": ["6 113", "8,515", "5844"]})
    plain = pd.DataFrame({"region": ["安徽", "江苏", "湖北"], "people": [6113.0, 8515, 5844]})
    found = [rows(audit(data, tree, sizes=s), "size") for s in (size, plain, plain.set_index("region"))]
    assert found[0]["value"].notna().all()
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other)
    with pytest.raises(DataError, match="'people' should hold finite numbers; found many"):
        audit(data, tree, sizes=size.assign(people=["1", "2", "many"]))


def test_leaving_out_what_has_no_company_is_not_asked(tree, many):
    found = rows(audit(many, tree), "leave one out").set_index("element")["value"]
    assert set(found.index) == {"level", "trade", "pass", "loss"}
    assert (found >= 0).all() and found.max() > 0


def test_a_step_misspelt_is_named_by_the_argument_it_stands_in(tree, data):
    with pytest.raises(OptionError, match=r"^other_steps='agregation' is not .* Did you mean 'aggregation'"):
        compare_specifications(data, tree, other_steps={"agregation": "harmonic"})
    with pytest.raises(OptionError, match=r"^steps='agregation' is not"):
        compare_specifications(data, tree, steps={"agregation": "harmonic"})


def test_two_specifications_are_compared_node_by_node(tree, data):
    other = tree.assign(
        weight=tree["weight"].mask(tree["code"] == "level", 0.25).mask(tree["code"] == "trade", 0.75)
    )
    found = compare_specifications(data, tree, other).set_index(["region", "node"])
    row = found.loc[("安徽", "all")]
    assert [row["score"], row["other_score"]] == pytest.approx([0.75 * 90 + 17, 0.25 * 90 + 0.75 * 68])
    assert [row["rank"], row["other_rank"], row["rank_change"]] == [2, 3, -1]
    assert (found.xs("pass", level="node")["rank_change"] == 0).all()
    means = compare_specifications(data, tree, other_steps={"aggregation": "harmonic"}).set_index(
        ["region", "node"]
    )
    assert means.loc[("安徽", "all"), "other_score"] == pytest.approx(1 / (0.75 / 90 + 0.25 / 68), rel=1e-12)


def test_a_main_effect_is_not_the_weight(tree):
    """Two indicators without correlation, of one spread, explain as their squared weights: 36 to 16."""
    values = {"pass": [60, 100, 60, 100], "loss": [2, 2, 0, 0], "export": [5, 10, 20, 40]}
    data = pd.DataFrame([(q, r, x) for q, row in values.items() for r, x in zip("ABCD", row, strict=True)])
    found = audit(data.set_axis(["indicator", "region", "estimate"], axis=1), tree)
    said, does = (rows(found, check).set_index("element")["value"] for check in ("weight", "main effect"))
    assert said[["pass", "loss"]].tolist() == [0.6, 0.4]
    np.testing.assert_allclose(does[["pass", "loss"]], [36 / 52, 16 / 52], rtol=1e-12)
    assert said["export"] == does["export"] == 1
    assert rows(found, "kmo", node="level")["value"].isna().all()  # nothing is correlated: 0/0


def test_a_child_that_never_moves_leaves_the_main_effects_unknown(tree, data):
    flat = data.assign(estimate=data["estimate"].where(data["indicator"] != "loss", 1.0))
    does = rows(audit(flat, tree), "main effect").set_index("element")["value"]
    assert does[["pass", "loss"]].isna().all() and does["export"] == 1
