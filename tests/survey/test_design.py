import datetime as dt
import json
import pickle

import numpy as np
import pytest

from qstats.errors import DesignError, OptionError
from qstats.survey.adjustments import label
from qstats.survey.design import Design

TWO_STAGES = {"weight": "w", "strata": "h", "cluster": ["psu", "ssu"], "fpc": ["N", "M"]}


def chain():
    plan = Design(**TWO_STAGES, singleton="collapse", collapse={1: "a", 2: "a"}, missing="omit")
    plan = plan.calibrate({"size": {"大": 3.5, "小": 7}, ("region", "kind"): {("皖", 1): 4, ("苏", 2): 6}})
    plan = plan.calibrate({"size": {"大": 3, "小": 7}}, distance="logit", bounds=(0.2, 3), trim=(None, 40))
    return plan.replicate("bootstrap", n=100, seed=0)


def test_one_column_is_a_stage_and_several_are_stages():
    assert Design(cluster="psu") == Design(cluster=["psu"])
    assert Design(**TWO_STAGES).clusters == ("psu", "ssu")
    assert Design(**TWO_STAGES).populations == ("N", "M")


def test_without_a_population_the_first_stage_says_it_all():
    assert Design(cluster=["psu", "ssu"]).stages == ("psu",)
    assert Design(cluster=["psu", "ssu"], fpc="N").stages == ("psu", "ssu")


def test_rows_themselves_are_drawn_where_there_are_no_clusters():
    assert Design(strata="h").elements
    assert not Design(cluster="psu").elements


@pytest.mark.parametrize("plan", [Design(), Design(**TWO_STAGES), chain()], ids=["none", "stages", "chain"])
def test_a_design_survives_json_and_pickle(plan):
    assert Design.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert hash(plan) == hash(Design.from_dict(plan.to_dict()))


def test_a_saved_design_names_only_what_was_said():
    assert Design(weight="w").to_dict() == {"weight": "w"}


def test_a_design_prints_as_the_calls_that_make_it():
    assert repr(chain()) == (
        "Design(weight='w', strata='h', cluster=('psu', 'ssu'), fpc=('N', 'M'), singleton='collapse', "
        "collapse={1: 'a', 2: 'a'}, missing='omit')\n"
        "  .calibrate({'size': {'大': 3.5, '小': 7}, ('region', 'kind'): {('皖', 1): 4, ('苏', 2): 6}})\n"
        "  .calibrate({'size': {'大': 3, '小': 7}}, distance='logit', bounds=(0.2, 3.0), trim=(None, 40.0))\n"
        "  .replicate('bootstrap', n=100, seed=0)"
    )
    given = Design().replicate(columns=["r1", "r2"], scale=0.5, rscales=[1, 2], mse=True)
    assert ".replicate(columns=[2 columns], scale=0.5, rscales=(1.0, 2.0), mse=True)" in repr(given)


def test_a_step_leaves_the_design_before_it_as_it_was():
    plan = Design(weight="w", strata="h", cluster="psu")
    plan.calibrate({"size": {"a": 1}})
    plan.replicate("jkn")
    assert plan == Design(weight="w", strata="h", cluster="psu")
    with pytest.raises(AttributeError):
        plan.weight = "v"


def test_variables_calibrated_to_are_categorical_continuous_or_the_constant():
    plan = Design(cluster="psu").calibrate(
        {"size": {"a": 1}, ("size", "kind"): {("a", 1): 1}, "output": 9, "1": 5}
    )
    step = plan.calibrations[0]
    assert step.categorical == ("size", "kind")
    assert step.continuous == ("output",)


def test_categories_are_text_or_whole_numbers_as_in_cells():
    assert label(np.int8(3)) == 3
    assert type(label(np.int8(3))) is int
    assert label(np.str_("a")) == "a"
    assert label(dt.datetime(2023, 4, 1, 8)) == "2023-04-01 08:00:00"
    with pytest.raises(DesignError, match=r"0\.5"):
        label(0.5)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"singleton": "ignore"}, OptionError, "remove"),
        ({"missing": "drop"}, OptionError, "omit"),
        ({"weight": 1}, OptionError, "weight=1"),
        ({"cluster": ["a", "b", "c"]}, DesignError, "at most two"),
        ({"cluster": ["a", "a"]}, DesignError, "twice"),
        ({"cluster": "a", "fpc": ["N", "M"]}, DesignError, "2 columns for 1 stages"),
        ({"fpc": ["N", "M"]}, DesignError, "2 columns for 1 stages"),
        ({"cluster": "a", "nest": True}, DesignError, "nest"),
        ({"strata": "h", "nest": True}, DesignError, "nest"),
        ({"strata": "h", "singleton": "collapse"}, OptionError, "together"),
        ({"strata": "h", "collapse": {1: 2}}, OptionError, "together"),
        ({"singleton": "collapse", "collapse": {1: 2}}, DesignError, "strata"),
    ],
)
def test_a_design_that_contradicts_itself_is_refused(options, error, said):
    with pytest.raises(error, match=said):
        Design(**options)


