import numpy as np
import pandas as pd
import pytest

from qstats.analysis.funnel import funnel
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats import funnel as formulas
from qstats.stats.multiplicity import adjusted


def rates(passed, inspected):
    names = [f"u{i:02}" for i in range(len(passed))]
    return inspection_pass_rate({"unit": names, "inspected": inspected, "passed": passed}, by="unit")


RNG = np.random.default_rng(4)
N = RNG.integers(50, 3000, 60)
CHANCE = rates(RNG.binomial(N, 0.9), N)
SPREAD = rates(RNG.binomial(N, np.clip(RNG.normal(0.9, 0.03, 60), 0, 1)), N)


def test_limits_are_those_of_the_formulas():
    table = CHANCE.table
    theta = table["numerator"].sum() / table["denominator"].sum()
    found = funnel(CHANCE).table
    for label, level in (("95", 0.95), ("998", 0.998)):
        low, high = formulas.funnel_limits(N, theta, level=level)
        np.testing.assert_allclose(found[f"low_{label}"], 100 * low, rtol=1e-12)
        np.testing.assert_allclose(found[f"high_{label}"], 100 * high, rtol=1e-12)
    np.testing.assert_allclose(found["target"], 100 * theta)
    np.testing.assert_allclose(funnel(CHANCE, target=80).table["target"], 80)


def test_chance_alone_leaves_few_outside_and_over_dispersion_draws_others_in():
    outside = {
        d: funnel(SPREAD, overdispersion=d).table["position"].ne("within").mean()
        for d in ("none", "phi", "tau2")
    }
    assert funnel(CHANCE).table["position"].ne("within").mean() < 0.15
    assert outside["none"] > 0.4 and outside["phi"] < 0.25 and outside["tau2"] < 0.2
    assert (
        not funnel(SPREAD, overdispersion="phi")
        .table["p"]
        .equals(funnel(SPREAD, overdispersion="tau2").table["p"])
    )
    raw, drawn = (funnel(SPREAD, overdispersion="phi", winsorise=w).table["high_95"] for w in (0.0, 0.3))
    assert (raw > drawn).all()


def test_positions_follow_the_direction():
    up, down = (funnel(SPREAD, direction=d).table["position"] for d in (1, -1))
    swap = {"better": "worse", "worse": "better", "within": "within"}
    swap |= {f"somewhat {a}": f"somewhat {b}" for a, b in (("better", "worse"), ("worse", "better"))}
    assert up.map(swap).tolist() == down.tolist() and {"better", "worse"} <= set(up)
    best = SPREAD.table["estimate"].idxmax()
    assert "better" in up[best]


def test_p_values_can_be_adjusted_and_a_unit_without_items_has_none():
    plain = funnel(SPREAD).table["p"]
    np.testing.assert_allclose(funnel(SPREAD, adjust="bh").table["p"], adjusted(plain, method="bh"))
    found = funnel(rates([90, 0, 80], [100, 0, 100]), lang="en")
    row = found.table.iloc[1]
    assert np.isnan(row["p"]) and row["position"] == "" and "φ" in found.notes[-1]


def test_what_has_no_funnel_is_refused():
    with pytest.raises(DataError, match="numerator"):
        funnel(published("MQR", region="全国"))
    with pytest.raises(DataError, match=r"2\.5"):
        table = pd.DataFrame(CHANCE.table).assign(numerator=2.5)
        funnel(CHANCE.replace(table))
    for wrong in ({"target": 100}, {"overdispersion": "rho"}, {"winsorise": 0.5}, {"adjust": "x"}):
        with pytest.raises(OptionError):
            funnel(CHANCE, **wrong)


def test_food_categories_differ_far_beyond_chance():
    rows = published("food_batches_sampled", region="全国", period="2019H2").table
    failed = published("food_batches_failed", region="全国", period="2019H2").table
    both = rows.merge(failed, on="industry", suffixes=("", "_failed"))
    both = both[both["industry"] != "合计"]
    passed = (both["estimate"] - both["estimate_failed"]).astype(int)
    checks = {"product": both["industry"], "inspected": both["estimate"].astype(int), "passed": passed}
    found = funnel(inspection_pass_rate(pd.DataFrame(checks), by="product"), overdispersion="tau2")
    worst = found.table.set_index("product")["position"]
    assert worst["餐饮食品"] == "worse" and worst["肉制品"] == "within"
