"""Strata with one primary unit, against every row of R survey 4.5. Tolerance 1e-12 relative."""

import itertools

import numpy as np
import pytest
from scipy.stats import t as student

from qstats.errors import DesignError
from qstats.stats import sampling

POLICIES = ("fail", "remove", "certainty", "adjust", "average")
CALLS = {
    ("svymean(~y)", ""): ("y", None),
    ("svytotal(~n_insp)", ""): ("n_insp", "total"),
    ("svyratio(~y,~n_insp)", ""): ("y", "n_insp"),
    ("svyby(~y,~dom,svymean)", "dom"): ("y", None),
    ("svyby(~n_insp,~dom,svytotal)", "dom"): ("n_insp", "total"),
}


@pytest.fixture(scope="module")
def data(survey_csv):
    return survey_csv("data/syn_lonely.csv")


@pytest.fixture(scope="module")
def oracle(survey_csv):
    return survey_csv("results/lonely.csv")


def declared(data, *, fpc):
    _, first, unit = np.unique(data["psu"], return_index=True, return_inverse=True)
    stratum = data["stratum"][first].astype(int) - 1
    of_stratum = np.unique(stratum, return_index=True)[1]
    population = data["N_psu"][first][of_stratum] if fpc else np.full(8, np.inf)
    return sampling.Sample(stratum, population), unit


def estimated(data, unit, variables, by):
    y, x = variables
    row = np.unique(data[by], return_inverse=True)[1] if by else np.zeros(unit.size, int)
    where = {"row": row, "unit": unit, "rows": row.max() + 1, "units": unit.max() + 1}
    if x == "total":
        return sampling.total_influence(data["w"] * data[y], **where)
    return sampling.influence(data["w"] * data[y], data["w"] * (data[x] if x else 1), **where)


CASES = list(itertools.product(POLICIES, (False, True), (False, True), CALLS))


@pytest.mark.parametrize(("policy", "domain", "fpc", "call"), CASES)
def test_every_row(policy, domain, fpc, call, data, oracle):
    case = f"lonely:{policy},adjust.domain.lonely={str(domain).upper()}{',fpc' if fpc else ''}"
    rows = np.flatnonzero((oracle["case"] == case) & (oracle["call"] == call[0]))
    sample, unit = declared(data, fpc=fpc)
    estimate, Z = estimated(data, unit, CALLS[call], call[1])
    if policy == "fail":
        assert np.char.endswith(oracle["note"][rows], "only one PSU at stage 1").all()
        with pytest.raises(
            DesignError, match="strata with one sampled unit, at stage 1: number 2, 5"
        ) as caught:
            sampling.linearised(Z, sample, singleton=policy, singleton_domain=domain)
        assert (caught.value.strata, caught.value.stage) == ((2, 5), 1)  # strata 3 and 6 of the data
        return
    errors = sampling.linearised(Z, sample, singleton=policy, singleton_domain=domain)
    se = np.sqrt(sampling.variance(errors))
    np.testing.assert_allclose(estimate, oracle["est"][rows], rtol=1e-12)
    np.testing.assert_allclose(se, oracle["se"][rows], rtol=1e-12)
    assert (oracle["df"][rows] == sampling.design_df(sample)).all()
    half = student.ppf(0.975, 12) * se
    np.testing.assert_allclose(estimate - half, oracle["lci"][rows], rtol=1e-12)
    np.testing.assert_allclose(estimate + half, oracle["uci"][rows], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(sampling.covariance(errors))), se, rtol=1e-13)


def test_no_row_of_the_oracle_is_left_out(oracle):
    expected = {
        (f"lonely:{p},adjust.domain.lonely={str(d).upper()}{',fpc' if f else ''}", c[0])
        for p, d, f, c in CASES
    }
    assert set(zip(oracle["case"], oracle["call"], strict=True)) == expected
