from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.index.admissible import admissible_weights
from qstats.index.build import competitiveness_index

DATA = Path(__file__).parents[2] / "data" / "published" / "qci.csv"
SERIES = {
    "QCI": "qci",
    "QCI_quality_level": "quality_level",
    "QCI_dev_capability": "development_capability",
}


def halves_of_2007():
    """Return the halves of 2007, their changes and the indices of 2006 and 2007, as printed."""
    table = pd.read_csv(DATA, dtype=str)
    table = table[(table["region"] == "全国") & (table["industry"] == "制造业")]
    rows = []
    for series, node in SERIES.items():
        for year in ("2006", "2007") if series == "QCI" else ("2007",):
            value = table.loc[(table["series"] == series) & (table["year"] == year), "value"].iloc[0]
            rows.append((node, year, value, ""))
        if series != "QCI":
            moved = table.loc[
                (table["series"] == f"{series}_change") & (table["year"] == "2007"), "value"
            ].iloc[0]
            rows.append((node, "2007", moved, "2006"))
    return pd.DataFrame(rows, columns=["node", "period", "value", "since"])


def test_the_published_halves_leave_the_weight_of_the_quality_level_between_0_4993_and_0_5020():
    given = halves_of_2007()
    assert given["value"].tolist() == ["79.98", "80.99", "84.76", "1.35", "77.21", "0.66"]
    found = admissible_weights(given).set_index("node")
    assert found.loc["quality_level", ["lower", "upper"]].astype(float).round(4).tolist() == [0.4993, 0.5020]
    both = found.loc[["quality_level", "development_capability"]]
    assert both["lower"].iloc[0] == pytest.approx(1 - both["upper"].iloc[1], abs=1e-9)
    assert both["inside"].all()


def test_weights_below_the_halves_are_open():
    found = admissible_weights(halves_of_2007()).set_index("node").loc["standards_technology"]
    assert [found["lower"], found["upper"]] == pytest.approx([0, 1], abs=1e-9)
    assert found["root_upper"] == pytest.approx(0.502, abs=1e-4)


def test_a_published_group_narrows_its_weight():
    """85.92 in a half of 84.76, the others at least 60: its weight is bounded by what is left."""
    group = pd.DataFrame(
        [("standards_technology", "2007", "85.92", "")], columns=["node", "period", "value", "since"]
    )
    found = (
        admissible_weights(pd.concat([halves_of_2007(), group])).set_index("node").loc["standards_technology"]
    )
    # 84.76 = w 85.92 + (1 − w) s with s from 60 on
    assert found["upper"] == pytest.approx((84.765 - 60) / (85.915 - 60), abs=1e-6)


def test_what_the_weights_leave_open_in_a_score():
    halves = {"quality_level": 90.0, "development_capability": 70.0}
    found = admissible_weights(halves_of_2007(), scores=halves).set_index("node")
    low, high = found.loc["quality_level", ["lower", "upper"]].astype(float)
    bounds = found.loc["qci", ["score_lower", "score_upper"]].astype(float)
    assert bounds.tolist() == pytest.approx([70 + 20 * low, 70 + 20 * high], abs=1e-7)
    assert found["score_lower"].notna().sum() == 1


def test_scores_can_be_those_of_an_estimate(tree, data):
    index = competitiveness_index(data, tree)
    given = pd.DataFrame(
        {"node": ["level", "trade", "all"], "period": 2023, "value": ["90.0", "68.0", "84.5"]}
    )
    found = admissible_weights(given, tree, scores=index.where(region="江苏")).set_index("node")
    assert (
        found.loc["all", "score_lower"]
        < index.value(region="江苏", node="all")
        < found.loc["all", "score_upper"]
    )
    with pytest.raises(DataError, match="one unit"):
        admissible_weights(given, tree, scores=index, lang="en")


def test_fixed_weights_are_taken_from_the_framework(tree):
    given = pd.DataFrame({"node": ["pass", "loss", "all"], "period": 2023, "value": ["90.0", "70.0", "80.0"]})
    free, held = (admissible_weights(given, tree, fixed=f).set_index("node") for f in ((), ("pass",)))
    assert held.loc["pass", ["lower", "upper"]].tolist() == pytest.approx([0.6, 0.6], abs=1e-9)
    assert free.loc["pass", "upper"] - free.loc["pass", "lower"] > 0.3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(0, 1000))
def test_true_weights_always_lie_within_and_more_figures_never_widen(tree, w, v, seed):
    rng = np.random.default_rng(seed)
    rows, last = [], None
    for year in ("2021", "2022", "2023"):
        a, b, c = rng.uniform(62, 99, 3)
        level = v * a + (1 - v) * b
        whole = w * level + (1 - w) * c
        rows += [
            (n, year, f"{s:.2f}", "")
            for n, s in zip(("pass", "loss", "trade", "all"), (a, b, c, whole), strict=True)
        ]
        if last is not None:
            rows.append(("all", year, f"{whole - last[1]:.2f}", last[0]))
        last = (year, whole)
    table = pd.DataFrame(rows, columns=["node", "period", "value", "since"])
    one = admissible_weights(table[table["period"] == "2021"], tree).set_index("node")
    all_of_them = admissible_weights(table, tree).set_index("node")
    for node, true in (("level", w), ("pass", v)):
        assert all_of_them.loc[node, "lower"] - 1e-7 <= true <= all_of_them.loc[node, "upper"] + 1e-7
        assert all_of_them.loc[node, "lower"] >= one.loc[node, "lower"] - 1e-7
        assert all_of_them.loc[node, "upper"] <= one.loc[node, "upper"] + 1e-7


