"""Charts with a memory, of rare failures, and correlations answer an odd option by name."""

import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats.correlation import correlate
from qstats.stats.memory_charts import cusum, cusum_tail, ewma
from qstats.stats.rare_events import g_chart, t_chart

X, Y = np.random.default_rng(1).normal(size=(2, 12))
BETWEEN = np.abs(np.round(10 * X))
WRONG = [None, "x", -1, 0, float("nan"), float("inf"), []]
ASKS = {
    ewma: ((X,), ("weight", "width", "limits")),
    cusum: ((X,), ("reference", "decision", "headstart", "reset")),
    cusum_tail: ((X,), ("reference", "headstart")),
    g_chart: ((BETWEEN,), ("baseline", "width", "alpha")),
    t_chart: ((BETWEEN,), ("baseline", "width", "alpha")),
    correlate: ((X, Y), ("measure", "null", "level", "removed", "n_draws", "seed")),
}
#: values that mean something
FINE = {
    ("reference", 0, "cusum"),
    *(("headstart", 0, name) for name in ("cusum", "cusum_tail")),
    *(("baseline", None, name) for name in ("g_chart", "t_chart")),
    *((name, 0, "correlate") for name in ("removed", "seed")),
}


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("ask", ASKS)
def test_options_out_of_range_are_refused(ask, value):
    data, options = ASKS[ask]
    for option in options:
        if not isinstance(value, list) and (option, value, ask.__name__) in FINE:
            continue
        with pytest.raises(OptionError):
            ask(*data, **{option: value})
            pytest.fail(f"{option}={value!r} was taken")
