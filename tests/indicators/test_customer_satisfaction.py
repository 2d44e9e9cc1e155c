from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.errors import DataError, OptionError
from qstats.indicators.customer_satisfaction import SCHEMA, customer_satisfaction
from qstats.survey.design import Design

WEIGHTS = {"sat1": 0.5, "sat2": 0.2, "sat3": 0.3}
mean_index = partial(customer_satisfaction, method="mean", items=list(WEIGHTS))


@pytest.fixture
def survey():
    rng = np.random.default_rng(11)
    mood = rng.normal(7, 1.5, 240)
    answers = {f"sat{j}": np.clip(np.rint(mood + rng.normal(0, 1, 240)), 1, 10) for j in (1, 2, 3)}
    return pd.DataFrame({"region": np.repeat(["安徽", "江苏", "浙江"], 80), **answers})


def own_scores(table, weights, lo=1, hi=10):
    return (
        sum(w * (table[item] - lo) for item, w in weights.items()) / (hi - lo) / sum(weights.values()) * 100
    )


def test_the_index_and_its_error_are_those_of_the_respondents_scores(survey):
    row = mean_index(survey, weights=WEIGHTS).table.iloc[0]
    score = own_scores(survey, WEIGHTS)
    assert row["estimate"] == pytest.approx(score.mean(), rel=1e-12)
    assert row["std_error"] == pytest.approx(score.std(ddof=1) / np.sqrt(240), rel=1e-10)
    low, high = stats.t.interval(0.95, 239, row["estimate"], row["std_error"])
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))
    assert (row["n"], row["df"]) == (240, 239)


def test_by_region(survey):
    found = mean_index(survey, by="region")
    equal = dict.fromkeys(WEIGHTS, 1)
    for region, group in survey.groupby("region"):
        row = found.where(region=region).table.iloc[0]
        score = own_scores(group, equal)
        assert (row["estimate"], row["std_error"]) == pytest.approx(
            (score.mean(), score.std(ddof=1) / np.sqrt(80))
        )


def test_weights_may_be_a_sequence_or_named_and_their_scale_does_not_matter(survey):
    named = mean_index(survey, weights=WEIGHTS).table
    listed = mean_index(survey, weights=[50, 20, 30]).table
    np.testing.assert_allclose(named.iloc[:, :6].astype(float), listed.iloc[:, :6].astype(float), rtol=1e-12)
    assert mean_index(survey).value() != named["estimate"].iloc[0]


@pytest.mark.parametrize(
    "weights", [{"sat1": 1}, {**WEIGHTS, "x": 1}, [1, 2], [1, 2, 0], [1, 2, -1], [1, 2, float("nan")]]
)
def test_weights_that_do_not_fit_are_refused(survey, weights):
    with pytest.raises(OptionError, match="weights"):
        mean_index(survey, weights=weights)


def test_items_are_an_argument(survey):
    one = mean_index(survey, items=["sat2"])
    assert one.value() == pytest.approx((survey["sat2"].mean() - 1) / 9 * 100)
    own = survey.rename(columns={"sat1": "服务态度", "sat2": "等待时间", "sat3": "环境"})
    found = mean_index(own, items=["服务态度", "等待时间", "环境"], weights=[5, 2, 3])
    assert found.value() == pytest.approx(mean_index(survey, weights=WEIGHTS).value())


def test_items_that_are_no_columns_or_stand_twice_are_refused(survey):
    with pytest.raises(DataError, match="sat9"):
        mean_index(survey, items=["sat1", "sat9"])
    with pytest.raises(OptionError, match="twice"):
        mean_index(survey, items=["sat1", "sat1"])
    with pytest.raises(OptionError, match="at least one"):
        mean_index(survey, items=[])


def test_the_scale_is_an_argument(survey):
    fives = survey[["sat1", "sat2", "sat3"]].sub(1).div(9).mul(4).add(1)
    a, b = mean_index(fives, scale=(1, 5)), mean_index(survey)
    assert a.value() == pytest.approx(b.value())
    with pytest.raises(OptionError, match="scale"):
        mean_index(survey, scale=(10, 1))


def test_answers_outside_the_scale_name_item_row_and_value(survey, lang):
    survey.loc[4, "sat2"], survey.loc[9, "sat3"] = 11, 0
    with pytest.raises(DataError) as caught:
        mean_index(survey)
    found = caught.value.violations[["row", "column", "value", "rule"]].values.tolist()
    assert found == [[5, "sat2", 11, "maximum"], [10, "sat3", 0, "minimum"]]


def test_a_missing_answer_is_refused_by_default(survey):
    survey.loc[4, "sat2"] = np.nan
    with pytest.raises(DataError, match='missing="casewise"') as caught:
        mean_index(survey)
    assert caught.value.violations[["row", "column", "rule"]].values.tolist() == [[5, "sat2", "missing"]]
    with pytest.raises(DataError) as caught:
        mean_index(
            survey.assign(region=survey["region"].where(survey.index != 9)).fillna({"sat2": 5}), by="region"
        )
    assert "casewise" not in str(caught.value)


