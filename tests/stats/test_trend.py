"""Trend: identities, exact distributions by enumeration (1e-12), refusals."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import DataError, OptionError
from qstats.stats import (
    autocorrelation,
    break_dates,
    break_laws,
    breaks,
    seasonal_trend,
    smoothing,
    trend,
    trend_line,
    whitening,
)
from qstats.stats.median_slope import all_slopes, median_slope

SHAPES = st.tuples(st.integers(1, 4), st.integers(3, 26))
WHOLE = arrays(float, SHAPES, elements=st.integers(-6, 6).map(float))
REAL = arrays(float, SHAPES, elements=st.floats(-50, 50))


@settings(max_examples=50, deadline=None)
@given(st.one_of(WHOLE, REAL))
def test_the_slope_is_the_median_of_all_slopes_whatever_the_series(Y):
    x = np.cumsum(np.arange(1.0, Y.shape[1] + 1))
    wanted = [np.median(all_slopes(y, x)) for y in Y]
    assert trend.theil_sen(Y, x).slope.tolist() == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    assert trend.theil_sen(Y, x, level=0.9).slope.tolist() == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "walk", "constant"])
def test_many_long_series_at_once_and_one_by_one_are_the_same(kind):
    rng = np.random.default_rng(4)
    shape = (600, 31)
    Y = {
        "normal": rng.normal(size=shape),
        "heavy": rng.standard_cauchy(size=shape),
        "ties": rng.integers(0, 3, shape).astype(float),
        "walk": rng.normal(size=shape).cumsum(axis=1),
        "constant": np.zeros(shape),
    }[kind]
    x = np.arange(31.0)
    assert median_slope(Y, x).tolist() == [float(np.median(all_slopes(y, x))) for y in Y]
    together, alone = trend.mann_kendall(Y), [trend.mann_kendall(y) for y in Y[:40]]
    np.testing.assert_array_equal(together.p[:40], [one.p[0] for one in alone])


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5], [1, 1, 2, 3, 3], [1, 1, 1, 2, 2, 3]])
def test_the_exact_p_counts_permutations(values):
    scores = np.array([trend.mann_kendall(np.array(o, float), p="normal").S[0] for o in permutations(values)])
    for seed in range(5):
        y = np.random.default_rng(seed).permutation(np.array(values, float))
        found = trend.mann_kendall(y)
        s = abs(found.S[0])
        assert found.p[0] == pytest.approx(min(1, 2 * np.mean(scores >= s)), rel=1e-12)
        assert found.exact[0]


@settings(max_examples=40, deadline=None)
@given(REAL)
def test_a_series_backwards_or_upside_down_has_minus_the_trend(Y):
    there = trend.mann_kendall(Y)
    for back in (trend.mann_kendall(Y[:, ::-1]), trend.mann_kendall(-Y)):
        np.testing.assert_array_equal(back.S, -there.S)
        np.testing.assert_allclose(back.p, there.p, rtol=1e-12)


def test_the_normal_p_differs_from_the_exact_one_and_long_series_use_it():
    y = np.random.default_rng(0).normal(size=12)
    assert trend.mann_kendall(y, p="normal").p[0] != pytest.approx(trend.mann_kendall(y).p[0], rel=1e-3)
    assert not trend.mann_kendall(np.random.default_rng(0).normal(size=60)).exact.any()
    assert trend.mann_kendall(np.random.default_rng(0).normal(size=60), p="exact").exact.all()
    with pytest.raises(OptionError, match="exact"):
        trend.mann_kendall(y, p="exac")


def test_a_flat_series_has_no_trend_and_no_p():
    found = trend.mann_kendall([5.0] * 8)
    assert (found.S[0], found.variance[0]) == (0, 0)
    assert np.isnan(found.p[0])
    assert trend.theil_sen([5.0] * 8, level=0.95)[0] == 0


def test_the_smallest_p_is_that_of_the_two_monotone_orders():
    assert trend.smallest_p(4) == pytest.approx(2 / 24)


@pytest.mark.parametrize("Y", [[1.0, 2.0], [1.0, np.nan, 2.0, 3.0]])
def test_too_short_or_with_gaps_is_refused(Y):
    with pytest.raises(DataError, match=r"at least 3|missing"):
        trend.mann_kendall(Y)


@pytest.mark.parametrize("n", [20, 41])
def test_how_many_series_are_done_at_once_changes_no_bit(monkeypatch, n):
    Y, x = np.random.default_rng(n).normal(size=(150, n)).round(2), np.arange(float(n))
    whole = median_slope(Y, x)
    assert whole == pytest.approx([np.median(all_slopes(y, x)) for y in Y], rel=1e-15)
    monkeypatch.setattr("qstats.stats.median_slope._CELLS", 1)
    assert (median_slope(Y, x) == whole).all()


def test_times_must_rise():
    with pytest.raises(DataError, match="rise"):
        trend.theil_sen([1.0, 2.0, 3.0], [2012, 2012, 2013])


def ar1(rng, m, n, rho):
    e = rng.normal(size=(m, n + 50))
    y = np.zeros_like(e)
    for t in range(1, n + 50):
        y[:, t] = rho * y[:, t - 1] + e[:, t]
    return y[:, 50:]


def test_whitening_restores_the_type_one_error_under_autocorrelation():
    Y = ar1(np.random.default_rng(5), 1500, 40, 0.5)
    assert np.mean(trend.mann_kendall(Y).p <= 0.05) > 0.15
    assert np.mean(autocorrelation.prewhitened(Y).p <= 0.05) < 0.09
    white = ar1(np.random.default_rng(6), 1500, 40, 0.0)
    assert np.mean(autocorrelation.prewhitened(white).p <= 0.05) < 0.06


@pytest.mark.parametrize(("n", "most"), [(12, 0.08), (24, 0.065), (40, 0.06)])
def test_a_calibrated_test_finds_fewer_trends_that_are_none_than_one_that_is_only_whitened(n, most):
    rng = np.random.default_rng(n)
    for rho in (0.0, 0.3, 0.5):
        Y = ar1(rng, 2000, n, rho)
        found = np.mean(whitening.whitened(Y).p <= 0.05)
        assert found < most
        assert rho == 0 or found < np.mean(autocorrelation.prewhitened(Y).p <= 0.05)


def test_limits_of_a_calibrated_slope_hold_it_and_agree_with_the_test():
    Y = 0.1 * np.arange(30) + ar1(np.random.default_rng(9), 1500, 30, 0.5)
    found = whitening.whitened(Y)
    assert 0.93 < np.mean((found.low <= 0.1) & (found.high >= 0.1)) < 0.98
    apart = (found.low > 0) | (found.high < 0)
    assert np.mean(apart == (found.p <= 0.05)) > 0.98
    wider = whitening.whitened(Y, level=0.99)
    assert (wider.high - wider.low > found.high - found.low).all()


@given(
    arrays(float, st.integers(8, 25), elements=st.integers(-30, 30), unique=True),
    st.floats(0.1, 50),
    st.floats(-50, 50),
)
def test_a_calibrated_test_does_not_depend_on_unit_or_origin(y, scale, origin):
    one, other = whitening.whitened(y), whitening.whitened(scale * y + origin)
    assert other.r[0] == pytest.approx(one.r[0], rel=1e-6)
    mirrored = whitening.whitened(-y)
    assert mirrored.S[0] == -one.S[0]
    assert mirrored.p[0] == one.p[0]
    assert mirrored.slope[0] == -one.slope[0]


def test_the_spread_left_by_whitening_meets_its_table_and_goes_to_one():
    for n, row in zip(whitening._LENGTHS, whitening._SPREAD, strict=True):
        assert whitening.spread(n, whitening._RHO) == pytest.approx(row, rel=1e-12)
    assert whitening.spread(10**9, [0.0, 0.5, 0.9]) == pytest.approx([1.0] * 3, rel=1e-6)
    between = whitening.spread(14, 0.9)
    assert whitening.spread(12, 0.9) < between < whitening.spread(16, 0.9)
    assert whitening.spread(12, 0.99) == whitening.spread(12, 0.95)  # beyond the table: its edge


@pytest.mark.parametrize("n", [12, 24])
def test_few_of_many_calibrated_tests_find_a_trend_that_is_none(n):
    Y = ar1(np.random.default_rng([n, 1]), 31 * 400, n, 0.5)
    found = whitening.whitened(Y)

    def any_of_31(p):
        return np.mean(p.reshape(-1, 31).min(axis=1) <= 0.05 / 31)

    assert any_of_31(found.p) < 0.13 < any_of_31(trend.p_of(found.z))


@given(st.floats(0.05, 6), st.floats(3, 500))
def test_the_calibrated_law_is_normal_down_to_five_per_cent_and_longer_beyond(z, nu):
    normal, p = trend.p_of(np.array([z]))[0], whitening.p_of(z, nu)
    q = 1 - normal / 2
    if z <= 1.95:
        assert p == pytest.approx(normal, rel=1e-9)
        assert whitening.quantile(q, nu) == pytest.approx(z, rel=1e-6)
    elif z > 1.97:
        assert p > normal
        assert whitening.quantile(q, nu) > z
    assert whitening.p_of(-z, nu) == p
    assert whitening.quantile(1 - p / 2, nu) == pytest.approx(z, rel=1e-6)  # one is the inverse of the other


def test_the_law_has_the_longer_tails_the_less_is_known_of_the_autocorrelation():
    assert whitening.degrees(24, [0.1, 0.5]) == pytest.approx([576 / 32, 6])
    assert whitening.degrees(40, 0.5) > whitening.degrees(24, 0.5)
    assert whitening.degrees(16, 0.99) == 3  # 2.9 by the formula
    assert whitening.p_of(3.0, whitening.degrees(8, 0.5)) == pytest.approx(0.0026998, rel=1e-4)  # normal


def test_a_constant_series_has_no_calibrated_test():
    assert np.isnan(whitening.whitened(np.full(10, 3.0)).p).all()


def test_blocks_keep_the_dependence_and_their_limits_are_wider():
    rng = np.random.default_rng(7)
    Y = ar1(rng, 150, 40, 0.5)
    found = autocorrelation.block_permuted(Y, rng=rng, draws=199)
    assert np.mean(found.p <= 0.05) < 0.12 < np.mean(trend.mann_kendall(Y).p <= 0.05)
    plain = trend.theil_sen(Y, level=0.95)
    assert np.mean(found.high - found.low) > 1.2 * np.mean(plain.high - plain.low)
    other = autocorrelation.block_permuted(Y[:5], rng=np.random.default_rng(0), draws=99, length=2)
    assert (other.variance != found.variance[:5]).all()


def test_a_slope_survives_whitening():
    y = 0.4 * np.arange(40) + ar1(np.random.default_rng(8), 1, 40, 0.5)[0]
    found = autocorrelation.prewhitened(y)
    assert found.low[0] < 0.4 < found.high[0]
    assert found.p[0] < 0.001


def test_an_autocorrelation_needs_eight_values():
    with pytest.raises(DataError, match="at least 8"):
        autocorrelation.prewhitened(np.arange(7.0))


def test_a_season_is_compared_with_itself_only():
    season = np.tile([10.0, -10, 5, 0], 6)
    found = seasonal_trend.seasonal(
        season + np.repeat(np.arange(6), 4), season=np.arange(24) % 4, year=np.arange(24) // 4
    )
    assert (found.slope, found.S, found.tau) == (1, 60, 1)
    with pytest.raises(DataError, match="complete years"):
        seasonal_trend.seasonal(
            season[:-1], season=np.arange(23) % 4, year=np.arange(23) // 4, correlated=True
        )
    with pytest.raises(DataError, match="3 years"):
        seasonal_trend.seasonal(season[:8], season=np.arange(8) % 4, year=np.arange(8) // 4)


@settings(max_examples=30, deadline=None)
@given(arrays(float, 8, elements=st.floats(0, 10)), st.floats(-5, 5))
def test_a_line_is_found_again_and_the_scale_does_not_move_it(noise, b):
    x, se = np.arange(8.0), np.full(8, 0.5)
    y = 3 + b * x + noise
    lines = [trend_line.weighted_line(x, y, se, scale=s) for s in ("known", "estimated", "larger")]
    assert len({line.slope for line in lines}) == 1
    assert lines[2].std_error == pytest.approx(max(lines[0].std_error, lines[1].std_error), rel=1e-12)
    assert lines[0].std_error == pytest.approx(0.5 / np.sqrt(42), rel=1e-12)


def test_what_a_line_needs():
    with pytest.raises(DataError, match="at least 3"):
        trend_line.weighted_line([1, 2], [1, 2], [1, 1])
    with pytest.raises(DataError, match="1 standard errors"):
        trend_line.weighted_line([1, 2, 3], [1, 2, 3], [1, 1, np.nan])
    with pytest.raises(DataError, match="positive"):
        trend_line.compound_growth(0.0, 5.0, 3)


def test_growth_has_limits_when_its_ends_have():
    found = trend_line.compound_growth(100.0, 121.0, 2, std_errors=(1.0, 1.0))
    assert found.rate == pytest.approx(10)
    assert found.low < 10 < found.high
    assert found.std_error == pytest.approx(110 * np.hypot(0.01, 1 / 121) / 2)
    assert np.isnan(trend_line.compound_growth(100.0, 121.0, 2).low)


def test_a_break_is_found_where_it_is():
    y = np.r_[np.zeros(12), np.ones(12) * 2] + np.random.default_rng(1).normal(size=24)
    found = breaks.sup_f(y)
    assert (found.after, found.p < 0.001) == (12, True)
    assert break_dates.several(y)[1].after == (12,)
    assert breaks.sup_f(y, trim=0.25).p < found.p  # fewer dates searched
    careful = breaks.sup_f(y, tail="matched").p
    assert breaks.chow(y, after=12).p < careful  # a date fixed beforehand needs less
    assert found.p < careful


@pytest.mark.parametrize("model", ["level", "trend"])
def test_the_size_of_a_search_for_a_break(model):
    Y = np.random.default_rng(2).normal(size=(80, 30))
    found = [breaks.sup_f(y, model=model, tail="matched").p for y in Y]
    assert 0 <= np.mean(np.array(found) <= 0.05) <= 0.08
    assert 0.4 < np.mean(found) < 0.9


def test_the_tail_of_the_largest_f():
    assert break_laws.sup_f_tail(0.0, 1, 0.15) == 1
    assert (
        break_laws.sup_f_tail(8.85, 1, 0.15)
        > break_laws.sup_f_tail(8.85, 1, 0.3)
        > break_laws.sup_f_tail(12.0, 1, 0.3)
    )


def test_too_few_values_for_a_break():
    with pytest.raises(DataError, match="needs 2 values on both sides"):
        breaks.chow(np.arange(6.0), after=1, model="trend")
    with pytest.raises(DataError, match="at least 8"):
        breaks.sup_f(np.arange(4.0))


def test_a_level_is_carried_over_a_gap_with_a_larger_error():
    y = [90.0, 90.4, np.nan, 90.6, 91.0]
    found = smoothing.local_level(y, [0.3] * 5, q=0.1)
    assert found.std_error[2] > found.std_error[1]
    assert 90.3 < found.level[2] < 90.7
    with pytest.raises(DataError, match="at least 3"):
        smoothing.local_level([1.0, 2.0], [1, 1])


def test_a_steady_series_has_steps_of_variance_zero():
    assert smoothing.local_level([5.0, 5.01, 4.99, 5.0, 5.0], [1.0] * 5).q == 0


def test_stl_needs_two_years_and_every_value():
    with pytest.raises(DataError, match="9 values"):
        smoothing.stl(np.arange(8.0), period=4)
    with pytest.raises(DataError, match="missing"):
        smoothing.stl(np.r_[np.arange(11.0), np.nan], period=4)
