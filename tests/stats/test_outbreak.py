import numpy as np
import pytest
from scipy.stats import norm

from qstats.errors import DataError, OptionError
from qstats.stats.farrington_flexible import farrington_flexible
from qstats.stats.outbreak import count_cusum, farrington

RNG = np.random.default_rng(11)
MANY = RNG.poisson(40 * np.exp(0.3 * np.sin(np.arange(120) / 6 * np.pi)), (300, 120)).astype(float)


def test_many_series_are_as_each_by_itself_and_order_does_not_matter():
    every = farrington(MANY)
    for i in (0, 7, 299):
        for whole, one in zip(every, farrington(MANY[i]), strict=True):
            np.testing.assert_allclose(one[0], whole[i], rtol=1e-9, atol=1e-12)
    for a, b in zip(every, farrington(MANY[::-1]), strict=True):
        np.testing.assert_allclose(a, b[::-1], rtol=1e-9, atol=1e-12)


def test_without_trend_and_weights_the_expectation_is_the_mean_of_the_base():
    found = farrington(MANY, trend=False, reweight=False, power="none", half_width=0)
    base = MANY[:, [119 - 12 * k for k in range(1, 6)]]
    np.testing.assert_allclose(found.expected, base.mean(1), rtol=1e-12)
    phi = np.maximum(base.var(1, ddof=1) / base.mean(1), 1)
    upper = base.mean(1) + norm.ppf(0.995) * np.sqrt(phi * base.mean(1) * (1 + 1 / 5))
    np.testing.assert_allclose(found.upper, upper, rtol=1e-12)
    np.testing.assert_allclose(found.dispersion, phi, rtol=1e-9)


def test_alarms_are_about_as_rare_as_they_should_be_and_outbreaks_are_found():
    assert farrington(MANY).alarm.mean() < 0.02
    assert farrington(MANY, alpha=0.2).alarm.mean() > farrington(MANY).alarm.mean()
    loud = MANY.copy()
    loud[:, -1] *= 2.5
    found = farrington(loud)
    assert found.alarm.mean() > 0.9 and (found.score[found.alarm] > 1).all()


def test_past_outbreaks_weigh_less():
    outbreak = MANY.copy()
    outbreak[:, 107 - 24] *= 3
    light, full = (farrington(outbreak, reweight=r).expected.mean() for r in (True, False))
    assert abs(light - farrington(MANY).expected.mean()) < 0.5 * (full - farrington(MANY).expected.mean())


def test_a_trend_is_kept_where_there_is_one():
    rising = RNG.poisson(40 * np.exp(0.008 * np.arange(120)), (100, 120)) + 0.0
    found = farrington(rising)
    assert 0.004 < np.median(found.trend[found.trend != 0]) < 0.012 and (found.trend != 0).mean() > 0.4
    assert (farrington(rising, trend=False).trend == 0).all()
    assert (farrington(MANY).trend != 0).mean() < 0.2


def test_options_change_the_bound():
    usual = farrington(MANY).upper
    for other in ({"power": "none"}, {"years": 4}, {"half_width": 2}, {"season": 10}):
        assert not np.allclose(farrington(MANY, **other).upper, usual)


def test_too_few_counts_cannot_say():
    few = np.zeros(120)
    few[[3, 50, 110]] = 1
    found = farrington(few)
    assert not found.enough[0] and not found.alarm[0] and np.isnan(found.upper[0])
    assert farrington(MANY[:1], least=(10_000, 4)).enough.tolist() == [False]


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(DataError, match="61 periods"):
        farrington(MANY[:, :60])
    with pytest.raises(DataError, match="nan"):
        farrington(np.where(np.arange(120) == 5, np.nan, MANY[0]))
    for wrong in ({"alpha": 0}, {"years": 0}, {"half_width": 9}, {"power": "1/2"}):
        with pytest.raises(OptionError):
            farrington(MANY, **wrong)


def test_the_cusum_of_counts_grows_in_an_outbreak_and_nears_poisson():
    mu = np.full(40, 20.0)
    y = np.random.default_rng(0).poisson(np.r_[mu[:20], 1.6 * mu[20:]])
    sums, step = count_cusum(y, mu)
    assert sums[:20].max() < 5 < 30 < sums[-1]
    np.testing.assert_allclose(count_cusum(y, mu, dispersion=1e-9)[1], step, rtol=1e-5)
    assert count_cusum(y, mu, dispersion=0.2)[0][-1] < sums[-1]
    assert not np.allclose(count_cusum(y, mu, ratio=2)[0], sums)
    holed = np.where(np.arange(40) == 30, np.nan, y)
    found = count_cusum(holed, mu)[0]
    assert found[30] == found[29]
    np.testing.assert_array_equal(count_cusum(np.stack([y, y]), mu)[0][1], sums)
    for wrong in ({"ratio": 1}, {"dispersion": -1}):
        with pytest.raises(OptionError):
            count_cusum(y, mu, **wrong)
    with pytest.raises(DataError):
        count_cusum(y, 0 * mu)


def test_after_years_without_events_the_exact_chance_alone_says():
    """Of n base periods and the last, y events all fall into the last with chance (n + 1)^-y."""
    silent = np.zeros((4, 120))
    silent[:, -4] = 9  # enough to judge, and no part of the base
    silent[:, -1] = [0, 1, 2, 30]
    for judge, side, n in ((farrington, 2, 35), (farrington_flexible, 1, 15)):
        found = judge(silent)
        assert (found.expected == 0).all() and (found.trend == 0).all() and found.enough.all()
        assert np.isnan([found.upper, found.score, found.dispersion]).all()
        np.testing.assert_allclose(found.p, (n + 1.0) ** -silent[:, -1], rtol=1e-12)
        assert found.alarm.tolist() == [False, False, True, True]
        p = (n + 1.0) ** -2
        assert [judge(silent, alpha=a * side * p).alarm[2] for a in (0.99, 1.01)] == [False, True]
        assert not judge(silent, least=(50, 4)).alarm.any()
        mixed = judge(np.vstack([silent, MANY]))
        np.testing.assert_allclose(mixed.score[4:], judge(MANY).score, rtol=1e-9)


def test_p_is_half_of_alpha_at_the_bound():
    for power in ("2/3", "none"):
        found = farrington(MANY, alpha=0.3, power=power)
        assert ((found.p < 0.15) == found.alarm).all() and found.alarm.sum() > 5
