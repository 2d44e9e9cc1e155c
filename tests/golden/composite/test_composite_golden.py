"""The golden index from the pure functions alone, step by step and as a chain.

Tolerance 1e-12, relative: both sides do the same few operations in double precision. Correlations and
coefficients of components are compared against 1, their bound and their length.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.stats import (
    aggregation,
    composite,
    imputation,
    moments,
    normalisation,
    outranking,
    ranking,
    screening,
    treatment,
    weighting,
)

GOLDEN = Path(__file__).parent


def table(name, index="uCode"):
    return pd.read_csv(GOLDEN / f"{name}.csv", index_col=index)


META = table("00_inputs/iMeta", "iCode")
LEAVES = list(META.index[META["Type"] == "Indicator"])
NODES = META[META["Type"].isin(["Indicator", "Aggregate"])]
SIGN = META.loc[LEAVES, "Direction"].to_numpy(float)
GROUPS = pd.factorize(table("00_inputs/iData")["region4"])[0]


def same(found, expected, rtol=1e-12, atol=0.0):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=rtol, atol=atol)


def denominated(data):
    d = np.ones((len(data), len(LEAVES)))
    for q, leaf in enumerate(LEAVES):
        named = META.loc[leaf, "Denominator"]
        if isinstance(named, str):
            d[:, q] = data[named]
    return screening.denominate(data[LEAVES], d)


def built(scores, weights=None, **options):
    """Add leaf scores (…, units, leaves) up the tree; return every node by name."""
    weights = NODES["Weight"] if weights is None else weights
    found = {leaf: scores[..., q] for q, leaf in enumerate(LEAVES)}
    for level in (2, 3, 4):
        for node in NODES.index[NODES["Level"] == level]:
            below = list(NODES.index[NODES["Parent"] == node])
            below = [child for child in below if child in found and child in weights]
            stack = np.stack([found[child] for child in below], -1)
            found[node] = aggregation.aggregate(stack, weights[below].to_numpy(float), **options).value
    return found


def test_the_whole_chain_from_raw_data_to_ranks():
    raw = table("00_inputs/iData")
    same(raw[LEAVES], table("01_build/Raw")[LEAVES])
    x = denominated(raw)
    same(x, table("01_build/Denominated")[LEAVES])
    x = imputation.apply(x, imputation.fit(x, "group-mean", groups=GROUPS), groups=GROUPS).value
    same(x, table("01_build/Imputed")[LEAVES])
    kept = screening.screen(x, min_unit=0.6).units
    assert kept.all()
    same(x[kept], table("01_build/Screened")[LEAVES])
    x = treatment.apply(x, treatment.fit(x))
    same(x, table("01_build/Treated")[LEAVES])
    x = normalisation.apply(x, normalisation.fit(x, "minmax", to=(60, 100), direction=SIGN))
    same(x, table("01_build/Normalised")[LEAVES])
    found, expected = built(x), table("01_build/Aggregated")
    for node in NODES.index:
        same(found[node], expected[node])
    ranks = table("01_build/results_ranks")
    for node in NODES.index:
        by_name = pd.Series(ranking.competition_ranks(found[node]), raw.index)
        same(by_name[ranks.index], ranks[node])


def test_screening_counts_before_imputing_too():
    x = table("01_build/Denominated")
    found = screening.screen(x, min_unit=0.9)
    assert found.units.tolist() == (x.notna().mean(axis=1) >= 0.9).tolist()
    assert not found.units.all()


@pytest.mark.parametrize("stage", ["Raw", "Denominated", "Treated", "Normalised", "Aggregated"])
def test_statistics_of_every_stage(stage):
    expected = table(f"01_build/stats_{stage}", "iCode")
    found = screening.describe(table(f"01_build/{stage}")[expected.index])
    names = {"least": "Min", "greatest": "Max", "mean": "Mean", "median": "Median", "std": "Std"}
    counts = {"observed": "N.Avail", "nonzero": "N.NonZero", "different": "N.Unique"}
    for ours, theirs in {**names, **counts}.items():
        same(getattr(found, ours), expected[theirs])
    if stage != "Aggregated":  # two scores of 100 there differ in the last digit
        same(found.same, expected["N.Same"])
    same(found.skewness, expected["Skew"])
    same(found.kurtosis, expected["Kurt"])


@pytest.mark.parametrize("method", ["mean", "median", "mean_grp", "median_grp"])
def test_imputation(method):
    x = table("01_build/Denominated")[LEAVES]
    ours = {"mean_grp": "group-mean", "median_grp": "group-median"}.get(method, method)
    groups = GROUPS if method.endswith("grp") else None
    found = imputation.apply(x, imputation.fit(x, ours, groups=groups), groups=groups)
    same(found.value, table(f"02_impute/{method}")[LEAVES])
    assert (found.source == x.isna().to_numpy()).all()


def test_imputation_by_the_row_mean_of_scores():
    x = table("01_build/Denominated")[LEAVES]
    found = imputation.apply(x, imputation.fit(x, "row-mean", direction=SIGN)).value
    same(found, table("02_impute/row_mean_norm")[LEAVES])


@pytest.mark.parametrize(
    ("name", "options"),
    [("default", {}), ("winmax1", {"max_winsorised": 1}), ("logplus", {}), ("logorig", {})],
)
def test_treatment_and_its_record(name, options):
    x = table("01_build/Screened")[LEAVES]
    found = treatment.fit(x, **options)
    same(treatment.apply(x, found), table(f"03_treat/{name}_data")[LEAVES])
    record = table(f"03_treat/{name}_details", "iCode").loc[LEAVES]
    for stage in range(3):
        if f"check_SkewKurt{stage}.Skew" in record:
            same(found.skewness[stage, 0], record[f"check_SkewKurt{stage}.Skew"])
            same(found.kurtosis[stage, 0], record[f"check_SkewKurt{stage}.Kurt"])
    tried = found.adopted[0] == 1
    same((found.n_low + found.n_high)[0, tried], record["winsorise.nwin"][tried])
    assert found.passed.all()


@pytest.mark.parametrize(
    ("name", "method", "options"),
    [
        ("minmax_0_100", "minmax", {}),
        ("minmax_1_100", "minmax", {"to": (1, 100)}),
        ("minmax_60_100", "standard", {}),
        ("zscore_0_1", "zscore", {}),
        ("zscore_10_2", "zscore", {"to": (10, 2)}),
        ("rank_min", "rank", {"ties": "min"}),
        ("rank_average", "rank", {}),
        ("prank", "percentile-rank", {"ties": "min"}),
        ("dist2max", "distance-to-max", {}),
        ("dist2targ", "distance-to-target", {"target": META.loc[LEAVES, "Target"].to_numpy(float)}),
        ("scaled_0_50_x100", "scaled", {"lower": 0, "upper": 50}),
    ],
)
def test_normalisation(name, method, options):
    x = table("01_build/Treated")[LEAVES]
    found = normalisation.apply(x, normalisation.fit(x, method, direction=SIGN, **options))
    same(found, table(f"04_normalise/{name}")[LEAVES])


def test_a_fraction_of_the_best_falls_where_less_is_better():
    """The reference divides the loss by the least loss, so a higher loss scores higher; ours is 1 over it."""
    x, expected = table("01_build/Treated")[LEAVES], table("04_normalise/fracmax")[LEAVES]
    found = normalisation.apply(x, normalisation.fit(x, "fraction-of-max", direction=SIGN))
    same(found, np.where(SIGN > 0, expected, 1 / expected))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("amean", {"method": "arithmetic"}),
        ("gmean", {"method": "geometric"}),
        ("genmean_p0.5", {"method": "power", "power": 0.5}),
    ],
)
def test_aggregation_of_complete_scores(name, options):
    x = table("04_normalise/minmax_1_100")[LEAVES].to_numpy()
    expected = table(f"05_aggregate/minmax1_100__{name}")
    found = built(x, **options)
    for node in expected:
        same(found[node], expected[node])


@pytest.mark.parametrize("threshold", ["none", "0.5", "0.8", "1"])
@pytest.mark.parametrize(("name", "method"), [("amean", "arithmetic"), ("gmean", "geometric")])
def test_aggregation_with_missing_scores(name, method, threshold):
    x = table("05_aggregate/missing_input")[LEAVES].to_numpy()
    expected = table(f"05_aggregate/missing__{name}_thresh_{threshold}")
    least = 0.0 if threshold == "none" else float(threshold)
    found = built(x, method=method, min_coverage=least)
    for node in expected:
        same(found[node], expected[node])


def test_effective_weights():
    place = {node: i for i, node in enumerate(NODES.index)}
    parents = [place.get(parent, -1) for parent in NODES["Parent"]]
    found = pd.Series(weighting.effective(NODES["Weight"], parents), NODES.index)
    expected = table("01_build/weights_effective", "iCode")["EffWeight"]
    same(found[expected.index], expected)


def principal_files():
    return sorted(path.stem for path in (GOLDEN / "06_weights").glob("pca_level?_*.csv"))


@pytest.mark.parametrize("name", principal_files())
def test_principal_components_up_to_sign(name):
    expected = table(f"06_weights/{name}", "code")
    found = weighting.components(table("01_build/Aggregated")[expected.index])
    same(np.sqrt(found.variance), expected["sdev"])
    vectors = expected.filter(like="PC").to_numpy()
    same(found.vectors * np.sign((found.vectors * vectors).sum(0)), vectors, rtol=0, atol=1e-12)
    assert (found.vectors.sum(0) > -1e-9).all()


def test_components_as_weights_are_the_first_coefficients():
    for level in (1, 2):
        expected = table(f"06_weights/pca_level{level}", "iCode")
        for node in NODES.index[NODES["Level"] == level + 1]:
            below = NODES.index[NODES["Parent"] == node]
            vector = expected.loc[below, "Weight"].to_numpy()
            found = weighting.components(table("01_build/Aggregated")[below]).vectors[:, 0]
            same(found * np.sign(found @ vector), vector, rtol=0, atol=1e-12)


def test_correlations():
    x = table("01_build/Normalised")[LEAVES]
    long = pd.read_csv(GOLDEN / "07_corr/indicators_pearson.csv")
    square = long.pivot(index="Var1", columns="Var2", values="Correlation")
    same(moments.correlations(x.to_numpy()), square.loc[LEAVES, LEAVES], rtol=0, atol=1e-14)


def test_correlations_with_denominators():
    raw = table("00_inputs/iData")
    for row in pd.read_csv(GOLDEN / "07_corr/denominators_0.3.csv").itertuples():
        pair = raw[[row.Ind, row.Denom]].to_numpy()
        same(moments.correlations(pair, missing="pairwise")[0, 1], row.Corr)


def test_outranking_of_the_six_groups():
    expected = table("07_corr/outrank_matrix_groups")
    groups = NODES.index[NODES["Level"] == 2]
    found = outranking.outranking(table("01_build/Aggregated")[groups], weighting.equal(len(groups)))
    same(found, expected[expected.index], rtol=1e-12)


@pytest.mark.parametrize("level", [1, 2])
def test_leaving_one_out(level):
    expected = table(f"08_reports/remove_level{level}_scores")
    moved = table(f"08_reports/remove_level{level}_meanabsrankdiff", "code")["MeanAbsDiff"]
    x = table("01_build/Normalised")[LEAVES].to_numpy()
    nominal = ranking.competition_ranks(built(x)["QCI"])
    for out in expected.columns.drop("Nominal"):
        found = built(x, NODES["Weight"].drop(out))["QCI"]
        same(found, expected[out])
        same(np.abs(ranking.competition_ranks(found) - nominal).mean(), moved[out])


@pytest.fixture(scope="module")
def panel():
    data = table("00_inputs/iData_panel", ["Time", "uCode"]).sort_index()
    years, units = (data.index.unique(k) for k in (0, 1))
    return data, years, units


def cube(name, data, columns=LEAVES):
    found = table(name, ["Time", "uCode"]).loc[data.index, columns].to_numpy()
    return found.reshape(len(data.index.unique(0)), -1, len(columns))


def test_a_panel_treated_by_year_and_normalised_globally(panel):
    data, years, units = panel
    x = denominated(data).reshape(len(years), len(units), -1)
    same(x, cube("09_panel/globalnorm_Denominated", data))
    x = treatment.apply(x, treatment.fit(x))
    same(x, cube("09_panel/globalnorm_Treated", data))
    pooled = x.reshape(-1, len(LEAVES))
    x = normalisation.apply(x, normalisation.fit(pooled, "standard", direction=SIGN))
    same(x, cube("09_panel/globalnorm_Normalised", data))
    expected = table("09_panel/globalnorm_Aggregated", ["Time", "uCode"])
    found = built(x)
    for node in expected.columns.intersection(NODES.index):
        same(found[node], cube("09_panel/globalnorm_Aggregated", data, [node])[..., 0])


def test_a_panel_normalised_by_year(panel):
    data, years, units = panel
    x = denominated(data).reshape(len(years), len(units), -1)
    x = treatment.apply(x, treatment.fit(x))
    found = built(normalisation.apply(x, normalisation.fit(x, "standard", direction=SIGN)))
    for node in ("QCI", "Level", "Capability"):
        same(found[node], cube("09_panel/localnorm_top", data, [node])[..., 0])


@pytest.mark.parametrize(
    ("name", "method"), [("latest", "latest"), ("constant", "constant"), ("linear-constant", "linear")]
)
def test_imputation_over_time(name, method):
    given = table("09_panel/impute_input", ["Time", "uCode"]).sort_index()
    years = given.index.unique(0).to_numpy(float)
    found = imputation.over_time(given.to_numpy().reshape(len(years), -1, 2), years, method).value
    same(found, cube(f"09_panel/impute_{name}", given, ["grade", "rd"]))


def test_existing_scores_are_those_of_the_general_method():
    x = table("01_build/Treated")[LEAVES].to_numpy()
    low, high = x.min(0) - 1, x.max(0) + 1
    fixed = normalisation.fit(x, "standard", lower=low, upper=high, direction=SIGN)
    same(normalisation.apply(x, fixed), composite.minmax(x, low, high, direction=SIGN))
