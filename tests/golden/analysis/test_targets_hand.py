"""Required pace and probability of a target, against values worked out by hand.

The stored values have 16 digits; 1e-13 leaves room for the last one after a few operations.
"""

from pathlib import Path

import pandas as pd
import pytest

from qstats.stats.attainment import probability, required_pace

ROWS = pd.read_csv(Path(__file__).parent / "results/change_targets_hand.csv").set_index(["case", "stat"])[
    "value"
]


@pytest.mark.parametrize(
    ("path", "stat"), [("linear", "linear"), ("geometric", "geometric"), ("complement", "fail_rate")]
)
def test_the_pace_from_93_2_in_2016_to_95_in_2020(path, stat):
    want = ROWS["target 95 by 2020; now 93.2 in 2016", stat]
    assert float(required_pace(93.2, 95, 2020 - 2016, path=path)) == pytest.approx(want, rel=1e-13, abs=0)


@pytest.mark.parametrize("forecast", [94.6, 95.2])
def test_the_probability_of_95_from_a_normal_forecast(forecast):
    want = ROWS[f"forecast N({forecast};0.5^2) target 95 at least", "p"]
    assert float(probability(forecast, 0.5, 95)) == pytest.approx(want, rel=1e-13, abs=0)
