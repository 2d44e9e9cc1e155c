"""What the questions answer to series and tables that are not as they should be: errors, stated policies."""

import numpy as np
import polars as pl
import pytest

import qstats as qs
from qstats.analysis.inequality import convergence, inequality
from qstats.analysis.linked import linked
from qstats.analysis.outbreaks import outbreaks
from qstats.analysis.smooth import smooth
from qstats.errors import DataError, OptionError

YEARS = [str(year) for year in range(2000, 2012)]
SERIES = {
    "trend": lambda e: qs.trend(e, lang="en"),
    "forecast": lambda e: qs.forecast(e, lang="en"),
    "monitor": lambda e: qs.monitor(e, baseline=8, kind="value", lang="en"),
    "outbreaks": lambda e: outbreaks(e, years=3, lang="en"),
}
every = pytest.mark.parametrize("question", SERIES)


@pytest.fixture
def rows():
    return [(year, 90.0 + at % 3) for at, year in enumerate(YEARS)]


def checks(**changes):
    """Return counts of two classes in two years, with some replaced."""
    table = {
        "period": ["2000", "2000", "2001", "2001"],
        "kind": ["a", "b"] * 2,
        "inspected": [10, 20, 10, 5],
        "passed": [9, 18, 8, 5],
    }
    return qs.inspection_pass_rate(table | changes, by=["period", "kind"])


@every
def test_a_gap_is_refused_and_named(question, rows, given):
    with pytest.raises(DataError, match="2005"):
        SERIES[question](given([row for row in rows if row[0] != "2005"]))


@every
def test_a_missing_value_is_a_gap(question, rows, given):
    with pytest.raises(DataError, match="2005"):
        SERIES[question](given([(p, np.nan if p == "2005" else v) for p, v in rows]))


@every
def test_periods_of_several_lengths_are_refused(question, rows, given):
    with pytest.raises(DataError, match="2012Q1"):
        SERIES[question](given([*rows, ("2012Q1", 91.0)]))


@every
def test_a_batch_has_no_place_in_time(question, rows, given):
    with pytest.raises(DataError, match="batch1"):
        SERIES[question](given([*rows, ("2012 batch1", 91.0)]))


@every
def test_too_short_a_series_says_how_many_are_needed(question, rows, given):
    needed = {"trend": "5", "forecast": "4", "monitor": "baseline=8", "outbreaks": "4"}[question]
    error = OptionError if question == "monitor" else DataError
    with pytest.raises(error, match=needed):
        SERIES[question](given(rows[:2]))


@every
def test_no_series_at_all_is_said(question, rows, given):
    whole = given(rows)
    with pytest.raises(DataError, match=r"no rows|no period|no chain"):
        SERIES[question](whole.replace(whole.table.iloc[:0]))


def test_the_same_period_twice_is_refused_however_it_is_spelt(rows, given):
    with pytest.raises(DataError, match="2005"):
        given([*rows, ("2005", 1.0)])
    with pytest.raises(DataError, match="2005 twice"):
        qs.trend(given([*rows, ("2005年", 1.0)]), lang="en")
    with pytest.raises(DataError, match="2005 twice"):
        qs.forecast(given([*rows, ("2005年", 1.0)]), lang="en")


def test_a_constant_series_has_no_trend_no_error_and_no_chart(given):
    flat = given([(year, 90.0) for year in YEARS])
    found = qs.trend(flat).table.iloc[0]
    assert (found["estimate"], found["p"], found["verdict"]) == (0.0, 1.0, "no clear trend")
    assert qs.forecast(flat).table["std_error"].isna().all()
    with pytest.raises(DataError, match="variation"):
        qs.monitor(flat, baseline=8, kind="value", lang="en")
    assert not outbreaks(flat, years=3)["alarm"].any()


def test_a_series_without_other_keys_is_named_by_a_dash_and_not_by_nothing(rows, given):
    with pytest.raises(DataError, match="“—”"):
        qs.trend(given(rows), method="seasonal", lang="zh")
    with pytest.raises(DataError, match="“—”"):
        qs.forecast(given([*rows, ("2012", 100.0)]), lang="zh")


