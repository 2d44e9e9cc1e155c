import numpy as np
import pandas as pd
import pytest

from qstats.checking import check
from qstats.errors import DataError, OptionError
from qstats.indicators.product_pass_rate import SCHEMA, product_pass_rate
from qstats.stats import intervals, rates

# Anhui lacks one of its two divisions; hand arithmetic:
# division 13: .95 in both; division 36: .98 in Jiangsu only
GAP = {
    "region": ["安徽", "安徽", "江苏", "江苏"],
    "edition": ["2017"] * 4,
    "industry": ["13", "36", "13", "36"],
    "inspected": [100, 0, 200, 50],
    "passed": [95, 0, 190, 49],
    "output": [30.0, 10.0, 60.0, 20.0],
}


def p_and_v(table):
    return table["passed"] / table["inspected"], table["output"]


def year(cells, period="2023"):
    return cells[cells["period"] == period].reset_index(drop=True)


def test_the_nation_is_the_output_weighted_mean_of_complete_cells(cells):
    table = year(cells)
    p, V = p_and_v(table)
    assert product_pass_rate(table).value() == pytest.approx(100 * (V * p).sum() / V.sum(), rel=1e-13)


def test_a_region_weighs_its_industries_and_an_industry_its_regions(cells):
    table = year(cells)
    table["p"], table["V"] = p_and_v(table)
    for by in (["region"], ["edition", "industry"]):
        found = product_pass_rate(table.drop(columns=["p", "V"]), by=by).table.set_index(by[-1])["estimate"]
        for key, group in table.groupby(by[-1]):
            assert found[key] == pytest.approx(100 * np.average(group["p"], weights=group["V"]), rel=1e-13)


def test_region_first_and_industry_first_agree_on_complete_cells(cells):
    results = [
        product_pass_rate(cells, by="period", order=o).table for o in ("region-first", "industry-first")
    ]
    numbers = [t[["estimate", "std_error", "conf_low", "conf_high", "n_eff", "coverage"]] for t in results]
    np.testing.assert_allclose(*numbers, rtol=1e-12)


def test_regions_and_then_the_nation_are_two_layers(cells):
    table = year(cells)
    regions = product_pass_rate(table, by="region").table
    V = table.groupby("region")["output"].sum()[regions["region"]].to_numpy()
    by_hand = np.average(regions["estimate"], weights=V)
    assert product_pass_rate(table).value() == pytest.approx(by_hand, rel=1e-13)


@pytest.mark.parametrize(
    ("order", "empty", "rate"),
    [
        # regions .95 and (.95 × 60 + .98 × 20)/80 = .9575, weights 40 and 80 (a gap does not shrink Anhui)
        ("region-first", "renormalise", (0.95 * 40 + 0.9575 * 80) / 120),
        # industries .95 and .98, weights 90 and 30
        ("industry-first", "renormalise", (0.95 * 90 + 0.98 * 30) / 120),
        ("region-first", "borrow", (0.95 * 30 + 0.98 * 10 + 0.95 * 60 + 0.98 * 20) / 120),
        ("industry-first", "borrow", (0.95 * 90 + 0.98 * 30) / 120),
    ],
)
def test_gaps_are_filled_as_the_policy_says(order, empty, rate):
    found = product_pass_rate(GAP, order=order, empty=empty)
    assert found.value() == pytest.approx(100 * rate, rel=1e-13)
    assert found.table["coverage"].iloc[0] == pytest.approx(110 / 120)
    assert order in found.method
    assert empty in found.method


