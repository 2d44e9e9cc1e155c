"""Groups of a survey compared under one model."""

import numpy as np
import pandas as pd
import pytest

from qstats import satisfaction
from qstats.errors import DataError, DesignError, OptionError
from qstats.satisfaction import compare_groups
from qstats.stats.multiplicity import adjusted
from qstats.survey.design import Design

MODEL = pd.DataFrame(
    {
        "construct": ["QUAL", "SAT", "LOY"],
        "parents": ["", "QUAL", "QUAL;SAT"],
        "items": ["q1;q2;q3", "s1;s2;s3", "l1;l2"],
        "label_zh": ["质量", "满意", "忠诚"],
        "label_en": ["quality", "satisfaction", "loyalty"],
    }
)
KEYS = ["kind", "parameter", "group", "compared_with"]


@pytest.fixture
def three(survey):
    """A survey whose third brand is a point and a half less satisfied."""
    lower = survey.copy()
    own = lower["brand"] == "c"
    lower.loc[own, ["s1", "s2", "s3"]] = (lower.loc[own, ["s1", "s2", "s3"]] - 1.5).clip(1, 10)
    return lower


def study(table, **options):
    return satisfaction.study(table, by="brand", model=MODEL, **options)


def test_a_planted_difference_of_the_index_is_found_and_no_other(three):
    table = compare_groups(study(three), permutations=199).table.set_index(KEYS)
    index = table.xs("index", level="kind").droplevel("parameter")
    assert index.loc[("*", "*"), "p"] == pytest.approx(1 / 200)
    assert index.loc[("a", "c"), "p_adjusted"] == pytest.approx(3 / 200)
    assert index.loc[("b", "c"), "estimate"] > 8
    assert index.loc[("a", "b"), "p"] > 0.05
    assert (table.loc["path"].loc["QUAL → SAT"]["p"] > 0.02).all()


def test_values_are_those_of_the_tables_of_the_study(three):
    asked = study(three, replicates=2)
    table = compare_groups(asked, permutations=9).table.query("group == 'a' and compared_with == 'b'")
    own = table.set_index(["kind", "parameter"])
    index = satisfaction.index(asked).table.set_index("brand")["estimate"]
    assert own.loc[("index", "SAT"), "estimate"] == pytest.approx(index["a"] - index["b"], rel=1e-6)
    items = satisfaction.items(asked).query("brand == 'b'").set_index("item")
    for kind in ("weight", "loading"):
        np.testing.assert_allclose(own.loc[kind]["second"], items[kind], rtol=1e-6)
    direct = satisfaction.paths(asked).table.query("effect == 'direct' and brand == 'a'")
    for row in direct.itertuples():
        name = f"{row._3} → {row.to}"
        assert own.loc[("path", name), "first"] == pytest.approx(row.estimate, rel=1e-6)


def test_p_are_adjusted_over_all_parameters_of_a_kind_and_all_pairs(three):
    asked = study(three)
    holm, plain = (
        compare_groups(asked, permutations=49, adjust=a, parameters=["path", "index"]).table
        for a in ("holm", "none")
    )
    pairs = holm.query("kind == 'path' and group != '*'")
    assert len(pairs) == 9
    np.testing.assert_array_equal(pairs["p_adjusted"], adjusted(pairs["p"], method="holm"))
    np.testing.assert_array_equal(plain["p_adjusted"], plain["p"])
    assert (holm["p_adjusted"] > plain["p_adjusted"]).any()


def test_names_of_groups_and_order_of_rows_change_no_p(three):
    two = three[three["brand"] != "b"]
    swapped = two.assign(brand=two["brand"].map({"a": "c", "c": "a"})).sample(frac=1, random_state=1)
    one, other = (compare_groups(study(t), permutations=99).table for t in (two, swapped))
    np.testing.assert_array_equal(one["p"], other["p"])
    np.testing.assert_allclose(one["estimate"], -other["estimate"], rtol=1e-6)
    assert "*" not in set(one["group"])


def test_a_seed_draws_the_same_again(three):
    asked = study(three)
    p = [compare_groups(asked, permutations=49, seed=s, parameters=["path"]).table["p"] for s in (0, 0, 7)]
    assert p[0].equals(p[1])
    assert not p[0].equals(p[2])


def test_responses_make_a_study_of_the_group(three):
    renamed = three.rename(columns={"brand": "group"})
    options = {"permutations": 19, "parameters": ["index"]}
    one = compare_groups(renamed, model=MODEL, **options)
    pd.testing.assert_frame_equal(one.table, compare_groups(study(three), **options).table)
    other = compare_groups(three, by="brand", model=MODEL, design=Design(weight="weight"), **options)
    assert (other.table["estimate"] != one.table["estimate"]).all()
    for argument in ({"by": "brand"}, {"model": MODEL}, {"design": Design()}):
        with pytest.raises(OptionError, match=f"leave out {next(iter(argument))}"):
            compare_groups(study(three), **argument)


