from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from qstats.stats import sampling
from qstats.stats.sampling import Sample, StratumError, linearised, variance

# strata 0 (three units of 9), 1 (one of 4), 2 (two of 6), 3 (its one unit is its population)
SAMPLE = Sample(np.array([0, 0, 0, 1, 2, 2, 3]), np.array([9.0, 4, 6, 1]))
z = np.array([1.0, 4, 7, 5, 2, 8, 3])
ONE = csr_array(z[None])
V0 = (1 - 3 / 9) * 3 * np.var([1, 4, 7], ddof=1)
V2 = (1 - 2 / 6) * 2 * np.var([2, 8], ddof=1)


def test_a_single_unit_is_refused_by_number_unless_a_policy_is_named():
    with pytest.raises(StratumError, match=r"stage 1: number 1\. .*collapse.*adjust, average") as caught:
        linearised(ONE, SAMPLE)
    assert (caught.value.strata, caught.value.stage) == ((1,), 1)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("remove", V0 + V2),
        ("certainty", V0 + V2),
        ("adjust", V0 + V2 + (1 - 1 / 4) * (5 - z.mean()) ** 2),
        ("average", (V0 + V2) * 3 / 2),
    ],
)
def test_what_each_policy_adds(policy, expected):
    assert variance(linearised(ONE, SAMPLE, singleton=policy))[0] == pytest.approx(expected, rel=1e-13)


def test_a_census_of_one_unit_is_no_singleton():
    census = replace(SAMPLE, population=np.array([9.0, 1, 6, 1]))
    assert variance(linearised(ONE, census))[0] == pytest.approx(V0 + V2, rel=1e-13)
    average = variance(linearised(ONE, census, singleton="average"))[0]
    assert average == pytest.approx(V0 + V2, rel=1e-13)


# row 0 is seen in one unit of stratum 0 and in both of stratum 2; row 1 everywhere
TWO = csr_array((np.append(z[[1, 4, 5]], z), ([0] * 3 + [1] * 7, [1, 4, 5, *range(7)])), shape=(2, 7))
PAIR = replace(SAMPLE, population=np.array([9.0, 1, 6, 1]))
SEEN0 = (1 - 3 / 9) * 3 * np.var([0, 4, 0], ddof=1)


@pytest.mark.parametrize("policy", ["adjust", "average"])
def test_without_the_switch_a_domain_in_one_unit_is_like_any_other(policy):
    found = variance(linearised(TWO, PAIR, singleton=policy))
    np.testing.assert_allclose(found, [SEEN0 + V2, V0 + V2], rtol=1e-13)


def test_with_the_switch_a_domain_in_one_unit_is_adjusted():
    found = variance(linearised(TWO, PAIR, singleton="adjust", singleton_domain=True))
    mean = z[[1, 4, 5]].sum() / 7
    away = (1 - 3 / 9) * 3 / 2 * ((4 - mean) ** 2 + 2 * mean**2)
    np.testing.assert_allclose(found, [away + V2, V0 + V2], rtol=1e-13)


def test_with_the_switch_a_domain_in_one_unit_is_averaged():
    found = variance(linearised(TWO, PAIR, singleton="average", singleton_domain=True))
    np.testing.assert_allclose(found, [V2 * 2, V0 + V2], rtol=1e-13)


@pytest.mark.parametrize("policy", ["fail", "remove", "certainty"])
def test_the_switch_does_not_concern_policies_that_replace_nothing(policy):
    found = variance(linearised(TWO, PAIR, singleton=policy, singleton_domain=True))
    np.testing.assert_allclose(found, [SEEN0 + V2, V0 + V2], rtol=1e-13)


def test_where_a_row_is_seen_is_said_by_its_entries_or_by_present():
    present = csr_array((np.ones(1), ([0], [0])), shape=(2, 7))  # seen with influence zero
    found = variance(linearised(TWO, PAIR, singleton="average", singleton_domain=True, present=present))
    np.testing.assert_allclose(found, [SEEN0 + V2, V0 + V2], rtol=1e-13)
    stored = csr_array(
        (np.append(TWO.data, 0.0), (np.append(TWO.tocoo().row, 0), np.append(TWO.indices, 0))), shape=(2, 7)
    )
    again = variance(linearised(stored, PAIR, singleton="average", singleton_domain=True))
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("policy", ["remove", "certainty", "adjust", "average"])
def test_a_stratum_that_a_row_is_not_seen_in_adds_nothing_to_it(policy):
    apart = csr_array((z[[4, 5]], ([0, 0], [4, 5])), shape=(1, 7))
    found = variance(linearised(apart, SAMPLE, singleton=policy, singleton_domain=True))
    assert found[0] == pytest.approx(V2, rel=1e-13)