def test_a_borrowed_cell_adds_its_weight_to_its_donors_in_the_error():
    found = product_pass_rate(GAP, by="region", empty="borrow").where(region="安徽").table.iloc[0]
    variance = 0.75**2 * 0.95 * 0.05 / 99 + 0.25**2 * 0.98 * 0.02 / 49
    assert found["estimate"] == pytest.approx(100 * (0.75 * 0.95 + 0.25 * 0.98))
    assert found["std_error"] == pytest.approx(100 * np.sqrt(variance), rel=1e-12)
    assert found["n_eff"] == pytest.approx(1 / (0.75**2 / 100 + 0.25**2 / 50))
    assert found["n"] == 100
    # in the nation the donor counts once, with all it gave
    nation = product_pass_rate(GAP, empty="borrow").table.iloc[0]
    W = np.array([30, 60, 30]) / 120
    v = np.array([0.95 * 0.05 / 99, 0.95 * 0.05 / 199, 0.98 * 0.02 / 49])
    assert nation["std_error"] == pytest.approx(100 * np.sqrt((W**2 * v).sum()), rel=1e-12)


def test_notes_count_what_was_left_out_and_what_was_borrowed(lang):
    left, borrowed = (product_pass_rate(GAP, empty=e).notes for e in ("renormalise", "borrow"))
    assert len(left) == len(borrowed) == 1
    assert left != borrowed
    assert ("renormalised" in left[0]) if lang == "en" else ("重新归一" in left[0])
    assert all("4" in note and "1" in note for note in (*left, *borrowed))


def test_an_industry_surveyed_nowhere_cannot_be_borrowed():
    table = {**GAP, "inspected": [100, 0, 200, 0], "passed": [95, 0, 190, 0]}
    found = product_pass_rate(table, empty="borrow")
    assert found.value() == pytest.approx(95)
    assert found.table["coverage"].iloc[0] == pytest.approx(90 / 120)
    industry = product_pass_rate(table, by=["edition", "industry"], empty="borrow").where(industry="36").table
    assert np.isnan(industry["estimate"].iloc[0])
    assert industry["flag"].iloc[0].startswith("undefined")


def test_refusing_gaps_names_the_cells(lang):
    with pytest.raises(DataError, match="安徽-2017-36") as caught:
        product_pass_rate(GAP, empty="raise")
    assert caught.value.violations["value"].tolist() == ["安徽-2017-36"]
    assert caught.value.violations["rule"].tolist() == ["empty_cell"]


def test_the_standard_error_is_that_of_independent_cells(cells):
    table = year(cells)
    p, V = p_and_v(table)
    W = V / V.sum()
    found = product_pass_rate(table).table.iloc[0]
    assert found["std_error"] == pytest.approx(
        100 * np.sqrt((W**2 * p * (1 - p) / (table["inspected"] - 1)).sum())
    )
    assert found["n_eff"] == pytest.approx(1 / (W**2 / table["inspected"]).sum())
    assert found["n"] == table["inspected"].sum()


@pytest.mark.parametrize("method", intervals.PROPORTION)
def test_the_interval_is_that_of_the_effective_sample(cells, method):
    found = product_pass_rate(year(cells), interval=method, level=0.9).table.iloc[0]
    x, n = found["estimate"] / 100 * found["n_eff"], found["n_eff"]
    low, high = intervals.proportion([x], [n], method=method, level=0.9)
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((100 * low[0], 100 * high[0]))


def test_the_default_interval_is_wilson(cells):
    default, named = (
        product_pass_rate(cells, by="period"),
        product_pass_rate(cells, by="period", interval="wilson"),
    )
    assert default.table.equals(named.table)
    assert not default.table.equals(product_pass_rate(cells, by="period", interval="jeffreys").table)


def test_a_cell_without_variance_borrows_that_of_its_industry():
    table = {
        "region": ["安徽", "江苏", "浙江"],
        "edition": ["2017"] * 3,
        "industry": ["13"] * 3,
        "inspected": [1, 50, 49],
        "passed": [1, 40, 49],
        "output": [1.0, 1.0, 2.0],
    }
    found = product_pass_rate(table)
    pooled = 0.9 * 0.1 * 100 / 99
    v = np.array([pooled / 1, 0.8 * 0.2 / 49, pooled / 49])
    W = np.array([1, 1, 2]) / 4
    assert found.table["std_error"].iloc[0] == pytest.approx(100 * np.sqrt((W**2 * v).sum()), rel=1e-12)
    assert any("2" in note and "3" in note for note in found.notes)