def test_casewise_leaves_respondents_out_and_counts_them(survey, lang):
    survey.loc[[4, 7], "sat2"] = np.nan
    found = mean_index(survey, missing="casewise", weights=WEIGHTS)
    kept = mean_index(survey.dropna(), weights=WEIGHTS)
    pd.testing.assert_frame_equal(found.table, kept.table)
    assert found.table["n"].iloc[0] == 238
    assert "2" in found.notes[0]
    assert "240" in found.notes[0]


def test_mean_takes_each_item_over_those_who_answered_it(survey, lang):
    survey.loc[:29, "sat2"] = np.nan
    found = mean_index(survey, missing="mean", weights=WEIGHTS)
    means = survey[list(WEIGHTS)].mean()
    expected = sum(w * (means[item] - 1) / 9 * 100 for item, w in WEIGHTS.items())
    assert found.value() == pytest.approx(expected)
    assert found.value() != mean_index(survey, missing="casewise", weights=WEIGHTS).value()
    assert "30" in found.notes[0]
    # the linearised error: what each respondent adds to the index
    n = survey[list(WEIGHTS)].notna().sum()
    u = sum(w * (survey[i] - means[i]).fillna(0) / n[i] / 9 * 100 for i, w in WEIGHTS.items())
    m = n.min()
    assert found.table["std_error"].iloc[0] == pytest.approx(np.sqrt((u**2).sum() * m / (m - 1)), rel=1e-10)


def test_policies_for_missing_answers_agree_when_none_is_missing(survey):
    tables = [mean_index(survey, missing=m).table for m in ("raise", "casewise", "mean")]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other)


def test_nobody_complete_is_said(survey):
    survey["sat1"] = np.where(survey.index % 2, np.nan, survey["sat1"])
    survey["sat2"] = np.where(survey.index % 2, survey["sat2"], np.nan)
    with pytest.raises(DataError, match="240"):
        mean_index(survey, missing="casewise")


def test_an_item_nobody_answered_is_undefined_with_a_reason(survey):
    survey.loc[survey["region"] == "安徽", "sat2"] = np.nan
    found = mean_index(survey, by="region", missing="mean")
    row = found.where(region="安徽").table.iloc[0]
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].isna().all()
    assert row["flag"].startswith("undefined")
    assert found.where(region="江苏").table["flag"].iloc[0] == ""


def test_a_table_of_item_means_has_an_index_and_no_error():
    means = {"region": ["安徽", "江苏"], "sat1": [8.25, 7.5], "sat2": [7.5, 7.0], "sat3": [6.0, 6.5]}
    found = mean_index(means, by="region")
    assert found.value(region="安徽") == pytest.approx((8.25 + 7.5 + 6.0 - 3) / 27 * 100)
    assert found.table[["std_error", "conf_low", "conf_high", "df"]].isna().all(axis=None)


def test_answers_that_all_agree_have_no_known_error():
    row = mean_index({"sat1": [8] * 5, "sat2": [7] * 5, "sat3": [9] * 5}).table.iloc[0]
    assert row["estimate"] == pytest.approx(7 / 9 * 100)
    assert np.isnan(row["std_error"])


def test_the_t_interval_is_cut_and_the_logit_one_stays_inside():
    high = {"sat1": [10, 10, 10, 4], "sat2": [10, 10, 10, 10], "sat3": [10, 10, 10, 9]}
    t, logit = (mean_index(high, interval=i).table.iloc[0] for i in ("t", "logit"))
    assert t["conf_high"] == 100
    assert t["conf_low"] < logit["estimate"] < logit["conf_high"] < 100
    wide = mean_index(high, level=0.5).table.iloc[0]
    assert wide["conf_low"] > t["conf_low"]


def test_engines_agree(engine, survey):
    survey.loc[3, "sat1"] = np.nan
    for missing in ("casewise", "mean"):
        a, b = (mean_index(t, by="region", missing=missing).table for t in (engine(survey), survey))
        pd.testing.assert_frame_equal(a, b, rtol=1e-12)


def test_wrong_choices_are_answered_with_the_list(survey):
    with pytest.raises(OptionError, match="casewise"):
        mean_index(survey, missing="listwise")
    with pytest.raises(OptionError, match="logit"):
        mean_index(survey, interval="wald")


def test_the_headers_of_the_form_are_those_of_the_construct(survey):
    headers = {c.name: c.zh for c in SCHEMA.columns if c.name in WEIGHTS}
    form = survey.rename(columns=headers)
    same = mean_index(survey).value()
    assert customer_satisfaction(form, method="mean").value() == pytest.approx(same, rel=1e-12)
    older = survey.rename(columns={**headers, "sat1": "总体满意度", "sat2": "与期望相比"})
    assert mean_index(older).value() == pytest.approx(same, rel=1e-12)


def test_gaps_of_nullable_columns_are_gaps():
    table = pd.DataFrame({"a": [9, 8, None, 7, 5], "b": [7, 6, 5, 9, 4], "w": [1, 2, 1, 2, 1]})
    options = {"method": "mean", "items": ["a", "b"], "missing": "casewise", "design": Design(weight="w")}
    want = customer_satisfaction(table, **options).table
    for backend in ("numpy_nullable", "pyarrow"):
        got = customer_satisfaction(table.convert_dtypes(dtype_backend=backend), **options).table
        pd.testing.assert_frame_equal(got, want)
