"""What other programs are known to get wrong, each once."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qstats.errors import DataError, DesignError
from qstats.stats.design_intervals import DESIGN
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

PLAN = Design(weight="w", strata="h", cluster="psu")


def sample(n=240, seed=4):
    rng = np.random.default_rng(seed)
    psu = np.sort(np.arange(n) % 24)
    return pd.DataFrame(
        {
            "h": psu // 6,
            "psu": psu,
            "d": rng.choice(["皖", "苏", "浙"], n),
            "w": rng.uniform(2, 9, n),
            "y": (rng.random(n) < 0.8).astype(int),
            "x": rng.uniform(1, 5, n),
            "N": 60,
        }
    )


ROWS = sample()


def test_a_domain_has_the_degrees_of_freedom_of_the_strata_it_is_seen_in():
    table = ROWS.assign(d=np.where(ROWS["h"] == 3, "only there", "elsewhere"))
    df = mean(table, y="x", by="d", design=PLAN).table.set_index("d")["df"]
    assert df["only there"] == 6 - 1  # not 24 − 4
    assert df["elsewhere"] == 18 - 3
    limits = mean(table, y="x", by="d", design=PLAN).where(d="only there").table.iloc[0]
    assert abs((limits["conf_high"] - limits["estimate"]) / limits["std_error"] - 2.5705818) < 1e-6


def test_a_sampling_fraction_in_the_place_of_a_population_is_refused():
    plan = Design(**PLAN.to_dict() | {"fpc": "N"})
    for value in (0.1, 0.999):
        with pytest.raises(DesignError, match=f"N.*{value}"):
            mean(ROWS.assign(N=value), y="x", design=plan)
    with pytest.raises(DesignError, match="N"):  # a population of rows where units were drawn is no error,
        mean(ROWS.assign(N=5), y="x", design=plan)  # but fewer units than were drawn are
    assert (
        mean(ROWS, y="x", design=plan).table["std_error"][0]
        < mean(ROWS, y="x", design=PLAN).table["std_error"][0]
    )


def test_a_population_count_is_not_taken_for_a_fraction():
    plan = Design(**PLAN.to_dict() | {"fpc": "N"})
    with_, without = (mean(ROWS, y="x", design=p).table["std_error"][0] for p in (plan, PLAN))
    np.testing.assert_allclose(with_ / without, np.sqrt(1 - 6 / 60), rtol=1e-12)


def test_strata_with_one_unit_are_never_dropped_quietly():
    lone = ROWS[(ROWS["h"] != 2) | (ROWS["psu"] == 13)]
    for function in (
        lambda: ratio(lone, numerator="y", denominator="x", design=PLAN),
        lambda: mean(lone, y="x", by="d", margins=True, design=PLAN),
        lambda: total(lone, y="1", design=PLAN),
        lambda: proportion(lone, y="y", by="d", design=PLAN),
        lambda: quantile(lone, y="x", by="d", design=PLAN),
        lambda: mean(lone[lone["d"] == "皖"], y="x", design=PLAN),
        lambda: mean(cells(lone, by="d", design=PLAN, sums="x", max_cells=2), y="x", by="d"),
    ):
        with pytest.raises(DesignError, match="h: 2"):
            function()
    for policy in ("remove", "average", "adjust", "certainty"):
        got = mean(lone, y="x", design=Design(**PLAN.to_dict() | {"singleton": policy}))
        assert f"singletons: {policy}" in got.method


def test_one_unit_in_all_is_refused_with_or_without_strata():
    one = ROWS[ROWS["psu"] == 0]
    for plan in (PLAN, Design(weight="w", cluster="psu")):
        with pytest.raises(DesignError, match="one sampled unit"):
            mean(one, y="x", design=plan)
    got = mean(one, y="x", design=Design(weight="w", cluster="psu", singleton="remove")).table.iloc[0]
    assert np.isnan([got["std_error"], got["conf_low"], got["conf_high"]]).all()
    assert "not estimable" in got["flag"]


@pytest.mark.parametrize("method", DESIGN)
@pytest.mark.parametrize("value", [0, 1])
def test_no_interval_has_zero_width_at_0_or_100_per_cent(method, value):
    for plan in (PLAN, Design(weight="w"), Design(), PLAN.replicate("jkn")):
        row = proportion(ROWS.assign(y=value), y="y", interval=method, design=plan).table.iloc[0]
        assert row["estimate"] == 100 * value
        assert np.isnan(row["std_error"])
        assert row["conf_high"] - row["conf_low"] > 0.05
        assert row["conf_low" if value == 0 else "conf_high"] == 100 * value
        assert row["flag"] == ""


def test_a_constant_column_has_no_error_of_zero():
    constant = ROWS.assign(x=0.1, k=3)
    for plan in (PLAN, Design(weight="w"), Design(weight="w", strata="h"), PLAN.replicate("jkn")):
        for got in (
            mean(constant, y="x", by="d", design=plan),
            ratio(constant, numerator="x", denominator="k", design=plan),
        ):
            assert got.table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
            assert got.table["flag"].unique().tolist() == [
                "not estimable: no variation between the sampled units"
            ]
    got = quantile(constant, y="x", design=PLAN).table.iloc[0]
    assert got["estimate"] == 0.1
    assert np.isnan([got["std_error"], got["conf_high"]]).all()
    assert "not bounded" in got["flag"]


def test_a_constant_in_lone_strata_is_no_census():
    lone = ROWS[ROWS["psu"] % 6 == 0].assign(x=2.0)
    plan = Design(**PLAN.to_dict() | {"singleton": "adjust"})
    got = mean(lone, y="x", design=plan).table.iloc[0]
    assert np.isnan(got["std_error"])
    assert "not estimable" in got["flag"]


def test_a_domain_in_one_unit_has_no_interval():
    table = ROWS.assign(k=np.where(ROWS["psu"] == 7, "one", "others"))
    for got in (
        mean(table, y="x", by="k", design=PLAN),
        proportion(table, y="y", by="k", design=PLAN),
        quantile(table, y="x", by="k", design=PLAN),
    ):
        row = got.where(k="one").table.iloc[0]
        assert np.isnan([row["conf_low"], row["conf_high"]]).all()
        assert row["df"] == 0
        assert "not estimable" in row["flag"]
        assert got.where(k="others").table["flag"].tolist() == [""]


def test_a_quantile_of_few_values_has_an_interval_with_a_width():
    few = ROWS.assign(x=np.select([ROWS["psu"] < 4, ROWS["psu"] > 19], [0, 2], 1))
    got = quantile(few, y="x", q=0.5, design=Design(weight="w", cluster="psu")).table.iloc[0]
    assert got["estimate"] == 1
    assert got["conf_low"] < got["conf_high"]
    assert got["std_error"] > 0


def test_rows_without_a_value_are_never_dropped_quietly():
    holes = ROWS.assign(x=ROWS["x"].where(ROWS.index % 20 != 3), y=ROWS["y"].where(ROWS.index % 30 != 4))
    for function in (
        lambda **o: ratio(holes, numerator="y", denominator="x", design=PLAN, **o),
        lambda **o: mean(holes, y="x", design=PLAN, **o),
        lambda **o: total(holes, y="x", **o),
        lambda **o: proportion(holes, y="y", design=PLAN, **o),
        lambda **o: proportion(holes, y="y", **o),
        lambda **o: quantile(holes, y="x", design=PLAN, **o),
        lambda **o: quantile(holes, y="x", **o),
    ):
        with pytest.raises(DataError) as caught:
            function()
        found = caught.value.violations
        assert set(found["rule"]) == {"missing"}
        assert set(found["column"]) <= {"x", "y"}
        got = function(missing="omit")
        gone = (holes.isna().any(axis=1) if got.basis == "y / x" else holes[got.basis].isna()).sum()
        assert got.table["n"].tolist() == [240.0 - gone]
        assert any(str(gone) in note for note in got.notes)


def test_a_unit_without_any_value_stays_in_the_sample():
    holes = ROWS.assign(x=ROWS["x"].where(ROWS["psu"] != 3))
    plan = Design(**PLAN.to_dict() | {"missing": "omit"})
    stays = total(holes, y="x", design=plan).table["std_error"][0]
    dropped = total(holes.dropna(), y="x", design=PLAN).table["std_error"][0]
    zero = total(holes.fillna({"x": 0.0}), y="x", design=PLAN).table["std_error"][0]
    np.testing.assert_allclose(stays, zero, rtol=1e-12)
    assert abs(stays / dropped - 1) > 1e-3


def test_a_date_with_a_zone_stays_in_its_quarter(tmp_path):
    zone = "Asia/Shanghai"
    first = dt.datetime(2023, 3, 31, 16, 30, tzinfo=dt.UTC)  # 00:30 of 1 April in Shanghai
    table = pa.table(
        {
            "t": pa.array([first, first + dt.timedelta(days=1)] * 3, pa.timestamp("us", zone)),
            "psu": [1, 1, 2, 2, 3, 3],
            "x": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    forms = [
        table,
        table.to_pandas(),
        pl.from_arrow(table),
        pl.from_arrow(table).lazy(),
        tmp_path / "a.parquet",
    ]
    for form in forms:
        for got in (mean(form, y="x", by="t", design=Design(cluster="psu")), quantile(form, y="x", by="t")):
            assert got.table["t"].tolist() == ["2023-04-01 00:30:00", "2023-04-02 00:30:00"]
            assert pd.to_datetime(got.table["t"]).dt.quarter.tolist() == [2, 2]


def test_weights_are_not_numbers_of_rows():
    tenfold = ROWS.assign(w=ROWS["w"] * 10)
    a, b = (mean(t, y="x", design=PLAN).table.iloc[0] for t in (ROWS, tenfold))
    assert a["n"] == b["n"] == 240
    np.testing.assert_allclose(a["std_error"], b["std_error"], rtol=1e-12)
