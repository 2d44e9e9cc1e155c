import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import DataError, OptionError
from qstats.stats import normalisation
from qstats.stats.standing import standing

X = np.array([[1.0, 8.0], [2.0, 2.0], [5.0, 4.0], [np.nan, 5.0]])
OPTIONS = {
    "distance-to-reference": {"reference": 2},
    "distance-to-target": {"target": [6.0, 9.0]},
    "goalposts": {"lower": [0, 0], "upper": [10, 10]},
    "scaled": {"lower": -10, "upper": 10},
}


def scored(method, x=X, at=None, **options):
    params = normalisation.fit(x, method, **{**OPTIONS.get(method, {}), **options})
    return normalisation.apply(x if at is None else at, params)


def column(method, **options):
    return scored(method, [[1.0], [2.0], [5.0], [2.0]], **options).ravel()


@pytest.mark.parametrize(
    ("method", "options", "expected"),
    [
        ("minmax", {}, [0, 25, 100, 25]),
        ("minmax", {"to": (10, 20)}, [10, 12.5, 20, 12.5]),
        ("standard", {}, [60, 70, 100, 70]),
        ("standard", {"lower": 2, "upper": 4}, [60, 60, 100, 60]),
        ("standard", {"lower": 2, "upper": 4, "direction": -1}, [100, 100, 60, 100]),
        ("zscore", {"ddof": 0}, [-1, -1 / 3, 5 / 3, -1 / 3]),
        ("zscore", {}, np.array([-1.5, -0.5, 2.5, -0.5]) / 3**0.5),
        ("rank", {}, [1, 2.5, 4, 2.5]),
        ("rank", {"ties": "max"}, [1, 3, 4, 3]),
        ("rank", {"direction": -1}, [4, 2.5, 1, 2.5]),
        ("borda", {"ties": "min"}, [0, 1, 3, 1]),
        ("percentile-rank", {"ties": "min"}, [0, 1 / 3, 1, 1 / 3]),
        ("percentile-rank", {"to": (0, 100)}, [0, 50, 100, 50]),
        ("distance-to-max", {}, [0, 0.25, 1, 0.25]),
        ("distance-to-reference", {"reference": 1}, [0, 1, 4, 1]),
        ("distance-to-target", {"target": 3}, [0, 0.5, 2, 0.5]),
        ("distance-to-target", {"target": 0, "direction": -1}, [0.8, 0.6, 0, 0.6]),
        ("fraction-of-max", {}, [0.2, 0.4, 1, 0.4]),
        ("fraction-of-max", {"direction": -1}, [1, 0.5, 0.2, 0.5]),
        ("goalposts", {"lower": 2, "upper": 4}, [0, 0, 1, 0]),
        ("goalposts", {"lower": 0, "upper": 4, "direction": -1}, [0.75, 0.5, 0, 0.5]),
        ("scaled", {"lower": 0, "upper": 50}, [2, 4, 10, 4]),
        ("scaled", {"lower": -50, "upper": 0, "direction": -1, "to": (0, 1)}, [0.98, 0.96, 0.9, 0.96]),
        ("logistic", {"midpoint": 2}, 1 / (1 + np.exp(-np.array([-1, 0, 3, 0]) / 3**0.5))),
        ("logistic", {"midpoint": 2, "steepness": 2}, 1 / (1 + np.exp(-np.array([-2, 0, 6, 0]) / 3**0.5))),
        ("categorical", {"breaks": [2, 4], "scores": (0, 1, 9)}, [0, 1, 9, 1]),
        ("categorical", {"breaks": [2, 4], "scores": (0, 1, 9), "direction": -1}, [9, 9, 0, 9]),
        ("categorical", {"percentiles": (50,), "scores": (-1, 1)}, [-1, 1, 1, 1]),
        ("categorical", {}, [0, 60, 100, 60]),
    ],
)
def test_hand_made_cases(method, options, expected):
    np.testing.assert_allclose(column(method, **options), expected, rtol=1e-12)


