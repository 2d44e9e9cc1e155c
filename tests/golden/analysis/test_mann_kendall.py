"""Mann–Kendall, Sen and their corrections against R and pymannkendall: 1e-10 relative, closed forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats import autocorrelation, seasonal_trend, trend

HERE = Path(__file__).parent
R = pd.read_csv(HERE / "results" / "mann_kendall_R.csv")
PY = pd.read_csv(HERE / "results" / "mann_kendall_py.csv")
PY["call"] = PY["call"].str.replace(";", ",")
CLOSE = {"rel": 1e-10, "abs": 1e-13}


def series(case):
    if case == "rapex":
        return pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"].to_numpy(float)
    name, column = case.split("_", 1)
    file = {"annual": "annual12", "q": "quarterly40", "m": "monthly120"}[name]
    return pd.read_csv(HERE / "data" / f"{file}.csv")[column].to_numpy(float)


def rows(table, call):
    found = table[table["call"].str.replace(";", ",") == call]
    return [(case, part.set_index("stat")["value"].astype(float)) for case, part in found.groupby("case")]


def test_score_variance_and_normal_p_are_those_of_r():
    cases = rows(R, "cor.test(t,y,method='kendall',exact=FALSE,continuity=TRUE)")
    assert len(cases) == 14
    for case, row in cases:
        found = trend.mann_kendall(series(case), p="normal")
        wanted = row[["S", "varS", "z", "p_hand"]].to_numpy()
        assert np.array(found[:4])[:, 0] == pytest.approx(wanted, rel=1e-11, abs=0)


def test_the_exact_p_is_that_of_r():
    cases = rows(R, "cor.test(t,y,method='kendall',exact=TRUE)")
    assert len(cases) == 5
    for case, row in cases:
        found = trend.mann_kendall(series(case))
        assert found.exact.all()
        assert found.p[0] == pytest.approx(row["p_exact"], rel=1e-10, abs=0)


def test_score_and_slope_are_those_of_pymannkendall():
    cases = rows(PY, "mk.original_test(y)")
    assert len(cases) == 14
    for case, row in cases:
        y = series(case)
        test, line = trend.mann_kendall(y, p="normal"), trend.theil_sen(y)
        found = [
            test.p[0],
            test.z[0],
            test.tau[0],
            test.S[0],
            test.variance[0],
            line.slope[0],
            line.intercept[0],
        ]
        assert found == pytest.approx(
            row[["p", "z", "tau", "s", "var_s", "slope", "intercept"]].tolist(), **CLOSE
        )


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_limits_of_the_slope_are_those_of_scipy(level):
    for case, row in rows(PY, f"scipy.stats.theilslopes(y,arange(n),alpha={level},method='separate')"):
        line = trend.theil_sen(series(case), level=level)
        found = [line.slope[0], line.intercept[0], line.low[0], line.high[0]]
        assert found == pytest.approx(row[["slope", "intercept", "lo", "hi"]].tolist(), **CLOSE)


@pytest.mark.parametrize("lags", [None, 1, 3])
def test_hamed_and_raos_variance_is_that_of_pymannkendall_and_a_negative_one_cannot_say(lags):
    unsaid = 0
    for case, row in rows(PY, f"mk.hamed_rao_modification_test(y,lag={lags})"):
        found = autocorrelation.hamed_rao(series(case), lags=lags)
        assert found.variance[0] == pytest.approx(row["var_s"], **CLOSE)
        if row["var_s"] > 0:
            assert [found.z[0], found.p[0]] == pytest.approx([row["z"], row["p"]], rel=1e-9, abs=1e-15)
        else:
            unsaid += 1
            assert np.isnan([found.z[0], found.p[0], found.low[0]]).all()
    assert unsaid == (0 if lags == 1 else unsaid)


def test_whitening_by_the_raw_autocorrelation_is_that_of_pymannkendall():
    for case, row in rows(PY, "mk.pre_whitening_modification_test(y)"):
        y = series(case)
        w = y[1:] - autocorrelation.acf(y, 1)[0, 0] * y[:-1]
        found = trend.mann_kendall(w, p="normal")
        assert [found.S[0], found.variance[0]] == pytest.approx(row[["s", "var_s"]].tolist(), **CLOSE)
        same = autocorrelation.prewhitened(y, r=autocorrelation.acf(y, 1)[:, 0])
        assert same.S[0] == row["s"]


def test_trend_free_whitening_is_that_of_pymannkendall():
    for case, row in rows(PY, "mk.trend_free_pre_whitening_modification_test(y)"):
        found = autocorrelation.trend_free_prewhitened(series(case))
        assert [found.S[0], found.variance[0]] == pytest.approx(row[["s", "var_s"]].tolist(), **CLOSE)


@pytest.mark.parametrize(("period", "correlated"), [(4, False), (4, True), (12, False), (12, True)])
def test_seasonal_tests_are_those_of_pymannkendall(period, correlated):
    name = "correlated_seasonal_test" if correlated else "seasonal_test"
    cases = rows(PY, f"mk.{name}(y,period={period})")
    assert len(cases) == 5
    for case, row in cases:
        y = series(case)
        i = np.arange(y.size)
        found = seasonal_trend.seasonal(y, season=i % period, year=i // period, correlated=correlated)
        got = [found.S, found.variance, found.tau, found.slope]
        assert got == pytest.approx(row[["s", "var_s", "tau", "slope"]].tolist(), rel=1e-10, abs=1e-13)
        z = found.S / np.sqrt(found.variance) if correlated else found.z  # theirs, without continuity
        assert z == pytest.approx(row["z"], rel=1e-10)
        assert correlated or found.p == pytest.approx(row["p"], rel=1e-9, abs=1e-15)
