import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index import steps
from qstats.stats import aggregation, imputation, normal_imputation, normalisation, treatment, weighting

PLACES = ["安徽", "江苏", "浙江", "上海"]
DATA = pd.DataFrame(
    {"passed": [90.0, 95.0, 98.0, 96.0], "loss": [0.2, 0.4, 0.3, np.nan], "rd": [1.0, 3.0, 2.0, 90.0]}, PLACES
)
SIGNS = {"rd": 1, "passed": 1, "loss": -1}
PANEL = pd.concat({2020: DATA, 2021: DATA * 2}, names=["year", "place"])


@pytest.mark.parametrize(
    "step",
    [
        lambda data: steps.normalise(data, method="rank"),
        lambda data: steps.treat(data).data,
        lambda data: steps.impute(data).data,
        lambda data: steps.impute(data).source,
        lambda data: steps.screen(data).data,
    ],
)
def test_labels_are_kept_and_a_series_stays_one(step):
    found = step(DATA)
    assert found.index.tolist() == PLACES
    assert found.columns.tolist() == list(DATA)
    one = step(DATA["rd"])
    assert isinstance(one, pd.Series)
    pd.testing.assert_series_equal(one, found["rd"], rtol=1e-12)


def test_a_step_does_not_change_what_it_was_given():
    before = DATA.copy()
    steps.impute(DATA)
    steps.treat(DATA)
    steps.normalise(DATA, direction=SIGNS)
    pd.testing.assert_frame_equal(DATA, before)


def test_columns_in_another_order_give_the_same_numbers():
    turned = DATA[["rd", "loss", "passed"]]
    one, other = (steps.normalise(data, direction=SIGNS) for data in (DATA, turned))
    pd.testing.assert_frame_equal(one, other[list(DATA)], rtol=1e-14)
    w = {"loss": 1, "rd": 2, "passed": 3}
    sums = [steps.aggregate(scores, weights=w)["value"] for scores in (one, other)]
    pd.testing.assert_series_equal(*sums, rtol=1e-13)


def test_normalising_is_the_formula_by_name():
    found = steps.normalise(
        DATA, method="goalposts", direction=SIGNS, lower=0, upper={**SIGNS, "passed": 100, "loss": 1, "rd": 5}
    )
    params = normalisation.fit(DATA, "goalposts", direction=[1, -1, 1], lower=0, upper=[100, 1, 5])
    np.testing.assert_array_equal(found, normalisation.apply(DATA, params))


def test_one_scale_for_all_years_one_for_each_or_that_of_a_base():
    whole, each = steps.normalise(PANEL), steps.normalise(PANEL, within="year")
    assert whole.loc[(2020, "浙江"), "passed"] < 10
    assert each.loc[(2020, "浙江"), "passed"] == each.loc[(2021, "浙江"), "passed"] == 100
    base = steps.normalise(DATA * 2, base=DATA)
    assert base.loc["安徽", "passed"] == pytest.approx(100 * (180 - 90) / 8, rel=1e-12)
    by_place = pd.Series([1, 1, 2, 2], PLACES)
    parts = steps.normalise(DATA["passed"], within=by_place)
    assert parts.tolist() == [0, 100, 100, 0]


def test_a_reference_is_a_unit_by_its_label():
    found = steps.normalise(DATA["passed"], method="distance-to-reference", reference="江苏")
    assert found["江苏"] == 1
    assert found["浙江"] == pytest.approx(1.6, rel=1e-12)
    with pytest.raises(OptionError, match="there is no '江西' among"):
        steps.normalise(DATA["passed"], method="distance-to-reference", reference="江西")


def test_treating_says_what_was_done_to_which_indicator():
    wide = pd.DataFrame({"a": np.arange(20.0), "b": [*range(18), 300.0, 900.0]})
    found = steps.treat(wide)
    assert found.record["adopted"].tolist() == ["none", "winsorised"]
    assert found.record["n_high"].tolist() == [0, 2]
    np.testing.assert_array_equal(found.data, treatment.apply(wide, treatment.fit(wide)))
    parts = steps.treat(wide, within=pd.Series([0] * 10 + [1] * 10))
    assert parts.record["part"].tolist() == [0, 0, 1, 1]
    assert steps.treat(wide * 2, base=wide).data["b"].max() == 17.0
    logged = steps.treat(wide, max_winsorised=0, transform="box-cox").record
    assert logged["adopted"].tolist() == ["none", "box-cox"]


