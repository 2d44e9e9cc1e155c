import numpy as np
import pytest

from qstats.stats.design_effect import srs_mean_variance, srs_ratio_variance, srs_total_variance

rng = np.random.default_rng(0)
y, x = rng.normal(10, 2, 40), rng.uniform(1, 2, 40)


def sums(w):
    return {"n": 40, "w": 40 * w, "y": w * y.sum(), "yy": w * (y * y).sum()}


@pytest.mark.parametrize(("replacement", "left"), [(False, 1 - 1 / 5), (True, 1.0)])
def test_equal_weights_give_the_textbook(replacement, left):
    mean = srs_mean_variance(**sums(5.0), replacement=replacement)
    assert mean == pytest.approx(left * y.var(ddof=1) / 40, rel=1e-12)
    total = srs_total_variance(**sums(5.0), replacement=replacement)
    assert total == pytest.approx(200**2 * mean, rel=1e-14)
    e = y - y.sum() / x.sum() * x
    ratio = srs_ratio_variance(
        **sums(5.0), x=5 * x.sum(), yx=5 * (y * x).sum(), xx=5 * (x * x).sum(), replacement=replacement
    )
    assert ratio == pytest.approx(left * e.var(ddof=1) / 40 / x.mean() ** 2, rel=1e-11)


def test_one_element_an_empty_denominator_or_weights_that_are_no_probabilities_have_no_variance():
    assert np.isnan(srs_mean_variance(1, 5, 3, 2))
    assert np.isnan(srs_ratio_variance(5, 50, 3, 0, 3, 0, 0))
    normalised = sums(0.5)
    assert np.isnan(srs_mean_variance(**normalised))
    with_replacement = srs_mean_variance(**normalised, replacement=True)
    assert with_replacement == pytest.approx(y.var(ddof=1) / 40, rel=1e-12)
    assert srs_mean_variance(**sums(1.0)) == 0  # a census
