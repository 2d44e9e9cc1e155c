"""Linearised errors against R survey 4.5: every row of the oracle that is a mean, total, ratio or contrast.

Tolerance 1e-12 relative. Where the oracle prints a standard error below 1e-13 of the estimate it is
rounding of a zero (one PSU in the domain, or a rate of 100 %); ours must be as small.
Limits are compared relative to the estimate: a limit near zero is a difference of larger numbers.
"""

import re

import numpy as np
import pytest
from scipy.stats import t as student

from qstats.stats import elements, sampling
from qstats.stats.design_effect import srs_mean_variance, srs_ratio_variance, srs_total_variance

DESIGNS = ("syn_psu", "syn_psu_fpc", "syn_2stage", "syn_nostrata", "syn_wonly", "syn_strat_el")
BY_HAND = {"": (), "prod": ("prod",), "year": ("year",), "prov": ("prov",)}
VARIABLES = {"mean": ("y", None), "total": ("n_insp", None), "ratio": ("n_pass", "n_insp")}


def number(values):
    return np.unique(values, return_inverse=True)[1]


def first(values, index):
    """The value of each numbered thing at its first row."""
    return np.asarray(values)[np.unique(index, return_index=True)[1]]


def declared(name, data):
    """Sample of the design `name` and the unit of each row."""
    rows, inf = np.arange(data["w"].size), np.inf
    stratum, psu, ssu = number(data["stratum"]), number(data["psu"]), number(data["ssu"])
    if name == "syn_wonly":
        return sampling.Sample(np.zeros_like(rows), np.array([inf])), rows
    if name == "syn_strat_el":
        return sampling.Sample(stratum, np.full(stratum.max() + 1, inf)), rows
    if name == "syn_nostrata":
        return sampling.Sample(np.zeros(psu.max() + 1, int), np.array([inf])), psu
    of_psu, free = first(stratum, psu), np.full(stratum.max() + 1, inf)
    drawn = first(data["N_psu"], stratum)
    if name == "syn_psu":
        return sampling.Sample(of_psu, free), psu
    if name == "syn_psu_fpc":
        return sampling.Sample(of_psu, drawn), psu
    return sampling.Sample(of_psu, drawn, psu=first(psu, ssu), subpopulation=first(data["N_ssu"], psu)), ssu


@pytest.fixture(scope="module", params=DESIGNS)
def design(request, inspections):
    return request.param, *declared(request.param, inspections)


@pytest.fixture(scope="module")
def oracle(survey_csv):
    return survey_csv("results/syn_taylor.csv")


def domains(data, by):
    """Row of each record, and the names of the rows as the oracle prints them."""
    if not by:
        return np.zeros(data["w"].size, int), np.array([""])
    parts = [np.array([f"{v:g}" if isinstance(v, float) else str(v) for v in data[key]]) for key in by]
    names, row = np.unique([".".join(keys) for keys in zip(*parts, strict=True)], return_inverse=True)
    return row, names


def estimated(data, sample, unit, kind, by):
    """Estimates, errors and names of one statistic by domains."""
    y, x = VARIABLES[kind]
    return statistic(data, sample, unit, data[y], data[x] if x else None, kind, by)


def statistic(data, sample, unit, y, x, kind, by):
    row, names = domains(data, by)
    units = sample.stratum.size if sample.psu is None else sample.psu.size
    keep = ~np.isnan(y)
    w, y = data["w"][keep], y[keep]
    where = {"row": row[keep], "unit": unit[keep], "rows": names.size, "units": units}
    if kind == "total":
        estimate, Z = sampling.total_influence(w * y, **where)
    else:
        estimate, Z = sampling.influence(w * y, w if x is None else w * x[keep], **where)
    return estimate, sampling.linearised(Z, sample), names


def rows_of(oracle, name, call):
    return np.flatnonzero((oracle["case"] == name) & (oracle["call"] == call))


def parsed(call):
    """(kind, by) of a call of the oracle; None for what is not a mean, a total, or a ratio."""
    kind = next((k for k in VARIABLES if f"svy{k}" in call), None)
    if kind is None or "contrast" in call or "yna" in call:
        return None
    keys = re.search(r"svyby\(~\w+,~([\w +]+),", call)
    return kind, tuple(keys[1].replace(" ", "").split("+")) if keys else ()


