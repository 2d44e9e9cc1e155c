import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats import count_run_length, memory_charts, run_length


def mean_run(signals):
    """Mean run length of simulated charts, a lower bound where a run is not over."""
    first = np.where(signals.any(-1), signals.argmax(-1) + 1, signals.shape[-1])
    return first.mean(), first.std() / np.sqrt(len(first))


def test_run_lengths_are_what_simulation_gives():
    z = np.random.default_rng(3).standard_normal((20_000, 150)) + 1
    cusum = memory_charts.cusum(z, decision=4, headstart=2)
    mean, error = mean_run(cusum.signal_upper | cusum.signal_lower)
    assert abs(run_length.cusum_arl(decision=4, headstart=2, shift=1) - mean) < 4 * error
    mean, error = mean_run(memory_charts.ewma(z, limits="asymptotic").outside)
    assert abs(run_length.ewma_arl(shift=1) - mean) < 4 * error


def test_a_weight_of_one_is_the_shewhart_chart_and_sides_add_as_rates():
    assert run_length.ewma_arl(weight=1.0, width=3.0) == pytest.approx(float(run_length.shewhart_arl()))
    one, two = (run_length.cusum_arl(sides=s) for s in ("one", "two"))
    assert one == pytest.approx(2 * two)
    assert run_length.cusum_arl(shift=0.7) == pytest.approx(run_length.cusum_arl(shift=-0.7))


def test_limits_reach_the_run_length_asked_for():
    assert run_length.cusum_arl(reference=0.3, decision=run_length.cusum_decision(250, reference=0.3)) == (
        pytest.approx(250)
    )
    assert run_length.ewma_arl(weight=0.1, width=run_length.ewma_width(150, weight=0.1)) == pytest.approx(150)


def test_poisson_cusum_by_hand_and_with_fractions():
    # k = 1, h = 1: signal at the first count of 2 or more
    assert count_run_length.poisson_cusum_arl(1.0, reference=1, decision=1) == pytest.approx(
        1 / (1 - 2 / np.e)
    )
    x = np.random.default_rng(5).poisson(2.0, (20_000, 400))
    S, first = np.full(len(x), 1.5), np.full(len(x), 400.0)
    for t in range(400):
        S = np.maximum(0, S + x[:, t] - 2.25)
        first = np.where((S >= 4.5) & (first == 400), t + 1, first)
    found = count_run_length.poisson_cusum_arl(2.0, reference=2.25, decision=4.5, headstart=1.5)
    assert abs(found - first.mean()) < 4 * first.std() / np.sqrt(len(x))


def test_estimated_limits_approach_known_ones():
    few, many = run_length.estimated_limits(20), run_length.estimated_limits(100_000)
    assert many.median_arl0 == pytest.approx(370.4, rel=0.01) and many.probability_short == 0
    assert few.false_alarm_rate > many.false_alarm_rate and few.probability_short > 0.4
    assert run_length.estimated_limits(20, width=4).probability_short < few.probability_short
    assert run_length.estimated_limits(20, short=50).probability_short < few.probability_short


def test_charts_of_counts_with_wider_limits_signal_less():
    assert count_run_length.p_chart_arl(50, 0.1, 0.1, width=4) > count_run_length.p_chart_arl(50, 0.1, 0.1)
    assert count_run_length.c_chart_arl(5, 5, width=4) > count_run_length.c_chart_arl(5, 5)
    assert count_run_length.p_chart_arl(5, 0.5, 0.5, width=3) == np.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: run_length.cusum_arl(headstart=6),
        lambda: run_length.cusum_arl(sides="three"),
        lambda: run_length.ewma_arl(weight=0),
        lambda: run_length.cusum_decision(1),
        lambda: count_run_length.poisson_cusum_arl(1, reference=0, decision=1),
        lambda: run_length.estimated_limits(1),
    ],
)
def test_impossible_charts_are_refused(call):
    with pytest.raises(OptionError):
        call()