@pytest.mark.parametrize(
    ("policy", "expected"), [("remove", np.nan), ("certainty", 0.0), ("average", np.nan)]
)
def test_a_row_seen_in_single_units_only_has_no_variance_unless_it_is_declared_certain(policy, expected):
    alone = csr_array((z[[3]], ([0], [3])), shape=(1, 7))
    np.testing.assert_array_equal(variance(linearised(alone, SAMPLE, singleton=policy)), [expected])


@pytest.mark.parametrize("policy", ["remove", "certainty", "adjust", "average"])
@pytest.mark.parametrize("domain", [False, True])
def test_covariances_and_combinations_agree_with_variances(policy, domain):
    errors = linearised(TWO, SAMPLE, singleton=policy, singleton_domain=domain)
    V = sampling.covariance(errors)
    np.testing.assert_allclose(np.diag(V), variance(errors), rtol=1e-13)
    assert np.linalg.eigvalsh(V).min() > -1e-12
    difference = variance(sampling.combine(errors, [[1.0, -1.0]]))[0]
    assert difference == pytest.approx(V[0, 0] + V[1, 1] - 2 * V[0, 1], rel=1e-12)
    plain = linearised(TWO, SAMPLE, singleton="remove")
    assert sampling.cross(errors, plain).shape == (2, 2)  # of one sample, whatever the policies


# two stages: stratum 0 has PSUs 0 and 1, stratum 1 has PSU 2; PSU 1 has one SSU
NESTED = Sample(
    np.array([0, 0, 1]),
    np.array([8.0, 5]),
    psu=np.array([0, 0, 1, 2, 2]),
    subpopulation=np.array([6.0, 4, 10]),
)
U = np.array([1.0, 3, 5, 2, 8])
INNER = csr_array(U[None])
FIRST = (1 - 2 / 8) * 2 * np.var([4, 5], ddof=1)
WITHIN = (2 / 8) * (1 - 2 / 6) * 2 * np.var([1, 3], ddof=1)
LAST = (1 - 2 / 10) * 2 * np.var([2, 8], ddof=1)


def test_a_single_unit_at_the_second_stage_is_refused_too():
    two = replace(NESTED, population=np.array([8.0, 1]))
    with pytest.raises(StratumError, match=r"primary units .* stage 2: number 1\.") as caught:
        linearised(INNER, two)
    assert (caught.value.strata, caught.value.stage) == ((1,), 2)
    linearised(
        INNER, replace(two, population=np.array([np.inf, 1]))
    )  # there the second stage is not looked at
    linearised(INNER, replace(two, subpopulation=np.array([6.0, 1, 10])))  # there it is a census


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [
        ("remove", FIRST, WITHIN + LAST / 5),
        ("certainty", FIRST, WITHIN + LAST),  # the unit is declared drawn with probability 1
        (
            "adjust",
            FIRST + (1 - 1 / 5) * (10 - 19 / 3) ** 2,
            WITHIN + LAST / 5 + (2 / 8) * (1 - 1 / 4) * (5 - U.mean()) ** 2,
        ),
        ("average", FIRST * 2, (WITHIN + LAST / 5) * 3 / 2),
    ],
)
def test_policies_at_two_stages(policy, first, second):
    errors = linearised(INNER, NESTED, singleton=policy)
    parts = [variance(sampling.Errors((level,)))[0] for level in errors.levels]
    np.testing.assert_allclose(parts, [first, second], rtol=1e-13)


def test_collapsing_is_relabelling():
    collapsed = Sample(np.array([0, 0, 0, 1, 1, 1, 2]), np.array([9.0, 10, 1]))
    expected = V0 + (1 - 3 / 10) * 3 * np.var([5, 2, 8], ddof=1)
    assert variance(linearised(ONE, collapsed))[0] == pytest.approx(expected, rel=1e-13)
