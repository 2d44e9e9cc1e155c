import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, poisson

from qstats.errors import DataError, OptionError
from qstats.stats import control, control_exact, memory_charts, rare_events, run_rules

QUICK = settings(max_examples=40, deadline=None)
SERIES = st.lists(st.tuples(st.integers(0, 30), st.integers(30, 90)), min_size=4, max_size=12)
VALUES = st.lists(st.floats(-5, 5), min_size=3, max_size=15)


@QUICK
@given(SERIES)
def test_many_series_are_as_each_by_itself_and_a_share_and_its_complement_mirror(points):
    x, n = (np.array(a) for a in zip(*points, strict=True))
    both = np.stack([x, n - x])
    base = control.rate_baseline(both, n, kind="p", spread="laney")
    chart = control.rate_chart(both, n, base, kind="p")
    one = control.rate_baseline(x, n, kind="p", spread="laney")
    np.testing.assert_allclose(control.rate_chart(x, n, one, kind="p").low, chart.low[0], rtol=1e-12)
    np.testing.assert_allclose(chart.low[0], 1 - chart.high[1], atol=1e-12)
    np.testing.assert_array_equal(chart.outside[0], chart.outside[1])


def test_points_without_items_are_missing_and_change_nothing():
    x, n = [5, 9, 0, 6, 30], [100, 100, 0, 100, 100]
    base = control.rate_baseline(x, n, kind="p", spread="laney", baseline=4)
    assert base.centre == pytest.approx(20 / 300) and base.points == 3
    z = control.standardise(x, n, base.centre, kind="p")
    assert base.sigma_z == pytest.approx(abs(z[1] - z[0]) / 1.128)  # no range across the gap
    chart = control.rate_chart(x, n, base, kind="p")
    assert np.isnan(chart.value[2]) and not chart.outside[2] and chart.outside[4]
    assert np.isnan(control.moving_range([1.0, np.nan, 2.0]))


def test_limits_hold_the_chance_they_name():
    n, p = np.array([40, 400]), 0.07
    low, high = control_exact.probability_limits(n, p, kind="p", alpha=0.01)
    outside = binom.cdf(np.ceil(low * n) - 1, n, p), binom.sf(np.floor(high * n + 1e-9), n, p)
    assert (np.array(outside) <= 0.005).all()
    assert (binom.sf(np.floor(high * n - 1 + 1e-9), n, p) > 0.005).all()
    low, high = control_exact.probability_limits([10.0], 2.0, kind="u", alpha=0.1)
    assert (low, high) == (poisson.ppf(0.05, 20) / 10, poisson.ppf(0.95, 20) / 10)


def test_normal_scores_agree_with_z_where_counts_are_large():
    x, n = np.array([4700, 5000, 5300]), np.full(3, 50_000)
    z = control.standardise(x, n, 0.1, kind="p")
    np.testing.assert_allclose(control_exact.normal_scores(x, n, 0.1, kind="p"), z, atol=0.05)
    score = control_exact.normal_scores([3], [1.0], 2.0, kind="u")[0]
    assert norm.cdf(score) == pytest.approx(poisson.cdf(3, 2) - poisson.pmf(3, 2) / 2)
    assert np.isfinite(control_exact.normal_scores([1000], [1000], 0.001, kind="p")).all()


def test_options_of_charts_change_them():
    x, n = [5, 15, 10, 24], [100] * 4
    base = control.rate_baseline(x, n, kind="p")
    assert control.rate_chart(x, n, base, kind="p", width=2).outside.sum() == 2
    assert control.rate_chart(x, n, base, kind="p").outside.sum() == 1
    assert control.individuals([1.0, 2.0, 4.0], width=2).high < control.individuals([1.0, 2.0, 4.0]).high


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: control.rate_baseline([3], [2], kind="p"), DataError),
        (lambda: control.rate_baseline([-1], [2], kind="u"), DataError),
        (lambda: control.rate_baseline(3, 4, kind="p"), DataError),
        (lambda: control.rate_baseline([1, 2], [3, 3], kind="p", baseline=1), OptionError),
        (lambda: control.rate_baseline([1, 2], [3, 3], kind="p", baseline=3), OptionError),
        (lambda: control.individuals([1, 2], baseline=2.0), OptionError),
        (lambda: control.rate_baseline([1, 2], [3, 3], kind="q"), OptionError),
        (lambda: control.individuals([1, 2], width=0), OptionError),
        (lambda: control_exact.probability_limits([5], 0.1, kind="p", alpha=0), OptionError),
        (lambda: memory_charts.ewma([1.0], weight=0), OptionError),
        (lambda: memory_charts.cusum([1.0], headstart=9), OptionError),
        (lambda: memory_charts.cusum_tail([1.0], reference=0), OptionError),
        (lambda: memory_charts.cusum_tail([1.0], drift_variance=0.1), OptionError),
        (lambda: rare_events.g_chart([-1.0, 2.0]), DataError),
        (lambda: rare_events.g_chart([np.nan, np.nan]), DataError),
        (lambda: rare_events.t_chart([1.0, 2.0], baseline=1), OptionError),
        (lambda: rare_events.t_chart([1.0, 2.0], alpha=2), OptionError),
        (lambda: rare_events.t_chart([1.0, 2.0], width=-1), OptionError),
        (lambda: run_rules.nelson([1.0], rules=[9]), OptionError),
    ],
)
def test_what_is_no_chart_is_refused(call, error):
    with pytest.raises(error):
        call()


