"""Trend, breaks, smoothing of Estimates: each choice changes the answer, bad input is named."""

import numpy as np
import pandas as pd
import pytest

from qstats.analysis.breaks import breaks
from qstats.analysis.series import label, series_of
from qstats.analysis.smooth import seasonal, smooth
from qstats.analysis.trend import trend
from qstats.errors import DataError, OptionError, QStatsError, QStatsWarning
from qstats.stats import autocorrelation
from qstats.stats.multiplicity import adjusted

RNG = np.random.default_rng(11)


def years(values, first=2010, se=None):
    rows = [(str(first + i), float(v)) for i, v in enumerate(values)]
    return [(*row, row[1] - 1.96 * se, row[1] + 1.96 * se, se) for row in rows] if se else rows


def quarters(values, first=2015):
    return [(f"{first + i // 4}Q{i % 4 + 1}", float(v)) for i, v in enumerate(values)]


def test_a_line_is_its_own_trend(given):
    row = trend(given(years(80 + 0.5 * np.arange(8)))).table.iloc[0]
    assert [row["estimate"], row["conf_low"], row["conf_high"]] == pytest.approx([0.5, 0.5, 0.5])
    assert (row["first"], row["last"], row["n"], row["tau"]) == ("2010", "2017", 8, 1)


def test_a_flat_series_has_no_trend(given):
    row = trend(given(years([90.0] * 9))).table.iloc[0]
    assert (row["estimate"], row["verdict"], row["p"]) == (0, "no clear trend", 1)
    assert np.isnan([row["conf_low"], row["conf_high"]]).all()  # equal values do not say how exact a slope is


def test_every_correction_has_its_own_answer(given):
    y = 90 + 0.1 * np.arange(24) + np.cumsum(RNG.normal(size=24)) * 0.3
    rate = given(years(y, first=2000))
    found = {
        c: trend(rate, autocorrelation=c).table.iloc[0]
        for c in ("none", "calibrated", "prewhiten", "prewhiten-raw", "block")
    }
    with pytest.warns(QStatsWarning, match="Hamed"):
        found["hamed-rao"] = trend(rate, autocorrelation="hamed-rao", lang="en").table.iloc[0]
    assert len({row["p"] for row in found.values()}) == 6
    assert trend(rate).table["p"].iloc[0] == found["prewhiten"]["p"]
    assert found["calibrated"]["test"] == "Mann–Kendall, whitened, calibrated"
    assert found["prewhiten"]["r"] == pytest.approx(autocorrelation.residual_r1(y)[0])
    assert (
        found["prewhiten"]["conf_high"] - found["prewhiten"]["conf_low"]
        > found["none"]["conf_high"] - found["none"]["conf_low"]
    )
    drawn = {trend(rate, autocorrelation="block", seed=seed).table["p"].iloc[0] for seed in range(4)}
    assert found["block"]["p"] in drawn and len(drawn) > 1


def test_a_short_series_is_not_whitened_and_says_so(given):
    found = trend(given(years([80, 81, 82.5, 83, 84])), lang="en")
    assert found.table["test"].tolist() == ["Mann–Kendall"]
    assert "cannot be checked" in found.notes[-1]
    assert found.table["verdict"].tolist() == ["rising"]


def test_too_short_says_how_many_are_needed(given):
    with pytest.raises(DataError, match=r"has 4 values.*at least 5"):
        trend(given(years([1, 2, 3, 4])), lang="en")
    with pytest.raises(DataError, match="at least 10"):
        breaks(given(years(range(6))), lang="en")


def test_gaps_are_refused_or_kept_at_their_place_in_time(given):
    rows = [r for r in years(80 + 0.5 * np.arange(10)) if r[0] != "2014"]
    with pytest.raises(DataError, match="2014"):
        trend(given(rows), lang="en")
    found = trend(given(rows), gaps="skip").table.iloc[0]
    assert (found["estimate"], found["n"]) == (pytest.approx(0.5), 9)
    with pytest.raises(DataError, match="gaps"):
        trend(given(rows), gaps="skip", autocorrelation="prewhiten", lang="en")
    missing = [(p, np.nan if p == "2014" else v) for p, v in years(80 + 0.5 * np.arange(10))]
    with pytest.raises(DataError, match="2014"):
        trend(given(missing), lang="en")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("2022", 1.0), ("2023Q1", 2.0)], "2022, 2023Q1"),
        ([("2023Q1", 1.0), ("2023年第1季度", 2.0)], "2023Q1 twice"),
        ([("2023 batch1", 1.0), ("2023 batch2", 2.0)], "batch1"),
    ],
)
def test_mixed_repeated_or_placeless_periods_are_named(given, rows, found):
    with pytest.raises(DataError, match=found):
        trend(given(rows), lang="en")


