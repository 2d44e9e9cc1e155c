"""Whatever is given for an option: it means something, or an error of ours names it."""

import pandas as pd
import pytest

from qstats.errors import OptionError, QStatsError
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

ROWS = pd.DataFrame(
    {
        "h": [1, 1, 1, 2, 2, 2],
        "psu": [1, 1, 2, 3, 3, 4],
        "w": [1.0, 2, 1, 2, 3, 1],
        "y": [1, 0, 1, 1, 0, 1],
        "x": [1.0, 2, 3, 4, 5, 6],
    }
)
PLAN = Design(weight="w", strata="h", cluster="psu")
CELLS = cells(ROWS, by="h", design=PLAN, sums=["y", "x"])
VALUES = [None, "x", "", -1, 0, 1.5, float("nan"), float("inf"), [], {}, object()]
COMMON = "data by design df missing level"


def of(function, table):
    return lambda data=table, **options: function(data, **options)


def calibrated(totals=None, **options):
    return mean(ROWS, y="x", design=PLAN.calibrate(totals, **options))


#: what is called, its options, those swept, and those whose odd values here mean something
CALLS = {
    "Design": (
        Design,
        {"weight": "w", "strata": "h", "cluster": "psu"},
        "weight strata cluster fpc nest singleton collapse singleton_domain missing calibrations replication",
    ),
    "calibrate": (
        calibrated,
        {"totals": {"h": {1: 5, 2: 5}}},
        "totals distance bounds trim error",
    ),
    "replicate": (
        lambda method="bootstrap", **options: PLAN.replicate(method, **options),
        {"n": 10, "seed": 1},
        "method columns n seed fay scale rscales mse",
    ),
    "replicate by columns": (
        PLAN.replicate,
        {"columns": ["y", "x"], "scale": 1.0},
        "columns scale rscales mse n",
    ),
    "cells": (
        of(cells, ROWS),
        {"by": "h", "design": PLAN, "sums": ["y"]},
        "data by design sums missing schema decimals memory_limit temp_directory max_cells progress",
    ),
}
for f, asked, own in (
    (ratio, {"numerator": "y", "denominator": "x"}, "margins deff"),
    (mean, {"y": "x"}, "margins deff"),
    (total, {"y": "x"}, "margins deff"),
    (proportion, {"y": "y"}, "margins deff interval"),
    (quantile, {"y": "x"}, "q rule interval"),
):
    swept = " ".join([*asked, COMMON, own])
    CALLS[f.__name__] = (of(f, ROWS), asked | {"by": "h", "design": PLAN}, swept)
    if f is not quantile:
        CALLS[f"{f.__name__} of cells"] = (of(f, CELLS), asked | {"by": "h"}, swept)
    CALLS[f"{f.__name__} without a design"] = (of(f, ROWS), asked, swept)
#: what of the values can be meant: the name of a column, no column, none at all, a whole number
MEANT = {
    ("weight", "x"), ("strata", "x"), ("cluster", "x"), ("fpc", "x"), ("y", "x"), ("numerator", "x"),
    ("denominator", "x"), ("by", "x"), ("sums", "x"), ("q", "0"), ("seed", "0"), ("decimals", "0"),
    ("scale", "1.5"),
}  # fmt: skip
EMPTY = {"cluster", "fpc", "collapse", "columns", "by", "sums"}


@pytest.mark.parametrize("name", CALLS)
def test_a_value_that_means_nothing_is_answered_by_an_error_of_ours(name):
    call, options, swept = CALLS[name]
    call(**options)
    for argument in swept.split():
        for value in VALUES:
            try:
                call(**(options | {argument: value}))
            except QStatsError as error:
                assert len(str(error)) > 10, (argument, value)
            else:
                meant = value is None or (argument, str(value)) in MEANT
                assert meant or (argument in EMPTY and value in ([], {})), (argument, value)


@pytest.mark.parametrize("bounds", [(0.5,), (2, 3), (0.5, float("nan")), ("a", "b"), (0.5, float("inf"))])
def test_bounds_are_two_numbers_around_one(bounds):
    with pytest.raises(OptionError, match="bounds"):
        PLAN.calibrate({"h": {1: 5, 2: 5}}, distance="logit", bounds=bounds)


def test_bounds_that_the_distance_does_not_have_are_refused_at_once():
    with pytest.raises(OptionError, match="logit"):
        PLAN.calibrate({"h": {1: 5, 2: 5}}, distance="raking", bounds=(0.5, 2))


@pytest.mark.parametrize("trim", [(3, 2), (-1, 2), (float("nan"), 2), (1, 2, 3), ("a", None)])
def test_trim_is_two_weights_in_their_order(trim):
    with pytest.raises(OptionError, match="trim"):
        PLAN.calibrate({"h": {1: 5, 2: 5}}, trim=trim)


@pytest.mark.parametrize("totals", [{1: 5}, {("h", 1): {}}, {"": 5}, {(): 5}])
def test_totals_are_of_columns(totals):
    with pytest.raises(QStatsError, match="totals"):
        PLAN.calibrate(totals)
