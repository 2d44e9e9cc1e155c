"""Replicate weights against R survey 4.5: `results/replicates.csv` (README).

Tolerance 1e-12 relative: both sides add up the same 246 rows in double precision.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats import replicate
from qstats.stats.sampling import Sample, variance

HERE = Path(__file__).parent
RTOL = 1e-12
CASES = ("BRR", "BRR_mse", "Fay03", "JKn_brr", "subboot")
DATA = pd.read_csv(HERE / "data" / "syn_brr.csv")
WITH_REPLACEMENT = np.full(16, np.inf)


def golden(case):
    with (HERE / "results" / "replicates.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["case"] == f"rep:{case}"]


def constants(case):
    """R's scale, rscales and mse."""
    found = {r["term"]: float(r["est"]) for r in golden(case) if r["call"].startswith("scale")}
    rscales = [found[f"rscale{b + 1}"] for b in range(len(found) - 2)]
    return found["scale"], np.array(rscales), bool(found["mse"])


def weights(case):
    table = pd.read_csv(HERE / "results" / f"repweights_{case}.csv.gz")
    return table["w0"].to_numpy(), table.drop(columns="w0").to_numpy()


def sums_of(row):
    """y, x (None for a total) and the rows of syn_brr that an oracle row is about."""
    everything, one = np.ones(len(DATA), bool), np.ones(len(DATA))
    y, n = DATA["y"].to_numpy(float), DATA["n_insp"].to_numpy(float)
    if row["call"].startswith("svytotal"):
        return n, None, everything
    if row["call"].startswith("svyratio"):
        return y, n, everything
    inside = (DATA["dom"] == row["by"]).to_numpy() if row["call"].startswith("svyby") else everything
    return y, one, inside


def error_of(done, scale, rscales, mse):
    found = replicate.errors(done.values, done.estimate, scale=scale, rscales=rscales, mse=mse)
    return float(done.estimate[0]), float(np.sqrt(variance(found))[0])


def by_given_weights(row, case):
    y, x, inside = sums_of(row)
    w, W = (a[inside] for a in weights(case))
    y, at = y[inside], {"row": np.zeros(inside.sum(), int), "rows": 1}
    if x is None:
        done = replicate.given_total(w * y, W * y[:, None], **at)
    else:
        x = x[inside]
        done = replicate.given_ratio(w * y, w * x, W * y[:, None], W * x[:, None], **at)
    return error_of(done, *constants(case))


def psus():
    """Number of the PSU of each row, and the sample of PSUs."""
    keys = DATA["stratum"] * 100 + DATA["psu"]
    psu, labels = pd.factorize(keys, sort=True)
    return psu, Sample(labels.to_numpy() // 100 - 1, WITH_REPLACEMENT)


def by_own_weights(row, made):
    y, x, inside = sums_of(row)
    w, psu = DATA["w"].to_numpy()[inside], psus()[0][inside]
    at = {"row": np.zeros(inside.sum(), int), "unit": psu, "rows": 1, "replicates": made}
    y = (w * y[inside],) if x is None else (w * y[inside], w * x[inside])
    done = (replicate.total if x is None else replicate.ratio)(*y, **at)
    return error_of(done, made.scale, made.rscales, made.mse)


@pytest.mark.parametrize("case", CASES)
def test_given_weights_give_every_estimate_and_error_of_the_oracle(case):
    rows = [row for row in golden(case) if not row["call"].startswith("scale")]
    assert len(rows) == 13
    for row in rows:
        # R fits the logit and likelihood rows by iteration, so its estimate is good to its own 1e-8
        rtol = 1e-8 if row["term"] in ("logit", "likelihood") else RTOL
        estimate, error = by_given_weights(row, case)
        np.testing.assert_allclose(estimate, float(row["est"]), rtol=rtol, err_msg=str(row))
        np.testing.assert_allclose(error, float(row["se"]), rtol=RTOL, err_msg=str(row))


def test_jackknife_weights_and_constants_are_those_of_the_oracle():
    made = replicate.jkn(psus()[1], mse=False)
    w, W = weights("JKn_brr")
    np.testing.assert_allclose(w[:, None] * made.factors[psus()[0]], W, rtol=RTOL, atol=0)
    scale, rscales, mse = constants("JKn_brr")
    assert (made.scale, made.rscales.tolist(), made.mse) == (scale, rscales.tolist(), mse)


def test_jackknife_errors_are_those_of_the_oracle():
    made = replicate.jkn(psus()[1], mse=False)
    for row in golden("JKn_brr")[:6]:
        found = by_own_weights(row, made)
        np.testing.assert_allclose(found, (float(row["est"]), float(row["se"])), rtol=RTOL, err_msg=str(row))


@pytest.mark.parametrize(
    ("case", "fay", "mse"), [("BRR", 0, False), ("BRR_mse", 0, True), ("Fay03", 0.3, False)]
)
def test_half_samples_have_the_order_scale_and_factors_of_the_oracle(case, fay, mse):
    made = replicate.brr(psus()[1], fay=fay, mse=mse)
    w, W = weights(case)
    scale, rscales, theirs = constants(case)
    assert made.factors.shape == (32, 20) and W.shape[1] == 20
    np.testing.assert_allclose(made.scale, scale, rtol=RTOL)
    assert (made.rscales.tolist(), made.mse) == (rscales.tolist(), theirs)
    factors = np.unique((W / w[:, None]).round(12))
    np.testing.assert_allclose(np.unique(made.factors), factors, rtol=RTOL, atol=0)


@pytest.mark.parametrize(("case", "fay"), [("BRR", 0), ("Fay03", 0.3)])
def test_half_samples_of_another_hadamard_matrix_give_the_same_error_of_a_total(case, fay):
    made = replicate.brr(psus()[1], fay=fay, mse=False)
    row = next(r for r in golden(case) if r["call"].startswith("svytotal"))
    np.testing.assert_allclose(by_own_weights(row, made), (float(row["est"]), float(row["se"])), rtol=RTOL)


@pytest.mark.parametrize(("case", "fay"), [("BRR", 0), ("Fay03", 0.3)])
def test_half_samples_of_another_hadamard_matrix_differ_by_some_per_cent_for_ratios(case, fay):
    made = replicate.brr(psus()[1], fay=fay, mse=False)
    for row in (r for r in golden(case)[:6] if not r["call"].startswith("svytotal")):
        estimate, error = by_own_weights(row, made)
        np.testing.assert_allclose(estimate, float(row["est"]), rtol=RTOL)
        assert 0 < abs(error / float(row["se"]) - 1) < 0.1, row  # 6.2 % at most


def test_bootstrap_factors_are_multiples_of_those_of_the_oracle():
    w, W = weights("subboot")
    assert set(np.unique((W / w[:, None]).round(12))) == {0.0, 2.0}
    made = replicate.bootstrap(psus()[1], 100, seed=(1,), mse=False)
    assert set(np.unique(made.factors)) == {0.0, 2.0}
    np.testing.assert_allclose(made.scale, constants("subboot")[0], rtol=RTOL)


@pytest.mark.parametrize("case", CASES)
def test_degrees_of_freedom_are_the_rank_less_one(case):
    df = {int(float(r["df"])) for r in golden(case) if r["df"]}
    assert df == {replicate.degrees_of_freedom(weights(case)[1])}