def test_an_industry_without_variance_borrows_that_of_all_cells():
    table = {**GAP, "inspected": [100, 30, 200, 50], "passed": [95, 30, 190, 50]}
    pooled = (365 / 380) * (15 / 380) * 380 / 379
    found = product_pass_rate(table, by=["edition", "industry"]).where(industry="36").table.iloc[0]
    W = np.array([1, 2]) / 3
    assert found["std_error"] == pytest.approx(100 * np.sqrt((W**2 * pooled / np.array([30, 50])).sum()))
    assert found["estimate"] == 100
    assert found["conf_high"] == 100


def test_where_nothing_ever_fails_the_error_is_unknown_and_the_interval_is_not():
    table = {**GAP, "inspected": [9] * 4, "passed": [9] * 4}
    found = product_pass_rate(table).table.iloc[0]
    assert np.isnan(found["std_error"])
    assert found["conf_low"] < 100 == found["conf_high"]


def test_single_records_give_the_same_as_totals(cells):
    table = year(cells)
    records = table.loc[table.index.repeat(table["inspected"])].reset_index(drop=True)
    order = records.groupby("region").cumcount()
    records["passed"] = (records.groupby(["region", "industry"]).cumcount() < records["passed"]).astype(int)
    records["inspected"] = 1
    records = records.iloc[np.argsort(order, kind="stable")]
    for by in ([], ["region"], ["edition", "industry"]):
        a, b = product_pass_rate(records, by=by).table, product_pass_rate(table, by=by).table
        pd.testing.assert_frame_equal(a, b, rtol=1e-13)


def test_the_output_of_a_cell_must_be_one(lang):
    table = {
        "region": ["安徽"] * 3,
        "edition": ["2017"] * 3,
        "industry": ["13"] * 3,
        "inspected": [1] * 3,
        "passed": [1, 1, 0],
        "output": [30.0, 30.0, 31.0],
    }
    with pytest.raises(DataError) as caught:
        product_pass_rate(table)
    violations = caught.value.violations
    assert violations[["row", "column", "rule"]].values.tolist() == [[3, "output", "output_constant"]]


def test_output_may_differ_between_the_keys_asked_for():
    table = {
        "size": ["大型", "小型"] * 2,
        "edition": ["2017"] * 4,
        "industry": ["13", "13", "36", "36"],
        "inspected": [10, 10, 20, 20],
        "passed": [9, 8, 18, 19],
        "output": [5.0, 1.0, 5.0, 3.0],
    }
    found = product_pass_rate(table, by="size")
    assert found.value(size="大型") == pytest.approx(90)
    assert found.value(size="小型") == pytest.approx(100 * (0.8 * 1 + 0.95 * 3) / 4)
    with pytest.raises(DataError, match="output"):
        product_pass_rate(table)


def test_a_missing_output_weight_is_refused(lang):
    with pytest.raises(DataError) as caught:
        product_pass_rate({**GAP, "output": [30, 10, None, 20]})
    assert caught.value.violations[["row", "column", "rule"]].values.tolist() == [[3, "output", "missing"]]
    without = {name: column for name, column in GAP.items() if name != "output"}
    with pytest.raises(DataError, match="output"):
        product_pass_rate(without)


def test_periods_do_not_add_up(cells, lang):
    with pytest.raises(DataError, match=r"period.*2022, 2023|2022, 2023.*period"):
        product_pass_rate(cells, by="region")
    both = product_pass_rate(cells, by=["period", "region"])
    alone = product_pass_rate(year(cells, "2022"), by="region")
    assert both.where(period="2022").table["estimate"].tolist() == alone.table["estimate"].tolist()