def test_a_zscore_has_the_mean_and_deviation_asked_for():
    found = scored("zscore", to=(100, 10))
    np.testing.assert_allclose(np.nanmean(found, axis=0), 100, rtol=1e-14)
    np.testing.assert_allclose(np.nanstd(found, axis=0, ddof=1), 10, rtol=1e-14)


@pytest.mark.parametrize("method", normalisation.METHODS)
def test_missing_stays_missing_and_higher_is_better_in_both_directions(method):
    x = np.array([[1.0, 8.0], [2.0, 2.0], [5.0, 4.0], [np.nan, 5.0]])
    options = {"distance-to-target": {"target": [6.0, 1.0]}, "scaled": {"lower": -10, "upper": 10}}
    found = scored(method, x, direction=[1, -1], **options.get(method, {}))
    assert np.isnan(found).tolist() == np.isnan(x).tolist()
    assert found[0, 0] <= found[1, 0] <= found[2, 0]
    assert found[1, 1] >= found[2, 1] >= found[3, 1] >= found[0, 1]
    assert found[2, 0] > found[0, 0]
    assert found[1, 1] > found[0, 1]


@pytest.mark.parametrize("method", normalisation.METHODS)
def test_leading_axes_are_separate_tables(method):
    stack = np.stack([X, X[[1, 0, 2, 3]] * 3])
    options = {"distance-to-target": {"target": [9.0, 12.0]}}
    found = scored(method, stack, **options.get(method, {}))
    for k in range(2):
        np.testing.assert_array_equal(found[k], scored(method, stack[k], **options.get(method, {})))


FIXED = ("goalposts", "scaled", "fraction-of-max")  # defined for constants


@pytest.mark.parametrize("method", [m for m in normalisation.METHODS if m not in FIXED])
def test_a_constant_column_is_refused_nan_or_the_middle(method):
    x = np.array([[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]])
    options = {"distance-to-target": {"target": [3.0, 9.0]}}.get(method, {})
    with pytest.raises(DataError, match=rf"{method}: columns 0 have no two different values"):
        scored(method, x, **options)
    assert np.isnan(scored(method, x, constant="nan", **options)[:, 0]).all()
    middle = scored(method, x, constant="middle", **options)[:, 0]
    expected = {"minmax": 50, "standard": 80, "zscore": 0, "rank": 2, "borda": 1, "categorical": 50}
    assert middle.tolist() == [expected.get(method, 0.5)] * 3


def test_a_fraction_of_the_greatest_is_one_where_all_are_equal():
    assert scored("fraction-of-max", [[3.0], [3.0]]).ravel().tolist() == [1.0, 1.0]


def test_a_fixed_base_keeps_its_parameters():
    next_year = X + 10
    assert scored("minmax", at=next_year)[0, 0] == 250.0
    assert scored("standard", at=next_year)[0, 0] == 100.0
    assert scored("rank", at=[[1.5, 9.0]]).tolist() == [[1.5, 4.5]]
    assert scored("rank", at=[[1.5, 9.0]], ties="min").tolist() == [[2.0, 5.0]]


