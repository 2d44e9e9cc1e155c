"""Convergence clubs: the test against another way to compute it, clubs of panels where they are known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.sandwich_covariance import S_hac_simple
from statsmodels.tsa.filters.hp_filter import hpfilter

from qstats.errors import DataError, OptionError
from qstats.stats.clubs import REJECT, bandwidth, clubs, log_t, periods_needed, trend_of

T = 30
TIME = np.arange(1, T + 1)


def panel(sizes, seed=1, alpha=0.4, levels=(100.0, 80.0, 60.0, 45.0)):
    """Return units that converge to the level of their club, and which club that is."""
    rng = np.random.default_rng(seed)
    rows, member = [], []
    for club, n in enumerate(sizes):
        start = np.linspace(-1, 1, n) * 6 + rng.normal(size=n) * 0.3
        rows.append(levels[club] + start[:, None] / np.log(TIME + 1) / TIME**alpha)
        member += [club] * n
    order = rng.permutation(len(member))
    return (np.concatenate(rows) * 1.03**TIME)[order], np.array(member)[order]


def naive(X, r=0.3):
    """Return b and t by sums written out, the kernel by its integral definition, no shared code."""
    N, n = len(X), len(X[0])
    H = []
    for t in range(n):
        mean = sum(X[i][t] for i in range(N)) / N
        H.append(sum((X[i][t] / mean - 1) ** 2 for i in range(N)) / N)
    ts = list(range(max(int(r * n), 2), n + 1))
    x = [math.log(t) for t in ts]
    y = [math.log(H[0] / H[t - 1]) - 2 * math.log(math.log(t)) for t in ts]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    sxx = sum((v - mx) ** 2 for v in x)
    b = sum((v - mx) * (w - my) for v, w in zip(x, y, strict=True)) / sxx
    score = np.array([(v - mx) * (w - my - b * (v - mx)) for v, w in zip(x, y, strict=True)])
    rho = sum(score[i] * score[i - 1] for i in range(1, len(x))) / sum(s * s for s in score[:-1])
    rho = min(max(rho, -0.97), 0.97)
    S = 1.3221 * (len(x) * 4 * rho**2 / (1 - rho) ** 4) ** 0.2

    def kernel(lags):
        z = 6 * math.pi * np.arange(1, lags + 1) / S / 5
        return np.r_[
            1.0, 25 / (12 * math.pi**2 * (np.arange(1, lags + 1) / S) ** 2) * (np.sin(z) / z - np.cos(z))
        ]

    S_hac = float(S_hac_simple(score[:, None], nlags=len(x) - 1, weights_func=kernel)[0, 0])
    return b, b / (math.sqrt(S_hac) / sxx)


def naive_clubs(X, c=0.0):
    """Return the clubs before merging, from the text of the algorithm."""
    left = sorted(range(len(X)), key=lambda i: -X[i][-1])
    found = []
    while len(left) >= 2:
        if naive(X[left])[1] > REJECT:
            found.append(left)
            break
        core = []
        for a in range(len(left) - 1):
            run = []
            for k in range(2, len(left) - a + 1):
                t = naive(X[left[a : a + k]])[1]
                if t <= REJECT:
                    break
                run.append((t, k))
            if run:
                size = max(run, key=lambda p: p[0])[1]
                core = left[a : a + size]
                break
        if not core:
            break
        single = {i: naive(X[[*core, i]])[1] for i in left if i not in core}
        level = c
        while True:
            club = [i for i in left if i in core or single[i] > level]
            if set(club) == set(core) or naive(X[club])[1] > REJECT:
                break
            level += 0.1
        found.append(club)
        left = [i for i in left if i not in club]
    return [sorted(club) for club in found]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.2, 0.3, 0.45]))
def test_the_regression_is_that_of_sums_written_out(seed, n, r):
    rng = np.random.default_rng(seed)
    X = 50 + np.cumsum(rng.normal(size=(n, T)), 1) * 0.3 + rng.normal(size=(n, 1)) * 3
    b, t = naive(X.tolist(), r)
    found = log_t(X, discard=r)
    assert found.b == pytest.approx(b, rel=1e-7, abs=1e-9)
    assert found.t == pytest.approx(t, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(4, 5), (3, 4, 5), (6,), (2, 3, 2, 3)])
def test_clubs_of_known_membership_are_found_and_as_the_text_has_them(sizes, seed):
    X, member = panel(sizes, seed)
    found = clubs(X, merge=False)
    np.testing.assert_array_equal(found.member, member)
    text = naive_clubs(X)
    assert [sorted(np.flatnonzero(found.member == i)) for i in range(len(sizes))] == text
    assert all(test.t > REJECT for test in found.tests) and found.rest is None
    assert (log_t(X).t > REJECT) == (len(sizes) == 1)


def test_noisy_panels_are_sorted_as_the_text_has_them():
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        X = trend_of(
            60 + np.cumsum(rng.normal(0.3, 0.8, (9, 24)), 1) + rng.normal(size=(9, 1)) * 4, smooth=100
        )
        found = clubs(X, merge=False)
        text = naive_clubs(X)
        assert [sorted(np.flatnonzero(found.member == i)) for i in range(len(found.tests))] == text


def test_a_unit_that_goes_its_own_way_belongs_to_none():
    X, member = panel((4, 5))
    X = np.vstack([X, 300 * 1.09**TIME])
    found = clubs(X)
    assert found.member[-1] == -1 and found.rest is None
    np.testing.assert_array_equal(found.member[:-1], member)


def test_scale_and_order_of_units_do_not_matter():
    X, _ = panel((3, 4, 5))
    one = log_t(X)
    assert log_t(7 * X).t == pytest.approx(one.t, rel=1e-8)
    assert log_t(X * 1.5**TIME).b == pytest.approx(one.b, rel=1e-8)
    turned = np.random.default_rng(3).permutation(12)
    np.testing.assert_array_equal(clubs(X[turned]).member, clubs(X).member[turned])


def test_the_slope_is_twice_the_rate_of_convergence():
    t = np.arange(1, 2001)
    for alpha in (0.1, 0.4):
        gap = np.linspace(-1, 1, 5)[:, None] / np.log(t + 1) / t**alpha
        assert log_t(10 + gap).b == pytest.approx(2 * alpha, abs=0.02)


def test_units_that_are_alike_converge_and_those_that_part_do_not():
    assert log_t(np.ones((3, T))).t == np.inf
    assert log_t(np.array([[10.0], [12.0]]) * np.ones(T)).t < REJECT
    assert log_t(np.array([[10.0], [12.0]]) * np.array([[1.01], [1.03]]) ** TIME).t < REJECT


def test_options_change_the_answer():
    differ = {"discard": 0, "sieve": 0}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = 60 + np.cumsum(rng.normal(0.3, 0.8, (12, 24)), 1) + rng.normal(size=(12, 1)) * 4
        usual = clubs(X, merge=False).member.tolist()
        for name, value in (("discard", 0.5), ("sieve", 2.0)):
            differ[name] += clubs(X, **{"merge": False, name: value}).member.tolist() != usual
    assert min(differ.values()) > 0, differ
    assert log_t(X, discard=0.2).t != pytest.approx(log_t(X).t, rel=1e-3)


def test_clubs_that_converge_together_are_merged():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = trend_of(60 + np.cumsum(rng.normal(0.3, 0.8, (10, 24)), 1), smooth=100)
        apart, merged = clubs(X, merge=False, sieve=3.0), clubs(X, sieve=3.0)
        assert len(merged.tests) <= len(apart.tests)
        for i in range(len(merged.tests) - 1):
            both = np.isin(merged.member, (i, i + 1))
            assert log_t(X[both]).t <= REJECT
        if len(merged.tests) < len(apart.tests):
            return
    pytest.fail("no panel had clubs to merge")


def test_the_order_by_averages_differs_where_a_series_swings_at_its_end():
    rng = np.random.default_rng(0)
    differ = 0
    for _ in range(10):
        X = 60 + np.cumsum(rng.normal(0, 1.5, (8, 24)), 1)
        differ += clubs(X).member.tolist() != clubs(X, order="average").member.tolist()
    assert differ > 0


def test_the_smooth_part_is_that_of_hodrick_and_prescott():
    x = np.random.default_rng(2).normal(size=(3, 25)).cumsum(1)
    np.testing.assert_allclose(trend_of(x, smooth=400), [hpfilter(v, 400)[1] for v in x], rtol=1e-7)
    np.testing.assert_array_equal(trend_of(x, smooth=0), x)
    line = np.outer([1.0, -2], np.arange(25.0))
    np.testing.assert_allclose(trend_of(line, smooth=400), line, atol=1e-9)


def test_the_bandwidth_grows_with_autocorrelation():
    v = np.random.default_rng(1).normal(size=200)
    slow = np.convolve(v, np.ones(8), "valid")
    assert bandwidth(slow) > 3 * bandwidth(v)


def test_too_short_a_panel_says_how_many_periods_it_needs():
    assert [periods_needed(r) for r in (0.2, 0.3, 0.5)] == [13, 15, 20]
    with pytest.raises(DataError, match="15 periods"):
        clubs(np.ones((31, 6)))
    with pytest.raises(DataError, match="above 0"):
        log_t(np.zeros((3, 20)))


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
@pytest.mark.parametrize("option", ["discard", "order", "sieve", "merge", "smooth"])
def test_options_out_of_range_are_refused(option, value):
    fine = {"sieve": (-1, 0), "smooth": (0,)}
    if not isinstance(value, list) and value in fine.get(option, ()):
        return
    with pytest.raises(OptionError):
        trend_of(np.ones((2, 20)), smooth=value) if option == "smooth" else clubs(
            np.ones((2, 20)), **{option: value}
        )
