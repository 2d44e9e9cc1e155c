import os

import numpy as np
import pandas as pd
import pytest

from qstats.analysis.panel_regression import errors_in_variables, fixed_effects, panel_regression
from qstats.errors import DataError, OptionError, QStatsError
from qstats.estimate import Estimate
from qstats.stats.errors_in_variables import york
from qstats.stats.panel import cr2, dummies, wild_cluster

RNG = np.random.default_rng(8)
REGIONS, YEARS = [f"r{i}" for i in range(6)], [str(y) for y in range(2015, 2020)]
KEYS = pd.MultiIndex.from_product([REGIONS, YEARS], names=["region", "period"]).to_frame(index=False)
X = RNG.normal(size=(30, 2)) + RNG.normal(size=6).repeat(5)[:, None]
Y = X @ [0.5, -0.3] + 3 * RNG.normal(size=6).repeat(5) + np.tile(np.arange(5), 6) + RNG.normal(size=30)


@pytest.fixture
def needs_linearmodels():
    try:
        import linearmodels  # noqa: F401
    except ImportError:
        if os.environ.get("QSTATS_REQUIRE") == "all":
            pytest.fail("linearmodels is required and was not found")
        pytest.skip("linearmodels was not found")


def estimate(values, keys=KEYS, unit="%", **core):
    table = keys.assign(
        **{"estimate": values, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan, "n": 1} | core
    )
    return Estimate(table, indicator="given", unit=unit, method="given")


def parts():
    return estimate(Y), {"rd": estimate(X[:, 0]), "exports": estimate(X[:, 1])}


@pytest.mark.parametrize("effects", ["region", "two-way"])
def test_coefficients_are_those_of_dummies(needs_linearmodels, effects):
    D = dummies(KEYS["region"]) if effects == "region" else dummies(KEYS["region"], KEYS["period"])
    want = np.linalg.lstsq(np.concatenate([X, D], 1), Y, rcond=None)[0][:2]
    found = panel_regression(*parts(), effects=effects)
    assert found.table["estimate"].tolist() == pytest.approx(want, rel=1e-10)
    assert found.table["term"].tolist() == ["rd", "exports"]
    assert found.table[["n", "regions", "periods"]].iloc[0].tolist() == [30, 6, 5]


def test_errors_by_hand(needs_linearmodels):
    D = dummies(KEYS["region"])
    M = np.eye(30) - D @ D.T / 5
    x, codes = M @ X, KEYS["region"].to_numpy()
    bread = np.linalg.inv(x.T @ x)
    u = M @ Y - x @ bread @ x.T @ M @ Y
    meat = sum(np.outer(s, s) for s in (x[codes == g].T @ u[codes == g] for g in REGIONS))
    plain = np.sqrt(np.diag(bread @ meat @ bread))
    for correction, factor in (("none", 1), ("hc1", 30 / 28), ("stata", 6 / 5 * 29 / 28)):
        se = panel_regression(*parts(), correction=correction).table["std_error"]
        assert se.tolist() == pytest.approx(plain * np.sqrt(factor), rel=1e-10)
    classical = panel_regression(*parts(), errors="classical").table
    assert classical["std_error"].tolist() == pytest.approx(np.sqrt(np.diag(bread) * (u @ u) / 22), rel=1e-10)
    assert classical["df"].tolist() == [22, 22]


def test_cr2_and_the_bootstrap_are_those_of_the_formulas(needs_linearmodels):
    found = panel_regression(*parts(), errors="cr2", effects="two-way", wild="rademacher").table
    D = dummies(KEYS["region"], KEYS["period"])
    for k in (0, 1):
        want = cr2(Y, X, D, KEYS["region"], column=k)
        assert found.loc[k, ["std_error", "df", "p"]].tolist() == pytest.approx(list(want[1:]), rel=1e-10)
        boot = wild_cluster(Y, X, D, KEYS["region"], column=k)
        assert found.loc[k, ["p_wild", "smallest_p"]].tolist() == [boot.p, 2 / 64]
    webb = panel_regression(*parts(), wild="webb").table
    assert webb["smallest_p"].tolist() == [6 / 6**6] * 2
    drawn = [panel_regression(*parts(), wild="webb", n_draws=99).table["p_wild"].tolist()]
    assert drawn == [webb["p_wild"].tolist()]  # 46,656 vectors are gone through: nothing is drawn


def test_limits_are_of_the_level(needs_linearmodels):
    from scipy.stats import t

    row = panel_regression(*parts(), level=0.9).table.iloc[0]
    half = t.ppf(0.95, 5) * row["std_error"]
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(
        (row["estimate"] - half, row["estimate"] + half)
    )


