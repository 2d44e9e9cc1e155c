import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, OptionError
from qstats.stats import association


def data(seed=0, units=40, indicators=5, common=1.0):
    rng = np.random.default_rng(seed)
    return common * rng.normal(size=(units, 1)) + rng.normal(size=(units, indicators))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_rank_correlations_are_those_of_scipy_with_ties_and_holes(seed):
    x = np.round(data(seed), 0)
    x[3, 1] = x[7, 2] = np.nan
    both = ~np.isnan(x[:, 1]) & ~np.isnan(x[:, 2])
    a, b = x[both, 1], x[both, 2]
    for method, theirs in (
        ("spearman", stats.spearmanr),
        ("kendall", stats.kendalltau),
        ("pearson", stats.pearsonr),
    ):
        assert association.correlations(x, method)[1, 2] == pytest.approx(
            theirs(a, b)[0], rel=1e-10, abs=1e-12
        )


def test_alpha_of_copies_is_one_and_of_noise_about_zero():
    x = data(common=0, units=5000)
    assert association.cronbach_alpha(np.repeat(x[:, :1], 4, axis=1)) == pytest.approx(1, rel=1e-12)
    assert abs(association.cronbach_alpha(x)) < 0.1
    assert np.isnan(association.cronbach_alpha(x[:, :1]))


def test_alpha_of_parallel_indicators_is_that_of_spearman_and_brown():
    x = data(units=20_000, indicators=6)
    r = 0.5
    assert association.cronbach_alpha(x) == pytest.approx(6 * r / (1 + 5 * r), abs=0.01)


def test_a_unit_with_a_hole_is_left_out_of_alpha():
    x = data()
    holed = np.vstack([x, [np.nan, 9, 9, 9, 9]])
    assert association.cronbach_alpha(holed) == association.cronbach_alpha(x)


def test_kmo_uses_correlations_of_what_the_others_do_not_explain():
    x = data(seed=4)
    z = x - x.mean(0)
    r2 = a2 = 0.0
    for p in range(5):
        for q in range(5):
            if p == q:
                continue
            others = [k for k in range(5) if k not in (p, q)]
            left = [
                z[:, k] - z[:, others] @ np.linalg.lstsq(z[:, others], z[:, k], rcond=None)[0] for k in (p, q)
            ]
            r2 += np.corrcoef(x[:, p], x[:, q])[0, 1] ** 2
            a2 += np.corrcoef(*left)[0, 1] ** 2
    found = association.kmo(x)
    assert found.overall == pytest.approx(r2 / (r2 + a2), rel=1e-10)
    assert ((found.each > 0) & (found.each < 1)).all()


def test_kmo_refuses_what_it_is_not_defined_for():
    x = data()
    with pytest.raises(DataError, match="constant"):
        association.kmo(np.column_stack([x, np.ones(len(x))]))
    with pytest.raises(DataError, match="follow from the others"):
        association.kmo(np.column_stack([x, x[:, 0]]))


def test_parallel_analysis_finds_the_dimensions_that_there_are():
    rng = np.random.default_rng(5)
    two = rng.normal(size=(200, 2)) @ np.repeat(np.eye(2), 4, axis=1) + 0.5 * rng.normal(size=(200, 8))
    assert association.parallel_analysis(two, n_draws=100).n_components == 2
    noise = association.parallel_analysis(rng.normal(size=(200, 8)), n_draws=100, percentile=99.9)
    assert noise.n_components == 0


def test_a_higher_percentile_is_harder_to_pass():
    x = data()
    low, high = (association.parallel_analysis(x, n_draws=200, percentile=p).threshold for p in (50, 95))
    assert (high[0] > low[0]).all()
    with pytest.raises(OptionError, match="percentile=100"):
        association.parallel_analysis(x, percentile=100)
    with pytest.raises(OptionError, match="n_draws=0"):
        association.parallel_analysis(x, n_draws=0)


def test_a_method_that_does_not_exist_is_named():
    with pytest.raises(OptionError, match="spearman"):
        association.correlations(data(), "spearmann")
