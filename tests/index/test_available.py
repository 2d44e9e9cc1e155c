"""Sizes and availability among the steps: as the index of the table divided, or cut, beforehand."""

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index.sensitivity import sensitivity
from qstats.index.specified import specified_index
from qstats.index.uncertainty import uncertainty

LEAVES = ["pass", "loss", "export"]
SCALE = {"normalisation": {"method": "minmax", "to": (1, 100)}}
SIZES = pd.DataFrame(
    {"region": [f"R{i}" for i in range(8)], "people": [1.0, 2, 3, 4, 5, 6, 7, 8], "output": [4.0, 1] * 4}
)
PER_HEAD = {"sizes": SIZES, "by": {"pass": "people", "export": "people"}}
PER_OUTPUT = {"sizes": SIZES, "by": {"pass": "output"}, "scale": 2.0}


@pytest.fixture
def wide():
    """Return 8 units in two groups; R0 has one value of three, the loss is known of half the others."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.uniform(10, 90, (8, 3)), SIZES["region"], LEAVES)
    table.iloc[0, 1:] = np.nan
    table.iloc[1:4, 1] = np.nan
    return table.assign(group=["a", "b"] * 4).set_index("group", append=True)


def long(wide):
    table = wide.reset_index().melt(["region", "group"], var_name="indicator", value_name="estimate")
    return table[["indicator", "region", "group", "estimate"]]


def scores(found):
    return found.table.pivot(index="region", columns="node", values="estimate")


def built(wide, tree, **given):
    return scores(specified_index(long(wide), tree, **given))


@pytest.fixture
def bare(tree):
    """Return the framework, no indicator of which is in percent."""
    return tree.assign(unit=tree["unit"].where(tree["unit"] == "", "u"))


@pytest.mark.parametrize("option", [PER_HEAD, PER_OUTPUT, PER_HEAD | {"sizes": SIZES.set_index("region")}])
def test_an_index_of_indicators_by_size_is_that_of_the_quotients(wide, bare, option):
    column = next(iter(option["by"].values()))
    divided = wide.copy()
    for code in option["by"]:
        divided[code] = (
            option.get("scale", 1.0)
            * wide[code]
            / SIZES.set_index("region")[column].to_numpy()[:, None].ravel()
        )
    steps = SCALE | {"imputation": "mean"}
    ours = built(wide, bare, steps=steps | {"denomination": option})
    pd.testing.assert_frame_equal(ours, built(divided, bare, steps=steps), rtol=1e-12)
    assert not np.allclose(ours["all"], built(wide, bare, steps=steps)["all"], rtol=1e-3)


def test_units_screened_out_have_no_score_and_no_part_in_that_of_others(wide, bare):
    steps = {"normalisation": "zscore", "imputation": "mean"}
    ours = built(wide, bare, steps=steps | {"screening": {"min_unit": 0.5}})
    assert ours.loc["R0"].isna().all()
    rest = built(wide.drop("R0"), bare, steps=steps)
    pd.testing.assert_frame_equal(ours.drop("R0"), rest, rtol=1e-12)
    assert not np.allclose(built(wide, bare, steps=steps).loc["R1":], rest, rtol=1e-3)


def test_an_indicator_screened_out_leaves_its_weight_to_the_others(wide, bare):
    full = wide.drop("R0")
    steps = SCALE | {"imputation": "mean"}
    ours = built(full, bare, steps=steps | {"screening": {"min_indicator": 0.6}}, missing="renormalise")
    without = full.assign(loss=np.nan)
    rest = built(without, bare, steps=SCALE | {"screening": {"min_indicator": 0.1}}, missing="renormalise")
    assert ours["loss"].isna().all()
    pd.testing.assert_frame_equal(ours, rest, rtol=1e-12)
    assert not np.allclose(ours["all"], built(full, bare, steps=steps)["all"], rtol=1e-3)


def test_a_group_that_is_screened_out_is_not_imputed_from(wide, bare):
    alone = wide.reset_index().assign(group=["x", *["a", "b"] * 3, "a"]).set_index(["region", "group"])
    steps = SCALE | {"imputation": {"method": "group-mean", "groups": "group"}}
    with pytest.raises(DataError, match="nothing is observed"):
        built(alone, bare, steps=steps)
    ours = built(alone, bare, steps=steps | {"screening": {"min_unit": 0.5}})
    assert ours["all"].notna().sum() == 7


@pytest.mark.parametrize(
    ("step", "options"),
    [
        ("denomination", [PER_HEAD, PER_OUTPUT, None]),
        ("screening", [None, {"min_unit": 0.5}, {"min_indicator": 0.6}]),
    ],
)
def test_each_alternative_is_the_index_it_would_be_alone(wide, bare, step, options):
    steps, given = SCALE | {"imputation": "mean"}, {"missing": "renormalise"}
    alone = [built(wide, bare, steps=steps | {step: option}, **given) for option in options]
    found = uncertainty(
        long(wide), bare, steps=steps, alternatives={step: options}, sampling="none", n_runs=3, **given
    )
    mean = found.table.pivot(index="region", columns="node", values="mean")
    every = np.stack([table.to_numpy() for table in alone])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(mean, np.nansum(every, 0) / (~np.isnan(every)).sum(0), rtol=1e-12)
    assert np.nanstd(every, axis=0).max() > 0.1


def test_what_sizes_and_screening_move_is_told_apart_exactly(wide, bare):
    steps = SCALE | {"imputation": "mean"}
    lists = {"denomination": [None, PER_HEAD], "screening": [None, {"min_indicator": 0.6}]}
    found = sensitivity(long(wide), bare, of="score", steps=steps, alternatives=lists, missing="renormalise")
    y = np.array(
        [
            [
                built(wide, bare, steps=steps | {"denomination": d, "screening": s}, missing="renormalise")[
                    "all"
                ]["R5"]
                for s in lists["screening"]
            ]
            for d in lists["denomination"]
        ]
    )
    first = y.mean(1).var() / y.var(), y.mean(0).var() / y.var()
    own = found[(found["region"] == "R5") & (found["node"] == "all")].set_index("factor")["first"]
    np.testing.assert_allclose(own[["denomination", "screening"]], first, rtol=1e-10)
    assert (found["method"] == "exact").all()


def test_a_node_left_without_indicators_is_refused_or_given_up(wide, bare):
    sparse = wide.drop("R0").assign(export=np.nan)
    steps = SCALE | {"imputation": "mean", "screening": {"min_indicator": 0.1}}
    with pytest.raises(DataError, match="no indicator with a weight below trade"):
        built(sparse, bare, steps=steps)
    kept = built(sparse, bare, steps=steps, missing="renormalise")
    np.testing.assert_allclose(kept["all"], kept["level"], rtol=1e-12)


@pytest.mark.parametrize(
    ("steps", "error", "match"),
    [
        ({"denomination": {"by": {"pass": "people"}}}, OptionError, "needs sizes="),
        ({"denomination": PER_HEAD | {"by": {"pas": "people"}}}, OptionError, "Did you mean 'pass'"),
        ({"denomination": PER_HEAD | {"by": {"pass": "peple"}}}, OptionError, "Did you mean 'people'"),
        ({"denomination": PER_HEAD | {"sizes": SIZES[1:]}}, DataError, "missing or twice: R0"),
        (
            {"denomination": PER_HEAD | {"sizes": SIZES.drop(columns="region")}},
            OptionError,
            "none of the keys",
        ),
        (
            {"denomination": PER_HEAD | {"sizes": SIZES.assign(people=0)}},
            DataError,
            "not positive in columns pass",
        ),
        ({"denomination": "people"}, OptionError, "mapping of options"),
        ({"screening": {"min_units": 0.5}}, OptionError, "Did you mean 'min_unit'"),
        ({"screening": {"min_unit": 2}}, OptionError, "min_unit=2 is not a number"),
        ({"screening": 0.5}, OptionError, "mapping of options"),
    ],
)
def test_what_is_misspelt_or_missing_is_named(wide, bare, steps, error, match):
    with pytest.raises(error, match=match):
        built(wide, bare, steps=SCALE | {"imputation": "mean"} | steps)


def test_what_is_screened_out_does_not_count_as_observed(wide, bare):
    steps = SCALE | {"imputation": "mean", "screening": {"min_unit": 0.5}}
    found = specified_index(long(wide), bare, steps=steps).where(node="all")
    assert found.where(region=["R0", "R1", "R4"]).table["n"].tolist() == [0, 2, 3]