def test_driscoll_kraay_is_another_error(needs_linearmodels):
    found = panel_regression(*parts(), errors="driscoll-kraay").table
    assert found["df"].tolist() == [4, 4]
    assert (found["std_error"] != panel_regression(*parts()).table["std_error"]).all()


def test_rows_in_any_order_and_a_constant_of_a_region_change_nothing(needs_linearmodels):
    y, x = parts()
    one = panel_regression(y, x).table
    order = RNG.permutation(30)
    moved = estimate(Y + 7 * np.arange(6).repeat(5)).take(order)
    np.testing.assert_allclose(one["estimate"], panel_regression(moved, x).table["estimate"], rtol=1e-9)


def test_what_is_missing_is_refused_or_left_out(needs_linearmodels):
    y, x = parts()
    short = {**x, "rd": x["rd"].take(range(1, 30))}
    with pytest.raises(DataError, match=r"1 regions and periods .*first: r0 2015"):
        panel_regression(y, short, lang="en")
    found = panel_regression(y, short, missing="drop", lang="en")
    assert found.table["n"].tolist() == [29, 29] and "1 regions and periods" in found.notes[0]


def test_what_has_no_variation_left():
    y, x = parts()
    with pytest.raises(DataError, match="regressor 0 does not vary"):
        fixed_effects(Y, np.arange(6.0).repeat(5)[:, None], KEYS["region"], KEYS["period"])
    with pytest.raises(DataError, match="2 regions and 5 periods"):
        panel_regression(y.where(region=["r0", "r1"]), {"rd": x["rd"].where(region=["r0", "r1"])}, lang="en")


def test_without_linearmodels_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "linearmodels.panel", None)
    with pytest.raises(QStatsError, match=r"qstats\[panel\]"):
        panel_regression(*parts(), lang="en")


def test_what_does_not_fit():
    y, x = parts()
    with pytest.raises(DataError, match="No regressor"):
        panel_regression(y, {}, lang="en")
    with pytest.raises(DataError, match="cannot be called 'region'"):
        panel_regression(y, {"region": y}, lang="en")
    with pytest.raises(DataError, match="'rd' needs the keys region and period"):
        panel_regression(y, {"rd": estimate([1.0], pd.DataFrame({"region": ["a"]}))}, lang="en")
    for options in (
        {"effects": "period"},
        {"errors": "hc3"},
        {"correction": "hc2"},
        {"wild": "mammen"},
        {"missing": "zero"},
    ):
        with pytest.raises(OptionError):
            panel_regression(y, x, **options)
    with pytest.raises(OptionError, match="goes with errors="):
        panel_regression(y, x, errors="cr2", correction="hc1", lang="en")


def points(values, errors, names="abcde", unit="%"):
    return estimate(values, pd.DataFrame({"region": list(names)}), unit, std_error=errors)


def test_a_line_through_estimates_is_yorks():
    y, x = [2.1, 3.9, 6.2, 7.8, 9.9], [1.0, 2.0, 3.0, 4.0, 5.0]
    found = errors_in_variables(points(y, 0.2), points(x, 0.1, unit="index"), correlation=0.3, level=0.9)
    want = york(x, y, 0.1, 0.2, correlation=0.3)
    table = found.table.set_index("term")
    assert table["estimate"].tolist() == [want.intercept, want.slope]
    assert table["std_error"].tolist() == [want.se_intercept, want.se_slope]
    assert table.loc["slope", "conf_high"] - want.slope == pytest.approx(1.6448536 * want.se_slope, rel=1e-6)
    assert table.loc["slope", ["S", "df", "p_fit"]].tolist() == [want.S, 3, want.p_fit]
    assert found.unit == "%; % per index"
    other = errors_in_variables(points(y, 0.2), points(x, 0.1)).table["estimate"].tolist()
    assert other != table["estimate"].tolist()


def test_points_are_matched_by_their_keys():
    y, x = points([2.1, 3.9, 6.2, 7.8, 9.9], 0.2), points([1.0, 2.0, 3.0, 4.0, 5.0], 0.1)
    one = errors_in_variables(y, x).table
    pd.testing.assert_frame_equal(one, errors_in_variables(y, x.take([4, 2, 0, 1, 3])).table)
    with pytest.raises(DataError, match="do not match"):
        errors_in_variables(y, points([1, 2, 3, 4, 5], 0.1, "abcdf"), lang="en")
    with pytest.raises(DataError, match="not known"):
        errors_in_variables(y, points([1, 2, 3, 4, 5], np.nan))
