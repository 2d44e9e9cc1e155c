"""What is wrong is named, all at once, by every public function, and nothing is half done."""

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.errors import DataError, FrameworkError, OptionError
from qstats.index.audit import compare_specifications

BUILDS = {
    "competitiveness_index": lambda data, tree, **given: qs.competitiveness_index(
        data, tree, lang="en", **given
    ),
    "uncertainty": lambda data, tree, **given: qs.uncertainty(
        data, tree, unknown="fixed", weight_spread=0.1, n_runs=8, lang="en", **given
    ),
    "sensitivity": lambda data, tree, **given: qs.sensitivity(
        data, tree, weight_spread=0.1, method="sobol", max_runs=2000, lang="en", **given
    ),
    "audit": lambda data, tree, **given: qs.audit(data, tree, lang="en", **given),
}
every = pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)


def changed(table, rows, /, **cells):
    table = table.astype(object)
    for column, cell in cells.items():
        table.loc[rows, column] = cell
    return table


@every
def test_every_fault_of_a_framework_is_named_at_once(build, tree, data):
    tree = changed(tree, tree["code"] == "level", parent="pass")  # a circle
    tree = changed(tree, tree["code"] == "export", parent="trad", lower=50)  # an orphan; U = L
    tree = changed(tree, tree["code"] == "trade", parent="", weight=0)  # a second root
    with pytest.raises(FrameworkError) as caught:
        build(data, tree)
    for said in (
        "level → pass → level",
        "The parent 'trad' of 'export' does not exist. The nearest is 'trade'",
        "2 roots: all, trade",
        "The upper bound 50 of 'export' is not above its lower bound 50",
    ):
        assert sum(said in fault for fault in caught.value.faults) == 1, said


@every
def test_weights_that_are_all_zero_are_refused_and_a_single_zero_is_not(build, tree, data):
    none = changed(tree, tree["parent"] == "level", weight=0)
    with pytest.raises(FrameworkError, match="weights under 'level' add up to 0"):
        build(data, none)
    one = changed(changed(tree, tree["code"] == "pass", weight=1), tree["code"] == "loss", weight=0)
    build(data, one)


@every
def test_every_value_and_error_that_is_no_finite_number_is_named_at_once(build, tree, data):
    wrong = data.assign(std_error=0.1)
    wrong.loc[0, "estimate"], wrong.loc[5, "estimate"] = np.inf, -np.inf
    wrong.loc[2, "std_error"], wrong.loc[3, "std_error"] = np.inf, -0.1
    before = wrong.copy()
    with pytest.raises(DataError, match="4 faults") as caught:
        build(wrong, tree)
    found = caught.value.violations[["row", "column", "value"]].values.tolist()
    want = [
        [0, "estimate", "inf"],
        [2, "std_error", "inf"],
        [3, "std_error", "-0.1"],
        [5, "estimate", "-inf"],
    ]
    assert sorted(found) == want
    pd.testing.assert_frame_equal(wrong, before)


@every
def test_unknown_indicators_empty_keys_and_repeats_are_named_at_once(build, tree, data):
    wrong = pd.concat([data, data.iloc[[4]], data.assign(indicator="lost").iloc[[0]]], ignore_index=True)
    wrong.loc[1, "region"] = None
    with pytest.raises(DataError) as caught:
        build(wrong, tree)
    assert sorted(caught.value.violations["rule"]) == ["key", "twice", "unknown"]
    assert "The nearest is 'loss'" in str(caught.value)
    assert "more than once" in str(caught.value)


@every
def test_text_that_is_no_number_is_named_and_text_that_is_one_is_read(build, tree, data):
    text = data.assign(estimate=data["estimate"].map("{:g}".format))
    build(text, tree)
    text.loc[[1, 4], "estimate"] = ["ninety", "9 0 x"]
    with pytest.raises(DataError, match="The estimate in row 1 should be a number; it is 'ninety'") as caught:
        build(text, tree)
    assert caught.value.violations["row"].tolist() == [1, 4]


