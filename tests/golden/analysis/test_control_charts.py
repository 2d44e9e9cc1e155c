"""Control charts against stored values: closed forms, so 1e-10 relative; counts and signals exactly.

The lower limits of rates and of g are cut at what is possible, as in the stored values.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats import control, control_exact, memory_charts, rare_events, run_rules

HERE = Path(__file__).parent
TOLERANCE = 1e-10
VALUES = pd.read_csv(HERE / "results" / "control_charts.csv", dtype={"value": str})
QUARTERLY = pd.read_csv(HERE / "data" / "quarterly40.csv")
ANNUAL = pd.read_csv(HERE / "data" / "annual12.csv")
INDIVIDUAL = pd.read_csv(HERE / "data" / "monthly120.csv")["individual"].to_numpy()
RARE = pd.read_csv(HERE / "data" / "rare40.csv")


def stored(case, stat):
    rows = VALUES[(VALUES["case"] == case) & (VALUES["stat"] == stat)]
    assert len(rows) > 0
    found = rows["value"].to_numpy(float)
    return found[0] if rows["i"].iloc[0] == 0 else found


def agree(found, case, stat):
    np.testing.assert_allclose(found, stored(case, stat), rtol=TOLERANCE, atol=0, err_msg=f"{case} {stat}")


P_CASES = [
    ("quarterly failed/tested|phase I all", QUARTERLY["failed"], QUARTERLY["tested"], None),
    ("quarterly failed/tested|phase I first24", QUARTERLY["failed"], QUARTERLY["tested"], 24),
    ("annual failed/tested|phase I all", ANNUAL["tested"] - ANNUAL["passed"], ANNUAL["tested"], None),
]


@pytest.mark.parametrize(("case", "x", "n", "m"), P_CASES, ids=[c[0] for c in P_CASES])
def test_p_charts_nominal_laney_and_exact(case, x, n, m):
    plain = control.rate_baseline(x, n, kind="p", baseline=m)
    laney = control.rate_baseline(x, n, kind="p", baseline=m, spread="laney")
    exact_d2 = control.rate_baseline(x, n, kind="p", baseline=m, spread="laney", divisor=2 / np.sqrt(np.pi))
    chart, wide = (control.rate_chart(x, n, b, kind="p") for b in (plain, laney))
    agree(plain.centre, case, "p_bar")
    agree(laney.sigma_z, case, "sigma_z_1_128")
    agree(exact_d2.sigma_z, case, "sigma_z_exact_d2")
    agree(control.moving_range(chart.z, baseline=m), case, "mean_moving_range_z")
    agree(control.dispersion(x[:m], n[:m], plain, kind="p"), case, "phi_pearson")
    agree(chart.value, case, "p")
    np.testing.assert_allclose(chart.z, stored(case, "z"), rtol=1e-9, atol=0)  # a difference of close numbers
    agree(chart.low, case, "p_lcl")
    agree(chart.high, case, "p_ucl")
    agree(wide.low, case, "laney_lcl")
    agree(wide.high, case, "laney_ucl")
    low, high = control_exact.probability_limits(n, plain.centre, kind="p", alpha=0.0027)
    agree(low, case, "p_lcl_prob")
    agree(high, case, "p_ucl_prob")


def test_u_and_c_charts():
    rapex = pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"]
    cases = [
        ("u|quarterly events/exposure", "u", QUARTERLY["events"], QUARTERLY["exposure"], None),
        ("c|RAPEX phase I first 36", "c", rapex, np.ones(60), 36),
    ]
    for case, name, x, n, m in cases:
        for spread, label in (("nominal", name), ("laney", "laney")):
            base = control.rate_baseline(x, n, kind="u", baseline=m, spread=spread)
            chart = control.rate_chart(x, n, base, kind="u")
            agree(base.centre, case, f"{name}_bar")
            agree(chart.value, case, name)
            agree(chart.low, case, f"{label}_lcl")
            agree(chart.high, case, f"{label}_ucl")
        agree(base.sigma_z, case, "sigma_z_1_128")
    index = rapex[:36].var(ddof=1) / rapex[:36].mean()
    agree(index, case, "dispersion_index")
    plain = control.rate_baseline(rapex, np.ones(60), kind="u", baseline=36)
    agree(control.dispersion(rapex[:36], np.ones(36), plain, kind="u"), case, "dispersion_index")


def test_individuals():
    case, found = "I|individual phase I 50", control.individuals(INDIVIDUAL, baseline=50)
    for ours, stat in zip(found, ("mean", "sigma_mr_1_128", "lcl", "ucl", "mr_bar", "mr_ucl"), strict=True):
        agree(ours, case, stat)
    exact = control.individuals(INDIVIDUAL, baseline=50, divisor=2 / np.sqrt(np.pi))
    agree(exact.sigma, case, "sigma_mr_exact")


@pytest.mark.parametrize(("weight", "width"), [(0.2, 2.962), (0.1, 2.814), (0.4, 3.054)])
def test_ewma(weight, width):
    case = f"EWMA|individual|lambda={weight}|L={width}|start=mean; sigma=MR/1.128 of first 50"
    base = control.individuals(INDIVIDUAL, baseline=50)
    given = {"weight": weight, "width": width, "centre": base.centre, "sigma": base.sigma}
    exact = memory_charts.ewma(INDIVIDUAL, **given)
    fixed = memory_charts.ewma(INDIVIDUAL, limits="asymptotic", **given)
    for ours, stat in zip(exact[:3], ("w", "lcl", "ucl"), strict=True):
        agree(ours, case, stat)
    agree(fixed.low, case, "lcl_asym")
    agree(fixed.high, case, "ucl_asym")


@pytest.mark.parametrize(("k", "h", "start"), [(0.5, 5, 0), (0.5, 4, 0), (0.5, 5, 2.5), (0.25, 8, 0)])
def test_cusum(k, h, start):
    case = f"CUSUM|individual|k={k}|h={h}|headstart={start}; no reset; sigma=MR/1.128 of first 50"
    base = control.individuals(INDIVIDUAL, baseline=50)
    z = (INDIVIDUAL - base.centre) / base.sigma
    found = memory_charts.cusum(z, reference=k, decision=h, headstart=start)
    agree(z, case, "z")
    for ours, stat in ((found.upper, "C_plus"), (found.lower, "C_minus")):
        # sums of up to 120 terms of order one: what cancels near 0 is measured against them
        np.testing.assert_allclose(1 + ours, 1 + stored(case, stat), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(found.since_upper, stored(case, "N_plus"))
    np.testing.assert_array_equal(found.since_lower, stored(case, "N_minus"))
    np.testing.assert_array_equal(found.signal_upper | found.signal_lower, stored(case, "signal"))


def test_g_and_t_charts():
    case, found = "g|rare40 phase I 30", rare_events.g_chart(RARE["good_between"], baseline=30)
    stats = ("g_bar", "p_mle", "p_unbiased_n_minus_1", "lcl_3s", "ucl_3s", "lcl_prob", "ucl_prob", "median")
    for ours, stat in zip(found, stats, strict=True):
        agree(ours, case, stat)
    days = rare_events.t_chart(RARE["days_between"], baseline=30)
    case = "t|rare40 phase I 30|y=t^(1/3.6) (exponent 0.2777 in the older texts)"
    for ours, stat in zip(days[1:4], ("centre_t", "lcl_t", "ucl_t"), strict=True):
        agree(ours, case, stat)
    case = "t|rare40 phase I 30|exponential probability limits"
    stats = {
        "mean": "t_bar",
        "centre_probability": "centre",
        "low_probability": "lcl",
        "high_probability": "ucl",
    }
    for field, stat in stats.items():
        agree(getattr(days, field), case, stat)


@pytest.mark.parametrize("rule", run_rules.RULES)
def test_nelson(rule):
    base = control.individuals(INDIVIDUAL, baseline=50)
    z = (INDIVIDUAL - base.centre) / base.sigma
    rows = VALUES[VALUES["case"] == f"Nelson rule {rule}|individual"]["value"].fillna("").str.cat(sep=" ")
    assert (1 + np.flatnonzero(run_rules.nelson(z, rules=[rule])[0])).tolist() == [
        int(i) for i in rows.split()
    ]
