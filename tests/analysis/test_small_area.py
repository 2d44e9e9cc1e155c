import numpy as np
import pandas as pd
import pytest

from qstats.analysis.small_area import small_area
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.stats import model_scale
from qstats.stats import small_area as model

NAMES = ["安徽", "江苏", "浙江", "上海", "江西", "湖北", "湖南", "河南", "山西", "福建"]


@pytest.fixture
def auxiliary():
    rng = np.random.default_rng(4)
    return pd.DataFrame({"region": NAMES, "x": rng.normal(size=10), "n": 1.0, "size": np.arange(1, 11)})


@pytest.fixture
def direct(auxiliary):
    rng = np.random.default_rng(5)
    x = auxiliary["x"].to_numpy()
    return estimate(NAMES, 92 + 2 * x + rng.normal(0, 1.5, 10), rng.uniform(0.5, 2, 10))


def estimate(names, values, errors, *, unit="%", **more):
    table = pd.DataFrame({"region": names, **more, "estimate": values, "std_error": errors})
    table = table.assign(conf_low=np.nan, conf_high=np.nan, n=50)
    return Estimate(
        table, indicator="pass_rate", unit=unit, method="direct", level=0.9, provenance=["test:1"]
    )


def fit(direct, auxiliary, **options):
    return small_area(direct, auxiliary=auxiliary, covariates=["x"], lang="en", **options)


def by_region(found):
    return found.table.set_index("region").sort_index()


@pytest.mark.parametrize("method", model.METHODS)
def test_the_table_is_the_fit_of_the_arrays(direct, auxiliary, method):
    found = fit(direct, auxiliary, method=method)
    table = direct.table
    X = np.column_stack([np.ones(10), auxiliary["x"]])
    want = model.fay_herriot(table["estimate"], table["std_error"] ** 2, X, method=method)
    got = found.table
    core = "region estimate std_error conf_low conf_high n"
    assert list(got.columns) == f"{core} direct direct_std_error synthetic gamma residual flag".split()
    for column, values in {
        "estimate": want.eblup,
        "std_error": np.sqrt(want.mse),
        "synthetic": want.synthetic,
        "gamma": want.gamma,
        "residual": want.residual,
        "direct": table["estimate"],
    }.items():
        np.testing.assert_allclose(got[column], values, rtol=1e-13)
    np.testing.assert_allclose(
        got["conf_high"] - got["conf_low"], 2 * 1.6448536269514722 * got["std_error"], rtol=1e-9
    )
    assert (found.level, found.inference, found.provenance) == (0.9, "superpopulation", ("test:1",))
    assert f"{want.A:.4g}" in found.notes[0]


