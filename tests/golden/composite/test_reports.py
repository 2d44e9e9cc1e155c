"""Correlations, consistency and leaving out, through the public functions.

Correlations: 1e-13 against 1, their bound. Scores of leaving out: 1e-12, relative.
"""

import numpy as np
import pandas as pd
import pytest

from qstats.index.audit import audit, compare_specifications
from qstats.stats import association


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_correlations_of_indicators(golden, method):
    x = golden.table("01_build/Normalised")[golden.leaves]
    long = pd.read_csv(golden.folder / f"07_corr/indicators_{method}.csv")
    expected = long.pivot(index="Var1", columns="Var2", values="Correlation")
    found = association.correlations(x.to_numpy(), method)
    np.testing.assert_allclose(found, expected.loc[golden.leaves, golden.leaves], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["indicators_with_parent", "indicators_with_index"])
def test_correlations_of_indicators_with_what_is_above(golden, name):
    x = golden.table("01_build/Aggregated")
    for row in golden.table(f"07_corr/{name}", None).itertuples():
        pair = x[[row.Var1, row.Var2]].to_numpy()
        assert association.correlations(pair)[0, 1] == pytest.approx(row.Correlation, rel=1e-12)


def test_cronbach_of_all_and_of_every_group(golden):
    x = golden.table("01_build/Normalised")
    expected = golden.table("07_corr/cronbach", "group")["alpha"]
    for group, alpha in expected.items():
        members = golden.leaves if group == "ALL" else golden.meta.index[golden.meta["Parent"] == group]
        assert association.cronbach_alpha(x[members]) == pytest.approx(alpha, rel=1e-10), group


def test_leaving_one_out(golden):
    found = audit(golden.tidy("01_build/Denominated"), golden.framework(), steps=golden.steps)
    found = found[found["check"] == "leave one out"].set_index("element")["value"]
    for level in (1, 2):
        expected = golden.table(f"08_reports/remove_level{level}_meanabsrankdiff", "code")["MeanAbsDiff"]
        for code in expected.index.drop("Nominal"):
            assert found[code] == pytest.approx(expected[code], rel=1e-12), code


def test_the_correlations_of_the_audit_are_those_of_the_oracle(golden):
    found = audit(golden.tidy("01_build/Denominated"), golden.framework(), steps=golden.steps)
    found = found[found["check"] == "correlation with node"].set_index(["node", "element"])["value"]
    for row in golden.table("07_corr/indicators_with_parent", None).itertuples():
        assert found[row.Var1, row.Var2] == pytest.approx(row.Correlation, rel=1e-10)
    alpha = audit(golden.tidy("01_build/Denominated"), golden.framework(), steps=golden.steps)
    alpha = alpha[alpha["check"] == "alpha"].set_index("node")["value"]
    expected = golden.table("07_corr/cronbach", "group")["alpha"].drop("ALL")
    np.testing.assert_allclose(alpha[expected.index], expected, rtol=1e-10)


def test_two_specifications_side_by_side(golden):
    """The second is the nominal build without the group Research."""
    tree = golden.framework()
    without = tree.copy()
    others = (tree["parent"] == "Capability") & (tree["code"] != "Research")
    without.loc[tree["code"] == "Research", "weight"] = 0.0
    without.loc[others, "weight"] /= without.loc[others, "weight"].sum()
    how = {"steps": golden.steps, "other_steps": golden.steps}
    found = compare_specifications(golden.tidy("01_build/Denominated"), tree, without, **how)
    found = found[found["node"] == "QCI"].set_index("uCode")
    expected = golden.table("08_reports/remove_level2_scores").loc[found.index]
    np.testing.assert_allclose(found["score"], expected["Nominal"], rtol=1e-12)
    np.testing.assert_allclose(found["other_score"], expected["Research"], rtol=1e-12)
    assert (found["rank_change"] == found["rank"] - found["other_rank"]).all()
