"""Funnel limits and over-dispersion against stored values: closed forms, 1e-10 relative.

Ours are cut to [0, 1]; the stored normal ones are not.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.funnel import funnel_limits, overdispersion

HERE = Path(__file__).parent
STORED = pd.read_csv(HERE / "results" / "funnel.csv")
DATA = pd.read_csv(HERE / "data" / "regions31.csv")
METHODS = {
    "interp": "exact",
    "discrete": "discrete",
    "normal": "normal",
    "wilson": "wilson",
    "phi": "phi",
    "tau2": "tau2",
    "arcsine_tau2": "arcsine-tau2",
}
ALL = STORED[STORED["case"] == "regions31"].set_index(["call", "stat"])["value"]
ARCSINE = ALL["arcsine scale"]
SHARE = ALL["theta=sum x/sum n; z with null variance theta(1-theta)/n"]
UNITS = STORED[STORED["case"] != "regions31"].pivot(index="case", columns="stat", values="value")
UNITS = UNITS.loc[DATA["region"]]


def close(found, want):
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=0)


def test_over_dispersion():
    found = overdispersion(DATA["passed"], DATA["tested"])
    close(found.phi, SHARE["phi_winsorised_10pct"])
    close(found.phi_raw, SHARE["phi_raw"])
    close(found.tau2, SHARE["tau2_winsorised"])
    close(found.tau2_raw, SHARE["tau2_raw"])
    close((found.z**2).sum(), SHARE["Q_raw"])
    close((found.z_winsorised**2).sum(), SHARE["Q_winsorised"])
    close(found.z, UNITS["z"])
    close(found.z_winsorised, UNITS["z_winsorised"])
    bent = overdispersion(DATA["passed"], DATA["tested"], scale="arcsine")
    close(bent.phi, ARCSINE["phi_winsorised"])
    close(bent.tau2, ARCSINE["tau2_winsorised"])


@pytest.mark.parametrize(("label", "level"), [("95", 0.95), ("998", 0.998)])
@pytest.mark.parametrize("name", METHODS)
def test_limits(name, label, level):
    tau2 = ARCSINE["tau2_winsorised"] if name.startswith("arcsine") else SHARE["tau2_winsorised"]
    low, high = funnel_limits(
        DATA["tested"],
        SHARE["theta"],
        level=level,
        method=METHODS[name],
        phi=SHARE["phi_winsorised_10pct"],
        tau2=tau2,
    )
    close(low, UNITS[f"lo{label}_{name}"].clip(0, 1))
    close(high, UNITS[f"hi{label}_{name}"].clip(0, 1))
