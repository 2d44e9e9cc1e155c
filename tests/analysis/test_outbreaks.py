import numpy as np
import pandas as pd
import pytest

from qstats.analysis.outbreaks import outbreaks
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.stats.outbreak import farrington

MONTHS = [f"{2010 + i // 12}M{i % 12 + 1:02}" for i in range(84)]
RNG = np.random.default_rng(9)
SEASON = 40 * np.exp(0.4 * np.sin(np.arange(84) / 6 * np.pi))


def counted(x, periods=MONTHS):
    x = np.atleast_2d(np.asarray(x, float))
    names = [f"s{i:03}" for i in range(len(x))]
    table = pd.DataFrame({"product": np.repeat(names, x.shape[1]), "period": np.tile(periods, len(x))})
    nothing = np.full(len(table), np.nan)
    table = table.assign(estimate=x.ravel(), std_error=nothing, conf_low=nothing, conf_high=nothing, n=1)
    return Estimate(table, indicator="complaints", unit="件", method="given")


COUNTS = RNG.poisson(SEASON, (50, 84))
COUNTS[:3, -1] = 3 * SEASON[-1]


def test_outbreaks_are_found_and_the_season_is_none():
    found = outbreaks(counted(COUNTS), last=13, source="complaint")
    alarms = found[found["alarm"]]
    assert set(alarms.loc[alarms["period"] == MONTHS[-1], "product"]) >= {"s000", "s001", "s002"}
    assert len(alarms) <= 3 + 0.01 * len(found) and (alarms["ratio"] > 1.3).all()
    assert set(found["source"]) == {"complaint"} and len(found) == 13 * 50
    assert found.loc[found["period"] == MONTHS[-1], "product"].iloc[0] in ("s000", "s001", "s002")


def test_bounds_are_those_of_the_formula_and_later_periods_do_not_matter():
    found = outbreaks(counted(COUNTS), last=2).set_index(["period", "product"]).sort_index()
    for t in (82, 83):
        want = farrington(COUNTS[:, : t + 1])
        np.testing.assert_allclose(found.loc[MONTHS[t], "upper"], want.upper, rtol=1e-12)
        above = found.loc[MONTHS[t], "p"] < 0.005
        np.testing.assert_array_equal(above, want.alarm)


def test_options_change_the_answer():
    usual = outbreaks(counted(COUNTS))
    for other in ({"years": 4}, {"half_width": 1}, {"alpha": 0.1}, {"power": "none"}):
        assert not np.allclose(outbreaks(counted(COUNTS), **other)["upper"], usual["upper"])
    rising = counted(RNG.poisson(40 * np.exp(0.006 * np.arange(84)), (20, 84)))
    assert outbreaks(rising, trend=False)["expected"].mean() < outbreaks(rising)["expected"].mean()
    assert outbreaks(counted(COUNTS), fdr=1e-30)["alarm"].sum() < usual["alarm"].sum()


def test_quarters_and_years_have_their_seasons():
    quarters = [f"{2010 + i // 4}Q{i % 4 + 1}" for i in range(28)]
    found = outbreaks(counted(COUNTS[:, :28], quarters), years=4)
    np.testing.assert_allclose(
        found.set_index("product")["upper"].sort_index(),
        farrington(COUNTS[:, :28], season=4, years=4, half_width=1).upper,
    )


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(DataError, match="85"):
        outbreaks(counted(COUNTS), last=25)
    with pytest.raises(DataError):
        outbreaks(counted(COUNTS + 0.5))
    for wrong in (
        {"last": 0},
        {"fdr": 1.0},
        {"source": "rumour"},
        {"alpha": 0},
        {"power": "x"},
        {"half_width": 9},
    ):
        with pytest.raises(OptionError):
            outbreaks(counted(COUNTS), **wrong)


def test_rapex_of_2015_has_no_outbreak_by_three_years_back():
    months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    found = outbreaks(published("RAPEX_notifications_monthly").where(period=months), last=12, years=3)
    assert found["period"].tolist() == months[-12:] and not found["alarm"].any()
