"""Quantiles of R survey 4.5 (``qrule = "math"``, ``interval.type = "mean"``); tolerance 1e-12, relative."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.stats import quantiles, sampling

HERE = Path(__file__).parent
DATA = pd.read_csv(HERE / "data" / "syn_inspect.csv")
ROWS = pd.read_csv(HERE / "results" / "syn_taylor.csv")
ROWS = ROWS[ROWS["call"].str.startswith("svyquantile")]
CASES = sorted(ROWS["case"].unique())


def codes(*columns):
    return pd.MultiIndex.from_frame(DATA[list(columns)]).factorize(sort=True)[0]


def design(case):
    """The ultimate unit of each row, and how the units were drawn."""
    stratum = np.zeros(len(DATA), int) if case in ("syn_nostrata", "syn_wonly") else codes("stratum")
    clustered = case not in ("syn_wonly", "syn_strat_el")
    psu = codes("stratum", "psu") if clustered else np.arange(len(DATA))
    first = pd.Series(stratum).groupby(psu).first().to_numpy()
    population = np.full(stratum.max() + 1, np.inf)
    if case in ("syn_psu_fpc", "syn_2stage"):
        population = DATA["N_psu"].groupby(stratum).first().to_numpy(float)
    if case != "syn_2stage":
        return psu, sampling.Sample(stratum=first, population=population)
    unit = codes("stratum", "psu", "ssu")
    return unit, sampling.Sample(
        stratum=first,
        population=population,
        psu=pd.Series(psu).groupby(unit).first().to_numpy(),
        subpopulation=DATA["N_ssu"].groupby(psu).first().to_numpy(float),
    )


def variance_of_shares(case):
    unit, sample = design(case)
    w, value = DATA["w"].to_numpy(), DATA["value"].to_numpy()

    def variance(points):
        row = np.repeat(np.arange(len(points)), len(DATA))
        below = (value <= np.asarray(points)[:, None]).ravel()
        weight = np.tile(w, len(points))
        _, Z = sampling.influence(
            weight * below,
            weight,
            row=row,
            unit=np.tile(unit, len(points)),
            rows=len(points),
            units=unit.max() + 1,
        )
        return sampling.variance(sampling.linearised(Z, sample))

    return variance


def test_the_oracle_is_complete():
    assert len(ROWS) == 18
    assert len(CASES) == 6


@pytest.mark.parametrize("case", CASES)
def test_quantiles_their_intervals_and_errors_are_those_of_r(case):
    table = ROWS[ROWS["case"] == case]
    given = quantiles.distribution(DATA["value"], DATA["w"])
    found = quantiles.woodruff(
        given, table["term"].astype(float), variance_of_shares(case), table["df"].iloc[0]
    )
    for ours, theirs in (("estimate", "est"), ("low", "lci"), ("high", "uci"), ("std_error", "se")):
        np.testing.assert_allclose(getattr(found, ours), table[theirs], rtol=1e-12, atol=0)
    assert set(found.reason) == {""}


def test_the_interval_is_about_the_share_at_the_quantile_and_not_about_the_probability():
    table = ROWS[ROWS["case"] == "syn_psu"]
    given = quantiles.distribution(DATA["value"], DATA["w"])
    found = quantiles.woodruff(given, [0.05], variance_of_shares("syn_psu"), 89)
    assert found.share[0] > 0.05
    about_p = quantiles.quantile(given, 0.05 - stats.t.ppf(0.975, 89) * found.share_error[0])
    assert abs(about_p / table["lci"].iloc[0] - 1) > 0.01


def test_cells_give_the_quantiles_of_rows():
    cells = DATA.groupby(["stratum", "value"])["w"].agg(["sum", "size"]).reset_index()
    rows = quantiles.distribution(DATA["value"], DATA["w"])
    gathered = quantiles.distribution(cells["value"], cells["sum"], cells["size"])
    np.testing.assert_allclose(gathered.weights, rows.weights, rtol=1e-13, atol=0)
    for rule in quantiles.RULE:
        a, b = (quantiles.quantile(g, [0.05, 0.5, 0.95], rule=rule) for g in (rows, gathered))
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=0)
