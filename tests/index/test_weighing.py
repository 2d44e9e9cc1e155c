import warnings
from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, OptionError, QStatsWarning
from qstats.index.steps import benefit_of_the_doubt, weigh
from qstats.stats import frontier

ABC = ["质量", "能力", "标准"]
#: of three, weights are the geometric means of rows and λ = 1 + t + 1/t, t³ = a₁₃/(a₁₂ a₂₃); here t³ = 3/4
JUDGED = pd.DataFrame([[1, 2, 3], ["1/2", 1, 2], ["1/3", "1/2", 1]], ABC, ABC)
DATA = pd.DataFrame({"passed": [4.0, 2.0, 2.0], "rd": [1.0, 4.0, 2.0]}, ["安徽", "江苏", "浙江"])


def test_judgements_of_three_have_weights_known_by_hand():
    found, t = weigh(JUDGED, method="ahp"), 0.75 ** (1 / 3)
    rows = np.array([6, 1, 1 / 6]) ** (1 / 3)
    assert found.index.tolist() == ABC
    assert found.name == "weight"
    np.testing.assert_allclose(found, rows / rows.sum(), rtol=1e-12)
    assert found.attrs["eigenvalue"] == pytest.approx(1 + t + 1 / t, rel=1e-12)
    assert found.attrs["consistency_ratio"] == pytest.approx((t + 1 / t - 2) / 2 / 0.58, rel=1e-9)


def test_rows_in_any_order_and_one_half_of_the_table_are_the_same_judgements():
    found = weigh(JUDGED, method="ahp")
    pd.testing.assert_series_equal(weigh(JUDGED.iloc[[2, 0, 1]], method="ahp"), found)
    upper = pd.DataFrame([[None, 2, 3], [np.nan, None, 2], ["", "—", np.nan]], ABC, ABC)
    pd.testing.assert_series_equal(weigh(upper, method="ahp"), found)


@pytest.mark.parametrize("half", [0.5, "1/2", " 1 / 2 ", "１／２", "0.5", Fraction(1, 2), "2/4"])
def test_a_fraction_is_read_as_people_type_it(half):
    judged = pd.DataFrame([[1, half], [None, 1]], ["a", "b"], ["a", "b"])
    np.testing.assert_allclose(weigh(judged, method="ahp"), [1 / 3, 2 / 3], rtol=1e-12)


@pytest.mark.parametrize(
    "cell", ["1/0", "-1/2", 0, -3, "x", "1/2/3", "/2", "½", np.inf, date(2026, 1, 3), "1月3日"]
)
def test_what_is_no_judgement_is_named(cell):
    judged = pd.DataFrame([[1, cell], [None, 1]], ["a", "b"], ["a", "b"], dtype=object)
    with pytest.raises(
        DataError, match=r"a against b: .* is no positive number; write 3, 0.25 or 1/3"
    ) as caught:
        weigh(judged, method="ahp")
    assert caught.value.violations[["row", "column"]].values.tolist() == [[0, "b"]]


def test_all_faults_of_judgements_are_told_at_once():
    wrong = pd.DataFrame([[1, 3, "x"], [3, 2, None], [1, None, 1]], ABC, ABC)
    with pytest.raises(DataError, match="4 faults in the data") as caught:
        weigh(wrong, method="ahp")
    said = caught.value.violations["message"].tolist()
    assert said[0].startswith("质量 against 能力 is 3, and 能力 against 质量 3: write 3 and 1/3")
    assert said[1].startswith("质量 against 标准: x is no positive number")
    assert said[2:] == ["能力 against itself is 2, and must be 1.", "能力 against 标准 is not judged."]


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (
            JUDGED.rename(index={"标准": "标准化"}),
            "the index of judgements .* lack: 标准化. Did you mean '标准'?",
        ),
        (JUDGED.drop(index="标准"), "the columns of judgements has labels that the index lack: 标准"),
        (JUDGED.loc[[*ABC, "质量"]], "stand twice in the index of judgements: 质量"),
        (JUDGED.reset_index(drop=True), "lack: 0, 1, 2"),
        (JUDGED["标准"], "found Series"),
        (JUDGED.iloc[:0, :0], "found an empty table"),
    ],
)
def test_judgements_have_the_same_labels_on_both_sides(judged, said):
    with pytest.raises(DataError, match=said):
        weigh(judged, method="ahp")


