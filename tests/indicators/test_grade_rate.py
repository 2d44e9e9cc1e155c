import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.indicators.grade_rate import grade_rate

GRADES = {
    "region": ["安徽", "江苏"],
    "superior": [20.0, 300.0],
    "first": [40.0, 100.0],
    "qualified": [30.0, 50.0],
    "output": [100.0, 500.0],
}


def test_grades_are_weighted_over_pooled_output():
    assert grade_rate(GRADES).value() == pytest.approx(100 * (1.5 * 320 + 140 + 0.5 * 80) / 600)
    assert grade_rate(GRADES, by="region").value(region="安徽") == pytest.approx(85)


def test_the_denominator_is_named_and_changes_the_rate():
    graded = grade_rate(GRADES, denominator="graded")
    assert graded.value() == pytest.approx(100 * (1.5 * 320 + 140 + 0.5 * 80) / 540)
    assert graded.basis == "over graded output"
    assert graded.table["denominator"].tolist() == [540]
    without = {name: column for name, column in GRADES.items() if name != "output"}
    assert grade_rate(without, denominator="graded").value() == graded.value()
    with pytest.raises(DataError, match="output"):
        grade_rate(without)


def test_the_weights_are_an_argument():
    found = grade_rate(GRADES, weights=(2, 1, 0))
    assert found.value() == pytest.approx(100 * (640 + 140) / 600)
    assert "2/1/0" in found.method


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, -1), (1, 1, float("nan")), (1, 1, 1, 1)])
def test_weights_that_are_not_three_numbers_are_refused(weights):
    with pytest.raises(OptionError, match="weights"):
        grade_rate(GRADES, weights=weights)


@pytest.mark.parametrize(("grade", "rate"), [("superior", 150), ("first", 100), ("qualified", 50)])
def test_one_grade_alone_gives_its_weight(grade, rate):
    table = {"superior": [0.0], "first": [0.0], "qualified": [0.0], "output": [9.0], grade: [9.0]}
    assert grade_rate(table).value() == pytest.approx(rate)


def test_grades_above_the_output_are_refused(lang):
    with pytest.raises(DataError) as caught:
        grade_rate({**GRADES, "output": [89.0, 500.0]})
    assert caught.value.violations[["row", "column", "rule"]].values.tolist() == [[1, "output", "grades"]]


def test_printed_shares_may_add_up_to_100_01():
    assert (
        grade_rate({"superior": [33.34], "first": [33.34], "qualified": [33.33], "output": [100]}).value() > 0
    )


def test_no_output_is_undefined_with_a_reason():
    nothing = {"superior": [0], "first": [0], "qualified": [0], "output": [0]}
    for denominator in ("total", "graded"):
        row = grade_rate(nothing, denominator=denominator).table.iloc[0]
        assert np.isnan(row["estimate"])
        assert row["flag"] == f"undefined: {denominator} output = 0"


def test_no_error_is_invented():
    found = grade_rate(GRADES)
    assert found.table[["std_error", "conf_low", "conf_high", "n"]].isna().all(axis=None)
    assert found.inference == "none"


def test_the_unit_does_not_matter():
    small = {
        name: [v / 1e8 for v in column] if name != "region" else column for name, column in GRADES.items()
    }
    assert grade_rate(small).value() == pytest.approx(grade_rate(GRADES).value())


def test_engines_agree(engine):
    table = pd.DataFrame(GRADES)
    a, b = (grade_rate(t, by="region").table for t in (engine(table), table))
    pd.testing.assert_frame_equal(a, b)


def test_a_wrong_denominator_is_answered_with_the_list():
    with pytest.raises(OptionError, match="graded"):
        grade_rate(GRADES, denominator="grade")
