import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, FrameworkError, OptionError
from qstats.index.build import competitiveness_index
from qstats.stats.rounding import to_decimal

ERRORS = {"pass": 1.0, "loss": 0.1, "export": 2.5}


def changed(data, code, region, estimate):
    data.loc[(data["indicator"] == code) & (data["region"] == region), "estimate"] = estimate
    return data


def at(index, **keys):
    (row,) = index.where(**keys).table.to_dict("records")
    return row


def test_every_node_of_a_unit_by_hand(tree, data):
    found = competitiveness_index(data, tree).where(region="安徽").table
    assert dict(zip(found["node"], found["estimate"], strict=True)) == pytest.approx(
        {"all": 84.5, "level": 90, "trade": 68, "pass": 90, "loss": 90, "export": 68}, abs=1e-12
    )
    assert found["n"].tolist() == [3, 2, 1, 1, 1, 1]
    assert found["value"].tolist()[3:] == [90, 0.5, 10] and found["value"].head(3).isna().all()
    assert found["weight"].tolist() == pytest.approx([1, 0.75, 0.25, 0.45, 0.3, 0.25])
    assert found["parent"].tolist() == ["", "all", "all", "level", "level", "trade"]


def test_nodes_come_in_the_order_of_the_framework_for_every_unit(tree, data):
    found = competitiveness_index(data, tree)
    assert found.keys == ("region", "node")
    assert found.table["node"].tolist() == tree["code"].tolist() * 3
    assert (found.unit, found.indicator) == ("index", "all")


def test_the_score_of_a_loss_is_mirrored(tree, data):
    scores = competitiveness_index(data, tree).where(node="loss").table.set_index("region")["estimate"]
    assert scores.to_dict() == pytest.approx({"安徽": 90, "江苏": 98, "湖北": 80})


def test_a_score_beyond_the_scale_is_cut_flagged_and_counted(tree, data):
    data = changed(changed(data, "loss", "安徽", 2.5), "loss", "湖北", 3)
    data = changed(changed(data, "export", "江苏", 50.1), "pass", "江苏", 100)
    found = competitiveness_index(data, tree, lang="en")
    low, high, limit = (
        at(found, region=r, node=n) for r, n in [("安徽", "loss"), ("江苏", "export"), ("江苏", "pass")]
    )
    assert (low["estimate"], low["flag"], low["value"]) == (60, "clipped low", 2.5)
    assert (high["estimate"], high["flag"], high["value"]) == (100, "clipped high", 50.1)
    assert (limit["estimate"], limit["flag"]) == (100, "")
    notes = [note for note in found.notes if "clipped" in note]
    assert notes == [
        "Scores of loss: 2 clipped at 60, 0 at 100 (of 3).",
        "Scores of export: 0 clipped at 60, 1 at 100 (of 3).",
    ]


def test_without_a_clip_none_is_told(tree, data):
    assert not any("clipped" in note for note in competitiveness_index(data, tree, lang="en").notes)


def test_hypotheses_and_bounds_of_the_user_are_told(tree, data):
    notes = competitiveness_index(data, tree, lang="en").notes
    assert notes == (
        "1 weights and 1 pairs of bounds are hypotheses of this project and not official.",
        "2 pairs of bounds are the choice of the framework (user) and not official.",
    )
    official = tree.assign(weight_provenance="official", bounds_provenance="official")
    assert competitiveness_index(data, official).notes == ()


def test_the_notes_are_in_the_language_asked_for(tree, data):
    notes = competitiveness_index(data, tree.assign(name_zh="甲", name_en="first"), lang="zh").notes
    assert "权重 1 项、上下限 1 项是本项目的假设" in notes[0]


def test_the_population_of_the_framework_is_the_basis(tree, data):
    told = tree.assign(population_zh="高技术制造业", population_en="high-tech manufacturing")
    assert competitiveness_index(data, told, lang="en").basis == "high-tech manufacturing"
    assert competitiveness_index(data, told, lang="zh").basis == "高技术制造业"
    assert competitiveness_index(data, tree).basis == ""