def test_imputing_by_groups_direction_and_predictors_by_name():
    zones = {"安徽": "central", "江苏": "east", "浙江": "east", "上海": "east"}
    assert steps.impute(DATA, method="group-mean", groups=zones).data.loc["上海", "loss"] == 0.35
    levels = DATA.set_index(pd.Index(["c", "e", "e", "e"], name="zone"), append=True)
    by_level = steps.impute(levels, method="group-mean", groups="zone").data
    assert by_level["loss"].iloc[3] == 0.35
    found = steps.impute(DATA, method="regression", predictors=["passed"]).data.loc["上海", "loss"]
    expected = np.polyval(np.polyfit(DATA["passed"][:3], DATA["loss"][:3], 1), 96)
    assert found == pytest.approx(expected, rel=1e-10)
    by_score = steps.impute(DATA, method="row-mean", direction=SIGNS)
    params = imputation.fit(DATA, "row-mean", direction=[1, -1, 1])
    np.testing.assert_array_equal(by_score.data, imputation.apply(DATA, params).value)
    assert by_score.source.loc["上海"].tolist() == ["observed", "imputed", "observed"]


def test_imputing_over_time_does_not_need_rows_in_order_or_complete():
    long = PANEL.copy()
    long.loc[(2021, "上海"), "loss"] = 0.6
    rows = long.iloc[[7, 3, 0, 4]]
    assert steps.impute(rows, method="constant", time="year").data.iloc[1]["loss"] == 0.6
    assert steps.impute(rows, method="latest", time="year").source.iloc[1]["loss"] == "missing"
    one = pd.Series([1.0, np.nan, 3.0], pd.Index([2019, 2020, 2023], name="year"), name="rd")
    assert steps.impute(one, method="linear", time="year").data.tolist() == [1.0, 1.5, 3.0]
    assert steps.impute(one, method="latest", time="year", max_gap=0.5).data.isna().sum() == 1


def over_years(frame, method, **options):
    """Fill every unit by itself, one year after another, by hand."""
    done = frame.astype(float).copy()
    years = frame.index.names.index("year")
    units = [tuple(str(k) for i, k in enumerate(row) if i != years) for row in frame.index]
    for unit in set(units):
        rows = [i for i, name in enumerate(units) if name == unit]
        rows.sort(key=lambda i: float(frame.index[i][years]))
        for column in range(frame.shape[1]):
            line = frame.iloc[rows, column].set_axis([float(frame.index[i][years]) for i in rows])
            if method == "latest":
                line = line.ffill()
            if method == "constant":
                line = line.ffill().bfill()
            if method == "linear":
                line = line.interpolate("index").ffill().bfill()
            done.iloc[rows, column] = line.to_numpy()
    return done


THREE = pd.MultiIndex.from_product([["安徽", "江苏", None], ["large", "small"], ["2018", "2020", "2023"]])
THREE = THREE.set_names(["place", "size", "year"])


@pytest.mark.parametrize("method", ["latest", "constant", "linear"])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "order", [["place", "size", "year"], ["year", "size", "place"], ["size", "year", "place"]]
)
def test_units_of_several_keys_are_filled_each_from_its_own_years(method, seed, order):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((18, 2)) < 0.5, np.nan, rng.normal(size=(18, 2)))
    panel = (
        pd.DataFrame(values, THREE, columns=["a", "b"])
        .reorder_levels(order)
        .sample(frac=0.9, random_state=seed)
    )
    found = steps.impute(panel, method=method, time="year")
    pd.testing.assert_frame_equal(found.data, over_years(panel, method), rtol=1e-12)
    filled = panel.isna() & found.data.notna()
    assert (found.source == "imputed").equals(filled)
    assert filled.any(axis=None)


def test_a_unit_twice_in_a_year_in_any_spelling_and_years_that_are_none_are_named():
    twice = pd.MultiIndex.from_arrays([["安徽"] * 2, [2019, "2019"]], names=["place", "year"])
    with pytest.raises(DataError, match=r"stands twice in the same period: .*安徽"):
        steps.impute(pd.Series([1.0, np.nan], twice), method="latest", time="year")
    for years, said in ((["2019届", "2020"], "found 2019届"), ([2019, np.inf], "found inf")):
        index = pd.MultiIndex.from_arrays([["安徽"] * 2, years], names=["place", "year"])
        with pytest.raises(DataError, match=said):
            steps.impute(pd.Series([1.0, np.nan], index), method="latest", time="year")


