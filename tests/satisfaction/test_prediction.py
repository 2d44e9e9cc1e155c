"""Whether the model of a study predicts."""

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.errors import DataError, DesignError, OptionError
from qstats.satisfaction import predictive_power
from qstats.stats.path_predict import predict
from qstats.survey.design import Design

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
    }
)
ERRORS = ["rmse", "mae", "lm_rmse", "lm_mae", "mean_rmse", "mean_mae"]
FAST = {"folds": 4, "repeats": 2}


def study(table, **options):
    return satisfaction.study(table, model=MODEL, replicates=2, **options)


def test_the_table_is_that_of_the_formula_group_by_group(survey):
    table = predictive_power(study(survey, by="brand"), **FAST)
    assert table.groupby("brand").size().tolist() == [5, 5, 5]
    assert table["item"].tolist() == ["s1", "s2", "s3", "l1", "l2"] * 3
    asked = study(survey, by="brand")
    for g, brand in enumerate("abc"):
        own = table[table["brand"] == brand]
        found = predict(asked.survey.X[asked.survey.rows(g)], asked.questions.model, **FAST)
        np.testing.assert_allclose(own[ERRORS[0::2]].T, found.rmse, rtol=1e-12)
        np.testing.assert_allclose(own[ERRORS[1::2]].T, found.mae, rtol=1e-12)
        np.testing.assert_allclose(own["q2_predict"], found.q2, rtol=1e-12)
        assert (own["n"] == (survey["brand"] == brand).sum()).all()


def test_items_that_follow_from_quality_are_predicted_and_random_ones_are_not(survey):
    table = predictive_power(study(survey), **FAST)
    assert (table["q2_predict"] > 0.05).all()
    mixed = survey.copy()
    for item in ("l1", "l2"):
        mixed[item] = np.random.default_rng(3).permutation(mixed[item])
    found = predictive_power(study(mixed, negative="keep"), **FAST).set_index("item")
    assert found.loc[["l1", "l2"], "q2_predict"].max() < 0.02
    assert found.loc["s1", "q2_predict"] > 0.05


def test_classes_follow_from_what_is_better(survey):
    for measure in ("rmse", "mae"):
        table = predictive_power(study(survey), measure=measure, **FAST)
        better = (table[measure] < table[f"lm_{measure}"]) & (table["q2_predict"] > 0)
        assert table["better"].tolist() == better.tolist()
        for construct, own in table.groupby("construct"):
            share = own["better"].mean()
            said = "high" if share == 1 else "none" if share == 0 else "medium" if share >= 0.5 else "low"
            assert set(own["power"]) == {said}, construct
        assert table["power_of_model"].nunique() == 1


def test_weights_clusters_strata_and_seed_reach_the_errors(survey):
    plain = predictive_power(study(survey), **FAST)[ERRORS]
    designs = (Design(weight="weight"), Design(cluster="cluster"), Design(strata="stratum"))
    for asked in (*(study(survey, design=d) for d in designs), study(survey, scheme="centroid")):
        other = predictive_power(asked, **FAST)[ERRORS]
        assert (other["rmse"] != plain["rmse"]).all()
    for option in ({"seed": 1}, {"folds": 5}, {"repeats": 1}):
        other = predictive_power(study(survey), **{**FAST, **option})[ERRORS]
        assert (other["rmse"] != plain["rmse"]).all()
    again = predictive_power(study(survey.sample(frac=1, random_state=2)), **FAST)[ERRORS]
    pd.testing.assert_frame_equal(again, plain)


def test_gaps_are_treated_as_the_study_says(survey):
    survey.loc[[3, 7], "q1"] = np.nan
    survey.loc[5, "s2"] = np.nan
    counts = {
        m: predictive_power(study(survey, missing=m), **FAST)["n"].tolist() for m in ("casewise", "mean")
    }
    assert counts == {"casewise": [237] * 5, "mean": [238, 237, 238, 238, 238]}


def test_collinear_predictors_leave_the_class_unknown(survey):
    double = survey.assign(q2=np.clip(survey["q1"], 1, 10))
    model = MODEL.assign(items=["q1;q3", "s1;s2;s3", "l1;l2"])
    two = pd.concat([model, pd.DataFrame({"construct": ["EXTRA"], "parents": [""], "items": ["q2"]})])
    two.loc[two["construct"] == "SAT", "parents"] = "QUAL;EXTRA"
    table = predictive_power(satisfaction.study(double, model=two, replicates=2, negative="keep"), **FAST)
    assert table["better"].isna().all() and table["power"].isna().all() and table["lm_rmse"].isna().all()
    assert table["rmse"].notna().all()


def test_what_cannot_be_predicted_says_why(survey):
    with pytest.raises(OptionError, match="outer='group'"):
        predictive_power(study(survey, by="brand", outer="pooled"))
    with pytest.raises(DataError, match=r"brand=a: .* units cannot make 200 folds"):
        predictive_power(study(survey, by="brand"), folds=200)
    with pytest.raises(OptionError, match="measure='mape'"):
        predictive_power(study(survey), measure="mape")
    given = survey.assign(r1=1.0, r2=np.where(survey["cluster"] % 2, 0.0, 2.0))
    design = Design(weight="weight").replicate(columns=["r1", "r2"], scale=1.0)
    asked = satisfaction.study(given, model=MODEL, design=design)
    with pytest.raises(DesignError, match="name the cluster"):
        predictive_power(asked)
