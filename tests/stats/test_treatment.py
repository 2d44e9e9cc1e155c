import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from qstats.errors import DataError, OptionError
from qstats.stats import treatment

LONG = np.r_[np.arange(1.0, 19.0), 90.0, 900.0][:, None]
HEAVY = np.random.default_rng(4).lognormal(0, 2, (40, 3))


def severity(x):
    G1, G2 = stats.skew(x, bias=False), stats.kurtosis(x, bias=False)
    return np.fmin(abs(G1) / 2, G2 / 3.5)


def test_a_column_that_passes_is_left_alone():
    x = np.arange(10.0)[:, None]
    found = treatment.fit(x)
    assert found.adopted.item() == 0
    assert found.passed.item()
    np.testing.assert_array_equal(treatment.apply(x, found), x)


def test_the_highest_values_take_the_value_next_to_them():
    found = treatment.fit(LONG)
    assert found.n_high.item() == 2
    assert treatment.apply(LONG, found).ravel().tolist() == [*range(1, 19), 18, 18]


def test_the_lowest_are_winsorised_where_the_tail_is_low():
    found = treatment.fit(-LONG)
    assert (found.n_low.item(), found.n_high.item()) == (2, 0)
    np.testing.assert_array_equal(treatment.apply(-LONG, found), -treatment.apply(LONG, treatment.fit(LONG)))


def test_no_more_than_allowed_are_winsorised():
    found = treatment.fit(LONG, max_winsorised=1)
    assert treatment.apply(LONG, found).ravel().tolist() == [*range(1, 19), 90, 90]
    assert not found.passed.item()


def test_a_logarithm_worse_than_winsorising_is_not_adopted():
    found = treatment.fit(LONG, max_winsorised=1)
    assert severity(np.log(LONG.ravel() - 1 + 0.01 * 899)) > severity([*range(1, 19), 90, 90]) > 1
    assert found.adopted.item() == 1


def test_what_winsorising_cannot_mend_is_transformed_as_given():
    found = treatment.fit(HEAVY, max_winsorised=1)
    low, width = HEAVY.min(0), np.ptp(HEAVY, axis=0)
    done = treatment.apply(HEAVY, found)
    assert (found.adopted == 2).any()
    for q in np.flatnonzero(found.adopted[0] == 2):
        np.testing.assert_allclose(done[:, q], np.log(HEAVY[:, q] - low[q] + 0.01 * width[q]), rtol=1e-12)


def test_the_offset_of_the_logarithm_is_a_share_of_the_range():
    x = LONG.ravel()
    found = treatment.apply(LONG, treatment.fit(LONG, max_winsorised=0, offset=0.1))
    np.testing.assert_allclose(found.ravel(), np.log(x - x.min() + 0.1 * np.ptp(x)), rtol=1e-13)


def test_the_limits_decide():
    assert treatment.fit(LONG, skew_limit=30).adopted.item() == 0
    assert treatment.fit(LONG, kurt_limit=30).adopted.item() == 0
    assert treatment.fit(LONG).adopted.item() == 1


def test_box_cox_takes_the_power_of_greatest_likelihood():
    found = treatment.fit(HEAVY, max_winsorised=0, transform="box-cox")
    expected = [stats.boxcox_normmax(column, method="mle") for column in HEAVY.T]
    np.testing.assert_allclose(found.power[0], expected, rtol=1e-5)
    mine = treatment.apply(HEAVY, found)
    for q in range(3):
        np.testing.assert_allclose(mine[:, q], stats.boxcox(HEAVY[:, q], found.power[0, q]), rtol=1e-10)


def test_a_transform_keeps_the_order_also_of_a_low_tail():
    for x in (HEAVY, -HEAVY):
        for transform in ("log", "box-cox"):
            found = treatment.apply(x, treatment.fit(x, max_winsorised=0, transform=transform))
            assert (np.argsort(found, axis=0) == np.argsort(x, axis=0)).all()


def test_without_a_transform_what_fails_is_said_to_fail():
    found = treatment.fit(HEAVY, max_winsorised=0, transform="none")
    assert not found.passed.any()
    np.testing.assert_array_equal(treatment.apply(HEAVY, found), HEAVY)