def test_sizes_are_aligned_on_the_index():
    sizes = pd.DataFrame({"people": [4.0, 3.0, 2.0, 1.0]}, PLACES[::-1])
    found = steps.denominate(DATA, sizes, by={"rd": "people"}, scale={"rd": 10, "passed": 1, "loss": 1})
    np.testing.assert_allclose(found["rd"], [10.0, 15.0, 20 / 3, 225.0], rtol=1e-14)
    assert found["passed"].tolist() == DATA["passed"].tolist()
    with pytest.raises(DataError, match="上海"):
        steps.denominate(DATA, sizes.iloc[1:], by={"rd": "people"})
    with pytest.raises(OptionError, match="Did you mean 'people'"):
        steps.denominate(DATA, sizes, by={"rd": "peopel"})
    with pytest.raises(DataError, match="not positive in columns rd"):
        steps.denominate(DATA, sizes * 0, by={"rd": "people"})


def test_screening_shows_its_shares():
    found = steps.screen(DATA, min_unit=0.9, min_indicator=0.8)
    assert found.data.shape == (3, 2)
    assert found.units["kept"].tolist() == [True, True, True, False]
    assert found.indicators["share"].to_dict() == {"passed": 1.0, "loss": 0.75, "rd": 1.0}


FULL = DATA.fillna(0.25)


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("equal", {}, weighting.equal(3)),
        ("pca", {"negative": "zero"}, weighting.principal(FULL, negative="zero")),
        ("oecd", {}, weighting.principal(FULL, rule="oecd")),
        ("entropy", {}, weighting.entropy(FULL)),
        ("critic", {}, weighting.critic(FULL)),
    ],
)
def test_weights_have_the_names_of_the_indicators(method, options, expected):
    found = steps.weigh(FULL, method=method, **options)
    assert found.index.tolist() == list(DATA)
    np.testing.assert_array_equal(found, expected)


def test_balanced_weights_take_targets_by_name():
    wide = pd.DataFrame(
        np.random.default_rng(1).normal(size=(30, 3)) + np.arange(30)[:, None] / 9, columns=list("abc")
    )
    found = steps.weigh(wide, method="balance", target={"c": 2, "b": 1, "a": 1})
    assert found["c"] > 0.4
    assert steps.weigh(wide, method="balance")["c"] < found["c"]


def test_holes_in_weighing_are_refused_by_name_or_left_out():
    with pytest.raises(DataError, match="missing in columns loss"):
        steps.weigh(DATA, method="critic")
    assert steps.weigh(DATA, method="critic", missing="listwise").sum() == pytest.approx(1, rel=1e-12)


