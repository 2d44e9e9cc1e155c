"""The golden panel 2016–2020 through the public functions; 1e-12, relative."""

import numpy as np
import pandas as pd
import pytest

from qstats.index import outcomes
from qstats.index.contributions import change_contributions
from qstats.index.frameworks import checked
from qstats.index.methods import function
from qstats.index.runs import Choices, nominal, prepare
from qstats.index.specified import specified_index
from qstats.index.tree import arrays

PER_YEAR = {"treatment": {"within": "period"}}
GLOBAL = {**PER_YEAR, "normalisation": "standard"}
LOCAL = {**PER_YEAR, "normalisation": {"method": "standard", "within": "period"}}


def long(golden, name, columns):
    wide = pd.read_csv(golden.folder / f"09_panel/{name}.csv").set_index(["Time", "uCode"])[list(columns)]
    table = wide.rename_axis(columns="indicator").stack().rename("estimate").reset_index()
    return table.rename(columns={"Time": "period"})[["indicator", "period", "uCode", "estimate"]]


@pytest.fixture(scope="module")
def panel(golden):
    return long(golden, "globalnorm_Denominated", golden.leaves)


@pytest.mark.parametrize(
    ("steps", "name"), [(GLOBAL, "globalnorm_Aggregated"), (LOCAL, "localnorm_top")], ids=["global", "local"]
)
def test_scores_of_every_year(golden, panel, steps, name):
    expected = pd.read_csv(golden.folder / f"09_panel/{name}.csv").set_index(["Time", "uCode"])
    index = specified_index(panel, golden.framework(), steps=steps).table
    found = index.pivot(index=["period", "uCode"], columns="node", values="estimate")
    found.index = found.index.set_levels(found.index.levels[0].astype(int), level=0)
    np.testing.assert_allclose(found.loc[expected.index, expected.columns], expected, rtol=1e-12)


def test_a_fixed_base_scores_its_own_year_as_that_year_alone(golden, panel):
    base = {**PER_YEAR, "normalisation": {"method": "minmax", "to": (60, 100), "base": {"period": 2016}}}
    found = specified_index(panel, golden.framework(), steps=base).table
    local = specified_index(panel, golden.framework(), steps=LOCAL).table
    first, later = (found["period"] == year for year in ("2016", "2020"))
    np.testing.assert_allclose(found.loc[first, "estimate"], local.loc[first, "estimate"], rtol=1e-12)
    assert (found.loc[later, "estimate"] - local.loc[later, "estimate"]).abs().max() > 1


def test_ranks_are_within_a_year_and_their_changes_between(golden, panel):
    scores = pd.read_csv(golden.folder / "09_panel/globalnorm_Aggregated.csv")
    ranks = scores.groupby("Time")["QCI"].rank(ascending=False, method="min")
    ranks = scores.assign(rank=ranks).pivot(index="uCode", columns="Time", values="rank")
    ready = prepare(panel, golden.framework(), Choices(steps=GLOBAL, sampling="none"))
    score = nominal(ready)[[ready.tree.codes.index("QCI")]]
    found = outcomes.outcome("rank-change", ready.units, score, score[:, None])
    got = found.keys.assign(change=found.nominal[0]).pivot(index="uCode", columns="period", values="change")
    assert len(got.columns) == 4
    for year in got.columns:
        np.testing.assert_array_equal(got[year], (ranks[int(year)] - ranks[int(year) - 1])[got.index])
    assert (got.to_numpy() != 0).any()


def test_the_change_of_every_unit_is_the_sum_of_its_indicators(golden, panel):
    index = specified_index(panel, golden.framework(), steps=GLOBAL)
    found = change_contributions(index).table
    leaves = found[found["node"].isin(golden.leaves)].groupby(["period", "uCode"])["estimate"].sum()
    whole = found[found["node"] == "QCI"].set_index(["period", "uCode"])["change"]
    np.testing.assert_allclose(leaves.loc[whole.index], whole, rtol=0, atol=1e-10)
    assert whole.abs().max() > 1


@pytest.mark.parametrize(
    ("name", "method"), [("latest", "latest"), ("constant", "constant"), ("linear-constant", "linear")]
)
def test_imputation_over_the_years(golden, name, method):
    given = golden.table("09_panel/impute_input", None)
    expected = golden.table(f"09_panel/impute_{name}", None).set_index(["uCode", "Time"])
    units = given[["uCode", "Time"]].rename(columns={"Time": "period"}).astype(str)
    step = function("imputation", method, arrays(checked(_two(golden), None)), units)
    x = given[["grade", "rd"]].to_numpy()
    assert np.isnan(x).any()
    found = step(x[None], np.zeros(1, int))[0]
    want = expected.loc[pd.MultiIndex.from_frame(given[["uCode", "Time"]]), ["grade", "rd"]]
    np.testing.assert_allclose(found, want, rtol=1e-12)


def _two(golden):
    from qstats.index.frameworks import framework

    tree = golden.framework()
    kept = tree[tree["code"].isin(["grade", "rd"])].assign(parent="all", weight=0.5)
    root = tree.iloc[[-1]].assign(code="all", parent="", weight=1.0)
    return framework(pd.concat([root, kept], ignore_index=True))


def test_compound_growth_is_over_the_years_themselves(golden):
    from qstats.stats.trend_line import compound_growth

    raw = golden.table("00_inputs/iData_panel", None).set_index(["uCode", "Time"])
    expected = golden.table("09_panel/trends_CAGR", None)
    assert len(expected) == 9
    for row in expected.itertuples():
        first, last = (raw.loc[(row.uCode, year), row.iCode] for year in (row.t_first, row.t_latest))
        found = compound_growth(first, last, row.t_latest - row.t_first)
        assert found.rate / 100 == pytest.approx(row.CAGR, rel=1e-12)
