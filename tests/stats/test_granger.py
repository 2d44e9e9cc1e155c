"""Granger's test: the regression by hand and by statsmodels, what changes it and what does not."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tsa.api import VAR
from statsmodels.tsa.stattools import grangercausalitytests

from qstats.errors import DataError, OptionError
from qstats.stats.granger import _lagged, choose_lags, precedes

RNG = np.random.default_rng(3)
E = RNG.normal(size=(2, 80))
lead, tail = E[0], E[1] + np.r_[0, 0.5 * E[0, :-1]]


@pytest.mark.parametrize("lags", [1, 3])
def test_without_added_lags_it_is_that_of_statsmodels(lags):
    found = precedes(lead, tail, lags=lags)
    F, p, df, _ = grangercausalitytests(np.c_[tail, lead], [lags])[lags][0]["ssr_ftest"]
    assert (found.statistic, found.p, found.df) == pytest.approx((F, p, df), rel=1e-9)


@pytest.mark.parametrize(("added", "trend"), [(1, False), (2, True), (0, True)])
def test_added_lags_and_trend_are_in_both_regressions_and_not_tested(added, trend):
    x, y, lags = lead.cumsum(), tail.cumsum(), 2
    m = lags + added
    columns = [np.ones(80 - m), _lagged(y, m, start=m), _lagged(x, m, start=m)]
    design = np.column_stack([*columns, *([np.arange(80.0 - m)] if trend else [])])
    fit = sm.OLS(y[m:], design).fit()
    R = np.zeros((lags, design.shape[1]))
    R[np.arange(lags), 1 + m + np.arange(lags)] = 1
    want = fit.f_test(R)
    found = precedes(x, y, lags=lags, added=added, trend=trend)
    assert (found.statistic, found.p, found.df) == pytest.approx(
        (float(want.fvalue), float(want.pvalue), fit.df_resid), rel=1e-7
    )
    assert 0 <= found.r_partial <= 1


def test_the_order_with_the_least_bic_is_that_of_a_vector_autoregression():
    z = np.zeros((300, 2))
    for t in range(2, 300):
        z[t] = 0.3 * z[t - 1] + 0.4 * z[t - 2] + RNG.normal(size=2)
    assert choose_lags(z[:, 0], z[:, 1], most=5) == VAR(z).select_order(5).bic == 2
    assert choose_lags(lead, tail, most=4) == VAR(np.c_[lead, tail]).select_order(4).bic
    line = z[:60] + np.outer(np.arange(60.0), [1, 1])
    with_trend = VAR(line).select_order(4, trend="ct").bic
    assert choose_lags(line[:, 0], line[:, 1], most=4, trend=True) == with_trend


def test_level_and_scale_do_not_matter():
    one, two = (precedes(a, b, lags=2, added=1) for a, b in ((lead, tail), (100 - 3 * lead, 5 * tail + 7)))
    assert two.statistic == pytest.approx(one.statistic, rel=1e-8)
    assert precedes(lead, tail + np.arange(80), lags=1, trend=True).statistic == pytest.approx(
        precedes(lead, tail, lags=1, trend=True).statistic, rel=1e-6
    )


def test_what_follows_is_foretold_and_what_leads_is_not():
    assert precedes(lead, tail, lags=1).p < 0.001 < precedes(tail, lead, lags=1).p
    assert precedes(lead, tail, lags=1, added=1).statistic != pytest.approx(
        precedes(lead, tail, lags=1).statistic
    )
    assert precedes(lead, tail, lags=2).statistic != pytest.approx(precedes(lead, tail, lags=1).statistic)


def test_with_added_lags_walks_are_rejected_as_often_as_stated():
    rejected = np.zeros(2)
    rng = np.random.default_rng(8)
    for _ in range(400):
        x, y = rng.normal(size=(2, 60)).cumsum(1)
        rejected += [precedes(x, y, lags=1, added=d).p <= 0.05 for d in (0, 1)]
    assert rejected[1] / 400 == pytest.approx(0.05, abs=0.033) and rejected[0] / 400 > 0.1


def test_series_that_cannot_be_tested_are_refused():
    for x, y, match in (
        (lead[:9], tail[:9], "at least 10"),
        (lead, tail[:-1], "one length"),
        (np.ones(80), tail, "constant"),
        (np.r_[np.nan, lead[1:]], tail, "missing"),
        (lead, np.arange(80.0), "without error"),
    ):
        with pytest.raises(DataError, match=match):
            precedes(x, y, lags=2)
    with pytest.raises(DataError, match="22"):
        choose_lags(lead[:20], tail[:20], most=4)


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
@pytest.mark.parametrize("option", ["lags", "added", "trend", "most"])
def test_options_out_of_range_are_refused(option, value):
    if value == 0 and option == "added":
        return
    with pytest.raises(OptionError):
        choose_lags(lead, tail, most=value) if option == "most" else precedes(
            lead, tail, **{"lags": 1, option: value}
        )


@pytest.mark.parametrize(
    ("x", "trend"), [(3 - 0.7 * tail, False), (98.6 + tail / 3e4, True), (0.3 * np.arange(80.0), True)]
)
def test_a_past_that_says_the_same_cannot_be_told_apart(x, trend):
    with pytest.raises(DataError, match="independent: the past of x is a linear function"):
        precedes(x, tail, lags=2, trend=trend)
    assert np.isfinite(precedes(x + 1e-6 * np.ptp(x) * lead, tail, lags=2, trend=trend).p)