def same_se(found, wanted, estimate):
    zero = wanted < 1e-13 * np.abs(estimate)
    np.testing.assert_allclose(found[~zero], wanted[~zero], rtol=1e-12)
    assert (found[zero] < 1e-13 * np.abs(estimate[zero])).all()
    return zero


def same_limits(oracle, rows, estimate, se, df):
    half = student.ppf(0.975, df) * se
    scale = np.abs(estimate)
    assert (np.abs(estimate - half - oracle["lci"][rows]) <= 1e-12 * scale).all()
    assert (np.abs(estimate + half - oracle["uci"][rows]) <= 1e-12 * scale).all()


def test_every_row_that_is_not_an_interval_of_a_proportion_or_a_quantile_is_tested(oracle):
    rest = [c for c in oracle["call"] if not re.search("svyciprop|svyquantile", c)]
    assert len(rest) == 6 * 202
    assert sum(parsed(c) is not None for c in rest) == 6 * (202 - 6)  # 1 contrast and 5 of yna apart


def test_means_totals_and_ratios_by_domains_and_crossings(design, inspections, oracle):
    name, sample, unit = design
    calls = {c for c in oracle["call"][oracle["case"] == name] if parsed(c)}
    assert len(calls) == 17
    for call in calls:
        kind, by = parsed(call)
        estimate, errors, names = estimated(inspections, sample, unit, kind, by)
        rows = rows_of(oracle, name, call)
        order = np.searchsorted(names, oracle["by"][rows]) if by else np.zeros(1, int)
        estimate, se = estimate[order], np.sqrt(sampling.variance(errors))[order]
        np.testing.assert_allclose(estimate, oracle["est"][rows], rtol=1e-12)
        same_se(se, oracle["se"][rows], estimate)
        df = sampling.design_df(sample)
        assert (oracle["df"][rows] == df).all()
        same_limits(oracle, rows, estimate, se, df)


def srs(data, kind, by, *, replacement):
    row, names = domains(data, by)
    y, x = VARIABLES[kind]
    w, y = data["w"], data[y]
    n, W, Y, YY = (np.bincount(row, v, names.size) for v in (np.ones(w.size), w, w * y, w * y * y))
    if kind == "mean":
        return srs_mean_variance(n, W, Y, YY, replacement=replacement)
    if kind == "total":
        return srs_total_variance(n, W, Y, YY, replacement=replacement)
    x = data[x]
    X, YX, XX = (np.bincount(row, v, names.size) for v in (w * x, w * y * x, w * x * x))
    return srs_ratio_variance(n, W, Y, X, YY, YX, XX, replacement=replacement)


def test_design_effects_with_and_without_replacement(design, inspections, oracle):
    name, sample, unit = design
    calls = {c for c in oracle["call"][oracle["case"] == name] if "deff" in c}
    assert len(calls) == 11
    for call in calls:
        kind, by = parsed(call)
        estimate, errors, names = estimated(inspections, sample, unit, kind, by)
        variance = srs(inspections, kind, by, replacement="replace" in call)
        rows = rows_of(oracle, name, call)
        order = np.searchsorted(names, oracle["by"][rows]) if by else np.zeros(1, int)
        defined = ~np.isnan(oracle["deff"][rows])
        zero = oracle["se"][rows] < 1e-13 * np.abs(estimate[order])
        with np.errstate(invalid="ignore"):
            found = (sampling.variance(errors) / variance)[order]
        use = defined & ~zero
        np.testing.assert_allclose(found[use], oracle["deff"][rows][use], rtol=2e-12)
        assert (np.isnan(found[~use]) | (found[~use] < 1e-25)).all()


def test_the_difference_of_two_domains(design, inspections, oracle):
    name, sample, unit = design
    (row,) = rows_of(oracle, name, "svycontrast(svyby(~y,~prod,svymean,covmat=TRUE),c(1,-1))")
    estimate, errors, _ = estimated(inspections, sample, unit, "mean", ("prod",))
    a = np.array([1.0, -1.0])
    assert estimate[:2] @ a == pytest.approx(oracle["est"][row], rel=1e-12)
    by_matrix = a @ sampling.covariance(errors, [0, 1]) @ a
    by_influence = sampling.variance(sampling.combine(errors, [[1, -1, 0, 0]]))[0]
    for variance in (by_matrix, by_influence):
        assert np.sqrt(variance) == pytest.approx(oracle["se"][row], rel=1e-12)


