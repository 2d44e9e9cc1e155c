"""Average run lengths against stored values, relative.

Integral equations (80 nodes against 50) 1e-10: the largest deviation is 1.2e-13. Limits for a wanted run
length 1e-8 (6.4e-10: the stored ones stop there). Exact charts of counts 1e-10. Limits from an estimated
phase I 0.5 %: a grid of 400 × 400 quantiles against one of 2000 × 2000 midpoints, itself good to three digits
(2.6e-3).
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats import count_run_length, run_length

HERE = Path(__file__).parent
ROWS = pd.read_csv(HERE / "results" / "arl.csv")
ESTIMATED = pd.read_csv(HERE / "results" / "arl_estimated_limits.csv")


def numbers(case):
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", case)}


def rows(start):
    found = ROWS[ROWS["case"].str.startswith(start)]
    assert len(found) > 0
    return [(numbers(case), value) for case, value in zip(found["case"], found["value"], strict=True)]


@pytest.mark.parametrize("sides", ["one", "two"])
def test_cusum(sides):
    for at, value in rows(f"CUSUM {sides}-sided"):
        found = run_length.cusum_arl(reference=at["k"], decision=at["h"], shift=at["shift"], sides=sides)
        assert found == pytest.approx(value, rel=1e-10, abs=0), at


def test_cusum_with_a_headstart():
    for at, value in rows("CUSUM FIR two-sided"):
        found = run_length.cusum_arl(
            reference=at["k"], decision=at["h"], shift=at["shift"], headstart=at["headstart"]
        )
        assert found == pytest.approx(value, rel=1e-10, abs=0), at


def test_ewma():
    for at, value in rows("EWMA two-sided"):
        found = run_length.ewma_arl(weight=at["lambda"], width=at["L"], shift=at["shift"])
        assert found == pytest.approx(value, rel=1e-10, abs=0), at


def test_shewhart():
    for at, value in rows("Shewhart 3 sigma"):
        assert float(run_length.shewhart_arl(at["shift"])) == pytest.approx(value, rel=1e-10, abs=0)


def test_p_and_c_charts_and_the_poisson_cusum_exactly():
    for at, value in rows("p chart"):
        assert count_run_length.p_chart_arl(int(at["n"]), at["p0"], at["p1"]) == pytest.approx(
            value, rel=1e-10
        )
    for at, value in rows("c chart"):
        assert count_run_length.c_chart_arl(at["mu0"], at["mu1"]) == pytest.approx(value, rel=1e-10)
    for at, value in rows("Poisson CUSUM"):
        found = count_run_length.poisson_cusum_arl(at["mu"], reference=at["k"], decision=at["h"])
        assert found == pytest.approx(value, rel=1e-10, abs=0), at


def test_limits_for_a_wanted_run_length():
    for case, stat, value in ROWS.loc[
        ROWS["case"].str.contains(" for ARL0"), ["case", "stat", "value"]
    ].values:
        at = numbers(case)
        if case.startswith("EWMA"):
            found = run_length.ewma_width(at["ARL0"], weight=at["lambda"])
        else:
            sides = "one" if stat.startswith("h_one") else "two"
            found = run_length.cusum_decision(at["ARL0"], reference=at["k"], sides=sides)
        assert found == pytest.approx(value, rel=1e-8, abs=0), (case, stat)


def test_published_tables_to_one_per_cent():
    # Montgomery, table 9.3: CUSUM with k = 1/2 and h = 4, h = 5, both sides
    shifts = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4)
    four = (168, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34, 2.62, 2.19, 1.71)
    five = (465, 139, 38.0, 17.0, 10.4, 5.75, 4.01, 3.11, 2.57, 2.01)
    for h, table in ((4, four), (5, five)):
        found = [run_length.cusum_arl(decision=h, shift=shift) for shift in shifts]
        np.testing.assert_allclose(found, table, rtol=0.01)
    # Lucas and Saccucci: λ = 0.1, L = 2.814
    table = (500, 106, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9, 2.2)
    found = [run_length.ewma_arl(weight=0.1, width=2.814, shift=shift) for shift in shifts]
    np.testing.assert_allclose(found, table, rtol=0.0151)  # printed to one decimal


def test_estimated_limits():
    for m in (20, 30, 50, 100, 200):
        known = ESTIMATED[ESTIMATED["case"].str.endswith(f"m={m}")].set_index("stat")["value"]
        found = run_length.estimated_limits(m)
        want = known[["mean_FAR", "median_ARL0", "P_ARL0_below_200"]].to_numpy()
        np.testing.assert_allclose(found, want, rtol=0.005, atol=0)
