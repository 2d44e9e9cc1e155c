"""What must not change an estimate, does not; what must give zero, does."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DesignError
from qstats.survey.cells import Cells, cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "deff", "cv")
CLUSTERS = Design(weight="w", strata="h", cluster="psu")
FPC = Design(weight="w", strata="h", cluster="psu", fpc="N")
STAGES = Design(weight="w", strata="h", cluster=["psu", "ssu"], fpc=["N", "M"])
ELEMENTS = Design(weight="w", strata="h")
CALIBRATED = CLUSTERS.calibrate({"e": {1: 700.0, 2: 900.0}})
JACKKNIFE = CLUSTERS.replicate("jkn")
DESIGNS = {
    "clusters": CLUSTERS,
    "fpc": FPC,
    "stages": STAGES,
    "elements": ELEMENTS,
    "calibrated": CALIBRATED,
    "calibrated elements": ELEMENTS.calibrate({"e": {1: 700.0, 2: 900.0}}),
    "regression": CLUSTERS.calibrate({"1": 1600.0, "z": 5200.0}),
    "jackknife": JACKKNIFE,
}


def sample(n=240, seed=5):
    rng = np.random.default_rng(seed)
    psu = np.sort(np.arange(n) % 18)
    return pd.DataFrame(
        {
            "h": psu // 6,
            "psu": psu,
            "ssu": np.arange(n) % 3,
            "d": rng.choice(["皖", "苏", "浙"], n),
            "e": rng.choice([1, 2], n),
            "w": rng.uniform(2, 9, n),
            "y": (rng.random(n) < 0.6).astype(int),
            "x": rng.uniform(1, 5, n),
            "z": rng.uniform(2, 5, n),
            "N": 8 + psu // 6,
            "M": 5,
        }
    )


ROWS = sample()


@pytest.fixture(params=DESIGNS)
def design(request):
    return DESIGNS[request.param]


def results(table, design, **options):
    """Of all estimators, by domain and margins."""
    options = {"by": "d", "design": design, "margins": True, **options}
    yield ratio(table, numerator="y", denominator="x", **options)
    yield mean(table, y="x", **options)
    yield total(table, y="x", **options)
    yield proportion(table, y="y", **options)


def same(found, wanted, tolerance, columns=COLUMNS):
    for got, want in zip(found, wanted, strict=True):
        got, want = got.table, want.table
        keys = list(got.columns[: list(got.columns).index("estimate")])
        assert got[keys].to_numpy().tolist() == want[keys].to_numpy().tolist()
        for column in columns:
            np.testing.assert_allclose(got[column], want[column], rtol=tolerance, atol=0, err_msg=column)
        assert got["flag"].tolist() == want["flag"].tolist()


@settings(deadline=None, max_examples=8)
@given(st.permutations(range(len(ROWS))), st.sampled_from(sorted(DESIGNS)))
def test_the_order_of_rows_does_not_matter(order, name):
    design = DESIGNS[name]
    same(results(ROWS.iloc[list(order)], design), results(ROWS, design), 1e-11)


def test_shards_add_up_to_the_whole(design):
    options = {"by": "d", "design": design, "sums": ["y", "x"]}
    rng = np.random.default_rng(1)
    shard = rng.integers(0, 4, len(ROWS))
    made = sum(cells(ROWS[shard == k], **options) for k in range(4))
    for got, want in zip(results(made, design), results(ROWS, design), strict=True):
        np.testing.assert_allclose(got.table["estimate"], want.table["estimate"], rtol=1e-13, atol=0)
        np.testing.assert_allclose(got.table["std_error"], want.table["std_error"], rtol=1e-12, atol=0)


def test_what_units_are_called_does_not_matter(design):
    names = dict(enumerate(np.random.default_rng(2).permutation(1000)[:18]))
    renamed = ROWS.assign(
        psu=ROWS["psu"].map(names).map("企业{}".format), h=ROWS["h"].map({0: "丙", 1: "甲", 2: "乙"})
    )
    same(results(renamed, design), results(ROWS, design), 1e-11)


def test_labels_repeated_between_strata_are_other_units_when_that_is_said():
    nested = ROWS.assign(psu=ROWS["psu"] % 6)
    plan = Design(**CLUSTERS.to_dict() | {"nest": True})
    same(results(nested, plan), results(ROWS, CLUSTERS), 1e-12)
    with pytest.raises(DesignError, match="nest"):
        mean(nested, y="x", design=CLUSTERS)


def test_a_common_factor_of_the_weights_cancels_in_ratios_and_multiplies_totals():
    for plan in (CLUSTERS, FPC, STAGES, ELEMENTS, JACKKNIFE):
        scaled = ROWS.assign(w=ROWS["w"] * 1000 / 3)
        columns = [c for c in COLUMNS if c != "deff"]  # which knows the size of the population
        got, want = list(results(scaled, plan)), list(results(ROWS, plan))
        for a, b in ((0, 0), (1, 1), (3, 3)):
            same([got[a]], [want[b]], 1e-11, columns)
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            np.testing.assert_allclose(got[2].table[column], want[2].table[column] * 1000 / 3, rtol=1e-11)


def test_calibrated_estimates_do_not_know_the_factor_at_all():
    scaled = ROWS.assign(w=ROWS["w"] * 7)
    for name in ("calibrated", "calibrated elements", "regression"):
        columns = [c for c in COLUMNS if c != "deff" or name != "regression"]  # its deff has sampling weights
        same(results(scaled, DESIGNS[name]), results(ROWS, DESIGNS[name]), 1e-9, columns)


def test_a_domain_is_the_sample_with_zeros_outside(design):
    zeroed = ROWS.assign(x=ROWS["x"].where(ROWS["d"] == "苏", 0), y=ROWS["y"].where(ROWS["d"] == "苏", 0))
    whole = total(zeroed, y="x", design=design).table.iloc[0]
    part = total(ROWS, y="x", by="d", design=design).where(d="苏").table.iloc[0]
    np.testing.assert_allclose(part["estimate"], whole["estimate"], rtol=1e-12)
    np.testing.assert_allclose(part["std_error"], whole["std_error"], rtol=1e-11)
    of = ratio(zeroed, numerator="y", denominator="x", design=design).table.iloc[0]
    by = ratio(ROWS, numerator="y", denominator="x", by="d", design=design).where(d="苏").table.iloc[0]
    np.testing.assert_allclose(
        by[["estimate", "std_error"]].astype(float), of[["estimate", "std_error"]].astype(float), rtol=1e-11
    )


def test_a_domain_is_not_the_sample_without_the_others():
    seen = ROWS[(ROWS["psu"] % 6 != 0) | (ROWS["d"] != "苏")]
    domain = total(seen, y="x", by="d", design=CLUSTERS).where(d="苏").table["std_error"].iloc[0]
    alone = total(seen[seen["d"] == "苏"], y="x", design=CLUSTERS).table["std_error"].iloc[0]
    assert abs(domain / alone - 1) > 1e-3


def test_rows_without_weight_change_nothing():
    for plan in (CLUSTERS, ELEMENTS, JACKKNIFE, CALIBRATED, DESIGNS["regression"]):
        units = ROWS["psu"].isin([2, 9]) if plan is not ELEMENTS else ROWS.index < 40
        zero = ROWS.assign(w=ROWS["w"].where(~units, 0.0))
        odd = zero.assign(x=zero["x"].where(~units, 1e6), y=zero["y"].where(~units, 1))
        same(results(odd, plan), results(zero, plan), 1e-11)
        assert mean(odd, y="x", design=plan).table["n"].tolist() == [float((~units).sum())]


def test_rows_without_weight_within_units_might_as_well_be_absent():
    extra = ROWS[ROWS["ssu"] == 1].assign(w=0.0, x=9e9, y=1)
    both = pd.concat([ROWS, extra], ignore_index=True)
    same(results(both, CLUSTERS), results(ROWS, CLUSTERS), 1e-12)


def test_a_unit_a_row_is_no_clusters():
    rows = ROWS.assign(row=range(len(ROWS)), big=500)
    for more in ({}, {"fpc": "big"}):
        each = Design(weight="w", strata="h", cluster="row", **more)
        none = Design(weight="w", strata="h", **more)
        same(results(rows, each), results(rows, none), 1e-12)
        same(results(rows, each, df="design"), results(rows, none, df="design"), 1e-12)
    same(results(rows, Design(cluster="row")), results(rows, Design()), 1e-12)


def test_a_unit_a_row_is_no_clusters_also_without_weight_or_value():
    rows = ROWS.assign(row=range(len(ROWS)), w=ROWS["w"].where(ROWS.index % 5 != 0, 0.0))
    rows = rows.assign(x=rows["x"].where(rows.index % 7 != 0))
    each, none = Design(weight="w", strata="h", cluster="row"), ELEMENTS
    options = {"missing": "omit"}
    found, wanted = list(results(rows, none, **options)), list(results(rows, each, **options))
    same(found[:3], wanted[:3], 1e-12)
    assert found[1].table["df"].iloc[-1] == ((rows["w"] > 0) & rows["x"].notna()).sum() - 3


def test_a_sample_that_is_the_population_has_no_error_and_says_so():
    census = ROWS.assign(N=6, M=3, w=1.0)
    for plan in (FPC, STAGES, Design(strata="h", fpc="N")):
        table = census.assign(N=census.groupby("h")["h"].transform("size")) if plan.elements else census
        for got in results(table, plan):
            assert (got.table["std_error"] == 0.0).all()
            assert (got.table["conf_low"] == got.table["estimate"]).all()
            assert (got.table["conf_high"] == got.table["estimate"]).all()
            assert got.table["flag"].unique().tolist() == ["no sampling error: every unit was taken"]
            assert (got.covariance() == 0).all()
    got = quantile(census, y="x", by="d", design=FPC).table
    assert (got["std_error"] == 0.0).all()
    assert got["flag"].unique().tolist() == ["no sampling error: every unit was taken"]


def test_a_first_stage_that_is_the_population_leaves_the_error_of_the_second():
    census = ROWS.assign(N=6)
    one = mean(census, y="x", design=FPC).table.iloc[0]
    two = mean(census, y="x", design=STAGES).table.iloc[0]
    assert one["std_error"] == 0.0
    assert two["std_error"] > 0
    assert two["flag"] == ""


def test_a_total_that_the_weights_repeat_has_no_error_and_says_so():
    for name in ("calibrated", "calibrated elements"):
        got = total(ROWS, y="1", by="e", margins=True, design=DESIGNS[name]).table
        np.testing.assert_allclose(got["estimate"], [700, 900, 1600], rtol=1e-12)
        assert (got["std_error"] == 0.0).all()
        assert got["flag"].unique().tolist() == ["no sampling error: the weights repeat this known total"]
        free = total(ROWS, y="1", by="d", design=DESIGNS[name]).table
        assert (free["std_error"] > 1).all()
    raked = CLUSTERS.calibrate(
        {"e": {1: 700, 2: 900}, "d": {"皖": 500, "苏": 550, "浙": 550}}, distance="raking"
    )
    for by in ("e", "d"):
        assert (total(ROWS, y="1", by=by, design=raked).table["std_error"] == 0).all()
    assert (total(ROWS, y="1", by=["e", "d"], design=raked).table["std_error"] > 1).all()


def test_equal_totals_of_units_are_no_known_total():
    equal = ROWS.groupby("psu").head(12).assign(w=2.0)
    got = total(equal, y="1", design=CLUSTERS.calibrate({"d": {"皖": 150, "苏": 150, "浙": 150}})).table
    assert got["std_error"].tolist() == [0.0]
    got = total(equal, y="1", design=CLUSTERS).table
    assert got["std_error"].isna().all()
    assert got["flag"].tolist() == ["not estimable: no variation between the sampled units"]


def engines(table, folder):
    table.to_parquet(folder / "a.parquet")
    table.to_csv(folder / "a.csv", index=False)
    arrow = pa.Table.from_pandas(table)
    yield from (pl.from_pandas(table), pl.from_pandas(table).lazy(), arrow, duckdb.from_arrow(arrow))
    yield from (table.to_dict("list"), folder / "a.parquet", str(folder / "*.parquet"), folder / "a.csv")


def test_every_engine_gives_the_same(design, tmp_path):
    wanted = list(results(ROWS, design))
    for form in engines(ROWS, tmp_path):
        same(results(form, design), wanted, 1e-11)


def test_every_engine_gives_the_same_quantiles(tmp_path):
    wanted = quantile(ROWS, y="x", q=[0.1, 0.5, 0.9], by="d", design=CALIBRATED)
    for form in engines(ROWS, tmp_path):
        got = quantile(form, y="x", q=[0.1, 0.5, 0.9], by="d", design=CALIBRATED).table
        pd.testing.assert_frame_equal(got, wanted.table, rtol=1e-12)
    with_missing = ROWS.assign(x=ROWS["x"].where(ROWS.index % 9 != 0))
    wanted = quantile(with_missing, y="x", by="d", design=CLUSTERS, missing="omit").table
    for form in engines(with_missing, tmp_path):
        got = quantile(form, y="x", by="d", design=CLUSTERS, missing="omit").table
        pd.testing.assert_frame_equal(got, wanted, rtol=1e-12)


def test_saved_cells_give_what_fresh_ones_give(design, tmp_path):
    made = cells(ROWS, by="d", design=design, sums=["y", "x"])
    made.save(tmp_path / "a.parquet")
    again = Cells.load(tmp_path / "a.parquet")
    same(results(again, None), results(made, None), 0)
    same(results(again, design), results(ROWS, design), 1e-12)


def test_cells_by_more_keys_serve_fewer(design):
    made = cells(ROWS, by=["d", "e", "ssu"], design=design, sums=["y", "x"])
    same(results(made, design), results(ROWS, design), 1e-11)
    same(results(made, design, by=["e", "d"]), results(ROWS, design, by=["e", "d"]), 1e-11)


def test_estimates_of_one_sample_draw_together_and_others_do_not():
    a, b = mean(ROWS, y="x", by="d", design=CLUSTERS), mean(ROWS, y="x", by="e", design=CLUSTERS)
    c = mean(sample(seed=6), y="x", by="d", design=CLUSTERS)
    assert a.errors.sample == b.errors.sample
    assert a.errors.sample != c.errors.sample
    shuffled = ROWS.sample(frac=1, random_state=0)
    assert mean(shuffled, y="x", by="d", design=CLUSTERS).errors.sample == a.errors.sample


# units added up before


PUSHED = {
    "fpc": FPC,
    "clusters": CLUSTERS,
    "no strata": Design(weight="w", cluster="psu"),
    "collapse": Design(**CLUSTERS.to_dict() | {"singleton": "collapse", "collapse": {0: "a", 1: "a"}}),
    "average": Design(**FPC.to_dict() | {"singleton": "average"}),
    "average in domains": Design(**CLUSTERS.to_dict() | {"singleton": "average", "singleton_domain": True}),
    "remove": Design(**CLUSTERS.to_dict() | {"singleton": "remove"}),
    "certainty": Design(**CLUSTERS.to_dict() | {"singleton": "certainty"}),
}


@pytest.mark.parametrize("name", PUSHED)
@pytest.mark.parametrize("df", ["domain", "design"])
def test_units_added_up_give_the_same_domains(name, df):
    plan = PUSHED[name]
    rows = ROWS[
        ~((ROWS["d"] == "浙") & (ROWS["psu"] > 1)) & ~((ROWS["d"] == "皖") & ROWS["psu"].isin([7, 8]))
    ]
    if plan.singleton in ("remove", "certainty", "average", "collapse"):
        rows = rows[(rows["h"] != 0) | (rows["psu"] == 1)]
    if plan.singleton == "average":
        rows = rows[rows["d"] != "浙"]
    made = cells(rows, by="d", design=plan, sums=["y", "x"], max_cells=2)
    assert made.pushed_down
    found, wanted = (results(t, plan, margins=False, df=df) for t in (made, rows))
    same(found, wanted, 1e-11)


def test_units_added_up_of_a_census_have_no_error_either():
    census = ROWS.assign(N=6)
    made = cells(census, by="d", design=FPC, sums=["y", "x"], max_cells=2)
    same(results(made, FPC, margins=False), results(census, FPC, margins=False), 1e-12)


def test_rows_without_weight_count_nowhere_when_units_are_added_up():
    rows = ROWS.assign(w=ROWS["w"].where((ROWS["d"] != "苏") | (ROWS["h"] > 0), 0.0))
    made = cells(rows, by="d", design=CLUSTERS, sums=["y", "x"], max_cells=2)
    same(results(made, CLUSTERS, margins=False), results(rows, CLUSTERS, margins=False), 1e-11)


def test_units_added_up_say_what_they_cannot():
    made = cells(ROWS, by=["d", "e"], design=CLUSTERS, sums=["y", "x"], max_cells=2)
    for options in ({"by": "d"}, {"by": ["d", "e"], "margins": True}, {"by": []}):
        with pytest.raises(DesignError, match="max_cells"):
            mean(made, y="x", **options)
    assert mean(made, y="x", by=["e", "d"]).errors is None
    lone = ROWS[(ROWS["h"] != 0) | (ROWS["psu"] == 1)]
    made = cells(lone, by="d", design=CLUSTERS, sums=["x"], max_cells=2)
    with pytest.raises(DesignError, match=r"h: 0$"):
        mean(made, y="x", by="d")
    made = cells(
        lone, by="d", design=Design(**CLUSTERS.to_dict() | {"singleton": "adjust"}), sums="x", max_cells=2
    )
    with pytest.raises(DesignError, match="adjust"):
        mean(made, y="x", by="d")