def test_renormalised_weights_stay_in_the_group(tree, data):
    data = changed(data, "loss", "安徽", np.nan)
    found = competitiveness_index(data, tree, missing="renormalise", lang="en")
    root, level, loss, passed = (
        at(found, region="安徽", node=node) for node in ("all", "level", "loss", "pass")
    )
    assert (level["estimate"], level["coverage"], level["flag"], level["n"]) == (90, 0.6, "renormalised", 1)
    assert root["estimate"] == pytest.approx(0.75 * 90 + 0.25 * 68)
    assert (root["coverage"], root["flag"], root["n"]) == (pytest.approx(0.7), "renormalised", 2)
    assert math.isnan(loss["estimate"])
    assert (loss["flag"], loss["weight"], loss["coverage"], loss["n"]) == ("missing", 0, 0, 0)
    assert passed["weight"] == 0.75
    whole = at(found, region="江苏", node="all")
    assert (whole["coverage"], whole["flag"], whole["n"]) == (1, "", 3)
    assert any(note.startswith("loss is missing in 1 of 3 units") for note in found.notes)


def test_the_weight_of_a_group_that_is_missing_goes_to_the_others(tree, data):
    data = changed(data, "export", "安徽", np.nan)
    found = competitiveness_index(data, tree, missing="renormalise")
    root, trade = (at(found, region="安徽", node=node) for node in ("all", "trade"))
    assert (root["estimate"], root["coverage"]) == (90, 0.75)
    assert (trade["flag"], trade["weight"]) == ("missing", 0)
    assert at(found, region="安徽", node="pass")["weight"] == pytest.approx(0.6)


def test_how_many_of_the_indicators_were_used_is_told(tree, data):
    found = competitiveness_index(data[data["indicator"] == "loss"], tree, missing="renormalise", lang="en")
    assert found.notes[0] == "1 of 3 indicators: loss."
    assert found.where(node="all").table["coverage"].tolist() == pytest.approx([0.3] * 3)


def test_a_unit_without_any_value_has_no_score(tree, data):
    for code in ERRORS:
        data = changed(data, code, "安徽", np.nan)
    row = at(competitiveness_index(data, tree, missing="renormalise"), region="安徽", node="all")
    assert math.isnan(row["estimate"])
    assert (row["flag"], row["coverage"], row["n"]) == ("missing", 0, 0)


def test_nothing_is_renormalised_where_nothing_is_missing(tree, data):
    one, two = (competitiveness_index(data, tree, missing=m) for m in ("raise", "renormalise"))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.notes == two.notes


def test_standard_errors_by_hand(tree, data):
    # slopes 40/40, 40/2, 40/50: errors of the scores 1, 2, 2
    found = competitiveness_index(data.assign(std_error=data["indicator"].map(ERRORS)), tree)
    errors = found.where(region="安徽").table.set_index("node")["std_error"]
    assert errors["pass"] == pytest.approx(1) and errors["loss"] == errors["export"] == pytest.approx(2)
    assert errors["level"] == pytest.approx(math.hypot(0.6 * 1, 0.4 * 2))
    assert errors["all"] == pytest.approx(math.hypot(0.75 * 1.0, 0.25 * 2))
    assert found.inference == "superpopulation"


@pytest.mark.parametrize(("level", "z"), [(0.95, 1.959963984540054), (0.8, 1.2815515655446004)])
def test_the_interval_is_normal_and_kept_on_the_scale(tree, data, level, z):
    data = data.assign(std_error=data["indicator"].map(ERRORS))
    found = competitiveness_index(data, tree, level=level)
    row, high = at(found, region="安徽", node="all"), at(found, region="江苏", node="loss")
    half = z * math.sqrt(0.8125)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((84.5 - half, 84.5 + half))
    assert (high["conf_low"], high["conf_high"]) == (pytest.approx(98 - 2 * z), 100)
    assert found.level == level


def test_an_error_that_is_not_known_is_not_zero(tree, data):
    found = competitiveness_index(data, tree)
    assert found.table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert found.inference == "none"
    data = data.assign(std_error=data["indicator"].map(ERRORS | {"loss": np.nan}))
    errors = competitiveness_index(data, tree).where(region="安徽").table.set_index("node")["std_error"]
    assert errors.isna().to_dict() == {
        "all": True,
        "level": True,
        "trade": False,
        "pass": False,
        "loss": True,
        "export": False,
    }


def test_a_score_that_was_cut_has_no_error(tree, data):
    data = changed(data, "export", "江苏", 60).assign(std_error=data["indicator"].map(ERRORS))
    found = competitiveness_index(data, tree)
    assert math.isnan(at(found, region="江苏", node="export")["std_error"])
    assert math.isnan(at(found, region="江苏", node="all")["std_error"])
    assert at(found, region="江苏", node="level")["std_error"] == pytest.approx(1)
    assert at(found, region="安徽", node="all")["std_error"] == pytest.approx(math.sqrt(0.8125))


