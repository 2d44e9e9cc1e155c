import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from qstats.analysis.monitor import monitor
from qstats.analysis.signals import SOURCES, Grading, episodes
from qstats.analysis.watch import Charts
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.indicators.event_rate import event_rate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats import control, control_exact, memory_charts

MONTHS = [f"{2011 + i // 12}M{i % 12 + 1:02}" for i in range(60)]


def rates(failures, inspected=500, *, names=("a",), months=MONTHS):
    """Pass rates of products with these failures, shape (products, months)."""
    failures = np.atleast_2d(failures)
    n = np.broadcast_to(inspected, failures.shape)
    records = pd.DataFrame(
        {
            "period": np.tile(months[: failures.shape[1]], len(failures)),
            "product": np.repeat(names, failures.shape[1]),
            "inspected": n.ravel(),
            "passed": (n - failures).ravel(),
        }
    )
    return inspection_pass_rate(records, by=["product", "period"])


def shifted(seed=0, series=3, bad=0, month=40, rate=0.05, worse=0.12, n=500):
    p = np.full((series, 60), rate)
    p[bad, month:] = worse
    return np.random.default_rng([seed, 1]).binomial(n, p)


FAILURES = shifted()
THREE = rates(FAILURES, names=("a", "b", "c"))


def test_a_shift_is_found_in_its_series_and_dated():
    found = monitor(THREE, baseline=30, source="monitoring", lang="en")
    runs = episodes(found.signals, lang="en")
    row = runs.iloc[0]
    assert row["product"] == "a" and row["direction"] == "worse" and row["grade"] == "I"
    assert MONTHS.index(row["first"]) - 40 in (0, 1)
    assert abs(MONTHS.index(row["began"]) - 40) <= 3
    assert row["last"] == MONTHS[-1] and row["ratio"] > 2 and row["size"] < -5
    assert row["source"] == "monitoring" and "at once" in row["handling"]
    assert set(runs["product"]) == {"a"}