def test_several_units_share_their_weights(tree):
    rows = [
        (n, 2023, v, u)
        for u, values in {"安徽": ("90.0", "70.0", "85.0"), "江苏": ("70.0", "90.0", "75.0")}.items()
        for n, v in zip(("level", "trade", "all"), values, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["node", "period", "value", "unit_key"])
    found = admissible_weights(table, tree).set_index("node")
    assert found.loc["level", "lower"] <= 0.75 <= found.loc["level", "upper"]


def test_the_width_of_rounding_is_that_of_the_last_decimal_unless_given(tree):
    given = pd.DataFrame(
        {"node": ["level", "trade", "all"], "period": 2023, "value": ["90.0", "70.0", "85.0"]}
    )
    wide, narrow = (
        admissible_weights(given, tree, half_width=h).set_index("node").loc["level"] for h in (None, 0.005)
    )
    # (all − trade)/(level − trade), each ±0.05
    assert [wide["lower"], wide["upper"]] == pytest.approx([14.9 / 20, 15.1 / 20], abs=1e-7)
    assert narrow["upper"] - narrow["lower"] == pytest.approx(0.1 * (wide["upper"] - wide["lower"]), rel=1e-6)
    own = admissible_weights(given.assign(half_width=0.005), tree).set_index("node").loc["level"]
    assert own["upper"] == pytest.approx(narrow["upper"])


def test_figures_that_contradict_each_other_are_named():
    given = halves_of_2007()
    given.loc[given["node"] == "qci", "value"] = ["79.80", "80.99"]
    with pytest.raises(DataError, match=r"qci 2006 = 79\.80"):
        admissible_weights(given, lang="en")


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda t: t.drop(columns="period"), DataError, "period"),
        (lambda t: t.assign(node="quality"), DataError, "quality_level"),
        (lambda t: t.assign(value="n.a."), DataError, "n.a."),
        (lambda t: t.iloc[:0], DataError, "no published figures"),
        (lambda t: t.rename(columns={"since": "sinse"}), DataError, "nearest is 'since'"),
        (lambda t: pd.concat([t, t[["value"]]], axis=1), DataError, "'value' stands more than once"),
        (lambda t: t.assign(half_width=-0.005), DataError, "half_width=-0.005 should be above 0"),
        (lambda t: t.assign(since=t["period"]), DataError, "a change is since another"),
        (lambda t: t.assign(value="80万"), DataError, "How '80万' was rounded"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(change, error, match):
    with pytest.raises(error, match=match):
        admissible_weights(change(halves_of_2007()), lang="en")


def test_options_are_checked():
    with pytest.raises(OptionError, match="half_width=0"):
        admissible_weights(halves_of_2007(), half_width=0.0, lang="en")
    with pytest.raises(OptionError, match="quality_level"):
        admissible_weights(halves_of_2007(), fixed=("quality",))


def test_the_series_are_those_of_the_data_package():
    assert published("QCI", region="全国", period=2007, industry="制造业").value() == 80.99


def test_everything_that_is_wrong_is_told_at_once():
    given = halves_of_2007().reset_index(drop=True).astype({"value": object})
    given.loc[0, "node"], given.loc[1, "value"], given.loc[2, "period"] = "quality_levl", "n.a.", None
    with pytest.raises(DataError, match="3 faults") as caught:
        admissible_weights(given, lang="en")
    assert caught.value.violations[["row", "rule"]].values.tolist() == [
        [0, "node"],
        [2, "period"],
        [1, "number"],
    ]


@pytest.mark.parametrize(
    "spelt",
    [
        lambda v: np.float64(v),
        lambda v: Decimal(v),
        lambda v: f"{Decimal(v).scaleb(-1)}e1",
        lambda v: v.replace("8", "８"),
    ],
)
def test_a_figure_is_rounded_at_its_last_digit_however_it_is_written(spelt):
    given = halves_of_2007()
    same = given.assign(
        value=pd.Series([spelt(str(v)) for v in given["value"]], dtype=object, index=given.index)
    )
    pd.testing.assert_frame_equal(admissible_weights(same), admissible_weights(given))


def test_a_width_that_is_not_given_is_that_of_the_last_digit():
    given = halves_of_2007()
    partly = given.assign(half_width=[0.005, *[np.nan] * (len(given) - 1)])
    pd.testing.assert_frame_equal(admissible_weights(partly), admissible_weights(given))


@pytest.mark.parametrize("score", ["x", np.inf, True])
def test_a_score_that_is_none_is_refused(score):
    with pytest.raises(OptionError, match="scores="):
        admissible_weights(halves_of_2007(), scores={"quality_level": score, "development_capability": 60})
