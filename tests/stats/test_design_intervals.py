"""Intervals under a design; those that R computes are compared in tests/golden/survey/test_ciprop.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import OptionError
from qstats.stats import intervals
from qstats.stats.design_intervals import CAP, DESIGN, design_proportion, effective_size

METHODS = st.sampled_from(DESIGN)
SHARES = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-6, 1 - 1e-6))
ERRORS = st.one_of(st.just(0.0), st.floats(1e-6, 0.3))
SIZES = st.floats(2, 1e6)
FREEDOMS = st.one_of(st.just(np.inf), st.floats(0.5, 1e4))


@given(p=SHARES, se=ERRORS, n=SIZES, df=FREEDOMS, method=METHODS, cap=st.sampled_from(CAP))
@settings(deadline=None, max_examples=50)
def test_an_interval_always_exists_has_width_and_holds_the_estimate(p, se, n, df, method, cap):
    low, high, reason = design_proportion(p, se, n, df, method=method, cap=cap)
    assert reason == ""
    assert 0 <= low <= p <= high <= 1
    assert low < high


@given(p=SHARES, se=ERRORS, n=SIZES, df=FREEDOMS, method=METHODS)
@settings(deadline=None, max_examples=50)
def test_the_interval_of_the_complement_is_the_complement(p, se, n, df, method):
    low, high, _ = design_proportion(p, se, n, df, method=method)
    other_low, other_high, _ = design_proportion(1 - p, se, n, df, method=method)
    assert other_low == pytest.approx(1 - high, rel=1e-7, abs=1e-9)
    assert other_high == pytest.approx(1 - low, rel=1e-7, abs=1e-9)


# Jeffreys's limits move towards ½ when the sample shrinks
@given(
    p=st.floats(0.01, 0.99),
    se=st.floats(1e-4, 0.2),
    df=FREEDOMS,
    method=st.sampled_from([method for method in DESIGN if method != "jeffreys"]),
)
@settings(deadline=None, max_examples=50)
def test_a_higher_level_fewer_degrees_of_freedom_and_a_larger_error_widen(p, se, df, method):
    low, high, _ = design_proportion(p, se, 1e6, df, method=method)
    wider = [
        design_proportion(p, se, 1e6, df, method=method, level=0.99),
        design_proportion(p, se * 1.5, 1e6, df, method=method),
    ]
    if method != "clopper-pearson":  # the one that takes df as large
        wider.append(design_proportion(p, se, 1e6, min(df, 1e4) / 2, method=method))
    for other_low, other_high, _ in wider:
        assert other_low <= low
        assert other_high >= high


@given(x=st.integers(0, 60), n=st.integers(60, 200))
@settings(deadline=None, max_examples=50)
def test_of_a_simple_sample_the_intervals_are_those_of_counts(x, n):
    p = x / n
    se = np.sqrt(p * (1 - p) / n)
    pairs = {"wilson": "wilson", "korn-graubard": "clopper-pearson", "clopper-pearson": "clopper-pearson"}
    for method, simple in {**pairs, "jeffreys": "jeffreys"}.items():
        ours = design_proportion(p, se, n, np.inf if method == "wilson" else n - 1, method=method)
        low, high = intervals.proportion(x, n, method=simple)
        assert ours.low == pytest.approx(low, rel=1e-8, abs=1e-12)
        assert ours.high == pytest.approx(high, rel=1e-8, abs=1e-12)


def test_for_large_samples_all_methods_meet():
    at = [design_proportion(0.3, 2e-5, 1e9, np.inf, method=method) for method in DESIGN]
    for low, high, _ in at:
        assert high - low == pytest.approx(2 * 1.959964 * 2e-5, rel=1e-3)


def test_every_method_has_an_answer_of_its_own():
    found = {method: design_proportion(0.9, 0.03, 200, 12, method=method) for method in DESIGN}
    assert len({float(low) for low, _, _ in found.values()}) == len(DESIGN)
    assert len({float(high) for _, high, _ in found.values()}) == len(DESIGN)


def test_caps_differ_where_the_design_is_better_than_simple():
    after, before, never = (
        design_proportion(0.9, 0.01, 200, 8, method="korn-graubard", cap=cap).low for cap in CAP
    )
    assert before < after < never  # 200·0.73, then 200, then 900·0.73
    assert effective_size(0.9, 0.01, 200) == 200
    assert effective_size(0.9, 0.01, 200, cap="never") == pytest.approx(900, rel=1e-12)


def test_a_standard_error_of_zero_between_0_and_1_is_no_certainty():
    for method in DESIGN:
        low, high, _ = design_proportion(0.5, 0.0, 100, 20, method=method)
        assert high - low > 0.15
        wider = design_proportion(0.5, 0.0, 100, 20, method=method, deff_at_bounds=2)
        assert wider.low < low


def test_a_proportion_is_at_the_bound_when_only_rounding_keeps_it_from_there():
    exact = design_proportion(1.0, 0.0, 50, 10)
    rounded = design_proportion(1 - 3e-16, 2e-17, 50, 10)
    assert rounded.low == exact.low
    assert rounded.high == 1


@pytest.mark.parametrize(
    ("p", "se", "n", "df", "why"),
    [
        (0.5, 0.1, 20, 0, "0 degrees of freedom"),
        (0.5, 0.1, 20, -1, "0 degrees of freedom"),
        (0.5, 0.1, 20, np.nan, "the degrees of freedom are unknown"),
        (0.5, np.nan, 20, 5, "the standard error is unknown"),
        (0.5, -0.1, 20, 5, "the standard error is unknown"),
        (np.nan, 0.1, 20, 5, "no estimate"),
        (1.2, 0.1, 20, 5, "the estimate lies outside 0 and 1"),
        (0.5, 0.1, 0, 5, "no observations"),
        (0.5, 0.1, np.nan, 5, "no observations"),
        (0.5, 0.1, 1, 5, "fewer than 2 observations"),
    ],
)
def test_what_is_not_estimable_is_nan_with_the_reason(p, se, n, df, why):
    low, high, reason = design_proportion([0.5, p], [0.1, se], [20, n], [5, df])
    assert np.isfinite([low[0], high[0]]).all()
    assert np.isnan([low[1], high[1]]).all()
    assert reason.tolist() == ["", f"not estimable: {why}"]


def test_an_unknown_standard_error_does_not_matter_at_the_bounds():
    assert design_proportion(1.0, np.nan, 59, 58).low == pytest.approx(0.025 ** (1 / 59), rel=1e-12)


def test_shapes_are_broadcast():
    low, _, reason = design_proportion([[0.5], [0.6]], 0.1, 20, [5, 6, 7])
    assert low.shape == reason.shape == (2, 3)
    assert design_proportion(0.5, 0.1, 20, 5).low.shape == ()


def test_wrong_options_are_refused():
    with pytest.raises(OptionError, match="'korn-graubard'"):
        design_proportion(0.5, 0.1, 20, 5, method="korn-grabard")
    with pytest.raises(OptionError, match="'never'"):
        design_proportion(0.5, 0.1, 20, 5, cap="neve")
    for level in (0, 1, 95, np.nan):
        with pytest.raises(OptionError, match="level"):
            design_proportion(0.5, 0.1, 20, 5, level=level)
    for deff in (0, -1, np.nan, np.inf):
        with pytest.raises(OptionError, match="design effect"):
            design_proportion(0.5, 0.1, 20, 5, deff_at_bounds=deff)


def test_the_effective_size_is_that_of_the_simple_sample_as_precise():
    assert effective_size(0.2, 0.04, 300) == pytest.approx(100, rel=1e-12)
    t = {10: 2.2281388519649385, 299: 1.967929669065441}
    assert effective_size(0.2, 0.04, 300, 10) == pytest.approx(100 * (t[299] / t[10]) ** 2, rel=1e-9)
    assert effective_size(0.2, 0.04, 300, 10, level=0.5) > effective_size(0.2, 0.04, 300, 10)
    assert effective_size(1.0, 0.0, 300, deff_at_bounds=1.5) == 200
    assert np.isnan(effective_size(0.2, np.nan, 300))
