import numpy as np
import pandas as pd
import pytest

from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.index.build import competitiveness_index
from qstats.index.hierarchy import add_up, change_effects
from qstats.index.specified import specified_index

REGIONS, INDUSTRIES, YEARS = ("安徽", "江苏", "湖北"), ("钢铁", "纺织"), ("2022", "2023")


@pytest.fixture
def cells():
    """Return values of three indicators in every cell and year."""
    rng = np.random.default_rng(7)
    ends = {"pass": (70, 99), "loss": (0.1, 1.8), "export": (5, 45)}
    rows = [
        (code, year, region, industry, rng.uniform(*limits), 0.01 * limits[1])
        for code, limits in ends.items()
        for year in YEARS
        for region in REGIONS
        for industry in INDUSTRIES
    ]
    return pd.DataFrame(rows, columns=["indicator", "period", "region", "industry", "estimate", "std_error"])


@pytest.fixture
def output(cells):
    keys = cells[["period", "region", "industry"]].drop_duplicates()
    return keys.assign(weight=np.random.default_rng(3).uniform(1, 9, len(keys)))


def value(found, column="estimate", **keys):
    return found.where(**keys).table[column].iloc[0]


def test_the_nation_is_the_same_from_regions_and_from_industries(tree, cells, output):
    found = add_up(competitiveness_index(cells, tree), output)
    for year in YEARS:
        for node in tree["code"]:
            nation = value(found, period=year, node=node, region="all", industry="all")
            for key, names in (("region", REGIONS), ("industry", INDUSTRIES)):
                other = "industry" if key == "region" else "region"
                rows = found.where(period=year, node=node, **{other: "all", key: list(names)}).table
                assert (rows["estimate"] * rows["share"]).sum() == pytest.approx(nation, abs=1e-10)
                assert rows["share"].sum() == pytest.approx(1, abs=1e-12)


def test_totals_are_weighted_means_of_cells_with_their_errors(tree, cells, output):
    index = competitiveness_index(cells, tree)
    one = index.where(period="2023", node="all", region="安徽").table
    V = output[(output["period"] == "2023") & (output["region"] == "安徽")].set_index("industry")["weight"]
    w = V[one["industry"]].to_numpy() / V.sum()
    found = (
        add_up(index, output).where(period="2023", node="all", region="安徽", industry="all").table.iloc[0]
    )
    assert found["estimate"] == pytest.approx(w @ one["estimate"], rel=1e-12)
    assert found["std_error"] == pytest.approx(np.sqrt((w**2) @ one["std_error"] ** 2), rel=1e-12)
    assert found["conf_high"] - found["estimate"] == pytest.approx(1.959964 * found["std_error"], rel=1e-6)


def test_a_cell_without_a_score_is_left_out_and_its_output_is_not_covered(tree, cells, output):
    gone = (cells["period"] == "2023") & (cells["region"] == "安徽") & (cells["industry"] == "钢铁")
    index = competitiveness_index(
        cells.assign(estimate=cells["estimate"].mask(gone)), tree, missing="renormalise"
    )
    found = add_up(index, output)
    at = {"period": "2023", "node": "all", "region": "安徽"}
    assert value(found, **at, industry="all") == pytest.approx(value(index, **at, industry="纺织"))
    V = output[(output["period"] == "2023") & (output["region"] == "安徽")].set_index("industry")["weight"]
    assert value(found, "coverage", **at, industry="all") == pytest.approx(V["纺织"] / V.sum())


def test_weights_without_a_period_are_those_of_every_year(tree, cells, output):
    fixed = output[output["period"] == "2022"].drop(columns="period")
    found = add_up(competitiveness_index(cells, tree), fixed)
    shares = found.where(node="all", region="安徽", industry="all").table["share"]
    assert shares.iloc[0] == pytest.approx(shares.iloc[1])


def test_one_way_is_a_special_case(tree, cells, output):
    one = cells[cells["industry"] == "钢铁"].drop(columns="industry")
    V = output[output["industry"] == "钢铁"].drop(columns="industry")
    found = add_up(competitiveness_index(one, tree), V, over=("region",))
    assert len(found.where(node="all").table) == len(YEARS) * (len(REGIONS) + 1)


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_effects_add_up_to_the_change_of_the_nation(tree, cells, output, mean):
    index = specified_index(cells, tree, steps={"aggregation": mean})
    found = change_effects(index, output, mean=mean)
    national = add_up(index, output).where(node="all", region="all", industry="all")
    moved = national.value(period="2023") - national.value(period="2022")
    assert found["estimate"].sum() == pytest.approx(moved, abs=1e-10)
    assert found.groupby("effect")["estimate"].sum().abs().min() > 1e-3


