from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from qstats.analysis.suppress import suppress
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate

X = np.array([[3, 40, 12, 20], [30, 25, 9, 31], [14, 2, 50, 22]])
F = np.array([[1, 4, 2, 3], [3, 0, 1, 5], [2, 1, 6, 3]])


def rates(n, failed, *, unit="%", mark="*", counts=True):
    """Return failure rates of a two-way table with its margins."""
    n, failed = (
        np.block([[a, a.sum(1, keepdims=True)], [a.sum(0, keepdims=True), a.sum(keepdims=True)]])
        for a in (np.asarray(n), np.asarray(failed))
    )
    rows = [*(f"r{i}" for i in range(n.shape[0] - 1)), mark]
    columns = [*(f"c{j}" for j in range(n.shape[1] - 1)), mark]
    table = pd.DataFrame(product(rows, columns), columns=["region", "industry"])
    n, failed = n.ravel(), failed.ravel()
    rate = np.divide(100.0 * failed, n, out=np.full(len(n), np.nan), where=n > 0)
    table = table.assign(estimate=rate, std_error=1.0, conf_low=rate - 1, conf_high=rate + 1, n=n)
    table = table.assign(coverage=0.9, rank=pd.array(np.arange(len(n)), "Int64"), kind="x", flag="")
    if counts:
        table = table.assign(numerator=failed, denominator=n)
    return Estimate(table, indicator="failing", unit=unit, method="counts", notes=["given"])


def hidden(found):
    table = found.table if isinstance(found, Estimate) else found
    keys = [k for k in ("region", "industry") if k in table.columns]
    return {tuple(row) for row in table.loc[table["flag"].str.startswith("suppressed"), keys].values}


def test_small_cells_are_hidden_and_others_that_would_give_them_away():
    found = suppress(rates(X, F), minimum_n=5, lang="en")
    table = found.table.set_index(["region", "industry"])
    assert table.loc[("r0", "c0"), "flag"] == table.loc[("r2", "c1"), "flag"] == "suppressed: n < 5"
    others = hidden(found) - {("r0", "c0"), ("r2", "c1")}
    assert others
    assert set(table.loc[list(others), "flag"]) == {"suppressed: complementary"}
    assert f"n < 5: 2, complementary: {len(others)}" in found.notes[1]
    assert found.notes[0] == "given"
    assert "Verified by linear programming" in found.notes[2]


def test_no_number_of_a_hidden_row_is_shown_and_no_other_is_touched():
    given_, found = rates(X, F), suppress(rates(X, F), minimum_n=5)
    before, after = given_.table, found.table
    out = after["flag"] != ""
    shown = after.drop(columns=["region", "industry", "flag", "n_low", "n_high"])
    assert shown[out].isna().all().all()
    pd.testing.assert_frame_equal(after.loc[~out, before.columns], before[~out], check_dtype=False)
    assert after.loc[~out, ["n_low", "n_high"]].isna().all().all()
    small = after[after["flag"] == "suppressed: n < 5"]
    assert (small["n_high"] - small["n_low"] >= 1).all()


def test_nothing_is_hidden_when_nothing_is_small():
    given_ = rates(X, F)
    found = suppress(given_, minimum_n=2, lang="en")
    pd.testing.assert_frame_equal(found.table[given_.table.columns], given_.table)
    assert found.notes[-1] == "Nothing had to be suppressed."


def test_an_empty_cell_is_shown_with_what_was_said_of_it():
    n, f = X.copy(), F.copy()
    n[1, 1] = f[1, 1] = 0
    given_ = rates(n, f)
    table = given_.table
    empty = (table["region"] == "r1") & (table["industry"] == "c1")
    table.loc[empty, "flag"] = "undefined: no cases"
    found = suppress(given_.replace(table), minimum_n=5).table
    assert found.loc[empty, "flag"].tolist() == ["undefined: no cases"]
    assert found.loc[empty, "n"].tolist() == [0]


def test_the_order_of_rows_does_not_matter():
    given_ = rates(X, F)
    moved = given_.replace(given_.table.sample(frac=1, random_state=2))
    assert hidden(suppress(moved, minimum_n=5)) == hidden(suppress(given_, minimum_n=5))


def test_a_table_without_margins_gives_nothing_away():
    inner = rates(X, F)
    table = inner.table
    inside = inner.replace(table[(table["region"] != "*") & (table["industry"] != "*")])
    assert hidden(suppress(inside, minimum_n=5)) == {("r0", "c0"), ("r2", "c1")}


def test_a_margin_may_be_written_otherwise():
    chinese = rates(X, F, mark="全部")
    want = {
        tuple(k.replace("*", "全部") for k in cell) for cell in hidden(suppress(rates(X, F), minimum_n=5))
    }
    assert hidden(suppress(chinese, minimum_n=5, margins="全部")) == want
    each = suppress(chinese, minimum_n=5, margins={"region": "全部", "industry": "全部"})
    assert hidden(each) == want
    with pytest.raises(DataError, match=r"not the sum|不等于"):  # 全部 is a region like others then
        suppress(chinese, minimum_n=5, margins={"region": "r0", "industry": "全部"})


