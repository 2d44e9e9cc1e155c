import numpy as np
import pandas as pd
import pytest

from qstats.analysis.outbreak_rules import METHODS, TAKES
from qstats.analysis.outbreaks import outbreaks
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.stats.farrington_flexible import farrington_flexible
from qstats.stats.outbreak import farrington
from qstats.stats.short_baselines import ears, rki

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


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_its_formula_says(method):
    found = outbreaks(counted(COUNTS), method=method).set_index("product").sort_index()
    if method in ("farrington", "flexible"):
        at = {"farrington": farrington, "flexible": farrington_flexible}[method](COUNTS)
        want = at.upper, at.score, at.alarm
    else:
        short = rki(COUNTS) if method == "rki" else ears(COUNTS, method=method)
        want = short.upper[:, -1], short.score[:, -1], short.alarm[:, -1]
    np.testing.assert_allclose(found["upper"], want[0], rtol=1e-12)
    np.testing.assert_allclose(found["score"], want[1], rtol=1e-12)
    assert (found["alarm"] <= want[2]).all()
    if method in ("C3", "rki"):
        assert found["p"].isna().all()
        np.testing.assert_array_equal(found["alarm"], want[2])
    else:
        assert found["p"].between(0, 1).all()


def test_options_of_the_other_methods_change_the_answer():
    for method, options in (
        ("flexible", ({"years": 4}, {"half_width": 2}, {"parts": 2}, {"skip": 0}, {"trend": False})),
        ("flexible", ({"threshold": "mean-limit"}, {"threshold": "2/3-power"}, {"alpha": 0.1})),
        ("C1", ({"baseline": 9}, {"alpha": 0.05})),
        ("rki", ({"years": 3}, {"half_width": 1})),
    ):
        usual = outbreaks(counted(COUNTS), method=method).set_index("product").sort_index()["upper"]
        for option in options:
            other = outbreaks(counted(COUNTS), method=method, **option).set_index("product").sort_index()
            assert not np.allclose(other["upper"], usual)


def test_options_that_a_method_does_not_use_are_refused():
    values = {"years": 3, "half_width": 1, "alpha": 0.1, "trend": True, "power": "none", "parts": 2}
    values |= {"skip": 1, "threshold": "mean-limit", "baseline": 9, "fdr": 0.1}
    for method in METHODS:
        for name, value in values.items():
            if name not in TAKES[method]:
                with pytest.raises(OptionError, match=name):
                    outbreaks(counted(COUNTS), method=method, lang="en", **{name: value})


def test_short_series_say_how_many_periods_a_method_needs():
    short = counted(COUNTS[:, :10], MONTHS[:10])
    for method, needed in (("C1", 8), ("C2", 10), ("C3", 12), ("rki", 27), ("flexible", 61)):
        if needed > 10:
            with pytest.raises(DataError, match=str(needed)):
                outbreaks(short, method=method, lang="en")
        else:
            assert len(outbreaks(short, method=method)) == 50
    assert len(outbreaks(counted(COUNTS[:, :12], MONTHS[:12]), method="C3")) == 50


@pytest.mark.parametrize("value", ["x", -1, 0, float("nan"), float("inf"), []])
def test_every_option_out_of_range_is_refused(value):
    owner = {name: method for method in METHODS for name in TAKES[method]} | {"last": "C1", "source": "C1"}
    for name, method in (owner | {"lang": "C1", "method": ""}).items():
        if value == 0 and name in ("half_width", "skip"):
            continue
        with pytest.raises(OptionError):
            outbreaks(counted(COUNTS), **({"method": method} if method else {}) | {name: value})
            pytest.fail(f"{name}={value!r} was taken")


@pytest.mark.parametrize("method", ["farrington", "flexible"])
def test_after_years_without_events_the_alarm_has_a_p_and_no_score(method):
    silent = np.zeros((2, 84))
    silent[:, -4:] = [[2, 2, 1, 0], [2, 2, 1, 12]]
    found = outbreaks(counted(np.vstack([COUNTS, silent])), method=method).set_index("product")
    none, many = found.loc["s050"], found.loc["s051"]
    assert np.isnan([*many[["upper", "score", "ratio"]].astype(float), none["ratio"]]).all()
    assert (many["expected"], many["alarm"], none["alarm"], none["p"]) == (0, True, False, 1)
    assert 0 < many["p"] < 1e-9 and many["q"] < 1e-7
