import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.stats.errors_in_variables import york

X = np.array([1.0, 2.1, 2.9, 4.2, 5.0, 6.1])
Y = np.array([2.2, 3.8, 6.1, 8.3, 9.6, 12.5])


def test_with_exact_x_it_is_weighted_least_squares():
    se = np.array([0.1, 0.3, 0.2, 0.5, 0.1, 0.4])
    found = york(X, Y, 0, se)
    design = np.stack([np.ones(6), X], 1) / se[:, None]
    cov = np.linalg.inv(design.T @ design)
    want = cov @ design.T @ (Y / se)
    assert (found.intercept, found.slope) == pytest.approx(want, rel=1e-12)
    assert (found.se_intercept**2, found.se_slope**2) == pytest.approx(np.diag(cov), rel=1e-10)
    assert found.covariance == pytest.approx(cov[0, 1], rel=1e-10)


def test_with_equal_errors_it_is_orthogonal_regression():
    found = york(X, Y, 0.3, 0.3)
    sxx, syy = np.var(X), np.var(Y)
    sxy = np.mean((X - X.mean()) * (Y - Y.mean()))
    slope = (syy - sxx + np.sqrt((syy - sxx) ** 2 + 4 * sxy**2)) / (2 * sxy)
    assert found.slope == pytest.approx(slope, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(r=st.floats(-0.8, 0.8), scale=st.floats(0.5, 2))
def test_exchanging_x_and_y_gives_the_same_line(r, scale):
    sx, sy = scale * np.linspace(0.1, 0.3, 6), np.linspace(0.4, 0.2, 6)
    one, other = york(X, Y, sx, sy, correlation=r), york(Y, X, sy, sx, correlation=r)
    assert one.slope * other.slope == pytest.approx(1, rel=1e-9)
    least, again = one.S, other.S
    assert least == pytest.approx(again, rel=1e-9)


def test_adjusted_points_lie_on_the_line_and_s_is_least_there():
    found = york(X, Y, 0.2, 0.3, correlation=0.4)
    np.testing.assert_allclose(found.y, found.intercept + found.slope * found.x, rtol=1e-12)

    def squares(a, b):
        return np.sum((Y - a - b * X) ** 2 / (0.3**2 + b**2 * 0.2**2 - 2 * b * 0.4 * 0.2 * 0.3))

    least = found.S
    assert least == pytest.approx(squares(found.intercept, found.slope), rel=1e-12)
    for a, b in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert squares(found.intercept + a, found.slope + b) > found.S
    assert found.slope != pytest.approx(york(X, Y, 0.2, 0.3).slope, rel=1e-6)


def test_least_squares_draws_the_slope_to_zero_and_york_does_not():
    rng = np.random.default_rng(5)
    truth = np.linspace(0, 10, 400)
    x, y = truth + rng.normal(0, 2, 400), 2 * truth + rng.normal(0, 1, 400)
    found = york(x, y, 2, 1)
    assert np.polyfit(x, y, 1)[0] < 1.8
    assert abs(found.slope - 2) < 4 * found.se_slope < 0.4
    assert found.df == 398 and 0.001 < found.p_fit < 0.999


def test_a_slope_of_zero_settles():
    found = york([1, 2, 3, 4.0], [1, -1, -1, 1.0], 0.1, 0.5)
    assert abs(found.slope) < 1e-12 and found.intercept == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "sx", "sy", "r", "said"),
    [
        ([1, 2], 0.1, 0.1, 0, "at least 3 points"),
        ([1, 2, 3], 0.1, [0.1, np.nan, 0.1], 0, "errors of 1 points are not known"),
        ([1, 2, 3], 0.1, [0.1, 0.1, 0], 0, "point 2"),
        ([1, 2, 3], -0.1, 0.1, 0, "errors of 3 points"),
        ([1, 2, 3], 0.1, 0.1, 1.0, "correlation of errors 1"),
        ([2, 2, 2], 0.1, 0.1, 0, r"x is constant \(2\)"),
        ([1, np.nan, 3], 0.1, 0.1, 0, "missing"),
    ],
)
def test_points_without_a_line(x, sx, sy, r, said):
    with pytest.raises(DataError, match=said):
        york(x, np.arange(len(x)), sx, sy, correlation=r)
