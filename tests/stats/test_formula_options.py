"""Every option of a formula answers an odd value by its name."""

import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats import (
    composite,
    count_run_length,
    importance,
    intervals,
    means,
    normal_imputation,
    panel,
    ranking,
    resample,
    rounding,
    run_length,
    run_rules,
    sample_size,
    satisfaction,
    scorecard,
    sensitivity,
    small_area,
    weighting,
)
from qstats.stats.model_scale import backward, forward, limits, slope
from qstats.stats.sampling import Sample

X = np.random.default_rng(1).normal(size=(12, 2))
PAIR = Sample(np.array([0, 0]), np.array([np.inf]))
PANEL = {"y": X[:, 0], "X": X[:, 1:], "effects": np.ones((12, 1)), "cluster": np.arange(12) % 3}
WRONG = [None, "x", -1, 0, True, 1.5, float("nan"), float("inf"), []]
#: what is asked with which options in order; the options swept, with the odd values that mean something
ASKS = [
    (importance.main_effects, {"x": X, "composite": X[:, 0]}, {"degree": [True]}),
    (intervals.proportion, {"successes": 1, "n": 2}, {"level": [], "method": []}),
    (intervals.lower_bound, {"successes": 1, "n": 2}, {"level": []}),
    (intervals.poisson, {"events": 1, "exposure": 2}, {"level": []}),
    (intervals.mean, {"estimate": 0.5, "std_error": 0.1, "df": 5}, {"level": [], "method": []}),
    (intervals.t_interval, {"estimate": 0.5, "std_error": 0.1, "df": 5}, {"level": []}),
    (means.mazziotta_pareto, {"scores": [1, 2], "weights": [1, 0]}, {"penalty": []}),
    (means.mean_min, {"scores": [1, 2], "weights": [1, 0]}, {"alpha": [0], "beta": [0, 1.5]}),
    (normal_imputation.multiple, {"x": X}, {"n_imputations": []}),
    (panel.wild_cluster, PANEL, {"n_draws": [], "weights": []}),
    (ranking.rank_interval, {"ranks": [[1.0]]}, {"level": []}),
    (ranking.adjusted, {"p": [0.1]}, {"method": []}),
    (resample.brr, {"sample": PAIR}, {"fay": [0]}),
    (resample.bootstrap, {"sample": PAIR, "seed": (1,)}, {"n": []}),
    (rounding.round_to, {}, {"digits": [-1, 0], "rule": []}),
    (run_length.shewhart_arl, {}, {"width": [1.5]}),
    (run_length.cusum_arl, {"reference": 0.5, "decision": 5.0}, {"shift": [-1, 0, 1.5], "sides": []}),
    (run_length.cusum_arl, {"decision": 5.0}, {"reference": [0, 1.5], "headstart": [0, 1.5]}),
    (run_length.cusum_arl, {}, {"decision": [1.5]}),
    (run_length.ewma_arl, {}, {"weight": [], "width": [1.5], "shift": [-1, 0, 1.5]}),
    (run_length.estimated_limits, {}, {"width": [1.5], "short": [1.5], "grid": []}),
    (count_run_length.p_chart_arl, {"n": 9, "p0": 0.1, "p1": 0.1}, {"n": [], "p0": [0], "p1": [0]}),
    (count_run_length.c_chart_arl, {"mu0": 2, "mu1": 2}, {"mu0": [0, 1.5], "mu1": [0, 1.5], "width": [1.5]}),
    (
        count_run_length.poisson_cusum_arl,
        {"mu": 1, "reference": 2, "decision": 3},
        {"mu": [0, 1.5], "reference": [1.5], "decision": [1.5], "headstart": [0, 1.5]},
    ),
    (run_rules.nelson, {"z": X[:, 0]}, {"rules": []}),
    (
        sample_size.size_for_width,
        {"rate": 0.5, "half_width": 0.1},
        {"rate": [], "half_width": [], "confidence": [], "method": []},
    ),
    (
        sample_size.size_for_test,
        {"p0": 0.9, "p1": 0.97},
        {"p0": [], "p1": [], "confidence": [], "power": [], "method": []},
    ),
    (sample_size.power_of_test, {"n": 9, "p0": 0.9, "p1": 0.97}, {"p0": [], "p1": [], "confidence": []}),
    (satisfaction.size_for_mean, {"std": 20, "half_width": 2}, {"confidence": []}),
    (satisfaction.size_for_change, {"std": 20, "change": 3}, {"confidence": [], "power": []}),
    (scorecard.rounded, {"score": 1.0}, {"rounding": []}),
    (scorecard.add_up, {"leaves": {}, "parents": {}, "weights": {}}, {"missing": []}),
    (sensitivity.factorial_indices, {"values": X}, {"factors": []}),
    (small_area.fay_herriot, {"y": [1], "D": [1], "X": [[1]]}, {"method": []}),
    (forward, {"y": 1, "D": 1}, {"transform": []}),
    (backward, {"z": 1, "s": 1}, {"transform": []}),
    (slope, {"z": 1}, {"transform": []}),
    (limits, {"z": 1, "s": 1, "level": 0.9}, {"transform": []}),
    (composite.normal_interval, {"estimate": 1, "std_error": 1, "floor": 0, "ceiling": 9}, {"level": []}),
    (weighting.equal, {}, {"n_indicators": []}),
    (weighting.principal, {"x": X}, {"rule": [], "negative": [], "missing": []}),
    (weighting.critic, {"x": X}, {"missing": []}),
]
POSITIONAL = {rounding.round_to: (1.5,), run_length.estimated_limits: (9,)}
#: told under the name that users know
TOLD = {
    ("proportion", "method"): "interval",
    ("mean", "method"): "interval",
    ("adjusted", "method"): "adjust",
}


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("ask, given, swept", ASKS, ids=lambda part: getattr(part, "__name__", ""))
def test_an_odd_option_is_refused_by_name(ask, given, swept, value):
    base = {"digits": 1} if ask is rounding.round_to else {}
    for option, fine in swept.items():
        if any(value is one for one in fine):
            continue
        told = TOLD.get((ask.__name__, option), option)
        with pytest.raises(OptionError, match=rf"^{told}(=| )"):
            ask(*POSITIONAL.get(ask, ()), **{**base, **given, option: value})
            pytest.fail(f"{option}={value!r} was taken")
