"""Every option of every public function, given what it is not: an error names it and says what to do."""

import inspect

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.errors import DataError, FrameworkError, OptionError
from qstats.indicators.customer_satisfaction import customer_satisfaction

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
    }
)
NAN, INF = float("nan"), float("inf")
VALUES = (
    None, "x", "", -1, 0, 1.5, NAN, INF, [], {}, object(), True, ["x", None], {"x": 1},
    np.array([1.0, 2.0]), pd.DataFrame({"a": [1]}),
)  # fmt: skip
#: what an option may be, of the values above
NONE = {"by", "items", "weights", "metric", "design", "error", "replicates", "seed", "interval", "minimum_n"}
FINE = {
    **dict.fromkeys(NONE, (None,)),
    "by": ([],),
    "seed": (None, 0),
    "mode": ({},),
    "dont_know": (-1, 0, [], {}),
    "half_width": (1.5,),
    "change": (1.5,),
    "std": (1.5,),
    "deff": (1.5,),
    "population": (1.5, INF),
    "correlation": (None, 0),
    "power": (None,),
}
LISTS = {"half_width", "change", "std", "deff", "population", "weights", "scale"}


@pytest.fixture(scope="module")
def calls(module_answers):
    """Every public function, with arguments it works with."""
    table = module_answers(240, 5)
    year = np.where(np.arange(240) % 2, "2022", "2023")
    table = table.assign(period=year, group=table["brand"])
    few = {"model": MODEL, "replicates": 2}
    brands = satisfaction.study(table, by="brand", **few)
    years = satisfaction.study(table, by="period", **few)
    index = satisfaction.index(brands)
    over = {"over": "brand", "weights": {"a": 1, "b": 2, "c": 3}}
    of = {name: (getattr(satisfaction, name), (brands,), {}) for name in TABLES}
    return of | {
        "mean": (customer_satisfaction, (table,), {"method": "mean", "items": ["s1", "s2"]}),
        "pls": (customer_satisfaction, (table,), few),
        "study": (satisfaction.study, (table,), few),
        "questionnaire": (satisfaction.questionnaire, ("ccsi",), {}),
        "compare_groups": (satisfaction.compare_groups, (brands,), {"permutations": 2}),
        "measurement_invariance": (satisfaction.measurement_invariance, (brands,), {"permutations": 2}),
        "predictive_power": (satisfaction.predictive_power, (brands,), {"folds": 2, "repeats": 1}),
        "compare_responses": (satisfaction.compare_groups, (table,), {"model": MODEL, "permutations": 2}),
        "change_effects": (satisfaction.change_effects, (years,), {}),
        "roll_up": (satisfaction.roll_up, (index,), over),
        "contributions": (satisfaction.contributions, (index,), over),
        "plan_width": (satisfaction.sample_plan, (), {"half_width": 2}),
        "plan_change": (satisfaction.sample_plan, (), {"change": 2}),
    }


TABLES = (
    "index", "items", "constructs", "discriminant", "fit_measures", "paths", "importance_performance",
    "conventions",
)  # fmt: skip
NAMES = (
    *TABLES, "mean", "pls", "study", "questionnaire", "compare_groups", "compare_responses",
    "measurement_invariance", "predictive_power",
    "change_effects", "roll_up", "contributions", "plan_width", "plan_change",
)  # fmt: skip
#: options that are there and that another one makes meaningless or needs
ELSEWHERE = {
    ("plan_width", "half_width"), ("plan_change", "change"), ("mean", "weights"), ("mean", "items"),
}  # fmt: skip


def accepted(name, argument, value):
    """Whether a value is one that the option may have."""
    if argument in LISTS and isinstance(value, np.ndarray):
        return True
    fine = FINE.get(argument, ())
    if (name, argument) in ELSEWHERE:
        fine = tuple(v for v in fine if v is not None)
    return any(value is v or (type(value) is type(v) and value == v) for v in fine)


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_is_none_is_refused_by_name(calls, name):
    function, given, options = calls[name]
    for argument, parameter in inspect.signature(function).parameters.items():
        first = parameter.kind is parameter.POSITIONAL_ONLY
        kinds = (OptionError, DataError, FrameworkError) if first or argument == "model" else OptionError
        for value in VALUES:
            if accepted(name, argument, value):
                continue
            at, by_name = ((value,), options) if first else (given, {**options, argument: value})
            try:
                function(*at, **by_name)
            except kinds as error:
                assert first or argument == "model" or argument in str(error), (argument, value, error)
            except DataError as error:  # a name that is text, and no column
                assert argument in ("by", "items", "weights"), (argument, value, error)
            else:
                optional = parameter.default is None and value is None
                assert optional, f"{name}({argument}={value!r}) was taken"


@pytest.mark.parametrize("argument", ["replicates", "seed"])
def test_draws_that_item_means_do_not_make_are_refused(survey, argument):
    with pytest.raises(OptionError, match="leave them out"):
        customer_satisfaction(survey, method="mean", items=["s1"], **{argument: 5})


def test_logit_is_for_what_lies_between_0_and_100(survey):
    of = satisfaction.study(survey, model=MODEL, replicates=5)
    for question in (satisfaction.paths, satisfaction.importance_performance):
        with pytest.raises(OptionError, match="interval='logit' is for an index"):
            question(of, interval="logit")


def test_a_table_without_the_items_of_the_model_names_the_way_out(survey):
    with pytest.raises(DataError, match=r"needs all of its items.*method=\"mean\"") as found:
        customer_satisfaction(survey)
    assert set(found.value.violations["rule"]) == {"header"}
    with pytest.raises(DataError) as other:
        customer_satisfaction(survey, model=MODEL, scale=(1, 5))
    assert 'method="mean"' not in str(other.value)


def test_item_means_take_the_items_of_the_construct_or_those_named(survey):
    known = {"model": MODEL, "method": "mean"}
    assert customer_satisfaction(survey, **known).value() == pytest.approx(
        customer_satisfaction(survey, method="mean", items=["s1", "s2", "s3"]).value(), rel=1e-12
    )
    for option in ({"model": MODEL}, {"index_of": "LOY"}):
        with pytest.raises(OptionError, match="leave out items"):
            customer_satisfaction(survey, method="mean", items=["s1"], **option)
