"""Granger's test against lmtest::grangertest of R 4.2.2: 1e-11 relative."""

from pathlib import Path

import pandas as pd
import pytest

from qstats.stats.granger import precedes

HERE = Path(__file__).parent
ROWS = pd.read_csv(HERE / "results" / "macro.csv")
QUARTERLY = pd.read_csv(HERE / "data" / "quarterly40.csv")


@pytest.mark.parametrize("lags", [1, 2])
def test_what_a_seasonal_series_tells_of_one_with_a_trend(lags):
    call = f"lmtest::grangertest(x=seasonal;y=ar_trend;order={lags})"
    want = ROWS[ROWS["call"].str.startswith(call)].set_index("stat")["value"].astype(float)
    found = precedes(QUARTERLY["seasonal"], QUARTERLY["ar_trend"], lags=lags)
    assert [found.statistic, found.p] == pytest.approx([want["F"], want["p"]], rel=1e-11)