def test_other_keys_make_tables_of_their_own():
    one, two = rates(X, F).table, rates(X + 10, F).table
    table = pd.concat([one.assign(period="2023"), two.assign(period="2024")])
    table = table[["period", *one.columns]]
    found = suppress(rates(X, F).replace(table), minimum_n=5)
    assert hidden(found.where(period="2023")) == hidden(suppress(rates(X, F), minimum_n=5))
    assert not hidden(found.where(period="2024"))


def test_the_cell_that_costs_least_is_hidden_besides():
    table = pd.DataFrame({"region": ["a", "b", "c", "*"], "n": [3, 200, 40, 243]})
    assert hidden(suppress(table, keys=["region"], minimum_n=5)) == {("a",), ("c",)}


def test_cost_by_cells_hides_fewer_and_larger_ones():
    # every cycle of four cells goes over 900; one of six is cheaper by n
    n = np.array([[2, 6, 900], [900, 6, 6], [6, 900, 6]])
    by = {cost: suppress(rates(n, n // 2), minimum_n=3, cost=cost).table for cost in ("n", "cells")}
    lost = {cost: rates(n, n // 2).table.loc[t["flag"] != "", "n"].sum() for cost, t in by.items()}
    cells = {cost: (t["flag"] != "").sum() for cost, t in by.items()}
    assert cells == {"n": 6, "cells": 4}
    assert lost["n"] == 32 < 900 < lost["cells"]


def test_reasons_may_be_withheld():
    told, quiet = (suppress(rates(X, F), minimum_n=5, reasons=r, lang="en") for r in ("told", "withheld"))
    assert set(quiet.table["flag"]) == {"", "suppressed"}
    assert "n < 5" not in " ".join(quiet.notes)
    out = quiet.table["flag"] != ""
    assert (quiet.table.loc[out, "n_high"] - quiet.table.loc[out, "n_low"] >= 5).all()
    small = told.table["flag"] == "suppressed: n < 5"
    assert (told.table.loc[small, "n_high"] <= 4).all()
    assert (quiet.table.loc[small, "n_high"] > 4).all()


def test_what_flags_give_away_is_refused():
    table = pd.DataFrame({"region": ["a", "b", "*"], "n": [1, 1, 2]})
    with pytest.raises(DataError, match="withheld"):
        suppress(table, keys=["region"], minimum_n=3, lang="en")
    assert hidden(suppress(table, keys=["region"], minimum_n=3, reasons="withheld")) == {
        ("a",),
        ("b",),
        ("*",),
    }


def test_protection_widens_what_stays_open():
    table = pd.DataFrame(
        {"region": ["a", "b", "c", "*"], "estimate": [1.0, 4.5, 300.0, 305.5], "n": [3, 10, 50, 63]}
    )
    low = suppress(table, keys=["region"], minimum_n=5, protection=0.01)
    high = suppress(table, keys=["region"], minimum_n=5, protection=1.0)
    assert hidden(low) == {("a",), ("b",)}
    assert hidden(high) == {("a",), ("c",)}


def test_rules_of_contributors_hide_what_one_dominates():
    table = pd.DataFrame({"region": ["a", "b", "c", "*"], "n": [5, 5, 5, 15]})
    people = pd.DataFrame(
        {"region": list("aaaaabbbbbccccc"), "sales": [80, 5, 5, 5, 5] + [10] * 5 + [12] * 5}
    )
    options = {"keys": ["region"], "minimum_n": 1, "contributors": people, "value": "sales"}
    found = suppress(table, dominance=(1, 75), **options)
    assert found["flag"].tolist()[0] == "suppressed: dominance"
    assert (found["flag"] == "suppressed: complementary").sum() == 1
    assert not hidden(suppress(table, dominance=(1, 85), **options))
    found = suppress(table, p_percent=20, **options)
    assert found["flag"].tolist()[0] == "suppressed: p %"
    assert not hidden(suppress(table, p_percent=15, **options))
    with pytest.raises(DataError, match=r"1 .*region=d"):
        suppress(
            table[table["region"] != "*"],
            p_percent=15,
            **options | {"contributors": pd.concat([people, pd.DataFrame({"region": ["d"], "sales": [1]})])},
        )


def everything_shown(table, minimum):
    """Return what the printed table says of (failed, passed) of its inner cells: equalities and bounds."""
    inside = table[(table["region"] != "*") & (table["industry"] != "*")].reset_index(drop=True)
    N = len(inside)
    rows, right = [], []
    for row in table.to_dict("records"):
        cells = np.ones(N, bool)
        for key in ("region", "industry"):
            if row[key] != "*":
                cells &= (inside[key] == row[key]).to_numpy()
        if np.isnan(row["n"]):
            continue
        failed = 0.0 if row["n"] == 0 else row["estimate"] * row["n"] / 100
        rows += [np.r_[cells, np.zeros(N)], np.r_[np.zeros(N), cells]]
        right += [failed, row["n"] - failed]
    upper, bound = [], []
    for row in table.to_dict("records"):
        cells = np.ones(N, bool)
        for key in ("region", "industry"):
            if row[key] != "*":
                cells &= (inside[key] == row[key]).to_numpy()
        n = np.r_[cells, cells].astype(float)
        if row["flag"].startswith("suppressed: n <"):
            upper += [n, -n]
            bound += [minimum - 1, -1]
        elif row["flag"] == "suppressed: complementary":
            upper, bound = [*upper, -n], [*bound, -minimum]
        elif row["flag"] == "suppressed":
            upper, bound = [*upper, -n], [*bound, -1]
    return np.array(rows), np.array(right), np.array(upper), np.array(bound)


@pytest.mark.parametrize("counts", [True, False])
@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.lists(st.integers(0, 25), min_size=3, max_size=3), min_size=2, max_size=3),
    st.integers(3, 6),
    st.sampled_from(["told", "withheld"]),
    st.integers(0, 100),
)
def test_no_hidden_small_cell_can_be_recovered_from_anything_shown(counts, n, minimum, reasons, seed):
    n = np.array(n)
    failed = np.random.default_rng(seed).binomial(n, 0.2)
    given_ = rates(n, failed, counts=counts)
    try:
        found = suppress(given_, minimum_n=minimum, reasons=reasons)
    except DataError:
        assert reasons == "told"
        return
    table, small = found.table, (given_.table["n"] > 0) & (given_.table["n"] < minimum)
    assert (table.loc[small, "flag"] != "").all()
    if not small.any():
        assert (table["flag"] == "").all()
        return
    A, b, upper, bound = everything_shown(table, minimum)
    inside = table[(table["region"] != "*") & (table["industry"] != "*")].reset_index(drop=True)
    N = len(inside)
    for row in table[small].to_dict("records"):
        cells = np.ones(N, bool)
        for key in ("region", "industry"):
            if row[key] != "*":
                cells &= (inside[key] == row[key]).to_numpy()
        needs = [(np.r_[cells, cells], 1 if reasons == "told" else minimum), (np.r_[cells, np.zeros(N)], 1)]
        for goal, need in needs:
            ends = []
            for sign in (1, -1):
                done = linprog(
                    sign * goal.astype(float),
                    A_ub=upper,
                    b_ub=bound,
                    A_eq=A if len(A) else None,
                    b_eq=b if len(A) else None,
                )
                ends.append(sign * done.fun if done.status == 0 else -sign * np.inf)
            assert ends[1] - ends[0] >= need - 1e-6
            if need == needs[0][1] and goal is needs[0][0]:
                assert row["n_low"] == pytest.approx(ends[0], abs=1e-5)
                assert row["n_high"] == pytest.approx(ends[1], abs=1e-5)


def test_what_cannot_be_judged_is_refused():
    good = rates(X, F)
    table = good.table
    good.replace(table.assign(n=table["n"].astype(float).where(table.index != 0)))
    with pytest.raises(DataError, match=r"n is not known.* in 1 rows.*region=r0"):
        suppress(
            good.replace(table.assign(n=table["n"].astype(float).where(table.index != 0))),
            minimum_n=5,
            lang="en",
        )
    with pytest.raises(DataError, match=r"not the sum of its cells.*off by 30"):
        suppress(good.replace(table.drop(index=5)), minimum_n=5, lang="en")
    three = table.assign(size="*")[["size", *table.columns]]
    three = pd.concat([three, three.assign(size="s")])
    with pytest.raises(DataError, match="3 keys"):
        suppress(good.replace(three), minimum_n=5, lang="en")
    with pytest.raises(DataError, match="'region' has margins"):
        suppress(good, minimum_n=5, keys=["industry"], lang="en")
    with pytest.raises(OptionError, match="no key 'area'"):
        suppress(good, minimum_n=5, keys=["area"], lang="en")
    plain = pd.DataFrame({"region": ["a", "b", "*"], "n": [2, 7, 9], "estimate": [-1.0, 5, 4]})
    with pytest.raises(DataError, match="negative"):
        suppress(plain, keys=["region"], minimum_n=5, lang="en")
    with pytest.raises(DataError, match=r"1 rows repeat.*region=a"):
        suppress(plain.assign(region=["a", "a", "*"]), keys=["region"], minimum_n=5, lang="en")
    with pytest.raises(DataError, match="no column 'n'"):
        suppress(plain.drop(columns="n"), keys=["region"], minimum_n=5, lang="en")
    with pytest.raises(OptionError, match="keys="):
        suppress(plain, minimum_n=5, lang="en")


@pytest.mark.parametrize(
    "options",
    [
        {"minimum_n": 0},
        {"minimum_n": 2.5},
        {"minimum_n": 5, "cost": "value"},
        {"minimum_n": 5, "reasons": "some"},
        {"minimum_n": 5, "protection": 2},
        {"minimum_n": 5, "dominance": (1, 75)},
        {"minimum_n": 5, "value": "x"},
        {"minimum_n": 5, "contributors": pd.DataFrame(), "value": "x"},
        {"minimum_n": 5, "contributors": pd.DataFrame(), "value": "x", "p_percent": 0},
        {"minimum_n": 5, "contributors": pd.DataFrame(), "value": "x", "dominance": (0, 75)},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(OptionError):
        suppress(rates(X, F), **options)
