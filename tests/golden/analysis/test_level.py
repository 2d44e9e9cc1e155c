"""The local level against dense algebra and statsmodels' exact diffuse smoother: 1e-9 relative."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.smoothing import local_level

HERE = Path(__file__).parent
RESULTS = pd.read_csv(HERE / "results" / "level_and_eiv.csv")
ANNUAL = pd.read_csv(HERE / "data" / "annual12.csv")
CASES = [c for c in RESULTS["case"].unique() if c.startswith("annual_rate|q=")]


@pytest.mark.parametrize("case", CASES)
def test_the_smoothed_level_is_that_of_the_oracle(case):
    q = float(case.split("q=")[1].removeprefix("reml "))
    found = local_level(ANNUAL["rate"], ANNUAL["rate_se"], q=q)
    for _, rows in RESULTS[RESULTS["case"] == case].groupby("call"):
        row = rows.set_index("stat")["value"].astype(float)
        assert found.level == pytest.approx(row[[f"mu{i}" for i in range(1, 13)]].to_numpy(), rel=1e-9)
        assert found.std_error == pytest.approx(row[[f"se{i}" for i in range(1, 13)]].to_numpy(), rel=1e-7)
        if "loglik_differences" in row:
            assert found.log_likelihood == pytest.approx(row["loglik_differences"], rel=1e-10)


def test_the_variance_of_a_step_is_the_reml_one():
    (case,) = [c for c in CASES if "reml" in c]
    found = local_level(ANNUAL["rate"], ANNUAL["rate_se"])
    assert found.q == pytest.approx(float(case.split("reml ")[1]), rel=1e-5)
    assert np.isfinite(found.std_error).all()