def test_editions_do_not_mix(cells):
    mixed = cells.assign(edition=["2011", "2017"] * 9)
    with pytest.raises(DataError, match="edition"):
        product_pass_rate(mixed, by="period")
    with pytest.raises(DataError, match="edition"):
        product_pass_rate(mixed, by=["period", "industry"])


def test_a_region_and_the_nation_do_not_add_up():
    table = {**GAP, "region": ["安徽", "安徽", "全国", "全国"]}
    with pytest.raises(DataError, match="全国"):
        product_pass_rate(table)
    assert len(product_pass_rate(table, by="region")) == 2
    with pytest.raises(DataError, match="全国"):
        product_pass_rate(table, by="region", empty="borrow")


def test_the_unit_of_output_does_not_matter(cells):
    small = cells.assign(output=cells["output"] * 1e-8)
    a, b = (product_pass_rate(t, by="period").table.drop(columns="period") for t in (cells, small))
    np.testing.assert_allclose(a.iloc[:, :7], b.iloc[:, :7], rtol=1e-12)
    header = cells.rename(columns={"output": "总产值(亿元)"})
    assert product_pass_rate(header, by="period").value(period="2022") == pytest.approx(a["estimate"][0])


def test_a_cell_of_no_output_has_no_weight():
    table = {
        **GAP,
        "inspected": [100, 40, 200, 50],
        "passed": [95, 1, 190, 49],
        "output": [30.0, 0.0, 60.0, 20.0],
    }
    found = product_pass_rate(table)
    assert found.value() == pytest.approx((95 * 30 + 95.75 * 80) / 110)
    assert found.table["n"].iloc[0] == 350
    assert len(found.notes) == 1


def test_engines_agree(cells, engine):
    a = product_pass_rate(engine(cells), by=["period", "region"]).table
    pd.testing.assert_frame_equal(a, product_pass_rate(cells, by=["period", "region"]).table, rtol=1e-12)


def test_engines_agree_that_an_output_varies(cells, engine):
    records = pd.concat([cells.assign(inspected=1, passed=1)] * 2, ignore_index=True)
    records.loc[20, "output"] += 1
    with pytest.raises(DataError) as caught:
        check(engine(records), SCHEMA)
    assert caught.value.violations["row"].tolist() == [21]


def test_wrong_choices_are_answered_with_the_list(cells):
    with pytest.raises(OptionError, match="region-first"):
        product_pass_rate(cells, order="regions-first")
    with pytest.raises(OptionError, match="borrow"):
        product_pass_rate(cells, empty="borow")
    with pytest.raises(OptionError, match="wilson"):
        product_pass_rate(cells, by="period", interval="wald")
    with pytest.raises(OptionError, match="level"):
        product_pass_rate(cells, by="period", level=95)


def test_the_interval_covers_where_walds_does_not():
    """29 small cells at rates near .97, output weights as skewed as real ones."""
    rng = np.random.default_rng(20)
    samples, cells_ = 1500, 29
    p = rng.uniform(0.94, 0.99, cells_)
    V = rng.lognormal(0, 1, cells_)
    n = rng.integers(5, 25, cells_)
    truth = (V * p).sum() / V.sum()
    x = rng.binomial(n, p, (samples, cells_)).ravel().astype(float)
    group, size = np.repeat(np.arange(samples), cells_), np.tile(n, samples).astype(float)
    W = np.tile(V / V.sum(), samples)
    entries = rates.Entries(group, np.arange(samples * cells_), W)
    variance = rates.ratio(x, size) * (1 - rates.ratio(x, size)) / (size - 1)
    fit = rates.weighted_rate(rates.ratio(x, size), variance, size, entries, groups=samples)
    low, high = intervals.proportion(fit.rate * fit.n_eff, fit.n_eff, method="wilson")
    covered = np.mean((low <= truth) & (truth <= high))
    wald = np.mean(np.abs(fit.rate - truth) <= 1.96 * np.sqrt(fit.variance))
    assert 0.94 <= covered <= 0.995
    assert wald < 0.9
    assert wald < covered
