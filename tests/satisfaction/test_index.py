"""What the index of a study is, and which surveys have none."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import satisfaction
from qstats.errors import DataError, FrameworkError, OptionError
from qstats.indicators.customer_satisfaction import customer_satisfaction
from qstats.survey.design import Design

ITEMS = ["q1", "q2", "q3", "s1", "s2", "s3", "l1", "l2"]
MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
    }
)


_RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(
    np.clip(np.rint(6 + 1.4 * (_RNG.normal(size=(120, 1)) + 0.8 * _RNG.normal(size=(120, 8)))), 1, 10),
    columns=ITEMS,
).assign(brand=np.repeat(["a", "b", "c"], 40), weight=_RNG.integers(1, 5, 120))


def value(table, **options):
    options = {"model": MODEL, "error": "linearised", **options}
    return customer_satisfaction(table, **options).value()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_changes_nothing_not_even_the_bootstrap(seed):
    table = TABLE.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(
        customer_satisfaction(table, model=MODEL, by="brand", replicates=20).table,
        customer_satisfaction(TABLE, model=MODEL, by="brand", replicates=20).table,
    )


@settings(max_examples=20, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.5, 1.0, 2.0, 4.0]), min_size=8, max_size=8), shift=st.integers(-5, 5)
)
def test_the_units_of_an_item_do_not_matter_where_its_scale_is_declared(steps, shift):
    other, scale = TABLE.copy(), {}
    for item, step in zip(ITEMS, steps, strict=True):
        other[item] = other[item] * step + shift
        scale[item] = (step + shift, 10 * step + shift)
    assert value(other, scale=scale) == pytest.approx(value(TABLE), rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1e-3, 1e3))
def test_a_common_factor_of_the_weights_of_respondents_changes_nothing(factor):
    weighted = TABLE.assign(w=TABLE["weight"] * factor)
    first, second = (
        customer_satisfaction(t, model=MODEL, design=Design(weight=w), error="linearised").table.iloc[0]
        for t, w in ((TABLE, "weight"), (weighted, "w"))
    )
    for column in ("estimate", "std_error", "deff"):
        assert second[column] == pytest.approx(first[column], rel=1e-8)


def test_all_at_the_bottom_is_0_and_all_at_the_top_is_100(survey):
    ends = pd.concat(
        [
            survey.assign(brand="d", **dict.fromkeys(ITEMS, 1)),
            survey.assign(brand="e", **dict.fromkeys(ITEMS, 10)),
            survey,
        ]
    )
    found = customer_satisfaction(ends, model=MODEL, by="brand", outer="pooled", error="linearised")
    assert found.value(brand="d") == pytest.approx(0, abs=1e-12)
    assert found.value(brand="e") == pytest.approx(100, rel=1e-12)
    assert found.table.set_index("brand").loc[["d", "e"], "std_error"].isna().all()


def test_conventions_are_four_numbers_and_the_table_of_them_agrees(survey):
    each = {c: value(survey, convention=c) for c in "USRM"}
    assert len(set(each.values())) == 4
    plain = 100 * (survey[["s1", "s2", "s3"]].to_numpy().mean() - 1) / 9
    assert each["M"] == pytest.approx(plain, rel=1e-12)
    table = satisfaction.conventions(satisfaction.study(survey, model=MODEL)).table.set_index("convention")
    assert table["estimate"].to_dict() == pytest.approx(each, rel=1e-12)
    moved = table["estimate"] - each["U"]
    np.testing.assert_allclose(table["moved"], moved, atol=1e-12)
    assert table.loc["U", "moved_std_error"] == 0
    assert (table.loc[["S", "R", "M"], "moved_std_error"] > 0).all()
    assert (table.loc[["S", "R", "M"], "moved_std_error"] < table.loc[["S", "R", "M"], "std_error"]).all()


def test_the_options_of_a_fit_each_change_it(survey):
    first = value(survey)
    assert value(survey, mode="B") != first
    assert value(survey, mode={"SAT": "B"}) not in (first, value(survey, mode="B"))
    # a construct between two others: the schemes differ
    assert value(survey, scheme="centroid") != first
    assert value(survey, index_of="LOY") != first
    assert value(survey, convention="R", metric="raw") == value(survey, convention="R")
    with pytest.raises(OptionError, match="standardised"):
        value(survey, metric="raw")


def test_pooled_weights_are_those_of_all_and_groups_differ_by_answers(survey):
    pooled = customer_satisfaction(survey, model=MODEL, by="brand", outer="pooled", error="linearised")
    share = satisfaction.items(satisfaction.study(survey, model=MODEL, error="linearised"))
    share = share.query("construct == 'SAT'").set_index("item")["index_weight"]
    fixed = customer_satisfaction(
        survey, method="mean", items=list(share.index), weights=share.to_dict(), by="brand"
    )
    np.testing.assert_allclose(pooled.table["estimate"], fixed.table["estimate"], rtol=1e-10)
    np.testing.assert_allclose(pooled.table["std_error"], fixed.table["std_error"], rtol=1e-2)
    own = customer_satisfaction(survey, model=MODEL, by="brand", error="linearised").table["estimate"]
    assert (own != pooled.table["estimate"]).all()
    drawn = customer_satisfaction(survey, model=MODEL, by="brand", outer="pooled")
    np.testing.assert_allclose(drawn.table["estimate"], pooled.table["estimate"], rtol=1e-12)
    np.testing.assert_allclose(drawn.table["std_error"], pooled.table["std_error"], rtol=0.15)


def test_small_groups_are_suppressed_and_show_nothing(survey):
    survey.loc[:9, "brand"] = "tiny"
    found = customer_satisfaction(survey, model=MODEL, by="brand", replicates=20)
    row = found.table.set_index("brand").loc["tiny"]
    assert (
        row[["estimate", "std_error", "conf_low", "conf_high", "n", "df", "deff", "n_eff", "failed"]]
        .isna()
        .all()
    )
    assert "30" in row["flag"]
    assert found.table.set_index("brand")["estimate"].notna().sum() == 3
    shown = customer_satisfaction(
        survey, model=MODEL, by="brand", replicates=20, minimum_n=10, negative="keep"
    )
    assert shown.table["estimate"].notna().all()


def test_the_headers_may_be_the_labels_of_the_model():
    questions = satisfaction.questionnaire("ccsi")
    rng = np.random.default_rng(2)
    mood = rng.normal(7, 1.2, (60, 1))
    X = np.clip(np.rint(mood + rng.normal(0, 1, (60, len(questions.items)))), 1, 10)
    codes = pd.DataFrame(X, columns=questions.items)
    chinese = codes.rename(columns={item: questions.label(item, "zh") for item in questions.items})
    assert value(chinese, model="ccsi") == value(codes, model="ccsi")
    english = codes.rename(columns={item: questions.label(item, "en") for item in questions.items})
    assert value(english, model="ccsi") == value(codes, model="ccsi")
    assert value(codes, model="ccsi") != value(codes, model="ecsi")


def test_the_paths_of_the_chinese_preset_are_called_a_hypothesis():
    assert set(satisfaction.questionnaire("ccsi").provenance) == {"hypothesis"}
    assert satisfaction.questionnaire("ccsi").model.paths.sum() == 11
    assert set(satisfaction.questionnaire("ecsi").provenance) == {"official"}
    from qstats.simulation import simulate

    survey = simulate("satisfaction", year=2023, seed=1, size=400)
    notes = {m: customer_satisfaction(survey, model=m, replicates=2).notes for m in ("ccsi", "ecsi")}
    assert any("hypothesis" in note for note in notes["ccsi"])
    assert not any("hypothesis" in note for note in notes["ecsi"])


# what is refused -------------------------------------------------------------------------------


def test_answers_outside_the_scale_name_item_construct_count_and_cells(survey):
    survey.loc[[3, 5], "s2"], survey.loc[9, "q1"] = 11, 0
    with pytest.raises(DataError, match=r"s2 \(SAT\): 2") as caught:
        value(survey)
    assert "q1 (QUAL): 1" in str(caught.value)
    found = caught.value.violations[["row", "column", "value", "rule"]].values.tolist()
    assert found == [[4, "s2", 11, "maximum"], [6, "s2", 11, "maximum"], [10, "q1", 0, "minimum"]]


def test_dont_knows_are_gaps_and_are_counted(survey):
    survey.loc[:4, "s1"] = 98
    survey.loc[5, "q1"] = 99
    gaps = survey.replace({98: np.nan, 99: np.nan})
    with pytest.raises(DataError, match=r"s1 \(SAT\): 5"):
        value(survey, dont_know=(98, 99))
    found = customer_satisfaction(
        survey, model=MODEL, dont_know=(98, 99), missing="casewise", error="linearised"
    )
    assert found.table["n"].item() == 234
    assert found.value() == value(gaps, missing="casewise")
    assert any("6 answers" in note for note in found.notes)
    assert value(survey, dont_know={"s1": 98, "q1": 99}, missing="casewise") == found.value()
    with pytest.raises(DataError, match=r"q1 \(QUAL\): 1"):
        value(survey, dont_know={"s1": 98}, missing="casewise")
    with pytest.raises(OptionError, match="answer to q1"):
        value(survey, dont_know=9)
    with pytest.raises(OptionError, match="x1"):
        value(survey, dont_know={"x1": 98})


def test_policies_for_gaps_are_five(survey):
    survey.loc[:19, "s1"] = np.nan
    survey.loc[30:49, "q2"] = np.nan
    with pytest.raises(DataError, match=r"q2 \(QUAL\): 20; s1 \(SAT\): 20"):
        value(survey)
    found = {m: value(survey, missing=m) for m in ("casewise", "mean", "pairwise")}
    found["em"] = value(survey, missing="em", error="replicates", replicates=2)
    assert len(set(found.values())) == 4
    for missing in ("mean", "pairwise"):
        row = customer_satisfaction(survey, model=MODEL, missing=missing, replicates=60).table.iloc[0]
        assert row["n"] == 240
        assert row["std_error"] > 0
    with pytest.raises(OptionError, match="em"):
        value(survey, missing="em")
    with pytest.raises(OptionError, match="EM"):
        value(survey, missing="em", outer="pooled", error="replicates")


def test_a_constant_item_is_named_with_its_answer(survey):
    survey["s3"] = 7
    with pytest.raises(DataError, match=r"240 answers to s3 \(SAT\) are 7"):
        value(survey)


@pytest.mark.parametrize("mode", ["A", "B"])
def test_collinear_items_are_named(survey, mode):
    survey["s3"] = survey["s1"]
    with pytest.raises(DataError, match=r"s1, s3 of SAT are perfectly collinear \(240"):
        value(survey, mode=mode)


def test_fewer_answers_than_items_are_counted(survey):
    with pytest.raises(DataError, match="7 respondents, fewer than its 8 items"):
        value(survey.head(7), minimum_n=1)


def test_a_reversed_item_has_a_negative_weight_that_is_refused_or_dropped(survey):
    reversed_ = survey.assign(s2=11 - survey["s2"])
    with pytest.raises(DataError, match=r"s2 of SAT has the outer weight -.*reversed"):
        value(reversed_)
    found = customer_satisfaction(reversed_, model=MODEL, negative="drop", error="linearised")
    without = MODEL.assign(items=["q1;q2;q3", "s1;s3", "l1;l2"])
    assert found.value() == pytest.approx(value(survey, model=without), rel=1e-12)
    assert any("s2" in note for note in found.notes)
    kept = customer_satisfaction(reversed_, model=MODEL, negative="keep", error="linearised")
    assert kept.value() not in (found.value(), value(survey))
    assert any("no longer bounded" in note for note in kept.notes)
    assert "s2" not in set(
        satisfaction.items(satisfaction.study(reversed_, model=MODEL, negative="drop"))["item"]
    )


def test_a_group_without_a_fit_is_refused_or_flagged(survey):
    survey.loc[survey["brand"] == "b", "q1"] = 5
    with pytest.raises(DataError, match="brand=b"):
        value(survey, by="brand")
    found = customer_satisfaction(survey, model=MODEL, by="brand", unfit="flag", replicates=20).table
    row = found.set_index("brand").loc["b"]
    assert np.isnan(row["estimate"])
    assert "q1" in row["flag"]
    assert found["estimate"].notna().sum() == 2


def test_one_item_cannot_form_a_construct():
    lone = MODEL.assign(items=["q1;q2;q3", "s1;s2;s3", "l1"])
    with pytest.raises(OptionError, match="LOY has one item"):
        satisfaction.questionnaire(lone, mode="B")
    assert satisfaction.questionnaire(lone, mode={"SAT": "B"}).model.modes == ("A", "B", "A")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parents": ["LOY", "QUAL", "SAT"]}, "cycle: QUAL, SAT, LOY"),
        ({"parents": ["", "QUAL", ""]}, "no path touches: LOY"),
        ({"parents": ["", "QUALITY", "SAT"]}, "QUALITY.*nearest: QUAL"),
        ({"items": ["q1;q2", "q2;s1", "l1;l2"]}, "q2 stands twice"),
        ({"items": ["q1;q2", "", "l1;l2"]}, "SAT has no items"),
        ({"items_zh": ["一；二", "", ""]}, "3 items and 2 labels"),
    ],
)
def test_models_with_faults_are_refused_with_names(change, said):
    with pytest.raises(FrameworkError, match=said):
        satisfaction.questionnaire(MODEL.assign(**change))


def test_unknown_names_are_answered_with_the_nearest(survey):
    with pytest.raises(OptionError, match="ccsi"):
        satisfaction.questionnaire("csi")
    with pytest.raises(OptionError, match="Nearest: SAT"):
        value(survey, index_of="SATT")
    with pytest.raises(DataError, match="s4"):
        value(survey, model=MODEL.assign(items=["q1;q2;q3", "s1;s2;s4", "l1;l2"]))
    with pytest.raises(DataError, match="parents"):
        satisfaction.questionnaire(MODEL.drop(columns="parents"))
    with pytest.raises(OptionError, match="QUALX"):
        satisfaction.questionnaire(MODEL, mode={"QUALX": "B"})
    for scale in ((10, 1), {"s1": (1, 10)}, {"x": (1, 10)}):
        with pytest.raises(OptionError, match="scale"):
            value(survey, scale=scale)
    by_construct = dict.fromkeys(["QUAL", "SAT", "LOY"], (1, 10))
    assert value(survey, scale=by_construct) == value(survey)
    assert value(survey, scale={**by_construct, "s1": (0, 10)}) != value(survey)


def test_arguments_without_effect_are_refused(survey):
    with pytest.raises(OptionError, match="items"):
        customer_satisfaction(survey, model=MODEL, items=["s1"])
    items = {"method": "mean", "items": ["s1", "s2"]}
    for option in (
        {"convention": "S"},
        {"mode": "B"},
        {"scheme": "factorial"},
        {"negative": "drop"},
        {"workers": 2},
    ):
        with pytest.raises(OptionError, match=next(iter(option))):
            customer_satisfaction(survey, **items, **option)
    for option in ({"minimum_n": 0}, {"max_iterations": 0}, {"workers": 0}, {"replicates": 1}):
        with pytest.raises(OptionError, match=next(iter(option))):
            customer_satisfaction(survey, model=MODEL, **option)


def test_rounds_that_do_not_suffice_are_said_with_constructs(survey):
    with pytest.raises(DataError, match=r"not converged.*SAT"):
        value(survey, max_iterations=2)


# item means under a design ---------------------------------------------------------------------


def test_item_means_under_a_design_are_means_of_scores(survey):
    from qstats.survey.estimators import mean

    plan = Design(weight="weight", strata="stratum", cluster="cluster")
    score = ((survey[["s1", "s2"]] - 1) / 9 * 100) @ np.array([0.75, 0.25])
    same = mean(survey.assign(score=score), y="score", by="brand", design=plan).table
    found = customer_satisfaction(
        survey, method="mean", items=["s1", "s2"], weights=[3, 1], by="brand", design=plan
    ).table
    for column in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(found[column], same[column], rtol=1e-9)
    jack = customer_satisfaction(
        survey, method="mean", items=["s1", "s2"], weights=[3, 1], by="brand", design=plan.replicate("jkn")
    ).table
    np.testing.assert_allclose(jack["estimate"], same["estimate"], rtol=1e-10)
    np.testing.assert_allclose(jack["std_error"], same["std_error"], rtol=0.05)
    drawn = customer_satisfaction(
        survey, method="mean", items=["s1", "s2"], error="replicates", interval="bca"
    ).table
    assert drawn["conf_low"].item() < drawn["estimate"].item() < drawn["conf_high"].item()


def test_item_means_without_a_design_do_not_depend_on_the_way_they_are_computed(survey):
    fast = customer_satisfaction(survey, method="mean", items=["s1", "s2"], by="brand").table
    slow = customer_satisfaction(
        survey, method="mean", items=["s1", "s2"], by="brand", error="linearised"
    ).table
    np.testing.assert_allclose(fast["estimate"], slow["estimate"], rtol=1e-12)
    # as domains of one sample, groups have random sizes: the error is a little other
    np.testing.assert_allclose(fast["std_error"], slow["std_error"], rtol=0.02)
    whole = [
        customer_satisfaction(survey, method="mean", items=["s1"], error=e).table
        for e in (None, "linearised")
    ]
    for column in ("estimate", "std_error", "conf_low", "n", "df"):
        np.testing.assert_allclose(whole[0][column], whole[1][column], rtol=1e-10)
    few = customer_satisfaction(survey, method="mean", items=["s1"], by="brand", minimum_n=10_000).table
    assert few["estimate"].isna().all()


def test_the_method_of_means_takes_the_items_of_a_construct(survey):
    found = customer_satisfaction(survey, model=MODEL, method="mean", index_of="LOY")
    assert found.value() == pytest.approx(
        customer_satisfaction(survey, method="mean", items=["l1", "l2"]).value(), rel=1e-12
    )
    assert found.value() == pytest.approx(value(survey, index_of="LOY", convention="M"), rel=1e-12)


@pytest.mark.parametrize("engine", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_engines_and_files_agree(survey, engine, tmp_path):
    survey.loc[3, "s1"] = np.nan
    options = {"model": MODEL, "by": "brand", "missing": "casewise", "replicates": 20}
    options["design"] = Design(weight="weight", strata="stratum", cluster="cluster")
    first = customer_satisfaction(survey, **options).table
    pd.testing.assert_frame_equal(customer_satisfaction(engine(survey), **options).table, first, rtol=1e-12)
    survey.to_csv(tmp_path / "survey.csv", index=False)
    found = customer_satisfaction(tmp_path / "survey.csv", **options).table
    np.testing.assert_allclose(found["estimate"], first["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found["std_error"], first["std_error"], rtol=0.3)
