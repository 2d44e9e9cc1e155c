"""The error of a calibration by its derivative: exact for each unit, near the jackknife."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from qstats.errors import OptionError
from qstats.stats import chain, replicate
from qstats.stats.adjust import Trimming
from qstats.stats.calibrate import calibrate
from qstats.survey.design import Design
from qstats.survey.estimators import mean, ratio

UNITS, K = 40, 12
C = np.column_stack([np.kron(np.eye(4), np.ones((3, 1))), np.kron(np.ones((4, 1)), np.eye(3))])
HOW = {
    "linear": {"distance": "linear"},
    "bounded": {"distance": "linear", "bounds": (0.4, 2.1)},
    "raking": {"distance": "raking"},
    "logit": {"distance": "logit", "bounds": (0.2, 4.0)},
}


def drawn(seed=1):
    """Elements and weight of each unit in each calibration cell, and totals far from those of the sample."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(2.0, (UNITS, K)).astype(float)
    N = count * rng.gamma(2, 1, K)
    totals = C.T @ (N.sum(axis=0) * np.exp(rng.normal(0, 0.7, K)))
    unit, cell = np.nonzero(count)
    inside = rng.random(unit.size) < 0.5
    x = N[unit, cell]
    y = x * (rng.uniform(0, 1, x.size) + 0.5 * C[cell, 1])
    return csr_array(count), csr_array(N), totals, unit[inside], cell[inside], y[inside], x[inside]


@pytest.mark.parametrize("trim", [None, Trimming(1.0, 3.0)])
@pytest.mark.parametrize("name", HOW)
def test_the_influence_is_the_derivative_by_the_multiplicity_of_each_unit(name, trim):
    count, N, totals, unit, cell, y, x = drawn()
    h, row = 1e-5, np.zeros(unit.size, int)
    moved = replicate.Replicates(
        h * np.hstack([np.eye(UNITS), -np.eye(UNITS)]), 1.0, np.ones(2 * UNITS), True
    )

    def influence(error):
        steps = [partial(calibrate, C=C, totals=totals, error=error, **HOW[name])]
        steps += [trim] if trim else []
        done = chain.adjusted(N.sum(axis=0), steps, count=count.sum(axis=0))
        Z = chain.influence(y, x, row=row, unit=unit, cell=cell, rows=1, N=N, chain=done)[1]
        return Z.toarray()[0], done, chain.replicated(N, moved, steps, count=count)

    z, done, again = influence("derivative")
    assert done[0].g.min() < 0.55
    assert done[0].g.max() > 1.75
    place = {"row": row, "unit": unit, "cell": cell, "rows": 1, "replicates": moved}
    values = replicate.ratio(y, x, adjusted=again, **place).values[0]
    numerical = (values[:UNITS] - values[UNITS:]) / (2 * h)
    assert np.abs(z - numerical).max() < 1e-6 * np.abs(numerical).max()
    far = np.abs(influence("greg")[0] - numerical).max() / np.abs(numerical).max()
    assert far < 1e-6 if name == "linear" else far > 0.005


TOTALS = {"a": {0: 150, 1: 250, 2: 300, 3: 300}, "b": {0: 250, 1: 300, 2: 450}}
PLAN = Design(cluster="psu")


def skewed(seed, n=400):
    """A sample whose categories are far from those of the population."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(n // 5), 5)
    a = rng.choice(4, n, p=[0.5, 0.25, 0.15, 0.1])
    b = np.where(rng.random(n) < 0.5, np.minimum(a, 2), rng.choice(3, n, p=[0.6, 0.3, 0.1]))
    y = a * b + rng.normal(0, 0.5, n // 5)[psu] + rng.normal(0, 1, n)
    return pd.DataFrame({"psu": psu, "a": a, "b": b, "y": y, "x": rng.uniform(1, 2, n)})


def error_of(rows, plan):
    return mean(rows, y="y", design=plan).table["std_error"][0]


@pytest.mark.parametrize("how", [{"distance": "raking"}, {"distance": "logit", "bounds": (0.05, 40.0)}])
def test_the_derivative_keeps_near_the_jackknife_where_the_regression_estimator_strays(how):
    greg, exact = PLAN.calibrate(TOTALS, **how), PLAN.calibrate(TOTALS, error="derivative", **how)
    far, near = [], []
    for seed in (1, 7, 8):
        rows = skewed(seed, 200)
        jack = error_of(rows, greg.replicate("jk1"))
        far.append(error_of(rows, greg) / jack - 1)
        near.append(error_of(rows, exact) / jack - 1)
    assert np.abs(near).max() < 0.07  # 40 units: the jackknife is known to be cautious
    assert np.ptp(near) < 0.035
    assert max(far) > 0.12
    assert np.ptp(far) > 0.12


def test_where_the_distance_is_linear_or_the_categories_are_one_set_both_are_the_same():
    rows = skewed(5)
    for totals, how in (
        (TOTALS, {}),
        ({"a": TOTALS["a"]}, {"distance": "raking"}),
        ({"x": 1600, "1": 1000}, {}),
    ):
        found = [
            ratio(
                rows, numerator="y", denominator="x", design=PLAN.calibrate(totals, error=error, **how)
            ).table
            for error in ("greg", "derivative")
        ]
        np.testing.assert_allclose(found[0]["std_error"], found[1]["std_error"], rtol=1e-11)


def test_rows_drawn_themselves_have_the_error_of_units_of_one_row():
    rows = skewed(6).assign(row=range(400), w=np.linspace(1, 3, 400))
    how = {"distance": "raking", "error": "derivative"}
    of_rows = error_of(rows, Design(weight="w").calibrate(TOTALS, **how))
    np.testing.assert_allclose(
        of_rows, error_of(rows, Design(weight="w", cluster="row").calibrate(TOTALS, **how)), rtol=1e-10
    )
    assert abs(of_rows / error_of(rows, Design(weight="w").calibrate(TOTALS, distance="raking")) - 1) > 0.01


def test_the_option_is_kept_shown_and_refused_where_it_has_no_meaning():
    plan = PLAN.calibrate(TOTALS, distance="raking", error="derivative")
    assert "error='derivative'" in repr(plan)
    assert Design.from_dict(plan.to_dict()) == plan
    assert plan != PLAN.calibrate(TOTALS, distance="raking")
    assert "derivative" in mean(skewed(1), y="y", design=plan).method
    with pytest.raises(OptionError, match="derivative"):
        plan.replicate("jk1")
    with pytest.raises(OptionError, match=r"greg.*derivative"):
        PLAN.calibrate(TOTALS, error="exact")
