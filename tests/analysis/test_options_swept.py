"""Every option of every question, given what it cannot be: refused by an error of this library, or listed.

Nothing that is wrong is taken for something else: what a parameter does accept of the odd values stands in
``TAKEN``, and is meant.
"""

import contextlib
import inspect
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

import qstats as qs
from qstats.analysis import (
    compare,
    forecast,
    inequality,
    linked,
    panel_regression,
    peers,
    scorecard,
    signals,
    smooth,
)
from qstats.analysis.monitor import Charts
from qstats.errors import OptionError, QStatsError
from qstats.estimate import Estimate

#: what no option is, or few are; `object()` has no value at all
ODD = {
    "None": None,
    "'x'": "x",
    "''": "",
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "nan": math.nan,
    "inf": math.inf,
    "[]": [],
    "{}": {},
    "object": object(),
    "True": True,
    "table": pd.DataFrame({"a": [1, 2]}),
    "polars": pl.DataFrame({"a": [1, 2]}),
    "array": np.arange(2.0),
}


def given(rows, *, keys=("period",), unit="%", se=0.5):
    table = pd.DataFrame(rows, columns=[*keys, "estimate"])
    low, high = table["estimate"] - 2 * se, table["estimate"] + 2 * se
    table = table.assign(std_error=se, conf_low=low, conf_high=high, n=100)
    return Estimate(table, indicator="pass_rate", unit=unit, method="given")


def regional(base):
    rows = [
        (name, str(year), base + i + 0.3 * (year - 2019) + (i * 7 + year * 5) % 4)
        for i, name in enumerate(["安徽", "江苏", "浙江", "江西"])
        for year in (2019, 2020, 2021)
    ]
    return given(rows, keys=("region", "period"))


def months(first, count):
    when = [f"{first + i // 12}M{i % 12 + 1:02}" for i in range(count)]
    passed = [188 + i * 7 % 5 for i in range(count)]
    return qs.inspection_pass_rate(
        {"period": when, "inspected": [200] * count, "passed": passed}, by="period"
    )


VALUES = [90.1, 90.9, 89.7, 91.2, 90.3, 91.8, 90.6, 92.0, 91.1, 92.6, 91.4, 92.9]
YEARLY = given([(str(2010 + i), v) for i, v in enumerate(VALUES)])
QUARTERLY = given([(f"{2015 + i // 4}Q{i % 4 + 1}", 90 + np.sin(1.7 * i) + 0.05 * i) for i in range(24)])
MONTHLY = given([(f"{2015 + i // 12}M{i % 12 + 1:02}", 20.0 + i * 7 % 5) for i in range(72)], unit="cases")
CHECKS = {
    "period": ["2020"] * 4 + ["2021"] * 4,
    "region": ["安徽", "江苏", "浙江", "江西"] * 2,
    "inspected": [100, 200, 300, 150, 120, 190, 280, 170],
    "passed": [90, 185, 280, 140, 110, 180, 265, 155],
}
RATES = qs.inspection_pass_rate(CHECKS, by=["period", "region"])
ONE = RATES.where(period="2021")
CITIES = {
    "t": given([("合肥", 93.5), ("芜湖", 92.0)], keys=("region",)),
    "m": given([("合肥", 53.5), ("芜湖", 56.0)], keys=("region",), unit="score"),
}
TREE = pd.DataFrame(
    {
        "code": ["all", "t", "m"],
        "parent": ["", "all", "all"],
        "direction": [None, 1, 1],
        "weight": [1, 0.4, 0.6],
        "weight_provenance": "official",
        "lower": [None, 80, 0],
        "upper": [None, 95, 60],
        "bounds_provenance": "hypothesis",
        "unit": ["", "%", "score"],
    }
)
TARGETS = pd.DataFrame({"code": ["a"], "operator": [">="], "value": [93.0], "unit": ["%"], "by_year": [2025]})
AUXILIARY = pd.DataFrame({"region": list("abcdef"), "x": range(1, 7), "w": [1.0, 2, 3, 1, 1, 2]})
DIRECT = given(list(zip("abcdef", [1.3, 1.2, 3.9, 3.5, 5.9, 5.6], strict=True)), keys=("region",), unit="")
CELLS = pd.DataFrame({"region": ["a", "b", "c", "*"], "n": [3, 40, 12, 55]})
PEOPLE = pd.DataFrame({"region": list("aaabbcc"), "v": [1.0, 2, 3, 4, 5, 6, 7]})
RULES = pd.DataFrame({"metric": ["cv"], "operator": [">"], "threshold": [10], "flag": ["suppress"]})
VINTAGES = {v: given([("2022", x - 1), ("2023", x)]) for v, x in (("2024-02", 93.6), ("2024-12", 93.65))}
INCOME = given([("安徽", 5.0), ("江西", 5.2), ("江苏", 9.0), ("湖北", 6.0)], keys=("region",), unit="")
WATCHED = qs.monitor(months(2019, 24), baseline=12)
OLD = given([(str(2010 + i), v) for i, v in enumerate([80.0, 82, 85, 88, 90])])
NEW = given([(str(2013 + i), v) for i, v in enumerate([79.0, 81, 84, 86])])
Y, X = regional(90), regional(50)
LONG = Y.table, X.table

