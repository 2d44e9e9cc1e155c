"""An option that cannot be what was given is refused by name, whatever was given."""

import inspect

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.errors import OptionError, QStatsError
from qstats.index import audit, contributions, hierarchy, ranks, repeated, runs, uncertainty
from qstats.index.specified import specified_index

WRONG = (
    None,
    "x",
    "",
    -1,
    0,
    1.5,
    float("nan"),
    float("inf"),
    [],
    {},
    [1],
    {1: 2},
    True,
    np.array([1.0, 2.0]),
    object(),
)


def tables():
    tree = pd.DataFrame({"code": ["all", "a", "b"], "parent": ["", "all", "all"], "direction": [1, 1, -1]})
    tree = tree.assign(weight=[1, 0.5, 0.5], weight_provenance="user", lower=[0, 60, 0], upper=[0, 100, 2])
    tree = tree.assign(bounds_provenance="user", unit=["", "u", "u"])
    data = pd.DataFrame(
        {"indicator": ["a", "b"] * 6, "period": ["2022"] * 6 + ["2023"] * 6, "std_error": 0.05}
    )
    data["region"] = ["安徽", "安徽", "江苏", "江苏", "湖北", "湖北"] * 2
    data["estimate"] = [88, 0.5, 70, 0.2, 90, 1.0, 85, 0.6, 72, 0.3, 93, 0.9]
    return tree, data[["indicator", "period", "region", "estimate", "std_error"]]


def cases():
    """Return name → function, arguments and options with which it works."""
    tree, data = tables()
    one = data[data["period"] == "2023"].drop(columns="period")
    index, both = qs.competitiveness_index(one, tree), qs.competitiveness_index(data, tree)
    wide = one.pivot(index="region", columns="indicator", values="estimate")
    panel = data.assign(period=data["period"].astype(int))
    panel = panel.pivot(index=["region", "period"], columns="indicator", values="estimate")
    prepared = runs.prepare(data, tree, runs.Choices())
    done = repeated.simulate(prepared, 8, split_runs=4)
    output = pd.DataFrame({"region": wide.index, "weight": [1.0, 2.0, 3.0]})
    yearly = pd.concat([output.assign(period=year) for year in ("2022", "2023")])
    figures = pd.DataFrame({"node": ["all", "a", "b"], "period": "2007", "value": [80.99, 84.76, 77.21]})
    asked = {"node": "all", "period": "2023"}
    means = {"aggregation": ["arithmetic", "geometric"]}
    return {
        "framework": (qs.framework, (tree,), {}),
        "competitiveness_index": (qs.competitiveness_index, (one, tree), {}),
        "specified_index": (specified_index, (one, tree), {}),
        "contributions": (qs.contributions, (index,), {}),
        "change_contributions": (contributions.change_contributions, (both,), {}),
        "uncertainty": (qs.uncertainty, (one, tree), {"n_runs": 4}),
        "sensitivity": (qs.sensitivity, (one, tree), {"alternatives": means}),
        "audit": (qs.audit, (one, tree), {}),
        "compare_specifications": (audit.compare_specifications, (one, tree, tree), {}),
        "bands": (qs.bands, (index,), {"scheme": "2008"}),
        "screen": (qs.screen, (wide,), {}),
        "denominate": (qs.denominate, (wide, wide), {"by": {"a": "b"}}),
        "impute": (qs.impute, (wide,), {}),
        "impute over time": (qs.impute, (panel,), {"method": "linear", "time": "period"}),
        "treat": (qs.treat, (wide,), {}),
        "normalise": (qs.normalise, (wide,), {}),
        "impute several times": (qs.impute, (wide,), {"method": "multiple", "n_imputations": 2}),
        "weigh": (qs.weigh, (wide,), {}),
        "benefit_of_the_doubt": (qs.benefit_of_the_doubt, (wide,), {}),
        "aggregate": (qs.aggregate, (wide,), {}),
        "outranking": (ranks.outranking, (done,), asked),
        "rank_acceptability": (ranks.rank_acceptability, (done,), asked),
        "rank_groups": (ranks.rank_groups, (done,), asked),
        "significant_changes": (ranks.significant_changes, (done,), {}),
        "simulate": (repeated.simulate, (prepared, 4), {}),
        "run_summary": (uncertainty.run_summary, (done,), {}),
        "add_up": (hierarchy.add_up, (index, output), {"over": ["region"]}),
        "change_effects": (hierarchy.change_effects, (both, yearly), {"over": ["region"]}),
        "admissible_weights": (qs.admissible_weights, (figures, tree), {"half_width": 0.5}),
    }


CASES = cases()


def put(name, parameter, value):
    """Return function, arguments and options with `value` for one parameter."""
    function, arguments, options = CASES[name]
    if parameter.kind is not parameter.POSITIONAL_ONLY:
        return function, arguments, {**options, parameter.name: value}
    at = list(inspect.signature(function).parameters).index(parameter.name)
    return function, (*arguments[:at], value, *arguments[at + 1 :]), options


@pytest.mark.parametrize("name", CASES)
def test_what_an_option_cannot_be_is_refused_and_named(name):
    function = CASES[name][0]
    for parameter in inspect.signature(function).parameters.values():
        for value in WRONG:
            called, arguments, options = put(name, parameter, value)
            try:
                called(*arguments, **options)
            except OptionError as error:
                own = parameter.name if parameter.kind is parameter.KEYWORD_ONLY else ""
                inner = isinstance(value, dict) and value
                assert own in str(error) or inner, f"{parameter.name}={value!r}: {error}"
            except QStatsError:
                pass  # of the data themselves


NUMBERS = (
    "n_runs",
    "split_runs",
    "n_imputations",
    "seed",
    "workers",
    "max_runs",
    "level",
    "tolerance",
    "min_unit",
)
NUMBERS += ("min_indicator", "max_winsorised", "skew_limit", "kurt_limit", "offset", "min_coverage")
CHOICES = (
    "of",
    "missing",
    "sampling",
    "unknown",
    "failed",
    "method",
    "lang",
    "correlation",
    "empty",
    "first",
    "counted",
)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("value", [float("nan"), "x", object(), [1], {}, np.array([1.0, 2.0]), -1])
def test_nothing_is_taken_for_a_number_or_a_choice(name, value):
    function = CASES[name][0]
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in NUMBERS + CHOICES:
            called, arguments, options = put(name, parameter, value)
            with pytest.raises(OptionError, match=parameter.name):
                called(*arguments, **options)


@pytest.mark.parametrize("wrong", [None, 3, {}, [], object()])
def test_a_framework_is_a_table_a_file_or_a_name(wrong):
    with pytest.raises(OptionError, match="not a table, a file or the name of a framework"):
        qs.framework(wrong)
