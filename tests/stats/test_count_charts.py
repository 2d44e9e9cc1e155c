"""Charts of counts: laws, regressions, sums and run lengths against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import digamma

from qstats.errors import DataError, OptionError
from qstats.stats.count_charts import average_run_length, decision_for, glr_chart, ratio_cusum
from qstats.stats.count_law import at_least, quantile, rise_weights
from qstats.stats.count_regression import _both, _UnsettledError, fit_counts, seasonal_regressors
from qstats.stats.farrington_flexible import farrington_flexible, reference
from qstats.stats.outbreak import count_cusum, farrington
from qstats.stats.short_baselines import CROW_GARDNER, ears, rki

RNG = np.random.default_rng(3)
SEASON = 40 * np.exp(0.4 * np.sin(np.arange(84) / 6 * np.pi))
COUNTS = RNG.poisson(SEASON).astype(float)
MANY = (
    np.random.default_rng(11)
    .poisson(40 * np.exp(0.3 * np.sin(np.arange(96) / 6 * np.pi)), (200, 96))
    .astype(float)
)
WRONG = [None, "x", -1, 0, float("nan"), float("inf"), []]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 80), st.floats(0.05, 60), st.floats(1, 6))
def test_tails_and_quantiles_are_those_of_the_laws(y, mean, phi):
    law = stats.poisson(mean) if phi < 1 + 1e-8 else stats.nbinom(mean / (phi - 1), 1 / phi)
    assert float(at_least(y, mean, phi)) == pytest.approx(law.sf(y - 1), rel=1e-6)
    assert float(quantile(0.99, mean, phi)) == law.ppf(0.99)
    assert np.isnan(quantile(0.99, np.nan, phi))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 80), st.floats(0.05, 60), st.floats(1.05, 5), st.sampled_from([0.0, 0.02, 0.5, 3.0]))
def test_weight_and_charge_are_the_logarithm_of_the_ratio_of_two_laws(y, mean, ratio, alpha):
    def logpmf(mu):
        law = stats.poisson(mu) if alpha == 0 else stats.nbinom(1 / alpha, 1 / (1 + alpha * mu))
        return law.logpmf(y)

    weight, charge = rise_weights([mean, np.nan], ratio=ratio, dispersion=alpha)
    size = abs(logpmf(ratio * mean)) + abs(logpmf(mean))
    assert abs(weight[0] * y - charge[0] - logpmf(ratio * mean) + logpmf(mean)) < 1e-11 * (1 + size)
    assert np.isnan([weight[1], charge[1]]).all()


def test_the_fit_is_a_maximum_and_a_constant_fits_the_mean():
    y = RNG.negative_binomial(4, 0.1, 60).astype(float)
    X = seasonal_regressors(np.arange(60), season=12, trend=True)
    fit = fit_counts(y, X)

    def likelihood(beta, alpha):
        mu = np.exp(X @ beta)
        return stats.nbinom(1 / alpha, 1 / (1 + alpha * mu)).logpmf(y).sum()

    best = likelihood(fit.beta, fit.dispersion)
    for i in range(4):
        for step in (-0.02, 0.02):
            assert likelihood(fit.beta + step * np.eye(4)[i], fit.dispersion) < best
    assert all(likelihood(fit.beta, fit.dispersion * f) < best for f in (0.9, 1.1))
    flat = fit_counts(y, np.ones((60, 1)))
    assert flat.mean == pytest.approx(y.mean(), rel=1e-10)
    assert fit_counts(y, X, law="poisson").dispersion == 0
    assert fit_counts([4, 5, 5, 6, 5, 4, 6, 5], np.ones((8, 1))).dispersion == 0  # varies less than chance


def overdispersed(k):
    """Counts of some years with α from 0.5 to 6, and two waves and a trend as regressors."""
    rng = np.random.default_rng([5, k])
    t, alpha = np.arange(36), np.exp(rng.uniform(np.log(0.5), np.log(6)))
    mu = 8 * np.exp(rng.uniform(0, 1.5) * np.cos(t / 6 * np.pi) + rng.uniform(-0.3, 0.3) * t / 12)
    y = rng.negative_binomial(1 / alpha, 1 / (1 + alpha * mu)).astype(float)
    return y, seasonal_regressors(t, season=12, harmonics=2, trend=True)


def test_an_overdispersed_fit_that_scoring_overshoots_is_found_and_every_other_stays():
    overshot = 0
    for k in range(20):
        y, X = overdispersed(k)
        fit = fit_counts(y, X)
        residual, r = (y - fit.mean) / (1 + fit.dispersion * fit.mean), 1 / fit.dispersion
        assert np.abs(X.T @ residual).max() < 1e-7 * np.abs(residual).sum()
        parts = (digamma(y + r) - digamma(r), np.log1p(fit.mean / r), (fit.mean - y) / (r + fit.mean))
        assert abs(np.sum(parts[0] - parts[1] + parts[2])) < 1e-7 * sum(np.abs(p).sum() for p in parts)
        halved = _both(y, X, "negative-binomial", True)
        assert fit.dispersion == pytest.approx(halved[1], rel=1e-7)
        try:
            plain = _both(y, X, "negative-binomial", False)
        except _UnsettledError:
            overshot += 1
        else:
            assert (plain[0] == fit.beta).all() and plain[1] == fit.dispersion
    assert overshot == 2


def test_regressors_of_a_season():
    t = np.arange(24)
    X = seasonal_regressors(t, season=12, harmonics=2)
    np.testing.assert_allclose(X[:12], X[12:], atol=1e-12)
    assert [seasonal_regressors(t, season=4, harmonics=h).shape[1] for h in (0, 1, 2)] == [1, 3, 4]
    assert seasonal_regressors(t, season=12, trend=True)[:, 1].tolist() == pytest.approx((t / 12).tolist())
    with pytest.raises(DataError, match="at most 2"):
        seasonal_regressors(t, season=4, harmonics=3)


def test_until_the_first_signal_it_is_the_sum_that_runs_on():
    y, mu = COUNTS * np.where(np.arange(84) > 60, 1.4, 1.0), SEASON
    found, (sums, _) = (
        ratio_cusum(y, mu, decision=4, dispersion=0.01),
        count_cusum(y, mu, dispersion=0.01),
    )
    first = int(np.argmax(found.signal))
    assert found.signal.any()
    np.testing.assert_allclose(found.sums[: first + 1], sums[: first + 1], rtol=1e-9, atol=1e-12)
    nothing = ratio_cusum(y[first + 1 :], mu[first + 1 :], decision=4, dispersion=0.01)
    np.testing.assert_allclose(found.sums[first + 1 :], nothing.sums, rtol=1e-9, atol=1e-12)
    over = ratio_cusum(
        np.r_[y[:first], np.ceil(found.upper[first])], mu[: first + 1], decision=4, dispersion=0.01
    )
    under = ratio_cusum(
        np.r_[y[:first], np.floor(found.upper[first])], mu[: first + 1], decision=4, dispersion=0.01
    )
    assert over.signal[-1] and not under.signal[-1]


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_the_generalised_ratio_is_the_largest_over_onsets_and_rises(alpha):
    y, mu = np.round(COUNTS[:20] * np.where(np.arange(20) >= 12, 1.6, 1.0)), SEASON[:20]
    found = glr_chart(y, mu, decision=1e9, dispersion=alpha)
    rises = np.exp(np.linspace(0, 1.5, 601))
    steps = np.stack([log_ratio(y, mu, rise, alpha) for rise in rises])
    for t in (3, 12, 19):
        best = max(steps[:, k : t + 1].sum(1).max() for k in range(t + 1))
        assert best - 1e-9 <= found.sums[t] <= best + 2e-3
    onset = found.began[19]
    assert 10 <= onset <= 14
    assert found.ratio[19] == pytest.approx(y[onset:].sum() / mu[onset:].sum(), rel=0.02)
    assert (glr_chart(y, mu, decision=1e9, dispersion=alpha, window=1).sums <= found.sums + 1e-12).all()
    nearly = glr_chart(y, mu, decision=1e9, dispersion=1e-7)
    np.testing.assert_allclose(nearly.sums, glr_chart(y, mu, decision=1e9).sums, rtol=1e-3)


def log_ratio(y, mu, rise, alpha):
    if alpha == 0:
        return stats.poisson.logpmf(y, rise * mu) - stats.poisson.logpmf(y, mu)
    parts = [stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * m)) for m in (rise * mu, mu)]
    return parts[0] - parts[1]


def test_run_lengths_are_those_of_simulated_charts():
    mu, alpha, rng = SEASON[:12], 0.05, np.random.default_rng(1)
    for shift, length in ((1.0, 600), (1.5, 48)):
        m = np.stack([np.roll(np.tile(mu, length // 12), -start) for start in range(12)] * 60)
        y = rng.negative_binomial(1 / alpha, 1 / (1 + alpha * m * shift))
        over = count_cusum(y, m, dispersion=alpha)[0] >= 2.0
        assert over.any(1).mean() > 0.99
        first = np.where(over.any(1), over.argmax(1) + 1, length)
        want = average_run_length(mu, decision=2.0, dispersion=alpha, shift=shift)
        assert first.mean() == pytest.approx(want, abs=4 * first.std() / np.sqrt(720))


def test_a_decision_interval_has_its_run_length():
    mu = SEASON[:12]
    for wanted in (50, 300):
        h = decision_for(mu, run_length=wanted, dispersion=0.05)
        assert average_run_length(mu, decision=h, dispersion=0.05) == pytest.approx(wanted, rel=0.02)
    assert decision_for(mu, run_length=300, ratio=1.2) > decision_for(mu, run_length=300, ratio=1.5)


def test_ears_are_means_and_deviations_of_the_window():
    y = COUNTS[:40]
    c1, c2, c3 = (ears(y, method=m) for m in ("C1", "C2", "C3"))
    window, lagged = y[13:20], y[11:18]
    assert c1.score[0, 20] == pytest.approx((y[20] - window.mean()) / window.std(ddof=1), rel=1e-12)
    assert c2.expected[0, 20] == pytest.approx(lagged.mean(), rel=1e-12)
    assert c3.score[0, 20] == pytest.approx(np.maximum(0, c2.score[0, 18:21] - 1).sum(), rel=1e-12)
    assert np.isnan(c1.score[0, :7]).all() and np.isnan(c3.score[0, :11]).all()
    known = ~np.isnan(c3.upper[0])
    np.testing.assert_array_equal(c3.alarm[0, known], y[known] > c3.upper[0, known])
    for option in ({"baseline": 9}, {"alpha": 0.05}, {"least_sd": 30.0}):
        assert not np.allclose(ears(y, **option).upper[0, 20:], c1.upper[0, 20:])
    assert not np.allclose(ears(y, method="C2", lag=0).score[0, 20:], c2.score[0, 20:])
    assert np.isnan(ears([5.0] * 9).score).all() and not ears([5.0] * 9).alarm.any()


def test_the_rule_of_few_counts_uses_the_table_and_of_many_two_deviations():
    y = np.r_[np.tile([3.0, 4, 2], 12), 30.0]
    found = rki(y)
    assert found.upper[0, -1] == CROW_GARDNER[int(found.expected[0, -1])] and found.alarm[0, -1]
    high = rki(COUNTS)
    base = COUNTS[[83 - 12 * k + d for k in (1, 2) for d in range(-2, 3)]]
    assert high.upper[0, 83] == pytest.approx(base.mean() + 2 * base.std(ddof=1), rel=1e-12)
    for option in ({"years": 3}, {"half_width": 1}, {"present": True}, {"season": 10}):
        assert rki(COUNTS, **option).upper[0, 83] != pytest.approx(high.upper[0, 83])


def test_limits_of_few_counts_cover_what_they_should():
    # the limit L(x) is the largest mean for which x is not too few: P(X ≤ x) falls below 5 % about there
    for x, high in enumerate(CROW_GARDNER):
        assert stats.poisson(high).cdf(x) < 0.05 < stats.poisson(high * 0.8).cdf(x)


def test_steps_of_the_season_partition_the_year():
    base = reference(96, (12, 5, 1, 4, 6))
    steps = np.c_[1 - base.X[:, 2:].sum(1), base.X[:, 2:]]
    assert (steps.sum(1) == 1).all() and set(steps.ravel()) == {0.0, 1.0}
    phase = (base.at - 95) % 12
    assert set(phase[steps[:, 0] == 1]) == {11, 0, 1} and base.at.max() == 88
    assert [len(set(phase[steps[:, j] == 1])) for j in (1, 2, 3)] == [3, 3, 3]


def test_many_series_are_as_each_by_itself():
    every = farrington_flexible(MANY)
    for i in (0, 7, 199):
        for whole, one in zip(every, farrington_flexible(MANY[i]), strict=True):
            np.testing.assert_allclose(one[0], whole[i], rtol=1e-8, atol=1e-11)


def test_flexible_bounds_alarm_about_as_often_as_they_say_and_options_matter():
    usual = farrington_flexible(MANY, alpha=0.05)
    assert 0.02 <= usual.alarm.mean() <= 0.09  # 200 series, three standard errors
    for option in (
        {"years": 4},
        {"half_width": 2},
        {"parts": 2},
        {"parts": 1},
        {"skip": 0},
        {"trend_p": 0.0},
        {"outlier": 1.0},
        {"threshold": "mean-limit"},
        {"threshold": "2/3-power"},
        {"alpha": 0.01},
        {"time": np.arange(96.0) ** 1.5},
    ):
        assert not np.allclose(farrington_flexible(MANY, **{"alpha": 0.05} | option).upper, usual.upper)
    low = farrington_flexible(np.zeros((1, 96)))
    assert not low.alarm.any() and np.isnan(low.upper).all()
    assert farrington_flexible(np.r_[np.zeros(95), 9.0], least=(5, 4)).alarm.all()


def test_what_does_not_settle_is_not_a_number_and_only_there(monkeypatch):
    usual, high = farrington_flexible(MANY[:1]), np.vstack([MANY[0], 1e9 + MANY[0]])  # above e^20
    found = farrington_flexible(high)
    for field in ("expected", "upper", "score", "dispersion", "trend", "p"):
        value = getattr(found, field)
        assert value[0] == pytest.approx(getattr(usual, field)[0], rel=1e-8) and np.isnan(value[1])
    assert not found.alarm[1]
    t = np.arange(72)
    X = seasonal_regressors(t, season=12)
    for law in ("poisson", "negative-binomial"):
        lost = fit_counts(5.0 * (t % 12 == 0), X, law=law)  # ten months of the year without an event
        assert all(np.isnan(part).all() for part in lost)
    monkeypatch.setattr("qstats.stats.count_charts._ROUNDS", 1)
    early = glr_chart([40, 0, 90], [10.0, 1.0, 3.0], decision=5, dispersion=0.5)
    assert np.isnan(early.sums[1:]).all() and np.isnan(early.ratio[1:]).all() and not early.signal[1:].any()


@pytest.mark.parametrize("value", WRONG)
def test_options_out_of_range_are_refused(value):
    y, mu = COUNTS[:30], SEASON[:30]
    asks = {
        "season": lambda: farrington_flexible(MANY, season=value),
        "years": lambda: farrington(MANY, years=value),
        "half_width": lambda: farrington(MANY, half_width=value),
        "alpha": lambda: farrington(MANY, alpha=value),
        "trend": lambda: farrington(MANY, trend=value),
        "power": lambda: farrington(MANY, power=value),
        "parts": lambda: farrington_flexible(MANY, parts=value),
        "skip": lambda: farrington_flexible(MANY, skip=value),
        "outlier": lambda: farrington_flexible(MANY, outlier=value),
        "trend_p": lambda: farrington_flexible(MANY, trend_p=value),
        "threshold": lambda: farrington_flexible(MANY, threshold=value),
        "baseline": lambda: ears(y, baseline=value),
        "ears alpha": lambda: ears(y, alpha=value),
        "method": lambda: ears(y, method=value),
        "rki years": lambda: rki(COUNTS, years=value),
        "decision": lambda: ratio_cusum(y, mu, decision=value),
        "ratio": lambda: ratio_cusum(y, mu, decision=3, ratio=value),
        "old ratio": lambda: count_cusum(y, mu, ratio=value),
        "dispersion": lambda: glr_chart(y, mu, decision=3, dispersion=value),
        "window": lambda: glr_chart(y, mu, decision=3, window=value),
        "run_length": lambda: decision_for(mu, run_length=value),
        "shift": lambda: average_run_length(mu, decision=3, shift=value),
        "law": lambda: fit_counts(y, np.ones((30, 1)), law=value),
        "harmonics": lambda: seasonal_regressors(y, season=12, harmonics=value),
    }
    fine = {
        0: ("half_width", "skip", "dispersion", "harmonics", "trend_p"),
        None: ("ears alpha", "window"),
        float("inf"): ("outlier",),
    }
    for option, ask in asks.items():
        if not isinstance(value, list) and option in fine.get(value, ()):
            continue
        with pytest.raises(OptionError):
            ask()
            pytest.fail(f"{option}={value!r} was taken")


def test_quantiles_of_giant_counts_end():
    found = quantile(0.99, [60.0, 1e16, 1e300], [1.0, 1.0, 1e280])
    assert found[0] == 79
    assert found[1] == pytest.approx(1e16 + 2.3263 * 1e8, rel=1e-9)
    assert np.isnan(found[2])
