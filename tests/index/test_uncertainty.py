from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import qstats as qs
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.index.build import competitiveness_index
from qstats.index.repeated import simulate
from qstats.index.runs import Choices, prepare
from qstats.index.sensitivity import sensitivity
from qstats.index.uncertainty import run_summary, uncertainty
from qstats.stats.covariance import Errors, Level

ERRORS = {"pass": 1.0, "loss": 0.01, "export": 1.5}
WEIGHT_SETS = [{"level": 0.5, "trade": 0.5}, {"level": 0.9, "trade": 0.1}]


def known(data):
    return data.assign(std_error=data["indicator"].map(ERRORS))


def two_years(data):
    both = pd.concat(
        [data.assign(period="2022"), data.assign(period="2023", estimate=data["estimate"] * 1.02)]
    )
    return both[[c for c in ("indicator", "period", "region", "estimate", "std_error") if c in both]]


def of_one_sample(data, code, noise, sample):
    """Return an indicator whose rows move by `noise` (rows × units) times common normal draws."""
    rows = data[data["indicator"] == code].drop(columns="indicator").reset_index(drop=True)
    Z = csr_array(np.asarray(noise, float))
    units = Z.shape[1]
    level = Level(Z, np.full(units, -1), np.ones(units), np.ones(units))
    table = rows.assign(
        std_error=np.sqrt((Z.toarray() ** 2).sum(1)), conf_low=np.nan, conf_high=np.nan, n=100
    )
    return Estimate(
        table,
        indicator=code,
        unit="" if code == "export" else "%",
        method="m",
        errors=Errors((level,), sample),
    )


