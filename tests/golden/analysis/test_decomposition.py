"""Decompositions against exact fractions: 1e-12 relative, where parts are not 0.

The counts behind the cases were found from their exact results: A passes 194/200, 279/300, 430/500 and
then 437/450, 280/300, 213/250; B (Simpson) 855/900, 60/100, then 288/300, 448/700; C 10/10, 30/40, then
19/20, 24/30.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats.decompose import centred, effects, variance

RESULTS = pd.read_csv(Path(__file__).parent / "results" / "decomposition_exact.csv")
COUNTS = {
    "A": ([194, 279, 430], [200, 300, 500], [437, 280, 213], [450, 300, 250]),
    "B_simpson": ([855, 60], [900, 100], [288, 448], [300, 700]),
    "C_one": ([10, 30], [10, 40], [19, 24], [20, 30]),
}
NAMES = {"A": ["large", "medium", "small"], "B_simpson": ["a", "b"], "C_one": ["a", "b"]}
CLOSE = {"rel": 1e-12, "abs": 0}


def row(case, call):
    rows = RESULTS[(RESULTS["case"] == case) & RESULTS["call"].str.startswith(call)]
    return {
        s: float(Fraction(v)) if s.endswith("_exact") else float(v)
        for s, v in zip(rows["stat"], rows["value"], strict=True)
    }


def factors(case):
    x0, n0, x1, n1 = (np.array(part, float) for part in COUNTS[case])
    return np.array([n0 / n0.sum(), x0 / n0]), np.array([n1 / n1.sum(), x1 / n1])


@pytest.mark.parametrize("case", COUNTS)
def test_the_counts_are_those_of_the_case(case):
    start, end = factors(case)
    wanted = row(case, "total")
    assert [start.prod(0).sum(), end.prod(0).sum()] == pytest.approx(
        [wanted["R0_exact"], wanted["R1_exact"]], **CLOSE
    )


@pytest.mark.parametrize("case", COUNTS)
@pytest.mark.parametrize(
    ("method", "call", "names"),
    [
        ("laspeyres", "Laspeyres", ["mix_exact", "rate_exact", "interaction_exact"]),
        ("paasche", "Paasche", ["mix_exact", "rate_exact", "minus_interaction_exact"]),
        ("shapley", "Shapley =", ["mix_exact", "rate_exact"]),
        ("lmdi", "LMDI-I additive", ["mix", "rate"]),
    ],
)
def test_each_method_is_that_of_exact_arithmetic(case, method, call, names):
    start, end = factors(case)
    found, wanted = effects(start, end, method=method).value.sum(axis=1), row(case, call)
    if method == "lmdi":
        rows = RESULTS[(RESULTS["case"] == case) & (RESULTS["call"] == call)]
        wanted = dict(zip(rows["stat"], rows["value"].astype(float), strict=True))
    assert found == pytest.approx([wanted[name] for name in names], **CLOSE)
    assert found.sum() == pytest.approx(row(case, "total")["change_exact"], rel=0, abs=1e-14)


@pytest.mark.parametrize("case", ["A", "B_simpson"])
def test_lmdi_of_the_failure_rate_is_not_minus_that_of_the_pass_rate(case):
    (w0, p0), (w1, p1) = factors(case)
    fails = effects([w0, 1 - p0], [w1, 1 - p1], method="lmdi").value.sum(axis=1)
    wanted = row(case, "LMDI-I additive on the FAIL rate")
    assert fails == pytest.approx([wanted["mix"], wanted["rate"]], **CLOSE)
    passes = effects([w0, p0], [w1, p1], method="lmdi").value.sum(axis=1)
    assert abs(fails[1] + passes[1]) > 1e-6


@pytest.mark.parametrize("case", COUNTS)
def test_the_parts_of_the_classes(case):
    (w0, p0), (w1, p1) = factors(case)
    found = effects([w0, p0], [w1, p1]).value
    middle = centred(w0, w1, p0, p1)
    for k, name in enumerate(NAMES[case]):
        wanted = row(f"{case}|{name}", "Shapley by class")
        parts = [found[1, k], found[0, k], middle[k]]
        assert parts == pytest.approx(
            [wanted[s] for s in ("rate_exact", "mix_plain_exact", "mix_centred_exact")], rel=1e-11, abs=1e-17
        )
    assert middle.sum() == pytest.approx(found[0].sum(), rel=1e-12)


@pytest.mark.parametrize("case", COUNTS)
def test_variances_with_fixed_sizes(case):
    start, end = factors(case)
    _, n0, _, n1 = (np.array(part, float) for part in COUNTS[case])
    v0, v1 = start[1] * (1 - start[1]) / n0, end[1] * (1 - end[1]) / n1
    found = variance(effects(start, end), v0, v1)
    wanted = [
        row(case, "variance of the Shapley mix")["var_mix_exact"],
        row(case, "variance of the Shapley rate")["var_rate_exact"],
    ]
    assert found == pytest.approx(wanted, **CLOSE)
    whole = (start[0] ** 2 * v0).sum() + (end[0] ** 2 * v1).sum()
    assert whole == pytest.approx(row(case, "variance of the change")["var_change_exact"], **CLOSE)


def test_three_factors():
    p0, p1, q0, q1 = (10, 2 / 5, 9 / 10), (12, 3 / 10, 19 / 20), (6, 1 / 2, 4 / 5), (9, 3 / 5, 17 / 20)
    found = effects(np.transpose([p0, q0]), np.transpose([p1, q1])).value.sum(axis=1)
    wanted = row("D", "Shapley three")
    assert found == pytest.approx([wanted[f"{s}_exact"] for s in "xyz"], **CLOSE)


def test_region_industry_within_region_and_rate():
    out0, out1 = np.array([[40, 20], [10, 30.0]]), np.array([[45, 25], [20, 35.0]])
    rate0, rate1 = np.array([[0.96, 0.90], [0.92, 0.85]]), np.array([[0.97, 0.91], [0.93, 0.86]])

    def cells(out, rate):
        region = np.broadcast_to(out.sum(1, keepdims=True) / out.sum(), out.shape)
        return np.stack([a.ravel() for a in (region, out / out.sum(1, keepdims=True), rate)])

    found = effects(cells(out0, rate0), cells(out1, rate1)).value.sum(axis=1)
    wanted = row("E", "Shapley region")
    assert found == pytest.approx(
        [wanted[f"{s}_exact"] for s in ("region", "structure", "rate")], rel=1e-11, abs=0
    )