def test_years_may_share_or_not_share_their_scale():
    panel = np.stack([X, X * 10])
    each = scored("minmax", panel)
    np.testing.assert_allclose(each[0], each[1], rtol=1e-12)
    pooled = normalisation.apply(panel, normalisation.fit(panel.reshape(-1, 2), "minmax"))
    assert np.nanmax(pooled[0]) < 20
    assert np.nanmax(pooled[1]) == 100
    base = normalisation.fit(panel[:1], "minmax")
    assert normalisation.apply(panel, base)[1, 0, 0] == pytest.approx(225, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    arrays(float, (7, 2), elements=st.integers(0, 9).map(float)),
    st.floats(0.1, 100),
    st.floats(-100, 100),
    st.sampled_from(["minmax", "zscore", "distance-to-max", "rank", "percentile-rank", "logistic"]),
)
def test_units_of_measurement_do_not_matter(x, k, shift, method):
    changed = round(k, 2) * x + round(shift)
    one, other = (scored(method, table, constant="middle") for table in (x, changed))
    if method.endswith("rank"):
        np.testing.assert_array_equal(one, other)
    else:
        np.testing.assert_allclose(1e3 + one, 1e3 + other, rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    arrays(float, (8, 1), elements=st.integers(0, 5).map(float)), st.sampled_from(["average", "min", "max"])
)
def test_a_rank_counts_what_is_below_and_equal(x, ties):
    v = x.ravel()
    below, equal = (v[None] < v[:, None]).sum(1), (v[None] == v[:, None]).sum(1)
    expected = {"min": below + 1, "max": below + equal, "average": below + (equal + 1) / 2}[ties]
    np.testing.assert_array_equal(standing(x, x, ties=ties).ravel(), expected)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("min-max", {}, "Did you mean 'minmax'"),
        ("minmax", {"target": 3}, "has no use for 'target'"),
        ("zscore", {"lower": 0, "upper": 1}, "has no use for 'lower'"),
        ("goalposts", {}, "needs lower, upper"),
        ("standard", {"lower": 0}, "needs both lower and upper"),
        ("distance-to-target", {}, "needs target"),
        ("minmax", {"direction": 0}, "must be 1 or −1"),
        ("rank", {"ties": "first"}, "ties='first' is not one of"),
        ("categorical", {"breaks": [1, 2], "percentiles": (5,)}, "not both"),
        ("categorical", {"breaks": [1, 2]}, "need 3 scores; 6 are given"),
        ("categorical", {"breaks": [2, 1], "scores": (1, 2, 3)}, "must rise"),
    ],
)
def test_options_are_needed_or_refused_never_ignored(method, options, said):
    with pytest.raises(OptionError, match=said):
        normalisation.fit(X, method, **options)


def test_data_that_a_method_cannot_use_is_named():
    with pytest.raises(DataError, match="target of columns 1 is worse than every value"):
        normalisation.fit(X, "distance-to-target", target=[6, 1])
    with pytest.raises(DataError, match="columns 0 are not positive"):
        normalisation.fit(X - 1, "fraction-of-max")
    with pytest.raises(DataError, match="is not below upper"):
        normalisation.fit(X, "goalposts", lower=3, upper=3)
    with pytest.raises(DataError, match="infinite"):
        normalisation.fit(np.where(np.isnan(X), np.inf, X), "minmax")


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (
            "distance-to-reference",
            {"reference": 0},
            "the reference is missing or the worst value in columns 0;",
        ),
        (
            "distance-to-reference",
            {"reference": 2},
            "the reference is missing or the worst value in columns 1;",
        ),
        ("distance-to-target", {"target": [1, 9]}, "the target is missing or the worst value in columns 0;"),
        (
            "distance-to-target",
            {"target": [9, np.nan]},
            "the target is missing or the worst value in columns 1;",
        ),
        ("zscore", {"ddof": 2}, "ddof leaves no deviation in columns 1;"),
    ],
)
def test_what_leaves_no_span_is_told_apart_from_a_constant(method, options, said):
    x = [[1.0, 5.0], [2.0, 3.0], [4.0, np.nan]]
    with pytest.raises(DataError, match=said):
        normalisation.fit(x, method, **options)
    assert normalisation.fit(x, method, constant="nan", **options).constant.sum() == 1


@pytest.mark.parametrize("steepness", [0.0, -1.0, np.nan])
def test_a_logistic_that_does_not_rise_is_refused(steepness):
    with pytest.raises(OptionError, match=r"steepness=.* must be above 0"):
        normalisation.fit([[1.0], [2.0]], "logistic", steepness=steepness)
