import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.estimate import CORE, Estimate, assemble, flags, require_estimate

ROWS = pd.DataFrame(
    {
        "period": ["2022", "2022", "2023", "2023"],
        "region": ["全国", "安徽", "全国", "安徽"],
        "estimate": [93.29, 93.1, 93.654, np.nan],
        "std_error": [0.1234, 0.2, np.nan, np.nan],
        "conf_low": [93, 92.7, np.nan, np.nan],
        "conf_high": [93.5, 93.5, np.nan, np.nan],
        "n": [9, 4, 9, 0],
    }
)


def rate(table=ROWS, **attributes):
    given = {"indicator": "product_pass_rate", "unit": "%", "method": "weighted"} | attributes
    return Estimate(table, **given)


def test_keys_are_the_columns_before_the_estimate():
    assert rate().keys == ("period", "region")
    assert rate(ROWS[:1].drop(columns=["period", "region"])).keys == ()
    assert len(rate()) == 4


def test_the_value_is_the_one_with_these_keys():
    assert rate().value(period="2022", region="安徽") == 93.1
    assert rate().value(period=2022, region="全国") == 93.29
    assert np.isnan(rate().value(period="2023", region="安徽"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"period": "2022"}, "2 rows"), ({"period": "2024"}, "2023"), ({"year": "2022"}, "period, region")],
)
def test_a_value_that_is_not_one_is_refused_with_what_there_is(keys, said):
    with pytest.raises(DataError, match=said):
        rate().value(**keys)


def test_rows_are_chosen_by_a_value_or_several():
    assert rate().where(region="安徽").table["period"].tolist() == ["2022", "2023"]
    assert len(rate().where(period=["2022", "2023"], region=["全国"])) == 2
    assert rate(notes=["a note"]).where(region="安徽").notes == ("a note",)


def test_nothing_can_be_changed_in_place():
    given = ROWS.copy()
    found = rate(given)
    given.loc[0, "estimate"] = 0.0
    taken = found.table
    taken.loc[0, "estimate"] = 0.0
    assert found.value(period="2022", region="全国") == 93.29
    with pytest.raises(AttributeError, match="immutable"):
        found.unit = "point"
    with pytest.raises(AttributeError):
        found.other = 1


def test_replace_gives_another_and_leaves_the_first():
    first = rate(digits=2, notes=["a"])
    second = first.replace(notes=["b"], digits=1)
    assert (first.notes, first.digits, second.notes, second.digits) == (("a",), 2, ("b",), 1)
    assert len(first.replace(ROWS[:1])) == 1


@pytest.mark.parametrize("column", ["estimate", "std_error", "conf_low", "conf_high", "n"])
def test_every_core_column_is_needed(column):
    with pytest.raises(DataError, match=f"missing: {column}; what is not known is a column of NaN"):
        rate(ROWS.drop(columns=column))


def test_two_rows_of_the_same_keys_are_refused():
    with pytest.raises(DataError, match="安徽"):
        rate(pd.concat([ROWS, ROWS[1:2]]))
    with pytest.raises(DataError, match="1 rows repeat"):
        rate(ROWS[:2].drop(columns=["period", "region"]))


def test_many_keys_of_many_values_are_told_apart():
    """200 values in each of ten keys are 10²⁰ possible rows, more than a whole number holds."""
    keys = {f"k{k}": [f"v{(i * (k + 1)) % 200}" for i in range(200)] for k in range(10)}
    table = pd.DataFrame(keys).assign(**dict.fromkeys(CORE, 1.0))
    named = {"indicator": "x", "unit": "", "method": "m"}
    assert len(Estimate(table, **named)) == 200
    twice = pd.concat([table, table.iloc[[7]]])
    with pytest.raises(DataError, match=r"1 rows repeat .*'k0': 'v7'"):
        Estimate(twice, **named)


def test_a_wrong_inference_is_answered_with_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'design'"):
        rate(inference="desing")


def test_one_simulated_source_makes_it_simulated():
    assert rate(provenance=["published:mqr", "simulated:inspections seed=1"]).simulated
    assert not rate(provenance=["published:mqr"]).simulated
    assert "SIMULATED" in repr(rate(provenance=["simulated:x"]))
    assert "SIMULATED" not in repr(rate())


def test_it_prints_rounded_and_keeps_all_digits():
    printed = repr(rate(digits=1, level=0.9))
    assert "93.7" in printed
    assert "93.654" not in printed
    assert "0.12" in printed  # an error has one digit more
    assert "90% interval" in printed
    assert rate(digits=1).value(period="2023", region="全国") == 93.654


def test_small_numbers_beside_the_estimate_keep_three_decimals_when_printed():
    printed = repr(rate(ROWS.assign(p=0.04321, deff=1.23456), digits=1))
    assert "0.043" in printed
    assert "0.0432" not in printed
    assert "1.2" in printed
    assert "1.23" not in printed


def test_a_number_without_a_unit_is_printed_without_empty_brackets():
    assert "[" not in repr(rate(unit="")).splitlines()[0]
    assert "[%]" in repr(rate(unit="%")).splitlines()[0]


def test_what_is_no_estimate_is_told_how_to_become_one():
    with pytest.raises(OptionError, match=r"a dict, not an Estimate.*of numbers of your own"):
        require_estimate({"period": [2023]})


def test_html_escapes_what_people_wrote():
    table = ROWS[:1].assign(region="<b>x</b>")
    html = rate(table, notes=["<script>"], basis="a<b")._repr_html_()
    assert "<script>" not in html
    assert "<b>x</b>" not in html
    assert "a&lt;b" in html


def test_it_survives_pickling_and_copying():
    first = rate(notes=["a"], provenance=["user"], basis="batches", level=0.9, inference="design")
    for second in (pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        pd.testing.assert_frame_equal(second.table, first.table)
        assert second._meta() == first._meta()


def test_keys_become_text_and_columns_keep_their_order():
    table = assemble(pd.DataFrame({"year": [2023]}, index=[7]), estimate=[1.0], n=[2])
    assert list(table.columns) == ["year", "estimate", "n"]
    assert table["year"].tolist() == ["2023"]
    assert table.index.tolist() == [0]


def test_a_key_called_like_a_result_is_refused():
    with pytest.raises(DataError, match="'n'"):
        assemble(pd.DataFrame({"n": ["a"]}), estimate=[1.0], n=[2])


def test_a_flag_says_the_first_reason():
    found = flags((np.array([True, False, True]), "a"), (np.array([True, True, False]), "b"))
    assert found.tolist() == ["undefined: a", "undefined: b", "undefined: a"]
    assert flags((np.array([False]), "a")).tolist() == [""]
