"""Score intervals against 70-digit arithmetic: 1e-12 of a share (bisection to 2⁻⁶⁰, then rounding)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.two_rates import Counts, miettinen_nurminen, newcombe, score

RESULTS = pd.read_csv(Path(__file__).parent / "results" / "difference_intervals.csv")


def table(call):
    rows = RESULTS[RESULTS["call"].str.startswith(call)]
    return rows.pivot(index="case", columns="stat", values="value").astype(float)


def counts(case):
    return [Counts(*map(int, sample.split("/"))) for sample in case.split("-")]


@pytest.mark.parametrize(("call", "unbiased"), [("Miettinen-Nurminen (own", True), ("Mee (own", False)])
def test_the_score_interval_is_that_of_exact_arithmetic(call, unbiased):
    expected = table(call)
    assert len(expected) == 11
    for case, row in expected.iterrows():
        later, earlier = counts(case)
        low, high = miettinen_nurminen(earlier, later, unbiased=unbiased)
        assert [low, high] == pytest.approx([row["lo"], row["hi"]], rel=0, abs=1e-12)
        assert float(score(earlier, later, unbiased=unbiased)) == pytest.approx(
            row["z0"], rel=1e-10, abs=1e-12
        )


def test_newcombes_interval_is_that_of_the_oracle():
    expected = table("Newcombe 1998 method 10")
    for case, row in expected.iterrows():
        later, earlier = counts(case)
        assert np.array(newcombe(earlier, later)) == pytest.approx(
            row[["lo", "hi"]].to_numpy(), rel=0, abs=1e-12
        )


def test_neither_is_walds():
    for case, row in table("statsmodels confint_proportions_2indep(method=wald").iterrows():
        later, earlier = counts(case)
        for interval in (newcombe, miettinen_nurminen):
            assert abs(float(interval(earlier, later)[0]) - row["lo"]) > 1e-7
