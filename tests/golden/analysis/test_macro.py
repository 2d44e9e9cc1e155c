"""Correlation, panel and line against R 4.2.2 (cor.test, ccf, plm, clubSandwich) and published values.

Closed forms of well-conditioned data: 1e-10 relative. Coefficients lose digits to the projection on 31
regions; what was seen is below 1e-11. Shares of permutations are exact counts.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.correlation import correlate, cross_correlation, treated
from qstats.stats.errors_in_variables import york
from qstats.stats.panel import cr2, dummies, wild_cluster

HERE = Path(__file__).parent
ROWS = pd.read_csv(HERE / "results/macro.csv")
SHORT = pd.read_csv(HERE / "data/short8.csv")
PANEL = pd.read_csv(HERE / "data/panel31x10.csv")
QUALITY, EXPORT = SHORT["quality"].to_numpy(), SHORT["export"].to_numpy()


def near(value):
    return pytest.approx(value, rel=1e-10, abs=0)


def stored(case, call):
    found = ROWS[(ROWS["case"] == case) & ROWS["call"].str.startswith(call)]
    assert len(found)
    return found.set_index("stat")["value"]


def test_correlation_of_eight_years_by_all_40320_orders():
    want = stored("short8", "cor; exact")
    pearson = correlate(QUALITY, EXPORT)
    assert pearson.r == near(want["r"]) and pearson.p == near(want["p_perm"])
    assert (pearson.low, pearson.high) == near((want["lo95_fisher"], want["hi95_fisher"]))
    assert correlate(QUALITY, EXPORT, null="t").p == near(want["p_t"])
    spearman, kendall = (correlate(QUALITY, EXPORT, measure=m) for m in ("spearman", "kendall"))
    assert (spearman.r, spearman.p) == near((want["spearman"], want["p_spearman_exact"]))
    assert (kendall.r, kendall.p) == near((want["kendall"], want["p_kendall_exact"]))


def test_without_the_trend_nothing_is_left():
    want = stored("short8", "detrended")
    found = correlate(
        *(treated(y, treatment="detrended", time=SHORT["year"]) for y in (QUALITY, np.log(EXPORT)))
    )
    assert (found.r, found.p) == near((want["r"], want["p_perm"]))


def test_first_differences():
    want = stored("short8", "first differences")
    found = correlate(*(treated(y, treatment="differences") for y in (QUALITY, np.log(EXPORT))), null="t")
    assert (found.r, found.p) == near((want["r"], want["p_t"]))


def test_cross_correlations():
    want = stored("short8", "ccf")
    found = cross_correlation(QUALITY, EXPORT, max_lag=3)
    assert found.tolist() == near([want[f"lag{k}"] for k in range(-3, 4)])


def test_bias_reduced_errors_of_the_panel():
    want = stored("panel31x10|individual", "clubSandwich")
    b = stored("panel31x10|individual", "plm(within;individual) classical")["b_rd"]
    found = cr2(PANEL["quality"], PANEL[["rd", "export"]], dummies(PANEL["region"]), PANEL["region"])
    assert (found.b, found.std_error, found.df, found.p) == near(
        (b, want["se_rd"], want["df_rd"], want["p_rd"])
    )


def test_the_wild_bootstrap_by_all_256_sign_vectors():
    want = stored("panel31x10 R01-R08|individual FE", "WCR")
    some = PANEL[PANEL["region"] <= "R08"]
    found = wild_cluster(some["quality"], some[["rd", "export"]], dummies(some["region"]), some["region"])
    assert (found.b, found.std_error, found.t, found.p) == near(
        (want["b_rd"], want["se_rd"], want["t"], want["p"])
    )
    assert found.enumerated and found.vectors == 256 and found.smallest_p == 2 / 256


def linearmodels():
    try:
        import linearmodels.panel
    except ImportError:
        if os.environ.get("QSTATS_REQUIRE") == "all":
            pytest.fail("linearmodels is required and was not found")
        pytest.skip("linearmodels was not found")
    return linearmodels.panel


@pytest.mark.parametrize("effects", ["region", "two-way"])
@pytest.mark.parametrize(
    ("errors", "correction", "call"),
    [
        ("classical", None, "classical"),
        ("cluster", "none", "HC0_cluster_region"),
        ("cluster", "hc1", "HC1_cluster_region"),
        ("cluster", "stata", "sss"),
        ("driscoll-kraay", None, "DriscollKraay"),
    ],
)
def test_fixed_effects_and_their_standard_errors(effects, errors, correction, call):
    linearmodels()
    from qstats.analysis.panel_regression import fixed_effects

    name = {"region": "individual", "two-way": "twoways"}[effects]
    want = stored(f"panel31x10|{name}", f"plm(within;{name}) {call}")
    found = fixed_effects(
        PANEL["quality"].to_numpy(),
        PANEL[["rd", "export"]].to_numpy(),
        PANEL["region"].to_numpy(),
        PANEL["year"].to_numpy(),
        effects=effects,
        errors=errors,
        correction=correction,
    )
    assert found.b.tolist() == near([want["b_rd"], want["b_export"]])
    assert found.std_error.tolist() == near([want["se_rd"], want["se_export"]])
    fit = stored(f"panel31x10|{name}", "summary(plm)")
    assert (found.r2_within, found.rss) == near((fit["r2_within"], fit["rss"]))


def test_the_line_through_pearsons_data_with_yorks_weights():
    rows = pd.read_csv(HERE / "results/level_and_eiv.csv")
    want = rows[rows["case"].str.startswith("Pearson")].set_index("stat")["value"]
    x = [0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4]
    y = [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5]
    wx = np.array([1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1])
    wy = np.array([1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])
    found = york(x, y, wx**-0.5, wy**-0.5)
    for name in ("intercept", "slope", "se_intercept", "se_slope", "S"):
        assert getattr(found, name) == near(want[name])
    assert (round(found.intercept, 5), round(found.slope, 6)) == (5.47991, -0.480533)
