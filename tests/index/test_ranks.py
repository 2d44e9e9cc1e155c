import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index.ranks import outranking, rank_acceptability, rank_groups, significant_changes
from qstats.index.repeated import simulate
from qstats.index.runs import Choices, prepare

UNITS = ["A", "B", "C", "D"]
SCORES = {"A": 95.0, "B": 94.5, "C": 80.0, "D": 79.5}


def of_export(values, error, periods=("2022",)):
    """Return a table in which only exports matter and move; one point of it is 0.8 of the score."""
    rows = [
        ("export", period, unit, (score - 60) / 0.8, error)
        for period, column in zip(periods, values, strict=True)
        for unit, score in column.items()
    ]
    return pd.DataFrame(rows, columns=["indicator", "period", "region", "estimate", "std_error"])


def runs(tree, table, n=2000, **options):
    alone = tree.assign(
        weight=tree["weight"].mask(tree["code"] == "trade", 1.0).mask(tree["code"] == "level", 0.0)
    )
    ready = prepare(table, alone, Choices(**options), missing="renormalise")
    return simulate(ready, n, seed=3)


def test_near_units_cannot_be_told_apart_and_far_ones_can(tree):
    found = rank_groups(runs(tree, of_export([SCORES], 0.5)), node="all")
    assert found.groupby("group")["unit"].agg(list).tolist() == [["A", "B"], ["C", "D"]]
    assert found["rank"].tolist() == [1, 2, 3, 4]


def test_the_adjustment_and_the_level_matter(tree):
    # B and C are 2.2 standard errors apart
    spread = {"A": 90.0, "B": 90.0, "C": 90 - 2.2 * 0.4 * 2**0.5, "D": 70.0}
    done = runs(tree, of_export([spread], 0.5))
    holm, none = (rank_groups(done, node="all", adjust=how) for how in ("holm", "none"))
    assert holm.groupby("group")["unit"].agg(list).tolist()[0] == ["A", "B", "C"]
    assert none.groupby("group")["unit"].agg(list).tolist()[0] == ["A", "B"]
    wide = rank_groups(done, node="all", adjust="none", level=0.999)
    assert wide.groupby("group")["unit"].agg(list).tolist()[0] == ["A", "B", "C"]


def test_probabilities_of_outranking(tree):
    P = outranking(runs(tree, of_export([SCORES], 0.5)), node="all")
    assert P.loc["A", "C"] == 1 and P.loc["C", "A"] == 0
    from statistics import NormalDist

    assert P.loc["A", "B"] == pytest.approx(NormalDist().cdf(0.5 / (0.4 * 2**0.5)), abs=0.03)


def test_acceptability_of_ranks(tree):
    b = rank_acceptability(runs(tree, of_export([SCORES], 0.5)), node="all")
    np.testing.assert_allclose(b.sum(axis=1), 1)
    np.testing.assert_allclose(b.sum(axis=0), 1)
    assert b.loc["A", 1] + b.loc["A", 2] == 1 and b.loc["A", 1] > b.loc["B", 1]


def test_who_has_changed(tree):
    later = {"A": 95.0, "B": 92.0, "C": 80.0, "D": 80.7}
    done = runs(tree, of_export([SCORES, later], 0.5, ("2022", "2023")))
    found = significant_changes(done, adjust="holm")
    found = found[found["node"] == "all"].set_index("region")
    assert found["changed"].to_dict() == {"A": False, "B": True, "C": False, "D": False}
    assert found.loc["D", "p"] < 0.05 < found.loc["D", "p_adjusted"]
    plain = significant_changes(done, adjust="none")
    assert plain[plain["node"] == "all"].set_index("region").loc["D", "changed"]
    by_runs = significant_changes(done, test="runs", adjust="none")
    by_runs = by_runs[by_runs["node"] == "all"].set_index("region")["p"]
    assert by_runs["B"] == pytest.approx(2 / 2001, abs=0.002)
    np.testing.assert_allclose(by_runs[["A", "D"]], found.loc[["A", "D"], "p"], atol=0.05)