def test_convention_and_construct_reach_the_index(three):
    asked, options = study(three, replicates=2), {"permutations": 9, "parameters": ["index"]}
    for convention, of in (("R", "SAT"), ("M", "LOY")):
        found = compare_groups(asked, convention=convention, index_of=of, **options).table
        index = satisfaction.index(asked, convention=convention, index_of=of).table["estimate"]
        pair = found.query("group == 'a' and compared_with == 'c'").iloc[0]
        assert pair["first"] == pytest.approx(index[0], rel=1e-6)
        assert pair["parameter"] == of


def test_whole_clusters_are_permuted_and_crossing_ones_refused(three):
    design = Design(cluster="cluster", weight="weight")
    with pytest.raises(DesignError, match="of 48 clusters lie in several groups"):
        compare_groups(study(three, design=design), permutations=9)
    whole = three.assign(brand=np.array(["a", "b"])[three["cluster"] % 2])
    found = compare_groups(study(whole, design=design), permutations=99)
    rows = compare_groups(study(whole, design=Design(weight="weight")), permutations=99)
    assert any("whole clusters (48)" in note for note in found.notes)
    assert any("labels of respondents" in note for note in rows.notes)
    np.testing.assert_allclose(found.table["estimate"], rows.table["estimate"], rtol=1e-6)
    assert not found.table["p"].equals(rows.table["p"])
    swapped = whole.assign(brand=whole["brand"].map({"a": "b", "b": "a"}))
    other = compare_groups(study(swapped, design=design), permutations=99)
    np.testing.assert_array_equal(found.table["p"], other.table["p"])


def test_clusters_that_only_replicate_weights_know_are_refused(three):
    given = three.assign(r1=1.0, r2=np.where(three["cluster"] % 2, 0.0, 2.0))
    design = Design(weight="weight").replicate(columns=["r1", "r2"], scale=1.0)
    with pytest.raises(DesignError, match="name the cluster"):
        compare_groups(study(given, design=design), permutations=9)


def test_a_group_of_too_few_answers_is_refused_by_name(three):
    few = pd.concat([three[three["brand"] != "c"], three[three["brand"] == "c"].head(8)])
    with pytest.raises(DataError, match=r"brand=c has 8 answers; .* 8 items needs 9"):
        compare_groups(study(few, minimum_n=1), permutations=9)
    left = pd.concat([three[three["brand"] != "c"], three[three["brand"] == "c"].head(20)])
    found = compare_groups(study(left), permutations=9)
    assert set(found.table["group"]) == {"a"}
    assert any("brand=c is not compared" in note for note in found.notes)
    with pytest.raises(DataError, match="1 groups can be compared"):
        compare_groups(study(three[three["brand"] == "a"]), permutations=9)


def test_what_makes_no_sense_is_refused(three):
    with pytest.raises(OptionError, match="outer='group'"):
        compare_groups(study(three, outer="pooled"))
    for argument in ({"adjust": "x"}, {"convention": "x"}, {"parameters": ["x"]}, {"index_of": "X"}):
        with pytest.raises(OptionError, match=next(iter(argument))):
            compare_groups(study(three), **argument)
    with pytest.raises(OptionError, match="parameters"):
        compare_groups(study(three), parameters=[])


def test_items_that_one_group_lost_are_named(three):
    turned = three.copy()
    own = turned["brand"] == "b"
    turned.loc[own, "q3"] = 11 - turned.loc[own, "q3"]
    with pytest.raises(DataError, match="brand=b was fitted without q3"):
        compare_groups(study(turned, negative="drop"), permutations=9)


# strata -----------------------------------------------------------------------------------------


def test_labels_move_within_strata_that_groups_cross(three):
    plain, within = (
        compare_groups(study(three, design=Design(strata=s)), permutations=99) for s in (None, "stratum")
    )
    np.testing.assert_allclose(within.table["estimate"], plain.table["estimate"], rtol=1e-6)
    assert not within.table["p"].equals(plain.table["p"])
    assert any("within 4 strata; 0 of 240" in note for note in within.notes)
    assert within.table["p"].min() == 1 / 100


def test_strata_that_are_the_groups_leave_labels_free(three):
    free = compare_groups(study(three), permutations=49)
    own = compare_groups(study(three, design=Design(strata="brand")), permutations=49)
    assert any("strata are the groups" in note for note in own.notes)
    np.testing.assert_array_equal(own.table["p"], free.table["p"])
    np.testing.assert_allclose(own.table["estimate"], free.table["estimate"], rtol=1e-12)


def test_groups_of_several_strata_of_their_own_are_refused(three):
    nested = three.assign(h=three["brand"] + (three["stratum"] % 2).astype(str))
    with pytest.raises(DesignError, match="6 strata lie in one group each"):
        compare_groups(study(nested, design=Design(strata="h")), permutations=9)


def test_pairs_without_a_common_stratum_have_no_p(three):
    apart = three.assign(h=np.where(three["brand"] == "c", "own", "shared"))
    found = compare_groups(study(apart, design=Design(strata="h")), permutations=19)
    table = found.table.set_index(["group", "compared_with"])
    assert table.loc[("a", "b"), "p"].notna().all() and table.loc[("*", "*"), "p"].notna().all()
    assert table.loc[("a", "c"), "p"].isna().all()
    assert any("a – c: no stratum has both groups" in note for note in found.notes)
