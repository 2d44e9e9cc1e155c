"""The published limits themselves: each verdict changes where the standard says it does."""

import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats.design_intervals import design_proportion
from qstats.stats.publication import bands, nchs_proportion, nchs_rate, variation


def simple(p, n, df=None):
    return nchs_proportion(p, np.sqrt(p * (1 - p) / n), n, n - 1 if df is None else df)


@pytest.mark.parametrize(
    ("p", "n", "df", "verdict", "reason"),
    [
        (0.5, 2000, None, "publish", ""),
        (0.5, 29, None, "suppress", "n or n_eff below 30; interval 0.30 or longer"),
        (0.5, 36, None, "suppress", "interval 0.30 or longer"),
        (0.5, 60, None, "publish", ""),
        (0.02, 800, None, "publish", ""),  # length 0.022: the relative length is not asked
        (0.03, 100, None, "suppress", "interval longer than 130 % of p"),
        (0.97, 100, None, "footnote", "interval longer than 130 % of 1 - p"),
        (0.5, 2000, 7, "review", "fewer than 8 degrees of freedom"),
        (1.0, 300, None, "review", "0 or 100 %"),
        (1.0, 300, 7, "review", "fewer than 8 degrees of freedom; 0 or 100 %"),
        (0.97, 100, 7, "review", "fewer than 8 degrees of freedom"),
        (0.5, 100, 0, "suppress", "not estimable: 0 degrees of freedom"),
    ],
)
def test_verdicts_on_proportions_are_those_of_the_standard(p, n, df, verdict, reason):
    found = simple(p, n, df)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_the_effective_size_counts_as_the_nominal_one_does():
    found = nchs_proportion([0.9, 0.9, 0.9], [0.05, 0.06, 0.01], [200, 200, 25], 60)
    np.testing.assert_allclose(found.n_eff, [36, 25, 25], rtol=1e-12)  # 900 is cut to n
    assert found.verdict.tolist() == ["footnote", "suppress", "suppress"]


def test_the_interval_is_korn_and_graubards_at_95_percent_cut_to_n():
    low, high, _ = design_proportion(0.8, 0.02, 300, 15, method="korn-graubard", cap="after")
    found = nchs_proportion(0.8, 0.02, 300, 15)
    assert found.width == high - low
    assert found.relative == (high - low) / 0.8
    assert found.complement == pytest.approx((high - low) / 0.2, rel=1e-12)


def test_a_design_effect_lengthens_the_interval_at_the_bounds():
    one, two = (nchs_proportion(1.0, 0, 120, 40, deff_at_bounds=d) for d in (1, 5))
    assert two.width > one.width
    assert (one.verdict, two.verdict) == ("review", "suppress")


@pytest.mark.parametrize(
    ("given", "verdict", "reason"),
    [
        ((2, 1, 3, 50, np.inf, np.inf), "publish", ""),
        ((2, 1, 3, 10, np.inf, np.inf), "publish", ""),
        ((2, 1, 3, 9, np.inf, np.inf), "suppress", "fewer than 10 events"),
        ((2, 1, 3, 50, 9, np.inf), "suppress", "denominator of fewer than 10"),
        ((2, 0.8, 4, 50, np.inf, np.inf), "publish", ""),
        ((2, 0.8, 4.1, 50, np.inf, np.inf), "suppress", "interval longer than 160 % of the rate"),
        ((2, 1, 3, 50, np.inf, 7), "review", "fewer than 8 degrees of freedom"),
        ((2, 1, 3, 50, np.inf, 8), "publish", ""),
        ((2, np.nan, np.nan, 50, np.inf, 8), "suppress", "interval longer than 160 % of the rate"),
    ],
)
def test_verdicts_on_rates_are_those_of_the_standard(given, verdict, reason):
    rate, low, high, events, denominator, df = given
    found = nchs_rate(rate, low, high, events, denominator=denominator, df=df)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_coefficient_of_variation_is_in_per_cent_of_the_size_of_the_estimate():
    np.testing.assert_allclose(variation([50, -50, 8], [5, 5, 2]), [10, 10, 25], rtol=1e-12)
    assert np.isnan(variation([0, 5], [1, np.nan])).all()


def test_a_limit_belongs_to_its_band_and_the_unknown_to_none():
    found = bands([16.5, 16.500001, 33.3, 34, np.nan], [16.5, 33.3], ("a", "b", "c"), unknown="?")
    assert found.tolist() == ["a", "b", "b", "c", "?"]
    with pytest.raises(OptionError, match="do not rise"):
        bands([1], [3, 2], ("a", "b", "c"), unknown="")
    with pytest.raises(OptionError, match="3 bands"):
        bands([1], [2, 3], ("a", "b"), unknown="")