#: name → function, what it is given by position, and its options; a dot tells variants apart
CALLS = {
    "change": (qs.change, [RATES], {}),
    "decompose": (qs.decompose, [RATES], {"by": "region", "earlier": "2020", "later": "2021"}),
    "linked": (linked.linked, [OLD, NEW], {}),
    "trend": (qs.trend, [YEARLY], {}),
    "trend.block": (qs.trend, [YEARLY], {"autocorrelation": "block"}),
    "trend.weighted": (qs.trend, [YEARLY], {"method": "weighted"}),
    "trend.seasonal": (qs.trend, [QUARTERLY], {"method": "seasonal"}),
    "forecast": (qs.forecast, [YEARLY], {"horizon": 1}),
    "backtest": (forecast.backtest, [OLD], {"horizon": 1, "methods": ["naive"], "scale": "identity"}),
    "smooth": (smooth.smooth, [YEARLY], {}),
    "seasonal": (smooth.seasonal, [QUARTERLY], {}),
    "targets": (
        qs.targets,
        [{"a": ONE.where(region="安徽")}, TARGETS],
        {"references": {"a": 91.0}, "forecasts": {"a": given([("2025", 93.0)])}},
    ),
    "scorecard": (
        qs.scorecard,
        [CITIES, TREE],
        {"rounding": "half-up", "n_draws": 50, "veto": {"芜湖": "incident"}},
    ),
    "grade_ranks": (scorecard.grade_ranks, [{"a": "B", "b": "A"}], {}),
    "macro": (qs.macro, [YEARLY, {"gdp": YEARLY}], {"n_draws": 99, "treatments": ["levels"]}),
    "panel_regression": (qs.panel_regression, [Y, {"x": X}], {"n_draws": 99, "wild": "webb"}),
    "fixed_effects": (
        panel_regression.fixed_effects,
        [LONG[0]["estimate"], LONG[1][["estimate"]], LONG[0]["region"], LONG[0]["period"]],
        {},
    ),
    "errors_in_variables": (qs.errors_in_variables, [YEARLY, YEARLY], {}),
    "compare": (qs.compare, [RATES], {"draws": 20, "neighbours": {"安徽": ["江苏"]}}),
    "position_name": (compare.position_name, ["upper"], {}),
    "funnel": (qs.funnel, [ONE], {}),
    "inequality": (inequality.inequality, [ONE], {}),
    "convergence": (inequality.convergence, [RATES], {}),
    "peers": (peers.peers, [{"income": INCOME}, "安徽"], {}),
    "international": (peers.international, [{"A": YEARLY, "B": YEARLY}], {}),
    "monitor": (qs.monitor, [months(2019, 24)], {"baseline": 12}),
    "monitor.state": (qs.monitor, [months(2021, 2)], {"state": WATCHED.state}),
    "episodes": (signals.episodes, [WATCHED.signals], {}),
    "outbreaks": (qs.outbreaks, [MONTHLY], {"years": 3}),
    "seasonal_cusum": (qs.seasonal_cusum, [MONTHLY], {"baseline": 36, "decision": 4.0}),
    "accept": (qs.accept, [ONE, 95], {}),
    "sample_size": (qs.sample_size, [97], {"half_width": 1}),
    "sample_size.test": (qs.sample_size, [97], {"p0": 90}),
    "flags": (qs.flags, [ONE], {}),
    "flags.own": (qs.flags, [ONE], {"rules": RULES}),
    "small_area": (
        qs.small_area,
        [DIRECT],
        {"auxiliary": AUXILIARY, "covariates": ["x"], "benchmark": "ratio", "weight": "w"},
    ),
    "vintages": (qs.vintages, [VINTAGES], {}),
    "revisions": (qs.revisions, [qs.vintages(VINTAGES)], {}),
    "revision_triangle": (qs.revision_triangle, [qs.vintages(VINTAGES)], {}),
    "revision_summary": (qs.revision_summary, [qs.vintages(VINTAGES)], {}),
    "suppress": (qs.suppress, [CELLS], {"keys": ["region"], "minimum_n": 5}),
    "suppress.people": (
        qs.suppress,
        [CELLS],
        {"keys": ["region"], "minimum_n": 5, "contributors": PEOPLE, "value": "v", "dominance": (1, 50.0)},
    ),
}