@every
def test_a_unit_missing_in_one_indicator_and_a_leaf_missing_everywhere_are_named(build, tree, data):
    holes = data[
        (data["indicator"] != "export") & ~((data["indicator"] == "loss") & (data["region"] == "江苏"))
    ]
    with pytest.raises(DataError, match="4 values are missing") as caught:
        build(holes, tree)
    found = set(map(tuple, caught.value.violations[["column", "value"]].to_numpy()))
    assert found == {("loss", "江苏"), ("export", "安徽"), ("export", "江苏"), ("export", "湖北")}


def test_a_leaf_that_is_missing_everywhere_is_noted_when_its_weight_goes_to_the_others(tree, data):
    found = qs.competitiveness_index(
        data[data["indicator"] != "export"], tree, missing="renormalise", lang="en"
    )
    assert any("2 of 3 indicators" in note for note in found.notes)
    assert found.where(node="export").table["estimate"].isna().all()
    with pytest.raises(DataError, match="columns export have no value to impute from"):
        BUILDS["uncertainty"](data[data["indicator"] != "export"], tree, steps={"imputation": "mean"})


@pytest.mark.parametrize("name", ["uncertainty", "sensitivity"])
def test_an_indicator_that_is_constant_is_named_where_the_scale_comes_from_the_units(name, tree, data):
    flat = data.assign(estimate=data["estimate"].mask(data["indicator"] == "loss", 0.4))
    with pytest.raises(DataError, match="columns loss have no two different values"):
        BUILDS[name](flat, tree, steps={"normalisation": "minmax"})
    BUILDS[name](flat, tree, steps={"normalisation": {"method": "minmax", "constant": "middle"}})
    assert qs.competitiveness_index(flat, tree).where(node="loss").table["estimate"].nunique() == 1


def test_a_score_that_a_mean_cannot_take_is_named_by_its_node(tree, data):
    steps = {"normalisation": "minmax", "aggregation": "geometric"}
    with pytest.raises(DataError, match="not positive in columns pass, loss"):
        BUILDS["uncertainty"](data, tree, steps=steps)


WIDE = pd.DataFrame({"pass": [90.0, 95.0, 80.0], "loss": [0.5, 0.1, 1.0]}, index=["安徽", "江苏", "湖北"])
SCALE = {"method": "goalposts", "lower": {"pass": 60, "loss": 2}, "upper": {"pass": 100, "loss": 2}}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: qs.normalise(WIDE.assign(loss=1.0)), "columns loss have no two different values"),
        (lambda: qs.normalise(WIDE.assign(loss=np.nan)), "columns loss have no two different values"),
        (lambda: qs.impute(WIDE.assign(loss=np.nan)), "columns loss have no value to impute from"),
        (lambda: qs.treat(WIDE.replace(0.1, np.inf)), "1 infinite values in columns loss"),
        (lambda: qs.normalise(WIDE, **SCALE), "lower is not below upper in columns loss"),
        (lambda: qs.aggregate(WIDE - 1, method="geometric"), "not positive in columns loss"),
        (lambda: qs.weigh(WIDE.replace(0.1, np.nan), method="pca"), "missing in columns loss"),
        (lambda: qs.screen(WIDE.iloc[[0, 1, 1]]), "units stand twice: 江苏"),
        (lambda: qs.denominate(WIDE, pd.DataFrame({"n": [1, 2]}, WIDE.index[:2]), by={"loss": "n"}), "湖北"),
        (
            lambda: qs.denominate(WIDE, pd.DataFrame({"n": 0}, WIDE.index), by={"loss": "n"}),
            "in columns loss",
        ),
    ],
)
def test_a_step_alone_names_the_indicator_or_the_unit(call, said):
    with pytest.raises(DataError, match=said):
        call()


