"""STL against R's stl: 1e-9 of the level of the series.

Robust fits: 1e-4, and 2e-2 for the alerts, whose fifteen reweightings have not settled (one more moves the
trend by as much), so that rounding grows from one to the next.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.smoothing import stl

HERE = Path(__file__).parent
RESULTS = pd.read_csv(HERE / "results" / "stl.csv")


def series(case):
    if case == "rapex":
        return 12, pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"].to_numpy(float)
    file = {"q": "quarterly40", "m": "monthly120"}[case[0]]
    return {"q": 4, "m": 12}[case[0]], pd.read_csv(HERE / "data" / f"{file}.csv")[
        case.split("_", 1)[1]
    ].to_numpy(float)


@pytest.mark.parametrize(("case", "rows"), list(RESULTS.groupby(["series", "s_window", "robust"])))
def test_the_components_are_those_of_r(case, rows):
    name, window, robust = case
    period, y = series(name)
    found = stl(
        y, period=period, window="periodic" if window == "periodic" else int(window), robust=bool(robust)
    )
    rows = rows.sort_values("i")
    scale = np.abs(y).mean()
    tolerance = 1e-9 if not robust else 2e-2 if name == "rapex" else 1e-4
    for component in ("seasonal", "trend", "remainder"):
        off = np.abs(getattr(found, component) - rows[component].to_numpy()).max() / scale
        assert off < tolerance, (component, off)
    assert found.seasonal + found.trend + found.remainder == pytest.approx(y, rel=1e-12)