def test_changes_of_ranks(tree):
    swapped = {"A": 80.0, "B": 79.5, "C": 95.0, "D": 94.5}
    done = runs(tree, of_export([SCORES, swapped], 0.05, ("2022", "2023")))
    found = significant_changes(done, of="rank-change")
    found = found[found["node"] == "all"].set_index("region")
    assert found["change"].to_dict() == {"A": 2, "B": 2, "C": -2, "D": -2}
    assert found["changed"].all()


def test_what_is_not_varied_is_certain(tree):
    sets = [{"pass": 0.5, "loss": 0.5}, {"pass": 0.4, "loss": 0.6}]
    done = runs(tree, of_export([SCORES], 0.5), sampling="none", alternatives={"weights": sets})
    assert rank_groups(done, node="all").groupby("group")["unit"].agg(list).tolist() == [
        ["A"],
        ["B"],
        ["C"],
        ["D"],
    ]


def test_units_with_the_same_scores_in_another_order_are_not_told_apart(tree):
    """What is left between their sums is rounding, and no difference that is certain."""
    five = pd.concat([tree.iloc[:1], pd.concat([tree.iloc[[5]]] * 3)], ignore_index=True)
    five = five.assign(
        code=["all", "a", "b", "c"], parent=["", "all", "all", "all"], weight=[1, *[1 / 3] * 3]
    )
    orders = ["123", "132", "213", "231", "312", "321"]
    x = {"1": 17.1, "2": 33.3, "3": 40.7}
    rows = [(code, order, x[at]) for order in orders for code, at in zip("abc", order, strict=True)]
    data = pd.DataFrame(rows, columns=["indicator", "region", "estimate"])
    ready = prepare(data, five, Choices(alternatives={"aggregation": ["geometric"]}, sampling="none"))
    done = simulate(ready, 4)
    assert len(set(done.nominal[0])) > 1  # so there is rounding
    for test in ("normal", "runs"):
        assert rank_groups(done, node="all", test=test)["group"].tolist() == [1] * 6
    assert (outranking(done, node="all") == 0.5).all(axis=None)
    assert (rank_acceptability(done, node="all")[1] == 1).all()


def test_runs_without_a_score_are_no_evidence(tree):
    later = {unit: score - 0.1 for unit, score in SCORES.items()}
    done = runs(tree, of_export([SCORES, later], 0.5, ("2022", "2023")), n=400)
    few = done._replace(score=done.score.copy())
    few.score[:, 6:, 0] = np.nan  # A is screened out in nearly all runs of the first year
    kept = done._replace(score=done.score[:, :6])
    for test in ("normal", "runs"):
        found, same = (
            significant_changes(d, test=test).query("region == 'A' and node == 'all'") for d in (few, kept)
        )
        np.testing.assert_allclose(found[["std_error", "p"]], same[["std_error", "p"]], rtol=1e-12)
        assert found["p"].item() >= 2 / 7 or test == "normal"


def test_groups_of_many_units_need_no_table_of_pairs_by_runs(tree):
    rng = np.random.default_rng(0)
    many = {f"U{i}": float(x) for i, x in enumerate(rng.uniform(65, 95, 600))}
    done = runs(tree, of_export([many], 0.5), n=100)
    import tracemalloc

    tracemalloc.start()
    found = rank_groups(done, node="all")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["unit"].nunique() == 600
    assert most < 600 * 599 / 2 * 100 * 8 / 3


def test_several_periods_must_be_told_apart(tree):
    done = runs(tree, of_export([SCORES, SCORES], 0.5, ("2022", "2023")), n=20)
    with pytest.raises(DataError, match="2022, 2023"):
        outranking(done, node="all", lang="en")
    assert list(outranking(done, node="all", period=2023).index) == UNITS
    with pytest.raises(OptionError, match="2023"):
        outranking(done, node="all", period=2024)
    with pytest.raises(OptionError, match="all"):
        rank_groups(done, node="al", period=2023)
    with pytest.raises(OptionError, match="normal"):
        rank_groups(done, node="all", period=2023, test="t")
    flat = of_export([SCORES], 0.5).drop(columns="period")
    with pytest.raises(DataError, match="no key 'period' to choose"):
        outranking(runs(tree, flat, n=20), node="all", period=2023, lang="en")
