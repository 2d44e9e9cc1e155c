"""Every option of a formula answers an odd value by its name."""

import numpy as np
import pytest

from qstats.errors import OptionError
from qstats.stats import (
    acceptance,
    adjust,
    association,
    attainment,
    autocorrelation,
    backtest,
    break_dates,
    break_paths,
    breaks,
    calibrate,
    clubs,
    composite,
    control,
    control_exact,
    correlation,
    count_run_length,
    decompose,
    design_intervals,
    edits,
    farrington_flexible,
    forecast,
    frontier,
    funnel,
    importance,
    intervals,
    means,
    normal_imputation,
    panel,
    ranking,
    resample,
    revision,
    rounding,
    run_length,
    run_rules,
    sample_size,
    satisfaction,
    scorecard,
    seasonal_trend,
    sensitivity,
    small_area,
    trend,
    trend_line,
    two_rates,
    weighting,
)
from qstats.stats.model_scale import backward, forward, limits, slope
from qstats.stats.sampling import Sample

X = np.random.default_rng(1).normal(size=(12, 2))
PAIR = Sample(np.array([0, 0]), np.array([np.inf]))
PANEL = {"y": X[:, 0], "X": X[:, 1:], "effects": np.ones((12, 1)), "cluster": np.arange(12) % 3}
WRONG = [None, "x", -1, 0, True, 1.5, float("nan"), float("inf"), []]
BOTH = {"x": X[:, 0], "y": X[:, 1]}
T = np.arange(1, 31)
CLUBS = np.array([60 + 20 / T, 60 - 20 / T])
TWO = two_rates.Counts(3, 9)
CELLS = {"d": [10.0, 20.0], "C": [[1.0], [1.0]], "totals": [60.0]}
COUNTS = {"x": [1, 2, 3], "n": [9, 9, 9], "kind": "p"}
SHARES = {"x": [90, 80], "n": [100, 100]}
MONTHS = np.round(50 + 20 * np.sin(np.arange(73) / 6 * np.pi))
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
    (limits, {"z": 1, "s": 1, "transform": "log"}, {"level": []}),
    (trend.theil_sen, {}, {"level": [None]}),
    (trend_line.weighted_line, {}, {"level": [], "scale": []}),
    (trend_line.compound_growth, {}, {"level": []}),
    (two_rates.miettinen_nurminen, {}, {"level": []}),
    (two_rates.newcombe, {}, {"level": []}),
    (revision.summary, {}, {"level": []}),
    (seasonal_trend.seasonal, {"season": T % 2, "year": T // 2}, {"level": []}),
    (composite.normal_interval, {"estimate": 1, "std_error": 1, "floor": 0, "ceiling": 9}, {"level": []}),
    (weighting.equal, {}, {"n_indicators": []}),
    (weighting.principal, {"x": X}, {"rule": [], "negative": [], "missing": []}),
    (weighting.critic, {"x": X}, {"missing": []}),
    (acceptance.decide, {"p": 0.9, "se": 0.1, "n": 50, "df": 9, "p0": 0.9}, {"confidence": [], "side": []}),
    (acceptance.operating_characteristic, {"rate": 0.9, "n": 10, "c": 1}, {"population": [None]}),
    (acceptance.zero_acceptance, {"p0": 0.9}, {"p0": [], "confidence": [], "population": [None]}),
    (association.parallel_analysis, {"x": X}, {"n_draws": [], "percentile": [1.5], "seed": [0]}),
    (association.correlations, {"x": X}, {"method": []}),
    (attainment.verdict, {"low": 0, "high": 1, "near": 1}, {"near": [0, 1.5], "equal": [True]}),
    (attainment.required_pace, {"value": 90, "target": 95, "years": 3}, {"path": [], "whole": [1.5]}),
    (
        attainment.probability,
        {"forecast": 94, "std_error": 1, "target": 95},
        {"sign": [-1, True], "scale": [], "whole": [1.5]},
    ),
    (autocorrelation.prewhitened, {}, {"level": []}),
    (autocorrelation.trend_free_prewhitened, {}, {"level": []}),
    (autocorrelation.hamed_rao, {}, {"lags": [None], "level": []}),
    (
        autocorrelation.block_permuted,
        {"rng": np.random.default_rng(1)},
        {"length": [None], "draws": [], "level": []},
    ),
    (
        backtest.rolling,
        {"model": "drift", "y": X[:, 0], "h": 2},
        {"model": [], "h": [], "period": [], "first": [None], "most": [], "level": []},
    ),
    (
        break_paths.by_draws,
        {"kind": "aveF"},
        {"kind": [], "model": [], "trim": [], "n_draws": [], "seed": [0]},
    ),
    (break_paths.bic_p, {}, {"model": [], "trim": [], "most": [0], "n_draws": [], "seed": [0]}),
    (breaks.chow, {}, {"after": []}),
    (breaks.sup_f, {}, {"model": [], "trim": [], "tail": []}),
    (break_dates.several, {}, {"model": [], "trim": [], "most": [0]}),
    (break_dates.date_limits, {}, {"model": [], "level": []}),
    (calibrate.calibrate, CELLS, {"bounds": [None], "distance": [], "error": [], "max_iterations": []}),
    (clubs.trend_of, {}, {"smooth": [0, 1.5]}),
    (clubs.clubs, {}, {"discard": [], "order": [], "sieve": [-1, 0, 1.5], "merge": [True]}),
    (
        control.rate_baseline,
        COUNTS,
        {"kind": [], "baseline": [None], "spread": [], "divisor": [1.5]},
    ),
    (control.rate_chart, {"kind": "p"}, {"kind": [], "width": [1.5]}),
    (control.individuals, {"x": X[:, 0]}, {"baseline": [None], "width": [1.5], "divisor": [1.5]}),
    (control_exact.probability_limits, {"kind": "p"}, {"kind": [], "alpha": []}),
    (control_exact.normal_scores, {**COUNTS, "centre": 0.1}, {"kind": []}),
    (correlation.coefficient, BOTH, {"measure": []}),
    (correlation.fisher, {"r": 0.5, "n": 9}, {"level": []}),
    (correlation.treated, {"y": X[:, 0]}, {"treatment": []}),
    (correlation.cross_correlation, BOTH, {"max_lag": [0]}),
    (decompose.effects, {}, {"method": []}),
    (
        design_intervals.design_proportion,
        {"p": 0.5, "se": 0.1, "n": 20, "df": 5},
        {"method": [], "level": [], "cap": [], "deff_at_bounds": [1.5, True, WRONG[-1]]},
    ),
    (
        design_intervals.effective_size,
        {"p": 0.5, "se": 0.1, "n": 20},
        {"level": [], "cap": [], "deff_at_bounds": [1.5, True, WRONG[-1]]},
    ),
    (adjust.trim, {"d": [1.0, 1.0]}, {"lower": [0, 1.5], "upper": [1.5, WRONG[-2]]}),
    (edits.hidiroglou_berthelot, {}, {"U": [0], "A": [0, 1.5], "C": [1.5]}),
    (
        farrington_flexible.farrington_flexible,
        {},
        {
            "season": [],
            "years": [],
            "half_width": [0],
            "parts": [],
            "skip": [0],
            "alpha": [],
            "trend_p": [0],
            "outlier": [1.5],
            "threshold": [],
        },
    ),
    (forecast.run, {"model": "drift", "y": X[:, 0], "h": 2}, {"model": [], "h": [], "period": []}),
    (funnel.overdispersion, SHARES, {"target": [None], "winsorise": [0], "scale": []}),
    (
        funnel.funnel_limits,
        {},
        {"level": [], "method": [], "phi": [0, 1.5], "tau2": [0, 1.5]},
    ),
    (funnel.p_value, {}, {"phi": [0, 1.5], "tau2": [0, 1.5]}),
]
POSITIONAL = {
    rounding.round_to: (1.5,),
    run_length.estimated_limits: (9,),
    autocorrelation.prewhitened: (X[:, 0],),
    autocorrelation.trend_free_prewhitened: (X[:, 0],),
    autocorrelation.hamed_rao: (X[:, 0],),
    autocorrelation.block_permuted: (X[:, 0],),
    break_paths.by_draws: (X[:, 0],),
    break_paths.bic_p: (X[:, 0],),
    breaks.chow: (T,),
    breaks.sup_f: (X[:, 0],),
    break_dates.several: (X[:, 0],),
    break_dates.date_limits: (X[:, 0], (6,)),
    clubs.trend_of: (CLUBS,),
    clubs.clubs: (CLUBS,),
    control.rate_chart: (*list(COUNTS.values())[:2], control.rate_baseline(**COUNTS)),
    control_exact.probability_limits: ([9], 0.1),
    decompose.effects: ([[0.5, 0.5], [0.8, 0.6]], [[0.5, 0.5], [0.8, 0.6]]),
    edits.hidiroglou_berthelot: ([1, 2, 3], [1, 1, 1]),
    farrington_flexible.farrington_flexible: (MONTHS,),
    funnel.funnel_limits: ([100], 0.9),
    funnel.p_value: ([90], [100], 0.9),
    trend.theil_sen: (T,),
    trend_line.weighted_line: (T, T, T),
    trend_line.compound_growth: (1, 2, 3),
    two_rates.miettinen_nurminen: (TWO, TWO),
    two_rates.newcombe: (TWO, TWO),
    revision.summary: (X[:, 0], X[:, 1]),
    seasonal_trend.seasonal: (T,),
}
#: told under the name that users know
TOLD = {
    ("proportion", "method"): "interval",
    ("mean", "method"): "interval",
    ("design_proportion", "method"): "interval",
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


@pytest.mark.parametrize("after", [None, 6, "6", {6: 1}, [1.5], [True], ["x"], [None], (0,), (-1,)])
def test_breaks_come_after_whole_numbers_of_values(after):
    for ask in (break_dates.segments, break_dates.jumps, break_dates.date_limits):
        with pytest.raises(OptionError, match=r"^after="):
            ask(X[:, 0], after)


@pytest.mark.parametrize("wrong", ["x", {}, [[0.1], [0.1, 0.2]], object()])
@pytest.mark.parametrize("bound", ["lower", "upper"])
def test_bounds_are_numbers_and_one_for_each_indicator(bound, wrong):
    right = {"lower": 0.0, "upper": 1.0}
    with pytest.raises(OptionError, match=f"^{bound}=.* is neither a number nor an array of numbers"):
        composite.minmax(X, **right | {bound: wrong})
    with pytest.raises(OptionError, match=f"^{bound}=.* is neither a number nor an array of numbers"):
        frontier.benefit_of_the_doubt(np.abs(X), **right | {bound: wrong})
    with pytest.raises(
        OptionError, match=rf"^{bound} has the shape \(3,\): one number, or one for each of 2"
    ):
        frontier.benefit_of_the_doubt(np.abs(X), **right | {bound: [0.2, 0.3, 0.4]})


def test_bounds_of_calibration_are_a_pair():
    for wrong in ("ab", [0.5], [0.5, 1.5, 2], {"L": 0.5}, [None, 2], ["a", 2], {0.5, 2}):
        with pytest.raises(OptionError, match=r"^bounds="):
            calibrate.calibrate(**CELLS, bounds=wrong)
    taken = [calibrate.calibrate(**CELLS, bounds=b).g.tolist() for b in ((0.5, 2.5), [0.5, 2.5])]
    assert taken[0] == taken[1] == pytest.approx([2.0, 2.0], rel=1e-12)
