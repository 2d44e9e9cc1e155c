"""Correlations, consistency and leaving out, through the public functions.

Correlations: 1e-13 against 1, their bound. Scores of leaving out: 1e-12, relative.
"""

import numpy as np
import pandas as pd
import pytest

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
