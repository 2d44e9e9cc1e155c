"""Breaks: identities between tests, limits of dates against walks, best divisions against all of them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.stats.break_dates import best, date_limits, jumps, segments, several
from qstats.stats.break_laws import argmax_quantile, argmax_tail
from qstats.stats.break_paths import KINDS, bic_falls, bic_p, by_draws, mosum_path
from qstats.stats.breaks import chow, f_path, ols_cusum, recursive_cusum, regressors, sup_f

RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=30)
series = st.lists(st.floats(-50, 50).map(lambda v: round(v, 3)), min_size=12, max_size=14).map(np.array)


@pytest.mark.parametrize("model", ["level", "trend"])
def test_every_point_of_the_path_is_chow_s_f(model):
    path = f_path(NOISE, model=model)
    k = 1 if model == "level" else 2
    want = [k * chow(NOISE, after=int(t), model=model).statistic for t in path.after]
    np.testing.assert_allclose(path.value, want, rtol=1e-8)
    assert sup_f(NOISE, model=model).statistic == pytest.approx(max(want), rel=1e-8)


def test_mean_f_lies_below_the_largest_and_exponential_f_between_their_halves():
    mean, exp = (by_draws(NOISE, kind=kind, n_draws=99).statistic for kind in ("aveF", "expF"))
    assert mean / 2 <= exp <= sup_f(NOISE).statistic / 2


@pytest.mark.parametrize("kind", KINDS)
def test_level_and_scale_do_not_matter_and_draws_begin_where_they_are_told(kind):
    one = by_draws(NOISE, kind=kind, n_draws=499)
    two = by_draws(1e3 - 7 * NOISE, kind=kind, n_draws=499)
    assert two.statistic == pytest.approx(one.statistic, rel=1e-9) and two.p == one.p
    assert len({by_draws(NOISE, kind=kind, n_draws=499, seed=seed).p for seed in range(4)}) > 1
    for option in ({"model": "trend"}, {"trim": 0.3}):
        other = by_draws(NOISE, kind=kind, n_draws=99, **option).statistic
        assert (other != pytest.approx(one.statistic, rel=1e-3)) == (
            kind != "ols-cusum" or "trim" not in option
        )


def test_drawn_p_values_reject_as_often_as_they_say():
    for model in ("level", "trend"):
        p = [
            by_draws(y, kind="mosum", model=model, n_draws=199)
            for y in np.random.default_rng(2).normal(size=(400, 12))
        ]
        assert np.mean([found.p <= 0.1 for found in p]) == pytest.approx(0.1, abs=0.045)  # 3 s.e.


def test_the_cumulated_residuals_are_those_of_the_other_test():
    assert by_draws(NOISE, kind="ols-cusum", n_draws=99).statistic == pytest.approx(
        ols_cusum(NOISE).statistic, rel=1e-12
    )
    assert mosum_path(NOISE, width=0.2).value.size == 30 - 6 + 1


@settings(deadline=None, max_examples=30)
@given(series)
def test_the_best_division_is_the_best_of_all(y):
    if np.ptp(y) == 0:
        y = y + np.arange(y.size)
    found = several(y, trim=0.2, most=2)
    h = max(int(0.2 * y.size), 2)
    total = np.sum((y - y.mean()) ** 2)
    for m, division in enumerate(found):
        every = [
            sum(np.sum((part - part.mean()) ** 2) for part in np.split(y, cuts))
            for cuts in combinations(range(h, y.size - h + 1), m)
            if all(b - a >= h for a, b in zip((0, *cuts), (*cuts, y.size), strict=True))
        ]
        assert abs(division.rss - min(every)) <= 1e-9 * total
    assert [d.rss for d in found] == sorted((d.rss for d in found), reverse=True)


@pytest.mark.parametrize("model", ["level", "trend"])
def test_the_fall_of_bic_is_that_of_the_divisions(model):
    Y = np.random.default_rng(4).normal(size=(5, 24)) + np.repeat([0.0, 1.0], 12)
    every = [several(y, model=model) for y in Y]
    want = [d[0].bic - best(d).bic for d in every]
    np.testing.assert_allclose(bic_falls(Y, model=model), want, rtol=1e-9, atol=1e-10)
    assert not np.allclose(bic_falls(Y, trim=0.45), bic_falls(Y, trim=0.1))
    assert not np.allclose(bic_falls(Y, trim=0.1, most=1), bic_falls(Y, trim=0.1))


def test_by_drawn_series_bic_rejects_as_often_as_it_says():
    drawn = np.random.default_rng(6).normal(size=(300, 20))
    assert np.mean(bic_falls(drawn) > 0) > 0.1  # BIC alone
    falls = np.sort(bic_falls(np.random.default_rng(7).normal(size=(2_000, 20))))
    assert np.mean(bic_falls(drawn) > falls[-100]) == pytest.approx(0.05, abs=0.04)  # 3 s.e.
    y = np.r_[drawn[0][:10], 2 + drawn[0][10:]]
    share = np.mean(falls >= bic_falls(y[None])[0])
    assert bic_p(y) == pytest.approx(share, abs=0.03) and bic_p(y, seed=1) <= 0.05
    assert round(100 * bic_p(y, n_draws=99), 9).is_integer()


def test_two_steps_without_noise_are_found_and_no_third():
    y = np.repeat([3.0, 5.0, 4.0], 10)
    assert best(several(y)).after == (10, 20)
    assert best(several(np.r_[y, y + 0.1 * 2])).after[:2] == (10, 20)
    assert [len(several(y, most=m)) for m in (0, 1)] == [1, 2]


def test_segments_are_least_squares_in_each_part():
    y = np.r_[NOISE[:15], 4 + NOISE[15:] / 10]
    parts = segments(y, (15,), model="trend")
    X = regressors(30, "trend")
    for part, at in zip(parts, (slice(0, 15), slice(15, 30)), strict=True):
        b, rss, *_ = np.linalg.lstsq(X[at], y[at])
        np.testing.assert_allclose(part.coef, b, rtol=1e-9)
        assert part.variance == pytest.approx(rss[0] / 15, rel=1e-9)
        assert part.last[0] == pytest.approx(X[at][-1] @ b, rel=1e-9)
    change, se = jumps(y, (15,))[0]
    assert change == pytest.approx(y[15:].mean() - y[:15].mean(), rel=1e-12)
    assert se == pytest.approx(np.hypot(y[:15].std(ddof=1), y[15:].std(ddof=1)) / np.sqrt(15), rel=1e-9)
    with pytest.raises(DataError, match="needs 2 values"):
        segments(y, (15, 16), model="trend")


def test_the_highest_point_has_the_law_of_its_formula():
    assert argmax_quantile(0.95) == pytest.approx(7.687, rel=1e-3)  # Yao (1987)
    assert argmax_quantile(0.975) == pytest.approx(11.03, rel=1e-3)
    assert argmax_quantile(0.5) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("drift", "spread"), [(1.0, 1.0), (2.0, 0.5), (0.6, 2.0)])
def test_both_sides_of_the_highest_point_add_up_to_one_and_agree_with_drawn_walks(drift, spread):
    before = argmax_tail(0.0, drift=0.5, spread=1.0, other=drift / spread)
    behind = argmax_tail(0.0, drift=drift / 2, spread=spread, other=1.0)
    assert before + behind == pytest.approx(1.0, rel=1e-12)
    h, steps, rng = 0.02, 2_000, np.random.default_rng(1)
    left = np.cumsum(rng.normal(-h / 2, np.sqrt(h), (3_000, steps)), 1)
    right = np.cumsum(rng.normal(-drift / 2 * h, np.sqrt(spread * h), (3_000, steps)), 1)
    after = right.max(1) > np.maximum(left.max(1), 0)
    late = after & (right.argmax(1) * h > 1.0)
    assert late.mean() == pytest.approx(argmax_tail(1.0, drift=drift / 2, spread=spread, other=1.0), abs=0.03)


def test_quantiles_are_where_the_tail_says_and_turn_round_with_the_sides():
    for q in (0.6, 0.9, 0.99):
        x = argmax_quantile(q, drift=0.7, spread=0.8)
        assert argmax_tail(x, drift=0.35, spread=0.8, other=1.0) == pytest.approx(1 - q, rel=1e-8)
    # the sides changed, in units of time φ/ξ²
    turned = argmax_quantile(0.9, drift=1 / 0.7, spread=1 / 0.8)
    assert argmax_quantile(0.1, drift=0.7, spread=0.8) == pytest.approx(-0.8 / 0.7**2 * turned, rel=1e-8)


def test_a_smaller_change_has_wider_limits():
    sure, level_99 = (
        date_limits(np.r_[NOISE[:15], 3 + NOISE[15:]], (15,), level=level)[0] for level in (0.9, 0.99)
    )
    vague = date_limits(np.r_[NOISE[:15], 0.7 + NOISE[15:]], (15,))[0]
    assert vague.high - vague.low > level_99.high - level_99.low >= sure.high - sure.low
    assert date_limits(np.repeat([1.0, 2.0], 6), (6,))[0] == (6, 6, 6)


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
@pytest.mark.parametrize("option", ["kind", "model", "trim", "n_draws", "seed", "most", "level"])
def test_options_out_of_range_are_refused(option, value):
    if (option, value) == ("seed", 0) or (option == "most" and value == 0):
        return
    ask = {
        "most": lambda: several(NOISE, most=value),
        "level": lambda: date_limits(NOISE, (15,), level=value),
    }.get(option, lambda: by_draws(NOISE, **{"kind": "aveF", option: value}))
    with pytest.raises(OptionError):
        ask()


@pytest.mark.parametrize("model", ["level", "trend"])
@pytest.mark.parametrize("level", [0.0, 0.1, 98.7, 1e8 / 3])
def test_values_on_the_model_have_nothing_to_test(model, level):
    y = np.full(23, level) + (0.7 * np.arange(23) if model == "trend" else 0)
    tests = [chow(y, after=9, model=model), sup_f(y, model=model), ols_cusum(y, model=model)]
    tests += [sup_f(y, model=model, tail="matched"), recursive_cusum(y, model=model)]
    tests += [by_draws(y, kind=kind, model=model, n_draws=99) for kind in KINDS]
    assert all(np.isnan(found.statistic) and np.isnan(found.p) for found in tests)
    assert np.isnan(bic_p(y, model=model, n_draws=99)) and best(several(y, model=model)).after == ()


@pytest.mark.parametrize("model", ["level", "trend"])
def test_a_step_without_noise_is_beyond_every_draw(model):
    y = np.r_[np.full(11, 0.1), np.full(12, 0.3)] + (0.7 * np.arange(23) if model == "trend" else 0)
    for found in (chow(y, after=11, model=model), sup_f(y, model=model)):
        assert (found.statistic, found.p) == (np.inf, 0)
    for kind in ("aveF", "expF"):
        assert by_draws(y, kind=kind, model=model, n_draws=99) == (np.inf, 0.01, 11)
    assert bic_p(y, model=model, n_draws=99) == 0.01