def test_aggregating_is_the_formula_by_name():
    scores = steps.normalise(FULL, method="standard", direction=SIGNS)
    w = pd.Series({"loss": 1.0, "passed": 2.0, "rd": 1.0})
    found = steps.aggregate(scores, weights=w, method="power", power=-2)
    expected = aggregation.aggregate(scores, [2, 1, 1], method="power", power=-2).value
    np.testing.assert_array_equal(found["value"], expected)
    low = steps.aggregate(scores, method="geometric", floor=61)["floored"]
    assert low.tolist() == (scores < 61).sum(axis=1).tolist() == [2, 2, 1, 0]
    alone = steps.aggregate(scores, method=lambda x, w: x.max(-1))["value"]
    assert alone.tolist() == scores.max(axis=1).tolist()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: steps.normalise(DATA, method="zscores"), "Did you mean 'zscore'"),
        (lambda: steps.impute(DATA, method="medain"), "Did you mean 'median'"),
        (lambda: steps.treat(DATA, transform="logs"), "Did you mean 'log'"),
        (lambda: steps.weigh(DATA, method="entropi"), "Did you mean 'entropy'"),
        (lambda: steps.aggregate(DATA, method="arithmetc"), "Did you mean 'arithmetic'"),
        (lambda: steps.aggregate(DATA, weights={"pased": 1}), "Did you mean 'passed'"),
        (lambda: steps.aggregate(DATA, weights={"passed": 1}), "weights says nothing of loss, rd"),
        (lambda: steps.normalise(DATA, within="year"), "there is no 'year'"),
        (lambda: steps.normalise(DATA, within={"安徽": 1}), "of 上海, 江苏, 浙江"),
        (lambda: steps.normalise(PANEL, within="year", base=PANEL), "not both"),
        (lambda: steps.normalise(DATA, base=DATA[["rd"]]), "there is no 'passed'"),
        (lambda: steps.impute(DATA, method="latest"), "must be one of the levels"),
        (
            lambda: steps.impute(DATA, method="mean", time="year"),
            "'mean' has no use for 'time'; it takes groups",
        ),
        (
            lambda: steps.impute(PANEL, method="latest", time="year", empty="nan"),
            "no use for 'empty'; it takes time, max_gap",
        ),
        (lambda: steps.weigh(DATA, target=1), "'equal' has no use for 'target'"),
        (lambda: steps.aggregate(DATA, method="mean-min", alpha="x"), "alpha='x' is not a number"),
        (lambda: steps.aggregate(DATA, method="power", power=np.inf), "power=inf is not a number"),
        (lambda: steps.aggregate(DATA, method="geometric", floor="x"), "floor='x' is not a number above 0"),
        (lambda: steps.aggregate(DATA, method="owa", order_weights="abc"), "no list of numbers"),
        (lambda: steps.impute(PANEL, method="latest", time="year", base=PANEL), "no use for 'base'"),
        (lambda: steps.impute(DATA, base=DATA[["rd"]]), "there is no 'passed'"),
        (lambda: steps.impute(DATA, method="multipel"), "Did you mean 'multiple'"),
        (
            lambda: steps.impute(DATA, method="multiple", base=DATA),
            "no use for 'base'; it takes n_imputations",
        ),
        (lambda: steps.impute(DATA, method="em", seed=0), "'em' has no use for 'seed'"),
        (lambda: steps.impute(DATA, method="multiple", n_imputations=0), "n_imputations=0 is not a whole"),
        (lambda: steps.impute(DATA, method="multiple", seed=-1), "seed=-1 is not a whole"),
        (lambda: steps.weigh(DATA, method="ahp", negative="zero"), "'ahp' has no use for 'negative'"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest(call, said):
    with pytest.raises(OptionError, match=said):
        call()


def test_tables_that_cannot_be_read_are_named():
    with pytest.raises(DataError, match="columns place hold no numbers"):
        steps.normalise(DATA.rename_axis("place").reset_index())
    with pytest.raises(DataError, match="found list"):
        steps.normalise([1, 2])
    with pytest.raises(DataError, match="stand twice: rd"):
        steps.normalise(DATA[["rd", "rd"]])
    with pytest.raises(DataError, match="columns loss have no two different"):
        steps.normalise(DATA.assign(loss=1))
    with pytest.raises(DataError, match="must hold numbers"):
        steps.impute(PANEL, method="latest", time="place")
    with pytest.raises(DataError, match="infinite values in columns rd"):
        steps.screen(DATA.assign(rd=np.inf))


def test_holes_of_a_year_can_be_filled_from_another():
    holed, base = DATA.assign(rd=[np.nan, 3, 2, 90]), DATA * 10
    assert steps.impute(holed, base=base).data.loc["安徽", "rd"] == base["rd"].mean()
    assert steps.impute(holed, method="median", base=base).data.loc["上海", "loss"] == base["loss"].median()
    sides = {"安徽": "W", "江苏": "E", "浙江": "E", "上海": "W"}
    grouped = steps.impute(holed, method="group-mean", groups=sides, base=base).data
    assert grouped.loc["安徽", "rd"] == base.loc[["安徽", "上海"], "rd"].mean()
    assert steps.impute(holed["rd"], base=base["rd"]).data["安徽"] == base["rd"].mean()
    fitted = imputation.fit(base, "regression", predictors=(0,))
    found = steps.impute(holed, method="regression", predictors=["passed"], base=base).data
    np.testing.assert_array_equal(found, imputation.apply(holed, fitted).value)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([1, np.nan, 1, 1], "'people' is empty for 江苏"),
        (["x"] * 4, "found x"),
        ([np.inf, 1, 1, 1], "found inf"),
    ],
)
def test_sizes_that_are_none_are_named(people, said):
    sizes = pd.DataFrame({"people": people}, index=PLACES)
    with pytest.raises(DataError, match=said):
        steps.denominate(DATA, sizes, by={"rd": "people"})


