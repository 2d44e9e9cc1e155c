import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from qstats.errors import OptionError
from qstats.stats.attainment import probability, required_pace, verdict

RATES = st.floats(1, 99)


@settings(deadline=None, max_examples=50)
@given(x=RATES, T=RATES, h=st.integers(1, 20))
def test_the_required_pace_leads_to_the_target(x, T, h):
    linear, geometric, complement = (
        float(required_pace(x, T, h, path=path)) for path in ("linear", "geometric", "complement")
    )
    assert x + h * linear == pytest.approx(T, rel=1e-12)
    assert x * (1 + geometric) ** h == pytest.approx(T, rel=1e-12)
    assert 100 - (100 - x) * (1 + complement) ** h == pytest.approx(T, rel=1e-11)


def test_the_complement_of_another_whole():
    assert float(required_pace(900, 950, 1, path="complement", whole=1000)) == pytest.approx(-0.5)
    assert np.isnan(required_pace(900, 950, 1, path="complement"))


def test_the_whole_itself_takes_away_all_that_is_missing():
    assert float(required_pace(93.0, 100.0, 3, path="complement")) == -1


@pytest.mark.parametrize("years", [0, -2, np.nan])
def test_without_time_there_is_no_pace(years):
    assert np.isnan(required_pace(93, 95, years))


def test_nothing_grows_from_zero():
    assert np.isnan(required_pace(0, 95, 2, path="geometric"))
    assert np.isnan(required_pace(100, 95, 2, path="complement"))


@settings(deadline=None, max_examples=50)
@given(x=RATES, T=RATES, s=st.floats(0.01, 5))
def test_to_reach_and_not_to_reach_are_complements(x, T, s):
    for scale in ("identity", "logit"):
        up, down = (float(probability(x, s, T, sign=sign, scale=scale)) for sign in (1, -1))
        assert up + down == pytest.approx(1, rel=1e-12)
        assert (up >= 0.5) == (x >= T)


def test_the_probability_is_that_of_the_t_distribution():
    assert float(probability(94.6, 0.5, 95, df=5)) == pytest.approx(t.sf(0.8, 5), rel=1e-12)
    assert float(probability(94.6, 0.5, 95)) == pytest.approx(norm.sf(0.8), rel=1e-12)


def test_the_logit_scale_by_hand():
    z = (np.log(98 / 2) - np.log(99 / 1)) / 0.7 * (0.98 * 0.02 * 100)
    assert float(probability(98, 0.7, 99, scale="logit")) == pytest.approx(norm.cdf(z), rel=1e-12)


def test_the_whole_may_be_another_one():
    as_rate = float(probability(98, 0.7, 99, scale="logit"))
    assert float(probability(980, 7, 990, scale="logit", whole=1000)) == pytest.approx(as_rate, rel=1e-12)


@pytest.mark.parametrize("s", [0.0, np.nan])
def test_no_error_no_probability(s):
    assert np.isnan(probability(94.6, s, 95))


def test_a_gap_of_zero_meets_only_where_equality_does():
    assert verdict(0.0, 1.0, near=1).item() == "met"
    assert verdict(0.0, 1.0, near=1, equal=False).item() == "undecided"
    assert verdict(-1.0, 0.0, near=1, equal=False).item() == "near"


def test_near_is_for_the_reader_to_say():
    assert verdict(-0.9, -0.2, near=0.5).item() == "not met"
    assert verdict(np.nan, -0.2, near=0.5).item() == "no data"


def test_choices_that_do_not_exist():
    with pytest.raises(OptionError, match="geometric"):
        required_pace(1, 2, 3, path="geometrical")
    with pytest.raises(OptionError, match="logit"):
        probability(1, 2, 3, scale="log")
    with pytest.raises(OptionError, match="sign=2"):
        probability(1, 2, 3, sign=2)