def test_missing_values_are_outside_the_domain(design, inspections, oracle):
    name, sample, unit = design
    yna = np.where(inspections["id"] % 11 == 0, np.nan, inspections["y"])
    for call, by in (("svymean(~yna,na.rm=TRUE)", ()), ("svyby(~yna,~prod,svymean,na.rm=TRUE)", ("prod",))):
        estimate, errors, _ = statistic(inspections, sample, unit, yna, None, "mean", by)
        rows, se = rows_of(oracle, name, call), np.sqrt(sampling.variance(errors))
        np.testing.assert_allclose(estimate, oracle["est"][rows], rtol=1e-12)
        np.testing.assert_allclose(se, oracle["se"][rows], rtol=1e-12)
        same_limits(oracle, rows, estimate, se, sampling.design_df(sample))


def test_subsets_have_the_error_of_the_domain_and_its_degrees_of_freedom(design, inspections, oracle):
    name, sample, unit = design
    tested = 0
    for key in ("prod", "year", "prov"):
        estimate, errors, names = estimated(inspections, sample, unit, "mean", (key,))
        se = np.sqrt(sampling.variance(errors))
        df = sampling.degrees_of_freedom(domains(inspections, (key,))[0], unit, sample, rows=names.size)
        for r, value in enumerate(names):
            rows = np.flatnonzero(oracle["case"] == f"{name}|subset {key}=={value}")
            rows = rows[~np.isnan(oracle["se"][rows])]  # likelihood intervals have none
            exact = rows[oracle["term"][rows] == "mean"]
            np.testing.assert_allclose(oracle["est"][exact], estimate[r], rtol=1e-12)
            same_se(np.full(rows.size, se[r]), oracle["se"][rows], np.full(rows.size, estimate[r]))
            assert (oracle["df"][rows] == df[r]).all()
            tested += rows.size
    assert tested == (~np.isnan(oracle["se"]) & np.char.startswith(oracle["case"], f"{name}|")).sum()
    assert tested > 200


@pytest.mark.parametrize("name", ["syn_wonly", "syn_strat_el"])
@pytest.mark.parametrize("by", [(), ("prod",), ("prov",), ("prod", "year")])
def test_moments_of_cells_are_as_good_as_rows(name, by, inspections):
    data = inspections
    sample, unit = declared(name, data)
    row, names = domains(data, by)
    H = sample.population.size
    cells, cell = np.unique(row * H + sample.stratum, return_inverse=True)
    cell_row, stratum = np.divmod(cells, H)
    merged = sampling.Sample(stratum, sample.population, count=np.bincount(cell).astype(float))
    where = {"row": cell_row, "unit": np.arange(cells.size), "rows": names.size, "sample": merged}
    for kind, (y, x) in VARIABLES.items():
        wy, wx = data["w"] * data[y], data["w"] * (data[x] if x else 1)
        Y, X, YY, YX, XX = (np.bincount(cell, v) for v in (wy, wx, wy * wy, wy * wx, wx * wx))
        if kind == "total":
            estimate, errors = elements.total(Y, YY, **where)
        else:
            estimate, errors = elements.ratio(elements.Moments(Y, X, YY, YX, XX), **where)
        expected, by_rows, _ = estimated(data, sample, unit, kind, by)
        np.testing.assert_allclose(estimate, expected, rtol=1e-13)
        variance = sampling.variance(by_rows)
        some = np.sqrt(variance) > 1e-7 * expected
        # y and x of a ratio nearly cancel: Σ(wy)² is up to 100 times Σ(we)², and so is the rounding
        rtol = 1e-12 if kind == "ratio" else 1e-13
        np.testing.assert_allclose(sampling.variance(errors)[some], variance[some], rtol=rtol)
        scale = np.sqrt(np.outer(variance, variance))
        off = np.abs(sampling.covariance(errors) - sampling.covariance(by_rows))
        assert (off <= 1e-12 * scale + 1e-15 * np.outer(expected, expected)).all()
    df = sampling.degrees_of_freedom(cell_row, np.arange(cells.size), merged, rows=names.size)
    np.testing.assert_array_equal(df, sampling.degrees_of_freedom(row, unit, sample, rows=names.size))
    assert sampling.design_df(merged) == sampling.design_df(sample)