def test_a_change_leaves_out_what_has_no_period_before_and_says_so(rows, given):
    found = qs.change(given([row for row in rows if row[0] != "2005"]), lang="en")
    assert not {"2000", "2005", "2006"} & set(found.table["period"])
    assert "2006" in found.notes[-1]
    mixed = qs.change(given([*rows, ("2012Q1", 91.0), ("2012 batch1", 92.0)]), lang="en")
    assert set(mixed.table["period"]) == set(YEARS[1:])
    assert "2012Q1" in mixed.notes[-1] and "batch1" in mixed.notes[-1]


def test_a_change_of_nothing_says_what_there_is(rows, given):
    with pytest.raises(DataError, match="2000"):
        qs.change(given(rows[:1]), lang="en")
    whole = given(rows)
    with pytest.raises(DataError, match="The periods are: —"):
        qs.change(whole.replace(whole.table.iloc[:0]), lang="en")


def test_nothing_over_nothing_is_missing_and_not_zero(given):
    rate = checks(inspected=[10, 0, 10, 5], passed=[9, 0, 8, 5])
    moved = qs.change(rate).table.set_index("kind")
    assert np.isnan(moved.loc["b", "estimate"]) and moved.loc["b", "verdict"] == ""
    assert moved.loc["a", "estimate"] == pytest.approx(-10, rel=1e-12)
    ratio = qs.change(given([("2000", 0.0), ("2001", 1.0)]), measure="ratio").table.iloc[0]
    assert np.isnan(ratio["estimate"]) and ratio["direction"] == "up"


def test_a_class_without_checks_is_refused_or_all_mix():
    rate = checks(inspected=[10, 0, 10, 5], passed=[9, 0, 8, 5])
    with pytest.raises(DataError, match="2000 b"):
        qs.decompose(rate, by="kind", earlier="2000", later="2001", lang="en")
    found = qs.decompose(rate, by="kind", earlier="2000", later="2001", absent="other-end")
    assert found.value(effect="total", kind="all") == pytest.approx(100 * 13 / 15 - 90, rel=1e-12)


def test_a_change_needs_two_ends():
    with pytest.raises(OptionError, match="both '2000'"):
        qs.decompose(checks(), by="kind", earlier="2000", later="2000", lang="en")
    with pytest.raises(DataError, match="It has: 2000, 2001"):
        qs.decompose(checks(), by="kind", earlier="2000", later="2002", lang="en")


def test_a_chart_of_counts_without_checks_is_a_gap():
    rate = checks(inspected=[10, 0, 10, 5], passed=[9, 0, 8, 5])
    with pytest.raises(DataError, match="kind=b, 2000"):
        qs.monitor(rate, baseline=1, lang="en")


def test_fewer_than_three_regions_have_no_thirds(given):
    names = ["安徽", "江苏", "湖北"]
    rows = [(name, 90.0 + at, 89.0 + at, 91.0 + at, 0.5) for at, name in enumerate(names)]
    for count in (1, 2):
        table = qs.compare(given(rows[:count], keys=("region",))).table
        assert table["position"].eq("").all() and table["position_sure"].isna().all()
        assert table["rank"].notna().all()
    assert qs.compare(given(rows, keys=("region",))).table["position"].ne("").all()


def test_regions_of_several_lengths_of_period_are_never_ranked_together(given):
    rows = [("安徽", "2000", 90.0), ("江苏", "2000", 91.0), ("安徽", "2000Q1", 80.0)]
    found = qs.compare(given(rows, keys=("region", "period"))).table.set_index(["region", "period"])
    assert found.loc[("安徽", "2000"), ["rank", "of"]].tolist() == [2, 2]
    assert found.loc[("安徽", "2000Q1"), ["rank", "of"]].tolist() == [1, 1]


def test_regions_without_any_value_have_no_rank(given):
    found = qs.compare(given([("安徽", np.nan), ("江苏", np.nan)], keys=("region",))).table
    assert found["rank"].isna().all() and found["position"].eq("").all() and found["of"].eq(0).all()