@settings(deadline=None, max_examples=50)
@given(arrays(float, (9, 2), elements=st.integers(-50, 50).map(float)), st.sampled_from(["log", "box-cox"]))
def test_nothing_adopted_makes_the_check_worse(x, transform):
    found = treatment.fit(x, max_winsorised=1, transform=transform)
    after = treatment.apply(x, found)
    for q in range(2):
        if found.adopted[0, q]:
            assert severity(after[:, q]) < severity(x[:, q]) * (1 + 1e-9)


def test_a_column_that_winsorising_makes_constant_keeps_its_values():
    x = np.r_[np.zeros(9), 1.0][:, None]
    found = treatment.fit(x, transform="none")
    np.testing.assert_array_equal(treatment.apply(x, found), x)
    assert not found.passed.item()


def test_missing_stays_missing_and_does_not_count():
    x = np.vstack([LONG, [[np.nan]]])
    found = treatment.apply(x, treatment.fit(x))
    np.testing.assert_array_equal(found[:-1], treatment.apply(LONG, treatment.fit(LONG)))
    assert np.isnan(found[-1, 0])


def test_another_year_is_held_to_the_bounds_of_the_fit():
    assert treatment.apply([[50.0], [0.5]], treatment.fit(LONG)).ravel().tolist() == [18.0, 0.5]


def test_another_year_beyond_the_logarithm_is_refused_or_put_at_its_end():
    found = treatment.fit(LONG, max_winsorised=0)
    with pytest.raises(DataError, match="1 values lie beyond the transform fitted, in columns 0"):
        treatment.apply([[-500.0]], found)
    end = treatment.apply([[-500.0]], found, outside="clip")
    np.testing.assert_allclose(end, treatment.apply([[1.0]], found), rtol=1e-12)


def test_rows_and_leading_axes_do_not_matter():
    order = np.random.default_rng(0).permutation(len(HEAVY))
    whole = treatment.apply(HEAVY, treatment.fit(HEAVY))
    np.testing.assert_allclose(
        treatment.apply(HEAVY[order], treatment.fit(HEAVY[order])), whole[order], rtol=1e-12
    )
    stack = np.stack([HEAVY, HEAVY[order], HEAVY * 2])
    found = treatment.fit(stack)
    assert found.lower.shape == (3, 1, 3)
    np.testing.assert_allclose(treatment.apply(stack, found)[0], whole, rtol=1e-12)


def test_units_of_measurement_do_not_decide():
    one, thousand = (treatment.fit(HEAVY * k) for k in (1, 1000))
    np.testing.assert_array_equal(one.adopted, thousand.adopted)
    np.testing.assert_array_equal(one.n_high, thousand.n_high)


def test_limits_must_be_positive():
    with pytest.raises(OptionError, match="skew_limit=0"):
        treatment.fit(LONG, skew_limit=0)
    with pytest.raises(OptionError, match="Did you mean 'box-cox'"):
        treatment.fit(LONG, transform="boxcox")


def test_what_was_fitted_to_many_tables_is_applied_to_one():
    rng = np.random.default_rng(2)
    many = np.exp(rng.normal(0, 2.5, (3, 40, 4)))
    fitted = treatment.fit(many, max_winsorised=1)
    one = np.median(many, axis=0)
    found = treatment.apply(one, fitted, outside="clip")
    assert found.shape == (3, 40, 4)
    for k in range(3):
        alone = treatment.apply(one, treatment.fit(many[k], max_winsorised=1), outside="clip")
        np.testing.assert_allclose(found[k], alone, rtol=1e-12)
    assert (fitted.sign != 0).any() and (fitted.sign == 0).any()


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (3, 0)])
def test_an_array_without_values_is_refused_by_its_shape(shape):
    with pytest.raises(DataError, match=rf"shape \({shape[0]}, {shape[1]}\) has no values"):
        treatment.fit(np.empty(shape))


def test_what_was_not_fitted_or_to_other_columns_is_not_applied():
    with pytest.raises(OptionError, match="params='log' is a str, not what fit returns"):
        treatment.apply(LONG, "log")
    with pytest.raises(DataError, match="1 columns, and the transform was fitted to 3"):
        treatment.apply(LONG, treatment.fit(HEAVY))
