"""Forecasts: bounds, choices, what they rest on."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from qstats.analysis.forecast import backtest, forecast
from qstats.errors import DataError, OptionError
from qstats.stats import backtest as tests
from qstats.stats import forecast as models


def years(values, first=2000):
    return [(str(first + i), float(v)) for i, v in enumerate(values)]


SHORT = years([93.7, 94.2, 93.4, 93.1, 93.3, 93.6, 93.9])
LONG = years(90 + 0.1 * np.arange(20) + np.random.default_rng(0).normal(size=20) * 0.5)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@over(st.lists(st.floats(0.5, 99.5), min_size=5, max_size=15), st.integers(1, 6))
def test_no_limit_leaves_0_to_100(given, values, horizon):
    table = forecast(given(years(values)), horizon=horizon).table
    limits = table[[c for c in table if c.startswith(("low_", "high_", "conf_"))]].dropna()
    assert ((limits >= 0) & (limits <= 100)).all(axis=None)
    inner = table.dropna(subset=["low_80"])
    assert (inner["low_95"] <= inner["low_80"]).all() and (inner["low_80"] <= inner["low_50"]).all()


def test_below_16_values_it_is_drift(given):
    found = forecast(given(SHORT)).table
    assert set(found["model"]) == {"drift"}
    z = np.log([v / (100 - v) for _, v in SHORT])
    path = models.drift(z, 3)
    assert found["estimate"].tolist() == pytest.approx((100 / (1 + np.exp(-path.mean))).tolist())
    assert found["period"].tolist() == ["2007", "2008", "2009"]
    k = tests.widening(tests.rolling("drift", z, 3))
    low = models.limits(path._replace(std_error=k * path.std_error, df=5), 0.95)[0]
    assert found["conf_low"].tolist() == pytest.approx((100 / (1 + np.exp(-low))).tolist())
    assert found["conf_low"].tolist() == found["low_95"].tolist()


def test_widening_never_narrows(given):
    for rows in (SHORT, LONG):
        wide, plain = (forecast(given(rows), method="drift", widen=w).table for w in (True, False))
        assert (wide["std_error"] >= plain["std_error"]).all()
        assert (plain["widened"] == 1).all()


def test_from_16_values_the_best_of_rolling_origins_is_taken(given):
    rate = given(LONG)
    few = ["naive", "drift", "mean"]
    table = backtest(rate, methods=few).groupby("model")["mae"].mean()
    z = np.log([v / (100 - v) for _, v in LONG])
    first = {m: np.nanmean(np.abs(tests.rolling(m, z, 3).error)) for m in few}
    assert set(forecast(rate, candidates=few).table["model"]) == {min(first, key=first.get)}
    assert sorted(table.index) == sorted(few)


def test_a_combination_is_between_its_parts_and_is_not_the_best(given):
    rate, few = given(LONG), ["naive", "drift", "mean"]
    parts = np.stack([forecast(rate, method=m, scale="identity").table["estimate"] for m in few])
    found = forecast(rate, method="combined", candidates=few, scale="identity").table
    assert found["estimate"].tolist() == pytest.approx(parts.mean(axis=0).tolist())
    assert set(found["model"]) == {"naive+drift+mean"}


def test_the_scale_changes_the_limits(given):
    rate = given(years([99.0, 99.2, 99.1, 99.4, 99.3, 99.6, 99.5]))
    assert forecast(rate, scale="identity").table["high_95"].max() > 100
    assert forecast(rate).table["high_95"].max() < 100
    with pytest.raises(DataError, match="index"):
        forecast(given(SHORT, unit="index"), scale="logit", lang="en")
    assert forecast(given(SHORT, unit="index")).table["estimate"].iloc[0] == pytest.approx(93.9 + 0.2 / 6)


def test_a_rate_of_100_has_no_place_on_the_logit_scale(given):
    rate = given(years([99.0, 100.0, 99.5, 99.7, 99.2]))
    with pytest.raises(DataError, match="2001"):
        forecast(rate, lang="en")
    assert len(forecast(rate, scale="identity")) == 3


def test_too_short_says_how_many_are_needed(given):
    with pytest.raises(DataError, match=r"3 values.*at least 4"):
        forecast(given(SHORT[:3]), lang="en")
    with pytest.raises(DataError, match="holt needs at least 8"):
        forecast(given(SHORT), method="holt")
    with pytest.raises(DataError, match="holt"):
        forecast(given(SHORT), candidates=["holt"], lang="en")
    with pytest.raises(DataError, match="quarters"):
        forecast(given(LONG), method="holt-winters")


def test_gaps_are_refused(given):
    with pytest.raises(DataError, match="2003"):
        forecast(given([r for r in SHORT if r[0] != "2003"]), lang="en")


@pytest.mark.parametrize(
    "options", [{"method": "prophet"}, {"horizon": 0}, {"candidates": ["x"]}, {"scale": "log"}]
)
def test_choices_that_do_not_exist(given, options):
    with pytest.raises(OptionError):
        forecast(given(SHORT), **options)
    with pytest.raises(OptionError, match="candidates"):
        forecast(given(SHORT), method="drift", candidates=["mean"])


def test_a_flat_series_stays_flat_without_an_error_it_does_not_know(given):
    table = forecast(given(years([95.0] * 8))).table
    assert table["estimate"].tolist() == pytest.approx([95.0] * 3)
    assert table["std_error"].isna().all()


def test_quarters_go_on_as_quarters(given):
    season = np.tile([1.0, -1, 0.5, -0.5], 5)
    rows = [(f"{2018 + i // 4}Q{i % 4 + 1}", 90 + v) for i, v in enumerate(season)]
    found = forecast(given(rows), horizon=4, method="seasonal-naive", scale="identity").table
    assert found["period"].tolist() == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    assert found["estimate"].tolist() == [91, 89, 90.5, 89.5]


def test_several_series_at_once(given):
    rows = [(p, r, v + d) for r, d in (("安徽", 0.0), ("江苏", 2.0)) for p, v in SHORT]
    found = forecast(given(rows, keys=("period", "region")), horizon=1)
    assert found.keys == ("period", "region")
    assert found.table["region"].tolist() == ["安徽", "江苏"]


def test_the_backtest_counts_coverage_and_scales_by_naive(given):
    table = backtest(given(LONG), methods=["naive"], horizon=2)
    assert table["origins"].tolist() == [10, 9]
    assert table["coverage"].between(0.5, 1).all()
    assert table["mase"].iloc[0] == pytest.approx(
        table["mae"].iloc[0] / tests.naive_scale(np.log([v / (100 - v) for _, v in LONG]))
    )
    lower = backtest(given(LONG), methods=["naive"], horizon=2, level=0.5)
    assert (lower["coverage"] < table["coverage"]).any()


def test_drift_covers_what_it_says_in_short_series():
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        y = np.cumsum(0.3 + rng.normal(size=11))
        path = models.drift(y[:8], 3)
        k = tests.widening(tests.rolling("drift", y[:8], 3))
        low, high = models.limits(path._replace(std_error=k * path.std_error, df=6), 0.95)
        inside.append((y[8:] >= low) & (y[8:] <= high))
    assert 0.94 < np.mean(inside) < 0.99
