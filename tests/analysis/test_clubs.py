"""Clubs of Estimates: units and their clubs, what is refused, what each option changes."""

import numpy as np
import pytest

import qstats as qs
from qstats.analysis.clubs import clubs
from qstats.classifications import regions
from qstats.errors import DataError, OptionError
from qstats.index.inputs import published_indicators
from qstats.stats import clubs as formulas

YEARS = [str(1990 + i) for i in range(30)]
TIME = np.arange(1, 31)
START = np.array([5, -5, 2, 6, -6, 1, -2.0])
LEVEL = np.repeat([90.0, 60.0], [3, 4])
X = (LEVEL[:, None] + START[:, None] / np.log(TIME + 1) / TIME**0.4) * 1.02**TIME


def rows(values, years=YEARS, names="abcdefghijkl"):
    return [
        (year, names[i], float(v)) for i, y in enumerate(values) for year, v in zip(years, y, strict=True)
    ]


@pytest.fixture
def rate(given):
    return given(rows(X), keys=("period", "region"))


def test_units_are_sorted_into_their_clubs(rate):
    found = clubs(rate, smooth=0)
    members = found.members.set_index("region")["club"]
    assert members.sort_index().tolist() == [1, 1, 1, 2, 2, 2, 2]
    assert found.members["last"].tolist() == sorted(found.members["last"], reverse=True)
    assert found.clubs["club"].tolist() == ["all", "1", "2"]
    assert found.clubs["verdict"].tolist() == ["does not", "converges", "converges"]
    assert found.clubs["units"].tolist() == [7, 3, 4]
    np.testing.assert_allclose(found.clubs["mean_last"][1:], [X[:3, -1].mean(), X[3:, -1].mean()], rtol=1e-9)
    test = formulas.log_t(X)
    assert found.clubs.loc[0, ["b", "std_error", "t"]].tolist() == pytest.approx(list(test[:3]), rel=1e-9)


def test_a_unit_apart_is_in_no_club(given):
    found = clubs(given(rows(np.vstack([X, 300 * 1.08**TIME])), keys=("period", "region")), smooth=0)
    assert found.members.iloc[-1][["region", "club"]].tolist() == ["h", 0]
    last = found.clubs.iloc[-1]
    assert (last["club"], last["units"], last["verdict"]) == ("none", 1, "") and np.isnan(last["t"])


def test_rows_in_any_order_give_the_same(rate):
    turned = rate.replace(rate.table.sample(frac=1, random_state=1))
    assert clubs(turned).members["region"].tolist() == clubs(rate).members["region"].tolist()


def test_options_change_the_answer(given):
    rng = np.random.default_rng(4)
    noisy = given(
        rows(60 + np.cumsum(rng.normal(0.3, 0.8, (10, 30)), 1) + rng.normal(size=(10, 1)) * 4),
        keys=("period", "region"),
    )
    usual = clubs(noisy).clubs
    for option in ({"smooth": 0}, {"logs": True}, {"discard": 0.5}):
        assert clubs(noisy, **option).clubs["t"][0] != pytest.approx(usual["t"][0], rel=1e-6)
    differ = {"order": 0, "sieve": 0, "merge": 0}
    values = {"order": "average", "sieve": 3.0, "merge": False}
    for _ in range(12):
        swings = 60 + np.cumsum(rng.normal(0, 1.5, (10, 30)), 1)
        panel = given(rows(swings), keys=("period", "region"))
        one = clubs(panel, smooth=20).members
        for name, value in values.items():
            other = clubs(panel, smooth=20, **{name: value}).members
            differ[name] += (
                one[["region", "club"]].values.tolist() != other[["region", "club"]].values.tolist()
            )
    assert min(differ.values()) > 0, differ


def test_six_years_of_provinces_are_too_few_and_it_says_how_many_are_needed():
    provinces = regions().query("level == 'province'")["name"].tolist()
    years = list(range(2018, 2024))
    intensity = published_indicators("ht_capability", period=years)["rd_intensity"]
    with pytest.raises(DataError, match="15"):
        qs.clubs(intensity.where(region=provinces), lang="en")


def test_what_has_no_clubs_is_refused(given, rate):
    with pytest.raises(DataError, match="period"):
        clubs(given([("a", 1.0)], keys=("region",)), lang="en")
    with pytest.raises(DataError, match="two units"):
        clubs(given(rows(X[:1]), keys=("period", "region")), lang="en")
    with pytest.raises(DataError, match="same periods"):
        clubs(
            given(
                [*rows(X[:1]), *rows(X[1:2], [str(1991 + i) for i in range(30)], "b")],
                keys=("period", "region"),
            ),
            lang="en",
        )
    with pytest.raises(DataError, match="above 0"):
        clubs(given(rows(X - 100), keys=("period", "region")), lang="en")
    with pytest.raises(DataError, match="above 1"):
        clubs(given(rows(X / 1000), keys=("period", "region")), logs=True, lang="en")


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
def test_every_option_out_of_range_is_refused(rate, value):
    fine = {None: ("lang",), 0: ("smooth", "logs", "sieve", "merge"), -1: ("sieve",)}
    for option in ("smooth", "logs", "discard", "order", "sieve", "merge", "lang"):
        if not isinstance(value, list) and option in fine.get(value, ()):
            continue
        with pytest.raises(OptionError):
            clubs(rate, **{option: value})
            pytest.fail(f"{option}={value!r} was taken")