def test_with_the_same_output_there_is_no_effect_of_structure(tree, cells, output):
    fixed = output[output["period"] == "2022"].drop(columns="period")
    found = change_effects(competitiveness_index(cells, tree), fixed)
    structure = found.loc[found["effect"] == "structure", "estimate"]
    assert structure.abs().max() < 1e-12
    assert found.loc[found["effect"] == "score", "estimate"].abs().sum() > 1


def test_with_the_same_scores_all_is_structure(tree, cells, output):
    first = cells[cells["period"] == "2022"]
    same = pd.concat([first, first.assign(period="2023")])
    found = change_effects(competitiveness_index(same, tree), output)
    assert found.loc[found["effect"] == "score", "estimate"].abs().max() < 1e-12
    assert found.loc[found["effect"] == "structure", "estimate"].abs().sum() > 1e-3


def test_an_effect_of_one_indicator_is_its_change_by_weight(tree, cells, output):
    """Where only one indicator moves, by one point in every cell, it moves the nation by its weight."""
    first = cells[cells["period"] == "2022"].assign(estimate=lambda t: t["estimate"] * 0.9)
    later = first.assign(period="2023", estimate=first["estimate"] + 1.0 * (first["indicator"] == "export"))
    fixed = output[output["period"] == "2022"].drop(columns="period")
    found = change_effects(competitiveness_index(pd.concat([first, later]), tree), fixed)
    by = found.groupby("node")["estimate"].sum()
    assert by["export"] == pytest.approx(0.25 * 40 / 50, abs=1e-10)
    assert by["pass"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.iloc[1:], "1 rows|no usable weight"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "more than one weight"),
        (lambda t: t.assign(weight=-1.0), "not below 0"),
        (lambda t: t.drop(columns="weight"), "lacks columns"),
        (lambda t: t.assign(weight="many"), "'weight' should hold finite numbers; found many"),
        (lambda t: t.assign(weight=np.inf), "'weight' should hold finite numbers; found inf"),
    ],
)
def test_weights_that_cannot_be_used_are_named(tree, cells, output, change, match):
    with pytest.raises(DataError, match=match):
        add_up(competitiveness_index(cells, tree), change(output), lang="en")


def test_the_name_of_the_total_must_be_free(tree, cells, output):
    index = competitiveness_index(cells, tree)
    with pytest.raises(DataError, match="安徽"):
        add_up(index, output, total="安徽")
    assert value(add_up(index, output, total="全国"), region="全国", industry="全国", node="all") > 60


def test_a_key_that_does_not_exist_is_named(tree, cells, output):
    with pytest.raises(OptionError, match="industry"):
        add_up(competitiveness_index(cells, tree), output, over=("industy", "region"))
    index = competitiveness_index(cells, tree)
    for over, match in (
        (["region", "region"], "once"),
        (["period"], "over='period'"),
        (["node"], "over='node'"),
    ):
        with pytest.raises(OptionError, match=match):
            add_up(index, output, over=over)
    with pytest.raises(DataError, match="node missing"):
        add_up(published("QCI"), output, lang="en")
    with pytest.raises(DataError, match="depth missing"):
        change_effects(
            add_up(index, output).where(region=list(REGIONS), industry=list(INDUSTRIES)), output, lang="en"
        )


def test_keys_and_weights_are_read_in_any_spelling(tree, cells, output):
    index = competitiveness_index(cells, tree)
    other = output.assign(
        period=output["period"].astype(float),
        region=output["region"] + "省",
        weight=output["weight"].map(str),
    )
    pd.testing.assert_frame_equal(add_up(index, other).table, add_up(index, output).table)


def test_a_cell_that_closes_is_structure(tree, cells, output):
    """What the nation loses with a cell that scores below it, it gains by structure."""
    first = cells[cells["period"] == "2022"]
    same = pd.concat([first, first.assign(period="2023")])
    gone = (same["period"] == "2023") & (same["region"] == "安徽") & (same["industry"] == "钢铁")
    index = competitiveness_index(same[~gone], tree)
    closed = (output["period"] == "2023") & (output["region"] == "安徽") & (output["industry"] == "钢铁")
    for V in (output, output.assign(weight=output["weight"].mask(closed, 0.0)), output[~closed]):
        national = add_up(index, V).where(node="all", region="all", industry="all")
        found = change_effects(index, V)
        moved = national.value(period="2023") - national.value(period="2022")
        assert found["estimate"].sum() == pytest.approx(moved, abs=1e-10)
        assert found.loc[found["effect"] == "structure", "estimate"].sum() == pytest.approx(moved, abs=1e-10)
        assert len(found[found["effect"] == "structure"]) == len(REGIONS) * len(INDUSTRIES)
