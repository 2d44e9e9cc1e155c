"""Weighted lines, growth and autocorrelation against R: 1e-10 relative, closed forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.autocorrelation import acf, ljung_box
from qstats.stats.trend_line import compound_growth, weighted_line

HERE = Path(__file__).parent
RESULTS = pd.read_csv(HERE / "results" / "trend_regression_R.csv")
HAND = pd.read_csv(HERE / "results" / "change_targets_hand.csv")
ANNUAL = pd.read_csv(HERE / "data" / "annual12.csv")


def row(case, call):
    rows = RESULTS[(RESULTS["case"] == case) & (RESULTS["call"] == call)]
    return rows.set_index("stat")["value"].astype(float)


def series(case):
    if case == "rapex":
        return pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"].to_numpy(float)
    file = {"q": "quarterly40", "m": "monthly120"}[case[0]]
    return pd.read_csv(HERE / "data" / f"{file}.csv")[case.split("_", 1)[1]].to_numpy(float)


def test_the_weighted_line_is_that_of_r():
    wanted = row("annual_rate", "lm(rate~t;weights=1/se^2)")
    t = np.arange(1, 13)
    known = weighted_line(t, ANNUAL["rate"], ANNUAL["rate_se"], scale="known")
    estimated = weighted_line(t, ANNUAL["rate"], ANNUAL["rate_se"], scale="estimated")
    found = [known.intercept, known.slope, known.std_error, known.Q, estimated.std_error, estimated.p]
    names = ["intercept", "slope", "se_slope_known_variance", "Q", "se_slope_estimated_scale", "p"]
    assert found == pytest.approx(wanted[names].tolist(), rel=1e-10, abs=0)
    assert weighted_line(t, ANNUAL["rate"], ANNUAL["rate_se"]) == estimated  # Q = 26.5 on 10


@pytest.mark.parametrize("case", ["q_ar", "q_ar_trend", "m_measure", "rapex"])
def test_autocorrelations_and_ljung_box_are_those_of_r(case):
    y, wanted = series(case), row(case, "acf(y)")
    assert acf(y, 8)[0] == pytest.approx(
        wanted[[f"r{k}" for k in range(1, 9)]].to_numpy(), rel=1e-10, abs=1e-14
    )
    box = row(case, "Box.test(y;8;'Ljung-Box')")
    assert ljung_box(y, 8) == pytest.approx(tuple(box[["stat", "p"]]), rel=1e-9, abs=1e-15)  # R: 1 − cdf


@pytest.mark.parametrize(
    ("case", "given"), [("CAGR 88.3->93.9 n=5", (88.3, 93.9, 5)), ("CAGR 1803->2073 n=4", (1803, 2073, 4))]
)
def test_growth_by_hand(case, given):
    wanted = float(HAND[HAND["case"] == case]["value"].iloc[0])
    assert compound_growth(*given).rate == pytest.approx(100 * wanted, rel=1e-12)