def test_the_order_of_rows_never_matters(direct, auxiliary):
    moved = direct.replace(direct.table.iloc[::-1])
    a, b = by_region(fit(direct, auxiliary)), by_region(fit(moved, auxiliary.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)
    assert fit(moved, auxiliary).table["region"].tolist() == NAMES[::-1]


def test_a_covariate_may_be_called_as_a_column_of_the_estimate(direct, auxiliary):
    renamed = auxiliary.drop(columns="n").rename(columns={"x": "n"})
    found = small_area(direct, auxiliary=renamed, covariates=["n"])
    pd.testing.assert_frame_equal(found.table, fit(direct, auxiliary).table)
    assert (found.table["n"] == 50).all()


def test_the_constant_can_be_left_out(direct, auxiliary):
    ones = auxiliary.assign(one=1.0)
    with_one = small_area(direct, auxiliary=ones, covariates=["one", "x"], intercept=False)
    pd.testing.assert_frame_equal(with_one.table, fit(direct, auxiliary).table, rtol=1e-12)
    assert fit(direct, auxiliary, intercept=False).value(region="安徽") != fit(direct, auxiliary).value(
        region="安徽"
    )


def test_areas_without_a_direct_estimate_are_refused_unless_said(direct, auxiliary):
    table = direct.table
    table.loc[2, "std_error"] = np.nan
    some = direct.replace(table[table["region"] != "福建"])
    with pytest.raises(DataError, match=r"2 areas have no direct.*region=浙江"):
        fit(some, auxiliary)
    found = by_region(fit(some, auxiliary, unknown="synthetic"))
    for name in ("浙江", "福建"):
        row = found.loc[name]
        assert row["estimate"] == row["synthetic"]
        assert row["std_error"] > 0
        assert row["gamma"] == 0
        assert row["flag"] == "synthetic: no direct estimate"
        assert np.isnan(row["residual"])
    assert np.isnan(found.loc["福建", "n"])
    assert (found["flag"] == "").sum() == 8
    pd.testing.assert_frame_equal(
        found.drop(["浙江", "福建"]),
        by_region(
            fit(
                some.where(region=[n for n in NAMES if n not in ("浙江", "福建")]),
                auxiliary[~auxiliary["region"].isin(["浙江", "福建"])],
            )
        ),
        check_dtype=False,
        rtol=1e-12,
    )


def test_the_edge_is_said(auxiliary):
    flat = estimate(NAMES, 90 + auxiliary["x"].to_numpy(), np.full(10, 2.0))
    assert any("the edge" in note for note in fit(flat, auxiliary).notes)
    assert not any("the edge" in note for note in fit(flat, auxiliary, method="adjusted-reml").notes)


@pytest.mark.parametrize("benchmark", ["ratio", "difference"])
def test_benchmarked_estimates_add_up_to_the_direct_national_figure(direct, auxiliary, benchmark):
    plain = fit(direct, auxiliary).table
    found = fit(direct, auxiliary, benchmark=benchmark, weight="size")
    table, w = found.table, auxiliary["size"].to_numpy()
    assert np.average(table["estimate"], weights=w) == pytest.approx(
        np.average(table["direct"], weights=w), rel=1e-13
    )
    change = (
        table["estimate"] - plain["estimate"]
        if benchmark == "difference"
        else (table["estimate"] / plain["estimate"])
    )
    assert np.ptp(change) < 1e-12
    assert (table["std_error"] > plain["std_error"]).all()
    X, D = np.column_stack([np.ones(10), auxiliary["x"]]), direct.table["std_error"] ** 2
    g4 = model.benchmark_variance(model.fay_herriot(plain["direct"], D, X), D, X, w / w.sum())
    share = plain["estimate"] / np.average(plain["estimate"], weights=w) if benchmark == "ratio" else 1
    np.testing.assert_allclose(table["std_error"] ** 2, plain["std_error"] ** 2 + share**2 * g4, rtol=1e-12)
    half = 1.6448536269514722 * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], half, rtol=1e-9)


def test_a_given_national_figure_counts_its_adjustment_as_error(direct, auxiliary):
    some = direct.where(region=NAMES[:9])
    options = {"unknown": "synthetic", "benchmark": "difference", "weight": "size"}
    with pytest.raises(DataError, match="give national="):
        fit(some, auxiliary, **options)
    plain = fit(some, auxiliary, unknown="synthetic").table
    table = fit(some, auxiliary, national=95.0, **options).table
    assert np.average(table["estimate"], weights=auxiliary["size"]) == pytest.approx(95, rel=1e-13)
    gap = table["estimate"] - plain["estimate"]
    np.testing.assert_allclose(table["std_error"] ** 2, plain["std_error"] ** 2 + gap**2, rtol=1e-12)