#: odd values that are an answer; besides None where it is the default, and True and False where one is
TAKEN = {
    ("trend", "seed"): ["0"],
    ("smooth", "step"): ["0", "1.5"],
    ("targets", "near"): ["0", "1.5"],
    ("targets", "estimates"): ["{}"],
    ("targets", "references"): ["{}"],
    ("targets", "forecasts"): ["{}"],
    ("scorecard", "veto"): ["{}"],
    ("scorecard", "whole"): ["1.5"],
    ("scorecard", "seed"): ["0"],
    ("grade_ranks", "letters"): ["{}"],
    ("macro", "max_lag"): ["0"],
    ("macro", "logs"): ["[]"],
    ("macro", "seed"): ["0"],
    ("panel_regression", "seed"): ["0"],
    ("errors_in_variables", "correlation"): ["0"],
    ("compare", "direction"): ["-1"],
    ("compare", "neighbours"): ["{}"],
    ("compare", "draws"): ["0"],
    ("compare", "seed"): ["0"],
    ("position_name", "within"): ["[]"],
    ("funnel", "target"): ["1.5"],
    ("funnel", "winsorise"): ["0"],
    ("funnel", "direction"): ["-1"],
    ("monitor", "direction"): ["-1"],
    ("monitor", "harmonics"): ["0"],
    ("outbreaks", "half_width"): ["0"],
    ("outbreaks", "trend"): ["True"],
    ("seasonal_cusum", "ratio"): ["1.5"],
    ("seasonal_cusum", "harmonics"): ["0"],
    ("seasonal_cusum", "decision"): ["1.5"],
    ("accept", "p0"): ["0", "1.5"],
    ("accept", "deff_at_bounds"): ["1.5"],
    ("flags", "deff_at_bounds"): ["1.5"],
    ("sample_size", "rate"): ["1.5"],
    ("sample_size", "half_width"): ["1.5"],
    ("sample_size", "p0"): ["1.5"],
    ("sample_size", "deff"): ["1.5"],
    ("sample_size", "population"): ["1.5", "inf"],
    ("small_area", "covariates"): ["'x'", "[]"],
    ("small_area", "weight"): ["'x'"],
    ("small_area", "national"): ["1.5"],
    ("revisions", "reasons"): ["{}"],
    ("revision_summary", "by"): ["[]"],
    ("revision_summary", "lags"): ["0"],
    ("suppress", "margins"): ["'x'", "''", "{}"],
    ("suppress", "protection"): ["0"],
    ("suppress", "p_percent"): ["1.5"],
}