def test_sampling_alone_is_the_linear_propagation(tree, data):
    found = uncertainty(known(data), tree, n_runs=4000, seed=1).table
    linear = competitiveness_index(known(data), tree).table
    np.testing.assert_allclose(found["estimate"], linear["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found["std_error"], linear["std_error"], rtol=0.06)
    np.testing.assert_allclose(found["conf_low"], linear["conf_low"], rtol=0.006)
    assert (found["share_sampling"] == 1).all() and (found["share_method"] == 0).all()


def test_the_level_of_the_intervals(tree, data):
    wide, narrow = (uncertainty(known(data), tree, level=level).table for level in (0.95, 0.5))
    assert (narrow["conf_high"] < wide["conf_high"]).all() and (narrow["conf_low"] > wide["conf_low"]).all()
    done = simulate(prepare(known(data), tree, Choices()), 1000)
    table = run_summary(done, level=0.5).table.set_index(["region", "node"])
    at = done.prepared.units.index[done.prepared.units["region"] == "安徽"][0]
    inside = np.quantile(done.score[done.prepared.tree.codes.index("all"), :, at], [0.25, 0.75])
    row = table.loc[("安徽", "all")]
    assert [row["conf_low"], row["conf_high"]] == pytest.approx(inside, rel=1e-12)


def test_the_same_seed_gives_the_same_and_another_another(tree, data):
    one, same, other = (uncertainty(known(data), tree, n_runs=50, seed=s).table for s in (0, 0, 1))
    pd.testing.assert_frame_equal(one, same)
    assert (one["std_error"] != other["std_error"]).any()


def test_the_order_of_rows_does_not_matter(tree, data):
    shuffled = known(data).sample(frac=1, random_state=3)
    one, two = (uncertainty(table, tree, n_runs=50).table for table in (known(data), shuffled))
    pd.testing.assert_frame_equal(one, two)


def test_workers_change_nothing(tree, data, monkeypatch):
    monkeypatch.setattr("qstats.index.pipeline.BLOCK", 200)
    choices = {"alternatives": {"aggregation": ["arithmetic", "geometric"]}, "n_runs": 60}
    one, two = (uncertainty(known(data), tree, workers=k, **choices).table for k in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_what_estimates_of_one_sample_have_in_common_stays_in_common(tree, data):
    """Errors of two indicators that move together add up; those that move apart cancel."""
    spread = {}
    for name, sign in (("together", 1), ("apart", -1)):
        given = {
            "pass": of_one_sample(data, "pass", [[0.4]] * 3, "s"),
            # one point of pass scores 1 × 0.6 × 0.75, of export 0.8 × 0.25
            "export": of_one_sample(data, "export", [[sign * 0.9]] * 3, "s"),
            "loss": of_one_sample(data, "loss", [[0.0]] * 3, "t"),
        }
        found = uncertainty(given, tree, n_runs=2000, seed=2).where(node="all", region="湖北")
        spread[name] = found.table["std_error"].iloc[0]
    assert spread["together"] == pytest.approx(0.45 * 0.4 + 0.2 * 0.9, rel=0.05)
    assert spread["apart"] == pytest.approx(abs(0.45 * 0.4 - 0.2 * 0.9), abs=0.01)


def test_an_error_common_to_two_years_cancels_in_the_change(tree, data):
    both = two_years(data)
    given = {code: of_one_sample(both, code, [[0.3]] * 6, f"s {code}") for code in ("pass", "export")}
    given["loss"] = of_one_sample(both, "loss", [[0.0]] * 6, "t")
    level = uncertainty(given, tree, n_runs=300).where(node="all", period="2023").table["std_error"]
    change = uncertainty(given, tree, n_runs=300, of="change").where(node="all").table
    assert set(change["period"]) == {"2023"}
    assert (change["std_error"].to_numpy() < 0.05 * level.to_numpy()).all()
    expected = (
        competitiveness_index(both, tree)
        .where(node="all")
        .table.pivot(index="region", columns="period", values="estimate")
    )
    moved = (expected["2023"] - expected["2022"])[change["region"]]
    np.testing.assert_allclose(change["estimate"], moved, atol=1e-10, rtol=0)


def test_the_variance_is_split_as_an_additive_index_says(tree, data):
    """Scores of export move by errors, weights by choice; to first order they do not interact."""
    given = known(data).assign(std_error=lambda t: t["std_error"].where(t["indicator"] == "export", 1e-9))
    near = [{"level": 0.74, "trade": 0.26}, {"level": 0.76, "trade": 0.24}]
    choices = {"alternatives": {"weights": near}, "split_runs": 2000}
    both = uncertainty(given, tree, n_runs=4000, seed=5, **choices).where(node="all", region="安徽").table
    sampling = uncertainty(given, tree, n_runs=4000, seed=5, **choices | {"alternatives": None}).where(
        node="all", region="安徽"
    )
    method = uncertainty(given, tree, n_runs=4000, sampling="none", **choices).where(
        node="all", region="安徽"
    )
    parts = [part.table["std_error"].iloc[0] ** 2 for part in (sampling, method)]
    shares = both[["share_sampling", "share_imputation", "share_method"]].iloc[0]
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert shares["share_imputation"] == 0
    assert shares["share_method"] == pytest.approx(parts[1] / sum(parts), abs=0.04)
    assert 0.2 < shares["share_method"] < 0.8


def test_imputation_has_a_share_of_its_own(tree):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(30, 1)) + 0.5 * rng.normal(size=(30, 3))
    wide = pd.DataFrame(z * [5, -0.2, 5] + [85, 0.9, 25], columns=["pass", "loss", "export"])
    wide.loc[[2, 7], "pass"] = np.nan
    long = wide.assign(region=[f"R{i}" for i in range(30)]).melt(
        "region", var_name="indicator", value_name="estimate"
    )
    long = long[["indicator", "region", "estimate"]].assign(std_error=0.1)
    steps = {"imputation": "mean"}
    many = {"imputation": ["multiple"]}
    found = uncertainty(long, tree, steps=steps, alternatives=many, n_runs=60, n_imputations=5)
    rows = found.where(node="pass").table.set_index("region")
    assert rows.loc["R2", "share_imputation"] > 0.5
    assert rows.loc["R3", "share_imputation"] == pytest.approx(0, abs=1e-9)
    assert rows["share_sampling"].add(rows["share_imputation"]).dropna().to_numpy() == pytest.approx(1)
    fixed = uncertainty(
        long, tree, steps=steps, alternatives=many, n_runs=60, n_imputations=1, sampling="none"
    )
    assert fixed.where(node="pass", region="R2").table["std_error"].iloc[0] == pytest.approx(0, abs=1e-9)


def test_ranks_have_intervals_and_whole_numbers(tree, data):
    wide = known(data).assign(std_error=lambda t: 6 * t["std_error"])
    score = uncertainty(wide, tree, n_runs=500).where(node="all").table.set_index("region")
    rank = uncertainty(wide, tree, n_runs=500, of="rank").where(node="all").table.set_index("region")
    assert score["rank"].sort_values().tolist() == [1, 2, 3]
    pd.testing.assert_series_equal(score["rank_low"], rank["conf_low"], check_names=False)
    assert (rank["conf_low"] % 1 == 0).all() and (rank["conf_low"] <= rank["estimate"]).all()
    assert (score["rank_high"] > score["rank_low"]).any()
    assert rank["mean"].sum() == pytest.approx(6)


def test_a_gap_is_to_its_reference(tree, data):
    found = uncertainty(known(data), tree, of="gap", reference={"region": "江苏"}).where(node="all")
    scores = competitiveness_index(data, tree).where(node="all")
    assert found.value(region="安徽") == pytest.approx(
        scores.value(region="安徽") - scores.value(region="江苏")
    )
    own = found.where(region="江苏").table.iloc[0]
    assert own["estimate"] == 0 and own["std_error"] == 0


def test_the_shift_of_ranks_is_one_number_a_node(tree, data):
    found = uncertainty(known(data), tree, of="rank-shift", alternatives={"weights": WEIGHT_SETS})
    assert found.table["node"].tolist() == tree["code"].tolist()
    assert found.value(node="all") == 0
    assert found.table["mean"].between(0, 2).all()


@pytest.mark.parametrize("law", ["weight_spread", "weight_concentration"])
def test_random_weights_move_nodes_above_and_no_leaf(tree, data, law):
    little, much = {"weight_spread": (0.1, 0.5), "weight_concentration": (200, 10)}[law]
    one, two = (
        uncertainty(data, tree, sampling="none", **{law: size}).table.set_index(["region", "node"])[
            "std_error"
        ]
        for size in (little, much)
    )
    assert (one.unstack()[["pass", "loss", "export", "trade"]] < 1e-12).all(axis=None)
    for region in ("安徽", "江苏"):  # of Hubei all scores are equal
        assert two[region, "all"] > 2 * one[region, "all"] > 0


def test_dirichlet_weights_have_the_variance_of_their_law(tree, data):
    found = uncertainty(data, tree, sampling="none", weight_concentration=20.0, n_runs=5000, seed=4)
    row = found.where(node="trade", region="安徽")
    assert row.table["std_error"].iloc[0] == pytest.approx(0, abs=1e-12)
    level = found.where(node="level", region="江苏").table.iloc[0]
    scores = competitiveness_index(data, tree).where(region="江苏")
    gap = scores.value(node="pass") - scores.value(node="loss")
    assert level["std_error"] == pytest.approx(abs(gap) * np.sqrt(0.6 * 0.4 / 21), rel=0.05)


def test_a_uniform_spread_of_weights(tree, data):
    found = uncertainty(data, tree, sampling="none", weight_spread=0.5, n_runs=5000, seed=4)
    scores = competitiveness_index(data, tree).where(region="江苏")
    rng = np.random.default_rng(0)
    w = np.array([0.6, 0.4]) * (1 + 0.5 * rng.uniform(-1, 1, (200_000, 2)))
    drawn = (w / w.sum(1, keepdims=True)) @ [scores.value(node="pass"), scores.value(node="loss")]
    row = found.where(node="level", region="江苏").table.iloc[0]
    assert row["std_error"] == pytest.approx(drawn.std(), rel=0.05)


def test_each_alternative_is_taken_as_often_as_any_other(tree, data):
    found = uncertainty(data, tree, sampling="none", alternatives={"weights": WEIGHT_SETS}, n_runs=1000)
    one, two = (
        competitiveness_index(data, tree.assign(weight=tree["code"].map(s).fillna(tree["weight"])))
        for s in WEIGHT_SETS
    )
    mean = (one.table["estimate"] + two.table["estimate"]) / 2
    np.testing.assert_allclose(found.table["mean"], mean, rtol=1e-12)


def failing(tree, data, **options):
    steps = {"normalisation": {"method": "zscore"}}
    return uncertainty(
        data,
        tree,
        sampling="none",
        steps=steps,
        alternatives={"aggregation": ["arithmetic", "geometric"]},
        **options,
    )


def test_runs_without_a_result_are_refused_or_counted_with_their_cause(tree, data):
    with pytest.raises(DataError, match=r"50 of 100 runs failed: 50 × .*not positive"):
        failing(tree, data, n_runs=100, lang="en")
    found = failing(tree, data, n_runs=100, failed="count", lang="en")
    assert "50 of 100 runs failed" in found.notes[0]
    assert (found.table["n"] == 50).all()
    assert found.table["std_error"].max() < 1e-12


def test_an_error_that_is_not_known_is_refused_or_held_fixed(tree, data):
    with pytest.raises(DataError):
        uncertainty(data, tree)
    choices = {"alternatives": {"weights": WEIGHT_SETS}, "lang": "en"}
    found = uncertainty(data, tree, unknown="fixed", **choices)
    assert "held fixed" in found.notes[-1]
    none = uncertainty(data, tree, sampling="none", **choices)
    np.testing.assert_allclose(found.table["std_error"], none.table["std_error"], rtol=1e-12)
    assert found.inference == "none" and none.inference == "none"
    assert not uncertainty(known(data), tree, unknown="fixed", n_runs=20).notes


def test_a_panel_is_imputed_and_normalised_by_year_as_said(tree, data):
    both = two_years(data)
    wide = {"normalisation": {"method": "minmax", "within": "period"}}
    found = uncertainty(both, tree, sampling="none", steps=wide, alternatives={"weights": WEIGHT_SETS})
    best = found.where(node="pass").table.groupby("period")["estimate"].max()
    assert best.tolist() == [100, 100]
    one = {"normalisation": {"method": "minmax"}}
    found = uncertainty(both, tree, sampling="none", steps=one, alternatives={"weights": WEIGHT_SETS})
    assert found.where(node="pass").table.groupby("period")["estimate"].max().tolist() != [100, 100]


def test_single_nodes_can_have_their_own_mean(tree, data):
    own = {"aggregation": {"method": "arithmetic", "nodes": {"level": "geometric"}}}
    found = uncertainty(data, tree, sampling="none", steps=own, alternatives={"weights": WEIGHT_SETS})
    scores = competitiveness_index(data, tree).where(region="江苏")
    geometric = scores.value(node="pass") ** 0.6 * scores.value(node="loss") ** 0.4
    assert found.value(region="江苏", node="level") == pytest.approx(geometric, rel=1e-12)
    expected = 0.75 * geometric + 0.25 * scores.value(node="trade")
    assert found.value(region="江苏", node="all") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": {"normalization": "minmax"}}, "normalisation"),
        ({"steps": {"normalisation": "minmaxx"}}, "minmax"),
        ({"steps": {"treatment": {"max_winsorized": 2}}}, "max_winsorised"),
        ({"steps": {"normalisation": {"method": "minmax", "within": "year"}}}, "within"),
        ({"steps": {"aggregation": {"method": "geometrical"}}}, "geometric"),
        ({"steps": {"aggregation": None}}, "left out"),
        ({"alternatives": {"weight": []}}, "weights"),
        ({"alternatives": {"weights": []}}, "not empty"),
        ({"alternatives": {"weights": [{"levl": 1.0}]}}, "level"),
        ({"alternatives": {"weights": [{"level": 0, "trade": 0}]}}, "none above zero"),
        ({"alternatives": {"weights": [{"all": 2.0}]}}, "weights='all'"),
        ({"weight_spread": 2.0}, "weight_spread=2"),
        ({"weight_concentration": 0.0}, "weight_concentration=0"),
        ({"weight_spread": 0.1, "weight_concentration": 5.0}, "one of"),
        ({"n_runs": 1}, "n_runs=1"),
        ({"split_runs": 1}, "split_runs=1"),
        ({"of": "ranks"}, "rank"),
        ({"failed": "drop"}, "count"),
        ({"level": 95.0}, "level=95"),
        ({"of": "gap", "reference": "江苏"}, "not a mapping of key to value"),
        ({"of": "rank", "reference": {"region": "江苏"}}, "no use for reference"),
    ],
)
def test_what_is_misspelt_or_impossible_is_named(tree, data, options, match):
    with pytest.raises(OptionError, match=match):
        uncertainty(known(data), tree, lang="en", **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"sampling": "none"}, "Nothing varies"),
        ({"of": "change"}, "two periods"),
        ({"of": "gap"}, "needs a reference"),
        ({"of": "gap", "reference": {"region": "北京"}}, "reference"),
        ({"steps": {"normalisation": {"method": "minmax", "base": {"region": "北京"}}}}, "base"),
    ],
)
def test_what_the_data_cannot_answer_is_refused(tree, data, options, match):
    with pytest.raises(DataError, match=match):
        uncertainty(known(data), tree, lang="en", n_runs=20, **options)