def test_a_funnel_needs_two_units_and_limits_with_a_width():
    rate = checks().where(period="2000")
    with pytest.raises(DataError, match="there are 1"):
        qs.funnel(rate.where(kind="a"), lang="en")
    with pytest.raises(DataError, match="there are 0"):
        qs.funnel(rate.replace(rate.table.iloc[:0]), lang="en")
    perfect = checks(passed=[10, 20, 10, 5]).where(period="2000")
    with pytest.raises(DataError, match="100 %"):
        qs.funnel(perfect, lang="en")
    assert qs.funnel(perfect, target=95.0).table["position"].eq("within").all()


def test_an_infinite_value_is_no_figure_wherever_it_is_asked_about(rows, given):
    endless = given([(p, np.inf if p == "2005" else v) for p, v in rows])
    asked = [
        *SERIES.values(),
        lambda e: qs.change(e, lang="en"),
        lambda e: qs.macro(given(rows), {"gdp": e}, lang="en"),
        lambda e: qs.flags(e, lang="en"),
        lambda e: linked(given(rows), e, lang="en"),
    ]
    for question in asked:
        with pytest.raises(DataError, match=r"2005.*infinite value is no figure"):
            question(endless)


def test_unequal_spacing_is_refused_or_kept_at_its_true_place_in_time(rows, given):
    line = [(year, 90 + 0.5 * int(year) - 1000) for year, _ in rows]
    some = given([row for row in line if row[0] not in ("2003", "2004", "2009")])
    with pytest.raises(DataError, match="2003, 2004, 2009"):
        qs.trend(some, lang="en")
    kept = qs.trend(some, gaps="skip", lang="en").table.iloc[0]
    assert kept["estimate"] == pytest.approx(0.5, rel=1e-12)
    assert kept["test"] == "Mann–Kendall"  # neighbours are not one step apart, so nothing is whitened
    with pytest.raises(DataError, match="2003, 2004, 2009"):
        smooth(some, lang="en")


def test_a_series_without_any_value_has_none_and_says_how_many_are_needed(given):
    empty = given([(year, np.nan) for year in YEARS])
    with pytest.raises(DataError, match=r"has 0 values.*at least 5"):
        qs.trend(empty, lang="en")
    with pytest.raises(DataError, match=r"has 0 values.*at least 4"):
        qs.forecast(empty, lang="en")
    with pytest.raises(DataError, match=r"has 0 values.*at least 3"):
        smooth(empty, lang="en")
    moved = qs.change(empty).table
    assert moved["estimate"].isna().all()
    assert moved["verdict"].eq("").all()


def test_one_unit_alone_cannot_be_unequal_converge_or_differ_from_the_others(given):
    one = given([("安徽", "2020", 90.0), ("安徽", "2021", 91.0)], keys=("region", "period"))
    with pytest.raises(DataError, match="At least two regions"):
        inequality(one, lang="en")
    with pytest.raises(DataError, match="two periods and three regions"):
        convergence(one, lang="en")
    ranked = qs.compare(one).table
    assert ranked["rank"].tolist() == [1, 1]
    assert ranked["position"].eq("").all()


def test_regions_without_values_or_all_alike_do_not_converge(given):
    names = ["安徽", "江苏", "湖北"]
    none = given([(r, p, np.nan) for r in names for p in ("2020", "2021")], keys=("region", "period"))
    for question in (inequality, convergence):
        with pytest.raises(DataError, match=r"two regions|there are 0 and 0"):
            question(none, lang="en")
        with pytest.raises(DataError, match=r"two regions|there are 0 and 0"):
            question(none.replace(none.table.iloc[:0]), lang="en")
    alike = given([(r, p, 90.0) for r in names for p in ("2020", "2021")], keys=("region", "period"))
    with pytest.raises(DataError, match=r"begin with 90\.0 in 2020"):
        convergence(alike, lang="en")
    assert inequality(alike)["gini"].tolist() == [0.0, 0.0]


