"""What holds for every table: order, splitting, scale, engines."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qstats

REGIONS = ("安徽", "江苏", "浙江", "湖北")
INDUSTRIES = ("13", "26", "36", "39")
MODEST = settings(max_examples=20, deadline=None)
FEW = settings(max_examples=8, deadline=None)  # for each of many functions, or with many calls each
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def outputs(draw, gaps=False):
    """Cells of some regions and divisions; with gaps some were not surveyed."""
    rows, columns = draw(SHAPES)
    rng = np.random.default_rng(draw(SEEDS))
    keys = [(r, "2017", i) for r in REGIONS[:rows] for i in INDUSTRIES[:columns]]
    table = pd.DataFrame(keys, columns=["region", "edition", "industry"])
    table["inspected"] = rng.integers(0 if gaps else 1, 40, len(table))
    table["passed"] = rng.binomial(table["inspected"], 0.9)
    table["output"] = rng.lognormal(3, 1, len(table))
    return table


def sums(seed):
    """One table that suits each indicator of sums: two years, three regions, two labels."""
    rng = np.random.default_rng(seed)
    keys = [(p, r, g) for p in ("2022", "2023") for r in REGIONS[:3] for g in ("甲", "乙")]
    table = pd.DataFrame(keys, columns=["period", "region", "label"])
    size = len(table)
    whole = rng.integers(0, 500, size)
    amount = rng.uniform(0, 1e6, size)
    for name, total in (("works", whole), ("area", amount), ("value", amount)):
        table[name] = total
        table[f"{name}_fine"] = np.floor(total * rng.uniform(0, 0.5, size))
    table["batches"], table["batches_failed"] = whole, rng.binomial(whole, 0.02)
    table["value_failed"] = amount * rng.uniform(0, 0.01, size)
    table["inspected"], table["passed"] = whole, rng.binomial(whole, 0.9)
    table["events"], table["exposure"] = rng.poisson(3, size), rng.uniform(1, 1e4, size)
    table["output"] = amount
    for name, share in (("superior", 0.2), ("first", 0.3), ("qualified", 0.4)):
        table[name] = amount * share * rng.uniform(0.5, 1, size)
    table["internal"], table["external"] = amount * 0.003, amount * rng.uniform(0, 0.01, size)
    return table


# name, function, its column of labels, what it adds up, options
CALLS = [
    ("spot checks", qstats.inspection_pass_rate, "product", ["inspected", "passed"], {}),
    ("export batches", qstats.export_pass_rate, "goods", ["batches", "batches_failed"], {}),
    ("export value", qstats.export_pass_rate, "goods", ["value", "value_failed"], {"basis": "value"}),
    ("fine works", qstats.acceptance_rate, "sector", ["works", "works_fine"], {"outcome": "fine"}),
    (
        "fine area",
        qstats.acceptance_rate,
        "sector",
        ["area", "area_fine"],
        {"outcome": "fine", "basis": "area"},
    ),
    ("losses", qstats.quality_loss_rate, "enterprise", ["internal", "external", "output"], {}),
    ("grades", qstats.grade_rate, "enterprise", ["superior", "first", "qualified", "output"], {}),
    (
        "graded",
        qstats.grade_rate,
        "enterprise",
        ["superior", "first", "qualified"],
        {"denominator": "graded"},
    ),
    ("events", qstats.event_rate, "event", ["events", "exposure"], {"per": 100}),
]
every_sum = pytest.mark.parametrize(
    ("function", "label", "columns", "options"), [call[1:] for call in CALLS], ids=[call[0] for call in CALLS]
)


def same(a, b):
    pd.testing.assert_frame_equal(a.table, b.table, rtol=1e-10, atol=1e-10, check_dtype=False)
    assert (a.method, a.basis, a.notes) == (b.method, b.basis, b.notes)


def table_of(seed, label, columns):
    """The sums of a call, and keys of the result that every indicator takes."""
    table = sums(seed).rename(columns={"label": label})
    return table[["period", "region", label, *columns]], ["period", label]


@every_sum
@given(seed=SEEDS)
@FEW
def test_the_order_of_rows_and_columns_does_not_matter(function, label, columns, options, seed):
    table, by = table_of(seed, label, columns)
    mixed = table.sample(frac=1, random_state=seed % 1000)[table.columns[::-1]]
    same(function(table, by=by, **options), function(mixed, by=by, **options))


@every_sum
@given(seed=SEEDS)
@FEW
def test_splitting_a_total_over_regions_changes_nothing(function, label, columns, options, seed):
    table, by = table_of(seed, label, columns)
    totals = table.groupby(by, as_index=False)[columns].sum()
    same(function(table, by=by, **options), function(totals, by=by, **options))


@every_sum
@given(seed=SEEDS)
@FEW
def test_the_counts_of_regions_add_up_to_those_of_all(function, label, columns, options, seed):
    table, by = table_of(seed, label, columns)
    parts = function(table, by=[*by, "region"], **options).table
    whole = function(table, by=by, **options).table.set_index(by)
    added = parts.groupby(by)[["numerator", "denominator"]].sum()
    for name in added:
        np.testing.assert_allclose(added[name], whole.loc[added.index, name], rtol=1e-10, atol=1e-6)


@every_sum
@given(seed=SEEDS)
@FEW
def test_pandas_polars_and_arrow_agree(function, label, columns, options, seed):
    table, by = table_of(seed, label, columns)
    first = function(table, by=by, **options)
    for engine in (pl.from_pandas, pa.Table.from_pandas):
        same(first, function(engine(table), by=by, **options))


@every_sum
@given(seed=SEEDS)
@FEW
def test_a_rate_lies_between_those_of_its_parts(function, label, columns, options, seed):
    table, by = table_of(seed, label, columns)
    parts = function(table, by=[*by, "region"], **options).table.groupby(by)["estimate"]
    whole = function(table, by=by, **options).table.set_index(by)["estimate"]
    low, high = parts.min(), parts.max()
    assert (whole >= low[whole.index] - 1e-9).all()
    assert (whole <= high[whole.index] + 1e-9).all()


@pytest.mark.parametrize("by", [[], ["region"], ["edition", "industry"]], ids=str)
@given(table=outputs(gaps=True), seed=SEEDS, empty=st.sampled_from(["renormalise", "borrow"]))
@FEW
def test_the_product_rate_does_not_depend_on_the_order_of_rows_or_the_engine(by, table, seed, empty):
    mixed = table.sample(frac=1, random_state=seed % 1000)
    first = qstats.product_pass_rate(table, by=by, empty=empty)
    for other in (mixed, pl.from_pandas(mixed), pa.Table.from_pandas(mixed, preserve_index=False)):
        same(first, qstats.product_pass_rate(other, by=by, empty=empty))


@given(
    table=outputs(gaps=True),
    factor=st.floats(1e-6, 1e6),
    order=st.sampled_from(["region-first", "industry-first"]),
)
@MODEST
def test_the_product_rate_does_not_depend_on_the_unit_of_output(table, factor, order):
    other = table.assign(output=table["output"] * factor)
    same(qstats.product_pass_rate(table, order=order), qstats.product_pass_rate(other, order=order))


@given(table=outputs(), by=st.sampled_from([[], ["region"], ["edition", "industry"]]))
@FEW
def test_without_gaps_both_orders_and_all_policies_are_one(table, by):
    first = qstats.product_pass_rate(table, by=by).table
    for order in ("region-first", "industry-first"):
        for empty in ("renormalise", "borrow", "raise"):
            other = qstats.product_pass_rate(table, by=by, order=order, empty=empty).table
            pd.testing.assert_frame_equal(first, other, rtol=1e-10)
    assert (first["coverage"] == 1).all()


@given(table=outputs(gaps=True), seed=SEEDS)
@MODEST
def test_splitting_a_cell_into_products_changes_nothing(table, seed):
    rng = np.random.default_rng(seed)
    first = table.assign(product="甲", passed=rng.binomial(table["passed"], 0.5))
    failed = table["inspected"] - table["passed"]
    first["inspected"] = first["passed"] + rng.binomial(failed, 0.5)
    second = table.assign(product="乙", passed=table["passed"] - first["passed"])
    second["inspected"] = table["inspected"] - first["inspected"]
    both = pd.concat([first, second], ignore_index=True)
    same(qstats.product_pass_rate(table, by="region"), qstats.product_pass_rate(both, by="region"))


@given(table=outputs(gaps=True))
@MODEST
def test_a_product_rate_lies_between_those_of_its_cells(table):
    found = qstats.product_pass_rate(table).table.iloc[0]
    p = 100 * (table["passed"] / table["inspected"].where(table["inspected"] > 0)).dropna()
    if p.empty:
        assert np.isnan(found["estimate"])
        return
    assert p.min() - 1e-9 <= found["estimate"] <= p.max() + 1e-9
    assert 0 <= found["conf_low"] <= found["estimate"] + 1e-9
    assert found["estimate"] - 1e-9 <= found["conf_high"] <= 100
    assert found["n_eff"] <= table["inspected"].sum() * (1 + 1e-9)
    assert 0 < found["coverage"] <= 1 + 1e-12


@given(seed=SEEDS, scale=st.floats(1e-3, 1e3), size=st.integers(2, 30))
@FEW
def test_satisfaction_does_not_depend_on_order_engine_or_the_scale_of_weights(seed, scale, size):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 11, (size, 3)), columns=["sat1", "sat2", "sat3"])
    table.insert(0, "region", rng.choice(REGIONS, size).astype(object))
    w = rng.uniform(0.1, 1, 3)
    first = qstats.customer_satisfaction(table, by="region", method="mean", weights=list(w))
    mixed = table.sample(frac=1, random_state=seed % 1000)
    for other in (mixed, pl.from_pandas(table), pa.Table.from_pandas(table)):
        same(first, qstats.customer_satisfaction(other, by="region", method="mean", weights=list(scale * w)))
    assert first.table["estimate"].between(0, 100).all()


@given(seed=SEEDS, size=st.integers(2, 30))
@FEW
def test_turning_the_scale_round_turns_satisfaction_round(seed, size):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(1, 11, (size, 3)), columns=["sat1", "sat2", "sat3"])
    up, down = (qstats.customer_satisfaction(t, method="mean").table for t in (table, 11 - table))
    np.testing.assert_allclose(up["estimate"], 100 - down["estimate"], atol=1e-10)
    np.testing.assert_allclose(up["std_error"], down["std_error"], rtol=1e-8)
    np.testing.assert_allclose(up["conf_low"], 100 - down["conf_high"], atol=1e-8)
