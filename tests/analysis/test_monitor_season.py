"""A centre with waves: what returns every year is no alarm, what does not is one."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.analysis.monitor import monitor
from qstats.analysis.signals import episodes
from qstats.errors import DataError, OptionError
from qstats.indicators.event_rate import event_rate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats.count_regression import seasonal_regressors
from qstats.stats.seasonal_baseline import range_left, waves

MONTHS = [f"{2010 + i // 12}M{i % 12 + 1:02}" for i in range(96)]
SIX = tuple("abcdef")


def yearly(seed=0, *, bad=0, worse=1.0, wave=0.4, when=tuple(MONTHS), a_year=12, names=SIX):
    """Return pass rates whose failures have a yearly wave, each at its own time of the year."""
    rng = np.random.default_rng([seed, 2])
    T = len(when)
    rate = 0.08 * (1 + wave * np.cos(2 * np.pi * (np.arange(T) / a_year + rng.uniform(size=(len(names), 1)))))
    rate[:bad, T * 3 // 4 :] *= worse
    n = rng.integers(300, 600, rate.shape)
    keys = {"product": np.repeat(names, T), "period": np.tile(when, len(names))}
    table = {**keys, "inspected": n.ravel(), "passed": (n - rng.binomial(n, rate)).ravel()}
    return inspection_pass_rate(table, by=["product", "period"])


RATES = yearly()


@pytest.mark.parametrize("spread", ["laney", "nominal", "exact"])
def test_a_yearly_wave_gives_alarms_every_year_unless_the_centre_follows_it(spread):
    plain = monitor(RATES, baseline=60, spread=spread)
    waved = monitor(RATES, baseline=60, spread=spread, harmonics=1)
    alarms = [found.points[found.points["phase"] == "II"]["signal"].mean() for found in (plain, waved)]
    assert alarms[1] < 0.025 < 0.2 < alarms[0]


def test_a_shift_on_top_of_the_season_is_found_at_its_time():
    found = monitor(yearly(1, bad=1, worse=1.7), baseline=60, spread="nominal", harmonics=1)
    gravest = episodes(found.signals).iloc[0]
    assert (gravest["product"], gravest["direction"], gravest["grade"]) == ("a", "worse", "I")
    assert MONTHS.index(gravest["first"]) - 72 in (0, 1, 2)


def left_by_hand(n, R):
    """Share of the ranges left by a fit, from the projection that makes residuals of the weighted values."""
    root = np.sqrt(n)[:, None] * R
    left = np.eye(len(R)) - root @ np.linalg.pinv(root)
    steps = np.diff(np.eye(len(R)), axis=0)
    steps = steps[(n[1:] > 0) & (n[:-1] > 0)]
    return np.sqrt(np.diagonal(steps @ left @ steps.T) / 2).mean()


def test_the_centre_and_the_spread_are_those_of_weighted_least_squares():
    found = monitor(RATES, baseline=60, harmonics=2)
    one = found.points[found.points["product"] == "b"]
    table = RATES.where(product="b").table
    p, n = (table[c].to_numpy(float) for c in ("estimate", "denominator"))
    R = seasonal_regressors(np.arange(96), season=12, harmonics=2)
    root = np.sqrt(n[:60])
    beta = np.linalg.lstsq(root[:, None] * R[:60], root * p[:60] / 100, rcond=None)[0]
    centre = R @ beta
    assert one["centre"].to_numpy() == pytest.approx(100 * centre, rel=1e-10)
    z = (p / 100 - centre) / np.sqrt(centre * (1 - centre) / n)
    sigma = max(1.0, np.abs(np.diff(z[:60])).mean() / 1.128 / left_by_hand(n[:60], R[:60]))
    assert one["z"].to_numpy() == pytest.approx(z / sigma, rel=1e-3)
    reach = 3 * sigma * np.sqrt(centre * (1 - centre) / n)
    assert one["low"].to_numpy() == pytest.approx(100 * (centre - reach), rel=1e-4)


def test_signals_are_measured_from_the_centre_of_their_season():
    found = monitor(yearly(1, bad=1, worse=1.7), baseline=60, harmonics=1)
    keys = ["product", "period"]
    both = found.signals.merge(found.points[[*keys, "value", "centre"]], on=keys, suffixes=("", "_there"))
    assert len(both) == len(found.signals) > 0
    assert both["centre"].nunique() > 1
    assert both["centre"].to_numpy() == pytest.approx(both["centre_there"].to_numpy(), rel=1e-12)
    assert both["size"].to_numpy() == pytest.approx((both["value"] - both["centre"]).to_numpy(), rel=1e-9)


@pytest.mark.parametrize("spread", ["laney", "exact"])
def test_period_by_period_gives_what_all_at_once_gives(spread):
    rates = yearly(3, bad=2, worse=1.6)
    whole = monitor(rates, baseline=60, harmonics=2, spread=spread)
    cuts = [60, 61, 67, 90, 96]
    step = monitor(rates.where(period=MONTHS[:60]), baseline=60, harmonics=2, spread=spread)
    points, signals = [step.points], [step.signals]
    for a, b in pairwise(cuts):
        step = monitor(rates.where(period=MONTHS[a:b]), state=step.state)
        points.append(step.points)
        signals.append(step.signals)
    assert step.state == whole.state
    order = ["product", "period"]
    for parts, every in ((points, whole.points), (signals, whole.signals)):
        joined, every = (
            table.sort_values(order, ignore_index=True)
            for table in (pd.concat([part for part in parts if len(part)]), every)
        )
        pd.testing.assert_frame_equal(joined, every, check_dtype=False, rtol=1e-9, atol=0)
    assert len(whole.signals)


def test_no_waves_is_the_chart_without_a_season_and_its_state_of_before_is_read():
    plain, none = monitor(RATES, baseline=60), monitor(RATES, baseline=60, harmonics=0)
    pd.testing.assert_frame_equal(plain.points, none.points)
    past = monitor(RATES.where(period=MONTHS[:70]), baseline=60)
    state = json.loads(past.state)
    del state["options"]["harmonics"]
    for series in state["series"]:
        del series["waves"]
    new = RATES.where(period=MONTHS[70:])
    old = monitor(new, state=json.dumps(state))
    pd.testing.assert_frame_equal(old.points, monitor(new, state=past.state).points)


def test_values_quarters_and_events_have_seasons_too(given):
    rng = np.random.default_rng(5)
    quarters = [f"{2010 + i // 4}Q{i % 4 + 1}" for i in range(40)]
    wave = 3 * np.cos(np.pi * np.arange(40) / 2)
    values = given([(q, 50 + w + e) for q, w, e in zip(quarters, wave, rng.normal(0, 0.5, 40), strict=True)])
    for harmonics, expected in ((0, 0.0), (1, 3.0)):
        points = monitor(values, baseline=20, kind="value", harmonics=harmonics).points
        assert np.ptp(points["centre"]) / 2 == pytest.approx(expected, rel=0.1)
    assert points.loc[points["phase"] == "II", "outside"].mean() < 0.1
    assert monitor(values, baseline=20, kind="value", harmonics=2).points["centre"].nunique() <= 4
    events = rng.poisson(40 * (1 + wave / 8))
    rate = event_rate({"period": quarters, "events": events, "exposure": [1000] * 40}, by="period")
    assert monitor(rate, baseline=20, harmonics=1).points["centre"].nunique() == 4


def test_a_season_needs_parts_of_a_year_two_years_and_a_chart_with_a_centre(given):
    years = given([(str(1990 + i), 50.0 + i % 3) for i in range(30)])
    with pytest.raises(DataError, match="at most 0 harmonics"):
        monitor(years, baseline=20, kind="value", harmonics=1)
    with pytest.raises(DataError, match="at most 6 harmonics"):
        monitor(RATES, baseline=60, harmonics=7)
    with pytest.raises(OptionError, match="24 periods; it has 20"):
        monitor(RATES, baseline=20, harmonics=1, lang="en")
    gaps = given([(m, float(40 + i % 7)) for i, m in enumerate(MONTHS)], unit="units")
    with pytest.raises(OptionError, match="p, u, c, value"):
        monitor(gaps, baseline=60, kind="g", harmonics=1, lang="en")
    for wrong in (-1, 1.5, True, "1"):
        with pytest.raises(OptionError, match="harmonics="):
            monitor(RATES, baseline=60, harmonics=wrong)
    state = monitor(RATES.where(period=MONTHS[:70]), baseline=60).state
    with pytest.raises(OptionError, match="harmonics"):
        monitor(RATES.where(period=MONTHS[70:]), state=state, harmonics=1)


@settings(deadline=None, max_examples=30)
@drawn(
    arrays(int, (2, 9), elements=st.integers(1, 50)),
    arrays(int, (2, 9), elements=st.integers(0, 50)),
)
def test_without_waves_the_fit_is_the_pooled_rate(n, x):
    found = waves(x / n, n, np.ones((9, 1)))[:, 0]
    assert found == pytest.approx(x.sum(1) / n.sum(1), rel=1e-12)


def test_waves_are_found_as_they_were_put_in_and_not_where_seasons_are_missing():
    R = seasonal_regressors(np.arange(24), season=12, harmonics=2)
    beta = np.array([[5.0, 1, -2, 0.5, 0.25], [3.0, 0, 1, 0, -1]])
    weight = np.random.default_rng(0).uniform(1, 9, (2, 24))
    assert waves(beta @ R.T, weight, R)[0] == pytest.approx(beta[0], rel=1e-10)
    weight[1, np.arange(24) % 12 > 3] = 0  # four months of the year cannot tell five numbers
    found = waves(beta @ R.T, weight, R)
    assert np.isnan(found[1]).all()
    assert found[0] == pytest.approx(beta[0], rel=1e-10)


@pytest.mark.parametrize("a_year, years, harmonics", [(12, 2, 1), (12, 3, 2), (4, 4, 2)])
def test_the_spread_about_waves_is_neither_too_wide_nor_too_narrow(given, a_year, years, harmonics):
    T = a_year * years
    when = [
        f"{2010 + i // a_year}{'M' if a_year == 12 else 'Q'}{i % a_year + 1:0{2 if a_year == 12 else 1}}"
        for i in range(T)
    ]
    y = np.random.default_rng(3).normal(50, 2, (600, T))
    rows = [(str(i), t, v) for i, own in enumerate(y) for t, v in zip(when, own, strict=True)]
    found = monitor(given(rows, keys=("region", "period")), baseline=T, kind="value", harmonics=harmonics)
    width = (found.points["high"] - found.points["centre"]) / 3
    assert width.mean() == pytest.approx(2, rel=0.03)  # the square root of m/(m - k) would be 4 to 6 % off


def test_the_share_of_the_ranges_that_a_fit_leaves():
    weight = np.random.default_rng(1).uniform(0.5, 5, (4, 24))
    weight[1, [3, 4, 11]] = 0.0
    weight[2, 7] = np.nan
    weight[3, 2:] = 0.0  # two points cannot tell three numbers
    R = seasonal_regressors(np.arange(24), season=12, harmonics=1)
    found = range_left(weight, R)
    by_hand = [left_by_hand(np.nan_to_num(w), R) for w in weight[:3]]
    assert found[:3] == pytest.approx(by_hand, rel=1e-10)
    assert np.isnan(found[3])
    fast = range_left(weight, np.column_stack([np.ones(24), (-1.0) ** np.arange(24)]))
    slow = range_left(weight, np.column_stack([np.ones(24), np.cos(np.arange(24) / 8)]))
    assert fast[0] < slow[0] < 1
    assert np.isnan(range_left(np.ones((1, 3)), np.vander(np.arange(3.0)))).all()  # all points used up
