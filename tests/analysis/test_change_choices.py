"""Each choice of a change, with a value whose answer differs from the default's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import qstats as qs
from qstats.analysis.change import change
from qstats.analysis.decompose import decompose
from qstats.analysis.linked import linked
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats.covariance import Errors, Level, covariance
from qstats.stats.difference import Measured, difference, ratio
from qstats.stats.multiplicity import adjusted
from qstats.stats.two_rates import Counts, miettinen_nurminen, newcombe

NAN = np.nan


def checks(*rows, interval=None):
    period, n, x = zip(*rows, strict=True)
    table = {"period": period, "inspected": n, "passed": x}
    return inspection_pass_rate(table, by="period", interval=interval)


def covarying(r):
    """Return two estimates 90 ± 1 and 92 ± 1 whose errors have the correlation r."""
    root = np.linalg.cholesky([[1, r], [r, 1]])
    level = Level(csr_array(root), np.full(2, -1), np.ones(2), np.ones(2))
    rows = [("2022", 90.0, 1.0, 88.04, 91.96, 100), ("2023", 92.0, 1.0, 90.04, 93.96, 100)]
    table = pd.DataFrame(rows, columns=["period", "estimate", "std_error", "conf_low", "conf_high", "n"])
    return Estimate(table, indicator="x", unit="%", method="given", errors=Errors((level,), "panel"))


def test_a_base_is_one_period_for_all(given):
    rate = given([("2020", 90.0), ("2022", 91.0), ("2023", 93.0)])
    found = change(rate, on="base", base="2020").table
    assert found["compared_with"].tolist() == ["2020", "2020"]
    assert found["estimate"].tolist() == [1, 3]
    with pytest.raises(OptionError, match="base"):
        change(rate, on="base")
    with pytest.raises(OptionError, match="base"):
        change(rate, base="2020")
    with pytest.raises(DataError, match="2022"):
        change(rate, on="base", base="2019", lang="en")


@pytest.mark.parametrize(("measure", "value", "unit"), [("ratio", 1.1, "ratio"), ("index", 110.0, "index")])
def test_ratio_and_index(given, measure, value, unit):
    found = change(given([("2022", 50.0, 48.0, 52.0, 1.0), ("2023", 55.0, 53.0, 57.0, 1.0)]), measure=measure)
    row = found.table.iloc[0]
    assert row["estimate"] == pytest.approx(value, rel=1e-15)
    assert found.unit == unit
    assert (row["verdict"], row["direction"]) == ("rose", "up")
    assert row["conf_low"] > value / 1.1  # no change is 1, or 100


@pytest.mark.parametrize(
    ("name", "limits"), [("newcombe", newcombe), ("miettinen-nurminen", miettinen_nurminen)]
)
def test_rates_of_counts_by_the_interval_named_whatever_their_own(name, limits):
    rate = checks(("2022", 80, 48), ("2023", 70, 56), interval="clopper-pearson")
    row = change(rate, interval=name).table.iloc[0]
    wanted = [100 * float(v) for v in limits(Counts(48, 80), Counts(56, 70))]
    assert [row["conf_low"], row["conf_high"]] == pytest.approx(wanted, rel=1e-12)
    default = change(rate).table.iloc[0]
    assert default["conf_low"] != pytest.approx(row["conf_low"], rel=1e-3)


def test_a_change_between_0_and_100_percent_has_an_interval_though_no_standard_error():
    row = change(checks(("2022", 10, 0), ("2023", 10, 10))).table.iloc[0]
    assert np.isnan(row["std_error"])
    assert 0 < row["conf_low"] < row["conf_high"] == 100
    assert row["p"] < 0.001
    assert row["verdict"] == "rose"


def test_an_interval_of_counts_needs_counts_and_a_difference(given):
    with pytest.raises(DataError, match="numerator"):
        change(given([("2022", 90.0), ("2023", 91.0)]), interval="newcombe", lang="en")
    with pytest.raises(OptionError, match="points"):
        change(checks(("2022", 80, 48), ("2023", 70, 56)), interval="newcombe", measure="ratio", lang="en")


@settings(max_examples=20, deadline=None)
@over(st.floats(-0.9, 0.9))
def test_estimates_of_one_sample_covary(r):
    found = change(covarying(r))
    row = found.table.iloc[0]
    assert row["std_error"] == pytest.approx(np.sqrt(2 - 2 * r), rel=1e-9)
    assert row["conf_high"] - 2 == pytest.approx(1.96 * np.sqrt(2 - 2 * r), rel=1e-9)
    assert covariance(found.errors)[0, 0] == pytest.approx(2 - 2 * r, rel=1e-9)


def test_they_can_be_taken_as_independent_and_must_be_without_a_joint_error(given):
    rate = covarying(0.8)
    assert change(rate, samples="independent").table["std_error"].tolist() == [np.sqrt(2)]
    assert change(rate, samples="independent").errors is None
    with pytest.raises(DataError, match="joint"):
        change(given([("2022", 90.0), ("2023", 91.0)]), samples="covarying", lang="en")


def test_the_ratio_of_covarying_estimates_carries_its_joint_error():
    found = change(covarying(0.5), measure="ratio")
    assert found.table["std_error"].iloc[0] ** 2 == pytest.approx(covariance(found.errors)[0, 0], rel=1e-12)


@pytest.mark.parametrize("adjust", ["holm", "bh", "bonferroni", "by", "hochberg", "sidak"])
def test_many_changes_are_tested_together(given, adjust):
    rows = [("2022", f"r{i}", 90.0, 88.0, 92.0, 1.02) for i in range(12)]
    rows += [("2023", f"r{i}", 90.0 + 0.4 * i, 88.0 + 0.4 * i, 92.0 + 0.4 * i, 1.02) for i in range(12)]
    rate = given(rows, keys=("period", "region"))
    alone, together = change(rate).table, change(rate, adjust=adjust).table
    np.testing.assert_array_equal(together["p_adjusted"], adjusted(alone["p"], method=adjust))
    assert alone["p"].tolist() == together["p"].tolist() == alone["p_adjusted"].tolist()
    assert (together["verdict"] == "rose").sum() < (alone["verdict"] == "rose").sum() == 4


def test_the_words_follow_the_interval(given):
    rows = [("2020", 90.0, 89.0, 91.0, 0.5), ("2021", 93.0, 92.0, 94.0, 0.5), ("2022", 90.0, 89.0, 91.0, 0.5)]
    rows += [("2023", 90.3, 89.3, 91.3, 0.5), ("2024", 95.0)]
    assert change(given(rows)).table["verdict"].tolist() == ["rose", "fell", "no clear change", ""]


def test_a_linked_series_marks_its_break_and_the_changes_over_it(given):
    old = given([(str(y), v) for y, v in zip(range(2010, 2015), [80, 82, 85, 88, 90], strict=True)])
    new = given([(str(y), v) for y, v in zip(range(2013, 2017), [79, 81, 84, 86], strict=True)])
    both = linked(old, new, rule="last-overlap", lang="en")
    assert both.table["vintage"].tolist() == ["linked"] * 3 + ["new"] * 4
    assert "2013" in both.notes[-1]
    assert change(both).table["over_break"].tolist() == [False, False, True, False, False, False]
    assert linked(old, new).table["estimate"].iloc[0] == pytest.approx(80 * 160 / 178)
    assert not change(new).table["over_break"].any()


def test_the_error_of_the_link_is_added(given):
    old = given([("2012", 80.0, 78.0, 82.0, 1.0), ("2013", 82.0, 80.0, 84.0, 1.0)])
    new = given([("2013", 41.0, 40.0, 42.0, 0.5)])
    row = linked(old, new).table.iloc[0]
    of_factor = np.hypot(0.5, 0.5 * 1.0) / 82
    assert row["std_error"] == pytest.approx(np.hypot(0.5, 80 * of_factor), rel=1e-12)
    assert row["conf_high"] - row["estimate"] == pytest.approx(2 * row["std_error"], rel=1e-12)


def test_what_cannot_be_linked_is_refused(given):
    old, new = given([("2010", 1.0)]), given([("2013", 1.0)])
    with pytest.raises(DataError, match="2010"):
        linked(old, new, lang="en")
    with pytest.raises(DataError, match="index"):
        linked(old, given([("2010", 1.0)], unit="index"), lang="en")
    with pytest.raises(DataError, match="difference"):
        linked(given([("2009", 1.0), ("2010", 0.0)]), given([("2010", 1.0)]))


@settings(max_examples=30, deadline=None)
@over(st.floats(1, 100), st.floats(1, 100), st.floats(0.001, 0.1), st.floats(0.1, 10))
def test_a_ratio_does_not_depend_on_the_unit_and_turns_over(a, b, cv, k):
    one, two = (Measured(v, v * (1 - 2 * cv), v * (1 + 2 * cv), v * cv) for v in (a, b))
    there, back = ratio(one, two), ratio(two, one)
    assert there.estimate * back.estimate == pytest.approx(1, rel=1e-12)
    assert there.low * back.high == pytest.approx(1, rel=1e-9)
    scaled = ratio(*(Measured(*(k * np.asarray(part) for part in side)) for side in (one, two)))
    assert np.array(scaled[:3]) == pytest.approx(np.array(there[:3]), rel=1e-9)


def test_a_ratio_to_nothing_is_no_number():
    found = ratio(Measured(0.0, -1, 1, 0.5), Measured(2.0, 1, 3, 0.5))
    assert np.isnan([float(part) for part in found]).all()


def test_full_correlation_leaves_no_error():
    side = Measured(5.0, 4.0, 6.0, 0.5)
    assert float(difference(side, side, covariance=0.25).high) == 0


def panel(seed=0):
    """Return records of 40 firms checked in two years: what is good in a firm stays so."""
    rng = np.random.default_rng(seed)
    rows = []
    for firm, quality in enumerate(rng.beta(8, 2, size=40)):
        for period in ("2022", "2023"):
            for size in ("large", "small"):
                passed = rng.binomial(1, quality, size=10).sum()
                rows.append((period, f"f{firm}", size, 1.0 + firm % 3, 10, passed))
    return pd.DataFrame(rows, columns=["period", "firm", "size", "w", "inspected", "passed"])


def test_a_panel_of_firms_has_a_smaller_error_of_change_than_two_samples():
    design = qs.Design(weight="w", cluster="firm")
    rate = qs.inspection_pass_rate(panel(), by="period", design=design)
    moved, apart = change(rate).table.iloc[0], change(rate, samples="independent").table.iloc[0]
    cov = rate.covariance()
    assert moved["std_error"] ** 2 == pytest.approx(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1], rel=1e-9)
    assert moved["std_error"] < 0.8 * apart["std_error"]
    assert moved["conf_high"] - moved["conf_low"] < apart["conf_high"] - apart["conf_low"]
    with pytest.raises(DataError, match="numerator"):
        change(rate, interval="newcombe", samples="independent", lang="en")


def test_the_parts_of_a_change_of_a_panel_have_its_joint_error():
    rows, design = panel(), qs.Design(weight="w", cluster="firm")
    rate = qs.inspection_pass_rate(rows, by=["period", "size"], design=design)
    with pytest.raises(DataError, match="weights"):
        decompose(rate, by="size", earlier="2022", later="2023", lang="en")
    sizes = rows.assign(weight=rows["w"] * rows["inspected"]).groupby(["period", "size"], as_index=False)
    split = {"by": "size", "earlier": "2022", "later": "2023", "weights": sizes["weight"].sum()}
    total = decompose(rate, **split).where(effect="total").table.iloc[0]
    pooled = change(qs.inspection_pass_rate(rows, by="period", design=design))
    assert total["estimate"] == pytest.approx(pooled.value(), rel=1e-9)
    assert total["std_error"] == pytest.approx(pooled.table["std_error"].iloc[0], rel=0.02)
    alone = decompose(rate.replace(errors=None), **split).where(effect="total").table.iloc[0]
    assert alone["std_error"] != pytest.approx(total["std_error"], rel=0.05)