def with_odd(function, positional, options, at, parameter, odd):
    """Ask a question with one odd value, in its place or by its name."""
    args, more = list(positional), dict(options)
    if at < len(args):
        args[at] = odd
    else:
        more[parameter] = odd
    function(*args, **more)


@pytest.mark.parametrize("name", CALLS)
def test_an_option_is_what_it_may_be_or_refused(name):
    function, positional, options = CALLS[name]
    function(*positional, **options)
    wrong = []
    for at, (parameter, declared) in enumerate(inspect.signature(function).parameters.items()):
        meant = [*TAKEN.get((name.split(".")[0], parameter), []), repr(declared.default)]
        meant += ["True"] * isinstance(declared.default, bool)
        for said, odd in ODD.items():
            try:
                with_odd(function, positional, options, at, parameter, odd)
            except QStatsError:
                continue
            except Exception as error:
                wrong.append(f"{parameter}={said}: {type(error).__name__}: {error}")
            else:
                wrong += [f"{parameter}={said} was taken"] if said not in meant else []
    assert not wrong


@pytest.mark.parametrize(("question", "parameter"), TAKEN)
def test_what_is_listed_as_an_answer_is_one(question, parameter):
    refused = set(TAKEN[question, parameter])
    for name, (function, positional, options) in CALLS.items():
        if name.split(".")[0] != question:
            continue
        at = list(inspect.signature(function).parameters).index(parameter)
        for said in tuple(refused):
            with contextlib.suppress(QStatsError):
                with_odd(function, positional, options, at, parameter, ODD[said])
                refused.remove(said)
    assert refused == set()


def test_every_question_is_swept():
    asked = {function for function, _, _ in CALLS.values()}
    named = [name for name, module in qs._PUBLIC.items() if module.startswith("analysis.")]
    own_tests = {"breaks", "clubs", "granger", "published_vintages"}
    assert [name for name in named if name not in own_tests and getattr(qs, name) not in asked] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: qs.targets({}, TARGETS, references={"a": "x"}), r"references\['a'\]='x'"),
        (lambda: qs.scorecard(CITIES, TREE, rounding="none", veto={"芜湖": ""}), "芜湖.*empty"),
        (lambda: scorecard.grade_ranks({"a": "B"}, grades={"D": 0, "A": "x"}), r"grades\['A'\]='x'"),
        (lambda: scorecard.grade_ranks({"a": []}), r"letters\['a'\]=\[\]"),
        (lambda: qs.macro(YEARLY, {"gdp": None}), r"economy\['gdp'\] is a NoneType"),
        (lambda: qs.macro(YEARLY, {"gdp": YEARLY}, logs=[1]), r"logs=\[1\]"),
        (lambda: inequality.inequality(ONE, weights={"安徽": "x"}), r"weights\['安徽'\]='x'"),
        (lambda: inequality.inequality(ONE, groups={"安徽": None}), r"groups\['安徽'\]=None"),
        (lambda: qs.compare(RATES, neighbours={"安徽": 1}), "neighbours=1"),
        (lambda: qs.monitor(MONTHLY, baseline=12, kind="c", charts=Charts(width="x")), "charts.width='x'"),
        (lambda: qs.suppress(CELLS, keys="region", minimum_n=5, dominance=(0, 50)), r"dominance\[0\]=0"),
        (lambda: qs.revisions(qs.vintages(VINTAGES), reasons={"2024-12": 1}), r"reasons\['2024-12'\]=1"),
        (lambda: qs.sample_size([97, True], half_width=1), "neither a number nor a list of numbers"),
        (lambda: qs.change(RATES, lang="x"), "lang='x' is not one of 'zh', 'en'"),
    ],
)
def test_what_stands_inside_an_option_is_looked_at_too(asked, said):
    with pytest.raises(OptionError, match=said):
        asked()
