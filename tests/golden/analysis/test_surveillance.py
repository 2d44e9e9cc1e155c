"""Farrington's bound against stored values of R surveillance, one fit a month.

1e-4 relative: the regressions there stop when the deviance changes by less than 1e-8 of itself (largest
deviation of a bound 2.4e-5, for counts around 2). Months with too few counts are 0 there, and NaN here.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.outbreak import count_cusum, farrington

HERE = Path(__file__).parent
STORED = pd.read_csv(HERE / "results" / "surveillance.csv")
MONTHLY = pd.read_csv(HERE / "data" / "monthly120.csv")
SERIES = {name: MONTHLY[name] for name in ("poisson", "negbin", "negbin_outbreak", "low_outbreak")}
SERIES["rapex"] = pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"]
SETTINGS = {
    "farrington w=3 2/3 power": {},
    "farrington w=1 none noTrend noReweight": {
        "half_width": 1,
        "power": "none",
        "trend": False,
        "reweight": False,
        "least": (0, 4),
    },
}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("method", SETTINGS)
def test_bounds_and_alarms(name, method):
    rows = STORED[(STORED["series"] == name) & (STORED["method"] == method)]
    y, years = SERIES[name].to_numpy(), 3 if name == "rapex" else 5
    found = [farrington(y[:i], years=years, **SETTINGS[method]) for i in rows["i"]]
    upper = np.array([f.upper[0] for f in found])
    want = rows["upperbound"].replace(0, np.nan).to_numpy()
    np.testing.assert_allclose(upper, want, rtol=1e-4, atol=0)
    np.testing.assert_array_equal([f.alarm[0] for f in found], rows["alarm"] == 1)


def test_the_negative_binomial_cusum():
    case = "NB LR-CUSUM|negbin_outbreak|mu0 known|alpha=1/12|kappa=1.5; no reset"
    rows = pd.read_csv(HERE / "results" / "control_charts.csv", dtype={"value": str})
    rows = rows[rows["case"] == case].assign(value=lambda t: t["value"].astype(float))
    known = {stat: part["value"].to_numpy() for stat, part in rows.groupby("stat")}
    y = SERIES["negbin_outbreak"].to_numpy()
    sums, step = count_cusum(y, known["mu0"], ratio=1.5, dispersion=1 / 12)
    np.testing.assert_allclose(step, known["llr"], rtol=1e-9, atol=0)  # a difference of numbers near 20
    np.testing.assert_allclose(1 + sums, 1 + known["S"], rtol=1e-10, atol=0)
    _, poisson = count_cusum(y, known["mu0"], ratio=1.5)
    np.testing.assert_allclose(poisson, known["llr_poisson"], rtol=1e-9, atol=0)
