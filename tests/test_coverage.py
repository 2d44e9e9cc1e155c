"""A smaller run of tools/coverage_simulation.py: 3,000 samples a cell, one seed, so the numbers are fixed.

The error of a simulated coverage near 95 % is 0.4 points; limits are a point wider than in docs/coverage.md.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")


def module():
    path = ROOT / "tools" / "coverage_simulation.py"
    spec = importlib.util.spec_from_file_location("coverage_simulation", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


TOOL = module()


@pytest.fixture(scope="module")
def found():
    return TOOL.simulate(3000, 7)


def of(found, method):
    return np.array([row.coverage for row in found if row.method == method])


def test_no_interval_is_undefined(found):
    assert len(found) == len(TOOL.SCENARIOS) * len(TOOL.RATES) * len(TOOL.DESIGN) == 7 * 4 * 8
    assert max(row.undefined for row in found) == 0


def test_korn_and_graubard_cover_what_they_promise_in_every_scenario(found):
    assert of(found, "korn-graubard").min() > 0.94


@pytest.mark.parametrize("method", ["wilson", "logit"])
def test_wilson_and_logit_are_near_their_level_in_every_scenario(found, method):
    coverage = of(found, method)
    assert coverage.min() > 0.93
    assert coverage.max() < 0.985


def test_wald_fails_near_100_percent(found):
    assert of(found, "wald").min() < 0.92


def test_a_scenario_has_the_rate_it_is_asked_for():
    for scenario in TOOL.SCENARIOS:
        shares = TOOL.weights_of_strata(scenario)
        assert shares @ TOOL.rates_of_strata(scenario, 0.97) / shares.sum() == pytest.approx(0.97, rel=1e-9)


def test_estimates_are_nearly_unbiased_and_their_errors_right_on_average():
    for scenario in TOOL.SCENARIOS:
        drawn = TOOL.sample(scenario, 0.9, 4000, np.random.default_rng(5))
        assert drawn.p.mean() == pytest.approx(0.9, abs=0.002)
        assert np.mean(drawn.se**2) == pytest.approx(drawn.p.var(), rel=0.12)


def test_clusters_and_weights_have_a_design_effect():
    deff = {s.name: TOOL.sample(s, 0.9, 2000, np.random.default_rng(5)).deff for s in TOOL.SCENARIOS}
    assert deff["simple"] == pytest.approx(1, abs=0.03)
    assert min(deff["clustered"], deff["unequal weights"], deff["few clusters"]) > 1.15


def printed():
    """Coverage by method from the page, (28 rows) each."""
    rows = re.findall(r"^\| [a-z ]+ \| [\d.]+ \|(.+)\|$", PAGE, re.MULTILINE)
    values = [[float(cell.split("(")[0]) for cell in row.split("|")] for row in rows]
    return dict(zip(TOOL.DESIGN, np.array(values).T, strict=True))


def test_the_page_shows_what_is_claimed_of_it():
    table = printed()
    assert len(table["wilson"]) == 28
    assert table["korn-graubard"].min() >= 95
    for method in ("wilson", "logit"):
        assert table[method].min() >= 94
        assert table[method].max() <= 98
    assert table["clopper-pearson"].min() >= 93.5
    assert table["wald"].min() < 90
    assert "Undefined intervals: 0.0 % at most." in PAGE


def test_the_page_agrees_with_a_run_of_its_own(found):
    for method, coverage in printed().items():
        np.testing.assert_allclose(100 * of(found, method), coverage, atol=2.5, rtol=0)