def test_a_size_that_is_not_there_can_make_a_hole():
    sizes = pd.DataFrame({"people": [2, np.nan, 1, 1]}, index=PLACES)
    found = steps.denominate(DATA, sizes, by={"rd": "people"}, zero="nan")["rd"]
    np.testing.assert_array_equal(found, [0.5, np.nan, 2, 90])


def test_months_are_filled_as_parts_of_years():
    index = pd.MultiIndex.from_product(
        [["2022M11", "2023M01", "2023M02"], ["安徽"]], names=["month", "place"]
    )
    data = pd.Series([1.0, np.nan, 4.0], index, name="rate")
    assert steps.impute(data, method="linear", time="month").data.tolist() == pytest.approx(
        [1, 3, 4], rel=1e-9
    )


def test_several_imputations_stand_one_below_the_other_with_their_number():
    rng = np.random.default_rng(4)
    one = rng.normal(size=30)
    data = pd.DataFrame(
        {"a": one, "b": one + rng.normal(size=30) / 4}, pd.Index(range(100, 130), name="place")
    )
    data.iloc[[2, 5], 1] = np.nan
    found = steps.impute(data, method="multiple", n_imputations=3, seed=5)
    assert found.data.index.names == found.source.index.names == ["imputation", "place"]
    tables = normal_imputation.multiple(data, 3, seed=5)
    for number in (1, 2, 3):
        np.testing.assert_array_equal(found.data.loc[number], tables[number - 1])
        assert (found.source.loc[number] == "imputed").equals(data.isna())
    assert found.source.isin(["imputed", "observed"]).all(axis=None)
    assert found.data.loc[1].index.equals(data.index)
    plain = steps.impute(data, method="multiple").data
    np.testing.assert_array_equal(
        plain.to_numpy().reshape(20, 30, 2), normal_imputation.multiple(data, 20, seed=0)
    )
    each = steps.normalise(found.data, within="imputation")
    assert each.groupby(level="imputation").max().eq(100).all(axis=None)


def test_one_indicator_is_imputed_several_times_as_a_series_of_many_levels():
    index = pd.MultiIndex.from_product([[2020, 2021], list("abcd")])
    data = pd.Series([1.0, 2.0, np.nan, 4.0, 5.0, 3.0, 7.0, 9.0], index, name="rd")
    found = steps.impute(data, method="multiple", n_imputations=2)
    assert isinstance(found.data, pd.Series)
    assert found.data.index.names == ["imputation", None, None]
    assert found.source[1, 2020].tolist() == ["observed", "observed", "imputed", "observed"]
    assert found.data[1, 2020, "c"] != found.data[2, 2020, "c"]
    with pytest.raises(DataError, match="level of the index is called 'imputation'"):
        steps.impute(found.data, method="multiple")


@pytest.mark.parametrize(
    "table",
    [DATA.iloc[:0], DATA[[]], pd.DataFrame(), pd.Series(dtype=float), PANEL.iloc[:0]],
    ids=["rows", "columns", "both", "series", "panel"],
)
@pytest.mark.parametrize(
    "step",
    [
        steps.treat,
        steps.normalise,
        steps.screen,
        steps.impute,
        steps.weigh,
        steps.benefit_of_the_doubt,
        lambda data: steps.denominate(data, data, by={}),
        lambda data: steps.aggregate(data, method="copeland"),
    ],
)
def test_an_empty_table_is_told_what_it_lacks(step, table):
    lacks = "rows, one a unit" if table.ndim == 1 or table.shape[1] else "columns, one an indicator"
    with pytest.raises(DataError, match=f"^the table is empty: it has no {lacks}$"):
        step(table)


def test_a_reference_that_is_the_worst_is_told_by_the_name_of_the_indicator():
    with pytest.raises(DataError, match="the reference is missing or the worst value in columns passed, rd;"):
        steps.normalise(DATA, method="distance-to-reference", reference="安徽", direction=SIGNS)
