"""Parts add up to 1e-10 of a percentage point, whatever the method."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from qstats.analysis.change import change
from qstats.analysis.decompose import decompose
from qstats.datasets import load
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.indicators.inspection_pass_rate import inspection_pass_rate

SIMPSON = [
    ("2022", "large", 900, 855),
    ("2022", "small", 100, 60),
    ("2023", "large", 300, 288),
    ("2023", "small", 700, 448),
]
SIZES = ["大型企业", "中型企业", "小型企业"]


def rates(rows, keys=("period", "size")):
    table = dict(zip([*keys, "inspected", "passed"], zip(*rows, strict=True), strict=True))
    return inspection_pass_rate(table, by=list(keys))


def spot_checks():
    """Return passes by size of enterprise: enterprises checked, their shares and rates, as printed."""
    table = load("supervision_sampling")
    table = table[table["region"] == "全国"]

    def printed(series, year, period, industry):
        rows = table.query(
            "series == @series and year == @year and period == @period and industry == @industry"
        )
        return float(rows["value"].iloc[0]) if len(rows) else None

    rows = []
    for year, period in (("2015", "H1"), ("2018", "annual"), ("2021", "annual"), ("2023", "annual")):
        firms = printed("NSS_firms_sampled", year, period, "合计")
        for size in SIZES:
            n = round(firms * printed("NSS_firm_share", year, period, size) / 100)
            fails = printed("NSS_fail_rate", year, period, size)
            rate = printed("NSS_pass_rate", year, period, size) if fails is None else 100 - fails
            rows.append((year, size, n, round(n * rate / 100)))
    return rates(rows)


def test_every_class_rises_and_the_whole_falls():
    found = decompose(rates(SIMPSON), by="size", earlier="2022", later="2023")
    parts = {e: found.where(effect=e, size="all").table.iloc[0] for e in ("mix", "rate", "total")}
    assert [parts[e]["estimate"] for e in parts] == pytest.approx([-20.1, 2.2, -17.9], rel=1e-12)
    assert parts["mix"]["share"] == pytest.approx(100 * 20.1 / 17.9)
    assert parts["mix"]["conf_high"] < 0
    assert bool(parts["rate"]["clear"]) is False
    assert found.unit == "points"


@pytest.mark.parametrize(
    ("method", "mix", "rate", "rest"),
    [
        ("laspeyres", -21.0, 1.3, 1.8),
        ("paasche", -19.2, 3.1, -1.8),
        ("lmdi", -19.6911704983769, 1.7911704983769, None),
    ],
)
def test_each_method_has_its_own_answer(method, mix, rate, rest):
    found = decompose(rates(SIMPSON), by="size", earlier="2022", later="2023", method=method)
    assert found.value(effect="mix", size="all") == pytest.approx(mix, rel=1e-11)
    assert found.value(effect="rate", size="all") == pytest.approx(rate, rel=1e-11)
    effects = set(found.table["effect"])
    assert ("interaction" in effects) == (rest is not None)
    assert rest is None or found.value(effect="interaction", size="all") == pytest.approx(rest, rel=1e-11)


counts = st.tuples(st.integers(1, 500), st.floats(0.01, 0.99))


@settings(max_examples=20, deadline=None)
@over(
    st.lists(st.tuples(counts, counts), min_size=2, max_size=6),
    st.sampled_from(["shapley", "laspeyres", "paasche", "lmdi"]),
)
def test_parts_add_up(cells, method):
    rows = []
    for k, pair in enumerate(cells):
        rows += [
            (p, f"k{k}", n, min(n, max(1, round(n * q))))
            for p, (n, q) in zip(("2022", "2023"), pair, strict=True)
        ]
    rate = rates(rows)
    table = decompose(rate, by="size", earlier="2022", later="2023", method=method).table
    sums = table[table["size"] == "all"].set_index("effect")["estimate"]
    totals = pd.DataFrame(rows, columns=["period", "size", "n", "x"]).groupby("period")[["n", "x"]].sum()
    moved = 100 * (totals["x"] / totals["n"]).diff().iloc[-1]
    assert sums.drop("total").sum() == pytest.approx(sums["total"], rel=0, abs=1e-10)
    assert sums["total"] == pytest.approx(moved, rel=0, abs=1e-10)
    classes = table[table["size"] != "all"].groupby("effect")["estimate"].sum()
    for effect, part in classes.items():
        assert part == pytest.approx(sums[effect], rel=0, abs=1e-10)
    assert (table["conf_low"] <= table["estimate"] + 1e-12).all()


def test_the_way_back_is_minus_the_way_there_but_not_by_lmdi():
    rate = rates(SIMPSON)

    def mix(a, b, method):
        return decompose(rate, by="size", earlier=a, later=b, method=method).value(effect="mix", size="all")

    assert mix("2022", "2023", "shapley") == pytest.approx(-mix("2023", "2022", "shapley"), rel=1e-12)
    assert mix("2022", "2023", "laspeyres") != pytest.approx(-mix("2023", "2022", "laspeyres"), rel=1e-3)


def test_lmdi_refuses_a_zero_rate_and_says_why():
    rows = [*SIMPSON[:3], ("2023", "small", 700, 0)]
    with pytest.raises(DataError, match="logarithm"):
        decompose(rates(rows), by="size", earlier="2022", later="2023", method="lmdi")
    assert (
        decompose(rates(rows), by="size", earlier="2022", later="2023").value(effect="total", size="all") < 0
    )


def test_a_class_at_100_percent_adds_its_own_error():
    rows = [("2022", "a", 10, 10), ("2022", "b", 40, 30), ("2023", "a", 20, 19), ("2023", "b", 30, 24)]
    row = (
        decompose(rates(rows), by="size", earlier="2022", later="2023")
        .where(effect="rate", size="a")
        .table.iloc[0]
    )
    assert np.isnan(row["std_error"])
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_over_regions_instead_of_periods():
    rows = [
        ("安徽", "large", 900, 855),
        ("安徽", "small", 100, 60),
        ("江苏", "large", 300, 288),
        ("江苏", "small", 700, 448),
    ]
    found = decompose(rates(rows, ("region", "size")), by="size", over="region", earlier="安徽", later="江苏")
    assert found.value(effect="mix", size="all") == pytest.approx(-20.1)


def test_region_industry_and_rate_of_an_output_weighted_rate():
    rows, weights = [], []
    given = {
        "2022": [(40, 96), (20, 90), (10, 92), (30, 85)],
        "2023": [(45, 97), (25, 91), (20, 93), (35, 86)],
    }
    for period, cells in given.items():
        for (r, j), (output, p) in zip([("E", "f"), ("E", "g"), ("W", "f"), ("W", "g")], cells, strict=True):
            rows.append((period, r, j, float(p), 1.0, p - 1.96, p + 1.96, 100))
            weights.append((period, r, j, output))
    columns = ["period", "area", "branch", "estimate", "std_error", "conf_low", "conf_high", "n"]
    rate = Estimate(pd.DataFrame(rows, columns=columns), indicator="x", unit="%", method="given")
    weights = pd.DataFrame(weights, columns=["period", "area", "branch", "weight"])
    found = decompose(rate, by=["area", "branch"], earlier="2022", later="2023", weights=weights)
    values = [found.value(effect=e, area="all") for e in ("mix:area", "mix:branch", "rate", "total")]
    exact = [-100 * 4177 / 1540000, 100 * 3869 / 1540000, 1.0, 0.98]
    assert values == pytest.approx(exact, rel=1e-9)
    se = found.where(effect="total", area="all").table["std_error"].iloc[0]
    shares = [
        w / weights[weights["period"] == p]["weight"].sum() for p, w in weights[["period", "weight"]].values
    ]
    assert se == pytest.approx(np.sqrt(np.sum(np.square(shares))), rel=1e-12)


def test_a_class_that_comes_or_goes_is_refused_or_all_mix():
    rate = rates([*SIMPSON, ("2023", "micro", 500, 400)])
    with pytest.raises(DataError, match="micro"):
        decompose(rate, by="size", earlier="2022", later="2023", lang="en")
    found = decompose(rate, by="size", earlier="2022", later="2023", absent="other-end")
    assert found.value(effect="rate", size="micro") == 0
    sums = found.where(size="all").table.set_index("effect")["estimate"]
    assert sums["mix"] + sums["rate"] == pytest.approx(sums["total"], rel=1e-12)
    assert not found.table["conf_low"].isna().any()


def test_the_total_is_the_change_of_the_pooled_rate_with_its_error():
    rows = [("2022", "a", 900, 855), ("2022", "b", 100, 60), ("2023", "a", 900, 870), ("2023", "b", 100, 70)]
    total = (
        decompose(rates(rows), by="size", earlier="2022", later="2023").where(effect="total").table.iloc[0]
    )
    pooled = change(
        inspection_pass_rate(
            {"period": ["2022", "2023"], "inspected": [1000, 1000], "passed": [915, 940]}, by="period"
        )
    ).table.iloc[0]
    assert total["estimate"] == pytest.approx(pooled["estimate"], rel=1e-12)
    assert total["std_error"] < pooled["std_error"]  # sizes are fixed


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"by": "firm"}, "firm"),
        ({"later": "2030"}, "2030"),
        ({"weights": {"period": ["2022"]}}, "size, weight"),
    ],
)
def test_what_is_missing_is_named(options, found):
    with pytest.raises(DataError, match=found):
        decompose(rates(SIMPSON), **{"by": "size", "earlier": "2022", "later": "2023", **options})
    with pytest.raises(OptionError, match="3"):
        decompose(rates(SIMPSON), by=["a", "b", "c"], earlier="2022", later="2023")


def test_an_estimate_without_counts_needs_weights(given):
    rate = given([("2022", "a", 90.0), ("2023", "a", 91.0)], keys=("period", "size"))
    with pytest.raises(DataError, match="weights"):
        decompose(rate, by="size", earlier="2022", later="2023", lang="en")


def test_the_fall_of_spot_checks_from_2015_to_2023_is_mix():
    rate = spot_checks()
    found = (
        decompose(rate, by="size", earlier="2015", later="2023").where(size="all").table.set_index("effect")
    )
    assert found["estimate"].round(2).to_dict() == {"mix": -3.07, "rate": 0.31, "total": -2.75}
    assert found.loc["mix", "conf_high"] < 0
    assert found.loc["mix", "share"] > 100
    assert not found.loc["rate", "clear"]