def test_without_a_period_there_is_no_series(given):
    with pytest.raises(DataError, match="region"):
        trend(given([("安徽", 1.0)], keys=("region",)), lang="en")


@pytest.mark.parametrize("period", ["2023", "2023H2", "2023Q1", "2023M11"])
def test_a_period_and_its_number_are_the_same(given, period):
    (s,) = series_of(given([(period, 1.0)]), need=1, what="x")
    assert s.labels == [period] == [label(int(s.at[0]), s.per_year)]


def test_quarters_have_a_slope_per_year_and_seasons(given):
    y = 90 + 0.25 * np.arange(24) + np.tile([3.0, -3, 1, -1], 6)
    rate = given(quarters(y))
    within = trend(rate, method="seasonal").table.iloc[0]
    assert (within["estimate"], within["tau"]) == (pytest.approx(1.0), 1)
    plain = trend(rate, method="seasonal", autocorrelation="none").table.iloc[0]
    assert plain["p"] != within["p"]
    assert trend(rate, autocorrelation="none").table["tau"].iloc[0] < 1
    with pytest.raises(DataError, match="annual"):
        trend(given(years(range(9))), method="seasonal", lang="en")


def test_weighted_lines_use_the_errors(given):
    y = [90.0, 91.2, 91.8, 93.1, 93.9]
    narrow, wide = (trend(given(years(y, se=se)), method="weighted").table.iloc[0] for se in (0.5, 1.0))
    assert wide["std_error"] == pytest.approx(2 * narrow["std_error"])
    scattered = trend(given(years(y, se=0.5)), method="weighted", scale="estimated").table.iloc[0]
    assert scattered["std_error"] != pytest.approx(narrow["std_error"], rel=1e-3)
    with pytest.raises(DataError, match="standard errors"):
        trend(given(years(y)), method="weighted")


def test_growth_between_the_ends(given):
    found = trend(given(years([100, 300, 121.0], se=1.0), unit="cases"), method="growth")
    assert found.value() == pytest.approx(10)
    assert found.unit == "% a year"
    assert found.table["verdict"].tolist() == ["rising"]
    half_yearly = given([("2020H1", 100.0), ("2020H2", 105.0), ("2021H1", 110.0)], unit="cases")
    assert trend(half_yearly, method="growth").value() == pytest.approx(10)
    assert trend(half_yearly, method="growth").table["verdict"].tolist() == ["cannot say"]


def test_options_that_do_nothing_are_refused(given):
    rate = given(years(range(9)))
    with pytest.raises(OptionError, match="scale"):
        trend(rate, scale="known", lang="en")
    with pytest.raises(OptionError, match="autocorrelation"):
        trend(rate, method="growth", autocorrelation="block", lang="en")


def test_many_series_are_tested_together(given):
    rows = []
    for k in range(6):
        y = 90 + 0.06 * k * np.arange(12) + RNG.normal(size=12) * 0.5
        rows += [(str(2010 + i), f"r{k}", float(v)) for i, v in enumerate(y)]
    rate = given(rows, keys=("period", "region"))
    alone, together = trend(rate).table, trend(rate, adjust="holm").table
    assert together["region"].tolist() == [f"r{k}" for k in range(6)]
    np.testing.assert_array_equal(together["p_adjusted"], adjusted(alone["p"], method="holm"))
    assert (together["p_adjusted"] >= alone["p_adjusted"]).all()


def test_a_break_is_found_and_a_date_fixed_beforehand_is_tested(given):
    y = np.repeat([90.0, 92.0], 12) + np.random.default_rng(3).normal(size=24) * 0.4
    rate = given(years(y, first=2000))
    row = breaks(rate).iloc[0]
    assert (row["test"], row["after"], row["verdict"]) == ("supF", "2011", "break")
    fixed = breaks(rate, after="2005").iloc[0]
    assert (fixed["test"], fixed["after"]) == ("chow", "2005")
    assert breaks(rate, model="trend").iloc[0]["statistic"] != row["statistic"]
    with pytest.raises(DataError, match="2000–2022"):
        breaks(rate, after="2023", lang="en")


