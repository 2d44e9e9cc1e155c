"""What must hold of any index, and hand-made cases after the Human Development Index."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import qstats as qs
from qstats.index.outcomes import settled
from qstats.index.specified import specified_index

LEAVES = ["pass", "loss", "export"]
SIGNS = {"pass": 1, "loss": -1, "export": 1}
MEANS = [
    "arithmetic",
    "geometric",
    "harmonic",
    {"method": "power", "power": 2},
    "mazziotta-pareto",
    {"method": "mean-min", "alpha": 0.5},
    {"method": "owa", "order_weights": [3, 2, 1]},
]
scores = arrays(float, (4, 3), elements=st.floats(1, 100).map(lambda v: round(v, 3)))
tables = arrays(float, (5, 3), elements=st.floats(-50, 150).map(lambda v: round(v, 3)), unique=True)
weights = arrays(float, 3, elements=st.floats(0.05, 1))
quick = settings(max_examples=25, deadline=None)
few = settings(max_examples=10, deadline=None)


def long(values):
    units = [f"P{c}" for c in range(len(values))]
    wide = pd.DataFrame(values, index=pd.Index(units, name="place"), columns=LEAVES)
    return (
        wide.rename_axis(columns="indicator")
        .stack()
        .rename("estimate")
        .reset_index()[["indicator", "place", "estimate"]]
    )


def flat(w=(0.5, 0.3, 0.2), directions=(1, -1, 1), lower=0.0, upper=100.0):
    """Return a root over three leaves."""
    leaf = [False, True, True, True]
    return pd.DataFrame(
        {
            "code": ["all", *LEAVES],
            "parent": ["", *["all"] * 3],
            "direction": [np.nan, *directions],
            "weight": [1.0, *np.array(w) / np.sum(w)],
            "weight_provenance": "user",
            "lower": np.where(leaf, lower, np.nan),
            "upper": np.where(leaf, upper, np.nan),
            "bounds_provenance": np.where(leaf, "user", ""),
            "unit": np.where(leaf, "u", ""),
        }
    )


def root(index):
    table = index.where(node="all").table
    return table.set_index("place")["estimate"].sort_index()


@few
@given(values=tables, order=st.permutations(range(15)), rows=st.permutations(range(4)))
def test_the_order_of_rows_changes_nothing(values, order, rows):
    data, tree = long(values), flat()
    steps = {"treatment": {}, "normalisation": "zscore"}
    one = specified_index(data, tree, steps=steps)
    other = specified_index(data.iloc[list(order)], tree.iloc[list(rows)], steps=steps)
    pd.testing.assert_series_equal(root(one), root(other), rtol=1e-9, atol=1e-12)
    pd.testing.assert_frame_equal(
        qs.competitiveness_index(data, tree).where(node="all").table,
        qs.competitiveness_index(data.iloc[list(order)], tree.iloc[list(rows)]).where(node="all").table,
        rtol=1e-12,
    )


@quick
@given(values=tables, factor=st.sampled_from([1e-6, 0.01, 1000.0]), shift=st.sampled_from([0.0, -40.0]))
@pytest.mark.parametrize(
    "method", ["minmax", "zscore", "standard", "rank", "percentile-rank", "distance-to-max"]
)
def test_the_unit_of_an_indicator_changes_nothing(method, values, factor, shift):
    other = values.copy()
    other[:, 1] = values[:, 1] * factor + shift
    one, other = (
        qs.normalise(pd.DataFrame(part, columns=LEAVES), method=method, direction=SIGNS)
        for part in (values, other)
    )
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_bounds_in_another_unit_move_with_the_indicator():
    values = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 90.0]])
    scaled = flat(lower=[np.nan, 0, 0, 0], upper=[np.nan, 100_000, 100, 100])
    one = root(qs.competitiveness_index(long(values), flat()))
    other = root(qs.competitiveness_index(long(values * [1000, 1, 1]), scaled))
    np.testing.assert_allclose(one, other, rtol=1e-14)


@quick
@given(values=scores, w=weights)
@pytest.mark.parametrize("mean", MEANS, ids=str)
def test_equal_scores_aggregate_to_themselves(mean, values, w):
    same = np.repeat(values[:, :1], 3, axis=1)
    given = {"method": mean} if isinstance(mean, str) else mean
    found = qs.aggregate(
        pd.DataFrame(same, columns=LEAVES), weights=dict(zip(LEAVES, w, strict=True)), **given
    )
    np.testing.assert_allclose(found["value"], same[:, 0], rtol=1e-12)


@quick
@given(values=scores, w=weights, factor=st.sampled_from([1e-3, 7.0, 1e6]))
@pytest.mark.parametrize("mean", MEANS, ids=str)
def test_a_common_factor_of_the_weights_cancels(mean, values, w, factor):
    frame = pd.DataFrame(values, columns=LEAVES)
    given = {"method": mean} if isinstance(mean, str) else mean
    one, other = (
        qs.aggregate(frame, weights=dict(zip(LEAVES, k * w, strict=True)), **given)["value"]
        for k in (1, factor)
    )
    np.testing.assert_allclose(one, other, rtol=1e-11)


@quick
@given(values=scores, w=weights)
def test_a_power_mean_rises_with_its_power_and_stays_between_its_scores(values, w):
    frame, by = pd.DataFrame(values, columns=LEAVES), dict(zip(LEAVES, w, strict=True))
    found = [
        qs.aggregate(frame, weights=by, method="power", power=p)["value"].to_numpy()
        for p in (-50.0, -1.0, -0.001, 0.0, 0.001, 1.0, 3.0, 50.0)
    ]
    found = [values.min(1), *found, values.max(1)]
    for low, high in pairwise(found):
        assert (low <= high * (1 + 1e-9)).all()


@quick
@given(values=scores, w=weights)
@pytest.mark.parametrize("mean", MEANS[:5], ids=str)
def test_an_indicator_twice_with_half_its_weight_is_the_indicator(mean, values, w):
    given = {"method": mean} if isinstance(mean, str) else mean
    frame, by = pd.DataFrame(values, columns=LEAVES), dict(zip(LEAVES, w, strict=True))
    twice = frame.assign(again=frame["loss"])
    halved = by | {"loss": by["loss"] / 2, "again": by["loss"] / 2}
    one, other = (
        qs.aggregate(table, weights=k, **given)["value"] for table, k in ((frame, by), (twice, halved))
    )
    np.testing.assert_allclose(one, other, rtol=1e-11)


@pytest.mark.parametrize("mean", MEANS[:6], ids=str)
def test_a_node_with_one_child_is_the_child(mean, tree, data):
    index = specified_index(data, tree, steps={"aggregation": mean})
    trade, export = (index.where(node=node).table["estimate"] for node in ("trade", "export"))
    np.testing.assert_allclose(trade, export, rtol=1e-13)


def test_more_of_what_is_good_never_lowers_a_score_and_more_of_what_is_bad_never_lifts_it(tree, data):
    base = root_of_tree(qs.competitiveness_index(data, tree))
    for code, sign in (("pass", 1), ("loss", -1), ("export", 1)):
        more = data.assign(estimate=data["estimate"] + 0.2 * (data["indicator"] == code))
        assert (sign * (root_of_tree(qs.competitiveness_index(more, tree)) - base) > 0).all()


def root_of_tree(index):
    return index.where(node="all").table["estimate"].to_numpy()


#: as in technical note 1 of the Human Development Report: years of life, schooling expected and had, income
HDI = pd.DataFrame(
    {
        "life": [20.0, 85.0, 52.5],
        "expected": [0.0, 18.0, 9.0],
        "mean": [0.0, 15.0, 7.5],
        "income": [100.0, 75_000.0, 75e5**0.5],
    },
    index=["worst", "best", "middle"],
)


def hdi(frame):
    """Return the index: goalposts, the mean of the two schoolings, the geometric mean of the dimensions."""
    logged = frame.assign(income=np.log(frame["income"]))
    ends = {"life": (20, 85), "expected": (0, 18), "mean": (0, 15), "income": (np.log(100), np.log(75_000))}
    low, high = ({name: pair[end] for name, pair in ends.items()} for end in (0, 1))
    parts = qs.normalise(logged, method="goalposts", lower=low, upper=high, to=(0, 1))
    school = qs.aggregate(parts[["expected", "mean"]])["value"]
    whole = parts[["life", "income"]].assign(school=school)
    return qs.aggregate(whole, method="geometric", floor=1e-9)["value"]


def test_an_index_of_human_development_by_hand():
    found = hdi(HDI)
    assert found["best"] == pytest.approx(1, rel=1e-14)
    assert found["middle"] == pytest.approx(0.5, rel=1e-14)  # the geometric middle of incomes
    assert found["worst"] == pytest.approx(1e-9, rel=1e-12)  # the floor, and only there
    one = pd.DataFrame({"life": [72.0], "expected": [12.0], "mean": [9.0], "income": [10_000.0]}, index=["x"])
    life, school = (72 - 20) / 65, (12 / 18 + 9 / 15) / 2
    income = (np.log(10_000) - np.log(100)) / (np.log(75_000) - np.log(100))
    assert hdi(one)["x"] == pytest.approx((life * school * income) ** (1 / 3), rel=1e-14)
    richer = one.assign(income=1e6, life=99.0)  # beyond the goalposts nothing more is counted
    assert hdi(richer)["x"] == pytest.approx(school ** (1 / 3), rel=1e-14)


def test_the_adjusted_mazziotta_pareto_index_by_hand():
    values = pd.DataFrame({"a": [2.0, 10.0, 5.0], "b": [30.0, 10.0, 20.0]})
    from qstats.stats.aggregation import adjusted_goalposts

    low, high = adjusted_goalposts([2, 10], [10, 30], [5, 20])
    by = [dict(zip("ab", ends, strict=True)) for ends in (low, high)]
    on_scale = qs.normalise(values, method="scaled", lower=by[0], upper=by[1], to=(70, 130))
    found = qs.aggregate(on_scale, method="mazziotta-pareto")["value"]
    assert found[2] == pytest.approx(100, rel=1e-14)  # the reference
    a, b = 70 + 60 * (2 - 1) / 8, 70 + 60 * (30 - 10) / 20
    mean = (a + b) / 2
    assert found[0] == pytest.approx(mean - ((a - mean) ** 2 + (b - mean) ** 2) / 2 / mean, rel=1e-14)


def test_the_benefit_of_the_doubt_by_hand():
    from qstats.stats.frontier import benefit_of_the_doubt

    found = benefit_of_the_doubt(np.array([[4.0, 1.0], [1.0, 4.0], [2.0, 2.0]])).score
    # the last one lies at 4/5 of the line between the first two
    np.testing.assert_allclose(found, [1, 1, 0.8], rtol=1e-9)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)), min_size=2, max_size=9),
    st.sampled_from([1.0, 2.0**-900, 2.0**900, -1.0]),
)
def test_settling_scores_keeps_their_order_and_joins_no_two_that_differ(x, size):
    values = np.array(x) * size
    most = 1e-12 * np.abs(values) + 1e-14 * np.abs(values).max()
    assert (np.abs(settled(values) - values) <= most).all()
    np.testing.assert_array_equal(
        np.argsort(settled(values), kind="stable"), np.argsort(values, kind="stable")
    )
    assert len(set(settled(values).tolist())) == len(set(values.tolist()))


def test_settling_scores_joins_what_differs_in_the_last_digits_only():
    one = np.array([80.0, 80.0 * (1 + 3e-15), 80.1, np.nan, 64 - 1e-14, 64 + 1e-14])
    assert len(set(settled(one)[:3].tolist())) == 2 and np.isnan(settled(one)[3])
    assert len(set(settled(one)[4:].tolist())) == 1
    cancelled = np.array([3.0, 0.1 + 0.2 - 0.3, 0.0])
    assert len(set(settled(cancelled).tolist())) == 2
    outlier = np.array([1e9, 80.0001, 80.0002])
    assert len(set(settled(outlier).tolist())) == 3
