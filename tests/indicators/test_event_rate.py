import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from qstats.errors import DataError, OptionError
from qstats.indicators.event_rate import event_rate

EVENTS = {"region": ["安徽", "江苏", "浙江"], "events": [4, 0, 11], "exposure": [2.0e5, 5.0e4, 1.5e5]}


def test_events_and_exposures_are_pooled():
    assert event_rate(EVENTS).value() == pytest.approx(15 / 4.0e5 * 10_000)
    assert event_rate(EVENTS, by="region").value(region="浙江") == pytest.approx(11 / 15)


def test_the_exposure_it_refers_to_is_in_the_unit():
    a, b = event_rate(EVENTS), event_rate(EVENTS, per=1_000_000)
    assert b.value() == pytest.approx(100 * a.value())
    assert (a.unit, b.unit) == ("per 10,000", "per 1,000,000")
    row, other = a.table.iloc[0], b.table.iloc[0]
    assert other["std_error"] == pytest.approx(100 * row["std_error"])
    assert other["conf_high"] == pytest.approx(100 * row["conf_high"])


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_the_limits_leave_half_of_alpha_in_each_tail(level):
    row = event_rate(EVENTS, level=level).table.iloc[0]
    low, high = (row[c] * 4.0e5 / 10_000 for c in ("conf_low", "conf_high"))
    assert poisson.sf(14, low) == pytest.approx((1 - level) / 2)
    assert poisson.cdf(15, high) == pytest.approx((1 - level) / 2)


def test_no_events_have_a_lower_limit_of_zero_and_an_upper_one():
    row = event_rate(EVENTS, by="region").where(region="江苏").table.iloc[0]
    assert row["estimate"] == row["conf_low"] == 0
    assert row["conf_high"] == pytest.approx(-np.log(0.025) / 5.0e4 * 10_000)
    assert np.isnan(row["std_error"])
    assert row["flag"] == ""


def test_the_standard_error_is_that_of_a_count():
    row = event_rate(EVENTS).table.iloc[0]
    assert row["std_error"] == pytest.approx(np.sqrt(15) / 4.0e5 * 10_000)
    assert (row["n"], row["numerator"], row["denominator"]) == (15, 15, 4.0e5)


def test_no_exposure_is_undefined_with_a_reason():
    row = event_rate({"events": [3], "exposure": [0]}).table.iloc[0]
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].isna().all()
    assert row["flag"] == "undefined: exposure = 0"


def test_kinds_of_event_that_share_an_exposure_are_not_added_up(lang):
    kinds = {"event": ["死亡", "受伤"], "events": [1, 5], "exposure": [1000, 1000]}
    with pytest.raises(DataError, match="event"):
        event_rate(kinds)
    assert event_rate(kinds, by="event").value(event="受伤") == pytest.approx(50)


@pytest.mark.parametrize("per", [0, -1, float("nan"), float("inf")])
def test_the_reference_exposure_must_be_positive(per):
    with pytest.raises(OptionError, match="per="):
        event_rate(EVENTS, per=per)


def test_fractions_of_events_are_refused():
    with pytest.raises(DataError) as caught:
        event_rate({"events": [1.5, -2, 0.2], "exposure": [10, 10, 10], "region": ["安徽", "江苏", "浙江"]})
    assert caught.value.violations["rule"].tolist() == ["whole", "minimum", "share"]


def test_engines_agree(engine):
    table = pd.DataFrame(EVENTS)
    a, b = (event_rate(t, by="region").table for t in (engine(table), table))
    pd.testing.assert_frame_equal(a, b)