def test_renormalised_weights_carry_the_errors(tree, data):
    data = data.assign(std_error=data["indicator"].map(ERRORS))
    data = data[data["indicator"] != "loss"]
    found = competitiveness_index(data, tree, missing="renormalise")
    assert at(found, region="安徽", node="all")["std_error"] == pytest.approx(math.hypot(0.75 * 1, 0.25 * 2))


def test_a_node_of_one_child_is_the_child(tree, data):
    found = competitiveness_index(data.assign(std_error=data["indicator"].map(ERRORS)), tree)
    columns = ["region", "estimate", "std_error", "conf_low", "conf_high", "n", "coverage", "weight"]
    trade, export = (found.where(node=node).table[columns] for node in ("trade", "export"))
    pd.testing.assert_frame_equal(trade, export)


def test_a_framework_may_be_one_indicator(tree, data):
    one = tree[tree["code"] == "loss"].assign(parent="", weight=1)
    found = competitiveness_index(data[data["indicator"] == "loss"], one)
    assert found.where(region="江苏").table[["node", "estimate", "weight"]].values.tolist() == [
        ["loss", 98, 1]
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(score=st.floats(60, 100), w=st.floats(0, 1))
def test_equal_scores_give_that_score_whatever_the_weights(tree, score, w):
    bounds = {"pass": (60, 100, 1), "loss": (0, 2, -1), "export": (0, 50, 1)}
    share = (score - 60) / 40
    x = {c: lo + (hi - lo) * (share if d > 0 else 1 - share) for c, (lo, hi, d) in bounds.items()}
    tree = tree.assign(weight=[1, w, 1 - w, 1 - w, w, 1])
    found = competitiveness_index(pd.DataFrame({"indicator": list(x), "estimate": list(x.values())}), tree)
    np.testing.assert_allclose(found.table["estimate"], score, rtol=0, atol=1e-10)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(factor=st.floats(1e-4, 1e4), shift=st.floats(-1e3, 1e3))
def test_the_unit_of_an_indicator_does_not_matter_when_its_bounds_follow(tree, data, factor, shift):
    data = data.assign(std_error=data["indicator"].map(ERRORS))
    other, far = data.copy(), tree.copy()
    other["estimate"] = shift + factor * other["estimate"]
    other["std_error"] = factor * other["std_error"]
    far[["lower", "upper"]] = shift + factor * far[["lower", "upper"]]
    one, two = competitiveness_index(data, tree).table, competitiveness_index(other, far).table
    tolerance = 1e-11 * max(1, abs(shift) / factor)  # digits lost where the shift dwarfs the value
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(one[column], two[column], rtol=tolerance, atol=tolerance)


def test_another_weight_gives_another_index(tree, data):
    found = competitiveness_index(data, tree.assign(weight=[1, 0.5, 0.5, 0.6, 0.4, 1]))
    assert found.value(region="安徽", node="all") == pytest.approx((90 + 68) / 2)


def test_a_faulty_framework_gives_no_index(tree, data):
    with pytest.raises(FrameworkError):
        competitiveness_index(data, tree.assign(weight=0.4))


def test_a_level_that_is_no_probability_is_refused(tree, data):
    with pytest.raises(OptionError, match="level=95"):
        competitiveness_index(data, tree, level=95)


@pytest.mark.parametrize(
    ("year", "level", "capability", "exact", "printed"),
    [("2007", 84.76, 77.21, 80.985, "80.99"), ("2006", 83.41, 76.55, 79.98, "79.98")],
)
def test_the_published_halves_give_the_published_index(tree, year, level, capability, exact, printed):
    """The halves of 2006 follow from those of 2007 and their changes. The rule of printing is half-up."""
    halves = pd.DataFrame(
        {
            "code": ["qci", "quality_level", "development_capability"],
            "parent": ["", "qci", "qci"],
            "direction": [None, 1, 1],
            "weight": [1, 0.5, 0.5],
            "weight_provenance": "derived",
            "lower": [None, 60, 60],
            "upper": [None, 100, 100],
            "bounds_provenance": "user",
            "unit": "index",
        }
    )
    data = pd.DataFrame(
        {
            "indicator": ["development_capability", "quality_level"],
            "period": year,
            "estimate": [capability, level],
        }
    )
    score = competitiveness_index(data, halves).value(node="qci", period=year)
    assert score == pytest.approx(exact, abs=1e-12)
    assert str(to_decimal(score, digits=2, rule="half-up")) == printed


def test_a_key_called_node_is_refused(tree, data):
    """The result has a column of that name: the key would be overwritten."""
    with pytest.raises(DataError, match="a key cannot be called 'node'"):
        competitiveness_index(data.rename(columns={"region": "node"}), tree, missing="renormalise")
