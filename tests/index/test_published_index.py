"""The index on published figures, recomputed here from the CSV files with pandas alone.

Tolerance 1e-10 of a score: the order of the sums differs, nothing else.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.analysis.compare import compare
from qstats.classifications import regions
from qstats.datasets import load, published
from qstats.errors import DataError
from qstats.index.build import competitiveness_index
from qstats.index.contributions import contributions
from qstats.index.inputs import published_indicators
from qstats.indicators.grade_rate import grade_rate
from qstats.stats import composite

DATA = Path(__file__).parents[2] / "data"
YEARS = range(2018, 2024)
CENTRAL = ["山西", "安徽", "江西", "河南", "湖北", "湖南"]
#: year → rank of Anhui among how many provinces, and among the six central ones
ANHUI = {
    2018: (6, 29, 1),
    2019: (8, 30, 1),
    2020: (5, 29, 1),
    2021: (3, 29, 1),
    2022: (10, 29, 2),
    2023: (9, 29, 2),
}


def provinces():
    known = regions()
    return known.loc[known["level"] == "province", "name"].tolist()


def raw(name, year):
    """Return a published table of a year, regions × series, as pandas reads it."""
    table = pd.read_csv(DATA / "published" / f"{name}.csv")
    table = table[(table["year"].astype(str) == str(year)) & table["region"].isin(provinces())]
    return table.pivot_table(index="region", columns="series", values="value", aggfunc="first").astype(float)


def six_indicators(year):
    """Return the six indicators of the development capability of high-tech manufacturing."""
    x = raw("qci_inputs_by_province", year)
    million = x["ht_revenue"] * 100
    return pd.DataFrame(
        {
            "rd_intensity": x["ht_RD_expenditure"] / million,
            "renovation_intensity": x["ht_technical_renovation_expenditure"] / million,
            "patents_per_million": x["ht_invention_patents_in_force"] / million,
            "new_product_share": x["ht_new_product_sales"] / million,
            "average_revenue": x["ht_revenue"] / x["ht_firms"],
            "export_share": 100 * x["ht_new_product_exports"] / x["ht_new_product_sales"],
        }
    )


def leaves(name):
    table = pd.read_csv(DATA / "frameworks" / f"{name}.csv").set_index("code")
    return table[table["direction"].notna()]


def scored(values, name):
    """Return clipped scores of regions × indicators."""
    tree = leaves(name).loc[values.columns]
    share = (values - tree["lower"]) / (tree["upper"] - tree["lower"])
    share = share.mask(np.tile(tree["direction"] < 0, (len(share), 1)), 1 - share)
    return (60 + 40 * share).clip(60, 100)


def half(year):
    """Return the index of the provinces that have all six indicators."""
    given = published_indicators("ht_capability", region=provinces(), period=year)
    complete = six_indicators(year).dropna().index.tolist()
    return competitiveness_index(
        {code: e.where(region=complete) for code, e in given.items()}, "ht_capability"
    )


def ranked(scores):
    return scores.rank(ascending=False, method="min")


@pytest.mark.parametrize("year", YEARS)
def test_the_half_of_every_province_is_what_pandas_makes_of_the_published_series(year):
    scores = scored(six_indicators(year).dropna(), "ht_capability")
    pairs = scores.T.groupby([0, 0, 1, 1, 2, 2]).mean().T
    found = half(year).where(node="development_capability", period=year).table.set_index("region")
    assert set(found.index) == set(scores.index)
    np.testing.assert_allclose(found["estimate"], pairs.mean(axis=1).loc[found.index], rtol=0, atol=1e-10)
    assert (found["coverage"] == 1).all() and (found["n"] == 6).all()
    assert found["std_error"].isna().all()


@pytest.mark.parametrize("year", YEARS)
def test_the_six_indicators_add_up_to_the_half(year):
    index = half(year)
    parts = contributions(index).table.query("depth == 2").groupby("region")["estimate"].sum()
    whole = index.where(node="development_capability").table.set_index("region")["estimate"]
    assert (parts - whole).abs().max() < 1e-10


@pytest.mark.parametrize(("year", "ranks"), ANHUI.items())
def test_the_ranks_of_anhui_in_the_nation_and_among_the_six_central_provinces(year, ranks):
    scores = half(year).where(node="development_capability")
    in_nation, among_six = (
        compare(scores, within=group).where(region="安徽").table[["rank", "of"]].values.tolist()[0]
        for group in ("provinces", "central6")
    )
    assert (*in_nation, among_six[0]) == ranks
    assert among_six[1] == 6
    own = scored(six_indicators(year).dropna(), "ht_capability").mean(axis=1)
    assert (ranked(own)["安徽"], len(own), ranked(own[CENTRAL])["安徽"]) == ranks


@pytest.mark.parametrize("year", YEARS)
def test_every_score_that_was_cut_is_flagged_and_counted(year):
    index = half(year)
    values, tree = six_indicators(year).dropna(), leaves("ht_capability")
    low, high = int((values < tree["lower"]).sum().sum()), int((values > tree["upper"]).sum().sum())
    flags = index.table["flag"].value_counts()
    assert (flags.get("clipped low", 0), flags.get("clipped high", 0)) == (low, high)
    assert low + high >= 10


def test_a_province_without_all_six_is_refused_or_said_to_be_renormalised():
    given = published_indicators("ht_capability", region=["安徽", "西藏"], period=2023)
    index = competitiveness_index(given, "ht_capability", missing="renormalise")
    row = index.where(node="development_capability", region="西藏").table.iloc[0]
    assert (row["flag"], row["n"]) == ("renormalised", six_indicators(2023).loc["西藏"].notna().sum())


def test_the_population_and_the_kind_of_the_bounds_are_said():
    index = half(2023)
    assert index.basis.startswith("高技术制造业")
    assert any("上下限 6 项由框架自定" in note for note in index.notes)


def test_the_bounds_are_the_pooled_percentiles_that_they_are_said_to_be():
    """Six digits are kept of them."""
    pooled = pd.concat([six_indicators(year) for year in YEARS])
    tree = leaves("ht_capability")
    np.testing.assert_allclose(tree["lower"], pooled.quantile(0.05)[tree.index], rtol=1e-5)
    np.testing.assert_allclose(tree["upper"], pooled.quantile(0.95)[tree.index], rtol=1e-5)


def grades_and_losses():
    """Return grade rate and loss rate of the provinces in 2007."""
    x = raw("grade_and_loss_by_province", 2007)
    grade = 1.5 * x["grade_excellent_rate"] + x["grade_first_rate"] + 0.5 * x["grade_qualified_rate"]
    return pd.DataFrame({"grade_rate": grade, "quality_loss_rate": x["quality_loss_rate"]})


def two_of_twelve(lang):
    """Return the index of 2007 from the two of its indicators that were published."""
    shares = {
        name: published(f"grade_{series}_rate", region=provinces(), period=2007).table.set_index("region")[
            "estimate"
        ]
        for name, series in (("superior", "excellent"), ("first", "first"), ("qualified", "qualified"))
    }
    grade = grade_rate(pd.DataFrame(shares).reset_index().assign(output=100.0), by="region")
    loss = published("quality_loss_rate", region=provinces(), period=2007)
    loss = loss.replace(loss.table.drop(columns=["period", "industry"]))
    both = [region for region in shares["first"].index if region in set(loss.table["region"])]
    given = {"grade_rate": grade.where(region=both), "quality_loss_rate": loss.where(region=both)}
    return competitiveness_index(given, "qci", missing="renormalise", lang=lang)


def test_grades_and_losses_of_2007_are_two_of_twelve_indicators_and_said_to_be():
    english, chinese = (two_of_twelve(lang) for lang in ("en", "zh"))
    assert english.notes[0] == "2 of 12 indicators: grade rate of products, quality-loss rate."
    assert chinese.notes[0].startswith("只用了 12 项指标中的 2 项")
    root = english.where(node="qci").table
    np.testing.assert_allclose(root["coverage"], 2 / 12, rtol=1e-12)
    assert (root["n"] == 2).all() and (root["flag"] == "renormalised").all()
    capability = english.where(node="development_capability").table
    assert (capability["flag"] == "missing").all() and capability["estimate"].isna().all()


def test_the_score_of_2007_is_what_pandas_makes_of_the_two():
    expected = scored(grades_and_losses().dropna(), "qci").mean(axis=1)
    found = two_of_twelve("en").where(node="qci").table.set_index("region")["estimate"]
    assert len(found) == len(expected) == 27  # no losses of Liaoning
    np.testing.assert_allclose(found, expected[found.index], rtol=0, atol=1e-10)


def test_without_renormalising_ten_indicators_are_missing():
    parts = grades_and_losses().dropna().reset_index()
    table = parts.melt("region", var_name="indicator", value_name="estimate")[
        ["indicator", "region", "estimate"]
    ]
    with pytest.raises(DataError) as caught:
        competitiveness_index(table, "qci")
    assert len(caught.value.violations) == 10 * 27


def weighted(series, by):
    """Return the mean over provinces of 2007, weighted by a series or plain."""
    x = published(series, region=provinces(), period=2007).table.set_index("region")["estimate"]
    if by is None:
        weights = pd.Series(1.0, x.index)
    else:
        weights = published(by, region=provinces(), period=2007).table.set_index("region")["estimate"]
    used = composite.available_weights(weights.loc[x.index], x.notna())
    return composite.aggregate(x, used)


@pytest.mark.parametrize(
    ("by", "excellent", "first", "qualified", "loss"),
    [
        ("industry_VA", 47.87, 36.20, 15.94, 0.30),
        ("GRP", 47.20, 37.09, 15.71, 0.30),
        (None, 41.28, 37.17, 21.56, 0.28),
    ],
)
def test_weights_matter_and_a_residual_to_the_nation_of_2007_remains(by, excellent, first, qualified, loss):
    names = ["grade_excellent_rate", "grade_first_rate", "grade_qualified_rate", "quality_loss_rate"]
    means = [weighted(name, by) for name in names]
    assert np.round(means, 2).tolist() == [excellent, first, qualified, loss]
    nation = [published(name, region="全国", period=2007).value() for name in names]
    assert nation == [48.46, 37.20, 14.34, 0.25]
    residual = np.abs(np.subtract(means, nation))
    assert residual.max() > 0.5
    assert residual[0] < 1.5 or by is None


def test_the_bounds_of_grades_and_losses_are_pooled_percentiles_too():
    table = load("grade_and_loss_by_province")
    table = table[table["region"].isin(provinces())]
    x = table.pivot(index=["year", "region"], columns="series", values="value")
    grade = 1.5 * x["grade_excellent_rate"] + x["grade_first_rate"] + 0.5 * x["grade_qualified_rate"]
    tree = leaves("qci")
    for code, values in {"grade_rate": grade, "quality_loss_rate": x["quality_loss_rate"]}.items():
        limits = tree.loc[code, ["lower", "upper"]].astype(float)
        np.testing.assert_allclose(limits, values.quantile([0.05, 0.95]), rtol=1e-5, err_msg=code)