def test_a_missing_value_is_refused_or_renormalised(tree, data):
    holes = known(data)[~((data["region"] == "安徽") & (data["indicator"] == "loss"))]
    with pytest.raises(DataError):
        uncertainty(holes, tree)
    found = uncertainty(holes, tree, missing="renormalise", n_runs=50)
    index = competitiveness_index(holes, tree, missing="renormalise")
    np.testing.assert_allclose(found.table["estimate"], index.table["estimate"], rtol=1e-12)
    gone = found.where(region="安徽", node="loss").table.iloc[0]
    assert np.isnan(gone["estimate"]) and np.isnan(gone["std_error"]) and gone["n"] == 0


def test_a_reference_and_a_base_are_known_in_any_spelling(tree, data):
    one, two = (
        uncertainty(known(data), tree, of="gap", reference={"region": name}, n_runs=20)
        for name in ("江苏", "Jiangsu")
    )
    np.testing.assert_array_equal(one.table["estimate"], two.table["estimate"])
    steps = [{"normalisation": {"method": "zscore", "base": {"period": year}}} for year in (2022, 2022.0)]
    one, two = (uncertainty(two_years(known(data)), tree, steps=how, n_runs=20) for how in steps)
    np.testing.assert_array_equal(one.table["conf_low"], two.table["conf_low"])


