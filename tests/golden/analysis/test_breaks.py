"""Breaks against strucchange 1.5-3: statistics 1e-9 relative, F and CUSUM p-values 1e-7.

R takes the p-value of supF from Hansen's fitted approximation, good to about two digits; ours is from the
limit distribution itself, so they agree to 0.01 where p > 0.01 and in size below.
"""

from pathlib import Path

import pandas as pd
import pytest
from statsmodels.datasets import nile

from qstats.stats.break_dates import best, date_limits, several
from qstats.stats.break_laws import sup_f_tail
from qstats.stats.break_paths import by_draws
from qstats.stats.breaks import chow, ols_cusum, recursive_cusum, sup_f

HERE = Path(__file__).parent
RESULTS = pd.read_csv(HERE / "results" / "breaks_strucchange.csv")


def series(case):
    if case == "rapex":
        return pd.read_csv(HERE / "data" / "rapex_monthly.csv")["notifications"].to_numpy(float)
    name, column = case.split("_", 1)
    file = {"annual": "annual12", "q": "quarterly40", "m": "monthly120"}[name]
    return pd.read_csv(HERE / "data" / f"{file}.csv")[column].to_numpy(float)


def rows(ending):
    found = RESULTS[RESULTS["case"].str.contains(ending) & ~RESULTS["case"].str.contains("Nile")]
    return [
        (case.split("|"), part.set_index("stat")["value"].astype(float))
        for case, part in found.groupby("case")
    ]


def test_chow_at_a_date_fixed_beforehand():
    cases = [(c, r) for c, r in rows(r"\|\d+$") if "F" in r]
    assert len(cases) == 18
    for (name, model, after), row in cases:
        found = chow(series(name), after=int(after), model=model)
        assert [found.statistic, found.p] == pytest.approx([row["F"], row["p"]], rel=1e-8, abs=1e-300)


def test_sup_f_and_its_date():
    cases = rows(r"\|supF$")
    assert len(cases) == 10
    for (name, model, _), row in cases:
        found = sup_f(series(name), model=model)
        assert found.statistic == pytest.approx(row["stat"], rel=1e-9)
        assert found.after == row["argmax"]
        if row["p"] > 0.01:
            assert found.p == pytest.approx(row["p"], rel=0.1, abs=0.01)
        else:
            assert found.p < 0.011


@pytest.mark.parametrize(("k", "c"), [(1, 8.85), (2, 11.79)])
def test_the_tail_of_sup_f_is_that_of_andrews_table(k, c):
    # Andrews (1993): 5 % points with 15 % trimming are 8.85 and 11.79
    assert sup_f_tail(c, k, 0.15) == pytest.approx(0.05, rel=0, abs=0.002)


def test_cusum_tests():
    for ending, test, tolerance in (
        (r"\|OLS-CUSUM$", ols_cusum, 1e-9),
        (r"\|Rec-CUSUM$", recursive_cusum, 1e-9),
    ):
        cases = rows(ending)
        assert len(cases) == 12
        for (name, model, _), row in cases:
            found = test(series(name), model=model)
            assert found.statistic == pytest.approx(row["stat"], rel=tolerance)
            close = {"rel": 1e-6, "abs": 1e-9} if found.statistic > 0.6 else {"rel": 0, "abs": 1e-3}
            assert found.p == pytest.approx(row["p"], **close)  # R stops the series after two terms


def test_the_best_divisions_their_sums_of_squares_and_bic():
    cases = {}
    for (name, model, _, m), row in rows(r"\|m\|\d+$"):
        cases.setdefault((name, model), {})[int(m)] = row
    assert len(cases) >= 10
    for (name, model), wanted in cases.items():
        found = several(series(name), model=model)
        for m, row in wanted.items():
            assert [found[m].rss, found[m].bic] == pytest.approx([row["RSS"], row["BIC"]], rel=1e-8)
    for (name, model, _, m), row in rows(r"\|breaks\|\d+$"):
        assert several(series(name), model=model)[int(m)].after == tuple(row.astype(int))


@pytest.mark.parametrize(("kind", "ending"), [("aveF", "aveF"), ("expF", "expF"), ("mosum", "OLS-MOSUM")])
def test_mean_and_exponential_f_and_moving_sums(kind, ending):
    # statistics 1e-11; p there is Hansen's approximation for long series (or a table from 0.01 on, with
    # straight lines between), here of drawn series of the same length: alike for the F of long series only
    cases = rows(rf"\|{ending}$")
    assert len(cases) == (10 if kind != "mosum" else 12)
    for (name, model, _), row in cases:
        found = by_draws(series(name), kind=kind, model=model, n_draws=999 if kind == "mosum" else 9_999)
        assert found.statistic == pytest.approx(row["stat"], rel=1e-11)
        if kind == "aveF" and len(series(name)) >= 120:
            assert found.p == pytest.approx(row["p"], rel=0.05, abs=0.001)


def test_limits_of_the_dates_of_breaks():
    wanted = {}
    for case, part in RESULTS[RESULTS["case"].str.contains(r"\|CI\|")].groupby("case"):
        name, model, _, i = case.split("|")
        wanted.setdefault((name, model), {})[int(i)] = part.set_index("stat")["value"].astype(int)
    assert len(wanted) == 10
    for (name, model), dates in wanted.items():
        y = nile.load().data["volume"].to_numpy(float) if name.startswith("Nile") else series(name)
        after = tuple(int(dates[i]["est"]) for i in sorted(dates))
        found = date_limits(y, after, model=model)
        assert [tuple(d) for d in found] == [
            (dates[i]["lo"], dates[i]["est"], dates[i]["hi"]) for i in sorted(dates)
        ]


def test_bic_chooses_as_many_breaks():
    chosen = RESULTS[RESULTS["case"].str.contains("BIC choice")]
    assert len(chosen) >= 9
    for case, value in zip(chosen["case"], chosen["value"].astype(int), strict=True):
        name, model, _ = case.split("|")
        assert len(best(several(series(name), model=model)).after) == value


def test_the_flow_of_the_nile():
    # Bai & Perron's programs and Zeileis & Kleiber (2005): one break, after 1898
    y = nile.load().data["volume"].to_numpy(float)
    found = best(several(y))
    assert found.after == (28,) and found.bic == pytest.approx(1270.083735739566, rel=1e-12)
