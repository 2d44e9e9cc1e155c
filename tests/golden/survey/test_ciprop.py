"""Every interval of a proportion that R survey 4.5 prints for the synthetic designs.

Tolerances, relative on both limits:

* ``xlogit, mean, asin, beta, wilson``: 1e-12; closed forms of the printed p, se, n and df.
* ``logit``: 1e-8. R fits a logistic model by iteration and stops when the deviance changes by less than
  1e-8 of itself; the largest deviation is 1.1e-9. Our limits satisfy the equation they are defined by
  to 1e-12. For replicate weights the error is that of the logits of the replicates.
* ``likelihood``: R reads the limits off a spline through a dozen points of the profile; the error of the
  curve grows with its reach, that is with few degrees of freedom. On the scale that defines the limits,
  that of t: at most 1.05e-3 from 10 degrees of freedom on, and 6.1e-3 from 2 on (of
  the limits themselves 3.4e-4 and 1.9e-2). With one degree of
  freedom R extrapolates (limits like 1e-33, NaN); those rows are held to the defining equation alone, as
  all others are besides, to 1e-12 of its right side.

Ours where R has none: 0 and 100 %, zero degrees of freedom, arcsines beyond a right angle.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.stats.design_intervals import DESIGN, design_proportion

HERE = Path(__file__).parent
METHODS = {
    "mean": "wald",
    "xlogit": "logit",
    "asin": "arcsine",
    "wilson": "wilson",
    "beta": "korn-graubard",
    "logit": "logit",
    "likelihood": "likelihood",
}
EXACT = ("mean", "xlogit", "asin", "wilson", "beta")


def rows():
    names = ("syn_taylor", "syn_calibration", "replicates")
    table = pd.concat([pd.read_csv(HERE / "results" / f"{name}.csv") for name in names], ignore_index=True)
    table = table[table["call"].str.contains("svyciprop")]
    table = table.assign(level=table["call"].str.extract(r"level=([\d.]+)")[0].astype(float))
    # rows of R that failed carry no p, se, n, df: those of the other methods of the same case do
    known = table[table["term"] == "xlogit"].set_index(["case", "level"])[["est", "se", "n", "df"]]
    return table.join(known.rename(columns=lambda name: f"{name}0"), on=["case", "level"])


ROWS = rows()
INSIDE = ROWS[(ROWS["est0"] > 0) & (ROWS["est0"] < 1) & (ROWS["df0"] > 0)]


def ours(table, method, **options):
    """Our limits, as R defines them: effective sizes are never cut."""
    low, high = np.full(len(table), np.nan), np.full(len(table), np.nan)
    reason = np.full(len(table), "", object)
    for level in table["level"].unique():
        at = (table["level"] == level).to_numpy()
        part = table[at]
        found = design_proportion(
            part["est0"],
            part["se0"],
            part["n0"],
            part["df0"],
            method=method,
            level=level,
            **{"cap": "never", **options},
        )
        low[at], high[at], reason[at] = found
    return low, high, reason


def reach(table):
    return stats.t.ppf((1 + table["level"]) / 2, table["df0"])


def turned(table):
    """Rows whose arcsine leaves the right angle, where R turns back from 1 (or 0)."""
    angle = np.arcsin(np.sqrt(table["est0"]))
    arc = reach(table) * table["se0"] / (2 * np.sqrt(table["est0"] * (1 - table["est0"])))
    return ((angle + arc > np.pi / 2) | (angle - arc < 0)).to_numpy()


def test_the_oracle_is_complete():
    assert len(ROWS) == 1708
    assert ROWS["term"].value_counts().to_dict() == dict.fromkeys(METHODS, 244)
    assert ROWS[["est0", "n0", "df0"]].notna().all(axis=None)


@pytest.mark.parametrize("term", EXACT)
def test_closed_forms_are_those_of_r(term):
    table = INSIDE[INSIDE["term"] == term]
    if term == "asin":
        table = table[~turned(table)]
    assert len(table) >= 130
    low, high, reason = ours(table, METHODS[term])
    assert set(reason) == {""}
    # R leaves the limits of ``mean`` beyond 0 and 1
    np.testing.assert_allclose(low, table["lci"].clip(0, 1), rtol=1e-12, atol=0)
    np.testing.assert_allclose(high, table["uci"].clip(0, 1), rtol=1e-12, atol=0)


def test_limits_of_the_mean_outside_0_and_1_are_cut():
    table = INSIDE[INSIDE["term"] == "mean"]
    outside = (table["lci"] < 0) | (table["uci"] > 1)
    assert outside.sum() >= 20
    low, high, _ = ours(table, "wald")
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (high > low).all()


def test_arcsines_beyond_a_right_angle_end_at_0_or_1_where_r_turns_back():
    table = INSIDE[INSIDE["term"] == "asin"]
    table = table[turned(table)]
    assert len(table) == 41
    low, high, _ = ours(table, "arcsine")
    assert ((high == 1) | (low == 0)).all()
    # R's interval does not even hold the estimate in some of them
    assert ((table["uci"] < table["est"]) | (table["lci"] > table["est"])).any()
    assert ((low < table["est"]) & (table["est"] < high)).all()


def logit_errors(name):
    """Standard error of the logit of a proportion over replicate weights, times p(1 − p)."""
    y = pd.read_csv(HERE / "data" / "syn_brr.csv")["y"].to_numpy(float)
    weights = pd.read_csv(HERE / "results" / f"repweights_{name}.csv.gz")
    constants = pd.read_csv(HERE / "results" / "replicates.csv")
    constants = constants[(constants["case"] == f"rep:{name}") & (constants["call"] == "scale/rscales/mse")]
    constants = constants.set_index("term")["est"]
    replicates = weights.drop(columns="w0").to_numpy(float)
    theta = replicates.T @ y / replicates.sum(0)
    p = weights["w0"] @ y / weights["w0"].sum()
    logits = np.log(theta / (1 - theta))
    centre = np.log(p / (1 - p)) if constants["mse"] else logits.mean()
    rscales = constants[[term for term in constants.index if term.startswith("rscale")]].to_numpy()
    variance = constants["scale"] * (rscales * (logits - centre) ** 2).sum()
    return p * (1 - p) * np.sqrt(variance)


def with_logit_errors(term):
    table = INSIDE[INSIDE["term"] == term].copy()
    for case in table.loc[table["case"].str.startswith("rep:"), "case"]:
        se = logit_errors(case.removeprefix("rep:"))
        if term == "likelihood":  # for replicate weights R leaves the dispersion n/(n − 1) out
            n = table.loc[table["case"] == case, "n0"].item()
            se *= np.sqrt((n - 1) / n)
        table.loc[table["case"] == case, "se0"] = se
    return table


def test_the_logit_rows_are_ours_up_to_the_last_step_of_the_fit():
    table = with_logit_errors("logit")
    assert len(table) == 174
    fitted = table["uci"].notna()  # with one degree of freedom R ends at 0 and NaN
    assert (table.loc[~fitted, "df0"] == 1).all()
    table = table[fitted]
    assert len(table) == 149
    low, high, _ = ours(table, "logit")
    np.testing.assert_allclose(low, table["lci"], rtol=1e-8, atol=0)
    np.testing.assert_allclose(high, table["uci"], rtol=1e-8, atol=0)
    middle = (np.log(low / (1 - low)) + np.log(high / (1 - high))) / 2
    p = table["est0"].to_numpy()
    usual = (high < 1 - 1e-3) & (low > 1e-3)
    np.testing.assert_allclose(middle[usual], np.log(p / (1 - p))[usual], rtol=1e-12, atol=0)


def quantile_of(table, x):
    """The t that a limit x of the likelihood interval stands for."""
    p, n = table["est0"], table["n0"]
    m = (n - 1) / n * p * (1 - p) / table["se0"] ** 2
    deviance = 2 * (p * np.log(p / x) + (1 - p) * np.log((1 - p) / (1 - x)))
    return np.sqrt(m * deviance)


@pytest.mark.parametrize(("least", "most", "count"), [(10, 1.5e-3, 118), (2, 7e-3, 148)])
def test_the_likelihood_rows_are_ours_up_to_the_spline(least, most, count):
    table = with_logit_errors("likelihood")
    table = table[(table["df0"] >= least) & table["lci"].notna() & table["uci"].notna()]
    assert len(table) == count
    low, high, _ = ours(table, "likelihood")
    for x, theirs in ((low, table["lci"]), (high, table["uci"])):
        assert abs(quantile_of(table, x) / quantile_of(table, theirs) - 1).max() < most


def test_the_limits_of_the_likelihood_satisfy_their_equation():
    table = with_logit_errors("likelihood")
    assert len(table) == 174
    low, high, _ = ours(table, "likelihood")
    t = reach(table)
    np.testing.assert_allclose(quantile_of(table, low) ** 2, t**2, rtol=1e-12, atol=0)
    safe = 1 - high > 1e-4  # nearer to 1 the float next to the limit is off by more
    assert safe.sum() > 130
    np.testing.assert_allclose(quantile_of(table, high)[safe] ** 2, t[safe] ** 2, rtol=1e-12, atol=0)


EDGE = ROWS[((ROWS["est0"] == 0) | (ROWS["est0"] == 1)) & (ROWS["df0"] > 0)]
FREE = ROWS[ROWS["df0"] == 0]


def test_r_has_no_interval_at_100_percent():
    assert len(EDGE) == 7 * 15
    r = EDGE[EDGE["term"].isin(["xlogit", "asin", "beta", "wilson", "likelihood"])]
    assert r["lci"].isna().all()
    wald = EDGE[EDGE["term"] == "mean"]
    assert (wald["lci"] == wald["uci"]).all()  # of no width


@pytest.mark.parametrize("method", DESIGN)
@pytest.mark.parametrize("deff", [1.0, 1.7])
def test_at_100_percent_the_interval_is_that_of_the_declared_effective_size(method, deff):
    table = EDGE[EDGE["term"] == "xlogit"]
    low, high, reason = ours(table, method, deff_at_bounds=deff)
    n, t = table["n0"].to_numpy(), reach(table)
    m = n / deff
    adjusted = m * (stats.t.ppf(0.975, n - 1) / t) ** 2
    if method == "wilson":
        want = m / (m + t**2)
    elif method == "jeffreys":
        want = stats.beta.ppf(0.025, adjusted + 0.5, 0.5)
    else:  # nothing failed: α/2 to the power of 1/m
        want = 0.025 ** (1 / (m if method == "clopper-pearson" else adjusted))
    np.testing.assert_allclose(low, want, rtol=1e-12, atol=0)
    assert (high == 1).all()
    assert set(reason) == {""}


@pytest.mark.parametrize("method", DESIGN)
def test_without_degrees_of_freedom_nothing_is_estimable(method):
    table = FREE[FREE["term"] == "xlogit"]
    assert len(table) == 55
    low, high, reason = ours(table, method)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert set(reason) == {"not estimable: 0 degrees of freedom"}


def test_in_every_other_row_every_method_has_an_interval_around_the_estimate():
    table = ROWS[(ROWS["term"] == "xlogit") & (ROWS["df0"] > 0)]
    for method in DESIGN:
        for cap in ("after", "before", "never"):
            low, high, _ = ours(table, method, cap=cap)
            assert (low < high).all()
            assert (low >= 0).all()
            assert (high <= 1).all()
            assert ((low <= table["est0"]) & (table["est0"] <= high)).all()


def test_cutting_the_effective_size_at_n_matters_where_the_design_is_better_than_simple():
    table = INSIDE[INSIDE["term"] == "beta"]
    m = table["est0"] * (1 - table["est0"]) / table["se0"] ** 2
    better = (m > table["n0"]).to_numpy()
    assert better.sum() >= 20
    for method in ("korn-graubard", "clopper-pearson", "wilson", "jeffreys"):
        cut, _, _ = ours(table, method, cap="before")
        free, _, _ = ours(table, method)
        assert (cut[better] < free[better]).all()
        np.testing.assert_array_equal(cut[~better], free[~better])
