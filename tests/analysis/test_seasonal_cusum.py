"""Charts of seasonal counts: what is expected, what signals, what each option changes."""

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.analysis.seasonal_cusum import seasonal_cusum
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.stats.count_charts import ratio_cusum
from qstats.stats.count_regression import fit_counts, seasonal_regressors

MONTHS = [f"{2010 + i // 12}M{i % 12 + 1:02}" for i in range(84)]
SEASON = 20 * np.exp(0.5 * np.sin(np.arange(84) / 6 * np.pi))
RNG = np.random.default_rng(2)
COUNTS = RNG.negative_binomial(20, 20 / (20 + SEASON), (6, 84)).astype(float)
COUNTS[0, 66:] = np.round(1.8 * SEASON[66:])


def counted(x, periods=MONTHS):
    x = np.atleast_2d(x)
    table = pd.DataFrame(
        {
            "product": np.repeat([f"s{i}" for i in range(len(x))], x.shape[1]),
            "period": np.tile(periods, len(x)),
        }
    )
    nothing = np.full(len(table), np.nan)
    table = table.assign(estimate=x.ravel(), std_error=nothing, conf_low=nothing, conf_high=nothing, n=1)
    return Estimate(table, indicator="complaints", unit="件", method="given")


def test_a_lasting_rise_is_found_and_dated_and_the_season_is_none():
    found = seasonal_cusum(counted(COUNTS), baseline="2014M12", source="complaint")
    first = found.signals[found.signals["product"] == "s0"].iloc[0]
    assert first["began"] in ("2015M06", "2015M07", "2015M08") and first["period"] <= "2015M10"
    assert first["ratio"] == pytest.approx(1.8, rel=0.25) and first["source"] == "complaint"
    assert (found.signals["product"] == "s0").mean() > 0.5
    rows = found.points[found.points["product"] == "s3"]
    assert (rows["phase"] == "I").sum() == 60 and rows["low"].isna().all()


def test_points_are_those_of_the_formulas():
    found = seasonal_cusum(counted(COUNTS), baseline=60, decision=3.0)
    X = seasonal_regressors(np.arange(84), season=12)
    fit = fit_counts(COUNTS[1][:60], X[:60])
    rows = found.points[found.points["product"] == "s1"]
    np.testing.assert_allclose(rows["centre"], np.exp(X @ fit.beta), rtol=1e-10)
    want = ratio_cusum(COUNTS[1][60:], np.exp(X[60:] @ fit.beta), decision=3.0, dispersion=fit.dispersion)
    np.testing.assert_allclose(rows["sum"].to_numpy()[60:], want.sums, rtol=1e-10)
    np.testing.assert_allclose(rows["high"].to_numpy()[60:], want.upper, rtol=1e-10)


def test_options_change_the_answer():
    rate = counted(COUNTS[:2])
    usual = seasonal_cusum(rate, baseline=60).points
    for option in (
        {"chart": "glr"},
        {"law": "poisson"},
        {"ratio": 1.2},
        {"harmonics": 2},
        {"trend": True},
        {"decision": 3.0},
        {"run_length": 50},
        {"baseline": 48},
    ):
        other = seasonal_cusum(rate, **{"baseline": 60} | option).points
        columns = ["centre", "sum", "decision"]
        assert not np.allclose(other[columns], usual[columns], equal_nan=True), option


def test_notes_say_what_was_estimated():
    rate = counted(COUNTS[:2])
    notes = seasonal_cusum(rate, baseline=60, trend=True, lang="en").notes
    assert len(notes) == 3 and "60 points" in notes[0] and "370 periods" in notes[1]
    assert len(seasonal_cusum(rate, baseline=60, decision=3.0).notes) == 1


def test_notifications_from_abroad_are_charted_and_drawn():
    months = [f"201{y}M{m:02}" for y in range(1, 6) for m in range(1, 13)]
    alerts = qs.published("RAPEX_notifications_monthly").where(period=months)
    found = qs.seasonal_cusum(alerts, baseline="2012M12", ratio=1.25, run_length=120)
    assert found.signals[["period", "began"]].values.tolist() == [
        ["2013M12", "2013M06"],
        ["2014M12", "2014M01"],
    ]
    assert qs.seasonal_cusum(alerts, baseline="2013M12").signals.empty
    figure = qs.plot.control(found, title="notifications", digits=0, lang="en")
    assert "December 2013" in figure.alt and "December 2014" in figure.alt


def test_what_cannot_be_watched_is_refused():
    with pytest.raises(DataError, match="24"):
        seasonal_cusum(counted(COUNTS), baseline=20, lang="en")
    with pytest.raises(DataError, match="26"):
        seasonal_cusum(counted(COUNTS), baseline=24, harmonics=6, trend=True, lang="en")
    with pytest.raises(DataError):
        seasonal_cusum(counted(COUNTS + 0.5), baseline=60)
    for wrong in (
        {"chart": "glr", "ratio": 1.5},
        {"chart": "glr", "run_length": 100},
        {"decision": 3.0, "run_length": 100},
        {"baseline": "2031M01"},
        {"harmonics": 7},
    ):
        with pytest.raises(OptionError):
            seasonal_cusum(counted(COUNTS), **{"baseline": 60} | wrong)


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
def test_every_option_out_of_range_is_refused(value):
    options = ["baseline", "chart", "law", "ratio", "harmonics", "trend", "decision", "run_length", "source"]
    for option in [*options, "lang"]:
        fine = {None: ("ratio", "decision", "run_length", "source", "lang"), 0: ("harmonics",)}
        if not isinstance(value, list) and option in fine.get(value, ()):
            continue
        with pytest.raises(OptionError):
            seasonal_cusum(counted(COUNTS[:1]), **{"baseline": 60} | {option: value})
            pytest.fail(f"{option}={value!r} was taken")


def test_a_series_whose_expectation_does_not_settle_is_nan_and_says_so():
    when = [f"{2010 + i // 12}M{i % 12 + 1:02}" for i in range(72)]
    table = pd.DataFrame({"period": when, "estimate": [5.0 * (i % 12 == 0) for i in range(72)], "n": 1})
    table = table.assign(std_error=np.nan, conf_low=np.nan, conf_high=np.nan)
    counts = Estimate(table, indicator="events", unit="count", method="given")
    found = seasonal_cusum(counts, baseline=60, lang="en")
    assert found.points[["centre", "sum", "decision"]].isna().all(axis=None) and found.signals.empty
    assert len(found.notes) >= 1 and "Of 1 series" in found.notes[0]
