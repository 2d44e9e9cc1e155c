import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats.errors import OptionError
from qstats.stats import sensitivity

TABLES = arrays(float, (2, 3, 4), elements=st.floats(-100, 100).map(lambda x: round(x, 3)))


def ishigami(x):
    """x uniform on (−π, π); its indices are known in closed form."""
    return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


def ishigami_indices(a=7.0, b=0.1):
    V1, V2 = (1 + b * np.pi**4 / 5) ** 2 / 2, a**2 / 8
    V13 = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    V = V1 + V2 + V13
    return np.array([V1, V2, 0]) / V, np.array([V1 + V13, V2, V13]) / V, V


def batch(n, seed, skip=0):
    points = sensitivity.sobol_points(n, 6, seed=seed, skip=skip) * 2 * np.pi - np.pi
    A, B = points[:, :3], points[:, 3:]
    mixed = [np.where(np.arange(3) == i, B, A) for i in range(3)]
    return sensitivity.sums(ishigami(A), ishigami(B), [ishigami(m) for m in mixed], 3.0)


def test_estimates_find_the_indices_of_ishigami():
    first, total, V = ishigami_indices()
    found = sensitivity.estimated_indices(batch(2**13, 1))
    np.testing.assert_allclose(found.first, first, rtol=0, atol=0.02)
    np.testing.assert_allclose(found.total, total, rtol=0, atol=0.01)
    assert found.variance == pytest.approx(V, rel=0.01)


def test_batches_add_up_to_one_long_sequence():
    whole = batch(256, 3)
    parts = sensitivity.add(sensitivity.add(None, batch(128, 3)), batch(128, 3, skip=128))
    for name in ("first", "total", "variance"):
        one, two = (getattr(sensitivity.estimated_indices(s), name) for s in (whole, parts))
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12)


def test_a_constant_added_to_the_output_changes_no_index():
    points = sensitivity.sobol_points(64, 6, seed=2)
    A, B = points[:, :3], points[:, 3:]
    mixed = [ishigami(np.where(np.arange(3) == i, B, A)) for i in range(3)]
    one, two = (
        sensitivity.estimated_indices(
            sensitivity.sums(ishigami(A) + c, ishigami(B) + c, np.array(mixed) + c, 0.0)
        )
        for c in (0.0, 1000.0)
    )
    np.testing.assert_allclose(one.first, two.first, rtol=1e-7)


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_exact_indices_lie_where_they_must(Y):
    found = sensitivity.factorial_indices(Y, 3)
    if np.isnan(found.first).any():
        assert Y.std() < 1e-9 * max(1, np.abs(Y).max())
        return
    assert (found.first >= -1e-9).all() and (found.total <= 1 + 1e-9).all()
    assert (found.total >= found.first - 1e-9).all()
    assert found.first.sum() <= 1 + 1e-9 and found.total.sum() >= 1 - 1e-9
    assert found.variance == pytest.approx(Y.var(), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(arrays(float, 3, elements=st.floats(1, 9)), arrays(float, 4, elements=st.floats(1, 9)))
def test_of_a_sum_first_and_total_are_the_same(a, b):
    found = sensitivity.factorial_indices(a[:, None] + b, 2)
    np.testing.assert_allclose(found.first, found.total, atol=1e-9)


def test_outputs_are_treated_one_by_one():
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(2, 3, 5, 4))
    whole = sensitivity.factorial_indices(Y, 2)
    one = sensitivity.factorial_indices(Y[..., 2, 3], 2)
    np.testing.assert_allclose(whole.first[:, 2, 3], one.first, rtol=1e-12)


def test_an_output_that_does_not_vary_has_no_indices():
    found = sensitivity.factorial_indices(np.full((2, 2), 0.1) * 3, 2)
    assert np.isnan(found.first).all() and np.isnan(found.total).all()


@settings(max_examples=30, deadline=None)
@given(arrays(float, 7, elements=st.floats(0, 10)))
def test_shapley_effects_add_up_and_are_the_parts_of_a_sum(c):
    total = np.concatenate([[0.0], c])
    effects = sensitivity.shapley_effects(total)
    assert effects.sum() == pytest.approx(total[-1], abs=1e-9)
    sets = np.array([[u >> i & 1 for i in range(3)] for u in range(8)])
    np.testing.assert_allclose(sensitivity.shapley_effects(sets @ c[:3]), c[:3], atol=1e-9)


def test_the_same_seed_gives_the_same_points_and_another_another():
    one, same, other = (sensitivity.sobol_points(8, 2, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_tables_and_sets_of_the_wrong_size_are_refused():
    with pytest.raises(OptionError, match="factors=3"):
        sensitivity.factorial_indices(np.ones((2, 2)), 3)
    with pytest.raises(OptionError, match="3 sets"):
        sensitivity.shapley_effects([0, 1, 2])