def test_an_autocorrelated_series_cannot_say(given):
    y = 90 + 2 * np.sin(np.arange(40) / 3.0)
    rate = given(years(y, first=1980))
    assert breaks(rate).iloc[0]["verdict"] == "cannot say"
    assert breaks(rate, dependent="ignore").iloc[0]["verdict"] != "cannot say"
    assert breaks(given(years([5.0] * 12))).iloc[0]["verdict"] == "no clear break"


def test_a_level_with_known_errors(given):
    rows = years([90.0, 91, 90.5, 92, 91.4], se=0.5)
    rate = given(rows)
    flat, free = smooth(rate, step=0.0), smooth(rate, step=5.0)
    assert np.ptp(flat.table["estimate"]) == pytest.approx(0, abs=1e-12)
    assert free.table["estimate"].tolist() == pytest.approx([r[1] for r in rows], abs=0.05)
    assert (smooth(rate).table["std_error"] < 0.5).all()
    gappy = given([r for r in rows if r[0] != "2012"])
    assert smooth(gappy, gaps="skip").table["period"].tolist() == [r[0] for r in rows]
    with pytest.raises(DataError, match="standard errors"):
        smooth(given(years([90, 91, 92])))
    with pytest.raises(OptionError, match="-1"):
        smooth(rate, step=-1, lang="en")


def test_the_season_is_taken_out_and_parts_add_up(given):
    y = 90 + 0.1 * np.arange(20) + np.tile([3.0, -3, 1, -1], 5) + RNG.normal(size=20) * 0.1
    rate = given(quarters(y))
    table = seasonal(rate).table.pivot(index="period", columns="component", values="estimate").sort_index()
    assert (table["seasonal"] + table["trend"] + table["remainder"]).to_numpy() == pytest.approx(y, rel=1e-12)
    assert np.ptp(np.diff(table["adjusted"])) < 1
    assert np.isnan(seasonal(rate).table["std_error"]).all()
    for option in ({"window": 7}, {"robust": True}):
        other = seasonal(rate, **option).table
        assert not np.allclose(other["estimate"], seasonal(rate).table["estimate"], rtol=1e-6)
    with pytest.raises(DataError, match="annual"):
        seasonal(given(years(range(9))), lang="en")


def test_x13_is_absent_and_says_so(given, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(QStatsError, match="x13as"):
        seasonal(given(quarters(range(20))), method="x13", lang="en")
    with pytest.raises(OptionError, match="robust"):
        seasonal(given(quarters(range(20))), method="x13", robust=True, lang="en")


def test_rows_in_any_order_give_the_same(given):
    rows = years(90 + RNG.normal(size=12))
    one, two = trend(given(rows)).table, trend(given(rows[::-1])).table
    pd.testing.assert_frame_equal(one, two)


def test_series_of_several_lengths_and_a_flat_one_together_are_those_alone(given):
    rows = []
    for name, n in (("a", 12), ("b", 9), ("c", 12), ("d", 6), ("flat", 12)):
        y = 90 + (RNG.normal(size=n).cumsum() if name != "flat" else np.zeros(n))
        rows += [(str(2010 + i), name, float(v)) for i, v in enumerate(y)]
    rate = given(rows, keys=("period", "region"))
    for correction in (None, "none"):
        together = trend(rate, autocorrelation=correction).table.set_index("region")
        for name in together.index:
            alone = trend(rate.where(region=name), autocorrelation=correction).table.set_index("region")
            pd.testing.assert_frame_equal(together.loc[[name]], alone)


def test_blocks_of_a_series_do_not_depend_on_which_other_series_there_are(given):
    short, long = (90 + np.cumsum(RNG.normal(size=n)) for n in (12, 15))
    parts = {name: [(name, *row) for row in years(y)] for name, y in (("short", short), ("long", long))}

    def p(*names):
        table = trend(
            given([row for name in names for row in parts[name]], keys=("region", "period")),
            autocorrelation="block",
        ).table
        return dict(zip(table["region"], table["p"], strict=True))

    both = p("short", "long")
    assert both == p("long", "short") == p("short") | p("long")
    assert both["short"] != both["long"]
