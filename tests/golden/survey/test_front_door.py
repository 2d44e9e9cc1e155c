"""The public functions give the numbers of R survey 4.5: table in, table out, whatever the design.

Estimates, standard errors, limits and design effects to 1e-12 relative; standard errors of calibrated
estimates to 1e-10. Limits are compared by their distance from the estimate, which is the harder test.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DesignError
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

HERE = Path(__file__).parent


def table(name):
    return pd.read_csv(HERE / name, skipinitialspace=True, na_values=["NA"], dtype={"by": str})


ROWS = table("data/syn_inspect.csv").assign(
    rare=lambda d: (d["id"] % 97 == 0).astype(int),
    allone=1,
    yna=lambda d: d["y"].where(d["id"] % 11 != 0),
)
STRATIFIED = Design(weight="w", strata="stratum", cluster="psu")
DESIGNS = {
    "syn_psu": STRATIFIED,
    "syn_psu_fpc": Design(weight="w", strata="stratum", cluster="psu", fpc="N_psu"),
    "syn_2stage": Design(weight="w", strata="stratum", cluster=["psu", "ssu"], fpc=["N_psu", "N_ssu"]),
    "syn_nostrata": Design(weight="w", cluster="psu"),
    "syn_wonly": Design(weight="w"),
    "syn_strat_el": Design(weight="w", strata="stratum"),
}
PROD = {"prod": {"A": 9000, "B": 8000, "C": 8500, "D": 9500}}
SIZE = {"size": {1: 12000, 2: 11000, 3: 12000}}
GREG = {"1": 35000, "size": {1: 12000, 2: 11000, 3: 12000}, **PROD}
CALIBRATED = {
    "syn_ps": STRATIFIED.calibrate(PROD),
    "syn_cal": STRATIFIED.calibrate(GREG),
    "syn_calraking": STRATIFIED.calibrate(PROD | SIZE, distance="raking"),
    "syn_ps_fpc2": DESIGNS["syn_2stage"].calibrate(PROD),
}
METHOD = {"mean": "wald", "xlogit": "logit", "asin": "arcsine", "beta": "korn-graubard", "wilson": "wilson"}


def relative(got, want):
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert (np.isnan(got) == np.isnan(want)).all()
    got, want = got[~np.isnan(want)], want[~np.isnan(want)]
    assert (got[want == 0] == 0).all()
    return np.max(np.abs(got / np.where(want == 0, 1, want) - (want != 0)), initial=0)


def asked(call, by, rows, design, **more):
    """Do what an R call asks for."""
    kind = re.search(r"svymean|svytotal|svyratio", call).group()
    inside = re.findall(r"~(\w+)", call)
    against = "with-replacement" if "replace" in call else "without-replacement"
    options = {"design": design, "by": by, "df": "design", "deff": against, **more}
    if "yna" in call:
        options["missing"] = "omit"
    if kind == "svyratio":
        below = re.search(r"denominator=~(\w+)", call)
        x = below.group(1) if below else inside[1]
        return ratio(rows, numerator=inside[0], denominator=x, **options)
    return (mean if kind == "svymean" else total)(rows, y=inside[0], **options)


def compare(found, rows, by, tolerance=1e-12):
    got = found.table
    if by:
        got = got.set_index(got[by].agg(".".join, axis=1)).loc[rows["by"].astype(str)]
    assert relative(got["estimate"], rows["est"]) <= 1e-12
    known = rows["se"].to_numpy() > 1e-15
    assert (got["std_error"].isna().to_numpy() == ~known).all()  # never a false zero
    assert relative(got["std_error"][known], rows["se"][known]) <= tolerance
    half = (got["conf_high"] - got["estimate"])[known], (rows["uci"] - rows["est"])[known]
    assert relative(*half) <= 1e-10  # a difference of numbers with 17 digits
    if rows["deff"].notna().all():
        assert relative(got["deff"][known], rows["deff"][known]) <= tolerance


def calls(name, case):
    rows = table(f"results/{name}.csv").query("case == @case")
    plain = rows[~rows["call"].str.contains("ciprop|contrast|quantile|scale")]
    return {call: group for call, group in plain.groupby("call", sort=False)}  # noqa: C416


def keys(call):
    by = re.search(r"svyby\([^,]+,\s*~([^,]+),", call)
    return [part.strip() for part in by.group(1).split("+")] if by else []


@pytest.mark.parametrize("case", DESIGNS)
def test_every_mean_total_and_ratio(case):
    for call, rows in calls("syn_taylor", case).items():
        compare(asked(call, keys(call), ROWS, DESIGNS[case]), rows, keys(call))


@pytest.mark.parametrize("case", CALIBRATED)
def test_every_calibrated_mean_total_and_ratio(case):
    for call, rows in calls("syn_calibration", case).items():
        compare(asked(call, keys(call), ROWS, CALIBRATED[case]), rows, keys(call), tolerance=1e-10)


@pytest.mark.parametrize("case", DESIGNS)
def test_every_quantile(case):
    rows = table("results/syn_taylor.csv").query("case == @case and call.str.contains('quantile')")
    got = quantile(ROWS, y="value", q=[0.05, 0.5, 0.95], design=DESIGNS[case], df="design").table
    for mine, theirs in (("estimate", "est"), ("std_error", "se"), ("conf_low", "lci"), ("conf_high", "uci")):
        assert relative(got[mine], rows[theirs]) <= 1e-12


@pytest.mark.parametrize("case", DESIGNS)
def test_every_interval_of_a_proportion_also_in_domains_with_their_own_degrees_of_freedom(case):
    rows = table("results/syn_taylor.csv")
    rows = rows[rows["call"].str.contains("ciprop") & rows["case"].str.split("|").str[0].eq(case)]
    rows = rows[rows["term"].isin(METHOD) & (rows["se"] > 1e-15)]
    assert len(rows) >= 160
    for (level, term), group in rows.groupby([rows["call"].str.contains("level=0.9[)]"), "term"]):
        options = {"design": DESIGNS[case], "interval": METHOD[term], "level": 0.9 if level else 0.95}
        for key in ("", "prod", "year", "prov"):
            part = group[group["case"].eq(case) if not key else group["case"].str.contains(f"{key}==")]
            if part.empty:
                continue
            got = proportion(ROWS, y="y", by=[key] if key else [], **options).table
            p, variance = got["estimate"] / 100, (got["std_error"] / 100) ** 2
            got["n_eff_of_interval"] = p * (1 - p) / variance * 1.2
            if key:
                got = got.set_index(key).loc[part["by"].astype(str)]
            assert (got["df"].to_numpy() == part["df"].to_numpy()).all()
            for mine, theirs in (("estimate", "est"), ("std_error", "se")):
                assert relative(got[mine], 100 * part[theirs]) <= 1e-12
            low = got["conf_low"].to_numpy(), np.maximum(100 * part["lci"].to_numpy(), 0)
            capped = (term in ("beta", "wilson")) & (got["n_eff_of_interval"] > got["n"]).to_numpy()
            assert not (low[0][capped] > low[1][capped] + 1e-9).any()  # ours trusts no more than n answers
            folded = (term == "asin") & (low[0] == 0)  # R's angle below 0 comes out above 0 when squared
            assert relative(low[0][~capped & ~folded], low[1][~capped & ~folded]) <= 1e-12


def test_a_contrast_of_two_domains_has_their_covariance():
    for case, design in DESIGNS.items():  # noqa: B007, PERF102 -- the query reads `case`
        row = table("results/syn_taylor.csv").query("case == @case and call.str.contains('contrast')").iloc[0]
        found = mean(ROWS, y="y", by="prod", design=design).where(prod=["A", "B"])
        d = found.table["estimate"].diff().iloc[1] * -1
        V = found.covariance()
        assert relative([d, np.sqrt(V[0, 0] + V[1, 1] - 2 * V[0, 1])], [row["est"], row["se"]]) <= 1e-12


@pytest.mark.parametrize("fpc", [False, True])
@pytest.mark.parametrize("domain", [False, True])
@pytest.mark.parametrize("policy", ["fail", "remove", "certainty", "adjust", "average"])
def test_strata_with_one_unit(policy, domain, fpc):
    rows = table("data/syn_lonely.csv")
    design = Design(
        weight="w",
        strata="stratum",
        cluster="psu",
        fpc="N_psu" if fpc else (),
        nest=True,
        singleton=policy,
        singleton_domain=domain,
    )
    case = f"lonely:{policy},adjust.domain.lonely={str(domain).upper()}" + (",fpc" if fpc else "")
    found = calls("lonely", case)
    assert len(found) == 5
    for call, want in found.items():
        if policy == "fail":
            with pytest.raises(DesignError, match="stratum: 3, 6"):
                asked(call, keys(call), rows, design)
        else:
            compare(asked(call, keys(call), rows, design), want, keys(call))


@pytest.mark.parametrize("case", ["BRR", "BRR_mse", "Fay03", "JKn_brr", "subboot"])
def test_given_replicate_weights(case):
    rows = table("data/syn_brr.csv")
    weights = pd.read_csv(HERE / f"results/repweights_{case}.csv.gz", skipinitialspace=True)
    rows = pd.concat([rows, weights.drop(columns="w0")], axis=1)
    result = table("results/replicates.csv").query("case == 'rep:' + @case")
    constants = result[result["call"].str.contains("scale")].set_index("term")["est"].astype(float)
    columns = list(weights.columns[1:])
    design = Design(weight="w", strata="stratum", cluster="psu", nest=True).replicate(
        columns=columns,
        scale=constants["scale"],
        rscales=[constants[f"rscale{i}"] for i in range(1, len(columns) + 1)],
        mse=bool(constants["mse"]),
    )
    for call, want in calls("replicates", f"rep:{case}").items():
        compare(asked(call, keys(call), rows, design), want, keys(call))