def test_no_checks_at_either_end_leave_nothing_to_decompose():
    nothing = checks(inspected=[0] * 4, passed=[0] * 4)
    with pytest.raises(DataError, match="nothing to decompose"):
        qs.decompose(nothing, by="kind", earlier="2000", later="2001", absent="other-end", lang="en")


def test_an_outcome_that_never_moves_in_a_region_has_nothing_to_regress(given):
    def panel(value):
        rows = [(r, y, value(i, int(y))) for i, r in enumerate("abcd") for y in ("2019", "2020", "2021")]
        return given(rows, keys=("region", "period"))

    flat, moving = panel(lambda i, y: 90.0 + i), panel(lambda i, y: i + (i * y) % 5)
    for errors in ("cluster", "cr2", "driscoll-kraay", "classical"):
        with pytest.raises(DataError, match="does not vary"):
            qs.panel_regression(flat, {"x": moving}, errors=errors, lang="en")


def test_a_table_without_rows_is_not_linked_or_suppressed(rows, given):
    empty = given(rows).replace(given(rows).table.iloc[:0])
    for old, new in ((empty, given(rows)), (given(rows), empty)):
        with pytest.raises(DataError, match="no period in common"):
            linked(old, new, lang="en")
    with pytest.raises(DataError, match="no rows"):
        qs.suppress(empty, minimum_n=5)


def test_a_series_of_one_value_has_no_correlation(rows, given):
    found = qs.macro(given(rows), {"flat": given([(y, 1.0) for y in YEARS])}, n_draws=99).table
    assert found["estimate"].isna().all()
    assert found["verdict"].eq("cannot say").all()


QUESTIONS = {
    name: getattr(qs, name)
    for name in (
        *("change", "trend", "breaks", "smooth", "seasonal", "forecast", "backtest", "compare", "inequality"),
        *("convergence", "clubs", "funnel", "flags", "revisions", "revision_triangle", "revision_summary"),
    )
} | {
    "decompose": lambda e: qs.decompose(e, by="region", earlier="2000", later="2001"),
    "linked": lambda e: qs.linked(e, e),
    "macro": lambda e: qs.macro(e, {}),
    "granger": lambda e: qs.granger(e, {}),
    "panel_regression": lambda e: qs.panel_regression(e, {}),
    "errors_in_variables": lambda e: qs.errors_in_variables(e, e),
    "monitor": lambda e: qs.monitor(e, baseline=8),
    "outbreaks": outbreaks,
    "seasonal_cusum": lambda e: qs.seasonal_cusum(e, baseline="2010"),
    "accept": lambda e: qs.accept(e, 0.9),
    "small_area": lambda e: qs.small_area(e, auxiliary=None, covariates=["x"]),
}
MAPPINGS = {
    "scorecard": lambda e: qs.scorecard(e, "government_quality_2013"),
    "granger": lambda e: qs.granger(given_series(), e),
    "macro": lambda e: qs.macro(given_series(), e),
    "panel_regression": lambda e: qs.panel_regression(given_series(), e),
    "peers": lambda e: qs.peers(e, "安徽"),
    "international": qs.international,
    "vintages": qs.vintages,
}


def given_series():
    """Return an Estimate of some years."""
    return checks().where(kind="a")


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_no_estimate_is_told_what_makes_one(question, given, rows):
    for odd in (given(rows).table, pl.DataFrame({"period": YEARS}), "MQR", None, [given(rows)], {}):
        with pytest.raises(OptionError, match=f"is a {type(odd).__name__}, not an Estimate: an indicator"):
            QUESTIONS[question](odd)


@pytest.mark.parametrize("question", MAPPINGS)
def test_what_is_no_mapping_to_estimates_is_told_which_of_it_is_none(question, given, rows):
    for odd in (given(rows), given(rows).table, "MQR", None, [given(rows)]):
        with pytest.raises(OptionError, match=f"is a {type(odd).__name__}, not a mapping of names to"):
            MAPPINGS[question](odd)
    with pytest.raises(OptionError, match=r"\['a'\] is a DataFrame, not an Estimate"):
        MAPPINGS[question]({"a": given(rows).table})