@QUICK
@given(VALUES, st.integers(1, 14), st.booleans())
def test_a_series_continued_is_the_series_in_one_piece(values, cut, reset):
    z = np.array(values)
    z[1] = np.nan
    a, b = z[:cut], z[cut:]
    whole, first = memory_charts.ewma(z), memory_charts.ewma(a)
    rest = memory_charts.ewma(b, start=first.value[..., -1], seen=first.seen[..., -1])
    np.testing.assert_array_equal(np.concatenate([first.value, rest.value]), whole.value)
    np.testing.assert_array_equal(np.concatenate([first.high, rest.high]), whole.high)
    if reset:
        return
    whole, first = memory_charts.cusum(z, headstart=1), memory_charts.cusum(a, headstart=1)
    at = (first.upper, first.lower, first.since_upper, first.since_lower)
    rest = memory_charts.cusum(b, state=memory_charts.CusumState(*(v[-1] for v in at)))
    for one, other, every in zip(first, rest, whole, strict=True):
        np.testing.assert_array_equal(np.concatenate([one, other]), every)


@QUICK
@given(VALUES)
def test_memory_charts_mirror_and_a_weight_of_one_remembers_nothing(values):
    z = np.array(values)
    up, down = memory_charts.cusum(z), memory_charts.cusum(-z)
    np.testing.assert_array_equal(up.upper, down.lower)
    np.testing.assert_array_equal(up.since_lower, down.since_upper)
    only = memory_charts.ewma(z, weight=1.0, width=3.0)
    np.testing.assert_array_equal(only.value, z)
    np.testing.assert_allclose(only.high, 3.0)


def test_a_reset_sum_begins_anew():
    z = [3.0, 3.0, 3.0, 3.0, 0.0]
    assert memory_charts.cusum(z, decision=4).signal_upper.tolist() == [False, True, True, True, True]
    found = memory_charts.cusum(z, decision=4, reset=True)
    assert found.upper.tolist() == [2.5, 5.0, 2.5, 5.0, 0.0]
    assert found.signal_upper.tolist() == [False, True, False, True, False]


def test_the_tail_of_a_cusum_is_what_simulation_gives():
    z = np.random.default_rng(7).standard_normal((40_000, 60))
    offset = np.random.default_rng(8).standard_normal((40_000, 1)) / np.sqrt(25)
    for t, shift, variance in ((60, 0.0, 0.0), (10, 0.0, 0.0), (20, offset, 1 / 25)):
        sums = memory_charts.cusum((z + shift)[:, :t]).upper[:, -1]
        for c in (2.0, 4.0):
            points = np.inf if t == 60 else t
            found = float(memory_charts.cusum_tail(c, points=points, drift_variance=variance))
            assert found == pytest.approx((sums > c).mean(), rel=0.25), (t, c)


def test_a_headstart_makes_a_high_sum_less_surprising():
    z = np.random.default_rng(7).standard_normal((40_000, 6))
    sums = memory_charts.cusum(z, headstart=2.5).upper[:, 3]
    found = float(memory_charts.cusum_tail(3.0, points=4, headstart=2.5))
    assert found == pytest.approx((sums > 3).mean(), rel=0.25)
    assert found > 1.5 * memory_charts.cusum_tail(3.0, points=4)


def test_rare_events_follow_their_laws():
    g = rare_events.g_chart([100, 200, 300])
    below = 1 - (1 - g.p) ** (g.high_probability + 1)
    assert below >= 1 - 0.00135 and 1 - (1 - g.p) ** g.high_probability < 1 - 0.00135
    assert g.high == pytest.approx(200 + 3 * np.sqrt(200 * 201))
    assert rare_events.g_chart([100, 200, 300], alpha=0.1).low_probability > g.low_probability
    assert rare_events.g_chart([100, 200, 300], width=1).high < g.high
    t = rare_events.t_chart([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0]])
    np.testing.assert_allclose(t.high[1], 10 * t.high[0])  # the unit of time does not matter
    assert rare_events.t_chart([1.0, 2.0, 4.0], baseline=2).mean == 1.5


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        (1, [0, 3.1]),
        (2, [0.1] * 9),
        (3, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (4, [0.1, -0.1] * 7),
        (5, [2.1, 0, 2.1]),
        (6, [1.1, 1.1, 0, 1.1, 1.1]),
        (7, [0.5, -0.5] * 7 + [0.5]),
        (8, [1.5, -1.5] * 4),
    ],
)
def test_a_rule_is_completed_by_its_last_point_and_not_before(rule, pattern):
    found = run_rules.nelson(pattern, rules=[rule])[0]
    assert found[-1] and not found[:-1].any()
    np.testing.assert_array_equal(run_rules.nelson(-np.array(pattern), rules=[rule])[0], found)
    broken = np.array(pattern, float)
    broken[-1] = np.nan
    assert not run_rules.nelson(broken, rules=[rule]).any()


def test_rules_look_at_series_apart():
    z = np.stack([[0.1] * 9, [-0.1] * 9, [0.1, -0.1] * 4 + [0.1]])
    assert run_rules.nelson(z, rules=[2])[0, :, -1].tolist() == [True, True, False]
    assert run_rules.nelson(z).shape == (8, 3, 9)
