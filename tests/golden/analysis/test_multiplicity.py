"""Adjusted p-values against R's p.adjust and statsmodels: 1e-12 relative, the same arithmetic."""

from pathlib import Path

import pandas as pd
import pytest

from qstats.stats.multiplicity import adjusted

HERE = Path(__file__).parent
P = pd.read_csv(HERE / "data" / "pvalues20.csv")["p"].to_numpy()


def expected(file, case):
    rows = pd.read_csv(HERE / "results" / file).query("case == @case")
    rows = rows[rows["stat"].str.startswith("adj")]
    return rows.set_index(rows["stat"].str[3:].astype(int))["value"].sort_index().astype(float).tolist()


@pytest.mark.parametrize(
    ("method", "file", "case"),
    [
        ("holm", "multiplicity_R.csv", "holm"),
        ("hochberg", "multiplicity_R.csv", "hochberg"),
        ("bonferroni", "multiplicity_R.csv", "bonferroni"),
        ("bh", "multiplicity_R.csv", "BH"),
        ("by", "multiplicity_R.csv", "BY"),
        ("sidak", "multiplicity_py.csv", "sidak"),
        ("holm", "multiplicity_py.csv", "holm"),
        ("bh", "multiplicity_py.csv", "fdr_bh"),
    ],
)
def test_each_adjustment_is_that_of_the_oracle(method, file, case):
    assert len(P) == 20
    assert adjusted(P, method=method).tolist() == pytest.approx(expected(file, case), rel=1e-12, abs=0)
