"""The logarithmic mean and its derivatives, against decimals of 50 digits."""

from decimal import Decimal, localcontext

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qstats.stats.decompose import _SERIES, _log_mean, effects

steps = (
    st.floats(-3, 3) | st.floats(-16, 0.1).map(lambda k: 10**k) | st.floats(-16, 0.1).map(lambda k: -(10**k))
)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.01, 1), steps)
@example(0.3, 0.0)
@example(0.3, _SERIES * (1 + 1e-9))
@example(0.3, -_SERIES * (1 - 1e-9))
@example(0.3, 1.01e-5)
@example(0.3, -0.99e-5)
@example(0.9, -np.log(2))
def test_the_logarithmic_mean_is_right_to_the_last_digits(a, h):
    b = a * np.exp(h)
    found = [float(x[0]) for x in _log_mean(np.array([a]), np.array([b]))]
    with localcontext() as context:
        context.prec = 50
        A, B = Decimal(a), Decimal(b)
        want = [A, Decimal("0.5"), Decimal("0.5")]
        if A != B:
            H = (B / A).ln()
            L = (B - A) / H
            want = [L, (L / A - 1) / H, (1 - L / B) / H]
        assert max(abs(Decimal(x) / y - 1) for x, y in zip(found, want, strict=True)) < Decimal("1e-15")


def test_of_rates_that_hardly_change_the_derivatives_are_those_of_differences():
    start, end = np.array([[0.4, 0.6], [0.9, 0.8]]), np.array([[0.5, 0.5], [0.9 * 0.800004, 0.8 * 1.2]])
    found, d = effects(start, end, method="lmdi"), 1e-6
    for at, (given_, by) in enumerate(((start, found.by_earlier), (end, found.by_later))):
        up, down = (given_ + s * np.array([[0, 0], [d, d]]) for s in (1, -1))
        values = [effects(*((x, end) if at == 0 else (start, x)), method="lmdi").value for x in (up, down)]
        np.testing.assert_allclose((values[0] - values[1]) / (2 * d), by, rtol=1e-7, atol=1e-9)