def test_units_with_the_same_scores_in_another_order_share_their_rank(tree):
    three = pd.concat([tree.iloc[:1], pd.concat([tree.iloc[[3]]] * 3)], ignore_index=True)
    three = three.assign(
        code=["all", "a", "b", "c"], parent=["", "all", "all", "all"], weight=[1, *[1 / 3] * 3]
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.integers(600, 1000, 3) / 10
        rows = [
            (code, str(p), x[q]) for p in permutations(range(3)) for code, q in zip("abc", p, strict=True)
        ]
        data = pd.DataFrame(rows, columns=["indicator", "unit", "estimate"])
        both = {"aggregation": ["arithmetic", "geometric"]}
        found = uncertainty(
            data.rename(columns={"unit": "who"}), three, alternatives=both, sampling="none", n_runs=4
        )
        table = found.where(node="all").table
        assert (table[["rank", "rank_low", "rank_high"]] == 1).all(axis=None)


def test_orders_of_units_are_found_run_by_run(tree, data):
    sets = [{"pass": 0.9, "loss": 0.1}, {"pass": 0.1, "loss": 0.9}]
    more = data.assign(
        estimate=data["estimate"].mask((data["region"] == "湖北") & (data["indicator"] == "loss"), 0.0)
    )
    vary = Choices(
        steps={"aggregation": {"nodes": {"level": "kemeny"}}}, alternatives={"weights": sets}, sampling="none"
    )
    done = simulate(prepare(more, tree, vary), 8)
    place = done.prepared.tree.codes.index("level")
    best = np.unique(done.score[place].argmax(axis=1))
    names = done.prepared.units["region"]
    assert set(names.iloc[best]) == {"江苏", "湖北"}  # the best pass rate, the least losses
    assert set(done.score[place].ravel()) == {-1.0, -2.0, -3.0}


def test_advice_is_what_can_be_done(tree, data):
    """Only `uncertainty` counts runs that failed, and not where all did; holes are named one by one."""
    how = {"steps": {"normalisation": "zscore"}, "sampling": "none", "lang": "en"}
    geometric = {"alternatives": {"aggregation": ["arithmetic", "geometric"]}}
    with pytest.raises(DataError, match=r"1 of 2 runs failed.*Remove the cause\.$"):
        sensitivity(data, tree, **how, **geometric)
    with pytest.raises(DataError, match='or count them with failed="count"'):
        uncertainty(data, tree, **how, **geometric)
    with pytest.raises(DataError, match=r"8 of 8 runs failed.*Remove the cause\.$"):
        alone = {"alternatives": {"aggregation": ["geometric"]}}
        uncertainty(data, tree, failed="count", n_runs=8, **how, **alone)
    with pytest.raises(DataError, match="安徽 × loss"):
        holed = data.assign(
            estimate=data["estimate"].mask(data["region"].eq("安徽") & data["indicator"].eq("loss"))
        )
        uncertainty(holed, tree, sampling="none", alternatives={"imputation": ["mean", "median"]}, lang="en")


def test_a_target_that_the_framework_lacks_is_named(tree, data):
    some = tree.assign(target=[np.nan, np.nan, np.nan, 99.0, np.nan, 45.0])
    with pytest.raises(OptionError, match="no target for loss"):
        uncertainty(known(data), some, steps={"normalisation": "distance-to-target"}, n_runs=8)


def test_what_is_no_estimate_is_named_by_its_kind(tree, data):
    with pytest.raises(DataError, match="it is DataFrame"):
        uncertainty({"pass": data}, tree, lang="en")
    with pytest.raises(DataError, match="it is int"):
        uncertainty([3], tree, lang="en")
    with pytest.raises(OptionError, match="choices=None"):
        prepare(known(data), tree, None)


def test_a_set_of_weights_can_be_that_of_a_whole_framework(tree, data):
    whole = qs.framework(tree)
    sets = [dict(zip(whole["code"], whole["weight"], strict=True)), {"level": 0.5, "trade": 0.5}]
    found = uncertainty(data, tree, sampling="none", alternatives={"weights": sets}, n_runs=8).where(
        node="all"
    )
    index = competitiveness_index(data, tree).where(node="all")
    np.testing.assert_allclose(found.table["estimate"], index.table["estimate"], rtol=1e-12)