def test_judgements_that_contradict_each_other_are_told_with_the_one_that_fits_least():
    """t = 2: λ = 3.5, and the weights are as 4 : 1 : 1/4."""
    abc = list("abc")
    judged = pd.DataFrame([[1, 2, 32], [None, 1, 2], [None, None, 1]], abc, abc)
    with pytest.warns(QStatsWarning, match=r"their consistency ratio is 0.431, above 0.1"):
        found = weigh(judged, method="ahp")
    np.testing.assert_allclose(found, np.array([16, 4, 1]) / 21, rtol=1e-12)
    assert found.attrs["consistency_ratio"] == pytest.approx(0.25 / 0.58, rel=1e-12)
    scale = np.array([8.0, 4.0, 2.0, 1.0])
    turned = pd.DataFrame(scale[:, None] / scale, list("abcd"), list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert weigh(turned, method="ahp").round(12).tolist() == (scale / 15).round(12).tolist()
    turned.loc["b", "d"], turned.loc["d", "b"] = 1 / 4, 4
    with pytest.warns(
        QStatsWarning, match=r"look again at (b against d, which is 0.25|d against b, which is 4) "
    ):
        weigh(turned, method="ahp")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=12))
def test_judgements_made_of_weights_give_these_weights(w):
    names, w = [f"x{q}" for q in range(len(w))], np.array(w)
    found = weigh(pd.DataFrame(w[:, None] / w, names, names), method="ahp")
    np.testing.assert_allclose(found, w / w.sum(), rtol=1e-9)
    assert np.isnan(found.attrs["consistency_ratio"]) == (len(w) > 10)


# the benefit of the doubt


def test_the_best_weights_of_three_units_by_hand():
    """浙江: max 2a + 2b under 4a + b ≤ 1 and 2a + 4b ≤ 1, where both bind: a = 3/14, b = 2/14."""
    found = benefit_of_the_doubt(DATA)
    np.testing.assert_allclose(found.score, [1, 1, 5 / 7], rtol=1e-9)
    assert found.score.index.tolist() == found.weights.index.tolist() == DATA.index.tolist()
    np.testing.assert_allclose(
        found.weights.loc["浙江", ["passed", "rd"]].astype(float), [3 / 14, 1 / 7], rtol=1e-9
    )
    np.testing.assert_allclose(
        found.shares.loc["浙江", ["passed", "rd"]].astype(float), [0.6, 0.4], rtol=1e-9
    )
    np.testing.assert_allclose((found.weights * DATA).sum(axis=1), found.score, rtol=1e-12)


def test_bounds_of_shares_by_name_leave_the_others_free():
    """Three quarters from passed: a ≥ 6b for 江苏, so b = 1/25; a ≥ 3b for 浙江, so b = 1/13."""
    found = benefit_of_the_doubt(DATA, lower={"passed": 0.75})
    np.testing.assert_allclose(found.score, [1, 16 / 25, 8 / 13], rtol=1e-9)
    assert (found.shares["passed"] >= 0.75 - 1e-9).all()
    same = benefit_of_the_doubt(DATA[["rd", "passed"]], upper=pd.Series({"rd": 0.25}))
    np.testing.assert_allclose(same.score, found.score, rtol=1e-9)
    whole = frontier.benefit_of_the_doubt(DATA, lower=0.4, upper=0.55)
    np.testing.assert_array_equal(benefit_of_the_doubt(DATA, lower=0.4, upper=0.55).shares, whole.shares)


def test_one_indicator_is_its_own_frontier():
    found = benefit_of_the_doubt(DATA["passed"])
    assert isinstance(found.weights, pd.Series)
    np.testing.assert_allclose(found.score, [1, 0.5, 0.5], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: benefit_of_the_doubt(DATA, lower={"pased": 0.1}), OptionError, "Did you mean 'passed'"),
        (lambda: benefit_of_the_doubt(DATA, upper={"rd": 2}), OptionError, r"upper=\[1.0, 2.0\] must hold"),
        (lambda: benefit_of_the_doubt(DATA, lower=0.6), OptionError, r"lower=\[0.6, 0.6\].* reach 1"),
        (lambda: benefit_of_the_doubt(DATA - 2), DataError, "columns rd have values below 0, the least -1"),
        (lambda: benefit_of_the_doubt(DATA.mul([1, 0, 1], axis=0)), DataError, "unit 江苏 with the values"),
        (lambda: benefit_of_the_doubt(DATA.astype(str)), DataError, "columns passed, rd hold no numbers"),
    ],
)
def test_a_frontier_that_cannot_be_is_told_by_names(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_a_unit_of_several_levels_is_named_by_their_words():
    zero = pd.concat({2020: DATA, 2021: DATA * 0}, names=["year", "place"])
    with pytest.raises(DataError, match="unit 2021 安徽 with the values"):
        benefit_of_the_doubt(zero)