@pytest.mark.parametrize(
    ("totals", "options", "error", "said"),
    [
        ({}, {}, DesignError, "no totals"),
        ({"size": {}}, {}, DesignError, "no categories"),
        ({"size": {"a": -1}}, {}, DesignError, "-1"),
        ({"size": {"a": float("nan")}}, {}, DesignError, "nan"),
        ({"size": {"a": "many"}}, {}, DesignError, "many"),
        ({"day": {dt.date(2023, 4, 1): 1, "2023-04-01": 2}}, {}, DesignError, "twice"),
        ({("a", "b"): {"x": 1}}, {}, DesignError, "1 parts"),
        ({("a", "b"): 3}, {}, DesignError, "crossed"),
        ({"1": {"a": 3}}, {}, DesignError, "constant"),
        ({"size": {"a": 1}}, {"distance": "chi"}, OptionError, "linear"),
        ({"size": {"a": 1}}, {"distance": "logit"}, OptionError, "bounds"),
        ({"size": {"a": 1}}, {"bounds": (1.2, 3)}, OptionError, "low < 1"),
        ({"size": {"a": 1}}, {"trim": (5, 2)}, OptionError, "low < high"),
        ({"output": 5}, {"distance": "raking"}, DesignError, "continuous"),
        ({"output": 5}, {"bounds": (0.5, 2)}, DesignError, "continuous"),
        ({"output": 5}, {"trim": (0.5, 2)}, DesignError, "continuous"),
    ],
)
def test_totals_that_cannot_be_met_are_refused(totals, options, error, said):
    plan = Design(cluster="psu")
    with pytest.raises(error, match=said):
        plan.calibrate(totals, **options)


def test_a_continuous_auxiliary_needs_clusters():
    with pytest.raises(DesignError, match="tells rows apart"):
        Design(strata="h").calibrate({"output": 5})


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (None, {}, "one of them"),
        ("jkn", {"columns": ["r1", "r2"]}, "one of them"),
        ("jack", {}, "jk1"),
        ("bootstrap", {"n": 10}, "seed"),
        ("bootstrap", {"seed": 1}, "needs n"),
        ("bootstrap", {"n": 1, "seed": 1}, "at least 2"),
        ("fay", {}, "needs fay"),
        ("fay", {"fay": 1.0}, "between 0 and 1"),
        ("brr", {"fay": 0.3}, "belongs to 'fay'"),
        ("jkn", {"seed": 0}, "belongs to 'bootstrap'"),
        ("jkn", {"scale": 1}, "belongs to 'columns'"),
        (None, {"columns": ["r1", "r2"]}, "needs scale"),
        (None, {"columns": ["r1"], "scale": 1}, "two or more"),
        (None, {"columns": ["r1", "r2"], "scale": -1}, "above 0"),
        (None, {"columns": ["r1", "r2"], "scale": 1, "rscales": [1]}, "1 rscales for 2"),
        (None, {"columns": ["r1", "r2"], "scale": 1, "rscales": [1, -1]}, "≥ 0"),
    ],
)
def test_arguments_of_another_method_are_refused(method, options, said):
    with pytest.raises(OptionError, match=said):
        Design(strata="h", cluster="psu").replicate(method, **options)


@pytest.mark.parametrize(
    ("plan", "method"),
    [
        (Design(strata="h", cluster="psu"), "jk1"),
        (Design(cluster="psu"), "jkn"),
        (Design(cluster="psu"), "brr"),
        (Design(strata="h"), "jkn"),
    ],
)
def test_a_method_that_does_not_fit_the_sample_is_refused(plan, method):
    with pytest.raises(DesignError, match=r"jk1|jkn|brr"):
        plan.replicate(method)