@pytest.mark.parametrize("transform", ["log", "arcsine"])
def test_a_transform_stays_within_its_range(direct, auxiliary, transform):
    found = fit(direct, auxiliary, transform=transform, method="adjusted-reml")
    table, k = found.table, 100 if transform == "arcsine" else 1
    y, se = direct.table["estimate"] / k, direct.table["std_error"] / k
    z, D = model_scale.forward(y, se**2, transform)
    want = model.fay_herriot(z, D, np.column_stack([np.ones(10), auxiliary["x"]]), method="adjusted-reml")
    mean, variance = model_scale.backward(want.eblup, want.mse, transform)
    np.testing.assert_allclose(table["estimate"], k * mean, rtol=1e-13)
    np.testing.assert_allclose(table["std_error"], k * np.sqrt(variance), rtol=1e-13)
    assert ((table["conf_low"] < table["estimate"]) & (table["estimate"] < table["conf_high"])).all()
    high = estimate(NAMES, 99.9 - np.linspace(0, 2, 10), np.full(10, 0.5))
    beyond = fit(high, auxiliary, transform=transform, method="adjusted-reml").table["conf_high"].max()
    assert (beyond <= 100) == (transform == "arcsine")
    adjusted = fit(direct, auxiliary, transform=transform, benchmark="ratio", weight="size").table
    assert np.average(adjusted["estimate"], weights=auxiliary["size"]) == pytest.approx(
        np.average(adjusted["direct"], weights=auxiliary["size"]), rel=1e-13
    )


def test_a_rate_of_100_has_no_place_on_the_arcsine_scale(auxiliary):
    values = np.append(100.0, np.linspace(90, 95, 9))
    edge = estimate(NAMES, values, np.full(10, 1.0))
    with pytest.raises(DataError, match="region=安徽"):
        fit(edge, auxiliary, transform="arcsine")
    assert fit(edge, auxiliary, transform="arcsine", unknown="synthetic").table["flag"].iloc[0]


def test_estimates_beyond_100_per_cent_are_said(auxiliary):
    high = estimate(NAMES, np.linspace(96, 103, 10), np.full(10, 0.3))
    assert any("outside 0 to 100" in note for note in fit(high, auxiliary).notes)


def test_keys_that_do_not_match_are_named(direct, auxiliary):
    with pytest.raises(DataError, match=r"1 areas have no auxiliary values.*region=安徽"):
        fit(direct, auxiliary.iloc[1:])
    with pytest.raises(DataError, match=r"repeat a key.*region=安徽"):
        fit(direct, pd.concat([auxiliary, auxiliary.iloc[:1]]))
    with pytest.raises(DataError, match="lacks the key 'region'"):
        fit(direct, auxiliary.rename(columns={"region": "province"}))
    with pytest.raises(DataError, match=r"lacks the column 'sizes'.*'size'"):
        small_area(direct, auxiliary=auxiliary, covariates=["sizes"], lang="en")
    gap = auxiliary.assign(x=auxiliary["x"].where(auxiliary["region"] != "上海"))
    with pytest.raises(DataError, match=r"'x'.* 1 missing.*region=上海"):
        fit(direct, gap)


def test_several_periods_are_refused(auxiliary):
    names = [*NAMES[:5], *NAMES[:5]]
    two = estimate(names, np.arange(90.0, 100), np.ones(10), period=["2023"] * 5 + ["2024"] * 5)
    with pytest.raises(DataError, match="2023, 2024"):
        fit(two, auxiliary)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "eb"},
        {"transform": "logit"},
        {"unknown": "drop"},
        {"benchmark": "raking", "weight": "size"},
        {"benchmark": "ratio"},
        {"weight": "size"},
        {"national": 90.0},
    ],
)
def test_options_that_do_not_go_together_are_refused(direct, auxiliary, options):
    with pytest.raises(OptionError):
        fit(direct, auxiliary, **options)


def test_other_options_that_cannot_be_are_refused(direct, auxiliary):
    with pytest.raises(OptionError, match="points"):
        fit(estimate(NAMES, np.arange(10.0), 1.0, unit="points"), auxiliary, transform="arcsine")
    with pytest.raises(OptionError):
        small_area(direct, auxiliary=auxiliary, covariates=[], intercept=False)
    with pytest.raises(OptionError, match="region"):
        small_area(direct, auxiliary=auxiliary, covariates=["region"], lang="en")
    with pytest.raises(DataError, match="least is -1"):
        fit(direct, auxiliary.assign(size=-1.0), benchmark="ratio", weight="size")
    with pytest.raises(DataError, match="difference"):
        fit(
            direct.replace(direct.table.assign(estimate=-direct.table["estimate"])),
            auxiliary,
            benchmark="ratio",
            weight="size",
        )