def test_weights_of_zero_or_below_are_refused_by_a_step_alone():
    for weights in ({"pass": 0, "loss": 0}, {"pass": 1, "loss": -1}):
        with pytest.raises(OptionError, match="not below 0, one of them above it"):
            qs.aggregate(WIDE, weights=weights)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": {"normalization": "minmax"}}, "Did you mean 'normalisation'"),
        ({"steps": {"normalisation": "minmx"}}, "Did you mean 'minmax'"),
        ({"steps": {"normalisation": {"method": "minmax", "too": (1, 100)}}}, "Did you mean 'to'"),
        ({"steps": {"normalisation": {"method": "minmax", "within": "regoin"}}}, "Did you mean 'region'"),
        ({"steps": {"treatment": {"max_winsorized": 3}}}, "Did you mean 'max_winsorised'"),
        ({"steps": {"imputation": {"method": "group-mean", "groups": "regio"}}}, "Did you mean 'region'"),
        ({"steps": {"aggregation": {"method": "power", "powr": 2}}}, "Did you mean 'power'"),
        ({"alternatives": {"wieghts": [{"pass": 1}]}}, "Did you mean 'weights'"),
        ({"alternatives": {"aggregation": ["geometrical"]}}, "Did you mean 'geometric'"),
        ({"of": "rank-shft"}, "Did you mean 'rank-shift'"),
        ({"missing": "renormalize"}, "Did you mean 'renormalise'"),
        ({"failed": "counts"}, "Did you mean 'count'"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_nearest(given, said, tree, data):
    with pytest.raises(OptionError, match=said):
        qs.uncertainty(
            data, tree, unknown="fixed", sampling="none", n_runs=4, **{"weight_spread": 0.1} | given
        )


def test_a_column_that_is_nearly_one_that_counts_is_not_ignored(tree, data):
    with pytest.raises(FrameworkError, match="no column 'targt'; the nearest is 'target'"):
        qs.competitiveness_index(data, tree.assign(targt=1), lang="en")
    qs.competitiveness_index(data, tree.assign(note="a word of my own"))


@pytest.mark.parametrize(
    ("separator", "encoding"), [(",", "utf-8-sig"), (";", "utf-8-sig"), (";", "utf-8"), (",", "gb18030")]
)
def test_a_framework_as_a_spreadsheet_saves_it_gives_the_same_index(
    separator, encoding, tree, data, tmp_path
):
    path = tmp_path / "mine.csv"
    named = tree.assign(name_zh=["总", "水平", "贸易", "合格率", "损失率", "出口"])
    named.to_csv(path, index=False, sep=separator, encoding=encoding)
    found, want = qs.competitiveness_index(data, path), qs.competitiveness_index(data, named)
    pd.testing.assert_frame_equal(found.table, want.table)
    path.write_text(path.read_text(encoding=encoding).replace("60", "6O"), encoding=encoding)
    with pytest.raises(FrameworkError, match=r"The lower of 'pass' should be a number; it is '6O\.0'"):
        qs.competitiveness_index(data, path, lang="en")


def test_a_row_without_a_code_makes_no_circle(tree):
    tree.loc[5, ["code", "parent"]] = ["", "all"]
    with pytest.raises(FrameworkError) as caught:
        qs.framework(tree, lang="en")
    assert any("Row 6 has no code" in fault for fault in caught.value.faults)
    assert not any("circle" in fault for fault in caught.value.faults)


def test_a_key_that_would_be_lost_in_a_column_of_the_result_is_refused(tree, data):
    means = {"aggregation": ["arithmetic", "geometric"]}
    with pytest.raises(DataError, match="'factor'"):
        qs.sensitivity(data.rename(columns={"region": "factor"}), tree, alternatives=means, of="score")
    scored = data.rename(columns={"region": "score"})
    with pytest.raises(DataError, match="'score'"):
        qs.contributions(qs.competitiveness_index(scored, tree))
    with pytest.raises(DataError, match="'score'"):
        compare_specifications(scored, tree, other_steps={"aggregation": "geometric"})
