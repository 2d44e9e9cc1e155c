"""Whether groups measure constructs alike."""

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.errors import DataError, DesignError, OptionError
from qstats.satisfaction import measurement_invariance
from qstats.stats.multiplicity import adjusted
from qstats.survey.design import Design

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
        "label_zh": ["质量", "满意", "忠诚"],
        "label_en": ["quality", "satisfaction", "loyalty"],
    }
)
MEASURES = ("correlation", "mean", "log_variance")


def study(table, **options):
    return satisfaction.study(table, by="brand", model=MODEL, replicates=2, negative="keep", **options)


def test_groups_of_one_population_are_invariant_in_every_pair(survey):
    table = measurement_invariance(study(survey), permutations=99)
    assert table[["group", "compared_with"]].drop_duplicates().to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    assert table["construct"].tolist() == ["QUAL", "SAT", "LOY"] * 3
    assert set(table["invariance"]) == {"full"}
    sizes = survey["brand"].value_counts()
    assert table["n"].tolist() == [sizes[a] + sizes[b] for a, b in zip(*_pairs(table), strict=True)]
    for measure in MEASURES:
        expected = adjusted(table[f"p_{measure}"], method="holm")
        np.testing.assert_array_equal(table[f"p_{measure}_adjusted"], expected)


def _pairs(table):
    return table["group"], table["compared_with"]


def test_one_group_with_other_weights_is_found_with_its_construct(answers):
    table = answers(900, 5)
    own = table["brand"] == "c"
    noise = np.random.default_rng(2).integers(1, 11, (int(own.sum()), 1))
    table.loc[own, ["q1"]] = noise  # q1 says nothing of quality there
    found = measurement_invariance(study(table), permutations=199)
    quality = found[found["construct"] == "QUAL"].set_index(["group", "compared_with"])
    assert quality["invariance"].to_dict() == {("a", "b"): "full", ("a", "c"): "none", ("b", "c"): "none"}
    assert (found.loc[found["construct"] != "QUAL", "invariance"] != "none").all()


def test_other_means_leave_partial_invariance(survey):
    lower = survey.copy()
    own = lower["brand"] == "c"
    lower.loc[own, ["s1", "s2", "s3"]] = (lower.loc[own, ["s1", "s2", "s3"]] - 2).clip(1, 10)
    found = measurement_invariance(study(lower), permutations=199)
    satisfied = found[found["construct"] == "SAT"].set_index(["group", "compared_with"])
    assert satisfied["invariance"].to_dict() == {
        ("a", "b"): "full",
        ("a", "c"): "partial",
        ("b", "c"): "partial",
    }
    assert satisfied.loc[("a", "c"), "mean"] > satisfied.loc[("a", "c"), "mean_high"] > 0
    strict = measurement_invariance(study(lower), permutations=199, level=0.999)
    assert set(strict["invariance"]) == {"full"}  # 199 permutations cannot show so little a chance


def test_design_seed_and_adjustment_reach_the_test(survey):
    plain = measurement_invariance(study(survey), permutations=49)
    for design in (Design(weight="weight"), Design(strata="stratum")):
        other = measurement_invariance(study(survey, design=design), permutations=49)
        assert (other["mean_low"] != plain["mean_low"]).all()
    weighted = measurement_invariance(study(survey, design=Design(weight="weight")), permutations=9)
    assert (weighted["correlation"] != plain["correlation"]).all()
    seeded = measurement_invariance(study(survey), permutations=49, seed=3)
    assert (seeded["mean_low"] != plain["mean_low"]).all()
    none = measurement_invariance(study(survey), permutations=49, adjust="none")
    np.testing.assert_array_equal(none["p_mean_adjusted"], plain["p_mean"])
    whole = survey.assign(brand=np.array(["a", "b"])[survey["cluster"] % 2])
    clusters = measurement_invariance(study(whole, design=Design(cluster="cluster")), permutations=49)
    rows = measurement_invariance(study(whole), permutations=49)
    assert (clusters["mean_low"] != rows["mean_low"]).all()


def test_pairs_that_cannot_be_permuted_have_no_verdict(survey):
    apart = survey.assign(h=np.where(survey["brand"] == "c", "own", "shared"))
    found = measurement_invariance(study(apart, design=Design(strata="h")), permutations=9)
    known = found.groupby(["group", "compared_with"])["invariance"].apply(lambda v: v.notna().all())
    assert known.to_dict() == {("a", "b"): True, ("a", "c"): False, ("b", "c"): False}
    assert found["correlation"].notna().all()


def test_what_cannot_be_compared_says_why(survey):
    with pytest.raises(OptionError, match="outer='group'"):
        measurement_invariance(study(survey, outer="pooled"))
    with pytest.raises(DataError, match="a comparison needs two"):
        measurement_invariance(satisfaction.study(survey, model=MODEL, replicates=2))
    with pytest.raises(DesignError, match="clusters lie in several groups"):
        measurement_invariance(study(survey, design=Design(cluster="cluster")))
