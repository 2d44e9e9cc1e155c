"""Standard errors, intervals and designs of the index."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats import satisfaction
from qstats.errors import DesignError, OptionError
from qstats.indicators.customer_satisfaction import customer_satisfaction
from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.replicated import solve
from qstats.stats.path_index import index as array_index
from qstats.stats.path_index import index_weights
from qstats.stats.path_moments import moments
from qstats.stats.pathmodel import fit
from qstats.survey.design import Design

ITEMS = ["q1", "q2", "q3", "s1", "s2", "s3", "l1", "l2"]
MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
    }
)
CLUSTERED = Design(weight="weight", strata="stratum", cluster="cluster")


def row(table, **options):
    return customer_satisfaction(table, model=MODEL, **options).table.iloc[0]


def test_weights_of_two_are_rows_written_twice(survey):
    twice = survey.loc[survey.index.repeat(survey["weight"])]
    weighted = row(survey, design=Design(weight="weight"), error="linearised")
    assert weighted["estimate"] == pytest.approx(row(twice, error="linearised")["estimate"], rel=1e-10)
    assert weighted["n"] == 240
    assert weighted["estimate"] != pytest.approx(row(survey, error="linearised")["estimate"], rel=1e-6)


def test_the_linearised_error_is_that_of_the_respondents_own_scores(survey):
    found = row(survey, error="linearised")
    items = satisfaction.items(satisfaction.study(survey, model=MODEL, error="linearised"))
    share = items.query("construct == 'SAT'").set_index("item")["index_weight"]
    score = ((survey[share.index] - 1) / 9 * 100) @ share
    assert found["estimate"] == pytest.approx(score.mean(), rel=1e-10)
    assert found["std_error"] == pytest.approx(score.std(ddof=1) / np.sqrt(240), rel=1e-10)
    assert found["df"] == 239
    assert found["deff"] == pytest.approx(1, rel=1e-12)
    assert found["n_eff"] == pytest.approx(240, rel=1e-12)


def test_the_linearised_error_of_clusters_is_that_of_a_mean_under_the_design(survey):
    from qstats.survey.estimators import mean

    found = row(survey, design=CLUSTERED, error="linearised")
    study = satisfaction.study(survey, model=MODEL, design=CLUSTERED, error="linearised")
    share = satisfaction.items(study).query("construct == 'SAT'").set_index("item")["index_weight"]
    score = ((survey[share.index] - 1) / 9 * 100) @ share
    same = mean(survey.assign(score=score), y="score", design=CLUSTERED).table.iloc[0]
    for column in ("estimate", "std_error", "df"):
        assert found[column] == pytest.approx(same[column], rel=1e-9)
    assert found["deff"] != pytest.approx(1, rel=1e-3)


def test_the_jackknife_is_the_sum_of_squares_of_fits_without_each_cluster(survey):
    found = row(survey, design=CLUSTERED.replicate("jkn", mse=True))
    model = satisfaction.questionnaire(MODEL).model

    def index(table, weight):
        m = moments(table[ITEMS].to_numpy(), weight)
        u = index_weights(fit(m.covariance, model).weights, m.covariance)
        return array_index(m.mean, u, 1, 10, model)[1]

    whole, squares = index(survey, survey["weight"]), 0.0
    size = survey.groupby("stratum")["cluster"].nunique()
    for cluster, own in survey.groupby("cluster"):
        h = own["stratum"].iloc[0]
        factor = np.where(survey["stratum"] == h, size[h] / (size[h] - 1), 1.0) * (
            survey["cluster"] != cluster
        )
        squares += (size[h] - 1) / size[h] * (index(survey, survey["weight"] * factor) - whole) ** 2
    assert found["estimate"] == pytest.approx(whole, rel=1e-10)
    assert found["std_error"] == pytest.approx(np.sqrt(squares), rel=1e-7)
    assert found["df"] == 48 - 4


def test_given_replicate_weights_are_those_of_the_design_that_made_them(survey):
    plan = CLUSTERED.replicate("jkn")
    made = satisfaction.study(survey, model=MODEL, design=plan)
    # the rows of a study are in an order of its own: make the weights by hand, by cluster
    size = survey.groupby("stratum")["cluster"].nunique()
    columns = {}
    for b, (cluster, own) in enumerate(survey.groupby("cluster")):
        h = own["stratum"].iloc[0]
        factor = np.where(survey["stratum"] == h, size[h] / (size[h] - 1), 1.0) * (
            survey["cluster"] != cluster
        )
        columns[f"r{b}"] = survey["weight"] * factor
    wide = pd.concat([survey, pd.DataFrame(columns)], axis=1)
    rscales = [
        (size[own["stratum"].iloc[0]] - 1) / size[own["stratum"].iloc[0]]
        for _, own in survey.groupby("cluster")
    ]
    given = Design(weight="weight", strata="stratum", cluster="cluster").replicate(
        columns=list(columns), scale=1.0, rscales=rscales
    )
    one, two = satisfaction.index(made).table, row(wide, design=given)
    assert two["std_error"] == pytest.approx(one["std_error"].item(), rel=1e-9)


def test_bootstrap_jackknife_and_linearised_errors_agree_but_are_not_the_same(survey):
    found = {
        "linearised": row(survey, design=CLUSTERED, error="linearised")["std_error"],
        "jackknife": row(survey, design=CLUSTERED.replicate("jkn"))["std_error"],
        "bootstrap": row(survey, design=CLUSTERED, replicates=800)["std_error"],
    }
    assert len(set(found.values())) == 3
    assert max(found.values()) / min(found.values()) < 1.25


def test_the_bootstrap_is_the_same_whoever_asks_for_it(survey):
    by_design = row(survey, design=CLUSTERED.replicate("bootstrap", n=60, seed=3))
    by_argument = row(survey, design=CLUSTERED, replicates=60, seed=3)
    assert by_design["std_error"] == by_argument["std_error"]
    assert row(survey, design=CLUSTERED, replicates=60, seed=4)["std_error"] != by_argument["std_error"]


def test_workers_do_not_change_the_replicates(survey):
    one, two = (
        satisfaction.study(survey, model=MODEL, by="brand", replicates=600, workers=w) for w in (1, 2)
    )
    pd.testing.assert_frame_equal(satisfaction.index(one).table, satisfaction.index(two).table)
    assert one.how.workers != two.how.workers


def test_blocks_of_replicates_join_without_a_seam(survey):
    of = satisfaction.study(survey, model=MODEL, design=CLUSTERED, replicates=7)
    whole = drawing.weights(of.survey.drawn, of.plan, 0, 7)
    parts = [drawing.weights(of.survey.drawn, of.plan, a, b) for a, b in ((0, 3), (3, 4), (4, 7))]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))


def test_intervals_are_those_named(survey):
    t, logit, percentile, bca = (row(survey, interval=i) for i in ("t", "logit", "percentile", "bca"))
    low, high = stats.t.interval(0.95, 239, t["estimate"], t["std_error"])
    assert (t["conf_low"], t["conf_high"]) == pytest.approx((low, high), rel=1e-12)
    limits = {(r["conf_low"], r["conf_high"]) for r in (t, logit, percentile, bca)}
    assert len(limits) == 4
    assert all(abs(a - low) < 0.6 and abs(b - high) < 0.6 for a, b in limits)
    assert row(survey, interval="percentile", level=0.5)["conf_low"] > percentile["conf_low"]


def test_percentiles_are_those_of_the_replicates(survey):
    of = satisfaction.study(survey, model=MODEL)
    values = solve(of, "standardised", _sat(of), 1).values[0, 0]
    found = satisfaction.index(of, interval="percentile").table.iloc[0]
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((low, high), rel=1e-12)


def test_leaving_out_each_of_few_units_is_the_jackknife_itself(survey):
    of = satisfaction.study(survey, model=MODEL, design=CLUSTERED)
    plan = drawing.left_out(of.survey.drawn)
    jack = satisfaction.study(survey, model=MODEL, design=CLUSTERED.replicate("jkn"))
    ours, theirs = (
        np.sort(solve(of, "standardised", _sat(of), 1, plan=p).values.ravel()) for p in (plan, jack.plan)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_groups_of_units_are_left_out_once_each(survey):
    of = satisfaction.study(survey, model=MODEL)
    plan = drawing.left_out(of.survey.drawn, groups=7)
    W = drawing.weights(of.survey.drawn, plan, 0, 7)
    assert ((W == 0).sum(1) == 1).all()
    np.testing.assert_allclose(W.sum(0), 240, rtol=1e-12)


def _sat(of):
    from qstats.satisfaction.indices import index_statistic

    return index_statistic(of, 1, "U")


def test_intervals_that_need_a_bootstrap_say_so(survey):
    for options in ({"error": "linearised"}, {"design": CLUSTERED.replicate("jkn")}):
        with pytest.raises(OptionError, match="bootstrap"):
            row(survey, interval="bca", **options)


def test_draws_without_effect_are_refused(survey):
    for options in ({"error": "linearised"}, {"design": CLUSTERED.replicate("jkn")}):
        with pytest.raises(OptionError, match="leave them out"):
            row(survey, replicates=100, **options)


def test_calibrated_weights_make_the_estimate_and_every_replicate(survey):
    totals = {"a": 300.0, "b": 100.0, "c": 100.0}
    plan = CLUSTERED.calibrate({"brand": totals})
    share = survey.groupby("brand")["weight"].sum()
    own = survey["weight"] * survey["brand"].map(pd.Series(totals) / share)
    same = row(survey.assign(own=own), design=Design(weight="own"), error="linearised")
    found = row(survey, design=plan, replicates=50)
    assert found["estimate"] == pytest.approx(same["estimate"], rel=1e-10)
    of = satisfaction.study(survey, model=MODEL, design=plan, replicates=50)
    W = drawing.weights(of.survey.drawn, of.plan, 0, 50)
    np.testing.assert_allclose(W.sum(0), 500, rtol=1e-9)
    with pytest.raises(OptionError, match="calibration"):
        row(survey, design=plan, error="linearised")


def test_a_lone_cluster_is_refused_with_the_policy(survey):
    survey.loc[survey["stratum"] == 3, "cluster"] = 999
    with pytest.raises(DesignError, match=r"1 strata have one primary unit.*: 3"):
        row(survey, design=CLUSTERED, error="linearised")
    average = Design(weight="weight", strata="stratum", cluster="cluster", singleton="average")
    assert row(survey, design=average, error="linearised")["std_error"] > 0
    joined = Design(
        weight="weight", strata="stratum", cluster="cluster", singleton="collapse", collapse={2: "x", 3: "x"}
    )
    assert row(survey, design=joined)["std_error"] > 0
    certain = Design(weight="weight", strata="stratum", cluster="cluster", singleton="certainty")
    line, drawn = (row(survey, design=certain, error=e)["std_error"] for e in ("linearised", "replicates"))
    assert drawn == pytest.approx(line, rel=0.15)
    with pytest.raises(DesignError, match=": 3"):
        row(survey, design=CLUSTERED)


def test_groups_of_one_sample_covary_as_their_clusters_do(answers):
    table = answers(400, 8)
    shared = table.assign(brand=np.where(np.arange(400) % 5 < 3, "a", "b"))
    rng = np.random.default_rng(1)
    effect = np.rint(rng.normal(0, 1.5, 80))[shared["cluster"]]
    shared[ITEMS] = np.clip(shared[ITEMS].to_numpy() + effect[:, None], 1, 10)
    found = customer_satisfaction(shared, model=MODEL, by="brand", design=Design(cluster="cluster"))
    cov = found.covariance()
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), found.table["std_error"], rtol=1e-12)
    assert cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]) > 0.3
    line = customer_satisfaction(
        shared, model=MODEL, by="brand", design=Design(cluster="cluster"), error="linearised"
    ).covariance()
    assert line[0, 1] == pytest.approx(cov[0, 1], rel=0.3)


def test_failed_replicates_are_counted_with_reasons_and_left_out(survey):
    few = survey.head(12).copy()
    few[["l1", "l2"]] = 5
    few.loc[[0, 1], ["l1", "l2"]] = [[7, 7], [3, 4]]  # constant when neither row is drawn
    found = customer_satisfaction(few, model=MODEL, minimum_n=1, negative="drop", unfit="flag")
    result = found.table.iloc[0]
    assert 0 < result["failed"] < 500
    assert result["std_error"] > 0
    assert "constant item" in " ".join(found.notes)
    assert str(int(result["failed"])) in result["flag"]


def test_a_failure_of_a_jackknife_leaves_the_error_unknown():
    from qstats.satisfaction.replicated import errors_of
    from qstats.stats.covariance import variance

    values = np.array([[1.0, 2.0, np.nan, 4.0]])
    one = np.ones(4)
    jack = drawing.Plan("jkn", 4, 1.0, one, False, (), None)
    assert np.isnan(variance(errors_of(values, np.array([2.0]), jack, "s"))).all()
    draws = drawing.Plan("bootstrap", 4, 1 / 3, one, False, (), None)
    assert variance(errors_of(values, np.array([2.0]), draws, "s"))[0] == pytest.approx(
        np.var([1, 2, 4], ddof=1)
    )
    about = draws._replace(mse=True)
    expected = np.mean((np.array([1.0, 2.0, 4.0]) - 1.5) ** 2)
    assert variance(errors_of(values, np.array([1.5]), about, "s"))[0] == pytest.approx(expected)


def test_a_finite_population_takes_its_share_off_the_error(survey):
    sizes = survey.groupby("stratum")["cluster"].nunique()
    half = survey.assign(N=survey["stratum"].map(2 * sizes), inf=np.inf)
    plans = {
        name: Design(weight="weight", strata="stratum", cluster="cluster", fpc=fpc)
        for name, fpc in (("none", ()), ("half", "N"), ("inf", "inf"))
    }
    for error in ("linearised", "replicates"):
        se = {name: row(half, design=plan, error=error)["std_error"] for name, plan in plans.items()}
        assert se["half"] == pytest.approx(
            se["none"] * np.sqrt(0.5), rel=1e-9 if error == "linearised" else 0.03
        )
        assert se["inf"] == se["none"]