def test_points_are_those_of_the_charts():
    found = monitor(THREE, baseline=30)
    one = found.points[found.points["product"] == "a"]
    assert one["period"].tolist() == MONTHS and one["phase"].tolist() == ["I"] * 30 + ["II"] * 30
    passed, n = 500 - FAILURES[0], np.full(60, 500)
    base = control.rate_baseline(passed, n, kind="p", baseline=30, spread="laney")
    base = base._replace(sigma_z=np.fmax(base.sigma_z, 1))
    chart = control.rate_chart(passed, n, base, kind="p")
    for column, values in {"value": chart.value, "low": chart.low, "high": chart.high}.items():
        np.testing.assert_allclose(one[column], 100 * values, rtol=1e-12)
    z = chart.z / base.sigma_z
    np.testing.assert_allclose(one["z"], z, rtol=1e-9)
    after = one[30:]
    np.testing.assert_allclose(after["ewma"], memory_charts.ewma(z[30:]).value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(after["cusum_down"], memory_charts.cusum(z[30:]).lower, rtol=1e-9, atol=1e-12)
    assert one[:30][["ewma", "cusum_up"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("steps", "seed", "holes"), [([1] * 30, 1, False), ([4, 1, 9], 2, True), ([1, 2, 2, 3], 3, True)]
)
def test_period_by_period_gives_what_all_at_once_gives(steps, seed, holes):
    failures = shifted(seed)
    every = rates(failures, names=("a", "b", "c"))
    table = every.table
    if holes:
        table = table[~((table["product"] == "b") & table["period"].isin(MONTHS[33:36]))]
        every = every.replace(table)
    whole = monitor(every, baseline=30, gaps="skip", fdr=0.2)
    cuts = np.minimum(30 + np.cumsum([0, *steps, 60]), 60)
    first = monitor(every.where(period=MONTHS[:30]), baseline=30, gaps="skip", fdr=0.2)
    state, points, signals = first.state, [first.points], [first.signals]
    for a, b in pairwise(cuts):
        if a < b:
            part = monitor(every.where(period=MONTHS[a:b]), state=state)
            state = part.state
            points.append(part.points)
            signals.append(part.signals)
    order = ["product", "period"]
    pd.testing.assert_frame_equal(
        pd.concat(points).sort_values(order).reset_index(drop=True),
        whole.points.sort_values(order).reset_index(drop=True),
        check_exact=True,
        check_dtype=False,
    )
    parts = pd.concat([s for s in signals if len(s)] or [whole.signals[:0]]).reset_index(drop=True)
    pd.testing.assert_frame_equal(parts, whole.signals, check_exact=True, check_dtype=False)
    assert state == whole.state


def test_the_state_is_plain_json_and_the_order_of_rows_does_not_matter():
    found = monitor(THREE, baseline=30)
    assert json.loads(found.state)["last"] == "2015M12"
    mixed = THREE.take(np.random.default_rng(0).permutation(len(THREE)))
    again = monitor(mixed, baseline="2013M06")
    pd.testing.assert_frame_equal(again.points, found.points)
    pd.testing.assert_frame_equal(again.signals, found.signals)
    assert again.state == found.state


def test_direction_says_what_is_worse():
    less = monitor(THREE, baseline=30, direction=-1).signals
    assert set(less[less["product"] == "a"]["direction"]) == {"better"}
    assert set(less[less["product"] == "a"]["grade"]) == {""}
    good = rates(shifted(rate=0.12, worse=0.05), names=("a", "b", "c"))
    found = monitor(good, baseline=30, lang="en").signals
    assert set(found[found["product"] == "a"]["direction"]) == {"better"}
    assert found["handling"].iloc[0].startswith("For the better")


def test_events_over_exposure_come_with_their_rate():
    rng = np.random.default_rng(3)
    d = rng.poisson(np.r_[np.full(40, 20.0), np.full(20, 45.0)])
    records = {"period": MONTHS, "events": d, "exposure": np.full(60, 1e5)}
    found = monitor(event_rate(records, by="period"), baseline=36, source="complaint")
    np.testing.assert_allclose(found.points["value"], d / 10, rtol=1e-12)
    assert set(found.signals["direction"]) == {"worse"}
    row = found.signals.iloc[0]
    assert row["ratio"] == pytest.approx(row["value"] / row["centre"])
    assert MONTHS.index(row["first"]) in (40, 41)


def values(x, *, unit="days", indicator="x", months=MONTHS):
    x = np.asarray(x, float)
    nothing = np.full(len(x), np.nan)
    table = pd.DataFrame({"period": months[: len(x)], "estimate": x, "std_error": nothing})
    table = table.assign(conf_low=nothing, conf_high=nothing, n=1)
    return Estimate(table, indicator=indicator, unit=unit, method="given")


def test_rare_failures_that_come_closer_are_worse():
    rng = np.random.default_rng(5)
    good = np.r_[rng.geometric(0.002, 40), rng.geometric(0.02, 20)] - 1
    found = monitor(values(good), baseline=40, kind="g").signals
    assert set(found["direction"]) == {"worse"} and found["ratio"].max() > 3
    days = np.r_[rng.exponential(30, 40), rng.exponential(3, 20)]
    found = monitor(values(days), baseline=40, kind="t").signals
    assert set(found["direction"]) == {"worse"}
    flat = monitor(values(np.r_[rng.exponential(30, 60)]), baseline=40, kind="t")
    assert "worse" not in set(flat.signals["direction"])


def test_single_values_are_watched_by_their_moving_range():
    x = np.random.default_rng(2).normal(80, 1, 60)
    x[45:] -= 3
    found = monitor(values(x, unit="points"), baseline=30, kind="value")
    base = control.individuals(x, baseline=30)
    np.testing.assert_allclose(found.points["low"], base.low, rtol=1e-12)
    assert set(found.signals["direction"]) == {"worse"} and found.signals["ratio"].isna().all()
    assert set(monitor(values(x), baseline=30, kind="value", direction=-1).signals["direction"]) == {"better"}


def test_spread_of_counts():
    rng = np.random.default_rng(1)
    failures = rng.binomial(500, np.clip(rng.normal(0.1, 0.03, 60), 0.01, 0.3))
    wide = rates(failures)
    nominal, laney, exact = (monitor(wide, baseline=40, spread=s) for s in ("nominal", "laney", "exact"))
    width = [(f.points["high"] - f.points["low"]).mean() for f in (nominal, laney, exact)]
    assert width[1] > 1.5 * width[0] and width[2] == pytest.approx(width[0], rel=0.1)
    assert len(laney.signals) < len(nominal.signals)
    assert (monitor(wide, baseline=40).points["low"] == laney.points["low"]).all()
    small = rates(np.random.default_rng(0).binomial(30, 0.02, 60), 30)
    z = monitor(small, baseline=40, spread="exact").points["z"]
    assert z.to_numpy() == pytest.approx(
        control_exact.normal_scores(
            small.table["numerator"],
            small.table["denominator"],
            monitor(small, baseline=40).points["centre"].iloc[0] / 100,
            kind="p",
        )
    )


def test_a_smaller_false_discovery_rate_keeps_fewer_signals():
    failures = np.random.default_rng(8).binomial(200, 0.05, (200, 60))
    failures[:4, 50:] += 12
    many = rates(failures, 200, names=[f"p{i:03}" for i in range(200)])
    loose, usual = monitor(many, baseline=30, fdr=0.9), monitor(many, baseline=30)
    bad = {f"p{i:03}" for i in range(4)}
    assert len(usual.signals) < len(loose.signals)
    assert (usual.signals["q"] <= 0.05).all() and bad <= set(usual.signals["product"])
    assert usual.signals["product"].isin(bad).mean() > 0.8
    assert loose.points["outside"].sum() == usual.points["outside"].sum()


def test_charts_can_be_set():
    slow = monitor(THREE, baseline=30, charts=Charts(width=99, ewma_width=99, decision=999, headstart=2))
    assert len(slow.signals) == 0
    first = slow.points[slow.points["period"] == MONTHS[30]]
    assert (first["cusum_up"] + first["cusum_down"] > 0).all()
    assert slow.points["ewma_limit"].max() > monitor(THREE, baseline=30).points["ewma_limit"].max()


def test_grades_are_by_size_and_evidence():
    found = monitor(THREE, baseline=30).signals
    mild = monitor(THREE, baseline=30, grading=Grading(9, 99, 9, 99)).signals
    assert "I" in set(found["grade"]) and "I" not in set(mild["grade"])
    alone = mild[mild["charts"].isin(["shewhart", "ewma", "cusum"])]
    assert set(alone["grade"]) <= {"III"} and set(mild["grade"]) <= {"II", "III"}


def test_alerts_of_rapex_rose_at_the_end_of_2014():
    alerts = published("RAPEX_notifications_monthly").where(period=MONTHS)
    found = monitor(alerts, baseline="2013M12", kind="c", direction=-1, source="overseas")
    runs = episodes(found.signals)
    assert runs["first"].iloc[0] == "2014M12" and runs["source"].eq("overseas").all()
    np.testing.assert_allclose(found.points["centre"], 179.02777777777777, rtol=1e-12)


def test_a_missing_point_is_refused_or_left_out():
    table = THREE.table
    holed = THREE.replace(table[~((table["product"] == "b") & (table["period"] == "2014M02"))])
    with pytest.raises(DataError, match="product=b，2014M02"):
        monitor(holed, baseline=30)
    points = monitor(holed, baseline=30, gaps="skip").points.set_index(["product", "period"])
    assert np.isnan(points.loc[("b", "2014M02"), "value"])
    before, after = (points.loc[("b", p), "ewma"] for p in ("2014M01", "2014M02"))
    assert before == after and not points.loc[("b", "2014M02"), "signal"]


def test_a_series_without_a_phase_one_is_refused_or_named():
    flat = rates(np.vstack([FAILURES[0], np.zeros(60, int)]), names=("a", "z"))
    with pytest.raises(DataError, match="product=z"):
        monitor(flat, baseline=30)
    found = monitor(flat, baseline=30, unusable="skip", lang="en")
    assert set(found.points["product"]) == {"a"} and any("product=z" in note for note in found.notes)
    with pytest.raises(DataError, match="8"):
        monitor(THREE, baseline=7)
    with pytest.raises(DataError):
        monitor(rates(np.zeros(60, int)), baseline=30, unusable="skip")


def test_notes_say_how_sure_the_limits_are():
    few, many = (monitor(THREE, baseline=m, lang="en").notes[-1] for m in (10, 50))
    assert "at least 10 points" in few and int(few.split()[-1].rstrip("%.")) > int(
        many.split()[-1].rstrip("%.")
    )


@pytest.mark.parametrize("source", SOURCES)
def test_sources_are_the_eight_classes(source):
    assert set(monitor(THREE, baseline=30, source=source).signals["source"]) == {source}


def test_what_cannot_be_watched_is_refused():
    with pytest.raises(DataError, match="product"):
        monitor(
            inspection_pass_rate({"product": ["a"], "inspected": [9], "passed": [8]}, by="product"),
            baseline=8,
        )
    with pytest.raises(OptionError, match="kind"):
        monitor(values(np.arange(60)), baseline=30)
    with pytest.raises(DataError, match="numerator"):
        monitor(values(np.arange(60)), baseline=30, kind="p")
    with pytest.raises(DataError, match="整数"):
        monitor(values(np.arange(60) + 0.5), baseline=30, kind="c")
    with pytest.raises(DataError, match="频率"):
        monitor(values(np.arange(2.0), months=["2011M01", "2012"]), baseline=2, kind="value")
    for wrong in ("2031M01", 61, 0):
        with pytest.raises(OptionError, match="baseline"):
            monitor(THREE, baseline=wrong)
    with pytest.raises(OptionError, match="baseline"):
        monitor(THREE)
    for bad in ({"fdr": 0.0}, {"source": "rumour"}, {"gaps": "fill"}, {"unusable": "x"}, {"kind": "q"}):
        with pytest.raises(OptionError):
            monitor(THREE, baseline=30, **bad)
    with pytest.raises(OptionError):
        monitor(THREE, baseline=30, charts=Charts(reference=0.0))
    with pytest.raises(OptionError, match="spread"):
        monitor(values(np.arange(60)), baseline=30, kind="value", spread="laney")


def test_a_state_settles_the_options_and_what_it_fits():
    state = monitor(THREE.where(period=MONTHS[:50]), baseline=30).state
    new = THREE.where(period=MONTHS[50:])
    with pytest.raises(OptionError, match="fdr"):
        monitor(new, state=state, fdr=0.1)
    with pytest.raises(DataError, match="2015M02"):
        monitor(THREE.where(period=MONTHS[49:]), state=state)
    with pytest.raises(DataError, match="product=q"):
        monitor(rates(FAILURES[0], names=("q",)).where(period=MONTHS[50:]), state=state)
    with pytest.raises(DataError, match="product=b"):
        monitor(new.where(product=["a"]), state=state)
    with pytest.raises(DataError, match="event_rate"):
        monitor(event_rate({"period": ["2016M01"], "events": [1], "exposure": [9]}, by="period"), state=state)
    for text in ("", "{}", json.dumps({**json.loads(state), "qstats_monitor": 99})):
        with pytest.raises(DataError):
            monitor(new, state=text)


def test_episodes_need_signals():
    with pytest.raises(DataError, match="began"):
        episodes(pd.DataFrame({"period": []}))
    assert len(episodes(monitor(THREE, baseline=30, charts=Charts(99, 0.2, 99, 0.5, 999)).signals)) == 0
