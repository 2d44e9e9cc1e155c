import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError
from qstats.stats.multiplicity import ADJUSTMENT, adjusted
from qstats.stats.two_rates import Counts, miettinen_nurminen, newcombe, p_score

P = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(P, st.sampled_from(ADJUSTMENT))
def test_an_adjusted_p_is_no_smaller_and_keeps_the_order(p, method):
    found = adjusted(p, method=method)
    assert (found >= np.array(p) - 1e-15).all() and (found <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(found[order]) >= -1e-15).all()


@settings(max_examples=30, deadline=None)
@given(P)
def test_holm_is_between_bh_and_bonferroni(p):
    bh, holm, bonferroni = (adjusted(p, method=m) for m in ("bh", "holm", "bonferroni"))
    assert (bh <= holm + 1e-15).all() and (holm <= bonferroni + 1e-15).all()


def test_what_was_not_tested_is_not_counted():
    found = adjusted([0.01, np.nan, 0.04], method="bonferroni")
    assert found[[0, 2]].tolist() == [0.02, 0.08]
    assert np.isnan(found[1])


def test_no_p_value_and_no_method():
    with pytest.raises(DataError, match=r"1\.5"):
        adjusted([0.2, 1.5])
    with pytest.raises(OptionError, match="holm"):
        adjusted([0.2], method="hulm")


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(max_examples=40, deadline=None)
@given(counts, counts)
def test_intervals_of_two_rates_contain_the_difference_and_mirror(one, two):
    d = two[0] / two[1] - one[0] / one[1]
    for interval in (newcombe, miettinen_nurminen):
        low, high = interval(Counts(*one), Counts(*two))
        assert -1 <= low <= d + 1e-12 and d - 1e-12 <= high <= 1
        back = interval(Counts(*two), Counts(*one))
        assert (float(low), float(high)) == pytest.approx(
            (-float(back[1]), -float(back[0])), rel=1e-9, abs=1e-9
        )
        narrow = interval(Counts(*one), Counts(*two), level=0.8)
        assert narrow[1] - narrow[0] < high - low


@settings(max_examples=40, deadline=None)
@given(counts, counts)
def test_the_score_interval_leaves_out_0_exactly_when_its_p_is_small(one, two):
    p = float(p_score(Counts(*one), Counts(*two)))
    low, high = miettinen_nurminen(Counts(*one), Counts(*two))
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (low > 1e-12 or high < -1e-12)


def test_no_denominator_no_interval():
    assert np.isnan(miettinen_nurminen(Counts(0, 0), Counts(1, 2))).all()
    assert np.isnan(newcombe(Counts(0, 0), Counts(1, 2))).all()
