"""Runs and indices of the golden index, through the public functions.

Runs: 1e-11, relative; exact indices: 1e-10. Both sides are double precision, and a rank changes only where
two scores are as near as that, which is not so in these data.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.index import outcomes
from qstats.index.build import competitiveness_index
from qstats.index.outcomes import ranked
from qstats.index.pipeline import FACTORS, run
from qstats.index.runs import Choices, nominal, prepare
from qstats.index.sensitivity import sensitivity
from qstats.index.uncertainty import uncertainty

GOLDEN = Path(__file__).parent
WEIGHTS = pd.read_csv(GOLDEN / "10_sensitivity/noisy_weights_50.csv")
SETS = [dict(zip(rows["iCode"], rows["Weight"], strict=True)) for _, rows in WEIGHTS.groupby("rep_id")]
ALTERNATIVES = {
    "treatment": [{"max_winsorised": k} for k in range(1, 6)],
    "normalisation": [{"method": "minmax", "to": (1, 100)}, {"method": "zscore", "to": (10, 2)}],
    "weights": SETS,
    "aggregation": ["arithmetic", "geometric"],
}
NAMES = {
    "Winmax": "treatment",
    "Normalisation": "normalisation",
    "Weights": "weights",
    "Aggregation": "aggregation",
}


@pytest.fixture(scope="module")
def prepared(golden):
    choices = Choices(steps=golden.steps, alternatives=ALTERNATIVES, sampling="none")
    return prepare(golden.tidy("01_build/Denominated"), golden.framework(), choices)


def levels(name):
    """Return the levels of the runs that the oracle took."""
    given = pd.read_csv(GOLDEN / f"10_sensitivity/{name}_run_parameters.csv")
    found = {factor: np.zeros(len(given), int) for factor in FACTORS}
    found["treatment"] = given["Winmax"].to_numpy()
    found["normalisation"] = given["Normalisation"].map({"n_minmax": 1, "n_zscore": 2}).to_numpy()
    found["weights"] = given["Weights_rep_id"].to_numpy()
    found["aggregation"] = given["Aggregation"].map({"a_amean": 1, "a_gmean": 2}).to_numpy()
    return found


def root(prepared, score):
    return score[prepared.tree.codes.index("QCI")]


def test_the_nominal_build_is_that_of_the_oracle_at_every_node(golden, prepared):
    expected = golden.table("01_build/Aggregated").loc[prepared.units["uCode"], list(prepared.tree.codes)]
    np.testing.assert_allclose(nominal(prepared).T, expected, rtol=1e-12)


def test_every_run_of_the_uncertainty_analysis(golden, prepared):
    expected = golden.table("10_sensitivity/UA_scores").loc[prepared.units["uCode"]].filter(like="r_")
    built = run(prepared.tree, prepared.steps, levels("UA"))
    assert built.failed == {}
    np.testing.assert_allclose(root(prepared, built.score).T, expected, rtol=1e-11)


def test_every_rank_of_the_uncertainty_analysis(golden, prepared):
    expected = golden.table("10_sensitivity/UA_ranks").loc[prepared.units["uCode"]].filter(like="r_")
    built = run(prepared.tree, prepared.steps, levels("UA"))
    np.testing.assert_array_equal(ranked(root(prepared, built.score), prepared.units).T, expected)


def test_statistics_of_the_ranks(golden, prepared):
    expected = golden.table("10_sensitivity/UA_rankstats").loc[prepared.units["uCode"]]
    ranks = ranked(root(prepared, run(prepared.tree, prepared.steps, levels("UA")).score), prepared.units)
    np.testing.assert_allclose(ranks.mean(0), expected["Mean"], rtol=1e-12)
    np.testing.assert_allclose(np.median(ranks, 0), expected["Median"], rtol=1e-12)
    for name, share in (("Q5", 0.05), ("Q95", 0.95)):
        np.testing.assert_allclose(np.quantile(ranks, share, axis=0), expected[name], rtol=1e-12)


def test_the_exact_indices(golden):
    found = sensitivity(
        golden.tidy("01_build/Denominated"), golden.framework(), steps=golden.steps, alternatives=ALTERNATIVES
    )
    assert set(found["method"]) == {"exact"} and set(found["runs"]) == {1000}
    found = found[found["node"] == "QCI"].set_index("factor")
    expected = pd.read_csv(GOLDEN / "10_sensitivity/SA_indices_exact_enumeration.csv").set_index("Variable")
    expected = expected.rename(NAMES).loc[found.index]
    np.testing.assert_allclose(found["first"], expected["Si_exact"], rtol=1e-10)
    np.testing.assert_allclose(found["total"], expected["STi_exact"], rtol=1e-10)


def test_sobol_points_find_the_exact_indices_within_their_stated_error(golden):
    found = sensitivity(
        golden.tidy("01_build/Denominated"),
        golden.framework(),
        steps=golden.steps,
        alternatives=ALTERNATIVES,
        method="sobol",
    )
    found = found[found["node"] == "QCI"].set_index("factor")
    expected = pd.read_csv(GOLDEN / "10_sensitivity/SA_indices_exact_enumeration.csv").set_index("Variable")
    expected = expected.rename(NAMES).loc[found.index]
    for ours, theirs in (("first", "Si_exact"), ("total", "STi_exact")):
        error = found[f"{ours}_error"]
        assert error.between(1e-4, 0.02).all()
        assert ((found[ours] - expected[theirs]).abs() < 4 * error).all()
    assert (found["first"] > 0).all()


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_changes_nothing(prepared, workers, monkeypatch):
    monkeypatch.setattr("qstats.index.pipeline.BLOCK", 20_000)
    one = run(prepared.tree, prepared.steps, levels("UA"))
    many = run(prepared.tree, prepared.steps, levels("UA"), workers=workers)
    np.testing.assert_array_equal(one.score, many.score)


def test_the_size_of_chunks_changes_nothing(prepared, monkeypatch):
    one = run(prepared.tree, prepared.steps, levels("UA"))
    monkeypatch.setattr("qstats.index.pipeline.BLOCK", 1)
    many = run(prepared.tree, prepared.steps, levels("UA"))
    np.testing.assert_allclose(one.score, many.score, rtol=1e-13)


def test_method_choices_alone_take_all_of_the_variance(golden):
    found = uncertainty(
        golden.tidy("01_build/Denominated"),
        golden.framework(),
        steps=golden.steps,
        alternatives=ALTERNATIVES,
        sampling="none",
        n_runs=200,
    ).where(node="QCI")
    shares = found.table[["share_sampling", "share_imputation", "share_method"]]
    assert (shares == [0, 0, 1]).all(axis=None)
    expected = golden.table("01_build/Aggregated").loc[found.table["uCode"], "QCI"]
    np.testing.assert_allclose(found.table["estimate"], expected, rtol=1e-12)


def test_fixed_bounds_are_what_the_index_itself_does(golden):
    """Between bounds, the pipeline and competitiveness_index are one."""
    tree = golden.framework()
    data = golden.tidy("01_build/Imputed").drop(columns="group")
    leaf = tree["direction"].notna() & tree["code"].isin(
        golden.meta.index[golden.meta["Type"] == "Indicator"]
    )
    low, high = (data.groupby("indicator")["estimate"].quantile(q) for q in (0.1, 0.9))
    for name, end in (("lower", low), ("upper", high)):
        tree.loc[leaf, name] = end[tree.loc[leaf, "code"]].to_numpy()
    expected = competitiveness_index(data, tree).table.pivot(index="node", columns="uCode", values="estimate")
    got = prepare(data, tree, Choices(sampling="none"))
    np.testing.assert_allclose(
        nominal(got), expected.loc[list(got.tree.codes), got.units["uCode"]], rtol=1e-13
    )


def test_every_run_of_the_sensitivity_analysis(golden, prepared):
    """Its 300 runs are known by the estimates made of them: A, B, and A with one factor from B, 50 each.

    Without centring, as there, three of the four first-order indices come out negative.
    """
    built = run(prepared.tree, prepared.steps, levels("SA"))
    at = prepared.tree.codes.index("QCI")
    first = nominal(prepared)[[at]]
    y = outcomes.outcome("rank-shift", prepared.units, first, built.score[[at]]).runs[0, :, 0]
    A, B, *mixed = y.reshape(6, 50)
    V = np.var([A, B], ddof=1)
    expected = golden.table("10_sensitivity/SA_indices", "Variable")
    np.testing.assert_allclose([(B * (m - A)).mean() / V for m in mixed], expected["Si"], rtol=1e-10)
    np.testing.assert_allclose([((m - A) ** 2).mean() / 2 / V for m in mixed], expected["STi"], rtol=1e-10)
    assert (expected["Si"] < 0).sum() == 3
