"""Early detection in counts against stored values of R surveillance 1.20.3.

Charts 1e-10 given the expectation; regressions 1e-6 for means, 1e-4 for dispersions and for means of 16
counts (they stop there when the deviance changes by less than 1e-8 of itself). Two things are otherwise
there: the standard error of the mean is smaller by about the root of the mean count, so that bounds of
"muan" and most of "delta" lie lower, and trends are kept more often; and the bound of C3 is y + s (3.0902 −
e), e the excess of the two periods before, which here is turned back into e.
"""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.count_charts import glr_chart, ratio_cusum
from qstats.stats.count_law import at_least
from qstats.stats.count_regression import fit_counts, seasonal_regressors
from qstats.stats.farrington_flexible import farrington_flexible
from qstats.stats.short_baselines import CROW_GARDNER, ears, rki

HERE = Path(__file__).parent
STORED = pd.read_csv(HERE / "results" / "surveillance.csv")
MONTHLY = pd.read_csv(HERE / "data" / "monthly120.csv")
SERIES = {
    name: MONTHLY[name].to_numpy(float) for name in ("poisson", "negbin", "negbin_outbreak", "low_outbreak")
}
SERIES["rapex"] = pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"].to_numpy(float)
every = pytest.mark.parametrize("name", SERIES)


def stored(name, method):
    rows = STORED[(STORED["series"] == name) & STORED["method"].str.startswith(method)]
    assert len(rows) == (22 if name == "rapex" else 48)
    return rows, rows["i"].to_numpy() - 1


def flexible(name, rows, skip=2, **options):
    """Return the bounds; there the time is days over 31."""
    first = 2011 if name == "rapex" else 2010
    y = SERIES[name]
    time = np.array([dt.date(first + i // 12, i % 12 + 1, 1).toordinal() for i in range(y.size)]) / 31
    years = 3 if name == "rapex" else 5
    kept = rows["trend"].notna()
    found = [
        farrington_flexible(
            y[:i], years=years, time=time[:i], trend_p=float(k), least=(0, 4), skip=skip, **options
        )
        for i, k in zip(rows["i"], kept, strict=True)
    ]
    return {f: np.array([getattr(a, f)[0] for a in found]) for f in found[0]._fields}


@every
def test_bounds_by_all_earlier_counts(name):
    rows, at = stored(name, "farringtonFlexible noufaily")
    found = flexible(name, rows)
    np.testing.assert_allclose(found["expected"], rows["expected"], rtol=1e-6)
    np.testing.assert_allclose(found["dispersion"], rows["phi"], rtol=1e-4)
    np.testing.assert_allclose(found["trend"], rows["trend"], rtol=1e-5)
    np.testing.assert_array_equal(found["upper"], rows["upperbound"])
    np.testing.assert_array_equal(found["alarm"], rows["alarm"] == 1)
    p = at_least(SERIES[name][at], found["expected"], found["dispersion"])
    np.testing.assert_allclose(p, rows["pvalue"], rtol=3e-4)


@every
@pytest.mark.parametrize("method", ["farringtonFlexible muan", "farringtonFlexible delta"])
def test_expectations_and_dispersions_with_and_without_trend(name, method):
    rows, _ = stored(name, method)
    if method.endswith("delta"):
        found = flexible(name, rows, skip=0, parts=1, outlier=1.0, threshold="2/3-power")
        np.testing.assert_allclose(found["upper"], rows["upperbound"], rtol=0.09)
    else:
        found = flexible(name, rows, threshold="mean-limit", alpha=0.05)
        assert (found["upper"] >= rows["upperbound"]).all()
    np.testing.assert_allclose(found["expected"], rows["expected"], rtol=1e-4)
    np.testing.assert_allclose(found["dispersion"], rows["phi"], rtol=1e-4)


@every
def test_ears_c1_and_c2(name):
    for method in ("C1", "C2"):
        rows, at = stored(name, f"earsC {method}")
        found = ears(SERIES[name], method=method)
        np.testing.assert_allclose(found.upper[0, at], rows["upperbound"], rtol=1e-12)
        np.testing.assert_array_equal(found.alarm[0, at], rows["alarm"] == 1)


@every
def test_the_excess_of_c3(name):
    rows, at = stored(name, "earsC C3")
    y = SERIES[name]
    c2, c3 = ears(y, method="C2"), ears(y, method="C3")
    s = ((c2.upper - c2.expected) / 3.090232306167813)[0, at]
    before = (c3.score - np.maximum(0, c2.score - 1))[0, at]
    there = 3.090232306167813 - (rows["upperbound"].to_numpy() - y[at]) / s
    seen = rows["upperbound"].to_numpy() > 0  # a bound below 0 is cut there
    assert seen.mean() > 0.9
    np.testing.assert_allclose(before[seen], there[seen], rtol=1e-9, atol=1e-10)


@every
def test_the_rule_of_the_robert_koch_institute(name):
    rows, at = stored(name, "rki")
    found = rki(SERIES[name])
    np.testing.assert_allclose(found.upper[0, at], rows["upperbound"], rtol=1e-12)
    np.testing.assert_array_equal(found.alarm[0, at], rows["alarm"] == 1)


def test_limits_for_few_counts():
    # rki() of surveillance on constant series of 0 to 20; see README
    want = pd.read_csv(HERE / "results" / "rki_few_counts.csv")
    assert list(CROW_GARDNER) == want["upperbound"].tolist() and want["count"].tolist() == list(range(21))


@every
def test_the_expectation_fitted_to_phase_one(name):
    for method, law in (("glrnb theta", "negative-binomial"), ("glrpois", "poisson")):
        rows, at = stored(name, method)
        X = seasonal_regressors(np.arange(1, SERIES[name].size + 1), season=12)
        fit = fit_counts(SERIES[name][: at[0]], X[: at[0]], law=law)
        np.testing.assert_allclose(np.exp(X[at] @ fit.beta), rows["mu0"], rtol=1e-8)
        np.testing.assert_allclose(fit.dispersion, rows["phi"].iloc[0], rtol=1e-9)


@every
def test_likelihood_ratio_charts_that_begin_anew(name):
    for method, chart in (
        ("glrnb fixed", glr_chart),
        ("glrnb theta", ratio_cusum),
        ("glrpois", ratio_cusum),
    ):
        rows, at = stored(name, method)
        alpha = float(rows["phi"].iloc[0])
        found = chart(SERIES[name][at], rows["mu0"], decision=5, dispersion=alpha)
        np.testing.assert_allclose(1 + found.sums, 1 + rows["upperbound"], rtol=1e-11)
        np.testing.assert_array_equal(found.signal, rows["alarm"] == 1)
